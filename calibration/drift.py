"""Drift alarms: a two-sided CUSUM whose threshold is calibrated to a stated false-alarm rate.

Something that was estimated (a lead time, a yield, a sensor's noise) is watched by how each new
observation stands among those it was estimated from: as a standard normal score. Page's (1954)
cumulative sums of these scores rise when the reality has moved. Textbook thresholds do not know how
long is watched nor from how little the reference was estimated: :func:`threshold` simulates both.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import binom

from twin.errors import RunError

Floats = npt.NDArray[np.float64]

ALLOWANCE = 0.3
"""Half the shift, in standard deviations, that is looked for: smaller ones are let pass."""
FALSE_ALARMS = 0.02
LENGTH = 600
"""Observations over which that share of alarms is false."""

_REPEATS = 4000


class Alarm(NamedTuple):
    """A drift: when it was found, when it began, which way it goes; times as they were given."""

    at: int
    began: int
    direction: Literal["up", "down"]


def scores(values: npt.ArrayLike, reference: npt.ArrayLike, seed: int = 1) -> Floats:
    """Return how new values stand among those of a reference, as standard normal scores.

    The rank of a value among the reference, drawn evenly from the gap it falls into, is uniform if
    nothing has changed, whatever the distribution; ties (whole days) are broken by luck.

    Parameters
    ----------
    values
        ``(n,)`` new observations, in order.
    reference
        ``(m,)`` those that the estimate was made from.
    seed
        The luck of the ranks.

    Raises
    ------
    RunError
        If there are fewer than 20 values of reference, or a value is not finite.
    """
    new, old = np.asarray(values, np.float64), np.sort(np.asarray(reference, np.float64))
    if old.size < 20:
        msg = f"{old.size} values of reference; at least 20, or no drift can be told from luck"
        raise RunError(msg)
    if not (np.isfinite(new).all() and np.isfinite(old).all()):
        msg = "a value is not a finite number; leave missing observations out"
        raise RunError(msg)
    rng = np.random.Generator(np.random.Philox(seed))
    low, high = np.searchsorted(old, new, "left"), np.searchsorted(old, new, "right")
    return np.asarray(ndtri((low + rng.random(new.shape) * (high - low + 1)) / (old.size + 1)))


def threshold(
    *, reference: int | None = None, allowance: float = ALLOWANCE,
    false_alarms: float = FALSE_ALARMS, length: int = LENGTH, seed: int = 1,
    repeats: int = _REPEATS,
) -> float:  # fmt: skip
    """Return the threshold at which a share of undisturbed watches raises an alarm.

    Parameters
    ----------
    reference
        Number of observations that scores are made from (:func:`scores`); none: the distribution
        is known exactly. The smaller it is, the higher the threshold.
    allowance
        As :class:`Cusum`.
    false_alarms
        Share of watches without any change that may raise an alarm, above 0 and below 1.
    length
        Observations of one watch.
    seed, repeats
        Luck and number of the simulated watches.

    Returns
    -------
    float
        The quantile of the highest sums, so chosen that with 95 % confidence no more than the
        stated share is false; the same for every continuous distribution, since scores are made
        from ranks.

    Raises
    ------
    RunError
        If the share is none, or too small for so few repeats.
    """
    if not 0 < false_alarms < 1:
        msg = f"false_alarms = {false_alarms:g}; a share above 0 and below 1"
        raise RunError(msg)
    rng = np.random.Generator(np.random.Philox(seed))
    z = rng.standard_normal((repeats, length))
    if reference is not None:
        for row in z:
            row[:] = scores(row, rng.standard_normal(reference), seed=int(rng.integers(2**31)))
    sums, highest = Cusums(repeats, np.inf, allowance), np.zeros(repeats)
    for t in range(length):
        sums.step(z[:, t], t)
        highest = np.maximum(highest, np.maximum(sums.up, sums.down))
    # so many of the watches may alarm that the true share is below the stated one (95 % sure)
    allowed = int(binom.ppf(0.05, repeats, false_alarms)) - 1
    if allowed < 0:
        msg = f"repeats = {repeats}; too few to tell a share of {false_alarms:g}, take more"
        raise RunError(msg)
    return float(np.sort(highest)[repeats - 1 - allowed])


class Cusums:
    """Cumulative sums of scores of many things at once, two of each, and the alarms they raise.

    Parameters
    ----------
    number
        How many things are watched.
    threshold
        Sum at which an alarm is raised, from :func:`threshold`.
    allowance
        What each score must exceed to count, in standard deviations.

    Attributes
    ----------
    up, down
        The sums, one for each direction, ``(number,)``; they stand still after an alarm.
    alarms
        The alarm of each thing that has raised one; there is only one of each.
    """

    def __init__(self, number: int, threshold: float, allowance: float = ALLOWANCE) -> None:
        self.threshold, self.allowance = threshold, allowance
        self.up, self.down = np.zeros(number), np.zeros(number)
        self.alarms: dict[int, Alarm] = {}
        self._quiet = np.ones(number, bool)
        self._up_from, self._down_from = np.zeros((2, number), np.int64)

    def step(self, scores: Floats, t: int) -> list[int]:
        """Take one more score of each thing, and return which of them raise an alarm now.

        Parameters
        ----------
        scores
            ``(number,)``, NaN where there is none.
        t
            When it was: an alarm says so, and of the first score that counted towards it.
        """
        taken = self._quiet & ~np.isnan(scores)
        self._up_from[taken & (self.up == 0)] = t
        self._down_from[taken & (self.down == 0)] = t
        up = np.maximum(0.0, self.up + scores - self.allowance)
        down = np.maximum(0.0, self.down - scores - self.allowance)
        self.up, self.down = np.where(taken, up, self.up), np.where(taken, down, self.down)
        over = taken & (np.maximum(self.up, self.down) > self.threshold)
        raised: list[int] = np.flatnonzero(over).tolist()
        for i in raised:
            rising = self.up[i] >= self.down[i]
            began = int(self._up_from[i] if rising else self._down_from[i])
            self.alarms[i] = Alarm(t, began, "up" if rising else "down")
            self._quiet[i] = False
        return raised
