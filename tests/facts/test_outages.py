"""What outages and shifts of the mix cost: facts F21, F26 and F28.

Simchi-Levi et al. 2015, Interfaces 45(5): 375-390; Bruneau et al. 2003, Earthquake Spectra 19(4).
"""

from __future__ import annotations

import pytest

from tests.facts.measure import extra_loss, mirror, outage

LOST = [
    ("variants", "none", 8.1), ("variants", "supply", 43.5), ("variants", "mix", 16.7),
    ("generic", "none", 3.3), ("generic", "supply", 45.1), ("generic", "mix", 3.4),
]  # fmt: skip


@pytest.mark.parametrize(("cover", "tts", "days"), [(1, 18, 54), (5, 30, 42), (15, 60, 12)])
def test_a_chain_survives_its_pipeline_and_cover_and_recovers_after_the_pipeline(cover, tts, days):
    assert outage(cover) == pytest.approx({"tts": tts, "loss_area": days, "ttr": 72}, abs=1e-9)


@pytest.mark.parametrize("duration", [10, 20, 47])
@pytest.mark.parametrize("cover", [0, 3])
def test_the_area_of_lost_performance_is_the_days_that_cover_does_not_bridge(cover, duration):
    lost = max(0, duration - 3 * (cover + 1))
    assert outage(cover, duration)["loss_area"] == pytest.approx(lost, abs=1e-9)


@pytest.mark.parametrize(("cut", "shock", "days"), LOST)
def test_the_mirror_experiment_loses_the_published_days(cut, shock, days):
    assert mirror(cut, shock)[0] == pytest.approx(days, rel=0.2)


@pytest.mark.parametrize(("cut", "days"), [("variants", 7.4), ("generic", 2.6)])
def test_the_mirror_experiment_holds_the_published_stock(cut, days):
    assert mirror(cut, "none")[1] == pytest.approx(days, rel=0.2)


def test_a_supply_shock_rewards_stock_near_the_customer():
    near, far = (extra_loss(cut, "supply") for cut in ("variants", "generic"))
    assert near < far
    assert [near, far] == pytest.approx([35, 42], rel=0.2)


def test_a_mix_shock_rewards_an_upstream_decoupling_point():
    near, far = (extra_loss(cut, "mix") for cut in ("variants", "generic"))
    assert near == pytest.approx(8.6, rel=0.2)
    assert far <= 0.5


def test_in_calm_the_lean_chain_is_better_in_loss_and_in_stock():
    lost, stock = zip(*(mirror(cut, "none") for cut in ("variants", "generic")), strict=True)
    assert lost[1] < lost[0]
    assert stock[1] < stock[0]
