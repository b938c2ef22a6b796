"""All positions at once: the frontier, the point that is suggested, and a way there."""

from __future__ import annotations

import pytest

from tests.browser.driving import (
    HANDLE,
    add,
    answered,
    at,
    opened,
    press,
    stage,
    tab,
    tiles,
    until_count,
    until_text,
    whole,
)
from tests.browser.looking import until, until_there
from twin.frontier import frontier
from twin.load import load

TABLE = "[data-table^='All positions']"
CHART = "[data-chart=frontier]"


@pytest.fixture
def positions(page):
    """Return the page with all positions tried once."""
    opened(page)
    tab(page, "Views", "tab", "positions")
    until_there(page, f"{TABLE} [data-row]")
    until_there(page, f"{CHART}[data-ready]")
    return page


def rows(page) -> list[list[str]]:
    """Return the cells of the table."""
    found = page.locator(f"{TABLE} [data-row]").all()
    return [row.locator("th, td").all_inner_texts()[:-1] for row in found]


def row_of(page, position: str) -> int:
    """Return the row of a position of all families."""
    return next(i for i, cells in enumerate(rows(page)) if cells[0].split(" (")[0] == position)


def test_every_position_is_a_point_and_a_row_with_those_it_cannot_be_told_from(positions, shot):
    expected = frontier(load("electronics"), replications=16).rows
    assert [(cells[0].split(" (")[0], cells[5]) for cells in rows(positions)] == [
        (row["label"], ", ".join(row["tied"]) or "–") for row in expected
    ]
    assert int(positions.get_attribute(CHART, "data-points")) == len(expected)
    positions.locator(CHART).scroll_into_view_if_needed()
    whole(positions, shot, "frontier")


def test_the_present_and_the_suggested_position_are_marked(positions):
    marks = [cells[0] for cells in rows(positions)]
    assert sum("current" in mark for mark in marks) == 1
    assert sum("suggested" in mark for mark in marks) == 1
    assert marks[row_of(positions, "boards")].startswith("boards (current")


def test_a_row_moves_the_handle_there(positions):
    before = tiles(positions)
    with answered(positions):
        positions.click(f"{TABLE} [data-row='{row_of(positions, 'dc')}'] button")
    assert stage(positions) == "dc"
    assert tiles(positions) != before


def test_a_click_on_a_point_moves_the_handle_there(positions):
    wanted = row_of(positions, "assembly")
    positions.locator(CHART).scroll_into_view_if_needed()
    x, y = positions.evaluate(
        """([at, wanted]) => {
            const panel = document.querySelector(at), {data} = panel.__chart.getOption().series[0];
            const point = data.find(p => p.index === wanted), box = panel.querySelector('canvas')
                .getBoundingClientRect();
            const [x, y] = panel.__chart.convertToPixel({seriesIndex: 0}, point.value);
            return [box.x + x, box.y + y];
        }""",
        [CHART, wanted],
    )
    with answered(positions):
        positions.mouse.click(x, y)
    assert stage(positions) == "assembly"


def test_positions_have_a_way_for_the_keyboard(positions):
    button = positions.locator(f"{CHART} [data-point='{row_of(positions, 'assembly')}']")
    button.focus()
    with answered(positions):
        positions.keyboard.press("Enter")
    assert stage(positions) == "assembly"


def test_all_positions_are_tried_with_more_runs_and_progress(positions):
    press(positions, "All positions", "run")
    until_there(positions, ".twin-progress")
    until_text(positions, TABLE, "64 runs each", seconds=180)
    until_count(positions, ".twin-progress", 0)
    assert positions.is_disabled(f"{at('All positions', 'run')} button")


def test_trying_all_positions_is_cancelled_and_what_was_known_stays(positions):
    with answered(positions):
        add(positions, "Stock destruction")  # nobody tried the positions of this what-if before
    until_there(positions, f"{TABLE} [data-row]")
    before = rows(positions)
    press(positions, "All positions", "run")
    until_there(positions, f"{at('All positions', 'cancel')} button:enabled")
    press(positions, "All positions", "cancel")
    until_count(positions, ".twin-progress", 0)
    until(
        positions,
        "at => !document.querySelector(at).disabled",
        f"{at('All positions', 'run')} button",
    )
    assert rows(positions) == before
    assert "16 runs each" in positions.inner_text(f"{TABLE} caption")
    assert positions.get_attribute(HANDLE, "data-stage") == "boards"
