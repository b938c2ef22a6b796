"""Waiting times out of the cumulative curves of what was ordered and what was closed."""

from __future__ import annotations

import numpy as np

from twin.jit import njit
from twin.sums import Floats

_SAME = 1e-9  # relative tolerance of the cumulative curves, as in the engine's account


@njit
def wait_units(ordered: Floats, closed: Floats, first: int) -> Floats:
    """Return how many units waited how long, first in first out, ``(periods, K)``.

    Parameters
    ----------
    ordered, closed
        Cumulative curves at period end, ``(periods, sinks, K)``.
    first
        First period whose orders count. Units that are still open at the end are left out.
    """
    periods, n, K = ordered.shape
    out = np.zeros((periods, K))
    for s in range(n):
        for k in range(K):
            at = ordered[first - 1, s, k] if first > 0 else 0.0
            t = first
            for then in range(first, periods):
                end = ordered[then, s, k]
                slack = _SAME * max(1.0, end)
                t = max(t, then)
                while end - at > slack:
                    while t < periods and closed[t, s, k] - at <= slack:
                        t += 1
                    if t == periods:
                        break
                    stop = min(end, closed[t, s, k])
                    out[t - then, k] += stop - at
                    at = stop
                at = end
    return out
