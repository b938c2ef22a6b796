"""One call from a study file to its results: ``twin.study("study.yaml", out="results")``."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pyarrow as pa

from twin import arguments
from twin.errors import RunError
from twin.load import to_text
from twin.problems import show
from twin.run import Progress
from twin.schema import Scenario
from twin.study.cluster import on_cluster, versions
from twin.study.files import read
from twin.study.folder import FORMAT, Folder
from twin.study.measure import Tick
from twin.study.parts import points_of, run_task, task
from twin.study.prepare import Ready, prepare
from twin.study.result import Study
from twin.study.schema import StudyFile


def study(
    source: StudyFile | Mapping[str, Any] | str | Path,
    *,
    scenario: Scenario | None = None,
    out: str | Path | None = None,
    force: bool = False,
    threads: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> Study:
    """Run a study: a scenario many times over, varied by design, under the same luck.

    Parameters
    ----------
    source
        A study file, the name of a shipped study, or its content.
    scenario
        Base scenario instead of the one that the study names.
    out
        Folder for the results: a new or empty one, or that of the same study, which goes on where
        it was stopped. Without one, results are kept in memory.
    force
        Begin anew whatever study the folder holds.
    threads
        Threads at work; default: the cores of this machine. No number depends on it.
    scheduler
        Address of a Dask scheduler whose workers run the study instead. No number depends on it.
    progress
        Called with (periods x replications done, in all), what was finished before included.
    cancelled
        Set it to stop within about 0.1 s; what is finished stays.

    Raises
    ------
    ScenarioError
        If the study or any of its design points is wrong; nothing is run then.
    RunError
        If it cannot be run as asked, or was cancelled.
    OutputError
        If the folder holds anything else or another study, or cannot be written into.
    """
    begun = time.perf_counter()
    started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    workers = (os.cpu_count() or 1) if threads is None else arguments.whole("threads", threads)
    _check_asked(scenario, out, force, scheduler)
    arguments.callbacks(progress, cancelled)
    stop = _Stop(cancelled or threading.Event())
    ready = prepare(read(source), scenario, lambda *_: stop.look())
    kept = _kept(ready, out, force)
    _run_rest(ready, kept, workers, scheduler, progress, stop)
    return kept.result({"started": started, "seconds": time.perf_counter() - begun}, ready)


def _run_rest(
    ready: Ready,
    kept: _Kept,
    workers: int,
    scheduler: str | None,
    progress: Progress | None,
    stop: _Stop,
) -> None:
    """Run the parts that are not there yet, and keep each as it is done."""
    data, todo = ready.data(), [n for n in range(ready.parts) if n not in kept.done]
    count = _Count(ready, todo, progress, stop)
    if scheduler is None:
        parts = _on_threads(data, todo, max(1, min(workers, len(todo))), count.tick, stop)
    else:
        parts = on_cluster(data, todo, scheduler, stop.look)
    try:
        with contextlib.closing(parts):
            for index, table in parts:
                kept.add(index, table)
                count.finish(index)
    except RunError as error:
        if not stop.asked.is_set():
            raise
        raise RunError(kept.stopped()) from error


def _check_asked(scenario: Any, out: Any, force: Any, scheduler: Any) -> None:
    arguments.switch("force", force)
    if scenario is not None and not isinstance(scenario, Scenario):
        msg = f"scenario = {show(scenario)}; must be a Scenario, or be left out for the study's own"
        raise RunError(msg)
    if out is not None and not isinstance(out, str | Path):
        msg = f"out = {show(out)}; must be a folder, or be left out to keep results in memory"
        raise RunError(msg)
    if scheduler is not None and not isinstance(scheduler, str):
        msg = f"scheduler = {show(scheduler)}; must be an address such as 'tcp://host:8786'"
        raise RunError(msg)


class _Stop:
    """Whether to stop: because someone asked, or because a part failed."""

    def __init__(self, asked: threading.Event) -> None:
        self.asked, self.failed = asked, threading.Event()

    def look(self) -> None:
        """Raise if it is time to stop."""
        if self.asked.is_set() or self.failed.is_set():
            msg = "the run was cancelled"
            raise RunError(msg)


def describe(ready: Ready) -> dict[str, Any]:
    """Return the manifest of a study; everything outside ``timing`` is the same for equal ones."""
    scenario, told = ready.scenario, ready.study
    return {
        "study": told.model_dump(mode="json", exclude_defaults=True)
        | {"name": told.name, "title": told.title},
        "hash": ready.hash(),
        "format": FORMAT,
        "versions": versions(),
        "scenario": {"name": scenario.name, "title": scenario.title, "hash": scenario.hash()},
        "seed": scenario.seed,
        "replications": ready.replications,
        "outputs": list(ready.outputs),
        "columns": dict(ready.numeric),
        "points": len(ready.points),
        "part": ready.part,
        "parts": ready.parts,
    }


def _on_threads(
    data: Mapping[str, Any], todo: Sequence[int], workers: int, tick: Tick, stop: _Stop
) -> Generator[tuple[int, pa.Table]]:
    """Run parts on threads and yield them as they are done.

    A failure stops the rest, and is raised when what was done by then has been yielded.
    """
    failure: BaseException | None = None
    with ThreadPoolExecutor(workers) as pool:
        futures: dict[Future[pa.Table], int] = {}
        waiting = iter(todo)
        try:
            for _ in range(2 * workers):
                _submit(pool, futures, data, next(waiting, None), tick)
            while futures:
                finished, _ = wait(futures, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in finished:
                    index = futures.pop(future)
                    error = None if future.cancelled() else future.exception()
                    if error is not None:
                        failure = failure or error
                        _stop_rest(futures, stop)
                    elif not future.cancelled():
                        yield index, future.result()
                    if failure is None:
                        _submit(pool, futures, data, next(waiting, None), tick)
        except BaseException:
            _stop_rest(futures, stop)
            raise
    if failure is not None:
        raise failure


def _stop_rest(futures: Mapping[Future[pa.Table], int], stop: _Stop) -> None:
    stop.failed.set()
    for future in futures:
        future.cancel()


def _submit(
    pool: ThreadPoolExecutor,
    futures: dict[Future[pa.Table], int],
    data: Mapping[str, Any],
    index: int | None,
    tick: Tick,
) -> None:
    if index is not None:
        futures[pool.submit(run_task, task(data, index), tick)] = index


class _Kept:
    """Finished parts: in a folder if there is one, else in memory."""

    def __init__(self, folder: Folder | None, manifest: Mapping[str, Any]) -> None:
        self.folder, self.manifest = folder, manifest
        self.done = set() if folder is None else set(folder.finished())
        self.tables: dict[int, pa.Table] = {}

    def add(self, index: int, table: pa.Table) -> None:
        if self.folder is None:
            self.tables[index] = table
        else:
            self.folder.write(index, table)
        self.done.add(index)

    def stopped(self) -> str:
        """Return what to say when the study was stopped."""
        if self.folder is None:
            return "the study was cancelled; nothing is kept without a folder (out)"
        return (
            f"the study was cancelled; {len(self.done)} of {self.manifest['parts']} parts are kept "
            f"in {self.folder.path}: the same command goes on"
        )

    def result(self, timing: Mapping[str, Any], ready: Ready) -> Study:
        told = {**self.manifest, "timing": dict(timing)}
        if self.folder is None:
            return Study(told, tables=[self.tables[n] for n in range(ready.parts)])
        self.folder.describe(timing=dict(timing))
        return Study(told, self.folder.path)


def _kept(ready: Ready, out: str | Path | None, force: bool) -> _Kept:
    manifest = describe(ready)
    if out is None:
        return _Kept(None, manifest)
    folder = Folder(Path(out), manifest)
    folder.open(to_text(ready.scenario, ["The base scenario of this study."]), force)
    return _Kept(folder, manifest)


class _Count:
    """Counts what all threads have done, reports it, and stops them when asked to.

    A point that reaches its precision early counts as done whole.
    """

    def __init__(
        self, ready: Ready, todo: Sequence[int], progress: Progress | None, stop: _Stop
    ) -> None:
        self.progress, self.stop, self.lock = progress, stop, threading.Lock()
        data = {"part": ready.part, "points": ready.points}
        one = ready.replications * ready.scenario.horizon
        self.work = {n: one * len(points_of(data, n)) for n in range(ready.parts)}
        self.total = sum(self.work.values())
        self.whole = self.total - sum(self.work[n] for n in todo)
        self.told = self.whole
        self.now = self.whole
        self._tell()

    def tick(self, n: int) -> None:
        """Count a stretch of a run; more than expected (undisrupted twins) is not told."""
        self.stop.look()
        with self.lock:
            self.now = min(self.total, self.now + n)
            self._tell()

    def finish(self, index: int) -> None:
        """Count a part as done whole."""
        with self.lock:
            self.whole += self.work[index]
            self.now = max(self.now, self.whole)
            self._tell()

    def _tell(self) -> None:
        if self.progress is not None:
            self.progress(self.now, self.total)
