"""Sums of a block, worked out when they are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reference.random_networks import ALL_FEATURES, random_scenario
from twin.compile import Plan
from twin.engine import run_block
from twin.simulation import Simulation


@pytest.mark.parametrize("warmup", [0, 20])
def test_sums_of_a_window_are_those_of_its_end_less_those_of_its_start(warmup):
    scenario = random_scenario(3, ALL_FEATURES).with_changes(warmup=warmup)
    plan = Plan.of(scenario)
    found = run_block(plan, 4, 0, 1).sums
    sim = Simulation(plan, 4, 0, 1)
    sim.advance(warmup)
    start = dict(sim.sums())
    sim.advance(scenario.horizon - warmup)
    end = sim.sums()
    assert set(found) == set(end) == set(start)
    assert all(np.array_equal(found[name], end[name] - start[name]) for name in end)
    assert sum(found[name].any() for name in found) > 20


def test_frozen_sums_stay_as_they_are_and_others_go_on():
    sim = Simulation(Plan.of(random_scenario(3, ALL_FEATURES)), 2)
    sim.advance(10)
    now, frozen = sim.sums(), sim.sums().frozen()
    before = dict(frozen)
    sim.advance(10)
    assert all(np.array_equal(frozen[name], before[name]) for name in before)
    assert now["rows.on_hand"].sum() > before["rows.on_hand"].sum()


def test_a_sum_that_there_is_not_is_said_so():
    sums = Simulation(Plan.of(random_scenario(3, ALL_FEATURES)), 2).sums()
    assert "rows.order" in sums
    assert "orders.orders" not in sums
    for name in ("orders.orders", "rows.nothing", "nothing"):
        with pytest.raises(KeyError):
            sums[name]
