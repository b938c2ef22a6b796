"""Promises to customers and what became of them (physics.md 3.3 and 7)."""

from __future__ import annotations

from collections import defaultdict

from tests.reference.naive_allocation import Claim, split
from tests.reference.naive_disruptions import Effects
from tests.reference.naive_material import close
from tests.reference.naive_network import Point, Sink, World, down


class Service:
    """Books of what was demanded, delivered and when, by sink and period of the demand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.demanded: dict[str, list[float]] = {s.name: [] for s in world.sinks}
        self.accepted: dict[str, list[float]] = {s.name: [] for s in world.sinks}
        self.by_delay: dict[tuple[str, int], dict[int, float]] = defaultdict(
            lambda: defaultdict(float)
        )  # (sink, period of demand) -> {periods waited: units delivered}

    def delivered(self, sink: Sink, period: int, t: int, units: float) -> None:
        self.by_delay[sink.name, period][t - period] += units

    def left(self, sink: Sink, period: int, t: int, units: float) -> None:
        """Units that were closed because the customer left: late for ever."""

    def within(self, sink: Sink, period: int, tolerance: int) -> float:
        waits = self.by_delay[sink.name, period]
        return sum(units for wait, units in waits.items() if wait <= tolerance)

    def fill(self, sink: Sink, period: int) -> float:
        return self.within(sink, period, 0)

    def on_time(self, sink: Sink, period: int) -> float:
        return self.within(sink, period, sink.tolerance)

    def orders(self) -> dict[tuple[str, str], list[Sink]]:
        """Lines of one customer at one site."""
        found: dict[tuple[str, str], list[Sink]] = defaultdict(list)
        for s in self.world.sinks:
            found[s.point.site, s.demand_rule.customer].append(s)
        return dict(found)

    def complete(self, lines: list[Sink], period: int) -> bool | None:
        """OTIF of one order; None if nothing was demanded."""
        if sum(self.demanded[s.name][period] for s in lines) <= 0:
            return None
        latest = max(s.tolerance for s in lines)
        for s in lines:
            asked = self.demanded[s.name][period]
            if self.within(s, period, latest) < asked - 1e-9 * max(1.0, asked):
                return False
        return True


def cut_points(point: Point) -> dict[str, tuple[Point, float, int]]:
    """Cut points of an order-driven stock point with usage w and path lead time ℓ."""
    found: dict[str, tuple[Point, float, int]] = {}
    for link in point.in_links:
        if link.share <= 0:
            continue
        for source, usage in link.inputs:
            above = {source.name: (source, 1.0, 0)}
            if source.order_driven:
                above = cut_points(source)
            for name, (cut, w, lead) in above.items():
                _, so_far, longest = found.get(name, (cut, 0.0, 0))
                w_here = so_far + link.share * usage * w
                found[name] = (cut, w_here, max(longest, link.whole_time() + lead))
    return found


def available(cut: Point, backlog: float, record: float, t: int, h: int) -> float:
    """avail_c(h)."""
    mail = sum(usage * e.mailed() for e, usage in cut.out_links)
    due = sum(
        e.yield_ * units
        for e in cut.in_links
        for when, units in e.way.items()
        if t + 1 <= when <= t + h
    )
    return max(0.0, record - backlog - mail + due)


class Promises:
    """The demand step of one period: draw, promise, serve, refuse."""

    def __init__(self, world: World, effects: Effects, t: int) -> None:
        self.world = world
        self.t = t
        self.effects = effects
        self.backlog = {p.name: p.backlog() for p in world.points}
        self.record = {p.name: p.record for p in world.points}
        self.own: dict[str, float] = {}

    def run(self) -> None:
        for p in self.world.points:
            self.share_own(p)
        refused = self.quotes()
        for p in self.world.points:
            for s in sorted(p.sinks, key=lambda s: (s.rank, s.name)):
                if not s.is_lost_sale:
                    self.queue(s, s.demand)
                elif p.order_driven:
                    self.queue(s, s.demand - refused[s.name])
                    s.lost += refused[s.name]
                else:
                    self.sell(s)

    def share_own(self, p: Point) -> None:
        """Split the available-to-promise of a stock point over this period's demand."""
        atp = self.effects.work_share.get(p.site, 1.0) * max(
            0.0, self.record[p.name] - self.backlog[p.name]
        )
        claims = [Claim(s.name, s.rank, s.demand, True) for s in p.sinks]
        self.own.update(split(p.settings.allocation, atp, claims, self.world.integer))

    def queue(self, sink: Sink, units: float) -> None:
        sink.accepted = units
        sink.owed += units
        if units > 0:
            sink.batches.append([self.t, units])

    def sell(self, sink: Sink) -> None:
        units = max(0.0, min(self.own[sink.name], sink.point.on_hand))
        sink.point.take_out(units)
        sink.point.record -= units
        self.queue(sink, units)  # behind orders still open from before a move
        sink.delivered += units
        sink.lost += sink.demand - units
        close(sink, units, self.t, self.world.service.delivered)

    def quotes(self) -> dict[str, float]:
        """Units refused by each lost-sale sink of an order-driven stock point."""
        asking = [s for s in self.world.sinks if s.is_lost_sale and s.point.order_driven]
        cuts = {s.name: cut_points(s.point) for s in asking}
        rest = {s.name: s.demand - self.own[s.name] for s in asking}
        worst = dict(rest)  # the least that any cut point lets each sink have
        for c in self.world.points:
            users = [s for s in asking if c.name in cuts[s.name]]
            for s in users:
                w, got = cuts[s.name][c.name][1], self.promised(c, s, users, cuts, rest)
                worst[s.name] = min(worst[s.name], got / w)
        refused = {}
        for s in asking:
            accepted = self.own[s.name] + max(0.0, worst[s.name])
            if self.world.integer:
                accepted = float(down(accepted))
            refused[s.name] = max(0.0, s.demand - accepted)
        return refused

    def promised(self, c: Point, sink: Sink, users, cuts, rest) -> float:
        """Units of cut point c that a sink can be promised."""
        own_time = max([e.whole_time() for e in c.in_links], default=0)

        def claim(s: Sink) -> float:
            return cuts[s.name][c.name][1] * rest[s.name]

        def has(s: Sink) -> float:
            h = s.tolerance - cuts[s.name][c.name][2]
            return available(c, self.backlog[c.name], self.record[c.name], self.t, h)

        ell = cuts[sink.name][c.name][2]
        if ell > sink.tolerance:
            return 0.0
        if ell + own_time <= sink.tolerance:
            return claim(sink)
        sharing = [
            s
            for s in users
            if cuts[s.name][c.name][2] <= s.tolerance < cuts[s.name][c.name][2] + own_time
        ]
        if c.settings.allocation in ("proportional", "fair_share"):
            total = sum(claim(s) for s in sharing)
            return claim(sink) * min(1.0, has(sink) / total) if total > 0 else 0.0
        taken = 0.0
        for s in sorted(sharing, key=lambda s: (s.rank, s.name)):
            got = min(claim(s), max(0.0, has(s) - taken))
            if s is sink:
                return got
            taken += got
        raise AssertionError(sink.name)
