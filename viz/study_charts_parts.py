"""What the charts of a study's report have in common: columns, axes, colours, words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from twin.study.findings import Chart, Sheet
from twin.sums import Floats
from viz import look
from viz.pens import BODY, FONT, HEAD, Pen
from viz.picture import Picture
from viz.report_what_if import NAMES
from viz.study_charts_names import said as named

Bools = npt.NDArray[np.bool_]

WIDTH, NARROW = 7.4, 3.75
"""Inches: a figure fills the page of a report, or a phone, without being scaled."""

COLOURS = tuple(look.LIGHT[role] for role in look.GROUPS)
"""Of groups: neither the blue of push nor the orange of pull. :data:`MARKS` and :data:`DASHES` tell
them apart in grey and for colour-blind eyes."""

MARKS = ("o", "s", "^", "D", "v", "P")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1)), "-")
WIDE = 1.6
"""Inches of a decade from which 1, 2 and 5 have room beside each other, not 1 alone."""

QUIET = {"base", "baseline", "calm", "dominated", "none", "other", "others", "no"}
"""Groups that others are compared with stay grey."""

KEY_LINE = 0.18
"""Inches from one line of names of groups to the next."""

FILL, DEEP, FAINT = (look.LIGHT[role] for role in ("bar", "deep", "faint"))
"""Of bars that belong to no group; of both ends of a tornado."""


@dataclass(frozen=True)
class Data:
    """The rows of a sheet as a chart wants them, and how many inches wide it is drawn."""

    chart: Chart
    sheet: Sheet
    width: float = WIDTH

    @property
    def frame(self) -> pd.DataFrame:
        """The rows."""
        return self.sheet.frame

    def head(self, most: int) -> Data:
        """Return the first rows alone."""
        return self.only(np.arange(len(self.frame)) < most)

    def only(self, rows: Bools) -> Data:
        """Return some of the rows alone."""
        sheet = self.sheet
        frame = sheet.frame[rows].reset_index(drop=True)
        told = Sheet(sheet.name, sheet.title, frame, sheet.units, sheet.caption)
        return Data(self.chart, told, self.width)

    def numbers(self, column: str | None) -> Floats:
        """Return a column as numbers, NaN where there is none."""
        if column is None:
            return np.full(len(self.frame), np.nan)
        found: Floats = pd.to_numeric(self.frame[column], errors="coerce").to_numpy(float)
        return found

    def texts(self, column: str) -> list[str]:
        """Return a column as words."""
        return [text(x) for x in self.frame[column].tolist()]

    @property
    def log(self) -> bool:
        """Whether the horizontal axis is one of logarithms: what is not above 0 is off it."""
        return self.chart.log_x and bool((self.numbers(self.chart.x) > 0).any())

    def across(self) -> Floats:
        """Return the horizontal numbers, NaN for those that are off the axis."""
        x = self.numbers(self.chart.x)
        return np.where(x > 0, x, np.nan) if self.log else x

    def groups(self) -> list[str]:
        """Return the names of the groups: quiet ones, then numbers by size, else as they come.

        So a group of numbers has the same colour in every chart, however that is sorted.
        """
        if self.chart.group is None:
            return []
        found = list(dict.fromkeys(self.texts(self.chart.group)))
        sizes = {g: _size(g) for g in found if g.lower() not in QUIET}
        if np.isnan(list(sizes.values())).any():
            return found
        return [g for g in found if g not in sizes] + sorted(sizes, key=lambda g: sizes[g])

    def unit(self, column: str) -> str:
        """Return the unit of a column, empty where it has none."""
        return str(self.sheet.units.get(column, ""))

    def words(self, column: str) -> str:
        """Return what a column holds, with its unit."""
        unit = self.unit(column)
        return name(column) + (f", {unit}" if unit not in ("", "share", "ratio") else "")

    def said(self, x: float, column: str) -> str:
        """Return a number of a column in words."""
        return said(x, self.unit(column))


def _size(name: str) -> float:
    """Return the number that a name begins with, NaN if none."""
    found = re.match(r"(-?[\d,]*\.?\d+)(?![\w.])", name)
    return float(found[1].replace(",", "")) if found else np.nan


def text(x: Any) -> str:
    """Return a cell as words."""
    if isinstance(x, bool | np.bool_):
        return "yes" if x else "no"
    if x is None or (isinstance(x, float) and np.isnan(x)):
        return "–"
    if isinstance(x, int | float | np.number):
        return look.number(float(x))
    return named(str(x))


def name(column: str) -> str:
    """Return what people call a column."""
    return NAMES.get(column) or (look.said(column)[:1].upper() + look.said(column)[1:])


def said(x: float, unit: str) -> str:
    """Return a number in words: a share in per cent, a ratio as times, else three digits."""
    if np.isnan(x):
        return "–"
    if unit == "share":
        return look.share(x)
    told = look.times(x) if unit == "ratio" and x >= 0 else look.number(x)
    return "0" if told == "-0" else told


def cell(x: Any, unit: str) -> str:
    """Return a cell of a table: a number in its unit, anything else as words."""
    if isinstance(x, int | float | np.number) and not isinstance(x, bool | np.bool_):
        return said(float(x), unit)
    return text(x)


# ---------------------------------------------------------------------------------------- colours
@dataclass(frozen=True)
class Style:
    """How a group is drawn; ``letters`` is the colour of its name, if not its own."""

    colour: str
    mark: str = "o"
    dash: Any = "-"
    hollow: bool = False
    letters: str = ""


def styles(groups: Sequence[str]) -> dict[str, Style]:
    """Return how each group is drawn; push and pull have the colours they have everywhere."""
    found: dict[str, Style] = {}
    free = 0
    for group in groups:
        plain = group.lower()
        if plain in ("push", "pull"):
            found[group] = Style(look.MARK[plain], "o" if plain == "push" else "s",
                                 DASHES[plain == "pull"], plain == "pull",
                                 look.TEXT[plain])  # fmt: skip
        elif plain in QUIET:
            found[group] = Style(look.LIGHT["base"], "o", "-", True, look.GREY)
        else:
            i = free % len(COLOURS)
            found[group] = Style(COLOURS[i], MARKS[i], DASHES[i], free >= len(COLOURS))
            free += 1
    return found


# ------------------------------------------------------------------------------------------- axes
def canvas(height: float, width: float) -> tuple[Picture, Pen]:
    """Return an empty picture of so many inches."""
    figure = Picture(figsize=(width, height), facecolor=look.LIGHT["card"])
    return figure, Pen(figure)


def bare(ax: Axes, grid: str) -> None:
    """Leave of the frame of a chart what is needed: ticks, and hairlines across one axis."""
    ax.spines[["top", "right", "left", "bottom"]].set_visible(False)
    ax.tick_params(labelsize=BODY, labelcolor=look.GREY, labelfontfamily=FONT, color=look.EDGE,
                   width=0.8, length=0, pad=4)  # fmt: skip
    if grid:
        ax.grid(axis=grid, color=look.HAIR, lw=0.7)
    ax.set_axisbelow(True)
    ax.set_facecolor("none")


def number_axis(
    axis: Any, unit: str, log: bool = False, steps: int = 5, whole: bool = False
) -> None:
    """Give an axis of numbers ticks in their unit; few of them."""
    if log:
        low, high = sorted(axis.get_view_interval())
        decades = np.log10(high / low) if low > 0 else 1.0
        room = axis.axes.get_position().width * axis.axes.figure.get_size_inches()[0] / decades
        subs: Any = (1.0,) if decades > 3 or room < WIDE else (1.0, 2.0, 5.0)
        axis.set_major_locator(LogLocator(10, subs=subs, numticks=12))
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_major_locator(MaxNLocator(steps, steps=[1, 2, 2.5, 5, 10], integer=whole))

    def tick(x: float, _: Any) -> str:
        if unit in ("share", "ratio"):
            return said(x, unit)
        return look.tick(x, max(abs(v) for v in axis.get_view_interval()))

    axis.set_major_formatter(FuncFormatter(tick))


def below(ax: Axes, words: str) -> None:
    """Write what the horizontal axis shows."""
    ax.set_xlabel(words, fontsize=BODY, family=FONT, color=look.GREY, labelpad=4,
                  parse_math=False)  # fmt: skip


def above(ax: Axes, words: str) -> None:
    """Write what the vertical axis shows above it, level, where it is read first."""
    ax.annotate(words, (0, 1), (0, 7), xycoords="axes fraction", textcoords="offset points",
                fontsize=BODY, family=FONT, color=look.GREY, ha="left", va="bottom",
                parse_math=False, annotation_clip=False)  # fmt: skip


def key_room(pen: Pen, groups: Iterable[str], room: float) -> float:
    """Return how many inches high the names of groups are with their marks, none for one alone."""
    places = _key_places(pen, groups, room)
    return 0.12 + KEY_LINE * (1 + places[-1][2]) if len(places) > 1 else 0.0


def key(pen: Pen, at: tuple[float, float], found: dict[str, Style], room: float) -> None:
    """Write the names of groups with their marks from a place in inches."""
    ax = pen.axes(0, 0, pen.width, pen.height)
    ax.set(xlim=(0, pen.width), ylim=(0, pen.height))
    ax.set_axis_off()
    places = _key_places(pen, found, room)
    for (words, dx, line), style in zip(places, found.values(), strict=True):
        x, y = at[0] + dx, at[1] - KEY_LINE * line
        ax.plot([x + 0.05], [y], style.mark, ms=5, mfc=look.LIGHT["card"] if style.hollow else style.colour,
                mec=style.colour, mew=1.3)  # fmt: skip
        ax.annotate(words, (x + 0.16, y), fontsize=BODY, family=FONT, color=look.INK,
                    va="center_baseline", parse_math=False)  # fmt: skip


def _key_places(pen: Pen, groups: Iterable[str], room: float) -> list[tuple[str, float, int]]:
    """Return the names of groups as they fit, how far right each stands, and in which line."""
    found: list[tuple[str, float, int]] = []
    x, line = 0.0, 0
    for group in groups:
        words = pen.fitted(group, BODY, room - 0.2)
        wide = pen.size(words, BODY)[0] + 0.34
        if x and x + wide - 0.14 > room:
            x, line = 0.0, line + 1
        found.append((words, x, line))
        x += wide
    return found


def folded(pen: Pen, words: str, room: float, points: float = HEAD, most: int = 2) -> list[str]:
    """Return words in at most so many lines, the last one shortened where they do not fit."""
    lines = pen.wrapped(words, points, room)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [pen.fitted(line, points, room) for line in lines]


def empty(words: str, width: float) -> Picture:
    """Return a picture that says why it shows nothing."""
    figure, pen = canvas(0.5, width)
    figure.text(0, 0.5, words, fontsize=HEAD, family=FONT, color=look.GREY, va="center",
                parse_math=False)  # fmt: skip
    assert pen.width
    return figure


def span(*values: Floats) -> tuple[float, float]:
    """Return the ends of all numbers that are finite; 0 to 1 where there are none."""
    flat = np.concatenate([np.ravel(v) for v in values])
    flat = flat[np.isfinite(flat)]
    return (float(flat.min()), float(flat.max())) if flat.size else (0.0, 1.0)


FEWEST, MOST_OF, CLOSE = 8, 0.6, 0.3
"""Of points: so few need no enlarging; else this share must lie in that share of the range."""


def dense(x: Floats) -> Bools:
    """Return which numbers lie close together while others lie far off; all if none do.

    The most that lie in 30 % of the range, if they are 60 % of all at least.
    """
    order = np.argsort(x, kind="stable")[: int(np.isfinite(x).sum())]
    n, every = len(order), np.ones(len(x), bool)
    if n < FEWEST or x[order[-1]] == x[order[0]]:
        return every
    for k in range(n, int(np.ceil(MOST_OF * n)) - 1, -1):
        widths = x[order[k - 1 :]] - x[order[: n - k + 1]]
        first = int(widths.argmin())
        if widths[first] <= CLOSE * (x[order[-1]] - x[order[0]]):
            found = np.zeros(len(x), bool)
            found[order[first : first + k]] = True
            return found
    return every
