"""Mix-ups of units: found where they are planted, by side and factor, and nowhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from calibration.emulate import events as emulated
from calibration.events import Event
from calibration.mixups import slopes
from calibration.quality import report
from calibration.store import Store
from calibration.times import DAY

START = 20_454 * DAY


def told(tmp_path, events):
    with Store(tmp_path / f"{len(list(tmp_path.iterdir()))}.db") as store:
        if isinstance(events, pd.DataFrame):
            plain = events.astype(object).where(events.notna(), None)
            store.add_rows(list(plain.itertuples(index=False, name=None)))
        else:
            store.add(events)
        return report(store)


def link(ordered=1.0, sent=1.0, got=1.0, share=1.0):
    """Return 60 days of orders of a shop, what its depot sends (a share) and what comes in."""
    luck, events = np.random.default_rng(1), []
    for day in range(60):
        units = float(luck.integers(5, 15))
        for site, kind, partner, qty, lot in (
            ("shop", "order", "depot", ordered * units, ""),
            ("depot", "ship", "shop", sent * share * units, f"L{day}"),
            ("shop", "receive", "depot", got * share * units, f"L{day}"),
        ):
            time = START + day * DAY + (5 * DAY if kind == "receive" else 0)
            events.append(
                Event(f"e{len(events)}", "s", site, time, kind, item="x", partner=partner, qty=qty,
                      lot=lot if day % 2 else ""))  # fmt: skip
    return events


@pytest.mark.parametrize("factor", [10.0, 12.0, 100.0, 1000.0, 1 / 12])
@pytest.mark.parametrize(
    ("side", "site", "what"),
    [("ordered", "shop", "orders from depot"), ("sent", "depot", "dispatches to shop"),
     ("got", "shop", "receipts from depot")],
)  # fmt: skip
def test_a_side_of_a_link_in_another_unit_is_named_with_its_factor(
    side, site, what, factor, tmp_path
):
    found = told(tmp_path, link(**{side: factor}))
    (one,) = found.mixups
    assert one[:3] == (site, "x", what)
    assert one.factor == pytest.approx(factor, rel=0.05)
    size, how = (factor, "divide") if factor > 1 else (1 / factor, "multiply")
    text = " ".join(found.text().split())
    assert f"x: {what} are about {'1/' * (factor < 1)}{size:,.0f} times the " in text
    assert f"{how} by {size:,.0f}" in text


@pytest.mark.parametrize("share", [1.0, 0.5, 0.3])
def test_what_is_never_delivered_is_no_mix_up_of_units(share, tmp_path):
    assert told(tmp_path, link(share=share)).mixups == []


def test_a_supplier_who_stands_still_for_most_of_the_record_is_none(tmp_path):
    day = {e.event_id: (e.event_time - START) // DAY for e in link()}
    still = [e for e in link() if e.kind == "order" or day[e.event_id] < 10]
    assert told(tmp_path, still).mixups == []


@pytest.mark.parametrize(("kind", "site"), [("order", "wholesaler"), ("count", "retailer"),
                                            ("ship", "factory"), ("make", "factory")])  # fmt: skip
def test_a_site_of_an_emulated_chain_in_boxes_of_twelve_is_named(kind, site, tmp_path):
    events = emulated("beer-game-human")
    mine = (events["kind"] == kind) & (events["site"] == site)
    events.loc[mine, ["qty", "value"]] *= 12
    found = told(tmp_path, events).mixups
    assert {one.site for one in found} == {site}
    assert all(max(one.factor, 1 / one.factor) == pytest.approx(12, rel=0.4) for one in found)


@pytest.mark.parametrize("scenario", ["beer-game", "beer-game-human"])
def test_a_clean_chain_raises_nothing(scenario, tmp_path):
    found = told(tmp_path, emulated(scenario))
    assert found.mixups == []
    assert "nothing is 4 times what it should match, or more" in found.text()


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["small-business", "health-commodities", "electronics"])
@pytest.mark.parametrize("seed", [11, 12])
def test_a_clean_shipped_chain_raises_nothing(scenario, seed, tmp_path):
    assert told(tmp_path, emulated(scenario, seed=seed)).mixups == []


def test_counts_are_held_against_what_came_and_went_apart():
    luck = np.random.default_rng(3)
    came, went = luck.poisson(20, 200).astype(float), luck.poisson(15, 200).astype(float)
    noise = luck.normal(0, 3, 200)
    key = np.zeros(200, np.int64)
    fit = slopes(key, 12 * (came - went + noise), came, went)
    assert fit[["came", "went"]].to_numpy() == pytest.approx(12, rel=0.15)
    fit = slopes(key, came - went + noise, came * 100, went)
    assert fit.loc[0, "came"] == pytest.approx(0.01, rel=0.15)
    assert fit.loc[0, "went"] == pytest.approx(1.0, rel=0.15)


def test_a_counter_that_hangs_or_a_flow_that_never_changes_says_nothing_of_units():
    luck, key = np.random.default_rng(4), np.zeros(50, np.int64)
    came, went = luck.poisson(20, 50).astype(float), luck.poisson(20, 50).astype(float)
    assert slopes(key, np.zeros(50), came, went)[["came", "went"]].isna().all(axis=None)
    same = slopes(key, luck.normal(0, 1, 50), np.full(50, 4.0), np.full(50, 4.0))
    assert same[["came", "went"]].isna().all(axis=None)
