"""Summaries: free of units, right in cases with a closed form, each record by itself."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.infer.summaries import SUMMARIES, WARM, Series, summaries

T = 200
NAMES = list(SUMMARIES)


def base_stock(level: float, demand: np.ndarray, lead: int = 2) -> Series:
    """Records of a base stock policy that never runs short, worked out by hand."""
    order = demand.copy()
    order[0] += level - 50.0
    on_order = np.array([order[max(0, t - lead + 1) : t + 1].sum() for t in range(T)])
    book = 50.0 + np.cumsum(order) - on_order - np.cumsum(demand)
    return Series(*(x[:, None] for x in (order, on_order, np.zeros(T), book)))


@pytest.fixture
def demand() -> np.ndarray:
    return np.random.default_rng(1).poisson(10, T).astype(float)


def test_a_base_stock_policy_shows_its_level_and_passes_demand_on(demand):
    found = dict(zip(NAMES, summaries(base_stock(80.0, demand), demand)[0], strict=True))
    assert found["position"] == pytest.approx(80 / demand.mean())
    # the position is level - demand, so that only the sum of both slopes is determined
    assert found["on demand"] - found["on net stock"] == pytest.approx(1, abs=0.01)
    assert found["order spread"] == pytest.approx(0, abs=1e-9)
    assert found["correction"] == pytest.approx(0, abs=1e-12)


def test_summaries_do_not_depend_on_the_unit(demand):
    series = base_stock(80.0, demand)
    dozens = Series(*(x / 12 for x in series))
    np.testing.assert_allclose(summaries(dozens, demand / 12), summaries(series, demand), atol=1e-6)


def test_a_record_reads_the_same_alone_and_among_others(demand):
    many = [base_stock(level, demand) for level in np.linspace(60, 120, 130)]
    together = Series(*(np.hstack(x) for x in zip(*many, strict=True)))
    alone = np.concatenate([summaries(one, demand) for one in many])
    np.testing.assert_allclose(summaries(together, demand), alone, atol=1e-9)


def test_a_correction_of_the_books_is_seen_at_its_size(demand):
    series = base_stock(80.0, demand)
    book = series.book.copy()
    book[100:] -= 30.0
    found = summaries(series._replace(book=book), demand)[0]
    at = NAMES.index("correction")
    assert found[at] == pytest.approx(-30 / (T - WARM) / demand.mean())


def test_a_record_in_which_nothing_happens_has_finite_summaries():
    still = Series(*(np.zeros((T, 1)) for _ in range(4)))
    found = summaries(still, np.full(T, 5.0))
    assert found.shape == (1, len(SUMMARIES))
    assert np.isfinite(found).all()
