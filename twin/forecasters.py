"""Forecasters: this period's signal in, next period's expected demand and its error out.

To add one: write a jitted function, decorate it, add its line to :func:`update`.
"""

from __future__ import annotations

import numpy as np

from twin.jit import njit
from twin.registry import Registry
from twin.arrays import Rings, Rows, RowSums, Rules

FORECASTERS = Registry()
CONSTANT = 0


@FORECASTERS.add("constant", uses=("initial", "initial_error", "sees", "age"))
@njit
def constant(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings) -> None:
    """Keep the first forecast for ever."""


@FORECASTERS.add(
    "exponential_smoothing",
    uses=("smoothing", "initial", "initial_error", "error_smoothing", "sees", "age"),
)
@njit
def exponential_smoothing(
    lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings
) -> None:
    """Move the forecast towards the newest signal by a constant share (Brown 1959)."""
    for j in range(np.uint64(lo * K), np.uint64(hi * K)):
        error = rows.signal[j] - rows.forecast[j]
        rows.forecast[j] += rules.forecast_smoothing[j] * error


@FORECASTERS.add(
    "moving_average",
    uses=("window", "initial", "initial_error", "error_smoothing", "sees", "age"),
)
@njit
def moving_average(
    lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings
) -> None:
    """Average the last ``window`` signals, the first forecast standing in for the past."""
    for i in range(lo, hi):
        n = rules.window[i]
        slot = np.uint64((rules.window_off[i] + t % n) * K)
        for k in range(np.uint64(K)):
            j = np.uint64(i * K) + k
            newest = rows.signal[j]
            rows.forecast[j] += (newest - rings.window[slot + k]) / n
            rings.window[slot + k] = newest


@njit
def _measure_error(
    lo: int, hi: int, K: int, rules: Rules, rows: Rows, sums: RowSums
) -> None:
    """Track the variance of the one-period error and the sums of the forecast KPIs."""
    for j in range(np.uint64(lo * K), np.uint64(hi * K)):
        error = rows.signal[j] - rows.forecast[j]
        rows.variance[j] += rules.error_smoothing[j] * (error * error - rows.variance[j])
        sums.error_abs[j] += abs(error)
        sums.error[j] += error
        sums.error_squared[j] += error * error
        sums.signal[j] += rows.signal[j]


@njit
def update(
    number: int, lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings,
    sums: RowSums,
) -> None:
    """Update the forecasts of a segment; one line per registered forecaster, in order."""
    _measure_error(lo, hi, K, rules, rows, sums)
    if number == 0:
        constant(lo, hi, t, K, rules, rows, rings)
    elif number == 1:
        exponential_smoothing(lo, hi, t, K, rules, rows, rings)
    elif number == 2:
        moving_average(lo, hi, t, K, rules, rows, rings)
