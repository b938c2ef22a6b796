"""Device agents: what was read, how old it is, and whether something is missing."""

from __future__ import annotations

import numpy as np
import pytest

from agents import TwinModel
from tests.kpi_cases import shop

pytestmark = pytest.mark.nojit


def test_a_perfect_count_every_third_period_shows_what_was_there() -> None:
    with TwinModel(shop(devices=[{"kind": "cycle_count", "period": 3, "phase": 1}])) as model:
        device = model.devices["cycle_count@shop/tea"]
        assert np.isnan(device.last_reading)
        ages, right = [], []
        for _ in range(7):
            model.step()
            ages.append(device.age)
            right.append(device.last_reading == device.place.on_hand if device.age == 0 else None)
    assert ages == [np.inf, 0, 1, 2, 0, 1, 2]
    assert right == [None, True, None, None, True, None, None]


def test_health_tells_waiting_from_silent() -> None:
    fault = {"kind": "device_fault", "start": 4, "duration": 3}
    scenario = shop(devices=[{"kind": "scale", "period": 2, "phase": 2}], disruptions=[fault])
    with TwinModel(scenario) as model:
        device = model.devices["scale@shop/tea"]
        health, missed = [device.health], [device.missed]
        for _ in range(10):
            model.step()
            health.append(device.health)
            missed.append(device.missed)
    # readings are due in periods 0, 2, 4 ...: those of 4 and 6 are lost to the fault
    assert health == ["waiting", *["ok"] * 4, *["silent"] * 4, "ok", "ok"]
    assert missed == [0, 0, 0, 0, 0, 1, 1, 2, 2, 0, 0]


def test_of_several_replications_health_is_the_worst() -> None:
    with TwinModel(shop(devices=[{"kind": "scale", "loss": 0.5}]), replications=32) as model:
        device = model.devices["scale@shop/tea"]
        model.run(2)
        assert device.age.shape == (32,)
        assert set(device.missed) == {0, 1, 2}
        assert device.health == "silent"


def test_a_device_says_who_and_where_it_is() -> None:
    with TwinModel(shop(devices=[{"kind": "scale", "owner": "carrier"}])) as model:
        device = model.devices["scale@shop/tea"]
        assert (device.kind, device.owner, device.place.name) == ("scale", "carrier", "shop/tea")
        assert repr(device) == "Device('scale@shop/tea', owner carrier, waiting)"
        model.step()
        stock = f"{device.last_reading:.0f}"
        assert repr(device) == (
            f"Device('scale@shop/tea', owner carrier, last reading {stock}, age 0, ok)"
        )
    assert "closed" in repr(device)


def test_only_adopted_devices_are_agents() -> None:
    devices = [{"kind": "scale"}, {"kind": "pos_feed", "owner": "seller"}]
    with TwinModel(shop(devices=devices, adoption={"seller": 0})) as model:
        assert list(model.devices) == ["scale@shop/tea"]
