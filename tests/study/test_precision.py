"""Replications until an interval is narrow enough: when they stop, and how often they are right."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from tests.study.cases import CUT, run, tables
from twin.kpis import KPIS
from twin.statistics import interval
from twin.study.measure import Measure
from twin.study.schema import Until


def until(**more):
    return {
        "kpi": "running_cost",
        "half_width": 1e9,
        "minimum": 8,
        "maximum": 40,
        "block": 8,
        **more,
    }


def test_an_easy_target_takes_the_minimum_and_an_impossible_one_the_maximum() -> None:
    for target, n, reached in ((1e9, 8, True), (1e-9, 40, False)):
        found = run({"factors": CUT, "until": until(half_width=target)}).frame()
        assert set(found.replications) == {n}
        assert set(found.reached) == {reached}


def test_the_run_stops_at_the_first_block_whose_interval_is_narrow_enough() -> None:
    found = run({"factors": CUT, "until": until(half_width=6.0)})
    values = twin.run(tables(), replications=40).values["running_cost"]
    halves = [np.ptp(interval(values[:n])[1:3]) / 2 for n in range(8, 41, 8)]
    first = 8 * (1 + next(n for n, half in enumerate(halves) if half <= 6.0))
    assert 8 < first < 40
    assert found.frame().replications[0] == first
    assert np.array_equal(found.values(0, "running_cost"), values[:first])


def test_the_watched_kpi_is_kept_though_not_asked_for() -> None:
    found = run({"factors": CUT, "until": until(), "outputs": ["on_time"]})
    assert found.metrics == ("on_time", "running_cost")


def test_runs_of_different_length_are_paired_where_both_have_luck() -> None:
    factors = {"rate": {"key": "demand[0].mean", "values": [1, 12]}}
    found = run({"factors": factors, "until": until(half_width=7.0)})
    sizes = {p: found.values(p, "running_cost").size for p in range(3)}
    table = found.differences(2, ["running_cost"]).set_index("point")
    assert len(set(sizes.values())) > 1, sizes
    assert table.n[1] == min(sizes[1], sizes[2])


class Dice(Measure):
    """A point whose replications are independent normal numbers: the true mean is 0."""

    def draws(self, luck: np.random.Generator) -> tuple[np.ndarray, int]:
        values = luck.standard_normal(self.until.maximum)
        for n in self._stages():
            if self._narrow(self.until, [{self.until.kpi: values[:n]}]):
                break
        return values[:n], n


def test_intervals_after_stopping_cover_between_92_and_98_percent() -> None:
    """2,000 repeats: the standard error of the coverage is half a percentage point."""
    luck, covered, sizes = np.random.default_rng(5), 0, []
    dice = Dice(["profit"], 0, Until(kpi="profit", half_width=0.25, minimum=32, block=16))
    for _ in range(2000):
        values, n = dice.draws(luck)
        _, low, high, _ = interval(values, KPIS["profit"].extra["within"])
        covered += low <= 0 <= high
        sizes.append(n)
    assert 0.92 <= covered / 2000 <= 0.98
    assert 40 < np.mean(sizes) < 80  # (1.96 / 0.25)^2 = 61


@pytest.mark.nojit
def test_the_minimum_guards_against_stopping_on_luck() -> None:
    with pytest.raises(ValueError, match="8"):
        Until(kpi="profit", half_width=1, minimum=2)
