"""Both ends of what moves, by lots: what one of them tells and the other does not."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.direct.lead_times import untold
from calibration.on_the_way import overtakes
from calibration.periods import Periods, Point, add_up, period_of
from calibration.times import period_length
from twin.schema import Scenario
from twin.topology import Link, Topology

Floats = npt.NDArray[np.float64]

MENDED = "mended"
"""Mark of quality of an event that was put in."""

MOST = 0.2
"""Share of lots (or orders, or periods) of which one end is missing: beyond it nobody tells that end."""

_FEW = 10  # lots told at both ends: of fewer nobody knows how long they take
_NEAR, _ALIKE = 7, 0.02  # periods about a receipt, and share of its units, in which books show it


class Parts:
    """Events by item and by period, and the time of the last of all."""

    def __init__(self, events: pd.DataFrame, scenario: Scenario) -> None:
        self._events, self._scenario = events, scenario
        self.none = events.iloc[:0]
        self.by_item = dict(iter(events.groupby("item", observed=True)))
        self.last = int(events["event_time"].max())

    @cached_property
    def periods(self) -> Periods:
        """What they come to, period by period."""
        return add_up(self._events, self._scenario)

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


def lots(parts: Parts, top: Topology) -> Iterator[pd.DataFrame]:
    """Yield what one end of a link tells of a lot and the other does not."""
    found = [rows for link in top.links for rows in _of_link(parts, link, top) if len(rows)]
    return _by_books(parts, found, top.scenario)


def _of_link(parts: Parts, link: Link, top: Topology) -> Iterator[pd.DataFrame]:
    """Yield what is missing at either end of a link, by lots."""
    site, item, origin = *end_of(link, top), link.source
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


def _of_production(parts: Parts, link: Link, top: Topology) -> Iterator[pd.DataFrame]:
    """Yield uses of components, and what was made of them, that are missing at one end."""
    site, item = end_of(link, top)
    made = parts.lots("make", site, None, item)
    beside = [
        e for e in top.links if e.kind == "make" and e is not link and end_of(e, top)[0] == site
    ]
    shared = {part.item for e in beside for part in e.declared.inputs}  # type: ignore[union-attr]
    others = {
        lot for e in beside for lot in parts.lots("make", site, None, end_of(e, top)[1]).index
    }
    put_in: set[str] = set()
    for part in link.declared.inputs:  # type: ignore[union-attr]
        used = parts.lots("ship", site, site, part.item)
        ends = _ends(used[~used.index.isin(others)], made, parts.last, link, top)
        unused = ends.came[ends.unsent]
        started = unused["value"].fillna(unused["qty"] / link.yield_)
        yield like(used, list(unused.index), part.usage * started.to_numpy(), ends.sent_at)
        if part.item in shared:  # nobody knows for which product it was taken
            continue
        out, new = ends.out[ends.lost], ~ends.out[ends.lost].index.isin(put_in)
        put_in |= set(out.index)
        units = out["qty"].to_numpy()[new] / part.usage
        rows = like(made, list(out.index[new]), link.yield_ * units, ends.came_at[new])
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
    lost &= lost.sum() <= MOST * len(out)
    came_at = (sent + usual if free else _between(sent, got, usual))[lost]
    got = came["event_time"].to_numpy(np.float64)
    begin = min(sent.min(), got.min()) + max(float(took.max()), length)
    sent = out["event_time"].reindex(came.index).to_numpy(np.float64)
    followed = (not free) & np.isfinite(_highest(sent))
    unsent = np.isnan(sent) & ((got > begin) | followed)  # others were sent before the record
    unsent &= unsent.sum() <= MOST * len(came)
    sent_at = (got - usual if free else _among(sent, got - usual, length))[unsent]
    return _Ends(out, came, lost, came_at, unsent, sent_at)


def _by_books(
    parts: Parts, put_in: list[pd.DataFrame], scenario: Scenario
) -> Iterator[pd.DataFrame]:
    """Yield what was put in; what came in the period in which the books show it, or not at all.

    Where the books of all periods about it are told and none shows it, the goods were lost, not the
    message.
    """
    length = period_length(scenario.calendar)
    for rows in put_in:
        point = str(rows["site"].iloc[0]), str(rows["item"].iloc[0])
        came = rows["kind"].iloc[0] in ("receive", "make")
        if not came or point not in parts.periods.books:
            yield rows
            continue
        periods = parts.periods
        sold = np.nan_to_num(periods.sold.get(point, np.zeros(periods.n)))
        more = np.diff(periods.books[point], prepend=np.nan) - periods.flow(point) + sold
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


def end_of(link: Link, top: Topology) -> Point:
    """Return the stock point that a link brings something to."""
    to = top.points[link.to]
    return to.site.name, to.item.name


def like(rows: pd.DataFrame, lots: list[str], units: Floats, when: Floats) -> pd.DataFrame:
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
