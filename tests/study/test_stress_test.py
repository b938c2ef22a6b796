"""The ready-made stress test: F21's arithmetic, ranking, hysteresis, buffers, bad options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import twin
from tests.kpi_cases import factory, serial
from tests.study.cases import tables
from twin.errors import RunError, ScenarioError
from twin.kpis.resilience import Fall
from twin.schema import Scenario
from twin.study.findings import Findings, opened
from twin.study.ready import ALONE, ready_made
from twin.study.ready.stress_places import places
from twin.study.ready.stress_runs import judged_by, leads
from twin.topology import build

OUT, LEADS = 60, 12


def stressed(scenario: Scenario, out: Path | None = None, **options: Any) -> Findings:
    return ready_made("stress-test", options, scenario=scenario, out=out, threads=1)


def chain(cover: int) -> tuple[Scenario, str]:
    """F21's four stages, and its source."""
    scenario = serial(cover)
    top = build(scenario)
    return scenario, top.points[-1].site.name


@pytest.mark.parametrize("cover", [1, 5])
def test_survival_recovery_and_loss_of_a_serial_chain_are_its_arithmetic(cover: int) -> None:
    scenario, source = chain(cover)
    found = stressed(scenario, what="sites", duration=OUT, start=118)
    row = found.sheet("places").frame.set_index("place").loc[source]
    survives = LEADS + 3 * (cover + 1)
    assert (row["tts"], row["ttr"]) == (survives, OUT + LEADS)
    assert row["loss_area"] == pytest.approx(OUT - 3 * (cover + 1), abs=1e-9)
    assert row["short"] == OUT - survives


def test_places_are_ranked_by_profit_and_the_largest_exposure_is_one() -> None:
    """A price makes every lost unit cost its margin."""
    scenario = chain(1)[0]
    priced = scenario.with_changes(items=[{**i.model_dump(), "price": 9} for i in scenario.items])
    frame = stressed(priced, duration=20).sheet("places").frame
    assert frame["exposure"].is_monotonic_decreasing
    assert frame["exposure"].iloc[0] == 1
    assert frame["profit_lost"].iloc[0] > 0


def test_every_site_and_every_lane_is_taken_out_each_for_its_own_time() -> None:
    scenario, source = chain(1)
    frame = stressed(scenario, duration=20, own={source: 33}).sheet("places").frame
    top = build(scenario)
    assert set(frame["place"]) == {p.name for p in places(top, "both", "*")}
    assert frame.set_index("place")["out"].to_dict()[source] == 33
    assert sorted(set(frame["out"])) == [20, 33]


@pytest.mark.parametrize("turned", [False, True])
def test_of_patterns_that_name_the_same_place_the_last_gives_its_time(turned: bool) -> None:
    scenario, source = chain(1)
    given = [("*", 33), (source, 44)]
    own = dict(given[::-1] if turned else given)
    frame = stressed(scenario, what="sites", duration=20, own=own).sheet("places").frame
    times = frame.set_index("place")["out"].to_dict()
    assert times.pop(source) == (33 if turned else 44)
    assert set(times.values()) == {33}


def test_a_time_of_its_own_for_a_place_that_is_not_there_is_refused() -> None:
    scenario, source = chain(1)
    for name in ("moon", source.upper()):
        with pytest.raises(RunError, match=f"own: no place is named '{name}'"):
            stressed(scenario, own={name: 5})
    stressed(scenario, what="lanes", duration=5, start=118, own={source: 5})  # there, but not asked


def test_late_units_and_lost_sales_are_those_of_single_runs() -> None:
    scenario, source = chain(1)
    row = stressed(scenario, places=source, duration=40, start=118).sheet("places").frame.iloc[0]
    fire = {
        "kind": "outage",
        "name": "fire",
        "where": {"site": source},
        "start": 118,
        "duration": 40,
    }
    hit = twin.run(
        twin.apply(scenario, {"disruptions": [fire]}), record=["sinks.lost", "sinks.demand"]
    )
    lost = hit.series["sinks.lost"][scenario.warmup :].sum() / hit.scenario.replications
    demand = hit.series["sinks.demand"][scenario.warmup :].mean()
    assert row["lost_sales"] == pytest.approx(lost, rel=1e-6)
    assert row["late_units"] == pytest.approx(hit.values["loss_area"].mean() * demand, rel=1e-6)


def test_a_sweep_of_weeks_loses_the_more_the_longer_it_is() -> None:
    scenario, source = chain(1)
    frame = stressed(scenario, places=source, duration=28, weeks=5).sheet("lengths").frame
    assert list(frame["out"]) == [7, 14, 21, 28, 35]
    assert list(frame["loss_area"]) == sorted(frame["loss_area"])


def test_the_least_stock_that_covers_an_outage_is_found_to_a_period() -> None:
    """F21: every period of cover is a period of survival, so what is missing is what covers."""
    scenario, source = chain(1)
    found = stressed(scenario, places=source, duration=30, start=118)
    short = found.sheet("places").frame["short"].iloc[0]
    frame = found.sheet("buffers").frame.set_index("more")
    assert (short, frame.index.max()) == (12, 24)
    assert frame.loc[24, "loss_area"] == 0
    assert any("would cover an outage of" in text for text in found.answers)


def test_performance_that_trembles_between_the_levels_neither_fails_nor_recovers() -> None:
    q = np.array([1.0, 0.93, 0.97, 0.85, 0.93, 0.97, 0.93, 0.99, 0.93, 1.0])[:, None]
    fallen = Fall(q, np.array([0.0])).failing(0.9, 0.98)[:, 0]
    assert list(np.flatnonzero(fallen)) == [3, 4, 5, 6]


def test_a_recovery_level_below_the_failure_level_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"recovery = 0\.5"):
        stressed(chain(1)[0], failure=0.9, recovery=0.5)


@pytest.mark.parametrize(
    ("options", "text"),
    [({"places": "moon"}, "no site or lane is named 'moon'"),
     ({"duration": 5000}, "with some left to recover")],
)  # fmt: skip
def test_options_that_cannot_be_met_say_what_to_do(options: dict[str, Any], text: str) -> None:
    with pytest.raises(RunError, match=text):
        stressed(chain(1)[0], **options)


def test_the_same_call_goes_on_and_says_the_same(tmp_path: Path) -> None:
    scenario, _ = chain(1)
    first, again = (stressed(scenario, tmp_path, duration=20) for _ in range(2))
    assert first.answers == again.answers
    assert opened(tmp_path).answers == first.answers


def test_the_lead_of_a_place_is_the_share_of_resamples_in_which_it_is_the_worst() -> None:
    class Two:
        """Profit 0 when calm; place 2 costs more on nine draws of ten, but less by far on one."""

        def values(self, point: int, name: str) -> np.ndarray:
            return -np.array([np.zeros(10), np.full(10, 5.0), np.array([9.0] * 9 + [-60.0])][point])

    ahead = leads(Two(), [1, 2], "profit_lost")  # type: ignore[arg-type]
    assert ahead.sum() == pytest.approx(1)
    none_drawn = 0.9**10  # the tenth draw left out: only then does place 2 cost more
    assert ahead[1] == pytest.approx(none_drawn, abs=0.03)


def outages(lost: list[float], late: list[float]) -> pd.DataFrame:
    """Return what outages lose of profit and service, sure to a tenth of it."""
    ends = {"": 0.0, "_low": -0.1, "_high": 0.1}
    return pd.DataFrame({
        f"{name}{end}": np.array(values) + more * np.abs(values)
        for name, values in (("profit_lost", lost), ("loss_area", late)) for end, more in ends.items()
    })  # fmt: skip


def test_profit_does_not_rank_outages_where_the_one_that_loses_most_service_gains_some() -> None:
    assert judged_by(outages([5, 90], [1, 30])) == "profit_lost"
    assert judged_by(outages([-5, 90], [1, 30])) == "profit_lost"
    assert judged_by(outages([23, -60], [27, 81])) == "loss_area"
    assert judged_by(outages([-1, 0], [1, 2])) == "loss_area"


def test_where_lateness_is_free_places_are_ranked_by_service_and_it_is_said() -> None:
    """Customers wait at no cost: an outage saves what holding stock costs."""
    found = stressed(factory(horizon=150), duration=20)
    frame = found.sheet("places").frame
    assert frame["loss_area"].is_monotonic_decreasing
    assert frame["exposure"].iloc[0] == 1
    assert "laces are ranked by lost service" in " ".join(found.answers)
    assert not any(text.startswith("Hidden") for text in found.answers)


def test_lanes_alone_can_be_tested_and_a_test_that_nobody_feels_says_so() -> None:
    both = stressed(tables(), duration=5).sheet("places").frame.set_index("place")
    lanes = stressed(tables(), duration=5, what="lanes").sheet("places").frame.set_index("place")
    assert list(lanes["kind"].unique()) == ["lane"]
    assert (lanes["loss_area"] == both.loc[lanes.index, "loss_area"]).all()
    calm = stressed(tables(), duration=1, what="lanes", places="outside->works")
    assert calm.answers[0].startswith("No outage is felt (1 tried)")


def test_without_luck_no_interval_and_no_resamples_are_told() -> None:
    told = " ".join(stressed(chain(1)[0], duration=OUT, start=118).answers)
    assert "[" not in told
    assert "resamples" not in told


def test_one_replication_is_told_as_a_limit() -> None:
    one, two = (stressed(tables(), what="sites", duration=5, replications=n) for n in (1, 2))
    assert ALONE in one.limits
    assert ALONE not in two.limits
