"""Guaranteed service: where safety stock belongs if every stock point keeps its promised time.

Each node promises its customers a service time S and is promised SI by its suppliers; demand is
bounded, so that over its net replenishment time SI + T - S it holds z σ √(SI + T - S) of safety
stock. On trees the cheapest promises come exactly from dynamic programming: Graves & Willems 2000,
*Manufacturing & Service Operations Management* 2(1): 68-83, section 3. Here every node keeps the
whole table over (SI, S), so that no order of the nodes has to be found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from twin.compile.rules import first_forecasts
from twin.decoupling import nominal_lead
from twin.errors import RunError
from twin.sums import Floats
from twin.topology import Topology


@dataclass(frozen=True)
class Node:
    """A stage of a guaranteed-service network.

    Attributes
    ----------
    time
        Processing time T, whole periods.
    holding
        Cost of one unit of safety stock for one period.
    spread
        Safety stock of one period: z σ, in units.
    after
        The nodes that it supplies.
    inbound
        Service time that outside suppliers promise, in periods.
    outbound
        Longest service time that its own customers accept; none: it has no customers of its own.
    """

    time: int
    holding: float
    spread: float
    after: tuple[str, ...] = ()
    inbound: int = 0
    outbound: int | None = None


@dataclass(frozen=True)
class Promises:
    """The cheapest service times.

    Attributes
    ----------
    cost
        Holding cost of all safety stock per period.
    service
        Service time S by node, in periods.
    net
        Net replenishment time SI + T - S by node, in periods.
    """

    cost: float
    service: Mapping[str, int] = field(default_factory=dict)
    net: Mapping[str, int] = field(default_factory=dict)


def promises(nodes: Mapping[str, Node]) -> Promises:
    """Return the cheapest service times of a network that is a tree (or several).

    Where several are equally cheap, the shortest service times are taken.

    Parameters
    ----------
    nodes
        By name.

    Raises
    ------
    RunError
        If the network is no tree once arrows are left out.
    """
    tree = _Tree(nodes)
    cost, service, net = 0.0, dict[str, int](), dict[str, int]()
    for root in nodes:
        if root not in service:
            cost += tree.solve(root, service, net)
    return Promises(cost, service, net)


class _Tree:
    """Tables of cost over (inbound, outbound) service time, node by node towards a root."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes
        self.before: dict[str, list[str]] = {name: [] for name in nodes}
        for name, node in nodes.items():
            for other in node.after:
                self.before[other].append(name)
        self.most = sum(n.time for n in nodes.values()) + max(n.inbound for n in nodes.values())
        self.tables: dict[str, Floats] = {}

    def solve(self, root: str, service: dict[str, int], net: dict[str, int]) -> float:
        """Write down the promises of the tree that hangs on a root; return its cost."""
        order = self._order(root)
        for name, parent in reversed(order):
            self.tables[name] = self._table(name, parent)
        cost = float(self.tables[root].min())
        chosen: dict[str, tuple[int, int]] = {}
        for name, parent in order:
            table = self.tables[name]
            if parent is not None:
                si, s = chosen[parent]
                # supplier: promises what the parent counts on; customer: counts on its promise
                free = table[:, : si + 1] if parent in self.nodes[name].after else table[s:]
                shift = 0 if parent in self.nodes[name].after else s
            else:
                free, shift = table, 0
            out, inside = np.unravel_index(int(free.T.argmin()), free.T.shape)
            chosen[name] = int(inside) + shift, int(out)
            service[name] = int(out)
            net[name] = chosen[name][0] + self.nodes[name].time - int(out)
        return cost

    def _order(self, root: str) -> list[tuple[str, str | None]]:
        """Return all nodes of the tree with their parents, the root first."""
        order: list[tuple[str, str | None]] = [(root, None)]
        seen = {root}
        for name, parent in order:  # grows as it goes
            for other in (*self.before[name], *self.nodes[name].after):
                if other == parent:
                    continue
                if other in seen:
                    msg = (
                        f"guaranteed service: '{other}' can be reached in two ways; the network "
                        "must be a tree once arrows are left out"
                    )
                    raise RunError(msg)
                seen.add(other)
                order.append((other, name))
        return order

    def _table(self, name: str, parent: str | None) -> Floats:
        """Return the cheapest cost of a node and all behind it, ``(inbound, outbound)``."""
        node = self.nodes[name]
        times = np.arange(self.most + 1)
        left = times[:, None] + node.time - times[None, :]
        table = np.where(
            left >= 0, node.holding * node.spread * np.sqrt(np.maximum(left, 0)), np.inf
        )
        table[: node.inbound] = np.inf
        if not self.before[name]:
            table[node.inbound + 1 :] = np.inf
        if node.outbound is not None:
            table[:, node.outbound + 1 :] = np.inf
        for other in self.before[name]:
            if other != parent:  # its promise is at most what is counted on here
                table += np.minimum.accumulate(self.tables[other].min(axis=0))[:, None]
        for other in node.after:
            if other != parent:  # it counts on at least what is promised here
                table += np.minimum.accumulate(self.tables[other].min(axis=1)[::-1])[::-1][None, :]
        return table


def placement(topology: Topology, safety_factor: float) -> dict[int, int] | None:
    """Return the net replenishment time of each stock point that guaranteed service asks for.

    Parameters
    ----------
    topology
        A scenario's network; lead times are mean ones in whole periods.
    safety_factor
        z, which bounds the demand.

    Returns
    -------
    dict or None
        Periods by row; nothing if the network is no tree or all stock is free of charge.
    """
    forecasts = first_forecasts(topology)
    nodes = {
        str(p.index): Node(
            time=max(
                (nominal_lead(topology.links[e]) for e in topology.in_links[p.index]), default=0
            )
            + p.settings.policy.review
            - 1,
            holding=p.settings.holding_cost,
            spread=safety_factor * math.sqrt(forecasts.variance[p.index]),
            after=tuple(str(i) for i in _customers(topology, p.index)),
            outbound=_tolerance(topology, p.index),
        )
        for p in topology.points
    }
    if not any(node.holding for node in nodes.values()):
        return None
    try:
        return {int(name): time for name, time in promises(nodes).net.items()}
    except RunError:
        return None


def _customers(topology: Topology, row: int) -> Sequence[int]:
    return sorted({topology.links[e].to for e, _ in topology.out_links[row]})


def _tolerance(topology: Topology, row: int) -> int | None:
    return min((topology.sinks[s].tolerance for s in topology.sinks_of[row]), default=None)
