"""The plan of a scenario: everything that its blocks of replications share."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twin.arrays import (
    ROW,
    Books,
    Error,
    Floats,
    History,
    Ints,
    Links,
    Network,
    Prices,
    Rows,
    Rules,
    Sinks,
    Switches,
    Table,
    World,
)
from twin.compile import events as ev
from twin.compile import rules as rl
from twin.compile.columns import floats, ints, offsets
from twin.compile.material import Material, plan_material, tie
from twin.compile.network import build_network, link_column, sink_column
from twin.compile.switches import find_switches, loses
from twin.compile.world import open_world
from twin.demand import DemandTables, compile_demand
from twin.distributions import build_lead_tables
from twin.errors import RunError
from twin.memory import Made
from twin.rng import streams_of
from twin.schema import Purchase
from twin.stock_rules import Settings
from twin.topology import Link, Topology, build

RECORDABLE = {"rows": Rows._fields, "links": Links._fields, "sinks": Sinks._fields}


@dataclass(frozen=True)
class Plan:
    """Everything about a scenario that all its blocks of replications share."""

    topology: Topology
    network: Network
    material: Material
    rules: Rules
    order_driven: Any
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
    made: Made = field(repr=False, compare=False)

    @classmethod
    def of(cls, scenario_or_topology: Any, like: Plan | None = None) -> Plan:
        """Compile a scenario (or its topology, when it is at hand).

        Parameters
        ----------
        scenario_or_topology
            What to compile.
        like
            A plan of nearly the same: what both have in common is taken from it. No number
            depends on it.
        """
        top = scenario_or_topology
        if not isinstance(top, Topology):
            top = build(top)
        made = Made(None if like is None else like.made)
        tied = made.each("ties", top.links, lambda e: tie(top.links[e]))
        material = made("material", (top.shape, tied), lambda: plan_material(top))
        devices = _devices(top, made)
        cover = _cover(top, made)
        theta, parameters = _parameters(top, cover, made)
        lines = made("lines", (top.points, top.links), lambda: rl.lines(top))
        rows = made("rules", (top.points,), lambda: rl.rule_columns(top))
        rows = rows | {"parameters": parameters, "line_off": lines.line_off}
        closable = ev.closable_links(top)
        network = build_network(top, material, ev.stretched_links(top), closable, rows, made)
        driven = _driven(top, made)
        switches = find_switches(top, network, material, devices, closable, driven, made)
        forecasts = _forecasts(top, made)
        lead_table, links = _random_leads(network)
        return cls(
            topology=top,
            network=network,
            material=material,
            rules=_rules(top, network, theta, lines, switches, driven),
            order_driven=driven,
            books=_books(top, switches),
            forecasts=forecasts,
            opening=_opening(top, driven, forecasts, cover, made),
            events=ev.plan_events(top, devices, [x.name for x in material.limits]),
            devices=tuple(devices),
            device_columns=ev.device_columns(top, devices),
            prices=_prices(top, switches),
            demand=_demand(top, made),
            leads=build_lead_tables([top.links[e].lead_time for e in links]),
            lead_table=lead_table,
            link_stream=streams_of(e.name for e in top.links if links),
            switches=switches,
            made=made,
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

    @functools.cached_property
    def layout_of_events(self) -> tuple[Any, ...]:
        """What disruptions make of the arrays: links that may be stretched, those that may close."""
        stretched = ev.stretched_links(self.topology)
        return tuple(stretched.items()), frozenset(ev.closable_links(self.topology))

    def world(self, K: int, k0: int, seed: int) -> World:
        """Return the opening state of replications ``k0 ... k0 + K`` under a seed."""
        return open_world(self, K, k0, seed)

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


def _devices(top: Topology, made: Made) -> list[ev.PlacedDevice]:
    scenario = top.scenario
    of = (top.points, scenario.devices, scenario.adoption, scenario.seed)
    return made("devices", of, lambda: ev.place_devices(top))


def _cover(top: Topology, made: Made) -> list[tuple[float, float]]:
    """Return mean and variance of the time that each row's stock protects against."""
    leads = made.each("leads", top.links, lambda e: rl.lead_of(top.links[e]))
    ways = [tuple([leads[e] for e in mine]) for mine in top.in_links]
    return made.each("cover", ways, lambda i: rl.longest(ways[i]))


def _parameters(top: Topology, cover: list[tuple[float, float]], made: Made) -> tuple[Table, Any]:
    given = made("policies", (top.points,), lambda: rl.policy_columns(top))
    used = made("used", (top.points,), lambda: rl.used_columns(top))
    of = (top.points, cover)
    return made("theta", of, lambda: rl.theta_columns(top, given, cover, used))


def _driven(top: Topology, made: Made) -> Any:
    positions = [(f.name, f.decoupling_point) for f in top.scenario.families]
    return made("driven", (top.shape, positions), lambda: rl.driven_now(top))


def _demand(top: Topology, made: Made) -> DemandTables:
    stream = made("sink streams", (top.shape,), lambda: streams_of(s.name for s in top.sinks))
    of = (top.sinks, top.scenario.calendar, top.scenario.horizon)
    return made("demand", of, lambda: compile_demand(top.sinks, top.scenario, stream))


def _forecasts(top: Topology, made: Made) -> rl.Forecasts:
    of = (top.shape, top.links, top.points, top.sinks)
    return made("forecasts", of, lambda: rl.first_forecasts(top, made))


def _opening(
    top: Topology,
    driven: Any,
    forecasts: rl.Forecasts,
    cover: list[tuple[float, float]],
    made: Made,
) -> Floats:
    settings = made("settings", (top.points,), lambda: [p.settings for p in top.points])
    numbers = (driven.tolist(), forecasts.mean.tolist(), forecasts.variance.tolist())
    cases = list(zip(settings, *numbers, cover, strict=True))
    stock = floats(made.each("opening", cases, lambda i: _opening_stock(*cases[i])))
    return np.floor(stock + 0.5) if top.scenario.integer else stock


def _opening_stock(
    settings: Settings, driven: bool, mean: float, variance: float, cover: tuple[float, float]
) -> float:
    """Return what lies at a stock point at first, before it is rounded."""
    given = settings.initial_stock
    if given is None and driven:
        given = 0.0
    if given is None:
        given = rl.opening_level(settings.policy, mean, variance, *cover)
    return max(0.0, given)


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


def _rules(
    top: Topology, net: Network, theta: Table, lines: rl.Lines, on: Switches, driven: Any
) -> Rules:
    movable = len(top.points) if top.scenario.families else 0
    return Rules(
        theta=theta,
        rec=ROW.record if on.records else ROW.on_hand,
        row=net.stock.row,
        form=net.stock.form,
        driven=driven[:movable].astype(np.int8),
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
