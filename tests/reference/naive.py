"""The naive simulator: one period of docs/physics.md, in its words, one object at a time.

It is the oracle of the fast kernel and shares nothing with it but the topology.
"""

from __future__ import annotations

from tests.reference import naive_trace
from tests.reference.naive_disruptions import Effects, effects_of, schedule
from tests.reference.naive_material import Material, close, groups_of
from tests.reference.naive_network import (
    TINY,
    Link,
    Point,
    World,
    down,
    half_up,
    order_driven_points,
    up,
)
from tests.reference.naive_policies import (
    open_stock,
    set_first_forecasts,
    update_forecast,
    wanted,
)
from tests.reference.naive_service import Promises, Service
from tests.reference.naive_trace import Trace
from twin.stock_rules import selects
from twin.topology import Topology

CORRECTING = ("cycle_count", "rfid_shelf")
SEEING_ONLY = ("pos_feed",)


def simulate(topology: Topology, luck, horizon: int | None = None) -> Trace:
    """Run one replication and return its trace."""
    return Run(topology, luck, horizon).run()


class Run:
    """One replication."""

    def __init__(self, topology: Topology, luck, horizon: int | None) -> None:
        self.world = World(topology, luck)
        self.horizon = topology.scenario.horizon if horizon is None else horizon
        self.world.service = Service(self.world)
        self.happening = schedule(self.world)
        self.groups = groups_of(self.world)
        self.positions = {f.name: f.decoupling_point for f in topology.scenario.families}
        self.effects = Effects()
        driven = order_driven_points(self.world, self.positions)
        for p in self.world.points:
            p.order_driven = p.name in driven
        set_first_forecasts(self.world)
        for p in self.world.points:
            open_stock(p, self.world.integer)
        self.devices = self.list_devices()

    def run(self) -> Trace:
        trace = naive_trace.start(self.world, self.horizon)
        for t in range(self.horizon):
            self.clear_period()
            self.move_decoupling_points(t)
            self.effects = effects_of(self.world, self.happening, t)
            self.receive(t)
            self.demand(t)
            self.information_sweep(t)
            Material(self.world, self.effects, t, lambda e, t=t: self.take_in(e, t)).run(
                self.groups
            )
            self.lose_patience(t)
            self.observe(t)
            naive_trace.record_period(trace, self.world)
            for p in self.world.points:
                p.came_in_by.append(p.came_in)
        return naive_trace.finish(trace, self.world)

    def clear_period(self) -> None:
        for p in self.world.points:
            p.incoming = p.order = p.received = p.lost = 0.0
        for e in self.world.links:
            e.ordered = e.shipped = e.cancelled = e.received = 0.0
        for s in self.world.sinks:
            s.demand = s.accepted = s.delivered = s.lost = 0.0

    # ------------------------------------------------------------------ 0. decoupling points
    def move_decoupling_points(self, t: int) -> None:
        families = self.world.topology.family_of
        due = [m for m in self.world.scenario.moves if m.at + families[m.family].notice == t]
        if not due:
            return
        for m in due:
            self.positions[m.family] = m.to
        moving = {m.family for m in due}
        driven = order_driven_points(self.world, self.positions)
        for p in self.world.downstream_first():
            mine = [families[f] for f in moving & self.world.topology.families_of[p.declared.index]]
            if p.name in driven and not p.order_driven:
                p.order_driven = True
                p.pushed_since = None
                if all(f.run_out == "cancel" for f in mine):
                    self.cancel(p)
            elif p.name not in driven and p.order_driven:
                p.order_driven = False
                p.pushed_since = t
                p.ramp = max((f.ramp for f in mine), default=0)

    def cancel(self, p: Point) -> None:
        """Cancel what the suppliers have not shipped, newest first, up to a positive position."""
        unshipped = {e.name: e.yield_ * (e.mailed() + e.owed) for e in p.in_links}
        total = sum(unshipped.values())
        good = min(max(p.position(), 0.0), total)
        if good <= 0:
            return
        for e in p.in_links:
            left = good * unshipped[e.name] / total / e.yield_
            left = float(down(left)) if self.world.integer else left
            e.cancelled += left
            for due in sorted(e.mail, reverse=True):
                taken = min(left, e.mail[due])
                e.mail[due] -= taken
                left -= taken
            e.owed = max(0.0, e.owed - left)

    # ------------------------------------------------------------------ 2. receive
    def receive(self, t: int) -> None:
        for e in self.world.links:
            self.take_in(e, t)
            if e.lane in self.effects.closed_lanes:
                standing = {due + 1: units for due, units in e.way.items() if due > t}
                e.way.clear()
                e.way.update(standing)
        for p in self.world.points:
            self.lose_stock(p, t)
            if p.name in self.effects.uploaded:
                p.record *= self.effects.uploaded[p.name]
            p.record = max(0.0, p.record + p.corrections.pop(t, 0.0))

    def take_in(self, e: Link, t: int) -> None:
        """Receive what is due on a link, or let it wait at a closed dock."""
        due = e.way.pop(t, 0.0)
        p = e.to
        if e.kind != "make" and p.name in self.effects.dock_closed:
            e.gate += due
            return
        arrived = due + e.gate
        e.gate = 0.0
        if arrived <= 0:
            return
        good = arrived * e.yield_
        if self.world.integer and e.yield_ < 1:
            whole = float(down(good + e.remainder))
            e.remainder = good + e.remainder - whole
            good = whole
        e.received += arrived
        e.received_total += arrived
        p.received += good
        p.take_in(good)
        error = 0.0
        if p.settings.scan_error > 0:
            error = p.settings.scan_error * self.world.luck.scan(p.name, t)
        p.record += good * max(0.0, 1 + error)

    def lose_stock(self, p: Point, t: int) -> None:
        if p.name in self.effects.destroyed:
            gone = p.on_hand * (1 - self.effects.destroyed[p.name])
            gone = float(half_up(gone)) if self.world.integer else gone
            p.lost += gone
            p.issue(gone)
        life = p.item.shelf_life
        if life is not None and t >= life:
            old = min(p.on_hand, max(0.0, p.came_in_by[t - life] - p.went_out))
            p.lost += old
            p.issue(old)
        if p.settings.shrink > 0:
            gone = min(p.on_hand, self.world.luck.shrink(p.name, t, p.settings.shrink))
            gone = float(half_up(gone)) if self.world.integer else gone
            p.lost += gone
            p.take_out(gone)
        if p.settings.misplacement > 0:
            hidden = p.settings.misplacement * p.on_hand
            hidden = float(half_up(hidden)) if self.world.integer else hidden
            p.take_out(hidden)
            p.misplaced += hidden

    # ------------------------------------------------------------------ 3. demand
    def demand(self, t: int) -> None:
        for s in self.world.sinks:
            factor = self.effects.demand_factor.get(s.name, 1.0)
            drawn = self.world.luck.demand(s.name, t, factor)
            s.demand = float(half_up(drawn)) if self.world.integer else drawn
        Promises(self.world, self.effects, t).run()

    # ------------------------------------------------------------------ 4. information sweep
    def information_sweep(self, t: int) -> None:
        for e in self.world.links:
            if not e.inputs:  # no stock point upstream reads this mail
                e.owed += e.mail.pop(t, 0.0)
        for p in self.world.downstream_first():
            self.read_orders(p, t)
            update_forecast(p, t)
            q = wanted(self.world, p, t)
            if p.name in self.effects.no_orders or self.work_share(p.site) <= 0:
                q = 0.0
            if self.world.integer:
                q = float(up(q))
            for e, part in self.split_order(p, q):
                self.place(e, part, t)
            self.sum_customer_need(p)

    def work_share(self, site: str | None) -> float:
        return self.effects.work_share.get(site, 1.0) if site else 1.0

    def read_orders(self, p: Point, t: int) -> None:
        p.incoming = sum(s.accepted for s in p.sinks)
        for e, usage in p.out_links:
            arrived = e.mail.pop(t, 0.0)
            e.owed += arrived
            if e.delay == 0:
                arrived += e.ordered  # placed this period, and there at once
            p.incoming += usage * arrived
        accepted = sum(s.accepted for s in p.sinks)
        asked = sum(s.demand for s in p.sinks)
        for e, usage in p.out_links:
            weight = usage / e.yield_ * e.share
            accepted += weight * e.to.customer_signals[-1]
            asked += weight * e.to.demand_signals[-1]
        p.customer_signals.append(accepted)
        p.demand_signals.append(asked)

    def is_open(self, e: Link) -> bool:
        """May a link be chosen by a sourcing rule that avoids closed sources?"""
        if self.work_share(e.sender_site()) <= 0:
            return False
        if e.kind == "make":
            return self.effects.capacity_share.get(e.name, 1.0) > 0
        closed = e.lane in self.effects.closed_lanes
        return not closed and e.to.name not in self.effects.no_dispatch_to

    def split_order(self, p: Point, q: float) -> list[tuple[Link, float]]:
        links = p.in_links
        if q <= TINY or not links:
            return []
        if len(links) == 1:
            return [(links[0], q)]
        usable = [e for e in links if self.is_open(e)]
        if links[0].priority is not None:
            ranked = sorted(usable or links, key=lambda e: (e.priority, e.name))
            return [(ranked[0], q)]
        shares = {e.name: e.share for e in links}
        left = sum(e.share for e in usable)
        if links[0].fallback and left > 0:
            shares = {e.name: e.share / left if e in usable else 0.0 for e in links}
        total = sum(e.ordered_good for e in links) + q
        weights = [max(0.0, shares[e.name] * total - e.ordered_good) for e in links]
        return [(e, q * w / sum(weights)) for e, w in zip(links, weights, strict=True)]

    def place(self, e: Link, part: float, t: int) -> None:
        """Place one order on one link, after its lot rules."""
        declared = e.declared.declared
        units = part / e.yield_
        if self.world.integer:
            units = float(up(units))
        if units <= TINY:
            return
        units = max(units, declared.order_min)
        if declared.order_multiple > 0:
            units = up(units / declared.order_multiple) * declared.order_multiple
        if declared.order_max is not None:
            most = declared.order_max
            if declared.order_multiple > 0:
                most = down(most / declared.order_multiple) * declared.order_multiple
            units = min(units, most)
        if units <= 0:
            return
        if e.delay == 0:
            e.owed += units
        else:
            e.mail[t + e.delay] += units
        e.ordered += units
        e.ordered_good += units * e.yield_
        e.to.order += units * e.yield_
        if e.kind == "buy":
            e.spent += naive_trace.price(e, units)
            e.ordered_total += units

    def sum_customer_need(self, p: Point) -> None:
        p.need = sum(s.owed for s in p.sinks)
        for e, usage in p.out_links:
            to = e.to
            coming = sum(f.yield_ * (f.moving() + f.gate) for f in to.in_links)
            uncovered = max(0.0, to.need - to.record - coming)
            e.need = min(e.owed, uncovered * e.share / e.yield_)
            p.need += usage * e.need

    # ------------------------------------------------------------------ after the material sweep
    def lose_patience(self, t: int) -> None:
        for s in self.world.sinks:
            if s.patience is None:
                continue
            leaving = sum(units for period, units in s.batches if period <= t - s.patience)
            if leaving > 0:
                s.lost += leaving
                close(s, leaving, t, self.world.service.left)

    # ------------------------------------------------------------------ 6. observe
    def list_devices(self) -> list[tuple[str, object, Point]]:
        """Return the adopted devices that correct the books, with their stock points."""
        found = []
        for device in self.world.scenario.devices:
            if device.kind not in CORRECTING + SEEING_ONLY:
                raise ValueError(device.kind)
            for p in self.world.points:
                name = f"{device.kind}@{p.name}"
                owner = device.owner or p.declared.site.who
                share = self.world.scenario.adoption.get(owner, 1.0)
                d = p.declared
                stands_here = selects(device.where, d.site, d.item, d.role)
                corrects = stands_here and device.kind in CORRECTING
                if corrects and self.world.luck.adopted(name) < share:
                    found.append((name, device, p))
        return found

    def observe(self, t: int) -> None:
        for name, device, p in self.devices:
            if (t - device.phase) % device.period != 0 or p.name in self.effects.device_silent:
                continue
            if device.kind == "cycle_count":
                p.take_in(p.misplaced)
                p.misplaced = 0.0
            noise = device.noise * self.world.luck.reading(name, t) if device.noise > 0 else 0.0
            seen = device.read_rate * p.on_hand
            reading = seen * (1 + device.bias) * (1 + noise) / device.read_rate
            reading *= self.effects.device_factor.get(p.name, 1.0)
            if self.world.integer:
                reading = float(half_up(reading))
            if self.world.luck.reading_lost(name, t) >= device.loss:
                p.corrections[t + 1 + device.delay] += reading - p.record
