"""Messages into events: what is taken, and every way in which one can be refused."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from calibration.live.fields import Reason
from calibration.live.payloads import Reader, topic_of
from calibration.times import SECOND
from tests.calibration.test_sparkplug import GOLDEN
from twin.load import load_text

NOW = 1_770_000_000 * SECOND
TOPIC = "telemetry/dc/scale"
GOOD = {"event_id": "e1", "event_time": NOW - SECOND, "kind": "count", "item": "tea", "qty": 5}
SCENARIO = load_text(
    "{sites: [{name: dc}], items: [{name: tea, unit: kg}],"
    " purchases: [{site: dc, item: tea, lead_time: 1}],"
    " demand: [{site: dc, item: tea, kind: constant, mean: 1}]}"
)


def read(payload, topic=TOPIC, reader=None):
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return (reader or Reader()).read(topic, data, NOW)


def test_site_device_and_source_are_those_of_the_topic() -> None:
    (event,) = read(GOOD).events
    assert (event.site, event.device, event.source) == ("dc", "scale", f"mqtt:{TOPIC}")
    assert (event.qty, event.ingest_time) == (5.0, NOW)


def test_names_with_marks_of_the_broker_survive_the_topic() -> None:
    topic = topic_of("south +1 #2 ü%", "a/b")
    assert not {"+", "#"} & set(topic)
    assert topic.count("/") == 2
    (event,) = read(GOOD, topic).events
    assert (event.site, event.device) == ("south +1 #2 ü%", "a/b")


def test_the_system_of_a_site_has_no_device() -> None:
    assert topic_of("dc", "") == "telemetry/dc/-"
    assert read(GOOD, "telemetry/dc/-").events[0].device == ""


@pytest.mark.parametrize("key", ["site", "device"])
def test_a_payload_that_names_another_is_forged(key: str) -> None:
    found = read([GOOD, GOOD | {"event_id": "e2", key: "victim"}])
    assert [e.event_id for e in found.events] == ["e1"]
    assert [r.reason for r in found.rejected] == [Reason(f"forged {key}")]


def test_two_devices_cannot_take_each_others_event_ids() -> None:
    one, other = (read(GOOD, f"telemetry/dc/{d}").events[0] for d in ("scale", "thief"))
    assert one.event_id == other.event_id
    assert one.source != other.source


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event_id": ""}, Reason.MISSING_FIELD),
        ({"event_id": 7}, Reason.WRONG_VALUE),
        ({"event_time": "yesterday"}, Reason.WRONG_TIME),
        ({"event_time": "2026-01-01T10:00:00"}, Reason.WRONG_TIME),
        ({"event_time": 5}, Reason.WRONG_TIME),
        ({"event_time": 2**70}, Reason.WRONG_TIME),
        ({"kind": "sneeze"}, Reason.UNKNOWN_KIND),
        ({"kind": ["count"]}, Reason.UNKNOWN_KIND),
        ({"qty": "5"}, Reason.WRONG_VALUE),
        ({"qty": True}, Reason.WRONG_VALUE),
        ({"qty": 10**400}, Reason.WRONG_VALUE),
        ({"qty": -1}, Reason.NEGATIVE_QUANTITY),
        ({"seq": -1}, Reason.WRONG_VALUE),
        ({"seq": 2**63}, Reason.WRONG_VALUE),
        ({"item": "a\x00b"}, Reason.WRONG_VALUE),
        ({"item": "\ud800"}, Reason.WRONG_VALUE),
        ({"lot": "x" * 201}, Reason.WRONG_VALUE),
        ({"quantity": 5}, Reason.UNKNOWN_FIELD),
    ],
)
def test_each_wrong_value_is_refused_by_its_own_reason(change: dict, reason: Reason) -> None:
    found = read(GOOD | change)
    assert found.events == []
    assert [r.reason for r in found.rejected] == [reason]
    assert found.rejected[0].detail
    assert found.rejected[0].topic == TOPIC


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.NOT_JSON),
        (b"\xff\xfe", Reason.NOT_JSON),
        (b'{"qty": NaN}', Reason.NOT_JSON),
        (b"[" * 100_000, Reason.NOT_JSON),
        (b"9" * 10_000, Reason.NOT_JSON),
        (b" " * 300_000, Reason.TOO_LARGE),
        (b"5", Reason.NOT_AN_EVENT),
        (b"[[]]", Reason.NOT_AN_EVENT),
    ],
)
def test_what_is_no_event_is_refused(payload: bytes, reason: Reason) -> None:
    assert [r.reason for r in read(payload).rejected] == [reason]


def test_unknown_topics_are_refused() -> None:
    for topic in ("telemetry/dc", "telemetry/a/b/c", "spBv1.0/g/NCMD/e", "spBv1.0/g/DDATA/e"):
        assert [r.reason for r in read(GOOD, topic).rejected] == [Reason.UNKNOWN_TOPIC]


@pytest.mark.parametrize(
    ("topic", "change", "reason"),
    [
        ("telemetry/dcc/scale", {}, Reason.UNKNOWN_SITE),
        (TOPIC, {"item": "tee"}, Reason.UNKNOWN_ITEM),
        (TOPIC, {"unit": "g"}, Reason.WRONG_UNIT),
    ],
)
def test_a_scenario_knows_its_names_and_units(topic: str, change: dict, reason: Reason) -> None:
    assert len(read(GOOD | {"unit": "kg"}, reader=Reader(SCENARIO)).events) == 1
    found = read(GOOD | change, topic, Reader(SCENARIO))
    assert [r.reason for r in found.rejected] == [reason]


def test_senml_of_a_device_becomes_counts_and_readings() -> None:
    pack = [
        {"bn": "scale/", "bt": NOW / SECOND, "n": "count/tea", "u": "kg", "v": 12.5},
        {"n": "temperature", "u": "Cel", "t": -60, "v": 4},
    ]
    count, sense = read(pack).events
    assert (count.kind, count.item, count.qty, count.unit) == ("count", "tea", 12.5, "kg")
    assert (sense.kind, sense.value, sense.raw_ref) == ("sense", 4.0, "temperature")
    assert sense.event_time == NOW - 60 * SECOND
    again = read(pack).events
    assert [e.event_id for e in again] == [count.event_id, sense.event_id]


def test_senml_in_the_name_of_another_device_is_forged() -> None:
    found = read([{"bn": "victim/", "n": "count/tea", "v": 1}])
    assert [r.reason for r in found.rejected] == [Reason.FORGED_DEVICE]


def test_sparkplug_birth_data_and_death_tell_liveness_readings_and_loss(tmp_path: Path) -> None:
    reader = Reader(births=tmp_path / "births.json")
    born = read(GOLDEN, "spBv1.0/maker/DBIRTH/dc/scale", reader)
    assert born.rejected == []
    alive, count = born.events[0], born.events[1]
    assert (alive.kind, alive.value, alive.device) == ("status", 1.0, "scale")
    assert (count.kind, count.item, count.qty, count.site) == ("count", "tea", 41.5, "dc")
    assert count.event_time == 1_770_000_000_005_000
    # alias 1 = 40.0 with seq 4, so 2 and 3 are missing
    data = bytes.fromhex("0880c8e2e1c133120b1001690000000000004440" + "1804")
    (event,) = read(
        data, "spBv1.0/maker/DDATA/dc/scale", Reader(births=tmp_path / "births.json")
    ).events
    assert (event.item, event.qty) == ("tea", 40.0)
    (event,) = read(data, "spBv1.0/maker/DDATA/dc/scale", reader).events
    assert (reader.lost["maker/dc"], event.quality) == (2, "after_gap")
    dead = read(b"", "spBv1.0/maker/NDEATH/dc", reader).events
    assert [(e.device, e.kind, e.value) for e in dead] == [
        ("", "status", 0.0), ("scale", "status", 0.0)
    ]  # fmt: skip


def test_random_bytes_on_every_topic_are_refused_and_never_raise() -> None:
    rng, reader = random.Random(2), Reader()
    text = json.dumps([GOOD, GOOD]).encode()
    for n in range(2000):
        data = bytearray(rng.choice((text, GOLDEN, rng.randbytes(60))))
        for _ in range(rng.randint(0, 5)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        topic = rng.choice((TOPIC, "spBv1.0/g/DDATA/dc/s", "spBv1.0/g/NBIRTH/dc"))
        found = reader.read(topic, bytes(data), NOW + n)
        for event in found.events:
            assert event.source.startswith("mqtt:")
