"""The search, its levers and what they change."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from tests.facts import cases
from twin.errors import RunError
from twin.load import load_text
from twin.optimise.cma import Cma
from twin.optimise.levers import changed, stock_levers
from twin.stock_rules import resolve


def descend(function, d, seed):
    cma = Cma(np.full(d, 0.2), 0.3, seed, np.zeros(d))
    while (cma.spread > 1e-3).any():
        asked = cma.ask()
        cma.tell(asked[np.argsort([function(x) for x in asked])])
    return cma.mean


@pytest.mark.parametrize("d", [1, 2, 4])
def test_the_strategy_finds_the_bottom_of_a_turned_narrow_valley(d):
    """Condition 1000; the mean of ten searches, within a hundredth of the box."""

    def valley(x):
        return 1000 * (x - 0.6).sum() ** 2 + ((x - 0.6) ** 2).sum()

    far = [np.abs(descend(valley, d, seed) - 0.6).max() for seed in range(10)]
    assert np.mean(far) < 0.01


def factors(scenario):
    """Safety factor by stock point."""
    top = twin.topology.build(scenario)
    return {p.name: (p.stage, p.settings.policy.safety_factor) for p in top.points}


def test_a_lever_moves_its_stage_and_nothing_else():
    given = twin.apply(twin.load("electronics"), {"disruptions": []})
    levers = stock_levers(given)
    for n, lever in enumerate(levers):
        values = [x.start for x in levers]
        values[n] = 3.5
        before, after = factors(given), factors(twin.apply(given, changed(given, levers, values)))
        moved = {name for name in before if before[name] != after[name]}
        assert moved
        assert {before[name][0] for name in moved} == {lever.stage}
        assert {after[name][1] for name in moved} == {3.5}


def test_levers_at_their_start_change_nothing_that_a_stock_point_does():
    given = twin.load("electronics")
    levers = stock_levers(twin.apply(given, {"disruptions": []}))
    same = twin.apply(given, changed(given, levers, [x.start for x in levers]))
    for p in twin.topology.build(given).points:
        old, new = (resolve(s, p.site, p.item, p.role) for s in (given, same))
        assert old == new


def test_below_the_decoupling_point_there_is_no_lever():
    given = twin.load("electronics")
    stages = {x.stage for x in stock_levers(given)}
    assert stages == {"components", "boards"}


def test_where_an_outage_may_come_the_protection_interval_is_the_lever():
    given = twin.load("electronics")
    assert {x.field for x in stock_levers(given)} == {"cover"}
    assert {x.field for x in stock_levers(twin.apply(given, {"disruptions": []}))} == {
        "safety_factor"
    }


def test_levers_of_one_place_are_named_by_what_they_move_and_never_by_a_place_in_a_list():
    labels = [x.label for x in stock_levers(twin.load("small-business"))]
    assert len(labels) == len(set(labels)) == 4
    assert all(x.startswith("cover of stockroom/") for x in labels), labels


@pytest.mark.parametrize(("items", "named"), [(2, "level of shop/tea1"), (1, "level of shop")])
def test_a_lever_is_named_by_its_item_where_its_site_holds_several(items, named):
    names = [f"tea{n}" for n in range(items)]
    given = load_text(
        "sites: [{name: shop}]\n"
        f"items: {[{'name': n} for n in names]}\n"
        f"purchases: {[{'site': 'shop', 'item': n, 'lead_time': 1} for n in names]}\n"
        f"stock: {[{'where': {'item': n}, 'policy': {'level': 9}} for n in names]}\n"
        f"demand: {[{'site': 'shop', 'item': n, 'kind': 'poisson', 'mean': 3} for n in names]}\n"
    )
    assert named in [x.label for x in stock_levers(given)]


def test_a_reorder_point_takes_its_level_along():
    policy = {"kind": "s_S", "reorder_point": 4, "level": 10}
    given = cases.single(1, {"kind": "poisson", "mean": 6}, policy, integer=True)
    (lever,) = stock_levers(given)
    moved = twin.apply(given, changed(given, [lever], [7])).stock[0].policy
    assert (moved.reorder_point, moved.level) == (7, 13)


def test_a_kind_of_lever_that_is_none_is_said_in_words():
    with pytest.raises(RunError, match=r"no levers 'cut'"):
        stock_levers(twin.load("small-business"), ["cut"])
