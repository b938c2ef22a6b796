"""What a link wants to move, and what holds it back: part of phase 5."""

from __future__ import annotations

import math

import numpy as np

from twin.arrays import (
    FX_LINK,
    FX_ROW,
    LINK,
    NET_LINK,
    RATE,
    Effects,
    Floats,
    Network,
    Table,
    Work,
)
from twin.jit import inner


@inner
def wish(
    e: int, K: int, net: Network, links: Table, want: Floats, fx: Effects, disturbed: int
) -> None:
    """Write what a link would move if stock were no limit, given what it moved already."""
    x = np.uint64(e * K)
    cap = net.rate[RATE.limit, e]
    wip = net.rate[RATE.wip_cap, e]
    for k in range(np.uint64(K)):
        w = links[LINK.owed, x + k] - links[LINK.moved, x + k]
        w = min(w, cap - links[LINK.moved, x + k])
        if wip < np.inf:
            w = min(w, wip - links[LINK.on_way, x + k] - links[LINK.moved, x + k])
        want[x + k] = max(0.0, w)
    if disturbed:
        hinder(e, K, net, links, want, fx)


@inner
def hinder(e: int, K: int, net: Network, links: Table, want: Floats, fx: Effects) -> None:
    """Let a lost capacity, a closed lane or a stopped dispatch limit what a link wants."""
    make = net.link[NET_LINK.kind, e] == 1
    cap = net.rate[RATE.limit, e]
    shut = not make and net.link[NET_LINK.transit_len, e] == 0
    for k in range(K):
        x = e * K + k
        if make:
            if cap < np.inf:
                left = cap * fx.link[FX_LINK.capacity, x] - links[LINK.moved, x]
                want[x] = max(0.0, min(want[x], left))
        elif fx.link[FX_LINK.stopped, x] > 0.0 or (shut and fx.link[FX_LINK.closed, x] > 0.0):
            want[x] = 0.0


@inner
def hold_back(
    e: int, K: int, first: bool, net: Network, links: Table, work: Work, fx: Effects, integer: int
) -> None:
    """Keep a link to the share of its first want that a disturbed site can still do."""
    make = net.link[NET_LINK.kind, e] == 1
    site = net.link[NET_LINK.to, e] if make else net.link[NET_LINK.link_row, e]
    limited = net.rate[RATE.limit, e] < np.inf
    for k in range(K):
        x = e * K + k
        if first:
            share = fx.row[FX_ROW.work, site * K + k]
            if make and not limited:
                share *= fx.link[FX_LINK.capacity, x]
            work.allowed[x] = whole(share * work.want[x], 0.0, integer)
        work.want[x] = max(0.0, min(work.want[x], work.allowed[x] - links[LINK.moved, x]))


@inner
def whole(x: float, batch: float, integer: int) -> float:
    """Round a quantity down to whole batches (or whole units in integer mode)."""
    if batch > 0.0:
        return batch * math.floor(x / batch + 1e-9)
    if integer:
        return math.floor(x + 1e-9)
    return x
