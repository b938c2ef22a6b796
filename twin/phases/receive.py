"""Phase 2, receive: what is due comes in, losses strike, the record is scanned."""

from __future__ import annotations

import math

import numpy as np

from twin import rng
from twin.arrays import (
    ERROR,
    FX_LINK,
    FX_ROW,
    LINK,
    LINK_FORM,
    NET_LINK,
    NET_ROW,
    RATE,
    ROW,
    ROW_FORM,
    ROW_SUM,
    Books,
    Devices,
    Effects,
    Floats,
    Ints,
    Stock,
    Supply,
    Table,
)
from twin.counts import count_quantile
from twin.jit import inner, leaf


@inner
def receive(
    K: int, supply: Supply, rows: Table, links: Table, rings: Floats, turn: Ints
) -> None:
    """Take in what is due on every link with a lead time (no disruption, perfect books)."""
    for e in range(np.uint64(supply.link.shape[1] - 1)):
        f = np.uint64(supply.link[NET_LINK.link_form, e])
        n = np.uint64(supply.form[LINK_FORM.transit_len, f])
        if n == 0:
            continue
        slot = np.uint64((supply.link[NET_LINK.transit_off, e] + turn[n]) * K)
        i = np.uint64(supply.link[NET_LINK.to, e] * K)
        x = e * np.uint64(K)
        good = supply.rate[RATE.yield_, f]
        for k in range(np.uint64(K)):
            due = rings[slot + k]
            rings[slot + k] = 0.0
            links[LINK.on_way, x + k] -= due
            rows[ROW.on_hand, i + k] += good * due
            rows[ROW.on_order, i + k] -= good * due


@inner
def receive_disturbed(
    t: int, K: int, supply: Supply, books: Books, rows: Table, links: Table, rings: Floats,
    fx: Effects, seed: int, k0: int, disturbed: int, records: int, integer: int, shelf: int,
) -> None:
    """Take in what is due: closed lanes stand still, closed docks keep it at the gate."""
    for e in range(supply.link.shape[1] - 1):
        f = supply.link[NET_LINK.link_form, e]
        n = supply.form[LINK_FORM.transit_len, f]
        i = np.int64(supply.link[NET_LINK.to, e])
        for k in range(K):
            x = e * K + k
            due = 0.0
            if n > 0:
                now = int(links[LINK.clock, x]) if supply.form[LINK_FORM.closable, f] else t
                slot = (supply.link[NET_LINK.transit_off, e] + now % n) * K + k
                due = rings[slot]
                rings[slot] = 0.0
                links[LINK.on_way, x] -= due
            if disturbed and fx.row[FX_ROW.dock, i * K + k] > 0.0 and supply.form[LINK_FORM.kind, f] != 1:
                links[LINK.gate, x] += due
                continue
            due += links[LINK.gate, x]
            links[LINK.gate, x] = 0.0
            if due > 0.0:
                take_in(
                    e, i, k, t, K, due, supply.rate[RATE.yield_, f], books, rows, links, seed, k0,
                    records, integer, shelf,
                )


@leaf
def take_in(
    e: int, i: int, k: int, t: int, K: int, due: float, yield_: float, books: Books, rows: Table,
    links: Table, seed: int, k0: int, records: int, integer: int, shelf: int,
) -> None:
    """Book one arrival: scrap, scan error, first-in-first-out counters."""
    j = i * K + k
    good = due * yield_
    rows[ROW.on_order, j] -= good
    if integer and yield_ < 1.0:
        whole = math.floor(good + links[LINK.carry, e * K + k] + 1e-9)
        links[LINK.carry, e * K + k] += good - whole
        good = whole
    rows[ROW.on_hand, j] += good
    if shelf:
        rows[ROW.in_total, j] += good
    if records:
        scanned = good
        if books.error[ERROR.scan_error, i] > 0.0:
            u = rng.uniform(seed, books.stream[i], rng.SCAN, t, k0 + k)
            scanned = good * max(0.0, 1.0 + books.error[ERROR.scan_error, i] * rng.normal_quantile(u))
        rows[ROW.record, j] += scanned


@inner
def remove(j: int, x: float, rows: Table, records: int, shelf: int) -> None:
    """Take units out of a stock point that the books know of."""
    rows[ROW.on_hand, j] = max(0.0, rows[ROW.on_hand, j] - x)
    if records:
        rows[ROW.record, j] = max(0.0, rows[ROW.record, j] - x)
    if shelf:
        rows[ROW.out_total, j] += x


@inner
def shelf_slots(i: int, stock: Stock) -> tuple[int, int]:
    """Return a row's shelf life (0: none) and the first slot of what had come in by when."""
    f = stock.row[NET_ROW.row_form, i]
    life = stock.form[ROW_FORM.shelf_life, f]
    if life == 0:
        return 0, 0
    return life, stock.row[NET_ROW.ring_off, i] + stock.form[ROW_FORM.shelf_at, f]


@inner
def expire(
    t: int, K: int, stock: Stock, rows: Table, rings: Floats, sums: Table, records: int
) -> None:
    """Write off what is older than its shelf life, first in first out."""
    for i in range(stock.row.shape[1] - 1):
        life, first = shelf_slots(i, stock)
        if life == 0 or t < life:
            continue
        for k in range(K):
            j = i * K + k
            old = rings[(first + (t - life) % (life + 1)) * K + k]
            gone = min(max(0.0, old - rows[ROW.out_total, j]), rows[ROW.on_hand, j])
            if gone > 0.0:
                remove(j, gone, rows, records, 1)
                rows[ROW.lost, j] += gone
                sums[ROW_SUM.expired, j] += gone


@inner
def remember_in(t: int, K: int, stock: Stock, rows: Table, rings: Floats) -> None:
    """Keep what has come in by the end of this period, for the shelf life."""
    for i in range(stock.row.shape[1] - 1):
        life, first = shelf_slots(i, stock)
        if life > 0:
            for k in range(K):
                rings[(first + t % (life + 1)) * K + k] = rows[ROW.in_total, i * K + k]


@inner
def destroy(
    K: int, fx: Effects, rows: Table, sums: Table, records: int, integer: int, shelf: int
) -> None:
    """Lose the share of stock that a disaster takes at once."""
    for j in range(fx.row.shape[1]):
        if fx.row[FX_ROW.destroy, j] > 0.0:
            gone = fx.row[FX_ROW.destroy, j] * rows[ROW.on_hand, j]
            if integer:
                gone = math.floor(gone + 0.5)
            remove(j, gone, rows, records, shelf)
            rows[ROW.lost, j] += gone
            sums[ROW_SUM.destroyed, j] += gone


@inner
def shrink(
    t: int, K: int, books: Books, rows: Table, sums: Table, seed: int, k0: int, integer: int,
    shelf: int,
) -> None:
    """Lose and misplace units unseen: the books do not know."""
    for i in range(books.error.shape[1]):
        rate = books.error[ERROR.shrink, i]
        astray = books.error[ERROR.misplacement, i]
        if rate <= 0.0 and astray <= 0.0:
            continue
        for k in range(K):
            j = i * K + k
            if rate > 0.0:
                u = rng.uniform(seed, books.stream[i], rng.SHRINK, t, k0 + k)
                gone = min(rows[ROW.on_hand, j], count_quantile(rate, 1.0, u))
                rows[ROW.on_hand, j] -= gone
                rows[ROW.lost, j] += gone
                sums[ROW_SUM.lost, j] += gone
                if shelf:
                    rows[ROW.out_total, j] += gone
            if astray > 0.0:
                moved = astray * rows[ROW.on_hand, j]
                if integer:
                    moved = math.floor(moved + 0.5)
                rows[ROW.on_hand, j] -= moved
                rows[ROW.misplaced, j] += moved
                if shelf:
                    rows[ROW.out_total, j] += moved


@inner
def upload(fx: Effects, rows: Table) -> None:
    """Let a wrong stock file overwrite the books."""
    for j in range(fx.row.shape[1]):
        if fx.row[FX_ROW.upload, j] != 1.0:
            rows[ROW.record, j] *= fx.row[FX_ROW.upload, j]


@inner
def correct(t: int, K: int, dev: Devices, rows: Table) -> None:
    """Apply the corrections of readings that are due now."""
    for d in range(dev.row.size):
        n = dev.delay[d] + 1
        for k in range(K):
            slot = (dev.ring_off[d] + t % n) * K + k
            j = dev.row[d] * K + k
            if dev.ring[slot] != 0.0:
                rows[ROW.record, j] = max(0.0, rows[ROW.record, j] + dev.ring[slot])
                dev.ring[slot] = 0.0


@inner
def clear_period(rows: Table, links: Table) -> None:
    """Start a period's orders received and dispatches at zero."""
    for j in range(np.uint64(rows.shape[1])):
        rows[ROW.incoming, j] = 0.0
    for x in range(np.uint64(links.shape[1])):
        links[LINK.moved, x] = 0.0


@inner
def lose(
    t: int, K: int, stock: Stock, books: Books, rows: Table, rings: Floats, sums: Table,
    fx: Effects, seed: int, k0: int, disturbed: int, records: int, integer: int, shelf: int,
) -> None:
    """Let destruction, expiry, shrink and wrong uploads strike."""
    rows[ROW.lost, :] = 0.0
    if disturbed:
        destroy(K, fx, rows, sums, records, integer, shelf)
    if shelf:
        expire(t, K, stock, rows, rings, sums, records)
    if records:
        shrink(t, K, books, rows, sums, seed, k0, integer, shelf)
        if disturbed:
            upload(fx, rows)


@inner
def tick(K: int, supply: Supply, links: Table, fx: Effects, disturbed: int) -> None:
    """Advance the clocks of lanes that can close."""
    for e in range(supply.link.shape[1] - 1):
        if supply.form[LINK_FORM.closable, supply.link[NET_LINK.link_form, e]]:
            for k in range(K):
                shut = fx.link[FX_LINK.closed, e * K + k] if disturbed else 0.0
                links[LINK.clock, e * K + k] += 1.0 - shut
