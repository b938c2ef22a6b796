"""Changes of a scenario by dotted key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kpi_cases import factory, serial
from twin.edits import apply
from twin.errors import NetworkError, ScenarioError
from twin.load import load
from twin.schema import Policy


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("horizon", 99, lambda s: s.horizon),
        ("sites.works.owner", "me", lambda s: s.sites[0].owner),
        ("sites[-1].owner", "me", lambda s: s.sites[1].owner),
        ("stock[1].policy.level", 7, lambda s: s.stock[1].policy.level),
        ("stock[0].forecast.smoothing", 0.7, lambda s: s.stock[0].forecast.smoothing),
        ("demand[0].mean", 9, lambda s: s.demand[0].mean),
        ("demand.store/table.mean", 9, lambda s: s.demand[0].mean),
        ("lanes.works->store.cost_per_unit", 4, lambda s: s.lanes[0].cost_per_unit),
        ("lanes.works->store.from", "works", lambda s: s.lanes[0].source),
        ("production.works/table.inputs[0].usage", 3, lambda s: s.production[0].inputs[0].usage),
        ("production[0].yield", 0.5, lambda s: s.production[0].yield_),
        ("production[0].yield_", 0.5, lambda s: s.production[0].yield_),
        ("purchases.works/wood.lead_time", 9, lambda s: s.purchases[0].lead_time.value),
        ("adoption.maker", 0.5, lambda s: s.adoption["maker"]),
        ("resilience.window", 3, lambda s: s.resilience.window),
    ],
)
def test_a_key_reaches_its_value(key: str, value: Any, where: Any) -> None:
    assert where(apply(factory(), {key: value})) == value


def test_keys_of_a_lead_time_replace_its_short_form() -> None:
    base = "lanes.works->store.lead_time"
    changed = apply(factory(), {base: {"kind": "gamma", "mean": 3, "cv": 0.5}})
    assert apply(changed, {f"{base}.cv": 0.2}).lanes[0].lead_time.cv == 0.2


def test_changes_that_belong_together_are_checked_together() -> None:
    shipped = load("electronics")
    key = "sourcing[0].shares.memory_"
    changed = apply(shipped, {f"{key}1": 0.3, f"{key}2": 0.7})
    assert changed.sourcing[0].shares == {"memory_1": 0.3, "memory_2": 0.7}


def test_names_in_a_mapping_may_contain_points() -> None:
    changed = apply(factory(), {"sites.works.owner": "dr. who", "adoption.dr. who": 0.5})
    assert changed.adoption == {"dr. who": 0.5}


def test_models_and_lists_may_be_values() -> None:
    policy = Policy(kind="s_S", reorder_point=5, level=9)
    changed = apply(factory(), {"stock[0].policy": policy, "stages": ("plant", "store")})
    assert (changed.stock[0].policy, changed.stages) == (policy, ["plant", "store"])


def test_a_scenario_stays_as_it_is() -> None:
    scenario = factory()
    before = scenario.hash()
    apply(scenario, {"sites.works.owner": "me", "adoption.me": 0.5})
    assert scenario.hash() == before
    assert apply(scenario, {}) is scenario


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("horzon", 3, "change of 'horzon': unknown key 'horzon'; did you mean 'horizon'?"),
        ("lanes+", [], "unknown key 'lanes+'; to add entries write 'lanes[+]'"),
        ("sites.work.owner", "x", "no entry 'work'; did you mean 'works'?"),
        ("stock[9].policy", None, "no entry [9]; there are 2, counted from 0"),
        ("stock[0].policy.levl", 3, "unknown key 'levl'; did you mean 'level'?"),
        ("horizon.days", 3, "30 at 'horizon' has nothing inside"),
        ("stages.plant", "x", "entries have no names here; give a position, [0] to [1]"),
        ("", 1, "a name is missing"),
        ("sites..owner", 1, "no entry ''"),
        ("demand[0].mean", -1, "demand[0].mean = -1 units/period; must be from 0 to 1,000,000,000"),
        ("demand[0].mean", "a lot", "must be a number"),
        ("lanes[0].to", "stor", "did you mean 'store'?"),
    ],
)
def test_a_wrong_change_says_what_is_wrong_and_what_was_meant(
    key: str, value: Any, says: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        apply(factory(), {key: value})
    assert says in str(caught.value)


def test_a_name_that_fits_several_entries_asks_for_a_position() -> None:
    names = ("walk-in", "web")
    demand = [{"site": "shop", "item": "x", "customer": c, "mean": 4} for c in names]
    scenario = serial(1, demand=demand)
    with pytest.raises(ScenarioError, match=r"2 entries are 'shop/x'; choose one of \[0\], \[1\]"):
        apply(scenario, {"demand.shop/x.mean": 5})
    assert apply(scenario, {"demand.shop/x/web.mean": 5}).demand[1].mean == 5


def test_a_change_that_breaks_the_network_is_refused() -> None:
    with pytest.raises(NetworkError, match="has no source"):
        apply(factory(), {"purchases": []})


def test_entries_are_added_at_the_end_of_a_list_even_of_one_left_out() -> None:
    before = load("electronics")
    lane = {"from": "memory_1", "to": "plant_west", "lead_time": 3}
    move = {"family": "laptop", "at": 100, "to": "dc"}
    after = apply(before, {"lanes[+]": [lane], "moves[+]": [move]})
    assert after.lanes[:-1] == before.lanes
    assert (after.lanes[-1].source, after.lanes[-1].to) == ("memory_1", "plant_west")
    assert [m.to for m in after.moves] == ["dc"]


@pytest.mark.parametrize("key", ["horizon[+]", "lanes[+].from", "nothing[+]"])
def test_nothing_is_added_to_what_is_no_list(key: str) -> None:
    with pytest.raises(ScenarioError, match="change of"):
        apply(load("electronics"), {key: [{}]})


def test_what_is_added_must_be_a_list() -> None:
    with pytest.raises(ScenarioError, match="give a list of entries"):
        apply(load("electronics"), {"lanes[+]": {"from": "memory_1"}})
