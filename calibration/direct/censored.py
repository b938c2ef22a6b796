"""Durations of which some are only known to be longer, or not longer, than something.

Goods still on the way are right-censored: leaving them out keeps the quick ones and makes every
lead time look too short. On a lane where nothing overtakes, what arrives together with something
sent earlier may have had to wait behind it: it is left-censored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

Floats = npt.NDArray[np.float64]
_TINY = 1e-300
_ROUNDS, _STILL = 500, 1e-6


class Durations(NamedTuple):
    """Durations between ``low`` and ``high``, ``(n,)`` each: equal where it was seen exactly.

    ``high`` is infinite where it was still going on; ``low`` is 0 where it took at most ``high``.
    """

    low: Floats
    high: Floats

    @property
    def exact(self) -> npt.NDArray[np.bool_]:
        """Which were seen exactly."""
        return self.low == self.high

    def of(self, where: Any) -> Durations:
        """Return some of them."""
        return Durations(self.low[where], self.high[where])


@dataclass(frozen=True)
class Curve:
    """A distribution over observed times: ``mass`` at ``times``; what is missing to 1 lies beyond.

    ``tail`` is asked for quantiles that lie beyond the last time.
    """

    times: Floats
    mass: Floats
    tail: Callable[[float], float] = lambda p: float("inf")

    def quantile(self, p: float) -> float:
        """Return the smallest time by which a share ``p`` is over."""
        reached = np.flatnonzero(np.cumsum(self.mass) >= p - 1e-12)
        return float(self.times[reached[0]]) if reached.size else max(
            self.tail(p), float(self.times[-1]) if self.times.size else 0.0
        )  # fmt: skip


def kaplan_meier(d: Durations, tail: bool = True) -> Curve:
    """Return the distribution of durations of which some are still going on.

    Kaplan & Meier 1958 (:func:`scipy.stats.ecdf`); with left-censored ones the self-consistent
    estimate of Turnbull 1976, which is the same where there are none.

    Parameters
    ----------
    d
        Durations.
    tail
        Beyond the longest observed one, go on with a fitted lognormal distribution.
    """
    left = (d.low < d.high) & np.isfinite(d.high)
    if left.any() or not d.exact.any():
        times, mass = _turnbull(d)
    else:
        data = stats.CensoredData.right_censored(d.low, ~d.exact)
        cdf = stats.ecdf(data).cdf
        times, mass = cdf.quantiles, np.diff(cdf.probabilities, prepend=0.0)
    some = mass > 0
    more = {"tail": _tail(d)} if tail and np.isinf(d.high).any() else {}
    return Curve(times[some], mass[some], **more)


def _tail(d: Durations) -> Callable[[float], float]:
    def beyond(p: float) -> float:
        fitted = fit(d, "lognormal")
        return float(fitted.quantile(p))

    return beyond


def _turnbull(d: Durations) -> tuple[Floats, Floats]:
    """Expectation-maximisation over the seen times and one place beyond all of them."""
    times = np.unique(d.high[np.isfinite(d.high)])
    places = np.append(times, np.inf)
    least = np.where(d.exact, d.low, np.nextafter(d.low, np.inf))  # longer than, not as long as
    fits = (places >= least[:, None]) & (places <= d.high[:, None])
    mass = np.full(places.size, 1 / places.size)
    for _ in range(_ROUNDS):
        share = fits * mass
        new = (share / np.maximum(share.sum(axis=1, keepdims=True), _TINY)).mean(axis=0)
        done = np.abs(new - mass).max() < _STILL
        mass = new
        if done:
            break
    return times, mass[:-1]


@dataclass(frozen=True)
class Fitted:
    """A distribution fitted to durations: ``kind``, mean, standard deviation over mean.

    ``log_mean_cv`` and ``covariance`` describe what is not sure: the logarithms of mean and cv are
    about normal.
    """

    kind: str
    mean: float
    cv: float
    log_likelihood: float
    covariance: Floats

    @property
    def log_mean_cv(self) -> Floats:
        """Logarithms of mean and cv, ``(2,)``."""
        return np.log([self.mean, self.cv])

    def quantile(self, p: npt.ArrayLike) -> Floats:
        """Return the time by which a share ``p`` is over."""
        return np.asarray(_law(self.kind, self.mean, self.cv).ppf(p))


def fit(d: Durations, kind: str, whole: bool = False) -> Fitted:
    """Return the most likely ``lognormal``, ``gamma`` or ``weibull`` distribution.

    Parameters
    ----------
    d
        Durations; some above 0 must have been seen.
    kind
        Name of the distribution.
    whole
        They were rounded to whole numbers, as those of a scenario are: a 3 means 2.5 to 3.5.
    """
    low, high = d
    if whole:
        low = np.where(d.exact, np.maximum(low - 0.5, 0.0), low + 0.5)
        high = high + 0.5
    exact = low == high
    seen = np.where(np.isfinite(high), (low + high) / 2, low)
    start = np.log([max(seen.mean(), 1e-3), np.clip(seen.std() / max(seen.mean(), 1e-9), 0.05, 3)])

    def loss(theta: Floats) -> float:
        law = _law(kind, *np.exp(np.clip(theta, -15, 15)))
        density = law.logpdf(np.where(exact, np.maximum(low, 1e-9), 1.0))
        between = np.log(np.maximum(law.sf(low) - law.sf(high), _TINY))
        return -float(np.where(exact, density, between).sum())

    # a very narrow distribution fits a few equal values ever better; a cv of 1 % is narrow enough
    bounds = [(None, None), (np.log(0.01), np.log(10))]
    found = optimize.minimize(loss, start, method="Nelder-Mead", bounds=bounds,
                              options={"xatol": 1e-5, "fatol": 1e-7, "maxiter": 2000})  # fmt: skip
    mean, cv = np.exp(found.x)
    return Fitted(kind, float(mean), float(cv), -float(found.fun), inverse_curvature(loss, found.x))


def _law(kind: str, mean: float, cv: float) -> Any:
    if kind == "lognormal":
        s = np.sqrt(np.log1p(cv**2))
        return stats.lognorm(s, scale=mean * np.exp(-(s**2) / 2))
    if kind == "gamma":
        return stats.gamma(1 / cv**2, scale=mean * cv**2)
    shape = weibull_shape(cv)
    return stats.weibull_min(shape, scale=mean / special.gamma(1 + 1 / shape))


def weibull_shape(cv: float) -> float:
    """Return the shape whose standard deviation over mean is ``cv``."""

    def away(log_shape: float) -> float:
        k = np.exp(-log_shape)
        two = special.gammaln(1 + 2 * k) - 2 * special.gammaln(1 + k)
        return float(two - np.log1p(cv**2))

    return float(np.exp(optimize.brentq(away, np.log(0.05), np.log(300.0))))


def inverse_curvature(loss: Callable[[Floats], float], at: Floats, step: float = 1e-3) -> Floats:
    """Return the inverse of the curvature of a loss: the covariance of what minimises it."""
    n = at.size
    unit = step * np.eye(n)
    curve = np.empty((n, n))
    for i in range(n):
        for j in range(i + 1):
            four = [loss(at + a * unit[i] + b * unit[j]) for a in (1, -1) for b in (1, -1)]
            curve[i, j] = curve[j, i] = (four[0] - four[1] - four[2] + four[3]) / (4 * step**2)
    values, vectors = np.linalg.eigh(curve)
    # flat or bent the wrong way: nothing is known in this direction beyond a factor of about e
    values = np.where(values > 1.0, values, 1.0)
    return np.asarray((vectors / values) @ vectors.T)
