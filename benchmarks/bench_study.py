"""Studies beside the bare kernel: what applying, compiling, KPIs and files cost on top of it.

``--points N`` takes fewer design points than the full size, ``--chain N`` runs the ready-made stress
test on N sites of a generated chain of 1,000 instead; only the full sizes are written into the
results.
"""

from __future__ import annotations

import argparse
import functools
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness
import networks
import numpy as np

from twin.compile import Plan
from twin.edits import apply
from twin.engine import parts, run_blocks
from twin.schema import Scenario
from twin.study import study
from twin.study.files import read
from twin.study.prepare import changes_of, prepare
from twin.study.ready import ready_made
from twin.study.ready.stress_places import places
from twin.topology import build
from viz.report_study import save_report

FULL = 157
"""Design points: with 64 replications 10,048 runs."""

REPLICATIONS, THREADS, ROUNDS = 64, 2, 5
OUTAGE = {"kind": "outage", "name": "fire", "where": {"site": "c0"}, "start": 100, "duration": 30}
DESIGNS: dict[str, dict[str, Any]] = {
    "disruptions": {"length": {"key": "disruptions.fire.duration", "low": 5, "high": 60},
                    "chance": {"key": "disruptions.fire.probability", "low": 0.2, "high": 1}},
    "anything else": {"lead": {"key": "lanes[0].lead_time", "values": [1, 2, 3, 4, 5]},
                      "rate": {"key": "demand[0].mean", "low": 1, "high": 5}},
}  # fmt: skip
DESIGNS["disruptions"]["length"]["whole"] = True


def clock(work: Callable[[], object], used: list[float]) -> Callable[[], float]:
    """Return a measured run: seconds on the clock, for threads are the point.

    The processor seconds of all threads are added to ``used``.
    """

    def measured() -> float:
        begun = time.process_time()
        seconds = harness.wall(work)
        used.append(time.process_time() - begun)
        return seconds

    return measured


def cases(base: Scenario, points: int, folder: str) -> dict[str, Callable[[], object]]:
    """Return a study of each kind, and the bare kernel on the very networks that it runs."""
    found: dict[str, Callable[[], object]] = {}
    for name, factors in DESIGNS.items():
        content = {
            "factors": factors,
            "design": {"kind": "latin_hypercube", "points": points - 1},
            "replications": REPLICATIONS,
        }
        found[name] = functools.partial(
            study, content, scenario=base, out=f"{folder}/{name}", force=True, threads=THREADS
        )
        groups = [parts(plan, REPLICATIONS) for plan in plans(content, base)]
        found[f"bare {name}"] = functools.partial(
            run_blocks, groups, base.seed, lambda o: None, threads=THREADS
        )
    return found


def plans(content: dict[str, Any], base: Scenario) -> list[Plan]:
    """Return the design points of a study, compiled."""
    ready = prepare(read(content), base)
    found: list[Plan] = []
    for values in ready.points:
        point = apply(ready.scenario, dict(changes_of(ready.study, values)))
        found.append(Plan.of(point, found[-1] if found else None))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=FULL)
    parser.add_argument("--chain", type=int, metavar="N")
    asked = parser.parse_args()
    if asked.chain is None:
        throughput(asked.points)
    else:
        chain(asked.chain)


SITES, DRAWS, MINUTES = 1000, 32, 10
BARE = 20
"""Runs of the bare kernel, before and after the stress test, that it is compared with."""


def chain(n: int) -> None:
    """Stress-test ``n`` of 1,000 sites as `twin study stress-test --report` does, 30 days each."""
    table = harness.Table("Stress test of a chain")
    base = networks.distribution(20, 130, 850, items=1).with_changes(warmup=60)
    names = [p.name for p in places(build(base), "sites", "*")[:: SITES // n]]
    asked = {"what": "sites", "places": names, "duration": 30, "replications": DRAWS}
    groups = [parts(Plan.of(base), DRAWS) for _ in range(BARE)]

    def bare() -> float:
        return harness.wall(lambda: run_blocks(groups, 1, lambda o: None, threads=THREADS)) / BARE

    bare()
    before, triad = bare(), np.array([harness.triad()])
    stages = Stages()
    with tempfile.TemporaryDirectory() as folder:
        found = ready_made(
            "stress-test", asked, scenario=base, out=f"{folder}/out", threads=THREADS,
            told=stages.begin,
        )  # fmt: skip
        stages.begin("the report")
        save_report(found, Path(folder) / "report.html")
    spent = stages.end()
    kernel = (before + bare()) / 2 * (len(names) + 1)
    table.add(
        f"{SITES:,} sites, {len(names):,} of them out once, {DRAWS} replications, 365 days: the "
        "whole study with linear programmes, curves, stock behind the worst and report",
        f"{spent / 60:.1f} min", f"≤ {MINUTES} min",
        f"the bare block kernel, 2 threads, of the outages: {kernel / 60:.1f} min "
        f"({kernel / spent:.2f}x)",
        triad, spent <= 60 * MINUTES,
    )  # fmt: skip
    table.say(f"Of that: {stages}.")
    say_memory(table)
    if len(names) == SITES:
        table.write()


class Stages:
    """Seconds on the clock, and of all processors, of each stage of a study."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, float, float]] = []
        self.begin("the outages")

    def begin(self, name: str) -> None:
        """End the last stage and begin the next."""
        self.begun.append((name, time.perf_counter(), time.process_time()))

    def end(self) -> float:
        """End the last stage; return the seconds on the clock of all of them."""
        self.begin("")
        return self.begun[-1][1] - self.begun[0][1]

    def __str__(self) -> str:
        pairs = zip(self.begun, self.begun[1:], strict=False)
        return ", ".join(
            f"{name} {then - now:.1f} s (processors {used - before:.1f} s)"
            for (name, now, before), (_, then, used) in pairs
        )


def say_memory(table: harness.Table) -> None:
    """Say how much memory this process held at most."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    table.say(f"Most memory of this process: {peak:.2f} GiB.")


def throughput(points: int) -> None:
    """Compare studies of many points with the bare kernel on the same networks."""
    table = harness.Table("Studies")
    base = networks.distribution().with_changes(disruptions=[OUTAGE])
    with tempfile.TemporaryDirectory() as folder:
        works = cases(base, points, folder)
        used: dict[str, list[float]] = {name: [] for name in works}
        clocks = {name: clock(work, used[name]) for name, work in works.items()}
        found = harness.take_turns(clocks, ROUNDS)
    spent = {name: float(np.median(seconds[-ROUNDS:])) for name, seconds in used.items()}
    runs = points * REPLICATIONS
    for name in DESIGNS:
        bare = f"bare {name}"
        table.add_ratio(
            f"{runs:,} runs x 365 days x 200 rows, points differ in {name}: throughput",
            (found[bare], found[name]), 0.85, True,
            "the bare block kernel on the same networks, 2 threads", found["triad"],
        )  # fmt: skip
        share = 1 - spent[bare] / spent[name]
        table.add(
            f"the same, share of processor time that is not the kernel ({name})",
            f"{100 * share:.1f} %", "≤ 10 %", f"kernel {spent[bare]:.1f} s",
            found["triad"], share <= 0.1,
        )  # fmt: skip
    table.say(
        "Points that differ in their disruptions alone share what comes before the first of these; "
        "the bare kernel does it for each, so less than nothing may be left beside it."
    )
    say_memory(table)
    if points == FULL:
        table.write()


if __name__ == "__main__":
    main()
