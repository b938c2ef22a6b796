"""Names: each is declared once, and every reference finds its declaration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from twin.names import matches, nearest
from twin.problems import Path, Problem, show
from twin.schema import Item, Lane, Scenario
from twin.schema.base import Pattern
from twin.schema.network import SiteKind
from twin.schema_walk import parts

WILDCARDS = "*?["


def missing(path: Path, what: str, name: str, known: Iterable[str]) -> Problem:
    """Return the problem that a name is not declared, with the nearest one that is."""
    known = list(known)
    hint = nearest(name, known) if known else "the scenario declares none: add it, or leave it out"
    value = "" if path[-1] == name else f"= {show(name)}; "  # a key is in the path already
    return Problem(path, f"{value}no such {what}, {hint}")


def duplicate_names(scenario: Scenario) -> Iterator[Problem]:
    """Require that sites, items, families, resources and disruptions have each their own name."""
    for section in ("sites", "items", "families", "resources", "disruptions"):
        seen: dict[str, int] = {}
        for n, thing in enumerate(getattr(scenario, section)):
            if thing.name in seen:
                first = f"{section}[{seen[thing.name]}]"
                yield Problem(
                    (section, n, "name"),
                    f"= {show(thing.name)}; {first} has this name already, rename one of them",
                )
            elif thing.name is not None:
                seen[thing.name] = n
    for n, stage in enumerate(scenario.stages):
        if stage in scenario.stages[:n]:
            yield Problem(("stages", n), f"= {show(stage)} a second time; remove one")


def duplicate_links(scenario: Scenario) -> Iterator[Problem]:
    """Require that an item has one lane from a site, one production, one entry per supplier."""
    made: dict[tuple[str, str], int] = {}
    for n, p in enumerate(scenario.production):
        first = made.setdefault((p.site, p.item), n)
        if first != n:
            what = f"'{p.item}' is made at '{p.site}' by production[{first}] already"
            yield Problem(("production", n), f"{what}; keep one entry, with all inputs")
    bought: dict[tuple[str, str, str], int] = {}
    for n, b in enumerate(scenario.purchases):
        first = bought.setdefault((b.site, b.item, b.supplier), n)
        if first != n:
            what = f"purchases[{first}] buys '{b.item}' from '{b.supplier}' for '{b.site}' already"
            yield Problem(("purchases", n), f"{what}; keep one, or name another supplier")
    lanes: dict[tuple[str, str], list[int]] = {}
    for n, lane in enumerate(scenario.lanes):
        for other in lanes.setdefault((lane.source, lane.to), []):
            both = [i.name for i in scenario.items
                    if carries(lane, i) and carries(scenario.lanes[other], i)]  # fmt: skip
            if both:
                what = f"lane {lane.name} carries '{both[0]}' as lanes[{other}] does"
                yield Problem(("lanes", n), f"{what}; keep one lane, or give each its own items")
                break
        lanes[lane.source, lane.to].append(n)


def carries(lane: Lane, item: Item) -> bool:
    """Return whether a lane names an item or its family."""
    return matches(item.name, lane.items) or matches(item.family, lane.items)


def source_names(scenario: Scenario) -> Iterator[Problem]:
    """Require that a source is a site, ``make`` or a supplier, and no two of them at once."""
    lanes = {(lane.source, lane.to) for lane in scenario.lanes}
    for n, b in enumerate(scenario.purchases):
        if b.supplier == "make" or (b.supplier, b.site) in lanes:
            text = (
                "'make' means production"
                if b.supplier == "make"
                else "a lane comes from a site of this name"
            )
            yield Problem(
                ("purchases", n, "supplier"), f"= {show(b.supplier)}; {text}, choose another name"
            )
    for n, site in enumerate(scenario.sites):
        if site.name == "make":
            text = "= 'make'; in 'sourcing' this means production, choose another name"
            yield Problem(("sites", n, "name"), text)


def known_sites(scenario: Scenario) -> Iterator[Problem]:
    """Require that every site that is mentioned is in ``sites``."""
    known = {s.name for s in scenario.sites}
    for section in ("production", "purchases", "resources", "sourcing", "demand"):
        for n, thing in enumerate(getattr(scenario, section)):
            if thing.site not in known:
                yield missing((section, n, "site"), "site", thing.site, known)
    for n, lane in enumerate(scenario.lanes):
        for key, name in (("from", lane.source), ("to", lane.to)):
            if name not in known:
                yield missing(("lanes", n, key), "site", name, known)
        if lane.source == lane.to:
            text = f"= {show(lane.to)}; a lane leads to another site, change 'from' or 'to'"
            yield Problem(("lanes", n, "to"), text)


def known_items(scenario: Scenario) -> Iterator[Problem]:
    """Require that every item that is mentioned is in ``items``; lanes may also name families."""
    known = {i.name for i in scenario.items}
    for section in ("production", "purchases", "demand"):
        for n, thing in enumerate(getattr(scenario, section)):
            if thing.item is not None and thing.item not in known:
                yield missing((section, n, "item"), "item", thing.item, known)
    for n, p in enumerate(scenario.production):
        for m, given in enumerate(p.inputs):
            if given.item not in known:
                yield missing(("production", n, "inputs", m, "item"), "item", given.item, known)
            elif given.item in [i.item for i in p.inputs[:m]]:
                text = f"= {show(given.item)} a second time; add up the usage in one input"
                yield Problem(("production", n, "inputs", m, "item"), text)
    for n, d in enumerate(scenario.demand):
        for item in d.variants or {}:
            if item not in known:
                yield missing(("demand", n, "variants", item), "item", item, known)
    carried = known | {f.name for f in scenario.families}
    for n, lane in enumerate(scenario.lanes):
        yield from _terms(("lanes", n, "items"), "item or family", lane.items, carried)
    for n, s in enumerate(scenario.sourcing):
        yield from _terms(("sourcing", n, "item"), "item", s.item, known)


def known_families(scenario: Scenario) -> Iterator[Problem]:
    """Require that every family that is mentioned is in ``families``."""
    known = {f.name for f in scenario.families}
    for section in ("items", "moves", "disruptions"):
        for n, thing in enumerate(getattr(scenario, section)):
            if thing.family is not None and thing.family not in known:
                problem = missing((section, n, "family"), "family", thing.family, known)
                hint = f" (or add '- name: {thing.family}' to 'families')"
                yield Problem(problem.path, problem.text + hint)


def known_stages(scenario: Scenario) -> Iterator[Problem]:
    """Require that every site's stage is in ``stages``, where they are listed, and each is used."""
    if not scenario.stages:
        return
    used = {s.stage or s.kind for s in scenario.sites}
    for n, site in enumerate(scenario.sites):
        if site.stage is not None and site.stage not in scenario.stages:
            yield missing(("sites", n, "stage"), "stage in 'stages'", site.stage, scenario.stages)
    for n, stage in enumerate(scenario.stages):
        if stage not in used:
            text = f"= {show(stage)}; no site is at this stage ({nearest(stage, used)}), correct it or remove it"
            yield Problem(("stages", n), text)


def known_resources(scenario: Scenario) -> Iterator[Problem]:
    """Require that production uses resources of its own site, in amounts above 0."""
    site_of = {r.name: r.site for r in scenario.resources}
    for n, p in enumerate(scenario.production):
        for name, usage in p.resources.items():
            path: Path = ("production", n, "resources", name)
            if name not in site_of:
                yield missing(path, "resource", name, site_of)
            elif site_of[name] != p.site:
                text = f"is at '{site_of[name]}', not at '{p.site}'; name a resource of that site"
                yield Problem(path, text)
            if usage <= 0:
                yield Problem(path, f"= {usage:g} per unit; must be above 0, or remove it")


def known_sources(scenario: Scenario) -> Iterator[Problem]:
    """Require that sourcing names lanes, production or suppliers of its site."""
    into: dict[str, set[str]] = {s.name: set() for s in scenario.sites}
    for lane in scenario.lanes:
        into.setdefault(lane.to, set()).add(lane.source)
    for p in scenario.production:
        into.setdefault(p.site, set()).add("make")
    for b in scenario.purchases:
        into.setdefault(b.site, set()).add(b.supplier)
    for n, rule in enumerate(scenario.sourcing):
        known = into.get(rule.site, set())
        for name in rule.shares or {}:
            if name not in known:
                yield missing(("sourcing", n, "shares", name), f"source of '{rule.site}'", name,
                              known)  # fmt: skip
        for m, name in enumerate(rule.priority or []):
            if name not in known:
                yield missing(("sourcing", n, "priority", m), f"source of '{rule.site}'", name,
                              known)  # fmt: skip


def known_owners(scenario: Scenario) -> Iterator[Problem]:
    """Require that adoption is said of owners of sites or devices."""
    known = {s.who for s in scenario.sites} | {d.owner for d in scenario.devices if d.owner}
    for owner in scenario.adoption:
        if owner not in known:
            yield missing(("adoption", owner), "owner", owner, known)


def known_patterns(scenario: Scenario) -> Iterator[Problem]:
    """Require that a name without wildcards in a ``where`` is one that exists."""
    known = {
        "site": {s.name for s in scenario.sites},
        "kind": set(_words(SiteKind)),
        "stage": {s.stage or s.kind for s in scenario.sites} | set(scenario.stages),
        "owner": {s.who for s in scenario.sites},
        "item": {i.name for i in scenario.items},
        "family": {f.name for f in scenario.families},
        "role": {"component", "output"},
    }
    for section in ("stock", "devices", "disruptions"):
        for n, thing in enumerate(getattr(scenario, section)):
            for key, pattern in thing.where.given():
                if isinstance(pattern, str) and pattern in known[key]:
                    continue
                yield from _terms((section, n, "where", key), key, pattern, known[key])


def known_lanes(scenario: Scenario) -> Iterator[Problem]:
    """Require that a disruption names lanes and resources that exist."""
    lanes = {lane.name for lane in scenario.lanes}
    lanes |= {f"{b.supplier}->{b.site}" for b in scenario.purchases}
    resources = {r.name for r in scenario.resources}
    for n, d in enumerate(scenario.disruptions):
        yield from _terms(("disruptions", n, "lane"), "lane", d.lane, lanes)
        yield from _terms(("disruptions", n, "resource"), "resource", d.resource, resources)


def _words(literal: object) -> tuple[str, ...]:
    return tuple(getattr(parts(literal)[0], "__args__", ()))


def _terms(path: Path, what: str, pattern: Pattern | None, known: set[str]) -> Iterator[Problem]:
    """Yield the names of a pattern that nothing has; what has wildcards is left to the matching."""
    if isinstance(pattern, str):
        pattern = [pattern]
    for term in pattern or []:
        if not any(c in term for c in WILDCARDS) and term not in known:
            yield missing(path, what, term, known)


CHECKS = [
    duplicate_names,
    duplicate_links,
    source_names,
    known_sites,
    known_items,
    known_families,
    known_stages,
    known_resources,
    known_sources,
    known_owners,
    known_patterns,
    known_lanes,
]
