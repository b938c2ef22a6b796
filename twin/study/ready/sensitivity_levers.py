"""Levers: what can be turned about a scenario, from its low end to its high end."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from twin import decoupling
from twin.devices import DEVICES
from twin.disruptions import DISRUPTIONS
from twin.forecasters import FORECASTERS
from twin.policies import POLICIES
from twin.problems import Path
from twin.result import number
from twin.schema import Scenario
from twin.schema_walk import declared, parts
from twin.study.ready.words import kind_said
from twin.topology import build

KINDS = {
    "policy": POLICIES,
    "forecast": FORECASTERS,
    "devices": DEVICES,
    "disruptions": DISRUPTIONS,
}
"""What has a kind that says which of its parameters count."""

ALSO = frozenset({"variance_to_mean", "sd", "cv", "cost"})
"""Numbers without a control in the app that are levers as well."""

NEVER = frozenset({"horizon", "warmup", "replications", "seed", "start", "phase", "initial"})
"""Numbers that say how long and from when a run is looked at."""


class Lever(Protocol):
    """Something that can be turned."""

    @property
    def name(self) -> str:
        """Unique, for people."""

    def changes(self, u: float) -> dict[str, Any]:
        """Return the changes of a scenario at a share ``u``, 0 to 1, of the lever's range."""

    def said(self, u: float) -> str:
        """Return the lever's value there in words."""


@dataclass(frozen=True)
class Number:
    """One of a scenario's numbers: its value, its key, and what it may be."""

    key: str
    own: float
    low: float
    high: float
    whole: bool

    def at(self, value: float) -> float | int:
        """Return the nearest allowed value."""
        inside = min(max(value, self.low), self.high)
        return round(inside) if self.whole else inside


@dataclass(frozen=True)
class Scaled:
    """Numbers that rise and fall together, as multiples of what they are."""

    name: str
    numbers: tuple[Number, ...]
    low: float
    high: float

    def changes(self, u: float) -> dict[str, Any]:
        """Return the numbers times the factor at ``u``."""
        factor = self.low + u * (self.high - self.low)
        return {n.key: n.at(n.own * factor) for n in self.numbers}

    def said(self, u: float) -> str:
        """Return the factor, or the value where there is one only."""
        factor = self.low + u * (self.high - self.low)
        values = {n.at(n.own * factor) for n in self.numbers}
        return number(values.pop()) if len(values) == 1 else f"× {factor:g}"


@dataclass(frozen=True)
class Ranged:
    """Numbers that all take one value of a range."""

    name: str
    keys: tuple[str, ...]
    low: float
    high: float
    whole: bool = False
    log: bool = False

    def value(self, u: float) -> float | int:
        """Return the value at ``u``, of whole numbers the nearest one."""
        if self.log:
            found = float(self.low * (self.high / self.low) ** u)
        else:
            found = self.low + u * (self.high - self.low)
        return round(found) if self.whole else found

    def changes(self, u: float) -> dict[str, Any]:
        """Return the value for every key."""
        return dict.fromkeys(self.keys, self.value(u))

    def said(self, u: float) -> str:
        """Return the value."""
        return number(self.value(u))


@dataclass(frozen=True)
class Moved:
    """A family's decoupling point among some of its positions, upstream to downstream."""

    family: str
    places: tuple[str, ...]

    @property
    def name(self) -> str:
        """Whose decoupling point it is."""
        return f"decoupling point of {self.family}"

    def said(self, u: float) -> str:
        """Return the position at ``u``, each of them for an equal share."""
        return self.places[min(len(self.places) - 1, int(u * len(self.places)))]

    def changes(self, u: float) -> dict[str, Any]:
        """Return the move."""
        return {f"families.{self.family}.decoupling_point": self.said(u)}


def own_levers(scenario: Scenario, spread: float | None) -> list[Lever]:
    """Return the levers of a scenario: its numbers that have a control, kind by kind, and its cuts.

    Numbers of one kind (the safety factors of all stock rules) are one lever; zeros, values that
    the scenario leaves open and parameters that no policy reads are none.

    Parameters
    ----------
    scenario
        Whose levers.
    spread
        How far each goes up and down as a share of what it is, within what the schema allows;
        ``None``: over the range of its control in the app, the same value for all of one kind.
    """
    groups: dict[str, list[tuple[Number, Sequence[float] | None]]] = {}
    for path, found, slider in _numbers(scenario):
        groups.setdefault(_kind(path), []).append((found, slider))
    levers: list[Lever] = []
    words = Counter(kind_said(kind) for kind in groups)
    for kind, members in groups.items():
        name = kind_said(kind) if words[kind_said(kind)] == 1 else kind
        numbers = tuple(n for n, _ in members)
        slider = members[0][1]
        if spread is not None:
            levers.append(Scaled(name, numbers, 1.0 - spread, 1.0 + spread))
        elif slider is not None:
            keys = tuple(n.key for n in numbers)
            levers.append(Ranged(name, keys, slider[0], slider[1], whole=numbers[0].whole))
    turned = [x for x in levers if x.changes(0.0) != x.changes(1.0)]
    return [*turned, *_cuts(scenario)]


def _cuts(scenario: Scenario) -> Iterator[Lever]:
    """Yield the decoupling point of each family, one position up and one down from where it is."""
    top = build(scenario)
    for family in scenario.families:
        stages = [p.stage for p in decoupling.positions(top, family.name)]
        if family.decoupling_point in stages:
            at = stages.index(str(family.decoupling_point))
            near = tuple(stages[max(0, at - 1) : at + 2])
            if len(near) > 1:
                yield Moved(family.name, near)


def _numbers(scenario: Scenario) -> Iterator[tuple[Path, Number, Sequence[float] | None]]:
    """Yield every number of a scenario that is a lever: its path, what it may be, its control."""
    data = scenario.model_dump(mode="json", by_alias=True)
    for path, value in _leaves(data, ()):
        _, field = declared(path)
        name = str(path[-1])
        if field is None or value == 0 or name in NEVER or not _counts(data, path):
            continue
        slider = (field.json_schema_extra or {}).get("slider")
        if slider is None and name not in ALSO:
            continue
        whole = int in parts(field.annotation) and float not in parts(field.annotation)
        yield path, Number(_key(path), float(value), *_limits(field.metadata, whole), whole), slider


def _leaves(data: Any, path: Path) -> Iterator[tuple[Path, float]]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(data, list):
        for n, value in enumerate(data):
            if isinstance(value, Mapping):
                yield from _leaves(value, (*path, n))
    elif isinstance(data, int | float) and not isinstance(data, bool):
        yield path, data


def _counts(data: Any, path: Path) -> bool:
    """Return whether a parameter is one that the kind of its owner reads."""
    owner: Any = data
    for step in path[:-1]:
        owner = owner[step]
    what = next((str(s) for s in reversed(path[:-1]) if s in KINDS), None)
    if what is None or not isinstance(owner, Mapping) or "kind" not in owner:
        return True
    uses = getattr(KINDS[what][owner["kind"]], "uses", ())
    return path[-1] in uses or what == "devices" or path[-1] in ("duration", "probability")


def _limits(metadata: Sequence[Any], whole: bool) -> tuple[float, float]:
    """Return the ends of what a field may be, open ends moved in by a hair."""
    hair = 1.0 if whole else 1e-6
    low, high = -math.inf, math.inf
    for m in metadata:
        low = max(low, getattr(m, "ge", -math.inf), getattr(m, "gt", -math.inf) + hair)
        high = min(high, getattr(m, "le", math.inf), getattr(m, "lt", math.inf) - hair)
    return low, high


def _key(path: Path) -> str:
    """Return the dotted key of a path: ``stock[0].policy.level``."""
    text = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in path)
    return text.removeprefix(".")


def _kind(path: Path) -> str:
    """Return what numbers of one kind share: ``stock[].policy.level``."""
    return re.sub(r"\[\d+\]", "[]", _key(path))
