"""Scenario text into plain data with line numbers: a small, strict part of YAML 1.2.

Mappings, lists and plain values only. Anchors, aliases and tags are refused, so are duplicate
keys; ``yes``, ``no`` and dates stay text, as in YAML 1.2. JSON is read as well.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import yaml

from twin.errors import ScenarioError
from twin.problems import Path, Places, show

MAX_DEPTH = 32
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,300})")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_PAIR = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_WORDS: dict[str, object] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    **{w: float("nan") for w in (".nan", ".NaN", ".NAN")},
    **{s + w: float(s + "inf") for s in ("", "+", "-") for w in (".inf", ".Inf", ".INF")},
}  # fmt: skip


def scalar(text: str) -> Any:
    """Return what an unquoted word means: nothing, true or false, a number, else the text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    return text


def parse(text: str, name: str) -> tuple[Any, Places]:
    """Return the data of a scenario text and the line of each of its values.

    Parameters
    ----------
    text
        YAML or JSON.
    name
        File name for messages.

    Raises
    ------
    ScenarioError
        If the text is not plain YAML.
    """
    builder = _Builder(name)
    if text.lstrip().startswith(("{", "[")):
        text = text.replace("\t", " ")  # JSON may be indented with tabs, YAML may not
        text = _PAIR.sub(_join, text)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        raise ScenarioError(_syntax(name, text, error)) from error
    return builder.root, builder.places


class _Builder:
    """Puts events together without recursion, so that no nesting can exhaust the stack."""

    def __init__(self, name: str) -> None:
        self.places = Places(name)
        self.root: Any = None
        self._open: list[tuple[Any, Path]] = []
        self._key: list[str | None] = []
        self._documents = 0

    def take(self, event: Any) -> None:
        """Take one parser event."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._refuse(event, "a second document ('---'); keep one scenario per file")
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"alias '*{event.anchor}'; write the value out")
        if getattr(event, "anchor", None):
            self._refuse(event, f"anchor '&{event.anchor}'; leave it out, aliases are not read")
        if getattr(event, "tag", None):
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._refuse(event, f"tag '{tag}'; leave it out, only plain values are read")
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._start(event, {} if isinstance(event, yaml.MappingStartEvent) else [])
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
            self._key.pop()

    def _start(self, event: Any, container: Any) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels; flatten it")
        if self._open and isinstance(self._open[-1][0], dict) and self._key[-1] is None:
            self._refuse(event, "a key that is a list or mapping; write it as one plain word")
        path = self._put(event, container)
        self._open.append((container, path))
        self._key.append(None)

    def _scalar(self, event: Any) -> None:
        plain = event.implicit[0] and event.style in (None, "")
        if self._open and isinstance(self._open[-1][0], dict) and self._key[-1] is None:
            container, path = self._open[-1]
            if event.value in container:
                before = self.places.lines[(*path, event.value)]
                self._refuse(
                    event,
                    f"key {show(event.value)} a second time (first in line {before}); "
                    "remove or rename one",
                )
            self._key[-1] = event.value
            return
        self._put(event, scalar(event.value) if plain else event.value)

    def _put(self, event: Any, value: Any) -> Path:
        """Add a value to the innermost open container and note its line."""
        if not self._open:
            self.root = value
            return ()
        container, path = self._open[-1]
        if isinstance(container, dict):
            key = self._key[-1] or ""
            container[key] = value
            self._key[-1] = None
            path = (*path, key)
        else:
            path = (*path, len(container))
            container.append(value)
        self.places.lines[path] = event.start_mark.line + 1
        return path

    def _refuse(self, event: Any, what: str) -> None:
        msg = f"{self.places.name}, line {event.start_mark.line + 1}: {what}"
        raise ScenarioError(msg)


def _join(pair: re.Match[str]) -> str:
    """Join the two halves by which JSON writes characters such as emoji."""
    halves = (int(half, 16) for half in pair.groups())
    raw = b"".join(half.to_bytes(2, "big") for half in halves)
    return raw.decode("utf-16-be")


def _syntax(name: str, text: str, error: yaml.YAMLError) -> str:
    if hidden := _CONTROL.search(text):
        number = text.count("\n", 0, hidden.start()) + 1
        return (
            f"{name}, line {number}: control character U+{ord(hidden.group()):04X}; text has none "
            "but tabs and line ends, take it out"
        )
    if name.lower().endswith(".json"):
        with contextlib.suppress(RecursionError):
            try:
                json.loads(text)
            except json.JSONDecodeError as found:
                problem = f"{found.msg[0].lower()}{found.msg[1:]}"
                return (
                    f"{name}, line {found.lineno}: not valid JSON ({problem}); check the commas, "
                    "brackets and quotes here"
                )
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = f", line {mark.line + 1}" if mark is not None else ""
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return (
        f"{name}{line}: not valid YAML ({problem}); check the indentation (spaces, no tabs), "
        "colons, brackets and quotes here"
    )
