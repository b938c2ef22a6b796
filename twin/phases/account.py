"""Phase 7, account: sums for the KPIs and the chosen histories."""

from __future__ import annotations

import numpy as np

from twin.arrays import (
    LINK,
    LINK_SUM,
    NET_SINK,
    ROW,
    ROW_SUM,
    SINK,
    SINK_SUM,
    Floats,
    History,
    Ints,
    Network,
    Table,
)
from twin.jit import inner

_SAME = 1e-9  # relative tolerance of the cumulative curves


@inner
def account_stock(rows: Table, sums: Table) -> None:
    """Add up stock and backlog."""
    for j in range(np.uint64(rows.shape[1])):
        have = rows[ROW.on_hand, j]
        owed = rows[ROW.backlog, j]
        net = have - owed
        sums[ROW_SUM.on_hand, j] += have
        sums[ROW_SUM.backlog, j] += owed
        sums[ROW_SUM.net_squared, j] += net * net


@inner
def account_orders(rows: Table, sums: Table) -> None:
    """Add up orders placed and orders received, with their squares (bullwhip)."""
    for j in range(np.uint64(rows.shape[1])):
        out = rows[ROW.order, j]
        came = rows[ROW.incoming, j]
        sums[ROW_SUM.order, j] += out
        sums[ROW_SUM.order_squared, j] += out * out
        sums[ROW_SUM.incoming, j] += came
        sums[ROW_SUM.incoming_squared, j] += came * came


@inner
def account_records(rows: Table, sums: Table) -> None:
    """Count wrong records and empty shelves."""
    for j in range(np.uint64(rows.shape[1])):
        gap = rows[ROW.record, j] - rows[ROW.on_hand, j]
        if gap > 0.5 or gap < -0.5:
            sums[ROW_SUM.wrong_record, j] += 1.0


@inner
def account_links(links: Table, sums: Table) -> None:
    """Add up shipments, orders and goods on the way."""
    for x in range(np.uint64(links.shape[1])):
        out = links[LINK.moved, x]
        sums[LINK_SUM.shipped, x] += out
        sums[LINK_SUM.placed, x] += links[LINK.placed, x]
        sums[LINK_SUM.on_way, x] += links[LINK.on_way, x]
        sums[LINK_SUM.orders, x] += 1.0 if links[LINK.placed, x] > 0.0 else 0.0
        sums[LINK_SUM.dispatches, x] += 1.0 if out > 0.0 else 0.0


@inner
def account_gates(links: Table, sums: Table) -> None:
    """Add up goods that wait at gates."""
    for x in range(np.uint64(links.shape[1])):
        sums[LINK_SUM.gate, x] += links[LINK.gate, x]


@inner
def account_sinks(K: int, net: Network, sinks: Table, sums: Table) -> None:
    """Add up deliveries, losses, backlog and what was filled in the period of demand."""
    for s in range(net.n_sinks):
        gone_at_once = net.sink[NET_SINK.patience, s] == 0
        x0 = np.uint64(s * K)
        for k in range(np.uint64(K)):
            x = x0 + k
            owed = sinks[SINK.owed, x]
            lost = sinks[SINK.lost, x]
            filled = sinks[SINK.accepted, x] - owed - (lost if gone_at_once else 0.0)
            sums[SINK_SUM.delivered, x] += sinks[SINK.delivered, x]
            sums[SINK_SUM.lost, x] += lost
            sums[SINK_SUM.owed, x] += owed
            sums[SINK_SUM.filled, x] += filled if filled > _SAME else 0.0
            sums[SINK_SUM.short, x] += 1.0 if owed > _SAME or lost > _SAME else 0.0


@inner
def account_on_time(
    t: int, K: int, net: Network, sinks: Table, rings: Floats, sums: Table, turn: Ints
) -> None:
    """Count what is closed by the tolerance of its customers, first in first out."""
    for s in range(net.n_sinks):
        wait = net.sink[NET_SINK.tolerance, s]
        then = t - wait
        if then < 0:
            continue
        n = net.sink[NET_SINK.curve_len, s]
        at = slot_of(turn[n] - wait, n)
        high = np.uint64((net.sink[NET_SINK.curve_off, s] + at) * K)
        low = np.uint64((net.sink[NET_SINK.curve_off, s] + slot_of(at - 1, n)) * K)
        asked = np.uint64((net.sink[NET_SINK.asked_off, s] + at) * K)
        # who leaves in this very period was accepted in ``then`` and is not on time
        leaving = 1.0 if wait == net.sink[NET_SINK.patience, s] else 0.0
        past = 1.0 if then > 0 else 0.0
        x0 = np.uint64(s * K)
        for k in range(np.uint64(K)):
            x = x0 + k
            before = past * rings[low + k]
            done = sinks[SINK.closed_total, x] - leaving * sinks[SINK.lost, x] - before
            sums[SINK_SUM.on_time, x] += max(0.0, min(rings[high + k] - before, done))
            sums[SINK_SUM.due, x] += abs(rings[asked + k])


@inner
def slot_of(place: int, n: int) -> int:
    """Return a place before the first slot as counted from the ring's end."""
    return place + n if place < 0 else place


@inner
def account_customer_orders(
    t: int, K: int, net: Network, sinks: Table, rings: Floats, sums: Table, turn: Ints,
    lines: Floats, failed: Floats,
) -> None:
    """Count orders complete in time: all lines of one customer, site and period (OTIF)."""
    for g in range(net.order_group_off.size - 1):
        a, b = net.order_group_off[g], net.order_group_off[g + 1]
        wait = 0
        for p in range(a, b):
            wait = max(wait, net.sink[NET_SINK.tolerance, net.order_group_sink[p]])
        if t < wait:
            continue
        past = 1.0 if t > wait else 0.0
        for k in range(np.uint64(K)):
            lines[k] = 0.0
            failed[k] = 0.0
        for p in range(a, b):
            s = net.order_group_sink[p]
            n = net.sink[NET_SINK.curve_len, s]
            at = slot_of(turn[n] - wait, n)
            line = np.uint64((net.sink[NET_SINK.asked_off, s] + at) * K)
            curve = net.sink[NET_SINK.curve_off, s]
            high = np.uint64((curve + at) * K)
            low = np.uint64((curve + slot_of(at - 1, n)) * K)
            x = np.uint64(s * K)
            for k in range(np.uint64(K)):
                asked = rings[line + k]
                now = rings[high + k]
                slack = _SAME * max(1.0, now)
                lines[k] += 1.0 if asked != 0.0 else 0.0
                # given up waiting (asked is then negative), still owed, or refused in part
                short = now - past * rings[low + k] < asked - slack
                late = sinks[SINK.closed_total, x + k] < now - slack
                failed[k] += 1.0 if asked < 0.0 or (asked > 0.0 and (short or late)) else 0.0
        first = np.uint64(net.order_group_sink[a] * K)
        for k in range(np.uint64(K)):
            if lines[k] > 0.0:
                sums[SINK_SUM.orders, first + k] += 1.0
                sums[SINK_SUM.orders_complete, first + k] += 1.0 if failed[k] == 0.0 else 0.0


@inner
def keep(t: int, rows: Table, links: Table, sinks: Table, history: History) -> None:
    """Copy the chosen series of this period."""
    for v in range(history.row_column.size):
        if history.row_column[v] >= rows.shape[0]:
            continue  # left out: nothing changes it
        for j in range(np.uint64(rows.shape[1])):
            history.rows[v, t, j] = rows[history.row_column[v], j]
    for v in range(history.link_column.size):
        if history.link_column[v] >= links.shape[0]:
            continue  # left out: nothing changes it
        for j in range(np.uint64(links.shape[1])):
            history.links[v, t, j] = links[history.link_column[v], j]
    for v in range(history.sink_column.size):
        if history.sink_column[v] >= sinks.shape[0]:
            continue  # left out: nothing changes it
        for j in range(np.uint64(sinks.shape[1])):
            history.sinks[v, t, j] = sinks[history.sink_column[v], j]
