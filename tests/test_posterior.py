"""Runs that draw from what calibration is not sure of."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from twin.errors import ScenarioError
from twin.load import load_text
from twin.posterior import drawn

SHOP = """{horizon: 60, sites: [{name: shop}], items: [{name: tea}],
 purchases: [{site: shop, item: tea, lead_time: 2}],
 stock: [{policy: {kind: base_stock, level: 12}}],
 demand: [{site: shop, item: tea, kind: poisson, mean: 4}]%s}"""
DRAWS = ", posterior: {draws: {'stock[0].policy.level': [9, 12, 15], 'demand[0].mean': [3, 4, 5]}}"


@pytest.fixture
def unsure() -> twin.Scenario:
    return load_text(SHOP % DRAWS)


def test_each_replication_equals_the_run_of_its_own_draw(unsure):
    together = twin.run(unsure, replications=5, record=["rows.on_hand"])
    for k in range(5):
        alone = twin.run(drawn(unsure, k), replications=k + 1, record=["rows.on_hand"])
        np.testing.assert_array_equal(
            together.series["rows.on_hand"][:, :, k], alone.series["rows.on_hand"][:, :, k]
        )


def test_bands_are_wider_than_luck_alone(unsure):
    sure = load_text(SHOP % "")
    spread = [np.std(twin.run(s, replications=60).values["running_cost"]) for s in (sure, unsure)]
    assert spread[1] > 1.5 * spread[0]


@pytest.mark.parametrize("key", ["stock[0].policy.level", "stock[-1].policy", "stock"])
def test_what_is_changed_is_drawn_no_longer(unsure, key):
    value = {"stock[0].policy.level": 25, "stock[-1].policy": {"kind": "base_stock", "level": 25}}
    rule = [{"policy": {"kind": "base_stock", "level": 25}}]
    changed = twin.apply(unsure, {key: value.get(key, rule)})
    assert set(changed.posterior.draws) == {"demand[0].mean"}
    assert drawn(changed, 2).stock[0].policy.level == 25


def test_a_change_elsewhere_keeps_the_draws(unsure):
    assert twin.apply(unsure, {"horizon": 30}).posterior == unsure.posterior


@pytest.mark.parametrize(
    ("draws", "told"),
    [
        ("{'demand[0].mean': [3, 4], 'stock[0].policy.level': [1]}", "same number"),
        ("{'demand[0].mean': [3, -4]}", "draw 1.*-4"),
        ("{'demand[0].median': [3]}", "draw 0.*median"),
    ],
)
def test_wrong_draws_are_refused_with_their_place(draws, told):
    with pytest.raises(ScenarioError, match=told):
        twin.run(load_text(SHOP % f", posterior: {{draws: {draws}}}"), replications=3)


def test_both_sides_of_a_comparison_take_the_same_draws(unsure):
    other = twin.apply(unsure, {"purchases[0].lead_time": 3})
    found = twin.compare(unsure, other, replications=30)
    spread = np.std(found.b.values["fill_rate"] - found.a.values["fill_rate"])
    assert spread < np.std(found.b.values["fill_rate"])
