"""The engine of the push-pull supply-chain twin: scenarios in, results out.

::

    import twin

    result = twin.run("electronics", set={"families.laptop.decoupling_point": "dc"})
    print(result.summary())

Names are imported when they are first used, so that ``import twin`` costs nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.compare import Comparison, compare
    from twin.decoupling import positions, suggest
    from twin.edits import apply
    from twin.errors import NetworkError, OutputError, RunError, ScenarioError, TwinError
    from twin.explain import explain
    from twin.frontier import frontier
    from twin.graphs import from_graph, to_graph
    from twin.information import value_of_information
    from twin.json_schema import json_schema
    from twin.load import load, save
    from twin.result import Result
    from twin.run import run
    from twin.schema import Scenario
    from twin.simulation import Simulation
    from twin.study import Study, study

__version__: str

__all__ = [
    "Comparison",
    "NetworkError",
    "OutputError",
    "Result",
    "RunError",
    "Scenario",
    "ScenarioError",
    "Simulation",
    "Study",
    "TwinError",
    "apply",
    "compare",
    "explain",
    "from_graph",
    "frontier",
    "json_schema",
    "load",
    "positions",
    "run",
    "save",
    "study",
    "suggest",
    "to_graph",
    "value_of_information",
]

_HOME = {
    "Comparison": "compare",
    "NetworkError": "errors",
    "OutputError": "errors",
    "Result": "result",
    "RunError": "errors",
    "Scenario": "schema",
    "ScenarioError": "errors",
    "Simulation": "simulation",
    "TwinError": "errors",
    "Study": "study",
    "apply": "edits",
    "compare": "compare",
    "explain": "explain",
    "from_graph": "graphs",
    "frontier": "frontier",
    "json_schema": "json_schema",
    "load": "load",
    "positions": "decoupling",
    "run": "run",
    "save": "load",
    "study": "study",
    "suggest": "decoupling",
    "to_graph": "graphs",
    "value_of_information": "information",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("twin.manifest").version()
    if name not in _HOME:
        msg = f"module 'twin' has no attribute '{name}'; public names: {', '.join(__all__)}"
        raise AttributeError(msg)
    return getattr(import_module(f"twin.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


class _Face(ModuleType):
    """A package whose public functions are not hidden by its modules of the same name.

    Importing the module ``twin.load`` would set the attribute ``load`` of the package to it, and
    ``twin.load("electronics")`` would fail from then on.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
