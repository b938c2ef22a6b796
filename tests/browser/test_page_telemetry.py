"""The live tab: told apart from simulation, moving, following a store, and the way to a what-if."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibration import emulate
from calibration.live.batches import from_frame
from calibration.store import Store
from tests.browser.driving import (
    opened,
    press,
    settled,
    tab,
    until_count,
    until_text,
    whole,
)  # fmt: skip
from tests.browser.looking import until, until_there
from tests.browser.serving import serving
from tests.calibration.test_follow import CALIBRATED, DAY, DAYS, REAL, START
from viz import exports

LIVE = ".twin-live"
ALARMS = "[data-table^='Alarms'] [data-row]"
CUT = 120
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
        page = opened(new_page(base_url=server.url))
        tab(page, "Views", "tab", "telemetry")
        until_there(page, f"{LIVE} [data-node]")
        yield page
        page.context.close()  # before its server ends


def test_live_names_what_moved_and_offers_nothing_to_move(page, shot) -> None:
    until_text(page, "[data-banner=live]", "emulated")
    until_text(page, "[data-banner=live]", "not a what-if")
    until_count(page, ALARMS, 2)
    until_text(page, ALARMS, "shop/tea")
    until_text(page, f"{LIVE} [data-table^='Arrivals']", "slow")
    assert page.locator(f"{LIVE} [data-handle]").count() == 0
    page.click(f"{LIVE} [data-node='shop']", button="right")
    assert not page.locator(f"{LIVE} .tn-menu").is_visible()
    whole(page, shot, "telemetry")


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
    until_text(page, "[data-banner=replay]", "REPLAY")
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
    until_there(page, "[data-handle], [data-node='maker']")


def test_without_a_store_it_says_how_to_connect_one(app, new_page) -> None:
    page = opened(new_page(base_url=app.url))
    tab(page, "Views", "tab", "telemetry")
    until_text(page, ".twin-page", "twin app --store STORE")
