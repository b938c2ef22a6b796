"""Whether events are of a real chain, or were made by a twin or told again."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from calibration.events import REPLAYED, SOURCE, Event


def made(event: Event) -> bool:
    """Return whether an event was emulated or replayed: nobody should act on what rests on it."""
    return REPLAYED in event.quality or event.source.startswith(SOURCE)


def newest_made(events: Iterable[Event]) -> int | None:
    """Return the latest time of the events that are :func:`made`; none if all are real."""
    return max((e.event_time for e in events if made(e)), default=None)


def newest_made_of(frame: pd.DataFrame) -> int | None:
    """Return the same of a table of the canonical columns."""
    replayed = frame["quality"].str.contains(REPLAYED, regex=False)
    found = frame.loc[replayed | frame["source"].str.startswith(SOURCE), "event_time"]
    return None if found.empty else int(found.max())
