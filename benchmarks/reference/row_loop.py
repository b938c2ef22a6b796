"""The twin's period written by hand for one plain network: one loop down, one loop up, no blocks.

Every stock point has one link (shipped or bought, lead time 1 or more, no information delay), a
base stock with a fixed level and at most one class of customers who wait; scarce stock is split in
proportion. It draws the same demand and keeps the same sums as the kernel.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from twin.arrays import INPUT, NET_ROW, NET_SINK, ROW, SHIP, THETA
from twin.compile import Plan
from twin.compile.network import link_column, sink_column
from twin.rng import DEMAND, uniform

# the order in which the loop below writes them
SINK_SUMS = (
    "demand",
    "accepted",
    "delivered",
    "lost",
    "filled",
    "on_time",
    "due",
    "owed",
    "short",
    "orders",
    "orders_complete",
)
ROW_SUMS = ("on_hand", "backlog", "order", "order_squared", "incoming", "incoming_squared",
            "net_squared")  # fmt: skip
LINK_SUMS = ("shipped", "on_way", "orders", "dispatches", "placed")
_ONE = np.uint64(1)


class Things(NamedTuple):
    """State and sums of one run; ``n`` in an index means 'none' and points at a spare place."""

    up: Any
    lead: Any
    level: Any
    child_off: Any
    child: Any
    sink: Any
    on_hand: Any
    on_order: Any
    backlog: Any
    incoming: Any
    link_owed: Any
    on_way: Any
    slots: Any
    slot_off: Any
    owed: Any
    closed: Any
    ordered: Any
    delivered: Any
    demand: Any
    tolerance: Any
    curve_off: Any
    curve: Any
    asked: Any
    group_off: Any
    group_sink: Any
    row_sums: Any
    link_sums: Any
    sink_sums: Any


def sources(plan: Plan) -> Any:
    """Return the row that ships to each row of a plain network, their number for outside supply."""
    net = plan.network
    up = np.full(net.n_rows, net.n_rows)
    up[link_column(net, "kind") == SHIP] = net.supply.input[INPUT.input_row]
    return up


def levels(plan: Plan) -> Any:
    """Return the order-up-to level of each row."""
    net = plan.network
    return plan.rules.theta[THETA.level][net.stock.row[NET_ROW.parameters, : net.n_rows]]


def things(plan: Plan) -> Things:
    """Return the opening state of one run of a plain network."""
    net, world = plan.network, plan.world(1, 0, 1)
    n, s = net.n_rows, net.n_sinks
    lead = link_column(net, "lead")
    if (np.diff(net.stock.row[NET_ROW.in_off]) != 1).any() or (lead < 1).any():
        raise ValueError("the hand-written loop takes one link a stock point, lead time 1 or more")
    up = sources(plan)
    children = [np.flatnonzero(up == i) for i in range(n)]
    sink = np.full(n, s)
    sink[net.customers.sink[NET_SINK.sink_row, :s]] = np.arange(s)
    tolerance = sink_column(net, "tolerance")

    def index(values: Any) -> Any:
        return np.ascontiguousarray(values, dtype=np.uint32)

    def zeros(k: int) -> Any:
        return np.zeros(k)

    return Things(
        up=index(up), lead=index(lead), level=levels(plan),
        child_off=index(np.cumsum([0, *map(len, children)])),
        child=index(np.concatenate(children)), sink=index(sink),
        on_hand=world.rows[ROW.on_hand].copy(), on_order=zeros(n), backlog=zeros(n + 1),
        incoming=zeros(n + 1), link_owed=zeros(n), on_way=zeros(n), slots=zeros(int(lead.sum())),
        slot_off=index(np.cumsum([0, *lead])), owed=zeros(s), closed=zeros(s), ordered=zeros(s),
        delivered=zeros(s), demand=zeros(s), tolerance=tolerance.astype(np.int64),
        curve_off=index(np.cumsum([0, *(tolerance + 2)])), curve=zeros(int((tolerance + 2).sum())),
        asked=zeros(int((tolerance + 2).sum())), group_off=index(net.customers.order_off),
        group_sink=index(net.customers.order_sink), row_sums=np.zeros((len(ROW_SUMS), n)),
        link_sums=np.zeros((len(LINK_SUMS), n)), sink_sums=np.zeros((len(SINK_SUMS), s)),
    )  # fmt: skip


@numba.njit(cache=True, error_model="numpy", nogil=True)
def run(t0, t1, seed, w, stream, pattern, start, level_no, level_table, heads, cdf, guide):
    """Advance from period ``t0`` to ``t1``: orders up the levels, then goods down."""
    n = w.on_hand.size
    none = np.uint64(w.owed.size)
    for t in range(t0, t1):
        for i in range(np.uint64(n)):
            slot = np.uint64(w.slot_off[i]) + np.uint64(t) % np.uint64(w.lead[i])
            due = w.slots[slot]
            w.slots[slot] = 0.0
            w.on_way[i] -= due
            have = w.on_hand[i] + due
            coming = w.on_order[i] - due
            owed = w.backlog[i]
            asked = w.incoming[i]
            s = np.uint64(w.sink[i])
            if s != none:
                at = start[s] + np.uint64(level_no[pattern[s], np.uint64(t)])
                head = heads[level_table[at]]
                u = uniform(seed, stream[s], DEMAND, t, 0)
                first = head["start"]
                j = first + np.uint64(
                    guide[head["guide_start"] + np.uint64(np.int64(u * head["guide_size"]))]
                )
                while cdf[j] < u:
                    j += _ONE
                x = head["first"] + float(np.int64(j - first))
                w.demand[s] = x
                w.owed[s] += x
                w.ordered[s] += x
                owed += x
                asked += x
            q = max(0.0, w.level[i] - (have + coming - owed))
            w.on_hand[i] = have
            w.on_order[i] = coming + q
            w.backlog[i] = owed
            w.incoming[i] = 0.0
            w.link_owed[i] += q
            w.backlog[w.up[i]] += q
            w.incoming[w.up[i]] += q
            w.row_sums[2, i] += q
            w.row_sums[3, i] += q * q
            w.row_sums[4, i] += asked
            w.row_sums[5, i] += asked * asked
            w.link_sums[2, i] += 1.0 if q > 0.0 else 0.0
            w.link_sums[4, i] += q
        for back in range(np.uint64(n)):
            i = np.uint64(n) - _ONE - back
            a, b = np.uint64(w.child_off[i]), np.uint64(w.child_off[i + _ONE])
            s = np.uint64(w.sink[i])
            stock = w.on_hand[i]
            total = w.owed[s] if s != none else 0.0
            for p in range(a, b):
                total += w.link_owed[w.child[p]]
            ratio = stock / total if total > stock else 1.0
            out = 0.0
            if s != none:
                got = w.owed[s] * ratio
                w.owed[s] -= got
                w.closed[s] += got
                w.delivered[s] = got
                out += got
            for p in range(a, b):
                e = w.child[p]
                x = w.link_owed[e] * ratio
                w.link_owed[e] -= x
                w.on_way[e] += x
                w.slots[np.uint64(w.slot_off[e]) + np.uint64(t) % np.uint64(w.lead[e])] += x
                out += x
                w.link_sums[0, e] += x
                w.link_sums[1, e] += w.on_way[e]
                w.link_sums[3, e] += 1.0 if x > 0.0 else 0.0
            if w.up[i] == n:
                x = w.link_owed[i]
                w.link_owed[i] = 0.0
                w.on_way[i] += x
                w.slots[np.uint64(w.slot_off[i]) + np.uint64(t) % np.uint64(w.lead[i])] += x
                w.link_sums[0, i] += x
                w.link_sums[1, i] += w.on_way[i]
                w.link_sums[3, i] += 1.0 if x > 0.0 else 0.0
            stock = max(0.0, stock - out)
            owed = w.backlog[i] - out
            w.on_hand[i] = stock
            w.backlog[i] = owed
            net = stock - owed
            w.row_sums[0, i] += stock
            w.row_sums[1, i] += owed
            w.row_sums[6, i] += net * net
        w.incoming[n] = 0.0
        serve(t, w)


@numba.njit(cache=True, error_model="numpy", nogil=True)
def serve(t, w):
    """Keep what the service measures need: fill, on time, orders complete."""
    for s in range(np.uint64(w.owed.size)):
        wanted = w.demand[s]
        wait = w.tolerance[s]
        length = wait + 2
        base = np.int64(w.curve_off[s])
        w.curve[np.uint64(base + t % length)] = w.ordered[s]
        w.asked[np.uint64(base + t % length)] = wanted
        owed = w.owed[s]
        w.sink_sums[0, s] += wanted
        w.sink_sums[1, s] += wanted
        w.sink_sums[2, s] += w.delivered[s]
        w.sink_sums[4, s] += max(0.0, min(wanted, wanted - owed))
        w.sink_sums[7, s] += owed
        w.sink_sums[8, s] += 1.0 if owed > 1e-9 else 0.0
        then = t - wait
        if then >= 0:
            before = w.curve[np.uint64(base + (then - 1) % length)] if then > 0 else 0.0
            ordered = w.curve[np.uint64(base + then % length)] - before
            w.sink_sums[5, s] += max(0.0, min(ordered, w.closed[s] - before))
            w.sink_sums[6, s] += w.asked[np.uint64(base + then % length)]
    for g in range(np.uint64(w.group_off.size - 1)):
        a, b = np.uint64(w.group_off[g]), np.uint64(w.group_off[g + _ONE])
        wait = np.int64(0)
        for p in range(a, b):
            wait = max(wait, w.tolerance[w.group_sink[p]])
        then = t - wait
        if then < 0:
            continue
        lines, complete = 0.0, 1.0
        for p in range(a, b):
            s = w.group_sink[p]
            length = w.tolerance[s] + 2
            slot = np.uint64(np.int64(w.curve_off[s]) + then % length)
            if w.asked[slot] <= 0.0:
                continue
            lines += 1.0
            ordered = w.curve[slot]
            if w.closed[s] < ordered - 1e-9 * max(1.0, ordered):
                complete = 0.0
        if lines > 0.0:
            w.sink_sums[9, w.group_sink[a]] += 1.0
            w.sink_sums[10, w.group_sink[a]] += complete


def draws(plan: Plan) -> tuple[Any, ...]:
    """Return the twin's demand tables in the order that :func:`run` takes them."""
    d = plan.demand
    one = d.forms[d.form]
    start, pattern = (np.ascontiguousarray(one[name]) for name in ("start", "pattern"))
    return (
        d.stream,
        pattern,
        start,
        d.level,
        d.level_table,
        d.counts.heads,
        d.counts.cdf,
        d.counts.guide,
    )


def sums(w: Things) -> dict[str, Any]:
    """Return the sums under the names of the twin, ``(things, 1)``."""
    found = {f"rows.{name}": w.row_sums[i] for i, name in enumerate(ROW_SUMS)}
    found |= {f"links.{name}": w.link_sums[i] for i, name in enumerate(LINK_SUMS)}
    found |= {f"sinks.{name}": w.sink_sums[i] for i, name in enumerate(SINK_SUMS)}
    return {name: values.reshape(-1, 1) for name, values in found.items()}
