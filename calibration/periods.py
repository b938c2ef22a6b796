"""Events added up by period: the arrays that estimators, summaries and warm starts read.

A series is one array over the periods ``first ... first + n - 1`` of the scenario's calendar. Where
a stock point reports totals of a period (mark ``total``) a period without one is missing: NaN. Where
it reports single events a period without any is zero. What was never reported has no series at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.amounts import taken_back
from calibration.balance import BOOKS
from calibration.times import period_length, period_start
from twin.schema import Scenario
from twin.schema.scenario import Calendar

Floats = npt.NDArray[np.float64]
Point = tuple[str, str]
"""A stock point: site and item."""
Way = tuple[str, str, str]
"""What one item does between two sites: from, to, item (from: '' or an outside supplier)."""

LEAP = 60
"""Periods from all others from which an event's clock is doubted."""

_FEW = 0.01  # share of all events
_RECORD = 0.9  # share of all events that one unbroken piece holds


@dataclass(frozen=True)
class Periods:
    """What a chain did, period by period; every array has shape ``(n,)`` and is in units.

    Attributes
    ----------
    calendar
        What one period is.
    first, n
        Number of the first period, and how many there are.
    demand
        Customers' orders by stock point: what was accepted, or sold where sales are all there is.
    sales_only
        Stock points whose demand is sales, so that an empty shelf hides some of it.
    sold
        Shipped to customers, by stock point.
    on_hand
        Last count by a device or person in each period, by stock point; NaN where none was made.
    books
        Last stock by the books, by stock point; NaN where none was told.
    received
        Receipts by way: from, to, item.
    shipped
        Dispatches by way: from, to, item.
    ordered
        Replenishment orders by way: supplier, who orders, item (production: the site itself).
    made, started
        Good units made, and units started for them, by stock point (in the period of completion).
    used
        Taken by production, by stock point of the component.
    """

    calendar: Calendar
    first: int
    n: int
    demand: dict[Point, Floats]
    sales_only: frozenset[Point]
    sold: dict[Point, Floats]
    on_hand: dict[Point, Floats]
    books: dict[Point, Floats]
    received: dict[Way, Floats]
    shipped: dict[Way, Floats]
    ordered: dict[Way, Floats]
    made: dict[Point, Floats]
    started: dict[Point, Floats]
    used: dict[Point, Floats]

    def flow(self, point: Point) -> Floats:
        """Return what came to a stock point less what went but to customers, units."""
        zero = np.zeros(self.n)
        flow = self.made.get(point, zero) - self.used.get(point, zero)
        for ways, sign, end in ((self.received, 1, 1), (self.shipped, -1, 0)):
            for (*ends, what), units in ways.items():
                if what == point[1] and ends[end] == point[0]:
                    flow = flow + sign * np.nan_to_num(units)
        return np.asarray(np.nan_to_num(flow))

    @property
    def weekday(self) -> npt.NDArray[np.int64]:
        """Day of the week of each period, Monday 0, ``(n,)``; of weeks: that of their first day."""
        days = 7 if self.calendar.period == "week" else 1
        start = self.calendar.start.weekday()
        return (start + days * (self.first + np.arange(self.n))) % 7

    @property
    def month(self) -> npt.NDArray[np.int64]:
        """Month of each period's first day, January 0, ``(n,)``."""
        times = period_start(self.calendar, self.first) + period_length(self.calendar) * np.arange(
            self.n
        )
        return np.asarray(times, "datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12


def add_up(
    events: pd.DataFrame,
    scenario: Scenario,
    *,
    first: int | None = None,
    last: int | None = None,
) -> Periods:
    """Return the series of some events.

    Parameters
    ----------
    events
        Canonical events, in any order; one that comes twice counts once.
    scenario
        Its calendar says what a period is; nothing else of it is read.
    first, last
        First and last period wanted; default: those of the first and last event whose clock can be
        believed (:func:`astray`).
    """
    events = events.drop_duplicates(["source", "event_id"])
    calendar = scenario.calendar
    if first is None and last is None:
        far = astray(events["event_time"].to_numpy(np.int64), period_length(calendar))
        events = events[~far]
    t = period_of(events["event_time"].to_numpy(np.int64), calendar)
    low, high = (int(t.min()), int(t.max())) if t.size else (0, -1)
    low, high = low if first is None else first, high if last is None else last
    inside = (t >= low) & (t <= high)
    adder = _Adder(events[inside].assign(t=t[inside] - low), max(0, high - low + 1))
    return Periods(calendar, low, adder.n, **adder.series())


def astray(times: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.bool_]:
    """Return which events' clocks cannot be believed: so few lie so far from all others.

    A record is cut where it is silent for more than :data:`LEAP` periods. Pieces that hold less than
    a hundredth of its events, or a single one, are astray where one piece holds nine tenths of all.

    Parameters
    ----------
    times
        Times of the events, microseconds since 1970, ``(n,)`` in any order.
    length
        Microseconds of a period.
    """
    if not times.size:
        return np.zeros(0, bool)
    order = np.argsort(times, kind="stable")
    piece = np.concatenate([[0], np.cumsum(np.diff(times[order]) > LEAP * length)])
    held = np.bincount(piece)
    few = (held <= max(1, _FEW * times.size)) & (held < held.max())
    if held.max() < _RECORD * times.size:  # no piece is the record: what is rare is no wrong clock
        few[:] = False
    found = np.empty(times.size, bool)
    found[order] = few[piece]
    return found


def period_of(times: npt.NDArray[np.int64], calendar: Calendar) -> npt.NDArray[np.int64]:
    """Return the number of the period in which each time (microseconds since 1970 UTC) lies."""
    return (times - period_start(calendar, 0)) // period_length(calendar)


class _Adder:
    """Scratch space of :func:`add_up`: events with their period ``t``, counted from 0."""

    def __init__(self, events: pd.DataFrame, n: int) -> None:
        self.events, self.n = events, n
        self.kind = {k: (events["kind"] == k).to_numpy(bool) for k in set(events["kind"])}
        self.outside = (events["partner"] == "").to_numpy(bool)
        self.inward = (events["partner"] == events["site"]).to_numpy(bool)
        self.books = (events["device"] == BOOKS).to_numpy(bool)

    def series(self) -> dict[str, Any]:
        """Return all series by the name of their attribute."""
        of, outside, inward = self._of, self.outside, self.inward
        point = ["site", "item"]
        to_me, from_me = ["partner", *point], ["site", "partner", "item"]
        customers = of("order") & outside
        sales = self.events[customers & _marked(self.events["quality"], "sale")]
        made = of("make")
        return {
            "demand": self.sums(customers, point),
            "sales_only": frozenset(_keys(sales, point)),
            "sold": self.sums(of("ship") & outside, point),
            "on_hand": self.lasts(of("count") & ~self.books, point),
            "books": self.lasts(of("count") & self.books, point),
            "received": self.sums(of("receive"), to_me),
            "shipped": self.sums(of("ship") & ~outside & ~inward, from_me),
            "ordered": self.sums(of("order") & ~outside, to_me),
            "made": self.sums(made, point),
            "started": self.sums(made, point, "value"),
            "used": self.sums(of("ship") & inward, point),
        }

    def _of(self, kind: str) -> npt.NDArray[np.bool_]:
        return self.kind.get(kind, np.zeros(len(self.events), bool))

    def sums(self, where: Any, by: list[str], column: str = "qty") -> dict[Any, Floats]:
        """Return totals by period: NaN where totals are told and one is missing, else 0.

        What was taken back (:func:`calibration.amounts.taken_back`) is taken off where it was told.
        """
        part = self.events[where]
        if column == "value":  # units started; who does not tell them started as many as came out
            part = part.assign(value=part["value"].fillna(part["qty"]))
        total = _marked(part["quality"], "total")
        found = part.groupby([*by, "t"], observed=True)[column].sum()
        in_totals = part.assign(total=total).groupby(by, observed=True)["total"].mean() > 0.5
        whole = {key: np.nan if in_totals[key] else 0.0 for key in in_totals.index}
        return {key: taken_back(one) for key, one in self._arrays(found, whole).items()}

    def lasts(self, where: Any, by: list[str]) -> dict[Any, Floats]:
        """Return the last count of each period, NaN where none was made."""
        part = self.events[where & self.events["qty"].notna().to_numpy()]
        part = part.sort_values("event_time", kind="stable")
        found = part.groupby([*by, "t"], observed=True)["qty"].last()
        return self._arrays(found, dict.fromkeys(_keys(part, by), np.nan))

    def _arrays(self, found: Any, empty: dict[Any, float]) -> dict[Any, Floats]:
        arrays = {key: np.full(self.n, value) for key, value in sorted(empty.items())}
        if len(found):
            values = found.to_numpy(np.float64)
            for (*key, t), value in zip(found.index, values, strict=True):
                arrays[tuple(key)][t] = value
        return arrays


def _keys(part: pd.DataFrame, by: list[str]) -> list[Any]:
    return list(part[by].drop_duplicates().itertuples(index=False, name=None))


def _marked(quality: Any, mark: str) -> npt.NDArray[np.bool_]:
    """Return which marks of quality contain a word."""
    known = {text for text in quality.unique() if mark in text.split()}
    return quality.isin(known).to_numpy(bool)
