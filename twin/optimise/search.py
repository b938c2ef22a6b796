"""The search over levers: the CMA evolution strategy on common random numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import numpy as np

from twin.errors import RunError
from twin.optimise.cma import Cma
from twin.optimise.levers import Lever, changed
from twin.optimise.notebook import Score
from twin.optimise.trial import Trial
from twin.problems import show
from twin.schema import Scenario
from twin.sums import Floats

WIDE, NARROW = 0.3, 0.05
"""First steps of a search and of its refinement, as shares of the way between the bounds."""

COARSE, FINE = 0.02, 1e-3
"""Steps at which the two end."""

EXCHANGES = (0.5, 0.25, 0.125, 0.0625, 0.03125)
"""How much is exchanged between two levers, as shares of the smaller way between bounds."""

ADDITIVE = ("level", "reorder_point", "safety_stock", "cover")
"""Keys of which one stage's and another one's can be added up: units, or periods of demand."""

Values = tuple[float, ...]
"""One number for each lever."""

Course = Generator[Sequence[Values], list[Score], None]
"""Yields candidates and is sent their scores."""


def budget_of(levers: Sequence[Lever]) -> int:
    """Return how many candidates a search over these levers is given unless it is told."""
    return 40 + 180 * len(levers)


def check_budget(given: object) -> int:
    """Return how many candidates may be tried; a :class:`RunError` if that is no whole number."""
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        msg = f"budget = {show(given)}; must be a whole number of 1 or more, or be left out"
        raise RunError(msg)
    return given


class Search:
    """A search that can be given more to try, bit by bit.

    All candidates have the same luck, so what is minimised is one function without noise; how much
    of the find is luck only fresh replications tell.

    Parameters
    ----------
    scenario, levers
        What is changed, and where.
    trial
        Tries the candidates.
    replications, seed
        The luck of the search.
    starts
        Values to try first besides those of the scenario; it begins at the best of them.
    fixed
        Changes that all candidates have besides.
    """

    def __init__(
        self,
        scenario: Scenario,
        levers: Sequence[Lever],
        trial: Trial,
        *,
        replications: int,
        seed: int,
        starts: Sequence[Values] = (),
        fixed: Mapping[str, Any] | None = None,
    ) -> None:
        self.scenario, self.levers, self.trial = scenario, tuple(levers), trial
        self.replications, self.seed, self.fixed = replications, seed, dict(fixed or {})
        self.known: dict[Values, Score] = {}
        self._low = np.array([lever.low for lever in levers])
        self._width = np.array([lever.high for lever in levers]) - self._low
        whole = np.array([lever.whole for lever in levers], bool)
        self._finest = np.where(whole, 0.5 / self._width, 0.0)
        given = tuple(lever.start for lever in levers)
        self._course = self._steps([given, *starts])
        self._wanted: Sequence[Values] = next(self._course)
        self.done = False

    def go(self, budget: int, told: Callable[[int], None] = lambda n: None) -> None:
        """Try until ``budget`` candidates are known, or there is nothing left to try.

        Parameters
        ----------
        budget
            Most candidates that are known in the end.
        told
            Called with how many were tried after each step; may raise to stop.
        """
        while not self.done:
            new = [v for v in dict.fromkeys(self._wanted) if v not in self.known]
            if len(self.known) + len(new) > budget:
                return
            if new:
                changes = [self.changes(v) for v in new]
                scores = self.trial.scores(changes, self.replications, self.seed)
                self.known.update(zip(new, scores, strict=True))
                told(len(new))
            try:
                self._wanted = self._course.send([self.known[v] for v in self._wanted])
            except StopIteration:
                self.done = True

    def best(self) -> list[Values]:
        """Return all that was tried, the best first."""
        return sorted(self.known, key=self.known.__getitem__)

    def changes(self, values: Values) -> dict[str, Any]:
        """Return a candidate as changes of the scenario."""
        stock = changed(self.scenario, self.levers, values) if self.levers else {}
        return {**self.fixed, **stock}

    def _steps(self, starts: Sequence[Values]) -> Course:
        """Yield what to try next: wide steps, then exchanges and fine steps while they help."""
        yield starts[:1]
        if len(starts) > 1:
            yield starts[1:]
        if not self.levers:
            return
        yield from self._descend(WIDE, COARSE)
        better = True
        while better:
            yield from self._exchange()
            before = self.known[self.best()[0]]
            yield from self._descend(NARROW, FINE)
            yield from self._exchange()
            better = self.known[self.best()[0]] < _by(before, FINE)
        yield from self._neighbours()

    def _descend(self, wide: float, fine: float) -> Course:
        """Let a search distribution wander from the best on until its steps are fine enough."""
        begin = (np.array(self.best()[0]) - self._low) / self._width
        cma = Cma(begin, wide, self.seed + len(self.known), self._finest)
        while np.any(cma.spread > np.maximum(fine, self._finest)):
            asked = cma.ask()
            scores = yield [self._values(x) for x in asked]
            cma.tell(asked[sorted(range(len(asked)), key=scores.__getitem__)])
        yield [self._values(np.clip(cma.mean, 0.0, 1.0))]

    def _exchange(self) -> Course:
        """Move stock between neighbouring stages while that helps.

        What both hold together stays. It leads out of the plateaus where one stage always waits
        for the other, so that the stock of the one does as well at the other.
        """
        pairs = [
            (i, i + 1, sign * share * float(self._width[i : i + 2].min()))
            for i, (one, other) in enumerate(itertools.pairwise(self.levers))
            if one.field == other.field and one.field in ADDITIVE
            for sign in (-1, 1)
            for share in EXCHANGES
        ]
        better = bool(pairs)
        while better:
            best = self.best()[0]
            yield [
                self._moved(best, {i: best[i] - amount, j: best[j] + amount})
                for i, j, amount in pairs
            ]
            better = self.known[self.best()[0]] < _by(self.known[best], FINE)

    def _neighbours(self) -> Course:
        """Try one more and one less of every whole lever while that helps: finalists to compare."""
        whole = [i for i, lever in enumerate(self.levers) if lever.whole]
        better = bool(whole)
        while better:
            best = self.best()[0]
            yield [self._moved(best, {i: best[i] + one}) for i in whole for one in (-1, 1)]
            better = self.known[self.best()[0]] < self.known[best]

    def _moved(self, values: Values, moved: Mapping[int, float]) -> Values:
        """Return values with some levers moved, within their bounds."""
        return tuple(
            lever.near(moved.get(n, value))
            for n, (lever, value) in enumerate(zip(self.levers, values, strict=True))
        )

    def _values(self, shares: Floats) -> Values:
        return tuple(x.value(float(share)) for x, share in zip(self.levers, shares, strict=True))


def _by(score: Score, share: float) -> Score:
    """Return a score that is better by a share."""
    lack, aim = score
    return (lack, aim - share * abs(aim)) if lack == 0 else (lack * (1 - share), np.inf)
