"""Money over the window: every cost line, their sums, revenue, profit and the cash cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.kpis.base import KPIS
from twin.kpis.stock import goods_sold
from twin.money import costs, rates, received
from twin.sums import Floats, field, ratio, replications, total

if TYPE_CHECKING:
    from twin.engine import Outcome


@KPIS.add("total_cost", unit="money", better="lower", group="cost")
def total_cost(o: Outcome) -> Floats:
    """Sum of all cost lines over the window, purchases and lost sales included."""
    lines = costs(o).values()
    return total(np.stack([total(money) for money in lines])) + o.moves


@KPIS.add("running_cost", unit="money", better="lower", group="cost")
def running_cost(o: Outcome) -> Floats:
    """Total cost without the purchased goods themselves: what it costs to run the chain."""
    found: Floats = total_cost(o) - purchase_cost(o)
    return found


@KPIS.add("cost_per_period", unit="money/period", better="lower", group="cost")
def cost_per_period(o: Outcome) -> Floats:
    """Mean total cost of a period: total cost / T."""
    found: Floats = total_cost(o) / o.n_periods
    return found


@KPIS.add("holding_cost", unit="money", better="lower", group="cost")
def holding_cost(o: Outcome) -> Floats:
    """Cost of stock: Σ h × on hand at period end; at a closed gate at the sender's rate."""
    return total(costs(o)["holding"])


@KPIS.add("transit_cost", unit="money", better="lower", group="cost")
def transit_cost(o: Outcome) -> Floats:
    """Cost of goods on the way and in the making, paid by the sender.

    Σ h of the sender × units on the way (in the making: Σ usage × h of the component; bought: 0);
    a lane's own ``transit_holding_cost`` wins.
    """
    return total(costs(o)["transit"])


@KPIS.add("backlog_cost", unit="money", better="lower", group="cost")
def backlog_cost(o: Outcome) -> Floats:
    """Cost of backlog: Σ b × units owed to customers and downstream at period end."""
    return total(costs(o)["backlog"])


@KPIS.add("order_cost", unit="money", better="lower", group="cost")
def order_cost(o: Outcome) -> Floats:
    """Cost of orders and set-ups: Σ fixed cost × number of orders above 0."""
    return total(costs(o)["order"])


@KPIS.add("purchase_cost", unit="money", better="lower", group="cost")
def purchase_cost(o: Outcome) -> Floats:
    """Cost of goods bought outside: Σ units received × mean price paid (with breaks)."""
    return total(costs(o)["purchase"])


@KPIS.add("freight_cost", unit="money", better="lower", group="cost")
def freight_cost(o: Outcome) -> Floats:
    """Cost of freight: Σ rate × units shipped + Σ fixed freight × dispatches."""
    return total(costs(o)["freight"])


@KPIS.add("lost_sales_cost", unit="money", better="lower", group="cost")
def lost_sales_cost(o: Outcome) -> Floats:
    """Cost of lost sales: Σ units lost × (``lost_sale_cost``, else price - value)."""
    return total(costs(o)["lost_sales"])


@KPIS.add("write_off_cost", unit="money", better="lower", group="cost")
def write_off_cost(o: Outcome) -> Floats:
    """Cost of write-offs: Σ (expired + destroyed units) × value."""
    return total(costs(o)["write_off"])


@KPIS.add("shrink_cost", unit="money", better="lower", group="cost")
def shrink_cost(o: Outcome) -> Floats:
    """Cost of shrink: Σ units lost unseen × value."""
    return total(costs(o)["shrink"])


@KPIS.add("obsolescence_cost", unit="money", better="lower", group="cost")
def obsolescence_cost(o: Outcome) -> Floats:
    """Cost of ageing stock: Σ on hand × value × yearly loss of value / periods a year."""
    return total(costs(o)["obsolescence"])


@KPIS.add("device_cost", unit="money", better="lower", group="cost")
def device_cost(o: Outcome) -> Floats:
    """Cost of devices: Σ cost per period of the adopted devices × T."""
    return total(costs(o)["device"])


@KPIS.add("move_cost", unit="money", better="lower", group="cost")
def move_cost(o: Outcome) -> Floats:
    """Cost of moves of the decoupling point inside the window."""
    return np.full(replications(o), float(o.moves))


@KPIS.add("revenue", unit="money", better="higher", group="cost")
def revenue(o: Outcome) -> Floats:
    """Sales: Σ units delivered × price (the value where no price is given)."""
    return total(rates(o.plan).sales_price[:, None] * field(o, "sinks.delivered"))


@KPIS.add("profit", unit="money", better="higher", group="cost")
def profit(o: Outcome) -> Floats:
    """Revenue less the value of what was sold and the cost of running the chain.

    Revenue - Σ delivered × value - (running cost - lost sales) - (purchase cost - received at
    value). Stock is not a cost until it is sold or written off; a lost sale is missing from the
    revenue already; buying below or above the item's value shows here.
    """
    r = rates(o.plan)
    bought = np.where(r.bought, r.value[r.to], 0.0)
    premium = purchase_cost(o) - total(bought[:, None] * received(o))
    spent = running_cost(o) - lost_sales_cost(o) + premium
    found: Floats = revenue(o) - goods_sold(o) - spent
    return found


@KPIS.add("ccc", unit="days", better="lower", group="cost")
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
