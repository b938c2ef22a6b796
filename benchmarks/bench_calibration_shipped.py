"""Shipped scenarios calibrated on their own telemetry: what is found where the start is right.

``python benchmarks/bench_calibration_shipped.py [simulations]``. The year of each scenario is
emulated and calibrated from the scenario itself. Its decoupling points must stay where they are; the
table says how far the KPIs of the calibrated twin lie from those of the true one.
"""

from __future__ import annotations

import sys
import time

import harness
import numpy as np

import twin
from calibration import emulate
from calibration.calibrate import calibrate
from twin.load import load
from twin.schema import Scenario

SIMULATIONS = 512
REPLICATIONS = 16
NAMES = ("electronics", "small-business", "health-commodities")
KPIS = ("on_time", "running_cost")


def shown(scenario: Scenario, kpi: str) -> str:
    """Return mean and 5 % and 95 % of a KPI over replications."""
    run = twin.run(scenario, replications=REPLICATIONS, baseline=False)
    low, high = np.quantile(run.values[kpi], (0.05, 0.95))
    return f"{run.values[kpi].mean():.4g} ({low:.4g} to {high:.4g})"


def main() -> None:
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else SIMULATIONS
    table = harness.Table("Calibration: shipped scenarios from a right start")
    triad = np.array([harness.triad() for _ in range(5)])
    for name in NAMES:
        true, begun = load(name), time.perf_counter()
        found = calibrate(
            emulate.events(true, seed=true.seed), true, seed=1, simulations=simulations
        )
        seconds = time.perf_counter() - begun
        kept = [f.decoupling_point for f in found.scenario.families]
        right = kept == [f.decoupling_point for f in true.families]
        table.add(
            f"{name}: decoupling points", "as they are" if right else f"moved to {kept}",
            "as they are", f"{len(found.points)} stock points, {len(found.flagged)} flagged, "
            f"{seconds:.0f} s", triad, right,
        )  # fmt: skip
        for kpi in KPIS:
            told, known = shown(found.scenario, kpi), shown(true, kpi)
            table.add(f"{name}: {kpi}", told, "-", f"true twin {known}", triad, True)
    table.write()


if __name__ == "__main__":
    main()
