"""What a parameter may be: its limits and its slider, its choices, and what stands in for it."""

from __future__ import annotations

import math
import typing
from collections.abc import Mapping
from typing import Any, Literal

from pydantic.fields import FieldInfo

from twin.decoupling import positions
from twin.devices import DEVICES
from twin.forecasters import FORECASTERS
from twin.policies import POLICIES
from twin.schema import Demand, Device, Family, Forecast, Item, Model, Policy, Purchase, Site
from twin.schema_walk import parts, takes
from twin.topology import Topology
from viz import look

Limits = tuple[float | None, float | None, tuple[float, float] | None, float]
"""Smallest and largest valid number, range of the slider, step."""


def extra(field: FieldInfo) -> Mapping[str, Any]:
    """Return what a parameter says of itself beside its limits: unit, slider range."""
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def limits(field: FieldInfo, now: Any) -> Limits:
    """Return the limits of a number, the range of its slider (reaching to now) and its step."""
    whole = takes(field.annotation, int) and not takes(field.annotation, float)
    given = extra(field).get("slider")
    span = 0.0 if given is None else given[1] - given[0]
    step = 1.0 if whole else _step(span, now)
    limit = {
        name: float(getattr(rule, name))
        for rule in field.metadata
        for name in ("ge", "gt", "le", "lt")
        if getattr(rule, name, None) is not None
    }
    least = limit.get("ge", limit["gt"] + step if "gt" in limit else None)
    most = limit.get("le", limit["lt"] - step if "lt" in limit else None)
    if given is None:
        return least, most, None, step
    low, high = float(given[0]), float(given[1])
    low = low if least is None else max(low, least)  # what must be above 0 cannot be 0
    if isinstance(now, int | float):
        low, high = min(low, now), high if now <= high else above(now)
        high = high if most is None else min(high, most)
    return least, most, (low, high), step


def _step(span: float, now: Any) -> float:
    """Return a step that moves a slider finely, and a small value by no more than a tenth."""
    step = 10.0 ** math.floor(math.log10(span / 200)) if span > 0 else 1.0
    if isinstance(now, int | float) and now != 0:
        step = min(step, 10.0 ** math.floor(math.log10(abs(now) / 10)))
    return step if span > 0 or now else 0.01


def above(value: float) -> float:
    """Return a round number of about twice a value."""
    size = 10.0 ** math.floor(math.log10(2 * value))
    return math.ceil(2 * value / size) * size


def choices(
    top: Topology, entry: Model, name: str, field: FieldInfo
) -> tuple[tuple[Any, str], ...]:
    """Return (value, words) of all that a parameter may be; empty if it is no choice."""
    registry = {Policy: POLICIES, Forecast: FORECASTERS, Device: DEVICES}.get(type(entry))
    if name == "kind" and registry is not None:
        return tuple((kind, e.title) for kind, e in registry.items())
    if isinstance(entry, Site) and name == "stage":
        return tuple((s, look.said(s)) for s in top.stages())
    if isinstance(entry, Family) and name == "decoupling_point":
        found = [(p.stage, look.said(p.stage)) for p in positions(top, entry.name)]
        return (*found, (None, "none: every stock point follows its own rule"))
    for part in parts(field.annotation):
        if typing.get_origin(part) is Literal:
            found = [(v, look.said(str(v))) for v in typing.get_args(part)]
            return tuple(found if field.default is not None else [(None, "as it is"), *found])
    return ()


def stand_in(top: Topology, entry: Model, name: str) -> Any:
    """Return what holds where a scenario is silent; none if only a run can tell."""
    if isinstance(entry, Item) and name == "price":
        return entry.value
    if isinstance(entry, Purchase) and name == "price":
        return next(i.value for i in top.scenario.items if i.name == entry.item)
    if isinstance(entry, Site) and name in ("stage", "owner"):
        return entry.kind if name == "stage" else entry.who
    if isinstance(entry, Demand) and name == "tolerance":
        mine = {entry.item, *(entry.variants or {})}
        found = [(top.points[s.row], s.tolerance) for s in top.sinks]
        return next(
            (t for p, t in found if p.site.name == entry.site and p.item.name in mine), None
        )
    return None
