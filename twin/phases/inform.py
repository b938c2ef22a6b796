"""Phase 4, information sweep: downstream to upstream, read orders, forecast, decide, order."""

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
    LINK_SUM,
    NET_LINK,
    NET_ROW,
    RATE,
    ROW,
    ROW_FORM,
    SINK,
    THETA,
    Effects,
    Floats,
    Prices,
    Rules,
    Stock,
    Supply,
    Table,
)
from twin.jit import inner
from twin.phases.wishes import source, usage_of

_TINY = 1e-9


@inner
def collect_mail(t: int, K: int, supply: Supply, rows: Table, links: Table, rings: Floats) -> None:
    """Let the orders that are due reach their suppliers."""
    for e in range(supply.link.shape[1] - 1):
        n = supply.form[LINK_FORM.mail_len, supply.link[NET_LINK.link_form, e]]
        if n == 0:
            continue
        slot = np.uint64((supply.link[NET_LINK.mail_off, e] + t % n) * K)
        x = np.uint64(e * K)
        for k in range(np.uint64(K)):
            arrived = rings[slot + k]
            rings[slot + k] = 0.0
            links[LINK.owed, x + k] += arrived
            links[LINK.mailed, x + k] = arrived
        owe(e, K, supply, rows, links, LINK.mailed)


@inner
def owe(e: int, K: int, supply: Supply, rows: Table, links: Table, column: int) -> None:
    """Book orders that reached link ``e``'s supplier on the stock points that must serve them."""
    x = np.uint64(e * K)
    for q in range(supply.link[NET_LINK.input_off, e], supply.link[NET_LINK.input_off, e + 1]):
        r = np.uint64(supply.input[INPUT.input_row, q] * K)
        usage = usage_of(q, supply.usage)
        for k in range(np.uint64(K)):
            asked = usage * links[column, x + k]
            rows[ROW.backlog, r + k] += asked
            rows[ROW.incoming, r + k] += asked


@inner
def see_customers(
    lo: int, hi: int, K: int, stock: Stock, supply: Supply, rows: Table, sinks: Table,
    accepted: int, wanted: int,
) -> None:
    """Explode accepted and wanted customer demand up to the rows of a level.

    ``accepted`` is the sinks' column of what was accepted; ``wanted`` is 0 where no row looks at it.
    """
    for i in range(lo, hi):
        explode(i, K, ROW.accepted, accepted, stock, supply, rows, sinks)
        if wanted:
            explode(i, K, ROW.wanted, SINK.demand, stock, supply, rows, sinks)


@inner
def explode(
    i: int, K: int, column: int, of: int, stock: Stock, supply: Supply, rows: Table, sinks: Table
) -> None:
    """Sum a column of the sinks, and of what is below, up to one row."""
    r = np.uint64(i * K)
    for k in range(np.uint64(K)):
        rows[column, r + k] = 0.0
    for p in range(stock.row[NET_ROW.claim_off, i], stock.row[NET_ROW.claim_off, i + 1]):
        e = stock.claim[CLAIM.claim_index, p]
        if e < 0:
            x = np.uint64((-1 - e) * K)
            for k in range(np.uint64(K)):
                rows[column, r + k] += sinks[of, x + k]
            continue
        f = supply.link[NET_LINK.link_form, e]
        share = supply.rate[RATE.share, f] / supply.rate[RATE.yield_, f]
        weight = usage_of(p, stock.usage) * share
        d = np.uint64(supply.link[NET_LINK.to, e] * K)
        for k in range(np.uint64(K)):
            rows[column, r + k] += weight * rows[column, d + k]


@inner
def look(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats) -> None:
    """Choose what the forecaster of each row sees this period."""
    for i in range(lo, hi):
        f = rules.row[NET_ROW.row_form, i]
        sees = rules.form[ROW_FORM.sees, f]
        seen = ROW.incoming
        if sees == 1:
            seen = ROW.accepted
        elif sees == 2:
            seen = ROW.wanted
        r = np.uint64(i * K)
        age = rules.form[ROW_FORM.age, f]
        if age == 0:
            for k in range(np.uint64(K)):
                rows[ROW.signal, r + k] = rows[seen, r + k]
        else:
            first = rules.row[NET_ROW.ring_off, i] + rules.form[ROW_FORM.age_at, f]
            slot = np.uint64((first + t % age) * K)
            for k in range(np.uint64(K)):
                rows[ROW.signal, r + k] = rings[slot + k]
                rings[slot + k] = rows[seen, r + k]


@inner
def sum_inbound(K: int, stock: Stock, supply: Supply, rows: Table, links: Table) -> None:
    """Add up what is on the way to every row (for lines with a work-in-progress cap)."""
    for i in range(stock.row.shape[1] - 1):
        for k in range(K):
            rows[ROW.inbound, i * K + k] = coming(i, k, K, stock, supply, links)


@inner
def coming(i: int, k: int, K: int, stock: Stock, supply: Supply, links: Table) -> float:
    """Return the good units on the way to a row and at its gate."""
    total = 0.0
    for e in range(stock.row[NET_ROW.in_off, i], stock.row[NET_ROW.in_off, i + 1]):
        good = supply.rate[RATE.yield_, supply.link[NET_LINK.link_form, e]]
        gate = links[LINK.gate, e * K + k] if links.shape[0] > LINK.gate else 0.0
        total += good * (links[LINK.on_way, e * K + k] + gate)
    return total


@inner
def override(
    lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, fx: Effects, forced: int,
    disturbed: int, integer: int,
) -> None:
    """Replace decisions where orders drive, are forced, or cannot be placed; round whole units."""
    for i in range(lo, hi):
        a, b = i * K, i * K + K
        if rules.driven[i]:
            for j in range(a, b):
                rows[ROW.order, j] = max(0.0, rows[ROW.backlog, j] - rows[rules.rec, j] - rows[ROW.on_order, j])
        until = rules.form[ROW_FORM.forced_until, rules.row[NET_ROW.row_form, i]]
        if forced and t < until:
            p = rules.row[NET_ROW.parameters, i] * K
            for k in range(K):
                rows[ROW.order, a + k] = rules.theta[THETA.forced_order, p + k]
        if disturbed:
            for j in range(a, b):
                rows[ROW.order, j] *= fx.row[FX_ROW.can_order, j]
        if integer:
            for j in range(a, b):
                rows[ROW.order, j] = math.ceil(rows[ROW.order, j] - _TINY)


@inner
def place(
    lo: int, hi: int, t: int, K: int, wide: int, stock: Stock, supply: Supply, rows: Table,
    links: Table, rings: Floats, fx: Effects, disturbed: int, integer: int,
) -> None:
    """Send each row's order upstream: over its one link, or split over several."""
    for i in range(lo, hi):
        e = stock.row[NET_ROW.in_off, i]
        f = supply.link[NET_LINK.link_form, e]
        one = stock.row[NET_ROW.in_off, i + 1] - e == 1
        if not one or supply.form[LINK_FORM.plain_order, f] == 0:
            place_split(i, t, wide, stock, supply, rows, links, rings, fx, disturbed, integer)
            continue
        r = np.uint64(i * K)
        x = np.uint64(e * K)
        for k in range(np.uint64(K)):
            order = rows[ROW.order, r + k]
            order = order if order > _TINY else 0.0
            rows[ROW.order, r + k] = order
            rows[ROW.on_order, r + k] += order
            links[LINK.placed, x + k] = order
        n = supply.form[LINK_FORM.mail_len, f]
        if n > 0:
            slot = np.uint64((supply.link[NET_LINK.mail_off, e] + t % n) * K)
            for k in range(np.uint64(K)):
                rings[slot + k] += links[LINK.placed, x + k]
            continue
        for k in range(np.uint64(K)):
            links[LINK.owed, x + k] += links[LINK.placed, x + k]
        owe(e, K, supply, rows, links, LINK.placed)


@inner
def place_split(
    i: int, t: int, K: int, stock: Stock, supply: Supply, rows: Table, links: Table, rings: Floats,
    fx: Effects, disturbed: int, integer: int,
) -> None:
    """Split a row's order over its links, round it to lots and send it upstream."""
    a, b = stock.row[NET_ROW.in_off, i], stock.row[NET_ROW.in_off, i + 1]
    r = i * K
    if b - a == 1:
        for k in range(K):
            order = rows[ROW.order, r + k]
            links[LINK.placed, a * K + k] = order if order > _TINY else 0.0
    elif b > a:
        share_order(i, a, b, K, supply, rows, links, fx, disturbed)
    for k in range(K):
        rows[ROW.order, r + k] = 0.0
    for e in range(a, b):
        if supply.form[LINK_FORM.plain_order, supply.link[NET_LINK.link_form, e]] == 0:
            round_order(e, K, supply, links, integer)
        post(e, i, t, K, supply, rows, links, rings)


@inner
def post(
    e: int, i: int, t: int, K: int, supply: Supply, rows: Table, links: Table, rings: Floats
) -> None:
    """Hand an order to the supplier, or to the mail when information takes time."""
    f = supply.link[NET_LINK.link_form, e]
    x = np.uint64(e * K)
    r = np.uint64(i * K)
    good = supply.rate[RATE.yield_, f]
    for k in range(np.uint64(K)):
        units = good * links[LINK.placed, x + k]
        rows[ROW.on_order, r + k] += units
        rows[ROW.order, r + k] += units
    n = supply.form[LINK_FORM.mail_len, f]
    if n > 0:
        slot = np.uint64((supply.link[NET_LINK.mail_off, e] + t % n) * K)
        for k in range(np.uint64(K)):
            rings[slot + k] += links[LINK.placed, x + k]
    else:
        for k in range(np.uint64(K)):
            links[LINK.owed, x + k] += links[LINK.placed, x + k]
        owe(e, K, supply, rows, links, LINK.placed)


@inner
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


@inner
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


@inner
def feel_need(
    lo: int, hi: int, K: int, rec: int, stock: Stock, supply: Supply, rows: Table, links: Table,
    sinks: Table,
) -> None:
    """Sum need backed by customer orders up to the rows of a level, and down to their links."""
    for i in range(lo, hi):
        for k in range(K):
            need = 0.0
            for p in range(stock.row[NET_ROW.claim_off, i], stock.row[NET_ROW.claim_off, i + 1]):
                e = stock.claim[CLAIM.claim_index, p]
                if e < 0:
                    need += sinks[SINK.owed, (-1 - e) * K + k]
                else:
                    need += usage_of(p, stock.usage) * links[LINK.need, e * K + k]
            rows[ROW.need, i * K + k] = need
            there = rows[rec, i * K + k] + coming(i, k, K, stock, supply, links)
            open_need = max(0.0, need - there)
            for e in range(stock.row[NET_ROW.in_off, i], stock.row[NET_ROW.in_off, i + 1]):
                f = supply.link[NET_LINK.link_form, e]
                part = open_need * supply.rate[RATE.share, f] / supply.rate[RATE.yield_, f]
                links[LINK.need, e * K + k] = min(links[LINK.owed, e * K + k], part)


@inner
def pay(K: int, links: Table, prices: Prices, sums: Table) -> None:
    """Price this period's orders by their breaks."""
    for e in range(prices.off.size - 1):
        a, b = prices.off[e], prices.off[e + 1]
        if a == b:
            continue
        for k in range(K):
            q = links[LINK.placed, e * K + k]
            money = 0.0
            for p in range(a, b):
                if q < prices.quantity[p]:
                    break
                if prices.incremental[e]:
                    top = min(q, prices.quantity[p + 1]) if p + 1 < b else q
                    money += (top - prices.quantity[p]) * prices.price[p]
                else:
                    money = q * prices.price[p]
            sums[LINK_SUM.purchase, e * K + k] += money
