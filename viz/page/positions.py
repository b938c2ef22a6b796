"""All positions of the decoupling point, worked out once for every page that asks for them.

Where the handle stands now changes nothing about what the positions come to, so that a move of
the handle is answered from what is known.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from twin.frontier import frontier
from twin.schema import Scenario

Rows = list[dict[str, Any]]

MOST = 32
"""Most scenarios whose positions are kept."""

_KEPT: OrderedDict[str, Rows] = OrderedDict()


def known(scenario: Scenario, replications: int) -> Rows | None:
    """Return the rows of all positions, with at least so many replications, if they are known."""
    rows = _KEPT.get(key(scenario), [])
    here = {f.name: f.decoupling_point for f in scenario.families}
    now = [all(here[name] == place for name, place in row["positions"].items()) for row in rows]
    if not any(now) or rows[0]["replications"] < replications:
        return None
    return [{**row, "current": is_here} for row, is_here in zip(rows, now, strict=True)]


def find(
    scenario: Scenario,
    replications: int,
    stop: threading.Event | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Rows:
    """Return the rows of all positions, as of :attr:`twin.frontier.Frontier.rows`.

    Each also says its ``replications``. One thread: others may wait for answers.

    Raises
    ------
    TwinError
        If nothing can be decoupled, or it was stopped.
    """
    found = frontier(
        scenario, replications=replications, threads=1, cancelled=stop, progress=progress
    )
    rows = [{**row, "replications": replications} for row in found.rows]
    while len(_KEPT) >= MOST:
        _KEPT.popitem(last=False)
    _KEPT[key(scenario)] = rows
    return rows


def key(scenario: Scenario) -> str:
    """Return what the positions of a scenario depend on: all but where its handles stand."""
    families = [f.model_copy(update={"decoupling_point": None}) for f in scenario.families]
    return scenario.model_copy(update={"families": families}).hash()
