"""Published facts on resilience: time to survive (F21) and the triangle of lost performance (F26).

Simchi-Levi et al. 2015, Interfaces 45(5): 375-390; Bruneau et al. 2003, Earthquake Spectra 19(4).
"""

from __future__ import annotations

import numpy as np
import pytest

import twin
from tests.kpi_cases import serial
from twin.compile import Plan
from twin.engine import run_block
from twin.kpis import performance
from twin.kpis.resilience import SERIES, Fall
from twin.run import undisrupted
from twin.sums import total

LEADS = 12


@pytest.mark.parametrize("cover", [1, 5, 15])
def test_time_to_survive_is_the_pipeline_plus_the_cover_of_three_stages(cover: int) -> None:
    result = twin.run(serial(cover))
    assert result["tts"] == LEADS + 3 * (cover + 1)


@pytest.mark.parametrize(("cover", "days"), [(1, 54), (5, 42), (15, 12)])
def test_lost_days_are_the_outage_less_the_cover(cover: int, days: int) -> None:
    assert twin.run(serial(cover))["loss_area"] == pytest.approx(days, abs=1e-9)


@pytest.mark.parametrize("cover", [1, 5, 15])
def test_recovery_is_the_outage_plus_the_pipeline_whatever_the_cover(cover: int) -> None:
    result = twin.run(serial(cover))
    assert [result["ttr"], result["ttr_95"]] == [60 + LEADS, 60 + LEADS]


def test_a_chain_whose_cover_outlasts_the_outage_loses_nothing() -> None:
    result = twin.run(serial(20))
    assert (result["survived"], result["loss_area"], result["ttr"]) == (1, 0, 0)
    assert np.isnan(result["tts"])


def test_a_run_that_ends_before_recovery_is_censored_not_recovered() -> None:
    result = twin.run(serial(1, horizon=140))
    assert np.isnan(result["ttr"])
    assert result["unrecovered"] == 1
    assert result["loss_area"] == pytest.approx(140 - 118)


def test_the_loss_area_is_the_integral_of_the_performance_curve() -> None:
    plan = Plan.of(serial(5))
    run, calm = (run_block(p, 1, 0, 1, SERIES) for p in (plan, undisrupted(plan)))
    q = performance(run, calm)
    assert q is not None
    assert np.trapezoid(1 - q[:, 0]) == pytest.approx(twin.run(serial(5))["loss_area"], abs=1e-9)


def test_a_triangle_of_lost_performance_has_the_area_of_a_triangle() -> None:
    """Falls by half at once, recovers in a straight line over 40 periods: area 0.5 x 0.5 x 40."""
    t = np.arange(100.0)
    q = np.where(t < 20, 1, np.minimum(1, 0.5 + (t - 20) / 80))[:, None]
    fall = Fall(q, np.array([20.0]))
    # the fall stands at the start of its period: the sharp edge adds half a period of its depth
    assert total(1 - fall.q)[0] == pytest.approx(0.5 * 0.5 * 40 + 0.5 / 2)
    assert np.trapezoid(1 - q[20:, 0]) == pytest.approx(0.5 * 0.5 * 40)
    assert (fall.first_below(0.99)[0], fall.back_above(1.0)[0]) == (0, 40)


def test_a_wider_window_only_smooths_the_same_loss() -> None:
    """Seven days' fill falls and recovers over seven days more; the lost area stays."""
    sharp, smooth = twin.run(serial(5)), twin.run(serial(5, resilience={"window": 7}))
    assert smooth["loss_area"] == pytest.approx(sharp["loss_area"], abs=1e-9)
    assert smooth["ttr"] == sharp["ttr"] + 6
