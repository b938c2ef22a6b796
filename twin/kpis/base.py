"""The registry of KPIs and how all of them are worked out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from twin.registry import Entry, Registry
from twin.statistics import Range
from twin.sums import Floats, replications

if TYPE_CHECKING:
    from twin.engine import Outcome

KPIS = Registry()
"""Every KPI by name: a function of an outcome (``paired``: of it and its undisrupted twin) that
returns one number per replication, NaN where it is not defined; ``within`` (what that number can
be), ``unit``, ``better`` (higher, lower or zero) and ``group`` stand in the decorator."""

AMOUNT, SHARE, YES_NO = Range(low=0), Range(low=0, high=1), Range(low=0, high=1, yes_no=True)
PERIODS = Range(low=0, whole=True)

Better = Literal["higher", "lower", "zero"]

GROUPS = ("service", "stock", "cost", "orders", "forecast", "resilience")
"""Groups of KPIs in the order in which they are shown."""


def ordered() -> list[str]:
    """Return the names of all KPIs, group by group."""
    return sorted(KPIS, key=lambda name: GROUPS.index(KPIS[name].extra["group"]))


def compute(outcome: Outcome) -> dict[str, Floats]:
    """Return every KPI that needs no undisrupted twin, ``(K,)`` each."""
    return {
        name: _values(entry, outcome)
        for name, entry in KPIS.items()
        if not entry.extra.get("paired")
    }


def compute_paired(outcome: Outcome, baseline: Outcome) -> dict[str, Floats]:
    """Return every KPI that compares an outcome with its undisrupted twin, ``(K,)`` each."""
    return {
        name: _values(entry, outcome, baseline)
        for name, entry in KPIS.items()
        if entry.extra.get("paired")
    }


def undefined_paired(outcome: Outcome) -> dict[str, Floats]:
    """Return NaN for every KPI that would need an undisrupted twin."""
    K = replications(outcome)
    return {name: np.full(K, np.nan) for name, e in KPIS.items() if e.extra.get("paired")}


def _values(entry: Entry, *outcomes: Outcome) -> Floats:
    found = np.asarray(entry.function(*outcomes), float)
    return np.broadcast_to(found, (replications(outcomes[0]),)).copy()
