"""Regimes of a lane: how likely goods of each age are to come, and what a period tells of it.

A lane is normal, or slow by one of a few factors of its lead time. Which one it is follows a hidden
Markov chain (Rabiner 1989), on the hazards of arrival.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from calibration.on_the_way import by_age
from twin.distributions import lead_time_table
from twin.topology import Link

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FACTORS = (1.0, 1.5, 2.0, 3.0)
"""Regimes of a lane: normal, and how many times as long goods take where it is slow."""
TURNS_SLOW = 1 / 1000
"""Chance in a period that a normal lane becomes slow: it is slow one period in twenty."""
TURNS_NORMAL = 1 / 50
"""Chance in a period that a slow lane becomes normal."""
RARE = 0.02
"""Chance of what the calibrated lead time does not allow."""
TINY = 1e-9


class Ages:
    """What is likely at each age, of all links in one array; equal lead times are held once.

    Parameters
    ----------
    links
        Those of a topology, with the calibrated lead times.

    Attributes
    ----------
    due, through
        ``(places,)``, as calibrated: the chance to come at an age if it has not yet, and the chance
        to be there by then.
    hazards, done
        ``(factors, places)``: the same under each regime, of lead times that fill the gaps between
        those that were calibrated. Hazards are never quite 0 or 1.
    """

    def __init__(self, links: Sequence[Link]) -> None:
        known: dict[tuple[bytes, bytes, int], tuple[int, int]] = {}
        parts: list[tuple[Floats, ...]] = []
        where, total = [], 0
        for link in links:
            values, cdf = lead_time_table(link.lead_time)
            key = values.tobytes(), cdf.tobytes(), _delay(link)
            if key not in known:
                parts.append(_tables(link))
                known[key] = total, parts[-1][0].size - 1
                total += parts[-1][0].size
            where.append(known[key])
        self._first, self._last = np.array(where, np.int64).reshape(-1, 2).T
        columns = [np.concatenate(each, axis=-1) for each in zip(*parts, strict=True)]
        self.due, self.through, self.hazards, self.done = columns or [np.zeros(0)] * 4

    def at(self, link: Ints, age: Ints) -> Ints:
        """Return the places of goods of some age on some links, arrays of one shape."""
        return self._first[link] + np.minimum(np.maximum(age, 0), self._last[link])


def _delay(link: Link) -> int:
    return link.delay if link.kind == "buy" else 0


def _tables(link: Link) -> tuple[Floats, ...]:
    """Return due, through, hazards and done of one link, by age."""
    values, cdf = lead_time_table(link.lead_time)
    delay = _delay(link)
    ages = np.arange(int((values[-1] + delay + 1) * FACTORS[-1]) + 2)
    exact = np.concatenate((np.zeros(delay), by_age(link.lead_time)))
    exact = np.concatenate((exact, np.ones(ages.size - exact.size)))
    edges = np.concatenate(([values[0] - 0.5], values + 0.5)) + delay
    whole = np.concatenate(([0.0], cdf))
    done = np.array([np.interp((ages + 0.5) / f, edges, whole) for f in FACTORS])
    before = _before(done)
    # no distribution tells how long what is overdue takes
    hazards = np.where(before > 1 - RARE, 0.5, np.clip(_hazards(done), RARE, 1 - RARE))
    due = np.where(_before(exact) > 1 - TINY, 0.5, _hazards(exact))
    return due, exact, hazards, done


def _before(through: Floats) -> Floats:
    return np.concatenate((np.zeros_like(through[..., :1]), through[..., :-1]), axis=-1)


def _hazards(through: Floats) -> Floats:
    before = _before(through)
    return (through - before) / np.maximum(1 - before, TINY)


def usual() -> Floats:
    """Return the share of time that a lane spends in each regime, ``(factors,)``."""
    slow = TURNS_SLOW / (TURNS_SLOW + TURNS_NORMAL)
    return np.array([1 - slow, *[slow / (len(FACTORS) - 1)] * (len(FACTORS) - 1)])


def turned(belief: Floats) -> Floats:
    """Return what is believed of the regimes ``(links, factors)`` a period later."""
    slow = belief[:, 1:] * (1 - TURNS_NORMAL) + belief[:, :1] * TURNS_SLOW / (len(FACTORS) - 1)
    return np.concatenate((1 - slow.sum(axis=1, keepdims=True), slow), axis=1)


def weighed(belief: Floats, link: Ints, chance: Floats) -> Floats:
    """Return what is believed of the regimes ``(links, factors)`` after what was seen.

    Parameters
    ----------
    belief
        As it was before.
    link, chance
        ``(seen,)`` and ``(factors, seen)``: the chance, in each regime, of each thing that was seen
        on a link.
    """
    # many lots at once: in logarithms, which cannot run out of numbers
    weight = np.array([np.bincount(link, x, len(belief)) for x in np.log(chance)]).T
    found = belief * np.exp(weight - weight.max(axis=1, keepdims=True))
    found /= found.sum(axis=1, keepdims=True)
    told = np.zeros((len(belief), 1), bool)
    told[link] = True
    return np.where(told, found, belief)
