"""The COVID wave: thresholds with a closed form, ripples by hand, covers that do what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.kpi_cases import factory, serial, shop
from twin.compile.rules import first_forecasts, opening_level, protection
from twin.edits import apply
from twin.errors import RunError, ScenarioError
from twin.load import load
from twin.schema import Scenario
from twin.study.findings import Findings
from twin.study.ready import ready_made
from twin.study.ready.base import Bench
from twin.study.ready.covid_wave_grid import Wave
from twin.study.ready.covid_wave_ripple import Ripple, first_hit, ripple
from twin.study.ready.covid_wave_uptime import Asked, Place, Uptime, crossing
from twin.study.ready.stock import held, stocked
from twin.topology import build

FAMILY = {"items": [{"name": "tea", "value": 4, "family": "drinks"}],
          "families": [{"name": "drinks", "decoupling_point": "shop"}]}  # fmt: skip


def one_stage(p: float, h: float, **more: Any) -> Scenario:
    """A supplier that keeps nothing and a shop at its door; demand 10, owed units cost ``p``."""
    data: dict[str, Any] = {
        "name": "one-stage", "horizon": 600, "warmup": 100, "replications": 16,
        "stages": ["supplier", "shop"],
        "sites": [{"name": "mill", "kind": "supplier", "stage": "supplier"},
                  {"name": "shop", "kind": "store", "stage": "shop"}],
        "lanes": [{"from": "mill", "to": "shop", "lead_time": 0}],
        "purchases": [{"site": "mill", "item": "tea", "lead_time": 0}],
        "stock": [{"policy": {"kind": "base_stock", "level": 0}},
                  {"where": {"site": "shop"}, "holding_cost": h, "backlog_cost": p,
                   "policy": {"kind": "base_stock"}, "forecast": {"kind": "constant"}}],
        "demand": [{"site": "shop", "item": "tea", "kind": "constant", "mean": 10}],
        **FAMILY,
    }  # fmt: skip
    return Scenario.model_validate({**data, **more})


def waved(scenario: Scenario, out: Path | None = None, **options: Any) -> Findings:
    few = {"lengths": [2, 4], "paces": [0, 1], "extra": [3], "backups": [1.0], "buffers": [1, 3],
           "uptimes": [0.6, 0.8, 1.0]}  # fmt: skip
    return ready_made("covid-wave", {**few, **options}, scenario=scenario, out=out, threads=1)


@pytest.mark.parametrize(("p", "h", "stretch"), [(4, 1, 1), (4, 1, 5), (1, 1, 3), (9, 1, 2)])
def test_without_buffers_is_best_above_the_uptime_of_the_closed_form(
    p: float, h: float, stretch: int
) -> None:
    """p / (p + h), whatever the length of failures; the interval is honest and not wide."""
    options = {"uptimes": [0.3, 0.6, 0.7, 0.85, 0.95, 1.0], "stretch": stretch, "buffers": [1]}
    found = waved(one_stage(p, h), lengths=[1], paces=[0], extra=[], backups=[], **options)
    frame = found.sheet("uptime").frame
    some = frame[frame["buffer"] == 1]
    at = float(crossing(some["uptime"].to_numpy(), -some["against_none"].to_numpy()))
    assert at == pytest.approx(p / (p + h), abs=0.02)
    assert f"{100 * p / (p + h):.4g} %, p / (p + h)" in " ".join(found.answers)


@pytest.mark.slow
def test_the_interval_of_the_threshold_covers_between_92_and_98_percent() -> None:
    """Where the closed form says 80 %; 300 repeats, each with a luck of its own."""
    hits = []
    for seed in range(1, 301):
        bench = Bench(one_stage(4, 1, horizon=300, seed=seed), threads=1)
        found = Uptime(Asked("mill", [0.6, 0.7, 0.8, 0.9, 1.0], 3, [1], 16), bench)
        _, low, high = found.threshold
        hits.append(low <= 0.8 <= high)
    assert 0.92 <= np.mean(hits) <= 0.98


def test_the_cost_of_the_first_buffer_is_linear_in_the_uptime() -> None:
    """One period's worth costs 10 h while the supplier works and saves 10 p while it does not."""
    found = waved(one_stage(4, 1), uptimes=[0.7, 1.0], stretch=1, buffers=[1], replications=64)
    frame = found.sheet("uptime").frame.set_index(["buffer", "uptime"])
    assert frame.loc[(1, 1.0), "against_none"] == pytest.approx(10)
    row = frame.loc[(1, 0.7)]
    assert row["against_none_low"] <= 0.7 * 10 - 0.3 * 40 <= row["against_none_high"]


def test_failures_come_as_often_as_the_uptime_says() -> None:
    asked = Asked("mill", [0.8], 5, [1])
    found = asked.failures(0.8, 100)
    assert [e["start"] for e in found] == list(range(0, 100, 5))
    assert {(e["duration"], round(e["probability"], 9)) for e in found} == {(5, 0.2)}
    assert asked.failures(1.0, 100) == []


def test_a_crossing_by_hand() -> None:
    uptimes = np.array([0.5, 0.6, 0.8, 1.0])
    gain = np.array([[3, -1, 3, 0], [2, -1, 2, 0], [-2, -1, 1, 0], [-9, -1, 1, 0]], float)
    assert crossing(uptimes, gain) == pytest.approx([0.7, 0.5, 1.0, 0.5])


def test_the_closed_form_holds_only_where_customers_wait_at_a_cost() -> None:
    lost = [{"site": "shop", "item": "tea", "kind": "constant", "mean": 10, "unmet": "lost"}]
    for scenario, rule in (
        (one_stage(3, 1), 0.75), (one_stage(0, 1), None), (one_stage(3, 1, demand=lost), None),
    ):  # fmt: skip
        top = build(scenario)
        assert Place.behind(top, "mill").critical(top) == rule


def test_without_a_buffer_a_chain_is_decoupled_upstream_and_with_one_beyond_the_supplier() -> None:
    place = Place.behind(build(one_stage(3, 1)), "mill")
    assert (place.pulled, place.buffered) == ({"drinks": "supplier"}, {"drinks": "shop"})
    with pytest.raises(RunError, match=r"no site 'mil'.*mill"):
        Place.behind(build(one_stage(3, 1)), "mil")
    with pytest.raises(RunError, match="supplies no other site"):
        Place.behind(build(one_stage(3, 1)), "shop")


@pytest.mark.parametrize("cover", [1, 5])
def test_a_ripple_takes_the_time_of_the_ways_and_the_covers(cover: int) -> None:
    """As fact F21: lead times 2, 5 and 5 below the source, cover + 1 days at each stage."""
    scenario = serial(cover)
    entry = {"kind": "outage", "name": "x", "where": {"site": "source"}, "start": 100,
             "duration": 60}  # fmt: skip
    closed, hits = ripple(scenario, entry, 0.05, threads=1)
    after = {h["site"]: h["after"] for h in hits if not h["closed"]}
    assert closed == ["source"]
    assert list(after.values())[-1] == max(after.values()) == 12 + 3 * (cover + 1)
    assert sorted(after.values()) == [
        lead + n * (cover + 1) for n, lead in ((1, 2), (2, 7), (3, 12))
    ]


def test_the_ways_of_a_ripple_run_from_the_site_hit_sooner() -> None:
    def hit(site: str, after: float, closed: bool = False) -> dict[str, Any]:
        return {"site": site, "after": after, "closed": closed}

    down = Ripple(factory(), ("works",), [hit("works", 0, True), hit("store", 4)])
    assert down.edges == [
        {"from": "works", "to": "store", "after": 4, "delay": 4, "carries": "goods"}
    ]
    up = Ripple(factory(), ("store",), [hit("works", 3), hit("store", 0, True)])
    assert [(e["from"], e["to"], e["carries"]) for e in up.edges] == [("store", "works", "orders")]
    never = Ripple(factory(), ("works",), [hit("works", 0, True), hit("store", np.nan)])
    assert never.edges == never.reached == []


def test_the_first_period_with_too_little_output_by_hand() -> None:
    twin = np.full((6, 3), 10.0)
    mine = twin.copy()
    mine[0, 0] = 0  # before the closure: does not count
    mine[4, 0], mine[3, 1] = 9.4, 9.6
    assert first_hit(mine, twin, 1, 1, 0.05) == pytest.approx([3, np.nan, np.nan], nan_ok=True)
    assert first_hit(mine, twin, 2, 3, 0.01) == pytest.approx([0, 1, np.nan], nan_ok=True)


POLICIES = [
    {"kind": "base_stock", "level": 40}, {"kind": "base_stock", "safety_factor": 0},
    {"kind": "base_stock", "cover": 3, "safety_stock": 7},
    {"kind": "s_S", "reorder_point": 30, "level": 50}, {"kind": "s_S", "lot": 5, "safety_factor": 0},
    {"kind": "r_Q", "reorder_point": 30, "lot": 10}, {"kind": "kanban", "cards": 6, "lot": 10},
    {"kind": "human", "level": 30}, {"kind": "mrp", "safety_factor": 1},
    {"kind": "push_plan", "safety_stock": 4, "review": 7},
]  # fmt: skip


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: "-".join(p))
def test_a_cover_raises_what_any_policy_holds_by_its_periods_of_demand(
    policy: dict[str, Any],
) -> None:
    """Ten units a period; what a policy starts with rises by 3 x 10, rounded up to whole cards."""
    scenario = shop(stock=[{"policy": policy}])
    top = build(scenario)

    def level(of: Scenario) -> float:
        new = build(of)
        first, ways = first_forecasts(new), protection(new, 0)
        return opening_level(
            new.points[0].settings.policy, float(first.mean[0]), float(first.variance[0]), *ways
        )

    thick = apply(scenario, {"stock[+]": stocked(top, held(top), 3)})
    lean = apply(scenario, {"stock[+]": stocked(top, held(top), 3, lean=True)})
    assert level(thick) - level(scenario) == pytest.approx(30)
    assert level(lean) <= level(thick) + 1e-9 or policy["kind"] in ("kanban", "human")


def test_a_wave_closes_one_place_after_the_other() -> None:
    where = [{"stage": s} for s in ("a", "b", "c")]
    found = Wave(10, 0.5).entries(where, 30, 0.8)
    assert [(e["where"]["stage"], e["start"], e["duration"]) for e in found] == [
        ("a", 30, 10), ("b", 35, 10), ("c", 40, 10),
    ]  # fmt: skip
    assert Wave().entries(where, 30, 0.8) == []


def test_full_backup_undoes_a_wave_and_longer_waves_cost_more() -> None:
    frame = waved(one_stage(4, 1, horizon=160)).sheet("waves").frame
    backed = frame[(frame["cover"] == "100 % backed up") & (frame["length"] > 0)]
    assert (backed["loss_area"] == 0).all()
    plain = frame[(frame["cover"] == "none") & (frame["pace"] == "one after the other")]
    assert plain["loss_area"].is_monotonic_increasing
    assert plain["loss_area"].min() > 1


def test_a_study_goes_on_where_it_stopped_and_says_the_same(tmp_path: Path) -> None:
    scenario = one_stage(4, 1, horizon=160)
    first = waved(scenario, tmp_path / "wave")
    part = next((tmp_path / "wave" / "waves" / "parts").iterdir())
    part.unlink()
    again = waved(scenario, tmp_path / "wave")
    assert again.to_json_dict() == first.to_json_dict() == waved(scenario).to_json_dict()


def test_without_a_family_the_uptime_is_left_out_with_a_reason() -> None:
    found = waved(factory(replications=2, horizon=60))
    assert [s.name for s in found.sheets][-1] == "ripple_ways"
    assert "no decoupling point to compare" in " ".join(found.limits)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"paces": [-1]}, "paces"), ({"uptimes": []}, "uptimes"),
     ({"uptimes": [0, 0.5]}, "above 0|greater than 0|> 0"),
     ({"lengths": [3, 3]}, "twice"), ({"severity": 0}, "severity"),
     ({"places": ["nowhere"]}, "nowhere"), ({"places": ["works"]}, "a site: add by=site")],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_in_words(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        waved(factory(), **options)


def test_a_cover_that_does_harm_is_not_said_to_save() -> None:
    """More stock in the human beer game feeds its swings."""
    found = waved(load("beer-game-human"), lengths=[3, 6], extra=[2], backups=[0.5])
    worse, better = (next(a for a in found.answers if a.startswith(f"Cover: {name}"))
                     for name in ("2 weeks", "50 %"))  # fmt: skip
    assert "makes it worse: it saves -" in worse
    assert "backed up saves" in better
