"""Phase 3, demand: sinks accept, serve, queue or lose; promises are made against the record."""

from __future__ import annotations

import math

import numpy as np

from twin.demand import draw_demand
from twin.jit import njit
from twin.arrays import Effects, Links, Network, Rings, Rows, Sinks, SinkSums


@njit
def draw(
    t: int, K: int, net: Network, sinks: Sinks, tables, fx: Effects, seed: int, k0: int,  # noqa: ANN001
    disturbed: int, integer: int, none: np.ndarray,
) -> None:
    """Draw what every sink wants in this period."""
    for s in range(net.sink_row.size):
        x = s * K
        factors = fx.demand[x : x + K] if disturbed else none
        draw_demand(tables, seed, s, t, k0, factors, sinks.demand[x : x + K])
    if integer:
        for j in range(sinks.demand.size):
            sinks.demand[j] = math.floor(sinks.demand[j] + 0.5)


@njit
def accept_all(t: int, K: int, net: Network, sinks: Sinks, rows: Rows) -> None:
    """Queue the demand of every sink that waits (the backorder case)."""
    for s in range(net.sink_row.size):
        i = np.uint64(net.sink_row[s] * K)
        x = np.uint64(s * K)
        if net.lost[s]:
            for k in range(np.uint64(K)):
                sinks.accepted[x + k] = 0.0
                sinks.lost[x + k] = 0.0
                sinks.delivered[x + k] = 0.0
            continue
        for k in range(np.uint64(K)):
            wanted = sinks.demand[x + k]
            sinks.accepted[x + k] = wanted
            sinks.lost[x + k] = 0.0
            sinks.delivered[x + k] = 0.0
            sinks.owed[x + k] += wanted
            rows.incoming[i + k] += wanted


@njit
def serve_or_lose(
    t: int, K: int, net: Network, driven: np.ndarray, sinks: Sinks, rows: Rows, fx: Effects,
    records: int, disturbed: int, integer: int, shelf: int, scratch: np.ndarray,
) -> None:
    """Serve lost-sale sinks of stocked rows from what is available to promise; the rest is lost."""
    for i in range(net.sink_off.size - 1):
        a, b = net.sink_off[i], net.sink_off[i + 1]
        if a == b or driven[i]:
            continue
        any_lost = False
        for s in range(a, b):
            any_lost |= net.lost[s] == 1
        if not any_lost:
            continue
        for k in range(K):
            j = i * K + k
            atp = max(0.0, rows.record[j] - rows.backlog[j])
            if disturbed:
                atp *= fx.work[j]
            for s in range(a, b):
                scratch[s - a] = sinks.demand[s * K + k]
            share_promises(i, a, b, atp, net, scratch, integer)
            for p in range(a, b):
                s = net.sink_rank_order[p]
                if not net.lost[s]:
                    continue
                x = s * K + k
                got = min(scratch[s - a], rows.on_hand[j])
                rows.on_hand[j] -= got
                if records:
                    rows.record[j] = max(0.0, rows.record[j] - got)
                if shelf:
                    rows.out_total[j] += got
                sinks.accepted[x] = got
                sinks.delivered[x] = got
                sinks.closed_total[x] += got
                sinks.lost[x] = sinks.demand[x] - got
                rows.incoming[j] += got


@njit
def share_promises(
    i: int, a: int, b: int, atp: float, net: Network, want: np.ndarray, integer: int
) -> None:
    """Split what can be promised over the sinks ``a..b`` of row ``i``; ``want`` becomes the share."""
    left = atp
    n = b - a
    p = net.claim_off[i]
    end = net.claim_off[i + 1]
    while p < end:
        rank = net.claim_class[p]
        stop = p
        total = 0.0
        largest = 0.0
        while stop < end and net.claim_class[stop] == rank:
            if net.claim_kind[stop] == 0:
                total += want[net.claim_index[stop] - a]
                largest = max(largest, want[net.claim_index[stop] - a])
            stop += 1
        level = fair_level(want, n, left) if net.split[i] == 1 else 0.0
        for q in range(p, stop):
            if net.claim_kind[q] != 0:
                continue
            s = net.claim_index[q] - a
            if net.split[i] == 1:
                want[s] = min(want[s], level)
            elif total > left:
                want[s] = left if want[s] == total else want[s] * (left / total)
        left = max(0.0, left - total)
        p = stop
    if integer:
        for s in range(n):
            want[s] = math.floor(want[s] + 1e-9)


@njit
def fair_level(want: np.ndarray, n: int, left: float) -> float:
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


@njit
def quote(
    t: int, K: int, net: Network, driven: np.ndarray, sinks: Sinks, rows: Rows, links: Links,
    rings: Rings, fx: Effects, disturbed: int, integer: int, scratch: np.ndarray,
) -> None:
    """Accept from order-driven rows only what can be promised within the customer's tolerance."""
    n = net.sink_row.size
    used = scratch[2 * n :]
    for k in range(K):
        own_promises(k, K, net, driven, sinks, rows, fx, disturbed, integer, scratch)
        for s in range(n):
            scratch[n + s] = math.inf
        for i in range(net.in_off.size - 1):
            used[i] = -1.0
        for s in range(n):
            if net.lost[s] and driven[net.sink_row[s]]:
                for p in range(net.quote_off[s], net.quote_off[s + 1]):
                    c = net.quote_row[p]
                    if used[c] < 0.0:
                        promise_from(c, k, t, K, net, driven, sinks, rows, links, rings, scratch)
                        used[c] = 1.0
        for s in range(n):
            if not net.lost[s] or not driven[net.sink_row[s]]:
                continue
            x = s * K + k
            more = scratch[n + s] if net.quote_off[s] < net.quote_off[s + 1] else 0.0
            got = min(sinks.demand[x], scratch[s] + more)
            if integer:
                got = math.floor(got + 1e-9)
            sinks.accepted[x] = got
            sinks.lost[x] = sinks.demand[x] - got
            sinks.owed[x] += got
            rows.incoming[net.sink_row[s] * K + k] += got


@njit
def own_promises(
    k: int, K: int, net: Network, driven: np.ndarray, sinks: Sinks, rows: Rows, fx: Effects,
    disturbed: int, integer: int, scratch: np.ndarray,
) -> None:
    """Promise run-out stock first: what the sink's own row still holds."""
    for i in range(net.sink_off.size - 1):
        a, b = net.sink_off[i], net.sink_off[i + 1]
        if a == b or not driven[i]:
            continue
        j = i * K + k
        atp = max(0.0, rows.record[j] - rows.backlog[j])
        if disturbed:
            atp *= fx.work[j]
        for s in range(a, b):
            scratch[s] = sinks.demand[s * K + k]
        share_promises(i, a, b, atp, net, scratch[a:], integer)


@njit
def promise_from(
    c: int, k: int, t: int, K: int, net: Network, driven: np.ndarray, sinks: Sinks, rows: Rows,
    links: Links, rings: Rings, scratch: np.ndarray,
) -> None:
    """Share what cut point ``c`` can promise over all sinks that claim it."""
    n = net.sink_row.size
    by_rank = net.rank_first[c] == 1
    total = 0.0
    for s in range(n):
        if net.lost[s] and driven[net.sink_row[s]]:
            w = quote_weight(s, c, net)
            total += w * max(0.0, sinks.demand[s * K + k] - scratch[s])
    taken = 0.0
    for q in range(n):
        s = net.promise_order[q] if by_rank else q
        if not net.lost[s] or not driven[net.sink_row[s]]:
            continue
        w = quote_weight(s, c, net)
        if w == 0.0:
            continue
        claim = w * max(0.0, sinks.demand[s * K + k] - scratch[s])
        slack = net.tolerance[s] - quote_lead(s, c, net)
        got = 0.0
        if slack >= net.refill_lead[c]:
            got = claim
        elif slack >= 0:
            there = available(c, k, t, slack, K, net, rows, links, rings)
            if by_rank:
                got = min(claim, max(0.0, there - taken))
                taken += got
            elif total > 0.0:
                got = claim * min(1.0, there / total)
        scratch[n + s] = min(scratch[n + s], got / w)


@njit
def quote_weight(s: int, c: int, net: Network) -> float:
    """Units of cut point ``c`` in one unit for sink ``s`` (0: none)."""
    for p in range(net.quote_off[s], net.quote_off[s + 1]):
        if net.quote_row[p] == c:
            return net.quote_usage[p]
    return 0.0


@njit
def quote_lead(s: int, c: int, net: Network) -> int:
    """Path lead time from cut point ``c`` to sink ``s``."""
    for p in range(net.quote_off[s], net.quote_off[s + 1]):
        if net.quote_row[p] == c:
            return net.quote_lead[p]
    return 0


@njit
def available(
    c: int, k: int, t: int, h: int, K: int, net: Network, rows: Rows, links: Links, rings: Rings
) -> float:
    """Uncommitted units of a cut point within the next ``h`` periods."""
    j = c * K + k
    total = rows.record[j] - rows.backlog[j]
    for p in range(net.out_off[c], net.out_off[c + 1]):
        e = net.out_link[p]
        for m in range(net.mail_len[e]):
            total -= net.out_usage[p] * rings.mail[(net.mail_off[e] + m) * K + k]
    for e in range(net.in_off[c], net.in_off[c + 1]):
        n = net.transit_len[e]
        now = int(links.clock[e * K + k]) if net.closable[e] else t
        for ahead in range(1, min(h, n - 1) + 1):
            slot = (net.transit_off[e] + (now + ahead) % n) * K + k
            total += net.yield_[e] * rings.transit[slot]
    return max(0.0, total)


@njit
def book(t: int, K: int, net: Network, sinks: Sinks, rows: Rows, rings: Rings, sums: SinkSums) -> None:
    """Write this period's demand to the curves, the sums and the stock points' backlog."""
    for s in range(net.sink_row.size):
        i = np.uint64(net.sink_row[s] * K)
        x = np.uint64(s * K)
        n = net.curve_len[s]
        slot = np.uint64((net.curve_off[s] + t % max(n, 1)) * K)
        stays = net.lost[s] == 0
        for k in range(np.uint64(K)):
            wanted = sinks.demand[x + k]
            accepted = sinks.accepted[x + k]
            total = sinks.ordered_total[x + k] + accepted
            sinks.ordered_total[x + k] = total
            sums.demand[x + k] += wanted
            sums.accepted[x + k] += accepted
            if n > 0:
                rings.curve[slot + k] = total
                rings.asked[slot + k] = wanted
            # what was delivered at once (lost sales from stock) never joins the backlog
            rows.backlog[i + k] += accepted if stays else accepted - sinks.delivered[x + k]
