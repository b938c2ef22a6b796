"""Phase 0, moves of the decoupling point: rows that become order-driven take back open orders."""

from __future__ import annotations

from twin.arrays import (
    INPUT,
    LINK,
    LINK_FORM,
    NET_LINK,
    NET_ROW,
    RATE,
    ROW,
    Floats,
    Ints,
    Stock,
    Supply,
    Table,
)
from twin.jit import inner, njit
from twin.phases.wishes import usage_of, whole


@inner
def cancel_unshipped(
    i: int, t: int, K: int, rec: int, stock: Stock, supply: Supply, rows: Table, links: Table,
    rings: Floats, integer: int,
) -> None:
    """Cancel what a row's suppliers have not shipped, newest first, up to its positive position."""
    a, b = stock.row[NET_ROW.in_off, i], stock.row[NET_ROW.in_off, i + 1]
    for k in range(K):
        j = i * K + k
        position = rows[rec, j] + rows[ROW.on_order, j] - rows[ROW.backlog, j]
        open_units = 0.0
        for e in range(a, b):
            good = supply.rate[RATE.yield_, supply.link[NET_LINK.link_form, e]]
            open_units += good * unshipped(e, k, K, supply, links, rings)
        take = min(max(0.0, position), open_units)
        if take <= 0.0:
            continue
        for e in range(a, b):
            there = unshipped(e, k, K, supply, links, rings)
            back = whole(there * take / open_units, 0.0, integer)
            take_back(e, k, t, K, back, supply, rows, links, rings)
            rows[ROW.on_order, j] -= supply.rate[RATE.yield_, supply.link[NET_LINK.link_form, e]] * back


@inner
def unshipped(e: int, k: int, K: int, supply: Supply, links: Table, rings: Floats) -> float:
    """Return started units ordered on a link and not shipped: owed and in the mail."""
    total = links[LINK.owed, e * K + k]
    for m in range(supply.form[LINK_FORM.mail_len, supply.link[NET_LINK.link_form, e]]):
        total += rings[(supply.link[NET_LINK.mail_off, e] + m) * K + k]
    return total


@inner
def take_back(
    e: int, k: int, t: int, K: int, amount: float, supply: Supply, rows: Table, links: Table,
    rings: Floats,
) -> None:
    """Take an amount of orders back from a link: the newest mail first, then what is owed."""
    links[LINK.cancelled, e * K + k] += amount
    n = supply.form[LINK_FORM.mail_len, supply.link[NET_LINK.link_form, e]]
    for back in range(n):  # posted in t - 1 - back
        slot = (supply.link[NET_LINK.mail_off, e] + (t - 1 - back + n) % n) * K + k
        part = min(amount, rings[slot])
        rings[slot] -= part
        amount -= part
    part = min(amount, links[LINK.owed, e * K + k])
    links[LINK.owed, e * K + k] -= part
    for q in range(supply.link[NET_LINK.input_off, e], supply.link[NET_LINK.input_off, e + 1]):
        j = supply.input[INPUT.input_row, q] * K + k
        rows[ROW.backlog, j] = max(0.0, rows[ROW.backlog, j] - usage_of(q, supply.usage) * part)


@njit
def cancel_rows(
    which: Ints, t: int, K: int, rec: int, stock: Stock, supply: Supply, rows: Table,
    links: Table, rings: Floats, integer: int,
) -> None:
    """Cancel for several rows, downstream first, so that suppliers feel it in turn."""
    for p in range(which.size):
        cancel_unshipped(which[p], t, K, rec, stock, supply, rows, links, rings, integer)
