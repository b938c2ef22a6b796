"""All that is inferred of stock points that can only be looked at together: a joint posterior."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.infer.abc import Inference, Weighted
from calibration.infer.blind import Group, Member
from calibration.infer.identify import identify, kept
from calibration.infer.joint import Together
from calibration.infer.misfit import REPLICATES, misfit
from calibration.infer.point import HELD_OUT, HeldOut, PointResult, predicted
from calibration.infer.prior import Prior
from calibration.infer.rounds import SIMULATIONS, learn_here
from calibration.infer.simulate import reference
from calibration.infer.summaries import blurred
from calibration.periods import Periods
from calibration.posterior import DRAWS

Floats = npt.NDArray[np.float64]

ROUNDS = 3
"""Rounds of simulations: one more than for a stock point by itself, for more is hidden at once."""


def infer_together(
    group: Group,
    periods: Periods,
    *,
    seed: int,
    simulations: int = SIMULATIONS,
    tick: Callable[[int], None] | None = None,
) -> list[PointResult]:
    """Infer what is hidden of a group of stock points.

    Parameters
    ----------
    group
        Of :func:`calibration.infer.blind.around`.
    periods
        What was observed.
    seed
        The luck.
    simulations
        Of each round.
    tick
        Called with the number of simulations done after each block; may raise to stop.

    Returns
    -------
    list of PointResult
        One for each of the group's rows. Draws of equal number belong together. ``kinds`` are empty:
        kinds of ordering are the scenario's own, so nothing was found out about them.
    """
    if group.reason:
        return [PointResult(group.top.points[row].name, reason=group.reason) for row in group.rows]
    problem = Together(group, periods)
    seen = problem.edge.observed()
    observed = blurred(problem.edge.columns(seen), seed)[0]
    end = int(periods.n * (1 - HELD_OUT))
    whole, early = learn_here(
        problem, problem.prior, observed, seed=seed, end=end, simulations=simulations,
        rounds=ROUNDS, tick=tick,
    )  # fmt: skip
    posterior = whole.posterior(observed)
    shares = posterior.draws(REPLICATES, seed)
    made = reference(problem, whole.prior, shares, seed=seed + 1, per=1)
    results = _results(problem, whole.prior, posterior, seed)
    held = _held_out(problem, early, end, seed + 2)
    p_value = misfit(observed, made).p_value  # of all together: they fit together, or not at all
    return [
        replace(
            result, p_value=p_value, held_out=held.get(m.row), **_fit(problem, m, observed, made)
        )
        for m, result in zip(group.members, results, strict=True)
    ]


def _results(
    problem: Together, prior: Prior, posterior: Weighted, seed: int
) -> Iterator[PointResult]:
    """Yield what the joint posterior tells of each member."""
    drawn = kept(prior, posterior, DRAWS, seed)
    known = identify(prior, posterior)
    for m in problem.group.members:
        name, seen = m.problem.name, m.cut.observed
        mine = {h.place: i for i, h in enumerate(prior.hidden) if h.name == f"{name} {h.place}"}
        yield PointResult(
            name=name,
            kind=m.kind,
            review=m.problem.review,
            phase=m.problem.phase,
            identified=[known[i]._replace(name=place) for place, i in mine.items()],
            orders=0 if seen is None else int((seen.order > 0).sum()),
            draws={place: drawn[:, i].tolist() for place, i in mine.items()},
            ranges={
                place: (prior.hidden[i].low, prior.hidden[i].high) for place, i in mine.items()
            },
            forecast=dict(m.cut.forecast),
            cover=m.cut.cover,
            notes=list(m.cut.notes),
        )


def _fit(problem: Together, m: Member, observed: Floats, made: Floats) -> dict[str, Any]:
    """Return how well the summaries that tell of a member fit; of none, those of the group."""
    columns = [i for i, (row, _) in enumerate(problem.edge.owners) if row == m.row]
    columns = columns or list(range(len(observed)))
    fit = misfit(observed[columns], made[:, columns])
    names = [problem.edge.owners[i][1] for i in columns]
    return {
        "worst": [(names[i], gap) for i, gap in fit.worst],
        "pit": dict(zip(names, fit.pit.tolist(), strict=False)),
        "tenths": fit.tenths.tolist(),
    }


def _held_out(problem: Together, inference: Inference, end: int, seed: int) -> dict[int, HeldOut]:
    """Predict the last part of the record of those that report with what its first part says."""
    seen = problem.edge.observed()
    early = blurred(problem.edge.columns(seen.before(end)), seed)[0]
    prior = inference.prior
    values = prior.values(inference.posterior(early).draws(REPLICATES, seed))
    made = problem.simulate(prior, values, seed=seed)
    return {
        m.row: predicted(theirs, mine, end, float(m.problem.demand.mean()))
        for m, theirs, mine in zip(problem.edge.members, made.edge, seen.edge, strict=True)
    }
