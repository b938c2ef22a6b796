"""Scenarios as networkx graphs and back."""

from __future__ import annotations

import networkx as nx
import pytest

from tests.bad_scenarios import BASE, SHIP
from twin.errors import NetworkError, ScenarioError
from twin.graphs import from_graph, to_graph
from twin.load import load, load_text, shipped


@pytest.mark.parametrize("name", [name for name, _, _ in shipped()])
def test_there_and_back_is_the_same_scenario(name):
    scenario = load(name)
    assert from_graph(to_graph(scenario)) == scenario


def test_two_lanes_between_two_sites_come_back_in_their_places():
    items = BASE.replace("items: chair", "items: '*'").replace(
        SHIP, "{from: dc, to: shop, items: chair, lead_time: 1}"
    )
    text = items.replace("demand:\n", "demand:\n- {site: shop, item: wood, mean: 1}\n")
    two = text.replace("stock:", "- {from: dc, to: shop, items: wood, lead_time: 4}\nstock:")
    scenario = load_text(two)
    graph = to_graph(scenario)
    assert graph.number_of_edges() == 2
    assert from_graph(graph) == scenario


def test_nodes_are_sites_and_edges_lanes_with_the_words_of_the_file():
    graph = to_graph(load_text(BASE))
    assert dict(graph.nodes["maker"]) == {"kind": "plant", "stage": "maker"}
    assert graph.edges["maker", "dc"]["lead_time"] == 2
    assert graph.graph["horizon"] == 30
    assert nx.is_directed_acyclic_graph(graph)


def test_plain_graph_gets_one_item_its_makers_and_equal_shares():
    graph = nx.DiGraph()
    graph.add_node("shop", kind="store", stage="sell", demand=5)
    graph.add_edge(1, "shop", lead_time=3)
    graph.add_edge(2, "shop", lead_time=4)
    scenario = from_graph(graph)
    assert [(p.site, p.item) for p in scenario.production] == [("1", "product"), ("2", "product")]
    assert scenario.sourcing[0].shares == {"1": 0.5, "2": 0.5}
    assert scenario.demand[0].mean == 5
    assert from_graph(to_graph(scenario)) == scenario


@pytest.mark.parametrize(
    ("graph", "says"),
    [(nx.Graph([(1, 2)]), "goods flow one way"), (nx.MultiDiGraph([(1, 2)]), "MultiDiGraph"),
     (nx.DiGraph([(1, 2)]), "attribute 'demand'"), (nx.DiGraph(), "attribute 'demand'")],
)  # fmt: skip
def test_graph_that_is_no_network_is_refused_in_words(graph, says):
    with pytest.raises(ScenarioError, match=says):
        from_graph(graph)


def test_unknown_attribute_names_the_nearest():
    graph = nx.DiGraph()
    graph.add_node("shop", demand=5)
    graph.add_edge("maker", "shop", leadtime=3)
    with pytest.raises(ScenarioError, match=r"edge 'maker' -> 'shop'.*did you mean 'lead_time'"):
        from_graph(graph)


def test_cycle_of_a_graph_is_a_network_error():
    graph = to_graph(load_text(BASE))
    graph.add_edge("shop", "dc", lead_time=1)
    graph.graph["sourcing"] = [{"site": "dc", "shares": {"maker": 0.5, "shop": 0.5}}]
    with pytest.raises(NetworkError, match="cycle"):
        from_graph(graph)
