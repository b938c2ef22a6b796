"""Posterior draws by regression-adjusted approximate Bayesian computation.

A reference table of simulations from the prior is halved. On one half a network learns the mean of
the hidden values given the summaries; on the other, which it has not seen, the simulations nearest
to the observation in those means are adjusted as angles (see prior): the local line and the local
spread of what it leaves (Beaumont, Zhang & Balding 2002, Genetics 162: 2025-2035; Blum & François
2010, Stat. Comput. 20: 63-73). The table serves any number of observations of the same stock point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibration.infer.alike import exp, least_squares, log, product
from calibration.infer.prior import Prior, from_angle, to_angle
from calibration.infer.regression import STEPS, Regression, fit

Floats = npt.NDArray[np.float64]

NEAREST = 600
_DAMP = 0.3  # share of the mean square added to each, so that residuals near 0 do not rule
_MOST = 2.0  # largest adjustment of a log spread
_RIDGE = 1e-12  # of the local line: where all simulations agree, a gap explains nothing


class Weighted(NamedTuple):
    """A posterior sample: shares of the prior's ranges ``(m, d)`` and their weights ``(m,)``."""

    shares: Floats
    weights: Floats

    def draws(self, n: int, seed: int) -> Floats:
        """Return ``n`` draws of equal weight, ``(n, d)``."""
        picks = np.random.default_rng(seed).choice(len(self.weights), n, p=self.weights)
        return self.shares[picks]

    def quantiles(self, levels: tuple[float, ...]) -> Floats:
        """Return weighted quantiles of each column, ``(levels, d)``."""
        found = []
        for column in self.shares.T:
            order = np.argsort(column, kind="stable")
            below = np.cumsum(self.weights[order]) - 0.5 * self.weights[order]
            found.append(np.interp(levels, below, column[order]))
        return np.array(found).T.reshape(len(levels), -1)

    def below(self, shares: Floats) -> Floats:
        """Return the posterior probability below each of some shares, ``(d,)``."""
        return np.asarray((self.weights[:, None] * (self.shares < shares)).sum(axis=0))


@dataclass(frozen=True)
class Inference:
    """A reference table that is ready for observations: see :func:`learn`."""

    prior: Prior
    network: Regression
    shares: Floats
    found: Floats
    spread: Floats

    def posterior(
        self, observed: Floats, *, adjust: bool = True, nearest: int = NEAREST
    ) -> Weighted:
        """Return the posterior sample of one observation.

        Parameters
        ----------
        observed
            Its summaries, ``(p,)``.
        adjust
            Off: plain rejection, which is too wide (kept to show that checks find it out).
        nearest
            Simulations that are kept.
        """
        here = self.network(observed[None])[0]
        gap = (self.found - here) / self.spread
        distance = np.sqrt((gap**2).sum(axis=1))
        rows = _nearest(distance, nearest)
        width = max(float(distance[rows].max()), 1e-12)
        weights = np.maximum(1 - (distance[rows] / width) ** 2, 1e-6)  # Epanechnikov's kernel
        weights /= weights.sum()
        shares = self.shares[rows]
        if adjust:
            shares = from_angle(_adjusted(to_angle(shares), gap[rows], weights))
        return Weighted(shares, weights)


def learn(
    prior: Prior,
    shares: Floats,
    summaries: Floats,
    *,
    seed: int,
    per: int = 1,
    start: Regression | None = None,
    steps: int = STEPS,
) -> Inference:
    """Learn from a reference table.

    Parameters
    ----------
    prior
        What the columns of ``shares`` are.
    shares, summaries
        ``(N, d)`` and ``(N, p)``.
    seed
        Of the halving and the network.
    per
        Rows that share values and stay together.
    start, steps
        See :func:`calibration.infer.regression.fit`.
    """
    groups = np.random.default_rng(seed).permutation(-(-len(shares) // per))
    first = np.isin(np.arange(len(shares)) // per, groups[: len(groups) // 2])
    network = fit(summaries[first], to_angle(shares[first]), seed=seed, start=start, steps=steps)
    found = network(summaries[~first])
    # distances count in what the network cannot tell: a sharp estimate is worth more
    spread = np.maximum((found - to_angle(shares[~first])).std(axis=0), 1e-9)
    return Inference(prior, network, shares[~first], found, spread)


def _nearest(distance: Floats, n: int) -> npt.NDArray[np.int64]:
    """Return the n rows at the least distance, nearest first; of equal ones the first."""
    return np.argsort(distance, kind="stable")[:n]  # a partition's order is the processor's


def _adjusted(values: Floats, gap: Floats, weights: Floats) -> Floats:
    """Move neighbours, ``(m, d)``, to where they would lie at no gap, and to its spread."""
    x = np.column_stack([np.ones(len(gap)), gap])
    line = least_squares(x, values, weights, _RIDGE)
    left = values - product(x, line)
    square = (weights[:, None] * left**2).sum(axis=0)
    level = log(left**2 + _DAMP * square + 1e-300)
    slope = least_squares(x, level, weights, _RIDGE)[1:]
    left *= exp(np.clip(-product(gap, slope) / 2, -_MOST, _MOST))
    free = 1 / (weights**2).sum()  # as many as equal weights would be
    return np.asarray(line[0] + left * np.sqrt(free / max(free - x.shape[1], 1.0)))


def choose(
    tables: dict[str, Floats], observed: Floats, *, seed: int, nearest: int = 300
) -> dict[str, float]:
    """Return the posterior probability of each kind of ordering, equally likely before.

    Regressing what is 1 for a kind and 0 for the others gives its probability; the share of each
    kind among the nearest simulations in those probabilities corrects what the network misses
    (Prangle et al. 2014, Aust. N. Z. J. Stat. 56: 65-83).

    Parameters
    ----------
    tables
        Summaries of simulations, ``(N, p)``, by kind; the same number of each.
    observed
        Summaries of the observation, ``(p,)``.
    seed, nearest
        Of the network; simulations that count.
    """
    names = list(tables)
    if len(names) == 1:
        return {names[0]: 1.0}
    which = np.repeat(np.arange(len(names)), [len(t) for t in tables.values()])
    summaries = np.concatenate(list(tables.values()))
    network = fit(summaries, np.eye(len(names))[which], seed=seed, steps=STEPS // 2)
    distance = ((network(summaries) - network(observed[None])) ** 2).sum(axis=1)
    rows = _nearest(distance, nearest)
    counts = np.bincount(which[rows], minlength=len(names))
    return {name: float(n / nearest) for name, n in zip(names, counts, strict=True)}
