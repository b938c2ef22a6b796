"""The listener: messages of a broker into the store, each acknowledged after it is safe there.

A message is acknowledged only when the transaction that holds it has been committed; until then
the broker keeps it, also while the listener is dead (persistent session). What comes a second time
after a crash is known by its source and id, so nothing is lost and nothing is double.
"""

from __future__ import annotations

import json
import select
import ssl
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from threading import Event as Stop
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from calibration.events import Event
from calibration.live.beside import endpoint, following
from calibration.live.connection import KEEPALIVE, Access, LiveError, refused, unreachable
from calibration.live.health import Health
from calibration.live.origin import made
from calibration.live.payloads import PREFIX, TOPICS, Reader, Rejected
from calibration.live.said import Said
from calibration.live.tracker import Tracker
from calibration.live.waiting import Waiting, topic_of
from calibration.store import Store
from calibration.store_parts import Load, Where
from calibration.times import DAY, now
from twin.schema import Scenario

BATCH = 500
"""Most messages of one transaction."""
WAIT = 0.2
"""Longest time in seconds that a message waits for its transaction."""
SESSION_DAYS = 7
"""How long the broker keeps messages for a listener that is away."""

_QUIET = 0.005  # seconds without a message after which a transaction is not kept waiting
_IDLE = 0.2  # seconds between looks at the stop event
_BACKOFF = (0.5, 30.0)  # seconds between two tries to connect: first, longest
_ANSWER = 10.0  # seconds within which a broker answers
_NOTHING = "twin/nothing"  # a filter that nobody subscribes to
_SETTLED = 5.0  # seconds after which a connection counts as one that lasts
_TOO_SHORT = 4  # connections in a row that do not last, after which no more is tried
_TAKEN_OVER = 142  # MQTT 5 reason code
_REJECTS_LIMIT = 64 * 2**20  # bytes
_REJECT_SHOWN = 2000  # bytes of a payload that are kept


def listen(
    broker_url: str, store: Store, scenario: Scenario | None = None, *, client_id: str = "twin",
    topics: Sequence[str] = TOPICS, tls: Path | None = None, username: str = "",
    password_file: Path | None = None, batch: int = BATCH, stop: Stop | None = None,
    http_port: int | None = None, health: Health | None = None, tracker: Tracker | None = None,
) -> Health:  # fmt: skip
    """Put what a broker delivers into a store until told to stop.

    Parameters
    ----------
    broker_url
        ``mqtt://host:port`` or ``mqtts://host:port``.
    store
        Open for writing. Beside it lie ``<store>.rejects.jsonl`` (what was not taken, and why),
        ``<store>.births.json`` (Sparkplug's births) and ``<store>.advice.json`` (topics of
        recommendations that stand at a broker).
    scenario
        Whose sites, items and units are accepted; without one all are.
    client_id
        Name of the session that the broker keeps while we are away; two listeners need two names.
    topics, batch
        Filters to subscribe to; most messages of one transaction, 1 to 10,000.
    tls, username, password_file
        Authority's certificate, user, and file of the password (:mod:`calibration.live.connection`).
    stop
        Set it to stop: what was received is stored and acknowledged first.
    http_port
        Port on this machine for ``/healthz`` and ``/metrics``; none: no endpoint.
    health
        Counters to go on with (default: new ones, in the tracker's mode).
    tracker
        A live twin that follows what is stored, not started; none: nothing is followed.

    Returns
    -------
    Health
        What was received and what became of it.

    Raises
    ------
    LiveError
        If the broker is not there at the start, refuses us, or gives our session to another.
    calibration.errors.TelemetryError
        If the store cannot be written; what is not stored stays with the broker.
    """
    health = health or Health("shadow" if tracker is None else tracker.mode)
    access = Access(broker_url, username, password_file, tls)
    reader = Reader(scenario, _beside(store, ".births.json"))
    health.lost = reader.lost
    consumer = _Consumer(access, client_id, topics, batch, store, reader, health, tracker)
    with endpoint(health, http_port), following(health, tracker):
        consumer.run(stop or Stop())
    return health


def _beside(store: Store, ending: str) -> Path:
    return store.path.with_name(store.path.name + ending)


class _Consumer:
    """One connection, and the messages that are not committed yet."""

    def __init__(
        self, access: Access, client_id: str, topics: Sequence[str], batch: int, store: Store,
        reader: Reader, health: Health, tracker: Tracker | None,
    ) -> None:  # fmt: skip
        if not 1 <= batch <= 10_000:
            msg = f"batch = {batch} messages; 1 to 10,000"
            raise LiveError(msg)
        self.access, self.topics, self.batch = access, topics, batch
        self.store, self.reader, self.health, self.tracker = store, reader, health, tracker
        self.client = access.client(client_id, manual_ack=True)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_unsubscribe = self._on_unsubscribe
        self.client.on_message = self._on_message
        self.client.on_publish = self._on_publish
        self.said = Said(_beside(store, ".advice.json"), access.url, self.client, tracker, health)
        self.load = Load(access.url)
        self.pending: list[Waiting] = []
        self.connection = 0  # messages of an earlier connection must not be acknowledged
        self.online = False
        self.since = 0.0
        self.short = 0  # connections in a row that did not last
        self.failed: LiveError | None = None
        self.leaving = False

    def run(self, stop: Stop) -> None:
        """Receive and commit until stopped."""
        first = True
        while not stop.is_set():
            if not self.online:
                self._connect(stop, first)
                first = False
                continue
            self._receive()
        self._flush()
        self._leave()

    def _leave(self) -> None:
        """End the connection so that the broker reads our last acknowledgements.

        A socket that is closed with something unread is reset, and what it wrote last is lost. So
        the broker is asked something: its answer comes after all that it sends in reply to the
        acknowledgements. That is read, not acknowledged, and comes again.
        """
        self.leaving = True
        self.client.unsubscribe(_NOTHING)
        until = time.monotonic() + _ANSWER
        while self.leaving and time.monotonic() < until and self._turn(_IDLE):
            if len(self.pending) >= self.batch:
                self._flush()
        self._flush()  # of QoS 0, which nobody sends again
        self.client.disconnect()

    def _on_unsubscribe(self, *_: object) -> None:
        self.leaving = False

    def _receive(self) -> None:
        """Take what has come, or wait for it; commit when it is time."""
        self.online &= self._turn(_QUIET if self.pending else _IDLE)
        self.health.connected = self.online
        if self.pending and self._due():
            self._flush()
        if self.online:
            self.said.send()
            self.health.advice_left = self.said.left

    def _turn(self, timeout: float) -> bool:
        """Let the client read and write once; return whether there still is a connection.

        Its own loop waits anew for each message, which costs more than all the rest.
        """
        sock = self.client.socket()
        if sock is None:
            return False
        held_back = isinstance(sock, ssl.SSLSocket) and sock.pending()
        writes = [sock] if self.client.want_write() else []
        readable, writable, _ = select.select([sock], writes, [], 0.0 if held_back else timeout)
        done = self.client.loop_write() if writable else MQTTErrorCode.MQTT_ERR_SUCCESS
        if readable or held_back:
            done = self._read(done)
        fine = done == MQTTErrorCode.MQTT_ERR_SUCCESS == self.client.loop_misc()
        if self.failed is not None:
            raise self.failed
        return fine

    def _read(self, done: MQTTErrorCode) -> MQTTErrorCode:
        for _ in range(self.batch - len(self.pending)):
            before = len(self.pending)
            done = self.client.loop_read()
            if done != MQTTErrorCode.MQTT_ERR_SUCCESS or len(self.pending) == before:
                break
        return done

    def _due(self) -> bool:
        age = (now() - self.pending[0].arrived) / 1e6
        quiet = (now() - self.pending[-1].arrived) / 1e6
        return len(self.pending) >= self.batch or age >= WAIT or quiet >= _QUIET or not self.online

    def _flush(self) -> None:
        """Commit what is pending, then acknowledge it."""
        events: list[Event] = []
        rejected: list[Rejected] = []
        for one in self.pending:
            arrived = self._first_arrival(one) if one.again else one.arrived
            found = self.reader.read(one.topic, one.payload, arrived, one.mark)
            events += found.events
            rejected += found.rejected
        reasons = Counter(r.reason for r in rejected)
        if events or rejected:
            rows = [event.row() for event in events]
            new = self.store.add_rows(rows, self.load, reasons)
            self.load = self.load.plus(len(events), new, reasons)
            self._keep(rejected)
            self._count(events, new, reasons)
            if self.tracker is not None:
                self.tracker.offer(events)
        for one in self.pending:
            if one.connection == self.connection and one.qos:
                self.client.ack(one.mid, one.qos)
        self.pending.clear()

    def _first_arrival(self, again: Waiting) -> int:
        """Return when a message that is sent again came first, if it came at all.

        A reading without a time has that of its arrival, and is known by it; what has an id of its
        own is not looked up.
        """
        if b'"event_id"' in again.payload or not again.topic.startswith(PREFIX):
            return again.arrived
        for one in self.pending:
            if (one.topic, one.mark) == (again.topic, again.mark):
                if one is not again:
                    return one.arrived
                break
        kept = Where((("source", (f"mqtt:{again.topic}",)),), again.arrived - SESSION_DAYS * DAY)
        known = self.store.table(("ingest_time", "raw_ref"), kept)
        times, refs = (known[name].to_pylist() for name in ("ingest_time", "raw_ref"))
        came = (t for t, ref in zip(times, refs, strict=True) if ref.endswith(again.mark))
        return max(came, default=again.arrived)

    def _count(self, events: list[Event], new: int, reasons: Counter[str]) -> None:
        health = self.health
        health.stored += new
        health.duplicates += len(events) - new
        health.rejected.update(reasons)
        for event in events:
            health.heard(event.site, event.device, event.ingest_time)
        if events:
            health.lag = max(e.ingest_time - e.event_time for e in events) / 1e6
            health.replayed = any(made(e) for e in events)

    def _keep(self, rejected: list[Rejected]) -> None:
        """Append what was not taken to a file, up to a size that cannot fill the disk."""
        file = _beside(self.store, ".rejects.jsonl")
        if not rejected or (file.exists() and file.stat().st_size > _REJECTS_LIMIT):
            return
        with file.open("a", encoding="utf-8") as out:
            for one in rejected:
                shown = one.payload[:_REJECT_SHOWN].decode("utf-8", "backslashreplace")
                out.write(json.dumps(one._asdict() | {"payload": shown}) + "\n")

    def _connect(self, stop: Stop, first: bool) -> None:
        """Try to connect until it works; the first time, once."""
        self._count_short(first)
        delay = _BACKOFF[0] * 2**self.short
        wait = delay if self.short else 0.0
        while not stop.wait(wait):
            try:
                self._open()
                return
            except OSError as error:
                if first or isinstance(error, ssl.SSLCertVerificationError):
                    raise unreachable(self.access, error) from error
            wait, delay = delay, min(2 * delay, _BACKOFF[1])

    def _count_short(self, first: bool) -> None:
        """Give up on a broker that takes us and drops us again and again.

        mosquitto 2.0 closes the connection without a word when another client takes the session;
        two listeners of one name would throw each other out for ever.
        """
        if first or time.monotonic() - self.since > _SETTLED:
            self.short = 0
            return
        self.short += 1
        if self.short >= _TOO_SHORT:
            msg = (
                f"{self.access.url} dropped {self.short} connections within {_SETTLED:g} seconds "
                "each; stop the other listener of this name or give this one another --client-id, "
                "else see the broker's log"
            )
            raise LiveError(msg)

    def _open(self) -> None:
        _, host, port = self.access.address
        asked: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        asked.SessionExpiryInterval = SESSION_DAYS * 86_400
        asked.ReceiveMaximum = 2 * self.batch  # the next batch travels while this one is committed
        self.client.connect(host, port, KEEPALIVE, clean_start=False, properties=asked)
        until = time.monotonic() + _ANSWER
        while not self.online:
            if not self._turn(_IDLE) or time.monotonic() > until:
                msg = "it does not answer as an MQTT 5 broker"
                raise ConnectionError(msg)

    def _on_connect(
        self, client: mqtt.Client, _: object, flags: Any, code: Any, __: object
    ) -> None:
        self.health.reason_codes["CONNACK", str(code)] += 1
        if code.is_failure:
            self.failed = refused(self.access, code)
            return
        self.connection += 1
        self.since = time.monotonic()
        self.online = self.health.connected = True
        self.health.sessions += not flags.session_present
        # retained messages are of interest once, when the session begins
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        asked = [(topic, options) for topic in self.topics]
        if self.said.filter:  # what was said in an earlier life may have to be taken back
            asked.append((self.said.filter, SubscribeOptions(qos=0, noLocal=True)))
        client.subscribe(asked)

    def _on_disconnect(self, *given: Any) -> None:
        code = given[3]
        self.health.reason_codes["DISCONNECT", str(code)] += 1
        self.online = self.health.connected = False
        if code.value == _TAKEN_OVER:
            self.failed = LiveError(
                f"{self.access.url}: another listener took this session; stop it, or give this "
                "one another --client-id"
            )

    def _on_subscribe(
        self, _: object, __: object, ___: int, codes: list[Any], ____: object
    ) -> None:
        for topic, code in zip((*self.topics, self.said.filter), codes, strict=False):
            self.health.reason_codes["SUBACK", str(code)] += 1
            if code.is_failure:
                self.failed = LiveError(
                    f"{self.access.url} refused to deliver '{topic}': {code}; check the broker's "
                    f"ACL file for user '{self.access.username}'"
                )

    def _on_publish(self, _: object, __: object, mid: int, code: Any, ___: object) -> None:
        self.health.reason_codes["PUBACK", str(code)] += 1
        self.said.answered(mid, code.is_failure, str(code))

    def _on_message(self, _: object, __: object, message: mqtt.MQTTMessage) -> None:
        topic = topic_of(message)
        if self.said.is_ours(topic, message):
            return
        if self.leaving and message.qos:
            return
        self.health.received += 1
        self.pending.append(Waiting.of(message, topic, self.connection))
