"""Small drawing tools on Matplotlib that know nothing of supply chains."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from viz.look import INK

FONT = "DejaVu Sans"
"""The one family that comes with Matplotlib: equal pictures on every machine."""

TITLE, HEAD, BODY, SMALL = 13.0, 8.5, 7.5, 6.8
"""The four sizes, in points."""


class Pen:
    """Writes on a figure, measuring in inches; ``(0, 0)`` is its lower left corner."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.width, self.height = figure.get_size_inches()

    def size(self, text: str, points: float, bold: bool = False) -> tuple[float, float]:
        """Return width and height of one line of text in inches."""
        font = FontProperties(family=FONT, size=points, weight="bold" if bold else "normal")
        w, h, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
        return w / 72, h / 72

    def fitted(self, text: str, points: float, room: float, bold: bool = False) -> str:
        """Return the text, shortened to an ellipsis where it is wider than ``room`` inches."""
        if self.size(text, points, bold)[0] <= room:
            return text
        while len(text) > 1 and self.size(text + "…", points, bold)[0] > room:
            text = text[:-1]
        return text.rstrip() + "…"

    def wrapped(
        self, text: str, points: float, room: float, bold: bool = False, even: bool = False
    ) -> list[str]:
        """Return the text in the fewest lines no wider than ``room`` inches, evenly filled or not."""
        words = [(w, self.size(w, points, bold)[0]) for w in text.split(" ")]
        blank = self.size("a b", points, bold)[0] - self.size("ab", points, bold)[0]
        best = _lines(words, blank, room)
        for part in range(95, 50, -5) if even else ():
            narrower = _lines(words, blank, room * part / 100)
            if len(narrower) > len(best):
                break
            best = narrower
        return best

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Return new axes at a place in inches."""
        w, h = self.width, self.height
        found: Axes = self.figure.add_axes((left / w, bottom / h, width / w, height / h))
        return found


def _lines(words: Sequence[tuple[str, float]], blank: float, room: float) -> list[str]:
    lines, used = [words[0][0]], words[0][1]
    for word, wide in words[1:]:
        if used + blank + wide <= room:
            lines[-1] += " " + word
            used += blank + wide
        else:
            lines.append(word)
            used = wide
    return lines


def write(ax: Axes, x: float, y: float, text: str, points: float, **kwargs: Any) -> Text:
    """Write text; ``$`` and ``_`` mean themselves."""
    style = {"color": INK, "family": FONT, "parse_math": False, **kwargs}
    written: Text = ax.text(x, y, text, fontsize=points, **style)
    return written


def tank(x: float, y: float, radius: float, fill: float) -> Sequence[tuple[float, float]]:
    """Return the outline of a disc's lower part, filled to a share of its height."""
    level = min(1.0, max(0.0, fill)) * 2 - 1
    half = float(np.arccos(-level))
    angle = np.linspace(-np.pi / 2 - half, -np.pi / 2 + half, 49)
    return [(x + radius * float(np.cos(a)), y + radius * float(np.sin(a))) for a in angle]


def flow(points: Sequence[tuple[float, float]]) -> Path:
    """Return a smooth path through points, level at each of them."""
    corners, codes = [points[0]], [Path.MOVETO]
    for (xa, ya), (xb, yb) in pairwise(points):
        middle = (xa + xb) / 2
        corners += [(middle, ya), (middle, yb), (xb, yb)]
        codes += [Path.CURVE4] * 3
    return Path(corners, codes)
