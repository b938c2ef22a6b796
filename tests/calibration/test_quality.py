"""The quality report: gaps, ranges, mass balance and what can be learnt, by closed form."""

from __future__ import annotations

import json
import random

import pytest

from calibration import balance, store_parts
from calibration.compact import compact
from calibration.events import Event
from calibration.quality import report
from calibration.store import Store
from calibration.times import DAY, SECOND
from twin.schema import Scenario

START = 20_454 * DAY
HOUR = 3600 * SECOND


def event(n, time, kind, qty=None, site="shop", item="x", **more):
    return Event(f"e{n}", "s", site, START + int(time), kind, item=item, qty=qty, **more)


def days(lost=0.0):
    """Return 20 days of one site: receives 10, ships 8 to outside, counts; ``lost`` on day 5."""
    luck, stock, events = random.Random(1), 100.0, []
    for day in range(20):
        got, sent = luck.randint(0, 20), luck.randint(0, 10)
        stock += got - sent - lost * (day == 5)
        for hour, kind, qty in ((1, "receive", got), (2, "ship", sent), (3, "count", stock)):
            events.append(event(len(events), day * DAY + hour * HOUR, kind, float(qty)))
    return events


def told(tmp_path, events, scenario=None):
    with Store(tmp_path / f"{len(list(tmp_path.iterdir()))}.db") as store:
        store.add(events)
        return report(store, scenario)


def test_balance_is_exactly_zero_where_all_is_reported(tmp_path):
    found = told(tmp_path, days())
    assert len(found.residuals) == 19
    assert (found.residuals["residual"] == 0).all()
    assert "exact on every day" in found.text()


def test_a_loss_shows_on_its_day_with_its_size_in_any_order_and_compacted(tmp_path):
    events = days(lost=3.0)
    random.Random(2).shuffle(events)
    with Store(tmp_path / "a.db") as store:
        store.add(events)
        compact(store, START + 9 * DAY)
        found = report(store)
    off = found.residuals[found.residuals["residual"] != 0]
    assert off.to_dict("records") == [
        {"site": "shop", "item": "x", "day": START // DAY + 5, "residual": -3.0}
    ]
    assert found.balance.loc[0, ["counts", "days_off"]].tolist() == [20, 1]
    assert "-3 on 1 days, most -3 on 2026-01-06" in found.text()


def test_a_missing_receipt_is_a_surplus(tmp_path):
    events = days()
    (gone,) = (e for e in events if e.kind == "receive" and e.event_time // DAY == START // DAY + 7)
    found = told(tmp_path, [e for e in events if e != gone])
    assert found.balance["residual"].tolist() == [gone.qty]


def test_customers_orders_count_as_shipped_only_where_no_shipment_to_them_is_told(tmp_path):
    orders = [e._replace(kind="order") if e.kind == "ship" else e for e in days()]
    assert told(tmp_path, orders).balance["residual"].tolist() == [0.0]
    both = [*days(), event(99, 0, "order", 5.0)]
    assert told(tmp_path, both).balance["residual"].tolist() == [0.0]


@pytest.mark.parametrize("named", [False, True])
def test_production_uses_components_by_the_scenario_or_as_the_events_say(named, tmp_path):
    scenario = Scenario.model_validate({
        "horizon": 9, "sites": [{"name": "shop"}], "items": [{"name": "x"}, {"name": "part"}],
        "purchases": [{"site": "shop", "item": "part", "lead_time": 1}],
        "production": [{"site": "shop", "item": "x", "inputs": [{"item": "part", "usage": 2}]}],
        "demand": [{"site": "shop", "item": "x", "kind": "poisson", "mean": 1}],
    })  # fmt: skip
    events = [
        event(0, 0, "count", 50.0, item="part"), event(1, HOUR, "make", 9.0, value=10.0),
        event(2, 2 * HOUR, "count", 30.0, item="part"),
    ]  # fmt: skip
    if named:
        events.append(event(3, HOUR, "ship", 20.0, item="part", partner="shop", quality="input"))
    found = told(tmp_path, events, None if named else scenario)
    part = found.balance.set_index("item").loc["part"]
    assert (part["used"], part["residual"]) == (20.0, 0.0)


def test_counts_of_the_books_are_used_only_where_nobody_looks(tmp_path):
    books = [
        event(1000 + n, n * DAY + 4 * HOUR, "count", 7.0 * n, device="books") for n in range(9)
    ]
    assert told(tmp_path, days() + books).balance["residual"].tolist() == [0.0]
    assert told(tmp_path, books).balance["residual"].tolist() == [56.0]


def test_gaps_silences_and_clocks_that_run_backwards_are_found_by_device(tmp_path):
    hours = [n for n in range(100) if n not in (20, 21, 22, 50, *range(70, 80))]
    events = [
        Event(f"e{n}", "s", "shop", START + n * HOUR, "sense", device="d", seq=n, value=1.0)
        for n in hours
    ]
    events[5] = events[5]._replace(event_time=events[5].event_time - 3 * HOUR)
    (found,) = told(tmp_path, events).devices
    assert (found.missing, found.backwards, found.silences) == (14, 1, 1)
    assert (found.interval, found.longest) == (3600.0, 11 * 3600.0)


def test_whose_clocks_are_doubted_is_told_by_device_or_source(tmp_path):
    events = [event(n, n * HOUR, "ship", 1.0) for n in range(500)]
    wrong = (event(500, -20 * 365 * DAY, "ship", 1.0), event(501, 40 * 365 * DAY, "sense", device="d"),
             event(502, 40 * 365 * DAY + 2 * DAY, "sense", device="d"))  # fmt: skip
    found = told(tmp_path, [*events, *wrong])
    assert [one[:2] for one in found.strays] == [("d", 2), ("s", 1)]
    assert found.astray == 3
    lines = [" ".join(line.split()) for line in found.text().splitlines()]
    assert "d 2 from 2065-12-22 to 2065-12-24" in lines
    assert "s 1 of 2006-01-06" in lines
    assert told(tmp_path, events).strays == []


def test_a_clock_that_jumps_for_all_leaves_a_pause_that_is_told(tmp_path):
    def seen(jump):
        events = [
            event(n, n * HOUR + (jump * DAY if n >= 300 else 0), "count", 5.0) for n in range(600)
        ]
        return told(tmp_path, events)

    assert seen(3).pause is None
    found = seen(400)
    assert found.pause == (START + 299 * HOUR, START + 300 * HOUR + 400 * DAY)
    assert "Nothing at all was told from 2026-01-13 to 2027-02-17" in found.text()
    json.dumps(found.to_dict())


def test_a_quantity_in_another_unit_stands_out(tmp_path):
    events = [event(n, n * HOUR, "ship", 5.0 + n % 3) for n in range(50)]
    events.append(event(50, 0, "ship", 6000.0))
    (found,) = told(tmp_path, events).ranges
    assert (found.low, found.middle, found.high, found.far) == (5.0, 6.0, 6000.0, 1)


def test_lateness_is_told_of_live_sources_only(tmp_path):
    live = [e._replace(ingest_time=e.event_time + HOUR) for e in days()]
    live[7] = live[7]._replace(ingest_time=live[7].event_time + 2 * DAY)
    found = told(tmp_path, live)
    assert (found.timed, found.late, found.ahead) == (60, 1, 0)
    at_once = [e._replace(ingest_time=START + 99 * DAY) for e in days()]
    assert told(tmp_path, at_once).timed == 0


def test_what_can_be_learnt_follows_from_what_is_there(tmp_path):
    def can(events):
        return {one.what for one in told(tmp_path, events).learnt if one.possible}

    assert can(days()) == {"shrink"}
    assert can([event(0, 0, "order", 1.0)]) == {"demand"}
    lot = [
        event(0, 0, "ship", 1.0, lot="L", partner="b"),
        event(1, 1, "receive", 1.0, lot="L", partner="a"),
    ]
    assert can(lot) == {"lead times"}
    assert can([lot[0], lot[1]._replace(lot="M")]) == set()
    assert can([event(0, 0, "make", 1.0, value=2.0)]) == {"yield"}
    assert can([event(0, 0, "order", 1.0, partner="b")]) == {"ordering rules"}


def test_lots_whose_receipts_were_never_told_are_counted_apart_from_those_on_the_way(tmp_path):
    events = []
    for n in range(30):
        lot = {"partner": "hub", "lot": f"lot{n}"}
        events.append(event(2 * n, n * DAY, "order", 5.0, **lot))
        if n not in (7, 12, 28, 29):  # two are missing, two were sent last
            events.append(event(2 * n + 1, (n + 3) * DAY, "receive", 5.0, **lot))
    learnt = {one.what: one.why for one in told(tmp_path, events).learnt}
    assert "26 lots sent and received, 2 still on the way" in learnt["lead times"]
    assert "receipts of 2 more are missing" in learnt["lead times"]


def test_pieces_give_the_same_report_as_the_whole(tmp_path, monkeypatch):
    events = [e._replace(event_id=f"{s}{e.event_id}", site=s, device=s, seq=n)
              for s in "abcdefg" for n, e in enumerate(days(2.0))]  # fmt: skip
    wanted = told(tmp_path, events)

    def small(table, column):
        return store_parts.pieces(table, column, 100)

    monkeypatch.setattr(balance, "pieces", small)
    monkeypatch.setattr("calibration.quality.pieces", small)
    found = told(tmp_path, events)
    assert found.to_dict() == wanted.to_dict()


def test_the_report_fits_a_terminal_and_is_plain_data(tmp_path):
    wide = [event(n, n * HOUR, "ship", 10.0**n, site="s" * 70, device="d" * 90) for n in range(9)]
    for events in (wide, days(3.0), []):
        found = told(tmp_path, events)
        assert max(map(len, found.text().splitlines())) <= 80
        json.dumps(found.to_dict())
