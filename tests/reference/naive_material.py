"""The material sweep (physics.md 5), upstream → downstream, one group of stock points at a time."""

from __future__ import annotations

from tests.reference.naive_allocation import Claim, in_proportion, split
from tests.reference.naive_disruptions import Effects
from tests.reference.naive_network import TINY, Link, Point, World, down, half_up


class Group:
    """Stock points (and links from nothing) whose claims are settled together."""

    def __init__(self, points: list[Point], links: list[Link]) -> None:
        self.points = points
        self.links = links
        self.repeats = 3 if any(e.kind == "make" or e.limits for e in links) else 1


def groups_of(world: World) -> list[Group]:
    """Components of one product, and users of one shared limit, together; upstream first."""
    parent: dict[str, str] = {}

    def root(x: str) -> str:
        parent.setdefault(x, x)
        while parent[x] != x:
            x = parent[x]
        return x

    for p in world.points:
        root(f"point {p.name}")
    flows = [e for e in world.links if e.kind != "buy"]
    for e in flows:
        members = [f"point {p.name}" for p, _ in e.inputs]
        members += [f"limit {name}" for name, _, _ in e.limits]
        members += [f"link {e.name}"]
        root(members[0])
        for other in members[1:]:
            parent[root(other)] = root(members[0])
    roots = sorted({root(x) for x in list(parent)})
    found = {
        r: Group(
            [p for p in world.points if root(f"point {p.name}") == r],
            [e for e in flows if root(f"link {e.name}") == r],
        )
        for r in roots
    }
    return upstream_first(found)


def upstream_first(found: dict[str, Group]) -> list[Group]:
    """Senders before receivers; if groups feed each other, the highest level goes first."""
    home = {p.name: r for r, g in found.items() for p in g.points}
    feeds = {r: {home[e.to.name] for e in g.links} - {r} for r, g in found.items()}
    order = []
    waiting = sorted(found, key=lambda r: (-top_level(found[r]), r))
    while waiting:
        free = [r for r in waiting if not any(r in feeds[other] for other in waiting)]
        chosen = (free or waiting)[0]
        waiting.remove(chosen)
        order.append(found[chosen])
    return order


def top_level(group: Group) -> int:
    return max([p.level for p in group.points] + [e.to.level + 1 for e in group.links])


class Material:
    """The material sweep of one period."""

    def __init__(self, world: World, effects: Effects, t: int, arrive) -> None:
        self.world = world
        self.effects = effects
        self.t = t
        self.arrive = arrive  # takes in what has lead time zero
        self.lead = {e.name: self.lead_time(e) for e in world.links}
        self.room = {}  # what is left of each shared limit
        for e in world.links:
            for name, _, capacity in e.limits:
                self.room[name] = capacity * effects.resource_share.get(name, 1.0)

    def lead_time(self, link: Link) -> int:
        drawn = self.world.luck.lead_time(link.name, self.t)
        return half_up(drawn * self.effects.stretch.get(link.lane, 1.0))

    def run(self, groups: list[Group]) -> None:
        for e in sorted(self.world.links, key=lambda e: e.name):
            if e.kind == "buy" and not self.stopped(e):
                limit = e.declared.declared.dispatch_limit
                amount = e.owed if limit is None else min(e.owed, limit)
                self.move(e, float(down(amount)) if self.world.integer else amount)
        for group in groups:
            self.settle(group)

    def stopped(self, link: Link) -> bool:
        if link.kind == "make":
            return False
        if link.to.name in self.effects.no_dispatch_to:
            return True
        closed = link.lane in self.effects.closed_lanes
        return closed and link.declared.lead_time.kind == "constant" and self.lead[link.name] == 0

    def work_share(self, site: str | None) -> float:
        return self.effects.work_share.get(site, 1.0) if site else 1.0

    def settle(self, group: Group) -> None:
        """Split what the group's stock points have, then move everything at once."""
        stock = {p.name: p.on_hand for p in group.points}
        moved = {e.name: 0.0 for e in group.links}
        served = {s.name: 0.0 for p in group.points for s in p.sinks}
        allowed = {
            e.name: self.cut_down(self.share(e) * self.full_want(e, 0.0, stock))
            for e in group.links
        }
        for _ in range(group.repeats):
            self.split_round(group, stock, moved, served, allowed)
        for p in group.points:
            for s in p.sinks:
                serve(self.world, s, served[s.name], self.t)
        for e in sorted(group.links, key=lambda e: e.name):
            self.move(e, moved[e.name])

    def share(self, link: Link) -> float:
        """Share of its full want that a link may move this period."""
        share = self.work_share(link.sender_site())
        if link.kind == "make" and link.capacity is None:
            share *= self.effects.capacity_share.get(link.name, 1.0)
        return share

    def full_want(self, link: Link, moved: float, stock: dict[str, float]) -> float:
        """Started units that a link wants, with `moved` already granted, before any split."""
        if self.stopped(link):
            return 0.0
        want = link.owed - moved
        if link.kind == "make":
            if link.capacity is not None:
                capacity = link.capacity * self.effects.capacity_share.get(link.name, 1.0)
                want = min(want, capacity - moved)
            if link.wip_cap is not None:
                want = min(want, link.wip_cap - link.moving() - moved)
            for p, usage in link.inputs:
                want = min(want, stock[p.name] / usage)
            for name, usage, _ in link.limits:
                if usage > 0:
                    want = min(want, self.room[name] / usage)
        return max(0.0, want)

    def cut_down(self, want: float) -> float:
        """A want that a disturbed site cuts down is one of whole units in integer mode."""
        return float(down(want)) if self.world.integer else want

    def whole(self, link: Link, amount: float) -> float:
        if link.batch > 0:
            return down(amount / link.batch) * link.batch
        return float(down(amount)) if self.world.integer else amount

    def split_round(self, group, stock, moved, served, allowed) -> None:
        """One split of what is left."""
        wants = {}
        for e in group.links:
            want = min(self.full_want(e, moved[e.name], stock), allowed[e.name] - moved[e.name])
            want = max(0.0, want)
            wants[e.name] = self.whole(e, want) if e.kind == "make" else want
        offers: dict[str, list[float]] = {e.name: [] for e in group.links}
        for p in group.points:
            grants = self.split_point(p, stock[p.name], wants, moved, served)
            for e, usage in p.out_links:
                offers[e.name].append(grants[e.name] / usage)
            for s in p.sinks:
                served[s.name] += grants[s.name]
                stock[p.name] -= grants[s.name]
        for name in sorted({n for e in group.links for n, _, _ in e.limits}):
            self.split_limit(group, name, wants, offers)
        for e in group.links:
            amount = self.whole(e, min([wants[e.name], *offers[e.name]]))
            moved[e.name] += amount
            for p, usage in e.inputs:
                stock[p.name] = max(0.0, stock[p.name] - usage * amount)
            for name, usage, _ in e.limits:
                self.room[name] = max(0.0, self.room[name] - usage * amount)

    def split_point(self, p: Point, stock: float, wants, moved, served) -> dict[str, float]:
        claims = []
        for s in p.sinks:
            want = max(0.0, self.cut_down(self.work_share(p.site) * s.owed) - served[s.name])
            claims.append(Claim(s.name, s.rank, want, True, want))
        for e, usage in p.out_links:
            need = max(0.0, e.need - moved[e.name])
            claims.append(Claim(e.name, e.rank, usage * wants[e.name], False, usage * need))
        settings = p.settings
        return split(
            settings.allocation, stock, claims, self.world.integer, settings.customers_first
        )

    def split_limit(self, group: Group, name: str, wants, offers) -> None:
        users = [(e, u) for e in group.links for n, u, _ in e.limits if n == name and u > 0]
        got = in_proportion(self.room[name], {e.name: u * wants[e.name] for e, u in users})
        for e, usage in users:
            offers[e.name].append(got[e.name] / usage)

    def move(self, link: Link, amount: float) -> None:
        """Send started units on their way."""
        if amount <= TINY:
            return
        link.owed = max(0.0, link.owed - amount)
        if link.owed < TINY:
            link.owed = 0.0
        link.shipped += amount
        for p, usage in link.inputs:
            p.issue(usage * amount)
        due = self.t + self.lead[link.name]
        if link.lane in self.effects.closed_lanes:
            due = max(due, self.t + 1) + 1  # it stands still this period; nothing passes at once
        if not link.overtaking:
            due = max([due, *[d for d, units in link.way.items() if units > 0]])
        link.way[due] += amount
        if due == self.t:
            self.arrive(link)


def serve(world: World, sink, amount: float, t: int) -> None:
    """Deliver units owed to customers, oldest first."""
    if amount <= 0:
        return
    sink.point.issue(amount)
    sink.delivered += amount
    close(sink, amount, t, world.service.delivered)


def close(sink, amount: float, t: int, book) -> None:
    """Take units off the sink's queue, oldest first, and enter them in a service book."""
    sink.owed = max(0.0, sink.owed - amount)
    if sink.owed < TINY:
        sink.owed = 0.0
    left = amount
    while left > 0 and sink.batches:
        period, units = sink.batches[0]
        taken = min(units, left)
        book(sink, period, t, taken)
        left -= taken
        if units - taken <= TINY:
            sink.batches.pop(0)
        else:
            sink.batches[0][1] = units - taken
