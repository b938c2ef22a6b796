"""What a planner may ask next: the other places of the handle, answered while nobody waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from twin.decoupling import positions
from twin.schema import Scenario
from twin.topology import Topology
from viz import answer as answers
from viz.page import known, turns

MOST = 8
"""Most places of the handle that are answered ahead."""


def moves(topology: Topology, family: str = "") -> list[dict[str, Any]]:
    """Return the changes that a move of the handle makes, the nearest places first.

    Parameters
    ----------
    topology
        The network as it is.
    family
        Whose handle it is; empty: all families move together.
    """
    scenario = topology.scenario
    moving = [f for f in scenario.families if family in ("", f.name)]
    stands = {f.name: [p.stage for p in positions(topology, f.name)] for f in moving}
    stages = [s for s in scenario.stages if any(s in found for found in stands.values())]
    here = [stages.index(str(f.decoupling_point)) for f in moving
            if str(f.decoupling_point) in stages]  # fmt: skip
    if not here:
        return []
    away = {s: abs(i - here[0]) for i, s in enumerate(stages) if i != here[0]}
    return [
        {f"families.{name}.decoupling_point": s for name, found in stands.items() if s in found}
        for s in sorted(away, key=away.__getitem__)
    ]


def look(
    base: Scenario,
    changes: Mapping[str, Any],
    topology: Topology,
    baseline: str,
    family: str,
    stop: threading.Event,
) -> None:
    """Work out and keep the answers to the next moves of the handle, until somebody stops it.

    One thread, and it gives way to whoever waits for an answer.
    """
    for asked in _unknown(base, changes, topology, baseline, family):
        with turns.background(stop):
            if stop.is_set():
                return
            if known.find(base, asked, baseline) is not None:  # another page was first
                continue
            made, found = answers.compute(
                base, asked, baseline=baseline, cancelled=stop, threads=1,
                progress=lambda done, total: turns.give_way(stop),
            )  # fmt: skip
            known.keep(base, baseline, answers.charted(made, found))


def _unknown(
    base: Scenario, changes: Mapping[str, Any], topology: Topology, baseline: str, family: str
) -> Iterator[dict[str, Any]]:
    for move in moves(topology, family)[:MOST]:
        asked = {**changes, **move}
        if known.find(base, asked, baseline) is None:
            yield asked
