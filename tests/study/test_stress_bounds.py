"""What the table of a stress test says beside the linear programmes: no row may break the bound."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.kpi_cases import serial
from tests.reference.random_networks import ALL_FEATURES, random_scenario
from tests.study.cases import tables
from twin.load import load
from twin.schema import Scenario
from twin.study.ready import ready_made
from twin.study.ready.stress_places import survived

SHIPPED = ("electronics", "small-business", "beer-game", "health-commodities")


def programmes(scenario: Scenario, **options: object) -> pd.DataFrame:
    """Return the sheet that stands beside the linear programmes."""
    asked = {"worst": 1, **options}
    found = ready_made("stress-test", asked, scenario=scenario, threads=1)
    return found.sheet("programmes").frame


def broken(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that break a bound; an empty lp_tts is no bound."""
    loses = frame["unserved"] < frame["lp_lost"] * (1 - 1e-9) - 1e-6
    survives = frame["lasts"] > frame["lp_tts"] + 1e-6
    return frame[loses | survives]


@pytest.mark.parametrize("name", SHIPPED)
def test_no_row_of_a_shipped_scenario_breaks_the_bound(name: str) -> None:
    scenario = load(name)
    horizon = min(scenario.horizon, scenario.warmup + 120)
    frame = programmes(scenario.with_changes(replications=4, horizon=horizon))
    assert len(frame) > 1
    assert broken(frame).empty, broken(frame).to_string()
    assert (frame["lp_lost"] > 0).any()


@pytest.mark.parametrize("seed", [*range(10), 27, 88])
def test_no_row_of_a_random_network_breaks_the_bound(seed: int) -> None:
    """Yields, losses, lots, patience, moves, refused orders; in 88 goods are mislaid and found."""
    base = random_scenario(seed, ALL_FEATURES - {"disruptions"})
    frame = programmes(base.with_changes(warmup=10, replications=3), start=25, duration=12)
    assert broken(frame).empty, broken(frame).to_string()


def test_the_bound_of_a_serial_chain_is_its_arithmetic() -> None:
    """F21: 60 units below the source last 6 periods of 10; what the lanes hold comes on top."""
    scenario = serial(5)
    source = scenario.sites[0].name
    row = programmes(scenario, places=source, duration=60, start=118).iloc[0]
    below = 3 * 6 * 10 + 12 * 10  # three stages of six periods, lead times of 2, 5 and 5
    assert row["lp_lost"] == pytest.approx(60 * 10 - below)
    assert row["unserved"] == pytest.approx(row["lp_lost"])  # nothing to plan better in a line
    assert row["lp_tts"] == pytest.approx(below / (10 * 0.99))  # 1 % may be missing
    assert row["lasts"] == below / 10


@pytest.mark.parametrize(
    ("found", "window", "lasts"),
    [([17, 30], 1, 17), ([17, 30], 7, 14), ([np.nan, np.nan], 7, 28), ([np.nan, 90], 1, 30),
     ([0, 9], 7, 0)],
)  # fmt: skip
def test_what_every_replication_survives_is_counted_in_whole_windows(
    found: list[float], window: int, lasts: float
) -> None:
    """Of an outage of 30 periods; performance never falls where the KPI is undefined."""
    assert survived(np.array(found, float), 30, window) == lasts


def test_a_chain_that_is_late_itself_is_counted_against_full_service() -> None:
    """Against the undisrupted twin it loses less than the best could: that is no bound broken."""
    scenario = load("electronics").with_changes(replications=32)
    asked = {"places": "asia", "worst": 1}
    row = ready_made("stress-test", asked, scenario=scenario).sheet("places").frame.iloc[0]
    assert row["late_units"] < row["lp_lost"] <= row["unserved"]


@pytest.mark.parametrize(
    ("more", "why"),
    [({"integer": True, "production": [{"site": "works", "item": "table", "yield": 0.9,
                                        "inputs": [{"item": "wood", "usage": 4}]}]}, "is luck"),
     ({"posterior": {"draws": {"demand[0].mean": [4, 5, 7]}}}, "a draw of its own")],
)  # fmt: skip
def test_where_the_programmes_bound_nothing_they_are_left_out_and_the_page_says_why(
    more: dict[str, object], why: str
) -> None:
    found = ready_made("stress-test", {"duration": 5}, scenario=tables(**more), threads=1)
    frame = found.sheet("programmes").frame
    assert frame[["lp_tts", "lp_lost"]].isna().all(axis=None)
    assert any(why in text for text in found.limits)
    assert np.isfinite(frame["unserved"]).all()
