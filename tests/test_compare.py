"""Comparisons under common random numbers."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

import twin
from tests.kpi_cases import factory, serial, shop
from twin.compare import Comparison
from twin.errors import RunError

NOTHING = [
    {"kind": "outage", "start": 5, "duration": 5, "severity": 0},
    {"kind": "demand_change", "start": 5, "duration": 5, "factor": 1},
    {"kind": "outage", "probability": 0},
    {"kind": "outage", "start": 10_000},
]


def test_a_scenario_against_itself_differs_in_nothing() -> None:
    found = twin.compare(factory(), factory())
    assert not found.frame.clear.any()
    differences = found.frame.set_index("kpi").difference
    assert (differences.dropna() == 0).all()
    assert set(differences.index[differences.isna()]) <= undefined(found.a)


def undefined(result: twin.Result) -> set[str]:
    return {name for name, x in result.values.items() if np.isnan(x).all()}


@pytest.mark.parametrize("event", NOTHING, ids=lambda e: e["kind"])
def test_a_disruption_that_does_nothing_changes_nothing(event: dict) -> None:
    found = twin.compare(factory(disruptions=[event]))
    for name, before in found.a.values.items():
        if name not in undefined(found.a):
            np.testing.assert_array_equal(before, found.b.values[name], err_msg=name)


def test_alone_a_scenario_is_compared_with_its_undisrupted_twin() -> None:
    found = twin.compare(serial(1))
    row = found.frame.set_index("kpi").loc["fill_rate"]
    assert (row.a, row.difference) == (1, pytest.approx(-54 / 250))
    assert row.relative == pytest.approx(-54 / 250)
    assert "serial (undisrupted) -> serial" in found.summary()


def test_the_undisrupted_twin_of_a_result_is_the_scenario_run_without_disruptions() -> None:
    outage = {"kind": "outage", "start": 9, "duration": 9}
    kept = twin.run(factory(disruptions=[outage])).undisrupted
    alone = twin.run(factory())
    assert kept is not None
    assert kept.scenario == alone.scenario
    for name, values in alone.values.items():
        np.testing.assert_array_equal(kept.values[name], values, err_msg=name)
    for name, values in alone.series.items():
        np.testing.assert_array_equal(kept.series[name], values, err_msg=name)
    assert alone.undisrupted is None


def test_alone_a_scenario_is_run_only_twice(monkeypatch) -> None:
    passes = []
    module = sys.modules["twin.run"]  # ``twin.run`` is the function
    whole = module.run_blocks
    monkeypatch.setattr(
        module, "run_blocks", lambda p, *a, **k: passes.extend(p) or whole(p, *a, **k)
    )
    twin.compare(factory(disruptions=[{"kind": "outage", "start": 9, "duration": 9}]))
    assert len(passes) == 2


def test_the_interval_is_that_of_the_paired_differences() -> None:
    found = twin.compare(shop(), set={"stock[0].policy.level": 41}, replications=8)
    row = found.frame.set_index("kpi").loc["inventory"]
    paired = found.b.values["inventory"] - found.a.values["inventory"]
    half = 2.3646 * paired.std(ddof=1) / 8**0.5  # t(7)
    assert (row.high - row.low) / 2 == pytest.approx(half, rel=1e-4)
    assert row.difference == pytest.approx(paired.mean())


def test_common_luck_makes_a_small_change_clear_that_two_separate_runs_would_hide() -> None:
    found = twin.compare(shop(horizon=100), set={"stock[0].policy.level": 41}, replications=8)
    row = found.frame.set_index("kpi").loc["inventory"]
    kpis = [r.kpis.set_index("kpi").loc["inventory"] for r in (found.a, found.b)]
    assert row.clear
    assert kpis[0].high > kpis[1].low


def test_results_at_hand_are_used_as_they_are() -> None:
    a, b = twin.run(shop()), twin.run(shop(integer=True))
    assert twin.compare(a, b).a is a
    with pytest.raises(RunError, match="cannot be paired"):
        twin.compare(a, twin.run(shop(), seed=2))


def test_there_must_be_something_to_compare() -> None:
    with pytest.raises(RunError, match="has no disruptions to compare without"):
        twin.compare(shop())
    with pytest.raises(RunError, match="not both"):
        twin.compare(shop(), shop(), set={"horizon": 3})


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("key", "value", "own"),
    [("horizon", 20, 10), ("warmup", 5, 0), ("calendar.period", "week", "day"),
     ("calendar.currency", "USD", "EUR")],
)  # fmt: skip
def test_what_is_not_measured_alike_is_not_subtracted(key: str, value: object, own: object) -> None:
    other = twin.apply(shop(), {key: value})
    told = f"{key} = {own!r} and {value!r}; .* twin.apply\\(..., {{'{key}': {own!r}}}\\)"
    with pytest.raises(RunError, match=f"^'shop' and 'shop' have {told}"):
        twin.compare(shop(), other)
    with pytest.raises(RunError, match=f"leave that out of set .* or make .*'{key}'"):
        twin.compare(shop(), set={key: value})


@pytest.mark.parametrize("shared", ["seed", "replications"])
def test_luck_is_common_to_both_and_cannot_be_changed_for_one(shared: str) -> None:
    with pytest.raises(RunError, match=f"set: {shared} = 7 .* give it for both: {shared}="):
        twin.compare(shop(), set={shared: 7})


def test_a_comparison_is_plain_data_and_short_text() -> None:
    found = twin.compare(serial(1))
    one, two = (json.loads(x.to_json()) for x in (found, twin.compare(serial(1))))
    one.pop("timing"), two.pop("timing")
    assert one == two
    assert {"a", "b", "kpis"} == set(one)
    assert len(found.summary(most=3).splitlines()) == 5
    assert found.summary() in repr(found)


def test_a_result_at_hand_lends_its_seed_and_its_replications():
    result = twin.run("beer-game", replications=3, seed=7)

    found = twin.compare(result)

    assert found.a.replications == 3
    assert found.a.manifest["seed"] == found.b.manifest["seed"] == 7


def test_a_difference_whose_interval_holds_zero_is_not_clear_though_all_replications_agree():
    """Survived or not, two replications: that both say the same is no proof."""
    found = twin.compare("electronics", set={"disruptions": []}, replications=2)
    both = np.array([1.0, 1.0])
    values = [{**x.values, "survived": v} for x, v in ((found.a, 0 * both), (found.b, both))]
    told = Comparison(
        *(replace(x, values=v) for x, v in zip((found.a, found.b), values, strict=True))
    )
    row = told.row("survived")
    assert row["difference"] == 1
    assert row["low"] < 0 < row["high"]
    assert not row["clear"]
