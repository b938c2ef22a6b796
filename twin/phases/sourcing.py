"""Whom an order goes to, and in what lots: part of phase 4."""

from __future__ import annotations

import math

from twin.arrays import (
    FX_LINK,
    FX_ROW,
    LINK,
    LINK_FORM,
    NET_LINK,
    NET_ROW,
    RATE,
    ROW,
    Effects,
    Stock,
    Supply,
    Table,
)
from twin.jit import inner, leaf
from twin.phases.wishes import source

_TINY = 1e-9


@leaf
def is_open(e: int, i: int, k: int, K: int, supply: Supply, fx: Effects) -> bool:
    """Return whether a source can be used at all in this period."""
    x = e * K + k
    kind = supply.form[LINK_FORM.kind, supply.link[NET_LINK.link_form, e]]
    if kind == 1:
        return bool(fx.row[FX_ROW.work, i * K + k] > 0.0 and fx.link[FX_LINK.capacity, x] > 0.0)
    if fx.link[FX_LINK.closed, x] > 0.0 or fx.link[FX_LINK.stopped, x] > 0.0:
        return False
    return bool(kind == 2 or fx.row[FX_ROW.work, source(e, supply) * K + k] > 0.0)


@inner
def share_order(
    i: int, a: int, b: int, K: int, supply: Supply, rows: Table, links: Table, fx: Effects,
    disturbed: int,
) -> None:
    """Split an order over several sources by cumulative shares or by priority."""
    first = supply.link[NET_LINK.link_form, a]
    for k in range(K):
        order = rows[ROW.order, i * K + k]
        if order <= _TINY:  # noise must not become a smallest order
            for e in range(a, b):
                links[LINK.placed, e * K + k] = 0.0
        elif supply.form[LINK_FORM.priority, first] >= 0:
            chosen = first_source(i, a, b, k, K, supply, fx, disturbed)
            for e in range(a, b):
                links[LINK.placed, e * K + k] = order if e == chosen else 0.0
        else:
            fallback = supply.form[LINK_FORM.fallback, first] == 1 and disturbed
            split_by_share(i, a, b, k, K, order, fallback, supply, links, fx, disturbed)


@inner
def first_source(
    i: int, a: int, b: int, k: int, K: int, supply: Supply, fx: Effects, disturbed: int
) -> int:
    """Return the first usable source by priority; the very first if none is."""
    chosen = -1
    best = 0
    first = a
    least = supply.form[LINK_FORM.priority, supply.link[NET_LINK.link_form, a]]
    for e in range(a, b):
        rank = supply.form[LINK_FORM.priority, supply.link[NET_LINK.link_form, e]]
        if rank < least:
            first, least = e, rank
        if (not disturbed or is_open(e, i, k, K, supply, fx)) and (chosen < 0 or rank < best):
            chosen, best = e, rank
    return chosen if chosen >= 0 else first


@inner
def split_by_share(
    i: int, a: int, b: int, k: int, K: int, order: float, fallback: bool, supply: Supply,
    links: Table, fx: Effects, disturbed: int,
) -> None:
    """Split an order so that what was ordered so far follows the shares of the open sources."""
    opened = 0.0
    so_far = order
    for e in range(a, b):
        if not disturbed or is_open(e, i, k, K, supply, fx):
            opened += supply.rate[RATE.share, supply.link[NET_LINK.link_form, e]]
        so_far += links[LINK.good_total, e * K + k]
    shift = fallback and 0.0 < opened < 1.0
    total = 0.0
    for e in range(a, b):
        share = supply.rate[RATE.share, supply.link[NET_LINK.link_form, e]]
        if shift:
            share = share / opened if is_open(e, i, k, K, supply, fx) else 0.0
        part = max(0.0, share * so_far - links[LINK.good_total, e * K + k])
        links[LINK.placed, e * K + k] = part
        total += part
    scale = order / total if total > 0.0 else 0.0
    for e in range(a, b):
        part = links[LINK.placed, e * K + k] * scale
        links[LINK.placed, e * K + k] = part if part > _TINY else 0.0


@leaf
def round_order(e: int, K: int, supply: Supply, links: Table, integer: int) -> None:
    """Turn good units into started lots: yield, whole units, minimum, multiple, maximum."""
    f = supply.link[NET_LINK.link_form, e]
    multiple = supply.rate[RATE.order_multiple, f]
    for k in range(K):
        o = links[LINK.placed, e * K + k] / supply.rate[RATE.yield_, f]
        if integer:
            o = math.ceil(o - _TINY)
        if o > 0.0:
            o = max(o, supply.rate[RATE.order_min, f])
            if multiple > 0.0:
                o = multiple * math.ceil(o / multiple - _TINY)
            if o > supply.rate[RATE.order_max, f]:
                o = supply.rate[RATE.order_max, f]
                if multiple > 0.0:
                    o = multiple * math.floor(o / multiple + _TINY)
        links[LINK.placed, e * K + k] = o


@inner
def remember_shares(K: int, stock: Stock, supply: Supply, links: Table) -> None:
    """Keep what was ordered on links that share their row's orders."""
    for e in range(supply.link.shape[1] - 1):
        i = supply.link[NET_LINK.to, e]
        if stock.row[NET_ROW.in_off, i + 1] - stock.row[NET_ROW.in_off, i] > 1:
            good = supply.rate[RATE.yield_, supply.link[NET_LINK.link_form, e]]
            for x in range(e * K, e * K + K):
                links[LINK.good_total, x] += good * links[LINK.placed, x]
