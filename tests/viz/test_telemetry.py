"""What the page says of an event store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import twin
from calibration.balance import BOOKS
from calibration.events import Event
from calibration.store import Store
from calibration.times import period_start
from twin.errors import RunError
from viz import telemetry
from viz.server import opening

FLAGSHIP = twin.load("electronics")
POINT = "board_fab/board_printer"


def counted(n: int, day: int, qty: float, device: str = "shelf", **more: object) -> Event:
    site, item = POINT.split("/")
    return Event(
        str(n), "erp", site, period_start(FLAGSHIP.calendar, day), "count", device=device,
        item=item, qty=qty, **more,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "s.db"
    events = [
        counted(1, 80, 50, seq=1), counted(2, 90, 40, seq=2), counted(3, 100, 30, seq=5),
        counted(4, 100, 33, BOOKS), counted(5, 10, 1, "old"),
    ]  # fmt: skip
    with Store(path) as opened:
        opened.add(events)
    return path


def test_missing_numbers_and_silence_of_a_device_are_counted(store):
    (found,) = telemetry.devices(telemetry.snapshot(store))
    assert (found["readings"], found["missing"], found["silent"]) == (3, 2, 0)


def test_what_lies_before_the_window_is_not_looked_at(store):
    assert set(telemetry.snapshot(store)["device"]) == {"shelf", BOOKS}


def test_the_last_count_stands_beside_the_books_and_the_mean_of_the_twin(store):
    result = twin.run(FLAGSHIP, replications=2, record=["rows.on_hand"])
    (found,) = telemetry.stock(telemetry.snapshot(store), result)
    row = next(p.index for p in result.topology.points if p.name == POINT)
    assert (found["count"], found["books"]) == (30, 33)
    assert found["twin"] == pytest.approx(result.series["rows.on_hand"][100, row].mean())


def test_the_mode_is_said_honestly(store):
    events = telemetry.snapshot(store)
    assert telemetry.mode(events) == "shadow"
    assert telemetry.mode(events.assign(source="emulated x")) == "emulated"
    assert telemetry.mode(events.assign(quality="replayed total")) == "replay"
    assert telemetry.mode(events.iloc[:0]) == "empty"


def test_a_store_that_grows_has_another_stamp(store):
    before = telemetry.stamp(store)
    with Store(store) as opened:
        opened.add([counted(9, 101, 5)])
    assert telemetry.stamp(store) != before


def test_a_store_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RunError, match="no such file"):
        opening.watch(tmp_path / "none.db")
    assert opening.store() is None


def test_the_page_needs_no_broker_client():
    """Who installs the app has no paho-mqtt: it comes with the extra for live telemetry."""
    code = "import sys; sys.modules['paho'] = None; import viz.telemetry, viz.page.live"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
