"""What orders and receipts of one stock point tell: lead times, review periods, what came of what."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from calibration.infer.hands import Supply
from calibration.infer.prior import slider

Floats = npt.NDArray[np.float64]

_TINY = 1e-9
_CHANCE = 1e-6  # an order rhythm must be this unlikely by chance
_ON_TIME = 0.98  # share of orders that keep to it
_ALIKE = 3.0  # running totals may disagree so much more than at the best lag: goods waited
_MET = 3  # times that orders must have come without waiting to be sure of the lead time


def opening_orders(
    ordered: Floats, received: Floats, known: int | None = None
) -> tuple[int, float]:
    """Return the quickest lead time, ``known`` or not, and the units on order before the record began.

    What has come by a period is at most what was on order at first and what was ordered a lead time
    before; it is just that whenever nothing waits at the supplier. So the units on order are the
    largest excess of receipts, and the lead time is the one at which it is met most often (where it
    never is met again, the one at which the running totals agree best).
    """
    n = len(ordered)
    asked, came = np.cumsum(ordered), np.cumsum(received)
    noise = 1e-6 * max(1.0, float(asked[-1]))
    met, gaps, before = [], [], []
    for lag in range(max(1, n // 3)):
        excess = came[lag:] - asked[: n - lag]
        news = ordered[: n - lag] > _TINY  # else waiting longer changes nothing
        highest = max(0.0, float(excess.max()))
        met.append(int((news & (excess > highest - noise)).sum()))
        before.append(highest)
        gaps.append(float(np.abs(excess - (came[lag - 1] if lag else 0.0)).mean()))
    if known is not None and known < len(before):
        return known, before[known]
    likely = np.array(gaps) <= _ALIKE * min(gaps) + noise
    often = np.where(likely, met, 0)
    if often.max() >= _MET:
        lag = int(often.argmax())
        return lag, before[lag]
    lag = int(np.argmin(gaps))
    return lag, float(received[:lag].sum())


def supply_trace(ordered: Floats, received: Floats, before: float) -> Supply:
    """Return how far deliveries had come in each period, first in first out.

    Parameters
    ----------
    ordered, received
        Units by period, ``(T,)``.
    before
        Units on order before the record began.

    No part of an order comes sooner than the quickest part of any order did.
    """
    came = np.cumsum(received)
    opening = np.minimum(came, before)
    asked = np.cumsum(ordered)
    t = np.arange(len(ordered))
    # deliveries of a period come before its order: only younger periods' orders may be next; who
    # orders a little later than was seen waits for what had been ordered by then, not for the next
    placed = np.flatnonzero(ordered > _TINY)
    begun = np.searchsorted(came - before, (asked - ordered)[placed] * (1 + 1e-9) + _TINY, "right")
    quickest = int((begun - placed)[begun < len(t)].min(initial=len(t)))
    next_ = np.searchsorted(asked, (came - before) * (1 + 1e-9) + _TINY, side="right")
    whole = np.minimum(next_, np.maximum(t - quickest + 1, 0))
    whole = np.maximum.accumulate(np.where(came < before - _TINY, 0, whole))
    done = np.concatenate([[0.0], asked])[whole]
    size = np.where(whole < t, ordered[np.minimum(whole, len(ordered) - 1)], 0.0)
    part = np.where(size > _TINY, (came - before - done) / np.where(size > _TINY, size, 1.0), 0.0)
    return Supply(opening, whole, np.clip(part, 0.0, 1.0))


def fifo_leads(ordered: Floats, received: Floats, before: float) -> list[int]:
    """Return how long each period's order took until all of it was there, first in first out.

    Orders of the last periods are left out, as many as the longest took: of those the ones that
    are there were quick (right censoring).
    """
    came = np.cumsum(received) - before
    asked = np.cumsum(ordered)
    placed = np.flatnonzero(ordered > _TINY)
    there = np.searchsorted(came, asked[placed] * (1 - 1e-9) - _TINY)
    done = there < len(came)
    leads = np.maximum(there - placed, 0)
    longest = int(leads[done].max(initial=0))
    early = done & (placed < len(came) - longest)
    found = leads[early] if early.any() else leads[done]
    return [int(x) for x in found]


def rhythm(ordered: Floats) -> tuple[int, int]:
    """Return the review period and its phase: the longest that all orders keep to.

    Orders only on every seventh day are a weekly review; an order on any other day rules it out.
    """
    days = np.flatnonzero(ordered > _TINY)
    for review in range(int(slider("policy.review")[1]), 1, -1):
        counts = np.bincount(days % review, minlength=review)
        on_time = int(counts.max())
        if on_time >= _ON_TIME * len(days) and review ** (1.0 - on_time) < _CHANCE:
            return review, int(counts.argmax())
    return 1, 0


def keeps_time(asked: Floats, review: int, phase: int) -> bool:
    """Return whether what is asked for comes in a rhythm, too: then orders in it tell no review."""
    return float(asked[phase::review].sum()) >= _ON_TIME * float(asked.sum())


def until(received: Floats, before: float) -> list[float]:
    """Return what came of the units on order at first, ``(L,)``: period by period until all was there."""
    came = np.minimum(np.cumsum(received), before)
    last = int(np.searchsorted(came, before * (1 - 1e-9)))
    return [float(x) for x in np.diff(came[: last + 1], prepend=0.0)]


def owed(asked: Floats, shipped: Floats, patience: int | None) -> Floats:
    """Return units owed at the end of each period, ``(T,)``; who waited too long has left.

    Parameters
    ----------
    asked, shipped
        Units by period, ``(T,)``.
    patience
        Periods after which who waits leaves; None: nobody does. What was owed before the record
        began is then at least what was shipped too much.
    """
    asked, shipped = np.cumsum(asked), np.cumsum(shipped)
    if patience is None:
        found = asked - shipped
        return np.asarray(found - min(0.0, float(found.min())))
    due = later(asked, patience)  # asked for so long ago that it is served or given up
    done, closed = 0.0, np.empty(len(asked))
    for t, gone in enumerate(np.diff(shipped, prepend=0.0)):
        done = closed[t] = max(done + gone, due[t])
    return np.asarray(np.maximum(asked - closed, 0.0))


def later(x: Floats, periods: int) -> Floats:
    """Return a series moved to later periods, same length: nothing comes first."""
    return np.concatenate([np.zeros(periods), x])[: len(x)]
