"""Intervals: published numbers, and that none leaves what its KPI can be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

import twin
from tests.kpi_cases import factory, serial, shop
from tests.reference.random_networks import ALL_FEATURES, random_scenario
from twin.kpis import KPIS
from twin.load import shipped
from twin.schema import Scenario
from twin.statistics import Range, interval

SHARE, YES_NO, WHOLE = Range(0, 1), Range(0, 1, yes_no=True), Range(0, whole=True)
NEWCOMBE = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611),
            (1, 29, 0.0061, 0.1718)]  # fmt: skip
LARGE = {"electronics-full", "health-commodities"}
SMALL = [name for name, _, _ in shipped() if name not in LARGE]
LUCK = {"warmup": 0, "horizon": 36, "replications": 5}


@pytest.mark.nojit
def test_the_interval_is_students_t():
    """Numbers of a textbook: 5 values, mean 10, s = 1.5811, t(4) = 2.7764."""
    mean, low, high, n = interval(np.array([8.0, 9, 10, 11, 12]))
    assert (mean, n) == (10, 5)
    assert high - mean == pytest.approx(mean - low) == pytest.approx(2.7764 * 1.5811 / 5**0.5, 1e-4)


@pytest.mark.nojit
def test_undefined_replications_are_left_out_of_mean_and_interval():
    assert interval(np.array([np.nan, 1.0, 3.0]))[::3] == (2.0, 2)
    assert np.isnan(interval(np.array([np.nan]))[0])
    assert interval(np.array([5.0]))[0] == 5
    assert np.isnan(interval(np.array([5.0]))[1])


@pytest.mark.nojit
@pytest.mark.parametrize(("yes", "n", "low", "high"), NEWCOMBE)
def test_the_interval_of_answers_is_wilsons(yes, n, low, high):
    """Newcombe 1998, Statistics in Medicine 17: 857-872, table I, method 3."""
    found = interval(np.repeat([1.0, 0.0], [yes, n - yes]), YES_NO)
    assert found[0] == yes / n
    assert found[1:3] == pytest.approx((low, high), abs=6e-5)


@pytest.mark.nojit
@given(st.lists(st.floats(0, 1), min_size=2, max_size=12))
def test_only_what_no_share_can_be_is_cut_off(shares):
    values = np.array(shares)
    mean, low, high, _ = interval(values, SHARE)
    _, below, above, _ = interval(values)
    assert low <= mean <= high
    assert (low, high) == pytest.approx((max(0, below), min(1, above)), abs=1e-15)


@pytest.mark.nojit
@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=12))
def test_answers_that_are_all_alike_still_leave_a_doubt(answers):
    mean, low, high, _ = interval(np.array(answers), YES_NO)
    assert 0 <= low <= mean <= high <= 1
    assert high - low > 0.1


def chances(n, share, within):
    """Return how often a recovery of 93 periods, rarely of 63, has an interval, and a right one."""
    counts = np.arange(n + 1)
    chance = binom.pmf(counts, n, share)
    ends = [interval(np.repeat([93.0, 63.0], [n - k, k]), within)[1:3] for k in counts]
    right = [low <= 93 - 30 * share <= high for low, high in ends]
    given = ~np.isnan(ends).any(axis=1)
    return chance @ given, chance[given] @ np.array(right)[given] / (chance @ given)


@pytest.mark.nojit
@pytest.mark.parametrize("n", [12, 32, 64, 128])
@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.2, 0.5])
def test_intervals_of_whole_periods_are_right_wherever_one_is_given(n, share):
    """No sampling: the chance of each count is known. Plain t is right in 46 % of 12 at 5 %."""
    assert chances(n, share, WHOLE)[1] >= 0.92
    assert chances(12, 0.05, Range(0))[1] < 0.5


@pytest.mark.nojit
@pytest.mark.parametrize("n", [12, 32])
@pytest.mark.parametrize(("more", "less"), [(0.05, 0.05), (0.3, 0.1), (0.02, 0), (0.5, 0.3)])
def test_intervals_of_differences_of_answers_are_right_92_times_in_100(n, more, less):
    """No sampling: the chance of each pair of counts is known (``less`` is drawn of the rest)."""
    right = 0.0
    for up in range(n + 1):
        for down in range(n - up + 1):
            apart = np.repeat([1.0, -1.0, 0.0], [up, down, n - up - down])
            low, high = interval(apart, YES_NO.of_difference())[1:3]
            chance = binom.pmf(up, n, more) * binom.pmf(down, n - up, less / (1 - more))
            right += chance * (low <= more - less <= high)
    assert right >= 0.92


@pytest.mark.nojit
def test_whole_periods_that_are_nearly_all_alike_have_no_interval():
    assert np.isnan(interval(np.array([5.0, 5, 5, 5, 6, 7]), WHOLE)[1:3]).all()
    assert interval(np.array([5.0, 5, 5, 6, 6, 7]), WHOLE)[1] < 5.5
    assert interval(np.full(30, 5.0))[:3] == (5, 5, 5)
    assert chances(128, 0.1, WHOLE)[0] > 0.95


def test_what_is_said_to_be_whole_is_whole():
    for result in runs():
        for name, values in result.values.items():
            if KPIS[name].extra["within"].whole:
                known = values[~np.isnan(values)]
                assert (known == np.round(known)).all(), (result.scenario.name, name)


@pytest.mark.nojit
def test_a_difference_reaches_from_end_to_end():
    assert SHARE.of_difference() == Range(-1, 1)
    assert Range(0).of_difference() == Range()
    assert YES_NO.of_difference() == Range(-1, 1, yes_no=True)
    assert WHOLE.of_difference().whole


def runs():
    for name in SMALL:
        yield twin.run(name, **{**LUCK, "disruptions": []})
    for seed in range(40):
        yield twin.run(random_scenario(seed, ALL_FEATURES), replications=4)
    yield twin.run("electronics", replications=3)
    yield twin.run(serial(1, replications=3))
    yield twin.run(factory(replications=9))
    yield twin.run(shop(replications=9))


def test_no_replication_and_no_interval_leaves_the_declared_range():
    seen = set()
    for result in runs():
        for row in result.rows:
            name, within = row["kpi"], KPIS[row["kpi"]].extra["within"]
            values = result.values[name][~np.isnan(result.values[name])]
            slack = 1e-9 * max(1.0, np.abs(values).max(initial=0))
            assert (values >= within.low - slack).all(), (result.scenario.name, name)
            assert (values <= within.high + slack).all(), (result.scenario.name, name)
            if row["n"] > 1:
                seen.add(name)
                assert within.whole or not np.isnan(row["low"]), name
            if not np.isnan(row["low"]):
                assert within.low - slack <= row["low"] <= row["value"] <= row["high"], name
                assert row["high"] <= within.high + slack, name
    assert seen == set(KPIS)


def base_stock(level: float, **more: object) -> Scenario:
    return shop(stock=[{"policy": {"kind": "base_stock", "level": level}}], **more)


def test_the_interval_of_a_share_near_its_end_stays_a_share():
    result = twin.run(base_stock(30, horizon=60))
    row = next(r for r in result.rows if r["kpi"] == "on_time")
    uncut = interval(result.values["on_time"])
    assert uncut[2] > 1
    assert (row["low"], row["high"]) == (uncut[1], 1)


def test_no_difference_of_shares_is_larger_than_a_whole():
    found = twin.compare(base_stock(60), base_stock(15), replications=2)
    row = next(r for r in found.rows if r["kpi"] == "fill_rate")
    uncut = interval(found.b.values["fill_rate"] - found.a.values["fill_rate"])
    assert uncut[1] < -1
    assert (row["low"], row["high"]) == (-1, uncut[2])
