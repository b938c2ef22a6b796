"""Money over the window: every cost line, their sums, revenue, profit and the cash cycle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from twin.kpis.base import AMOUNT, KPIS
from twin.kpis.stock import goods_sold
from twin.money import LINES, costs, rates, received
from twin.statistics import ANY
from twin.sums import Floats, field, ratio, replications, total

if TYPE_CHECKING:
    from twin.engine import Outcome


@KPIS.add("total_cost", within=AMOUNT, unit="money", better="lower", group="cost")
def total_cost(o: Outcome) -> Floats:
    """Sum of all cost lines over the window, purchases and lost sales included."""
    lines = costs(o).values()
    return total(np.stack([total(money) for money in lines])) + o.moves


@KPIS.add("running_cost", within=AMOUNT, unit="money", better="lower", group="cost")
def running_cost(o: Outcome) -> Floats:
    """Total cost without the purchased goods themselves: what it costs to run the chain."""
    found: Floats = total_cost(o) - _spent(o, "purchase")
    return found


@KPIS.add("cost_per_period", within=AMOUNT, unit="money/period", better="lower", group="cost")
def cost_per_period(o: Outcome) -> Floats:
    """Mean total cost of a period: total cost / T."""
    found: Floats = total_cost(o) / o.n_periods
    return found


def _spent(o: Outcome, line: str) -> Floats:
    """Return the money of one cost line at all stock points, ``(K,)``."""
    return total(costs(o)[line])


def _line(name: str) -> Callable[[Outcome], Floats]:
    """Return the KPI of one cost line."""

    def line(o: Outcome) -> Floats:
        return _spent(o, name)

    line.__doc__ = LINES[name]
    return line


for _name in LINES:
    KPIS.add(f"{_name}_cost", within=AMOUNT, unit="money", better="lower", group="cost")(
        _line(_name)
    )


@KPIS.add("move_cost", within=AMOUNT, unit="money", better="lower", group="cost")
def move_cost(o: Outcome) -> Floats:
    """Cost of moves of the decoupling point inside the window."""
    return np.full(replications(o), float(o.moves))


@KPIS.add("revenue", within=AMOUNT, unit="money", better="higher", group="cost")
def revenue(o: Outcome) -> Floats:
    """Sales: Σ units delivered × price (the value where no price is given)."""
    return total(rates(o.plan).sales_price[:, None] * field(o, "sinks.delivered"))


@KPIS.add("profit", within=ANY, unit="money", better="higher", group="cost")
def profit(o: Outcome) -> Floats:
    """Revenue less the value of what was sold and the cost of running the chain.

    Revenue - Σ delivered × value - (running cost - lost sales) - (purchase cost - received at
    value). Stock is not a cost until it is sold or written off; a lost sale is missing from the
    revenue already; buying below or above the item's value shows here.
    """
    r = rates(o.plan)
    bought = np.where(r.bought, r.value[r.to], 0.0)
    premium = _spent(o, "purchase") - total(bought[:, None] * received(o))
    spent = running_cost(o) - _spent(o, "lost_sales") + premium
    found: Floats = revenue(o) - goods_sold(o) - spent
    return found


@KPIS.add("ccc", within=ANY, unit="days", better="lower", group="cost")
def ccc(o: Outcome) -> Floats:
    """Cash conversion cycle of who sells to customers: DIO + DSO - DPO.

    DIO is that of the stock on hand of the owners of the sites where customers order, at the cost
    value of what they deliver; DSO and DPO are the scenario's ``receivable_days`` and
    ``payable_days``.
    """
    top, r = o.plan.topology, rates(o.plan)
    sellers = {top.points[s.row].site.who for s in top.sinks}
    own = np.array([p.site.who in sellers for p in top.points])
    held = total(np.where(own, r.value, 0.0)[:, None] * field(o, "rows.on_hand"))
    days = 365.0 / top.scenario.calendar.periods_per_year
    terms = top.scenario.costs
    return days * ratio(held, goods_sold(o)) + terms.receivable_days - terms.payable_days
