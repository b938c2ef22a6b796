"""The mirror experiment as the study runs it: fact F28, its signs and its picture."""

from __future__ import annotations

import numpy as np
import pytest

from twin.study.ready.base import Bench
from twin.study.ready.frontier_mirror import FAR, NEAR, chain, lost_days, mirrored
from twin.study.ready.frontier_tables import sign
from twin.study.ready.frontier_worlds import CALM, MIX, SUPPLY

DAYS = {
    (NEAR, CALM): 8.1, (NEAR, SUPPLY): 43.5, (NEAR, MIX): 16.7,
    (FAR, CALM): 3.3, (FAR, SUPPLY): 45.1, (FAR, MIX): 3.4,
}  # fmt: skip
"""Published lost days (fact F28)."""


@pytest.fixture(scope="module")
def lost():
    return lost_days(Bench(chain(), threads=1))


@pytest.mark.parametrize(("cut", "world"), DAYS)
def test_it_loses_the_published_days(lost, cut, world):
    assert lost[cut, world].mean() == pytest.approx(DAYS[cut, world], rel=0.2)


def test_the_two_shocks_reward_opposite_decoupling_points(lost):
    extra = {(c, w): lost[c, w] - lost[c, CALM] for c in (NEAR, FAR) for w in (SUPPLY, MIX)}
    assert sign(extra[NEAR, SUPPLY] - extra[FAR, SUPPLY]) == -1
    assert sign(extra[NEAR, MIX] - extra[FAR, MIX]) == 1


def test_its_picture_shows_days_lost_on_the_right_of_zero(lost):
    sheet, chart = mirrored(lost, [NEAR, FAR], "mirror", "title", "days")
    rows = sheet.frame.set_index([chart.x, chart.group])[chart.y]
    assert list(rows[:, SUPPLY]) == pytest.approx([35, 42], rel=0.2)
    assert list(rows[:, MIX]) == pytest.approx([8.6, 0], abs=0.2 * 8.6)
    assert list(dict.fromkeys(sheet.frame[chart.x])) == [NEAR, FAR]


def test_what_a_shock_wins_is_below_zero_for_either_shock():
    days = {CALM: [300.0, 302], SUPPLY: [292.0, 294], MIX: [299.0, 301]}
    told = {("few served", world): np.array(x) for world, x in days.items()}
    sheet, chart = mirrored(told, ["few served"], "mirror", "title", "days")
    assert list(sheet.frame[chart.y]) == [-8, -1]
    assert "below zero: gained" in chart.y
