"""Phase 3, demand: sinks accept, serve, queue or lose; promises are made against the record."""

from __future__ import annotations

import math

import numpy as np

from twin.arrays import (
    CLAIM,
    FX_LINK,
    FX_ROW,
    LINK,
    NET_LINK,
    NET_ROW,
    NET_SINK,
    QUOTE,
    RATE,
    ROW,
    SINK,
    SINK_SUM,
    Effects,
    Flags,
    Floats,
    Ints,
    Network,
    Table,
)
from twin.demand import draw_period
from twin.jit import inner


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
def accept_all(K: int, net: Network, sinks: Table, rows: Table) -> None:
    """Queue the demand of every sink that waits (the backorder case)."""
    for s in range(net.n_sinks):
        i = np.uint64(net.sink[NET_SINK.sink_row, s] * K)
        x = np.uint64(s * K)
        if net.sink[NET_SINK.lost, s]:
            for k in range(np.uint64(K)):
                sinks[SINK.accepted, x + k] = 0.0
                sinks[SINK.lost, x + k] = 0.0
                sinks[SINK.delivered, x + k] = 0.0
            continue
        for k in range(np.uint64(K)):
            wanted = sinks[SINK.demand, x + k]
            sinks[SINK.accepted, x + k] = wanted
            sinks[SINK.lost, x + k] = 0.0
            sinks[SINK.delivered, x + k] = 0.0
            sinks[SINK.owed, x + k] += wanted
            rows[ROW.incoming, i + k] += wanted


@inner
def serve_or_lose(
    K: int, rec: int, net: Network, driven: Flags, sinks: Table, rows: Table, fx: Effects,
    records: int, disturbed: int, integer: int, shelf: int, scratch: Floats,
) -> None:
    """Serve lost-sale sinks of stocked rows from what is available to promise; the rest is lost."""
    for i in range(net.n_rows):
        a, b = net.row[NET_ROW.sink_off, i], net.row[NET_ROW.sink_off, i + 1]
        if a == b or driven[i]:
            continue
        any_lost = False
        for s in range(a, b):
            any_lost |= net.sink[NET_SINK.lost, s] == 1
        if not any_lost:
            continue
        for k in range(K):
            j = i * K + k
            atp = max(0.0, rows[rec, j] - rows[ROW.backlog, j])
            if disturbed:
                atp *= fx.row[FX_ROW.work, j]
            for s in range(a, b):
                scratch[s - a] = sinks[SINK.demand, s * K + k]
            share_promises(i, a, b, atp, net, scratch, integer)
            for p in range(a, b):
                s = net.sink[NET_SINK.sink_rank_order, p]
                if not net.sink[NET_SINK.lost, s]:
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
    i: int, a: int, b: int, atp: float, net: Network, want: Floats, integer: int
) -> None:
    """Split what can be promised over the sinks ``a..b`` of row ``i``; ``want`` becomes the share."""
    left = atp
    n = b - a
    p = net.row[NET_ROW.claim_off, i]
    end = net.row[NET_ROW.claim_off, i + 1]
    while p < end:
        rank = net.claim[CLAIM.claim_class, p]
        stop = p
        total = 0.0
        largest = 0.0
        while stop < end and net.claim[CLAIM.claim_class, stop] == rank:
            if net.claim[CLAIM.claim_kind, stop] == 0:
                total += want[net.claim[CLAIM.claim_index, stop] - a]
                largest = max(largest, want[net.claim[CLAIM.claim_index, stop] - a])
            stop += 1
        level = fair_level(want, n, left) if net.row[NET_ROW.split, i] == 1 else 0.0
        for q in range(p, stop):
            if net.claim[CLAIM.claim_kind, q] != 0:
                continue
            s = net.claim[CLAIM.claim_index, q] - a
            if net.row[NET_ROW.split, i] == 1:
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
    t: int, K: int, rec: int, net: Network, driven: Flags, sinks: Table, rows: Table, links: Table,
    rings: Floats, fx: Effects, disturbed: int, integer: int, scratch: Floats,
) -> None:
    """Accept from order-driven rows only what can be promised within the customer's tolerance."""
    n = net.n_sinks
    used = scratch[2 * n :]
    for k in range(K):
        own_promises(k, K, rec, net, driven, sinks, rows, fx, disturbed, integer, scratch)
        for s in range(n):
            scratch[n + s] = math.inf
        for i in range(net.n_rows):
            used[i] = -1.0
        for s in range(n):
            if net.sink[NET_SINK.lost, s] and driven[net.sink[NET_SINK.sink_row, s]]:
                for p in range(net.sink[NET_SINK.quote_off, s], net.sink[NET_SINK.quote_off, s + 1]):
                    c = net.quote[QUOTE.quote_row, p]
                    if used[c] < 0.0:
                        promise_from(
                            c, k, t, K, rec, net, driven, sinks, rows, links, rings, fx,
                            disturbed, scratch,
                        )
                        used[c] = 1.0
        for s in range(n):
            if not net.sink[NET_SINK.lost, s] or not driven[net.sink[NET_SINK.sink_row, s]]:
                continue
            x = s * K + k
            more = scratch[n + s] if net.sink[NET_SINK.quote_off, s] < net.sink[NET_SINK.quote_off, s + 1] else 0.0
            got = min(sinks[SINK.demand, x], scratch[s] + more)
            if integer:
                got = math.floor(got + 1e-9)
            sinks[SINK.accepted, x] = got
            sinks[SINK.lost, x] = sinks[SINK.demand, x] - got
            sinks[SINK.owed, x] += got
            rows[ROW.incoming, net.sink[NET_SINK.sink_row, s] * K + k] += got


@inner
def own_promises(
    k: int, K: int, rec: int, net: Network, driven: Flags, sinks: Table, rows: Table, fx: Effects,
    disturbed: int, integer: int, scratch: Floats,
) -> None:
    """Promise run-out stock first: what the sink's own row still holds."""
    for i in range(net.n_rows):
        a, b = net.row[NET_ROW.sink_off, i], net.row[NET_ROW.sink_off, i + 1]
        if a == b or not driven[i]:
            continue
        j = i * K + k
        atp = max(0.0, rows[rec, j] - rows[ROW.backlog, j])
        if disturbed:
            atp *= fx.row[FX_ROW.work, j]
        for s in range(a, b):
            scratch[s] = sinks[SINK.demand, s * K + k]
        share_promises(i, a, b, atp, net, scratch[a:], integer)


@inner
def promise_from(
    c: int, k: int, t: int, K: int, rec: int, net: Network, driven: Flags, sinks: Table,
    rows: Table, links: Table, rings: Floats, fx: Effects, disturbed: int, scratch: Floats,
) -> None:
    """Share what cut point ``c`` can promise over all sinks that claim it."""
    n = net.n_sinks
    by_rank = net.row[NET_ROW.rank_first, c] == 1
    total = 0.0
    for s in range(n):
        if net.sink[NET_SINK.lost, s] and driven[net.sink[NET_SINK.sink_row, s]]:
            w = quote_weight(s, c, net)
            slack = net.sink[NET_SINK.tolerance, s] - quote_lead(s, c, net)
            if 0 <= slack < net.row[NET_ROW.refill_lead, c]:
                total += w * max(0.0, sinks[SINK.demand, s * K + k] - scratch[s])
    taken = 0.0
    for q in range(n):
        s = net.sink[NET_SINK.promise_order, q] if by_rank else q
        if not net.sink[NET_SINK.lost, s] or not driven[net.sink[NET_SINK.sink_row, s]]:
            continue
        w = quote_weight(s, c, net)
        if w == 0.0:
            continue
        claim = w * max(0.0, sinks[SINK.demand, s * K + k] - scratch[s])
        slack = net.sink[NET_SINK.tolerance, s] - quote_lead(s, c, net)
        got = 0.0
        if slack >= net.row[NET_ROW.refill_lead, c]:
            got = claim
        elif slack >= 0:
            there = available(
                c, k, t, slack, K, rec, net, rows, links, rings, fx, disturbed
            )
            if by_rank:
                got = min(claim, max(0.0, there - taken))
                taken += got
            elif total > 0.0:
                got = claim * min(1.0, there / total)
        scratch[n + s] = min(scratch[n + s], got / w)


@inner
def quote_weight(s: int, c: int, net: Network) -> float:
    """Units of cut point ``c`` in one unit for sink ``s`` (0: none)."""
    for p in range(net.sink[NET_SINK.quote_off, s], net.sink[NET_SINK.quote_off, s + 1]):
        if net.quote[QUOTE.quote_row, p] == c:
            return net.quote_usage[p]
    return 0.0


@inner
def quote_lead(s: int, c: int, net: Network) -> int:
    """Path lead time from cut point ``c`` to sink ``s``."""
    for p in range(net.sink[NET_SINK.quote_off, s], net.sink[NET_SINK.quote_off, s + 1]):
        if net.quote[QUOTE.quote_row, p] == c:
            return net.quote[QUOTE.quote_lead, p]
    return 0


@inner
def available(
    c: int, k: int, t: int, h: int, K: int, rec: int, net: Network, rows: Table, links: Table,
    rings: Floats, fx: Effects, disturbed: int,
) -> float:
    """Uncommitted units of a cut point within the next ``h`` periods."""
    j = c * K + k
    total = rows[rec, j] - rows[ROW.backlog, j]
    for p in range(net.row[NET_ROW.out_off, c], net.row[NET_ROW.out_off, c + 1]):
        e = net.out_link[p]
        for m in range(net.link[NET_LINK.mail_len, e]):
            total -= net.out_usage[p] * rings[(net.link[NET_LINK.mail_off, e] + m) * K + k]
    for e in range(net.row[NET_ROW.in_off, c], net.row[NET_ROW.in_off, c + 1]):
        n = net.link[NET_LINK.transit_len, e]
        now = int(links[LINK.clock, e * K + k]) if net.link[NET_LINK.closable, e] else t
        still = 1 if disturbed and fx.link[FX_LINK.closed, e * K + k] > 0.0 else 0
        for ahead in range(1, min(h - still, n - 1) + 1):
            slot = (net.link[NET_LINK.transit_off, e] + (now + ahead) % n) * K + k
            total += net.rate[RATE.yield_, e] * rings[slot]
    return max(0.0, total)


@inner
def book(
    K: int, net: Network, sinks: Table, rows: Table, rings: Floats, sums: Table, turn: Ints
) -> None:
    """Write this period's demand to the curves, the sums and the stock points' backlog."""
    for s in range(net.n_sinks):
        i = np.uint64(net.sink[NET_SINK.sink_row, s] * K)
        x = np.uint64(s * K)
        n = net.sink[NET_SINK.curve_len, s]
        slot = np.uint64((net.sink[NET_SINK.curve_off, s] + turn[n]) * K)
        asked = np.uint64((net.sink[NET_SINK.asked_off, s] + turn[n]) * K)
        stays = net.sink[NET_SINK.lost, s] == 0
        for k in range(np.uint64(K)):
            wanted = sinks[SINK.demand, x + k]
            accepted = sinks[SINK.accepted, x + k]
            total = sinks[SINK.ordered_total, x + k] + accepted
            sinks[SINK.ordered_total, x + k] = total
            sums[SINK_SUM.demand, x + k] += wanted
            sums[SINK_SUM.accepted, x + k] += accepted
            rings[slot + k] = total
            rings[asked + k] = wanted
            # what was delivered at once (lost sales from stock) never joins the backlog
            rows[ROW.backlog, i + k] += accepted if stays else accepted - sinks[SINK.delivered, x + k]
