"""Means over replications with their intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.sums import Floats

CONFIDENCE = 0.95


class Range(NamedTuple):
    """What one replication's number can be.

    Attributes
    ----------
    low, high
        Its ends.
    yes_no
        Whether it answers yes (1) or no (0), or is the difference of two such answers.
    whole
        Whether it counts whole periods, so that replications are often alike.
    """

    low: float = -np.inf
    high: float = np.inf
    yes_no: bool = False
    whole: bool = False

    def of_difference(self) -> Range:
        """Return what the difference of two such numbers can be."""
        return Range(self.low - self.high, self.high - self.low, self.yes_no, self.whole)


ANY = Range()

FEWEST_APART = 3
"""Replications that differ from the commonest whole number, for their mean to have an interval."""


def interval(values: Floats, within: Range = ANY) -> tuple[float, float, float, int]:
    """Return mean, low and high end of its 95 % interval, and how many values are defined.

    Student's t over the replications that are defined (not NaN), cut off at the ends of what the
    mean can be: that takes away only what is known to be wrong, so it covers the mean as often. Of
    answers (yes or no) Wilson's score interval (Wilson 1927, J. Amer. Statist. Assoc. 22: 209-212),
    which has a width even where all answers are alike; of differences of paired answers that of
    Agresti & Min (2005, Statistics in Medicine 24: 729-740), which has one too.

    Whole periods have none (NaN) where fewer than :data:`FEWEST_APART` replications differ from the
    commonest: what is rare and far away, as a recovery that now and then takes twice as long, was
    then hardly seen or not at all, and the spread of the rest says nothing of it. The ends are NaN
    for fewer than two values too, all are NaN for none.

    Parameters
    ----------
    values
        One number per replication, ``(R,)``.
    within
        What each of them can be.
    """
    found = values[~np.isnan(values)]
    n = int(found.size)
    if n == 0:
        return np.nan, np.nan, np.nan, 0
    mean = float(found.mean())
    if n == 1 or (within.whole and _apart(found) < FEWEST_APART):
        return mean, np.nan, np.nan, n
    if within.yes_no:
        return mean, *(_wilson(mean, n) if within.low == 0 else _agresti_min(found)), n
    half = quantile(n - 1) * float(found.std(ddof=1)) / n**0.5
    # rounding may put the mean a last digit beyond the range: it stays in its interval
    low, high = min(within.low, mean), max(within.high, mean)
    return mean, max(mean - half, low), min(mean + half, high), n


def _apart(values: Floats) -> int:
    """Return how many values differ from the commonest."""
    return int(values.size - np.unique(values, return_counts=True)[1].max())


def _wilson(share: float, n: int) -> tuple[float, float]:
    """Return the ends of the score interval of a share of ``n`` answers."""
    z = quantile(np.inf)
    middle = share + z * z / (2 * n)
    half = z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    low, high = ((middle + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    return min(max(0.0, low), share), max(min(1.0, high), share)


def _agresti_min(apart: Floats) -> tuple[float, float]:
    """Return the ends of the interval of a difference of shares from paired answers, -1, 0 or 1.

    Wald's interval after half a pair was added to each of the four that there can be.
    """
    n = apart.size + 2
    middle = float(apart.sum()) / n
    half = quantile(np.inf) * ((float(np.abs(apart).sum()) + 1 - n * middle**2) / n**2) ** 0.5
    mean = float(apart.mean())
    return min(max(middle - half, -1.0), mean), max(min(middle + half, 1.0), mean)


def quantile(degrees: float) -> float:
    """Return the two-sided 95 % quantile of Student's t; of the normal distribution for infinity."""
    from scipy.special import stdtrit  # a tenth of a second that `import twin` need not wait for

    return float(stdtrit(degrees, 0.5 + CONFIDENCE / 2))
