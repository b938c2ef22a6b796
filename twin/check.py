"""Whether a scenario makes sense: one small function per check, all problems in one error."""

from __future__ import annotations

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
    report((p for one in CHECKS for p in one(scenario)), places)
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
