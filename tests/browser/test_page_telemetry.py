"""The live tab: told apart from simulation, moving, following a store, and the way to a what-if."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import twin
from calibration import emulate
from calibration.live.batches import from_frame
from calibration.store import Store
from calibration.times import now
from tests.browser.driving import (
    opened,
    press,
    settled,
    tab,
    until_count,
    until_text,
    whole,
)  # fmt: skip
from tests.browser.looking import no_serious_violations, until, until_there
from tests.browser.serving import serving
from tests.calibration.test_follow import CALIBRATED, DAY, DAYS, REAL, START
from viz import exports

LIVE = ".twin-live"
ALARMS = "[data-table^='Alarms'] [data-row]"
CUT = 120
BADGE = f"{LIVE} [data-banner] strong"
SHOWN = """at => [...document.querySelectorAll(at)].map(n => {
    const box = n.getBoundingClientRect();
    return [box.left, box.top, box.right, box.bottom].map(Math.round);
}).filter(([left, top, right, bottom]) => right > left && bottom > top)"""
"""Boxes of what is drawn at all: left, top, right, bottom in pixels."""
WIDER = f"""() => [...document.querySelectorAll('{LIVE}, {LIVE} *')].filter(n => {{
    const style = getComputedStyle(n);
    return n instanceof HTMLElement && n.scrollWidth > n.clientWidth + 1 && style.display !== 'inline'
        && style.position !== 'absolute' && n.clientWidth > 1;
}}).map(n => n.className || n.tagName)"""
"""What holds more than its width shows."""
POSITION = f"() => Number(document.querySelector('{LIVE} [data-network]').dataset.cursor)"


@pytest.fixture(scope="module")
def chain(tmp_path_factory) -> tuple[Path, Path, list]:
    """Return the scenario's file, a store of its first 120 days, and the events after these."""
    folder = tmp_path_factory.mktemp("live")
    file, store = folder / "tea.yaml", folder / "tea.db"
    file.write_bytes(exports.scenario_yaml(CALIBRATED))
    events = from_frame(emulate.events(REAL))
    with Store(store) as filled:
        filled.add(e for e in events if e.event_time < START + CUT * DAY)
    return file, store, [e for e in events if e.event_time >= START + CUT * DAY]


@pytest.fixture
def page(chain, new_page):
    file, store, _ = chain
    with serving(str(file), "--store", str(store)) as server:
        yield from telemetry(new_page(base_url=server.url))


def telemetry(page):
    """Yield a page of the live tab; closed before its server ends."""
    opened(page)
    tab(page, "Views", "tab", "telemetry")
    until_there(page, f"{LIVE} [data-node]")
    yield page
    page.context.close()


def test_live_names_what_moved_and_offers_nothing_to_move(page, shot) -> None:
    until_text(page, BADGE, "Emulated")
    until_text(page, "[data-banner=live]", "not a what-if")
    until_count(page, ALARMS, 2)
    until_text(page, ALARMS, "shop/tea")
    until_text(page, f"{LIVE} [data-table^='Arrivals']", "slow")
    assert page.locator(f"{LIVE} [data-handle]").count() == 0
    page.click(f"{LIVE} [data-node='shop']", button="right")
    assert not page.locator(f"{LIVE} .tn-menu").is_visible()
    whole(page, shot, "telemetry")


def test_space_does_not_play_the_what_if_that_is_hidden(page) -> None:
    page.locator(BADGE).first.click()  # the focus is on no button
    page.keyboard.press("Space")
    tab(page, "Views", "tab", "charts")
    page.locator(".twin-middle").first.wait_for(state="visible")
    assert page.locator(".twin-middle").get_by_role("button", name="Play", exact=True).is_visible()


def until_badge(page, badge: str) -> None:
    """Wait until badge, edge and banner say what is shown."""
    until_there(page, f"{LIVE}[data-badge={badge}] [data-badge={badge}] strong")


def test_the_first_screen_shows_badge_figures_network_and_alarms_and_no_simulation(page, shot):
    until_count(page, ALARMS, 2)
    for part in (
        BADGE,
        "[data-tile]",
        "[data-network]",
        ALARMS,
        "[data-chart]",
        "[data-table^=Arr]",
    ):
        boxes = page.evaluate(SHOWN, part if part == BADGE else f"{LIVE} {part}")
        assert boxes, part
        assert boxes[0][1] >= 0, part
        assert boxes[0][3] <= 800, part
    for part in (".twin-sentence", ".twin-middle", "[data-timeline]", "[data-pairs]", ".twin-mode"):
        assert page.evaluate(SHOWN, part) == [], part
    shot(page, "telemetry-first-screen")
    tab(page, "Views", "tab", "charts")
    page.locator(".twin-middle").first.wait_for(state="visible")


@pytest.mark.parametrize(("age", "badge"), [(0, "live"), (9, "quiet")])
def test_live_is_said_of_a_store_that_is_filled_and_not_of_one_that_nobody_fills(
    chain, new_page, tmp_path, age, badge
) -> None:
    last = max(e.event_time for e in chain[2])
    late = (now() - last) // DAY - age  # whole days: periods begin at midnight
    with Store(tmp_path / "real.db") as store:
        store.add(
            e._replace(source="erp", event_time=e.event_time + late * DAY, ingest_time=now())
            for e in chain[2]
        )
    dated = {"calendar.start": (CALIBRATED.calendar.start + dt.timedelta(days=late)).isoformat()}
    file = tmp_path / "tea.yaml"
    file.write_bytes(exports.scenario_yaml(twin.apply(CALIBRATED, dated)))
    with serving(str(file), "--store", str(tmp_path / "real.db")) as server:
        for page in telemetry(new_page(base_url=server.url)):
            until_badge(page, badge)
            until_text(page, "[data-banner]", "as they come in" if age == 0 else "nobody fills")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_in_the_live_tab_and_nothing_cut_on_a_phone(chain, new_page, scheme, shot):
    file, store, _ = chain
    phone = {"viewport": {"width": 390, "height": 844}, "color_scheme": scheme}
    with serving(str(file), "--store", str(store)) as server:
        for page in telemetry(new_page(base_url=server.url, **phone)):
            until_count(page, ALARMS, 2)
            no_serious_violations(page)
            assert page.evaluate(WIDER) == []
            for cell in page.evaluate(SHOWN, f"{LIVE} [data-table] tbody :is(th, td)"):
                assert cell[0] >= 0, cell
                assert cell[2] <= 390, cell
            whole(page, shot, f"telemetry-phone-{scheme}")


def test_live_follows_a_store_that_grows(page, chain) -> None:
    until_text(page, "[data-banner]", "2026-04-30")
    with Store(chain[1]) as store:
        store.add(chain[2])
    until_text(page, "[data-banner]", "2026-05-30")
    until_text(page, "[data-tile='Devices alive']", "4")


def test_a_replay_moves_from_the_start_and_looks_different(page) -> None:
    colour = f"() => getComputedStyle(document.querySelector('{LIVE}')).borderLeftColor"
    live = page.evaluate(colour)
    tab(page, "Live", "kind", "replay")
    until_there(page, f"{LIVE}[data-live=replay] [data-node]")
    until_badge(page, "replay")
    until_text(page, "[data-banner=replay]", "Emulated")
    assert page.evaluate(colour) != live
    until(page, f"() => ({POSITION})() > 5")
    press(page, "Live", "play")
    until_text(page, "[data-form=Live] [data-field=play]", "Play")
    still = page.evaluate(POSITION)
    assert still < DAYS - 1
    press(page, "Live", "first")
    until(page, f"still => ({POSITION})() < still", still)


def test_a_what_if_starts_from_what_is_believed_now(page) -> None:
    press(page, "Live", "fork")
    until_text(page, "[data-form=Page] [data-field=scenario]", "tea from 2026-0")
    settled(page)
    assert page.locator("[data-message]").count() == 0
    assert page.evaluate(SHOWN, ".twin-middle") != [], "the what-if is shown"
    until_there(page, "[data-handle], [data-node='maker']")


def test_without_a_store_it_says_how_to_connect_one(app, new_page) -> None:
    page = opened(new_page(base_url=app.url))
    tab(page, "Views", "tab", "telemetry")
    until_text(page, ".twin-unfed", "twin app my.yaml --store plant.db")
