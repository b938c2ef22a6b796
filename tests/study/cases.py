"""Small studies for tests: a factory whose tables may wait at the plant or at the store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.kpi_cases import factory
from twin.schema import Scenario
from twin.study import Study, study

FIRE = {"kind": "outage", "name": "fire", "where": {"site": "works"}, "start": 10, "duration": 5}
CUT = {"cut": {"family": "tables"}}
LENGTH = {"length": {"key": "disruptions.fire.duration", "low": 2, "high": 8, "whole": True}}


def tables(**more: Any) -> Scenario:
    """Return the factory with its tables as a family and a fire."""
    items = [{"name": "wood", "value": 2},
             {"name": "table", "value": 20, "price": 35, "family": "tables"}]  # fmt: skip
    family = {"name": "tables", "decoupling_point": "plant", "tolerance": 4}
    return factory(**{"items": items, "families": [family], "disruptions": [FIRE], **more})


def asked(**more: Any) -> dict[str, Any]:
    """Return the content of a study file: a grid of cuts and lengths of the fire."""
    return {"factors": {**CUT, **LENGTH}, "replications": 4, **more}


def run(content: Mapping[str, Any], out: Path | None = None, **options: Any) -> Study:
    """Run a study of the factory on one thread, unless asked otherwise."""
    options = {"scenario": tables(), "threads": 1, **options}
    return study(content, out=out, **options)


def parts(out: Path) -> dict[str, bytes]:
    """Return the bytes of all parts by name."""
    return {p.name: p.read_bytes() for p in sorted((out / "parts").iterdir())}
