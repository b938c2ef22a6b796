"""The naive simulator and stockpyl agree period by period wherever both can go."""

import pytest

from tests.reference import stockpyl_case
from tests.reference.naive import simulate
from tests.reference.random_networks import random_scenario
from tests.reference.scripted_luck import ScriptedLuck
from twin import topology


def naive_lines(scenario):
    network = topology.build(scenario)
    return stockpyl_case.lines_of(network, simulate(network, ScriptedLuck(network)))


@pytest.mark.parametrize("seed", range(20))
def test_random_textbook_networks_run_as_in_stockpyl(seed):
    scenario = random_scenario(seed, simple=True)

    found = stockpyl_case.differences(naive_lines(scenario), stockpyl_case.run_stockpyl(scenario))

    assert found == []


@pytest.mark.parametrize("kind", stockpyl_case.DISRUPTIONS)
@pytest.mark.parametrize("seed", range(4))
def test_a_disrupted_site_runs_as_in_stockpyl(kind, seed):
    scenario = stockpyl_case.with_disruption(random_scenario(seed, simple=True), kind, seed)

    found = stockpyl_case.differences(naive_lines(scenario), stockpyl_case.run_stockpyl(scenario))

    assert found == []
