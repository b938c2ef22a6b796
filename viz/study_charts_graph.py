"""The graph of what leads to what, from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, PathPatch

from viz import look
from viz.pens import BODY, FONT, SMALL, flow
from viz.picture import Picture
from viz.study_charts_parts import WIDTH, Data, canvas, folded

LINKS = 60
"""Most links that are drawn: those of most weight."""

WIDEST, GAP, PORT = 1.6, 0.62, 0.15
"""Inches: a box at most, the way between two columns at least, two links at a box apart."""


@dataclass
class _Link:
    source: str
    to: str
    weight: float
    way: list[str] = field(default_factory=list)
    """Names that it passes in the columns between, each a place that is kept free for it."""


@dataclass
class _Layout:
    """Where boxes stand and links end, in inches."""

    links: list[_Link]
    order: list[list[str]]
    room: float
    height: float = 0.0
    x: dict[str, float] = field(default_factory=dict)
    y: dict[str, float] = field(default_factory=dict)
    tall: dict[str, float] = field(default_factory=dict)


def graph(data: Data) -> Picture:
    """Draw a box per name and a link per row, as wide as it weighs."""
    found = _layout(_links(data))
    figure, pen = canvas(1.0, WIDTH)
    boxes = [n for e in found.links for n in (e.source, e.to)]
    names = {n: folded(pen, n, found.room - 0.14, BODY) for n in dict.fromkeys(boxes)}
    arriving = {n: PORT * sum(e.to == n for e in found.links) for n in names}
    found.tall = {n: max(0.14 + 0.12 * len(x), arriving[n] + 0.08) for n, x in names.items()}
    _place(found)
    figure, pen = canvas(found.height, WIDTH)
    ax = pen.axes(0, 0, WIDTH, found.height)
    ax.set(xlim=(0, WIDTH), ylim=(0, found.height))
    ax.set_axis_off()
    _draw_links(ax, found, data)
    for name, lines in names.items():
        _box(ax, (found.x[name], found.y[name]), (found.room, found.tall[name]), lines)
    return figure


def _links(data: Data) -> list[_Link]:
    """Return the links, those of most weight first."""
    chart = data.chart
    rows = zip(data.texts(chart.x), data.texts(chart.y), data.numbers(chart.label), strict=True)
    found = [_Link(a, b, float(w)) for a, b, w in rows]
    found.sort(key=lambda e: -np.nan_to_num(e.weight))
    return found[:LINKS]


def _layout(links: list[_Link]) -> _Layout:
    """Return what stands in which column: as far right as the longest way there is long.

    A link over several columns gets a place in each of them, so that it passes between boxes; in
    each column what is reached from above stands above.
    """
    net = nx.DiGraph((e.source, e.to) for e in links if e.source != e.to)
    net.add_nodes_from(n for e in links for n in (e.source, e.to))
    while not nx.is_directed_acyclic_graph(net):  # what closes a circle decides no column
        net.remove_edge(*nx.find_cycle(net)[-1][:2])
    column = {n: k for k, layer in enumerate(nx.topological_generations(net)) for n in layer}
    order: list[list[str]] = [[] for _ in range(max(column.values()) + 1)]
    for name in dict.fromkeys(n for e in links for n in (e.source, e.to)):
        order[column[name]].append(name)
    for i, e in enumerate(links):
        for k in range(column[e.source] + 1, column[e.to]):
            e.way.append(f"\0{i}/{k}")
            order[k].append(e.way[-1])
    _sort(order, [pair for e in links for pair in pairwise([e.source, *e.way, e.to])])
    count = len(order)
    room = min(WIDEST, (WIDTH - 0.04 - GAP * (count - 1)) / count)
    return _Layout(links, order, max(0.5, room))


def _sort(order: list[list[str]], steps: Sequence[tuple[str, str]]) -> None:
    """Sort columns by the mean height of their neighbours, there and back."""
    for sweep in range(4):
        forth = sweep % 2 == 0
        columns = order if forth else order[::-1]
        for before, layer in pairwise(columns):
            height = {n: i for i, n in enumerate(before)}
            near: dict[str, list[int]] = {n: [] for n in layer}
            for a, b in steps if forth else [(b, a) for a, b in steps]:
                if b in near and a in height:
                    near[b].append(height[a])
            kept = {n: i * len(before) / max(1, len(layer)) for i, n in enumerate(layer)}
            layer.sort(key=lambda n: sum(near[n]) / len(near[n]) if near[n] else kept[n])


def _place(found: _Layout) -> None:
    """Set the places: columns as tall as what stands in them, the others spread beside."""
    need = {n: tall + 0.16 for n, tall in found.tall.items()}
    heights = [sum(need.get(n, 0.16) for n in layer) for layer in found.order]
    found.height = max(1.0, *heights) + 0.1
    step = (WIDTH - found.room - 0.04) / max(1, len(found.order) - 1)
    for k, layer in enumerate(found.order):
        spare = (found.height - heights[k]) / (len(layer) + 1)
        y = found.height
        for name in layer:
            y -= spare + need.get(name, 0.16) / 2
            found.x[name], found.y[name] = 0.02 + k * step, y
            y -= need.get(name, 0.16) / 2


def _draw_links(ax: Axes, found: _Layout, data: Data) -> None:
    known = [e.weight for e in found.links if np.isfinite(e.weight)]
    most = max(known, default=1.0) or 1.0
    said = data.chart.label is not None
    for e, at in _arriving(found):
        back = found.x[e.to] <= found.x[e.source]
        start = (found.x[e.source] + found.room, found.y[e.source])
        between = [p for n in e.way for p in ((found.x[n], found.y[n]),
                                              (found.x[n] + found.room, found.y[n]))]  # fmt: skip
        end = (found.x[e.to], at)
        if back:  # against the stream: under the boxes
            start = (found.x[e.source] + found.room / 2, found.y[e.source] - 0.14)
        wide = 0.9 + 2.6 * max(0.0, float(np.nan_to_num(e.weight))) / most
        shape = PathPatch(flow([start, *between, (end[0] - 0.08, at)]), fc="none",
                          ec=look.LIGHT["base"], lw=wide, alpha=0.6, zorder=1)  # fmt: skip
        ax.add_patch(shape)
        tip = {"arrowstyle": "-|>", "color": look.GREY, "lw": 0.6, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", end, (end[0] - 0.1, at), arrowprops=tip, zorder=1.2)
        if said and np.isfinite(e.weight) and len(found.links) <= 30:
            ax.text(end[0] - 0.13, at, data.said(e.weight, str(data.chart.label)), fontsize=SMALL,
                    family=FONT, color=look.INK, ha="right", va="center_baseline", zorder=3,
                    bbox={"fc": look.LIGHT["card"], "lw": 0, "pad": 0.8, "alpha": 0.85})  # fmt: skip


def _arriving(found: _Layout) -> list[tuple[_Link, float]]:
    """Return each link with the height at which it arrives: those from above arrive above."""
    places = []
    for name in dict.fromkeys(e.to for e in found.links):
        mine = [e for e in found.links if e.to == name]
        mine.sort(key=lambda e: -found.y[e.way[-1] if e.way else e.source])
        middle = found.y[name] + PORT * (len(mine) - 1) / 2
        places += [(e, middle - PORT * i) for i, e in enumerate(mine)]
    return places


def _box(
    ax: Axes, at: tuple[float, float], size: tuple[float, float], lines: Sequence[str]
) -> None:
    wide, tall = size
    ax.add_patch(FancyBboxPatch((at[0] + 0.03, at[1] - tall / 2 + 0.03), wide - 0.06, tall - 0.06,
                 boxstyle="round,pad=0.03,rounding_size=0.06", fc=look.LIGHT["card"], ec=look.EDGE, lw=0.9,
                 zorder=2))  # fmt: skip
    ax.text(at[0] + wide / 2, at[1], "\n".join(lines), fontsize=BODY, family=FONT, color=look.INK,
            ha="center", va="center", linespacing=1.05, zorder=3, parse_math=False)  # fmt: skip
