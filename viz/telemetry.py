"""An event store as the page sees it: when it changes, who fills it, which kind of events it holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from calibration.events import REPLAYED, SOURCE
from calibration.live import origin
from calibration.times import DAY, SECOND
from viz import look

Mode = Literal["unread", "empty", "replay", "emulated", "shadow"]
View = Literal["live", "replay"]

BADGES = {
    "live": "Live",
    "quiet": "No feed",
    "replay": "Replay",
    "emulated": "Emulated",
    "empty": "Empty",
    "unread": "Reading",
}
"""What the page can be showing, told apart by word, colour and shape."""

QUIET = 2.0
"""Periods without news after which nobody is said to fill a store of a real chain."""
PAUSE = 60 * SECOND
"""The same for events that were made or are played again, whose clock need not be the wall's."""


class Source(NamedTuple):
    """What stands behind the page: ``age`` in microseconds since the last news, ``fed`` or not."""

    mode: Mode
    age: int = 0
    fed: bool = False

    def badge(self, view: View) -> str:
        """Return a key of :data:`BADGES`: live only what is of a real chain, and comes in now."""
        if self.mode in ("unread", "empty"):
            return self.mode
        if view == "replay":
            return "replay"
        if self.mode == "shadow":
            return "live" if self.fed else "quiet"
        return self.mode


def stamp(path: Path) -> tuple[int, ...]:
    """Return what changes whenever a store does."""
    return tuple(x for s in _states(path) for x in (s.st_mtime_ns, s.st_size))


def written(path: Path) -> int:
    """Return when a store was last written, in microseconds since 1970; 0 if it is not there."""
    return max((s.st_mtime_ns // 1000 for s in _states(path) if s.st_size), default=0)


def _states(path: Path) -> list[os.stat_result]:
    """Return the states of its file and of its log; one who only reads leaves an empty log."""
    return [f.stat() for f in (path, path.with_name(path.name + "-wal")) if f.is_file()]


def mode(events: pd.DataFrame) -> Mode:
    """Return what kind of events these are: made by a twin, played again, or of a real chain."""
    if events.empty:
        return "empty"
    if origin.newest_made_of(events) is None:
        return "shadow"
    # what a twin made and published itself comes from the broker, and says where it stood before
    first = events["raw_ref"].where(events["quality"].str.contains(REPLAYED, regex=False), "")
    twins = events["source"].str.startswith(SOURCE) | first.str.startswith(SOURCE)
    return "emulated" if twins.any() else "replay"


def source(mode: Mode, happened: int, received: int, now: int, period: int) -> Source:
    """Return who fills a store.

    Parameters
    ----------
    mode
        Of its events.
    happened
        Time of the newest event that is believed, microseconds since 1970 as all that follow.
    received
        When something came in last.
    now
        This moment.
    period
        Length of a period.
    """
    last = received if mode != "shadow" else min(happened, received)
    age = max(0, now - last)
    return Source(mode, age, age <= (QUIET * period if mode == "shadow" else PAUSE))


def told(source: Source, view: View) -> str:
    """Return what a badge means, in words."""
    if source.mode in ("unread", "empty"):
        return "being read" if source.mode == "unread" else "nothing has come in yet"
    if view == "replay":
        of = {"shadow": "recorded", "emulated": "that a twin made"}.get(source.mode, "played again")
        return f"events {of}, from the store"
    if source.mode == "shadow":
        return ("events of the chain as they come in, one way" if source.fed else
                "nobody fills this store now, it stands as it was")  # fmt: skip
    what = "made by a twin" if source.mode == "emulated" else "recorded before, published again"
    return f"{what}; {'coming in now' if source.fed else 'nothing comes in any more'}"


def ago(age: int, period: int) -> str:
    """Return an age in words, from one period on in periods: ``5 hours ago``, ``23 days ago``."""
    if age < 60 * SECOND:
        return "less than a minute ago"
    unit = "week" if period > DAY else "day"
    sizes = {unit: period, "day": DAY, "hour": 3600 * SECOND, "minute": 60 * SECOND}
    name, size = next((n, s) for n, s in sizes.items() if age >= s)
    return f"{look.plural(age // size, name)} ago"
