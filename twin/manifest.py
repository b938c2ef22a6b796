"""What ran, with what: enough to run it again and get the same."""

from __future__ import annotations

import functools
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from twin.schema import Scenario

PRODUCT = "pushpull-twin"
PACKAGES = ("numba", "numpy", "pydantic", "scipy")
"""Packages whose version may change numbers."""


@functools.cache
def version(package: str = PRODUCT) -> str:
    """Return the installed version of a package, ``unknown`` if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def describe(scenario: Scenario, replications: int, timing: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest of a run; everything outside ``timing`` is the same for equal runs."""
    return {
        "twin": version(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "scenario": {"name": scenario.name, "title": scenario.title, "hash": scenario.hash()},
        "seed": scenario.seed,
        "replications": replications,
        "horizon": scenario.horizon,
        "warmup": scenario.warmup,
        "timing": dict(timing),
    }
