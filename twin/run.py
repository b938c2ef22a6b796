"""One call from a scenario to its result: ``twin.run("electronics")``."""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from twin import arguments, kpis, places, posterior
from twin.check import check
from twin.compile import Plan
from twin.edits import apply
from twin.engine import Outcome, Part, block_size, parts, run_blocks
from twin.kpis.resilience import SERIES
from twin.load import load
from twin.result import Result
from twin.schema import Scenario
from twin.sums import Floats
from twin.topology import Topology

Progress = Callable[[int, int], None]

SINK_SERIES = (
    "sinks.demand", "sinks.owed", "sinks.lost", "sinks.ordered_total", "sinks.closed_total",
)  # fmt: skip
ROW_SERIES = ("rows.on_hand", "rows.backlog", "rows.order")
FORECAST_SERIES = ("rows.signal",)
LIGHT = 10_000_000
"""Most numbers of each table that are recorded unasked (80 MB)."""

HEAVY = 40_000_000
"""Most numbers of one block that resilience may record for itself (320 MB)."""


def run(
    scenario: Scenario | str | Path,
    *,
    replications: int | None = None,
    seed: int | None = None,
    record: Sequence[str] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
    baseline: bool = True,
    set: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Result:
    """Run a scenario and return what it came to.

    Parameters
    ----------
    scenario
        A scenario, a file, or the name of a shipped one.
    replications
        Draws of luck; default: the scenario's.
    seed
        The luck; default: the scenario's.
    record
        Series to keep per period (``["rows.on_hand", "sinks.demand"]``); default: a light set
        where it is small enough, ``()``: none (``mase``, ``stockout_frequency`` are then NaN).
    threads
        Threads at work; default: the cores of this machine. No number depends on it.
    progress
        Called with (periods x replications done, in all).
    cancelled
        Set it to stop the run within about 0.1 s.
    baseline
        Run the undisrupted twin as well if there are disruptions, for the resilience KPIs.
    set
        Changes by dotted key: ``{"families.laptop.decoupling_point": "dc"}``, see
        :func:`twin.edits.apply`.
    **changes
        Changes of top-level keys: ``horizon=200``.

    Raises
    ------
    ScenarioError
        If the scenario or a change is wrong.
    RunError
        If the run cannot be done as asked, or was cancelled.
    """
    begun = time.perf_counter()
    started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    workers = (os.cpu_count() or 1) if threads is None else arguments.whole("threads", threads)
    keep = None if record is None else arguments.series(record)
    arguments.callbacks(progress, cancelled)
    arguments.switch("baseline", baseline)
    chosen = prepare(scenario, {**changes, **arguments.changes(set)}, seed)
    if replications is None:
        replications = chosen.replications
    job = _Job(Plan.of(chosen), arguments.whole("replications", replications), keep, baseline)
    pieces, twins = job.run(workers, progress, cancelled)
    timing = {"started": started, "seconds": time.perf_counter() - begun, "threads": workers}
    return _joined_up(job, pieces, twins, timing)


def prepare(
    scenario: Scenario | str | Path, changes: Mapping[str, Any], seed: int | None = None
) -> Scenario:
    """Return the scenario to run: loaded if it is named, with changes and a seed of one's own."""
    arguments.source(scenario)
    if isinstance(scenario, Scenario):
        found = scenario
        if not changes and seed is None:
            check(found)  # a file is checked as it is read, a change as it is made
    else:
        found = load(scenario)
    if seed is not None:
        changes = {**changes, "seed": arguments.whole("seed", seed)}
    return apply(found, changes)


@dataclass(frozen=True)
class _Piece:
    """What is kept of one block of replications."""

    values: Mapping[str, Floats]
    rows: Mapping[str, Floats]
    sinks: Mapping[str, Floats]
    series: Mapping[str, Floats]
    thin: Outcome


class _Job:
    """What is recorded, reduced and run for one result."""

    def __init__(
        self, plan: Plan, replications: int, record: tuple[str, ...] | None, baseline: bool
    ) -> None:
        self.plan, self.replications = plan, replications
        self.notes: list[str] = []
        self.keep = self.light() if record is None else record
        disrupted = any(d.probability > 0 for d in plan.topology.scenario.disruptions)
        self.paired = disrupted and baseline
        self.compared = SERIES if self.paired and self.fits() else ()
        self.record = tuple(dict.fromkeys((*self.keep, *self.compared)))

    def light(self) -> tuple[str, ...]:
        """Return the series that are recorded unasked."""
        top = self.plan.topology
        cells = top.scenario.horizon * self.replications
        found: list[str] = []
        rows = ROW_SERIES + (FORECAST_SERIES if self.plan.switches.forecasts else ())
        for names, things in ((rows, top.points), (SINK_SERIES, top.sinks)):
            if cells * len(things) * len(names) <= LIGHT:
                found += names
        return tuple(found)

    def fits(self) -> bool:
        """Return whether the series that resilience needs are small enough; note it if not."""
        top = self.plan.topology
        K = min(self.replications, block_size(self.plan.n_rows))
        cells = top.scenario.horizon * len(top.sinks) * K * len(SERIES)
        if cells > HEAVY:
            self.notes.append(
                f"resilience KPIs are left out: they would record {cells:,} numbers a block of "
                f"replications (at most {HEAVY:,}); shorten the horizon or join customers"
            )
        return cells <= HEAVY

    def run(
        self, threads: int, progress: Progress | None, cancelled: threading.Event | None
    ) -> tuple[list[_Piece], list[_Piece]]:
        """Run the blocks, and those of the undisrupted twin with the same luck (or none)."""
        groups = [self.parts()]
        if self.paired:
            quiet = {id(plan): undisrupted(plan) for plan, _, _ in groups[0]}
            groups.append([(quiet[id(plan)], K, k0) for plan, K, k0 in groups[0]])
        pieces, *rest = run_blocks(
            groups, self.plan.topology.scenario.seed, self.reduce, record=self.record,
            threads=threads, progress=progress, cancelled=cancelled,
        )  # fmt: skip
        twins: list[_Piece] = rest[0] if rest else []
        undefined = [kpis.undefined_paired(p.thin) for p in pieces]
        paired = undefined
        if self.compared:
            both = zip(pieces, twins, strict=True)
            paired = [kpis.compute_paired(p.thin, t.thin) for p, t in both]
        return _with(pieces, paired), _with(twins, undefined)

    def parts(self) -> list[Part]:
        """Return the blocks to run: one per replication where each takes a draw of its own."""
        scenario = self.plan.topology.scenario
        draws = min(scenario.posterior.size, self.replications)
        if not draws:
            return parts(self.plan, self.replications)
        plans = posterior.plans(scenario, draws)
        return [(plans[k % draws], 1, k) for k in range(self.replications)]

    def reduce(self, o: Outcome) -> _Piece:
        """Keep of a block what the result needs."""
        return _Piece(
            values=kpis.compute(o),
            rows=places.row_sums(o),
            sinks=places.sink_sums(o),
            series={name: o.series[name] for name in self.keep},
            thin=kpis.thin(o),
        )


def _with(pieces: list[_Piece], paired: list[dict[str, Floats]]) -> list[_Piece]:
    """Return the blocks with the KPIs that compare them with their undisrupted twins."""
    return [
        replace(piece, values={**piece.values, **more})
        for piece, more in zip(pieces, paired, strict=False)
    ]


def undisrupted(plan: Plan) -> Plan:
    """Return the same plan in which no disruption ever happens."""
    quiet = tuple(e.model_copy(update={"probability": 0.0}) for e in plan.events.events)
    return replace(plan, events=replace(plan.events, events=quiet))


def _quiet(topology: Topology) -> Topology:
    """Return the same network of a scenario without disruptions."""
    scenario = topology.scenario.model_copy(update={"disruptions": []})
    return replace(topology, scenario=scenario)


def _joined_up(
    job: _Job, pieces: list[_Piece], twins: list[_Piece], timing: Mapping[str, Any]
) -> Result:
    """Return the result of a job, its undisrupted twin within."""
    top = job.plan.topology
    twin = _assemble(_quiet(top), twins, timing) if twins else None
    return replace(_assemble(top, pieces, timing, job.notes), undisrupted=twin)


def _assemble(
    topology: Topology,
    pieces: Sequence[_Piece],
    timing: Mapping[str, Any],
    notes: Sequence[str] = (),
) -> Result:
    first = pieces[0]
    joined = {n: np.concatenate([p.values[n] for p in pieces]) for n in kpis.ordered()}
    R = next(iter(joined.values())).size
    return Result(
        topology=topology,
        values=joined,
        row_means={n: np.sum([p.rows[n] for p in pieces], 0) / R for n in first.rows},
        sink_means={n: np.sum([p.sinks[n] for p in pieces], 0) / R for n in first.sinks},
        series={n: _side_by_side([p.series[n] for p in pieces]) for n in first.series},
        notes=tuple(notes),
        timing=timing,
    )


def _side_by_side(blocks: list[Floats]) -> Floats:
    """Return the replications of all blocks; one block is not copied."""
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=2)
