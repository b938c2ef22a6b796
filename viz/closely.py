"""A closer look at a few replications: what a result does not keep of books, forecasts, devices.

The replications are the first ones of the main run: the same luck, the same numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from twin.arrays import Floats
from twin.compile import Plan
from twin.compile.events import PlacedDevice
from twin.schema import Scenario
from twin.simulation import Simulation
from twin.topology import Topology

BOOKS = ("rows.on_hand", "rows.record")
FORECASTS = ("rows.forecast", "rows.signal")
REPLICATIONS = 16
MOST = 30_000_000
"""Most numbers that are recorded at once (240 MB); big networks get fewer replications."""


@dataclass(frozen=True)
class Closer:
    """What a few replications came to.

    Attributes
    ----------
    topology
        The network.
    series
        ``rows.on_hand``, ``rows.record``, and where anything is forecast ``rows.forecast`` and
        ``rows.signal`` (what the forecaster saw): name -> ``(periods, n, K)``, in units.
    devices
        Devices in use.
    reading, read_at
        Last reading and its period (-1: none yet) of each device, ``(d, K)``.
    periods
        How many periods were run.
    """

    topology: Topology
    series: Mapping[str, Floats]
    devices: tuple[PlacedDevice, ...]
    reading: Floats
    read_at: Floats
    periods: int


@dataclass(frozen=True)
class _Network:
    """A topology that equals any other of the same scenario."""

    key: str
    topology: Topology = field(compare=False)


def look_closely(
    topology: Topology, replications: int = REPLICATIONS, until: int | None = None
) -> Closer:
    """Run a few replications and keep what the side panel shows; remembered for a while.

    Parameters
    ----------
    topology
        The network, as :attr:`twin.result.Result.topology`.
    replications
        How many at most.
    until
        Stop after so many periods; default: the horizon.
    """
    s: Scenario = topology.scenario
    periods = s.horizon if until is None else max(1, min(until, s.horizon))
    return _run(_Network(s.model_dump_json(), topology), replications, periods)


@functools.lru_cache(maxsize=3)
def _run(network: _Network, replications: int, periods: int) -> Closer:
    plan = Plan.of(network.topology)
    names = BOOKS + (FORECASTS if plan.switches.forecasts else ())
    cells = periods * plan.n_rows
    if 2 * cells * len(names) > MOST:
        names = BOOKS
    # two at least: a single replication runs in a kernel of its own, which may not be compiled yet
    K = max(2, min(replications, MOST // max(1, cells * len(names))))
    sim = Simulation(plan, K, record=names, horizon=periods)
    sim.advance(periods)
    devices = sim.world.devices
    shape = (len(plan.devices), K)
    return Closer(
        topology=network.topology,
        series=sim.series(),
        devices=plan.devices,
        reading=devices.reading.reshape(shape).copy(),
        read_at=devices.read_at.reshape(shape).copy(),
        periods=periods,
    )
