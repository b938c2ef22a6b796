"""Priors: one declaration, ranges filled evenly, shares and values two ways of saying one thing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.infer import prior as pr
from twin.schema.behaviour import Policy, StockRule

SCALE = pr.Scale(mean=10.0, sd=4.0, lead=3.0, review=2)


@pytest.mark.parametrize("name", ["policy.safety_factor", "policy.smoothing", "policy.supply_line"])
def test_a_range_without_units_is_the_slider_of_the_schema(name):
    key = name.partition(".")[2]
    declared = Policy.model_fields[key].json_schema_extra["slider"]
    kind = "human" if key != "safety_factor" else "base_stock_forecast"
    found = {h.name: h for h in pr.prior_of(kind, SCALE).hidden}[name]
    assert [found.low, found.high] == declared


def test_a_level_is_looked_for_up_to_the_largest_safety_factor():
    found = pr.prior_of("base_stock", SCALE).hidden[0]
    factor = Policy.model_fields["safety_factor"].json_schema_extra["slider"][1]
    assert found.high == pytest.approx(10 * 5 + factor * 4 * 5**0.5)


def test_no_more_is_lost_than_is_asked_for():
    ranges = [
        pr.prior_of("order_driven", SCALE._replace(mean=mean)).hidden[0].high
        for mean in (2.0, 50.0)
    ]
    assert ranges == [2.0, StockRule.model_fields["shrink"].json_schema_extra["slider"][1]]


def test_no_more_is_lost_than_counts_leave_room_for():
    assert pr.prior_of("order_driven", SCALE._replace(lost=0.02)).hidden[0].high == 0.02


@pytest.mark.parametrize(
    ("kind", "name"), [("base_stock", "policy.level"), ("human", "policy.level"),
                       ("r_Q", "policy.lot"), ("base_stock_forecast", "policy.safety_factor")],
)  # fmt: skip
def test_a_range_reaches_beyond_what_was_seen_of_who_keeps_stock_for_a_month(kind, name):
    month = SCALE._replace(cover=4.0, position=90.0, most=300.0, order=400.0, noise=4.0)
    seen = {"policy.level": 300.0, "policy.lot": 400.0, "policy.safety_factor": (90 - 40) / 8}
    found = {h.name: h for h in pr.prior_of(kind, month).hidden}[name]
    assert found.high > 1.2 * seen[name]


@pytest.mark.parametrize("kind", pr.KINDS)
def test_values_and_shares_are_each_others_inverse(kind):
    prior = pr.prior_of(kind, SCALE, also=("shrink",))
    shares = prior.design(64, seed=1)
    values = prior.values(shares)
    np.testing.assert_allclose(prior.shares(values), shares, atol=1e-12)
    for i, hidden in enumerate(prior.hidden):
        assert hidden.low <= values[:, i].min() <= values[:, i].max() <= hidden.high


def test_a_design_fills_every_sixteenth_of_every_range_equally():
    shares = pr.prior_of("human", SCALE).design(256, seed=3)
    for column in shares.T:
        np.testing.assert_array_equal(np.histogram(column, 16, (0, 1))[0], 16)


def test_shared_columns_change_only_from_group_to_group():
    prior = pr.prior_of("human", SCALE)
    shares = prior.design(128, seed=1, per=16).reshape(8, 16, -1)
    at = prior.shared[0]
    assert prior.names[at] == "shrink"
    assert (np.ptp(shares[:, :, at], axis=1) == 0).all()
    assert np.unique(shares[:, 0, at]).size == 8
    assert (np.ptp(shares[:, :, 0], axis=1) > 0).all()


def test_what_is_known_is_not_looked_for():
    prior = pr.prior_of("human", SCALE, fixed={"policy.smoothing": 0.4})
    assert "policy.smoothing" not in prior.names
    assert prior.fixed == {"policy.smoothing": 0.4}


def test_angles_beyond_an_end_of_the_range_come_back_from_it():
    shares = np.array([0.0, 0.3, 1.0])
    np.testing.assert_allclose(pr.from_angle(pr.to_angle(shares)), shares, atol=1e-12)
    beyond = pr.from_angle(np.array([-0.1, np.pi / 2 + 0.2]))
    np.testing.assert_allclose(beyond, pr.from_angle(np.array([0.1, np.pi / 2 - 0.2])), atol=1e-12)


def test_shares_of_a_box_are_parts_of_the_range():
    prior = pr.prior_of("s_S", SCALE, also=())
    boxed = replace(prior, box=((0.2, 0.4), (0.0, 1.0)))
    half = boxed.values(np.full((1, 2), 0.5))
    np.testing.assert_allclose(prior.shares(half), [[0.3, 0.5]], atol=1e-12)
    np.testing.assert_allclose(boxed.shares(half), 0.5, atol=1e-12)
