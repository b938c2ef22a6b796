"""Disruptions: what each kind scales or blocks between its start and its end.

To add one: write a jitted function with this signature, decorate it with the things it hits, and
add its line to :func:`strike`. ``p`` is a position in the event's target list, ``phi`` its
strength now (1 in full effect, falling over the ramp).
"""

from __future__ import annotations

from twin.arrays import (
    FX_LINK,
    FX_ROW,
    Effects,
    Events,
)
from twin.jit import inner
from twin.registry import Registry

DISRUPTIONS = Registry()


@DISRUPTIONS.add("outage", hits="rows", uses=("severity", "where"))
@inner
def outage(e: int, x: int, j: int, phi: float, now: bool, ev: Events, fx: Effects) -> None:
    """A site neither orders, makes nor ships; it does receive, and its orders queue."""
    share = ev.severity[e] * phi
    fx.row[FX_ROW.work, j] *= 1.0 - share
    if share >= 1.0:
        fx.row[FX_ROW.can_order, j] = 0.0


@DISRUPTIONS.add("capacity_loss", hits="capacity", uses=("severity", "where", "resource"))
@inner
def capacity_loss(
    e: int, x: int, j: int, phi: float, now: bool, ev: Events, fx: Effects
) -> None:
    """Production, or a shared resource, loses a share of its capacity."""
    share = ev.severity[e] * phi
    if x == 0:
        fx.link[FX_LINK.capacity, j] *= 1.0 - share
    else:
        fx.limit[j] *= 1.0 - share


@DISRUPTIONS.add("lane_closed", hits="lanes", uses=("lane",))
@inner
def lane_closed(
    e: int, x: int, j: int, phi: float, now: bool, ev: Events, fx: Effects
) -> None:
    """A lane closes: what is due arrives, the rest stands still, new dispatches start behind."""
    if phi >= 1.0:
        fx.link[FX_LINK.closed, j] = 1.0


@DISRUPTIONS.add("lead_time_stretch", hits="lanes", uses=("lane", "factor"), needs_factor=True)
@inner
def lead_time_stretch(
    e: int, x: int, j: int, phi: float, now: bool, ev: Events, fx: Effects
) -> None:
    """New dispatches on a lane take longer (or shorter) by a factor."""
    fx.link[FX_LINK.stretch, j] *= 1.0 + (ev.factor[e] - 1.0) * phi


@DISRUPTIONS.add("demand_change", hits="sinks", uses=("where", "factor"), needs_factor=True)
@inner
def demand_change(
    e: int, x: int, j: int, phi: float, now: bool, ev: Events, fx: Effects
) -> None:
    """Customers want more (a surge) or less (a collapse) by a factor."""
    fx.demand[j] *= 1.0 + (ev.factor[e] - 1.0) * phi


@DISRUPTIONS.add("mix_shift", hits="mix", uses=("family", "shares"))
@inner
def mix_shift(
    e: int, x: int, j: int, phi: float, now: bool, ev: Events, fx: Effects
) -> None:
    """Demand moves between the items of a family; the total stays."""
    fx.demand[j] *= 1.0 + (ev.target_factor[x] - 1.0) * phi


@DISRUPTIONS.add("stock_destruction", hits="rows", uses=("severity", "where"))
@inner
def stock_destruction(
    e: int, x: int, j: int, phi: float, now: bool, ev: Events, fx: Effects
) -> None:
    """A share of the stock is lost at once, and the books know it."""
    if now:
        fx.row[FX_ROW.destroy, j] = 1.0 - (1.0 - fx.row[FX_ROW.destroy, j]) * (1.0 - ev.severity[e])


@DISRUPTIONS.add("ordering_down", hits="rows", uses=("where",))
@inner
def ordering_down(
    e: int, x: int, j: int, phi: float, now: bool, ev: Events, fx: Effects
) -> None:
    """A site places no orders; everything else goes on."""
    if phi >= 1.0:
        fx.row[FX_ROW.can_order, j] = 0.0


@DISRUPTIONS.add("dispatch_stop", hits="links", uses=("where",))
@inner
def dispatch_stop(
    e: int, x: int, j: int, phi: float, now: bool, ev: Events, fx: Effects
) -> None:
    """Nothing is shipped to a site; the goods stay on hand and owed at the sender."""
    if phi >= 1.0:
        fx.link[FX_LINK.stopped, j] = 1.0


@DISRUPTIONS.add("dock_closed", hits="rows", uses=("where",))
@inner
def dock_closed(
    e: int, x: int, j: int, phi: float, now: bool, ev: Events, fx: Effects
) -> None:
    """Arrivals wait at the gate of a site, still on order."""
    if phi >= 1.0:
        fx.row[FX_ROW.dock, j] = 1.0


@DISRUPTIONS.add("device_fault", hits="devices", uses=("where", "factor"))
@inner
def device_fault(
    e: int, x: int, j: int, phi: float, now: bool, ev: Events, fx: Effects
) -> None:
    """Devices fall silent, or lie by a factor when one is given."""
    if phi >= 1.0:
        fx.device[j] *= ev.factor[e]  # NaN: silent


@DISRUPTIONS.add("wrong_upload", hits="rows", uses=("where", "factor"), needs_factor=True)
@inner
def wrong_upload(
    e: int, x: int, j: int, phi: float, now: bool, ev: Events, fx: Effects
) -> None:
    """A wrong stock file multiplies the books by a factor once."""
    if now:
        fx.row[FX_ROW.upload, j] *= ev.factor[e]


@inner
def strike(
    e: int, x: int, j: int, phi: float, now: bool, ev: Events, fx: Effects
) -> None:
    """Let one event act on one target; one line per registered kind, in order."""
    kind = ev.kind[e]
    if kind == 0:
        outage(e, x, j, phi, now, ev, fx)
    elif kind == 1:
        capacity_loss(e, ev.target_kind[x], j, phi, now, ev, fx)
    elif kind == 2:
        lane_closed(e, x, j, phi, now, ev, fx)
    elif kind == 3:
        lead_time_stretch(e, x, j, phi, now, ev, fx)
    elif kind == 4:
        demand_change(e, x, j, phi, now, ev, fx)
    elif kind == 5:
        mix_shift(e, x, j, phi, now, ev, fx)
    elif kind == 6:
        stock_destruction(e, x, j, phi, now, ev, fx)
    elif kind == 7:
        ordering_down(e, x, j, phi, now, ev, fx)
    elif kind == 8:
        dispatch_stop(e, x, j, phi, now, ev, fx)
    elif kind == 9:
        dock_closed(e, x, j, phi, now, ev, fx)
    elif kind == 10:
        device_fault(e, x, j, phi, now, ev, fx)
    elif kind == 11:
        wrong_upload(e, x, j, phi, now, ev, fx)


@inner
def strength(ev: Events, e: int, k: int, K: int, t: int) -> float:
    """Strength of an event in period ``t``: 1, then linear recovery, 0 outside."""
    j = e * K + k
    if ev.happens[j] == 0.0:
        return 0.0
    since = t - ev.start[j]
    if since < 0:
        return 0.0
    if since < ev.duration[e]:
        return 1.0
    late = since - ev.duration[e]
    if late < ev.ramp[e]:
        return 1.0 - (late + 1) / (ev.ramp[e] + 1)
    return 0.0


@inner
def disrupt(t: int, K: int, ev: Events, fx: Effects) -> bool:
    """Set this period's effects; return whether anything is disturbed now."""
    fx.row[FX_ROW.work, :] = 1.0
    fx.row[FX_ROW.can_order, :] = 1.0
    fx.row[FX_ROW.dock, :] = 0.0
    fx.link[FX_LINK.capacity, :] = 1.0
    fx.link[FX_LINK.closed, :] = 0.0
    fx.link[FX_LINK.stopped, :] = 0.0
    fx.link[FX_LINK.stretch, :] = 1.0
    fx.demand[:] = 1.0
    fx.limit[:] = 1.0
    fx.device[:] = 1.0
    fx.row[FX_ROW.destroy, :] = 0.0
    fx.row[FX_ROW.upload, :] = 1.0
    active = False
    for e in range(ev.kind.size):
        for k in range(K):
            phi = strength(ev, e, k, K, t)
            now = ev.happens[e * K + k] > 0.0 and t == ev.start[e * K + k]
            if phi <= 0.0 and not now:
                continue
            active = True
            for x in range(ev.target_off[e], ev.target_off[e + 1]):
                strike(e, x, ev.target[x] * K + k, phi, now, ev, fx)
    return active


@inner
def any_active(t: int, K: int, ev: Events) -> bool:
    """Return whether any event acts in period ``t`` in any replication."""
    for e in range(ev.kind.size):
        for k in range(K):
            j = e * K + k
            if ev.happens[j] > 0.0 and ev.start[j] <= t <= ev.start[j] + ev.duration[e] + ev.ramp[e]:
                return True
    return False
