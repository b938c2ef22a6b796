"""Every decoupling point under calm and shocks: what it costs, whom it serves, what is regretted.

::

    twin study decoupling-frontier --scenario electronics --out frontier
"""

from __future__ import annotations

import itertools
import math
from typing import Any, Literal

import numpy as np
from pydantic import field_validator

from twin.result import number
from twin.result import words as unit_words
from twin.schema.base import Name, param
from twin.study.findings import Findings
from twin.study.ready import frontier_words as words
from twin.study.ready import ready
from twin.study.ready.base import Bench, Options
from twin.study.ready.frontier_break_even import Sweeps, discount_sheet, discounts
from twin.study.ready.frontier_cuts import TUNING, Cuts, late_cost, search, stages_of
from twin.study.ready.frontier_levers import DISCOUNT
from twin.study.ready.frontier_mirror import FAR, NEAR, lost_days, mirrored
from twin.study.ready.frontier_sheets import Told
from twin.study.ready.frontier_worlds import (
    BOTH,
    CALM,
    MIX,
    SUPPLY,
    Shocks,
    shocks,
    weights_of,
    worlds,
)
from twin.study.result import FEWEST_IN_TAIL
from twin.topology import build

QUESTION = "Where should push end and pull begin, in calm times and under shocks?"


class DecouplingFrontier(Options):
    """Every decoupling point under calm, a supply shock, a mix shock and both."""

    families: list[Name] | None = param(None, "families that are moved; default: all")
    most: int = param(16, "most combinations of decoupling points that are run", ge=2, le=10_000)
    buffers: Literal["tuned", "given"] = param(
        "tuned", "stock rules: tuned at each decoupling point, or as the scenario has them"
    )
    budget: int = param(60, "candidates that the buffers of each are tuned among", ge=2, le=100_000)
    tuned_in: Literal["calm", "all"] = param(
        "calm", "worlds for which buffers are tuned; of all worlds the plain mean counts"
    )
    late_cost: float | None = param(
        None,
        "cost of a unit that does not come on time, on top of all others; default: what a lost "
        "unit costs in the mean",
        unit="money/unit",
        ge=0,
    )
    site: Name | None = param(
        None, "site that the supply shock stops; default: the source that most value comes from"
    )
    start: int | None = param(
        None, "first period of the shocks; default: just before the middle", unit="periods", ge=0
    )
    duration: int | None = param(
        None, "length of the outage; default: 45 days", unit="periods", ge=1, le=100_000
    )
    mix_strength: float = param(
        1.0, "how far the mix moves: 1 as in the mirror experiment, 0 not at all", ge=0, le=5
    )
    mix_across: bool = param(
        False, "the mix also moves between variants that are made of different parts"
    )
    weights: dict[str, float] = param(
        lambda: {CALM: 0.7, SUPPLY: 0.1, MIX: 0.1, BOTH: 0.1},
        "how much each world counts in expected costs",
    )
    tail: float = param(
        0.8, "share of the luck that is not bad enough for the tail's mean", gt=0, lt=1
    )
    levers: list[Literal["demand_spread", "lead_time", "variants", "discount"]] = param(
        lambda: ["demand_spread", "lead_time", "variants", "discount"],
        "what break-evens are sought in",
    )
    contenders: int = param(
        4, "cheapest decoupling points between which break-evens are sought", ge=2, le=25
    )

    @field_validator("families")
    @classmethod
    def _something(cls, given: list[str] | None) -> list[str] | None:
        if given == []:
            msg = "families is empty; name one or more, or leave it out for all"
            raise ValueError(msg)
        return given


@ready("decoupling-frontier", DecouplingFrontier)
def decoupling_frontier(options: DecouplingFrontier, bench: Bench) -> Findings:
    """Every decoupling point under calm and shocks: cost, service, tails, regrets, break-evens."""
    top = build(bench.scenario)
    stages = stages_of(top, options.families)
    strikes = shocks(top, options.site, options.start, options.duration)
    shock = Shocks(*strikes, options.mix_strength, options.mix_across)
    every = worlds(top, shock)
    weights = np.array(list(weights_of(options.weights, list(every)).values()))
    least = math.ceil(round(FEWEST_IN_TAIL / (1 - options.tail), 6))
    late = late_cost(top) if options.late_cost is None else options.late_cost
    budget = options.budget if options.buffers == "tuned" else None
    tuned_in = list(every) if options.tuned_in == "all" else [CALM]
    bench.note("the mirror experiment")
    lost = lost_days(bench)
    cuts = Cuts(bench, every, options.replications or least, late, budget, tuned_in)
    search(cuts, stages, options.most, weights)
    told = Told(cuts, weights, options.tail)
    swept = [name for name in options.levers if name != DISCOUNT]
    sweeps = Sweeps(cuts, told.cheapest[: options.contenders], weights, swept)
    return _findings(options, told, sweeps, lost, shock)


def _findings(
    options: DecouplingFrontier, told: Told, sweeps: Sweeps, lost: words.Lost, shock: Shocks
) -> Findings:
    scenario = told.cuts.bench.scenario
    unit = unit_words("periods", scenario)
    mine = _own_lost(told)
    title = "The mirror experiment: days of demand that each shock takes"
    pairs = [mirrored(lost, [NEAR, FAR], "mirror", title, "days")]
    if MIX in told.worlds:
        title = f"The same for {scenario.title or scenario.name}: demand not on time, in {unit}"
        pairs.append(mirrored(mine, told.labels, "mirror-own", title, unit))
    pairs += [told.choice(), told.regret(), *sweeps.sheets()]
    rows, against = _discounts(told)
    said = [words.mirror(lost), *words.own_mirror(told, mine, unit), words.tail(told)]
    said += [words.write_offs(told), *words.break_even(sweeps)]
    if DISCOUNT in options.levers and rows:
        pairs.append(discount_sheet(rows, against))
        said += words.discount(rows, against)
    sheets = [sheet for sheet, _ in pairs] + [*told.judged(), told.results()]
    sheets += [sweeps.sheet()] if sweeps.changes() else []  # the words say that nothing changes
    return Findings(
        "decoupling-frontier", f"Decoupling frontier: {scenario.title or scenario.name}", QUESTION,
        (*words.choice(told), *said), tuple(sheets), tuple(chart for _, chart in pairs),
        _limits(options, told, sweeps), _notes(told, shock, unit), told.cuts.changes,
    )  # fmt: skip


def _own_lost(told: Told) -> words.Lost:
    """Return the periods of demand not delivered on time by cut and world, ``(R,)`` each."""
    scenario = told.cuts.bench.scenario
    window = scenario.horizon - scenario.warmup
    return {
        (cut, world): window * (1.0 - told.cuts.values(cut, world, "on_time"))
        for cut, world in itertools.product(told.labels, told.worlds)
    }


def _discounts(told: Told) -> tuple[list[dict[str, Any]], str]:
    """Return the discounts that even each cut with the best one, and which that is."""
    spent = told.table("total_cost") - told.table("running_cost")
    bought = np.einsum("cwr,w->cr", spent, told.weights)
    if not bought.any():
        return [], ""
    best = int((told.expected + bought).mean(axis=1).argmin())
    return discounts(told.labels, told.expected, bought, best), told.labels[best]


def _limits(options: DecouplingFrontier, told: Told, sweeps: Sweeps) -> tuple[str, ...]:
    found = [
        "The shocks are assumed: one site out for one length, one shift of the mix, at one time. "
        "The scenario's own disruptions are left out.",
        "A decoupling point is where the run starts: moving there costs nothing here.",
        "Break-evens are between the cheapest few decoupling points, with buffers as they are "
        "today; others may be better at other levels.",
        "Fewer variants are tried, never more than there are: all demand goes to the most wanted.",
    ]
    if options.buffers == "given":
        found.append("Buffers follow the scenario's own rules everywhere; they are not optimised.")
    else:
        found.append(
            f"Buffers are tuned for {' and '.join(told.cuts.tuned_in)}, the best of {options.budget} "
            f"candidates in {TUNING} draws of luck: good ones, not proven optima."
        )
    if not told.cuts.late_cost:
        found.append("Lateness costs nothing: give late_cost to weigh it.")
    if MIX not in told.worlds:
        found.append(
            "No family has two variants of the same parts, so no mix can shift (mix_across=true: of any)."
        )
    for name in sweeps.absent:
        found.append(f"No break-even in {name.replace('_', ' ')}: the scenario has none to vary.")
    return tuple(found)


def _notes(told: Told, shock: Shocks, unit: str) -> tuple[str, ...]:
    scenario = told.cuts.bench.scenario
    weights = dict(zip(told.worlds, told.weights, strict=True))
    shares = ", ".join(f"{world} {number(float(x))}" for world, x in weights.items())
    return (
        f"Supply shock: {shock.site} out for {shock.duration} {unit} from {scenario.calendar.period} "
        f"{shock.start}; mix shock: from then on, the less a variant is wanted, the more it gains.",
        f"Weights of the worlds: {shares}. A unit that is not on time costs "
        f"{number(told.cuts.late_cost)} on top of all other costs.",
        f"{told.cuts.replications} draws of luck, the same for all decoupling points and worlds.",
        *told.cuts.notes,
    )
