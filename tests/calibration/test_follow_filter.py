"""The filter as the live twin uses it: a calibrated rate that may be exact, and sudden losses."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.assimilate import Filter, Reading
from twin.errors import RunError

POINTS, DAYS, NOISE = 40, 120, 4.0


def covered(known: float | None) -> float:
    """Return how often the 90 % band holds a stock from which nothing ever vanishes."""
    rng = np.random.Generator(np.random.Philox(5))
    truth = np.full(POINTS, 100.0)
    found = Filter(truth, shrink=0.6, start_sd=2.0, known=known, seed=2)
    held = []
    for day in range(DAYS):
        seen = truth + NOISE * rng.standard_normal(POINTS) if day % 3 == 0 else truth * np.nan
        found.step(0.0, 0.0, Reading(seen, np.full(POINTS, NOISE)))
        low, _, high = found.quantiles()[0]
        held.append((low <= truth) & (truth <= high))
    return float(np.mean(held))


def test_a_rate_that_may_be_exact_keeps_the_band_over_a_stock_that_loses_nothing() -> None:
    assert covered(known=0.0) > 0.9 > covered(known=None)


@pytest.mark.parametrize(("renewal", "finds"), [(0.002, True), (0.0, False)])
def test_a_theft_is_believed_after_some_looks_if_particles_are_renewed(renewal, finds) -> None:
    found = Filter(np.full(20, 100.0), shrink=0.1, known=0.0, renewal=renewal, seed=3)
    for day in range(60):
        truth = 100.0 if day < 30 else 40.0
        looked = day % 3 == 0
        seen = np.full(20, truth if looked else np.nan)
        found.step(0.0, 0.0, Reading(seen, np.full(20, 2.0)))
    middle = found.quantiles()[0][1]
    assert (np.abs(middle - 40) < 4).all() == finds


def test_a_renewal_that_is_no_share_is_refused() -> None:
    for share in (-0.1, 1.0, np.nan):
        with pytest.raises(RunError, match="renewal"):
            Filter([1.0], shrink=1.0, renewal=share)


def test_a_first_look_sets_a_stock_that_nobody_knew_with_its_own_noise_and_no_less() -> None:
    luck = np.random.Generator(np.random.Philox(6))
    truth = luck.uniform(20, 400, 300)
    found = Filter(np.full(300, 50.0), shrink=0.0, start_sd=50.0, known=0.0, seed=4)
    seen = truth + NOISE * luck.standard_normal(300)
    found.begin(Reading(seen, np.full(300, NOISE)))
    low, middle, high = found.quantiles()[0]
    assert np.abs(middle - seen).max() < NOISE
    assert 0.85 < np.mean((low <= truth) & (truth <= high)) < 0.95
    assert np.median(high - low) == pytest.approx(2 * 1.645 * NOISE, rel=0.1)


def test_a_filter_begins_only_where_somebody_looked() -> None:
    found = Filter([10.0, 20.0], shrink=0.0, known=0.0, seed=4)
    found.begin(Reading(np.array([np.nan, 99.0]), np.ones(2)))
    assert found.quantiles()[0][1].tolist() == pytest.approx([10.0, 99.0], abs=0.5)
