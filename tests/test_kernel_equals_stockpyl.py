"""The kernel and stockpyl agree period by period wherever both can go."""

import pytest

from tests.reference import stockpyl_case
from tests.reference.fast_trace import fast_trace
from tests.reference.random_networks import random_scenario
from twin import topology

HORIZON = 30  # stockpyl takes most of the time
BATCH = 20
DISRUPTED = 45  # the disruptions start in periods 5 to 30


def kernel_lines(scenario):
    network = topology.build(scenario)
    return stockpyl_case.lines_of(network, fast_trace(network, seed=1))


def missed(scenario):
    """First few periods in which the kernel misses one of stockpyl's lines."""
    theirs = stockpyl_case.run_stockpyl(scenario)
    return stockpyl_case.differences(kernel_lines(scenario), theirs)[:3]


@pytest.mark.parametrize("first", range(0, 300, BATCH))
def test_random_textbook_networks_run_as_in_stockpyl(first):
    found = {
        seed: missed(random_scenario(seed, simple=True).with_changes(horizon=HORIZON))
        for seed in range(first, first + BATCH)
    }

    assert {seed: lines for seed, lines in found.items() if lines} == {}


@pytest.mark.parametrize("kind", stockpyl_case.DISRUPTIONS)
def test_a_disrupted_site_runs_as_in_stockpyl(kind):
    found = {}
    for seed in range(300, 310):
        plain = random_scenario(seed, simple=True).with_changes(horizon=DISRUPTED)
        found[seed] = missed(stockpyl_case.with_disruption(plain, kind, seed))

    assert {seed: lines for seed, lines in found.items() if lines} == {}


@pytest.mark.parametrize("kind", stockpyl_case.DISRUPTIONS)
def test_most_of_the_disruptions_of_this_comparison_really_happen(kind):
    plain = [random_scenario(seed, simple=True) for seed in range(300, 310)]

    hit = [stockpyl_case.with_disruption(s, kind, i + 300).disruptions for i, s in enumerate(plain)]

    assert sum(map(bool, hit)) >= 5


@pytest.mark.nojit
def test_a_textbook_network_runs_as_in_stockpyl_without_the_jit():
    assert missed(random_scenario(1, simple=True).with_changes(horizon=HORIZON)) == []
