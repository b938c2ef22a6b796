"""Replay: recorded rows are told again, in their order and pace, marked and traceable."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from calibration.arrivals import arrival
from calibration.errors import TelemetryError
from calibration.event_files import write, write_paced
from calibration.ingest import ingest
from calibration.live.origin import newest_made_of
from calibration.live.publish import publish
from calibration.replay import paced, recorded
from calibration.store import Store
from calibration.times import DAY, SECOND
from tests.calibration.brokers import Broker
from tests.calibration.test_listen import counts, listening, rows, until
from tests.calibration.test_quality import days
from twin.cli import app
from twin.errors import RunError, TwinError

ROOT = Path(__file__).parents[2]


def filled(path):
    """Return a store that holds 60 events of 20 days, taken in afterwards."""
    with Store(path) as store:
        store.add(e._replace(raw_ref=f"plant.csv:{n}") for n, e in enumerate(days(), 2))
    return path


def call(*words):
    return CliRunner().invoke(app, ["emulate", *map(str, words)])


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_store_and_the_file_it_is_replayed_to_hold_the_same_but_for_the_mark(ending, tmp_path):
    store, file = filled(tmp_path / "s.db"), tmp_path / f"again.{ending}"
    done = call("--recorded", store, "-o", file)
    assert (done.exit_code, done.stdout) == (0, f"wrote 60 events to {file}\n")
    first, again = recorded(store).events, recorded(file).events
    assert set(again["quality"]) == {"replayed"}
    assert newest_made_of(again) == again["event_time"].max()
    told = [c for c in first.columns if c not in ("ingest_time", "raw_ref")]
    pd.testing.assert_frame_equal(first[told], again[told])
    assert set(first["raw_ref"]) == {f"plant.csv:{n}" for n in range(2, 62)}
    with Store(store) as opened:  # told to the store it came from, it doubles nothing
        assert ingest(file, opened).accepted == 0


def test_rows_of_a_file_with_a_map_are_replayed_and_those_that_are_none_are_told(tmp_path):
    (tmp_path / "till.csv").write_text("when,n\n2026-01-05T08:00Z,3\nyesterday,4\n")
    rules = "columns: {event_time: when, qty: n}\nconstants: {kind: order, site: s, item: x}\n"
    (tmp_path / "map.yaml").write_text(rules)
    words = "--recorded", tmp_path / "till.csv", "--map", tmp_path / "map.yaml"
    done = call(*words, "-o", tmp_path / "a.csv")
    assert done.stdout.startswith("wrote 1 events")
    assert "1 rows of" in done.stderr
    (event,) = pd.read_csv(tmp_path / "a.csv", keep_default_na=False).to_dict("records")
    assert (event["source"], event["raw_ref"]) == ("till.csv", "till.csv:2")
    assert (event["qty"], event["quality"]) == (3.0, "replayed")


def test_events_come_as_they_came_in_and_as_they_happened_where_that_is_not_known(tmp_path):
    late = counts(3).assign(ingest_time=lambda f: f["event_time"].to_numpy()[::-1])
    file = counts(3, "other").assign(source="file", ingest_time=late["event_time"].max() + DAY)
    both = pd.concat([late, file], ignore_index=True)
    assert arrival(both).tolist() == [*late["ingest_time"], *file["event_time"]]
    write_paced(both, tmp_path / "a.csv", 1e6)
    told = pd.read_csv(tmp_path / "a.csv")
    assert told[told["source"] == "test"]["qty"].tolist() == [2.0, 1.0, 0.0]
    assert told[told["source"] == "file"]["qty"].tolist() == [0.0, 1.0, 2.0]


def test_a_paced_file_holds_whole_lines_and_the_same_ones(tmp_path):
    events = counts(40).assign(ingest_time=0)
    for name in ("a.csv", "a.jsonl"):
        write(events, tmp_path / name)
        assert write_paced(events, tmp_path / f"p{name}", 1e9) == 40
        assert (tmp_path / f"p{name}").read_text() == (tmp_path / name).read_text()


def test_each_is_told_when_it_is_due_and_no_more_once_stopped(monkeypatch):
    clock, waits = [100.0], []

    class Stop:
        def is_set(self):
            return len(waits) > 3

        def wait(self, seconds):
            waits.append(seconds)
            clock[0] += seconds

    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    told = [(n * 10 * SECOND, n) for n in range(9)]
    seen = []
    found = [*paced(iter(told), 9, speed=5.0, stop=Stop(), progress=lambda *of: seen.append(of))]
    assert found == [0, 1, 2]
    assert waits == [0.0, 2.0, 2.0, 2.0]
    assert seen == [(0, 9), (1, 9), (2, 9)]


def test_what_cannot_be_meant_is_refused_before_anything_is_written(tmp_path):
    store, out = filled(tmp_path / "s.db"), tmp_path / "a.csv"
    (tmp_path / "no.csv").write_text("event_time,kind\n")
    for words, said in (
        ((), "name a SCENARIO"), ((store,), "no scenario; to replay"),
        (("electronics", "--recorded", store), "keep one of them"),
        (("--recorded", store, "--replication", 1), "no luck"), (("--recorded", store, "--map", "m"), "for files"),
        (("electronics", "--map", "m"), "--recorded SOURCE"), (("--recorded", tmp_path / "x.csv"), "no such file"),
        (("--recorded", tmp_path / "no.csv"), "no events to replay"),
        (("--recorded", store, "--speed", "0"), "speed = 0"),
        (("--recorded", store, "--speed", "9", "--shuffle"), "no pace"),
    ):  # fmt: skip
        done = call(*words, "-o", out)
        assert done.exit_code == 2, words
        assert said in done.stderr
        assert not out.exists()
    with pytest.raises(RunError, match="speed = nan"):
        paced(iter(()), 0, speed=float("nan"))
    with pytest.raises(TelemetryError, match="no such"):
        recorded(tmp_path / "none.db")


def test_ctrl_c_ends_a_paced_file_with_a_whole_line_and_says_how_far_it_came(tmp_path):
    store, out = filled(tmp_path / "s.db"), tmp_path / "a.jsonl"
    words = ["emulate", "--recorded", str(store), "-o", str(out), "--speed", "43200"]
    code = "from twin.cli import app; app()"
    process = subprocess.Popen([sys.executable, "-c", code, *words], cwd=ROOT, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    until(lambda: out.exists() and out.read_text().count("\n") > 2)
    process.send_signal(signal.SIGINT)
    said, noted = process.communicate(timeout=30)
    text = out.read_text()
    assert (process.returncode, noted) == (130, "twin: stopped\n")
    assert text.endswith("}\n")
    n = len(text.splitlines())
    assert 2 < n < 60
    assert said == f"wrote {n} of 60 events to {out}\n"


@pytest.mark.broker
def test_a_replayed_store_reaches_the_listener_as_replay_and_stays_traceable(tmp_path):
    store = filled(tmp_path / "s.db")
    with Broker(tmp_path / "broker") as broker, listening(broker.url, tmp_path / "b.db") as health:
        done = call("--recorded", store, "--broker", broker.url, "--delay", "0.1")
        assert done.stdout == f"published 60 of 60 events to {broker.url}\n"
        until(lambda: health.stored == 60)
        assert health.mode == "replay"
    first, again = recorded(store).events, rows(tmp_path / "b.db")
    assert again["quality"].tolist() == ["replayed"] * 60
    pd.testing.assert_series_equal(again["raw_ref"], "s " + first["raw_ref"])
    for name in ("event_id", "event_time", "site", "item", "qty", "kind"):
        pd.testing.assert_series_equal(first[name], again[name])


@pytest.mark.broker
def test_who_may_not_publish_is_told_so_with_an_exit_code(tmp_path):
    store = filled(tmp_path / "s.db")
    with Broker(tmp_path / "broker", users=True) as broker:
        login = broker.login("thief")
        done = call("--recorded", store, "--broker", broker.url, "--username", "thief",
                    "--password-file", login["password_file"])  # fmt: skip
    assert done.exit_code == 2
    assert done.stdout == f"published 0 of 60 events to {broker.url}\n"
    assert (
        "refused an event: Not authorized; nothing more was sent. Let user 'thief'" in done.stderr
    )


@pytest.mark.broker
def test_a_broker_that_drops_what_is_too_large_does_not_keep_us_for_ever(tmp_path):
    broker = Broker(tmp_path / "broker")
    with (broker.folder / "mosquitto.conf").open("a") as more:
        more.write("max_packet_size 400\n")
    wide = counts(1).assign(lot="x" * 500)
    with broker, pytest.raises(TwinError, match="dropped the connection 4 times: Packet too large"):
        publish(wide, broker.url)
