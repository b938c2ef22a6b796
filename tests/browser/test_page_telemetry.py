"""The tab of telemetry: what a store holds, and what comes in while one looks."""

from __future__ import annotations

from calibration.store import Store
from tests.browser.driving import opened, tab, until_count, until_text, whole
from tests.browser.serving import serving
from tests.viz.test_telemetry import counted

TABLE = "[data-table^='Last counts'] [data-row]"


def test_telemetry_is_shown_and_follows_the_store(new_page, shot, tmp_path):
    path = tmp_path / "plant.db"
    with Store(path) as store:
        store.add([counted(1, 100, 40)])
        with serving("electronics", "--store", str(path)) as server:
            page = opened(new_page(base_url=server.url))
            tab(page, "Views", "tab", "telemetry")
            until_text(page, "[data-telemetry=shadow]", "1 event ")
            until_count(page, TABLE, 1)
            store.add([counted(2, 101, 7)])
            until_text(page, "[data-telemetry]", "2 events")
            until_text(page, f"{TABLE} :nth-child(4)", "7")
            whole(page, shot, "telemetry")
            page.context.close()  # before its server ends


def test_without_a_store_it_says_how_to_connect_one(page):
    opened(page)
    tab(page, "Views", "tab", "telemetry")
    until_text(page, ".twin-page", "twin app --store STORE")
