"""Base stock behind a supplier that fails, against brute force on the kernel."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import geom

from twin import kpis
from twin.compile import Plan
from twin.engine import run_block
from twin.errors import RunError
from twin.optimise.disruption import Supplier, base_stock, mean_cost
from twin.schema import Scenario

DEMAND, HOLDING = 10, 1
CASES = [(0.1, 0.3, 4, 1), (0.04, 0.25, 9, 1), (0.1, 0.3, 19, 3), (0.01, 0.5, 2, 2)]


def outages(supplier, n=600):
    """Lengths of up and down times that fill the chain's geometric laws evenly."""
    share = (np.arange(n) + 0.5) / n
    luck = np.random.default_rng(1)
    up, down = (
        luck.permutation(geom.ppf(share, p).astype(int))
        for p in (supplier.fails, supplier.recovers)
    )
    ends = np.cumsum(up + down)
    return [
        {"kind": "outage", "where": {"site": "a"}, "start": int(e - d), "duration": int(d)}
        for e, d in zip(ends, down, strict=True)
    ], int(ends[-1])


def plan(supplier, level, penalty, lead):
    events, horizon = outages(supplier)
    data = {
        "horizon": horizon,
        "sites": [{"name": "a"}, {"name": "b"}],
        "items": [{"name": "x", "value": 0}],
        "lanes": [{"from": "a", "to": "b", "lead_time": lead}],
        "purchases": [{"site": "a", "item": "x", "lead_time": 0}],
        "stock": [{"where": {"site": "a"}, "policy": {"level": 1e7}},
                  {"where": {"site": "b"}, "policy": {"level": level},
                   "holding_cost": HOLDING, "backlog_cost": penalty}],
        "demand": [{"site": "b", "item": "x", "kind": "constant", "mean": DEMAND}],
        "disruptions": events,
    }  # fmt: skip
    return Plan.of(Scenario.model_validate(data))


def simulated(supplier, level, penalty, lead):
    o = run_block(plan(supplier, level, penalty, lead), 1, 0, 1)
    values = kpis.compute(o)
    return float((values["holding_cost"] + values["backlog_cost"])[0]) / o.n_periods


@pytest.mark.parametrize(("fails", "recovers", "penalty", "lead"), CASES)
def test_the_index_rule_names_the_level_that_is_cheapest_on_the_kernel(
    fails, recovers, penalty, lead
):
    supplier = Supplier(fails, recovers)
    best = base_stock(supplier, DEMAND, HOLDING, penalty, lead)
    levels = [DEMAND * (lead + n) for n in range(16)]
    assert min(levels, key=lambda s: simulated(supplier, s, penalty, lead)) == best


@pytest.mark.parametrize("level", [10, 15, 20, 50])
def test_the_mean_cost_is_what_the_kernel_charges(level):
    """600 outages fill their law to 2 %."""
    supplier = Supplier(0.1, 0.3)
    told = mean_cost(supplier, level, DEMAND, HOLDING, 4)
    assert simulated(supplier, level, 4, 1) == pytest.approx(told, rel=0.02)


def test_the_time_down_follows_the_stationary_law_of_the_chain():
    supplier = Supplier(0.1, 0.3)
    n = 40  # states 0 (up), 1 ... n periods down
    step = np.zeros((n + 1, n + 1))
    step[0, 0], step[0, 1] = 0.9, 0.1
    for i in range(1, n + 1):
        step[i, 0], step[i, min(i + 1, n)] = 0.3, 0.7
    law = np.linalg.matrix_power(step, 4000)[0]
    found = [supplier.at_most(i) for i in range(n)]
    np.testing.assert_allclose(found, np.cumsum(law)[:n], atol=1e-12)


def test_nothing_is_kept_against_failures_while_the_uptime_is_at_least_the_critical_ratio():
    supplier = Supplier(0.1, 0.3)  # up 75 % of the time
    assert base_stock(supplier, 10, 1, 3) == 10
    assert base_stock(supplier, 10, 1, 3.01) == 20


@pytest.mark.parametrize("ratio", [0.0, 0.5, 0.9, 0.999, 0.999999])
def test_the_quantile_is_the_first_that_reaches_the_ratio(ratio):
    supplier = Supplier(0.04, 0.25)
    n = supplier.periods_to_cover(ratio)
    assert ratio <= supplier.at_most(n) + 1e-12
    assert n == 0 or supplier.at_most(n - 1) < ratio


def test_a_probability_that_is_none_is_refused_in_words():
    with pytest.raises(RunError, match="fails = 0; a probability must be above 0"):
        Supplier(0, 0.3)
