"""Where things are: names of a series' things, dates of periods, tables by stage, site, owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.errors import RunError
from twin.money import LINES, costs, rates
from twin.names import nearest
from twin.schema import Scenario
from twin.sums import Floats, field, ratio
from twin.topology import StockPoint, Topology

if TYPE_CHECKING:
    import pandas as pd

    from twin.engine import Outcome

ROW_SUMS = ("rows.on_hand", "rows.backlog", "rows.order")
SINK_SUMS = ("sinks.demand", "sinks.delivered", "sinks.filled", "sinks.on_time", "sinks.due")
_KEYS = {
    "stage": lambda p: p.stage,
    "site": lambda p: p.site.name,
    "owner": lambda p: p.site.who,
    "item": lambda p: p.item.name,
}


def row_sums(o: Outcome) -> dict[str, Floats]:
    """Return what tables by place need of each stock point, added over replications, ``(n,)``."""
    value = rates(o.plan).value[:, None] * field(o, "rows.on_hand")
    parts = {name: field(o, name) for name in ROW_SUMS}
    parts |= {"value": value} | {f"cost.{line}": x for line, x in costs(o).items()}
    return {name: x.sum(axis=1) for name, x in parts.items()}


def sink_sums(o: Outcome) -> dict[str, Floats]:
    """Return what tables by place need of each sink, added over replications, ``(s,)``."""
    return {name: field(o, name).sum(axis=1) for name in SINK_SUMS}


def table(
    top: Topology, what: str, rows: Mapping[str, Floats], sinks: Mapping[str, Floats]
) -> dict[str, list[Any]]:
    """Return stock, orders, backlog, service and cost by place: column name -> values.

    Stock and backlog are means at period end, orders and cost means per period; the service
    columns are NaN where no customers order.

    Parameters
    ----------
    top
        The network.
    what
        ``stage``, ``site``, ``owner`` or ``item``.
    rows, sinks
        Means over replications of the sums over the window, by stock point and sink.
    """
    periods = top.scenario.horizon - top.scenario.warmup
    names = _groups(top, what)
    at = np.array([names.index(_key(p, what)) for p in top.points])
    from_sinks = np.array([at[s.row] for s in top.sinks])

    def of_rows(name: str) -> Floats:
        return np.bincount(at, rows[name], len(names)).astype(float)

    def of_sinks(name: str) -> Floats:
        return np.bincount(from_sinks, sinks[f"sinks.{name}"], len(names)).astype(float)

    lines = {f"{line}_cost": of_rows(f"cost.{line}") / periods for line in LINES}
    columns = {
        "stock": of_rows("rows.on_hand") / periods,
        "stock_value": of_rows("value") / periods,
        "orders": of_rows("rows.order") / periods,
        "backlog": of_rows("rows.backlog") / periods,
        "fill_rate": ratio(of_sinks("filled"), of_sinks("demand")),
        "on_time": ratio(of_sinks("on_time"), of_sinks("due")),
        "cost": np.sum(list(lines.values()), axis=0),
        **lines,
    }
    return {what: list(names), **{name: x.tolist() for name, x in columns.items()}}


def _key(point: StockPoint, what: str) -> str:
    found: str = _KEYS[what](point)
    return found


def _groups(top: Topology, what: str) -> list[str]:
    """Return the names of the places that have stock points, in the scenario's order."""
    if what not in _KEYS:
        msg = f"no table by '{what}'; {nearest(what, _KEYS)}"
        raise RunError(msg)
    there = {_key(p, what) for p in top.points}
    order = {
        "stage": top.stages(),
        "site": [s.name for s in top.scenario.sites],
        "owner": list(dict.fromkeys(s.who for s in top.scenario.sites)),
        "item": [i.name for i in top.scenario.items],
    }[what]
    return [name for name in order if name in there]


def things(top: Topology, kind: str) -> tuple[list[str], list[int]]:
    """Return the names and stock points of all ``rows``, ``links`` or ``sinks``, in order."""
    if kind == "rows":
        return [p.name for p in top.points], [p.index for p in top.points]
    if kind == "links":
        return [e.name for e in top.links], [e.to for e in top.links]
    return [s.name for s in top.sinks], [s.row for s in top.sinks]


def dates(scenario: Scenario) -> pd.DatetimeIndex:
    """Return the first day of every period of a scenario."""
    import pandas as pd

    days = 1 if scenario.calendar.period == "day" else 7
    # in seconds: nanoseconds end in the year 2262, a horizon may go beyond
    start = np.datetime64(scenario.calendar.start, "D").astype("datetime64[s]")
    steps = (days * np.arange(scenario.horizon)).astype("timedelta64[D]")
    return pd.DatetimeIndex(start + steps.astype("timedelta64[s]"), name="date")
