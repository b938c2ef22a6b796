"""CSV and Parquet files: what the map says becomes events, what cannot be one is told."""

from __future__ import annotations

import pandas as pd
import pytest

from calibration.adapters.mapping import Map, load_map
from calibration.errors import TelemetryError
from calibration.ingest import ingest
from calibration.store import Store
from calibration.times import to_iso

MAP = """
columns: {event_time: Sold at, site: Shop, item: SKU, qty: Units, kind: Type, unit: Unit}
kinds: {SALE: order, IN: receive}
sites: {Shop 1: shop}
units: {box: {unit: piece, factor: 12}}
decimal: ","
time: {format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}
"""
HEAD = "Sold at;Shop;SKU;Units;Type;Unit\n"


def taken(tmp_path, text, rules=MAP, name="till.csv", **more):
    """Return the report and the events of a file."""
    (tmp_path / name).write_text(text)
    if rules is not None:
        (tmp_path / "map.yaml").write_text(rules)
        rules = tmp_path / "map.yaml"
    with Store(tmp_path / "store.db") as store:
        return ingest(tmp_path / name, store, rules, **more), store.read()


def test_a_map_translates_names_units_decimals_and_local_times(tmp_path):
    rows = "03.07.2026 10:00;Shop 1;A;1,5;SALE;box\n03.01.2026 10:00;Shop 2;A;1.000,5;IN;\n"
    report, events = taken(tmp_path, HEAD + rows)
    assert (report.rows, report.accepted) == (2, 2)
    assert [to_iso(t) for t in events["event_time"]] == [
        "2026-01-03T09:00:00Z", "2026-07-03T08:00:00Z"  # winter and summer time
    ]  # fmt: skip
    assert list(events["site"]) == ["Shop 2", "shop"]
    assert list(events["kind"]) == ["receive", "order"]
    assert list(events["qty"]) == [1000.5, 18.0]
    assert list(events["unit"]) == ["", "piece"]
    assert list(events["raw_ref"]) == ["till.csv:3", "till.csv:2"]


@pytest.mark.parametrize(("row", "reason", "value"), [
    ("yesterday;s;A;1;SALE;", "event_time: the time cannot be read", "yesterday"),
    (";s;A;1;SALE;", "event_time: the time is empty", ""),
    ("29.03.2026 02:30;s;A;1;SALE;", "event_time: the clock of the zone", "29.03.2026 02:30"),
    ("01.01.1970 10:00;s;A;1;SALE;", "event_time: the time is not from 1990", "01.01.1970 10:00"),
    ("03.01.2026 10:00;;A;1;SALE;", "site: empty", ""),
    ("03.01.2026 10:00;s;;1;SALE;", "item: empty", ""),
    ("03.01.2026 10:00;s;A;;SALE;", "qty: empty", ""),
    ("03.01.2026 10:00;s;A;inf;SALE;", "qty: not a finite number", "inf"),
    ("03.01.2026 10:00;s;A;1_0;SALE;", "qty: not a finite number", "1_0"),
    ("03.01.2026 10:00;s;A;1;SOLD;", "kind: none of count, order", "SOLD"),
    ("03.01.2026 10:00;s\x01;A;1;SALE;", "site: control characters", "s\\x01"),
    ("03.01.2026 10:00;" + "s" * 201 + ";A;1;SALE;", "site: longer than 200", "s" * 77 + "..."),
    ('03.01.2026 10:00;"s;A;1;SALE;', "line: a quote is not closed", ""),
    ("03.01.2026 10:00;s;A;1;SALE", "line: not as many cells", ""),
])  # fmt: skip
def test_a_bad_row_is_rejected_with_place_value_and_reason_and_no_other(
    row, reason, value, tmp_path
):
    good = "03.01.2026 10:00;s;A;1;SALE;\n04.01.2026 10:00;s;A;1;SALE;\n"
    report, events = taken(tmp_path, HEAD + good.replace("\n", f"\n{row}\n", 1))
    assert (report.rows, report.accepted, report.rejected) == (3, 2, 1)
    ((found, (one,)),) = report.examples.items()
    assert found.startswith(reason)
    assert (one.place, one.value) == ("till.csv:3", value)
    assert len(events) == 2


def test_mixed_zones_are_one_time_and_naive_times_need_the_maps_zone(tmp_path):
    head = "event_time,kind,site,item,qty\n"
    rows = [f"{t},count,s,x,1\n" for t in (
        "2026-01-05T12:00:00Z", "2026-01-05T13:00:00+01:00", "2026-01-05 07:00:00-05:00",
        "1767614400000000", "2026-01-05T12:00:00",
    )]  # fmt: skip
    report, events = taken(tmp_path, head + "".join(rows), None)
    assert (report.accepted, report.rejected) == (4, 1)
    assert set(events["event_time"]) == {1_767_614_400_000_000}
    assert next(iter(report.reasons)).startswith("event_time: the time has no zone")


def test_what_is_taken_back_and_odd_times_are_taken_with_a_mark(tmp_path):
    rows = "25.10.2026 02:30;s;A;-3;SALE;\n03.01.2026 10:00;s;A;1;SALE;\n"
    report, events = taken(tmp_path, HEAD + rows)
    assert list(events["quality"]) == ["", "clock_twice negative"]
    assert report.marks == {"clock_twice": 1, "negative": 1}


def test_daily_totals_are_marked_and_a_date_is_its_midnight_utc_in_any_zone(tmp_path):
    rules = (
        "columns: {event_time: day, qty: n}\nconstants: {kind: order, site: s, item: x}\n"
        "time: {zone: Asia/Tokyo}\n"
    )
    text = "day,n\n2026-01-05,7\n"
    _, events = taken(tmp_path, text, rules + "totals: true\n")
    assert to_iso(events["event_time"][0]) == "2026-01-05T00:00:00Z"
    assert events["quality"][0] == "total"
    _, events = taken(tmp_path, text.replace("7", "8"), rules)
    assert set(events["quality"]) == {"total", "date_only"}


def test_one_row_can_tell_of_several_events_and_of_those_that_have_happened(tmp_path):
    rules = (
        "columns: {event_time: sent, site: from, partner: to, lot: no, item: sku, qty: n}\n"
        "constants: {kind: ship}\nid: [no]\n"
        "more: [{columns: {event_time: got, site: to, partner: from}, constants: {kind: receive}}]"
    )
    text = (
        "no,sent,got,from,to,sku,n\nL1,2026-01-05T08:00Z,2026-01-09T08:00Z,a,b,x,5\n"
        "L2,2026-01-06T08:00Z,,a,b,x,6\n"
    )
    report, events = taken(tmp_path, text, rules)
    assert (report.rows, report.accepted) == (3, 3)
    assert list(zip(events["event_id"], events["kind"], events["site"], strict=True)) == [
        ("L1", "ship", "a"), ("L2", "ship", "a"), ("L1#1", "receive", "b")
    ]  # fmt: skip


@pytest.mark.parametrize(("key", "new"), [("", 1), ("id: row\n", 2), ("id: [SKU]\n", 1)])
def test_two_rows_of_the_same_text_are_one_event_unless_their_number_names_them(key, new, tmp_path):
    row = "03.01.2026 10:00;s;A;1;SALE;\n"
    report, _ = taken(tmp_path, HEAD + row + row.replace("\n", "\r\n"), MAP + key)
    assert (report.accepted, report.duplicates) == (new, 2 - new)


def test_parquet_gives_the_same_events_as_csv(tmp_path):
    frame = pd.DataFrame({
        "event_time": pd.to_datetime(["2026-01-05T12:00:00.000001Z", "2026-01-06T12:00:00.5Z"]),
        "kind": pd.Categorical(["count", "sense"]), "site": ["s", "t"], "item": ["x", None],
        "qty": [0.1, None], "value": [None, 1 / 3], "seq": [1, 2], "event_id": ["a", "b"],
    })  # fmt: skip
    frame.to_parquet(tmp_path / "p.parquet")
    with Store(tmp_path / "p.db") as store:
        assert ingest(tmp_path / "p.parquet", store, Map.model_validate(
            {"source": "t", "columns": {n: n for n in frame.columns}})).accepted == 2  # fmt: skip
        by_parquet, digest = store.read(), store.digest()
    assert by_parquet["value"][1] == 1 / 3
    frame.to_csv(tmp_path / "c.csv", index=False)
    with Store(tmp_path / "c.db") as store:
        rules = Map(source="t", columns={n: n for n in frame.columns})
        ingest(tmp_path / "c.csv", store, rules)
        assert store.digest() == digest


def test_a_cut_off_parquet_file_is_said(tmp_path):
    pd.DataFrame({"qty": [1.0]}).to_parquet(tmp_path / "p.parquet")
    whole = (tmp_path / "p.parquet").read_bytes()
    (tmp_path / "p.parquet").write_bytes(whole[:-20])
    with Store(tmp_path / "a.db") as store, pytest.raises(TelemetryError, match="no whole Parquet"):
        ingest(tmp_path / "p.parquet", store)


@pytest.mark.parametrize(("text", "says"), [
    ("columns: {event_tim: a}", "'event_tim' is no field.*did you mean 'event_time'"),
    ("columns: {kind: a}\nconstants: {kind: order}", "both a column and a constant"),
    ("constants: {kind: orde}", "did you mean 'order'"),
    ("kinds: {S: orde}", "line 1, kinds.S = 'orde'; did you mean 'order'"),
    ("units: {box: {unit: u, factor: 0}}", "factor = 0; must be above 0"),
    ("time: {zone: Berlin}", "zone = 'Berlin'; no such zone"),
    ("time: {format: x}", "format = 'x'; must be iso"),
    ("columnz: {a: b}", "unknown key 'columnz'; did you mean 'columns'"),
    ("", "the file is empty"),
])  # fmt: skip
def test_a_wrong_map_is_refused_with_its_line(text, says, tmp_path):
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(TelemetryError, match=says):
        load_map(tmp_path / "map.yaml")


@pytest.mark.parametrize(("content", "says"), [
    (b"", "no column names"), (b"a,b,a\n", "column 'a' a second time"),
    (b"\xff\xfea\n", "UTF-16"), (b"\xc3\x28,b\n", "not UTF-8"),
    (b"time,qty\n1,2\n", "no column 'Sold at', which the map names"),
])  # fmt: skip
def test_a_file_without_the_columns_is_refused(content, says, tmp_path):
    (tmp_path / "map.yaml").write_text(MAP)
    (tmp_path / "a.csv").write_bytes(content)
    with Store(tmp_path / "a.db") as store, pytest.raises(TelemetryError, match=says):
        ingest(tmp_path / "a.csv", store, tmp_path / "map.yaml")
