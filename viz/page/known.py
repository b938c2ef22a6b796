"""Answers that were worked out before, for every page of the server that asks for the same."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from twin.errors import TwinError
from twin.schema import Scenario
from viz import answer as answers
from viz.answer import Answer
from viz.page import positions

MOST = 256 * 2**20
"""Most bytes of series in the full answers that are kept; one of the flagship takes 2 MB."""

_KEPT: OrderedDict[tuple[str, ...], Answer] = OrderedDict()
_LOCK = threading.Lock()
_PREPARING = threading.Lock()


def find(base: Scenario, changes: Mapping[str, Any], baseline: str) -> Answer | None:
    """Return the full answer to changes of a scenario, with its charts, if it is known.

    Changes that are made in another order are others.
    """
    key = _key(base, changes, baseline)
    with _LOCK:
        found = _KEPT.get(key)
        if found is not None:
            _KEPT.move_to_end(key)
    return found


def keep(base: Scenario, baseline: str, made: Answer) -> None:
    """Keep a full answer; the one that was not asked for the longest time makes room."""
    with _LOCK:
        _KEPT[_key(base, made.changes, baseline)] = made
        while len(_KEPT) > 1 and sum(map(_bytes, _KEPT.values())) > MOST:
            _KEPT.popitem(last=False)


def prepare(scenario: Scenario) -> None:
    """Work out the answer to a scenario as it is opened, and all its positions, and keep both."""
    with _PREPARING:
        if find(scenario, {}, answers.CALM) is not None:
            return
        keep(scenario, answers.CALM, answers.charted(*answers.compute(scenario, {})))
        try:
            positions.find(scenario, answers.FIRST)
        except TwinError:  # nothing to decouple
            return


def _bytes(made: Answer) -> int:
    sides = {id(side): side for side in (made.comparison.a, made.comparison.b)}
    series = [values for side in sides.values() for values in side.series.values()]
    return len(made.frames) + sum(values.nbytes for values in series)


def _key(base: Scenario, changes: Mapping[str, Any], baseline: str) -> tuple[str, ...]:
    return base.hash(), json.dumps(changes, default=str), baseline
