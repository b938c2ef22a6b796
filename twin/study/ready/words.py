"""Numbers with their intervals in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from twin.result import number
from twin.schema import Scenario
from twin.statistics import ANY, Range, interval
from twin.sums import Floats

ENDS = ("", "_low", "_high")
"""What stands behind the name of a column: the mean, and the ends of its 95 % interval."""

NOISE = 1e-9
"""Below it numbers are rounding."""


def differing(frame: pd.DataFrame, unit: str, *names: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return a table in which differences of shares are percentage points, and its columns' units.

    Parameters
    ----------
    frame
        Differences in columns of these names, with or without their ends.
    unit
        Of the differences, see :func:`twin.study.ready.runs.unit_of`: ``points`` for shares.
    names
        Of the columns.
    """
    found = [f"{name}{end}" for name in names for end in ENDS if f"{name}{end}" in frame]
    if unit == "points":
        frame = frame.assign(**{column: 100 * frame[column] for column in found})
    return frame, dict.fromkeys(found, unit)


def said(ends: Sequence[float], unit: str = "") -> str:
    """Return a number with its interval: ``12.5 days [11 to 14]``.

    Parameters
    ----------
    ends
        Mean, low and high end; without an interval (NaN), or where luck makes no difference, the
        mean stands alone.
    unit
        Of the number; shares are shown in per cent, their differences (``points``) in points.
    """
    hundred = 100 if unit in ("share", "points") else 1
    mean, low, high = (0.0 if abs(x) < NOISE else hundred * x for x in ends)
    text = f"{number(mean)} {'%' if unit == 'share' else unit}".strip()
    return (
        text
        if np.isnan(low) or high - low <= NOISE
        else f"{text} [{number(low)} to {number(high)}]"
    )


def columns(name: str, values: Floats, within: Range = ANY) -> dict[str, float]:
    """Return the mean of some values and its interval as three columns of a table."""
    ends = interval(values, within)[:3]
    return {f"{name}{end}": x for end, x in zip(ENDS, ends, strict=True)}


def told(row: Any, name: str, unit: str = "") -> str:
    """Return three columns of a row, as :func:`columns` makes them, as :func:`said` says them."""
    return said([row[f"{name}{end}"] for end in ENDS], unit)


def sign(row: Any, name: str) -> int:
    """Return on which side of zero three columns of a row are for sure; 0: on either.

    Without an interval, in a single replication, the mean is taken as it is: a scenario without
    luck needs no more. :data:`twin.study.ready.ALONE` is then among the limits.
    """
    mean, low, high = (row[f"{name}{end}"] for end in ENDS)
    if np.isnan(low):
        low = high = mean
    return int(low > NOISE) - int(high < -NOISE)


def counted(n: int, scenario: Scenario) -> str:
    """Return a number of periods in the scenario's words: ``1 week``, ``14 days``."""
    return f"{n} {scenario.calendar.period}{'' if n == 1 else 's'}"


_FILLERS = frozenset({"value"})
"""Last steps of a key that say nothing: ``lead_time.value`` is the lead time."""


def kind_said(kind: str) -> str:
    """Return what numbers of one kind are in words, as the app says them too.

    Parameters
    ----------
    kind
        A dotted key of a scenario without places in lists: ``stock[].policy.safety_factor`` is the
        ``safety factor (stock policy)``.
    """
    steps = kind.replace("[]", "").split(".")
    if len(steps) > 2 and steps[-1] in _FILLERS:
        steps.pop()
    owner = f" ({' '.join(steps[:-1])})" if len(steps) > 1 else ""
    return f"{steps[-1]}{owner}".replace("_", " ")
