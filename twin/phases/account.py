"""Phase 7, account: sums for the KPIs and the chosen histories."""

from __future__ import annotations

import numpy as np

from twin.jit import njit
from twin.arrays import (
    History,
    Links,
    LinkSums,
    Network,
    Rings,
    Rows,
    RowSums,
    Sinks,
    SinkSums,
)

_SAME = 1e-9  # relative tolerance of the cumulative curves


@njit
def account_stock(rows: Rows, sums: RowSums) -> None:
    """Add up stock and backlog."""
    for j in range(np.uint64(rows.on_hand.size)):
        have = rows.on_hand[j]
        owed = rows.backlog[j]
        net = have - owed
        sums.on_hand[j] += have
        sums.backlog[j] += owed
        sums.net_squared[j] += net * net


@njit
def account_orders(rows: Rows, sums: RowSums) -> None:
    """Add up orders placed and orders received, with their squares (bullwhip)."""
    for j in range(np.uint64(rows.on_hand.size)):
        out = rows.order[j]
        came = rows.incoming[j]
        sums.order[j] += out
        sums.order_squared[j] += out * out
        sums.incoming[j] += came
        sums.incoming_squared[j] += came * came


@njit
def account_records(rows: Rows, sums: RowSums) -> None:
    """Count wrong records and empty shelves."""
    for j in range(np.uint64(rows.on_hand.size)):
        gap = rows.record[j] - rows.on_hand[j]
        if gap > 0.5 or gap < -0.5:
            sums.wrong_record[j] += 1.0


@njit
def account_links(links: Links, sums: LinkSums) -> None:
    """Add up shipments, orders and goods on the way."""
    for x in range(np.uint64(links.moved.size)):
        out = links.moved[x]
        sums.shipped[x] += out
        sums.placed[x] += links.placed[x]
        sums.on_way[x] += links.on_way[x]
        sums.orders[x] += 1.0 if links.placed[x] > 0.0 else 0.0
        sums.dispatches[x] += 1.0 if out > 0.0 else 0.0


@njit
def account_gates(links: Links, sums: LinkSums) -> None:
    """Add up goods that wait at gates."""
    for x in range(np.uint64(links.gate.size)):
        sums.gate[x] += links.gate[x]


@njit
def account_sinks(
    t: int, K: int, net: Network, sinks: Sinks, rings: Rings, sums: SinkSums
) -> None:
    """Match what was delivered to what was ordered, first in first out."""
    for s in range(net.sink_row.size):
        n = net.curve_len[s]
        wait = net.tolerance[s]
        x0 = np.uint64(s * K)
        then = t - wait
        high = np.uint64((net.curve_off[s] + then % max(n, 1)) * K)
        low = np.uint64((net.curve_off[s] + (then - 1) % max(n, 1)) * K)
        for k in range(np.uint64(K)):
            x = x0 + k
            owed = sinks.owed[x]
            lost = sinks.lost[x]
            filled = max(0.0, min(sinks.accepted[x], sinks.accepted[x] - owed))
            sums.delivered[x] += sinks.delivered[x]
            sums.lost[x] += lost
            sums.owed[x] += owed
            sums.filled[x] += filled
            sums.short[x] += 1.0 if owed > _SAME or lost > _SAME else 0.0
            if n == 0:
                sums.on_time[x] += filled
                sums.due[x] += sinks.demand[x]
            elif then >= 0:
                before = rings.curve[low + k] if then > 0 else 0.0
                asked = rings.curve[high + k] - before
                done = sinks.closed_total[x] - before
                sums.on_time[x] += max(0.0, min(asked, done))
                sums.due[x] += rings.asked[high + k]


@njit
def account_customer_orders(
    t: int, K: int, net: Network, sinks: Sinks, rings: Rings, sums: SinkSums
) -> None:
    """Count orders complete in time: all lines of one customer, site and period (OTIF)."""
    for g in range(net.order_group_off.size - 1):
        a, b = net.order_group_off[g], net.order_group_off[g + 1]
        first = net.order_group_sink[a]
        wait = 0
        for p in range(a, b):
            wait = max(wait, net.tolerance[net.order_group_sink[p]])
        then = t - wait
        if then < 0:
            continue
        for k in range(K):
            lines = 0.0
            complete = 1.0
            for p in range(a, b):
                s = net.order_group_sink[p]
                x = s * K + k
                n = net.curve_len[s]
                slot = (net.curve_off[s] + then % n) * K + k
                asked = rings.asked[slot]
                if asked <= 0.0:
                    continue
                lines += 1.0
                now = rings.curve[slot]
                before = rings.curve[(net.curve_off[s] + (then - 1) % n) * K + k] if then > 0 else 0.0
                slack = _SAME * max(1.0, now)
                if now - before < asked - slack or sinks.closed_total[x] < now - slack:
                    complete = 0.0
            if lines > 0.0:
                sums.orders[first * K + k] += 1.0
                sums.orders_complete[first * K + k] += complete


@njit
def keep(t: int, rows: Rows, links: Links, sinks: Sinks, history: History) -> None:
    """Copy the chosen series of this period."""
    for v in range(history.row_field.size):
        source = rows[history.row_field[v]]
        for j in range(np.uint64(source.size)):
            history.rows[v, t, j] = source[j]
    for v in range(history.link_field.size):
        source = links[history.link_field[v]]
        for j in range(np.uint64(source.size)):
            history.links[v, t, j] = source[j]
    for v in range(history.sink_field.size):
        source = sinks[history.sink_field[v]]
        for j in range(np.uint64(source.size)):
            history.sinks[v, t, j] = source[j]
