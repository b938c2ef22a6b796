"""The kernel against a hand-written loop and against itself: lanes, threads, size, memory."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import harness, phase_costs
from benchmarks.networks import distribution
from benchmarks.reference import row_loop
from benchmarks.tiling import tile
from twin import kernel, money
from twin.arrays import World
from twin.compile import Plan
from twin.engine import Simulation, parts, run_block, run_blocks

SEED = np.uint64(1)
YEAR = 365


def advance(plan: Plan, K: int, periods: int = YEAR) -> float:
    """Return the CPU seconds of a run, its opening state not counted."""
    sim = Simulation(plan, K, seed=1)
    return harness.cpu(lambda: sim.advance(periods))


def check_same_cost(plan: Plan) -> float:
    """Return the year's cost after making sure that the hand-written loop has the same."""
    outcome = run_block(plan, 1, 0, 1)
    loop = row_loop.things(plan)
    row_loop.run(0, YEAR, SEED, loop, *row_loop.draws(plan))
    theirs = row_loop.sums(loop)
    rates = money.rates(plan)
    cost = (
        (rates.holding @ theirs["rows.on_hand"]).sum()
        + (rates.backlog @ theirs["rows.backlog"]).sum()
        + (rates.transit_rate @ theirs["links.on_way"][rates.transit_link]).sum()
    )
    lines = money.costs(outcome)
    ours = sum(float(lines[name].sum()) for name in ("holding", "backlog", "transit"))
    if not math.isclose(cost, ours, rel_tol=1e-9):
        raise SystemExit(
            f"the hand-written loop costs {cost}, the kernel {ours}: not the same work"
        )
    for name in ("sinks.filled", "sinks.on_time", "sinks.orders_complete", "rows.order_squared"):
        if not np.allclose(theirs[name], outcome.sums[name], rtol=1e-9, atol=1e-6):
            raise SystemExit(f"the hand-written loop and the kernel differ in {name}")
    return ours


def loop_and_lanes(table: harness.Table, plan: Plan) -> None:
    draws = row_loop.draws(plan)

    def by_hand() -> float:
        w = row_loop.things(plan)
        return harness.cpu(lambda: row_loop.run(0, YEAR, SEED, w, *draws))

    cost = check_same_cost(plan)
    found = harness.take_turns(
        {"loop": by_hand, "1": lambda: advance(plan, 1), "64": lambda: advance(plan, 64)}, 9
    )
    cells = plan.n_rows * YEAR / 1e9
    ns = {name: np.median(x) / cells for name, x in found.items()}
    table.add_ratio(
        "200 rows, one run, over a hand-written loop", (found["1"], found["loop"]), 1.5, False,
        f"loop {ns['loop']:.0f} ns per row-period, kernel {ns['1']:.0f} "
        f"({harness.spread(found['1'])}), cost {cost:,.0f} both", found["triad"],
    )  # fmt: skip
    table.add_ratio(
        "64 replications, cheaper per row-period than one", (found["1"], found["64"]), 3, True,
        f"64: {ns['64'] / 64:.1f} ns ({harness.spread(found['64'])})", found["triad"], 64,
    )  # fmt: skip


def threads(table: harness.Table, plan: Plan) -> None:
    def blocks(replications: int, workers: int) -> float:
        return harness.wall(
            lambda: run_blocks([parts(plan, replications)], 1, lambda o: None, threads=workers)
        )

    found = harness.take_turns({"1": lambda: blocks(256, 1), "2": lambda: blocks(256, 2)}, 4)
    table.add_ratio(
        "two threads on blocks", (found["1"], found["2"]), 1.5, True,
        f"256 replications: {np.median(found['1']):.2f} s on one", found["triad"],
    )  # fmt: skip
    found = harness.take_turns({"all": lambda: blocks(1000, 2)}, 3)
    seconds = float(np.median(found["all"]))
    table.add(
        "1,000 replications x 200 rows x 365 days", f"{seconds:.2f} s", "≤ 2 s on two cores",
        f"best {found['all'].min():.2f} s", found["triad"], seconds <= 2,
    )  # fmt: skip


def small_study(table: harness.Table) -> None:
    plan = Plan.of(distribution(3, 12, 15))
    found = harness.take_turns({"64": lambda: advance(plan, 64)}, 9)
    ms = 1e3 * float(np.median(found["64"]))
    table.add(
        f"{plan.n_rows} rows, one year, 64 replications", f"{ms:.0f} ms", "≤ 100 ms on one core",
        harness.spread(found["64"]), found["triad"], ms <= 100,
    )  # fmt: skip


def large(table: harness.Table) -> None:
    """10,000 rows through the scenario, a million as 100 copies of them."""
    plan = Plan.of(distribution(items=200, forecast=True))
    small = plan.world(1, 0, 1)
    big = tile(small, 100)
    history = plan.history((), 0, 1)

    def on(world: World, t: list[int], periods: int) -> float:
        t[0] += periods
        return harness.cpu(
            lambda: kernel.run_single(
                t[0] - periods, t[0], 0, kernel.WHOLE, 0, 1, 0, SEED, plan.switches, world, history
            )
        )

    clocks: tuple[list[int], list[int]] = ([0], [0])
    found = harness.take_turns(
        {"small": lambda: on(small, clocks[0], 40), "big": lambda: on(big, clocks[1], 4)}, 5
    )
    ns = np.median(found["small"]) / 40 / plan.n_rows * 1e9
    table.add_ratio(
        "1,000,000 rows, per row-period of 10,000 rows", (found["big"], found["small"]), 1.6, False,
        f"10,000 rows: {ns:.0f} ns; the million is 100 copies of them", found["triad"], 0.1,
    )  # fmt: skip


def hundred_thousand(table: harness.Table) -> None:
    begun = time.perf_counter()
    plan = Plan.of(distribution(items=2000, forecast=True))
    compiled = time.perf_counter() - begun
    found = harness.take_turns({"year": lambda: advance(plan, 1)}, 1)
    seconds = float(np.median(found["year"]))
    table.add(
        f"{plan.n_rows:,} SKU-locations x 365 days, one run", f"{seconds:.1f} s", "≤ 6 s",
        f"scenario and plan: {compiled:.0f} s once", found["triad"], seconds <= 6,
    )  # fmt: skip


def bytes_of(part: Any, seen: set[int]) -> int:
    """Return the bytes of all arrays in nested tuples, each array once."""
    if isinstance(part, np.ndarray):
        base = part if part.base is None else part.base
        if id(base) in seen:
            return 0
        seen.add(id(base))
        return part.nbytes
    return sum(bytes_of(x, seen) for x in part) if isinstance(part, tuple) else 0


def bytes_per_row(lead: int, forecast: bool) -> float:
    """Return the bytes of state, parameters and sums per row of one run; demand tables aside."""
    plan = Plan.of(distribution(items=40, forecast=forecast, leads=(lead, lead, lead)))
    world = plan.world(1, 0, 1)
    per_sink = (world.demand.stream, world.demand.form)
    parts = world._replace(demand=per_sink)
    return bytes_of(parts, set()) / plan.n_rows


def memory(table: harness.Table) -> float:
    """State the bytes per row; return those at lead time 7."""
    triad = harness.take_turns({}, 2)["triad"]
    for name, forecast in (("", False), (", forecast-driven", True)):
        found = [bytes_per_row(lead, forecast) for lead in (7, 30, 300)]
        table.add(
            f"bytes per row at lead times 7, 30, 300{name}",
            ", ".join(f"{b:,.0f}" for b in found), "≤ 400 at 7",
            "state, parameters and sums of one run; demand tables shared by all are left out",
            triad, found[0] <= 400,
        )  # fmt: skip
    return bytes_per_row(7, False)


def what_eats_the_rest(table: harness.Table, plan: Plan, per_row: float) -> None:
    """Say where a row-period goes, phase by phase, and what the memory alone would allow."""
    costs = {K: phase_costs.measure(plan, K) for K in (1, 64)}
    whole = {K: advance(plan, K) / plan.n_rows / YEAR / K * 1e9 for K in (1, 64)}
    lines = [
        "Where a row-period goes (ns, 200 rows; each phase alone, repeated: the parts need not add up):",
        "",
    ]
    lines += ["| phase | one run | 64 replications |", "| --- | --- | --- |"]
    lines += [f"| {n} | {costs[1][n]:.1f} | {costs[64][n]:.2f} |" for n in costs[1]]
    rest = {K: whole[K] - sum(costs[K].values()) for K in whole}
    lines.append(f"| driver and the rest | {rest[1]:.1f} | {rest[64]:.2f} |")
    lines.append(f"| whole period | {whole[1]:.1f} | {whole[64]:.2f} |")
    table.say("\n".join(lines))
    speed = harness.bandwidth(harness.take_turns({}, 5)["triad"])
    table.say(
        f"Limit set by memory: {per_row:.0f} bytes per row, all read and written once a "
        f"period at the triad's {speed:.0f} GB/s, take {2 * per_row / speed:.0f} ns; one run "
        f"takes {whole[1] / (2 * per_row / speed):.1f} times that. A run is bound by chains of "
        "dependent loads (row, link, slot) and by branches, not by bytes; blocks of replications "
        "share both."
    )


def main() -> None:
    table = harness.Table("Kernel")
    plan = Plan.of(distribution())
    loop_and_lanes(table, plan)
    threads(table, plan)
    small_study(table)
    large(table)
    least = memory(table)
    hundred_thousand(table)
    what_eats_the_rest(table, plan, least)
    table.write()


if __name__ == "__main__":
    main()
