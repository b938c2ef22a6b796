"""Units due and on time: counted from series, and by following every unit by itself."""

from __future__ import annotations

import numpy as np
import pytest

from twin.kpis.promised import add_up

PERIODS = 40


def follow(rng: np.random.Generator, wait: int, leave: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the series of one customer, and what became of the units: due, on time, owed.

    Units queue; those that are still there when their wait is over leave, if they do.
    """
    demand = rng.integers(0, 5, PERIODS)
    series, told = np.zeros((4, PERIODS)), np.zeros((3, PERIODS))
    queue: list[int] = []
    for t in range(PERIODS):
        queue += [t] * demand[t]
        n = rng.integers(0, 5)
        served, queue = queue[:n], queue[n:]
        gone = [unit for unit in queue if leave and t - unit == wait]
        queue = queue[len(gone) :]
        series[0, t], series[3, t] = demand[t], len(gone)
        series[2, t] = len(served) + len(gone)
        for unit in served:
            if t - unit <= wait and unit + wait < PERIODS:
                told[1, unit + wait] += 1
        told[2, t] = len(queue)
    told[0, wait:] = demand[: PERIODS - wait]
    series[1], series[2] = series[0].cumsum(), series[2].cumsum()
    return series, told


@pytest.mark.parametrize("leave", [False, True])
def test_units_counted_from_series_are_those_that_were_followed_one_by_one(leave: bool) -> None:
    rng = np.random.default_rng(7)
    waits = np.array([0, 1, 2, 5])
    found = [[follow(rng, wait, leave) for wait in waits] for _ in range(3)]
    series = np.array([[one for one, _ in row] for row in found])  # (K, S, 4, periods)
    told = np.array([[of for _, of in row] for row in found]).sum(axis=1)  # (K, 3, periods)
    due, on_time, owed = (np.zeros((PERIODS, 3)) for _ in range(3))
    add_up(*series.transpose(2, 3, 1, 0).copy(), waits, np.full(4, leave), due, on_time, owed)
    assert np.array_equal(np.array([due, on_time, owed]), told.transpose(1, 2, 0))
    assert 0 < on_time.sum() < due.sum()
