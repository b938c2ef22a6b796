"""A study on a cluster: its parts as tasks of Dask distributed (extra ``distributed``).

A part is a pure function of the data that are sent along, so a task whose worker dies is simply
run by another one; one that nobody wants any more stops. Parts come back over the network and are
written where the study was started: workers need the product installed, and no common file system.
"""

from __future__ import annotations

import platform
import socket
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeVar, cast

import pyarrow as pa

from twin.errors import RunError, TwinError
from twin.manifest import PACKAGES, PRODUCT, version
from twin.study.parts import run_task, task

T = TypeVar("T")

_PORT = 8786  # of a scheduler that names none

PATIENCE = 30
"""Seconds to wait for the scheduler and for a first worker."""

RETRIES = 5
"""How often a task is tried again after workers died under it, beyond Dask's own three times."""


def on_cluster(
    data: Mapping[str, Any], todo: Sequence[int], address: str, look: Callable[[], None]
) -> Generator[tuple[int, pa.Table]]:
    """Run parts on a cluster and yield them as they are done.

    Parameters
    ----------
    data
        The study as data.
    todo
        Numbers of the parts to run.
    address, look
        As in :func:`elsewhere`; so are the errors.
    """
    return _spread(address, lambda index: (_run_part, task(data, index)), todo, look)


def elsewhere(address: str, work: Callable[..., T], look: Callable[[], None]) -> T:
    """Run one piece of work on a worker of a cluster and return what it returns.

    Parameters
    ----------
    address
        Of the scheduler: ``tcp://host:8786``.
    work
        A function that can be sent: of a module, with its arguments (:func:`functools.partial`);
        takes ``cancelled`` by name, as in :func:`twin.run`.
    look
        Called now and then; raises to stop, which stops the work on its worker as well.

    Raises
    ------
    RunError
        If the cluster is not there, has other versions, or loses a part again and again.
    TwinError
        If distributed is not installed.
    """
    ((_, found),) = _spread(address, lambda _: (_run_work, work), [0], look)
    return cast("T", found)


class _Dropped(threading.Event):
    """Whether the task that makes this is wanted no more: asked on its worker, of its worker.

    A worker cannot stop a thread. It marks the task that is cancelled, or whose study has gone,
    and waits until the task looks.
    """

    def __init__(self) -> None:
        from distributed import get_worker

        super().__init__()
        worker = get_worker()
        self.tasks, self.key = worker.state.tasks, worker.get_current_task()

    def is_set(self) -> bool:
        mine = self.tasks.get(self.key)
        return super().is_set() or mine is None or mine.state == "cancelled"


def _run_part(data: Mapping[str, Any]) -> pa.Table:
    """Run a part on a worker, until it is dropped."""
    dropped = _Dropped()

    def tick(_: int) -> None:
        if dropped.is_set():
            msg = "the run was cancelled"
            raise RunError(msg)

    return run_task(data, tick)


def _run_work(work: Callable[..., T]) -> T:
    """Do other work on a worker, until it is dropped."""
    return work(cancelled=_Dropped())


Given = Callable[[int], tuple[Any, ...]]
"""What to send for a number: a function and its arguments."""


def _spread(
    address: str, given: Given, todo: Sequence[int], look: Callable[[], None]
) -> Generator[tuple[int, Any]]:
    """Connect, hand out some work by its numbers, and yield each as it is done."""
    try:
        import distributed
    except ModuleNotFoundError as error:
        msg = (
            f"a scheduler needs {error.name}; install it: pip install 'pushpull-twin[distributed]'"
        )
        raise TwinError(msg) from error
    try:
        _look_up(distributed, address)
        connect: Any = distributed.Client
        client = connect(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        msg = (
            f"scheduler {address}: cannot be reached ({error}); start one (`dask scheduler`) and "
            "workers (`dask worker ADDRESS`), or leave --scheduler out"
        )
        raise RunError(msg) from error
    with client:
        _check_workers(client, address)
        yield from _results(distributed, client, given, todo, look)


def _look_up(distributed: Any, address: str) -> None:
    """Raise an ``OSError`` if a host has no address: a client of it hangs for a minute at its end."""
    scheme, place = distributed.comm.parse_address(address)
    if scheme in ("tcp", "tls"):
        socket.getaddrinfo(*distributed.comm.parse_host_port(place, _PORT))


def _results(
    distributed: Any,
    client: Any,
    given: Given,
    todo: Sequence[int],
    look: Callable[[], None],
) -> Generator[tuple[int, Any]]:
    """Hand out some parts ahead, and the next one whenever one is done."""
    waiting = iter(todo)
    numbers: dict[Any, int] = {}
    tries = dict.fromkeys(todo, 0)
    done = distributed.as_completed([], loop=client.loop)

    def submit(index: int) -> None:
        future = client.submit(*given(index), pure=False)
        numbers[future] = index
        done.add(future)

    try:
        for _, index in zip(range(_ahead(client)), waiting, strict=False):
            submit(index)
        while numbers:
            future = _next(done, look)
            index = numbers.pop(future)
            if future.status == "finished":
                yield index, future.result()
                submit_next = next(waiting, None)
            else:
                submit_next = _again(distributed, future, index, tries)
            if submit_next is not None:
                submit(submit_next)
    finally:
        client.cancel(list(numbers))


def _ahead(client: Any) -> int:
    """Return how many tasks to hand out at once: enough that no worker waits for the next."""
    return 3 * max(1, sum(int(n) for n in client.nthreads().values()))


def _next(done: Any, look: Callable[[], None]) -> Any:
    """Return the next task that is done; look now and then whether to stop."""
    look()  # also when results come faster than they are read: stopping waits for no pause
    while not done.has_ready():
        time.sleep(0.02)
        look()
    return next(done)


def _again(distributed: Any, future: Any, index: int, tries: dict[int, int]) -> int:
    """Return the part to hand out again if it was lost with its workers; else raise."""
    error = future.exception() if future.status == "error" else None
    lost = error is None or isinstance(error, distributed.KilledWorker)
    tries[index] += 1
    if error is not None and not lost:
        raise error  # what a part raises is a bug or a full memory: as without a cluster
    if tries[index] > RETRIES:
        msg = (
            f"part {index}: lost with its worker {tries[index]} times over; look at the workers' "
            "memory, make parts smaller ('part: 1' in the study) and give the same command again"
        )
        raise RunError(msg)
    return index


def _check_workers(client: Any, address: str) -> None:
    """Require workers that have what the numbers depend on in the same versions."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        msg = f"scheduler {address}: has no workers; start some: `dask worker {address}`"
        raise RunError(msg) from error
    mine = versions()
    for worker, theirs in client.run(versions).items():
        differ = [f"{k} {theirs.get(k)} (here {v})" for k, v in mine.items() if theirs.get(k) != v]
        if differ:
            msg = (
                f"worker {worker} has {', '.join(differ)}; install the same versions everywhere, "
                "or numbers would depend on who ran them"
            )
            raise RunError(msg)


def versions() -> dict[str, str]:
    """Return the versions of what the numbers depend on."""
    found = {name: version(name) for name in (PRODUCT, *PACKAGES)}
    return {"python": platform.python_version(), **found}
