"""Textbook stock control: facts F7, F8, F9 and the closed forms beside them.

Snyder & Shen, Fundamentals of Supply Chain Theory (2nd ed., 2019), the numbers of its examples;
Clark & Scarf 1960, Management Science 6(4): 475-490. Demand is seen before ordering, so a textbook
lead time L that orders first is a lead time of L + 1 here.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.facts import cases, measure
from twin.compile import Plan
from twin.engine import run_block

POISSON = {"kind": "poisson", "mean": 6}
LONG = {"horizon": 20_050, "warmup": 50}
N25 = {"kind": "normal", "mean": 100, "sd": 25}
SERVICE = [(1, 0.841, 0.9584, 54.2), (1.645, 0.950, 0.9896, 83.3), (2, 0.977, 0.9958, 100.4)]
FIRST, SECOND = measure.CLOSED["clark_scarf"]
NEWSVENDOR, LATE, COUNTED = measure.CLOSED["newsvendor"]
POISSON_STOCK = measure.CLOSED["poisson_base_stock_continuous_review"]


@pytest.mark.parametrize("lead", [1, 4])
def test_the_protection_interval_is_the_lead_time_because_demand_precedes_orders(lead):
    plan = Plan.of(cases.single(lead, N25, {"level": 500}, horizon=60))
    o = run_block(plan, 2, 0, 1, ["rows.on_hand", "rows.backlog", "sinks.demand"])
    net = (o.series["rows.on_hand"] - o.series["rows.backlog"])[:, 0]
    before = np.cumsum(o.series["sinks.demand"][:, 0], axis=0)
    np.testing.assert_allclose(net[lead:], 500 - (before[lead:] - before[:-lead]), atol=1e-9)


@pytest.mark.parametrize(("safety_factor", "alpha", "beta", "stock"), SERVICE)
def test_base_stock_gives_the_published_service_and_stock(safety_factor, alpha, beta, stock):
    found = measure.service(safety_factor)
    assert found[:2] == pytest.approx([alpha, beta], abs=0.003)
    assert found[2] == pytest.approx(stock, rel=0.01)


def safety(lead, length):
    policy = {"safety_factor": 2}
    return measure.levels(cases.single(lead, N25, policy))["s/x"] - 100 * length


def test_four_times_the_lead_time_needs_twice_the_safety_stock():
    assert safety(16, 16) / safety(4, 4) == pytest.approx(2, rel=1e-3)


def test_an_unreliable_lead_time_adds_the_squared_mean_times_its_variance():
    varying = {"kind": "discrete", "values": [2, 6], "weights": [0.5, 0.5]}
    assert safety(varying, 4) == pytest.approx(2 * np.sqrt(4 * 25**2 + 100**2 * 4), rel=1e-3)


def example_6_1(echelon):
    """Local levels are the differences of echelon levels (no stage holds the one below's)."""
    local = [echelon[0], *(b - a for a, b in itertools.pairwise(echelon))]
    demand = {"kind": "normal", "mean": 5, "sd": 1}
    return measure.cost(cases.serial_optimum(local, [1, 1, 2], [7, 4, 2], 37.12, demand))


def test_the_serial_optimum_of_example_6_1_costs_47_64():
    assert example_6_1([6.51, 12.01, 22.70]) == pytest.approx(47.64, rel=0.005)
    assert example_6_1(list(FIRST["S_echelon"].values())) == pytest.approx(
        FIRST["C_star"], rel=0.005
    )


def clark_scarf(s1, s2, s3):
    """Cost of example 6.1 by the recursion of echelon net stocks (Clark & Scarf 1960), sampled."""
    draw = np.random.default_rng(1).normal
    third = s3 - draw(10, np.sqrt(2), 400_000)
    second = np.minimum(s2, third) - draw(5, 1, 400_000)
    first = np.minimum(s1, second) - draw(5, 1, 400_000)
    short = np.maximum(0, -first).mean()
    return 2 * third.mean() + 2 * second.mean() + 3 * first.mean() + (37.12 + 7) * short


@pytest.mark.parametrize(("shifts", "cost"), [((-0.5,) * 3, 48.8), ((1,) * 3, 50.66),
                                              ((0, 1, 2), 51.27)])  # fmt: skip
def test_echelon_levels_beside_the_optimum_cost_what_the_recursion_says(shifts, cost):
    beside = [s + shift for s, shift in zip((6.51, 12.01, 22.70), shifts, strict=True)]
    assert example_6_1(beside) == pytest.approx(cost, rel=0.005)
    assert clark_scarf(*beside) == pytest.approx(cost, rel=0.005)
    assert example_6_1(beside) > 1.02 * 47.64


def test_the_two_stage_optimum_of_problem_6_1_costs_166_27():
    demand = {"kind": "normal", "mean": 100, "sd": 15}
    local = list(SECOND["S_local"].values())
    found = measure.cost(cases.serial_optimum(local, [1, 1], [2, 1], 15, demand))
    assert found == pytest.approx(SECOND["C_star"], rel=0.005)


def test_the_newsvendor_quantity_56_60_costs_1_998():
    assert measure.newsvendor(NEWSVENDOR["S"]) == pytest.approx(1.998, rel=1e-3)
    assert measure.newsvendor(NEWSVENDOR["S"]) == pytest.approx(NEWSVENDOR["cost"], rel=1e-3)


def test_no_quantity_a_thousandth_off_is_cheaper_than_the_newsvendors():
    best = NEWSVENDOR["S"]
    beside = [measure.newsvendor(best * f) for f in (0.999, 1.001)]
    assert measure.newsvendor(best) < min(beside)


def test_a_newsvendor_with_a_lead_time_of_four_costs_4_467():
    demand, policy = {"kind": "normal", "mean": 50, "sd": 8}, {"level": LATE["S"]}
    rates = {"holding_cost": LATE["h"], "backlog_cost": LATE["p"]}
    scenario = cases.single(LATE["lead_time"] + 1, demand, policy, **rates, **LONG)
    assert measure.cost(scenario) == pytest.approx(LATE["cost"], rel=0.002)


@pytest.mark.parametrize(("level", "cost"), [(8, COUNTED["cost"])])
def test_the_newsvendor_of_poisson_demand_costs_3_57(level, cost):
    rates = {"holding_cost": COUNTED["h"], "backlog_cost": COUNTED["p"]}
    found = [
        measure.cost(cases.single(1, POISSON, {"level": s}, integer=True, **rates, **LONG))
        for s in (level - 1, level, level + 1)
    ]
    assert found[1] == pytest.approx(cost, rel=0.002)
    assert found[1] == min(found)


def test_the_economic_order_quantity_304_costs_68_41_half_of_it_holding():
    holding, ordering = measure.eoq(measure.CLOSED["eoq"]["Q"])
    assert holding + ordering == pytest.approx(68.41, rel=1e-3)
    assert holding == pytest.approx(ordering, rel=1e-3)


@pytest.mark.parametrize("factor", [0.5, 2])
def test_half_or_twice_the_economic_quantity_costs_a_quarter_more(factor):
    found = sum(measure.eoq(factor * measure.CLOSED["eoq"]["Q"]))
    assert found == pytest.approx(1.25 * 68.41, rel=1e-3)


def test_the_best_s_s_policy_of_example_4_7_costs_8_034():
    given = measure.CLOSED["sS_exact"]
    policy = {"kind": "s_S", "reorder_point": given["s"], "level": given["S"]}
    rates = {"holding_cost": given["h"], "backlog_cost": given["p"], "order_cost": given["K"]}
    scenario = cases.single(1, POISSON, policy, integer=True, **rates, **LONG)
    assert measure.cost(scenario) == pytest.approx(given["cost"], rel=0.002)


@pytest.mark.parametrize("given", POISSON_STOCK, ids=lambda g: f"S={g['S']}")
def test_poisson_base_stock_holds_and_owes_as_the_closed_form_says(given):
    demand, policy = {"kind": "poisson", "mean": given["lam"]}, {"level": given["S"]}
    o = measure.run(cases.single(given["lead_time"], demand, policy, horizon=20_500, warmup=500))
    assert measure.per_period(o, "rows.backlog") == pytest.approx(given["EB"], rel=0.01)
    assert measure.per_period(o, "rows.on_hand") == pytest.approx(given["EI"], rel=0.01)


@pytest.mark.parametrize("given", POISSON_STOCK, ids=lambda g: f"S={g['S']}")
def test_a_fine_clock_gives_the_fill_rate_of_continuous_review(given):
    """50 periods per textbook period leave 0.003 of discretisation; the rest is sampling."""
    demand, policy = {"kind": "poisson", "mean": given["lam"] / 50}, {"level": given["S"]}
    scenario = cases.single(50 * given["lead_time"], demand, policy, horizon=50_500, warmup=500)
    found = measure.share(measure.run(scenario), "sinks.filled", "sinks.demand")
    assert found == pytest.approx(given["fill_rate"], abs=0.01)
