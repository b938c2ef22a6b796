"""Products that share components or limits: part of phase 5, split three times over."""

from __future__ import annotations

import numpy as np

from twin.arrays import (
    CLAIM,
    GROUP,
    INPUT,
    LIMIT_CLAIM,
    LINK,
    NET_LINK,
    NET_ROW,
    RATE,
    ROW,
    SINK,
    Effects,
    Network,
    Table,
    Work,
)
from twin.jit import inner
from twin.phases.allocate import fill_claims, split, split_customers_first
from twin.phases.wishes import hold_back, whole, wish

ROUNDS = 3
_TINY = 1e-9


@inner
def move_group(
    g: int, K: int, net: Network, rows: Table, links: Table, sinks: Table, work: Work, fx: Effects,
    disturbed: int, integer: int,
) -> None:
    """Split the stock of rows whose products share components or limits, three times over."""
    for p in range(net.group[GROUP.group_row_off, g], net.group[GROUP.group_row_off, g + 1]):
        r = np.uint64(net.group_row[p] * K)
        for k in range(np.uint64(K)):
            work.stock[r + k] = rows[ROW.on_hand, r + k]
    for m in range(net.group[GROUP.group_limit_off, g], net.group[GROUP.group_limit_off, g + 1]):
        for k in range(K):
            share = fx.limit[m * K + k] if disturbed else 1.0
            work.limit_left[m * K + k] = net.limit_stock[m] * share
    for n in range(ROUNDS):
        wish_group(g, K, n == 0, net, links, work, fx, disturbed, integer)
        grant_group(g, K, net, links, sinks, work, fx, disturbed, integer)
        if take_group(g, K, net, links, sinks, work, integer) <= 0.0:
            break


@inner
def wish_group(
    g: int, K: int, first: bool, net: Network, links: Table, work: Work, fx: Effects,
    disturbed: int, integer: int,
) -> None:
    """Write what every link of a group wants: open orders within its limits and components."""
    for p in range(net.group[GROUP.group_link_off, g], net.group[GROUP.group_link_off, g + 1]):
        e = net.group_link[p]
        wish(e, K, net, links, work.want, fx, disturbed)
        make = net.link[NET_LINK.kind, e] == 1
        if make:
            fit(e, K, net, work)
        if disturbed:
            hold_back(e, K, first, net, links, work, fx, integer)
        if make and (integer or net.rate[RATE.batch, e] > 0.0):
            for k in range(K):
                x = e * K + k
                work.want[x] = whole(work.want[x], net.rate[RATE.batch, e], integer)


@inner
def fit(e: int, K: int, net: Network, work: Work) -> None:
    """Limit what production wants to what its scarcest component or shared limit allows."""
    x = np.uint64(e * K)
    for q in range(net.link[NET_LINK.input_off, e], net.link[NET_LINK.input_off, e + 1]):
        r = np.uint64(net.input[INPUT.input_row, q] * K)
        usage = net.input_usage[q]
        for k in range(np.uint64(K)):
            work.want[x + k] = min(work.want[x + k], work.stock[r + k] / usage)
    for q in range(net.link[NET_LINK.link_limit_off, e], net.link[NET_LINK.link_limit_off, e + 1]):
        c = net.link_limit_claim[q]
        m = np.uint64(net.limit_claim[LIMIT_CLAIM.limit_of_claim, c] * K)
        usage = net.limit_claim_usage[c]
        for k in range(np.uint64(K)):
            work.want[x + k] = min(work.want[x + k], work.limit_left[m + k] / usage)


@inner
def grant_group(
    g: int, K: int, net: Network, links: Table, sinks: Table, work: Work, fx: Effects,
    disturbed: int, integer: int,
) -> None:
    """Let every row and every shared limit of a group split what it has left."""
    for p in range(net.group[GROUP.group_row_off, g], net.group[GROUP.group_row_off, g + 1]):
        i = net.group_row[p]
        r = np.uint64(i * K)
        fill_claims(i, K, net, links, sinks, work.want, work.claim, fx, disturbed, integer)
        for q in range(net.row[NET_ROW.claim_off, i], net.row[NET_ROW.claim_off, i + 1]):
            if net.claim[CLAIM.claim_kind, q] == 0:
                x = net.claim[CLAIM.claim_index, q] * K
                for k in range(K):
                    work.claim[q * K + k] = max(0.0, work.claim[q * K + k] - sinks[SINK.served, x + k])
        for k in range(np.uint64(K)):
            work.left[k] = work.stock[r + k]
        if net.row[NET_ROW.customers_first, i]:
            split_customers_first(
                i, K, net, links, sinks, work.claim, work.later, work.left, work.total, integer
            )
        else:
            split(
                net.row[NET_ROW.claim_off, i], net.row[NET_ROW.claim_off, i + 1],
                net.row[NET_ROW.split, i], K, net.claim, work.claim, work.left, work.total, integer,
            )
    for m in range(net.group[GROUP.group_limit_off, g], net.group[GROUP.group_limit_off, g + 1]):
        for k in range(K):
            total = 0.0
            for q in range(net.limit_claim_off[m], net.limit_claim_off[m + 1]):
                asked = net.limit_claim_usage[q] * work.want[net.limit_claim[LIMIT_CLAIM.limit_claim_link, q] * K + k]
                work.limit_grant[q * K + k] = asked
                total += asked
            if total > work.limit_left[m * K + k]:
                ratio = work.limit_left[m * K + k] / total
                for q in range(net.limit_claim_off[m], net.limit_claim_off[m + 1]):
                    work.limit_grant[q * K + k] *= ratio


@inner
def take_group(
    g: int, K: int, net: Network, links: Table, sinks: Table, work: Work, integer: int
) -> float:
    """Move on every link the least that its components and limits grant; return the total."""
    moved = 0.0
    for p in range(net.group[GROUP.group_link_off, g], net.group[GROUP.group_link_off, g + 1]):
        e = net.group_link[p]
        for k in range(K):
            x = work.want[e * K + k]
            for q in range(net.link[NET_LINK.input_off, e], net.link[NET_LINK.input_off, e + 1]):
                x = min(x, work.claim[net.input[INPUT.input_claim, q] * K + k] / net.input_usage[q])
            for q in range(net.link[NET_LINK.link_limit_off, e], net.link[NET_LINK.link_limit_off, e + 1]):
                c = net.link_limit_claim[q]
                x = min(x, work.limit_grant[c * K + k] / net.limit_claim_usage[c])
            x = whole(x, net.rate[RATE.batch, e], integer)
            if x <= _TINY:
                continue
            links[LINK.moved, e * K + k] += x
            moved += x
            for q in range(net.link[NET_LINK.input_off, e], net.link[NET_LINK.input_off, e + 1]):
                j = net.input[INPUT.input_row, q] * K + k
                work.stock[j] = max(0.0, work.stock[j] - net.input_usage[q] * x)
            for q in range(net.link[NET_LINK.link_limit_off, e], net.link[NET_LINK.link_limit_off, e + 1]):
                c = net.link_limit_claim[q]
                m = net.limit_claim[LIMIT_CLAIM.limit_of_claim, c] * K + k
                work.limit_left[m] = max(0.0, work.limit_left[m] - net.limit_claim_usage[c] * x)
    for p in range(net.group[GROUP.group_row_off, g], net.group[GROUP.group_row_off, g + 1]):
        i = net.group_row[p]
        for q in range(net.row[NET_ROW.claim_off, i], net.row[NET_ROW.claim_off, i + 1]):
            if net.claim[CLAIM.claim_kind, q] == 0:
                for k in range(K):
                    got = work.claim[q * K + k]
                    sinks[SINK.served, net.claim[CLAIM.claim_index, q] * K + k] += got
                    work.stock[i * K + k] = max(0.0, work.stock[i * K + k] - got)
                    moved += got
    return moved
