"""How good a forecast of chance was: one set of scores for everything that is back-tested.

A forecast is a sample: draws of a simulation, or quantiles at evenly spaced levels (then the score
is that of the step function through them). Lower is better.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def levels(n: int) -> Floats:
    """Return ``n`` evenly spaced levels: ``(i + 1/2) / n``, ``(n,)``."""
    return (np.arange(n) + 0.5) / n


def crps(samples: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
    """Return the continuous ranked probability score of samples, in the unit of ``y``.

    ``E|X - y| - E|X - X'| / 2`` over the sample (Gneiting & Raftery 2007, eq. 21), which is the
    integral of the squared distance between the sample's step function and that of ``y``.

    Parameters
    ----------
    samples
        ``(..., m)``.
    y
        What happened, ``(...)``.
    """
    x = np.sort(np.asarray(samples, np.float64), axis=-1)
    m = x.shape[-1]
    away = np.abs(x - np.asarray(y, np.float64)[..., None]).mean(axis=-1)
    # the mean of |X - X'| over all pairs, from the sorted sample in one pass
    apart = (x * (2 * np.arange(m) + 1 - m)).sum(axis=-1) * 2 / m**2
    return np.asarray(away - apart / 2)


def crps_quantiles(quantiles: npt.ArrayLike, at: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
    """Return the same score from a few quantiles: twice the mean pinball loss.

    Parameters
    ----------
    quantiles
        ``(..., m)``, rising.
    at
        Their levels, ``(m,)``; each stands for the levels nearest to it.
    y
        What happened, ``(...)``.
    """
    q, a = np.asarray(quantiles, np.float64), np.asarray(at, np.float64)
    edges = np.concatenate([[0.0], (a[1:] + a[:-1]) / 2, [1.0]])
    gap = np.asarray(y, np.float64)[..., None] - q
    loss = np.where(gap >= 0, a, a - 1) * gap
    return np.asarray(2 * (loss * np.diff(edges)).sum(axis=-1))


def pit(samples: npt.ArrayLike, y: npt.ArrayLike, rng: np.random.Generator) -> Floats:
    """Return where what happened stands in each sample, 0 to 1; uniform if the forecast is right.

    Randomised among ties (counts), so that it is uniform for discrete forecasts as well
    (Czado, Gneiting & Held 2009).
    """
    x, seen = np.asarray(samples, np.float64), np.asarray(y, np.float64)[..., None]
    below, same = (x < seen).sum(axis=-1), (x == seen).sum(axis=-1)
    return np.asarray((below + rng.random(below.shape) * (same + 1)) / (x.shape[-1] + 1))


def interval(samples: npt.ArrayLike, level: float = 0.9) -> tuple[Floats, Floats]:
    """Return the central interval of samples ``(..., m)`` that holds a share ``level`` of them."""
    ends = np.quantile(np.asarray(samples, np.float64), ((1 - level) / 2, (1 + level) / 2), axis=-1)
    return ends[0], ends[1]


def coverage(low: npt.ArrayLike, high: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Return the share of ``y`` inside its interval, ends included; NaN if there is none."""
    inside = (np.asarray(low) <= np.asarray(y)) & (np.asarray(y) <= np.asarray(high))
    return float(inside.mean()) if inside.size else float("nan")


def interval_score(
    low: npt.ArrayLike, high: npt.ArrayLike, y: npt.ArrayLike, level: float = 0.9
) -> Floats:
    """Return the width of intervals plus ``2 / (1 - level)`` times what was missed.

    Gneiting & Raftery 2007, eq. 43.
    """
    lo, hi, seen = (np.asarray(x, np.float64) for x in (low, high, y))
    missed = np.maximum(lo - seen, 0.0) + np.maximum(seen - hi, 0.0)
    return np.asarray(hi - lo + 2 / (1 - level) * missed)
