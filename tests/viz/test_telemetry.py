"""What the live tab says of an event store."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import twin
from calibration import emulate
from calibration.balance import BOOKS
from calibration.events import Event
from calibration.live.alarms import Moved, words_of
from calibration.live.batches import from_frame
from calibration.store import Store
from calibration.times import DAY, SECOND, now, period_start
from tests.calibration.test_follow import CALIBRATED, DAYS, REAL, START
from twin.errors import RunError
from twin.topology import build
from viz import live_data, look, telemetry
from viz.live_feed import Feed
from viz.server import opening

FLAGSHIP = twin.load("electronics")
POINT = "board_fab/board_printer"
NOW = now()


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
    again = events.assign(quality="replayed total")
    assert telemetry.mode(again) == "replay"
    assert telemetry.mode(again.assign(raw_ref="emulated x period 3")) == "emulated"
    assert telemetry.mode(events.iloc[:0]) == "empty"


def test_live_is_said_only_of_a_real_chain_whose_events_come_in_now():
    week = 7 * DAY
    badges = {
        (mode, age): telemetry.source(mode, NOW - age, NOW - age, NOW, DAY).badge("live")
        for mode in ("shadow", "emulated", "replay") for age in (0, DAY, week)
    }  # fmt: skip
    live = {known for known, badge in badges.items() if badge == "live"}
    assert live == {("shadow", 0), ("shadow", DAY)}
    assert badges["shadow", week] == "quiet"
    assert badges["emulated", 0] == badges["emulated", week] == "emulated"
    assert telemetry.Source("shadow", 0, fed=True).badge("replay") == "replay"
    assert telemetry.Source("empty").badge("replay") == "empty"


def test_an_old_file_taken_in_just_now_and_an_old_store_copied_just_now_are_not_fed():
    for happened, received in ((NOW - 90 * DAY, NOW), (NOW, NOW - 90 * DAY)):
        found = telemetry.source("shadow", happened, received, NOW, DAY)
        assert (found.fed, found.age) == (False, 90 * DAY)
    weekly = telemetry.source("shadow", NOW - 10 * DAY, NOW - 10 * DAY, NOW, 7 * DAY)
    assert weekly.fed


def test_what_a_twin_makes_is_fed_as_long_as_it_comes_in_whatever_its_clock_says():
    ahead, behind = NOW + 900 * DAY, NOW - 900 * DAY
    for happened in (ahead, behind):
        assert telemetry.source("emulated", happened, NOW - SECOND, NOW, DAY).fed
        assert not telemetry.source("emulated", happened, NOW - 90 * SECOND, NOW, DAY).fed


@pytest.mark.parametrize(("seconds", "period", "said"), [
    (5, DAY, "less than a minute ago"), (60, DAY, "1 minute ago"), (5 * 3600, DAY, "5 hours ago"),
    (23 * 86400, DAY, "23 days ago"), (5 * 86400, 7 * DAY, "5 days ago"),
    (21 * 86400, 7 * DAY, "3 weeks ago"),
])  # fmt: skip
def test_an_age_is_said_in_periods_and_below_one_in_hours_or_minutes(seconds, period, said):
    assert telemetry.ago(seconds * SECOND, period).replace("\xa0", " ") == said


def test_a_store_that_grows_has_another_stamp(store):
    before = telemetry.stamp(store)
    with Store(store) as opened:
        opened.add([counted(9, 101, 5)])
    assert telemetry.stamp(store) != before


def test_one_who_only_reads_a_store_writes_nothing(store):
    hour_ago = (NOW - 3600 * SECOND) * 1000
    os.utime(store, ns=(hour_ago, hour_ago))
    before = telemetry.written(store)
    snapshot(store)
    assert telemetry.written(store) == before == hour_ago // 1000


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
    assert (replayed.source().mode, replayed.problem, replayed.done) == ("emulated", "", True)


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


def opens_otherwise() -> list[Event]:
    """Return the events of the same chain, begun with other stock than the scenario says."""
    rules = [
        {"where": {"site": s}, "initial_stock": x} for s, x in (("maker", 600.0), ("dc", 120.0))
    ]
    return from_frame(emulate.events(twin.apply(REAL, {"stock[+]": rules})))


def test_a_replay_begins_with_the_stock_that_was_first_seen_not_with_the_scenarios(tmp_path):
    path = tmp_path / "otherwise.db"
    with Store(path) as opened:
        opened.add(opens_otherwise())
    feed = Feed(path, CALIBRATED, "replay", lambda: None)
    feed._work()
    first, total = feed.seen[0], feed.seen[0].books.sum()
    assert abs(first.books - first.stock[1]).sum() < 0.05 * total  # 107 % from the scenario's
    assert {m.where for m in feed.follower.moved} == {"shop/tea", "maker->dc/tea"}  # as planted
    assert feed.follower.assumed == ()
    assert live_data.tiles(feed.follower, feed.seen)[0]["change"] == "opened by first looks"


def test_a_live_view_begins_with_the_first_looks_though_they_come_after_the_first_events(tmp_path):
    events = opens_otherwise()
    path = tmp_path / "begins.db"
    with Store(path) as opened:
        opened.add(events[:2])
        feed = Feed(path, CALIBRATED, "live", lambda: None)
        feed._look()
        assert (feed.seen, len(feed.follower.assumed)) == ([], 4)
        opened.add(e for e in events if e.event_time < START + 3 * DAY)
        feed._look()
    assert feed.follower.assumed == ()
    assert abs(feed.seen[0].books - feed.seen[0].stock[1]).sum() < 0.05 * feed.seen[0].books.sum()


def test_points_that_nobody_looked_at_open_as_the_scenario_does_and_are_named(tmp_path):
    path = tmp_path / "blind.db"
    with Store(path) as opened:
        opened.add(e for e in opens_otherwise() if e.kind != "count" or e.site != "maker")
    feed = Feed(path, CALIBRATED, "replay", lambda: None)
    feed._work()
    assert feed.follower.assumed == ("maker/tea",)
    assert "maker/tea" in live_data.unseen(feed.follower)
    assert live_data.tiles(feed.follower, feed.seen)[0]["change"].startswith("1 of 4")


def test_books_are_compared_only_where_somebody_looked(replayed, tea):
    path = tea.with_name("unlooked.db")
    events = from_frame(emulate.events(REAL))
    with Store(path) as opened:
        opened.add(e for e in events if e.kind != "count" or e.device == BOOKS)
    feed = Feed(path, CALIBRATED, "replay", lambda: None)
    feed._work()
    tile = live_data.tiles(feed.follower, feed.seen)[1]
    assert (tile["name"], tile["value"], tile["change"]) == (
        "Books are off by",
        "–",
        "nobody looked",
    )
    last = replayed.seen[-1]
    one = replace(last, looked=np.where(np.arange(last.looked.size) == 0, 1.0, np.inf))
    tile = live_data.tiles(replayed.follower, [one])[1]
    off = abs(last.books[0] - last.stock[1][0]) / last.stock[1][0]
    assert (tile["value"], tile["change"][:9]) == (look.share(off), "at 1 of 4")


def test_devices_of_a_store_that_nobody_fills_do_not_stay_alive(replayed):
    *before, last = replayed.seen
    devices = [d._replace(life="alive", age=0.5) for d in last.devices]
    seen = [*before, replace(last, devices=[*devices, devices[0]._replace(life="down")])]
    lives = [{d.life for d in live_data.unfed(seen, days)[-1].devices} for days in (0.1, 219.0)]
    assert lives == [{"alive", "down"}, {"silent", "down"}]
    tile = live_data.tiles(replayed.follower, live_data.unfed(seen, 219.0))[3]
    assert (tile["name"], tile["value"]) == ("Devices alive", "0")
    assert live_data.unfed(seen, 219.0)[-1].devices[0].age == 219.5


def test_a_store_that_nobody_fills_any_more_stops_being_live(tea):
    path, said = tea.with_name("real.db"), []
    shift = NOW // DAY * DAY - START - DAYS * DAY  # the record ends today
    calendar = {"calendar.start": str(np.datetime64(START + shift, "us").astype("datetime64[D]"))}
    with Store(path) as opened:
        opened.add(
            e._replace(source="erp", event_time=e.event_time + shift, ingest_time=NOW)
            for e in from_frame(emulate.events(REAL))
        )
    feed = Feed(path, twin.apply(CALIBRATED, calendar), "live", lambda: None)
    feed._look()
    said.append(feed.source().badge("live"))
    feed._received -= 3 * DAY
    said.append(feed.source().badge("live"))
    assert said == ["live", "quiet"]


def test_what_rests_on_emulated_events_stays_emulated_when_real_ones_follow(tea):
    path = tea.with_name("mixed.db")
    events = from_frame(emulate.events(REAL))
    with Store(path) as opened:
        opened.add(events[:-300])
        feed = Feed(path, CALIBRATED, "live", lambda: None)
        feed._look()
        for part in (events[-300:-100], events[-100:]):  # the first still overlaps what was made
            opened.add(e._replace(source="erp") for e in part)
            feed._look()
    assert feed.source().mode == "emulated"


def test_the_alarm_table_tells_what_where_and_from_what_to_what(replayed):
    rows = live_data.alarms(replayed.follower, replayed.seen[-1])
    assert [r[0] for r in rows] == ["shrink, shop/tea", "lead time, maker->dc/tea"]
    assert rows[0][2].startswith("0 → ")
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


@pytest.mark.parametrize(("what", "direction", "now", "advised", "said"), [
    ("shrink", "down", 0.1, 0.2, "more vanishes than calibrated"),
    ("shrink", "down", 0.1, 0.09, "less vanishes than calibrated by now, though the alarm said: more"),
    ("shrink", "up", 0.1, 0.2, "more vanishes than calibrated by now, though the alarm said: less"),
    ("demand", "up", 10.0, 12.0, "customers order more than calibrated"),
    ("demand", "up", 10.0, 8.0, "customers order less than calibrated by now, though"),
    ("lead time", "down", 5.0, 6.0, "goods take longer than calibrated by now, though"),
    ("lead time", "up", 5.0, None, "goods take longer than calibrated"),
])  # fmt: skip
def test_the_words_of_an_alarm_go_the_way_of_its_numbers(what, direction, now, advised, said):
    moved = Moved(what, "shop/tea", 5, 3, direction)
    words = words_of(moved, now, advised)
    assert words.startswith(said)
    assert ("though" in words) == ("though" in said)


def test_the_alarm_table_and_the_reason_for_an_advice_turn_with_the_estimate(replayed, monkeypatch):
    follower = replayed.follower
    shrink = replayed.seen[-1].shrink - 1.0  # less than the 0 that was calibrated
    monkeypatch.setattr(follower, "last", replace(replayed.seen[-1], shrink=shrink))
    (words,) = [r[1] for r in live_data.alarms(follower, replayed.seen[-1]) if "shrink" in r[0]]
    assert words.startswith("less vanishes than calibrated by now")
    (why,) = [a.because for a in follower.recommendations() if a.what == "shrink"]
    assert why.startswith("less vanishes than calibrated by now")
