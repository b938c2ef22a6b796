"""The table of devices says what the run's devices did."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from agents import TwinModel
from twin.errors import ScenarioError
from viz.device_table import HEALTH, adoption_changes, devices, owners

SHIPPED = ["electronics", "small-business", "health-commodities", "beer-game"]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_declared_device_has_a_row(name):
    s = twin.load(name)
    rows = devices(s)
    assert bool(rows) == bool(s.devices)
    assert len({r["name"] for r in rows}) == len(rows)
    assert {r["health"] for r in rows} <= set(HEALTH)
    for r in rows:
        assert (r["health"] == "not adopted") == (not r["adopted"])


def test_readings_and_ages_are_those_of_the_agents():
    s = twin.load("electronics")
    model = TwinModel(s)
    for _ in range(100):
        model.step()
    rows = {r["name"]: r for r in devices(s, at=100)}
    agents = {a.name: a for a in model.agents if hasattr(a, "last_reading")}
    assert set(agents) == set(rows)
    for name, agent in agents.items():
        assert rows[name]["reading"] == pytest.approx(agent.last_reading, abs=1e-3)
        assert (rows[name]["age"], rows[name]["health"]) == (agent.age, agent.health)
        assert rows[name]["owner"] == agent.owner


def test_a_faulty_device_is_late_and_then_silent_and_well_again():
    fault = {"kind": "device_fault", "start": 100, "duration": 30, "where": {"site": "board_fab"}}
    s = twin.apply(twin.load("electronics"), {"disruptions": [fault]})
    found = [{r["health"] for r in devices(s, "board_fab", at=t)} for t in (100, 101, 110, 140)]
    assert found == [{"ok"}, {"late"}, {"silent"}, {"ok"}]
    assert devices(s, "board_fab", at=110)[0]["age"] == 10


def test_before_the_first_reading_a_device_waits():
    rows = devices(twin.load("small-business"), at=100)
    counts = [r for r in rows if r["kind"] == "cycle_count"]
    assert {(r["health"], r["reading"], r["age"]) for r in counts} == {("waiting", None, None)}


def test_the_error_of_the_record_falls_with_devices():
    s = twin.load("electronics")
    without = twin.apply(s, adoption_changes(s, {}, "maker", 0))
    worse, better = (
        np.mean([r["error_abs"] for r in devices(x, "board_fab")]) for x in (without, s)
    )
    assert worse > 2 * better


def test_adoption_is_a_share_of_an_owners_devices():
    s = twin.load("electronics")
    changes = adoption_changes(s, {"horizon": 300}, "maker", 0.5)
    assert changes == {"horizon": 300, "adoption.maker": 0.5}
    half = owners(twin.apply(s, changes))[0]
    assert (half["owner"], half["devices"], half["share"]) == ("maker", 12, 0.5)
    assert 0 < half["used"] < 12
    rows = devices(twin.apply(s, changes))
    assert sum(r["adopted"] for r in rows) == half["used"]
    none = twin.apply(s, adoption_changes(s, changes, "maker", 0))
    assert {r["health"] for r in devices(none)} == {"not adopted"}


def test_a_wrong_owner_or_share_is_told():
    s = twin.load("electronics")
    with pytest.raises(ScenarioError, match=r"'markr' has no devices.*'maker'"):
        adoption_changes(s, {}, "markr", 1)
    with pytest.raises(ScenarioError, match=r"= 2; must be a share from 0"):
        adoption_changes(s, {}, "maker", 2)
