"""Stock: what lies and moves in the network, and how right the books are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.kpis.base import AMOUNT, KPIS, SHARE
from twin.money import costs, rates, received
from twin.sums import Floats, field, ratio, summed, total

if TYPE_CHECKING:
    from twin.engine import Outcome


@KPIS.add("inventory", within=AMOUNT, unit="units", better="lower", group="stock")
def inventory(o: Outcome) -> Floats:
    """Mean units on hand at period end, all stock points together: Σ H / T."""
    return summed(o, "rows.on_hand") / o.n_periods


@KPIS.add("inventory_value", within=AMOUNT, unit="money", better="lower", group="stock")
def inventory_value(o: Outcome) -> Floats:
    """Mean value on hand at period end: Σ value × H / T."""
    return total(rates(o.plan).value[:, None] * field(o, "rows.on_hand")) / o.n_periods


@KPIS.add("pipeline", within=AMOUNT, unit="units", better="lower", group="stock")
def pipeline(o: Outcome) -> Floats:
    """Mean units on the way, in the making and at gates: Σ (on the way + gate) / T."""
    return (summed(o, "links.on_way") + summed(o, "links.gate")) / o.n_periods


@KPIS.add("pipeline_value", within=AMOUNT, unit="money", better="lower", group="stock")
def pipeline_value(o: Outcome) -> Floats:
    """Mean value on the way, in the making and at gates.

    At the sender's item value (in the making: the components'); goods from outside suppliers are
    theirs until received and count nothing.
    """
    moving = field(o, "links.on_way") + field(o, "links.gate")
    return total(rates(o.plan).value_on_way[:, None] * moving) / o.n_periods


def goods_sold(o: Outcome) -> Floats:
    """Return the cost value of what customers got in the window, ``(K,)``."""
    return total(rates(o.plan).sales_value[:, None] * field(o, "sinks.delivered"))


@KPIS.add("dio", within=AMOUNT, unit="days", better="lower", group="stock")
def dio(o: Outcome) -> Floats:
    """Days inventory outstanding: mean value on hand / cost of goods sold a day.

    DIO = 365 × mean inventory value / (cost value of the units delivered per year).
    """
    return 365.0 * ratio(inventory_value(o), _sold_per_year(o))


@KPIS.add("turns", within=AMOUNT, unit="1/year", better="higher", group="stock")
def turns(o: Outcome) -> Floats:
    """Stock turns a year: cost of goods sold a year / mean value on hand."""
    return ratio(_sold_per_year(o), inventory_value(o))


def _sold_per_year(o: Outcome) -> Floats:
    years = o.n_periods / o.plan.topology.scenario.calendar.periods_per_year
    return goods_sold(o) / years


@KPIS.add("write_off_rate", within=AMOUNT, unit="share", better="lower", group="stock")
def write_off_rate(o: Outcome) -> Floats:
    """Value written off over the value that came in.

    (Expired + destroyed units at value) / (received from outside suppliers at value + value that
    making adds: good units made at value less their components at value); NaN where that is not
    above 0.
    """
    r = rates(o.plan)
    came = received(o)
    value = r.value[r.to] * r.yield_ - np.where(r.made, r.inputs_value, 0.0)
    counts = r.bought | r.made
    added = total(np.where(counts, value, 0.0)[:, None] * came)
    return ratio(total(costs(o)["write_off"]), np.maximum(0.0, added))


@KPIS.add("record_accuracy", within=SHARE, unit="share", better="higher", group="stock")
def record_accuracy(o: Outcome) -> Floats:
    """Share of stock points and periods whose books are right to half a unit.

    1 - #{|record - on hand| > 0.5} / (n T) (DeHoratius & Raman 2008, Management Science 54(4)).
    """
    return 1.0 - summed(o, "rows.wrong_record") / (len(o.plan.topology.points) * o.n_periods)
