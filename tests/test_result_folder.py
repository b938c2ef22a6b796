"""Folders of results: what is there already is replaced whole and when asked, or not touched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import twin
from tests.kpi_cases import shop
from tests.test_cli import SMALL, call
from twin import result_folder
from twin.errors import OutputError
from twin.result import Result


@pytest.fixture(scope="module")
def first() -> Result:
    return twin.run(shop(), record=["rows.on_hand"])


@pytest.fixture(scope="module")
def second() -> Result:
    return twin.run(shop(), seed=2, record=())


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a scenario's file beside an earlier result of it in ``out``."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    call("run", path, "--quiet", "--out", tmp_path / "out")
    return path


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(path: Path, out: Path, *more: str) -> str:
    """Run into a folder that may not be touched; return what is said."""
    before = content(out)
    done = call("run", path, "--out", out, *more, code=2)
    assert content(out) == before
    assert (done.stdout, done.stderr.count("twin: ")) == ("", 1)
    return done.stderr


def test_an_earlier_result_is_not_replaced_unasked_and_nothing_is_run(small, tmp_path):
    said = refused(small, tmp_path / "out")
    assert f"{tmp_path}/out: holds a result already (" in said
    assert "give another folder, or replace it with --force" in said


def test_an_earlier_result_is_replaced_whole_with_force(small, tmp_path):
    out = tmp_path / "out"
    call("run", small, "--out", out, "--force", "--seed", 7)
    told = json.loads((out / "manifest.json").read_text())
    assert told["seed"] == 7
    assert set(told["files"]) == set(os.listdir(out))


@pytest.mark.nojit
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_folder_with_anything_else_is_never_touched(small, tmp_path, force):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "kpis.csv").write_text("mine")
    assert "holds 'kpis.csv', which no result wrote" in refused(small, mine, *force)
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert "holds 'notes.txt'" in refused(small, tmp_path / "out", *force)


@pytest.mark.nojit
@pytest.mark.parametrize("manifest", ["[]", "5", '{"twin": 1, "files": 3}', "{", '"twin"',
                                      '{"files": ["kpis.csv", "manifest.json"]}'])  # fmt: skip
def test_a_manifest_of_something_else_makes_no_result(tmp_path, manifest):
    (tmp_path / "kpis.csv").write_text("mine")
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(OutputError, match="which no result wrote"):
        result_folder.check(tmp_path, force=True)


@pytest.mark.nojit
@pytest.mark.parametrize("name", ["a" * 300, "a" * 250, f"{'a' * 300}/out"])
def test_a_place_that_only_trying_tells_of_is_refused_before_the_run(small, tmp_path, name):
    before = os.listdir(tmp_path)
    done = call("run", small, "--out", tmp_path / name, code=2)
    assert done.stderr.endswith(
        f"{tmp_path} cannot be written into (File name too long); give another folder\n"
    )
    assert (done.stdout, os.listdir(tmp_path)) == ("", before)


@pytest.mark.nojit
def test_a_file_system_that_takes_no_folder_is_refused_before_the_run(tmp_path, monkeypatch):
    def none(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.mkdtemp", none)
    with pytest.raises(OutputError, match=r"cannot be written into .Read-only file system"):
        result_folder.check(tmp_path / "deep" / "out", force=False)


def test_python_replaces_a_result_only_when_asked(first, second, tmp_path):
    first.to_csv(tmp_path / "out")
    with pytest.raises(OutputError, match="force=True"):
        second.to_parquet(tmp_path / "out")
    written = second.to_parquet(tmp_path / "out", force=True)
    assert {p.name for p in written} == set(content(tmp_path / "out"))
    assert {p.suffix for p in written} == {".parquet", ".json"}


def test_an_empty_folder_stays_itself_even_where_a_link_leads_to_it(first, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    before = os.stat(tmp_path / "real").st_ino
    first.to_csv(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert os.stat(tmp_path / "real").st_ino == before
    assert "kpis.csv" in content(tmp_path / "real")


@pytest.mark.parametrize("stop_at", [0, 3, 6, 9, 12])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_replacement_that_is_stopped_puts_the_earlier_result_back(
    first, second, tmp_path, monkeypatch, stop_at, error
):
    out = tmp_path / "out"
    first.to_csv(out)
    before, real, moved = content(out), os.replace, []

    def stopped(a: Path, b: Path) -> None:
        moved.append(a)
        if len(moved) == stop_at + 1:
            raise error
        real(a, b)

    monkeypatch.setattr(os, "replace", stopped)
    with pytest.raises((KeyboardInterrupt, OutputError)):
        second.to_csv(out, force=True)
    assert len(moved) > stop_at
    assert content(out) == before
    assert os.listdir(tmp_path) == ["out"]


def test_a_picture_is_not_replaced_unasked(small, tmp_path):
    picture = tmp_path / "p.svg"
    picture.write_text("mine")
    assert "is there already" in call("run", small, "--plot", picture, code=2).stderr
    assert picture.read_text() == "mine"
    call("run", small, "--plot", picture, "--force")
    assert "<svg" in picture.read_text()
