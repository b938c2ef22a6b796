"""Lists of a scenario as CSV files and sheets."""

from __future__ import annotations

import pytest

from tests.bad_scenarios import BASE, DEMAND, LANES, MAKE, book
from twin.errors import ScenarioError
from twin.load import load, load_text
from twin.tables import SECTIONS

LANES_CSV = "from,to,items,lead_time\nmaker,dc,chair,2\ndc,shop,,1\n"


def written(folder, text, **files):
    for name, content in files.items():
        path = folder / name.replace("_csv", ".csv").replace("_xlsx", ".xlsx")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "s.yaml").write_text(text)
    return load(folder / "s.yaml")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_table_of_lanes_is_the_list_of_lanes(delimiter, tmp_path):
    text = BASE.replace(LANES, "lanes: {table: lanes.csv}\n")
    content = LANES_CSV.replace(",", delimiter)
    assert written(tmp_path, text, lanes_csv=content) == load_text(BASE)


def test_sheet_of_a_workbook_is_the_list_of_lanes(tmp_path):
    rows = [line.split(",") for line in LANES_CSV.split()]
    rows = [[int(c) if c.isdigit() else c or None for c in row] for row in rows]
    text = BASE.replace(LANES, "lanes: {table: b.xlsx, sheet: lanes}\n")
    got = written(tmp_path, text, b_xlsx=book(other=[["x"]], lanes=[*rows, [None, None]]))
    assert got == load_text(BASE)


@pytest.mark.parametrize(
    "content",
    ["site,item,lead_time,inputs\nmaker,chair,1,wood:2|leg:4\n",
     "site,item,lead_time,component,usage\nmaker,chair,1,wood,2\nmaker,chair,,leg,4\n"],
    ids=["one cell", "one row per component"],
)  # fmt: skip
def test_bill_of_material_in_one_cell_or_in_rows(content, tmp_path):
    text = BASE.replace("- {name: wood, unit: kg}", "- {name: wood, unit: kg}\n- {name: leg}")
    text = text.replace("production:\n- " + MAKE, "production: {table: bom.csv}")
    text = text.replace("purchases:", "purchases:\n- {site: maker, item: leg, lead_time: 1}")
    (made,) = written(tmp_path, text, bom_csv=content).production
    assert [(i.item, i.usage) for i in made.inputs] == [("wood", 2), ("leg", 4)]
    assert made.lead_time.value == 1


def test_rows_of_one_product_that_contradict_each_other_are_refused(tmp_path):
    text = BASE.replace("production:\n- " + MAKE, "production: {table: bom.csv}")
    content = "site,item,capacity,component\nmaker,chair,5,wood\nmaker,chair,6,wood\n"
    with pytest.raises(ScenarioError, match=r"row 3, column 'capacity' = 6 differs from 5"):
        written(tmp_path, text, bom_csv=content)


def test_dots_name_nested_keys_and_bars_separate_lists(tmp_path):
    text = BASE.replace(LANES, "lanes: {table: lanes.csv}\n").replace(
        DEMAND, "demand: {table: demand.csv}\n"
    )
    lanes = (
        "from,to,items,lead_time.kind,lead_time.values,lead_time.weights,overtaking\n"
        "maker,dc,chair|seats,discrete,1|3,0.25|0.75,true\ndc,shop,,empirical,2,,\n"
    )
    demand = "site,variants,mean,season.weekly\nshop,chair:1.0,4,1|1|1|1|1|2|0\n"
    got = written(tmp_path, text, lanes_csv=lanes, demand_csv=demand)
    assert got.lanes[0].items == ["chair", "seats"]
    assert got.lanes[0].lead_time.values == [1, 3]
    assert got.lanes[0].overtaking
    assert got.lanes[1].lead_time.values == [2]
    assert got.demand[0].variants == {"chair": 1.0}
    assert got.demand[0].season.weekly == [1, 1, 1, 1, 1, 2, 0]


def test_recorded_demand_comes_from_the_rows_that_fit(tmp_path):
    text = BASE.replace(
        "kind: poisson, mean: 4",
        "kind: recorded, values: {table: sales.csv, column: units, where: {item: chair}}",
    )
    rows = [f"{item},{n}" for n in range(30) for item in ("chair", "table")]
    got = written(tmp_path, text, sales_csv="\n".join(["item,units", *rows]))
    assert got.demand[0].values == list(range(30))


def test_names_that_look_like_numbers_stay_names(tmp_path):
    rows = [["name", "unit", "family"], ["wood", "kg", None], [4711, None, "seats"]]
    text = BASE.replace("item: chair", "item: '4711'").replace("items: chair", "items: '4711'")
    items = BASE[BASE.index("items:") : BASE.index("families:")]
    text = text.replace(items, "items: {table: b.xlsx}\n")
    assert written(tmp_path, text, b_xlsx=book(items=rows)).items[1].name == "4711"


def test_link_that_leads_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "secret.csv").write_text(LANES_CSV)
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "lanes.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(ScenarioError, match="lies outside the scenario's folder"):
        written(inner, BASE.replace(LANES, "lanes: {table: lanes.csv}\n"))


def test_every_list_of_entries_may_be_a_table():
    lists = {"sites", "items", "families", "lanes", "production", "purchases", "resources",
             "sourcing", "stock", "demand", "devices", "disruptions", "moves"}  # fmt: skip
    assert lists == SECTIONS
