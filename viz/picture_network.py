"""The upper half of the picture: the network, its stock and flows, and the handle."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Arc, Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from twin.result import Result
from viz import look, series
from viz.layout import Edge, Handle, Layout, Node, layout
from viz.pens import BODY, HEAD, SMALL, Pen, flow, tank, write

HEADS, HEADER, FOOTER = 0.27, 0.35, 0.34
"""Inches for the heads of handles, the stages above the nodes and the reading aid below them."""

THINNEST = 0.7
"""Width in points of the smallest flow."""

BUSIEST = 1.6
"""Width of all flows at the busiest side of a node, in radii of a node."""

BROADEST = 0.22
"""Most inches of them."""

BLANK = 0.055
"""Inches between the words on a handle."""

NAME_ROOM, WORDS_ROOM = 0.2, 0.13
"""Inches below a node for its name and for its numbers."""


def network_height(result: Result, room: float) -> float:
    """Return the inches that a network wants of the room it shares with the charts."""
    plan = layout(result.topology)
    crowd = max(Counter(n.x for n in plan.nodes).values())
    heads = HEADS if plan.handles else 0.0
    if not set(series.NEEDED) & set(result.series):
        return room - 1.1  # the charts have nothing to show but a few words
    return min(0.66 * room, max(0.42 * room, heads + HEADER + FOOTER + 0.75 * crowd))


@dataclass(frozen=True)
class NodeLook:
    """What is drawn of one node."""

    mode: str
    fill: float
    planned: bool
    words: str
    hit: bool


def node_looks(result: Result, plan: Layout) -> dict[str, NodeLook]:
    """Return mode, fill and words of every node.

    The fill is half of the mean stock over the planned stock: at 1/2, where the tick stands, stock
    is as planned.
    """
    top = result.topology
    measure, modes = series.measure(top), series.modes(top)
    stock = series.mean_stock(result) * measure.weight
    goal = series.planned_stock(top) * measure.weight
    struck = {i for e in series.events(top) for i in e.rows}
    found = {}
    for node in plan.nodes:
        rows = list(node.rows)
        have, want = float(stock[rows].sum()), float(np.nan_to_num(goal[rows]).sum())
        own = [i for i in rows if top.points[i].role == "output"] or rows
        found[node.name] = NodeLook(
            mode=series.mode_of([modes[i] for i in own]),
            fill=have / (2 * want) if want > 0 else 0.0,
            planned=want > 0,
            words=_words(measure, have, stock.sum(), series.on_time(result, rows)),
            hit=bool(struck & set(rows)),
        )
    return found


def _words(measure: series.Measure, have: float, all_stock: float, on_time: float) -> str:
    """Return stock, and service where customers are served (there little stock says nothing)."""
    stock = look.plural(have, measure.unit) if look.number(have) != "0" else "no stock"
    if math.isnan(on_time):
        return stock
    served = f"{look.share(on_time)} on time"
    return f"{served}, {stock}" if have > 0.01 * all_stock else served


class NetworkPart:
    """Draws one network into a box of a figure.

    Parameters
    ----------
    pen
        Writes on the figure.
    box
        Left, bottom, width and height in inches.
    result
        What to draw.
    """

    def __init__(self, pen: Pen, box: tuple[float, float, float, float], result: Result) -> None:
        self.pen, self.result = pen, result
        self.width, self.height = box[2], box[3]
        self.plan = layout(result.topology)
        self.looks = node_looks(result, self.plan)
        self.flows = series.link_flows(result)
        self.ax = pen.axes(*box)
        self.ax.set(xlim=(0, self.width), ylim=(0, self.height))
        self.ax.set_axis_off()
        self.ax.set_label("network")
        self._measure()

    def draw(self) -> Axes:
        """Draw everything, back to front."""
        self._ground()
        self._edges()
        self._stages()
        for node in self.plan.nodes:
            self._node(node)
        self._handles()
        self._reading_aid()
        return self.ax

    # ----------------------------------------------------------------------------------- places
    def _measure(self) -> None:
        """Choose radius, text rooms and margins."""
        self.top = self.height - (HEADS if self.plan.handles else 0.0)
        self.tall = self.top - HEADER - FOOTER
        last = self.plan.columns - 1
        self.gap = {x: self._gap(x) for x in range(self.plan.columns)}
        beside = [0.36 * gap for x, gap in self.gap.items() if x in (0, last) and last]
        below = [
            max((gap - NAME_ROOM - WORDS_ROOM) / 2, 0.7 * (gap - NAME_ROOM) / 2)
            for x, gap in self.gap.items() if x not in (0, last) or not last
        ]  # fmt: skip
        self.radius = float(np.clip(min(beside + below), 0.05, 0.24))
        room = 0.24 * self.width if last else self.width
        self.margin = [
            min(room, max((self._label_width(n) for n in self.plan.nodes if n.x == x), default=0))
            for x in (0, last)
        ]
        ends = any(x > last for h in self.plan.handles for x, _ in h.path)
        self.end = 0.3 if ends else 0.0
        self.left = self.margin[0] + self.radius + 0.2
        self.right = self.width - self.margin[1] - self.radius - 0.2 - self.end
        self.step = (self.right - self.left) / last if last else self.width / 2

    def _gap(self, x: int) -> float:
        """Return the smallest distance between two nodes of a column, or to the box."""
        ys = sorted(n.y for n in self.plan.nodes if n.x == x)
        room = [b - a for a, b in pairwise(ys)] + [2 * min(y, 1 - y) for y in (ys[0], ys[-1])]
        return self.tall * min(room)

    def _label_width(self, node: Node) -> float:
        words = self.looks[node.name].words
        return max(
            self.pen.size(self._name(node), BODY, bold=True)[0], self.pen.size(words, SMALL)[0]
        )

    def _x(self, column: float) -> float:
        last = self.plan.columns - 1
        if not last:
            return self.width / 2 if column == 0 else self.width * 0.75
        if column > last:
            return self.width - self.end / 2
        return self.left + column * self.step

    def _y(self, y: float) -> float:
        return FOOTER + (1 - y) * self.tall

    def _name(self, node: Node) -> str:
        if node.name.startswith("stage:"):
            return f"{len(node.sites)} sites"
        return look.said(node.name)

    # ----------------------------------------------------------------------------------- ground
    def _ground(self) -> None:
        top, low = self.top, FOOTER - 0.08
        corners = ((0, low), (self.width, low), (self.width, top), (0, top))
        handles = self.plan.handles
        if not handles:
            self.ax.add_patch(Polygon(corners, color=look.PLAIN_GROUND, lw=0, zorder=0))
        for i, handle in enumerate(handles):
            line = self._line(handle, low, top)
            # several handles: each ground shines through the next, so that between two handles
            # lies a mixture of both
            style = {"alpha": 1 / (i + 1), "lw": 0, "zorder": 0.1 * i}
            self.ax.add_patch(Polygon([(0, top), *line, (0, low)], color=look.BLUE_GROUND, **style))
            self.ax.add_patch(
                Polygon(
                    [(self.width, top), *line, (self.width, low)],
                    color=look.ORANGE_GROUND, **style,
                )
            )  # fmt: skip

    def _line(self, handle: Handle, low: float, top: float) -> list[tuple[float, float]]:
        """Return a handle's line in inches, down the whole ground."""
        path = [(self._x(x), self._y(y)) for x, y in handle.path]
        return [(path[0][0], top), *path[1:-1], (path[-1][0], low)]

    def _stages(self) -> None:
        y = self.top - 0.09
        spans = {s: (self._x(a) + self._x(b)) / 2 for s, a, b in self.plan.stages}
        for stage, x in spans.items():
            room = 1.15 * self.step if len(spans) > 1 else self.width
            text = self.pen.fitted(look.said(stage), HEAD, room, bold=True)
            half = self.pen.size(text, HEAD, bold=True)[0] / 2 + 0.06
            x = min(max(x, half), self.width - half)
            write(self.ax, x, y, text, HEAD, weight="bold", ha="center", va="top",
                  color=look.GREY)  # fmt: skip

    # ------------------------------------------------------------------------------------ edges
    def _edges(self) -> None:
        struck = {lane for e in series.events(self.result.topology) for lane in e.lanes}
        width = self._widths()
        shift = self._ports(width)
        for edge in sorted(self.plan.edges, key=lambda e: width[e]):
            points = [(self._x(x), self._y(y)) for x, y in edge.path]
            (xa, ya), (xb, yb) = points[0], points[-1]
            points[0], points[-1] = (xa, ya + shift[edge, 0]), (xb, yb + shift[edge, 1])
            path, lw = flow(points), max(THINNEST, 72 * width[edge])
            if struck & {self.result.topology.links[i].lane for i in edge.links}:
                self._edge(path, look.AMBER, lw + 4, "-")
            self._edge(path, look.EDGE, lw, "-" if width[edge] > 0 else (0, (2, 2.5)))

    def _edge(self, path: Path, color: str, points: float, style: object) -> None:
        self.ax.add_patch(
            PathPatch(path, fill=False, ec=color, lw=points, ls=style, capstyle="butt", zorder=1)
        )

    def _widths(self) -> dict[Edge, float]:
        """Return the width of every edge in inches: all flows at the busiest node fit behind it."""
        flows = {e: float(self.flows[list(e.links)].sum()) for e in self.plan.edges}
        sides: Counter[tuple[str, int]] = Counter()
        for e, amount in flows.items():
            sides[e.source, 0] += amount  # type: ignore[assignment]
            sides[e.to, 1] += amount  # type: ignore[assignment]
        most = max(sides.values(), default=0)
        scale = min(BUSIEST * self.radius, BROADEST) / most if most > 0 else 0.0
        return {e: amount * scale for e, amount in flows.items()}

    def _ports(self, width: dict[Edge, float]) -> dict[tuple[Edge, int], float]:
        """Return how far from the middle of its nodes each edge begins (0) and ends (1)."""
        sides: dict[tuple[str, int], list[Edge]] = {}
        for e in self.plan.edges:
            sides.setdefault((e.source, 0), []).append(e)
            sides.setdefault((e.to, 1), []).append(e)
        shift = {}
        for (_, end), edges in sides.items():
            next_to = 1 if end == 0 else -2
            at = sum(width[e] for e in edges) / 2
            for e in sorted(edges, key=lambda e: e.path[next_to][1]):
                shift[e, end] = at - width[e] / 2
                at -= width[e]
        return shift

    # ------------------------------------------------------------------------------------ nodes
    def _node(self, node: Node) -> None:
        x, y, r = self._x(node.x), self._y(node.y), self.radius
        seen = self.looks[node.name]
        r *= 1.35 if node.name.startswith("stage:") else 1.0
        if seen.hit:
            self.ax.add_patch(Circle((x, y), r + 0.05, fc=look.AMBER, lw=0, zorder=2.9))
        if node.name.startswith("stage:"):
            self.ax.add_patch(
                Circle((x + 0.05, y + 0.04), r, fc="white", ec=look.MARK[seen.mode], lw=1, zorder=3)
            )
        self.ax.add_patch(Circle((x, y), r, fc="white", lw=0, zorder=3.1))
        color = look.MARK["push" if seen.mode == "mixed" else seen.mode]
        if seen.fill > 0.005:
            self.ax.add_patch(
                Polygon(tank(x, y, r, seen.fill), fc=color, alpha=0.5, lw=0, zorder=3.2)
            )
        if seen.planned:
            self.ax.plot([x - r, x - 0.45 * r], [y, y], color=look.INK, lw=0.9, zorder=3.3)
            self.ax.plot([x + 0.45 * r, x + r], [y, y], color=look.INK, lw=0.9, zorder=3.3)
        self._rim(x, y, r, seen.mode)
        self._label(node, x, y, r)

    def _rim(self, x: float, y: float, r: float, mode: str) -> None:
        dashes = (0, (1.6, 0.9))
        if mode == "mixed":
            for start, color, style in ((90, look.BLUE, "-"), (270, look.ORANGE, dashes)):
                self.ax.add_patch(
                    Arc((x, y), 2 * r, 2 * r, theta1=start, theta2=start + 180, ec=color, lw=2,
                        ls=style, zorder=3.4)
                )  # fmt: skip
            return
        style = dashes if mode == "pull" else "-"
        self.ax.add_patch(
            Circle((x, y), r, fill=False, ec=look.MARK[mode], lw=2, ls=style, zorder=3.4)
        )

    def _label(self, node: Node, x: float, y: float, r: float) -> None:
        """Write name and numbers: beside the node in the outer columns, below it elsewhere."""
        name, words = self._name(node), self.looks[node.name].words
        last = self.plan.columns - 1
        if node.x in (0, last) and last:
            side = -1 if node.x == 0 else 1
            room = self.margin[0 if node.x == 0 else 1] + 0.01
            at, align = x + side * (r + 0.09), "right" if side < 0 else "left"
            self._write(at, y + 0.015, name, room, ha=align, va="bottom", strong=True)
            self._write(at, y - 0.015, words, room, ha=align, va="top")
            return
        room = 0.92 * self.step if last else self.width
        # lines may pass behind
        back = {"fc": self._ground_at(node), "alpha": 0.8, "lw": 0, "pad": 0.4}
        self._write(x, y - r - 0.04, name, room, "center", "top", strong=True, back=back)
        if self.gap[node.x] >= 2 * r + NAME_ROOM + WORDS_ROOM - 0.02:
            self._write(x, y - r - 0.17, words, room, "center", "top", back=back)

    def _ground_at(self, node: Node) -> str:
        """Return the colour behind a node."""
        at = [
            min(h.path, key=lambda point: abs(point[1] - node.y))[0] > node.x
            for h in self.plan.handles
        ]
        if not at:
            return look.PLAIN_GROUND
        if all(at):
            return look.BLUE_GROUND
        return look.MIXED_GROUND if any(at) else look.ORANGE_GROUND

    def _write(
        self,
        x: float,
        y: float,
        text: str,
        room: float,
        ha: str,
        va: str,
        strong: bool = False,
        back: dict[str, object] | None = None,
    ) -> None:
        points = BODY if strong else SMALL
        text = self.pen.fitted(text, points, room, bold=strong)
        write(self.ax, x, y, text, points, ha=ha, va=va, zorder=5, bbox=back,
              color=look.INK if strong else look.GREY, weight="bold" if strong else "normal")  # fmt: skip

    # ---------------------------------------------------------------------------------- handles
    def _handles(self) -> None:
        top, low = self.top, FOOTER - 0.08
        taken: list[tuple[float, float, float]] = []
        for handle in self.plan.handles:
            line = self._line(handle, low, top)
            self.ax.plot(*zip(*line, strict=True), color=look.INK, lw=1.8, zorder=4,
                         solid_capstyle="butt")  # fmt: skip
            self._pill(handle, line[0][0], taken)

    def _pill(self, handle: Handle, x: float, taken: list[tuple[float, float, float]]) -> None:
        """Write who is decoupled here on the handle's head, beside the heads before it."""
        names = look.listed(handle.families)
        parts = (("push ◂", look.BLUE), (names, look.INK), ("▸ pull", look.ORANGE_TEXT))
        widths = [self.pen.size(t, HEAD, bold=True)[0] for t, _ in parts]
        wide, y = sum(widths) + 2 * BLANK + 0.24, self.height - HEADS / 2 - 0.01
        left = min(
            max(x - widths[0] - BLANK - widths[1] / 2 - 0.12, 0.01), self.width - wide - 0.02
        )
        for a, b, _ in taken:
            left = max(left, b + 0.08) if a < left + wide and left < b else left
        taken.append((left, left + wide, y))
        self.ax.add_patch(
            FancyBboxPatch((left + 0.02, y - 0.1), wide - 0.04, 0.2,
                           boxstyle="round,pad=0.02,rounding_size=0.1", fc="white", ec=look.INK,
                           lw=1.2, zorder=6)
        )  # fmt: skip
        at = left + 0.12
        for (text, color), w in zip(parts, widths, strict=True):
            write(self.ax, at, y, text, HEAD, weight="bold", color=color, ha="left",
                  va="center_baseline", zorder=7)  # fmt: skip
            at += w + BLANK

    def _unit(self) -> str:
        units = {p.item.unit for p in self.result.topology.points}
        return f"{units.pop()}s" if len(units) == 1 else "units"

    def _reading_aid(self) -> None:
        most = max((float(self.flows[list(e.links)].sum()) for e in self.plan.edges), default=0)
        units = f"{look.number(most)} {self._unit()} a {self.result.scenario.calendar.period}"
        words = (
            "Fill: mean stock; the tick is what was planned.  "
            f"Line: flow, widest {units}, dotted if only a backup.  "
        )
        if self.plan.handles:
            words += "Rim: solid blue push (to forecast), dashed orange pull (to order)."
        else:
            words += "No decoupling point: every site follows its own rule."
        hits = [e.name for e in series.events(self.result.topology) if e.rows or e.lanes]
        if hits:
            words += f"  Amber: hit by {look.listed(hits)}."
        for i, line in enumerate(self.pen.wrapped(words, SMALL, self.width)):
            write(self.ax, 0, FOOTER - 0.14 - 0.12 * i, line, SMALL, color=look.GREY, va="top")
