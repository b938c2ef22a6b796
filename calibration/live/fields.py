"""Values out of payloads that anyone may have sent: checked, or refused with a reason."""

from __future__ import annotations

import json
import math
from enum import StrEnum
from typing import Any, NoReturn

from calibration import times
from calibration.amounts import IMPOSSIBLE, NEGATIVE, impossible
from calibration.events import KINDS, Event

MAX_PAYLOAD = 262_144
"""Bytes of a longer payload are not looked at."""
MAX_TEXT = 200
_MAX_SEQ = 2**63 - 1
_READ_AS_VALUE = ("sense", "status")


class Reason(StrEnum):
    """Why something was not taken; each is counted by itself."""

    TOO_LARGE = "too large"
    NOT_JSON = "not JSON"
    NOT_AN_EVENT = "not an event"
    UNKNOWN_FIELD = "unknown field"
    MISSING_FIELD = "missing field"
    WRONG_VALUE = "wrong value"
    WRONG_TIME = "wrong time"
    NEGATIVE_QUANTITY = "negative quantity"
    NO_NUMBER = "no number"
    UNKNOWN_KIND = "unknown kind"
    UNKNOWN_TOPIC = "unknown topic"
    UNKNOWN_SITE = "unknown site"
    UNKNOWN_ITEM = "unknown item"
    WRONG_UNIT = "wrong unit"
    FORGED_SITE = "forged site"
    FORGED_DEVICE = "forged device"
    UNKNOWN_ALIAS = "unknown alias"
    SENML = "SenML"
    SPARKPLUG = "Sparkplug"


class Unreadable(ValueError):
    """A payload, or a part of it, cannot be taken; nothing of it is.

    Parameters
    ----------
    reason
        What is counted.
    detail
        Value, place and what is allowed: what a person needs to mend it.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def load(payload: bytes) -> Any:
    """Return what a JSON payload says, or raise :class:`Unreadable`."""
    if len(payload) > MAX_PAYLOAD:
        detail = f"{len(payload):,} bytes; at most {MAX_PAYLOAD:,}, send several messages"
        raise Unreadable(Reason.TOO_LARGE, detail)
    try:
        return json.loads(payload.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:  # also wrong UTF-8 and numbers without end
        raise Unreadable(Reason.NOT_JSON, str(error)[:MAX_TEXT]) from error


def _no_number(word: str) -> NoReturn:
    msg = f"{word} is not a number in JSON"
    raise ValueError(msg)


def text(name: str, value: object) -> str:
    """Return a text of at most :data:`MAX_TEXT` printable characters."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
        detail = f"{name} = {shown(value)}; a text of at most {MAX_TEXT} printable characters"
        raise Unreadable(Reason.WRONG_VALUE, detail)
    return value


def number(name: str, value: object) -> float:
    """Return a finite number; true and false are none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            found = float(value)
        except OverflowError:
            found = math.inf
        if math.isfinite(found):
            return found
    detail = f"{name} = {shown(value)}; a finite number"
    raise Unreadable(Reason.WRONG_VALUE, detail)


def whole(name: str, value: object) -> int:
    """Return a whole number of 0 or more that a database can hold."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_SEQ:
        detail = f"{name} = {shown(value)}; a whole number of 0 or more"
        raise Unreadable(Reason.WRONG_VALUE, detail)
    return value


def moment(name: str, value: object) -> int:
    """Return a time in microseconds since 1970, given so or as ISO 8601 with an offset."""
    try:
        found = times.from_iso(value) if isinstance(value, str) else whole(name, value)
    except ValueError as error:
        raise Unreadable(Reason.WRONG_TIME, f"{name} = {shown(value)}; {error}") from error
    if not times.EARLIEST <= found < times.LATEST:
        raise Unreadable(Reason.WRONG_TIME, f"{name} = {shown(value)}; {times.OUTSIDE}")
    return found


def shown(value: object) -> str:
    """Return a value for a message, shortened."""
    try:
        words = ascii(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, or endlessly nested
        words = f"a {type(value).__name__}"
    return words if len(words) <= 60 else words[:57] + "..."


def amount(event: Event, qty: float) -> Event:
    """Return an event with its quantity, marked if that is below zero."""
    if impossible(event.kind, event.device, qty):
        raise Unreadable(Reason.NEGATIVE_QUANTITY, f"{qty:g}; {IMPOSSIBLE}")
    marks = [*event.quality.split(), *([NEGATIVE] if qty < 0 else [])]
    return event._replace(qty=qty, quality=" ".join(dict.fromkeys(marks)))


def measured(name: str, value: float, base: Event) -> Event:
    """Return what a named number of SenML or Sparkplug says, as an event.

    Parameters
    ----------
    name
        ``count/tea`` (a kind of event, then the item), else the name of a sensed quantity.
    value
        What was measured.
    base
        All that is known apart from kind, item and number.
    """
    kind, _, item = name.partition("/")
    if kind not in KINDS:
        kind, item = "sense", ""
    base = base._replace(kind=kind, item=item, raw_ref=name)
    if kind in _READ_AS_VALUE:
        return base._replace(value=value)
    return amount(base, value)
