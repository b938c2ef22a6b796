"""What the page shows of a run: tiles, payloads, the sentence; and the session behind it."""

from __future__ import annotations

import json
import math

import pytest

import twin
from viz import answer, report_what_if, sentence
from viz.page import positions

MOVED = {f"families.{f}.decoupling_point": "assembly" for f in ("laptop", "printer")}


@pytest.fixture(scope="module")
def base() -> twin.Scenario:
    return twin.load("electronics")


@pytest.fixture(scope="module")
def found(base: twin.Scenario) -> answer.Answer:
    return answer.charted(*answer.compute(base, MOVED, replications=16))


def test_tiles_are_the_numbers_of_compare(base: twin.Scenario, found: answer.Answer) -> None:
    alone = twin.compare(twin.apply(base, MOVED), replications=16)
    told = [(t.value, t.unit, t.change, t.tone) for t in report_what_if.tiles(alone)]
    assert [(t["value"], t["unit"], t["change"], t["tone"]) for t in found.tiles] == told


def test_payloads_are_json_without_nan(found: answer.Answer) -> None:
    for payload in (found.tiles, found.state, found.charts):
        assert json.dumps(payload, allow_nan=False)


def test_tiles_do_not_wait_for_charts(base: twin.Scenario) -> None:
    made, found = answer.compute(base, {}, replications=2)
    assert made.charts == {}
    assert set(answer.charted(made, found).charts) >= {"service", "stock", "orders", "cost"}


def test_against_the_scenario_as_opened_nothing_changed_differs_in_nothing(
    base: twin.Scenario,
) -> None:
    same, _ = answer.compute(base, {}, replications=2, baseline="opened")
    assert same.baseline == "opened"
    assert {t["change"] for t in same.tiles} <= {"the same", "no clear difference", ""}


def test_large_networks_get_fewer_replications_but_never_less_than_a_first_answer(
    base: twin.Scenario,
) -> None:
    assert answer.full(base, 100) == answer.FULL
    assert answer.full(base, 100_000) == answer.FIRST


def test_the_sentence_tells_the_loss_with_its_interval(found: answer.Answer) -> None:
    row = found.comparison.row("on_time")
    lost = f"{-100 * row['difference']:.2f}"
    said = sentence.sentence(found.comparison)
    assert said.startswith("A 45-day outage of chip foundry costs")
    assert lost.rstrip("0").rstrip(".") in said
    assert "decoupling point at assembly" in said


def option(label: str, on_time: float, cost: float, **more: object) -> dict:
    return {"label": label, "positions": {"laptop": label, "printer": label}, "on_time": on_time,
            "cost": cost, "inventory_value": 100.0, "current": False, "tied": [], **more}  # fmt: skip


def test_the_cheapest_clearly_better_move_is_the_one_to_try(found: answer.Answer) -> None:
    here = option("assembly", 0.9, 100, current=True)
    rows = [
        option("components", 0.5, 50),
        here,
        option("dc", 0.97, 120),
        option("market", 0.99, 300),
    ]
    said = sentence.sentence(found.comparison, rows).replace("\N{NO-BREAK SPACE}", " ")
    assert said.endswith(
        "At dc 7 points more would arrive on time, for 20 % more cost. Drag it there."
    )


def test_where_no_move_is_clearly_better_the_sentence_says_so(found: answer.Answer) -> None:
    here = option("assembly", 0.9, 100, current=True, tied=["dc"])
    said = sentence.sentence(found.comparison, [here, option("dc", 0.97, 120)])
    assert said.endswith("No other position serves customers clearly better.")


def test_undefined_service_is_told_and_not_computed(found: answer.Answer) -> None:
    here = option("assembly", None, 100, current=True)
    said = sentence.sentence(found.comparison, [here, option("dc", 0.97, 120)])
    assert "nan" not in said.lower()
    assert not math.isnan(found.comparison.row("on_time")["difference"])


def test_positions_are_known_wherever_the_handle_stands(base: twin.Scenario) -> None:
    rows = positions.find(base, 2)
    there = positions.known(twin.apply(base, MOVED), 2)
    assert [r["positions"] for r in there if r["current"]] == [
        {"laptop": "assembly", "printer": "assembly"}
    ]
    assert [{**r, "current": 0} for r in there] == [{**r, "current": 0} for r in rows]
    assert positions.known(base, 3) is None
    assert positions.known(twin.apply(base, {"seed": 2}), 2) is None
