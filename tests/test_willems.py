"""Chains of Willems (2008) from the user's own copy of the data."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from twin.errors import ScenarioError
from twin.load import load
from twin.willems import import_chain, write_import

DATA = Path(__file__).parents[2] / "shared" / "data" / "willems2008"
HEAD = (
    "chain,stage_id,stage_type,lead_time,cost_rate,max_s_time,ext_demand_mean,ext_demand_std,"
    "ext_demand_thres\n"
)
STAGES = HEAD + (
    "1,a,Part,2.2,10,,,,\n1,b,Manuf,0,5,,,,\n1,c,Manuf,1,5,,,,\n"
    "1,d,Retail,4,1,3,10,2,1.645\n1,e,Retail,1,1,0,5,1,0.95\n"
)
ARCS = "chain,source,target\n1,a,b\n1,a,c\n1,b,d\n1,c,d\n1,c,e\n"


def folder(path, stages=STAGES, arcs=ARCS):
    (path / "stages.csv").write_text(stages)
    (path / "arcs.csv").write_text(arcs)
    return path


def test_levels_are_mean_plus_z_deviations_of_the_exploded_demand(tmp_path):
    scenario, _ = import_chain(folder(tmp_path), 1)
    level = {r.where.site: r.policy.level for r in scenario.stock}
    # a is needed twice for a d (over b and c) and once for an e: mean 25, variance 4*4 + 1
    assert level["a"] == pytest.approx(25 * 3 + 1.645 * math.sqrt(17 * 3), abs=1e-3)
    assert level["c"] == pytest.approx(15 + 1.645 * math.sqrt(5), abs=1e-3)
    assert level["b"] == 0
    assert level["e"] == pytest.approx(5 + 1.644854, abs=1e-5)  # 0.95 is a probability


def test_value_adds_up_and_times_are_rounded_up_and_said(tmp_path):
    scenario, assumptions = import_chain(folder(tmp_path), "1")
    assert {i.name: i.value for i in scenario.items} == {
        "a": 10,
        "b": 15,
        "c": 15,
        "d": 31,
        "e": 16,
    }
    assert scenario.production[0].lead_time.value == 3
    assert any("rounded up" in a and "1 of 5 changed: a" in a for a in assumptions)
    assert {d.site: d.tolerance for d in scenario.demand} == {"d": 3, "e": 0}


def test_written_import_tells_its_assumptions_and_loads_as_the_same(tmp_path):
    scenario, assumptions = import_chain(folder(tmp_path), 1)
    write_import(tmp_path / "out.yaml", scenario, assumptions)
    head = (tmp_path / "out.yaml").read_text().split("name:")[0]
    assert all(f"# * {a}" in head for a in assumptions)
    assert load(tmp_path / "out.yaml") == scenario


@pytest.mark.parametrize(
    ("stages", "arcs", "says"),
    [(HEAD, ARCS, "no chain 1"), (STAGES.replace("1,", "2,"), ARCS, "no chain 1; allowed: 2"),
     (STAGES.replace("stage_type", "type"), ARCS, "column 'stage_type' is missing"),
     (STAGES.replace("Manuf,0", "Manu,0"), ARCS, "row 3.*'Manu'; did you mean 'Manuf'"),
     (STAGES.replace("2.2", "-2.2"), ARCS, "row 2, column 'lead_time' = '-2.2'; must be a finite"),
     (STAGES.replace("2.2", "two"), ARCS, "'two'; must be a finite number, 0 or more"),
     (STAGES + "1,a,Part,1,1,,,,\n", ARCS, "row 7, column 'stage_id' = 'a' a second time"),
     (STAGES, ARCS + "1,a,x\n", "row 7, column 'target' = 'x'; no such stage"),
     (STAGES, ARCS + "1,d,a\n", "cycle")],
)  # fmt: skip
def test_wrong_data_are_refused_with_file_row_and_column(stages, arcs, says, tmp_path):
    with pytest.raises(ScenarioError, match=says):
        import_chain(folder(tmp_path, stages, arcs), 1)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ScenarioError, match=r"stages\.csv: no such file"):
        import_chain(tmp_path, 1)


@pytest.mark.skipif(not DATA.is_dir(), reason="the data are the user's own; no copy here")
@pytest.mark.parametrize("chain", range(1, 21))
def test_real_chain_becomes_a_valid_scenario(chain):
    scenario, assumptions = import_chain(DATA, chain)
    lines = (DATA / "stages.csv").read_text().splitlines()
    assert len(scenario.sites) == sum(line.startswith(f"{chain},") for line in lines)
    arcs = (DATA / "arcs.csv").read_text().splitlines()
    assert len(scenario.lanes) == sum(line.startswith(f"{chain},") for line in arcs)
    assert len(assumptions) > 5
