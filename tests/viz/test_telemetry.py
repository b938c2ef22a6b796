"""What the live tab says of an event store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import twin
from calibration import emulate
from calibration.balance import BOOKS
from calibration.events import Event
from calibration.live.batches import from_frame
from calibration.store import Store
from calibration.times import period_start
from tests.calibration.test_follow import CALIBRATED, DAYS, REAL
from twin.errors import RunError
from twin.topology import build
from viz import live_data, telemetry
from viz.live_feed import Feed
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


def snapshot(path: Path):
    with Store(path, write=False) as opened:
        return opened.read()


def test_the_mode_is_said_honestly(store):
    events = snapshot(store)
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
    code = "import sys; sys.modules['paho'] = None; import viz.live_feed, viz.page.live"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# -------------------------------------------------------------------------------- what is shown
@pytest.fixture(scope="module")
def tea(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tea") / "tea.db"
    with Store(path) as opened:
        opened.add(from_frame(emulate.events(REAL)))
    return path


@pytest.fixture(scope="module")
def replayed(tea) -> Feed:
    feed = Feed(tea, CALIBRATED, "replay", lambda: None)
    feed._work()
    return feed


def test_a_replay_shows_every_period_of_the_record_in_order(replayed):
    assert [s.t for s in replayed.seen] == list(range(DAYS))
    assert (replayed.mode, replayed.problem, replayed.done) == ("emulated", "", True)


def test_a_live_view_takes_what_comes_and_ends_where_a_replay_does(tea, replayed):
    events = from_frame(emulate.events(REAL))
    path = tea.with_name("growing.db")
    with Store(path) as opened:
        opened.add(events[:-200])
        feed = Feed(path, CALIBRATED, "live", lambda: None)
        feed._look()
        before = feed.seen[-1].t
        opened.add(events[-200:])
        feed._look()
    assert before < feed.seen[-1].t == DAYS - 2  # the last period is not over
    assert feed.seen[-1].books == pytest.approx(replayed.seen[-2].books)


def test_the_alarm_table_tells_what_where_and_from_what_to_what(replayed):
    rows = live_data.alarms(replayed.follower, replayed.seen[-1])
    assert [r[:2] for r in rows] == [["shrink", "shop/tea"], ["lead time", "maker->dc/tea"]]
    assert rows[0][5].startswith("0 → ")
    assert live_data.alarms(replayed.follower, replayed.seen[5]) == []  # not yet found then


def test_frames_hold_a_byte_a_node_and_period_of_what_is_believed(replayed):
    follower, seen = replayed.follower, replayed.seen
    drawn = live_data.drawing(follower)
    frames = live_data.frames(follower, seen, drawn)
    state = live_data.state(follower, seen, drawn)
    assert len(frames) == DAYS * len(drawn["nodes"])
    last = frames[-len(drawn["nodes"]) :]
    assert [round(255 * n["fill"]) for n in state["nodes"]] == list(last)
    assert drawn["families"] == []
    assert {e["name"] for e in state["events"]} > {"alarm: more vanishes than calibrated"}


def test_a_fork_opens_with_what_is_believed_and_runs(replayed):
    found = twin.apply(CALIBRATED, replayed.changes())
    believed = replayed.follower.stock()
    opened = {p.name: p.settings.initial_stock for p in build(found).points}
    assert opened == {f"{s}/{i}": pytest.approx(x) for (s, i), x in believed.items()}
    assert (found.warmup, str(found.calendar.start)) == (0, "2026-05-31")
    assert twin.run(found, replications=2)["on_time"] > 0


def test_a_store_of_another_chain_says_so(tea):
    feed = Feed(tea, FLAGSHIP, "live", lambda: None)
    feed._work()
    assert "tells of no site of 'electronics'" in feed.problem


def test_sites_whose_devices_are_not_well_come_first(store):
    feed = Feed(store, FLAGSHIP, "replay", lambda: None)
    feed._work()
    (site, alive, _, missing, ill), *_ = live_data.devices(feed.seen[-1])
    assert (site, alive, missing) == ("board fab", "◐ 1 of 5", "2")
    assert "silent" in ill
