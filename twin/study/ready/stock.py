"""More stock at chosen stock points, whatever policy they follow: what covers are made of."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from twin import decoupling
from twin.compile.rules import first_forecasts, opening_level, protection
from twin.policies import POLICIES
from twin.schema import Policy
from twin.topology import StockPoint, Topology

Rule = dict[str, Any]
"""One entry of a scenario's ``stock``."""


def stocked(top: Topology, rows: Iterable[int], periods: float, lean: bool = False) -> list[Rule]:
    """Return rules that give stock points more stock; order-driven ones keep none and are left out.

    Levels that follow the forecast cover so many periods more; fixed ones rise by so many periods
    of mean demand. An opening stock that is given rises with them.

    Parameters
    ----------
    top
        The network.
    rows
        Stock points.
    periods
        Periods of demand to hold beyond what each policy holds.
    lean
        Take the safety stock away first: what is left of it covers the lead time alone.
    """
    first = first_forecasts(top)
    found = []
    for row in sorted(rows):
        point = top.points[row]
        sums = _Sums(float(first.mean[row]), float(first.variance[row]), *protection(top, row))
        policy = point.settings.policy
        policy = _without_safety(policy, sums) if lean else policy
        thick = _with_more(policy, sums, periods)
        if thick is not None and thick != point.settings.policy:
            found.append(_rule(point, thick, sums))
    return found


def held(top: Topology) -> frozenset[int]:
    """Return the stock points that customers' orders are served from.

    Those of each family's decoupling point, and those with customers where there is none.
    """
    rows: set[int] = set()
    for family in top.scenario.families:
        if family.decoupling_point is not None:
            rows |= decoupling.cut_rows(top, family.name, family.decoupling_point)
    apart = {f.name for f in top.scenario.families if f.decoupling_point is not None}
    rows |= {s.row for s in top.sinks if (top.points[s.row].item.family or "") not in apart}
    return frozenset(rows)


def _rule(point: StockPoint, policy: Policy, sums: _Sums) -> Rule:
    """Return a stock point's rule with another policy.

    An opening stock that is given moves as the policy's own would: else what is held more would
    still be on order when the outage comes.
    """
    where = {"site": point.site.name, "item": point.item.name, "role": point.role}
    rule: Rule = {"where": where, "policy": policy.model_dump(mode="json", exclude_unset=True)}
    given = point.settings.initial_stock
    if given is not None:
        more = opening_level(policy, *sums) - opening_level(point.settings.policy, *sums)
        rule["initial_stock"] = max(0.0, given + more)
    return rule


class _Sums(NamedTuple):
    """Demand of a stock point per period and its longest lead time: means and variances."""

    mean: float
    variance: float
    lead: float
    spread: float


def _interval(policy: Policy, sums: _Sums) -> float:
    return sums.lead + policy.review - 1 if policy.cover is None else policy.cover


def _without_safety(policy: Policy, sums: _Sums) -> Policy:
    """Return a policy that holds mean demand over its protection interval and no more."""
    plain = sums.mean * _interval(policy, sums)
    changes: dict[str, Any] = {"safety_factor": 0.0, "safety_stock": None}
    if policy.reorder_point is not None:
        changes["reorder_point"] = plain
        if policy.level is not None:
            changes["level"] = plain + policy.level - policy.reorder_point
    elif policy.level is not None and policy.kind != "s_S":
        changes["level"] = plain
    if policy.cards is not None and policy.lot:
        changes["cards"] = float(math.ceil(plain / policy.lot))
    used = {name: x for name, x in changes.items() if name in POLICIES[policy.kind].uses}
    return policy.model_copy(update=used)


def _with_more(policy: Policy, sums: _Sums, periods: float) -> Policy | None:
    """Return a policy that holds so many periods of mean demand more; nothing if none can."""
    more = periods * sums.mean
    changes: dict[str, Any]
    if policy.kind == "order_driven":
        return None
    if policy.kind in ("mrp", "push_plan"):
        kept = policy.safety_stock
        if kept is None:  # what its safety factor comes to, less the mean over the lead time
            kept = opening_level(policy, *sums) - sums.mean * sums.lead
        changes = {"safety_stock": max(0.0, kept) + more}
    elif policy.kind == "kanban":
        changes = {"cards": (policy.cards or 0.0) + math.ceil(more / (policy.lot or math.inf))}
    elif policy.kind == "conwip":
        changes = {"wip_cap": None if policy.wip_cap is None else policy.wip_cap + more}
    elif policy.kind == "human":
        changes = {"level": (policy.level or 0.0) + more}
    else:
        changes = _higher_level(policy, sums, periods)
    return policy.model_copy(update=changes)


def _higher_level(policy: Policy, sums: _Sums, periods: float) -> dict[str, Any]:
    """Return what lifts a base-stock, (s,S) or (r,Q) policy."""
    given = {"level": policy.level, "reorder_point": policy.reorder_point}
    fixed = {n: value + periods * sums.mean for n, value in given.items() if value is not None}
    aims_at = "level" if policy.kind == "base_stock" else "reorder_point"
    if aims_at in fixed:
        return fixed
    return {**fixed, "cover": _interval(policy, sums) + periods}
