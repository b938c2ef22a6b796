"""Replay: events of a frame published to a broker, in the order and at a multiple of their pace."""

from __future__ import annotations

import json
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from calibration.events import NAMES, REPLAYED
from calibration.live.connection import KEEPALIVE, Access, LiveError, refused, unreachable
from calibration.live.payloads import topic_of

_IN_FLIGHT = 500  # messages on their way at once
_ANSWER = 10.0  # seconds within which a broker answers
_SENT = tuple(name for name in NAMES if name != "ingest_time")


class Published(NamedTuple):
    """How many messages the broker took, and its answers by reason."""

    taken: int
    reason_codes: Counter[str]


def publish(
    events: pd.DataFrame, broker_url: str, *, speed: float | None = None,
    client_id: str = "twin-replay", tls: Path | None = None, username: str = "",
    password_file: Path | None = None, stop: threading.Event | None = None,
) -> Published:  # fmt: skip
    """Publish events, each once (QoS 1), to the topic of its device.

    They go out in the order in which they came in (``ingest_time``, where there is one), so that
    delays are replayed as well. Each is marked ``replayed`` in its quality.

    Parameters
    ----------
    events
        Columns :data:`calibration.events.NAMES`.
    broker_url
        ``mqtt://host:port`` or ``mqtts://host:port``.
    speed
        Seconds of the events that pass in one second; none: as fast as the broker takes them.
    client_id, tls, username, password_file
        As :func:`calibration.live.listen.listen`. The user must be allowed to write to the topics
        of all devices.
    stop
        Set it to stop after the message under way.

    Raises
    ------
    LiveError
        If the broker is not there, refuses us, or goes away before it has taken all.
    """
    if speed is not None and not (speed > 0 and math.isfinite(speed)):
        msg = f"speed = {speed:g}; a number above 0 (1: as it happened), or none for full speed"
        raise LiveError(msg)
    access = Access(broker_url, username, password_file, tls)
    sender = _Sender(access, client_id)
    sender.connect()
    try:
        for topic, payload in _paced(_messages(events), speed, stop or threading.Event()):
            sender.send(topic, payload)
        sender.wait(0)
    finally:
        sender.close()
    return Published(sender.taken, sender.codes)


def _messages(events: pd.DataFrame) -> Iterator[tuple[int, str, bytes]]:
    """Yield when each event came in, its topic and its payload, in that order."""
    came = events["ingest_time"].where(events["ingest_time"] > 0, events["event_time"])
    order = came.sort_values(kind="stable").index
    columns = [events.loc[order, name].tolist() for name in _SENT]
    for when, row in zip(came.loc[order].tolist(), zip(*columns, strict=True), strict=True):
        given = {k: v for k, v in zip(_SENT, row, strict=True) if not _empty(v)}
        given["quality"] = f"{given.get('quality', '')} {REPLAYED}".strip()
        topic = topic_of(given["site"], given.get("device", ""))
        yield when, topic, json.dumps(given, separators=(",", ":"), allow_nan=False).encode()


def _empty(value: Any) -> bool:
    return value is None or value is pd.NA or value == "" or value != value  # NaN


def _paced(
    messages: Iterator[tuple[int, str, bytes]], speed: float | None, stop: threading.Event
) -> Iterator[tuple[str, bytes]]:
    begun: tuple[float, int] | None = None
    for when, topic, payload in messages:
        if begun is None:
            begun = time.monotonic(), when
        if speed is not None:
            due = begun[0] + (when - begun[1]) / 1e6 / speed
            stop.wait(max(0.0, due - time.monotonic()))
        if stop.is_set():
            return
        yield topic, payload


class _Sender:
    """A connection that waits for the broker's answer to each message."""

    def __init__(self, access: Access, client_id: str) -> None:
        self.access = access
        self.client = access.client(client_id)
        self.client.on_connect = self._on_connect
        self.client.on_publish = self._on_publish
        self.client.max_inflight_messages = _IN_FLIGHT
        self.changed = threading.Condition()
        self.online = False
        self.refusal: object = None
        self.sent = self.answered = self.taken = 0
        self.codes: Counter[str] = Counter()

    def connect(self) -> None:
        _, host, port = self.access.address
        try:
            self.client.connect(host, port, KEEPALIVE)
        except OSError as error:
            raise unreachable(self.access, error) from error
        self.client.loop_start()
        with self.changed:
            self.changed.wait_for(lambda: self.online or self.refusal is not None, _ANSWER)
        if not self.online:
            self.close()
            raise refused(self.access, self.refusal or "no answer")

    def send(self, topic: str, payload: bytes) -> None:
        self.wait(2 * _IN_FLIGHT)
        self.sent += 1
        self.client.publish(topic, payload, qos=1)

    def wait(self, most: int) -> None:
        """Wait until at most so many messages are unanswered."""
        with self.changed:
            before = -1
            while self.sent - self.answered > most:
                if self.answered == before and not self.client.is_connected():
                    left = self.sent - self.answered
                    msg = f"{self.access.url}: the broker went away; {left} messages unanswered"
                    raise LiveError(msg)
                before = self.answered
                self.changed.wait(_ANSWER)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_connect(self, _: object, __: object, ___: object, code: Any, ____: object) -> None:
        with self.changed:
            self.online = not code.is_failure
            self.refusal = code if code.is_failure else None
            self.changed.notify_all()

    def _on_publish(self, _: object, __: object, ___: int, code: Any, ____: object) -> None:
        with self.changed:
            self.answered += 1
            self.taken += not code.is_failure
            self.codes[str(code)] += 1
            if self.sent - self.answered in (0, _IN_FLIGHT):
                self.changed.notify_all()
