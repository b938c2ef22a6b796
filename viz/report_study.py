"""The report of a study: its question, the answers, figures, tables, and what it cannot tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from twin import files
from twin.study.findings import Chart, Findings, Sheet
from twin.study.result import Study
from viz import look, study_charts
from viz.report import Block, Figure, Note, Page, Paragraph, Table, render
from viz.study_charts_names import sentence
from viz.study_charts_parts import cell, name
from viz.study_told import findings_of

ROWS = 25
"""Most rows of a table on the page; its file has all of them."""

ROOM, FOLDED = 94, 30
"""Letters beside each other on a page, and of words in one column before they are folded."""


def study_page(findings: Findings) -> Page:
    """Return the report of a study as a page."""
    sheets = {sheet.name: sheet for sheet in findings.sheets}
    blocks: list[Block] = [
        Paragraph(sentence(answer, findings.name), lead=i == 0)
        for i, answer in enumerate(findings.answers)
    ]
    if not findings.answers:
        blocks.append(Paragraph("The study found nothing that can be told in words.", lead=True))
    blocks += [_figure(chart, sheets[chart.sheet]) for chart in findings.charts]
    told = [s for s in findings.sheets if not any(_one_line(s, c) for c in findings.charts)]
    tables = [s for i, s in enumerate(told) if not _repeats(s, told[:i])]
    blocks += [_table(sheet, i == 0) for i, sheet in enumerate(tables)]
    blocks += _texts("What this cannot tell", findings.limits, findings.name)
    blocks += _texts("What it rests on", findings.notes, findings.name)
    return Page(findings.title, findings.question, blocks)


def report(found: Findings | Study) -> str:
    """Return the report of a study as HTML; of one without ready-made findings as well."""
    return render(study_page(findings_of(found) if isinstance(found, Study) else found))


def save_report(found: Findings | Study, path: str | Path) -> None:
    """Write the report of a study as an HTML file.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    files.write_text(Path(path), report(found))


def _figure(chart: Chart, sheet: Sheet) -> Figure:
    parts = (
        sentence(chart.caption),
        study_charts.remarks(chart, sheet),
        f"Data: {sheet.name}.csv.",
    )
    caption = " ".join(filter(None, parts))
    return Figure(
        study_charts.svg(chart, sheet), study_charts.words(chart, sheet), caption,
        sentence(chart.title), tall=True, narrow=study_charts.narrow_svg(chart, sheet),
    )  # fmt: skip


def _repeats(sheet: Sheet, before: Sequence[Sheet]) -> bool:
    """Return whether a sheet holds but the first rows of one that is shown already."""
    n = len(sheet.frame)
    return any(n and sheet.frame.equals(other.frame.head(n)) for other in before)


def _one_line(sheet: Sheet, chart: Chart) -> bool:
    """Return whether the rows that fit a page are the start of but one line of a picture of lines.

    Such a table says nothing beside its picture, whose caption names the file that has it all.
    """
    if chart.kind != "lines" or chart.sheet != sheet.name or not chart.group:
        return False
    return len(sheet.frame) > ROWS and sheet.frame[chart.group].head(ROWS).nunique() == 1


def _table(sheet: Sheet, new_page: bool) -> Table:
    columns = _columns(sheet)
    room, shown = ROOM, []
    for column in columns:
        room -= column.width
        if room < 0 and len(shown) > 1:
            break
        shown.append(column)
    rows = [list(row) for row in zip(*(c.cells for c in shown), strict=True)]
    numbers = frozenset(i for i, c in enumerate(shown) if c.number and i)  # names stand left
    caption = _cut(sheet, len(rows), len(columns) - len(shown))
    return Table([c.head for c in shown], rows, numbers, caption, sentence(sheet.title), new_page)


@dataclass(frozen=True)
class _Column:
    """A column as it stands on the page: a number together with its interval."""

    head: str
    cells: list[str]
    number: bool

    @property
    def width(self) -> int:
        """Letters that it needs: numbers stay whole, words and headings may be folded."""
        widest = max(map(len, self.cells), default=0)
        heading = max(map(len, self.head.split()), default=0)
        return max(heading, widest if self.number else min(widest, FOLDED)) + 2


def _columns(sheet: Sheet) -> list[_Column]:
    """Return the columns of a table; a column that is followed by its ends holds them as well."""
    frame, names = sheet.frame.head(ROWS), [str(c) for c in sheet.frame.columns]
    found, skip = [], set()
    for i, column in enumerate(names):
        if column in skip:
            continue
        unit = str(sheet.units.get(column, ""))
        cells = [cell(x, unit) for x in frame[column]]
        head = name(column) + (f", {unit}" if unit not in ("", "share", "ratio") else "")
        ends = names[i + 1 : i + 3]
        number = sheet.frame[column].dtype.kind in "if"
        if number and [end[-4:].strip("_ ") for end in ends] == ["low", "high"]:
            skip.update(ends)
            sides = zip(cells, *(frame[e] for e in ends), strict=True)
            cells = [_with_ends(x, low, high, unit) for x, low, high in sides]
            head += " (interval)"
        found.append(_Column(head, cells, number))
    return found


def _with_ends(value: str, low: float, high: float, unit: str) -> str:
    if pd.isna(low) or pd.isna(high):
        return value
    least = cell(low, unit).removesuffix("\N{NO-BREAK SPACE}%")
    return f"{value} ({least} to {cell(high, unit)})"


def _cut(sheet: Sheet, rows: int, left_out: int) -> str:
    """Return the caption of a table: what it shows, what of it is left out, and where all is."""
    n = len(sheet.frame)
    said = [sentence(sheet.caption)] if sheet.caption else []
    less = [f"{rows} of {n:,} rows"] if rows < n else []
    less += [f"{look.plural(left_out, 'column')} left out"] if left_out else []
    if less:
        said.append(f"{', '.join(less)}; the whole table is in {sheet.name}.csv.")
    else:
        said.append(f"Also in {sheet.name}.csv." if n else "No rows.")
    return " ".join(said)


def _texts(title: str, texts: tuple[str, ...], study: str) -> Iterator[Block]:
    for i, text in enumerate(texts):
        yield Note(sentence(text, study), title if i == 0 else "")
