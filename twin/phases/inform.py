"""Phase 4, information sweep: downstream to upstream, read orders, forecast, decide, order."""

from __future__ import annotations

import math

import numpy as np

from twin import forecasters
from twin.arrays import (
    FX_LINK,
    FX_ROW,
    INPUT,
    LINK,
    LINK_SUM,
    NET_LINK,
    NET_ROW,
    RATE,
    ROW,
    RULE,
    SINK,
    THETA,
    Effects,
    Floats,
    Network,
    Prices,
    Rules,
    Table,
)
from twin.jit import inner

_TINY = 1e-9


@inner
def collect_mail(t: int, K: int, net: Network, rows: Table, links: Table, rings: Floats) -> None:
    """Let the orders that are due reach their suppliers."""
    for e in range(net.n_links):
        n = net.link[NET_LINK.mail_len, e]
        if n == 0:
            continue
        slot = np.uint64((net.link[NET_LINK.mail_off, e] + t % n) * K)
        x = np.uint64(e * K)
        for k in range(np.uint64(K)):
            arrived = rings[slot + k]
            rings[slot + k] = 0.0
            links[LINK.owed, x + k] += arrived
            links[LINK.mailed, x + k] = arrived
        owe(e, K, net, rows, links, LINK.mailed)


@inner
def owe(e: int, K: int, net: Network, rows: Table, links: Table, column: int) -> None:
    """Book orders that reached link ``e``'s supplier on the stock points that must serve them."""
    x = np.uint64(e * K)
    for q in range(net.link[NET_LINK.input_off, e], net.link[NET_LINK.input_off, e + 1]):
        r = np.uint64(net.input[INPUT.input_row, q] * K)
        usage = net.input_usage[q]
        for k in range(np.uint64(K)):
            asked = usage * links[column, x + k]
            rows[ROW.backlog, r + k] += asked
            rows[ROW.incoming, r + k] += asked


@inner
def see_customers(
    lo: int, hi: int, K: int, net: Network, rows: Table, sinks: Table
) -> None:
    """Explode accepted and wanted customer demand up to the rows of a level."""
    for i in range(lo, hi):
        r = np.uint64(i * K)
        for k in range(np.uint64(K)):
            rows[ROW.accepted, r + k] = 0.0
            rows[ROW.wanted, r + k] = 0.0
        for s in range(net.row[NET_ROW.sink_off, i], net.row[NET_ROW.sink_off, i + 1]):
            x = np.uint64(s * K)
            for k in range(np.uint64(K)):
                rows[ROW.accepted, r + k] += sinks[SINK.accepted, x + k]
                rows[ROW.wanted, r + k] += sinks[SINK.demand, x + k]
        for p in range(net.row[NET_ROW.out_off, i], net.row[NET_ROW.out_off, i + 1]):
            e = net.out_link[p]
            weight = net.out_usage[p] * net.rate[RATE.share, e] / net.rate[RATE.yield_, e]
            d = np.uint64(net.link[NET_LINK.to, e] * K)
            for k in range(np.uint64(K)):
                rows[ROW.accepted, r + k] += weight * rows[ROW.accepted, d + k]
                rows[ROW.wanted, r + k] += weight * rows[ROW.wanted, d + k]


@inner
def look(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats) -> None:
    """Choose what the forecaster of each row sees this period."""
    for i in range(lo, hi):
        seen = ROW.incoming
        if rules.row[RULE.sees, i] == 1:
            seen = ROW.accepted
        elif rules.row[RULE.sees, i] == 2:
            seen = ROW.wanted
        r = np.uint64(i * K)
        age = rules.row[RULE.age, i]
        if age == 0:
            for k in range(np.uint64(K)):
                rows[ROW.signal, r + k] = rows[seen, r + k]
        else:
            slot = np.uint64((rules.row[RULE.age_off, i] + t % age) * K)
            for k in range(np.uint64(K)):
                rows[ROW.signal, r + k] = rings[slot + k]
                rings[slot + k] = rows[seen, r + k]


@inner
def sum_inbound(K: int, net: Network, rows: Table, links: Table) -> None:
    """Add up what is on the way to every row (for lines with a work-in-progress cap)."""
    for i in range(net.n_rows):
        for k in range(K):
            total = 0.0
            for e in range(net.row[NET_ROW.in_off, i], net.row[NET_ROW.in_off, i + 1]):
                total += net.rate[RATE.yield_, e] * (links[LINK.on_way, e * K + k] + links[LINK.gate, e * K + k])
            rows[ROW.inbound, i * K + k] = total


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
        if forced and t < rules.row[RULE.forced_until, i]:
            for j in range(a, b):
                rows[ROW.order, j] = rules.theta[THETA.forced_order, j]
        if disturbed:
            for j in range(a, b):
                rows[ROW.order, j] *= fx.row[FX_ROW.can_order, j]
        if integer:
            for j in range(a, b):
                rows[ROW.order, j] = math.ceil(rows[ROW.order, j] - _TINY)


@inner
def place(
    lo: int, hi: int, t: int, K: int, net: Network, rows: Table, links: Table, rings: Floats,
    fx: Effects, disturbed: int, integer: int,
) -> None:
    """Send each row's order upstream: over its one link, or split over several."""
    for i in range(lo, hi):
        e = net.row[NET_ROW.in_off, i]
        one = net.row[NET_ROW.in_off, i + 1] - e == 1
        if not one or not net.link[NET_LINK.plain_order, e]:
            place_split(i, t, K, net, rows, links, rings, fx, disturbed, integer)
            continue
        r = np.uint64(i * K)
        x = np.uint64(e * K)
        n = net.link[NET_LINK.mail_len, e]
        for k in range(np.uint64(K)):
            order = rows[ROW.order, r + k]
            order = order if order > _TINY else 0.0
            rows[ROW.order, r + k] = order
            rows[ROW.on_order, r + k] += order
            links[LINK.placed, x + k] = order
        if n > 0:
            slot = np.uint64((net.link[NET_LINK.mail_off, e] + t % n) * K)
            for k in range(np.uint64(K)):
                rings[slot + k] += links[LINK.placed, x + k]
            continue
        for k in range(np.uint64(K)):
            links[LINK.owed, x + k] += links[LINK.placed, x + k]
        for q in range(net.link[NET_LINK.input_off, e], net.link[NET_LINK.input_off, e + 1]):
            d = np.uint64(net.input[INPUT.input_row, q] * K)
            usage = net.input_usage[q]
            for k in range(np.uint64(K)):
                asked = usage * links[LINK.placed, x + k]
                rows[ROW.backlog, d + k] += asked
                rows[ROW.incoming, d + k] += asked


@inner
def place_split(
    i: int, t: int, K: int, net: Network, rows: Table, links: Table, rings: Floats, fx: Effects,
    disturbed: int, integer: int,
) -> None:
    """Split a row's order over its links, round it to lots and send it upstream."""
    a, b = net.row[NET_ROW.in_off, i], net.row[NET_ROW.in_off, i + 1]
    r = i * K
    if b - a == 1:
        for k in range(K):
            order = rows[ROW.order, r + k]
            links[LINK.placed, a * K + k] = order if order > _TINY else 0.0
    elif b > a:
        share_order(i, a, b, K, net, rows, links, fx, disturbed)
    for k in range(K):
        rows[ROW.order, r + k] = 0.0
    for e in range(a, b):
        if net.link[NET_LINK.plain_order, e] == 0:
            round_order(e, K, net, links, integer)
        post(e, i, t, K, net, rows, links, rings)


@inner
def post(
    e: int, i: int, t: int, K: int, net: Network, rows: Table, links: Table, rings: Floats
) -> None:
    """Hand an order to the supplier, or to the mail when information takes time."""
    x = np.uint64(e * K)
    r = np.uint64(i * K)
    good = net.rate[RATE.yield_, e]
    for k in range(np.uint64(K)):
        units = good * links[LINK.placed, x + k]
        rows[ROW.on_order, r + k] += units
        rows[ROW.order, r + k] += units
    n = net.link[NET_LINK.mail_len, e]
    if n > 0:
        slot = np.uint64((net.link[NET_LINK.mail_off, e] + t % n) * K)
        for k in range(np.uint64(K)):
            rings[slot + k] += links[LINK.placed, x + k]
    else:
        for k in range(np.uint64(K)):
            links[LINK.owed, x + k] += links[LINK.placed, x + k]
        owe(e, K, net, rows, links, LINK.placed)


@inner
def is_open(e: int, i: int, k: int, K: int, net: Network, fx: Effects) -> bool:
    """Return whether a source can be used at all in this period."""
    x = e * K + k
    if net.link[NET_LINK.kind, e] == 1:
        return bool(fx.row[FX_ROW.work, i * K + k] > 0.0 and fx.link[FX_LINK.capacity, x] > 0.0)
    if fx.link[FX_LINK.closed, x] > 0.0 or fx.link[FX_LINK.stopped, x] > 0.0:
        return False
    return bool(net.link[NET_LINK.kind, e] == 2 or fx.row[FX_ROW.work, net.link[NET_LINK.link_row, e] * K + k] > 0.0)


@inner
def share_order(
    i: int, a: int, b: int, K: int, net: Network, rows: Table, links: Table, fx: Effects,
    disturbed: int,
) -> None:
    """Split an order over several sources by cumulative shares or by priority."""
    for k in range(K):
        order = rows[ROW.order, i * K + k]
        if order <= _TINY:  # noise must not become a smallest order
            for e in range(a, b):
                links[LINK.placed, e * K + k] = 0.0
            continue
        if net.link[NET_LINK.priority, a] >= 0:
            chosen = -1
            first = a
            for e in range(a, b):
                if net.link[NET_LINK.priority, e] < net.link[NET_LINK.priority, first]:
                    first = e
                usable = not disturbed or is_open(e, i, k, K, net, fx)
                if usable and (chosen < 0 or net.link[NET_LINK.priority, e] < net.link[NET_LINK.priority, chosen]):
                    chosen = e
            for e in range(a, b):
                links[LINK.placed, e * K + k] = order if e == (chosen if chosen >= 0 else first) else 0.0
            continue
        opened = 0.0
        for e in range(a, b):
            if not disturbed or is_open(e, i, k, K, net, fx):
                opened += net.rate[RATE.share, e]
        shift = net.link[NET_LINK.fallback, a] == 1 and disturbed and 0.0 < opened < 1.0
        so_far = order
        for e in range(a, b):
            so_far += links[LINK.good_total, e * K + k]
        total = 0.0
        for e in range(a, b):
            share = net.rate[RATE.share, e]
            if shift:
                share = share / opened if is_open(e, i, k, K, net, fx) else 0.0
            part = max(0.0, share * so_far - links[LINK.good_total, e * K + k])
            links[LINK.placed, e * K + k] = part
            total += part
        scale = order / total if total > 0.0 else 0.0
        for e in range(a, b):
            part = links[LINK.placed, e * K + k] * scale
            links[LINK.placed, e * K + k] = part if part > _TINY else 0.0


@inner
def round_order(e: int, K: int, net: Network, links: Table, integer: int) -> None:
    """Turn good units into started lots: yield, whole units, minimum, multiple, maximum."""
    multiple = net.rate[RATE.order_multiple, e]
    for k in range(K):
        o = links[LINK.placed, e * K + k] / net.rate[RATE.yield_, e]
        if integer:
            o = math.ceil(o - _TINY)
        if o > 0.0:
            o = max(o, net.rate[RATE.order_min, e])
            if multiple > 0.0:
                o = multiple * math.ceil(o / multiple - _TINY)
            if o > net.rate[RATE.order_max, e]:
                o = net.rate[RATE.order_max, e]
                if multiple > 0.0:
                    o = multiple * math.floor(o / multiple + _TINY)
        links[LINK.placed, e * K + k] = o


@inner
def remember_shares(K: int, net: Network, links: Table) -> None:
    """Keep what was ordered on links that share their row's orders."""
    for e in range(net.n_links):
        i = net.link[NET_LINK.to, e]
        if net.row[NET_ROW.in_off, i + 1] - net.row[NET_ROW.in_off, i] > 1:
            for k in range(K):
                links[LINK.good_total, e * K + k] += net.rate[RATE.yield_, e] * links[LINK.placed, e * K + k]


@inner
def feel_need(
    lo: int, hi: int, K: int, rec: int, net: Network, rows: Table, links: Table, sinks: Table
) -> None:
    """Sum need backed by customer orders up to the rows of a level, and down to their links."""
    for i in range(lo, hi):
        for k in range(K):
            need = 0.0
            for s in range(net.row[NET_ROW.sink_off, i], net.row[NET_ROW.sink_off, i + 1]):
                need += sinks[SINK.owed, s * K + k]
            for p in range(net.row[NET_ROW.out_off, i], net.row[NET_ROW.out_off, i + 1]):
                need += net.out_usage[p] * links[LINK.need, net.out_link[p] * K + k]
            rows[ROW.need, i * K + k] = need
            coming = 0.0
            for e in range(net.row[NET_ROW.in_off, i], net.row[NET_ROW.in_off, i + 1]):
                coming += net.rate[RATE.yield_, e] * (links[LINK.on_way, e * K + k] + links[LINK.gate, e * K + k])
            open_need = max(0.0, need - rows[rec, i * K + k] - coming)
            for e in range(net.row[NET_ROW.in_off, i], net.row[NET_ROW.in_off, i + 1]):
                part = open_need * net.rate[RATE.share, e] / net.rate[RATE.yield_, e]
                links[LINK.need, e * K + k] = min(links[LINK.owed, e * K + k], part)


@inner
def pay(K: int, net: Network, links: Table, prices: Prices, sums: Table) -> None:
    """Price this period's orders by their breaks."""
    for e in range(net.n_links):
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


@inner
def predict(
    lo: int, hi: int, number: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats,
    sums: Table,
) -> None:
    """Let the rows of a segment see and forecast."""
    look(lo, hi, t, K, rules, rows, rings)
    forecasters.update(number, lo, hi, t, K, rules, rows, rings, sums)
