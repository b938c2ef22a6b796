"""The listener against a real broker: crashes, restarts, forgers, encryption, bad payloads."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from calibration.emulate import frame
from calibration.events import Event
from calibration.live import listen as module
from calibration.live.connection import Access, LiveError
from calibration.live.fields import MAX_PAYLOAD
from calibration.live.health import Health
from calibration.live.listen import listen
from calibration.live.publish import publish
from calibration.store import Store
from calibration.times import SECOND
from tests.calibration.brokers import Broker

ROOT = Path(__file__).parents[2]
NOW = 1_770_000_000 * SECOND
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["calibration.live.listen"])  # a new consumer in no time


def counts(n: int, device: str = "scale") -> Any:
    """Return n counts of one device, a millisecond apart."""
    return frame([
        Event(f"e{i:05d}", "test", "dc", NOW + 1000 * i, "count", device=device, item="tea",
              qty=float(i))
        for i in range(n)
    ])  # fmt: skip


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@contextmanager
def listening(url: str, path: Path, health: Health | None = None, **more: Any) -> Iterator[Health]:
    """Listen in a thread until the block is left; what it raised is raised there."""
    health, stop, raised = health or Health(), threading.Event(), []

    def work() -> None:
        try:
            with Store(path) as store:
                listen(url, store, stop=stop, health=health, **more)
        except LiveError as error:
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    until(lambda: health.connected or not thread.is_alive())
    try:
        yield health
    finally:
        stop.set()
        thread.join(20)
    if raised:
        raise raised[0]


def listen_twice(url: str, folder: Path, both: list[Health]) -> None:
    with listening(url, folder / "a.db", both[0]), listening(url, folder / "b.db", both[1]):
        until(lambda: both[0].reason_codes["CONNACK", "Success"] > 2)
        time.sleep(2.0)


def consume(url: str, path: Path) -> None:
    with Store(path) as store:
        listen(url, store, client_id="killed")


def started(url: str, path: Path) -> Any:
    """Return a process of its own that listens."""
    found = FORKS.Process(target=consume, args=(url, path), daemon=True)
    found.start()
    return found


def stored(path: Path) -> int:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM events").fetchone()[0])


def rows(path: Path) -> Any:
    with Store(path, write=False) as store:
        return store.read()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path / "broker") as found:
        yield found


@pytest.mark.broker
def test_what_is_published_is_stored_once_and_marked_as_replayed(broker, tmp_path) -> None:
    sent = counts(300)
    with listening(broker.url, tmp_path / "s.db") as health:
        for _ in range(2):
            assert publish(sent, broker.url).taken == 300
        until(lambda: health.stored + health.duplicates == 600)
        assert (health.stored, health.duplicates, health.mode) == (300, 300, "replay")
    found = rows(tmp_path / "s.db")
    assert found["qty"].tolist() == sent["qty"].tolist()
    assert set(found["quality"]) == {"replayed"}
    with Store(tmp_path / "s.db", write=False) as store:
        (load,) = store.loads()
    assert (load.rows, load.accepted, load.duplicates) == (600, 300, 300)


@pytest.mark.broker
@pytest.mark.slow
def test_consumer_killed_again_and_again_loses_nothing_and_doubles_nothing(
    broker, tmp_path
) -> None:
    path, n, rng = tmp_path / "s.db", 20_000, random.Random(1)
    with listening(broker.url, path, client_id="killed"):
        pass  # the session exists from now on
    publisher = threading.Thread(target=publish, args=(counts(n), broker.url), daemon=True)
    publisher.start()
    at_work = 0
    for aim in sorted(rng.sample(range(n - 2000), 10)):
        consumer, before = started(broker.url, path), stored(path)
        least = min(n, max(aim, before + 1))
        until(lambda least=least: stored(path) >= least, 120)
        time.sleep(rng.uniform(0.0, 0.02))  # anywhere in a batch, committed or not
        consumer.kill()
        consumer.join()
        at_work += stored(path) < n
    last = started(broker.url, path)
    publisher.join(120)
    until(lambda: stored(path) >= n, 120)
    time.sleep(0.5)  # what might come twice has time to
    last.terminate()
    last.join()
    assert rows(path)["event_id"].tolist() == [f"e{i:05d}" for i in range(n)]
    assert at_work > 0


class Enough(threading.Event):
    """Stops a listener once it has stored something."""

    def __init__(self, health: Health) -> None:
        super().__init__()
        self.health = health

    def is_set(self) -> bool:
        return self.health.stored > 0


@pytest.mark.broker
def test_stopped_with_messages_waiting_it_says_farewell_and_none_comes_twice(tmp_path) -> None:
    broker, path = Broker(tmp_path / "broker"), tmp_path / "s.db"
    with (broker.folder / "mosquitto.conf").open("a") as more:
        more.write("log_type debug\nlog_type notice\n")
    with broker:
        with listening(broker.url, path):
            pass
        publish(counts(4000), broker.url)
        for _ in range(4):
            health = Health()
            with Store(path) as store:
                listen(broker.url, store, stop=Enough(health), health=health)
            assert health.duplicates == 0
            assert len(rows(path)) < 4000
        with listening(broker.url, path) as health:
            until(lambda: len(rows(path)) == 4000)
        assert health.duplicates == 0
    log = (broker.folder / "log").read_text()
    assert log.count("Received DISCONNECT from twin\n") == 6
    assert "Client twin closed its connection" not in log


@pytest.mark.broker
def test_acknowledging_before_the_commit_loses_messages(broker, tmp_path, monkeypatch) -> None:
    # the planted bug of the test above: the same crash, with paho's automatic acknowledgement
    client = Access.client
    monkeypatch.setattr(Access, "client", lambda self, name, **_: client(self, name))
    with listening(broker.url, tmp_path / "s.db"):
        pass
    publish(counts(500), broker.url)
    with Store(tmp_path / "s.db") as store:
        monkeypatch.setattr(store, "add_rows", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            listen(broker.url, store)
    monkeypatch.undo()
    with listening(broker.url, tmp_path / "s.db") as health:
        time.sleep(1.0)
        assert health.stored < 500


@pytest.mark.broker
def test_a_store_that_fails_leaves_all_messages_with_the_broker(
    broker, tmp_path, monkeypatch
) -> None:
    with listening(broker.url, tmp_path / "s.db"):
        pass
    publish(counts(500), broker.url)
    with Store(tmp_path / "s.db") as store:
        monkeypatch.setattr(store, "add_rows", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            listen(broker.url, store)
    with listening(broker.url, tmp_path / "s.db") as health:
        until(lambda: health.stored == 500)


@pytest.mark.broker
def test_broker_restarted_while_nobody_listens_loses_nothing(broker, tmp_path) -> None:
    with listening(broker.url, tmp_path / "s.db"):
        pass
    publish(counts(2000), broker.url)
    broker.stop(signal.SIGTERM)
    with broker, listening(broker.url, tmp_path / "s.db") as health:
        until(lambda: health.stored == 2000)
        assert health.sessions == 0  # the session was resumed, not begun anew


@pytest.mark.broker
def test_broker_killed_after_its_save_loses_nothing_and_the_listener_comes_back(
    broker, tmp_path
) -> None:
    with listening(broker.url, tmp_path / "s.db"):
        pass
    publish(counts(1000), broker.url)
    time.sleep(2.5)  # longer than autosave_interval
    broker.stop(signal.SIGKILL)
    with broker, listening(broker.url, tmp_path / "s.db") as health:
        until(lambda: health.stored == 1000)
        broker.stop(signal.SIGTERM)
        until(lambda: not health.connected)
        with broker:
            until(lambda: health.connected)
            publish(counts(1, "other"), broker.url)
            until(lambda: health.stored == 1001)


@pytest.mark.broker
def test_a_forged_device_is_refused_by_the_broker_and_counted(tmp_path) -> None:
    with (
        Broker(tmp_path / "broker", users=True) as broker,
        listening(broker.url, tmp_path / "s.db", **broker.login("twin")) as health,
    ):
        forged = publish(counts(5), broker.url, **broker.login("thief"))
        assert (forged.taken, dict(forged.refused)) == (0, {"Not authorized": 1})
        honest = publish(counts(5), broker.url, **broker.login("scale"))
        assert honest.taken == 5
        own = counts(1, "thief").assign(site="dc")
        assert publish(own, broker.url, **broker.login("thief")).taken == 1
        until(lambda: health.stored == 6)
    assert rows(tmp_path / "s.db")["device"].tolist().count("scale") == 5


@pytest.mark.broker
def test_strangers_are_refused_in_words(tmp_path) -> None:
    with Broker(tmp_path / "broker", users=True) as broker, Store(tmp_path / "s.db") as store:
        with pytest.raises(LiveError, match=r"refused a client without a user: Not authorized"):
            listen(broker.url, store)
        wrong = broker.login("twin") | {"username": "scale"}
        with pytest.raises(LiveError, match="refused user 'scale'"):
            listen(broker.url, store, **wrong)
        with pytest.raises(LiveError, match="refused a client without a user"):
            publish(counts(1), broker.url)


@pytest.mark.broker
# 2026-11-26, paho-mqtt 2.2.0 leaves its socket open when the broker's certificate is refused.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
def test_encrypted_with_the_right_authority_only(tmp_path) -> None:
    with Broker(tmp_path / "broker", users=True, tls=True) as broker:
        ca = broker.folder / "ca.crt"
        with listening(
            broker.url, tmp_path / "s.db", tls=ca, **broker.login("twin")
        ) as health:  # fmt: skip
            publish(counts(20), broker.url, tls=ca, **broker.login("replay"))
            until(lambda: health.stored == 20)
        with Store(tmp_path / "s.db") as store:
            with pytest.raises(LiveError, match="certificate verify failed"):
                listen(broker.url, store, **broker.login("twin"))
            plain = broker.url.replace("mqtts", "mqtt")
            with pytest.raises(LiveError, match="no broker"):
                listen(plain, store)


@pytest.mark.broker
def test_the_sample_configuration_of_the_docs_works_as_it_stands(tmp_path) -> None:
    broker = Broker(tmp_path / "broker", users=True, tls=True)
    sample = (ROOT / "docs" / "mosquitto.conf").read_text().replace("8883", str(broker.port))
    for place in ("/etc/mosquitto", "/var/lib/mosquitto"):
        sample = sample.replace(place, str(broker.folder))
    user = "user root\n" if os.geteuid() == 0 else ""
    (broker.folder / "mosquitto.conf").write_text(sample + user)
    ca = broker.folder / "ca.crt"
    with broker:
        with listening(broker.url, tmp_path / "s.db", tls=ca, **broker.login("twin")):
            pass
        publish(counts(1500), broker.url, tls=ca, **broker.login("replay"))
        with listening(broker.url, tmp_path / "s.db", tls=ca, **broker.login("twin")) as health:
            until(lambda: health.stored == 1500)  # the broker's default would keep 1000
            client = Access(broker.url, ca=ca, **broker.login("replay")).client("wide")
            client.connect("localhost", broker.port)
            client.loop_start()
            client.publish("telemetry/dc/scale", b" " * MAX_PAYLOAD, qos=1).wait_for_publish(10)
            client.loop_stop()
            client.disconnect()
            until(lambda: health.rejected["not JSON"] == 1)  # read, not cut off on its way
    assert "recommended" not in (broker.folder / "log").read_text()


@pytest.mark.broker
def test_payloads_of_all_kinds_mixed_with_garbage_are_counted_and_kept(broker, tmp_path) -> None:
    good = {"event_id": "a", "event_time": NOW, "kind": "count", "item": "tea", "qty": 1}
    pack = [{"bn": "scale/", "n": "temperature", "u": "Cel", "t": NOW / 1e6, "v": 4}]
    sent = [
        ("telemetry/dc/scale", json.dumps([good, good | {"device": "victim"}])),
        ("telemetry/dc/scale", json.dumps(pack)),
        ("telemetry/dc/scale", b"\xff garbage"),
        ("spBv1.0/maker/DDATA/dc/scale", b"\x12\xff\xff\xff\xff\x0f"),
        ("telemetry/elsewhere/scale", json.dumps(good)),
    ]
    with listening(broker.url, tmp_path / "s.db") as health:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.connect("localhost", broker.port)
        client.loop_start()
        for topic, payload in sent:
            client.publish(topic, payload, qos=1).wait_for_publish(10)
        client.disconnect()
        client.loop_stop()
        until(lambda: health.received == len(sent) and health.stored == 3)
    assert dict(health.rejected) == {"forged device": 1, "not JSON": 1, "Sparkplug": 1}
    kept = (tmp_path / "s.db.rejects.jsonl").read_text().splitlines()
    assert [json.loads(line)["reason"] for line in kept] == [*health.rejected]
    assert "garbage" in json.loads(kept[1])["payload"]


@pytest.mark.broker
def test_two_listeners_of_one_name_end_instead_of_throwing_each_other_out_for_ever(
    broker, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(module, "_BACKOFF", (0.05, 1.0))
    both = [Health(), Health()]
    with pytest.raises(LiveError, match="another --client-id"):
        listen_twice(broker.url, tmp_path, both)
    assert all(health.reason_codes["CONNACK", "Success"] < 8 for health in both)


@pytest.mark.broker
def test_replay_keeps_the_pace_it_is_asked_for(broker) -> None:
    sent = counts(3).assign(event_time=[NOW, NOW + 20 * SECOND, NOW + 40 * SECOND])
    begun = time.monotonic()
    publish(sent.assign(ingest_time=0), broker.url, speed=40.0)
    assert time.monotonic() - begun >= 1.0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"broker_url": "http://localhost"}, "mqtt://host:port"),
        ({"broker_url": "mqtt://localhost:99999"}, "mqtt://host:port"),
        ({"broker_url": "mqtt://me:secret@localhost"}, "--password-file"),
        ({"broker_url": "mqtt://localhost:1"}, "no broker"),
        ({"broker_url": "mqtt://farm.example", "username": "a"}, "readable"),
        ({"broker_url": "mqtt://localhost", "tls": Path("ca.crt")}, "mqtts://"),
        ({"broker_url": "mqtts://localhost", "tls": Path("none.crt")}, "certificate none.crt"),
        ({"broker_url": "mqtt://localhost:1", "batch": 0}, "1 to 10,000"),
    ],
)
def test_wrong_addresses_and_credentials_are_refused_in_words(given, words, tmp_path) -> None:
    (tmp_path / "password").write_text("x")
    if "username" in given:
        given = given | {"password_file": tmp_path / "password"}
    with Store(tmp_path / "s.db") as store, pytest.raises(LiveError, match=words) as refused:
        listen(given.pop("broker_url"), store, **given)
    assert "secret" not in str(refused.value)
