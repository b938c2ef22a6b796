"""Means over replications with their intervals."""

from __future__ import annotations

import numpy as np

from twin.sums import Floats

CONFIDENCE = 0.95


def interval(values: Floats) -> tuple[float, float, float, int]:
    """Return mean, low and high end of its 95 % interval, and how many values are defined.

    Student's t over the replications that are defined (not NaN); the ends are NaN for fewer than
    two, all are NaN for none.

    Parameters
    ----------
    values
        One number per replication, ``(R,)``.
    """
    found = values[~np.isnan(values)]
    n = int(found.size)
    if n == 0:
        return np.nan, np.nan, np.nan, 0
    mean = float(found.mean())
    if n == 1:
        return mean, np.nan, np.nan, 1
    half = quantile(n - 1) * float(found.std(ddof=1)) / n**0.5
    return mean, mean - half, mean + half, n


def quantile(degrees: int) -> float:
    """Return the two-sided 95 % quantile of Student's t."""
    from scipy.special import stdtrit  # a tenth of a second that `import twin` need not wait for

    return float(stdtrit(degrees, 0.5 + CONFIDENCE / 2))
