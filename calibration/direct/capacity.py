"""Capacity: the most that production or a supplier lets through in a period.

A limit shows where more waits than goes through and it is always the same that does. Where it never
shows, all that is known is that it is no lower than the most that went through. A limit of which the
scenario says nothing needs more evidence: lots and short stock, too, now and then let the same
through again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from calibration.direct import DRAWS, Estimate, Floats, key_of, refs
from calibration.periods import Periods, add_up
from twin.schema import Production, Scenario
from twin.topology import Link, Topology, build

_MET = 3
"""Periods that the same most must have gone through while more waited."""
_MET_UNDECLARED = 10
"""The same where the scenario has no limit; there it must hold in ``_ALWAYS`` of the periods in
which ``_CLEARLY`` as much waited, and orders of more must have been seen."""
_ALWAYS, _CLEARLY = 0.95, 1.25
_SAME = 1e-6


class Limited(NamedTuple):
    """Something with a limit: its key, what it is in words, and what went through and waited.

    ``through`` and ``waiting`` are units by period ``(T,)``; ``waiting`` counts what was asked for and
    had not gone through before the period. ``asked`` is the largest order of a period.
    """

    key: str
    name: str
    declared: float | None
    through: Floats
    waiting: Floats
    asked: float


def estimate(events: pd.DataFrame, scenario: Scenario, *, seed: int = 0) -> list[Estimate]:
    """Return the limit of each production, purchase and lane that has one.

    Parameters
    ----------
    events
        Canonical events; orders, dispatches, receipts and production are read.
    scenario
        Says which limits there are. One that was never met is not known: it stays as it is there,
        or is taken off where more went through than it allows. One of which the scenario says
        nothing is found where it was met again and again.
    seed
        Not used: nothing is drawn.
    """
    periods = add_up(events, scenario)
    found = (_estimate(one, events) for one in _limited(periods, scenario))
    return [one for one in found if one is not None]


def _estimate(one: Limited, events: pd.DataFrame) -> Estimate | None:
    most = float(one.through.max())
    full = one.through >= most * (1 - _SAME)
    n = int((full & (one.waiting > most * (1 + _SAME))).sum())
    if one.declared is None and not _shows(one, full, most):
        return None
    if n < _MET:
        return _unmet(one, most, events)
    return Estimate.of(
        f"capacity of {one.name}", most, np.full(DRAWS, most), n, key=one.key,
        sets={one.key: most}, refs=refs(events),
        method=f"most that went through, {n} times while more waited",
    )  # fmt: skip


def _unmet(one: Limited, most: float, events: pd.DataFrame) -> Estimate:
    """Return what is known of a limit that never showed: no more than that it is no lower."""
    stays = one.declared if one.declared is not None and one.declared >= most else None
    what = "it stays as the scenario has it" if stays is not None else (
        f"the scenario's {one.declared:g} is less, so it is taken off: no limit"
    )  # fmt: skip
    value, nothing = most if stays is None else stays, float("nan")
    return Estimate(
        f"capacity of {one.name}", value, nothing, nothing, np.full(DRAWS, value), 0, one.key,
        {one.key: stays}, "never met for sure", f"the most that went through is {most:g}; {what}",
        refs(events), known=False,
    )  # fmt: skip


def _shows(one: Limited, full: Any, most: float) -> bool:
    """Return whether there is a limit though the scenario has none."""
    more = one.waiting > most * _CLEARLY
    n = int((full & more).sum())
    return one.asked > most * (1 + _SAME) and n >= max(_MET_UNDECLARED, _ALWAYS * more.sum())


def _limited(periods: Periods, scenario: Scenario) -> Iterator[Limited]:
    """Yield what may have a limit and was seen at work; a lane's is shared by all its items."""
    top = build(scenario)
    groups: dict[int, list[Link]] = {}
    for e in top.links:
        groups.setdefault(id(e.declared), []).append(e)
    for links in groups.values():
        declared = links[0].declared
        name = "capacity" if isinstance(declared, Production) else "dispatch_limit"
        limit = getattr(declared, name)
        flows = [_flow(periods, top, e) for e in links]
        if not any(through.any() for through, *_ in flows):
            continue
        through, waiting, orders = (np.sum(x, axis=0) for x in zip(*flows, strict=True))
        point = top.points[links[0].to]
        what = point.name if len(links) == 1 else point.site.name
        key = f"{key_of(scenario, declared)}.{name}"
        yield Limited(key, f"{links[0].kind} to {what}", limit, through, waiting, orders.max())


def _flow(periods: Periods, top: Topology, e: Link) -> tuple[Floats, Floats, Floats]:
    """Return what went through a link, what waited before and what was ordered, by period."""
    point = top.points[e.to]
    here = (point.site.name, point.item.name)
    way = (here[0] if e.kind == "make" else e.source, *here)
    nothing = np.zeros(periods.n)
    if e.kind == "make":
        went = _begun(periods, top, e)
    else:
        went = periods.shipped.get(way, periods.received.get(way, nothing))
    through, orders = np.nan_to_num(went), np.nan_to_num(periods.ordered.get(way, nothing))
    lead = _quickest(through, orders)
    due = np.concatenate([np.zeros(lead), np.cumsum(orders)])[: periods.n]
    return through, due - np.concatenate([[0.0], np.cumsum(through)[:-1]]), orders


def _begun(periods: Periods, top: Topology, e: Link) -> Floats:
    """Return what production began in each period; nothing where that cannot be told.

    What came out tells it only where all of it takes as long: else lots of several periods may
    come out in one. A component that goes into nothing else was taken when they began.
    """
    site = top.points[e.to].site.name
    for row, usage in e.inputs:
        component = (site, top.points[row].item.name)
        if len(top.out_links[row]) == 1 and component in periods.used:
            return periods.used[component] / usage
    nothing = np.zeros(periods.n)
    steady = e.lead_moments[1] == 0
    return periods.started.get((site, top.points[e.to].item.name), nothing) if steady else nothing


def _quickest(through: Floats, orders: Floats) -> int:
    """Return the periods from the first order to the first output: so young orders do not wait."""
    first, out = np.flatnonzero(orders > 0), np.flatnonzero(through > 0)
    return int(max(0, out[0] - first[0])) if first.size and out.size else 0
