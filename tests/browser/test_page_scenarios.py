"""Scenarios that come and go: kept, side by side, by link and by file; exports read back."""

from __future__ import annotations

import csv
import io
import zipfile

import pandas as pd
import pytest
from PIL import Image

from tests.browser.driving import (
    HANDLE,
    add,
    answered,
    at,
    bars,
    download,
    drop,
    expected,
    exported,
    key,
    opened,
    press,
    query,
    settled,
    stage,
    tab,
    tiles,
    until_data,
    until_text,
    whole,
)
from tests.browser.looking import until, until_there
from twin.edits import apply
from twin.load import load, to_text

KEPT = "[data-table='What-ifs side by side, each under the same seed']"


def keep(page, name: str) -> None:
    """Keep the what-if under a name."""
    tab(page, "Views", "tab", "saved")
    page.fill(f"{at('Side by side', 'name')} input", name)
    page.keyboard.press("Tab")
    press(page, "Side by side", "save")
    until_text(page, f"{KEPT} thead", name)


def moved(page):
    """Open the flagship and move the handle by one stage; return the page."""
    opened(page)
    with answered(page):
        key(page, HANDLE, "ArrowRight")
    return page


def kpis(file) -> dict[str, dict[str, str]]:
    """Return the rows of a table of KPIs."""
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["kpi"]: row for row in csv.DictReader(lines)}


# -------------------------------------------------------------------------------- side by side
def test_what_ifs_are_kept_and_stand_side_by_side(page, shot):
    opened(page)
    first = tiles(page)
    keep(page, "As it is")
    with answered(page):
        key(page, HANDLE, "ArrowRight")
    second = tiles(page)
    keep(page, "At assembly")
    whole(page, shot, "side-by-side")
    cells = page.locator(f"{KEPT} [data-row='0'] > *").all_inner_texts()
    assert cells == ["On time", first[0]["value"], second[0]["value"]]
    with answered(page):
        press(page, "Side by side", "open 0")
    assert stage(page) == "boards"
    assert tiles(page) == first


def test_a_fifth_what_if_takes_the_place_of_the_first(page):
    opened(page)
    for name in "abcde":
        keep(page, name)
    assert page.locator(f"{KEPT} thead th").all_inner_texts()[1:] == list("bcde")


# ------------------------------------------------------------------------------------ by link
def test_the_address_carries_the_what_if_to_another_user(page, app, new_page):
    moved(page)
    with answered(page):
        add(page, "Demand change")
    other = opened(new_page(base_url=app.url), page.url)
    assert stage(other) == "assembly"
    assert [(b["kind"], b["start"]) for b in bars(other)] == [
        (b["kind"], b["start"]) for b in bars(page)
    ]
    assert tiles(other) == tiles(page)
    assert query(other) == query(page)


def test_the_link_is_copied(app, new_page):
    page = new_page(base_url=app.url, permissions=["clipboard-read", "clipboard-write"])
    moved(page)
    press(page, "Page", "share")
    until_there(page, at("Link", "copy"))
    press(page, "Link", "copy")
    until(page, "() => navigator.clipboard.readText().then(text => text === location.href)")


def test_a_damaged_link_says_so_and_opens_the_flagship(page):
    opened(page, "/?scenario=electronics&changes=broken")
    until_text(page, "[data-message]", "The link could not be opened")
    assert stage(page) == "boards"
    assert tiles(page) == expected(load("electronics"))


# ------------------------------------------------------------------------------------ by file
def test_a_what_if_file_is_saved_and_opened_by_another_user(page, app, new_page, tmp_path):
    file = download(moved(page), "What-if (JSON)", tmp_path)
    other = opened(new_page(base_url=app.url))
    with answered(other):
        drop(other, file)
    assert stage(other) == "assembly"
    assert tiles(other) == tiles(page)
    assert query(other) == query(page)


def test_a_scenario_file_is_dropped_and_answered(page, shot, tmp_path):
    opened(page)
    scenario = apply(
        load("electronics"), {"name": "mine", "families.laptop.decoupling_point": "dc"}
    )
    (tmp_path / "mine.yaml").write_text(to_text(scenario), encoding="utf-8")
    with answered(page):
        drop(page, tmp_path / "mine.yaml")
    until_data(page, HANDLE, "data-main", "")
    assert tiles(page) == expected(scenario)
    assert query(page).startswith("?scenario=own-")
    shown = page.locator(f"{at('Page', 'scenario')} select option:checked").inner_text()
    assert shown == "mine"
    shot(page, "own-scenario")
    before = tiles(page)
    opened(page, page.url)
    assert tiles(page) == before, "loading the page again keeps it"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("broken.yaml", "name: [", "broken.yaml"),
        ("wrong.yaml", "name: x\nhorizon: -5\n", "-5"),
        ("picture.gif", "GIF89a", ".gif"),
    ],
)
def test_a_broken_file_says_what_is_wrong_and_nothing_is_lost(
    page, shot, tmp_path, name, text, told
):
    moved(page)
    before = query(page), tiles(page), stage(page)
    (tmp_path / name).write_text(text)
    drop(page, tmp_path / name)
    message = until_text(page, "[data-message]", told)
    assert str(tmp_path) not in message
    shot(page, f"broken-{name.split('.')[0]}")
    assert (query(page), tiles(page), stage(page)) == before
    press(page, "Message", "close")
    with answered(page):
        key(page, HANDLE, "ArrowRight")


def test_two_users_do_not_see_each_other(page, app, new_page):
    other = opened(new_page(base_url=app.url))
    first = tiles(other)
    moved(page)
    assert (stage(page), stage(other)) == ("assembly", "boards")
    assert tiles(other) == first != tiles(page)
    with answered(other):
        key(other, HANDLE, "ArrowLeft")
    assert (stage(page), stage(other)) == ("assembly", "components")
    settled(page)


# ------------------------------------------------------------------------------------- exports
def test_the_exported_scenario_is_the_what_if(page, tmp_path):
    scenario = exported(moved(page), tmp_path)
    changes = {f"families.{f}.decoupling_point": "assembly" for f in ("laptop", "printer")}
    assert scenario == apply(load("electronics"), changes)


def test_exported_kpis_are_those_of_the_tiles(page, tmp_path):
    rows = kpis(download(moved(page), "KPIs (CSV)", tmp_path))
    shown = {t["name"]: t for t in tiles(page)}
    assert (
        f"{100 * float(rows['on_time']['what_if']):.1f}\N{NO-BREAK SPACE}%"
        == shown["On time"]["value"]
    )
    assert rows["order_cycle_time"]["what_if"].startswith(shown["Order cycle time"]["value"][:3])
    assert rows["tts"]["baseline"] == ""


def test_exported_histories_hold_every_replication(page, tmp_path):
    file = download(moved(page), "Histories (Parquet)", tmp_path)
    with zipfile.ZipFile(file) as packed:
        names = packed.namelist()
        found = pd.read_parquet(io.BytesIO(packed.read("what_if/rows_on_hand.parquet")))
    assert "baseline/rows_on_hand.parquet" in names
    assert found["replication"].nunique() == 64
    assert (found.iloc[:, -1] >= 0).all()


def test_exported_pictures_and_report_open(page, tmp_path):
    moved(page)
    svg = download(page, "Picture (SVG)", tmp_path).read_text(encoding="utf-8")
    assert "<svg" in svg
    with Image.open(download(page, "Picture (PNG)", tmp_path)) as picture:
        assert min(picture.size) > 400
    report = download(page, "Report (HTML)", tmp_path).read_text(encoding="utf-8")
    for one in tiles(page):
        assert one["name"] in report
        assert one["value"] in report
    assert page.inner_text("[data-sentence]").split(". ")[0] in report
