"""What the charts of a result show, as plain arrays: stock and flow, service, orders, events.

Nothing here draws. The definitions of service and bullwhip are those of :mod:`twin.kpis`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin import decoupling
from twin.compile.rules import first_forecasts, opening_level, protection
from twin.disruptions import DISRUPTIONS
from twin.happening import starts
from twin.kpis import resilience
from twin.kpis.orders import bullwhip_at
from twin.names import matches
from twin.result import Result
from twin.schema import Disruption, Where
from twin.stock_rules import selects
from twin.sums import Floats, ratio
from twin.topology import Topology

NEEDED = (
    "rows.on_hand", "rows.order",
    "sinks.demand", "sinks.lost", "sinks.ordered_total", "sinks.closed_total",
)  # fmt: skip
"""Series that the charts are drawn from: ``twin.run(..., record=viz.series.NEEDED)``."""

BAND = (0.1, 0.5, 0.9)
"""Quantiles over the replications that a chart shows."""


@dataclass(frozen=True)
class Measure:
    """How stock is counted: units where all items are alike, else money.

    Attributes
    ----------
    unit
        ``case``, ``USD`` ...
    weight
        Worth of one unit of each stock point, ``(n,)``.
    money
        Whether it is money.
    """

    unit: str
    weight: Floats
    money: bool


@dataclass(frozen=True)
class Course:
    """A line with its band over the measured periods.

    Attributes
    ----------
    t
        Periods, ``(T,)``.
    low, middle, high
        p10, median and p90 over the replications, ``(T,)``.
    """

    t: Floats
    low: Floats
    middle: Floats
    high: Floats


@dataclass(frozen=True)
class Layer:
    """Mean stock of a stage's push, pull or own-rule stock points over time.

    Attributes
    ----------
    stage, mode
        Whose it is.
    values
        ``(T,)``, in the measure of :func:`measure`.
    """

    stage: str
    mode: str
    values: Floats


@dataclass(frozen=True)
class Bar:
    """A number with its p10 and p90 over the replications, NaN where undefined."""

    name: str
    mode: str
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Event:
    """Something that goes wrong, or a move of a decoupling point (no cause, ``end == start``)."""

    name: str
    start: int
    end: int
    probability: float = 1.0
    rows: frozenset[int] = field(default_factory=frozenset)
    lanes: frozenset[str] = field(default_factory=frozenset)
    cause: Disruption | None = None


# --------------------------------------------------------------------------------- push, pull, own
def modes(topology: Topology) -> list[str]:
    """Return ``push``, ``pull`` or ``own`` (no family with a decoupling point) of each row."""
    cuts = {f.name: f.decoupling_point for f in topology.scenario.families}
    driven = decoupling.order_driven_rows(topology, cuts)
    decoupled = {name for name, place in cuts.items() if place is not None}
    return [
        "pull" if p.index in driven else "push" if found & decoupled else "own"
        for p, found in zip(topology.points, topology.families_of, strict=True)
    ]


def mode_of(found: Sequence[str]) -> str:
    """Return the one mode of several stock points, ``mixed`` where they differ."""
    kinds = set(found)
    return kinds.pop() if len(kinds) == 1 else "mixed"


# ----------------------------------------------------------------------------------- stock and flow
def measure(topology: Topology) -> Measure:
    """Return how stock is added up over items."""
    items = {p.item.name: p.item for p in topology.points}.values()
    values = np.array([p.item.value for p in topology.points])
    alike = len({i.unit for i in items}) == 1 and len({i.value for i in items}) == 1
    if alike or not values.any():
        return Measure(next(iter(items)).unit, np.ones(values.size), money=False)
    return Measure(topology.scenario.calendar.currency, values, money=True)


def mean_stock(result: Result) -> Floats:
    """Return the mean units on hand of each stock point at period end, ``(n,)``."""
    return result.row_means["rows.on_hand"] / window(result)


def planned_stock(topology: Topology) -> Floats:
    """Return the units on hand that each stock point's policy aims at, ``(n,)``.

    What it orders up to on average, less what is then on the way: the mean demand over the lead
    time (Little's law), at the first forecast. 0 for order-driven stock points and NaN where the
    policy names no such level (CONWIP).
    """
    forecasts = first_forecasts(topology)
    found = np.zeros(len(topology.points))
    for p, mode in zip(topology.points, modes(topology), strict=True):
        if mode == "pull":
            continue
        policy, mean = p.settings.policy, float(forecasts.mean[p.index])
        lead, spread = protection(topology, p.index)
        level = opening_level(policy, mean, float(forecasts.variance[p.index]), lead, spread)
        if policy.kind == "base_stock":
            level -= mean * (policy.review - 1) / 2
        elif policy.kind in ("s_S", "r_Q") and policy.lot is not None:
            level -= policy.lot / 2
        way = mean * lead * (policy.supply_line if policy.kind == "human" else 1.0)
        found[p.index] = np.nan if policy.kind == "conwip" else max(0.0, level - way)
    return found


def link_flows(result: Result) -> Floats:
    """Return the mean good units a period that each supply link is asked for, ``(m,)``.

    Orders of the receiving stock point x the link's nominal share (a fallback source: 0).
    """
    orders = result.row_means["rows.order"] / window(result)
    return np.array([orders[e.to] * e.share for e in result.topology.links])


def window(result: Result) -> int:
    """Return the number of measured periods."""
    return result.scenario.horizon - result.scenario.warmup


def stock_layers(result: Result) -> list[Layer] | None:
    """Return the mean stock by stage over time, push first; nothing if it was not recorded."""
    if "rows.on_hand" not in result.series:
        return None
    top = result.topology
    mode = modes(top)
    worth = measure(top).weight
    data = result.series["rows.on_hand"][result.scenario.warmup :].mean(axis=2)
    found = []
    for kind in ("push", "own", "pull"):
        for stage in top.stages():
            rows = [p.index for p in top.points if p.stage == stage and mode[p.index] == kind]
            if rows:
                found.append(Layer(stage, kind, data[:, rows] @ worth[rows]))
    return found


# ------------------------------------------------------------------------------------------ service
def service(result: Result) -> Course | None:
    """Return the on-time share of units over time, or nothing if it was not recorded.

    Units on time over units due in the ``resilience.window`` periods that end now (NaN where
    none is due), by :func:`twin.kpis.resilience.service`.
    """
    shares = on_time_shares(result)
    return None if shares is None else course(shares, result.scenario.warmup)


def on_time_shares(result: Result) -> Floats | None:
    """Return what :func:`service` is drawn from, ``(T, R)``; nothing if it was not recorded."""
    if not set(resilience.SERIES) <= set(result.series):
        return None
    top = result.topology
    driven = [mode == "pull" for mode in modes(top)]
    plan = SimpleNamespace(topology=top, order_driven=driven)
    found = resilience.service(_like_outcome(plan=plan, series=result.series))
    if found is None:
        return None
    w, first = result.scenario.resilience.window, result.scenario.warmup
    return ratio(_moving(found.on_time, w), _moving(found.due, w))[first:]


def on_time(result: Result, rows: Iterable[int]) -> float:
    """Return the on-time share of the customers of some stock points; NaN if none is due."""
    top, means = result.topology, result.sink_means
    sinks = [s for row in rows for s in top.sinks_of[row]]
    return float(ratio(means["sinks.on_time"][sinks].sum(), means["sinks.due"][sinks].sum()))


def _moving(values: Floats, w: int) -> Floats:
    """Return sums over the last ``w`` periods, ``(T, R)``."""
    sums = np.cumsum(values, axis=0)
    sums[w:] -= sums[:-w].copy()
    return sums


def course(values: Floats, first: int) -> Course:
    """Return median and band of ``(T, R)``, NaN left out; the first row is period ``first``."""
    t = first + np.arange(values.shape[0], dtype=float)
    low, middle, high = np.full((3, t.size), np.nan)
    whole = ~np.isnan(values).any(axis=1)  # numpy's way around NaN is slow, and they are few
    low[whole], middle[whole], high[whole] = np.quantile(values[whole], BAND, axis=1)
    part = ~whole & ~np.isnan(values).all(axis=1)
    if part.any():
        low[part], middle[part], high[part] = np.nanquantile(values[part], BAND, axis=1)
    return Course(t, low, middle, high)


# ------------------------------------------------------------------------------------------- orders
def bullwhip(result: Result) -> list[Bar] | None:
    """Return the bullwhip of each stage's orders, source to sink; nothing if not recorded.

    As :func:`twin.kpis.orders.bullwhip_at`: 1 is the customers' own variability.
    """
    if not {"rows.order", "sinks.ordered_total"} <= set(result.series):
        return None
    top, mode = result.topology, modes(result.topology)
    view = _orders(result)
    found = []
    for stage in top.stages():
        rows = [p.index for p in top.points if p.stage == stage]
        if rows:
            values = bullwhip_at(view, stage)
            values = values[~np.isnan(values)]
            ends = np.quantile(values, BAND) if values.size else np.full(3, np.nan)
            kind = mode_of([mode[i] for i in rows if top.in_links[i]])
            found.append(Bar(stage, kind, *(float(x) for x in ends)))
    return found


def ordering_rows(topology: Topology, stage: str) -> NDArray[np.int64]:
    """Return the stock points of a stage that order from outside it, as its bullwhip counts."""
    found = []
    for p in topology.points:
        links = (topology.links[e] for e in topology.in_links[p.index])
        if p.stage == stage and any(
            all(topology.points[i].stage != stage for i, _ in e.inputs) for e in links
        ):
            found.append(p.index)
    return np.array(found, np.int64)


def mean_orders(result: Result, stage: str) -> float:
    """Return the mean units a period that a stage orders from outside; 0 if there is no such stage."""
    rows = ordering_rows(result.topology, stage)
    return float(result.row_means["rows.order"][rows].sum()) / window(result)


def stage_orders(result: Result) -> dict[str, Floats] | None:
    """Return what each stage orders from outside over time, units ``(T, R)``; None if not recorded."""
    if "rows.order" not in result.series:
        return None
    top = result.topology
    stages = [s for s in top.stages() if any(p.stage == s for p in top.points)]
    chosen = np.zeros((len(stages), len(top.points)))
    for i, stage in enumerate(stages):
        chosen[i, ordering_rows(top, stage)] = 1.0
    data = result.series["rows.order"][result.scenario.warmup :]
    return dict(zip(stages, np.matmul(chosen, data).swapaxes(0, 1), strict=True))


def _orders(result: Result) -> Any:
    """Return what the bullwhip reads of an outcome, from the recorded series."""
    top, first = result.topology, result.scenario.warmup
    orders = result.series["rows.order"][first:]
    total = result.series["sinks.ordered_total"]
    accepted = np.diff(total[first - 1 :], axis=0) if first else np.diff(total, axis=0, prepend=0.0)
    served = sorted({s.row for s in top.sinks})
    incoming = np.zeros((orders.shape[0], len(served), orders.shape[2]))
    for s in top.sinks:
        incoming[:, served.index(s.row)] += accepted[:, s.index]
    sums = {}
    for name, x, rows in (
        ("order", orders, range(len(top.points))),
        ("incoming", incoming, served),
    ):
        for kind, found in (("", x.sum(axis=0)), ("_squared", np.einsum("tnr,tnr->nr", x, x))):
            sums[f"rows.{name}{kind}"] = np.zeros(orders.shape[1:])
            sums[f"rows.{name}{kind}"][list(rows)] = found
    return _like_outcome(
        plan=SimpleNamespace(topology=top),
        sums=sums,
        replications=np.arange(result.replications),
        n_periods=orders.shape[0],
    )


def _like_outcome(**parts: Any) -> Any:
    """Return the parts of an engine's outcome that a KPI reads; a result keeps no outcome."""
    return SimpleNamespace(**parts)


# ------------------------------------------------------------------------------------------- events
def events(topology: Topology) -> list[Event]:
    """Return the disruptions that may happen and the moves, in order of their start."""
    s = topology.scenario
    found = []
    for d, start in zip(s.disruptions, starts(s), strict=True):
        if d.probability > 0:
            name = (d.name or d.kind).replace("_", " ")
            rows, lanes = _hit(topology, d)
            end = start + max(1, d.duration)
            found.append(Event(name, start, end, d.probability, rows, lanes, d))
    notice = {f.name: f.notice for f in s.families}
    for m in s.moves:
        to = m.to if isinstance(m.to, str) else " + ".join(m.to)
        at = m.at + notice[m.family]
        found.append(Event(f"{m.family} to {to}", at, at))
    return sorted(found, key=lambda e: (e.start, e.name))


def _hit(top: Topology, d: Disruption) -> tuple[frozenset[int], frozenset[str]]:
    """Return the stock points and the lanes that a disruption marks on the network."""
    if d.lane is not None:
        lanes = {e.lane for e in top.links if e.lane and matches(e.lane, d.lane)}
        return frozenset(), frozenset(lanes)
    hits = DISRUPTIONS[d.kind].extra["hits"]
    if hits in ("mix", "devices") or d.where == Where():
        return frozenset(), frozenset()
    served = {s.row for s in top.sinks} if hits == "sinks" else {p.index for p in top.points}
    rows = {i for i in served if selects(d.where, *_what(top, i))}
    return frozenset(rows), frozenset()


def _what(top: Topology, row: int) -> tuple[Any, Any, str]:
    p = top.points[row]
    return p.site, p.item, p.role
