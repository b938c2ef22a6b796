"""The live twin beside the listener, with a real broker: follows, shows figures, says nothing unasked."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from calibration import emulate
from calibration.live import advise
from calibration.live import tracker as tracker_module
from calibration.live.batches import from_frame
from calibration.live.follow import Follower
from calibration.live.health import Health
from calibration.live.listen import listen
from calibration.live.publish import publish
from calibration.live.tracker import Tracker
from calibration.store import Store
from tests.calibration.brokers import Broker
from tests.calibration.test_follow import CALIBRATED, DAY, DAYS, REAL, START
from tests.calibration.test_listen import counts, listening, until

ALL = "twin/recommendations/#"


@pytest.fixture(scope="module")
def told() -> Any:
    return emulate.events(REAL)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path / "broker") as found:
        yield found


def followed(broker: Broker, path: Path, told: Any, mode: str) -> tuple[Tracker, Health]:
    """Listen while all is published, then stop; return what followed it."""
    stop, health = threading.Event(), Health(mode)
    tracker = Tracker(CALIBRATED, path, mode=mode)

    def work() -> None:
        with Store(path) as store:
            listen(broker.url, store, CALIBRATED, stop=stop, health=health, tracker=tracker)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    until(lambda: health.connected)
    publish(told, broker.url)
    until(lambda: health.stored == len(told))
    until(lambda: tracker.follower is not None and tracker.follower.batches.next >= DAYS - 1)
    time.sleep(0.5)  # what is to be said is said
    stop.set()
    thread.join(20)
    assert tracker.failed is None
    return tracker, health


def retained(broker: Broker, wait: float = 1.0) -> dict[str, Any]:
    """Return the retained recommendations that the broker holds."""
    found: dict[str, Any] = {}
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_message = lambda _, __, m: (
        found.update({m.topic: json.loads(m.payload)}) if m.payload else found.pop(m.topic, None)
    )
    client.connect("localhost", broker.port)
    client.subscribe(ALL, 1)
    client.loop_start()
    time.sleep(wait)
    client.loop_stop()
    client.disconnect()
    return found


@pytest.mark.broker
def test_twin_publishes_what_moved_and_the_level_that_follows_from_it(broker, tmp_path, told):
    _, health = followed(broker, tmp_path / "s.db", told, "twin")
    found = retained(broker)
    kinds = {(m["kind"], m["where"]): m for m in found.values()}
    shrink = kinds["re-estimate", "shop/tea"]
    level = kinds["base-stock level", "dc/tea"]
    assert set(kinds) >= {("re-estimate", "maker->dc/tea")}
    assert (shrink["version"], shrink["scenario"], shrink["mode"]) == (1, "tea", "replay")
    assert (level["now"], level["advised"] > 400) == (320, True)
    assert all(topic.startswith("twin/recommendations/tea/") for topic in found)
    assert health.mode == "replay"


@pytest.mark.broker
def test_shadow_follows_the_same_and_publishes_nothing(broker, tmp_path, told):
    tracker, health = followed(broker, tmp_path / "s.db", told, "shadow")
    assert {m.what for m in tracker.follower.moved} == {"shrink", "lead time"}
    assert retained(broker) == {}
    lines = health.metrics().splitlines()
    assert 'twin_alarms_total{what="shrink"} 1' in lines
    assert any(x.startswith('twin_stock_units{point="shop/tea",quantile="0.95"}') for x in lines)
    assert health.summary()["alarms"] == 2


def test_a_twin_that_begins_again_goes_on_from_the_store(tmp_path, told) -> None:
    path = tmp_path / "s.db"
    events = from_frame(told)
    with Store(path) as store:
        store.add(events[:-300])
        tracker = Tracker(CALIBRATED, path)
        tracker.start()
        until(lambda: tracker.follower is not None)
        store.add(events[-300:])
        tracker.offer(events[-300:])
        tracker.stop()
    whole = Follower(CALIBRATED)
    whole.add(events)
    *_, last = whole.step()
    found = tracker.follower
    assert found.batches.next == whole.batches.next
    assert found.last.books == pytest.approx(last.books)
    assert (found.last.stock[0] <= last.stock[2]).all()


def modes(events: Any, path: Path, *batches: Any) -> tuple[set[str], Tracker]:
    """Return the modes of what a twin says that begins with a store, then hears batches."""
    tracker = Tracker(CALIBRATED, path, mode="twin")
    with Store(path) as store:
        store.add(events)
        tracker.start()
        until(lambda: tracker.follower is not None)
        for batch in batches:
            store.add(batch)
            tracker.offer(batch)
        tracker.stop()
    said = [json.loads(payload) for _, payload in tracker.outgoing() if payload]
    return {m["mode"] for m in said}, tracker


def real(events: Any) -> Any:
    return [e._replace(source="erp", quality="") for e in events]


def test_what_rests_on_emulated_events_of_the_store_is_said_as_replay(tmp_path, told) -> None:
    events = from_frame(told)
    found, tracker = modes(events, tmp_path / "emulated.db")
    assert (found, tracker.replayed) == ({"replay"}, True)
    found, tracker = modes(real(events), tmp_path / "real.db")
    assert (found, tracker.replayed) == ({"twin"}, False)


@pytest.mark.parametrize(("since", "mode"), [(100, "replay"), (10, "twin")])
def test_real_events_make_it_live_once_no_emulated_one_is_looked_back_on(
    since, mode, tmp_path, told, monkeypatch
) -> None:
    monkeypatch.setattr(tracker_module, "HISTORY", 36)
    events = sorted(from_frame(told), key=lambda e: e.event_time)
    at = START + since * DAY
    before = [e for e in events if e.event_time < at]
    after = real(e for e in events if e.event_time >= at)
    _, tracker = modes(before, tmp_path / "s.db", after)
    assert tracker.follower.batches.next - since in (DAYS - since - 1, DAYS - since)
    tracker._said.clear()
    tracker._say(advise.messages(tracker.follower, advise.advice(tracker.follower),
                                 "replay" if tracker.replayed else "twin"))  # fmt: skip
    assert {json.loads(p)["mode"] for _, p in tracker.outgoing()} == {mode}


def test_nothing_is_said_twice_and_what_no_longer_holds_is_taken_back() -> None:
    tracker = Tracker(CALIBRATED, Path("none.db"), mode="twin")
    message = json.dumps({"advised": 100.0, "period": 1}).encode()
    for found in ({"a": message}, {"a": message.replace(b"100.0", b"101.0")}, {}):
        tracker._say(found)
    assert tracker.outgoing() == [("a", message), ("a", b"")]


def left_behind(broker: Broker, path: Path) -> tuple[str, str]:
    """Let a twin of this store say something, and another one too; return both topics."""
    tracker = Tracker(CALIBRATED, path, mode="twin")
    ours, others = (f"twin/recommendations/tea/{name}" for name in ("ours", "others"))
    with listening(broker.url, path, Health("twin"), tracker=tracker):
        tracker._out.append((ours, b'{"mode": "twin"}'))
        until(lambda: ours in retained(broker))
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("localhost", broker.port)
    client.loop_start()
    client.publish(others, b'{"mode": "twin"}', qos=1, retain=True).wait_for_publish(10)
    client.loop_stop()
    client.disconnect()
    return ours, others


@pytest.mark.broker
@pytest.mark.parametrize("follows", [True, False])
def test_a_twin_that_is_switched_off_takes_back_what_it_said_and_no_more(
    broker, tmp_path, follows
) -> None:
    path = tmp_path / "s.db"
    ours, others = left_behind(broker, path)
    assert set(retained(broker)) == {ours, others}
    tracker = Tracker(CALIBRATED, path, mode="shadow") if follows else None
    with listening(broker.url, path, tracker=tracker) as health:
        until(lambda: set(retained(broker)) == {others})
        until(lambda: health.advice_left == 0)
    assert "advice_left" not in health.summary()
    assert json.loads((tmp_path / "s.db.advice.json").read_text()) == {broker.url: []}
    with listening(broker.url, path) as health:  # once is enough
        assert not any(packet == "PUBACK" for packet, _ in health.reason_codes)


@pytest.mark.broker
def test_advice_that_may_not_be_taken_back_is_counted_and_stops_nothing(tmp_path) -> None:
    path = tmp_path / "s.db"
    with Broker(tmp_path / "broker", users=True) as broker:
        topics = [f"twin/recommendations/tea/{n}" for n in range(9)]
        (tmp_path / "s.db.advice.json").write_text(json.dumps({broker.url: topics}))
        with listening(broker.url, path, **broker.login("twin")) as health:
            until(lambda: health.reason_codes["PUBACK", "Not authorized"] == 1)
            publish(counts(3), broker.url, **broker.login("scale"))
            until(lambda: health.stored == 3)
    assert health.summary()["advice_left"] == 9
    assert health.reason_codes["PUBACK", "Not authorized"] == 1


@pytest.mark.broker
def test_advice_that_the_broker_refuses_is_named_with_its_reason_and_told_once(tmp_path) -> None:
    health, told = Health("twin"), []
    health.tell = told.append
    with Broker(tmp_path / "broker", users=True) as broker:
        tracker = Tracker(CALIBRATED, tmp_path / "s.db", mode="twin")
        login = broker.login("twin")
        with listening(broker.url, tmp_path / "s.db", health, tracker=tracker, **login):
            for n in (1, 2):
                tracker._out.append(
                    ("twin/recommendations/tea/re-estimate/shop%2Ftea/shrink", b"{}")
                )
                until(lambda n=n: health.reason_codes["PUBACK", "Not authorized"] == n)
    (one,) = health.summary()["advice_refused"]
    assert (one["what"], one["reason"]) == ("re-estimate shop/tea shrink", "Not authorized")
    assert one["at"].startswith("20")
    (line,) = told
    assert "'re-estimate shop/tea shrink': Not authorized" in line
    assert "twin_advice_refused 1" in health.metrics()
    health.advice_answered("twin/recommendations/tea/re-estimate/shop%2Ftea/shrink", None)
    assert "advice_refused" not in health.summary()


@pytest.mark.broker
def test_a_twin_that_begins_again_takes_back_what_it_says_no_more(broker, tmp_path, told) -> None:
    stale, other = (
        "twin/recommendations/tea/re-estimate/gone%2Ftea/demand",
        "twin/recommendations/x/y",
    )
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("localhost", broker.port)
    client.loop_start()
    for topic in (stale, other):
        client.publish(topic, b'{"mode": "twin"}', qos=1, retain=True).wait_for_publish(10)
    client.loop_stop()
    client.disconnect()
    path = tmp_path / "s.db"
    with Store(path) as store:
        store.add(from_frame(told))
    health, tracker = Health("twin"), Tracker(CALIBRATED, path, mode="twin")
    with listening(broker.url, path, health, scenario=CALIBRATED, tracker=tracker):
        until(lambda: set(retained(broker)) > {other} and stale not in retained(broker))
    found = retained(broker)
    assert {topic: m["mode"] for topic, m in found.items()} == (
        {topic: "replay" for topic in tracker._said} | {other: "twin"}
    )
    assert (health.received, health.mode) == (0, "replay")


def test_a_cut_is_advised_only_when_what_moved_changes_the_suggestion(told) -> None:
    found = Follower(CALIBRATED)
    found.add(from_frame(told))
    list(found.step(DAYS))
    kinds = [a.kind for a in advise.advice(found)]
    assert "decoupling point" not in kinds  # no family, no cut
    assert kinds.count("re-estimate") == len(found.moved) == 2


def test_a_chain_without_alarms_is_advised_nothing() -> None:
    found = Follower(CALIBRATED)
    found.add(from_frame(emulate.events(CALIBRATED)))
    list(found.step(DAYS))
    assert advise.advice(found) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--mode", "twin"], "without a scenario"),
     (["--scenario", "electronics", "--lateness", "-1"], "lateness = -1")],
)  # fmt: skip
def test_what_cannot_be_followed_is_refused_before_anything_is_listened_to(
    words, told, tmp_path
) -> None:
    command = ["listen", "--store", str(tmp_path / "s.db"), "--broker", "mqtt://localhost:1"]
    done = subprocess.run(
        [sys.executable, "-m", "twin.cli", *command, *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert told in done.stderr
    assert not (tmp_path / "s.db").exists()
