"""Counts, lead times, gamma, factors and moments against scipy, sums and closed forms."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from scipy import stats

from twin import counts
from twin.distributions import (
    build_count_tables,
    build_lead_tables,
    count_quantile,
    demand_factors,
    demand_moments,
    gamma_quantile,
    gamma_table,
    lead_quantile,
    lead_time_moments,
    lead_time_table,
    table_quantile,
    table_quantiles,
)
from twin.errors import ScenarioError
from twin.schema import Calendar, Demand, LeadTime

COUNTS = [
    (0.0, 1.0), (0.001, 1.0), (0.3, 1.0), (4.0, 1.0), (82.0, 1.0), (300.0, 1.0), (1e6, 1.0),
    (0.1, 1000.0), (4.0, 2.0), (50.0, 1.0001), (120.0, 4.0), (90_000.0, 1000.0), (1e6, 5.0),
]  # fmt: skip
U = np.concatenate(
    [
        np.geomspace(1e-12, 0.02, 40),
        np.linspace(0.001, 0.999, 211),
        1 - np.geomspace(1e-9, 0.02, 40),
    ]
)


def exact(mean: float, v: float) -> np.ndarray:
    return np.array([count_quantile(mean, v, float(u)) for u in U])


@pytest.mark.parametrize(("mean", "v"), COUNTS[1:])
def test_count_quantiles_are_those_of_scipy(mean: float, v: float) -> None:
    law = stats.poisson(mean) if v == 1 else stats.nbinom(mean / (v - 1), 1 / v)
    ours = exact(mean, v)
    assert np.all(law.cdf(ours) >= U - 1e-12)
    assert np.all(law.cdf(ours - 1) <= U + 1e-12)


@pytest.mark.parametrize(("mean", "v"), COUNTS)
def test_a_table_gives_the_bits_of_direct_inversion(mean: float, v: float) -> None:
    tables = build_count_tables([3.0, mean], [1.0, v])
    direct = exact(mean, v)
    assert direct.tolist() == [table_quantile(tables, 1, float(u)) for u in U]
    block = U.copy()
    table_quantiles(tables, 1, block)
    assert block.tobytes() == direct.tobytes()


def test_extreme_uniform_numbers_stay_inside_the_table() -> None:
    means, vs = np.array(COUNTS).T
    tables = build_count_tables(means, vs)
    for j, (mean, v) in enumerate(COUNTS):
        for u in (2.0**-53, 1 - 2.0**-53):
            assert table_quantile(tables, j, u) == count_quantile(mean, v, u)


@pytest.mark.nojit
def test_counts_never_fall_when_the_uniform_number_rises() -> None:
    tables = build_count_tables([120.0], [4.0])
    u = np.sort(np.concatenate([U, np.arange(1, 512) / 512, np.arange(1, 512) / 512 + 2.0**-53]))
    drawn = [table_quantile(tables, 0, float(x)) for x in u]
    assert np.all(np.diff(drawn) >= 0)
    assert table_quantile(tables, 0, 0.5) == count_quantile(120.0, 4.0, 0.5)


def test_equal_counts_share_a_table_and_what_does_not_fit_is_inverted_directly() -> None:
    shared = build_count_tables([5.0, 120.0, 5.0], [1.0, 4.0, 1.0])
    assert shared.heads["start"][0] == shared.heads["start"][2]
    assert shared.cdf.size == build_count_tables([5.0, 120.0], [1.0, 4.0]).cdf.size
    tight = build_count_tables([5.0, 1e5], [1.0, 4.0], max_bytes=2000)
    assert tight.heads["guide_size"][1] == 0
    assert tight.heads["guide_size"][0] > 0
    assert tight.cdf.nbytes + tight.guide.nbytes <= 2000
    block = np.array([0.2, 0.9])
    table_quantiles(tight, 1, block)
    assert block.tolist() == [count_quantile(1e5, 4.0, u) for u in (0.2, 0.9)]
    assert table_quantile(tight, 1, 0.2) == block[0]


def test_no_counts_at_all_make_empty_tables() -> None:
    assert build_count_tables([], []).cdf.size == 0
    assert build_lead_tables([]).heads.size == 0


def test_stirling_error_closes_the_factorial() -> None:
    for x in (0.25, 1.0, 7.0, 14.5, 15.0, 170.0):
        stirling = 0.5 * math.log(2 * math.pi * x) + x * math.log(x) - x
        assert counts._stirling_error(x) == pytest.approx(
            math.lgamma(x + 1) - stirling, abs=1e-12 * max(1.0, abs(stirling))
        )


LEADS = {
    "constant": LeadTime(value=7),
    "discrete": LeadTime(kind="discrete", values=[9, 2, 5], weights=[0.2, 0.5, 0.3]),
    "empirical": LeadTime(kind="empirical", values=[3, 1, 3, 8]),
    "lognormal": LeadTime(kind="lognormal", mean=10, cv=0.4),
    "gamma": LeadTime(kind="gamma", mean=6.5, cv=0.8),
}


def table_of(kind: str) -> tuple[list[int], list[float]]:
    values, cdf = lead_time_table(LEADS[kind])
    return values.tolist(), np.diff(cdf, prepend=0.0).tolist()


def test_listed_lead_times_keep_their_shares() -> None:
    assert table_of("constant") == ([7], [1.0])
    values, shares = table_of("discrete")
    assert (values, shares) == ([2, 5, 9], pytest.approx([0.5, 0.3, 0.2]))
    assert table_of("empirical") == ([1, 3, 8], [0.25, 0.5, 0.25])
    unlikely = LeadTime(kind="discrete", values=[1, 2, 3], weights=[0.0, 1.0, 0.0])
    assert lead_time_table(unlikely)[0].tolist() == [2]


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        ("lognormal", stats.lognorm(s=math.sqrt(math.log(1.16)), scale=10 / math.sqrt(1.16))),
        ("gamma", stats.gamma(a=1 / 0.64, scale=6.5 * 0.64)),
    ],
)
def test_continuous_lead_times_are_rounded_and_cut(kind: str, law: stats.rv_continuous) -> None:
    values, shares = table_of(kind)
    assert values == list(range(round(law.ppf(0.999)) + 1))
    edges = np.array([-0.5, *(v + 0.5 for v in values)])
    expected = np.diff(law.cdf(edges))
    assert shares == pytest.approx(expected / expected.sum(), abs=1e-13)


@pytest.mark.parametrize("kind", LEADS)
def test_drawn_lead_times_have_the_moments_of_the_table(kind: str) -> None:
    tables = build_lead_tables(LEADS.values())
    j = list(LEADS).index(kind)
    u = (np.arange(20_000) + 0.5) / 20_000
    drawn = np.array([lead_quantile(tables, j, x) for x in u])
    assert set(drawn) <= set(table_of(kind)[0])
    assert np.all(np.diff(drawn) >= 0)
    mean, variance = lead_time_moments(LEADS[kind])
    assert drawn.mean() == pytest.approx(mean, abs=2e-3)
    assert drawn.var() == pytest.approx(variance, abs=0.02)


def test_links_of_equal_lead_time_share_a_table() -> None:
    same = [LeadTime(kind="gamma", mean=6.5, cv=0.8) for _ in range(50)]
    tables = build_lead_tables([LEADS["constant"], *same])
    assert tables.heads.size == 51
    assert len(set(tables.heads["start"])) == 2


@pytest.mark.parametrize("cv", [0.01, 0.5, 1.0, 2.0, 10.0])
def test_gamma_quantiles_keep_both_tails(cv: float) -> None:
    law = stats.gamma(a=1 / cv**2, scale=cv**2)
    table = gamma_table(cv)[np.newaxis]
    z = stats.norm.ppf(U)
    ours = np.array([gamma_quantile(table, 0, x) for x in z])
    assert np.abs(ours - law.ppf(U)).max() < 2e-4 * max(1.0, cv**2)
    assert np.all(np.diff(np.array([gamma_quantile(table, 0, x) for x in np.sort(z)])) >= -1e-15)
    upper = U > 0.9
    assert ours[upper] == pytest.approx(law.ppf(U[upper]), rel=3e-4, abs=3e-4)


def demand(**given: object) -> Demand:
    return Demand(site="market", item="sku", **given)


def test_season_and_trend_multiply_and_have_mean_one() -> None:
    season = {"weekly": [2, 1, 1, 1, 1, 1, 0], "yearly": [3] + [1] * 10 + [2]}
    d = demand(mean=10, season=season, trend=0.1)
    calendar = Calendar(start=dt.date(2025, 12, 29))  # a Monday
    f = demand_factors(d, calendar, 400)
    assert f[0] == pytest.approx(2 * (2 / 1.25))  # Monday in December
    assert f[3] == pytest.approx(1 * (3 / 1.25) * 1.1 ** (3 / 365))  # Thursday, 1 January
    assert f[6] == 0
    assert f[365] / f[1] == pytest.approx(1.1 ** (364 / 365))
    flat = demand_factors(demand(mean=10, season={"weekly": [7, 1, 1, 1, 2, 3, 6]}), calendar, 70)
    assert flat.mean() == pytest.approx(1)


def test_weekly_periods_know_months_but_no_weekdays() -> None:
    season = {"weekly": [7, 0, 0, 0, 0, 0, 0], "yearly": [0] * 11 + [12]}
    calendar = Calendar(start=dt.date(2026, 11, 23), period="week")
    f = demand_factors(demand(mean=1, season=season, trend=1.0), calendar, 3)
    assert f == pytest.approx([0, 0, 12 * 2 ** (2 / 52)])


def test_a_trend_of_minus_one_ends_demand_after_the_first_period() -> None:
    f = demand_factors(demand(mean=1, trend=-1.0), Calendar(), 4)
    assert f.tolist() == [1, 0, 0, 0]


MOMENTS = [
    ({"kind": "constant", "mean": 8}, 8, 0),
    ({"kind": "poisson", "mean": 8}, 8, 8),
    ({"kind": "negative_binomial", "mean": 8, "variance_to_mean": 3}, 8, 24),
    ({"kind": "lognormal", "mean": 8, "cv": 0.5}, 8, 16),
    ({"kind": "gamma", "mean": 8, "cv": 0.5}, 8, 16),
    ({"kind": "recorded", "values": [1, 3, 5]}, 3, 8 / 3),
    ({"kind": "normal", "mean": 100, "sd": 10}, 100, 100),
    ({"kind": "normal", "mean": 5, "sd": 0}, 5, 0),
    # half of a normal: mean sd/sqrt(2 pi), second moment sd^2/2
    ({"kind": "normal", "mean": 0, "sd": 2}, 2 / math.sqrt(2 * math.pi), 2 - 2 / math.pi),
    # sizes of mean 4 and variance 3 * 2 in a quarter of the periods: E D^2 = (6 + 16) / 4
    (
        {"kind": "intermittent", "mean": 1, "probability": 0.25, "variance_to_mean": 2},
        1,
        22 / 4 - 1,
    ),
    ({"kind": "intermittent", "mean": 0, "probability": 0.25, "variance_to_mean": 2}, 0, 0),
]


@pytest.mark.parametrize(("given", "mean", "variance"), MOMENTS)
def test_demand_moments_follow_the_textbook(given: dict, mean: float, variance: float) -> None:
    assert demand_moments(demand(**given)) == pytest.approx((mean, variance))


def test_intermittent_sizes_below_one_are_refused_with_a_way_out() -> None:
    d = demand(kind="intermittent", mean=0.1, probability=0.5, variance_to_mean=2)
    with pytest.raises(
        ScenarioError, match=r"'market': mean = 0.1 .* raise 'mean' to at least 0.5"
    ):
        demand_moments(d)
