"""Forecasters: this period's signal in, next period's expected demand and its error out.

To add one: write a jitted function, decorate it, add its line to :func:`update`.
"""

from __future__ import annotations

import numpy as np

from twin.arrays import (
    ROW,
    ROW_SUM,
    RULE,
    THETA,
    Floats,
    Rules,
    Table,
)
from twin.jit import inner
from twin.registry import Registry

FORECASTERS = Registry()
CONSTANT = 0


@FORECASTERS.add("constant", uses=("initial", "initial_error", "sees", "age"))
@inner
def constant(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats) -> None:
    """Keep the first forecast for ever."""


@FORECASTERS.add(
    "exponential_smoothing",
    uses=("smoothing", "initial", "initial_error", "error_smoothing", "sees", "age"),
)
@inner
def exponential_smoothing(
    lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats
) -> None:
    """Move the forecast towards the newest signal by a constant share (Brown 1959)."""
    for j in range(np.uint64(lo * K), np.uint64(hi * K)):
        error = rows[ROW.signal, j] - rows[ROW.forecast, j]
        rows[ROW.forecast, j] += rules.theta[THETA.forecast_smoothing, j] * error


@FORECASTERS.add(
    "moving_average",
    uses=("window", "initial", "initial_error", "error_smoothing", "sees", "age"),
)
@inner
def moving_average(
    lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats
) -> None:
    """Average the last ``window`` signals, the first forecast standing in for the past."""
    for i in range(lo, hi):
        n = rules.row[RULE.window, i]
        slot = np.uint64((rules.row[RULE.window_off, i] + t % n) * K)
        for k in range(np.uint64(K)):
            j = np.uint64(i * K) + k
            newest = rows[ROW.signal, j]
            rows[ROW.forecast, j] += (newest - rings[slot + k]) / n
            rings[slot + k] = newest


@inner
def _measure_error(
    lo: int, hi: int, K: int, rules: Rules, rows: Table, sums: Table
) -> None:
    """Track the variance of the one-period error and the sums of the forecast KPIs."""
    for j in range(np.uint64(lo * K), np.uint64(hi * K)):
        error = rows[ROW.signal, j] - rows[ROW.forecast, j]
        rows[ROW.variance, j] += rules.theta[THETA.error_smoothing, j] * (error * error - rows[ROW.variance, j])
        sums[ROW_SUM.error_abs, j] += abs(error)
        sums[ROW_SUM.error, j] += error
        sums[ROW_SUM.error_squared, j] += error * error
        sums[ROW_SUM.signal, j] += rows[ROW.signal, j]


@inner
def update(
    number: int, lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats,
    sums: Table,
) -> None:
    """Update the forecasts of a segment; one line per registered forecaster, in order."""
    _measure_error(lo, hi, K, rules, rows, sums)
    if number == 0:
        constant(lo, hi, t, K, rules, rows, rings)
    elif number == 1:
        exponential_smoothing(lo, hi, t, K, rules, rows, rings)
    elif number == 2:
        moving_average(lo, hi, t, K, rules, rows, rings)
