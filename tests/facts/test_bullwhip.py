"""Orders vary more than demand, and more so upstream: facts F1 and F2.

Chen, Drezner, Ryan & Simchi-Levi 2000, Management Science 46(3): 436-443, and for exponential
smoothing their 2000 paper in Naval Research Logistics 47(4): 269-286.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.facts import cases, measure

SHARED = {"sees": "customers"}
MADE = measure.CLOSED["bullwhip_ratio_var_orders_over_var_demand"]
CHEN = [(5, 1, 1.48), (5, 4, 3.88), (10, 2, 1.48), (10, 4, 2.12)]
CHEN += [(x["p"], x["L"], x["ratio"]) for x in MADE["moving_average_iid"]]


def ratios(*args, **more):
    return measure.variance_ratios(cases.bullwhip(*args, **more), demand_variance=100)


@pytest.mark.parametrize(("window", "lead", "expected"), CHEN)
def test_a_moving_average_of_p_amplifies_by_1_plus_2l_p_plus_2l2_p2(window, lead, expected):
    found = ratios(lead, {"kind": "moving_average", "window": window})
    assert found["stage1"] == pytest.approx(expected, rel=0.02)
    assert expected == pytest.approx(1 + 2 * lead / window + 2 * (lead / window) ** 2)


@pytest.mark.parametrize("given", MADE["exp_smoothing_iid"], ids=str)
def test_exponential_smoothing_amplifies_as_the_closed_form_says(given):
    found = ratios(given["L"], {"kind": "exponential_smoothing", "smoothing": given["alpha"]})
    assert found["stage1"] == pytest.approx(given["ratio"], rel=0.02)


def test_autocorrelated_demand_is_amplified_less_by_1_minus_rho_to_the_p():
    rho, window, lead = 0.8, 5, 2
    noise = np.random.default_rng(1).normal(0, 6, 60_000)
    swing = list(itertools.accumulate(noise, lambda x, e: rho * x + e))
    values = [100 + float(x) for x in swing]
    scenario = cases.bullwhip(
        lead, {"kind": "moving_average", "window": window},
        demand={"kind": "recorded", "values": values}, horizon=len(values), replications=1,
    )  # fmt: skip
    found = measure.variance_ratios(scenario, float(np.var(values[350:])))
    bracket = 2 * lead / window + 2 * (lead / window) ** 2
    assert found["stage1"] == pytest.approx(1 + bracket * (1 - rho**window), rel=0.02)


def test_a_fixed_base_stock_passes_demand_on_unchanged():
    scenario = cases.single(
        3, {"kind": "normal", "mean": 100, "sd": 10}, {"level": 300}, horizon=500
    )
    o = measure.run(scenario)
    for moment in ("", "_squared"):
        orders, demand = o[f"rows.order{moment}"], o[f"rows.incoming{moment}"]
        np.testing.assert_allclose(orders, demand, rtol=1e-12)


def test_four_stages_that_see_only_orders_amplify_beyond_the_product_of_their_ratios():
    found = list(ratios(2, {"kind": "moving_average", "window": 10}, 4).values())
    assert found == pytest.approx([1.48, 2.31, 3.76, 6.34], rel=0.03)
    assert all(x > 1.48 ** (k + 1) for k, x in enumerate(found) if k > 0)


def test_four_stages_that_see_point_of_sale_data_amplify_by_their_total_lead_time():
    found = list(ratios(2, {"kind": "moving_average", "window": 10, **SHARED}, 4).values())
    assert found == pytest.approx([1.48, 2.12, 2.92, 3.88], rel=0.03)
