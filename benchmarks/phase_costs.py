"""What each phase of a plain period costs: every phase alone, many times over, on a live world.

A phase's time does not depend on the values it meets as long as nothing branches on them, so each
one is called again and again on the same warm state. The driver's own share is what remains.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from twin.arrays import LINK, ROW, STAGE
from twin.compile import Plan
from twin.engine import Simulation
from twin.jit import njit
from twin.phases import account, demand, inform, material, receive

PHASES: dict[str, Callable[..., None]] = {}


def phase(function: Any) -> Any:
    PHASES[function.__name__] = njit(function)
    return PHASES[function.__name__]


@phase
def clear(n, t, K, seed, w):
    for _ in range(n):
        for j in range(np.uint64(w.rows.shape[1])):
            w.rows[ROW.incoming, j] = 0.0
        for x in range(np.uint64(w.links.shape[1])):
            w.links[LINK.moved, x] = 0.0


@phase
def receive_(n, t, K, seed, w):
    for _ in range(n):
        receive.receive(t, K, w.network, w.rows, w.links, w.rings)


@phase
def draw(n, t, K, seed, w):
    for _ in range(n):
        demand.draw(t, K, w.network, w.sinks, w.demand, w.effects, seed, 0, 0, 0, w.work.none)


@phase
def accept_all(n, t, K, seed, w):
    for _ in range(n):
        demand.accept_all(t, K, w.network, w.sinks, w.rows)


@phase
def book(n, t, K, seed, w):
    for _ in range(n):
        demand.book(t, K, w.network, w.sinks, w.rows, w.rings, w.sink_sums)


@phase
def choose(n, t, K, seed, w):
    for _ in range(n):
        inform.choose(0, 0, w.network.n_rows, t, K, w.rules, w.rows, w.rings)


@phase
def place(n, t, K, seed, w):
    for _ in range(n):
        inform.place(
            0, w.network.n_rows, t, K, w.network, w.rows, w.links, w.rings, w.effects, 0, 0
        )


@phase
def move_outside(n, t, K, seed, w):
    net = w.network
    a, b = net.stage[STAGE.send_off, 0], net.stage[STAGE.send_off, 1]
    for _ in range(n):
        material.move_outside(a, b, K, net, w.links, w.work, w.effects, 0, 0)


@phase
def move_rows(n, t, K, seed, w):
    net = w.network
    for _ in range(n):
        for m in range(net.n_stages):
            a, b = net.stage[STAGE.stage_off, m], net.stage[STAGE.stage_off, m + 1]
            material.move_rows(a, b, K, net, w.rows, w.links, w.sinks, w.work, w.effects, 0, 0)


@phase
def deliver(n, t, K, seed, w):
    net = w.network
    for _ in range(n):
        for m in range(net.n_stages):
            a, b = net.stage[STAGE.stage_off, m], net.stage[STAGE.stage_off, m + 1]
            material.deliver(a, b, K, net, w.rows, w.sinks, 0, 0)


@phase
def send(n, t, K, seed, w):
    net = w.network
    for _ in range(n):
        for m in range(net.n_stages + 1):
            a, b = net.stage[STAGE.send_off, m], net.stage[STAGE.send_off, m + 1]
            material.send(a, b, t, K, net, w.rules, w.rows, w.links, w.rings, 0, 0)


@phase
def account_stock(n, t, K, seed, w):
    for _ in range(n):
        account.account_stock(w.rows, w.row_sums)


@phase
def account_orders(n, t, K, seed, w):
    for _ in range(n):
        account.account_orders(w.rows, w.row_sums)


@phase
def account_links(n, t, K, seed, w):
    for _ in range(n):
        account.account_links(w.links, w.link_sums)


@phase
def account_sinks(n, t, K, seed, w):
    for _ in range(n):
        account.account_sinks(t, K, w.network, w.sinks, w.rings, w.sink_sums)


@phase
def account_customer_orders(n, t, K, seed, w):
    for _ in range(n):
        account.account_customer_orders(t, K, w.network, w.sinks, w.rings, w.sink_sums)


def measure(plan: Plan, K: int, repeats: int = 5, only: tuple[str, ...] = ()) -> dict[str, float]:
    """Return nanoseconds per row-period of each phase, least of ``repeats``."""
    found = {}
    calls = max(20, 2000 // K)
    for name in only or PHASES:
        sim = Simulation(plan, K)
        sim.advance(40)
        args = (40, K, np.uint64(1), sim.world)
        PHASES[name](1, *args)
        spent = []
        for _ in range(repeats):
            begun = time.thread_time()
            PHASES[name](calls, *args)
            spent.append(time.thread_time() - begun)
        found[name.rstrip("_")] = min(spent) / calls / plan.n_rows / K * 1e9
    return found
