"""What is asked of a run: numbers and names that cannot be meant are refused in words."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from agents import TwinModel
from tests.kpi_cases import shop
from tests.test_cli import SMALL, call
from twin.errors import RunError

NO_NUMBERS = ["x", "3", True, -1, 2.5, float("nan"), float("inf"), 2**63, 10**5000, [2], 1 + 0j]
WRONG = [
    *(("replications", x, "whole number from 1 to 1,000,000") for x in (*NO_NUMBERS, 0, 1_000_001)),
    *(("seed", x, "whole number from 0 to 9,223,372,036,854,775,807") for x in NO_NUMBERS),
    *(("threads", x, "whole number of 1 or more") for x in ("x", True, 0, -1, 1.5)),
    *(("record", x, "list of names of series") for x in ("rows.on_hand", 5, [5], True, [None])),
]  # fmt: skip


@pytest.mark.nojit
@pytest.mark.parametrize(("name", "value", "allowed"), WRONG, ids=range(len(WRONG)))
def test_a_number_that_cannot_be_meant_is_told_with_what_is_allowed(name, value, allowed):
    with pytest.raises(RunError) as raised:
        twin.run(shop(), **{name: value})
    said = str(raised.value)
    assert said.startswith(f"{name} = ")
    assert f"must be a {allowed}" in said
    assert "correct it, or leave it out for" in said
    assert len(said) < 250


@pytest.mark.nojit
def test_a_mesa_model_refuses_the_same():
    for name, value, _ in WRONG:
        if name != "threads":
            with pytest.raises(RunError, match=f"{name} = "):
                TwinModel(shop(), **{name: value})


@pytest.mark.nojit
def test_a_comparison_refuses_the_same():
    for name, value in (("replications", "x"), ("seed", -1), ("threads", 0)):
        with pytest.raises(RunError, match=f"{name} = "):
            twin.compare(shop(), shop(), **{name: value})


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("name", "allowed"), [("set", "changes by key"), ("progress", "a function of (done, in all)"),
                          ("cancelled", "a threading.Event")],
)  # fmt: skip
def test_what_is_no_change_no_function_and_no_event_is_told_with_what_is_allowed(name, allowed):
    with pytest.raises(RunError) as raised:
        twin.run(shop(), **{name: 5})
    said = str(raised.value)
    assert said.startswith(f"{name} = 5; must be {allowed}")
    assert said.endswith("correct it, or leave it out")


@pytest.mark.nojit
@pytest.mark.parametrize("value", ["no", 0, None])
def test_a_baseline_is_wanted_or_not(value):
    with pytest.raises(RunError, match=r"^baseline = .*; must be True or False: correct it"):
        twin.run(shop(), baseline=value)


@pytest.mark.nojit
def test_an_unknown_series_is_told_with_the_nearest_and_all_there_are():
    with pytest.raises(RunError) as raised:
        twin.run(shop(), record=["rows.onhand"])
    assert "no series 'rows.onhand'" in str(raised.value)
    assert "did you mean 'rows.on_hand'?" in str(raised.value)
    assert "sinks.demand" in str(raised.value)


def test_whole_numbers_of_numpy_and_without_a_fraction_are_taken():
    for value in (np.int64(2), 2.0, np.float32(2)):
        result = twin.run(shop(), replications=value, seed=value, threads=value)
        assert (result.replications, result.scenario.seed) == (2, 2)


@pytest.mark.nojit
@pytest.mark.parametrize(
    "wrong",
    [("-n", "x"), ("-n", "0"), ("-n", "-1"), ("-n", "2.5"), ("-n", "1000001"), ("--seed", "x"),
     ("--seed", "-1"), ("--seed", "9" * 5000), ("--threads", "0"), ("--threads", "x")],
)  # fmt: skip
@pytest.mark.parametrize("command", ["run", "compare"])
def test_the_shell_refuses_the_same_with_exit_code_2(tmp_path, command, wrong):
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    more = ("--out", tmp_path / "out") if command == "run" else (path,)
    done = call(command, path, *wrong, *more, code=2)
    assert done.stdout == ""
    assert f" = {wrong[1][:40]}" in done.stderr.replace("'", "")
    assert "must be a whole number" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["small.yaml"]


@pytest.mark.nojit
@pytest.mark.parametrize("nothing", [None, 5, {}, [1]])
def test_what_no_scenario_can_come_from_is_told(nothing):
    with pytest.raises(RunError, match="must be a Scenario, a file, or a name"):
        twin.run(nothing)
