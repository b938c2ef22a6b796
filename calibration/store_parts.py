"""Parts of the event store: its columns, what a load brought, which events are wanted, which void."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from calibration.events import FIELDS
from calibration.times import DAY, now

VOID = "void"
"""Mark of an event that takes another one back: the one whose id it has, before ``#void``."""

SCHEMA = pa.schema(
    (f.name, {"TEXT": pa.string(), "INTEGER": pa.int64(), "REAL": pa.float64()}[f.sql])
    for f in FIELDS
)
"""Columns of a Parquet file of events."""


@dataclass(frozen=True)
class Load:
    """What one ingest (of a file, or one session with a broker) has brought.

    ``rows = accepted + duplicates + rejected``, always; ``rejected`` counts by reason.
    """

    name: str
    begun: int = field(default_factory=now)
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)

    def plus(self, given: int, new: int, rejected: Mapping[str, int]) -> Load:
        """Return the load with one batch more: rows given to the store, new ones, rejections."""
        return replace(
            self,
            rows=self.rows + given + sum(rejected.values()),
            accepted=self.accepted + new,
            duplicates=self.duplicates + given - new,
            rejected=Counter(self.rejected) + Counter(rejected),
        )


@dataclass(frozen=True)
class Where:
    """Which events are wanted: in SQL for SQLite, as an expression for Parquet."""

    among: tuple[tuple[str, tuple[str, ...]], ...] = ()
    since: int | None = None
    until: int | None = None

    @classmethod
    def of(
        cls,
        kinds: Sequence[str],
        sites: Sequence[str],
        items: Sequence[str],
        since: int | None,
        until: int | None,
    ) -> Where:
        """Return the wish for those among some kinds, sites and items (empty: all), in a span."""
        given = (("kind", kinds), ("site", sites), ("item", items))
        return cls(tuple((n, tuple(v)) for n, v in given if v), since, until)

    def touches(self, day: int) -> bool:
        """Return whether events of a day (counted from 1970) may be wanted."""
        after = self.since is None or (day + 1) * DAY > self.since
        return after and (self.until is None or day * DAY < self.until)

    def sql(self) -> tuple[str, list[Any]]:
        """Return the wish as an SQL condition and its values."""
        tests = [f"{name} IN ({', '.join('?' * len(v))})" for name, v in self.among]
        values: list[Any] = [value for _, v in self.among for value in v]
        for test, bound in (("event_time >= ?", self.since), ("event_time < ?", self.until)):
            if bound is not None:
                tests.append(test)
                values.append(bound)
        return (" WHERE " + " AND ".join(tests) if tests else ""), values

    def arrow(self) -> Any:
        """Return the wish as an expression for Parquet files; None: all."""
        tests = [pc.field(name).isin(list(values)) for name, values in self.among]
        if self.since is not None:
            tests.append(pc.field("event_time") >= self.since)
        if self.until is not None:
            tests.append(pc.field("event_time") < self.until)
        whole = None
        for test in tests:
            whole = test if whole is None else whole & test
        return whole


@lru_cache(maxsize=16)
def keys_of(file: Path) -> frozenset[tuple[str, str]]:
    """Return source and id of the events of a Parquet file (which is never written again)."""
    table = pq.read_table(file, columns=["source", "event_id"], partitioning=None)
    return frozenset(zip(*(column.to_pylist() for column in table.columns), strict=True))


def has_void(quality: pa.ChunkedArray) -> bool:
    """Return whether any of the marks (with one dictionary) is that of a taken-back event."""
    return bool(quality.num_chunks) and any(
        VOID in str(text).split() for text in quality.chunk(0).dictionary.to_pylist()
    )


def without_void(table: pa.Table) -> pa.Table:
    """Return the events that stand: neither taken back nor taking one back."""
    marks = [VOID in str(text).split() for text in table["quality"].to_pylist()]
    keys = list(zip(table["source"].to_pylist(), table["event_id"].to_pylist(), strict=True))
    gone = {
        (source, name.removesuffix(f"#{VOID}"))
        for (source, name), mark in zip(keys, marks, strict=True)
        if mark
    }
    keep = [not mark and key not in gone for key, mark in zip(keys, marks, strict=True)]
    return table.filter(pa.array(keep))


def pieces(table: pa.Table, column: str, most: int = 2_000_000) -> Iterator[pa.Table]:
    """Yield a table in pieces that hold all rows of some of the texts of a column.

    Parameters
    ----------
    table
        As :meth:`calibration.store.Store.table` returns it: one dictionary a column.
    column
        A column of texts in codes.
    most
        Rows of one piece, unless one text alone has more: what bounds the memory.
    """
    chunks = table[column].chunks
    if table.num_rows <= most or not chunks:
        yield table
        return
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in chunks])
    piece = np.cumsum(np.bincount(codes)) // most
    for number in np.unique(piece):
        yield table.filter(pa.array(piece[codes] == number))
