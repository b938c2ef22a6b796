"""Phase 5, material sweep: upstream to downstream, make, then ship."""

from __future__ import annotations

import math

import numpy as np

from twin import rng
from twin.arrays import (
    CLAIM,
    FX_LINK,
    FX_ROW,
    INPUT,
    LINK,
    LINK_FORM,
    NET_LINK,
    NET_ROW,
    NET_SINK,
    RATE,
    ROW,
    ROW_FORM,
    SINK,
    SINK_FORM,
    SINK_SUM,
    STAGE,
    Books,
    Customers,
    Effects,
    Floats,
    Ints,
    Stock,
    Streams,
    Supply,
    Sweep,
    Table,
)
from twin.distributions import lead_quantile
from twin.jit import inner, leaf
from twin.phases.allocate import fill_claims, grant
from twin.phases.receive import take_in
from twin.phases.wishes import hold_back, usage_of, whole, wish

_TINY = 1e-9  # less is rounding noise and stays where it is


@inner
def ship_outside(
    K: int, sweep: Sweep, supply: Supply, links: Table, rings: Floats, turn: Ints
) -> None:
    """Let outside suppliers ship in an undisturbed period (constant lead times)."""
    for p in range(sweep.stage[STAGE.send_off, 0], sweep.stage[STAGE.send_off, 1]):
        e = sweep.send_link[p]
        x = np.uint64(e * K)
        cap = supply.rate[RATE.limit, supply.link[NET_LINK.link_form, e]]
        slot = np.uint64(due_slot(np.uint64(e), supply, turn) * K)
        for k in range(np.uint64(K)):
            want = min(links[LINK.owed, x + k], cap)
            out = want if want > _TINY else 0.0
            links[LINK.moved, x + k] = out
            links[LINK.owed, x + k] -= out
            links[LINK.on_way, x + k] += out
            rings[slot + k] += out


@leaf
def due_slot(e: np.uint64, supply: Supply, turn: Ints) -> int:
    """Return the slot of what a link with a constant lead time ships now: the one just emptied."""
    f = np.uint64(supply.link[NET_LINK.link_form, e])
    n = np.uint64(supply.form[LINK_FORM.transit_len, f])
    return supply.link[NET_LINK.transit_off, e] + turn[n]


@inner
def move_outside(
    K: int, sweep: Sweep, supply: Supply, links: Table, want: Floats, allowed: Floats, fx: Effects,
    disturbed: int, integer: int,
) -> None:
    """Let outside suppliers ship, and production without components start."""
    for p in range(sweep.stage[STAGE.send_off, 0], sweep.stage[STAGE.send_off, 1]):
        e = sweep.send_link[p]
        f = supply.link[NET_LINK.link_form, e]
        wish(e, K, supply, links, want, fx, disturbed)
        if disturbed and supply.form[LINK_FORM.kind, f] == 1:
            hold_back(e, K, True, supply, links, want, allowed, fx, integer)
        for x in range(e * K, e * K + K):
            out = whole(want[x], supply.rate[RATE.batch, f], integer)
            links[LINK.moved, x] = out if out > _TINY else 0.0


@inner
def ship_rows(
    m: int, K: int, wide: int, sweep: Sweep, stock: Stock, supply: Supply, rows: Table,
    links: Table, sinks: Table, rings: Floats, turn: Ints, claim: Floats, later: Floats,
    left: Floats, total: Floats, integer: int,
) -> None:
    """Split the stock of independent rows, hand it over and put it on the way.

    For undisturbed periods, books that are right and constant lead times.
    """
    first, end = sweep.stage[STAGE.stage_off, m], sweep.stage[STAGE.stage_off, m + 1]
    for p in range(np.uint64(first), np.uint64(end)):
        i = np.uint64(sweep.stage_row[p])
        a = np.uint64(stock.row[NET_ROW.claim_off, i])
        b = np.uint64(stock.row[NET_ROW.claim_off, i + np.uint64(1)])
        r = i * np.uint64(K)
        for q in range(a, b):
            c = (q - a) * np.uint64(K)
            e = stock.claim[CLAIM.claim_index, q]
            if e >= 0:
                x = np.uint64(e * K)
                for k in range(np.uint64(K)):
                    claim[c + k] = links[LINK.owed, x + k]
            else:
                x = np.uint64((-1 - e) * K)
                for k in range(np.uint64(K)):
                    claim[c + k] = sinks[SINK.owed, x + k]
        if b == a + np.uint64(1):
            for k in range(np.uint64(K)):
                claim[k] = min(claim[k], rows[ROW.on_hand, r + k])
        elif in_proportion(i, a, b, stock):
            split_in_proportion(b - a, K, rows, r, claim, left, total)
        else:
            for k in range(np.uint64(K)):
                left[k] = rows[ROW.on_hand, r + k]
            grant_apart(np.int64(i), wide, np.int64(a), stock, links, claim, later, left, total, integer)
        for q in range(a, b):
            c = (q - a) * np.uint64(K)
            e = stock.claim[CLAIM.claim_index, q]
            if e >= 0:
                x = np.uint64(e * K)
                slot = np.uint64(due_slot(np.uint64(e), supply, turn) * K)
                for k in range(np.uint64(K)):
                    out = claim[c + k] if claim[c + k] > _TINY else 0.0
                    links[LINK.moved, x + k] = out
                    links[LINK.owed, x + k] -= out
                    links[LINK.on_way, x + k] += out
                    rings[slot + k] += out
                    rows[ROW.backlog, r + k] -= out
                    rows[ROW.on_hand, r + k] = max(0.0, rows[ROW.on_hand, r + k] - out)
            else:
                x = np.uint64((-1 - e) * K)
                for k in range(np.uint64(K)):
                    out = claim[c + k] if claim[c + k] > _TINY else 0.0
                    sinks[SINK.owed, x + k] -= out
                    sinks[SINK.delivered, x + k] += out
                    sinks[SINK.closed_total, x + k] += out
                    rows[ROW.backlog, r + k] -= out
                    rows[ROW.on_hand, r + k] = max(0.0, rows[ROW.on_hand, r + k] - out)


@inner
def in_proportion(i: np.uint64, a: np.uint64, b: np.uint64, stock: Stock) -> bool:
    """Return whether the claims ``a ... b`` of a row are of one class, which shares in proportion."""
    f = np.uint64(stock.row[NET_ROW.row_form, i])
    if stock.form[ROW_FORM.customers_first, f] or stock.form[ROW_FORM.split, f] == 1:
        return False
    if b == a or stock.claim.shape[0] <= CLAIM.claim_class:
        return True
    last = stock.claim[CLAIM.claim_class, b - np.uint64(1)]  # they come in the order of classes
    return bool(stock.claim[CLAIM.claim_class, a] == last)


@inner
def split_in_proportion(
    n: np.uint64, K: int, rows: Table, r: np.uint64, claim: Floats, left: Floats, total: Floats
) -> None:
    """Share what a row has on hand over ``n`` claims in proportion to what they want."""
    for k in range(np.uint64(K)):
        total[k] = 0.0
    for q in range(n):
        for k in range(np.uint64(K)):
            total[k] += claim[q * np.uint64(K) + k]
    for k in range(np.uint64(K)):
        have = rows[ROW.on_hand, r + k]
        left[k] = have / total[k] if total[k] > have else 1.0
    for q in range(n):
        for k in range(np.uint64(K)):
            claim[q * np.uint64(K) + k] *= left[k]


@inner
def grant_apart(
    i: int, K: int, first: int, stock: Stock, links: Table, claim: Floats, later: Floats,
    left: Floats, total: Floats, integer: int,
) -> None:
    """Do as :func:`grant`, called: its code inside :func:`ship_rows` would slow the plain rows."""
    grant(i, K, first, stock, links, claim, later, left, total, integer)


@inner
def move_rows(
    m: int, K: int, sweep: Sweep, stock: Stock, supply: Supply, rows: Table, links: Table,
    sinks: Table, want: Floats, allowed: Floats, claim: Floats, later: Floats, left: Floats,
    total: Floats, fx: Effects, disturbed: int, integer: int,
) -> None:
    """Split the stock of independent rows over their sinks and ship links."""
    for p in range(sweep.stage[STAGE.stage_off, m], sweep.stage[STAGE.stage_off, m + 1]):
        i = np.int64(sweep.stage_row[p])
        a, b = stock.row[NET_ROW.claim_off, i], stock.row[NET_ROW.claim_off, i + 1]
        for q in range(a, b):
            e = stock.claim[CLAIM.claim_index, q]
            if e >= 0:
                wish(e, K, supply, links, want, fx, disturbed)
                if disturbed:
                    hold_back(e, K, True, supply, links, want, allowed, fx, integer)
        fill_claims(i, K, np.int64(a), stock, sinks, want, claim, fx, disturbed, integer)
        for k in range(K):
            left[k] = rows[ROW.on_hand, i * K + k]
        grant(i, K, np.int64(a), stock, links, claim, later, left, total, integer)
        for q in range(a, b):
            e = stock.claim[CLAIM.claim_index, q]
            for k in range(K):
                got = whole(claim[(q - a) * K + k], 0.0, integer)
                got = got if got > _TINY else 0.0
                if e >= 0:
                    links[LINK.moved, e * K + k] = got
                else:
                    sinks[SINK.served, (-1 - e) * K + k] = got


@inner
def deliver(
    m: int, K: int, sweep: Sweep, stock: Stock, rows: Table, sinks: Table, records: int, shelf: int
) -> None:
    """Hand over to the customers of the rows of a stage what they were allotted."""
    for p in range(sweep.stage[STAGE.stage_off, m], sweep.stage[STAGE.stage_off, m + 1]):
        i = sweep.stage_row[p]
        r = np.uint64(i * K)
        for s in range(stock.row[NET_ROW.sink_off, i], stock.row[NET_ROW.sink_off, i + 1]):
            x = np.uint64(s * K)
            if records or shelf:
                book_out(i, s, K, 1.0, sinks, SINK.served, rows, records, shelf)
            for k in range(np.uint64(K)):
                got = sinks[SINK.served, x + k]
                sinks[SINK.served, x + k] = 0.0
                sinks[SINK.owed, x + k] -= got
                sinks[SINK.delivered, x + k] += got
                sinks[SINK.closed_total, x + k] += got
                rows[ROW.backlog, r + k] -= got
                rows[ROW.on_hand, r + k] = max(0.0, rows[ROW.on_hand, r + k] - got)


@leaf
def book_out(
    i: int, x: int, K: int, usage: float, moved: Table, column: int, rows: Table, records: int,
    shelf: int
) -> None:
    """Book issues of a row in its record and its first-in-first-out counter."""
    for k in range(K):
        got = usage * moved[column, x * K + k]
        if records:
            rows[ROW.record, i * K + k] = max(0.0, rows[ROW.record, i * K + k] - got)
        if shelf:
            rows[ROW.out_total, i * K + k] += got


@inner
def send(
    m: int, K: int, sweep: Sweep, supply: Supply, rows: Table, links: Table, rings: Floats,
    turn: Ints, records: int, shelf: int,
) -> None:
    """Take what moves out of its components' stock and put it on the way (constant lead times)."""
    for p in range(sweep.stage[STAGE.send_off, m], sweep.stage[STAGE.send_off, m + 1]):
        e = sweep.send_link[p]
        f = supply.link[NET_LINK.link_form, e]
        x = np.uint64(e * K)
        for q in range(supply.link[NET_LINK.input_off, e], supply.link[NET_LINK.input_off, e + 1]):
            i = supply.input[INPUT.input_row, q]
            r = np.uint64(i * K)
            usage = usage_of(q, supply.usage)
            for k in range(np.uint64(K)):
                out = usage * links[LINK.moved, x + k]
                rows[ROW.on_hand, r + k] = max(0.0, rows[ROW.on_hand, r + k] - out)
                rows[ROW.backlog, r + k] -= out
            if records or shelf:
                book_out(i, e, K, usage, links, LINK.moved, rows, records, shelf)
        for k in range(np.uint64(K)):
            links[LINK.owed, x + k] -= links[LINK.moved, x + k]
        if supply.form[LINK_FORM.lead, f] > 0 and not supply.form[LINK_FORM.special, f]:
            slot = np.uint64(due_slot(np.uint64(e), supply, turn) * K)
            for k in range(np.uint64(K)):
                links[LINK.on_way, x + k] += links[LINK.moved, x + k]
                rings[slot + k] += links[LINK.moved, x + k]


@inner
def send_special(
    m: int, t: int, K: int, sweep: Sweep, supply: Supply, books: Books, rows: Table, links: Table,
    rings: Floats, fx: Effects, leads, lead_table: Ints, luck: Streams, seed: int, k0: int,
    disturbed: int, records: int, integer: int, shelf: int,
) -> None:
    """Put on the way what has a random, zero, stretched or interruptible lead time."""
    for p in range(sweep.stage[STAGE.send_off, m], sweep.stage[STAGE.send_off, m + 1]):
        e = np.int64(sweep.send_link[p])
        f = supply.link[NET_LINK.link_form, e]
        if not supply.form[LINK_FORM.special, f]:
            continue
        i = np.int64(supply.link[NET_LINK.to, e])
        n = supply.form[LINK_FORM.transit_len, f]
        dock = disturbed and supply.form[LINK_FORM.kind, f] != 1
        for k in range(K):
            x = e * K + k
            out = links[LINK.moved, x]
            if out <= 0.0:
                continue
            lead = supply.form[LINK_FORM.lead, f]
            if lead < 0:
                u = rng.uniform(seed, luck[e], rng.LEAD_TIME, t, k0 + k)
                lead = lead_quantile(leads, lead_table[e], u)
            if disturbed and fx.link[FX_LINK.stretch, x] != 1.0:
                lead = math.floor(lead * fx.link[FX_LINK.stretch, x] + 0.5)
            if disturbed and fx.link[FX_LINK.closed, x] > 0.0:
                lead = max(lead, 1)  # nothing passes a closed lane
            now = int(links[LINK.clock, x]) if supply.form[LINK_FORM.closable, f] else t
            due = now + lead
            if supply.form[LINK_FORM.fifo, f]:
                due = max(due, int(links[LINK.last_due, x]))
                links[LINK.last_due, x] = due
            if due > now:
                links[LINK.on_way, x] += out
                rings[(supply.link[NET_LINK.transit_off, e] + due % n) * K + k] += out
            elif dock and fx.row[FX_ROW.dock, i * K + k] > 0.0:
                links[LINK.gate, x] += out
            else:
                take_in(
                    e, i, k, t, K, out, supply.rate[RATE.yield_, f], books, rows, links, seed, k0,
                    records, integer, shelf,
                )


@inner
def leave(
    t: int, K: int, customers: Customers, sinks: Table, rows: Table, rings: Floats, sums: Table
) -> None:
    """Let customers go whose patience is over; what they are owed is lost."""
    for s in range(customers.sink.shape[1] - 1):
        f = customers.sink[NET_SINK.sink_form, s]
        wait = customers.form[SINK_FORM.patience, f]
        if wait < 0:
            continue
        i = customers.sink[NET_SINK.sink_row, s]
        n = customers.form[SINK_FORM.curve_len, f]
        for k in range(K):
            x = s * K + k
            gone = sinks[SINK.owed, x]
            then = customers.sink[NET_SINK.curve_off, s] + (t - wait) % n
            if wait > 0:
                if t < wait:
                    continue
                before = rings[then * K + k]
                gone = min(gone, max(0.0, before - sinks[SINK.closed_total, x]))
            if gone > _TINY:
                slot = (then + n) * K + k
                rings[slot] = -abs(rings[slot])  # a line that somebody gave up is not complete
                sinks[SINK.owed, x] -= gone
                sinks[SINK.closed_total, x] += gone
                sinks[SINK.lost, x] += gone
                sums[SINK_SUM.gave_up, x] += gone
                rows[ROW.backlog, i * K + k] -= gone
