"""What the live tab is fed with: the periods of a store, followed in a thread of the page's own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from calibration.live import origin
from calibration.live.batches import from_frame
from calibration.live.follow import Follower, Seen
from calibration.live.tracker import HISTORY, recorded
from calibration.periods import period_of
from calibration.store import Store
from calibration.times import now, period_length, period_start
from calibration.warm_start import warm_start
from twin.errors import TwinError
from twin.schema import Scenario
from viz import telemetry
from viz.telemetry import View

MOST = 400
"""Periods that are kept, and that a replay shows: the last ones."""
RECENT = 60
"""Periods that a live view begins with."""
EACH = 0.15
"""Seconds between two looks whether the store has changed."""

_SETTLED = 0.6  # seconds after a change by which it is committed
_TELL = 0.25  # seconds between two tellings while a record is worked through


class Feed:
    """Follows a store, live or as a replay of what it holds.

    Parameters
    ----------
    path
        The store.
    scenario
        The calibrated scenario.
    kind
        ``live`` waits for more; ``replay`` ends with what is there.
    told
        Called, in the feed's thread, whenever there is more to see.

    Attributes
    ----------
    seen
        Periods so far, oldest first.
    problem
        Why nothing is followed.
    busy
        Whether it still works through what the store held at first.
    done
        Whether all there is has been followed.
    """

    def __init__(
        self, path: Path, scenario: Scenario, kind: View, told: Callable[[], None]
    ) -> None:
        self.path, self.scenario, self.kind = path, scenario, kind
        self.seen: list[Seen] = []
        self.problem, self.done, self.busy = "", False, True
        self.follower: Follower | None = None
        self._period = period_length(scenario.calendar)
        self._mode: telemetry.Mode = "unread"
        self._received, self._made = (
            0,
            -1,
        )  # when something came in; the newest event of no real chain
        self._told = told
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to follow."""
        threading.Thread(target=self._work, daemon=True).start()

    def stop(self) -> None:
        """Stop following."""
        self._stop.set()

    def source(self) -> telemetry.Source:
        """Return what kind of events these are, and whether somebody fills the store now."""
        happened = 0 if self.follower is None else self.follower.batches.newest
        return telemetry.source(self._mode, happened, self._received, now(), self._period)

    def changes(self) -> dict[str, object]:
        """Return the changes that make the scenario begin with what is believed now.

        Raises
        ------
        TwinError
            If there is nothing to begin with, or all recorded demand lies before.
        """
        follower = self.follower
        events = recorded(self.path, self.scenario, HISTORY)
        if follower is None or events is None:
            msg = f"{self.path.name}: nothing to begin with yet; wait for the first period"
            raise TwinError(msg)
        calendar = self.scenario.calendar
        at = period_start(calendar, 0) + follower.batches.next * self._period
        return warm_start(events, self.scenario, at, follower.stock())

    def _work(self) -> None:
        stamp: tuple[int, ...] = ()
        said: tuple[object, ...] = ()
        again = 0.0
        try:
            while not self._stop.is_set():
                here = telemetry.stamp(self.path)
                settled = bool(again) and time.monotonic() > again
                if here != stamp or settled:
                    # a file changes before what is written is committed: look once more
                    stamp, again = here, 0.0 if here == stamp else time.monotonic() + _SETTLED
                    self._look()
                    if self.busy:
                        self.busy = False
                        self._told()
                source = self.source()
                if said != (source.fed, telemetry.ago(source.age, self._period)):
                    said = source.fed, telemetry.ago(source.age, self._period)
                    self._told()
                if self.kind == "replay" and self.follower is not None:
                    break
                self._stop.wait(EACH)
        except TwinError as error:
            self.problem = str(error)
        self.done = True
        self._told()

    def _look(self) -> None:
        """Take what the store has now."""
        if self.follower is None:
            self._begin()
            return
        batches = self.follower.batches
        with Store(self.path, write=False) as store:
            events = store.read(since=batches.newest - 2 * self._period)
        self.follower.add(from_frame(events.sort_values("ingest_time", kind="stable")))
        self._note(events)
        if not self.seen and batches.over() > batches.next:
            self._begin()  # anew: where the chain stood is told by looks that came since
        else:
            self._advance(None)

    def _note(self, events: pd.DataFrame) -> None:
        """Note when something came in, and whether what is believed rests on a real chain alone."""
        if events.empty:
            return
        came = int(events["ingest_time"].max()) or telemetry.written(self.path)
        self._received = max(self._received, min(came, telemetry.written(self.path)))
        made = origin.newest_made_of(events)
        back = (RECENT + HISTORY) * self._period
        if made is not None:
            self._made = max(self._made, made)
        elif self._made >= 0 and int(events["event_time"].max()) - self._made <= back:
            return
        self._mode = telemetry.mode(events)

    def _begin(self) -> None:
        wanted = RECENT if self.kind == "live" else MOST
        events = recorded(self.path, self.scenario, wanted + HISTORY)
        if events is None:
            self._mode = "empty"
            self._told()
            return
        self._note(events)
        known = events["site"].isin([s.name for s in self.scenario.sites])
        if not known.any():
            msg = (
                f"{self.path.name} tells of no site of '{self.scenario.name}': open the scenario "
                f"that it is of (the store has {', '.join(sorted(set(events['site']))[:3])})"
            )
            raise TwinError(msg)
        calendar, times = self.scenario.calendar, events["event_time"].to_numpy(np.int64)
        first, last = (
            int(period_of(np.array([t]), calendar)[0]) for t in (times.min(), times.max())
        )
        begin = max(first, last - wanted)
        at = period_start(calendar, 0) + begin * self._period
        self.follower = Follower.begin(self.scenario, events, at)
        self.follower.add(from_frame(events[times >= at]))
        self._advance(last + 1 if self.kind == "replay" else None)

    def _advance(self, until: int | None) -> None:
        assert self.follower is not None
        told = time.monotonic()
        for seen in self.follower.step(until):
            self.seen.append(seen)
            if self._stop.is_set():
                return
            if time.monotonic() - told > _TELL:
                told = time.monotonic()
                self._told()
        del self.seen[:-MOST]
        self._told()
