"""Forecasters: this period's signal in, next period's expected demand and its error out.

To add one: write a jitted function, decorate it, add its line to :func:`update`.
"""

from __future__ import annotations

import numpy as np

from twin.arrays import (
    NET_ROW,
    ROW,
    ROW_FORM,
    ROW_SUM,
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
    for i in range(lo, hi):
        p = np.uint64(rules.row[NET_ROW.parameters, i] * K)
        r = np.uint64(i * K)
        for k in range(np.uint64(K)):
            error = rows[ROW.signal, r + k] - rows[ROW.forecast, r + k]
            rows[ROW.forecast, r + k] += rules.theta[THETA.forecast_smoothing, p + k] * error


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
        n = rules.form[ROW_FORM.window, rules.row[NET_ROW.row_form, i]]
        slot = np.uint64((rules.row[NET_ROW.ring_off, i] + t % n) * K)
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
    for i in range(lo, hi):
        p = np.uint64(rules.row[NET_ROW.parameters, i] * K)
        r = np.uint64(i * K)
        for k in range(np.uint64(K)):
            error = rows[ROW.signal, r + k] - rows[ROW.forecast, r + k]
            gap = error * error - rows[ROW.variance, r + k]
            rows[ROW.variance, r + k] += rules.theta[THETA.error_smoothing, p + k] * gap
            sums[ROW_SUM.error_abs, r + k] += abs(error)
            sums[ROW_SUM.error, r + k] += error
            sums[ROW_SUM.error_squared, r + k] += error * error
            sums[ROW_SUM.signal, r + k] += rows[ROW.signal, r + k]


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
