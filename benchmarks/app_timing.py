"""Timing the what-if app from inside its page, and its server from outside.

The page is watched by a script that is there before its own: it notes when keys and clicks happen
(the time stamp of the event), when messages leave and arrive, and when the DOM says what is waited
for (a MutationObserver; nothing is polled). All times are milliseconds of ``performance.now()``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

WATCH = r"""(() => {
  const at = (selector) => document.querySelector(selector);
  const size = (data) => data.byteLength ?? data.size ?? data.length;
  const bench = (window.bench = { sent: [], got: [], steps: [], ready: 0 });
  window.WebSocket = class extends window.WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", (e) => bench.got.push([performance.now(), size(e.data)]));
    }
    send(data) { bench.sent.push([performance.now(), size(data)]); super.send(data); }
  };
  // Calls `done` with the time of the first change of the DOM after which `test` holds.
  const once = (test, done) => {
    if (test()) { done(performance.now()); return; }
    const seen = new MutationObserver(() => {
      if (!test()) return;
      seen.disconnect();
      done(performance.now());
    });
    seen.observe(document, { subtree: true, childList: true, attributes: true });
  };
  const asked = () => Number(at("[data-asked]")?.dataset.asked);
  const fresh = () => at("[data-tiles]")?.dataset.stale === "false";
  const full = () => fresh() && at("[data-tiles]").dataset.runs === "" && at("[data-pairs]")?.dataset.pairs === "64";
  once(() => at("[data-node]") && at("[data-tile]"), (now) => (bench.ready = now));
  bench.once = (test) => new Promise((done) => once(test, done));
  bench.full = () => bench.once(full);
  // The next key on the handle: until the server took it, until a first answer, the full one.
  bench.arm = () => new Promise((done) => document.addEventListener("keydown", (event) => {
    const step = { key: event.timeStamp }, before = asked();
    bench.sent.length = bench.got.length = 0;
    once(() => asked() > before, (taken) => {
      step.taken = taken - step.key;
      once(fresh, (first) => {
        step.first = first - step.key;
        bench.steps.push(step);
        step.sent = bench.sent.map(([t, n]) => [t - step.key, n]);
        step.got = bench.got.map(([t, n]) => [t - step.key, n]);
        once(full, (settled) => {
          step.settled = settled - step.key;
          step.all = bench.got.map(([t, n]) => [t - step.key, n]);
          done(step);
        });
      });
    });
  }, { capture: true, once: true }));
  // Presses a key from within, for pages that no hand can reach at the same time.
  bench.press = (key) => {
    bench.arm();
    at("[data-handle][data-main]").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  };
  // The next click: until something is on the page.
  bench.click = (selector) => new Promise((done) => document.addEventListener("pointerup", (event) =>
    once(() => at(selector), (now) => done(now - event.timeStamp)), { capture: true, once: true }));
  // Clicks on something by itself: until no progress is shown any more.
  bench.cancel = (selector) => new Promise((done) => {
    const begun = performance.now();
    at(selector).click();
    once(() => !at(".twin-progress"), (now) => done(now - begun));
  });
  // The way to the server and back of a small request, a median.
  bench.way = async (n) => {
    const all = [];
    for (let i = 0; i < n; i += 1) {
      const begun = performance.now();
      await (await fetch("/healthz", { cache: "no-store" })).text();
      all.push(performance.now() - begun);
    }
    return all.sort((a, b) => a - b)[n >> 1];
  };
  // Frames a second while something plays, and the longest frame.
  bench.frames = (length) => new Promise((done) => {
    const begun = performance.now();
    let n = 0, before = begun, longest = 0;
    const tick = (now) => {
      longest = Math.max(longest, now - before);
      before = now;
      n += 1;
      if (now - begun < length) requestAnimationFrame(tick);
      else done({ fps: (1000 * n) / (now - begun), longest });
    };
    requestAnimationFrame(tick);
  });
})();"""
"""What a page is watched by, as ``window.bench``."""

HANDLE = "[data-handle][data-main]"


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that all threads of a process that live have taken."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # the thread ended meanwhile
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


class Cpu:
    """Samples the CPU time of a process all the while: how busy it was, and when it became idle.

    Attributes
    ----------
    samples
        Time of day in seconds, CPU seconds so far.
    """

    EACH = 0.02
    BUSY = 0.2
    """Share of a core above which a process is at work."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.samples: list[tuple[float, float]] = []

    @contextmanager
    def watching(self) -> Iterator[Cpu]:
        """Sample until the block is left."""
        stop = threading.Event()

        def sample() -> None:
            while not stop.is_set():
                self.samples.append((time.time(), cpu_seconds(self.pid)))
                time.sleep(self.EACH)

        thread = threading.Thread(target=sample, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join()

    def busy_until(self, moment: float) -> float | None:
        """Return how many seconds after a moment the process was still at work.

        Nothing if it was not at work at that moment: then there was nothing to wait for.
        """
        ends = [
            t1
            for (t0, c0), (t1, c1) in zip(self.samples, self.samples[3:], strict=False)
            if c1 - c0 > self.BUSY * (t1 - t0)
        ]
        if not any(moment - 0.2 < end <= moment for end in ends):
            return None
        return max([0.0, *(end - moment for end in ends)])


def quiet(pid: int, still: float = 0.6, patience: float = 60.0) -> bool:
    """Wait until a process has had nothing to do for a while; return whether it came to that."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        before = cpu_seconds(pid)
        time.sleep(still)
        if abs(cpu_seconds(pid) - before) < 0.05 * still:
            return True
    return False


def opened(browser: Any, address: str) -> Any:
    """Open the app in a page of a new user that is watched, and wait for its full answer."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(address)
    page.evaluate("() => bench.full()")
    return page


def keys() -> Iterator[str]:
    """Yield arrow keys that walk the handle to the last stage, to the first, and so on."""
    yield from ("End", "Home")
    while True:
        for key in ("ArrowRight", "ArrowLeft"):
            for _ in range(4):
                yield key


def step(page: Any, selector: str, key: str) -> dict[str, Any]:
    """Press a key on something, as a hand does; return the times until the answers."""
    page.focus(selector)
    page.evaluate("() => { bench.next = bench.arm(); }")
    page.keyboard.press(key)
    return page.evaluate("() => bench.next")
