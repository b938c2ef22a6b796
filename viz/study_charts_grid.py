"""The heat map of two things varied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from twin.sums import Floats
from viz import look
from viz.pens import BODY, FONT, HEAD, SMALL, Pen
from viz.picture import Picture
from viz.study_charts_parts import Data, bare, below, canvas, folded, span

CELLS = 40
"""Most rows and columns of a heat map that are drawn: the first ones."""
KEY = 0.42


def grid(data: Data) -> Picture:
    """Draw a cell per pair, darker for more; numbers stand in the cells where they fit."""
    chart = data.chart
    assert chart.group is not None
    across = _places(data, chart.x)[:CELLS]
    down = _places(data, chart.group)[:CELLS]
    table = _table(data, across, down)
    figure, pen = canvas(1.0, data.width)
    names = [folded(pen, words, 0.3 * data.width) for words in down]
    left = max((pen.size(line, HEAD)[0] for n in names for line in n), default=0.3) + 0.14
    row = 0.34 if max((len(n) for n in names), default=1) > 1 else 0.3
    wide = data.width - left - 0.05
    heads = [
        folded(pen, words, max(0.3, wide / max(1, len(across)) - 0.06), BODY) for words in across
    ]
    foot = 0.3 + 0.13 * max((len(h) for h in heads), default=1)
    figure, pen = canvas(foot + row * len(down) + KEY, data.width)
    ax = pen.axes(left, foot, wide, row * len(down))
    scale = _scale(table)
    _cells(pen, ax, table, data, scale)
    _named(ax, names, heads)
    below(ax, data.words(chart.x))
    _shades(pen, (left, pen.height - 0.2), wide, data, scale)
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


@dataclass(frozen=True)
class _Scale:
    """What the shades of cells mean: from none to most, or both ways from zero."""

    low: float
    high: float

    @property
    def shades(self) -> list[str]:
        """All shades, from the least to the most."""
        if self.low < 0 < self.high:
            return [*reversed(look.ramp("under")), *look.ramp("above")]
        return look.ramp("most")

    def at(self, value: float) -> int:
        """Return which of the shades a number has."""
        n = len(self.shades)
        return min(n - 1, int((value - self.low) / (self.high - self.low) * n))


def _scale(table: Floats) -> _Scale:
    low, high = span(table)
    if low < 0 < high:
        most = max(-low, high)
        return _Scale(-most, most)
    return _Scale(low, high if high > low else low + 1)


def _cells(pen: Pen, ax: Axes, table: Floats, data: Data, scale: _Scale) -> None:
    bare(ax, "")
    rows, columns = table.shape
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    place = ax.get_position()
    room = place.width * pen.width / max(1, columns)
    words = [[data.said(v, data.chart.y) for v in line] for line in table]
    fits = max((pen.size(w, SMALL)[0] for line in words for w in line), default=0) < room - 0.04
    for i in range(rows):
        for j in range(columns):
            value = table[i, j]
            shade = scale.shades[scale.at(value)] if np.isfinite(value) else look.LIGHT["card"]
            ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fc=shade, ec=look.LIGHT["card"], lw=1))
            if fits:
                ax.text(j, i, words[i][j], fontsize=SMALL, family=FONT, ha="center",
                        va="center_baseline", color=_on(shade), parse_math=False)  # fmt: skip


def _on(shade: str) -> str:
    """Return the colour of letters that are read on a shade, by day and by night."""
    if shade == look.LIGHT["card"]:
        return look.GREY
    strong = any(shade in look.ramp(name)[look.PER_HALF :] for name in look.RAMPS)
    return look.LIGHT["on-strong" if strong else "on-pale"]


def _named(ax: Axes, names: Sequence[list[str]], heads: Sequence[list[str]]) -> None:
    ax.set_yticks(range(len(names)), ["\n".join(n) for n in names])
    ax.set_xticks(range(len(heads)), ["\n".join(h) for h in heads])
    for label in ax.get_yticklabels():
        label.set(fontsize=HEAD, color=look.INK, linespacing=1.05)


def _shades(pen: Pen, at: tuple[float, float], wide: float, data: Data, scale: _Scale) -> None:
    """Draw what the shades mean, with the ends of the scale."""
    words = data.words(data.chart.y)
    used = pen.size(words, BODY)[0]
    ends = [data.said(v, data.chart.y) for v in (scale.low, scale.high)]
    x = at[0] + used + 0.16 + pen.size(ends[0], BODY)[0]
    length = min(1.6, max(0.6, wide - used - 1.4))
    ax = pen.axes(x + 0.06, at[1] - 0.045, length, 0.11)
    shades = scale.shades
    ax.set(xlim=(0, len(shades)), ylim=(0, 1))
    for i, shade in enumerate(shades):
        ax.add_patch(Rectangle((i, 0), 1, 1, fc=shade, lw=0))
    ax.set_axis_off()
    told = ((words, at[0], "left"), (ends[0], x, "right"), (ends[1], x + length + 0.12, "left"))
    for text, place, ha in told:
        pen.figure.text(place / pen.width, at[1] / pen.height, text, fontsize=BODY, family=FONT,
                        color=look.GREY, ha=ha, va="center_baseline", parse_math=False)  # fmt: skip
