"""What must have happened though nobody told it: lost events, put in where others prove them.

What moves is told at both ends, and orders are told before what they bring. So a receipt is missing
where a dispatch was followed by one that came, a dispatch where goods came of which none was told, an
order where more was sent than was ordered. One lost event in a hundred is enough that no way of
ordering fits a stock point: goods on order that never come, stock that nobody sent.
"""

from __future__ import annotations

from collections.abc import Iterator
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
_NEAR, _ALIKE = 7, 0.02  # periods about a receipt, and share of its units, in which books show it


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
    parts = _Parts(events)
    found = [rows for link in top.links for rows in _of_link(parts, link, top) if len(rows)]
    found = [rows for rows in _by_books(events, found, scenario) if len(rows)] if found else []
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


class _Parts:
    """Events by item, and the time of the last of all."""

    def __init__(self, events: pd.DataFrame) -> None:
        self.none = events.iloc[:0]
        self.by_item = dict(iter(events.groupby("item", observed=True)))
        self.last = int(events["event_time"].max())

    def of(self, item: str) -> pd.DataFrame:
        """Return the events of an item."""
        return self.by_item.get(item, self.none)

    def lots(self, kind: str, site: str, partner: str | None, item: str) -> pd.DataFrame:
        """Return the first event of each lot that was not taken back whole, by lot, in order of time.

        Its quantity is that of all its events.
        """
        events = self.of(item)
        mine = (events["kind"] == kind) & (events["site"] == site) & (events["lot"] != "")
        if partner is not None:
            mine &= events["partner"] == partner
        found = events[mine]
        units = found.groupby("lot", sort=False)["qty"].sum()
        return found.drop_duplicates("lot").set_index("lot").assign(qty=units)[units > 0]


def _of_link(parts: _Parts, link: Link, top: Topology) -> Iterator[pd.DataFrame]:
    """Yield what is missing at either end of a link, by lots."""
    site, item, origin = *_end(link, top), link.source
    if link.kind == "make":
        yield from _of_production(parts, link, top)
        return
    kind = "order" if link.kind == "buy" else "ship"
    out_at, out_to = (origin, site) if kind == "ship" else (site, origin)
    ends = _ends(
        parts.lots(kind, out_at, out_to, item), parts.lots("receive", site, origin, item),
        parts.last, link, top,
    )  # fmt: skip
    yield _turned(ends.out[ends.lost], "receive", ends.came_at)
    yield _turned(ends.came[ends.unsent], kind, ends.sent_at)


def _of_production(parts: _Parts, link: Link, top: Topology) -> Iterator[pd.DataFrame]:
    """Yield uses of components, and what was made of them, that are missing at one end."""
    site, item = _end(link, top)
    made = parts.lots("make", site, None, item)
    beside = [
        e for e in top.links if e.kind == "make" and e is not link and _end(e, top)[0] == site
    ]
    shared = {part.item for e in beside for part in e.declared.inputs}  # type: ignore[union-attr]
    others = {lot for e in beside for lot in parts.lots("make", site, None, _end(e, top)[1]).index}
    put_in: set[str] = set()
    for part in link.declared.inputs:  # type: ignore[union-attr]
        used = parts.lots("ship", site, site, part.item)
        ends = _ends(used[~used.index.isin(others)], made, parts.last, link, top)
        unused = ends.came[ends.unsent]
        started = unused["value"].fillna(unused["qty"] / link.yield_)
        yield _like(used, list(unused.index), part.usage * started.to_numpy(), ends.sent_at)
        if part.item in shared:  # nobody knows for which product it was taken
            continue
        out, new = ends.out[ends.lost], ~ends.out[ends.lost].index.isin(put_in)
        put_in |= set(out.index)
        units = out["qty"].to_numpy()[new] / part.usage
        rows = _like(made, list(out.index[new]), link.yield_ * units, ends.came_at[new])
        yield rows.assign(value=units)


class _Ends(NamedTuple):
    """Both ends of a link, rows by lot.

    Of what is ``lost`` no receipt is told, though it ``came_at`` some time; of what is ``unsent`` no
    dispatch, though it was ``sent_at`` some time.
    """

    out: pd.DataFrame
    came: pd.DataFrame
    lost: npt.NDArray[np.bool_]
    came_at: Floats
    unsent: npt.NDArray[np.bool_]
    sent_at: Floats


def _ends(out: pd.DataFrame, came: pd.DataFrame, last: int, link: Link, top: Topology) -> _Ends:
    """Hold what was sent against what came."""
    none = np.zeros(len(out), bool), np.empty(0), np.zeros(len(came), bool), np.empty(0)
    both = out.index.intersection(came.index)
    if len(both) < _FEW:
        return _Ends(out, came, *none)
    free, length = overtakes(link), period_length(top.scenario.calendar)
    took = came.loc[both, "event_time"] - out.loc[both, "event_time"]
    usual = int(took.median())
    sent = out["event_time"].to_numpy(np.float64)
    got = came["event_time"].reindex(out.index).to_numpy(np.float64)
    lost = np.isnan(got) & untold(pd.DataFrame({"sent": sent, "got": got}), last, free)
    lost &= lost.sum() <= _MOST * len(out)
    came_at = (sent + usual if free else _between(sent, got, usual))[lost]
    got = came["event_time"].to_numpy(np.float64)
    begin = min(sent.min(), got.min()) + max(float(took.max()), length)
    sent = out["event_time"].reindex(came.index).to_numpy(np.float64)
    followed = (not free) & np.isfinite(_highest(sent))
    unsent = np.isnan(sent) & ((got > begin) | followed)  # others were sent before the record
    unsent &= unsent.sum() <= _MOST * len(came)
    sent_at = (got - usual if free else _among(sent, got - usual, length))[unsent]
    return _Ends(out, came, lost, came_at, unsent, sent_at)


def _by_books(
    events: pd.DataFrame, put_in: list[pd.DataFrame], scenario: Scenario
) -> Iterator[pd.DataFrame]:
    """Yield what was put in; what came in the period in which the books show it, or not at all.

    Where the books of all periods about it are told and none shows it, the goods were lost, not the
    message.
    """
    periods, length = add_up(events, scenario), period_length(scenario.calendar)
    for rows in put_in:
        point = str(rows["site"].iloc[0]), str(rows["item"].iloc[0])
        books = periods.books.get(point)
        if rows["kind"].iloc[0] not in ("receive", "make") or books is None:
            yield rows
            continue
        sold = np.nan_to_num(periods.sold.get(point, np.zeros(periods.n)))
        more = np.diff(books, prepend=np.nan) - periods.flow(point) + sold
        t = period_of(rows["event_time"].to_numpy(np.int64), scenario.calendar) - periods.first
        moved = [_shown(more, int(at), q) for at, q in zip(t, rows["qty"], strict=True)]
        keep = np.array([by is not None for by in moved], bool)
        by = np.array([by or 0 for by in moved], np.int64)
        yield rows.assign(event_time=rows["event_time"] + by * length)[keep]


def _shown(more: Floats, at: int, units: float) -> int | None:
    """Return how many periods later the books show units that nobody told of; none: they do not."""
    begin, end = max(0, at - _NEAR), min(len(more), at + _NEAR + 1)
    near = more[begin:end]
    close = np.flatnonzero(np.abs(near - units) < _ALIKE * units)
    if close.size:
        return int(close[np.abs(close + begin - at).argmin()]) + begin - at
    return 0 if np.isnan(near).any() or (near > _ALIKE * units).any() else None


def _end(link: Link, top: Topology) -> Point:
    to = top.points[link.to]
    return to.site.name, to.item.name


def _like(rows: pd.DataFrame, lots: list[str], units: Floats, when: Floats) -> pd.DataFrame:
    """Return events like the first of some, of other lots."""
    first = rows.iloc[[0] * len(lots)].assign(qty=units)
    return _marked(first.set_axis(pd.Index(lots, name="lot")).reset_index(), when)


def _highest(sent: Floats) -> Floats:
    """Return the highest value so far; -inf before the first that is known."""
    return np.asarray(np.maximum.accumulate(np.where(np.isnan(sent), -np.inf, sent)))


def _among(sent: Floats, guess: Floats, length: int) -> Floats:
    """Return when lots were sent, in the order in which they came: a period from others, if there is room."""
    after = _highest(sent)
    before = np.minimum.accumulate(np.where(np.isnan(sent), np.inf, sent)[::-1])[::-1]
    tight = before - after < 2 * length
    low = np.where(tight, after, after + length)
    return np.asarray(np.clip(guess, low, np.where(tight, before, before - length)))


def _between(sent: Floats, got: Floats, usual: int) -> Floats:
    """Return when lots have come that took as long as usual, but not before those sent earlier.

    ``sent`` in order; nor later than those sent later.
    """
    before = np.minimum.accumulate(np.where(np.isnan(got), np.inf, got)[::-1])[::-1]
    return np.asarray(np.clip(sent + usual, _highest(got), before))


def _turned(rows: pd.DataFrame, kind: str, when: Floats) -> pd.DataFrame:
    """Return events of the other end: site and partner change places unless an order names them."""
    turned = _marked(rows.reset_index().assign(kind=kind), when)
    if kind == "order" or (rows["kind"] == "order").any():  # who orders is who receives
        return turned
    return turned.assign(site=turned["partner"], partner=turned["site"])


def _marked(rows: pd.DataFrame, when: Floats) -> pd.DataFrame:
    """Return events that were put in: they say so, and no device counts them."""
    time = when.astype(np.int64)
    ids = f"{MENDED} " + rows["kind"] + " " + rows["event_id"] + rows["lot"] + time.astype(str)
    none = pd.array([pd.NA] * len(rows), rows["seq"].dtype)
    mark = (rows["quality"] + f" {MENDED}").str.strip()
    return rows.assign(event_time=time, event_id=ids, quality=mark, device="", seq=none)


def _orders(events: pd.DataFrame, top: Topology) -> list[pd.DataFrame]:
    """Return orders without which more would have been sent, or started, than was ordered.

    What waited before the record began is sent in its first periods (:data:`WARM`).
    """
    calendar, parts, found = top.scenario.calendar, _Parts(events), []
    first = int(period_of(events["event_time"].to_numpy(np.int64), calendar).min())
    for link in top.links:
        (site, item), usage = _end(link, top), 1.0
        origin, what = (link.source, item)
        if link.kind == "make" and link.declared.inputs:  # type: ignore[union-attr]
            part = link.declared.inputs[0]  # type: ignore[union-attr]
            origin, what, usage = site, part.item, part.usage
        asked = _between_sites(parts.of(item), "order", site, origin)
        sent = _between_sites(parts.of(what), "ship", origin, site)
        if link.kind == "buy" or asked.empty or sent.empty:
            continue
        t_sent, t_asked = (
            period_of(x["event_time"].to_numpy(np.int64), calendar) - first for x in (sent, asked)
        )
        gone = np.bincount(t_sent, sent["qty"].to_numpy(np.float64) / usage)
        due = np.bincount(t_asked + link.delay, asked["qty"].to_numpy(np.float64))
        at, units = _beyond(gone, due)
        if 0 < len(at) <= _MOST * len(asked):
            before = link.delay * period_length(calendar)
            when = sent["event_time"].to_numpy(np.float64)[np.searchsorted(t_sent, at)] - before
            found.append(_like(asked, [""] * len(at), units, when))
    return found


def _between_sites(events: pd.DataFrame, kind: str, site: str, partner: str) -> pd.DataFrame:
    same = (events["kind"] == kind) & (events["site"] == site) & (events["partner"] == partner)
    return events[same].sort_values("event_time", kind="stable").drop(columns="lot")


def _beyond(gone: Floats, due: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return in which periods more was sent in all than had been ordered, and by how much more."""
    n = max(len(gone), len(due))
    gone, due = (np.cumsum(np.pad(x, (0, n - len(x)))) for x in (gone, due))
    beyond, none = gone - due, (np.empty(0, np.int64), np.empty(0))
    if n <= WARM + _SOON:
        return none
    # what is sent a little early is over soon: an order that is missing stays missing
    soon = np.lib.stride_tricks.sliding_window_view(beyond, _SOON).max(axis=1)
    lost = np.maximum(np.minimum.accumulate(soon[::-1])[::-1], 0.0)
    steps = np.flatnonzero(np.diff(lost, prepend=lost[0]) > _TINY * gone[-1])
    at = np.array([s + np.argmax(beyond[s:] > lost[s] - _TINY * gone[-1]) for s in steps], np.int64)
    return at[at >= WARM], np.diff(lost, prepend=lost[0])[steps][at >= WARM]


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
    found = np.nan_to_num(sold)
    wanted = np.where(np.isnan(asked), found, asked)
    there = np.concatenate([[np.nan], books[:-1]]) + flow
    left = np.where(counted, np.inf, there - books)  # NaN: not known
    for t in np.flatnonzero((found == 0) & (there > _TINY) & (wanted > 0) & ~np.isnan(left)):
        owed = np.cumsum(wanted - found)
        before = max(0.0, float(owed[t - 1])) if t else 0.0
        all_, new = (min(there[t], x) for x in (before + wanted[t], wanted[t]))
        stays = owed[t : t + _SOON].min() - owed[max(0, t - _SOON) : t].min(initial=0.0)
        if stays < min(all_, new) * (1 - _TINY):
            continue  # it was met later, or told late
        if counted[t]:
            found[t] = all_ if there[t] > before + wanted[t] else 0.0
        elif min(abs(left[t] - all_), abs(left[t] - new)) < _TINY * there[t]:
            found[t] = left[t]  # else something else took it off the books
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
    found, missing = np.nan_to_num(asked), np.isnan(asked)
    for t in np.flatnonzero(missing):
        end = t + int(np.argmax(there[t:]))
        begin = t - int(np.argmax(there[t - 1 :: -1])) if t and there[:t].any() else 0
        if there[t:].any() and missing[begin : end + 1].sum() == 1:  # of several nobody knows which
            found[t] = max(0.0, float(sold[begin : end + 1].sum() - found[begin : end + 1].sum()))
    return found
