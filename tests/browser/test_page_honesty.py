"""Nothing that is shown belongs to another what-if than it seems."""

from __future__ import annotations

import twin
from tests.browser.driving import (
    FULL,
    HANDLE,
    answered,
    at,
    choose,
    exported,
    key,
    opened,
    press,
    tab,
    tiles,
    until_count,
    until_text,
)
from twin.load import load
from viz import report_what_if
from viz.share import link

WORTH = "[data-table^='Who pays and who gains']"


def test_the_worth_of_information_is_taken_away_when_the_what_if_changes(page):
    opened(page)
    tab(page, "Views", "tab", "devices")
    press(page, "Devices", "worth")
    until_count(page, WORTH, 1, seconds=120)
    with answered(page):
        key(page, HANDLE, "ArrowRight")
    until_count(page, WORTH, 0)
    until_text(page, ".twin-page", "ask again")


def test_the_tiles_against_the_scenario_as_opened_are_those_of_the_engine(page, tmp_path):
    opened(page)
    with answered(page):
        key(page, HANDLE, "Home")
    with answered(page):
        choose(page, "Page", "baseline", "against it as opened")
    found = twin.compare(load("electronics"), exported(page, tmp_path), replications=FULL)
    wanted = [(t.name, t.value, t.change) for t in report_what_if.tiles(found)]
    assert [(t["name"], t["value"], t["change"]) for t in tiles(page)] == wanted


def test_links_with_the_same_changes_in_another_order_are_told_apart(page, new_page, app):
    first = {"disruptions": [{"kind": "outage", "where": {"site": "chip_foundry"}, "start": 150,
                              "duration": 20}], "disruptions[0].duration": 90}  # fmt: skip
    second = dict(reversed(first.items()))
    shown = []
    for changes in (first, second):
        other = opened(new_page(base_url=app.url), f"/?{link('electronics', changes)}")
        shown.append(other.inner_text("[data-sentence]"))
    assert "90-day" in shown[0]
    assert "20-day" in shown[1]


def test_a_what_if_can_be_kept_only_when_all_its_runs_are_in(page):
    opened(page)
    tab(page, "Views", "tab", "saved")
    page.evaluate(
        """at => { window.kept = []; new MutationObserver(() => window.kept.push([
            document.querySelector('[data-tiles]').dataset.runs,
            document.querySelector(at)?.disabled])).observe(document.body,
            {subtree: true, childList: true, attributes: true}); }""",
        f"{at('Side by side', 'save')} button",
    )
    with answered(page):
        key(page, "[data-bar]", *["ArrowRight"] * 11)
    seen = page.evaluate("() => window.kept")
    assert any(runs == "16 of 64 runs" and disabled for runs, disabled in seen)
