"""The networks that are measured, and how a compiled one is tiled to a million rows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from twin.arrays import (
    CLAIM, INPUT, LEVEL, NET_LINK, NET_ROW, NET_SINK, RULE, SEGMENT, STAGE, Network, World,
)  # fmt: skip
from twin.compile import Plan
from twin.schema import Scenario

WEEK = [0.8, 0.9, 1.0, 1.0, 1.2, 1.4, 0.7]


def distribution(
    central: int = 5,
    regional: int = 20,
    stores: int = 25,
    items: int = 4,
    horizon: int = 365,
    leads: tuple[int, int, int] = (7, 3, 2),
    forecast: bool = False,
    integer: bool = False,
) -> Scenario:
    """Stores order from regional warehouses, these from central ones, these from outside.

    Base stock everywhere (fixed levels, or forecast-driven), proportional allocation, backorders;
    negative binomial demand (variance/mean 3) with a weekly season at the stores. With the
    defaults: 50 sites x 4 items = 200 stock points, 200 links, 100 of them with customers.
    """
    names = [[f"{k}{i}" for i in range(n)] for k, n in zip("crs", (central, regional, stores))]
    goods = [f"item{i}" for i in range(items)]
    means = [2.0 + 3.0 * (i % 7) for i in range(items)]
    upstream = {s: names[1][i % regional] for i, s in enumerate(names[2])}
    upstream |= {r: names[0][i % central] for i, r in enumerate(names[1])}
    below = {n: 0 for layer in names for n in layer}
    for s in names[2]:
        below[s] = 1
        below[upstream[s]] += 1
        below[upstream[upstream[s]]] += 1
    rules: list[dict[str, Any]] = [{"holding_cost": 0.01, "backlog_cost": 0.2}]
    if not forecast:
        for layer, lead in zip(names, leads, strict=True):
            for site in layer:
                rules += [
                    {
                        "where": {"site": site, "item": item},
                        "policy": {"kind": "base_stock", "level": float(np.ceil(
                            below[site] * mean * lead + 1.3 * (3 * below[site] * mean * lead) ** 0.5
                        ))},
                    }
                    for item, mean in zip(goods, means, strict=True)
                    if below[site]
                ]
    kinds = ("warehouse", "warehouse", "store")
    return Scenario.model_validate(
        {
            "name": f"distribution {central}-{regional}-{stores} x {items}",
            "horizon": horizon,
            "integer": integer,
            "stages": ["central", "regional", "store"],
            "sites": [
                {"name": n, "kind": kind, "stage": stage}
                for layer, kind, stage in zip(
                    names, kinds, ("central", "regional", "store"), strict=True
                )
                for n in layer
            ],
            "items": [{"name": g, "value": 10.0} for g in goods],
            "lanes": [
                {"from": upstream[n], "to": n, "lead_time": lead}
                for layer, lead in zip(names[1:], leads[1:], strict=True)
                for n in layer
            ],
            "purchases": [
                {"site": c, "item": g, "lead_time": leads[0]} for c in names[0] for g in goods
            ],
            "stock": rules,
            "demand": [
                {
                    "site": s, "item": g, "kind": "negative_binomial", "mean": m,
                    "variance_to_mean": 3.0, "season": {"weekly": WEEK},
                }
                for s in names[2]
                for g, m in zip(goods, means, strict=True)
            ],
        }
    )
