"""Edits of a scenario in the app: what one more change makes of the changes so far.

Changes are a mapping as :func:`twin.edits.apply` takes it; every function here returns a new one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from twin.compile.rules import first_forecasts, opening_level, protection
from twin.decoupling import nominal_lead
from twin.edits import APPEND, apply
from twin.errors import ScenarioError
from twin.forecasters import FORECASTERS
from twin.names import nearest
from twin.policies import POLICIES
from twin.schema import Model, Policy, Scenario
from twin.topology import StockPoint, Topology, build

STOCK = "stock" + APPEND
"""Key of the rules that changes add for single stock points."""


def set_value(changes: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Return the changes with one more, after those before it."""
    return {**{k: v for k, v in changes.items() if k != key}, key: value}


def reset(changes: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the changes without one.

    Parameters
    ----------
    changes
        What was changed so far.
    key
        One of them; or ``stock[+]/site/item``: all of one stock point; ``sites[+]/name``,
        ``lanes[+]/a->b``, ``purchases[+]/supplier->site``: what was added, with all that names it.
    """
    section, added, name = key.partition(APPEND + "/")
    if not added:
        return {k: v for k, v in changes.items() if k != key}
    found = {}
    for k, value in changes.items():
        if k.endswith(APPEND):
            value = [e for e in value if not _names(section, name, k.removesuffix(APPEND), e)]
        elif section == "sites" and isinstance(value, list):  # stock points of a position
            value = [e for e in value if not str(e).startswith(name + "/")]
        if value != [] or changes[k] == []:
            found[k] = value
    return found


def _names(section: str, name: str, kind: str, entry: Mapping[str, Any]) -> bool:
    """Return whether an added entry is, or names, the thing of a section."""
    if section == "stock":
        return kind == "stock" and _place(entry) == name
    sources = {*(entry.get("shares") or ()), *(entry.get("priority") or ())}
    if section == "sites":
        ends = {entry.get("name"), entry.get("site"), entry.get("from"), entry.get("to")}
        return name in ends | sources or entry.get("where", {}).get("site") == name
    if kind == section and entry.get("name") == name:
        return True
    source, _, to = name.partition("->")
    if kind == "sourcing":
        return entry["site"] == to and source in sources
    return (
        kind == section
        and source in (entry.get("from"), entry.get("supplier"))
        and (to in (entry.get("to"), entry.get("site")))
    )


def append(changes: Mapping[str, Any], section: str, entries: Sequence[Any]) -> dict[str, Any]:
    """Return the changes with entries added at the end of a list of the scenario."""
    key = section + APPEND
    return {**changes, key: [*changes.get(key, []), *entries]} if entries else dict(changes)


def set_stock(
    scenario: Scenario,
    changes: Mapping[str, Any],
    site: str,
    item: str,
    field: str,
    value: Any,
) -> dict[str, Any]:
    """Return the changes with a setting of one stock point, in one rule for that stock point.

    Parameters
    ----------
    scenario, changes
        The base and what was changed so far.
    site, item
        The stock point.
    field
        ``policy.level``, ``policy.kind``, ``forecast.window``, ``holding_cost`` ...; ``policy``
        takes a whole policy as a mapping. A new kind of policy gets parameters that suit it.
    value
        The new value; none goes back to the default.

    Raises
    ------
    ScenarioError
        If there is no such stock point.
    """
    top = build(apply(scenario, changes))
    row = top.row(site, item)
    part, _, name = field.partition(".")
    new = value
    if field == "policy.kind":
        new = fitting_policy(top, row, value)
    elif field == "forecast.kind":
        old = plain(top.points[row].settings.forecast)
        new = {k: v for k, v in old.items() if k in FORECASTERS[value].uses} | {"kind": value}
    elif name:
        new = {**plain(getattr(top.points[row].settings, part)), name: value}
        new = {k: v for k, v in new.items() if v is not None}
    return _with_rule(scenario, changes, site, item, part, new)


def plain(model: Model) -> dict[str, Any]:
    """Return a policy or forecast as in a scenario file, its kind always said."""
    said = model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"kind": getattr(model, "kind"), **said}  # noqa: B009 - both models have one


def _with_rule(
    scenario: Scenario,
    changes: Mapping[str, Any],
    site: str,
    item: str,
    part: str,
    value: Any,
) -> dict[str, Any]:
    """Return the changes with one part of a stock point's own rule, left out if as before."""
    where = {"site": site, "item": item}
    rules = [dict(r) for r in changes.get(STOCK, [])]
    mine = next((r for r in rules if r["where"] == where), None)
    if mine is None:
        mine = {"where": where}
        rules.append(mine)
    base = _base_point(scenario, site, item)
    now = None if base is None else getattr(base.settings, part)
    if value is None or _same(now, value):
        mine.pop(part, None)
    else:
        mine[part] = value
    rules = [r for r in rules if len(r) > 1]
    return {**reset(changes, STOCK), **({STOCK: rules} if rules else {})}


def _same(now: Any, value: Any) -> bool:
    """Return whether a setting is what the scenario says anyway."""
    if not isinstance(now, Model):
        return bool(now == value)
    try:
        return type(now).model_validate(value) == now
    except ValidationError:  # told when the changes are applied
        return False


def _base_point(scenario: Scenario, site: str, item: str) -> StockPoint | None:
    top = build(scenario)
    row = top.row_of.get(f"{site}/{item}")
    return None if row is None else top.points[row]


def _place(rule: Mapping[str, Any]) -> str:
    return f"{rule['where'].get('site')}/{rule['where'].get('item')}"


# ------------------------------------------------------------------------------------ policies
def fitting_policy(top: Topology, row: int, kind: str) -> dict[str, Any]:
    """Return a policy of another kind that suits a stock point, as in a scenario file.

    What both kinds use stays; what the new one needs and nobody gave is taken from the first
    forecast: a week's demand as a lot, cards and levels that hold what base stock would hold.

    Raises
    ------
    ScenarioError
        If there is no such policy.
    """
    if kind not in POLICIES:
        msg = f"no policy '{kind}'; {nearest(kind, POLICIES)}"
        raise ScenarioError(msg)
    old = plain(top.points[row].settings.policy)
    kept = {k: v for k, v in old.items() if k in POLICIES[kind].uses and k not in _SIZES}
    if kind == old["kind"]:
        return old
    whole = top.scenario.integer
    sizes = {
        k: max(1.0, math.ceil(v) if whole else round(v, 2)) for k, v in _sizes(top, row).items()
    }
    wanted = {"r_Q": ["lot"], "s_S": ["lot"], "kanban": ["lot", "cards"], "conwip": ["wip_cap"],
              "human": ["level"]}.get(kind, [])  # fmt: skip
    return {**kept, "kind": kind, **{name: sizes[name] for name in wanted}}


_SIZES = {"level", "reorder_point", "lot", "cards", "wip_cap"}
"""Parameters that mean something else, or another amount, in another kind of policy."""


def _sizes(top: Topology, row: int) -> dict[str, float]:
    """Return lot, cards, caps and levels that hold what base stock would hold."""
    forecasts = first_forecasts(top)
    mean, variance = float(forecasts.mean[row]), float(forecasts.variance[row])
    lead, spread = protection(top, row)
    policy = top.points[row].settings.policy
    like = Policy(safety_factor=policy.safety_factor, safety_stock=policy.safety_stock)
    level = opening_level(like, mean, variance, max(lead, 1.0), spread)
    lot = max(1.0, mean * (7 if top.scenario.calendar.period == "day" else 1))
    return {
        "lot": lot,
        "cards": math.ceil(level / lot) + 1.0,
        "wip_cap": level + mean * _lead_below(top, row) + level,
        "level": max(0.0, level - mean * lead) + mean * lead * Policy().supply_line,
    }


def _lead_below(top: Topology, row: int) -> int:
    """Return the longest lead time from a stock point down to a customer, in periods."""
    below = [(top.links[e].to, nominal_lead(top.links[e])) for e, _ in top.out_links[row]]
    return max((lead + _lead_below(top, to) for to, lead in below), default=0)
