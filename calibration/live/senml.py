"""SenML packs in JSON (RFC 8428): base values resolved into one record a measurement."""

from __future__ import annotations

from typing import Any, NamedTuple

from calibration.live.fields import Reason, Unreadable, number, shown, text

VERSION = 10
"""The version that RFC 8428 defines; packs of a later one are refused."""
RELATIVE = 2.0**28
"""Times below are seconds from now, others seconds since 1970 (RFC 8428, section 4.5.3)."""

_VALUES = ("v", "vs", "vb", "vd")
_KNOWN = {"bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "s", "t", "ut", *_VALUES}


class Record(NamedTuple):
    """One measurement: full name, unit, value, seconds since 1970 and its place in the pack.

    ``value`` is nothing where the record only holds a sum or binary data.
    """

    name: str
    unit: str
    value: float | str | bool | None
    time: float
    position: int


def is_pack(data: object) -> bool:
    """Return whether parsed JSON looks like a pack: records that name no ``kind``."""
    return (
        isinstance(data, list)
        and bool(data)
        and all(isinstance(r, dict) and "kind" not in r for r in data)
        and any(_KNOWN & r.keys() for r in data)
    )


def resolve(pack: list[dict[str, Any]], now: float) -> list[Record]:
    """Return the records of a pack with their base values worked in.

    Parameters
    ----------
    pack
        The array of a SenML document.
    now
        Seconds since 1970 at arrival: what relative times count from.

    Raises
    ------
    Unreadable
        If the pack breaks the standard; a pack is taken as a whole or not at all.
    """
    base: dict[str, Any] = {"bn": "", "bt": 0.0, "bu": "", "bv": 0.0}
    records = []
    for position, record in enumerate(pack):
        _check_keys(record)
        for key in base.keys() & record.keys():
            take = text if key in ("bn", "bu") else number
            base[key] = take(key, record[key])
        if any(not key.startswith("b") for key in record):
            records.append(_record(record, base, now, position))
    return records


def _check_keys(record: dict[str, Any]) -> None:
    version = record.get("bver", VERSION)
    if number("bver", version) > VERSION:
        raise Unreadable(
            Reason.SENML, f"bver = {shown(version)}; this reader knows up to {VERSION}"
        )
    for key in record:
        if key.endswith("_") and key not in _KNOWN:
            detail = f"'{shown(key)}' must be understood (it ends with _) and is not"
            raise Unreadable(Reason.SENML, detail)


def _record(record: dict[str, Any], base: dict[str, Any], now: float, position: int) -> Record:
    name = base["bn"] + text("n", record.get("n", ""))
    if not name:
        raise Unreadable(Reason.SENML, f"record {position} has no name; give 'n' or 'bn'")
    given = [key for key in _VALUES if key in record]
    if len(given) > 1 or not (given or "s" in record):
        detail = f"record {position} has {len(given)} values; give one of v, vs, vb, vd"
        raise Unreadable(Reason.SENML, detail)
    time = base["bt"] + number("t", record.get("t", 0.0))
    return Record(
        name,
        text("u", record["u"]) if "u" in record else base["bu"],
        _value(given[0], record, base) if given else None,
        time if time >= RELATIVE else now + time,
        position,
    )


def _value(key: str, record: dict[str, Any], base: dict[str, Any]) -> float | str | bool | None:
    value = record[key]
    if key == "v":
        return float(base["bv"] + number("v", value))
    if key == "vb":
        if not isinstance(value, bool):
            raise Unreadable(Reason.WRONG_VALUE, f"vb = {shown(value)}; true or false")
        return value
    return text("vs", value) if key == "vs" else None
