"""The plan of a scenario, and the world of one block of replications."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twin import decoupling, kernel
from twin.arrays import (
    LINK,
    NET_LINK,
    NET_SINK,
    ROW,
    RULE,
    Devices,
    EffectLink,
    EffectRow,
    Effects,
    Floats,
    History,
    Links,
    LinkSums,
    Network,
    Prices,
    Rows,
    RowSums,
    Rules,
    Sinks,
    SinkSums,
    Switches,
    Table,
    Work,
    World,
)
from twin.compile import events as ev
from twin.compile import rules as rl
from twin.compile.material import Material, plan_material
from twin.compile.network import build_network, floats, ints, network_slots, offsets
from twin.demand import compile_demand
from twin.distributions import build_lead_tables
from twin.errors import RunError
from twin.policies import needs_forecast
from twin.schema import Purchase
from twin.topology import Link, Topology, build

RECORDABLE = {"rows": Rows._fields, "links": Links._fields, "sinks": Sinks._fields}


@dataclass(frozen=True)
class Plan:
    """Everything about a scenario that all its blocks of replications share."""

    topology: Topology
    network: Network
    material: Material
    theta: Table
    columns: Mapping[str, Any]
    n_slots: int
    forecasts: rl.Forecasts
    opening: Floats
    events: ev.EventPlan
    devices: tuple[ev.PlacedDevice, ...]
    device_columns: Mapping[str, Any]
    prices: Prices
    demand: Any
    leads: Any
    lead_table: Any
    switches: Switches

    @classmethod
    def of(cls, scenario_or_topology: Any) -> Plan:
        """Compile a scenario (or its topology, when it is at hand)."""
        top = scenario_or_topology
        if not isinstance(top, Topology):
            top = build(top)
        scenario = top.scenario
        material = plan_material(top)
        devices = ev.place_devices(top)
        closable = ev.closable_links(top)
        network = build_network(top, material, ev.stretched_links(top), closable)
        columns, n_slots = rl.rule_columns(top, network_slots(network))
        forecasts = rl.first_forecasts(top)
        random = [e.index for e in top.links if network.link[NET_LINK.lead, e.index] < 0]
        lead_table = np.full(len(top.links), -1, np.int32)
        lead_table[random] = np.arange(len(random))
        return cls(
            topology=top,
            network=network,
            material=material,
            theta=rl.theta_columns(top),
            columns=columns,
            n_slots=n_slots,
            forecasts=forecasts,
            opening=_opening(top, columns["driven"], forecasts),
            events=ev.plan_events(top, devices, [x.name for x in material.limits]),
            devices=tuple(devices),
            device_columns=ev.device_columns(top, devices),
            prices=_prices(top),
            demand=compile_demand(top.sinks, scenario),
            leads=build_lead_tables([top.links[e].lead_time for e in random]),
            lead_table=lead_table,
            switches=_switches(top, network, columns, devices, closable),
        )

    @functools.cached_property
    def n_rows(self) -> int:
        """Number of stock points."""
        return len(self.topology.points)

    def world(self, K: int, k0: int, seed: int) -> World:
        """Return the opening state of replications ``k0 ... k0 + K`` under a seed."""
        return _World(self, K, k0, seed).build()

    def history(self, names: Sequence[str], n_periods: int, K: int) -> History:
        """Return room for the chosen series, named ``rows.on_hand``, ``sinks.demand`` ...

        Raises
        ------
        RunError
            If a name is unknown.
        """
        chosen: dict[str, list[int]] = {"rows": [], "links": [], "sinks": []}
        for name in names:
            table, _, field = name.partition(".")
            if table not in RECORDABLE or field not in RECORDABLE[table]:
                known = ", ".join(f"{t}.{f}" for t, fs in RECORDABLE.items() for f in fs)
                msg = f"no series '{name}' to record; allowed: {known}"
                raise RunError(msg)
            if field == "record" and not self.switches.records:
                field = "on_hand"  # the books are right
            chosen[table].append(RECORDABLE[table].index(field))
        top = self.topology
        width = {"rows": len(top.points), "links": len(top.links), "sinks": len(top.sinks)}
        parts: list[Any] = []
        for table, fields in chosen.items():
            periods = n_periods if fields else 0
            parts += [ints(fields), np.zeros((len(fields), periods, width[table] * K))]
        return History(*parts)


def _opening(top: Topology, driven: Any, forecasts: rl.Forecasts) -> Floats:
    stock = np.zeros(len(top.points))
    for p in top.points:
        given = p.settings.initial_stock
        if given is None and driven[p.index]:
            given = 0.0
        if given is None:
            lead, spread = rl.protection(top, p.index)
            given = rl.opening_level(
                p.settings.policy,
                float(forecasts.mean[p.index]),
                float(forecasts.variance[p.index]),
                lead,
                spread,
            )
        stock[p.index] = max(0.0, given)
    return np.floor(stock + 0.5) if top.scenario.integer else stock


def _breaks(link: Link) -> list[tuple[float, float]]:
    """Price breaks of a link from quantity 0 on; none when one price holds for all orders."""
    bought = link.declared
    if not isinstance(bought, Purchase) or not bought.breaks:
        return []
    found = sorted((b.quantity, b.price) for b in bought.breaks)
    if found[0][0] > 0 and bought.price is not None:
        found.insert(0, (0.0, bought.price))
    return found


def _prices(top: Topology) -> Prices:
    breaks = [_breaks(e) for e in top.links]
    for b, e in zip(breaks, top.links, strict=True):
        if b and b[0][0] > 0:  # without a price of its own, the item's value holds below
            b.insert(0, (0.0, top.points[e.to].item.value))
    return Prices(
        off=offsets(len(b) for b in breaks),
        quantity=floats(q for b in breaks for q, _ in b),
        price=floats(p for b in breaks for _, p in b),
        incremental=np.array(
            [getattr(e.declared, "break_kind", "") == "incremental" for e in top.links], np.int8
        ),
    )


def _switches(
    top: Topology,
    net: Network,
    columns: Mapping[str, Any],
    devices: list[ev.PlacedDevice],
    closable: set[int],
) -> Switches:
    scenario = top.scenario
    kinds = {d.kind for d in scenario.disruptions}
    settings = [p.settings for p in top.points]
    records = (
        any(s.shrink or s.misplacement or s.scan_error for s in settings)
        or bool(devices)
        or "wrong_upload" in kinds
    )
    shelf = bool(columns["row"][RULE.shelf_life].any())
    scrap = scenario.integer and any(e.yield_ < 1 for e in top.links)
    moving = bool(scenario.moves)
    sees = [s.forecast.sees != "orders" and needs_forecast(s.policy) for s in settings]
    lost = any(s.demand.unmet == "lost" for s in top.sinks)
    return Switches(
        disruptions=int(bool(scenario.disruptions)),
        records=int(records),
        losses=int(records or shelf or "stock_destruction" in kinds),
        shelf_life=int(shelf),
        devices=int(bool(devices)),
        lost_sales=int(lost),
        quotes=int(lost and (moving or bool(columns["driven"].any()))),
        mail=int(any(e.delay for e in top.links)),
        forecasts=int(any(needs_forecast(s.policy) or s.policy.kind == "human" for s in settings)),
        visibility=int(any(sees)),
        need=int(any(s.customers_first for s in settings)),
        driven=int(moving or bool(columns["driven"].any())),
        lines=int(any(s.policy.kind == "conwip" for s in settings)),
        forced=int(any(s.policy.forced_until for s in settings)),
        shares=int(any(len(x) > 1 for x in top.in_links)),
        prices=int(any(isinstance(e.declared, Purchase) and e.declared.breaks for e in top.links)),
        integer=int(scenario.integer),
        careful=int(shelf or scrap),
        clocks=int(bool(closable)),
        patience=int(any(s.demand.patience is not None for s in top.sinks)),
        history=0,
    )


def last_row_column(on: Switches) -> int:
    """Return how many columns of ``Rows`` a scenario needs; the rest is left out."""
    if on.shelf_life:
        return len(Rows._fields)
    if on.lines:
        return ROW.inbound + 1
    if on.need:
        return ROW.need + 1
    if on.records or on.losses:
        return ROW.lost + 1
    if on.visibility:
        return ROW.wanted + 1
    return ROW.signal + 1 if on.forecasts else ROW.order + 1


def last_link_column(on: Switches) -> int:
    """Return how many columns of ``Links`` a scenario needs."""
    if on.need or (on.careful and on.integer):
        return len(Links._fields)
    if on.clocks or on.disruptions or on.lines or on.careful or on.records:
        return LINK.clock + 1
    return LINK.cancelled + 1


def last_sum_column(on: Switches) -> int:
    """Return how many columns of ``RowSums`` a scenario needs."""
    if on.losses or on.records:
        return len(RowSums._fields)
    return RowSums._fields.index("signal") + 1 if on.forecasts else 7


class _World:
    """Scratch space of :meth:`Plan.world`."""

    def __init__(self, plan: Plan, K: int, k0: int, seed: int) -> None:
        self.plan, self.K, self.k0, self.seed = plan, K, k0, seed
        self.n = len(plan.topology.points)
        self.m = len(plan.topology.links)
        self.s = len(plan.topology.sinks)

    def build(self) -> World:
        plan, K, on = self.plan, self.K, self.plan.switches
        rows = self.rows()
        links = self.table(self.m, last_link_column(on))
        links[LINK.last_due] = -1.0
        rings = self.rings()
        self.open_pipelines(rows, links, rings)
        rec = ROW.record if on.records else ROW.on_hand
        columns = {name: v.copy() for name, v in plan.columns.items()}
        return World(
            network=plan.network,
            rules=Rules(theta=np.repeat(plan.theta, K, axis=1), rec=rec, **columns),
            rows=rows,
            links=links,
            sinks=self.table(self.s, len(Sinks._fields)),
            row_sums=self.table(self.n, last_sum_column(on)),
            link_sums=self.table(self.m, len(LinkSums._fields)),
            sink_sums=self.table(self.s, len(SinkSums._fields)),
            rings=rings,
            work=self.work(),
            effects=self.effects(),
            events=plan.events.draw(K, self.k0, self.seed),
            devices=self.devices(),
            prices=plan.prices,
            demand=plan.demand,
            leads=plan.leads,
            lead_table=plan.lead_table,
            visits=np.zeros(len(kernel.VISITS), np.int64),
        )

    def table(self, things: int, columns: int) -> Table:
        return np.zeros((columns, things * self.K))

    def spread(self, values: Floats) -> Floats:
        """One value a thing -> one value a thing and replication."""
        return np.repeat(np.asarray(values, dtype=np.float64), self.K)

    def rows(self) -> Table:
        plan, on = self.plan, self.plan.switches
        rows = self.table(self.n, last_row_column(on))
        rows[ROW.on_hand] = self.spread(plan.opening)
        if rows.shape[0] > ROW.variance:
            rows[ROW.forecast] = self.spread(plan.forecasts.mean)
            rows[ROW.variance] = self.spread(plan.forecasts.variance)
        if on.records:
            rows[ROW.record] = rows[ROW.on_hand]
        if on.shelf_life:
            rows[ROW.in_total] = rows[ROW.on_hand]
        return rows

    def rings(self) -> Floats:
        plan = self.plan
        rings = np.zeros(plan.n_slots * self.K)
        row = plan.columns["row"]
        rows = range(self.n)
        pairs = ((RULE.window, RULE.window_off), (RULE.age, RULE.age_off))
        for length, first in pairs:  # before the start the first forecast stands for the past
            for i in rows:
                a = int(row[first, i]) * self.K
                rings[a : a + int(row[length, i]) * self.K] = plan.forecasts.mean[i]
        return rings

    def open_pipelines(self, rows: Table, links: Table, rings: Floats) -> None:
        """Put opening goods on the way and opening orders into the mail."""
        top, net = self.plan.topology, self.plan.network
        for e in top.links:
            settings = top.points[e.to].settings
            transit = settings.initial_in_transit
            mail = settings.initial_orders or 0.0
            if transit is None and not mail:
                continue
            slots = decoupling.nominal_lead(e) - e.delay
            units = list(transit) if isinstance(transit, list) else [transit or 0.0] * slots
            units = units[: max(0, int(net.link[NET_LINK.transit_len, e.index]) - 1)]
            units = [self.whole(x * e.share) for x in units]
            mail = self.whole(mail * e.share)
            for p, x in enumerate(units):  # one slot a period, from period 0 on
                self.add(rings, int(net.link[NET_LINK.transit_off, e.index]) + p, x)
                self.add(links[LINK.on_way], e.index, x)
                if x > 0:
                    links[LINK.last_due, e.index * self.K : (e.index + 1) * self.K] = p
            for p in range(e.delay):
                self.add(rings, int(net.link[NET_LINK.mail_off, e.index]) + p, mail)
            total = sum(units) + mail * e.delay
            self.add(rows[ROW.on_order], e.to, total * e.yield_)

    def whole(self, x: float) -> float:
        return float(np.floor(x + 0.5)) if self.plan.switches.integer else x

    def add(self, array: Floats, i: int, x: float) -> None:
        array[i * self.K : (i + 1) * self.K] += x

    def work(self) -> Work:
        net, K = self.plan.network, self.K
        claims = net.claim.shape[1] * K
        grouped = net.group_row.size > 0
        return Work(
            want=np.zeros(self.m * K),
            allowed=np.zeros(self.m * K if self.plan.switches.disruptions else 0),
            claim=np.zeros(claims),
            later=np.zeros(claims if self.plan.switches.need else 0),
            stock=np.zeros(self.n * K if grouped else 0),
            left=np.zeros(K),
            total=np.zeros(K),
            limit_left=np.zeros(net.limit_stock.size * K),
            limit_grant=np.zeros(net.limit_claim.shape[1] * K),
            promise=np.zeros(2 * self.s + self.n if self.plan.switches.lost_sales else 0),
            none=np.zeros(0),
            turn=np.zeros(self.longest_ring() + 1, np.int32),
        )

    def longest_ring(self) -> int:
        net = self.plan.network
        links = net.link[[NET_LINK.transit_len, NET_LINK.mail_len]].max(initial=1)
        return int(max(links, net.sink[NET_SINK.curve_len].max(initial=1)))

    def effects(self) -> Effects:
        used = self.plan.switches.disruptions
        n, m, s = (self.n, self.m, self.s) if used else (0, 0, 0)
        return Effects(
            row=np.ones((len(EffectRow._fields), n * self.K)),
            link=np.ones((len(EffectLink._fields), m * self.K)),
            demand=np.ones(s * self.K),
            limit=np.ones(len(self.plan.material.limits) * self.K),
            device=np.ones(len(self.plan.devices) * self.K),
        )

    def devices(self) -> Devices:
        columns = self.plan.device_columns
        n = len(self.plan.devices)
        slots = int((columns["delay"] + 1).sum())
        return Devices(
            **columns,
            ring=np.zeros(slots * self.K),
            reading=np.zeros(n * self.K),
            read_at=np.full(n * self.K, -1.0),
        )
