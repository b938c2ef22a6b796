"""Design points as networks; points that differ in their disruptions alone have one key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, TypeVar

from twin.edits import apply, edited
from twin.schema import Scenario
from twin.topology import Topology, build

KEPT = 4
"""Most plans and undisrupted twins that are kept for the next points."""

_OF_DISRUPTIONS = re.compile(r"disruptions(?=[.\[]|$)")

Change = tuple[str, Any]
V = TypeVar("V")


class Changing:
    """Applies the changes of design points to a base scenario, and checks them.

    Parameters
    ----------
    base
        The scenario that is changed.
    checked
        Whether all changes were checked before and need not be again.
    """

    def __init__(self, base: Scenario, checked: bool = False) -> None:
        self.base, self.checked = base, checked

    def __call__(self, changes: Iterable[Change]) -> tuple[str, Topology]:
        """Return a key and the network of a design point.

        Points that differ in their disruptions alone have the same key.

        Raises
        ------
        ScenarioError
            As :func:`twin.edits.apply`.
        """
        given = dict(changes)
        quiet = {key: x for key, x in given.items() if not _OF_DISRUPTIONS.match(key)}
        change = edited if self.checked else apply
        return json.dumps(quiet, default=repr), build(change(self.base, given))


def keep(store: dict[str, V], key: str, value: V) -> V:
    """Put a value into a store as its newest, and leave only the newest few; return it."""
    store.pop(key, None)
    store[key] = value
    while len(store) > KEPT:
        del store[next(iter(store))]
    return value
