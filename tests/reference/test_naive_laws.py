"""Conservation and order laws hold on random networks with every feature on."""

import pytest

from tests.reference import oracle_cases
from tests.reference.laws import ALL_LAWS, NOISE
from tests.reference.naive import simulate
from tests.reference.naive_network import World, order_driven_points
from tests.reference.random_luck import RandomLuck
from tests.reference.random_networks import ALL_FEATURES, random_scenario
from twin import decoupling, topology
from twin.check import check

SEEDS = range(40)


def run(scenario, seed):
    network = topology.build(scenario)
    return network, simulate(network, RandomLuck(network, seed))


@pytest.mark.parametrize("features", [(), ALL_FEATURES])
def test_random_scenarios_are_valid_in_every_way(features):
    for seed in SEEDS:
        check(random_scenario(seed, features))
        check(random_scenario(seed, simple=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_law_holds_with_all_features(seed):
    network, trace = run(random_scenario(seed, ALL_FEATURES), seed)

    assert [v for law in ALL_LAWS for v in law(network, trace)] == []


@pytest.mark.parametrize("seed", range(8))
def test_every_law_holds_in_textbook_networks(seed):
    network, trace = run(random_scenario(seed), seed)

    assert [v for law in ALL_LAWS for v in law(network, trace)] == []


@pytest.mark.parametrize("seed", range(4))
def test_the_same_seed_gives_the_same_trace(seed):
    scenario = random_scenario(seed, ALL_FEATURES)

    assert run(scenario, seed)[1] == run(scenario, seed)[1]


@pytest.mark.parametrize(
    "nothing",
    [
        {"kind": "outage", "severity": 0.0},
        {"kind": "capacity_loss", "severity": 0.0},
        {"kind": "stock_destruction", "severity": 0.0},
        {"kind": "demand_change", "factor": 1.0},
        {"kind": "lead_time_stretch", "factor": 1.0},
        {"kind": "wrong_upload", "factor": 1.0},
        {"kind": "outage", "probability": 0.0},
    ],
)
def test_a_disruption_that_does_nothing_changes_nothing(nothing):
    scenario = random_scenario(3, ALL_FEATURES - {"disruptions"})
    disrupted = scenario.with_changes(disruptions=[{"start": 5, "duration": 20, **nothing}])

    assert run(disrupted, 1)[1] == run(scenario, 1)[1]


def test_a_base_stock_order_never_lifts_the_position_above_its_level():
    for seed in range(12):
        network, trace = run(random_scenario(seed), seed)
        for p in network.points:
            if p.settings.policy.kind != "base_stock":
                continue
            levels = zip(
                *(trace.point[s][p.name] for s in ("record", "on_order", "backlog")), strict=True
            )
            positions = [record + order - owed for record, order, owed in levels]
            highest = max(p.settings.policy.level, positions[0])

            assert max(positions) <= highest + NOISE, (seed, p.name)


def test_net_stock_is_the_position_one_lead_time_ago_less_the_demand_since():
    _, trace = run(oracle_cases.load("single_rQ").scenario, 0)
    on_hand, backlog, on_order = (
        trace.point[s]["s0/x0"] for s in ("on_hand", "backlog", "on_order")
    )
    asked = trace.sink["demand"]["s0/x0/customers"]

    for t in range(trace.horizon - 2):
        position = on_hand[t] + on_order[t] - backlog[t]
        net = on_hand[t + 2] - backlog[t + 2]

        assert net == position - asked[t + 1] - asked[t + 2]


def test_all_features_really_happen_somewhere():
    seen = {"lost": 0.0, "misplaced": 0.0, "cancelled": 0.0, "gate": 0.0, "left": 0.0, "late": 0.0}
    for seed in SEEDS:
        _, trace = run(random_scenario(seed, ALL_FEATURES), seed)
        seen["lost"] += sum(map(sum, trace.point["lost"].values()))
        seen["misplaced"] += sum(map(sum, trace.point["misplaced"].values()))
        seen["cancelled"] += sum(map(sum, trace.link["cancelled"].values()))
        seen["gate"] += sum(map(sum, trace.link["gate"].values()))
        seen["left"] += sum(map(sum, trace.sink["lost"].values()))
        seen["late"] += sum(map(sum, trace.sink["owed"].values()))

    assert all(value > 0 for value in seen.values()), seen


def test_order_driven_stock_points_are_those_of_the_engine():
    for seed in SEEDS:
        scenario = random_scenario(seed, ALL_FEATURES)
        network = topology.build(scenario)
        names = {f.name for f in scenario.families}
        for move in scenario.moves:
            positions = {**dict.fromkeys(names), move.family: move.to}
            rows = decoupling.order_driven_rows(network, positions)

            assert order_driven_points(World(network, None), positions) == {
                network.points[row].name for row in rows
            }, (seed, move)
