"""The networks that are measured, as ordinary scenarios."""

from __future__ import annotations

import itertools
import math
from typing import Any

from twin.schema import Scenario

WEEK = [0.8, 0.9, 1.0, 1.0, 1.2, 1.4, 0.7]
VARIANCE_TO_MEAN = 3.0
HOLDING, BACKLOG = 0.01, 0.2


def distribution(
    central: int = 5,
    regional: int = 20,
    stores: int = 25,
    items: int = 4,
    horizon: int = 365,
    leads: tuple[int, int, int] = (7, 3, 2),
    forecast: bool = False,
) -> Scenario:
    """Stores order from regional warehouses, these from central ones, these from outside.

    Base stock everywhere (fixed levels, or driven by a forecast), proportional allocation,
    backorders; negative binomial demand with a weekly season at the stores. With the defaults
    50 sites x 4 items: 200 stock points, 200 links, 100 stock points with customers.
    """
    layers = [
        [f"{k}{i}" for i in range(n)]
        for k, n in (("c", central), ("r", regional), ("s", stores))
    ]  # fmt: skip
    above = {s: layers[1][i % regional] for i, s in enumerate(layers[2])}
    above |= {r: layers[0][i % central] for i, r in enumerate(layers[1])}
    below = _customers_below(layers, above)
    means = {f"item{i}": 2.0 + 3.0 * (i % 7) for i in range(items)}
    lead = {n: x for layer, x in zip(layers, leads, strict=True) for n in layer}
    rules = [] if forecast else _levels(below, means, lead)
    return Scenario.model_validate(
        {
            "name": f"distribution {central}-{regional}-{stores} x {items}",
            "horizon": horizon,
            "sites": [{"name": n} for layer in layers for n in layer],
            "items": [{"name": g, "value": 10.0} for g in means],
            "lanes": [{"from": above[n], "to": n, "lead_time": lead[n]} for n in above],
            "purchases": [
                {"site": c, "item": g, "lead_time": leads[0]} for c in layers[0] for g in means
            ],
            "stock": [{"holding_cost": HOLDING, "backlog_cost": BACKLOG}, *rules],
            "demand": [_demand(s, g, mean) for s in layers[2] for g, mean in means.items()],
        }
    )


def tree(fans: tuple[int, ...], horizon: int = 365, mean: float = 20.0, z: float = 1.3) -> Scenario:
    """Return a one-item tree: a root that buys, ``fans[0]`` children, each with ``fans[1]`` ...

    Stock is allocated by rank, as stockpyl does; ``tree((1, 1, 1))`` is a four-stage serial line,
    ``tree((9, 10))`` has 100 sites, 90 of them with customers.
    """
    layers, above = [["n0"]], {}
    count = itertools.count(1)
    for fan in fans:
        layers.append([])
        for parent in layers[-2]:
            for _ in range(fan):
                name = f"n{next(count)}"
                layers[-1].append(name)
                above[name] = parent
    below = _customers_below(layers, above)
    lead = {n: 1 + depth % 3 for depth, layer in enumerate(layers) for n in layer}
    return Scenario.model_validate(
        {
            "name": f"tree {'-'.join(map(str, fans))}",
            "horizon": horizon,
            "sites": [{"name": n} for layer in layers for n in layer],
            "items": [{"name": "item"}],
            "lanes": [
                {"from": above[n], "to": n, "lead_time": lead[n], "rank": i}
                for i, n in enumerate(above)
            ],
            "purchases": [{"site": "n0", "item": "item", "lead_time": lead["n0"]}],
            "stock": [
                {"holding_cost": HOLDING, "backlog_cost": BACKLOG, "allocation": "index"},
                *_levels(below, {"item": mean}, lead, z),
            ],
            "demand": [_demand(n, "item", mean) for n in layers[-1]],
        }
    )


def _customers_below(layers: list[list[str]], above: dict[str, str]) -> dict[str, int]:
    below = {n: 0 for layer in layers for n in layer}
    for n in layers[-1]:
        below[n] = 1
    for layer in layers[:0:-1]:
        for n in layer:
            below[above[n]] += below[n]
    return below


def _levels(
    below: dict[str, int], means: dict[str, float], lead: dict[str, int], z: float = 1.3
) -> list[dict[str, Any]]:
    """Return a rule per stock point: demand over the lead time, and ``z`` of its deviations."""
    return [
        {
            "where": {"site": n, "item": g},
            "policy": {"level": _level(below[n] * mean * lead[n], z)},
        }
        for n in below
        if below[n]
        for g, mean in means.items()
    ]


def _level(mean: float, z: float) -> float:
    return float(math.ceil(mean + z * math.sqrt(VARIANCE_TO_MEAN * mean)))


def _demand(site: str, item: str, mean: float) -> dict[str, Any]:
    return {
        "site": site,
        "item": item,
        "kind": "negative_binomial",
        "mean": mean,
        "variance_to_mean": VARIANCE_TO_MEAN,
        "season": {"weekly": WEEK},
    }
