"""The same seed gives the same bytes, however the work is cut, ordered or called."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.scenario_files import (
    own_names,
    renamed,
    shuffled,
    translated,
    with_stranger,
)
from tests.properties.test_laws import LAW, SEEDS, SOME_FEATURES
from tests.reference.fast_trace import fast_trace
from tests.reference.random_networks import ALL_FEATURES, random_scenario
from twin import engine, topology
from twin.check import check
from twin.compile import Plan
from twin.engine import parts, run_block, run_blocks
from twin.schema import Scenario
from twin.simulation import Simulation

RECORD = ("rows.on_hand", "rows.order", "links.on_way", "sinks.demand", "sinks.owed")
SETTLED = frozenset(  # nothing drawn, so that names bring no luck
    ("lost", "patience", "sourcing", "limits", "lots", "yield", "integer", "decoupling", "policies",
     "allocation")
)  # fmt: skip


def everything(outcome):
    """All numbers of an outcome, replications last."""
    tables = (outcome.sums, outcome.final, outcome.opening, outcome.series)
    return {f"{i} {name}": v for i, table in enumerate(tables) for name, v in table.items()}


def joined(outcomes):
    parts = [everything(o) for o in outcomes]
    return {name: np.concatenate([p[name] for p in parts], axis=-1) for name in parts[0]}


def differing(a, b):
    return [name for name in a if a[name].tobytes() != b[name].tobytes()]


def trace_of(scenario, seed=None):
    return fast_trace(topology.build(scenario), scenario.seed if seed is None else seed)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [1, 3, 8])
def test_blocks_of_any_size_give_the_same_bytes(seed, size):
    plan = Plan.of(random_scenario(seed, ALL_FEATURES))

    whole = everything(run_block(plan, 64, 0, 5, RECORD))
    parts = joined(run_block(plan, min(size, 64 - k0), k0, 5, RECORD) for k0 in range(0, 64, size))

    assert differing(whole, parts) == []


@pytest.mark.nojit
@pytest.mark.parametrize("seed", [2, 3])
def test_one_replication_of_a_batch_equals_the_same_replication_alone(seed):
    plan = Plan.of(random_scenario(seed, ALL_FEATURES))

    together = everything(run_block(plan, 6, 0, 5, RECORD))
    alone = everything(run_block(plan, 1, 4, 5, RECORD))

    assert differing({name: v[..., 4:5].copy() for name, v in together.items()}, alone) == []


@pytest.mark.parametrize("seed", range(5))
def test_any_number_of_threads_gives_the_same_bytes(seed, monkeypatch):
    monkeypatch.setattr(engine, "block_size", lambda n_rows: 4)
    plan = Plan.of(random_scenario(seed, ALL_FEATURES))

    one, two = (
        joined(run_blocks([parts(plan, 16)], 5, lambda o: o, record=RECORD, threads=n)[0])
        for n in (1, 2)
    )

    assert differing(one, two) == []


@pytest.mark.parametrize("seed", range(8))
def test_advancing_one_by_one_equals_advancing_at_once(seed):
    plan = Plan.of(random_scenario(seed, ALL_FEATURES))
    step, leap = Simulation(plan, 3, record=RECORD), Simulation(plan, 3, record=RECORD)

    leap.advance(60)
    for _ in range(60):
        step.advance()

    assert differing(step.series(), leap.series()) == []
    assert differing(step.sums(), leap.sums()) == []


@LAW
@given(SEEDS, SOME_FEATURES, st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_advancing_in_any_chunks_gives_the_same_bytes(seed, features, chunks):
    plan = Plan.of(random_scenario(seed, features))
    whole, parts = Simulation(plan, 2), Simulation(plan, 2)
    n = min(60, sum(chunks))

    whole.advance(n)
    for chunk in chunks:
        parts.advance(min(chunk, n - parts.t))

    assert whole.world.rows.tobytes() == parts.world.rows.tobytes()
    assert whole.world.rings.tobytes() == parts.world.rings.tobytes()
    assert differing(whole.sums(), parts.sums()) == []


@LAW
@given(SEEDS, SOME_FEATURES, st.integers(0, 99))
def test_the_order_of_the_lists_in_a_scenario_file_changes_nothing(seed, features, order):
    data = random_scenario(seed, features).to_dict()
    turned = Scenario.model_validate(shuffled(data, order))

    assert trace_of(turned) == trace_of(Scenario.model_validate(data))


@LAW
@given(SEEDS, st.frozensets(st.sampled_from(sorted(SETTLED))))
def test_renaming_changes_nothing_under_recorded_demand(seed, features):
    data = random_scenario(seed, features).to_dict()
    new = {name: f"n_{name}" for name in own_names(data)}  # the order of the names stays
    called = Scenario.model_validate(renamed(data, new))
    check(called)

    ours, theirs = trace_of(called), trace_of(Scenario.model_validate(data))

    assert translated(ours, {}) == translated(theirs, new)


@LAW
@given(SEEDS, st.frozensets(st.sampled_from(sorted(SETTLED - {"integer"}))))
def test_renaming_that_turns_every_order_round_changes_no_quantity(seed, features):
    data = random_scenario(seed, features).to_dict()
    names = own_names(data)  # whole units would go to the other name of two equals
    new = dict(zip(names, (f"n{i:02}" for i in reversed(range(len(names)))), strict=True))

    ours = translated(trace_of(Scenario.model_validate(renamed(data, new))), {})
    theirs = translated(trace_of(Scenario.model_validate(data)), new)

    for kind, table in theirs.items():
        for series, rows in table.items():
            for name, values in rows.items():
                found = ours[kind][series][name]
                assert found == pytest.approx(values, rel=1e-6, abs=1e-6), (series, name)


@LAW
@given(SEEDS, st.frozensets(st.sampled_from(["limits", "lots", "yield", "decoupling", "random"])))
def test_a_stranger_in_the_network_changes_nobodys_luck(seed, features):
    plain = random_scenario(seed, features | {"random", "losses", "devices", "disruptions"})
    ours, theirs = (trace_of(with_stranger(plain, "a_new")), trace_of(plain))

    for kind in ("point", "link", "sink"):
        for series, rows in getattr(theirs, kind).items():
            for name, values in rows.items():
                assert getattr(ours, kind)[series][name] == values, (series, name)


def test_another_customer_changes_nobodys_demand():
    plain = random_scenario(3, {"random"})
    first = plain.to_dict()["demand"][0]
    more = plain.with_changes(demand=[*plain.demand, {**first, "customer": "a_new"}])

    ours, theirs = trace_of(more).sink["demand"], trace_of(plain).sink["demand"]

    assert {name: ours[name] for name in theirs} == theirs
    assert len(ours) == len(theirs) + 1


def test_another_seed_gives_another_run():
    scenario = random_scenario(3, {"random"})

    assert trace_of(scenario, 1) != trace_of(scenario, 2)


HARMLESS = [
    {"kind": "outage", "severity": 0.0},
    {"kind": "outage", "duration": 0},
    {"kind": "outage", "probability": 0.0},
    {"kind": "capacity_loss", "severity": 0.0},
    {"kind": "capacity_loss", "duration": 0},
    {"kind": "lane_closed", "lane": "*", "duration": 0},
    {"kind": "lane_closed", "lane": "*", "probability": 0.0},
    {"kind": "lead_time_stretch", "lane": "*", "factor": 1.0},
    {"kind": "lead_time_stretch", "lane": "*", "factor": 3.0, "duration": 0},
    {"kind": "demand_change", "factor": 1.0},
    {"kind": "demand_change", "factor": 2.0, "duration": 0},
    {"kind": "mix_shift", "family": "f", "shares": {"p0": 1.0}, "probability": 0.0},
    {"kind": "stock_destruction", "severity": 0.0},
    {"kind": "stock_destruction", "probability": 0.0},
    {"kind": "ordering_down", "duration": 0},
    {"kind": "dispatch_stop", "duration": 0},
    {"kind": "dock_closed", "duration": 0},
    {"kind": "device_fault", "duration": 0},
    {"kind": "device_fault", "factor": 1.0},
    {"kind": "wrong_upload", "factor": 1.0},
    {"kind": "wrong_upload", "factor": 3.0, "probability": 0.0},
]


@pytest.mark.parametrize("nothing", HARMLESS, ids=lambda d: "-".join(map(str, d.values())))
def test_a_disruption_that_does_nothing_changes_nothing(nothing):
    scenario = random_scenario(3, ALL_FEATURES - {"disruptions"})
    disrupted = scenario.with_changes(disruptions=[{"start": 5, "duration": 20, **nothing}])

    assert trace_of(disrupted) == trace_of(scenario)
