"""What each phase of a plain period costs: every phase alone, many times over, on a live world.

A phase's time does not depend on the values it meets as long as nothing branches on them, so each
one is called again and again on the same warm state. What the parts leave over is the driver.
"""

from __future__ import annotations

import time

import numpy as np

from twin import policies
from twin.compile import Plan
from twin.engine import Simulation
from twin.jit import njit
from twin.phases import account, demand, inform, material, receive

PHASES = (
    "clear", "receive", "draw", "accept", "book", "decide", "order", "outside", "share out",
    "deliver", "send", "sum stock", "sum orders", "sum links", "sum sinks", "on time",
    "customer orders",
)  # fmt: skip


@njit
def repeat(which, n, t, K, seed, w):
    """Run one phase ``n`` times; the numbers are places in :data:`PHASES`."""
    net, rows, links, sinks, turn = w.network, w.rows, w.links, w.sinks, w.work.turn
    work, fx, rings, sums = w.work, w.effects, w.rings, w.sink_sums
    for _ in range(n):
        if which == 0:
            receive.clear_period(rows, links)
        elif which == 1:
            receive.receive(K, net, rows, links, rings, turn)
        elif which == 2:
            demand.draw(t, K, sinks, w.demand, fx, seed, 0, 0, 0, work.none)
        elif which == 3:
            demand.accept_all(K, net, sinks, rows)
        elif which == 4:
            demand.book(K, net, sinks, rows, rings, sums, turn)
        elif which == 5:
            policies.decide(0, 0, net.n_rows, t, K, w.rules, rows, rings)
        elif which == 6:
            inform.place(0, net.n_rows, t, K, net, rows, links, rings, fx, 0, 0)
        elif which == 7:
            material.move_outside(K, net, links, work, fx, 0, 0)
        elif which == 8:
            for m in range(net.n_stages):
                material.move_rows(m, K, net, rows, links, sinks, work, 0)
        elif which == 9:
            for m in range(net.n_stages):
                material.deliver(m, K, net, rows, sinks, 0, 0)
        elif which == 10:
            for m in range(net.n_stages + 1):
                material.send(m, K, net, rows, links, rings, turn, 0, 0)
        elif which == 11:
            account.account_stock(rows, w.row_sums)
        elif which == 12:
            account.account_orders(rows, w.row_sums)
        elif which == 13:
            account.account_links(links, w.link_sums)
        elif which == 14:
            account.account_sinks(K, net, sinks, sums)
        elif which == 15:
            account.account_on_time(t, K, net, sinks, rings, sums, turn)
        elif which == 16:
            account.account_customer_orders(
                t, K, net, sinks, rings, sums, turn, work.left, work.total
            )


def measure(plan: Plan, K: int, repeats: int = 5) -> dict[str, float]:
    """Return nanoseconds per row-period of each phase, least of ``repeats``."""
    found = {}
    calls = max(20, 2000 // K)
    for which, name in enumerate(PHASES):
        sim = Simulation(plan, K)
        sim.advance(40)
        args = (40, K, np.uint64(1), sim.world)
        repeat(which, 1, *args)
        spent = []
        for _ in range(repeats):
            begun = time.thread_time()
            repeat(which, calls, *args)
            spent.append(time.thread_time() - begun)
        found[name] = min(spent) / calls / plan.n_rows / K * 1e9
    return found
