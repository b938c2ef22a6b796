"""Telemetry of a chain that is only simulated: what its systems and devices would have reported.

One replication of the engine is stepped period by period, and everything that a real chain's
systems would see of it becomes an event: customers' orders and what they were given, replenishment
orders, dispatches and receipts with their lots, production, counts of devices and of the books,
outages. What nobody sees in reality is not told: demand that found an empty shelf, shrink, what
happened to a lost reading. The source of every event begins with ``emulated``.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calibration.balance import BOOKS
from calibration.distort import distort as distort
from calibration.event_files import write as write
from calibration.events import FIELDS, NAMES, SOURCE, Event
from calibration.times import period_length, period_start
from twin import posterior
from twin.arguments import whole
from twin.arrays import LINK_FORM, NET_LINK, SINK_SUM
from twin.compile import Plan
from twin.run import prepare
from twin.schema import Scenario
from twin.simulation import Simulation
from twin.topology import Link

RECEIVE, ORDER, REPLENISH, MATERIAL, OBSERVE, CLOSE = (h / 24 for h in (6, 10, 12, 14, 20, 21))
"""When in a period each phase of the clock is reported, as a share of the period."""

_TINY = 1e-9
_SWEEP = 1 / 24  # share of a period that the material sweep takes, upstream first


def events(
    scenario: Scenario | str | Path,
    *,
    seed: int | None = None,
    replication: int = 0,
    books: int = 1,
) -> pd.DataFrame:
    """Return what one replication of a scenario would have reported.

    Parameters
    ----------
    scenario
        A scenario, a file, or the name of a shipped one.
    seed
        The luck; default: the scenario's.
    replication
        Which draw of luck, from 0.
    books
        Periods between two looks at the books, 1 or more.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`calibration.events.NAMES`, sorted by event time. Customers' orders are
        totals of a period, zeros included; where unmet demand is lost they are sales. A dispatch
        and its receipt share a lot (``lane@period``), a receipt from outside has the lot of the
        order it answers; what is on the way at the end has no receipt. Write-offs and orders taken
        back when a decoupling point moves are not reported.

    Raises
    ------
    ScenarioError
        If the scenario is wrong.
    RunError
        If a number is not a whole one in its range.
    """
    replication, books = whole("replication", replication), whole("books", books)
    chosen = prepare(scenario, {}, seed)
    if chosen.posterior.size:
        chosen = posterior.drawn(chosen, replication)
    source = f"{SOURCE} {chosen.name} seed {chosen.seed} replication {replication}"
    reporter = _Reporter(Simulation(Plan.of(chosen), 1, replication), source, books)
    for _ in range(chosen.horizon):
        reporter.step()
    return frame(reporter.found)


def frame(found: list[Event]) -> pd.DataFrame:
    """Return events as a table of the canonical columns, sorted by event time."""
    table = pd.DataFrame([event.row() for event in found], columns=list(NAMES))
    table = table.astype({f.name: f.dtype for f in FIELDS})
    return table.sort_values(["event_time", "source", "event_id"], ignore_index=True)


@dataclass
class _Queue:
    """Parcels of one link in the order in which they arrive: due, lot, units left."""

    parcels: list[list[Any]] = field(default_factory=list)

    def put(self, due: float, lot: str, units: float) -> None:
        if units > _TINY:
            bisect.insort(self.parcels, [due, lot, units], key=lambda p: p[0])

    def take(self, units: float) -> Iterator[tuple[str, float]]:
        """Yield the lots that some units belong to, first in first out."""
        while units > _TINY and self.parcels:
            first = self.parcels[0]
            part = min(units, first[2])
            yield first[1], part
            first[2] -= part
            units -= part
            if first[2] <= _TINY:
                self.parcels.pop(0)

    def take_back(self, units: float) -> None:
        """Forget the newest units (cancelled orders)."""
        while units > _TINY and self.parcels:
            part = min(units, self.parcels[-1][2])
            self.parcels[-1][2] -= part
            units -= part
            if self.parcels[-1][2] <= _TINY:
                self.parcels.pop()


class _Reporter:
    """Steps a simulation and tells what each period brought."""

    def __init__(self, sim: Simulation, source: str, books: int) -> None:
        self.sim, self.source, self.books = sim, source, books
        self.top = sim.plan.topology
        self.found: list[Event] = []
        self.number = itertools.count()
        calendar = self.top.scenario.calendar
        self.length, self.start = period_length(calendar), period_start(calendar, 0)
        self.levels = max(p.level for p in self.top.points) + 1
        self.way = [_Queue() for _ in self.top.links]
        self.orders = [_Queue() for _ in self.top.links]
        self.placed = [0] * len(self.top.links)
        self.t = 0
        self.before = self._state()
        for e, queue in zip(self.top.links, self.way, strict=True):
            queue.put(-1.0, f"{e.name}@opening", self.before["on_way"][e.index])
        self._tell_status()

    def _state(self) -> dict[str, Any]:
        sim = self.sim
        gave_up = sim.world.sink_sums
        left = gave_up[SINK_SUM.gave_up] if gave_up.shape[0] > SINK_SUM.gave_up else 0.0
        slots = {e.index: self._slots(e) for e in self.top.links if self._overtakes(e)}
        links = ("on_way", "gate", "carry", "cancelled", "clock")
        return {name: sim.links(name)[:, 0].copy() for name in links} | {
            "delivered": sim.sinks("closed_total")[:, 0] - left,
            "slots": slots,
        }

    def tell(self, share: float, kind: str, site: str, item: str, **more: Any) -> None:
        """Report one event of this period; ``share`` of it was over."""
        time = self.start + round((self.t + share) * self.length)
        late = more.pop("late", 0) * self.length
        self.found.append(
            Event(
                event_id=f"{next(self.number):08d}", source=self.source, site=site, item=item,
                event_time=time, ingest_time=time + late, kind=kind, raw_ref=f"period {self.t}", **more,
            )
        )  # fmt: skip

    def step(self) -> None:
        """Advance one period and report it."""
        self.t = self.sim.t
        self.sim.advance(1)
        now = self._state()
        self._tell_customers(now)
        for e in self.top.links:
            self._tell_order(e, now)
            self._tell_moves(e, now)
        self._tell_readings()
        if self.t % self.books == 0:
            self._tell_books()
        self.before = now

    def _tell_customers(self, now: dict[str, Any]) -> None:
        accepted = self.sim.sinks("accepted")[:, 0]
        given = now["delivered"] - self.before["delivered"]
        for s in self.top.sinks:
            p = self.top.points[s.row]
            what, lost = (p.site.name, p.item.name), s.demand.unmet == "lost"
            self.tell(
                ORDER, "order", *what, qty=accepted[s.index], unit=p.item.unit,
                quality="total sale" if lost else "total",
            )  # fmt: skip
            if given[s.index] > _TINY:
                share = ORDER if lost else self._sweep(p.level)
                self.tell(share, "ship", *what, qty=given[s.index], unit=p.item.unit)

    def _tell_order(self, e: Link, now: dict[str, Any]) -> None:
        queue, i = self.orders[e.index], e.index
        queue.take_back(now["cancelled"][i] - self.before["cancelled"][i])
        units = self.sim.links("placed")[i, 0]
        if units <= _TINY:
            return
        self.placed[i] += 1
        lot, p = f"{e.name}#{self.placed[i]}", self.top.points[e.to]
        queue.put(float(self.t), lot, units)
        who = p.site.name if e.kind == "make" else e.source
        self.tell(
            REPLENISH, "order", p.site.name, p.item.name, lot=lot, partner=who, qty=units,
            unit=p.item.unit,
        )  # fmt: skip

    def _tell_moves(self, e: Link, now: dict[str, Any]) -> None:
        """Report what a link sent and what it brought, by lots."""
        i = e.index
        moved = self.sim.links("moved")[i, 0]
        if moved > _TINY:
            lot = f"{e.name}@{self.t}"
            self.way[i].put(self._due(e, now), lot, moved)
            self._tell_dispatch(e, lot, moved)
        was, is_ = (s["on_way"][i] + s["gate"][i] for s in (self.before, now))
        came = was + moved - is_
        if came <= _TINY:
            return
        at_once = e.declared.lead_time.kind == "constant" and e.declared.lead_time.value == 0
        share = self._sweep(self.top.points[e.to].level + 0.5) if at_once else RECEIVE
        good = came * e.yield_ + self.before["carry"][i] - now["carry"][i]
        source = self.orders if e.kind == "buy" else self.way
        for lot, part in [*source[i].take(came)]:
            self._tell_receipt(e, share, lot, part, good / came)
        if e.kind == "buy":
            [*self.way[i].take(came)]

    def _tell_dispatch(self, e: Link, lot: str, moved: float) -> None:
        """Report what leaves each stock point: to another site, or into production."""
        to = self.top.points[e.to].site.name
        for row, usage in e.inputs:
            p = self.top.points[row]
            self.tell(
                self._sweep(p.level), "ship", p.site.name, p.item.name, lot=lot, partner=to,
                qty=usage * moved, unit=p.item.unit, quality="input" if e.kind == "make" else "",
            )  # fmt: skip

    def _tell_receipt(self, e: Link, share: float, lot: str, part: float, good: float) -> None:
        p = self.top.points[e.to]
        what: dict[str, Any] = {"lot": lot, "qty": part * good, "unit": p.item.unit}
        if e.kind == "make":
            self.tell(share, "make", p.site.name, p.item.name, value=part, **what)
        else:
            self.tell(share, "receive", p.site.name, p.item.name, partner=e.source, **what)

    def _tell_readings(self) -> None:
        dev, t = self.sim.world.devices, self.t
        for d, placed in enumerate(self.sim.plan.devices):
            if dev.read_at[d] != t:
                continue
            p, spec = self.top.points[placed.row], placed.device
            name = "value" if spec.kind == "pos_feed" else "qty"
            self.tell(
                OBSERVE, "sense" if name == "value" else "count", p.site.name, p.item.name,
                device=placed.name, seq=(t - spec.phase) // spec.period, late=spec.delay,
                unit=p.item.unit, **{name: dev.reading[d]},
            )  # fmt: skip

    def _tell_books(self) -> None:
        units = self.sim.rows("record" if self.sim.plan.switches.records else "on_hand")[:, 0]
        for p in self.top.points:
            self.tell(
                CLOSE, "count", p.site.name, p.item.name, device=BOOKS, qty=units[p.index],
                unit=p.item.unit,
            )  # fmt: skip

    def _tell_status(self) -> None:
        """Report when each site, and each device that falls silent, was up and down."""
        for site in sorted({p.site.name for p in self.top.points}):
            self.tell(0.0, "status", site, "", value=1.0)
        drawn, plan = self.sim.world.events, self.sim.plan.events
        horizon = self.top.scenario.horizon
        for e, event in enumerate(plan.events):
            silent = event.kind == "device_fault" and event.factor is None
            if not drawn.happens[e] or not (silent or event.kind == "outage"):
                continue
            if event.kind == "outage" and event.severity < 1.0:
                continue
            hit = drawn.target[drawn.target_off[e] : drawn.target_off[e + 1]]
            down, up = int(drawn.start[e]), int(drawn.start[e]) + event.duration
            for t, value in ((down, 0.0), (up, 1.0)):
                if t < horizon:
                    self._tell_change(t, [int(x) for x in hit], value, silent)

    def _tell_change(self, t: int, hit: list[int], value: float, silent: bool) -> None:
        placed = self.sim.plan.devices
        named = (
            {(self.top.points[placed[d].row].site.name, placed[d].name) for d in hit}
            if silent
            else {(self.top.points[i].site.name, "") for i in hit}
        )
        for site, device in sorted(named):
            self.tell(t, "status", site, "", device=device, value=value)

    def _sweep(self, level: float) -> float:
        """Return when in a period material moves at a level, upstream first."""
        return MATERIAL + _SWEEP * (self.levels - level) / self.levels

    def _overtakes(self, e: Link) -> bool:
        return getattr(e.declared, "overtaking", False) and e.lead_time.kind != "constant"

    def _slots(self, e: Link) -> Any:
        """Return a copy of what is on the way of a link, by slot of its ring."""
        supply = self.sim.world.network.supply
        n = int(supply.form[LINK_FORM.transit_len, supply.link[NET_LINK.link_form, e.index]])
        first = int(supply.link[NET_LINK.transit_off, e.index])
        return self.sim.world.rings[first : first + n].copy()

    def _due(self, e: Link, now: dict[str, Any]) -> float:
        """Return a number that sorts dispatches of a link by when they will arrive."""
        if not self._overtakes(e):
            return float(self.t)
        clock = int(self.before["clock"][e.index]) if self._closable(e) else self.t
        slots = now["slots"][e.index] - self.before["slots"][e.index]
        slots[clock % slots.size] = 0.0  # what arrived in this period
        return float(clock + (int(np.argmax(slots)) - clock) % slots.size)

    def _closable(self, e: Link) -> bool:
        supply = self.sim.world.network.supply
        return bool(supply.form[LINK_FORM.closable, supply.link[NET_LINK.link_form, e.index]])
