"""The posterior sample in a scenario: set, drawn from, and split by input."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import twin
from calibration import posterior
from calibration.direct import Estimate
from twin.errors import RunError, ScenarioError
from twin.load import load_text
from twin.schema import Posterior

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


def split(sample: dict[str, np.ndarray], y: np.ndarray) -> dict[str, list[float]]:
    """Return share, low and high by thing of made-up results: ``y`` has a column per luck."""
    scenario = twin.Scenario.model_construct(posterior=Posterior(draws={
        key: values.tolist() for key, values in sample.items()}))  # fmt: skip
    result = SimpleNamespace(values={"y": y.T.ravel()}, replications=y.size)
    table = posterior.variance_shares(scenario, result, ["y"])
    return table.set_index("what")[["share", "low", "high"]].T.to_dict("list")


def test_every_replication_takes_a_draw_and_the_level_rules_the_stock(found):
    result = posterior.run_posterior(found)
    assert result.values["running_cost"].size == posterior.DRAWS
    shares = posterior.shares(found, ["running_cost"], luck=2).set_index("what")["share"]
    assert shares["stock[1]"] > 0.8
    assert shares["demand.shop/tea"] < 0.1


def test_shares_of_a_sum_are_those_of_its_terms_and_luck_is_told_from_what_is_not_known():
    rng = np.random.default_rng(2)
    a, b, none = rng.uniform(-(3**0.5), 3**0.5, 512), rng.normal(0, 1, 512), rng.random(512)
    y = (2 * a + b)[:, None] + rng.normal(0, 2, (512, 4))  # variances 4, 1 and 4
    shares = split({"demand.s/a.mean": a, "demand.s/b.mean": b, "demand.s/c.mean": none}, y)
    truth = {
        "demand.s/a": 4 / 9,
        "demand.s/b": 1 / 9,
        "demand.s/c": 0,
        "together": 0,
        "luck": 4 / 9,
    }
    for what, share in truth.items():
        assert shares[what][0] == pytest.approx(share, abs=0.04)
        assert shares[what][1] - 0.02 <= share <= shares[what][2] + 0.02


def test_draws_that_mirror_each_other_count_as_one_thing():
    rng = np.random.default_rng(3)
    level, own = rng.normal(0, 1, 512), rng.normal(0, 0.1, 512)
    mirror = own - level  # neither says anything of the sum alone, both together all of it
    y = (level + mirror)[:, None] + rng.normal(0, 0.1, (512, 4))
    both = {"stock[3].policy.safety_factor": level, "stock[3].policy.cover": mirror}
    assert split(both, y)["stock[3]"][0] == pytest.approx(0.5, abs=0.05)
    apart = {"stock[3].policy.level": level, "stock[4].policy.level": mirror}
    assert split(apart, y)["stock[3]"][0] < 0.1


def test_what_things_do_only_jointly_is_said_of_neither():
    rng = np.random.default_rng(4)
    a, b = rng.normal(0, 1, (2, 512))
    y = (a * b)[:, None] + rng.normal(0, 1, (512, 4))
    shares = split({"demand.s/a.mean": a, "demand.s/b.mean": b}, y)
    assert shares["together"][0] == pytest.approx(0.5, abs=0.08)
    assert max(shares["demand.s/a"][0], shares["demand.s/b"][0]) < 0.05


def test_things_without_effect_do_not_explain_luck_however_many_they_are():
    rng = np.random.default_rng(7)
    sample = {f"demand.s/{i}.mean": rng.random(256) for i in range(30)}
    shares = split(sample, rng.normal(0, 1, (256, 2)))
    assert sum(shares[what][0] for what in shares if what.startswith("demand")) < 0.1
    assert shares["luck"][0] > 0.9


def test_nine_intervals_of_ten_hold_the_true_share():
    rng, inside = np.random.default_rng(5), []
    for _ in range(80):
        a, b = rng.normal(0, 1, (2, 256))
        y = (a + b)[:, None] + rng.normal(0, 2**0.5, (256, 4))
        _, low, high = split({"demand.s/a.mean": a, "demand.s/b.mean": b}, y)["demand.s/a"]
        inside.append(low <= 0.25 <= high)
    assert 0.8 <= np.mean(inside) <= 0.97


def test_a_kpi_that_does_not_vary_has_no_shares_and_one_run_a_draw_is_refused():
    a = np.random.default_rng(6).normal(0, 1, 256)
    assert split({"demand.s/a.mean": a}, np.ones((256, 2))) == {}
    with pytest.raises(RunError, match="256 replications of 256 posterior draws; shares need two"):
        split({"demand.s/a.mean": a}, a[:, None])


def test_a_scenario_without_a_sample_says_so():
    with pytest.raises(RunError, match="no posterior sample; calibrate it first"):
        posterior.run_posterior(load_text(SHOP))


def test_an_estimate_that_the_scenario_does_not_allow_is_refused():
    wrong = Estimate.of("mean", -4.0, [-4.0], 60, sets={"demand.shop/tea.mean": -4.0}, key="x")
    with pytest.raises(ScenarioError, match="-4"):
        posterior.with_estimates(load_text(SHOP), [wrong])
