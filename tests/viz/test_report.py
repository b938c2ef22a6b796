"""Reports: what they say is what was computed, and nothing in them can act."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import twin
from tests.kpi_cases import factory, serial, shop
from twin.compare import Comparison
from viz import look, report
from viz.report import Figure, Note, Page, Paragraph, Row, Table, Tile, Tiles, render
from viz.report_what_if import difference, what_if_page

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>&amp;'
CHANGED = [{"key": "disruptions", "label": "Outage", "before": "–", "after": "source, day 100"}]


class Reader(HTMLParser):
    """What a browser would find: tags with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def count(self, tag: str) -> int:
        return [name for name, _ in self.tags].count(tag)


def every_block(text: str) -> Page:
    return Page(text, text, [
        Paragraph(text, lead=True, title=text),
        Tiles([Tile(text, text, text, text, text)], title=text),
        Table([text, text], [[text, text], Row([text, text], quiet=True),
                             Row([text], group=True)], frozenset({1}), text, text, new_page=True),
        Figure(f"<svg>{text}</svg>", text, text, text),
        Note(text, text),
    ])  # fmt: skip


def tiles(page: Page) -> dict[str, Tile]:
    found = next(block for block in page.sections if isinstance(block, Tiles))
    return {tile.name: tile for tile in found.tiles}


@pytest.fixture(scope="module")
def outage() -> Comparison:
    return twin.compare(serial(1, title="Serial chain", replications=4))


@pytest.mark.nojit
def test_whatever_a_text_holds_it_stays_text() -> None:
    hostile, plain = Reader(render(every_block(HOSTILE))), Reader(render(every_block("x")))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    assert [sorted(a) for _, a in hostile.tags] == [sorted(a) for _, a in plain.tags]
    assert hostile.count("script") == 0
    assert hostile.text.count(HOSTILE) == 23  # all but the tone and the words for a picture


@pytest.mark.nojit
def test_a_report_needs_nothing_from_outside_and_runs_nothing() -> None:
    page, picture = render(every_block("x")), "data:image/svg+xml;base64,"
    found = Reader(page)
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in found.tags}
    assert not re.search(r"https?:|url\(|@import|javascript:", page)
    for _, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("src", picture).startswith(picture)
    assert f'content="{report.POLICY}"' in page


@pytest.mark.nojit
def test_every_colour_of_the_style_is_one_of_the_look() -> None:
    style = report.CSS.read_text(encoding="utf-8")
    assert set(re.findall(r"var\(--([\w-]+)\)", style)) <= set(look.LIGHT)
    assert not re.search(r"#[0-9a-f]{3}", style)


@pytest.mark.nojit
def test_words_are_folded_by_their_length_and_numbers_only_before_their_interval() -> None:
    cells = ["dc", "each half into the one before", "x" * 31, "a\n" * 9, "1.5 (1 to 2 %)", "3 to 4"]
    table = Table([str(i) for i in range(6)], [cells], frozenset({4, 5}))
    page = render(Page("x", sections=[table]))
    kinds = [a["class"] for tag, a in Reader(page).tags if tag == "td"]
    assert kinds == ["short", "some", "long", "short", "number", "number"]
    assert ">1.5 (1_to_2_%)<" in page.replace("\N{NO-BREAK SPACE}", "_")
    assert ">3_to_4<" in page.replace("\N{NO-BREAK SPACE}", "_")


@pytest.mark.nojit
def test_what_is_wider_than_a_phone_is_scrolled_in_its_own_frame_or_drawn_for_phones() -> None:
    wide, small = '<svg width="532.8pt">w</svg>', '<svg width="250pt">s</svg>'
    blocks = [
        Table("a", ["b"]),
        Figure(wide, "w"),
        Figure(small, "s"),
        Figure(wide, "w", "", "", False, small),
    ]
    found = [Reader(render(Page("x", sections=[b]))) for b in blocks]
    assert [page.count("div") for page in found] == [1, 1, 0, 0]
    sources = [a for tag, a in found[3].tags if tag == "source"]
    assert [a["media"] for a in sources] == [report.PHONE]
    assert b"s</svg>" in base64.b64decode(sources[0]["srcset"].partition(",")[2])
    assert f"@media {report.PHONE}" in report.CSS.read_text(encoding="utf-8")


@pytest.mark.nojit
def test_a_table_has_as_many_cells_as_columns() -> None:
    with pytest.raises(TypeError, match="str is no block"):
        render(Page("x", sections=["text"]))  # type: ignore[list-item]
    page = Reader(render(Page("x", sections=[Table("abc", [["1", "2", "3"]], frozenset({2}))])))
    assert (page.count("th"), page.count("td")) == (3, 3)
    assert [a.get("class") for tag, a in page.tags if tag == "td"] == ["short"] * 2 + ["number"]


def test_tiles_say_the_numbers_of_the_comparison(outage: Comparison) -> None:
    found = tiles(what_if_page(outage, CHANGED, "It hurts.", "serial"))
    row = outage.row("on_time")
    assert found["On time"].value == look.share(row["b"])
    assert found["On time"].change == "-21.6 points (-21.6 to -21.6), worse"
    assert found["On time"].tone == "bad"
    assert found["Time to survive"].change == "from the first disruption"
    cost = outage.b["running_cost"] / 250
    assert found["Running cost"].value == look.number(cost)
    assert found["Running cost"].unit.endswith("/day")


def test_what_is_not_clear_is_said_and_stays_grey() -> None:
    result = twin.run(shop())
    found = tiles(what_if_page(Comparison(result, result), [], "Nothing changes.", "shop"))
    assert {tile.change for tile in found.values() if tile.value != "–"} == {"no clear difference"}
    assert {tile.tone for tile in found.values()} == {""}


def test_stock_service_has_no_tile_where_customers_wait_for_their_order() -> None:
    family = [{"name": "tables", "decoupling_point": "plant", "tolerance": 9}]
    items = [{"name": "wood", "value": 2}, {"name": "table", "value": 20, "family": "tables"}]
    pull = twin.compare(factory(items=items, families=family), set={"horizon": 30})
    assert "Served from stock" not in tiles(what_if_page(pull, [], "", "factory"))
    push = twin.compare(factory(), set={"horizon": 30})
    assert "Served from stock" in tiles(what_if_page(push, [], "", "factory"))


def test_the_page_tells_what_changed_and_what_it_rests_on(outage: Comparison) -> None:
    text = Reader(render(what_if_page(outage, CHANGED, "It hurts.", "my-base", "<svg/>"))).text
    told = outage.b.manifest
    for wanted in (
        "Serial chain", "It hurts.", "the same design without its disruptions", "source, day 100",
        "4 paired replications", "seed 1", "my-base", told["twin"], told["scenario"]["hash"],
        outage.a.manifest["scenario"]["hash"], told["packages"]["numba"],
    ):  # fmt: skip
        assert wanted in text, wanted


def test_two_designs_are_said_to_be_compared_with_what_was_opened() -> None:
    found = twin.compare(shop(), set={"stock[0].policy.level": 45})
    assert what_if_page(found, [], "", "shop").subtitle == "What-if compared with “shop” as opened"


def test_the_table_holds_every_kpi_that_says_something(outage: Comparison) -> None:
    table = what_if_page(outage, [], "", "serial").sections[-1]
    assert isinstance(table, Table)
    assert table.new_page
    names = [row.cells[0] for row in table.rows if isinstance(row, Row) and not row.group]
    said = [r for r in outage.rows if np.nan_to_num(r["a"]) or np.nan_to_num(r["b"])]
    assert len(names) == len(said) == len(set(names))
    shares = {row.cells[0]: row.cells for row in table.rows}["On time"]
    assert shares[1:3] == [look.share(1.0), look.share(outage.b["on_time"])]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"unit": "share", "difference": 0.036, "low": 0.034, "high": 0.038},
         "+3.6 points (3.4 to 3.8)"),
        ({"unit": "money", "difference": -1234.5, "low": np.nan, "high": np.nan}, "-1,230 EUR"),
        ({"unit": "ratio", "difference": 0.5, "low": 0.0, "high": 1.0}, "+0.5 (0 to 1)"),
        ({"unit": "money", "difference": -0.001, "low": -0.002, "high": 0.004}, "0 EUR (0 to 0)"),
        ({"unit": "1/period", "difference": 0.001, "low": -2.0, "high": 2.0}, "0 a day (-2 to 2)"),
        ({"unit": "periods", "difference": 0.0, "low": 0.0, "high": 0.0}, "the same"),
        ({"unit": "money/period", "difference": 3.0, "low": 2.0, "high": 4.0},
         "+3 EUR/day (2 to 4)"),
    ],
)  # fmt: skip
def test_differences_are_said_with_sign_unit_and_interval(row: dict, said: str) -> None:
    scenario = shop(calendar={"currency": "EUR"})
    assert difference(row, scenario).replace("\N{MULTIPLICATION SIGN}", "") == said


def test_equal_answers_give_equal_reports(outage: Comparison) -> None:
    again = twin.compare(serial(1, title="Serial chain", replications=4))
    pages = [render(what_if_page(c, CHANGED, "It hurts.", "serial")) for c in (outage, again)]
    assert pages[0] == pages[1]
