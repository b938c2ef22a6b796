"""The twin in Mesa's own page, as a Mesa user drives it: step, play, reset; two users."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.looking import until
from tests.browser.serving import ROOT, Server, serving

STEPS = (
    "Array.from(document.querySelectorAll('*')).map(e => e.textContent.match(/^Steps?: *(\\d+)$/))"
)
STEP = f"{STEPS}.filter(m => m).map(m => Number(m[1]))[0]"
COMPILING = 300
"""Seconds that the first step may take where the engine is not compiled yet."""


@pytest.fixture(scope="module")
def example() -> Iterator[Server]:
    with serving(page=ROOT / "examples" / "solara_viz.py") as server:
        yield server


def opened(new_page: Any, server: Server) -> Any:
    """Return the page of a new user, its plots drawn."""
    page = new_page(base_url=server.url)
    page.goto("/")
    until(page, "() => document.querySelectorAll('.solara-image, img, svg image').length >= 3")
    return page


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def step(page: Any) -> int:
    return page.evaluate(f"() => {STEP}")


def until_step(page: Any, least: int) -> None:
    until(page, f"least => {STEP} >= least", least)


def test_step_play_and_reset_do_what_mesa_users_expect(example, new_page, shot):
    page = opened(new_page, example)
    assert step(page) == 0
    press(page, "Step")
    until(page, f"() => {STEP} === 1", seconds=COMPILING)
    press(page, "▶")
    until_step(page, 6)
    press(page, "❚❚")
    shot(page, "mesa-solara-viz")
    press(page, "Reset")
    until(page, f"() => {STEP} === 0")


def test_every_user_has_a_model_of_their_own(example, new_page):
    first, second = opened(new_page, example), opened(new_page, example)
    for n in (1, 2, 3):
        press(first, "Step")
        until(first, f"n => {STEP} === n", n, seconds=COMPILING)
    press(second, "Step")
    until(second, f"() => {STEP} === 1")
    assert step(first) == 3
    assert step(opened(new_page, example)) == 0
