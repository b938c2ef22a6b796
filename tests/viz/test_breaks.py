"""Disruptions of the timeline: every kind, every shipped scenario, and what the bars say."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest

import twin
from twin.disruptions import DISRUPTIONS
from twin.errors import ScenarioError
from twin.schema import Disruption
from viz import breaks
from viz.break_kinds import ONCE, SHARP
from viz.widgets.esm import HERE
from viz.widgets.timeline import TimelineWidget

SHIPPED = [
    "beer-game", "beer-game-human", "electronics", "electronics-full", "health-commodities",
    "small-business",
]  # fmt: skip


@functools.cache
def scenario(name: str = "electronics", disruptions: bool = True) -> twin.Scenario:
    found = twin.load(name)
    return found if disruptions else twin.apply(found, {"disruptions": []})


@functools.cache
def calm() -> twin.Result:
    return twin.run(scenario(disruptions=False), replications=2)


def struck(*entries: breaks.Entry) -> twin.Result:
    changed = twin.apply(scenario(disruptions=False), {"disruptions": list(entries)})
    return twin.run(changed, replications=2)


def same(a: twin.Result, b: twin.Result) -> bool:
    return all(np.array_equal(a.row_means[k], b.row_means[k]) for k in a.row_means)


# ------------------------------------------------------------------------------------------- kinds
def test_every_registered_kind_is_offered_with_its_words():
    found = breaks.kinds()
    assert [k["kind"] for k in found] == list(DISRUPTIONS)
    assert all(k["title"] and k["meaning"] and k["fields"] for k in found)


def test_ranges_units_and_sliders_are_those_of_the_json_schema():
    schema = Disruption.model_json_schema()["properties"]
    for kind in breaks.kinds():
        for field in kind["fields"]:
            told = schema[field["name"]]
            inside = next((a for a in told.get("anyOf", []) if "minimum" in a), told)
            assert (field["low"], field["high"]) == (inside.get("minimum"), inside.get("maximum"))
            assert (field["unit"], field["slider"]) == (told.get("unit", ""), told.get("slider"))
            assert field["meaning"] == told["description"]


@pytest.mark.parametrize("kind", [k for k in DISRUPTIONS if k != "mix_shift"])
def test_recovery_is_offered_where_it_changes_something(kind):
    entry = breaks.new(scenario(disruptions=False), kind)
    assert same(struck(entry), struck({**entry, "ramp": 60})) == (kind in SHARP)
    assert ("ramp" in breaks.fields(kind)) == (kind not in SHARP)


@pytest.mark.parametrize("kind", list(DISRUPTIONS))
def test_a_length_is_offered_where_it_changes_something(kind):
    entry = breaks.new(scenario(disruptions=False), kind)
    assert same(struck({**entry, "duration": 1}), struck({**entry, "duration": 90})) == (
        kind in ONCE
    )
    assert ("duration" in breaks.fields(kind)) == (kind not in ONCE)


def test_every_kind_has_a_mark_of_its_own():
    text = (HERE / "timeline_icons.js").read_text(encoding="utf-8")
    drawn = [line.partition(":")[0].strip() for line in text.splitlines() if ': "M' in line]
    assert drawn == list(DISRUPTIONS)


# ----------------------------------------------------------------------------------------- targets
def test_what_can_hit_nothing_says_why():
    assert "no device" in breaks.targets(scenario("beer-game"), "device_fault")["why"]
    assert "two items" in breaks.targets(scenario("beer-game"), "mix_shift")["why"]
    with pytest.raises(ScenarioError, match="'Device fault' has nothing to hit"):
        breaks.new(scenario("beer-game"), "device_fault")


@pytest.mark.parametrize("name", ["beer-game", "electronics", "small-business"])
def test_every_target_offered_is_hit(name):
    for kind in DISRUPTIONS:
        for choice in breaks.targets(scenario(name), kind)["choices"]:
            entry = breaks.new(scenario(name), kind, choice["id"])
            bar = breaks.bars(scenario(name), [entry])[0]
            assert (bar["valid"], bar["note"]) == (True, ""), (kind, choice["id"])


def test_the_first_outage_is_of_the_busiest_supplier():
    assert breaks.new(scenario(), "outage")["where"] == {"site": "chip_foundry"}
    assert "where" not in breaks.new(scenario(), "demand_change")


def test_only_lanes_that_take_time_are_offered_to_stretch():
    lanes = [c["label"] for c in breaks.targets(scenario(), "lead_time_stretch")["choices"]]
    assert "plant west → dc asia" in lanes
    assert "chip foundry → board fab" not in lanes


def test_a_site_is_a_target_by_its_bare_name_and_a_wrong_one_is_refused():
    entry = breaks.new(scenario(), "dock_closed", "dc_asia")
    assert entry["where"] == {"site": "dc_asia"}
    entry = breaks.new(scenario("beer-game"), "outage", "factory")  # a stage has this name too
    assert entry["where"] == {"site": "factory"}
    with pytest.raises(ScenarioError, match=r"'dc_asai'; did you mean 'dc_asia'"):
        breaks.new(scenario(), "dock_closed", "dc_asai")
    with pytest.raises(ScenarioError, match="'outrage' is unknown; did you mean 'outage'"):
        breaks.targets(scenario(), "outrage")


def test_a_mix_shift_turns_the_shares_of_a_family_round():
    shares = breaks.new(scenario(), "mix_shift", "laptop")["shares"]
    assert sum(shares.values()) == pytest.approx(1, abs=1e-9)
    assert list(shares) == sorted(shares, key=lambda i: shares[i])
    assert (shares["laptop_13_basic"], shares["laptop_pro_17"]) == (0.08, 0.3)


# ----------------------------------------------------------------------------------------- entries
@pytest.mark.parametrize("name", SHIPPED)
def test_every_new_entry_is_valid_measured_and_has_a_name_of_its_own(name):
    now = scenario(name)
    for kind in [*DISRUPTIONS, *DISRUPTIONS]:
        if not breaks.targets(now, kind)["why"]:
            now = twin.apply(now, {"disruptions[+]": [breaks.new(now, kind)]})
            bar = breaks.bars(now)[-1]
            assert now.warmup <= bar["start"] < bar["end"] <= now.horizon
            assert bar["valid"]
            assert bar["note"] == ""
    names = [d.name for d in now.disruptions]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", list(DISRUPTIONS))
def test_every_new_entry_changes_the_flagship(kind):
    assert not same(calm(), struck(breaks.new(scenario(disruptions=False), kind)))


def test_entries_are_moved_and_resized_within_the_schema_and_never_in_place():
    entry = breaks.new(scenario(), "outage", start=100)
    before = dict(entry)
    assert breaks.moved(entry, -5).get("start", 0) == 0
    assert breaks.moved(entry, 10**9)["start"] == 100_000
    assert breaks.resized(entry, 50, 7) == {**entry, "duration": 50, "ramp": 7}
    assert breaks.resized(entry, -3).get("duration", 1) == 1
    assert breaks.changed(entry, "severity", 0.5)["severity"] == 0.5
    assert "severity" not in breaks.changed({**entry, "severity": 0.5}, "severity", 1.0)
    assert entry == before


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [("severity", 3, "severity = 3"), ("factor", 2, "no field 'factor'"),
     ("duration", "long", "duration = 'long'"), ("name", "a/b", "name = 'a/b'")],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_its_place(field, value, text):
    with pytest.raises(ScenarioError, match=text):
        breaks.changed(breaks.new(scenario(), "outage"), field, value)


CHAIN = [
    {"kind": "dock_closed", "name": "c", "after": "b", "start": 2, "where": {"site": "dc_asia"}},
    {"kind": "outage", "name": "b", "after": "a", "start": 5, "duration": 10},
    {"kind": "outage", "name": "a", "start": 100, "duration": 20},
]


def test_bars_of_a_chain_stand_where_the_engine_puts_them():
    found = breaks.bars(scenario(), CHAIN)
    assert [b["start"] for b in found] == [137, 125, 100]
    assert [b["base"] for b in found] == [135, 120, 0]


@pytest.mark.parametrize(("gone", "left"), [(1, [137, 100]), (2, [137, 125])])
def test_what_followed_a_removed_entry_stays_where_it_was(gone, left):
    kept = breaks.without(CHAIN, gone)
    assert [b["start"] for b in breaks.bars(scenario(), kept)] == left
    assert CHAIN[0]["after"] == "b"


def test_an_edit_of_the_widget_counts_from_the_end_of_what_it_follows():
    edit = {"index": 1, "start": 9, "duration": 12, "ramp": 3, "n": 1}
    bar = breaks.bars(scenario(), breaks.edited(CHAIN, edit))[1]
    assert (bar["start"], bar["duration"], bar["ramp"]) == (129, 12, 3)


# -------------------------------------------------------------------------------------------- wave
@pytest.mark.parametrize("name", SHIPPED)
def test_a_covid_wave_rolls_down_the_stages_then_demand_rebounds(name):
    calm = scenario(name, disruptions=False)
    waved = twin.apply(calm, {"disruptions[+]": breaks.covid_wave(calm)})
    *closures, rebound = breaks.bars(waved)
    assert all(a["start"] < b["start"] for a, b in itertools.pairwise(closures))
    assert (rebound["kind"], rebound["start"] > closures[-1]["end"]) == ("demand_change", True)
    assert rebound["end"] + rebound["ramp"] <= waved.horizon
    assert not same(twin.run(waved, replications=2), twin.run(calm, replications=2))


def test_two_waves_do_not_share_a_name():
    once = twin.apply(scenario(), {"disruptions[+]": breaks.covid_wave(scenario())})
    twice = twin.apply(once, {"disruptions[+]": breaks.covid_wave(once)})
    names = [d.name for d in twice.disruptions]
    assert len(set(names)) == len(names)


# -------------------------------------------------------------------------------------------- bars
def test_a_bar_says_what_where_and_how_hard():
    (bar,) = breaks.bars(scenario())
    assert (bar["label"], bar["start"], bar["end"]) == ("Outage of chip foundry", 150, 195)
    entry = {"kind": "outage", "where": {"stage": ["boards", "dc"]}, "severity": 0.8}
    (bar,) = breaks.bars(scenario(), [entry])
    assert (bar["target"], bar["spoken"]) == (
        "the boards and dc stage", "80\N{NO-BREAK SPACE}% affected",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "note"),
    [({"start": 500}, "after the last day"), ({"probability": 0}, "switched off"),
     ({"severity": 0}, "changes nothing"), ({"start": 3}, "before the measured time")],
)  # fmt: skip
def test_a_bar_that_does_nothing_says_so(change, note):
    (bar,) = breaks.bars(scenario(), [{"kind": "outage", "duration": 5, "start": 90, **change}])
    assert bar["valid"]
    assert note in bar["note"]


def test_a_fault_of_devices_that_nobody_uses_hits_nothing():
    unused = twin.apply(scenario(), {"adoption.maker": 0})
    (bar,) = breaks.bars(unused, [{"kind": "device_fault", "start": 90}])
    assert (bar["valid"], "hits nothing here" in bar["note"]) == (True, True)


def test_of_several_entries_the_refused_one_says_why():
    entries = [
        {"kind": "outage", "start": 10, "duration": 5},
        {"kind": "outage", "start": "soon"},
        {"kind": "dock_close", "start": 10},
    ]
    good, bad, unknown = breaks.bars(scenario(), entries)
    assert (good["valid"], bad["valid"], unknown["valid"]) == (True, False, False)
    assert bad["note"].startswith("start = 'soon'")
    assert "did you mean 'dock_closed'" in unknown["note"]


def test_a_chain_that_bites_its_tail_is_told_on_its_bars():
    loop = [{"kind": "outage", "name": n, "after": m} for n, m in ("ab", "ba")]
    found = breaks.bars(scenario(), loop)
    assert all("loop" in bar["note"] and not bar["valid"] for bar in found)


def test_the_widget_takes_the_bars_and_the_limits_of_the_schema():
    widget = TimelineWidget(bars=breaks.bars(scenario()), horizon=425, warmup=60)
    assert (widget.limits, widget.selected, widget.cursor) == (
        {"duration": 100_000, "ramp": 10_000}, -1, -1,
    )  # fmt: skip
    assert "export default" in widget._esm
