"""Calibration end to end on a small chain: what comes out, going on after a break, refusals."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import twin
from calibration import calibrate as module
from calibration import cuts, emulate
from calibration.calibrate import calibrate
from calibration.infer import point
from calibration.infer.cut import Cut
from calibration.infer.point import HeldOut, PointResult, pooled
from calibration.posterior import calibrated
from calibration.times import DAY
from twin import posterior
from twin.errors import RunError
from twin.load import load, load_text
from twin.topology import build

CHAIN = """{name: pair, horizon: 280, seed: 3, sites: [{name: centre}, {name: shop}], items: [{name: tea}],
 lanes: [{from: centre, to: shop, lead_time: 3}], purchases: [{site: centre, item: tea, lead_time: 4}],
 stock: [{policy: {kind: base_stock, safety_factor: 1.5}, forecast: {sees: orders, smoothing: 0.2}, shrink: 0.5},
   {where: {site: shop}, policy: {kind: human, level: 60, smoothing: 0.5, adjustment: 0.3, supply_line: 0.7}}],
 demand: [{site: shop, item: tea, kind: negative_binomial, mean: 12, variance_to_mean: 3}],
 devices: [{kind: cycle_count, period: 14}]}"""
OPTIONS = {"seed": 5, "simulations": 1024, "kinds": ("base_stock_forecast", "human")}


@pytest.fixture(scope="module")
def events():
    return emulate.events(load_text(CHAIN))


@pytest.fixture(scope="module")
def start():
    wrong = [{"policy": {"kind": "base_stock", "level": 30}, "forecast": {"sees": "orders"}}]
    return twin.apply(load_text(CHAIN), {"stock": wrong, "lanes[0].lead_time": 6})


@pytest.fixture(scope="module")
def found(events, start):
    return calibrate(events, start, **OPTIONS)


def test_ways_of_ordering_are_told_apart_from_a_wrong_start(found):
    assert {p.name: p.kind for p in found.points} == {
        "shop/tea": "human", "centre/tea": "base_stock_forecast",
    }  # fmt: skip
    assert found.scenario.lanes[0].lead_time.value == 3
    assert not found.flagged


def test_what_is_known_covers_the_truth(found):
    rows = {(p.name, r.name): r for p in found.points for r in p.identified}
    truth = {("shop/tea", "policy.level"): 60, ("shop/tea", "policy.adjustment"): 0.3,
             ("shop/tea", "shrink"): 0.5, ("centre/tea", "policy.safety_factor"): 1.5,
             ("centre/tea", "shrink"): 0.5}  # fmt: skip
    inside = [rows[k].low <= v <= rows[k].high for k, v in truth.items()]
    assert sum(inside) >= 4
    for key, value in truth.items():
        assert rows[key].middle == pytest.approx(value, rel=0.4)


def test_the_calibrated_scenario_runs_on_its_draws(found):
    assert found.scenario.posterior.size == 256
    result = twin.run(found.scenario, replications=16)
    true = twin.run(load_text(CHAIN), replications=16)
    assert result.values["fill_rate"].mean() == pytest.approx(
        true.values["fill_rate"].mean(), abs=0.1
    )


def test_the_last_part_of_the_record_is_predicted(found):
    for one in found.points:
        assert one.held_out.coverage >= 0.7
        assert one.held_out.crps < one.held_out.baseline


def test_a_run_that_was_cancelled_goes_on_and_ends_the_same(
    events, start, found, tmp_path, monkeypatch
):
    stop, seen = threading.Event(), []

    def progress(what, done, total, left):
        seen.append((what, done, total))
        if what == "inferring stock points" and done == 1:
            stop.set()

    with pytest.raises(RunError, match="run it again"):
        calibrate(events, start, progress=progress, cancelled=stop, resume_dir=tmp_path, **OPTIONS)
    pieces = len(list(tmp_path.iterdir()))
    assert pieces == 8  # seven estimators and one stock point
    again = calibrate(events.sample(frac=1, random_state=1), start, resume_dir=tmp_path, **OPTIONS)
    assert again.to_dict()["points"] == found.to_dict()["points"]
    assert again.scenario == found.scenario
    monkeypatch.setattr(module, "infer", None)  # all is kept: nothing is inferred any more
    calibrate(events, start, resume_dir=tmp_path, **OPTIONS)
    with pytest.raises(TypeError):  # what was kept is not that of another seed
        calibrate(events, start, resume_dir=tmp_path, **OPTIONS | {"seed": 6})


def test_a_stock_point_with_few_orders_borrows_from_its_class():
    rng = np.random.default_rng(1)

    def shop(name, middle, sd, orders):
        draws = {"policy.level": np.clip(rng.normal(middle, sd, 256), 1, 99).tolist()}
        ranges = {"policy.level": (0.0, 100.0)}
        return PointResult(name, kind="base_stock", orders=orders, draws=draws, ranges=ranges)

    rich = [shop(f"{n}/tea", 30, 2, 200) for n in range(4)]
    thin, other = shop("thin/tea", 60, 25, 5), shop("other/tea", 60, 25, 5)
    found = pooled([*rich, thin, other], ["shop"] * 5 + ["plant"], seed=1)
    assert np.mean(found[4].draws["policy.level"]) == pytest.approx(30, abs=4)
    assert "drawn towards 4 others" in found[4].notes[0]
    assert found[:4] + found[5:] == [*rich, other]


def test_where_no_rule_fits_that_of_the_start_stays(events, start):
    found = calibrate(events, start, seed=5, simulations=256, kinds=("order_driven",))
    assert set(found.flagged) == {"centre/tea", "shop/tea"}
    assert found.scenario.stock == start.stock
    assert all("that of the scenario stays" in p.notes[-1] for p in found.points)


def test_two_events_with_wrong_clocks_change_nothing_and_are_told(events, start):
    wrong = events.iloc[:2].assign(event_id=["x", "y"])
    wrong["event_time"] += np.array([-5000, 30000]) * DAY
    asked = {"seed": 5, "simulations": 64, "kinds": ("order_driven",)}
    sound, found = (
        calibrate(e, start, **asked)
        for e in (events, pd.concat([events, wrong], ignore_index=True))
    )
    assert (sound.astray, found.astray) == (0, 2)
    assert found.points == sound.points
    assert [e.value for e in found.estimates] == [e.value for e in sound.estimates]


def test_nothing_to_calibrate_on_is_refused(events, start):
    with pytest.raises(RunError, match="no events"):
        calibrate(events.iloc[:0], start)


def test_the_decoupling_point_lies_where_orders_begin_to_be_passed_on():
    scenario = load_text(
        "{stages: [raw, hub, shop], sites: [{name: a, stage: raw}, {name: b, stage: hub}, {name: c, stage: shop}],"
        " items: [{name: tea, family: hot}], families: [{name: hot, decoupling_point: shop}],"
        " lanes: [{from: a, to: b, lead_time: 1}, {from: b, to: c, lead_time: 1}],"
        " purchases: [{site: a, item: tea, lead_time: 1}], stock: [{policy: {kind: base_stock, level: 9}}],"
        " demand: [{site: c, item: tea, mean: 3}]}"
    )
    driven = {"a/tea": 0.0, "b/tea": 0.1, "c/tea": 0.9}
    points = [PointResult(n, kind="x", kinds={"order_driven": p}) for n, p in driven.items()]
    likely = cuts.probabilities(build(scenario), points)["hot"]
    assert max(likely, key=likely.get) == "hub"
    assert sum(likely.values()) == pytest.approx(1)
    odd = [replace(p, p_value=0.0) for p in points]  # which rule comes nearest then is no evidence
    assert odd[0].misfits
    even = cuts.probabilities(build(scenario), odd)["hot"]
    assert list(even.values()) == pytest.approx([1 / 3] * 3)


def test_a_decoupling_point_that_is_not_sure_is_drawn_as_often_as_it_is_likely() -> None:
    scenario, key = load("electronics"), "families.laptop.decoupling_point"
    assert cuts.draws(scenario, {"laptop": {"boards": 0.97, "assembly": 0.03}}, 1) == {}
    assert cuts.draws(scenario, {"laptop": dict.fromkeys(("boards", "assembly"), 0.5)}, 1) == {}
    drawn = cuts.draws(scenario, {"laptop": {"boards": 0.75, "assembly": 0.25, "dc": 1e-4}}, 1)
    assert Counter(drawn[key]) == {"boards": 192, "assembly": 64}
    unsure = calibrated(scenario, [], [], cuts=drawn, data="", seed=1)
    assert {posterior.drawn(unsure, d).families[0].decoupling_point for d in range(20)} == {
        "boards", "assembly"
    }  # fmt: skip
    assert key not in twin.apply(unsure, {key: "dc"}).posterior.draws  # who moves it is sure of it


def test_a_rule_whose_predictions_all_miss_is_flagged_whatever_the_misfit_check_says() -> None:
    def flagged(coverage: float, crps: float, baseline: float) -> bool:
        held = HeldOut(70, coverage, crps, baseline, 0.5)
        return PointResult("c/tea", p_value=0.6, held_out=held).misfits

    assert flagged(0.0, 37.0, 7.0)
    assert not flagged(0.0, 9.0, 7.0)  # the guess is hardly better
    assert not flagged(0.6, 37.0, 7.0)
    assert not flagged(0.0, 1e-9, 0.0)  # a stock that never moves


@pytest.mark.parametrize(("second", "kept"), [(0.4, 0.4), (0.008, 0.008), (0.001, 0.005)])
def test_what_does_not_fit_is_tried_once_more_with_other_luck(monkeypatch, second, kept) -> None:
    asked = []

    def attempt(cut, seed, simulations, *_):
        asked.append((cut.name, seed, simulations))
        return PointResult("c/tea", p_value=0.005 if len(asked) == 1 else second)

    monkeypatch.setattr(point, "_attempt", attempt)
    weekly = Cut("weekly", instead=Cut("daily"))  # orders that allow another review period
    assert point.infer(weekly, seed=1, simulations=512).p_value == kept
    assert [simulations for *_, simulations in asked] == [512, 1024]
    assert [name for name, *_ in asked] == ["weekly", "daily"]
    assert asked[0][1] != asked[1][1]
