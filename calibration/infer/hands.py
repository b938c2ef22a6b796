"""What was observed from outside, put into a simulation period by period; what was not, drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibration.infer.alike import exp
from twin.arrays import NET_LINK, THETA
from twin.schema import Forecast
from twin.simulation import Simulation

Floats = npt.NDArray[np.float64]

_FORECAST, _VARIANCE = 0.2, 0.5  # log sd of the first forecast and of its error's variance


class Supply(NamedTuple):
    """How far deliveries had come in each period, ``(T,)`` each, whatever was ordered.

    Attributes
    ----------
    opening
        Units received so far of what was ordered before the record.
    whole, part
        All orders of the first ``whole`` periods had been delivered, and this part of the next.
    """

    opening: Floats
    whole: npt.NDArray[np.int64]
    part: Floats


def step(sim: Simulation, n: int, hands: Sequence[Iterator[None]]) -> None:
    """Advance ``n`` periods; before each of them every hand puts something in."""
    for _ in range(n):
        for hand in hands:
            next(hand)
        sim.advance(1)


def smoothing(
    sim: Simulation, spec: Forecast, signal: Floats, rows: Sequence[int]
) -> Iterator[None]:
    """Put in, period by period, the forecasts of some rows that see something but their own orders.

    Parameters
    ----------
    sim
        Its forecasts of these rows are constant by themselves.
    spec
        How they forecast.
    signal
        What they see, ``(T,)`` units.
    rows
        Rows of the simulation.
    """
    at = list(rows)
    path = _moving_average(signal, spec.window)
    forecast, variance = sim.rows("forecast"), sim.rows("variance")
    share = np.array([sim.parameters(i)[THETA.forecast_smoothing] for i in at])
    averaged = spec.kind == "moving_average"
    for t, seen in enumerate(signal):
        error = seen - forecast[at]
        variance[at] += spec.error_smoothing * (error**2 - variance[at])
        forecast[at] = path[t] if averaged else forecast[at] + share * error
        yield


def deliveries(sim: Simulation, supply: Supply, links: Sequence[int]) -> Iterator[None]:
    """Let deliveries through, period by period, as a record says, from pools that purchases fill.

    Parameters
    ----------
    sim
        Purchases of these links have a lead time of 1.
    supply
        What has come, whatever was ordered.
    links
        Links of the simulation.
    """
    at = list(links)
    net, slots = sim.world.network.supply, sim.world.rings.reshape(-1, sim.K)
    first = net.link[NET_LINK.transit_off, at]
    pool, came = np.zeros((len(first), sim.K)), np.zeros((len(first), sim.K))
    before = np.zeros_like(pool)  # ordered up to the period that deliveries have come to
    last = 0
    orders: list[Floats] = []
    for opening, whole, part in zip(*supply, strict=True):
        pool += slots[first]
        for order in orders[last : int(whole)]:
            before += order
        last = max(last, int(whole))
        due = opening + before + (part * orders[last] if part > 0 else 0.0)
        now = np.clip(due - came, 0.0, pool)
        if sim.switches.integer:
            now = np.floor(now + 1e-9)
        slots[first] = now
        pool -= now
        came += now
        yield
        orders.append(sim.links("placed")[at].copy())


def unsettle(sim: Simulation, seed: int, first: int) -> None:
    """Draw what the forecast was before the record began: nobody knows."""
    rng = np.random.default_rng((seed, first))
    for name, spread in (("forecast", _FORECAST), ("variance", _VARIANCE)):
        state = sim.rows(name)
        state *= exp(spread * rng.standard_normal(state.shape))


def _moving_average(x: Floats, window: int) -> Floats:
    """Return the mean of the last ``window`` values; before the record: of all of them."""
    total = np.cumsum(np.concatenate([np.full(window, x.mean()), x]))
    return np.asarray((total[window:] - total[:-window])[: len(x)] / window)
