"""The kernel reproduces every published trace, as the naive simulator does."""

import pytest

from tests.reference import oracle_cases
from tests.reference.fast_trace import fast_trace
from twin import topology

PRINTED = 1e-8  # the oracles' Normal demand is printed with 10 decimals
INTEGER = [
    name for name in oracle_cases.TRACE_CASES if name not in ("ras_fig1a_tree", "example_6_1_local")
]
TINY = ("serial4_basestock", "assembly_3_stage", "single_rQ", "single_sS")
CASES = [
    pytest.param(name, marks=pytest.mark.nojit if name in TINY else ())
    for name in oracle_cases.TRACE_CASES
]


def run(scenario, block=1):
    return fast_trace(topology.build(scenario), 1, block - 1, block)


@pytest.mark.parametrize("name", CASES)
def test_every_value_of_the_published_trace_is_reproduced(name):
    case = oracle_cases.load(name)

    found = oracle_cases.differences(case, run(case.scenario), 0.0 if name in INTEGER else PRINTED)

    assert found == []


@pytest.mark.parametrize("name", oracle_cases.TRACE_CASES)
def test_the_published_total_cost_is_reproduced(name):
    case = oracle_cases.load(name)

    trace = run(case.scenario, block=5)

    assert trace.total_cost() == pytest.approx(case.data["total_cost"], abs=1e-6)


def test_integer_oracles_are_whole_numbers():
    assert all(oracle_cases.load(name).is_integer for name in INTEGER)


@pytest.mark.nojit
def test_the_beer_game_costs_46_50_54_54_to_the_cent():
    trace = run(oracle_cases.beer_game())

    cost = [
        sum(sum(trace.cost[kind][f"{s}/beer"]) for kind in trace.cost)
        for s in oracle_cases.BEER_STAGES
    ]

    assert cost == [46, 50, 54, 54] == oracle_cases.beer_game_oracle()["known_cost_per_stage"]


def test_the_beer_game_without_forced_orders_costs_180():
    assert run(oracle_cases.beer_game(forced_until=0)).total_cost() == 180


def test_human_play_with_the_mean_parameters_costs_2479():
    """Sterman (1989) mean θ, α, β with S' = 17 at every stage (domain fact F5, within 1 %)."""
    human = {"smoothing": 0.36, "adjustment": 0.26, "supply_line": 0.34, "level": 17}

    trace = run(oracle_cases.beer_game(**human))

    assert trace.total_cost() == pytest.approx(2479, rel=0.01)


@pytest.mark.parametrize(
    ("column", "series"),
    [
        ("incoming_order", "incoming"),
        ("inventory", "on_hand"),
        ("backlog", "backlog"),
        ("order", "order"),
    ],
)
def test_the_beer_game_follows_the_published_weeks(column, series):
    trace = run(oracle_cases.beer_game())

    stages = [trace.point[series][f"{s}/beer"] for s in oracle_cases.BEER_STAGES]
    weeks = [list(week) for week in zip(*stages, strict=True)]

    assert weeks == oracle_cases.beer_game_oracle()["trace"][column]
