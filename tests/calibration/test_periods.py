"""Events add up to what the engine recorded, and what is missing is not zero."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import twin
from calibration import emulate, periods
from calibration.events import Event
from calibration.times import DAY, period_start

CHAIN = {
    "name": "pair",
    "horizon": 90,
    "integer": True,
    "sites": [{"name": "depot"}, {"name": "shop", "kind": "store"}],
    "items": [{"name": "tea"}],
    "purchases": [{"site": "depot", "item": "tea", "lead_time": 4, "supplier": "garden"}],
    "lanes": [{"from": "depot", "to": "shop", "lead_time": 2}],
    "stock": [{"policy": {"kind": "base_stock", "level": 90}}],
    "demand": [{"site": "shop", "item": "tea", "mean": 10}],
}
SCENARIO = twin.Scenario.model_validate(CHAIN)
START = period_start(SCENARIO.calendar, 0)


def order(day, qty, quality="", number=0):
    return Event(f"{day}-{number}", "till", "shop", START + day * DAY, "order", item="tea",
                 qty=qty, quality=quality)  # fmt: skip


def test_series_equal_what_the_engine_recorded():
    found = periods.add_up(emulate.events(SCENARIO), SCENARIO)
    record = ["sinks.demand", "rows.on_hand", "links.moved", "rows.order"]
    series = twin.run(SCENARIO, replications=1, record=record, threads=1).series
    assert (found.first, found.n) == (0, 90)
    assert found.demand["shop", "tea"].tolist() == series["sinks.demand"][:, 0, 0].tolist()
    assert found.books["shop", "tea"].tolist() == series["rows.on_hand"][:, 0, 0].tolist()
    assert found.books["depot", "tea"].tolist() == series["rows.on_hand"][:, 1, 0].tolist()
    orders = found.ordered["garden", "depot", "tea"]
    assert orders.tolist() == series["rows.order"][:, 1, 0].tolist()
    assert found.received["garden", "depot", "tea"][4:].tolist() == orders[:-4].tolist()
    sent = found.shipped["depot", "shop", "tea"]
    assert found.received["depot", "shop", "tea"][2:].tolist() == sent[:-2].tolist()


def test_a_missing_total_is_missing_and_a_day_without_single_orders_is_zero():
    totals = emulate.frame([order(0, 4.0, "total"), order(2, 5.0, "total")])
    singles = emulate.frame([order(0, 4.0), order(0, 1.0, number=1), order(2, 5.0)])
    found = periods.add_up(totals, SCENARIO).demand["shop", "tea"]
    np.testing.assert_array_equal(found, [4.0, np.nan, 5.0])
    assert periods.add_up(singles, SCENARIO).demand["shop", "tea"].tolist() == [5.0, 0.0, 5.0]


def test_neither_order_nor_repetition_of_events_matters():
    told = emulate.events(SCENARIO)
    poor = emulate.distort(told, duplicates=0.3, shuffle=True, delay=3.0)
    one, other = (periods.add_up(frame, SCENARIO) for frame in (told, poor))
    for name in ("demand", "books", "received", "shipped", "ordered"):
        pd.testing.assert_frame_equal(
            pd.DataFrame(getattr(one, name)), pd.DataFrame(getattr(other, name))
        )


def test_a_window_cuts_and_pads():
    found = periods.add_up(emulate.frame([order(3, 4.0)]), SCENARIO, first=2, last=5)
    assert found.demand["shop", "tea"].tolist() == [0.0, 4.0, 0.0, 0.0]
    assert found.weekday.tolist() == [5, 6, 0, 1]  # 1 January 2026 is a Thursday
    assert found.month.tolist() == [0, 0, 0, 0]


def test_no_events_no_series():
    found = periods.add_up(emulate.frame([]), SCENARIO)
    assert (found.n, found.demand, found.on_hand) == (0, {}, {})


@pytest.mark.parametrize("mark", ["total sale", "sale"])
def test_sales_are_told_apart_from_demand(mark):
    found = periods.add_up(emulate.frame([order(0, 4.0, mark)]), SCENARIO)
    assert found.sales_only == {("shop", "tea")}


def test_a_few_events_with_a_wrong_clock_are_astray_and_a_long_silence_is_not():
    days = np.concatenate([np.repeat(np.arange(364), 20), [-4000, 20000, 1500]])
    np.testing.assert_array_equal(periods.astray(days * DAY, DAY), np.arange(days.size) >= 7280)
    silence = np.concatenate([np.arange(100), np.arange(300, 400)])
    assert not periods.astray(silence * DAY, DAY).any()
    assert periods.astray(np.zeros(0, np.int64), DAY).size == 0


def test_a_sparse_record_keeps_all_and_a_short_one_loses_its_wrong_clock():
    assert not periods.astray(np.arange(120) * 61 * DAY, DAY).any()
    short = np.concatenate([np.arange(50), [23000]]) * DAY
    np.testing.assert_array_equal(periods.astray(short, DAY), np.arange(51) == 50)


def test_a_wrong_clock_does_not_stretch_what_is_added_up():
    events = emulate.events(SCENARIO)
    wrong = events.iloc[:1].assign(event_id="x", event_time=events["event_time"].max() + 9000 * DAY)
    found = periods.add_up(pd.concat([events, wrong], ignore_index=True), SCENARIO)
    assert found.n == periods.add_up(events, SCENARIO).n
