"""What the page hands out as files: KPIs, histories, pictures, scenarios and the report.

Every function returns the bytes of one file, the same bytes for the same answer.
"""

from __future__ import annotations

import csv
import io
import re
import threading
import zipfile
from collections.abc import Mapping, Sequence
from typing import Literal

from twin import result_files
from twin.compare import Comparison
from twin.errors import RunError
from twin.load import to_text
from twin.result import Result, words
from twin.schema import Scenario
from twin.study.findings import Findings
from viz import look, report, report_study, study_charts
from viz import picture as drawing
from viz.report_what_if import PICTURE, what_if_page

COLUMNS = ("kpi", "baseline", "what_if", "difference", "low", "high", "clear", "unit", "better",
           "group", "n")  # fmt: skip
"""Of the KPI table; low and high are the ends of the difference's paired 95 % interval."""

_DRAWING = threading.Lock()
"""Matplotlib's settings belong to the process: one picture at a time."""


def kpis_csv(comparison: Comparison) -> bytes:
    """Return all KPIs of both results and their differences, see :data:`COLUMNS`; UTF-8.

    Numbers have all their digits; what is undefined is an empty cell.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in comparison.rows:
        told = {**row, "baseline": row["a"], "what_if": row["b"]}
        told["unit"] = words(row["unit"], comparison.b.scenario)
        table.writerow(["" if told[c] != told[c] else told[c] for c in COLUMNS])
    return text.getvalue().encode()


def histories_parquet(comparison: Comparison) -> bytes:
    """Return the recorded series of both results as a ZIP of Parquet files.

    ``what_if/rows_on_hand.parquet`` and so on, each in long form: date, row (or link, sink),
    replication and the value.

    Raises
    ------
    RunError
        If no series were recorded.
    """
    runs = {"baseline": comparison.a, "what_if": comparison.b}
    if not any(result.series for result in runs.values()):
        msg = "no histories were recorded; run with record=['rows.on_hand'] or fewer replications"
        raise RunError(msg)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as packed:  # Parquet is compressed
        for folder, result in runs.items():
            for name in result.series:
                file = io.BytesIO()
                result_files.tidy(result, name).to_parquet(file, index=False)
                at = zipfile.ZipInfo(f"{folder}/{name.replace('.', '_')}.parquet")  # of no date
                packed.writestr(at, file.getvalue())
    return whole.getvalue()


def scenario_yaml(scenario: Scenario) -> bytes:
    """Return a scenario as a YAML file that loads as the same scenario, tables written out."""
    return to_text(scenario).encode()


def picture(
    result: Result, kind: Literal["svg", "png"], size: tuple[float, float] = drawing.SIZE
) -> bytes:
    """Return a result as a picture of so many inches."""
    file = io.BytesIO()
    with _DRAWING:
        drawing.draw(result, size).savefig(file, format=kind)
    return file.getvalue()


def what_if_report(
    comparison: Comparison, changed: Sequence[Mapping[str, str]], sentence: str, base_name: str
) -> bytes:
    """Return the printable report of a what-if; arguments as of :func:`viz.report_what_if.what_if_page`."""
    drawn = picture(comparison.b, "svg", PICTURE).decode()
    page = what_if_page(comparison, changed, sentence, base_name, drawn)
    return report.render(page).encode()


def study_report(found: Findings) -> bytes:
    """Return the report of a study as an HTML page."""
    with _DRAWING:
        return report_study.report(found).encode()


def study_pictures(found: Findings) -> dict[str, str]:
    """Return each chart of a study as SVG by its name, dark where what shows it is."""
    with _DRAWING:
        drawn = {c.name: study_charts.svg(c, found.sheet(c.sheet)) for c in found.charts}
    return {name: look.svg_as_preferred(svg) for name, svg in drawn.items()}


def file_name(scenario: Scenario, what: str, ending: str) -> str:
    """Return a plain file name: ``electronics-kpis.csv``; letters that no disk likes are left out.

    Parameters
    ----------
    scenario
        Whose it is.
    what
        One word: ``kpis``, ``report`` ...
    ending
        Without the point.
    """
    plain = re.sub(r"[^\w-]+", "-", scenario.name).strip("-_")[:60]
    return f"{plain or 'scenario'}-{what}.{ending}"
