"""The kernel's run in the shape of the naive simulator's trace, so that both can be compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.reference.naive_trace import Trace
from twin.compile import Plan
from twin.engine import Simulation
from twin.topology import Topology

POINTS = {
    name: name
    for name in (
        "on_hand", "record", "misplaced", "backlog", "on_order", "order", "incoming", "lost",
        "forecast",
    )
}  # fmt: skip
LINKS = {
    "owed": "owed", "in_transit": "on_way", "gate": "gate", "shipped": "moved",
    "ordered": "placed", "cancelled": "cancelled",
}  # fmt: skip
SINKS = {name: name for name in ("demand", "accepted", "delivered", "owed", "lost")}


def fast_trace(topology: Topology, seed: int, replication: int = 0, block: int = 1) -> Trace:
    """Run the kernel and return replication ``replication`` as a trace.

    Costs are holding, backlog and transit of docs/physics.md section 6, as the naive trace has.
    """
    record = [f"rows.{n}" for n in POINTS.values()]
    record += [f"links.{n}" for n in LINKS.values()] + ["links.carry"]
    record += [f"sinks.{n}" for n in SINKS.values()]
    first = replication - replication % block
    sim = Simulation(Plan.of(topology), block, first, seed, record)
    opening = sim.rows("on_hand")[:, replication - first].copy()
    moving = sim.links("on_way")[:, replication - first].copy()
    horizon = topology.scenario.horizon
    books = _Books(sim, replication - first)
    for _ in range(horizon):
        sim.advance()
        books.write()
    series = {name: values[:, :, replication - first] for name, values in sim.series().items()}
    trace = Trace(horizon, topology.scenario.warmup)
    names = {
        "point": [p.name for p in topology.points],
        "link": [e.name for e in topology.links],
        "sink": [s.name for s in topology.sinks],
    }
    for kind, table, fields in (
        ("point", "rows", POINTS), ("link", "links", LINKS), ("sink", "sinks", SINKS),
    ):  # fmt: skip
        found = {
            ours: {n: series[f"{table}.{theirs}"][:, i].tolist() for i, n in enumerate(names[kind])}
            for ours, theirs in fields.items()
        }
        setattr(trace, kind, found)
    for name, so_far in trace.link["cancelled"].items():
        trace.link["cancelled"][name] = np.diff([0.0, *so_far]).tolist()
    trace.opening = dict(zip(names["point"], opening.tolist(), strict=True))
    trace.opening_transit = dict(zip(names["link"], moving.tolist(), strict=True))
    _derive(topology, trace, series)
    books.enter(trace)
    return trace


class _Books:
    """What has to be read off a running simulation: mail, service by period of demand."""

    def __init__(self, sim: Simulation, k: int) -> None:
        self.sim, self.k = sim, k
        self.mail = [self.mailed()]
        self.sums = [self.counted()]

    def write(self) -> None:
        self.mail.append(self.mailed())
        self.sums.append(self.counted())

    def counted(self) -> dict[str, Any]:
        names = ("on_time", "filled", "orders", "orders_complete")
        sums = self.sim.sums()
        return {n: sums[f"sinks.{n}"][:, self.k] for n in names}

    def mailed(self) -> list[float]:
        """Units in each link's mail slots."""
        links = self.sim.plan.topology.links
        return [float(self.sim.mail(e.index)[:, self.k].sum()) for e in links]

    def enter(self, trace: Trace) -> None:
        """Turn the sums into what happened, by the period of the demand."""
        top = self.sim.plan.topology
        for e in top.links:
            trace.opening_mail[e.name] = self.mail[0][e.index]
            trace.link.setdefault("mail", {})[e.name] = [m[e.index] for m in self.mail[1:]]
        orders: dict[tuple[str, str], list[Any]] = {}
        for s in top.sinks:
            trace.filled[s.name] = self.steps("filled", s.index).tolist()
            late = trace.horizon - s.tolerance  # not known yet: at least what was served at once
            on_time = self.steps("on_time", s.index)[s.tolerance :].tolist()
            trace.counted[s.name] = len(on_time)
            trace.on_time[s.name] = on_time + trace.filled[s.name][max(0, late) :]
            orders.setdefault((top.points[s.row].site.name, s.demand.customer), []).append(s)
        for key, lines in orders.items():
            wait = max(s.tolerance for s in lines)
            first = min(s.index for s in lines)
            asked, done = self.steps("orders", first), self.steps("orders_complete", first)
            seen = zip(asked[wait:], done[wait:], strict=True)
            trace.otif[key] = [bool(d) if a else None for a, d in seen]

    def steps(self, name: str, index: int) -> Any:
        return np.diff([sums[name][index] for sums in self.sums])


def _derive(topology: Topology, trace: Trace, series: dict[str, Any]) -> None:
    """Add what the kernel does not keep per period: receipts, fills and costs."""
    way, gate = series["links.on_way"], series["links.gate"]
    start = np.array([list(trace.opening_transit.values())])
    moving = np.diff(np.vstack([start, way + gate]), axis=0)
    received = series["links.moved"] - moving
    trace.link["received"] = {e.name: received[:, e.index].tolist() for e in topology.links}
    good = np.zeros_like(series["rows.on_hand"])
    for e in topology.links:
        carry = series["links.carry"][:, e.index]  # integer mode keeps the part of a unit back
        good[:, e.to] += e.yield_ * received[:, e.index] - np.diff(carry, prepend=0.0)
    trace.point["received"] = {p.name: good[:, p.index].tolist() for p in topology.points}
    transit = np.zeros_like(good)
    for e in topology.links:
        if e.kind == "ship":
            rate = getattr(e.declared, "transit_holding_cost", None)
            row = e.inputs[0][0]
            rate = topology.points[row].settings.holding_cost if rate is None else rate
            transit[:, row] += rate * way[:, e.index]
        elif e.kind == "make":
            for row, usage in e.inputs:
                rate = topology.points[row].settings.holding_cost
                transit[:, e.to] += usage * rate * way[:, e.index]
    hold = np.array([p.settings.holding_cost for p in topology.points])
    owe = np.array([p.settings.backlog_cost for p in topology.points])
    trace.cost = {
        "holding": _by_name(topology, hold * series["rows.on_hand"]),
        "backlog": _by_name(topology, owe * series["rows.backlog"]),
        "transit": _by_name(topology, transit),
    }


def _by_name(topology: Topology, values: Any) -> dict[str, list[float]]:
    return {p.name: values[:, p.index].tolist() for p in topology.points}


def differences(ours: Trace, theirs: Trace, tolerance: float = 1e-7) -> list[str]:
    """Return where two traces differ, first period of each series only."""
    found = []
    for kind, fields in (("point", POINTS), ("link", LINKS), ("sink", SINKS)):
        for series in fields:
            if series == "forecast":
                continue  # rows whose policy uses none keep the first one in the kernel
            for name, values in getattr(theirs, kind)[series].items():
                mine = getattr(ours, kind)[series][name]
                for t, (a, b) in enumerate(zip(mine, values, strict=True)):
                    if abs(a - b) > tolerance * max(1.0, abs(a), abs(b)):
                        found.append((t, f"t={t} {kind}.{series}[{name}]: {a} is not {b}"))
                        break
    found += _service_differences(ours, theirs, tolerance)
    return [text for _, text in sorted(found)]


def _service_differences(ours: Trace, theirs: Trace, tolerance: float) -> list[tuple[int, str]]:
    """First period of each series whose service differs, as far as the kernel has counted."""
    found = []
    pairs = [("filled", s, ours.filled[s], theirs.filled[s]) for s in ours.filled]
    pairs += [
        ("on time", s, ours.on_time[s][: ours.counted[s]], theirs.on_time[s][: ours.counted[s]])
        for s in ours.on_time
    ]
    pairs += [
        ("complete", str(k), ours.otif[k], theirs.otif[k][: len(ours.otif[k])]) for k in ours.otif
    ]
    for what, name, mine, right in pairs:
        for t, (a, b) in enumerate(zip(mine, right, strict=True)):
            if (a is None) != (b is None) or abs((a or 0) - (b or 0)) > tolerance:
                found.append((t, f"t={t} {what} [{name}]: {a} is not {b}"))
                break
    return found
