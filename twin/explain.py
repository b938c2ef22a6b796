"""A scenario in words and small tables: what ``twin explain`` tells before anything runs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from twin import decoupling
from twin.disruptions import DISRUPTIONS
from twin.happening import never, never_moved
from twin.policies import POLICIES
from twin.registry import Registry
from twin.schema import Device, Disruption, Move, Policy, Scenario, Where
from twin.stock_rules import selects
from twin.topology import Sink, StockPoint, Topology, build

Row = dict[str, Any]
"""One row of a table: column name -> text or number."""


@dataclass(frozen=True)
class Explanation:
    """What a scenario says, as plain data; every table is a list of rows with equal keys.

    Attributes
    ----------
    title, description
        As in the scenario.
    period
        ``day`` or ``week``: the unit of all times.
    network
        Sites, items and sources by stage, from source to sink.
    families
        Decoupling point, waiting time, tolerance and suggested position of each family.
    stages
        For each family and stage: push, decoupling point or pull, and lead times in periods.
    demand
        Mean demand in units per period by family and site, and how long customers wait.
    policies
        Ordering rules by stage.
    disruptions, moves, devices
        One sentence each.
    """

    title: str
    description: str
    period: str
    network: list[Row]
    families: list[Row]
    stages: list[Row]
    demand: list[Row]
    policies: list[Row]
    disruptions: list[str]
    moves: list[str]
    devices: list[str]

    def text(self) -> str:
        """Return everything as text for the shell."""
        parts = [self.title, self.description.strip()]
        tables = {
            "Network": self.network,
            "Decoupling point": self.families,
            f"Push and pull by stage (lead times in {self.period}s)": self.stages,
            f"Demand (units a {self.period})": self.demand,
            "Ordering": self.policies,
        }
        parts += [f"{name}\n{_table(rows)}" for name, rows in tables.items() if rows]
        lists = {
            "Disruptions": self.disruptions,
            "Moves of the decoupling point": self.moves,
            "Devices": self.devices,
        }
        parts += [f"{name}\n" + "\n".join(lines) for name, lines in lists.items() if lines]
        return "\n\n".join(p for p in parts if p)


def explain(scenario: Scenario) -> Explanation:
    """Describe a scenario.

    Raises
    ------
    ScenarioError
        If the scenario refers to something unknown.
    NetworkError
        If the network or a decoupling point is wrong.
    """
    topology = build(scenario)
    period = scenario.calendar.period
    cuts = {f.name: f.decoupling_point for f in scenario.families}
    driven = decoupling.order_driven_rows(topology, cuts)
    return Explanation(
        title=scenario.title or scenario.name,
        description=scenario.description,
        period=period,
        network=[_stage_row(topology, s) for s in topology.stages()],
        families=[_family_row(topology, f.name) for f in scenario.families],
        stages=[row for f in scenario.families for row in _family_stages(topology, f.name, driven)],
        demand=_demand(topology),
        policies=_policies(topology, driven),
        disruptions=[
            _disruption(topology, d, why)
            for d, why in zip(scenario.disruptions, never(scenario), strict=True)
        ],
        moves=[
            _move(m, period, why)
            for m, why in zip(scenario.moves, never_moved(scenario), strict=True)
        ],
        devices=[_device(topology, d) for d in scenario.devices],
    )


# ---------------------------------------------------------------------------------------- network
def _stage_row(topology: Topology, stage: str) -> Row:
    points = [p for p in topology.points if p.stage == stage]
    return {
        "stage": stage,
        "sites": _some(p.site.name for p in points),
        "owners": _some(p.site.who for p in points),
        "items": _some(p.item.name for p in points),
        "stock points": len(points),
        "supplied": _supply(topology, points) if points else "serves no customer",
    }


def _supply(topology: Topology, points: list[StockPoint]) -> str:
    """How a stage gets its goods: bought, made, shipped from other stages or within its own."""
    found: dict[str, set[str]] = {"bought from": set(), "made": set(), "shipped from": set()}
    for p in points:
        for link in (topology.links[e] for e in topology.in_links[p.index]):
            if link.kind == "buy":
                found["bought from"].add(link.source)
            elif link.kind == "make":
                found["made"].add("here")
            else:
                found["shipped from"].add(topology.points[link.inputs[0][0]].stage)
    return "; ".join(f"{how} {_some(where)}" for how, where in found.items() if where)


# ------------------------------------------------------------------------------- decoupling point
def _family_row(topology: Topology, family: str) -> Row:
    given = topology.family_of[family]
    tolerance = _range(
        s.tolerance for s in topology.sinks if topology.points[s.row].item.family == family
    )
    place = given.decoupling_point
    row = {
        "family": family,
        "decoupling point": "none"
        if place is None
        else _some([place] if isinstance(place, str) else place),
        "tolerance": tolerance,
        "allowed": ", ".join(
            f"{p.stage} ({p.lead_time_below})" for p in decoupling.positions(topology, family)
        ),
    }
    if not row["allowed"]:
        return {**row, "suggested": "", "why": "no stage is crossed exactly once by every path"}
    best = decoupling.suggest(topology, family)
    wait = _times(best.lead_time_below, topology.scenario.calendar.period)
    why = f"the most upstream stage whose way to the customer ({wait}) is within the tolerance"
    if not decoupling.fits(topology, family, best):
        why = f"no stage is within the tolerance; this one is the nearest ({wait})"
    return {**row, "suggested": best.stage, "why": why}


def _family_stages(topology: Topology, family: str, driven: frozenset[int]) -> list[Row]:
    place = topology.family_of[family].decoupling_point
    cut = decoupling.cut_rows(topology, family, place) if place is not None else frozenset()
    below = {p.stage: p.lead_time_below for p in decoupling.positions(topology, family)}
    table = []
    for stage in topology.stages():
        rows = [
            p.index
            for p in topology.points
            if p.stage == stage and family in topology.families_of[p.index]
        ]
        if rows:
            table.append(
                {
                    "family": family,
                    "stage": stage,
                    "mode": _mode(rows, cut, driven),
                    "stock points": len(rows),
                    "lead time": _stage_lead(topology, rows),
                    "lead time below": below.get(stage, ""),
                }
            )
    return table


def _mode(rows: list[int], cut: frozenset[int], driven: frozenset[int]) -> str:
    pulled = sum(i in driven for i in rows)
    if any(i in cut for i in rows):
        return "decoupling point"
    if pulled == len(rows):
        return "pull"
    return "push" if pulled == 0 else f"push ({pulled} of {len(rows)} pull)"


def _stage_lead(topology: Topology, rows: list[int]) -> int:
    """Longest time from entering a stage to leaving it, the lane into it included, in periods."""
    lead: dict[int, int] = {}
    for i in sorted(rows, reverse=True):  # upstream first
        lead[i] = max(
            decoupling.nominal_lead(link) + max((lead.get(s, 0) for s, _ in link.inputs), default=0)
            for link in (topology.links[e] for e in topology.in_links[i])
        )
    return max(lead.values())


# ----------------------------------------------------------------------------------------- demand
def _demand(topology: Topology) -> list[Row]:
    groups: dict[tuple[str, str, str, str], list[Sink]] = {}
    for s in topology.sinks:
        p = topology.points[s.row]
        key = (p.item.family or "no family", p.site.name, s.demand.customer, _patience(s))
        groups.setdefault(key, []).append(s)
    return [
        {
            "family": family,
            "site": site,
            "customers": customers,
            "items": len(sinks),
            "mean": round(math.fsum(_mean(s) for s in sinks), 3),
            "kind": _some(s.demand.kind for s in sinks),
            "waiting": waiting,
        }
        for (family, site, customers, waiting), sinks in sorted(groups.items())
    ]


def _mean(sink: Sink) -> float:
    demand = sink.demand
    if demand.values is not None:
        return math.fsum(demand.values) / max(1, len(demand.values))
    return demand.mean or 0.0


def _patience(sink: Sink) -> str:
    late = f"late after {sink.tolerance}"
    if sink.demand.unmet == "lost":
        return f"lost if not promised; {late}"
    if sink.demand.patience is None:
        return f"waits; {late}"
    if sink.demand.patience == 0:
        return "lost if not served in the same period"
    return f"leaves after {sink.demand.patience}; {late}"


# --------------------------------------------------------------------------------------- ordering
def _policies(topology: Topology, driven: frozenset[int]) -> list[Row]:
    groups: dict[tuple[str, str, str, str], int] = {}
    for stage in topology.stages():
        for p in topology.points:
            if p.stage != stage:
                continue
            rule = policy_words(p.settings.policy)
            forecast = ""
            if _uses_forecast(p.settings.policy):
                forecast = f"{p.settings.forecast.kind} of {p.settings.forecast.sees}"
            if p.index in driven:
                rule, forecast = "only what customers have ordered", ""
            key = (stage, p.role, rule, forecast)
            groups[key] = groups.get(key, 0) + 1
    return [
        {"stage": stage, "held as": role, "stock points": n, "rule": rule, "forecast": forecast}
        for (stage, role, rule, forecast), n in groups.items()
    ]


def policy_words(policy: Policy) -> str:
    """Return a policy in one phrase: what it does and the parameters that were given."""
    uses = POLICIES[policy.kind].uses if policy.kind in POLICIES else ()
    given = [
        f"{name.replace('_', ' ')} {_number(getattr(policy, name))}"
        for name in uses
        if name in policy.model_fields_set and getattr(policy, name) is not None
    ]
    return _what(POLICIES, policy.kind) + (f" ({', '.join(given)})" if given else "")


def _uses_forecast(policy: Policy) -> bool:
    uses = POLICIES[policy.kind].uses if policy.kind in POLICIES else ()
    fixed = policy.level is not None and "reorder_point" not in uses
    return "safety_factor" in uses and not fixed


# ---------------------------------------------------------------------------- events and devices
def _disruption(topology: Topology, d: Disruption, why: str) -> str:
    period = topology.scenario.calendar.period
    parts = [f"{d.name or d.kind}: {_what(DISRUPTIONS, d.kind)}"]
    if d.lane is not None:
        parts.append(f"lane {_some([d.lane] if isinstance(d.lane, str) else d.lane)}")
    elif d.resource is not None:
        parts.append(
            f"resource {_some([d.resource] if isinstance(d.resource, str) else d.resource)}"
        )
    elif d.family is not None:
        parts.append(f"family {d.family}")
    else:
        parts.append(_where(topology, d.where))
    start = f"{_times(d.start, period)} after '{d.after}'" if d.after else f"{period} {d.start}"
    parts.append(f"from {start} for {_times(d.duration, period)}")
    if d.ramp:
        parts.append(f"recovery over {d.ramp}")
    if d.severity < 1:
        parts.append(f"severity {d.severity:.0%}")
    if d.factor is not None:
        parts.append(f"factor {d.factor:g}")
    if 0 < d.probability < 1:
        parts.append(f"chance {d.probability:.0%}")
    if why:
        parts.append(f"never happens: {why}")
    return "; ".join(parts) + "."


def _move(move: Move, period: str, why: str) -> str:
    place = _some([move.to] if isinstance(move.to, str) else move.to)
    late = f"; never happens: {why}" if why else ""
    return f"{move.family}: decision to move to {place} in {period} {move.at}{late}."


def _device(topology: Topology, d: Device) -> str:
    period = topology.scenario.calendar.period
    hit = [p for p in topology.points if selects(d.where, p.site, p.item, p.role)]
    owners = sorted({d.owner or p.site.who for p in hit})
    adopted = ", ".join(f"{o} uses {topology.scenario.adoption.get(o, 1.0):.0%}" for o in owners)
    every = f"every {period}" if d.period == 1 else f"every {_times(d.period, period)}"
    flaws = [f"sees {d.read_rate:.0%} of the units"] if d.read_rate < 1 else []
    for word, size in (("noise", d.noise), ("bias", d.bias), ("lost readings", d.loss)):
        flaws += [f"{word} {size:.1%}"] if size else []
    flaws += [f"used {_times(d.delay, period)} later"] if d.delay else []
    parts = [f"{d.kind} at {_where(topology, d.where)}", f"reads {every}", *flaws, adopted]
    return "; ".join(p for p in parts if p) + "."


def _where(topology: Topology, where: Where) -> str:
    hit = sum(selects(where, p.site, p.item, p.role) for p in topology.points)
    given = [
        f"{name} {_some([value] if isinstance(value, str) else value)}"
        for name in Where.model_fields
        if (value := getattr(where, name)) is not None
    ]
    return f"{', '.join(given) or 'everywhere'} ({hit} stock points)"


# ------------------------------------------------------------------------------------------ words
def _what(registry: Registry, kind: str) -> str:
    title = registry[kind].title if kind in registry else kind
    return title[0].lower() + title[1:]


def _times(n: int, period: str) -> str:
    return f"{n} {period}" if n == 1 else f"{n} {period}s"


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _some(names: Iterable[str], most: int = 6) -> str:
    """Join the different names, the first few of them where there are many."""
    known = sorted(set(names))
    rest = len(known) - most
    return ", ".join(known[:most]) + (f" and {rest} more" if rest > 0 else "")


def _range(numbers: Iterable[int]) -> str:
    known = sorted(set(numbers))
    return "" if not known else f"{known[0]}" + (f" to {known[-1]}" if len(known) > 1 else "")


def _table(rows: list[Row]) -> str:
    """Columns of equal width, two blanks between them."""
    cells = [list(rows[0]), *([_cell(v) for v in row.values()] for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(cells[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def _cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
