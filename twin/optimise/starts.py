"""Where a search begins besides the scenario's own values: the guaranteed-service placement."""

from __future__ import annotations

import math
from collections.abc import Sequence

from twin.compile.rules import first_forecasts
from twin.optimise.guaranteed import placement
from twin.optimise.levers import Lever, cover_of, points_of
from twin.topology import StockPoint, Topology

SAFETY_FACTOR = 1.645
"""z that bounds demand in the placement: 95 % of it."""


def starts(topology: Topology, levers: Sequence[Lever]) -> list[tuple[float, ...]]:
    """Return the values of levers that the guaranteed-service placement asks for, if there is one.

    A stock point covers its net replenishment time τ there: its level is F τ + z σ √τ. Levers for
    several stock points take the largest of them; counts of cards stay as they are.
    """
    found = placement(topology, SAFETY_FACTOR)
    if found is None:
        return []
    first = first_forecasts(topology)

    def value(lever: Lever, point: StockPoint) -> float:
        time = float(found[point.index])
        mean, spread = first.mean[point.index], math.sqrt(first.variance[point.index])
        safety = SAFETY_FACTOR * spread * math.sqrt(time)
        if lever.field in ("level", "reorder_point"):
            return float(mean * time + safety)
        if lever.field == "safety_stock":
            return safety
        if lever.field == "cover":
            return time
        return SAFETY_FACTOR * math.sqrt(time / max(1.0, cover_of(topology, point)))

    return [
        tuple(
            lever.start
            if lever.field in ("cards", "wip_cap")
            else lever.near(max(value(lever, p) for p in points_of(topology, lever)))
            for lever in levers
        )
    ]
