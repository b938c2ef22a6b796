"""When goods come that are on their way: by their lead times, and by what was sent before them.

Where nothing overtakes, goods have come once they *and all sent before them* are through
(:func:`come`). What is expected of a record as a whole (:func:`arrivals`) and what the live twin
expects from one period to the next (:mod:`calibration.live.lanes`) both rest on this.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twin.distributions import lead_time_table
from twin.schema import LeadTime
from twin.topology import Link

Floats = npt.NDArray[np.float64]

_MOSTLY = 0.5  # of the receipts fit to a whole number of lots, if these are all of them
_NEARLY = 0.9  # as many fits as the most: as likely

_AT_ONCE = 256  # periods whose arrivals are worked out together: the memory of a long record


def overtakes(link: Link) -> bool:
    """Return whether a later dispatch of a link may arrive earlier, as the kernel has it."""
    return bool(getattr(link.declared, "overtaking", False))


def by_age(lead_time: LeadTime) -> Floats:
    """Return the chance that a lead time is 0, at most 1, at most 2 ... periods; the last is 1."""
    lengths, reached = lead_time_table(lead_time)
    found = np.zeros(int(lengths[-1]) + 1)
    found[lengths] = np.diff(reached, prepend=0.0)
    return np.minimum(np.cumsum(found), 1.0)


def come(through: Floats, overtaking: bool | npt.NDArray[np.bool_]) -> Floats:
    """Return the chance that each lot has come.

    Parameters
    ----------
    through
        ``(lots, ...)``, in the order in which they were sent: the chance that a lot's own lead time
        is over.
    overtaking
        Whether a lot may come before one that was sent earlier; broadcasts to ``(...)``.
    """
    return np.where(overtaking, through, np.cumprod(through, axis=0))


def arrivals(sent: Floats, lead_time: LeadTime, overtaking: bool) -> Floats:
    """Return what is expected to arrive in each period of what was sent, ``(T,)`` units.

    Parameters
    ----------
    sent
        Units by period, ``(T,)``; what is sent in one period has one lead time, drawn anew in each.
    lead_time
        Its distribution.
    overtaking
        Whether later goods may come before earlier ones.
    """
    chance = by_age(lead_time)
    longest, lots = len(chance) - 1, np.flatnonzero(sent > 0)
    due = np.zeros(len(sent))
    for start in range(0, len(sent), _AT_ONCE):
        t = np.arange(start - 1, min(start + _AT_ONCE, len(sent)))
        near = lots[(lots >= start - longest - 1) & (lots <= t[-1])]  # those before have come
        age = t - near[:, None]
        through = np.where(age < 0, 0.0, chance[np.clip(age, 0, longest)])
        due[start : t[-1] + 1] = sent[near] @ np.diff(come(through, overtaking), axis=1)
    return due


def before_record(sent: Floats, received: Floats, lead_time: LeadTime, overtaking: bool) -> float:
    """Return the units that were on the way before a record began.

    What lead times tell on average is never exact, and who takes a little too much for it makes every
    order wait for the next one's delivery. So it is at most what was received beyond all that had
    surely come; and where nothing overtakes, what has come is what was there before and whole lots,
    every time: the amount with which that holds most often, nearest to the average.

    Parameters
    ----------
    sent, received
        Units by period, ``(T,)``.
    lead_time
        Its distribution.
    overtaking
        Whether later goods may come before earlier ones.
    """
    longest = min(len(by_age(lead_time)) - 1, len(sent) - 1)
    came, left = np.cumsum(received), np.cumsum(sent)
    surely = np.concatenate([np.zeros(longest), left])[: len(left)]
    beyond = (came - np.cumsum(arrivals(sent, lead_time, overtaking)))[longest:].mean()
    most = max(0.0, float((came - surely)[longest:].min()))
    likely = float(np.clip(beyond, 0.0, most))
    if overtaking or not received.any():
        return likely
    return _whole_lots(came, left, np.flatnonzero(received > 0), longest, most, likely)


def _whole_lots(
    came: Floats,
    left: Floats,
    times: npt.NDArray[np.int64],
    longest: int,
    most: float,
    likely: float,
) -> float:
    """Return what was there before if what has come since is whole lots; else what is likely."""
    unit = 1e-6 * max(1.0, most)
    at = times[:, None] + 1 - np.arange(longest + 2)  # lots sent before these periods have come
    gone = np.where(at > 0, left[np.maximum(at - 1, 0)], 0.0)
    fits = [np.unique(x) for x in np.round((came[times][:, None] - gone) / unit)]
    values, counts = np.unique(np.concatenate(fits), return_counts=True)
    possible = (values >= 0) & (values * unit <= most + unit)
    if not possible.any() or counts[possible].max() < _MOSTLY * len(times):
        return likely
    often = values[possible & (counts >= _NEARLY * counts[possible].max())] * unit
    return float(often[np.abs(often - likely).argmin()])
