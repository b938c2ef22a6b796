"""Luck for the naive simulator: the engine's own numbers, drawn one at a time by name."""

from __future__ import annotations

import numpy as np

from twin import rng
from twin.demand import compile_demand, draw_demand
from twin.distributions import build_lead_tables, count_quantile, lead_quantile
from twin.topology import Topology


class Luck:
    """Everything random in one replication of a scenario.

    Parameters
    ----------
    topology
        The scenario's stock points, links and sinks.
    seed, replication
        The luck and the draw of it.
    """

    def __init__(self, topology: Topology, seed: int, replication: int) -> None:
        self._scenario = topology.scenario
        self._seed = np.uint64(seed)
        self._k = replication
        self._demand = compile_demand(topology.sinks, topology.scenario)
        self._sink = {s.name: s.index for s in topology.sinks}
        self._leads = build_lead_tables(e.lead_time for e in topology.links)
        self._link = {e.name: e.index for e in topology.links}

    def demand(self, sink_name: str, t: int, multiplier: float) -> float:
        """Demand of one sink and period, in units, whose mean is multiplied."""
        out = np.empty(1)
        factors = np.array([multiplier])
        draw_demand(self._demand, self._seed, self._sink[sink_name], t, self._k, factors, out)
        return float(out[0])

    def lead_time(self, link_name: str, t: int) -> int:
        """Lead time of what a link sends in a period."""
        u = self._uniform(link_name, rng.LEAD_TIME, t)
        return int(lead_quantile(self._leads, self._link[link_name], u))

    def happens(self, disruption_index: int) -> float:
        """Uniform number: a disruption happens when it is below its probability."""
        given = self._scenario.disruptions[disruption_index].name
        name = f"disruption/{given or disruption_index}"
        return self._uniform(name, rng.HAPPENS, 0)

    def shrink(self, point_name: str, t: int, rate: float) -> float:
        """Units that vanish unseen from a stock point."""
        return float(count_quantile(rate, 1.0, self._uniform(point_name, rng.SHRINK, t)))

    def scan(self, point_name: str, t: int) -> float:
        """Standard normal error of a stock point's receipt scan."""
        return self._normal(point_name, rng.SCAN, t)

    def reading(self, device_name: str, t: int) -> float:
        """Standard normal noise of a device's reading."""
        return self._normal(device_name, rng.READING, t)

    def reading_lost(self, device_name: str, t: int) -> float:
        """Uniform number: a reading is lost when it is below the device's loss."""
        return self._uniform(device_name, rng.READING_LOSS, t)

    def adopted(self, device_name: str) -> float:
        """Uniform number: a device is in use when it is below its owner's share.

        It depends on the scenario's own seed only: every replication has the same devices.
        """
        stream = np.uint64(rng.stream_of(device_name))
        return float(rng.uniform(np.uint64(self._scenario.seed), stream, rng.ADOPTION, 0, 0))

    def _uniform(self, name: str, purpose: int, t: int) -> float:
        stream = np.uint64(rng.stream_of(name))
        return float(rng.uniform(self._seed, stream, purpose, t, self._k))

    def _normal(self, name: str, purpose: int, t: int) -> float:
        return float(rng.normal_quantile(self._uniform(name, purpose, t)))
