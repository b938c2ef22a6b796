"""The charts of the page show what the results say: same numbers, same words, small and quick."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import numpy as np
import pytest

import twin
from twin.compare import Comparison
from twin.result import Result
from viz import chart_data, series
from viz.story import story

SHIPPED = ["beer-game", "electronics", "small-business", "health-commodities"]


@functools.cache
def ran(name: str = "electronics", replications: int = 4) -> Comparison:
    found = twin.run(name, replications=replications, record=series.NEEDED)
    return Comparison(found.undisrupted or found, found)


def charts(name: str = "electronics") -> dict[str, dict[str, Any]]:
    return chart_data.charts(ran(name))


def line(chart: dict[str, Any], role: str) -> dict[str, Any]:
    return next(x for x in chart["lines"] if x["role"] == role)


def changed(**changes: Any) -> Comparison:
    base = ran().a
    more = twin.run(base.scenario, replications=4, record=series.NEEDED, set=changes)
    return Comparison(base, more)


@pytest.mark.parametrize("name", SHIPPED)
def test_charts_are_plain_data_in_words_and_small(name):
    found = charts(name)
    assert list(found) == ["service", "stock", "orders", "cost"]
    assert len(json.dumps(found, allow_nan=False)) < 80_000
    assert all(
        chart["said"].endswith(".") and "nan" not in chart["said"] for chart in found.values()
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_every_line_and_band_has_a_value_for_each_measured_period(name):
    scenario = ran(name).b.scenario
    for key in ("service", "stock", "orders"):
        chart = charts(name)[key]
        assert (chart["first"], chart["n"]) == (scenario.warmup, scenario.horizon - scenario.warmup)
        lists = [x[k] for x in chart["lines"] for k in ("values", "low", "high") if k in x]
        assert {len(values) for values in lists} == {chart["n"]}


def test_service_is_the_median_of_both_runs():
    chart, c = charts()["service"], ran()
    assert line(chart, "now")["values"] == pytest.approx(series.service(c.b).middle, abs=1e-4)
    assert line(chart, "base")["low"] == pytest.approx(series.service(c.a).low, abs=1e-4)


def test_differences_are_paired_and_none_before_the_first_disruption():
    gap = charts()["service"]["difference"]
    until = 150 - 60  # the outage begins in period 150, the warm-up ends in 60
    assert set(gap["mean"][:until]) == {0.0}
    assert set(gap["half"][:until]) == {0.0}
    assert min(gap["mean"]) < -0.3


def test_layers_add_up_to_the_total_and_its_mean_to_the_stock_value():
    chart, c = charts()["stock"], ran()
    layers = [x["values"] for x in chart["lines"] if x["role"] == "layer"]
    total = np.array(line(chart, "now")["values"])
    assert np.sum(layers, axis=0) == pytest.approx(total, rel=0.01)
    assert total.mean() == pytest.approx(c.b["inventory_value"], rel=1e-3)
    base = np.mean(line(chart, "base")["values"])
    assert base == pytest.approx(c.a["inventory_value"], rel=1e-3)


def test_layers_go_from_push_to_pull_each_in_its_own_shade():
    layers = [x for x in charts()["stock"]["lines"] if x["role"] == "layer"]
    modes = [x["mode"] for x in layers]
    assert modes == sorted(modes, reverse=True)
    assert len({x["shade"] for x in layers}) == len(layers)


def test_orders_carry_the_bullwhip_of_both_runs_and_are_about_1():
    chart, c = charts()["orders"], ran()
    for role, result in (("bullwhip", c.b), ("bullwhip_before", c.a)):
        known = {bar.name: bar.middle for bar in series.bullwhip(result)}
        told = {x["name"]: x[role] for x in chart["lines"]}
        assert told == pytest.approx({n: known[n] for n in told}, abs=1e-3)
    assert [x["name"] for x in chart["lines"] if "low" in x] == [chart["lines"][0]["name"]]
    assert np.mean(chart["lines"][-1]["values"]) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_bars_of_cost_lead_from_the_baseline_to_the_what_if(name):
    bars, c = charts(name)["cost"]["bars"], ran(name)
    window = series.window(c.b)
    assert bars[0]["value"] == pytest.approx(c.a["running_cost"] / window, abs=1e-3)
    assert bars[-1]["value"] == pytest.approx(c.b["running_cost"] / window, abs=1e-3)
    ends = [bar["end"] for bar in bars[:-1]]
    assert [bar["start"] for bar in bars[1:-1]] == pytest.approx(ends[:-1], abs=1e-3)
    assert ends[-1] == pytest.approx(bars[-1]["value"], abs=1e-3)


def test_a_what_if_that_is_its_own_baseline_shows_no_baseline():
    c = ran("beer-game")
    assert c.a is c.b
    found = chart_data.charts(c)
    assert [x["role"] for x in found["service"]["lines"]] == ["now"]
    assert found["service"]["difference"] is None


def test_disruptions_are_cut_to_the_measured_window():
    early = {"kind": "outage", "name": "early", "start": 50, "duration": 20,
             "where": {"site": "chip_foundry"}}  # fmt: skip
    gone = {**early, "name": "gone", "start": 10}
    events = chart_data.charts(changed(disruptions=[early, gone]))["service"]["events"]
    assert [(e["name"], e["start"], e["end"]) for e in events] == [("early", 60, 70)]


def test_a_longer_what_if_has_no_baseline_where_that_had_ended():
    chart = chart_data.charts(changed(horizon=430))["service"]
    assert len(line(chart, "base")["values"]) == chart["n"] == 370
    assert line(chart, "base")["values"][-5:] == [None] * 5
    assert chart["difference"]["mean"][-5:] == [None] * 5
    assert None not in line(chart, "base")["values"][:-5]


def test_one_run_has_a_line_and_no_band():
    found = chart_data.charts(ran(replications=1))
    assert not any(
        "low" in x for key in ("service", "stock", "orders") for x in found[key]["lines"]
    )
    assert "One run" in found["service"]["note"]


def test_a_chart_without_its_series_says_what_to_do():
    c = ran()
    bare: Result = dataclasses.replace(c.b, series={})
    found = chart_data.charts(Comparison(c.a, bare))
    for key in ("service", "stock", "orders"):
        assert "record=viz.series.NEEDED" in found[key]["empty"]
    assert found["cost"]["bars"]


def test_the_frontier_shows_every_row_and_says_its_marks_and_ties():
    found = twin.frontier("electronics", families=["laptop"], replications=2)
    chart = chart_data.frontier_chart(found.rows, found.scenario)
    assert [p["label"] for p in chart["points"]] == [x.replace("_", " ") for x in found.labels]
    assert [p["cost"] for p in chart["points"]] == pytest.approx([r["cost"] for r in found.rows])
    assert [i for i, p in enumerate(chart["points"]) if p["current"]] == [found.current]
    assert [p["tied"] for p in chart["points"]] == [r["tied"] for r in found.rows]
    assert (chart["unit"], chart["period"]) == ("USD", "day")
    assert "(current" in chart["said"]
    assert chart_data.frontier_chart([])["empty"]


def test_the_charts_of_a_site_are_those_of_its_story():
    c = ran()
    told = story(c, "board_fab")
    found = chart_data.story_chart(told["charts"], c.b.topology)
    assert set(found) == {k for k in ("stock", "books", "forecast") if told["charts"][k]}
    after = line(found["stock"], "now")
    assert after["values"] == told["charts"]["stock"]["after"]["middle"]
    assert after["high"] == told["charts"]["stock"]["after"]["high"]
    json.dumps(found, allow_nan=False)
