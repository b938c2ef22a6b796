"""The back-test of a chain's demand, and the files in which a calibration is kept."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.backtest import Backtest, rolling
from calibration.calibrate import Calibration
from calibration.errors import TelemetryError
from calibration.periods import add_up
from twin.files import read_text, write_text
from twin.load import save
from twin.schema import Scenario

SERIES = 12
"""Most series of demand that are back-tested: the largest."""

HORIZON, ORIGINS = 14, 4
"""Periods ahead, and origins, of the back-test."""


class Checked(NamedTuple):
    """A back-test of demand: names of the series, what happened, and what was forecast."""

    names: list[str]
    series: list[npt.NDArray[np.float64]]
    backtest: Backtest


def backtest(events: pd.DataFrame, scenario: Scenario) -> Checked | None:
    """Back-test the demand model on the largest series of a chain; none if they are too short."""
    found = add_up(events, scenario).demand
    known = {k: y for k, y in found.items() if np.isfinite(y).all() and y.any()}
    large = sorted(known, key=lambda k: -float(known[k].mean()))[:SERIES]
    season = 7 if scenario.calendar.period == "day" else 1
    n = min((known[k].size for k in large), default=0)
    if n < 2 * HORIZON * ORIGINS:
        return None
    origins = [n - HORIZON * i for i in range(ORIGINS, 0, -1)]
    series = [known[k] for k in large]
    return Checked(["/".join(k) for k in large], series, rolling(series, origins, HORIZON, season))


def beside(path: Path) -> Path:
    """Return the file that holds the findings of a calibrated scenario."""
    return path.with_suffix(".calibration.json")


def write(done: Calibration, path: Path) -> None:
    """Write a calibrated scenario and, beside it, all that was found.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    write_text(beside(path), json.dumps(done.to_dict(), indent=1))
    save(done.scenario, path)


def read(path: Path) -> Mapping[str, Any]:
    """Return the findings that stand beside a calibrated scenario.

    Raises
    ------
    TelemetryError
        If there are none, or they are damaged.
    """
    file = beside(path)
    if not file.is_file():
        msg = f"{file}: no such file; `twin calibrate STORE --scenario S -o {path}` writes it"
        raise TelemetryError(msg)
    try:
        found = json.loads(read_text(file))
    except ValueError as error:
        msg = f"{file}: it is damaged ({error}); calibrate again"
        raise TelemetryError(msg) from error
    if not isinstance(found, dict) or "points" not in found:
        msg = f"{file}: it holds no calibration; calibrate again"
        raise TelemetryError(msg)
    return found


def told(done: Calibration) -> str:
    """Return what a calibration came to, for a shell: lines of at most 80 columns."""
    points = [p for p in done.points if not p.reason]
    known = sum(row.identified for p in points for row in p.identified)
    lines = [
        f"{len(done.estimates)} values estimated directly",
        f"{known} values inferred by simulation, of {len(points)} stock points",
        f"{len(done.not_identified)} values not identified: they keep their prior",
    ]
    if done.astray:
        lines.append(f"{done.astray} events left out: their clocks are far from all others")
    for family, places in done.decoupling.items():
        stage = max(places, key=lambda s: places[s])
        lines.append(f"decoupling point of {family}: {stage}, probability {places[stage]:.2f}")
    if done.flagged:
        lines.append(f"the model does not fit {len(done.flagged)} stock points:")
        lines += [f"  {name}" for name in done.flagged]
    skipped = [p for p in done.points if p.reason]
    for reason in dict.fromkeys(p.reason for p in skipped):
        lines.append(f"{sum(p.reason == reason for p in skipped)} stock points left out: {reason}")
    return "\n".join(
        part for line in lines for part in textwrap.wrap(line, 80, subsequent_indent="  ")
    )
