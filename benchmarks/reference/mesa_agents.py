"""The same rules as ordinary Mesa agents: one object per stock point, one method per decision.

Written as a Mesa user would write it: plain attributes, deques for goods on the way, no arrays. It
is handed its demand numbers, so that drawing them costs it nothing.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import mesa

from benchmarks.reference.row_loop import levels, sources
from twin.arrays import NET_SINK, ROW
from twin.compile import Plan
from twin.compile.network import link_column


class StockPoint(mesa.Agent):
    """An item at a site: base stock with a fixed level, proportional split of scarce stock."""

    def __init__(self, model: mesa.Model, level: float, on_hand: float, lead: int, rank: int):
        super().__init__(model)
        self.level, self.on_hand, self.lead, self.rank = level, on_hand, lead, rank
        self.supplier: StockPoint | None = None
        self.customers: list[StockPoint] = []
        self.demand: list[float] | None = None
        self.on_way = deque([0.0] * lead)
        self.in_transit = self.on_order = self.backlog = 0.0
        self.owed = 0.0  # to end customers
        self.ordered = 0.0  # open orders with the supplier
        self.sum_on_hand = self.sum_backlog = self.sum_transit = 0.0
        self.sum_demand = self.sum_filled = self.sum_order = 0.0

    def receive(self) -> None:
        due = self.on_way.popleft()
        self.on_way.append(0.0)
        self.in_transit -= due
        self.on_hand += due
        self.on_order -= due

    def see_demand(self) -> None:
        if self.demand is not None:
            wanted = self.demand[self.model.period]
            self.owed += wanted
            self.backlog += wanted
            self.sum_demand += wanted

    def order(self) -> None:
        quantity = max(0.0, self.level - (self.on_hand + self.on_order - self.backlog))
        if quantity > 0.0:
            self.ordered += quantity
            self.on_order += quantity
            self.sum_order += quantity
            if self.supplier is not None:
                self.supplier.backlog += quantity

    def ship(self) -> None:
        if self.supplier is None:
            self.dispatch(self.ordered)
        wanted = self.owed + sum(c.ordered for c in self.customers)
        if wanted <= 0.0:
            return
        share = min(1.0, self.on_hand / wanted)
        out = self.owed * share
        self.owed -= out
        for customer in self.customers:
            quantity = customer.ordered * share
            customer.dispatch(quantity)
            out += quantity
        self.on_hand = max(0.0, self.on_hand - out)
        self.backlog -= out

    def dispatch(self, quantity: float) -> None:
        self.ordered -= quantity
        self.in_transit += quantity
        self.on_way[self.lead - 1] += quantity

    def account(self) -> None:
        self.sum_on_hand += self.on_hand
        self.sum_backlog += self.backlog
        self.sum_transit += self.in_transit
        if self.demand is not None:
            wanted = self.demand[self.model.period]
            self.sum_filled += max(0.0, wanted - self.owed)


class SupplyChain(mesa.Model):
    """Stock points in the order of their levels; one step is one period."""

    def __init__(self, plan: Plan, demand: Any):
        super().__init__()
        net, world = plan.network, plan.world(1, 0, 1)
        self.period = 0
        level, lead, on_hand = levels(plan), link_column(net, "lead"), world.rows[ROW.on_hand]
        self.points = [
            StockPoint(self, float(level[i]), float(on_hand[i]), int(lead[i]), i)
            for i in range(net.n_rows)
        ]
        for point, up in zip(self.points, sources(plan), strict=True):
            if up < net.n_rows:
                point.supplier = self.points[up]
                self.points[up].customers.append(point)
        for s in range(net.n_sinks):
            self.points[int(net.customers.sink[NET_SINK.sink_row, s])].demand = demand[
                :, s
            ].tolist()
        self.upwards = self.agents.select(lambda a: True)
        self.downwards = self.agents.sort("rank", ascending=False)

    def step(self) -> None:
        self.upwards.do("receive")
        self.upwards.do("see_demand")
        self.upwards.do("order")
        self.downwards.do("ship")
        self.upwards.do("account")
        self.period += 1

    def sums(self) -> dict[str, list[float]]:
        """Return the sums that money is made of, by the names of the twin."""
        return {
            "rows.on_hand": [p.sum_on_hand for p in self.points],
            "rows.backlog": [p.sum_backlog for p in self.points],
            "links.on_way": [p.sum_transit for p in self.points],
        }
