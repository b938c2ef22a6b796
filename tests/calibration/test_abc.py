"""Regression-adjusted ABC against posteriors that are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.infer.abc import Weighted, _adjusted, choose, learn
from calibration.infer.identify import borrow, identify, kept
from calibration.infer.prior import Hidden, Prior

NOISE = 0.05
PRIOR = Prior("toy", (Hidden("a", 0.0, 10.0), Hidden("b", 1.0, 100.0)))


def toy(shares: np.ndarray, seed: int) -> np.ndarray:
    """Two noisy looks at each of two shares, and one number that tells nothing."""
    rng = np.random.default_rng(seed)
    a, b = shares[:, :1], shares[:, 1:]
    looks = [a + NOISE * 2**0.5 * rng.standard_normal((len(a), 2)), b**2 + 0 * a]
    looks.append(rng.standard_normal((len(a), 1)))
    looks.append(b + 0.2 * rng.standard_normal((len(a), 1)))
    return np.hstack(looks)


@pytest.fixture(scope="module")
def inference():
    shares = PRIOR.design(8192, seed=1)
    return learn(PRIOR, shares, toy(shares, 1), seed=1)


def test_the_posterior_is_the_one_that_is_known(inference):
    # two looks with sd NOISE sqrt 2 each: normal about their mean with sd NOISE, ends far away
    observed = np.array([0.47, 0.53, 0.25, 0.0, 0.5])
    found = inference.posterior(observed)
    mean = found.weights @ found.shares[:, 0]
    sd = (found.weights @ (found.shares[:, 0] - mean) ** 2) ** 0.5
    assert mean == pytest.approx(0.5, abs=0.4 * NOISE)
    assert sd == pytest.approx(NOISE, rel=0.2)


def test_plain_rejection_is_wider(inference):
    observed = np.array([0.47, 0.53, 0.25, 0.0, 0.5])
    widths = [
        np.ptp(inference.posterior(observed, adjust=a).quantiles((0.05, 0.95))[:, 0])
        for a in (True, False)
    ]
    assert widths[1] > 1.2 * widths[0]


def test_what_is_measured_without_noise_is_found_within_a_tenth_of_the_prior(inference):
    observed = np.array([0.5, 0.5, 0.3**2, 0.0, 0.3])
    low, high = inference.posterior(observed).quantiles((0.05, 0.95))[:, 1]
    assert low - 0.01 <= 0.3 <= high + 0.01
    assert high - low < 0.09


def test_neighbours_take_the_place_and_nearly_the_spread_that_they_have_at_no_gap():
    """Values 2 gap + 0.1 exp(gap) ε: at no gap 0 and 0.1; left alone their spread is 0.179.

    Residuals near 0 are damped, so that part of the difference stays.
    """
    rng = np.random.default_rng(3)
    gap = rng.uniform(0, 1, (20_000, 1))
    values = 2 * gap + 0.1 * np.exp(gap) * rng.standard_normal(gap.shape)
    found = _adjusted(values, gap, np.full(len(gap), 1 / len(gap)))
    assert found.mean() == pytest.approx(0, abs=0.01)
    assert 0.1 < found.std() < 0.14


def test_the_same_seed_gives_the_same_draws(inference):
    shares = PRIOR.design(1024, seed=1)
    found = [
        learn(PRIOR, shares, toy(shares, 1), seed=4, steps=50).posterior(np.full(5, 0.4))
        for _ in "ab"
    ]
    np.testing.assert_array_equal(found[0].draws(50, 1), found[1].draws(50, 1))


def test_weighted_quantiles_of_equal_weights_are_the_plain_ones():
    values = np.random.default_rng(1).random((999, 1))
    found = Weighted(values, np.full(999, 1 / 999)).quantiles((0.1, 0.5, 0.9))
    np.testing.assert_allclose(found, np.quantile(values, (0.1, 0.5, 0.9), axis=0), atol=2e-3)


@pytest.mark.parametrize(("gap", "low", "high"), [(6.0, 0.95, 1.0), (0.0, 0.4, 0.6)])
def test_kinds_are_as_likely_as_the_data_can_tell_them_apart(gap, low, high):
    rng = np.random.default_rng(1)
    tables = {"a": rng.normal(0, 1, (1024, 3)), "b": rng.normal(gap, 1, (1024, 3))}
    likely = choose(tables, np.full(3, gap), seed=1)
    assert low <= likely["b"] <= high
    assert sum(likely.values()) == pytest.approx(1)


def test_what_data_say_nothing_about_keeps_its_prior():
    shares = PRIOR.design(2048, seed=2)
    blind = np.random.default_rng(3).standard_normal((2048, 4))
    blind[:, 0] += 50 * shares[:, 0]
    posterior = learn(PRIOR, shares, blind, seed=1).posterior(np.array([25.0, 0, 0, 0]))
    a, b = identify(PRIOR, posterior)
    assert a.identified
    assert not b.identified
    assert (b.low, b.high) == pytest.approx((100**0.05, 100**0.95))
    drawn = PRIOR.shares(kept(PRIOR, posterior, 500, seed=1))
    np.testing.assert_allclose(
        np.quantile(drawn[:, 1], (0.05, 0.5, 0.95)), (0.05, 0.5, 0.95), atol=0.01
    )
    assert np.ptp(np.quantile(drawn[:, 0], (0.05, 0.95))) < 0.2


def test_a_thin_record_borrows_and_a_rich_one_hardly_moves():
    rng = np.random.default_rng(1)

    def sample(middle, sd):
        return Weighted(
            np.clip(rng.normal(middle, sd, (600, 1)), 0.01, 0.99), np.full(600, 1 / 600)
        )

    others = [sample(0.3, 0.02) for _ in range(5)]
    thin, rich = (borrow(sample(0.5, sd), others) for sd in (0.2, 0.01))
    assert (thin.weights @ thin.shares)[0] == pytest.approx(0.3, abs=0.05)
    assert (rich.weights @ rich.shares)[0] == pytest.approx(0.5, abs=0.03)
