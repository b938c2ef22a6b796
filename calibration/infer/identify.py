"""What the data tell about each hidden quantity, and what they do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from calibration.infer.abc import Weighted
from calibration.infer.alike import exp, log
from calibration.infer.prior import Prior

WIDEST = 0.8
"""A 90 % interval wider than this share of the prior's tells nothing worth having."""

Floats = npt.NDArray[np.float64]

_EACH = 200  # draws of each of the others
_EDGE = 1e-4  # keeps logits of values at an end of their range finite
_TAILS = (0.05, 0.5, 0.95)


class Identified(NamedTuple):
    """What is known of one hidden quantity.

    Attributes
    ----------
    name
        Its place below a stock rule.
    low, middle, high
        5 %, 50 % and 95 % quantiles, in its unit (the prior's where it is not identified).
    width
        Width of the posterior's 90 % interval over that of the prior's, both as shares of the range.
    identified
        Whether the width is at most :data:`WIDEST`; else the prior is kept.
    """

    name: str
    low: float
    middle: float
    high: float
    width: float
    identified: bool


def identify(prior: Prior, posterior: Weighted) -> list[Identified]:
    """Return what a posterior tells about each hidden quantity."""
    found = []
    quantiles = prior.whole(posterior.quantiles(_TAILS))
    for i, hidden in enumerate(prior.hidden):
        width = float(quantiles[2, i] - quantiles[0, i]) / (_TAILS[2] - _TAILS[0])
        known = width <= WIDEST
        shares = quantiles[:, i] if known else np.array(_TAILS)
        low, middle, high = hidden.values(shares)
        found.append(Identified(hidden.name, float(low), float(middle), float(high), width, known))
    return found


def borrow(posterior: Weighted, others: Sequence[Weighted]) -> Weighted:
    """Return a thin stock point's posterior, drawn towards others that are alike.

    How the others spread (normal on the logit scale) takes the place of the prior: draws are weighed
    by the ratio of both, so that whoever has much data of its own hardly moves.
    """
    logits = _logit(np.concatenate([other.draws(_EACH, n) for n, other in enumerate(others)]))
    middle, variance = logits.mean(axis=0), logits.var(axis=0) + 1e-6
    x = _logit(posterior.shares)
    flat = log(posterior.shares * (1 - posterior.shares) + 1e-12)  # uniform shares in logits
    likely = (-((x - middle) ** 2) / (2 * variance) - flat).sum(axis=1)
    weights = posterior.weights * exp(likely - likely.max())
    return Weighted(posterior.shares, weights / weights.sum())


def _logit(shares: Floats) -> Floats:
    return np.asarray(logit(np.clip(shares, _EDGE, 1 - _EDGE)))


def kept(prior: Prior, posterior: Weighted, draws: int, seed: int) -> Floats:
    """Return drawn values, ``(draws, d)``; columns that are not identified fill their prior evenly.

    They keep their ranks: what such a value does to the advantage of another (a protection interval
    and a safety factor) may be known better than either.
    """
    values = prior.values(posterior.draws(draws, seed))
    for i, row in enumerate(identify(prior, posterior)):
        if not row.identified:
            ranks = np.argsort(np.argsort(values[:, i], kind="stable"), kind="stable")
            values[:, i] = prior.hidden[i].values((ranks + 0.5) / draws)
    return values
