"""How often 95 % intervals hold the mean: every KPI of shipped scenarios, by number of replications.

``python benchmarks/bench_intervals.py [replications]``. Each scenario is run many times over; samples
drawn from these runs, with replacement, get their intervals, which must hold the mean of all of them.
Paired differences are those from a run with thinner buffers under the same luck. A KPI counts where
nine samples in ten have an interval; a KPI that is alike in all runs does not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import harness
import numpy as np

import twin
from twin.kpis import KPIS
from twin.load import load
from twin.schema import Scenario
from twin.statistics import Range
from twin.study.intervals import intervals
from twin.sums import Floats

SCENARIOS = ("electronics", "electronics-full", "small-business")
REPLICATIONS, AT_ONCE = 4_000, 500
SAMPLES = 1_000
"""Intervals of each KPI: a share of 95 % of them is known to 0.7 points."""
SIZES = (8, 12, 32, 64, 128)
LEAST, MOST = 0.92, 0.98
TOLD = 0.9


def thinner(scenario: Scenario) -> Scenario:
    """Return a scenario whose safety factors are halved."""
    factors = {
        f"stock[{i}].policy.safety_factor": rule.policy.safety_factor / 2
        for i, rule in enumerate(scenario.stock)
        if rule.policy and rule.policy.safety_factor
    }
    return twin.apply(scenario, factors)


def runs(scenario: Scenario, replications: int) -> dict[str, Floats]:
    """Return every KPI of a scenario, one number per replication."""
    found = [
        twin.run(scenario, replications=AT_ONCE, seed=100 + block).values
        for block in range(replications // AT_ONCE)
    ]
    return {kpi: np.concatenate([part[kpi] for part in found]) for kpi in found[0]}


def cases(replications: int) -> Iterator[tuple[str, str, Floats, Range]]:
    """Yield what it is, KPI, values of all replications and what they can be."""
    for name in SCENARIOS:
        thick, thin = (runs(s, replications) for s in (load(name), thinner(load(name))))
        for kpi, values in thick.items():
            within = KPIS[kpi].extra["within"]
            yield name, kpi, values, within
            yield f"{name}, difference", kpi, thin[kpi] - values, within.of_difference()


def covered(
    values: Floats, within: Range, size: int, luck: np.random.Generator
) -> tuple[float, float]:
    """Return the share of samples that have an interval, and of those that hold the mean."""
    drawn = intervals(list(luck.choice(values, (SAMPLES, size))), within)
    drawn = drawn[~np.isnan(drawn[:, 1])]
    slack = 1e-9 * abs(values.mean())
    right = (drawn[:, 1] - slack <= values.mean()) & (values.mean() <= drawn[:, 2] + slack)
    return len(drawn) / SAMPLES, float(right.mean()) if right.size else np.nan


def main() -> None:
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else REPLICATIONS
    triad = np.array([harness.triad() for _ in range(5)])
    known = [
        (what, kpi, values[~np.isnan(values)], within)
        for what, kpi, values, within in cases(replications)
    ]
    known = [case for case in known if case[2].size and np.ptp(case[2]) > 0]
    table = harness.Table("Intervals of means")
    luck = np.random.default_rng(1)
    for size in SIZES:
        found = [(*covered(values, within, size, luck), f"{kpi} of {what}")
                 for what, kpi, values, within in known]  # fmt: skip
        told = sorted((right, name) for share, right, name in found if share >= TOLD)
        shares = np.array([right for right, _ in told])
        low = ", ".join(f"{name} {right:.0%}" for right, name in told if right < LEAST)
        inside = float(((shares >= LEAST) & (shares <= MOST)).mean())
        table.add(
            f"{size} replications", f"hold the mean {np.median(shares):.1%} of times (median of "
            f"{len(told)} KPIs), {inside:.0%} of the KPIs {LEAST:.0%} to {MOST:.0%}",
            f"median {LEAST:.0%} to {MOST:.0%}",
            f"{len(found) - len(told)} KPIs mostly have none; less often: {low or 'none'}", triad,
            LEAST <= np.median(shares) <= MOST,
        )  # fmt: skip
    table.write()


if __name__ == "__main__":
    main()
