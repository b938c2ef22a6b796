"""Every site and every lane out in turn: who can wait, who cannot, and what would cover it.

::

    twin study stress-test --scenario electronics --out stress
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import model_validator

from twin.errors import RunError
from twin.names import matches, nearest
from twin.schema import Scenario
from twin.schema.base import Pattern, param
from twin.study.findings import Findings
from twin.study.linear_programme import network
from twin.study.ready import ready
from twin.study.ready.base import Bench, Options
from twin.study.ready.stress_buffers import buffered
from twin.study.ready.stress_places import (
    Calm,
    Place,
    calm,
    places,
    survived,
    unbounded,
)
from twin.study.ready.stress_runs import (
    ENDS,
    Curves,
    Outage,
    Test,
    curves,
    judged_by,
    leads,
    measured,
)
from twin.study.ready.stress_sheets import shown
from twin.study.ready.stress_words import LIMITS, QUESTION, answers
from twin.study.ready.words import NOISE
from twin.study.result import Study
from twin.topology import Topology, build

MONTH = {"day": 30, "week": 4}
WEEK = {"day": 7, "week": 1}
"""Periods of a month and of a week."""


class StressTest(Options):
    """Every site and every lane out in turn, for as long as it takes to come back."""

    what: Literal["sites", "lanes", "both"] = param("both", "what is taken out")
    places: Pattern = param(
        "*", "patterns of the sites and lanes; an outside supplier is the lane 'supplier->site'"
    )
    duration: int | None = param(
        None, "time to recover of a place; default: 30 days", unit="periods", ge=1, le=100_000
    )
    own: dict[str, int] = param(
        dict, "times to recover of places that differ, by name or pattern", unit="periods"
    )
    weeks: int = param(0, "outages of 1, 2 ... so many weeks as well", ge=0, le=52)
    start: int | None = param(
        None, "first period of the outage; default: a quarter into the window", unit="periods", ge=0
    )
    failure: float | None = param(
        None, "performance below which the chain has failed; default: the scenario's", gt=0, lt=1
    )
    recovery: float | None = param(
        None, "performance at which a fall is over; default: the scenario's", gt=0, le=1
    )
    worst: int = param(4, "places whose service is drawn and for which stock is tried", ge=1, le=20)

    @model_validator(mode="after")
    def _times_are_some(self) -> StressTest:
        wrong = {n: t for n, t in self.own.items() if t < 1}
        if wrong:
            msg = f"own = {wrong}; a time to recover must be 1 period or more"
            raise ValueError(msg)
        return self


@ready("stress-test", StressTest)
def stress_test(options: StressTest, bench: Bench) -> Findings:
    """Every site and every lane out in turn: who can wait, who cannot, and what would cover it."""
    scenario = bench.scenario
    test, sweep = _asked(options, scenario)
    found = bench.study("outages", test.content(_runs([*test.outages, *sweep])))
    numbers = range(1, len(test.outages) + 1)
    bench.note("the linear programmes of Simchi-Levi et al.")
    state = _calm(test, bench)
    table = _ranked(_table(test, found, numbers, state))
    order = [test.outages[i] for i in table.index]
    bench.note("service of the worst places")
    drawn = _curves(test, order[: options.worst], bench)
    bench.note("stock behind the worst places")
    buffers = buffered(test, table, order, options.worst, bench)
    swept = _sweep([*test.outages, *sweep], found) if sweep else None
    sheets, charts = shown(scenario, table, drawn, buffers, swept)
    limits = (*LIMITS, unbounded(build(scenario)))
    return Findings(
        "stress-test", f"Stress test: {scenario.title or scenario.name}", QUESTION,
        answers(test, table, buffers), sheets, charts, tuple(filter(None, limits)),
    )  # fmt: skip


def _asked(options: StressTest, scenario: Scenario) -> tuple[Test, list[Outage]]:
    """Return the test, and the further outages of a sweep."""
    top = build(scenario)
    found = places(top, options.what, options.places)
    if not found:
        every = [p.name for p in places(top, options.what, "*")]
        name = options.places if isinstance(options.places, str) else ", ".join(options.places)
        msg = f"places: no site or lane is named '{name}'; {nearest(name, every)}"
        raise RunError(msg)
    named = [p.name for p in places(top, "both", "*")]  # of those left out as well
    for pattern in options.own:
        if not any(matches(name, pattern) for name in named):
            msg = f"own: no place is named '{pattern}'; {nearest(pattern, named)}"
            raise RunError(msg)
    period = scenario.calendar.period
    usual = MONTH[period] if options.duration is None else options.duration
    outages = [(p, _own(options, p, usual)) for p in found]
    lengths = [week * WEEK[period] for week in range(1, options.weeks + 1)]
    sweep = [(p, n) for p, own in outages for n in lengths if n != own]
    start = options.start
    if start is None:
        start = scenario.warmup + (scenario.horizon - scenario.warmup) // 4
    longest = max(n for _, n in [*outages, *sweep])
    if not scenario.warmup <= start or start + longest >= scenario.horizon:
        msg = (
            f"an outage from period {start} for {longest} periods must lie within the window, "
            f"periods {scenario.warmup} to {scenario.horizon - 1}, with some left to recover: set "
            "'start' or 'duration', or a longer horizon"
        )
        raise RunError(msg)
    return Test(scenario, start, outages, _levels(options), options.replications), sweep


def _own(options: StressTest, place: Place, usual: int) -> int:
    """Return the time to recover of a place: the last pattern that names it wins."""
    given = [n for pattern, n in options.own.items() if matches(place.name, pattern)]
    return given[-1] if given else usual


def _levels(options: StressTest) -> dict[str, Any]:
    levels: dict[str, Any] = {}
    if options.failure is not None:
        levels["resilience.threshold"] = 1.0 - options.failure
    if options.recovery is not None:
        levels["resilience.recovery"] = options.recovery
    return levels


def _runs(outages: list[Outage]) -> list[dict[str, Any]]:
    return [{"place": p.name, "periods": n} for p, n in outages]


def _calm(test: Test, bench: Bench) -> Calm:
    """Return the chain as it stands when the outage begins."""
    longest = max(n for _, n in test.outages)
    scenario = test.scenario
    key = [scenario.hash(), scenario.seed, test.start, longest, test.R]
    kept = bench.keep("undisturbed", key, calm, scenario, test.start, longest, test.R)
    return Calm(**{name: np.array(values) for name, values in kept.items()})


def _curves(test: Test, chosen: list[Outage], bench: Bench) -> Curves:
    scenario = test.scenario
    told = [[p.name, n] for p, n in chosen]
    key = [scenario.hash(), scenario.seed, test.start, told, dict(test.levels), test.R]
    kept: Curves = bench.keep("curves", key, curves, test, chosen)
    return kept


def _table(test: Test, found: Study, points: Sequence[int], state: Calm) -> pd.DataFrame:
    """Return one row per outage, as the sheet 'places' has it."""
    top = build(test.scenario)
    got = measured(found, points, [0] * len(points))
    out = np.array([n for _, n in test.outages], float)
    by = judged_by(got)
    most = float(got[by].max())
    most = most if most > NOISE else np.nan  # nothing is lost: there is no such index
    pace = float(state.rates.sum())
    length = test.scenario.horizon - test.scenario.warmup
    table: dict[str, Any] = {
        "place": [p.name for p, _ in test.outages],
        "kind": [p.kind for p, _ in test.outages],
        "sells": [p.sells for p, _ in test.outages],
        "out": out.astype(int),
    }
    table |= {f"exposure{end}": got[f"{by}{end}"] / most for end in ENDS}
    table |= {"first": leads(found, points, by), **got}
    table |= {f"lost_sales{end}": got.pop(f"lost_share{end}") * pace * length for end in ENDS}
    table["late_units"] = got["loss_area"] * pace
    window = test.scenario.resilience.window
    table["lasts"] = [survived(found.values(p, "tts"), int(n), window)
                      for p, n in zip(points, out, strict=True)]  # fmt: skip
    table["short"] = np.where(np.isnan(got["tts"]), 0.0, np.maximum(0.0, out - got["tts"]))
    table |= _programmes(test, top, state)
    table["worth"] = [state.worth(top, p) for p, _ in test.outages]
    return pd.DataFrame(table)


def _programmes(test: Test, top: Topology, state: Calm) -> dict[str, list[float]]:
    """Return what the linear programmes say of each outage; nothing where they bound nothing."""
    net, window, bounded = network(top), test.scenario.resilience.window, not unbounded(top)
    found: dict[str, list[float]] = {"lp_tts": [], "lp_lost": []}
    for place, periods in test.outages:
        out = place.out(top)
        tts = state.time_to_survive(net, out, test.threshold, window) if bounded else np.nan
        found["lp_tts"].append(np.nan if np.isinf(tts) else tts)
        found["lp_lost"].append(state.least_loss(net, out, periods) if bounded else np.nan)
    return found


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    """Return the outages, the worst first."""
    by = ["exposure", "loss_area", "place"]
    return table.sort_values(by, ascending=[False, False, True])


def _sweep(outages: Sequence[Outage], found: Study) -> pd.DataFrame:
    """Return one row per place and length of the outage."""
    points = range(1, len(outages) + 1)
    got = measured(found, points, [0] * len(points))
    head = {"place": [p.name for p, _ in outages], "out": [n for _, n in outages]}
    kept = [f"{name}{end}" for name in ("loss_area", "tts", "survived") for end in ENDS]
    table = pd.DataFrame({**head, **{name: got[name] for name in kept}})
    return table.sort_values(["place", "out"]).reset_index(drop=True)
