"""The pictures of a calibration's report: small ones, so that a phone shows them at reading size.

Every number that is drawn stands in a table beside the page. Colour never stands alone: what was seen
is a dark line, what is fitted a blue one, the start is dashed, the band of a right model is grey.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from calibration.backtest import Histogram
from calibration.evidence import Curve
from viz import look
from viz.pens import BODY, Pen, write
from viz.picture import Picture
from viz.report import Figure
from viz.study_charts_parts import bare, below, number_axis

WIDTH = 3.5
"""Inches: two stand beside each other on a page, one fills a phone."""

_INK, _GREY, _EDGE, _BAND, _FIT = (look.LIGHT[r] for r in ("ink", "grey", "edge", "hair", "push"))
_LEFT, _RIGHT, _FOOT, _HEAD = 0.42, 0.12, 0.37, 0.24
_SIDE = 0.2  # inches beside rows, for the ends of their axis
_PLOT = 1.2  # inches of the height of a plot
_LINE = 0.3  # inches of a row with its name above its bar


def _canvas(height: float) -> tuple[Picture, Pen]:
    figure = Picture(figsize=(WIDTH, height), facecolor="none")
    return figure, Pen(figure)


def _saved(figure: Picture, title: str, told: str, caption: str) -> Figure:
    """Return a drawn picture as a block: its SVG, the words for those who hear it, its caption."""
    figure.sentence = title
    out = io.StringIO()
    figure.savefig(out, format="svg")
    return Figure(out.getvalue(), f"{title}. {told}", caption)


def _plot(pen: Pen, grid: str = "y") -> Axes:
    ax = pen.axes(_LEFT, _FOOT, WIDTH - _LEFT - _RIGHT, pen.height - _FOOT - _HEAD)
    bare(ax, grid)
    ax.axhline(0, color=_EDGE, lw=0.8)
    return ax


def _plain(draw: Any, *args: Any) -> Figure:
    """Draw with Matplotlib's own settings, whatever the user's are."""
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, "backend": "agg"}):
        found: Figure = draw(*args)
    return found


# --------------------------------------------------------------------------- estimates and data
def curve(found: Curve, unit: str) -> Figure:
    """Draw what was seen of a demand or lead time against its fitted law and that of the start."""
    return _plain(_curve, found, unit)


def _curve(found: Curve, unit: str) -> Figure:
    figure, pen = _canvas(_PLOT + _FOOT + _HEAD)
    ax = _plot(pen)
    inside = found.fitted <= 0.9995  # the far tail of a law shows nothing
    last = min(len(found.x) - 1, int(inside.sum()) + 1)
    seen_to = int(np.isfinite(found.seen).sum())
    keep = slice(0, max(last + 1, seen_to, 2))
    x = found.x[keep]
    low, high = (np.clip(found.fitted[keep] + s * found.limit, 0, 1) for s in (-1, 1))
    ax.fill_between(x, low, high, step="post", color=_BAND, lw=0)
    ax.step(x, found.start[keep], where="post", color=_GREY, lw=1, ls=(0, (3, 2)))
    ax.step(x, found.fitted[keep], where="post", color=_FIT, lw=1.6)
    ax.step(x, found.seen[keep], where="post", color=_INK, lw=1)
    ax.set(xlim=(float(x[0]), float(x[-1])), ylim=(0, 1.02))
    number_axis(ax.yaxis, "share")
    number_axis(ax.xaxis, "", whole=True)
    below(ax, unit)
    name = f"{found.kind} of {look.said(found.name.replace('->', ' → '))}"
    _titled(pen, f"{name[0].upper()}{name[1:]}: {look.said(found.law)}")
    return _saved(figure, name, curve_told(found), curve_told(found))


def curve_told(found: Curve) -> str:
    """Return in words how far data and law are apart, and what the data are."""
    what = "periods" if found.kind == "demand" else "trips"
    at_least = "sold out" if found.kind == "demand" else "still on the way"
    parts = [f"{found.n:,} {what}"]
    if found.more:
        parts.append(f"{found.more:,} {at_least}: at least that much")
    if found.less:
        parts.append(f"{found.less:,} may have waited behind others: at most that much")
    verdict = "inside" if found.gap <= found.limit else "OUTSIDE"
    points = (
        f"{100 * found.gap:.1f} points apart at most, {verdict} the band of {100 * found.limit:.1f}"
    )
    return f"{'; '.join(parts)}. {points}."


def _titled(pen: Pen, words: str) -> None:
    """Write the name of a picture in its upper left corner."""
    ax = pen.axes(0, pen.height - _HEAD, WIDTH, _HEAD)
    ax.set(xlim=(0, WIDTH), ylim=(0, _HEAD))
    ax.set_axis_off()
    write(ax, 0, 0.1, pen.fitted(words, BODY, WIDTH, bold=True), BODY, weight="bold", va="baseline")


# ------------------------------------------------------------------------------------ histograms
def histogram(found: Histogram, title: str, axis: str) -> Figure:
    """Draw a histogram of places with the band in which a right model stays."""
    return _plain(_histogram, found, title, axis)


def _histogram(found: Histogram, title: str, axis: str) -> Figure:
    figure, pen = _canvas(_PLOT + _FOOT + _HEAD)
    ax = _plot(pen)
    n = len(found.counts)
    edges = np.linspace(0, 1, n + 1)
    low, high = (np.append(e, e[-1]) for e in (found.low, found.high))
    ax.fill_between(edges, low, high, step="post", color=_BAND, lw=0)
    ax.bar(edges[:-1] + 0.1 / n, found.counts, 0.8 / n, align="edge", color=_FIT, zorder=2)
    for ends in (low, high):
        ax.step(edges, ends, where="post", color=_GREY, lw=0.9, ls=(0, (3, 2)), zorder=3)
    ax.set(xlim=(0, 1), ylim=(0, 1.08 * max(found.counts.max(), found.high.max())))
    number_axis(ax.yaxis, "", whole=True, steps=4)
    number_axis(ax.xaxis, "")
    below(ax, axis)
    _titled(pen, title)
    return _saved(figure, title, histogram_told(found), histogram_told(found))


def histogram_told(found: Histogram) -> str:
    """Return in words whether a histogram stays in its band."""
    out = int(((found.counts < found.low) | (found.counts > found.high)).sum())
    n, total = len(found.counts), int(found.counts.sum())
    if not out:
        return f"{total:,} places: all {n} bars stay in the band."
    return f"{total:,} places: {out} of {n} bars OUTSIDE the band."


# ------------------------------------------------------------------------------------------ fans
def fan(name: str, y: np.ndarray[Any, Any], part: pd.DataFrame, period: str) -> Figure:
    """Draw what happened in a series and what had been forecast from each origin."""
    return _plain(_fan, name, y, part, period)


def _fan(name: str, y: np.ndarray[Any, Any], part: pd.DataFrame, period: str) -> Figure:
    figure, pen = _canvas(_PLOT + _FOOT + _HEAD)
    ax = _plot(pen)
    start = max(0, int(part["origin"].min()) - 28)
    for origin, ahead in part.groupby("origin"):
        t = int(origin) + ahead["step"].to_numpy() - 1
        ax.fill_between(t, ahead["low"], ahead["high"], color=look.LIGHT["push"], alpha=0.25, lw=0)
        ax.plot(t, ahead["middle"], color=_FIT, lw=1.2)
    ax.plot(np.arange(start, len(y)), y[start:], color=_INK, lw=0.8)
    ax.set(xlim=(start, len(y) - 1))
    ax.set_ylim(bottom=0)
    number_axis(ax.yaxis, "", steps=4)
    number_axis(ax.xaxis, "", whole=True)
    below(ax, f"{period} of the record")
    _titled(pen, f"Demand of {look.said(name)}, units")
    inside = ((part["seen"] >= part["low"]) & (part["seen"] <= part["high"])).mean()
    told = f"{look.share(float(inside))} of {len(part)} {period}s lie in their 90 % bands."
    return _saved(figure, f"Demand of {look.said(name)}", told, told)


# ----------------------------------------------------------------------------------------- rows
def known(rows: Sequence[dict[str, Any]], title: str) -> Figure:
    """Draw 90 % intervals as parts of the ranges in which values were looked for."""
    return _plain(_known, rows, title)


def _known(rows: Sequence[dict[str, Any]], title: str) -> Figure:
    figure, pen = _canvas(_LINE * len(rows) + _FOOT + _HEAD)
    ax = pen.axes(_SIDE, _FOOT, WIDTH - 2 * _SIDE, _LINE * len(rows))
    bare(ax, "")
    for y, row in enumerate(rows):
        span = (row["most"] - row["least"]) or 1.0
        a, m, b = ((row[k] - row["least"]) / span for k in ("low", "middle", "high"))
        colour = _FIT if row["identified"] else _GREY
        ax.plot([0, 1], [y + 0.2] * 2, color=_BAND, lw=5, solid_capstyle="butt")
        ax.plot([a, b], [y + 0.2] * 2, color=colour, lw=5, solid_capstyle="butt")
        ax.plot([m], [y + 0.2], "|", color=_INK, ms=8, mew=1.5)
        doubt = "" if row["identified"] else " (not identified)"
        words = (
            f"{look.said(row['point'])}, {look.said(row['name'].removeprefix('policy.'))}{doubt}"
        )
        write(ax, 0, y - 0.12, pen.fitted(words, BODY, WIDTH - 2 * _SIDE), BODY, va="center")
    ax.set(xlim=(-0.01, 1.01), ylim=(len(rows) - 0.5, -0.5))
    ax.set_yticks([])
    number_axis(ax.xaxis, "share")
    below(ax, "part of the range in which it was looked for")
    _titled(pen, title)
    told = "; ".join(
        f"{look.said(r['point'])} {look.said(r['name'])} {look.number(r['low'])} to "
        f"{look.number(r['high'])} of {look.number(r['least'])} to {look.number(r['most'])}"
        for r in rows
    )
    return _saved(figure, title, f"{told}.", "")


def shares(rows: pd.DataFrame, title: str) -> Figure:
    """Draw which share of a KPI's variance comes from what, the largest first, luck last."""
    return _plain(_shares, rows, title)


def _shares(rows: pd.DataFrame, title: str) -> Figure:
    figure, pen = _canvas(_LINE * len(rows) + _FOOT + _HEAD)
    ax = pen.axes(_SIDE, _FOOT, WIDTH - _SIDE - 0.5, _LINE * len(rows))
    bare(ax, "x")
    most = float(max(rows["high"].max(), 0.05))
    for y, (_, row) in enumerate(rows.iterrows()):
        own = row["key"] not in ("luck", "together", "rest")
        ax.barh(y + 0.2, row["share"], 0.34, color=_FIT if own else look.LIGHT["base"])
        ax.plot([row["low"], row["high"]], [y + 0.2] * 2, color=_INK, lw=1)
        write(ax, 0, y - 0.14, pen.fitted(row["name"], BODY, WIDTH - 2 * _SIDE), BODY, va="center")
        write(ax, row["high"] + 0.02 * most, y + 0.22, look.share(round(row["share"], 3)), BODY,
              va="center")  # fmt: skip
    ax.set(xlim=(0, most), ylim=(len(rows) - 0.5, -0.5))
    ax.set_yticks([])
    number_axis(ax.xaxis, "share", steps=4)
    below(ax, "share of the variance")
    _titled(pen, title)
    told = ", ".join(f"{r['name']} {look.share(round(r['share'], 3))}" for _, r in rows.iterrows())
    return _saved(figure, title, f"{told}.", "")
