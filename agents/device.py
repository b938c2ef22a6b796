"""A device as a Mesa agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mesa
import numpy as np

from agents.stock import StockPoint
from agents.values import Floats, amount
from twin.compile.events import PlacedDevice

if TYPE_CHECKING:
    from agents.model import TwinModel


class DeviceAgent(mesa.Agent):
    """A device that its owner has adopted: what it reports, and how old that is.

    Numbers are of one replication, or ``(K,)`` arrays where the model runs several.

    Parameters
    ----------
    model
        The model.
    number
        Its place in the plan's devices.
    placed
        What and where it is.
    """

    model: TwinModel

    def __init__(self, model: TwinModel, number: int, placed: PlacedDevice) -> None:
        super().__init__(model)
        self.number = number
        self.placed = placed
        K = model.replications
        self._at = slice(number * K, number * K + K)

    @property
    def name(self) -> str:
        """``kind@site/item``."""
        return self.placed.name

    @property
    def kind(self) -> str:
        """Registered kind of device."""
        return self.placed.device.kind

    @property
    def owner(self) -> str:
        """Who adopted it."""
        return self.placed.owner

    @property
    def place(self) -> StockPoint:
        """The stock point that it watches."""
        point = self.model.plan.topology.points[self.placed.row]
        return self.model.point(point.site.name, point.item.name)

    @property
    def last_reading(self) -> Any:
        """What it reported last, in the units of its kind; nan before the first reading."""
        devices = self.model.sim.world.devices
        return self._shown(np.where(self._read_at() < 0, np.nan, devices.reading[self._at]))

    @property
    def age(self) -> Any:
        """Periods since the last reading, 0 if it is of the last period; inf before the first."""
        at = self._read_at()
        return self._shown(np.where(at < 0, np.inf, self.model.sim.t - 1 - at))

    @property
    def missed(self) -> Any:
        """Readings in a row that were due since the last one and did not come."""
        return self._shown(self._missed())

    @property
    def health(self) -> str:
        """``ok``, ``silent`` (a due reading is missing) or ``waiting`` (none was due yet).

        Of several replications the worst.
        """
        if self._missed().max() > 0:
            return "silent"
        return "waiting" if self._read_at().min() < 0 else "ok"

    def _read_at(self) -> Floats:
        return self.model.sim.world.devices.read_at[self._at]

    def _missed(self) -> Floats:
        """Count missing readings; they are due at ``t = phase (mod period)``."""
        device, at = self.placed.device, self._read_at()
        due = (self.model.sim.t - 1 - device.phase) // device.period  # number of the last one due
        never = -(device.phase // device.period) - 1  # the number before the first one
        seen = np.where(at < 0, never, (at - device.phase) // device.period)
        return np.maximum(0.0, due - seen)

    def _shown(self, values: Floats) -> Any:
        return float(values[0]) if values.size == 1 else values

    def __repr__(self) -> str:
        state = "closed"
        if not self.model.closed:
            state = self.health
            if state != "waiting":
                reading = amount(self.last_reading)
                state = f"last reading {reading}, age {amount(self.age)}, {state}"
        return f"Device('{self.name}', owner {self.owner}, {state})"
