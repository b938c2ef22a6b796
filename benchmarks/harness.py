"""Measuring: interleaved repetitions, medians and spread, ratios with an interval, one table.

Every measured thing is a function that does its work and returns the seconds it took (CPU time of
its thread, or wall time where threads are the point). Things that are compared take turns, A B A B,
with the triad among them, so that a busy machine slows all of them.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numba
import numpy as np

Measured = Callable[[], float]
RESULTS = Path(__file__).parent / "RESULTS.md"
TRIAD_SIZE = 4_000_000
TITLE = "# Benchmarks\n\nMade by `make bench`; every section says when and on what.\n"


@numba.njit(cache=True, nogil=True)
def _triad(a, b, c):
    for i in range(np.uint64(a.size)):
        a[i] = b[i] + 3.0 * c[i]


_ARRAYS = [np.full(TRIAD_SIZE, 1.0) for _ in range(3)]


def triad() -> float:
    """Return the seconds of one STREAM triad over 96 MB."""
    begun = time.perf_counter()
    _triad(*_ARRAYS)
    return time.perf_counter() - begun


def bandwidth(seconds: np.ndarray) -> float:
    """Return GB/s of the best triad (two arrays read, one written, as STREAM counts)."""
    return 3 * 8 * TRIAD_SIZE / float(seconds.min()) / 1e9


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of this thread that some work takes."""
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


def wall(work: Callable[[], object]) -> float:
    """Return the seconds on the clock that some work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def take_turns(cases: Mapping[str, Measured], repeats: int) -> dict[str, np.ndarray]:
    """Measure every case ``repeats`` times in turns; the first round is warm-up and left out."""
    found: dict[str, list[float]] = {name: [] for name in (*cases, "triad")}
    for round_ in range(repeats + 1):
        for name, measured in (*cases.items(), ("triad", triad)):
            seconds = measured()
            if round_:
                found[name].append(seconds)
    return {name: np.array(seconds) for name, seconds in found.items()}


def ratio(over: np.ndarray, under: np.ndarray) -> tuple[float, float, float]:
    """Return the ratio of medians with a 95 % bootstrap interval over paired rounds."""
    rng = np.random.Generator(np.random.PCG64(1))
    picks = rng.integers(0, over.size, (2000, over.size))
    drawn = np.median(over[picks], axis=1) / np.median(under[picks], axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(np.median(over) / np.median(under)), float(low), float(high)


@dataclass
class Table:
    """One section of the results: rows of figures, then words."""

    title: str
    rows: list[tuple[str, ...]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    HEAD = ("figure", "value", "floor", "reference", "triad", "met")

    def add(
        self, figure: str, value: str, floor: str, reference: str, seconds: np.ndarray, met: bool
    ) -> None:
        """Add and print one figure beside its reference and the triad of the same rounds."""
        row = (
            figure, value, floor, reference, f"{bandwidth(seconds):.0f} GB/s",
            "yes" if met else "**no**",
        )  # fmt: skip
        self.rows.append(row)
        print(" | ".join(row), flush=True)

    def add_ratio(
        self, figure: str, parts: tuple[np.ndarray, np.ndarray], limit: float, at_least: bool,
        reference: str, seconds: np.ndarray, scale: float = 1.0,
    ) -> None:  # fmt: skip
        """Add a ratio of medians ``parts[0] / parts[1]``, times ``scale``, with its interval."""
        value, low, high = (scale * x for x in ratio(*parts))
        met = value >= limit if at_least else value <= limit
        text = f"{_short(value)}x [{_short(low)} to {_short(high)}]"
        floor = f"{'≥' if at_least else '≤'} {_short(limit)}x"
        self.add(figure, text, floor, reference, seconds, met)

    def say(self, text: str) -> None:
        """Add and print a paragraph."""
        self.words.append(text)
        print(text, flush=True)

    def write(self) -> None:
        """Put this section into the results file, in place of its last version."""
        lines = [f"## {self.title}", "", machine(), "", _row(self.HEAD)]
        lines += [_row(("---",) * len(self.HEAD)), *map(_row, self.rows)]
        for text in self.words:
            lines += ["", text]
        text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else TITLE
        section = "\n".join(lines) + "\n"
        old = re.compile(rf"^## {re.escape(self.title)}\n.*?(?=^## |\Z)", re.S | re.M)
        if old.search(text):
            text = old.sub(lambda _: section + "\n", text)
        else:
            text = text.rstrip("\n") + "\n\n" + section
        RESULTS.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def _short(x: float) -> str:
    return f"{x:,.0f}" if abs(x) >= 100 else f"{x:.3g}"


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def spread(seconds: np.ndarray) -> str:
    """Return the half width of the middle half of the times, as a share of the median."""
    low, high = np.quantile(seconds, (0.25, 0.75))
    return f"±{50 * (high - low) / np.median(seconds):.0f} %"


def machine() -> str:
    """Return a line on the machine and the versions, without names or paths."""
    model = platform.machine()
    try:
        found = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
        model = found.group(1).strip() if found else model
    except OSError:
        pass  # not Linux: the architecture must do
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores of {model}, load {load:.1f}; "
        f"Python {sys.version.split()[0]}, numba {numba.__version__}, numpy {np.__version__}."
    )
