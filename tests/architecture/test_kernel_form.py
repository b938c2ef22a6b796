"""The kernel's form: nothing entered that is not needed, nothing counted, nothing compiled twice."""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twin import devices, disruptions, forecasters, kernel, policies
from twin.compile import Plan
from twin.devices import DEVICES
from twin.disruptions import DISRUPTIONS
from twin.forecasters import FORECASTERS
from twin.policies import POLICIES
from twin.registry import Registry
from twin.schema import Scenario
from twin.simulation import Simulation

ROOT = Path(__file__).resolve().parents[2]
ALWAYS = {"receive", "orders"}

PLAIN: dict[str, Any] = {
    "name": "plain",
    "horizon": 30,
    "sites": [{"name": "dc"}, {"name": "shop"}],
    "items": [{"name": "tea", "value": 10}],
    "lanes": [{"from": "dc", "to": "shop", "lead_time": 2}],
    "purchases": [{"site": "dc", "item": "tea", "lead_time": 3}],
    "stock": [{"policy": {"level": 40}}],
    "demand": [{"site": "shop", "item": "tea", "mean": 8}],
}
BLOCKED = {"kind": "outage", "where": {"site": "dc"}, "start": 5, "duration": 3, "severity": 1}
LOST = {**PLAIN["demand"][0], "unmet": "lost"}
FAMILY = {
    "items": [{"name": "tea", "value": 10, "family": "drinks"}],
    "families": [{"name": "drinks", "decoupling_point": ["dc/tea"]}],
}
NEEDED_BY: dict[str, dict[str, Any]] = {
    "disrupt receive_disturbed override move_rows": {"disruptions": [BLOCKED]},
    "disrupt receive_disturbed losses override move_rows": {
        "disruptions": [{**BLOCKED, "kind": "stock_destruction"}]
    },
    "receive_disturbed losses move_rows": {"stock": [{"policy": {"level": 40}, "shrink": 0.5}]},
    "receive_disturbed devices move_rows": {"devices": [{"kind": "cycle_count", "period": 7}]},
    "serve_or_lose accept": {"demand": [LOST]},
    "mail": {"lanes": [{**PLAIN["lanes"][0], "information_delay": 2}]},
    "visibility forecast": {"stock": [{"policy": {"kind": "base_stock"}}]},
    "override place_any move_rows": {"integer": True},
    "place_any": {"lanes": [{**PLAIN["lanes"][0], "order_multiple": 5}]},
    "serve_or_lose quote accept override": {**FAMILY, "demand": [LOST]},
    "need": {"stock": [{"policy": {"level": 40}, "customers_first": True}]},
    "special move_rows": {"lanes": [{**PLAIN["lanes"][0], "lead_time": 0}]},
    "groups": {"lanes": [{**PLAIN["lanes"][0], "dispatch_limit": 9}]},
    "patience accept": {"demand": [{**PLAIN["demand"][0], "patience": 2}]},
    "prices": {"purchases": [{**PLAIN["purchases"][0], "breaks": [{"quantity": 0, "price": 9}]}]},
}


def visits(changes: dict[str, Any], record: tuple[str, ...] = ()) -> set[str]:
    """Run a scenario and return the optional phases that it entered."""
    plan = Plan.of(Scenario.model_validate({**PLAIN, **changes}))
    sim = Simulation(plan, 2, record=record)
    sim.advance(20)
    counts = zip(kernel.VISITS, sim.world.visits.tolist(), strict=True)
    return {name for name, entered in counts if entered}


def test_a_plain_scenario_enters_no_optional_phase():
    assert visits({}) == ALWAYS


@pytest.mark.parametrize("phases", NEEDED_BY)
def test_a_phase_is_entered_only_where_the_scenario_needs_it(phases: str):
    entered = visits(NEEDED_BY[phases]) - ALWAYS

    assert entered - set(phases.split()) == set(), "entered without need"
    assert set(phases.split()) <= entered, "needed but never entered"


def test_a_quiet_period_of_a_disrupted_scenario_runs_the_plain_receive():
    sim = Simulation(Plan.of(Scenario.model_validate({**PLAIN, "disruptions": [BLOCKED]})), 1)
    sim.advance(20)
    entered = dict(zip(kernel.VISITS, sim.world.visits.tolist(), strict=True))

    disturbed = BLOCKED["duration"] + 1  # and the period in which everything is put back
    assert entered["disrupt"] == disturbed
    assert entered["receive_disturbed"] == disturbed
    assert entered["receive"] == 20 - disturbed


def test_history_is_written_only_when_asked_for():
    assert visits({}, record=("rows.on_hand",)) == ALWAYS | {"history"}


# ------------------------------------------------------------------------------- what is compiled
COMPILED = """
import json, sys
from twin.compile import Plan
from twin.schema import Scenario
from twin.simulation import Simulation
from twin import kernel
for changes in json.loads(sys.stdin.read()):
    for K in (1, 2):
        Simulation(Plan.of(Scenario.model_validate(changes)), K).advance(10)
found = {}
for name, module in sorted(sys.modules.items()):
    if name.startswith("twin."):
        for f in vars(module).values():
            if getattr(f, "overloads", None) and f.py_func.__module__ == name:
                place = f"{name}.{f.py_func.__name__}"
                counts, signatures = [], []
                for signature, code in f.overloads.items():
                    text = code.library.get_llvm_str()
                    start = text.find("@" + json.dumps(code.fndesc.llvm_func_name) + "(")
                    if start < 0:
                        start = text.find("@" + code.fndesc.llvm_func_name + "(")
                    while not text[:start].rsplit(chr(10), 1)[-1].startswith("define"):
                        start = text.find(code.fndesc.llvm_func_name, start + 1)
                        if start < 0:
                            sys.exit(f"no body of {place} in its own module")
                    body = text[start : text.index(chr(10) + "}", start)]
                    counts.append(body.count("call void @NRT_incref"))
                    signatures.append(str(signature))
                found[place] = [max(counts), *signatures]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Compile in a fresh cache (LLVM of what a cache loads is not there) and count references.

    Maps ``module.function`` to the most reference counts of a signature and the signatures.
    """
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        pytest.skip("nothing is compiled with the JIT off")
    scenarios = [{**PLAIN, **changes} for changes in ({}, *NEEDED_BY.values())]
    done = subprocess.run(
        [sys.executable, "-c", COMPILED], input=json.dumps(scenarios), capture_output=True,
        text=True, check=False, cwd=ROOT,
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path_factory.mktemp("numba"))},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_no_compiled_function_of_the_period_counts_references(compiled: dict[str, list[Any]]):
    inner = ("twin.kernel", "twin.phases.", "twin.policies", "twin.forecasters", "twin.devices",
             "twin.disruptions")  # fmt: skip
    counting = {
        place: found[0]
        for place, found in compiled.items()
        if place.startswith(inner) and found[0] > 0
    }

    assert len(compiled) > 60, "the kernel was not compiled at all"
    assert counting == {}


@pytest.mark.slow
def test_whatever_the_scenario_the_kernel_is_compiled_once(compiled: dict[str, list[Any]]):
    """Once for blocks, once for one replication, where the number of replications is a constant."""
    assert len(compiled["twin.kernel.run"]) == 2
    assert len(compiled["twin.kernel.run_single"]) == 2


# --------------------------------------------------------------------- registry, dispatch and docs
def branches(function: Callable[..., Any]) -> dict[int, str]:
    """Return number -> function called in a dispatch of the form ``if number == 0: f(...)``."""
    source = getattr(function, "py_func", function)
    found, last = {}, None
    body = ast.parse(inspect.getsource(source)).body[0]
    assert isinstance(body, ast.FunctionDef)
    for node in ast.walk(body):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Compare):
            number = ast.literal_eval(node.test.comparators[0])
            found[number] = called(node.body[0])
    last = body.body[-1]
    if isinstance(last, ast.Return):  # what is left when no number matched
        found[len(found)] = called(last)
    return found


def called(statement: ast.stmt) -> str:
    call = statement.value  # type: ignore[attr-defined]
    assert isinstance(call, ast.Call)
    return ast.unparse(call.func)


@pytest.mark.parametrize(
    ("registry", "dispatch"),
    [
        (POLICIES, policies.decide),
        (FORECASTERS, forecasters.update),
        (DEVICES, devices.read),
        (DISRUPTIONS, disruptions.strike),
    ],
    ids=["policies", "forecasters", "devices", "disruptions"],
)
def test_a_registered_number_leads_to_its_own_function(
    registry: Registry, dispatch: Callable[..., Any]
):
    expected = {
        entry.number: getattr(entry.function, "py_func", entry.function).__name__
        for entry in registry.values()
    }

    assert branches(dispatch) == expected


def test_every_registered_word_says_what_it_does():
    for registry in (POLICIES, FORECASTERS, DEVICES, DISRUPTIONS):
        for entry in registry.values():
            assert entry.title, entry.name
            assert not entry.title.endswith("."), entry.name
            assert entry.text.startswith(entry.title), entry.name
