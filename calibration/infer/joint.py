"""Several stock points simulated together, where the links between them were not observed.

The group (:mod:`calibration.infer.blind`) is a small network of its own on the twin's kernel, with
one vector of all its hidden values a replication: its members with their own rules, lanes and
production between them as the scenario has them, deliveries from above as they were observed, and,
for each way out, a stand-in that orders what was ordered there and keeps no stock, so that what it
gets can be held against what was got.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.infer.blind import Exit, Group, Member
from calibration.infer.edge import Edge, Seen
from calibration.infer.hands import deliveries, smoothing, step, unsettle
from calibration.infer.prior import KINDS, SHARED, SHRINK, Prior
from calibration.infer.simulate import column_of, stock_rule
from calibration.infer.summaries import Series
from calibration.periods import Periods
from twin.arrays import THETA
from twin.compile import Plan
from twin.schema import Forecast, Scenario
from twin.simulation import Simulation
from twin.topology import Link

Floats = npt.NDArray[np.float64]

AT_ONCE = 128
"""Most replications of one block."""

_RECORD = ("links.placed", "links.moved", "rows.on_order", "rows.record")
_OUTSIDE = "observed"  # supplier of members whose deliveries were observed
_OPENING = 2.0  # stock of which nothing is known: up to so many times what its rule starts with


@dataclass(frozen=True)
class Together:
    """A group ready to be simulated: a :class:`calibration.infer.simulate.Model`.

    Attributes
    ----------
    group
        What it consists of.
    periods
        What was observed.
    """

    group: Group
    periods: Periods

    @property
    def demand(self) -> Floats:
        """What was asked for at the ways out, all together, ``(T,)``."""
        return np.sum([way.asked for way in self.group.exits], axis=0)

    @functools.cached_property
    def edge(self) -> Edge:
        """What is observed of it."""
        return Edge(self.group, self.periods)

    @functools.cached_property
    def prior(self) -> Prior:
        """All that is hidden of the members, each name behind that of its stock point."""
        hidden = [
            h._replace(name=f"{m.problem.name} {h.name}")
            for m in self.group.members
            for h in m.prior.hidden
        ]
        return Prior("jointly", tuple(hidden))

    def looks(
        self, prior: Prior, values: Floats, *, seed: int, per: int, first: int,
        ends: Sequence[int | None],
    ) -> list[Floats]:  # fmt: skip
        """Return summaries of one simulation per row of values, of the periods before each end."""
        parts = [
            [self.edge.columns(seen.before(end)) for end in ends]
            for seen in self._blocks(prior, values, seed, per, first)
        ]
        return [np.concatenate(each) for each in zip(*parts, strict=True)]

    def simulate(self, prior: Prior, values: Floats, *, seed: int) -> Seen:
        """Return what one simulation for each row of values, ``(N, d)``, shows."""
        blocks = [*self._blocks(prior, values, seed, 1, 0)]
        edge = [
            Series(*(np.concatenate(x, axis=1) for x in zip(*same, strict=True)))
            for same in zip(*(b.edge for b in blocks), strict=True)
        ]
        others = (
            [np.concatenate(same, axis=1) for same in zip(*each, strict=True)]
            for each in zip(*(b[1:] for b in blocks), strict=True)
        )
        return Seen(edge, *others)

    def _blocks(
        self, prior: Prior, values: Floats, seed: int, per: int, first: int
    ) -> Iterator[Seen]:
        size = per if prior.shared else AT_ONCE
        for start in range(0, len(values), size):
            yield self._simulate(prior, values[start : start + size], seed, first + start)

    # --------------------------------------------------------------------------- simulation
    def _simulate(self, prior: Prior, values: Floats, seed: int, first: int) -> Seen:
        """Simulate one block, all of its values that the kernel shares equal."""
        shared = {prior.hidden[i].name: float(values[0, i]) for i in prior.shared}
        plan = Plan.of(self.scenario(shared)) if shared else self._plan
        sim = Simulation(plan, len(values), first, seed, _RECORD)
        rows = {m.row: plan.topology.row_of[m.problem.name] for m in self.group.members}
        for m in self.group.members:
            self._put(sim, m, prior, values, rows[m.row])
        unsettle(sim, seed, first)
        self._open(sim, rows, seed, first)
        step(sim, self.periods.n, [*self._hands(sim, rows)])
        return self._seen(sim, rows)

    def _put(self, sim: Simulation, m: Member, prior: Prior, values: Floats, row: int) -> None:
        """Put values, ``(K, d)``, and what is known of its policy into a member's parameters."""
        known = {column_of(k): v for k, v in m.prior.fixed.items()}
        if KINDS[m.kind].forecast and m.problem.believed is not None:
            known[THETA.lead_variance] = m.problem.believed[1]
        mine = {
            i: column_of(h.place)
            for i, h in enumerate(prior.hidden)
            if h.name == f"{m.problem.name} {h.place}" and h.place not in SHARED
        }
        if mine or known:
            theta = sim.parameters(row, change=True)
            for i, column in mine.items():
                theta[column] = values[:, i]
            for column, value in known.items():
                theta[column] = value

    def _open(self, sim: Simulation, rows: dict[int, int], seed: int, first: int) -> None:
        """Draw the opening stock of those of whom nothing is known."""
        rng = np.random.default_rng((seed, first, 1))
        for m in self.group.members:
            if m.blind and self.group.top.points[m.row].item.shelf_life is None:
                share = rng.uniform(0, _OPENING, sim.K)
                for name in ("on_hand", *(("record",) if sim.switches.records else ())):
                    stock = sim.rows(name)[rows[m.row]]
                    stock *= share
                    if sim.switches.integer:
                        np.floor(stock, out=stock)

    def _hands(self, sim: Simulation, rows: dict[int, int]) -> Iterator[Iterator[None]]:
        links = {e.to: e.index for e in sim.plan.topology.links}
        for m in self.group.members:
            p, row = m.problem, rows[m.row]
            if p.signal is not None and KINDS[m.kind].forecast:
                spec = Forecast.model_validate(p.settings.get("forecast", {}))
                yield smoothing(sim, spec, p.signal, [row])
            if p.supply is not None and not m.blind:
                yield deliveries(sim, p.supply, [links[row]])

    def _seen(self, sim: Simulation, rows: dict[int, int]) -> Seen:
        found, top = sim.series(), sim.plan.topology
        placed, moved, on_order, record = (found[name] for name in _RECORD)
        links = {e.name: e.index for e in top.links}
        edge = []
        for m in self.edge.members:
            i = rows[m.row]
            e = top.in_links[i][0]
            edge.append(Series(placed[:, e], on_order[:, i], 0 * record[:, i], record[:, i]))
        sent = [e.usage * moved[:, links[e.link.name]] for e in self.group.entries]
        got = []
        for j, way in enumerate(self.group.exits):
            if way.got is not None:
                i = top.row_of[_place(self.group, j)]
                came = np.cumsum(way.asked)[:, None] - on_order[:, i]
                got.append(np.diff(came, axis=0, prepend=0.0))
        told = [record[last, rows[row]] for row, last in self.edge.counted.items()]
        return Seen(edge, sent, got, told)

    @functools.cached_property
    def _plan(self) -> Plan:
        return Plan.of(self.scenario({}))

    def scenario(self, shared: dict[str, float]) -> Scenario:
        """Return the group as a network of its own.

        Parameters
        ----------
        shared
            What the kernel keeps once for all replications, by name.
        """
        group, top = self.group, self.group.top
        inside = [
            e for m in group.members if m.blind for i in top.in_links[m.row] for e in [top.links[i]]
        ]
        sites = dict.fromkeys(top.points[row].site.name for row in group.rows)
        items = {top.points[row].item.name: top.points[row].item for row in group.rows}
        outs = [self._out(j, way) for j, way in enumerate(group.exits)]
        limits = {name for e in inside for name in getattr(e.declared, "resources", {})}
        return Scenario.model_validate(
            {
                "horizon": self.periods.n,
                "integer": top.scenario.integer,
                "sites": [{"name": name} for name in [*sites, *(o["lanes"]["to"] for o in outs)]],
                "items": [_plain(item) | {"family": None} for item in items.values()],
                "lanes": [*_lanes(top.points, inside), *(o["lanes"] for o in outs)],
                "purchases": [
                    *(_bought(m) for m in self.edge.members),
                    *(_plain(e.declared) for e in inside if e.kind == "buy"),
                ],
                "production": [_plain(e.declared) for e in inside if e.kind == "make"],
                "resources": [_plain(r) for r in top.scenario.resources if r.name in limits],
                "sourcing": self._sourcing(),
                "stock": [*(self._rule(m, shared) for m in group.members), *(o["stock"] for o in outs)],
                "demand": [o["demand"] for o in outs],
                "devices": [
                    d | {"where": _where(m)} for m in group.members for d in m.problem.devices
                ],
            }
        )  # fmt: skip

    def _rule(self, m: Member, shared: dict[str, float]) -> dict[str, Any]:
        settings = self.group.top.points[m.row].settings
        rule = stock_rule(m.problem, KINDS[m.kind])
        if m.blind:  # as its rule starts by itself
            rule |= {"initial_in_transit": None}
        shrink = shared.get(f"{m.problem.name} {SHRINK}", settings.shrink if m.blind else 0.0)
        return rule | {
            "where": _where(m),
            "shrink": shrink,
            "allocation": settings.allocation,
            "customers_first": settings.customers_first,
        }

    def _sourcing(self) -> list[dict[str, Any]]:
        """Return how those that nobody reports on split their orders, each by itself."""
        blind = {self.group.top.points[m.row].site.name for m in self.group.members if m.blind}
        edge = {self.group.top.points[m.row].site.name for m in self.edge.members}
        rules = self.group.top.scenario.sourcing
        return [_plain(rule) for rule in rules if rule.site in blind - edge]

    def _out(self, j: int, way: Exit) -> dict[str, Any]:
        """Return the lane to a stand-in, its stock rule and what it is asked for."""
        p = self.group.top.points[way.row]
        at = {"site": _place(self.group, j).partition("/")[0], "item": p.item.name}
        lane: dict[str, Any] = {"lead_time": 0}
        if way.link is not None:
            lane = _lane(way.link)
        return {
            "lanes": lane | {"from": p.site.name, "to": at["site"], "items": [p.item.name]},
            "stock": {
                "where": at, "policy": {"kind": "order_driven"}, "initial_stock": 0.0,
                "initial_in_transit": 0.0, "initial_orders": 0.0,
            },
            "demand": at | {"kind": "recorded", "values": way.asked.tolist()},
        }  # fmt: skip


def _where(m: Member) -> dict[str, str]:
    site, _, item = m.problem.name.partition("/")
    return {"site": site, "item": item}


def _place(group: Group, j: int) -> str:
    """Return the stock point that stands in for a way out."""
    return f"out{j:04d}/{group.top.points[group.exits[j].row].item.name}"


def _plain(model: Any) -> dict[str, Any]:
    return dict(model.model_dump(mode="json", by_alias=True, exclude_defaults=True))


def _lane(link: Link) -> dict[str, Any]:
    """Return what of a lane is physical; what was ordered over it is rounded already."""
    given = _plain(link.declared)
    return {k: x for k, x in given.items() if not k.startswith(("order_", "cost_"))}


def _lanes(points: Sequence[Any], inside: Sequence[Link]) -> list[dict[str, Any]]:
    """Return the lanes between members, one for each item."""
    return [
        _plain(e.declared) | {"items": [points[e.to].item.name]} for e in inside if e.kind == "ship"
    ]


def _bought(m: Member) -> dict[str, Any]:
    """Return where a member that reports gets its goods: with the lead times that they had."""
    p = m.problem
    lead: Any = 1
    if p.supply is None:
        times = [int(x) for x in p.lead_times]
        lead = {"kind": "empirical", "values": times} if len(set(times)) > 1 else times[0]
    return _where(m) | {"supplier": _OUTSIDE, "lead_time": lead, "overtaking": True}
