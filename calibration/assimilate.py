"""Live assimilation: what is really on hand, from books that drift and looks that are noisy.

Per stock point a bootstrap particle filter (Gordon, Salmond & Smith 1993) over the true stock and
the rate at which units vanish unseen, all stock points at once: arrays are
``(stock points, particles)``. One filter per stock point keeps the number of particles small,
however large the chain is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from twin.errors import RunError

Floats = npt.NDArray[np.float64]

PARTICLES = 500
JUNK = 0.01
"""Share of readings that are taken to be wrong altogether (ten times the noise)."""
LEVELS = (0.05, 0.5, 0.95)

_JUNK_WIDTH = 10.0
_WANDER = 0.004  # how much the log of the shrink rate may change in a period: 8 % in a year
_RARELY = 5  # periods from one such change to the next: its luck costs as much as that of shrink
_SHRINKAGE = 0.98  # of the rates towards their mean when particles are drawn anew
_TOO_FEW = 0.5  # share of effective particles below which they are drawn anew
_SMALL = 1e-9  # units a period: the smallest shrink rate, so that it has a logarithm


class Reading(NamedTuple):
    """One look at the stock points: what was seen and its standard deviation, both in units.

    ``value``: (n,), NaN where nobody looked; ``sd``: (n,), above 0.
    """

    value: Floats
    sd: Floats


class Filter:
    """What is believed of the true stock and the shrink rate of ``n`` stock points.

    Parameters
    ----------
    stock
        ``(n,)``: on hand at the start, as known then, in units.
    start_sd
        ``(n,)``: standard deviation of that.
    shrink
        ``(n,)``: shrink that is expected before anything was seen, in units a period; what is
        believed first is an exponential distribution with this mean.
    particles
        Particles per stock point.
    seed
        The luck.
    known
        ``(n,)``: the rate that was calibrated: half of what is believed first is that it is exactly
        this one, the other half the distribution above. Without it only that.
    renewal
        Share of the particles whose rate is drawn anew from what was believed first, each period,
        and of those that lose a share of their stock at once: a rate that changes is found again,
        and so is a theft; 0: rates only drift.

    Raises
    ------
    RunError
        If a shape or a value is not allowed.
    """

    def __init__(
        self, stock: npt.ArrayLike, *, shrink: npt.ArrayLike, start_sd: npt.ArrayLike = 0.0,
        particles: int = PARTICLES, seed: int = 1, known: npt.ArrayLike | None = None,
        renewal: float = 0.0,
    ) -> None:  # fmt: skip
        if particles < 2:
            msg = f"particles = {particles}; at least 2, some hundreds are useful"
            raise RunError(msg)
        if not 0 <= renewal < 1:
            msg = f"renewal = {renewal:g}; a share from 0 to below 1"
            raise RunError(msg)
        first = np.atleast_1d(np.asarray(stock, np.float64))
        self._shape = first.shape[0], particles
        spread, rate = self._row("start_sd", start_sd), self._row("shrink", shrink)
        self._rng = np.random.Generator(np.random.Philox(seed))
        luck = self._rng.standard_normal(self._shape)
        self._stock = np.maximum(0.0, self._row("stock", first)[:, None] + spread[:, None] * luck)
        self._rate, self._renewal = rate, renewal
        self._known = None if known is None else np.maximum(_SMALL, self._row("known", known))
        self._shrink, self._sure = np.zeros(self._shape), np.zeros(self._shape, bool)
        self._draw_rates(np.nonzero(np.ones(self._shape, bool)))
        self._age = 0
        self._log_weight = np.zeros(self._shape)
        self._weight = np.full(
            self._shape, 1 / particles
        )  # of each particle; those of a point sum to 1

    def step(self, receipts: npt.ArrayLike, issues: npt.ArrayLike, *readings: Reading) -> Floats:
        """Pass one period: goods in and out by the books, then the looks of this period.

        Parameters
        ----------
        receipts, issues
            ``(n,)``: units that came in (received, made) and went out (sold, shipped, used).
        *readings
            Any number of looks.

        Returns
        -------
        numpy.ndarray
            ``(readings, n)``: how each reading stood in what was expected of it, as a standard
            normal score; NaN where nobody looked. Feed :class:`calibration.drift.Cusums` with it.

        Raises
        ------
        RunError
            If a shape or a value is not allowed.
        """
        self.move(receipts, issues)
        scores = np.full((len(readings), self._shape[0]), np.nan)
        for n, reading in enumerate(readings):
            scores[n] = self._score(reading)
            self.look(reading)
        return scores

    def move(self, receipts: npt.ArrayLike, issues: npt.ArrayLike) -> None:
        """Pass one period by the books and by luck, as :meth:`step` does before it looks."""
        net = self._row("receipts", receipts) - self._row("issues", issues)
        self._age += 1
        if self._age % _RARELY == 0:
            wander = np.sqrt(_RARELY) * _WANDER * self._rng.standard_normal(self._shape)
            self._shrink *= np.where(self._sure, 1.0, np.exp(wander))
        if self._renewal:
            self._draw_rates(self._some())
            struck = self._some()
            self._stock[struck] *= self._rng.random(struck[0].size)
        gone = self._rng.poisson(self._shrink)
        self._stock += net[:, None]
        self._stock -= gone
        np.maximum(0.0, self._stock, out=self._stock)

    def look(self, reading: Reading) -> None:
        """Weigh the particles by one look; draw them anew where few are left.

        As :meth:`step` does for each reading, without the work of a score.
        """
        seen, value, sd = self._checked(reading)
        if not seen.any():
            return
        rows = slice(None) if seen.all() else np.flatnonzero(seen)  # a slice copies nothing
        away = (value[rows, None] - self._stock[rows]) / sd[rows, None]
        sure = np.exp(-0.5 * away**2)
        wide = np.exp(-0.5 * (away / _JUNK_WIDTH) ** 2) / _JUNK_WIDTH
        # a floor, so that a reading far from all particles weighs them alike instead of 0 / 0
        found = self._log_weight[rows] + np.log((1 - JUNK) * sure + JUNK * wide + 1e-300)
        self._log_weight[rows] = found
        weight = np.exp(found - found.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        self._weight[rows] = weight
        few = 1 / (weight**2).sum(axis=1) < _TOO_FEW * self._shape[1]
        if few.any():
            self._renew(np.flatnonzero(seen)[few], weight[few])

    def begin(self, reading: Reading) -> None:
        """Believe a first look alone: whatever was held of the stock before it was no knowledge.

        What follows from a flat prior. To weigh the look as well would count it twice.
        """
        seen, value, sd = self._checked(reading)
        rows = np.flatnonzero(seen)
        luck = self._rng.standard_normal((rows.size, self._shape[1]))
        luck *= np.where(self._rng.random(luck.shape) < JUNK, _JUNK_WIDTH, 1.0)
        self._stock[rows] = np.maximum(0.0, value[rows, None] + sd[rows, None] * luck)

    def quantiles(self, levels: npt.ArrayLike = LEVELS) -> tuple[Floats, Floats]:
        """Return what is believed of stock (units) and shrink rate (units a period).

        Parameters
        ----------
        levels
            ``(q,)``, each from 0 to 1.

        Returns
        -------
        tuple of numpy.ndarray
            Two of shape ``(q, n)``.
        """
        at = np.asarray(levels, np.float64)
        return _quantiles(self._stock, self._weight, at), _quantiles(self._shrink, self._weight, at)

    def means(self) -> tuple[Floats, Floats]:
        """Return the means of stock and shrink rate, each ``(n,)``."""
        weight = self._weight
        return (weight * self._stock).sum(axis=1), (weight * self._shrink).sum(axis=1)

    def draw(self, size: int, seed: int = 1) -> Floats:
        """Return draws of the true stock to start an ensemble from: ``(size, n)`` units."""
        rng = np.random.Generator(np.random.Philox(seed))
        places = _systematic(self._weight, rng.random((self._shape[0], 1)), size)
        found = self._stock.ravel()[places]
        return np.ascontiguousarray(rng.permuted(found, axis=1).T)

    def _some(self) -> tuple[Any, ...]:
        """Return the places of the particles that are drawn anew in this period."""
        size = self._shape[0] * self._shape[1]
        number = int(self._rng.binomial(size, self._renewal))
        return np.unravel_index(self._rng.choice(size, number, replace=False), self._shape)

    def _draw_rates(self, where: tuple[Any, ...]) -> None:
        """Draw the rates of some particles from what is believed first."""
        row = where[0]
        drawn = np.maximum(_SMALL, self._rate[row] * self._rng.standard_exponential(row.size))
        if self._known is not None:
            sure = self._rng.random(row.size) < 0.5
            drawn = np.where(sure, self._known[row], drawn)
            self._sure[where] = sure
        self._shrink[where] = drawn

    def state(self) -> bytes:
        """Return all that is believed as bytes: equal for equal histories and seeds."""
        return b"".join(a.tobytes() for a in (self._stock, self._shrink, self._log_weight))

    def _row(self, name: str, given: npt.ArrayLike) -> Floats:
        """Return one finite number of 0 or more for each stock point."""
        row = np.asarray(given, np.float64)
        if row.shape not in ((), self._shape[:1]):
            msg = f"{name} has shape {row.shape}; one number for each of {self._shape[0]} points"
            raise RunError(msg)
        if not (np.isfinite(row) & (row >= 0)).all():
            msg = f"{name} holds {row[~(np.isfinite(row) & (row >= 0))][:1]}; finite, 0 or more"
            raise RunError(msg)
        return np.broadcast_to(row, self._shape[:1])

    def _checked(self, reading: Reading) -> tuple[npt.NDArray[np.bool_], Floats, Floats]:
        """Return where somebody looked, and what was seen with its deviation (else 0 and 1)."""
        seen = np.isfinite(reading.value)
        sd = self._row("sd of a reading", np.where(seen, reading.sd, 1.0))
        if not (sd > 0).all():
            msg = "sd of a reading = 0; no look is exact, give the device's standard deviation"
            raise RunError(msg)
        return seen, np.where(seen, reading.value, 0.0), sd

    def _score(self, reading: Reading) -> Floats:
        """Return how a look stands in what is expected of it, as standard normal scores."""
        seen, value, sd = self._checked(reading)
        away = (value[:, None] - self._stock) / sd[:, None]
        expected = np.clip((self._weight * ndtr(away)).sum(axis=1), 1e-12, 1 - 1e-12)
        return np.where(seen, ndtri(expected), np.nan)

    def _renew(self, rows: npt.NDArray[np.int64], weight: Floats) -> None:
        """Draw the particles of some stock points anew in proportion to their weights.

        Stock and rates are moved by the kernel of Liu & West (2001), which keeps their means and
        variances, so that few particles do not become one.
        """
        luck = self._rng.random((rows.size, 1))
        places = _systematic(weight, luck, self._shape[1])
        a = (3 * _SHRINKAGE - 1) / (2 * _SHRINKAGE)
        width = np.sqrt(1 - a**2)
        stock = self._stock[rows].ravel()[places]
        mean, spread = stock.mean(axis=1, keepdims=True), stock.std(axis=1, keepdims=True)
        luck = self._rng.standard_normal(stock.shape)
        self._stock[rows] = np.maximum(0.0, mean + a * (stock - mean) + width * spread * luck)
        rate = np.log(self._shrink[rows].ravel()[places])
        sure = self._sure[rows] = self._sure[rows].ravel()[places]
        free = np.maximum(1, (~sure).sum(axis=1, keepdims=True))
        mean = np.where(sure, 0.0, rate).sum(axis=1, keepdims=True) / free
        away = np.where(sure, 0.0, rate - mean)
        spread = np.sqrt((away**2).sum(axis=1, keepdims=True) / free)
        moved = mean + a * away + width * spread * self._rng.standard_normal(rate.shape)
        self._shrink[rows] = np.maximum(_SMALL, np.exp(np.where(sure, rate, moved)))
        self._log_weight[rows] = 0.0
        self._weight[rows] = 1 / self._shape[1]


def _systematic(weight: Floats, luck: Floats, size: int) -> npt.NDArray[np.int64]:
    """Return which particles are drawn, ``(n, size)``, by systematic sampling (Kitagawa 1996).

    They are places in the flat array of all particles: a row's stand one after the other.
    """
    n = weight.shape[0]
    ends = np.cumsum(weight, axis=1)
    ends *= size / ends[:, -1:]
    # how many of the evenly spaced points, the first at luck, each particle's end has passed
    passed = np.clip(np.floor(ends - luck) + 1, 0, size).astype(np.int64)
    passed[:, -1] = size
    passed += size * np.arange(n)[:, None]
    # a point belongs to the particle that comes after all those whose end it lies behind
    behind = np.bincount(passed.ravel(), minlength=n * size + 1)[:-1]
    return np.cumsum(behind).reshape(n, size)


def _quantiles(values: Floats, weight: Floats, levels: Floats) -> Floats:
    """Return weighted quantiles of values of 0 or more, ``(levels, n)``.

    The bits of such numbers sort as they do. The last ones of 53 make room for the particle's own
    place: sorting numbers that carry it takes half the time of sorting places by number.
    """
    n, m = values.shape
    mask = (1 << (m - 1).bit_length()) - 1
    order = values.view(np.int64) & ~mask
    order |= np.arange(m)
    order.sort(axis=1)
    order &= mask
    order += m * np.arange(n)[:, None]
    ends = np.cumsum(weight.ravel()[order], axis=1)
    found = [row.searchsorted(at) for row, at in zip(ends, levels * ends[:, -1:], strict=True)]
    places = np.minimum(np.array(found), m - 1)
    return values.ravel()[np.take_along_axis(order, places, axis=1)].T
