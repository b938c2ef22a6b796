"""The heat map of two things varied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize, TwoSlopeNorm
from matplotlib.patches import Rectangle

from twin.sums import Floats
from viz import look
from viz.pens import BODY, FONT, HEAD, SMALL, Pen
from viz.picture import Picture
from viz.study_charts_parts import WIDTH, Data, bare, below, canvas, folded, span

RAISED = LinearSegmentedColormap.from_list("raised", ["#f3f6f9", "#a9bdd4", "#5b7ba3", "#1f3a5f"])
BOTH = LinearSegmentedColormap.from_list(
    "both", ["#5e3f7a", "#bfa6d0", "#f7f7f7", "#8cc5bd", "#0b5c55"]
)
"""From none to most; and both ways from zero, told apart by colour-blind eyes."""
CELLS = 40
"""Most rows and columns of a heat map that are drawn: the first ones."""
KEY = 0.42


# ------------------------------------------------------------------------------------------- grid
def grid(data: Data) -> Picture:
    """Draw a cell per pair, darker for more; numbers stand in the cells where they fit."""
    chart = data.chart
    assert chart.group is not None
    across = _places(data, chart.x)[:CELLS]
    down = _places(data, chart.group)[:CELLS]
    table = _table(data, across, down)
    figure, pen = canvas(1.0)
    names = [folded(pen, words, 0.3 * WIDTH) for words in down]
    left = max((pen.size(line, HEAD)[0] for n in names for line in n), default=0.3) + 0.14
    row = 0.34 if max((len(n) for n in names), default=1) > 1 else 0.3
    wide = WIDTH - left - 0.05
    heads = [
        folded(pen, words, max(0.3, wide / max(1, len(across)) - 0.06), BODY) for words in across
    ]
    foot = 0.3 + 0.13 * max((len(h) for h in heads), default=1)
    figure, pen = canvas(foot + row * len(down) + KEY)
    ax = pen.axes(left, foot, wide, row * len(down))
    norm, shades = _scale(table)
    _cells(pen, ax, table, data, (norm, shades))
    _named(ax, names, heads)
    below(ax, data.words(chart.x))
    _shades(pen, (left, pen.height - 0.2), wide, data, (norm, shades))
    return figure


def _places(data: Data, column: str) -> list[str]:
    """Return the names of rows or columns in order: numbers by size, words as they come."""
    numbers = data.numbers(column)
    texts = np.array(data.texts(column), dtype=object)
    order = np.argsort(numbers, kind="stable") if np.isfinite(numbers).all() else range(len(texts))
    return list(dict.fromkeys(texts[i] for i in order))


def _table(data: Data, across: Sequence[str], down: Sequence[str]) -> Floats:
    table = np.full((len(down), len(across)), np.nan)
    columns, rows = data.texts(data.chart.x), data.texts(str(data.chart.group))
    for x, y, value in zip(columns, rows, data.numbers(data.chart.y), strict=True):
        if x in across and y in down:
            table[down.index(y), across.index(x)] = value
    return table


def _scale(table: Floats) -> tuple[Normalize, LinearSegmentedColormap]:
    """Return how numbers become shades: from zero both ways where some are below it."""
    low, high = span(table)
    if low < 0 < high:
        most = max(-low, high)
        return TwoSlopeNorm(0, -most, most), BOTH
    return Normalize(low, high if high > low else low + 1), RAISED


def _cells(pen: Pen, ax: Axes, table: Floats, data: Data, scale: tuple[Normalize, Any]) -> None:
    bare(ax, "")
    rows, columns = table.shape
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    norm, shades = scale
    place = ax.get_position()
    room = place.width * pen.width / max(1, columns)
    words = [[data.said(v, data.chart.y) for v in line] for line in table]
    fits = max((pen.size(w, SMALL)[0] for line in words for w in line), default=0) < room - 0.04
    for i in range(rows):
        for j in range(columns):
            value = table[i, j]
            shade = shades(norm(value)) if np.isfinite(value) else "white"
            ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fc=shade, ec="white", lw=1))
            if fits:
                ax.text(j, i, words[i][j], fontsize=SMALL, family=FONT, ha="center",
                        va="center_baseline", color=_on(shade), parse_math=False)  # fmt: skip


def _on(shade: Any) -> str:
    """Return the colour of letters that are read on a shade."""
    if shade == "white":
        return look.GREY
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in shade[:3]]
    bright = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return look.INK if bright > 0.2 else "white"


def _named(ax: Axes, names: Sequence[list[str]], heads: Sequence[list[str]]) -> None:
    ax.set_yticks(range(len(names)), ["\n".join(n) for n in names])
    ax.set_xticks(range(len(heads)), ["\n".join(h) for h in heads])
    for label in ax.get_yticklabels():
        label.set(fontsize=HEAD, color=look.INK, linespacing=1.05)


def _shades(
    pen: Pen, at: tuple[float, float], wide: float, data: Data, scale: tuple[Normalize, Any]
) -> None:
    """Draw what the shades mean, with the ends of the scale."""
    norm, shades = scale
    words = data.words(data.chart.y)
    used = pen.size(words, BODY)[0]
    pen.figure.text(at[0] / pen.width, at[1] / pen.height, words, fontsize=BODY, family=FONT,
                    color=look.GREY, va="center_baseline", parse_math=False)  # fmt: skip
    ends = [data.said(float(v), data.chart.y) for v in (norm.vmin, norm.vmax)]
    x = at[0] + used + 0.16 + pen.size(ends[0], BODY)[0]
    length = min(1.6, max(0.6, wide - used - 1.4))
    ax = pen.axes(x + 0.06, at[1] - 0.045, length, 0.11)
    ax.imshow(np.linspace(0, 1, 128)[None, :], aspect="auto", cmap=shades, interpolation="bilinear")
    ax.set_axis_off()
    for words, place, ha in ((ends[0], x, "right"), (ends[1], x + length + 0.12, "left")):
        pen.figure.text(place / pen.width, at[1] / pen.height, words, fontsize=BODY, family=FONT,
                        color=look.GREY, ha=ha, va="center_baseline")  # fmt: skip
