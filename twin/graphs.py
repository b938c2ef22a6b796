"""Scenarios as networkx graphs: sites are nodes, lanes are edges, the rest is graph attributes.

A graph drawn by hand works as well: nodes with ``kind``, ``stage`` and ``demand`` (mean per
period), edges with ``lead_time``. It gets one item, ``product``, which sites without a supplier
make from nothing in no time, and shares over several suppliers are equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx

from twin.check import check
from twin.errors import ScenarioError
from twin.load import plain_data
from twin.names import nearest
from twin.problems import show
from twin.schema import Lane, Scenario, Site
from twin.schema_walk import keys_of
from twin.validate import validate

ITEM = "product"
_ORDER, _MORE = "order", "more_lanes"


def to_graph(scenario: Scenario) -> nx.DiGraph:
    """Return a scenario as a directed graph.

    Nodes are sites and edges lanes, with the keys of the scenario file as attributes (those that
    differ from their default); all other sections are attributes of the graph. Where several lanes
    join two sites, the second and later ones are in the edge's ``more_lanes``; ``order`` is a
    lane's place in the file.
    """
    data = plain_data(scenario)
    sites, lanes = data.pop("sites"), data.pop("lanes", [])
    graph = nx.DiGraph(**data)
    for site in sites:
        graph.add_node(site.pop("name"), **site)
    for n, lane in enumerate(lanes):
        ends = lane.pop("from"), lane.pop("to")
        lane[_ORDER] = n
        if graph.has_edge(*ends):
            graph.edges[ends].setdefault(_MORE, []).append(lane)
        else:
            graph.add_edge(*ends, **lane)
    return graph


def from_graph(graph: nx.DiGraph) -> Scenario:
    """Return the checked scenario of a directed graph; the inverse of :func:`to_graph`.

    Parameters
    ----------
    graph
        As :func:`to_graph` makes it, or a plain one as this module describes.

    Raises
    ------
    ScenarioError
        If the graph is undirected or a multigraph, an attribute is unknown, or the scenario it
        describes is wrong.
    """
    if not graph.is_directed() or graph.is_multigraph():
        msg = f"graph is a {type(graph).__name__}; give a networkx.DiGraph, goods flow one way"
        raise ScenarioError(msg)
    data = dict(graph.graph)
    plain = "items" not in data
    node_keys = set(keys_of(Site)) | ({"demand"} if plain else set())
    data["sites"] = [
        {"name": _name(node), **_known(attributes, node_keys, f"node {show(node)}")}
        for node, attributes in graph.nodes(data=True)
    ]
    data["lanes"] = _lanes(graph)
    if plain:
        _complete(data, graph)
    for site in data["sites"]:
        site.pop("demand", None)
    scenario = validate(data)
    check(scenario)
    return scenario


def _lanes(graph: nx.DiGraph) -> list[dict[str, Any]]:
    lanes: list[tuple[int, dict[str, Any]]] = []
    for source, to, attributes in graph.edges(data=True):
        place = f"edge {show(source)} -> {show(to)}"
        for one in (attributes, *attributes.get(_MORE, [])):
            lane = _known(one, {*keys_of(Lane), _ORDER, _MORE}, place)
            lane.pop(_MORE, None)
            order = lane.pop(_ORDER, len(lanes))
            lanes.append((order, {"from": _name(source), "to": _name(to), **lane}))
    return [lane for _, lane in sorted(lanes, key=lambda pair: pair[0])]


def _known(attributes: Mapping[str, Any], keys: set[str], place: str) -> dict[str, Any]:
    """Return the attributes; those that mean nothing here are an error, as in a file."""
    for key in attributes:
        if key not in keys:
            msg = f"{place}: unknown attribute {show(key)}; {nearest(str(key), keys)}"
            raise ScenarioError(msg)
    return dict(attributes)


def _name(node: object) -> str:
    return str(node)


def _complete(data: dict[str, Any], graph: nx.DiGraph) -> None:
    """Add one item, its makers, its customers and equal shares to a plain network."""
    data["items"] = [{"name": ITEM}]
    data.setdefault("demand", []).extend(
        {"site": _name(node), "item": ITEM, **_demand(given)}
        for node, given in graph.nodes(data="demand")
        if given is not None
    )
    if not data["demand"]:
        msg = "graph: no node has the attribute 'demand'; give at least one its mean per period"
        raise ScenarioError(msg)
    for node in graph.nodes:
        suppliers = [_name(s) for s in graph.predecessors(node)]
        if not suppliers:
            data.setdefault("production", []).append({"site": _name(node), "item": ITEM})
        elif len(suppliers) > 1:
            shares = dict.fromkeys(suppliers, 1 / len(suppliers))
            data.setdefault("sourcing", []).append({"site": _name(node), "shares": shares})


def _demand(given: object) -> dict[str, Any]:
    return dict(given) if isinstance(given, Mapping) else {"mean": given}
