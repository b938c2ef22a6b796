"""What devices are worth: by one KPI, with its sign turned so that more is better."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from twin.kpis import KPIS
from twin.result import number
from twin.schema import Scenario
from twin.study.findings import Chart, Sheet
from twin.study.ready.runs import Runs, unit_of
from twin.study.ready.words import ENDS, columns, differing, sign, told
from twin.sums import Floats

if TYPE_CHECKING:
    from twin.study.ready.base import Bench

COST, SERVICE = "running_cost", "on_time"
"""Kept of every run beside the KPI that counts."""


@dataclass(frozen=True)
class Worth:
    """A KPI by which devices are judged.

    Attributes
    ----------
    scenario
        Whose periods money is told by.
    metric
        The KPI; money is told per period.
    """

    scenario: Scenario
    metric: str

    @property
    def outputs(self) -> list[str]:
        """KPIs that runs must keep."""
        return list(dict.fromkeys([COST, SERVICE, self.metric]))

    @property
    def unit(self) -> str:
        """Unit of the worth in sentences."""
        return unit_of(self.scenario, self.metric, difference=True)

    def of(self, runs: Runs, run: str, against: str) -> Floats:
        """Return how much better a run is than another one with the same luck, ``(R,)``."""
        better = 1.0 if KPIS[self.metric].extra["better"] == "higher" else -1.0
        return better * (runs.values(run, self.metric) - runs.values(against, self.metric))


@dataclass(frozen=True)
class Sweep:
    """One quality of all devices, from what it is to ever worse.

    Attributes
    ----------
    name
        Field of a device, or ``uptime``.
    values
        What it takes.
    unit
        Of the values.
    """

    name: str
    values: tuple[float, ...]
    unit: str


class Quality:
    """What all devices are worth as each quality of theirs alone gets worse.

    Parameters
    ----------
    sweeps
        What is made worse.
    stretch
        Periods that devices work or fail at a time where their uptime is varied.
    replications
        Of each run; ``None``: the scenario's.
    bench
        Runs the inner study ``quality``; what all adopt is compared with no devices.
    worth
        What counts.
    """

    def __init__(
        self, sweeps: tuple[Sweep, ...], stretch: int, replications: int | None, bench: Bench,
        worth: Worth,
    ) -> None:  # fmt: skip
        self.sweeps, self.worth, self.scenario = sweeps, worth, bench.scenario
        runs: dict[str, dict[str, Any]] = {"none": {"devices": []}, "own": {"adoption": {}}}
        for sweep in sweeps:
            for value in sweep.values:
                changes = self._changes(sweep.name, value, stretch)
                runs[_label(sweep, value)] = {"adoption": {}, **changes}
        self._runs = Runs(bench, "quality", runs, worth.outputs, replications)

    def _changes(self, name: str, value: float, stretch: int) -> dict[str, Any]:
        if name != "uptime":
            devices = range(len(self.scenario.devices))
            whole = name == "delay"
            return {f"devices[{d}].{name}": int(value) if whole else value for d in devices}
        faults = [
            {"kind": "device_fault", "name": f"silence_{n}", "start": start, "duration": stretch,
             "probability": 1.0 - value}
            for n, start in enumerate(range(0, self.scenario.horizon, stretch))
        ]  # fmt: skip
        return {"disruptions[+]": faults} if value < 1 else {}

    def gain(self, label: str, worth: Worth | None = None) -> Floats:
        """Return what the devices of a run are worth, against none, ``(R,)``."""
        return (worth or self.worth).of(self._runs, label, "none")

    def frame(self, sweep: Sweep) -> pd.DataFrame:
        """Return one row per value of a quality: the worth of all devices, and what they save."""
        cost = replace(self.worth, metric=COST)
        return pd.DataFrame([
            {
                sweep.name: value,
                **columns("worth", self.gain(_label(sweep, value))),
                **columns("saves", self.gain(_label(sweep, value), cost)),
            }
            for value in sweep.values
        ])  # fmt: skip

    def told(self, row: Any, sweep: Sweep) -> str:
        """Return what the devices bring at one value, and what it costs where that is not the aim."""
        brought = f"{told(row, 'worth', self.worth.unit)} at {number(row[sweep.name])}"
        if self.worth.metric == COST or sign(row, "saves") >= 0:
            return brought
        return f"{brought}, for {number(-row['saves'])} {unit_of(self.scenario, COST)} more"

    def sheet(self, sweep: Sweep) -> Sheet:
        """Return the table of a quality."""
        frame, units = differing(self.frame(sweep), self.worth.unit, "worth")
        units |= {f"saves{end}": unit_of(self.scenario, COST) for end in ENDS}
        title = f"Worth of all devices by their {sweep.name.replace('_', ' ')}"
        units |= {sweep.name: sweep.unit}
        return Sheet(f"quality_{sweep.name}", title, frame, units)

    def chart(self, sweep: Sweep) -> Chart:
        """Return the picture of a quality."""
        title = f"Worth of all devices by their {sweep.name.replace('_', ' ')}"
        name = f"quality_{sweep.name}"
        return Chart("lines", name, title, name, x=sweep.name, y="worth", low="worth_low",
                     high="worth_high", zero=True)  # fmt: skip


def _label(sweep: Sweep, value: float) -> str:
    return f"{sweep.name} {value:g}"
