"""The event store: one SQLite file for what is fresh, Parquet files by date for what is closed.

SQLite runs in WAL mode with full synchronisation: what :meth:`Store.add` has returned from survives
a loss of power, and other processes read while one writes. An event is known by its source and id;
one that comes again is left out. :func:`calibration.compact.compact` moves closed days into the
folder beside the file; table ``days`` says which of its files count, so that one commit moves a
day, and reading covers both.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from calibration.errors import TelemetryError
from calibration.events import FIELDS, NAMES, Event
from calibration.store_parts import SCHEMA, Load, Where, has_void, keys_of, without_void
from calibration.times import DAY

VERSION = 1
"""Version of the layout, kept in SQLite's ``user_version``."""

Row = tuple[Any, ...]
"""One event as values in the order of :data:`calibration.events.NAMES`."""

_OURS = 0x7477696E  # "twin", in SQLite's application_id
_TIME, _SOURCE, _ID = (NAMES.index(name) for name in ("event_time", "source", "event_id"))
_BATCH = 100_000
_WAIT = 30.0  # seconds that a writer waits for another one
_CACHE = -256 * 1024  # KiB of pages kept in memory: the upper levels of all indexes
_CHECKPOINT = 50_000  # pages of the log before they are moved into the file
_UNIQUE_TEXT = ("event_id", "raw_ref")
_NOT_CONTENT = ("ingest_time", "raw_ref")

_LAYOUT = f"""
CREATE TABLE events (
    {", ".join(f"{f.name} {f.sql}" for f in FIELDS)},
    UNIQUE (source, event_id)
);
CREATE INDEX events_by_time ON events (event_time);
CREATE TABLE days (day INTEGER PRIMARY KEY, file TEXT, rows INTEGER);
CREATE TABLE loads (
    name TEXT, begun INTEGER, rows INTEGER, accepted INTEGER, duplicates INTEGER, rejected TEXT,
    PRIMARY KEY (name, begun)
);
PRAGMA application_id = {_OURS};
PRAGMA user_version = {VERSION};
"""
_INDEXES = {
    "events_by_device": "events (device)",
    "events_by_thing": "events (kind, site, item, event_time)",
}
_INSERT = f"INSERT OR IGNORE INTO events VALUES ({', '.join('?' * len(NAMES))})"


class Store:
    """An event store; a context manager.

    Parameters
    ----------
    path
        The SQLite file; made if it does not exist (unless only read).
    write
        Whether events will be added; readers may be many, in any process, meanwhile.

    Raises
    ------
    TelemetryError
        If the file cannot be opened, is no event store or has a newer layout.
    """

    def __init__(self, path: str | Path, *, write: bool = True) -> None:
        self.path = Path(path)
        self.folder = self.path.with_name(self.path.name + ".days")
        if not write and not self.path.is_file():
            msg = f"{self.path}: no such store; `twin ingest FILE --store {self.path}` makes one"
            raise TelemetryError(msg)
        self._db = self._open(write)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; all that was added is in it."""
        self._db.close()

    def add(self, events: Iterable[Event]) -> int:
        """Add events in one transaction; those that are known already are left out.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        TelemetryError
            If they cannot be written; then none of them is.
        """
        return self.add_rows([event.row() for event in events])

    def add_rows(
        self,
        rows: Sequence[Row],
        load: Load | None = None,
        rejected: Mapping[str, int] | None = None,
    ) -> int:
        """Add events given as rows, and what a load has brought up to now, in one transaction.

        Parameters
        ----------
        rows
            Values in the order of :data:`calibration.events.NAMES`.
        load
            The load as it was before these rows.
        rejected
            How many further rows were rejected, by reason.

        Raises
        ------
        TelemetryError
            As :meth:`add`.
        """
        with self.transaction() as db:
            fresh = self._not_compacted(rows)
            new = db.executemany(_INSERT, fresh).rowcount if fresh else 0
            if load is not None:
                done = load.plus(len(rows), new, rejected or {})
                db.execute(
                    "INSERT OR REPLACE INTO loads VALUES (?, ?, ?, ?, ?, ?)",
                    (done.name, done.begun, done.rows, done.accepted, done.duplicates,
                     json.dumps(done.rejected)),
                )  # fmt: skip
        return new

    def differing(self, rows: Sequence[Row]) -> int:
        """Return how many of some rows are told otherwise in the store, by source and id.

        What came first stays. Compacted days are not compared.
        """
        content = (name for name in NAMES if name not in (*_NOT_CONTENT, "quality"))
        other = " OR ".join(f"given.{name} IS NOT events.{name}" for name in content)
        self._db.execute("CREATE TEMP TABLE given AS SELECT * FROM events LIMIT 0")
        try:
            self._db.executemany(_INSERT.replace("events", "temp.given"), rows)
            found = self._db.execute(  # CROSS keeps the order: look up the given ones, scan nothing
                f"SELECT count(*) FROM given CROSS JOIN events USING (source, event_id) WHERE {other}"
            )
            return int(found.fetchone()[0])
        finally:
            self._db.execute("DROP TABLE temp.given")

    @contextlib.contextmanager
    def bulk(self, large: bool = True) -> Iterator[None]:
        """Return a block in which many events are added.

        Two of the indexes are taken away and made anew at its end: half the time for millions of
        events. If the process is killed meanwhile, reading is slower until the next such block.

        Parameters
        ----------
        large
            Whether it is worth it.
        """
        if large:
            with self.transaction() as db:
                for name in _INDEXES:
                    db.execute(f"DROP INDEX IF EXISTS {name}")
        try:
            yield
        finally:
            with self.transaction() as db:
                _make_indexes(db)

    def transaction(self) -> _Transaction:
        """Return a block that writes all or nothing; other writers wait, readers do not."""
        return _Transaction(self._db, self.path)

    def vacuum(self) -> None:
        """Shrink the file to what it holds; left undone while another process uses it."""
        with contextlib.suppress(sqlite3.OperationalError):
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def loads(self) -> list[Load]:
        """Return what was brought by whom, oldest first."""
        found = self._db.execute("SELECT * FROM loads ORDER BY begun, name")
        return [Load(a, b, c, d, e, json.loads(f)) for a, b, c, d, e, f in found]

    def days(self) -> dict[int, Path]:
        """Return the Parquet file of each compacted day, counted from 1970."""
        found = self._db.execute("SELECT day, file FROM days ORDER BY day")
        return {day: self.folder / file for day, file in found}

    def newest(self) -> int | None:
        """Return the latest event time, compacted days included; none if there is no event."""
        found = [self._db.execute("SELECT max(event_time) FROM events").fetchone()[0]]
        for file in [*self.days().values()][-1:]:
            found.append(pc.max(pq.read_table(file, columns=["event_time"])["event_time"]).as_py())
        return max((x for x in found if x is not None), default=None)

    def read(
        self,
        kinds: Sequence[str] = (),
        sites: Sequence[str] = (),
        items: Sequence[str] = (),
        since: int | None = None,
        until: int | None = None,
        void: bool = False,
    ) -> pd.DataFrame:
        """Return events as a frame, compacted days included.

        Parameters
        ----------
        kinds, sites, items
            Those wanted; all if empty.
        since, until
            First event time, and the first one no more wanted.
        void
            Whether to keep events that were taken back, and those that take them back.

        Returns
        -------
        pandas.DataFrame
            Columns :data:`calibration.events.NAMES`, sorted by time, source and id.
        """
        where = Where.of(kinds, sites, items, since, until)
        table = self.table(where=where, void=void)
        frame = pd.DataFrame({
            name: table[name].cast(SCHEMA.field(name).type).to_pandas() for name in NAMES
            if name != "seq"
        })  # fmt: skip
        frame["seq"] = table["seq"].to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
        frame = frame[list(NAMES)].astype({f.name: f.dtype for f in FIELDS})
        return frame.sort_values(["event_time", "source", "event_id"], ignore_index=True)

    def table(
        self, columns: Sequence[str] = NAMES, where: Where | None = None, void: bool = False
    ) -> pa.Table:
        """Return some columns of the events, unsorted; repeated texts as dictionaries.

        Narrow enough for tens of millions of events; for the rest as :meth:`read`.
        """
        names = list(dict.fromkeys((*columns, "quality")))
        found = self._table(names, where or Where())
        if not void and has_void(found["quality"]):
            names = list(dict.fromkeys((*names, "source", "event_id")))
            found = without_void(self._table(names, where or Where()))
        return found.select(list(columns))

    def digest(self) -> str:
        """Return a hash of the content: the same whatever the order of arrival, compacted or not.

        The sum of the SHA-256 of all rows modulo 2^256, in hexadecimal digits. When and where from
        a row was taken in (``ingest_time``, ``raw_ref``) is left out.
        """
        names = [name for name in NAMES if name not in _NOT_CONTENT]
        total = 0
        for part in self._parts(names, Where()):
            for row in zip(*(column.to_pylist() for column in part.columns), strict=True):
                total += int.from_bytes(hashlib.sha256(repr(row).encode()).digest(), "big")
        return f"{total % 2**256:064x}"

    def _open(self, write: bool) -> sqlite3.Connection:
        place = f"{self.path.absolute().as_uri()}?mode={'rwc' if write else 'ro'}"
        db = None
        try:
            db = sqlite3.connect(place, uri=True, timeout=_WAIT, isolation_level=None)
            self._check_layout(db, write)
            if write:
                db.execute("PRAGMA synchronous = FULL")
                db.execute(f"PRAGMA cache_size = {_CACHE}")
                db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
        except (sqlite3.Error, TelemetryError) as error:
            if db is not None:
                db.close()
            if isinstance(error, TelemetryError):
                raise
            msg = f"{self.path}: cannot be opened as an event store ({error}); give another file"
            raise TelemetryError(msg) from error
        return db

    def _check_layout(self, db: sqlite3.Connection, write: bool) -> None:
        ours = db.execute("PRAGMA application_id").fetchone()[0] == _OURS
        version = db.execute("PRAGMA user_version").fetchone()[0]
        empty = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not ours and empty and write:
            db.execute("PRAGMA journal_mode = WAL")
            with _Transaction(db, self.path):
                if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                    for statement in _LAYOUT.split(";"):
                        db.execute(statement)
                    _make_indexes(db)
        elif not ours:
            msg = f"{self.path}: a database, but no event store; give another file"
            raise TelemetryError(msg)
        elif version > VERSION:
            msg = (
                f"{self.path}: layout {version}, made by a newer version of the twin; this one "
                f"reads up to {VERSION}, update it"
            )
            raise TelemetryError(msg)

    def _not_compacted(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Leave out the rows that a Parquet file holds already."""
        closed = self.days()
        if not closed or not rows:
            return rows
        days = np.fromiter((row[_TIME] for row in rows), np.int64, len(rows)) // DAY
        late = np.isin(days, np.fromiter(closed, np.int64))
        if not late.any():
            return rows
        known: set[int] = set()
        for day in np.unique(days[late]):
            keys = keys_of(closed[int(day)])
            known.update(
                n
                for n in np.flatnonzero(days == day).tolist()
                if (rows[n][_SOURCE], rows[n][_ID]) in keys
            )
        return [row for n, row in enumerate(rows) if n not in known]

    def _table(self, names: Sequence[str], where: Where) -> pa.Table:
        coded = [
            pa.field(n, pa.dictionary(pa.int32(), pa.string()))
            if SCHEMA.field(n).type == pa.string() and n not in _UNIQUE_TEXT
            else SCHEMA.field(n)
            for n in names
        ]
        parts = [part.cast(pa.schema(coded)) for part in self._parts(names, where)]
        none = pa.schema(coded).empty_table()
        return pa.concat_tables([none, *parts]).unify_dictionaries()

    def _parts(self, names: Sequence[str], where: Where) -> Iterator[pa.Table]:
        """Yield the events piece by piece; all pieces show the store at one moment."""
        schema = pa.schema([SCHEMA.field(name) for name in names])
        self._db.execute("BEGIN")
        try:
            files = [file for day, file in self.days().items() if where.touches(day)]
            condition, values = where.sql()
            cursor = self._db.execute(f"SELECT {', '.join(names)} FROM events{condition}", values)
            while rows := cursor.fetchmany(_BATCH):
                columns = zip(*rows, strict=True)
                yield pa.table(
                    [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema
                )
            for file in files:
                yield pq.read_table(
                    file, columns=list(names), schema=SCHEMA, filters=where.arrow(),
                    partitioning=None,
                ).select(list(names))  # fmt: skip
        finally:
            self._db.execute("COMMIT")


class _Transaction:
    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db, self._path = db, path

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise self._refused(error) from error
        return self._db

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._db.execute("COMMIT" if error is None else "ROLLBACK")
        except sqlite3.Error as failed:
            raise self._refused(failed) from failed
        if isinstance(error, sqlite3.Error):
            raise self._refused(error) from error

    def _refused(self, error: sqlite3.Error) -> TelemetryError:
        return TelemetryError(
            f"{self._path}: cannot be written ({error}); nothing of this batch was stored. Check "
            "that no other ingest runs and that the disk has room, then do the same again"
        )


def _make_indexes(db: sqlite3.Connection) -> None:
    for name, columns in _INDEXES.items():
        db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")
