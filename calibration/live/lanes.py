"""Goods on their way: how old they are, what should arrive, and whether a lane has become slow.

Each supply link is followed by its lots: dispatched (of an outside supplier: ordered) in one period
and received in another. Receipts are seen, so that what is believed of a lane's regime
(:mod:`calibration.live.regimes`) does not depend on what is believed of the stock: the two
posteriors factorise, and the regime is followed exactly, without particles.

Goods of a link do not overtake (unless the scenario says so): a lot that comes with one sent before
it may have been held up by it, and one that is still behind another tells nothing of its own.

All lots of all links are rows of one table, so that a period costs a few array operations however
many links there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from calibration.events import Event
from calibration.live.regimes import FACTORS, RARE, TINY, Ages, turned, usual, weighed
from calibration.on_the_way import come, overtakes
from twin.distributions import lead_time_moments
from twin.topology import Topology

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SLOW = 0.9
"""Probability from which a lane is called slow."""

_SENT = {"ship": "out", "order": "order"}  # what puts goods on a way, and its name
_OVERDUE = 0.95  # quantile of the lead time from which a lot that has not come is scored
_RECENT = 20  # lots whose lead times are told as those of late

# One lot: its running number, units, periods in which it was sent and arrived (-1: it has not),
# between which fractions of the distribution its lead time lies (NaN: not known), whether scored.
_LOT = np.dtype([
    ("number", "i8"), ("link", "i8"), ("sent", "i8"), ("units", "f8"), ("arrived", "i8"),
    ("low", "f8"), ("high", "f8"), ("scored", "?"),
])  # fmt: skip


class Passed(NamedTuple):
    """What a period brought on the links, ``(links,)`` each.

    ``expected`` (by the calibrated lead times) and ``received`` in units, ``slow`` a probability,
    ``factor`` the mean factor of the lead time, ``waiting`` units that are on the way; ``scores``
    by link: how its lead times stood, as standard normal scores, in the order in which the lots
    were sent.
    """

    expected: Floats
    received: Floats
    slow: Floats
    factor: Floats
    waiting: Floats
    scores: dict[int, list[float]]


class Lanes:
    """Follows the goods on all supply links of a network.

    Parameters
    ----------
    topology
        The network with the calibrated lead times.
    seed
        The luck by which whole periods are spread out (for the scores alone).
    """

    def __init__(self, topology: Topology, seed: int = 1) -> None:
        self._links = links = topology.links
        self._ages = Ages(links)
        self._free = np.array([overtakes(link) for link in links], bool)
        self._belief = np.tile(usual(), (len(links), 1))
        self._rng = np.random.Generator(np.random.Philox(seed))
        self._lots = np.zeros(0, _LOT)
        self._told = 0  # lots so far
        self._new: list[tuple[object, ...]] = []
        self._came: list[tuple[int, int]] = []  # number and period of those that arrived
        self._open: list[dict[int, str]] = [{} for _ in links]  # names by number, oldest first
        self._taken: list[deque[int]] = [deque(maxlen=_RECENT) for _ in links]
        self._per_unit = [
            (link.inputs[0][1] if link.inputs else 1.0, link.yield_) for link in links
        ]
        self._ways: dict[tuple[str, str, str, str], list[int]] = {}
        for link in links:
            to = topology.points[link.to]
            self._add_way("in", link.source if link.kind != "make" else to.site.name,
                          to.site.name, to.item.name, link.index)  # fmt: skip
            if link.kind == "buy" or not link.inputs:
                who = to.site.name if link.kind == "make" else link.source
                self._add_way("order", who, to.site.name, to.item.name, link.index)
                continue
            first = topology.points[link.inputs[0][0]]
            self._add_way("out", first.site.name, to.site.name, first.item.name, link.index)

    def _add_way(self, what: str, source: str, to: str, item: str, link: int) -> None:
        self._ways.setdefault((what, source, to, item), []).append(link)

    # ------------------------------------------------------------------------------- events
    def take(self, events: Sequence[Event], start: int, length: int) -> dict[int, float]:
        """Book what was sent and what arrived; returns units received by link.

        Parameters
        ----------
        events
            In order of time.
        start, length
            Begin of period 0 and length of a period, in microseconds.
        """
        received: dict[int, float] = {}
        ways = self._ways
        for e in events:
            kind, partner = e.kind, e.partner
            if kind in _SENT:
                if not partner:
                    continue
                ends = (e.site, partner) if kind == "ship" else (partner, e.site)
                links = ways.get((_SENT[kind], *ends, e.item))
            elif kind in ("receive", "make"):
                source = partner if kind == "receive" else e.site
                links = ways.get(("in", source, e.site, e.item))
            else:
                continue
            link = -1 if links is None else self._named(links, e.lot)
            if link < 0:
                continue
            t, qty = (e.event_time - start) // length, e.qty or 0.0
            if kind in _SENT:
                self._send(link, e.lot, qty, t)
                continue
            received[link] = received.get(link, 0.0) + qty
            if qty >= 0:  # else a receipt is taken back
                self._arrive(link, e.lot, t)
        self._book()
        return received

    def _named(self, links: Sequence[int], lot: str) -> int:
        """Return which of several links a lot belongs to: the one whose name it begins with."""
        if len(links) == 1:
            return links[0]
        own = [i for i in links if lot.startswith((f"{self._links[i].name}@",
                                                   f"{self._links[i].name}#"))]  # fmt: skip
        return own[0] if own else -1

    def _send(self, link: int, name: str, qty: float, t: int) -> None:
        usage, yield_ = self._per_unit[link]
        units = qty / usage * yield_
        if units > TINY:
            self._new.append((self._told, link, t, units, -1, np.nan, np.nan, False))
            self._open[link][self._told] = name
            self._told += 1
        elif units < 0 and name:
            self._take_back(link, name, -units)

    def _arrive(self, link: int, name: str, t: int) -> None:
        """Mark a lot as come: the one of that name, without a name the oldest."""
        open_ = self._open[link]
        for number, known in open_.items():
            if not name or known == name:
                del open_[number]
                self._came.append((number, t))
                return

    def _take_back(self, link: int, name: str, units: float) -> None:
        """Forget units of a name, those sent last first: nobody waits for them any more."""
        self._book()
        for number in [n for n, known in self._open[link].items() if known == name][::-1]:
            place = np.searchsorted(self._lots["number"], number)
            gone = min(float(self._lots["units"][place]), units)
            self._lots["units"][place] -= gone
            units -= gone
            if self._lots["units"][place] <= TINY:
                del self._open[link][number]
                self._lots = np.delete(self._lots, place)

    def _book(self) -> None:
        """Put what was told into the table of lots, whose numbers ascend."""
        if self._new:
            self._lots = np.concatenate((self._lots, np.array(self._new, _LOT)))
            self._new = []
        if self._came:
            numbers, times = np.array(self._came).T
            self._lots["arrived"][np.searchsorted(self._lots["number"], numbers)] = times
            self._came = []

    # ------------------------------------------------------------------------------- one period
    def close(self, t: int, received: dict[int, float]) -> Passed:
        """End period ``t``: weigh what came and what did not, and score the lead times."""
        n = len(self._links)
        came = np.zeros(n)
        came[list(received)] = list(received.values())
        # those of a link stand together, in the order in which they were sent
        lots = self._lots[np.argsort(self._lots["link"], kind="stable")]
        now = lots[(lots["arrived"] < 0) | (lots["arrived"] >= t)]
        expected = self._expected(now, t)
        self._belief = self._weigh(now, turned(self._belief), t)
        scores = self._score(lots, t)
        done = lots["scored"] & (lots["arrived"] >= 0)
        gone = lots[done]
        for link, age in zip(gone["link"].tolist(), (gone["arrived"] - gone["sent"]).tolist(),
                             strict=True):  # fmt: skip
            self._taken[link].append(age)
        lots = lots[~done]
        self._lots = lots[np.argsort(lots["number"])]
        open_ = lots[lots["arrived"] < 0]
        waiting = np.bincount(open_["link"], open_["units"], n)
        return Passed(expected, came, 1 - self._belief[:, 0], self._belief @ np.array(FACTORS),
                      waiting, scores)  # fmt: skip

    def _expected(self, lots: npt.NDArray[np.void], t: int) -> Floats:
        """Return the units that should arrive in a period, before it is known what did.

        Where nothing overtakes the oldest lot has not been through until now; of those behind it
        nothing is known.
        """
        link, rank = lots["link"], _rank(lots["link"])
        place = self._ages.at(link, t - lots["sent"])
        first = (rank == 0) | self._free[link]
        chance = np.where(first, self._ages.due[place], self._ages.through[place])
        grid = come(_grid(rank, link, chance, len(self._links), 1.0), self._free)
        return np.bincount(link, grid[rank, link] * lots["units"], len(self._links))

    def _weigh(self, lots: npt.NDArray[np.void], belief: Floats, t: int) -> Floats:
        """Return what is believed of the regimes after what came and what did not.

        The oldest lot has not been through until now: its hazard tells. Of those that it held up
        nothing was known: that they are through as soon as it is, or not, tells all their time.
        """
        link, rank, open_ = lots["link"], _rank(lots["link"]), lots["arrived"] < 0
        told = self._free[link] | (rank <= self._foremost(link, rank, open_))
        link, rank, open_ = link[told], rank[told], open_[told]
        place = self._ages.at(link, t - lots["sent"][told])
        chance = np.where(
            (rank == 0) | self._free[link], self._ages.hazards[:, place],
            np.clip(self._ages.done[:, place], RARE, 1 - RARE),
        )  # fmt: skip
        return weighed(belief, link, np.where(open_, 1 - chance, chance))

    def _score(self, lots: npt.NDArray[np.void], t: int) -> dict[int, list[float]]:
        """Score the oldest lots whose place in the distribution is known, and mark them."""
        link, rank, arrived = lots["link"], _rank(lots["link"]), lots["arrived"]
        free, unknown = self._free[link], np.isnan(lots["low"])
        latest = np.maximum.accumulate(_grid(rank, link, arrived, len(self._links), -1), axis=0)
        before = np.where(
            rank > 0, latest[rank - 1, link], -1
        )  # when the last of those before came
        came = np.flatnonzero(unknown & (arrived >= 0))
        age = np.maximum(0, arrived[came] - lots["sent"][came])
        blocked = ~free[came] & (arrived[came] <= before[came])
        lots["low"][came], lots["high"][came] = self._fractions(link[came], age, blocked)
        ahead = rank > self._foremost(link, rank, arrived < 0)
        late = np.flatnonzero(unknown & (arrived < 0) & (free | ~ahead))
        done = self._ages.done[0, self._ages.at(link[late], t - lots["sent"][late])]
        late, done = late[done >= _OVERDUE], done[done >= _OVERDUE]
        lots["low"][late], lots["high"][late] = np.minimum(done, 1 - RARE), 1.0
        known = rank < self._foremost(link, rank, np.isnan(lots["low"]))
        ready = np.flatnonzero(known & ~lots["scored"])
        low, high = lots["low"][ready], lots["high"][ready]
        lots["scored"][ready] = True
        score = ndtri(low + (high - low) * self._rng.uniform(1e-9, 1 - 1e-9, ready.size))
        found: dict[int, list[float]] = {}
        for where, each in zip(link[ready].tolist(), score.tolist(), strict=True):
            found.setdefault(where, []).append(each)
        return found

    def _foremost(self, link: Ints, rank: Ints, which: npt.NDArray[np.bool_]) -> Ints:
        """Return, for each lot, the rank of the first of some lots of its link; none: a high one."""
        found = np.full(len(self._links), np.iinfo(np.int64).max)
        found[link[which][::-1]] = rank[which][::-1]  # the last one written is the first
        return found[link]

    def _fractions(
        self, link: Ints, age: Ints, blocked: npt.NDArray[np.bool_]
    ) -> tuple[Floats, ...]:
        """Return between which fractions of the distribution lead times lie, low and high."""
        cdf = self._ages.done[0]
        high = cdf[self._ages.at(link, age)]
        low = np.where(age == 0, 0.0, cdf[self._ages.at(link, age - 1)])
        strange = high - low < TINY  # never as calibrated: as rare a thing as is thought possible
        late = strange & (high > 0.5)
        low, high = (
            np.where(strange, np.where(late, 1 - RARE, 0.0), low),
            np.where(strange, np.where(late, 1.0, RARE), high),
        )
        reached = np.maximum(cdf[self._ages.at(link, age)], RARE)
        return np.where(blocked, 0.0, low), np.where(blocked, reached, high)

    # ------------------------------------------------------------------------------- what is known
    def prime(self) -> None:
        """Forget what has arrived; what is open stays, and is not scored."""
        self._lots = self._lots[self._lots["arrived"] < 0]
        self._lots["scored"], self._lots["low"], self._lots["high"] = True, 0.0, 1.0

    def seen(self, link: int) -> tuple[float, float]:
        """Return the calibrated mean lead time of a link and that of its last lots, in periods."""
        known = self._links[link]
        mean = lead_time_moments(known.lead_time)[0] + (known.delay if known.kind == "buy" else 0)
        last = self._taken[link]
        return mean, float(np.mean(last)) if last else float("nan")

    def state(self) -> list[object]:
        """Return all that is known, as plain data, for a hash of the state."""
        lots = self._lots[["link", "sent", "units", "arrived"]].tolist()
        return [self._belief.tolist(), lots, [list(names.values()) for names in self._open]]


def _rank(link: Ints) -> Ints:
    """Return which of its link each lot is, from 0; those of a link stand together."""
    return np.arange(link.size) - np.searchsorted(link, link)


def _grid(
    rank: Ints, link: Ints, values: npt.NDArray[np.generic], links: int, empty: float
) -> Floats:
    """Return values of lots as ``(lots of the longest queue, links)``."""
    found = np.full((int(rank.max(initial=-1)) + 1, links), empty)
    found[rank, link] = values
    return found
