"""Events of a frame published to a broker, in the order and at a multiple of their pace."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from calibration.arrivals import arrival
from calibration.events import NAMES
from calibration.live.connection import KEEPALIVE, Access, LiveError, refused, unreachable
from calibration.live.payloads import PREFIX, topic_of
from calibration.replay import Progress, marked, paced

_IN_FLIGHT = 500  # messages on their way at once
_ANSWER = 10.0  # seconds within which a broker answers
_TOO_OFTEN = 4  # connections that are dropped without an answer, after which no more is tried
_SENT = tuple(name for name in NAMES if name != "ingest_time")


class Published(NamedTuple):
    """How many messages the broker took, and its answers by reason; ``refused``: those that refuse.

    After a refusal nothing more is sent: mosquitto 2.0 drops the connection at each.
    """

    taken: int
    reason_codes: Counter[str]
    refused: Counter[str]


def publish(
    events: pd.DataFrame, broker_url: str, *, speed: float | None = None,
    client_id: str = "twin-replay", tls: Path | None = None, username: str = "",
    password_file: Path | None = None, stop: threading.Event | None = None,
    progress: Progress | None = None,
) -> Published:  # fmt: skip
    """Publish events, each once (QoS 1), to the topic of its device.

    At a speed they go out in the order in which they came in
    (:func:`calibration.arrivals.arrival`), so that delays are replayed as well; else as they stand.
    Each is marked ``replayed`` in its quality.

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
        Set it to stop; what is under way is waited for.
    progress
        Called with how many are sent, and how many there are.

    Raises
    ------
    LiveError
        If the broker is not there, refuses us, or goes away before it has taken all.
    RunError
        If the speed is not a number above 0.
    """
    told = _messages(events, ordered=speed is not None)
    due = paced(told, len(events), speed=speed, stop=stop, progress=progress)
    access = Access(broker_url, username, password_file, tls)
    sender = _Sender(access, client_id)
    sender.connect()
    try:
        for topic, payload in due:
            sender.send(topic, payload)
            if sender.refused:
                break
        sender.wait(0)
    finally:
        sender.close()
    return Published(sender.taken, sender.codes, sender.refused)


def complaint(done: Published, broker_url: str, username: str = "") -> LiveError | None:
    """Return what to tell of a message that the broker refused; none if it refused none."""
    if not done.refused:
        return None
    who = f"user '{username}'" if username else "a client without a user"
    return LiveError(
        f"{broker_url} refused an event: {', '.join(done.refused)}; nothing more was sent. Let {who} "
        f"write to {PREFIX}/# in the broker's ACL file (docs/live.md), or log in as one who may"
    )


def _messages(events: pd.DataFrame, ordered: bool) -> Iterator[tuple[int, tuple[str, bytes]]]:
    """Yield when each event came in, its topic and its payload."""
    came = arrival(events)
    order = came.argsort(kind="stable") if ordered else np.arange(came.size)
    columns = [events[name].iloc[order].tolist() for name in _SENT]
    for when, row in zip(came[order].tolist(), zip(*columns, strict=True), strict=True):
        given = {k: v for k, v in zip(_SENT, row, strict=True) if not _empty(v)}
        given["quality"] = marked(given.get("quality", ""))
        topic = topic_of(given["site"], given.get("device", ""))
        payload = json.dumps(given, separators=(",", ":"), allow_nan=False)
        yield when, (topic, payload.encode())


def _empty(value: Any) -> bool:
    return value is None or value is pd.NA or value == "" or value != value  # NaN


class _Sender:
    """A connection that waits for the broker's answer to each message."""

    def __init__(self, access: Access, client_id: str) -> None:
        self.access = access
        self.client = access.client(client_id)
        self.client.on_connect = self._on_connect
        self.client.on_publish = self._on_publish
        self.client.on_disconnect = self._on_disconnect
        self.client.max_inflight_messages = _IN_FLIGHT
        self.changed = threading.Condition()
        self.online = False
        self.refusal: object = None
        self.sent = self.answered = self.taken = 0
        self.dropped, self.why = 0, ""  # connections since the last answer, and the last reason
        self.codes: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

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
        # the first alone: its refusal would be lost with a connection that more is written to
        self.wait(2 * _IN_FLIGHT if self.answered else 0)
        if not self.refused:
            self.sent += 1
            self.client.publish(topic, payload, qos=1)

    def wait(self, most: int) -> None:
        """Wait until at most so many messages are unanswered, or one is refused."""
        with self.changed:
            before = -1
            while self.sent - self.answered > most and not self.refused:
                left = self.sent - self.answered
                if self.dropped >= _TOO_OFTEN:
                    msg = (
                        f"{self.access.url} dropped the connection {self.dropped} times: {self.why}; "
                        f"{left} messages unanswered, see the broker's log"
                    )
                    raise LiveError(msg)
                if self.answered == before and not self.client.is_connected():
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
            self.answered, self.dropped = self.answered + 1, 0
            self.taken += not code.is_failure
            self.codes[str(code)] += 1
            self.refused.update([str(code)] if code.is_failure else [])
            if self.refused or self.sent - self.answered in (0, _IN_FLIGHT):
                self.changed.notify_all()

    def _on_disconnect(self, *given: Any) -> None:
        code = given[3]
        with self.changed:
            self.dropped += code.is_failure
            self.why = str(code)
            if self.dropped >= _TOO_OFTEN:
                self.changed.notify_all()
