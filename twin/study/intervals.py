"""Statistics of studies that a single run does not need: shares, tails, resampling."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from twin.errors import RunError
from twin.statistics import Range, interval
from twin.sums import Floats

Statistic = Callable[[Floats], Floats]
"""Turns samples, ``(..., R)``, into one number each, ``(...)``."""

REPEATS = 2_000
_CELLS = 4_000_000


def wilson(yes: int, n: int) -> tuple[float, float, float]:
    """Return a share with the ends of its 95 % interval (Wilson 1927, as in twin.statistics).

    Parameters
    ----------
    yes, n
        How many of how many.

    Raises
    ------
    RunError
        Unless 0 <= yes <= n and n > 0.
    """
    if not 0 <= yes <= n or n == 0:
        msg = f"{yes} of {n}; give how many of how many (at least one) were so"
        raise RunError(msg)
    if n == 1:  # an interval of two equal halves needs two values: the score interval does not
        low, high = _score(float(yes), 1)
        return float(yes), low, high
    mean, low, high, _ = interval(np.repeat([1.0, 0.0], [yes, n - yes]), Range(0, 1, True))
    return mean, low, high


def _score(share: float, n: int) -> tuple[float, float]:
    from twin.statistics import quantile

    z = quantile(np.inf)
    middle = share + z * z / (2 * n)
    half = z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))
