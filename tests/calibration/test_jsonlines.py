"""JSON lines: one object a line, inner objects by dots, bad lines told."""

from __future__ import annotations

import json

import pytest

from calibration.adapters.mapping import Map
from calibration.ingest import ingest
from calibration.store import Store
from calibration.times import to_iso

GOOD = {"event_time": "2026-01-05T12:00:00Z", "kind": "count", "site": "s", "item": "x", "qty": 5}


def taken(tmp_path, text, rules=None):
    (tmp_path / "a.jsonl").write_text(text)
    with Store(tmp_path / "a.db") as store:
        return ingest(tmp_path / "a.jsonl", store, rules), store.read()


def test_the_names_of_the_fields_need_no_map_and_an_id_is_kept(tmp_path):
    rows = [GOOD, GOOD | {"event_id": "e7", "seq": 3}, {"kind": "status", "value": True} | {
        "event_time": 1767614400000000, "site": "s", "device": "d"}]  # fmt: skip
    report, events = taken(tmp_path, "\n\n".join(map(json.dumps, rows)))
    assert (report.rows, report.accepted) == (3, 3)
    assert set(events["event_time"]) == {1767614400000000}
    assert "e7" in set(events["event_id"])
    assert sorted(events["raw_ref"]) == ["a.jsonl:1", "a.jsonl:3", "a.jsonl:5"]
    assert list(events["value"].dropna()) == [1.0]


def test_a_map_reaches_into_objects(tmp_path):
    rules = Map.model_validate({
        "columns": {"event_time": "at", "qty": "payload.n", "site": "payload.where.id"},
        "constants": {"kind": "count", "item": "x"}, "time": {"format": "s"},
    })  # fmt: skip
    row = {"at": 1767614400, "payload": {"n": 2.5, "where": {"id": "shop"}}}
    _, events = taken(tmp_path, json.dumps(row), rules)
    assert (events["site"][0], events["qty"][0]) == ("shop", 2.5)
    assert to_iso(events["event_time"][0]) == "2026-01-05T12:00:00Z"


@pytest.mark.parametrize(("line", "reason"), [
    (json.dumps(GOOD)[:-9], "line: not valid JSON"), ("[1]", "line: no JSON object"),
    (json.dumps(GOOD | {"qty": [1]}), "line: a list or an object where"),
    (json.dumps(GOOD | {"qty": float("nan")}), "line: not valid JSON"),
    (json.dumps(GOOD | {"qty": True}), "qty: true or false where a number belongs"),
    (json.dumps(GOOD | {"seq": False}), "seq: true or false where a number belongs"),
    ("[" * 100_000, "line: not valid JSON"),
    (json.dumps({k: v for k, v in GOOD.items() if k != "event_time"}), "event_time: the time is"),
])  # fmt: skip
def test_a_bad_line_is_rejected_and_no_other(line, reason, tmp_path):
    report, events = taken(tmp_path, f"{line}\n{json.dumps(GOOD)}\n")
    assert (report.accepted, report.rejected, len(events)) == (1, 1, 1)
    assert next(iter(report.reasons)).startswith(reason)
