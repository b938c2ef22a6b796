"""Files of events in the canonical columns, as every system may write them and ingest reads them."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pandas as pd

from calibration.arrivals import arrival
from calibration.replay import Progress, paced
from twin.errors import OutputError
from twin.files import write_text


def write(events: pd.DataFrame, path: Path) -> None:
    """Write events whole or not at all: as CSV, or as JSON lines if the name ends in ``.jsonl``.

    Times are written as ``2026-01-31T14:00:00.000000Z``, fields without a value are left empty (in
    JSON: left out).

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    write_text(path, "".join(lines(events, path)))


def lines(events: pd.DataFrame, path: Path) -> list[str]:
    """Return the lines of such a file: its head (of JSON lines: empty), then one for each event."""
    table = events.copy()
    for column in ("event_time", "ingest_time"):
        moments = table[column].to_numpy(np.int64).view("datetime64[us]")
        texts = np.char.add(np.datetime_as_string(moments, unit="us"), "Z")
        table[column] = np.where(table[column] == 0, "", texts)  # 0: not known
    if path.suffix.lower() != ".jsonl":
        text = table.to_csv(index=False, lineterminator="\n")
        return [line + "\n" for line in text.split("\n")[:-1]]
    kept = (
        {k: v for k, v in row.items() if v != "" and not pd.isna(v)}
        for row in table.to_dict("records")
    )
    return ["", *(json.dumps(row) + "\n" for row in kept)]


def write_paced(
    events: pd.DataFrame, path: Path, speed: float, *, stop: threading.Event | None = None,
    progress: Progress | None = None,
) -> int:  # fmt: skip
    """Let a file grow line by line as the events came in; returns how many were written.

    Every line is whole whenever the writing ends. Forms as :func:`write`.

    Raises
    ------
    OutputError
        If it cannot be written.
    RunError
        If the speed is not a number above 0.
    """
    came = pd.Series(arrival(events), index=events.index).sort_values(kind="stable")
    head, *rows = lines(events.loc[came.index], path)
    told = zip(came.tolist(), rows, strict=True)
    due = paced(told, len(rows), speed=speed, stop=stop, progress=progress)
    done = 0
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(head)
            for line in due:
                file.write(line)
                file.flush()
                done += 1
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror}); {done:,} events are in it"
        raise OutputError(msg) from error
    return done
