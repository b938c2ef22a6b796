"""A million stock points: copies of a compiled network side by side, with luck of their own.

Only for measuring: the copies do not touch each other, and rows keep the kernel's order (level by
level, segment by segment), so that the memory is walked as in one network of that size.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from twin.arrays import (
    CLAIM,
    INPUT,
    LEVEL,
    NET_LINK,
    NET_ROW,
    NET_SINK,
    SEGMENT,
    STAGE,
    Network,
    Rules,
    World,
)

_STEP = np.uint64(0x9E3779B97F4A7)  # between the random streams of two copies
OFFSETS = {"in_off", "out_off", "sink_off", "claim_off", "input_off", "link_limit_off", "quote_off"}


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
    if net.group_row.size or world.events.kind.size or world.devices.row.size:
        raise ValueError("only plain networks can be tiled")
    segment = np.repeat(np.arange(net.seg.shape[1]), np.diff(_bounds(net)))
    rows = _Copies(net.n_rows, n, lambda old, copy: segment[old])
    links = _Copies(net.n_links, n, lambda old, copy: rows.new[copy, net.link[NET_LINK.to, old]])
    sinks = _Copies(
        net.n_sinks, n, lambda old, copy: rows.new[copy, net.sink[NET_SINK.sink_row, old]]
    )
    slots = world.rings.size
    return world._replace(
        network=_network(net, n, rows, links, sinks, slots),
        rules=_rules(world.rules, rows, links, slots, n),
        rows=world.rows[:, rows.old].copy(),
        links=world.links[:, links.old].copy(),
        sinks=world.sinks[:, sinks.old].copy(),
        row_sums=world.row_sums[:, rows.old].copy(),
        link_sums=world.link_sums[:, links.old].copy(),
        sink_sums=world.sink_sums[:, sinks.old].copy(),
        rings=np.tile(world.rings, n),
        work=world.work._replace(
            **{
                name: np.zeros(getattr(world.work, name).size * n)
                for name in ("want", "claim", "later", "stock", "promise")
            }
        ),
        prices=world.prices._replace(
            off=np.zeros(net.n_links * n + 1, np.int32),
            incremental=np.zeros(net.n_links * n, np.int8),
        ),
        demand=world.demand._replace(sinks=_luck(world.demand.sinks, sinks)),
        lead_table=np.full(net.n_links * n, -1, np.int32),
    )


def _bounds(net: Network) -> Any:
    return np.append(net.seg[SEGMENT.seg_lo], net.n_rows)


def _luck(table: Any, things: _Copies) -> Any:
    found = table[things.old].copy()
    found["stream"] += things.copy.astype(np.uint64) * _STEP
    return found


def _rules(rules: Rules, rows: _Copies, links: _Copies, slots: int, n: int) -> Rules:
    last = rules.row[:, -1:]
    row = rules.row[:, :-1][:, rows.old]
    for column in ("window_off", "age_off", "plan_off", "shelf_off"):
        row[type(_rule())._fields.index(column)] += (rows.copy * slots).astype(np.int32)
    step = _STEP
    return rules._replace(
        theta=rules.theta[:, rows.old].copy(),
        row=np.ascontiguousarray(np.hstack([row, last])),
        error=rules.error[:, rows.old].copy(),
        driven=rules.driven[rows.old].copy(),
        row_stream=rules.row_stream[rows.old] + rows.copy.astype(np.uint64) * step,
        link_stream=rules.link_stream[links.old] + links.copy.astype(np.uint64) * step,
    )


def _rule() -> Any:
    from twin.arrays import RULE

    return RULE


def _network(
    net: Network, n: int, rows: _Copies, links: _Copies, sinks: _Copies, slots: int
) -> Network:
    def owner(table: Any, column: int, count: int) -> Any:
        """Return who each entry of a CSR list belongs to."""
        return np.repeat(np.arange(count), np.diff(table[column, : count + 1]))

    def listed(column: int, of: _Copies, table: Any) -> _Copies:
        who = owner(table, column, of.new.shape[1])
        return _Copies(who.size, n, lambda old, copy: of.new[copy, who[old]])

    claims = listed(NET_ROW.claim_off, rows, net.row)
    outs = listed(NET_ROW.out_off, rows, net.row)
    inputs = listed(NET_LINK.input_off, links, net.link)
    row = net.row[:, [*rows.old, net.n_rows]]
    for column in (NET_ROW.in_off, NET_ROW.out_off, NET_ROW.sink_off, NET_ROW.claim_off):
        row[column] = _starts(np.diff(net.row[column])[rows.old])
    link = net.link[:, [*links.old, net.n_links]]
    for column in (NET_LINK.input_off, NET_LINK.link_limit_off):
        link[column] = _starts(np.diff(net.link[column])[links.old])
    link[NET_LINK.to, :-1] = rows.at(net.link[NET_LINK.to, :-1], links)
    link[NET_LINK.link_row, :-1] = rows.at(net.link[NET_LINK.link_row, :-1], links)
    sink = net.sink[:, [*sinks.old, net.n_sinks]]
    sink[NET_SINK.sink_row, :-1] = rows.at(net.sink[NET_SINK.sink_row, :-1], sinks)
    for column in (NET_SINK.sink_rank_order, NET_SINK.promise_order):
        sink[column, :-1] = sinks.at(net.sink[column, :-1], sinks)
    sink[NET_SINK.quote_off] = 0
    for table, columns, of in (
        (link, (NET_LINK.mail_off, NET_LINK.transit_off), links),
        (sink, (NET_SINK.curve_off, NET_SINK.asked_off), sinks),
    ):
        for column in columns:
            table[column, :-1] += (of.copy * slots).astype(np.int32)
    claim = net.claim[:, claims.old]
    of_link = claim[CLAIM.claim_kind] == 1
    index = net.claim[CLAIM.claim_index]
    claim[CLAIM.claim_index] = np.where(
        of_link,
        links.new[claims.copy, np.where(of_link, index[claims.old], 0)],
        sinks.new[claims.copy, np.where(of_link, 0, index[claims.old])],
    )
    taken = net.input[:, inputs.old]
    taken[INPUT.input_row] = rows.at(net.input[INPUT.input_row], inputs)
    taken[INPUT.input_claim] = claims.at(net.input[INPUT.input_claim], inputs)
    seg, level, stage = net.seg.copy(), net.level.copy(), net.stage.copy()
    seg[SEGMENT.seg_lo] *= n
    seg[SEGMENT.seg_hi] *= n
    level[LEVEL.level_row] *= n
    stage[STAGE.stage_off] *= n
    stage[STAGE.send_off] *= n
    return net._replace(
        n_rows=net.n_rows * n,
        n_links=net.n_links * n,
        n_sinks=net.n_sinks * n,
        row=row,
        link=link,
        rate=net.rate[:, links.old].copy(),
        out_link=links.at(net.out_link, outs),
        out_usage=net.out_usage[outs.old],
        claim=claim,
        claim_usage=net.claim_usage[claims.old],
        input=taken,
        input_usage=net.input_usage[inputs.old],
        seg=seg,
        level=level,
        stage=stage,
        stage_row=_staged(net.stage_row, stage[STAGE.stage_off] // n, rows, n),
        send_link=_staged(net.send_link, stage[STAGE.send_off] // n, links, n),
        sink=sink,
        **_orders(net, sinks, n),
    )


def _staged(members: Any, off: Any, things: _Copies, n: int) -> Any:
    """Return the members of each stage, all copies of one stage before the next stage."""
    off = np.append(off, members.size)
    parts = [
        np.sort(things.new[:, members[a:b]].ravel()) for a, b in itertools.pairwise(off) if b > a
    ]
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int32)


def _orders(net: Network, sinks: _Copies, n: int) -> dict[str, Any]:
    """Return customer orders: those of one copy after those of another."""
    lengths = np.tile(np.diff(net.order_group_off), n)
    member = np.concatenate([sinks.new[c, net.order_group_sink] for c in range(n)])
    return {"order_group_off": _starts(lengths), "order_group_sink": member.astype(np.int32)}
