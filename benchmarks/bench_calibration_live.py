"""Live telemetry at full size: crashes with a real broker, rates, and the live tab.

Needs mosquitto (Debian: apt-get install mosquitto), and Chromium for the live tab.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import harness
import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from playwright.sync_api import sync_playwright

CLONE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLONE))

import twin  # noqa: E402
from calibration import emulate  # noqa: E402
from calibration.live.batches import from_frame  # noqa: E402
from calibration.live.health import Health  # noqa: E402
from calibration.live.listen import BATCH, listen  # noqa: E402
from calibration.live.publish import publish  # noqa: E402
from calibration.live.tracker import Tracker  # noqa: E402
from calibration.store import Store  # noqa: E402
from tests.browser.driving import opened, tab  # noqa: E402
from tests.browser.serving import chromium, launched, serving  # noqa: E402
from tests.calibration.brokers import Broker  # noqa: E402
from tests.calibration.test_listen import counts  # noqa: E402

MESSAGES, KILLS = 20_000, 10
ROUNDS = 5
CONSUMER = (
    "import sys; from calibration.live.listen import listen; from calibration.store import Store\n"
    "listen(sys.argv[1], Store(sys.argv[2]), client_id='killed')"
)


def subscribe(url: str, client_id: str, until: int) -> float:
    """Return the seconds from the first to the last message in a plain paho subscriber.

    With ``until`` 0 only its session is opened.
    """
    seen: list[float] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)

    def on_message(*_: object) -> None:
        seen.append(time.perf_counter())
        if len(seen) == until:
            client.disconnect()

    client.on_message = on_message
    client.on_connect = lambda *_: client.subscribe("telemetry/#", 1)
    client.on_subscribe = lambda *_: None if until else client.disconnect()
    asked = Properties(PacketTypes.CONNECT)
    asked.SessionExpiryInterval = 3600
    asked.ReceiveMaximum = 2 * BATCH  # as the listener's
    client.connect("localhost", int(url.rpartition(":")[2]), clean_start=False, properties=asked)
    client.loop_forever()
    return seen[-1] - seen[0] if seen else 0.0


def take(
    url: str, path: Path, until: int, client_id: str = "twin", tracker: Tracker | None = None
) -> float:
    """Return the seconds from the first message to the commit of the last one in the listener."""
    health, stop, times = Health(), threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            if health.received and not times:
                times.append(time.perf_counter())
            if health.stored >= until:
                times.append(time.perf_counter())
                stop.set()
            time.sleep(0.002)

    threading.Thread(target=look, daemon=True).start()
    with Store(path) as store:
        listen(url, store, stop=stop, health=health, client_id=client_id, tracker=tracker)
    return times[-1] - times[0]


def rates(table: harness.Table, folder: Path) -> None:
    """Both drain a session that holds all messages already, in turns."""
    found: dict[str, list[float]] = {"plain": [], "twin": [], "triad": []}
    events = counts(MESSAGES)
    with Broker(folder / "rates") as broker:
        for n in range(ROUNDS + 1):
            subscribe(broker.url, "plain", 0)
            open_session(broker.url, folder / f"s{n}.db", "twin")
            publish(events, broker.url)
            turns = [
                ("plain", subscribe(broker.url, "plain", MESSAGES)),
                ("twin", take(broker.url, folder / f"s{n}.db", MESSAGES)),
                ("triad", harness.triad()),
            ]
            for name, seconds in turns if n else []:
                found[name].append(seconds)
    times = {name: np.array(seconds) for name, seconds in found.items()}
    table.add_ratio(
        "ingest rate, beside a plain paho subscriber of the same broker",
        (times["plain"], times["twin"]), 0.5, True,
        f"{MESSAGES / np.median(times['twin']):,.0f} against "
        f"{MESSAGES / np.median(times['plain']):,.0f} messages/s, QoS 1, all queued before",
        times["triad"],
    )  # fmt: skip


def rates_followed(table: harness.Table, folder: Path) -> None:
    """The same with a live twin that follows the flagship's own events beside the listener."""
    found: dict[str, list[float]] = {"plain": [], "twin": [], "triad": []}
    scenario = twin.load("electronics")
    events = emulate.events(scenario).iloc[:MESSAGES]
    last = 0
    with Broker(folder / "followed") as broker:
        for n in range(ROUNDS + 1):
            path = folder / f"f{n}.db"
            subscribe(broker.url, "plain", 0)
            open_session(broker.url, path, "twin")
            publish(events, broker.url)
            plain = subscribe(broker.url, "plain", MESSAGES)
            tracker = Tracker(scenario, path)
            seconds = take(broker.url, path, MESSAGES, tracker=tracker)
            assert tracker.follower is not None, tracker.failed
            last = tracker.follower.batches.next
            turns = [("plain", plain), ("twin", seconds), ("triad", harness.triad())]
            for name, value in turns if n else []:
                found[name].append(value)
    times = {name: np.array(seconds) for name, seconds in found.items()}
    table.add_ratio(
        "ingest rate with the live twin following, beside a plain paho subscriber",
        (times["plain"], times["twin"]), 0.5, True,
        f"{MESSAGES / np.median(times['twin']):,.0f} against "
        f"{MESSAGES / np.median(times['plain']):,.0f} messages/s; {last} periods of 120 stock points",
        times["triad"],
    )  # fmt: skip


PAINTS = """seconds => new Promise(done => {
    const pen = CanvasRenderingContext2D.prototype, own = pen.clearRect, gaps = [];
    let n = 0, told = 0, before = performance.now();
    pen.clearRect = function (...given) {
        const now = performance.now();
        if (this.canvas.closest('.twin-live')) { n += 1; gaps.push(now - before); before = now; }
        return own.apply(this, given);
    };
    let said = '';
    const watch = setInterval(() => {
        const now = document.querySelector('[data-banner]').textContent;
        told += now !== said;
        said = now;
    }, 20);
    setTimeout(() => {
        pen.clearRect = own;
        clearInterval(watch);
        done([n / seconds, Math.max(...gaps), told / seconds]);
    }, 1000 * seconds);
})"""
"""Counts how often the live network is painted and the figures beside it change."""


def moving(table: harness.Table, folder: Path) -> None:
    """How often the network of the live tab moves while a year of the flagship is replayed."""
    path, seconds = folder / "tab.db", 6.0
    with Store(path) as store:
        store.add(from_frame(emulate.events(twin.load("electronics"))))
    with serving("electronics", "--store", str(path)) as server, sync_playwright() as playwright:
        page = launched(playwright, str(chromium())).new_page(base_url=server.url)
        opened(page)
        tab(page, "Views", "tab", "telemetry")
        tab(page, "Live", "kind", "replay")
        page.wait_for_selector(".twin-live[data-live=replay] [data-node]")
        page.wait_for_timeout(15_000)  # the record is worked through meanwhile
        rate, worst, told = page.evaluate(PAINTS, seconds)
        page.context.close()
    table.add(
        "live tab: the network moves", f"{rate:.0f} Hz", "≥ 5 Hz",
        f"worst gap {worst:.0f} ms; figures and tables {told:.1f} Hz; 4 days a second",
        np.array([harness.triad()]), rate >= 5,
    )  # fmt: skip


def open_session(url: str, path: Path, client_id: str) -> None:
    """Let the broker know a listener that is away from then on."""
    health, stop = Health(), threading.Event()

    def look() -> None:
        while not health.reason_codes["SUBACK", "Granted QoS 1"]:
            time.sleep(0.01)
        stop.set()

    threading.Thread(target=look, daemon=True).start()
    with Store(path) as store:
        listen(url, store, stop=stop, health=health, client_id=client_id)


def crashes(table: harness.Table, folder: Path) -> None:
    """Kill the consumer at random moments while messages keep coming."""
    path, rng = folder / "crash.db", random.Random(1)
    with Broker(folder / "crash") as broker:
        open_session(broker.url, path, "killed")
        events = counts(MESSAGES)
        # paced, so that the last kill also comes while messages arrive
        sender = threading.Thread(target=publish, args=(events, broker.url), kwargs={"speed": 0.4})
        sender.start()
        at_work = 0
        for _ in range(KILLS):
            before = len(stored(path))
            consumer = start(broker.url, path)
            while len(stored(path)) == before and sender.is_alive():
                time.sleep(0.02)  # until it stores what the last one left
            time.sleep(rng.random())
            at_work += sender.is_alive()
            consumer.send_signal(signal.SIGKILL)
            consumer.wait()
        consumer = start(broker.url, path)
        sender.join()
        end = time.monotonic() + 60
        while len(stored(path)) < MESSAGES and time.monotonic() < end:
            time.sleep(0.2)
        time.sleep(1.0)
        consumer.terminate()
        consumer.wait()
    ids = stored(path)
    lost, double = MESSAGES - len(set(ids)), len(ids) - len(set(ids))
    table.add(
        f"{MESSAGES:,} messages of QoS 1, consumer killed {KILLS} times",
        f"{lost} lost, {double} double", "0, 0",
        f"{at_work} of the kills while messages came and were stored", np.array([harness.triad()]),
        lost == double == 0,
    )  # fmt: skip


def restart(table: harness.Table, folder: Path) -> None:
    """Restart the broker between the publisher's last message and the listener's first."""
    path, n = folder / "restart.db", 5000
    broker = Broker(folder / "restart")
    with broker:
        open_session(broker.url, path, "twin")
        publish(counts(n), broker.url)
    with broker:
        take(broker.url, path, n)
    lost = n - len(set(stored(path)))
    table.add(
        f"{n:,} messages queued, broker restarted", f"{lost} lost", "0",
        "max_queued_messages 0, persistence", np.array([harness.triad()]), lost == 0,
    )  # fmt: skip


def start(url: str, path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CONSUMER, url, str(path)], cwd=CLONE)


def stored(path: Path) -> list[str]:
    with Store(path, write=False) as store:
        return list(store.read()["event_id"])


def main() -> None:
    table = harness.Table("Live telemetry")
    with tempfile.TemporaryDirectory() as folder:
        crashes(table, Path(folder))
        restart(table, Path(folder))
        rates(table, Path(folder))
        rates_followed(table, Path(folder))
        moving(table, Path(folder))
    table.write()


if __name__ == "__main__":
    main()
