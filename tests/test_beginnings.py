"""What runs share until something is disrupted: not one bit may differ from a run by itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kpi_cases import shop
from tests.reference.random_networks import ALL_FEATURES, random_scenario
from twin.beginnings import Beginnings
from twin.compile import Plan
from twin.engine import Outcome, run_block
from twin.schema import Scenario

RECORD = ("rows.on_hand", "links.on_way", "sinks.closed_total")
SHUT = {"kind": "outage", "where": {"site": "shop"}, "duration": 6}


def disrupted(base: Scenario, start: int, factor: float) -> Scenario:
    """Return a scenario whose last site is out, and lanes slow down after that."""
    fire = {"kind": "outage", "where": {"site": base.sites[-1].name}, "start": start, "duration": 4}
    slow = {"kind": "lead_time_stretch", "lane": "*", "start": start + 9, "duration": 8}
    return base.with_changes(disruptions=[fire, {**slow, "factor": factor}], moves=[])


def bytes_of(o: Outcome) -> dict[str, bytes]:
    parts = {"sum": o.sums, "final": o.final, "opening": o.opening, "series": o.series}
    return {f"{p} {n}": x.tobytes() for p, found in parts.items() for n, x in found.items()}


@pytest.mark.parametrize("seed", range(24))
def test_a_run_that_begins_where_others_do_is_the_same_to_the_last_bit(seed: int) -> None:
    base, shared = random_scenario(seed, ALL_FEATURES), Beginnings()
    blocks = ((30, 3, 0, 3), (30, 3, 3, 3), (27, 3, 0, 3), (41, 3, 0, 3), (41, 3, 0, 4), (8, 1, 0, 3),
              (30, 1, 0, 3))  # fmt: skip
    for start, K, k0, factor in blocks:
        plan = Plan.of(disrupted(base, start, factor))
        alone = run_block(plan, K, k0, 5, RECORD)
        assert bytes_of(run_block(plan, K, k0, 5, RECORD, None, shared)) == bytes_of(alone)


def told(start: int, shared: Beginnings, **more: Any) -> list[int]:
    """Return the stretches of periods that a shop's run tells of, its outage beginning at start."""
    found: list[int] = []
    plan = Plan.of(shop(horizon=30, disruptions=[{**SHUT, "start": start, **more}]))
    run_block(plan, 2, 0, 1, (), found.append, shared)
    assert sum(found) == 30
    return found


def test_the_second_run_begins_at_the_start_of_its_outage() -> None:
    shared = Beginnings()
    told(20, shared)
    assert told(25, shared)[0] == 20
    assert told(12, shared)[0] != 20  # for it that is too late; it keeps its own
    assert told(20, shared)[0] == 12
    assert told(9, shared, probability=0.0)[0] == 12  # nothing happens at all


def test_more_than_memory_allows_is_not_kept(monkeypatch) -> None:
    monkeypatch.setattr("twin.beginnings.MOST_BYTES", 10)
    shared = Beginnings()
    assert told(20, shared)[0] == told(20, shared)[0] != 20
