"""Shares, tails and resampling: published and exact numbers, and how often intervals are right."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from twin.errors import RunError
from twin.study.intervals import bootstrap, cvar, wilson

pytestmark = pytest.mark.nojit


@pytest.mark.parametrize(("p", "n"), [(0.5, 40), (0.3, 100), (0.05, 200), (0.9, 300)])
def test_wilsons_interval_covers_92_to_98_percent_exactly(p: float, n: int) -> None:
    """No sampling: the chance of each count is known."""
    covering = [k for k in range(n + 1) if wilson(k, n)[1] <= p <= wilson(k, n)[2]]
    assert 0.92 <= binom.pmf(covering, n, p).sum() <= 0.98


def test_wilsons_interval_as_published() -> None:
    """Newcombe 1998, Statistics in Medicine 17: 857-872, table I, method 3."""
    assert wilson(81, 263)[1:] == pytest.approx((0.2553, 0.3662), abs=6e-5)
    with pytest.raises(RunError, match="5 of 3"):
        wilson(5, 3)


def test_the_tail_mean_of_ten_numbers_by_hand() -> None:
    values = np.arange(1.0, 11)
    assert cvar(values, 0.8) == 9.5
    assert cvar(values, 0.75) == pytest.approx((10 + 9 + 0.5 * 8) / 2.5)
    assert cvar(values, 0.8, "low") == 1.5
    assert cvar(values, 0.99) == 10


def test_the_tail_mean_of_normal_numbers() -> None:
    """φ(z) / (1 - level), Rockafellar & Uryasev 2000; standard error about 0.002 here."""
    values = np.random.default_rng(1).standard_normal(1_000_000)
    wanted = norm.pdf(norm.ppf(0.95)) / 0.05
    assert cvar(values) == pytest.approx(wanted, abs=0.01)
    assert cvar(-values, worst="low") == pytest.approx(-wanted, abs=0.01)


def test_the_tail_mean_does_not_fall_with_the_level_and_lies_between_mean_and_worst() -> None:
    values = np.random.default_rng(2).gamma(2.0, size=(5, 37))
    found = np.array([cvar(values, level) for level in np.linspace(0.01, 0.99, 50)])
    assert (np.diff(found, axis=0) >= -1e-12).all()
    assert (found >= values.mean(-1) - 1e-12).all()
    assert (found <= values.max(-1)).all()


@pytest.mark.parametrize("given", [{"level": 0}, {"level": 1}, {"worst": "up"}])
def test_a_tail_that_is_none_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(RunError, match="above 0 and below 1"):
        cvar(np.ones(3), **given)


def covered(draw, statistic, true: float, n: int, repeats: int) -> float:
    luck, hits = np.random.default_rng(4), 0
    for k in range(repeats):
        _, low, high = bootstrap(draw(luck, n), statistic, repeats=800, seed=k)
        hits += low <= true <= high
    return hits / repeats


def test_bootstrap_intervals_cover_between_92_and_98_percent() -> None:
    """A mean of 20 and of 40 normal numbers, a mean of 60 skewed ones; 1,000 repeats each."""
    for draw, n, true in (
        (lambda luck, n: luck.standard_normal(n), 20, 0.0),
        (lambda luck, n: luck.standard_normal(n), 40, 0.0),
        (lambda luck, n: luck.exponential(size=n), 60, 1.0),
    ):
        assert 0.92 <= covered(draw, lambda x: x.mean(-1), true, n, 1000) <= 0.98


def test_the_bootstrap_of_a_tail_covers_where_the_tail_has_some_values() -> None:
    """20 % of 400 values: 80 in the tail."""
    true = norm.pdf(norm.ppf(0.8)) / 0.2
    found = covered(lambda luck, n: luck.standard_normal(n), lambda x: cvar(x, 0.8), true, 400, 400)
    assert 0.92 <= found <= 0.98


def test_undefined_values_are_left_out_and_few_have_no_interval() -> None:
    mean = lambda x: x.mean(-1)  # noqa: E731
    some = np.array([1.0, np.nan, 3.0, 5.0])
    assert bootstrap(some, mean) == bootstrap(some[~np.isnan(some)], mean)
    assert np.isnan(bootstrap(np.array([2.0]), mean)[1:]).all()
    assert np.isnan(bootstrap(np.array([np.nan]), mean)).all()
