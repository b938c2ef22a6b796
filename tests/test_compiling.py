"""Compiling is told when it begins, and kept where it can be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twin import jit

ROOT = Path(__file__).parents[1]


def test_a_kernel_that_compiles_is_told_of_once_and_other_functions_are_not(monkeypatch):
    def entry(x: int) -> int:
        return x + 1

    def other(x: int) -> int:
        return x + 2

    monkeypatch.setattr(jit, "_ENTRIES", {entry})
    told: list[str] = []
    with jit.watched(lambda: told.append("compiling")):
        jit.numba.njit(other)(1)
        assert not told
        compiled = jit.numba.njit(entry)
        assert (compiled(1), compiled(1.5)) == (2, 2.5)
    assert told == ["compiling"]


def test_a_home_that_cannot_be_written_gets_a_cache_for_one_process_and_no_files_elsewhere(
    tmp_path,
):
    (tmp_path / "file").write_text("no folder")
    ask = (
        "from twin import jit; print(jit.CACHE_FOLDER, jit.CACHE_LASTS, jit.CACHE_FOLDER.is_dir())"
    )
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "file")}
    env.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", ask], env=env, capture_output=True, text=True, check=True, cwd=ROOT
    )
    folder, lasts, there = done.stdout.split()
    assert (lasts, there) == ("False", "True")
    assert not Path(folder).exists()
