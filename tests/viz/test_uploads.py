"""Files that were dropped on the page: read like any scenario, trusted in nothing."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path

import openpyxl
import pytest

from twin.errors import ScenarioError
from twin.load import load, plain_data
from viz import uploads
from viz.uploads import MAX_FILES, MAX_TOTAL, read_upload

pytestmark = pytest.mark.nojit

HOSTILE = 'dc"><script>alert(1)<script><img src=x onerror=alert(2)>'
"""What a name may hold at worst; one with a slash or a tag at its start is no name."""
HEAD = "name: small\nhorizon: 40\nwarmup: 10\nitems: [{name: chair}]\n"
SITES = "sites: [{name: dc}, {name: shop}]\n"
DEMAND = "demand: [{site: shop, item: chair, kind: poisson, mean: 4}]\n"
REST = (
    "purchases: [{site: dc, item: chair, supplier: maker, lead_time: 2}]\n"
    "lanes: [{from: dc, to: shop, lead_time: 1}]\n" + DEMAND
)
TABLES = {
    "sites": "name\ndc\nshop\n",
    "items": "name\nchair\n",
    "demand": "site,item,kind,mean\nshop,chair,poisson,4\n",
    "lanes": "from,to,lead_time\ndc,shop,1\n",
    "purchases": "site,item,supplier,lead_time\ndc,chair,maker,2\n",
}


@pytest.fixture(autouse=True)
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give temporary folders a place of their own, and require that none stays."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.glob("twin-upload-*")) == []


def yaml(text: str, *tables: tuple[str, str]) -> list[tuple[str, bytes]]:
    return [("s.yaml", text.encode()), *((name, cells.encode()) for name, cells in tables)]


def csvs(**changed: str) -> list[tuple[str, bytes]]:
    return [(f"{name}.csv", cells.encode()) for name, cells in {**TABLES, **changed}.items()]


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, cells in TABLES.items():
        sheet = book.create_sheet(name)
        for line in cells.splitlines():
            sheet.append(line.split(","))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def refused(files: list[tuple[str, bytes]]) -> str:
    """Return the words with which files are refused; they tell no place on the server."""
    with pytest.raises(ScenarioError) as error:
        read_upload(files)
    assert "twin-upload-" not in str(error.value)
    return str(error.value)


def test_a_dropped_scenario_is_the_one_that_the_shell_reads():
    path = Path(__file__).parents[2] / "configs" / "electronics.yaml"
    assert read_upload([("mine.yaml", path.read_bytes())]) == load("electronics")


def test_json_is_read_as_well():
    text = json.dumps(plain_data(load("beer-game")))
    assert read_upload([("beer.json", text.encode())]) == load("beer-game")


def test_a_scenario_finds_the_tables_that_were_dropped_with_it():
    found = read_upload(
        yaml(HEAD + REST + "sites: {table: places.csv}\n", ("places.csv", TABLES["sites"]))
    )
    assert [s.name for s in found.sites] == ["dc", "shop"]


def test_a_workbook_and_csv_tables_make_the_same_scenario():
    of_book = read_upload([("plan.xlsx", workbook())])
    of_csv = read_upload(csvs())
    assert of_book.name == "plan"
    assert of_csv.name == uploads.NAME
    assert plain_data(of_book) | {"name": ""} == plain_data(of_csv) | {"name": ""}


def test_script_tags_in_names_are_names():
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    changed = {key: TABLES[key].replace("dc", quoted) for key in ("sites", "lanes", "purchases")}
    assert read_upload(csvs(**changed)).sites[0].name == HOSTILE
    tag = "<script>alert(1)</script>"
    assert tag in refused(csvs(sites=TABLES["sites"] + tag))


def test_an_error_names_the_dropped_file_its_line_and_the_value():
    said = refused(yaml(HEAD + SITES + REST.replace("mean: 4", "mean: -4")))
    assert said.startswith("s.yaml, line 8")
    assert "-4" in said
    said = refused(csvs(demand=TABLES["demand"].replace(",4", ",many")))
    assert "demand.csv, row 2" in said
    assert "many" in said


@pytest.mark.parametrize(
    "reference", ["../secret.csv", "a/../../secret.csv", "..\\secret.csv", "{folder}/secret.csv"]
)
def test_a_reference_out_of_the_folder_is_refused_though_the_file_is_there(private, reference):
    (private / "secret.csv").write_text(TABLES["sites"])
    place = reference.format(folder=private)
    wanted = f"'{place}' lies outside the scenario's folder"
    assert wanted in refused(yaml(HEAD + REST + f"sites: {{table: '{place}'}}\n"))
    values = f"{{table: '{place}', column: name}}"
    demand = f"demand: [{{site: shop, item: chair, kind: empirical, values: {values}}}]\n"
    assert wanted in refused(yaml(HEAD + SITES + REST.replace(DEMAND, demand)))


@pytest.mark.parametrize(
    "name",
    ["../s.yaml", "/etc/s.yaml", "a/s.yaml", "..\\s.yaml", "C:\\s.yaml", ".yaml", "..", "",
     "s\0.yaml", "s\n.yaml", "\ud800.yaml", "x" * 200 + ".yaml"],
)  # fmt: skip
def test_a_name_that_is_no_plain_file_name_is_refused(name):
    assert "plain name" in refused([(name, HEAD.encode())])


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([], "no file was dropped"),
        ([("s.pickle", b"x")], "ending '.pickle'"),
        ([("a.yaml", b"x"), ("b.json", b"x")], "2 scenarios (a.yaml, b.json)"),
        ([("A.csv", b"x"), ("a.csv", b"y")], "two files"),
        ([(f"{n}.csv", b"x") for n in range(MAX_FILES + 1)], f"at most {MAX_FILES}"),
        ([("s.yaml", b"")], "s.yaml: the file is empty"),
        ([("s.yaml", b"\xff\xfe\x00")], "UTF-16"),
        ([("s.yaml", b"a: *b")], "alias"),
        ([("b.xlsx", b"no zip")], "b.xlsx: not an Excel workbook"),
        ([("sites.csv", b"name\ndc\n")], "table 'items' is missing"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(files, says):
    assert says in refused(files)


def test_too_many_bytes_are_refused_before_anything_is_written(monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryDirectory", None)
    half = b"x" * (MAX_TOTAL // 2)
    assert "20.0 MB together" in refused([("a.csv", half), ("b.csv", half + b"x")])


def test_a_workbook_that_unpacks_to_far_more_is_refused(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_UNPACKED", 10**6)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", b" " * 10**7)
    assert len(out.getvalue()) < 20_000
    assert "unpacks to 10 MB" in refused([("bomb.xlsx", out.getvalue())])


def test_a_workbook_that_breaks_its_reader_is_refused_in_words():
    out = io.BytesIO(workbook())
    broken = io.BytesIO()
    with zipfile.ZipFile(out) as old, zipfile.ZipFile(broken, "w") as new:
        for name in old.namelist():
            cut = name.startswith("xl/worksheets")
            new.writestr(name, b"<worksheet><sheetData><row" if cut else old.read(name))
    assert "plan.xlsx: cannot be read" in refused([("plan.xlsx", broken.getvalue())])
