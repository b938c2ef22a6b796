"""Does the model fit at all? Where it does not, a posterior is just as narrow, and wrong.

The observation is compared with replicates that the calibrated model makes of it. Its p-value is its
place among them: were the model true, observation and replicates would be alike, so that each of the
B + 1 is the farthest from the middle equally often. That holds for any number of replicates and any
distribution, where comparing a Mahalanobis distance with its chi-square limit does not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]

REPLICATES = 199
LEVEL = 0.01
_RIDGE = 1e-3
_LEAST = 1e-9


class Misfit(NamedTuple):
    """How well the model fits one stock point.

    Attributes
    ----------
    p_value
        Share of observation and replicates at least as far out as the observation.
    worst
        Summaries that lie farthest out (name or column number, distance in sd of the replicates).
    pit
        Place of each summary among the replicates, 0 to 1, ``(p,)``: the second witness.
    tenths
        Mean and variance, over replicates in place of the observation, of how many of their places
        fall in each tenth, ``(10, 2)``: what a right model shows, dependent as summaries are.
    """

    p_value: float
    worst: tuple[tuple[int, float], ...]
    pit: Floats
    tenths: Floats

    @property
    def flagged(self) -> bool:
        """Whether the model should not be trusted here, at :data:`LEVEL`."""
        return self.p_value <= LEVEL


def misfit(observed: Floats, replicates: Floats, worst: int = 3) -> Misfit:
    """Compare an observation with replicates of it.

    Parameters
    ----------
    observed
        Summaries, ``(p,)``.
    replicates
        Summaries of simulations with draws from its posterior, ``(B, p)``.
    worst
        How many of the worst summaries are named.
    """
    every = np.concatenate([observed[None], replicates])
    distance = _distances(every)
    p_value = float((distance >= distance[0] * (1 - 1e-9)).mean())
    spread = replicates.std(axis=0)
    away = np.abs(observed - replicates.mean(axis=0)) / np.maximum(spread, _LEAST)
    order = np.argsort(-away)[:worst]
    below = (replicates < observed).sum(axis=0) + 0.5 * (replicates == observed).sum(axis=0)
    named = tuple((int(i), float(away[i])) for i in order)
    return Misfit(p_value, named, (below + 0.5) / (len(replicates) + 1), _tenths(replicates))


def _tenths(replicates: Floats) -> Floats:
    """Return mean and variance of the tenths in which each replicate's places among all lie."""
    places = (stats.rankdata(replicates, axis=0) - 0.5) / len(replicates)
    counts = ((10 * places).astype(np.int64)[:, :, None] == np.arange(10)).sum(axis=1)
    return np.column_stack([counts.mean(axis=0), counts.var(axis=0)])


def _distances(points: Floats) -> Floats:
    """Return squared Mahalanobis distances from the mean of all points, ``(n,)``.

    All points are treated alike, the first too: that makes their order of distance fair.
    """
    spread = points.std(axis=0)
    z = (points - points.mean(axis=0)) / np.maximum(spread, _LEAST)
    cov = z.T @ z / len(z) + _RIDGE * np.eye(z.shape[1])
    return np.asarray(np.einsum("np,np->n", z @ np.linalg.inv(cov), z))
