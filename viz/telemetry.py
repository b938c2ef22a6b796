"""An event store as the page sees it: when it changes, and which kind of events it holds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from calibration.events import REPLAYED, SOURCE

MODES = {
    "empty": "nothing yet",
    "replay": "replay of recorded events",
    "emulated": "emulated: made by a twin, not by a real chain",
    "shadow": "shadow: live, one way",
}


def stamp(path: Path) -> tuple[int, ...]:
    """Return what changes whenever a store does."""
    files = (path, path.with_name(path.name + "-wal"))
    return tuple(x for f in files if f.is_file() for x in (f.stat().st_mtime_ns, f.stat().st_size))


def mode(events: pd.DataFrame) -> str:
    """Return which of :data:`MODES` the events are in."""
    if events.empty:
        return "empty"
    if events["quality"].str.contains(REPLAYED, regex=False).any():
        return "replay"
    return "emulated" if events["source"].str.startswith(SOURCE).any() else "shadow"
