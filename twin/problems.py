"""What is wrong with a scenario, and where it was written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from twin.errors import NetworkError, ScenarioError

Path = tuple[str | int, ...]
"""Keys and positions down to one value: ``("lanes", 2, "lead_time")``."""

SHOWN = 10
"""Most problems that one error lists."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, and a sentence with value, what is allowed, what to do."""

    path: Path
    text: str
    network: bool = False


class Places:
    """Where each value of a scenario was written: line of a file or row of a table.

    Parameters
    ----------
    name
        Name of the scenario file; empty for a scenario built in Python.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.lines: dict[Path, int] = {}
        self.rows: dict[Path, tuple[str, int]] = {}

    def of(self, path: Path) -> str:
        """Return ``file, line 41`` or ``lanes.csv, row 6, column 'lead_time'``."""
        for n in range(len(path), 0, -1):
            if path[:n] in self.rows:
                file, row = self.rows[path[:n]]
                column = ".".join(str(step) for step in path[n:])
                return f"{file}, row {row}" + (f", column '{column}'" if column else "")
            if path[:n] in self.lines:
                return f"{self.name}, line {self.lines[path[:n]]}"
        return self.name

    def order(self, path: Path) -> tuple[int, int]:
        """Return a key that sorts paths as a reader meets them."""
        line = row = 0
        for n in range(1, len(path) + 1):
            line = self.lines.get(path[:n], line)
            row = self.rows.get(path[:n], ("", row))[1]
        return line, row


def spell(path: Path) -> str:
    """Return a path as text: ``lanes[2].lead_time``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def show(value: object, most: int = 60) -> str:
    """Return a value as written in a scenario, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= most else text[: most - 3] + "..."


def sentence(problem: Problem, places: Places) -> str:
    """Return place, path and text of a problem in one line."""
    place, path = places.of(problem.path), spell(problem.path)
    joint = " " if path and problem.text.startswith("=") else ": "
    head = ", ".join(part for part in (place, path) if part)
    return f"{head}{joint}{problem.text}" if head else problem.text


def report(problems: Iterable[Problem], places: Places | None = None) -> None:
    """Raise one error that lists all problems, in the order of the file; nothing if none.

    Raises
    ------
    NetworkError
        If every problem is one of the network.
    ScenarioError
        Otherwise.
    """
    places = places or Places()
    found: Sequence[Problem] = sorted(problems, key=lambda p: places.order(p.path))
    if not found:
        return
    lines = list(dict.fromkeys(sentence(p, places) for p in found))
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"... and {len(lines) - SHOWN} more problems"]
    kind = NetworkError if all(p.network for p in found) else ScenarioError
    raise kind("\n".join(lines))
