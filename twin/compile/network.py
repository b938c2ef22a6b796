"""Topology -> the fixed arrays of the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from twin import decoupling, forecasters, policies
from twin.arrays import (
    LINK_FORM,
    NET_LINK,
    NET_SINK,
    SINK_FORM,
    SPLIT_BY_CLASS,
    SPLIT_FAIR,
    Claim,
    Customers,
    Group,
    Input,
    Ints,
    Level,
    LimitClaim,
    LinkForm,
    NetLink,
    NetRow,
    NetSink,
    Network,
    Quote,
    Rate,
    RowForm,
    Segment,
    SinkForm,
    Stage,
    Stock,
    Supply,
    Sweep,
    Ties,
)
from twin.compile.columns import columns_of, flags, floats, forms_of, ints, offsets, or_nothing
from twin.compile.material import Material
from twin.distributions import lead_time_table
from twin.memory import Made
from twin.schema import Lane, Production, Purchase
from twin.topology import Link, Topology

KINDS = {"ship": 0, "make": 1, "buy": 2}


def build_network(
    top: Topology,
    material: Material,
    stretch: dict[int, float],
    closable: set[int],
    rows: dict[str, Any],
    made: Made,
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
    rows
        Columns of ``NetRow`` and ``RowForm`` that come from the rules
        (:func:`twin.compile.rules.rule_columns`).
    made
        What was made for a network like this one.
    """
    positions = {f.name: f.decoupling_point for f in top.scenario.families}
    whole = top.scenario.integer
    of = (top.shape, top.points, top.links, top.sinks, positions, stretch, closable, whole)

    def make() -> Network:
        parts = rows | _made_parts(top, made) | _links(top, stretch, closable, made)
        parts["refill_lead"] = _refill_lead(len(top.points), parts)
        special = parts["special"].tobytes()
        parts |= made("sweep", (material, special), lambda: _material(top, material, parts))
        _place_rings(parts)
        cut = any(positions.values())
        rests = (top.shape, positions, cut and top.links, cut and top.sinks)
        return _pack(top, material, parts | made("quotes", rests, lambda: quotes(top, positions)))

    return made("network", of, make)


def _made_parts(top: Topology, made: Made) -> dict[str, Any]:
    """Return the parts that rest on a few numbers of stock points, links and sinks alone."""
    ranks = [(s.demand.rank, s.name) for s in top.sinks]
    after = [getattr(e.declared, "rank", 0) for e in top.links]
    waits = [(s.tolerance, s.demand.unmet, s.demand.patience) for s in top.sinks]
    claims = (top.shape, top.points, ranks, after)
    return (
        made("rows", (top.shape, top.points), lambda: _rows(top))
        | made("claims", claims, lambda: _claims(top))
        | made("levels", (top.points,), lambda: _levels(top))
        | made("sinks", (top.shape, ranks, waits), lambda: _sinks(top))
    )


def _forms(parts: dict[str, Any], name: str, ints_: Any, floats_: Any = None) -> tuple[Ints, Any]:
    """Replace columns that many things have in common by the number of their form."""
    names = [*ints_._fields, *(floats_._fields if floats_ else ())]
    table, parts[name] = forms_of([parts[n] for n in names])
    n = len(ints_._fields)
    return np.ascontiguousarray(table[:n], dtype=np.int32), np.ascontiguousarray(table[n:])


def _pack(top: Topology, material: Material, parts: dict[str, Any]) -> Network:
    n, m, s = len(top.points), len(top.links), len(top.sinks)
    grouped = bool(material.groups)
    row_form, _ = _forms(parts, "row_form", RowForm)
    link_form, rate = _forms(parts, "link_form", LinkForm, Rate)
    sink_form, _ = _forms(parts, "sink_form", SinkForm)
    rings = parts["ring_off"][0] < parts["ring_off"][-1]
    last_row = "line_off" if parts["line_off"].size else "ring_off" if rings else "parameters"
    mail = parts["mail_len"].any()
    last_link = "link_limit_off" if grouped else "mail_off" if mail else "transit_off"
    lost = bool(parts["lost"].any())
    last_claim = "claim_class" if parts["claim_class"].any() else "claim_index"
    table = columns_of
    return Network(
        n_rows=n,
        n_links=m,
        n_sinks=s,
        n_levels=parts["level_off"].size - 1,
        n_stages=len(material.stages),
        n_slots=parts["n_slots"],
        stock=Stock(
            row=table(parts, NetRow._fields, n + 1, last_row),
            form=row_form,
            claim=table(parts, Claim._fields, parts["claim_index"].size, last_claim),
            usage=or_nothing(parts["claim_usage"]),
        ),
        supply=Supply(
            link=table(parts, NetLink._fields, m + 1, last_link),
            form=link_form,
            rate=rate,
            input=table(
                parts, Input._fields, parts["input_row"].size, "" if grouped else "input_row"
            ),
            usage=or_nothing(parts["input_usage"]),
        ),
        sweep=Sweep(
            seg=table(parts, Segment._fields, parts["seg_lo"].size),
            level=table(parts, Level._fields, parts["level_off"].size),
            stage=table(parts, Stage._fields, parts["send_off"].size),
            stage_row=parts["stage_row"],
            send_link=parts["send_link"],
        ),
        ties=Ties(
            group=table(parts, Group._fields, parts["group_row_off"].size),
            limit_claim=table(parts, LimitClaim._fields, parts["limit_of_claim"].size),
            **{f: parts[f] for f in Ties._fields if f not in ("group", "limit_claim")},
        ),
        customers=Customers(
            sink=table(parts, NetSink._fields, s + 1, "" if lost else "curve_off"),
            form=sink_form,
            order_off=parts["order_group_off"],
            order_sink=parts["order_group_sink"],
            quote=table(parts, Quote._fields, parts["quote_row"].size),
            quote_usage=parts["quote_usage"],
        ),
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
    rules = [p.settings.allocation for p in top.points]
    return {
        "in_off": offsets(len(x) for x in top.in_links),
        "sink_off": offsets(len(x) for x in top.sinks_of),
        "split": flags(SPLIT_FAIR if r == "fair_share" else SPLIT_BY_CLASS for r in rules),
        "rank_first": flags(r in ("index", "priority") for r in rules),
        "customers_first": flags(p.settings.customers_first for p in top.points),
    }


def _claims(top: Topology) -> dict[str, Any]:
    """Who claims each row's stock, grouped into classes that share in proportion."""
    sizes: list[int] = []
    index: list[int] = []
    usage: list[float] = []
    classes: list[int] = []
    claim_of: dict[tuple[int, int], int] = {}
    for p in top.points:
        rule = p.settings.allocation
        claims = []
        for s in top.sinks_of[p.index]:
            sink = top.sinks[s]
            claims.append((0, sink.demand.rank, sink.name, -1 - s, 1.0))
        for e, u in top.out_links[p.index]:
            link = top.links[e]
            rank = getattr(link.declared, "rank", 0)
            claims.append((1, rank, link.name, e, u))
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
            if c[2] >= 0:
                claim_of[p.index, c[2]] = len(index)
            classes.append(ranks.index(c[0]))
            index.append(c[2])
            usage.append(c[3])
    return {
        "claim_off": offsets(sizes),
        "claim_index": ints(index),
        "claim_usage": floats(usage),
        "claim_class": ints(classes),
        "input_claim": ints(claim_of[r, e.index] for e in top.links for r, _ in e.inputs),
    }


def _refill_lead(n: int, links: dict[str, Any]) -> Ints:
    """Return the longest nominal lead time into each row."""
    longest = np.zeros(n, np.int32)
    np.maximum.at(longest, links["to"], links["refill"])
    return longest


def _limit(declared: Lane | Production | Purchase) -> float:
    """Units per period of a link alone; a lane's limit is shared and not counted here."""
    if isinstance(declared, Production):
        return declared.capacity if declared.capacity is not None else np.inf
    if isinstance(declared, Purchase) and declared.dispatch_limit is not None:
        return declared.dispatch_limit
    return np.inf


_ALONE = (
    "to", "kind", "share", "priority", "fallback", "yield_", "order_min", "order_multiple",
    "order_max", "limit", "batch", "wip_cap", "mail_len", "shortest", "longest", "fifo", "refill",
)  # fmt: skip
"""What the arrays hold of a link whatever the rest of the scenario says."""


def _alone(e: Link) -> tuple[float, ...]:
    """Return a link's numbers in the order of ``_ALONE``."""
    d, leads = e.declared, lead_time_table(e.lead_time)[0]
    found = (
        e.to,
        KINDS[e.kind],
        e.share,
        -1 if e.priority is None else min(e.priority, 127),
        e.fallback,
        e.yield_,
        d.order_min,
        d.order_multiple,
        np.inf if d.order_max is None else d.order_max,
        _limit(d),
        getattr(d, "batch", 0.0),
        d.wip_cap if isinstance(d, Production) and d.wip_cap is not None else np.inf,
        e.delay,
        leads[0],
        leads[-1],
        not getattr(d, "overtaking", False),
        decoupling.nominal_lead(e),
    )
    return tuple(float(x) for x in found)


def _inputs(top: Topology) -> dict[str, Any]:
    inputs = [e.inputs for e in top.links]
    return {
        "input_off": offsets(len(x) for x in inputs),
        "input_row": ints(r for x in inputs for r, _ in x),
        "input_usage": floats(u for x in inputs for _, u in x),
    }


def _links(
    top: Topology, stretch: dict[int, float], closable: set[int], made: Made
) -> dict[str, Any]:
    links = top.links
    table = made.each("links", links, lambda e: _alone(links[e]))
    found = dict(
        zip(_ALONE, np.array(table, np.float64).reshape(len(links), -1).T.copy(), strict=True)
    )
    low, high = found["shortest"], found["longest"]
    lead = np.where(low == high, low, -1)  # -1: random
    special = lead <= 0
    special[[*stretch, *closable]] = True
    for e, factor in stretch.items():
        high[e] = max(high[e], np.floor(high[e] * max(1.0, factor) + 0.5))
    # a constant lead time sends into the slot that it has just emptied
    slots = np.where(high == 0, 0, high + special).astype(np.int32)
    lots = (found["order_min"] == 0) & (found["order_multiple"] == 0)
    plain = lots & np.isinf(found["order_max"]) & (found["yield_"] == 1)
    whole = ("to", "kind", "priority", "fallback", "mail_len", "fifo", "refill")
    mail = found["mail_len"].astype(np.int32)
    return {
        **found,
        **{name: found[name].astype(np.int32) for name in whole},
        **made("inputs", (top.shape,), lambda: _inputs(top)),
        "plain_order": (plain & (not top.scenario.integer)).astype(np.int8),
        "mail_off": offsets(mail)[:-1],
        "lead": lead.astype(np.int32),
        "transit_off": offsets(slots)[:-1],
        "transit_len": slots,
        "closable": flags(e.index in closable for e in links),
        "special": special.astype(np.int8),
    }


def _place_rings(parts: dict[str, Any]) -> None:
    """Put the slots of links, sinks and rows one after the other into the pool of rings."""
    transit = int(parts["transit_len"].sum())
    mail = int(parts["mail_len"].sum())
    curve = int(parts["curve_off"][-1])
    parts["mail_off"] = parts["mail_off"] + np.int32(transit)
    parts["curve_off"] = parts["curve_off"] + np.int32(transit + mail)
    parts["n_slots"] = transit + mail + curve + int(parts["ring_off"][-1])
    parts["ring_off"] = parts["ring_off"] + np.int32(transit + mail + curve)


def link_column(net: Network, name: str) -> Any:
    """Return a column of ``LinkForm``, one value a link, ``(m,)``."""
    return net.supply.form[getattr(LINK_FORM, name)][
        net.supply.link[NET_LINK.link_form, : net.n_links]
    ]


def sink_column(net: Network, name: str) -> Any:
    """Return a column of ``SinkForm``, one value a sink, ``(s,)``."""
    return net.customers.form[getattr(SINK_FORM, name)][
        net.customers.sink[NET_SINK.sink_form, : net.n_sinks]
    ]


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
    # what was asked is kept beside the curve where it is not simply what was accepted
    kept = (
        2
        if any(s.demand.unmet == "lost" or s.demand.patience is not None for s in top.sinks)
        else 1
    )

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
        "curve_off": offsets(kept * n for n in slots),
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
