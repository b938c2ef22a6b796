"""What is observed of a group of stock points, and the summaries of it: the same of simulations.

Members that report are summarised as stock points by themselves are
(:mod:`calibration.infer.summaries`), what they owe only where it goes to others that report. Of
those that do not report, what was sent to them, what came of them and when tell the rest.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibration.infer.blind import Entry, Exit, Group, Member
from calibration.infer.orders import later
from calibration.infer.summaries import SUMMARIES, WARM, Series, summaries
from calibration.periods import Periods
from twin.decoupling import nominal_lead

Floats = npt.NDArray[np.float64]


class Seen(NamedTuple):
    """What is observed of a group, ``(T, N)`` units each, the same of telemetry and simulations.

    Attributes
    ----------
    edge
        Orders, units on order and stock by the books of each member that reports.
    sent
        By entry: what went to where nobody reports.
    got
        By exit whose receipts were told.
    told
        Stock by the books, as last told, of members that report nothing else.
    """

    edge: list[Series]
    sent: list[Floats]
    got: list[Floats]
    told: list[Floats]

    def before(self, end: int | None) -> Seen:
        """Return the periods before ``end`` (None: all)."""
        edge = [Series(*(x[:end] for x in series)) for series in self.edge]
        return Seen(edge, *([x[:end] for x in each] for each in self[1:]))


@dataclass(frozen=True)
class Edge:
    """What is observed of a group: ``group`` says how it hangs together, ``periods`` is the record."""

    group: Group
    periods: Periods

    @functools.cached_property
    def members(self) -> list[Member]:
        """The members that report."""
        return [m for m in self.group.members if not m.blind]

    @functools.cached_property
    def counted(self) -> dict[int, npt.NDArray[np.int64]]:
        """Period in which stock was last told, ``(T,)``, by row of members that report nothing else."""
        found = {}
        for m in self.group.members:
            known = self._books(m.row)
            if m.blind and known is not None:
                told, t = np.flatnonzero(~np.isnan(known)), np.arange(self.periods.n)
                found[m.row] = told[np.maximum(np.searchsorted(told, t, side="right") - 1, 0)]
        return found

    def observed(self) -> Seen:
        """Return what the telemetry shows."""
        edge = []
        for m in self.members:
            assert m.cut.observed is not None
            edge.append(m.cut.observed)
        told = []
        for row, last in self.counted.items():
            known = self._books(row)
            assert known is not None
            told.append(known[last][:, None])
        got = [way.got[:, None] for way in self.group.exits if way.got is not None]
        return Seen(edge, [e.sent[:, None] for e in self.group.entries], got, told)

    @functools.cached_property
    def owners(self) -> list[tuple[int, str]]:
        """Row of the member that each summary tells of, and its name, in the order of the columns."""
        rows = [m.row for m in self.members]
        rows += [e.link.to for e in self.group.entries] or [way.row for way in self._heard]
        rows += list(self.counted)
        return [(row, name) for row in rows for name in SUMMARIES]

    @property
    def _heard(self) -> list[Exit]:
        return [way for way in self.group.exits if way.got is not None]

    def columns(self, seen: Seen) -> Floats:
        """Return the summaries of N records, ``(N, p)``; what they tell of: :attr:`owners`."""
        n = len(next(iter((*(x.order for x in seen.edge), *seen.got, *seen.told))))
        got = iter(seen.got)
        gots = {j: next(got) for j, way in enumerate(self.group.exits) if way.got is not None}
        asked = {m.row: self.group.asked(m.row)[:n] for m in self.group.members}
        found = [
            summaries(series._replace(backlog=self._owed(m.row, gots, series.order)), asked[m.row])
            for m, series in zip(self.members, seen.edge, strict=True)
        ]
        for e, sent in zip(self.group.entries, seen.sent, strict=True):
            found.append(summaries(*self._between(e, sent, gots)))
        if not self.group.entries:
            for j, x in gots.items():
                way = self.group.exits[j]
                late = _lateness(way, x)
                found.append(summaries(Series(x, 0 * x, late, 0 * x), way.asked[:n]))
        for row, x in zip(self.counted, seen.told, strict=True):
            found.append(summaries(Series(0 * x, 0 * x, 0 * x, x), asked[row]))
        return np.concatenate(found, axis=1)

    def _owed(self, row: int, gots: dict[int, Floats], like: Floats) -> Floats:
        """Return what a member that reports owes at its own ways out, but for a constant."""
        total = np.zeros_like(like)
        for j, x in gots.items():
            if self.group.exits[j].row == row:
                total += _lateness(self.group.exits[j], x)
        return total

    def _between(
        self, entry: Entry, sent: Floats, gots: dict[int, Floats]
    ) -> tuple[Series, Floats]:
        """Return what is seen of the stock behind an entry, and what was asked of it.

        What was sent in and has not come out is stock behind it, once what is on the way is taken
        off: known but for a constant, and the least of it stands for none. Times are those at
        which goods leave at the ways out.
        """
        assert self.group.weights is not None
        link, exits = entry.link, self.group.exits
        ways = {
            j: (units * entry.usage * link.share / link.yield_, time)
            for j, (units, time) in self.group.weights[link.to].items()
            if j in gots
        }
        lead = max((exits[j].lag for j in ways), default=0)
        n = len(sent) - lead
        inside = min((time for _, time in ways.values()), default=0) + nominal_lead(link)
        out, owed, demand = np.zeros((n, sent.shape[1])), np.zeros((n, sent.shape[1])), np.zeros(n)
        for j, (units, _) in ways.items():
            left = gots[j][exits[j].lag :][:n]
            out += units * left
            demand += units * exits[j].asked[:n]
            due = later(exits[j].asked, exits[j].delay)[:n, None]
            owed += units * _above(np.cumsum(due - left, axis=0))
        arrived = np.concatenate([np.zeros((inside, sent.shape[1])), sent])[:n]
        on_way = np.cumsum(sent[:n] - arrived, axis=0)
        stock = _above(np.cumsum(arrived - out, axis=0)) if ways else np.zeros_like(out)
        if not ways:
            demand = self.group.asked(entry.row)[:n]
        return Series(sent[:n], on_way, owed, stock), demand

    def _books(self, row: int) -> Floats | None:
        point = self.group.top.points[row]
        key = (point.site.name, point.item.name)
        known = self.periods.books.get(key)
        return self.periods.on_hand.get(key) if known is None else known


def _lateness(way: Exit, got: Floats) -> Floats:
    """Return how far what came, ``(T, N)``, is behind what would have come at once."""
    due = later(way.asked, way.delay + way.lag)[: len(got), None]
    return _above(np.cumsum(due - got, axis=0))


def _above(x: Floats) -> Floats:
    """Return a series known but for a constant, above its least value once the start has faded."""
    return np.asarray(x - x[min(WARM, len(x) - 1) :].min(axis=0))
