"""Going on after a stop of any kind: what is finished stays, and the end is the same."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import twin
from tests.study.cases import asked, parts, run, tables
from twin.errors import OutputError, RunError
from twin.study import cluster, opened, running
from twin.study.parts import run_task

ROOT = Path(__file__).parents[2]
CONTENT = asked(part=1, outputs=["running_cost", "loss_area"])
KILLER = """\
import os, random, signal, sys, time
from pathlib import Path
from tests.study.cases import asked, run
from twin.study import running

real, luck = running.run_task, random.Random(8)
def slow(*given):
    time.sleep(0.02)
    return real(*given)
running.run_task = slow
content = asked(part=1, outputs=["running_cost", "loss_area"])
run(content)  # all is imported and compiled before the first fork
for n in range(20):
    out, parts = Path(sys.argv[1], str(n)), n % 5
    child = os.fork()
    if child == 0:
        run(content, out, threads=2)
        os._exit(0)
    while len(list(out.glob("parts/part-*"))) < parts:  # then at a random point of the next one
        time.sleep(0.001)
    time.sleep(luck.uniform(0.0, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


def test_a_study_killed_at_20_random_points_ends_with_the_same_bytes(tmp_path: Path) -> None:
    whole = run(CONTENT, tmp_path / "whole")
    command = [sys.executable, "-c", KILLER, str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    counts = [len(list(tmp_path.glob(f"{n}/parts/part-*"))) for n in range(20)]
    for n in range(20):
        again = run(CONTENT, tmp_path / str(n))
        assert parts(tmp_path / str(n)) == parts(tmp_path / "whole")
        assert again.table.equals(whole.table)
    assert len(set(counts)) > 2, counts  # they died at different points


def test_finished_parts_are_not_run_again(tmp_path: Path, monkeypatch) -> None:
    run(CONTENT, tmp_path)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.glob("parts/*")}
    (tmp_path / "parts/part-000003.parquet").unlink()
    ran: list[int] = []
    monkeypatch.setattr(
        running,
        "run_task",
        lambda data, tick: ran.append(data["first"]) or run_task(data, tick),
    )
    run(CONTENT, tmp_path)
    assert ran == [3]
    kept = {p: p.stat().st_mtime_ns for p in before if not p.name.endswith("3.parquet")}
    assert all(before[p] == kept[p] for p in kept)


def test_a_damaged_part_and_leavings_of_a_killed_process_are_put_right(tmp_path: Path) -> None:
    run(CONTENT, tmp_path)
    whole = parts(tmp_path)
    part = tmp_path / "parts/part-000002.parquet"
    part.write_bytes(part.read_bytes()[:100])
    (tmp_path / "parts/.part-abc").write_text("half")
    run(CONTENT, tmp_path)
    assert parts(tmp_path) == whole


@pytest.mark.parametrize(
    ("more", "said"),
    [({"outputs": ["on_time"]}, "another content"), ({"seed": 9}, r"seed 1 \(now 9\)"),
     ({"replications": 5}, "content"), ({"base": {"cut": "store"}}, "content")],
)  # fmt: skip
def test_another_study_is_refused_and_force_begins_anew(tmp_path, more, said) -> None:
    run(CONTENT, tmp_path)
    before = parts(tmp_path)
    with pytest.raises(OutputError, match=said) as error:
        run({**CONTENT, **more}, tmp_path)
    assert "force=True" in str(error.value)
    assert parts(tmp_path) == before
    run({**CONTENT, **more}, tmp_path, force=True)
    run(CONTENT, tmp_path, force=True)
    assert parts(tmp_path) == before


def test_another_version_or_scenario_is_refused_another_title_is_not(tmp_path, monkeypatch) -> None:
    run(CONTENT, tmp_path)
    run({**CONTENT, "title": "Better"}, tmp_path, scenario=twin.apply(tables(), {"title": "x"}))
    with pytest.raises(OutputError, match="another content"):
        run(CONTENT, tmp_path, scenario=tables(horizon=31))
    monkeypatch.setattr(cluster, "version", lambda name: "9.9")
    with pytest.raises(OutputError, match=r"numpy .* \(now 9.9\)"):
        run(CONTENT, tmp_path)


def test_a_folder_of_anything_else_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for force in (False, True):
        with pytest.raises(OutputError, match=r"holds 'mine.txt', which no study wrote"):
            run(CONTENT, tmp_path, force=force)
    assert os.listdir(tmp_path) == ["mine.txt"]
    twin.run(tables(), record=()).to_csv(tmp_path / "result")
    with pytest.raises(OutputError, match="which no study wrote"):
        run(CONTENT, tmp_path / "result", force=True)


def test_a_full_disk_loses_nothing_that_is_finished(tmp_path: Path, monkeypatch) -> None:
    real, left = os.fsync, [5]

    def full(handle: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"No space left.*finished parts are kept"):
        run(CONTENT, tmp_path)
    monkeypatch.setattr(os, "fsync", real)
    kept = parts(tmp_path)
    assert kept
    run(CONTENT, tmp_path)
    whole = parts(tmp_path)
    assert len(whole) == 5
    assert {name: whole[name] for name in kept} == kept


def test_a_place_that_cannot_be_written_is_told_before_the_first_run(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(running, "run_task", None)
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file/inside", tmp_path / ("a" * 300)):
        with pytest.raises(OutputError):
            run(CONTENT, out)


def test_a_cancelled_study_keeps_what_is_done_and_says_so(tmp_path: Path) -> None:
    stop = threading.Event()
    total = []

    def watch(done: int, of: int) -> None:
        total.append((done, of))
        if done > of / 2:
            stop.set()

    with pytest.raises(RunError, match=r"[1-4] of 5 parts are kept in .*the same command goes on"):
        run(CONTENT, tmp_path, progress=watch, cancelled=stop)
    assert [done for done, _ in total] == sorted(done for done, _ in total)
    seen: list[tuple[int, int]] = []
    run(CONTENT, tmp_path, progress=lambda *told: seen.append(told))
    assert seen[0][0] > 0  # what was finished counts from the start
    assert seen[-1] == (5 * 4 * 30, 5 * 4 * 30)


INTERRUPTED = """\
import sys, time
from tests.study.cases import asked, run
from twin.shell.terminal import Progress
from twin.study import running

real = running.run_task
def slow(*given):
    time.sleep(0.3)
    return real(*given)
content = asked(part=1, outputs=["running_cost", "loss_area"])
run(content)
running.run_task = slow
with Progress(shown=False) as progress:
    print("begun", flush=True)
    run(content, sys.argv[1], threads=2, progress=progress, cancelled=progress.cancelled)
"""


def test_ctrl_c_ends_at_once_and_the_same_call_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=10)[1]
    assert "KeyboardInterrupt" in said
    assert len(parts(tmp_path)) < 5
    run(CONTENT, tmp_path)
    assert len(parts(tmp_path)) == 5


def test_a_failing_part_is_told_as_it_is(tmp_path: Path, monkeypatch) -> None:
    def fails(*_: object) -> None:
        raise MemoryError("too much")

    monkeypatch.setattr(running, "run_task", fails)
    stop = threading.Event()
    with pytest.raises(MemoryError, match="too much"):
        run(CONTENT, tmp_path, threads=2, cancelled=stop)
    assert not stop.is_set()


def test_a_finished_study_can_be_opened_an_unfinished_one_not(tmp_path: Path) -> None:
    found = run(CONTENT, tmp_path)
    assert opened(tmp_path).table.equals(found.table)
    told = json.loads((tmp_path / "manifest.json").read_text())
    assert (told["points"], told["parts"], told["seed"]) == (5, 5, 1)
    assert set(told["versions"]) >= {"numba", "numpy", "python", "pushpull-twin"}
    (tmp_path / "parts/part-000001.parquet").unlink()
    with pytest.raises(OutputError, match="4 of 5 parts are finished"):
        opened(tmp_path)
    with pytest.raises(OutputError, match="holds no study"):
        opened(tmp_path / "parts")
