"""Phase 4, information sweep: downstream to upstream, read orders, forecast, decide, order."""

from __future__ import annotations

import math

import numpy as np

from twin import forecasters, policies
from twin.jit import njit
from twin.arrays import (
    Effects,
    Links,
    LinkSums,
    Network,
    Prices,
    Rings,
    Rows,
    RowSums,
    Rules,
    Sinks,
)

_TINY = 1e-9


@njit
def collect_mail(t: int, K: int, net: Network, rows: Rows, links: Links, rings: Rings) -> None:
    """Let the orders that are due reach their suppliers."""
    for e in range(net.to.size):
        n = net.mail_len[e]
        if n == 0:
            continue
        slot = np.uint64((net.mail_off[e] + t % n) * K)
        x = np.uint64(e * K)
        for k in range(np.uint64(K)):
            arrived = rings.mail[slot + k]
            rings.mail[slot + k] = 0.0
            links.owed[x + k] += arrived
            links.mailed[x + k] = arrived
        owe(e, K, net, rows, links.mailed)


@njit
def owe(e: int, K: int, net: Network, rows: Rows, arrived: np.ndarray) -> None:
    """Book orders that reached link ``e``'s supplier on the stock points that must serve them."""
    x = np.uint64(e * K)
    for q in range(net.input_off[e], net.input_off[e + 1]):
        r = np.uint64(net.input_row[q] * K)
        usage = net.input_usage[q]
        for k in range(np.uint64(K)):
            asked = usage * arrived[x + k]
            rows.backlog[r + k] += asked
            rows.incoming[r + k] += asked


@njit
def see_customers(
    lo: int, hi: int, t: int, K: int, net: Network, rows: Rows, sinks: Sinks
) -> None:
    """Explode accepted and wanted customer demand up to the rows of a level."""
    for i in range(lo, hi):
        r = np.uint64(i * K)
        for k in range(np.uint64(K)):
            rows.accepted[r + k] = 0.0
            rows.wanted[r + k] = 0.0
        for s in range(net.sink_off[i], net.sink_off[i + 1]):
            x = np.uint64(s * K)
            for k in range(np.uint64(K)):
                rows.accepted[r + k] += sinks.accepted[x + k]
                rows.wanted[r + k] += sinks.demand[x + k]
        for p in range(net.out_off[i], net.out_off[i + 1]):
            e = net.out_link[p]
            weight = net.out_usage[p] * net.share[e] / net.yield_[e]
            d = np.uint64(net.to[e] * K)
            for k in range(np.uint64(K)):
                rows.accepted[r + k] += weight * rows.accepted[d + k]
                rows.wanted[r + k] += weight * rows.wanted[d + k]


@njit
def look(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings) -> None:
    """Choose what the forecaster of each row sees this period."""
    for i in range(lo, hi):
        seen = rows.incoming
        if rules.sees[i] == 1:
            seen = rows.accepted
        elif rules.sees[i] == 2:
            seen = rows.wanted
        r = np.uint64(i * K)
        age = rules.age[i]
        if age == 0:
            for k in range(np.uint64(K)):
                rows.signal[r + k] = seen[r + k]
        else:
            slot = np.uint64((rules.age_off[i] + t % age) * K)
            for k in range(np.uint64(K)):
                rows.signal[r + k] = rings.age[slot + k]
                rings.age[slot + k] = seen[r + k]


@njit
def sum_inbound(K: int, net: Network, rows: Rows, links: Links) -> None:
    """Add up what is on the way to every row (for lines with a work-in-progress cap)."""
    for i in range(net.in_off.size - 1):
        for k in range(K):
            total = 0.0
            for e in range(net.in_off[i], net.in_off[i + 1]):
                total += net.yield_[e] * (links.on_way[e * K + k] + links.gate[e * K + k])
            rows.inbound[i * K + k] = total


@njit
def override(
    lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, fx: Effects, forced: int,
    disturbed: int, integer: int,
) -> None:
    """Replace decisions where orders drive, are forced, or cannot be placed; round whole units."""
    for i in range(lo, hi):
        a, b = i * K, i * K + K
        if rules.driven[i]:
            for j in range(a, b):
                rows.order[j] = max(0.0, rows.backlog[j] - rows.record[j] - rows.on_order[j])
        if forced and t < rules.forced_until[i]:
            for j in range(a, b):
                rows.order[j] = rules.forced_order[j]
        if disturbed:
            for j in range(a, b):
                rows.order[j] *= fx.can_order[j]
        if integer:
            for j in range(a, b):
                rows.order[j] = math.ceil(rows.order[j] - _TINY)


@njit
def place(
    lo: int, hi: int, t: int, K: int, net: Network, rows: Rows, links: Links, rings: Rings,
    fx: Effects, disturbed: int, integer: int,
) -> None:
    """Split each row's order over its links, round it to lots and send it upstream."""
    for i in range(lo, hi):
        a, b = net.in_off[i], net.in_off[i + 1]
        r = np.uint64(i * K)
        if b - a == 1:
            x = np.uint64(a * K)
            for k in range(np.uint64(K)):
                links.placed[x + k] = rows.order[r + k]
        elif b > a:
            share_order(i, a, b, K, net, rows, links, fx, disturbed)
        for k in range(np.uint64(K)):
            rows.order[r + k] = 0.0
        for e in range(a, b):
            if net.plain_order[e] == 0:
                round_order(e, K, net, links, integer)
            post(e, i, t, K, net, rows, links, rings)


@njit
def post(
    e: int, i: int, t: int, K: int, net: Network, rows: Rows, links: Links, rings: Rings
) -> None:
    """Hand an order to the supplier, or to the mail when information takes time."""
    x = np.uint64(e * K)
    r = np.uint64(i * K)
    good = net.yield_[e]
    for k in range(np.uint64(K)):
        units = good * links.placed[x + k]
        rows.on_order[r + k] += units
        rows.order[r + k] += units
    n = net.mail_len[e]
    if n > 0:
        slot = np.uint64((net.mail_off[e] + t % n) * K)
        for k in range(np.uint64(K)):
            rings.mail[slot + k] += links.placed[x + k]
    else:
        for k in range(np.uint64(K)):
            links.owed[x + k] += links.placed[x + k]
        owe(e, K, net, rows, links.placed)


@njit
def is_open(e: int, i: int, k: int, K: int, net: Network, fx: Effects) -> bool:
    """Return whether a source can be used at all in this period."""
    x = e * K + k
    if net.kind[e] == 1:
        return bool(fx.work[i * K + k] > 0.0 and fx.capacity[x] > 0.0)
    if fx.closed[x] > 0.0 or fx.stopped[x] > 0.0:
        return False
    return bool(net.kind[e] == 2 or fx.work[net.link_row[e] * K + k] > 0.0)


@njit
def share_order(
    i: int, a: int, b: int, K: int, net: Network, rows: Rows, links: Links, fx: Effects,
    disturbed: int,
) -> None:
    """Split an order over several sources by cumulative shares or by priority."""
    for k in range(K):
        order = rows.order[i * K + k]
        if net.priority[a] >= 0:
            chosen = -1
            first = a
            for e in range(a, b):
                if net.priority[e] < net.priority[first]:
                    first = e
                usable = not disturbed or is_open(e, i, k, K, net, fx)
                if usable and (chosen < 0 or net.priority[e] < net.priority[chosen]):
                    chosen = e
            for e in range(a, b):
                links.placed[e * K + k] = order if e == (chosen if chosen >= 0 else first) else 0.0
            continue
        opened = 0.0
        for e in range(a, b):
            if not disturbed or is_open(e, i, k, K, net, fx):
                opened += net.share[e]
        shift = net.fallback[a] == 1 and disturbed and 0.0 < opened < 1.0
        so_far = order
        for e in range(a, b):
            so_far += links.good_total[e * K + k]
        total = 0.0
        for e in range(a, b):
            share = net.share[e]
            if shift:
                share = share / opened if is_open(e, i, k, K, net, fx) else 0.0
            part = max(0.0, share * so_far - links.good_total[e * K + k])
            links.placed[e * K + k] = part
            total += part
        scale = order / total if total > 0.0 else 0.0
        for e in range(a, b):
            part = links.placed[e * K + k] * scale
            links.placed[e * K + k] = part


@njit
def round_order(e: int, K: int, net: Network, links: Links, integer: int) -> None:
    """Turn good units into started lots: yield, whole units, minimum, multiple, maximum."""
    multiple = net.order_multiple[e]
    for k in range(K):
        o = links.placed[e * K + k] / net.yield_[e]
        if integer:
            o = math.ceil(o - _TINY)
        if o > 0.0:
            o = max(o, net.order_min[e])
            if multiple > 0.0:
                o = multiple * math.ceil(o / multiple - _TINY)
            if o > net.order_max[e]:
                o = net.order_max[e]
                if multiple > 0.0:
                    o = multiple * math.floor(o / multiple + _TINY)
        links.placed[e * K + k] = o


@njit
def remember_shares(K: int, net: Network, links: Links) -> None:
    """Keep what was ordered on links that share their row's orders."""
    for e in range(net.to.size):
        if net.in_off[net.to[e] + 1] - net.in_off[net.to[e]] > 1:
            for k in range(K):
                links.good_total[e * K + k] += net.yield_[e] * links.placed[e * K + k]


@njit
def feel_need(lo: int, hi: int, K: int, net: Network, rows: Rows, links: Links, sinks: Sinks) -> None:
    """Sum need backed by customer orders up to the rows of a level, and down to their links."""
    for i in range(lo, hi):
        for k in range(K):
            need = 0.0
            for s in range(net.sink_off[i], net.sink_off[i + 1]):
                need += sinks.owed[s * K + k]
            for p in range(net.out_off[i], net.out_off[i + 1]):
                need += net.out_usage[p] * links.need[net.out_link[p] * K + k]
            rows.need[i * K + k] = need
            coming = 0.0
            for e in range(net.in_off[i], net.in_off[i + 1]):
                coming += net.yield_[e] * (links.on_way[e * K + k] + links.gate[e * K + k])
            open_need = max(0.0, need - rows.record[i * K + k] - coming)
            for e in range(net.in_off[i], net.in_off[i + 1]):
                part = open_need * net.share[e] / net.yield_[e]
                links.need[e * K + k] = min(links.owed[e * K + k], part)


@njit
def pay(K: int, net: Network, links: Links, prices: Prices, sums: LinkSums) -> None:
    """Price this period's orders by their breaks."""
    for e in range(net.to.size):
        a, b = prices.off[e], prices.off[e + 1]
        if a == b:
            continue
        for k in range(K):
            q = links.placed[e * K + k]
            money = 0.0
            for p in range(a, b):
                if q < prices.quantity[p]:
                    break
                if prices.incremental[e]:
                    top = min(q, prices.quantity[p + 1]) if p + 1 < b else q
                    money += (top - prices.quantity[p]) * prices.price[p]
                else:
                    money = q * prices.price[p]
            sums.purchase[e * K + k] += money


@njit
def predict(
    lo: int, hi: int, number: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings,
    sums: RowSums,
) -> None:
    """Let the rows of a segment see and forecast."""
    look(lo, hi, t, K, rules, rows, rings)
    forecasters.update(number, lo, hi, t, K, rules, rows, rings, sums)


@njit
def choose(
    number: int, lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings
) -> None:
    """Let the policy of a segment decide."""
    policies.decide(number, lo, hi, t, K, rules, rows, rings)
