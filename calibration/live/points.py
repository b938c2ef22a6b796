"""Stock points in one period: what came and went by the books, and what devices saw."""

from __future__ import annotations

import math
from collections.abc import Sequence
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

    def day(self, events: Sequence[Event], late: Sequence[Event], expected: Floats) -> Day:
        """Return what one period brought.

        Parameters
        ----------
        events, late
            Of a :class:`calibration.live.batches.Batch`.
        expected
            Stock that is expected, ``(points,)``: what a device's share of noise is of.
        """
        n = len(self.names)
        day = Day(*(np.zeros(n) for _ in range(2)), np.full(n, np.nan), np.full(n, np.nan),
                  np.zeros(n), np.zeros(n, bool), [], [])  # fmt: skip
        for event in late:
            row = self.row.get((event.site, event.item), -1)
            if row >= 0:
                _move(day, event, row)
        net = np.zeros(n)
        counts: dict[tuple[int, str], tuple[float, float]] = {}
        for event in events:
            row = self.row.get((event.site, event.item), -1)
            if row < 0:
                continue
            if event.kind == "count" and event.qty is not None:
                if event.device == BOOKS:
                    day.books[row] = event.qty
                else:
                    counts[row, event.device] = event.qty, net[row]
            elif event.kind == "order":
                _order(day, event, row)
            else:
                net[row] += _move(day, event, row)
        self._look(day, counts, net, expected)
        return day

    def _look(
        self, day: Day, counts: dict[tuple[int, str], tuple[float, float]], net: Floats,
        expected: Floats,
    ) -> None:  # fmt: skip
        """Turn counts into looks at the end of the period; two devices of a point into two."""
        used: dict[int, int] = {}
        for (row, name), (seen, moved) in counts.items():
            place = used[row] = used.get(row, -1) + 1
            if place == len(day.looks):
                day.looks.append(np.full(net.size, np.nan))
                day.noise.append(np.ones(net.size))
            site, _, _ = self.names[row].rpartition("/")
            spec = self.devices.get((site, name))
            noise = UNKNOWN_NOISE if spec is None else spec.noise
            scale = 1.0 if spec is None else 1.0 + spec.bias
            level = max(float(expected[row]), LEAST)
            day.looks[place][row] = seen / max(scale, 1e-6) + net[row] - moved
            day.noise[place][row] = np.hypot(noise * level, LEAST)


def _move(day: Day, event: Event, row: int) -> float:
    """Book one receipt, production or dispatch; returns the units that came (went: below 0)."""
    sign = _SIGN.get(event.kind, 0.0)
    moved = sign * (event.qty or 0.0)
    if moved > 0:
        day.receipts[row] += moved
    else:
        day.issues[row] -= moved
    return moved


def _order(day: Day, event: Event, row: int) -> None:
    if event.partner:
        day.ordered[row] += event.qty or 0.0
        return
    before = float(day.demand[row])
    day.demand[row] = (event.qty or 0.0) + (0.0 if math.isnan(before) else before)
    if SALE in event.quality.split():
        day.sales[row] = True
