"""The charts of a study's report: one SVG picture per chart, drawn from its sheet.

Colour never stands alone: groups have marks, dashes and names beside them. Every number that is
drawn stands in the sheet, which is kept as a table beside the report.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import matplotlib
import numpy as np

from twin.study.findings import Chart, Sheet
from viz.picture import Picture
from viz.study_charts_graph import LINKS, graph
from viz.study_charts_grid import CELLS, grid
from viz.study_charts_names import sentence
from viz.study_charts_parts import NARROW, WIDTH, Data, empty
from viz.study_charts_plane import lines
from viz.study_charts_points import NAMED, points
from viz.study_charts_rows import MOST, bars, tornado

KINDS: dict[str, Callable[[Data], Picture]] = {
    "bars": bars, "lines": lines, "points": points, "tornado": tornado, "grid": grid, "graph": graph,
}  # fmt: skip


def svg(chart: Chart, sheet: Sheet, width: float = WIDTH) -> str:
    """Return a chart as SVG, so many inches wide: the same text for the same chart and sheet."""
    data = Data(chart, sheet, width)
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, "backend": "agg"}):
        picture = KINDS[chart.kind](data) if _drawable(data) else empty("Nothing to show.", width)
        picture.sentence = sentence(chart.title)
        drawn = io.StringIO()
        picture.savefig(drawn, format="svg")
    return drawn.getvalue()


def narrow_svg(chart: Chart, sheet: Sheet) -> str:
    """Return a chart as SVG for a phone, nothing where it does not fit there: a wide graph."""
    return "" if chart.kind == "graph" else svg(chart, sheet, NARROW)


def _drawable(data: Data) -> bool:
    """Return whether a sheet holds at least one number, or link, to draw."""
    chart = data.chart
    if data.frame.empty:
        return False
    if chart.kind == "graph":
        return True
    columns = [chart.low, chart.high] if chart.kind == "tornado" else [chart.y]
    if chart.kind == "points":
        return bool((np.isfinite(data.across()) & np.isfinite(data.numbers(chart.y))).any())
    return any(np.isfinite(data.numbers(c)).any() for c in columns)


def words(chart: Chart, sheet: Sheet) -> str:
    """Return a chart in words, for those who hear it: its title and its ends."""
    data, title = Data(chart, sheet), sentence(chart.title)
    if not _drawable(data):
        return f"{title}. Nothing to show."
    if chart.kind == "graph":
        return f"{title}. {len(data.frame)} links."
    column = str(chart.low if chart.kind == "tornado" else chart.y)
    values = data.numbers(column)
    names = data.texts(str(chart.label or chart.x))
    known = np.flatnonzero(np.isfinite(values))
    least, most = known[np.argmin(values[known])], known[np.argmax(values[known])]
    told = (
        f"{names[i]} {data.said(float(values[i]), column)}" for i in dict.fromkeys((least, most))
    )
    return f"{title}. {data.words(column)}: from {' to '.join(told)}."


def remarks(chart: Chart, sheet: Sheet) -> str:
    """Return what of a sheet is not in the picture, and what its numbers are, as far as needed."""
    data, n = Data(chart, sheet), len(sheet.frame)
    told = []
    most = {"bars": MOST * max(1, len(data.groups())), "tornado": MOST, "graph": LINKS}
    if n > most.get(chart.kind, n):
        which = "first" if chart.kind == "bars" else "strongest"
        told.append(f"The {which} {most[chart.kind]} of {n} are drawn.")
    off = int((data.numbers(chart.x) <= 0).sum()) if data.log else 0
    if off and chart.kind in ("points", "lines"):
        told.append(f"{off} of {n} are at 0 or below, off this scale.")
    if chart.kind == "points" and chart.label and n > NAMED:
        told.append(f"Names stand where there is room, for the first {NAMED}.")
    if chart.kind == "grid":
        sides = max(len(set(data.texts(str(c)))) for c in (chart.x, chart.group))
        told += [f"The first {CELLS} of {sides} are drawn."] if sides > CELLS else []
    if chart.kind == "graph" and chart.label:
        told.append(f"At the arrows: {data.words(chart.label)}.")
    return " ".join(told)
