"""Phase 2, receive: what is due comes in, losses strike, the record is scanned."""

from __future__ import annotations

import math

import numpy as np

from twin import rng
from twin.distributions import count_quantile
from twin.jit import njit
from twin.arrays import (
    Devices,
    Effects,
    Links,
    Network,
    Rings,
    Rows,
    RowSums,
    Rules,
)


@njit
def receive(t: int, K: int, net: Network, rows: Rows, links: Links, rings: Rings) -> None:
    """Take in what is due on every link with a lead time (no disruption, perfect books)."""
    for e in range(net.to.size):
        n = net.transit_len[e]
        if n == 0:
            continue
        slot = np.uint64((net.transit_off[e] + t % n) * K)
        i = np.uint64(net.to[e] * K)
        x = np.uint64(e * K)
        good = net.yield_[e]
        for k in range(np.uint64(K)):
            due = rings.transit[slot + k]
            rings.transit[slot + k] = 0.0
            links.on_way[x + k] -= due
            rows.on_hand[i + k] += good * due
            rows.on_order[i + k] -= good * due


@njit
def receive_disturbed(
    t: int, K: int, net: Network, rules: Rules, rows: Rows, links: Links, rings: Rings,
    fx: Effects, seed: int, k0: int, disturbed: int, records: int, integer: int, shelf: int,
) -> None:
    """Take in what is due: closed lanes stand still, closed docks keep it at the gate."""
    for e in range(net.to.size):
        n = net.transit_len[e]
        i = net.to[e]
        for k in range(K):
            x = e * K + k
            due = 0.0
            if n > 0:
                now = int(links.clock[x]) if net.closable[e] else t
                slot = (net.transit_off[e] + now % n) * K + k
                due = rings.transit[slot]
                rings.transit[slot] = 0.0
                links.on_way[x] -= due
            if disturbed and fx.dock[i * K + k] > 0.0 and net.kind[e] != 1:
                links.gate[x] += due
                continue
            due += links.gate[x]
            links.gate[x] = 0.0
            if due > 0.0:
                take_in(
                    e, i, k, t, K, due, net.yield_[e], rules, rows, links, rings, seed, k0,
                    records, integer, shelf,
                )


@njit
def take_in(
    e: int, i: int, k: int, t: int, K: int, due: float, yield_: float, rules: Rules, rows: Rows,
    links: Links, rings: Rings, seed: int, k0: int, records: int, integer: int, shelf: int,
) -> None:
    """Book one arrival: scrap, scan error, first-in-first-out counters."""
    j = i * K + k
    good = due * yield_
    rows.on_order[j] -= good
    if integer and yield_ < 1.0:
        whole = math.floor(good + links.carry[e * K + k] + 1e-9)
        links.carry[e * K + k] += good - whole
        good = whole
    rows.on_hand[j] += good
    if shelf:
        rows.in_total[j] += good
    if records:
        scanned = good
        if rules.scan_error[i] > 0.0:
            u = rng.uniform(seed, rules.row_stream[i], rng.SCAN, t, k0 + k)
            scanned = good * max(0.0, 1.0 + rules.scan_error[i] * rng.normal_quantile(u))
        rows.record[j] += scanned


@njit
def remove(j: int, x: float, rows: Rows, records: int, shelf: int) -> None:
    """Take units out of a stock point that the books know of."""
    rows.on_hand[j] = max(0.0, rows.on_hand[j] - x)
    if records:
        rows.record[j] = max(0.0, rows.record[j] - x)
    if shelf:
        rows.out_total[j] += x


@njit
def expire(t: int, K: int, rules: Rules, rows: Rows, rings: Rings, sums: RowSums, records: int) -> None:
    """Write off what is older than its shelf life, first in first out."""
    for i in range(rules.shelf_life.size):
        life = rules.shelf_life[i]
        if life == 0:
            continue
        for k in range(K):
            j = i * K + k
            slot = (rules.shelf_off[i] + t % (life + 1)) * K + k
            # the slot of period t - life - 1 is overwritten; t - life is the next one
            rings.shelf[slot] = rows.in_total[j]
            if t < life:
                continue
            old = rings.shelf[(rules.shelf_off[i] + (t - life) % (life + 1)) * K + k]
            gone = min(max(0.0, old - rows.out_total[j]), rows.on_hand[j])
            if gone > 0.0:
                remove(j, gone, rows, records, 1)
                rows.lost[j] += gone
                sums.expired[j] += gone


@njit
def destroy(
    K: int, fx: Effects, rows: Rows, sums: RowSums, records: int, integer: int, shelf: int
) -> None:
    """Lose the share of stock that a disaster takes at once."""
    for j in range(fx.destroy.size):
        if fx.destroy[j] > 0.0:
            gone = fx.destroy[j] * rows.on_hand[j]
            if integer:
                gone = math.floor(gone + 0.5)
            remove(j, gone, rows, records, shelf)
            rows.lost[j] += gone
            sums.destroyed[j] += gone


@njit
def shrink(
    t: int, K: int, rules: Rules, rows: Rows, sums: RowSums, seed: int, k0: int, integer: int,
    shelf: int,
) -> None:
    """Lose and misplace units unseen: the books do not know."""
    for i in range(rules.shrink.size):
        rate = rules.shrink[i]
        astray = rules.misplacement[i]
        if rate <= 0.0 and astray <= 0.0:
            continue
        for k in range(K):
            j = i * K + k
            if rate > 0.0:
                u = rng.uniform(seed, rules.row_stream[i], rng.SHRINK, t, k0 + k)
                gone = min(rows.on_hand[j], count_quantile(rate, 1.0, u))
                rows.on_hand[j] -= gone
                rows.lost[j] += gone
                sums.lost[j] += gone
                if shelf:
                    rows.out_total[j] += gone
            if astray > 0.0:
                moved = astray * rows.on_hand[j]
                if integer:
                    moved = math.floor(moved + 0.5)
                rows.on_hand[j] -= moved
                rows.misplaced[j] += moved
                if shelf:
                    rows.out_total[j] += moved


@njit
def upload(fx: Effects, rows: Rows) -> None:
    """Let a wrong stock file overwrite the books."""
    for j in range(fx.upload.size):
        if fx.upload[j] != 1.0:
            rows.record[j] *= fx.upload[j]


@njit
def correct(t: int, K: int, dev: Devices, rows: Rows) -> None:
    """Apply the corrections of readings that are due now."""
    for d in range(dev.row.size):
        n = dev.delay[d] + 1
        for k in range(K):
            slot = (dev.ring_off[d] + t % n) * K + k
            j = dev.row[d] * K + k
            if dev.ring[slot] != 0.0:
                rows.record[j] = max(0.0, rows.record[j] + dev.ring[slot])
                dev.ring[slot] = 0.0


@njit
def clear(rows: Rows) -> None:
    """Start a period's losses at zero."""
    rows.lost[:] = 0.0


@njit
def tick(K: int, net: Network, links: Links, fx: Effects, disturbed: int) -> None:
    """Advance the clocks of lanes that can close."""
    for e in range(net.to.size):
        if net.closable[e]:
            for k in range(K):
                shut = fx.closed[e * K + k] if disturbed else 0.0
                links.clock[e * K + k] += 1.0 - shut
