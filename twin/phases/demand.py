"""Phase 3, demand: sinks accept, serve, queue or lose; promises are made against the record."""

from __future__ import annotations

import math

import numpy as np

from twin.arrays import (
    CLAIM,
    FX_LINK,
    FX_ROW,
    LINK,
    LINK_FORM,
    NET_LINK,
    NET_ROW,
    NET_SINK,
    QUOTE,
    RATE,
    ROW,
    ROW_FORM,
    SINK,
    SINK_FORM,
    SINK_SUM,
    Customers,
    Effects,
    Flags,
    Floats,
    Ints,
    Stock,
    Supply,
    Table,
)
from twin.demand import draw_period
from twin.jit import inner
from twin.phases.wishes import class_of, usage_of


@inner
def draw(
    t: int, K: int, sinks: Table, tables, fx: Effects, seed: int, k0: int,
    disturbed: int, integer: int, none: Floats,
) -> None:
    """Draw what every sink wants in this period."""
    factors = fx.demand if disturbed else none
    draw_period(tables, seed, t, k0, factors, sinks[SINK.demand])
    if integer:
        for j in range(sinks.shape[1]):
            sinks[SINK.demand, j] = math.floor(sinks[SINK.demand, j] + 0.5)


@inner
def queue(
    K: int, customers: Customers, sinks: Table, rows: Table, rings: Floats, sums: Table, turn: Ints
) -> None:
    """Queue all demand and book it: everybody waits (what accepting and booking do together)."""
    for s in range(np.uint64(customers.sink.shape[1] - 1)):
        i = np.uint64(customers.sink[NET_SINK.sink_row, s] * K)
        x = s * np.uint64(K)
        f = np.uint64(customers.sink[NET_SINK.sink_form, s])
        n = np.uint64(customers.form[SINK_FORM.curve_len, f])
        slot = np.uint64((customers.sink[NET_SINK.curve_off, s] + turn[n]) * K)
        for k in range(np.uint64(K)):
            wanted = sinks[SINK.demand, x + k]
            total = sinks[SINK.ordered_total, x + k] + wanted
            sinks[SINK.ordered_total, x + k] = total
            sinks[SINK.owed, x + k] += wanted
            sinks[SINK.delivered, x + k] = 0.0
            sums[SINK_SUM.demand, x + k] += wanted
            rings[slot + k] = total
            rows[ROW.incoming, i + k] += wanted
            rows[ROW.backlog, i + k] += wanted


@inner
def accept_all(K: int, customers: Customers, sinks: Table, rows: Table) -> None:
    """Queue the demand of every sink that waits (the backorder case)."""
    for s in range(customers.sink.shape[1] - 1):
        i = np.uint64(customers.sink[NET_SINK.sink_row, s] * K)
        x = np.uint64(s * K)
        waits = customers.form[SINK_FORM.lost, customers.sink[NET_SINK.sink_form, s]] == 0
        for k in range(np.uint64(K)):
            sinks[SINK.lost, x + k] = 0.0
            sinks[SINK.delivered, x + k] = 0.0
            if waits:
                wanted = sinks[SINK.demand, x + k]
                sinks[SINK.accepted, x + k] = wanted
                sinks[SINK.owed, x + k] += wanted
                rows[ROW.incoming, i + k] += wanted
            else:
                sinks[SINK.accepted, x + k] = 0.0


@inner
def is_lost(s: int, customers: Customers) -> bool:
    """Return whether what a sink cannot be promised at once is lost."""
    return bool(customers.form[SINK_FORM.lost, customers.sink[NET_SINK.sink_form, s]])


@inner
def serve_or_lose(
    K: int, rec: int, stock: Stock, customers: Customers, driven: Flags, sinks: Table, rows: Table,
    fx: Effects, records: int, disturbed: int, integer: int, shelf: int, scratch: Floats,
) -> None:
    """Serve lost-sale sinks of stocked rows from what is available to promise; the rest is lost."""
    for i in range(stock.row.shape[1] - 1):
        a, b = stock.row[NET_ROW.sink_off, i], stock.row[NET_ROW.sink_off, i + 1]
        if a == b or (driven.size > 0 and driven[i]):
            continue
        any_lost = False
        for s in range(a, b):
            any_lost |= is_lost(s, customers)
        if not any_lost:
            continue
        for k in range(K):
            j = i * K + k
            atp = max(0.0, rows[rec, j] - rows[ROW.backlog, j])
            if disturbed:
                atp *= fx.row[FX_ROW.work, j]
            for s in range(a, b):
                scratch[s - a] = sinks[SINK.demand, s * K + k]
            share_promises(i, a, b, atp, stock, scratch, integer)
            for p in range(a, b):
                s = customers.sink[NET_SINK.sink_rank_order, p]
                if not is_lost(s, customers):
                    continue
                x = s * K + k
                got = min(scratch[s - a], rows[ROW.on_hand, j])
                rows[ROW.on_hand, j] -= got
                if records:
                    rows[rec, j] = max(0.0, rows[rec, j] - got)
                if shelf:
                    rows[ROW.out_total, j] += got
                sinks[SINK.accepted, x] = got
                sinks[SINK.delivered, x] = got
                sinks[SINK.closed_total, x] += got
                sinks[SINK.lost, x] = sinks[SINK.demand, x] - got
                rows[ROW.incoming, j] += got


@inner
def share_promises(
    i: int, a: int, b: int, atp: float, stock: Stock, want: Floats, integer: int
) -> None:
    """Split what can be promised over the sinks ``a..b`` of row ``i``; ``want`` becomes the share."""
    left = atp
    n = b - a
    fair = stock.form[ROW_FORM.split, stock.row[NET_ROW.row_form, i]] == 1
    p = stock.row[NET_ROW.claim_off, i]
    end = stock.row[NET_ROW.claim_off, i + 1]
    while p < end:
        rank = class_of(p, stock.claim)
        stop = p
        total = 0.0
        while stop < end and class_of(stop, stock.claim) == rank:
            if stock.claim[CLAIM.claim_index, stop] < 0:
                total += want[-1 - stock.claim[CLAIM.claim_index, stop] - a]
            stop += 1
        level = fair_level(want, n, left) if fair else 0.0
        for q in range(p, stop):
            if stock.claim[CLAIM.claim_index, q] >= 0:
                continue
            s = -1 - stock.claim[CLAIM.claim_index, q] - a
            if fair:
                want[s] = min(want[s], level)
            elif total > left:
                want[s] = left if want[s] == total else want[s] * (left / total)
        left = max(0.0, left - total)
        p = stop
    if integer:
        round_promises(want, n)


@inner
def round_promises(want: Floats, n: int) -> None:
    """Round shares to whole units by largest remainder, ties by name."""
    exact = 0.0
    given = 0.0
    for s in range(n):
        exact += want[s]
        given += math.floor(want[s] + 1e-9)
    extra = math.floor(exact + 1e-9) - given
    while extra >= 1.0:
        best = 0
        most = -1.0
        for s in range(n):
            rest = want[s] - math.floor(want[s] + 1e-9)
            if rest > most + 1e-9:
                most = rest
                best = s
        want[best] = math.floor(want[best] + 1e-9) + 1.0
        extra -= 1.0
    for s in range(n):
        want[s] = math.floor(want[s] + 1e-9)


@inner
def fair_level(want: Floats, n: int, left: float) -> float:
    """Water level: equal amounts, none more than it wants, together at most ``left``."""
    total = 0.0
    top = 0.0
    for s in range(n):
        total += want[s]
        top = max(top, want[s])
    if total <= left:
        return top
    level = 0.0
    rest = left
    while True:  # raise the level to the next smallest want until the water runs out
        above = 0
        step = math.inf
        for s in range(n):
            if want[s] > level:
                above += 1
                step = min(step, want[s] - level)
        if above == 0 or step * above >= rest:
            return level + (rest / above if above > 0 else 0.0)
        level += step
        rest -= step * above


@inner
def quote(
    t: int, K: int, rec: int, stock: Stock, supply: Supply, customers: Customers, driven: Flags,
    sinks: Table, rows: Table, links: Table, rings: Floats, fx: Effects, disturbed: int,
    integer: int, scratch: Floats,
) -> None:
    """Accept from order-driven rows only what can be promised within the customer's tolerance."""
    n = customers.sink.shape[1] - 1
    used = scratch[2 * n :]
    for k in range(K):
        own_promises(k, K, rec, stock, driven, sinks, rows, fx, disturbed, integer, scratch)
        for s in range(n):
            scratch[n + s] = math.inf
        for i in range(stock.row.shape[1] - 1):
            used[i] = -1.0
        for s in range(n):
            if is_lost(s, customers) and driven[customers.sink[NET_SINK.sink_row, s]]:
                for p in range(customers.sink[NET_SINK.quote_off, s], customers.sink[NET_SINK.quote_off, s + 1]):
                    c = customers.quote[QUOTE.quote_row, p]
                    if used[c] < 0.0:
                        promise_from(
                            c, k, t, K, rec, stock, supply, customers, driven, sinks, rows,
                            links, rings, fx, disturbed, scratch,
                        )
                        used[c] = 1.0
        for s in range(n):
            if not is_lost(s, customers) or not driven[customers.sink[NET_SINK.sink_row, s]]:
                continue
            x = s * K + k
            quoted = customers.sink[NET_SINK.quote_off, s] < customers.sink[NET_SINK.quote_off, s + 1]
            more = scratch[n + s] if quoted else 0.0
            got = min(sinks[SINK.demand, x], scratch[s] + more)
            if integer:
                got = math.floor(got + 1e-9)
            sinks[SINK.accepted, x] = got
            sinks[SINK.lost, x] = sinks[SINK.demand, x] - got
            sinks[SINK.owed, x] += got
            rows[ROW.incoming, customers.sink[NET_SINK.sink_row, s] * K + k] += got


@inner
def own_promises(
    k: int, K: int, rec: int, stock: Stock, driven: Flags, sinks: Table, rows: Table, fx: Effects,
    disturbed: int, integer: int, scratch: Floats,
) -> None:
    """Promise run-out stock first: what the sink's own row still holds."""
    for i in range(stock.row.shape[1] - 1):
        a, b = stock.row[NET_ROW.sink_off, i], stock.row[NET_ROW.sink_off, i + 1]
        if a == b or not driven[i]:
            continue
        j = i * K + k
        atp = max(0.0, rows[rec, j] - rows[ROW.backlog, j])
        if disturbed:
            atp *= fx.row[FX_ROW.work, j]
        for s in range(a, b):
            scratch[s] = sinks[SINK.demand, s * K + k]
        share_promises(i, a, b, atp, stock, scratch[a:], integer)


@inner
def promise_from(
    c: int, k: int, t: int, K: int, rec: int, stock: Stock, supply: Supply, customers: Customers,
    driven: Flags, sinks: Table, rows: Table, links: Table, rings: Floats, fx: Effects,
    disturbed: int, scratch: Floats,
) -> None:
    """Share what cut point ``c`` can promise over all sinks that claim it."""
    n = customers.sink.shape[1] - 1
    f = stock.row[NET_ROW.row_form, c]
    by_rank = stock.form[ROW_FORM.rank_first, f] == 1
    refill = stock.form[ROW_FORM.refill_lead, f]
    total = 0.0
    for s in range(n):
        if is_lost(s, customers) and driven[customers.sink[NET_SINK.sink_row, s]]:
            w = quote_weight(s, c, customers)
            slack = quote_slack(s, c, customers)
            if 0 <= slack < refill:
                total += w * max(0.0, sinks[SINK.demand, s * K + k] - scratch[s])
    taken = 0.0
    for q in range(n):
        s = customers.sink[NET_SINK.promise_order, q] if by_rank else q
        if not is_lost(s, customers) or not driven[customers.sink[NET_SINK.sink_row, s]]:
            continue
        w = quote_weight(s, c, customers)
        if w == 0.0:
            continue
        claim = w * max(0.0, sinks[SINK.demand, s * K + k] - scratch[s])
        slack = quote_slack(s, c, customers)
        got = 0.0
        if slack >= refill:
            got = claim
        elif slack >= 0:
            there = available(
                c, k, t, slack, K, rec, stock, supply, rows, links, rings, fx, disturbed
            )
            if by_rank:
                got = min(claim, max(0.0, there - taken))
                taken += got
            elif total > 0.0:
                got = claim * min(1.0, there / total)
        scratch[n + s] = min(scratch[n + s], got / w)


@inner
def quote_weight(s: int, c: int, customers: Customers) -> float:
    """Units of cut point ``c`` in one unit for sink ``s`` (0: none)."""
    for p in range(customers.sink[NET_SINK.quote_off, s], customers.sink[NET_SINK.quote_off, s + 1]):
        if customers.quote[QUOTE.quote_row, p] == c:
            return customers.quote_usage[p]
    return 0.0


@inner
def quote_slack(s: int, c: int, customers: Customers) -> int:
    """Return what sink ``s`` tolerates beyond the path lead time from cut point ``c``."""
    wait = customers.form[SINK_FORM.tolerance, customers.sink[NET_SINK.sink_form, s]]
    for p in range(customers.sink[NET_SINK.quote_off, s], customers.sink[NET_SINK.quote_off, s + 1]):
        if customers.quote[QUOTE.quote_row, p] == c:
            return wait - customers.quote[QUOTE.quote_lead, p]
    return wait


@inner
def available(
    c: int, k: int, t: int, h: int, K: int, rec: int, stock: Stock, supply: Supply, rows: Table,
    links: Table, rings: Floats, fx: Effects, disturbed: int,
) -> float:
    """Uncommitted units of a cut point within the next ``h`` periods."""
    j = c * K + k
    total = rows[rec, j] - rows[ROW.backlog, j]
    for p in range(stock.row[NET_ROW.claim_off, c], stock.row[NET_ROW.claim_off, c + 1]):
        e = stock.claim[CLAIM.claim_index, p]
        if e < 0:
            continue
        usage = usage_of(p, stock.usage)
        for m in range(supply.form[LINK_FORM.mail_len, supply.link[NET_LINK.link_form, e]]):
            total -= usage * rings[(supply.link[NET_LINK.mail_off, e] + m) * K + k]
    for e in range(stock.row[NET_ROW.in_off, c], stock.row[NET_ROW.in_off, c + 1]):
        f = supply.link[NET_LINK.link_form, e]
        n = supply.form[LINK_FORM.transit_len, f]
        now = int(links[LINK.clock, e * K + k]) if supply.form[LINK_FORM.closable, f] else t
        still = 1 if disturbed and fx.link[FX_LINK.closed, e * K + k] > 0.0 else 0
        for ahead in range(1, min(h - still, n - 1) + 1):
            slot = (supply.link[NET_LINK.transit_off, e] + (now + ahead) % n) * K + k
            total += supply.rate[RATE.yield_, f] * rings[slot]
    return max(0.0, total)


@inner
def book(
    K: int, customers: Customers, sinks: Table, rows: Table, rings: Floats, sums: Table, turn: Ints
) -> None:
    """Write this period's demand to the curves, the sums and the stock points' backlog."""
    for s in range(customers.sink.shape[1] - 1):
        i = np.uint64(customers.sink[NET_SINK.sink_row, s] * K)
        x = np.uint64(s * K)
        f = customers.sink[NET_SINK.sink_form, s]
        n = customers.form[SINK_FORM.curve_len, f]
        slot = np.uint64((customers.sink[NET_SINK.curve_off, s] + turn[n]) * K)
        asked = slot + np.uint64(n * K)
        stays = customers.form[SINK_FORM.lost, f] == 0
        for k in range(np.uint64(K)):
            wanted = sinks[SINK.demand, x + k]
            accepted = sinks[SINK.accepted, x + k]
            total = sinks[SINK.ordered_total, x + k] + accepted
            sinks[SINK.ordered_total, x + k] = total
            sums[SINK_SUM.demand, x + k] += wanted
            rings[slot + k] = total
            rings[asked + k] = wanted
            # what was delivered at once (lost sales from stock) never joins the backlog
            rows[ROW.backlog, i + k] += accepted if stays else accepted - sinks[SINK.delivered, x + k]
