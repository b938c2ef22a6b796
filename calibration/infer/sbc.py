"""Simulation-based calibration: whether posteriors are right, over all that the prior allows.

Draw values from the prior, simulate data, infer: the true value's rank among posterior draws must be
uniform (Talts, Betancourt, Simpson, Vehtari & Gelman 2018, arXiv 1804.06788). It finds a wrong
inference; it cannot find a wrong model, which :mod:`calibration.infer.misfit` can.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import chisquare

from calibration.infer.abc import Inference

Floats = npt.NDArray[np.float64]

DRAWS = 99
"""Posterior draws per rank: ranks 0 to 99 fall into 20 bins of 5."""
BINS = 20


def ranks(
    inference: Inference, shares: Floats, summaries: Floats, *, seed: int, adjust: bool = True
) -> npt.NDArray[np.int64]:
    """Return the rank of each true value among :data:`DRAWS` posterior draws, ``(n, d)``.

    Parameters
    ----------
    inference
        What is checked.
    shares
        True values as shares of the prior's ranges, drawn from it, ``(n, d)``.
    summaries
        Of data simulated with them, ``(n, p)``.
    seed
        Of the draws.
    adjust
        See :meth:`Inference.posterior`.
    """
    found = np.empty(shares.shape, np.int64)
    for i, (true, observed) in enumerate(zip(shares, summaries, strict=True)):
        drawn = inference.posterior(observed, adjust=adjust).draws(DRAWS, seed + i)
        found[i] = (drawn < true).sum(axis=0)
    return found


def histogram(found: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return how many ranks fall into each of :data:`BINS` bins, ``(BINS, d)``."""
    edges = np.arange(BINS + 1) * (DRAWS + 1) / BINS
    return np.array([np.histogram(column, edges)[0] for column in found.T]).T


def uniformity(found: npt.NDArray[np.int64]) -> Floats:
    """Return the p-value of a chi-square test of uniform ranks for each column, ``(d,)``."""
    p: Any = chisquare(histogram(found), axis=0).pvalue
    return np.asarray(p, dtype=np.float64)


def passes(found: npt.NDArray[np.int64], level: float = 0.01) -> bool:
    """Return whether no column's ranks are less uniform than ``level`` allows (Bonferroni)."""
    p = uniformity(found)
    return bool(p.size == 0 or p.min() > level / p.size)
