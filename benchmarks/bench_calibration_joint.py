"""Stock points without telemetry between others that have some: are joint posteriors right?

``python benchmarks/bench_calibration_joint.py [repeats]``. A year of a chain is emulated with policies
drawn from the prior, all events of its middle site are taken out, and what is hidden of the middle
and of who supplies it is inferred together. 90 % intervals must cover 84-96 %, ranks must be uniform,
and neither where the lead time to the middle is off by one.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import harness
import numpy as np
from calibration_chains import electronics

import twin
from calibration import emulate
from calibration.infer import sbc
from calibration.infer.abc import learn
from calibration.infer.blind import around, groups
from calibration.infer.joint import Together
from calibration.infer.prior import Scale, prior_of
from calibration.infer.simulate import PER, reference
from calibration.infer.together import infer_together
from calibration.periods import add_up
from twin.schema import Scenario
from twin.topology import build
from twin.validate import validate

REPEATS = 48
PERIODS = 364
SIMULATIONS = 2048
RANKS = 400
TABLE = 8192
Truth = dict[str, float]


def distribution(seed: int) -> tuple[Scenario, Truth, str]:
    """Return a chain drawn at random, hub to middle to three shops, its truth and its silent site."""
    rng = np.random.default_rng((11, seed))
    truth: Truth = {}
    stock = []
    lead = {name: int(rng.integers(2, 8)) for name in ("hub", "middle", "a", "b", "c")}
    for name in lead:
        prior = prior_of("base_stock_forecast", Scale(30.0, 10.0, lead[name]), also=())
        values = prior.values(rng.random((1, len(prior.hidden))))[0]
        known = dict(zip(prior.names, values.tolist(), strict=True))
        stock.append(
            {
                "where": {"site": name},
                "policy": {
                    "kind": "base_stock",
                    "safety_factor": known["policy.safety_factor"],
                },
                "forecast": {"sees": "orders", "smoothing": known["forecast.smoothing"]},
            }
        )
        if name in ("hub", "middle"):
            truth |= {f"{name}/item {key}": value for key, value in known.items()}
    lanes = [{"from": "hub", "to": "middle", "lead_time": lead["middle"]}]
    lanes += [{"from": "middle", "to": name, "lead_time": lead[name]} for name in "abc"]
    data: dict[str, Any] = {
        "name": "distribution", "horizon": PERIODS, "seed": seed,
        "sites": [{"name": name} for name in lead], "items": [{"name": "item"}], "lanes": lanes,
        "purchases": [{"site": "hub", "item": "item", "lead_time": lead["hub"]}], "stock": stock,
        "demand": [
            {"site": name, "item": "item", "kind": "negative_binomial",
             "mean": rng.uniform(6, 40), "variance_to_mean": rng.uniform(1.5, 6)} for name in "abc"
        ],
    }  # fmt: skip
    return validate(data), truth, "middle"


def production(seed: int) -> tuple[Scenario, Truth, str]:
    """Return the electronics chain of the end-to-end benchmark; its maker of boards is silent."""
    chain = electronics(seed)
    return (
        chain.scenario,
        {k: v for k, v in chain.true.items() if k.endswith("safety_factor")},
        "fab",
    )


def together(scenario: Scenario, silent: str, start: Scenario | None = None) -> Together:
    """Return the stock points around a site whose events are taken out of a year of telemetry."""
    events = emulate.events(scenario)
    start = scenario if start is None else start
    periods, top = add_up(events[events["site"] != silent], start), build(start)
    (rows,) = groups(periods, top)
    return Together(around(periods, top, rows), periods)


def start_of(scenario: Scenario) -> Scenario:
    """Return the scenario that calibration begins with: it knows no safety factor."""
    keys = [f"stock[{i}].policy.safety_factor" for i in range(len(scenario.stock))]
    return twin.apply(scenario, dict.fromkeys(keys, 2.0))


def repeat(make: Any, repeats: int) -> Iterator[tuple[str, bool, float, float, bool]]:
    """Yield name, coverage, relative width, seconds of CPU and misfit of everything hidden."""
    for seed in range(repeats):
        scenario, truth, silent = make(seed)
        problem = together(scenario, silent, start_of(scenario))
        begun = time.process_time()
        found = infer_together(problem.group, problem.periods, seed=seed, simulations=SIMULATIONS)
        spent = time.process_time() - begun
        for point in found:
            for row in point.identified:
                name = f"{point.name} {row.name}"
                if name in truth:
                    inside = row.low <= truth[name] <= row.high
                    yield name, inside, row.width, spent, point.misfits


def coverage(table: harness.Table, triad: np.ndarray, what: str, make: Any, repeats: int) -> None:
    """Write how often 90 % intervals hold the truth, by hidden quantity and pooled."""
    rows: dict[str, list[tuple[bool, float, float, bool]]] = defaultdict(list)
    for name, *rest in repeat(make, repeats):
        rows[name].append(tuple(rest))
        rows["all hidden quantities"].append(tuple(rest))
    for name, found in rows.items():
        inside, width, spent, off = np.array(found, float).T
        pooled = name == "all hidden quantities"
        table.add(
            f"{what}: {name}", f"covers {inside.mean():.1%}, width {np.median(width):.2f} of the prior's",
            "84-96 % pooled" if pooled else "-", f"{len(found)} truths, flagged {off.mean():.1%}, "
            f"{np.mean(spent):.0f} s of CPU a chain", triad,
            not pooled or 0.84 <= inside.mean() <= 0.96,
        )  # fmt: skip


def ranks(table: harness.Table, triad: np.ndarray) -> None:
    """Write whether ranks are uniform, and not with a lead time that is off by one."""
    scenario, _, silent = distribution(0)
    problem = together(scenario, silent)
    lead = scenario.lanes[0].lead_time.value
    later = twin.apply(scenario, {"lanes[0].lead_time": int(lead or 0) + 1})
    late = Together(around(problem.periods, build(later), problem.group.rows), problem.periods)
    prior = problem.prior
    shares = prior.design(TABLE, 1, PER)
    inference = learn(prior, shares, reference(problem, prior, shares, seed=1), seed=1, per=PER)
    true = np.random.default_rng(5).random((RANKS, len(prior.hidden)))
    for name, model in (("", problem), (", lead time off by one", late)):
        seen = reference(model, prior, true, seed=9, per=1)
        found = sbc.ranks(inference, true, seen, seed=3)
        p = sbc.uniformity(found)
        table.add(
            f"ranks{name}", "p = " + ", ".join(f"{x:.3f}" for x in p),
            "not uniform" if name else f"p > {0.01 / p.size:.4f} each",
            f"{RANKS} ranks, {sbc.BINS} bins", triad, sbc.passes(found) == (not name),
        )  # fmt: skip


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    triad = np.array([harness.triad() for _ in range(5)])
    table = harness.Table("Calibration: stock points without telemetry")
    coverage(table, triad, "distribution", distribution, repeats)
    coverage(table, triad, "electronics", production, repeats)
    ranks(table, triad)
    table.write()


if __name__ == "__main__":
    main()
