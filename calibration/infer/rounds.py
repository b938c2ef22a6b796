"""Learning about one observation in rounds, each where the one before left it possible.

A round simulates, learns and draws a posterior sample; the next one looks only into the box that
holds practically all of it (truncated prior: Deistler, Goncalves & Macke 2022, NeurIPS 35, section
3; a uniform prior cut to a box leaves the posterior inside it as it is). So few simulations say as
much as very many would that are spread over all that was thinkable before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from calibration.infer.abc import Inference, Weighted, learn
from calibration.infer.prior import Prior
from calibration.infer.regression import STEPS
from calibration.infer.simulate import PER, Model, reference

Floats = npt.NDArray[np.float64]

SIMULATIONS = 2048
"""Simulations of a round (a power of two)."""

ROUNDS = 2

_TAILS = (0.005, 0.995)
_MARGIN = 0.5  # of the distance between the tails, on either side
_LEAST = 0.005  # of the range, on either side


def learn_here(
    problem: Model,
    prior: Prior,
    observed: Floats,
    *,
    seed: int,
    end: int,
    simulations: int = SIMULATIONS,
    rounds: int = ROUNDS,
    tick: Callable[[int], None] | None = None,
) -> tuple[Inference, Inference]:
    """Return what is learned about one observation: from all periods, and from the early ones.

    Parameters
    ----------
    problem, prior
        The stock point (or several together), and what is hidden of it.
    observed
        Summaries of all periods, ``(p,)``.
    seed
        The luck.
    end
        Where the early periods end; of them only the first round is learned from, which looked
        everywhere: later rounds know of what came after.
    simulations
        Of each round.
    rounds
        How many; fewer where nothing is hidden.
    tick
        See :func:`calibration.infer.simulate.reference`.
    """
    n = simulations if prior.hidden else 2 * PER
    shares = prior.design(n, seed, PER)
    tables = reference(problem, prior, shares, seed=seed, end=end, tick=tick)
    whole = learn(prior, shares, tables[0], seed=seed, per=PER)
    early = learn(  # much the same question: the network only brushes up
        prior, shares, tables[1], seed=seed, per=PER, start=whole.network, steps=STEPS // 4
    )
    for luck in range(seed + 1, seed + rounds if prior.hidden else seed):
        prior = narrowed(prior, whole.posterior(observed))
        shares = prior.design(n, luck, PER)
        table = reference(problem, prior, shares, seed=luck, tick=tick)
        whole = learn(prior, shares, table, seed=luck, per=PER)
    return whole, early


def narrowed(prior: Prior, posterior: Weighted) -> Prior:
    """Return a prior cut to the box that holds practically all of a posterior sample."""
    low, high = posterior.quantiles(_TAILS)
    more = _MARGIN * (high - low) + _LEAST
    corners = prior.whole(np.clip(np.stack([low - more, high + more]), 0.0, 1.0))
    return replace(prior, box=tuple((float(a), float(b)) for a, b in corners.T))
