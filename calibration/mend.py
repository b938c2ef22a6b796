"""What must have happened though nobody told it: lost events, put in where others prove them.

What moves is told at both ends, and orders are told before what they bring. So a receipt is missing
where a dispatch was followed by one that came, a dispatch where goods came of which none was told, an
order where more was sent than was ordered. One lost event in a hundred is enough that no way of
ordering fits a stock point: goods on order that never come, stock that nobody sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.direct.lead_times import untold
from calibration.infer.summaries import WARM
from calibration.on_the_way import overtakes
from calibration.periods import Periods, Point, add_up, period_of
from calibration.times import period_length, period_start
from twin.schema import Scenario
from twin.topology import Link, Topology, build

Floats = npt.NDArray[np.float64]

MENDED = "mended"
"""Mark of quality of an event that was put in."""

_SOON = 28  # periods within which a supplier has caught up once
_FEW = 10  # lots told at both ends: of fewer nobody knows how long they take
_MOST = 0.2  # share of lots of which an end is missing: beyond it nobody tells that end
_TINY = 1e-6  # of all units


class Mended(NamedTuple):
    """Events with those that were put in, and how many of each kind these are."""

    events: pd.DataFrame
    counts: dict[str, int]


def mended(events: pd.DataFrame, scenario: Scenario) -> Mended:
    """Put in what must have happened.

    Parameters
    ----------
    events
        Canonical events, in any order.
    scenario
        Says which links there are, and what a period is.
    """
    top = build(scenario)
    events = events.drop_duplicates(["source", "event_id"])
    events = events.sort_values("event_time", kind="stable")
    found: list[pd.DataFrame] = []
    for link in top.links:
        found += _of_link(events, link, top)
    if found:
        events = pd.concat([events, *found], ignore_index=True)
    late = _orders(events, top)
    if late:
        events = pd.concat([events, *late], ignore_index=True)
    sales = _customers(events, scenario)
    if sales:
        events = pd.concat([events, *sales], ignore_index=True)
    put_in = [*found, *late, *sales]
    kinds = pd.concat(put_in)["kind"].value_counts() if put_in else {}
    return Mended(events, {str(kind): int(n) for kind, n in kinds.items()})


def _of_link(events: pd.DataFrame, link: Link, top: Topology) -> Iterator[pd.DataFrame]:
    """Yield what is missing at either end of a link, by lots."""
    to = top.points[link.to]
    site, item = to.site.name, to.item.name
    if link.kind == "make":
        return
    mine = events[(events["item"] == item) & (events["lot"] != "")]
    origin, kind = link.source, "order" if link.kind == "buy" else "ship"
    out_at, out_to = (origin, site) if kind == "ship" else (site, origin)
    out = mine[(mine["kind"] == kind) & (mine["site"] == out_at) & (mine["partner"] == out_to)]
    came = mine[(mine["kind"] == "receive") & (mine["site"] == site) & (mine["partner"] == origin)]
    yield from _missing(out, came, kind, last=int(events["event_time"].max()),
                        length=period_length(top.scenario.calendar), free=overtakes(link))  # fmt: skip


def _missing(
    out: pd.DataFrame, came: pd.DataFrame, kind: str, *, last: int, length: int, free: bool
) -> Iterator[pd.DataFrame]:
    """Yield receipts and dispatches (or orders outside) that are missing on one link."""
    out, came = (x[x["qty"] > 0].drop_duplicates("lot").set_index("lot") for x in (out, came))
    both = out.index.intersection(came.index)
    if len(both) < _FEW:
        return
    took = came.loc[both, "event_time"] - out.loc[both, "event_time"]
    usual = int(took.median())
    sent = out["event_time"].to_numpy(np.float64)
    got = came["event_time"].reindex(out.index).to_numpy(np.float64)
    lost = np.isnan(got) & untold(pd.DataFrame({"sent": sent, "got": got}), last, free)
    if 0 < lost.sum() <= _MOST * len(out):
        when = sent[lost] + usual if free else _between(sent, got, lost, usual)
        yield _turned(out[lost], "receive", when)
    came = came.sort_values("event_time", kind="stable")
    got = came["event_time"].to_numpy(np.float64)
    begin = min(sent.min(), got.min()) + max(float(took.max()), length)
    sent = out["event_time"].reindex(came.index).to_numpy(np.float64)
    followed = (not free) & np.isfinite(
        np.maximum.accumulate(np.where(np.isnan(sent), -np.inf, sent))
    )
    of_none = np.isnan(sent) & ((got > begin) | followed)  # others were sent before the record
    if 0 < of_none.sum() <= _MOST * len(came):
        when = got - usual if free else _among(sent, got - usual, length)
        yield _turned(came[of_none], kind, when[of_none])


def _among(sent: Floats, guess: Floats, length: int) -> Floats:
    """Return when lots were sent, in the order in which they came: a period from others, if there is room."""
    after = np.maximum.accumulate(np.where(np.isnan(sent), -np.inf, sent))
    before = np.minimum.accumulate(np.where(np.isnan(sent), np.inf, sent)[::-1])[::-1]
    tight = before - after < 2 * length
    low = np.where(tight, after, after + length)
    return np.asarray(np.clip(guess, low, np.where(tight, before, before - length)))


def _between(sent: Floats, got: Floats, lost: npt.NDArray[np.bool_], usual: int) -> Floats:
    """Return when lots have come that took as long as usual, but not before those sent earlier.

    ``sent`` in order; nor later than those sent later.
    """
    after = np.minimum.accumulate(np.where(np.isnan(got), np.inf, got)[::-1])[::-1]
    before = np.maximum.accumulate(np.where(np.isnan(got), -np.inf, got))
    return np.asarray(np.clip(sent + usual, before, after)[lost])


def _turned(rows: pd.DataFrame, kind: str, when: Floats) -> pd.DataFrame:
    """Return events of the other end: site and partner change places unless an order names them."""
    rows = rows.reset_index()
    turned = rows.assign(
        kind=kind, event_time=when.astype(np.int64), event_id=f"{MENDED} {kind} " + rows["event_id"],
        quality=MENDED, device="", seq=pd.array([pd.NA] * len(rows), rows["seq"].dtype),
    )  # fmt: skip
    if "order" in (kind, *rows["kind"]):  # who orders is who receives
        return turned
    return turned.assign(site=rows["partner"], partner=rows["site"])


def _orders(events: pd.DataFrame, top: Topology) -> list[pd.DataFrame]:
    """Return orders without which more would have been sent over a lane than was ordered.

    What waited before the record began is sent in its first periods (:data:`WARM`).
    """
    t = period_of(events["event_time"].to_numpy(np.int64), top.scenario.calendar)
    length, t = period_length(top.scenario.calendar), t - t.min()
    found = []
    for link in top.links:
        to = top.points[link.to]
        site, item, origin = to.site.name, to.item.name, link.source
        if link.kind != "ship":
            continue
        mine = (events["item"] == item).to_numpy()
        sent = mine & _is(events, "ship", origin, site)
        asked = mine & _is(events, "order", site, origin)
        for at, units in _beyond(events, t, sent, asked, link.delay):
            row = events[sent & (t == at)].iloc[[0]].assign(qty=units, lot="")
            when = row["event_time"].to_numpy(np.float64) - link.delay * length
            found.append(_turned(row, "order", when).assign(site=site, partner=origin))
    return found


def _is(events: pd.DataFrame, kind: str, site: str, partner: str) -> npt.NDArray[np.bool_]:
    same = (events["kind"] == kind) & (events["site"] == site) & (events["partner"] == partner)
    return same.to_numpy(bool)


def _beyond(
    events: pd.DataFrame, t: npt.NDArray[np.int64], sent: npt.NDArray[np.bool_],
    asked: npt.NDArray[np.bool_], delay: int,
) -> Sequence[tuple[int, float]]:  # fmt: skip
    """Return in which periods more was sent in all than had been ordered, and by how much more."""
    if not asked.any() or not sent.any():
        return []
    n, units = int(t.max()) + delay + 1, events["qty"].to_numpy(np.float64)
    gone = np.cumsum(np.bincount(t[sent], units[sent], n))
    beyond = gone - np.cumsum(np.bincount(t[asked] + delay, units[asked], n))
    if n <= WARM + _SOON:
        return []
    # what is sent a little early is over soon: an order that is missing stays missing
    soon = np.lib.stride_tricks.sliding_window_view(beyond, _SOON).max(axis=1)
    lost = np.minimum.accumulate(soon[::-1])[::-1]
    found = []
    for start in np.flatnonzero(np.diff(lost, prepend=lost[0]) > _TINY * gone[-1]):
        at = start + int(np.argmax(beyond[start:] > lost[start] - _TINY * gone[-1]))
        found.append((at, float(lost[start] - lost[start - 1])))
    found = [(at, more) for at, more in found if at >= WARM]
    return found if len(found) <= _MOST * asked.sum() else []


def _customers(events: pd.DataFrame, scenario: Scenario) -> list[pd.DataFrame]:
    """Return what customers asked for and got in periods of which that was not told."""
    periods = add_up(events, scenario)
    nothing = np.full(periods.n, np.nan)
    found = []
    for point in sorted(periods.demand.keys() & periods.sold.keys() & periods.books.keys()):
        counted = ~np.isnan(periods.on_hand.get(point, nothing))
        counted[1:] |= counted[:-1]  # the books are corrected by the next period's end
        asked, sold, books = periods.demand[point], periods.sold[point], periods.books[point]
        gone = told_by_books(sold, asked, books, periods.flow(point), counted)
        wanted = told_by_what_went(asked, gone, books > 0)
        for kind, told, true in (("ship", sold, gone), ("order", asked, wanted)):
            more = true - np.nan_to_num(told)
            at = np.flatnonzero(more > _TINY * max(1.0, true.sum()))
            if 0 < len(at) <= _MOST * periods.n:
                found.append(_new(events, kind, point, periods, at, more[at]))
    return found


def _new(
    events: pd.DataFrame, kind: str, point: Point, periods: Periods, at: npt.NDArray[np.int64],
    units: Floats,
) -> pd.DataFrame:  # fmt: skip
    """Return events of customers at a stock point, in the midst of periods ``at``."""
    mine = events[(events["kind"] == kind) & (events["partner"] == "")]
    row = mine[(mine["site"] == point[0]) & (mine["item"] == point[1])].iloc[[0]]
    rows = row.loc[row.index.repeat(len(at))].reset_index(drop=True)
    calendar = periods.calendar
    start = np.array([period_start(calendar, periods.first + int(t)) for t in at])
    ids = [f"{MENDED} {kind} {'/'.join(point)} {t}" for t in at]
    mark = " ".join(word for word in (*str(row["quality"].iloc[0]).split(), MENDED))
    return rows.assign(
        event_time=start + period_length(calendar) // 2, event_id=ids, qty=units, quality=mark
    )


def told_by_books(
    sold: Floats, asked: Floats, books: Floats, flow: Floats, counted: npt.NDArray[np.bool_]
) -> Floats:
    """Return what was sold, ``(T,)``; where nothing was told, what left the books, or could have.

    Parameters
    ----------
    sold, asked, books
        Units by period, and stock by the books at its end; NaN (or no units sold) where nothing was
        told.
    flow
        What else came less what else went.
    counted
        Where the books were corrected by a count: then their change tells nothing.
    """
    found, wanted = np.nan_to_num(sold), np.nan_to_num(asked)
    there = np.concatenate([[np.nan], books[:-1]]) + flow
    left = np.where(counted, np.inf, there - books)  # NaN: not known
    for t in np.flatnonzero((found == 0) & (there > _TINY)):
        owed = max(0.0, float(wanted[:t].sum() - found[:t].sum()))
        most = there[t] if np.isnan(asked[t]) else min(there[t], owed + wanted[t])
        if not np.isnan(left[t]):
            found[t] = max(0.0, min(left[t], most))
        elif np.isnan(sold[t]):
            found[t] = min(wanted[t], most)
    return found


def told_by_what_went(asked: Floats, sold: Floats, there: npt.NDArray[np.bool_]) -> Floats:
    """Return what was asked for, ``(T,)``; where that was not told (NaN), what it was met with.

    Parameters
    ----------
    asked, sold
        Units by period.
    there
        Where stock was left: then all that was asked for up to there had been met.
    """
    found = np.nan_to_num(asked)
    for t in np.flatnonzero(np.isnan(asked)):
        end = t + int(np.argmax(there[t:])) if there[t:].any() else len(asked) - 1
        begin = t - int(np.argmax(there[t - 1 :: -1])) if t and there[:t].any() else 0
        owed = float(sold[begin : end + 1].sum() - found[begin : end + 1].sum())
        found[t] = max(0.0, owed)
    return found
