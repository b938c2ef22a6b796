"""Events in order of arrival, put into the periods they belong to; each period is closed once.

A period is over when the clock of the events (the watermark: the latest event time less the
lateness that is allowed) has passed its end. What comes later still moved goods, so it is handed on
with the period that is closed next; a count that comes so late says nothing any more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pandas as pd

from calibration.events import REPLAYED, Event
from calibration.periods import LEAP
from calibration.store_parts import VOID
from calibration.times import period_length, period_start
from twin.errors import RunError
from twin.schema.scenario import Calendar

LATENESS = 0.5
"""Periods that an event may come late; later ones are booked with the period closed next."""

_KNOWN = 60  # closed periods whose events are still recognised when they come again
_AGREED = 20  # such events in a row after which the clock is believed


class Batch(NamedTuple):
    """What is known of one period when it is closed.

    ``events`` are those of the period, ``late`` those of earlier ones that came after these were
    closed; both sorted by time, source and id, whatever the order in which they came.
    """

    t: int
    events: list[Event]
    late: list[Event]


class Batches:
    """Puts events into periods.

    Parameters
    ----------
    calendar
        What a period is.
    first
        The first period that is wanted; events before it are stale.
    lateness
        Periods that an event may come late.

    Attributes
    ----------
    next
        The period that is closed next.
    newest
        The latest event time that is believed, in microseconds since 1970.
    duplicates, late, stale, ahead
        Events that came again; after their period was closed; too late to be told from ones that
        came before; with a clock that runs ahead.

    Raises
    ------
    RunError
        If the lateness is not a number of 0 or more.
    """

    def __init__(self, calendar: Calendar, first: int, lateness: float = LATENESS) -> None:
        if not (lateness >= 0 and math.isfinite(lateness)):
            msg = f"lateness = {lateness:g} periods; a number of 0 or more"
            raise RunError(msg)
        self._start, self._length = period_start(calendar, 0), period_length(calendar)
        self._lateness = round(lateness * self._length)
        self.next = first
        self.newest = self._start + first * self._length
        self.duplicates = self.late = self.stale = self.ahead = 0
        self._open: dict[int, dict[tuple[str, str], Event]] = {}
        self._closed: dict[int, set[tuple[str, str]]] = {}
        self._after: list[Event] = []
        self._leapt = 0

    def add(self, events: Iterable[Event]) -> None:
        """Take events in the order in which they came."""
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        t = (event.event_time - self._start) // self._length
        key = event.source, event.event_id
        if t < self.next - _KNOWN:
            self.stale += 1
            return
        known = self._open if t >= self.next else self._closed
        here = known.get(t, ())
        if key in here:
            self.duplicates += 1
        elif t < self.next:
            self._closed.setdefault(t, set()).add(key)
            self._after.append(event)
            self.late += 1
        else:
            self._open.setdefault(t, {})[key] = event
            self._tell_time(event)

    def _tell_time(self, event: Event) -> None:
        """Move the clock on, unless the event's own seems to run ahead."""
        if event.event_time <= self.newest:
            self._leapt = 0
            return
        arrived = event.ingest_time if REPLAYED not in event.quality else 0
        early = arrived and event.event_time > arrived + self._lateness + self._length
        leaps = event.event_time > self.newest + LEAP * self._length
        if early or (leaps and self._leapt < _AGREED):
            self.ahead += 1
            self._leapt += 1
            return
        self.newest, self._leapt = event.event_time, 0

    def over(self) -> int:
        """Return the first period that is not over yet, by the clock of the events."""
        return (self.newest - self._lateness - self._start) // self._length

    def closed(self, until: int | None = None) -> Iterator[Batch]:
        """Yield the periods that are over and close them.

        Parameters
        ----------
        until
            Close all periods before this one, whatever the clock says (the end of a record, or the
            clock of the wall where nothing comes in any more).
        """
        passed = self.over() if until is None else until
        while self.next < passed:
            found = self._open.pop(self.next, {})
            self._closed[self.next] = set(found)
            self._closed.pop(self.next - _KNOWN - 1, None)
            late, self._after = self._after, []
            yield Batch(self.next, _standing(found.values()), _standing(late))
            self.next += 1


def _standing(events: Iterable[Event]) -> list[Event]:
    """Return events that were not taken back, in one order."""
    found = sorted(events, key=lambda e: (e.event_time, e.source, e.event_id))
    if not any(VOID in e.quality for e in found):
        return found
    gone = {
        (e.source, e.event_id.removesuffix(f"#{VOID}")) for e in found if VOID in e.quality.split()
    }
    return [
        e for e in found
        if VOID not in e.quality.split() and (e.source, e.event_id) not in gone
    ]  # fmt: skip


def from_frame(frame: pd.DataFrame) -> list[Event]:
    """Return the events of a table of the canonical columns, in its order."""
    columns = [
        frame[name].astype(object).where(frame[name].notna(), None) for name in Event._fields
    ]
    return [Event(*row) for row in zip(*columns, strict=True)]
