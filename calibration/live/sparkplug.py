"""Sparkplug B: a small reader of its protobuf payloads, births and deaths, and lost messages.

Field numbers are those of the payload definition in the Sparkplug 3.0 specification, chapter 6.
Payloads come from anyone who may publish: every length is checked before it is used.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import NamedTuple

from calibration.live.fields import MAX_PAYLOAD, Reason, Unreadable, text

NAMESPACE = "spBv1.0"
MESSAGES = ("NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH")
MAX_METRICS = 5000
SEQUENCE = 256
"""Messages of an edge node are numbered 0 to 255, over and over."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
"""Data types Int8 ... Int64, which are sent as two's complement."""


class Metric(NamedTuple):
    """One metric: name and alias as sent, milliseconds since 1970, data type and value.

    ``value`` is nothing where it is null or of a kind that holds no number or text.
    """

    name: str = ""
    alias: int | None = None
    timestamp: int | None = None
    datatype: int = 0
    value: float | str | bool | None = None


class Payload(NamedTuple):
    """One message: milliseconds since 1970, running number, metrics."""

    timestamp: int | None
    seq: int | None
    metrics: list[Metric]


def decode(data: bytes) -> Payload:
    """Return what a Sparkplug B payload says.

    Raises
    ------
    Unreadable
        If it is not one: cut off, of impossible lengths, of groups, or too large.
    """
    if len(data) > MAX_PAYLOAD:
        raise Unreadable(Reason.TOO_LARGE, f"{len(data):,} bytes; at most {MAX_PAYLOAD:,}")
    timestamp = seq = None
    metrics: list[Metric] = []
    for field, value in _fields(data):
        if field == 1:
            timestamp = _int(field, value)
        elif field == 2:
            if len(metrics) == MAX_METRICS:
                raise Unreadable(
                    Reason.TOO_LARGE, f"more than {MAX_METRICS:,} metrics in one message"
                )
            metrics.append(_metric(_bytes(field, value)))
        elif field == 3:
            seq = _int(field, value)
    if seq is not None and seq >= SEQUENCE:
        raise Unreadable(Reason.SPARKPLUG, f"seq = {seq}; 0 to {SEQUENCE - 1}")
    return Payload(timestamp, seq, metrics)


def _metric(data: bytes) -> Metric:
    name, alias, timestamp, datatype, null = "", None, None, 0, False
    held: tuple[int, int | bytes] | None = None
    for field, value in _fields(data):
        if field == 1:
            name = _text(field, value)
        elif field == 2:
            alias = _int(field, value)
        elif field == 3:
            timestamp = _int(field, value)
        elif field == 4:
            datatype = _int(field, value)
        elif field == 7:
            null = bool(_int(field, value))
        elif 10 <= field <= 15:
            held = field, value
    number = None if null or held is None else _value(*held, datatype)
    return Metric(name, alias, timestamp, datatype, number)


def _value(field: int, raw: int | bytes, datatype: int) -> float | str | bool | None:
    """Return the value of one of the fields int, long, float, double, boolean, string."""
    if field == 15:
        return _text(field, raw)
    if field in (12, 13):
        form, size = ("<f", 4) if field == 12 else ("<d", 8)
        if not isinstance(raw, bytes) or len(raw) != size:
            raise _wrong(field)
        number = float(struct.unpack(form, raw)[0])
        return number if math.isfinite(number) else None
    whole = _int(field, raw)
    if field == 14:
        return bool(whole)
    bits = _SIGNED_BITS.get(datatype)
    if bits is not None:
        whole &= (1 << bits) - 1
        whole -= (whole >> (bits - 1)) << bits
    return float(whole)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field: an int, or the bytes of all other kinds."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        field, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            number, at = _varint(data, at)
            yield field, number
            continue
        if wire == _LENGTH:
            size, at = _varint(data, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise Unreadable(Reason.SPARKPLUG, f"wire type {wire} at byte {at}; not a payload")
        if size > len(data) - at:
            left = len(data) - at
            raise Unreadable(
                Reason.SPARKPLUG, f"{size} bytes announced at byte {at}, {left} are left"
            )
        yield field, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for n in range(10):  # 64 bits in groups of seven
        if at + n >= len(data):
            raise Unreadable(Reason.SPARKPLUG, f"the payload is cut off at byte {len(data)}")
        number |= (data[at + n] & 0x7F) << (7 * n)
        if data[at + n] < 0x80:
            return number & (2**64 - 1), at + n + 1
    raise Unreadable(Reason.SPARKPLUG, f"a number without end at byte {at}")


def _int(field: int, value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise _wrong(field)
    return value


def _bytes(field: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise _wrong(field)
    return value


def _text(field: int, value: int | bytes) -> str:
    try:
        return text(f"field {field}", _bytes(field, value).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Unreadable(Reason.SPARKPLUG, f"field {field} is not UTF-8") from error


def _wrong(field: int) -> Unreadable:
    return Unreadable(Reason.SPARKPLUG, f"field {field} has the wrong wire type")
