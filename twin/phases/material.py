"""Phase 5, material sweep: upstream to downstream, make, then ship."""

from __future__ import annotations

import math

import numpy as np

from twin import rng
from twin.distributions import lead_quantile
from twin.jit import njit
from twin.phases.allocate import fill_claims, split, split_customers_first
from twin.phases.receive import take_in
from twin.arrays import Effects, Links, Network, Rings, Rows, Rules, Sinks, Work

ROUNDS = 3


@njit
def wish(
    e: int, K: int, net: Network, links: Links, want: np.ndarray, fx: Effects, disturbed: int
) -> None:
    """Write what a link would move if stock were no limit, given what it moved already."""
    x = np.uint64(e * K)
    cap = net.limit[e]
    wip = net.wip_cap[e]
    for k in range(np.uint64(K)):
        w = links.owed[x + k] - links.moved[x + k]
        w = min(w, cap - links.moved[x + k])
        if wip < np.inf:
            w = min(w, wip - links.on_way[x + k] - links.moved[x + k])
        want[x + k] = max(0.0, w)
    if disturbed:
        hinder(e, K, net, links, want, fx)


@njit
def hinder(e: int, K: int, net: Network, links: Links, want: np.ndarray, fx: Effects) -> None:
    """Apply this period's disruptions to what a link wants to move."""
    kind = net.kind[e]
    for k in range(K):
        x = e * K + k
        w = links.owed[x] - links.moved[x]
        if kind == 0:
            w *= fx.work[net.link_row[e] * K + k]
        elif kind == 1:
            w *= fx.work[net.to[e] * K + k]
            if net.limit[e] == np.inf:
                w *= fx.capacity[x]
            else:
                w = min(w, net.limit[e] * fx.capacity[x] - links.moved[x])
        if kind != 1 and (fx.stopped[x] > 0.0 or (fx.closed[x] > 0.0 and net.transit_len[e] == 0)):
            w = 0.0
        want[x] = max(0.0, min(want[x], w))


@njit
def whole(x: float, batch: float, integer: int) -> float:
    """Round a quantity down to whole batches (or whole units in integer mode)."""
    if batch > 0.0:
        return batch * math.floor(x / batch + 1e-9)
    if integer:
        return math.floor(x + 1e-9)
    return x


@njit
def move_outside(
    lo: int, hi: int, K: int, net: Network, links: Links, work: Work, fx: Effects, disturbed: int,
    integer: int,
) -> None:
    """Let outside suppliers ship, and production without components start."""
    for p in range(lo, hi):
        e = net.send_link[p]
        wish(e, K, net, links, work.want, fx, disturbed)
        x = np.uint64(e * K)
        if integer or net.batch[e] > 0.0:
            for k in range(K):
                links.moved[e * K + k] = whole(work.want[e * K + k], net.batch[e], integer)
        else:
            for k in range(np.uint64(K)):
                links.moved[x + k] = work.want[x + k]


@njit
def move_rows(
    lo: int, hi: int, K: int, net: Network, rows: Rows, links: Links, sinks: Sinks, work: Work,
    fx: Effects, disturbed: int, integer: int,
) -> None:
    """Split the stock of independent rows over their sinks and ship links."""
    for p in range(lo, hi):
        i = net.stage_row[p]
        a, b = net.claim_off[i], net.claim_off[i + 1]
        r = np.uint64(i * K)
        for q in range(a, b):
            if net.claim_kind[q] == 1:
                wish(net.claim_index[q], K, net, links, work.want, fx, disturbed)
        fill_claims(i, K, net, links, sinks, work.want, work.claim, fx, disturbed)
        for k in range(np.uint64(K)):
            work.left[k] = rows.on_hand[r + k]
        if net.customers_first[i]:
            split_customers_first(
                i, K, net, links, sinks, work.claim, work.later, work.left, work.total, integer
            )
        else:
            split(i, K, net, work.claim, work.left, work.total, integer)
        for q in range(a, b):
            c = np.uint64(q * K)
            x = np.uint64(net.claim_index[q] * K)
            if net.claim_kind[q] == 1:
                for k in range(np.uint64(K)):
                    links.moved[x + k] = work.claim[c + k]
            else:
                for k in range(np.uint64(K)):
                    sinks.served[x + k] = work.claim[c + k]


@njit
def move_group(
    g: int, K: int, net: Network, rows: Rows, links: Links, sinks: Sinks, work: Work, fx: Effects,
    disturbed: int, integer: int,
) -> None:
    """Split the stock of rows whose products share components or limits, three times over."""
    for p in range(net.group_row_off[g], net.group_row_off[g + 1]):
        r = np.uint64(net.group_row[p] * K)
        for k in range(np.uint64(K)):
            work.stock[r + k] = rows.on_hand[r + k]
    for m in range(net.group_limit_off[g], net.group_limit_off[g + 1]):
        for k in range(K):
            share = fx.limit[m * K + k] if disturbed else 1.0
            work.limit_left[m * K + k] = net.limit_stock[m] * share
    for _ in range(ROUNDS):
        wish_group(g, K, net, links, work, fx, disturbed, integer)
        grant_group(g, K, net, links, sinks, work, fx, disturbed, integer)
        if take_group(g, K, net, links, sinks, work, integer) <= 0.0:
            break


@njit
def wish_group(
    g: int, K: int, net: Network, links: Links, work: Work, fx: Effects, disturbed: int, integer: int
) -> None:
    """Write what every link of a group wants: open orders within its limits and components."""
    for p in range(net.group_link_off[g], net.group_link_off[g + 1]):
        e = net.group_link[p]
        wish(e, K, net, links, work.want, fx, disturbed)
        if net.kind[e] != 1:
            continue
        x = np.uint64(e * K)
        for q in range(net.input_off[e], net.input_off[e + 1]):
            r = np.uint64(net.input_row[q] * K)
            usage = net.input_usage[q]
            for k in range(np.uint64(K)):
                work.want[x + k] = min(work.want[x + k], work.stock[r + k] / usage)
        if integer or net.batch[e] > 0.0:
            for k in range(K):
                work.want[e * K + k] = whole(work.want[e * K + k], net.batch[e], integer)


@njit
def grant_group(
    g: int, K: int, net: Network, links: Links, sinks: Sinks, work: Work, fx: Effects,
    disturbed: int, integer: int,
) -> None:
    """Let every row and every shared limit of a group split what it has left."""
    for p in range(net.group_row_off[g], net.group_row_off[g + 1]):
        i = net.group_row[p]
        r = np.uint64(i * K)
        fill_claims(i, K, net, links, sinks, work.want, work.claim, fx, disturbed)
        for q in range(net.claim_off[i], net.claim_off[i + 1]):
            if net.claim_kind[q] == 0:
                x = net.claim_index[q] * K
                for k in range(K):
                    work.claim[q * K + k] = max(0.0, work.claim[q * K + k] - sinks.served[x + k])
        for k in range(np.uint64(K)):
            work.left[k] = work.stock[r + k]
        if net.customers_first[i]:
            split_customers_first(
                i, K, net, links, sinks, work.claim, work.later, work.left, work.total, integer
            )
        else:
            split(i, K, net, work.claim, work.left, work.total, integer)
    for m in range(net.group_limit_off[g], net.group_limit_off[g + 1]):
        for k in range(K):
            total = 0.0
            for q in range(net.limit_claim_off[m], net.limit_claim_off[m + 1]):
                asked = net.limit_claim_usage[q] * work.want[net.limit_claim_link[q] * K + k]
                work.limit_grant[q * K + k] = asked
                total += asked
            if total > work.limit_left[m * K + k]:
                ratio = work.limit_left[m * K + k] / total
                for q in range(net.limit_claim_off[m], net.limit_claim_off[m + 1]):
                    work.limit_grant[q * K + k] *= ratio


@njit
def take_group(
    g: int, K: int, net: Network, links: Links, sinks: Sinks, work: Work, integer: int
) -> float:
    """Move on every link the least that its components and limits grant; return the total."""
    moved = 0.0
    for p in range(net.group_link_off[g], net.group_link_off[g + 1]):
        e = net.group_link[p]
        for k in range(K):
            x = work.want[e * K + k]
            for q in range(net.input_off[e], net.input_off[e + 1]):
                x = min(x, work.claim[net.input_claim[q] * K + k] / net.input_usage[q])
            for q in range(net.link_limit_off[e], net.link_limit_off[e + 1]):
                c = net.link_limit_claim[q]
                x = min(x, work.limit_grant[c * K + k] / net.limit_claim_usage[c])
            x = whole(x, net.batch[e], integer)
            if x <= 0.0:
                continue
            links.moved[e * K + k] += x
            moved += x
            for q in range(net.input_off[e], net.input_off[e + 1]):
                j = net.input_row[q] * K + k
                work.stock[j] = max(0.0, work.stock[j] - net.input_usage[q] * x)
            for q in range(net.link_limit_off[e], net.link_limit_off[e + 1]):
                c = net.link_limit_claim[q]
                m = net.limit_of_claim[c] * K + k
                work.limit_left[m] = max(0.0, work.limit_left[m] - net.limit_claim_usage[c] * x)
    for p in range(net.group_row_off[g], net.group_row_off[g + 1]):
        i = net.group_row[p]
        for q in range(net.claim_off[i], net.claim_off[i + 1]):
            if net.claim_kind[q] == 0:
                for k in range(K):
                    got = work.claim[q * K + k]
                    sinks.served[net.claim_index[q] * K + k] += got
                    work.stock[i * K + k] = max(0.0, work.stock[i * K + k] - got)
                    moved += got
    return moved


@njit
def deliver(
    lo: int, hi: int, K: int, net: Network, rows: Rows, sinks: Sinks, records: int, shelf: int
) -> None:
    """Hand over to the customers of the rows of a stage what they were allotted."""
    for p in range(lo, hi):
        i = net.stage_row[p]
        r = np.uint64(i * K)
        for s in range(net.sink_off[i], net.sink_off[i + 1]):
            x = np.uint64(s * K)
            if records or shelf:
                book_out(i, s, K, 1.0, sinks.served, rows, records, shelf)
            for k in range(np.uint64(K)):
                got = sinks.served[x + k]
                sinks.served[x + k] = 0.0
                sinks.owed[x + k] -= got
                sinks.delivered[x + k] += got
                sinks.closed_total[x + k] += got
                rows.backlog[r + k] -= got
                rows.on_hand[r + k] = max(0.0, rows.on_hand[r + k] - got)


@njit
def book_out(
    i: int, x: int, K: int, usage: float, moved: np.ndarray, rows: Rows, records: int, shelf: int
) -> None:
    """Book issues of a row in its record and its first-in-first-out counter."""
    for k in range(K):
        got = usage * moved[x * K + k]
        if records:
            rows.record[i * K + k] = max(0.0, rows.record[i * K + k] - got)
        if shelf:
            rows.out_total[i * K + k] += got


@njit
def send(
    lo: int, hi: int, t: int, K: int, net: Network, rules: Rules, rows: Rows, links: Links,
    rings: Rings, records: int, shelf: int,
) -> None:
    """Take what moves out of its components' stock and put it on the way (constant lead times)."""
    for p in range(lo, hi):
        e = net.send_link[p]
        x = np.uint64(e * K)
        for q in range(net.input_off[e], net.input_off[e + 1]):
            r = np.uint64(net.input_row[q] * K)
            usage = net.input_usage[q]
            for k in range(np.uint64(K)):
                out = usage * links.moved[x + k]
                rows.on_hand[r + k] = max(0.0, rows.on_hand[r + k] - out)
                rows.backlog[r + k] -= out
            if records or shelf:
                book_out(net.input_row[q], e, K, usage, links.moved, rows, records, shelf)
        if net.lead[e] > 0 and not net.special[e]:
            n = net.transit_len[e]
            slot = np.uint64((net.transit_off[e] + (t + net.lead[e]) % n) * K)
            for k in range(np.uint64(K)):
                out = links.moved[x + k]
                links.owed[x + k] -= out
                links.on_way[x + k] += out
                rings.transit[slot + k] += out
        else:
            for k in range(np.uint64(K)):
                links.owed[x + k] -= links.moved[x + k]


@njit
def send_special(
    lo: int, hi: int, t: int, K: int, net: Network, rules: Rules, rows: Rows, links: Links,
    rings: Rings, fx: Effects, leads, lead_table: np.ndarray, seed: int, k0: int,  # noqa: ANN001
    disturbed: int, records: int, integer: int, shelf: int,
) -> None:
    """Put on the way what has a random, zero, stretched or interruptible lead time."""
    for p in range(lo, hi):
        e = net.send_link[p]
        if not net.special[e]:
            continue
        i = net.to[e]
        for k in range(K):
            x = e * K + k
            out = links.moved[x]
            if out <= 0.0:
                continue
            lead = net.lead[e]
            if lead < 0:
                u = rng.uniform(seed, rules.link_stream[e], rng.LEAD_TIME, t, k0 + k)
                lead = lead_quantile(leads, lead_table[e], u)
            if disturbed and fx.stretch[x] != 1.0:
                lead = int(math.floor(lead * fx.stretch[x] + 0.5))
            now = int(links.clock[x]) if net.closable[e] else t
            due = now + lead
            if net.fifo[e]:
                due = max(due, int(links.last_due[x]))
                links.last_due[x] = due
            if due > now:
                slot = (net.transit_off[e] + due % net.transit_len[e]) * K + k
                links.on_way[x] += out
                rings.transit[slot] += out
            elif disturbed and fx.dock[i * K + k] > 0.0 and net.kind[e] != 1:
                links.gate[x] += out
            else:
                take_in(
                    e, i, k, t, K, out, net.yield_[e], rules, rows, links, rings, seed, k0,
                    records, integer, shelf,
                )


@njit
def leave(
    t: int, K: int, net: Network, sinks: Sinks, rows: Rows, rings: Rings
) -> None:
    """Let customers go whose patience is over; what they are owed is lost."""
    for s in range(net.sink_row.size):
        wait = net.patience[s]
        if wait < 0:
            continue
        i = net.sink_row[s]
        n = net.curve_len[s]
        for k in range(K):
            x = s * K + k
            gone = sinks.owed[x]
            if wait > 0:
                if t < wait:
                    continue
                then = rings.curve[(net.curve_off[s] + (t - wait) % n) * K + k]
                gone = min(gone, max(0.0, then - sinks.closed_total[x]))
            if gone > 0.0:
                sinks.owed[x] -= gone
                sinks.closed_total[x] += gone
                sinks.lost[x] += gone
                rows.backlog[i * K + k] -= gone
