"""Back-tests see only what was known, and catch what they are there to catch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from calibration import backtest, datasets, scores, snapshots
from calibration.direct import forecasts

QUARTERS = pd.date_range("2009-01-01", periods=23, freq="QS")


def test_real_lead_times_are_honest_with_goods_on_the_way_and_not_without():
    orders = datasets.deliveries()
    assert len(orders) == 2968
    right = snapshots.summary(snapshots.compare(orders, QUARTERS))
    wrong = snapshots.summary(snapshots.compare(orders, QUARTERS, snapshots.delivered_only))
    assert 0.87 <= right["covered"] <= 0.93
    assert right["median_error"] <= 0.05
    assert wrong["covered"] < 0.83  # the planted fault
    assert wrong["median_error"] > 0.1


def test_the_future_cannot_change_a_snapshot():
    orders = datasets.deliveries()
    later = orders.copy()
    unknown = later["recorded"] > QUARTERS[5]
    late = pd.Timedelta(days=200)
    later.loc[unknown, ["delivered", "recorded"]] += late
    one, other = (snapshots.snapshot(x, QUARTERS[5]) for x in (orders, later))
    for a, b in zip(one.known, other.known, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (other.truth != one.truth).any()  # what a leaky snapshot would have seen


def test_the_future_cannot_change_a_forecast_or_a_choice():
    rng = np.random.Generator(np.random.PCG64(1))
    series = [rng.poisson(m, 60).astype(float) for m in (2, 9, 30)]
    changed = [np.append(y[:44], y[44:] + 50) for y in series]
    one, other = (backtest.rolling(s, [40, 44], 4) for s in (series, changed))
    assert one.choices == other.choices
    cut = [b.table[b.table["origin"] <= 44][["low", "high"]] for b in (one, other)]
    pd.testing.assert_frame_equal(*cut)


def test_the_truth_scores_best_covers_and_is_not_flagged():
    rng = np.random.Generator(np.random.PCG64(2))
    series = [rng.poisson(9, 80).astype(float) for _ in range(60)]
    at = scores.levels(forecasts.M)

    def law(mean):
        return lambda i, y, h: np.tile(stats.poisson.ppf(at, mean), (h, 1))

    found = backtest.rolling(series, [64, 68, 72, 76], 4, others={"truth": law(9), "off": law(12)})
    table = found.summary()
    assert table["scaled_crps"].idxmin() == "truth"
    assert table.loc["truth", "coverage"] == pytest.approx(0.92, abs=0.03)  # counts: 0.92 inside
    assert not found.flagged("truth")
    assert not found.flagged("chosen")
    assert found.flagged("off")
    assert table.loc["chosen", "scaled_crps"] < 1.03 * table.loc["truth", "scaled_crps"]


def test_counts_without_the_week_are_caught_on_daily_data():
    rng = np.random.Generator(np.random.PCG64(3))
    week = np.array([0.3, 0.5, 1, 1, 1.2, 2.2, 0.8])
    series = [rng.poisson(20 * np.tile(week, 30)).astype(float) for _ in range(8)]
    blind = {"blind": lambda i, y, h: forecasts.forecast("negative_binomial", y, h, 1)}
    found = backtest.rolling(series, list(range(140, 203, 7)), 7, 7, others=blind)
    table = found.summary()
    assert table.loc["chosen", "scaled_crps"] < 0.5 * table.loc["blind", "scaled_crps"]
    held = {
        model: [scores.coverage(day["low"], day["high"], day["seen"]) for _, day in
                found.table[found.table["model"] == model].groupby("step")]
        for model in ("chosen", "blind")
    }  # fmt: skip
    assert min(held["chosen"]) > 0.8
    assert min(held["blind"]) < 0.6  # its mean over the week may well look right


def test_weekly_sales_are_forecast_better_than_naive():
    sales = datasets.weekly_sales().to_numpy(float)[::20]
    table = backtest.rolling(list(sales), [36, 40, 44, 48], 4).summary()
    assert table.loc["chosen", "scaled_crps"] <= 0.85 * table.loc["naive", "scaled_crps"]
    assert 0.85 <= table.loc["chosen", "coverage"] <= 0.96  # 40 series; the benchmark has 200


def test_missing_periods_are_not_scored():
    y = np.random.Generator(np.random.PCG64(4)).poisson(5, 60).astype(float)
    y[[50, 53]] = np.nan
    table = backtest.rolling([y], [48, 52], 4).table
    assert table["seen"].notna().all()
    assert len(table[table["model"] == "chosen"]) == 6


def test_misfit_of_uniform_places_is_seldom():
    rng = np.random.Generator(np.random.PCG64(5))
    flagged = [backtest.misfit(rng.random(100)) < 0.05 for _ in range(400)]
    assert np.mean(flagged) == pytest.approx(0.05, abs=0.035)
    assert backtest.misfit(rng.random(100) ** 2) < 0.01


def test_a_histogram_of_a_right_model_stays_in_its_band_and_that_of_a_wrong_one_does_not():
    rng = np.random.Generator(np.random.PCG64(6))
    inside = [backtest.histogram(rng.random(120)).inside for _ in range(600)]
    assert 0.94 <= np.mean(inside) <= 0.99  # counts are whole: a little more than 95 of 100
    for wrong in (rng.random(120) ** 2, rng.beta(3, 3, 120), rng.beta(0.4, 0.4, 120)):
        assert not backtest.histogram(wrong).inside


def test_places_that_depend_on_each_other_have_a_wider_band_of_their_own():
    rng = np.random.Generator(np.random.PCG64(7))
    made = np.repeat(rng.random((4000, 30)), 4, axis=1)  # four copies of each
    counts = np.array([np.histogram(row, 10, (0, 1))[0] for row in made])
    tenths = np.column_stack([counts.mean(axis=0), counts.var(axis=0)])
    own = [backtest.histogram(row, tenths).inside for row in made[:600]]
    assert 0.9 <= np.mean(own) <= 0.99
    assert np.mean([backtest.histogram(row).inside for row in made[:600]]) < 0.4


def test_a_few_places_make_no_histogram():
    assert backtest.histogram(np.array([0.1, 0.5, 0.9])) is None
    assert len(backtest.histogram(np.linspace(0, 1, 15)).counts) == 3


def test_one_period_ahead_sees_all_that_came_before_and_nothing_else():
    known = []

    class Spy:
        def forecast(self, y, horizon, season):
            known.append((y.tolist(), horizon, season))
            return np.linspace(0, 50, 99)[None, :]

    y = np.arange(30.0)
    y[25] = np.nan
    found = backtest.one_ahead([y], [Spy()], 20, 7)
    assert found["period"].tolist() == [20, 21, 22, 23, 24, 26, 27, 28, 29]
    assert [len(seen) for seen, _, _ in known] == found["period"].tolist()
    assert known[0] == (list(range(20)), 1, 7)
    assert found["place"].to_numpy() == pytest.approx(found["seen"].to_numpy() / 50, abs=0.02)


def test_one_period_ahead_forecasts_of_many_series_are_level():
    rng = np.random.Generator(np.random.PCG64(9))
    series = [rng.poisson(9, 200).astype(float) for _ in range(20)]
    choices = backtest.rolling(series, [160], 4).choices
    found = backtest.one_ahead(series, choices, 160)
    assert len(found) == 800
    assert backtest.histogram(found["place"].to_numpy()).inside
    assert backtest.misfit(found["place"].to_numpy()) > 0.05
