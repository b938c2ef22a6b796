"""Cutting one stock point out of a network along links that are observed.

What it was asked for becomes a trace; how long its own orders took, waiting at the supplier
included, becomes a set of lead times; what was in the books is what a simulation must look like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibration.direct.records import most_lost
from calibration.infer.orders import (
    fifo_leads,
    keeps_time,
    later,
    opening_orders,
    owed,
    rhythm,
    supply_trace,
    until,
)
from calibration.infer.prior import COVER, SHRINK, Scale
from calibration.infer.simulate import Problem
from calibration.infer.summaries import WARM, Series, net
from calibration.on_the_way import before_record, overtakes
from calibration.periods import Periods
from twin.compile.events import place_devices, rows_where
from twin.compile.rules import protection
from twin.decoupling import nominal_lead
from twin.distributions import lead_time_table
from twin.happening import starts
from twin.topology import Link, Topology

Floats = npt.NDArray[np.float64]

FEWEST = 2 * WARM
"""Periods that a record must have at least."""

_MOSTLY = (0.25, 0.75)  # what is found or lost moves the books for a while
_SAME, _BARE = 1e-3, 0.2  # of mean demand: positions that are the same, shelves that are bare
_STOPS = ("outage", "ordering_down")
_LIMITS = ("order_min", "order_multiple", "order_max")
_DEVICE = ("kind", "period", "noise", "bias", "read_rate", "delay", "loss")


class Cut(NamedTuple):
    """A stock point by itself: what to simulate, what it must look like, how large it is.

    ``also`` names what is hidden besides its policy, ``forecast`` and ``cover`` stand in the scenario,
    ``notes`` say what to be careful about; ``reason`` says why it cannot be inferred (then the other
    fields are None or empty). ``instead`` is the same with another review period that its orders
    allow, if there is one.
    """

    name: str
    problem: Problem | None = None
    observed: Series | None = None
    scale: Scale | None = None
    also: tuple[str, ...] = ()
    forecast: Mapping[str, Any] = MappingProxyType({})
    cover: float | None = None
    notes: tuple[str, ...] = ()
    reason: str = ""
    instead: Cut | None = None


def cut(periods: Periods, top: Topology, row: int) -> Cut:
    """Cut a stock point out of its network.

    Parameters
    ----------
    periods
        What was observed, by period.
    top, row
        The scenario's network, and which stock point.
    """
    flows = Flows(periods, top, row)
    reason = disturbed(periods, top, row) or flows.reason()
    return Cut(top.points[row].name, reason=reason) if reason else cut_of(flows, row)


def cut_of(flows: Flows, row: int) -> Cut:
    """Cut out a stock point of whose flows enough is known (:meth:`Flows.reason`)."""
    review, phase = rhythm(flows.ordered)
    found = _with_review(flows, row, review, phase)
    policy = flows.top.points[row].settings.policy
    if policy.review == review or not keeps_time(flows.asked, review, phase):
        return found
    first = (policy.phase - flows.periods.first) % policy.review
    return _with_review(flows, row, policy.review, first)._replace(instead=found)


def _with_review(flows: Flows, row: int, review: int, phase: int) -> Cut:
    periods, top = flows.periods, flows.top
    point = top.points[row]
    lag, before = flows.opening()
    book = flows.book()
    before -= _never_there(flows.series(book, before), before, flows.asked)
    leads = fifo_leads(flows.ordered, flows.received, before) or [lag]
    believed = believed_lead(top, row)
    signal, series = signal_of(periods, top, row), flows.series(book, before)
    position = (series.book + series.on_order - series.backlog)[:, 0]
    scale = Scale(
        float(flows.asked.mean()), float(flows.asked.std()), float(np.mean(leads)), review,
        believed[0] + review - 1, most_lost(periods, flows.key), float(position.mean()),
        float(position.max()), float(flows.ordered.max()),
        float((flows.asked if signal is None else signal).std()),
    )  # fmt: skip
    varies = len(set(leads)) > 1 and min(leads) > 0
    problem = Problem(
        point.name,
        flows.asked,
        leads,
        review,
        phase,
        max(0.0, float(book[0] - flows.received[0] + flows.shipped[0])),
        until(flows.received, before),
        settings_of(top, row),
        devices_of(periods, top, row),
        {"integer": top.scenario.integer},
        signal,
        supply_trace(flows.ordered, flows.received, before) if varies else None,
        flows.patience,
        believed,
        flows.component,
        limits_of(flows.links),
    )
    return Cut(
        point.name, problem, series, scale, flows.also(believed),
        point.settings.forecast.model_dump(exclude_defaults=True), point.settings.policy.cover,
        tuple(flows.notes),
    )  # fmt: skip


class Flows:
    """What came, went and was asked for at one stock point, ``(T,)`` good units each."""

    def __init__(self, periods: Periods, top: Topology, row: int) -> None:
        point = top.points[row]
        self.key = key = (point.site.name, point.item.name)
        self.periods, self.top, self.n = periods, top, periods.n
        self.links = [top.links[e] for e in top.in_links[row]]
        self.out = [(top.links[e], usage) for e, usage in top.out_links[row]]
        self.component = any(e.kind == "make" for e, _ in self.out)
        self.unseen = [e.name for e in self.links if way_of(top, e) not in periods.ordered]
        self.ordered = self._sum(
            e.yield_ * periods.ordered[way_of(top, e)]
            for e in self.links
            if way_of(top, e) in periods.ordered
        )
        came = [v for (_, *to), v in periods.received.items() if tuple(to) == key]
        self.received = self._sum([*came, *_one(periods.made, key)])
        went = [v for (source, _, item), v in periods.shipped.items() if (source, item) == key]
        self.shipped = self._sum([*went, *_one(periods.sold, key), *_one(periods.used, key)])
        self.patience = patience_of(top, row)
        self.notes: list[str] = []
        if not self.ordered.any() and self.received.any():
            self._orders_from_receipts()
        self.asked = self._sum(_one(periods.demand, key)) + self._sum(
            usage * later(periods.ordered[way_of(top, e)], e.delay)
            for e, usage in self.out
            if way_of(top, e) in periods.ordered
        )

    def _orders_from_receipts(self) -> None:
        """Take what came as ordered a lead time before, where orders are not reported."""
        lead = max((nominal_lead(e) for e in self.links), default=0)
        self.ordered = np.concatenate([self.received[lead:], np.zeros(min(lead, self.n))])
        self.notes.append(
            f"orders were not reported: taken from receipts {lead} periods later, so that waiting "
            "at the supplier reads as ordering late"
        )

    def _sum(self, arrays: object) -> Floats:
        total = np.zeros(self.n)
        for array in arrays:  # type: ignore[attr-defined]
            total += np.nan_to_num(array)
        return total

    def reason(self) -> str:
        """Return why the stock point cannot be inferred by itself; empty: it can."""
        if self.n < FEWEST:
            return f"{self.n} periods of record; at least {FEWEST} are needed"
        if not self.asked.any():
            return "nothing was asked of it"
        if not self.ordered.any():
            missing = ", ".join(self.unseen) or "its links"
            return f"no orders over {missing} were reported"
        if self.key not in self.periods.books and self.key not in self.periods.on_hand:
            return "neither books nor counts were reported"
        return ""

    def also(self, believed: tuple[float, float]) -> tuple[str, ...]:
        """Return what is hidden besides the policy.

        Losses, where someone counts; and the lead time that the policy reckons with, where lead
        times vary: who ordered knew no more of their mean than we do, and took another number.
        """
        policy = self.top.points[self.top.row_of["/".join(self.key)]].settings.policy
        hidden = (COVER,) if believed[1] > 0 and policy.cover is None else ()
        if self.key in self.periods.on_hand:
            return (SHRINK, *hidden)
        self.notes.append(
            "nobody counts here: shrink cannot be seen and stays as the scenario has it"
        )
        return hidden

    def opening(self) -> tuple[int, float]:
        """Return the quickest lead time, and the units on order before the record began.

        Dispatches, where they are reported, or lead times that are always the same tell what was on
        the way; else what waited at the supplier all along would read as a longer way.
        """
        ways = [way for e in self.links if (way := way_of(self.top, e)) in self.periods.ordered]
        sent = {way: self.periods.shipped[way] for way in ways if way in self.periods.shipped}
        if self.varies and len(ways) == len(self.links):
            lag, on_way = self._on_way_of(sent)
        elif len(sent) == len(ways) > 0:
            lag, on_way = opening_orders(self._sum(sent.values()), self.received)
        else:
            leads = {nominal_lead(e) for e in self.links if e.lead_moments[1] == 0}
            known = leads.pop() if len(ways) == len(self.links) and len(leads) == 1 else None
            return opening_orders(self.ordered, self.received, known)
        if len(sent) < len(ways):
            return lag, on_way
        asked = self._sum(
            later(self.periods.ordered[way_of(self.top, e)], e.delay)
            for e in self.links
            if way_of(self.top, e) in ways
        )
        waited = max(0.0, float((np.cumsum(self._sum(sent.values())) - np.cumsum(asked)).max()))
        return lag, on_way + waited

    @property
    def varies(self) -> bool:
        """Whether lead times vary from order to order."""
        return any(e.lead_moments[1] > 0 for e in self.links)

    def _on_way_of(self, reported: Mapping[tuple[str, str, str], Floats]) -> tuple[int, float]:
        """Return the shortest lead time, and the units that were on the way before the record began.

        Where no dispatches are reported, what is ordered is on its way.
        """
        total, shortest = 0.0, self.n
        for e in self.links:
            way = way_of(self.top, e)
            sent = reported.get(way, later(self.periods.ordered[way], e.delay))
            made, received = self.periods.made, self.periods.received
            came = (
                _one(made, self.key) if e.kind == "make" else [received.get(way, np.zeros(self.n))]
            )
            sent = e.yield_ * np.nan_to_num(sent)
            total += before_record(sent, self._sum(came), e.lead_time, overtakes(e))
            shortest = min(shortest, int(lead_time_table(e.lead_time)[0][0]))
        return shortest, total

    def owed(self) -> Floats:
        """Return units owed at the end of each period; who waited too long has left."""
        return owed(self.asked, self.shipped, self.patience)

    def book(self) -> Floats:
        """Return stock by the books; where they are silent, the last word and what moved since."""
        known = self.periods.books.get(self.key)
        known = self.periods.on_hand[self.key] if known is None else known
        moved = np.cumsum(self.received - self.shipped)
        told = np.flatnonzero(~np.isnan(known))
        last = told[np.maximum(np.searchsorted(told, np.arange(self.n), side="right") - 1, 0)]
        return np.asarray(known[last] + moved - moved[last])

    def series(self, book: Floats, on_way: float) -> Series:
        """Return what was observed as the summaries want it, ``(T, 1)`` each."""
        on_order = on_way + np.cumsum(self.ordered - self.received)
        backlog = self.owed()
        found = Series(*(x[:, None] for x in (self.ordered, on_order, backlog, book)))
        return net(found) if self.component else found


def disturbed(periods: Periods, top: Topology, row: int) -> str:
    """Return which known disruption kept it from ordering in the record; empty: none."""
    site, last = top.points[row].site.name, periods.first + periods.n
    for event, start in zip(top.scenario.disruptions, starts(top.scenario), strict=True):
        hit = rows_where(top, event.where) if event.kind in _STOPS else []
        if event.kind == "outage":  # of whole sites
            hit = [row] if site in {top.points[i].site.name for i in hit} else []
        end = start + event.duration + event.ramp
        if row in hit and event.probability > 0 and start < last and end > periods.first:
            return (
                f"by the scenario '{event.name}' kept it from ordering from period {start} to {end}"
            )
    return ""


def _never_there(seen: Series, before: float, asked: Floats) -> float:
    """Return how many of the units on order before the record began there cannot have been.

    Who orders what is asked for, never more, keeps the same position of stock and orders less
    what is owed; who never has stock as well keeps none: what else it seems to be was not on order.
    """
    position = (seen.book + seen.on_order - seen.backlog)[:, 0]
    mean = float(asked.mean())
    low, high = np.quantile(position, _MOSTLY)
    same = high - low < _SAME * mean
    bare = min(float(np.median(seen.book)), float(np.median(position))) < _BARE * mean
    return float(np.clip(np.median(position), 0.0, before)) if same and bare else 0.0


def limits_of(links: Sequence[Link]) -> dict[str, float]:
    """Return the limits on one order, in good units; of several links none: which is which is not known."""
    if len(links) != 1:
        return {}
    (link,) = links
    given = {name: getattr(link.declared, name, None) for name in _LIMITS}
    return {name: link.yield_ * units for name, units in given.items() if units}


def believed_lead(top: Topology, row: int) -> tuple[float, float]:
    """Return mean and variance of the lead time that the policy reckons with."""
    policy = top.points[row].settings.policy
    mean, variance = protection(top, row)
    return (mean if policy.cover is None else policy.cover + 1 - policy.review), variance


def patience_of(top: Topology, row: int) -> int | None:
    """Return how long who is served here waits; None: for ever, or not all alike."""
    waits = {top.sinks[s].demand.patience for s in top.sinks_of[row]}
    return waits.pop() if len(waits) == 1 and not top.out_links[row] else None


def way_of(top: Topology, e: Link) -> tuple[str, str, str]:
    """Return from where to where a link brings which item, as events name it."""
    p = top.points[e.to]
    return (p.site.name if e.kind == "make" else e.source, p.site.name, p.item.name)


def _one(series: dict[tuple[str, str], Floats], key: tuple[str, str]) -> list[Floats]:
    return [series[key]] if key in series else []


def settings_of(top: Topology, row: int) -> dict[str, object]:
    """Return further keys of a stock point's rule: how it forecasts, errors of its record."""
    settings = top.points[row].settings
    forecast = settings.forecast.model_dump(exclude_defaults=True) | {"sees": "orders"}
    for name in ("initial", "initial_error", "age"):  # of the scenario's demand, not of this trace
        forecast.pop(name, None)
    rates = ("misplacement", "scan_error")
    return {"forecast": forecast} | {n: x for n in rates if (x := getattr(settings, n))}


def devices_of(periods: Periods, top: Topology, row: int) -> list[dict[str, object]]:
    """Return the devices that look at a stock point, their phases counted from the record's first."""
    found: list[dict[str, object]] = []
    for placed in place_devices(top):
        if placed.row == row:
            spec = placed.device
            phase = (spec.phase - periods.first) % spec.period
            found.append({name: getattr(spec, name) for name in _DEVICE} | {"phase": phase})
    return found


def signal_of(periods: Periods, top: Topology, row: int) -> Floats | None:
    """Return what the forecast sees, where that is not what was asked of the stock point."""
    settings = top.points[row].settings
    if settings.forecast.sees == "orders" or (not top.out_links[row] and not settings.forecast.age):
        return None
    weight = np.zeros(len(top.points))
    weight[row] = 1.0
    total = np.zeros(periods.n)
    for p in reversed(top.points[: row + 1]):  # upstream first; rows below have smaller numbers
        if not weight[p.index]:
            continue
        for demand in _one(periods.demand, (p.site.name, p.item.name)):
            total += weight[p.index] * np.nan_to_num(demand)
        for e, usage in top.out_links[p.index]:
            link = top.links[e]
            weight[link.to] += weight[p.index] * usage * link.share / link.yield_
    return later(total, settings.forecast.age) if total.any() else None
