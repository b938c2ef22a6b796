"""Goods on their way: how old they are, what should arrive, and whether a lane has become slow.

Each supply link is followed by its lots: dispatched (of an outside supplier: ordered) in one period
and received in another. Receipts are seen, so that what is believed of a lane's regime does not
depend on what is believed of the stock: the two posteriors factorise, and the regime needs no
particles. It is followed exactly, as a hidden Markov chain (Rabiner 1989) over a few factors of the
lead time, on the hazards of arrival.

Goods of a link do not overtake (unless the scenario says so): a lot that comes with one sent before
it may have been held up by it, and one that is still behind another tells nothing of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from calibration.events import Event
from twin.distributions import lead_time_moments, lead_time_table
from twin.topology import Link, Topology

Floats = npt.NDArray[np.float64]

FACTORS = (1.0, 1.5, 2.0, 3.0)
"""Regimes of a lane: normal, and how many times as long goods take where it is slow."""
SLOW = 0.9
"""Probability from which a lane is called slow."""

_TURNS_SLOW = 1 / 1000  # a period: a lane is slow one period in twenty
_TURNS_NORMAL = 1 / 50
_RARE = 0.02  # chance of what the calibrated lead time does not allow
_OVERDUE = 0.95  # quantile of the lead time from which a lot that has not come is scored
_TINY = 1e-9


class Passed(NamedTuple):
    """What a period brought on the links, ``(links,)`` each.

    ``expected`` and ``received`` in units, ``slow`` a probability, ``factor`` the mean factor of
    the lead time, ``waiting`` units that are on the way; ``scores`` by link: how its lead times
    stood, as standard normal scores, in the order in which the lots were sent.
    """

    expected: Floats
    received: Floats
    slow: Floats
    factor: Floats
    waiting: Floats
    scores: dict[int, list[float]]


@dataclass
class _Lot:
    """One lot; ``fraction``: between which quantiles its lead time lies, as far as is known."""

    sent: int
    name: str
    units: float
    arrived: int = -1
    scored: bool = False
    fraction: tuple[float, float] | None = None


@dataclass
class _Lane:
    link: Link
    hazard: Floats  # (factors, ages): chance to arrive now, never quite 0 or 1
    due: Floats  # the same as the scenario has it
    through: Floats  # chance to have arrived by now
    cdf: Floats
    lots: list[_Lot] = field(default_factory=list)  # in the order in which they were sent
    taken: list[tuple[float, int]] = field(default_factory=list)  # lead times seen, and when sent


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
        self._lanes = [_lane(link) for link in topology.links]
        self._belief = np.tile(_first(), (len(self._lanes), 1))
        self._ways: dict[tuple[str, str, str, str], list[int]] = {}
        self._rng = np.random.Generator(np.random.Philox(seed))
        for link in topology.links:
            to = topology.points[link.to]
            self._add_way("in", link.source if link.kind != "make" else to.site.name,
                          to.site.name, to.item.name, link.index)  # fmt: skip
            if link.kind == "buy" or not link.inputs:
                who = to.site.name if link.kind == "make" else link.source
                self._add_way("order", who, to.site.name, to.item.name, link.index)
                continue
            first = topology.points[link.inputs[0][0]]
            self._add_way("out", first.site.name, to.site.name, first.item.name, link.index)
        self._per_unit = [link.inputs[0][1] if link.inputs else 1.0 for link in topology.links]

    def _add_way(self, what: str, source: str, to: str, item: str, link: int) -> None:
        self._ways.setdefault((what, source, to, item), []).append(link)

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
        for e in events:
            t = (e.event_time - start) // length
            if e.kind == "ship" and e.partner:
                self._send("out", e.site, e.partner, e, t)
            elif e.kind == "order" and e.partner:
                self._send("order", e.partner, e.site, e, t)
            elif e.kind in ("receive", "make"):
                source = e.partner if e.kind == "receive" else e.site
                link = self._named(self._ways.get(("in", source, e.site, e.item), ()), e.lot)
                if link >= 0:
                    received[link] = received.get(link, 0.0) + (e.qty or 0.0)
                    self._arrive(link, e.lot, t)
        return received

    def _send(self, what: str, source: str, to: str, e: Event, t: int) -> None:
        link = self._named(self._ways.get((what, source, to, e.item), ()), e.lot)
        if link >= 0 and (e.qty or 0.0) > _TINY:
            lane = self._lanes[link]
            units = (e.qty or 0.0) / self._per_unit[link] * lane.link.yield_
            lane.lots.append(_Lot(t, e.lot, units))

    def _named(self, links: Sequence[int], lot: str) -> int:
        """Return which of several links a lot belongs to: the one whose name it begins with."""
        if len(links) < 2:
            return links[0] if links else -1
        own = [i for i in links if lot.startswith((f"{self._lanes[i].link.name}@",
                                                   f"{self._lanes[i].link.name}#"))]  # fmt: skip
        return own[0] if own else -1

    def _arrive(self, link: int, lot: str, t: int) -> None:
        """Mark a lot as come: the one of that name, without a name the oldest."""
        lots = self._lanes[link].lots
        waiting = [x for x in lots if x.arrived < 0]
        found = [x for x in waiting if x.name == lot] if lot else waiting[:1]
        if found:
            found[0].arrived = t

    def close(self, t: int, received: dict[int, float]) -> Passed:
        """End period ``t``: weigh what came and what did not, and score the lead times."""
        n = len(self._lanes)
        found = Passed(*(np.zeros(n) for _ in range(5)), scores={})
        self._belief = _turned(self._belief)
        for i, lane in enumerate(self._lanes):
            found.received[i] = received.get(i, 0.0)
            if lane.lots:
                belief = self._belief[i]
                found.expected[i] = _expected(lane, belief, t)
                self._belief[i] = _weighed(lane, belief, t)
                scores = self._score(lane, t)
                if scores:
                    found.scores[i] = scores
                found.waiting[i] = sum(x.units for x in lane.lots if x.arrived < 0)
        found.slow[:] = 1 - self._belief[:, 0]
        found.factor[:] = self._belief @ FACTORS
        return found

    def _score(self, lane: _Lane, t: int) -> list[float]:
        """Return scores of the oldest lots whose place is known, and forget them once they came."""
        ahead = False  # whether a lot sent before is still on the way
        before = -1  # when the lot before came
        for lot in lane.lots:
            free = _overtakes(lane.link)
            if lot.arrived >= 0 and lot.fraction is None:
                age = max(0, lot.arrived - lot.sent)
                lot.fraction = _place(lane.cdf, age, blocked=not free and lot.arrived <= before)
            elif lot.arrived < 0 and lot.fraction is None and (free or not ahead):
                age = t - lot.sent
                done = lane.cdf[min(age, lane.cdf.size - 1)]
                if done >= _OVERDUE:
                    lot.fraction = (min(done, 1 - _RARE), 1.0)
            ahead |= lot.arrived < 0
            before = max(before, lot.arrived)
        scores = []
        for lot in lane.lots:
            if lot.fraction is None:
                break
            if not lot.scored:
                low, high = lot.fraction
                scores.append(float(ndtri(low + (high - low) * self._rng.uniform(1e-9, 1 - 1e-9))))
                lot.scored = True
        lane.taken += [(lot.arrived - lot.sent, lot.sent) for lot in lane.lots
                       if lot.scored and lot.arrived >= 0]  # fmt: skip
        del lane.taken[:-200]
        lane.lots = [x for x in lane.lots if not (x.scored and x.arrived >= 0)]
        return scores

    def prime(self) -> None:
        """Forget what has arrived; what is open stays, and is not scored."""
        for lane in self._lanes:
            lane.lots = [x for x in lane.lots if x.arrived < 0]
            for lot in lane.lots:
                lot.scored, lot.fraction = True, (0.0, 1.0)

    def seen(self, link: int, recent: int = 20) -> tuple[float, float]:
        """Return the calibrated mean lead time of a link and that of its last lots, in periods."""
        lane = self._lanes[link]
        mean = lead_time_moments(lane.link.lead_time)[0]
        mean += lane.link.delay if lane.link.kind == "buy" else 0
        last = [age for age, _ in lane.taken[-recent:]]
        return mean, float(np.mean(last)) if last else float("nan")

    def state(self) -> list[object]:
        """Return all that is known, as plain data, for a hash of the state."""
        lots = [[(x.sent, x.name, x.units, x.arrived) for x in lane.lots] for lane in self._lanes]
        return [self._belief.tolist(), lots]


def _overtakes(link: Link) -> bool:
    return getattr(link.declared, "overtaking", False)


def _lane(link: Link) -> _Lane:
    """Tabulate the hazards of arrival of a link under each regime."""
    values, cdf = lead_time_table(link.lead_time)
    delay = link.delay if link.kind == "buy" else 0
    ages = np.arange(int((values[-1] + delay + 1) * FACTORS[-1]) + 2)
    edges = np.concatenate(([values[0] - 0.5], values + 0.5)) + delay
    whole = np.concatenate(([0.0], cdf))
    through = np.array([np.interp((ages + 0.5) / f, edges, whole) for f in FACTORS])
    before = np.concatenate((np.zeros((len(FACTORS), 1)), through[:, :-1]), axis=1)
    due = (through - before) / np.maximum(1 - before, _TINY)
    overdue = before > 1 - _RARE  # no distribution tells how long what is overdue takes
    hazard = np.where(overdue, 0.5, np.clip(due, _RARE, 1 - _RARE))
    due = np.where(before > 1 - _TINY, 0.5, due)
    return _Lane(link, hazard, due, through, np.interp(ages + 0.5, edges, whole))


def _first() -> Floats:
    """Return the share of time that a lane spends in each regime."""
    slow = _TURNS_SLOW / (_TURNS_SLOW + _TURNS_NORMAL)
    return np.array([1 - slow, *[slow / (len(FACTORS) - 1)] * (len(FACTORS) - 1)])


def _turned(belief: Floats) -> Floats:
    """Return what is believed of the regimes ``(links, factors)`` a period later."""
    slow = belief[:, 1:] * (1 - _TURNS_NORMAL) + belief[:, :1] * _TURNS_SLOW / (len(FACTORS) - 1)
    return np.concatenate((1 - slow.sum(axis=1, keepdims=True), slow), axis=1)


def _expected(lane: _Lane, belief: Floats, t: int) -> float:
    """Return the units that should arrive in a period, before it is known what did.

    Where nothing overtakes, a lot comes when it and all before it are through: the oldest has not
    been until now, of those behind it nothing is known.
    """
    waiting = [x for x in lane.lots if x.arrived < 0 or x.arrived >= t]
    if not waiting:
        return 0.0
    last = lane.hazard.shape[1] - 1
    ages = [min(max(0, t - x.sent), last) for x in waiting]
    due = lane.due[:, ages]
    if not _overtakes(lane.link):
        due = np.cumprod(np.concatenate((due[:, :1], lane.through[:, ages[1:]]), axis=1), axis=1)
    return float((belief @ due) @ np.array([x.units for x in waiting]))


def _weighed(lane: _Lane, belief: Floats, t: int) -> Floats:
    """Return what is believed of the regime after what came and what did not.

    The oldest lot has not been through until now: its hazard tells. Of those that it held up
    nothing was known: that they are through as soon as it is, or not, tells all their time.
    """
    last = lane.hazard.shape[1] - 1
    chance = []  # (factors,) of what was seen of each lot
    first = True
    for lot in lane.lots:
        if 0 <= lot.arrived < t:
            continue
        age, open_ = min(max(0, t - lot.sent), last), lot.arrived < 0
        free = first or _overtakes(lane.link)
        chances = lane.hazard[:, age] if free else np.clip(lane.through[:, age], _RARE, 1 - _RARE)
        chance.append(1 - chances if open_ else chances)
        if open_ and not _overtakes(lane.link):
            break
        first = False
    if not chance:
        return belief
    # many lots at once: in logarithms, which cannot run out of numbers
    weight = np.log(chance).sum(axis=0)
    found = belief * np.exp(weight - weight.max())
    return np.asarray(found / found.sum())


def _place(cdf: Floats, age: int, blocked: bool) -> tuple[float, float]:
    """Return between which fractions of the distribution a lead time lies."""
    high = float(cdf[min(age, cdf.size - 1)])
    low = 0.0 if age == 0 else float(cdf[min(age - 1, cdf.size - 1)])
    if blocked:
        return 0.0, max(high, _RARE)
    if high - low < _TINY:
        return (1 - _RARE, 1.0) if high > 0.5 else (0.0, _RARE)
    return low, high
