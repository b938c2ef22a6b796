"""Orders, and what customers asked for and got, where nobody told it but others prove it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.infer.cut import way_of
from calibration.infer.orders import later
from calibration.infer.summaries import WARM
from calibration.mend_lots import MENDED, MOST, Parts, end_of, like
from calibration.periods import Periods, period_of
from calibration.times import period_length, period_start
from twin.topology import Topology

Floats = npt.NDArray[np.float64]

_SOON = 28  # periods within which a supplier has caught up once
_ALWAYS = 0.9  # share of periods in which who passes orders on orders what it is asked for
_TINY = 1e-6  # of all units


def beyond_orders(parts: Parts, top: Topology) -> list[pd.DataFrame]:
    """Return orders without which more would have been sent, or started, than was ordered.

    What waited before the record began is sent in its first periods (:data:`WARM`).
    """
    calendar, first, found = top.scenario.calendar, parts.periods.first, []
    for link in top.links:
        (site, item), usage = end_of(link, top), 1.0
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
        if min(t_sent.min(), t_asked.min()) < 0:  # a clock far from all others
            continue
        gone = np.bincount(t_sent, sent["qty"].to_numpy(np.float64) / usage)
        due = np.bincount(t_asked + link.delay, asked["qty"].to_numpy(np.float64))
        at, units = _beyond(gone, due)
        if 0 < len(at) <= MOST * len(asked):
            before = link.delay * period_length(calendar)
            when = sent["event_time"].to_numpy(np.float64)[np.searchsorted(t_sent, at)] - before
            found.append(like(asked, [""] * len(at), units, when))
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


def passed_on(parts: Parts, top: Topology) -> list[pd.DataFrame]:
    """Return orders at stock points that order what they are asked for: each tells the other.

    From downstream to upstream: what was mended below is asked above.
    """
    periods, found = parts.periods, []
    ordered, demand = dict(periods.ordered), periods.demand
    for row, point in enumerate(top.points):
        key = (point.site.name, point.item.name)
        links, outs = [top.links[e] for e in top.in_links[row]], top.out_links[row]
        if len(links) != 1 or len(outs) + (key in demand) != 1:
            continue
        (link,), way = links, way_of(top, links[0])
        if way not in ordered:
            continue
        good, usage, delay, asking = link.yield_, 1.0, 0, (*key, "")
        asked = demand.get(key, np.zeros(periods.n))
        for e, usage in outs:
            source, site, item = over = way_of(top, top.links[e])
            delay, asking = top.links[e].delay, (site, item, source)
            asked = usage * later(ordered.get(over, asked), delay)
        asked, own = np.nan_to_num(asked), good * ordered[way]
        alone = _alone(asked, own)
        lost, unheard = np.flatnonzero(alone & (own == 0)), np.flatnonzero(alone & (asked == 0))
        unheard = unheard[unheard >= delay]
        for (site, item, partner), at, units in (
            ((*key, way[0]), lost, asked[lost] / good),
            (asking, unheard - delay, own[unheard] / usage),
        ):
            rows = _between_sites(parts.of(item), "order", site, partner)
            if len(at) and len(rows):
                found.append(_new(rows, periods, at, units))
        ordered[way] = np.where(alone & (own == 0), asked / good, ordered[way])
    return found


def _alone(asked: Floats, own: Floats) -> npt.NDArray[np.bool_]:
    """Return where orders differ from what is asked for, once among many that are the same.

    For days on end nobody orders: that is a stop, no lost event.
    """
    same = np.abs(asked - own) <= _TINY * max(1.0, asked.mean())
    busy, alone = np.flatnonzero((asked > 0) | (own > 0)), np.zeros(len(asked), bool)
    if same[busy].sum() >= _ALWAYS * len(busy):
        alone[busy[1:-1]] = ~same[busy[1:-1]] & same[busy[:-2]] & same[busy[2:]]
    return alone


def customers(parts: Parts, _: Topology) -> list[pd.DataFrame]:
    """Return what customers asked for and got in periods of which that was not told."""
    periods = parts.periods
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
            if 0 < len(at) <= MOST * periods.n:
                rows = _between_sites(parts.of(point[1]), kind, point[0], "")
                found.append(_new(rows, periods, at, more[at]))
    return found


def _new(
    some: pd.DataFrame, periods: Periods, at: npt.NDArray[np.int64], units: Floats
) -> pd.DataFrame:
    """Return events like the first of some, in the midst of periods ``at``."""
    row = some.iloc[[0]].assign(lot="")
    many = row.loc[row.index.repeat(len(at))].reset_index(drop=True)
    calendar = periods.calendar
    start = np.array([period_start(calendar, periods.first + int(t)) for t in at])
    (name,) = row["kind"] + " " + row["site"] + "/" + row["item"] + " " + row["partner"]
    ids = [f"{MENDED} {name} {t}" for t in at]
    mark = " ".join([*str(row["quality"].iloc[0]).split(), MENDED])
    return many.assign(
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
