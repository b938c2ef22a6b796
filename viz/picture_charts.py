"""The lower half of the picture: service, stock and orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from twin.result import Result
from viz import look, series
from viz.layout import spaced
from viz.pens import BODY, FONT, HEAD, SMALL, Pen, write

TITLE_ROOM, AXIS_ROOM = 0.5, 0.36
"""Inches above a chart (title, names of events) and below it (ticks, unit)."""

TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)

Box = tuple[float, float, float, float]


def draw_service(pen: Pen, box: Box, result: Result) -> Axes:
    """Draw the on-time share over time with its band and the disruptions."""
    w, period = result.scenario.resilience.window, result.scenario.calendar.period
    title = f"On time, last {w} {period}s" if w > 1 else f"On time, each {period}"
    ax = _chart(pen, box, title, left=0.42, right=0.5)
    course = series.service(result)
    if course is None:
        return _empty(pen, ax, box, "service")
    _time_axis(ax, result, course.t)
    _events(pen, ax, result, named=True)
    if result.replications > 1:
        ax.fill_between(course.t, course.low, course.high, color=look.INK, alpha=0.17, lw=0)
    ax.plot(course.t, course.middle, color=look.INK, lw=1.4, solid_capstyle="butt")
    ax.set_ylim(0, 1.0)
    ax.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: look.share(v)))
    _ends(pen, ax, course, band=result.replications > 1)
    return ax


def draw_stock(pen: Pen, box: Box, result: Result) -> Axes:
    """Draw the mean stock by stage, stacked, with a line where push ends and pull begins."""
    measure = series.measure(result.topology)
    layers = _seen(series.stock_layers(result))
    unit = measure.unit if measure.money else f"{measure.unit}s"
    names = [_layer_name(layer, layers or []) for layer in layers or []]
    right = min(0.4 * box[2], max((pen.size(n, SMALL)[0] for n in names), default=0.3) + 0.08)
    ax = _chart(pen, box, f"Stock by stage, {unit}", left=0.4, right=right)
    if layers is None:
        return _empty(pen, ax, box, "stock")
    first = result.scenario.warmup
    t = first + np.arange(layers[0].values.size, dtype=float)
    _time_axis(ax, result, t)
    _events(pen, ax, result, named=False)
    tops = np.cumsum([layer.values for layer in layers], axis=0)
    ax.set_ylim(0, 1.06 * max(float(tops[-1].max()), 1e-9))
    below = np.zeros(t.size)
    for i, (layer, upper) in enumerate(zip(layers, tops, strict=True)):
        mates = [a for a in layers if a.mode == layer.mode]
        color = look.shade(layer.mode, mates.index(layer), len(mates))
        ax.fill_between(t, below, upper, color=color, lw=0, zorder=2)
        last_of_push = layer.mode == "push" and all(a.mode != "push" for a in layers[i + 1 :])
        if last_of_push and i + 1 < len(layers):
            ax.plot(t, upper, color=look.INK, lw=0.9, zorder=3)
        elif i + 1 < len(layers):
            ax.plot(t, upper, color="white", lw=0.6, zorder=2.5)
        below = upper
    modes = {layer.mode for layer in layers}
    if {"push", "pull"} <= modes:
        _key(pen, ax, (("pull above the line, ", "pull"), ("push below", "push")))
    elif modes == {"push"}:
        _key(pen, ax, (("nearly all of it push", "push"),))
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: look.tick(v, ax.get_ylim()[1])))
    _layer_names(pen, ax, layers, names, tops, right)
    return ax


def _seen(layers: list[series.Layer] | None) -> list[series.Layer] | None:
    """Leave out the stages whose stock is too little to be seen."""
    if not layers:
        return layers
    most = float(np.sum([layer.values for layer in layers], axis=0).max())
    return [layer for layer in layers if float(layer.values.max()) > 0.01 * most] or layers[:1]


def draw_orders(pen: Pen, box: Box, result: Result) -> Axes:
    """Draw how much more than customer demand each stage's orders vary."""
    bars = series.bullwhip(result)
    names = [look.said(b.name) for b in bars or []]
    left = min(0.42 * box[2], max((pen.size(n, SMALL)[0] for n in names), default=0.3) + 0.1)
    ax = _chart(pen, box, "Bullwhip by stage (log scale)", left=left, right=0.36)
    if bars is None:
        return _empty(pen, ax, box, "orders")
    known = [b.middle for b in bars if b.middle > 0]
    if not known:
        return _note(pen, ax, box, "Customer demand does not vary, so there is no ratio to show.")
    ends = [v for b in bars for v in (b.low, b.high) if v > 0]
    low, high = min(0.8, 0.8 * min(ends)), max(2.2, 1.15 * max(ends))
    ax.set(xscale="log", xlim=(low, high), ylim=(len(bars) - 0.4, -0.6))
    ax.axvline(1, color=look.GREY, lw=0.9, ls=(0, (3, 2)), zorder=1)
    for y, bar in enumerate(bars):
        _bar(pen, ax, y, bar)
    marks = (("● push   ", "push"), ("□ pull   ", "pull"), ("● both", "mixed"))
    _key(pen, ax, [(text, mode) for text, mode in marks if mode in {b.mode for b in bars}])
    ax.yaxis.set_major_locator(FixedLocator(range(len(bars))))
    ax.set_yticklabels([pen.fitted(n, SMALL, left - 0.1) for n in names])
    ax.tick_params(axis="y", length=0, pad=4)
    shown = [v for v in TICKS if low <= v <= high]
    ax.xaxis.set_major_locator(FixedLocator(shown[:: 1 + len(shown) // 5]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}×"))
    _below(ax, "swing of orders, demand = 1×")
    return ax


# -------------------------------------------------------------------------------------- one chart
def _chart(pen: Pen, box: Box, title: str, left: float, right: float) -> Axes:
    x, y, w, h = box
    ax = pen.axes(x + left, y + AXIS_ROOM, w - left - right, h - TITLE_ROOM - AXIS_ROOM)
    ax.set_label(title.partition(",")[0].partition(":")[0])
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set(color=look.GREY, linewidth=0.8)
    ax.tick_params(labelsize=SMALL, labelcolor=look.GREY, labelfontfamily=FONT, color=look.GREY,
                   width=0.8, length=2.5, pad=2)  # fmt: skip
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", color=look.HAIR, lw=0.6)
    ax.set_axisbelow(True)
    ax.set_facecolor("none")
    pen.figure.text(
        x / pen.width, (y + h - 0.02) / pen.height, pen.fitted(title, HEAD, w, bold=True),
        fontsize=HEAD, weight="bold", family=FONT, color=look.INK, ha="left", va="top",
        parse_math=False,
    )  # fmt: skip
    return ax


def _time_axis(ax: Axes, result: Result, t: np.ndarray) -> None:
    ax.set_xlim(float(t[0]), float(max(t[-1], t[0] + 1)))
    ax.xaxis.set_major_locator(
        MaxNLocator(6 if _inches(ax) > 1.6 else 4, integer=True, steps=[1, 2, 5, 10])
    )
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    _below(ax, f"{result.scenario.calendar.period} of the run")


def _inches(ax: Axes) -> float:
    """Return the width of a chart."""
    width: float = ax.get_position().width * ax.figure.get_size_inches()[0]
    return width


def _below(ax: Axes, text: str) -> None:
    ax.set_xlabel(text, fontsize=SMALL, family=FONT, color=look.GREY, labelpad=2)


def _events(pen: Pen, ax: Axes, result: Result, named: bool) -> None:
    """Draw disruptions as amber bands and moves as lines, named above the chart."""
    low, high = ax.get_xlim()
    spots: list[tuple[float, str]] = []
    for e in series.events(result.topology):
        if e.end < low or e.start > high:
            continue
        a, b = max(e.start, low), min(e.end, high)
        if e.end > e.start:
            alpha = 0.38 if e.probability == 1 else 0.2
            ax.axvspan(a, b, color=look.AMBER, alpha=alpha, lw=0, zorder=0.5)
        else:
            ax.axvline(a, color=look.INK, lw=1, ls=(0, (4, 2)), zorder=0.6)
        chance = "" if e.probability == 1 else f" ({look.share(e.probability)})"
        spots.append(((a + b) / 2, e.name + chance))
    if named:
        _event_names(pen, ax, spots)


def _event_names(pen: Pen, ax: Axes, spots: Sequence[tuple[float, str]]) -> None:
    """Write the names that fit above the chart; count the others."""
    low, high = ax.get_xlim()
    per = (high - low) / _inches(ax)  # periods an inch
    free, left_out = low, 0
    for x, name in spots:
        half = pen.size(name, SMALL)[0] / 2 * per
        at = min(max(x, low + half), high - half)
        if at - half < free or at + half > high + per * 0.01:
            left_out += 1
            continue
        _above(ax, at, name, "center")
        free = at + half + 0.06 * per
    if left_out:
        words = f"+ {left_out} more"
        if free + pen.size(words, SMALL)[0] * per <= high + 0.3 * per:
            _above(ax, free, words, "left")


def _key(pen: Pen, ax: Axes, parts: Sequence[tuple[str, str]]) -> None:
    """Write words in the colours of their modes above a chart."""
    at = 0.0
    for words, mode in parts:
        ax.annotate(
            words, (0, 1), (at, 3), xycoords="axes fraction", textcoords="offset points",
            fontsize=SMALL, family=FONT, color=look.TEXT[mode], ha="left", va="bottom",
        )  # fmt: skip
        at += 72 * pen.size(words, SMALL)[0]


def _above(ax: Axes, x: float, text: str, ha: str) -> None:
    ax.annotate(
        text, (x, 1), (0, 3), xycoords=ax.get_xaxis_transform(), textcoords="offset points",
        fontsize=SMALL, family=FONT, color=look.AMBER_TEXT, ha=ha, va="bottom",
    )  # fmt: skip


def _ends(pen: Pen, ax: Axes, course: series.Course, band: bool) -> None:
    """Name line and band at their right ends."""
    known = np.flatnonzero(~np.isnan(course.middle))
    if not known.size:
        return
    i = known[-1]
    names = [("median" if band else "one run", float(course.middle[i]), look.INK)]
    if band:
        names.insert(0, ("p10–p90", float(course.low[i]), look.GREY))
    words, at, colors = zip(*names, strict=True)
    _beside(pen, ax, words, at, colors)


def _beside(
    pen: Pen, ax: Axes, names: Sequence[str], at: Sequence[float], colors: Sequence[str]
) -> None:
    """Write names right of a chart at heights in its units, in order, moved apart if needed."""
    low, high = ax.get_ylim()
    tall = ax.get_position().height * pen.height
    line = 0.125
    inches = [(y - low) / (high - low) * tall for y in at]
    spots = spaced(inches, [line] * (len(names) - 1), 0.0, tall) if names else []
    for name, y, color in zip(names, spots, colors, strict=True):
        ax.annotate(
            name, (1, y / tall), (4, 0), xycoords="axes fraction", textcoords="offset points",
            fontsize=SMALL, family=FONT, color=color, ha="left", va="center_baseline",
        )  # fmt: skip


def _layer_name(layer: series.Layer, layers: Sequence[series.Layer]) -> str:
    twice = sum(a.stage == layer.stage for a in layers) > 1
    return look.said(layer.stage) + (f" {layer.mode}" if twice else "")


def _layer_names(
    pen: Pen,
    ax: Axes,
    layers: Sequence[series.Layer],
    names: Sequence[str],
    tops: np.ndarray,
    right: float,
) -> None:
    """Name the stages beside their stock at the end, in the colours of push and pull."""
    middle = [
        float(top[-1] - layer.values[-1] / 2) for top, layer in zip(tops, layers, strict=True)
    ]
    texts = [pen.fitted(name, SMALL, right - 0.06) for name in names]
    _beside(pen, ax, texts, middle, [look.TEXT[layer.mode] for layer in layers])


def _bar(pen: Pen, ax: Axes, y: float, bar: series.Bar) -> None:
    if not bar.middle > 0:
        write(ax, 1, y, " no orders that vary", SMALL, color=look.GREY, va="center_baseline")
        return
    color = look.MARK[bar.mode]
    ax.plot([1, bar.middle], [y, y], color=color, lw=1.2, zorder=2)
    ax.plot([max(bar.low, 1e-9), bar.high], [y, y], color=color, lw=3.4, alpha=0.4, zorder=2.5,
            solid_capstyle="butt")  # fmt: skip
    shape = "s" if bar.mode == "pull" else "o"
    fill = "white" if bar.mode == "pull" else color
    ax.plot([bar.middle], [y], shape, ms=4.6, mfc=fill, mec=color, mew=1.3, zorder=3)
    ax.annotate(
        look.times(bar.middle), (max(bar.high, 1.0), y), (5, 0), textcoords="offset points",
        fontsize=BODY, family=FONT, color=look.INK, va="center_baseline", zorder=4,
        bbox={"fc": "white", "lw": 0, "pad": 0.5},
    )  # fmt: skip


def _empty(pen: Pen, ax: Axes, box: Box, what: str) -> Axes:
    """Say that a chart has nothing to show, and what to do."""
    return _note(
        pen, ax, box, f"This run kept no {what} over time.",
        "To see it here: from viz.series import NEEDED,", "then run with record=NEEDED.",
    )  # fmt: skip


def _note(pen: Pen, ax: Axes, box: Box, *paragraphs: str) -> Axes:
    ax.set_axis_off()
    lines = [line for text in paragraphs for line in pen.wrapped(text, BODY, box[2])]
    for i, line in enumerate(lines):
        at = (box[0] / pen.width, (box[1] + box[3] - 0.36 - 0.15 * i) / pen.height)
        pen.figure.text(*at, line, fontsize=BODY, family=FONT, color=look.GREY, va="top",
                        parse_math=False)  # fmt: skip
    return ax


CHARTS: tuple[Callable[[Pen, Box, Result], Axes], ...] = (draw_service, draw_stock, draw_orders)
