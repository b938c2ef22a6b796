"""From telemetry to a what-if, end to end: does the calibrated twin answer as the true one would?

``python benchmarks/bench_calibration_end.py [repeats]``. A small electronics chain is drawn anew for
each repeat: safety factors, shrink, demand, lead times and capacity. A year of its telemetry is
emulated and calibrated from a starting scenario that is wrong in all of it, its decoupling point
included. Intervals of the parameters and bands of two what-if answers (cost of moving the cut,
service under an outage) must hold what is true 84 to 96 times in a hundred.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import harness
import numpy as np

import twin
from calibration import emulate
from calibration.calibrate import Calibration, calibrate
from twin import posterior
from twin.distributions import demand_moments, lead_time_moments
from twin.schema import Scenario
from twin.validate import validate

REPEATS = 200
PERIODS = 364
SIMULATIONS = 1024
DRAWS = 256
LEVELS = (0.05, 0.95)
WRONG = {
    "stock[0].policy.safety_factor": 1.0,
    "stock[1].policy.safety_factor": 1.0,
    "stock[1].shrink": 0.0,
    "demand[0].mean": 25.0,
    "demand[0].variance_to_mean": 2.0,
    "demand[1].mean": 25.0,
    "lanes.fab->plant.lead_time": 9,
    "lanes.plant->dc.lead_time": {"kind": "gamma", "mean": 8, "cv": 0.2},
    "production.plant/laptop.capacity": 500,
    "families.laptops.decoupling_point": "dc",
}
"""What the starting scenario is wrong about."""

MOVE = {
    "families.laptops.decoupling_point": "dc",
    "stock[+]": [
        {
            "where": {"site": site},
            "forecast": {"kind": "moving_average", "window": 28},
            "policy": {"kind": "base_stock", "safety_factor": 2.0},
        }
        for site in ("plant", "dc")
    ],
}
"""Nobody kept stock at the new places, so what is kept there is part of the question."""
OUTAGE = {
    "disruptions": [
        {"kind": "outage", "name": "fire", "where": {"site": "chips"}, "start": 150, "duration": 40}
    ]
}


def chain(seed: int) -> tuple[Scenario, dict[str, float]]:
    """Return a chain drawn at random, and its parameters by the names of estimates and draws."""
    rng = np.random.default_rng((7, seed))
    parts, boards = rng.uniform(0.5, 3.5, 2)
    shrink, capacity = rng.uniform(0.0, 1.0), rng.uniform(62, 75)
    north, south, ratio = rng.uniform(20, 30), rng.uniform(15, 25), rng.uniform(1.5, 5)
    lead, mean, cv = int(rng.integers(2, 7)), rng.uniform(3, 6), rng.uniform(0.2, 0.4)
    forecast = {"kind": "moving_average", "window": 28}
    data: dict[str, Any] = {
        "name": "small-electronics", "horizon": PERIODS, "seed": seed,
        "stages": ["components", "boards", "plant", "dc", "market"],
        "sites": [
            {"name": "chips", "stage": "components"}, {"name": "memory", "stage": "components"},
            {"name": "fab", "stage": "boards"}, {"name": "plant", "stage": "plant"},
            {"name": "dc", "stage": "dc"}, {"name": "north", "stage": "market"},
            {"name": "south", "stage": "market"},
        ],
        "items": [
            {"name": "chip", "value": 40}, {"name": "memory", "value": 20},
            {"name": "board", "value": 90},
            {"name": "laptop", "value": 300, "price": 500, "family": "laptops"},
        ],
        "families": [{"name": "laptops", "decoupling_point": "boards", "tolerance": 16}],
        "purchases": [
            {"site": "chips", "item": "chip", "lead_time": 21},
            {"site": "memory", "item": "memory", "lead_time": 14},
        ],
        "lanes": [
            {"from": "chips", "to": "fab", "lead_time": 4},
            {"from": "memory", "to": "fab", "lead_time": 3},
            {"from": "fab", "to": "plant", "lead_time": lead},
            {"from": "plant", "to": "dc", "lead_time": {"kind": "gamma", "mean": mean, "cv": cv}},
            {"from": "dc", "to": "north", "lead_time": 1},
            {"from": "dc", "to": "south", "lead_time": 2},
        ],
        "production": [
            {"site": "fab", "item": "board", "lead_time": 5,
             "inputs": [{"item": "chip"}, {"item": "memory"}]},
            {"site": "plant", "item": "laptop", "lead_time": 2, "capacity": capacity,
             "inputs": [{"item": "board"}]},
        ],
        "stock": [
            {"where": {"role": "output"}, "policy": {"kind": "base_stock", "safety_factor": parts},
             "forecast": forecast},
            {"where": {"site": "fab", "item": "board"}, "shrink": shrink, "forecast": forecast,
             "policy": {"kind": "base_stock", "safety_factor": boards}},
        ],
        "demand": [
            {"site": "north", "item": "laptop", "kind": "negative_binomial", "mean": north,
             "variance_to_mean": ratio},
            {"site": "south", "item": "laptop", "kind": "poisson", "mean": south},
        ],
        "devices": [{"kind": "cycle_count", "where": {"site": "fab", "item": "board"}, "period": 7}],
        "costs": {"capital_rate": 0.2},
    }  # fmt: skip
    true = {
        "chips/chip policy.safety_factor": parts, "memory/memory policy.safety_factor": parts,
        "fab/board policy.safety_factor": boards, "fab/board shrink": shrink,
    }  # fmt: skip
    scenario = validate(data)
    return scenario, true | moments(scenario)


def moments(scenario: Scenario) -> dict[str, float]:
    """Return what is observed of a chain, as it is simulated, whatever the law it is drawn from."""
    found = {}
    for demand in scenario.demand[:2]:
        mean, variance = demand_moments(demand)
        found[f"mean demand of {demand.site}/laptop"] = mean
        found[f"variance over mean of demand of {demand.site}/laptop"] = variance / mean
    lane = next(lane for lane in scenario.lanes if lane.to == "dc")
    mean, variance = lead_time_moments(lane.lead_time)
    found["mean lead time of plant->dc"] = mean
    found["lead time cv of plant->dc"] = variance**0.5 / mean
    return found


def intervals(found: Calibration) -> dict[str, tuple[float, float]]:
    """Return the 90 % interval of everything that was inferred or observed, by name.

    What was observed is taken from the draws of the posterior sample, each the law that calibration
    chose: so none is left out where it chose another than the true one.
    """
    hidden = {
        f"{p.name} {row.name}": (row.low, row.high) for p in found.points for row in p.identified
    }
    draws = [moments(posterior.drawn(found.scenario, d)) for d in range(DRAWS)]
    ends = {name: np.quantile([one[name] for one in draws], LEVELS) for name in draws[0]}
    return hidden | {name: (float(low), float(high)) for name, (low, high) in ends.items()}


def answers(scenario: Scenario, replications: int, seed: int) -> dict[str, np.ndarray]:
    """Return the two what-if answers, one number per replication."""
    known = {"replications": replications, "seed": seed}
    base = twin.run(scenario, **known, baseline=False).values["running_cost"]
    moved = twin.run(scenario, **known, set=MOVE, baseline=False).values["running_cost"]
    broken = twin.run(scenario, **known, set=OUTAGE, baseline=False).values["on_time"]
    return {"cost of moving the cut": moved - base, "service under an outage": broken}


def repeat(seed: int) -> dict[str, Any]:
    """Draw, emulate, calibrate and ask once."""
    begun = time.perf_counter()
    scenario, true = chain(seed)
    events = emulate.events(scenario, seed=seed)
    start = twin.apply(scenario, WRONG)
    found = calibrate(events, start, seed=seed, simulations=SIMULATIONS)
    seconds = time.perf_counter() - begun
    ends = intervals(found)
    inside = {
        name: bool(ends[name][0] <= x <= ends[name][1]) for name, x in true.items() if name in ends
    }
    real = answers(scenario, 1, 10_000 + seed)
    asked = answers(found.scenario, DRAWS, 20_000 + seed)
    told = {}
    for name, values in asked.items():
        below, tied = (values < real[name][0]).mean(), (values == real[name][0]).mean()
        told[name] = float(below + tied / 2)
    capacity = next(e for e in found.estimates if e.name.startswith("capacity"))
    return {
        "inside": inside, "answers": told, "seconds": seconds, "missing": sorted(set(true) - set(ends)),
        "cut": found.scenario.families[0].decoupling_point == "boards",
        "capacity": bool(abs(capacity.value / scenario.production[1].capacity - 1) < 1e-6),
        "flagged": len(found.flagged),
    }  # fmt: skip


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    triad = np.array([harness.triad() for _ in range(5)])
    begun = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        done = []
        for n, one in enumerate(pool.map(repeat, range(repeats))):
            done.append(one)
            print(json.dumps(one), flush=True)
            if n % 10 == 9:
                print(f"{n + 1} of {repeats}: {time.perf_counter() - begun:.0f} s", flush=True)
    write(done, triad, time.perf_counter() - begun)


def write(done: list[dict[str, Any]], triad: np.ndarray, seconds: float) -> None:
    """Write what it came to."""
    table = harness.Table("Calibration: from telemetry to a what-if, end to end")
    by_name: dict[str, list[bool]] = defaultdict(list)
    for one in done:
        for name, held in one["inside"].items():
            by_name[name].append(held)
    pooled = [held for held_of in by_name.values() for held in held_of]
    floor = "84-96 %"
    share = float(np.mean(pooled))
    table.add(
        "intervals of parameters, pooled", f"cover {share:.1%}", floor,
        f"{len(done)} chains, {len(pooled)} intervals", triad, 0.84 <= share <= 0.96,
    )  # fmt: skip
    for name in done[0]["answers"]:
        places = np.array([one["answers"][name] for one in done])
        share = float(((places >= LEVELS[0]) & (places <= LEVELS[1])).mean())
        table.add(
            f"band of the {name}", f"covers {share:.1%}", floor,
            f"one year of the true twin, {len(done)} chains; below it {(places < LEVELS[0]).mean():.1%}",
            triad, 0.84 <= share <= 0.96,
        )  # fmt: skip
    for name, what in (("cut", "decoupling point found"), ("capacity", "capacity met and found")):
        share = float(np.mean([one[name] for one in done]))
        table.add(what, f"{share:.1%}", "-", f"{len(done)} chains", triad, True)
    table.say(
        "Coverage by parameter: "
        + "; ".join(f"{name} {np.mean(held):.1%} of {len(held)}" for name, held in by_name.items())
        + f". Flagged: {np.mean([one['flagged'] for one in done]):.2f} of 8 stock points a chain. "
        f"Not estimated: {sum(len(one['missing']) for one in done)}. "
        f"One chain: {np.median([one['seconds'] for one in done]):.1f} s on one thread; all: {seconds:.0f} s."
    )
    table.write()


if __name__ == "__main__":
    main()
