"""Studies beside the bare kernel: what applying, compiling, KPIs and files cost on top of it.

``--points N`` takes fewer design points than the full size, ``--chain N`` stress-tests N sites of a
generated chain of 1,000 instead; only the full sizes are written into the results.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from typing import Any

import harness
import networks
import numpy as np

from twin.compile import Plan
from twin.engine import parts, run_blocks
from twin.schema import Scenario
from twin.study import study
from twin.study.ready.stress_places import places
from twin.study.ready.stress_runs import Test
from twin.topology import build

FULL = 157
"""Design points: with 64 replications 10,048 runs."""

REPLICATIONS, THREADS = 64, 2
OUTAGE = {"kind": "outage", "name": "fire", "where": {"site": "c0"}, "start": 100, "duration": 30}
DESIGNS: dict[str, dict[str, Any]] = {
    "disruptions": {"length": {"key": "disruptions.fire.duration", "low": 5, "high": 60},
                    "chance": {"key": "disruptions.fire.probability", "low": 0.2, "high": 1}},
    "anything else": {"lead": {"key": "lanes[0].lead_time", "values": [1, 2, 3, 4, 5]},
                      "rate": {"key": "demand[0].mean", "low": 1, "high": 5}},
}  # fmt: skip
DESIGNS["disruptions"]["length"]["whole"] = True


def clock(work: Callable[[], object]) -> Callable[[], float]:
    """Return a measured run: seconds on the clock, for threads are the point."""
    return lambda: harness.wall(work)


def cases(base: Scenario, points: int, folder: str) -> dict[str, Callable[[], object]]:
    """Return the bare kernel and a study of each kind, all of as many runs."""
    plan = Plan.of(base)
    groups = [parts(plan, REPLICATIONS) for _ in range(points)]

    def asked(factors: dict[str, Any]) -> dict[str, Any]:
        return {
            "factors": factors,
            "design": {"kind": "latin_hypercube", "points": points - 1},
            "replications": REPLICATIONS,
        }

    def ran(name: str) -> Callable[[], object]:
        content = asked(DESIGNS[name])
        return lambda: study(content, scenario=base, out=folder, force=True, threads=THREADS)

    found: dict[str, Callable[[], object]] = {name: ran(name) for name in DESIGNS}
    found["bare"] = lambda: run_blocks(groups, 1, lambda o: None, threads=THREADS)
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
    """Take each of ``n`` of 1,000 sites out once for 30 days, 32 replications each."""
    table = harness.Table("Stress test of a chain")
    base = networks.distribution(20, 130, 850, items=1).with_changes(warmup=60, replications=DRAWS)
    step = SITES // n
    outages = [(p, 30) for p in places(build(base), "sites", "*")[::step]]
    test = Test(base, 136, outages, {}, DRAWS)
    content = test.content([{"place": p.name, "periods": days} for p, days in outages])
    groups = [parts(Plan.of(base), DRAWS) for _ in range(BARE)]

    def bare() -> float:
        return harness.wall(lambda: run_blocks(groups, 1, lambda o: None, threads=THREADS)) / BARE

    bare()
    before, triad = bare(), np.array([harness.triad()])
    with tempfile.TemporaryDirectory() as folder:
        spent = harness.wall(
            lambda: study(content, scenario=base, out=f"{folder}/out", threads=THREADS)
        )
    kernel = (before + bare()) / 2 * (len(outages) + 1)
    table.add(
        f"{SITES:,} sites, {len(outages):,} of them out once, {DRAWS} replications, 365 days",
        f"{spent / 60:.1f} min", f"≤ {MINUTES} min",
        f"the bare block kernel, 2 threads: {kernel / 60:.1f} min ({kernel / spent:.2f}x)",
        triad, spent <= 60 * MINUTES,
    )  # fmt: skip
    say_memory(table)
    if len(outages) == SITES:
        table.write()


def say_memory(table: harness.Table) -> None:
    """Say how much memory this process held at most."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    table.say(f"Most memory of this process: {peak:.2f} GiB.")


def throughput(points: int) -> None:
    """Compare studies of many points with the bare kernel."""
    table = harness.Table("Studies")
    base = networks.distribution().with_changes(disruptions=[OUTAGE])
    with tempfile.TemporaryDirectory() as folder:
        works = cases(base, points, f"{folder}/out")
        found = harness.take_turns({name: clock(work) for name, work in works.items()}, 3)
        spent = {name: processor(work) for name, work in works.items()}
    runs = points * REPLICATIONS
    for name, limit in (("disruptions", 0.85), ("anything else", 0.85)):
        table.add_ratio(
            f"{runs:,} runs x 365 days x 200 rows, points differ in {name}: throughput",
            (found["bare"], found[name]), limit, True, "the bare block kernel, 2 threads",
            found["triad"],
        )  # fmt: skip
        share = 1 - spent["bare"] / spent[name]
        table.add(
            f"the same, share of processor time that is not the kernel ({name})",
            f"{100 * share:.1f} %", "≤ 10 %", f"kernel {spent['bare']:.1f} s",
            found["triad"], share <= 0.1,
        )  # fmt: skip
    say_memory(table)
    if points == FULL:
        table.write()


def processor(work: Callable[[], object]) -> float:
    """Return the processor seconds of all threads that some work takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
