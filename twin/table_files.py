"""Reading the cells of CSV files and of sheets of Excel workbooks."""

from __future__ import annotations

import csv
import datetime as dt
import io
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.errors import ScenarioError
from twin.files import MAX_TABLE, check_file, read_text
from twin.names import nearest

MAX_ROWS = 1_000_000


@dataclass(frozen=True)
class Table:
    """The cells of a table: column names and numbered rows."""

    name: str
    columns: list[str]
    rows: list[tuple[int, list[Any]]]


def read_table(file: Path, sheet: str | None = None, name: str | None = None) -> Table:
    """Return the cells of a CSV file or of one sheet of a workbook.

    Parameters
    ----------
    file
        A ``.csv`` or ``.xlsx`` file.
    sheet
        Sheet of a workbook (default: its only one).
    name
        What messages call it (default: the file's name).

    Raises
    ------
    ScenarioError
        If it cannot be read or its header is wrong.
    """
    name = name or file.name
    check_file(file, MAX_TABLE)
    if file.suffix.lower() == ".csv":
        if sheet is not None:
            msg = f"{name}: a CSV file has no sheets; leave 'sheet' out"
            raise ScenarioError(msg)
        rows = _csv_rows(file, name)
    elif file.suffix.lower() == ".xlsx":
        rows, name = _sheet_rows(file, sheet, name)
    else:
        msg = f"{name}: ending '{file.suffix}'; a table is a .csv or .xlsx file"
        raise ScenarioError(msg)
    return _table(name, rows)


def _csv_rows(file: Path, name: str) -> Iterator[tuple[int, list[Any]]]:
    text = read_text(file, MAX_TABLE, "write the names of the columns into its first row")
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, [c.strip() for c in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        msg = f"{name}, row {line}: not valid CSV ({error}); check the quotes here"
        raise ScenarioError(msg) from error


def _sheet_rows(
    file: Path, sheet: str | None, name: str
) -> tuple[Iterator[tuple[int, list[Any]]], str]:
    book = _open_book(file, name)
    sheets = book.sheetnames
    if sheet is None and len(sheets) > 1:
        msg = f"{name}: {len(sheets)} sheets ({', '.join(sheets)}); say which with 'sheet'"
        raise ScenarioError(msg)
    if sheet is not None and sheet not in sheets:
        msg = f"{name}: no sheet '{sheet}'; {nearest(sheet, sheets)}"
        raise ScenarioError(msg)
    chosen = book[sheet or sheets[0]]

    def rows() -> Iterator[tuple[int, list[Any]]]:
        try:
            with warnings.catch_warnings():  # openpyxl warns of formatting that it does not know
                warnings.simplefilter("ignore")
                for number, cells in enumerate(chosen.iter_rows(values_only=True), 1):
                    yield number, [_excel_cell(c) for c in cells]
        finally:
            book.close()

    return rows(), f"{name} [{chosen.title}]"


def _open_book(file: Path, name: str) -> Any:
    """Return an openpyxl workbook opened for reading, or raise a :class:`ScenarioError`."""
    import openpyxl  # slow to import, and most scenarios have no workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # in memory, for openpyxl leaves a file open that it cannot read
            content = io.BytesIO(file.read_bytes())
            return openpyxl.load_workbook(content, read_only=True, data_only=True)
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        OSError,
        TypeError,
    ) as error:
        why = " ".join(str(error).split(",")[0].split())
        msg = (
            f"{name}: not an Excel workbook ({why}); save it as .xlsx, or give CSV files (as a "
            "folder where there are several)"
        )
        raise ScenarioError(msg) from error


def sheet_names(file: Path) -> list[str]:
    """Return the names of a workbook's sheets, or raise a :class:`ScenarioError`."""
    check_file(file, MAX_TABLE)
    book = _open_book(file, file.name)
    names = [str(name) for name in book.sheetnames]
    book.close()
    return names


def _excel_cell(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def _table(name: str, rows: Iterator[tuple[int, list[Any]]]) -> Table:
    """Check the header and the width of each row; leave empty rows and columns out."""
    number, header = next(rows, (1, []))
    while header and header[-1] in (None, ""):
        header = header[:-1]
    columns = ["" if c is None else str(c) for c in header]
    if not columns:
        msg = f"{name}, row {number}: no column names; the first row names the columns"
        raise ScenarioError(msg)
    for n, column in enumerate(columns):
        if not column or column in columns[:n]:
            what = f"column '{column}' a second time" if column else f"column {n + 1} has no name"
            msg = f"{name}, row {number}: {what}; give each column its own name"
            raise ScenarioError(msg)
    kept: list[tuple[int, list[Any]]] = []
    for number, cells in rows:
        if all(c is None or c == "" for c in cells):
            continue
        if any(c is not None and c != "" for c in cells[len(columns) :]):
            msg = (
                f"{name}, row {number}: {len(cells)} cells under {len(columns)} column names; "
                "put text with commas in quotes, or name the column"
            )
            raise ScenarioError(msg)
        if len(kept) >= MAX_ROWS:
            msg = f"{name}: more than {MAX_ROWS:,} rows; leave out what the scenario has no use for"
            raise ScenarioError(msg)
        kept.append((number, cells[: len(columns)]))
    return Table(name, columns, kept)
