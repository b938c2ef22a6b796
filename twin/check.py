"""Whether a scenario makes sense: one small function per check, all problems in one error."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Iterable
from typing import Any

from twin.checks import behaviour, events, network, references
from twin.errors import NetworkError, ScenarioError
from twin.problems import Places, Problem, report
from twin.schema import Scenario
from twin.topology import Topology, build

CHECKS = [*references.CHECKS, *behaviour.CHECKS, *events.CHECKS, *network.CHECKS]
"""Checks of a scenario's parts: each takes a scenario and yields problems."""

SHAPE_CHECKS, TOPOLOGY_CHECKS = network.SHAPE_CHECKS, network.TOPOLOGY_CHECKS
"""Checks of the built network: each takes a topology and yields problems."""


def check(scenario: Scenario, places: Places | None = None) -> Topology:
    """Return the network of a scenario, sure that a run can be made of it.

    Parameters
    ----------
    scenario
        What to check.
    places
        Where its values were written, for messages.

    Raises
    ------
    NetworkError
        If the network has a cycle, a market without a source or an invalid decoupling point.
    ScenarioError
        If anything else is wrong; lists all problems.
    """
    _check_parts(scenario, places)
    try:
        topology = build(scenario)
    except ScenarioError as error:
        report([Problem((), str(error), isinstance(error, NetworkError))], places)
        raise
    known = topology.shape.checked
    checks = TOPOLOGY_CHECKS if known else [*SHAPE_CHECKS, *TOPOLOGY_CHECKS]
    report((p for one in checks for p in one(topology)), places)
    topology.shape.checked = True
    return topology


Check = Callable[[Any], Iterable[Problem]]

_PASSED = threading.local()
"""Sections of the scenario that this thread checked last, and which of them each check read."""


def _check_parts(scenario: Scenario, places: Places | None) -> None:
    """Run the checks that read a section which is new since this thread's last scenario.

    What a check finds rests on the sections that it reads alone, and which ones it reads on their
    content: where all are as they were when it found nothing, it finds nothing again.
    """
    here = {name: _copied(getattr(scenario, name)) for name in Scenario.model_fields}
    before = getattr(_PASSED, "sections", {})
    new = {name for name, given in here.items() if not _same(given, before.get(name))}
    read: dict[Check, set[str]] = dict(getattr(_PASSED, "read", {}))
    problems: list[Problem] = []
    for one in CHECKS:
        if one not in read or read[one] & new:
            seen: Any = _Reading(scenario)
            problems += one(seen)
            read[one] = seen.read
    report(problems, places)
    _PASSED.sections, _PASSED.read = here, read


class _Reading:
    """A scenario that notes which of its sections are read."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario, self.read = scenario, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.read |= {name} if name in Scenario.model_fields else set(Scenario.model_fields)
        found = vars(self)[name] = getattr(self._scenario, name)  # noted once
        return found


def _copied(section: Any) -> Any:
    """Return a section as it is now, whatever is done to its list or mapping later."""
    if isinstance(section, list):
        return tuple(section)
    return dict(section) if isinstance(section, dict) else section


def _same(a: Any, b: Any) -> bool:
    """Return whether a section has the entries that it had, or equal values."""
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(operator.is_, a, b))
    return bool(a is b or a == b)
