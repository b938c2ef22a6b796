"""What runs have in common until something is disrupted, worked out once.

Networks that differ in their disruptions alone are the same to the last bit under the same luck,
until the first of these disruptions begins. A stress test stops a thousand sites in turn at the
same time: all but one of its runs can begin there.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from twin.arrays import Floats
from twin.simulation import Simulation

MOST_BYTES = 200_000_000
"""Memory that the beginnings of one scenario may take; further blocks begin at the beginning."""


@dataclass(frozen=True)
class Beginning:
    """A block of replications at the start of a period, before anything was disrupted.

    Attributes
    ----------
    t
        The period.
    state
        Copies of :meth:`twin.simulation.Simulation.changing`.
    past
        Copies of what was recorded: ``(chosen, t, things * K)`` of rows, links and sinks.
    window
        What was noted where the evaluation window began, nothing before.
    """

    t: int
    state: tuple[Floats, ...]
    past: tuple[Floats, ...]
    window: Any

    @property
    def size(self) -> int:
        """Bytes."""
        return _bytes((*self.state, *self.past))


class Beginnings:
    """Beginnings of the blocks of one scenario, for runs that differ in their disruptions alone."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, Beginning] = {}

    def take(self, sim: Simulation) -> Any:
        """Put a block that has not run yet where another one had nothing disrupted, if one had.

        Returns
        -------
        The ``window`` that was kept; nothing where it had not begun.
        """
        begun = self._kept.get(_same(sim))
        if begun is None or begun.t > quiet_until(sim):
            return None
        for mine, array in zip(sim.changing(), begun.state, strict=True):
            mine[...] = array
        for mine, array in zip(_recorded(sim), begun.past, strict=True):
            mine[:, : begun.t] = array
        sim.t = begun.t
        return begun.window

    def keep(self, sim: Simulation, window: Any) -> None:
        """Keep a block as it stands for those to come; the earlier of two serves more of them."""
        same = _same(sim)
        known = self._kept.get(same)
        if known is not None and known.t <= sim.t:
            return
        state = sim.changing()
        past = tuple(array[:, : sim.t] for array in _recorded(sim))
        others = sum(one.size for key, one in self._kept.items() if key != same)
        if others + _bytes((*state, *past)) > MOST_BYTES:
            return
        self._kept[same] = Beginning(sim.t, _copies(state), _copies(past), window)


def quiet_until(sim: Simulation) -> int:
    """Return the first period that is disrupted in some replication of a block; 0: do not ask.

    Where decoupling points move by plan a run is more than its arrays.
    """
    if sim.plan.topology.scenario.moves:
        return 0
    events = sim.world.events
    return int(events.start[events.happens > 0].min(initial=sim.horizon))


def _same(sim: Simulation) -> Hashable:
    """Return what two runs must share besides their scenario without disruptions."""
    return sim.K, sim.k0, sim.seed, sim.switches, sim.recorded, sim.plan.layout_of_events


def _bytes(arrays: tuple[Floats, ...]) -> int:
    return sum(array.nbytes for array in arrays)


def _copies(arrays: tuple[Floats, ...]) -> tuple[Floats, ...]:
    return tuple(array.copy() for array in arrays)


def _recorded(sim: Simulation) -> tuple[Floats, ...]:
    return sim.history.rows, sim.history.links, sim.history.sinks
