"""A million stock points: copies of a compiled network side by side, with luck of their own.

Only for measuring: the copies do not touch each other, and rows keep the kernel's order (level by
level, segment by segment), so that the memory is walked as in one network of that size.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from twin.arrays import (
    INPUT,
    LEVEL,
    NET_LINK,
    NET_ROW,
    NET_SINK,
    SEGMENT,
    STAGE,
    Customers,
    Network,
    Stock,
    Supply,
    Sweep,
    World,
)

_STEP = np.uint64(0x9E3779B97F4A7)  # between the random streams of two copies


class _Copies:
    """Things of one kind in ``n`` copies, sorted by a key of theirs and then by copy."""

    def __init__(self, count: int, n: int, key: Any) -> None:
        copy = np.repeat(np.arange(n), count)
        old = np.tile(np.arange(count), n)
        order = np.lexsort((old, copy, key(old, copy)))
        self.old, self.copy = old[order], copy[order]
        self.new = np.empty((n, count), np.int64)
        self.new[self.copy, self.old] = np.arange(count * n)

    def at(self, index: Any, of: _Copies) -> Any:
        """Translate an index column of things ``of`` into these; -1 stays."""
        index = np.asarray(index)[of.old]
        return np.where(index < 0, -1, self.new[of.copy, np.maximum(index, 0)]).astype(np.int32)


def _starts(lengths: Any) -> Any:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)


def tile(world: World, n: int) -> World:
    """Return a world of ``n`` copies of a plain one (one replication, no limits, mail or events)."""
    net = world.network
    if net.ties.group_row.size or world.events.kind.size or world.devices.row.size:
        raise ValueError("only plain networks can be tiled")
    segment = np.repeat(np.arange(net.sweep.seg.shape[1]), np.diff(_bounds(net)))
    to, at = net.supply.link[NET_LINK.to], net.customers.sink[NET_SINK.sink_row]
    rows = _Copies(net.n_rows, n, lambda old, copy: segment[old])
    links = _Copies(net.n_links, n, lambda old, copy: rows.new[copy, to[old]])
    sinks = _Copies(net.n_sinks, n, lambda old, copy: rows.new[copy, at[old]])
    network = _network(net, n, rows, links, sinks)
    luck = world.demand.stream[sinks.old] + sinks.copy.astype(np.uint64) * _STEP
    return world._replace(
        network=network,
        rules=world.rules._replace(row=network.stock.row),
        rows=world.rows[:, rows.old].copy(),
        links=world.links[:, links.old].copy(),
        sinks=world.sinks[:, sinks.old].copy(),
        row_sums=world.row_sums[:, rows.old].copy(),
        link_sums=world.link_sums[:, links.old].copy(),
        sink_sums=world.sink_sums[:, sinks.old].copy(),
        order_sums=np.tile(world.order_sums, n),
        rings=np.tile(world.rings, n),
        demand=world.demand._replace(stream=luck, form=world.demand.form[sinks.old]),
    )


def _bounds(net: Network) -> Any:
    return np.append(net.sweep.seg[SEGMENT.seg_lo], net.n_rows)


def _network(net: Network, n: int, rows: _Copies, links: _Copies, sinks: _Copies) -> Network:
    return net._replace(
        n_rows=net.n_rows * n,
        n_links=net.n_links * n,
        n_sinks=net.n_sinks * n,
        n_slots=net.n_slots * n,
        stock=_stock(net, n, rows, links, sinks),
        supply=_supply(net, n, rows, links),
        sweep=_sweep(net.sweep, n, rows, links),
        customers=_customers(net, n, rows, sinks),
    )


def _listed(table: Any, column: int, of: _Copies, n: int) -> _Copies:
    """Return copies of the entries of a CSR list, in the order of those they belong to."""
    count = of.new.shape[1]
    who = np.repeat(np.arange(count), np.diff(table[column, : count + 1]))
    return _Copies(who.size, n, lambda old, copy: of.new[copy, who[old]])


def _with_end(table: Any, of: _Copies) -> Any:
    """Return a table of the copies, with the row behind the last one that offsets end with."""
    return table[:, [*of.old, of.new.shape[1]]]


def _stock(net: Network, n: int, rows: _Copies, links: _Copies, sinks: _Copies) -> Stock:
    stock = net.stock
    claims = _listed(stock.row, NET_ROW.claim_off, rows, n)
    row = _with_end(stock.row, rows)
    for column in (NET_ROW.in_off, NET_ROW.sink_off, NET_ROW.claim_off):
        row[column] = _starts(np.diff(stock.row[column])[rows.old])
    if row.shape[0] > NET_ROW.ring_off:
        row[NET_ROW.ring_off, :-1] += (rows.copy * net.n_slots).astype(np.int32)
    claim, index = stock.claim[:, claims.old], stock.claim[0, claims.old]
    claim[0] = np.where(
        index >= 0,
        links.new[claims.copy, np.maximum(index, 0)],
        -1 - sinks.new[claims.copy, np.maximum(-1 - index, 0)],
    )
    return stock._replace(row=row, claim=claim)


def _supply(net: Network, n: int, rows: _Copies, links: _Copies) -> Supply:
    supply = net.supply
    inputs = _listed(supply.link, NET_LINK.input_off, links, n)
    link = _with_end(supply.link, links)
    link[NET_LINK.input_off] = _starts(np.diff(supply.link[NET_LINK.input_off])[links.old])
    link[NET_LINK.to, :-1] = rows.at(supply.link[NET_LINK.to, :-1], links)
    link[NET_LINK.transit_off, :-1] += (links.copy * net.n_slots).astype(np.int32)
    taken = supply.input[:, inputs.old]
    taken[INPUT.input_row] = rows.at(supply.input[INPUT.input_row], inputs)
    return supply._replace(link=link, input=taken)


def _sweep(sweep: Sweep, n: int, rows: _Copies, links: _Copies) -> Sweep:
    seg, level, stage = sweep.seg.copy(), sweep.level.copy(), sweep.stage.copy()
    seg[SEGMENT.seg_lo] *= n
    seg[SEGMENT.seg_hi] *= n
    level[LEVEL.level_row] *= n
    stage[STAGE.stage_off] *= n
    stage[STAGE.send_off] *= n
    return Sweep(
        seg=seg,
        level=level,
        stage=stage,
        stage_row=_staged(sweep.stage_row, sweep.stage[STAGE.stage_off], rows),
        send_link=_staged(sweep.send_link, sweep.stage[STAGE.send_off], links),
    )


def _customers(net: Network, n: int, rows: _Copies, sinks: _Copies) -> Customers:
    """Return the sinks; customer orders of one copy after those of another."""
    customers = net.customers
    sink = _with_end(customers.sink, sinks)
    sink[NET_SINK.sink_row, :-1] = rows.at(customers.sink[NET_SINK.sink_row, :-1], sinks)
    sink[NET_SINK.curve_off, :-1] += (sinks.copy * net.n_slots).astype(np.int32)
    member = np.concatenate([sinks.new[c, customers.order_sink] for c in range(n)])
    return customers._replace(
        sink=sink,
        order_off=_starts(np.tile(np.diff(customers.order_off), n)),
        order_sink=member.astype(np.int32),
    )


def _staged(members: Any, off: Any, things: _Copies) -> Any:
    """Return the members of each stage, all copies of one stage before the next stage."""
    off = np.append(off, members.size)
    parts = [
        np.sort(things.new[:, members[a:b]].ravel()) for a, b in itertools.pairwise(off) if b > a
    ]
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int32)
