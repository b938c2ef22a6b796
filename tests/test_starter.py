"""The starter file, and a scenario made of a planner's tables."""

from __future__ import annotations

import pytest

from tests.bad_scenarios import book
from twin.errors import ScenarioError
from twin.load import load_text
from twin.schema import Scenario
from twin.starter import from_tables, new_scenario_text

TABLES = {
    "sites": "name,kind,stage\nmill,plant,make\nshop,store,sell\n",
    "items": "name,family,unit\ngrain,,kg\nbread,food,loaf\n",
    "lanes": "from,to,lead_time\nmill,shop,1\n",
    "bom": "site,item,component,usage,lead_time\nmill,bread,grain,0.5,1\n",
    "demand": "site,item,mean\nshop,bread,20\n",
    "purchases": "site,item,lead_time\nmill,grain,3\n",
}


def folder(path, **changes):
    for name, content in {**TABLES, **changes}.items():
        if content is not None:
            (path / f"{name}.csv").write_text(content)
    return path


def test_starter_runs_and_teaches_every_section_that_a_first_chain_needs():
    text = new_scenario_text()
    scenario = load_text(text)
    assert scenario.families[0].decoupling_point == "dc"
    for section in ("sites", "items", "families", "lanes", "production", "purchases", "stock",
                    "demand", "disruptions", "costs", "calendar", "stages"):  # fmt: skip
        assert f"\n{section}:" in text or f"\n# {section}:" in text, section


def test_starter_speaks_the_words_of_the_schema():
    text = new_scenario_text()
    horizon = Scenario.model_fields["horizon"]
    assert f"horizon: {horizon.description} [periods]; default 365" in text
    assert "#?" not in text


def test_disruption_of_the_starter_works_once_its_marks_are_removed():
    text = new_scenario_text().replace("# disruptions:", "disruptions:").replace("#   - {", "  - {")
    assert load_text(text).disruptions[0].kind == "outage"


def test_csv_files_of_a_folder_become_a_scenario(tmp_path):
    scenario = from_tables(folder(tmp_path))
    assert [f.name for f in scenario.families] == ["food"]
    assert scenario.production[0].inputs[0].usage == 0.5
    assert scenario.purchases[0].lead_time.value == 3


def test_workbook_becomes_the_same_scenario(tmp_path):
    sheets = {n: [line.split(",") for line in t.split()] for n, t in TABLES.items()}
    (tmp_path / "chain.xlsx").write_bytes(book(**sheets))
    csv = tmp_path / "chain"
    csv.mkdir()
    assert from_tables(tmp_path / "chain.xlsx") == from_tables(folder(csv))
    assert from_tables(tmp_path, name="chain") == from_tables(csv)


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"demand": None}, "table 'demand' is missing .found bom, items, lanes.*add demand.csv"),
     ({"site": "name\n"}, "table 'site' is none of a scenario's; did you mean 'sites'"),
     ({"lanes": "from,to\nmill,shop\n"}, "lanes.csv, row 1: column 'lead_time' is missing"),
     ({"lanes": "from,to,lead\nmill,shop,1\n"}, "row 1: unknown column 'lead'.*'lead_time'"),
     ({"demand": "site,item,mean\nshop,bread,many\n"}, "demand.csv, row 2, column 'mean'.*'many'"),
     ({"demand": "site,item,mean\nshop,bred,2\n"}, "row 2, column 'item'.*did you mean 'bread'"),
     ({"bom": "site,item,component,usage\nmill,bread,grain,-1\n"}, "bom.csv, row 2, column 'usage"),
     ({"purchases": None}, "'mill/grain' has no source")],
)  # fmt: skip
def test_wrong_tables_are_refused_with_file_row_and_column(changes, says, tmp_path):
    with pytest.raises(ScenarioError, match=says):
        from_tables(folder(tmp_path, **changes))


def test_the_folder_at_hand_lends_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(folder(tmp_path))
    assert from_tables(".").name == tmp_path.name


@pytest.mark.parametrize("name", ["sites.csv", "plan.yaml", "plan.xlsx"])
def test_a_file_that_is_no_workbook_is_refused(name, tmp_path):
    (tmp_path / name).write_text("name: x\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"not an Excel workbook .* give CSV files"):
        from_tables(tmp_path / name)


def test_folder_without_tables_or_with_both_kinds_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="found no table"):
        from_tables(tmp_path)
    (folder(tmp_path) / "chain.xlsx").write_bytes(book(sites=[["name"]]))
    with pytest.raises(ScenarioError, match="keep either one workbook or CSV files"):
        from_tables(tmp_path)
    with pytest.raises(ScenarioError, match="no such file"):
        from_tables(tmp_path / "nowhere")
