"""The twin against the same rules in Mesa, stockpyl and SupplyNetPy: same demand, same cost."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import harness
from benchmarks.networks import distribution, tree
from benchmarks.reference import mesa_agents, stockpyl_network, supplynetpy_network
from twin import money
from twin.compile import Plan
from twin.engine import Simulation, run_block

LINES = ("holding", "transit", "backlog")


def demand_of(plan: Plan, periods: int) -> Any:
    """Return the twin's own draws, ``(periods, sinks)``."""
    sim = Simulation(plan, 1, seed=1, record=["sinks.demand"])
    sim.advance(periods)
    return sim.series()["sinks.demand"][:, :, 0]


def cost_of(plan: Plan, lines: tuple[str, ...] = LINES) -> float:
    found = money.costs(run_block(plan, 1, 0, 1))
    return sum(float(found[name].sum()) for name in lines)


def same(what: str, theirs: float, ours: float, tolerance: float) -> str:
    """Return both costs in words after making sure that they are the same."""
    if abs(theirs - ours) > tolerance * abs(ours):
        raise SystemExit(f"{what} costs {theirs}, the twin {ours}: not the same work")
    return f"cost {theirs:,.2f} (twin {ours:,.2f})"


def whole_run(plan: Plan, K: int, periods: int) -> float:
    """Return the CPU seconds of a run, its opening state included."""
    return harness.cpu(lambda: Simulation(plan, K, seed=1).advance(periods))


def stepping(plan: Plan, K: int, periods: int) -> float:
    sim = Simulation(plan, K, seed=1)
    return harness.cpu(lambda: sim.advance(periods))


def mesa(table: harness.Table) -> None:
    periods = 200
    plan = Plan.of(distribution(horizon=periods))
    demand = demand_of(plan, periods)
    last: dict[str, mesa_agents.SupplyChain] = {}

    def agents() -> float:
        model = last["model"] = mesa_agents.SupplyChain(plan, demand)
        seconds = harness.cpu(lambda: [model.step() for _ in range(periods)])
        model.remove_all_agents()
        return seconds

    found = harness.take_turns(
        {
            "mesa": agents,
            "1": lambda: stepping(plan, 1, periods),
            "64": lambda: stepping(plan, 64, periods),
        },
        5,
    )
    rates, sums = money.rates(plan), last["model"].sums()
    theirs = (
        rates.holding @ np.array(sums["rows.on_hand"])
        + rates.backlog @ np.array(sums["rows.backlog"])
        + rates.transit_rate @ np.array(sums["links.on_way"])[rates.transit_link]
    )
    words = same("the Mesa model", float(theirs), cost_of(plan), 1e-9)
    ns = np.median(found["mesa"]) / periods / plan.n_rows * 1e9
    words = f"Mesa {ns:,.0f} ns per row-period; {words}"
    table.add_ratio(
        "over plain Mesa agents, 200 rows, one run", (found["mesa"], found["1"]), 25, True, words,
        found["triad"],
    )  # fmt: skip
    table.add_ratio(
        "over plain Mesa agents, 200 rows, in blocks of 64", (found["mesa"], found["64"]), 80, True,
        words, found["triad"], 64,
    )  # fmt: skip


def against(
    table: harness.Table,
    name: str,
    plan: Plan,
    theirs: Callable[[], tuple[float, float]],
    tolerance: float,
    lines: tuple[str, ...],
    floors: tuple[float, ...],
    repeats: int,
) -> None:
    """Compare one run, and blocks of 64 if there is a second floor."""
    periods = plan.topology.scenario.horizon
    last: dict[str, float] = {}

    def other() -> float:
        seconds, last["cost"] = theirs()
        return seconds

    found = harness.take_turns(
        {
            "other": other,
            "1": lambda: whole_run(plan, 1, periods),
            "64": lambda: whole_run(plan, 64, periods),
        },
        repeats,
    )
    words = same(name, last["cost"], cost_of(plan, lines), tolerance)
    words = f"{name} {np.median(found['other']):.2f} s for {periods} periods; {words}"
    for K, floor in zip(("1", "64"), floors, strict=False):
        table.add_ratio(
            f"over {name}, {plan.n_rows} nodes, "
            + ("one run" if K == "1" else "in blocks of 64"),
            (found["other"], found[K]), floor, True, words, found["triad"], float(K),
        )  # fmt: skip


def stockpyl(table: harness.Table, fans: tuple[int, ...], floors: tuple[float, float]) -> None:
    plan = Plan.of(tree(fans, horizon=100 if len(fans) < 3 else 365))
    periods = plan.topology.scenario.horizon
    demand = demand_of(plan, periods)
    cost: list[float] = []

    def theirs() -> tuple[float, float]:
        network = stockpyl_network.build(plan, demand)
        seconds = harness.cpu(lambda: cost.append(stockpyl_network.run(network, periods)))
        return seconds, cost[-1]

    against(table, "stockpyl", plan, theirs, 1e-9, LINES, floors, 3)


def supplynetpy(table: harness.Table) -> None:
    if importlib.util.find_spec("SupplyNetPy") is None:
        table.say(
            "SupplyNetPy is not installed here (`pip install supplynetpy==0.5.1`): not compared."
        )
        return
    plan = Plan.of(tree((9, 10), horizon=100, z=6.0))
    periods = plan.topology.scenario.horizon
    demand = demand_of(plan, periods)
    cost: list[float] = []

    def theirs() -> tuple[float, float]:
        network = supplynetpy_network.build(plan, demand)
        seconds = harness.cpu(lambda: cost.append(supplynetpy_network.run(network, periods)))
        return seconds, cost[-1]

    against(table, "SupplyNetPy", plan, theirs, 0.01, ("holding",), (500,), 3)


def main() -> None:
    table = harness.Table("Against others")
    mesa(table)
    stockpyl(table, (1, 1, 1), (400, 10_000))
    stockpyl(table, (9, 10), (3_000, 10_000))
    supplynetpy(table)
    table.write()


if __name__ == "__main__":
    main()
