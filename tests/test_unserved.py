"""The KPI of what customers miss while a disruption lasts: by hand, and whole however split."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.kpi_cases import shop
from tests.reference.random_networks import ALL_FEATURES, random_scenario
from twin.compile import Plan
from twin.engine import run_block
from twin.kpis import KPIS
from twin.kpis.resilience import SERIES
from twin.kpis.unserved import missed, needed
from twin.schema import Scenario

SHUT = {"kind": "outage", "where": {"site": "shop"}, "start": 10, "duration": 6}


def late(tolerance: int = 0, **more: Any) -> Scenario:
    """A shop that is out for 6 periods, 10 units wanted in each, always served before."""
    demand = [{"site": "shop", "item": "tea", "kind": "constant", "mean": 10,
               "tolerance": tolerance, **more.pop("demand", {})}]  # fmt: skip
    return shop(**{"demand": demand, "horizon": 30, "disruptions": [SHUT], **more})


def value(scenario: Scenario) -> float:
    o = run_block(Plan.of(scenario), 1, 0, 1, SERIES)
    return float(np.asarray(KPIS["unserved"].function(o))[0])


@pytest.mark.parametrize(
    ("scenario", "units"),
    [
        (late(), 60),
        (late(tolerance=2), 40),  # the last two periods' orders are not due when it ends
        (late(tolerance=9), 0),
        (late(demand={"unmet": "lost"}), 60),
        (late(demand={"patience": 2}), 60),  # 40 have left, 20 wait
        (late(disruptions=[{**SHUT, "start": 28}]), np.nan),  # the run ends before
        (late(disruptions=[]), np.nan),
    ],
)
def test_units_that_fall_due_in_an_outage_and_are_not_delivered(
    scenario: Scenario, units: float
) -> None:
    assert value(scenario) == pytest.approx(units, nan_ok=True)


def test_what_was_overdue_before_is_not_the_disruptions_doing() -> None:
    """Nothing ever comes: 20 on hand are gone by period 2, and each period 10 more are overdue."""
    never = {"kind": "lane_closed", "lane": "outside->shop", "start": 10, "duration": 3}
    stock = [{"policy": {"kind": "base_stock", "level": 0}, "initial_stock": 20}]
    assert value(late(stock=stock, disruptions=[never])) == pytest.approx(30)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_delivered_and_missed_add_up_to_what_was_needed(seed: int) -> None:
    """Of an undisrupted run and of one with every site out; a part alone is the same bits."""
    base = random_scenario(seed, ALL_FEATURES - {"disruptions"})
    out = {"kind": "outage", "where": {}, "start": 25, "duration": 8}
    calm = run_block(Plan.of(base), 4, 0, base.seed, SERIES)
    need = needed(calm, 25, 8)[-1].sum(axis=0)
    for scenario in (base, base.with_changes(disruptions=[out])):
        o = run_block(Plan.of(scenario), 4, 0, base.seed, (*SERIES, "sinks.delivered"))
        given = o.series["sinks.delivered"][25:33].sum(axis=(0, 1))
        found = missed(o, 25, 8)
        assert (given + found >= need - 1e-6).all()
        alone = [missed(run_block(Plan.of(scenario), 1, k, base.seed, SERIES), 25, 8)[0]
                 for k in range(4)]  # fmt: skip
        assert found.tolist() == alone
