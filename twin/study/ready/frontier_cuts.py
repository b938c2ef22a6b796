"""Which decoupling points are compared, their buffers, and what they come to in every world."""

from __future__ import annotations

import itertools
import math
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twin import decoupling
from twin.distributions import demand_moments
from twin.edits import apply
from twin.errors import RunError
from twin.names import nearest
from twin.optimise.tune import tune
from twin.schema import Scenario
from twin.study.ready.base import Bench
from twin.sums import Floats
from twin.topology import Topology, build

OUTPUTS = (
    "running_cost", "total_cost", "on_time", "lost_share", "write_off_rate", "inventory_value",
)  # fmt: skip

TUNING = 8
"""Draws of luck, over all worlds, that a candidate of tuned buffers is tried in."""

Cut = Mapping[str, str]
"""Stage by family."""

World = list[dict[str, Any]]
"""Disruptions."""


def stages_of(top: Topology, families: Sequence[str] | None) -> dict[str, list[str]]:
    """Return the stages at which each family can be decoupled, upstream to downstream.

    Raises
    ------
    RunError
        If a family is unknown or there is nothing to choose.
    """
    known = [f.name for f in top.scenario.families]
    for name in families or ():
        if name not in known:
            msg = f"no family '{name}' in scenario '{top.scenario.name}'; {nearest(name, known)}"
            raise RunError(msg)
    stages = {
        name: [p.stage for p in decoupling.positions(top, name)] for name in families or known
    }
    found = {name: x for name, x in stages.items() if x}
    if not known or math.prod(map(len, found.values())) < 2:
        what = "has no families" if not known else f"leaves {', '.join(stages)} no second stage"
        msg = (
            f"scenario '{top.scenario.name}' {what}, so there is no decoupling point to choose; it "
            "needs a family of items and two stages or more that all its paths cross exactly once"
        )
        raise RunError(msg)
    return found


def label(cut: Cut) -> str:
    """Return a short name of a cut: ``boards``, or ``laptop: boards, printer: dc``."""
    if len({*cut.values()}) == 1:
        return next(iter(cut.values()))
    return ", ".join(f"{family}: {stage}" for family, stage in cut.items())


def late_cost(top: Topology) -> float:
    """Return what a lost unit costs in the mean over the units that customers want."""
    units, money = 0.0, 0.0
    for sink in top.sinks:
        item, mean = top.points[sink.row].item, demand_moments(sink.demand)[0]
        margin = (item.value if item.price is None else item.price) - item.value
        given = sink.demand.lost_sale_cost
        units, money = units + mean, money + mean * (margin if given is None else given)
    return max(0.0, money / units) if units else 0.0


def wanted(top: Topology) -> float:
    """Return the units that customers want in a period, all together."""
    return sum(demand_moments(sink.demand)[0] for sink in top.sinks)


@dataclass
class Cuts:
    """Cuts that were run in every world under the same luck.

    Attributes
    ----------
    bench, worlds
        Where they are run, and the disruptions of each world.
    replications
        Draws of luck of each run.
    late_cost
        Money for each unit that does not come on time.
    budget
        Candidates that tuned buffers are sought among; ``None``: buffers as given.
    tuned_in
        Worlds whose mean the buffers are tuned for.
    changes
        By label of each cut.
    """

    bench: Bench
    worlds: Mapping[str, World]
    replications: int
    late_cost: float
    budget: int | None
    tuned_in: Sequence[str]
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    buffers: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _values: dict[tuple[str, str, str], Floats] = field(default_factory=dict)

    def run(self, name: str, cuts: Iterable[Cut]) -> None:
        """Run cuts that were not run yet, as the inner study ``name``."""
        new = {label(cut): cut for cut in cuts if label(cut) not in self.changes}
        if not new:
            return
        for n, (told, cut) in enumerate(new.items()):
            self.bench.note(f"{name}: buffers of {told} ({n + 1} of {len(new)})")
            self.changes[told] = self._changes(told, cut)
        self.bench.note(f"{name}: {len(new)} decoupling points in {len(self.worlds)} worlds")
        options = {told: self.changes[told] for told in new}
        self._values |= compared(self.bench, name, options, self.worlds, self.replications)

    @property
    def labels(self) -> list[str]:
        """Names of the cuts that were run."""
        return list(self.changes)

    def values(self, cut: str, world: str, kpi: str) -> Floats:
        """Return a KPI of a cut in a world, ``(R,)``; of money per period."""
        return self._values[cut, world, kpi]

    def costs(self) -> Floats:
        """Return the costs with lateness by cut, world and replication, ``(C, W, R)``."""
        return cost_table(self._values, self.labels, list(self.worlds), self.bench, self.late_cost)

    def _changes(self, told: str, cut: Cut) -> dict[str, Any]:
        """Return the changes that make a cut, its buffers included."""
        moved = {f"families.{family}.decoupling_point": stage for family, stage in cut.items()}
        if self.budget is None:
            return moved
        base = apply(self.bench.scenario, {**moved, "disruptions": []})
        tried = {name: self.worlds[name] for name in self.tuned_in}
        key = [base.hash(), base.seed, tried, self.budget, self.late_cost, TUNING]
        file = "buffers-" + re.sub(r"\W+", "-", told)
        found = self.bench.keep(file, key, _tuned, base, tried, self.late_cost, self.budget)
        if "failed" in found:
            self.notes.append(f"{told}: buffers as given, they cannot be tuned ({found['failed']})")
            return moved
        self.buffers[told] = found["levers"]
        return {**moved, **found["changes"]}


def _tuned(
    base: Scenario,
    worlds: Mapping[str, World],
    late_cost: float,
    budget: int | None,
    *,
    threads: int | None = None,
    cancelled: threading.Event | None = None,
    **_: Any,
) -> dict[str, Any]:
    """Return the changes and the levers of tuned buffers, or why they cannot be tuned."""
    everywhere = [apply(base, {"disruptions": world}) for world in worlds.values()]
    each = -(-TUNING // len(everywhere))
    try:
        found = tune(
            base, worlds=everywhere, penalty=late_cost, budget=budget, replications=each,
            threads=threads, cancelled=cancelled,
        )  # fmt: skip
    except RunError as error:
        if cancelled is not None and cancelled.is_set():
            raise
        return {"failed": str(error)}
    return {"changes": found.changes, "levers": found.levers}


def compared(
    bench: Bench,
    name: str,
    cuts: Mapping[str, Mapping[str, Any]],
    worlds: Mapping[str, World],
    replications: int,
) -> dict[tuple[str, str, str], Floats]:
    """Return KPIs by cut, world and name, money per period, all under the same luck."""
    periods = bench.scenario.horizon - bench.scenario.warmup
    content = {
        "factors": {
            "cut": {"options": {told: dict(changes) for told, changes in cuts.items()}},
            "world": {"options": {w: {"disruptions": x} for w, x in worlds.items()}},
        },
        "base": {"cut": next(iter(cuts)), "world": next(iter(worlds))},
        "replications": replications,
        "outputs": list(OUTPUTS),
    }
    found = bench.study(name, content)
    rows = found.frame()[["point", "cut", "world"]].drop_duplicates("point")
    values = {}
    for point, cut, world in rows.itertuples(index=False):
        for kpi in OUTPUTS:
            part = periods if kpi.endswith("_cost") else 1
            values[cut, world, kpi] = found.values(point, kpi) / part
    return values


def cost_table(
    values: Mapping[tuple[str, str, str], Floats],
    cuts: Sequence[str],
    worlds: Sequence[str],
    bench: Bench,
    late: float,
) -> Floats:
    """Return running cost + cost of lateness a period, ``(C, W, R)``."""
    units = late * wanted(build(bench.scenario))
    return np.array([
        [values[c, w, "running_cost"] + units * (1.0 - values[c, w, "on_time"]) for w in worlds]
        for c in cuts
    ])  # fmt: skip


def search(cuts: Cuts, stages: Mapping[str, list[str]], most: int, weights: Floats) -> None:
    """Run all combinations of the families' stages, or a descent among them if they are too many.

    Descent by coordinates: all families together at each stage that fits all of them, then from
    the best one each family alone, until none improves or ``most`` cuts were run.
    """
    total = math.prod(map(len, stages.values()))
    if total <= most:
        every = itertools.product(*stages.values())
        cuts.run("cuts", [dict(zip(stages, cut, strict=True)) for cut in every])
        return
    first = next(iter(stages.values()))
    common = [s for s in first if all(s in found for found in stages.values())]
    start = [dict.fromkeys(stages, s) for s in common] or [{f: x[-1] for f, x in stages.items()}]
    known = {label(cut): cut for cut in start[:most]}
    cuts.run("cuts", known.values())
    best = ""
    while best != (best := _best(cuts, weights)) and len(known) < most:
        for family in stages:
            here = known[_best(cuts, weights)]
            near = {label(c): c for s in stages[family] for c in [{**here, family: s}]}
            new = {k: c for k, c in near.items() if k not in known}
            known |= dict(list(new.items())[: most - len(known)])
            cuts.run(f"cuts-{len(known)}", known.values())
    cuts.notes.append(
        f"{len(known)} of {total} combinations of decoupling points were run: together, then each "
        "family alone from the best one so far; a better combination further off may be missed."
    )


def _best(cuts: Cuts, weights: Floats) -> str:
    return cuts.labels[int((cuts.costs().mean(axis=2) @ weights).argmin())]
