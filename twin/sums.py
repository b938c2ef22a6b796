"""Small arithmetic on sums of a run that gives the same bits for any block of replications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from twin.jit import njit

if TYPE_CHECKING:
    from twin.engine import Outcome

Floats = NDArray[np.float64]


@njit
def add_to(
    found: Floats, places: NDArray[np.int64], rates: Floats, things: NDArray[np.int64], sums: Floats
) -> None:
    """Add ``rate * sum of a thing`` to the row at a place, ``(n, K)``, one after the other.

    A rate of 0 adds nothing, whatever the sum is. ``places``, ``rates`` and ``things`` are of equal
    length, ``sums`` is ``(things, K)``.
    """
    for i in range(len(places)):
        if rates[i] != 0:
            for k in range(sums.shape[1]):
                found[places[i], k] += rates[i] * sums[things[i], k]


def total(values: Floats) -> Floats:
    """Return the sum over things, ``(things, K) -> (K,)``.

    Always added one after the other: ``np.sum`` adds a single replication in another order than
    several, and a replication's result must not depend on its neighbours.
    """
    if values.shape[0] == 0:
        return np.zeros(values.shape[1:])
    if values.ndim == 2 and values.shape[1] > 1:  # rows are added to rows
        return np.add.reduce(np.ascontiguousarray(values), axis=0)  # type: ignore[no-any-return]
    return np.cumsum(values, axis=0)[-1]  # type: ignore[no-any-return]


def ratio(above: Floats, below: Floats) -> Floats:
    """Return ``above / below``, NaN where ``below`` is 0."""
    above, below = np.broadcast_arrays(above, below)
    out = np.full(below.shape, np.nan)
    np.divide(above, below, out=out, where=below != 0)
    return out


def replications(outcome: Outcome) -> int:
    """Return the number of replications K."""
    return int(np.size(outcome.replications))


def field(outcome: Outcome, name: str) -> Floats:
    """Return a sum over the window, ``(things, K)``; zeros where the run did not need it."""
    if name in outcome.sums:
        return outcome.sums[name]
    top = outcome.plan.topology
    things = {"rows": top.points, "links": top.links, "sinks": top.sinks}
    return np.zeros((len(things[name.partition(".")[0]]), replications(outcome)))


def summed(outcome: Outcome, name: str) -> Floats:
    """Return a sum over the window and over all things, ``(K,)``."""
    return total(field(outcome, name))
