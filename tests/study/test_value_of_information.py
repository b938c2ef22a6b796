"""Value of information: owners' books that add up, places that matter found, silence worth nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import twin
from tests.kpi_cases import factory
from twin.errors import RunError, ScenarioError
from twin.result import number
from twin.schema import Scenario
from twin.study.findings import Findings
from twin.study.ready import ready_made
from twin.study.ready.value_of_information_owners import array, by_owner, device_owners

COUNT = {"kind": "cycle_count", "period": 7, "cost": 0.5}


def shops(**more: Any) -> Scenario:
    """Four shops that buy outside; goods vanish unseen in the second one only (fact F11)."""
    names = ["north", "south", "east", "west"]
    data: dict[str, Any] = {
        "name": "shops", "horizon": 150, "warmup": 30, "replications": 16,
        "sites": [{"name": n, "kind": "store", "owner": "chain" if n == "west" else n}
                  for n in names],
        "items": [{"name": "tea", "value": 4, "price": 10}],
        "purchases": [{"site": n, "item": "tea", "lead_time": 3} for n in names],
        "stock": [{"policy": {"kind": "base_stock", "level": 45}, "holding_cost": 0.05},
                  {"where": {"site": "south"}, "shrink": 0.2}],
        "demand": [{"site": n, "item": "tea", "kind": "normal", "mean": 10, "sd": 2,
                    "unmet": "lost"} for n in names],
        "devices": [COUNT],
    }  # fmt: skip
    return Scenario.model_validate({**data, **more})


def valued(scenario: Scenario, out: Path | None = None, **options: Any) -> Findings:
    few = {"noise": [], "delay": [], "loss": [1.0], "uptime": [], "budget": 2, "draws": 6}
    return ready_made(
        "value-of-information", {**few, **options}, scenario=scenario, out=out, threads=1
    )


def test_what_owners_pay_adds_up_to_what_the_chain_costs() -> None:
    """Replication by replication: all lines but bought goods, and devices apart."""
    scenario = shops(adoption={"south": 0})
    found = by_owner(scenario, threads=1)
    whole = twin.run(scenario, threads=1, record=())
    parts = {
        name: np.sum([array(lines[name]) for lines in found.values()], axis=0)
        for name in ("running", "devices")
    }
    assert parts["devices"] == pytest.approx(3 * 0.5)
    total = (whole.values["running_cost"] - whole.values["device_cost"]) / 120
    assert parts["running"] == pytest.approx(total)
    assert device_owners(scenario) == ["north", "south", "east", "chain"]


def test_only_the_owner_whose_goods_vanish_gains_by_counting() -> None:
    rows = valued(shops()).sheet("adoption").frame.set_index(["adopts", "owner"])
    assert rows.loc[("south", "south"), "net_low"] > 1
    for other in ("north", "east", "chain"):
        assert rows.loc[(other, other), "net"] == pytest.approx(-0.5)
        assert rows.loc[("south", other), "gains"] == pytest.approx(0, abs=1e-9)
    assert rows.loc[("everyone", "the whole chain"), "pays"] == pytest.approx(2)
    nets = rows.xs("everyone")["net"]
    assert nets["the whole chain"] == pytest.approx(nets.drop("the whole chain").sum())


def test_an_owner_of_devices_elsewhere_pays_and_who_holds_the_stock_gains() -> None:
    devices = [{**COUNT, "where": {"site": "south"}, "owner": "chain"}]
    rows = valued(shops(devices=devices)).sheet("adoption").frame.set_index("owner")
    assert (rows.loc["chain", "pays"], rows.loc["south", "pays"]) == (0.5, 0)
    assert rows.loc["south", "gains_low"] > 1
    assert rows.loc["chain", "net"] == pytest.approx(-0.5)


def test_a_few_devices_go_where_books_are_wrong_first() -> None:
    """Only one of four places is worth anything: two by chance have it half of the time."""
    found = valued(shops(), draws=200, budget=1)
    frame = found.sheet("placement").frame.set_index(["way", "devices"])
    assert frame.loc[("greedy", 1), "added"] == "cycle_count@south/tea"
    best, chance = frame.loc[("greedy", 1), "worth"], frame.loc[("by chance", 1), "worth"]
    assert frame.loc[("greedy", 1), "worth_low"] > 1
    share = (chance + 0.5) / (best + 0.5)  # what a place brings before its cost
    assert share == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 200) ** 0.5)
    assert any("they bring" in told and ", clearly more" in told for told in found.answers)


def test_places_are_judged_under_other_luck_than_they_were_chosen_by() -> None:
    """The scenario's next seed, replication by replication as two runs made one by one."""
    scenario = shops()
    rows = valued(scenario, budget=1, metric="running_cost").sheet("placement").frame
    row = rows[rows["way"] == "greedy"].iloc[0]
    assert row["added"] == "cycle_count@south/tea"
    worth = {}
    for seed in (scenario.seed, scenario.seed + 1):
        sets = ([], [{**COUNT, "where": {"site": "south"}}])
        runs = [twin.run(scenario, set={"seed": seed, "devices": x}, threads=1) for x in sets]
        none, one = (run.values["running_cost"].mean() / 120 for run in runs)
        worth[seed] = none - one
    assert row["worth"] == pytest.approx(worth[scenario.seed + 1])
    assert row["worth"] != pytest.approx(worth[scenario.seed])


def test_all_places_taken_make_good_and_random_placing_equal() -> None:
    frame = valued(shops(), budget=4).sheet("placement").frame
    last = frame[frame["devices"] == 4]
    assert last["worth"].max() - last["worth"].min() == pytest.approx(0, abs=1e-9)
    assert last[last["way"] == "by chance"]["worth_low"].iloc[0] == pytest.approx(
        last["worth"].iloc[0]
    )


def test_devices_that_never_report_are_worth_what_they_cost() -> None:
    found = valued(shops(), loss=[0.0, 0.5, 1.0], uptime=[0.0, 1.0], metric="running_cost")
    loss = found.sheet("quality_loss").frame["worth"].tolist()
    uptime = found.sheet("quality_uptime").frame["worth"].tolist()
    assert loss[2] == pytest.approx(-2)
    assert uptime[0] == pytest.approx(-2)
    assert loss[0] == pytest.approx(uptime[1])
    assert loss[0] > loss[1] > loss[2]


def test_worth_by_service_has_the_same_sign_as_by_cost_here() -> None:
    by = {m: valued(shops(), metric=m, loss=[0.0]) for m in ("on_time", "lost_share", "profit")}
    for found in by.values():
        assert found.sheet("quality_loss").frame["worth_low"].iloc[0] > 0


def test_differences_of_shares_are_points_in_tables_and_sentences_alike() -> None:
    found = valued(shops(), metric="on_time", loss=[0.0])
    frames = {name: found.sheet(name) for name in ("quality_loss", "placement")}
    assert {s.units["worth"] for s in frames.values()} == {"points"}
    worth = frames["quality_loss"].frame["worth"][0]
    assert 1 < worth == pytest.approx(frames["placement"].frame["worth"].max(), rel=0.3)
    assert any(f"{number(worth)} points" in answer for answer in found.answers)
    owners = found.sheet("owners")
    assert owners.units["on_time"] == "points"
    assert owners.frame.set_index("owner")["on_time"]["south"] > 1


def test_devices_that_save_no_cost_but_serve_are_judged_by_service() -> None:
    dear = valued(shops(devices=[{**COUNT, "cost": 50}]))
    assert "points" in next(a for a in dear.answers if a.startswith("All devices"))
    cheap = valued(shops())
    assert "points" not in next(a for a in cheap.answers if a.startswith("All devices"))


def test_a_study_goes_on_where_it_stopped_and_says_the_same(tmp_path: Path) -> None:
    few = shops(replications=4)
    first = valued(few, tmp_path / "v")
    next((tmp_path / "v" / "judge" / "parts").iterdir()).unlink()
    (tmp_path / "v" / "adoption_0.json").unlink()
    again = valued(few, tmp_path / "v")
    assert again.to_json_dict() == first.to_json_dict() == valued(few).to_json_dict()


def test_without_devices_there_is_nothing_to_value() -> None:
    with pytest.raises(RunError, match="has no devices"):
        valued(factory())


def test_a_kpi_without_a_better_side_is_refused() -> None:
    with pytest.raises(ScenarioError, match="'bias' is no KPI that is better"):
        valued(shops(), metric="bias")
