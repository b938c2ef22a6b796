"""Files that were dropped on the page, read as a scenario; nothing of them is trusted.

They go into a private temporary folder under their own plain names and are read from there by the
same functions as files of the shell: a scenario's references to files outside that folder are
refused by :mod:`twin.tables`. Names inside them are data and stay what they are.
"""

from __future__ import annotations

import logging
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from twin.errors import ScenarioError
from twin.load import ENDINGS, load
from twin.problems import show
from twin.schema import Scenario
from twin.starter import from_tables

MAX_TOTAL = 20 * 10**6
"""Most bytes of all files together."""

MAX_UNPACKED = 200 * 10**6
"""Most bytes that a workbook may unpack to."""

MAX_FILES = 50
MAX_NAME = 200
"""Longest file name, in bytes."""

TABLES = (".csv", ".xlsx")
NAME = "my_tables"
"""Name of a scenario that is made of CSV tables alone."""

Files = Sequence[tuple[str, bytes]]

_log = logging.getLogger(__name__)


def read_upload(files: Files) -> Scenario:
    """Return the scenario of files that came together, checked.

    Parameters
    ----------
    files
        Name and content of each: one YAML or JSON file, with the tables that it names; or one
        Excel workbook, or CSV tables, as :func:`twin.starter.from_tables` takes them.

    Raises
    ------
    ScenarioError
        If they are too many or too large, a name is no plain file name, or anything in them is
        wrong; says file, line and value, and no place on the server.
    """
    _check(files)
    with tempfile.TemporaryDirectory(prefix="twin-upload-") as name:  # for this user alone
        folder = Path(name)
        for file, content in files:
            (folder / file).write_bytes(content)
        try:
            return _read(folder, [file for file, _ in files])
        except ScenarioError as error:
            raise type(error)(_without(folder, str(error))) from None
        except Exception as error:  # a workbook can break its reader in ways that no one lists
            _log.exception("an upload could not be read")
            names = ", ".join(file for file, _ in files)
            msg = (
                f"{names}: cannot be read ({type(error).__name__}); save it again with the program "
                "that made it, or as CSV"
            )
            raise ScenarioError(msg) from None


def check_size(total: int) -> None:
    """Raise a :class:`ScenarioError` if files of so many bytes are too large; ask before reading.

    Parameters
    ----------
    total
        Bytes of all files together.
    """
    if total > MAX_TOTAL:
        msg = (
            f"the files are {total / 1e6:,.1f} MB together; at most {MAX_TOTAL / 1e6:.0f} MB can be "
            "dropped here, open larger ones with `twin app FILE`"
        )
        raise ScenarioError(msg)


def _check(files: Files) -> None:
    if not files:
        msg = "no file was dropped; drop a scenario (.yaml, .json), a workbook or CSV tables"
        raise ScenarioError(msg)
    if len(files) > MAX_FILES:
        msg = f"{len(files)} files were dropped; at most {MAX_FILES} are read, leave some out"
        raise ScenarioError(msg)
    check_size(sum(len(content) for _, content in files))
    seen: dict[str, str] = {}
    for name, _ in files:
        _check_name(name)
        if name.lower() in seen:
            msg = f"two files are named {show(name)}; drop one of them"
            raise ScenarioError(msg)
        seen[name.lower()] = name
    scenarios = [name for name, _ in files if name.lower().endswith(ENDINGS)]
    if len(scenarios) > 1:
        msg = f"{len(scenarios)} scenarios ({', '.join(scenarios)}); drop one at a time"
        raise ScenarioError(msg)


def _check_name(name: str) -> None:
    """Require a plain name: no folders, nothing hidden, nothing that cannot be seen."""
    plain = name.isprintable() and "/" not in name and "\\" not in name and name[:1] != "."
    if not plain or not name.strip() or len(name.encode("utf-8", "replace")) > MAX_NAME:
        msg = (
            f"file name {show(name)}: must be a plain name such as scenario.yaml, without folders; "
            "rename the file"
        )
        raise ScenarioError(msg)
    if not name.lower().endswith((*ENDINGS, *TABLES)):
        msg = f"{name}: ending '{Path(name).suffix}'; drop {', '.join((*ENDINGS, *TABLES))} files"
        raise ScenarioError(msg)


def _read(folder: Path, names: Sequence[str]) -> Scenario:
    for name in names:
        if name.lower().endswith(".xlsx"):
            _check_unpacked(folder / name)
    for name in names:
        if name.lower().endswith(ENDINGS):
            return load(folder / name)
    if len(names) == 1 and names[0].lower().endswith(".xlsx"):
        return from_tables(folder / names[0])
    return from_tables(folder, NAME)


def _check_unpacked(book: Path) -> None:
    """Refuse a workbook that is small here and huge once it is unpacked.

    What the directory of a zip file says is an upper bound: no more is ever unpacked.
    """
    try:
        with zipfile.ZipFile(book) as parts:
            size = sum(part.file_size for part in parts.infolist())
    except (zipfile.BadZipFile, OSError):
        return  # its reader says so, and better
    if size > MAX_UNPACKED:
        msg = (
            f"{book.name}: unpacks to {size / 1e6:,.0f} MB; at most {MAX_UNPACKED / 1e6:.0f} MB "
            "are read, save the sheets as CSV files"
        )
        raise ScenarioError(msg)


def _without(folder: Path, text: str) -> str:
    """Take the server's folder out of a message."""
    for place in (str(folder.resolve()), str(folder)):
        text = text.replace(f"{place}/", "").replace(place, "the dropped files")
    return text
