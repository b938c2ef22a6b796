"""Demand is recovered, also where an empty shelf hides some of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import twin
from calibration import emulate
from calibration.direct import demand
from calibration.periods import add_up

SHOP = {
    "name": "shop",
    "horizon": 400,
    "integer": True,
    "sites": [{"name": "shop", "kind": "store"}],
    "items": [{"name": "tea"}],
    "purchases": [{"site": "shop", "item": "tea", "lead_time": 1}],
    "stock": [{"policy": {"kind": "base_stock", "level": 2000}}],
}
WEEK = [0.6, 0.8, 1.0, 1.0, 1.2, 1.6, 0.8]


def shop(level=2000, **entry):
    entry = {"site": "shop", "item": "tea", "kind": "negative_binomial", "mean": 12,
             "variance_to_mean": 3, **entry}  # fmt: skip
    stock = [{"policy": {"kind": "base_stock", "level": level}}]
    return twin.Scenario.model_validate({**SHOP, "demand": [entry], "stock": stock})


def seen(y, short=None):
    n = len(y)
    short = np.zeros(n, bool) if short is None else short
    return demand.Seen(np.asarray(y, float), short, np.arange(n) % 7, np.ones(n))


def found(scenario, **more):
    told = emulate.events(scenario, **more)
    return {e.key.rpartition(".")[2]: e for e in demand.estimate(told, scenario)}


def test_likelihoods_are_those_of_scipy():
    y = np.arange(12.0)
    theta = np.log([5.0, 1.5])
    law = stats.nbinom(5 / 1.5, 1 / 2.5)
    one, none = np.ones(12), np.zeros(12, bool)
    kind = "negative_binomial"
    exact = demand._log_likelihood(kind, theta, one, y, none)
    beyond = demand._log_likelihood(kind, theta, one, y, ~none)
    np.testing.assert_allclose(exact, law.logpmf(y), atol=1e-9)
    np.testing.assert_allclose(beyond, law.logsf(y - 1), atol=1e-9)
    three = np.append(theta, 0.3)
    mass = np.exp(demand._log_likelihood("intermittent", three, np.ones(900), np.arange(900.0),
                                         np.zeros(900, bool)))  # fmt: skip
    assert mass.sum() == pytest.approx(1, abs=1e-6)
    assert (mass * np.arange(900)).sum() == pytest.approx(5, abs=1e-3)


def test_a_shop_that_never_sells_out_is_recovered_with_its_week():
    scenario = shop(season={"weekly": WEEK})
    e = found(scenario)
    assert e["mean"].low < 12 < e["mean"].high
    assert e["variance_to_mean"].low < 3 < e["variance_to_mean"].high
    entry = e["mean"].sets["demand.shop/tea"]
    truth = np.array(WEEK) / np.mean(WEEK)
    assert np.abs(np.array(entry["season"]["weekly"]) / truth - 1).max() < 0.2
    assert twin.apply(scenario, e["mean"].sets).demand[0].mean == pytest.approx(e["mean"].value)


def test_without_a_week_none_is_invented():
    assert "season" not in found(shop())["mean"].sets["demand.shop/tea"]


def test_sold_out_days_are_at_least_what_was_sold():
    scenario = shop(level=14, unmet="lost")
    told = emulate.events(scenario)
    e = found(scenario)["mean"]
    periods = add_up(told, scenario)
    sales = periods.demand["shop", "tea"]
    short = demand.stock_outs(periods, ("shop", "tea"))
    assert 0.2 < short.mean() < 0.7
    assert sales.mean() < 0.9 * 12  # the planted fault: sales taken for demand
    assert e.low < 12 < e.high
    assert "sold out: at least that much" in e.note


def test_missing_days_are_left_out_and_not_zero():
    rng = np.random.Generator(np.random.PCG64(3))
    y = rng.poisson(8, 300).astype(float)
    y[rng.random(300) < 0.4] = np.nan
    assert np.exp(demand.fit(seen(y), "negative_binomial").theta[0]) == pytest.approx(
        np.nanmean(y), rel=1e-3
    )


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"kind": "intermittent", "mean": 2, "variance_to_mean": 3, "probability": 0.2},
         "intermittent"),
        ({"kind": "poisson", "variance_to_mean": None}, "poisson"),
        ({"kind": "gamma", "mean": 8.5, "variance_to_mean": None, "cv": 0.25}, "gamma"),
    ],
)  # fmt: skip
def test_the_kind_is_found(entry, kind):
    scenario = shop(**entry).with_changes(integer=kind != "gamma")
    e = found(scenario)
    assert e["mean"].sets["demand.shop/tea"]["kind"] == kind
    assert abs(e["mean"].value - scenario.demand[0].mean) < 4 * e["mean"].draws.std()


def test_intervals_cover_as_often_as_they_say():
    inside = []
    for k in range(60):
        y = stats.nbinom(12 / 2, 1 / 3).rvs(120, random_state=k)
        fitted = demand.fit(seen(y), "negative_binomial")
        sd = np.sqrt(np.diag(fitted.covariance))
        inside.append(np.abs(fitted.theta - np.log([12, 2])) < 1.645 * sd)
    share = np.mean(inside, axis=0)
    assert (np.abs(share - 0.9) < 3 * (0.09 / 60) ** 0.5).all()


def test_variants_share_their_spread_and_get_their_shares():
    data = twin.load("electronics").to_dict()["demand"][0]
    scenario = twin.load("electronics").with_changes(horizon=200)
    told = emulate.events(scenario)
    told = told[told["site"] == "americas"]
    e = [x for x in demand.estimate(told, scenario) if x.key.startswith("demand[0]")]
    assert e[0].low < 40 * 1.02
    assert e[0].high > 40 * 0.98
    shares = e[0].sets["demand[0]"]["variants"]
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["laptop_13_basic"] == pytest.approx(data["variants"]["laptop_13_basic"], abs=0.03)


def test_same_seed_same_draws():
    scenario = shop()
    one, other = found(scenario)["mean"], found(scenario)["mean"]
    assert one.draws.tolist() == other.draws.tolist()


def test_a_day_cut_by_stock_makes_no_amount_of_a_count():
    scenario = shop(mean=6, variance_to_mean=2.5)
    told = emulate.events(scenario)
    cut = told[(told["kind"] == "order") & (told["partner"] == "") & (told["qty"] == 8)].index[0]
    told.loc[cut, "qty"] = 7.5
    for e in demand.estimate(told, scenario):
        assert "negative_binomial" in e.method
        assert e.low < {"mean": 6, "variance_to_mean": 2.5}[e.key.rpartition(".")[2]] < e.high


def test_amounts_with_days_without_any_spread_as_they_do():
    y = np.random.default_rng(2).gamma(2.0, 3.3, 400) * (np.random.default_rng(3).random(400) > 0.1)
    fitted = demand.fit(seen(y), "gamma")
    assert np.exp(fitted.theta[1]) == pytest.approx(y.std() / y.mean(), rel=0.15)
