"""Fixing things: a backup supplier, a lane, a buffer, a policy; and controls from the schema."""

from __future__ import annotations

from tests.browser.driving import (
    answered,
    at,
    changed,
    choose,
    expected,
    exported,
    key,
    opened,
    press,
    query,
    select,
    settled,
    tab,
    tile,
    tiles,
    undo,
    until_count,
)
from tests.browser.looking import until, until_there
from twin.load import load
from twin.topology import build
from viz.controls import controls, policy_choices, things_at
from viz.page import panel

BOARD = "stock:board_fab/board_performance"
"""What the controls of the board fab open with."""


def part(page, site: str, name: str) -> None:
    """Open a part of a site's panel."""
    select(page, site)
    tab(page, "Site", "part", name)


def policy(scenario, site: str, item: str):
    """Return the policy of a stock point."""
    top = build(scenario)
    return top.points[top.row(site, item)].settings.policy


def test_a_backup_supplier_helps_and_is_undone(page, shot, tmp_path):
    opened(page)
    before = tiles(page)
    part(page, "chip_foundry", "fixes")
    with answered(page):
        press(page, "Fixes", "backup_supplier")
    shot(page, "backup-supplier")
    scenario = exported(page, tmp_path)
    assert len(scenario.sites) == 18
    assert page.locator("[data-node]").count() == 18
    assert float(tile(page, "On time").rstrip(" %")) > float(before[0]["value"].rstrip(" %"))
    assert tiles(page) == expected(scenario)
    undo(page)
    until_count(page, "[data-node]", 17)
    settled(page)
    assert tiles(page) == before


def test_a_lane_is_added_from_a_site_that_has_the_goods(page, tmp_path):
    opened(page)
    part(page, "dc_americas", "fixes")
    with answered(page):
        choose(page, "Fixes", "add_lane", "dc europe")
    until_there(page, "[data-edge='dc_europe→dc_americas']")
    scenario = exported(page, tmp_path)
    assert ("dc_europe", "dc_americas") in {(e.source, e.to) for e in scenario.lanes}
    assert tiles(page) == expected(scenario)


def test_a_buffer_is_raised(page, tmp_path):
    opened(page)
    before = policy(load("electronics"), "board_fab", "board_printer").safety_factor
    part(page, "board_fab", "fixes")
    with answered(page):
        press(page, "Fixes", "raise_buffer")
    scenario = exported(page, tmp_path)
    assert policy(scenario, "board_fab", "board_printer").safety_factor > before
    assert tiles(page) == expected(scenario)


def test_a_policy_is_changed(page, tmp_path):
    opened(page)
    part(page, "chip_foundry", "fixes")
    with answered(page):
        choose(page, "Fixes", "change_policy", policy_choices()["r_Q"][0])
    assert policy(exported(page, tmp_path), "chip_foundry", "chip_standard").kind == "r_Q"


def test_a_fix_that_cannot_help_is_off_and_says_why(page):
    opened(page)
    part(page, "plant_west", "fixes")
    until_there(page, at("Fixes", "raise_buffer"))
    assert page.is_disabled(f"{at('Fixes', 'raise_buffer')} button")
    assert "everything is made to order" in page.inner_text(at("Fixes", "about raise_buffer"))


def test_the_menu_of_a_site_adds_a_backup(page, allowed):
    opened(page)
    page.focus("[data-node='chip_foundry']")
    page.keyboard.press("Shift+F10")
    page.click("[data-action='backup']")
    until_count(page, "[data-node]", 18)


def test_controls_show_what_the_schema_says(page, shot):
    opened(page)
    part(page, "board_fab", "controls")
    network = build(load("electronics"))
    assert BOARD in things_at(network, "board_fab")
    for i, control in enumerate(controls(network, BOARD)):
        field = page.locator(at("Controls", str(i)))
        assert field.get_attribute("title") == control.hint
        assert control.unit in field.inner_text()
        assert control.label in field.inner_text()
        if control.kind == "slider" and control.slider:
            bounds = field.locator("input[type=range]")
            found = [float(bounds.get_attribute(x)) for x in ("min", "max")]
            assert found == list(control.slider)
    shot(page, "controls")


def test_every_slider_of_a_stock_point_moves_by_a_key(page):
    opened(page)
    part(page, "board_fab", "controls")
    wanted = controls(build(load("electronics")), BOARD)
    for i, control in enumerate(wanted):
        if control.kind != "slider" or not control.slider or control.label == "Level":
            continue  # a level of one's own ends the safety factor: told in its own test
        before = query(page)
        key(page, f"{at('Controls', str(i))} input[type=range]", "ArrowRight")
        until(page, "before => location.search !== before", before)
    assert page.locator("[data-message]").count() == 0


def test_a_slider_changes_the_scenario_and_the_tiles(page, tmp_path):
    opened(page)
    part(page, "board_fab", "controls")
    labels = [c.label for c in controls(build(load("electronics")), BOARD)]
    field = at("Controls", str(labels.index("Safety factor")))
    with answered(page):
        key(page, f"{field} input[type=range]", "End")
    scenario = exported(page, tmp_path)
    assert policy(scenario, "board_fab", "board_performance").safety_factor == 4
    assert tiles(page) == expected(scenario)
    press(page, "Site", "close")
    assert "2.05 → 4" in changed(page)[0].replace("2.054", "2.05")


def test_a_lane_is_chosen_and_its_lead_time_typed(page, tmp_path):
    opened(page)
    part(page, "dc_asia", "controls")
    lane = "lane:plant_east->dc_asia"
    choose(page, "Controls", "thing", lane.replace(":", ": ").replace("_", " "))
    labels = [c.label for c in controls(build(load("electronics")), lane)]
    field = at("Controls", str(labels.index("Lead time")))
    until(page, "at => document.querySelector(at)?.textContent.includes('Lead time')", field)
    with answered(page):
        page.fill(f"{field} input[type=number]", "12")
        page.keyboard.press("Enter")
    lanes = {(e.source, e.to): e.lead_time.value for e in exported(page, tmp_path).lanes}
    assert lanes["plant_east", "dc_asia"] == 12
    assert lanes["plant_west", "dc_asia"] == 5


def test_the_policies_of_the_app_are_those_of_the_registry(page):
    opened(page)
    part(page, "chip_foundry", "fixes")
    until_there(page, at("Fixes", "change_policy"))
    options = page.locator(f"{at('Fixes', 'change_policy')} option").all_inner_texts()
    assert options == [words for words, _ in policy_choices().values()]
    assert panel.fixes.POLICIES.keys() == policy_choices().keys()
