"""Scenarios of users' own files, so that a page can be loaded again while its server runs."""

from __future__ import annotations

from collections import OrderedDict

from twin.errors import ScenarioError
from twin.schema import Scenario

MOST = 50
"""Most files that are remembered."""

_KEPT: OrderedDict[str, Scenario] = OrderedDict()


def name(scenario: Scenario) -> str:
    """Return the name under which the address of a page knows a scenario."""
    return f"own-{scenario.hash()}"


def keep(scenario: Scenario) -> None:
    """Remember a scenario; the oldest of too many is forgotten."""
    _KEPT[name(scenario)] = scenario
    while len(_KEPT) > MOST:
        _KEPT.popitem(last=False)


def is_own(named: str) -> bool:
    """Return whether a name in an address is that of somebody's own file."""
    return named.startswith("own-")


def find(named: str) -> Scenario:
    """Return the scenario of such a name.

    Raises
    ------
    ScenarioError
        If this server does not know it (any more).
    """
    if named not in _KEPT:
        msg = (
            "it is of a file of your own that this server does not know (any more); open the file "
            "again, or the what-if saved as a file"
        )
        raise ScenarioError(msg)
    return _KEPT[named]
