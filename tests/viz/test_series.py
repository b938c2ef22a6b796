"""What the charts show equals what the KPIs say."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import twin
from twin.result import Result
from twin.topology import build
from viz import breaks, look, series


@functools.cache
def result(name: str) -> Result:
    return twin.run(name, replications=3, record=series.NEEDED)


@pytest.mark.parametrize("name", ["beer-game", "electronics", "small-business"])
def test_the_first_stages_bullwhip_is_the_kpi(name):
    first = series.bullwhip(result(name))[0]
    assert first.middle == pytest.approx(np.median(result(name).values["bullwhip"]), rel=1e-9)
    assert first.low <= first.middle <= first.high


@pytest.mark.parametrize("name", ["electronics", "small-business"])
def test_the_layers_of_stock_add_up_to_the_stock_value(name):
    layers = series.stock_layers(result(name))
    mean = sum(float(layer.values.mean()) for layer in layers)
    assert mean == pytest.approx(result(name)["inventory_value"], rel=1e-9)


def test_service_over_the_whole_window_is_the_on_time_share():
    """With a moving window as long as the run, its last value is the share over the run."""
    found = twin.run("beer-game", record=series.NEEDED, set={"resilience.window": 36})
    assert series.service(found).middle[-1] == pytest.approx(found["on_time"], abs=0.03)


def test_service_lies_between_0_and_1_and_its_band_around_it():
    course = series.service(result("electronics"))
    assert course.t[0] == 60
    assert course.t.size == 365
    assert np.all((course.low <= course.middle) & (course.middle <= course.high))
    assert course.low.min() >= 0
    assert course.high.max() <= 1


def test_the_on_time_share_of_all_stock_points_is_the_kpi():
    found = result("electronics")
    everywhere = range(len(found.topology.points))
    assert series.on_time(found, everywhere) == pytest.approx(found["on_time"], rel=1e-3)
    assert np.isnan(series.on_time(found, []))


def test_a_reliable_base_stock_holds_what_is_planned():
    """One stage, level S, lead time L: mean net stock is S - L x demand."""
    scenario = twin.Scenario.model_validate({
        "horizon": 60, "warmup": 20,
        "sites": [{"name": "shop"}], "items": [{"name": "tea"}],
        "purchases": [{"site": "shop", "item": "tea", "lead_time": 3}],
        "stock": [{"policy": {"kind": "base_stock", "level": 50}}],
        "demand": [{"site": "shop", "item": "tea", "kind": "constant", "mean": 10}],
    })  # fmt: skip
    found = twin.run(scenario, replications=1)
    assert series.planned_stock(found.topology) == pytest.approx([20.0])
    assert series.mean_stock(found) == pytest.approx([20.0])


def test_order_driven_stock_points_plan_no_stock():
    top = build(twin.load("electronics"))
    pulled = [i for i, mode in enumerate(series.modes(top)) if mode == "pull"]
    assert pulled
    assert not series.planned_stock(top)[pulled].any()


def test_flows_through_the_chain_are_what_customers_take():
    flows = series.link_flows(result("electronics"))
    top = result("electronics").topology
    into = sum(
        f for f, e in zip(flows, top.links, strict=True) if top.points[e.to].stage == "market"
    )
    assert into == pytest.approx(120, rel=0.1)


def test_events_are_placed_and_chained():
    first = {"kind": "outage", "name": "a", "start": 5, "duration": 4, "where": {"site": "factory"}}
    second = {"kind": "lane_closed", "after": "a", "start": 2, "duration": 3, "lane": "factory->*"}
    off = {"kind": "outage", "start": 1, "probability": 0}
    scenario = twin.load("beer-game").with_changes(disruptions=[first, second, off])
    a, b = series.events(build(scenario))
    assert (a.start, a.end, b.start, b.end) == (5, 9, 11, 14)
    assert len(a.rows) == 1
    assert b.lanes == {"factory->distributor"}


def test_an_event_may_be_listed_before_the_one_it_follows():
    chain = [
        {"kind": "outage", "name": "c", "after": "b", "start": 1},
        {"kind": "outage", "name": "b", "after": "a", "start": 2, "duration": 3},
        {"kind": "outage", "name": "a", "start": 5, "duration": 4},
    ]
    scenario = twin.load("beer-game").with_changes(disruptions=chain)
    found = {e.name: e.start for e in series.events(build(scenario))}
    assert found == {"a": 5, "b": 11, "c": 15}
    assert found == {bar["name"]: bar["start"] for bar in breaks.bars(scenario)}


@pytest.mark.parametrize(
    ("x", "text"),
    [(0, "0"), (1234.5, "1,230"), (9.996, "10"), (0.0567, "0.06"), (12.34, "12.3"),
     (22_708_106, "22.7 M"), (999_700, "1 M"), (float("nan"), "–"), (-1500, "-1,500")],
)  # fmt: skip
def test_numbers_keep_three_digits(x, text):
    assert look.number(x).replace("\N{NO-BREAK SPACE}", " ") == text


def test_shares_never_round_up_to_all():
    assert look.share(0.9999).startswith("> 99.9")
    assert look.share(1.0).startswith("100")
