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
    found = {}
    for seed in range(first, first + BATCH):
        plain = random_scenario(seed, simple=True).with_changes(horizon=HORIZON)
        found[seed] = missed(stockpyl_case.with_capacities(plain, seed))

    assert {seed: lines for seed, lines in found.items() if lines} == {}


def test_the_random_textbook_networks_have_what_is_claimed_of_them():
    leads, capped, delays, kinds = set(), 0, 0, set()
    for seed in range(300):
        s = stockpyl_case.with_capacities(random_scenario(seed, simple=True), seed)
        ordered = [*s.lanes, *s.purchases, *s.production]
        leads |= {e.lead_time.value for e in (*s.lanes, *s.purchases)}
        capped += any(e.order_max is not None for e in ordered)
        delays += any(e.information_delay for e in (*s.lanes, *s.purchases))
        kinds |= {p.settings.policy.kind for p in topology.build(s).points}
    assert leads == set(range(7))
    assert capped > 150
    assert delays > 150
    assert kinds >= {"base_stock", "s_S", "r_Q"}


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
