"""The opening state of one block of replications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin import decoupling, kernel
from twin.arrays import (
    LINK,
    NET_LINK,
    NET_ROW,
    ROW,
    ROW_FORM,
    SINK_SUM,
    Devices,
    EffectLink,
    EffectRow,
    Effects,
    Floats,
    OrderSums,
    SinkSums,
    Table,
    Work,
    World,
)
from twin.compile.network import link_column
from twin.compile.switches import (
    last_link_column,
    last_link_sum_column,
    last_row_column,
    last_sink_column,
    last_sum_column,
    loses,
)

if TYPE_CHECKING:
    from twin.compile.plan import Plan


def open_world(plan: Plan, K: int, k0: int, seed: int) -> World:
    """Return the opening state of replications ``k0 ... k0 + K`` under a seed."""
    return _World(plan, K, k0, seed).build()


class _World:
    """Scratch space of :func:`open_world`."""

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
