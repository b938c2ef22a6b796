"""Lines over a number with their bands, and the axes of charts in two numbers."""

from __future__ import annotations

import itertools

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from twin.sums import Floats
from viz import look
from viz.layout import spaced
from viz.pens import BODY, FONT
from viz.picture import Picture
from viz.study_charts_parts import (
    Data,
    Style,
    above,
    bare,
    below,
    canvas,
    folded,
    number_axis,
    span,
    styles,
)

HEIGHT, FOOT, HEAD_ROOM, LEFT = 3.3, 0.5, 0.3, 0.62


def lines(data: Data) -> Picture:
    """Draw a line per group over a number, or over names in their order, with its band."""
    chart = data.chart
    groups = data.groups() or [""]
    looks = styles(data.groups()) or {"": Style(look.INK)}
    figure, pen = canvas(HEIGHT, data.width)
    names = {g: folded(pen, g, 0.22 * data.width, BODY, 2) for g in groups if g}
    right = max((pen.size(line, BODY)[0] for n in names.values() for line in n), default=0.1) + 0.14
    ax = pen.axes(LEFT, FOOT, data.width - LEFT - right, HEIGHT - FOOT - HEAD_ROOM)
    bare(ax, "y")
    x, places = _across(data)
    y, low, high = (data.numbers(c) for c in (chart.y, chart.low, chart.high))
    mine = np.array(data.texts(chart.group) if chart.group else [""] * len(x))
    plane(ax, data, x, (y, low, high), places)
    ends = []
    for group in groups:
        at = np.flatnonzero(mine == group)
        at = at[np.argsort(x[at], kind="stable")]
        at = at[np.isfinite(x[at])]
        _line(ax, x[at], y[at], (low[at], high[at]), looks[group])
        known = at[np.isfinite(y[at])]
        if known.size and group:
            end = (float(x[known[-1]]), float(y[known[-1]]))
            ends.append((end, names[group], looks[group]))
    _at_ends(ax, ends)
    return figure


def _across(data: Data) -> tuple[Floats, list[str]]:
    """Return the horizontal places of the rows, and their names where they are no numbers."""
    x = data.across()
    if np.isfinite(x).any() or not len(x):
        return x, []
    texts = data.texts(data.chart.x)
    places = list(dict.fromkeys(texts))
    return np.array([places.index(t) for t in texts], float), places


def _line(ax: Axes, x: Floats, y: Floats, band: tuple[Floats, Floats], style: Style) -> None:
    if not (np.isnan(band[0]) | np.isnan(band[1])).all():
        ax.fill_between(x, *band, color=style.colour, alpha=0.16, lw=0, zorder=2)
        if len(x) == 1:  # of one value the band has no area
            ax.vlines(x, *band, color=style.colour, lw=1.2, zorder=2.5)
    few = len(x) <= 25
    ax.plot(x, y, color=style.colour, lw=1.8, ls=style.dash, zorder=3, solid_capstyle="round")
    if few:
        ax.plot(x, y, style.mark, ms=4.2, mfc=look.LIGHT["card"] if style.hollow else style.colour,
                mec=style.colour, mew=1.2, zorder=3.2)  # fmt: skip


def plane(ax: Axes, data: Data, x: Floats, up: tuple[Floats, ...], places: list[str]) -> None:
    """Set both axes of a chart: their ends, ticks and words."""
    chart = data.chart
    left, right = span(x)
    log = data.log
    if log:
        ax.set_xscale("log")
    room = 0.02 * (right - left) or 0.5
    times = (right / left) ** 0.03 if log and right > left else 1.1
    ax.set_xlim(*((left / times, right * times) if log else (left - room, right + room)))
    ax.spines["bottom"].set(visible=True, color=look.EDGE, linewidth=0.8)
    if places:
        ax.xaxis.set_major_locator(FixedLocator(range(len(places))))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xticklabels(places)
    else:
        whole = bool((x[np.isfinite(x)] % 1 == 0).all())
        number_axis(ax.xaxis, data.unit(chart.x), log, steps=7, whole=whole)
        if left == right:  # one value: no ticks where nothing was run
            ax.xaxis.set_major_locator(FixedLocator([left]))
    _upright(ax, data, up)
    below(ax, data.words(chart.x))


def _upright(ax: Axes, data: Data, up: tuple[Floats, ...]) -> None:
    low, high = span(*up)
    unit = data.unit(data.chart.y)
    if data.chart.zero:
        low, high = min(low, 0.0), max(high, 0.0)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    ends = [low - (room if low else 0), high + (room if high else 0)]
    if unit == "share" and low >= 0 and high <= 1:
        ends = [max(0.0, ends[0]), min(1.0, ends[1])]
    ax.set_ylim(*ends)
    if low < 0 < high:
        ax.axhline(0, color=look.EDGE, lw=0.9, zorder=1)
    number_axis(ax.yaxis, unit)
    above(ax, data.words(data.chart.y))


def _at_ends(ax: Axes, ends: list[tuple[tuple[float, float], list[str], Style]]) -> None:
    """Write the names of lines at the right, moved apart where they would meet.

    A line that ends before is led to its name by a thin one.
    """
    ends = sorted(ends, key=lambda end: end[0][1])
    low, high = ax.get_ylim()
    tall = ax.get_position().height * ax.figure.get_size_inches()[1]
    right = ax.get_xlim()[1]
    inches = [(y - low) / (high - low) * tall for (_, y), _, _ in ends]
    half = [0.075 * len(names) for _, names, _ in ends]
    gaps = [a + b for a, b in itertools.pairwise(half)]
    for ((x, y), names, style), at in zip(ends, spaced(inches, gaps, 0.0, tall), strict=True):
        ax.annotate("\n".join(names), (1, at / tall), (5, 0), xycoords="axes fraction",
                    textcoords="offset points", fontsize=BODY, family=FONT,
                    color=style.letters or style.colour,
                    ha="left", va="center", linespacing=1.05, parse_math=False)  # fmt: skip
        height = low + at / tall * (high - low)
        ax.plot([x, right], [y, height], color=style.colour, lw=0.6, ls=":", zorder=1.5)
