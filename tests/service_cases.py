"""Tiny scenarios for arithmetic by hand: names instead of mappings wherever that is enough."""

from __future__ import annotations

from typing import Any

from tests.reference.fast_trace import fast_trace
from tests.reference.naive_trace import Trace
from twin import topology
from twin.compile import Plan
from twin.engine import run_block
from twin.kpis import KPIS
from twin.schema import Scenario


def scenario(**parts: Any) -> Scenario:
    """Sites and items as their names say; demand as ``{"site/item/customer": values, ...}``."""
    demand = []
    for name, given in parts.pop("demand").items():
        site, item, *customer = name.split("/")
        given = given if isinstance(given, dict) else {"values": given}
        who = {"customer": customer[0]} if customer else {}
        demand.append({"site": site, "item": item, "kind": "recorded", **who, **given})
    horizon = max(len(d["values"]) for d in demand)
    sites = [s if isinstance(s, dict) else {"name": s} for s in parts.pop("sites")]
    items = [i if isinstance(i, dict) else {"name": i} for i in parts.pop("items", ["x"])]
    data = {"horizon": horizon, "sites": sites, "items": items, "demand": demand, **parts}
    return Scenario.model_validate(data)


def run(**parts: Any) -> Trace:
    """Run the kernel on a tiny scenario."""
    network = topology.build(scenario(**parts))
    return fast_trace(network, 1)


def kpi(name: str, **parts: Any) -> float:
    """A KPI of the kernel's run of a tiny scenario."""
    outcome = run_block(Plan.of(scenario(**parts)), 1, 0, 1)
    return float(KPIS[name].function(outcome)[0])


def hold(site: str, level: float, initial: float | None = None, **more: Any) -> dict[str, Any]:
    """Stock rule of a site: base stock, and what it opens with."""
    rule = {"where": {"site": site}, "policy": {"level": level}, **more}
    return rule if initial is None else {**rule, "initial_stock": initial}


def buy(site: str, item: str = "x", lead: int = 1, **more: Any) -> dict[str, Any]:
    """A purchase from outside."""
    return {"site": site, "item": item, "lead_time": lead, **more}


def lane(source: str, to: str, lead: int = 1, **more: Any) -> dict[str, Any]:
    """A lane between two sites."""
    return {"from": source, "to": to, "lead_time": lead, **more}
