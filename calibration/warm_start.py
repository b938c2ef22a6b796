"""Warm start: the last known state of a chain as the opening state of its scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from calibration.balance import BOOKS
from calibration.infer.orders import owed
from calibration.periods import add_up, period_of
from calibration.times import period_start
from twin.decoupling import nominal_lead
from twin.errors import RunError
from twin.schema import Scenario
from twin.topology import Link, Topology, build

Frame = pd.DataFrame
Point = tuple[str, str]

WAITING = "waiting"
"""Name of the class of those customers who waited when a chain was begun from its telemetry."""

_TINY = 1e-9
_KEYS = ["site", "item"]
_TERMS = ("site", "unmet", "patience", "tolerance", "rank", "lost_sale_cost")


def warm_start(
    events: Frame, scenario: Scenario, at: int, stock: Mapping[Point, float] | None = None
) -> dict[str, Any]:
    """Return the changes that let a scenario begin where its chain stands.

    On hand is the last count (the books' or a device's, whichever is later) and what came and went
    since; on the way is what was sent and has not come, due when its nominal lead time is over;
    what outside suppliers were told and the mail holds likewise. What customers wait for is asked
    for again in the first period, by a class of customers of its own (:data:`WAITING`): how long
    they have waited already is forgotten. What a supplier owes because it had none has no place in
    a scenario: its stock point orders it again at once.

    Parameters
    ----------
    events
        Columns :data:`calibration.events.NAMES`.
    scenario
        The chain, its calendar included.
    at
        Microseconds since 1970; what happened before the period that holds it is counted.
    stock
        Units on hand by (site, item) where they are known better, e.g. from
        :class:`calibration.assimilate.Filter`.

    Returns
    -------
    dict
        Changes by dotted key for :func:`twin.edits.apply`: the start of the calendar, opening
        stock, transit and mail, who waits, no warm-up, recorded demand (and so the horizon) from there on,
        disruptions and moves that are still to come (those that have begun are left out: their
        effect is in the state).

    Raises
    ------
    RunError
        If demand is recorded and all of it lies before ``at``.
    """
    calendar = scenario.calendar
    now = int(period_of(np.array([at]), calendar)[0])
    known = events[events["event_time"] < period_start(calendar, now)]
    known = known.drop_duplicates(["source", "event_id"])
    known = known.assign(t=period_of(known["event_time"].to_numpy(np.int64), calendar))
    top, counted = build(scenario), on_hand(known)
    counted.update(stock or {})
    rules = []
    for p in top.points:
        name = p.site.name, p.item.name
        rule: dict[str, Any] = {"where": {"site": name[0], "item": name[1]}}
        if name in counted:
            rule["initial_stock"] = max(0.0, float(counted[name]))
        rule |= _coming(top, p.index, known, now)
        if len(rule) > 1:
            rules.append(rule)
    day = np.datetime64(period_start(calendar, now), "us").astype("datetime64[D]")
    later = _later(scenario, now)
    waiting = _waiting(top, known, later.get("horizon", scenario.horizon))
    found = {"calendar.start": str(day), "stock[+]": rules} | later
    return found | ({"demand[+]": waiting} if waiting else {})


def on_hand(events: Frame) -> dict[Point, float]:
    """Return units on hand by (site, item): the last count, and what came and went after it.

    Parameters
    ----------
    events
        Columns :data:`calibration.events.NAMES`, each event once; stock points without a count
        are left out.
    """
    return _brought(_counts(events).groupby(_KEYS).tail(1), events, back=False)


def opening(events: Frame, at: int) -> dict[Point, float]:
    """Return units on hand at a time by (site, item), as well as a whole record can tell.

    As :func:`on_hand` of what was before; where nobody had looked by then, the first count after
    it less what came and went in between. What vanished meanwhile is not known, nor given back.

    Parameters
    ----------
    events
        As for :func:`on_hand`, those after the time included.
    at
        Microseconds since 1970.
    """
    after = events[events["event_time"] >= at]
    first = _brought(_counts(after).groupby(_KEYS).head(1), after, back=True)
    return first | on_hand(events[events["event_time"] < at])


def openers(events: Frame, at: int) -> dict[Point, str]:
    """Return by (site, item) the device whose count :func:`opening` rests on, of those before ``at``.

    Empty where it is a look by a device that comes after it: that look is still to be weighed, so
    that it must not be taken for knowledge already. Parameters as for :func:`opening`.
    """
    counts = _counts(events)
    before = counts["event_time"] < at
    known = counts[before].groupby(_KEYS)["device"].last()
    after = counts[~before].groupby(_KEYS)["device"].first()
    return after.where(after == BOOKS, "").to_dict() | known.to_dict()


def _counts(events: Frame) -> Frame:
    events = events[events["item"] != ""].sort_values("event_time", kind="stable")
    return events[(events["kind"] == "count") & events["qty"].notna()]


def _brought(counts: Frame, events: Frame, back: bool) -> dict[Point, float]:
    """Bring one count of each stock point on to the end of some events, or back before them."""
    counts = counts.set_index(_KEYS)
    came = events["kind"].map({"receive": 1.0, "make": 1.0, "ship": -1.0}).astype(np.float64)
    moves = events.assign(net=came * events["qty"])[came.notna()]
    moves = moves.join(counts["event_time"].rename("counted"), on=_KEYS)
    moves = moves[moves["counted"].notna()]
    moves = moves[(moves["event_time"] <= moves["counted"]) == back]
    net = moves.groupby(_KEYS)["net"].sum().reindex(counts.index).fillna(0.0)
    units = counts["qty"] - net if back else counts["qty"] + net
    return dict(zip(counts.index.tolist(), units.tolist(), strict=True))


def _waiting(top: Topology, events: Frame, horizon: int) -> list[dict[str, Any]]:
    """Return demand of those who wait at each stock point, on the terms of its first customers."""
    if events.empty:
        return []
    periods = add_up(events, top.scenario)
    found = []
    for p in top.points:
        key, sinks = (p.site.name, p.item.name), [top.sinks[s] for s in top.sinks_of[p.index]]
        if not sinks or key in periods.sales_only or key not in periods.demand:
            continue
        terms = sinks[0].demand
        patience = 0 if terms.unmet == "lost" else terms.patience
        sold = np.nan_to_num(periods.sold.get(key, np.zeros(periods.n)))
        left = float(owed(np.nan_to_num(periods.demand[key]), sold, patience)[-1])
        if left > _TINY:
            kept = terms.model_dump(mode="json", exclude_defaults=True, include=set(_TERMS))
            values = [round(left, 9), *[0.0] * (horizon - 1)]
            new = {"item": key[1], "customer": WAITING, "kind": "recorded", "values": values}
            found.append(kept | new)
    return found


def _coming(top: Topology, row: int, events: Frame, now: int) -> dict[str, Any]:
    """Return what is on the way to a stock point by transit slot, and what is in the mail."""
    links = [top.links[e] for e in top.in_links[row]]
    slots = max((nominal_lead(e) - e.delay for e in links), default=0)
    transit, mail = np.zeros(slots), 0.0
    for e in links:
        sent = _open(top, e, events)
        lead = nominal_lead(e)
        if e.kind == "buy" and e.delay:
            posted = sent["t"] + e.delay >= now
            mail += sent.loc[posted, "left"].sum() / e.delay
            sent = sent[~posted]
        elif e.delay:
            mail += _posted(top, e, events, now) / e.delay
        lead -= 0 if e.kind == "buy" else e.delay  # a dispatch is sent when the mail has come
        due = np.clip(sent["t"].to_numpy() + lead - now, 0, max(0, slots - 1))
        if slots:
            np.add.at(transit, due, sent["left"].to_numpy())
    share = sum(e.share for e in links) or 1.0
    found: dict[str, Any] = {}
    if transit.sum() > _TINY:
        found["initial_in_transit"] = [round(float(x), 9) for x in transit / share]
    if mail > _TINY:
        found["initial_orders"] = round(float(mail / share), 9)
    return found


def _open(top: Topology, e: Link, events: Frame) -> Frame:
    """Return the lots of a link that have not arrived: period sent and units started left."""
    p = top.points[e.to]
    site, item = p.site.name, p.item.name
    here = (events["site"] == site) & (events["item"] == item)
    if e.kind == "buy" or (e.kind == "make" and not e.inputs):
        partner = site if e.kind == "make" else e.source
        sent = events[here & (events["kind"] == "order") & (events["partner"] == partner)]
        per_unit = 1.0
    else:
        source, per_unit = e.inputs[0]
        from_ = top.points[source]
        sent = events[
            (events["kind"] == "ship")
            & (events["site"] == from_.site.name)
            & (events["item"] == from_.item.name)
            & (events["partner"] == site)
        ]
    if e.kind == "make":
        came = events[here & (events["kind"] == "make")]
        arrived = came["value"].fillna(came["qty"] / e.yield_)
    else:
        came = events[here & (events["kind"] == "receive") & (events["partner"] == e.source)]
        arrived = came["qty"] / e.yield_
    gone = sent.groupby("lot").agg(t=("t", "min"), units=("qty", "sum"))
    if e.kind == "make":  # one component goes into several products: theirs are other lots
        gone = gone[_own(gone, e)]
    back = arrived.groupby(came["lot"]).sum().reindex(gone.index).fillna(0.0)
    left = (gone["units"] / per_unit - back).clip(lower=0.0)
    return pd.DataFrame({"t": gone["t"], "left": left})[left > _TINY]


def _own(lots: Frame, e: Link) -> Any:
    named = lots.index.astype(str).str.startswith((f"{e.name}@", f"{e.name}#"))
    return named if named.any() else np.ones(len(lots), bool)


def _posted(top: Topology, e: Link, events: Frame, now: int) -> float:
    """Return the units of orders that have not reached their supplier yet."""
    p = top.points[e.to]
    placed = events[
        (events["kind"] == "order")
        & (events["site"] == p.site.name)
        & (events["item"] == p.item.name)
        & (events["partner"] == e.source)
        & (events["t"] + e.delay >= now)
    ]
    return float(placed["qty"].sum())


def _later(scenario: Scenario, now: int) -> dict[str, Any]:
    """Return what the scenario says by period, counted from the new start."""
    found: dict[str, Any] = {"warmup": 0}
    for n, demand in enumerate(scenario.demand):
        if demand.values is None:
            continue
        left = demand.values[now : scenario.horizon]
        if not left:
            msg = (
                f"demand[{n}]: recorded for {len(demand.values)} periods, all before period {now}; "
                "give it a distribution (twin calibrate estimates one) to look ahead"
            )
            raise RunError(msg)
        found |= {f"demand[{n}].values": left, "horizon": len(left)}
    if scenario.disruptions:
        found["disruptions"] = [
            d.model_copy(update={"start": d.start - now})
            for d in scenario.disruptions
            if d.start >= now and d.after is None
        ]
    if scenario.moves:
        found["moves"] = [
            m.model_copy(update={"at": m.at - now}) for m in scenario.moves if m.at >= now
        ]
        for move in (m for m in scenario.moves if m.at < now):
            found[f"families.{move.family}.decoupling_point"] = move.to
    return found
