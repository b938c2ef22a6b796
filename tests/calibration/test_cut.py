"""Cutting a stock point out of a network: orders, deliveries and books as its own problem."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from calibration import emulate
from calibration.infer.cut import cut
from calibration.infer.orders import fifo_leads, opening_orders, rhythm, supply_trace
from calibration.infer.point import PointResult
from calibration.infer.prior import prior_of
from calibration.infer.simulate import simulate
from calibration.periods import add_up
from twin.load import load_text
from twin.topology import build

HUMAN = "kind: human, level: 40, smoothing: 0.5, adjustment: 0.4, supply_line: 0.7"
CHAIN = """{horizon: 200, seed: 4, sites: [{name: centre}, {name: shop}, {name: stall}], items: [{name: tea}],
 lanes: [{from: centre, to: shop, lead_time: 2}, {from: centre, to: stall, lead_time: 3}],
 purchases: [{site: centre, item: tea, lead_time: 6}],
 stock: [{policy: {kind: base_stock, level: 100}},
   {where: {site: shop}, policy: {HUMAN}},
   {where: {site: stall}, policy: {kind: base_stock, level: 90, review: 7, phase: 3}}],
 demand: [{site: shop, item: tea, kind: poisson, mean: 9},
   {site: stall, item: tea, kind: poisson, mean: 6}]}""".replace("HUMAN", HUMAN)


@pytest.fixture(scope="module")
def chain():
    scenario = load_text(CHAIN)
    periods = add_up(emulate.events(scenario), scenario, first=0, last=199)
    return periods, build(scenario)


def test_a_shop_by_itself_orders_as_it_did_in_the_chain(chain):
    periods, top = chain
    found = cut(periods, top, top.row_of["shop/tea"])
    assert len(set(found.problem.lead_times)) > 2  # the centre runs short
    prior = prior_of("human", found.scale)
    one = simulate(found.problem, prior, np.array([[40, 0.5, 0.4, 0.7, 0.0]]), seed=1)
    # what was expected at first is not known and fades by half a period
    np.testing.assert_allclose(one.order[60:], found.observed.order[60:], atol=1e-5)
    np.testing.assert_allclose(one.book[90:], found.observed.book[90:], atol=1e-3)


def test_orders_on_every_seventh_day_are_a_weekly_review(chain):
    periods, top = chain
    found = cut(periods, top, top.row_of["stall/tea"])
    assert (found.problem.review, found.problem.phase) == (7, 3)


@pytest.mark.parametrize("review", [1, 2, 7, 14])
def test_the_rhythm_of_orders_is_their_review_period(review):
    ordered = np.zeros(300)
    ordered[1::review] = 5.0
    assert rhythm(ordered) == (review, 1 if review > 1 else 0)
    ordered[2 + review * 20] += 1.0
    ordered[3 + review * 30 : 200 : 5] += 1.0
    assert rhythm(ordered)[0] in (1, review if review == 1 else 1)


def test_a_few_orders_are_no_rhythm():
    ordered = np.zeros(300)
    ordered[[10, 24, 52]] = 5.0
    assert rhythm(ordered) == (1, 0)


def test_what_was_on_order_before_is_told_from_what_was_waited_for():
    ordered = np.random.default_rng(1).uniform(1, 9, 200)
    received = np.concatenate([[7.0, 0.0, 4.0], ordered])[:200]
    held_back = received[80:90].sum()
    received[80:90] = 0.0
    received[90] += held_back  # the supplier was short for ten days
    assert opening_orders(ordered, received) == (3, pytest.approx(11.0))
    leads = fifo_leads(ordered, received, 11.0)
    assert min(leads) == 3
    assert max(leads) == 13


def test_parts_of_an_order_come_though_no_whole_order_came_so_soon():
    ordered, received = np.zeros(30), np.zeros(30)
    ordered[[0, 12]] = 60.0
    received[[3, 6, 15, 18]] = 30.0  # the supplier has half of it at first
    _, whole, part = supply_trace(ordered, received, 0.0)
    assert (whole[3], part[3]) == (0, 0.5)
    assert (whole[15], part[15]) == (12, 0.5)


def test_orders_in_the_rhythm_of_customers_tell_no_review_and_both_are_tried():
    text = CHAIN.replace("level: 100", "level: 300")
    text = text.replace(HUMAN, "kind: base_stock, level: 90, review: 7, phase: 3")
    scenario = load_text(text)
    top = build(scenario)
    found = cut(
        add_up(emulate.events(scenario), scenario, first=0, last=199), top, top.row_of["centre/tea"]
    )
    assert (found.problem.review, found.instead.problem.review) == (1, 7)


@pytest.mark.parametrize("limit", ["order_min: 40", "order_multiple: 25"])
def test_limits_on_orders_count_in_the_stock_point_by_itself(limit):
    text = CHAIN.replace("to: shop, lead_time: 2}", f"to: shop, lead_time: 2, {limit}}}")
    text = text.replace(HUMAN, "kind: base_stock, level: 60")
    scenario = load_text(text.replace("level: 100", "level: 400"))
    top = build(scenario)
    found = cut(
        add_up(emulate.events(scenario), scenario, first=0, last=199), top, top.row_of["shop/tea"]
    )
    prior = prior_of("base_stock", found.scale, also=())
    one = simulate(found.problem, prior, np.array([[60.0]]), seed=1)
    np.testing.assert_allclose(one.order, found.observed.order, atol=1e-5)


VARYING = """{horizon: 400, seed: 4, sites: [{name: hub}, {name: shop}], items: [{name: tea}],
 lanes: [{from: hub, to: shop, lead_time: {kind: lognormal, mean: 8, cv: 0.4}}],
 purchases: [{site: hub, item: tea, lead_time: 2}],
 stock: [{where: {site: hub}, policy: {kind: base_stock, level: 200}}, {where: {site: shop}, %s}],
 demand: [{site: shop, item: tea, kind: poisson, mean: 9}]}"""


@pytest.mark.parametrize(
    ("rule", "before"),
    [("policy: {kind: base_stock, level: 120}, initial_in_transit: [20, 20, 20, 20]", 80),
     ("policy: {kind: order_driven}, initial_stock: 0, initial_in_transit: [0]", 0)],
)  # fmt: skip
def test_what_was_on_the_way_before_is_told_though_lead_times_vary(rule, before):
    scenario = load_text(VARYING % rule)
    top = build(scenario)
    found = cut(add_up(emulate.events(scenario), scenario), top, top.row_of["shop/tea"])
    assert sum(found.problem.on_way) == pytest.approx(before, abs=9 * (before > 0) + 1e-6)
    position = (found.observed.book + found.observed.on_order - found.observed.backlog)[:, 0]
    level = 120 if before else 0
    np.testing.assert_allclose(position[20:], level, atol=9 * (before > 0) + 1e-6)


def test_deliveries_follow_the_trace_of_their_own_record():
    rng = np.random.default_rng(2)
    ordered = rng.uniform(0, 9, 150) * (rng.random(150) < 0.7)
    received = np.concatenate([[5.0, 5.0], ordered])[:150]
    received[40:44], received[44] = 0.0, received[44] + received[40:44].sum()
    opening, whole, part = supply_trace(ordered, received, 10.0)
    asked = np.concatenate([[0.0], np.cumsum(ordered)])
    came = opening + asked[whole] + part * ordered[np.minimum(whole, 149)]
    np.testing.assert_allclose(came, np.cumsum(received), atol=1e-6)


def test_a_lot_ordered_a_day_later_than_was_seen_does_not_wait_for_the_next_one():
    ordered, received = np.zeros(30), np.zeros(30)
    ordered[[0, 10, 20]] = 60.0
    received[[5, 15, 25]] = 60.0
    _, whole, _ = supply_trace(ordered, received, 0.0)
    assert whole[5] == 1
    assert whole[6] == 2  # an order of day 1 comes on day 6
    assert whole[14] == 10  # that of day 10 is not there


def test_a_stock_point_of_which_too_little_is_known_says_why(chain):
    periods, top = chain
    short = add_up(emulate.events(top.scenario), top.scenario, first=0, last=30)
    assert "31 periods" in cut(short, top, 0).reason
    silent = type(periods)(**vars(periods) | {"books": {}})
    assert "neither books nor counts" in cut(silent, top, 0).reason


def test_orders_that_are_not_reported_are_taken_from_receipts(chain):
    periods, top = chain
    row = top.row_of["centre/tea"]
    kept = {way: x for way, x in periods.ordered.items() if way[1] != "centre"}
    found = cut(type(periods)(**vars(periods) | {"ordered": kept}), top, row)
    told = cut(periods, top, row).observed.order
    np.testing.assert_allclose(found.observed.order[:190], told[:190])
    assert "not reported" in found.notes[0]


def test_who_waited_too_long_is_owed_nothing_any_more():
    scenario = load_text(
        "{horizon: 120, sites: [{name: shop}], items: [{name: tea}],"
        " purchases: [{site: shop, item: tea, lead_time: 9}],"
        " stock: [{policy: {kind: base_stock, level: 20}}],"
        " demand: [{site: shop, item: tea, kind: poisson, mean: 4, patience: 5}]}"
    )
    periods = add_up(emulate.events(scenario), scenario, first=0, last=119)
    found = cut(periods, build(scenario), 0)
    true = twin.run(scenario, replications=1, record=["rows.backlog"]).series["rows.backlog"]
    assert true.max() > 0
    np.testing.assert_allclose(found.observed.backlog[:, 0], true[:, 0, 0], atol=1e-9)


def test_what_is_spoilt_in_production_is_not_on_order_for_ever():
    scenario = load_text("""{horizon: 200, sites: [{name: works}], items: [{name: part}, {name: toy}],
 purchases: [{site: works, item: part, lead_time: 2}],
 production: [{site: works, item: toy, lead_time: 3, yield: 0.8, inputs: [{item: part}]}],
 stock: [{policy: {kind: base_stock, level: 90}}, {where: {item: part}, policy: {level: 400}}],
 demand: [{site: works, item: toy, kind: poisson, mean: 9}]}""")
    top = build(scenario)
    found = cut(add_up(emulate.events(scenario), scenario), top, top.row_of["works/toy"])
    position = (found.observed.book + found.observed.on_order - found.observed.backlog)[:, 0]
    np.testing.assert_allclose(position[20:], 90, atol=1e-6)


def test_a_record_that_begins_later_keeps_reviews_and_counts_on_their_days():
    count = "devices: [{kind: cycle_count, period: 7, phase: 3}]"
    scenario = load_text(f"{CHAIN[:-1]}, {count}}}")
    top, periods = build(scenario), add_up(emulate.events(scenario), scenario, first=5, last=199)
    found = cut(periods, top, top.row_of["stall/tea"]).problem
    assert found.devices[0]["phase"] == (3 - 5) % 7
    result = PointResult("stall/tea", kind="base_stock", review=found.review, phase=found.phase)
    assert result.finding(periods.first).rule["policy"]["phase"] == 3


def test_a_record_with_a_known_outage_tells_no_rule_of_ordering():
    outage = (
        "disruptions: [{kind: outage, name: fire, where: {site: stall}, start: 90, duration: 9}]"
    )
    scenario = load_text(f"{CHAIN[:-1]}, {outage}}}")
    top, periods = build(scenario), add_up(emulate.events(scenario), scenario)
    assert (
        "'fire' kept it from ordering from period 90"
        in cut(periods, top, top.row_of["stall/tea"]).reason
    )
    assert not cut(periods, top, top.row_of["shop/tea"]).reason
