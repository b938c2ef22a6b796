"""What the model's data collector keeps after each step: numbers read off arrays, not off agents.

Each is a function of the model; all are means over its replications.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from twin.arrays import LINK, ROW, SINK, SINK_SUM, Table

if TYPE_CHECKING:
    from agents.model import TwinModel


def _share(table: Table, part: int, whole: int, K: int) -> float:
    """Share of two sums over sinks per replication, then the mean; nan if the whole is nothing."""
    parts, wholes = table[part].reshape(-1, K).sum(axis=0), table[whole].reshape(-1, K).sum(axis=0)
    some = wholes > 0
    return float((parts[some] / wholes[some]).mean()) if some.any() else float("nan")


def fill_rate(model: TwinModel) -> float:
    """Share of the units demanded since period 0 that were served in their period."""
    sums = model.sim.world.sink_sums
    return _share(sums, SINK_SUM.filled, SINK_SUM.demand, model.replications)


def on_time(model: TwinModel) -> float:
    """Share of the units due since period 0 that came within the tolerated time."""
    sums = model.sim.world.sink_sums
    return _share(sums, SINK_SUM.on_time, SINK_SUM.due, model.replications)


def demand(model: TwinModel) -> float:
    """Units demanded by customers in the last period."""
    return float(model.sim.world.sinks[SINK.demand].sum()) / model.replications


def backlog(model: TwinModel) -> float:
    """Units owed to customers."""
    return float(model.sim.world.sinks[SINK.owed].sum()) / model.replications


def on_hand(model: TwinModel) -> float:
    """Units on hand at all stock points, all items together."""
    return float(model.sim.world.rows[ROW.on_hand].sum()) / model.replications


def stock_value(model: TwinModel) -> float:
    """Value of what is on hand, in the scenario's currency."""
    stock = model.sim.world.rows[ROW.on_hand].reshape(-1, model.replications)
    return float(np.sum(model.item_values @ stock)) / model.replications


def on_the_way(model: TwinModel) -> float:
    """Units in transport or in work, all items together."""
    return float(model.sim.world.links[LINK.on_way].sum()) / model.replications


REPORTERS: Mapping[str, Callable[[TwinModel], float]] = {
    f.__name__: f for f in (fill_rate, on_time, demand, backlog, on_hand, stock_value, on_the_way)
}
