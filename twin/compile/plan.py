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
    LINK_SUM,
    NET_LINK,
    NET_ROW,
    ROW,
    ROW_FORM,
    ROW_SUM,
    SINK,
    SINK_SUM,
    STAGE,
    Books,
    Devices,
    EffectLink,
    EffectRow,
    Effects,
    Error,
    Floats,
    History,
    Ints,
    Links,
    LinkSums,
    Network,
    OrderSums,
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
from twin.compile.network import (
    build_network,
    floats,
    ints,
    link_column,
    offsets,
    sink_column,
)
from twin.demand import compile_demand
from twin.distributions import build_lead_tables
from twin.errors import RunError
from twin.policies import needs_forecast
from twin.rng import streams_of
from twin.schema import Purchase
from twin.topology import Link, Topology, build

RECORDABLE = {"rows": Rows._fields, "links": Links._fields, "sinks": Sinks._fields}


@dataclass(frozen=True)
class Plan:
    """Everything about a scenario that all its blocks of replications share."""

    topology: Topology
    network: Network
    material: Material
    rules: Rules
    books: Books
    forecasts: rl.Forecasts
    opening: Floats
    events: ev.EventPlan
    devices: tuple[ev.PlacedDevice, ...]
    device_columns: Mapping[str, Any]
    prices: Prices
    demand: Any
    leads: Any
    lead_table: Ints
    link_stream: Any
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
        theta, parameters = rl.theta_columns(top)
        lines = rl.lines(top)
        network = build_network(
            top,
            material,
            ev.stretched_links(top),
            closable,
            rl.rule_columns(top) | {"parameters": parameters, "line_off": lines.line_off},
        )
        switches = _switches(top, network, material, devices, closable)
        forecasts = rl.first_forecasts(top)
        rules = _rules(top, network, theta, lines, switches)
        lead_table, links = _random_leads(network)
        return cls(
            topology=top,
            network=network,
            material=material,
            rules=rules,
            books=_books(top, switches),
            forecasts=forecasts,
            opening=_opening(top, rules.driven, forecasts),
            events=ev.plan_events(top, devices, [x.name for x in material.limits]),
            devices=tuple(devices),
            device_columns=ev.device_columns(top, devices),
            prices=_prices(top, switches),
            demand=compile_demand(top.sinks, scenario),
            leads=build_lead_tables([top.links[e].lead_time for e in links]),
            lead_table=lead_table,
            link_stream=streams_of(e.name for e in top.links if links),
            switches=switches,
        )

    @functools.cached_property
    def n_rows(self) -> int:
        """Number of stock points."""
        return len(self.topology.points)

    @functools.cached_property
    def longest_ring(self) -> int:
        """Slots of the longest ring of a link or a sink."""
        net = self.network
        rings = (
            *(link_column(net, name).max(initial=1) for name in ("transit_len", "mail_len")),
            sink_column(net, "curve_len").max(initial=1),
        )
        return int(max(rings))

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
            if field == "accepted" and not loses(self.switches):
                field = "demand"  # all of it
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


def _prices(top: Topology, on: Switches) -> Prices:
    links = top.links if on.prices else ()
    breaks = [_breaks(e) for e in links]
    for b, e in zip(breaks, links, strict=True):
        if b and b[0][0] > 0:  # without a price of its own, the item's value holds below
            b.insert(0, (0.0, top.points[e.to].item.value))
    return Prices(
        off=offsets(len(b) for b in breaks),
        quantity=floats(q for b in breaks for q, _ in b),
        price=floats(p for b in breaks for _, p in b),
        incremental=np.array(
            [getattr(e.declared, "break_kind", "") == "incremental" for e in links], np.int8
        ),
    )


def _rules(top: Topology, net: Network, theta: Table, lines: rl.Lines, on: Switches) -> Rules:
    movable = len(top.points) if top.scenario.families else 0
    return Rules(
        theta=theta,
        rec=ROW.record if on.records else ROW.on_hand,
        row=net.stock.row,
        form=net.stock.form,
        driven=rl.driven_now(top),
        ramp=np.zeros((2, movable), np.int32),
        line_row=lines.line_row,
        line_weight=lines.line_weight,
    )


def _books(top: Topology, on: Switches) -> Books:
    if not on.records:
        return Books(np.empty((len(Error._fields), 0)), streams_of(()))
    return Books(rl.book_errors(top), streams_of(p.name for p in top.points))


def _random_leads(net: Network) -> tuple[Ints, list[int]]:
    """Return the lead time table of each link (-1: constant) and the links with a random one."""
    random = np.flatnonzero(link_column(net, "lead") < 0)
    table = np.full(net.n_links if random.size else 0, -1, np.int32)
    table[random] = np.arange(random.size)
    return table, random.tolist()


def _switches(
    top: Topology,
    net: Network,
    material: Material,
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
    shelf = bool(net.stock.form[ROW_FORM.shelf_life].any())
    scrap = scenario.integer and any(e.yield_ < 1 for e in top.links)
    driven = bool(scenario.moves) or bool(rl.driven_now(top).any())
    sees = [s.forecast.sees != "orders" and needs_forecast(s.policy) for s in settings]
    lost = any(s.demand.unmet == "lost" for s in top.sinks)
    special = bool(net.sweep.stage[STAGE.stage_special].any())
    bought = all(_is_bought(top.links[e], net) for e in material.outside)
    hindered = scenario.disruptions or records or shelf or scenario.integer or material.groups
    return Switches(
        disruptions=int(bool(scenario.disruptions)),
        records=int(records),
        losses=int(records or shelf or "stock_destruction" in kinds),
        shelf_life=int(shelf),
        devices=int(bool(devices)),
        lost_sales=int(lost),
        quotes=int(lost and driven),
        mail=int(any(e.delay for e in top.links)),
        forecasts=int(any(needs_forecast(s.policy) or s.policy.kind == "human" for s in settings)),
        visibility=int(any(sees)),
        demand_seen=int(
            any(x and s.forecast.sees == "demand" for x, s in zip(sees, settings, strict=True))
        ),
        need=int(any(s.customers_first for s in settings)),
        driven=int(driven),
        lines=int(any(s.policy.kind == "conwip" for s in settings)),
        forced=int(any(s.policy.forced_until for s in settings)),
        shares=int(any(len(x) > 1 for x in top.in_links)),
        prices=int(any(isinstance(e.declared, Purchase) and e.declared.breaks for e in top.links)),
        integer=int(scenario.integer),
        careful=int(shelf or scrap),
        clocks=int(bool(closable)),
        patience=int(any(s.demand.patience is not None for s in top.sinks)),
        special=int(special),
        bought=int(bought),
        plain=int(bought and not (special or hindered)),
        history=0,
    )


def _is_bought(link: Link, net: Network) -> bool:
    """Return whether an outside supplier ships it, with nothing to round or to draw."""
    return link.kind == "buy" and not link_column(net, "special")[link.index]


def loses(on: Switches) -> bool:
    """Return whether customers can be lost, so that accepted is not simply demand."""
    return bool(on.lost_sales or on.patience)


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
        return ROW.wanted + on.demand_seen
    return ROW.signal + 1 if on.forecasts else ROW.order + 1


def last_link_column(on: Switches, movable: bool) -> int:
    """Return how many columns of ``Links`` a scenario needs."""
    if on.need or (on.careful and on.integer):
        return len(Links._fields)
    if movable:
        return LINK.cancelled + 1
    if on.clocks or on.disruptions or on.careful or on.records:
        return LINK.clock + 1
    if on.mail:
        return LINK.mailed + 1
    if on.special:
        return LINK.last_due + 1
    return LINK.good_total + 1 if on.shares else LINK.placed + 1


def last_sink_column(on: Switches) -> int:
    """Return how many columns of ``Sinks`` a scenario needs."""
    if loses(on):
        return len(Sinks._fields)
    return SINK.closed_total + 1 if on.plain else SINK.served + 1


def last_sum_column(on: Switches) -> int:
    """Return how many columns of ``RowSums`` a scenario needs."""
    if on.losses or on.records:
        return len(RowSums._fields)
    return ROW_SUM.signal + 1 if on.forecasts else ROW_SUM.net_squared + 1


def last_link_sum_column(on: Switches) -> int:
    """Return how many columns of ``LinkSums`` a scenario needs."""
    if on.disruptions:
        return len(LinkSums._fields)
    return LINK_SUM.purchase + 1 if on.prices else LINK_SUM.placed + 1


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
        movable = bool(plan.topology.scenario.families)
        links = self.table(self.m, last_link_column(on, movable))
        if links.shape[0] > LINK.last_due:
            links[LINK.last_due] = -1.0
        rings = self.rings()
        self.open_pipelines(rows, links, rings)
        return World(
            network=plan.network,
            rules=plan.rules._replace(
                theta=np.repeat(plan.rules.theta, K, axis=1),
                driven=plan.rules.driven.copy(),
                ramp=plan.rules.ramp.copy(),
            ),
            books=plan.books._replace(error=plan.books.error.copy()),
            rows=rows,
            links=links,
            sinks=self.table(self.s, last_sink_column(on)),
            row_sums=self.table(self.n, last_sum_column(on)),
            link_sums=self.table(self.m, last_link_sum_column(on)),
            sink_sums=self.table(self.s, len(SinkSums._fields) if loses(on) else SINK_SUM.lost),
            order_sums=self.table(
                plan.network.customers.order_off.size - 1, len(OrderSums._fields)
            ),
            rings=rings,
            work=self.work(),
            effects=self.effects(),
            events=plan.events.draw(K, self.k0, self.seed),
            devices=self.devices(),
            prices=plan.prices,
            demand=plan.demand,
            leads=plan.leads,
            lead_table=plan.lead_table,
            link_stream=plan.link_stream,
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
        plan, stock = self.plan, self.plan.network.stock
        rings = np.zeros((plan.network.n_slots, self.K))
        if stock.row.shape[0] <= NET_ROW.ring_off:
            return rings.ravel()
        # before the start the first forecast stands for the past: window and age come first
        past = stock.form[ROW_FORM.plan_at][stock.row[NET_ROW.row_form, : self.n]]
        first = stock.row[NET_ROW.ring_off, : self.n]
        for i in np.flatnonzero(past):
            rings[first[i] : first[i] + past[i]] = plan.forecasts.mean[i]
        return rings.ravel()

    def open_pipelines(self, rows: Table, links: Table, rings: Floats) -> None:
        """Put opening goods on the way and opening orders into the mail."""
        top, net = self.plan.topology, self.plan.network
        supply, slots_of = net.supply, link_column(net, "transit_len")
        special = link_column(net, "special")
        for e in top.links:
            settings = top.points[e.to].settings
            transit = settings.initial_in_transit
            mail = settings.initial_orders or 0.0
            if transit is None and not mail:
                continue
            slots = decoupling.nominal_lead(e) - e.delay
            units = list(transit) if isinstance(transit, list) else [transit or 0.0] * slots
            units = units[: max(0, int(slots_of[e.index]) - int(special[e.index]))]
            units = [self.whole(x * e.share) for x in units]
            mail = self.whole(mail * e.share)
            for p, x in enumerate(units):  # one slot a period, from period 0 on
                self.add(rings, int(supply.link[NET_LINK.transit_off, e.index]) + p, x)
                self.add(links[LINK.on_way], e.index, x)
                if x > 0 and links.shape[0] > LINK.last_due:
                    links[LINK.last_due, e.index * self.K : (e.index + 1) * self.K] = p
            for p in range(e.delay):
                self.add(rings, int(supply.link[NET_LINK.mail_off, e.index]) + p, mail)
            total = sum(units) + mail * e.delay
            self.add(rows[ROW.on_order], e.to, total * e.yield_)

    def whole(self, x: float) -> float:
        return float(np.floor(x + 0.5)) if self.plan.switches.integer else x

    def add(self, array: Floats, i: int, x: float) -> None:
        array[i * self.K : (i + 1) * self.K] += x

    def work(self) -> Work:
        plan, net, K, on = self.plan, self.plan.network, self.K, self.plan.switches
        grouped = bool(plan.material.groups)
        claims = net.stock.row[NET_ROW.claim_off, : self.n + 1]  # row by row, or all of a group
        claims = (claims[-1] if grouped else np.diff(claims).max(initial=0)) * K
        return Work(
            want=np.zeros(0 if on.plain else self.m * K),
            allowed=np.zeros(self.m * K if on.disruptions else 0),
            claim=np.zeros(claims),
            later=np.zeros(claims if on.need else 0),
            stock=np.zeros(self.n * K if grouped else 0),
            left=np.zeros(K),
            total=np.zeros(K),
            limit_left=np.zeros(net.ties.limit_stock.size * K),
            limit_grant=np.zeros(net.ties.limit_claim.shape[1] * K),
            promise=np.zeros(2 * self.s + self.n if on.lost_sales else 0),
            none=np.zeros(0),
            turn=np.zeros(plan.longest_ring + 1, np.int32),
        )

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
