"""Driving the what-if app as a planner does: the steps that tests of the page share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import twin
from tests.browser.looking import until, until_there
from twin.load import load_text
from twin.schema import Scenario
from viz import report_what_if

FULL = 64
"""Replications of a full answer to the flagship."""

SETTLED = """runs => document.querySelector('[data-tiles][data-stale=false][data-runs=""]')
    && Number(document.querySelector('[data-pairs]')?.dataset.pairs) === runs
    && !document.querySelector('[data-charts][data-stale=""]')"""
"""Whether tiles, and the charts that follow them, are of the full answer to the changes as they are."""

ASKED = "Number(document.querySelector('[data-asked]').dataset.asked)"
"""How many answers were asked for."""

TILES = """() => Array.from(document.querySelectorAll('[data-tile]'), tile => ({
    name: tile.dataset.tile,
    value: tile.querySelector('[data-value]').textContent,
    unit: tile.querySelector('.twin-tile-unit').textContent,
    change: tile.querySelector('[data-change]').textContent,
    tone: tile.querySelector('[data-change]').dataset.tone,
}))"""

COUNTED = """() => [...document.querySelectorAll('[data-tile]')].every(
    tile => tile.querySelector('[data-value]').textContent === tile.dataset.to)"""
"""Whether the numbers of the tiles have stopped counting."""

HANDLE = "[data-handle][data-main]"


# ------------------------------------------------------------------------------------- waiting
def opened(page: Any, address: str = "/", runs: int = FULL) -> Any:
    """Open the app and wait for its full answer; return the page."""
    page.goto(address)
    until_there(page)
    settled(page, runs)
    return page


def settled(page: Any, runs: int = FULL) -> None:
    """Wait for the full answer, and for its numbers to have stopped counting."""
    until(page, SETTLED, runs, seconds=120)
    until(page, COUNTED)


@contextlib.contextmanager
def answered(page: Any, runs: int = FULL) -> Iterator[None]:
    """Wait, after what is done in the block, for a new answer to begin and to be full."""
    before = page.evaluate(ASKED)
    yield
    until(page, f"before => {ASKED} > before", before)
    settled(page, runs)


def until_text(page: Any, selector: str, part: str, seconds: float = 60) -> str:
    """Wait until something says a text; return all that it says."""
    told = """([at, part]) => {
        const text = document.querySelector(at)?.textContent;
        return text?.includes(part) && text;
    }"""
    return until(page, told, [selector, part], seconds)


def until_count(page: Any, selector: str, n: int, seconds: float = 60) -> None:
    """Wait until there are so many of something."""
    counted = "([at, n]) => document.querySelectorAll(at).length === n"
    until(page, counted, [selector, n], seconds)


def until_data(page: Any, selector: str, name: str, value: Any) -> None:
    """Wait until an attribute has a value."""
    told = "([at, name, value]) => document.querySelector(at)?.getAttribute(name) === value"
    until(page, told, [selector, name, str(value)])


# ------------------------------------------------------------------------------------- reading
def tiles(page: Any) -> list[dict[str, str]]:
    """Return what the tiles say."""
    return page.evaluate(TILES)


def tile(page: Any, name: str) -> str:
    """Return the value of a tile."""
    return next(t["value"] for t in tiles(page) if t["name"] == name)


def expected(scenario: Scenario) -> list[dict[str, str]]:
    """Return what the tiles must say of a scenario, worked out by the engine here."""
    found = report_what_if.tiles(twin.compare(scenario, replications=FULL))
    return [
        {"name": t.name, "value": t.value, "unit": t.unit, "change": t.change, "tone": t.tone}
        for t in found
    ]


def stage(page: Any) -> str:
    """Return where the handle stands."""
    return page.get_attribute(HANDLE, "data-stage")


def bars(page: Any) -> list[dict[str, str]]:
    """Return kind, start, duration ... of each disruption on the timeline."""
    return page.evaluate(
        "() => Array.from(document.querySelectorAll('[data-bar]'), b => ({...b.dataset}))"
    )


def changed(page: Any) -> list[str]:
    """Return the lines of the list of what changed."""
    page.wait_for_selector("[data-form='What changed']")
    return page.locator("[data-form='What changed'] [data-field]").all_inner_texts()


def query(page: Any) -> str:
    """Return what stands behind the question mark of the address."""
    return page.evaluate("() => location.search")


# --------------------------------------------------------------------------------------- doing
def at(form: str, field: str) -> str:
    """Return the selector of a field of a form."""
    return f"[data-form='{form}'] [data-field='{field}']"


def press(page: Any, form: str, field: str) -> None:
    """Press the button of a form."""
    page.click(f"{at(form, field)} button")


def choose(page: Any, form: str, field: str, words: str) -> None:
    """Choose an option by its words."""
    page.select_option(f"{at(form, field)} select", label=words)


def tab(page: Any, form: str, field: str, value: str) -> None:
    """Press a tab, and wait until it is the one that is shown."""
    button = f"{at(form, field)} button[data-tab='{value}']"
    page.click(button)
    until_there(page, f"{button}[aria-pressed=true]")


def key(page: Any, selector: str, *keys: str) -> None:
    """Press keys on something."""
    page.focus(selector)
    for one in keys:
        page.keyboard.press(one)


def undo(page: Any) -> None:
    """Press Ctrl-Z on the network, where the focus is in no field."""
    key(page, HANDLE, "Control+z")


def add(page: Any, words: str) -> None:
    """Add a disruption, and wait for its bar."""
    before = len(bars(page))
    choose(page, "What goes wrong", "add", words)
    until(page, "n => document.querySelectorAll('[data-bar]').length > n", before)


def select(page: Any, site: str) -> None:
    """Click a site, and wait for its panel."""
    page.click(f"[data-node='{site}']")
    until_there(page, f"[data-panel='{site}']")


def drag(page: Any, selector: str, dx: float) -> None:
    """Drag something sideways by the mouse, held in its upper half (below hang smaller knobs)."""
    box = page.locator(selector).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 3
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y, steps=4)
    page.mouse.move(x + dx, y, steps=4)
    page.mouse.up()


def column(page: Any) -> float:
    """Return the pixels from one stage to the next."""
    boxes = [head.bounding_box() for head in page.locator(".tn-heads [data-stage]").all()]
    centres = [box["x"] + box["width"] / 2 for box in boxes]
    return (max(centres) - min(centres)) / (len(centres) - 1)


def whole(page: Any, shot: Any, name: str) -> None:
    """Keep a picture of all of the page, which scrolls inside a frame of its own."""
    size = page.viewport_size
    tall = page.evaluate("() => document.querySelector('.twin-page').scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": max(size["height"], tall)})
    shot(page, name)
    page.set_viewport_size(size)


def download(page: Any, label: str, folder: Path) -> Path:
    """Download a file of 'Share, export' by its button; return where it lies."""
    if not page.locator("[data-share]").count():
        press(page, "Page", "share")
    with page.expect_download(timeout=120_000) as found:
        page.click(f"[data-share] >> text={label}")
    file = folder / found.value.suggested_filename
    found.value.save_as(file)
    return file


def exported(page: Any, folder: Path) -> Scenario:
    """Download the scenario and read it back."""
    return load_text(download(page, "Scenario (YAML)", folder).read_text(encoding="utf-8"))


def drop(page: Any, *files: Path) -> None:
    """Drop files from the disk on the page, as the desktop does."""
    if not page.locator("[data-upload]").count():
        press(page, "Page", "open")
    zone = page.wait_for_selector("[data-upload] .solara-file-drop")
    zone.wait_for_element_state("stable")
    box = zone.bounding_box()
    data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
    hand = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        hand.send("Input.dispatchDragEvent", {"type": kind, "data": data, **place})
    hand.detach()
