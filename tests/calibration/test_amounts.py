"""Quantities below zero: one rule for files, EPCIS and messages, and what they take back."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest

from calibration import periods
from calibration.amounts import taken_back
from calibration.direct import lead_times
from calibration.emulate import frame
from calibration.events import Event
from calibration.ingest import ingest
from calibration.live.lanes import Lanes
from calibration.live.payloads import Reader, topic_of
from calibration.live.points import Points
from calibration.store import Store
from calibration.times import DAY, to_iso
from tests.calibration.test_epcis import changed, document
from tests.calibration.test_follow_lanes import came, link_of, network, sent
from tests.calibration.test_periods import SCENARIO, START, order

FORMS = [*product(("order", "ship", "receive", "make", "count"), ("", "scale", "books"))]


def by_file(tmp_path, kind, device):
    """Return marks and reasons for a quantity of -3 in a CSV file."""
    file = tmp_path / f"{kind}{device}.csv"
    file.write_text(
        f"event_time,kind,site,item,qty,device\n{to_iso(START)},{kind},s,x,-3,{device}\n"
    )
    with Store(tmp_path / f"{kind}{device}.db") as store:
        report = ingest(file, store)
        assert report.rows == report.accepted + report.rejected == 1
        return store.read()["quality"].tolist(), [*report.reasons]


def by_message(kind, device):
    given = {"event_id": "a", "event_time": START, "kind": kind, "item": "x", "qty": -3}
    found = Reader().read(topic_of("s", device), json.dumps(given).encode(), START)
    return [e.quality for e in found.events], [r.detail for r in found.rejected]


@pytest.mark.parametrize(("kind", "device"), FORMS)
def test_a_file_and_a_message_agree_on_what_may_be_below_zero(kind, device, tmp_path):
    marks, reasons = by_file(tmp_path, kind, device)
    told, refused = by_message(kind, device)
    there_is_no_such_stock = kind == "count" and device != "books"
    assert marks == told == ([] if there_is_no_such_stock else ["negative"])
    assert len(reasons) == len(refused) == there_is_no_such_stock
    if there_is_no_such_stock:
        assert refused == [f"-3; {reasons[0]}"]
        assert "'books'" in reasons[0]


def test_of_an_epcis_event_with_an_impossible_count_nothing_is_taken(tmp_path):
    lots = [{"epcClass": "urn:x:1", "quantity": 4}, {"epcClass": "urn:x:2", "quantity": -4}]
    for step, accepted in (("stock_taking", 0), ("shipping", 2)):
        event = changed(bizStep=step, quantityList=lots, eventID=f"urn:uuid:{step}")
        (tmp_path / "a.jsonld").write_text(json.dumps(document(event)))
        with Store(tmp_path / f"{step}.db") as store:
            report = ingest(tmp_path / "a.jsonld", store)
        assert (report.accepted, report.rejected) == (accepted, not accepted)


def test_what_is_taken_back_is_the_newest_that_was_told():
    rng = np.random.Generator(np.random.PCG64(1))
    for _ in range(200):
        series = rng.integers(-6, 9, 20).astype(float)
        series[rng.random(20) < 0.2] = np.nan
        stands = []
        for x in series:  # the oracle: unit by unit
            stands.append(0.0 if np.isnan(x) else max(x, 0.0))
            owed = max(0.0, -x) if not np.isnan(x) else 0.0
            for t in reversed(range(len(stands))):
                part = min(owed, stands[t])
                stands[t], owed = stands[t] - part, owed - part
        wanted = np.where(np.isnan(series), np.nan, stands)
        np.testing.assert_array_equal(taken_back(series), wanted)


def test_a_cancelled_order_was_never_demand():
    told = frame([order(0, 9.0), order(1, 4.0), order(2, 3.0), order(3, -5.0)])
    assert periods.add_up(told, SCENARIO).demand["shop", "tea"].tolist() == [9.0, 2.0, 0.0, 0.0]


def test_a_dispatch_that_was_taken_back_is_not_on_its_way():
    told = [
        Event(f"e{day}{qty}", "erp", "depot", START + day * DAY, "ship", item="tea", lot=lot,
              partner="shop", qty=qty)
        for day, lot, qty in ((0, "a", 5.0), (1, "b", 5.0), (2, "b", -5.0), (3, "c", 5.0), (4, "c", -1.0))
    ]  # fmt: skip
    told += [
        Event(f"r{lot}", "erp", "shop", START + 5 * DAY, "receive", item="tea", lot=lot,
              partner="depot", qty=qty)
        for lot, qty in (("a", 5.0), ("c", 4.0))
    ]  # fmt: skip
    found = lead_times.trips(frame(told), SCENARIO).table.query("kind == 'ship'")
    assert found[["lot", "sent", "got"]].to_numpy().tolist() == [["a", 0, 5], ["c", 3, 5]]


def test_live_what_is_taken_back_neither_arrives_nor_is_waited_for_nor_is_demand():
    lanes, top = Lanes(network("3")), network("3")
    lanes.take([sent(0, 1), sent(0, 2), sent(1, 1)._replace(qty=-10.0)], 0, 1)
    lanes.take([came(2, 2)._replace(qty=-10.0)], 0, 1)
    assert lanes.close(2, {}).waiting[link_of(top)] == 10.0
    told = [Event(f"o{qty}", "s", "shop", 0, "order", item="tea", qty=qty) for qty in (3.0, -5.0)]
    day = Points(top).day(told, [], np.zeros(len(top.points)))
    assert day.demand[Points(top).row["shop", "tea"]] == 0.0
