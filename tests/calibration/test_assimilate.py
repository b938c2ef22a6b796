"""The particle filter: against an exact filter, a hidden shrink, and what it must not believe."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calibration import assimilate
from calibration.assimilate import Filter, Reading
from twin.errors import RunError

RUNS, DAYS, SHRINK, NOISE = 40, 180, 2.0, 25.0
NOBODY = np.full(1, np.nan)


def watch(seed: int = 1, particles: int = 300, told_noise: float = NOISE) -> dict[str, Any]:
    """Run A7 of the acceptance numbers: errors and coverage of books, open loop, filter, Kalman."""
    rng = np.random.Generator(np.random.Philox(seed))
    truth = book = np.full(RUNS, 500.0)
    made = [Filter(truth, shrink=1.5, particles=particles, seed=s) for s in (seed, seed + 1)]
    exact = Kalman(truth)
    errors: dict[str, list[Any]] = {n: [] for n in ("book", "open", "filter", "kalman", "covered")}
    for day in range(DAYS):
        came, sold = rng.poisson(22.0, RUNS) * 1.0, np.minimum(rng.poisson(20.0, RUNS), truth)
        truth, book = truth + came - sold, book + came - sold
        truth = truth - np.minimum(truth, rng.poisson(SHRINK, RUNS))
        weighed = day % 7 == 6
        value = truth + NOISE * rng.standard_normal(RUNS) if weighed else np.full(RUNS, np.nan)
        made[0].step(came, sold, Reading(value, np.full(RUNS, told_noise)))
        made[1].step(came, sold)
        exact.step(came - sold, value if weighed else None)
        low, _, high = made[0].quantiles()[0]
        guesses = (book, made[1].means()[0], made[0].means()[0], exact.state[:, 0])
        for name, guess in zip(errors, guesses, strict=False):
            errors[name].append((guess - truth) ** 2)
        errors["covered"].append((low <= truth) & (truth <= high))
    found = {n: float(np.sqrt(np.mean(e))) for n, e in errors.items() if n != "covered"}
    return found | {"covered": float(np.mean(errors["covered"]))}


class Kalman:
    """The exact filter of (stock, shrink) where all noise is normal: the oracle."""

    def __init__(self, stock: Any) -> None:
        self.state = np.column_stack([stock, np.full(stock.size, 1.5)])
        self.spread = np.diag([0.0, 1.5**2])

    def step(self, net: Any, value: Any) -> None:
        move = np.array([[1.0, -1.0], [0.0, 1.0]])
        self.state = self.state @ move.T + np.column_stack([net, np.zeros(net.size)])
        self.spread = move @ self.spread @ move.T + np.diag([SHRINK, 0.0])
        if value is not None:
            gain = self.spread[:, 0] / (self.spread[0, 0] + NOISE**2)
            self.state += np.outer(value - self.state[:, 0], gain)
            self.spread = self.spread - np.outer(gain, self.spread[0])


@pytest.fixture(scope="module")
def hidden_shrink() -> dict[str, Any]:
    return watch()


def test_hidden_shrink_is_followed_far_better_than_by_books_or_open_loop(hidden_shrink) -> None:
    assert hidden_shrink["filter"] <= 0.10 * hidden_shrink["book"]
    assert hidden_shrink["filter"] <= 0.25 * hidden_shrink["open"]


def test_ninety_percent_intervals_hold_the_truth_nine_times_in_ten(hidden_shrink) -> None:
    assert 0.85 <= hidden_shrink["covered"] <= 0.97


def test_filter_is_nearly_as_good_as_the_exact_one(hidden_shrink) -> None:
    assert hidden_shrink["filter"] <= 1.1 * hidden_shrink["kalman"]


@pytest.mark.parametrize(("told", "side"), [(5.0, -1), (150.0, 1)])
def test_coverage_shows_a_wrong_noise_on_either_side(told: float, side: int) -> None:
    covered = watch(told_noise=told, particles=200)["covered"]
    assert covered < 0.85 if side < 0 else covered > 0.97


@pytest.mark.parametrize("rate", [2.0, 0.05])
def test_without_looks_the_spread_is_that_of_the_prior_and_of_luck(rate: float) -> None:
    # a sum of 30 Poisson draws whose rate is exponential: mean m = 30 rate, variance m + m²
    found = Filter([1000.0], shrink=rate, particles=20_000)
    for _ in range(30):
        found.step(0.0, 0.0)
    gone, mean = 1000 - found.draw(20_000)[:, 0], 30 * rate
    assert gone.mean() == pytest.approx(mean, rel=0.05)
    assert gone.std() == pytest.approx(np.sqrt(mean + mean**2), rel=0.05)


def test_scores_of_a_right_model_are_standard_normal() -> None:
    rng = np.random.Generator(np.random.Philox(3))
    truth = np.full(30, 400.0)
    found, scores = Filter(truth, shrink=2.0, particles=300), []
    rate = 2.0 * rng.standard_exponential(30)
    for _ in range(60):
        truth = truth - np.minimum(rng.poisson(rate), truth) + 2
        seen = truth + 8 * rng.standard_normal(30)
        scores.append(found.step(2.0, 0.0, Reading(seen, np.full(30, 8.0)))[0])
    assert np.mean(scores) == pytest.approx(0.0, abs=0.08)
    assert np.std(scores) == pytest.approx(1.0, abs=0.07)


@pytest.mark.parametrize("mad", [560.0, 5000.0])
def test_one_mad_reading_does_not_carry_the_filter_away(mad: float) -> None:
    found = Filter([500.0], shrink=0.5, start_sd=5.0)
    for seen in (500.0, 499.0, mad):
        found.step(0.0, 0.0, Reading(np.array([seen]), np.array([5.0])))
    assert found.means()[0][0] == pytest.approx(498.5, abs=5)


def test_drawing_particles_anew_does_not_widen_what_is_known_of_the_rate() -> None:
    # after 400 exact looks at a shrink of 1 the posterior of the rate is Gamma(400, 400)
    rng = np.random.Generator(np.random.Philox(6))
    truth = np.full(30, 5000.0)
    found = Filter(truth, shrink=1.0, particles=1000)
    for _ in range(400):
        truth = truth - rng.poisson(1.0, 30)
        found.step(0.0, 0.0, Reading(truth, np.full(30, 0.5)))
    low, _, high = found.quantiles()[1]
    assert (high - low).mean() == pytest.approx(2 * 1.645 / 20, rel=0.35)


def test_stock_points_nobody_looks_at_are_left_as_they_are() -> None:
    both = Filter([100.0, 100.0], shrink=1.0, start_sd=10.0)
    before = both.quantiles()[0][:, 1]
    scores = both.step(0.0, 0.0, Reading(np.array([85.0, np.nan]), np.full(2, 1.0)))
    after = both.quantiles()[0]
    assert after[1, 0] == pytest.approx(85, abs=2)
    assert after[:, 1] == pytest.approx(before - 1, abs=2)
    assert np.isnan(scores[0, 1])


def test_stock_is_never_below_nothing_and_the_same_seed_gives_the_same() -> None:
    made = [Filter([3.0], shrink=5.0, seed=4) for _ in range(2)]
    for one in made:
        one.step(0.0, 50.0, Reading(NOBODY, np.ones(1)))
    assert made[0].quantiles()[0].tolist() == made[1].quantiles()[0].tolist() == [[0.0]] * 3


@pytest.mark.parametrize(
    ("receipts", "reading"),
    [
        (np.ones(3), ()),
        (np.nan, ()),
        (-1.0, ()),
        (0.0, (Reading(np.ones(2), np.zeros(2)),)),
        (0.0, (Reading(np.ones(2), np.full(2, np.inf)),)),
    ],
)
def test_wrong_input_is_refused(receipts: Any, reading: Any) -> None:
    with pytest.raises(RunError):
        Filter([1.0, 2.0], shrink=1.0).step(receipts, 0.0, *reading)


def test_moving_and_looking_believes_what_a_step_does_without_its_scores() -> None:
    one, two = (Filter(np.full(6, 90.0), shrink=1.0, renewal=0.01, seed=3) for _ in range(2))
    rng = np.random.Generator(np.random.Philox(1))
    for day in range(40):
        seen = np.where(rng.random(6) < 0.1 * (day % 11), 90 + 3 * rng.standard_normal(6), np.nan)
        look = Reading(seen, np.full(6, 3.0))
        assert one.step(2.0, 1.0, look).shape == (1, 6)
        two.move(2.0, 1.0)
        two.look(look)
        assert one.state() == two.state()


def test_quantiles_are_the_first_values_up_to_which_enough_weight_lies() -> None:
    rng = np.random.Generator(np.random.Philox(4))
    values, weight = np.round(rng.exponential(3.0, (7, 33)), 1), rng.random((7, 33)) ** 4
    values[0] = 0.0
    found = assimilate._quantiles(values, weight, np.array([0.0, 0.05, 0.5, 1.0]))
    for n in range(7):
        order = np.argsort(values[n])
        reached = np.cumsum(weight[n][order]) / weight[n].sum()
        for at, q in zip((0.0, 0.05, 0.5), found[:3, n], strict=True):
            assert q == values[n][order][np.argmax(reached >= at)]
        assert found[3, n] == values[n].max()


def test_each_particle_is_drawn_as_often_as_its_weight_says_to_less_than_one() -> None:
    rng = np.random.Generator(np.random.Philox(5))
    weight = rng.random((9, 50)) ** 6
    places = assimilate._systematic(weight, rng.random((9, 1)), 80)
    assert (places // 50 == np.arange(9)[:, None]).all()
    drawn = np.bincount(places.ravel(), minlength=450).reshape(9, 50)
    assert np.abs(drawn - 80 * weight / weight.sum(axis=1, keepdims=True)).max() < 1
