"""A backup supplier as changes: who it is, what it costs more, and how orders are split."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twin.compile.rules import first_forecasts, opening_level, protection
from twin.decoupling import nominal_lead
from twin.edits import apply
from twin.errors import ScenarioError, TwinError
from twin.names import nearest
from twin.schema import Lane, Model, Production, Purchase, Scenario
from twin.topology import Link, StockPoint, Topology, build
from viz import look
from viz.edits import append, plain, set_value

Changes = dict[str, Any]

PREMIUM = 0.2
"""How much dearer a backup is than the source it stands in for."""

DETOUR = 1.5
"""How much longer, and dearer, the way from another site is than from the usual one."""


def backup_supplier(
    scenario: Scenario,
    changes: Mapping[str, Any],
    site: str,
    item: str | None = None,
    share: float = 0.0,
) -> Changes:
    """Return the changes with a second source for what a site gets, or for a supplier itself.

    A stock point that gets its goods by a lane, and what a supplier or maker sends on, get
    another site that has them already, where one stands at the same stage, else a new site there
    like the present source, with stock of its own that stands ready; a stock point that buys and
    sends nothing on gets a second outside supplier.

    Parameters
    ----------
    scenario, changes
        The base and what was changed so far.
    site, item
        The stock point; without an item all that the site makes or buys, or else all it gets.
    share
        What the backup supplies in normal times (0: it only stands by); while the other source
        is closed it supplies all.

    Raises
    ------
    ScenarioError
        If nothing can be backed up there, with the reason.
    """
    top = build(apply(scenario, changes))
    links = backed(top, site, item)
    if not links:
        msg = f"{at_words(site, item)} gets nothing that a second source could bring"
        raise ScenarioError(msg)
    found = dict(changes)
    for source in sorted({e.source for e in links}):
        mine = [e for e in links if e.source == source]
        found = _first_that_fits(scenario, top, found, mine, share)
    return found


def _first_that_fits(
    scenario: Scenario, top: Topology, changes: Changes, links: Sequence[Link], share: float
) -> Changes:
    """Return the changes with the first kind of backup that the scenario takes."""
    reason: TwinError | None = None
    for build_up in (_from_existing, _from_new, _from_outside):
        try:
            found = build_up(top, changes, links, share)
            if found is not None:
                apply(scenario, found)
                return found
        except TwinError as error:
            reason = error
    msg = f"no backup for '{links[0].source}' fits: {reason}"
    raise ScenarioError(msg)


def at_words(site: str, item: str | None) -> str:
    """Return a site or stock point in quotes, for messages."""
    return f"'{site}/{item}'" if item else f"'{site}'"


def backed(top: Topology, site: str, item: str | None) -> list[Link]:
    """Return the links that a backup stands beside: one for each stock point that gets it."""
    if site not in {s.name for s in top.scenario.sites}:
        names = nearest(site, {p.site.name for p in top.points})
        msg = f"no site '{site}'; {names}"
        raise ScenarioError(msg)
    rows = [top.row(site, item)] if item else [p.index for p in top.points if p.site.name == site]
    origins = [i for i in rows if all(top.links[e].kind != "ship" for e in top.in_links[i])]
    sent = [
        top.links[e] for i in origins for e, _ in top.out_links[i] if top.links[e].kind == "ship"
    ]
    if sent:
        return sent
    received = [i for i in rows if i not in origins] or origins
    return [max((top.links[e] for e in top.in_links[i]), key=lambda e: e.share) for i in received]


def _from_existing(
    top: Topology, changes: Mapping[str, Any], links: Sequence[Link], share: float
) -> Changes | None:
    """Return changes in which another site of the same stage sends the goods too."""
    if any(e.kind != "ship" for e in links):
        return None
    source = links[0].source
    stage = _point(top, links[0]).stage
    here = {p.site.name for p in top.points if p.stage == stage} - {source}
    holds = {name: {p.item.name for p in top.points if p.site.name == name} for name in here}
    wanted = {top.points[e.to].item.name for e in links}
    for name in sorted(here):
        receivers = {top.points[e.to].site.name for e in links}
        known = {lane.to for lane in top.scenario.lanes if lane.source == name}
        if wanted <= holds[name] and not receivers & (known | {name}):
            lanes = [_lane(lane, name, DETOUR, items) for lane, items in _lanes(top, links)]
            found = append(changes, "lanes", lanes)
            return append(found, "sourcing", _sourcing(top, links, name, share))
    return None


def _from_new(
    top: Topology, changes: Mapping[str, Any], links: Sequence[Link], share: float
) -> Changes | None:
    """Return changes in which a new site like the source sends the goods too, a bit dearer."""
    if any(e.kind != "ship" for e in links):
        return None
    site = _point(top, links[0]).site
    name = _free(f"backup_{site.name}", {s.name for s in top.scenario.sites})
    sent = sorted({e.inputs[0][0] for e in links})
    rows = _feeding(top, sent)
    found = append(changes, "sites", [_plain(site) | {"name": name}])
    bought = [i for i in rows if any(not top.links[e].inputs for e in top.in_links[i])]
    found = append(found, "purchases", [_purchase(top, i, name) for i in bought])
    inward = [top.links[e] for i in rows for e in top.in_links[i]]
    made = [_made(e.declared, name) for e in inward if e.kind == "make" and e.inputs]
    found = append(found, "production", made)
    into = [_plain(lane) | {"to": name, "items": items} for lane, items in _lanes(top, inward)]
    dearer = set(sent) - set(bought)
    out = [_lane(lane, name, 1.0, items) for lane, items in _lanes(top, links)]
    for lane in out if dearer else ():
        values = [
            top.points[i].item.value for i in sent if top.points[i].item.name in lane["items"]
        ]
        more = PREMIUM * sum(values) / len(values)
        lane["cost_per_unit"] = round(lane.get("cost_per_unit", 0.0) + more, 4)
    found = append(found, "lanes", [*into, *out])
    own = [_same_sources(top, i, name) for i in rows if len(top.in_links[i]) > 1]
    found = append(found, "sourcing", [*own, *_sourcing(top, links, name, share)])
    rules = [_rule(top, i, name, ready=i in sent) for i in rows]
    return _cut_through(top, append(found, "stock", rules), rows, name)


def _feeding(top: Topology, rows: Sequence[int]) -> list[int]:
    """Return stock points and those at their site that they are made from."""
    found, todo = set(), list(rows)
    while todo:
        i = todo.pop()
        found.add(i)
        todo += [r for e in top.in_links[i] if top.links[e].kind == "make"
                 for r, _ in top.links[e].inputs if r not in found]  # fmt: skip
    return sorted(found)


def _made(declared: Any, site: str) -> dict[str, Any]:
    """Return a production at another site; shared capacity stays where it is."""
    entry = _plain(declared) | {"site": site}
    entry.pop("resources", None)
    return entry


def _same_sources(top: Topology, row: int, site: str) -> dict[str, Any]:
    """Return the rule of a stock point that has several sources, for its copy at another site."""
    links = [top.links[e] for e in top.in_links[row]]
    place = {"site": site, "item": top.points[row].item.name}
    if any(e.priority is not None for e in links):
        ranked = sorted(links, key=lambda e: (e.priority or 0, e.source))
        return {**place, "priority": [e.source for e in ranked]}
    shares = {e.source: e.share for e in links}
    return {**place, "shares": shares, "fallback": any(e.fallback for e in links)}


def _from_outside(
    top: Topology, changes: Mapping[str, Any], links: Sequence[Link], share: float
) -> Changes | None:
    """Return changes in which the stock points buy from a second outside supplier."""
    found = dict(changes)
    for e in links:
        point = top.points[e.to]
        taken = {x.source for x in top.links if x.to == e.to} | {s.name for s in top.scenario.sites}
        name = _free(f"backup_{'maker' if e.kind == 'make' else e.source}", taken)
        bought = _purchase(top, e.to, point.site.name) | {"supplier": name}
        found = append(found, "purchases", [bought])
        found = append(found, "sourcing", _sourcing(top, [e], name, share))
    return found


def _point(top: Topology, link: Link) -> StockPoint:
    return top.points[link.inputs[0][0]]


def _free(name: str, taken: Iterable[str]) -> str:
    """Return a name that nothing has yet, not too long."""
    known, base = set(taken), name[:76]
    tries = [base, *(f"{base}_{n}" for n in range(2, 100))]
    return next(t for t in tries if t not in known)


def _lanes(top: Topology, links: Sequence[Link]) -> list[tuple[Lane, list[str]]]:
    """Return the lanes of some links, each with the items that it brings."""
    found: dict[str, tuple[Lane, list[str]]] = {}
    for e in links:
        if isinstance(e.declared, Lane):
            name = f"{e.declared.name}/{e.declared.items}"
            found.setdefault(name, (e.declared, []))[1].append(top.points[e.to].item.name)
    return list(found.values())


def _lane(lane: Lane, source: str, longer: float, items: Sequence[str]) -> dict[str, Any]:
    """Return a lane like another one, from another site."""
    entry = _plain(lane) | {"from": source, "items": sorted(set(items))}
    if longer > 1:
        entry["lead_time"] = _stretched(entry["lead_time"], longer)
        entry["cost_per_unit"] = round(lane.cost_per_unit * longer, 4)
    return entry


def _plain(model: Model) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _stretched(lead: Mapping[str, Any], longer: float) -> dict[str, Any]:
    """Return a longer lead time, by one period at least."""

    def more(n: float) -> int:
        return max(math.ceil(n * longer), math.floor(n) + 1)

    found = dict(lead)
    if "values" in lead:
        found["values"] = [more(n) for n in lead["values"]]
    for key in ("value", "mean"):
        if key in lead:
            found[key] = more(lead[key])
    return found


def _purchase(top: Topology, row: int, site: str) -> dict[str, Any]:
    """Return the buying of what a stock point gets, from a dearer supplier as fast as its own."""
    point = top.points[row]
    link = max((top.links[e] for e in top.in_links[row]), key=lambda e: e.share)
    declared = link.declared
    price = point.item.value
    if isinstance(declared, Purchase):
        price = declared.price or next((b.price for b in declared.breaks), price)
    if isinstance(declared, Purchase | Production) and not link.inputs:
        lead: Any = _plain(declared.lead_time)
    else:
        lead = max(1, _lead_above(top, row))
    return {
        "site": site,
        "item": point.item.name,
        "supplier": _free(f"outside_{site}"[:76], {s.name for s in top.scenario.sites}),
        "lead_time": lead,
        "price": round((1 + PREMIUM) * price, 4),
    }


def _lead_above(top: Topology, row: int) -> int:
    """Return the time to bring or make what a stock point gets, from its suppliers' stock."""
    links = [top.links[e] for e in top.in_links[row]]
    inputs = [i for e in links if e.kind == "make" for i, _ in e.inputs]
    before = [nominal_lead(top.links[e]) for i in inputs for e in top.in_links[i]]
    return max(nominal_lead(e) for e in links) + max(before, default=0)


def _sourcing(
    top: Topology, links: Sequence[Link], source: str, share: float
) -> list[dict[str, Any]]:
    """Return the rules by which stock points split their orders over old and new source."""
    found = []
    for e in links:
        point = top.points[e.to]
        mine = [top.links[x] for x in top.in_links[e.to]]
        place = {"site": point.site.name, "item": point.item.name}
        if share <= 0:
            ranked = sorted(mine, key=lambda x: (-x.share, x.priority or 0, x.source))
            found.append({**place, "priority": [*(x.source for x in ranked), source]})
            continue
        old = {x.source: x.share for x in mine if x.share > 0}
        shares = {name: round((1 - share) * v, 12) for name, v in old.items()}
        shares[source] = 1 - math.fsum(shares.values())
        spare = {x.source: 0.0 for x in mine if x.share <= 0}
        found.append({**place, "shares": shares | spare, "fallback": True})
    return found


def _rule(top: Topology, row: int, site: str, ready: bool) -> dict[str, Any]:
    """Return the settings of a stock point for its copy at another site.

    What stands ready keeps the stock that the present source would open with: its own forecast
    would tell it that nobody orders.
    """
    point = top.points[row]
    policy = plain(point.settings.policy)
    if ready and policy["kind"] not in ("kanban", "conwip", "order_driven"):
        policy = {"kind": "base_stock", "level": standby(top, row)}
    where = {"site": site, "item": point.item.name}
    return {"where": where, "policy": policy, "forecast": plain(point.settings.forecast)}


def standby(top: Topology, row: int) -> float:
    """Return the stock that a copy of a stock point keeps ready, in units."""
    forecasts = first_forecasts(top)
    mean, variance = float(forecasts.mean[row]), float(forecasts.variance[row])
    policy = top.points[row].settings.policy
    return float(math.ceil(opening_level(policy, mean, variance, *protection(top, row))))


def _cut_through(top: Topology, changes: Changes, rows: Sequence[int], site: str) -> Changes:
    """Return the changes with the new stock points in decoupling points that name the old ones."""
    for family in top.scenario.families:
        place = family.decoupling_point
        named = [top.points[i] for i in rows if top.points[i].name in (place or ())]
        if isinstance(place, list) and named:
            more = [f"{site}/{p.item.name}" for p in named]
            key = f"families.{family.name}.decoupling_point"
            changes = set_value(changes, key, [*place, *more])
    return changes


def backed_already(top: Topology, links: Sequence[Link]) -> list[str]:
    """Return the sources that step in when those of some links close; empty if any has none."""
    found: set[str] = set()
    for e in links:
        others = [top.links[x] for x in top.in_links[e.to] if x != e.index]
        ready = {x.source for x in others if x.priority is not None or x.fallback}
        if not ready:
            return []
        found |= ready
    return sorted(found)


def backup_words(before: Mapping[str, Any], after: Mapping[str, Any], links: Sequence[Link]) -> str:
    """Return what a backup would be: who, how much dearer and how fast."""
    sources = sorted({e.source for e in links})
    lanes = after.get("lanes[+]", [])[len(before.get("lanes[+]", [])) :]
    new = after.get("sites[+]", [])[len(before.get("sites[+]", [])) :]
    who, terms = "a second outside supplier", f"{look.share(PREMIUM)} dearer, as fast"
    if new:
        who = "a new site with stock of its own"
    elif lanes:
        who = look.listed(sorted({lane["from"] for lane in lanes}))
        terms = f"{look.share(DETOUR - 1)} longer and dearer on the way"
    closed = "is closed" if len(sources) == 1 else "are closed"
    return f"{who} steps in while {look.listed(sources)} {closed}; {terms} (assumed)"
