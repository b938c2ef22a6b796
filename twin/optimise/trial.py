"""Trying candidates out: many changed scenarios at once, all under the same luck."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twin import posterior
from twin.compile import Plan
from twin.edits import apply
from twin.engine import Part, blocks, run_blocks
from twin.errors import RunError
from twin.optimise.goal import Goal
from twin.optimise.notebook import Notebook, Score, Tried, digest
from twin.schema import Scenario
from twin.sums import Floats
from twin.topology import build

Changes = Mapping[str, Any]


class Trial:
    """Runs candidates in one or several worlds.

    Parameters
    ----------
    worlds
        Scenarios that every candidate is tried in; they count alike.
    goal
        What is measured.
    threads, cancelled
        As in :func:`twin.engine.run_blocks`.
    notebook
        Scores that are known already, and where new ones are kept.
    """

    def __init__(
        self,
        worlds: Sequence[Scenario],
        goal: Goal,
        threads: int | None = None,
        cancelled: threading.Event | None = None,
        notebook: Notebook | None = None,
    ) -> None:
        self.worlds, self.goal = tuple(worlds), goal
        self.threads, self.cancelled = threads, cancelled
        self.notebook = notebook or Notebook(None)
        self.runs = 0

    def scores(self, candidates: Sequence[Changes], replications: int, seed: int) -> list[Score]:
        """Return how good candidates are, see :meth:`Goal.score`; known ones are not run."""
        keys = [digest([changes, replications, seed]) for changes in candidates]
        known = self.notebook.tried
        new = [i for i, key in enumerate(keys) if key not in known]
        if new:
            found = self([candidates[i] for i in new], replications, seed)
            self.notebook.keep({keys[i]: self._tried(x) for i, x in zip(new, found, strict=True)})
        return [known[key].score for key in keys]

    def beside(self, candidate: Changes, replications: int, seed: int) -> float:
        """Return the mean of what a candidate that was scored was measured in beside the aim."""
        return self.notebook.tried[digest([candidate, replications, seed])].beside

    def _tried(self, values: Floats) -> Tried:
        return Tried(
            *self.goal.score(values), float(values[1:2].mean()) if len(values) > 1 else np.nan
        )

    def __call__(
        self, candidates: Sequence[Changes], replications: int, seed: int, first: int = 0
    ) -> Floats:
        """Return what candidates come to, means over the worlds.

        Parameters
        ----------
        candidates
            Changes of the scenario, as for :func:`twin.apply`.
        replications, seed, first
            The luck, the same for all candidates, and the number of the first replication.

        Returns
        -------
        numpy.ndarray
            ``(candidates, measured, replications)``, see :meth:`Goal.measure`.

        Raises
        ------
        RunError
            If a KPI has no value in this scenario, or the run was cancelled.
        """
        groups = [
            _parts(apply(world, changes), replications, first)
            for changes in candidates
            for world in self.worlds
        ]
        pieces = run_blocks(
            groups, seed, self.goal.measure, threads=self.threads, cancelled=self.cancelled
        )
        self.runs += len(groups) * replications
        whole = np.stack([np.concatenate(piece, axis=1) for piece in pieces])
        shape = (len(candidates), len(self.worlds), *whole.shape[1:])
        found: Floats = whole.reshape(shape).mean(axis=1)
        self._check(found)
        return found

    def _check(self, found: Floats) -> None:
        judged = self.goal.signs().size
        undefined = np.isnan(found[:, :judged]).any(axis=(0, 2))
        if undefined.any():
            name = self.goal.measured[int(undefined.argmax())]
            msg = f"KPI '{name}' has no value in scenario '{self.worlds[0].name}'; name another one"
            raise RunError(msg)


def _parts(scenario: Scenario, replications: int, first: int) -> list[Part]:
    """Return the blocks of one candidate; each replication may carry a draw of a posterior."""
    draws = min(scenario.posterior.size, first + replications)
    if not draws:
        plan = Plan.of(build(scenario))
        return [(plan, K, first + k0) for K, k0 in blocks(plan.n_rows, replications)]
    plans = posterior.plans(scenario, draws)
    return [(plans[k % draws], 1, k) for k in range(first, first + replications)]
