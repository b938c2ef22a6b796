"""What was tried, kept in a file, so that a search that was stopped need not try it again.

A search is settled by its candidates' scores alone: with the scores at hand the same command comes
the same way in no time, and goes on where it stood.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from twin.errors import OccupiedError, OutputError
from twin.files import read_text

NAME = "tried.jsonl"
"""File of a search in its folder: what is searched, then one line for each candidate."""


Score = tuple[float, float]
"""What a candidate lacks of the requirements, and its aim: smaller is better."""


class Tried(NamedTuple):
    """What a candidate came to.

    Attributes
    ----------
    lack, aim
        Its score.
    beside
        Mean of the first KPI that is measured beside the aim; NaN if there is none.
    """

    lack: float
    aim: float
    beside: float

    @property
    def score(self) -> Score:
        """What it is judged by."""
        return self.lack, self.aim


def digest(data: Any) -> str:
    """Return the SHA-256 of plain data, 16 hex digits."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


class Notebook:
    """What was tried by candidate, kept in a folder if there is one.

    Parameters
    ----------
    problem
        All that scores depend on.
    folder
        A new folder, or that of the same search.
    force
        Begin anew whatever search the folder holds.

    Raises
    ------
    OutputError
        If the folder holds another search or something else, or cannot be written into.
    """

    def __init__(self, problem: Any, folder: Path | None = None, force: bool = False) -> None:
        self.tried: dict[str, Tried] = {}
        self.path = None if folder is None else folder / NAME
        if self.path is None or folder is None:
            return
        head = {"search": digest(problem)}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and not force:
                self._read(head)
            elif any(folder.iterdir()) and not force:
                msg = f"{folder}: holds something else than a search"
                raise OccupiedError(msg)
            else:
                self.path.write_text(json.dumps(head) + "\n", encoding="utf-8")
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _read(self, head: Mapping[str, Any]) -> None:
        """Take over what the same search has tried; a last line cut short by a kill is dropped."""
        assert self.path is not None
        whole, _, _ = read_text(self.path).rpartition("\n")
        try:
            lines = [json.loads(line) for line in whole.splitlines()]
        except ValueError as error:
            msg = f"{self.path}: is damaged ({error})"
            raise OccupiedError(msg) from error
        if not lines or lines[0] != head:
            msg = f"{self.path}: is of another search"
            raise OccupiedError(msg)
        self.tried = {line.pop("key"): Tried(**line) for line in lines[1:]}
        self.path.write_text(whole + "\n", encoding="utf-8")

    def keep(self, new: Mapping[str, Tried]) -> None:
        """Add what was tried.

        Raises
        ------
        OutputError
            If they cannot be written; what was written before stays.
        """
        self.tried.update(new)
        if self.path is None:
            return
        lines = [json.dumps({"key": key, **one._asdict()}) for key, one in new.items()]
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.writelines(line + "\n" for line in lines)
        except OSError as error:
            raise _unwritable(self.path, error) from error


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path}: cannot be written ({error.strerror}); give another place")
