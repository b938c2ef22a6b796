"""Topology -> the fixed arrays of the kernel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from twin import decoupling, forecasters, policies
from twin.arrays import (
    LINK_CLAIM,
    NET_LINK,
    NET_SINK,
    SINK_CLAIM,
    SPLIT_BY_CLASS,
    SPLIT_FAIR,
    Claim,
    Floats,
    Group,
    Input,
    Ints,
    Level,
    LimitClaim,
    NetLink,
    NetRow,
    NetSink,
    Network,
    Quote,
    Rate,
    Segment,
    Stage,
)
from twin.compile.material import Material, plan_material
from twin.distributions import lead_time_table
from twin.schema import Lane, Production, Purchase
from twin.topology import Link, Topology

KINDS = {"ship": 0, "make": 1, "buy": 2}


def ints(values: Iterable[Any]) -> Ints:
    """Return an ``int32`` array."""
    return np.array(list(values), dtype=np.int32)


def flags(values: Iterable[Any]) -> Any:
    """Return an ``int8`` array."""
    return np.array([int(v) for v in values], dtype=np.int8)


def floats(values: Iterable[Any]) -> Floats:
    """Return a ``float64`` array."""
    return np.array(list(values), dtype=np.float64)


def offsets(sizes: Iterable[int]) -> Ints:
    """Return CSR offsets of consecutive groups of the given sizes."""
    return np.concatenate([[0], np.cumsum(np.array(list(sizes), dtype=np.int64))]).astype(np.int32)


def build_network(
    top: Topology, material: Material, stretch: dict[int, float], closable: set[int]
) -> Network:
    """Translate a topology.

    Parameters
    ----------
    top
        Stock points, links and sinks.
    material
        Order of the material sweep.
    stretch
        Largest lead-time factor of each link that disruptions stretch.
    closable
        Links whose lane closes at some time.
    """
    parts: dict[str, Any] = {}
    parts |= _levels(top)
    parts |= _rows(top)
    parts |= _claims(top)
    parts |= _links(top, stretch, closable)
    parts |= _material(top, material, parts)
    parts |= _sinks(top)
    parts |= _place_rings(parts)
    parts |= quotes(top, {f.name: f.decoupling_point for f in top.scenario.families})
    return _pack(top, material, parts)


def columns_of(parts: dict[str, Any], names: Sequence[str], length: int) -> Ints:
    """Stack arrays by name into one table and pad the shorter ones."""
    table = np.zeros((len(names), length), np.int32)
    for c, name in enumerate(names):
        values = parts.pop(name)
        table[c, : values.size] = values
    return table


def _pack(top: Topology, material: Material, parts: dict[str, Any]) -> Network:
    n, m, s = len(top.points), len(top.links), len(top.sinks)
    rate = np.array([parts.pop(name) for name in Rate._fields]).reshape(len(Rate._fields), m)
    sizes: dict[str, tuple[Any, int]] = {
        "row": (NetRow, n + 1),
        "link": (NetLink, m + 1),
        "claim": (Claim, parts["claim_kind"].size),
        "input": (Input, parts["input_row"].size),
        "seg": (Segment, parts["seg_lo"].size),
        "level": (Level, parts["level_off"].size),
        "stage": (Stage, parts["send_off"].size),
        "group": (Group, parts["group_row_off"].size),
        "limit_claim": (LimitClaim, parts["limit_of_claim"].size),
        "sink": (NetSink, s + 1),
        "quote": (Quote, parts["quote_row"].size),
    }
    n_levels = parts["level_off"].size - 1
    tables: dict[str, Any] = {
        name: columns_of(parts, kind._fields, length) for name, (kind, length) in sizes.items()
    }
    return Network(
        n_rows=n,
        n_links=m,
        n_sinks=s,
        n_levels=n_levels,
        n_stages=len(material.stages),
        rate=rate,
        **tables,
        **parts,
    )


def forecaster_number(top: Topology, row: int) -> int:
    """Return the number of the forecaster a row really needs (constant when its policy uses none)."""
    settings = top.points[row].settings
    if not policies.needs_forecast(settings.policy):
        return forecasters.CONSTANT
    return forecasters.FORECASTERS[settings.forecast.kind].number


def _levels(top: Topology) -> dict[str, Any]:
    keys = [
        (
            p.level,
            policies.POLICIES[p.settings.policy.kind].number,
            forecaster_number(top, p.index),
        )
        for p in top.points
    ]
    lo = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
    hi = [*lo[1:], len(keys)]
    levels = [keys[i][0] for i in lo]
    starts = [i for i, v in enumerate(levels) if i == 0 or v != levels[i - 1]]
    return {
        "level_off": ints([*starts, len(lo)]),
        "level_row": ints([*(lo[i] for i in starts), len(keys)]),
        "seg_lo": ints(lo),
        "seg_hi": ints(hi),
        "seg_policy": ints(keys[i][1] for i in lo),
        "seg_forecaster": ints(keys[i][2] for i in lo),
    }


def _rows(top: Topology) -> dict[str, Any]:
    refill = [0] * len(top.points)
    for e in top.links:
        refill[e.to] = max(refill[e.to], decoupling.nominal_lead(e))
    rules = [p.settings.allocation for p in top.points]
    return {
        "in_off": offsets(len(x) for x in top.in_links),
        "out_off": offsets(len(x) for x in top.out_links),
        "out_link": ints(e for x in top.out_links for e, _ in x),
        "out_usage": floats(u for x in top.out_links for _, u in x),
        "sink_off": offsets(len(x) for x in top.sinks_of),
        "split": flags(SPLIT_FAIR if r == "fair_share" else SPLIT_BY_CLASS for r in rules),
        "rank_first": flags(r in ("index", "priority") for r in rules),
        "customers_first": flags(p.settings.customers_first for p in top.points),
        "refill_lead": ints(refill),
    }


def _claims(top: Topology) -> dict[str, Any]:
    """Who claims each row's stock, grouped into classes that share in proportion."""
    sizes: list[int] = []
    kind: list[int] = []
    index: list[int] = []
    usage: list[float] = []
    classes: list[int] = []
    claim_of: dict[tuple[int, int], int] = {}
    for p in top.points:
        rule = p.settings.allocation
        claims = []
        for s in top.sinks_of[p.index]:
            sink = top.sinks[s]
            claims.append((0, sink.demand.rank, sink.name, SINK_CLAIM, s, 1.0))
        for e, u in top.out_links[p.index]:
            link = top.links[e]
            rank = getattr(link.declared, "rank", 0)
            claims.append((1, rank, link.name, LINK_CLAIM, e, u))
        keyed = [
            (
                (c[0], c[1]) if rule == "priority" else (c[1],) if rule == "index" else (),
                c[2],
                *c[3:],
            )
            for c in claims
        ]
        keyed.sort(key=lambda c: (c[0], c[1]))
        ranks = sorted({c[0] for c in keyed})
        sizes.append(len(keyed))
        for c in keyed:
            if c[2] == LINK_CLAIM:
                claim_of[p.index, c[3]] = len(kind)
            classes.append(ranks.index(c[0]))
            kind.append(c[2])
            index.append(c[3])
            usage.append(c[4])
    return {
        "claim_off": offsets(sizes),
        "claim_kind": flags(kind),
        "claim_index": ints(index),
        "claim_usage": floats(usage),
        "claim_class": ints(classes),
        "input_claim": ints(claim_of[r, e.index] for e in top.links for r, _ in e.inputs),
    }


def _limit(declared: Lane | Production | Purchase) -> float:
    """Units per period of a link alone; a lane's limit is shared and not counted here."""
    if isinstance(declared, Production):
        return declared.capacity if declared.capacity is not None else np.inf
    if isinstance(declared, Purchase) and declared.dispatch_limit is not None:
        return declared.dispatch_limit
    return np.inf


def longest_lead(link: Link, stretch: float = 1.0) -> tuple[int, int, int]:
    """Return constant lead time (-1: random), shortest and longest lead time of a link."""
    values = lead_time_table(link.lead_time)[0]
    low, high = int(values[0]), int(values[-1])
    constant = low if low == high else -1
    return constant, low, max(high, int(np.floor(high * stretch + 0.5)))


def _links(top: Topology, stretch: dict[int, float], closable: set[int]) -> dict[str, Any]:
    links = top.links
    leads = [longest_lead(e, max(1.0, stretch.get(e.index, 1.0))) for e in links]
    slots = [0 if high == 0 else high + 1 for _, _, high in leads]
    mail = [e.delay for e in links]
    special = [
        lead <= 0 or e.index in stretch or e.index in closable
        for e, (lead, _, _) in zip(links, leads, strict=True)
    ]
    declared = [e.declared for e in links]
    lots = [(d.order_min, d.order_multiple, d.order_max) for d in declared]
    return {
        "to": ints(e.to for e in links),
        "link_row": ints(e.inputs[0][0] if e.kind == "ship" else -1 for e in links),
        "kind": flags(KINDS[e.kind] for e in links),
        "input_off": offsets(len(e.inputs) for e in links),
        "input_row": ints(r for e in links for r, _ in e.inputs),
        "input_usage": floats(u for e in links for _, u in e.inputs),
        "share": floats(e.share for e in links),
        "priority": flags(-1 if e.priority is None else min(e.priority, 127) for e in links),
        "fallback": flags(e.fallback for e in links),
        "yield_": floats(e.yield_ for e in links),
        "order_min": floats(a for a, _, _ in lots),
        "order_multiple": floats(b for _, b, _ in lots),
        "order_max": floats(np.inf if c is None else c for _, _, c in lots),
        "plain_order": flags(
            a == 0 and b == 0 and c is None and e.yield_ == 1.0 and not top.scenario.integer
            for (a, b, c), e in zip(lots, links, strict=True)
        ),
        "limit": floats(_limit(d) for d in declared),
        "batch": floats(getattr(d, "batch", 0.0) for d in declared),
        "wip_cap": floats(
            d.wip_cap if isinstance(d, Production) and d.wip_cap is not None else np.inf
            for d in declared
        ),
        "mail_off": offsets(mail)[:-1],
        "mail_len": ints(mail),
        "lead": ints(lead for lead, _, _ in leads),
        "transit_off": offsets(slots)[:-1],
        "transit_len": ints(slots),
        "fifo": flags(not getattr(d, "overtaking", False) for d in declared),
        "closable": flags(e.index in closable for e in links),
        "special": flags(special),
    }


def _place_rings(parts: dict[str, Any]) -> dict[str, Any]:
    """Put the slots of links and sinks one after the other into the pool of rings."""
    transit = int(parts["transit_len"].sum())
    mail = int(parts["mail_len"].sum())
    curve = int(parts["curve_len"].sum())
    return {
        "mail_off": parts["mail_off"] + np.int32(transit),
        "curve_off": parts["curve_off"] + np.int32(transit + mail),
        "asked_off": parts["curve_off"] + np.int32(transit + mail + curve),
    }


def network_slots(net: Network) -> int:
    """Return how many ring slots links and sinks take."""
    links = net.link[[NET_LINK.transit_len, NET_LINK.mail_len]].sum()
    return int(links + 2 * net.sink[NET_SINK.curve_len].sum())


def _material(top: Topology, plan: Material, parts: dict[str, Any]) -> dict[str, Any]:
    special = parts["special"]
    claims: list[tuple[int, float, int]] = []  # link, usage, limit
    for m, limit in enumerate(plan.limits):
        claims += [(e, u, m) for e, u in limit.claims]
    of_link: list[list[int]] = [[] for _ in top.links]
    for c, (e, _, _) in enumerate(claims):
        of_link[e].append(c)
    sends: list[Sequence[int]] = [plan.outside, *(s.links for s in plan.stages)]
    return {
        "link_limit_off": offsets(len(x) for x in of_link),
        "link_limit_claim": ints(c for x in of_link for c in x),
        "stage_off": offsets(len(s.rows) for s in plan.stages),
        "stage_row": ints(r for s in plan.stages for r in s.rows),
        "stage_group": ints(s.group for s in plan.stages),
        "send_off": offsets(len(x) for x in sends),
        "send_link": ints(e for x in sends for e in x),
        "stage_special": flags(any(special[e] for e in x) for x in sends),
        "group_row_off": offsets(len(s.rows) for s in plan.groups),
        "group_row": ints(r for s in plan.groups for r in s.rows),
        "group_link_off": offsets(len(s.links) for s in plan.groups),
        "group_link": ints(e for s in plan.groups for e in s.links),
        "group_limit_off": offsets(len(s.limits) for s in plan.groups),
        "limit_claim_off": offsets(len(x.claims) for x in plan.limits),
        "limit_claim_link": ints(e for e, _, _ in claims),
        "limit_claim_usage": floats(u for _, u, _ in claims),
        "limit_of_claim": ints(m for _, _, m in claims),
        "limit_stock": floats(x.capacity for x in plan.limits),
    }


def _sinks(top: Topology) -> dict[str, Any]:
    orders: dict[tuple[str, str], list[int]] = {}
    for s in top.sinks:
        orders.setdefault((top.points[s.row].site.name, s.demand.customer), []).append(s.index)
    longest = [0] * len(top.sinks)
    for group in orders.values():
        wait = max(top.sinks[x].tolerance for x in group)
        for x in group:
            longest[x] = max(wait, top.sinks[x].demand.patience or 0)
    slots = [n + 2 for n in longest]

    def ranked(s: int) -> tuple[int, str]:
        return top.sinks[s].demand.rank, top.sinks[s].name

    return {
        "order_group_off": offsets(len(g) for g in orders.values()),
        "order_group_sink": ints(s for g in orders.values() for s in g),
        "sink_row": ints(s.row for s in top.sinks),
        "sink_rank_order": ints(s for x in top.sinks_of for s in sorted(x, key=ranked)),
        "promise_order": ints(sorted(range(len(top.sinks)), key=ranked)),
        "lost": flags(s.demand.unmet == "lost" for s in top.sinks),
        "patience": ints(-1 if s.demand.patience is None else s.demand.patience for s in top.sinks),
        "tolerance": ints(s.tolerance for s in top.sinks),
        "curve_off": offsets(slots)[:-1],
        "curve_len": ints(slots),
    }


def quotes(top: Topology, positions: dict[str, Any]) -> dict[str, Any]:
    """Return the cut points that each order-driven sink promises from, as network arrays."""
    driven = decoupling.order_driven_rows(top, positions)
    paths = decoupling.quote_paths(top, driven) if driven else {}
    found = [paths.get(s.row, []) if s.demand.unmet == "lost" else [] for s in top.sinks]
    return {
        "quote_off": offsets(len(x) for x in found),
        "quote_row": ints(c for x in found for c, _, _ in x),
        "quote_usage": floats(w for x in found for _, w, _ in x),
        "quote_lead": ints(n for x in found for _, _, n in x),
    }


__all__ = ["build_network", "plan_material", "quotes"]
