"""Reports and figures by day and by night: all that is drawn has both looks, and can be read."""

from __future__ import annotations

import re

import pytest

import twin
from tests.kpi_cases import serial
from tests.viz.looks import contrast
from tests.viz.test_study_charts import COLUMNS, data, many
from viz import exports, look, study_charts
from viz.report import Figure, Page, render
from viz.study_charts_parts import styles

THEMES = [look.LIGHT, look.DARK]
LETTERS = ("ink", "grey", "push-text", "pull-text", "amber-text")
GROUNDS = ("card", "page", "push-ground", "pull-ground", "mixed-ground")


@pytest.mark.nojit
@pytest.mark.parametrize("theme", THEMES, ids=["light", "dark"])
def test_letters_can_be_read_on_every_ground_by_day_and_by_night(theme: dict) -> None:
    on_card = ("push", "good", "bad", *look.GROUPS)
    pairs = [(role, ground) for role in LETTERS for ground in GROUNDS]
    pairs += [(role, "card") for role in on_card] + [("good", "page"), ("bad", "page")]
    poor = {pair for pair in pairs if contrast(theme[pair[0]], theme[pair[1]]) < 4.5}
    assert not poor
    marks = ("push", "pull", "own", "base", "bar", "deep", "focus", *look.GROUPS)
    assert min(contrast(theme[role], theme["card"]) for role in marks) >= 3


@pytest.mark.nojit
@pytest.mark.parametrize("ramp", look.RAMPS)
@pytest.mark.parametrize("dark", [0, 1])
def test_letters_can_be_read_on_every_shade_and_each_shade_says_more(ramp: str, dark: int) -> None:
    shades, half, theme = look.ramp(ramp, dark), look.PER_HALF, THEMES[dark]
    for i, shade in enumerate(shades):
        assert contrast(shade, theme["on-pale" if i < half else "on-strong"]) >= 4.5
    away = [contrast(shade, theme["card"]) for shade in shades]
    assert away == sorted(away), "the more, the further from the ground"


@pytest.mark.nojit
def test_the_name_of_every_group_can_be_read() -> None:
    for style in styles(["push", "pull", "base", *"abcdef"]).values():
        letters = style.letters or style.colour
        assert contrast(letters, look.LIGHT["card"]) >= 4.5
        assert contrast(look.pairs()[letters], look.DARK["card"]) >= 4.5


def painted(svg: str) -> set[str]:
    return set(re.findall(r"(?:fill|stroke): ?(#\w+)", svg))


@pytest.mark.nojit
@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("group", ["group", None])
def test_every_colour_of_a_chart_has_its_like_in_the_dark(kind: str, group: str | None) -> None:
    rows = "group" if kind == "grid" else group  # a heat map has rows
    given = data(kind, many(40), group=rows, **COLUMNS[kind])
    colours = painted(study_charts.svg(given.chart, given.sheet))
    assert len(colours) >= 4
    assert colours <= set(look.pairs())


def test_every_colour_of_the_picture_of_a_what_if_has_its_like_in_the_dark() -> None:
    found = twin.compare(serial(1, replications=4))
    colours = painted(exports.picture(found.b, "svg").decode())
    assert len(colours) >= 8
    assert colours <= set(look.pairs())


@pytest.mark.nojit
def test_a_picture_that_follows_is_the_light_one_with_a_style() -> None:
    given = data("bars", many(3))
    light = study_charts.svg(given.chart, given.sheet)
    both = look.svg_as_preferred(light)
    (style,) = re.findall(r"\n <style>.*?</style>", both)
    assert both.replace(style, "") == light
    assert "@media screen and (prefers-color-scheme:dark)" in style
    told = dict(re.findall(r'\[style\*="fill: (#\w+)"\]\{fill:(#\w+)!important\}', style))
    assert told == {c: look.pairs()[c] for c in painted(light)}
    assert look.svg_as_preferred("<svg/>") == "<svg/>"


@pytest.mark.nojit
def test_a_report_has_both_looks_of_the_one_palette_and_is_printed_light() -> None:
    page = render(Page("x", sections=[Figure("<svg/>", "x")]))
    light, dark, paper = look.css_as_preferred().splitlines()
    assert look.css_as_preferred() in page
    for text, theme in ((light, look.LIGHT), (dark, look.DARK)):
        assert dict(re.findall(r"--([\w-]+):(#\w+)", text)) == theme
    assert dark.startswith("@media screen and (prefers-color-scheme:dark)")
    assert paper == "@media print{:root{color-scheme:light}}"
    assert set(look.LIGHT) == set(look.DARK)
