"""The same study on a cluster: same bits, also when a worker is killed on the way."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distributed
import pytest

from tests.study.cases import asked, parts, run, tables
from twin.errors import RunError, TwinError
from twin.simulation import Simulation
from twin.study import cluster as cluster_module
from twin.study.ready import ready_made
from twin.study.ready.base import Bench

LEVELS = {"length": {"key": "disruptions.fire.duration", "values": list(range(1, 13))}}
CONTENT = asked(
    factors={"cut": {"family": "tables"}, **LEVELS}, part=1, outputs=["on_time", "loss_area"],
    replications=64, set={"horizon": 200},
)  # fmt: skip


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A scheduler and two workers in processes of their own."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
        silence_logs=50,
    ) as found:  # fmt: skip
        yield found


def test_a_worker_killed_on_the_way_loses_nothing(cluster: Any, tmp_path: Path) -> None:
    alone = run(CONTENT, tmp_path / "alone")
    killed: list[int] = []

    def kill_one(done: int, total: int) -> None:
        if done > total / 5 and not killed:
            worker = next(iter(cluster.workers.values()))
            killed.append(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)

    out = tmp_path / "cluster"
    found = run(CONTENT, out, scheduler=cluster.scheduler_address, progress=kill_one)
    assert len(killed) == 1
    assert found.table.equals(alone.table)
    assert parts(out) == parts(tmp_path / "alone")
    assert len(parts(out)) == 25


READY = {
    "stress-test": {"duration": 4, "places": ["works", "store"], "worst": 1},
    "covid-wave": {"uptimes": [0.8, 1.0], "lengths": [5], "paces": [1], "extra": [2]},
    "value-of-information": {"loss": [0.0]},
}


@pytest.mark.parametrize("name", READY)
def test_all_runs_of_a_ready_made_study_are_made_on_the_cluster(
    name: str, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Curves, ripples and adoption too: here, where none can be run, it finds the same."""
    devices = [{"kind": "rfid_shelf", "cost": 1, "owner": "maker"}]
    scenario = tables(devices=devices, replications=3, horizon=60)
    alone = ready_made(name, READY[name], scenario=scenario, threads=1)

    def none(*_: object, **__: object) -> None:
        raise AssertionError("a run was made here")

    monkeypatch.setattr(Simulation, "advance", none)
    there = ready_made(name, READY[name], scenario=scenario, scheduler=cluster.scheduler_address)
    assert there.to_json_dict() == alone.to_json_dict()


def test_a_study_on_a_cluster_can_be_stopped_and_goes_on_without(cluster, tmp_path: Path) -> None:
    stop = threading.Event()

    def watch(done: int, total: int) -> None:
        if done > total / 4:
            stop.set()

    address = cluster.scheduler_address
    with pytest.raises(RunError, match=r"of 25 parts are kept"):
        run(CONTENT, tmp_path, scheduler=address, progress=watch, cancelled=stop)
    assert 0 < len(parts(tmp_path)) < 25
    run(CONTENT, tmp_path)
    assert len(parts(tmp_path)) == 25


class WhenBusy:
    """Asks to stop as soon as a worker is at work, and from then on."""

    def __init__(self, client: Any) -> None:
        self.client, self.seen = client, False

    def busy(self) -> bool:
        running = self.client.run(lambda dask_worker: len(dask_worker.state.executing))
        return any(running.values())

    def is_set(self) -> bool:
        self.seen = self.seen or self.busy()
        return self.seen


def unending(name: str, **asked: Any) -> None:
    """Run what takes many minutes: parts of a study, or the undisturbed runs of a stress test."""
    given = {"horizon": 20_000, "replications": 100_000}
    if name:
        ready_made(name, READY[name], scenario=tables(**given), **asked)
    else:
        run({**CONTENT, "set": {"horizon": 20_000}, "replications": 100_000}, **asked)


@pytest.mark.parametrize("name", ["", "stress-test"])
def test_what_is_cancelled_stops_on_its_worker_too(name: str, cluster: Any, monkeypatch) -> None:
    monkeypatch.setattr(Bench, "study", lambda *_: None)  # of a stress test: its parts
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        stop = WhenBusy(client)
        with pytest.raises(RunError, match="cancelled"):
            unending(name, scheduler=cluster.scheduler_address, cancelled=stop)
        until = time.monotonic() + 60
        while stop.busy() and time.monotonic() < until:
            time.sleep(0.1)
        assert not stop.busy()


def test_workers_of_other_versions_are_refused(cluster: Any, monkeypatch) -> None:
    monkeypatch.setattr(cluster_module.platform, "python_version", lambda: "2.7")
    with pytest.raises(RunError, match=r"worker .* has python .*here 2.7"):
        run(CONTENT, scheduler=cluster.scheduler_address)


def test_a_host_that_nobody_knows_is_told_before_a_client_is_made(monkeypatch) -> None:
    monkeypatch.setattr("distributed.Client", None)
    with pytest.raises(RunError, match="scheduler no such host: cannot be reached"):
        run(CONTENT, scheduler="no such host")


def test_a_scheduler_that_is_not_there_is_told(monkeypatch) -> None:
    monkeypatch.setattr(cluster_module, "PATIENCE", 0.5)
    with pytest.raises(RunError, match="cannot be reached"):
        run(CONTENT, scheduler="tcp://127.0.0.1:9")


def test_without_the_extra_the_message_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(TwinError, match=r"pip install 'pushpull-twin\[distributed\]'"):
        run(CONTENT, scheduler="tcp://127.0.0.1:9")
