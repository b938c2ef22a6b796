"""Money: the rates of a plan, and what an outcome costs (docs/physics.md, section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twin.memory import Made, kept
from twin.schema import Lane, Purchase
from twin.sums import Floats, add_to, field, ratio, replications
from twin.topology import Link, Topology

if TYPE_CHECKING:
    from twin.compile import Plan
    from twin.engine import Outcome

Ints = NDArray[np.int64]

LINES = {
    "holding": "Cost of stock: Σ h × on hand at period end; at a closed gate at the sender's rate.",
    "transit": """Cost of goods on the way and in the making, paid by the sender.

Σ h of the sender × units on the way (in the making: Σ usage × h of the component; bought: 0);
a lane's own ``transit_holding_cost`` wins.""",
    "backlog": "Cost of backlog: Σ b × units owed to customers and downstream at period end.",
    "order": "Cost of orders and set-ups: Σ fixed cost × number of orders above 0.",
    "purchase": "Cost of goods bought outside: Σ units received × mean price paid (with breaks).",
    "freight": "Cost of freight: Σ rate × units shipped + Σ fixed freight × dispatches.",
    "lost_sales": "Cost of lost sales: Σ units lost × (``lost_sale_cost``, else price - value).",
    "write_off": "Cost of write-offs: Σ (expired + destroyed units) × value.",
    "shrink": "Cost of shrink: Σ units lost unseen × value.",
    "obsolescence": "Cost of ageing stock: Σ on hand × value × yearly loss of value / periods a "
    "year.",
    "device": "Cost of devices: Σ cost per period of the adopted devices × T.",
}
"""Cost lines that belong to a stock point, and how each is worked out over the window; moves of
the decoupling point belong to none. Each is a KPI as well (``holding_cost`` ...)."""


@dataclass(frozen=True)
class Rates:
    """Money per unit (and period) of a plan's ``n`` stock points, ``m`` links and ``s`` sinks.

    Attributes
    ----------
    holding, backlog, obsolescence
        Money per unit and period, ``(n,)``.
    value
        Cost value of a unit, ``(n,)``.
    device
        Money per period of the devices at a stock point, ``(n,)``.
    to
        Stock point that receives, ``(m,)``.
    sender
        Stock point that pays the freight: the sender, where there is none the receiver, ``(m,)``.
    gate
        Money per unit and period at the receiver's gate (the sender's rate), ``(m,)``.
    transit_row, transit_link, transit_rate
        Who pays how much per unit and period on the way of which link; a product in the making is
        paid by each of its components.
    value_on_way
        Value of a started unit on the way, ``(m,)``: the components' where it is made, none where
        it is bought (it is the supplier's until received).
    order, freight_unit, freight_dispatch
        Money per order, unit and dispatch, ``(m,)``.
    price, breaks
        Price of a unit outside all breaks, and whether there are any, ``(m,)``; 0 unless bought.
    bought, made
        Flags of links that buy and make, ``(m,)``.
    inputs_value
        Value of the components in a started unit, ``(m,)``.
    yield_
        Good units per started unit, ``(m,)``.
    sink_row
        Stock point of each sink, ``(s,)``.
    sales_price, sales_value, lost_sale
        Money per unit delivered, its cost value, and money per unit lost, ``(s,)``.
    """

    holding: Floats
    backlog: Floats
    obsolescence: Floats
    value: Floats
    device: Floats
    to: Ints
    sender: Ints
    gate: Floats
    transit_row: Ints
    transit_link: Ints
    transit_rate: Floats
    value_on_way: Floats
    order: Floats
    freight_unit: Floats
    freight_dispatch: Floats
    price: Floats
    breaks: NDArray[np.bool_]
    bought: NDArray[np.bool_]
    made: NDArray[np.bool_]
    inputs_value: Floats
    yield_: Floats
    sink_row: Ints
    sales_price: Floats
    sales_value: Floats
    lost_sale: Floats


def rates(plan: Plan) -> Rates:
    """Return the money rates of a plan, worked out once."""
    top, devices = plan.topology, plan.devices
    years = top.scenario.calendar.periods_per_year
    of = (top.shape, top.points, top.links, top.sinks, devices, years)
    return kept(plan, "_rates", lambda: plan.made("rates", of, lambda: _rates(plan, years)))


def _rates(plan: Plan, years: int) -> Rates:
    top, made = plan.topology, plan.made
    of = (top.points, years)
    rows = made("money of points", of, lambda: _point_rates(top, years))
    holding, value = rows["holding"], rows["value"]
    device = np.zeros(len(top.points))
    for placed in plan.devices:
        device[placed.row] += placed.device.cost
    transit = [getattr(e.declared, "transit_holding_cost", None) for e in top.links]
    inputs = (top.shape, top.points, transit)
    return Rates(
        **rows,
        device=device,
        price=np.array([_price(e, value) for e in top.links], float),
        **_link_rates(top, made),
        **made("input rates", inputs, lambda: _input_rates(top, holding, value)),
        **made("sink rates", (top.shape, top.points, top.sinks), lambda: _sink_rates(top)),
    )


def _point_rates(top: Topology, years: int) -> dict[str, Any]:
    value = np.array([p.item.value for p in top.points], float)
    yearly = np.array([p.item.obsolescence for p in top.points], float)
    return {
        "holding": np.array([p.settings.holding_cost for p in top.points], float),
        "backlog": np.array([p.settings.backlog_cost for p in top.points], float),
        "obsolescence": value * yearly / years,
        "value": value,
    }


_ALONE = {
    "to": np.int64, "sender": np.int64, "order": float, "freight_unit": float,
    "freight_dispatch": float, "breaks": bool, "bought": bool, "made": bool, "yield_": float,
}  # fmt: skip
"""Rates of a link that rest on nothing else, and their types."""


def _alone(e: Link) -> tuple[float, ...]:
    """Return the rates of ``_ALONE`` of one link."""
    d = e.declared
    found = (
        e.to,
        e.inputs[0][0] if e.inputs else e.to,
        d.order_cost,
        getattr(d, "cost_per_unit", 0.0),
        getattr(d, "cost_per_dispatch", 0.0),
        bool(getattr(d, "breaks", None)),
        e.kind == "buy",
        e.kind == "make",
        e.yield_,
    )
    return tuple(float(x) for x in found)


def _link_rates(top: Topology, made: Made) -> dict[str, Any]:
    table = made.each("money of links", top.links, lambda e: _alone(top.links[e]))
    columns = np.array(table, float).reshape(len(table), len(_ALONE)).T
    return {
        name: column.astype(kind)
        for (name, kind), column in zip(_ALONE.items(), columns, strict=True)
    }


def _input_rates(top: Topology, holding: Floats, value: Floats) -> dict[str, Any]:
    """Return what rests on the components of links: their value, and who pays for them."""
    payers = [part for e in top.links for part in _payers(e, holding)]
    inputs = np.array([sum(u * value[i] for i, u in e.inputs) for e in top.links], float)
    return {
        "gate": np.array([sum(u * holding[i] for i, u in e.inputs) for e in top.links], float),
        "transit_row": np.array([i for i, _, _ in payers], np.int64),
        "transit_link": np.array([e for _, e, _ in payers], np.int64),
        "transit_rate": np.array([h for _, _, h in payers], float),
        "value_on_way": inputs,
        "inputs_value": inputs,
    }


def _payers(link: Link, holding: Floats) -> list[tuple[int, int, float]]:
    """Return (stock point, link, rate) of everyone who pays for goods on the way of a link."""
    if isinstance(link.declared, Lane) and link.declared.transit_holding_cost is not None:
        return [(link.inputs[0][0], link.index, link.declared.transit_holding_cost)]
    return [(i, link.index, usage * float(holding[i])) for i, usage in link.inputs]


def _price(link: Link, value: Floats) -> float:
    if not isinstance(link.declared, Purchase):
        return 0.0
    own = link.declared.price
    return float(value[link.to]) if own is None else own


def _sink_rates(top: Topology) -> dict[str, NDArray]:  # type: ignore[type-arg]
    items = [top.points[s.row].item for s in top.sinks]
    value = np.array([x.value for x in items], float)
    price = np.array([x.value if x.price is None else x.price for x in items], float)
    margin = np.maximum(0.0, price - value)
    given = [s.demand.lost_sale_cost for s in top.sinks]
    return {
        "sink_row": np.array([s.row for s in top.sinks], np.int64),
        "sales_price": price,
        "sales_value": value,
        "lost_sale": np.array(
            [m if g is None else g for g, m in zip(given, margin, strict=True)], float
        ),
    }


def received(outcome: Outcome) -> Floats:
    """Return the started units received on each link in the window, ``(m, K)``.

    What was shipped, less what is more on the way or at the gate than at the start of the window.
    """
    moving = {
        name: state["links.on_way"] + state["links.gate"]
        for name, state in (("final", outcome.final), ("opening", outcome.opening))
    }
    return outcome["links.shipped"] - (moving["final"] - moving["opening"])


def mean_price(outcome: Outcome) -> Floats:
    """Return the mean price of the units ordered on each bought link, ``(m, K)``.

    Without price breaks, or without orders in the window, the list price.
    """
    r = rates(outcome.plan)
    plain = np.broadcast_to(r.price[:, None], (r.price.size, replications(outcome)))
    paid = ratio(field(outcome, "links.purchase"), field(outcome, "links.placed"))
    return np.where(r.breaks[:, None] & ~np.isnan(paid), paid, plain)


def costs(outcome: Outcome) -> dict[str, Floats]:
    """Return every line of :data:`LINES` by stock point, ``(n, K)``, in money over the window."""
    return kept(outcome, "_costs", lambda: _costs(outcome))


def _costs(o: Outcome) -> dict[str, Floats]:
    r = rates(o.plan)
    n, m, K = r.value.size, r.to.size, replications(o)
    rows, links = np.arange(n), np.arange(m)

    def line(*parts: tuple[Ints, Floats, Ints, str]) -> Floats:
        """Return money at stock points: who pays which rate for which thing's sum, part by part."""
        found = np.zeros((n, K))
        for payers, rate, things, name in parts:
            if rate.any():
                add_to(found, payers, rate, things, field(o, name))
        return found

    bought = np.zeros((n, K))
    add_to(bought, r.to, r.bought.astype(np.float64), links, mean_price(o) * received(o))
    sinks = np.arange(r.sink_row.size)
    return {
        "holding": line(
            (rows, r.holding, rows, "rows.on_hand"), (r.to, r.gate, links, "links.gate")
        ),
        "transit": line((r.transit_row, r.transit_rate, r.transit_link, "links.on_way")),
        "backlog": line((rows, r.backlog, rows, "rows.backlog")),
        "order": line((r.to, r.order, links, "links.orders")),
        "purchase": bought,
        "freight": line(
            (r.sender, r.freight_unit, links, "links.shipped"),
            (r.sender, r.freight_dispatch, links, "links.dispatches"),
        ),
        "lost_sales": line((r.sink_row, r.lost_sale, sinks, "sinks.lost")),
        "write_off": line(
            (rows, r.value, rows, "rows.expired"), (rows, r.value, rows, "rows.destroyed")
        ),
        "shrink": line((rows, r.value, rows, "rows.lost")),
        "obsolescence": line((rows, r.obsolescence, rows, "rows.on_hand")),
        "device": np.repeat((r.device * o.n_periods)[:, None], K, axis=1),
    }
