"""The experiments behind the domain facts: one scenario builder each, sources in the tests."""

from __future__ import annotations

import itertools
from typing import Any

from scipy.stats import norm

from twin.schema import Scenario

ROOT = {"replications": 64, "items": [{"name": "x", "value": 0}]}
"""Items without value: no holding, purchase or margin but what a case declares."""


def single(lead: int, demand: dict[str, Any], policy: dict[str, Any], **more: Any) -> Scenario:
    """One stock point that buys from outside: S of demand seen before ordering covers ``lead``."""
    rule = {key: more.pop(key) for key in ("holding_cost", "backlog_cost") if key in more}
    order_cost = more.pop("order_cost", 0)
    forecast = more.pop("forecast", {"kind": "constant"})
    data = {
        "name": "single",
        "sites": [{"name": "s"}],
        "purchases": [
            {"site": "s", "item": "x", "lead_time": lead, "order_cost": order_cost, "price": 0}
        ],
        "stock": [{"policy": policy, "forecast": forecast, **rule}],
        "demand": [{"site": "s", "item": "x", **demand}],
    }
    return Scenario.model_validate({**ROOT, **data, **more})


def bullwhip(
    lead: int,
    forecast: dict[str, Any],
    stages: int = 1,
    demand: dict[str, Any] | None = None,
    **more: Any,
) -> Scenario:
    """Stages that order up to L times their forecast, without safety stock; iid N(100, 10)."""
    names = [f"stage{k}" for k in range(stages, 0, -1)]
    data = {
        "name": "bullwhip",
        "horizon": 6600,
        "warmup": 350,
        "sites": [{"name": n} for n in names],
        "lanes": [{"from": a, "to": b, "lead_time": lead} for a, b in itertools.pairwise(names)],
        "purchases": [{"site": names[0], "item": "x", "lead_time": lead}],
        "stock": [{
            "policy": {"kind": "base_stock", "safety_factor": 0},
            "forecast": {"sees": "orders", **forecast},
            "initial_in_transit": 100,
        }],
        "demand": [{"site": "stage1", "item": "x",
                    **(demand or {"kind": "normal", "mean": 100, "sd": 10})}],
    }  # fmt: skip
    return Scenario.model_validate({**ROOT, **data, **more})


def serial_optimum(
    levels: list[float],
    leads: list[int],
    holding: list[float],
    penalty: float,
    demand: dict[str, Any],
) -> Scenario:
    """Serial local base stocks, downstream first; what is on the way costs the sender."""
    names = [f"n{k}" for k in range(1, len(levels) + 1)]
    lanes = [
        {"from": up, "to": down, "lead_time": lead}
        for (down, up), lead in zip(itertools.pairwise(names), leads, strict=False)
    ]
    data = {
        "name": "serial_optimum",
        "horizon": 6300,
        "warmup": 50,
        "sites": [{"name": n} for n in names],
        "lanes": lanes,
        "purchases": [{"site": names[-1], "item": "x", "lead_time": leads[-1]}],
        "stock": [
            {"where": {"site": n}, "policy": {"level": s}, "holding_cost": h,
             "backlog_cost": penalty if n == "n1" else 0}
            for n, s, h in zip(names, levels, holding, strict=True)
        ],
        "demand": [{"site": "n1", "item": "x", **demand}],
    }  # fmt: skip
    return Scenario.model_validate({**ROOT, **data})


def stratified(mean: float, sd: float, n: int, step: int) -> list[float]:
    """``n`` demands that fill the Normal distribution evenly: its averages without sampling error.

    ``step`` (no common factor with ``n``) only brings them out of order.
    """
    return [float(norm.ppf((i * step % n + 0.5) / n, mean, sd)) for i in range(n)]


def eoq(lot: float, setup: float, yearly: float, holding: float) -> Scenario:
    """Constant demand of 50 a period, lots bought when stock does not cover the next period."""
    return single(
        1,
        {"kind": "constant", "mean": 50},
        {"kind": "r_Q", "reorder_point": 50 - 1e-6, "lot": lot},
        order_cost=setup,
        holding_cost=holding / (yearly / 50),
        backlog_cost=1e6,
        replications=1,
        horizon=20_000,
    )


def kang_gershwin(loss: float, count_every: int | None = None) -> Scenario:
    """Kang & Gershwin 2005: N(10, 2) a day, (Q, R) = (50, 41), L = 3, unseen Poisson loss."""
    count = {"kind": "cycle_count", "period": count_every, "phase": (count_every or 1) - 1}
    data = {
        "name": "kang_gershwin",
        "horizon": 365,
        "replications": 1024,
        "integer": True,
        "sites": [{"name": "s"}],
        "purchases": [{"site": "s", "item": "x", "lead_time": 3}],
        "stock": [{"policy": {"kind": "r_Q", "reorder_point": 41, "lot": 50},
                   "shrink": 10 * loss}],
        "demand": [{"site": "s", "item": "x", "kind": "normal", "mean": 10, "sd": 2,
                    "unmet": "lost"}],
        "devices": [count] if count_every else [],
    }  # fmt: skip
    return Scenario.model_validate({**ROOT, **data})


def pooled(
    variants: list[tuple[float, float]], cut: str, lead: int, error: float | None = None
) -> Scenario:
    """Variants of (mean, sd) stocked each (cut "variant") or made to order ("generic").

    Both stocks are ``lead`` periods away from what they are made of; ``error`` is the standard
    deviation of total demand, by default that of independent variants.
    """
    names = [f"v{k}" for k in range(len(variants))]
    constant = {"kind": "constant"}
    data = {
        "name": "pooled",
        "stages": ["generic", "variant"],
        "sites": [{"name": "plant", "stage": "generic"}, {"name": "dc", "stage": "variant"}],
        "items": [{"name": v, "family": "f"} for v in [*names, "generic"]],
        "families": [{"name": "f", "decoupling_point": cut}],
        "lanes": [{"from": "plant", "to": "dc", "items": "generic", "lead_time": 0}],
        "purchases": [{"site": "plant", "item": "generic", "lead_time": lead}],
        "production": [{"site": "dc", "item": v, "inputs": [{"item": "generic"}],
                        "lead_time": lead} for v in names],
        "stock": [
            {"policy": {"safety_factor": 2.054}, "forecast": constant},
            {"where": {"item": "generic"}, "forecast": {**constant, "initial_error": error}},
        ],
        "demand": [{"site": "dc", "item": v, "kind": "gamma", "mean": m, "cv": sd / m}
                   for v, (m, sd) in zip(names, variants, strict=True)],
    }  # fmt: skip
    return Scenario.model_validate(data)


SUPPLY = [{"kind": "outage", "where": {"site": "source"}, "start": 450, "duration": 45}]
MIX = [{"kind": "mix_shift", "family": "printer", "start": 450, "duration": 170,
        "shares": dict(zip("abcdef", (0.4, 0.2, 0.2, 0.1, 0.05, 0.05), strict=True))}]  # fmt: skip
SHOCKS = {"none": [], "supply": SUPPLY, "mix": MIX}


def mirror_network(cut: str, variants: list[str]) -> dict[str, Any]:
    """Variants 42 days from the source, or 7 days from a generic item 35 days from it."""
    source, stocked = {"site": "source"}, variants if cut == "variants" else ["generic"]
    made: list[dict[str, Any]] = [{**source, "item": item} for item in stocked]
    if cut == "generic":
        made += [{"site": "dc", "item": v, "inputs": [{"item": "generic"}], "lead_time": 7}
                 for v in variants]  # fmt: skip
    return {
        "sites": [{"name": "source"}, {"name": "dc"}],
        "items": [{"name": v, "family": "printer"} for v in [*variants, "generic"]],
        "families": [{"name": "printer", "tolerance": 7,
                      "decoupling_point": [f"dc/{item}" for item in stocked]}],
        "lanes": [{"from": "source", "to": "dc", "items": stocked,
                   "lead_time": 42 if cut == "variants" else 35}],
        "production": made,
    }  # fmt: skip


def mirror(cut: str, shock: str) -> Scenario:
    """Six variants stocked, or made to order in 7 days from generic stock.

    320 days after a warm-up of 300, shock at day 150 of them; forecasts see all demand.
    """
    variants = list("abcdef")
    stocked = variants if cut == "variants" else "generic"
    data = {
        "name": f"mirror_{cut}_{shock}",
        "horizon": 620,
        "warmup": 300,
        "replications": 60,
        **mirror_network(cut, variants),
        "stock": [
            {"policy": {"kind": "order_driven"}},
            {"where": {"site": "dc", "item": stocked},
             "policy": {"safety_factor": 2.054},
             "forecast": {"kind": "moving_average", "window": 28, "sees": "demand"}},
        ],
        "demand": [{"site": "dc", "variants": dict.fromkeys(variants, 1 / 6), "mean": 120,
                    "kind": "negative_binomial", "variance_to_mean": 4, "unmet": "lost"}],
        "disruptions": SHOCKS[shock],
    }  # fmt: skip
    return Scenario.model_validate(data)
