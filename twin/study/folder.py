"""The folder of a study: a manifest, and parts that are there whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from twin.errors import OccupiedError, OutputError
from twin.files import umask, write_text
from twin.problems import show
from twin.result_folder import MANIFEST

PARTS = "parts"
SCENARIO = "scenario.yaml"
_TEMPORARY = ".part-"
SAME = ("hash", "versions", "seed", "parts")
"""What the manifest of a folder and of the study that goes on in it must have in common."""

FORMAT = 2
"""Of the parts: 1 held a list of values per design point and KPI, 2 a row per replication."""


class Folder:
    """Where the parts of one study are kept.

    Parameters
    ----------
    path
        The folder.
    manifest
        What runs, with what.
    """

    def __init__(self, path: Path, manifest: Mapping[str, Any]) -> None:
        self.path = path
        self.manifest = dict(manifest)

    def open(self, scenario: str, force: bool = False) -> None:
        """Begin the study, or go on with it where it was stopped.

        Parameters
        ----------
        scenario
            Text of the base scenario, kept beside the manifest.
        force
            Begin anew whatever study the folder holds.

        Raises
        ------
        OutputError
            If the folder holds anything else or another study, or cannot be written into.
        """
        old = check(self.path, self.manifest, force)
        self._doing(lambda: self._open(scenario, anew=old is None or force))

    def _open(self, scenario: str, anew: bool) -> None:
        parts = self.path / PARTS
        if anew:  # the manifest goes first and comes last: parts without one belong to no study
            (self.path / MANIFEST).unlink(missing_ok=True)
            for file in parts.glob("*.parquet"):
                file.unlink()
        parts.mkdir(parents=True, exist_ok=True)
        for file in parts.glob(f"{_TEMPORARY}*"):  # of a process that was killed
            file.unlink(missing_ok=True)
        write_text(self.path / SCENARIO, scenario)
        self.describe()

    def describe(self, **more: Any) -> None:
        """Write the manifest, with what is to be added to it."""
        self.manifest |= more
        text = json.dumps(self.manifest, indent=1, allow_nan=False) + "\n"
        write_text(self.path / MANIFEST, text)

    def finished(self) -> list[int]:
        """Return the numbers of the parts that are there whole, in order."""
        return [n for n in range(self.manifest["parts"]) if self._is_whole(n)]

    def _is_whole(self, index: int) -> bool:
        file = self.part(index)
        if not file.exists():
            return False
        try:
            pq.read_metadata(file)
        except (pa.ArrowInvalid, OSError):  # damaged by something else than us: made again
            return False
        return True

    def part(self, index: int) -> Path:
        """Return the file of a part."""
        return self.path / PARTS / f"part-{index:06d}.parquet"

    def write(self, index: int, table: pa.Table) -> None:
        """Write a part: to a temporary file, onto the disk, and then under its name.

        Raises
        ------
        OutputError
            If it cannot be written; the parts that were finished stay.
        """
        self._doing(lambda: self._write(index, table))

    def _write(self, index: int, table: pa.Table) -> None:
        file = self.part(index)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=_TEMPORARY)
        try:
            with os.fdopen(handle, "wb") as stream:
                _write_rows(table, stream)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o666 & ~umask())
            os.replace(temporary, file)
            _sync_folder(file.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise

    def read(self) -> Iterator[pa.Table]:
        """Yield all parts in order, texts as codes of a dictionary."""
        texts = [name for name, numeric in self.manifest["columns"].items() if not numeric]
        for n in range(self.manifest["parts"]):
            yield pq.read_table(self.part(n), read_dictionary=["metric", "unit", *texts])

    def _doing(self, act: Callable[[], None]) -> None:
        try:
            act()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            msg = (
                f"{self.path}: cannot be written ({reason}); finished parts are kept: mend it and "
                "give the same command again, or give another folder"
            )
            raise OutputError(msg) from error


def check(path: Path, manifest: Mapping[str, Any], force: bool) -> dict[str, Any] | None:
    """Return the manifest of the study that a folder holds, nothing if it holds nothing.

    Parameters
    ----------
    path
        Where a study is to be written; nothing is changed.
    manifest
        What is to be run.
    force
        Whether another study may be replaced.

    Raises
    ------
    OutputError
        If the folder holds anything else, or another study (unless ``force``).
    """
    found = _entries(path)
    old = read_manifest(path) if found else None
    ours = {MANIFEST, SCENARIO, PARTS} if old is not None else {SCENARIO, PARTS}
    strange = sorted(found - ours)
    if strange:
        msg = (
            f"{path}: holds '{strange[0]}', which no study wrote; a study goes into a new or "
            "empty folder, or goes on in its own: give another folder"
        )
        raise OutputError(msg)
    if old is not None and not force:
        check_format(path, old)
        _check_same(path, old, manifest)
    return old


def check_format(path: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse a folder whose parts are not as they are written today.

    Raises
    ------
    OutputError
        If an earlier or a later version wrote it.
    """
    held = manifest.get("format", 1)
    if held != FORMAT:
        msg = (
            f"{path}: holds study '{manifest['study'].get('name')}' in format {show(held)}, this "
            f"version reads and writes {FORMAT}"
        )
        raise OccupiedError(msg, "use the version that wrote it, give another folder")


def read_manifest(path: Path) -> dict[str, Any] | None:
    """Return the manifest of a folder, nothing if no study wrote it."""
    try:
        told = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_study = isinstance(told, dict) and {"study", "parts", *SAME} <= set(told)
    return told if is_study else None


def _entries(path: Path) -> set[str]:
    """Return the names in a folder, hidden leftovers of ours left out; none if it is not there."""
    if not os.path.lexists(path):
        return set()
    try:
        names = os.listdir(path)
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}); give another folder"
        raise OutputError(msg) from error
    return {name for name in names if not name.startswith((f".{MANIFEST}.", f".{SCENARIO}."))}


def _check_same(path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Refuse to go on with another study, or with versions that may give other numbers."""
    differ = []
    for key in SAME:
        before, now = old[key], new[key]
        if isinstance(now, dict) and isinstance(before, dict):
            differ += [
                f"{name} {before.get(name)} (now {now.get(name)})"
                for name in sorted({*before, *now})
                if before.get(name) != now.get(name)
            ]
        elif before != now:
            said = "content" if key == "hash" else f"{key} {before} (now {now})"
            differ.append(said)
    if differ:
        msg = f"{path}: holds study '{old['study'].get('name')}' with another {', '.join(differ)}"
        raise OccupiedError(
            msg,
            "only the same study goes on: give another folder",
        )


def _write_rows(table: pa.Table, stream: IO[bytes]) -> None:
    """Write rows as plain columns: codes of texts are this file's business, not its readers'."""
    pq.write_table(
        table, stream, compression="zstd", store_schema=False,
        use_dictionary=[name for name in table.column_names if name != "value"],
    )  # fmt: skip


def _sync_folder(path: Path) -> None:
    """Put a rename onto the disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
