"""What the network widget is sent: where things stand, how they are, how stock moves over time.

Plain numbers and words, small enough to travel with every answer. The drawing depends on the
network and the places of the handles only; the state belongs to a result.
"""

from __future__ import annotations

import functools
import json
import math
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twin.compile.events import place_devices, rows_where
from twin.decoupling import Position, cut_rows, positions
from twin.result import Result
from twin.schema import Family
from twin.topology import Topology
from viz import look, series
from viz.layout import Edge, Layout, Node, border, layout
from viz.network_groups import folded, toggled

MOST_SITES = 40
"""A stage with more sites than this is drawn as groups."""

FULL = 2.0
"""Stock at which a node is full, in targets: at half height stock is as planned."""

__all__ = ["drawing", "frames", "state", "toggled"]

MODE = {
    "push": "push, made to forecast",
    "pull": "pull, made to order",
    "own": "follows its own rule",
    "mixed": "push for some products, pull for others",
}
"""What a mode means, in words."""

_SHAPING = {"stages", "sites", "items", "production", "purchases", "lanes", "sourcing", "demand"}


# ---------------------------------------------------------------------------------------- drawing
def drawing(
    topology: Topology, expanded: Collection[str] = (), most_sites: int = MOST_SITES
) -> dict[str, Any]:
    """Return where stages, nodes, edges and decoupling points stand.

    Parameters
    ----------
    topology
        The network.
    expanded
        Groups that are open, see :func:`toggled`.
    most_sites
        Stages with more sites than this fold into groups.

    Returns
    -------
    dict
        ``x`` counts columns from 0 and ``y`` runs from 0 (top) to 1, as in :mod:`viz.layout`.

        - ``shape``: equal for equal stages, nodes and edges; ``columns``; ``period``: its name;
        - ``stages``: name, label, first and last column, sites, open group (id, label) or None;
        - ``nodes``: id, label, kind, stage, x, y, sites, group, n;
        - ``edges``: source, to (ids of nodes), links, path;
        - ``families``: name, label, stage (None if its place is no stage), place (in words, None
          without a decoupling point), path, positions (stage, label, x, path, lead, words).
    """
    plan, named, found = _standing(topology, frozenset(expanded), most_sites)
    kinds = {s.name: s.kind for s in topology.scenario.sites}
    parts = {
        "columns": plan.columns,
        "stages": _stages(topology, plan, named, frozenset(expanded)),
        "nodes": [_node(n, named, kinds) for n in plan.nodes],
        "edges": [_edge(e) for e in plan.edges],
    }
    families = topology.scenario.families
    period = topology.scenario.calendar.period
    return {
        "shape": zlib.crc32(json.dumps(parts).encode()),
        **parts,
        "families": [_family(topology, plan, f, found[f.name]) for f in families],
        "period": period,
    }


@dataclass(frozen=True)
class _Network:
    """A topology that equals any other with the same sites and links, wherever its handles are."""

    key: str
    topology: Topology = field(compare=False)


def _standing(
    topology: Topology, expanded: frozenset[str], most: int
) -> tuple[Layout, Mapping[str, str], Mapping[str, Sequence[Position]]]:
    """Return layout, labels of groups and valid positions by family, remembered."""
    s = topology.scenario
    network = s.model_dump_json(include=_SHAPING, exclude={"demand": {"__all__": {"values"}}})
    items = s.model_dump_json(include={"families": {"__all__": {"name"}}})
    return _stand(_Network(network + items, topology), expanded, most)


@functools.lru_cache(maxsize=16)
def _stand(
    network: _Network, expanded: frozenset[str], most: int
) -> tuple[Layout, Mapping[str, str], Mapping[str, Sequence[Position]]]:
    topology = network.topology
    groups, named = folded(topology, expanded, most)
    plan = layout(topology, positions={}, groups=groups)
    return plan, named, {f.name: positions(topology, f.name) for f in topology.scenario.families}


def _stages(
    topology: Topology, plan: Layout, named: Mapping[str, str], expanded: frozenset[str]
) -> list[dict[str, Any]]:
    sites = {p.site.name: p.stage for p in topology.points}
    found = []
    for name, first, last in plan.stages:
        there = [g for g in expanded if g in named and g.rpartition(":")[2].startswith(f"{name}/")]
        deepest = max(there, key=len, default=None)
        opened = {"id": deepest, "label": named[deepest]} if deepest else None
        n = sum(stage == name for stage in sites.values())
        found.append(
            {"name": name, "label": look.said(name), "first": first, "last": last, "sites": n,
             "open": opened}
        )  # fmt: skip
    return found


def _node(node: Node, named: Mapping[str, str], kinds: Mapping[str, str]) -> dict[str, Any]:
    group = node.name in named
    return {
        "id": node.name,
        "label": named[node.name] if group else look.said(node.name),
        "kind": kinds[node.sites[0]],
        "stage": node.stage,
        "x": node.x,
        "y": round(node.y, 5),
        "sites": list(node.sites),
        "group": group,
        "n": len(node.sites),
    }


def _edge(edge: Edge) -> dict[str, Any]:
    path = [[x, round(y, 5)] for x, y in edge.path]
    return {"source": edge.source, "to": edge.to, "links": list(edge.links), "path": path}


def _family(
    topology: Topology, plan: Layout, family: Family, found: Sequence[Position]
) -> dict[str, Any]:
    place, period = family.decoupling_point, topology.scenario.calendar.period
    path = border(plan.nodes, cut_rows(topology, family.name, place)) if place else None
    named = place if isinstance(place, str) or place is None else " + ".join(place)
    return {
        "name": family.name,
        "label": look.said(family.name),
        "stage": place if any(p.stage == place for p in found) else None,
        "place": look.said(named) if named else None,
        "path": path,
        "positions": [_position(plan, p, period) for p in found],
    }


def _position(plan: Layout, position: Position, period: str) -> dict[str, Any]:
    path = border(plan.nodes, position.rows)
    label, lead = look.said(position.stage), position.lead_time_below
    waits = f"up to {look.plural(lead, period)}" if lead else "less than a " + period
    words = f"{label}: to forecast up to here, to order below, {waits} from here to the customer"
    x = sum(x for x, _ in path) / len(path)
    return {"stage": position.stage, "label": label, "x": x, "path": path, "lead": lead,
            "words": words}  # fmt: skip


# ------------------------------------------------------------------------------------------ state
def state(result: Result, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the nodes and edges of a drawing are in a result.

    Parameters
    ----------
    result
        The result; its network has the nodes of the drawing.
    drawn
        Of :func:`drawing`.

    Returns
    -------
    dict
        - ``shape``: of the drawing;
        - ``nodes``, as in the drawing: mode (push, pull, own, mixed), fill (share of a full node,
          half is as planned, or None without a target), tip (lines of words), dot (share of its
          devices that report, or None without devices);
        - ``edges``: flow (units a period), tip;
        - ``events``: name, start, end (periods, end excluded), nodes and edges hit, edges that
          stand still (stops), dots (node, share) meanwhile;
        - ``first``: the first measured period, ``periods``: how many follow.
    """
    top = result.topology
    rows = _rows(top, drawn)
    index = {n["id"]: i for i, n in enumerate(drawn["nodes"])}
    flows = series.link_flows(result)
    return {
        "shape": drawn["shape"],
        "nodes": _node_states(result, drawn, rows),
        "edges": [_flow(top, drawn["nodes"], index, e, flows) for e in drawn["edges"]],
        "events": _events(top, drawn, rows, index),
        "first": result.scenario.warmup,
        "periods": series.window(result),
    }


def _rows(top: Topology, drawn: Mapping[str, Any]) -> list[list[int]]:
    """Return the stock points of each node."""
    of: dict[str, list[int]] = {}
    for p in top.points:
        of.setdefault(p.site.name, []).append(p.index)
    return [[i for s in n["sites"] for i in of.get(s, ())] for n in drawn["nodes"]]


def _node_states(
    result: Result, drawn: Mapping[str, Any], rows: Sequence[list[int]]
) -> list[dict[str, Any]]:
    top = result.topology
    measure, modes = series.measure(top), series.modes(top)
    stock = series.mean_stock(result) * measure.weight
    goal = np.nan_to_num(series.planned_stock(top)) * measure.weight
    declared, working = _devices(top)
    found = []
    for mine in rows:
        own = [i for i in mine if top.points[i].role == "output"] or mine
        mode = series.mode_of([modes[i] for i in own]) if own else "own"
        have, want = float(stock[mine].sum()), float(goal[mine].sum())
        dot = _share(declared, working, mine)
        tip = [MODE[mode][0].upper() + MODE[mode][1:], _stock_words(have, want, measure)]
        served = series.on_time(result, mine)
        tip += [] if math.isnan(served) else [f"{look.share(served)} on time"]
        tip += [] if dot is None else [_device_words(top, declared, working, mine)]
        fill = round(min(1.0, have / (FULL * want)), 4) if want > 0 else None
        found.append({"mode": mode, "fill": fill, "tip": tip, "dot": dot})
    return found


def _stock_words(have: float, want: float, measure: series.Measure) -> str:
    held = look.plural(have, measure.unit) if look.number(have) != "0" else "none"
    goal = f", target {look.plural(want, measure.unit)}" if want > 0 else ""
    return f"Mean stock: {held}{goal}"


def _flow(
    top: Topology,
    nodes: Sequence[Mapping[str, Any]],
    index: Mapping[str, int],
    edge: Mapping[str, Any],
    flows: np.ndarray,
) -> dict[str, Any]:
    amount = float(flows[edge["links"]].sum())
    units = {top.points[top.links[i].to].item.unit for i in edge["links"]}
    unit = units.pop() if len(units) == 1 else "unit"
    ends = [nodes[index[edge[end]]]["label"] for end in ("source", "to")]
    words = f"{look.plural(amount, unit)} a {top.scenario.calendar.period}"
    return {
        "flow": round(amount, 6),
        "tip": [" → ".join(ends), words if amount else "only a backup"],
    }


# ---------------------------------------------------------------------------- devices, disruptions
def _devices(top: Topology) -> tuple[dict[int, set[str]], dict[int, set[str]]]:
    """Return the names of the devices at each row: declared ones, and adopted ones that report."""
    declared: dict[int, set[str]] = {}
    working: dict[int, set[str]] = {}
    for device in top.scenario.devices:
        for row in rows_where(top, device.where):
            declared.setdefault(row, set()).add(f"{device.kind}@{top.points[row].name}")
    for placed in place_devices(top):
        if placed.device.loss < 1:
            working.setdefault(placed.row, set()).add(placed.name)
    return declared, working


def _share(
    declared: Mapping[int, set[str]], working: Mapping[int, set[str]], rows: Iterable[int]
) -> float | None:
    rows = list(rows)
    known = sum(len(declared.get(i, ())) for i in rows)
    return round(sum(len(working.get(i, ())) for i in rows) / known, 4) if known else None


def _device_words(
    top: Topology,
    declared: Mapping[int, set[str]],
    working: Mapping[int, set[str]],
    rows: Iterable[int],
) -> str:
    rows = list(rows)
    known = sum(len(declared.get(i, ())) for i in rows)
    well = sum(len(working.get(i, ())) for i in rows)
    if known == 1:
        return "1 device, in use" if well else "1 device, not in use"
    return f"{known} devices, {'all' if well == known else well or 'none'} in use"


def _events(
    top: Topology,
    drawn: Mapping[str, Any],
    rows: Sequence[list[int]],
    index: Mapping[str, int],
) -> list[dict[str, Any]]:
    declared, working = _devices(top)
    found = []
    for event in series.events(top):
        if event.cause is None:
            continue
        nodes = [i for i, mine in enumerate(rows) if event.rows.intersection(mine)]
        lanes = [[top.links[i].lane in event.lanes for i in e["links"]] for e in drawn["edges"]]
        whole = {i for i in nodes if event.rows.issuperset(rows[i])}
        certain = event.probability >= 1 and event.cause.severity >= 1
        still = [
            n
            for n, (e, hit) in enumerate(zip(drawn["edges"], lanes, strict=True))
            if (event.cause.kind == "lane_closed" and all(hit))
            or (event.cause.kind == "outage" and index[e["source"]] in whole)
        ]
        dots = {}
        if event.cause.kind == "device_fault":
            struck = set(rows_where(top, event.cause.where))
            left = {i: names for i, names in working.items() if i not in struck}
            dots = {i: _share(declared, left, mine) for i, mine in enumerate(rows)
                    if struck.intersection(mine) and _share(declared, left, mine) is not None}  # fmt: skip
        found.append(
            {"name": event.name, "start": event.start, "end": event.end, "nodes": nodes,
             "edges": [n for n, hit in enumerate(lanes) if any(hit)],
             "stops": still if certain else [], "dots": [[i, dot] for i, dot in dots.items()]}
        )  # fmt: skip
    return found


# ----------------------------------------------------------------------------------------- frames
def frames(result: Result, drawn: Mapping[str, Any]) -> bytes:
    """Return the stock of every node in every measured period, one byte each, period by period.

    The mean over the replications; 255 is a full node, that is :data:`FULL` targets, and nodes
    without a target stay empty.

    Parameters
    ----------
    result
        The result.
    drawn
        Of :func:`drawing`.

    Returns
    -------
    bytes
        ``periods x nodes``, C order; empty if stock was not recorded.
    """
    if "rows.on_hand" not in result.series:
        return b""
    top = result.topology
    weight = series.measure(top).weight
    goal = np.nan_to_num(series.planned_stock(top)) * weight
    stock = result.series["rows.on_hand"][result.scenario.warmup :].mean(axis=2) * weight
    found = np.zeros((stock.shape[0], len(drawn["nodes"])), np.uint8)
    for i, mine in enumerate(_rows(top, drawn)):
        want = goal[mine].sum()
        if want > 0:
            share = stock[:, mine].sum(axis=1) / (FULL * want)
            found[:, i] = np.rint(255 * np.clip(share, 0, 1))
    return found.tobytes()
