"""Arithmetic of choices under several worlds: fronts, regrets, and where one overtakes another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.statistics import interval
from twin.sums import Floats

STEPS = 400
"""Points between the first and the last level at which a crossing's interval is looked at."""


class Ends(NamedTuple):
    """A number with the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


def ends(values: Floats) -> Ends:
    """Return the mean of some values, ``(R,)``, with its interval."""
    return Ends(*interval(values)[:3])


def sign(values: Floats) -> int:
    """Return on which side of zero the mean of paired differences, ``(R,)``, clearly is."""
    found = ends(values)
    low, high = (found.mean, found.mean) if np.isnan(found.low) else found[1:]
    return int(low > 0) - int(high < 0)


def front(costs: Floats, service: Floats) -> list[int]:
    """Return the choices that no other one beats: the Pareto front with clear differences only.

    One beats another if it is clearly better in one of the two and not clearly worse in the other,
    as :attr:`twin.frontier.Frontier.front`.

    Parameters
    ----------
    costs, service
        By choice and replication, ``(C, R)``; replications share their luck.
    """
    every = range(len(costs))

    def beaten(i: int) -> bool:
        signs = [
            (sign(costs[i] - costs[j]), sign(service[j] - service[i])) for j in every if j != i
        ]
        return any(min(s) >= 0 and max(s) > 0 for s in signs)

    return [i for i in every if not beaten(i)]


def regrets(costs: Floats) -> Floats:
    """Return what each choice costs more in each world than the best one there, paired.

    Savage 1951, J. Amer. Statist. Assoc. 46: 55-67.

    Parameters
    ----------
    costs
        By choice, world and replication, ``(C, W, R)``.

    Returns
    -------
    numpy.ndarray
        ``(C, W, R)``; the mean over replications is 0 for the best of each world.
    """
    best = costs.mean(axis=2).argmin(axis=0)
    found: Floats = costs - costs[best, np.arange(costs.shape[1])][None]
    return found


class Crossing(NamedTuple):
    """Where paired differences change their sign.

    Attributes
    ----------
    at
        Value of the lever; between its levels by straight lines.
    low, high
        Ends of the values at which the 95 % interval of the difference includes 0; an end of the
        levels where it does so up to there.
    """

    at: float
    low: float
    high: float


def crossings(levels: Sequence[float], differences: Floats) -> list[Crossing]:
    """Return where the mean of paired differences changes its sign, by straight lines in between.

    Parameters
    ----------
    levels
        Values of the lever, rising, ``(L,)``.
    differences
        One choice - another one at each level, ``(L, R)``.
    """
    x, means = np.asarray(levels, float), differences.mean(axis=1)
    found = []
    for k in range(len(x) - 1):
        a, b = means[k], means[k + 1]
        if a * b < 0 or (b == 0 and a != 0):
            at = float(x[k] + (x[k + 1] - x[k]) * a / (a - b))
            found.append(Crossing(at, *_doubtful(x, differences, at)))
    return found


def _doubtful(x: Floats, differences: Floats, at: float) -> tuple[float, float]:
    """Return the ends of the values around a crossing at which the sign is in doubt."""

    def doubtful(value: float) -> bool:
        return sign(_between(x, differences, value)) == 0

    found = []
    for end in (x[0], x[-1]):
        path = np.linspace(at, end, STEPS)
        clear = next((n for n, value in enumerate(path) if n and not doubtful(value)), None)
        if clear is None:
            found.append(float(end))
            continue
        inside, outside = path[clear - 1], path[clear]
        for _ in range(30):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if doubtful(middle) else (inside, middle)
        found.append(float(inside))
    return found[0], found[1]


def _between(x: Floats, values: Floats, at: float) -> Floats:
    """Return values at a level between the known ones, replication by replication."""
    k = int(np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2))
    share = (at - x[k]) / (x[k + 1] - x[k])
    mixed: Floats = values[k] + share * (values[k + 1] - values[k])
    return mixed
