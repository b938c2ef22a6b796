"""Lead times against scipy's estimates and known truths; goods on the way must not be forgotten."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import twin
from calibration import emulate
from calibration.direct import lead_times
from calibration.direct.censored import Durations, fit, kaplan_meier
from twin.distributions import lead_time_table

CHAIN = {
    "name": "pair",
    "horizon": 300,
    "integer": True,
    "sites": [{"name": "depot"}, {"name": "shop", "kind": "store"}],
    "items": [{"name": "tea"}],
    "purchases": [{"site": "depot", "item": "tea", "lead_time": 4, "information_delay": 2}],
    "lanes": [{"from": "depot", "to": "shop", "lead_time": 2}],
    "stock": [{"policy": {"kind": "base_stock", "level": 200}}],
    "demand": [{"site": "shop", "item": "tea", "mean": 10}],
}


def chain(lead_time=2, **changes):
    overtaking = changes.pop("overtaking", False)
    lane = {**CHAIN["lanes"][0], "lead_time": lead_time, "overtaking": overtaking}
    return twin.Scenario.model_validate({**CHAIN, "lanes": [lane], **changes})


def watched(n=4000, seed=1):
    """Lognormal lead times, each watched for a random time."""
    rng = np.random.Generator(np.random.PCG64(seed))
    truth = stats.lognorm(0.5, scale=20).rvs(n, random_state=rng)
    age = rng.uniform(0, 60, n)
    return truth, Durations(np.minimum(truth, age), np.where(truth <= age, truth, np.inf))


def test_kaplan_meier_is_unbiased_where_delivered_only_is_far_off():
    truth, d = watched()
    right, wrong = kaplan_meier(d), kaplan_meier(d.of(d.exact))
    for p in (0.5, 0.9):
        assert right.quantile(p) == pytest.approx(np.quantile(truth, p), rel=0.06)
        assert wrong.quantile(p) < 0.9 * np.quantile(truth, p)  # the planted fault


@pytest.mark.parametrize("kind", ["lognormal", "gamma", "weibull"])
def test_fit_is_that_of_scipy(kind):
    _, d = watched(400)
    law = {"lognormal": stats.lognorm, "gamma": stats.gamma, "weibull": stats.weibull_min}[kind]
    oracle = law(*law.fit(stats.CensoredData.right_censored(d.low, ~d.exact), floc=0))
    found = fit(d, kind)
    assert found.mean == pytest.approx(oracle.mean(), rel=2e-3)
    assert found.cv == pytest.approx(oracle.std() / oracle.mean(), rel=5e-3)


def test_turnbull_equals_kaplan_meier_without_left_censoring():
    _, d = watched(60)
    d = Durations(np.ceil(d.low), np.ceil(d.high))
    free = Durations(np.append(d.low, 0.0), np.append(d.high, 1e6))  # says nothing, forces the loop
    one, other = kaplan_meier(d, tail=False), kaplan_meier(free, tail=False)
    for p in (0.2, 0.5):
        assert one.quantile(p) == other.quantile(p)


def test_what_waited_behind_another_is_not_taken_as_slow():
    kind = {"kind": "discrete", "values": [1, 6], "weights": [0.7, 0.3]}
    scenario = chain(kind, horizon=1500)
    found = {e.name[-1]: e for e in lead_times.estimate(emulate.events(scenario), scenario)
             if "depot->shop" in e.name}  # fmt: skip
    assert found["6"].low < 0.3 < found["6"].high
    table = lead_times.trips(emulate.events(scenario), scenario).table
    raw = (table["got"] - table["sent"])[table["kind"] == "ship"]
    assert (raw == 1).mean() < 0.4  # taken at face value, most goods would seem slow


@pytest.mark.parametrize("overtaking", [False, True])
def test_mean_of_a_random_lane_is_recovered(overtaking):
    lead_time = {"kind": "gamma", "mean": 12, "cv": 0.4}
    scenario = chain(lead_time, overtaking=overtaking, horizon=600)
    found = lead_times.estimate(emulate.events(scenario), scenario)
    mean, cv = (e for e in found if "depot->shop" in e.name)
    assert mean.key == "lanes.depot->shop.lead_time.mean"
    assert mean.low < 12 < mean.high
    assert cv.low < 0.4 < cv.high
    assert mean.high - mean.low < 2


def test_a_constant_lane_and_a_purchase_with_order_delay_are_exact():
    scenario = chain()
    found = {e.key: e for e in lead_times.estimate(emulate.events(scenario), scenario)}
    assert found["lanes.depot->shop.lead_time"].value == 2
    assert found["purchases.depot/tea.lead_time"].value == 4
    assert all(e.sure for e in found.values())


def test_estimates_can_be_put_into_the_scenario():
    truth = chain({"kind": "lognormal", "mean": 8, "cv": 0.5})
    found = lead_times.estimate(emulate.events(truth), truth)
    guess = chain(3)
    sets = {key: value for e in found for key, value in e.sets.items()}
    better = twin.apply(twin.apply(guess, sets), {e.key: float(e.draws[7]) for e in found
                                                  if e.key.endswith(("mean", "cv"))})  # fmt: skip
    assert better.lanes[0].lead_time.mean == pytest.approx(8, rel=0.15)


def test_thin_lanes_lean_on_the_others():
    shops = [f"shop{i}" for i in range(6)]
    lanes = [{"from": "depot", "to": s, "lead_time": {"kind": "gamma", "mean": 10, "cv": 0.3},
              "overtaking": True} for s in shops]  # fmt: skip
    rare = {"kind": "intermittent", "mean": 0.05, "variance_to_mean": 1.2, "probability": 0.03}
    demand = [{"site": s, "item": "tea", "mean": 9} for s in shops[1:]]
    demand.append({"site": shops[0], "item": "tea", **rare})
    sites = [{"name": "depot"}, *({"name": s, "kind": "store"} for s in shops)]
    scenario = twin.Scenario.model_validate(
        {**CHAIN, "sites": sites, "lanes": lanes, "demand": demand}
    )
    found = lead_times.estimate(emulate.events(scenario), scenario)
    thin = next(e for e in found if e.key == "lanes.depot->shop0.lead_time.mean")
    assert thin.n < lead_times.THIN
    assert "drawn towards the other lanes" in thin.note
    assert abs(thin.value - 10) < 2


def test_trips_during_a_known_closure_are_left_out():
    closed = [{"kind": "lane_closed", "lane": "depot->shop", "start": 100, "duration": 30}]
    scenario = chain(disruptions=closed)
    found = lead_times.estimate(emulate.events(scenario), scenario)
    assert [e.value for e in found if "depot->shop" in e.name] == [2.0]
    blind = lead_times.estimate(emulate.events(scenario), chain())
    assert len([e for e in blind if "depot->shop" in e.name]) > 1


def test_no_trips_no_estimates():
    assert lead_times.estimate(emulate.frame([]), chain()) == []
    orders = emulate.events(chain(horizon=3))
    assert isinstance(lead_times.trips(orders, chain()).table, pd.DataFrame)


def test_goods_still_on_the_way_count_in_the_twins_own_estimate():
    lead, means = {"kind": "lognormal", "mean": 20, "cv": 0.5}, []
    for seed in range(1, 9):
        young = chain(lead, overtaking=True, horizon=45, seed=seed)
        told = {e.name: e for e in lead_times.estimate(emulate.events(young), young)}
        means.append(told["mean lead time of depot->shop"].value)
    assert np.mean(means) == pytest.approx(20, rel=0.12)  # of delivered goods alone: 16.1


def recorded(scenario, keep):
    """Return what a scenario tells of a year, of receipts only those that are kept."""
    events = emulate.events(scenario)
    got = (events["kind"] == "receive").to_numpy()
    day = (events["event_time"] - events["event_time"].min()).to_numpy() // 86_400_000_000
    luck = np.random.Generator(np.random.PCG64(5)).random(len(events))
    return events[~got | keep(luck, day)]


def mean(scenario, found):
    """Return the mean lead time of the lane with what was estimated of it."""
    sets = {k: v for e in found if e.key.startswith("lanes") for k, v in e.sets.items()}
    values, cdf = lead_time_table(twin.apply(scenario, sets).lanes[0].lead_time)
    return values @ np.diff(cdf, prepend=0.0)


LOST = {
    "one in ten is lost": lambda luck, day: luck > 0.1,
    "the reader dies": lambda luck, day: day < 150,
}


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("overtaking", [False, True])
def test_a_receipt_that_was_never_told_makes_no_lead_time_longer(lost, overtaking):
    kind = {"kind": "lognormal", "mean": 5, "cv": 0.5} if overtaking else 5
    scenario = chain(kind, overtaking=overtaking)
    events = emulate.events(scenario), recorded(scenario, LOST[lost])
    whole, some = (lead_times.estimate(e, scenario) for e in events)
    assert mean(scenario, some) == pytest.approx(
        mean(scenario, whole), rel=0.12 * overtaking + 1e-9
    )
    notes = ["".join(e.note for e in found) for found in (whole, some)]
    assert [lead_times.UNTOLD in note for note in notes] == [False, True]


def test_goods_late_on_an_ordered_lane_are_on_the_way_until_something_passes_them():
    table = pd.DataFrame({"sent": np.arange(30.0), "got": np.arange(30.0) + 4})
    table.loc[[7, 28, 29], "got"] = np.nan
    assert np.flatnonzero(lead_times.untold(table, 35)).tolist() == [7]
    assert np.flatnonzero(lead_times.untold(table, 45)).tolist() == [7, 28, 29]
    table.loc[12, "got"] = 25.0  # here goods overtake, whatever the scenario says
    assert not lead_times.untold(table, 35).any()
    assert lead_times.untold(table.iloc[[7, 28, 29]], 90).sum() == 0  # nothing has come yet
