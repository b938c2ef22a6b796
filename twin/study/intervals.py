"""Statistics of studies that a single run does not need: shares, tails, resampling."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from twin.errors import RunError
from twin.problems import show
from twin.statistics import ANY, CONFIDENCE, Range, interval, quantile
from twin.sums import Floats

Statistic = Callable[[Floats], Floats]
"""Turns samples, ``(..., R)``, into one number each, ``(...)``."""

REPEATS = 2_000
"""Resamples of a bootstrap interval; its ends move by about 2 % of its width from seed to seed."""

_CELLS = 4_000_000


def wilson(yes: int, n: int) -> tuple[float, float, float]:
    """Return a share with the ends of its 95 % interval.

    Wilson's score interval, the one that :func:`twin.statistics.interval` gives for answers.

    Parameters
    ----------
    yes, n
        How many of how many.

    Raises
    ------
    RunError
        Unless 0 <= yes <= n and n >= 2.
    """
    if not 0 <= yes <= n or n < 2:
        msg = f"{show(yes)} of {show(n)}; must be how many of two or more were so"
        raise RunError(msg)
    return interval(np.repeat([1.0, 0.0], [yes, n - yes]), Range(0, 1, True))[:3]


def intervals(samples: Sequence[Floats], within: Range = ANY) -> Floats:
    """Return what :func:`twin.statistics.interval` gives for each of some samples, the same bits.

    Parameters
    ----------
    samples
        Numbers of one KPI each, ``(R,)``; lengths may differ.
    within
        What each number can be.

    Returns
    -------
    numpy.ndarray
        Mean, low and high end, and how many are defined, ``(samples, 4)``.
    """
    found = np.empty((len(samples), 4))
    sizes = np.array([x.size for x in samples], int)
    for size in np.unique(sizes):
        at = np.flatnonzero(sizes == size)
        values = np.array([samples[int(i)] for i in at])
        whole = ~np.isnan(values).any(axis=1) & (size > 1) & (not (within.yes_no or within.whole))
        for i in at[~whole].tolist():
            found[i] = interval(samples[i], within)
        if whole.any():
            found[at[whole]] = _student(values[whole], within)
    return found


def _student(values: Floats, within: Range) -> Floats:
    """Return Student's interval of each row of numbers that are all defined."""
    n = values.shape[1]
    mean = values.mean(axis=1)
    half = quantile(n - 1) * values.std(axis=1, ddof=1) / n**0.5
    low = np.maximum(mean - half, np.minimum(within.low, mean))
    high = np.minimum(mean + half, np.maximum(within.high, mean))
    return np.column_stack([mean, low, high, np.full(mean.size, n)])


def cvar(values: Floats, level: float = 0.95, worst: str = "high") -> Floats:
    """Return the conditional value at risk: the mean of the worst ``1 - level`` of the values.

    Of ``R`` values the worst ``(1 - level) R`` count, the last of them by its fraction
    (Rockafellar & Uryasev 2002, J. Banking & Finance 26: 1443-1471, eq. 25). Where that is less
    than one value it is the worst of all, and says nothing beyond: take more replications.

    Parameters
    ----------
    values
        Samples, ``(..., R)``; NaN are not allowed.
    level
        Share of the values that are not bad enough, above 0 and below 1.
    worst
        Which end is bad: ``high`` (costs) or ``low`` (profits, service).

    Returns
    -------
    numpy.ndarray
        ``(...)``, in the unit of the values.

    Raises
    ------
    RunError
        If the level or the end is none, or there are no values.
    """
    found = np.asarray(values, float)
    if not 0 < level < 1 or worst not in ("high", "low") or found.size == 0:
        msg = (
            f"cvar of {found.size} values at level = {show(level)}, worst = {show(worst)}; must be "
            "one or more values, a level above 0 and below 1, and 'high' or 'low'"
        )
        raise RunError(msg)
    ordered = np.sort(found, axis=-1)
    ordered = ordered[..., ::-1] if worst == "high" else ordered
    R = ordered.shape[-1]
    tail = round((1.0 - level) * R, 9)  # 0.2 x 10 values are 2, not 1.9999999999999996
    if tail <= 1.0:
        return np.asarray(ordered[..., 0])
    weights = np.clip(tail - np.arange(R), 0.0, 1.0)
    return np.asarray(ordered @ weights / weights.sum())


def bootstrap(
    values: Floats, statistic: Statistic, *, repeats: int = REPEATS, seed: int = 1
) -> tuple[float, float, float]:
    """Return a statistic of some values with the ends of its 95 % interval by resampling.

    The percentile interval with its width corrected for small samples: resampling by chance
    underrates the spread by ``sqrt((n - 1) / n)`` and the normal quantile by Student's, so the ends
    are taken at shares that lie further out (Hesterberg 2015, American Statistician 69: 371-386,
    section 5.3). Replications are resampled whole, so pairs stay pairs if they are subtracted
    first. It cannot see beyond the worst value: of the mean of a tail take it as a lower bound of
    the doubt. The ends are NaN for fewer than two values, all are NaN for none.

    Parameters
    ----------
    values
        One number per replication, ``(R,)``; NaN are left out.
    statistic
        Works along the last axis: ``lambda x: x.mean(-1)``, :func:`cvar` ...
    repeats
        Resamples.
    seed
        Luck of the resampling.
    """
    found = np.asarray(values, float)
    found = found[~np.isnan(found)]
    n = found.size
    if n == 0:
        return np.nan, np.nan, np.nan
    mean = float(statistic(found))
    if n == 1:
        return mean, np.nan, np.nan
    luck = np.random.default_rng(seed)
    step = max(1, _CELLS // n)
    drawn = [
        statistic(found[luck.integers(0, n, (min(step, repeats - k), n))])
        for k in range(0, repeats, step)
    ]
    share = _tail_share(n)
    low, high = np.quantile(np.concatenate(drawn), [share, 1.0 - share])
    return mean, float(min(low, mean)), float(max(high, mean))


def _tail_share(n: int) -> float:
    """Return the share of resamples left out on each side, less than 2.5 % of small samples."""
    from scipy.special import ndtr, stdtrit

    t = stdtrit(n - 1, 0.5 + CONFIDENCE / 2)
    return float(ndtr(-t * (n / (n - 1)) ** 0.5))
