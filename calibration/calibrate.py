"""Calibration from recorded telemetry: a scenario and events in, a checked scenario out.

Stages: validate, direct estimators (what is observed), inference of what is hidden (stock point by
stock point, together where links between them were not observed), report. Each finished piece is
kept in a folder, so that a run that was cancelled or died goes on where it stood; its result is the
same as that of a run without a break.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

import twin
from calibration import cuts, posterior
from calibration.belongs import belonging
from calibration.clock import Clock
from calibration.clock import Progress as Progress
from calibration.direct import (
    Estimate,
    capacity,
    demand,
    devices,
    failures,
    lead_times,
    records,
    yields,
)
from calibration.events import NAMES
from calibration.infer.blind import around, groups
from calibration.infer.cut import cut
from calibration.infer.point import PointResult, infer, pooled
from calibration.infer.prior import KINDS
from calibration.infer.rounds import SIMULATIONS
from calibration.infer.together import infer_together
from calibration.mend import mended
from calibration.periods import Periods, add_up, astray
from calibration.store import Store
from calibration.times import period_length
from twin import arguments
from twin.errors import RunError
from twin.files import read_text, write_text
from twin.schema import Scenario
from twin.topology import Topology, build

FEWEST = 64
"""Simulations of a round that anything can be learnt from."""

ESTIMATORS: Mapping[str, Callable[..., list[Estimate]]] = {
    "demand": demand.estimate,
    "lead times": lead_times.estimate,
    "yields": yields.estimate,
    "capacity": capacity.estimate,
    "failures": failures.estimate,
    "devices": devices.estimate,
    "records": records.estimate,
}
"""The direct estimators, by what they estimate."""

_AS_TOLD = ("demand", "lead times")  # what is put in is as usual: no news of how much or how long


@dataclass(frozen=True)
class Calibration:
    """What a calibration came to.

    Attributes
    ----------
    scenario
        The scenario with best values set and the posterior sample in it.
    start
        The scenario it began with.
    estimates
        Direct estimates.
    points
        What was inferred, by stock point.
    decoupling
        How likely each decoupling point is, by family and stage, given how its stock points order.
    data
        Hash of the events.
    seed, simulations
        The luck, and simulations of a round per stock point.
    astray
        Events left out for their clocks (:func:`calibration.periods.astray`).
    strange
        What is said of events of other chains (:func:`calibration.belongs.belonging`).
    mended
        Events that were put in, by kind (:func:`calibration.mend.mended`).
    """

    scenario: Scenario
    start: Scenario
    estimates: Sequence[Estimate]
    points: Sequence[PointResult]
    decoupling: Mapping[str, Mapping[str, float]]
    data: str
    seed: int
    simulations: int
    astray: int = 0
    strange: str = ""
    mended: Mapping[str, int] = field(default_factory=dict)

    @property
    def flagged(self) -> list[str]:
        """Names of the stock points that the model does not fit."""
        return [p.name for p in self.points if p.misfits]

    @property
    def not_identified(self) -> list[str]:
        """What the events do not tell, as ``site/item policy.level``: it keeps its prior."""
        direct = [e.name for e in self.estimates if not e.known and np.isnan(e.low)]
        return direct + [
            f"{p.name} {row.name}"
            for p in self.points
            for row in p.identified
            if not row.identified
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return all but the scenarios as plain data."""
        return {
            "data": self.data,
            "seed": self.seed,
            "simulations": self.simulations,
            "astray": self.astray,
            "strange": self.strange,
            "mended": dict(self.mended),
            "version": twin.__version__,
            "estimates": [_plain(e) for e in self.estimates],
            "points": [p.to_dict() for p in self.points],
            "decoupling": {k: dict(v) for k, v in self.decoupling.items()},
            "flagged": self.flagged,
            "not_identified": self.not_identified,
        }


def calibrate(
    source: Store | pd.DataFrame,
    scenario: Scenario,
    *,
    seed: int = 1,
    simulations: int = SIMULATIONS,
    kinds: Sequence[str] = tuple(KINDS),
    threads: int = 1,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
    resume_dir: Path | None = None,
) -> Calibration:
    """Calibrate a scenario on telemetry.

    Parameters
    ----------
    source
        A store, or a table of canonical events.
    scenario
        Says which sites, lanes and devices there are; its values are where the search begins.
    seed
        The luck of the calibration; the result depends on nothing else but data and scenario.
    simulations
        Simulations of a round per stock point, a power of two of at least :data:`FEWEST`; fewer are
        quicker and give wider posteriors.
    kinds
        Ways of ordering to choose among (:data:`calibration.infer.prior.KINDS`).
    threads
        Stock points at work at once.
    progress
        Told how far it is and how many seconds are left.
    cancelled
        Set it to stop within a second or so.
    resume_dir
        Folder that keeps finished pieces; made if it does not exist.

    Raises
    ------
    RunError
        If it was cancelled (finished pieces are kept), there are no events, none is of the chain of
        the scenario, or a number cannot be meant.
    ScenarioError
        If an estimate is not allowed in the scenario.
    """
    for name, value in (("seed", seed), ("threads", threads)):
        arguments.whole(name, value)
    if simulations < FEWEST or simulations & (simulations - 1):
        msg = (
            f"simulations = {simulations}; must be a power of two of {FEWEST} or more "
            f"({SIMULATIONS:,} is the default)"
        )
        raise RunError(msg)
    return _Job(
        source, scenario, seed, simulations, tuple(kinds), progress or _silent,
        cancelled or threading.Event(), resume_dir,
    ).run(threads)  # fmt: skip


class _Job:
    """One calibration on its way through its stages."""

    def __init__(
        self, source: Store | pd.DataFrame, scenario: Scenario, seed: int, simulations: int,
        kinds: tuple[str, ...], progress: Progress, cancelled: threading.Event,
        folder: Path | None,
    ) -> None:  # fmt: skip
        self.start, self.seed = scenario, seed
        self.simulations, self.kinds = simulations, kinds
        self.progress, self.cancelled = progress, cancelled
        self.events = source if isinstance(source, pd.DataFrame) else source.read()
        if self.events.empty:
            msg = "there are no events to calibrate on; `twin ingest` takes some in"
            raise RunError(msg)
        known, self.strange = belonging(self.events, scenario)
        if not known:
            msg = f"{self.strange}; give the scenario of this chain, or the store of that one"
            raise RunError(msg)
        self.data = digest(self.events) if isinstance(source, pd.DataFrame) else source.digest()
        far = astray(self.events["event_time"].to_numpy(np.int64), period_length(scenario.calendar))
        self.events, self.astray = self.events[~far], int(far.sum())
        self.whole, self.mended = mended(self.events, scenario)
        all_of = [self.data, scenario.hash(), seed, simulations, *kinds, twin.__version__]
        self.key = hashlib.sha256(json.dumps(all_of).encode()).hexdigest()[:16]
        self.folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def run(self, threads: int) -> Calibration:
        """Run all stages."""
        with threadpool_limits(1, "blas"):  # sums of several threads are rounded in another order
            return self._run(threads)

    def _run(self, threads: int) -> Calibration:
        estimates = self.estimates()
        scenario = posterior.with_estimates(self.start, estimates)
        self.progress("adding up events", 0, 1, float("nan"))
        periods = add_up(self.whole, scenario)
        points, where = self.hidden(periods, scenario, threads)
        scenario = twin.apply(scenario, cuts.moved(scenario, where))
        below = cuts.below(scenario)
        points = [_stays(p) if p.misfits else p for p in points]
        findings = [
            p.finding(periods.first, p.name in below) for p in points if not (p.reason or p.misfits)
        ]
        done = posterior.calibrated(
            scenario, estimates, findings, cuts=cuts.draws(scenario, where, self.seed),
            data=self.data, seed=self.seed,
        )  # fmt: skip
        return Calibration(
            done, self.start, estimates, points, where, self.data, self.seed, self.simulations,
            self.astray, self.strange, self.mended,
        )  # fmt: skip

    def estimates(self) -> list[Estimate]:
        """Return the direct estimates, kept by estimator."""
        found: list[Estimate] = []
        for n, (name, estimate) in enumerate(ESTIMATORS.items()):
            self.progress(f"estimating {name}", n, len(ESTIMATORS), float("nan"))
            self.check()
            kept = self.load(f"direct {name}")
            if kept is None:
                events = self.events if name in _AS_TOLD else self.whole
                kept = [_plain(e) for e in estimate(events, self.start, seed=self.seed)]
                self.save(f"direct {name}", kept)
            found += [_estimate(e) for e in kept]
        return found

    def hidden(
        self, periods: Periods, scenario: Scenario, threads: int
    ) -> tuple[list[PointResult], dict[str, dict[str, float]]]:
        """Return what is inferred of all stock points, and how likely each decoupling point is.

        Those that only go together come last: where the decoupling points lie, the others tell.
        """
        top = build(scenario)
        together = groups(periods, top)
        clock = Clock(self.progress, len(top.points))
        more: dict[str, Any] = {"simulations": self.simulations, "tick": lambda _: self.check()}

        def alone(rows: tuple[int, ...]) -> list[PointResult]:
            part = cut(periods, top, rows[0])
            return [infer(part, seed=self.seed + rows[0], kinds=self.kinds, **more)]

        def jointly(rows: tuple[int, ...]) -> list[PointResult]:
            group = around(periods, build(moved), rows)
            return infer_together(group, periods, seed=self.seed + rows[0], **more)

        single = set(range(len(top.points))).difference(*together)
        found = self.points([(row,) for row in sorted(single)], alone, top, clock, threads)
        where = cuts.probabilities(top, [found[row] for row in sorted(found)])
        moved = twin.apply(scenario, cuts.moved(scenario, where)) if together else scenario
        found |= self.points(together, jointly, top, clock, threads)
        points, stages = [found[row] for row in sorted(found)], [p.stage for p in top.points]
        return pooled(points, stages, self.seed), where

    def points(
        self, pieces: Sequence[tuple[int, ...]],
        results: Callable[[tuple[int, ...]], list[PointResult]],
        top: Topology, clock: Clock, threads: int,
    ) -> dict[int, PointResult]:  # fmt: skip
        """Return what is inferred, by row; kept piece by piece, which are rows that go together."""

        def one(rows: tuple[int, ...]) -> list[PointResult]:
            name = f"points {', '.join(top.points[row].name for row in rows)}"
            kept = self.load(name)
            found = results(rows) if kept is None else [PointResult.from_dict(p) for p in kept]
            if kept is None:
                self.save(name, [p.to_dict() for p in found])
            clock.done(len(rows), kept=kept is not None)
            return found

        if threads == 1:
            each = [one(rows) for rows in pieces]
        else:
            with ThreadPoolExecutor(threads) as pool:
                each = [*pool.map(one, pieces)]
        pairs = zip(pieces, each, strict=True)
        return {row: p for rows, many in pairs for row, p in zip(rows, many, strict=True)}

    def check(self) -> None:
        """Stop if that is wished."""
        if self.cancelled.is_set():
            msg = "the calibration was cancelled"
            if self.folder is not None:
                msg += f"; what was done is in {self.folder}: run it again and it goes on there"
            raise RunError(msg)

    def load(self, name: str) -> Any:
        """Return a piece that was kept for the same data, scenario and options; else nothing."""
        path = self.path(name)
        if path is None or not path.is_file():
            return None
        try:
            kept = json.loads(read_text(path))
        except ValueError:  # not written by us: done anew
            return None
        return kept["piece"] if isinstance(kept, dict) and kept.get("key") == self.key else None

    def save(self, name: str, piece: Any) -> None:
        """Keep a piece, whole or not at all."""
        path = self.path(name)
        if path is not None:
            write_text(path, json.dumps({"key": self.key, "name": name, "piece": piece}))

    def path(self, name: str) -> Path | None:
        if self.folder is None:
            return None
        return self.folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"


def _silent(_what: str, _done: int, _total: int, _left: float) -> None:
    """Tell nobody."""


def _stays(point: PointResult) -> PointResult:
    return replace(point, notes=[*point.notes, "no rule fits: that of the scenario stays"])


def digest(events: pd.DataFrame) -> str:
    """Return a hash of a table of events, whatever their order."""
    known = events[list(NAMES)].drop(columns=["ingest_time", "raw_ref"])
    rows = np.sort(pd.util.hash_pandas_object(known, index=False).to_numpy())
    return hashlib.sha256(rows.tobytes()).hexdigest()[:16]


def _plain(estimate: Estimate) -> dict[str, Any]:
    return asdict(estimate) | {"draws": estimate.draws.tolist(), "refs": list(estimate.refs)}


def _estimate(data: Mapping[str, Any]) -> Estimate:
    more = {"draws": np.array(data["draws"], np.float64), "refs": tuple(data["refs"])}
    return Estimate(**{**data, **more})
