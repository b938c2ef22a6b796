"""The what-if app: how long a planner waits, timed inside the page of a real browser.

Needs the test extra and Chromium. The server is another process, started as ``twin app`` is.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import app_timing
import harness
import numpy as np
from networks import distribution

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests know how to start app and browser

from playwright.sync_api import sync_playwright

import twin
from tests.browser.serving import Server, chromium, launched, serving
from twin.compile import Plan
from twin.engine import parts, run_blocks
from twin.load import load
from twin.run import undisrupted
from viz import answer as answers
from viz.exports import scenario_yaml

STEPS = 32
PAUSE = 1.0
"""Seconds from a full answer to the next key: what runs in the background is at work again."""

STAGES = ("components", "boards", "assembly", "dc", "market")
"""Positions of the flagship's handle."""

SESSIONS, EACH, ROUNDS = 20, 10.0, 4
"""Users at once, seconds from one move of the handle to the next, moves of each user."""

Numbers = np.ndarray


def main() -> None:
    table = harness.Table("App")
    with sync_playwright() as playwright:
        browser = launched(playwright, chromium() or "chromium")
        with serving() as server:
            handle(table, browser, server)
            apart(table, browser, server, unforeseen(table, browser, server))
            panel(table, browser, server)
            loads(table, browser, server)
            cancel(table, browser, server)
            sessions(table, browser, server)
        playing(table, browser, "flagship")
        playing(table, browser, "30 sites", (2, 8, 20))
        playing(table, browser, "500 sites", (20, 80, 400))
        browser.close()
    table.write()


# --------------------------------------------------------------------------------- one figure each
def handle(table: harness.Table, browser: Any, server: Server) -> None:
    """Move the handle by keys, a second after each answer: those are foreseen."""
    steps = walk(browser, server, app_timing.HANDLE, app_timing.keys())
    report(table, "handle step", steps, "answered ahead while nobody waited")


def unforeseen(table: harness.Table, browser: Any, server: Server) -> list[dict[str, Any]]:
    """Move the outage by a day at a time, which nobody foresees; return the steps."""
    steps = walk(browser, server, "[data-bar]", itertools.repeat("ArrowRight"))
    for step in steps:  # keys on a bar wait for the next one: counted from when they are sent
        sent = step["sent"][0][0]
        step |= {name: step[name] - sent for name in ("taken", "first", "settled")}
    report(table, "outage moved by a day", steps, "not foreseen: all is worked out")
    return steps


def walk(browser: Any, server: Server, selector: str, keys: Iterator[str]) -> list[dict[str, Any]]:
    """Press keys on something, each some time after the full answer; return the steps."""
    page, steps = app_timing.opened(browser, server.url), []
    for i in range(STEPS + 3):
        time.sleep(PAUSE)
        found = app_timing.step(page, selector, next(keys))
        if i >= 3:  # the ways through the code that were not gone before
            steps.append(found)
    page.context.close()
    return steps


def report(table: harness.Table, what: str, steps: list[dict[str, Any]], note: str) -> None:
    """Say how long the answers took."""
    first, settled, taken = (times(steps, name) for name in ("first", "settled", "taken"))
    more = f"{note}; p95 {np.quantile(settled, 0.95):.0f} ms; the page reacts after {np.median(taken):.0f} ms"
    limits(table, f"{what} → first answer in the DOM, median", np.median(first), 200, note)
    limits(table, f"{what} → first answer in the DOM, p95", np.quantile(first, 0.95), 350)
    limits(table, f"{what} → 64 replications settled, median", np.median(settled), 450, more)


def apart(table: harness.Table, browser: Any, server: Server, steps: list[dict[str, Any]]) -> None:
    """Say where the time of a step goes: kernel, server, transfer, DOM."""
    page = app_timing.opened(browser, server.url)
    app_timing.quiet(server.process.pid)
    way = page.evaluate("() => bench.way(20)")
    page.context.close()
    sent = np.array([s["sent"][0][0] for s in steps])
    last = np.array([max(t for t, _ in s["got"]) for s in steps])
    first = times(steps, "first")
    kernel, whole = in_process(answers.FIRST)
    kernel_full, whole_full = in_process(answers.FULL)
    server_ms = np.median(last - sent) - whole - way
    kb, kb_all = (np.median([sum(n for _, n in s[k]) for s in steps]) / 1e3 for k in ("got", "all"))
    messages = np.median([len(s["got"]) for s in steps])
    table.say(
        f"An edit that was not foreseen apart, medians (first answer, {answers.FIRST} replications of both sides): "
        f"kernel {kernel:.0f} ms; network, plan, KPIs and payloads {whole - kernel:.0f} ms; server "
        f"(edit, rendering, waiting for a core) {server_ms:.0f} ms; transfer {way:.1f} ms (way "
        f"there and back of a small request; {messages:.0f} messages, {kb:.0f} kB, {kb_all:.0f} kB "
        f"until the full answer); DOM {np.median(sent):.0f} ms from the key to the message "
        f"(keys on a bar wait for more) and {np.median(first + sent - last):.0f} ms from the last message "
        f"to the tiles. Kernel and payloads "
        f"are measured by themselves on both cores, the server is what is left. The full answer "
        f"({answers.FULL} replications): kernel {kernel_full:.0f} ms, the rest of the computation "
        f"{whole_full - kernel_full:.0f} ms."
    )


def in_process(replications: int, repeats: int = 10) -> tuple[float, float]:
    """Return the milliseconds of the kernel, and of a whole answer, without a server (medians)."""
    base = load("electronics")

    def one(stage: str) -> tuple[float, float]:
        changes = {f"families.{f.name}.decoupling_point": stage for f in base.families}
        plan = Plan.of(twin.apply(base, changes))
        seed, plans = plan.topology.scenario.seed, [plan, undisrupted(plan)]
        kernel = harness.wall(
            lambda: run_blocks(
                [parts(p, replications) for p in plans], seed, lambda _: None, record=answers.RECORD
            )
        )
        whole = harness.wall(lambda: answers.compute(base, changes, replications=replications))
        return 1e3 * kernel, 1e3 * whole

    found = [one(STAGES[i % len(STAGES)]) for i in range(repeats + 1)]
    kernel, whole = np.median(found[1:], axis=0)
    return float(kernel), float(whole)


def panel(table: harness.Table, browser: Any, server: Server) -> None:
    """Click on sites: until the panel is there."""
    page = app_timing.opened(browser, server.url)
    app_timing.quiet(server.process.pid)
    names = page.evaluate(
        "() => [...document.querySelectorAll('[data-node]')].map(n => n.dataset.node)"
    )
    found = []
    for name in names * 2:
        page.evaluate("at => { bench.next = bench.click(at); }", f"[data-panel='{name}']")
        page.click(f"[data-node='{name}']")
        found.append(page.evaluate("() => bench.next"))
        time.sleep(0.3)
    page.context.close()
    limits(table, "click on a site → side panel, median", np.median(found), 80,
           f"p95 {np.quantile(found, 0.95):.0f} ms, {len(found)} clicks")  # fmt: skip


def loads(table: harness.Table, browser: Any, server: Server) -> None:
    """Load the page with an empty cache, and again with a full one: until network and tiles."""
    cold, again = [], []
    for _ in range(5):
        app_timing.quiet(server.process.pid)
        page = app_timing.opened(browser, server.url)
        cold.append(page.evaluate("() => bench.ready"))
        for _ in range(2):
            page.reload()
            page.evaluate("() => bench.full()")
            again.append(page.evaluate("() => bench.ready"))
        page.context.close()
    limits(
        table, "cold load (empty cache), median", np.median(cold), 2500, f"worst {max(cold):.0f} ms"
    )
    limits(table, "reload, median", np.median(again), 1000, f"worst {max(again):.0f} ms")


def cancel(table: harness.Table, browser: Any, server: Server) -> None:
    """Cancel the run of all positions: until nothing says it runs and nothing does."""
    page = app_timing.opened(browser, server.url)
    page.click("button[data-tab='positions']")
    button = "[data-form='All positions'] [data-field='%s'] button:not([disabled])"
    gone, idle = [], []
    for _ in range(5):
        app_timing.quiet(server.process.pid)
        page.click(button % "run")
        page.wait_for_selector(".twin-progress")
        with app_timing.Cpu(server.process.pid).watching() as cpu:
            time.sleep(0.8)
            moment = time.time()
            gone.append(page.evaluate("at => bench.cancel(at)", button % "cancel"))
            time.sleep(1.5)
        until = cpu.busy_until(moment)
        if until is not None:  # else nothing ran that could have been cancelled
            idle.append(1e3 * until)
    page.context.close()
    if not idle:
        raise RuntimeError("the server did nothing when cancel was pressed; raise the pause before")
    limits(table, f"cancel → no progress shown, no work done, median of {len(idle)}",
           max(np.median(gone), np.median(idle)), 300,
           f"the indicator is gone after {np.median(gone):.0f} ms, the processor idle after "
           f"{np.median(idle):.0f} ms (worst {max(idle):.0f})")  # fmt: skip


def sessions(table: harness.Table, browser: Any, server: Server) -> None:
    """Let many users move their handles, each every few seconds; state what a user's page takes."""
    before = app_timing.memory(server.process.pid)
    pages = []
    for _ in range(SESSIONS):
        pages.append(app_timing.opened(browser, server.url))
    walks = [app_timing.keys() for _ in pages]
    begun = time.monotonic()
    for i in range(SESSIONS * ROUNDS):
        time.sleep(max(0.0, begun + i * EACH / SESSIONS - time.monotonic()))
        n = i % SESSIONS
        pages[n].evaluate("key => bench.press(key)", next(walks[n]))
    time.sleep(EACH)
    steps = [s for page in pages for s in page.evaluate("() => bench.steps")]
    grown = (app_timing.memory(server.process.pid) - before) / SESSIONS
    for page in pages:
        page.context.close()
    time.sleep(5)
    left = (app_timing.memory(server.process.pid) - before) / SESSIONS
    first, settled = (known(steps, name, SESSIONS * ROUNDS) for name in ("first", "settled"))
    limits(table, f"{SESSIONS} sessions, a step each every {EACH:.0f} s → first answer, p95",
           np.quantile(first, 0.95, method="higher"), 1500,
           f"median {np.median(first):.0f} ms, settled median {np.median(settled):.0f} ms; "
           f"{len(steps)} of {SESSIONS * ROUNDS} steps got a first answer, {np.isfinite(settled).sum()} "
           "a full one before the next step (inf: never)")  # fmt: skip
    table.say(
        f"Memory of a session: {grown:.0f} MB of the server per open page that was used, "
        f"{left:.0f} MB after it was closed ({before:.0f} MB before)."
    )


def playing(
    table: harness.Table, browser: Any, name: str, layers: tuple[int, int, int] | None = None
) -> None:
    """Play a run: frames a second."""
    with tempfile.TemporaryDirectory() as folder:
        given: tuple[str, ...] = ()
        if layers is not None:
            file = Path(folder) / "network.yaml"
            file.write_bytes(scenario_yaml(distribution(*layers, items=1)))
            given = (str(file),)
        with serving(*given) as server:
            page = app_timing.opened(browser, server.url)
            app_timing.quiet(server.process.pid)
            drawn = page.evaluate("() => document.querySelectorAll('[data-node]').length")
            page.click("[data-form='Play'] [data-field='play'] button")
            page.wait_for_function(
                "() => document.querySelector('[data-network]').dataset.cursor > 3"
            )
            found = [page.evaluate("() => bench.frames(3000)") for _ in range(3)]
            page.context.close()
    fps = float(np.median([f["fps"] for f in found]))
    limit = 30 if name.startswith("500") else 50
    seconds = np.array([harness.triad() for _ in range(5)])
    told = f"{drawn} nodes drawn; longest frame {max(f['longest'] for f in found):.0f} ms"
    table.add(f"playing, {name}", f"{fps:.0f} fps", f"≥ {limit} fps", told, seconds, fps >= limit)


# ----------------------------------------------------------------------------------- shared parts
def times(steps: list[dict[str, Any]], name: str) -> Numbers:
    """Return one of the times of each step, in milliseconds."""
    return np.array([s[name] for s in steps])


def known(steps: list[dict[str, Any]], name: str, n: int) -> Numbers:
    """Return one of the times of ``n`` steps; those that never came are infinite."""
    found = [s[name] for s in steps if s.get(name) is not None]
    return np.array([*found, *[np.inf] * (n - len(found))])


def limits(
    table: harness.Table, figure: str, value: float, limit: float, told: str = "", ok: bool = True
) -> None:
    """Add milliseconds that must not be more than a limit."""
    seconds = np.array([harness.triad() for _ in range(5)])
    met = bool(value <= limit and ok)
    table.add(figure, f"{value:.0f} ms", f"≤ {limit:,} ms", told, seconds, met)


if __name__ == "__main__":
    main()
