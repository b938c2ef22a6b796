"""Stock points in one period: what came and went by the books, and what devices saw."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibration.balance import BOOKS
from calibration.events import Event
from twin.compile.events import place_devices
from twin.schema import Device
from twin.topology import Topology

Floats = npt.NDArray[np.float64]
Key = tuple[str, str]

UNKNOWN_NOISE = 0.05
"""Standard deviation of a count by a device the scenario does not know, as a share of the stock."""
LEAST = 0.5
"""Units: no count is surer than to half a unit."""

_SIGN = {"receive": 1.0, "make": 1.0, "ship": -1.0}
SALE = "sale"
"""Mark of an order that is a sale: an empty shelf hides the rest of the demand."""


class Day(NamedTuple):
    """What one period brought, ``(points,)`` each, in units.

    ``books``: the last count by the books, NaN without one. ``demand``: customers' orders; NaN
    where none were told or, of sales, where the shelf may have been empty. ``looks``: counts by
    devices, brought forward to the end of the period, one row a device of the same stock point.
    """

    receipts: Floats
    issues: Floats
    books: Floats
    demand: Floats
    ordered: Floats
    sales: npt.NDArray[np.bool_]
    looks: list[Floats]
    noise: list[Floats]


class Points:
    """The stock points of a network by site and item, and the devices that count them."""

    def __init__(self, topology: Topology) -> None:
        self.names = [p.name for p in topology.points]
        self.row: dict[Key, int] = {(p.site.name, p.item.name): p.index for p in topology.points}
        self.devices: dict[Key, Device] = {
            (topology.points[d.row].site.name, d.name): d.device for d in place_devices(topology)
        }
        sites = [p.site.name for p in topology.points]
        self._looks: dict[tuple[int, str], tuple[float, float]] = {  # noise, scale
            (row, name): (spec.noise, 1.0 + spec.bias)
            for (site, name), spec in self.devices.items()
            for row, place in enumerate(sites)
            if place == site
        }

    def noise(self, key: Key, device: str) -> float:
        """Return the standard deviation of a device's counts of a point, as a share of the stock."""
        return self._looks.get((self.row[key], device), (UNKNOWN_NOISE, 1.0))[0]

    def day(self, events: Sequence[Event], late: Sequence[Event], expected: Floats) -> Day:
        """Return what one period brought.

        Parameters
        ----------
        events, late
            Of a :class:`calibration.live.batches.Batch`.
        expected
            Stock that is expected, ``(points,)``: what a device's share of noise is of. NaN where
            nothing is known yet: then it is of what was seen.
        """
        told = _Told(len(self.names))
        told.take([e for e in late if e.kind in _SIGN], self.row)
        told.net = [0.0] * len(self.names)
        told.take(events, self.row)
        day = told.day()
        self._look(day, told.counts, np.array(told.net), expected)
        return day

    def _look(
        self, day: Day, counts: dict[tuple[int, str], tuple[float, float]], net: Floats,
        expected: Floats,
    ) -> None:  # fmt: skip
        """Turn counts into looks at the end of the period; two devices of a point into two."""
        if not counts:
            return
        unknown = UNKNOWN_NOISE, 1.0
        noise, scale = np.array([self._looks.get(key, unknown) for key in counts]).T
        seen, moved = np.array(list(counts.values())).T
        rows = np.array([row for row, _ in counts])
        used: Counter[int] = Counter()
        places = np.array([_next(used, row) for row, _ in counts])
        for place in range(int(places.max()) + 1):
            here = places == place
            row = rows[here]
            value, sd = np.full(net.size, np.nan), np.ones(net.size)
            value[row] = seen[here] / np.maximum(scale[here], 1e-6) + net[row] - moved[here]
            size = np.where(np.isnan(expected[row]), value[row], expected[row])
            sd[row] = np.hypot(noise[here] * np.maximum(size, LEAST), LEAST)
            day.looks.append(value)
            day.noise.append(sd)


class _Told:
    """What events told of a period so far, a number for each stock point."""

    def __init__(self, points: int) -> None:
        self.receipts, self.issues, self.ordered, self.net = ([0.0] * points for _ in range(4))
        self.books, self.demand = ([math.nan] * points for _ in range(2))
        self.sales = [False] * points
        self.counts: dict[tuple[int, str], tuple[float, float]] = {}  # and what had moved by then

    def take(self, events: Sequence[Event], rows: Mapping[Key, int]) -> None:
        """Book events, in order of time."""
        receipts, issues, net = self.receipts, self.issues, self.net
        for event in events:
            row = rows.get((event.site, event.item))
            if row is None:
                continue
            kind, qty = event.kind, event.qty
            sign = _SIGN.get(kind)
            if sign is not None:
                moved = sign * (qty or 0.0)
                net[row] += moved
                if moved > 0:
                    receipts[row] += moved
                else:
                    issues[row] -= moved
            elif kind == "order":
                self._order(event, row)
            elif kind == "count" and qty is not None:
                if event.device == BOOKS:
                    self.books[row] = qty
                else:
                    self.counts[row, event.device] = qty, net[row]

    def _order(self, event: Event, row: int) -> None:
        """Book one order, of a customer or of another stock point."""
        qty = event.qty or 0.0
        if event.partner:
            self.ordered[row] += qty
            return
        before = self.demand[row]
        self.demand[row] = qty + (0.0 if math.isnan(before) else before)
        if event.quality and SALE in event.quality.split():
            self.sales[row] = True

    def day(self) -> Day:
        """Return it as arrays, without looks."""
        demand = np.maximum(self.demand, 0.0)  # more taken back than was ordered: none
        return Day(np.array(self.receipts), np.array(self.issues), np.array(self.books), demand,
                   np.array(self.ordered), np.array(self.sales), [], [])  # fmt: skip


def _next(used: Counter[int], key: int) -> int:
    """Return how often a key came before."""
    used[key] += 1
    return used[key] - 1
