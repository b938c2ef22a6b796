"""The report of a calibration: what was learnt, how sure it is, what fits and what does not."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Canvas

from calibration.check import Checked
from viz import look
from viz.pens import BODY, SMALL, Pen, write
from viz.report import Block, Figure, Note, Page, Paragraph, Row, Table, Tile, Tiles

WIDTH = 7.2  # inches, of every picture
SHOWN = 24
"""Most quantities, and most fans, that a picture shows."""

Found = Mapping[str, Any]


def calibration_page(found: Found, name: str, checked: Checked | None = None) -> Page:
    """Return the report of a calibration.

    Parameters
    ----------
    found
        Of :meth:`calibration.calibrate.Calibration.to_dict`.
    name
        What the calibrated scenario is called.
    checked
        The back-test of demand, where the events are at hand.
    """
    points = [p for p in found["points"] if not p["reason"]]
    blocks: list[Block] = [Paragraph(_sentence(found, points), lead=True), _tiles(found, points)]
    blocks += [*_known(points), *_fit(points)]
    if checked is not None:
        blocks += _backtest(checked)
    blocks += [*_decoupling(found), *_estimates(found), *_inferred(found)]
    told = (
        f"Data {found['data'][:16]}, seed {found['seed']}, {found['simulations']:,} simulations for "
        f"each stock point, version {found['version']}. Intervals are central 90 % intervals."
    )
    return Page(f"Calibration of {look.said(name)}", "", [*blocks, Note(told)])


def _sentence(found: Found, points: Sequence[Found]) -> str:
    sure, left = len(found["estimates"]), len(found["not_identified"])
    text = f"{sure} values were estimated directly and {_hidden(points)} inferred by simulation"
    text += f"; {left} are not identified and keep their prior." if left else "."
    flagged = found["flagged"]
    if flagged:
        text += f" The model does not fit {look.listed(flagged)}: look there first."
    elif points:
        text += " No stock point contradicts the model."
    return text


def _hidden(points: Sequence[Found]) -> int:
    return sum(row["identified"] for p in points for row in p["identified"])


def _tiles(found: Found, points: Sequence[Found]) -> Tiles:
    held = [p["held_out"] for p in points if p["held_out"]]
    cover = np.mean([h["coverage"] for h in held]) if held else float("nan")
    better = np.mean([h["crps"] < h["baseline"] for h in held]) if held else float("nan")
    return Tiles([
        Tile("Estimated directly", str(len(found["estimates"]))),
        Tile("Inferred", str(_hidden(points)), change=f"of {len(points)} stock points"),
        Tile("Not identified", str(len(found["not_identified"])), change="keep their prior"),
        Tile("Do not fit", str(len(found["flagged"])), change="at a level of 1 %",
             tone="bad" if found["flagged"] else ""),
        Tile("Held-out coverage", look.share(float(cover)), change="of 90 % bands of stock"),
        Tile("Better than a guess", look.share(float(better)), change="stock points, held out"),
    ])  # fmt: skip


# ------------------------------------------------------------------------------------ pictures
def _svg(figure: Canvas) -> str:
    out = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "twin", "svg.fonttype": "path"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def _known(points: Sequence[Found]) -> Iterator[Block]:
    """Yield what is known of each hidden quantity, as a part of where it was looked for."""
    rows = [(p["name"], row, p["ranges"][row["name"]])
            for p in points for row in p["identified"] if row["name"] in p["ranges"]]  # fmt: skip
    if not rows:
        return
    rows = sorted(rows, key=lambda r: r[1]["width"])[:SHOWN]
    canvas = Canvas((WIDTH, 0.5 + 0.19 * len(rows)))
    ax = Pen(canvas).axes(2.9, 0.35, WIDTH - 3.1, 0.19 * len(rows))
    for y, (name, row, (low, high)) in enumerate(rows):
        a, m, b = ((row[k] - low) / ((high - low) or 1) for k in ("low", "middle", "high"))
        ax.plot([0, 1], [y, y], color=look.LIGHT["hair"], lw=5, solid_capstyle="round")
        ax.plot([a, b], [y, y], color=look.LIGHT["push" if row["identified"] else "grey"], lw=5)
        ax.plot([m], [y], "o", color=look.LIGHT["ink"], ms=3)
        write(ax, -0.02, y, f"{look.said(name)}, {look.said(row['name'])}", SMALL,
              ha="right", va="center")  # fmt: skip
    _bare(
        ax, (-0.02, 1.02), (len(rows) - 0.5, -0.5), "share of the range in which it was looked for"
    )
    told = f"{len(rows)} hidden quantities; the narrower the bar, the more the data say"
    yield Figure(_svg(canvas), told, f"{told}; grey: not identified.", "What the data say")


def _fit(points: Sequence[Found]) -> Iterator[Block]:
    """Yield where what was seen lies among what the calibrated model does."""
    places = [x for p in points for x in p["pit"].values()]
    orders = [p["held_out"]["orders"] for p in points if p["held_out"]]
    if not places:
        return
    canvas = Canvas((WIDTH, 1.7))
    pen = Pen(canvas)
    for x, values, words in ((0.4, places, "summaries among replicates"),
                             (3.9, orders, "units ordered, held out")):  # fmt: skip
        ax = pen.axes(x, 0.4, 2.9, 1.1)
        counts, edges = np.histogram(values, 10, (0, 1))
        ax.bar(edges[:-1], counts, 0.09, align="edge", color=look.LIGHT["push"])
        ax.axhline(len(values) / 10, color=look.LIGHT["grey"], lw=0.8, ls="--")
        _bare(ax, (0, 1), None, words)
    told = "Places of what was seen among what the calibrated twin does: level if it fits"
    yield Figure(
        _svg(canvas), told, f"{told}; a hump: too wide, a bowl: too narrow.", "Does it fit?"
    )


def _backtest(checked: Checked) -> Iterator[Block]:
    """Yield the scores of the demand model, and its fans on the largest series."""
    table = checked.backtest.summary()
    yield Table(
        ["demand model", "scaled CRPS", "coverage of 90 %", "interval score"],
        [[look.said(str(model)), look.number(row["scaled_crps"]), look.share(row["coverage"]),
          look.number(row["interval_score"])] for model, row in table.iterrows()],
        numbers=frozenset({1, 2, 3}), title="Back-test of demand, rolling origin",
        caption="Chosen before the first origin; lower scores are better.",
    )  # fmt: skip
    rows = checked.backtest.table
    rows = rows[rows["model"] == "chosen"]
    shown = rows["series"].unique()[:4]
    canvas = Canvas((WIDTH, 1.15 * len(shown) + 0.3))
    pen = Pen(canvas)
    for k, i in enumerate(shown):
        ax = pen.axes(0.5, 0.3 + 1.15 * (len(shown) - 1 - k), WIDTH - 0.7, 0.85)
        part = rows[rows["series"] == i]
        y, first = checked.series[i], int(part["origin"].min())
        start = max(0, first - 28)
        ax.plot(np.arange(start, len(y)), y[start:], color=look.LIGHT["ink"], lw=0.8)
        for origin, fan in part.groupby("origin"):
            t = origin + fan["step"].to_numpy() - 1
            ax.fill_between(t, fan["low"], fan["high"], color=look.LIGHT["push"], alpha=0.25, lw=0)
            ax.plot(t, fan["middle"], color=look.LIGHT["push"], lw=0.9)
        write(ax, start, float(ax.get_ylim()[1]), look.said(checked.names[i]), BODY, va="bottom")
        _bare(ax, (start, len(y)), None, "")
    told = "What happened (line) and what was forecast then (90 % bands)"
    yield Figure(_svg(canvas), told, f"{told}, {len(shown)} largest series.")


def _bare(ax: Any, x: Any, y: Any, words: str) -> None:
    ax.set_xlim(*x)
    if y is not None:
        ax.set_ylim(*y)
        ax.set_yticks([])
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(look.LIGHT["edge"])
    ax.tick_params(labelsize=SMALL, colors=look.LIGHT["grey"], length=2)
    ax.set_xlabel(words, fontsize=SMALL, color=look.LIGHT["grey"])


# -------------------------------------------------------------------------------------- tables
def _decoupling(found: Found) -> Iterator[Block]:
    rows = [
        [look.said(family), look.said(stage), look.share(p)]
        for family, places in found["decoupling"].items()
        for stage, p in sorted(places.items(), key=lambda pair: -pair[1])
        if p >= 0.005
    ]
    if rows:
        yield Table(
            ["family", "stage", "probability"], rows, frozenset({2}),
            "By how the stock points order; every place was equally likely before.",
            "Where the decoupling point is",
        )  # fmt: skip


def _estimates(found: Found) -> Iterator[Block]:
    rows = [
        Row([e["name"], look.number(e["value"]), f"{look.number(e['low'])} to {look.number(e['high'])}",
             f"{e['n']:,}", "; ".join(filter(None, (e["method"], e["note"])))])
        for e in found["estimates"]
    ]  # fmt: skip
    if rows:
        yield Table(["what", "value", "90 %", "from", "how"], rows, frozenset({1, 2, 3}),
                    title="Estimated directly", new_page=True)  # fmt: skip


def _inferred(found: Found) -> Iterator[Block]:
    rows: list[Row] = []
    for p in found["points"]:
        head = f"{look.said(p['name'])}: {p['reason'] or look.said(p['kind'])}"
        doubt = f", does not fit (p {p['p_value']:.3f})" if p["name"] in found["flagged"] else ""
        rows.append(Row([head + doubt, *[""] * 3], group=True))
        rows += [
            Row([look.said(r["name"]), look.number(r["middle"]),
                 f"{look.number(r['low'])} to {look.number(r['high'])}",
                 "" if r["identified"] else "not identified: prior kept"], quiet=not r["identified"])
            for r in p["identified"]
        ]  # fmt: skip
        rows += [Row([note, "", "", ""], quiet=True) for note in p["notes"]]
    if rows:
        yield Table(["what", "median", "90 %", ""], rows, frozenset({1, 2}),
                    title="Inferred by simulation")  # fmt: skip
