"""A dotted key on its way down the plain data of a scenario."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic.fields import FieldInfo

from twin.errors import ScenarioError
from twin.names import nearest
from twin.problems import Path, show
from twin.schema import Model, Scenario
from twin.schema_walk import keys_of, model_in, parts, takes

_INDEX = re.compile(r"\[(-?\d+)\]")
APPEND = "[+]"
"""What stands behind the name of a list whose end a change adds entries to."""


class Walk:
    """One dotted key on its way down.

    Parameters
    ----------
    key
        As :func:`twin.edits.apply` takes it.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.rest = key
        self.path: Path = ()

    def fail(self, text: str) -> ScenarioError:
        """Return the error that says what is wrong with the key."""
        return ScenarioError(f"change of '{self.key}': {text}")

    def replace(self, data: dict[str, Any], value: Any) -> Path:
        """Put a value where the key points; return the steps that lead there.

        The mapping itself is changed; lists and mappings inside that the key leads through are
        replaced by changed copies, so that data which share them stay as they are.
        """
        here: Any = data
        annotation: Any = Scenario
        while True:
            if isinstance(here, list) and self.rest == APPEND:
                self.append(here, value)
                return (*self.path, len(here))
            if isinstance(here, list):
                step: str | int = self.position(here, annotation)
                annotation = _model(annotation)
            elif (model := _model(annotation)) is not None:
                step, field = self.field(model)
                annotation = field.annotation
            else:
                step, self.rest = self.rest, ""  # names in a mapping may contain points
                annotation = None
            self.path += (step,)
            if not self.rest:
                here[step] = value
                return self.path
            here = self.down(here, step, annotation)

    def append(self, here: list[Any], value: Any) -> None:
        """Add entries at the end of a list."""
        if not isinstance(value, list):
            text = f"{show(value)} cannot be added; give a list of entries, [{{...}}]"
            raise self.fail(text)
        here.extend(value)

    def down(self, here: Any, step: str | int, annotation: Any) -> Any:
        """Return what lies below a step, made if the scenario leaves it out."""
        inside = here[step] if isinstance(step, int) else here.get(step)
        if inside is None and self.rest == APPEND and takes(annotation, list):
            inside = []
        if inside is None or not isinstance(inside, dict | list):
            empty = _empty(annotation, inside)
            if empty is None:
                what = "no value" if inside is None else show(inside)
                text = f"{what} at '{self.walked()}' has nothing inside; stop there"
                raise self.fail(text)
            inside = empty
        here[step] = inside = copy.copy(inside)
        return inside

    def walked(self) -> str:
        """Return the part of the key that is behind."""
        return self.key[: len(self.key) - len(self.rest)].rstrip(".")

    def field(self, model: type[Model]) -> tuple[str, FieldInfo]:
        """Take the next word as a key of a model."""
        keys = keys_of(model)
        word = self.word()
        by_python_name = {name: f.alias for name, f in model.model_fields.items() if f.alias}
        word = by_python_name.get(word) or word
        if word not in keys:
            added = word.removesuffix("+")
            meant = f"to add entries write '{added}{APPEND}'" if added in keys else ""
            text = f"unknown key '{word}'; {meant or nearest(word, keys)}"
            raise self.fail(text)
        return word, keys[word]

    def word(self) -> str:
        """Take the text up to the next point or bracket."""
        found = re.match(r"[^.\[]+", self.rest)
        if found is None:
            text = "a name is missing; write it as 'section.name.key' or 'section[0].key'"
            raise self.fail(text)
        self.rest = self.rest[found.end() :].removeprefix(".")
        return found.group()

    def position(self, here: list[Any], annotation: Any) -> int:
        """Take the next ``[3]`` or name as a place in a list."""
        found = _INDEX.match(self.rest)
        if found is not None:
            n = int(found.group(1))
            if not -len(here) <= n < len(here):
                text = f"no entry [{n}]; there are {len(here)}, counted from 0 ([-1] is the last)"
                raise self.fail(text)
            self.rest = self.rest[found.end() :].removeprefix(".")
            return n % len(here)
        if _model(annotation) is None:
            text = f"entries have no names here; give a position, [0] to [{len(here) - 1}]"
            raise self.fail(text)
        return self.named(here)

    def named(self, here: list[Any]) -> int:
        """Take the longest name of an entry that the rest of the key begins with."""
        places: dict[str, list[int]] = {}
        for n, entry in enumerate(here):
            for name in _names(entry):
                places.setdefault(name, []).append(n)
        ends = ("", ".", "[")
        fits = [
            name
            for name in places
            if self.rest.startswith(name) and self.rest[len(name) : len(name) + 1] in ends
        ]
        if not fits:
            word = re.split(r"[.\[]", self.rest)[0]
            text = f"no entry '{word}'; {nearest(word, places)} (or by position: [0], [1], ...)"
            raise self.fail(text)
        name = max(fits, key=len)
        plain = [n for n in places[name] if "customer" not in here[n]]
        found = plain if len(plain) == 1 else places[name]
        if len(found) > 1:
            options = ", ".join(f"[{n}]" for n in found)
            text = f"{len(found)} entries are '{name}'; choose one of {options}"
            raise self.fail(text)
        self.rest = self.rest[len(name) :].removeprefix(".")
        return found[0]


def _model(annotation: Any) -> type[Model] | None:
    return None if annotation is None else model_in(annotation)


def _empty(annotation: Any, inside: Any) -> Any:
    """Return the empty mapping that may stand in a place, nothing if only a value may."""
    options = [] if annotation is None else parts(annotation)
    for part in options:
        if isinstance(part, type) and issubclass(part, Model):
            # a number in a model's place is its short form (lead times): its keys replace it
            return {}
        if getattr(part, "__origin__", None) is dict and inside is None:
            return {}
    return None


def _names(entry: Any) -> Iterator[str]:
    """Yield what an entry of a list may be called."""
    if not isinstance(entry, dict):
        return
    if "name" in entry:
        yield str(entry["name"])
    elif {"from", "to"} <= set(entry):
        yield f"{entry['from']}->{entry['to']}"
    elif "item" in entry and "site" in entry:
        yield from _customer_names(entry, f"{entry['site']}/{entry['item']}")
    elif "site" in entry:
        yield from _customer_names(entry, str(entry["site"]))


def _customer_names(entry: Mapping[str, Any], name: str) -> Sequence[str]:
    if "customer" in entry:
        return (name, f"{name}/{entry['customer']}")
    return (name,)
