"""What information is worth: two runs that differ in devices alone."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import twin
from tests.kpi_cases import factory, shop
from twin.errors import RunError
from twin.information import by_owner
from twin.schema import Scenario

COUNT = {"kind": "cycle_count", "where": {"site": "store"}, "period": 5, "cost": 3}
ANTENNA = {"kind": "rfid_shelf", "where": {"site": "works", "item": "table"}, "cost": 2}
SCALE = {"kind": "scale", "where": {"site": "works", "item": "wood"}, "cost": 1, "owner": "bank"}


def watched(**more: Any) -> Scenario:
    """The factory with drifting books and devices of three owners."""
    stock = [{"policy": {"kind": "base_stock", "level": 60}, "shrink": 0.05},
             {"where": {"item": "wood"}, "policy": {"kind": "base_stock", "level": 200}}]  # fmt: skip
    return factory(**{"devices": [COUNT, ANTENNA, SCALE], "stock": stock, **more})


def same(a: twin.Result, b: twin.Result) -> bool:
    return all(np.array_equal(a.values[kpi], b.values[kpi], equal_nan=True) for kpi in a.values)


def test_all_devices_are_compared_with_none() -> None:
    worth = twin.value_of_information(watched())
    assert same(worth.b, twin.run(watched()))
    assert same(worth.a, twin.run(watched(devices=[])))
    assert worth.row("device_cost")["difference"] == pytest.approx((3 + 2 + 1) * 30)
    assert worth.row("record_accuracy")["difference"] > 0


@pytest.mark.parametrize("owner", ["seller", ["seller"]], ids=["name", "list"])
def test_one_owners_devices_are_taken_away_and_the_others_stay(owner: Any) -> None:
    worth = twin.value_of_information(watched(), owner)
    assert same(worth.a, twin.run(watched(devices=[ANTENNA, SCALE])))
    assert same(worth.b, twin.run(watched()))


def test_who_has_adopted_nothing_is_taken_to_adopt_all() -> None:
    none_yet = watched(adoption={"seller": 0, "maker": 0})
    worth = twin.value_of_information(none_yet, "seller")
    assert same(worth.a, twin.run(none_yet))
    assert same(worth.b, twin.run(watched(adoption={"maker": 0})))


def test_a_part_that_is_adopted_stays_that_part() -> None:
    some = watched(adoption={"seller": 0.5})
    assert same(twin.value_of_information(some).b, twin.run(some))


def test_a_kind_of_device_is_taken_away_whoever_has_it() -> None:
    worth = twin.value_of_information(watched(), devices="rfid_shelf")
    assert same(worth.a, twin.run(watched(devices=[COUNT, SCALE])))
    assert same(worth.b, twin.run(watched()))


def test_who_pays_and_who_gains_adds_up_to_the_running_cost() -> None:
    worth = twin.value_of_information(watched())
    table = {row.pop("owner"): row for row in by_owner(worth)}
    assert {owner: row["pays"] for owner, row in table.items()} == {
        "maker": 2, "seller": 3, "bank": 1,
    }  # fmt: skip
    assert table["bank"]["gains"] == 0
    saved = sum(row["net"] for row in table.values())
    assert saved == pytest.approx(-worth.row("running_cost")["difference"] / 30)


def test_luck_changes_and_series_are_those_of_a_run() -> None:
    worth = twin.value_of_information(
        watched(), replications=2, seed=5, set={"horizon": 40}, record=["rows.record"]
    )
    for result in (worth.a, worth.b):
        assert (result.replications, result.scenario.seed, result.scenario.horizon) == (2, 5, 40)
        assert list(result.series) == ["rows.record"]


def test_progress_covers_both_runs_and_it_can_be_stopped() -> None:
    seen: list[tuple[int, int]] = []
    twin.value_of_information(watched(), progress=lambda *x: seen.append(x))
    assert seen == sorted(seen)
    assert seen[-1] == (2 * 30 * 3, 2 * 30 * 3)
    stop = threading.Event()
    stop.set()
    with pytest.raises(RunError, match="cancelled"):
        twin.value_of_information(watched(), cancelled=stop)


@pytest.mark.parametrize(
    ("scenario", "asked", "says"),
    [
        (shop(), {}, r"has no devices .* add some \(devices:"),
        (watched(), {"owner": "selller"}, "no devices of 'selller'; did you mean 'seller'"),
        (watched(), {"devices": ["radar"]}, "no devices of 'radar'; allowed: cycle_count"),
        (watched(), {"owner": "bank", "devices": ["scale"]}, "not both"),
    ],
)
def test_what_cannot_be_asked_is_said(scenario: Scenario, asked: dict, says: str) -> None:
    with pytest.raises(RunError, match=says):
        twin.value_of_information(scenario, **asked)
