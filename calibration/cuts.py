"""Where the decoupling points are: what the stock points say of it together, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calibration.infer.point import PointResult
from calibration.posterior import DRAWS
from twin import decoupling
from twin.errors import NetworkError
from twin.schema import Scenario
from twin.topology import Topology, build

LIKELY = 0.5
"""Probability above which a decoupling point is taken over; else the scenario's stays."""

SURE = 0.95
"""Probability from which a decoupling point is not drawn: what is left is doubt of the method."""

_MOST = 0.99  # most that one stock point says for or against a decoupling point

Where = Mapping[str, Mapping[str, float]]
"""Probability of each stage, by family."""


def probabilities(top: Topology, points: Sequence[PointResult]) -> dict[str, dict[str, float]]:
    """Return how likely each stage is a family's decoupling point, equally likely before.

    A stock point below it orders only what was ordered from it, one above follows its own rule. What
    follows orders by its own rule anyway, as components do, says nothing, and neither does what the
    model does not fit: which rule comes nearest is no evidence where none comes near.
    """
    driven = {
        p.name: p.kinds.get("order_driven", 0.0)
        for p in points
        if p.kinds and not p.misfits and not _orders_what_it_is_asked(top, p.name)
    }
    found: dict[str, dict[str, float]] = {}
    for family in top.scenario.families:
        log: dict[str, float] = {}
        for stage in top.stages():
            try:
                decoupling.validate_cut(top, family.name, stage)
            except NetworkError:
                continue
            below = decoupling.order_driven_rows(top, {family.name: stage})
            log[stage] = sum(
                float(np.log(np.clip(p if p_row in below else 1 - p, 1 - _MOST, _MOST)))
                for name, p in driven.items()
                if family.name in top.families_of[p_row := top.row_of[name]]
            )
        if log:
            weight = {stage: np.exp(v - max(log.values())) for stage, v in log.items()}
            total = sum(weight.values())
            found[family.name] = {stage: float(w / total) for stage, w in weight.items()}
    return found


def _orders_what_it_is_asked(top: Topology, name: str) -> bool:
    policy = top.points[top.row_of[name]].settings.policy
    return policy.kind == "order_driven" or (policy.kind == "base_stock" and policy.level == 0)


def draws(scenario: Scenario, where: Where, seed: int) -> dict[str, list[str]]:
    """Return a decoupling point for each posterior draw, by dotted key, where it is not sure.

    Each stage comes as often as it is likely, to a draw; in an order that depends on the seed.
    Where nothing tells one stage from another the scenario's own stays, and nothing is drawn;
    neither where one is sure by :data:`SURE`.
    """
    found: dict[str, list[str]] = {}
    for n, family in enumerate(scenario.families):
        likely = where.get(family.name, {})
        even = len({round(x, 9) for x in likely.values()}) < 2
        if family.decoupling_point is None or even or max(likely.values()) >= SURE:
            continue
        upto = np.cumsum([*likely.values()])
        at = np.searchsorted(upto / upto[-1], (np.arange(DRAWS) + 0.5) / DRAWS)
        if len(set(at.tolist())) > 1:
            at = np.random.default_rng((seed, n)).permutation(at)
            found[f"families.{family.name}.decoupling_point"] = [[*likely][i] for i in at]
    return found


def moved(scenario: Scenario, where: Where) -> dict[str, Any]:
    """Return the likeliest decoupling point of each family that has one."""
    found = {}
    for family in scenario.families:
        likely = where.get(family.name)
        if family.decoupling_point is not None and likely and max(likely.values()) > LIKELY:
            found[f"families.{family.name}.decoupling_point"] = max(likely, key=lambda s: likely[s])
    return found


def below(scenario: Scenario) -> set[str]:
    """Return the names of the stock points below the decoupling points."""
    top = build(scenario)
    cuts = {family.name: family.decoupling_point for family in scenario.families}
    return {top.points[row].name for row in decoupling.order_driven_rows(top, cuts)}
