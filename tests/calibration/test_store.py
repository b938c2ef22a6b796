"""The event store: nothing lost, nothing double, whatever the order, the kill or the reader."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys

import pytest

from calibration import compact as compacting
from calibration.compact import compact
from calibration.errors import TelemetryError
from calibration.events import NAMES, Event
from calibration.store import VERSION, Store
from calibration.store_parts import Load
from calibration.times import DAY

START = 20_454 * DAY  # 2026-01-01


def event(n, **changes):
    fields = {"item": "x", "qty": float(n), "seq": n if n % 3 else None, "device": f"d{n % 4}"}
    return Event(f"e{n}", "till", f"s{n % 2}", START + n * DAY // 7, "count", **(fields | changes))


EVENTS = [event(n) for n in range(70)]


def filled(path, events=EVENTS):
    with Store(path) as store:
        store.add(events)
    return path


def test_an_event_that_comes_again_is_left_out_and_its_first_form_stays(tmp_path):
    with Store(tmp_path / "a.db") as store:
        assert store.add(EVENTS) == 70
        assert store.add([*EVENTS[:5], event(70), event(3, qty=99.0)]) == 1
        assert len(store.read()) == 71
        assert store.read()["qty"].max() == 70.0


def test_digest_is_the_same_for_the_same_events_shuffled_doubled_and_compacted(tmp_path):
    with Store(filled(tmp_path / "a.db")) as store:
        wanted = store.digest()
    luck = random.Random(1)
    given = [e._replace(ingest_time=n, raw_ref=f"f:{n}") for n, e in enumerate(EVENTS * 2)]
    luck.shuffle(given)
    with Store(tmp_path / "b.db") as store:
        for n in range(0, len(given), 9):
            store.add(given[n : n + 9])
            if n == 63:
                compact(store, START + 4 * DAY)
        assert store.digest() == wanted
        compact(store)
        assert store.digest() == wanted
        store.add([event(70)])
        assert store.digest() != wanted


def test_reading_has_all_columns_sorted_by_time_and_filters_before_and_after_compaction(tmp_path):
    with Store(filled(tmp_path / "a.db")) as store:
        whole = store.read()
        assert list(whole.columns) == list(NAMES)
        assert whole["event_time"].is_monotonic_increasing
        assert whole["seq"].isna().sum() == 24
        asked = {"sites": ["s1"], "since": START + 2 * DAY, "until": START + 5 * DAY}
        some = store.read(kinds=["count"], items=["x"], **asked)
        wanted = whole[(whole["site"] == "s1") & whole["event_time"].between(
            START + 2 * DAY, START + 5 * DAY, inclusive="left")]  # fmt: skip
        assert some.equals(wanted.reset_index(drop=True))
        assert store.read(kinds=["sense"]).empty
        for before in (START + 3 * DAY, None):
            compact(store, before)
            assert store.read().equals(whole)
            assert store.read(kinds=["count"], items=["x"], **asked).equals(some)


def test_what_is_known_in_a_compacted_day_is_not_taken_twice_and_late_events_are_merged(tmp_path):
    with Store(filled(tmp_path / "a.db", EVENTS[::2])) as store:
        assert compact(store).rows == 35
        assert store.add(EVENTS) == 35
        assert len(store.read()) == 70
        assert compact(store).rows == 35
        assert store.add(EVENTS) == 0
        assert sorted(store.read()["event_id"]) == sorted(e.event_id for e in EVENTS)


def test_compaction_stops_before_the_day_of_the_time_given(tmp_path):
    with Store(filled(tmp_path / "a.db")) as store:
        done = compact(store, START + 2 * DAY + 5)
        assert (done.days, done.rows) == (2, 14)
        assert [f.name for f in store.days().values()] == [
            "2026-01-01.1.parquet", "2026-01-02.1.parquet"
        ]  # fmt: skip
        assert compact(store, START).days == 0


@pytest.mark.parametrize("step", ["write_table", "fsync", "replace", "second fsync", "commit"])
def test_an_interrupt_at_any_step_of_compaction_loses_and_doubles_nothing(
    step, tmp_path, monkeypatch
):
    calls = []

    def stop(*_, **__):
        calls.append(step)
        if step != "second fsync" or len(calls) == 2:
            raise KeyboardInterrupt

    with Store(filled(tmp_path / "a.db")) as store:
        compact(store, START + 2 * DAY)  # some days have a file already, and get late events
        store.add([event(n, device="late") for n in range(100, 107)])
        wanted = store.digest()
        with monkeypatch.context() as patch:
            if step == "commit":
                whole = compacting._move
                patch.setattr(compacting, "_move", lambda *a: (whole(*a), stop()))
            elif step == "write_table":
                patch.setattr(compacting.pq, "write_table", stop)
            else:
                patch.setattr(compacting.os, step.split()[-1], stop)
            with pytest.raises(KeyboardInterrupt):
                compact(store)
        assert calls
        assert store.digest() == wanted
        compact(store)
        assert store.digest() == wanted
        assert {p.name for p in store.folder.iterdir()} == {p.name for p in store.days().values()}


def test_a_killed_compaction_loses_and_doubles_nothing(tmp_path):
    path = filled(tmp_path / "a.db")
    with Store(path) as store:
        wanted = store.digest()
    program = (
        "import os, sys; from calibration import compact as c; from calibration.store import Store\n"
        "steps = iter(range(100)); sync = os.fsync\n"
        "def fsync(n):\n    sync(n)\n    if next(steps) == 7: os.kill(os.getpid(), 9)\n"
        "c.os.fsync = fsync; c.compact(Store(sys.argv[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    with Store(path) as store:
        assert 0 < len(store.days()) < 10
        assert store.digest() == wanted
        compact(store)
        assert store.digest() == wanted


def test_another_process_reads_while_one_writes(tmp_path):
    path = filled(tmp_path / "a.db")
    program = (
        "import sys; from calibration.store import Store\n"
        "with Store(sys.argv[1], write=False) as s: print(len(s.read()))"
    )
    with Store(path) as store, store.transaction() as db:
        db.execute("DELETE FROM events WHERE event_id = 'e1'")
        done = subprocess.run(
            [sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True
        )
    assert done.stdout.strip() == "70"  # what was committed, not what is being written


def test_a_taken_back_event_is_hidden_and_can_be_shown_whichever_came_first(tmp_path):
    void = event(5, quality="void")._replace(event_id="e5#void")
    for name, events in (("a", [*EVENTS, void]), ("b", [void, *EVENTS])):
        with Store(filled(tmp_path / f"{name}.db", events)) as store:
            assert set(store.read()["event_id"]) == {e.event_id for e in EVENTS} - {"e5"}
            assert len(store.read(void=True)) == 71
            assert store.table(["qty"]).num_rows == 69


def test_a_batch_that_fails_is_not_stored_at_all(tmp_path):
    with Store(filled(tmp_path / "a.db")) as store:
        wrong = event(99)._replace(qty={})
        with pytest.raises(TelemetryError, match="nothing of this batch was stored"):
            store.add([event(98), wrong])
        assert len(store.read()) == 70


def test_what_a_load_brought_is_stored_with_its_rows(tmp_path):
    load = Load("a.csv", begun=1)
    with Store(tmp_path / "a.db") as store:
        for rows, rejected in ((EVENTS[:9], {"bad": 2}), (EVENTS[5:12], {"bad": 1, "worse": 1})):
            new = store.add_rows([e.row() for e in rows], load, rejected)
            load = load.plus(len(rows), new, rejected)
        assert store.loads() == [load]
    assert (load.rows, load.accepted, load.duplicates) == (20, 12, 4)
    assert load.rejected == {"bad": 3, "worse": 1}


def test_indexes_are_there_again_after_a_bulk_load_and_after_one_that_failed(tmp_path):
    with Store(tmp_path / "a.db") as store:
        with contextlib.suppress(KeyError), store.bulk():
            store.add(EVENTS)
            raise KeyError
        with store.transaction() as db:
            plan = str(
                db.execute(
                    "EXPLAIN QUERY PLAN SELECT qty FROM events WHERE device = 'd1'"
                ).fetchall()
            )
    assert "events_by_device" in plan


@pytest.mark.parametrize(("statement", "says"), [
    ("CREATE TABLE t (x)", "no event store"),
    (f"PRAGMA application_id = {0x7477696E}; PRAGMA user_version = {VERSION + 1}", "newer version"),
])  # fmt: skip
def test_a_foreign_or_newer_database_is_refused_and_left_alone(statement, says, tmp_path):
    with sqlite3.connect(tmp_path / "a.db") as db:
        db.executescript(statement)
    db.close()
    before = (tmp_path / "a.db").read_bytes()
    with pytest.raises(TelemetryError, match=says):
        Store(tmp_path / "a.db", write=False)
    assert (tmp_path / "a.db").read_bytes() == before


def test_a_missing_store_or_one_that_is_no_database_is_said(tmp_path):
    with pytest.raises(TelemetryError, match="no such store"):
        Store(tmp_path / "none.db", write=False)
    (tmp_path / "text.db").write_text("no database" * 99)
    with pytest.raises(TelemetryError, match="cannot be opened as an event store"):
        Store(tmp_path / "text.db")
    assert os.listdir(tmp_path) == ["text.db"]
