"""Phase 7, account: sums for the KPIs and the chosen histories."""

from __future__ import annotations

import numpy as np

from twin.arrays import (
    LINK,
    LINK_SUM,
    NET_SINK,
    ORDER_SUM,
    ROW,
    ROW_SUM,
    SINK,
    SINK_FORM,
    SINK_SUM,
    Customers,
    Floats,
    History,
    Ints,
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
def account_sinks(
    t: int, K: int, customers: Customers, sinks: Table, rings: Floats, sums: Table, turn: Ints
) -> None:
    """Count what was filled at once, what is owed and what was closed in time (nothing is lost)."""
    for s in range(np.uint64(customers.sink.shape[1] - 1)):
        f = np.uint64(customers.sink[NET_SINK.sink_form, s])
        wait = customers.form[SINK_FORM.tolerance, f]
        n = customers.form[SINK_FORM.curve_len, f]
        high, low = curve_slots(s, K, n, turn[np.uint64(n)] - wait, customers)
        past = 1.0 if t > wait else 0.0
        counts = 1.0 if t >= wait else 0.0
        x0 = s * np.uint64(K)
        for k in range(np.uint64(K)):
            x = x0 + k
            owed = sinks[SINK.owed, x]
            filled = sinks[SINK.demand, x] - owed
            before = past * rings[low + k]
            ordered = rings[high + k]
            done = min(ordered, sinks[SINK.closed_total, x]) - before
            sums[SINK_SUM.owed, x] += owed
            sums[SINK_SUM.filled, x] += filled if filled > _SAME else 0.0
            sums[SINK_SUM.short, x] += 1.0 if owed > _SAME else 0.0
            sums[SINK_SUM.on_time, x] += counts * max(0.0, done)
            sums[SINK_SUM.due, x] += counts * (ordered - before)


@inner
def curve_slots(
    s: np.uint64, K: int, n: int, place: int, customers: Customers
) -> tuple[np.uint64, np.uint64]:
    """Return the slots of a sink's curve at a place and at the one before.

    A place before the first one counts from the ring's end.
    """
    curve = customers.sink[NET_SINK.curve_off, s]
    at = place + n if place < 0 else place
    low = at - 1 + n if at == 0 else at - 1
    return np.uint64((curve + at) * K), np.uint64((curve + low) * K)


@inner
def account_losses(K: int, customers: Customers, sinks: Table, sums: Table) -> None:
    """Add up losses, backlog and what was filled where customers can be lost."""
    for s in range(customers.sink.shape[1] - 1):
        f = customers.sink[NET_SINK.sink_form, s]
        gone_at_once = customers.form[SINK_FORM.patience, f] == 0
        x0 = np.uint64(s * K)
        for k in range(np.uint64(K)):
            x = x0 + k
            owed = sinks[SINK.owed, x]
            lost = sinks[SINK.lost, x]
            filled = sinks[SINK.accepted, x] - owed - (lost if gone_at_once else 0.0)
            sums[SINK_SUM.lost, x] += lost
            sums[SINK_SUM.owed, x] += owed
            sums[SINK_SUM.filled, x] += filled if filled > _SAME else 0.0
            sums[SINK_SUM.short, x] += 1.0 if owed > _SAME or lost > _SAME else 0.0


@inner
def account_on_time(
    t: int, K: int, customers: Customers, sinks: Table, rings: Floats, sums: Table, turn: Ints
) -> None:
    """Count what is closed by the tolerance of its customers where they can be lost."""
    for s in range(customers.sink.shape[1] - 1):
        f = customers.sink[NET_SINK.sink_form, s]
        wait = customers.form[SINK_FORM.tolerance, f]
        if t < wait:
            continue
        n = customers.form[SINK_FORM.curve_len, f]
        high, low = curve_slots(np.uint64(s), K, n, turn[n] - wait, customers)
        asked = high + np.uint64(n * K)
        # who leaves in this very period was accepted in ``t - wait`` and is not on time
        leaving = 1.0 if wait == customers.form[SINK_FORM.patience, f] else 0.0
        past = 1.0 if t > wait else 0.0
        x0 = np.uint64(s * K)
        for k in range(np.uint64(K)):
            x = x0 + k
            before = past * rings[low + k]
            done = sinks[SINK.closed_total, x] - leaving * sinks[SINK.lost, x] - before
            sums[SINK_SUM.on_time, x] += max(0.0, min(rings[high + k] - before, done))
            sums[SINK_SUM.due, x] += abs(rings[asked + k])


@inner
def account_customer_orders(
    t: int, K: int, customers: Customers, sinks: Table, rings: Floats, sums: Table, turn: Ints,
    loses: int, lines: Floats, failed: Floats,
) -> None:
    """Count orders complete in time: all lines of one customer, site and period (OTIF)."""
    for g in range(customers.order_off.size - 1):
        a, b = customers.order_off[g], customers.order_off[g + 1]
        wait = 0
        for p in range(a, b):
            f = customers.sink[NET_SINK.sink_form, customers.order_sink[p]]
            wait = max(wait, customers.form[SINK_FORM.tolerance, f])
        if t < wait:
            continue
        past = 1.0 if t > wait else 0.0
        for k in range(np.uint64(K)):
            lines[k] = 0.0
            failed[k] = 0.0
        for p in range(a, b):
            s = customers.order_sink[p]
            n = customers.form[SINK_FORM.curve_len, customers.sink[NET_SINK.sink_form, s]]
            high, low = curve_slots(np.uint64(s), K, n, turn[n] - wait, customers)
            x = np.uint64(s * K)
            for k in range(np.uint64(K)):
                now = rings[high + k]
                accepted = now - past * rings[low + k]
                asked = rings[high + np.uint64(n * K) + k] if loses else accepted
                slack = _SAME * max(1.0, now)
                lines[k] += 1.0 if asked != 0.0 else 0.0
                # given up waiting (asked is then negative), still owed, or refused in part
                short = accepted < asked - slack
                late = sinks[SINK.closed_total, x + k] < now - slack
                failed[k] += 1.0 if asked < 0.0 or (asked > 0.0 and (short or late)) else 0.0
        x = np.uint64(g * K)
        for k in range(np.uint64(K)):
            if lines[k] > 0.0:
                sums[ORDER_SUM.orders, x + k] += 1.0
                sums[ORDER_SUM.orders_complete, x + k] += 1.0 if failed[k] == 0.0 else 0.0


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
