"""Columns, crossings, heights and handles, without drawing."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from twin import load
from twin.schema import Scenario
from twin.topology import build
from viz.layout import crossings, layout, spaced

SHIPPED = ["beer-game", "electronics", "electronics-full", "small-business", "health-commodities"]


def chain_of_stores(stores: int, **more: Any) -> Scenario:
    """A supplier, a warehouse and many stores."""
    names = [f"store_{i:02}" for i in range(stores)]
    data: dict[str, Any] = {
        "horizon": 40,
        "stages": ["supply", "warehouse", "store"],
        "sites": [
            {"name": "maker", "kind": "supplier", "stage": "supply"},
            {"name": "hub", "stage": "warehouse"},
            *({"name": n, "kind": "store", "stage": "store"} for n in names),
        ],
        "items": [{"name": "tea", "family": "teas"}],
        "families": [{"name": "teas", "decoupling_point": "warehouse"}],
        "purchases": [{"site": "maker", "item": "tea", "lead_time": 2}],
        "lanes": [
            {"from": "maker", "to": "hub", "lead_time": 1},
            *({"from": "hub", "to": n, "lead_time": 1} for n in names),
        ],
        "demand": [{"site": n, "item": "tea", "kind": "poisson", "mean": 3} for n in names],
    }
    return Scenario.model_validate({**data, **more})


@pytest.mark.parametrize("name", SHIPPED)
def test_goods_flow_from_left_to_right_and_every_stock_point_is_shown_once(name):
    top = build(load(name))
    plan = layout(top)
    column = {n.name: n.x for n in plan.nodes}
    assert all(column[e.source] < column[e.to] for e in plan.edges)
    assert sorted(i for n in plan.nodes for i in n.rows) == [p.index for p in top.points]
    shipped = sorted(e.index for e in top.links if e.kind == "ship")
    assert sorted(i for e in plan.edges for i in e.links) == shipped


@pytest.mark.parametrize("name", SHIPPED)
def test_nodes_of_a_column_keep_apart_and_inside(name):
    plan = layout(build(load(name)))
    tall = max(sum(n.x == x for n in plan.nodes) for x in range(plan.columns))
    for x in range(plan.columns):
        ys = sorted(n.y for n in plan.nodes if n.x == x)
        assert ys[0] > 0
        assert ys[-1] < 1
        assert all(b - a > 0.6 / tall for a, b in itertools.pairwise(ys))


def test_the_layout_does_not_depend_on_the_order_of_lanes():
    scenario = load("electronics")
    turned = scenario.model_copy(update={"lanes": scenario.lanes[::-1]})
    assert layout(build(scenario)) == layout(build(turned))


def test_a_network_that_can_be_drawn_without_crossings_is():
    """Two separate chains whose sites are listed crosswise."""
    names = ["a1", "b1", "b2", "a2", "a3", "b3"]
    lanes = [("a1", "a2"), ("a2", "a3"), ("b1", "b2"), ("b2", "b3")]
    data = {
        "stages": ["1", "2", "3"],
        "sites": [{"name": n, "stage": n[1]} for n in names],
        "items": [{"name": "x"}],
        "purchases": [{"site": n, "item": "x", "lead_time": 1} for n in ("a1", "b1")],
        "lanes": [{"from": a, "to": b, "lead_time": 1} for a, b in lanes],
        "demand": [{"site": n, "item": "x", "kind": "poisson", "mean": 1} for n in ("a3", "b3")],
    }
    plan = layout(build(Scenario.model_validate(data)))
    y = {n.name: n.y for n in plan.nodes}
    assert len({y["a1"] < y["b1"], y["a2"] < y["b2"], y["a3"] < y["b3"]}) == 1


def test_crossings_are_counted():
    steps = {0: [("a", "y"), ("b", "x")]}
    assert crossings([["a", "b"], ["x", "y"]], steps) == 1
    assert crossings([["a", "b"], ["y", "x"]], steps) == 0


def test_spaced_is_the_nearest_arrangement_with_the_gaps():
    assert spaced([0.0, 0.0], [1.0], -5, 5) == pytest.approx([-0.5, 0.5])
    assert spaced([0.0, 3.0], [1.0], -5, 5) == pytest.approx([0.0, 3.0])
    assert spaced([2.0, 2.0, 2.0], [1.0, 1.0], -5, 2.5) == pytest.approx([0.5, 1.5, 2.5])


def test_a_stage_of_more_than_a_dozen_sites_is_one_node():
    few, many = (layout(build(chain_of_stores(n))) for n in (12, 13))
    assert len(few.nodes) == 14
    assert len(many.nodes) == 3
    assert len(many.nodes[-1].sites) == 13
    assert sorted(len(e.links) for e in many.edges) == [1, 13]


def test_handles_stand_right_of_their_stage_and_families_share_them():
    top = build(load("electronics"))
    (both,) = layout(top).handles
    assert both.families == ("laptop", "printer")
    assert {x for x, _ in both.path} == {1.5}
    apart = layout(top, {"laptop": "market", "printer": "components"}).handles
    assert [h.families for h in apart] == [("printer",), ("laptop",)]
    assert [h.path[0][0] for h in apart] == [0.5, 4.5]
    assert layout(top, {"laptop": None}).handles == ()


def test_a_cut_of_different_depths_is_a_stepped_handle():
    scenario = chain_of_stores(2, lanes=[
        {"from": "maker", "to": "hub", "lead_time": 1},
        {"from": "hub", "to": "store_00", "lead_time": 1},
        {"from": "maker", "to": "store_01", "lead_time": 1},
    ], families=[{"name": "teas", "decoupling_point": ["warehouse", "store_01/tea"]}])  # fmt: skip
    (handle,) = layout(build(scenario)).handles
    assert {x for x, _ in handle.path} == {1.5, 2.5}
    assert handle.path[0][1] == 0
    assert handle.path[-1][1] == 1


def test_sites_of_one_stage_that_supply_each_other_stand_side_by_side():
    scenario = chain_of_stores(1, sites=[
        {"name": "maker", "kind": "supplier", "stage": "supply"},
        {"name": "hub", "stage": "store"},
        {"name": "store_00", "kind": "store", "stage": "store"},
    ], stages=["supply", "store"], families=[])  # fmt: skip
    plan = layout(build(scenario))
    assert plan.stages == (("supply", 0, 0), ("store", 1, 2))
