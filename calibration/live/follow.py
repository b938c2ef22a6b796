"""The live twin: events in order of arrival to what is believed of the chain, period by period.

:class:`Follower` closes a period when its time is over, books what came and went, weighs what
devices saw, and says what is believed of the stock (with a band, beside the books), of the shrink
and of the lanes; what was expected and what was observed; which devices are alive; what moved away
from the calibrated scenario, and what to estimate anew. It changes nothing and publishes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.assimilate import PARTICLES, Filter, Reading
from calibration.balance import BOOKS
from calibration.events import Event
from calibration.live.alarms import Advice, Moved, Watches, words_of
from calibration.live.batches import LATENESS, Batch, Batches, from_frame
from calibration.live.expected import Demand
from calibration.live.lanes import SLOW, Lanes, Passed
from calibration.live.liveness import Devices, Liveness
from calibration.live.points import LEAST, Day, Key, Points
from calibration.periods import period_of
from calibration.times import DAY, period_length, period_start
from calibration.warm_start import openers, opening
from twin.compile import Plan
from twin.compile.rules import first_forecasts
from twin.schema import Scenario
from twin.simulation import Simulation
from twin.topology import build

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

UNSEEN = 0.03
"""Mean of the shrink that is believed first, as a share of what flows, unless calibrated higher."""
RENEWAL = 0.002
"""Share of particles whose shrink is drawn anew each period (:class:`Filter`)."""
START_SD = 0.02
"""Standard deviation of a stock at the start that the books told, as a share of it."""
UNKNOWN_SD = 1.0
"""The same of a stock that nobody has seen: of the scenario's, or of a week's demand if that is more."""

_RECENT = 28  # periods that an advice on demand looks back on


@dataclass(frozen=True)
class Seen:
    """What is believed when a period is closed; arrays over stock points or supply links.

    Attributes
    ----------
    t, time
        The period, and its end in microseconds since 1970.
    stock, shrink
        5 %, 50 % and 95 % of what is believed, ``(3, points)``: units, units a period.
    books
        Units by the books, ``(points,)``.
    counted
        What devices saw, brought to the end of the period, ``(points,)``; NaN without a look.
    expected
        Stock that the calibrated scenario expects before the look, ``(points,)``.
    looked
        Periods since the last look, ``(points,)``; inf: never.
    demand
        5 %, mean, 95 % expected and then what was observed, ``(4, points)``; NaN where unknown.
    links
        What should have arrived, what arrived, and the regime of each link.
    devices
        Each device that was heard or is declared.
    moved
        Alarms raised in this period.
    late, duplicates
        Events so far that came after their period, and that came again.
    """

    t: int
    time: int
    stock: Floats
    shrink: Floats
    books: Floats
    counted: Floats
    expected: Floats
    looked: Floats
    demand: Floats
    links: Passed
    devices: list[Liveness]
    moved: tuple[Moved, ...]
    late: int
    duplicates: int


class Follower:
    """Follows a chain by its events.

    Parameters
    ----------
    scenario
        The calibrated scenario.
    first
        The first period that is watched.
    stock
        Units on hand at its beginning by (site, item), e.g. of
        :func:`calibration.warm_start.opening`; others open as the scenario says, with a wide band
        until somebody counts them.
    told
        Which device told that (:func:`calibration.warm_start.openers`): its noise is that of the
        stock; default: the books. Empty: a look that is still to come, so that it is not known yet.
    lateness
        Periods that an event may come late.
    particles, seed
        Of the filter, and all luck.

    Attributes
    ----------
    points, links
        Names in the order of the arrays.
    moved
        All alarms so far.

    Raises
    ------
    ScenarioError, RunError
        If the scenario is wrong, or the lateness or the number of particles.
    """

    def __init__(
        self, scenario: Scenario, *, first: int = 0, stock: Mapping[Key, float] | None = None,
        told: Mapping[Key, str] | None = None, lateness: float = LATENESS, particles: int = PARTICLES, seed: int = 1,
    ) -> None:  # fmt: skip
        self.scenario, self.topology = scenario, build(scenario)
        calendar = scenario.calendar
        self._start, self._length = period_start(calendar, 0), period_length(calendar)
        self.batches = Batches(calendar, first, lateness)
        self._points = Points(self.topology)
        self.points = tuple(self._points.names)
        self.links = tuple(link.name for link in self.topology.links)
        self.devices = Devices(self._points.devices, self._length)
        self._lanes = Lanes(self.topology, seed)
        begun = self._opening(stock or {})
        self._usual = np.array(first_forecasts(self.topology).mean)  # demand at each stock point
        self._calibrated = np.array([p.settings.shrink for p in self.topology.points])
        spread = self._start_sd(begun, stock or {}, told or {})
        self._filter = Filter(
            begun, shrink=np.maximum(self._calibrated, UNSEEN * self._usual), start_sd=spread,
            particles=particles, seed=seed, known=self._calibrated, renewal=RENEWAL,
        )  # fmt: skip
        self._mean, self._spread = begun.copy(), spread**2
        self._books, self._looked = begun.copy(), np.full(begun.size, np.inf)
        self._demand = Demand(scenario, first, seed + 1)
        self._recent: list[Floats] = []
        wanted = [self.points[row] for row in self._demand.rows]
        watched = len(self._points.devices) + len(self.links) + len(wanted)
        self._watches = Watches(
            {"shrink": self.points, "lead time": self.links, "demand": wanted}, watched
        )
        self.last: Seen | None = None

    @classmethod
    def begin(
        cls, scenario: Scenario, history: pd.DataFrame, at: int | None = None, **more: Any
    ) -> Follower:
        """Return a follower that begins where recorded events end, or in their midst.

        Its stock is what was counted last; where nobody had looked by then, what the first look
        after it says was there.

        Parameters
        ----------
        scenario
            The calibrated scenario.
        history
            Columns :data:`calibration.events.NAMES`.
        at
            Microseconds since 1970: it begins with the period that holds this time. Default: the
            period of the last event.
        **more
            ``lateness``, ``particles`` and ``seed`` of :class:`Follower`.
        """
        calendar = scenario.calendar
        if at is None:
            times = history["event_time"].to_numpy(np.int64)
            at = int(times.max()) if times.size else period_start(calendar, 0)
        first = int(period_of(np.array([at]), calendar)[0])
        begun = period_start(calendar, first)
        history = history.drop_duplicates(["source", "event_id"])
        history = history.sort_values(["event_time", "source", "event_id"])
        stock, told = opening(history, begun), openers(history, begun)
        found = cls(scenario, first=first, stock=stock, told=told, **more)
        known = history[history["event_time"] < begun]
        events = from_frame(known)
        found._lanes.take(events, found._start, found._length)
        found._lanes.prime()
        found.devices.hear(events)
        return found

    @property
    def assumed(self) -> tuple[str, ...]:
        """Points that nobody has counted yet: their stock is the scenario's, with a wide band."""
        return tuple(p for p, unseen in zip(self.points, self._unseen, strict=True) if unseen)

    @property
    def moved(self) -> list[Moved]:
        """All alarms so far, oldest first."""
        return self._watches.moved

    def add(self, events: Iterable[Event]) -> None:
        """Take events in the order in which they came; periods are closed by :meth:`step`."""
        self.batches.add(events)

    def step(self, until: int | None = None) -> Iterator[Seen]:
        """Close the periods that are over and yield what is believed then.

        Parameters
        ----------
        until
            Close all before this period, whatever the clock of the events says.
        """
        for batch in self.batches.closed(until):
            yield self._close(batch)

    def digest(self) -> str:
        """Return a hash of all that is believed: equal for the same events and seed.

        The order in which events came does not matter, as long as none came too late.
        """
        state = hashlib.sha256(self._filter.state())
        state.update(self._mean.tobytes() + self._spread.tobytes() + self._books.tobytes())
        plain = [self.batches.next, self._lanes.state(), self._watches.state()]
        state.update(json.dumps(plain).encode())
        return state.hexdigest()

    def stock(self) -> dict[Key, float]:
        """Return the mean of what is believed to be on hand, by (site, item)."""
        means = self._filter.means()[0]
        return {key: float(means[row]) for key, row in self._points.row.items()}

    # ------------------------------------------------------------------------------- one period
    def _close(self, batch: Batch) -> Seen:
        t = batch.t
        known = np.where(self._unseen, np.nan, self._mean)
        day = self._points.day(batch.events, batch.late, known)
        expected = self._expect(day)
        self._filter.move(day.receipts, day.issues)
        counted = _mean_of(day.looks, len(self.points))
        day = self._begin_where_first_seen(day)
        for both in zip(day.looks, day.noise, strict=True):
            self._filter.look(Reading(*both))
        self.devices.hear([*batch.late, *batch.events])
        both = batch.events
        if batch.late:
            both = sorted([*batch.late, *batch.events], key=lambda e: e.event_time)
        links = self._lanes.close(t, self._lanes.take(both, self._start, self._length))
        raised = [*self._watch_stock(t, day), *self._watch_links(t, links)]
        stock, shrink = self._filter.quantiles()
        demand, more = self._watch_demand(t, day, stock[0])
        self._looked = np.where(np.isfinite(counted), 0.0, self._looked + 1)
        end = self._start + (t + 1) * self._length
        self.last = Seen(
            t, end, stock, shrink, self._books.copy(), counted, expected, self._looked.copy(),
            demand, links, self.devices.at(end), (*raised, *more), self.batches.late,
            self.batches.duplicates,
        )  # fmt: skip
        return self.last

    def _expect(self, day: Day) -> Floats:
        """Return the stock that the calibrated scenario expects; books go by what they were told."""
        net = day.receipts - day.issues
        self._mean = np.maximum(0.0, self._mean + net - self._calibrated)
        self._spread = self._spread + self._calibrated
        self._books = np.where(np.isfinite(day.books), day.books, np.maximum(0, self._books + net))
        return self._mean.copy()

    def _begin_where_first_seen(self, day: Day) -> Day:
        """Let points that nobody had counted begin with their first count; return the other looks.

        A count that says where a stock begins is no evidence beside that.
        """
        looks = []
        for value, noise in zip(day.looks, day.noise, strict=True):
            new = self._unseen & np.isfinite(value)
            self._begin_with(new, value, noise)
            looks.append(np.where(new, np.nan, value))
        told = self._unseen & np.isfinite(day.books)
        self._begin_with(told, day.books, np.hypot(START_SD * day.books, LEAST))
        return day._replace(looks=looks)

    def _begin_with(self, new: Flags, value: Floats, sd: Floats) -> None:
        if not new.any():
            return
        self._filter.begin(Reading(np.where(new, np.maximum(0.0, value), np.nan), sd))
        self._mean = np.where(new, np.maximum(0.0, value), self._mean)
        self._spread = np.where(new, sd**2, self._spread)
        self._books = np.where(new, self._mean, self._books)  # never told: else it were seen
        self._unseen = self._unseen & ~new

    def _watch_stock(self, t: int, day: Day) -> Iterator[Moved]:
        """Score looks against a Kalman filter whose shrink is the calibrated one, and move it on.

        Its innovations are white if nothing has moved; hidden losses pull all of them one way.
        """
        for value, noise in zip(day.looks, day.noise, strict=True):
            total = self._spread + noise**2
            away = value - self._mean
            seen = np.isfinite(away)
            yield from self._watches.take("shrink", t, np.clip(away / np.sqrt(total), -4, 4))
            gain = np.where(seen, self._spread / total, 0.0)
            self._mean = self._mean + gain * np.where(seen, away, 0.0)
            self._spread = self._spread * (1 - gain)

    def _watch_links(self, t: int, links: Passed) -> list[Moved]:
        scores = np.full((max(map(len, links.scores.values()), default=0), len(self.links)), np.nan)
        for link, found in links.scores.items():
            scores[: len(found), link] = found
        return self._watches.take("lead time", t, scores)

    def _watch_demand(self, t: int, day: Day, low: Floats) -> tuple[Floats, list[Moved]]:
        """Score customers' orders in what the scenario makes of them; empty shelves hide some."""
        rows = self._demand.rows
        found = np.full((4, len(self.points)), np.nan)
        found[:3, rows], found[3] = self._demand.band(t), day.demand
        empty = (low <= 0) & ~self._unseen  # of an unknown stock nobody can say it
        seen = np.where(day.sales & empty, np.nan, day.demand)
        self._recent = [*self._recent[1 - _RECENT :], seen]
        return found, self._watches.take("demand", t, self._demand.scores(t, seen[rows]))

    def _opening(self, stock: Mapping[Key, float]) -> Floats:
        """Return units on hand at the start: as known, else as the scenario opens."""
        opened = Simulation(Plan.of(self.scenario), 1).rows("on_hand")[:, 0]
        found = np.array(opened, np.float64)
        for key, units in stock.items():
            if key in self._points.row:
                found[self._points.row[key]] = max(0.0, units)
        return found

    def _start_sd(
        self, begun: Floats, stock: Mapping[Key, float], told: Mapping[Key, str]
    ) -> Floats:
        """Return how well the stock at the start is known, units; note where nobody has seen it."""
        by = [told.get(key, BOOKS) if key in stock else "" for key in self._points.row]
        self._unseen = np.array([device == "" for device in by])
        noise = [
            START_SD if device in (BOOKS, "") else self._points.noise(key, device)
            for key, device in zip(self._points.row, by, strict=True)
        ]
        week = 7 * DAY / self._length
        unknown = UNKNOWN_SD * np.maximum(begun, week * self._usual)
        return np.where(self._unseen, unknown, np.array(noise) * begun)

    # ------------------------------------------------------------------------------- what to do
    def recommendations(self) -> list[Advice]:
        """Return what should be estimated anew, one for each alarm; nothing is applied."""
        found = []
        for moved in self.moved:
            if moved.what == "shrink":
                found.append(self._shrink_advice(moved))
            elif moved.what == "demand":
                found.append(self._demand_advice(moved))
            else:
                found.append(self._lead_advice(moved))
        return found

    def _shrink_advice(self, moved: Moved) -> Advice:
        row = self.points.index(moved.where)
        assert self.last is not None  # an alarm is raised by a period
        low, middle, high = (float(x) for x in self.last.shrink[:, row])
        now = float(self._calibrated[row])
        return Advice(
            "re-estimate", moved.where, "shrink", now, middle, self._because(moved, now, middle),
            low, high, "units/period",
        )  # fmt: skip

    def _demand_advice(self, moved: Moved) -> Advice:
        row = self.points.index(moved.where)
        seen = np.array([day[row] for day in self._recent])
        mean, error = float(np.nanmean(seen)), float(np.nanstd(seen) / np.sqrt(seen.size))
        now = float(self._usual[row])
        return Advice(
            "re-estimate", moved.where, "demand", now, mean, self._because(moved, now, mean),
            mean - 1.645 * error, mean + 1.645 * error, "units/period",
        )  # fmt: skip

    def _lead_advice(self, moved: Moved) -> Advice:
        usual, seen = self._lanes.seen(self.links.index(moved.where))
        advised = None if np.isnan(seen) else seen
        return Advice(
            "re-estimate", moved.where, "lead time", usual, advised,
            self._because(moved, usual, advised), unit="periods",
        )  # fmt: skip

    def _because(self, moved: Moved, now: float, advised: float | None) -> str:
        period = self.scenario.calendar.period
        words = words_of(moved, now, advised)
        return f"{words}, since {period} {moved.began} (found in {period} {moved.found})"

    def slow(self) -> dict[str, float]:
        """Return the links that have become slow, and the mean factor of their lead times."""
        links = None if self.last is None else self.last.links
        if links is None:
            return {}
        return {
            name: float(links.factor[i]) for i, name in enumerate(self.links) if links.slow[i] >= SLOW
        }  # fmt: skip


def _mean_of(looks: list[Floats], n: int) -> Floats:
    """Return the mean of the looks at each stock point, NaN where nobody looked."""
    if not looks:
        return np.full(n, np.nan)
    values = np.array(looks)
    seen = np.isfinite(values)
    total = np.where(seen, values, 0.0).sum(axis=0)
    return np.asarray(np.where(seen.any(axis=0), total / np.maximum(1, seen.sum(axis=0)), np.nan))
