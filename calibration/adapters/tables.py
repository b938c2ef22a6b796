"""CSV and Parquet files into events.

One row is one line: a quote left open by a slip or by garbage spoils its own line only (a cell with
a line end inside is therefore refused). A block of lines is split by pyarrow; where pyarrow does
not find as many rows as there are lines, the block is split again line by line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from calibration.adapters import Batch, Rejection, shown
from calibration.adapters.cells import Reading, Sheet, to_batch
from calibration.adapters.mapping import MAPPED, Map
from calibration.errors import TelemetryError
from twin.names import nearest

BLOCK = 8 * 2**20
"""Bytes read at a time; what is in them is one transaction."""

MAX_LINE = 64 * 2**20
"""Longest line; a file without line ends is no table."""

ROWS = 100_000
"""Rows of a Parquet file read at a time."""


def read_csv(file: Path, how: Reading) -> Iterator[Batch]:
    """Yield the events of a CSV file.

    Parameters
    ----------
    file
        UTF-8 text; the first line names the columns.
    how
        The map and what the scenario knows.

    Raises
    ------
    TelemetryError
        If it has no header, lacks a column that the map names, or is no text.
    """
    with file.open("rb") as opened:
        head = opened.readline(MAX_LINE)
        header, delimiter = _header(head, how)
        needed = _needed(header, how)
        line = 2
        for block, done in blocks(opened, len(head), how.name):
            sheet = _fast(block, header, needed, delimiter, line, done) or _slow(
                block, header, needed, delimiter, line, done, how.name
            )
            yield to_batch(sheet, how)
            line += block.count(b"\n")


def read_parquet(file: Path, how: Reading) -> Iterator[Batch]:
    """Yield the events of a Parquet file; every cell is judged by its text, as in a CSV file.

    Raises
    ------
    TelemetryError
        If it is no whole Parquet file, or lacks a column that the map names.
    """
    try:
        opened = pq.ParquetFile(file)
        needed = _needed(opened.schema_arrow.names, how)
        row = 1
        size, count = file.stat().st_size, max(1, opened.metadata.num_rows)
        for part in opened.iter_batches(ROWS):
            texts = {name: _texts(part.column(name), name, how) for name in part.schema.names}
            raw = [",".join(cells).encode() for cells in zip(*texts.values(), strict=True)]
            lines = np.arange(row, row + len(part))
            row += len(part)
            columns = {name: texts[name] for name in needed}
            yield to_batch(Sheet(columns, lines, raw, (), size * (row - 1) // count), how)
    except (pa.ArrowException, OSError) as error:
        msg = (
            f"{file}: cannot be read as Parquet ({str(error).splitlines()[0]}); what was read "
            "before is stored, get a whole file and do the same again"
        )
        raise TelemetryError(msg) from error


def blocks(opened: BinaryIO, done: int, name: str) -> Iterator[tuple[bytes, int]]:
    """Yield whole lines, many at a time, and how far the file is read then.

    Raises
    ------
    TelemetryError
        If a line is longer than :data:`MAX_LINE`.
    """
    rest = b""
    while chunk := opened.read(BLOCK):
        rest += chunk
        cut = rest.rfind(b"\n") + 1
        done += cut
        if cut:
            yield rest[:cut], done
            rest = rest[cut:]
        elif len(rest) > MAX_LINE:
            msg = f"{name}: no line end within {MAX_LINE:,} bytes; give a file with a row a line"
            raise TelemetryError(msg)
    if rest:
        yield rest, done + len(rest)


def column_names(file: Path) -> list[str]:
    """Return the names of the columns of a CSV or Parquet file.

    Raises
    ------
    TelemetryError
        As :func:`read_csv` and :func:`read_parquet`.
    """
    if file.suffix.lower() == ".parquet":
        try:
            return list(pq.read_schema(file).names)
        except (pa.ArrowException, OSError) as error:
            msg = f"{file}: no whole Parquet file ({str(error).splitlines()[0]}); get it again"
            raise TelemetryError(msg) from error
    with file.open("rb") as opened:
        return _header(opened.readline(MAX_LINE), Reading(file.name, Map()))[0]


def default_map(names: Sequence[str], source: str | None = None) -> Map:
    """Return the map of a file whose columns have the names of the fields."""
    return Map(columns={name: name for name in names if name in MAPPED}, source=source)


def _header(head: bytes, how: Reading) -> tuple[list[str], str]:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        msg = f"{how.name}: the encoding is UTF-16; save it as UTF-8"
        raise TelemetryError(msg)
    try:
        text = head.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        msg = f"{how.name}, line 1: not UTF-8 text; save it as UTF-8"
        raise TelemetryError(msg) from error
    if not text.strip():
        msg = f"{how.name}: no column names; the first line names the columns"
        raise TelemetryError(msg)
    delimiter = how.map.delimiter or max(",;\t", key=text.count)
    header = [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter))]
    if twice := [name for n, name in enumerate(header) if name in header[:n]]:
        msg = f"{how.name}, line 1: column '{twice[0]}' a second time; give each its own name"
        raise TelemetryError(msg)
    return header, delimiter


def _needed(header: Sequence[str], how: Reading) -> list[str]:
    """Return the columns that the map names, all of which must be there."""
    needed = how.map.needs()
    for name in needed:
        if name not in header:
            msg = f"{how.name}: no column '{name}', which the map names; {nearest(name, header)}"
            raise TelemetryError(msg)
    return needed


def _fast(
    block: bytes, header: list[str], needed: list[str], delimiter: str, line: int, done: int
) -> Sheet | None:
    """Split a block with pyarrow; None where its rows are not simply the lines."""
    raw = block.split(b"\n")
    if not raw[-1]:
        raw.pop()
    try:
        table = pacsv.read_csv(
            pa.BufferReader(block),
            pacsv.ReadOptions(column_names=header, use_threads=False, block_size=len(block) + 1),
            pacsv.ParseOptions(delimiter=delimiter),
            pacsv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False,
                include_columns=needed,
            ),
        )  # fmt: skip
    except pa.ArrowInvalid:
        return None
    if len(table) != len(raw):
        return None
    columns = {name: table[name].combine_chunks() for name in needed}
    return Sheet(columns, np.arange(line, line + len(raw)), raw, (), done)


def _slow(
    block: bytes,
    header: list[str],
    needed: list[str],
    delimiter: str,
    line: int,
    done: int,
    name: str,
) -> Sheet:
    """Split a block line by line; empty lines are no rows."""
    cells: list[list[str]] = []
    lines: list[int] = []
    kept: list[bytes] = []
    refused: list[Rejection] = []
    for number, raw in enumerate(block.split(b"\n"), line):
        if not raw.strip():
            continue
        found = _cells(raw, delimiter, len(header))
        if isinstance(found, str):
            refused.append(Rejection(f"{name}:{number}", "", found, shown(raw, 1000)))
            continue
        cells.append(found)
        lines.append(number)
        kept.append(raw)
    place = {column: n for n, column in enumerate(header)}
    columns = {column: [row[place[column]] for row in cells] for column in needed}
    return Sheet(columns, np.array(lines, np.int64), kept, refused, done)


def _cells(raw: bytes, delimiter: str, width: int) -> list[str] | str:
    """Return the cells of a line, or why it has none."""
    try:
        text = raw.removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        return "line: not UTF-8 text; garbage, or another encoding"
    try:
        found = next(csv.reader([text], delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration):
        return "line: a quote is not closed, or there is garbage after it"
    if len(found) != width:
        return "line: not as many cells as there are column names"
    return found


def _texts(column: Any, name: str, how: Reading) -> list[str]:
    """Return a column of a Parquet file as texts; nothing is the empty text."""
    try:
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        texts = column.cast(pa.string()).to_pylist()
    except pa.ArrowException as error:
        if name in how.map.needs():
            msg = f"{how.name}: column '{name}' is a {column.type}; give texts, numbers or times"
            raise TelemetryError(msg) from error
        texts = [str(value) for value in column.to_pylist()]
    return ["" if text is None else text for text in texts]
