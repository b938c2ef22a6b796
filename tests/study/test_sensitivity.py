"""Sensitivity: indices with a closed form, levers that stay within what is allowed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.kpi_cases import factory, shop
from tests.study.cases import tables
from twin.edits import apply
from twin.errors import RunError, ScenarioError, TwinError
from twin.load import load
from twin.result import number
from twin.schema import Scenario
from twin.study.findings import Findings
from twin.study.ready import ready_made
from twin.study.ready.sensitivity import BASE_POINTS, FEWEST_POINTS, WORK, base_points
from twin.study.ready.sensitivity_indices import indices, sampled
from twin.study.ready.sensitivity_levers import Moved, Number, Ranged, Scaled, own_levers
from twin.topology import build
from viz.study_charts_names import said

LEVERS = {"holding": {"key": "stock[0].holding_cost", "low": 0.1, "high": 0.3},
          "ordering": {"key": "purchases[0].order_cost", "low": 1, "high": 3}}  # fmt: skip


def steady(**more: Any) -> Scenario:
    """A shop with 20 on hand and one order a period, so that a period costs 20 h + K."""
    demand = [{"site": "shop", "item": "tea", "kind": "constant", "mean": 10}]
    stock = [{"policy": {"kind": "base_stock", "level": 40}, "holding_cost": 0.2}]
    return shop(demand=demand, stock=stock, horizon=15, warmup=5, replications=1, **more)


def turned(scenario: Scenario, out: Path | None = None, **options: Any) -> Findings:
    given = {"metrics": ["running_cost"], "levers": LEVERS, "base": 256, "runs": 1}
    return ready_made("sensitivity", {**given, **options}, scenario=scenario, out=out, threads=1)


def ishigami(unit: np.ndarray) -> np.ndarray:
    """Ishigami & Homma 1990, with a = 7 and b = 0.1, over [-pi, pi] each."""
    x = np.pi * (2 * unit - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def ishigami_indices() -> tuple[list[float], list[float]]:
    """Return the first-order and the total indices: integrals by hand."""
    a, b, pi = 7.0, 0.1, np.pi
    one = 0.5 * (1 + b * pi**4 / 5) ** 2
    two = a**2 / 8
    both = b**2 * pi**8 * (1 / 18 - 1 / 50)
    whole = one + two + both
    return [one / whole, two / whole, 0], [(one + both) / whole, two / whole, both / whole]


def test_the_indices_of_the_ishigami_function() -> None:
    """Standard errors at 4,096 points are below 0.01 (first) and 0.005 (total)."""
    found = indices(ishigami(sampled(3, 4096, 1)), 3, 1)
    first, total = ishigami_indices()
    assert found["first"].to_numpy() == pytest.approx(first, abs=0.03)
    assert found["total"].to_numpy() == pytest.approx(total, abs=0.02)


def test_the_intervals_of_indices_cover_at_least_as_often_as_they_say() -> None:
    """Resampling does not know that scrambled points balance, so it is on the safe side."""
    first, total = ishigami_indices()
    hits = []
    for seed in range(60):
        found = indices(ishigami(sampled(3, 256, seed)), 3, seed)
        for order, true in (("first", first), ("total", total)):
            low, high = found[f"{order}_low"].to_numpy(), found[f"{order}_high"].to_numpy()
            hits.append((low <= true) & (true <= high))
    assert np.mean(hits) >= 0.92


def test_points_are_two_sequences_and_their_mixtures() -> None:
    found = sampled(3, 8, 5).reshape(8, 5, 3)
    a, b = found[:, 0], found[:, -1]
    for n in range(3):
        mixed = found[:, 1 + n]
        assert (mixed[:, n] == b[:, n]).all()
        assert (np.delete(mixed, n, 1) == np.delete(a, n, 1)).all()
    assert ((found >= 0) & (found < 1)).all()
    assert len({*np.floor(8 * a[:, 0])}) == 8  # one in each eighth
    assert (sampled(3, 8, 5) == found.reshape(-1, 3)).all()


def test_an_output_that_does_not_vary_has_no_indices() -> None:
    assert indices(np.ones(4 * 8), 2, 1).isna().all(axis=None)
    for base, levers in ((12, 2), (1, 2), (8, 0)):
        with pytest.raises(RunError, match="power of 2"):
            sampled(levers, base, 1)


def test_the_shares_of_a_cost_that_adds_up() -> None:
    """20 h + K with h over 0.2 and K over 2: variances 4² and 2², so 0.8 and 0.2, no more."""
    found = turned(steady(), method="sobol").sheet("sobol_running_cost").frame
    assert found["lever"].tolist() == ["holding", "ordering"]
    assert found["first"].to_numpy() == pytest.approx([0.8, 0.2], abs=0.03)
    assert found["total"].to_numpy() == pytest.approx([0.8, 0.2], abs=0.03)


def test_large_networks_get_fewer_points_within_the_work_that_is_allowed() -> None:
    assert base_points(6, 8, 1) == BASE_POINTS
    cells = [10**k for k in range(3, 9)]
    points = [base_points(6, 8, n) for n in cells]
    assert points == sorted(points, reverse=True)
    assert points[-1] == FEWEST_POINTS
    for n, found in zip(cells, points, strict=True):
        assert found == FEWEST_POINTS or found * 8 * 8 * n <= WORK
        assert found == BASE_POINTS or 2 * found * 8 * 8 * n > WORK


def test_fewer_points_are_said_and_a_base_that_was_given_wins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules[base_points.__module__], "WORK", 1.0)
    fewer = turned(steady(), base=None)
    assert f"{FEWEST_POINTS} points instead of {BASE_POINTS}" in " ".join(fewer.limits)
    assert "points instead of" not in " ".join(turned(steady(), base=BASE_POINTS).limits)
    many, few = (turned(steady(), base=n).sheet("sobol_running_cost").frame for n in (256, None))
    assert (many["first_high"] < few["first_high"]).all()


@pytest.mark.parametrize("name", ["beer-game", "small-business", "electronics"])
def test_networks_of_usual_size_keep_all_points(name: str) -> None:
    scenario = load(name)
    top = build(scenario)
    cells = scenario.horizon * (len(top.points) + len(top.links))
    assert base_points(6, 8, cells) == BASE_POINTS


def test_a_tornado_by_hand_and_which_lever_comes_first() -> None:
    found = turned(steady(), method="tornado")
    rows = found.sheet("tornado_running_cost").frame.set_index("lever")
    assert rows.index.tolist() == ["holding", "ordering"]
    assert rows["at_low"].to_numpy() == pytest.approx([-2, -2])
    assert rows["at_high"].to_numpy() == pytest.approx([2, 0])
    assert rows["width"].to_numpy() == pytest.approx([4, 2])
    assert "turn holding first. From 0.1 to 0.3" in found.answers[0]
    assert "ordering comes second" in found.answers[1]
    assert "clearly behind" in found.answers[1]


def test_shares_differ_by_points_in_table_picture_and_words_alike() -> None:
    lever = {"level": {"key": "stock[0].policy.level", "low": 10, "high": 40, "whole": True}}
    found = turned(shop(), method="tornado", levers=lever, metrics=["fill_rate"])
    sheet = found.sheet("tornado_fill_rate")
    ends = [sheet.frame[name][0] for name in ("at_low", "at_high")]
    assert sheet.units["at_low"] == sheet.units["width_high"] == "points"
    assert min(ends) < -20
    for end in ends:
        assert f"{number(end)} points" in found.answers[0]


def test_a_lever_that_hurts_both_ways_is_as_wide_as_its_worst_end() -> None:
    """Two periods of demand are 20: less owes, much more holds; both cost more, none less."""
    lever = {"level": {"key": "stock[0].policy.level", "low": 10, "high": 40, "whole": True}}
    base = shop(replications=8, stock=[{"policy": {"kind": "base_stock", "level": 22},
                                        "holding_cost": 1, "backlog_cost": 2}])  # fmt: skip
    row = turned(base, method="tornado", levers=lever).sheet("tornado_running_cost").frame.iloc[0]
    assert min(row["at_low"], row["at_high"]) > 0
    assert row["width"] == pytest.approx(max(row["at_low"], row["at_high"]))


def test_numbers_are_scaled_within_what_the_schema_allows() -> None:
    share, whole = Number("a", 0.9, 0.0, 1.0, False), Number("b", 3.0, 1.0, 9.0, True)
    lever = Scaled("both", (share, whole), 0.8, 1.2)
    assert lever.changes(0.0) == pytest.approx({"a": 0.72, "b": 2})
    assert lever.changes(1.0) == {"a": 1.0, "b": 4}
    assert Scaled("one", (whole,), 0.8, 1.2).said(1.0) == "4"
    assert lever.said(0.0) == "× 0.8"
    log = Ranged("c", ("c",), 1, 100, log=True)
    assert log.changes(0.5) == pytest.approx({"c": 10})


def test_a_cut_is_turned_to_its_neighbours() -> None:
    lever = Moved("tables", ("plant", "store"))
    assert [lever.said(u) for u in (0, 0.49, 0.5, 1)] == ["plant", "plant", "store", "store"]
    assert [x for x in own_levers(tables(), 0.2) if isinstance(x, Moved)] == [lever]


@pytest.mark.parametrize("name", ["beer-game", "small-business", "health-commodities"])
def test_every_lever_of_a_shipped_scenario_can_be_turned_to_both_ends(name: str) -> None:
    scenario = load(name)
    levers = own_levers(scenario, 0.2)
    assert len({lever.name for lever in levers}) == len(levers) > 5
    for u in (0.0, 1.0):
        changes = {k: v for lever in levers for k, v in lever.changes(u).items()}
        assert apply(scenario, changes) != scenario


def test_levers_over_the_range_of_their_controls() -> None:
    found = {lever.name: lever for lever in own_levers(steady(), None)}
    assert found["holding cost (stock)"].changes(1.0) == {"stock[0].holding_cost": 10}
    assert "safety factor (stock policy)" in found  # has a control, though a fixed level rests it
    assert "horizon" not in found


@pytest.mark.parametrize("name", ["electronics", "small-business"])
def test_the_shell_says_levers_in_the_words_of_the_page(name: str) -> None:
    """No key is shown that could not be typed, and the page changes no word of them."""
    levers = [x.name for x in own_levers(load(name), 0.2)]
    assert [said(x) for x in levers] == levers
    assert not [x for x in levers if "[" in x or "_" in x or "." in x]


def test_without_salib_the_tornado_still_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "SALib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "SALib", None)
    found = turned(steady())
    assert [s.name for s in found.sheets] == ["tornado_running_cost"]
    assert "pip install 'pushpull-twin[sensitivity]'" in " ".join(found.limits)
    with pytest.raises(TwinError, match="need SALib"):
        turned(steady(), method="sobol")


def test_one_lever_alone_has_a_tornado_and_no_indices() -> None:
    one = {"holding": LEVERS["holding"]}
    found = turned(steady(), levers=one)
    assert [s.name for s in found.sheets] == ["tornado_running_cost"]
    assert "fewer than two levers move running_cost" in " ".join(found.limits)
    with pytest.raises(RunError, match="fewer than two levers"):
        turned(steady(), levers=one, method="sobol")


def test_a_study_goes_on_where_it_stopped_and_says_the_same(tmp_path: Path) -> None:
    first = turned(steady(), tmp_path / "s", base=16)
    next((tmp_path / "s" / "sobol" / "parts").iterdir()).unlink()
    again = turned(steady(), tmp_path / "s", base=16)
    assert again.to_json_dict() == first.to_json_dict() == turned(steady(), base=16).to_json_dict()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"metrics": ["costs"]}, "no KPI 'costs'"), ({"metrics": []}, "at least one"),
     ({"base": 100}, "powers of 2"), ({"levers": {"x": {"key": "a", "low": 2, "high": 1}}}, "below"),
     ({"levers": {"x": {"key": "a.b", "low": 1, "high": 2}}}, "unknown key 'a'")],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_in_words(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        turned(factory(), **options)


def test_a_kpi_that_is_not_always_defined_is_refused() -> None:
    with pytest.raises(RunError, match="'tts' is not defined in"):
        turned(steady(), metrics=["running_cost", "tts"], base=4)
