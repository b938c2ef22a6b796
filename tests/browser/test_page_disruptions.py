"""Breaking things: every kind added, moved, undone; the wave; bars by mouse, keys and numbers."""

from __future__ import annotations

import pytest

from tests.browser.driving import (
    HANDLE,
    add,
    answered,
    at,
    bars,
    choose,
    drag,
    expected,
    exported,
    key,
    opened,
    press,
    query,
    select,
    settled,
    tiles,
    undo,
    until_count,
    until_data,
    until_text,
    whole,
)
from tests.browser.looking import until, until_there
from twin.disruptions import DISRUPTIONS
from viz.break_kinds import title

NEW = "[data-bar='1']"
"""The bar that is added on the flagship."""

OTHERS = "before => location.search !== before"


def test_every_kind_is_added_moved_by_an_arrow_key_and_undone(page):
    opened(page)
    empty = query(page)
    for kind in DISRUPTIONS:
        add(page, title(kind))
        until(page, OTHERS, empty)
        added, start = query(page), int(bars(page)[1]["start"])
        assert bars(page)[1]["kind"] == kind
        key(page, NEW, "ArrowRight")
        until(page, OTHERS, added)
        until_data(page, NEW, "data-start", start + 1)
        key(page, NEW, "Control+z")
        until(page, "before => location.search === before", added)
        until_data(page, NEW, "data-start", start)
        key(page, NEW, "Control+z")
        until_count(page, "[data-bar]", 1)
        until(page, "before => location.search === before", empty)


def test_all_kinds_together_give_the_numbers_of_the_engine(page, shot, tmp_path):
    opened(page)
    before = tiles(page)
    for kind in DISRUPTIONS:
        add(page, title(kind))
    settled(page)
    with answered(page):
        key(page, "[data-bar='12']", "ArrowRight")
    whole(page, shot, "every-disruption")
    scenario = exported(page, tmp_path)
    assert [d.kind for d in scenario.disruptions] == ["outage", *DISRUPTIONS]
    assert tiles(page) == expected(scenario) != before


def test_a_covid_wave_closes_stage_after_stage_and_is_undone_at_once(page, shot, tmp_path):
    opened(page)
    with answered(page):
        add(page, "COVID wave")
    shot(page, "covid-wave")
    events = exported(page, tmp_path).disruptions[1:]
    closures, rebound = events[:-1], events[-1]
    assert [e.where.stage for e in closures] == ["components", "boards", "assembly", "dc", "market"]
    assert [e.start for e in closures] == sorted({e.start for e in closures})
    assert rebound.kind == "demand_change"
    assert rebound.factor > 1
    undo(page)
    until_count(page, "[data-bar]", 1)


@pytest.mark.parametrize(
    ("kind", "why"),
    [("mix_shift", "no family has two items"), ("device_fault", "no device is in use")],
)
def test_a_kind_that_can_hit_nothing_says_why_and_changes_nothing(page, kind, why):
    opened(page, "/?scenario=beer-game")
    before = query(page), bars(page), tiles(page)
    choose(page, "What goes wrong", "add", title(kind))
    told = until_text(page, "[data-message]", f"'{title(kind)}' has nothing to hit in 'beer-game'")
    assert why in told
    assert (query(page), bars(page), tiles(page)) == before
    press(page, "Message", "close")
    until_count(page, "[data-message]", 0)


def test_a_bar_is_dragged_and_resized_by_the_mouse(page, tmp_path):
    opened(page)
    was = bars(page)[0]
    with answered(page):
        drag(page, "[data-bar='0']", 60)
    moved = bars(page)[0]
    assert int(moved["start"]) > int(was["start"])
    assert moved["duration"] == was["duration"]
    page.hover("[data-bar='0']")
    with answered(page):
        drag(page, "[data-bar='0'] [data-grip=end]", 30)
    longer = bars(page)[0]
    assert longer["start"] == moved["start"]
    assert int(longer["duration"]) > int(moved["duration"])
    outage = exported(page, tmp_path).disruptions[0]
    assert [str(outage.start), str(outage.duration)] == [longer["start"], longer["duration"]]


def test_a_bar_gets_longer_and_recovers_slower_by_keys(page):
    opened(page)
    with answered(page):
        key(page, "[data-bar='0']", "+", "+", "]", "Shift+ArrowLeft")
    bar = bars(page)[0]
    assert (bar["start"], bar["duration"], bar["ramp"]) == ("143", "47", "1")


def test_enter_opens_the_editor_where_every_number_can_be_typed(page, tmp_path):
    opened(page)
    key(page, "[data-bar='0']", "Enter")
    until_there(page, at("Disruption", "duration"))
    for field, value in {"duration": "20", "severity": "0.5"}.items():
        with answered(page):
            page.fill(f"{at('Disruption', field)} input[type=number]", value)
            page.keyboard.press("Enter")
    outage = exported(page, tmp_path).disruptions[0]
    assert (outage.duration, outage.severity) == (20, 0.5)
    assert bars(page)[0]["duration"] == "20"


def test_a_number_beyond_what_the_schema_allows_changes_nothing(page):
    opened(page)
    key(page, "[data-bar='0']", "Enter")
    until_there(page, at("Disruption", "severity"))
    before = query(page)
    field = f"{at('Disruption', 'severity')} input[type=number]"
    page.fill(field, "7")
    page.keyboard.press("Tab")
    assert page.eval_on_selector(field, "n => n.validationMessage") != ""
    assert query(page) == before


def test_an_outage_is_aimed_at_another_site_in_its_editor(page, tmp_path):
    opened(page)
    key(page, "[data-bar='0']", "Enter")
    until_there(page, at("Disruption", "target"))
    with answered(page):
        choose(page, "Disruption", "target", "plant west")
    assert exported(page, tmp_path).disruptions[0].where.site == "plant_west"
    until_there(page, "[data-node='plant_west'][data-disrupted]")
    assert page.locator("[data-node='chip_foundry'][data-disrupted]").count() == 0


def test_delete_removes_a_bar_and_ctrl_z_brings_it_back(page):
    opened(page)
    first = tiles(page)
    with answered(page):
        key(page, "[data-bar='0']", "Delete")
    until_count(page, "[data-bar]", 0)
    assert tiles(page) != first
    undo(page)
    until_there(page, "[data-bar='0']")
    settled(page)
    assert tiles(page) == first


def test_clear_removes_all_disruptions_and_can_be_undone(page):
    opened(page)
    add(page, "Demand change")
    press(page, "What goes wrong", "clear")
    until_count(page, "[data-bar]", 0)
    undo(page)
    until_count(page, "[data-bar]", 2)


def test_the_menu_of_a_site_breaks_it(page):
    opened(page)
    page.focus("[data-node='board_fab']")
    page.keyboard.press("Shift+F10")
    page.click("[data-action='break']")
    until_there(page, NEW)
    assert bars(page)[1]["kind"] == "outage"
    until_there(page, "[data-node='board_fab'][data-disrupted]")


def test_adding_opens_the_editor_and_selecting_a_site_closes_it(page):
    opened(page)
    add(page, "Stock destruction")
    until_there(page, "[data-form='Disruption']")
    select(page, "board_fab")
    until_count(page, "[data-form='Disruption']", 0)
    assert page.get_attribute(HANDLE, "data-stage") == "boards"
