"""The decoupling frontier on a small factory: worlds, luck, break-evens, answers, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from tests.study.cases import tables
from twin.errors import RunError, ScenarioError
from twin.study.ready import frontier_cuts, ready_made
from twin.study.ready.base import Bench
from twin.study.ready.frontier_break_even import Sweeps
from twin.study.ready.frontier_cuts import Cuts, compared, search, stages_of
from twin.study.ready.frontier_levers import LEVERS, Lever
from twin.study.ready.frontier_worlds import CALM, MIX, SUPPLY, Shocks, moved_mix, shocks, worlds
from twin.topology import build

ASKED = {"buffers": "given", "replications": 8, "late_cost": 3.0, "levers": ["discount"]}
CHANGES = {s: {"families.tables.decoupling_point": s} for s in ("plant", "store")}
CALMLY = {CALM: []}


def hasty(**more):
    """Return the factory with customers who accept one period, so that waiting is late."""
    family = {"name": "tables", "decoupling_point": "plant", "tolerance": 1}
    return tables(families=[family], **more)


def cuts_of(scenario, where=CALMLY, replications=4):
    found = Cuts(Bench(scenario, threads=1), where, replications, 3.0, None, [CALM])
    search(found, stages_of(build(scenario), None), 25, np.ones(len(where)) / len(where))
    return found


def six(shares):
    """Return the shares after a mix shock of six variants with given shares."""
    names = [f"v{n}" for n in range(6)]
    items = [{"name": n, "family": "tables"} for n in names]
    demand = [{"site": "store", "variants": dict(zip(names, shares, strict=True)), "mean": 9}]
    made = [{"site": "works", "item": n} for n in names]
    return twin.Scenario.model_validate({
        "sites": [{"name": "works", "stage": "plant"}, {"name": "store", "stage": "store"}],
        "stages": ["plant", "store"], "items": items, "families": [{"name": "tables"}],
        "lanes": [{"from": "works", "to": "store", "lead_time": 1}], "production": made,
        "demand": demand, "horizon": 20,
    })  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return ready_made("decoupling-frontier", ASKED, scenario=hasty(), threads=1)


def test_where_no_lever_was_swept_there_is_no_table_of_its_break_evens(found):
    assert "break-even" not in {sheet.name for sheet in found.sheets}


def test_six_equal_shares_become_those_of_the_mirror_experiment():
    shares = moved_mix(build(six([1 / 6] * 6)), "tables", 1.0, across=False)
    assert list(shares.values()) == pytest.approx([0.4, 0.2, 0.2, 0.1, 0.05, 0.05])


def test_variants_of_other_parts_keep_their_common_share():
    top = build(twin.load("electronics"))
    within, across = (moved_mix(top, "laptop", 1.0, x) for x in (False, True))
    pro = ("laptop_pro_15", "laptop_pro_17")  # made of another board
    assert sum(within[name] for name in pro) == pytest.approx(0.18)
    assert sum(across[name] for name in pro) > 0.25
    assert sum(within.values()) == pytest.approx(1)


def test_a_shock_that_never_happens_leaves_every_number_bit_equal():
    fire = {"kind": "outage", "where": {"site": "works"}, "start": 10, "duration": 5}
    both = {CALM: [], "never": [{**fire, "probability": 0.0}]}
    values = compared(Bench(hasty(), threads=1), "x", CHANGES, both, 8)
    for cut, world, kpi in values:
        assert np.array_equal(values[cut, world, kpi], values[cut, CALM, kpi], equal_nan=True)


def test_worlds_share_their_luck_so_that_their_difference_is_surer_than_either():
    top = build(hasty())
    both = worlds(top, Shocks(*shocks(top, None, None, 3), 1.0))
    values = compared(Bench(hasty(), threads=1), "x", CHANGES, both, 64)
    calm, hit = (values["store", world, "running_cost"] for world in (CALM, SUPPLY))
    assert hit.mean() != calm.mean()
    assert (hit - calm).var() < 0.5 * (calm.var() + hit.var())


def test_the_break_even_of_costs_linear_in_a_price_is_where_algebra_puts_it(monkeypatch):
    scenario = hasty()
    price = Lever("holding", "money", (0.0, 1.0, 2.0), 0.0, lambda h: {"stock[0].holding_cost": h})
    monkeypatch.setitem(LEVERS, "price", lambda _: price)
    cuts = cuts_of(scenario)
    sweeps = Sweeps(cuts, ["plant", "store"], np.ones(1), ["price"])
    plant, store = sweeps.costs["price"][0].mean(axis=1)  # at 0
    slopes = sweeps.costs["price"][1].mean(axis=1) - [plant, store]
    at = (plant - store) / (slopes[1] - slopes[0])
    assert 0 < at < 2
    (row,) = sweeps.changes()
    assert (row["below"], row["above"]) == ("store", "plant")
    assert row["at"] == pytest.approx(at, rel=1e-9)
    assert row["low"] <= row["at"] <= row["high"]


def test_the_mirror_comes_first_and_every_chart_has_its_sheet(found):
    assert found.charts[0].name == "mirror"
    assert {chart.sheet for chart in found.charts} <= {sheet.name for sheet in found.sheets}
    for chart in found.charts:
        named = (chart.x, chart.y, chart.low, chart.high, chart.group, chart.label)
        assert {c for c in named if c} <= set(found.sheet(chart.sheet).frame.columns)


def test_a_family_of_one_variant_has_no_mix_that_shifts(found):
    assert set(found.sheet("results").frame["world"]) == {CALM, SUPPLY}
    assert any("no mix can shift" in text for text in found.limits)


def test_a_search_goes_no_further_than_it_was_allowed():
    scenario = twin.apply(
        twin.load("electronics"), {"horizon": 70, "warmup": 60, "disruptions": []}
    )
    cuts = Cuts(Bench(scenario, threads=1), CALMLY, 2, 25.0, None, [CALM])
    search(cuts, stages_of(build(scenario), None), 8, np.ones(1))
    assert len(cuts.labels) == 8
    assert "8 of 25 combinations" in cuts.notes[0]
    assert cuts.labels[:5] == ["components", "boards", "assembly", "dc", "market"]


NO_FAMILY = {"families": [], "items": [{"name": "wood"}, {"name": "table"}]}
ONE_STAGE = {
    "stages": ["plant"],
    "sites": [{"name": "works", "kind": "plant"}, {"name": "store", "kind": "plant"}],
    "families": [{"name": "tables"}],
}


@pytest.mark.parametrize(
    ("changes", "words"), [(NO_FAMILY, "has no families"), (ONE_STAGE, "no second stage")]
)
def test_a_scenario_without_a_choice_is_refused(changes, words):
    with pytest.raises(RunError, match=words):
        ready_made("decoupling-frontier", ASKED, scenario=tables(**changes), threads=1)


def test_tuned_buffers_are_kept_and_a_resumed_study_says_the_same(tmp_path, monkeypatch):
    asked = {**ASKED, "buffers": "tuned", "budget": 6, "levers": []}
    first = ready_made("decoupling-frontier", asked, scenario=hasty(), threads=1, out=tmp_path)
    assert len([*tmp_path.glob("buffers-*.json")]) == 2
    monkeypatch.setattr(frontier_cuts, "tune", None)  # not asked again
    again = ready_made("decoupling-frontier", asked, scenario=hasty(), threads=1, out=tmp_path)
    assert again.to_json_dict() == first.to_json_dict()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"site": "wroks"}, "works"),
        ({"families": ["table"]}, "tables"),
        ({"start": 30}, "before the end"),
        ({"weights": {"clam": 1.0}}, "calm"),
        ({"weights": {MIX: 1.0}}, "above 0"),
        ({"families": []}, "families is empty"),
    ],
)
def test_wrong_options_are_told_what_is_allowed(option, words):
    with pytest.raises((RunError, ScenarioError), match=words):
        ready_made("decoupling-frontier", {**ASKED, **option}, scenario=tables(), threads=1)


def test_a_cheapest_cut_that_serves_few_on_time_is_said_to_say_little(found):
    free = ready_made(
        "decoupling-frontier", {**ASKED, "late_cost": 0.0}, scenario=hasty(), threads=1
    )
    assert free.answers[0].startswith("Cheapest in expectation is plant")
    assert free.answers[1].startswith("plant serves fewer than half on time")
    assert "fewer than half" not in " ".join(found.answers)
