"""Numbers that say what a stock point's orders and books look like: the published list.

They are computed from what can be observed only, the same way of a simulation and of telemetry, and
are free of units (divided by mean demand), so that stock points of all sizes read alike.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibration.infer.alike import log, solve

Floats = npt.NDArray[np.float64]

BLUR = 0.01
"""Sd of the blur: one per cent of mean demand, of a spread, or of a slope."""

WARM = 56
"""Periods left out: what a forecast remembers of before the record has faded by then."""

SUMMARIES: dict[str, str] = {
    "order mean": "mean order over mean demand: above 1 where something gets lost",
    "order spread": "log of (sd of orders over sd of demand): the bullwhip",
    "order share": "share of periods with an order",
    "order size": "log of mean order, where there is one, over mean demand",
    "smallest order": "log of the smallest order over mean demand, 0.1 at least: a lot, if that",
    "order size spread": "log of the sd of orders, where there is one, over mean demand",
    "order memory": "correlation of an order with the one before",
    "position": "mean inventory position after ordering, over mean demand",
    "position spread": "log of its sd over mean demand",
    "trigger": "highest position before an order, over mean demand",
    "no trigger": "lowest position at which nothing was ordered, over mean demand",
    "books": "mean stock by the books over mean demand",
    "backlog": "mean units owed over mean demand",
    "phantom": "mean units owed while the books show stock, over mean demand",
    "correction": "mean correction of the books per period, over mean demand",
    "correction spread": "log of the sd of the books' corrections over mean demand",
    "receipt spread": "log of the sd of receipts over mean demand",
    "largest receipt": "log of the largest receipt over mean demand",
    "on demand": "slope of orders on the period's demand",
    "on demand before": "slope of orders on smoothed demand before",
    "on net stock": "slope of orders on stock less backlog",
    "on supply line": "slope of orders on what is on order",
    "at rest": "constant of that regression over mean demand",
    "surprise": "log of the sd that it leaves over mean demand",
    "position on slow demand": "slope of the position on what its forecast sees, smoothed by 0.03",
    "position on medium demand": "slope of the position on what its forecast sees, smoothed by 0.1",
    "position on fast demand": "slope of the position on what its forecast sees, smoothed by 0.4",
    "position at rest": "constant of that regression over mean demand",
    "position surprise": "log of the sd that it leaves over mean demand",
}
"""Name and meaning of each summary, in the order of the columns."""

_TINY = 1e-6  # of mean demand: what is less comes of rounding
_BARE = 1e-3  # of mean demand: with less on the shelf the books show none
_FLOOR = 0.02  # logs of spreads end here: two per cent of mean demand or less is none
_SMALL = 0.1  # an order of less than this share of mean demand is a small one
_RIDGE = 1e-4
_SPEEDS = (0.03, 0.1, 0.4)
_PIECE = 64  # records at a time: their series fit a core's cache


class Series(NamedTuple):
    """What is observed of a stock point, ``(T, N)`` units each, at the end of each period."""

    order: Floats
    on_order: Floats
    backlog: Floats
    book: Floats


def net(series: Series) -> Series:
    """Return records in which what is owed is taken off the stock by the books.

    Of a component nobody knows whether it is owed because it is missing or because another one is:
    what production has asked for counts as gone.
    """
    left = series.book - series.backlog
    return series._replace(backlog=np.maximum(-left, 0.0), book=np.maximum(left, 0.0))


def summaries(series: Series, demand: Floats, seen: Floats | None = None) -> Floats:
    """Return the summaries of N records of one stock point.

    Parameters
    ----------
    series
        The records, ``(T, N)`` each.
    demand
        What was asked for, ``(T,)`` units, the same for all.
    seen
        What its forecast sees, ``(T,)`` units, where that is not what was asked for: on that its
        positions depend.

    Returns
    -------
    numpy.ndarray
        ``(N, p)``, columns as in :data:`SUMMARIES`.
    """
    n = series.order.shape[1]
    pieces = [Series(*(x[:, i : i + _PIECE] for x in series)) for i in range(0, n, _PIECE)]
    return np.concatenate([_piece(piece, demand, seen) for piece in pieces])


def blurred(found: Floats, *seed: int) -> Floats:
    """Return summaries, ``(N, p)``, blurred by :data:`BLUR`, simulated and observed ones alike.

    Where next to nothing is left to luck, a model that is off by what does not matter could not
    have made the observation at all, and what is learned of it there would be anything. Blurred
    alike, what is off by less is not told apart, and intervals are right for what is asked.
    """
    noise = np.random.default_rng(seed).standard_normal(found.shape)
    return np.asarray(found + BLUR * noise)


def _piece(series: Series, demand: Floats, seen: Floats | None) -> Floats:
    scale = max(float(demand.mean()), _TINY)
    order, on_order, backlog, book = (x / scale for x in series)
    d = demand / scale
    after = book + on_order - backlog
    before = after - order
    columns = [
        *_orders(order[WARM:], d[WARM:]),
        *_positions(order[WARM:], before[WARM:], after[WARM:]),
        *_books(order, on_order, backlog, book, d),
    ]
    medium = _smoothed(d, 0.1)
    lag = slice(WARM - 1, -1)
    busy = (order[WARM:] > _TINY).astype(np.float64)
    net, line = before - (on_order - order), on_order - order
    columns += _regression(order[WARM:], [d[WARM:], medium[lag]], [net[WARM:], line[WARM:]], busy)
    watched = d if seen is None else seen / scale
    columns += _regression(after[WARM:], [_smoothed(watched, a)[WARM:] for a in _SPEEDS], [], busy)
    return np.stack(columns, axis=1)


def _orders(order: Floats, d: Floats) -> list[Floats]:
    mean, sd = order.mean(axis=0), order.std(axis=0)
    busy = (order > _TINY).sum(axis=0)
    centred = order - mean
    memory = (centred[1:] * centred[:-1]).mean(axis=0) / np.maximum(sd**2, _FLOOR**2)
    size = order.sum(axis=0) / np.maximum(busy, 1)
    least = np.where(order > _TINY, order, np.inf).min(axis=0)
    wide = np.sqrt(np.maximum((order**2).sum(axis=0) / np.maximum(busy, 1) - size**2, 0.0))
    spread = _log(sd) - math.log(max(float(d.std()), _FLOOR))
    smallest = log(np.clip(least, _SMALL, 1 / _SMALL))
    return [mean, spread, busy / len(order), _log(size), smallest, _log(wide), memory]


def _positions(order: Floats, before: Floats, after: Floats) -> list[Floats]:
    busy = order > _TINY
    # where nothing (or something) was ordered all along, the other end of the record stands in
    trigger = np.where(busy, before, -np.inf).max(axis=0)
    idle = np.where(busy, np.inf, before).min(axis=0)
    trigger = np.where(np.isfinite(trigger), trigger, before.min(axis=0))
    idle = np.where(np.isfinite(idle), idle, before.max(axis=0))
    return [after.mean(axis=0), _log(after.std(axis=0)), trigger, idle]


def _books(
    order: Floats, on_order: Floats, backlog: Floats, book: Floats, d: Floats
) -> list[Floats]:
    """Return what books and backlog show; a correction is what no movement explains."""
    received = on_order[:-1] + order[1:] - on_order[1:]
    shipped = backlog[:-1] + d[1:, None] - backlog[1:]
    correction = (np.diff(book, axis=0) - received + shipped)[WARM - 1 :]
    owed, seen = backlog[WARM:], book[WARM:]
    phantom = np.where(seen > _BARE, owed, 0.0).mean(axis=0)
    return [
        seen.mean(axis=0), owed.mean(axis=0), phantom, correction.mean(axis=0),
        _log(correction.std(axis=0)), _log(received[WARM - 1 :].std(axis=0)),
        _log(received[WARM - 1 :].max(axis=0)),
    ]  # fmt: skip


def _regression(y: Floats, common: list[Floats], own: list[Floats], weight: Floats) -> list[Floats]:
    """Return slopes, constant and log residual sd of weighted least squares of every record.

    ``common`` regressors are ``(T,)``, ``own`` ``(T, N)``; a small ridge keeps slopes finite.
    """
    n = y.shape[1]
    columns = [np.broadcast_to(x[:, None], y.shape) for x in common] + own
    total = np.maximum(weight.sum(axis=0), 1.0)
    centre = [(weight * x).sum(axis=0) / total for x in (y, *columns)]
    yc, *xs = (weight * (x - c) for x, c in zip((y, *columns), centre, strict=True))
    k = len(xs)
    gram, right = np.empty((n, k, k)), np.empty((n, k))
    for i, x in enumerate(xs):
        right[:, i] = np.einsum("tn,tn->n", x, yc)
        for j in range(i + 1):
            gram[:, i, j] = gram[:, j, i] = np.einsum("tn,tn->n", x, xs[j])
    gram += _RIDGE * total[:, None, None] * np.eye(k)
    slope = solve(gram, right)
    rest = centre[0] - sum(slope[:, i] * c for i, c in enumerate(centre[1:]))
    left = np.einsum("tn,tn->n", yc, yc) - np.einsum("nk,nk->n", slope, right)
    return [*slope.T, rest, _log(np.sqrt(np.maximum(left, 0.0) / total))]


def _smoothed(d: Floats, weight: float) -> Floats:
    found, now = np.empty_like(d), float(d.mean())
    for t, x in enumerate(d):
        now += weight * (float(x) - now)
        found[t] = now
    return found


def _log(x: Floats) -> Floats:
    return np.asarray(log(np.maximum(x, _FLOOR)))
