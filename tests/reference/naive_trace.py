"""What a naive run leaves behind: lists per period by name, service and money."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.reference.naive_network import Link, World

POINT_SERIES = (
    "on_hand",
    "record",
    "misplaced",
    "backlog",
    "on_order",
    "order",
    "incoming",
    "received",
    "lost",
    "forecast",
)
LINK_SERIES = (
    "owed",
    "in_transit",
    "gate",
    "mail",
    "shipped",
    "ordered",
    "cancelled",
    "received",
)
SINK_SERIES = ("demand", "accepted", "delivered", "owed", "lost")
COST_SERIES = ("holding", "backlog", "transit")


@dataclass
class Trace:
    """`point[series][name][t]`, and so on; link series are in started units.

    `point["lost"]` is everything that vanished (destroyed, expired, shrunk); `sink["delivered"]`
    counts all deliveries of the period, `sink["lost"]` refused, lost and departed customers.
    `opening[name]` is the opening stock, `opening_pipeline[link]` what was mailed or moving then.
    """

    horizon: int
    warmup: int
    point: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    link: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    sink: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    cost: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    order_cost: dict[str, float] = field(default_factory=dict)  # by link, whole run
    purchase: dict[str, float] = field(default_factory=dict)
    freight: dict[str, float] = field(default_factory=dict)
    opening: dict[str, float] = field(default_factory=dict)
    opening_mail: dict[str, float] = field(default_factory=dict)
    opening_transit: dict[str, float] = field(default_factory=dict)
    filled: dict[str, list[float]] = field(default_factory=dict)  # by sink and period of demand
    on_time: dict[str, list[float]] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)  # periods whose on-time units are known
    otif: dict[tuple[str, str], list[bool | None]] = field(default_factory=dict)
    fill_units: dict[str, float] = field(default_factory=dict)  # totals after the warm-up
    on_time_units: dict[str, float] = field(default_factory=dict)
    orders_complete: dict[tuple[str, str], int] = field(default_factory=dict)
    orders_total: dict[tuple[str, str], int] = field(default_factory=dict)

    def total_cost(self) -> float:
        """Holding, backlog and transit of all stock points and periods."""
        return sum(sum(row) for kind in COST_SERIES for row in self.cost[kind].values())


def start(world: World, horizon: int) -> Trace:
    """Return an empty trace that knows the opening state."""
    trace = Trace(horizon, world.scenario.warmup)
    trace.point = {k: {p.name: [] for p in world.points} for k in POINT_SERIES}
    trace.link = {k: {e.name: [] for e in world.links} for k in LINK_SERIES}
    trace.sink = {k: {s.name: [] for s in world.sinks} for k in SINK_SERIES}
    trace.cost = {k: {p.name: [] for p in world.points} for k in COST_SERIES}
    trace.order_cost = {e.name: 0.0 for e in world.links}
    trace.freight = {e.name: 0.0 for e in world.links}
    trace.opening = {p.name: p.on_hand for p in world.points}
    trace.opening_mail = {e.name: e.mailed() for e in world.links}
    trace.opening_transit = {e.name: e.moving() for e in world.links}
    return trace


def record_period(trace: Trace, world: World) -> None:
    """Append the end of one period."""
    for p in world.points:
        for series in POINT_SERIES:
            value = getattr(p, series)
            trace.point[series][p.name].append(value() if callable(value) else value)
        for series, amount in costs_of(world, p).items():
            trace.cost[series][p.name].append(amount)
    for e in world.links:
        values = {"in_transit": e.moving(), "mail": e.mailed()}
        for series in LINK_SERIES:
            value = values[series] if series in values else getattr(e, series)
            trace.link[series][e.name].append(value)
        declared = e.declared.declared
        if e.ordered > 0:
            trace.order_cost[e.name] += declared.order_cost
        if e.kind == "ship" and e.shipped > 0:
            trace.freight[e.name] += declared.cost_per_dispatch
            trace.freight[e.name] += declared.cost_per_unit * e.shipped
    for s in world.sinks:
        for series in SINK_SERIES:
            trace.sink[series][s.name].append(getattr(s, series))
        world.service.demanded[s.name].append(s.demand)
        world.service.accepted[s.name].append(s.accepted)


def sender_rate(link: Link) -> float:
    """Holding rate of goods that the link's sender gave away (a buy link's sender: nobody)."""
    if link.kind == "ship":
        own = link.declared.declared.transit_holding_cost
        if own is not None:
            return own
    return sum(usage * p.settings.holding_cost for p, usage in link.inputs)


def costs_of(world: World, point) -> dict[str, float]:
    """Holding, backlog and transit of one stock point at the end of a period."""
    settings = point.settings
    at_gate = sum(
        sum(usage * p.settings.holding_cost for p, usage in e.inputs) * e.gate
        for e in point.in_links
    )
    transit = 0.0
    for e, usage in point.out_links:
        rate = sender_rate(e) if e.kind == "ship" else usage * settings.holding_cost
        transit += rate * e.moving()
    return {
        "holding": settings.holding_cost * point.on_hand + at_gate,
        "backlog": settings.backlog_cost * point.backlog(),
        "transit": transit,
    }


def price(link: Link, quantity: float) -> float:
    """Money for one order, price breaks included."""
    declared = link.declared.declared
    base = link.to.item.value if declared.price is None else declared.price
    steps = [(0.0, base), *sorted((b.quantity, b.price) for b in declared.breaks)]
    if declared.break_kind == "all_units":
        return quantity * [cost for start, cost in steps if start <= quantity][-1]
    ends = [start for start, _ in steps[1:]] + [float("inf")]
    return sum(
        cost * max(0.0, min(quantity, end) - start)
        for (start, cost), end in zip(steps, ends, strict=True)
    )


def finish(trace: Trace, world: World) -> Trace:
    """Enter service and purchases once the run is over."""
    service = world.service
    periods = range(trace.horizon)
    counted = range(trace.warmup, trace.horizon)
    for s in world.sinks:
        trace.filled[s.name] = [service.fill(s, t) for t in periods]
        trace.on_time[s.name] = [service.on_time(s, t) for t in periods]
        trace.fill_units[s.name] = sum(trace.filled[s.name][t] for t in counted)
        trace.on_time_units[s.name] = sum(trace.on_time[s.name][t] for t in counted)
    for key, lines in service.orders().items():
        trace.otif[key] = [service.complete(lines, t) for t in periods]
        trace.orders_complete[key] = sum(trace.otif[key][t] is True for t in counted)
        trace.orders_total[key] = sum(trace.otif[key][t] is not None for t in counted)
    for e in world.links:
        if e.kind == "buy":
            mean = e.spent / e.ordered_total if e.ordered_total > 0 else price(e, 1.0)
            trace.purchase[e.name] = mean * e.received_total
    return trace
