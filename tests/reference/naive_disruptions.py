"""What goes wrong in one period (physics.md 3.1), on the naive simulator's objects."""

from __future__ import annotations

from tests.reference.naive_network import Point, Sink, World
from twin.names import matches
from twin.stock_rules import selects


class Effects:
    """Everything that disruptions do in one period; absent names are not hit."""

    def __init__(self) -> None:
        self.work_share: dict[str, float] = {}  # by site
        self.capacity_share: dict[str, float] = {}  # by make link
        self.resource_share: dict[str, float] = {}  # by resource
        self.closed_lanes: set[str] = set()  # by lane name
        self.stretch: dict[str, float] = {}  # by lane name
        self.demand_factor: dict[str, float] = {}  # by sink
        self.destroyed: dict[str, float] = {}  # share that survives, by stock point
        self.uploaded: dict[str, float] = {}  # factor on the record, by stock point
        self.no_orders: set[str] = set()  # by stock point
        self.no_dispatch_to: set[str] = set()
        self.dock_closed: set[str] = set()
        self.device_silent: set[str] = set()  # by stock point
        self.device_factor: dict[str, float] = {}


def times(found: dict[str, float], name: str, factor: float) -> None:
    found[name] = found.get(name, 1.0) * factor


def schedule(world: World) -> list[tuple[object, int]]:
    """Return the disruptions that happen in this replication with their first periods."""
    given = world.scenario.disruptions
    by_name = {d.name: i for i, d in enumerate(given) if d.name is not None}
    starts: dict[int, int | None] = {}

    def start_of(i: int) -> int | None:
        if i not in starts:
            starts[i] = None
            d = given[i]
            begin = 0
            if d.after is not None:
                before = by_name[d.after]
                first = start_of(before)
                if first is None:
                    return None
                begin = first + given[before].duration
            if world.luck.happens(i) < d.probability:
                starts[i] = begin + d.start
        return starts[i]

    all_starts = [start_of(i) for i in range(len(given))]
    return [(d, s) for d, s in zip(given, all_starts, strict=True) if s is not None]


def strength(d, start: int, t: int) -> float:
    """Return φ(t)."""
    end = start + d.duration
    if start <= t < end:
        return 1.0
    if end <= t < end + d.ramp:
        return 1 - (t - end + 1) / (d.ramp + 1)
    return 0.0


def hit_points(world: World, where) -> list[Point]:
    return [
        p for p in world.points if selects(where, p.declared.site, p.declared.item, p.declared.role)
    ]


def effects_of(world: World, happening: list, t: int) -> Effects:
    """Return what all disruptions together do in period t."""
    found = Effects()
    for d, start in happening:
        phi = strength(d, start, t)
        if t == start and d.kind == "stock_destruction":
            for p in hit_points(world, d.where):
                times(found.destroyed, p.name, 1 - d.severity)
        if t == start and d.kind == "wrong_upload":
            for p in hit_points(world, d.where):
                times(found.uploaded, p.name, d.factor)
        if phi > 0:
            ongoing(world, d, phi, found)
    return found


def ongoing(world: World, d, phi: float, found: Effects) -> None:
    """Add the effect of one disruption at strength φ > 0."""
    a = d.severity * phi
    if d.kind == "outage":
        for site in sorted({p.site for p in hit_points(world, d.where)}):
            times(found.work_share, site, 1 - a)
    elif d.kind == "capacity_loss":
        lose_capacity(world, d, a, found)
    elif d.kind == "lane_closed" and phi == 1:
        found.closed_lanes.update(lanes(world, d))
    elif d.kind == "lead_time_stretch":
        for lane in lanes(world, d):
            times(found.stretch, lane, 1 + (d.factor - 1) * phi)
    elif d.kind in ("demand_change", "mix_shift"):
        change_demand(world, d, phi, found)
    elif phi == 1:
        names = {p.name for p in hit_points(world, d.where)}
        if d.kind == "ordering_down":
            found.no_orders |= names
        elif d.kind == "dispatch_stop":
            found.no_dispatch_to |= names
        elif d.kind == "dock_closed":
            found.dock_closed |= names
        elif d.kind == "device_fault" and d.factor is None:
            found.device_silent |= names
        elif d.kind == "device_fault":
            for name in sorted(names):
                times(found.device_factor, name, d.factor)


def lanes(world: World, d) -> list[str]:
    return sorted({e.lane for e in world.links if e.lane and matches(e.lane, d.lane)})


def lose_capacity(world: World, d, a: float, found: Effects) -> None:
    if d.resource is not None:
        for r in world.scenario.resources:
            if matches(r.name, d.resource):
                times(found.resource_share, r.name, 1 - a)
        return
    for p in hit_points(world, d.where):
        for e in p.in_links:
            if e.kind == "make":
                times(found.capacity_share, e.name, 1 - a)


def change_demand(world: World, d, phi: float, found: Effects) -> None:
    if d.kind == "demand_change":
        for p in hit_points(world, d.where):
            for s in p.sinks:
                times(found.demand_factor, s.name, 1 + (d.factor - 1) * phi)
        return
    members = [s for s in world.sinks if s.point.item.family == d.family]
    for s in members:
        old = old_share(s, members)
        if old > 0:
            new = d.shares.get(s.point.item.name, 0.0)
            times(found.demand_factor, s.name, 1 + (new / old - 1) * phi)


def old_share(sink: Sink, members: list[Sink]) -> float:
    """Share of the sink's mean among the family's sinks of its site and customer class."""
    alike = [
        s
        for s in members
        if s.point.site == sink.point.site and s.demand_rule.customer == sink.demand_rule.customer
    ]
    total = sum(s.mean for s in alike)
    return sink.mean / total if total > 0 else 0.0
