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
from twin.jit import inlined, njit
from twin.phases import account, demand, inform, material, receive

PHASES = (
    "clear", "receive", "draw", "queue", "decide", "order", "outside", "ship", "sum stock",
    "sum orders", "sum links", "sum sinks", "customer orders",
)  # fmt: skip


@inlined
def phase(which, n, t, K, wide, seed, w):
    """Run one phase ``n`` times; the numbers are places in :data:`PHASES`."""
    net, rows, links, sinks, turn = w.network, w.rows, w.links, w.sinks, w.work.turn
    stock, supply, sweep, customers = net.stock, net.supply, net.sweep, net.customers
    work, fx, rings, sums = w.work, w.effects, w.rings, w.sink_sums
    for _ in range(n):
        if which == 0:
            receive.clear_period(rows, links)
        elif which == 1:
            receive.receive(K, supply, rows, links, rings, turn)
        elif which == 2:
            demand.draw(t, wide, sinks, w.demand, fx, seed, 0, 0, 0, work.none)
        elif which == 3:
            demand.queue(K, customers, sinks, rows, rings, sums, turn)
        elif which == 4:
            policies.decide(0, 0, net.n_rows, t, K, w.rules, rows, rings)
        elif which == 5:
            inform.place(0, net.n_rows, t, K, stock, supply, rows, links, rings)
        elif which == 6:
            material.ship_outside(K, sweep, supply, links, rings, turn)
        elif which == 7:
            for m in range(net.n_stages):
                material.ship_rows(
                    m,
                    K,
                    wide,
                    sweep,
                    stock,
                    supply,
                    rows,
                    links,
                    sinks,
                    rings,
                    turn,
                    work.claim,
                    work.later,
                    work.left,
                    work.total,
                    0,
                )
        elif which == 8:
            account.account_stock(rows, w.row_sums)
        elif which == 9:
            account.account_orders(rows, w.row_sums)
        elif which == 10:
            account.account_links(links, w.link_sums)
        elif which == 11:
            account.account_sinks(t, K, customers, sinks, rings, sums, turn)
        elif which == 12:
            account.account_customer_orders(
                t, K, customers, sinks, rings, w.order_sums, turn, 0, work.left, work.total
            )


@njit
def repeat(which, n, t, K, seed, w):
    """Run one phase ``n`` times for a block of replications."""
    phase(which, n, t, K, K, seed, w)


@njit
def repeat_single(which, n, t, K, seed, w):
    """Run one phase ``n`` times for one replication, as ``kernel.run_single`` does."""
    phase(which, n, t, 1, K, seed, w)


def measure(plan: Plan, K: int, repeats: int = 5) -> dict[str, float]:
    """Return nanoseconds per row-period of each phase, least of ``repeats``."""
    found = {}
    calls = max(20, 2000 // K)
    for which, name in enumerate(PHASES):
        sim = Simulation(plan, K)
        sim.advance(40)
        args = (40, K, np.uint64(1), sim.world)
        run = repeat_single if K == 1 else repeat
        run(which, 1, *args)
        spent = []
        for _ in range(repeats):
            begun = time.thread_time()
            run(which, calls, *args)
            spent.append(time.thread_time() - begun)
        found[name] = min(spent) / calls / plan.n_rows / K * 1e9
    return found
