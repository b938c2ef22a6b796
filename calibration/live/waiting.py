"""A message that has been received and is not committed yet."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import paho.mqtt.client as mqtt

from calibration.times import now


class Waiting(NamedTuple):
    """What is kept of a message; ``again``: whether the broker says that it has sent it before."""

    topic: str
    payload: bytes
    arrived: int
    connection: int
    mid: int
    qos: int
    again: bool = False

    @classmethod
    def of(cls, message: mqtt.MQTTMessage, topic: str, connection: int) -> Waiting:
        """Return what is kept of a message that a connection brings now.

        paho's own object is let go: hundreds of them cost more to keep than all else together.
        """
        return cls(
            topic, bytes(message.payload), now(), connection, message.mid, message.qos,
            bool(message.dup),
        )  # fmt: skip

    @property
    def mark(self) -> str:
        """What it is known by when it is sent again: its number in the session, and its content."""
        return f"message {self.mid} {zlib.crc32(self.payload):08x}"


def topic_of(message: mqtt.MQTTMessage) -> str:
    """Return the topic of a message."""
    try:
        return message.topic
    except UnicodeDecodeError:
        return "(a topic that is not UTF-8)"
