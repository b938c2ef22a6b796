"""Lead times as they could have been known on a day, against what came of the same orders.

The plainest proof that goods on the way must count: at each snapshot the orders of the last year
are looked at with what was recorded by then, and the estimate is held against what happened later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from calibration.direct import Floats
from calibration.direct.censored import Durations, kaplan_meier

Quantiles = Callable[[Durations], tuple[float, float]]
"""From durations in days to the estimated median and 90 % quantile."""


class Snapshot(NamedTuple):
    """Orders of the last year on one day: what was ``known`` of them, and the ``truth``, in days."""

    known: Durations
    truth: Floats


def snapshot(orders: pd.DataFrame, when: pd.Timestamp, years: int = 1) -> Snapshot:
    """Return what was known on a day of the orders sent in the years before.

    Parameters
    ----------
    orders
        Dates ``sent``, ``delivered`` and ``recorded`` (when the delivery became known).
    when
        The day; what was recorded later is not known.
    years
        How far back.
    """
    since = when - pd.DateOffset(years=years)
    recent = orders[(orders["sent"] < when) & (orders["sent"] >= since)]
    arrived = (recent["recorded"] <= when).to_numpy(bool)
    truth: Floats = (recent["delivered"] - recent["sent"]).dt.days.to_numpy().astype(np.float64)
    age = (when - recent["sent"]).dt.days.to_numpy(np.float64)
    known = Durations(np.where(arrived, truth, age), np.where(arrived, truth, np.inf))
    return Snapshot(known, truth)


def censored(d: Durations) -> tuple[float, float]:
    """Estimate with goods on the way as censored (Kaplan-Meier)."""
    curve = kaplan_meier(d)
    return curve.quantile(0.5), curve.quantile(0.9)


def delivered_only(d: Durations) -> tuple[float, float]:
    """Estimate from what has arrived, as most reports do: too short, for the slow is still out."""
    curve = kaplan_meier(d.of(d.exact))
    return curve.quantile(0.5), curve.quantile(0.9)


def compare(
    orders: pd.DataFrame, days: Iterable[pd.Timestamp], estimator: Quantiles = censored
) -> pd.DataFrame:
    """Return one row per snapshot: estimates, truths and how much the 90 % quantile really held.

    Returns
    -------
    pandas.DataFrame
        ``day, orders, on_way`` (share), ``median, median_true, p90, p90_true`` in days and
        ``covered``, the share of the orders that took at most ``p90``.
    """
    rows = []
    for day in days:
        one = snapshot(orders, day)
        median, p90 = estimator(one.known)
        true = np.quantile(one.truth, [0.5, 0.9], method="inverted_cdf")
        rows.append({
            "day": day, "orders": one.truth.size, "on_way": float(np.isinf(one.known.high).mean()),
            "median": median, "median_true": true[0], "p90": p90, "p90_true": true[1],
            "covered": float((one.truth <= p90).mean()),
        })  # fmt: skip
    return pd.DataFrame(rows)


def summary(compared: pd.DataFrame) -> dict[str, float]:
    """Return mean absolute relative errors of median and 90 % quantile, and mean coverage."""
    return {
        "median_error": float((compared["median"] / compared["median_true"] - 1).abs().mean()),
        "p90_error": float((compared["p90"] / compared["p90_true"] - 1).abs().mean()),
        "covered": float(compared["covered"].mean()),
    }
