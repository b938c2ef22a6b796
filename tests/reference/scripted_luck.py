"""Luck without random numbers: recorded demand, mean lead times, nothing lost."""

from __future__ import annotations

from tests.reference.naive_network import half_up
from twin.distributions import lead_time_moments
from twin.topology import Topology


class ScriptedLuck:
    """Recorded demand lists (by sink name), lead times at their rounded means, no losses.

    Without a list for a sink, its own recorded values or its constant mean are used.
    """

    def __init__(self, topology: Topology, demand: dict[str, list[float]] | None = None) -> None:
        self._demand = dict(demand or {})
        for s in topology.sinks:
            if s.name not in self._demand:
                self._demand[s.name] = list(s.demand.values or [])
        self._mean = {s.name: s.demand.mean or 0.0 for s in topology.sinks}
        self._lead = {e.name: half_up(lead_time_moments(e.lead_time)[0]) for e in topology.links}

    def demand(self, sink_name: str, t: int, multiplier: float) -> float:
        given = self._demand[sink_name]
        value = self._mean[sink_name] if not given else given[t] if t < len(given) else 0.0
        return value * multiplier

    def lead_time(self, link_name: str, t: int) -> int:
        return self._lead[link_name]

    def happens(self, disruption_index: int) -> float:
        return 0.0

    def shrink(self, point_name: str, t: int, rate: float) -> float:
        return 0.0

    def scan(self, point_name: str, t: int) -> float:
        return 0.0

    def reading(self, device_name: str, t: int) -> float:
        return 0.0

    def reading_lost(self, device_name: str, t: int) -> float:
        return 1.0

    def adopted(self, device_name: str) -> float:
        return 0.0
