"""Who pays for devices and who gains by them, owner by owner and replication by replication."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twin.compile import Plan
from twin.compile.events import place_devices
from twin.engine import Outcome, parts, run_blocks
from twin.money import costs
from twin.run import Progress
from twin.schema import Scenario
from twin.sums import Floats, field, ratio
from twin.topology import Topology, build

LEFT_OUT = ("device", "purchase")
"""Cost lines that are no running cost of an owner's stock points."""

Lines = Mapping[str, list[float | None]]
"""Of one owner: ``running`` and ``devices`` in money per period, ``on_time`` (empty where nobody
buys from the owner), one number per replication each."""


def device_owners(scenario: Scenario) -> list[str]:
    """Return who may adopt devices, in the scenario's order."""
    willing = scenario.model_copy(update={"adoption": {}})  # everyone adopts all
    owners = {placed.owner for placed in place_devices(build(willing))}
    known = list(dict.fromkeys(s.who for s in scenario.sites))
    return [name for name in [*known, *sorted(owners - {*known})] if name in owners]


def by_owner(
    scenario: Scenario,
    replications: int | None = None,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> dict[str, Lines]:
    """Run a scenario and return what each owner's stock points and devices cost.

    Parameters
    ----------
    scenario
        With the adoption that is looked at.
    replications, threads, progress, cancelled
        As in :func:`twin.run`.
    """
    plan = Plan.of(build(scenario))
    count = scenario.replications if replications is None else replications
    (pieces,) = run_blocks(
        [parts(plan, count)], scenario.seed, lambda o: _lines(o), threads=threads,
        progress=progress, cancelled=cancelled,
    )  # fmt: skip
    found: dict[str, Lines] = {}
    for owner in pieces[0]:
        names = pieces[0][owner]
        found[owner] = {n: _plain(np.concatenate([p[owner][n] for p in pieces])) for n in names}
    return found


def _lines(o: Outcome) -> dict[str, dict[str, Floats]]:
    top, K = o.plan.topology, o.replications.size
    lines = costs(o)
    running = np.sum([x for name, x in lines.items() if name not in LEFT_OUT], axis=0)
    paid = _devices(top)
    due, on_time = (field(o, f"sinks.{name}") for name in ("due", "on_time"))
    found = {}
    for owner in dict.fromkeys([*(s.who for s in top.scenario.sites), *paid]):
        rows = [p.index for p in top.points if p.site.who == owner]
        sinks = [s.index for s in top.sinks if s.row in rows]
        if not rows and owner not in paid:
            continue
        found[owner] = {
            "running": running[rows].sum(axis=0) / o.n_periods,
            "devices": np.full(K, paid.get(owner, 0.0)),
        }
        if sinks:
            found[owner]["on_time"] = ratio(on_time[sinks].sum(axis=0), due[sinks].sum(axis=0))
    return found


def _devices(top: Topology) -> dict[str, float]:
    """Return what each owner's adopted devices cost per period."""
    found: dict[str, float] = {}
    for placed in place_devices(top):
        found[placed.owner] = found.get(placed.owner, 0.0) + placed.device.cost
    return found


def _plain(values: Floats) -> list[float | None]:
    return [None if np.isnan(x) else float(x) for x in values]


def array(values: Sequence[Any]) -> Floats:
    """Return numbers that went through JSON, ``(R,)``; undefined ones are NaN."""
    return np.array([np.nan if x is None else x for x in values], float)
