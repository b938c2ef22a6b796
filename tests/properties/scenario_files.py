"""Scenario files turned around: lists in another order, everything renamed, strangers added."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from twin.schema import Scenario

ORDERED = ("stages", "values", "weights", "priority", "weekly", "yearly", "position",
           "initial_in_transit")  # fmt: skip


def shuffled(data: Any, seed: int) -> Any:
    """Every list and mapping of a scenario file in another order, except where order means something."""
    dice = random.Random(seed)

    def turn(thing: Any, key: str = "") -> Any:
        if isinstance(thing, Mapping):
            keys = list(thing)
            dice.shuffle(keys)
            return {k: turn(thing[k], k) for k in keys}
        if isinstance(thing, list) and key not in ORDERED:
            thing = [turn(x) for x in thing]
            dice.shuffle(thing)
        return thing

    return turn(data)


def renamed(data: Any, names: Mapping[str, str]) -> Any:
    """The same file with sites and items called differently, in every place they are named."""

    def word(text: str) -> str:
        for mark in ("->", "/"):
            if mark in text:
                return mark.join(word(part) for part in text.split(mark))
        return names.get(text, text)

    def turn(thing: Any, key: str = "") -> Any:
        if isinstance(thing, Mapping):
            return {names.get(k, k): turn(v, k) for k, v in thing.items()}
        if isinstance(thing, list):
            return [turn(x, key) for x in thing]
        return word(thing) if isinstance(thing, str) and key != "kind" else thing

    return turn(data)


def own_names(data: Mapping[str, Any]) -> list[str]:
    """Names of the sites and items of a scenario file."""
    return sorted({x["name"] for part in ("sites", "items") for x in data[part]})


def with_stranger(scenario: Scenario, name: str) -> Scenario:
    """Add a site that buys and sells an item of its own."""
    data = scenario.to_dict()
    data["sites"] = [*data["sites"], {"name": name}]
    data["items"] = [*data["items"], {"name": f"{name}_thing"}]
    here = {"site": name, "item": f"{name}_thing"}
    lead = {"kind": "discrete", "values": [1, 4], "weights": [0.5, 0.5]}
    data["purchases"] = [*data.get("purchases", []), {**here, "lead_time": lead}]
    data["demand"] = [*data["demand"], {**here, "kind": "poisson", "mean": 7}]
    return Scenario.model_validate(data)


def translated(trace: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """Series of a trace with its things called by their new names."""

    def word(text: str) -> str:
        prefix, made, rest = text.rpartition(":")
        parts = [part.split("/") for part in rest.split("->")]
        return prefix + made + "->".join("/".join(names.get(w, w) for w in p) for p in parts)

    return {
        kind: {s: {word(n): row for n, row in rows.items()} for s, rows in table.items()}
        for kind, table in (("point", trace.point), ("link", trace.link), ("sink", trace.sink))
    }
