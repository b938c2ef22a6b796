"""Fronts, regrets and crossings against tables made by hand and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from twin.study.ready.frontier_break_even import discounts
from twin.study.ready.frontier_tables import crossings, front, regrets, sign

LUCK = np.random.default_rng(5).normal(0.0, 1.0, 200)


def test_the_front_keeps_what_nothing_beats_in_cost_or_service():
    costs = np.array([10.0, 12, 14, 13])[:, None] + np.tile(LUCK, (4, 1))
    service = np.array([0.8, 0.9, 0.95, 0.85])[:, None] + np.zeros((4, 200))
    assert front(costs, service) == [0, 1, 2]  # the last one: dearer and worse than the second


def test_a_difference_within_chance_takes_nothing_off_the_front():
    noise = np.random.default_rng(6).normal(0.0, 5.0, 200)
    costs = np.stack([10 + LUCK, 10 + LUCK + noise - noise.mean() + 0.1])
    assert front(costs, np.full((2, 200), 0.9)) == [0, 1]


def test_shared_luck_makes_a_small_difference_clear():
    assert sign(0.01 + LUCK - LUCK) == 1
    assert sign(LUCK - LUCK.mean()) == 0
    assert sign(np.array([-3.0])) == -1  # a single replication has no interval


def test_regrets_are_those_of_a_table_made_by_hand():
    table = np.array([[1.0, 9], [4, 5], [6, 2]])  # choices x worlds
    found = regrets(table[:, :, None] + LUCK)
    assert found.mean(axis=2) == pytest.approx(np.array([[0, 7], [3, 3], [5, 0]]))
    assert found.std(axis=2) == pytest.approx(0.0, abs=1e-12)  # the luck cancels
    assert found.mean(axis=2).max(axis=1).argmin() == 1  # minimax regret


def test_a_crossing_of_straight_lines_is_where_algebra_puts_it():
    levels = [0.0, 1, 2, 4]
    gap = np.array([3.0 - 2.0 * x + 0 * LUCK for x in levels])  # 0 at 1.5
    found = crossings(levels, gap)
    assert [x.at for x in found] == pytest.approx([1.5])
    assert [found[0].low, found[0].high] == pytest.approx([1.5, 1.5], abs=0.02)


def test_a_crossing_is_in_doubt_where_the_paired_interval_includes_zero():
    noise = LUCK - LUCK.mean()
    gap = np.array([3.0 - 2.0 * x + noise for x in (0.0, 4.0)])
    half = 1.971957 * noise.std(ddof=1) / 200**0.5  # Student's t, 199 degrees
    (found,) = crossings([0.0, 4.0], gap)
    assert (found.at, found.low, found.high) == pytest.approx(
        (1.5, 1.5 - half / 2, 1.5 + half / 2), abs=1e-6
    )


def test_lines_that_do_not_cross_have_no_crossing():
    assert crossings([0.0, 1.0], np.array([1 + 0 * LUCK, 2 + 0 * LUCK])) == []


def test_an_even_discount_is_the_gap_over_what_is_spent():
    costs = np.array([10.0, 14.0])[:, None] + np.tile(LUCK, (2, 1))
    spent = np.array([[100.0], [98.0]]) + np.zeros((2, 200))
    (row,) = discounts(["near", "far"], costs, spent, best=0)
    assert row["discount"] == pytest.approx((14 + 98 - 110) / 98)
    assert row["low"] <= row["discount"] <= row["high"]
