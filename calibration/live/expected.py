"""What customers are expected to order: draws of the calibrated scenario, and scores among them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

import twin
from twin.schema import Scenario
from twin.topology import build

Floats = npt.NDArray[np.float64]

DRAWS = 64
"""Replications that expected demand is read from."""
AHEAD = 400
"""Periods for which demand is expected, from the first one that is watched."""

_CELLS = 10_000_000  # numbers of one recorded series


class Demand:
    """Customers' orders as the calibrated scenario has them.

    Parameters
    ----------
    scenario
        The calibrated scenario.
    first
        The first period that is watched.
    seed
        The luck by which ties are broken.

    Attributes
    ----------
    rows
        Stock points that customers order from.
    """

    def __init__(self, scenario: Scenario, first: int, seed: int) -> None:
        sinks = build(scenario).sinks
        recorded = any(d.values is not None for d in scenario.demand)
        horizon = scenario.horizon if recorded else max(scenario.horizon, first + AHEAD)
        draws = int(np.clip(_CELLS // max(1, horizon * len(sinks)), 20, DRAWS))
        result = twin.run(scenario, replications=draws, record=("sinks.demand",), baseline=False,
                          threads=1, horizon=horizon)  # fmt: skip
        series = result.series["sinks.demand"]
        self.rows = sorted({s.row for s in sinks})
        self._draws = np.zeros((series.shape[0], len(self.rows), draws))
        for s in sinks:
            self._draws[:, self.rows.index(s.row)] += series[:, s.index]
        low, high = np.quantile(self._draws, (0.05, 0.95), axis=2)
        self._bands = np.array([low, self._draws.mean(axis=2), high])
        self._rng = np.random.Generator(np.random.Philox(seed))

    def band(self, t: int) -> Floats:
        """Return 5 %, the mean and 95 % of what is expected, ``(3, rows)``; NaN beyond the horizon."""
        if t >= self._bands.shape[1]:
            return np.full((3, len(self.rows)), np.nan)
        return self._bands[:, t]

    def scores(self, t: int, seen: Floats) -> Floats:
        """Return how orders ``(rows,)`` stand among the draws, as standard normal scores.

        Ties are broken by luck; NaN where nothing was seen or expected.
        """
        if t >= self._draws.shape[0]:
            return np.full(seen.size, np.nan)
        draws = self._draws[t]
        below, up_to = (draws < seen[:, None]).sum(axis=1), (draws <= seen[:, None]).sum(axis=1)
        luck = self._rng.random(seen.size)
        score = ndtri((below + luck * (up_to - below + 1)) / (draws.shape[1] + 1))
        return np.where(np.isfinite(seen), score, np.nan)
