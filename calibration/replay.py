"""Replay: what was recorded is told once more, in the order and at a multiple of its pace."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeVar

import pandas as pd

from calibration.errors import TelemetryError
from calibration.events import REPLAYED
from calibration.ingest import ingest
from calibration.store import Store
from twin.errors import RunError
from twin.problems import show

T = TypeVar("T")
Progress = Callable[[int, int], None]

_SQLITE = b"SQLite format 3\x00"


class Recording(NamedTuple):
    """Recorded events, and how many rows of their file could not be read."""

    events: pd.DataFrame
    rejected: int


def recorded(
    source: str | Path, map: str | Path | None = None, progress: Progress | None = None
) -> Recording:
    """Return the events of a store or of a file, each once and marked as replayed.

    Parameters
    ----------
    source
        An event store, or a file that :func:`calibration.ingest.ingest` reads.
    map
        Of a file: which column is which field; default: columns have the names of the fields.
    progress
        Called with the bytes read of a file and those of all of it.

    Returns
    -------
    Recording
        Columns :data:`calibration.events.NAMES`. ``source``, ``event_id`` and ``raw_ref`` are the
        recorded ones, so that each stays traceable; what was taken back is left out.

    Raises
    ------
    TelemetryError
        If it cannot be read, or holds no event.
    """
    path, rejected = Path(source), 0
    if _is_store(path):
        if map is not None:
            msg = f"--map {map} with the store {path}: a map is for files; leave it out"
            raise TelemetryError(msg)
        with Store(path, write=False) as store:
            events = store.read()
    else:
        with TemporaryDirectory() as folder, Store(Path(folder) / "events.db") as store:
            report = ingest(path, store, map, progress=progress)
            events, rejected = store.read(), report.rejected
    if events.empty:
        why = f"; all {rejected:,} rows were rejected, `twin ingest` says why" if rejected else ""
        msg = f"{path}: no events to replay{why}"
        raise TelemetryError(msg)
    return Recording(events.assign(quality=events["quality"].map(marked)), rejected)


def marked(quality: str) -> str:
    """Return the marks of an event with that of a replayed one among them."""
    return " ".join(dict.fromkeys([*quality.split(), REPLAYED]))


def _is_store(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}); check its permissions"
        raise TelemetryError(msg) from error


def paced(
    told: Iterator[tuple[int, T]], total: int, *, speed: float | None = None,
    stop: threading.Event | None = None, progress: Progress | None = None,
) -> Iterator[T]:  # fmt: skip
    """Return what is told, each thing when it is due.

    Parameters
    ----------
    told
        When each came in (microseconds since 1970, rising), and what.
    total
        How many there are.
    speed
        Seconds of the events that pass in one second; none: no waiting.
    stop
        Set it to end before the next one.
    progress
        Called with how many are told, and ``total``.

    Raises
    ------
    RunError
        If the speed is not a number above 0.
    """
    if speed is not None and not (speed > 0 and math.isfinite(speed)):
        msg = (
            f"speed = {show(speed)}; must be a number above 0 (1: as it happened): correct it, or "
            "leave it out for full speed"
        )
        raise RunError(msg)
    return _waited(told, total, speed, stop or threading.Event(), progress or _nothing)


def _nothing(done: int, total: int) -> None: ...


def _waited(
    told: Iterator[tuple[int, T]], total: int, speed: float | None, stop: threading.Event,
    progress: Progress,
) -> Iterator[T]:  # fmt: skip
    begun, first = time.monotonic(), None
    for done, (when, one) in enumerate(told):
        first = when if first is None else first
        if speed is not None:
            due = begun + (when - first) / 1e6 / speed
            stop.wait(max(0.0, due - time.monotonic()))
        if stop.is_set():
            return
        progress(done, total)
        yield one
