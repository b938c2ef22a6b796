"""Points of two numbers with their names, the dense part of them enlarged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from twin.sums import Floats
from viz import look
from viz.pens import BODY, FONT, HEAD, Pen
from viz.picture import Picture
from viz.study_charts_parts import Data, Style, bare, canvas, dense, key, key_room, styles
from viz.study_charts_plane import FOOT, HEAD_ROOM, HEIGHT, LEFT, plane

NAMED = 24
"""Most points that get a name beside them, where there is room."""

ENLARGED = 0.16
"""Inches for the heading of the enlarged part."""

ABOVE = 0.12
"""Inches above the upright axis that names may take, below its own."""

Box = tuple[float, float, float, float]


def points(data: Data) -> Picture:
    """Draw a mark per row, the first ones on top, with its name and its upright interval.

    Where most rows lie close together and others far off, those close together once more, enlarged.
    """
    looks = styles(data.groups())
    near = dense(data.across())
    panels = [data] if near.all() else [data, data.only(near)]
    figure, pen = canvas(HEIGHT, data.width)
    top = key_room(pen, looks, data.width - LEFT)
    figure, pen = canvas(top + HEIGHT * len(panels) + ENLARGED * (len(panels) - 1), data.width)
    if top:
        key(pen, (LEFT, pen.height - 0.1), looks, data.width - LEFT)
    for n, shown in enumerate(panels):
        bottom = (HEIGHT + ENLARGED) * (len(panels) - 1 - n)
        ax = pen.axes(LEFT, bottom + FOOT, data.width - LEFT - 0.1, HEIGHT - FOOT - HEAD_ROOM)
        _panel(pen, ax, shown, looks, np.flatnonzero(~near) if n < len(panels) - 1 else None)
        if n:
            told = f"Enlarged: the {len(shown.frame)} of {len(data.frame)} that lie together"
            pen.figure.text(LEFT / pen.width, (bottom + HEIGHT) / pen.height, told, fontsize=HEAD,
                            family=FONT, color=look.INK, weight="bold", va="bottom")  # fmt: skip
    return figure


def _panel(
    pen: Pen, ax: Axes, data: Data, looks: dict[str, Style], named: Sequence[int] | None
) -> None:
    """Draw the points of one panel, and the names of some rows, or of all."""
    chart = data.chart
    bare(ax, "y")
    x, y = data.across(), data.numbers(chart.y)
    low, high = data.numbers(chart.low), data.numbers(chart.high)
    plane(ax, data, x, (y, low, high), [])
    _wider(ax, data)
    mine = data.texts(chart.group) if chart.group else [""] * len(x)
    for i in reversed(range(len(x))):
        style = looks.get(mine[i], Style(look.INK))
        if np.isfinite(low[i]) and np.isfinite(high[i]):
            ax.plot([x[i]] * 2, [low[i], high[i]], color=style.colour, lw=1, alpha=0.6, zorder=2)
        ax.plot(x[i], y[i], style.mark, ms=6.2, mfc=look.LIGHT["card"] if style.hollow else style.colour,
                mec=look.LIGHT["card"] if not style.hollow else style.colour, mew=0.7 if not style.hollow
                else 1.2, zorder=3, clip_on=False)  # fmt: skip
    if chart.label:
        wanted = range(len(x)) if named is None else named
        _names(pen, ax, (x, y), data.texts(chart.label), wanted)


def _wider(ax: Axes, data: Data) -> None:
    """Leave room for names left and right of the outermost points."""
    left, right = ax.get_xlim()
    if data.chart.zero and left < 0.15 * right and not data.log:
        ax.set_xlim(0 if left > 0 else left, right)
        left = ax.get_xlim()[0]
    if not data.log:
        ax.set_xlim(left - 0.03 * (right - left), right + 0.1 * (right - left))


@dataclass(frozen=True)
class _Spots:
    """Boxes in inches that are taken by marks and names."""

    taken: list[Box]

    def free(self, box: Box) -> bool:
        return not any(
            a < box[2] and box[0] < c and b < box[3] and box[1] < d for a, b, c, d in self.taken
        )


def _names(
    pen: Pen, ax: Axes, at: tuple[Floats, Floats], names: list[str], wanted: Sequence[int]
) -> None:
    """Write names beside their points, the first ones first, and only where they meet nothing."""
    place = ax.get_position()
    size = np.array([place.width * pen.width, place.height * pen.height])
    to_axes = ax.transData + ax.transAxes.inverted()
    spots = to_axes.transform(np.column_stack(at)) * size
    known = [i for i in range(len(names)) if np.isfinite(spots[i]).all()]
    taken = _Spots([(x - 0.05, y - 0.05, x + 0.05, y + 0.05) for x, y in spots[known]])
    for i in [i for i in wanted if i in known][:NAMED]:
        words = pen.fitted(names[i], BODY, 0.4 * pen.width)
        wide, tall = pen.size(words, BODY)[0], 0.12
        x, y = spots[i]
        for dx, dy in ((0.08, 0), (0.06, 0.11), (0.06, -0.11), (-wide - 0.08, 0),
                       (-wide - 0.06, 0.11), (-wide / 2, 0.14), (-wide / 2, -0.14),
                       (-0.05, 0.15), (-0.05, -0.15)):  # fmt: skip
            box = (x + dx, y + dy - tall / 2, x + dx + wide, y + dy + tall / 2)
            if (
                taken.free(box)
                and box[0] > 0
                and box[2] < size[0] + 0.1
                and box[1] > 0
                and box[3] < size[1] + ABOVE
            ):
                taken.taken.append(box)
                ax.annotate(words, (box[0] / size[0], (y + dy) / size[1]),
                            xycoords="axes fraction", fontsize=BODY, family=FONT, color=look.INK,
                            va="center_baseline", zorder=4, parse_math=False,
                            bbox={"fc": look.LIGHT["card"], "lw": 0, "pad": 0.5, "alpha": 0.75})  # fmt: skip
                break
