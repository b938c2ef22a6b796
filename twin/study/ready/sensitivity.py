"""Which lever first: each one alone (a tornado), and all at once (Sobol indices).

::

    twin study sensitivity --scenario small-business --out levers
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import field_validator, model_validator

from twin.errors import RunError, TwinError
from twin.kpis import KPIS
from twin.names import nearest
from twin.result import number
from twin.schema import Model, Scenario
from twin.schema.base import Name, param
from twin.statistics import interval
from twin.study.findings import Chart, Findings, Sheet
from twin.study.ready import ready
from twin.study.ready.base import Bench, Options
from twin.study.ready.runs import Runs, unit_of
from twin.study.ready.sensitivity_indices import MISSING, indices, sampled
from twin.study.ready.sensitivity_levers import Lever, Ranged, own_levers
from twin.study.ready.words import ENDS, NOISE, columns, differing, sign, told
from twin.sums import Floats
from twin.topology import build

BASE_POINTS, FEWEST_POINTS = 128, 16
"""Points behind each index where nobody says how many: at most, and at least."""

WORK = 1.5e9
"""Most work of all runs behind the indices where nobody says how many points, about two minutes on
two cores: replications times periods times stock points and supply links."""

QUESTION = "Which lever moves the chain most, alone and together with the others?"


class Turned(Model):
    """One lever of one's own: a range for one or several values of the scenario."""

    key: str | list[str] = param(..., "dotted key that takes the value, or several")
    low: float = param(..., "low end of its range")
    high: float = param(..., "high end of its range")
    whole: bool = param(False, "whole numbers only")
    log: bool = param(False, "spread the range evenly in its logarithm")

    @model_validator(mode="after")
    def _is_a_range(self) -> Turned:
        if self.low >= self.high or (self.log and self.low <= 0):
            msg = f"from {self.low} to {self.high}; low must be below high, above 0 with 'log'"
            raise ValueError(msg)
        return self

    def lever(self, name: str) -> Ranged:
        """Return the lever under a name."""
        keys = (self.key,) if isinstance(self.key, str) else tuple(self.key)
        return Ranged(name, keys, self.low, self.high, self.whole, self.log)


class Sensitivity(Options):
    """Levers that are turned one at a time and all at once."""

    metrics: list[str] = param(
        lambda: ["running_cost", "on_time"], "KPIs that are explained, the most important first"
    )
    levers: dict[Name, Turned] | None = param(
        None,
        "levers by a name of your choice; default: every number of the scenario with a control",
    )
    spread: float | None = param(
        0.2,
        "how far default levers go up and down, as a share of what they are; null: over the range "
        "of their control",
        unit="share",
        gt=0,
        lt=1,
    )
    method: Literal["both", "tornado", "sobol"] = param("both", "one at a time, all at once")
    most: int = param(6, "levers turned all at once: those that lead the tornado", ge=2, le=30)
    base: int | None = param(
        None,
        f"points behind each index, a power of 2 (runs: points x (levers + 2)); default: {BASE_POINTS}, "
        "fewer for large networks",
        ge=2,
        le=65_536,
    )
    runs: int = param(
        8, "replications of each run when all levers are turned at once", ge=1, le=1_000_000
    )

    @field_validator("metrics")
    @classmethod
    def _are_kpis(cls, given: list[str]) -> list[str]:
        for name in given:
            if name not in KPIS:
                msg = f"no KPI '{name}'; {nearest(name, KPIS)}"
                raise ValueError(msg)
        if not given:
            msg = "is empty; name at least one KPI"
            raise ValueError(msg)
        return list(dict.fromkeys(given))

    @field_validator("base")
    @classmethod
    def _is_a_power_of_two(cls, given: int | None) -> int | None:
        if given is not None and given & (given - 1):
            msg = f"{given}; Sobol points balance in powers of 2 only (32, 64, 128, ...)"
            raise ValueError(msg)
        return given


@ready("sensitivity", Sensitivity)
def sensitivity(options: Sensitivity, bench: Bench) -> Findings:
    """Which lever first: each one alone, and all at once, for any KPI."""
    scenario = bench.scenario
    levers = _levers(options, scenario)
    bench.note("one lever at a time")
    tornado = Tornado(levers, options, bench)
    answers: list[str] = []
    sheets: list[Sheet] = []
    charts: list[Chart] = []
    limits = [*LIMITS]
    if options.method != "sobol":
        for metric in options.metrics:
            answers += tornado.answers(metric)
            sheets.append(tornado.sheet(metric))
            charts.append(tornado.chart(metric))
    if options.method != "tornado":
        bench.note("all leading levers at once")
        leading = tornado.leading(options.metrics, options.most)
        try:
            together = Together(leading, options, bench)
        except TwinError as error:
            if options.method == "sobol" or (str(error) != MISSING and len(leading) > 1):
                raise
            limits.append(f"How levers work together was not looked at: {error}.")
        else:
            for metric in options.metrics:
                answers += together.answers(metric)
                sheets.append(together.sheet(metric))
                charts.append(together.chart(metric))
            limits += [OF_INDICES, *together.limits()]
    return Findings(
        "sensitivity", f"Sensitivity: {scenario.title or scenario.name}", QUESTION, tuple(answers),
        tuple(sheets), tuple(charts), tuple(limits),
    )  # fmt: skip


LIMITS = (
    "The order of the levers depends on their ranges: a lever that can be turned further leads.",
    "Levers are not told apart from what befalls the chain: whether one can be turned, and at what "
    "cost, is not in the numbers.",
)
OF_INDICES = (
    "Sobol indices take every value of a lever's range for equally likely and independent of the "
    "others, and explain the mean over the replications under one luck; the few that lead the "
    "tornado alone are turned, the rest stay as they are. They are estimates: alone can come out "
    "above together by chance."
)


def _levers(options: Sensitivity, scenario: Scenario) -> list[Lever]:
    if options.levers is not None:
        return [turned.lever(name) for name, turned in options.levers.items()]
    found = own_levers(scenario, options.spread)
    if not found:
        msg = (
            f"scenario '{scenario.name}' has no numbers that can be turned; name some: "
            "levers: {lead_time: {key: lanes[0].lead_time.value, low: 1, high: 9, whole: true}}"
        )
        raise RunError(msg)
    return found


def base_points(levers: int, runs: int, cells: int) -> int:
    """Return how many points stand behind each index where nobody says how many.

    A power of 2 from :data:`FEWEST_POINTS` to :data:`BASE_POINTS`, the largest within :data:`WORK`.

    Parameters
    ----------
    levers, runs
        Levers that are turned at once, and replications of each run.
    cells
        Work of one replication: periods times stock points and supply links.
    """
    points = BASE_POINTS
    while points > FEWEST_POINTS and points * (levers + 2) * runs * cells > WORK:
        points //= 2
    return points


BASE = "as it is"


class Tornado:
    """Each lever at both ends of its range, all others as they are.

    Parameters
    ----------
    levers
        What is turned.
    options
        What was asked for.
    bench
        Runs the inner study ``tornado``.
    """

    def __init__(self, levers: Sequence[Lever], options: Sensitivity, bench: Bench) -> None:
        self.levers, self.scenario = levers, bench.scenario
        ends = {f"{n}.{u}": x.changes(float(u)) for n, x in enumerate(levers) for u in (0, 1)}
        runs = {BASE: {}, **ends}
        self._runs = Runs(bench, "tornado", runs, options.metrics, options.replications)

    def effect(self, n: int, end: int, metric: str) -> Floats:
        """Return what a lever does at an end, against the scenario as it is, ``(R,)``."""
        return self._runs.values(f"{n}.{end}", metric) - self._runs.values(BASE, metric)

    def frame(self, metric: str) -> pd.DataFrame:
        """Return one row per lever, the one that moves the KPI most first.

        Columns: ``order``, ``lever``, ``from``, ``to`` (its ends), ``at_low`` and ``at_high`` (what
        they do) and ``width`` (from the lower of both effects and none to the higher), each with
        its interval.
        """
        rows = []
        within = KPIS[metric].extra["within"].of_difference()
        for n, lever in enumerate(self.levers):
            low, high = (self.effect(n, end, metric) for end in (0, 1))
            row: dict[str, Any] = {"lever": lever.name, "from": lever.said(0.0)}
            row |= {"to": lever.said(1.0), "number": n}
            row |= columns("at_low", low, within) | columns("at_high", high, within)
            rows.append(row | columns("width", self.width(n, metric)))
        frame = pd.DataFrame(rows).sort_values("width", ascending=False, kind="stable")
        frame.insert(0, "order", np.arange(1, len(frame) + 1))
        return frame.reset_index(drop=True)

    def width(self, n: int, metric: str) -> Floats:
        """Return how far a lever moves a KPI from one end to the other, ``(R,)``.

        Which of low, base and high end is the highest and the lowest is told by their means.
        """
        ends = [self.effect(n, end, metric) for end in (0, 1)]
        three = np.array([ends[0], np.zeros_like(ends[0]), ends[1]])
        means = np.nan_to_num([interval(x)[0] for x in three])
        return np.asarray(three[np.argmax(means)] - three[np.argmin(means)])

    def leading(self, metrics: Sequence[str], most: int) -> list[Lever]:
        """Return the levers that move some KPIs most: the first of each, then the second ..."""
        frames = [self.frame(metric) for metric in metrics]
        moving = [frame[frame["width"] > NOISE]["number"].tolist() for frame in frames]
        ranks = itertools.chain.from_iterable(itertools.zip_longest(*moving))
        chosen = list(dict.fromkeys(int(n) for n in ranks if n is not None))
        return [self.levers[n] for n in chosen[:most]]

    def answers(self, metric: str) -> list[str]:
        """Return which lever comes first, what it does, and whether it clearly leads."""
        frame, unit = self.frame(metric), unit_of(self.scenario, metric, difference=True)
        moving = frame[frame["width"] > NOISE]
        if moving.empty:
            return [f"No lever moves {metric} within its range."]
        first = moving.iloc[0]
        found = [
            f"{metric}: turn {first['lever']} first. From {first['from']} to {first['to']} it "
            f"changes {metric} by {told(first, 'at_low', unit)} and by "
            f"{told(first, 'at_high', unit)}."
        ]
        if len(moving) > 1:
            second = moving.iloc[1]
            found.append(
                f"{metric}: {second['lever']} comes second ({told(second, 'at_low', unit)} and "
                f"{told(second, 'at_high', unit)}), {self._lead(first, second, metric)}."
            )
        idle = len(frame) - len(moving)
        return [*found, f"{metric}: {idle} of {len(frame)} levers do nothing."] if idle else found

    def _lead(self, first: Any, second: Any, metric: str) -> str:
        """Return in words whether the first lever clearly moves the KPI further, paired."""
        widths = (self.width(int(row["number"]), metric) for row in (first, second))
        ahead = columns("ahead", np.subtract(*widths))
        return "clearly behind" if sign(ahead, "ahead") > 0 else "not clearly behind"

    def sheet(self, metric: str) -> Sheet:
        """Return the table of a KPI."""
        unit = unit_of(self.scenario, metric, difference=True)
        frame = self.frame(metric).drop(columns="number")
        frame, units = differing(frame, unit, "at_low", "at_high", "width")
        first = ["lever", *list(units)[:6]]  # what a page has room for
        frame = frame[[*first, *frame.columns.difference(first, sort=False)]]
        return Sheet(f"tornado_{metric}", f"{metric}: one lever at a time", frame, units)

    def chart(self, metric: str) -> Chart:
        """Return the tornado of a KPI."""
        title = f"What each lever does to {metric}, alone"
        return Chart("tornado", f"tornado_{metric}", title, f"tornado_{metric}", x="lever",
                     y="order", low="at_low", high="at_high", zero=True)  # fmt: skip


class Together:
    """All levers turned at once, and the share of the variance that each one accounts for.

    Parameters
    ----------
    levers
        What is turned.
    options
        What was asked for.
    bench
        Runs the inner study ``sobol``.
    """

    def __init__(self, levers: Sequence[Lever], options: Sensitivity, bench: Bench) -> None:
        self.levers, self.scenario = levers, bench.scenario
        if len(levers) < 2:
            msg = (
                f"fewer than two levers move {' or '.join(options.metrics)}, so none work together; "
                "name other levers or wider ranges, or ask for method: tornado"
            )
            raise RunError(msg)
        top = build(self.scenario)
        cells = self.scenario.horizon * (len(top.points) + len(top.links))
        self._given = options.base is not None
        self._base = options.base or base_points(len(levers), options.runs, cells)
        self.unit = sampled(len(levers), self._base, self.scenario.seed)
        runs: dict[str, dict[str, Any]] = {BASE: {}}
        for n, row in enumerate(self.unit.tolist()):
            pairs = [x.changes(u) for x, u in zip(levers, row, strict=True)]
            runs[str(n)] = {key: value for changes in pairs for key, value in changes.items()}
        self._runs = Runs(bench, "sobol", runs, options.metrics, options.runs)

    def limits(self) -> list[str]:
        """Return that fewer points than usual were taken, if so."""
        if self._given or self._base == BASE_POINTS:
            return []
        return [
            f"The network is large, so {self._base} points instead of {BASE_POINTS} stand behind each "
            f"index, which makes the intervals wider: --with base={BASE_POINTS} takes about "
            f"{BASE_POINTS // self._base} times as long."
        ]

    def frame(self, metric: str) -> pd.DataFrame:
        """Return one row per lever with its indices, the largest total first."""
        runs = (self._runs.values(str(n), metric) for n in range(len(self.unit)))
        values = np.array([np.nan if np.isnan(x).all() else np.nanmean(x) for x in runs])
        if np.isnan(values).any():
            msg = (
                f"metric '{metric}' is not defined in {int(np.isnan(values).sum())} of "
                f"{values.size} runs, so its variance is not; choose another one"
            )
            raise RunError(msg)
        found = indices(values, len(self.levers), self.scenario.seed)
        found.insert(0, "lever", [x.name for x in self.levers])
        return found.sort_values("total", ascending=False, kind="stable").reset_index(drop=True)

    def answers(self, metric: str) -> list[str]:
        """Return which lever accounts for most, and how much none accounts for alone."""
        frame = self.frame(metric)
        first = frame.iloc[0]
        if np.isnan(first["total"]):
            return [f"No lever moves {metric} when {len(frame)} are turned at once."]
        alone = float(frame["first"].sum())
        return [
            f"{metric}: with {len(frame)} levers turned at once, {first['lever']} accounts for "
            f"{told(first, 'first', 'share')} of the variance alone and for "
            f"{told(first, 'total', 'share')} with all it works together with; single levers "
            f"account for {number(100 * alone)} % in all."
        ]

    def sheet(self, metric: str) -> Sheet:
        """Return the table of a KPI."""
        units = {f"{order}{end}": "share" for order in ("first", "total") for end in ENDS}
        title = f"{metric}: all levers at once"
        return Sheet(f"sobol_{metric}", title, self.frame(metric), units)

    def chart(self, metric: str) -> Chart:
        """Return the picture of a KPI."""
        title = f"Share of the variance of {metric} that each lever has a part in"
        return Chart("bars", f"sobol_{metric}", title, f"sobol_{metric}", x="lever", y="total",
                     low="total_low", high="total_high", zero=True)  # fmt: skip
