"""The kinds of disruption, their fields, and what each can hit in a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import annotated_types as limits
import numpy as np

from twin.checks.events import EVERY_KIND
from twin.checks.events import _required as required_of
from twin.compile.events import place_devices
from twin.compile.rules import first_forecasts
from twin.disruptions import DISRUPTIONS
from twin.distributions import demand_moments, lead_time_moments
from twin.errors import ScenarioError
from twin.names import nearest
from twin.problems import show
from twin.registry import Entry
from twin.schema import Disruption, Scenario
from twin.schema_walk import parts
from twin.topology import Topology, build
from viz import look

ONCE = frozenset({"stock_destruction", "wrong_upload"})
"""Kinds that strike in their first period only."""

SHARP = ONCE | {"lane_closed", "ordering_down", "dispatch_stop", "dock_closed", "device_fault"}
"""Kinds that act in full or not at all: a recovery changes nothing."""

ALL = {"sinks": "all customers", "devices": "all devices", "lanes": "all lanes"}
"""What an entry that names no place hits, by what its kind hits; else everything."""

NOTHING = {
    "sinks": "no customer buys here",
    "lanes": "there is no lane, or none that takes time",
    "links": "nothing is shipped or bought",
    "capacity": "nothing is made here",
    "mix": "no family has two items with demand to shift between",
    "devices": "no device is in use",
}
"""Why a kind can hit nothing, by what it hits."""


def kinds() -> list[dict[str, Any]]:
    """Return every kind of disruption with the fields that matter to it.

    Returns
    -------
    list
        ``kind``, ``title``, ``meaning``, ``hits`` and ``fields``, each with ``name``, ``meaning``,
        ``unit``, ``type`` (number, whole, or the field's own name), ``low`` and ``high`` (None: no
        limit), ``slider`` (range or None), ``default`` and ``required``.
    """
    return [
        {
            "kind": entry.name,
            "title": title(entry.name),
            "meaning": entry.text,
            "hits": entry.extra["hits"],
            "fields": [field_of(entry, name) for name in fields(entry.name)],
        }
        for entry in DISRUPTIONS.values()
    ]


def fields(kind: str) -> list[str]:
    """Return the fields that change something for a kind, in the order of the schema."""
    idle = {"kind"} | ({"ramp"} if kind in SHARP else set())
    idle |= {"duration"} if kind in ONCE else set()
    used = (EVERY_KIND | set(registered(kind).uses)) - idle
    return [name for name in Disruption.model_fields if name in used]


def field_of(entry: Entry, name: str) -> dict[str, Any]:
    """Return what the schema says about a field, see :func:`kinds`."""
    field = Disruption.model_fields[name]
    extra: Any = field.json_schema_extra or {}
    types = set(parts(field.annotation))
    default = field.get_default(call_default_factory=True)
    return {
        "name": name,
        "meaning": field.description,
        "unit": extra.get("unit", ""),
        "type": "whole" if int in types else "number" if float in types else name,
        "low": next((m.ge for m in field.metadata if isinstance(m, limits.Ge)), None),
        "high": next((m.le for m in field.metadata if isinstance(m, limits.Le)), None),
        "slider": extra.get("slider"),
        "default": {} if name == "where" else default,
        "required": name in required_of(entry.extra),
    }


def title(kind: str) -> str:
    """Return the name of a kind in words: ``Lane closed``."""
    return look.said(kind).capitalize()


def registered(kind: str) -> Entry:
    """Return a kind as registered.

    Raises
    ------
    ScenarioError
        If there is none of this name.
    """
    if kind not in DISRUPTIONS:
        msg = f"disruption kind {show(kind)} is unknown; {nearest(str(kind), DISRUPTIONS)}"
        raise ScenarioError(msg)
    return DISRUPTIONS[kind]


# ----------------------------------------------------------------------------------------- targets
def targets(scenario: Scenario, kind: str) -> dict[str, Any]:
    """Return what a kind can hit in a scenario.

    Returns
    -------
    dict
        ``why``: empty, or why there is nothing to hit. ``choices``, each with ``id``
        (``site:board_fab``), ``label``, ``group`` (everything, stages, sites, customers, families,
        lanes, resources, devices), ``sets`` (the fields of the entry that name it) and ``size``
        (units a period that pass it, to choose one that matters).

    Raises
    ------
    ScenarioError
        If the kind is unknown.
    """
    hits = registered(kind).extra["hits"]
    top = build(scenario)
    flow = first_forecasts(top).mean
    if hits == "lanes":
        choices = _lanes(top, flow, kind == "lead_time_stretch")
    elif hits == "mix":
        choices = [
            _choice("family", name, "families", {"family": name, "shares": _reversed(shares)},
                    sum(shares.values()))
            for name, shares in _mixes(top).items()
        ]  # fmt: skip
    else:
        choices = _places(top, hits, flow) + (_resources(top, flow) if hits == "capacity" else [])
    return {"why": "" if choices else NOTHING.get(hits, "there is no site"), "choices": choices}


def _choice(
    what: str, name: str, group: str, sets: Mapping[str, Any], size: float, label: str = ""
) -> dict[str, Any]:
    return {"id": f"{what}:{name}", "label": label or look.said(name), "group": group,
            "sets": dict(sets), "size": round(float(size), 6)}  # fmt: skip


def _lanes(top: Topology, flow: np.ndarray, slow: bool) -> list[dict[str, Any]]:
    """Return the lanes, only those that take time if ``slow``: no time cannot be stretched."""
    size: dict[str, float] = {}
    for e in top.links:
        if e.lane is not None and not (slow and lead_time_moments(e.lead_time)[0] == 0):
            size[e.lane] = size.get(e.lane, 0.0) + e.share * flow[e.to]
    found = [
        _choice("lane", n, "lanes", {"lane": n}, v, look.said(n).replace("->", " → "))
        for n, v in size.items()
    ]
    every = _choice("all", "lanes", "everything", {"lane": "*"}, sum(size.values()), ALL["lanes"])
    return [every, *found] if found else []


def _resources(top: Topology, flow: np.ndarray) -> list[dict[str, Any]]:
    size = {r.name: 0.0 for r in top.scenario.resources}
    for e in top.links:
        for name, usage, _ in e.limits:
            if name in size:
                size[name] += usage * flow[e.to]
    used = {name for e in top.links for name, _, _ in e.limits}
    return [
        _choice("resource", n, "resources", {"resource": n}, v)
        for n, v in size.items()
        if n in used
    ]


def _places(top: Topology, hits: str, flow: np.ndarray) -> list[dict[str, Any]]:
    """Return everything, stages, sites and families that have a stock point a kind can hit."""
    rows = _reach(top, hits)
    if not rows:
        return []
    whole = ALL.get(hits, "everything")
    found = [_choice("all", "places", "everything", {"where": {}}, flow[rows].sum(), whole)]
    by_stage: dict[str, list[int]] = {stage: [] for stage in top.stages()}
    by_site: dict[str, list[int]] = {site.name: [] for site in top.scenario.sites}
    by_family: dict[str, list[int]] = {f.name: [] for f in top.scenario.families}
    for i in rows:
        p = top.points[i]
        by_stage.setdefault(p.stage, []).append(i)
        by_site[p.site.name].append(i)
        if hits == "sinks" and p.item.family in by_family:
            by_family[p.item.family].append(i)
    names = {"sinks": "customers", "devices": "devices"}
    for what, group, by in (
        ("stage", "stages", by_stage if hits != "sinks" else {}),
        ("family", "families", by_family),
        ("site", names.get(hits, "sites"), by_site),
    ):
        found += [
            _choice(what, name, group, {"where": {what: name}}, flow[mine].sum())
            for name, mine in by.items()
            if mine
        ]
    return found


def _reach(top: Topology, hits: str) -> list[int]:
    """Return the stock points at which a kind that hits this can do anything."""
    if hits == "sinks":
        return sorted({s.row for s in top.sinks})
    if hits == "devices":
        return sorted({d.row for d in place_devices(top)})
    if hits == "links":
        return sorted({e.to for e in top.links if e.kind != "make"})
    if hits == "capacity":
        return sorted({e.to for e in top.links if e.kind == "make"})
    return [p.index for p in top.points]


def _mixes(top: Topology) -> dict[str, dict[str, float]]:
    """Return mean demand by item of each family that sells several."""
    found: dict[str, dict[str, float]] = {}
    for s in top.sinks:
        item = top.points[s.row].item
        if item.family is not None:
            mix = found.setdefault(item.family, {})
            mix[item.name] = mix.get(item.name, 0.0) + demand_moments(s.demand)[0]
    several = {name for name, mix in found.items() if sum(v > 0 for v in mix.values()) > 1}
    return {f.name: found[f.name] for f in top.scenario.families if f.name in several}


def _reversed(mix: Mapping[str, float]) -> dict[str, float]:
    """Return shares that sum to 1, the largest where the smallest was; equal ones turn unequal."""
    order = sorted(mix, key=lambda name: mix[name])
    sizes = sorted(mix.values(), reverse=True)
    if sizes[0] - sizes[-1] < 1e-9:
        sizes = [float(n) for n in range(len(order), 0, -1)]
    shares = {n: round(v / sum(sizes), 4) for n, v in zip(order, sizes, strict=True)}
    shares[order[0]] = round(shares[order[0]] + 1 - sum(shares.values()), 4)
    return {name: shares[name] for name in mix}
