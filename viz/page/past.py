"""What is open on a page, what was done to it, and what was kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twin.schema import Scenario
from twin.topology import Topology
from viz.page import own


@dataclass(frozen=True)
class Opened:
    """The scenario that changes start from.

    Attributes
    ----------
    name
        Of a shipped scenario or a file.
    scenario
        As it was opened.
    shipped
        Whether it came with the twin, so that a link can name it for anybody.
    """

    name: str
    scenario: Scenario
    shipped: bool = True

    @property
    def address(self) -> str:
        """Its name in the address of a page."""
        return self.name if self.shipped else own.name(self.scenario)


@dataclass(frozen=True)
class Step:
    """Changes as they stand after something was done, with what that was."""

    changes: Mapping[str, Any]
    label: str = "opened"


@dataclass(frozen=True)
class Past:
    """What was done, and where in it one is.

    Attributes
    ----------
    steps
        All that was done, and what was undone and may be done again.
    at
        Which of them holds.
    network
        What it comes to.
    """

    steps: tuple[Step, ...]
    at: int
    network: Topology

    @property
    def step(self) -> Step:
        """The one that holds."""
        return self.steps[self.at]


@dataclass(frozen=True)
class Kept:
    """A what-if under a name of the user's own.

    Attributes
    ----------
    name
        The user's.
    opened, changes
        What it is.
    tiles
        Its key figures, as of :func:`viz.answer.tiles`.
    """

    name: str
    opened: Opened
    changes: Mapping[str, Any]
    tiles: list[dict[str, Any]]
