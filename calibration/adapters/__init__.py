"""Adapters: each reads one form of telemetry, batch by batch, into canonical events.

An adapter yields :class:`Batch` after :class:`Batch`; what it cannot take becomes a
:class:`Rejection` with place, value and reason. It never stops at a bad row, and it never stores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from calibration.store import Row
from twin.schema import Scenario


class Rejection(NamedTuple):
    """One row that was not taken.

    ``reason`` is one of few sentences, so that rejections can be counted by it; what is special
    about this row stands in ``value``. ``raw`` is the row as it came.
    """

    place: str
    value: str
    reason: str
    raw: str = ""


class Batch(NamedTuple):
    """A piece of a file: events as rows of the store, rejections, and bytes read up to its end."""

    rows: Sequence[Row]
    rejections: Sequence[Rejection]
    done: int


@dataclass(frozen=True)
class Known:
    """Names that a scenario has; an event that names another one is rejected."""

    sites: frozenset[str]
    partners: frozenset[str]
    units: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, scenario: Scenario) -> Known:
        """Return the names of a scenario; outside suppliers are partners, not sites."""
        sites = frozenset(site.name for site in scenario.sites)
        suppliers = frozenset(bought.supplier for bought in scenario.purchases)
        return cls(sites, sites | suppliers, {item.name: item.unit for item in scenario.items})

    @cached_property
    def items(self) -> frozenset[str]:
        """Names of the items."""
        return frozenset(self.units)


def shown(value: Any, most: int = 80) -> str:
    """Return a value on one line, shortened, without control characters."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:most])
    return text if len(text) < most else text[: most - 3] + "..."
