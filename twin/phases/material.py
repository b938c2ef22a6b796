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
    NET_LINK,
    NET_ROW,
    NET_SINK,
    RATE,
    ROW,
    SINK,
    STAGE,
    Effects,
    Floats,
    Ints,
    Network,
    Rules,
    Table,
    Work,
)
from twin.distributions import lead_quantile
from twin.jit import inner
from twin.phases.allocate import fill_claims, split, split_customers_first
from twin.phases.receive import take_in
from twin.phases.wishes import hold_back, whole, wish

_TINY = 1e-9  # less is rounding noise and stays where it is


@inner
def move_outside(
    K: int, net: Network, links: Table, work: Work, fx: Effects, disturbed: int, integer: int
) -> None:
    """Let outside suppliers ship, and production without components start."""
    for p in range(net.stage[STAGE.send_off, 0], net.stage[STAGE.send_off, 1]):
        e = net.send_link[p]
        if net.link[NET_LINK.kind, e] == 2 and not disturbed and not integer:
            x = np.uint64(e * K)
            cap = net.rate[RATE.limit, e]
            for k in range(np.uint64(K)):
                want = min(links[LINK.owed, x + k], cap)
                links[LINK.moved, x + k] = want if want > _TINY else 0.0
            continue
        wish(e, K, net, links, work.want, fx, disturbed)
        if disturbed and net.link[NET_LINK.kind, e] == 1:
            hold_back(e, K, True, net, links, work, fx, integer)
        x = np.uint64(e * K)
        if integer or net.rate[RATE.batch, e] > 0.0:
            for k in range(K):
                links[LINK.moved, e * K + k] = whole(work.want[e * K + k], net.rate[RATE.batch, e], integer)
        else:
            for k in range(np.uint64(K)):
                want = work.want[x + k]
                links[LINK.moved, x + k] = want if want > _TINY else 0.0


@inner
def move_rows(
    m: int, K: int, net: Network, rows: Table, links: Table, sinks: Table, work: Work, integer: int
) -> None:
    """Split the stock of independent rows over their sinks and ship links."""
    for p in range(net.stage[STAGE.stage_off, m], net.stage[STAGE.stage_off, m + 1]):
        i = net.stage_row[p]
        a, b = net.row[NET_ROW.claim_off, i], net.row[NET_ROW.claim_off, i + 1]
        r = np.uint64(i * K)
        if b - a == 1 and not integer:
            x = np.uint64(net.claim[CLAIM.claim_index, a] * K)
            if net.claim[CLAIM.claim_kind, a] == 1:
                for k in range(np.uint64(K)):
                    got = min(rows[ROW.on_hand, r + k], links[LINK.owed, x + k])
                    links[LINK.moved, x + k] = got if got > _TINY else 0.0
            else:
                for k in range(np.uint64(K)):
                    got = min(rows[ROW.on_hand, r + k], sinks[SINK.owed, x + k])
                    sinks[SINK.served, x + k] = got if got > _TINY else 0.0
        elif b > a:
            for q in range(a, b):
                c = np.uint64(q * K)
                x = np.uint64(net.claim[CLAIM.claim_index, q] * K)
                if net.claim[CLAIM.claim_kind, q] == 1:
                    for k in range(np.uint64(K)):
                        work.claim[c + k] = links[LINK.owed, x + k]
                else:
                    for k in range(np.uint64(K)):
                        work.claim[c + k] = sinks[SINK.owed, x + k]
            for k in range(np.uint64(K)):
                work.left[k] = rows[ROW.on_hand, r + k]
            if net.row[NET_ROW.customers_first, i]:
                split_customers_first(
                    i, K, net, links, sinks, work.claim, work.later, work.left, work.total, integer
                )
            else:
                split(
                    a, b, net.row[NET_ROW.split, i], K, net.claim, work.claim, work.left,
                    work.total, integer,
                )
            for q in range(a, b):
                c = np.uint64(q * K)
                x = np.uint64(net.claim[CLAIM.claim_index, q] * K)
                if net.claim[CLAIM.claim_kind, q] == 1:
                    for k in range(np.uint64(K)):
                        got = math.floor(work.claim[c + k] + _TINY) if integer else work.claim[c + k]
                        links[LINK.moved, x + k] = got if got > _TINY else 0.0
                else:
                    for k in range(np.uint64(K)):
                        got = work.claim[c + k]
                        sinks[SINK.served, x + k] = got if got > _TINY else 0.0


@inner
def move_rows_disturbed(
    m: int, K: int, net: Network, rows: Table, links: Table, sinks: Table, work: Work,
    fx: Effects, integer: int,
) -> None:
    """Split the stock of independent rows in a period with disruptions."""
    for p in range(net.stage[STAGE.stage_off, m], net.stage[STAGE.stage_off, m + 1]):
        i = net.stage_row[p]
        a, b = net.row[NET_ROW.claim_off, i], net.row[NET_ROW.claim_off, i + 1]
        for q in range(a, b):
            if net.claim[CLAIM.claim_kind, q] == 1:
                e = net.claim[CLAIM.claim_index, q]
                wish(e, K, net, links, work.want, fx, 1)
                hold_back(e, K, True, net, links, work, fx, integer)
        fill_claims(i, K, net, links, sinks, work.want, work.claim, fx, 1, integer)
        for k in range(K):
            work.left[k] = rows[ROW.on_hand, i * K + k]
        if net.row[NET_ROW.customers_first, i]:
            split_customers_first(
                i, K, net, links, sinks, work.claim, work.later, work.left, work.total, integer
            )
        else:
            split(
                a, b, net.row[NET_ROW.split, i], K, net.claim, work.claim, work.left, work.total,
                integer,
            )
        for q in range(a, b):
            x = net.claim[CLAIM.claim_index, q] * K
            for k in range(K):
                got = work.claim[q * K + k]
                if net.claim[CLAIM.claim_kind, q] == 1:
                    got = math.floor(got + _TINY) if integer else got
                    links[LINK.moved, x + k] = got if got > _TINY else 0.0
                else:
                    sinks[SINK.served, x + k] = got if got > _TINY else 0.0


@inner
def deliver(
    m: int, K: int, net: Network, rows: Table, sinks: Table, records: int, shelf: int
) -> None:
    """Hand over to the customers of the rows of a stage what they were allotted."""
    for p in range(net.stage[STAGE.stage_off, m], net.stage[STAGE.stage_off, m + 1]):
        i = net.stage_row[p]
        r = np.uint64(i * K)
        for s in range(net.row[NET_ROW.sink_off, i], net.row[NET_ROW.sink_off, i + 1]):
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


@inner
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
    m: int, K: int, net: Network, rows: Table, links: Table, rings: Floats, turn: Ints,
    records: int, shelf: int,
) -> None:
    """Take what moves out of its components' stock and put it on the way (constant lead times)."""
    for p in range(net.stage[STAGE.send_off, m], net.stage[STAGE.send_off, m + 1]):
        e = net.send_link[p]
        x = np.uint64(e * K)
        for q in range(net.link[NET_LINK.input_off, e], net.link[NET_LINK.input_off, e + 1]):
            r = np.uint64(net.input[INPUT.input_row, q] * K)
            usage = net.input_usage[q]
            for k in range(np.uint64(K)):
                out = usage * links[LINK.moved, x + k]
                rows[ROW.on_hand, r + k] = max(0.0, rows[ROW.on_hand, r + k] - out)
                rows[ROW.backlog, r + k] -= out
            if records or shelf:
                book_out(net.input[INPUT.input_row, q], e, K, usage, links, LINK.moved, rows, records, shelf)
        if net.link[NET_LINK.lead, e] > 0 and not net.link[NET_LINK.special, e]:
            n = net.link[NET_LINK.transit_len, e]
            at = turn[n] + net.link[NET_LINK.lead, e]
            at = at - n if at >= n else at
            slot = np.uint64((net.link[NET_LINK.transit_off, e] + at) * K)
            for k in range(np.uint64(K)):
                out = links[LINK.moved, x + k]
                links[LINK.owed, x + k] -= out
                links[LINK.on_way, x + k] += out
                rings[slot + k] += out
        else:
            for k in range(np.uint64(K)):
                links[LINK.owed, x + k] -= links[LINK.moved, x + k]


@inner
def send_special(
    m: int, t: int, K: int, net: Network, rules: Rules, rows: Table, links: Table,
    rings: Floats, fx: Effects, leads, lead_table: np.ndarray, seed: int, k0: int,
    disturbed: int, records: int, integer: int, shelf: int,
) -> None:
    """Put on the way what has a random, zero, stretched or interruptible lead time."""
    for p in range(net.stage[STAGE.send_off, m], net.stage[STAGE.send_off, m + 1]):
        e = net.send_link[p]
        if not net.link[NET_LINK.special, e]:
            continue
        i = net.link[NET_LINK.to, e]
        for k in range(K):
            x = e * K + k
            out = links[LINK.moved, x]
            if out <= 0.0:
                continue
            lead = net.link[NET_LINK.lead, e]
            if lead < 0:
                u = rng.uniform(seed, rules.link_stream[e], rng.LEAD_TIME, t, k0 + k)
                lead = lead_quantile(leads, lead_table[e], u)
            if disturbed and fx.link[FX_LINK.stretch, x] != 1.0:
                lead = math.floor(lead * fx.link[FX_LINK.stretch, x] + 0.5)
            if disturbed and fx.link[FX_LINK.closed, x] > 0.0:
                lead = max(lead, 1)  # nothing passes a closed lane
            now = int(links[LINK.clock, x]) if net.link[NET_LINK.closable, e] else t
            due = now + lead
            if net.link[NET_LINK.fifo, e]:
                due = max(due, int(links[LINK.last_due, x]))
                links[LINK.last_due, x] = due
            if due > now:
                slot = (net.link[NET_LINK.transit_off, e] + due % net.link[NET_LINK.transit_len, e]) * K + k
                links[LINK.on_way, x] += out
                rings[slot] += out
            elif disturbed and fx.row[FX_ROW.dock, i * K + k] > 0.0 and net.link[NET_LINK.kind, e] != 1:
                links[LINK.gate, x] += out
            else:
                take_in(
                    e, i, k, t, K, out, net.rate[RATE.yield_, e], rules, rows, links, rings, seed, k0,
                    records, integer, shelf,
                )


@inner
def leave(
    t: int, K: int, net: Network, sinks: Table, rows: Table, rings: Floats
) -> None:
    """Let customers go whose patience is over; what they are owed is lost."""
    for s in range(net.n_sinks):
        wait = net.sink[NET_SINK.patience, s]
        if wait < 0:
            continue
        i = net.sink[NET_SINK.sink_row, s]
        n = net.sink[NET_SINK.curve_len, s]
        for k in range(K):
            x = s * K + k
            gone = sinks[SINK.owed, x]
            if wait > 0:
                if t < wait:
                    continue
                then = rings[(net.sink[NET_SINK.curve_off, s] + (t - wait) % n) * K + k]
                gone = min(gone, max(0.0, then - sinks[SINK.closed_total, x]))
            if gone > _TINY:
                slot = (net.sink[NET_SINK.asked_off, s] + (t - wait) % n) * K + k
                rings[slot] = -abs(rings[slot])  # a line that somebody gave up is not complete
                sinks[SINK.owed, x] -= gone
                sinks[SINK.closed_total, x] += gone
                sinks[SINK.lost, x] += gone
                rows[ROW.backlog, i * K + k] -= gone
