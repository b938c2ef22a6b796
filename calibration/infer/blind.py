"""Stock points that nobody reported on, with the neighbours that saw something of them.

What a stock point ordered is known from its orders or its receipts. Where both are missing, what its
suppliers were asked for is not known either: it and they can only be looked at together. The
smallest such groups are cut out of the network where flows are observed: below, what was ordered
from a group and what came of it; above, the orders and deliveries of those of its members who report.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibration.infer.cut import (
    Cut,
    Flows,
    believed_lead,
    cut_of,
    devices_of,
    disturbed,
    settings_of,
    signal_of,
    way_of,
)
from calibration.infer.prior import KINDS, SHRINK, Prior, Scale, prior_of
from calibration.infer.simulate import Problem
from calibration.periods import Periods
from twin import decoupling
from twin.compile.events import lane_links, rows_where
from twin.decoupling import nominal_lead
from twin.happening import starts
from twin.schema import Disruption
from twin.stock_rules import Settings
from twin.topology import Link, Topology

Floats = npt.NDArray[np.float64]

_HARMLESS = ("demand_change", "mix_shift", "device_fault", "wrong_upload")  # seen in what is asked
_ASSUMED = (
    "nobody reported what it ordered: inferred together with {}; kind of ordering, review period "
    "and lead times between them are those of the scenario"
)


class Member(NamedTuple):
    """One stock point of a group: its row, how it is taken to order, and itself as a problem.

    Of one that is ``blind`` ``cut.observed`` is None.
    """

    row: int
    kind: str
    cut: Cut
    blind: bool

    @property
    def problem(self) -> Problem:
        """The stock point by itself."""
        assert self.cut.problem is not None
        return self.cut.problem

    @property
    def prior(self) -> Prior:
        """What is hidden of it alone."""
        assert self.cut.scale is not None
        averaged = self.problem.settings["forecast"].get("kind") == "moving_average"
        fixed = {"forecast.smoothing": 1.0} if averaged and KINDS[self.kind].forecast else {}
        return prior_of(self.kind, self.cut.scale, also=self.cut.also, fixed=fixed)


class Exit(NamedTuple):
    """Where goods leave a group: over a link to a stock point that is seen, or to customers.

    ``asked`` and ``got`` are what was ordered there and what came of it, ``(T,)`` units, ``lag`` the
    nominal periods on the way and ``delay`` those until an order is known.
    """

    row: int
    link: Link | None
    asked: Floats
    got: Floats | None
    lag: int = 0
    delay: int = 0


class Entry(NamedTuple):
    """What a member that is seen sent to one that is not: ``(T,)`` of its units."""

    row: int
    link: Link
    usage: float
    sent: Floats


@dataclass(frozen=True)
class Group:
    """Stock points that can only be looked at together.

    Attributes
    ----------
    rows
        Their rows in the network, ascending: downstream first.
    reason
        Why nothing can be inferred of them; then all else is empty.
    members, exits, entries
        See there.
    weights
        For each member by row: units of it in a unit of each exit, and the shortest nominal
        time from it to there, by number of the exit.
    """

    top: Topology
    rows: tuple[int, ...]
    reason: str = ""
    members: tuple[Member, ...] = ()
    exits: tuple[Exit, ...] = ()
    entries: tuple[Entry, ...] = ()
    weights: dict[int, dict[int, tuple[float, int]]] | None = None

    def asked(self, row: int) -> Floats:
        """Return what the exits ask for in units of a member, ``(T,)``."""
        assert self.weights is not None
        return _asked(self.weights[row], self.exits)


def groups(periods: Periods, top: Topology) -> list[tuple[int, ...]]:
    """Return the rows that can only be looked at together, group by group; all others stand alone.

    Parameters
    ----------
    periods
        What was observed.
    top
        The scenario's network.
    """
    of: dict[int, set[int]] = {}
    for row in unseen(periods, top):
        suppliers = [r for e in top.in_links[row] for r, _ in top.links[e].inputs]
        joined = {row}.union(suppliers, *(of.get(r, ()) for r in (row, *suppliers)))
        of |= dict.fromkeys(joined, joined)
    return sorted({tuple(sorted(rows)) for rows in of.values()})


def unseen(periods: Periods, top: Topology) -> set[int]:
    """Return the stock points through which goods moved but whose orders nobody reported.

    Neither their orders nor their receipts were told; but that they got something is known from
    others: from those who sent to them, or, where they tell nothing at all, from those they served.
    """
    found: set[int] = set()
    for p in top.points:  # downstream first
        key = (p.site.name, p.item.name)
        links = [top.links[e] for e in top.in_links[p.index]]
        told = key in periods.made or any(way[1:] == key for way in periods.received)
        if told or any(way_of(top, e) in periods.ordered for e in links):
            continue
        out = [top.links[e] for e, _ in top.out_links[p.index]]
        sent = any(way_of(top, e) in periods.shipped for e in links)
        moves = any((source, item) == key for source, _, item in periods.shipped)
        silent = not (moves or key in periods.used or key in periods.sold)
        served = key in periods.demand or any(
            e.to in found or way_of(top, e) in periods.ordered for e in out
        )
        if sent or (silent and served):
            found.add(p.index)
    return found


def around(periods: Periods, top: Topology, rows: Sequence[int]) -> Group:
    """Cut a group of stock points out of the network, or say why that cannot be.

    Parameters
    ----------
    periods, top
        What was observed, and the scenario's network.
    rows
        Of :func:`groups`.
    """
    rows = tuple(sorted(rows))
    blind = unseen(periods, top) & set(rows)
    reason = _hit(periods, top, rows) or next(_uncovered(periods, top, rows), "")
    if reason:
        return Group(top, rows, _jointly(top, blind, reason))
    exits = tuple(_exits(periods, top, rows))
    if len(blind) == len(rows) and not any(_heard(periods, top, rows, exits)):
        return Group(top, rows, _jointly(top, blind, "nor was anything that came of it"))
    weights = _weights(top, rows, exits)
    cuts = {row: _cut(periods, top, row, row in blind, _asked(weights[row], exits)) for row in rows}
    reason = next((f"{c.name}: {c.reason}" for c in cuts.values() if c.reason), "")
    if reason:
        return Group(top, rows, _jointly(top, blind, reason))
    names = ", ".join(top.points[row].name for row in rows)
    driven = _driven(top)
    members = tuple(
        Member(
            row, str(kind_of(top.points[row].settings, row in driven)),
            cuts[row]._replace(notes=(*cuts[row].notes, _note(top, row, row in blind, names))), row in blind,
        )
        for row in rows
    )  # fmt: skip
    return Group(top, rows, "", members, exits, tuple(_entries(periods, top, rows, blind)), weights)


def kind_of(settings: Settings, driven: bool) -> str | None:
    """Return the kind of ordering that a scenario declares, a key of ``KINDS``; None: none of them."""
    policy = settings.policy
    if driven or policy.kind == "order_driven":
        return "order_driven"
    if policy.safety_stock is not None or policy.forced_order is not None:
        return None
    if policy.kind == "base_stock" and policy.level == 0:
        return "order_driven"
    if policy.kind == "base_stock":
        return "base_stock_forecast" if policy.level is None else "base_stock"
    if policy.kind in ("s_S", "r_Q"):
        return policy.kind if policy.reorder_point is not None else f"{policy.kind}_forecast"
    return "human" if policy.kind == "human" else None


def _driven(top: Topology) -> frozenset[int]:
    places = {f.name: f.decoupling_point for f in top.scenario.families}
    return decoupling.order_driven_rows(top, places)


def _note(top: Topology, row: int, blind: bool, names: str) -> str:
    if blind:
        return _ASSUMED.format(names)
    return (
        f"what was ordered from it was not all reported: inferred together with {names}, "
        "by the kind of ordering of the scenario"
    )


def _jointly(top: Topology, blind: Collection[int], reason: str) -> str:
    names = ", ".join(top.points[row].name for row in sorted(blind))
    return f"what {names} ordered was not reported, and jointly nothing can be inferred: {reason}"


def _hit(periods: Periods, top: Topology, rows: Sequence[int]) -> str:
    """Return which known disruption moved goods within the group otherwise; empty: none."""
    for row in rows:
        if reason := disturbed(periods, top, row):
            return f"{top.points[row].name}: {reason}"
    for event, start in zip(top.scenario.disruptions, starts(top.scenario), strict=True):
        end = start + event.duration + event.ramp
        inside = start < periods.first + periods.n and end > periods.first
        counts = event.kind not in _HARMLESS and event.probability > 0 and inside
        if counts and (hit := sorted(set(_hits(top, event)) & set(rows))):
            return f"by the scenario '{event.name}' hit {top.points[hit[0]].name} in the record"
    return ""


def _hits(top: Topology, event: Disruption) -> Iterator[int]:
    """Yield the rows that a disruption hits, those at both ends of a lane."""
    if event.lane is None:
        yield from rows_where(top, event.where)
        return
    for e in lane_links(top, event):
        yield top.links[e].to
        yield from (row for row, _ in top.links[e].inputs)


def _uncovered(periods: Periods, top: Topology, rows: Sequence[int]) -> Iterator[str]:
    """Yield what keeps a group from being cut out."""
    driven = _driven(top)
    for row in rows:
        point = top.points[row]
        key = (point.site.name, point.item.name)
        if kind_of(point.settings, row in driven) is None:
            yield f"{point.name} orders by '{point.settings.policy.kind}' or a fixed safety stock"
        waits = [top.sinks[s].demand for s in top.sinks_of[row]]
        if waits and key not in periods.demand:
            yield f"what customers ask of {point.name} was not reported"
        if any(d.patience is not None or d.unmet == "lost" for d in waits):
            yield f"customers of {point.name} do not wait"
        for e, _ in top.out_links[row]:
            link = top.links[e]
            if link.kind == "make" and link.to not in rows:
                yield f"{point.name} goes into production that is looked at by itself"


def _heard(
    periods: Periods, top: Topology, rows: Sequence[int], exits: Sequence[Exit]
) -> Iterator[bool]:
    """Yield whether anything was observed of what rows that do not report did."""
    for row in rows:
        key = (top.points[row].site.name, top.points[row].item.name)
        yield key in periods.books or key in periods.on_hand
    yield from (way.got is not None for way in exits)


def _exits(periods: Periods, top: Topology, rows: Sequence[int]) -> Iterator[Exit]:
    for row in rows:
        point = top.points[row]
        key = (point.site.name, point.item.name)
        if key in periods.demand:
            asked = np.nan_to_num(periods.demand[key])
            sold = periods.sold.get(key)
            yield Exit(row, None, asked, None if sold is None else np.nan_to_num(sold))
        for e, _ in top.out_links[row]:
            link = top.links[e]
            way = way_of(top, link)
            if link.to in rows or way not in periods.ordered:
                continue
            got = periods.received.get(way)
            yield Exit(
                row, link, np.nan_to_num(periods.ordered[way]),
                None if got is None else np.nan_to_num(got), nominal_lead(link), link.delay,
            )  # fmt: skip


def _entries(
    periods: Periods, top: Topology, rows: Sequence[int], blind: Collection[int]
) -> Iterator[Entry]:
    for to in sorted(blind):
        for e in top.in_links[to]:
            link = top.links[e]
            for row, usage in link.inputs:
                point = top.points[row]
                used = periods.used.get((point.site.name, point.item.name))
                sent = used if link.kind == "make" else periods.shipped.get(way_of(top, link))
                if row in rows and row not in blind and sent is not None:
                    yield Entry(row, link, usage, np.nan_to_num(sent))


def _weights(
    top: Topology, rows: Sequence[int], exits: Sequence[Exit]
) -> dict[int, dict[int, tuple[float, int]]]:
    found: dict[int, dict[int, tuple[float, int]]] = {}
    for row in rows:  # downstream first
        mine = {j: (1.0, 0) for j, way in enumerate(exits) if way.row == row}
        for e, usage in top.out_links[row]:
            link = top.links[e]
            for j, (units, time) in found.get(link.to, {}).items():
                more, known = usage * link.share / link.yield_ * units, mine.get(j)
                time += nominal_lead(link)
                mine[j] = (more, time) if known is None else (known[0] + more, min(known[1], time))
        found[row] = mine
    return found


def _asked(weights: dict[int, tuple[float, int]], exits: Sequence[Exit]) -> Floats:
    total = np.zeros(len(exits[0].asked)) if exits else np.zeros(1)
    for j, (units, _) in weights.items():
        total += units * exits[j].asked
    return total


def _cut(periods: Periods, top: Topology, row: int, blind: bool, asked: Floats) -> Cut:
    """Return one member as a problem of its own, asked for what the exits ask for."""
    point = top.points[row]
    flows = Flows(periods, top, row)
    flows.asked, flows.component = asked, False  # what the group takes of it is looked at inside
    signal = signal_of(periods, top, row)
    forecast = point.settings.forecast
    kind = kind_of(point.settings, row in _driven(top))
    elsewhere = forecast.sees != "orders" and bool(top.out_links[row])
    if KINDS[str(kind)].forecast and elsewhere and signal is None:
        return Cut(point.name, reason="what customers ask for, which it forecasts by, is not known")
    if not blind:
        reason = flows.reason()
        return Cut(point.name, reason=reason) if reason else cut_of(flows, row)
    if not asked.any():
        return Cut(point.name, reason="what is asked of it is not known")
    policy, believed = point.settings.policy, believed_lead(top, row)
    problem = Problem(
        point.name, asked, [], policy.review, (policy.phase - periods.first) % policy.review,
        settings=settings_of(top, row), devices=devices_of(periods, top, row),
        more={"integer": top.scenario.integer}, signal=signal, believed=believed,
    )  # fmt: skip
    scale = Scale(
        float(asked.mean()), float(asked.std()), believed[0], policy.review,
        believed[0] + policy.review - 1,
    )  # fmt: skip
    counted = (point.site.name, point.item.name) in periods.on_hand
    return Cut(
        point.name, problem, None, scale, (SHRINK,) if counted else (),
        forecast.model_dump(exclude_defaults=True), policy.cover, (),
    )  # fmt: skip
