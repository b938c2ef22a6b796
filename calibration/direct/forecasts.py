"""Forecasts of chance for one series: the candidates among which the chooser chooses.

Every candidate takes what was seen and returns quantiles of the next periods, so that one score
serves all. A season is a factor per place in it, taken out first and put back at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from calibration.scores import levels

Floats = npt.NDArray[np.float64]
Forecaster = Callable[[Floats, int], Floats]
"""From the history without its season ``(n,)`` and the horizon to quantiles ``(horizon, M)``."""

M = 99
"""Quantiles of each forecast, at evenly spaced levels."""

WINDOW = 26
"""Periods that the candidates without memory of more look back on."""

_LEVELS = levels(M)
_ALPHAS = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8])
_LEAST = 1e-9
_CYCLES = 4  # cycles from which a deviation per place can be seen


class Season(NamedTuple):
    """Factors of mean 1, one for each place in the season, and the place of the next period.

    ``doubt``: by how much the variance about the season is larger than that of the history, from
    which the factors were taken: what they fitted of its noise is missing there, and is noise of
    the next period. With ``c`` cycles and a share ``k`` of the factors kept it is
    ``(1 + k k / c) / (1 - (2 k - k k) / c)``. ``power``: the deviation in a place grows with its
    factor to this power: 1/2 for counts of many customers, 1 where all moves together.
    """

    factor: Floats
    next: int
    doubt: float = 1.0
    power: float = 1.0

    @classmethod
    def of(cls, y: Floats, length: int) -> Season:
        """Estimate the factors as means over cycles of ``y / level``; none if it is too short.

        The level is a centred mean over one season. What a factor differs from 1 is kept only as
        far as it stands out of the noise between cycles (a share as of James & Stein 1961).
        """
        if length < 2 or y.size < 2 * length:
            return cls(np.ones(1), 0)
        level = _centred(y, length)
        ratio = y / np.maximum(level, _LEAST)
        usable = np.isfinite(ratio) & (level > 0)
        place = np.arange(y.size) % length
        count = np.bincount(place[usable], minlength=length)
        mean = np.bincount(place[usable], ratio[usable], length) / np.maximum(count, 1)
        mean = np.where(count > 0, mean, 1.0)
        mean /= max(mean.mean(), _LEAST)
        noise = ((ratio - mean[place])[usable] ** 2).sum() / max(usable.sum() - length, 1)
        signal = max(mean.var() - noise / max(count.mean(), 1), 0.0)
        keep = signal / max(mean.var(), _LEAST)
        cycles = max(count.mean(), 2.0)
        doubt = (1 + keep**2 / cycles) / (1 - (2 * keep - keep**2) / cycles)
        factor = np.maximum(1 + keep * (mean - 1), 0.05)
        power = _power(factor, ratio[usable] - mean[place[usable]], place[usable])
        return cls(factor, y.size % length, doubt, power)

    def out(self, y: Floats) -> Floats:
        """Return a history without its season."""
        return np.asarray(y / self.factor[np.arange(y.size) % self.factor.size])

    def back(self, quantiles: Floats) -> Floats:
        """Return quantiles ``(horizon, M)`` with the season of the next periods, and its doubt."""
        quantiles = widened(quantiles, float(np.sqrt(self.doubt)))
        place = (self.next + np.arange(quantiles.shape[0])) % self.factor.size
        spread = self.factor ** (self.power - 1)
        spread /= np.sqrt((spread**2).mean())
        middle = np.median(quantiles, axis=1, keepdims=True)
        apart = spread[place][:, None] * (quantiles - middle)
        return np.asarray(self.factor[place][:, None] * np.maximum(middle + apart, 0.0))


def _power(factor: Floats, off: Floats, place: npt.NDArray[np.int64]) -> float:
    """Return how the deviation grows with the factor: the slope of their logarithms, 1/2 to 1."""
    count = np.bincount(place, minlength=factor.size)
    square = np.bincount(place, off**2, factor.size) / np.maximum(count, 1)
    if count.min() < _CYCLES or (square <= 0).any() or np.ptp(factor) < 0.05:
        return 1.0
    x = np.log(factor) - np.log(factor).mean()
    slope = (x * np.log(square) / 2).sum() / (x**2).sum()
    return float(np.clip(slope, 0.5, 1.0))


def _centred(y: Floats, length: int) -> Floats:
    """Return the mean over the season around each period; at the ends that of the nearest one."""
    weights = np.ones(length + 1 - length % 2)
    if length % 2 == 0:
        weights[[0, -1]] = 0.5
    inner = np.convolve(np.nan_to_num(y), weights / weights.sum(), "valid")
    return np.pad(inner, (y.size - inner.size) // 2, mode="edge")


def seasonal_naive(y: Floats, horizon: int, length: int) -> Floats:
    """Return last season's values about which the errors of the past spread, normal and above 0.

    With ``length`` 1 it is the naive forecast, whose variance grows with the horizon.
    """
    lag = length if y.size > length else 1
    error = np.sqrt(np.nanmean((y[lag:] - y[:-lag]) ** 2))
    steps = np.arange(horizon)
    centre = y[y.size - lag + steps % lag]
    return _normal(centre, error * np.sqrt(1 + steps // lag))


def negative_binomial(y: Floats, horizon: int) -> Floats:
    """Expect counts about the mean of the last :data:`WINDOW` periods (or Poisson)."""
    recent = y[-WINDOW:]
    return _counts(np.full(horizon, recent.mean()), recent.var(ddof=1), recent.size)


def smoothed_counts(y: Floats, horizon: int) -> Floats:
    """Expect counts about an exponentially smoothed level, as far off as its one-step errors."""
    _, level, errors = _smooth(y)
    return _counts(np.full(horizon, max(level[-1], 0.0)), float((errors**2).mean()), y.size)


def zero_inflated(y: Floats, horizon: int) -> Floats:
    """Expect zeros with the share seen, else one unit and a negative binomial rest."""
    return _hurdle(y[-WINDOW:], horizon, lambda x, at: 1 + _counts_at(x - 1, at))


def gamma(y: Floats, horizon: int) -> Floats:
    """Expect zeros with the share seen, else gamma demand of the moments seen."""
    return _hurdle(y[-WINDOW:], horizon, _gamma_at)


def empirical(y: Floats, horizon: int) -> Floats:
    """Expect what was seen in the last :data:`WINDOW` periods again, each with equal chance."""
    return np.tile(np.quantile(y[-WINDOW:], _LEVELS, method="median_unbiased"), (horizon, 1))


def ets(y: Floats, horizon: int) -> Floats:
    """Smooth exponentially (Hyndman et al. 2008, simple form), with normal errors that add up."""
    alpha, level, errors = _smooth(y)
    sd = _spread(errors, y.size) * np.sqrt(1 + np.arange(horizon) * alpha**2)
    return _normal(np.full(horizon, level[-1]), sd)


def theta(y: Floats, horizon: int) -> Floats:
    """Apply the theta method (Assimakopoulos & Nikolopoulos 2000): smoothing, half the slope as drift."""
    n = y.size
    slope = np.polyfit(np.arange(n), y, 1)[0] if n > 2 else 0.0
    alpha, level, errors = _smooth(y)
    steps = np.arange(1, horizon + 1)
    drift = slope / 2 * (steps - 1 + (1 - (1 - alpha) ** n) / alpha)
    sd = _spread(errors, n) * np.sqrt(1 + np.arange(horizon) * alpha**2)
    return _normal(level[-1] + drift, sd)


CANDIDATES: dict[str, Forecaster] = {
    one.__name__: one
    for one in (
        negative_binomial, smoothed_counts, zero_inflated, gamma, empirical, ets, theta
    )
}  # fmt: skip
"""Those among which the chooser chooses, by name."""


def forecast(name: str, y: Floats, horizon: int, season: int = 1) -> Floats:
    """Return quantiles of the next periods by one candidate, ``(horizon, M)``, 0 or more.

    Parameters
    ----------
    name
        One of :data:`CANDIDATES`, or ``naive`` or ``seasonal_naive``.
    y
        What was seen, oldest first, ``(n,)``; NaN: missing.
    horizon
        Periods ahead.
    season
        Periods of a season; 1: none. Used where two seasons were seen.
    """
    if name in ("naive", "seasonal_naive"):
        return seasonal_naive(_filled(y), horizon, season if name == "seasonal_naive" else 1)
    pattern = Season.of(y, season)
    rest = pattern.out(y)
    rest = rest[~np.isnan(rest)]
    return np.maximum(pattern.back(CANDIDATES[name](rest, horizon)), 0.0)


def widened(quantiles: Floats, by: float) -> Floats:
    """Return quantiles ``(..., M)`` further from their median by a factor, but not below 0."""
    middle = np.median(quantiles, axis=-1, keepdims=True)
    return np.asarray(np.maximum(middle + by * (quantiles - middle), 0.0))


def _filled(y: Floats) -> Floats:
    """Return a history in which the last known value stands for missing ones."""
    known = ~np.isnan(y)
    last = np.maximum.accumulate(np.where(known, np.arange(y.size), 0))
    return np.asarray(y[last][np.argmax(known) :])


def _smooth(y: Floats) -> tuple[float, Floats, Floats]:
    """Return the best weight, the level after each period, and the one-step errors."""
    first = y[: min(y.size, 4)].mean()
    level = np.full(_ALPHAS.size, first)
    path = np.empty((y.size + 1, _ALPHAS.size))
    path[0] = level
    for t, value in enumerate(y):
        level = level + _ALPHAS * (value - level)
        path[t + 1] = level
    errors = y[:, None] - path[:-1]
    best = int(np.argmin((errors**2).sum(axis=0)))
    return float(_ALPHAS[best]), path[1:, best], errors[:, best]


def _spread(errors: Floats, n: int) -> float:
    return float(np.sqrt((errors**2).sum() / max(n - 2, 1)))


def _normal(centre: Floats, sd: npt.ArrayLike) -> Floats:
    wide = np.maximum(np.broadcast_to(np.asarray(sd, np.float64), centre.shape), _LEAST)
    quantiles = centre[:, None] + wide[:, None] * stats.norm.ppf(_LEVELS)
    return np.asarray(np.maximum(quantiles, 0.0))


def _counts(mean: Floats, variance: float, n: int) -> Floats:
    """Return quantiles of counts; their mean is itself only known from ``n`` periods."""
    variance = variance * (1 + 1 / max(n, 1))
    return np.array([_count_quantiles(m, variance, _LEVELS) for m in mean])


def _counts_at(x: Floats, at: Floats) -> Floats:
    return _count_quantiles(x.mean(), x.var(ddof=1) if x.size > 1 else x.mean(), at)


def _count_quantiles(mean: float, variance: float, at: Floats) -> Floats:
    if mean <= _LEAST:
        return np.zeros(at.size)
    if variance <= 1.001 * mean:
        return np.asarray(stats.poisson.ppf(at, mean))
    return np.asarray(stats.nbinom.ppf(at, mean**2 / (variance - mean), mean / variance))


def _gamma_at(x: Floats, at: Floats) -> Floats:
    mean, variance = x.mean(), x.var(ddof=1) if x.size > 1 else 0.0
    if variance <= _LEAST * mean**2:
        return np.full(at.size, mean)
    return np.asarray(stats.gamma.ppf(at, mean**2 / variance, scale=variance / mean))


def _hurdle(x: Floats, horizon: int, positive: Callable[[Floats, Floats], Floats]) -> Floats:
    some = x[x > 0]
    zero = (x.size - some.size + 0.5) / (x.size + 1) if some.size < x.size else 0.0
    quantiles = np.zeros(M)
    above = zero <= _LEVELS
    if some.size and above.any():
        quantiles[above] = positive(some, (_LEVELS[above] - zero) / (1 - zero))
    return np.tile(quantiles, (horizon, 1))
