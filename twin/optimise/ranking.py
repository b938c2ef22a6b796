"""Which of some finalists is best, by fresh replications, and how sure that is.

The procedure of Kim & Nelson 2001, *ACM Transactions on Modeling and Computer Simulation* 11(3):
251-273, section 3 (c = 1): all finalists share their luck; one is dropped as soon as another one is
so far ahead that chance will hardly turn it round. It keeps, for finalists with normal means, the
promise: if the best is better than all others by ``delta`` or more, it is chosen with probability
``confidence``. Differences below ``delta`` do not matter to who asks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from twin.sums import Floats

CONFIDENCE = 0.95
"""Probability with which the best of the finalists is chosen."""

Sample = Callable[[Sequence[int], int, int], Floats]
"""(finalists, first replication, replications) -> what is made small, ``(finalists, R)``."""


@dataclass(frozen=True)
class Ranking:
    """What the selection came to.

    Attributes
    ----------
    chosen
        Which finalist is best.
    confidence
        Probability that it is the best, or that the best is less than ``delta`` better; ``None`` of
        one finalist, which nothing was compared with.
    delta
        Difference that counts, in the unit of what is compared; NaN of one finalist.
    means
        Mean of each finalist over the replications that it had.
    replications
        Replications of each finalist.
    """

    chosen: int
    confidence: float | None
    delta: float
    means: tuple[float, ...]
    replications: tuple[int, ...]


def select(
    sample: Sample, n: int, *, delta: float, first: int, most: int, confidence: float = CONFIDENCE
) -> Ranking:
    """Choose the finalist with the smallest mean.

    Parameters
    ----------
    sample
        Gives replications of some finalists, all with the same luck.
    n
        Number of finalists.
    delta
        Difference that counts. Where ``most`` replications are too few to tell it, the smallest
        difference that they can tell takes its place: it depends on the spread of the first
        replications alone, which says nothing of the means, so the promise holds for it.
    first, most
        Replications that all finalists have, 2 or more, and that each one has at most.
    confidence
        Probability of the right choice.
    """
    if n == 1:
        values = sample([0], 0, first)
        return Ranking(0, None, math.nan, (float(values.mean()),), (first,))
    values = sample(range(n), 0, first)
    share = 2 * (1 - confidence) / (n - 1)
    eta = 0.5 * (share ** (-2 / (first - 1)) - 1)
    width = math.sqrt(2 * eta * (first - 1))
    spread = np.sqrt(np.var(values[:, None] - values[None], axis=2, ddof=1))
    delta = max(delta, width * float(spread.max()) / math.sqrt(most))
    kept, sums, count = list(range(n)), values.sum(axis=1), np.full(n, first)
    r = first
    while True:
        # beyond this r the boundary is closed: whoever is ahead stays
        wide = np.maximum(0.0, delta / 2 * ((width * spread / max(delta, 1e-300)) ** 2 - r))
        kept = [
            i for i in kept if all(sums[i] <= sums[j] + wide[i, j] for j in kept if j != i)
        ] or kept
        still = [wide[i, j] for i, j in itertools.combinations(kept, 2)]
        if len(kept) == 1 or max(still) <= 0 or r >= most:
            break
        more = min(first, most - r)  # looking once in a while drops nobody wrongly
        fresh = sample(kept, r, more)
        sums[kept] += fresh.sum(axis=1)
        count[kept] += more
        r += more
    chosen = min(kept, key=lambda i: (sums[i] / count[i], i))
    return Ranking(chosen, confidence, delta, tuple((sums / count).tolist()), tuple(count.tolist()))
