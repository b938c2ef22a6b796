"""Phase 4, information sweep: downstream to upstream, read orders, forecast, decide, order."""

from __future__ import annotations

import math

import numpy as np

from twin.arrays import (
    CLAIM,
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
from twin.jit import inner, leaf
from twin.phases.sourcing import round_order, share_order
from twin.phases.wishes import usage_of

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
        owe(np.uint64(e), K, supply, rows, links, LINK.mailed)


@leaf
def owe(e: np.uint64, K: int, supply: Supply, rows: Table, links: Table, column: int) -> None:
    """Book orders that reached link ``e``'s supplier on the stock points that must serve them."""
    x = e * np.uint64(K)
    a = np.uint64(supply.link[NET_LINK.input_off, e])
    b = np.uint64(supply.link[NET_LINK.input_off, e + np.uint64(1)])
    for q in range(a, b):
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
    explode(lo, hi, K, ROW.accepted, accepted, stock, supply, rows, sinks)
    if wanted:
        explode(lo, hi, K, ROW.wanted, SINK.demand, stock, supply, rows, sinks)


@inner
def explode(
    lo: int, hi: int, K: int, column: int, of: int, stock: Stock, supply: Supply, rows: Table,
    sinks: Table,
) -> None:
    """Sum a column of the sinks, and of what is below, up to the rows of a level."""
    for i in range(lo, hi):
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


@leaf
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
        if rules.driven.size > 0 and rules.driven[i]:
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
    lo: int, hi: int, t: int, K: int, stock: Stock, supply: Supply, rows: Table, links: Table,
    rings: Floats,
) -> None:
    """Send each row's order upstream over its one link, as it is."""
    for i in range(np.uint64(lo), np.uint64(hi)):
        e = np.uint64(stock.row[NET_ROW.in_off, i])
        f = np.uint64(supply.link[NET_LINK.link_form, e])
        r = i * np.uint64(K)
        x = e * np.uint64(K)
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
def place_any(
    lo: int, hi: int, t: int, K: int, stock: Stock, supply: Supply, rows: Table, links: Table,
    rings: Floats, fx: Effects, disturbed: int, integer: int,
) -> None:
    """Send each row's order upstream, split over its links and rounded to what they take."""
    for i in range(lo, hi):
        place_split(i, t, K, stock, supply, rows, links, rings, fx, disturbed, integer)


@leaf
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


@leaf
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
        owe(np.uint64(e), K, supply, rows, links, LINK.placed)


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
