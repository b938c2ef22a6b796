"""Runs that carry what calibration is not sure of: every replication takes its own draw."""

from __future__ import annotations

from twin.compile import Plan
from twin.edits import apply
from twin.errors import ScenarioError
from twin.schema import Posterior, Scenario
from twin.topology import build


def drawn(scenario: Scenario, d: int) -> Scenario:
    """Return a scenario with the values of one draw, and no other draws.

    Parameters
    ----------
    scenario
        With a posterior sample.
    d
        Which draw; counted round, so that a replication's number will do.

    Raises
    ------
    ScenarioError
        If the values are not allowed, or change which stock points there are.
    """
    posterior = scenario.posterior
    n = d % posterior.size
    certain = scenario.model_copy(update={"posterior": Posterior()})
    try:
        found = apply(certain, {key: values[n] for key, values in posterior.draws.items()})
    except ScenarioError as error:
        msg = f"posterior, draw {n}: {error}"
        raise type(error)(msg) from error
    if _names(found) != _names(certain):
        msg = (
            f"posterior, draw {n}: it changes which stock points there are; leave out the keys "
            "that add or remove sites, lanes or items"
        )
        raise ScenarioError(msg)
    return found


def _names(scenario: Scenario) -> list[str]:
    return [point.name for point in build(scenario).points]


def plans(scenario: Scenario, n: int) -> list[Plan]:
    """Return the plans of the first ``n`` draws, each made from the one before."""
    found: list[Plan] = []
    for d in range(n):
        found.append(Plan.of(drawn(scenario, d), found[-1] if found else None))
    return found
