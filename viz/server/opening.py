"""The scenario that the page opens first, chosen when the server starts."""

from __future__ import annotations

from pathlib import Path

from twin.load import load
from twin.schema import Scenario

FLAGSHIP = "electronics"
_chosen: list[tuple[str, Scenario]] = []


def choose(scenario: str | Path | None = None) -> Scenario:
    """Read the scenario that every new page opens with; default: the flagship.

    Raises
    ------
    ScenarioError
        If there is none of that name, or it is wrong.
    """
    name = str(scenario or FLAGSHIP)
    _chosen[:] = [(name, load(name))]
    return _chosen[0][1]


def chosen() -> tuple[str, Scenario]:
    """Return file or name of the scenario to open first, and the scenario itself."""
    if not _chosen:
        choose()
    return _chosen[0]
