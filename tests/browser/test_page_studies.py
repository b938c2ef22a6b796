"""The tab of studies as a planner uses it: start, watch, cancel, read, go back into a what-if."""

from __future__ import annotations

import io
import zipfile

import pandas as pd
import pytest

import twin
from tests.browser.driving import (
    HANDLE,
    answered,
    at,
    bars,
    key,
    opened,
    press,
    stage,
    tab,
    undo,
    until_count,
    until_text,
    whole,
)
from tests.browser.looking import no_serious_violations, until, until_there
from tests.browser.serving import serving
from twin.study.findings import Chart, Findings, Sheet
from viz.study_options import FIRST

ENTRY = "[data-table^='Studies: many runs'] [data-row='{}'] button"
LONG = "decoupling under outage"
WIDE = """() => {
    const width = at => document.querySelector(at).getBoundingClientRect().width;
    return width('.twin-page') <= innerWidth && width('[data-found]') <= width('[data-studies]');
}"""
CUTS = pd.DataFrame({
    "decoupling point": ["boards", "assembly", "dc"], "cost": [900.0, 1100.0, 1500.0], "on_time": [0.84, 0.9, 0.97],
    "low": [0.83, 0.89, 0.96], "high": [0.85, 0.91, 0.98], "family": ["laptop"] * 3,
})  # fmt: skip
PLACES = pd.DataFrame({
    "place": ["board_fab", "chip_foundry"], "kind": ["site", "site"], "out": [30, 20],
    "lost": [5.0, 2.0], "low": [4.0, 1.0], "high": [6.0, 3.0],
})  # fmt: skip
FOUND = Findings(
    "sample", "A sample study", "Where to wait?", ("At dc most is on time.", "Board fab hurts most."),
    (Sheet("cuts", "Positions", CUTS, {"cost": "USD/day", "on_time": "share"}),
     Sheet("places", "Places", PLACES, {"lost": "units"})),
    (Chart("points", "frontier", "Cost against service", "cuts", "cost", "on_time", "low", "high",
           label="decoupling point"),
     Chart("bars", "ranking", "Places", "places", "place", "lost", "low", "high", caption="Worst first."),
     Chart("lines", "over", "Over cost", "cuts", "cost", "on_time", "low", "high")),
    ("It is made up.",), ("Seed 1.",),
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Return the app with a folder in which a finished study lies, and a damaged one."""
    folder = tmp_path_factory.mktemp("studies")
    FOUND.save(folder / "sample")
    damaged = folder / f"sensitivity-{twin.load('electronics').hash()}"
    damaged.mkdir()
    (damaged / "asked.json").write_text("{")
    with serving("electronics", "--studies", str(folder)) as found:
        yield found


@pytest.fixture
def studies(server, new_page):
    """Return the page with the tab of studies open."""
    return shown(new_page(base_url=server.url))


def shown(page):
    opened(page)
    tab(page, "Views", "tab", "studies")
    until_there(page, ENTRY.format(0))
    return page


def read(page):
    """Open the study that lies in the folder."""
    page.locator("[data-table^='Finished studies'] [data-row]", has_text="A sample study").locator(
        "button"
    ).click()
    until_there(page, "[data-found=sample] [data-marks=ranking]")
    return page


def row_of(page, name: str) -> int:
    rows = page.locator("[data-table^='Studies: many runs'] [data-row]").all_inner_texts()
    return next(i for i, text in enumerate(rows) if text.startswith(name))


def test_a_finished_study_is_read_and_its_files_are_downloaded(studies, shot, tmp_path):
    read(studies)
    for text in ("At dc most is on time.", "It is made up.", "Seed 1.", "Where to wait?"):
        until_text(studies, "[data-found]", text)
    until_there(studies, "[data-figure=over] img[alt^='Over cost.']")
    whole(studies, shot, "studies-found")
    with studies.expect_download(timeout=60_000) as given:
        studies.click("[data-files] >> text=Tables (CSV)")
    with zipfile.ZipFile(given.value.path()) as packed:
        places = pd.read_csv(io.BytesIO(packed.read("places.csv")))
    assert places["lost"].tolist() == [5.0, 2.0]
    with studies.expect_download(timeout=60_000) as given:
        studies.click("[data-files] >> text=Report (HTML)")
    assert "Board fab hurts most." in given.value.path().read_text(encoding="utf-8")


def test_a_bar_becomes_an_outage_and_undo_takes_it_back(studies):
    read(studies)
    before = bars(studies)
    studies.click("[data-marks=ranking] [data-mark='0']")
    until_count(studies, "[data-bar][data-duration='30']", 1)
    (new,) = bars(studies)  # alone, as in the study
    assert new["kind"] == "outage"
    undo(studies)
    until_count(studies, "[data-bar][data-duration='30']", 0)
    assert len(bars(studies)) == len(before)


def test_a_point_moves_the_decoupling_point_by_the_keyboard(studies):
    read(studies)
    key(studies, "[data-marks=frontier] [data-mark='2']", "Enter")
    until_text(studies, "[data-form='What changed']", "dc")
    undo(studies)
    until(studies, "() => !document.querySelector(\"[data-form='What changed'] [data-field]\")")
    assert stage(studies) == "boards"


def test_a_study_runs_and_the_page_answers_meanwhile_and_it_is_cancelled(studies, shot):
    studies.click(ENTRY.format(row_of(studies, LONG)))
    until_there(studies, "[data-job=running]")
    with answered(studies):
        key(studies, HANDLE, "ArrowRight")
    assert stage(studies) == "assembly"
    assert studies.locator("[data-job=running]").count(), "it goes on"
    whole(studies, shot, "studies-running")
    press(studies, "Study 1", "cancel")
    until_there(studies, "[data-job=cancelled]")
    until_text(studies, "[data-job]", "cancelled.")


def test_a_damaged_kept_study_fails_in_words_and_does_not_hang(studies, shot):
    studies.click(ENTRY.format(row_of(studies, "sensitivity")))
    until_there(studies, "[data-job=failed] [role=alert]")
    until_text(studies, "[data-job=failed]", "asked.json: is damaged")
    told = until_text(studies, "[data-job=failed]", "Begin anew replaces what lies there")
    assert "--force" not in told
    whole(studies, shot, "studies-damaged")
    press(studies, "Study 1", "anew")
    until_there(studies, "[data-job=running]")
    press(studies, "Study 1", "cancel")
    until_there(studies, "[data-job=cancelled]")


def options_of(page, name: str, study: str) -> str:
    """Open the options of a study; return the name of its form."""
    page.click(f"{ENTRY.format(row_of(page, name))}:text-is('Options')")
    until_there(page, f"[data-options={study}]")
    return f"Options of {name.capitalize()}"


def test_a_study_is_asked_with_options_and_what_is_wrong_is_said(studies, shot):
    form = options_of(studies, "stress test", "stress-test")
    until_count(studies, f"[data-form='{form}'] [data-field]", FIRST)
    studies.fill(f"{at(form, 'duration')} input", "0")
    press(studies, "Start Stress test", "start")
    until_text(studies, "[data-options] [role=alert]", "duration = 0 periods; must be from 1")
    press(studies, "Start Stress test", "more")
    until_there(studies, at(form, "seed"))
    no_serious_violations(studies, "[data-options]")
    whole(studies, shot, "studies-options")
    studies.fill(f"{at(form, 'duration')} input", "45")
    press(studies, "Start Stress test", "start")
    until_text(studies, "[data-job]", "duration 45")
    until_count(studies, "[data-options]", 0)
    press(studies, "Study 1", "cancel")
    until_there(studies, "[data-job=cancelled]")


def test_an_optimisation_is_watched_and_a_finalist_is_taken_over(studies, shot):
    form = options_of(studies, "optimise", "optimise")
    studies.fill(f"{at(form, 'require')} input", "on time >= 5 %")  # which many keep
    studies.fill(f"{at(form, 'budget')} input", "4")
    studies.uncheck(f"{at(form, 'levers')} input[data-tab=backup]")
    press(studies, "Start Optimise", "start")
    until_there(studies, "[data-job=running]")
    until_there(studies, "[data-found=optimise]", seconds=180)
    until_text(studies, "[data-found]", "The budget was enough for 4 of")
    whole(studies, shot, "studies-optimised")
    rows = studies.locator("[data-found] [data-table] tbody tr")
    moved = next(i for i, t in enumerate(rows.all_inner_texts()) if "printer: boards" not in t)
    rows.nth(moved).locator("button:text-is('Take over')").click()
    until_text(studies, "[data-form='What changed']", "Decoupling point, printer")
    undo(studies)
    until(studies, "() => !document.querySelector(\"[data-form='What changed'] [data-field]\")")


def test_a_study_that_is_done_is_shown_and_kept(studies, shot):
    studies.click(ENTRY.format(row_of(studies, "levers of a shop")))
    until_there(studies, "[data-job=done]", seconds=180)
    until_there(studies, "[data-found=levers-of-a-shop] [data-figure]")
    until_text(studies, "[data-table^='Finished studies']", "Which lever of the shop")
    whole(studies, shot, "studies-levers")
    assert studies.is_enabled(f"{at('Study 1', 'open')} button")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_the_tab_is_readable_at_any_width_by_anybody(server, new_page, shot, width, scheme):
    page = new_page(
        base_url=server.url, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    read(shown(page))
    assert page.evaluate(WIDE), "nothing may stick out sideways"
    no_serious_violations(page, "[data-studies]")
    whole(page, shot, f"studies-{width}-{scheme}")
