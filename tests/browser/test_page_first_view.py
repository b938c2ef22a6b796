"""The page as it opens: finished, with a sentence, the network as its hero, and time that runs."""

from __future__ import annotations

from tests.browser.driving import (
    HANDLE,
    answered,
    bars,
    choose,
    column,
    expected,
    opened,
    press,
    query,
    select,
    stage,
    tiles,
    until_count,
)
from tests.browser.looking import until, until_there
from twin.load import load
from twin.topology import build
from viz.answer import full


def test_the_page_opens_with_the_numbers_of_the_engine(page):
    opened(page)
    assert tiles(page) == expected(load("electronics"))


def test_the_page_opens_with_an_outage_on_and_the_handle_in_the_middle(page, shot):
    opened(page)
    assert [b["kind"] for b in bars(page)] == ["outage"]
    assert stage(page) == "boards"
    low, now, high = (
        int(page.get_attribute(HANDLE, f"aria-value{x}")) for x in ("min", "now", "max")
    )
    assert low < now < high
    assert query(page) == "?scenario=electronics"
    shot(page, "first-view")


def test_the_sentence_says_what_the_outage_costs_and_which_move_to_try(page):
    opened(page)
    until(page, "() => !document.querySelector('[data-sentence]').textContent.includes('Trying')")
    told = page.inner_text("[data-sentence]")
    headline = tiles(page)[0]["change"]
    lost = headline.split(" points")[0].lstrip("-")
    assert told.startswith(
        f"A 45-day outage of chip foundry costs {lost} points of on-time service"
    )
    assert "with the decoupling point at boards." in told
    assert "Drag it there" in told


def test_the_on_time_share_is_the_headline(page):
    opened(page)
    sizes = page.eval_on_selector_all(
        "[data-tile] [data-value]", "all => all.map(n => parseFloat(getComputedStyle(n).fontSize))"
    )
    assert tiles(page)[0]["name"] == "On time"
    assert sizes[0] > max(sizes[1:])


def test_stages_stand_from_left_to_right_an_equal_step_apart(page):
    opened(page)
    assert column(page) > 100
    x = [
        page.locator(f"[data-node='{site}']").bounding_box()["x"]
        for site in ("chip_foundry", "board_fab", "plant_west", "dc_asia", "asia")
    ]
    assert x == sorted(x)


def test_rims_tell_push_from_pull_at_the_handle(page):
    opened(page)
    modes = {
        site: page.get_attribute(f"[data-node='{site}']", "data-mode")
        for site in ("chip_foundry", "board_fab", "plant_west", "asia")
    }
    assert modes == {
        "chip_foundry": "push", "board_fab": "push", "plant_west": "pull", "asia": "pull"
    }  # fmt: skip


def test_a_click_and_enter_and_a_search_select_a_site(page):
    opened(page)
    select(page, "board_fab")
    page.focus("[data-node='plant_west']")
    page.keyboard.press("Enter")
    until_there(page, "[data-panel='plant_west']")
    page.keyboard.press("/")
    page.keyboard.type("dc_asia")
    until_there(page, "[data-panel='dc_asia']")
    assert page.locator("[data-node][data-match]").count() == 1


def test_the_panel_tells_the_story_of_a_site(page, shot):
    opened(page)
    select(page, "board_fab")
    until(page, "() => document.querySelectorAll('.twin-panel [data-ready]').length > 0")
    assert page.locator(".twin-panel [data-table^='Stock points']").count() == 1
    assert page.locator(".twin-panel [data-table='Devices'] [data-row]").count() > 0
    shot(page, "site-story")


def test_step_play_and_reset_move_through_time(page):
    opened(page)
    shown = "n => Number(document.querySelector('[data-network]').dataset.cursor) === n"
    press(page, "Play", "step")
    until(page, shown, 0)
    press(page, "Play", "step")
    until(page, shown, 1)
    press(page, "Play", "play")
    until(page, "() => Number(document.querySelector('[data-network]').dataset.cursor) > 5")
    press(page, "Play", "play")
    press(page, "Play", "reset")
    until(page, shown, -1)


def test_another_shipped_scenario_is_opened_by_its_title(page, shot):
    name = "health-commodities"
    other = load(name)
    opened(page)
    page.evaluate("() => { window.kept = true; }")
    with answered(page, full(other, len(build(other).points))):
        choose(page, "Page", "scenario", other.title or name)
    assert query(page) == f"?scenario={name}"
    assert page.evaluate("() => window.kept"), "the page must not load anew"
    assert len(tiles(page)) > 4
    until_count(page, "[data-node]", len(other.sites))
    shot(page, f"opened-{name}")


def test_no_letter_is_lost_while_the_page_answers_the_first_ones(page):
    opened(page)
    box = "[data-form='Play'] [data-field=search] input"
    for delay in (3, 6, 9, 12, 15, 20):  # some letters fall between question and answer
        page.fill(box, "")
        page.focus(box)
        page.keyboard.type("dc_asia", delay=delay)
        page.wait_for_timeout(400)
        assert page.input_value(box) == "dc_asia"
    until_there(page, "[data-panel='dc_asia']")
