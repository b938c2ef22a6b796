"""What a ready-made study found: answers in words, tables, and charts that are drawn from them.

Plain data, so that a report, a page and another program show the same.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from twin.errors import OutputError
from twin.files import make_folder, read_text, write_text

if TYPE_CHECKING:
    import pandas as pd

FILE = "findings.json"

Kind = Literal["bars", "lines", "points", "tornado", "grid", "graph"]


@dataclass(frozen=True)
class Sheet:
    """A table, and the data of every chart that names it.

    Attributes
    ----------
    name
        Of its file, without an ending.
    title
        What it shows.
    frame
        Its rows.
    units
        Unit by column, where it has one.
    caption
        What is to be said of it.
    """

    name: str
    title: str
    frame: pd.DataFrame
    units: Mapping[str, str] = field(default_factory=dict)
    caption: str = ""


@dataclass(frozen=True)
class Chart:
    """A picture of a sheet, by the names of its columns.

    Attributes
    ----------
    kind
        ``bars``: ``y`` by category ``x``. ``lines``: ``y`` over ``x``, a line per ``group``.
        ``points``: ``y`` against ``x`` with names of ``label``. ``tornado``: ``low`` and ``high``
        on both sides of zero by category ``x``, ordered by ``y``. ``grid``: ``y`` as shades, by
        ``x`` and rows of ``group``. ``graph``: arrows from ``x`` to ``y`` with words of ``label``.
    name
        Of its file, without an ending.
    title
        What it shows.
    sheet
        Name of the sheet.
    x, y, low, high, group, label
        Columns; ``low`` and ``high`` are the ends of an interval.
    caption
        How to read it.
    log_x
        Whether ``x`` is spread by its logarithm.
    zero
        Whether ``y`` is to be seen against zero; a tornado that is not shows two amounts back to
        back, the left one below zero in the sheet.
    """

    kind: Kind
    name: str
    title: str
    sheet: str
    x: str
    y: str
    low: str | None = None
    high: str | None = None
    group: str | None = None
    label: str | None = None
    caption: str = ""
    log_x: bool = False
    zero: bool = False


@dataclass(frozen=True)
class Findings:
    """What a study found.

    Attributes
    ----------
    name
        Of the study.
    title, question
        What it is about, and what was asked.
    answers
        Computed sentences, the most important first.
    sheets, charts
        Tables, and pictures of them, the most important first.
    limits
        What the study cannot tell.
    notes
        What it rests on.
    changes
        What makes a row of a sheet a what-if: changes by dotted key, by the row's label.
    """

    name: str
    title: str
    question: str
    answers: tuple[str, ...]
    sheets: tuple[Sheet, ...]
    charts: tuple[Chart, ...] = ()
    limits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def sheet(self, name: str) -> Sheet:
        """Return the sheet of a name; a :class:`KeyError` if there is none."""
        return {sheet.name: sheet for sheet in self.sheets}[name]

    def summary(self) -> str:
        """Return title, answers and limits as lines of text."""
        marked = [f"- {text}" for text in self.answers]
        told = ["Cannot tell: " + text for text in self.limits]
        lines = [self.title, *(textwrap.fill(t, 80, subsequent_indent="  ") for t in marked + told)]
        return "\n".join(lines)

    def to_json_dict(self) -> dict[str, Any]:
        """Return all of it as plain data, undefined numbers as ``None``."""
        sheets = [
            {
                "name": sheet.name, "title": sheet.title, "units": dict(sheet.units),
                "caption": sheet.caption, "columns": [str(c) for c in sheet.frame.columns],
                "rows": json.loads(sheet.frame.to_json(orient="values", double_precision=15)),
            }
            for sheet in self.sheets
        ]  # fmt: skip
        return {
            "name": self.name, "title": self.title, "question": self.question,
            "answers": list(self.answers), "limits": list(self.limits), "notes": list(self.notes),
            "charts": [asdict(chart) for chart in self.charts], "sheets": sheets,
            "changes": {label: dict(changes) for label, changes in self.changes.items()},
        }  # fmt: skip

    def save(self, folder: str | Path) -> list[Path]:
        """Write ``findings.json`` and a CSV file per sheet; return the files.

        Raises
        ------
        OutputError
            If the folder cannot be written into.
        """
        where = Path(folder)
        files = [where / FILE, *(where / f"{sheet.name}.csv" for sheet in self.sheets)]
        texts = [json.dumps(self.to_json_dict(), indent=1, allow_nan=False) + "\n"]
        texts += [sheet.frame.to_csv(index=False, lineterminator="\n") for sheet in self.sheets]
        make_folder(where)
        for file, text in zip(files, texts, strict=True):
            write_text(file, text)
        return files


def opened(folder: str | Path) -> Findings:
    """Return the findings that a folder holds.

    Raises
    ------
    OutputError
        If it holds none, or they cannot be read.
    """
    file = Path(folder) / FILE
    if not file.is_file():
        msg = f"{folder}: holds no findings; give the folder that `twin study NAME --out` wrote"
        raise OutputError(msg)
    try:
        return _read(json.loads(read_text(file)))
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{file}: is damaged ({error}); give the command that wrote it again"
        raise OutputError(msg) from error


def _read(data: Mapping[str, Any]) -> Findings:
    import pandas as pd

    def sheet(told: Mapping[str, Any]) -> Sheet:
        frame = pd.DataFrame(told["rows"], columns=told["columns"])
        return Sheet(told["name"], told["title"], frame, told["units"], told["caption"])

    texts: dict[str, Sequence[str]] = {k: data[k] for k in ("answers", "limits", "notes")}
    return Findings(
        data["name"], data["title"], data["question"], tuple(texts["answers"]),
        tuple(sheet(s) for s in data["sheets"]), tuple(Chart(**c) for c in data["charts"]),
        tuple(texts["limits"]), tuple(texts["notes"]), data.get("changes", {}),
    )  # fmt: skip
