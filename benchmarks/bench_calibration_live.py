"""Live telemetry at full size: crashes with a real broker, rates, assimilation and drift alarms.

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
from collections.abc import Callable
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
from calibration.assimilate import PARTICLES, Filter, Reading  # noqa: E402
from calibration.drift import LENGTH, scores, threshold, watch  # noqa: E402
from calibration.live.batches import from_frame  # noqa: E402
from calibration.live.follow import Follower  # noqa: E402
from calibration.live.health import Health  # noqa: E402
from calibration.live.listen import BATCH, listen  # noqa: E402
from calibration.live.publish import publish  # noqa: E402
from calibration.live.tracker import Tracker  # noqa: E402
from calibration.store import Store  # noqa: E402
from tests.browser.driving import opened, tab  # noqa: E402
from tests.browser.serving import chromium, launched, serving  # noqa: E402
from tests.calibration.brokers import Broker  # noqa: E402
from tests.calibration.test_assimilate import watch as assimilation  # noqa: E402
from tests.calibration.test_drift import SPREAD  # noqa: E402
from tests.calibration.test_listen import CONSUMER, counts  # noqa: E402
from twin.load import load_text  # noqa: E402

MESSAGES, KILLS = 20_000, 10
ROUNDS = 5
REFERENCE, WATCHES, UNCHANGED = 300, 1000, 10_000


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


def bare(points: int, rng: np.random.Generator) -> Callable[[], object]:
    """Return one period of as bare a particle filter as can be, of the same size."""
    stock = np.full((points, PARTICLES), 500.0)
    rate = rng.exponential(1.5, stock.shape)
    row = np.arange(points)[:, None]

    def step() -> None:
        stock[:] = np.maximum(0.0, stock - rng.poisson(rate))
        weight = np.exp(-0.5 * ((490.0 - stock) / 25.0) ** 2)
        ends = np.cumsum(weight, axis=1) / weight.sum(axis=1, keepdims=True)
        at = (np.arange(PARTICLES) + rng.random((points, 1))) / PARTICLES
        found = np.searchsorted((ends + row).ravel(), (at + row).ravel())
        places = np.minimum(found.reshape(stock.shape) - row * PARTICLES, PARTICLES - 1)
        stock[:] = np.take_along_axis(stock, places, axis=1)
        rate[:] = np.take_along_axis(rate, places, axis=1)
        np.quantile(stock, (0.05, 0.5, 0.95), axis=1)

    return step


def following(table: harness.Table) -> None:
    """One period of 50 sites: books, filter, lanes, expected orders, devices, alarms, bands."""
    shops = 49
    text = "sites: [{name: dc}, " + ", ".join(f"{{name: s{n}}}" for n in range(shops)) + "]\n"
    text += "items: [{name: tea}]\nhorizon: 160\nreplications: 1\n"
    text += "purchases: [{site: dc, item: tea, lead_time: 4}]\nlanes:\n"
    text += "".join(
        f"  - {{from: dc, to: s{n}, items: tea, lead_time: {{kind: gamma, mean: 3, cv: 0.3}}}}\n"
        for n in range(shops)
    )
    text += "demand:\n" + "".join(
        f"  - {{site: s{n}, item: tea, kind: poisson, mean: 20}}\n" for n in range(shops)
    )
    text += "devices: [{kind: cycle_count, period: 1, noise: 0.02}]\n"
    scenario = load_text(text)
    one = Follower(scenario)
    one.add(from_frame(emulate.events(scenario)))
    steps = one.step(scenario.horizon)
    whole = bare(50, np.random.Generator(np.random.Philox(1)))
    times = harness.take_turns(
        {"follow": lambda: harness.cpu(lambda: next(steps)), "bare": lambda: harness.cpu(whole)},
        150,
    )
    table.add(
        "live twin, one period of 50 sites, everything", f"{1000 * np.median(times['follow']):.2f} ms",
        "≤ 5 ms", f"{PARTICLES} particles each, every site read every period", times["triad"],
        bool(np.median(times["follow"]) <= 0.005),
    )  # fmt: skip
    table.add_ratio(
        "the same beside a bare numpy particle filter of that size", (times["follow"], times["bare"]),
        5.0, False, f"bare: {1000 * np.median(times['bare']):.2f} ms", times["triad"],
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


def filters(table: harness.Table) -> None:
    """A7 over five times forty runs, and the time of one period."""
    found = [assimilation(seed=10 * n, particles=PARTICLES) for n in range(5)]
    filter_, book, open_, exact = (
        float(np.sqrt(np.mean([f[name] ** 2 for f in found])))
        for name in ("filter", "book", "open", "kalman")
    )
    covered = float(np.mean([f["covered"] for f in found]))
    seconds = np.array([harness.triad()])
    words = f"RMSE {filter_:.1f}; exact filter {exact:.1f}"
    table.add("A7: error over the books'", f"{filter_ / book:.3f}", "≤ 0.10", words, seconds,
              filter_ <= 0.10 * book)  # fmt: skip
    table.add("A7: error over the open loop's", f"{filter_ / open_:.3f}", "≤ 0.25",
              f"RMSE {open_:.1f}; exact filter {exact / open_:.3f}", seconds,
              filter_ <= 0.25 * open_)  # fmt: skip
    table.add("A7: coverage of 90 % intervals", f"{covered:.3f}", "0.85 to 0.97", "200 runs",
              seconds, 0.85 <= covered <= 0.97)  # fmt: skip
    points = 50
    one = Filter(np.full(points, 500.0), shrink=1.5, start_sd=10.0)
    flows, looks = np.full(points, 20.0), Reading(np.full(points, 480.0), np.full(points, 25.0))
    times = harness.take_turns(
        {"step": lambda: harness.cpu(lambda: one.step(flows, flows, looks))}, 100
    )
    table.add(
        "filter, one period of 50 sites", f"{1000 * np.median(times['step']):.2f} ms", "≤ 5 ms",
        f"{PARTICLES} particles each, every site read", times["triad"],
        bool(np.median(times["step"]) <= 0.005),
    )  # fmt: skip


def drifts(table: harness.Table) -> None:
    """A8 over thousands of watches of lead times."""
    height, seconds = threshold(reference=REFERENCE), np.array([harness.triad()])
    rng = np.random.Generator(np.random.Philox(8))
    for factor, length, floor in ((1.0, LENGTH, 0.02), (1.5, 200, 25), (1.25, 200, 60)):
        after, watches = [], UNCHANGED if factor == 1.0 else WATCHES
        for n in range(watches):
            old = rng.lognormal(3.0, SPREAD, REFERENCE)
            alarm = watch(scores(factor * rng.lognormal(3.0, SPREAD, length), old, seed=n), height)
            after.append(alarm.at if alarm else length + 1)
        late = np.array(after)
        words = f"h = {height:.1f}, reference of {REFERENCE}, {watches:,} watches"
        if factor == 1.0:
            false = float((late <= LENGTH).mean())
            table.add(f"A8: false alarms in {LENGTH} observations", f"{100 * false:.1f} %", "≤ 2 %",
                      words, seconds, false <= floor)  # fmt: skip
        else:
            missed = 100 * float((late > length).mean())
            table.add(f"A8: +{100 * (factor - 1):.0f} % found after", f"{np.median(late):.0f}",
                      f"≤ {floor:.0f}", f"{missed:.1f} % missed in {length}", seconds,
                      bool(np.median(late) <= floor))  # fmt: skip


def main() -> None:
    table = harness.Table("Live telemetry")
    with tempfile.TemporaryDirectory() as folder:
        crashes(table, Path(folder))
        restart(table, Path(folder))
        rates(table, Path(folder))
        rates_followed(table, Path(folder))
        moving(table, Path(folder))
    filters(table)
    following(table)
    drifts(table)
    table.write()


if __name__ == "__main__":
    main()
