"""Readings without a time, sent again by the broker: stored once; the same reading twice: twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from calibration.live.connection import Access
from tests.calibration.brokers import Broker
from tests.calibration.test_listen import listening, rows, until

PACK = json.dumps([{"n": "temperature", "v": 4.1}, {"n": "count/tea", "v": 118}])


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path / "broker") as found:
        yield found


def send(broker: Broker, times: int) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    _, host, port = Access(broker.url).address
    client.connect(host, port)
    client.loop_start()
    for _ in range(times):
        client.publish("telemetry/dc/scale", PACK, qos=1).wait_for_publish(10)
    client.loop_stop()
    client.disconnect()


@pytest.mark.broker
def test_a_reading_without_a_time_that_is_sent_again_is_stored_once(
    broker, tmp_path, monkeypatch
) -> None:
    path = tmp_path / "s.db"
    with monkeypatch.context() as patch:
        patch.setattr(mqtt.Client, "ack", lambda *_: None)  # committed, then killed: nothing told
        with listening(broker.url, path) as health:
            send(broker, 3)
            until(lambda: health.stored == 6)
    before = rows(path)
    with listening(broker.url, path) as health:
        until(lambda: health.received == 3)
        until(lambda: health.duplicates == 6)
    assert rows(path).equals(before)


@pytest.mark.broker
def test_the_same_reading_told_twice_by_its_device_is_two_readings(broker, tmp_path) -> None:
    with listening(broker.url, tmp_path / "s.db") as health:
        send(broker, 2)
        until(lambda: health.stored == 4)
