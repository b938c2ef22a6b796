"""Ready-made studies: what they are asked, where they keep what is done, what they found."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pandas as pd
import pytest

from tests.study.cases import LENGTH, tables
from twin.errors import OutputError, RunError, ScenarioError
from twin.schema.base import param
from twin.study import findings as findings_module
from twin.study import ready
from twin.study.findings import Chart, Findings, Sheet
from twin.study.ready.base import Bench, Options

MADE: list[str] = []
TOO_MUCH = 100


class Asked(Options):
    """How long fires last."""

    factor: float = param(1.0, "what the costs are multiplied with", gt=0)


def answer(options: Asked, bench: Bench) -> Findings:
    """Answer with a table of costs, one step of it kept; refuse what it cannot multiply with."""
    if options.factor > TOO_MUCH:
        msg = f"factor = {options.factor}: too much"
        raise RunError(msg)
    found = bench.study("fires", {"factors": LENGTH, "replications": 2})
    scale = bench.keep("scale", options.factor, lambda **_: MADE.append("once") or options.factor)
    frame = found.frame()
    frame["mean"] *= scale
    sheet = Sheet("costs", "Costs", frame[["length", "mean"]], {"mean": "money"})
    chart = Chart("lines", "costs", "Costs", "costs", "length", "mean")
    return Findings("fires", "Fires", "What do they cost?", ("Much.",), (sheet,), (chart,))


@pytest.fixture(autouse=True)
def _fires(monkeypatch: pytest.MonkeyPatch) -> None:
    """A study of fires among the ready-made ones."""
    MADE.clear()
    monkeypatch.setattr(ready, "NAMES", ("fires",))
    monkeypatch.setattr(ready, "_READY", {"fires": ready.Ready(Asked, answer)})


def ask(out: Path | None = None, force: bool = False, **options: object) -> Findings:
    return ready.ready_made("fires", options, scenario=tables(), out=out, threads=1, force=force)


def test_what_was_done_is_not_done_again(tmp_path: Path) -> None:
    first = ask(tmp_path)
    written = (tmp_path / "fires/manifest.json").read_bytes()
    second = ask(tmp_path)
    assert MADE == ["once"]
    assert (tmp_path / "fires/manifest.json").read_bytes()[:200] == written[:200]
    pd.testing.assert_frame_equal(first.sheets[0].frame, second.sheets[0].frame)


def test_what_is_kept_depends_on_its_key(tmp_path: Path) -> None:
    cost = ask(tmp_path).sheets[0].frame["mean"]
    with pytest.raises(OutputError, match="asked something else"):
        ask(tmp_path, factor=3)
    dearer = ask(tmp_path, factor=3, force=True).sheets[0].frame["mean"]
    assert dearer.to_list() == pytest.approx((3 * cost).to_list(), rel=1e-12)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(OutputError, match="holds something else"):
        ask(tmp_path, force=True)
    assert [p.name for p in tmp_path.iterdir()] == ["letters.txt"]


def test_findings_are_read_as_they_were_written(tmp_path: Path) -> None:
    made = ask(tmp_path)
    read = findings_module.opened(tmp_path)
    assert read.to_json_dict() == made.to_json_dict()
    assert "Much." in made.summary()
    rows = pd.read_csv(tmp_path / "costs.csv")
    assert rows["mean"].to_list() == pytest.approx(made.sheets[0].frame["mean"].to_list())
    assert any("seed" in note for note in read.notes)


def test_damaged_findings_are_told(tmp_path: Path) -> None:
    ask(tmp_path)
    told = json.loads((tmp_path / "findings.json").read_text())
    del told["charts"]
    (tmp_path / "findings.json").write_text(json.dumps(told))
    with pytest.raises(OutputError, match="damaged"):
        findings_module.opened(tmp_path)


def test_wrong_options_are_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"factor = -1.*greater than 0|factor.*-1"):
        ask(tmp_path / "new", factor=-1)
    with pytest.raises(ScenarioError, match="facto"):
        ask(tmp_path / "new", facto=1)
    with pytest.raises(RunError, match="no ready-made study"):
        ready.ready_made("flood")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["scale.json", "costs.csv"])
def test_a_full_disk_says_that_what_is_finished_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    replace = os.replace

    def full(old: str, new: Path) -> None:
        if Path(new).name == name:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(old, new)

    monkeypatch.setattr(os, "replace", full)
    told = rf"{name}.*No space left.*; what is finished in .* is kept: mend it and give the same"
    with pytest.raises(OutputError, match=told):
        ask(tmp_path)
    monkeypatch.setattr(os, "replace", replace)
    part = next((tmp_path / "fires").rglob("*.parquet"))
    when = part.stat().st_mtime_ns
    ask(tmp_path)
    assert part.stat().st_mtime_ns == when


def test_a_study_that_refused_its_options_does_not_keep_its_folder(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="too much"):
        ask(tmp_path, factor=2 * TOO_MUCH)
    right = ask(tmp_path, factor=3)
    assert findings_module.opened(tmp_path).answers == right.answers
    with pytest.raises(OutputError, match="asked something else"):
        ask(tmp_path, factor=4)


def test_options_are_told_with_default_and_meaning() -> None:
    assert ready.title("fires") == "How long fires last."
    assert "factor=1.0" in ready.options_told("fires")
    assert "what the costs are multiplied with" in ready.options_told("fires")
