"""What a study runs: each point is the run that it names, under the same luck, however split."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from tests.kpi_cases import shop
from tests.reference.random_networks import ALL_FEATURES, random_scenario
from tests.study.cases import CUT, FIRE, asked, run, tables
from twin.engine import run_block
from twin.errors import ScenarioError
from twin.kpis import KPIS
from twin.schema import Scenario
from twin.study import measure
from twin.study.changing import Changing
from twin.study.measure import Measure
from twin.topology import build


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b, equal_nan=True)


def test_every_point_is_the_run_that_it_names() -> None:
    found = run(asked(outputs=["running_cost", "on_time", "loss_area"]))
    frame = found.frame().drop_duplicates("point")
    assert list(zip(frame["cut"].iloc[1:], frame["length"].iloc[1:], strict=True)) == [
        ("plant", 2), ("plant", 8), ("store", 2), ("store", 8)
    ]  # fmt: skip
    for row in frame.iloc[1:].itertuples():
        changes = {
            "families.tables.decoupling_point": row.cut,
            "disruptions.fire.duration": int(row.length),
        }
        alone = twin.run(tables(), set=changes, replications=4)
        for name in found.metrics:
            assert same(found.values(row.point, name), alone.values[name])


def chained(seed: int) -> Scenario:
    """A random network with all features, hit twice, the second time by chance."""
    base = random_scenario(seed, ALL_FEATURES)
    site = base.demand[0].site
    fire = {"kind": "outage", "name": "fire", "where": {"site": site}, "start": 5, "duration": 4}
    flood = {**fire, "name": "flood", "start": 2, "after": "fire", "probability": 0.6}
    return twin.apply(base, {"disruptions": [fire, flood]})


@pytest.mark.parametrize("seed", range(8))
def test_every_kpi_equals_that_of_twin_run_bit_for_bit(seed: int) -> None:
    """The undisrupted twin is run without disruptions here, with ones that never happen there."""
    scenario = chained(seed)
    found = Measure(list(KPIS), 6)(build(scenario), "")
    alone = twin.run(scenario, replications=6)
    assert [name for name in KPIS if not same(found.values[name], alone.values[name])] == []


def test_a_point_does_not_depend_on_what_was_run_before_it() -> None:
    names = ["running_cost", "loss_area", "tts"]
    first, second = build(tables()), build(tables(disruptions=[{**FIRE, "duration": 9}]))
    measure = Measure(names, 5)
    measure(first, "")
    warm, cold = measure(second, ""), Measure(names, 5)(second, "")
    assert all(same(warm.values[n], cold.values[n]) for n in names)


def test_undisrupted_twins_of_equal_scenarios_are_run_once(monkeypatch) -> None:
    ran: list[int] = []

    def counting(*given):
        ran.append(len(given[0].topology.scenario.disruptions))
        return run_block(*given)

    monkeypatch.setattr(measure, "run_block", counting)
    content = asked(factors={"length": asked()["factors"]["length"]}, outputs=["ttr"], part=9)
    run(content)
    assert sorted(ran) == [0, 1, 1, 1]


@pytest.mark.parametrize("more", [{"part": 1}, {"part": 3}, {"threads": 2}, {"threads": 3}])
def test_no_number_depends_on_parts_or_threads(more, tmp_path) -> None:
    options = {"threads": more.pop("threads")} if "threads" in more else {}
    outputs = ["running_cost", "loss_area"]
    whole = run(asked(outputs=outputs, part=99))
    split = run(asked(outputs=outputs, **more), tmp_path / "out", **options)
    assert whole.table.equals(split.table)


def test_the_seed_of_the_study_is_the_luck_of_all_runs() -> None:
    found = run(asked(seed=77, set={"horizon": 20}))
    cut = {"families.tables.decoupling_point": "store", "disruptions.fire.duration": 2}
    alone = twin.run(tables(), seed=77, replications=4, horizon=20, set=cut)
    assert same(found.values(3, "running_cost"), alone.values["running_cost"])
    assert found.manifest["seed"] == 77


def test_a_shop_without_disruptions_has_undefined_resilience() -> None:
    factors = {"level": {"key": "stock[0].policy.level", "values": [20, 40]}}
    found = run({"factors": factors, "outputs": ["tts", "fill_rate"]}, scenario=shop())
    frame = found.frame().set_index(["point", "metric"])
    assert frame.n[1, "tts"] == 0
    assert np.isnan(frame["mean"][1, "tts"])
    assert frame.n[1, "fill_rate"] == 4


OTHERS = [
    {"kind": "outage", "start": 3, "duration": 9}, {"kind": "demand_change", "factor": 2},
    {"kind": "lane_closed", "lane": "*", "start": 4, "duration": 6},
    {"kind": "lead_time_stretch", "lane": "*", "factor": 3, "duration": 9},
    {"kind": "lead_time_stretch", "lane": "*", "factor": 6, "duration": 9},
    {"kind": "wrong_upload", "factor": 0.5, "start": 6}, {"kind": "stock_destruction"},
    {"kind": "outage", "probability": 0.4, "ramp": 3},
]  # fmt: skip


@pytest.mark.parametrize("first", OTHERS, ids=lambda d: d["kind"])
def test_a_plan_that_is_made_for_other_disruptions_gives_the_same_bits(first) -> None:
    """All pairs: the second point uses what was compiled for the first, as far as it fits."""
    done = 0
    for seed, second in enumerate(OTHERS):
        base = random_scenario(seed, ALL_FEATURES)
        changing, names = Changing(base), ["running_cost", "on_time", "inventory", "loss_area"]
        measure = Measure(names, 3)
        for event in (first, second):
            try:
                key, topology = changing([("disruptions", [event])])
            except ScenarioError:  # no lane to close in this network, no stock to destroy ...
                continue
            assert key == "{}"
            found = measure(topology, key)
            alone = twin.run(base, set={"disruptions": [event]}, replications=3)
            assert all(same(found.values[n], alone.values[n]) for n in names), event
            done += 1
    assert done > len(OTHERS)


def test_changes_of_disruptions_are_checked_like_all_others() -> None:
    changing = Changing(tables())
    for change in (("disruptions.fire.duration", -1), ("disruptions[0].where.site", "moon"),
                   ("disruptions[+]", [{"kind": "outage", "after": "flood"}])):  # fmt: skip
        with pytest.raises(ScenarioError) as quick:
            changing([change])
        with pytest.raises(ScenarioError) as slow:
            twin.apply(tables(), dict([change]))
        assert str(quick.value) == str(slow.value)
    both = [("families.tables.decoupling_point", "store"), ("disruptions.fire.duration", 3)]
    quick = Changing(tables(), checked=True)
    for way in (changing, quick):
        assert way(both)[1].scenario == twin.apply(tables(), dict(both))
        assert way(both[:1])[1].scenario == twin.apply(tables(), dict(both[:1]))


def test_replications_take_the_draws_of_a_posterior_as_in_twin_run() -> None:
    draws = {"demand[0].mean": [4, 5, 7], "disruptions.fire.duration": [2, 3, 4]}
    unsure = tables(posterior={"draws": draws})
    found = run(asked(factors=CUT, replications=7, outputs=["running_cost", "loss_area"]),
                scenario=unsure)  # fmt: skip
    cut = {"families.tables.decoupling_point": "store"}
    alone = twin.run(unsure, set=cut, replications=7)
    for name in found.metrics:
        assert same(found.values(2, name), alone.values[name])
