"""Reports in a real browser: page and figures take the reader's look, paper is light."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from tests.browser.looking import no_serious_violations
from twin.study.findings import Chart, Findings, Sheet
from viz import exports, look
from viz.report_study import report

RANKED = Sheet("ranking", "Ranking", pd.DataFrame({"site": ["a", "b"], "lost": [2.0, 1.0]}))
FOUND = Findings(
    "stress", "Stress", "Who hurts?", ("a hurts most.",), (RANKED,),
    (Chart("bars", "lost", "Lost", "ranking", "site", "lost"),), ("One at a time.",), ("Seed 1.",),
)  # fmt: skip


def corner(page: Any) -> str:
    """Return the colour of the corner of the figure, where nothing is drawn but its ground."""
    shot = Image.open(io.BytesIO(page.locator("img").screenshot())).convert("RGB")
    red, green, blue = shot.getpixel((2, 2))
    return f"#{red:02x}{green:02x}{blue:02x}"


def around(page: Any) -> str:
    """Return the colour of the card that the figure stands on."""
    rgb = page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor")
    return "#" + "".join(f"{int(part):02x}" for part in rgb.strip("rgb()").split(","))


@pytest.mark.parametrize(("scheme", "theme"), [("light", look.LIGHT), ("dark", look.DARK)])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_report_and_its_figures_take_the_look_that_the_reader_prefers(
    scheme: str, theme: dict[str, str], width: int, new_page: Callable[..., Any]
) -> None:
    size = {"width": width, "height": 800}
    page = new_page(color_scheme=scheme, viewport=size, bypass_csp=True)  # for axe
    page.set_content(report(FOUND))
    assert (corner(page), around(page)) == (theme["card"], theme["card"])
    assert page.evaluate("document.documentElement.scrollWidth") == width
    drawn = page.evaluate("document.querySelector('img').naturalWidth")
    assert (drawn < 400) == (width < 400), "a phone gets the picture that is drawn for it"
    no_serious_violations(page)
    page.emulate_media(media="print", color_scheme=scheme)
    assert corner(page) == look.LIGHT["card"]


def test_an_open_report_follows_when_the_reader_switches_the_look(
    new_page: Callable[..., Any],
) -> None:
    page = new_page(color_scheme="light")
    page.set_content(report(FOUND))
    assert (corner(page), around(page)) == (look.LIGHT["card"],) * 2
    page.emulate_media(color_scheme="dark")
    assert (corner(page), around(page)) == (look.DARK["card"],) * 2
    page.emulate_media(color_scheme="light")
    assert (corner(page), around(page)) == (look.LIGHT["card"],) * 2


def test_a_figure_of_the_app_follows_the_theme_that_was_chosen_there(
    new_page: Callable[..., Any],
) -> None:
    svg = exports.study_pictures(FOUND)["lost"]
    page = new_page(color_scheme="light")
    page.set_content(f"<style>{look.css()}</style><img>")
    page.evaluate(
        "svg => { document.querySelector('img').src = 'data:image/svg+xml,' + encodeURIComponent(svg); }",
        svg,
    )
    assert corner(page) == look.LIGHT["card"]
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert corner(page) == look.DARK["card"]
