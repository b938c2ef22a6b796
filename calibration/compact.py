"""Closed days out of SQLite into Parquet files, so that no kill loses or doubles an event.

For each day, inside one write transaction: the day's rows (of SQLite and of its file, if it has
one) are written into a temporary file, which is forced to disk and renamed to a name never used
before; then table ``days`` is pointed at it and the rows are deleted. Only the commit makes the new
file count. A kill before it leaves a file that nothing points at, a kill after it leaves the old
one; the next compaction removes such files.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from calibration.errors import TelemetryError
from calibration.events import NAMES
from calibration.store import Store
from calibration.store_parts import SCHEMA
from calibration.times import DAY, day_name, now


@dataclass(frozen=True)
class Compacted:
    """What one compaction did: days and events moved, the folder, and its bytes now."""

    days: int
    rows: int
    folder: Path
    bytes: int

    def text(self) -> str:
        """Return a line for the shell."""
        if not self.days:
            return "nothing to compact: no event of a closed day is left in the store's file"
        size = self.bytes / 2**20
        return (
            f"{self.rows:,} events of {self.days:,} days moved; {self.folder.name} now has "
            f"{size:,.1f} MiB"
        )


def compact(store: Store, before: int | None = None) -> Compacted:
    """Move the events of closed days into Parquet files.

    Parameters
    ----------
    store
        An open store.
    before
        Events before the day of this time are moved (microseconds since 1970 UTC; default: now,
        so that today stays).

    Raises
    ------
    TelemetryError
        If a file cannot be written; all events are still where they were.
    """
    first_open = (now() if before is None else before) // DAY
    moved = days = 0
    try:
        store.folder.mkdir(exist_ok=True)
        _sweep(store)
        while (day := _oldest_day(store)) is not None and day < first_open:
            with store.transaction() as db:
                moved += _move(store, db, day)
            days += 1
    except (OSError, pa.ArrowException) as error:
        msg = (
            f"{store.folder}: a day cannot be written ({error}); its events stay in {store.path}, "
            "check the room on the disk and try again"
        )
        raise TelemetryError(msg) from error
    if days:
        _give_back(store)
    return Compacted(days, moved, store.folder, sum(f.stat().st_size for f in _files(store)))


def _oldest_day(store: Store) -> int | None:
    with store.transaction() as db:
        oldest = db.execute("SELECT min(event_time) FROM events").fetchone()[0]
    return None if oldest is None else int(oldest) // DAY


def _move(store: Store, db: sqlite3.Connection, day: int) -> int:
    """Move one day; return how many events left SQLite."""
    span = (day * DAY, (day + 1) * DAY)
    rows = db.execute(
        f"SELECT {', '.join(NAMES)} FROM events WHERE event_time >= ? AND event_time < ?", span
    ).fetchall()
    columns = zip(*rows, strict=True)
    table = pa.table(
        [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )
    old = store.days().get(day)
    if old is not None:
        table = pa.concat_tables([pq.read_table(old, schema=SCHEMA, partitioning=None), table])
    table = table.sort_by([("event_time", "ascending"), ("event_id", "ascending")])
    file = _write(store.folder, day, table, old)
    db.execute("INSERT OR REPLACE INTO days VALUES (?, ?, ?)", (day, file.name, len(table)))
    db.execute("DELETE FROM events WHERE event_time >= ? AND event_time < ?", span)
    return len(rows)


def _write(folder: Path, day: int, table: pa.Table, old: Path | None) -> Path:
    """Write a file that is there whole or not at all, after a loss of power as well."""
    generation = 1 if old is None else int(old.stem.split(".")[-1]) + 1
    file = folder / f"{day_name(day)}.{generation}.parquet"
    temporary = file.with_suffix(".tmp")
    with temporary.open("wb") as out:
        pq.write_table(table, out, compression="zstd")
        out.flush()
        os.fsync(out.fileno())
    os.replace(temporary, file)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)  # the name as well as the content
    finally:
        os.close(handle)
    return file


def _files(store: Store) -> list[Path]:
    return [path for path in store.folder.iterdir() if path.suffix in (".parquet", ".tmp")]


def _sweep(store: Store) -> None:
    """Remove what an interrupted compaction left, and files that later ones replaced."""
    with store.transaction():  # no other compaction is between its rename and its commit
        counted = set(store.days().values())
        for path in _files(store):
            if path not in counted:
                path.unlink()


def _give_back(store: Store) -> None:
    """Shrink the SQLite file where most of it is free."""
    with store.transaction() as db:
        free = db.execute("PRAGMA freelist_count").fetchone()[0]
        pages = db.execute("PRAGMA page_count").fetchone()[0]
    if 2 * free > pages:
        store.vacuum()
