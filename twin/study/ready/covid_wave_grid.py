"""Waves of closures that roll over a network: duration × pace × cover, under the same luck."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from twin.kpis import KPIS
from twin.result import words
from twin.schema import Scenario
from twin.study.findings import Chart, Sheet
from twin.study.ready.runs import Runs, unit_of
from twin.study.ready.stock import held, stocked
from twin.study.ready.words import ENDS, columns
from twin.sums import Floats
from twin.topology import build

if TYPE_CHECKING:
    from twin.study.ready.base import Bench

MEASURES = ("loss_area", "on_time", "lost_share", "running_cost")
"""KPIs of every wave."""


@dataclass(frozen=True)
class Wave:
    """Closures of places, one after the other; a length of 0 is no wave.

    Attributes
    ----------
    length
        Periods that each place is closed.
    pace
        Periods from the beginning of one closure to the next, as a share of the length.
    """

    length: int = 0
    pace: float = 0.0

    @property
    def lag(self) -> int:
        """Periods from the beginning of one closure to the next."""
        return round(self.pace * self.length)

    def entries(self, where: Sequence[Mapping[str, Any]], begin: int, severity: float) -> list[Any]:
        """Return the wave as disruptions, one for each place that ``where`` names."""
        return [
            {"kind": "outage", "name": f"wave_{n}", "where": dict(place), "severity": severity,
             "start": begin + n * self.lag, "duration": self.length}
            for n, place in enumerate(where if self.length else ())
        ]  # fmt: skip


@dataclass(frozen=True)
class Cover:
    """What is held against a wave: periods of extra stock, or the share of backed-up work."""

    name: str
    extra: int = 0
    backup: float = 0.0


@dataclass(frozen=True)
class Asked:
    """What waves roll, where, and against which covers.

    Attributes
    ----------
    where
        Pattern of each place, in the order in which they close.
    begin
        Period of the first closure.
    severity
        Share of the work that a closed place cannot do.
    waves, covers
        All combinations are run; the first cover is none.
    replications
        Of each run; ``None``: the scenario's.
    """

    where: Sequence[Mapping[str, Any]]
    begin: int
    severity: float
    waves: Sequence[Wave]
    covers: Sequence[Cover]
    replications: int | None = None


class Grid:
    """What waves do to a scenario, with each cover.

    Parameters
    ----------
    asked
        The waves and covers.
    bench
        Runs the inner study ``waves`` on its scenario, whose own disruptions are left out.
    """

    def __init__(self, asked: Asked, bench: Bench) -> None:
        self.asked, self.scenario = asked, bench.scenario
        changes = _changes(asked, self.scenario)
        self._runs = Runs(bench, "waves", changes, MEASURES, asked.replications, calm=True)

    def values(self, wave: Wave, cover: Cover, kpi: str) -> Floats:
        """Return a KPI of each replication, money per period, ``(R,)``."""
        return self._runs.values(_label(wave, cover), kpi)

    def unit(self, kpi: str) -> str:
        """Return the unit of a KPI in the scenario's words, of money per period."""
        return unit_of(self.scenario, kpi)

    # ------------------------------------------------------------------------------------- tables
    @functools.cached_property
    def waves(self) -> pd.DataFrame:
        """One row per wave and cover: length, pace, lag, cover, each measure with its interval."""
        runs = [(w, c) for c in self.asked.covers for w in (Wave(), *self.asked.waves)]
        return pd.DataFrame([self._row(wave, cover) for wave, cover in runs])

    def _row(self, wave: Wave, cover: Cover) -> dict[str, Any]:
        found = {"length": wave.length, "pace": pace_said(wave.pace), "lag": wave.lag,
                 "cover": cover.name}  # fmt: skip
        for kpi in MEASURES:
            found |= columns(kpi, self.values(wave, cover, kpi), KPIS[kpi].extra["within"])
        return found

    @functools.cached_property
    def worth(self) -> pd.DataFrame:
        """One row per cover: its cost in calm, and what it saves in the mean over the waves.

        Paired with the chain as it is: ``premium`` and ``cost_saved`` in money per period,
        ``saved`` in periods of lost service, each with its interval.
        """
        return pd.DataFrame([self._worth(cover) for cover in self.asked.covers[1:]])

    def _worth(self, cover: Cover) -> dict[str, Any]:
        plain = self.asked.covers[0]

        def saved(kpi: str, wave: Wave) -> Floats:
            return self.values(wave, plain, kpi) - self.values(wave, cover, kpi)

        lost, cost = (
            np.mean([saved(kpi, wave) for wave in self.asked.waves], axis=0)
            for kpi in ("loss_area", "running_cost")
        )
        return {
            "cover": cover.name,
            **columns("saved", lost),
            **columns("premium", -saved("running_cost", Wave())),
            **columns("cost_saved", cost),
        }

    def sheets(self) -> tuple[Sheet, ...]:
        """Return the tables: all runs, the waves without cover, one pace, the covers."""
        periods, money = words("periods", self.scenario), self.unit("running_cost")
        units = {"length": periods, "lag": periods}
        units |= {f"{kpi}{end}": self.unit(kpi) for kpi in MEASURES for end in ENDS}
        all_runs = self.waves
        rolling = all_runs[all_runs["length"] > 0]
        alone = rolling[rolling["cover"] == self.asked.covers[0].name]
        steady = rolling[rolling["pace"] == pace_said(self.middle.pace)]
        found = [
            Sheet("waves", "Every wave with every cover", all_runs, units),
            Sheet("wave_grid", "Waves without cover", alone.reset_index(drop=True), units),
            Sheet("one_pace", "Waves of one pace", steady.reset_index(drop=True), units),
        ]
        if len(self.asked.covers) > 1:
            of = {"saved": periods, "premium": money, "cost_saved": money}
            units = {f"{name}{end}": unit for name, unit in of.items() for end in ENDS}
            found.append(Sheet("covers", "What each cover costs and saves", self.worth, units))
        return tuple(found)

    def charts(self) -> tuple[Chart, ...]:
        """Return the pictures: lost service by length and pace, by length and cover, by cover."""
        found = [
            Chart("grid", "waves", "Lost service by length and pace of the closures", "wave_grid",
                  x="length", y="loss_area", group="pace"),
            Chart("lines", "covered", f"Lost service with each cover, {self.middle_pace}",
                  "one_pace", x="length", y="loss_area", low="loss_area_low",
                  high="loss_area_high", group="cover", zero=True),
        ]  # fmt: skip
        if len(self.asked.covers) > 1:
            found.append(
                Chart("bars", "covers", "Lost service that a cover saves, mean over the waves",
                      "covers", x="cover", y="saved", low="saved_low", high="saved_high", zero=True)
            )  # fmt: skip
        return tuple(found)

    @property
    def middle(self) -> Wave:
        """The wave of middle length and pace."""
        return self.asked.waves[len(self.asked.waves) // 2]

    @property
    def middle_pace(self) -> str:
        """The pace of the middle wave in words."""
        return pace_said(self.middle.pace)


def _changes(asked: Asked, scenario: Scenario) -> dict[str, dict[str, Any]]:
    """Return the changes of each run by its label, runs of one network side by side."""
    top = build(scenario)
    runs: dict[str, dict[str, Any]] = {}
    for cover in asked.covers:
        rules = stocked(top, held(top), cover.extra) if cover.extra else []
        stock = {"stock[+]": rules} if rules else {}
        share = round(asked.severity * (1.0 - cover.backup), 9)
        for wave in (Wave(), *asked.waves):
            entries = wave.entries(asked.where, asked.begin, share)
            loud = {"disruptions[+]": entries} if entries else {}
            runs[_label(wave, cover)] = {**stock, **loud}
    return runs


def _label(wave: Wave, cover: Cover) -> str:
    return f"{wave.length} x {wave.pace:g}, {cover.name}"


def pace_said(pace: float) -> str:
    """Return a pace in words."""
    if pace == 0:
        return "all at once"
    return "one after the other" if pace == 1 else f"each {100 * pace:g} % into the one before"
