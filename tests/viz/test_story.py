"""The story of a site says what the runs say."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest

import twin
from twin.compare import Comparison
from twin.errors import ScenarioError
from viz import series
from viz.closely import look_closely
from viz.story import site_series, story

SHIPPED = ["electronics", "small-business", "health-commodities", "beer-game", "beer-game-human"]


@functools.cache
def outage(name: str = "electronics") -> Comparison:
    """A shipped scenario with its disruption, against itself without it."""
    found = twin.run(name, replications=4, set={"disruptions[0].probability": 1})
    return Comparison(found.undisrupted, found)


def what_if(**changes) -> Comparison:
    """The undisrupted flagship, changed, against itself."""
    calm = twin.apply(twin.load("electronics"), {"disruptions": []})
    base = twin.run(calm, replications=4)
    return Comparison(base, twin.run(calm, replications=4, set=changes.get("set")))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_site_has_a_story_of_plain_data(name):
    pair = outage(name)
    for site in pair.b.scenario.sites:
        found = story(pair, site.name)
        json.dumps(found, allow_nan=False)
        assert found["role"].endswith(".")
        assert 1 <= len(found["why"]) <= 2
        assert all(line.endswith(".") for line in found["why"])


def test_the_numbers_are_those_of_the_tables():
    pair = outage()
    found = story(pair, "board_fab")
    table = pair.b.by_site()
    assert found["stock"]["after"] == pytest.approx(table.loc["board_fab", "stock_value"])
    before = pair.a.by_site().loc["board_fab", "stock_value"]
    assert found["stock"]["before"] == pytest.approx(before)
    asia = story(pair, "asia")["on_time"]
    assert asia["after"] == pytest.approx(table.loc["asia", "on_time"], abs=1e-6)


def test_the_stock_chart_is_the_recorded_stock():
    pair = outage()
    found = story(pair, "chip_foundry", "chip_standard")
    chart = found["charts"]["stock"]["after"]
    bands = pair.b.bands("rows.on_hand", "chip_foundry", "chip_standard", quantiles=series.BAND)
    assert chart["middle"] == pytest.approx(bands[0.5].to_numpy()[60:].round(3))
    assert len(found["charts"]["t"]) == len(chart["low"]) == 365
    assert found["charts"]["unit"] == "unit"


def test_the_closer_look_is_the_same_run():
    pair = outage()
    seen = look_closely(pair.b.topology, replications=4)
    assert np.array_equal(seen.series["rows.on_hand"], pair.b.series["rows.on_hand"])


def test_books_and_forecast_are_of_the_first_replication_and_of_the_period_before():
    s = twin.load("electronics")
    found = site_series(s, "board_fab", "board_standard")
    run = twin.run(s, replications=16, baseline=False,
                   record=["rows.record", "rows.on_hand", "rows.forecast"])  # fmt: skip

    def of(name):
        return run.history(name, "board_fab", "board_standard").to_numpy()

    assert found["books"]["record"] == of("rows.record")[60:, 0].tolist()
    assert found["books"]["truth"] == of("rows.on_hand")[60:, 0].tolist()
    forecast = np.median(of("rows.forecast"), axis=1)[59:-1]
    assert found["forecast"]["forecast"] == pytest.approx(forecast, abs=1e-3)


def test_a_run_that_recorded_nothing_still_has_a_stock_chart():
    bare = twin.run("electronics", replications=2, record=(), baseline=False)
    found = story(Comparison(bare, bare), "chip_foundry")
    assert len(found["charts"]["stock"]["after"]["middle"]) == 365
    assert found["charts"]["stock"]["before"] is None
    assert "not recorded" in found["why"][0]


def test_right_books_and_sites_that_work_to_order_have_no_such_charts():
    assert site_series(twin.load("beer-game"), "factory")["books"] is None
    assert site_series(twin.load("electronics"), "dc_asia")["forecast"] is None


def test_an_outage_is_named_at_the_site_and_below_it():
    told = story(outage(), "chip_foundry")["why"]
    assert "less than in the baseline" in told[0]
    assert told[1] == "Chip outage at chip foundry from day 150 to 195."
    told = story(outage(), "plant_west")["why"]
    assert "orders for" in told[0]
    assert told[1].startswith("Board fab owes")
    assert "chip outage at chip foundry" in told[1]


def test_what_the_outage_does_not_touch_is_calm():
    assert story(outage(), "printer_chips")["why"][0].startswith("Nothing is wrong here")


def test_a_closed_lane_is_named():
    told = " ".join(story(outage("small-business"), "stockroom")["why"])
    assert "Late container at far supplier to stockroom from day 210 to 238" in told


def test_a_surge_a_lower_target_and_a_longer_way_are_told():
    stock = {"where": {"site": "memory_1"}, "policy": {"level": 200}}
    lower = what_if(set={"stock[+]": [stock]})
    assert "Its target is" in story(lower, "memory_1")["why"][1]
    surge = {"kind": "demand_change", "start": 150, "duration": 60, "factor": 2}
    more = what_if(set={"disruptions": [surge]})
    assert "more than in the baseline" in story(more, "memory_1")["why"][1]
    slower = what_if(set={"lanes.plant_east->dc_asia.lead_time.value": 15})
    told = story(slower, "asia")["why"]
    assert any("from plant east to dc asia takes 15" in t or "Dc asia owes" in t for t in told)


def test_wrong_books_are_told():
    base = twin.apply(twin.load("electronics"), {"disruptions": [], "adoption.maker": 0})
    stock = {"where": {"site": "board_fab", "role": "output"}, "shrink": 3}
    pair = Comparison(
        twin.run(base, replications=4), twin.run(base, replications=4, set={"stock[+]": [stock]})
    )
    assert "The books show" in " ".join(story(pair, "board_fab", "board_performance")["why"])


def test_a_disruption_that_both_have_is_no_reason():
    one = twin.run("electronics", replications=4)
    stock = {"where": {"site": "chip_foundry"}, "policy": {"level": 500}}
    pair = Comparison(one, twin.run("electronics", replications=4, set={"stock[+]": [stock]}))
    told = story(pair, "chip_foundry")["why"]
    assert "less than in the baseline" in told[0]
    assert told[1].startswith("Its target is")


def test_a_site_that_is_new_has_no_before():
    from viz.fixes import backup_supplier

    s = twin.load("electronics")
    changed = twin.run(s, replications=4, set=backup_supplier(s, {}, "chip_foundry"))
    found = story(Comparison(outage().b, changed), "backup_chip_foundry")
    assert found["stock"]["before"] is None
    assert found["charts"]["stock"]["before"] is None
    assert found["stock"]["after"] > 0


def test_lanes_and_devices_stand_in_the_story():
    found = story(outage(), "board_fab")
    lane = next(x for x in found["lanes_in"] if x["from"] == "chip foundry")
    assert (lane["lane"], lane["lead"]) == ("lane:chip_foundry->board_fab", "0\xa0days")
    assert {x["to"] for x in found["lanes_out"]} == {"plant east", "plant west"}
    assert {d["kind"] for d in found["devices"]} == {"rfid_shelf"}
    assert len(found["items"]) == 9


def test_an_unknown_site_is_told():
    with pytest.raises(ScenarioError, match=r"no site 'board_fb'.*did you mean 'board_fab'"):
        story(outage(), "board_fb")
