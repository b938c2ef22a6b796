"""A network from one that differs from it in numbers alone: who is linked to whom stays."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from twin import stock_rules
from twin.network import Link, Sink, StockPoint, Topology, limits_of, tolerance_of
from twin.schema import Scenario

SHAPE: Mapping[str, tuple[str, ...]] = {
    "items": ("name", "family"),
    "families": ("name",),
    "lanes": ("name", "source", "to", "items"),
    "production": ("site", "item", "inputs", "resources"),
    "purchases": ("site", "item", "supplier"),
    "resources": ("name",),
    "stock": ("where",),
    "demand": ("site", "item", "variants", "customer"),
}
"""What the shape of a network rests on, by section; of the sections of ``FIXED`` it is all."""

FIXED = ("stages", "sites", "sourcing", "costs", "calendar")
STRUCTURE = ("in_links", "out_links", "sinks_of", "row_of", "_rows_at")
"""What a network works out of its shape."""

Changed = dict[str, dict[int, Any]]
"""New entries of each section by the identity of the old."""


def renumbered(scenario: Scenario, like: Topology) -> Topology | None:
    """Return the network of a scenario made from another, or nothing if its shape is another.

    Stock points, links and sinks that have nothing new are those of the other network.

    Parameters
    ----------
    scenario
        Its network is wanted.
    like
        A network whose scenario shares entries with it.
    """
    changed = _changed(scenario, like.scenario)
    if changed is None:
        return None
    points = _points(scenario, like, changed)
    if points is None:
        return None
    links = _links(scenario, like, changed)
    sinks = _sinks(scenario, like, changed)
    found = Topology(scenario, points, links, sinks, like.families_of, like.shape)
    worked_out = vars(like)  # other threads add to it: never walk through it
    vars(found).update({name: worked_out[name] for name in STRUCTURE if name in worked_out})
    return found


def _changed(new: Scenario, old: Scenario) -> Changed | None:
    """Return what is new in each section, nothing where the shape of the network may be."""
    if any(getattr(new, section) != getattr(old, section) for section in FIXED):
        return None
    found: Changed = {}
    for section, shape in SHAPE.items():
        here, there = getattr(new, section), getattr(old, section)
        if len(here) != len(there):
            return None
        if all(map(operator.is_, here, there)):
            continue
        pairs = [(a, b) for a, b in zip(here, there, strict=True) if a is not b]
        if any(getattr(a, name) != getattr(b, name) for a, b in pairs for name in shape):
            return None
        found[section] = {id(b): a for a, b in pairs}
    return found


def _points(scenario: Scenario, like: Topology, changed: Changed) -> tuple[StockPoint, ...] | None:
    """Return the stock points; nothing if one orders or forecasts in another way: they are sorted."""
    if "items" not in changed and "stock" not in changed:
        return like.points
    alike = stock_rules.alike(scenario, like.scenario)
    items, found = changed.get("items", {}), []
    for p in like.points:
        item = items.get(id(p.item), p.item)
        if item is p.item and alike(p.site.name):
            found.append(p)
            continue
        new = stock_rules.resolve(scenario, p.site, item, p.role)
        old = p.settings
        if new.policy.kind != old.policy.kind or new.forecast.kind != old.forecast.kind:
            return None
        found.append(replace(p, item=item, settings=new))
    return tuple(found)


def _links(scenario: Scenario, like: Topology, changed: Changed) -> tuple[Link, ...]:
    new = {
        key: entry
        for section in ("lanes", "production", "purchases")
        for key, entry in changed.get(section, {}).items()
    }
    if not new and "resources" not in changed:
        return like.links
    found = []
    for e in like.links:
        declared = new.get(id(e.declared), e.declared)
        if declared is not e.declared or "resources" in changed:
            e = replace(e, declared=declared, limits=limits_of(scenario, declared))
        found.append(e)
    return tuple(found)


def _sinks(scenario: Scenario, like: Topology, changed: Changed) -> tuple[Sink, ...]:
    if "families" not in changed and "demand" not in changed:
        return like.sinks
    families = {f.name: f for f in scenario.families}
    new = {
        f"{d.site}/{item}/{d.customer}": one
        for d in changed.get("demand", {}).values()
        for item, one in d.by_item()
    }
    found = []
    for s in like.sinks:
        demand = new.get(s.name, s.demand)
        tolerance = tolerance_of(demand, families.get(like.points[s.row].item.family or ""))
        same = demand is s.demand and tolerance == s.tolerance
        found.append(s if same else replace(s, demand=demand, tolerance=tolerance))
    return tuple(found)
