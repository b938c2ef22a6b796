"""Events that were lost are put in where others prove them, and nowhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from calibration import emulate
from calibration.infer.cut import cut
from calibration.mend import mended
from calibration.mend_lots import MENDED
from calibration.mend_orders import told_by_what_went
from calibration.periods import add_up
from twin.load import load_text
from twin.topology import build

CHAIN = """{horizon: 300, seed: 4, sites: [{name: hub}, {name: shop}, {name: stall}], items: [{name: tea}],
 lanes: [{from: hub, to: shop, lead_time: {kind: lognormal, mean: 4, cv: 0.4}}, {from: hub, to: stall, lead_time: 3}],
 purchases: [{site: hub, item: tea, lead_time: 6}],
 stock: [{policy: {kind: base_stock, level: 400}}, {where: {site: shop}, policy: {kind: base_stock, level: 90}},
   {where: {site: stall}, shrink: 0.2, policy: {kind: base_stock, level: 60}}],
 devices: [{kind: cycle_count, period: 7}],
 demand: [{site: shop, item: tea, kind: poisson, mean: 12}, {site: stall, item: tea, kind: poisson, mean: 9}]}"""


@pytest.fixture(scope="module")
def chain():
    scenario = load_text(CHAIN)
    return scenario, emulate.events(scenario)


def without(events, share, kinds=None, seed=1):
    lost = np.random.default_rng(seed).random(len(events)) < share
    return events[~lost | (~events["kind"].isin(kinds) if kinds else False)]


def test_where_nothing_was_lost_nothing_is_put_in(chain):
    scenario, events = chain
    whole, counts = mended(events, scenario)
    assert not counts
    assert len(whole) == len(events)


def test_lost_receipts_and_dispatches_are_back_in_their_period_or_nearly(chain):
    scenario, events = chain
    told = without(events, 0.02, ["ship", "receive"])
    whole, counts = mended(told, scenario)
    assert len(events) - len(told) - 2 <= sum(counts.values()) <= len(events) - len(told)
    true, found = add_up(events, scenario), add_up(whole, scenario)
    for series in ("received", "shipped", "sold"):
        for way, units in getattr(true, series).items():
            late = np.abs(np.cumsum(units) - np.cumsum(getattr(found, series)[way])).sum()
            assert late < 0.05 * units.sum(), (series, way)  # of 300 unit-periods for each unit


def test_an_order_that_was_lost_is_placed_when_what_it_brought_was_sent(chain):
    scenario, events = chain
    late = (events["kind"] == "order") & (events["partner"] == "hub") & (events.index > 2000)
    lost = events[late].iloc[[5, 40]]
    whole, counts = mended(events.drop(lost.index), scenario)
    assert counts == {"order": 2}
    put_in = whole[whole["quality"] == MENDED]
    assert sorted(put_in["qty"]) == pytest.approx(sorted(lost["qty"]), abs=1e-6)


def test_receipts_that_are_told_no_more_are_not_made_up(chain):
    scenario, events = chain
    half = events["event_time"] > events["event_time"].median()
    dead = half & (events["kind"] == "receive") & (events["site"] == "shop")
    assert mended(events[~dead], scenario).counts.get("receive", 0) == 0


@pytest.mark.parametrize("where", ["shop/tea", "stall/tea"])
def test_a_stock_point_looks_as_it_did_though_one_event_in_a_hundred_was_lost(chain, where):
    scenario, events = chain
    top = build(scenario)

    def look(some):
        found = cut(add_up(some, scenario), top, top.row_of[where])
        return found.problem.look(found.observed)[0]

    told = without(events, 0.01)
    true, raw, found = look(events), look(told), look(mended(told, scenario).events)
    assert np.abs(found - true).max() < 0.15
    assert np.abs(raw - true).max() > 0.5


WORKS = """{horizon: 200, seed: 3, sites: [{name: works}], items: [{name: steel}, {name: kettle}, {name: pan}],
 purchases: [{site: works, item: steel, lead_time: 4}],
 production: [{site: works, item: kettle, lead_time: 3, yield: 0.9, inputs: [{item: steel, usage: 2}]}%s],
 stock: [{policy: {kind: base_stock, level: 150}}],
 demand: [{site: works, item: kettle, kind: poisson, mean: 9}%s]}"""
ALONE = ("", "")
BESIDE = (
    ", {site: works, item: pan, lead_time: 3, inputs: [{item: steel}]}",
    ", {site: works, item: pan, kind: poisson, mean: 5}",
)


@pytest.mark.parametrize(("beside", "put_in"), [(ALONE, 2), (BESIDE, 0)])
def test_what_was_made_is_put_in_if_it_is_known_what_it_was(beside, put_in):
    scenario = load_text(WORKS % beside)
    events = emulate.events(scenario)
    lost = events[events["kind"] == "make"].iloc[[20, 50]]
    whole, counts = mended(events.drop(lost.index), scenario)
    assert counts.get("make", 0) == put_in
    if put_in:
        true, found = (add_up(x, scenario).made["works", "kettle"] for x in (events, whole))
        np.testing.assert_allclose(found, true, atol=1e-6)


def test_what_production_took_is_put_in():
    scenario = load_text(WORKS % ALONE)
    events = emulate.events(scenario)
    lost = events[(events["kind"] == "ship") & (events["item"] == "steel")].iloc[[20, 50]]
    whole, counts = mended(events.drop(lost.index), scenario)
    assert counts == {"ship": 2}
    true, found = (add_up(x, scenario).used["works", "steel"] for x in (events, whole))
    np.testing.assert_allclose(found, true, atol=1e-6)


PERISH = CHAIN.replace("items: [{name: tea}]", "items: [{name: tea, shelf_life: 6}]").replace(
    "kind: poisson, mean: 9}", "kind: poisson, mean: 9, patience: 0}"
)


def test_goods_that_perish_and_customers_who_leave_are_no_lost_events():
    scenario = load_text(PERISH)
    assert not mended(emulate.events(scenario), scenario).counts


def test_goods_that_were_lost_are_not_put_in_where_the_books_tell():
    scenario = load_text(CHAIN)
    events = emulate.events(scenario)
    lots = events[(events["kind"] == "receive") & (events["site"] == "stall")].iloc[[40, 90]]
    lost = events.drop(lots.index)
    for _, lot in lots.iterrows():  # neither told nor in the books from then on
        after = (lost["site"] == "stall") & (lost["kind"] == "count")
        after &= lost["event_time"] > lot["event_time"]
        lost.loc[after, "qty"] -= lot["qty"]
    assert not mended(lost, scenario).counts.get("receive", 0)
    assert mended(events.drop(lots.index), scenario).counts["receive"] == 2


def test_what_was_told_late_or_taken_back_is_not_put_in():
    scenario = load_text(CHAIN)
    events = emulate.events(scenario)
    late = (events["kind"] == "ship") & (events["partner"] == "")
    late &= np.random.default_rng(1).random(len(events)) < 0.05
    late &= events["event_time"] < events["event_time"].max() - 2 * 86_400_000_000
    told = events.assign(event_time=events["event_time"] + late * 86_400_000_000)
    assert not mended(told, scenario).counts
    sent = events[(events["kind"] == "ship") & (events["partner"] == "stall")].iloc[[20, 50]]
    wrong = sent.assign(lot=sent["lot"] + "x", event_id=sent["event_id"] + "x")
    back = wrong.assign(qty=-wrong["qty"], event_id=wrong["event_id"] + "y")
    assert not mended(pd.concat([events, wrong, back]), scenario).counts


def test_who_passes_orders_on_tells_what_it_was_asked_for_and_the_other_way_round():
    text = CHAIN.replace(
        "shrink: 0.2, policy: {kind: base_stock, level: 60}",
        "initial_stock: 0, policy: {kind: order_driven}",
    )
    scenario = load_text(text)
    events = emulate.events(scenario)
    orders = events[(events["kind"] == "order") & (events["site"] == "stall")]
    asked, passed = (orders[orders["partner"] == who] for who in ("", "hub"))
    lost = pd.concat([asked.iloc[[50, 120, 190]], passed.iloc[[70, 150]]])
    whole, counts = mended(events.drop(lost.index), scenario)
    assert counts == {"order": 5}
    true, found = add_up(events, scenario), add_up(whole, scenario)
    np.testing.assert_allclose(found.demand["stall", "tea"], true.demand["stall", "tea"], atol=1e-6)
    way = ("hub", "stall", "tea")
    np.testing.assert_allclose(found.ordered[way], true.ordered[way], atol=1e-6)


def test_of_several_orders_of_customers_who_wait_nobody_knows_which_was_how_large():
    asked = np.array([3.0, np.nan, 4.0, np.nan, 5.0])
    sold = np.array([3.0, 2.0, 4.0, 1.0, 8.0])
    never, at_last = np.zeros(5, bool), np.array([1, 1, 0, 0, 1], bool)
    assert told_by_what_went(asked, sold, never).tolist() == [3, 0, 4, 0, 5]
    assert told_by_what_went(asked, sold, at_last).tolist() == [3, 2, 4, 4, 5]
