"""All positions of the decoupling point: each the run that it names, told apart only where clear."""

from __future__ import annotations

import itertools
import json
import sys
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import twin
from tests.kpi_cases import factory, shop
from twin.errors import NetworkError, RunError, ScenarioError
from twin.frontier import MEASURES, NOWHERE, Frontier
from twin.schema import Scenario

WOOD, TABLE = {"name": "wood", "value": 2}, {"name": "table", "value": 20, "price": 35}
OUTAGE = {"kind": "outage", "where": {"site": "works"}, "start": 10, "duration": 5}
KEYS = {
    "positions", "label", "cost", "cost_low", "cost_high", "on_time", "on_time_low",
    "on_time_high", "loss_area", "tts", "ttr", "inventory_value", "suggested", "current", "tied",
}  # fmt: skip


def tables(point: Any = "plant", tolerance: int = 4, **more: Any) -> Scenario:
    """The factory, its tables a family: positions plant and store."""
    family = {"name": "tables", "decoupling_point": point, "tolerance": tolerance}
    items = [WOOD, {**TABLE, "family": "tables"}]
    return factory(**{"items": items, "families": [family], "disruptions": [OUTAGE], **more})


def both(**more: Any) -> Scenario:
    """The factory with a second family that is sold at the store as well."""
    items = [WOOD, {**TABLE, "family": "tables"}, {"name": "chair", "value": 9, "family": "chairs"}]
    make = {"site": "works", "lead_time": 2}
    return tables(
        items=items,
        families=[{"name": name, "decoupling_point": "plant"} for name in ("tables", "chairs")],
        production=[{**make, "item": "table", "inputs": [{"item": "wood", "usage": 4}]},
                    {**make, "item": "chair", "inputs": [{"item": "wood"}]}],
        demand=[{"site": "store", "item": item, "kind": "poisson", "mean": 5}
                for item in ("table", "chair")],
        **more,
    )  # fmt: skip


def test_every_option_is_the_run_at_that_position() -> None:
    scenario = tables(replications=5)
    for row in twin.frontier(scenario).rows:
        place = row["positions"]["tables"]
        alone = twin.run(scenario, set={"families.tables.decoupling_point": place})
        kpis = alone.kpis.set_index("kpi")
        assert row["cost"] == alone["running_cost"] / 30
        assert row["cost_high"] == kpis.high["running_cost"] / 30
        for name in ("on_time", "loss_area", "tts", "ttr", "inventory_value"):
            assert row[name] == alone[name] or (row[name] is None and np.isnan(alone[name]))
        assert (row["on_time_low"], row["on_time_high"]) == tuple(
            kpis.loc["on_time", ["low", "high"]]
        )


def test_options_run_from_upstream_to_downstream() -> None:
    stages = [p.stage for p in twin.positions("electronics", "laptop")]
    found = twin.frontier("electronics", families=["laptop"], replications=1)
    assert list(found.labels) == stages
    assert [list(cut) for cut in found.positions] == [["laptop"]] * len(stages)
    assert found.labels[found.suggested] == twin.suggest("electronics", "laptop").stage


def test_all_combinations_of_two_families_are_run() -> None:
    found = twin.frontier(both())
    wanted = itertools.product(("plant", "store"), repeat=2)
    assert [tuple(cut.values()) for cut in found.positions] == list(wanted)
    assert found.labels == ("plant", "tables: plant, chairs: store", "tables: store, chairs: plant",
                            "store")  # fmt: skip


def test_too_many_combinations_are_moved_one_by_one_and_together(monkeypatch) -> None:
    monkeypatch.setattr(sys.modules["twin.frontier"], "MOST", 3)
    found = twin.frontier(both())
    assert set(found.labels) == {"plant", "tables: store, chairs: plant",
                                 "tables: plant, chairs: store", "store"}  # fmt: skip
    assert any("more than 3 combinations" in note for note in found.notes)
    assert "note: more than 3" in found.summary()


@pytest.mark.parametrize(("tolerance", "stage"), [(4, "plant"), (0, "store")])
def test_the_suggested_option_is_twin_suggest(tolerance: int, stage: str) -> None:
    scenario = tables(tolerance=tolerance)
    assert twin.suggest(scenario, "tables").stage == stage
    assert [row["label"] for row in twin.frontier(scenario).rows if row["suggested"]] == [stage]


@pytest.mark.parametrize(
    ("point", "label"),
    [("store", "store"), (["works/table"], "plant"), (None, NOWHERE)],
    ids=["stage", "list", "none"],
)
def test_where_the_scenario_stands_is_always_an_option(point: Any, label: str) -> None:
    found = twin.frontier(tables(point))
    assert [row["label"] for row in found.rows if row["current"]] == [label]
    assert len(found.rows) == (3 if point is None else 2)


def test_options_that_run_alike_are_tied_and_others_are_not() -> None:
    found = twin.frontier(tables(None, replications=16))
    rows = {row["label"]: row for row in found.rows}
    assert rows["store"]["tied"] == [NOWHERE]
    assert rows[NOWHERE]["tied"] == ["store"]
    assert rows["plant"]["tied"] == []
    assert "no clear difference to: store" in found.summary()


@pytest.mark.parametrize(("shift", "tied"), [(0.0, True), (9.0, False)])
def test_tied_means_that_the_paired_differences_may_be_chance(shift: float, tied: bool) -> None:
    found = twin.frontier(tables(replications=4))
    first = found.results[0]
    noise = shift + np.array([3.0, -2.0, 1.0, -2.5])  # half an interval of 4 to each side
    cost = first.values["running_cost"] + noise
    second = replace(first, values={**first.values, "running_cost": cost})
    pair = replace(found, results=(first, second))
    assert [row["tied"] for row in pair.rows] == ([["store"], ["plant"]] if tied else [[], []])
    assert pair.front == ((0, 1) if tied else (0,))


def test_one_replication_ties_only_what_is_equal() -> None:
    found = twin.frontier(tables(None, replications=1))
    assert [row["tied"] for row in found.rows] == [[], [NOWHERE], ["store"]]


def test_nothing_on_the_front_is_clearly_beaten_and_all_else_is() -> None:
    found = twin.frontier("electronics", replications=4)

    def beats(j: int, i: int) -> bool:
        cost, share = (found.difference(i, j).row(kpi) for kpi in ("running_cost", "on_time"))
        gain = [-np.sign(cost["difference"]) * cost["clear"],
                np.sign(share["difference"]) * share["clear"]]  # fmt: skip
        return min(gain) >= 0 and max(gain) > 0

    options = range(len(found.rows))
    assert found.front == tuple(i for i in options if not any(beats(j, i) for j in options))
    assert 0 < len(found.front) < len(found.rows)


def test_rows_are_plain_data_with_the_agreed_keys() -> None:
    rows = twin.frontier(tables(disruptions=[])).rows
    assert all(set(row) == KEYS for row in rows)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert rows[0]["loss_area"] is None


def test_the_frame_holds_every_measure_with_its_interval() -> None:
    found = twin.frontier(tables(replications=5))
    assert {f"{name}{end}" for name in MEASURES for end in ("", "_low", "_high")} <= {*found.frame}
    assert list(found.frame.tables) == ["plant", "store"]
    assert list(found.frame.best) == [i in found.front for i in range(2)]


def test_rows_come_one_by_one_and_progress_covers_all() -> None:
    seen: list[tuple[int, int]] = []
    came: list[tuple[int, dict]] = []
    found = twin.frontier(
        tables(None), progress=lambda *x: seen.append(x), found=lambda *x: came.append(x)
    )
    assert [i for i, _ in came] == [0, 1, 2]
    assert [row["label"] for _, row in came] == list(found.labels)
    assert came[1][1]["tied"] == []
    assert came[2][1] == found.rows[2]
    assert seen == sorted(seen)
    assert seen[-1] == (3 * 2 * 30 * 3, 3 * 2 * 30 * 3)


def test_it_stops_soon_after_it_is_asked_to() -> None:
    stop, at = threading.Event(), [0.0]

    def told(done: int, total: int) -> None:
        at.append(done / total)
        if done > 0.4 * total:
            stop.set()

    with pytest.raises(RunError, match="cancelled"):
        twin.frontier(tables(horizon=3000, replications=256), progress=told, cancelled=stop)
    assert 0.4 < at[-1] < 0.6  # what each thread had begun, at most 0.1 s of it


def test_between_two_options_it_stops_as_well() -> None:
    stop, came = threading.Event(), []
    with pytest.raises(RunError, match="cancelled"):
        twin.frontier(tables(), cancelled=stop, found=lambda i, _: (came.append(i), stop.set()))
    assert came == [0]


def test_changes_and_luck_are_those_of_a_run() -> None:
    found: Frontier = twin.frontier(tables(), set={"horizon": 40}, seed=9, replications=2)
    assert {(r.scenario.horizon, r.scenario.seed, r.replications) for r in found.results} == {
        (40, 9, 2)
    }


@pytest.mark.parametrize(
    ("scenario", "families", "says"),
    [
        (shop(), None, "has no families"),
        (tables(), ["tbles"], "unknown family 'tbles' .* did you mean 'tables'"),
        (tables(), "tables", r"must be a list of names, such as families=\['tables'\]"),
        (tables(), [], "must be a list of names"),
    ],
)
def test_what_cannot_be_moved_is_said(scenario: Scenario, families: Any, says: str) -> None:
    with pytest.raises((RunError, NetworkError, ScenarioError), match=says):
        twin.frontier(scenario, families=families)


def test_moves_during_the_run_are_kept_and_said() -> None:
    moves = [{"family": "tables", "at": 12, "to": "store"}]
    found = twin.frontier(tables(moves=moves))
    assert found.notes == ("tables: moved during the run; an option is where it starts",)
