"""The measured tree in SupplyNetPy 0.5 (SimPy processes): (s, S) one unit below the level.

It never sends part of an order, so the measured tree holds enough to fill every order; then its
holding cost is the twin's (within the rounding of one instant at the end).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from twin.arrays import ROW
from twin.compile import Plan


class Customers:
    """Gaps and sizes of one customer's orders; periods without demand are skipped."""

    def __init__(self, values: list[float]) -> None:
        at = [t for t, x in enumerate(values) if x > 0]
        if at[0] != 0:
            raise ValueError("SupplyNetPy's customers order in period 0; take another seed")
        self.gaps = [b - a for a, b in zip(at, [*at[1:], 10**9], strict=True)]
        self.sizes = [values[t] for t in at]

    def teller(self, values: list[float]) -> Callable[[], float]:
        """Return a function that tells the next value; SupplyNetPy tries it once beforehand."""
        state = {"asked": -1}

        def tell() -> float:
            state["asked"] += 1
            return values[max(0, state["asked"] - 1)]

        return tell


def build(plan: Plan, demand: Any) -> Any:
    """Return a fresh SupplyNetPy network (it can be run once only)."""
    import simpy
    import SupplyNetPy.Components as scm

    scm.global_logger.disable_logging()
    top, env = plan.topology, simpy.Environment()
    opening = plan.world(1, 0, 1).rows[ROW.on_hand]
    common = {"logging": False}
    nodes = {"outside": scm.Supplier(env, "outside", "outside", "infinite_supplier", **common)}
    for p in top.points:
        level = p.settings.policy.level
        nodes[p.name] = scm.InventoryNode(
            env, p.site.name, p.site.name, "warehouse", capacity=math.inf,
            initial_level=float(opening[p.index]),
            inventory_holding_cost=p.settings.holding_cost,
            replenishment_policy=scm.SSReplenishment, policy_param={"s": level - 1, "S": level},
            product_sell_price=0.0, product_buy_price=0.0, **common,
        )  # fmt: skip
    links = [
        scm.Link(
            env, f"to {p.name}",
            nodes["outside" if e.kind == "buy" else top.points[e.inputs[0][0]].name],
            nodes[p.name], cost=0.0, lead_time=lambda lead=e.lead_time.value: lead,
        )
        for p in top.points
        for e in [top.links[top.in_links[p.index][0]]]
    ]  # fmt: skip
    for k, s in enumerate(top.sinks):
        who = Customers(demand[:, k].tolist())
        scm.Demand(
            env, s.name, s.name, order_arrival_model=who.teller(who.gaps),
            order_quantity_model=who.teller(who.sizes), tolerance=math.inf,
            demand_node=nodes[top.points[s.row].name], **common,
        )  # fmt: skip
    return env, nodes, links


def run(network: Any, periods: int) -> float:
    """Simulate and return the holding cost."""
    env, nodes, _ = network
    env.run(periods)
    for name, node in nodes.items():
        if name != "outside":
            node.inventory.update_carry_cost()
    return float(sum(n.inventory.carry_cost for k, n in nodes.items() if k != "outside"))
