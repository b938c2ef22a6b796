"""The live twin at full size: assimilation, drift alarms, false ones, and what a period costs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import harness
import numpy as np
from scipy.stats import binom

CLONE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLONE))

import twin  # noqa: E402
from calibration import emulate  # noqa: E402
from calibration.assimilate import PARTICLES, Filter, Reading  # noqa: E402
from calibration.drift import FALSE_ALARMS, LENGTH, scores, threshold  # noqa: E402
from calibration.live import advise  # noqa: E402
from calibration.live.batches import from_frame  # noqa: E402
from calibration.live.follow import Follower, Seen  # noqa: E402
from tests.calibration.test_assimilate import watch as assimilation  # noqa: E402
from tests.calibration.test_drift import SPREAD, first_alarms  # noqa: E402
from tests.calibration.test_follow import CALIBRATED  # noqa: E402
from twin.load import load_text  # noqa: E402
from twin.schema import Scenario  # noqa: E402

REFERENCE, WATCHES, UNCHANGED = 300, 1000, 10_000
YEARS, YEAR = 200, 365


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


def chain(shops: int) -> Scenario:
    """Return a depot and its shops, counted every period, over lanes of random lead times."""
    lead = "lead_time: {kind: gamma, mean: 3, cv: 0.3}"
    names = [f"s{n}" for n in range(shops)]
    text = "sites: [{name: dc}, " + ", ".join(f"{{name: {shop}}}" for shop in names) + "]\n"
    text += "items: [{name: tea}]\nhorizon: 160\nreplications: 1\n"
    text += "purchases: [{site: dc, item: tea, lead_time: 4}]\nlanes:\n"
    text += "".join(f"  - {{from: dc, to: {shop}, items: tea, {lead}}}\n" for shop in names)
    text += "demand:\n" + "".join(
        f"  - {{site: {shop}, item: tea, kind: poisson, mean: 20}}\n" for shop in names
    )
    return load_text(text + "devices: [{kind: cycle_count, period: 1, noise: 0.02}]\n")


def following(table: harness.Table) -> None:
    """One period of 50 sites: books, filter, lanes, expected orders, devices, alarms, advice.

    Beside it the same of a chain in which a lane has become slow and goods vanish, so that stock
    levels are worked out anew in every period.
    """
    scenario = chain(49)
    moved = twin.apply(scenario, {
        "disruptions": [{"kind": "lead_time_stretch", "lane": "dc->s3", "start": 0,
                         "duration": 160, "factor": 2.5}],
        "stock[+]": [{"where": {"site": "s5"}, "shrink": 2.0}],
    })  # fmt: skip
    cases: dict[str, harness.Measured] = {}
    for name, real in (("follow", scenario), ("moved", moved)):
        one = Follower(scenario)
        one.add(from_frame(emulate.events(real)))
        steps = one.step(scenario.horizon)
        cases[name] = partial(harness.cpu, partial(period, one, steps))
    cases["bare"] = partial(harness.cpu, bare(50, np.random.Generator(np.random.Philox(1))))
    times = harness.take_turns(cases, 150)
    for name, words in (("follow", "everything"), ("moved", "the same with alarms and advice")):
        table.add(
            f"live twin, one period of 50 sites, {words}", f"{1000 * np.median(times[name][75:]):.2f} ms",
            "≤ 5 ms", f"{PARTICLES} particles each, every site read every period", times["triad"],
            bool(np.median(times[name][75:]) <= 0.005),
        )  # fmt: skip
    table.add_ratio(
        "the first beside a bare numpy particle filter of that size", (times["follow"], times["bare"]),
        5.0, False, f"bare: {1000 * np.median(times['bare']):.2f} ms", times["triad"],
    )  # fmt: skip


def period(follower: Follower, steps: Iterator[Seen]) -> None:
    next(steps)
    advise.advice(follower)


def quiet(table: harness.Table) -> None:
    """How many years in which nothing moves raise an alarm, from events to alarm."""
    scenario, alarmed = twin.apply(CALIBRATED, {"horizon": YEAR}), 0
    for n in range(YEARS):
        one = Follower(scenario, seed=n + 1)
        one.add(from_frame(emulate.events(scenario, replication=n)))
        for _ in one.step(YEAR):
            pass
        alarmed += bool(one.moved)
    # so many or more at the stated rate would be luck of one in a hundred
    most = int(binom.ppf(0.99, YEARS, FALSE_ALARMS))
    table.add(
        f"quiet years with a false alarm, of {YEARS}", f"{alarmed} ({100 * alarmed / YEARS:.1f} %)",
        f"≤ {100 * FALSE_ALARMS:.0f} %, by luck up to {most}",
        "10 things watched, all alarms of the chain", np.array([harness.triad()]), alarmed <= most,
    )  # fmt: skip


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
        z, watches = [], UNCHANGED if factor == 1.0 else WATCHES
        for n in range(watches):
            old = rng.lognormal(3.0, SPREAD, REFERENCE)
            z.append(scores(factor * rng.lognormal(3.0, SPREAD, length), old, seed=n))
        late = first_alarms(np.array(z), height)
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
    table = harness.Table("Live twin")
    filters(table)
    following(table)
    drifts(table)
    quiet(table)
    table.write()


if __name__ == "__main__":
    main()
