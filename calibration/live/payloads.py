"""Messages of a broker read into events: canonical JSON, SenML and Sparkplug B.

A message under ``telemetry/{site}/{device}`` holds one canonical event, a list of them, or a SenML
pack; one under ``spBv1.0/...`` is Sparkplug's. The broker lets each user write to its own topic
only, so site and device are those of the topic, and a payload that names others is forged.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from calibration.events import KINDS, NAMES, Event
from calibration.live import fields, senml, sparkplug
from calibration.live.births import BIRTH_NUMBER, Births
from calibration.live.fields import Reason, Unreadable
from twin.names import nearest
from twin.schema import Scenario

PREFIX = "telemetry"
NO_DEVICE = "-"
"""Last level of the topic of what a site's own system says."""
TOPICS = (f"{PREFIX}/+/+", *(f"{sparkplug.NAMESPACE}/+/{m}/#" for m in sparkplug.MESSAGES))
"""What is subscribed to unless told otherwise."""

_GIVEN = tuple(name for name in NAMES if name != "ingest_time")
_TEXTS = ("item", "lot", "partner", "unit", "quality")
_CONTROLS = (BIRTH_NUMBER, "Node Control/", "Device Control/")


class Rejected(NamedTuple):
    """What was not taken: of which topic, why, when it came (microseconds), and the bytes."""

    topic: str
    reason: str
    detail: str
    arrived: int
    payload: bytes


class Read(NamedTuple):
    """What one message held."""

    events: list[Event]
    rejected: list[Rejected]


def topic_of(site: str, device: str) -> str:
    """Return the topic a device publishes to; of no device, that of the site's own system."""
    return f"{PREFIX}/{quote(site, safe=' ')}/{quote(device, safe=' ') or NO_DEVICE}"


class Reader:
    """Reads messages, one by one, never raising for what is in them.

    Parameters
    ----------
    scenario
        Whose sites, items and units are known; without one all are taken.
    births
        File in which Sparkplug births are kept over a restart.

    Attributes
    ----------
    lost
        Messages known to be missing, by Sparkplug edge node (``group/edge``).
    """

    def __init__(self, scenario: Scenario | None = None, births: Path | None = None) -> None:
        self.lost: Counter[str] = Counter()
        self._births = Births(births)
        self._sites = None if scenario is None else {s.name for s in scenario.sites}
        self._units = None if scenario is None else {i.name: i.unit for i in scenario.items}

    def read(self, topic: str, payload: bytes, arrived: int, mark: str = "") -> Read:
        """Return the events of one message, and what of it was not taken.

        Parameters
        ----------
        topic, payload
            As published.
        arrived
            When it came in: microseconds since 1970.
        mark
            What the message is known by if the broker sends it again; kept with SenML, whose
            readings may have no time but that of their arrival.
        """
        found = Read([], [])
        message = _Message(topic, payload, arrived, found, mark)
        try:
            levels = topic.split("/")
            if levels[0] == sparkplug.NAMESPACE:
                self._sparkplug(levels[1:], message)
            elif levels[0] == PREFIX and len(levels) == 3:
                self._json(unquote(levels[1]), unquote(levels[2]), message)
            else:
                detail = f"'{topic}'; {PREFIX}/site/device or {sparkplug.NAMESPACE}/..."
                raise Unreadable(Reason.UNKNOWN_TOPIC, detail)
        except Unreadable as error:
            message.refuse(error)
        return found

    def _json(self, site: str, device: str, message: _Message) -> None:
        device = "" if device == NO_DEVICE else device
        base = _base(message, message.topic, fields.text("site", site), device)
        data = fields.load(message.payload)
        if senml.is_pack(data):
            self._senml(data, base, message)
            return
        for given in data if isinstance(data, list) else [data]:
            try:
                message.found.events.append(self._checked(_canonical(given, base)))
            except Unreadable as error:
                message.refuse(error)

    def _senml(self, pack: list[dict[str, Any]], base: Event, message: _Message) -> None:
        for record in senml.resolve(pack, message.arrived / 1e6):
            try:
                number = _number(record.name, record.value)
                name = _own_name(record.name, base.device)
                moment = fields.moment("time", round(record.time * 1e6))
                one = base._replace(
                    event_id=f"{moment}-{record.name}", event_time=moment, unit=record.unit
                )
                event = self._checked(fields.measured(name, number, one))
                marked = f"{event.raw_ref} {message.mark}".strip()
                message.found.events.append(event._replace(raw_ref=marked))
            except Unreadable as error:
                message.refuse(error)

    def _sparkplug(self, levels: list[str], message: _Message) -> None:
        group, kind, edge, device = _sparkplug_levels(levels)
        payload = sparkplug.decode(message.payload)
        key = f"{group}/{edge}"
        lost = self._births.lost(key, kind, payload)
        self.lost[key] += lost
        sent = message.arrived if payload.timestamp is None else payload.timestamp * 1000
        sent = fields.moment("timestamp", sent)
        source = "/".join([sparkplug.NAMESPACE, group, edge, *([device] if device else [])])
        base = _base(message, source, edge, device)._replace(
            event_time=sent, quality="after_gap" if lost else ""
        )
        if kind.endswith("DEATH"):
            self._deaths(key, payload, base, message)
            return
        if kind.endswith("BIRTH"):
            self._births.born(key, device, payload, sent)
            alive = base._replace(event_id=f"birth-{sent}", kind="status", value=1.0)
            message.found.events.append(self._checked(alive))
        for n, metric in enumerate(payload.metrics):
            try:
                self._metric(metric, f"{sent}-{payload.seq}-{n}", key, kind, base, message)
            except Unreadable as error:
                message.refuse(error)

    def _metric(
        self, metric: sparkplug.Metric, event_id: str, edge: str, kind: str, base: Event,
        message: _Message,
    ) -> None:  # fmt: skip
        name = self._births.name(edge, metric)
        if name.startswith(_CONTROLS):
            return
        if not isinstance(metric.value, int | float) and kind.endswith("BIRTH"):
            return  # births also tell what a device is, in words
        number = _number(name, metric.value)
        if metric.timestamp is not None:
            moment = fields.moment("timestamp", metric.timestamp * 1000)
            base = base._replace(event_time=moment)
        event = fields.measured(name, number, base._replace(event_id=event_id))
        message.found.events.append(self._checked(event))

    def _deaths(
        self, edge: str, payload: sparkplug.Payload, base: Event, message: _Message
    ) -> None:
        for device, born in self._births.died(edge, base.device, payload):
            ended = base.event_time if born is None or base.device else born
            event = base._replace(
                event_id=f"death-{device}-{ended}", device=device, kind="status", value=0.0
            )
            message.found.events.append(self._checked(event))

    def _checked(self, event: Event) -> Event:
        """Return an event if the scenario knows its site, item and unit."""
        if self._sites is None or self._units is None:
            return event
        if event.site not in self._sites:
            raise Unreadable(
                Reason.UNKNOWN_SITE, f"'{event.site}'; {nearest(event.site, self._sites)}"
            )
        if not event.item:
            return event
        if event.item not in self._units:
            raise Unreadable(
                Reason.UNKNOWN_ITEM, f"'{event.item}'; {nearest(event.item, self._units)}"
            )
        unit = self._units[event.item]
        if event.unit and event.qty is not None and event.unit != unit:
            raise Unreadable(
                Reason.WRONG_UNIT, f"'{event.unit}' of '{event.item}'; it must be '{unit}'"
            )
        return event


class _Message(NamedTuple):
    topic: str
    payload: bytes
    arrived: int
    found: Read
    mark: str

    def refuse(self, error: Unreadable) -> None:
        refused = Rejected(self.topic, error.reason, error.detail, self.arrived, self.payload)
        self.found.rejected.append(refused)


def _base(message: _Message, source: str, site: str, device: str) -> Event:
    return Event(
        event_id="", source=f"mqtt:{source}", site=site, event_time=message.arrived, kind="sense",
        device=fields.text("device", device), ingest_time=message.arrived,
    )  # fmt: skip


def _canonical(given: Any, base: Event) -> Event:
    """Return an event given as a mapping of the fields of the canonical record."""
    if not isinstance(given, dict):
        raise Unreadable(Reason.NOT_AN_EVENT, f"{fields.shown(given)}; a mapping, a list, or SenML")
    given = {name: value for name, value in given.items() if value is not None}
    for name in given:
        if name not in _GIVEN:
            raise Unreadable(Reason.UNKNOWN_FIELD, f"{fields.shown(name)}; {nearest(name, _GIVEN)}")
    for name in ("event_id", "event_time", "kind"):
        if not given.get(name):
            raise Unreadable(Reason.MISSING_FIELD, f"{name}; every event has one")
    for name, reason in (("site", Reason.FORGED_SITE), ("device", Reason.FORGED_DEVICE)):
        if name in given and given[name] != getattr(base, name):
            detail = f"{name} = {fields.shown(given[name])} under '{base.source}'"
            raise Unreadable(reason, detail)
    kind = given["kind"]
    if kind not in KINDS:
        raise Unreadable(Reason.UNKNOWN_KIND, f"{fields.shown(kind)}; {nearest(str(kind), KINDS)}")
    qty, value, seq = given.get("qty"), given.get("value"), given.get("seq")
    item, lot, partner, unit, quality = (
        fields.text(k, given[k]) if k in given else "" for k in _TEXTS
    )
    event = base._replace(
        event_id=fields.text("event_id", given["event_id"]),
        event_time=fields.moment("event_time", given["event_time"]),
        kind=kind, item=item, lot=lot, partner=partner, unit=unit, quality=quality,
        seq=None if seq is None else fields.whole("seq", seq),
        value=None if value is None else fields.number("value", value),
        raw_ref=_origin(given),
    )  # fmt: skip
    return event if qty is None else fields.amount(event, fields.number("qty", qty))


def _origin(given: dict[str, Any]) -> str:
    """Return where a replayed event stood: its first source and place, as far as given."""
    parts = [fields.text(name, given[name]) for name in ("source", "raw_ref") if given.get(name)]
    return " ".join(parts)


def _own_name(name: str, device: str) -> str:
    """Return a SenML name without the device that published it; another's is forged."""
    for mark in "/:":
        if device and name.startswith(device + mark):
            return name[len(device) + 1 :]
    head = name.partition("/")[0]
    if ":" in head or (head not in KINDS and "/" in name):
        raise Unreadable(
            Reason.FORGED_DEVICE, f"name {fields.shown(name)}; it must begin '{device}/'"
        )
    return name


def _number(name: str, value: float | str | bool | None) -> float:
    if isinstance(value, int | float):
        return float(value)
    raise Unreadable(Reason.NO_NUMBER, f"'{name}' = {fields.shown(value)}; a number, true or false")


def _sparkplug_levels(levels: list[str]) -> tuple[str, str, str, str]:
    """Return group, message, edge node and device of the levels behind the namespace."""
    kind = levels[1] if len(levels) > 1 else ""
    if kind not in sparkplug.MESSAGES or len(levels) != (3 if kind[0] == "N" else 4):
        detail = f"'{'/'.join(levels)}'; group/{{N|D}}{{BIRTH|DATA|DEATH}}/edge[/device]"
        raise Unreadable(Reason.UNKNOWN_TOPIC, detail)
    group, _, edge, *device = (fields.text("topic", unquote(level)) for level in levels)
    return group, kind, edge, device[0] if device else ""
