"""What-ifs that travel: in a link, and in a file where a link would be too long.

Either carries the name of the scenario that was opened and the changes of :func:`twin.apply`, in
the order in which they were made. What comes back was written by anyone: it is read as data within
strict limits, and the scenario's own checks judge the rest.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

from twin.check import check
from twin.errors import ScenarioError
from twin.load import plain_data
from twin.problems import show
from twin.schema import Scenario
from twin.validate import validate

TOO_LONG = 6000
"""Longest link text in characters; browsers and mail programs cut what is much longer."""

MAX_UNPACKED = 256 * 1024
"""Most bytes of changes that a link may unpack to."""

MAX_FILE = 20 * 10**6
"""Most bytes of a what-if file."""

MAX_DEPTH = 20
"""Most brackets inside each other: ten times what a scenario needs."""

AGAIN = "ask for the link again, or for the what-if as a file"
_NAME = re.compile(r"\w[\w-]{0,79}")


def link(base_name: str, changes: Mapping[str, Any]) -> str | None:
    """Return a what-if as the query text of a link, the same text for the same what-if.

    Parameters
    ----------
    base_name
        Name of the shipped scenario that was opened.
    changes
        Values by dotted key, plain data; their order is kept.

    Returns
    -------
    str or None
        ``scenario=electronics&changes=...``; nothing if it is longer than :data:`TOO_LONG`, then a
        file carries it (:func:`to_file`).

    Raises
    ------
    ScenarioError
        If the name is no plain name or the changes are no plain data.
    """
    told = {"scenario": _named(base_name)}
    if changes:
        packed = zlib.compress(_text(changes), 9)
        told["changes"] = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    text = urlencode(told)
    return text if len(text) <= TOO_LONG else None


def read(text: str) -> tuple[str, dict[str, Any]]:
    """Return name and changes of the query text of a link.

    Parameters
    ----------
    text
        With or without the leading question mark; other keys than a link's own are let be.

    Raises
    ------
    ScenarioError
        If it is too long, damaged, or no what-if.
    """
    if len(text) > 2 * TOO_LONG:  # other keys need some room
        msg = f"the link has {len(text):,} characters, at most {TOO_LONG:,} are written; {AGAIN}"
        raise ScenarioError(msg)
    try:
        found = parse_qs(text.removeprefix("?"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        msg = f"the link cannot be read ({error}); {AGAIN}"
        raise ScenarioError(msg) from error
    names = found.get("scenario", [])
    if len(names) != 1 or len(found.get("changes", [])) > 1:
        msg = f"the link does not say one scenario and its changes; {AGAIN}"
        raise ScenarioError(msg)
    packed = found.get("changes", [""])[0]
    name = _named(names[0])
    if not packed:
        return name, {}
    return name, _checked(_parsed(_unpacked(packed), "the link"), "the link")


def to_file(base: str | Scenario, changes: Mapping[str, Any]) -> bytes:
    """Return a what-if as a JSON file.

    Parameters
    ----------
    base
        Name of a shipped scenario, or a whole scenario where what was opened is not shipped.
    changes
        As of :func:`link`.

    Raises
    ------
    ScenarioError
        As :func:`link`.
    """
    data = plain_data(base) if isinstance(base, Scenario) else _named(base)
    whole = {"scenario": data, "changes": json.loads(_text(changes))}
    return (json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def is_what_if(content: bytes) -> bool:
    """Return whether a JSON file is, or was meant to be, a what-if and no scenario."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and "changes" in found


def from_file(content: bytes) -> tuple[str | Scenario, dict[str, Any]]:
    """Return scenario (its name, or the whole of it) and changes of a what-if file.

    Raises
    ------
    ScenarioError
        If it is too large, damaged, or no what-if.
    """
    if len(content) > MAX_FILE:
        msg = f"the what-if file has {len(content):,} bytes; at most {MAX_FILE:,} are read"
        raise ScenarioError(msg)
    data = _parsed(content, "the what-if file")
    if not isinstance(data, dict) or set(data) != {"scenario", "changes"}:
        msg = (
            "the what-if file does not hold the two keys scenario and changes; save the what-if "
            "again, or open a scenario file as a scenario"
        )
        raise ScenarioError(msg)
    base = data["scenario"]
    changes = _checked(data["changes"], "the what-if file")
    if not isinstance(base, dict):
        return _named(base), changes
    scenario = validate(base)
    check(scenario)
    return scenario, changes


def _named(name: Any) -> str:
    """Return a name that cannot be a path."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        msg = (
            f"scenario = {show(name)}; must be the name of a shipped scenario, letters, digits, "
            "'-' and '_' only: correct it, or share the what-if as a file"
        )
        raise ScenarioError(msg)
    return name


def _text(changes: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(changes, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode()
    except (TypeError, ValueError) as error:  # of letters that are none as well
        msg = f"the changes cannot be shared: {error}; they must be plain data"
        raise ScenarioError(msg) from error


def _unpacked(packed: str) -> bytes:
    """Return what was compressed, never more than may be."""
    try:
        raw = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        machine = zlib.decompressobj()
        found = machine.decompress(raw, MAX_UNPACKED + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        msg = f"the link is damaged ({error}); {AGAIN}"
        raise ScenarioError(msg) from error
    if len(found) > MAX_UNPACKED:
        msg = f"the link unpacks to more than {MAX_UNPACKED:,} bytes; {AGAIN}"
        raise ScenarioError(msg)
    if not machine.eof or machine.unused_data:
        msg = f"the link is damaged (its end is missing or wrong); {AGAIN}"
        raise ScenarioError(msg)
    return found


def _parsed(content: bytes, where: str) -> Any:
    """Return the data of a JSON text."""
    try:
        found = json.loads(content.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:  # of decoding as well
        msg = f"{where} is damaged ({error}); ask for it again"
        raise ScenarioError(msg) from error
    _walk(found, where, 0)
    return found


def _no_number(word: str) -> Any:
    msg = f"{word} is no number"
    raise ValueError(msg)


def _checked(changes: Any, where: str) -> dict[str, Any]:
    if not isinstance(changes, dict):
        msg = f"{where} holds {show(changes)} as changes; must be values by key"
        raise ScenarioError(msg)
    return changes


def _walk(value: Any, where: str, depth: int) -> None:
    """Refuse what JSON can say and a scenario cannot: endless brackets, numbers beyond all."""
    why = ""
    if depth > MAX_DEPTH:
        why = f"more than {MAX_DEPTH} brackets inside each other"
    elif isinstance(value, float) and not math.isfinite(value):
        why = "a number that is too large"
    elif isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        why = "half a letter"  # no text can be written that holds one
    if why:
        msg = f"{where} holds {why}; ask for it again"
        raise ScenarioError(msg)
    if isinstance(value, dict | list):
        for inside in [*value, *value.values()] if isinstance(value, dict) else value:
            _walk(inside, where, depth + 1)
