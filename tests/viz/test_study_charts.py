"""Charts of studies: what is drawn are the numbers, whatever they are."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import matplotlib.colors as colours
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Annotation

from tests.viz.looks import brightness
from twin.study.findings import Chart, Sheet
from viz import look, study_charts
from viz.study_charts_graph import _layout, _links, graph
from viz.study_charts_grid import grid
from viz.study_charts_parts import NARROW, WIDTH, Data, dense, styles
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
    ax = grid(data("grid", frame, group="g")).axes[0]
    bright = [brightness(colours.to_hex(p.get_facecolor())) for p in ax.patches]
    assert bright == sorted(bright, reverse=True)
    letters = [brightness(colours.to_hex(t.get_color())) for t in ax.texts]
    for a, b in zip(bright, letters, strict=True):
        assert (max(a, b) + 0.05) / (min(a, b) + 0.05) >= 4.5


def test_numbers_above_and_below_zero_have_shades_of_their_own():
    frame = {"x": ["a", "b", "c"], "g": ["g"] * 3, "y": [-4.0, 0.0, 4.0]}
    patches = grid(data("grid", frame, group="g")).axes[0].patches
    minus, none, plus = (colours.to_hex(p.get_facecolor()) for p in patches)
    assert brightness(none) > max(brightness(minus), brightness(plus))
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


def test_a_group_of_numbers_has_its_colour_however_a_chart_is_sorted():
    for names in (["calm", "90 days", "45 days"], ["45 days", "calm", "90 days"]):
        frame = {"x": ["a", "b", "c"], "y": [1, 2, 3], "g": names}
        assert data("bars", frame, group="g").groups() == ["calm", "45 days", "90 days"]
    words = {"x": ["a", "b"], "y": [1, 2], "g": ["9 days", "never"]}
    assert data("bars", words, group="g").groups() == ["9 days", "never"]


@pytest.mark.parametrize("width", [WIDTH, NARROW])
@pytest.mark.parametrize("kind", ["bars", "points"])
def test_names_of_groups_take_the_lines_they_need_above_the_chart(kind, width):
    given = data(kind, many(40), group="group", **COLUMNS[kind])
    figure = study_charts.KINDS[kind](replace(given, width=width))
    figure.canvas.draw()
    (key,) = (ax for ax in figure.axes if not ax.axison)
    top = max(ax.get_window_extent().y1 for ax in figure.axes if ax.axison)
    boxes = [t.get_window_extent() for t in key.texts]
    assert len(boxes) == 8
    for box in boxes:
        assert box.y0 > top
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1


@pytest.mark.parametrize("width", [WIDTH, NARROW])
def test_what_an_axis_of_bars_shows_is_written_within_the_picture(width):
    long = "cost_of_more_stock_to_match_the_service_of_the_other_cut"
    frame = {"x": ["a name that is rather long"], long: [4.0], "low": [3.0], "high": [6.0]}
    given = data("bars", frame, {long: "USD/week"}, y=long, low="low", high="high")
    figure = bars(Data(given.chart, given.sheet, width))
    FigureCanvasAgg(figure).draw()
    label = figure.axes[-1].xaxis.label
    box, whole = label.get_window_extent(), figure.bbox
    assert label.get_text().replace("\n", " ").endswith("thin lines: interval")
    assert (box.x0 >= 0, box.x1 <= whole.x1, box.y0 >= 0) == (True, True, True)


def test_a_chart_for_a_phone_is_narrow_and_a_graph_has_none():
    given = data("bars", many(3))
    root = ET.fromstring(study_charts.narrow_svg(given.chart, given.sheet))
    assert root.get("width") == f"{72 * NARROW:g}pt"
    links = data("graph", many(3), **COLUMNS["graph"])
    assert study_charts.narrow_svg(links.chart, links.sheet) == ""


def test_push_and_pull_keep_their_colours_and_no_two_groups_look_alike():
    found = styles(["push", "pull", "baseline", *"abcdefghijkl"])
    assert (found["push"].colour, found["pull"].colour) == (look.BLUE, look.ORANGE)
    assert len({(s.colour, s.mark, s.hollow) for s in found.values()}) == len(found)
    others = {s.colour for g, s in found.items() if g not in ("push", "pull")}
    assert not others & {look.BLUE, look.ORANGE}
