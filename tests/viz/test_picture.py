"""The picture of a result: it draws, says what it shows, and nothing overlaps."""

from __future__ import annotations

import functools
import io
import itertools
import sys
import xml.etree.ElementTree as ElementTree

import matplotlib
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

import twin
import viz
from twin.errors import OutputError, TwinError
from twin.result import Result
from viz import look, picture, series

SHIPPED = ["beer-game", "electronics", "electronics-full", "small-business", "health-commodities"]
SIZES = [(10, 8), (7, 9)]


@functools.cache
def shipped(name: str, recorded: bool = True) -> Result:
    return twin.run(name, replications=2, record=series.NEEDED if recorded else ())


@functools.cache
def two_cuts() -> Result:
    changes = {"families.laptop.decoupling_point": "market"}
    return twin.run("electronics", replications=2, record=series.NEEDED, set=changes)


@functools.cache
def own_rules() -> Result:
    """The flagship without families."""
    data = twin.load("electronics").to_dict()
    del data["families"]
    for item in data["items"]:
        item.pop("family", None)
    scenario = twin.Scenario.model_validate(data)
    return twin.run(scenario, replications=2, record=series.NEEDED)


@functools.cache
def many_stores() -> Result:
    """Twenty stores behind one warehouse."""
    names = [f"store_{i:02}" for i in range(20)]
    data = {
        "horizon": 40,
        "stages": ["warehouse", "store"],
        "sites": [{"name": "hub", "stage": "warehouse"}]
        + [{"name": n, "kind": "store", "stage": "store"} for n in names],
        "items": [{"name": "tea", "family": "teas"}],
        "families": [{"name": "teas", "decoupling_point": "store"}],
        "purchases": [{"site": "hub", "item": "tea", "lead_time": 2}],
        "lanes": [{"from": "hub", "to": n, "lead_time": 1} for n in names],
        "demand": [{"site": n, "item": "tea", "kind": "poisson", "mean": 3} for n in names],
    }
    return twin.run(twin.Scenario.model_validate(data), replications=2)


def texts(figure: Figure) -> list[Text]:
    with matplotlib.rc_context(picture.RC):
        FigureCanvasAgg(figure).draw()
    shown = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    ticks = [t for ax in figure.axes for t in _unseen_ticks(ax)]
    return [t for t in shown if t not in ticks]


def _unseen_ticks(ax) -> list[Text]:
    """Labels of ticks outside the axis, which Matplotlib keeps and does not draw."""
    if not ax.axison:
        return [*ax.get_xticklabels(), *ax.get_yticklabels(), ax.xaxis.label, ax.yaxis.label]
    return [
        t.label1
        for axis, ends in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim()))
        for t in axis.get_major_ticks()
        if not min(ends) <= t.get_loc() <= max(ends)
    ]


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    found = texts(figure)
    with matplotlib.rc_context(picture.RC):
        boxes = [Text.get_window_extent(t) for t in found]
    bad = []
    for (a, p), (b, q) in itertools.combinations(zip(found, boxes, strict=True), 2):
        wide = min(p.x1, q.x1) - max(p.x0, q.x0)
        tall = min(p.y1, q.y1) - max(p.y0, q.y0)
        if wide > 1 and tall > 2.5:  # pixels of 1/100 inch: room for accents is no ink
            bad.append((a.get_text(), b.get_text()))
    return bad


def outside(figure: Figure) -> list[str]:
    wide, tall = figure.get_size_inches() * figure.dpi
    boxes = [(t.get_text(), Text.get_window_extent(t)) for t in texts(figure)]
    return [s for s, b in boxes if b.x0 < 0 or b.y0 < 0 or b.x1 > wide or b.y1 > tall]


def words(figure: Figure) -> str:
    return "\n".join(t.get_text() for t in texts(figure)).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_scenario_draws_without_overlaps(name, size):
    figure = picture.draw(shipped(name), size)
    assert [ax.get_label() for ax in figure.axes] == [
        "network", "On time", "Stock by stage", "Bullwhip by stage (log scale)",
    ]  # fmt: skip
    assert not overlaps(figure)
    assert not outside(figure)


@pytest.mark.parametrize("size", SIZES)
def test_two_handles_draw_without_overlaps(size):
    figure = picture.draw(two_cuts(), size)
    assert not overlaps(figure)
    assert not outside(figure)
    assert words(figure).count("push ◂") == 2


@pytest.mark.parametrize("size", SIZES)
def test_a_crowded_stage_draws_as_one_node(size):
    figure = picture.draw(many_stores(), size)
    assert "20 sites" in words(figure)
    assert not overlaps(figure)


def test_without_families_every_site_follows_its_own_rule():
    figure = picture.draw(own_rules())
    assert "without a decoupling point" in figure.sentence
    assert "own rule" in words(figure)
    assert "pull" not in words(figure)
    assert not overlaps(figure)


def test_the_sentence_tells_the_results_numbers():
    result = shipped("electronics")
    said = picture.sentence(result).replace("\N{NO-BREAK SPACE}", " ")
    assert f"{100 * result['on_time']:.1f} %" in said
    assert "laptop and printer decoupled at boards" in said
    assert f"stock worth {look.number(result['inventory_value'])} USD" in said
    assert f"{look.number(result['running_cost'] / 365)} USD a day" in said


def test_charts_without_series_say_what_to_do():
    figure = picture.draw(shipped("electronics", recorded=False), (7, 9))
    told = words(figure)
    for what in ("service", "stock", "orders"):
        assert f"kept no {what} over time" in told
    assert told.count("record=NEEDED") == 3
    assert not overlaps(figure)


def test_push_and_pull_are_told_by_more_than_colour():
    figure = picture.draw(shipped("electronics"))
    rims = {p.get_edgecolor(): p.get_linestyle() for p in figure.axes[0].patches if p.get_lw() == 2}
    assert len(rims) == 2
    assert len(set(map(str, rims.values()))) == 2
    assert "● push" in words(figure)
    assert "□ pull" in words(figure)


def test_equal_results_give_equal_files_of_a_moderate_size(tmp_path):
    result = shipped("electronics")
    picture.save(result, tmp_path / "a.svg")
    result.plot(tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.svg").stat().st_size < 300_000
    ElementTree.parse(tmp_path / "a.svg")
    assert b"<dc:date>" not in (tmp_path / "a.svg").read_bytes()


def test_a_users_style_does_not_change_the_picture():
    plain, styled = io.StringIO(), io.StringIO()
    picture.draw(shipped("beer-game")).savefig(plain, format="svg")
    with matplotlib.rc_context({"font.size": 20, "axes.grid": True, "font.family": "serif"}):
        picture.draw(shipped("beer-game")).savefig(styled, format="svg")
    assert plain.getvalue() == styled.getvalue()


@pytest.mark.parametrize("ending", ["png", "pdf"])
def test_other_kinds_of_files_are_written(ending, tmp_path):
    picture.save(shipped("beer-game"), tmp_path / f"a.{ending}")
    assert (tmp_path / f"a.{ending}").stat().st_size > 10_000


def test_an_unknown_kind_of_file_is_an_error_and_leaves_nothing(tmp_path):
    with pytest.raises(OutputError, match=r"a\.xyz"):
        picture.save(shipped("beer-game"), tmp_path / "a.xyz")
    assert not list(tmp_path.iterdir())


def test_pyplot_is_not_touched():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    picture.draw(shipped("beer-game"))
    assert plt.get_fignums() == before


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch):
    for name in [n for n in sys.modules if n.startswith(("viz.p", "matplotlib"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(viz, "picture", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(TwinError, match=r"needs matplotlib.*pushpull-twin\[plot\]"):
        shipped("beer-game").plot()
