"""Levers: the numbers of stock rules that a search may change, with their bounds.

One lever for all stock points of a stage that follow the same rule, so that levers stay few. Below
a decoupling point nothing is held on forecast, so there is no lever there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twin.compile.rules import driven_now, first_forecasts, protection
from twin.distributions import lead_time_moments
from twin.errors import RunError
from twin.names import nearest
from twin.policies import POLICIES, needs_forecast
from twin.schema import Policy, Scenario, StockRule, Where
from twin.stock_rules import selects
from twin.topology import StockPoint, Topology, build

KINDS: Mapping[str, tuple[str, ...]] = {
    "levels": ("level", "reorder_point", "safety_stock"),
    "safety_factors": ("safety_factor", "cover"),
    "kanban": ("cards", "wip_cap"),
}
"""Kinds of levers of stock rules: the keys of a policy that each one moves."""

FACTORS = (-2.0, 6.0)
"""Safety factors that are tried: from less than the expected demand to next to no shortage."""

SPREAD = 8.0
"""Standard deviations of demand above its mean that the highest level covers."""

NAMED = 2
"""Stock points of a lever that are named before the rest is counted."""

_DEFAULT = -1  # stands for the rule of stock points that no rule gives a policy


@dataclass(frozen=True)
class Lever:
    """One number that a search may change.

    Attributes
    ----------
    label
        ``safety_factor of boards``; of a single site its name stands in place of the stage, and
        where that names several, the item as well or the stock points themselves.
    field
        Key of the policy.
    rule, stage
        Place of the stock rule in the scenario, and the stage of its stock points that are meant.
    alone
        Whether the rule is that of no other stage.
    low, high
        Bounds, in the unit of the key.
    start
        What the scenario has, within the bounds.
    whole
        Whether only whole numbers make sense.
    """

    label: str
    field: str
    rule: int
    stage: str
    alone: bool
    low: float
    high: float
    start: float
    whole: bool

    def value(self, share: float) -> float:
        """Return the value at a share of the way from the lower to the upper bound."""
        found = self.low + share * (self.high - self.low)
        return float(round(found)) if self.whole else float(found)

    def near(self, value: float) -> float:
        """Return the nearest value that is allowed."""
        inside = min(max(value, self.low), self.high)
        return float(round(inside)) if self.whole else inside


def stock_levers(
    scenario: Scenario,
    kinds: Sequence[str] = tuple(KINDS),
    worlds: Sequence[Scenario] = (),
) -> list[Lever]:
    """Return the levers of a scenario's stock rules, upstream first.

    The scenario's own way to set stock is kept: a fixed level stays a level, a safety factor a
    factor. Where something may be disrupted, the protection interval ``cover`` is the lever of a
    forecast-driven level instead of the factor: no factor covers an outage of weeks. Stock points
    that keep nothing on purpose (level 0) have no lever.

    Parameters
    ----------
    scenario
        With its decoupling points.
    kinds
        Of :data:`KINDS`.
    worlds
        Where else it will be tried; their disruptions count too.

    Raises
    ------
    RunError
        If there is no such kind.
    """
    for kind in kinds:
        if kind not in KINDS:
            msg = f"no levers '{kind}'; {nearest(kind, KINDS)}"
            raise RunError(msg)
    topology = build(scenario)
    outage = max((_longest_outage(world) for world in (scenario, *worlds)), default=0)
    wanted = {field for kind in kinds for field in KINDS[kind]}
    stages = _stages(topology)
    found, moved = [], []
    for (rule, stage), points in _groups(topology).items():
        cover = outage > 0 and len({cover_of(topology, p) for p in points}) == 1
        for field in _fields(points[0].settings.policy, cover):
            if field in wanted:
                low, high, start = _bounds(topology, field, points, outage)
                moved.append(points)
                found.append(
                    Lever(
                        label=f"{field} of {_place(points)}",
                        field=field,
                        rule=rule,
                        stage=stage,
                        alone=rule != _DEFAULT and stages[rule] == {stage},
                        low=low,
                        high=high,
                        start=start,
                        whole=_is_whole(scenario, field),
                    )
                )
    return _told_apart(found, moved)


def points_of(topology: Topology, lever: Lever) -> list[StockPoint]:
    """Return the stock points that a lever of this scenario moves."""
    return _groups(topology)[lever.rule, lever.stage]


def _told_apart(levers: Sequence[Lever], moved: Sequence[Sequence[StockPoint]]) -> list[Lever]:
    """Return levers with labels of their own: that of the place, the item there, the stock points.

    Parameters
    ----------
    levers
        Labelled by their places.
    moved
        The stock points that each of them moves.
    """
    found = list(levers)
    for name in (_item_there, _named):
        labels = [lever.label for lever in found]
        for n, points in enumerate(moved):
            if labels.count(labels[n]) > 1:
                found[n] = replace(found[n], label=f"{found[n].field} of {name(points)}")
    return found


def _place(points: Sequence[StockPoint]) -> str:
    """Return where stock points are: their site, or the stage of several."""
    sites = {p.site.name for p in points}
    return next(iter(sites)) if len(sites) == 1 else points[0].stage


def _item_there(points: Sequence[StockPoint]) -> str:
    """Return what stock points hold at their place, if it is one item: ``shops/tea``."""
    items = {p.item.name for p in points}
    return f"{_place(points)}/{next(iter(items))}" if len(items) == 1 else _place(points)


def _named(points: Sequence[StockPoint]) -> str:
    """Return stock points by name, the first of many: ``mill/flour, mill/bran and 3 more``."""
    names = sorted(p.name if p.role == "output" else f"{p.name} ({p.role})" for p in points)
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + rest


def changed(scenario: Scenario, levers: Sequence[Lever], values: Sequence[float]) -> dict[str, Any]:
    """Return the change of a scenario, for :func:`twin.apply`, that sets levers to values.

    A rule whose stock points stand in several stages is followed by one rule for each stage with a
    lever, so that the rules after it still win over it.
    """
    rules: list[StockRule] = []
    base = StockRule(where=Where(role="output"), policy=Policy())
    for n, rule in enumerate([base, *scenario.stock], start=_DEFAULT):
        moved = [(x, v) for x, v in zip(levers, values, strict=True) if x.rule == n]
        if any(lever.alone for lever, _ in moved):
            rules.append(_moved(rule, moved))
            continue
        rules += [rule] if n != _DEFAULT else []
        rules += [_moved(rule, [(x, v)], x.stage) for x, v in moved]
    return {
        "stock": [r.model_dump(mode="json", by_alias=True, exclude_defaults=True) for r in rules]
    }


def _moved(
    rule: StockRule, moves: Sequence[tuple[Lever, float]], stage: str | None = None
) -> StockRule:
    """Return a rule with values of levers; with a stage one for that stage that follows it."""
    policy = rule.policy or Policy()
    more = {lever.field: value for lever, value in moves}
    if "reorder_point" in more and policy.level is not None:  # the lot stays as it is
        more["level"] = more["reorder_point"] + policy.level - (policy.reorder_point or 0.0)
    policy = policy.model_copy(update=more)
    if stage is None:
        return rule.model_copy(update={"policy": policy})
    return StockRule(where=rule.where.model_copy(update={"stage": stage}), policy=policy)


def _groups(topology: Topology) -> dict[tuple[int, str], list[StockPoint]]:
    """Return the stock points that hold stock by rule and stage, upstream first."""
    driven = driven_now(topology)
    found: dict[tuple[int, str], list[StockPoint]] = {}
    for p in reversed(topology.points):
        rule = _rule_of(topology.scenario, p)
        if not driven[p.index] and not (rule == _DEFAULT and p.role == "component"):
            found.setdefault((rule, p.stage), []).append(p)
    return found


def _stages(topology: Topology) -> dict[int, set[str]]:
    """Return the stages whose stock points follow each rule, held on forecast or not."""
    found: dict[int, set[str]] = {}
    for p in topology.points:
        found.setdefault(_rule_of(topology.scenario, p), set()).add(p.stage)
    return found


def _rule_of(scenario: Scenario, point: StockPoint) -> int:
    """Return the last rule that gives a stock point its policy."""
    fits = [
        n
        for n, rule in enumerate(scenario.stock)
        if rule.policy is not None and selects(rule.where, point.site, point.item, point.role)
    ]
    return fits[-1] if fits else _DEFAULT


def _fields(policy: Policy, cover: bool) -> tuple[str, ...]:
    """Return which keys of a policy are worth moving: those that set how much is held."""
    if policy.kind in ("base_stock", "human") and policy.level is not None:
        return ("level",) if policy.level > 0 else ()
    if policy.kind in ("s_S", "r_Q") and policy.reorder_point is not None:
        return ("reorder_point",)
    if needs_forecast(policy):
        if policy.safety_stock is not None:
            return ("safety_stock",)
        takes_cover = "cover" in POLICIES[policy.kind].uses
        return ("cover",) if cover and takes_cover else ("safety_factor",)
    return {"kanban": ("cards",), "conwip": ("wip_cap",)}.get(policy.kind, ())


def cover_of(topology: Topology, point: StockPoint) -> float:
    """Return the protection interval of a stock point, in periods."""
    policy = point.settings.policy
    if policy.cover is not None:
        return policy.cover
    return protection(topology, point.index)[0] + policy.review - 1


def _longest_outage(scenario: Scenario) -> int:
    events = [d for d in scenario.disruptions if d.probability > 0]
    return max((d.duration + d.ramp for d in events), default=0)


def _needs(topology: Topology, outage: int) -> list[float]:
    """Return the highest level worth trying at each stock point, in units.

    Demand of the whole lead time from outside, review included, its mean and :data:`SPREAD`
    standard deviations, and the mean demand of the longest disruption.
    """
    first = first_forecasts(topology)
    lead = [0.0] * len(topology.points)
    for p in reversed(topology.points):  # upstream first
        before = [
            lead_time_moments(topology.links[e].lead_time)[0]
            + topology.links[e].delay
            + max((lead[row] for row, _ in topology.links[e].inputs), default=0.0)
            for e in topology.in_links[p.index]
        ]
        lead[p.index] = max(before, default=0.0) + p.settings.policy.review - 1
    return [
        float(first.mean[i] * (t + outage) + SPREAD * math.sqrt(first.variance[i] * max(t, 1.0)))
        for i, t in enumerate(lead)
    ]


def _bounds(
    topology: Topology, field: str, points: Sequence[StockPoint], outage: int
) -> tuple[float, float, float]:
    """Return lower and upper bound of a lever, and where the scenario has it."""
    policy = points[0].settings.policy
    start = float(getattr(policy, field) or 0.0)
    needs = _needs(topology, outage)
    low, high = 0.0, max([needs[p.index] for p in points] + [2 * start])
    if field == "safety_factor":
        low, high = min(FACTORS[0], start), max(FACTORS[1], start)
    elif field == "cover":
        start = cover_of(topology, points[0])
        high = 2.0 * start + 1.5 * outage
    elif field in KINDS["kanban"]:
        low = 1.0
        high = max(high / (policy.lot or 1.0) if field == "cards" else high, 2 * start)
    return low, max(float(math.ceil(high)), low + 1.0), max(start, low)


def _is_whole(scenario: Scenario, field: str) -> bool:
    return field in KINDS["kanban"] or (scenario.integer and field in KINDS["levels"])
