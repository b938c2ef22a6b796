"""A result as one picture: the network above, service, stock and orders below."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from twin import result_files
from twin.result import Result
from viz import look
from viz.layout import layout
from viz.pens import BODY, FONT, TITLE, Pen
from viz.picture_charts import CHARTS
from viz.picture_network import NetworkPart, network_height

SIZE = (10.0, 8.0)
MARGIN, GUTTER = 0.35, 0.3

RC = {"svg.fonttype": "path", "svg.hashsalt": "pushpull-twin", "text.hinting": "no_hinting"}
METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": "pushpull-twin"},
    "png": {"Software": "pushpull-twin"},
    "pdf": {"CreationDate": None, "Creator": "pushpull-twin"},
}


class Picture(Figure):
    """A figure that is saved with the same bytes every time, whoever saves it."""

    sentence = ""
    """What it shows, in words."""

    def savefig(self, fname: Any, **kwargs: Any) -> None:
        """Save as Matplotlib does, without dates and random names; 200 dots an inch."""
        kind = kwargs.get("format") or str(fname).rpartition(".")[2].lower()
        told = {**METADATA.get(kind, {}), **(kwargs.pop("metadata", None) or {})}
        if kind in METADATA:
            told.setdefault("Title", self.sentence)
        kwargs = {"dpi": 200, "metadata": told or None, **kwargs}
        with matplotlib.rc_context(RC):
            if kind != "svg":
                super().savefig(fname, **kwargs)
                return
            drawn = io.StringIO()
            super().savefig(drawn, **{**kwargs, "format": "svg"})
        _put(fname, _shorter(drawn.getvalue()))

    def _repr_svg_(self) -> str:
        """Show itself in a notebook."""
        text = io.StringIO()
        self.savefig(text, format="svg")
        return text.getvalue()


def _shorter(svg: str) -> str:
    """Return an SVG with the coordinates of its paths in hundredths of a point."""

    def rounded(path: re.Match[str]) -> str:
        return re.sub(r"(\d\.\d\d)\d+", r"\1", path.group())

    text = re.sub(r' d="[^"]*"', rounded, svg)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _put(to: Any, text: str) -> None:
    if isinstance(to, str | Path):
        Path(to).write_text(text, encoding="utf-8", newline="\n")
    elif isinstance(to, io.TextIOBase):
        to.write(text)
    else:
        to.write(text.encode())


def draw(result: Result, size: tuple[float, float] = SIZE) -> Picture:
    """Draw a result: its network, stock and flows, its decoupling points and three charts.

    Parameters
    ----------
    result
        What :func:`twin.run` returned; the charts need ``record=viz.series.NEEDED`` (small runs
        record it unasked) and say so where it is missing.
    size
        Width and height in inches, at least 7 x 7.

    Returns
    -------
    matplotlib.figure.Figure
        A figure of its own, unknown to ``pyplot``.
    """
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, "backend": "agg"}):
        figure = Picture(figsize=size, facecolor="white")
        pen = Pen(figure)
        top = _words(pen, figure, result)
        inner = pen.width - 2 * MARGIN
        room = top - MARGIN - 0.12
        tall = network_height(result, room)
        NetworkPart(pen, (MARGIN, top - 0.12 - tall, inner, tall), result).draw()
        wide = (inner - 2 * GUTTER) / 3
        for i, chart in enumerate(CHARTS):
            chart(pen, (MARGIN + i * (wide + GUTTER), MARGIN - 0.2, wide, room - tall), result)
    return figure


def save(result: Result, path: str | Path, size: tuple[float, float] = SIZE) -> None:
    """Draw a result into a file; equal results give equal files.

    Parameters
    ----------
    result
        What to draw.
    path
        Ends with ``.svg``, ``.png`` or ``.pdf``.
    size
        Width and height in inches.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    result_files.save_figure(draw(result, size), Path(path))


# -------------------------------------------------------------------------------------------- words
def _words(pen: Pen, figure: Picture, result: Result) -> float:
    """Write the sentence and what ran; return the height in inches where they end."""
    figure.sentence = sentence(result)
    room, y = pen.width - 2 * MARGIN, pen.height - 0.3
    style = {"family": FONT, "va": "top", "ha": "left", "parse_math": False}
    for line in pen.wrapped(figure.sentence, TITLE, room, bold=True, even=True):
        figure.text(MARGIN / pen.width, y / pen.height, line, fontsize=TITLE, weight="bold",
                    color=look.INK, **style)  # fmt: skip
        y -= 0.25
    y -= 0.03
    for line in pen.wrapped(" ".join(details(result)), BODY, room):
        figure.text(MARGIN / pen.width, y / pen.height, line, fontsize=BODY, color=look.GREY,
                    **style)  # fmt: skip
        y -= 0.145
    return y


def sentence(result: Result) -> str:
    """Return the main finding in words: service, where it is decoupled, stock and cost."""
    calendar = result.scenario.calendar
    on_time = result["on_time"]
    first = "No unit was due" if math.isnan(on_time) else f"{look.share(on_time)} arrives on time"
    periods = result.scenario.horizon - result.scenario.warmup
    cost = look.number(result["running_cost"] / periods)
    stock = look.number(result["inventory_value"])
    money, gap = calendar.currency, "\N{NO-BREAK SPACE}"
    return (
        f"{first} {_decoupled(result)}; stock worth {stock}{gap}{money}, "
        f"running cost {cost}{gap}{money} a{gap}{calendar.period}."
    )


def _decoupled(result: Result) -> str:
    handles = layout(result.topology).handles
    if not handles:
        return "without a decoupling point"
    parts = [(look.listed(h.families), look.said(h.place)) for h in handles]
    first, *others = [f"{who} decoupled at {where}" for who, where in parts[:1]] + [
        f"{who} at {where}" for who, where in parts[1:]
    ]
    return f"with {look.listed([first, *others])}"


def details(result: Result) -> list[str]:
    """Return what ran, how sure the finding is and what the disruptions did, as sentences."""
    s, unit = result.scenario, result.scenario.calendar.period
    ran = f"{s.title or look.said(s.name)}: {look.plural(result.replications, 'run')} of "
    ran += look.plural(s.horizon - s.warmup, unit)
    ran += f" after {look.plural(s.warmup, unit)} of warm-up." if s.warmup else "."
    rows = {row["kpi"]: row for row in result.rows}
    found = [ran]
    service = rows["on_time"]
    if not math.isnan(service["low"]):
        ends = f"{look.share(max(0.0, service['low']))} to {look.share(min(1.0, service['high']))}"
        found.append(f"95 % interval of on time: {ends}.")
    if rows["tts"]["n"]:
        found.append(f"Customers feel the disruption after {look.plural(result['tts'], unit)}.")
    if rows["ttr"]["n"]:
        found.append(f"Recovery takes {look.plural(result['ttr'], unit)}.")
    return found
