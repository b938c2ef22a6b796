"""State of the naive simulator: stock points, links and sinks as plain objects.

Written from docs/physics.md only, for being obviously right; never for speed.
"""

from __future__ import annotations

import math
from collections import defaultdict

from twin.distributions import demand_moments, lead_time_moments
from twin.topology import Topology

TINY = 1e-9


def half_up(x: float) -> int:
    """Round half up."""
    return math.floor(x + 0.5)


def down(x: float) -> int:
    """Round down, forgiving rounding noise."""
    return math.floor(x + TINY)


def up(x: float) -> int:
    """Round up, forgiving rounding noise."""
    return math.ceil(x - TINY)


class Point:
    """A stock point."""

    def __init__(self, declared) -> None:
        self.declared = declared
        self.name = declared.name
        self.site = declared.site.name
        self.item = declared.item
        self.level = declared.level
        self.settings = declared.settings
        self.policy = declared.settings.policy
        self.forecast_rule = declared.settings.forecast
        self.sinks: list[Sink] = []
        self.in_links: list[Link] = []
        self.out_links: list[tuple[Link, float]] = []
        self.on_hand = 0.0
        self.record = 0.0
        self.misplaced = 0.0
        self.order_driven = False
        self.pushed_since: int | None = None  # period of the move that gave the policy back
        self.ramp = 0
        self.came_in = 0.0
        self.came_in_by: list[float] = []  # at the end of each period, for the shelf life
        self.went_out = 0.0
        self.corrections: dict[int, float] = defaultdict(float)
        self.first_forecast = 0.0
        self.forecast = 0.0
        self.variance = 0.0
        self.signals: list[float] = []  # as seen by the forecaster
        self.customer_signals: list[float] = []  # exploded, one per period
        self.demand_signals: list[float] = []
        self.expected = 0.0  # the human's expectation
        self.plan: dict[int, float] = {}
        self.rate = 0.0
        self.incoming = 0.0
        self.order = 0.0
        self.received = 0.0
        self.lost = 0.0
        self.need = 0.0

    def on_order(self) -> float:
        return sum(e.yield_ * (e.mailed() + e.owed + e.moving() + e.gate) for e in self.in_links)

    def backlog(self) -> float:
        sinks = sum(s.owed for s in self.sinks)
        return sinks + sum(usage * e.owed for e, usage in self.out_links)

    def position(self) -> float:
        return self.record + self.on_order() - self.backlog()

    def ramp_factor(self, t: int) -> float:
        if self.pushed_since is None or self.ramp == 0:
            return 1.0
        return min(1.0, (t - self.pushed_since + 1) / self.ramp)

    def take_in(self, units: float) -> None:
        self.on_hand += units
        self.came_in += units

    def take_out(self, units: float) -> None:
        self.on_hand -= units
        self.went_out += units
        if abs(self.on_hand) < TINY:
            self.on_hand = 0.0

    def issue(self, units: float) -> None:
        """Hand over units that the books see leaving."""
        self.take_out(units)
        self.record = max(0.0, self.record - units)


class Link:
    """A supply link; its state is in started units."""

    def __init__(self, declared, to: Point) -> None:
        self.declared = declared
        self.name = declared.name
        self.kind = declared.kind
        self.to = to
        self.source = declared.source
        self.lane = declared.lane
        self.inputs: list[tuple[Point, float]] = []
        self.yield_ = declared.yield_
        self.delay = declared.delay
        self.share = declared.share
        self.priority = declared.priority
        self.fallback = declared.fallback
        self.limits = declared.limits
        self.rank = getattr(declared.declared, "rank", 0)
        self.capacity = getattr(declared.declared, "capacity", None)
        self.batch = getattr(declared.declared, "batch", 0.0)
        self.wip_cap = getattr(declared.declared, "wip_cap", None)
        self.overtaking = getattr(declared.declared, "overtaking", False)
        self.mean_lead, self.lead_variance = lead_time_moments(declared.lead_time)
        self.mail: dict[int, float] = defaultdict(float)
        self.owed = 0.0
        self.way: dict[int, float] = defaultdict(float)
        self.gate = 0.0
        self.remainder = 0.0
        self.ordered_good = 0.0
        self.need = 0.0
        self.spent = 0.0
        self.ordered_total = 0.0
        self.received_total = 0.0
        self.ordered = self.shipped = self.cancelled = self.received = 0.0

    def sender_site(self) -> str | None:
        """Site whose work share counts: of the sender, or where it is made; none for buy."""
        if self.kind == "buy":
            return None
        return self.source if self.kind == "ship" else self.to.site

    def mailed(self) -> float:
        return sum(self.mail.values())

    def moving(self) -> float:
        return sum(self.way.values())

    def whole_time(self) -> int:
        """Information delay and mean lead time, rounded half up."""
        return self.delay + half_up(self.mean_lead)


class Sink:
    """Customers of one stock point; `batches` are the units owed, by period of acceptance."""

    def __init__(self, declared, point: Point) -> None:
        self.declared = declared
        self.name = declared.name
        self.demand_rule = declared.demand
        self.point = point
        self.rank = declared.demand.rank
        self.tolerance = declared.tolerance
        self.is_lost_sale = declared.demand.unmet == "lost"
        self.patience = declared.demand.patience
        self.mean, self.variance = demand_moments(declared.demand)
        self.owed = 0.0
        self.batches: list[list[float]] = []
        self.demand = self.accepted = self.delivered = self.lost = 0.0


class World:
    """Everything of one run."""

    def __init__(self, topology: Topology, luck) -> None:
        self.topology = topology
        self.scenario = topology.scenario
        self.luck = luck
        self.integer = topology.scenario.integer
        self.points = [Point(p) for p in topology.points]
        self.links = [Link(e, self.points[e.to]) for e in topology.links]
        self.sinks = [Sink(s, self.points[s.row]) for s in topology.sinks]
        for link in sorted(self.links, key=lambda e: e.name):
            link.to.in_links.append(link)
            for row, usage in link.declared.inputs:
                link.inputs.append((self.points[row], usage))
                self.points[row].out_links.append((link, usage))
        for sink in sorted(self.sinks, key=lambda s: s.name):
            sink.point.sinks.append(sink)

    def downstream_first(self) -> list[Point]:
        return sorted(self.points, key=lambda p: (p.level, p.name))


def explode(world: World, own: dict[str, float]) -> dict[str, float]:
    """Carry a signal of the sinks' stock points up the network (by stock point name)."""
    signal: dict[str, float] = {}
    for point in world.downstream_first():
        signal[point.name] = own[point.name] + sum(
            usage / e.yield_ * e.share * signal[e.to.name] for e, usage in point.out_links
        )
    return signal


def order_driven_points(world: World, positions: dict) -> set[str]:
    """Names of stock points strictly below the cut of every family that passes through them."""
    families_of = {p.name: f for p, f in zip(world.points, world.topology.families_of, strict=True)}
    below: dict[str, set[str]] = {p.name: set() for p in world.points}
    for family, position in positions.items():
        if position is None:
            continue
        todo = [p for p in world.points if at_cut(p, family, position, families_of)]
        while todo:
            for link, _ in todo.pop().out_links:
                if family in families_of[link.to.name] and family not in below[link.to.name]:
                    below[link.to.name].add(family)
                    todo.append(link.to)
    return {n for n, f in below.items() if f and f == set(families_of[n])}


def at_cut(point: Point, family: str, position, families_of) -> bool:
    """Is the stock point at this position of the family's decoupling point?

    A stage means the stock points that leave it: sold, or shipped to another stage.
    """
    if family not in families_of[point.name]:
        return False
    wanted = [position] if isinstance(position, str) else position
    if point.name in wanted:
        return True
    if point.declared.stage not in wanted:
        return False
    return bool(point.sinks) or any(
        e.kind == "ship" and e.to.declared.stage != point.declared.stage for e, _ in point.out_links
    )
