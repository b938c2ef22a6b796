"""The live twin beside the listener: in a thread of its own, from what is stored to what is believed.

The listener hands over what it has committed and goes on; nothing here can lose an event. Figures
go to the health endpoint; recommendations go out only in mode ``twin``.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.events import Event
from calibration.live import advise, figures, origin
from calibration.live.batches import LATENESS, Batches, from_frame
from calibration.live.follow import Follower
from calibration.periods import period_of
from calibration.store import Store
from calibration.times import now, period_length
from twin.errors import TwinError
from twin.schema import Scenario

HISTORY = 120
"""Periods before those that it follows that a twin that begins anew searches for goods on the way."""
CATCH_UP = 84
"""Periods that it follows again. What moved must be found in them once more, or it is taken back."""

_MOST = 1_000_000  # events that wait; more are left to the store, and read from there again
_WAKE = 0.5  # seconds
_FULL = 200  # events handed over at once from which the listener is at its limit: it goes first
_PAUSE, _PATIENCE = 0.05, 5.0  # seconds without such events; longest time that it is given way
_QUIET = 60.0  # seconds without an event after which the clock of the wall closes periods


class Tracker:
    """Follows a chain beside a listener.

    Parameters
    ----------
    scenario
        The calibrated scenario.
    store
        File of the event store that the listener writes.
    mode
        ``shadow``: recommends to people who look. ``twin``: publishes recommendations as well.
    lateness
        Periods that an event may come late.

    Attributes
    ----------
    follower
        The twin; none before the first event.
    failed
        Why it stopped following; the listener goes on storing.

    Raises
    ------
    RunError
        If the lateness is not a number of 0 or more.
    """

    def __init__(
        self, scenario: Scenario, store: Path, *, mode: Literal["shadow", "twin"] = "shadow",
        lateness: float = LATENESS,
    ) -> None:  # fmt: skip
        self.scenario, self.mode = scenario, mode
        self.follower: Follower | None = None
        self.failed: TwinError | None = None
        Batches(scenario.calendar, 0, lateness)  # refuses a wrong lateness before anything begins
        self._store, self._lateness = store, lateness
        self._given: deque[list[Event]] = deque()
        self._waiting = 0
        self._overflown = False
        self._out: deque[tuple[str, bytes]] = deque()
        self._said: dict[str, bytes] = {}
        self._kept: deque[str] = deque()  # topics that the broker holds of an earlier life
        self._text = ""
        self._wake, self._stop = threading.Event(), threading.Event()
        self._heard, self._busy = now(), 0.0
        self._made: int | None = None  # time of the newest event that is of no real chain
        self._thread = threading.Thread(target=self._work, name="twin", daemon=True)

    def start(self) -> None:
        """Begin, with what the store holds."""
        self._thread.start()

    def stop(self) -> None:
        """Follow what was handed over, then end."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def offer(self, events: list[Event]) -> None:
        """Hand over events that are stored; returns at once."""
        if self._waiting > _MOST:
            self._overflown = True
            return
        self._waiting += len(events)
        self._given.append(events)
        if len(events) >= _FULL:
            self._busy = time.monotonic()
        self._wake.set()

    @property
    def replayed(self) -> bool:
        """Whether what is believed rests on emulated or replayed events.

        It does while one is among what a twin that begins now would look back on.
        """
        if self._made is None or self.follower is None:
            return False
        back = (HISTORY + CATCH_UP) * period_length(self.scenario.calendar)
        return self.follower.batches.newest - self._made <= back

    def retained(self, topic: str) -> None:
        """Note a recommendation that the broker holds: taken back unless it is said again."""
        self._kept.append(topic)
        self._wake.set()

    def outgoing(self) -> list[tuple[str, bytes]]:
        """Return messages (topic, payload) that are to be published now; empty unless 'twin'."""
        found = []
        while self._out:
            found.append(self._out.popleft())
        return found

    def metrics(self) -> str:
        """Return its figures in the text format of Prometheus."""
        return self._text

    def summary(self) -> dict[str, object]:
        """Return its main numbers by name."""
        follower = self.follower
        if self.failed is not None:
            return {"twin": f"stopped: {self.failed}"}
        if follower is None:
            return {"twin": "waiting for the first event"}
        return {"period": follower.batches.next - 1, "alarms": len(follower.moved),
                "late": follower.batches.late, "uncounted": len(follower.assumed)}  # fmt: skip

    # ------------------------------------------------------------------------------- the thread
    def _work(self) -> None:
        try:
            self._begin()
            while not self._stop.is_set():
                self._wake.wait(_WAKE)
                self._wake.clear()
                self._turn()
            self._turn()
        except TwinError as error:
            self.failed = error

    def _begin(self) -> None:
        """Begin with what the store holds; nothing yet: with the first event that comes."""
        events = recorded(self._store, self.scenario, HISTORY + CATCH_UP)
        if events is None:
            return
        length = period_length(self.scenario.calendar)
        self._note(origin.newest_made_of(events))
        since = int(events["event_time"].max()) - CATCH_UP * length
        self.follower = Follower.begin(self.scenario, events, since, lateness=self._lateness)
        self.follower.add(from_frame(events[events["event_time"] >= since - length]))
        self._advance(None)

    def _give_way(self) -> None:
        """Wait while the listener works off a backlog: both in turns would be slower than after."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < min(until, self._busy + _PAUSE) and not self._stop.is_set():
            self._stop.wait(_PAUSE)

    def _turn(self) -> None:
        self._give_way()
        if self._overflown:
            self._overflown = False
            self._begin()
        while self._given:
            events = self._given.popleft()
            self._waiting -= len(events)
            self._heard = now()
            self._note(origin.newest_made(events))
            self._take(events)
        silent = (now() - self._heard) / 1e6 > _QUIET
        if silent and not self.replayed and self.follower is not None:
            late = self._lateness * period_length(self.scenario.calendar)
            self._advance(int(period_of(_one(now() - late), self.scenario.calendar)[0]))
        self._take_back()

    def _note(self, made: int | None) -> None:
        """Remember the newest event that is of no real chain."""
        if made is not None:
            self._made = made if self._made is None else max(made, self._made)

    def _take(self, events: list[Event]) -> None:
        if not events:
            return
        if self.follower is None:
            first = int(
                period_of(_one(min(e.event_time for e in events)), self.scenario.calendar)[0]
            )
            self.follower = Follower(self.scenario, first=max(0, first), lateness=self._lateness)
        self.follower.add(events)
        self._advance(None)

    def _advance(self, until: int | None) -> None:
        follower = self.follower
        assert follower is not None
        closed = None
        for closed in follower.step(until):  # noqa: B007 - the last one is shown
            pass
        if closed is None:
            return
        self._text = figures.metrics(follower, closed)
        if self.mode == "twin":
            mode: Literal["replay", "twin"] = "replay" if self.replayed else "twin"
            self._say(advise.messages(follower, advise.advice(follower), mode))

    def _say(self, found: dict[str, bytes]) -> None:
        """Publish what is new or has changed, and take back (with an empty message) what is not."""
        for topic, payload in found.items():
            if topic not in self._said or not advise.same(self._said[topic], payload):
                self._said[topic] = payload
                self._out.append((topic, payload))
        for topic in self._said.keys() - found.keys():
            del self._said[topic]
            self._out.append((topic, b""))

    def _take_back(self) -> None:
        """Take back what the broker holds of an earlier life and this one does not say."""
        while self._kept:
            topic = self._kept.popleft()
            if topic not in self._said:
                self._out.append((topic, b""))


def recorded(path: Path, scenario: Scenario, periods: int) -> pd.DataFrame | None:
    """Return the events of the last periods of a store in the order in which they came in.

    Returns
    -------
    pandas.DataFrame or None
        Columns :data:`calibration.events.NAMES`; none if the store is empty or not there.
    """
    if not path.is_file():
        return None
    with Store(path, write=False) as store:
        newest = store.newest()
        if newest is None:
            return None
        events = store.read(since=newest - periods * period_length(scenario.calendar))
    return events.sort_values(["ingest_time", "event_time", "source", "event_id"],
                              ignore_index=True)  # fmt: skip


def _one(x: float) -> npt.NDArray[np.int64]:
    return np.array([int(x)])
