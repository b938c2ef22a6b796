"""The kernel and the naive simulator agree period by period, with the same luck."""

import pytest

from tests.reference.fast_trace import differences, fast_trace
from tests.reference.luck import Luck
from tests.reference.naive import simulate
from tests.reference.random_networks import ALL_FEATURES, FEATURES, random_scenario
from twin import topology

BATCH = 20
BLOCK = 3  # replications that run together; one of them is compared
ALONE = 4  # every fourth scenario runs one replication alone: the kernel compiled for that


def missed(seed, features):
    """First few places where the kernel differs from the naive simulator."""
    scenario = random_scenario(seed, features)
    network = topology.build(scenario)
    block = 1 if seed % ALONE == 0 else BLOCK
    k = seed % block
    theirs = simulate(network, Luck(network, scenario.seed, k))
    return differences(fast_trace(network, scenario.seed, k, block), theirs)[:3]


def all_missed(seeds, features):
    found = {seed: missed(seed, features) for seed in seeds}
    return {seed: places for seed, places in found.items() if places}


@pytest.mark.parametrize("first", range(0, 200, BATCH))
def test_scenarios_with_every_feature_run_as_in_the_naive_simulator(first):
    assert all_missed(range(first, first + BATCH), ALL_FEATURES) == {}


@pytest.mark.parametrize("feature", FEATURES)
def test_scenarios_with_one_feature_run_as_in_the_naive_simulator(feature):
    assert all_missed(range(1000, 1004), {feature}) == {}


@pytest.mark.parametrize("feature", FEATURES)
def test_scenarios_without_one_feature_run_as_in_the_naive_simulator(feature):
    assert all_missed(range(2000, 2003), ALL_FEATURES - {feature}) == {}


@pytest.mark.nojit
@pytest.mark.parametrize("seed", range(3000, 3010))
def test_scenarios_run_as_in_the_naive_simulator_without_the_jit(seed):
    assert missed(seed, ALL_FEATURES) == []


@pytest.mark.nojit
def test_whole_units_follow_the_ranks_when_needs_are_fractions():
    """A lower rank's half unit must not cost a higher rank one (an arbitrated rounding)."""
    assert missed(335, ALL_FEATURES) == []
