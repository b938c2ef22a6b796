"""Studies beside the bare kernel: what applying, compiling, KPIs and files cost on top of it.

``--points N`` takes fewer design points than the full size; only the full size is written into the
results.
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

from twin.compile import Plan
from twin.engine import parts, run_blocks
from twin.schema import Scenario
from twin.study import study

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
    points = parser.parse_args().points
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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    table.say(f"Most memory of this process: {peak:.2f} GiB.")
    if points == FULL:
        table.write()


def processor(work: Callable[[], object]) -> float:
    """Return the processor seconds of all threads that some work takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
