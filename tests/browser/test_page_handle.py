"""The decoupling handle: by mouse, by keys, per family; the tiles say what the engine says."""

from __future__ import annotations

from tests.browser.driving import (
    HANDLE,
    add,
    answered,
    at,
    changed,
    choose,
    column,
    drag,
    expected,
    exported,
    key,
    opened,
    query,
    settled,
    stage,
    tile,
    tiles,
    undo,
    until_data,
)
from tests.browser.looking import until


def test_the_mouse_drags_the_handle_to_the_next_stage(page, shot, tmp_path):
    opened(page)
    before = tile(page, "On time")
    with answered(page):
        drag(page, HANDLE + " .tn-pill", column(page))
    assert stage(page) == "assembly"
    assert tile(page, "On time") != before
    shot(page, "handle-at-assembly")
    families = exported(page, tmp_path).families
    assert {f.decoupling_point for f in families} == {"assembly"}


def test_arrow_keys_home_and_end_move_the_handle(page):
    opened(page)
    for name, place in {
        "ArrowRight": "assembly", "End": "market", "ArrowLeft": "dc", "Home": "components",
    }.items():  # fmt: skip
        key(page, HANDLE, name)
        until_data(page, HANDLE, "data-stage", place)
    settled(page)
    until(page, "() => location.search.includes('changes=')")


def test_escape_takes_a_drag_back(page):
    opened(page)
    step, asked = column(page), query(page)
    box = page.locator(HANDLE + " .tn-pill").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + step, box["y"] + 5, steps=5)
    assert page.locator(HANDLE + "[data-dragging]").count() == 1
    page.keyboard.press("Escape")
    page.mouse.up()
    assert page.locator(HANDLE + "[data-dragging]").count() == 0
    assert (stage(page), query(page)) == ("boards", asked)


def test_moving_the_handle_and_breaking_something_gives_the_numbers_of_the_engine(page, tmp_path):
    opened(page)
    first = tiles(page)
    with answered(page):
        key(page, HANDLE, "ArrowRight")
    with answered(page):
        add(page, "Demand change")
    shown = tiles(page)
    scenario = exported(page, tmp_path)
    assert [d.kind for d in scenario.disruptions] == ["outage", "demand_change"]
    assert {f.decoupling_point for f in scenario.families} == {"assembly"}
    assert shown != first
    assert shown == expected(scenario)


def test_of_many_quick_moves_the_last_one_is_answered(page, tmp_path):
    opened(page)
    with answered(page):
        key(page, HANDLE, "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft")
    until_data(page, HANDLE, "data-stage", "dc")
    scenario = exported(page, tmp_path)  # made after all moves have arrived
    settled(page)
    assert {f.decoupling_point for f in scenario.families} == {"dc"}
    assert tiles(page) == expected(scenario)


def test_a_family_has_a_handle_of_its_own(page, shot, tmp_path):
    opened(page)
    choose(page, "Play", "family", "laptop")
    until_data(page, HANDLE, "data-handle", "laptop")
    with answered(page):
        key(page, HANDLE, "ArrowRight")
    assert page.locator("[data-handle='printer']").count() == 1
    shot(page, "handle-per-family")
    families = exported(page, tmp_path).families
    assert {f.name: f.decoupling_point for f in families} == {
        "laptop": "assembly", "printer": "boards"
    }  # fmt: skip


def test_undo_and_redo_move_the_handle_back_and_forth(page):
    opened(page)
    first = tiles(page)
    with answered(page):
        key(page, HANDLE, "ArrowRight")
    moved = tiles(page)
    undo(page)
    until(page, "() => !location.search.includes('changes=')")
    until_data(page, HANDLE, "data-stage", "boards")
    settled(page)
    assert tiles(page) == first
    with answered(page):
        key(page, HANDLE, "Control+Shift+z")
    assert tiles(page) == moved
    assert page.is_disabled(at("Page", "redo") + " button")


def test_what_changed_lists_the_move_and_takes_it_back(page):
    opened(page)
    with answered(page):
        key(page, HANDLE, "ArrowRight")
    lines = changed(page)
    assert len(lines) == 2
    assert all("boards → assembly" in line for line in lines)
    page.click("[data-form='What changed'] button[aria-label*=laptop]")
    until(
        page,
        "() => document.querySelectorAll(\"[data-form='What changed'] [data-field]\").length === 1",
    )
    assert "printer" in changed(page)[0].lower()


def test_stale_numbers_dim_and_say_how_many_runs_are_in(page):
    opened(page)
    page.evaluate(
        """() => {
            const root = document.querySelector('[data-tiles]'); window.seen = [];
            new MutationObserver(() => window.seen.push([root.dataset.stale, root.dataset.runs,
                getComputedStyle(root.querySelector('[data-value]')).opacity,
                getComputedStyle(root).opacity])).observe(root, {attributes: true});
        }"""
    )
    with answered(page):
        key(page, "[data-bar]", *["ArrowRight"] * 9)  # no other test asks for this one
    seen = page.evaluate("() => window.seen")
    assert any(runs == "0 of 64 runs" for stale, runs, *_ in seen if stale == "true")
    assert any(runs == "16 of 64 runs" for stale, runs, *_ in seen if stale == "false")


def test_no_key_is_lost_however_fast_they_come(page):
    opened(page)
    stages = ["ArrowRight", "ArrowRight", "ArrowLeft"]
    for one in stages:
        with answered(page):
            key(page, HANDLE, one)
    with answered(page):
        key(page, HANDLE, *["Control+z"] * len(stages))
        until_data(page, HANDLE, "data-stage", "boards")
    assert query(page) == "?scenario=electronics", "all are taken back"
