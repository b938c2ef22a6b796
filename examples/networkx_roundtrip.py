"""A network drawn with networkx becomes a twin, and a scenario becomes a graph.

Run it: ``python examples/networkx_roundtrip.py``.
"""

import networkx as nx

import twin


def drawn():
    """Return a network of one maker, two warehouses and three shops."""
    graph = nx.DiGraph(name="drawn", horizon=200, warmup=50, stages=["maker", "dc", "shop"])
    graph.add_node("maker", kind="plant", stage="maker")
    for dc in ("north", "south"):
        graph.add_node(dc, kind="warehouse", stage="dc")
        graph.add_edge("maker", dc, lead_time=4)
    for shop, dc, mean in (("a", "north", 5), ("b", "north", 8), ("c", "south", 13)):
        graph.add_node(shop, kind="store", stage="shop", demand=mean)
        graph.add_edge(dc, shop, lead_time=1)
    return graph


def busiest(graph):
    """Return the site that most ways from the sources to the shops lead through."""
    between = nx.betweenness_centrality(graph)
    return max(between, key=between.get)


if __name__ == "__main__":
    scenario = twin.from_graph(drawn())
    print(twin.run(scenario, replications=8).summary())

    graph = twin.to_graph(twin.load("electronics"))
    print(f"electronics: {graph.number_of_nodes()} sites, {graph.number_of_edges()} lanes,")
    print(f"most ways lead through {busiest(graph)}")
    assert twin.from_graph(graph) == twin.load("electronics")
