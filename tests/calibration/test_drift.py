"""Drift alarms: false ones at the stated rate, true ones in time."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.drift import ALLOWANCE, FALSE_ALARMS, LENGTH, Cusums, scores, threshold
from calibration.live.alarms import Watches
from twin.errors import RunError

REFERENCE, WATCHES = 300, 200
SPREAD = np.sqrt(np.log(1 + 0.36**2))  # lead times with a standard deviation of 36 % of the mean


@pytest.fixture(scope="module")
def height() -> float:
    return threshold(reference=REFERENCE)


def first_alarms(z: np.ndarray, height: float, allowance: float = ALLOWANCE) -> np.ndarray:
    """Return at which of their scores ``(watches, n)`` watches alarm, from 1; n + 1: never."""
    sums = Cusums(len(z), height, allowance)
    for t, column in enumerate(z.T):
        sums.step(column, t)
    return np.array([sums.alarms[i].at + 1 if i in sums.alarms else z.shape[1] + 1
                     for i in range(len(z))])  # fmt: skip


def found_after(
    factor: float, height: float, length: int, seed: int = 1, watches: int = WATCHES
) -> np.ndarray:
    """Return after how many lead times each watch alarmed; as many as none where it did not."""
    rng = np.random.Generator(np.random.Philox(seed))
    z = np.empty((watches, length))
    for n, row in enumerate(z):
        old = rng.lognormal(3.0, SPREAD, REFERENCE)
        row[:] = scores(factor * rng.lognormal(3.0, SPREAD, length), old, seed=n)
    return first_alarms(z, height)


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
    false = first_alarms(rng.standard_normal((WATCHES, LENGTH)), 5.0, 0.5) <= LENGTH
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


def test_an_alarm_says_when_it_was_found_when_it_began_and_which_way() -> None:
    sums = Cusums(3, 10.0, 0.25)
    moved = [0.0 if t < 20 else 1.0 for t in range(50)]
    raised = [sums.step(np.array([-x, np.nan, x]), t) for t, x in enumerate(moved)]
    assert sums.alarms == {0: (33, 20, "down"), 2: (33, 20, "up")}  # 14 × 0.75 > 10
    assert {t: found for t, found in enumerate(raised) if found} == {33: [0, 2]}


def test_things_watched_together_alarm_as_each_would_alone() -> None:
    rng = np.random.Generator(np.random.Philox(8))
    z = rng.standard_normal((30, 80)) + np.linspace(-1, 1, 30)[:, None]
    z[rng.random(z.shape) < 0.2] = np.nan
    together = Cusums(30, 6.0)
    for t in range(80):
        together.step(z[:, t], t)
    for i, row in enumerate(z):
        alone = Cusums(1, 6.0)
        for t in np.flatnonzero(np.isfinite(row)):
            alone.step(row[t : t + 1], int(t))
        assert alone.alarms.get(0) == together.alarms.get(i)
    assert {a.direction for a in together.alarms.values()} == {"up", "down"}


@pytest.mark.parametrize("watched", [3, 150])
def test_a_quiet_chain_raises_a_false_alarm_at_the_stated_rate_however_much_is_watched(
    watched: int,
) -> None:
    chains, rng = 600, np.random.Generator(np.random.Philox(6))
    # chains that are watched at once, each with its own share of one long list of things
    height = Watches({}, watched).height
    sums = Cusums(chains * watched, height)
    for t in range(LENGTH):
        sums.step(rng.standard_normal(chains * watched), t)
    false = len({i // watched for i in sums.alarms}) / chains
    # 600 chains at 2 %: a share above 3.5 % in 1 of 100 such tests; no alarm at all in none
    assert 0 < false <= FALSE_ALARMS + 0.015


def test_wrong_input_is_refused() -> None:
    with pytest.raises(RunError, match="at least 20"):
        scores([1.0], np.ones(19))
    with pytest.raises(RunError, match="finite"):
        scores([np.nan], np.ones(20))
    for share in (0.0, 1.0, 1e-6):
        with pytest.raises(RunError):
            threshold(false_alarms=share, length=5)
