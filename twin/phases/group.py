"""Products that share components or limits: part of phase 5, split three times over."""

from __future__ import annotations

import numpy as np

from twin.arrays import (
    CLAIM,
    GROUP,
    INPUT,
    LIMIT_CLAIM,
    LINK,
    LINK_FORM,
    NET_LINK,
    NET_ROW,
    RATE,
    ROW,
    SINK,
    Effects,
    Stock,
    Supply,
    Table,
    Ties,
    Work,
)
from twin.jit import inner
from twin.phases.allocate import fill_claims, grant
from twin.phases.wishes import hold_back, usage_of, whole, wish

ROUNDS = 3
_TINY = 1e-9


@inner
def move_group(
    g: int, K: int, stock: Stock, supply: Supply, ties: Ties, rows: Table, links: Table,
    sinks: Table, work: Work, fx: Effects, disturbed: int, integer: int,
) -> None:
    """Split the stock of rows whose products share components or limits, three times over."""
    for p in range(ties.group[GROUP.group_row_off, g], ties.group[GROUP.group_row_off, g + 1]):
        r = np.uint64(ties.group_row[p] * K)
        for k in range(np.uint64(K)):
            work.stock[r + k] = rows[ROW.on_hand, r + k]
    for m in range(ties.group[GROUP.group_limit_off, g], ties.group[GROUP.group_limit_off, g + 1]):
        for k in range(K):
            share = fx.limit[m * K + k] if disturbed else 1.0
            work.limit_left[m * K + k] = ties.limit_stock[m] * share
    for n in range(ROUNDS):
        wish_group(g, K, n == 0, supply, ties, links, work, fx, disturbed, integer)
        grant_group(g, K, stock, ties, links, sinks, work, fx, disturbed, integer)
        if take_group(g, K, stock, supply, ties, links, sinks, work, integer) <= 0.0:
            break


@inner
def wish_group(
    g: int, K: int, first: bool, supply: Supply, ties: Ties, links: Table, work: Work,
    fx: Effects, disturbed: int, integer: int,
) -> None:
    """Write what every link of a group wants: open orders within its limits and components."""
    for p in range(ties.group[GROUP.group_link_off, g], ties.group[GROUP.group_link_off, g + 1]):
        e = ties.group_link[p]
        f = supply.link[NET_LINK.link_form, e]
        wish(e, K, supply, links, work.want, fx, disturbed)
        make = supply.form[LINK_FORM.kind, f] == 1
        if make:
            fit(e, K, supply, ties, work)
        if disturbed:
            hold_back(e, K, first, supply, links, work.want, work.allowed, fx, integer)
        if make and (integer or supply.rate[RATE.batch, f] > 0.0):
            for x in range(e * K, e * K + K):
                work.want[x] = whole(work.want[x], supply.rate[RATE.batch, f], integer)


@inner
def fit(e: int, K: int, supply: Supply, ties: Ties, work: Work) -> None:
    """Limit what production wants to what its scarcest component or shared limit allows."""
    x = np.uint64(e * K)
    for q in range(supply.link[NET_LINK.input_off, e], supply.link[NET_LINK.input_off, e + 1]):
        r = np.uint64(supply.input[INPUT.input_row, q] * K)
        usage = usage_of(q, supply.usage)
        for k in range(np.uint64(K)):
            work.want[x + k] = min(work.want[x + k], work.stock[r + k] / usage)
    for q in range(supply.link[NET_LINK.link_limit_off, e], supply.link[NET_LINK.link_limit_off, e + 1]):
        c = ties.link_limit_claim[q]
        m = np.uint64(ties.limit_claim[LIMIT_CLAIM.limit_of_claim, c] * K)
        usage = ties.limit_claim_usage[c]
        for k in range(np.uint64(K)):
            work.want[x + k] = min(work.want[x + k], work.limit_left[m + k] / usage)


@inner
def grant_group(
    g: int, K: int, stock: Stock, ties: Ties, links: Table, sinks: Table, work: Work, fx: Effects,
    disturbed: int, integer: int,
) -> None:
    """Let every row and every shared limit of a group split what it has left."""
    first = np.int64(stock.row[NET_ROW.claim_off, 0])  # all claims at once, not those of one row
    for p in range(ties.group[GROUP.group_row_off, g], ties.group[GROUP.group_row_off, g + 1]):
        i = np.int64(ties.group_row[p])
        r = np.uint64(i * K)
        fill_claims(i, K, first, stock, sinks, work.want, work.claim, fx, disturbed, integer)
        for q in range(stock.row[NET_ROW.claim_off, i], stock.row[NET_ROW.claim_off, i + 1]):
            s = -1 - stock.claim[CLAIM.claim_index, q]
            if s >= 0:
                for k in range(K):
                    rest = work.claim[q * K + k] - sinks[SINK.served, s * K + k]
                    work.claim[q * K + k] = max(0.0, rest)
        for k in range(np.uint64(K)):
            work.left[k] = work.stock[r + k]
        grant(
            i, K, first, stock, links, work.claim, work.later, work.left, work.total, integer
        )
    for m in range(ties.group[GROUP.group_limit_off, g], ties.group[GROUP.group_limit_off, g + 1]):
        for k in range(K):
            total = 0.0
            for q in range(ties.limit_claim_off[m], ties.limit_claim_off[m + 1]):
                asked = ties.limit_claim_usage[q] * work.want[ties.limit_claim[LIMIT_CLAIM.limit_claim_link, q] * K + k]
                work.limit_grant[q * K + k] = asked
                total += asked
            if total > work.limit_left[m * K + k]:
                ratio = work.limit_left[m * K + k] / total
                for q in range(ties.limit_claim_off[m], ties.limit_claim_off[m + 1]):
                    work.limit_grant[q * K + k] *= ratio


@inner
def take_group(
    g: int, K: int, stock: Stock, supply: Supply, ties: Ties, links: Table, sinks: Table,
    work: Work, integer: int,
) -> float:
    """Move on every link the least that its components and limits grant; return the total."""
    moved = 0.0
    for p in range(ties.group[GROUP.group_link_off, g], ties.group[GROUP.group_link_off, g + 1]):
        e = ties.group_link[p]
        batch = supply.rate[RATE.batch, supply.link[NET_LINK.link_form, e]]
        for k in range(K):
            x = work.want[e * K + k]
            for q in range(supply.link[NET_LINK.input_off, e], supply.link[NET_LINK.input_off, e + 1]):
                x = min(x, work.claim[supply.input[INPUT.input_claim, q] * K + k] / usage_of(q, supply.usage))
            for q in range(supply.link[NET_LINK.link_limit_off, e], supply.link[NET_LINK.link_limit_off, e + 1]):
                c = ties.link_limit_claim[q]
                x = min(x, work.limit_grant[c * K + k] / ties.limit_claim_usage[c])
            x = whole(x, batch, integer)
            if x <= _TINY:
                continue
            links[LINK.moved, e * K + k] += x
            moved += x
            for q in range(supply.link[NET_LINK.input_off, e], supply.link[NET_LINK.input_off, e + 1]):
                j = supply.input[INPUT.input_row, q] * K + k
                work.stock[j] = max(0.0, work.stock[j] - usage_of(q, supply.usage) * x)
            for q in range(supply.link[NET_LINK.link_limit_off, e], supply.link[NET_LINK.link_limit_off, e + 1]):
                c = ties.link_limit_claim[q]
                m = ties.limit_claim[LIMIT_CLAIM.limit_of_claim, c] * K + k
                work.limit_left[m] = max(0.0, work.limit_left[m] - ties.limit_claim_usage[c] * x)
    for p in range(ties.group[GROUP.group_row_off, g], ties.group[GROUP.group_row_off, g + 1]):
        i = ties.group_row[p]
        for q in range(stock.row[NET_ROW.claim_off, i], stock.row[NET_ROW.claim_off, i + 1]):
            s = -1 - stock.claim[CLAIM.claim_index, q]
            if s >= 0:
                for k in range(K):
                    got = work.claim[q * K + k]
                    sinks[SINK.served, s * K + k] += got
                    work.stock[i * K + k] = max(0.0, work.stock[i * K + k] - got)
                    moved += got
    return moved
