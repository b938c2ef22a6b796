"""Fixes are changes that every scenario takes, and they help where they should."""

from __future__ import annotations

import functools

import pytest

import twin
from twin.errors import ScenarioError
from twin.schema import Scenario
from twin.topology import build
from viz import fixes, series
from viz.edits import reset
from viz.told import told

SHIPPED = ["electronics", "small-business", "health-commodities", "beer-game", "beer-game-human"]


@functools.cache
def scenario(name: str = "electronics") -> Scenario:
    return twin.load(name)


def done(s: Scenario, site: str, option: dict) -> dict:
    """Carry out an option with its first choice."""
    if option["fix"] == "backup_supplier":
        return fixes.backup_supplier(s, {}, site)
    if option["fix"] == "add_lane":
        return fixes.add_lane(s, {}, option["choices"][0], site, 4)
    if option["fix"] == "raise_buffer":
        return fixes.raise_buffer(s, {}, site)
    return fixes.change_policy(s, {}, site, option["choices"][0], "r_Q")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_fix_that_is_offered_can_be_done_and_told(name):
    s = scenario(name)
    for site in s.sites:
        for option in fixes.options(s, site.name):
            assert option["words"]
            if option["possible"]:
                changes = done(s, site.name, option)
                assert twin.apply(s, changes) != s
                assert told(s, changes), option


@pytest.mark.parametrize("name", ["electronics", "beer-game", "health-commodities"])
def test_a_scenario_with_a_backup_runs(name):
    s = scenario(name)
    first = build(s).points[-1].site.name
    changed = twin.apply(s, fixes.backup_supplier(s, {}, first))
    assert twin.run(changed, replications=2, record=(), baseline=False).values


def test_a_backup_of_the_chip_foundry_raises_the_on_time_share():
    s = scenario()
    changes = fixes.backup_supplier(s, {}, "chip_foundry")
    row = next(
        r for r in twin.compare(s, set=changes, replications=8).rows if r["kpi"] == "on_time"
    )
    assert row["clear"]
    assert row["difference"] > 0.03


def test_a_backup_stands_by_until_its_source_closes():
    s = scenario()
    changes = fixes.backup_supplier(s, {}, "chip_foundry")
    found = twin.run(twin.apply(s, changes), replications=2, record=["rows.order"])
    orders = found.history("rows.order", "backup_chip_foundry").to_numpy()
    assert orders[60:150].mean() < 0.2  # what its miscounted books make it order
    assert orders[150:196].mean() > 20
    lead = build(found.scenario).links
    assert {e.lead_time.value for e in lead if e.source.startswith("outside_backup")} == {30}


@pytest.mark.parametrize("place", ["components", "boards", "assembly", "dc", "market"])
def test_a_backup_fits_wherever_the_decoupling_point_is(place):
    cuts = {f"families.{f}.decoupling_point": place for f in ("laptop", "printer")}
    for site in ("chip_foundry", "board_fab", "plant_west", "dc_asia", "asia"):
        try:
            changes = fixes.backup_supplier(scenario(), cuts, site)
        except ScenarioError as error:
            assert "fits" in str(error)  # noqa: PT017 - some do not
        else:
            assert changes.items() >= cuts.items()
            twin.apply(scenario(), changes)


def test_a_backup_joins_a_decoupling_point_that_names_stock_points():
    s = scenario()
    chips = [f"chip_foundry/chip_{k}" for k in ("standard", "performance")]
    others = [f"{p.name}" for p in build(s).points if p.stage == "components"]
    laptop = [n for n in others if n in chips or not n.startswith(("chip_", "printer_"))]
    key = "families.laptop.decoupling_point"
    changes = fixes.backup_supplier(s, {key: laptop}, "chip_foundry")
    assert "backup_chip_foundry/chip_standard" in changes[key]


def test_taking_a_backup_back_leaves_nothing():
    changes = fixes.backup_supplier(scenario(), {"horizon": 400}, "chip_foundry")
    assert reset(changes, "sites[+]/backup_chip_foundry") == {"horizon": 400}
    lane = fixes.add_lane(scenario(), {}, "dc_europe", "asia", 3)
    assert reset(lane, "lanes[+]/dc_europe->asia") == {}


def test_a_second_backup_gets_a_name_of_its_own():
    s = scenario("beer-game")
    once = fixes.backup_supplier(s, {}, "factory")
    twice = fixes.backup_supplier(s, once, "factory")
    names = [site["name"] for site in twice["sites[+]"]]
    assert len(set(names)) == 2


def test_a_new_lane_carries_what_is_needed_and_no_more():
    changes = fixes.add_lane(scenario(), {}, "dc_europe", "asia", 3)
    top = build(twin.apply(scenario(), changes))
    new = [e for e in top.links if e.lane == "dc_europe->asia"]
    assert len(new) == 12
    assert all(e.lead_time.value == 3 and e.share == 0 for e in new)


def test_a_lane_without_goods_or_in_a_circle_is_refused_with_a_reason():
    with pytest.raises(ScenarioError, match="'power_1' has nothing that 'asia' needs"):
        fixes.add_lane(scenario(), {}, "power_1", "asia", 3)
    with pytest.raises(ScenarioError, match="does not get from it already"):
        fixes.add_lane(scenario(), {}, "dc_asia", "asia", 3)
    with pytest.raises(ScenarioError, match="cycle"):
        fixes.add_lane(scenario(), {}, "asia", "dc_asia", 3)


@pytest.mark.parametrize(
    ("name", "site"),
    [("electronics", "board_fab"), ("beer-game", "factory"), ("small-business", "stockroom")],
)
def test_a_raised_buffer_raises_the_planned_stock(name, site):
    s = scenario(name)
    changed = twin.apply(s, fixes.raise_buffer(s, {}, site, percent=30))
    old, new = build(s), build(changed)
    rows = [p.index for p in old.points if p.site.name == site and p.role == "output"]
    assert series.planned_stock(new)[rows].sum() > 1.02 * series.planned_stock(old)[rows].sum()


def test_raising_a_buffer_twice_keeps_one_rule_per_place():
    s = scenario()
    once = fixes.raise_buffer(s, {}, "chip_foundry", "chip_standard")
    twice = fixes.raise_buffer(s, once, "chip_foundry", "chip_standard")
    assert len(twice["stock[+]"]) == 1
    assert twice["stock[+]"][0]["policy"]["safety_factor"] == pytest.approx(3 * 1.44)


def test_a_site_that_works_to_order_has_no_buffer_to_raise():
    with pytest.raises(ScenarioError, match=r"keeps no stock.*decoupling point"):
        fixes.raise_buffer(scenario(), {}, "dc_asia")
    found = {o["fix"]: o for o in fixes.options(scenario(), "dc_asia")}
    assert not found["raise_buffer"]["possible"]
    assert "made to order" in found["raise_buffer"]["words"]
    moved = {f"families.{f}.decoupling_point": "dc" for f in ("laptop", "printer")}
    found = {o["fix"]: o for o in fixes.options(scenario(), "dc_asia", moved)}
    assert found["raise_buffer"]["possible"]


def test_what_is_wrong_is_told():
    with pytest.raises(ScenarioError, match="no site 'chip_foundy'; did you mean 'chip_foundry'"):
        fixes.backup_supplier(scenario(), {}, "chip_foundy")
    with pytest.raises(ScenarioError, match="no policy 'rQ'"):
        fixes.change_policy(scenario(), {}, "board_fab", "board_standard", "rQ")
    with pytest.raises(ScenarioError, match="no site 'nowhere'"):
        fixes.options(scenario(), "nowhere")
