"""The public names of the engine, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import twin

NAMES = [
    "Comparison", "NetworkError", "OutputError", "Result", "RunError", "Scenario", "ScenarioError",
    "Simulation", "Study", "TwinError", "apply", "compare", "explain", "from_graph", "frontier",
    "json_schema", "load", "positions", "run", "save", "study", "suggest", "to_graph",
    "value_of_information",
]  # fmt: skip


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_public_names_are_these() -> None:
    assert twin.__all__ == NAMES == sorted(NAMES)
    assert set(dir(twin)) == {*NAMES, "__version__"}


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(twin, name).__doc__


def test_importing_the_engine_loads_nothing_heavy() -> None:
    heavy = "{'numba', 'numpy', 'pandas', 'pydantic', 'scipy', 'networkx'}"
    assert python(f"import sys, twin; print({heavy} & set(sys.modules))") == "set()"


def test_a_run_needs_no_pandas_until_a_table_is_asked_for() -> None:
    code = "import sys, twin; print(twin.run('beer-game')['total_cost'], 'pandas' in sys.modules)"
    assert python(code) == "204.0 False"


def test_modules_do_not_hide_functions_of_their_name() -> None:
    code = "import twin.load, twin.explain, twin.run, twin.compare, twin; print(*map(callable, "
    code += "(twin.load, twin.explain, twin.run, twin.compare)))"
    assert python(code) == "True True True True"


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(AttributeError, match="no attribute 'simulate'; public names: Comparison"):
        _ = twin.simulate


def test_the_version_is_told() -> None:
    assert twin.__version__
