"""What a store's twin has recommended at a broker: sent, remembered, and taken back."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

import paho.mqtt.client as mqtt

from calibration.errors import TelemetryError
from calibration.live import advise
from calibration.live.health import Health, Refusal
from calibration.live.tracker import Tracker
from calibration.times import now, to_iso
from twin.files import write_text


class Said:
    """The retained recommendations of one store at one broker.

    In mode ``twin`` what the tracker says goes out, and what the broker holds of an earlier life is
    told to the tracker. In mode ``shadow`` (or without a tracker) what an earlier ``twin`` of this
    store left at the broker is taken back: the twin is off, so nobody stands behind it any more. The
    topics are those that the file names, so that another twin's are left alone.

    Parameters
    ----------
    file
        Keeps the topics by broker (JSON) over a restart.
    broker
        Its address.
    client
        By which it is sent.
    tracker
        The live twin, if there is one.
    health
        Is told which recommendations the broker refuses, and why.

    Attributes
    ----------
    filter
        Of the recommendations to subscribe to; empty: of none.

    Raises
    ------
    TelemetryError
        If the file cannot be read.
    """

    def __init__(
        self, file: Path, broker: str, client: mqtt.Client, tracker: Tracker | None, health: Health
    ) -> None:
        self._file, self._broker, self._client, self._tracker = file, broker, client, tracker
        self._health = health
        self._sent: dict[int, str] = {}  # topics being said, by the number of the message
        self._all: dict[str, list[str]] = _read(file)
        self._topics = set(self._all.get(broker, ()))
        self._back: dict[int, str] = {}  # topics being taken back, by the number of the message
        self.filter = ""
        if tracker is not None and tracker.mode == "twin":
            self.filter = advise.topics(tracker.scenario.name)
        self._stale = [] if self.filter else sorted(self._topics)

    @property
    def left(self) -> int:
        """How many recommendations still stand at the broker though the twin is off."""
        return 0 if self.filter else len(self._topics)

    def send(self) -> None:
        """Send what is to be said now."""
        for topic, payload in () if self._tracker is None else self._tracker.outgoing():
            self._publish(topic, payload)
        if self._stale and not self._back:  # one by one: a broker may drop who may not write
            self._publish(self._stale.pop(), b"")

    def answered(self, mid: int, refused: bool, reason: str) -> None:
        """Note what the broker answered to a message."""
        if (said := self._sent.pop(mid, None)) is not None:
            self._health.advice_answered(
                said, Refusal(_what(said), reason, to_iso(now())) if refused else None
            )
        topic = self._back.pop(mid, None)
        if topic is not None and refused:
            self._stale.clear()
        elif topic is not None:
            self._topics.discard(topic)
            self._keep()

    def is_ours(self, topic: str, message: mqtt.MQTTMessage) -> bool:
        """Return whether a message comes of our own filter: no telemetry; note it if retained."""
        if not self.filter or not topic.startswith(self.filter[:-1]):
            return False
        if self._tracker is not None and message.retain and message.payload:
            self._tracker.retained(topic)
        return not message.qos  # else of a filter of the user's, to be acknowledged in its turn

    def _publish(self, topic: str, payload: bytes) -> None:
        if payload and topic not in self._topics:
            self._topics.add(topic)
            self._keep()  # first, so that none is forgotten
        sent = self._client.publish(topic, payload, qos=1, retain=True)
        if payload:
            self._sent[sent.mid] = topic
        else:
            self._back[sent.mid] = topic
            self._health.advice_answered(topic, None)

    def _keep(self) -> None:
        self._all[self._broker] = sorted(self._topics)
        write_text(self._file, json.dumps(self._all, indent=1) + "\n")


def _what(topic: str) -> str:
    """Return what a topic recommends, in words: kind, where, what."""
    return " ".join(unquote(part) for part in topic.split("/")[3:])


def _read(file: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        return {str(broker): [str(topic) for topic in topics] for broker, topics in found.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        msg = f"{file}: topics of recommendations cannot be read ({error}); remove the file"
        raise TelemetryError(msg) from error
