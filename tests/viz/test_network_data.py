"""What the network widget is sent: the drawing, its groups, the state and the frames."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import numpy as np
import pytest

import twin
from twin import decoupling, load
from twin.result import Result
from twin.schema import Scenario
from twin.topology import build
from viz import network_data, series
from viz.layout import layout
from viz.network_groups import GROUP_SIZE, MOST_GROUPS

SHIPPED = ["beer-game", "electronics", "small-business", "health-commodities"]


@functools.cache
def ran(name: str = "electronics") -> Result:
    return twin.run(name, replications=2, record=["rows.on_hand"])


def changed(**changes: Any) -> Result:
    scenario = twin.apply(load("electronics"), changes)
    return twin.run(scenario, replications=2, record=["rows.on_hand"])


def distribution(stores: int, hubs: int, **more: Any) -> Scenario:
    """A maker, hubs and stores, each store at one hub."""
    at = {f"store_{i:04}": f"hub_{i % hubs:03}" for i in range(stores)}
    names = sorted(set(at.values()))
    data: dict[str, Any] = {
        "horizon": 30,
        "stages": ["make", "hub", "store"],
        "sites": [
            {"name": "maker", "kind": "plant", "stage": "make"},
            *({"name": n, "stage": "hub"} for n in names),
            *({"name": n, "kind": "store", "stage": "store"} for n in at),
        ],
        "items": [{"name": "tea", "family": "teas"}],
        "families": [{"name": "teas", "decoupling_point": "hub"}],
        "purchases": [{"site": "maker", "item": "tea", "lead_time": 2}],
        "lanes": [
            *({"from": "maker", "to": n, "lead_time": 1} for n in names),
            *({"from": hub, "to": n, "lead_time": 1} for n, hub in at.items()),
        ],
        "demand": [{"site": n, "item": "tea", "kind": "poisson", "mean": 3} for n in at],
    }
    return Scenario.model_validate({**data, **more})


# ---------------------------------------------------------------------------------------- drawing
@pytest.mark.parametrize("name", SHIPPED)
def test_a_drawing_shows_every_site_once_where_the_layout_puts_it(name):
    top = build(load(name))
    drawn = network_data.drawing(top)
    plan = layout(top, most_sites=40)
    assert {n["id"]: (n["x"], n["y"]) for n in drawn["nodes"]} == {
        n.name: (n.x, pytest.approx(n.y, abs=1e-4)) for n in plan.nodes
    }
    assert drawn["columns"] == plan.columns
    assert [(s["name"], s["first"], s["last"]) for s in drawn["stages"]] == list(plan.stages)
    sites = [s for n in drawn["nodes"] for s in n["sites"]]
    assert sorted(sites) == sorted({p.site.name for p in top.points})


@pytest.mark.parametrize("name", SHIPPED)
def test_the_positions_are_those_of_the_engine_each_right_of_its_stage(name):
    top = build(load(name))
    drawn = network_data.drawing(top)
    last = {s["name"]: s["last"] for s in drawn["stages"]}
    for family in drawn["families"]:
        found = decoupling.positions(top, family["name"])
        told = [(p["stage"], p["lead"]) for p in family["positions"]]
        assert told == [(p.stage, p.lead_time_below) for p in found]
        assert [p["x"] for p in family["positions"]] == [last[p.stage] + 0.5 for p in found]


def test_a_moved_handle_changes_the_place_and_not_the_shape():
    base = load("electronics")
    moved = twin.apply(base, {"families.laptop.decoupling_point": "dc"})
    a, b = (network_data.drawing(build(s)) for s in (base, moved))
    assert a["shape"] == b["shape"]
    assert [f["stage"] for f in b["families"]] == ["dc", "boards"]
    assert b["families"][0]["path"][0][0] == 3.5


def test_another_site_is_another_shape():
    shapes = {network_data.drawing(build(distribution(n, 1)))["shape"] for n in (3, 4)}
    assert len(shapes) == 2


def test_a_cut_of_single_stock_points_is_named_and_is_no_stage():
    place = ["maker/tea"]
    families = [{"name": "teas", "decoupling_point": place}]
    (family,) = network_data.drawing(build(distribution(2, 1, families=families)))["families"]
    assert family["stage"] is None
    assert family["place"] == "maker/tea"
    assert family["path"][0][0] == 0.5


# ----------------------------------------------------------------------------------------- groups
def test_forty_sites_of_a_stage_stand_alone_and_forty_one_fold():
    few, many = (network_data.drawing(build(distribution(n, 1))) for n in (40, 41))
    assert sum(n["stage"] == "store" for n in few["nodes"]) == 40
    groups = [n for n in many["nodes"] if n["group"]]
    assert 2 <= len(groups) <= MOST_GROUPS
    assert sum(n["n"] for n in groups) == 41
    assert max(n["n"] for n in groups) <= GROUP_SIZE + 1


def test_sites_with_few_suppliers_are_grouped_by_supplier():
    drawn = network_data.drawing(build(distribution(60, 4)))
    groups = [n for n in drawn["nodes"] if n["group"]]
    assert [n["label"] for n in sorted(groups, key=lambda n: n["label"])] == [
        f"15 of hub 00{i}" for i in range(4)
    ]
    assert all(len({int(s[-4:]) % 4 for s in n["sites"]}) == 1 for n in groups)


def test_a_group_opens_into_its_sites_and_a_crowded_one_into_groups():
    top = build(distribution(600, 1))
    outer = network_data.toggled((), "group:store/3")
    inside = [n for n in network_data.drawing(top, outer)["nodes"] if "store/3/" in n["id"]]
    assert len(inside) > 1
    assert all(n["group"] for n in inside)
    both = network_data.toggled(outer, inside[0]["id"])
    drawn = network_data.drawing(top, both)
    assert set(inside[0]["sites"]) <= {n["id"] for n in drawn["nodes"]}
    assert drawn["stages"][-1]["open"] == {"id": inside[0]["id"], "label": inside[0]["label"]}


def test_opening_a_group_closes_its_neighbours_and_a_second_click_closes_it():
    opened = network_data.toggled({"group:a/1", "group:a/1/2", "group:b/0"}, "group:a/3")
    assert opened == {"group:a/3", "group:b/0"}
    assert network_data.toggled(opened, "group:a/3") == {"group:b/0"}
    deep = network_data.toggled({"group:a/1"}, "group:a/1/2")
    assert deep == {"group:a/1", "group:a/1/2"}
    assert network_data.toggled(deep, "group:a/1/2") == {"group:a/1"}


def test_two_thousand_sites_are_drawn_as_a_few_groups():
    top = build(distribution(1900, 99))
    drawn = network_data.drawing(top)
    assert len(drawn["nodes"]) <= 1 + 2 * MOST_GROUPS
    assert len(json.dumps(drawn)) < 150_000


# ------------------------------------------------------------------------------------------ state
@pytest.mark.parametrize("name", SHIPPED)
def test_the_state_tells_modes_flows_and_stock_of_every_node_without_nan(name):
    result = ran(name)
    drawn = network_data.drawing(result.topology)
    state = network_data.state(result, drawn)
    json.dumps([drawn, state], allow_nan=False)
    assert state["shape"] == drawn["shape"]
    assert [e["flow"] for e in state["edges"]] == pytest.approx(
        [series.link_flows(result)[e["links"]].sum() for e in drawn["edges"]]
    )
    assert {n["mode"] for n in state["nodes"]} <= {"push", "pull", "own", "mixed"}


def test_the_fill_is_half_at_the_planned_stock():
    result = ran()
    top = result.topology
    drawn = network_data.drawing(top)
    state = network_data.state(result, drawn)
    worth = series.measure(top).weight
    for node, seen in zip(drawn["nodes"], state["nodes"], strict=True):
        mine = [p.index for p in top.points if p.site.name == node["id"]]
        want = float((series.planned_stock(top) * worth)[mine].sum())
        have = float((series.mean_stock(result) * worth)[mine].sum())
        expected = None if want == 0 else pytest.approx(min(1, have / want / 2), abs=1e-3)
        assert seen["fill"] == expected


def test_devices_that_nobody_adopted_do_not_report():
    drawn = network_data.drawing(ran().topology)
    at = {n["id"]: i for i, n in enumerate(drawn["nodes"])}
    with_all = network_data.state(ran(), drawn)["nodes"]
    without = network_data.state(changed(adoption={"maker": 0.0}), drawn)["nodes"]
    assert [n[at["board_fab"]]["dot"] for n in (with_all, without)] == [1.0, 0.0]
    assert with_all[at["asia"]]["dot"] is None


def test_a_device_fault_darkens_the_dots_of_its_sites_while_it_lasts():
    fault = {"kind": "device_fault", "where": {"site": "memory_1"}, "start": 100, "duration": 9}
    result = changed(disruptions=[fault])
    drawn = network_data.drawing(result.topology)
    (event,) = network_data.state(result, drawn)["events"]
    (struck,) = event["dots"]
    assert drawn["nodes"][struck[0]]["id"] == "memory_1"
    assert struck[1] == 0.0
    assert (event["start"], event["end"], event["nodes"]) == (100, 109, [])


def test_an_outage_stops_the_goods_of_its_site_and_a_closed_lane_its_own():
    result = changed(disruptions=[
        {"kind": "outage", "where": {"site": "board_fab"}, "start": 100, "duration": 9},
        {"kind": "lane_closed", "lane": "plant_west->dc_asia", "start": 120, "duration": 9},
    ])  # fmt: skip
    drawn = network_data.drawing(result.topology)
    outage, closed = network_data.state(result, drawn)["events"]
    ends = [(e["source"], e["to"]) for e in drawn["edges"]]
    assert {ends[i][0] for i in outage["stops"]} == {"board_fab"}
    assert [drawn["nodes"][i]["id"] for i in outage["nodes"]] == ["board_fab"]
    assert [ends[i] for i in closed["stops"]] == [("plant_west", "dc_asia")]
    assert closed["edges"] == closed["stops"]


# ----------------------------------------------------------------------------------------- frames
def test_frames_hold_the_fill_of_every_node_and_period():
    result = ran()
    top = result.topology
    drawn = network_data.drawing(top)
    found = np.frombuffer(network_data.frames(result, drawn), np.uint8)
    found = found.reshape(series.window(result), len(drawn["nodes"]))
    i = [n["id"] for n in drawn["nodes"]].index("memory_1")
    (row,) = [p.index for p in top.points if p.site.name == "memory_1"]
    stock = result.series["rows.on_hand"][result.scenario.warmup :, row].mean(axis=1)
    share = np.clip(stock / (2 * series.planned_stock(top)[row]), 0, 1)
    assert found[:, i] == pytest.approx(255 * share, abs=0.51)


def test_without_recorded_stock_there_are_no_frames():
    result = dataclasses.replace(ran(), series={})
    assert network_data.frames(result, network_data.drawing(result.topology)) == b""
