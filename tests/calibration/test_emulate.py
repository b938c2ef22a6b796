"""Emulated telemetry tells what the engine did, and nothing that nobody could see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import twin
from calibration import balance, emulate, telling
from calibration.errors import TelemetryError
from calibration.events import NAMES, Event
from calibration.store import Store
from calibration.times import DAY, period_start
from twin.errors import RunError

CHAIN = {
    "name": "pair",
    "horizon": 120,
    "integer": True,
    "sites": [{"name": "depot"}, {"name": "shop", "kind": "store"}],
    "items": [{"name": "tea"}],
    "purchases": [{"site": "depot", "item": "tea", "lead_time": 4}],
    "lanes": [
        {
            "from": "depot",
            "to": "shop",
            "lead_time": {"kind": "discrete", "values": [1, 5], "weights": [0.5, 0.5]},
        }
    ],
    "stock": [{"policy": {"kind": "base_stock", "level": 90}}],
    "demand": [{"site": "shop", "item": "tea", "mean": 10}],
}


def chain(**changes):
    return twin.Scenario.model_validate({**CHAIN, **changes})


def count(scenario, **device):
    device = {"kind": "cycle_count", "where": {"site": "shop"}, **device}
    return scenario.with_changes(devices=[device])


def test_mass_balances_exactly_from_count_to_count(tmp_path):
    data = twin.load("electronics").to_dict()
    sound = [r for r in data["stock"] if not {"shrink", "scan_error"} & set(r)]
    scenario = twin.load("electronics").with_changes(horizon=100, stock=sound, devices=[])
    told = emulate.events(scenario)
    with Store(tmp_path / "s.db") as store:
        store.add(Event(**{k: None if pd.isna(v) else v for k, v in row.items()})
                  for row in told.to_dict("records"))  # fmt: skip
        _, totals, _ = balance.residuals(store.table(balance.COLUMNS), scenario)
    assert totals["received"].sum() > 1000
    assert totals["made"].sum() > 1000
    assert totals["residual"].abs().max() == 0.0


def test_orders_receipts_and_customers_are_those_of_the_engine():
    scenario = chain()
    told = emulate.events(scenario)
    record = ["rows.order", "sinks.demand", "rows.on_hand"]
    series = twin.run(scenario, replications=1, record=record, threads=1).series
    customers = told[(told["kind"] == "order") & (told["partner"] == "")]
    assert customers["qty"].tolist() == series["sinks.demand"][:, 0, 0].tolist()
    placed = told[(told["kind"] == "order") & (told["partner"] != "")]
    assert placed["qty"].sum() == series["rows.order"].sum()
    books = told[(told["device"] == "books") & (told["site"] == "shop")]
    assert books["qty"].tolist() == series["rows.on_hand"][:, 0, 0].tolist()  # downstream first


@pytest.mark.parametrize("overtaking", [False, True])
def test_lots_pair_each_receipt_with_its_dispatch(overtaking):
    lanes = [{**CHAIN["lanes"][0], "overtaking": overtaking}]
    told = emulate.events(chain(lanes=lanes, horizon=400))
    sent = told[(told["kind"] == "ship") & (told["partner"] == "shop")].set_index("lot")
    got = told[(told["kind"] == "receive") & (told["site"] == "shop")].set_index("lot")
    days = (got["event_time"] // DAY - sent["event_time"] // DAY).dropna()
    assert (got["qty"] == sent["qty"].reindex(got.index)).all()
    assert set(days) == ({1, 5} if overtaking else {1, 2, 3, 4, 5})
    on_way = sent.index.difference(got.index)
    assert 1 <= len(on_way) <= 5  # at the end, and only the last ones
    if overtaking:  # a binomial share within four of its standard deviations
        assert abs((days == 5).mean() - 0.5) < 4 * 0.5 / len(days) ** 0.5


def test_receipts_from_outside_answer_their_order_in_time():
    told = emulate.events(chain())
    orders = told[(told["kind"] == "order") & (told["site"] == "depot")].set_index("lot")
    got = told[(told["kind"] == "receive") & (told["site"] == "depot")].set_index("lot")
    days = got["event_time"] // DAY - orders["event_time"].reindex(got.index) // DAY
    assert (days == 4).all()
    assert len(orders) - len(got) in (3, 4)


def test_unmet_demand_of_a_shop_is_not_told():
    demand = [{**CHAIN["demand"][0], "unmet": "lost"}]
    scenario = chain(demand=demand, stock=[{"policy": {"kind": "base_stock", "level": 25}}])
    told = emulate.events(scenario)
    result = twin.run(scenario, replications=1, record=["sinks.demand", "sinks.lost"], threads=1)
    sold = result.series["sinks.demand"] - result.series["sinks.lost"]
    orders = told[(told["kind"] == "order") & (told["partner"] == "")]
    assert result.series["sinks.lost"].sum() > 100
    assert orders["qty"].tolist() == sold[:, 0, 0].tolist()
    assert (orders["quality"] == "total sale").all()


def test_counts_carry_noise_bias_loss_and_delay():
    told = emulate.events(count(chain(horizon=1500), noise=0.05, bias=0.1, loss=0.2, delay=2))
    seen = told[told["device"].str.startswith("cycle_count")]
    n = 1500 * 0.8
    assert abs(len(seen) - n) < 4 * (n * 0.2) ** 0.5
    assert ((seen["ingest_time"] - seen["event_time"]) == 2 * DAY).all()
    assert set(np.diff(seen["seq"])) >= {1, 2, 3}
    result = twin.run(
        count(chain(horizon=1500), noise=0.05, bias=0.1, loss=0.2, delay=2),
        replications=1, record=["rows.on_hand"], threads=1,
    )  # fmt: skip
    truth = result.series["rows.on_hand"][seen["seq"].astype(int), 0, 0]
    ratio = seen["qty"].to_numpy()[truth > 20] / truth[truth > 20]
    assert ratio.mean() == pytest.approx(1.1, abs=4 * 0.05 / ratio.size**0.5 + 0.005)


def test_outages_and_silent_devices_are_reported_with_their_ends():
    scenario = count(chain()).with_changes(
        disruptions=[
            {"kind": "outage", "where": {"site": "depot"}, "start": 20, "duration": 7},
            {"kind": "device_fault", "start": 30, "duration": 4},
        ]
    )
    told = emulate.events(scenario)
    status = told[told["kind"] == "status"]
    days = (status["event_time"] - period_start(scenario.calendar, 0)) // DAY
    found = list(zip(status["site"], status["device"], days, status["value"], strict=True))
    device = "cycle_count@shop/tea"
    assert ("depot", "", 20, 0.0) in found
    assert ("depot", "", 27, 1.0) in found
    assert ("shop", device, 30, 0.0) in found
    assert ("shop", device, 34, 1.0) in found
    seen = told[told["device"] == device]
    assert not set(seen["seq"].dropna()) & {30, 31, 32, 33}


def test_same_luck_same_bytes_and_another_replication_differs():
    first, again = (emulate.events(chain(), replication=3) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    other = emulate.events(chain(), replication=4)
    assert other["qty"].sum() != first["qty"].sum()
    assert list(first.columns) == list(NAMES)
    assert first["source"].str.startswith("emulated").all()


def test_distortion_keeps_its_shares():
    told = emulate.events(count(chain(horizon=2000)))
    poor = emulate.distort(told, loss=0.1, delay=0.5, duplicates=0.05, spoofed=0.02, seed=1)
    device = poor["device"] == "cycle_count@shop/tea"
    own = poor[device & (poor["source"] != "forged")].drop_duplicates("event_id")
    assert abs(len(own) - 1800) < 4 * 13.4
    assert abs((poor["source"] == "forged").sum() / 2000 - 0.021) < 4 * 0.0033
    assert abs(poor.duplicated(["source", "event_id"]).mean() - 0.05 / 1.05) < 0.01
    late = (poor["ingest_time"] - poor["event_time"]) / DAY
    assert late.mean() == pytest.approx(0.5, rel=0.05)
    assert poor["ingest_time"].is_monotonic_increasing
    assert emulate.distort(told, dead=1.0)["device"].eq("cycle_count@shop/tea").sum() < 2000
    pd.testing.assert_frame_equal(
        emulate.distort(told, shuffle=True).sort_values("event_id", ignore_index=True),
        told.sort_values("event_id", ignore_index=True),
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"replication": -1}, "replication = -1; must be a whole number from 0 to 1,000,000"),
     ({"replication": 1.5}, "replication = 1.5"), ({"books": 0}, "books = 0; must be"),
     ({"seed": "x"}, "seed = 'x'")],
)  # fmt: skip
def test_numbers_that_cannot_be_meant_are_refused(asked, said):
    with pytest.raises(RunError, match=said):
        emulate.events(chain(horizon=5), **asked)
    if "seed" in asked:
        with pytest.raises(RunError, match=said):
            emulate.distort(emulate.events(chain(horizon=5)), **asked)


def test_wrong_share_is_named():
    with pytest.raises(TelemetryError, match=r"loss = 1\.5; must be a share from 0 to 1"):
        emulate.distort(emulate.events(chain(horizon=5)), loss=1.5)


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_written_events_read_back_the_same(tmp_path, ending):
    told = emulate.events(count(chain(horizon=30)))
    path = tmp_path / f"events.{ending}"
    emulate.write(told, path)
    read = pd.read_csv if ending == "csv" else lambda p: pd.read_json(p, lines=True)
    back = read(path)
    assert back["qty"].sum() == told["qty"].sum()
    times = pd.to_datetime(back["event_time"], utc=True).dt.tz_localize(None)
    assert (times.astype("datetime64[us]").astype("int64") == told["event_time"]).all()


@pytest.mark.parametrize("devices", [False, True])
def test_a_wish_for_devices_that_no_device_hears_is_said_and_only_then(devices, capsys):
    told = emulate.events(count(chain(horizon=5)) if devices else chain(horizon=5))
    telling.note_unheard(told, loss=0.1, dead=0.0, spoofed=0.2)
    said = " ".join(capsys.readouterr().err.split())
    if devices:
        assert said == ""
    else:
        assert "--loss 0.1, --spoofed 0.2: changes nothing, for no device reads anything" in said
        assert "`devices`" in said
        assert "--delay" in said
    telling.note_unheard(told, loss=0.0, dead=0.0, spoofed=0.0)
    assert capsys.readouterr().err == ""
