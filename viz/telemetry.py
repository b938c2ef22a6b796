"""What an event store tells about the chain that is open: as plain data for the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calibration.balance import BOOKS
from calibration.events import REPLAYED
from calibration.store import Store
from calibration.store_parts import Where
from calibration.times import DAY, now, period_length, period_start, to_iso
from twin.result import Result

WINDOW = 60
"""Days before the newest event that are looked at."""

COLUMNS = (
    "event_time", "ingest_time", "source", "device", "site", "kind", "item", "seq", "qty",
    "quality",
)  # fmt: skip

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


def snapshot(path: Path) -> pd.DataFrame:
    """Return the events of the last :data:`WINDOW` days of a store.

    Raises
    ------
    calibration.errors.TelemetryError
        If it is no store.
    """
    with Store(path, write=False) as store:
        newest = store.table(("event_time",))["event_time"].to_numpy()
        since = int(newest.max()) - WINDOW * DAY if newest.size else 0
        table = store.table(COLUMNS, Where(since=since))
    return pd.DataFrame({name: table[name].cast("string").to_pandas() if str(
        table[name].type).startswith("dictionary") else table[name].to_pandas()
        for name in COLUMNS})  # fmt: skip


def mode(events: pd.DataFrame) -> str:
    """Return which of :data:`MODES` the events are in."""
    if events.empty:
        return "empty"
    if events["quality"].str.contains(REPLAYED, regex=False).any():
        return "replay"
    return "emulated" if events["source"].str.startswith("emulated").any() else "shadow"


def devices(events: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each device: name, site, last heard, days of silence, readings, numbers missing."""
    seen = events[(events["device"] != "") & (events["device"] != BOOKS)]
    newest = int(events["event_time"].max()) if len(events) else now()
    found = []
    for (site, name), rows in seen.groupby(["site", "device"]):
        numbers = rows["seq"].dropna().to_numpy(np.int64)
        missing = int(np.ptp(numbers)) + 1 - np.unique(numbers).size if numbers.size else 0
        last = int(rows["event_time"].max())
        found.append({
            "device": name, "site": site, "last": to_iso(last)[:16].replace("T", " "),
            "silent": (newest - last) / DAY, "readings": len(rows), "missing": missing,
        })  # fmt: skip
    return found


def stock(events: pd.DataFrame, result: Result | None = None) -> list[dict[str, Any]]:
    """Return each counted stock point: last count, the books' view, the twin's mean of that day.

    Parameters
    ----------
    events
        Of :func:`snapshot`.
    result
        With the series ``rows.on_hand``; its means are what the twin expects.
    """
    counts = events[events["kind"] == "count"].sort_values("event_time")
    last = counts.groupby(["site", "item", counts["device"] == BOOKS]).tail(1)
    found = []
    for (site, item), rows in last.groupby(["site", "item"]):
        true, books = (rows[(rows["device"] == BOOKS) == b] for b in (False, True))
        if true.empty:
            continue
        when = int(true["event_time"].iloc[0])
        found.append({
            "site": site, "item": item, "count": float(true["qty"].iloc[0]),
            "when": to_iso(when)[:10],
            "books": None if books.empty else float(books["qty"].iloc[0]),
            "twin": _expected(result, f"{site}/{item}", when),
        })  # fmt: skip
    return found


def _expected(result: Result | None, point: str, when: int) -> float | None:
    """Return the twin's mean stock in the period of a time, if it was simulated."""
    if result is None or "rows.on_hand" not in result.series:
        return None
    calendar = result.scenario.calendar
    t = (when - period_start(calendar, 0)) // period_length(calendar)
    rows = {p.name: p.index for p in result.topology.points}
    if point not in rows or not 0 <= t < result.scenario.horizon:
        return None
    return float(result.series["rows.on_hand"][t, rows[point]].mean())
