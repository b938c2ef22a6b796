"""Changes of a scenario by dotted key: ``families.laptop.decoupling_point``, ``demand[0].mean``."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic.fields import FieldInfo

from twin.check import check
from twin.errors import ScenarioError
from twin.names import nearest
from twin.problems import show
from twin.schema import Model, Scenario
from twin.schema_walk import keys_of, model_in, parts, takes
from twin.validate import validate

_INDEX = re.compile(r"\[(-?\d+)\]")
Path = tuple[str | int, ...]
APPEND = "[+]"
"""What stands behind the name of a list whose end a change adds entries to."""


def apply(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """Return a checked copy of a scenario with some values replaced.

    Parameters
    ----------
    scenario
        Stays as it is.
    changes
        New value by dotted key, as in a scenario file: ``{"horizon": 200, "stock[2].policy.level":
        50, "sites.dc_1.owner": "maker"}``. Entries of lists are named by their position or by what
        the file calls them: a name; ``from->to`` for a lane; ``site/item`` for a production, a
        purchase or a customer (``site/item/customer`` where there are several; ``site/item`` is
        the one whose class has no name of its own). ``lanes[+]`` adds
        a list of entries at the end. Several changes are made one after the other and checked
        together. Draws of a posterior sample for what is changed are forgotten.

    Raises
    ------
    ScenarioError
        If a key leads nowhere or the changed scenario is wrong.
    """
    if not changes:
        return scenario
    data = scenario.to_dict()
    given = {key: _Walk(key).replace(data, _plain(value)) for key, value in changes.items()}
    if "posterior" in data:
        _decide(data, given.values())
    changed = validate(data)
    check(changed)
    return changed


def _plain(value: Any) -> Any:
    """Return models and what holds them as plain data."""
    if isinstance(value, Model):
        return value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value


def _decide(data: dict[str, Any], given: Iterable[Path]) -> None:
    """Forget the draws of what was given a value: whoever changes it is sure of it."""
    draws, scratch = data["posterior"].get("draws", {}), copy.deepcopy(data)
    for key in tuple(draws):
        place = _Walk(key).replace(scratch, None)
        if any(place[: len(path)] == path or path[: len(place)] == place for path in given):
            del draws[key]
            data["posterior"].get("prior", {}).pop(key, None)


class _Walk:
    """One dotted key on its way down the plain data of a scenario."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.rest = key
        self.path: Path = ()

    def fail(self, text: str) -> ScenarioError:
        return ScenarioError(f"change of '{self.key}': {text}")

    def replace(self, data: dict[str, Any], value: Any) -> Path:
        """Put a value where the key points; return the steps that lead there."""
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
            here[step] = inside = []
        if inside is None or not isinstance(inside, dict | list):
            empty = _empty(annotation, inside)
            if empty is None:
                what = "no value" if inside is None else show(inside)
                text = f"{what} at '{self.walked()}' has nothing inside; stop there"
                raise self.fail(text)
            here[step] = inside = empty
        return inside

    def walked(self) -> str:
        return self.key[: len(self.key) - len(self.rest)].rstrip(".")

    def field(self, model: type[Model]) -> tuple[str, FieldInfo]:
        """Take the next word as a key of a model."""
        keys = keys_of(model)
        word = self.word()
        by_python_name = {name: f.alias for name, f in model.model_fields.items() if f.alias}
        word = by_python_name.get(word) or word
        if word not in keys:
            text = f"unknown key '{word}'; {nearest(word, keys)}"
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
