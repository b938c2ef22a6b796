"""What a stress test takes out, for how long, and how the chain stands when it does."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from twin.compile import Plan
from twin.engine import Outcome, parts, run_blocks
from twin.kpis import unserved
from twin.kpis.resilience import SERIES, service
from twin.names import matches
from twin.run import Progress
from twin.schema import Scenario
from twin.study.linear_programme import Network, Out, lane_out, site_out
from twin.sums import Floats, field
from twin.topology import Topology

EVENT = "out"
"""Name of the disruption that is moved from place to place."""

MISLAID = "rows.misplaced"
"""Series of stock that nobody finds before the next count."""


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
        Units at each stock point, on hand, mislaid, at the gate and on the way to it, ``(n,)``.
    rates
        Units that customers want per period from then on, ``(s,)``.
    due, on_time
        Units that fall due to all customers in the first 1, 2 ... periods of the outage, and those
        of them that are delivered in time, ``(n,)``.
    need
        Units that each customer must be given in them, ``(n, s)``: those that fall due, less what
        was delivered before. What is overdue in calm times is not the outage's doing and left out.
    sent
        Units per period over each link, ``(m,)``.
    """

    stock: Floats
    rates: Floats
    due: Floats
    on_time: Floats
    need: Floats
    sent: Floats

    def least_loss(self, net: Network, out: Out, periods: int) -> float:
        """Return the least that customers can miss, in units: a bound of the KPI ``unserved``.

        The programme is convex in stock and need: its cost at their means is at most the mean of
        its costs, and each of these is at most what that replication misses.
        """
        return net.least_loss(self.stock, self.need[periods - 1] / periods, periods, out)

    def time_to_survive(self, net: Network, out: Out, share: float, window: int) -> float:
        """Return how long performance need not fall, in periods: a bound of :func:`survived`.

        While it has not, no more is missed by the end of a whole window than what is late in calm
        times and a share of the rest. The programme knows one pace per customer, that of its
        demand: shifted, so that it asks for no more than is needed at the end of any window.
        """
        ends = np.arange(window, len(self.due) + 1, window)
        if not ends.size or not self.rates.any():
            ends = np.array([len(self.due)])
        pace = float(self.rates.sum())
        ahead = np.max(ends[:, None] * self.rates - self.need[ends - 1], axis=0).clip(0.0)
        late = self.due - (1.0 - share) * self.on_time
        missing = float(np.max(late[ends - 1] / ends)) / pace if pace > 0 else 0.0
        return net.time_to_survive(self.stock, self.rates, out, ahead, missing)

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
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> dict[str, list[Any]]:
    """Return the fields of :class:`Calm` as plain data.

    Parameters
    ----------
    scenario
        Its disruptions are left out.
    start, periods
        The outage.
    replications
        Draws of luck, the first of those of the study.
    threads, progress, cancelled
        As in :func:`twin.run`.
    """
    window = {"disruptions": [], "warmup": start, "horizon": start + periods}
    plan = Plan.of(scenario.model_copy(update=window))
    mislaid = (MISLAID,) if any(p.settings.misplacement for p in plan.topology.points) else ()
    pieces = run_blocks(
        [parts(plan, replications)], scenario.seed, _sums, record=(*SERIES, *mislaid),
        threads=threads, progress=progress, cancelled=cancelled,
    )[0]  # fmt: skip
    names = ("stock", "rates", "due", "on_time", "need", "sent")
    means = (sum(x) / replications for x in zip(*pieces, strict=True))
    found: dict[str, Floats] = dict(zip(names, means, strict=True))
    return {name: values.tolist() for name, values in found.items()}


def unbounded(top: Topology) -> str:
    """Return why the linear programmes bound none of a chain's runs; nothing where they do."""
    if top.scenario.posterior.size:
        return (
            "The linear programmes are left out: each replication takes a draw of its own of what "
            "calibration is not sure of, and they know one network."
        )
    if top.scenario.integer and any(e.yield_ < 1 for e in top.links):
        return (
            "The linear programmes are left out: how many of the whole units made are good is luck "
            "here, which may be better than the mean yield that they know."
        )
    return ""


def _sums(o: Outcome) -> tuple[Floats, ...]:
    """Return the fields of :class:`Calm`, added up over the block's replications."""
    n = o.n_periods
    start = o.series[SERIES[0]].shape[0] - n
    stock = o.opening["rows.on_hand"].sum(axis=1)
    on_way = (o.opening["links.on_way"] + o.opening["links.gate"]).sum(axis=1)
    np.add.at(stock, [e.to for e in o.plan.topology.links], on_way)
    if MISLAID in o.series and start > 0:
        stock += o.series[MISLAID][start - 1].sum(axis=1)
    wanted, sent = (field(o, name).sum(axis=1) / n for name in ("sinks.demand", "links.shipped"))
    found = service(o)
    assert found is not None  # its series are recorded
    due, on_time = (np.cumsum(x[start:].sum(axis=1)) for x in (found.due, found.on_time))
    return stock, wanted, due, on_time, unserved.needed(o, start, n).sum(axis=2), sent


def survived(found: Floats, periods: int, window: int) -> float:
    """Return how many whole windows of an outage every replication survives, in periods.

    Parameters
    ----------
    found
        The KPI ``tts`` of each replication, ``(R,)``; NaN where performance never falls.
    periods
        Of the outage.
    window
        Periods over which performance is taken.
    """
    least = min(np.min(found, initial=periods, where=~np.isnan(found)), periods)
    return float(least // window * window)
