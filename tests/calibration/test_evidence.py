"""Estimates laid on data: laws are those the engine draws, and what was not seen whole counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import twin
from calibration import emulate
from calibration.direct import key_of
from calibration.evidence import evidence
from twin.schema import Scenario

CHAIN = {
    "name": "pair", "horizon": 350, "integer": True,
    "sites": [{"name": "depot"}, {"name": "shop", "kind": "store"}], "items": [{"name": "tea"}],
    "purchases": [{"site": "depot", "item": "tea", "lead_time": 4}],
    "lanes": [{"from": "depot", "to": "shop", "lead_time": {"kind": "gamma", "mean": 9, "cv": 0.4}}],
    "stock": [{"policy": {"kind": "base_stock", "level": 400}}],
    "demand": [{"site": "shop", "item": "tea", "kind": "poisson", "mean": 10}],
}  # fmt: skip
LAWS = [
    {"kind": "poisson", "mean": 10, "season": {"weekly": [1, 2, 1, 1, 1, 3, 0.5]}},
    {"kind": "negative_binomial", "mean": 10, "variance_to_mean": 4},
    {"kind": "gamma", "mean": 12, "cv": 0.6},
    {"kind": "lognormal", "mean": 12, "cv": 0.6},
    {"kind": "normal", "mean": 10, "sd": 6, "season": {"weekly": [1, 2, 1, 1, 1, 3, 0.5]}},
    {"kind": "intermittent", "mean": 2, "probability": 0.3, "variance_to_mean": 2},
    {"kind": "constant", "mean": 7},
]


def chain(**changes) -> Scenario:
    return Scenario.model_validate({**CHAIN, **changes})


def entry(law) -> Scenario:
    return chain(demand=[{"site": "shop", "item": "tea", **law}], integer=False)


def curves(events, scenario, start=None):
    return {(c.kind, c.name): c for c in evidence(events, scenario, start).curves}


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return emulate.events(chain(), seed=3)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law["kind"])
def test_the_law_of_a_demand_is_the_one_that_the_engine_draws(law, events):
    scenario = entry(law)
    drawn = twin.run(scenario, replications=60, record=["sinks.demand"]).series["sinks.demand"]
    curve = curves(events, scenario)["demand", "shop/tea"]
    share = (np.ravel(drawn)[:, None] <= curve.x + 1e-9).mean(axis=0)
    assert np.abs(share - curve.fitted).max() < 0.02  # 21,000 draws; weeks begin on other days


def test_data_of_a_law_stay_inside_its_band_and_those_of_another_do_not(events):
    wrong = chain(lanes=[{"from": "depot", "to": "shop", "lead_time": 6}],
                  demand=[{"site": "shop", "item": "tea", "kind": "poisson", "mean": 13}])  # fmt: skip
    for which in (("demand", "shop/tea"), ("lead time", "depot->shop")):
        right = curves(events, chain(), wrong)[which]
        assert right.gap <= right.limit
        assert np.abs(right.start - right.fitted).max() > right.limit
        off = curves(events, wrong)[which]
        assert off.gap > off.limit


def test_goods_on_the_way_count_as_longer_and_leaving_them_out_shows():
    lane = ("lead time", "depot->shop")
    free = chain(lanes=[{**CHAIN["lanes"][0], "overtaking": True}], horizon=25)
    events = emulate.events(free, seed=3)
    curve = curves(events, free)[lane]
    lots = set(events[events["kind"] == "receive"]["lot"])
    come = curves(events[(events["kind"] != "ship") | events["lot"].isin(lots)], free)[lane]
    assert curve.more > 5
    assert (come.more, come.less) == (0, 0)
    assert come.seen[8] > curve.seen[8] + 0.04
    assert curve.gap <= curve.limit


def test_a_band_of_trips_knows_that_what_waits_behind_others_is_hardly_seen():
    lane = {**CHAIN["lanes"][0], "lead_time": {"kind": "gamma", "mean": 9, "cv": 1.5}}
    few = chain(lanes=[lane], horizon=120)  # one slow trip holds up many
    held = []
    for k in range(8):
        found = curves(emulate.events(few, replication=k), few)["lead time", "depot->shop"]
        held.append(found.gap <= found.limit)
    assert sum(held) >= 7


def test_a_period_that_sold_out_had_at_least_as_much_demand():
    shop = chain(
        sites=[{"name": "shop"}], lanes=[], purchases=[{"site": "shop", "item": "tea", "lead_time": 1}],
        stock=[{"policy": {"kind": "base_stock", "level": 14}}],
        demand=[{"site": "shop", "item": "tea", "kind": "negative_binomial", "mean": 12,
                 "variance_to_mean": 3, "unmet": "lost"}],
    )  # fmt: skip
    events = emulate.events(shop, seed=3)
    curve = curves(events, shop)["demand", "shop/tea"]
    assert 0.2 < curve.more / curve.n < 0.7
    assert curve.gap <= curve.limit
    sold = (
        events[(events["kind"] == "ship") & (events["partner"] == "")]
        .groupby("event_time")["qty"]
        .sum()
    )
    below = curve.x == 12  # sales taken for demand are small where demand is large
    assert (sold <= 14).mean() > curve.fitted[curve.x == 14].item() + 0.1
    assert abs(curve.seen[below].item() - curve.fitted[below].item()) < 0.08


def test_every_rule_names_the_rows_of_its_orders(events):
    rows = evidence(events, chain(), None).orders
    mine = events[
        (events["site"] == "shop") & (events["kind"] == "order") & (events["partner"] != "")
    ]
    assert rows["shop/tea"][0] == mine.sort_values("event_time")["raw_ref"].iloc[0]
    assert set(rows) == {"shop/tea", "depot/tea"}


def test_the_start_is_not_needed(events):
    assert np.isnan(curves(events, chain())["demand", "shop/tea"].start).all()


def test_a_key_is_found_of_an_equal_entry_and_of_the_very_one_where_several_are_equal():
    entry = CHAIN["demand"][0]
    twice = chain(demand=[{**entry, "customer": "a"}, {**entry, "customer": "a"}])
    assert key_of(chain(), chain().lanes[0]) == "lanes.depot->shop"
    assert [key_of(twice, d) for d in twice.demand] == ["demand[0]", "demand[1]"]
