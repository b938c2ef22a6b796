"""JSON lines into events: one object a line, with the names of the fields or those of a map.

Inner objects are reached with dots: ``payload.qty``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from calibration.adapters import Batch, Rejection, shown
from calibration.adapters.cells import Reading, Sheet, to_batch
from calibration.adapters.tables import blocks

_NUMBERS = ("qty", "seq", "event_time", "ingest_time")  # true is no amount; a value may be a truth


def read_json_lines(file: Path, how: Reading) -> Iterator[Batch]:
    """Yield the events of a file with a JSON object on each line.

    Parameters
    ----------
    file
        UTF-8 text; empty lines are no rows.
    how
        The map (a key that an object lacks is an empty cell) and what the scenario knows.

    Raises
    ------
    TelemetryError
        If it has no line ends.
    """
    needed = how.map.needs()
    numbers = {c for part in how.map.parts() for f, c in part.columns.items() if f in _NUMBERS}
    number = 1
    with file.open("rb") as opened:
        for block, done in blocks(opened, 0, how.name):
            cells: list[list[str]] = []
            lines: list[int] = []
            kept: list[bytes] = []
            refused: list[Rejection] = []
            for raw in block.removesuffix(b"\n").split(b"\n"):
                found = _cells(raw, needed, numbers)
                if isinstance(found, str):
                    refused.append(Rejection(f"{how.name}:{number}", "", found, shown(raw, 1000)))
                elif found is not None:
                    cells.append(found)
                    lines.append(number)
                    kept.append(raw)
                number += 1
            columns = {name: [row[n] for row in cells] for n, name in enumerate(needed)}
            sheet = Sheet(columns, np.array(lines, np.int64), kept, refused, done)
            yield to_batch(sheet, how)


def _cells(raw: bytes, needed: list[str], numbers: set[str]) -> list[str] | str | None:
    """Return the texts of the wanted keys, why there are none, or None of an empty line.

    ``numbers`` are the keys of amounts, running numbers and times.
    """
    if not raw.strip():
        return None
    try:
        found = json.loads(raw.decode("utf-8"), parse_constant=_not_a_number)
    except UnicodeDecodeError:
        return "line: not UTF-8 text; garbage, or another encoding"
    except (ValueError, RecursionError):
        return "line: not valid JSON; one object a line, cut off lines are refused"
    if not isinstance(found, dict):
        return "line: no JSON object; one object a line"
    values = {name: _at(found, name) for name in needed}
    for name in numbers:
        if isinstance(values[name], bool):
            return f"{name}: true or false where a number belongs; write the number"
    try:
        return [_text(value) for value in values.values()]
    except TypeError:
        return "line: a list or an object where a text or a number belongs"


def _at(found: dict[str, Any], name: str) -> Any:
    """Return the value of a key; of an inner one by its path with dots."""
    if name in found:
        return found[name]
    for step in name.split("."):
        found = found.get(step, {}) if isinstance(found, dict) else {}
    return None if found == {} else found


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError


def _not_a_number(word: str) -> Any:
    raise ValueError(word)
