"""Fixes of a network as changes: a backup supplier, a lane, a bigger buffer, another policy.

Every fix returns the changes so far with its own added, sure that the scenario takes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from twin.edits import apply
from twin.errors import ScenarioError, TwinError
from twin.names import nearest
from twin.policies import POLICIES
from twin.schema import Policy, Scenario
from twin.topology import Topology, build
from viz import look, series
from viz.backup import Changes, at_words, backed, backed_already, backup_supplier, backup_words
from viz.edits import append, plain, set_stock
from viz.reasons import downstream

__all__ = [
    "add_lane", "backup_supplier", "change_policy", "options", "raise_buffer",
]  # fmt: skip

LANE_DAYS = 5
"""Lead time of a new lane until somebody says another, in periods."""


# --------------------------------------------------------------------------------------------- lane
def add_lane(
    scenario: Scenario,
    changes: Mapping[str, Any],
    source: str,
    to: str,
    lead_time: int,
) -> Changes:
    """Return the changes with a lane for all that one site has and the other one needs.

    It is used while the sources so far are closed, unless their sourcing rule says more.

    Raises
    ------
    ScenarioError
        If there is such a lane, or nothing to carry on it, or goods would go in a circle.
    """
    now = apply(scenario, changes)
    top = build(now)
    items = lane_items(top, source, to)
    if not items:
        msg = f"'{source}' has nothing that '{to}' needs and does not get from it already"
        raise ScenarioError(msg)
    rules = []
    for name in items:
        mine = [top.links[e] for e in top.in_links[top.row(to, name)]]
        if len(mine) == 1 and not mine[0].priority and not mine[0].fallback:
            rules.append({"site": to, "item": name, "priority": [mine[0].source, source]})
    entry = {"from": source, "to": to, "lead_time": lead_time, "items": items}
    found = append(append(changes, "lanes", [entry]), "sourcing", rules)
    apply(scenario, found)
    return found


def lane_items(top: Topology, source: str, to: str) -> list[str]:
    """Return the items that a site has and another one needs but does not get from it yet."""
    has = {p.item.name for p in top.points if p.site.name == source}
    entries = (*top.scenario.production, *top.scenario.purchases)
    has |= {p.item for p in entries if p.site == source}
    return [
        p.item.name
        for p in top.points
        if p.site.name == to
        and p.item.name in has
        and all(top.links[e].source != source for e in top.in_links[p.index])
        and source != to
    ]


# ----------------------------------------------------------------------------------- buffer, policy
def raise_buffer(
    scenario: Scenario,
    changes: Mapping[str, Any],
    site: str,
    item: str | None = None,
    percent: float = 20,
) -> Changes:
    """Return the changes with more stock at a site: levels, caps or safety raised by a share.

    Parameters
    ----------
    scenario, changes
        The base and what was changed so far.
    site, item
        The stock point, or all of the site's that keep stock.
    percent
        By how much the level, reorder point, cap or safety stock or factor rises.

    Raises
    ------
    ScenarioError
        If no stock is kept there.
    """
    top = build(apply(scenario, changes))
    rows = [i for i in buffered(top, site) if item in (None, top.points[i].item.name)]
    if not rows:
        msg = (
            f"{at_words(site, item)} keeps no stock: it works to order; move the decoupling point "
            "here, or choose another policy"
        )
        raise ScenarioError(msg)
    found: Changes = dict(changes)
    for i in rows:
        point = top.points[i]
        policy = raised(point.settings.policy, 1 + percent / 100, top.scenario.integer)
        found = set_stock(scenario, found, point.site.name, point.item.name, "policy", policy)
    apply(scenario, found)
    return found


def buffered(top: Topology, site: str) -> list[int]:
    """Return the stock points of a site that keep stock."""
    mode = series.modes(top)
    return [
        p.index
        for p in top.points
        if p.site.name == site and mode[p.index] != "pull" and _sized(p.settings.policy)
    ]


def _sized(policy: Policy) -> bool:
    """Return whether a policy keeps stock: it has a size other than 0, or follows the forecast."""
    return policy.kind != "order_driven" and (policy.kind != "base_stock" or policy.level != 0)


def raised(policy: Policy, factor: float, whole: bool) -> dict[str, Any]:
    """Return a policy that keeps more stock by a factor, as in a scenario file."""
    found = plain(policy)
    given = [n for n in ("level", "reorder_point", "cards", "wip_cap") if n in found]
    names = given or (["safety_stock"] if policy.safety_stock else [])
    for name in names:
        more = found[name] * factor
        found[name] = math.ceil(more - 1e-9) if whole or name == "cards" else round(more, 4)
    if not names:
        most = next(m.le for m in Policy.model_fields["safety_factor"].metadata if hasattr(m, "le"))
        z = policy.safety_factor
        found["safety_factor"] = round(min(float(most), max(z * factor, z + 0.1)), 4)
    return found


def change_policy(
    scenario: Scenario, changes: Mapping[str, Any], site: str, item: str, kind: str
) -> Changes:
    """Return the changes with another policy at a stock point, its parameters fit to demand.

    Raises
    ------
    ScenarioError
        If there is no such stock point or policy.
    """
    found = set_stock(scenario, changes, site, item, "policy.kind", kind)
    apply(scenario, found)
    return found


# ------------------------------------------------------------------------------------------ options
def options(
    scenario: Scenario, site: str, changes: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return which fixes a site allows, and why not the others.

    Parameters
    ----------
    scenario
        The base.
    site
        Where.
    changes
        What was changed so far.

    Returns
    -------
    list
        One mapping per fix: ``fix`` (name of the function), ``label`` (a verb first), ``words``
        (what it would do, with what is assumed; why not where it is not possible), ``possible``,
        ``choices`` (sites to add a lane from, stock points to change).

    Raises
    ------
    ScenarioError
        If there is no such site.
    """
    so_far = changes or {}
    top = build(apply(scenario, so_far))
    if site not in {s.name for s in top.scenario.sites}:
        msg = f"no site '{site}'; {nearest(site, {s.name for s in top.scenario.sites})}"
        raise ScenarioError(msg)
    return [
        _backup_option(scenario, top, so_far, site),
        _lane_option(scenario, top, so_far, site),
        _buffer_option(top, site),
        _policy_option(top, site),
    ]


def _option(fix: str, label: str, why: str, words_: str, choices: Sequence[Any] = ()) -> Any:
    """Return an option; it is possible where nothing is said against it."""
    return {"fix": fix, "label": label, "possible": not why, "words": why or words_,
            "choices": list(choices)}  # fmt: skip


def _backup_option(
    scenario: Scenario, top: Topology, changes: Mapping[str, Any], site: str
) -> dict[str, Any]:
    label = "Add a backup supplier"
    try:
        links = backed(top, site, None)
        ready = backed_already(top, links)
        if ready:
            why = f"{look.listed(ready)} steps in already"
            return _option("backup_supplier", label, why, "")
        found = backup_supplier(scenario, changes, site)
    except TwinError as error:
        return _option("backup_supplier", label, str(error), "")
    return _option("backup_supplier", label, "", backup_words(changes, found, links))


def _lane_option(
    scenario: Scenario, top: Topology, changes: Mapping[str, Any], site: str
) -> dict[str, Any]:
    """Return whether a lane fits; one site of each stage is tried for all of that stage."""
    label = f"Add a lane to {look.said(site)}"
    fits: list[str] = []
    reason = "no site upstream or beside it has what is needed here"
    for sources in _lane_sources(top, site):
        try:
            add_lane(scenario, changes, sources[0], site, LANE_DAYS)
            fits += sources
        except TwinError:  # it would make no circle, so it is the decoupling point
            reason = (
                f"goods from {look.said(sources[0])} would cross the decoupling point twice or "
                "not at all"
            )
    lead = look.plural(LANE_DAYS, top.scenario.calendar.period)
    text = f"from {look.listed(fits)}, {lead} (assumed)" if fits else ""
    return _option("add_lane", label, "" if fits else reason, text, fits)


def _lane_sources(top: Topology, site: str) -> list[list[str]]:
    """Return the sites that could send something to a site, by stage, upstream to its own."""
    order = {stage: n for n, stage in enumerate(top.stages())}
    mine = [p for p in top.points if p.site.name == site]
    here = max((order.get(p.stage, 0) for p in mine), default=-1)
    rows = [p.index for p in mine]
    below = {top.points[i].site.name for i in downstream(top, rows) if i not in rows}
    found: dict[int, list[str]] = {}
    for s in top.scenario.sites:
        stage = order.get(s.stage or s.kind, 0)
        if (
            s.kind != "market"
            and stage <= here
            and s.name not in below
            and lane_items(top, s.name, site)
        ):
            found.setdefault(stage, []).append(s.name)
    return [found[stage] for stage in sorted(found)]


def _buffer_option(top: Topology, site: str) -> dict[str, Any]:
    rows = buffered(top, site)
    pulled = "nothing is kept here: everything is made to order; move the decoupling point here"
    choices = [top.points[i].item.name for i in rows]
    text = f"20 % more of {look.listed(choices)}" if rows else ""
    return _option("raise_buffer", "Raise the buffer", "" if rows else pulled, text, choices)


def _policy_option(top: Topology, site: str) -> dict[str, Any]:
    mode = series.modes(top)
    mine = [p for p in top.points if p.site.name == site]
    own = [p.item.name for p in mine if mode[p.index] != "pull"]
    why = ""
    if not own:
        why = "no stock point here" if not mine else "works to order, whatever its own policy says"
    text = f"of {look.listed(own)}: one of {len(POLICIES)} rules" if own else ""
    return _option("change_policy", "Change the ordering policy", why, text, own)
