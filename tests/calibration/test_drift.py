"""Drift alarms: false ones at the stated rate, true ones in time."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.drift import ALLOWANCE, FALSE_ALARMS, LENGTH, Cusum, scores, threshold, watch
from twin.errors import RunError

REFERENCE, WATCHES = 300, 200
SPREAD = np.sqrt(np.log(1 + 0.36**2))  # lead times with a standard deviation of 36 % of the mean


@pytest.fixture(scope="module")
def height() -> float:
    return threshold(reference=REFERENCE)


def found_after(factor: float, height: float, length: int, seed: int = 1) -> np.ndarray:
    """Return after how many lead times each watch alarmed; as many as none where it did not."""
    rng = np.random.Generator(np.random.Philox(seed))
    after = []
    for n in range(WATCHES):
        old = rng.lognormal(3.0, SPREAD, REFERENCE)
        new = factor * rng.lognormal(3.0, SPREAD, length)
        alarm = watch(scores(new, old, seed=n), height)
        after.append(alarm.at if alarm else length + 1)
    return np.array(after)


def test_false_alarms_stay_at_the_stated_rate(height: float) -> None:
    false = (found_after(1.0, height, LENGTH) <= LENGTH).mean()
    # 200 watches at 2 %: 9 or more false ones happen by luck in 2 of 100 such tests
    assert false <= FALSE_ALARMS + 0.02


@pytest.mark.parametrize("factor", [1.5, 1 / 1.5])
def test_half_as_much_again_is_found_within_25(height: float, factor: float) -> None:
    assert np.median(found_after(factor, height, 100)) <= 25


def test_a_quarter_more_is_found_within_60(height: float) -> None:
    assert np.median(found_after(1.25, height, 200)) <= 60


def test_the_textbook_threshold_cries_wolf() -> None:
    # h = 5 with k = 0.5: an alarm every 465 observations on average (Montgomery 2009, table 9.4)
    rng = np.random.Generator(np.random.Philox(2))
    false = [watch(rng.standard_normal(LENGTH), 5.0, 0.5) is not None for _ in range(WATCHES)]
    assert 0.6 < np.mean(false) < 0.85  # 1 - exp(-600/465) = 0.72
    assert np.mean(false) > 30 * FALSE_ALARMS


def test_a_threshold_for_a_known_distribution_is_too_low_for_an_estimated_one(
    height: float,
) -> None:
    known = threshold()
    assert known < height < threshold(reference=100)
    assert (found_after(1.0, known, LENGTH) <= LENGTH).mean() > 2 * FALSE_ALARMS


def test_threshold_matches_an_independent_simulation() -> None:
    rng = np.random.Generator(np.random.Philox(77))
    height = threshold(false_alarms=0.2, length=50)
    sums = np.zeros((2, 4000))
    crossed = np.zeros(4000, bool)
    for _ in range(50):
        z = rng.standard_normal(4000)
        sums = np.maximum(0.0, sums + np.array([z, -z]) - ALLOWANCE)
        crossed |= (sums > height).any(axis=0)
    assert crossed.mean() == pytest.approx(0.19, abs=0.02)  # at most 0.2, with 95 % confidence


def test_ranks_of_unchanged_whole_days_are_standard_normal() -> None:
    rng = np.random.Generator(np.random.Philox(5))
    z = scores(rng.poisson(4, 20_000), rng.poisson(4, 20_000))
    assert z.mean() == pytest.approx(0.0, abs=0.03)
    assert z.std() == pytest.approx(1.0, abs=0.02)


def test_an_alarm_says_when_it_began_and_which_way() -> None:
    sums = Cusum(10.0, 0.25)
    for score in [0.0] * 20 + [-1.0] * 30:
        alarm = sums.step(score)
    assert alarm is not None
    assert (alarm.began, alarm.at, alarm.direction) == (20, 34, "down")  # 14 × 0.75 > 10


def test_wrong_input_is_refused() -> None:
    with pytest.raises(RunError, match="at least 20"):
        scores([1.0], np.ones(19))
    with pytest.raises(RunError, match="finite"):
        scores([np.nan], np.ones(20))
    for share in (0.0, 1.0, 1e-6):
        with pytest.raises(RunError):
            threshold(false_alarms=share, length=5)
