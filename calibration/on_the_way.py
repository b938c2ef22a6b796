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
