"""Small scenarios and hand-made outcomes for the tests of KPIs and results."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from twin.arrays import LinkSums, OrderSums, RowSums, SinkSums
from twin.compile import Plan
from twin.engine import Outcome
from twin.schema import Scenario

FIELDS = {
    "rows": (*RowSums._fields, "order"),
    "links": LinkSums._fields,
    "sinks": (*SinkSums._fields, "accepted", "delivered", *OrderSums._fields),
}


def shop(**more: Any) -> Scenario:
    """A shop that buys from outside and sells: one row, one link, one sink."""
    data: dict[str, Any] = {
        "name": "shop",
        "horizon": 10,
        "replications": 4,
        "sites": [{"name": "shop", "kind": "store"}],
        "items": [{"name": "tea", "value": 4, "price": 6}],
        "purchases": [{"site": "shop", "item": "tea", "lead_time": 2, "order_cost": 3}],
        "stock": [{"policy": {"kind": "base_stock", "level": 40}, "holding_cost": 0.5,
                   "backlog_cost": 2}],
        "demand": [{"site": "shop", "item": "tea", "kind": "poisson", "mean": 10}],
    }  # fmt: skip
    return Scenario.model_validate({**data, **more})


def factory(**more: Any) -> Scenario:
    """A plant that makes a product of two components, and a store a lane away."""
    data: dict[str, Any] = {
        "name": "factory",
        "horizon": 30,
        "replications": 3,
        "stages": ["plant", "store"],
        "sites": [
            {"name": "works", "kind": "plant", "owner": "maker"},
            {"name": "store", "kind": "store", "owner": "seller"},
        ],
        "items": [{"name": "wood", "value": 2}, {"name": "table", "value": 20, "price": 35}],
        "lanes": [{"from": "works", "to": "store", "lead_time": 3, "cost_per_unit": 1,
                   "cost_per_dispatch": 5}],
        "production": [{"site": "works", "item": "table", "lead_time": 2,
                        "inputs": [{"item": "wood", "usage": 4}]}],
        "purchases": [{"site": "works", "item": "wood", "lead_time": 1}],
        "stock": [{"policy": {"kind": "base_stock", "level": 60}},
                  {"where": {"item": "wood"}, "policy": {"kind": "base_stock", "level": 200}}],
        "demand": [{"site": "store", "item": "table", "kind": "poisson", "mean": 5}],
    }  # fmt: skip
    return Scenario.model_validate({**data, **more})


def outcome(
    scenario: Scenario, K: int = 1, series: dict[str, Any] | None = None, **sums: Any
) -> Outcome:
    """A hand-made outcome; ``rows__on_hand=[[30]]`` sets a sum, what is not given is 0."""
    plan = Plan.of(scenario)
    top = plan.topology
    size = {"rows": len(top.points), "links": len(top.links), "sinks": len(top.sinks)}
    found = {f"{t}.{f}": np.zeros((size[t], K)) for t, names in FIELDS.items() for f in names}
    for name, value in sums.items():
        found[name.replace("__", ".")] = np.broadcast_to(
            np.asarray(value, float), (size[name.partition("__")[0]], K)
        ).copy()
    empty = {name: np.zeros((size["links"], K)) for name in ("links.on_way", "links.gate")}
    return Outcome(
        plan=plan,
        replications=np.arange(K),
        n_periods=scenario.horizon - scenario.warmup,
        sums=found,
        final={k: v.copy() for k, v in empty.items()},
        opening=empty,
        series={k: np.asarray(v, float) for k, v in (series or {}).items()},
    )


def serial(cover: int, **more: Any) -> Scenario:
    """F21 of the domain page: a source and three stages below it, lost sales, source out 60 days.

    Lead times 2, 5, 5; order-up-to (L + 1 + cover) d; starts in its steady state.
    """
    d, leads = 10.0, {"plant": 2, "dc": 5, "shop": 5}
    sites = ["source", *leads]
    stock: list[dict[str, Any]] = [
        {"where": {"site": s}, "policy": {"kind": "base_stock", "level": (lead + 1 + cover) * d},
         "initial_stock": (1 + cover) * d, "initial_in_transit": d}
        for s, lead in leads.items()
    ]  # fmt: skip
    stock.append({"where": {"site": "source"}, "policy": {"kind": "base_stock", "level": d}})
    return Scenario.model_validate({
        "name": "serial",
        "horizon": 250,
        "replications": 2,
        "sites": [{"name": s} for s in sites],
        "items": [{"name": "x"}],
        "lanes": [{"from": a, "to": b, "lead_time": leads[b]}
                  for a, b in itertools.pairwise(sites)],
        "production": [{"site": "source", "item": "x"}],
        "stock": stock,
        "demand": [{"site": "shop", "item": "x", "kind": "constant", "mean": d, "unmet": "lost"}],
        "disruptions": [{"kind": "outage", "where": {"site": "source"}, "start": 100,
                         "duration": 60}],
        "resilience": {"window": 1},
        **more,
    })  # fmt: skip
