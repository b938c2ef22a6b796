"""Yields, failures, devices and records are recovered from emulated telemetry."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import twin
from calibration import emulate, posterior
from calibration.direct import Estimate, capacity, devices, failures, records, yields
from calibration.direct.capacity import Limited
from calibration.events import Event
from calibration.periods import add_up
from calibration.times import DAY, period_start

PLANT = {
    "name": "plant",
    "horizon": 365,
    "integer": True,
    "sites": [{"name": "plant", "kind": "plant"}],
    "items": [{"name": "tea"}, {"name": "leaf"}],
    "purchases": [{"site": "plant", "item": "leaf", "lead_time": 2}],
    "production": [{"site": "plant", "item": "tea", "lead_time": 3, "yield": 0.93,
                    "inputs": [{"item": "leaf"}]}],
    "stock": [{"policy": {"kind": "base_stock", "level": 400}}],
    "demand": [{"site": "plant", "item": "tea", "mean": 40}],
}  # fmt: skip


def plant(**changes):
    return twin.Scenario.model_validate({**PLANT, **changes})


def counted(shrink=0.0, horizon=365, **device):
    stock = [*PLANT["stock"], {"where": {"item": "tea"}, "shrink": shrink}]
    device = {"kind": "cycle_count", "where": {"item": "tea"}, **device}
    return plant(stock=stock, devices=[device], horizon=horizon)


def named(estimates):
    return {e.name.split(" of ")[0].split(" at ")[0]: e for e in estimates}


def status(site, day, value):
    start = period_start(plant().calendar, 0)
    return Event(f"{site}{day}", "plc", site, start + round(day * DAY), "status", value=value)


def test_yield_is_recovered_and_none_is_said_to_be_none():
    (e,) = yields.estimate(emulate.events(plant()), plant())
    assert e.key == "production.plant/tea.yield"
    assert e.low < 0.93 < e.high
    assert e.high - e.low < 0.02
    perfect = plant(production=[{**PLANT["production"][0], "yield": 1.0}])
    (e,) = yields.estimate(emulate.events(perfect), perfect)
    assert e.sure
    assert e.value == 1


def test_yield_of_bad_batches_is_less_sure_than_that_of_bad_units():
    def make(n, good):
        return Event(str(n), "mes", "plant", n * DAY, "make", item="tea", qty=good, value=100.0)

    units = emulate.frame([make(n, 90.0) for n in range(40)])
    batches = emulate.frame([make(n, 0.0 if n % 10 == 0 else 100.0) for n in range(40)])
    (one,), (other,) = (yields.estimate(x, plant()) for x in (units, batches))
    assert one.value == other.value == 0.9
    assert other.high - other.low > 5 * (one.high - one.low)


def making(**changes):
    return plant(production=[{**PLANT["production"][0], "yield": 1.0, **changes}])


@pytest.mark.parametrize("believed", [30, 60, None])
@pytest.mark.parametrize("lead", [3, {"kind": "discrete", "values": [1, 3], "weights": [0.5, 0.5]}])
def test_a_limit_that_is_met_is_found_whatever_the_scenario_says_of_it(believed, lead):
    told = emulate.events(making(capacity=44, lead_time=lead))
    (e,) = capacity.estimate(told, making(capacity=believed, lead_time=lead))
    assert e.value == pytest.approx(44)
    assert e.sets == {"production.plant/tea.capacity": e.value}


def test_a_limit_that_is_never_met_stays_and_none_is_made_up():
    free = [making(capacity=None, lead_time=n) for n in (0, 1, 5)]
    lots = making(capacity=None, order_multiple=50)
    batches = making(capacity=None, batch=20)
    rare = plant(stock=[{"policy": {"kind": "base_stock", "level": 90}}])  # short of leaf
    for scenario in (*free, lots, batches, rare):
        assert capacity.estimate(emulate.events(scenario), scenario) == []


@pytest.mark.parametrize(("believed", "left"), [(400, 400), (45, None)])
def test_a_limit_that_is_never_met_is_not_known_and_no_limit_where_more_went_through(
    believed, left
) -> None:
    told = emulate.events(making(capacity=5000))
    (e,) = capacity.estimate(told, making(capacity=believed))
    assert (e.known, e.sets) == (False, {"production.plant/tea.capacity": left})
    done = posterior.with_estimates(making(capacity=believed), [e])
    assert done.production[0].capacity == left


def test_chance_meetings_of_one_amount_are_no_limit():
    """Twice the same most while more waits: lots may do that; and a lag is no queue."""
    orders, through = np.zeros(100), np.zeros(100)
    orders[[10, 50]], through[[13, 14, 53, 54]] = 80, 40
    waiting = np.cumsum(orders) - np.cumsum(through) + through
    what = Limited("key", "make", 60.0, through, waiting, 80.0)
    assert not capacity._estimate(what, pd.DataFrame({"raw_ref": ["", ""]})).known
    assert capacity._quickest(through, orders) == 3


def test_failures_of_known_rates_and_the_one_that_is_still_running():
    rng = np.random.Generator(np.random.PCG64(5))
    told, t, up = [], 0.0, 1.0
    while t < 3000:
        told.append(status("plant", t, up))
        t += rng.exponential(50 if up else 4)
        up = 1 - up
    e = named(failures.estimate(emulate.frame(told), plant()))
    assert e["mean time between failures"].low < 50 < e["mean time between failures"].high
    assert e["mean time to repair"].low < 4 < e["mean time to repair"].high


def test_what_never_failed_has_a_one_sided_bound_and_no_estimate():
    told = emulate.frame([status("plant", 0, 1.0), status("other", 900, 1.0)])
    e = {x.name: x for x in failures.estimate(told, plant())}
    never = e["mean time between failures of plant"]
    assert not never.known
    assert never.low == pytest.approx(900 / 2.9957, rel=1e-4)
    assert np.isnan(never.high)
    assert never.method == "never failed in 900 periods"


def test_the_bound_of_what_never_failed_holds_in_95_of_100_cases():
    mean = 300.0 / 2.9957  # watched for 300 periods, a thing of this mean never fails in 1 of 20
    rng = np.random.Generator(np.random.PCG64(6))
    assert np.mean(rng.exponential(mean, 20_000) > 300.0) == pytest.approx(0.05, abs=0.006)


def test_a_device_shows_its_loss_delay_and_noise():
    scenario = counted(noise=0.03, loss=0.15, delay=2, horizon=1000)
    e = named(devices.estimate(emulate.events(scenario), scenario))
    assert e["loss"].low < 0.15 < e["loss"].high
    assert e["delay"].value == 2
    assert e["noise"].value == pytest.approx(0.03, rel=0.15)
    keys = {x.key: x for x in devices.estimate(emulate.events(scenario), scenario)}
    assert keys["devices[0].noise"].value == e["noise"].value


@pytest.mark.parametrize("shrink", [0.0, 2.0])
def test_bias_is_seen_though_the_device_corrects_the_books(shrink):
    scenario = counted(shrink=shrink, noise=0.01, bias=0.08)
    e = named(devices.estimate(emulate.events(scenario), scenario))
    assert e["bias"].value == pytest.approx(0.08, abs=4 * e["bias"].draws.std())
    assert e["bias"].draws.std() < 0.03


def test_the_luck_of_what_vanishes_is_not_taken_for_noise_of_the_device():
    scenario = counted(shrink=3.0, noise=0.02, period=7, horizon=1000).with_changes(seed=2)
    e = named(devices.estimate(emulate.events(scenario), scenario))
    assert e["noise"].value == pytest.approx(0.02, rel=0.15)
    assert e["noise"].low < 0.02 < e["noise"].high


def test_shrink_is_recovered_from_counts_and_flows():
    scenario = counted(shrink=1.5, period=7)
    e = named(records.estimate(emulate.events(scenario), scenario))
    assert e["units vanishing"].low < 1.5 < e["units vanishing"].high
    sound = counted(shrink=0.0, period=7)
    e = named(records.estimate(emulate.events(sound), sound))
    assert e["units vanishing"].value == pytest.approx(0, abs=1e-9)


def test_record_error_is_what_the_books_have_too_much():
    scenario = counted(shrink=3.0, period=28)
    e = named(records.estimate(emulate.events(scenario), scenario))
    assert e["record error"].low > 0.05  # about 14 days of shrink over the mean stock


def test_nothing_told_nothing_estimated():
    empty = emulate.frame([])
    for room in (yields, failures, devices, records):
        assert room.estimate(empty, plant()) == []


def test_a_bias_that_is_not_told_apart_from_none_changes_nothing_in_the_scenario():
    """Biased counts name the entry; true ones of a shrinking stock leave it as it is."""

    def keys(scenario):
        found = devices.estimate(emulate.events(scenario), counted(), seed=1)
        return {one.key for one in found}

    assert "devices[0].bias" in keys(counted(noise=0.01, bias=0.08))
    assert "devices[0].bias" not in keys(counted(shrink=1.5, noise=0.01))


def test_a_device_that_is_known_exactly_outweighs_one_that_is_hardly_known():
    luck = np.random.default_rng(1).standard_normal(256)
    sure = Estimate.of("bias of a", 0.0, 1e-6 * luck, 50)
    vague = Estimate.of("bias of b", -0.2, -0.2 + 0.3 * luck, 50)
    assert devices._weights([sure, vague]) @ [0.0, -0.2] == pytest.approx(0.0, abs=0.01)
    other = Estimate.of("bias of c", 0.2, 0.2 + 0.001 * luck, 50)
    np.testing.assert_allclose(devices._weights([sure, other]), 0.5, atol=0.01)  # not alike


def test_the_most_that_can_have_vanished_is_more_than_did_and_little_where_nothing_does():
    for shrink in (0.0, 0.4):
        scenario = counted(shrink=shrink)
        most = records.most_lost(add_up(emulate.events(scenario), scenario), ("plant", "tea"))
        assert shrink < most < 2 * shrink + 0.1
