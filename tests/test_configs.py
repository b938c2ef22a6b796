"""The shipped scenarios: each loads, has the promised size and does what its text promises."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from twin import decoupling
from twin.compile import Plan
from twin.engine import Outcome, run_block
from twin.load import load
from twin.schema import Scenario
from twin.stock_rules import selects
from twin.topology import Topology, build

FOLDER = Path(__file__).parents[1] / "configs"
NAMES = sorted(f.stem for f in FOLDER.glob("*.yaml"))
RECORDED = FOLDER.parents[1] / "shared/data/scms/SCMS_Delivery_History_Dataset.tsv"

SIZES = {  # stock points, items sold
    "beer-game": (4, 1),
    "beer-game-human": (4, 1),
    "electronics": (120, 12),
    "electronics-full": (552, 66),
    "health-commodities": (72, 6),
    "small-business": (120, 30),
}
STAGES = {
    "beer": ["factory", "distributor", "wholesaler", "retailer"],
    "laptop": ["components", "boards", "assembly", "dc", "market"],
    "printer": ["components", "boards", "assembly", "dc", "market"],
    "steady": ["supplier", "stockroom", "channel"],
    "special": ["supplier", "stockroom", "channel"],
    "arv": ["vendor", "rdc", "country"],
    "hiv_test": ["vendor", "country"],  # shipped from the maker straight to the country
}


def script(name: str):
    """Import a script that lies beside the scenarios."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def at(scenario: Scenario, position: dict[str, str], **changes) -> Scenario:
    families = [
        {**f.model_dump(exclude_unset=True), "decoupling_point": position[f.name]}
        for f in scenario.families
    ]
    return scenario.with_changes(families=families, **changes)


def run(scenario: Scenario) -> tuple[Topology, Outcome]:
    topology = build(scenario)
    return topology, run_block(Plan.of(topology), 4, 0, scenario.seed)


def stock_value(topology: Topology, outcome: Outcome) -> float:
    stock = outcome["rows.on_hand"].mean(axis=1) / outcome.n_periods
    return float(sum(stock[p.index] * p.item.value for p in topology.points))


def mean_wait(outcome: Outcome) -> float:
    """By Little's law: units owed over units demanded a period."""
    return float(outcome["sinks.owed"].sum() / outcome["sinks.demand"].sum())


def test_every_file_has_its_promise_written_down():
    assert set(NAMES) == set(SIZES)


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_loads_with_the_promised_size_and_says_what_is_assumed(name):
    scenario = load(name)
    topology = build(scenario)
    sold = {topology.points[s.row].item.name for s in topology.sinks}
    assert (len(topology.points), len(sold)) == SIZES[name]
    assert scenario.name == name
    assert scenario.title
    assert "assum" in scenario.description.lower()


@pytest.mark.parametrize("name", NAMES)
def test_the_promised_stages_are_valid_decoupling_points(name):
    topology = build(load(name))
    for family in topology.scenario.families:
        found = decoupling.positions(topology, family.name)
        assert [p.stage for p in found] == STAGES[family.name]
        assert found[0].lead_time_below > found[-1].lead_time_below == 0


@pytest.mark.parametrize("name", NAMES)
def test_demand_and_the_disruption_are_not_empty(name):
    topology = build(load(name))
    scenario = topology.scenario
    assert all((s.demand.mean or sum(s.demand.values or [0])) > 0 for s in topology.sinks)
    assert scenario.disruptions
    lanes = {e.lane for e in topology.links}
    for d in scenario.disruptions:
        hit = any(selects(d.where, p.site, p.item, p.role) for p in topology.points)
        assert hit if d.lane is None else d.lane in lanes
        assert d.start + d.duration < scenario.horizon


def test_the_suggested_decoupling_points_are_those_of_the_texts():
    wanted = {
        "electronics": {"laptop": "boards", "printer": "boards"},
        "small-business": {"steady": "stockroom", "special": "supplier"},
        "health-commodities": {"arv": "country", "hiv_test": "vendor"},
    }
    for name, families in wanted.items():
        topology = build(load(name))
        assert {f: decoupling.suggest(topology, f).stage for f in families} == families


def test_the_full_electronics_files_are_what_the_script_writes():
    module = script("derive_electronics_full")
    for name, text in module.derive((FOLDER / "electronics.yaml").read_text("utf-8")).items():
        assert (FOLDER / name).read_text("utf-8") == text, f"run {module.__name__}.py again"


def test_small_and_full_electronics_have_the_same_demand():
    def mean(name: str) -> float:
        return sum(s.demand.mean for s in build(load(name)).sinks)

    assert mean("electronics") == pytest.approx(120)
    assert mean("electronics-full") == pytest.approx(120, rel=1e-5)


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded deliveries are not on this machine")
def test_the_health_files_are_what_the_script_writes_from_the_recorded_deliveries(tmp_path):
    module = script("derive_health_commodities")
    module.main(RECORDED, tmp_path)
    for file in tmp_path.iterdir():
        assert (FOLDER / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize(("name", "total"), [("beer-game", 204.0), ("beer-game-human", 2479.5)])
def test_the_beer_games_cost_what_is_published(name, total):
    _, outcome = run(load(name))
    cost = 0.5 * outcome["rows.on_hand"] + outcome["rows.backlog"]
    assert cost.sum(axis=0) == pytest.approx(np.full(4, total), abs=0.05)


def test_electronics_holds_more_and_waits_less_with_the_cut_further_downstream():
    values, waits = [], []
    for stage in ("components", "boards", "assembly", "dc"):
        at_stage = at(load("electronics"), {"laptop": stage, "printer": stage}, disruptions=[])
        topology, outcome = run(at_stage)
        values.append(stock_value(topology, outcome))
        waits.append(mean_wait(outcome))
    assert values == sorted(values)
    assert waits == sorted(waits, reverse=True)
    assert waits[1:] == pytest.approx([7, 5, 0], abs=0.15)  # of components many orders are dropped
    assert 11 < waits[0] < 12


@pytest.mark.parametrize(
    ("name", "family"),
    [("electronics", "laptop"), ("small-business", "steady"), ("health-commodities", "arv")],
)
def test_the_disruption_hurts_the_family_that_it_is_about(name, family):
    unserved = []
    for changes in ({}, {"disruptions": []}):
        topology, outcome = run(load(name).with_changes(**changes))
        mine = [s.index for s in topology.sinks if topology.points[s.row].item.family == family]
        late = outcome["sinks.due"][mine] - outcome["sinks.on_time"][mine]
        unserved.append((late + outcome["sinks.lost"][mine]).sum())
    assert unserved[0] > 1.1 * unserved[1]
