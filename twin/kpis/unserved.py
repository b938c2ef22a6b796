"""What customers miss while the first disruption lasts, in units, with no twin to compare with.

Of a customer's units those count that fall due in the disruption: whose waiting time as tolerated
ends in it. What was overdue before is not its doing. This is the loss that a linear programme of
the same stock and demand bounds from below (:mod:`twin.study.linear_programme`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twin.kpis.base import AMOUNT, KPIS
from twin.kpis.resilience import SERIES, tolerated
from twin.sums import Floats, replications, total

if TYPE_CHECKING:
    from twin.engine import Outcome


@KPIS.add("unserved", within=AMOUNT, unit="units", better="lower", group="resilience")
def unserved(o: Outcome) -> Floats:
    """Units that customers miss when the first disruption ends (recorded curves only).

    Units that fell due while it lasted (their customer's tolerance ended) and were not delivered by
    its end, and units lost in it; NaN where nothing happens or the run ends before. Counted against
    full service, not against the undisrupted twin.
    """
    found = np.full(replications(o), np.nan)
    if not set(SERIES) <= set(o.series):
        return found
    start, length = _first(o)
    told = (length > 0) & (start + length <= o.series[SERIES[0]].shape[0])
    for a, n in {*zip(start[told].tolist(), length[told].tolist(), strict=True)}:
        at = np.flatnonzero(told & (start == a) & (length == n))
        found[at] = missed(o, a, n)[at]
    return found


def _first(o: Outcome) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return start and length of the first disruption that happens, ``(K,)`` each; 0 if none."""
    K, seed = replications(o), o.plan.topology.scenario.seed
    drawn = o.plan.events.draw(K, int(o.replications[0]), seed)
    n = len(o.plan.events.events)
    if n == 0:
        return np.zeros(K, np.int64), np.zeros(K, np.int64)
    happens = np.asarray(drawn.happens).reshape(n, K) > 0
    begins = np.asarray(drawn.start, np.int64).reshape(n, K)
    never = np.iinfo(np.int64).max
    which = np.argmin(np.where(happens, begins, never), axis=0)
    lasts = np.where(happens.any(axis=0), np.asarray(drawn.duration, np.int64)[which], 0)
    return np.take_along_axis(begins, which[None], axis=0)[0], lasts


def missed(o: Outcome, start: int, n: int) -> Floats:
    """Return the units that customers miss in the ``n`` periods from ``start`` on, ``(K,)``.

    The run must hold the series :data:`twin.kpis.resilience.SERIES`.
    """
    _, ordered, closed, lost = (o.series[name] for name in SERIES)
    found = total(np.cumsum(lost[start : start + n], axis=0)[-1])
    for wait, of in _by_wait(o):
        done = np.maximum(closed[start + n - 1, of], _at(ordered, start - wait - 1)[of])
        late = np.maximum(0.0, _at(ordered, start + n - 1 - wait)[of] - done)
        found = found + total(late)
    return found


def needed(o: Outcome, start: int, n: int) -> Floats:
    """Return what customers must be given in the first 1, 2 ... ``n`` periods from ``start`` on.

    Units that fall due by then and were not delivered before; what was overdue before is left out.
    They bind every run that is the same until then, whatever befalls it: what it delivers and what
    it misses (:func:`missed`) add up to no less.

    Parameters
    ----------
    o
        An undisrupted run with the series :data:`twin.kpis.resilience.SERIES`.
    start, n
        The periods.

    Returns
    -------
    numpy.ndarray
        ``(n, s, K)``
    """
    demand, ordered, closed, _ = (o.series[name] for name in SERIES)
    need = np.zeros((n, *demand.shape[1:]))
    for wait, of in _by_wait(o):
        done = np.maximum(_at(closed, start - 1)[of], _at(ordered, start - wait - 1)[of])
        new = np.zeros_like(done)  # wanted from then on, whether a run accepts it or not
        for t in range(n):
            if t >= wait:
                new = new + demand[start + t - wait, of]
            booked = _at(ordered, min(start - 1, start + t - wait))[of]
            need[t, of] = np.maximum(0.0, booked + new - done)
    return need


def _at(series: Floats, period: int) -> Floats:
    """Return a cumulative series at the end of a period that may lie before the run."""
    return series[period] if period >= 0 else np.zeros_like(series[0])


def _by_wait(o: Outcome) -> Iterator[tuple[int, Any]]:
    """Yield how long customers may wait, and the sinks of those."""
    waits, _ = tolerated(o)
    for wait in np.unique(waits).tolist():
        yield wait, slice(None) if (waits == wait).all() else np.flatnonzero(waits == wait)
