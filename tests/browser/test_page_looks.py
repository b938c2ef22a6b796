"""How the page looks: light, dark, on a tablet, still; and axe-core finds nothing serious."""

from __future__ import annotations

import pytest

from tests.browser.driving import (
    HANDLE,
    add,
    answered,
    key,
    opened,
    press,
    select,
    tab,
    whole,
)
from tests.browser.looking import no_serious_violations, until, until_there

GROUND = "() => getComputedStyle(document.body).backgroundColor"
WIDE = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
DARK = "dark => document.documentElement.dataset.theme === (dark ? 'dark' : 'light')"
CHARTS = "() => document.querySelectorAll('[data-chart][data-ready]').length"


PLACES = """() => {
    window.places = new Set();
    const parts = ['[data-tiles]', '[data-network]', '[data-timeline]', '[data-charts]'];
    const see = () => {
        const tops = parts.map(at => document.querySelector(at).getBoundingClientRect().y);
        window.places.add(tops.join());
        requestAnimationFrame(see);
    };
    see();
}"""
"""Notes in every frame where the parts of the page stand."""


def drawn(page, least: int = 1) -> None:
    """Wait for charts."""
    until(page, f"least => ({CHARTS})() >= least", least)


def test_the_page_is_dark_for_whom_the_browser_says_so(app, new_page, shot):
    page = opened(new_page(base_url=app.url, color_scheme="dark"))
    until(page, DARK, True)
    drawn(page, 3)
    level = sum(map(int, page.evaluate(GROUND).strip("rgba()").split(",")[:3]))
    assert level < 3 * 64
    shot(page, "dark")
    whole(page, shot, "dark-whole")


def test_the_page_follows_a_later_switch_of_the_systems_look(app, new_page):
    page = opened(new_page(base_url=app.url, color_scheme="light"))
    until(page, DARK, False)
    page.emulate_media(color_scheme="dark")
    until(page, DARK, True)
    page.emulate_media(color_scheme="light")
    until(page, DARK, False)


def test_a_button_turns_dark_into_light_and_back(page):
    opened(page)
    light = page.evaluate(GROUND)
    press(page, "Page", "dark")
    until(page, DARK, True)
    assert page.evaluate(GROUND) != light
    press(page, "Page", "dark")
    until(page, DARK, False)
    assert page.evaluate(GROUND) == light


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_on_the_first_view(app, new_page, scheme):
    page = opened(new_page(base_url=app.url, color_scheme=scheme))
    until(page, DARK, scheme == "dark")
    drawn(page, 3)
    no_serious_violations(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_in_the_panel_of_a_site(app, new_page, scheme):
    page = opened(new_page(base_url=app.url, color_scheme=scheme))
    select(page, "board_fab")
    for part, there in {
        "story": "[data-chart][data-ready]",
        "controls": "[data-form=Controls]",
        "fixes": "[data-form=Fixes]",
    }.items():
        tab(page, "Site", "part", part)
        until_there(page, f".twin-panel {there}")
        no_serious_violations(page, ".twin-panel")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_in_what_opens_on_the_page(app, new_page, scheme, shot):
    page = opened(new_page(base_url=app.url, color_scheme=scheme))
    press(page, "Page", "help")
    until_there(page, "[data-help]")
    press(page, "Page", "share")
    until_there(page, "[data-share]")
    with answered(page):
        add(page, "COVID wave")
    key(page, "[data-bar='1']", "Enter")
    until_there(page, "[data-form=Disruption]")
    no_serious_violations(page)
    whole(page, shot, f"everything-open-{scheme}")
    press(page, "Page", "open")
    until_there(page, "[data-upload]")
    no_serious_violations(page, "[data-upload]")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_in_the_views_below(app, new_page, scheme, shot):
    page = opened(new_page(base_url=app.url, color_scheme=scheme))
    for view in ("cost", "positions", "devices", "saved"):
        tab(page, "Views", "tab", view)
        if view == "saved":
            press(page, "Side by side", "save")
        until_there(page, "[data-chart=cost][data-ready]" if view == "cost" else "[data-table]")
        no_serious_violations(page, ".twin-page > :last-child")
        whole(page, shot, f"{view}-{scheme}")


def test_a_tablet_shows_all_in_one_column(app, new_page, shot):
    page = opened(new_page(base_url=app.url, viewport={"width": 768, "height": 1024}))
    drawn(page, 1)
    assert page.evaluate(WIDE), "nothing may stick out sideways"
    network = page.locator("[data-network]").bounding_box()
    panel = page.locator(".twin-panel").bounding_box()
    assert panel["y"] > network["y"] + network["height"]
    whole(page, shot, "tablet")
    no_serious_violations(page)


def test_a_finger_moves_the_handle_on_a_tablet(app, new_page):
    page = opened(
        new_page(base_url=app.url, viewport={"width": 768, "height": 1024}, has_touch=True)
    )
    box = page.locator(HANDLE + " .tn-pill").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    hand = page.context.new_cdp_session(page)
    with answered(page):
        for kind, dx in (("touchStart", 0), ("touchMove", 60), ("touchMove", 140), ("touchEnd", 0)):
            points = [] if kind == "touchEnd" else [{"x": x + dx, "y": y}]
            hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert page.get_attribute(HANDLE, "data-stage") != "boards"


MOVING = """() => document.getAnimations().map(a =>
    `${a.transitionProperty ?? a.animationName} of ${a.effect.target.outerHTML.slice(0, 80)}`)"""


def test_nothing_moves_for_whom_motion_is_reduced(app, new_page):
    page = opened(new_page(base_url=app.url, reduced_motion="reduce"))
    page.evaluate(
        """() => {
            const value = document.querySelector('[data-tile] [data-value]'); window.shown = [];
            new MutationObserver(() => window.shown.push(value.textContent))
                .observe(value, {childList: true, characterData: true, subtree: true});
        }"""
    )
    with answered(page):
        key(page, HANDLE, "ArrowRight")
    assert page.evaluate(MOVING) == []
    assert page.evaluate("() => window.shown.length") <= 2, "numbers do not count up"


def test_stale_numbers_move_nothing_on_the_page(page):
    opened(page)
    drawn(page, 3)
    page.evaluate(PLACES)
    with answered(page):
        key(page, HANDLE, "ArrowRight")
    assert len(page.evaluate("() => [...window.places]")) == 1
