"""Running: many blocks of replications on threads, reduced block by block."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twin.arrays import Floats, Ints
from twin.beginnings import Beginnings, quiet_until
from twin.compile import Plan
from twin.errors import RunError
from twin.simulation import Simulation
from twin.totals import Since, Totals

CHUNK_SECONDS = 0.1
_CACHE_BYTES = 4_000_000
_ROW_BYTES = 300

Part = tuple[Plan, int, int]
"""A block: its plan, its number of replications and the number of the first."""


def block_size(n_rows: int) -> int:
    """Return how many replications of a network fit a core's cache (docs: kernel blocks)."""
    fits = _CACHE_BYTES // max(1, n_rows * _ROW_BYTES)
    return int(min(64, max(8, 1 << max(0, int(fits).bit_length() - 1))))


@dataclass(frozen=True)
class Outcome:
    """What one block of replications came to, warm-up left out.

    Attributes
    ----------
    plan
        The compiled scenario.
    replications
        Numbers of the replications, ``(K,)``.
    n_periods
        Periods of the evaluation window.
    sums
        Sums over the window: ``rows.on_hand`` -> ``(n, K)``, ``links.shipped`` -> ``(m, K)``,
        ``sinks.demand`` -> ``(s, K)``; names are the fields of ``twin.arrays.RowSums`` etc.
    final
        State at the end: ``rows.on_hand`` -> ``(n, K)`` and so on.
    opening
        State at the start of the window, same names.
    series
        Recorded series of all periods, warm-up included: name -> ``(periods, things, K)``.
    moves
        One-off costs of moves of the decoupling point inside the window, in money.
    """

    plan: Plan
    replications: Ints
    n_periods: int
    sums: Mapping[str, Floats]
    final: Mapping[str, Floats]
    opening: Mapping[str, Floats]
    series: Mapping[str, Floats] = field(default_factory=dict)
    moves: float = 0.0

    def __getitem__(self, name: str) -> Floats:
        """Return a sum over the window by name, ``rows.on_hand`` ..."""
        return self.sums[name]


def _state(sim: Simulation) -> dict[str, Floats]:
    return {
        "rows.on_hand": sim.rows("on_hand").copy(),
        "rows.backlog": sim.rows("backlog").copy(),
        "links.on_way": sim.links("on_way").copy(),
        "links.gate": sim.links("gate").copy(),
    }


def run_block(
    plan: Plan,
    K: int,
    k0: int,
    seed: int,
    record: Sequence[str] = (),
    tick: Callable[[int], None] | None = None,
    beginnings: Beginnings | None = None,
) -> Outcome:
    """Run one block of replications to the horizon.

    Parameters
    ----------
    plan
        The compiled scenario.
    K, k0
        Number of replications and number of the first.
    seed
        The luck.
    record
        Series to keep.
    tick
        Called with the number of periods done after each chunk of about 0.1 s; may raise to stop.
    beginnings
        Of the same scenario with other disruptions, to begin where the first of these begin. No
        number depends on it.
    """
    scenario = plan.topology.scenario
    sim = Simulation(plan, K, k0, seed, record)
    window: tuple[Totals | None, dict[str, Floats]] = None, {}
    fork, chunk = 0, 1
    if beginnings is not None:
        fork, window = quiet_until(sim), beginnings.take(sim) or window
    if tick is not None and sim.t:
        tick(sim.t)
    while sim.t < scenario.horizon:
        if sim.t == scenario.warmup:
            window = sim.sums().frozen() if sim.t else None, _state(sim)
        if beginnings is not None and sim.t == fork > 0:
            beginnings.keep(sim, window)
        stop = min(t for t in (scenario.warmup, fork, scenario.horizon) if t > sim.t)
        begun = time.perf_counter()
        n = min(chunk, stop - sim.t)
        sim.advance(n)
        spent = time.perf_counter() - begun
        chunk = max(1, min(4 * chunk, int(n * CHUNK_SECONDS / max(spent, 1e-6))))
        if tick is not None:
            tick(n)
    return _outcome(sim, *window)


def _outcome(sim: Simulation, start: Totals | None, opening: dict[str, Floats]) -> Outcome:
    """Return what a block has come to since its sums were ``start`` (None: at once) and its state ``opening``."""
    scenario = sim.plan.topology.scenario
    notice = {f.name: f for f in scenario.families}
    paid = sum(
        notice[m.family].move_cost
        for m in scenario.moves
        if scenario.warmup <= m.at + notice[m.family].notice < scenario.horizon
    )
    return Outcome(
        plan=sim.plan,
        replications=np.arange(sim.k0, sim.k0 + sim.K, dtype=np.int32),
        n_periods=scenario.horizon - scenario.warmup,
        sums=Since(sim.sums(), start),
        final=_state(sim),
        opening=opening,
        series=sim.series(),
        moves=paid,
    )


def blocks(n_rows: int, replications: int) -> list[tuple[int, int]]:
    """Return ``(K, k0)`` of the blocks that cover the replications.

    The split depends on nothing but the network's size and the number, and no result depends on
    it: replication ``k`` of a block equals the same replication alone.
    """
    size = min(block_size(n_rows), replications)
    return [(min(size, replications - k0), k0) for k0 in range(0, replications, size)]


def parts(plan: Plan, replications: int) -> list[Part]:
    """Return the blocks that cover the replications of a plan."""
    return [(plan, *block) for block in blocks(plan.n_rows, replications)]


def run_blocks(
    groups: Sequence[Sequence[Part]],
    seed: int,
    reduce: Callable[[Outcome], Any],
    *,
    record: Sequence[str] = (),
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: threading.Event | None = None,
) -> list[list[Any]]:
    """Run some scenarios in blocks on threads and reduce each block's outcome.

    Parameters
    ----------
    groups
        The blocks of each scenario, of :func:`parts`; they share the threads.
    seed
        The luck.
    reduce
        Turns a block's outcome into what is kept of it.
    record
        Series to keep until ``reduce`` has seen them.
    threads
        Threads at work; default: the cores of this machine.
    progress
        Called with (periods x replications done, in all) as the run goes on.
    cancelled
        Set it to stop all blocks within about 0.1 s.

    Returns
    -------
    list
        Of each group the reduced blocks, in its order.

    Raises
    ------
    RunError
        If the run was cancelled.
    """
    every = [part for group in groups for part in group]
    stop = cancelled or threading.Event()
    total = sum(plan.topology.scenario.horizon * K for plan, K, _ in every)
    count = _Counter(total, progress, stop)

    def one(part: Part) -> Any:
        plan, K, k0 = part
        return reduce(run_block(plan, K, k0, seed, record, lambda n: count.add(n * K)))

    workers = max(1, min(threads or os.cpu_count() or 1, len(every)))
    if workers == 1:
        done = iter([one(part) for part in every])
    else:
        done = iter(_on_threads(one, every, workers, stop))
    return [[next(done) for _ in group] for group in groups]


def _on_threads(
    one: Callable[[Part], Any],
    every: list[Part],
    workers: int,
    stop: threading.Event,
) -> list[Any]:
    """Run the blocks on threads; the first failure (or Ctrl-C) stops the others."""
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(one, part) for part in every]
        try:
            waiting = set(futures)
            while waiting:
                finished, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise
    return [future.result() for future in futures]


class _Counter:
    """Counts what all threads have done, reports it, and stops them when asked to."""

    def __init__(
        self, total: int, progress: Callable[[int, int], None] | None, stop: threading.Event
    ) -> None:
        self.total, self.progress, self.stop = total, progress, stop
        self.done = 0
        self.lock = threading.Lock()

    def add(self, n: int) -> None:
        if self.stop.is_set():
            msg = "the run was cancelled"
            raise RunError(msg)
        with self.lock:
            self.done += n
            if self.progress is not None:
                self.progress(self.done, self.total)
