"""From telemetry to a what-if, end to end: does the calibrated twin answer as the true one would?

``python benchmarks/bench_calibration_end.py [chain ...] [repeats]``. Chains of
:mod:`calibration_chains` are drawn anew for each repeat. A year of telemetry is emulated and calibrated
from a starting scenario that is wrong in all of it, its decoupling point or its ways of ordering
included. Intervals of the parameters and bands of two what-if answers (cost of moving the cut, service
under an outage) must hold what is true 84 to 96 times in a hundred: what one year of the true twin
says, and what many years of it say on average, which only what is not known keeps apart.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import harness
import numpy as np
from calibration_chains import CHAINS, Chain, moments

import twin
from calibration import emulate
from calibration.calibrate import Calibration, calibrate
from twin import posterior
from twin.schema import Scenario

REPEATS = 200
SIMULATIONS = 1024
DRAWS = 128
"""Draws of the posterior sample that answer."""
LUCK = 16
"""Runs of each draw, to tell its average year from its luck."""
MANY = 4096
"""Years of the true twin whose average is asked for."""
LEVELS = (0.05, 0.95)
FLOOR = (0.84, 0.96)
COST, SERVICE = "cost of moving the cut", "service under an outage"


def intervals(found: Calibration) -> dict[str, tuple[float, float]]:
    """Return the 90 % interval of everything that was inferred or observed, by name.

    What was observed is taken from the draws of the posterior sample, each the law that calibration
    chose: so none is left out where it chose another than the true one.
    """
    hidden = {
        f"{p.name} {row.name}": (row.low, row.high) for p in found.points for row in p.identified
    }
    size = found.scenario.posterior.size
    draws = [moments(posterior.drawn(found.scenario, d)) for d in range(size)]
    ends = {name: np.quantile([one[name] for one in draws], LEVELS) for name in draws[0]}
    return hidden | {name: (float(low), float(high)) for name, (low, high) in ends.items()}


def few(scenario: Scenario) -> Scenario:
    """Return a calibrated scenario with the first draws of its sample only."""
    sample = scenario.posterior
    draws = {key: values[:DRAWS] for key, values in sample.draws.items()}
    return scenario.model_copy(update={"posterior": sample.model_copy(update={"draws": draws})})


def answers(
    chain: Chain, scenario: Scenario, replications: int, seed: int
) -> dict[str, np.ndarray]:
    """Return the two what-if answers of a scenario, one number per replication."""

    def asked(kpi: str, change: Mapping[str, Any]) -> np.ndarray:
        result = twin.run(
            scenario, replications=replications, seed=seed, set=change, baseline=False, record=()
        )
        return np.asarray(result.values[kpi])

    cost = asked("running_cost", chain.move) - asked("running_cost", {})
    return {COST: cost, SERVICE: asked("on_time", chain.outage)}


def averages(years: np.ndarray) -> np.ndarray:
    """Return the average year of each draw ``(n,)`` from some of its years ``(LUCK * n,)``.

    What luck adds to the spread of averages of a few years is taken out of it.
    """
    by_draw = years.reshape(LUCK, -1)
    mean = by_draw.mean(axis=0)
    luck = by_draw.var(axis=0, ddof=1).mean() / LUCK
    kept = max(0.0, 1 - luck / max(mean.var(ddof=1), 1e-300))
    return np.asarray(mean.mean() + (mean - mean.mean()) * kept**0.5)


def place(values: np.ndarray, true: float) -> float:
    """Return the share of values below what is true; those that equal it count half."""
    same = 1e-9 * max(1.0, abs(true))
    return float((values < true - same).mean() + (np.abs(values - true) <= same).mean() / 2)


def repeat(name: str, seed: int) -> dict[str, Any]:
    """Draw, emulate, calibrate and ask once."""
    begun = time.perf_counter()
    chain = CHAINS[name](seed)
    found = calibrate(
        emulate.events(chain.scenario, seed=seed), chain.start, seed=seed, simulations=SIMULATIONS
    )
    seconds = time.perf_counter() - begun
    ends = intervals(found)
    known = {what: x for what, x in chain.true.items() if what in ends}
    year = answers(chain, chain.scenario, 1, 10_000 + seed)
    real = answers(chain, chain.scenario, MANY, 30_000 + seed)
    told = answers(chain, few(found.scenario), LUCK * DRAWS, 20_000 + seed)
    wrong = answers(chain, chain.start, DRAWS, 40_000 + seed)
    cuts = [[f.decoupling_point for f in x.families] for x in (chain.scenario, found.scenario)]
    return {
        "seed": seed, "seconds": seconds, "cut": cuts[0] == cuts[1], "flagged": found.flagged,
        "inside": {what: bool(ends[what][0] <= x <= ends[what][1]) for what, x in known.items()},
        "missing": sorted(set(chain.true) - set(ends)), "points": len(found.points),
        "year": {what: place(values, year[what][0]) for what, values in told.items()},
        "average": {what: place(averages(told[what]), x.mean()) for what, x in real.items()},
        "start": {what: place(values, year[what][0]) for what, values in wrong.items()},
    }  # fmt: skip


def main() -> None:
    names = [word for word in sys.argv[1:] if word in CHAINS] or [*CHAINS]
    repeats = next((int(word) for word in sys.argv[1:] if word.isdigit()), REPEATS)
    for name in names:
        triad = np.array([harness.triad() for _ in range(5)])
        begun, done = time.perf_counter(), []
        with ProcessPoolExecutor(2) as pool:
            for n, one in enumerate(pool.map(partial(repeat, name), range(repeats))):
                done.append(one)
                print(json.dumps(one), flush=True)
                if n % 10 == 9:
                    print(f"{n + 1} of {repeats}: {time.perf_counter() - begun:.0f} s", flush=True)
        write(name, done, triad, time.perf_counter() - begun)


def write(name: str, done: list[dict[str, Any]], triad: np.ndarray, seconds: float) -> None:
    """Write what it came to."""
    table = harness.Table(f"Calibration: from telemetry to a what-if, {name} chains")
    by_name: dict[str, list[bool]] = defaultdict(list)
    for one in done:
        for what, held in one["inside"].items():
            by_name[what].append(held)
    pooled = [held for held_of in by_name.values() for held in held_of]
    chains, floor, share = f"{len(done)} chains", "84-96 %", float(np.mean(pooled))
    table.add(
        "intervals of parameters, pooled", f"cover {share:.1%}", floor,
        f"{chains}, {len(pooled)} intervals", triad, FLOOR[0] <= share <= FLOOR[1],
    )  # fmt: skip
    for true, words in (("year", "one year of the true twin"), ("average", "its average year")):
        for what in done[0][true]:
            share, below = covered(done, true, what)
            table.add(
                f"band of the {what}", f"covers {share:.1%}", floor,
                f"{words}, {chains}; below it {below:.1%}", triad, FLOOR[0] <= share <= FLOOR[1],
            )  # fmt: skip
    share = float(np.mean([one["cut"] for one in done]))
    table.add("decoupling point found", f"{share:.1%}", "-", chains, triad, True)
    control = " and ".join(f"{covered(done, 'start', what)[0]:.0%}" for what in (COST, SERVICE))
    flagged = sum(len(one["flagged"]) for one in done) / sum(one["points"] for one in done)
    table.say(
        f"The bands of the starting scenario, not calibrated, hold {control} of the true years. "
        "Coverage by parameter: "
        + "; ".join(f"{what} {np.mean(held):.1%} of {len(held)}" for what, held in by_name.items())
        + f". Flagged: {flagged:.1%} of stock points. "
        f"Not estimated: {sum(len(one['missing']) for one in done)}. "
        f"One chain: {np.median([one['seconds'] for one in done]):.1f} s on one thread; all: {seconds:.0f} s."
    )
    table.write()


def covered(done: list[dict[str, Any]], true: str, what: str) -> tuple[float, float]:
    """Return the share of answers that the band holds, and of those below it."""
    places = np.array([one[true][what] for one in done])
    return float(((places >= LEVELS[0]) & (places <= LEVELS[1])).mean()), float(
        (places < LEVELS[0]).mean()
    )


if __name__ == "__main__":
    main()
