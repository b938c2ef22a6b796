"""EPCIS 2.0 JSON-LD into events: a document, a query's answer, one event, or a list of events.

What becomes of an event:

============================================  ==================================================
EPCIS                                         events of ours
============================================  ==================================================
``shipping``, ``receiving``                   ship, receive, of each item
``void_shipping``                             ship of less than nothing
``retail_selling``, ``dispensing``            order (marked ``sale``) and ship to outside
``commissioning`` with ADD                    make
``destroying``, ``decommissioning``           make of less than nothing
``cycle_counting``, ``stock_taking``          count
TransformationEvent                           make of each output; inputs: ship to the site itself,
                                              marked ``input``
TransactionEvent of a purchase order          order (DELETE: of less than nothing)
AssociationEvent                              status of each child: 1 attached, 0 taken off
each report of a sensorElementList            sense; the device is ``deviceID#type``
anything else                                 status without a value, marked ``seen``
============================================  ==================================================

An ``errorDeclaration`` takes the event of its id back (:data:`calibration.store_parts.VOID`).
Items of GS1 keys are named by GTIN, ``gtin:09521987123456``, whether written as URN or as Digital
Link; a map may give them, and places, other names.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from calibration.adapters import Batch, Rejection, shown
from calibration.adapters.cells import COUNTED, MAX_TEXT, Reading
from calibration.adapters.epcis_model import (
    EVENT,
    AnyEvent,
    AssociationEvent,
    Destination,
    Event,
    ObjectEvent,
    Quantity,
    Source,
    TransactionEvent,
    TransformationEvent,
)
from calibration.amounts import IMPOSSIBLE, NEGATIVE, impossible
from calibration.errors import TelemetryError
from calibration.events import Event as Canonical
from calibration.store import Row
from calibration.store_parts import VOID

MAX_FILE = 512 * 2**20
"""Largest document in bytes; it is held in memory whole."""

BATCH = 5_000
"""EPCIS events taken at a time."""

_FLOWS = {
    "shipping": "ship", "void_shipping": "ship", "receiving": "receive",
    "retail_selling": "ship", "dispensing": "ship", "cycle_counting": "count",
    "stock_taking": "count", "destroying": "make", "decommissioning": "make",
    "commissioning": "make", "creating_class_instance": "make",
}  # fmt: skip
_SOLD = ("retail_selling", "dispensing")
_LESS = ("void_shipping", "destroying", "decommissioning")
_LOT_TYPES = ("desadv", "bol", "po", "prodorder", "")
_PARTIES = ("location", "possessing_party", "owning_party")
_SGTIN = re.compile(r"urn:epc:(?:id|idpat):sgtin:(\d+)\.(\d)(\d*)\.(.+)")
_LGTIN = re.compile(r"urn:epc:class:lgtin:(\d+)\.(\d)(\d*)\.(.+)")
_LINK = re.compile(r"https?://[^/]+/(?:.*/)?01/(\d{8,14})(?:/10/([^/?]+))?(?:[/?].*)?")

Goods = list[tuple[str, str, float | None, str]]
"""Item, lot, quantity and unit."""


class _Refused(ValueError):
    """An event that cannot be one of ours: the value, and why not."""

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(value, reason)
        self.value, self.reason = value, reason


def read_epcis(file: Path, how: Reading) -> Iterator[Batch]:
    """Yield the events of an EPCIS file.

    Parameters
    ----------
    file
        JSON; a map has no use for columns here, but for source, sites, items and units.
    how
        The map and what the scenario knows.

    Raises
    ------
    TelemetryError
        If it is no JSON, no EPCIS, or larger than :data:`MAX_FILE`.
    """
    document = _document(file)
    found = iter(enumerate(_events(document, file), 1))
    source = how.map.source or _sender(document) or how.name
    while part := list(islice(found, BATCH)):
        rows: list[Row] = []
        refused: list[Rejection] = []
        for number, data in part:
            place = f"{how.name}:{number}"
            try:
                rows += list(_rows(data, place, source, how))  # all of it or nothing
            except _Refused as error:
                raw = shown(json.dumps(data), 1000)
                refused.append(Rejection(place, shown(error.value), error.reason, raw))
        yield Batch(rows, refused, file.stat().st_size)


def class_of(epc: str) -> tuple[str, str]:
    """Return item and lot of an EPC, an EPC class or a GS1 Digital Link.

    A GTIN has 14 digits, the last of which is a check digit (GS1 General Specifications, 7.9);
    what has none is its own item.
    """
    if found := _SGTIN.fullmatch(epc) or _LGTIN.fullmatch(epc):
        company, indicator, item, rest = found.groups()
        body = indicator + company + item
        if len(body) == 13:
            digits = [int(d) for d in body]
            check = -(3 * sum(digits[::2]) + sum(digits[1::2])) % 10
            return f"gtin:{body}{check}", rest if ":lgtin:" in epc else ""
    if link := _LINK.fullmatch(epc):
        return f"gtin:{link[1]:0>14}", link[2] or ""
    return epc, ""


def _document(file: Path) -> Any:
    if (size := file.stat().st_size) > MAX_FILE:
        msg = f"{file}: {size:,} bytes; at most {MAX_FILE:,} are read, give several documents"
        raise TelemetryError(msg)
    try:
        return json.loads(file.read_bytes().decode("utf-8-sig"), parse_constant=_not_a_number)
    except (ValueError, RecursionError) as error:
        why = str(error)[:80]
        msg = f"{file}: no whole JSON document ({why}); nothing was stored, get the file again"
        raise TelemetryError(msg) from error


def _events(document: Any, file: Path) -> list[Any]:
    """Return the events of a document, a query's answer, a list, or the one event it is."""
    if isinstance(document, list):
        return document
    if isinstance(document, dict) and isinstance(body := document.get("epcisBody"), dict):
        results = body.get("queryResults")
        body = results.get("resultsBody") if isinstance(results, dict) else body
        if isinstance(body, dict) and isinstance(found := body.get("eventList"), list):
            return found
    elif isinstance(document, dict) and ("eventTime" in document or "type" in document):
        return [document]
    msg = f"{file}: no EPCIS events in it; give a document with epcisBody.eventList, or events"
    raise TelemetryError(msg)


def _sender(document: Any) -> str:
    sender = document.get("sender") if isinstance(document, dict) else None
    return sender[:MAX_TEXT] if isinstance(sender, str) else ""


def _rows(data: Any, place: str, source: str, how: Reading) -> Iterator[Row]:
    """Yield what one EPCIS event becomes."""
    try:
        event = EVENT.validate_python(data)
    except ValidationError as error:
        raise _Refused(*_why(error)) from error
    taken = event.recordTime or how.taken
    name = event.eventID or _content(data)
    void = event.errorDeclaration is not None
    for number, fields in enumerate(_records(event)):
        mine = f"{name}#{number}" if number else name
        if fields["kind"] in COUNTED and fields["qty"] is None:  # an amount that nobody knows
            fields |= {"kind": "status", "quality": "seen"}
        marks = [fields.pop("quality", ""), VOID if void else ""]
        named, qty = _named(fields, how), fields.get("qty") or 0.0
        if impossible(fields["kind"], named.get("device"), qty):
            value = f"{qty:g}"
            raise _Refused(value, IMPOSSIBLE)
        if qty < 0:
            marks.append(NEGATIVE)
        yield Canonical(**{
            "event_id": f"{mine}#{VOID}" if void else mine, "source": source,
            "event_time": event.eventTime, "ingest_time": taken, "raw_ref": place,
            "quality": " ".join(filter(None, marks)), **named,
        }).row()  # fmt: skip


def _records(event: AnyEvent) -> Iterator[dict[str, Any]]:
    """Yield the fields of each of our events that an EPCIS event stands for."""
    if isinstance(event, AssociationEvent):
        up = float(event.action != "DELETE")
        for child in event.childEPCs or [event.parentID]:
            yield {"kind": "status", "device": child, "value": up, "site": _site(event)}
    elif isinstance(event, TransformationEvent):
        yield from _transformed(event)
    elif isinstance(event, TransactionEvent):
        yield from _ordered(event)
    else:
        yield from _moved(event)
    yield from _sensed(event)


def _moved(event: AnyEvent) -> Iterator[dict[str, Any]]:
    if isinstance(event, ObjectEvent):
        goods = _goods(event.epcList or [], event.quantityList)
    else:
        goods = _goods(event.childEPCs, event.childQuantityList)  # type: ignore[union-attr]
    kind = _FLOWS.get(event.bizStep)
    if kind == "make" and event.bizStep not in _LESS and event.action != "ADD":  # type: ignore[union-attr]
        kind = None
    partner = ""
    if kind in ("ship", "receive") and event.bizStep not in _SOLD:
        partner = _party(event.destinationList if kind == "ship" else event.sourceList)
    sign = -1 if event.bizStep in _LESS else 1
    for item, lot, qty, unit in goods:
        base = {"site": _site(event, kind), "item": item, "lot": _lot(event) or lot, "unit": unit}
        if kind is None:
            yield base | {"kind": "status", "qty": qty, "quality": "seen"}
            continue
        if event.bizStep in _SOLD:
            yield base | {"kind": "order", "qty": qty, "quality": "sale"}
        amount = None if qty is None else sign * qty
        yield base | {"kind": kind, "qty": amount, "partner": partner}
    if not goods and not event.sensorElementList:
        yield {"kind": "status", "site": _site(event), "quality": "seen"}


def _transformed(event: TransformationEvent) -> Iterator[dict[str, Any]]:
    outputs = _goods(event.outputEPCList, event.outputQuantityList)
    inputs = _goods(event.inputEPCList, event.inputQuantityList)
    site, lot = _site(event), event.transformationID or ""
    # one thing into one thing: the input is what was started; else their units may differ
    alone = len(outputs) == len(inputs) == 1 and outputs[0][3] == inputs[0][3]
    for item, batch, qty, unit in outputs:
        yield {"kind": "make", "site": site, "item": item, "lot": lot or batch, "qty": qty,
               "unit": unit, "value": inputs[0][2] if alone else None}  # fmt: skip
    for item, batch, qty, unit in inputs:
        yield {"kind": "ship", "site": site, "partner": site, "item": item, "lot": lot or batch,
               "qty": qty, "unit": unit, "quality": "input"}  # fmt: skip


def _ordered(event: TransactionEvent) -> Iterator[dict[str, Any]]:
    site = _party(event.destinationList) or _site(event)
    order = any(one.type == "po" for one in event.bizTransactionList)
    sign = -1 if event.action == "DELETE" else 1
    goods = _goods(event.epcList or [], event.quantityList)
    for item, lot, qty, unit in goods:
        base = {"site": site, "item": item, "lot": _lot(event) or lot, "unit": unit}
        if order:
            amount = None if qty is None else sign * qty
            yield base | {"kind": "order", "qty": amount, "partner": _party(event.sourceList)}
        else:
            yield base | {"kind": "status", "qty": qty, "quality": "seen"}
    if not goods:
        yield {"kind": "status", "site": site, "lot": _lot(event), "quality": "seen"}


def _sensed(event: Event) -> Iterator[dict[str, Any]]:
    for element in event.sensorElementList:
        shared = element.sensorMetadata
        for report in element.sensorReport:
            device = report.deviceID or shared.deviceID
            value = report.number()
            yield {
                "kind": "sense", "site": _site(event), "device": f"{device}#{report.type}",
                "value": value, "unit": report.uom, "quality": "" if value is not None else "seen",
                "event_time": report.time or shared.time or shared.endTime or event.eventTime,
            }  # fmt: skip


def _goods(epcs: list[str], quantities: list[Quantity]) -> Goods:
    """Return the goods of an event: single objects counted by item, then amounts."""
    counts: dict[tuple[str, str], int] = {}
    for epc in epcs:
        counts[class_of(epc)] = counts.get(class_of(epc), 0) + 1
    found: Goods = [(item, lot, float(n), "") for (item, lot), n in counts.items()]
    return found + [(*class_of(q.epcClass), q.quantity, q.uom) for q in quantities]


def _site(event: Event, kind: str | None = None) -> str:
    """Return where it happened: the business location, else the end of the way, the read point."""
    if event.bizLocation is not None:
        return event.bizLocation.id
    if kind == "ship" and (source := _party(event.sourceList, ("location",))):
        return source
    return event.readPoint.id if event.readPoint is not None else _party(event.destinationList)


def _party(ends: list[Source] | list[Destination], types: tuple[str, ...] = _PARTIES) -> str:
    for wanted in types:
        for end in ends:
            if end.type == wanted:
                return end.source if isinstance(end, Source) else end.destination
    return ""


def _lot(event: Event) -> str:
    """Return the document that pairs a receipt with its shipment."""
    for wanted in _LOT_TYPES:
        for one in event.bizTransactionList:
            if one.type == wanted:
                return one.bizTransaction
    return ""


def _named(fields: dict[str, Any], how: Reading) -> dict[str, Any]:
    """Return the fields with the map's names and units, checked against the scenario."""
    known, rules = how.known, how.map.units
    found = dict(fields)
    for name, table, allowed in (
        ("site", how.map.sites, known.sites if known else None),
        ("partner", how.map.sites, known.partners if known else None),
        ("item", how.map.items, known.items if known else None),
        ("device", {}, None), ("lot", {}, None),
    ):  # fmt: skip
        text = _translated(str(found.get(name, "")), table)
        if len(text) > MAX_TEXT or not text.isprintable():
            raise _Refused(text, f"{name}: garbage, or longer than {MAX_TEXT} letters")
        if text and allowed is not None and text not in allowed:
            raise _Refused(text, f"{name}: none of the scenario's; translate it in the map")
        found[name] = text
    if not found["site"]:
        nowhere = "site: neither bizLocation, readPoint nor destination is given"
        raise _Refused(found["site"], nowhere)
    if (rule := rules.get(found.get("unit", ""))) is not None and found.get("qty") is not None:
        found |= {"unit": rule.unit, "qty": found["qty"] * rule.factor}
    wanted = known.units.get(found["item"]) if known else None
    if wanted is not None and found.get("unit") not in ("", wanted):
        raise _Refused(found["unit"], "unit: not the item's unit; give a factor in the map")
    return found


def _translated(text: str, table: Mapping[str, str]) -> str:
    return table.get(text, text)


def _why(error: ValidationError) -> tuple[str, str]:
    """Return value and reason of the first thing that is wrong with an event."""
    one = error.errors(include_url=False)[0]
    steps = [str(s) for s in one["loc"] if isinstance(s, str) and not s.endswith("Event")]
    name, value = ".".join(steps) or "event", one["input"]
    if one["type"] == "missing":
        return "", f"{name}: missing; add it"
    if one["type"].startswith("union_tag"):
        value = value.get("type", "") if isinstance(value, dict) else value
        return str(value), "type: missing, or none of the five types of EPCIS 2.0"
    text = one["msg"].removeprefix("Value error, ")
    if key := re.match("unknown key '(.*)'; ", text):
        return key[1], f"{name}: unknown key; an extension has a prefix, as in my:key"
    return str(value) if isinstance(value, str | int | float) else "", f"{name}: {text}"


def _content(data: Mapping[str, Any]) -> str:
    """Return an id of an event that has none: a hash of what a declaration of error repeats."""
    bare = {k: v for k, v in data.items() if k not in ("errorDeclaration", "recordTime")}
    text = json.dumps(bare, sort_keys=True).encode()
    return "sha-256;" + hashlib.sha256(text).hexdigest()


def _not_a_number(word: str) -> Any:
    msg = f"{word} is no number in JSON"
    raise ValueError(msg)
