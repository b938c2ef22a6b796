"""The canonical event record: what every adapter makes and every estimator reads.

One event is one thing that a device or a system says happened. It has two times: when it happened
and when it was taken in; late and out of order is the norm. The table of :data:`FIELDS` is the one
declaration of the record: columns of the store, of frames and of Parquet files, and the docs.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Kind = Literal["count", "order", "ship", "receive", "make", "sense", "status"]
KINDS: tuple[str, ...] = get_args(Kind)
SOURCE = "emulated"
"""What the source of every emulated event begins with."""

REPLAYED = "replayed"
"""Mark of an event that was recorded or emulated and published again."""


class Field(NamedTuple):
    """One column of the record: name, type in SQLite, dtype in a frame, meaning."""

    name: str
    sql: str
    dtype: str
    meaning: str


FIELDS = (
    Field("event_id", "TEXT", "str", "unique within its source; the key that finds duplicates"),
    Field("source", "TEXT", "str", "system that said it: file, broker or partner"),
    Field("device", "TEXT", "str", "device that saw it; empty: the system itself"),
    Field("site", "TEXT", "str", "where it happened; of an order: who orders"),
    Field("seq", "INTEGER", "Int64", "running number of the device's messages, where it keeps one"),
    Field("event_time", "INTEGER", "int64", "when it happened: microseconds since 1970, UTC"),
    Field("ingest_time", "INTEGER", "int64", "when it was taken in: microseconds since 1970, UTC"),
    Field("kind", "TEXT", "str", "what happened: one of KINDS"),
    Field("item", "TEXT", "str", "item, where it concerns one"),
    Field("lot", "TEXT", "str", "number of the order, shipment or lot; pairs a receipt with its shipment"),
    Field("partner", "TEXT", "str", "other end: who is ordered from, shipped to or received from; empty: outside"),
    Field("qty", "REAL", "float64", "units ordered, shipped, received, made (good ones) or counted"),
    Field("unit", "TEXT", "str", "unit of qty, or of value where there is no qty"),
    Field("value", "REAL", "float64", "reading of a sense, 1 up and 0 down of a status, units started of a make"),
    Field("quality", "TEXT", "str", "doubts about it, separated by spaces; empty: none"),
    Field("raw_ref", "TEXT", "str", "where it stands in its source, e.g. orders.csv:17"),
)  # fmt: skip

NAMES = tuple(field.name for field in FIELDS)


class Event(NamedTuple):
    """One event; the fields are those of :data:`FIELDS`.

    A demand of customers is an ``order`` at the sink's site without a partner. A ``count`` by a
    device named ``books`` is what the books believe, any other is a look at the truth. An event
    that stands for all of a period (daily totals) carries the mark ``total`` in ``quality``.
    """

    event_id: str
    source: str
    site: str
    event_time: int
    kind: str
    device: str = ""
    seq: int | None = None
    ingest_time: int = 0
    item: str = ""
    lot: str = ""
    partner: str = ""
    qty: float | None = None
    unit: str = ""
    value: float | None = None
    quality: str = ""
    raw_ref: str = ""

    def row(self) -> tuple[object, ...]:
        """Return the values in the order of :data:`NAMES`."""
        return tuple(getattr(self, name) for name in NAMES)
