"""What a stress test takes out, for how long, and how the chain stands when it does."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from twin.compile import Plan
from twin.engine import Outcome, parts, run_blocks
from twin.names import matches
from twin.schema import Scenario
from twin.study.linear_programme import Out, lane_out, site_out
from twin.sums import Floats, field
from twin.topology import Topology

EVENT = "out"
"""Name of the disruption that is moved from place to place."""


@dataclass(frozen=True)
class Place:
    """A site or a lane that is out.

    Attributes
    ----------
    kind, name
        What it is.
    sells
        Whether customers are served there.
    """

    kind: Literal["site", "lane"]
    name: str
    sells: bool = False

    @property
    def changes(self) -> dict[str, Any]:
        """Changes by dotted key that let :func:`event` happen here."""
        if self.kind == "site":
            found: dict[str, Any] = {"where": {"site": self.name}}
        else:
            found = {"kind": "lane_closed", "where": {}, "lane": self.name}
        return {f"disruptions.{EVENT}.{k}": v for k, v in (found | {"probability": 1}).items()}

    def out(self, top: Topology) -> Out:
        """Return what its outage takes away."""
        return (site_out if self.kind == "site" else lane_out)(top, self.name)

    def reached(self, top: Topology) -> set[int]:
        """Return the stock points that it sends goods to, those behind the door of a seller too."""
        if self.kind == "lane":
            return {e.to for e in top.links if e.lane == self.name}
        sent = {e.to for e in top.links if e.source == self.name}
        return sent or {p.index for p in top.points if p.site.name == self.name}


def event(place: Place, start: int, periods: int) -> dict[str, Any]:
    """Return the outage as an entry of ``disruptions``; it happens where a place is chosen."""
    lane = {"kind": "lane_closed", "lane": place.name}
    where = {"kind": "outage", "where": {"site": place.name}} if place.kind == "site" else lane
    return {**where, "name": EVENT, "start": start, "duration": periods, "probability": 0}


def places(top: Topology, what: str, wanted: str | Sequence[str]) -> list[Place]:
    """Return the sites and lanes of a network that are wanted, sites first, by name.

    Parameters
    ----------
    top
        The network; sites without stock and lanes without goods are left out.
    what
        ``sites``, ``lanes`` or ``both``. An outside supplier is a lane, ``supplier->site``.
    wanted
        Patterns of their names.
    """
    sellers = {top.points[s.row].site.name for s in top.sinks}
    sites = sorted({p.site.name for p in top.points}) if what != "lanes" else []
    lanes = sorted({e.lane for e in top.links if e.lane}) if what != "sites" else []
    found = [Place("site", n, n in sellers) for n in sites] + [Place("lane", n) for n in lanes]
    pattern = wanted if isinstance(wanted, str) else list(wanted)
    return [p for p in found if matches(p.name, pattern)]


@dataclass(frozen=True)
class Calm:
    """The undisrupted chain as it stands when the outage begins: means over the replications.

    Attributes
    ----------
    stock
        Units at each stock point, on hand, at the gate and on the way to it, ``(n,)``.
    rates
        Units that customers want per period from then on, ``(s,)``.
    ahead
        Units that they need not have by the end of the periods in which they want them, ``(s,)``:
        what their tolerance allows, less what is owed to them. What is overdue in calm times is
        not the outage's doing and left out.
    sent
        Units per period over each link, ``(m,)``.
    """

    stock: Floats
    rates: Floats
    ahead: Floats
    sent: Floats

    def need(self, periods: float) -> Floats:
        """Return what customers must be given in so many periods, ``(s,)``."""
        return np.maximum(0.0, self.rates * periods - self.ahead)

    def worth(self, top: Topology, place: Place) -> float:
        """Return the value of the goods that a place sends, buys or sells per period, in money."""
        value = [p.item.value for p in top.points]
        here = place.name
        links = [e for e in top.links if e.lane == here or (e.source == here and e.kind == "ship")]
        sold = [s for s in top.sinks if place.sells and top.points[s.row].site.name == here]
        sent = sum(self.sent[e.index] * value[e.to] for e in links)
        return float(sent + sum(self.rates[s.index] * value[s.row] for s in sold))


def calm(
    scenario: Scenario,
    start: int,
    periods: int,
    replications: int,
    threads: int | None = None,
    cancelled: threading.Event | None = None,
) -> dict[str, list[float]]:
    """Return the fields of :class:`Calm` as plain data.

    Parameters
    ----------
    scenario
        Its disruptions are left out.
    start, periods
        The outage.
    replications
        Draws of luck, the first of those of the study.
    threads, cancelled
        As in :func:`twin.run`.
    """
    window = {"disruptions": [], "warmup": start, "horizon": start + periods}
    plan = Plan.of(scenario.model_copy(update=window))
    pieces = run_blocks(
        [parts(plan, replications)], scenario.seed, _sums, threads=threads, cancelled=cancelled
    )[0]
    stock, wanted, owed, sent = (sum(x) / replications for x in zip(*pieces, strict=True))
    top = plan.topology
    waits = [0 if s.demand.unmet == "lost" and not plan.order_driven[s.row] else s.tolerance
             for s in top.sinks]  # fmt: skip
    pace = wanted / periods
    found = {
        "stock": stock,
        "rates": pace,
        "ahead": np.maximum(0.0, pace * waits - owed / periods),
        "sent": sent / periods,
    }
    return {name: [float(x) for x in values] for name, values in found.items()}


def _sums(o: Outcome) -> tuple[Floats, ...]:
    """Return stock at the start, demand, units owed and units sent, over all luck and periods."""
    stock = o.opening["rows.on_hand"].sum(axis=1)
    on_way = (o.opening["links.on_way"] + o.opening["links.gate"]).sum(axis=1)
    np.add.at(stock, [e.to for e in o.plan.topology.links], on_way)
    over = ("sinks.demand", "sinks.owed", "links.shipped")
    return (stock, *(field(o, name).sum(axis=1) for name in over))
