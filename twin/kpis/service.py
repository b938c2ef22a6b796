"""Service: how much of what customers wanted they got, and when.

Symbols: over the window's ``T`` periods and all ``s`` sinks, ``D`` units demanded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.kpis.base import AMOUNT, KPIS, PERIODS, SHARE
from twin.memory import kept
from twin.statistics import Range
from twin.sums import Floats, ratio, replications, summed, total

if TYPE_CHECKING:
    from twin.engine import Outcome


@KPIS.add("on_time", within=SHARE, unit="share", better="higher", group="service")
def on_time(o: Outcome) -> Floats:
    """Share of units delivered within the customer's tolerance.

    Units demanded in a period and delivered ``tolerance`` periods later at the latest, first in
    first out, over all units whose tolerance is over; lost and refused units are never on time.
    The measure that compares decoupling points.
    """
    return ratio(summed(o, "sinks.on_time"), summed(o, "sinks.due"))


@KPIS.add("fill_rate", within=SHARE, unit="share", better="higher", group="service")
def fill_rate(o: Outcome) -> Floats:
    """Share of units served in the period they were demanded (β service).

    β = Σ filled / Σ D. Below the decoupling point it is 0 by nature: use the on-time share there.
    """
    return ratio(summed(o, "sinks.filled"), summed(o, "sinks.demand"))


@KPIS.add("cycle_service", within=SHARE, unit="share", better="higher", group="service")
def cycle_service(o: Outcome) -> Floats:
    """Share of customers' periods without unmet demand (α service).

    α = 1 - (sink-periods that end with units owed or lose some) / (s T).
    """
    n = len(o.plan.topology.sinks)
    return 1.0 - summed(o, "sinks.short") / (n * o.n_periods)


@KPIS.add("gamma_service", within=Range(high=1), unit="share", better="higher", group="service")
def gamma_service(o: Outcome) -> Floats:
    """Backlog against demand (γ service); below 0 when more is owed than wanted.

    γ = 1 - Σ units owed at period end / Σ D (Schneider 1981).
    """
    return 1.0 - ratio(summed(o, "sinks.owed"), summed(o, "sinks.demand"))


@KPIS.add("otif", within=SHARE, unit="share", better="higher", group="service")
def otif(o: Outcome) -> Floats:
    """Share of customer orders complete and in time (OTIF).

    An order is all lines of one customer, site and period; complete means accepted in full and
    delivered by the largest tolerance of its lines.
    """
    return ratio(summed(o, "sinks.orders_complete"), summed(o, "sinks.orders"))


@KPIS.add("lost_share", within=AMOUNT, unit="share", better="lower", group="service")
def lost_share(o: Outcome) -> Floats:
    """Share of demanded units that were lost, refused or left: Σ lost / Σ D."""
    return ratio(summed(o, "sinks.lost"), summed(o, "sinks.demand"))


@KPIS.add("order_cycle_time", within=AMOUNT, unit="periods", better="lower", group="service")
def order_cycle_time(o: Outcome) -> Floats:
    """Mean time from a customer's order to its delivery.

    Little's law: Σ units owed at period end / Σ units delivered; exact over a long window.
    """
    return ratio(summed(o, "sinks.owed"), summed(o, "sinks.delivered"))


@KPIS.add("cycle_time_p50", within=PERIODS, unit="periods", better="lower", group="service")
def cycle_time_p50(o: Outcome) -> Floats:
    """Median of the time that accepted units wait (recorded curves only).

    Horizontal distance between the ordered and the closed curve of each sink, whole periods,
    weighted by units; NaN where the curves are not recorded or the unit still waits at the end.
    """
    return cycle_time(o, 0.5)


@KPIS.add("cycle_time_p95", within=PERIODS, unit="periods", better="lower", group="service")
def cycle_time_p95(o: Outcome) -> Floats:
    """95 % quantile of the time that accepted units wait (recorded curves only).

    As the median, at 0.95.
    """
    return cycle_time(o, 0.95)


def cycle_time(o: Outcome, share: float) -> Floats:
    """Return the quantile of the waiting time of accepted units, ``(K,)``, in periods.

    Parameters
    ----------
    o
        Outcome with the series ``sinks.ordered_total`` and ``sinks.closed_total``.
    share
        Share of the units ordered in the window that wait no longer.
    """
    if not {"sinks.ordered_total", "sinks.closed_total"} <= set(o.series):
        return np.full(replications(o), np.nan)
    from twin.kpis.waits import wait_units  # compiled, so not before it is needed

    ordered, closed = o.series["sinks.ordered_total"], o.series["sinks.closed_total"]
    first = ordered.shape[0] - o.n_periods
    waited = np.cumsum(kept(o, "_waits", lambda: wait_units(ordered, closed, first)), axis=0)
    units = total(ordered[-1] - (ordered[first - 1] if first else 0.0))
    reached = waited >= share * units * (1 - 1e-9)
    known = (units > 0) & reached.any(axis=0)
    return np.where(known, np.argmax(reached, axis=0), np.nan)


@KPIS.add("stockout_frequency", within=AMOUNT, unit="1/year", better="lower", group="service")
def stockout_frequency(o: Outcome) -> Floats:
    """Stock-out spells per customer and year (recorded series only).

    A spell starts in a period that ends with units owed or loses some, after one that did not.
    """
    if not {"sinks.owed", "sinks.lost"} <= set(o.series):
        return np.full(replications(o), np.nan)
    short = (o.series["sinks.owed"] > 1e-9) | (o.series["sinks.lost"] > 1e-9)
    before = np.concatenate([np.zeros_like(short[:1]), short[:-1]])
    spells = _all((short & ~before)[short.shape[0] - o.n_periods :].astype(float))
    years = o.n_periods / o.plan.topology.scenario.calendar.periods_per_year
    return ratio(spells, np.asarray(short.shape[1] * years))


def _all(values: Floats) -> Floats:
    """Sum over periods and things, ``(T, things, K) -> (K,)``."""
    return total(values.reshape(-1, values.shape[-1]))
