"""Running: one block of replications as a simulation, many blocks on threads."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twin import decoupling, kernel
from twin.arrays import (
    LINK,
    NET_SINK,
    ROW,
    RULE,
    SINK,
    Floats,
    LinkSums,
    Quote,
    RowSums,
    SinkSums,
    Table,
    World,
)
from twin.compile import Plan
from twin.compile.network import columns_of, quotes
from twin.errors import RunError
from twin.phases import moves as mv

CHUNK_SECONDS = 0.1
_CACHE_BYTES = 4_000_000
_ROW_BYTES = 300

Hook = Callable[["Simulation"], None]


def block_size(n_rows: int) -> int:
    """Return how many replications of a network fit a core's cache (docs: kernel blocks)."""
    fits = _CACHE_BYTES // max(1, n_rows * _ROW_BYTES)
    return int(min(64, max(8, 1 << max(0, int(fits).bit_length() - 1))))


class Simulation:
    """One block of replications that can be advanced period by period.

    Parameters
    ----------
    plan
        The compiled scenario.
    K
        Number of replications in the block.
    k0
        Number of the first replication.
    seed
        The luck; default: the scenario's.
    record
        Series to keep per period, e.g. ``["rows.on_hand", "sinks.demand"]``.
    horizon
        Room for recorded periods; default: the scenario's.
    """

    def __init__(
        self,
        plan: Plan,
        K: int = 1,
        k0: int = 0,
        seed: int | None = None,
        record: Sequence[str] = (),
        horizon: int | None = None,
    ) -> None:
        self.plan = plan
        self.K, self.k0 = K, k0
        self.seed = plan.topology.scenario.seed if seed is None else seed
        self.horizon = plan.topology.scenario.horizon if horizon is None else horizon
        self.t = 0
        self.world: World = plan.world(K, k0, self.seed)
        self.recorded = tuple(record)
        self.history = plan.history(self.recorded, self.horizon, K)
        self.switches = plan.switches._replace(history=int(bool(record)))
        self.hooks: dict[int, list[Hook]] = {}
        families = plan.topology.scenario.families
        self.positions: dict[str, Any] = {f.name: f.decoupling_point for f in families}
        notice = {f.name: f.notice for f in families}
        self._moves = sorted(
            (m.at + notice[m.family], i, m.family, m.to)
            for i, m in enumerate(plan.topology.scenario.moves)
        )

    def advance(self, n: int = 1) -> None:
        """Advance ``n`` periods; moves of the decoupling point happen on their way.

        Raises
        ------
        RunError
            If recorded series would run over the horizon.
        """
        end = self.t + n
        if self.recorded and end > self.horizon:
            raise RunError(
                f"period {end} lies beyond the horizon of {self.horizon} periods that is recorded; "
                "raise the scenario's horizon"
            )
        while self.t < end:
            due = {}
            while self._moves and self._moves[0][0] <= self.t:
                _, _, family, to = self._moves.pop(0)
                due[family] = to
            if due:
                self.move(due)
            stop = min(end, self._moves[0][0]) if self._moves else end
            self._run(stop)

    def _run(self, stop: int) -> None:
        if self.hooks:
            for t in range(self.t, stop):
                self._hooked_period(t)
                self.t = t + 1
            return
        kernel.run(
            self.t, stop, self.K, self.k0, np.uint64(self.seed), self.switches, self.world,
            self.history,
        )
        self.t = stop

    def _hooked_period(self, t: int) -> None:
        """Run one period level by level, so that hooks decide right after their level's rule."""
        def part(number: int, level: int = 0, disturbed: int = 0) -> int:
            return kernel.run_part(
                number, level, disturbed, t, self.K, self.k0, np.uint64(self.seed), self.switches,
                self.world, self.history,
            )

        disturbed = part(kernel.BEGIN)
        for level in range(self.world.network.n_levels):
            part(kernel.DECIDE, level)
            for hook in self.hooks.get(level, ()):
                hook(self)
            part(kernel.ORDER, level, disturbed)
        part(kernel.END, 0, disturbed)

    def move(self, to: Mapping[str, Any]) -> None:
        """Move decoupling points now, all at once (docs/physics.md, section 3.0).

        Parameters
        ----------
        to
            New position by family: a stage, or a list of stages and ``site/item``.

        Raises
        ------
        NetworkError
            If a new position is not a cut of its family's network.
        """
        top, rules = self.plan.topology, self.world.rules
        for family, place in to.items():
            decoupling.validate_cut(top, family, place)
        self.positions |= to
        before = rules.driven.astype(bool)
        after = np.zeros(before.size, bool)
        after[list(decoupling.order_driven_rows(top, self.positions))] = True
        moving = {name: top.family_of[name] for name in to}
        keep = {name for name, f in moving.items() if f.run_out == "keep"}
        newly = [i for i in np.flatnonzero(after & ~before) if not keep & top.families_of[i]]
        mv.cancel_rows(
            np.array(newly, np.int32), self.t, self.K, rules.rec, self.world.network,
            self.world.rows, self.world.links, self.world.rings,
        )
        for i in np.flatnonzero(before & ~after):
            ramps = [f.ramp for name, f in moving.items() if name in top.families_of[i]]
            rules.row[RULE.ramp_start, i] = self.t
            rules.row[RULE.ramp_length, i] = max(ramps, default=0)
        rules.driven[:] = after
        self._promise_anew(bool(after.any()))

    def _promise_anew(self, any_driven: bool) -> None:
        """Let order-driven customers be quoted from the new cut points."""
        net = self.world.network
        found = quotes(self.plan.topology, self.positions)
        sinks = net.sink.copy()
        sinks[NET_SINK.quote_off] = found.pop("quote_off")
        usage = found.pop("quote_usage")
        cut = columns_of(found, Quote._fields, usage.size)
        self.world = self.world._replace(
            network=net._replace(sink=sinks, quote=cut, quote_usage=usage)
        )
        self.switches = self.switches._replace(
            driven=1, quotes=int(self.switches.lost_sales and any_driven)
        )

    def rows(self, name: str) -> Floats:
        """Return a state array of the stock points as a ``(n, K)`` view, in units."""
        return self._column(self.world.rows, getattr(ROW, name))

    def links(self, name: str) -> Floats:
        """Return a state array of the supply links as a ``(m, K)`` view, in started units."""
        return self._column(self.world.links, getattr(LINK, name))

    def sinks(self, name: str) -> Floats:
        """Return a state array of the sinks as a ``(s, K)`` view, in units."""
        return self._column(self.world.sinks, getattr(SINK, name))

    def _column(self, table: Table, column: int) -> Floats:
        if column >= table.shape[0]:  # left out: nothing in this scenario changes it
            return np.zeros((table.shape[1] // self.K, self.K))
        return table[column].reshape(-1, self.K)

    def sums(self) -> dict[str, Floats]:
        """Return copies of all sums so far: ``rows.on_hand`` -> ``(n, K)`` ..."""
        w = self.world
        tables = {
            "rows": (w.row_sums, RowSums._fields),
            "links": (w.link_sums, LinkSums._fields),
            "sinks": (w.sink_sums, SinkSums._fields),
        }
        return {
            f"{table}.{name}": sums[c].reshape(-1, self.K).copy()
            if c < sums.shape[0]
            else np.zeros((sums.shape[1] // self.K, self.K))
            for table, (sums, names) in tables.items()
            for c, name in enumerate(names)
        }

    def series(self) -> dict[str, Floats]:
        """Return the recorded series so far: name -> ``(periods, things, K)``."""
        out = {}
        counts = {"rows": 0, "links": 0, "sinks": 0}
        for name in self.recorded:
            table = name.partition(".")[0]
            data = getattr(self.history, table)[counts[table], : self.t]
            counts[table] += 1
            out[name] = data.reshape(self.t, -1, self.K)
        return out


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
    replications: Floats
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
    """
    scenario = plan.topology.scenario
    sim = Simulation(plan, K, k0, seed, record)
    chunk = 1
    start, opening = {}, {}
    while sim.t < scenario.horizon:
        if sim.t == scenario.warmup:
            start, opening = sim.sums(), _state(sim)
        stop = scenario.warmup if sim.t < scenario.warmup else scenario.horizon
        begun = time.perf_counter()
        n = min(chunk, stop - sim.t)
        sim.advance(n)
        spent = time.perf_counter() - begun
        chunk = max(1, min(4 * chunk, int(n * CHUNK_SECONDS / max(spent, 1e-6))))
        if tick is not None:
            tick(n)
    notice = {f.name: f for f in scenario.families}
    paid = sum(
        notice[m.family].move_cost
        for m in scenario.moves
        if scenario.warmup <= m.at + notice[m.family].notice < scenario.horizon
    )
    return Outcome(
        plan=plan,
        replications=np.arange(k0, k0 + K),
        n_periods=scenario.horizon - scenario.warmup,
        sums={name: v - start[name] for name, v in sim.sums().items()},
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


def run_blocks(
    plan: Plan,
    replications: int,
    seed: int,
    reduce: Callable[[Outcome], Any],
    *,
    record: Sequence[str] = (),
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: threading.Event | None = None,
) -> list[Any]:
    """Run all replications in blocks on threads and reduce each block's outcome.

    Parameters
    ----------
    plan
        The compiled scenario.
    replications
        Number of replications.
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
        The reduced blocks in order of their replications.

    Raises
    ------
    RunError
        If the run was cancelled.
    """
    parts = blocks(plan.n_rows, replications)
    stop = cancelled or threading.Event()
    count = _Counter(plan.topology.scenario.horizon * replications, progress, stop)

    def one(part: tuple[int, int]) -> Any:
        K, k0 = part
        return reduce(run_block(plan, K, k0, seed, record, lambda n: count.add(n * K)))

    workers = max(1, min(threads or os.cpu_count() or 1, len(parts)))
    if workers == 1:
        return [one(part) for part in parts]
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(one, part) for part in parts]
        try:
            waiting = set(futures)
            while waiting:
                finished, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
        except BaseException:
            stop.set()
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
            raise RunError("the run was cancelled")
        with self.lock:
            self.done += n
            if self.progress is not None:
                self.progress(self.done, self.total)
