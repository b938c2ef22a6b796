"""Answers to scenarios as they are opened: the same for everybody, worked out once per server."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from twin.errors import TwinError
from twin.schema import Scenario
from twin.topology import build
from viz import answer as answers
from viz.answer import Answer
from viz.page import positions

Found = tuple[Answer, "list[dict[str, Any]]"]

MOST = 8
"""Most scenarios whose first answer is kept."""

_KEPT: dict[str, Found] = {}
_LOCK = threading.Lock()


def answer(scenario: Scenario, changes: Mapping[str, Any], baseline: str) -> Found | None:
    """Return the answer to a scenario as it was opened, if somebody asked for it before."""
    if changes or baseline != "calm":
        return None
    return _KEPT.get(scenario.hash())


def prepare(scenario: Scenario) -> None:
    """Work out the answer to a scenario as it is opened, and all its positions, and keep both."""
    with _LOCK:
        if scenario.hash() in _KEPT:
            return
        wanted = answers.full(scenario, len(build(scenario).points))
        made = answers.compute(scenario, {}, replications=wanted, wanted=wanted)
        found = answers.charted(*made)
        try:
            rows = positions.find(scenario, answers.FIRST)
        except TwinError:  # nothing to decouple
            rows = []
        while len(_KEPT) >= MOST:
            _KEPT.pop(next(iter(_KEPT)))
        _KEPT[scenario.hash()] = found, rows
