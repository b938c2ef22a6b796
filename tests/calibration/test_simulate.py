"""Simulation of one stock point: the kernel's own results, with observed deliveries put in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import twin
from calibration.infer.prior import Scale, prior_of
from calibration.infer.simulate import Problem, Supply, reference, simulate, site_scenario
from calibration.infer.summaries import SUMMARIES, summaries

T = 120
DEMAND = np.random.default_rng(2).poisson(8, T).astype(float)
SCALE = Scale(8.0, 3.0, 3.0)
COUNT = {"kind": "cycle_count", "period": 14}


@pytest.fixture
def problem() -> Problem:
    return Problem(
        "shop/tea", DEMAND, [2, 3, 5], opening=20.0, on_way=[4.0, 6.0],
        settings={"forecast": {"sees": "orders"}}, devices=[COUNT],
    )  # fmt: skip


def test_every_replication_is_what_twin_run_makes_of_its_values(problem):
    prior = prior_of("base_stock", SCALE)
    values = prior.values(prior.design(8, seed=1, per=4))
    plain = site_scenario(problem, prior, [{"shrink": values[4, 1]}])
    found = simulate(problem, prior, values[4:], seed=5, per=4, first=2)
    for k in range(4):
        changed = twin.apply(plain, {"stock[0].policy.level": float(values[4 + k, 0]), "seed": 5})
        run = twin.run(changed, replications=k + 3, record=["links.placed", "rows.record"])
        np.testing.assert_array_equal(found.order[:, k], run.series["links.placed"][:, 0, k + 2])
        np.testing.assert_array_equal(found.book[:, k], run.series["rows.record"][:, 0, k + 2])


def test_what_is_shared_differs_from_copy_to_copy(problem):
    prior = prior_of("order_driven", SCALE)
    found = simulate(problem, prior, np.array([[0.0], [0.0], [4.0], [4.0]]), seed=1, per=2)
    lost = summaries(found, DEMAND)[:, list(SUMMARIES).index("correction")]
    np.testing.assert_allclose(lost[:2], 0, atol=1e-9)
    assert (lost[2:] < -0.1).all()


def test_deliveries_come_as_the_record_says_and_no_sooner(problem):
    t = np.arange(T)
    late = Supply(np.full(T, 10.0), np.maximum(t - 6, 0), np.zeros(T))
    fed = replace(problem, supply=late, devices=(), on_way=[4.0, 6.0])
    prior = prior_of("base_stock", SCALE)
    found = simulate(fed, prior, np.array([[60.0, 0.0]]), seed=1)
    order, on_order = found.order[:, 0], found.on_order[:, 0]
    received = np.concatenate([[10 + order[0] - on_order[0]], -np.diff(on_order) + order[1:]])
    assert received[0] == pytest.approx(10)  # what was on order at first
    np.testing.assert_allclose(received[7:], order[: T - 7], atol=1e-9)


def test_a_forecast_that_is_put_in_equals_the_kernels_own(problem):
    prior = prior_of("base_stock_forecast", SCALE)
    values = np.array([[1.5, 0.3, 0.0]])
    own = simulate(replace(problem, devices=()), prior, values, seed=1)
    put = simulate(replace(problem, devices=(), signal=DEMAND), prior, values, seed=1)
    np.testing.assert_allclose(put.order[60:], own.order[60:], rtol=0.02, atol=0.3)


def test_summaries_of_the_first_part_are_those_of_a_shorter_record(problem, monkeypatch):
    monkeypatch.setattr("calibration.infer.summaries.BLUR", 0.0)
    prior = prior_of("base_stock", SCALE)
    shares = prior.design(64, seed=1, per=32)
    whole, early = reference(problem, prior, shares, seed=1, end=90)
    found = simulate(problem, prior, prior.values(shares), seed=1, per=32)
    first = type(found)(*(x[:90] for x in found))
    np.testing.assert_array_equal(whole, summaries(found, DEMAND))
    np.testing.assert_array_equal(early, summaries(first, DEMAND[:90]))


def test_threads_change_nothing(problem):
    prior = prior_of("human", SCALE)
    shares = prior.design(1024, seed=1, per=32)
    one, two = (reference(problem, prior, shares, seed=1, threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one, two)
