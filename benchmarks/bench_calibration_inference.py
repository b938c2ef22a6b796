"""Is what calibration says of hidden policies right: recovery, ranks, misfit, at one site and in chains.

``python benchmarks/bench_calibration_inference.py [site] [chain] [speed]``; without a word all of it.
Thresholds are A1, A2 and A3 of the calibration design: 90 % intervals cover 84-96 %, mean error at
most 0.05 of the prior's range, ranks uniform (and not when a bug is planted), few false alarms and
most wrong lead times found.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import harness
import numpy as np
from calibration_truths import PERIODS, chain, site

from calibration import emulate
from calibration.infer import sbc
from calibration.infer.abc import Inference, Weighted, learn
from calibration.infer.cut import Cut, cut
from calibration.infer.misfit import LEVEL, REPLICATES, misfit
from calibration.infer.point import infer
from calibration.infer.prior import Prior, prior_of
from calibration.infer.rounds import learn_here
from calibration.infer.simulate import PER, Problem, reference, simulate
from calibration.infer.summaries import blurred
from calibration.periods import add_up
from twin.compile import Plan
from twin.simulation import Simulation
from twin.topology import build

SIMULATIONS = 8192
"""Of a table that serves many observations: without rounds, which look about one of them."""
SITES, TRUTHS = 10, 20
"""Demand traces of single sites, and truths drawn for each: 200 in all."""
RANKS = 600
MISFITS = 200
CHAINS, WRONG_CHAINS = 16, 2
KINDS = ("human", "base_stock_forecast")


class Score:
    """Collects what intervals of one hidden quantity were worth."""

    def __init__(self) -> None:
        self.inside: list[bool] = []
        self.error: list[float] = []
        self.rank: list[int] = []

    def add(self, low: float, middle: float, high: float, true: float, rank: int) -> None:
        self.inside.append(bool(low <= true <= high))
        self.error.append(abs(float(middle) - true))
        self.rank.append(rank)


Scores = dict[tuple[str, str], Score]


def note(scores: Scores, prior: Prior, posterior: Weighted, true: np.ndarray, seed: int) -> None:
    """Add the posterior of one truth (shares of the ranges)."""
    low, middle, high = posterior.quantiles((0.05, 0.5, 0.95))
    ranks = (posterior.draws(sbc.DRAWS, seed) < true).sum(axis=0)
    for i, name in enumerate(prior.names):
        scores[prior.kind, name].add(low[i], middle[i], high[i], true[i], int(ranks[i]))


def table_of(problem: Problem, prior: Prior, seed: int, n: int = SIMULATIONS) -> Inference:
    """Return what is learned from a reference table."""
    shares = prior.design(n, seed, PER)
    return learn(prior, shares, reference(problem, prior, shares, seed=seed), seed=seed, per=PER)


def recovery(table: harness.Table, triad: np.ndarray, scores: Scores, where: str) -> None:
    """Write coverage and mean error of every hidden quantity."""
    for (kind, name), score in sorted(scores.items()):
        cover, error, n = np.mean(score.inside), np.mean(score.error), len(score.inside)
        table.add(
            f"A1 {where}: {kind} {name}", f"covers {cover:.1%}, mean error {error:.3f}",
            "84-96 %, ≤ 0.05", f"{n} truths", triad, 0.84 <= cover <= 0.96 and error <= 0.05,
        )  # fmt: skip


def at_one_site(triad: np.ndarray) -> None:
    """A1 to A3 at single stock points."""
    table = harness.Table("Calibration: hidden policies at one site")
    for kind in KINDS:
        scores: Scores = defaultdict(Score)
        for n in range(SITES):
            problem, scale = site(n)
            prior = prior_of(kind, scale)
            inference = table_of(problem, prior, seed=n)
            true = np.random.default_rng((n, 1)).random((TRUTHS, len(prior.hidden)))
            seen = reference(problem, prior, true, seed=1000 + n, per=1)
            for i in range(TRUTHS):
                note(scores, prior, inference.posterior(seen[i]), true[i], i)
        recovery(table, triad, scores, "one site")
    for kind in KINDS:
        ranks_at_one_site(table, triad, kind)
        misfit_at_one_site(table, triad, kind)
    table.write()


def ranks_at_one_site(table: harness.Table, triad: np.ndarray, kind: str) -> None:
    """A2: uniform ranks, and not with a planted bug."""
    problem, scale = site(0)
    prior = prior_of(kind, scale)
    inference = table_of(problem, prior, seed=0, n=2 * SIMULATIONS)
    true = np.random.default_rng(2).random((RANKS, len(prior.hidden)))
    late = replace(problem, lead_times=[problem.lead_times[0] + 1])
    for what, model, adjust in (
        ("", problem, True), (", plain rejection", problem, False), (", lead time off by one", late, True),
    ):  # fmt: skip
        seen = reference(model, prior, true, seed=2000, per=1)
        found = sbc.ranks(inference, true, seen, seed=3, adjust=adjust)
        p, right = sbc.uniformity(found), what == ""
        wanted = f"p > {0.01 / p.size:.4f} each" if right else "not uniform"
        table.add(
            f"A2 one site: {kind}{what}", "p = " + ", ".join(f"{x:.3f}" for x in p), wanted,
            f"{RANKS} ranks, {sbc.BINS} bins", triad, sbc.passes(found) == right,
        )  # fmt: skip
        if right:
            rows = [
                f"{name}: {' '.join(map(str, h))}"
                for name, h in zip(prior.names, sbc.histogram(found).T, strict=True)
            ]
            table.say(
                f"Rank histograms of {kind} ({RANKS / sbc.BINS:.0f} expected per bin): "
                + "; ".join(rows)
                + "."
            )


def misfit_at_one_site(table: harness.Table, triad: np.ndarray, kind: str) -> None:
    """A3: false alarms, and wrong lead times found."""
    problem, scale = site(3)  # a lead time of some days, so that two more are no other world
    prior = prior_of(kind, scale)
    inference = table_of(problem, prior, seed=0)
    true = np.random.default_rng(4).random((MISFITS, len(prior.hidden)))
    for off in (0, 1, 2):
        model = replace(problem, lead_times=[problem.lead_times[0] + off])
        seen = reference(model, prior, true, seed=4000, per=1)
        flags = [flagged(problem, inference, seen[i], 5000 + i) for i in range(MISFITS)]
        share = float(np.mean(flags))
        goal, met = ("≤ 5 %", share <= 0.05) if off == 0 else ("≥ 80 %", share >= 0.8)
        goal, met = ("-", True) if off == 1 else (goal, met)
        table.add(
            f"A3 one site: {kind}, lead time {problem.lead_times[0]} really {model.lead_times[0]}",
            f"flagged {share:.1%}", goal, f"{MISFITS} truths at level {LEVEL}", triad, met,
        )  # fmt: skip


def flagged(problem: Problem, inference: Inference, seen: np.ndarray, seed: int) -> bool:
    drawn = inference.posterior(seen).draws(REPLICATES, seed)
    return misfit(seen, reference(problem, inference.prior, drawn, seed=seed, per=1)).flagged


def again(part: Cut, kind: str, seed: int) -> bool:
    """Return whether a stock point is flagged by all that calibration does: its second attempt too."""
    return infer(part, seed=seed, kinds=(kind,)).misfits


def in_chains(triad: np.ndarray) -> None:
    """A1 to A3 on chains of 30 stock points, cut along what is observed."""
    table = harness.Table("Calibration: hidden policies in chains of 30 stock points")
    scores: Scores = defaultdict(Score)
    alarms: dict[str, list[bool]] = {"right": [], "wrong": []}
    begun = time.perf_counter()
    for n in range(CHAINS):
        for found in one_chain(n, scores, n < WRONG_CHAINS):
            alarms[found[0]].append(found[1])
        print(f"chain {n}: {time.perf_counter() - begun:.0f} s", flush=True)
    recovery(table, triad, scores, "chain")
    by_name: dict[str, list[int]] = defaultdict(list)
    for (kind, name), score in scores.items():
        by_name[name if name == "shrink" else f"{kind} {name}"] += score.rank
        by_name["all hidden quantities"] += score.rank
    for name, ranks in sorted(by_name.items()):
        p = float(sbc.uniformity(np.array(ranks)[:, None])[0])
        table.add(
            f"A2 chain: {name}", f"p = {p:.3f}", f"p > {0.01 / len(by_name):.4f}",
            f"{len(ranks)} ranks, {sbc.BINS} bins", triad, p > 0.01 / len(by_name),
        )  # fmt: skip
    for what, goal in (("right", "≤ 5 %"), ("wrong", "≥ 80 %")):
        share = float(np.mean(alarms[what]))
        table.add(
            f"A3 chain: lead times {what}{' by 2 days' if what == 'wrong' else ''}",
            f"flagged {share:.1%}", goal, f"{len(alarms[what])} stock points at level {LEVEL}", triad,
            share <= 0.05 if what == "right" else share >= 0.8,
        )  # fmt: skip
    table.say(
        f"{CHAINS} chains in {time.perf_counter() - begun:.0f} s on one thread, with emulating their telemetry."
    )
    table.write()


def one_chain(n: int, scores: Scores, wrong: bool) -> Iterable[tuple[str, bool]]:
    """Emulate a chain, infer every stock point, add scores; yield whether each is flagged."""
    scenario, truth = chain(n)
    periods = add_up(emulate.events(scenario), scenario, first=0, last=PERIODS - 1)
    top = build(scenario)
    for point in top.points:
        kind, values = truth[point.name]
        found = cut(periods, top, point.index)
        assert found.problem is not None, found.reason
        assert found.observed is not None
        assert found.scale is not None
        problem, seed = found.problem, 100 * n + point.index
        prior = prior_of(kind, found.scale, also=found.also)
        seen = blurred(problem.look(found.observed), seed)[0]
        inference, _ = learn_here(problem, prior, seen, seed=seed, end=PERIODS * 4 // 5)
        true = prior.shares(np.array([[values[name] for name in prior.names]]))[0]
        sample = inference.posterior(seen)
        whole = Weighted(inference.prior.whole(sample.shares), sample.weights)
        note(scores, prior, whole, true, seed)
        right = flagged(problem, inference, seen, seed)
        yield "right", right and again(found, kind, seed)
        if wrong:
            lead = min(problem.lead_times) + 2
            late = replace(problem, supply=None, lead_times=[lead], on_way=())
            wrongly, _ = learn_here(late, prior, seen, seed=seed, end=PERIODS * 4 // 5)
            alarm = flagged(late, wrongly, seen, seed)
            yield "wrong", alarm and again(found._replace(problem=late), kind, seed)


def speed(triad: np.ndarray) -> None:
    """Site-days a second, beside the bare kernel."""
    table = harness.Table("Calibration: speed of inference")
    problem, scale = site(0)
    prior = prior_of("human", scale)
    shares = prior.design(2048, 1, PER)
    values = prior.values(shares)
    plan = Plan.of(chain_of_one(problem))

    def bare() -> float:
        sims = [Simulation(plan, 64, 64 * k) for k in range(8)]
        return harness.wall(lambda: [sim.advance(PERIODS) for sim in sims])

    found = harness.take_turns(
        {
            "bare": bare,
            "simulate": lambda: harness.wall(
                lambda: [simulate(problem, prior, values[i : i + 512], seed=1, per=PER) for i in range(0, 2048, 512)]
            ),
            "table": lambda: harness.wall(lambda: reference(problem, prior, shares, seed=1)),
        },
        9,
    )  # fmt: skip
    kernel = 512 * PERIODS / np.median(found["bare"]) / 1e6
    for name, what in (
        ("simulate", "simulated with records"),
        ("table", "simulated and summarised"),
    ):
        rate = 2048 * PERIODS / np.median(found[name]) / 1e6
        table.add(
            f"site-days a second, {what}", f"{rate:.1f} million", "-",
            f"bare kernel, same site: {kernel:.1f} million ({rate / kernel:.2f} of it)",
            found["triad"], True,
        )  # fmt: skip
    table.write()


def chain_of_one(problem: Problem) -> object:
    """Return the same site as a plain scenario, nothing recorded."""
    from calibration.infer.simulate import site_scenario

    return site_scenario(problem, prior_of("human", site(0)[1]), [{"shrink": 1.0}])


def main() -> None:
    triad = np.array([harness.triad() for _ in range(5)])
    parts = {"site": at_one_site, "chain": in_chains, "speed": speed}
    for name in sys.argv[1:] or parts:
        parts[name](triad)


if __name__ == "__main__":
    main()
