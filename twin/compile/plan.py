"""The plan of a scenario, and the world of one block of replications."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twin import decoupling, kernel
from twin.arrays import (
    Devices,
    Effects,
    Floats,
    History,
    Links,
    LinkSums,
    Network,
    Prices,
    Rings,
    Rows,
    RowSums,
    Rules,
    Sinks,
    SinkSums,
    Switches,
    Work,
    World,
)
from twin.compile import events as ev
from twin.compile import rules as rl
from twin.compile.material import Material, plan_material
from twin.compile.network import build_network, floats, ints, offsets
from twin.demand import compile_demand
from twin.distributions import build_lead_tables
from twin.errors import RunError
from twin.schema import Purchase
from twin.topology import Topology, build

PER_REPLICATION = {
    *rl.NUMBERS,
    "cover",
    "lead",
    "lead_variance",
    "forecast_smoothing",
    "error_smoothing",
}
"""Rule columns with one value per row and replication."""

RECORDABLE = {"rows": Rows._fields, "links": Links._fields, "sinks": Sinks._fields}


@dataclass(frozen=True)
class Plan:
    """Everything about a scenario that all its blocks of replications share."""

    topology: Topology
    network: Network
    material: Material
    columns: Mapping[str, Any]
    ring_sizes: Mapping[str, int]
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
        columns = rl.rule_columns(top, scenario.horizon)
        ring_sizes = columns.pop("ring_sizes")
        forecasts = rl.first_forecasts(top)
        random = [e.index for e in top.links if network.lead[e.index] < 0]
        lead_table = np.full(len(top.links), -1, np.int32)
        lead_table[random] = np.arange(len(random))
        return cls(
            topology=top,
            network=network,
            material=material,
            columns=columns,
            ring_sizes=ring_sizes,
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

    def slots(self, lengths: Any) -> int:
        """Total number of ring slots."""
        return int(np.asarray(lengths, dtype=np.int64).sum())

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
                raise RunError(f"no series '{name}' to record; allowed: {known}")
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


def _prices(top: Topology) -> Prices:
    breaks = [
        sorted(e.declared.breaks, key=lambda b: b.quantity)
        if isinstance(e.declared, Purchase)
        else []
        for e in top.links
    ]
    return Prices(
        off=offsets(len(b) for b in breaks),
        quantity=floats(x.quantity for b in breaks for x in b),
        price=floats(x.price for b in breaks for x in b),
        incremental=np.array(
            [getattr(e.declared, "break_kind", "") == "incremental" for e in top.links], np.int8
        ),
    )


def _switches(
    top: Topology, net: Network, columns: Mapping[str, Any], devices: list, closable: set[int]
) -> Switches:
    scenario = top.scenario
    kinds = {d.kind for d in scenario.disruptions}
    settings = [p.settings for p in top.points]
    records = (
        any(s.shrink or s.misplacement or s.scan_error for s in settings)
        or bool(devices)
        or "wrong_upload" in kinds
    )
    shelf = any(columns["shelf_life"])
    scrap = scenario.integer and any(e.yield_ < 1 for e in top.links)
    moving = bool(scenario.moves)
    sees = [
        s.forecast.sees != "orders" and rl.policies.needs_forecast(s.policy) for s in settings
    ]
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


class _World:
    """Scratch space of :meth:`Plan.world`."""

    def __init__(self, plan: Plan, K: int, k0: int, seed: int) -> None:
        self.plan, self.K, self.k0, self.seed = plan, K, k0, seed
        self.n = len(plan.topology.points)
        self.m = len(plan.topology.links)
        self.s = len(plan.topology.sinks)

    def build(self) -> World:
        plan = self.plan
        rows = self.rows()
        links = self.links()
        rings = self.rings()
        self.open_pipelines(rows, links, rings)
        return World(
            network=plan.network,
            rules=self.rules(),
            rows=rows,
            links=links,
            sinks=Sinks(**{f: self.zeros(self.s) for f in Sinks._fields}),
            work=self.work(),
            rings=rings,
            row_sums=RowSums(**{f: self.zeros(self.n, f) for f in RowSums._fields}),
            link_sums=LinkSums(**{f: self.zeros(self.m, f) for f in LinkSums._fields}),
            sink_sums=SinkSums(**{f: self.zeros(self.s) for f in SinkSums._fields}),
            effects=self.effects(),
            events=plan.events.draw(self.K, self.k0, self.seed),
            devices=self.devices(),
            prices=plan.prices,
            demand=plan.demand,
            leads=plan.leads,
            lead_table=plan.lead_table,
            visits=np.zeros(len(kernel.VISITS), np.int64),
        )

    def unused(self) -> set[str]:
        """Names of arrays that no entered phase touches."""
        on = self.plan.switches
        out: set[str] = set()
        groups: dict[str, bool] = {
            "misplaced": bool(on.records),
            "wrong_record": bool(on.records),
            "accepted_rows": bool(on.visibility),
            "need": bool(on.need),
            "inbound": bool(on.lines),
            "lost": bool(on.losses),
            "in_total": bool(on.shelf_life),
            "out_total": bool(on.shelf_life),
            "gate": True,
        }
        out |= {name for name, used in groups.items() if not used}
        return out

    def zeros(self, n: int, name: str = "") -> Floats:
        return np.zeros(0 if name in self.unused() else n * self.K)

    def spread(self, values: Floats) -> Floats:
        """One value a thing -> one value a thing and replication."""
        return np.repeat(np.asarray(values, dtype=np.float64), self.K)

    def rules(self) -> Rules:
        columns = {
            name: self.spread(v) if name in PER_REPLICATION else v.copy()
            for name, v in self.plan.columns.items()
        }
        return Rules(**columns)

    def rows(self) -> Rows:
        plan = self.plan
        on = plan.switches
        out = {name: self.zeros(self.n, name) for name in Rows._fields}
        out["on_hand"] = self.spread(plan.opening)
        out["record"] = out["on_hand"].copy() if on.records else out["on_hand"]
        out["forecast"] = self.spread(plan.forecasts.mean)
        out["variance"] = self.spread(plan.forecasts.variance)
        if not on.visibility:
            out["accepted"] = out["wanted"] = np.zeros(0)
        if on.shelf_life:
            out["in_total"] = out["on_hand"].copy()
        return Rows(**out)

    def links(self) -> Links:
        out = {name: self.zeros(self.m, name) for name in Links._fields}
        out["last_due"] = np.full(self.m * self.K, -1.0)
        return Links(**out)

    def rings(self) -> Rings:
        plan, net = self.plan, self.plan.network
        sizes = {
            **plan.ring_sizes,
            "transit": plan.slots(net.transit_len),
            "mail": plan.slots(net.mail_len),
            "curve": plan.slots(net.curve_len),
            "asked": plan.slots(net.curve_len),
        }
        rings = Rings(**{name: np.zeros(sizes[name] * self.K) for name in Rings._fields})
        for name, lengths in (("window", plan.columns["window"]), ("age", plan.columns["age"])):
            first = np.repeat(plan.forecasts.mean, lengths)
            getattr(rings, name)[:] = self.spread(first)
        return rings

    def open_pipelines(self, rows: Rows, links: Links, rings: Rings) -> None:
        """Put opening goods on the way and opening orders into the mail."""
        top, net = self.plan.topology, self.plan.network
        for e in top.links:
            settings = top.points[e.to].settings
            transit = settings.initial_in_transit
            mail = settings.initial_orders or 0.0
            if transit is None and not mail:
                continue
            # a period's opening goods arrive one slot a period from period 0 on
            slots = decoupling.nominal_lead(e) - e.delay
            units = [transit] * slots if isinstance(transit, float) else list(transit or [])
            for p, x in enumerate(units[: max(0, int(net.transit_len[e.index]) - 1)]):
                self.add(rings.transit, int(net.transit_off[e.index]) + p, x * e.share)
                self.add(links.on_way, e.index, x * e.share)
                links.last_due[e.index * self.K : (e.index + 1) * self.K] = p
            for p in range(e.delay):
                self.add(rings.mail, int(net.mail_off[e.index]) + p, mail * e.share)
            total = sum(units) + mail * e.delay
            self.add(rows.on_order, e.to, total * e.share * e.yield_)

    def add(self, array: Floats, i: int, x: float) -> None:
        array[i * self.K : (i + 1) * self.K] += x

    def work(self) -> Work:
        net, K = self.plan.network, self.K
        claims = net.claim_kind.size * K
        grouped = net.group_row.size > 0
        return Work(
            want=np.zeros(self.m * K),
            claim=np.zeros(claims),
            later=np.zeros(claims if self.plan.switches.need else 0),
            stock=np.zeros(self.n * K if grouped else 0),
            left=np.zeros(K),
            total=np.zeros(K),
            limit_left=np.zeros(net.limit_stock.size * K),
            limit_grant=np.zeros(net.limit_claim_link.size * K),
            promise=np.zeros(2 * self.s + self.n if self.plan.switches.lost_sales else 0),
            none=np.zeros(0),
        )

    def effects(self) -> Effects:
        used = self.plan.switches.disruptions
        of = {
            "capacity": self.m,
            "closed": self.m,
            "stopped": self.m,
            "stretch": self.m,
            "demand": self.s,
            "limit": len(self.plan.material.limits),
            "device": len(self.plan.devices),
        }
        return Effects(
            **{f: np.ones(of.get(f, self.n) * self.K if used else 0) for f in Effects._fields}
        )

    def devices(self) -> Devices:
        columns = self.plan.device_columns
        n = len(self.plan.devices)
        slots = self.plan.slots(columns["delay"] + 1) if n else 0
        return Devices(
            **columns,
            ring=np.zeros(slots * self.K),
            reading=np.zeros(n * self.K),
            read_at=np.full(n * self.K, -1.0),
        )
