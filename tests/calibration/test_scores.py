"""Scores against closed forms and the definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from calibration import scores


def normal_crps(z):
    """Gneiting & Raftery 2007, eq. 22: mean 0, standard deviation 1."""
    return z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.pi**0.5


@pytest.mark.parametrize("z", [-2.0, 0.0, 0.7])
def test_crps_of_a_normal(z):
    quantiles = stats.norm.ppf(scores.levels(4000))
    assert scores.crps(quantiles, z) == pytest.approx(normal_crps(z), abs=1e-3)
    assert scores.crps_quantiles(quantiles, scores.levels(4000), z) == pytest.approx(
        normal_crps(z), abs=1e-3
    )


def test_crps_is_the_area_between_the_steps():
    x, y = np.array([1.0, 2.0, 2.0, 5.0]), 3.0
    area, _ = integrate.quad(
        lambda t: ((x <= t).mean() - (y <= t)) ** 2, 0, 6, points=[1, 2, 3, 5], limit=200
    )
    assert scores.crps(x, y) == pytest.approx(area, abs=1e-9)


def test_crps_of_one_point_is_the_distance_and_knows_many_at_once():
    found = scores.crps(np.array([[[4.0]], [[7.0]]]), np.array([[1.0], [7.0]]))
    assert found.tolist() == [[3.0], [0.0]]


def test_crps_prefers_the_truth():
    y = stats.norm.rvs(size=4000, random_state=1)
    spread = {
        s: scores.crps(np.tile(s * stats.norm.ppf(scores.levels(99)), (y.size, 1)), y).mean()
        for s in (0.6, 1.0, 1.6)
    }
    assert min(spread, key=spread.get) == 1.0


@pytest.mark.parametrize("law", [stats.norm(), stats.poisson(1.3)])
def test_pit_of_the_truth_is_uniform_also_for_counts(law):
    rng = np.random.Generator(np.random.PCG64(2))
    y = law.rvs(size=3000, random_state=3)
    samples = law.rvs(size=(3000, 99), random_state=4)
    assert stats.kstest(scores.pit(samples, y, rng), "uniform").pvalue > 0.01
    assert stats.kstest(scores.pit(samples, y + 1, rng), "uniform").pvalue < 1e-6


def test_coverage_counts_the_ends():
    assert scores.coverage([0, 0, 0], [1, 1, 1], [0, 1, 1.01]) == pytest.approx(2 / 3)
    assert np.isnan(scores.coverage([], [], []))


def test_interval_score_by_hand():
    assert scores.interval_score(1.0, 3.0, [2.0, 0.5, 4.0]).tolist() == pytest.approx([2, 12, 22])


def test_interval_holds_its_share():
    low, high = scores.interval(stats.norm.ppf(scores.levels(10_000)))
    assert (low, high) == pytest.approx((-1.645, 1.645), abs=1e-3)
