"""Orders and forecasts: how variability grows upstream, and how well demand is foreseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from twin.errors import RunError
from twin.kpis.base import AMOUNT, KPIS
from twin.names import nearest
from twin.statistics import Range
from twin.sums import Floats, field, ratio, replications, summed, total

if TYPE_CHECKING:
    from twin.engine import Outcome
    from twin.topology import Topology


@KPIS.add("bullwhip", within=AMOUNT, unit="ratio", better="lower", group="orders")
def bullwhip(o: Outcome) -> Floats:
    """Growth of variability from customers to the most upstream stage.

    B = (Var q / mean q) / (Var D / mean D) with the orders q that the stage places outside itself
    and the accepted demand D at the stock points that only serve customers; variances and means of
    single stock points are added up (Chen, Drezner, Ryan & Simchi-Levi 2000, Management Science
    46(3): 436-443). Above 1 means amplification; the period is the scenario's, with no detrending.
    """
    return bullwhip_at(o, _most_upstream(o.plan.topology))


def bullwhip_at(o: Outcome, stage: str) -> Floats:
    """Return the bullwhip of one stage's orders against customer demand, ``(K,)``.

    Raises
    ------
    RunError
        If no stock point has that stage.
    """
    top = o.plan.topology
    stages = {p.stage for p in top.points}
    if stage not in stages:
        msg = f"stage '{stage}' has no stock points; {nearest(stage, stages)}"
        raise RunError(msg)
    orders = _dispersion(o, "order", _ordering_rows(top, stage))
    return ratio(orders, _dispersion(o, "incoming", _customer_rows(top)))


def _most_upstream(top: Topology) -> str:
    stages = {p.stage for p in top.points}
    return next(s for s in top.stages() if s in stages)


def _ordering_rows(top: Topology, stage: str) -> NDArray[np.int64]:
    """Rows of a stage that order from outside it."""

    def leaves(row: int) -> bool:
        links = (top.links[e] for e in top.in_links[row])
        return any(all(top.points[i].stage != stage for i, _ in e.inputs) for e in links)

    return np.array([p.index for p in top.points if p.stage == stage and leaves(p.index)], np.int64)


def _customer_rows(top: Topology) -> NDArray[np.int64]:
    """Rows that serve customers and nobody else."""
    found = [p.index for p in top.points if top.sinks_of[p.index] and not top.out_links[p.index]]
    return np.array(found, np.int64)


def _variance(o: Outcome, sums: Floats, squares: Floats) -> Floats:
    if o.n_periods < 2:
        return np.full(sums.shape, np.nan)
    return np.maximum(0.0, squares - sums * sums / o.n_periods) / (o.n_periods - 1)


def _dispersion(o: Outcome, name: str, rows: NDArray[np.int64]) -> Floats:
    """Sum of variances over sum of means of some rows, ``(K,)``."""
    sums, squares = field(o, f"rows.{name}")[rows], field(o, f"rows.{name}_squared")[rows]
    return ratio(total(_variance(o, sums, squares)), total(sums) / o.n_periods)


@KPIS.add("nsamp", within=AMOUNT, unit="ratio", better="lower", group="orders")
def nsamp(o: Outcome) -> Floats:
    """Net stock amplification: Var(on hand - backlog) / Var(D) where customers are served.

    Added up over the stock points that only serve customers (Disney & Lambrecht 2008, On
    Replenishment Rules, Forecasting, and the Bullwhip Effect in Supply Chains).
    """
    rows = _customer_rows(o.plan.topology)
    net = (field(o, "rows.on_hand") - field(o, "rows.backlog"))[rows]
    stock = _variance(o, net, field(o, "rows.net_squared")[rows])
    came = field(o, "rows.incoming")[rows], field(o, "rows.incoming_squared")[rows]
    return ratio(total(stock), total(_variance(o, *came)))


@KPIS.add("wape", within=AMOUNT, unit="share", better="lower", group="forecast")
def wape(o: Outcome) -> Floats:
    """Weighted absolute percentage error of the one-period forecasts: Σ |A - F| / Σ A.

    A is what each forecasting stock point sees, F what it expected of that period; NaN when none
    forecasts.
    """
    return ratio(summed(o, "rows.error_abs"), summed(o, "rows.signal"))


@KPIS.add("bias", within=Range(low=-1), unit="share", better="zero", group="forecast")
def bias(o: Outcome) -> Floats:
    """Forecast bias: Σ (F - A) / Σ A; above 0 means too much is expected."""
    return ratio(-summed(o, "rows.error"), summed(o, "rows.signal"))


@KPIS.add("rmse", within=AMOUNT, unit="units/period", better="lower", group="forecast")
def rmse(o: Outcome) -> Floats:
    """Root mean squared error of the one-period forecasts: √(Σ (A - F)² / (n T)).

    n counts the stock points that forecast.
    """
    n = int(np.count_nonzero(_forecasting(o)))
    if n == 0:
        return np.full(replications(o), np.nan)
    return np.sqrt(summed(o, "rows.error_squared") / (n * o.n_periods))


@KPIS.add("mase", within=AMOUNT, unit="ratio", better="lower", group="forecast")
def mase(o: Outcome) -> Floats:
    """Forecast error against that of the naive forecast (recorded ``rows.signal`` only).

    Σ |A - F| / Σ |A(t) - A(t-1)| over the window and the stock points that forecast (Hyndman &
    Koehler 2006, Int. J. Forecasting 22(4): 679-688); below 1 beats "as last period".
    """
    if "rows.signal" not in o.series:
        return np.full(replications(o), np.nan)
    seen = o.series["rows.signal"][:, _forecasting(o)]
    steps = np.abs(np.diff(seen, axis=0))[max(0, seen.shape[0] - o.n_periods - 1) :]
    # without a warm-up the first period has no period before it: its error has no counterpart
    share = o.n_periods / max(1, steps.shape[0])
    return ratio(summed(o, "rows.error_abs"), total(steps.reshape(-1, steps.shape[-1])) * share)


def _forecasting(o: Outcome) -> NDArray[np.bool_]:
    """Return flags of the stock points that forecast, ``(n,)``: only they measure an error."""
    from twin.compile.network import forecaster_number  # whoever has an outcome has it loaded

    top = o.plan.topology
    return np.array([forecaster_number(top, p.index) != 0 for p in top.points], bool)
