"""What `twin optimise` finds among cards and sources, and what it says where nothing will do."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import twin
from tests.facts import cases
from twin.cli import app
from twin.optimise import optimise, tune
from twin.schema import Scenario

RATES = {"holding_cost": 1, "backlog_cost": 9}
CARDS = {"kind": "kanban", "cards": 20, "lot": 5}


def mean_cost(scenario, **changes):
    run = twin.run(twin.apply(scenario, changes), threads=1)
    return float(run.kpis.set_index("kpi").loc["running_cost", "value"])


@pytest.mark.parametrize(("lead", "cards"), [(3, 8), (5, 12)])
def test_of_constant_demand_as_many_cards_are_found_as_cover_the_lead_time(lead, cards):
    """10 a period in boxes of 5: a box sold today frees its card for tomorrow's order, which comes
    L later, so that 10 (L + 1) must be in the loop, in 2 (L + 1) boxes. Fewer owe, more hold.
    """
    demand = {"kind": "constant", "mean": 10}
    given = cases.single(lead, demand, CARDS, **RATES, horizon=200, warmup=50, replications=2)
    found = optimise(given, levers=["kanban"], budget=60, search_replications=2, threads=1)
    assert found.best.levers == {"cards of s": cards}
    assert found.after[0].mean() == pytest.approx(0)


def test_of_random_demand_no_number_of_cards_is_clearly_cheaper():
    demand = {"kind": "poisson", "mean": 10}
    given = cases.single(3, demand, CARDS, **RATES, horizon=1000, warmup=50, replications=16)
    found = optimise(given, levers=["kanban"], budget=60, threads=1)
    costs = {n: mean_cost(given, **{"stock[0].policy.cards": n}) for n in range(5, 16)}
    assert found.best.levers["cards of s"] == min(costs, key=costs.__getitem__)
    assert min(costs) < min(costs, key=costs.__getitem__) < max(costs)


def sourced(entry, **more):
    """A shop that wants 10 a period and keeps the lead time's demand, with two sources."""
    lanes = [{"from": name, "to": "shop", "lead_time": 2} for name in ("near", "far")]
    policy = {"kind": "base_stock", "level": 20}
    return Scenario.model_validate({
        "name": "sourced", "horizon": 60, "warmup": 0, "replications": 2,
        "sites": [{"name": n} for n in ("near", "far", "shop")],
        "items": [{"name": "x", "value": 0}], "lanes": lanes,
        "purchases": [{"site": n, "item": "x", "lead_time": 0} for n in ("near", "far")],
        "stock": [{"where": {"site": ["near", "far"]}, "policy": {"kind": "base_stock", "level": 1e4}},
                  {"where": {"site": "shop"}, "policy": policy, "backlog_cost": 1}],
        "sourcing": [{"site": "shop", **entry}],
        "demand": [{"site": "shop", "item": "x", "kind": "constant", "mean": 10}], **more,
    })  # fmt: skip


def test_a_backup_source_is_found_where_it_saves_what_an_outage_costs():
    """Half of 10 a period is not sent for 6 periods: 5, 10 ... 30, then paid back at once.

    What was ordered while the source was closed arrives together, a lead time of 2 later: 30 are
    owed once more, for the lead time that passes.
    """
    fire = {"kind": "outage", "where": {"site": "near"}, "start": 20, "duration": 6}
    given = sourced({"shares": {"near": 0.5, "far": 0.5}}, disruptions=[fire])
    found = optimise(given, levers=["backup"], budget=10, search_replications=2, threads=1)
    assert found.changes == {"sourcing[0].fallback": True}
    assert found.best.choice == "sources of * at shop stand in for each other"
    assert found.before[0].mean() == pytest.approx(5 + 10 + 15 + 20 + 25 + 30)
    assert found.after[0].mean() == pytest.approx(0)


def test_the_cheaper_source_comes_first_where_neither_fails():
    """10 a period over a lane that costs 3 a unit instead of 1."""
    given = sourced({"priority": ["near", "far"]})
    given = twin.apply(given, {"lanes[0].cost_per_unit": 3, "lanes[1].cost_per_unit": 1})
    found = optimise(given, levers=["backup"], budget=10, search_replications=2, threads=1)
    assert found.scenario.sourcing[0].priority == ["far", "near"]
    assert found.before[0].mean() == pytest.approx(3 * found.after[0].mean())
    assert found.improvement()[0] == pytest.approx(10 * 60 * 2)


def noisy(**more):
    demand = {"kind": "normal", "mean": 100, "sd": 25}
    return cases.single(4, demand, {"level": 300}, **RATES, horizon=200, **more)


def test_tuning_comes_to_the_same_on_one_thread_and_on_two():
    one, two = (tune(noisy(), budget=40, threads=n) for n in (1, 2))
    assert one == two


def test_a_requirement_that_cannot_be_met_is_said_first():
    fire = {"kind": "outage", "where": {"site": "s"}, "start": 50, "duration": 150}
    given = noisy(disruptions=[fire])
    found = optimise(
        given, require={"fill_rate": 0.99}, budget=30, search_replications=4, threads=1
    )
    assert not found.requirements()[0]["met"]
    lines = found.summary().splitlines()
    assert lines[1].startswith("  NOT MET: fill_rate >= 0.99 is not reached with 95 % confidence")
    assert "lower the bound" in lines[2]
    assert "no finalist meets all requirements" in found.notes[-1]
    assert found.to_json_dict()["requirements"][0]["met"] is False


def test_of_a_single_finalist_no_confidence_is_claimed():
    found = optimise(noisy(), budget=1, search_replications=4, threads=1)
    told = found.to_json_dict()
    assert told["confidence"] is None
    assert told["delta"] is None
    assert "only one finalist" in found.summary()


def test_a_search_that_ends_in_one_place_is_compared_with_what_lies_apart_from_it():
    found = optimise(noisy(), budget=200, search_replications=4, threads=1)
    levels = [f.levers["level of s"] for f in found.finalists]
    assert len(levels) > 1
    assert found.to_json_dict()["confidence"] > 0.5
    assert min(abs(x - levels[0]) for x in levels[1:]) > 0.1


def test_the_command_writes_a_better_scenario_and_says_what_was_found(tmp_path):
    given, better = tmp_path / "given.yaml", tmp_path / "better.yaml"
    given.write_text(yaml.safe_dump(noisy().to_dict()))
    asked = ["optimise", given, "--budget", "20", "--require", "fill_rate>=0.5", "--threads", "1"]
    done = CliRunner().invoke(app, [str(x) for x in [*asked, "--json", "--quiet", "-o", better]])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["tried"] <= 20
    assert told["requirements"][0]["met"] is True
    level = twin.load(better).stock[0].policy.level
    assert level == pytest.approx(told["levers"]["level of s"])
    assert mean_cost(better) == pytest.approx(told["after"]["mean"])
    assert np.isfinite(told["improvement"]["mean"])
