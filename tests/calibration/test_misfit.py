"""The misfit flag: few false alarms with any number of replicates, wrong models found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.infer.abc import learn
from calibration.infer.misfit import misfit
from calibration.infer.prior import Scale, prior_of
from calibration.infer.simulate import PER, Problem, reference


@pytest.mark.parametrize(("replicates", "draw"), [(19, "normal"), (99, "lognormal")])
def test_p_values_are_uniform_where_the_model_is_right(replicates, draw):
    rng = np.random.default_rng(1)
    points = getattr(rng, draw)(size=(400, replicates + 1, 6))
    p = np.array([misfit(x[0], x[1:]).p_value for x in points])
    for level in (0.05, 0.25, 0.5):  # four standard errors
        assert np.mean(p <= level) == pytest.approx(level, abs=4 * (level / 400) ** 0.5)


def test_no_p_value_is_smaller_than_the_number_of_replicates_allows():
    replicates = np.random.default_rng(1).normal(size=(99, 4))
    found = misfit(np.array([0.0, 9.0, 0.0, 0.0]), replicates)
    assert found.p_value == pytest.approx(0.01)
    assert found.flagged
    assert found.worst[0][0] == 1
    assert found.worst[0][1] == pytest.approx(9, rel=0.3)


def test_a_summary_that_never_varies_does_not_hide_the_others():
    replicates = np.random.default_rng(1).normal(size=(99, 3))
    replicates[:, 2] = 1.0
    assert misfit(np.array([8.0, 0.0, 1.0]), replicates).flagged
    assert not misfit(np.array([0.1, 0.1, 1.0]), replicates).flagged


def test_the_place_among_replicates_is_the_second_witness():
    replicates = np.arange(1.0, 100.0)[:, None]
    pits = [misfit(np.array([x]), replicates).pit[0] for x in (0.0, 50.0, 200.0)]
    assert pits == pytest.approx([0.005, 0.5, 0.995])


def test_tenths_are_those_of_replicates_and_wider_where_summaries_are_alike():
    rng = np.random.default_rng(5)
    free, one = rng.normal(size=(199, 20)), rng.normal(size=(199, 1))
    apart, alike = (misfit(x[0], x[1:]).tenths for x in (free, np.repeat(one, 20, axis=1)))
    assert apart[:, 0] == pytest.approx(np.full(10, 2.0), abs=0.1)
    assert apart[:, 1].mean() == pytest.approx(20 * 0.1 * 0.9, rel=0.15)  # binomial
    assert alike[:, 1].mean() == pytest.approx(400 * 0.1 * 0.9, rel=0.05)


@pytest.fixture(scope="module")
def shop():
    demand = np.random.default_rng(3).negative_binomial(5, 0.2, 200).astype(float)
    problem = Problem(
        "shop/tea", demand, [3], opening=100.0, settings={"forecast": {"sees": "orders"}},
        devices=[{"kind": "cycle_count", "period": 28}],
    )  # fmt: skip
    prior = prior_of("base_stock", Scale(20.0, 10.0, 3.0))
    shares = prior.design(2048, 1, PER)
    return problem, learn(prior, shares, reference(problem, prior, shares, seed=1), seed=1, per=PER)


@pytest.mark.parametrize(("off", "low", "high"), [(0, 0.0, 0.15), (2, 0.8, 1.0)])
def test_a_lead_time_that_is_wrong_by_two_days_is_found(shop, off, low, high):
    problem, inference = shop
    true = np.random.default_rng(4).random((20, 2))
    wrong = replace(problem, lead_times=[3 + off])
    seen = reference(wrong, inference.prior, true, seed=7, per=1)
    flags = []
    for n, one in enumerate(seen):
        drawn = inference.posterior(one).draws(99, n)
        made = reference(problem, inference.prior, drawn, seed=50 + n, per=1)
        flags.append(misfit(one, made).flagged)
    assert low <= np.mean(flags) <= high
