"""The chooser finds what made a series, and widens what was too sure."""

from __future__ import annotations

import numpy as np
import pytest

from calibration import chooser, scores
from calibration.direct import forecasts


def luck(seed):
    return np.random.Generator(np.random.PCG64(seed))


def test_drifting_levels_are_smoothed_and_sparse_counts_are_not():
    walks = [100 + np.cumsum(luck(i).normal(0, 5, 80)) for i in range(10)]
    sparse = [luck(i).poisson(0.3, 80).astype(float) for i in range(10)]
    names = {c.name for c in chooser.choose(walks, 4)}
    assert names <= {"ets", "theta", "smoothed_counts"}
    counts = {c.name for c in chooser.choose(sparse, 4)}
    assert counts <= {"negative_binomial", "zero_inflated", "smoothed_counts", "empirical", "gamma"}


def test_a_short_history_takes_what_is_best_for_the_others():
    walks = [100 + np.cumsum(luck(i).normal(0, 5, 80)) for i in range(6)]
    found = chooser.choose([*walks, walks[0][:7]], 4)
    pooled = {n: np.mean([c.scores[n] for c in found[:-1]]) for n in forecasts.CANDIDATES}
    assert found[-1].scores[found[-1].name] == min(found[-1].scores.values())
    assert found[-1].name == min(pooled, key=pooled.get)


def test_surprises_in_the_past_widen_what_comes():
    calm = luck(1).normal(100, 5, 60)
    wild = calm.copy()
    wild[-16:] += luck(2).normal(0, 30, 16)
    one, other = (chooser.choose([y], 4)[0] for y in (calm, wild))
    assert other.width > 1.15 * one.width
    assert one.width == pytest.approx(1, abs=0.35)


def test_origins_lie_inside_the_history():
    assert chooser.origins(52, 4) == [36, 40, 44, 48]
    assert chooser.origins(10, 4) == []


@pytest.mark.parametrize("name", [*forecasts.CANDIDATES, "naive", "seasonal_naive"])
def test_every_candidate_gives_rising_quantiles_of_no_less_than_nothing(name):
    season = np.tile([1.0, 2.0, 0.5, 0.5], 15)
    for y in (luck(3).poisson(5 * season).astype(float), np.zeros(60), np.full(60, 7.0)):
        q = forecasts.forecast(name, y, 6, 4)
        assert q.shape == (6, forecasts.M)
        assert (q >= 0).all()
        assert (np.diff(q, axis=1) >= -1e-9).all()


def test_season_is_found_and_noise_is_not_taken_for_one():
    truth = np.array([0.5, 1.0, 1.5, 1.0])
    y = 100 * np.tile(truth, 12) * luck(4).normal(1, 0.05, 48)
    assert forecasts.Season.of(y, 4).factor == pytest.approx(truth, rel=0.05)
    noise = luck(5).normal(100, 10, 48)
    assert np.abs(forecasts.Season.of(noise, 4).factor - 1).max() < 0.06


def test_two_cycles_leave_doubt_and_the_interval_covers():
    inside = []
    for i in range(60):
        level = 100 * (1 + 0.4 * np.sin(np.arange(104 + 4) * 2 * np.pi / 52))
        y = level * luck(i).normal(1, 0.1, level.size)
        low, high = scores.interval(forecasts.forecast("negative_binomial", y[:104], 4, 52))
        inside.append(scores.coverage(low, high, y[104:]))
    assert 0.82 <= np.mean(inside) <= 0.97  # 0.66 without the doubt
