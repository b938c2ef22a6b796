"""The posterior sample in a scenario: set, drawn from, and split by input."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from calibration import posterior
from calibration.direct import Estimate
from twin.errors import RunError, ScenarioError
from twin.load import load_text

SHOP = """{horizon: 60, sites: [{name: shop}], items: [{name: tea}],
 purchases: [{site: shop, item: tea, lead_time: 2}],
 stock: [{policy: {kind: base_stock, level: 12}}],
 demand: [{site: shop, item: tea, kind: poisson, mean: 4}]}"""
RNG = np.random.default_rng(1)
LEVELS = RNG.uniform(10, 30, posterior.DRAWS).tolist()
MEANS = RNG.normal(4, 0.1, 400)


@pytest.fixture
def found() -> twin.Scenario:
    rule = {"where": {"site": "shop"}, "policy": {"kind": "base_stock", "level": np.mean(LEVELS)}}
    finding = posterior.Finding(rule, {"policy.level": LEVELS}, {"policy.level": (0.0, 40.0)})
    mean = Estimate.of(
        "mean", 4.0, MEANS, 60, key="demand.shop/tea.mean", sets={"demand.shop/tea.mean": 4.0}
    )
    start = posterior.with_estimates(load_text(SHOP), [mean])
    return posterior.calibrated(start, [mean], [finding], data="abc", seed=3)


def test_best_values_are_set_and_draws_stand_beside_them(found):
    assert found.stock[-1].policy.level == pytest.approx(np.mean(LEVELS))
    sample = found.posterior
    assert (sample.size, sample.data, sample.seed) == (posterior.DRAWS, "abc", 3)
    assert sample.version == twin.__version__
    assert sample.prior == {"stock[1].policy.level": (0.0, 40.0)}


def test_an_estimate_without_more_to_set_sets_its_value_though_it_is_sure(found):
    sure = Estimate.of("lead time", 5.0, np.full(400, 5.0), 60, key="purchases[0].lead_time")
    assert posterior.with_estimates(load_text(SHOP), [sure]).purchases[0].lead_time.value == 5


def test_draws_come_back_as_they_went_in(found):
    drawn = posterior.draws(found)
    np.testing.assert_allclose([d["stock[1].policy.level"] for d in drawn], LEVELS, rtol=1e-11)
    np.testing.assert_allclose([d["demand.shop/tea.mean"] for d in drawn], MEANS[:256], rtol=1e-11)


def test_a_file_keeps_the_sample(found, tmp_path):
    import yaml

    path = tmp_path / "calibrated.yaml"
    path.write_text(yaml.safe_dump(found.to_dict()), encoding="utf-8")
    assert twin.load(path) == found


def test_every_replication_takes_a_draw_and_the_level_rules_the_stock(found):
    result = posterior.run_posterior(found)
    assert result.values["running_cost"].size == posterior.DRAWS
    shares = posterior.variance_shares(found, result, ["running_cost"])["running_cost"]
    assert shares["stock[1].policy.level"] > 0.8
    assert shares["demand.shop/tea.mean"] < 0.1


def test_shares_of_a_sum_are_those_of_its_terms(found):
    a, b = np.array(LEVELS), MEANS[:256]
    y = 2 * (a - a.mean()) / a.std() + (b - b.mean()) / b.std() + RNG.standard_normal(256)
    fake = type("Result", (), {"values": {"y": y}})()
    shares = posterior.variance_shares(found, fake, ["y"])["y"]
    assert shares["stock[1].policy.level"] == pytest.approx(4 / 6, abs=0.1)
    assert shares["demand.shop/tea.mean"] == pytest.approx(1 / 6, abs=0.1)
    assert shares["rest"] == pytest.approx(1 / 6, abs=0.1)


def test_a_scenario_without_a_sample_says_so():
    with pytest.raises(RunError, match="no posterior sample; calibrate it first"):
        posterior.run_posterior(load_text(SHOP))


def test_an_estimate_that_the_scenario_does_not_allow_is_refused():
    wrong = Estimate.of("mean", -4.0, [-4.0], 60, sets={"demand.shop/tea.mean": -4.0}, key="x")
    with pytest.raises(ScenarioError, match="-4"):
        posterior.with_estimates(load_text(SHOP), [wrong])
