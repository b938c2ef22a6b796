"""Chains with known policies, for checks of calibration: made at random from the prior itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from calibration.infer.prior import KINDS, Scale, prior_of
from calibration.infer.simulate import Problem
from twin.schema import Scenario
from twin.validate import validate

PERIODS = 364
LEADS = (2, 8)
"""Lead times: with one period nothing is on order when people order, so how they look at it is moot."""
COUNT = {"kind": "cycle_count", "period": 28}
Truth = dict[str, tuple[str, dict[str, float]]]
"""Kind of ordering and value of each hidden quantity, by stock point."""


def site(seed: int) -> tuple[Problem, Scale]:
    """Return a stock point with demand drawn at random, and its size."""
    rng = np.random.default_rng(seed)
    mean, ratio, lead = rng.uniform(6, 60), rng.uniform(1.5, 6), int(rng.integers(*LEADS))
    demand = rng.negative_binomial(mean / (ratio - 1), 1 / ratio, PERIODS).astype(float)
    scale = Scale(float(demand.mean()), float(demand.std()), lead)
    forecast = {"forecast": {"sees": "orders"}}
    opening = scale.level(1.0)
    problem = Problem(
        "site/item", demand, [lead], opening=opening, settings=forecast, devices=[COUNT]
    )
    return problem, scale


def chain(seed: int, stores: int = 25, centres: int = 4) -> tuple[Scenario, Truth]:
    """Return a distribution chain, hub to centres to stores, and the truth about its policies.

    Stores order by a forecast or as people do, in turns; the others by a forecast.
    """
    rng = np.random.default_rng(seed)
    hub, dcs = "hub", [f"centre{i}" for i in range(centres)]
    shops = [f"store{i:02d}" for i in range(stores)]
    lead = {name: int(rng.integers(*LEADS)) for name in (hub, *dcs, *shops)}
    size = {name: (rng.uniform(6, 40), rng.uniform(1.5, 6)) for name in shops}
    truth: Truth = {}
    for i, name in enumerate((hub, *dcs, *shops)):
        kind = "human" if name in size and i % 2 else "base_stock_forecast"
        mean, ratio = size.get(name, (100.0, 9.0))
        prior = prior_of(kind, Scale(mean, (mean * ratio) ** 0.5, lead[name]))
        drawn = prior.values(rng.random((1, len(prior.hidden))))[0]
        truth[f"{name}/item"] = kind, dict(zip(prior.names, drawn.tolist(), strict=True))
    lanes = [{"from": hub, "to": name, "lead_time": lead[name]} for name in dcs]
    lanes += [
        {"from": dcs[i % centres], "to": name, "lead_time": lead[name]}
        for i, name in enumerate(shops)
    ]
    data: dict[str, Any] = {
        "horizon": PERIODS,
        "seed": seed,
        "sites": [{"name": name} for name in (hub, *dcs, *shops)],
        "items": [{"name": "item"}],
        "lanes": lanes,
        "purchases": [{"site": hub, "item": "item", "lead_time": lead[hub]}],
        "stock": [_rule(name, *known) for name, known in truth.items()],
        "demand": [
            {"site": name, "item": "item", "kind": "negative_binomial", "mean": mean,
             "variance_to_mean": ratio}
            for name, (mean, ratio) in size.items()
        ],
        "devices": [COUNT],
    }  # fmt: skip
    return validate(data), truth


def _rule(name: str, kind: str, values: dict[str, float]) -> dict[str, Any]:
    forecast = {"sees": "orders", "smoothing": values.get("forecast.smoothing", 0.1)}
    policy = {k.removeprefix("policy."): v for k, v in values.items() if k.startswith("policy.")}
    return {
        "where": {"site": name.partition("/")[0]},
        "policy": dict(KINDS[kind].policy) | policy,
        "forecast": forecast,
        "shrink": values["shrink"],
    }
