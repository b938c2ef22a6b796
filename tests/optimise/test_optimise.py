"""What `twin optimise` finds, against closed forms; and that it says no more than it knows."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import norm, sem, t

import twin
from tests.facts import cases
from tests.facts.measure import CLOSED
from twin.errors import OccupiedError, OutputError, RunError, TwinError
from twin.optimise import optimise, tune
from twin.optimise.asked import arguments, bounds
from twin.optimise.optimise import _Final

NEWSVENDOR, _, COUNTED = CLOSED["newsvendor"]
FIRST = CLOSED["clark_scarf"][0]


def test_the_newsvendors_level_is_found_from_a_cold_start():
    rates = {"holding_cost": NEWSVENDOR["h"], "backlog_cost": NEWSVENDOR["p"]}
    demand = {"kind": "normal", "mean": 50, "sd": 8}
    found = optimise(cases.single(1, demand, {"level": 200}, **rates, horizon=4000), threads=1)
    level = found.best.levers["level of s"]
    z = (level - 50) / 8
    loss = 8 * (norm.pdf(z) - z * (1 - norm.cdf(z)))
    cost = NEWSVENDOR["h"] * (level - 50) + (NEWSVENDOR["h"] + NEWSVENDOR["p"]) * loss
    assert level == pytest.approx(NEWSVENDOR["S"], rel=0.005)
    assert cost == pytest.approx(NEWSVENDOR["cost"], rel=1e-3)


def test_the_newsvendor_of_whole_units_is_found_exactly():
    rates = {"holding_cost": COUNTED["h"], "backlog_cost": COUNTED["p"]}
    demand = {"kind": "poisson", "mean": 6}
    given = cases.single(1, demand, {"level": 1}, integer=True, **rates, horizon=4000)
    found = optimise(given, threads=1)
    assert found.best.levers == {"level of s": COUNTED["S"]}
    assert found.after[0].mean() / 4000 == pytest.approx(COUNTED["cost"], rel=0.005)


def test_the_least_stock_that_meets_a_service_is_the_textbooks():
    """L = 4, N(100, 25), 95 % of periods without shortage: S = 400 + 1.645 x 50."""
    demand, rates = {"kind": "normal", "mean": 100, "sd": 25}, {"holding_cost": 1}
    given = cases.single(4, demand, {"level": 300}, **rates, horizon=6000, warmup=50)
    found = optimise(given, require={"cycle_service": 0.95}, threads=1)
    assert found.best.levers["level of s"] == pytest.approx(400 + 1.645 * 50, abs=2)
    assert found.requirements()[0]["met"]


def test_a_bad_start_keeps_no_neighbour_of_the_best_out_of_the_comparison():
    """From ten times the level that is best, bounds are wide; whole units are told apart all the same."""
    demand = {"kind": "poisson", "mean": 6}
    given = cases.single(1, demand, {"level": 130}, integer=True, holding_cost=1, backlog_cost=9)
    found = optimise(given, threads=1)
    best, *others = (f.levers["level of s"] for f in found.finalists)
    assert {best - 1, best + 1} <= set(others)


def test_a_penalty_is_named_wherever_the_aim_is(tmp_path):
    demand = {"kind": "poisson", "mean": 6}
    given = cases.single(1, demand, {"level": 13}, integer=True, holding_cost=1, horizon=100)
    found = optimise(given, penalty=5, budget=10, threads=1)
    found.save(tmp_path / "better.yaml")
    for text in (found.summary(), (tmp_path / "better.yaml").read_text(encoding="utf-8")):
        assert "running_cost and 5 a late unit" in text


@pytest.mark.slow
@pytest.mark.parametrize("level", [5, 20])
def test_the_serial_optimum_of_example_6_1_is_found_from_a_cold_start(level):
    demand = {"kind": "normal", "mean": 5, "sd": 1}
    given = cases.serial_optimum([level] * 3, [1, 1, 2], [7, 4, 2], 37.12, demand)
    found = optimise(given, threads=2)
    assert found.after[0].mean() / 6250 == pytest.approx(FIRST["C_star"], rel=0.005)
    local = [FIRST["S_echelon"]["1"], *(b - a for a, b in pairwise(FIRST["S_echelon"].values()))]
    levels = [found.best.levers[f"level of n{n}"] for n in (1, 2, 3)]
    np.testing.assert_allclose(np.cumsum(levels), np.cumsum(local), atol=0.35)


SMALL = {"budget": 40, "threads": 1, "search_replications": 8}


def small(level=300):
    demand, rates = {"kind": "normal", "mean": 100, "sd": 25}, {"holding_cost": 1}
    return cases.single(4, demand, {"level": level}, backlog_cost=9, **rates, horizon=200)


def test_the_gain_is_that_of_a_comparison_with_the_scenario_as_it_is():
    found = optimise(small(), **SMALL)
    compared = twin.compare(found.given, found.scenario, threads=1).row("running_cost")
    assert found.improvement()[0] == pytest.approx(-compared["difference"])
    assert compared["difference"] < 0


def test_the_gain_is_not_measured_with_the_luck_of_the_search():
    """Of a scenario that is best already the search finds a gain, fresh replications none."""
    best = small(level=400 + norm.ppf(0.9) * 50)
    gains = []
    for seed in range(20):
        given = twin.apply(best, {"seed": 10 * seed, "replications": 8})
        gains.append(optimise(given, **SMALL).improvement()[0])
    assert np.mean(gains) <= 2 * np.std(gains, ddof=1) / 20**0.5


def test_finalists_are_ranked_on_other_luck_than_shows_that_they_meet_what_is_required(monkeypatch):
    asked, sample = [], _Final.sample

    def noted(self, candidates, k0, n):
        asked.append(range(k0, k0 + n))
        return sample(self, candidates, k0, n)

    monkeypatch.setattr(_Final, "sample", noted)
    optimise(small(), **SMALL, require={"cycle_service": 0.5})
    met, *ranked = asked
    assert len(met) > 0
    assert len(ranked) > 0
    assert all(run.start >= met.stop for run in ranked)


def test_a_search_that_was_stopped_goes_on_and_comes_to_the_same(tmp_path, monkeypatch):
    whole = optimise(small(), **SMALL).to_json_dict()

    def stop(done, most):
        if done > 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimise(small(), **SMALL, out=tmp_path / "search", progress=stop)
    tried = tmp_path / "search" / "tried.jsonl"
    kept = tried.read_text()
    tried.write_text(kept[:-10])  # a kill cuts the last line short
    found = optimise(small(), **SMALL, out=tmp_path / "search").to_json_dict()
    assert found["runs"] < whole.pop("runs")
    assert {k: v for k, v in found.items() if k != "runs"} == whole
    assert json.loads((tmp_path / "search" / "result.json").read_text()) == found
    assert twin.run(tmp_path / "search" / "optimised.yaml", threads=1)


@pytest.mark.parametrize("budget", [1, 3, 7])
def test_no_more_candidates_are_tried_than_the_budget_allows(tmp_path, budget):
    """Five cuts with levers of their own; what was tried is counted in the folder."""
    found = optimise(
        "electronics", levers=["cuts", "safety_factors"], families=["laptop"], budget=budget,
        set={"horizon": 60, "warmup": 20}, search_replications=2, replications=2, threads=1,
        out=tmp_path / "search",
    )  # fmt: skip
    tried = (tmp_path / "search" / "tried.jsonl").read_text().splitlines()[1:]
    assert len(tried) == found.tried <= budget
    left_out = [note for note in found.notes if "the budget was enough for" in note]
    assert left_out == ([f"the budget was enough for {budget} of 5 combinations of choices"]
                        if budget < 5 else [])  # fmt: skip


def student(values):
    """Return mean and 95 % interval, by scipy."""
    return [values.mean(), *t.interval(0.95, values.size - 1, values.mean(), sem(values))]


def test_finalists_are_told_as_plain_runs_of_them_come_out():
    """Means, intervals and the paired difference, against `twin.run` under the same fresh luck."""
    found = optimise(small(), **SMALL)
    runs = [
        twin.run(
            twin.apply(found.given, finalist.changes), seed=found.given.seed + 2, threads=1,
            replications=finalist.values.shape[1],
        )
        for finalist in found.finalists
    ]  # fmt: skip
    costs = [run.values["running_cost"] for run in runs]
    finalists = found.to_json_dict()["finalists"]
    assert len(finalists) > 1
    for told, cost in zip(finalists, costs, strict=True):
        assert [told[k] for k in ("aim", "low", "high")] == pytest.approx(student(cost))
        assert told["replications"] == cost.size
    for told, cost in zip(finalists[1:], costs[1:], strict=True):
        paired = student(cost - costs[0][: cost.size])
        assert [told["behind"][k] for k in ("mean", "low", "high")] == pytest.approx(paired)


def test_a_damaged_record_of_what_was_tried_is_said_and_replaced_if_that_is_asked(tmp_path):
    (tmp_path / "tried.jsonl").write_text("{\n")
    with pytest.raises(OccupiedError, match=r"tried\.jsonl: is damaged .*--force"):
        optimise(small(), **SMALL, out=tmp_path)
    optimise(small(), **SMALL, out=tmp_path, force=True)
    assert (tmp_path / "result.json").is_file()


def test_the_folder_of_another_search_is_not_touched(tmp_path):
    optimise(small(), **SMALL, out=tmp_path / "search")
    with pytest.raises(OutputError, match="of another search"):
        optimise(small(level=310), **SMALL, out=tmp_path / "search")


def test_decoupling_points_are_chosen_and_the_scenario_as_it_is_stays_an_option():
    found = optimise(
        "electronics", levers=["cuts"], families=["laptop"], set={"horizon": 120, "warmup": 30},
        replications=8, threads=1, aim="inventory_value",
    )  # fmt: skip
    frontier = twin.frontier(
        found.given, families=["laptop"], replications=8, threads=1,
    ).frame.set_index("label")  # fmt: skip
    assert found.best.choice == f"laptop: {frontier['inventory_value'].idxmin()}"


def test_tuning_over_worlds_keeps_what_is_best_for_their_mean():
    calm = small()
    busy = twin.apply(calm, {"demand[0].mean": 120})
    alone = [tune(x, budget=40, threads=1).levers["level of s"] for x in (calm, busy)]
    both = tune(calm, worlds=[calm, busy], budget=40, threads=1)
    assert alone[0] < both.levers["level of s"] < alone[1] + 1
    assert both.value <= both.given
    assert twin.apply(busy, both.changes).stock[0].policy.level == both.levers["level of s"]


WRONG = [
    ({"levers": ["cut"]}, "no levers 'cut'; did you mean 'cuts'"),
    ({"levers": ["kanban"]}, "has nothing to change among kanban"),
    ({"aim": "runing_cost"}, "no KPI 'runing_cost'; did you mean 'running_cost'"),
    ({"aim": "tts"}, "'tts' cannot be optimised"),
    ({"require": {"on_time": float("nan")}}, "require on_time = nan; must be a number"),
    ({"require": {"on_time": 1.2}}, r"require on_time = 1.2; on_time can only be 0 to 1.*0\.95"),
    ({"require": {"inventory": -5}}, "require inventory = -5; inventory can only be 0 or more"),
    ({"require": {"gamma_service": 2}}, "require gamma_service = 2; .* can only be 1 or less"),
    ({"aim": "on_time", "penalty": 5.0}, "is for an aim in money only"),
    ({"budget": 0}, "budget = 0"),
    ({"search_replications": 0}, "search_replications = 0; must be a whole number of 1 or more"),
    ({"levers": []}, "no levers are named"),
]


@pytest.mark.parametrize(("asked", "told"), WRONG)
def test_what_cannot_be_done_is_said_in_words(asked, told):
    with pytest.raises(RunError, match=told):
        optimise(small(), **(SMALL | asked))


def test_bounds_are_read_as_people_write_them():
    given = ["on_time>=0.95", "Lost share <= 2 %", "order cycle time ≤ 1.5"]
    assert bounds(given, "require") == {
        "on_time": 0.95,
        "lost_share": 0.02,
        "order_cycle_time": 1.5,
    }


MISTYPED = [
    ({"require": "on time"}, "require 'on time': must be KPI>=NUMBER"),
    ({"require": "on time >= .9.5"}, "require 'on time >= .9.5': must be KPI>=NUMBER"),
    ({"require": "on time <= 95 %"}, "more on_time is better, write 'on_time>=95%'"),
    ({"require": "on tme >= 95 %"}, "no KPI 'on_tme'; did you mean 'on_time'"),
    ({"require": "on time >= 95"}, "on_time can only be 0 to 1: give such a bound"),
    ({"budget": 0}, "options of optimise, budget = 0; must be 1 or more"),
    ({"levers": ["cut"]}, "no levers 'cut'; did you mean 'cuts'"),
    ({"aim": "on_time", "penalty": 5.0}, "is for an aim in money only"),
]


@pytest.mark.parametrize(("asked", "told"), MISTYPED)
def test_what_cannot_be_asked_is_said_before_anything_is_run(asked, told):
    with pytest.raises(TwinError, match=re.escape(told)):
        arguments(asked)
