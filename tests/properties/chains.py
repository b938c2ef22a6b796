"""Small scenarios whose shape every law here can say something about."""

from __future__ import annotations

import itertools
from typing import Any

from twin.schema import Scenario


def shop(lead: int, delay: int, level: float, values: list[float], **stock: Any) -> Scenario:
    """One stock point that buys from a supplier who always has it."""
    bought = {"site": "shop", "item": "x", "lead_time": lead, "information_delay": delay}
    demand = {"site": "shop", "item": "x", "kind": "recorded", "values": values}
    return Scenario.model_validate(
        {
            "horizon": len(values),
            "sites": [{"name": "shop"}],
            "items": [{"name": "x"}],
            "purchases": [bought],
            "stock": [{"policy": {"level": level}, **stock}],
            "demand": [demand],
        }
    )


def chain(policies: list[dict[str, Any]], leads: list[int], **more: Any) -> Scenario:
    """Sites ``s0 -> s1 -> ...``; the last one sells, the first one buys; Poisson(10) customers."""
    names = [f"s{i}" for i in range(len(policies))]
    lanes = [
        {"from": a, "to": b, "lead_time": lead}
        for (a, b), lead in zip(itertools.pairwise(names), leads[1:], strict=True)
    ]
    stock = [
        {"where": {"site": n}, "policy": p, "holding_cost": 1.0}
        for n, p in zip(names, policies, strict=True)
    ]
    demand = {"site": names[-1], "item": "x", "kind": "poisson", "mean": 10}
    data: dict[str, Any] = {
        "horizon": 80,
        "sites": [{"name": n, "stage": n} for n in names],
        "items": [{"name": "x"}],
        "lanes": lanes,
        "purchases": [{"site": "s0", "item": "x", "lead_time": leads[0]}],
        "stock": stock,
        "demand": [{**demand, **more.pop("customer", {})}],
    }
    return Scenario.model_validate({**data, **more})


def plant(levels: dict[str, float], leads: list[int], **production: Any) -> Scenario:
    """One product ``p`` of two components, ``2 a + 1 b``, made and sold at one plant."""
    made = {
        "site": "plant",
        "item": "p",
        "inputs": [{"item": "a", "usage": 2}, {"item": "b"}],
        "lead_time": leads[2],
        **production,
    }
    return Scenario.model_validate(
        {
            "horizon": 80,
            "sites": [{"name": "plant"}],
            "items": [{"name": n} for n in "abp"],
            "production": [made],
            "purchases": [
                {"site": "plant", "item": n, "lead_time": lead}
                for n, lead in zip("ab", leads, strict=False)
            ],
            "stock": [{"where": {"item": n}, "policy": {"level": s}} for n, s in levels.items()],
            "demand": [{"site": "plant", "item": "p", "kind": "poisson", "mean": 10}],
        }
    )
