"""Simulation-based calibration passes for what is right and fails for what is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.infer import sbc
from calibration.infer.abc import learn
from calibration.infer.prior import Scale, prior_of
from calibration.infer.simulate import PER, Problem, reference

N = 300


@pytest.fixture(scope="module")
def shop():
    """A shop with a known prior, what is learned of it, true values and the problem itself."""
    demand = np.random.default_rng(3).negative_binomial(5, 0.2, 200).astype(float)
    problem = Problem(
        "shop/tea", demand, [3], opening=100.0, settings={"forecast": {"sees": "orders"}},
        devices=[{"kind": "cycle_count", "period": 28}],
    )  # fmt: skip
    prior = prior_of("base_stock_forecast", Scale(20.0, 10.0, 3.0))
    shares = prior.design(4096, 1, PER)
    inference = learn(prior, shares, reference(problem, prior, shares, seed=1), seed=1, per=PER)
    return problem, inference, np.random.default_rng(5).random((N, 3))


def ranks(shop, problem, **more):
    _, inference, true = shop
    seen = reference(problem, inference.prior, true, seed=9, per=1)
    return sbc.ranks(inference, true, seen, seed=1, **more)


def test_regression_adjusted_posteriors_pass(shop):
    assert sbc.passes(ranks(shop, shop[0]))


def test_plain_rejection_fails(shop):
    assert not sbc.passes(ranks(shop, shop[0], adjust=False))


def test_a_lead_time_that_is_off_by_one_fails(shop):
    assert not sbc.passes(ranks(shop, replace(shop[0], lead_times=[4])))


def test_uniform_ranks_pass_as_often_as_the_level_says():
    rng = np.random.default_rng(1)
    passed = [sbc.passes(rng.integers(0, 100, (500, 4)), level=0.1) for _ in range(400)]
    # Bonferroni: 90 % or a little more; three standard errors are 4.5 points
    assert 0.86 <= np.mean(passed) <= 0.96


def test_every_rank_falls_into_one_bin():
    found = np.arange(100)[:, None]
    np.testing.assert_array_equal(sbc.histogram(found)[:, 0], 5)
    assert sbc.uniformity(found)[0] == pytest.approx(1)


def test_posteriors_that_are_too_narrow_fail():
    z = np.random.default_rng(1).standard_normal((600, 2))
    rank = (z[:, :1] > 0.6 * np.random.default_rng(2).standard_normal((600, 99))).sum(axis=1)
    assert not sbc.passes(rank[:, None])
