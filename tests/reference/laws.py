"""Laws that every engine's trace obeys; each returns the violations it found.

A trace is anything with the series of :class:`tests.reference.naive_trace.Trace`.
"""

from __future__ import annotations

from typing import Any

from twin.topology import Topology

NOISE = 1e-6


def _off(found: list[str], what: str, t: int, left: float, right: float) -> None:
    if abs(left - right) > NOISE * max(1.0, abs(left), abs(right)):
        found.append(f"{what} t={t}: {left} is not {right}")


def stock_is_conserved(topology: Topology, trace: Any) -> list[str]:
    """Opening + received - shipped - consumed - delivered - lost = on hand + misplaced."""
    found: list[str] = []
    for p in topology.points:
        held = trace.opening[p.name]
        for t in range(trace.horizon):
            out = sum(
                trace.sink["delivered"][topology.sinks[s].name][t]
                for s in topology.sinks_of[p.index]
            )
            out += sum(
                usage * trace.link["shipped"][topology.links[e].name][t]
                for e, usage in topology.out_links[p.index]
            )
            held += trace.point["received"][p.name][t] - out - trace.point["lost"][p.name][t]
            here = trace.point["on_hand"][p.name][t] + trace.point["misplaced"][p.name][t]
            _off(found, f"stock of {p.name}", t, held, here)
    return found


def links_are_conserved(topology: Topology, trace: Any) -> list[str]:
    """Sent = received + on the way + at the gate; good received = yield × received."""
    found: list[str] = []
    for e in topology.links:
        sent, got = trace.opening_transit[e.name], 0.0
        for t in range(trace.horizon):
            sent += trace.link["shipped"][e.name][t]
            got += trace.link["received"][e.name][t]
            coming = trace.link["in_transit"][e.name][t] + trace.link["gate"][e.name][t]
            _off(found, f"goods on {e.name}", t, sent, got + coming)
    for p in topology.points:
        links = [topology.links[e] for e in topology.in_links[p.index]]
        good = sum(trace.point["received"][p.name])
        started = sum(e.yield_ * sum(trace.link["received"][e.name]) for e in links)
        slack = len(links) if topology.scenario.integer else NOISE * max(1.0, good)
        if abs(good - started) > slack:
            found.append(f"{p.name}: received {good}, yields make it {started}")
    return found


def orders_are_conserved(topology: Topology, trace: Any) -> list[str]:
    """Placed = shipped + owed + in the mail + cancelled."""
    found: list[str] = []
    for e in topology.links:
        placed, done = trace.opening_mail[e.name], 0.0
        for t in range(trace.horizon):
            placed += trace.link["ordered"][e.name][t]
            done += trace.link["shipped"][e.name][t] + trace.link["cancelled"][e.name][t]
            open_now = trace.link["owed"][e.name][t] + trace.link["mail"][e.name][t]
            _off(found, f"orders on {e.name}", t, placed, done + open_now)
    return found


def customers_are_conserved(topology: Topology, trace: Any) -> list[str]:
    """Demanded = delivered + owed + lost, and nobody is promised more than asked."""
    found: list[str] = []
    for s in topology.sinks:
        asked = done = 0.0
        for t in range(trace.horizon):
            asked += trace.sink["demand"][s.name][t]
            done += trace.sink["delivered"][s.name][t] + trace.sink["lost"][s.name][t]
            _off(found, f"demand of {s.name}", t, asked, done + trace.sink["owed"][s.name][t])
            if trace.sink["accepted"][s.name][t] > trace.sink["demand"][s.name][t] + NOISE:
                found.append(f"{s.name} t={t}: accepted more than asked")
        if sum(trace.filled[s.name]) > sum(trace.on_time[s.name]) + NOISE:
            found.append(f"{s.name}: more filled at once than on time")
    return found


def nothing_is_negative(topology: Topology, trace: Any) -> list[str]:
    """No negative stock, record, queue, flow or loss."""
    groups = {"point": trace.point, "link": trace.link, "sink": trace.sink}
    return [
        f"{group} {series} {name} t={t}: {value}"
        for group, table in groups.items()
        for series, rows in table.items()
        for name, row in rows.items()
        for t, value in enumerate(row)
        if value < -NOISE
    ]


def limits_are_kept(topology: Topology, trace: Any) -> list[str]:
    """Capacity, dispatch limits, shared limits and work in progress stay within their bounds."""
    found: list[str] = []
    for t in range(trace.horizon):
        used: dict[str, float] = {}
        room: dict[str, float] = {}
        for e in topology.links:
            moved = trace.link["shipped"][e.name][t]
            own = getattr(e.declared, "capacity", None)
            if e.kind == "buy":
                own = e.declared.dispatch_limit
            if own is not None and moved > own + NOISE:
                found.append(f"{e.name} t={t}: {moved} over its limit {own}")
            for name, usage, capacity in e.limits:
                used[name] = used.get(name, 0.0) + usage * moved
                room[name] = capacity
            cap = getattr(e.declared, "wip_cap", None)
            running = trace.link["in_transit"][e.name][t]
            if cap is not None and moved > 0 and running > cap + NOISE:
                found.append(f"{e.name} t={t}: released up to {running} over the cap {cap}")
        found += [
            f"{name} t={t}: {used[name]} of {room[name]} used"
            for name in used
            if used[name] > room[name] + NOISE
        ]
    return found


ALL_LAWS = (
    stock_is_conserved,
    links_are_conserved,
    orders_are_conserved,
    customers_are_conserved,
    nothing_is_negative,
    limits_are_kept,
)
