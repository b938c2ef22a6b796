"""Controls come from the schema, and what they change is what the scenario takes."""

from __future__ import annotations

import functools

import pytest

import twin
from twin.errors import ScenarioError
from twin.policies import POLICIES
from twin.schema import Scenario
from twin.schema_walk import model_in
from twin.topology import build
from viz import controls
from viz.controls import put, reset, set_stock, set_value
from viz.told import told

SHIPPED = [
    "electronics", "electronics-full", "small-business", "health-commodities", "beer-game",
    "beer-game-human",
]  # fmt: skip


@functools.cache
def scenario(name: str = "electronics") -> Scenario:
    return twin.load(name)


@functools.cache
def showcase() -> Scenario:
    """The flagship with every policy, a random lead time and every kind of disruption factor."""
    s, changes = scenario(), {}
    points = [p for p in build(s).points if p.site.name in ("dc_asia", "dc_europe", "asia")]
    for kind, point in zip(POLICIES, points, strict=False):
        changes = set_stock(s, changes, point.site.name, point.item.name, "policy.kind", kind)
    smooth = {"kind": "exponential_smoothing"}
    changes = set_stock(s, changes, "board_fab", "board_printer", "forecast", smooth)
    surge = {"kind": "demand_change", "start": 200, "factor": 2}
    lead = {"kind": "lognormal", "mean": 5, "cv": 0.3}
    return twin.apply(s, {**changes, "disruptions[+]": [surge], "lanes[0].lead_time": lead})


def sliders(model: type, seen: set[type]) -> set[tuple[str, str]]:
    """Return (name, meaning) of every parameter with a slider range below a model."""
    seen.add(model)
    found = set()
    for name, field in model.model_fields.items():
        if "slider" in (field.json_schema_extra or {}):
            found.add((field.alias or name, field.description))
        inner = model_in(field.annotation)
        if inner is not None and inner not in seen:
            found |= sliders(inner, seen)
    return found


def test_every_parameter_with_a_slider_range_has_a_slider():
    top = build(showcase())
    shown = {
        ((c.field or c.key).rpartition(".")[2], c.hint)
        for thing in controls.things(top)
        for c in controls.controls(top, thing)
        if c.slider is not None
    }
    wanted = sliders(Scenario, set())
    assert len(wanted) > 30
    assert wanted - shown == set()


def test_every_list_of_the_schema_has_things():
    lists = {n for n, f in Scenario.model_fields.items() if "list" in str(f.annotation)}
    assert lists - set(controls.SECTIONS.values()) == {"stages", "stock"}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_thing_has_controls_that_hold_what_is(name):
    top = build(scenario(name))
    for thing in controls.things(top):
        for c in controls.controls(top, thing):
            assert c.label
            if c.slider is not None and isinstance(c.effective, int | float):
                assert c.slider[0] <= c.effective <= c.slider[1], (thing, c)


@pytest.mark.parametrize(
    "thing",
    ["item:memory", "family:laptop", "lane:plant_west->dc_asia", "costs", "purchase:0", "demand:0",
     "device:0", "disruption:0", "production:board_fab/board_standard", "adoption",
     "stock:chip_foundry/chip_standard"],
)  # fmt: skip
def test_both_ends_of_a_slider_are_accepted(thing):
    s = scenario()
    found = [c for c in controls.controls(s, thing) if c.slider is not None]
    assert found
    for c in found:
        for end in c.slider:
            whole = c.step is not None and c.step >= 1
            changes = put(s, {}, c, int(end) if whole else end)
            assert twin.apply(s, changes) is not None


def test_a_set_value_is_the_value_that_the_control_then_shows():
    s = scenario()
    for thing in ("lane:plant_west->dc_asia", "stock:board_fab/board_standard"):
        for c in controls.controls(s, thing):
            if c.kind == "slider":
                value = c.slider[1]
                now = controls.controls(twin.apply(s, put(s, {}, c, value)), thing)
                same = next(x for x in now if (x.key, x.field) == (c.key, c.field))
                assert same.value == value


def test_units_speak_the_scenarios_words():
    found = {c.label: c for c in controls.controls(scenario(), "lane:plant_west->dc_asia")}
    assert found["Lead time"].unit == "days"
    assert found["Cost per unit"].unit == "USD/unit"
    weekly = controls.controls(scenario("health-commodities"), "family:arv")
    assert next(c for c in weekly if c.label == "Tolerance").unit == "weeks"


def test_only_what_the_policy_uses_is_shown():
    s = scenario()
    changes = set_stock(s, {}, "board_fab", "board_printer", "policy.kind", "kanban")
    now = controls.controls(twin.apply(s, changes), "stock:board_fab/board_printer")
    shown = {c.field.removeprefix("policy.") for c in now if c.group == "Policy"}
    assert shown == {"kind", *controls.policy_choices()["kanban"][1]}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_policy_fits_the_first_and_the_last_stock_point(name):
    s = scenario(name)
    for kind in controls.policy_choices():
        for p in (build(s).points[0], build(s).points[-1]):
            changes = set_stock(s, {}, p.site.name, p.item.name, "policy.kind", kind)
            now = build(twin.apply(s, changes))
            assert now.points[now.row(p.site.name, p.item.name)].settings.policy.kind == kind


def test_changes_of_a_stock_point_make_one_rule_and_end_as_they_began():
    s = scenario()
    changes = set_stock(s, {"horizon": 400}, "board_fab", "board_standard", "policy.level", 500)
    changes = set_stock(s, changes, "board_fab", "board_standard", "policy.review", 7)
    changes = set_stock(s, changes, "board_fab", "board_standard", "forecast.window", 56)
    assert len(changes["stock[+]"]) == 1
    settings = build(twin.apply(s, changes)).points
    mine = next(p for p in settings if p.name == "board_fab/board_standard").settings
    assert (mine.policy.level, mine.policy.review, mine.forecast.window) == (500, 7, 56)
    assert mine.policy.safety_factor == 2.054
    changes = set_stock(s, changes, "board_fab", "board_standard", "policy.level", None)
    changes = set_stock(s, changes, "board_fab", "board_standard", "policy.review", 1)
    changes = set_stock(s, changes, "board_fab", "board_standard", "forecast.window", 28)
    assert changes == {"horizon": 400}


def test_a_change_is_made_and_taken_back_without_touching_the_others():
    one = set_value({}, "horizon", 300)
    two = set_value(one, "costs.capital_rate", 0.3)
    assert one == {"horizon": 300}
    assert reset(two, "horizon") == {"costs.capital_rate": 0.3}
    lanes = {
        "lanes[+]": [{"from": "a", "to": "b"}],
        "sourcing[+]": [{"site": "b", "priority": ["a"]}],
    }
    assert reset(lanes, "lanes[+]/a->b") == {}


def test_a_thing_that_is_not_there_is_told_with_the_nearest_name():
    with pytest.raises(ScenarioError, match=r"no lane 'plant_west->dc_asi'.*did you mean"):
        controls.controls(scenario(), "lane:plant_west->dc_asi")
    with pytest.raises(ScenarioError, match=r"no kind of thing 'lan'.*'lane'"):
        controls.controls(scenario(), "lan:a->b")


def test_a_large_value_widens_its_slider():
    s = twin.apply(scenario(), {"items.memory.value": 3000})
    value = next(c for c in controls.controls(s, "item:memory") if c.label == "Value")
    assert value.slider == (0, 6000)


def test_what_changed_is_told_in_words_before_and_after():
    s = scenario()
    changes = {
        "families.laptop.decoupling_point": "dc",
        "lanes.plant_west->dc_asia.lead_time.value": 9,
        "costs.capital_rate": 0.3,
        "adoption.maker": 0.5,
        "horizon": 425,
    }
    changes = set_stock(s, changes, "board_fab", "board_standard", "policy.safety_factor", 3)
    rows = {r["label"]: (r["before"], r["after"].replace("\xa0", " ")) for r in told(s, changes)}
    assert rows == {
        "Decoupling point, laptop": ("boards", "dc"),
        "Lead time, lane plant west → dc asia": ("5\xa0days", "9 days"),
        "Capital rate": ("20\xa0%/year", "30 %/year"),
        "Adoption, maker": ("100\xa0%", "50 %"),
        "Safety factor, board fab, board standard": ("2.05", "3"),
    }
    for row in told(s, changes):
        changes = reset(changes, row["key"])
    assert told(s, changes) == []


def test_changed_new_and_removed_disruptions_are_told():
    s = scenario()
    later = s.to_dict()["disruptions"][0] | {"start": 200, "severity": 0.5}
    surge = {"kind": "demand_change", "start": 10, "duration": 5, "factor": 1.5}
    found = {r["label"]: r for r in told(s, {"disruptions": [later, surge]})}
    assert found["Chip outage"]["before"] == "day 150 to 195, chip foundry"
    assert found["Chip outage"]["after"].startswith("day 200 to 245, strength 50")
    assert found["Demand change"]["after"] == "day 10 to 15, factor 1.5"
    assert told(s, {"disruptions": []})[0]["after"] == "–"


def test_added_disruptions_are_told_and_taken_back_by_name():
    s = scenario()
    surge = {"kind": "demand_change", "name": "rush", "start": 10, "duration": 5, "factor": 2}
    changes = {"disruptions[+]": [surge, {"kind": "ordering_down", "start": 20}]}
    rows = told(s, changes)
    assert [r["label"] for r in rows] == ["New disruption rush", "New disruption ordering down"]
    assert rows[0]["after"] == "day 10 to 15, factor 2"
    assert reset(changes, rows[0]["key"]) == {"disruptions[+]": changes["disruptions[+]"][1:]}
