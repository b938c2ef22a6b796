"""One design point: replications in blocks until there are enough, and its KPIs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twin import kpis, posterior
from twin.beginnings import Beginnings
from twin.compile import Plan
from twin.engine import Outcome, block_size, run_block
from twin.kpis import KPIS
from twin.kpis.resilience import SERIES, SERVICE
from twin.run import HEAVY, LIGHT
from twin.statistics import interval
from twin.study.changing import keep
from twin.study.schema import Until
from twin.sums import Floats
from twin.topology import Topology

Tick = Callable[[int], None]
"""Told of each stretch of periods x replications that is done; may raise to stop."""

RECORDED = {
    "stockout_frequency": ("sinks.owed", "sinks.lost"),
    "mase": ("rows.signal",),
    "cycle_time_p50": ("sinks.ordered_total", "sinks.closed_total"),
    "cycle_time_p95": ("sinks.ordered_total", "sinks.closed_total"),
    "unserved": SERIES,
}
"""Series that KPIs other than those of resilience need; no other KPI needs any."""

Calm = dict[tuple[int, int], Outcome]
"""Blocks of an undisrupted twin by their size and first replication, thinned out; 80 MB at most."""


@dataclass(frozen=True)
class Found:
    """What one design point came to.

    Attributes
    ----------
    values
        Each wanted KPI, one number per replication: name -> ``(R,)``.
    reached
        Whether the wanted precision was reached (always, where none was wanted).
    """

    values: Mapping[str, Floats]
    reached: bool = True


@dataclass
class Measure:
    """Runs design points under the same luck.

    Attributes
    ----------
    outputs
        Wanted KPIs.
    replications
        How many, unless ``until`` says when they are enough.
    until
        The precision to reach.
    tick
        Told of progress.
    """

    outputs: Sequence[str]
    replications: int
    until: Until | None = None
    tick: Tick | None = None
    _plans: dict[str, Plan] = field(default_factory=dict)
    _calms: dict[str, Calm] = field(default_factory=dict)
    _begun: tuple[str, Beginnings] = field(default_factory=lambda: ("", Beginnings()))

    def __call__(self, topology: Topology, key: str) -> Found:
        """Return what a network comes to; no number depends on what was run before.

        Parameters
        ----------
        topology
            The network, its scenario within.
        key
            Shared by networks that differ in their disruptions alone, see
            :class:`twin.study.changing.Changing`.
        """
        runners = self._runners(topology, key)
        parts: list[Mapping[str, Floats]] = []
        done = 0
        for target in self._stages():
            parts += _blocks(runners, done, target)
            done = target
            if self.until is None or self._narrow(self.until, parts):
                return Found(_joined(parts))
        return Found(_joined(parts), reached=False)

    def _runners(self, topology: Topology, key: str) -> list[_Runner]:
        """Return one compiled scenario, or one for each draw of what calibration is not sure of."""
        scenario = topology.scenario
        draws = scenario.posterior.size
        if not draws:
            begun = self._beginnings(key)
            calm = keep(self._calms, key, self._calms.get(key, {}))
            return [_Runner(self._plan(topology, key), self.outputs, calm, self.tick, begun)]
        most = self.replications if self.until is None else self.until.maximum
        plans = posterior.plans(scenario, min(draws, most))
        return [_Runner(plan, self.outputs, {}, self.tick) for plan in plans]

    def _beginnings(self, key: str) -> Beginnings | None:
        """Return what points of a key have in common, from its second one on: most come alone."""
        if key not in self._calms:
            return None
        if self._begun[0] != key:
            self._begun = key, Beginnings()
        return self._begun[1]

    def _stages(self) -> Iterator[int]:
        """Yield after how many replications to look at the interval."""
        if self.until is None:
            yield self.replications
            return
        n = self.until.minimum
        while n < self.until.maximum:
            yield n
            n += self.until.block
        yield self.until.maximum

    def _narrow(self, until: Until, parts: Sequence[Mapping[str, Floats]]) -> bool:
        values = np.concatenate([part[until.kpi] for part in parts])
        _, low, high, _ = interval(values, KPIS[until.kpi].extra["within"])
        return bool((high - low) / 2 <= until.half_width)  # no interval, not narrow

    def _plan(self, topology: Topology, key: str) -> Plan:
        like = self._plans.get(key) or next(reversed(self._plans.values()), None)
        return keep(self._plans, key, Plan.of(topology, like))


def _blocks(runners: Sequence[_Runner], k0: int, stop: int) -> list[dict[str, Floats]]:
    """Return the KPIs of replications ``k0 ... stop``; each takes the next draw, if there are."""
    if len(runners) == 1:
        return runners[0].blocks(k0, stop)
    return [runners[k % len(runners)].blocks(k, k + 1)[0] for k in range(k0, stop)]


class _Runner:
    """One compiled scenario, with what is kept of its undisrupted twin."""

    def __init__(
        self, plan: Plan, outputs: Sequence[str], calm: Calm, tick: Tick | None,
        beginnings: Beginnings | None = None,
    ) -> None:  # fmt: skip
        self.plan, self.outputs, self.calm, self.tick = plan, outputs, calm, tick
        self.beginnings = beginnings
        self.scenario = plan.topology.scenario
        self.calm_plan: Plan | None = None
        disrupted = any(d.probability > 0 for d in self.scenario.disruptions)
        self.paired = disrupted and any(KPIS[name].extra.get("paired") for name in outputs)
        wanted = [name for output in outputs for name in RECORDED.get(output, ())]
        self.record = tuple(dict.fromkeys([*(SERIES if self.paired else ()), *wanted]))

    def blocks(self, k0: int, stop: int) -> list[dict[str, Floats]]:
        """Return the KPIs of replications ``k0 ... stop``, block by block."""
        size = self._size()
        return [self._block(min(size, stop - k), k) for k in range(k0, stop, size)]

    def _size(self) -> int:
        """Return how many replications a block may have, its recorded series within bounds."""
        top = self.plan.topology
        things = {"rows": len(top.points), "links": len(top.links), "sinks": len(top.sinks)}
        cells = self.scenario.horizon * sum(things[n.partition(".")[0]] for n in self.record)
        return max(1, min(block_size(self.plan.n_rows), HEAVY // max(1, cells)))

    def _block(self, K: int, k0: int) -> dict[str, Floats]:
        o = self._run(self.plan, K, k0, self.record, self.beginnings)
        found = kpis.undefined_paired(o)
        if self.paired:
            found = kpis.compute_paired(kpis.thin(o), self._calm_block(K, k0))
        return {name: found[name] if name in found else _kpi(name, o) for name in self.outputs}

    def _calm_block(self, K: int, k0: int) -> Outcome:
        kept = self.calm
        if (K, k0) not in kept:
            if self.calm_plan is None:
                calm = self.scenario.model_copy(update={"disruptions": []})
                self.calm_plan = Plan.of(calm, self.plan)
            found = kpis.thin(self._run(self.calm_plan, K, k0, SERIES))
            if len(SERVICE) * self.scenario.horizon * (k0 + K) > LIGHT:
                return found
            kept[K, k0] = found
        return kept[K, k0]

    def _run(
        self, plan: Plan, K: int, k0: int, record: Sequence[str], begun: Beginnings | None = None
    ) -> Outcome:
        def told(n: int) -> None:
            if self.tick is not None:
                self.tick(n * K)

        return run_block(plan, K, k0, self.scenario.seed, record, told, begun)


def _kpi(name: str, o: Outcome) -> Floats:
    """Return one KPI as :func:`twin.kpis.compute` returns all of them, ``(K,)``."""
    found = np.asarray(KPIS[name].function(o), float)
    return np.broadcast_to(found, (o.replications.size,)).copy()


def _joined(parts: Sequence[Mapping[str, Floats]]) -> dict[str, Any]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
