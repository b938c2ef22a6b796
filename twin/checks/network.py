"""What only the built network can tell: cuts, targets, lanes in use, size."""

from __future__ import annotations

from collections.abc import Iterator

from twin.checks.behaviour import registry
from twin.checks.references import WILDCARDS
from twin.errors import NetworkError
from twin.names import matches
from twin.problems import Path, Problem, show
from twin.schema import Disruption, LeadTime, Production, Scenario, Where
from twin.topology import Topology

MAX_CELLS = 200_000_000
"""Most stock points times periods: one history column of them takes 1.6 GB."""


def sourcing_has_sources(scenario: Scenario) -> Iterator[Problem]:
    """Require that a list of priorities is not empty."""
    for n, s in enumerate(scenario.sourcing):
        if s.priority is not None and not s.priority:
            yield Problem(("sourcing", n, "priority"), "= []; name at least one source")


def history_fits(topology: Topology) -> Iterator[Problem]:
    """Require that stock points times periods fit in memory."""
    rows, periods = len(topology.points), topology.scenario.horizon
    if rows * periods > MAX_CELLS:
        text = (
            f"= {periods:,} periods x {rows:,} stock points = {rows * periods:,} values kept; "
            f"at most {MAX_CELLS:,}, so at most {MAX_CELLS // rows:,} periods here"
        )
        yield Problem(("horizon",), text)


def rules_match_something(topology: Topology) -> Iterator[Problem]:
    """Require that stock rules select at least one stock point."""
    return _match_something(topology, "stock")


def devices_match_something(topology: Topology) -> Iterator[Problem]:
    """Require that devices are at one stock point or more."""
    return _match_something(topology, "devices")


def _match_something(topology: Topology, section: str) -> Iterator[Problem]:
    for n, thing in enumerate(getattr(topology.scenario, section)):
        if not topology.rows_where(thing.where):
            text = f"{_nothing(thing.where)}; correct it or remove this entry of '{section}'"
            yield Problem((section, n, "where"), text)


def sourcing_matches_something(topology: Topology) -> Iterator[Problem]:
    """Require that a sourcing rule holds for at least one stock point."""
    held_at: dict[str, list[str]] = {}
    for p in topology.points:
        held_at.setdefault(p.site.name, []).append(p.item.name)
    for n, s in enumerate(topology.scenario.sourcing):
        at_site = held_at.get(s.site, [])
        if not any(matches(item, s.item) for item in at_site):
            held = ", ".join(sorted(at_site)[:8]) or "nothing"
            text = f"= {show(s.item)} is not held at '{s.site}', which holds {held}; correct 'site' or 'item'"
            yield Problem(("sourcing", n, "item"), text)


def lanes_carry_what_they_name(topology: Topology) -> Iterator[Problem]:
    """Require that what a lane names can be supplied by its sender and is needed beyond it."""
    carried = {
        (p.declared.name, topology.points[p.to].item.name)
        for p in topology.links if p.kind == "ship" and p.lane and hasattr(p.declared, "name")
    }  # fmt: skip
    called: dict[str | None, list[str]] = {}
    for i in topology.scenario.items:
        for name in {i.name, i.family}:
            called.setdefault(name, []).append(i.name)
    for n, lane in enumerate(topology.scenario.lanes):
        for term in [lane.items] if isinstance(lane.items, str) else lane.items:
            if any(c in term for c in WILDCARDS):
                continue
            if not any((lane.name, item) in carried for item in called.get(term, [])):
                text = (
                    f"= {show(term)}; either '{lane.source}' cannot supply it or nobody needs it "
                    f"at or beyond '{lane.to}', add the missing production, purchase or lane, or "
                    "remove it here"
                )
                yield Problem(("lanes", n, "items"), text)


def families_have_demand(topology: Topology) -> Iterator[Problem]:
    """Require that a family has items, and one with a decoupling point has customers."""
    scenario = topology.scenario
    sold = {topology.points[s.row].item.family for s in topology.sinks}
    members = {i.family for i in scenario.items}
    moved = {m.family for m in scenario.moves}
    for n, family in enumerate(scenario.families):
        if family.name not in members:
            text = (
                f"= {show(family.name)}; no item has this family, remove it or give it to an item"
            )
            yield Problem(("families", n, "name"), text)
        elif family.name not in sold and (family.decoupling_point or family.name in moved):
            text = (
                f"= {show(family.decoupling_point)}; family '{family.name}' has no demand, so "
                "nothing to decouple: add demand for one of its items or remove this"
            )
            yield Problem(("families", n, "decoupling_point"), text)


def cuts_are_valid(topology: Topology) -> Iterator[Problem]:
    """Require that each path crosses every decoupling point, now or after a move, exactly once."""
    from twin.decoupling import validate_cut  # it reads the topology, which this package checks

    sold = {topology.points[s.row].item.family for s in topology.sinks}
    cuts: list[tuple[Path, str, str | list[str] | None]] = [
        (("families", n, "decoupling_point"), f.name, f.decoupling_point)
        for n, f in enumerate(topology.scenario.families)
    ]
    cuts += [(("moves", n, "to"), m.family, m.to) for n, m in enumerate(topology.scenario.moves)]
    for path, family, position in cuts:
        if position is None or family not in sold:
            continue
        try:
            validate_cut(topology, family, position)
        except NetworkError as error:
            yield Problem(path, str(error), network=True)


def components_take_time(topology: Topology) -> Iterator[Problem]:
    """Require that no component of a product is made in no time from another one at the site.

    The components of a product move together, so what one of them consumes of the other must
    have been made in an earlier period.
    """
    users: dict[tuple[str, str], list[Production]] = {}
    for q in topology.scenario.production:
        for given in q.inputs:
            users.setdefault((q.site, given.item), []).append(q)
    for n, p in enumerate(topology.scenario.production):
        inputs = {i.item for i in p.inputs}
        for q in users.get((p.site, p.item), []):
            both = sorted(inputs & {i.item for i in q.inputs})
            if both and _may_be_zero(p.lead_time):
                text = (
                    f"'{p.item}' is made from '{both[0]}' and both go into '{q.item}' at "
                    f"'{p.site}'; its lead time must be 1 period or more"
                )
                yield Problem(("production", n, "lead_time"), text)
                break


def _may_be_zero(lead_time: LeadTime) -> bool:
    if lead_time.kind in ("lognormal", "gamma"):
        return True
    return min([lead_time.value] if lead_time.value is not None else lead_time.values or [0]) == 0


def disruptions_hit_something(topology: Topology) -> Iterator[Problem]:
    """Require that every disruption has a target."""
    scenario = topology.scenario
    if not scenario.disruptions:
        return
    known = registry("disruptions", "DISRUPTIONS")
    for n, d in enumerate(scenario.disruptions):
        hits = known[d.kind].extra.get("hits", "rows")
        if not _hit(topology, d, hits):
            key = "lane" if hits == "lanes" else "resource" if d.resource is not None else "where"
            what = _WHAT.get(hits, "stock point")
            shown = getattr(d, key)
            text = _nothing(shown, what) if key == "where" else f"= {show(shown)} matches no {what}"
            yield Problem(("disruptions", n, key), f"{text}; correct it or remove the disruption")


_WHAT = {
    "lanes": "lane in use", "capacity": "production or resource", "devices": "device",
    "sinks": "customer", "mix": "customer of the family",
}  # fmt: skip


def _hit(topology: Topology, d: Disruption, hits: str) -> bool:
    rows = _rows(topology, d.where)
    if hits == "lanes":
        return any(matches(e.lane, d.lane) for e in topology.links if e.lane is not None)
    if hits == "capacity" and d.resource is not None:
        return any(matches(r.name, d.resource) for r in topology.scenario.resources)
    if hits == "capacity":
        return any(e.kind == "make" and e.to in rows for e in topology.links)
    if hits == "sinks":
        return any(s.row in rows for s in topology.sinks)
    if hits == "mix":
        return any(topology.points[s.row].item.family == d.family for s in topology.sinks)
    if hits == "devices":
        return any(rows & _rows(topology, device.where) for device in topology.scenario.devices)
    return bool(rows)


def _rows(topology: Topology, where: Where) -> set[int]:
    return set(topology.rows_where(where))


def _nothing(where: Where, what: str = "stock point") -> str:
    given = where.model_dump(exclude_none=True)
    return f"= {given or 'everything'} matches no {what}"


CHECKS = [sourcing_has_sources]
SHAPE_CHECKS = [
    rules_match_something,
    sourcing_matches_something,
    lanes_carry_what_they_name,
]
"""Checks that rest on the network's shape alone (:data:`twin.renumbered.SHAPE`)."""

TOPOLOGY_CHECKS = [
    history_fits,
    devices_match_something,
    families_have_demand,
    cuts_are_valid,
    components_take_time,
    disruptions_hit_something,
]
