"""What ``twin explain`` says, held against what the scenarios say."""

from __future__ import annotations

import importlib.resources

import pytest

from twin.errors import NetworkError
from twin.explain import explain
from twin.load import load
from twin.schema import Scenario

NAMES = sorted(
    f.name.removesuffix(".yaml")
    for f in importlib.resources.files("configs").iterdir()
    if f.name.endswith(".yaml")
)

TINY = {
    "sites": [{"name": "mill", "stage": "make"}, {"name": "shop", "stage": "sell"}],
    "items": [{"name": "oats", "family": "food"}],
    "families": [{"name": "food", "decoupling_point": "make", "tolerance": 3}],
    "production": [{"site": "mill", "item": "oats", "lead_time": 4}],
    "lanes": [{"from": "mill", "to": "shop", "lead_time": 2}],
    "demand": [{"site": "shop", "item": "oats", "kind": "recorded", "values": [1, 3]}],
}


def scenario(**changes) -> Scenario:
    return Scenario.model_validate({**TINY, **changes})


def cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_scenario_can_be_explained(name):
    said = explain(load(name))
    rows = sum(row["stock points"] for row in said.network)
    assert rows == sum(row["stock points"] for row in said.policies)
    assert len(said.disruptions) >= 1
    assert all(row["suggested"] for row in said.families)
    text = said.text()
    for table in (said.network, said.families, said.demand, said.policies):
        assert len({tuple(row) for row in table}) <= 1
        assert all(cell(value) in text for row in table for value in row.values())


def test_stages_are_push_decoupling_point_or_pull_with_their_lead_times():
    said = explain(scenario())
    told = [(r["stage"], r["mode"], r["lead time"], r["lead time below"]) for r in said.stages]
    assert told == [("make", "decoupling point", 4, 2), ("sell", "pull", 2, 0)]


def test_the_suggestion_says_when_nothing_fits():
    assert explain(scenario()).families[0]["suggested"] == "make"
    # Shop and door are one stage and both sell: their stage would be crossed twice.
    said = explain(
        scenario(
            sites=[*TINY["sites"], {"name": "door", "stage": "sell"}],
            lanes=[*TINY["lanes"], {"from": "shop", "to": "door", "lead_time": 9}],
            demand=[*TINY["demand"], {**TINY["demand"][0], "site": "door"}],
        )
    ).families[0]
    assert (said["allowed"], said["suggested"]) == ("make (11)", "make")
    assert said["why"].startswith("no stage is within the tolerance")


def test_demand_is_told_as_a_mean_and_in_words():
    row = explain(scenario()).demand[0]
    assert (row["mean"], row["kind"], row["waiting"]) == (2.0, "recorded", "waits; late after 3")


def test_events_and_devices_take_one_sentence_each():
    said = explain(
        scenario(
            disruptions=[
                {
                    "kind": "outage",
                    "name": "fire",
                    "where": {"site": "mill"},
                    "start": 5,
                    "duration": 1,
                    "severity": 0.5,
                    "probability": 0.25,
                }
            ],
            devices=[{"kind": "scale", "where": {"site": "shop"}, "period": 7, "delay": 2}],
            adoption={"shop": 0.5},
            moves=[{"family": "food", "at": 9, "to": "sell"}],
        )
    )
    for part in ("fire", "site mill (1 stock points)", "day 5 for 1 day", "50%", "chance 25%"):
        assert part in said.disruptions[0]
    for part in ("scale", "site shop", "every 7 days", "used 2 days later", "shop uses 50%"):
        assert part in said.devices[0]
    assert said.moves == ["food: decision to move to sell in day 9."]


def test_what_can_never_happen_is_said():
    chain = [
        {"kind": "outage", "after": "late"},
        {"kind": "outage", "name": "late", "start": 365},
        {"kind": "outage", "name": "last", "start": 364},
        {"kind": "outage", "name": "off", "probability": 0},
        {"kind": "outage", "after": "off"},
    ]
    moves = [{"family": "food", "at": at, "to": "sell"} for at in (363, 364)]
    food = {**TINY["families"][0], "notice": 1}
    said = explain(scenario(horizon=365, disruptions=chain, moves=moves, families=[food]))
    reasons = [text.partition("never happens: ")[2] for text in said.disruptions]
    assert reasons == [
        "it begins in day 366, after the last day (364).",
        "it begins in day 365, after the last day (364).",
        "",
        "it is switched off (probability 0).",
        "it follows 'off', which is switched off.",
    ]
    assert "never happens" not in said.moves[0]
    assert said.moves[1].endswith("never happens: it begins in day 365, after the last day (364).")


def test_a_rule_below_the_decoupling_point_rests():
    told = {row["stage"]: row["rule"] for row in explain(scenario()).policies}
    assert told["sell"] == "only what customers have ordered"
    assert told["make"].startswith("order up to a level")


def test_a_wrong_decoupling_point_is_an_error_not_an_explanation():
    with pytest.raises(NetworkError, match="unknown stage 'makes'"):
        explain(scenario(families=[{"name": "food", "decoupling_point": "makes"}]))
