"""Lead times lane by lane, from dispatches and receipts; goods still on the way are censored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.direct import DRAWS, Estimate, Floats, generator, key_of, refs, variance_between
from calibration.direct.censored import Durations, Fitted, fit, kaplan_meier
from calibration.periods import period_of
from twin.happening import starts
from twin.names import matches
from twin.schema import Scenario
from twin.stock_rules import selects
from twin.topology import Link, Topology, build

THIN = 30
"""Trips below which a lane borrows from the others."""

MOST_VALUES = 12
"""Most different lead times of a lane that are kept one by one."""

_ENOUGH = 0.5  # share of what was sent that must have come for a trip to be over
_FEW = 10  # trips that ended: fewer do not tell how long one may take
_FAR = 3.0  # times the longest that ended: nothing is on its way for so long
_LIMITS = np.array([[0.1, 2000.0], [0.01, 5.0]])  # of mean and cv: what a scenario can say of them
_FAMILIES = ("lognormal", "gamma")


class Trips(NamedTuple):
    """Trips of goods: ``table`` with one row each, and the last period that was seen.

    Columns: ``kind`` (ship, buy, make), ``origin``, ``to``, ``item``, ``lot``, ``sent`` and ``got``
    (periods; NaN: still on the way), ``qty`` and ``raw_ref`` of the dispatch.
    """

    table: pd.DataFrame
    last: int


def trips(events: pd.DataFrame, scenario: Scenario) -> Trips:
    """Return what was sent when and came when, paired by lot.

    A dispatch pairs with the receipt of its lot at the other end, an order placed outside (of which
    no dispatch is seen) with the receipt of its own, a component's use in production with what was
    made of it. A trip is over when half of its units have come.

    Parameters
    ----------
    events
        Canonical events, in any order; one that comes twice counts once.
    scenario
        Its calendar says what a period is.
    """
    events = events.drop_duplicates(["source", "event_id"]).sort_values("event_time")
    t = period_of(events["event_time"].to_numpy(np.int64), scenario.calendar)
    events = events.assign(t=t.astype(np.float64))
    ship, order, got, made = (events[events["kind"] == k] for k in _KINDS)
    inward = ship["partner"] == ship["site"]
    outward = ship[~inward & (ship["partner"] != "")]
    bought = order[(order["partner"] != "") & (order["partner"] != order["site"])]
    told = set(zip(outward["site"], outward["partner"], strict=True))
    pairs = zip(bought["partner"], bought["site"], strict=True)
    unseen = np.array([pair not in told for pair in pairs], bool)
    receipts = got.assign(origin=got["partner"], to=got["site"])
    parts = [
        _pair(outward.assign(origin=outward["site"], to=outward["partner"]), receipts, "ship"),
        _pair(bought[unseen].assign(origin=bought["partner"], to=bought["site"]), receipts, "buy"),
        _pair(
            ship[inward].assign(origin=ship["site"], to=ship["site"]),
            made.assign(origin=made["site"], to=made["site"]),
            "make",
        ),
    ]
    return Trips(pd.concat(parts, ignore_index=True), int(t.max()) if t.size else -1)


_KINDS = ("ship", "order", "receive", "make")
_COLUMNS = ["kind", "origin", "to", "item", "lot", "sent", "got", "qty", "raw_ref"]


def _pair(sent: pd.DataFrame, got: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return dispatches with the period in which half of each had come."""
    by = ["origin", "to", "lot"] if kind == "make" else ["origin", "to", "item", "lot"]
    sent, got = sent[sent["lot"] != ""], got[got["lot"] != ""].copy()
    if (sent["qty"] < 0).any():  # what was taken back whole is not on its way
        units = sent.groupby(by, observed=True)["qty"]
        sent = sent[(units.transform("min") >= 0) | (units.transform("sum") > 0)]
    if kind == "make":  # what goes in is another item than what comes out
        names = got.drop_duplicates(by).set_index(by)["item"]
        sent = sent.drop_duplicates(by)
        keys = pd.MultiIndex.from_frame(sent[by])
        known = names.reindex(keys).to_numpy()
        sent = sent.assign(item=np.where(pd.isna(known), "", known), qty=0.0)
        got["item"], got["qty"] = "", np.inf  # the first that comes out
        by = ["origin", "to", "lot"]
    whole = sent.groupby(by, observed=True)["qty"].sum().rename("whole").reset_index()
    got = got.merge(whole, on=by)
    sums = got.groupby(by, observed=True)["qty"].cumsum()
    over = got[sums.to_numpy() >= _ENOUGH * got["whole"].to_numpy() - 1e-9]
    arrived = over.groupby(by, observed=True)["t"].min().rename("got").reset_index()
    found = sent.drop_duplicates(by).merge(arrived, on=by, how="left")
    found = found.assign(kind=kind, sent=found["t"])
    return found[_COLUMNS].astype({"got": np.float64})


def durations(table: pd.DataFrame, last: int, overtaking: bool = False) -> Durations:
    """Return the lead times of one lane in periods.

    Parameters
    ----------
    table
        Its trips (:func:`trips`).
    last
        Last period that was seen: what is on the way then takes longer.
    overtaking
        Whether a later dispatch may arrive earlier. Where it may not, what arrives in one period
        together with something sent earlier took at most that long by itself.
    """
    table = table.sort_values(["sent", "got"])
    sent, got = table["sent"].to_numpy(np.float64), table["got"].to_numpy(np.float64)
    under_way = np.isnan(got)
    # received in a period before the last one: not in transit at its end
    low = np.where(under_way, last - sent, got - sent)
    high = np.where(under_way, np.inf, got - sent)
    if not overtaking:
        before = np.maximum.accumulate(
            np.concatenate([[-np.inf], np.where(under_way, -np.inf, got)])
        )
        first_sent = np.concatenate([[-np.inf], sent[:-1]])
        behind = ~under_way & (got <= before[:-1]) & (sent > first_sent)
        low = np.where(behind & (got > sent), 0.0, low)
    return Durations(low, high)


def untold(table: pd.DataFrame, last: int, overtaking: bool = False) -> npt.NDArray[np.bool_]:
    """Return which trips are over although their receipt was never told, ``(n,)``.

    They say nothing of how long a trip takes; taken as still on the way, one in a hundred makes a
    lead time much too long. Where nothing overtakes, and nothing did in the record, a trip is over
    when something sent later has come; and where what was sent longest ago would be on its way for
    more than :data:`_FAR` times as long as any trip that ended, receipts are told no more at all.
    Where goods overtake, a trip is untold that would last so long; and all are where several would
    and nothing came for as long.

    Parameters
    ----------
    table, last, overtaking
        As for :func:`durations`.
    """
    sent, got = table["sent"].to_numpy(np.float64), table["got"].to_numpy(np.float64)
    open_ = np.isnan(got)
    if open_.all():
        return np.zeros(len(table), bool)
    longest = max(1.0, float((got - sent)[~open_].max()))
    far = open_ & (last - sent > _FAR * longest) & ((~open_).sum() >= _FEW)
    in_order = sent[~open_].argsort(kind="stable")
    if overtaking or (np.diff(got[~open_][in_order]) < 0).any():
        silent = far.sum() >= _FEW and last - got[~open_].max() > _FAR * longest
        return open_ if silent else far
    behind = open_ & (sent >= sent[~open_].max())
    return (open_ & ~behind) | (behind & bool((far & behind).any()))


def estimate(events: pd.DataFrame, scenario: Scenario, *, seed: int = 0) -> list[Estimate]:
    """Return the lead time of every lane, purchase and production that has trips.

    All items of a lane share one lead time. A lane whose trips all took the same time is constant;
    else it is, by Akaike's criterion, a list of times with their probabilities (Kaplan-Meier) or a
    lognormal or gamma distribution on whole periods. Lanes with fewer than :data:`THIN` trips are
    drawn towards the others of their kind, the more the fewer they have (DerSimonian & Laird
    1986). Trips during a disruption that the scenario knows are left out, and those of which no
    receipt was told though they must be over (:func:`untold`).

    Parameters
    ----------
    events
        Canonical events.
    scenario
        Says which lanes there are, and whether goods may overtake on them.
    seed
        The luck of the draws.
    """
    top = build(scenario)
    found = trips(events, scenario)
    lanes = list(trips_of(found, top))
    fits = {
        lane.key: _family(lane.durations)
        for lane in lanes
        if not _constant(lane.durations) and lane.durations.exact.any()
    }
    pooled = _pooled([(lane, fits[lane.key]) for lane in lanes if lane.key in fits])
    return [e for lane in lanes for e in _of_lane(lane, fits.get(lane.key), pooled, seed)]


class LaneTrips(NamedTuple):
    """The lead times of what is declared once; ``key`` is that of its lead time in the scenario.

    ``sent`` are the periods in which the trips of each item began, ``last`` is the last that was
    seen, ``overtaking`` as for :func:`durations`: enough to play the same record with other luck.
    ``untold`` trips are left out.
    """

    key: str
    name: str
    kind: str
    durations: Durations
    refs: tuple[str, ...]
    sent: tuple[Floats, ...]
    last: int
    overtaking: bool
    untold: int


def trips_of(found: Trips, top: Topology) -> Iterator[LaneTrips]:
    """Yield what is declared once, with the trips of all its items."""
    links = {(e.kind, e.source if e.kind != "make" else top.points[e.to].site.name,
              top.points[e.to].site.name, top.points[e.to].item.name): e
             for e in top.links}  # fmt: skip
    groups: dict[str, list[pd.DataFrame]] = {}
    known: dict[str, Link] = {}
    by = ["kind", "origin", "to", "item"]
    for names, table in found.table.groupby(by, observed=True):
        link = links.get(names)  # type: ignore[arg-type]
        if link is None:
            continue
        key = key_of(top.scenario, link.declared)
        known[key] = link
        groups.setdefault(key, []).append(_undisturbed(table, found.last, link, top))
    for key in sorted(groups):
        link, parts = known[key], groups[key]
        free = getattr(link.declared, "overtaking", False) or link.kind == "make"
        lost = [untold(part, found.last, free) for part in parts]
        parts = [part[~over] for part, over in zip(parts, lost, strict=True)]
        each = [durations(part, found.last, free) for part in parts]
        low, high = (np.concatenate(x) for x in zip(*each, strict=True))
        delay = link.delay if link.kind == "buy" else 0
        low, high = (np.maximum(x - delay, 0) for x in (low, high))
        rows = pd.concat(parts).sort_values("sent")
        if len(low):
            sent = tuple(part["sent"].to_numpy(np.float64) + delay for part in parts)
            yield LaneTrips(f"{key}.lead_time", link.lane or link.name, link.kind,
                            Durations(low, high), refs(rows), sent, found.last, free,
                            int(np.concatenate(lost).sum()))  # fmt: skip


def _undisturbed(table: pd.DataFrame, last: int, link: Link, top: Topology) -> pd.DataFrame:
    """Leave out trips during a disruption that the scenario would play once more."""
    keep = np.ones(len(table), bool)
    end = table["got"].fillna(last).to_numpy()
    point = top.points[link.to]
    for event, start in zip(top.scenario.disruptions, starts(top.scenario), strict=True):
        on_lane = event.kind in ("lane_closed", "lead_time_stretch") and link.lane is not None
        hit = on_lane and matches(str(link.lane), event.lane)
        hit |= event.kind == "dock_closed" and selects(
            event.where, point.site, point.item, point.role
        )
        if hit and event.probability > 0:
            over = start + event.duration + event.ramp
            keep &= (end < start) | (table["sent"].to_numpy() > over)
    return table[keep]


def _constant(d: Durations) -> bool:
    return bool(np.unique(d.high[np.isfinite(d.high)]).size == 1) and bool(
        (d.low[np.isinf(d.high)] <= d.high[np.isfinite(d.high)][0]).all()
    )


def _family(d: Durations) -> Fitted:
    """Return the better of the distributions that a scenario knows, on whole periods."""
    return max((fit(d, kind, whole=True) for kind in _FAMILIES), key=lambda f: f.log_likelihood)


class _Pool(NamedTuple):
    """Where the lanes of one kind lie: logarithms of mean and cv, and their variance between lanes."""

    centre: Floats
    between: Floats


def _pooled(fits: list[tuple[LaneTrips, Fitted]]) -> dict[str, _Pool]:
    """Return the spread between lanes of each kind (DerSimonian & Laird, one number at a time)."""
    found = {}
    for kind in sorted({lane.kind for lane, _ in fits}):
        mine = [f for lane, f in fits if lane.kind == kind]
        if len(mine) < 3:
            continue
        theta = np.array([f.log_mean_cv for f in mine])
        noise = np.array([np.diag(f.covariance) for f in mine])
        between = np.maximum(variance_between(theta, noise), 1e-4)
        w = 1 / (noise + between)
        found[kind] = _Pool((w * theta).sum(axis=0) / w.sum(axis=0), between)
    return found


def _of_lane(
    lane: LaneTrips, fitted: Fitted | None, pooled: dict[str, _Pool], seed: int
) -> Iterator[Estimate]:
    d, n = lane.durations, len(lane.durations.low)
    waiting = int(np.isinf(d.high).sum())
    more: dict[str, Any] = {"n": n, "refs": lane.refs}
    told = f"{n} trips, {waiting} still on the way"
    left_out = _left_out(lane)
    if fitted is None and not np.isfinite(d.high).any():
        return  # nothing has come yet
    if fitted is None:
        value = float(d.high[np.isfinite(d.high)][0])
        few = "" if n >= THIN else f"only {n} trips; they may vary after all"
        note = "; ".join(filter(None, (few, left_out)))
        yield Estimate.of(
            f"lead time of {lane.name}", value, np.full(DRAWS, value), key=lane.key,
            sets={lane.key: {"kind": "constant", "value": int(value)}}, note=note,
            method=f"always the same ({told})", **more,
        )  # fmt: skip
        return
    rng = generator(seed, "lead time", lane.key)
    curve = kaplan_meier(d, tail=False)
    if n >= THIN and _listed(d, fitted, curve.mass, curve.times):
        yield from _as_list(lane, curve.times, curve.mass, rng, told, more | {"note": left_out})
        return
    centre, spread, few = _shrunk(fitted, pooled.get(lane.kind), n)
    note = "; ".join(filter(None, (few, left_out)))
    draws = np.exp(rng.multivariate_normal(centre, spread, DRAWS, method="cholesky")).T
    draws = np.clip(draws, *np.hsplit(_LIMITS, 2))
    best = np.clip(np.exp(centre), *_LIMITS.T)
    sets = {lane.key: {"kind": fitted.kind, "mean": float(best[0]), "cv": float(best[1])}}
    for which, name in enumerate(("mean", "cv")):
        yield Estimate.of(
            f"{name} lead time of {lane.name}" if name == "mean" else f"lead time cv of {lane.name}",
            best[which], draws[which], key=f"{lane.key}.{name}", sets=sets,
            method=f"{fitted.kind} with censoring ({told})", note=note, **more,
        )  # fmt: skip


UNTOLD = "receipts are missing"
"""What the note of an estimate says where trips were left out (:func:`untold`)."""


def _left_out(lane: LaneTrips) -> str:
    if not lane.untold:
        return ""
    of = lane.untold + len(lane.durations.low)
    return f"{UNTOLD}: no receipt was told of {lane.untold} of {of} trips, which are left out"


def _listed(d: Durations, fitted: Fitted, mass: Floats, times: Floats) -> bool:
    """Return whether a list of times tells more than two parameters (Akaike 1974)."""
    if times.size > MOST_VALUES or mass.sum() < 1 - 1e-6:
        return False
    place = times[None, :]
    inside = (place >= d.low[:, None]) & (place <= d.high[:, None])
    likely = np.log(np.maximum((inside * mass).sum(axis=1), 1e-300)).sum()
    return bool(likely - (times.size - 1) > fitted.log_likelihood - 2)


def _as_list(
    lane: LaneTrips,
    times: Floats,
    mass: Floats,
    rng: np.random.Generator,
    told: str,
    more: dict[str, Any],
) -> Iterator[Estimate]:
    """Yield the probability of each time; the draws are Dirichlet about the censored estimate."""
    exact = max(int(lane.durations.exact.sum()), 1)
    mass = mass / mass.sum()
    draws = rng.dirichlet(exact * mass + 1 / times.size, DRAWS)
    values = [int(x) for x in times]
    sets = {lane.key: {"kind": "discrete", "values": values, "weights": [float(x) for x in mass]}}
    for i, value in enumerate(values):
        yield Estimate.of(
            f"probability that {lane.name} takes {value}", mass[i], draws[:, i],
            key=f"{lane.key}.weights[{i}]", sets=sets,
            method=f"Kaplan-Meier ({told})", **more,
        )  # fmt: skip


def _shrunk(
    fitted: Fitted, pool: _Pool | None, n: int
) -> tuple[Floats, npt.NDArray[np.float64], str]:
    """Return centre and covariance of a lane's logarithms, drawn towards the pool if it is thin."""
    centre, spread = fitted.log_mean_cv, fitted.covariance
    if pool is None or n >= THIN:
        return (
            centre,
            spread,
            "" if n >= THIN else f"only {n} trips and too few lanes to borrow from",
        )
    gain = spread @ np.linalg.inv(spread + np.diag(pool.between))
    keep = np.eye(2) - gain
    return (
        keep @ centre + gain @ pool.centre,
        keep @ spread,
        f"only {n} trips: drawn towards the other lanes by {100 * gain[0, 0]:.0f} %",
    )
