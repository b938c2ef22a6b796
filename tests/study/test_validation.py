"""Studies that are wrong: nothing is run, nothing written, and the message says what to mend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.study.cases import CUT, LENGTH, asked, run
from twin.errors import RunError, ScenarioError
from twin.study import running, study
from twin.study.files import read

STOP = {"kpi": "on_time", "half_width": 0.1}
BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown key": ({"factor": {}}, ["unknown key 'factor'", "did you mean 'factors'?"]),
    "no factors": ({"factors": {}}, ["factors", "at least one"]),
    "a column's name": ({"factors": {"mean": CUT["cut"]}}, ["'mean' is a column"]),
    "unknown KPI": ({"outputs": ["on_tim"]}, ["outputs[0]", "did you mean 'on_time'?"]),
    "unknown KPI to reach": (
        {"replications": None, "until": {**STOP, "kpi": "x"}}, ["until.kpi", "no KPI 'x'"]),
    "unknown family": ({"factors": {"c": {"family": "tablez"}}}, ["did you mean 'tables'?"]),
    "unknown factor": ({"base": {"cutt": "plant"}}, ["base.cutt", "did you mean 'cut'?"]),
    "unknown option": (
        {"factors": {"shock": {"options": {"calm": {}, "fire": {"horizon": 31}}}},
         "base": {"shock": "clam"}}, ["base.shock = 'clam'", "did you mean 'calm'?"]),
    "key leads nowhere": (
        {"factors": {"l": {"key": "disruptions.flood.start", "values": [1]}}},
        ["factors.l = 1, design point 1 (l = 1)", "no entry 'flood'"]),
    "value out of range": (
        {"factors": {**CUT, "p": {"key": "disruptions.fire.probability", "values": [0.5, 2]}}},
        ["factors.p = 2, design point 2 (cut = 'plant', p = 2)", "from 0 to 1"]),
    "cut that is none": (
        {"factors": {"c": {"family": "tables", "values": ["store", "moon"]}}},
        ["factors.c = 'moon', design point 2", "moon"]),
    "luck": ({"factors": {"s": {"key": "seed", "values": [1, 2]}}}, ["'seed' is the same"]),
    "luck for all": ({"set": {"seed": 3}}, ["set[seed]"]),
    "measured differently": (
        {"factors": {"h": {"key": "horizon", "values": [30, 40]}}},
        ["design point 2 (h = 40) changes horizon", "'set' instead"]),
    "two that set the same": (
        {"factors": {**LENGTH, "other": {"key": "disruptions.fire.duration", "values": [1, 2]}}},
        ["factors.other: sets 'disruptions.fire.duration', and so does factor 'length'"]),
    "set for all": ({"set": {"horizn": 3}}, ["for all runs", "did you mean 'horizon'?"]),
    "range backwards": ({"factors": {"x": {"key": "horizon", "low": 3, "high": 1}}},
                        ["factors.x", "low < high"]),
    "no whole number": (
        {"factors": {"x": {"key": "horizon", "low": 0.2, "high": 0.8, "whole": True}}},
        ["factors.x", "no whole number lies from 0.2 to 0.8"]),
    "nothing to run": ({"design": {"kind": "list", "runs": []}}, ["design", "nothing but the base"]),
    "no values": ({"factors": {"x": {"key": "horizon"}}}, ["factors.x", "give its values"]),
    "two subjects": ({"factors": {"x": {"key": "a", "family": "b"}}}, ["one of key, family"]),
    "unused points": ({"design": {"kind": "grid", "points": 3}}, ["does not use 'points'"]),
    "sobol of 100": ({"design": {"kind": "sobol", "points": 100}}, ["powers of 2"]),
    "replications twice": ({"until": STOP}, ["both replications and until"]),
    "minimum above maximum": (
        {"replications": None, "until": {**STOP, "minimum": 99, "maximum": 64}},
        ["until", "at most maximum"]),
    "too many points": (
        {"factors": {n: {"key": "horizon", "values": list(range(1, 1002))} for n in "ab"}},
        ["1,002,002 points", "at most 1,000,000"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_before_the_first_run(name, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(running, "run_task", None)
    more, wanted = BAD[name]
    with pytest.raises(ScenarioError) as error:
        run(asked(**more), tmp_path / "out")
    assert [text for text in wanted if text not in str(error.value)] == []
    assert not (tmp_path / "out").exists()


def test_all_bad_points_are_told_up_to_ten() -> None:
    values = [0.5, *range(2, 30)]
    factors = {"p": {"key": "disruptions.fire.probability", "values": values}}
    with pytest.raises(ScenarioError) as error:
        run(asked(factors=factors))
    lines = str(error.value).splitlines()
    assert len(lines) == 11
    assert "p = 2" in lines[0]
    assert "more problems" in lines[-1]


def test_a_mistake_in_a_file_names_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    text = (
        "scenario: beer-game\nfactors:\n  fire:\n    key: disruptions.brewery_fire.start\n"
        "    values: [1, soon]\n"
    )
    file.write_text(text)
    with pytest.raises(ScenarioError, match=r"mine.yaml, line 4.* = 'soon', design point 2"):
        study(file)
    file.write_text(text.replace("soon", "2").replace("values", "valuez"))
    with pytest.raises(ScenarioError, match=r"mine.yaml, line 5.*did you mean 'values'"):
        study(file)


@pytest.mark.parametrize(
    ("given", "said"),
    [("stres-test", "neither a file nor a study of ours.*stress-test"), (3, "must be a study file"),
     ({"factors": LENGTH}, "'scenario' is missing"), ("electronics.yaml", "no such file")],
)  # fmt: skip
def test_what_is_no_study_is_refused(given: Any, said: str) -> None:
    with pytest.raises((ScenarioError, RunError), match=said):
        study(given)


@pytest.mark.parametrize(
    "option", [{"threads": 0}, {"force": 1}, {"scheduler": 5}, {"out": 7}, {"progress": 1}]
)
def test_options_are_checked(option: dict[str, Any]) -> None:
    with pytest.raises(RunError, match=next(iter(option))):
        run(asked(), **option)


def test_a_scenario_is_told_from_a_study() -> None:
    with pytest.raises(ScenarioError, match="is a scenario, not a study"):
        read({"sites": []})
