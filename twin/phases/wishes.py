"""What a link wants to move, and what holds it back: part of phase 5."""

from __future__ import annotations

import math

import numpy as np

from twin.arrays import (
    CLAIM,
    FX_LINK,
    FX_ROW,
    INPUT,
    LINK,
    LINK_FORM,
    NET_LINK,
    RATE,
    Effects,
    Floats,
    Ints,
    Supply,
    Table,
)
from twin.jit import leaf


@leaf
def wish(
    e: int, K: int, supply: Supply, links: Table, want: Floats, fx: Effects, disturbed: int
) -> None:
    """Write what a link would move if stock were no limit, given what it moved already."""
    f = supply.link[NET_LINK.link_form, e]
    x = np.uint64(e * K)
    cap = supply.rate[RATE.limit, f]
    wip = supply.rate[RATE.wip_cap, f]
    for k in range(np.uint64(K)):
        w = links[LINK.owed, x + k] - links[LINK.moved, x + k]
        w = min(w, cap - links[LINK.moved, x + k])
        if wip < np.inf:
            w = min(w, wip - links[LINK.on_way, x + k] - links[LINK.moved, x + k])
        want[x + k] = max(0.0, w)
    if disturbed:
        hinder(e, K, supply, links, want, fx)


@leaf
def hinder(e: int, K: int, supply: Supply, links: Table, want: Floats, fx: Effects) -> None:
    """Let a lost capacity, a closed lane or a stopped dispatch limit what a link wants."""
    f = supply.link[NET_LINK.link_form, e]
    make = supply.form[LINK_FORM.kind, f] == 1
    cap = supply.rate[RATE.limit, f]
    shut = not make and supply.form[LINK_FORM.transit_len, f] == 0
    for k in range(K):
        x = e * K + k
        if make:
            if cap < np.inf:
                left = cap * fx.link[FX_LINK.capacity, x] - links[LINK.moved, x]
                want[x] = max(0.0, min(want[x], left))
        elif fx.link[FX_LINK.stopped, x] > 0.0 or (shut and fx.link[FX_LINK.closed, x] > 0.0):
            want[x] = 0.0


@leaf
def hold_back(
    e: int, K: int, first: bool, supply: Supply, links: Table, want: Floats, allowed: Floats,
    fx: Effects, integer: int,
) -> None:
    """Keep a link to the share of its first want that a disturbed site can still do."""
    f = supply.link[NET_LINK.link_form, e]
    make = supply.form[LINK_FORM.kind, f] == 1
    site = supply.link[NET_LINK.to, e] if make else source(e, supply)
    limited = supply.rate[RATE.limit, f] < np.inf
    for k in range(K):
        x = e * K + k
        if first:
            share = fx.row[FX_ROW.work, site * K + k]
            if make and not limited:
                share *= fx.link[FX_LINK.capacity, x]
            allowed[x] = whole(share * want[x], 0.0, integer)
        want[x] = max(0.0, min(want[x], allowed[x] - links[LINK.moved, x]))


@leaf
def source(e: int, supply: Supply) -> int:
    """Return the row that a link ships from."""
    return supply.input[INPUT.input_row, supply.link[NET_LINK.input_off, e]]


@leaf
def usage_of(p: int, usage: Floats) -> float:
    """Return the units in one of input or claim ``p``; where all are 1 they are not kept."""
    return usage[p] if usage.size > 0 else 1.0


@leaf
def whole(x: float, batch: float, integer: int) -> float:
    """Round a quantity down to whole batches (or whole units in integer mode)."""
    if batch > 0.0:
        return batch * math.floor(x / batch + 1e-9)
    if integer:
        return math.floor(x + 1e-9)
    return x


@leaf
def class_of(p: int, claims: Ints) -> int:
    """Return the class of claim ``p``; where all are of one class they are not kept."""
    return claims[CLAIM.claim_class, p] if claims.shape[0] > CLAIM.claim_class else 0
