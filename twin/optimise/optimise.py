"""One call from a scenario to a better one: ``twin.optimise.optimise("electronics")``."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twin import arguments
from twin.edits import apply
from twin.errors import RunError
from twin.optimise.goal import AIM, SERVICE, Goal
from twin.optimise.levers import KINDS, Lever, stock_levers
from twin.optimise.notebook import Notebook
from twin.optimise.options import CHOICES, Option, known, options
from twin.optimise.ranking import Ranking, select
from twin.optimise.result import Candidate, Finalist, Optimised
from twin.optimise.search import Search, Values, budget_of, check_budget
from twin.optimise.starts import starts
from twin.optimise.trial import Trial
from twin.optimise.tune import REPLICATIONS, search_seed
from twin.run import prepare
from twin.schema import Scenario
from twin.sums import Floats
from twin.topology import build

FINALISTS = 5
"""Most candidates that fresh replications decide about."""

KEEP = 3
"""One in so many combinations of choices goes on to the next round of a search."""

EACH = 20
"""Candidates that each further combination of choices adds to what is tried."""

APART, NEAR = 0.03, 0.1
"""Finalists of the same choices differ in a lever by the first share of the way between its bounds,
or where that is less by the second of its value: bounds are wider the worse the scenario's own value
is. In whole levers they differ by one at least."""

MOST = 20
"""Most replications of a finalist, as a multiple of those of the search."""

DELTA = 0.005
"""Difference between finalists that counts, as a share of the aim."""


def optimise(
    scenario: Scenario | str | Path,
    *,
    levers: Sequence[str] = CHOICES,
    families: Sequence[str] | None = None,
    aim: str = AIM,
    penalty: float = Goal.penalty,
    require: Mapping[str, float] | None = None,
    budget: int | None = None,
    search_replications: int = REPLICATIONS,
    replications: int | None = None,
    seed: int | None = None,
    set: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: threading.Event | None = None,
    told: Callable[[str], None] | None = None,
) -> Optimised:
    """Choose decoupling points, buffers and sources of a scenario.

    Every combination of decoupling points and sources is searched over its buffers; after each of
    some rounds the best third goes on (successive halving: Jamieson & Talwalkar 2016, AISTATS). The
    best few are compared on fresh replications (seed + 2), the chosen one with the scenario as it is
    on those of ``twin compare`` (seed), so that no number that is reported was picked for its luck.

    Parameters
    ----------
    scenario, set, seed, replications, threads
        As in :func:`twin.run`; the search has the seed after it.
    levers, families
        Kinds that may change (:data:`twin.optimise.options.CHOICES`), whose cuts; default: all.
    aim, penalty, require
        See :class:`twin.optimise.goal.Goal`.
    budget, search_replications, progress, cancelled, told
        Most candidates, draws of luck of each, whom to tell (tried, most), whom what comes next.
    out, force
        Folder for what was tried; the same search goes on in it, another one only if forced.

    A ``TwinError`` says what is wrong, or that it was cancelled.
    """
    arguments.callbacks(progress, cancelled)
    base = prepare(scenario, arguments.changes(set), seed)
    goal = Goal(aim, dict(require or {}), penalty, () if require else (_beside(aim),))
    R = arguments.whole("replications", base.replications if replications is None else replications)
    search_replications = arguments.whole("search_replications", search_replications)
    folder = None if out is None else Path(out)
    trial = Trial([base], goal, threads, cancelled, _notebook(base, goal, folder, force))
    choices, notes = options(base, known(levers), families)
    searches = _searches(base, choices, levers, trial, search_replications)
    most = _budget(searches) if budget is None else check_budget(budget)
    told = told or (lambda text: None)
    told(f"trying {most:,} candidates at most")
    _halve(searches, most, progress)
    told("comparing the best ones under fresh luck")
    final = _Final(base, goal, trial, choices, searches)
    found = final.decide(search_replications, R, (*notes, *_left_out(searches)))
    found.keep(folder)
    return found


def _notebook(base: Scenario, goal: Goal, folder: Path | None, force: bool) -> Notebook:
    problem = [base.to_dict(), goal.aim, dict(goal.require), goal.penalty, list(goal.watch)]
    return Notebook(problem, folder, force)


def _beside(aim: str) -> str:
    """Return what is looked at beside the aim where nothing is required."""
    return SERVICE if aim != SERVICE else AIM


def _searches(
    base: Scenario,
    choices: Sequence[Option],
    levers: Sequence[str],
    trial: Trial,
    replications: int,
) -> list[Search]:
    """Return a search for each combination of choices; a :class:`RunError` if nothing can change."""
    found = [_search(base, choice, levers, trial, replications) for choice in choices]
    if len(found) == 1 and not found[0].levers:
        raise RunError(_nothing(base, levers))
    return found


def _nothing(scenario: Scenario, kinds: Sequence[str]) -> str:
    return (
        f"scenario '{scenario.name}' has nothing to change among {', '.join(kinds)}; name other "
        f"levers ({', '.join(CHOICES)}), or give its stock points a level or a safety factor"
    )


def _search(
    base: Scenario, choice: Option, kinds: Sequence[str], trial: Trial, replications: int
) -> Search:
    """Return the search over the buffers of one combination of choices."""
    scenario = apply(base, choice.changes)
    levers = stock_levers(scenario, [kind for kind in KINDS if kind in kinds])
    return Search(
        scenario, levers, trial, replications=replications, seed=search_seed(base, None),
        starts=starts(build(scenario), levers), fixed=choice.changes,
    )  # fmt: skip


def _rounds(searches: Sequence[Search]) -> int:
    return 1 + math.ceil(math.log(len(searches), KEEP))


def _budget(searches: Sequence[Search]) -> int:
    return max(budget_of(s.levers) for s in searches) + EACH * (len(searches) - 1)


def _halve(
    searches: Sequence[Search], most: int, progress: Callable[[int, int], None] | None
) -> None:
    """Share out what may be tried: in each round alike, among the best of the last one."""
    rounds = _rounds(searches)
    race, done = list(searches[:most]), 0  # each of them tries one at least

    def told(n: int) -> None:
        nonlocal done
        done += n
        if progress is not None:
            progress(done, most)

    for n in range(rounds):
        share = max(1, (most - done) // (rounds - n) // len(race))
        for search in race:
            search.go(len(search.known) + min(share, most - done), told)
        race = sorted(race, key=lambda s: s.known[s.best()[0]])[: max(1, len(race) // KEEP)]


def _left_out(searches: Sequence[Search]) -> list[str]:
    """Return that some combinations were never tried, if that is so."""
    tried = sum(bool(search.known) for search in searches)
    if tried == len(searches):
        return []
    return [f"the budget was enough for {tried} of {len(searches)} combinations of choices"]


@dataclass(frozen=True)
class _Candidate:
    """What a search found, by its place."""

    search: int
    values: Values


class _Final:
    """Finalists, the choice among them, and the comparison with the scenario as it is."""

    def __init__(
        self,
        base: Scenario,
        goal: Goal,
        trial: Trial,
        choices: Sequence[Option],
        searches: Sequence[Search],
    ) -> None:
        self.base, self.goal, self.trial = base, goal, trial
        self.choices, self.searches = choices, searches

    def decide(self, first: int, replications: int, notes: tuple[str, ...]) -> Optimised:
        """Return the best finalist and by how much it is better."""
        candidates = self.candidates(first)
        finalists = self.finalists()
        fit, more = self.fit(finalists, max(first, 2))
        ranking, values = self.rank(fit, max(first, 2))
        order = sorted(range(len(fit)), key=lambda i: (i != ranking.chosen, ranking.means[i]))
        best = self.changes(fit[ranking.chosen])
        before, after = self.trial([{}, best], replications, self.base.seed)
        return Optimised(
            given=self.base,
            scenario=apply(self.base, best),
            changes=best,
            goal=self.goal,
            finalists=tuple(self.described(fit[i], values[i]) for i in order),
            candidates=candidates,
            ranking=Ranking(
                0,
                ranking.confidence,
                ranking.delta,
                tuple(ranking.means[i] for i in order),
                tuple(ranking.replications[i] for i in order),
            ),
            before=before,
            after=after,
            runs=self.trial.runs,
            notes=(*notes, *more),
        )

    def changes(self, candidate: _Candidate) -> dict[str, Any]:
        """Return a candidate as changes of the scenario."""
        return self.searches[candidate.search].changes(candidate.values)

    def candidates(self, replications: int) -> tuple[Candidate, ...]:
        """Return all that was tried, the best first."""
        sign = float(self.goal.signs()[0])
        every = [
            (score, n, values)
            for n, search in enumerate(self.searches)
            for values, score in search.known.items()
        ]
        return tuple(
            Candidate(
                self.choices[n].label,
                lack,
                sign * aim,
                self.trial.beside(
                    self.searches[n].changes(values), replications, self.searches[n].seed
                ),
            )
            for (lack, aim), n, values in sorted(every)
        )

    def described(self, candidate: _Candidate, values: Floats) -> Finalist:
        """Return a candidate in words, with what it came to."""
        levers = self.searches[candidate.search].levers
        return Finalist(
            choice=self.choices[candidate.search].label,
            levers={x.label: v for x, v in zip(levers, candidate.values, strict=True)},
            changes=self.changes(candidate),
            values=values,
        )

    def finalists(self) -> list[_Candidate]:
        """Return the best candidates that are not all alike."""
        every = [
            (search.known[values], n, values)
            for n, search in enumerate(self.searches)
            for values in search.best()
        ]
        found: list[_Candidate] = []
        for _, n, values in sorted(every):
            candidate = _Candidate(n, values)
            if all(self.differ(candidate, other) for other in found):
                found.append(candidate)
            if len(found) == FINALISTS:
                break
        return found

    def differ(self, one: _Candidate, other: _Candidate) -> bool:
        """Return whether two candidates are worth telling apart."""
        if one.search != other.search:
            return True
        levers = self.searches[one.search].levers
        pairs = zip(levers, one.values, other.values, strict=True)
        return any(abs(a - b) > self.apart(x, a, b) for x, a, b in pairs)

    @staticmethod
    def apart(lever: Lever, a: float, b: float) -> float:
        """Return how far two values of a lever may lie from each other and count as the same."""
        far = min(APART * (lever.high - lever.low), NEAR * max(abs(a), abs(b)))
        return min(far, 0.5) if lever.whole else far

    def fit(self, finalists: list[_Candidate], first: int) -> tuple[list[_Candidate], list[str]]:
        """Return the finalists that meet the requirements on fresh replications too."""
        if not self.goal.require:
            return finalists, []
        values = self.sample(finalists, 0, self.looks(first))
        lacks = [self.goal.score(x)[0] for x in values]
        fit = [f for f, lack in zip(finalists, lacks, strict=True) if lack == 0]
        if fit:
            return fit, []
        return [finalists[int(np.argmin(lacks))]], [
            "no finalist meets all requirements with 95 % confidence; this one lacks least"
        ]

    def looks(self, first: int) -> int:
        """Return how many fresh replications decide about the requirements, and nothing else."""
        return MOST // 4 * first if self.goal.require else 0

    def rank(self, finalists: list[_Candidate], first: int) -> tuple[Ranking, list[Floats]]:
        """Choose among finalists by their aim; return also all that was measured of each."""
        sign = float(self.goal.signs()[0])
        found: list[list[Floats]] = [[] for _ in finalists]

        def aims(which: Sequence[int], k0: int, n: int) -> Floats:
            later = self.looks(first) + k0
            measured = self.sample([finalists[i] for i in which], later, n)
            for i, values in zip(which, measured, strict=True):
                found[i].append(values)
            return sign * measured[:, 0]

        leader = abs(self.searches[finalists[0].search].known[finalists[0].values][1])
        ranking = select(aims, len(finalists), delta=DELTA * leader, first=first, most=MOST * first)
        return ranking, [np.concatenate(values, axis=1) for values in found]

    def sample(self, candidates: Sequence[_Candidate], k0: int, n: int) -> Floats:
        """Return fresh replications of candidates."""
        return self.trial([self.changes(c) for c in candidates], n, self.base.seed + 2, k0)
