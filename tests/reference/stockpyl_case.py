"""Comparison with stockpyl, period by period, on networks that both can express.

``simple`` random scenarios have one product per site, unlimited making, constant lead times,
recorded demand and rank allocation; disruptions of one site are compared as well.
An engine's side is given as *lines*: ``lines[stock point][series][t]`` with the series

* ``level``: on hand - backlog at the end of the period,
* ``order``: good units ordered,
* ``shipped``: units that left for other sites or customers (not of components).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from twin import topology
from twin.edits import apply
from twin.schema import Scenario
from twin.topology import Topology

Lines = Mapping[str, Mapping[str, Sequence[float]]]

POLICY_TYPE = {"base_stock": "BS", "s_S": "sS", "r_Q": "rQ"}
DISRUPTIONS = {
    "OP": "ordering_down",
    "SP": "dispatch_stop",
    "RP": "dock_closed",
    "TP": "lane_closed",
}


def lines_of(network: Topology, trace: Any) -> Lines:
    """Return the lines of anything with the series of a naive trace."""
    found = {}
    for p in network.points:
        on_hand, backlog = (trace.point[s][p.name] for s in ("on_hand", "backlog"))
        shipped = [0.0] * trace.horizon
        for t in range(trace.horizon):
            for e, usage in network.out_links[p.index]:
                shipped[t] += usage * trace.link["shipped"][network.links[e].name][t]
            for s in network.sinks_of[p.index]:
                shipped[t] += trace.sink["delivered"][network.sinks[s].name][t]
        found[p.name] = {
            "level": [h - b for h, b in zip(on_hand, backlog, strict=True)],
            "order": list(trace.point["order"][p.name]),
            "shipped": shipped,
        }
    return found


def with_capacities(scenario: Scenario, seed: int) -> Scenario:
    """Let about a third of the sites order no more than so many units a period."""
    dice = random.Random(seed)
    network = topology.build(scenario)
    mean = max(sum(s.demand.values) / len(s.demand.values) for s in network.sinks)
    changes = {}
    for p in network.points:
        if p.role == "component" or dice.random() > 0.35:
            continue
        into = network.links[network.in_links[p.index][0]]
        section = {"ship": "lanes", "make": "production", "buy": "purchases"}[into.kind]
        place = [x is into.declared for x in getattr(scenario, section)].index(True)
        most = float(round(mean * dice.uniform(0.7, 2.5)) + 1)
        if p.settings.policy.kind == "r_Q":  # it orders one lot, however far the position fell
            most = min(most, p.settings.policy.lot)
        changes[f"{section}[{place}].order_max"] = most
    return apply(scenario, changes)


def with_disruption(scenario: Scenario, kind: str, seed: int) -> Scenario:
    """Add one disruption of a random site, of a stockpyl type (OP, SP, RP or TP)."""
    dice = random.Random(seed)
    network = topology.build(scenario)
    into = [e for e in network.links if e.kind != "make"]
    if kind == "OP":  # its (r,Q) orders one lot, however far the position fell meanwhile
        into = [e for e in into if network.points[e.to].settings.policy.kind != "r_Q"]
    if kind == "SP":  # it never stops the outside supplier, and keeps the goods from others
        alone = [e for e in into if e.kind == "ship"]
        into = [e for e in alone if len(network.out_links[e.inputs[0][0]]) == 1]
    if kind == "TP":  # nothing can stand still on no way; its outside supplier's mail does
        into = [e for e in into if e.lead_time.value > 0 and e.delay == 0]
    sites = sorted({network.points[e.to].site.name for e in into})
    if not sites:
        return scenario
    site = dice.choice(sites)
    event = {"kind": DISRUPTIONS[kind], "start": dice.randint(5, 30)}
    event["duration"] = dice.randint(1, 10)
    event.update({"lane": f"*->{site}"} if kind == "TP" else {"where": {"site": site}})
    return scenario.with_changes(disruptions=[event])


def run_stockpyl(scenario: Scenario) -> Lines:
    """Simulate a simple scenario with stockpyl and return its lines."""
    from stockpyl.sim import simulation

    network = topology.build(scenario)
    index = _node_index(network)
    theirs = _stockpyl_network(network, index)
    simulation(theirs, scenario.horizon, progress_bar=False, consistency_checks="E")
    found: dict[str, dict[str, list[float]]] = {}
    for p in network.points:
        node = theirs.nodes_by_index[index[p.site.name]]
        states = node.state_vars[: scenario.horizon]
        if p.role == "component":
            before = index[network.links[network.in_links[p.index][0]].source]
            found[p.name] = _component_lines(states, before)
        else:
            found[p.name] = _product_lines(states, node)
    return found


def differences(ours: Lines, theirs: Lines, tolerance: float = 1e-6) -> list[str]:
    """Return every period in which one of stockpyl's lines is missed."""
    return [
        f"{name} {series} t={t}: {ours[name][series][t]}, stockpyl has {expected}"
        for name, rows in theirs.items()
        for series, row in rows.items()
        for t, expected in enumerate(row)
        if abs(ours[name][series][t] - expected) > tolerance
    ]


def _node_index(network: Topology) -> dict[str, int]:
    """Sites numbered so that a sender's customers come in the order of their lanes' ranks."""
    rank = {e.declared.to: e.declared.rank for e in network.links if e.kind == "ship"}
    sites = sorted({p.site.name for p in network.points}, key=lambda s: (rank.get(s, -1), s))
    return {site: i for i, site in enumerate(sites)}


def _stockpyl_network(network: Topology, index: dict[str, int]) -> Any:
    from stockpyl.supply_chain_network import network_from_edges

    given: dict[str, dict[int, Any]] = {}
    for p in network.points:
        if p.role == "component":
            continue
        for attribute, value in _attributes(p, network).items():
            given.setdefault(attribute, {})[index[p.site.name]] = value
    edges = {(index[e.source], index[e.declared.to]) for e in network.links if e.kind == "ship"}
    return network_from_edges(sorted(edges), node_order_in_lists=sorted(index.values()), **given)


def _attributes(p: Any, network: Topology) -> dict[str, Any]:
    """Lead times, policy, opening state, demand and disruption of a product's stock point."""
    from stockpyl.demand_source import DemandSource
    from stockpyl.policy import Policy

    into = network.links[network.in_links[p.index][0]]
    settings, rule = p.settings, p.settings.policy
    level = rule.level if rule.kind != "r_Q" else rule.reorder_point + rule.lot
    found: dict[str, Any] = {
        "initial_inventory_level": (
            level if settings.initial_stock is None else settings.initial_stock
        ),
        "inventory_policy": Policy(
            type=POLICY_TYPE[rule.kind],
            base_stock_level=rule.level if rule.kind == "base_stock" else None,
            order_up_to_level=rule.level if rule.kind == "s_S" else None,
            reorder_point=rule.reorder_point,
            order_quantity=rule.lot if rule.kind == "r_Q" else None,
        ),
        "order_capacity": into.declared.order_max,
        "disruption_process": _disruption(p.site.name, network.scenario),
    }
    if into.kind == "make":  # what it orders are the components, which start empty
        into = network.links[network.in_links[into.inputs[0][0]][0]]
    else:
        found["initial_shipments"] = settings.initial_in_transit or 0
        found["initial_orders"] = settings.initial_orders or 0
    found["shipment_lead_time"] = into.lead_time.value
    found["order_lead_time"] = into.delay
    for sink in network.sinks_of[p.index]:
        values = list(network.sinks[sink].demand.values)
        found["demand_source"] = DemandSource(type="D", demand_list=values)
    return found


def _disruption(site: str, scenario: Scenario) -> Any:
    from stockpyl.disruption_process import DisruptionProcess

    types = {kind: letters for letters, kind in DISRUPTIONS.items()}
    for d in scenario.disruptions:
        if site == d.where.site or d.lane == f"*->{site}":
            during = range(d.start, d.start + d.duration)
            return DisruptionProcess(
                random_process_type="E",
                disruption_type=types[d.kind],
                disruption_state_list=[t in during for t in range(scenario.horizon)],
            )
    return DisruptionProcess()


def _product_lines(states: list, node: Any) -> dict[str, list[float]]:
    product = node.product_indices[0]
    return {
        "level": [s.inventory_level[product] for s in states],
        "order": [s.order_quantity_fg[product] for s in states],
        "shipped": [sum(row[product] for row in s.outbound_shipment.values()) for s in states],
    }


def _component_lines(states: list, before: int) -> dict[str, list[float]]:
    """Raw material less what production still owes, and orders to its supplier."""
    product = states[0].node.product_indices[0]
    raw = next(iter(states[0].order_quantity[before]))
    return {
        "level": [
            s.raw_material_inventory[raw] - s.pending_finished_goods[product] for s in states
        ],
        "order": [s.order_quantity[before][raw] for s in states],
    }
