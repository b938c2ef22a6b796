"""Capacity: the most that production or a supplier lets through in a period.

A limit shows where more waits than goes through and it is always the same that does. Where it never
shows, all that is known is that it is no lower than the most that went through.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from calibration.direct import DRAWS, Estimate, Floats, key_of, refs
from calibration.periods import Periods, add_up
from twin.schema import Production, Scenario
from twin.topology import Link, Topology, build

_MET = 3
"""Periods that the same most must have gone through while more waited."""
_SAME = 1e-6


class Limited(NamedTuple):
    """Something with a limit: its key, what it is in words, and what went through and waited.

    ``through`` and ``waiting`` are units by period ``(T,)``; ``waiting`` counts what was asked for and
    had not gone through before the period.
    """

    key: str
    name: str
    declared: float
    through: Floats
    waiting: Floats


def estimate(events: pd.DataFrame, scenario: Scenario, *, seed: int = 0) -> list[Estimate]:
    """Return the limit of each production, purchase and lane for which the scenario has one.

    Parameters
    ----------
    events
        Canonical events; orders, dispatches, receipts and production are read.
    scenario
        Says which limits there are; one that was never met stays as it is there, unless more went
        through than it allows.
    seed
        Not used: nothing is drawn.
    """
    periods = add_up(events, scenario)
    return [_estimate(one, events) for one in _limited(periods, scenario)]


def _estimate(one: Limited, events: pd.DataFrame) -> Estimate:
    most = float(one.through.max())
    met = (one.through >= most * (1 - _SAME)) & (one.waiting > most * (1 + _SAME))
    n = int(met.sum())
    known = n >= _MET
    value = most if known else max(most, one.declared)
    note = "" if known else (
        f"never met for sure: the most that went through is {most:g}; it stays "
        f"{'at that' if value == most else 'as the scenario has it'}"
    )  # fmt: skip
    return Estimate.of(
        f"capacity of {one.name}", value, np.full(DRAWS, value), n, key=one.key,
        sets={one.key: value}, refs=refs(events), note=note,
        method=f"most that went through, {n} times while more waited",
    )  # fmt: skip


def _limited(periods: Periods, scenario: Scenario) -> Iterator[Limited]:
    """Yield what has a limit and was seen at work; a lane's limit is shared by all its items."""
    top = build(scenario)
    groups: dict[int, list[Link]] = {}
    for e in top.links:
        groups.setdefault(id(e.declared), []).append(e)
    for links in groups.values():
        declared = links[0].declared
        name = "capacity" if isinstance(declared, Production) else "dispatch_limit"
        limit = getattr(declared, name)
        flows = [_flow(periods, top, e) for e in links]
        if limit is None or not any(through.any() for through, _ in flows):
            continue
        through, waiting = (np.sum(x, axis=0) for x in zip(*flows, strict=True))
        point = top.points[links[0].to]
        what = point.name if len(links) == 1 else point.site.name
        key = f"{key_of(scenario, declared)}.{name}"
        yield Limited(key, f"{links[0].kind} to {what}", limit, through, waiting)


def _flow(periods: Periods, top: Topology, e: Link) -> tuple[Floats, Floats]:
    """Return what went through a link, and what waited before, units by period."""
    point = top.points[e.to]
    here = (point.site.name, point.item.name)
    way = (here[0] if e.kind == "make" else e.source, *here)
    nothing = np.zeros(periods.n)
    if e.kind == "make":
        went = periods.started.get(here, nothing)
    else:
        went = periods.shipped.get(way, periods.received.get(way, nothing))
    through, orders = np.nan_to_num(went), np.nan_to_num(periods.ordered.get(way, nothing))
    lead = _quickest(through, orders)
    due = np.concatenate([np.zeros(lead), np.cumsum(orders)])[: periods.n]
    return through, due - np.concatenate([[0.0], np.cumsum(through)[:-1]])


def _quickest(through: Floats, orders: Floats) -> int:
    """Return the periods from the first order to the first output: so young orders do not wait."""
    first, out = np.flatnonzero(orders > 0), np.flatnonzero(through > 0)
    return int(max(0, out[0] - first[0])) if first.size and out.size else 0
