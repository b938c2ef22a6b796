"""Charts with one row per name: bars with intervals, and the tornado."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from twin.sums import Floats
from viz import look
from viz.pens import BODY, FONT, HEAD, Pen
from viz.picture import Picture
from viz.study_charts_parts import (
    DEEP,
    FAINT,
    FILL,
    Data,
    Style,
    bare,
    below,
    canvas,
    folded,
    key,
    key_room,
    name,
    number_axis,
    span,
    styles,
)

MOST = 30
"""Most rows that a picture shows: the first ones; the sheet has the others."""

TINY = 4e-3
"""Share of the axis below which an end of a tornado is no number to read."""

FOOT = 0.48
"""Inches for the axis below, with one line that says what it shows."""

TITLE_LINE = 0.15
"""Inches for each further line of that."""


@dataclass(frozen=True)
class _Frame:
    """The left side of such a chart: its names, how high a row is, where the plot begins."""

    names: list[list[str]]
    left: float
    row: float

    @property
    def height(self) -> float:
        return self.row * len(self.names)


def _frame(pen: Pen, names: Sequence[str], bars: int) -> _Frame:
    room = 0.36 * pen.width
    lines = [folded(pen, words, room) for words in names]
    left = max((pen.size(line, HEAD)[0] for row in lines for line in row), default=0.5) + 0.12
    tall = max((len(row) for row in lines), default=1)
    return _Frame(lines, left, max(0.15 * bars + 0.12, 0.27 if tall == 1 else 0.34))


def _key_place(pen: Pen, frame: _Frame, looks: dict[str, Style]) -> tuple[float, float]:
    """Return where the names of groups begin, and how many inches they need above the bars.

    They begin with the bars; where they would need several lines there, at the left end.
    """
    left, room = frame.left, key_room(pen, looks, pen.width - frame.left)
    if room > key_room(pen, looks, pen.width):
        left, room = 0.0, key_room(pen, looks, pen.width)
    return left, max(room, 0.06)


def _axes(pen: Pen, frame: _Frame, right: float, foot: float = FOOT) -> Axes:
    ax = pen.axes(frame.left, foot, pen.width - frame.left - right, frame.height)
    bare(ax, "x")
    ax.set_ylim(len(frame.names) - 0.5, -0.5)
    ax.set_yticks([])
    for y, lines in enumerate(frame.names):
        ax.annotate("\n".join(lines), (0, y), (-8, 0), xycoords=("axes fraction", "data"),
                    textcoords="offset points", fontsize=HEAD, family=FONT, color=look.INK,
                    ha="right", va="center", linespacing=1.1, parse_math=False)  # fmt: skip
    return ax


# ------------------------------------------------------------------------------------------- bars
def bars(data: Data) -> Picture:
    """Draw a bar per name, or per name and group, its interval on it, its value beside it."""
    shown = data.head(MOST * max(1, len(data.groups())))
    chart, groups = data.chart, shown.groups()
    names = list(dict.fromkeys(shown.texts(chart.x)))
    paired = len(names) < len(shown.frame)  # a name has a bar in several groups
    looks = styles(groups)
    figure, pen = canvas(1.0, data.width)
    frame = _frame(pen, names, len(groups) if paired else 1)
    left, top = _key_place(pen, frame, looks)
    value, low, high = (shown.numbers(c) for c in (chart.y, chart.low, chart.high))
    words = [shown.said(v, chart.y) for v in value]
    right = max((pen.size(w, BODY)[0] for w in words), default=0.3) + 0.16
    title = pen.wrapped(_title(data), BODY, pen.width - frame.left - right)
    foot = FOOT + TITLE_LINE * (len(title) - 1)
    figure, pen = canvas(foot + frame.height + top, data.width)
    if len(groups) > 1:
        key(pen, (left, pen.height - 0.12), looks, pen.width - left)
    ax = _axes(pen, frame, right, foot)
    _scale(ax, data, (value, low, high), right)
    below(ax, "\n".join(title))
    lanes = len(groups) if paired and groups else 1
    for i, x in enumerate(shown.texts(chart.x)):
        group = shown.texts(chart.group)[i] if chart.group else ""
        lane = groups.index(group) if lanes > 1 else 0
        y = names.index(x) + (lane - (lanes - 1) / 2) * 0.78 / lanes
        ends = (value[i], low[i], high[i])
        _bar(ax, y, 0.62 / lanes, ends, words[i], looks.get(group, Style(FILL)))
    return figure


def _scale(ax: Axes, data: Data, ends: tuple[Floats, Floats, Floats], room: float) -> None:
    least, most = span(*ends)
    below_zero = bool((np.nan_to_num(ends[0]) < 0).any())
    _wide(ax, min(least, 0.0), max(most, 0.0), room if below_zero else 0.02)
    ax.axvline(0, color=look.EDGE, lw=0.9, zorder=2.6)
    number_axis(ax.xaxis, data.unit(data.chart.y))


def _wide(ax: Axes, least: float, most: float, room: float) -> None:
    """Set the ends of an axis, with some inches left of the least number if it is below zero."""
    wide = ax.get_position().width * ax.figure.get_size_inches()[0]
    per = (most - least or 1.0) / max(0.5, wide - (room if least < 0 else 0) - 0.02)
    ax.set_xlim(least - (room * per if least < 0 else 0), most + 0.02 * per)


def _title(data: Data) -> str:
    """Return what the axis of the bars shows."""
    ends = "; thin lines: interval" if data.chart.low and data.chart.high else ""
    return data.words(data.chart.y) + ends


def _bar(
    ax: Axes, y: float, thick: float, ends: tuple[float, float, float], words: str, style: Style
) -> None:
    value, low, high = ends
    if np.isfinite(value):
        ax.barh(
            y, value, thick, color=look.softened(style.colour, look.SOFT[style.hollow]), zorder=2
        )
    if np.isfinite(low) and np.isfinite(high):
        ax.plot(
            [low, high], [y, y], color=look.LIGHT["card"], lw=3.2, zorder=3, solid_capstyle="butt"
        )
        ax.plot([low, high], [y, y], color=look.INK, lw=1.3, zorder=3.1, solid_capstyle="butt")
    known = [v for v in ends if np.isfinite(v)]
    left = np.isfinite(value) and value < 0
    at = min([0.0, *known]) if left else max([0.0, *known])
    ax.annotate(words, (at, y), (-5 if left else 5, 0), textcoords="offset points", fontsize=BODY,
                family=FONT, color=look.INK if known else look.GREY, zorder=4,
                ha="right" if left else "left", va="center_baseline", parse_math=False,
                annotation_clip=False)  # fmt: skip


# ---------------------------------------------------------------------------------------- tornado
def tornado(data: Data) -> Picture:
    """Draw how far each name moves a number down and up, in the order of the sheet.

    Of a chart that is not to be seen against zero both sides are amounts, back to back, the left
    one below zero in the sheet: they are said without a sign.
    """
    chart = data.chart
    assert chart.low is not None
    assert chart.high is not None
    data = data.head(MOST)
    names = data.texts(chart.x)
    low, high = data.numbers(chart.low), data.numbers(chart.high)
    figure, pen = canvas(1.0, data.width)
    frame = _frame(pen, names, 1)
    looks = {
        name(chart.low): Style(DEEP, "s", hollow=True),
        name(chart.high): Style(DEEP, "s"),
    }
    left, top = _key_place(pen, frame, looks)
    figure, pen = canvas(FOOT + frame.height + top, data.width)
    key(pen, (left, pen.height - 0.12), looks, pen.width - left)
    unit = chart.low
    words = [[data.said(v, unit) for v in side] for side in (low if chart.zero else -low, high)]
    room = max((pen.size(w, BODY)[0] for side in words for w in side), default=0.3) + 0.14
    ax = _axes(pen, frame, room)
    _tornado_scale(ax, data, low, high, room)
    for y, (a, b) in enumerate(zip(low, high, strict=True)):
        _wings(ax, y, (a, b), (words[0][y], words[1][y]), not chart.zero)
        if chart.zero and max(abs(np.nan_to_num([a, b]))) < TINY * np.ptp(ax.get_xlim()):
            _nothing(ax, y)
    return figure


def _nothing(ax: Axes, y: float) -> None:
    """Say that a lever moves next to nothing, on the side where there is more room."""
    low, high = ax.get_xlim()
    right = high > -low
    ax.annotate("next to nothing", (0, y), (5 if right else -5, 0), textcoords="offset points",
                fontsize=BODY, family=FONT, color=look.GREY, ha="left" if right else "right",
                va="center_baseline")  # fmt: skip


def _tornado_scale(ax: Axes, data: Data, low: Floats, high: Floats, room: float) -> None:
    least, most = span(low, high)
    least, most = min(least, 0.0), max(most, 0.0)
    _wide(ax, least, most, room)
    ax.axvline(0, color=look.INK, lw=0.9, zorder=3)
    number_axis(ax.xaxis, data.unit(str(data.chart.low)))
    unit = data.unit(str(data.chart.low))
    unit = unit if unit not in ("", "share", "ratio") else ""
    if data.chart.zero:
        below(ax, "Difference" + (f", {unit}" if unit else ""))
        return
    plain = ax.xaxis.get_major_formatter()
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, at: plain(abs(x), at)))
    below(ax, unit.capitalize())


def _wings(
    ax: Axes, y: float, ends: tuple[float, float], words: tuple[str, str], amounts: bool
) -> None:
    """Draw both ends of a row; where both lie on one side the shorter lies on the longer.

    Amounts have a number each, on their own side; of differences the tiny ones have none.
    """
    order = sorted((0, 1), key=lambda i: -abs(np.nan_to_num(ends[i])))
    for k, i in enumerate(order):
        if not np.isfinite(ends[i]):
            continue
        same = k == 1 and ends[0] * ends[1] > 0
        fill = DEEP if i else FAINT
        ax.barh(y, ends[i], 0.3 if same else 0.62, color=fill, ec=DEEP, lw=0.9, zorder=2 + 0.1 * k)
        if not amounts and (same or abs(ends[i]) < TINY * np.ptp(ax.get_xlim())):
            continue
        left = i == 0 if amounts else ends[i] < 0
        at = (min if left else max)(ends[i], 0.0)
        ax.annotate(words[i], (at, y), (-5 if left else 5, 0), textcoords="offset points",
                    fontsize=BODY, family=FONT, color=look.INK, ha="right" if left else "left",
                    va="center_baseline", annotation_clip=False)  # fmt: skip
