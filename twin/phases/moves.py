"""Phase 0, moves of the decoupling point: rows that become order-driven take back open orders."""

from __future__ import annotations

import numpy as np

from twin.arrays import Links, Network, Rings, Rows
from twin.jit import njit


@njit
def cancel_unshipped(
    i: int, t: int, K: int, net: Network, rows: Rows, links: Links, rings: Rings
) -> None:
    """Cancel what a row's suppliers have not shipped, newest first, up to its positive position."""
    a, b = net.in_off[i], net.in_off[i + 1]
    for k in range(K):
        j = i * K + k
        position = rows.record[j] + rows.on_order[j] - rows.backlog[j]
        open_units = 0.0
        for e in range(a, b):
            open_units += net.yield_[e] * unshipped(e, k, K, net, links, rings)
        take = min(max(0.0, position), open_units)
        if take <= 0.0:
            continue
        for e in range(a, b):
            there = unshipped(e, k, K, net, links, rings)
            take_back(e, k, t, K, there * take / open_units, net, rows, links, rings)
        rows.on_order[j] -= take


@njit
def unshipped(e: int, k: int, K: int, net: Network, links: Links, rings: Rings) -> float:
    """Started units ordered on a link and not shipped: owed and in the mail."""
    total = links.owed[e * K + k]
    for m in range(net.mail_len[e]):
        total += rings.mail[(net.mail_off[e] + m) * K + k]
    return total


@njit
def take_back(
    e: int, k: int, t: int, K: int, amount: float, net: Network, rows: Rows, links: Links,
    rings: Rings,
) -> None:
    """Take an amount of orders back from a link: the newest mail first, then what is owed."""
    links.cancelled[e * K + k] += amount
    n = net.mail_len[e]
    for back in range(n):  # posted in t - 1 - back
        slot = (net.mail_off[e] + (t - 1 - back + n) % n) * K + k
        part = min(amount, rings.mail[slot])
        rings.mail[slot] -= part
        amount -= part
    part = min(amount, links.owed[e * K + k])
    links.owed[e * K + k] -= part
    for q in range(net.input_off[e], net.input_off[e + 1]):
        j = net.input_row[q] * K + k
        rows.backlog[j] = max(0.0, rows.backlog[j] - net.input_usage[q] * part)


@njit
def cancel_rows(
    which: np.ndarray, t: int, K: int, net: Network, rows: Rows, links: Links, rings: Rings
) -> None:
    """Cancel for several rows, downstream first, so that suppliers feel it in turn."""
    for p in range(which.size):
        cancel_unshipped(which[p], t, K, net, rows, links, rings)
