"""A calibration beside its data: the back-test of demand, and the files in which it is kept."""

from __future__ import annotations

import json
import textwrap
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration import posterior
from calibration.backtest import Backtest, one_ahead, rolling
from calibration.belongs import belonging
from calibration.calibrate import Calibration, Progress, digest
from calibration.chooser import scale
from calibration.cuts import LIKELY
from calibration.direct.lead_times import UNTOLD
from calibration.errors import TelemetryError
from calibration.evidence import Evidence, evidence
from calibration.periods import add_up, astray
from calibration.store import Store
from calibration.times import period_length
from twin.files import read_text, write_text
from twin.load import save
from twin.schema import Scenario
from twin.validate import validate

SERIES = 12
"""Most series of demand that are back-tested: the largest."""

_SHOWN = 3  # lanes that a shell is told of one by one

HORIZON, ORIGINS = 14, 4
"""Periods ahead, and origins, of the back-test."""


class Checked(NamedTuple):
    """A back-test of demand: names of the series, what happened, and what was forecast.

    ``places``: where each period of the last ones fell in the forecast from the period before it
    (:func:`calibration.backtest.one_ahead`).
    """

    names: list[str]
    series: list[npt.NDArray[np.float64]]
    backtest: Backtest
    places: pd.DataFrame


class Known(NamedTuple):
    """What a report may be drawn from beside the findings; None: not asked for, or not there.

    Attributes
    ----------
    start
        The scenario with which calibration began.
    checked
        The back-test of demand.
    evidence
        Data, and the laws fitted to them.
    shares
        Of :func:`calibration.posterior.shares`.
    strange
        What is said of events on which the calibration does not rest; empty: nothing.
    """

    start: Scenario | None = None
    checked: Checked | None = None
    evidence: Evidence | None = None
    shares: pd.DataFrame | None = None
    strange: str = ""


ALONE = Known()
"""Nothing but the findings."""


def gather(
    found: Mapping[str, Any],
    scenario: Scenario,
    store: Path | None = None,
    shares: bool = False,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> Known:
    """Gather what a report of a calibration is drawn from.

    Parameters
    ----------
    found
        Of :func:`read`.
    scenario
        Calibrated.
    store
        Events to lay it on, and to back-test demand on.
    shares
        Run every posterior draw a few times to tell what the bands of KPIs come from.
    progress
        Told what is going on and how far it is.
    cancelled
        Set it to stop within a second or so.

    Raises
    ------
    TelemetryError
        If the store cannot be read, or is empty.
    RunError
        If shares are asked for and the scenario has no posterior sample, or it was cancelled.
    """
    tell = progress or (lambda *_: None)
    start = start_of(found)
    checked = laid = split = None
    strange = ""
    if shares:
        split = posterior.shares(
            scenario, cancelled=cancelled,
            progress=lambda done, total: tell("running every draw", done, total, float("nan")),
        )  # fmt: skip
    if store is not None:
        tell("reading events", 0, 3, float("nan"))
        with Store(store, write=False) as opened:
            events = events_of(opened, scenario)
            strange = _strange(found, opened, events, scenario)
        tell("back-testing demand", 1, 3, float("nan"))
        checked = backtest(events, scenario)
        tell("laying it on the data", 2, 3, float("nan"))
        laid = evidence(events, scenario, start)
    return Known(start, checked, laid, split, strange)


def _strange(
    found: Mapping[str, Any], store: Store, events: pd.DataFrame, scenario: Scenario
) -> str:
    """Return what is said of events that are not those of the calibration; refuse an empty store."""
    if events.empty:
        msg = f"{store.path}: there are no events in it; give the store that was calibrated on"
        raise TelemetryError(msg)
    used = found["data"]
    # a calibration on a table keeps the hash of the table
    if used in (store.digest(), digest(store.read())):
        return ""
    told = (f"the {len(events):,} events of {store.path.name} are not those that the calibration used: "
            "what is drawn from events does not check it on its own data")  # fmt: skip
    more = belonging(events, scenario).told
    return f"{told}; {more}" if more else told


def backtest(events: pd.DataFrame, scenario: Scenario) -> Checked | None:
    """Back-test the demand model on the largest series of a chain; none if they are too short."""
    found = add_up(events, scenario).demand
    known = {k: y for k, y in found.items() if np.isfinite(y).all() and y.any()}
    large = sorted(known, key=lambda k: -float(known[k].mean()))[:SERIES]
    season = 7 if scenario.calendar.period == "day" else 1
    n = min((known[k].size for k in large), default=0)
    first = n - HORIZON * ORIGINS
    large = [k for k in large if scale(known[k][:first]) > 0]  # else nothing to be compared with
    if n < 2 * HORIZON * ORIGINS or not large:
        return None
    origins = [n - HORIZON * i for i in range(ORIGINS, 0, -1)]
    series = [known[k] for k in large]
    done = rolling(series, origins, HORIZON, season)
    places = one_ahead(series, done.choices, first, season)
    return Checked(["/".join(k) for k in large], series, done, places)


def events_of(store: Store, scenario: Scenario) -> pd.DataFrame:
    """Return the events of a store on which a calibration rests: without those of wrong clocks."""
    events = store.read()
    far = astray(events["event_time"].to_numpy(np.int64), period_length(scenario.calendar))
    return events[~far]


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
    kept = done.to_dict() | {"start": done.start.to_dict()}
    write_text(beside(path), json.dumps(kept, indent=1))
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


def start_of(found: Mapping[str, Any]) -> Scenario | None:
    """Return the scenario that a calibration began with; none where an older version kept none."""
    return validate(found["start"]) if "start" in found else None


def told(done: Calibration) -> str:
    """Return what a calibration came to, for a shell: lines of at most 80 columns."""
    points = [p for p in done.points if not p.reason]
    known = sum(row.identified for p in points for row in p.identified)
    lines = [
        f"{sum(e.known for e in done.estimates)} values estimated directly",
        f"{known} values inferred by simulation, of {len(points)} stock points",
        f"{len(done.not_identified)} values not identified: they keep their prior",
    ]
    if done.astray:
        lines.append(f"{done.astray} events left out: their clocks are far from all others")
    if done.mended:
        of_kind = ", ".join(f"{n} of kind {kind}" for kind, n in done.mended.items())
        lines.append(f"events that must be missing, put in where others prove them: {of_kind}")
    if done.strange:
        lines.append(f"warning: {done.strange}")
    for family, places in done.decoupling.items():
        stage = max(places, key=lambda s: places[s])
        which = f"{stage}, probability {places[stage]:.2f}"
        if places[stage] <= LIKELY:
            which = f"not identified, that of the scenario stays (likeliest: {which})"
        if f"families.{family}.decoupling_point" in done.scenario.posterior.draws:
            which += "; runs draw it, stage by stage as often as it is likely"
        lines.append(f"decoupling point of {family}: {which}")
    missing = {e.key.partition(".lead_time")[0]: e for e in done.estimates if UNTOLD in e.note}
    lines += [f"warning: {e.name}: {e.note}" for e in list(missing.values())[:_SHOWN]]
    if len(missing) > _SHOWN:
        lines.append(f"warning: {UNTOLD} on {len(missing) - _SHOWN} more lanes")
    if done.flagged:
        lines.append(f"the model does not fit {len(done.flagged)} stock points:")
        lines += [f"  {name}" for name in done.flagged]
    skipped = [p for p in done.points if p.reason]
    for reason in dict.fromkeys(p.reason for p in skipped):
        lines.append(f"{sum(p.reason == reason for p in skipped)} stock points left out: {reason}")
    return "\n".join(
        part for line in lines for part in textwrap.wrap(line, 80, subsequent_indent="  ")
    )
