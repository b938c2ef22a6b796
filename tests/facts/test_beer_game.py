"""The beer game as shipped: facts F4 and F5.

Sterman 1989, Management Science 35(3): 321-339; rebuilt by Edali & Yasarcan 2014, JASSS 17(4) 2.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.facts.measure import beer_game


def test_benchmark_play_costs_46_50_54_54_together_204():
    cost, _ = beer_game("beer-game")
    assert cost == [46, 50, 54, 54]
    assert sum(cost) == 204


def test_benchmark_play_without_the_forced_weeks_costs_180():
    assert sum(beer_game("beer-game", forced_until=0)[0]) == 180


def test_human_play_costs_2479_more_than_eight_times_the_benchmark():
    cost, _ = beer_game("beer-game-human")
    assert cost == pytest.approx([280, 627, 886, 686], rel=0.01)
    assert sum(cost) == pytest.approx(2479, rel=0.01)
    assert sum(cost) / 204 >= 8


def test_human_orders_peak_higher_at_every_stage_upstream():
    _, orders = beer_game("beer-game-human")
    assert orders.max(axis=0) == pytest.approx([11, 16.5, 25, 31], rel=0.01)


def test_the_variance_of_human_orders_rises_upstream():
    _, orders = beer_game("beer-game-human")
    found = orders.var(axis=0)
    assert found == pytest.approx([7.6, 37, 80, 116], rel=0.01)
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize(("weight", "cost"), [(0, 5562), (0.6, 1652), (1, 1818)])
def test_minding_the_supply_line_saves_most_of_the_cost_but_not_monotonically(weight, cost):
    assert sum(beer_game("beer-game-human", supply_line=weight)[0]) == pytest.approx(cost, rel=0.01)
