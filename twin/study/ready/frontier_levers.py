"""What a break-even is sought in: demand's spread, lead times, the number of variants."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twin.schema import Scenario
from twin.schema.network import LeadTime
from twin.study.ready.frontier_worlds import sources
from twin.topology import build

Changes = dict[str, Any]


@dataclass(frozen=True)
class Lever:
    """One thing that is swept.

    Attributes
    ----------
    title
        What it is, in words.
    unit
        Of its levels.
    levels
        Rising; one of them is today's.
    today
        The level of the scenario as it is.
    changes
        Changes by dotted key that a level makes.
    """

    title: str
    unit: str
    levels: tuple[float, ...]
    today: float
    changes: Callable[[float], Changes]


def demand_spread(scenario: Scenario) -> Lever | None:
    """Return the coefficient of variation of demand, of all customers alike."""

    def changes(level: float) -> Changes:
        found: Changes = {}
        for n, demand in enumerate(scenario.demand):
            if demand.variance_to_mean is not None:
                spread = max(1.01, demand.variance_to_mean * level**2)
                found[f"demand[{n}].variance_to_mean"] = spread
            elif demand.kind == "poisson" and level > 1:
                found[f"demand[{n}].kind"] = "negative_binomial"
                found[f"demand[{n}].variance_to_mean"] = level**2
            elif demand.cv is not None:
                found[f"demand[{n}].cv"] = demand.cv * level
            elif demand.sd is not None:
                found[f"demand[{n}].sd"] = demand.sd * level
        return found

    if not changes(2.0):
        return None
    levels = tuple(x for x in (0.6, 1.0, 1.5, 2.0) if x == 1.0 or changes(x))
    told = "coefficient of variation of demand"
    return Lever(told, "times today's", levels, 1.0, lambda x: {} if x == 1.0 else changes(x))


def lead_time(scenario: Scenario) -> Lever | None:
    """Return the lead times up to where goods of the first sites arrive, of all alike."""
    first = sources(build(scenario))
    places = [(f"purchases[{n}]", x.lead_time) for n, x in enumerate(scenario.purchases)]
    places += [
        (f"lanes[{n}]", x.lead_time) for n, x in enumerate(scenario.lanes) if x.source in first
    ]
    places += [
        (f"production[{n}]", x.lead_time)
        for n, x in enumerate(scenario.production)
        if x.site in first and not x.inputs
    ]
    slow = [(key, lead) for key, lead in places if any(_times(lead).values())]
    if not slow:
        return None

    def changes(level: float) -> Changes:
        return {f"{key}.lead_time": _scaled(lead, level) for key, lead in slow}

    told = "lead time of supply"
    levels = (0.5, 1.0, 1.5, 2.0)
    return Lever(told, "times today's", levels, 1.0, lambda x: {} if x == 1.0 else changes(x))


def _times(lead: LeadTime) -> Mapping[str, Any]:
    return {k: v for k in ("value", "mean", "values") if (v := getattr(lead, k)) is not None}


def _scaled(lead: LeadTime, level: float) -> dict[str, Any]:
    """Return a lead time as many times as long, its whole periods rounded half up."""
    new: dict[str, Any] = lead.model_dump(mode="json", exclude_defaults=True)
    new["kind"] = lead.kind
    if lead.value is not None:
        new["value"] = math.floor(lead.value * level + 0.5)
    if lead.mean is not None:
        new["mean"] = lead.mean * level
    if lead.values is not None:
        new["values"] = [math.floor(x * level + 0.5) for x in lead.values]
    return new


def variants(scenario: Scenario) -> Lever | None:
    """Return the number of variants: all demand goes to the most wanted ones of each customer."""
    most = max((len(d.variants or {}) for d in scenario.demand), default=0)
    if most < 2:
        return None

    def changes(level: float) -> Changes:
        found: Changes = {}
        for n, demand in enumerate(scenario.demand):
            ranked = sorted((demand.variants or {}).items(), key=lambda x: (-x[1], x[0]))
            total = sum(share for _, share in ranked[: int(level)])
            if ranked:
                kept = {name: share / total for name, share in ranked[: int(level)]}
                new = {name: kept.get(name, 0.0) for name, _ in ranked}
                found[f"demand[{n}].variants"] = new
        return found

    levels = tuple(sorted({1.0, *(float(math.ceil(most * x)) for x in (0.34, 0.67, 1.0))}))
    return Lever("variants of a family", "variants", levels, float(most), changes)


LEVERS: Mapping[str, Callable[[Scenario], Lever | None]] = {
    "demand_spread": demand_spread, "lead_time": lead_time, "variants": variants,
}  # fmt: skip

DISCOUNT = "discount"
"""The lever that needs no runs of its own: a price cut for one decoupling point alone."""
