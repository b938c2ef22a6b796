"""Closures that roll over the network: what a wave costs, what covers it, where it spreads.

::

    twin study covid-wave --scenario electronics --out wave
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

import numpy as np
from pydantic import Field, field_validator

from twin.compile.rules import first_forecasts
from twin.errors import RunError, ScenarioError
from twin.names import matches, nearest
from twin.problems import show
from twin.result import number, words
from twin.schema import Scenario
from twin.schema.base import Pattern, param
from twin.study.findings import Findings
from twin.study.ready import ready
from twin.study.ready.base import Bench, Options
from twin.study.ready.covid_wave_grid import Asked, Cover, Grid, Wave
from twin.study.ready.covid_wave_ripple import Ripple, named, ripple
from twin.study.ready.covid_wave_uptime import Asked as AskedUptime
from twin.study.ready.covid_wave_uptime import Uptime
from twin.study.ready.words import counted, said, sign, told
from twin.topology import Topology, build

QUESTION = "What does a wave of closures do, what covers it, where does it spread, how soon?"

FEWEST = 32
"""Replications of random failures where the scenario, all else being certain, needs fewer."""

WEEK = {"day": 7, "week": 1}
"""Periods of a week."""


Share = Annotated[float, Field(ge=0, le=1)]
Working = Annotated[float, Field(gt=0, le=1)]
Pace = Annotated[float, Field(ge=0, le=10)]
Periods = Annotated[int, Field(ge=1, le=100_000)]


By = Literal["stage", "site", "owner", "kind"]


class CovidWave(Options):
    """Closures that roll from place to place, and what is held against them."""

    by: By = param("stage", "what the places of the wave are: each one closes as a whole")
    places: list[Pattern] | None = param(
        None,
        "places in the order in which they close; default: all, from source to customer",
        min_length=1,
    )
    lengths: list[Periods] | None = param(
        None,
        "lengths of one closure; default: three that end within the run",
        unit="periods",
        min_length=1,
    )
    paces: list[Pace] = param(
        lambda: [0.0, 0.5, 1.0],
        "from one closure to the next, as a share of its length: 0 all at once, 1 in turn",
        min_length=1,
    )
    severity: float = param(
        0.9, "share of the work that a closed place cannot do", unit="share", gt=0, le=1
    )
    extra: list[Periods] | None = param(
        None,
        "covers: periods of stock added where customers are served from; default: 1 and 2 weeks",
        unit="periods",
    )
    backups: list[Share] = param(
        lambda: [0.5], "covers: shares of the closed work that someone else does", unit="share"
    )
    closed: Pattern | None = param(
        None, "place whose closure is followed through the network; default: the first of the wave"
    )
    shortfall: float = param(
        0.05, "missing output by which a site counts as hit", unit="share", gt=0, lt=1
    )
    supplier: str | None = param(
        None, "site whose uptime is varied; default: the supplier that most value comes from"
    )
    uptimes: list[Working] = param(
        lambda: [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0],
        "its uptimes, each above 0",
        unit="share",
        min_length=2,
    )
    stretch: int | None = param(
        None, "periods that it works or fails at a time; default: a week", unit="periods", ge=1
    )
    buffers: list[Periods] | None = param(
        None,
        "buffers beyond it that are compared with none; default: 1 period, 1, 2 and 4 weeks",
        unit="periods",
        min_length=1,
    )

    @field_validator("paces", "backups", "uptimes", "lengths", "extra", "buffers", "places")
    @classmethod
    def _each_once(cls, given: list[Any] | None) -> list[Any] | None:
        if given is not None and len({*map(str, given)}) < len(given):
            msg = f"{given} names something twice; give each once"
            raise ValueError(msg)
        return given


@ready("covid-wave", CovidWave)
def covid_wave(options: CovidWave, bench: Bench) -> Findings:
    """Closures that roll over the network: what they cost, what covers them, where they spread."""
    scenario = bench.scenario
    where = _closures(options, scenario)
    bench.note("waves of closures")
    grid = Grid(_waves(options, scenario, where), bench)
    bench.note("the ripple of one closure")
    spread = _ripple(options, bench, where[0], grid.middle.length)
    answers = [*_of_waves(grid), *_of_covers(grid), *_of_ripple(spread)]
    sheets, charts = [*grid.sheets(), *spread.sheets()], [*grid.charts(), *spread.charts()]
    limits = list(LIMITS)
    bench.note("the uptime of a supplier")
    try:
        uptime = Uptime(_uptimes(options, scenario), bench)
    except RunError as error:
        if options.supplier is not None:
            raise
        limits.append(f"The uptime that a chain without buffers needs was not sought: {error}.")
    else:
        answers += _of_uptime(uptime)
        if uptime.place.waits_for_free(build(scenario)):
            limits.append(FREE)
        sheets += uptime.sheets()
        charts += uptime.charts()
    return Findings(
        "covid-wave", f"COVID wave: {scenario.title or scenario.name}", QUESTION, tuple(answers),
        tuple(sheets), tuple(charts), tuple(limits),
    )  # fmt: skip


LIMITS = (
    "Closures are as severe everywhere and begin and end sharply; customers want what they always "
    "want. Nobody reacts to the wave but by the policies of the scenario.",
    "A backup does its share of the closed work at no other cost or delay than the closed place.",
    "The scenario's own disruptions are left out.",
)
FREE = (
    "Customers wait for nothing here (no backlog_cost, nobody leaves), so no buffer can pay by "
    "cost; give stock points with customers a backlog_cost to see when one does."
)


# ------------------------------------------------------------------------------------ what is asked
def _closures(options: CovidWave, scenario: Scenario) -> list[dict[str, Any]]:
    """Return a pattern of each place in the order in which they close."""
    top = build(scenario)
    places: Sequence[Pattern] = options.places or _all_places(top, options.by)
    for place in places:
        _check_place(top, options.by, place)
    return [{options.by: place} for place in places]


def _check_place(top: Topology, by: str, place: Pattern) -> None:
    known = _all_places(top, by)
    if any(matches(name, place) for name in known):
        return
    others = [x for x in get_args(By) if any(matches(n, place) for n in _all_places(top, x))]
    hint = f"it is a {others[0]}: add by={others[0]}" if others else nearest(str(place), known)
    msg = f"places: no {by} is named {show(place)}; {hint}"
    raise ScenarioError(msg)


def _all_places(top: Topology, by: str) -> list[str]:
    """Return the stages, sites, owners or kinds from source to customer."""
    upstream_first = sorted(top.points, key=lambda p: -p.level)
    if by == "stage":
        there = {p.stage for p in top.points}
        return [stage for stage in top.stages() if stage in there]
    names = {"site": "name", "owner": "who", "kind": "kind"}
    return list(dict.fromkeys(str(getattr(p.site, names[by])) for p in upstream_first))


def _waves(options: CovidWave, scenario: Scenario, where: list[dict[str, Any]]) -> Asked:
    window = scenario.horizon - scenario.warmup
    week = WEEK[scenario.calendar.period]
    lengths = options.lengths
    if lengths is None:  # the longest, in turn, ends with a fifth of the window left
        middle = max(1, min(4 * week, round(0.35 * window / len(where))))
        lengths = sorted({max(1, middle // 2), middle, 2 * middle})
    extra = [week, 2 * week] if options.extra is None else options.extra
    covers = [Cover("none")]
    covers += [Cover(f"{counted(n, scenario)} of stock", extra=n) for n in extra]
    covers += [Cover(f"{100 * share:g} % backed up", backup=share) for share in options.backups]
    return Asked(
        where=where,
        begin=scenario.warmup + window // 10,
        severity=options.severity,
        waves=[Wave(length, pace) for length in lengths for pace in options.paces],
        covers=covers,
        replications=options.replications,
    )


def _ripple(options: CovidWave, bench: Bench, first: dict[str, Any], length: int) -> Ripple:
    scenario = bench.scenario
    place = first if options.closed is None else {options.by: options.closed}
    entry = {"kind": "outage", "name": "closure", "where": place, "severity": options.severity,
             "start": scenario.warmup + (scenario.horizon - scenario.warmup) // 10,
             "duration": length}  # fmt: skip
    asked = (entry, options.shortfall, options.replications)
    kept = bench.keep(
        "ripple", [scenario.hash(), scenario.seed, *asked], _rippled, scenario, *asked
    )
    hits = [{n: np.nan if x is None else x for n, x in hit.items()} for hit in kept["hits"]]
    return Ripple(scenario, tuple(kept["closed"]), hits)


def _rippled(
    scenario: Scenario, entry: Mapping[str, Any], share: float, replications: int | None, **how: Any
) -> dict[str, Any]:
    """Return what :func:`ripple` does as plain data, without NaN, which JSON does not know."""
    closed, hits = ripple(scenario, entry, share, replications=replications, **how)
    plain = [{n: None if x != x else x for n, x in hit.items()} for hit in hits]
    return {"closed": closed, "hits": plain}


def _uptimes(options: CovidWave, scenario: Scenario) -> AskedUptime:
    week = WEEK[scenario.calendar.period]
    return AskedUptime(
        supplier=options.supplier or _largest_supplier(build(scenario)),
        uptimes=sorted(options.uptimes),
        stretch=options.stretch or week,
        buffers=options.buffers or sorted({1, week, 2 * week, 4 * week}),
        replications=options.replications or max(scenario.replications, FEWEST),
    )


def _largest_supplier(top: Topology) -> str:
    """Return the site without suppliers within the network that most value comes from."""
    mean = first_forecasts(top).mean
    supplied = {top.points[e.to].site.name for e in top.links if e.kind == "ship"}
    value: dict[str, float] = {}
    for e in top.links:
        if e.kind == "ship" and e.source not in supplied:
            worth = e.share * mean[e.to] * top.points[e.to].item.value
            value[e.source] = value.get(e.source, 0.0) + worth
    if not value:
        msg = "no site of the network supplies another one"
        raise RunError(msg)
    return max(value, key=lambda name: value[name])


# ----------------------------------------------------------------------------------------- answers
def _of_waves(grid: Grid) -> list[str]:
    periods, money = words("periods", grid.scenario), grid.unit("running_cost")
    rows = grid.waves.to_dict("records")
    calm, plain = rows[0], grid.asked.covers[0].name
    alone = [row for row in rows if row["cover"] == plain and row["length"]]
    worst = max(alone, key=lambda row: float(row["loss_area"]))
    found = [
        f"The worst wave tried, {counted(worst['length'], grid.scenario)} at each of "
        f"{len(grid.asked.where)} places, {worst['pace']}, costs "
        f"{told(worst, 'loss_area', periods)} of service: {told(worst, 'on_time', 'share')} comes "
        f"on time instead of {told(calm, 'on_time', 'share')}, and running costs are "
        f"{told(worst, 'running_cost', money)} instead of {told(calm, 'running_cost', money)}."
    ]
    same = [row for row in alone if row["length"] == grid.middle.length]
    if len(same) > 1:
        low, high = (pick(same, key=lambda row: float(row["loss_area"])) for pick in (min, max))
        found.append(
            f"Closures of {counted(grid.middle.length, grid.scenario)} cost most when they come "
            f"{high['pace']} ({told(high, 'loss_area', periods)}) and least when they come "
            f"{low['pace']} ({told(low, 'loss_area', periods)})."
        )
    return found


def _of_covers(grid: Grid) -> list[str]:
    if len(grid.asked.covers) == 1:
        return []
    periods, money = words("periods", grid.scenario), grid.unit("running_cost")
    found = []
    for row in sorted(grid.worth.to_dict("records"), key=lambda row: -float(row["saved"])):
        saves = ("saves", "does not clearly save service: it saves", "makes it worse: it saves")[
            1 - sign(row, "saved")
        ]
        found.append(
            f"Cover: {row['cover']} {saves} {told(row, 'saved', periods)} of service in the mean "
            f"over the waves and costs {told(row, 'premium', money)} while nothing happens."
        )
    return found


def _of_ripple(spread: Ripple) -> list[str]:
    periods = words("periods", spread.scenario)
    closed, reached = named(spread.closed), spread.reached
    if not reached:
        return [f"The closure of {closed} is not felt at any other site."]
    top = build(spread.scenario)
    sold = {top.points[sink.row].site.name for sink in top.sinks}
    at_door = [hit for hit in reached if hit["site"] in sold]
    ends = [f"{hit['site']} after {told(hit, 'after', periods)}" for hit in reached]
    when = ends[0] if len(ends) == 1 else f"first {ends[0]}, last {ends[-1]}"
    door = "No site that sells to customers is hit."
    if at_door:
        when_there = told(at_door[0], "after", periods)
        door = f"Customers feel it first at {at_door[0]['site']}, after {when_there}."
    others = sum(not hit["closed"] for hit in spread.hits)
    return [
        f"The closure of {closed} hits {len(reached)} of {others} other sites: {when} (medians). "
        f"{door}"
    ]


def _of_uptime(uptime: Uptime) -> list[str]:
    tried, supplier = uptime.asked.uptimes, uptime.asked.supplier
    at, low, high = uptime.threshold
    pull = f"pull without buffers from {uptime.place.said}"
    if at <= tried[0]:
        text = (
            f"{pull} is the cheapest even where {supplier} works {100 * tried[0]:g} % of the time"
        )
    elif at >= tried[-1]:
        text = (
            f"{pull} is never the cheapest, not even where {supplier} works "
            f"{100 * tried[-1]:g} % of the time: demand alone makes buffers pay"
        )
    else:
        text = (
            f"{pull} is the cheapest where {supplier} works at least "
            f"{said((at, low, high), 'share')} of the time; below, a buffer behind it pays"
        )
    rule = uptime.rule
    theory = f" One stage alone would need {number(100 * rule)} %, p / (p + h)." if rule else ""
    stretch = counted(uptime.asked.stretch, uptime.scenario)
    return [f"By running cost, {text} (it works or fails for {stretch} at a time).{theory}"]
