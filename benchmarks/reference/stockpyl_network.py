"""The measured trees in stockpyl: base stock, the twin's own demand as a list, default costs."""

from __future__ import annotations

from typing import Any

from twin.arrays import ROW
from twin.compile import Plan


def build(plan: Plan, demand: Any) -> Any:
    """Return the stockpyl network of a one-item tree; ``demand`` is ``(periods, sinks)``."""
    from stockpyl.demand_source import DemandSource
    from stockpyl.policy import Policy
    from stockpyl.supply_chain_network import network_from_edges

    top = plan.topology
    number = {p.index: int(p.site.name[1:]) for p in top.points}
    into = {p.index: top.links[top.in_links[p.index][0]] for p in top.points}
    opening = plan.world(1, 0, 1).rows[ROW.on_hand]
    edges = sorted((number[e.inputs[0][0]], number[i]) for i, e in into.items() if e.kind == "ship")
    at = {n: i for i, n in number.items()}
    points = [top.points[at[n]] for n in sorted(at)]
    customers = {s.row: demand[:, k].tolist() for k, s in enumerate(top.sinks)}
    return network_from_edges(
        edges,
        node_order_in_lists=sorted(at),
        initial_inventory_level=[float(opening[p.index]) for p in points],
        shipment_lead_time=[into[p.index].lead_time.value for p in points],
        local_holding_cost=[p.settings.holding_cost for p in points],
        stockout_cost=[p.settings.backlog_cost for p in points],
        inventory_policy={
            number[p.index]: Policy(type="BS", base_stock_level=p.settings.policy.level)
            for p in points
        },
        demand_source={
            number[p.index]: DemandSource(type="D", demand_list=customers[p.index])
            for p in points
            if p.index in customers
        },
    )


def run(network: Any, periods: int) -> float:
    """Simulate and return the total cost: holding, goods on the way, backlog."""
    from stockpyl.sim import simulation

    return float(simulation(network, periods, progress_bar=False, consistency_checks="N"))
