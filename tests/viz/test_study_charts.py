"""Charts of studies: what is drawn are the numbers, whatever they are."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from typing import Any

import matplotlib.colors as colours
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Annotation

from twin.study.findings import Chart, Sheet
from viz import look, study_charts
from viz.study_charts_graph import _layout, _links, graph
from viz.study_charts_grid import _on, grid
from viz.study_charts_parts import Data, dense, styles
from viz.study_charts_points import points
from viz.study_charts_rows import bars, tornado

pytestmark = pytest.mark.nojit


def data(kind: Any, frame: dict[str, Any], units: Any = None, **columns: Any) -> Data:
    chart = Chart(kind, "c", "Title", "s", **{"x": "x", "y": "y", **columns})
    return Data(chart, Sheet("s", "Sheet", pd.DataFrame(frame), units or {}))


def many(n: int, gaps: bool = False) -> dict[str, Any]:
    """Return a sheet that every kind of chart can be drawn from, with names of any length."""
    luck = np.random.default_rng(1)
    y = luck.normal(10, 20, n)
    y[::2] = np.nan if gaps else y[::2]
    return {
        "x": [f"site_{i}" + " and more" * (i % 7) for i in range(n)], "n": luck.uniform(1, 9, n),
        "y": y, "low": y - 3, "high": y + 2, "group": [f"group {i % 8}" for i in range(n)],
        "to": [f"site_{i + 1}" for i in range(n)],
    }  # fmt: skip


COLUMNS = {
    "bars": {"low": "low", "high": "high"}, "lines": {"x": "n", "low": "low", "high": "high"},
    "points": {"x": "n", "low": "low", "high": "high", "label": "x", "log_x": True},
    "tornado": {"low": "low", "high": "high"}, "grid": {}, "graph": {"y": "to", "label": "y"},
}  # fmt: skip


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize(
    ("n", "gaps"), [(0, False), (1, False), (1, True), (7, True), (500, False)]
)
def test_every_kind_is_drawn_from_no_one_and_many_rows(kind, n, gaps):
    given = data(kind, many(n, gaps), group="group", **COLUMNS[kind])
    drawn = study_charts.svg(given.chart, given.sheet)
    assert ET.fromstring(drawn).tag.endswith("svg")
    assert drawn == study_charts.svg(given.chart, given.sheet)
    assert study_charts.words(given.chart, given.sheet).startswith("Title. ")


def test_bars_are_as_long_as_their_values_and_lines_as_their_intervals():
    frame = {"x": ["a", "b"], "y": [4.0, -2.0], "low": [3.0, -2.5], "high": [6.0, -1.0]}
    ax = bars(data("bars", frame, low="low", high="high")).axes[-1]
    assert [p.get_width() for p in ax.patches] == [4.0, -2.0]
    ends = {tuple(line.get_xdata()) for line in ax.lines}
    assert {(3.0, 6.0), (-2.5, -1.0)} <= ends
    low, high = ax.get_xlim()
    assert low < -2.5
    assert high > 6.0


def test_a_tornado_has_both_ends_of_each_lever_in_the_order_of_the_sheet():
    frame = {"x": ["strong", "weak"], "y": [1, 2], "low": [-5.0, -1.0], "high": [4.0, 1.0]}
    ax = tornado(data("tornado", frame, low="low", high="high")).axes[-1]
    rows = [{p.get_width() for p in ax.patches if round(p.get_y() + 0.31) == y} for y in (0, 1)]
    assert rows == [{-5.0, 4.0}, {-1.0, 1.0}]
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first row stands on top"


def test_a_cell_is_darker_the_more_it_holds_and_its_number_can_be_read():
    frame = {"x": ["a", "b", "c"], "g": ["g"] * 3, "y": [1.0, 5.0, 9.0]}
    shades = [p.get_facecolor()[:3] for p in grid(data("grid", frame, group="g")).axes[0].patches]
    bright = [_bright(s) for s in shades]
    assert bright == sorted(bright, reverse=True)
    for shade, light in zip(shades, bright, strict=True):
        letters = _bright(colours.to_rgb(_on(shade)))
        assert (max(light, letters) + 0.05) / (min(light, letters) + 0.05) >= 4.5


def _bright(rgb: Any) -> float:
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in rgb]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_numbers_above_and_below_zero_have_shades_of_their_own():
    frame = {"x": ["a", "b", "c"], "g": ["g"] * 3, "y": [-4.0, 0.0, 4.0]}
    minus, none, plus = (
        p.get_facecolor()[:3] for p in grid(data("grid", frame, group="g")).axes[0].patches
    )
    assert _bright(none) > max(_bright(minus), _bright(plus))
    assert minus != plus


def test_links_go_from_left_to_right_and_a_circle_is_drawn_too():
    frame = {"x": ["a", "b", "a", "c"], "y": ["b", "c", "c", "a"], "w": [4.0, 3.0, 2.0, 1.0]}
    found = _layout(_links(data("graph", frame, label="w")))
    column = {n: k for k, layer in enumerate(found.order) for n in layer}
    assert column["a"] < column["b"] < column["c"]
    assert [len(e.way) for e in found.links] == [0, 0, 1, 0]  # a to c passes b in a lane of its own


@pytest.mark.parametrize("incoming", [1, 4, 9, 20])
def test_every_arrow_ends_at_the_upright_side_of_its_box(incoming):
    first = [f"supplier {i}" for i in range(incoming)]
    frame = {"x": [*first, "works", "works"], "y": ["works"] * incoming + ["shop", first[0]],
             "w": range(incoming + 2)}  # fmt: skip
    ax = graph(data("graph", frame, label="w")).axes[-1]
    boxes = [p.get_extents() for p in ax.patches if isinstance(p, FancyBboxPatch)]
    sides = [ax.transData.inverted().transform_bbox(box) for box in boxes]
    tips = [t.xy for t in ax.texts if isinstance(t, Annotation) and t.arrow_patch is not None]
    assert len(tips) == incoming + 2
    for x, y in tips:
        assert any(abs(box.x0 - x) < 0.01 and box.y0 + 0.06 < y < box.y1 - 0.06 for box in sides), (
            x,
            y,
        )


def test_two_amounts_stand_back_to_back_without_a_sign():
    frame = {"x": ["near", "far"], "y": [1, 2], "low": [-35.0, -41.0], "high": [9.0, -0.04]}
    for zero, said in ((False, ["35", "9", "41", "-0.04"]), (True, ["-35", "9", "-41"])):
        figure = tornado(data("tornado", frame, low="low", high="high", zero=zero))
        figure.canvas.draw()
        ax = figure.axes[-1]
        told = {t.get_text() for t in ax.texts} - {"near", "far"}
        assert told == set(said)
        ticks = [t.get_text() for t in ax.get_xticklabels()]
        assert any(t.startswith("-") for t in ticks) == zero


def test_names_of_points_meet_no_other_name():
    luck = np.random.default_rng(3)
    frame = {"x": luck.uniform(0, 1, 40), "y": luck.uniform(0, 1, 40),
             "n": [f"name {i}" for i in range(40)]}  # fmt: skip
    figure = points(data("points", frame, label="n"))
    figure.canvas.draw()
    texts = [t for t in figure.axes[-1].texts if t.get_text().startswith("name")]
    assert len(texts) > 10
    for one, other in itertools.combinations([t.get_window_extent() for t in texts], 2):
        assert not one.shrunk(0.98, 0.8).overlaps(other.shrunk(0.98, 0.8))


def test_the_dense_part_of_points_is_enlarged_and_no_part_where_none_is():
    far = np.array([*np.linspace(900, 1000, 16), 1800, 1900, 2900, 3700])
    assert dense(far).tolist() == [True] * 16 + [False] * 4
    assert dense(np.linspace(0, 1, 40)).all()
    assert dense(np.array([1.0, 2.0, 9.0, np.nan])).all()
    frame = {"x": far, "y": np.linspace(0, 1, 20)}
    whole, near = points(data("points", frame)).axes
    assert (len(whole.lines), len(near.lines)) == (20, 16)
    assert near.get_xlim()[1] < 1100


def test_what_the_picture_leaves_out_is_said():
    few, lots = data("bars", many(5)), data("bars", many(500))
    assert study_charts.remarks(few.chart, few.sheet) == ""
    assert study_charts.remarks(lots.chart, lots.sheet) == "The first 30 of 500 are drawn."


def test_the_ends_are_told_to_those_who_hear_them():
    given = data("bars", {"x": ["a", "b_c"], "y": [0.5, 0.25]}, {"y": "share"})
    told = study_charts.words(given.chart, given.sheet).replace("\N{NO-BREAK SPACE}", " ")
    assert told == "Title. Y: from b c 25 % to a 50 %."


def test_push_and_pull_keep_their_colours_and_no_two_groups_look_alike():
    found = styles(["push", "pull", "baseline", *"abcdefghijkl"])
    assert (found["push"].colour, found["pull"].colour) == (look.BLUE, look.ORANGE)
    assert len({(s.colour, s.mark, s.hollow) for s in found.values()}) == len(found)
    others = {s.colour for g, s in found.items() if g not in ("push", "pull")}
    assert not others & {look.BLUE, look.ORANGE}
