"""Buffers of a scenario tuned where they are: the decoupling points stay as they are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twin import arguments
from twin.errors import RunError
from twin.optimise.goal import AIM, Goal
from twin.optimise.levers import KINDS, stock_levers
from twin.optimise.search import Search, budget_of, check_budget
from twin.optimise.trial import Trial
from twin.schema import Scenario

REPLICATIONS = 16
"""Draws of luck in which every candidate of a search is tried."""


@dataclass(frozen=True)
class Tuned:
    """What :func:`tune` returns.

    Attributes
    ----------
    changes
        For :func:`twin.apply`: the stock rules with the values that were found.
    levers
        Value by lever.
    value
        Mean of the aim over worlds and replications of the search, penalty included. It is the
        best of many under the same luck, so run it afresh before you quote it.
    given
        The same of the scenario as it was.
    meets
        Whether the requirements are met, with 95 % confidence each.
    runs
        Replications that were simulated.
    tried
        Candidates that were tried.
    """

    changes: dict[str, Any]
    levers: dict[str, float]
    value: float
    given: float
    meets: bool
    runs: int
    tried: int


def tune(
    scenario: Scenario,
    *,
    worlds: Sequence[Scenario] | None = None,
    aim: str = AIM,
    penalty: float | None = None,
    require: Mapping[str, float] | None = None,
    levers: Sequence[str] = tuple(KINDS),
    budget: int | None = None,
    replications: int = REPLICATIONS,
    seed: int | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: threading.Event | None = None,
) -> Tuned:
    """Tune the buffers at and above the decoupling points, which stay where they are.

    One lever for each stage and stock rule (:func:`twin.optimise.levers.stock_levers`).

    Parameters
    ----------
    scenario
        With its decoupling points.
    worlds
        Scenarios of the same network and stock rules; the mean over them counts. Default: itself.
    aim, penalty, require
        See :class:`twin.optimise.goal.Goal`.
    levers, budget, replications
        Kinds that may move, most candidates that are tried, draws of luck that each is tried in.
    seed
        Luck of the search; default: the one after the scenario's, so that its own is fresh.
    threads, progress, cancelled
        As in :func:`twin.optimise.optimise`.

    A :class:`RunError` says what is wrong, or that it was cancelled.
    """
    everywhere = list(worlds or [scenario])
    if any(world.stock != scenario.stock for world in everywhere):
        msg = "the worlds have other stock rules than the scenario; give them the same"
        raise RunError(msg)
    goal = Goal(aim, dict(require or {}), penalty or 0.0)
    found = stock_levers(scenario, levers, everywhere)
    most = budget_of(found) if budget is None else check_budget(budget)
    trial = Trial(everywhere, goal, threads, cancelled)
    search = Search(
        scenario, found, trial, replications=replications, seed=search_seed(scenario, seed)
    )
    search.go(most, lambda n: progress(len(search.known), most) if progress else None)
    best, sign = search.best()[0], float(goal.signs()[0])
    lack, value = search.known[best]
    return Tuned(
        changes=search.changes(best),
        levers={lever.label: x for lever, x in zip(found, best, strict=True)},
        value=sign * value,
        given=sign * search.known[tuple(lever.start for lever in found)][1],
        meets=lack == 0,
        runs=trial.runs,
        tried=len(search.known),
    )


def search_seed(scenario: Scenario, seed: int | None) -> int:
    """Return the luck of a search: not the scenario's own, which is left for fresh replications."""
    return scenario.seed + 1 if seed is None else arguments.whole("seed", seed)
