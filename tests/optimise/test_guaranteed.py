"""Guaranteed-service optima of Snyder & Shen, Fundamentals of Supply Chain Theory (2nd ed., ch. 6).

Graves & Willems 2000. The optimal costs and service times were worked out by another program.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from twin.errors import RunError
from twin.optimise.guaranteed import Node, promises


def serial(rows, spread, inbound, outbound):
    """``rows``: (name, time, holding), upstream first."""
    names = [name for name, _, _ in rows]
    return {
        name: Node(
            time, holding, spread, tuple(names[n + 1 : n + 2]),
            inbound=inbound if n == 0 else 0,
            outbound=outbound if n == len(rows) - 1 else None,
        )
        for n, (name, time, holding) in enumerate(rows)
    }  # fmt: skip


Z = 1.6448536269514722
SPUR = [("1", 2, 0.01, "2"), ("2", 3, 0.03, "3"), ("3", 2, 0.04, "5"), ("4", 4, 0.06, "5"),
        ("5", 2, 0.12, "6"), ("6", 3, 0.13, "10"), ("7", 6, 0.2, "10"), ("8", 4, 0.08, "10"),
        ("9", 3, 0.04, "10")]  # fmt: skip
CHAIN = [("10", 5, 0.87), ("9", 1, 0.98), ("8", 5, 1.1), ("7", 9, 1.15), ("6", 5, 2.37),
         ("5", 8, 2.47), ("4", 15, 2.93), ("3", 2, 3.04), ("2", 10, 4.56), ("1", 5, 5.73)]  # fmt: skip
BOTH = math.hypot(4.1, 6.2)
OPTIMA = {
    "example_6_3": (
        serial([("3", 1, 2), ("2", 0, 4), ("1", 1, 7)], 1, 1, 1),
        2.828427, {"3": 0, "2": 0, "1": 1},
    ),
    "problem_6_7": (
        serial([("3", 1, 2), ("2", 1, 3), ("1", 2, 4)], 40, 1, 0),
        357.770876, {"3": 2, "2": 3, "1": 0},
    ),
    "problem_6_8": (
        serial(CHAIN, 2.0537489106318225 * 15.8, 7, 3), 1378.302037,
        {"10": 12, "9": 13, "8": 18, "7": 0, "6": 5, "5": 13, "4": 28, "3": 0, "2": 10, "1": 3},
    ),
    "example_6_5": (
        {"1": Node(2, 1, math.sqrt(2), ("3",), inbound=1), "3": Node(1, 2, math.sqrt(2), ("2", "4")),
         "2": Node(1, 3, 1, outbound=0), "4": Node(1, 3, 1, outbound=1)},
        8.277917, {"1": 0, "3": 0, "2": 0, "4": 1},
    ),
    "problem_6_9": (
        {"1": Node(7, 44 / 365, 4 * 4.1, outbound=3), "2": Node(7, 28 / 365, 4 * 6.2, outbound=3),
         "3": Node(21, 18 / 365, 4 * BOTH, ("1", "2")), "4": Node(3, 1 / 365, 4 * BOTH, ("3",)),
         "5": Node(8, 4 / 365, 4 * BOTH, ("3",)), "6": Node(2, 1.5 / 365, 4 * BOTH, ("5",))},
        15.64953, {"1": 3, "2": 3, "3": 0, "4": 0, "5": 0, "6": 2},
    ),
    "figure_6_14": (
        {name: Node(time, h, 10 * Z, (to,)) for name, time, h, to in SPUR}
        | {"10": Node(2, 0.5, 10 * Z, outbound=2)}, 18.824004,
        {"1": 0, "2": 3, "3": 5, "4": 4, "5": 7, "6": 0, "7": 0, "8": 0, "9": 0, "10": 2},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMA)
def test_the_published_optimum_is_found_exactly(name):
    nodes, cost, service = OPTIMA[name]
    found = promises(nodes)
    assert found.cost == pytest.approx(cost, abs=2e-6)
    assert dict(found.service) == service


def test_the_cost_is_that_of_the_promises_and_every_promise_can_be_kept():
    nodes, cost, _ = OPTIMA["figure_6_14"]
    found = promises(nodes)
    held = sum(n.holding * n.spread * math.sqrt(found.net[name]) for name, n in nodes.items())
    assert held == pytest.approx(cost, abs=2e-6)
    inbound = {name: found.net[name] - n.time + found.service[name] for name, n in nodes.items()}
    for name, node in nodes.items():
        assert all(found.service[name] <= inbound[other] for other in node.after)


def random_tree(rng):
    n = 5
    to = [(i, int(rng.integers(0, i))) for i in range(1, n)]
    after = {i: [] for i in range(n)}
    for i, j in to:
        up, down = (i, j) if rng.random() < 0.5 else (j, i)
        after[up].append(str(down))
    return {
        str(i): Node(
            int(rng.integers(0, 3)), float(rng.uniform(0.5, 3)), 1.0, tuple(after[i]),
            outbound=None if after[i] else int(rng.integers(0, 2)),
        )
        for i in range(n)
    }  # fmt: skip


def brute(nodes):
    """Cheapest cost over all service times, each node counting on its slowest supplier."""
    names, best = list(nodes), math.inf
    before = {n: [m for m in nodes if n in nodes[m].after] for n in names}
    most = sum(n.time for n in nodes.values())
    for times in np.ndindex(*(most + 1,) * len(names)):
        service = dict(zip(names, times, strict=True))
        cost = 0.0
        for name, node in nodes.items():
            net = max([service[m] for m in before[name]], default=0) + node.time - service[name]
            if net < 0 or (node.outbound is not None and service[name] > node.outbound):
                break
            cost += node.holding * node.spread * math.sqrt(net)
        else:
            best = min(best, cost)
    return best


@pytest.mark.parametrize("seed", range(6))
def test_no_service_times_of_a_random_tree_are_cheaper(seed):
    nodes = random_tree(np.random.default_rng(seed))
    assert promises(nodes).cost == pytest.approx(brute(nodes), abs=1e-9)


def test_a_network_that_is_no_tree_is_refused_in_words():
    ring = {"a": Node(1, 1, 1, ("b", "c")), "b": Node(1, 1, 1, ("d",)),
            "c": Node(1, 1, 1, ("d",)), "d": Node(1, 1, 1, outbound=0)}  # fmt: skip
    with pytest.raises(RunError, match="must be a tree"):
        promises(ring)
