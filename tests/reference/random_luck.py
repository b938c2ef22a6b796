"""Seeded luck in plain Python, for laws that must hold whatever is drawn."""

from __future__ import annotations

import math
import random

from tests.reference.naive_network import half_up
from twin.distributions import demand_moments, lead_time_moments
from twin.topology import Topology


class RandomLuck:
    """Every draw depends only on seed, purpose, name and period; only the moments are right."""

    def __init__(self, topology: Topology, seed: int) -> None:
        self._seed = seed
        self._demands = {s.name: s.demand for s in topology.sinks}
        self._leads = {e.name: e.lead_time for e in topology.links}

    def _dice(self, *what: object) -> random.Random:
        return random.Random(f"{self._seed}/{what}")

    def demand(self, sink_name: str, t: int, multiplier: float) -> float:
        d = self._demands[sink_name]
        if d.kind == "recorded":
            return (d.values[t] if t < len(d.values) else 0.0) * multiplier
        mean, variance = demand_moments(d)
        drawn = self._dice("demand", sink_name, t).gauss(mean, math.sqrt(variance))
        return max(0.0, drawn) * multiplier

    def lead_time(self, link_name: str, t: int) -> int:
        mean, variance = lead_time_moments(self._leads[link_name])
        drawn = self._dice("lead", link_name, t).gauss(mean, math.sqrt(variance))
        return max(0, half_up(drawn))

    def happens(self, disruption_index: int) -> float:
        return self._dice("happens", disruption_index).random()

    def shrink(self, point_name: str, t: int, rate: float) -> float:
        dice, count, left = self._dice("shrink", point_name, t), 0, math.exp(-rate)
        product = dice.random()
        while product > left:
            count += 1
            product *= dice.random()
        return float(count)

    def scan(self, point_name: str, t: int) -> float:
        return self._dice("scan", point_name, t).gauss(0, 1)

    def reading(self, device_name: str, t: int) -> float:
        return self._dice("reading", device_name, t).gauss(0, 1)

    def reading_lost(self, device_name: str, t: int) -> float:
        return self._dice("lost", device_name, t).random()

    def adopted(self, device_name: str) -> float:
        return self._dice("adopted", device_name).random()
