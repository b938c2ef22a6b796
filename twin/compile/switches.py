"""Which optional phases and columns a scenario needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twin.arrays import (
    LINK,
    LINK_FORM,
    LINK_SUM,
    ROW,
    ROW_FORM,
    ROW_SUM,
    SINK,
    STAGE,
    Links,
    LinkSums,
    Network,
    Rows,
    RowSums,
    Sinks,
    Switches,
)
from twin.compile import events as ev
from twin.compile.material import Material
from twin.compile.network import link_column
from twin.memory import Made
from twin.policies import needs_forecast
from twin.schema import Purchase
from twin.topology import Link, Topology


def find_switches(
    top: Topology,
    net: Network,
    material: Material,
    devices: list[ev.PlacedDevice],
    closable: set[int],
    order_driven: Any,
    made: Made,
) -> Switches:
    """Return which optional phases a scenario needs.

    Parameters
    ----------
    top, net, material
        The network, as rows, as arrays and as the order of the material sweep.
    devices
        Adopted devices.
    closable
        Links whose lane closes at some time.
    order_driven
        Rows below a decoupling point, ``(n,)``.
    made
        What was made for a network like this one.
    """
    found = dict(made("rows' switches", (top.points,), lambda: _of_points(top)))
    links = made.each("links' switches", top.links, lambda e: _of_link(top.links[e]))
    found |= made("any link's switches", links, lambda: _of_any(links))
    found |= made("ways", (top.shape,), lambda: _of_shape(top))
    found |= made("sinks' switches", (top.sinks,), lambda: _of_sinks(top))
    found |= _physics(top, net, found, bool(devices))
    driven = bool(top.scenario.moves) or bool(order_driven.any())
    found |= {"driven": driven, "quotes": found["lost_sales"] and driven}
    found |= {"devices": bool(devices), "clocks": bool(closable), "history": False}
    special = bool(net.sweep.stage[STAGE.stage_special].any())
    odd = link_column(net, "special")
    # shipped by an outside supplier, with nothing to round or to draw
    bought = all(top.links[e].kind == "buy" and not odd[e] for e in material.outside)
    hindering = ("disruptions", "records", "shelf_life", "integer")
    hindered = special or bool(material.groups) or any(found[name] for name in hindering)
    found["plain_orders"] = found["alone"] and bool(net.supply.form[LINK_FORM.plain_order].all())
    found |= {"special": special, "bought": bought, "plain": bought and not hindered}
    return Switches(**{name: int(found[name]) for name in Switches._fields})


def _of_points(top: Topology) -> dict[str, bool]:
    """Return what stock points see and decide, and what is lost unseen."""
    settings = [p.settings for p in top.points]
    forecast = [s.forecast.sees for s in settings if needs_forecast(s.policy)]
    kinds = {s.policy.kind for s in settings}
    return {
        "shrinks": any(s.shrink or s.misplacement for s in settings),
        "misreads": any(s.scan_error for s in settings),
        "forecasts": bool(forecast) or "human" in kinds,
        "visibility": any(sees != "orders" for sees in forecast),
        "demand_seen": "demand" in forecast,
        "need": any(s.customers_first for s in settings),
        "lines": "conwip" in kinds,
        "forced": any(s.policy.forced_until for s in settings),
    }


OF_LINK = ("scraps", "prices", "mail")
"""What can happen to orders and goods on the way."""


def _of_link(e: Link) -> tuple[bool, ...]:
    """Return which of ``OF_LINK`` a link does."""
    breaks = isinstance(e.declared, Purchase) and bool(e.declared.breaks)
    return e.yield_ < 1, breaks, bool(e.delay)


def _of_any(links: Sequence[tuple[bool, ...]]) -> dict[str, bool]:
    return {name: any(link[i] for link in links) for i, name in enumerate(OF_LINK)}


def _of_shape(top: Topology) -> dict[str, bool]:
    """Return whether stock points have several sources, and whether all have just one."""
    return {
        "shares": any(len(x) > 1 for x in top.in_links),
        "alone": all(len(x) == 1 for x in top.in_links),
    }


def _of_sinks(top: Topology) -> dict[str, bool]:
    """Return what customers do."""
    return {
        "lost_sales": any(s.demand.unmet == "lost" for s in top.sinks),
        "patience": any(s.demand.patience is not None for s in top.sinks),
    }


def _physics(
    top: Topology, net: Network, found: Mapping[str, bool], devices: bool
) -> dict[str, bool]:
    """Return what can happen to goods and books."""
    scenario = top.scenario
    kinds = {d.kind for d in scenario.disruptions}
    shelf = bool(net.stock.form[ROW_FORM.shelf_life].any())
    return {
        "disruptions": bool(scenario.disruptions),
        "records": found["shrinks"] or found["misreads"] or devices or "wrong_upload" in kinds,
        "losses": found["shrinks"] or shelf or bool(kinds & {"stock_destruction", "wrong_upload"}),
        "shelf_life": shelf,
        "integer": scenario.integer,
        "careful": shelf or (scenario.integer and found["scraps"]),
    }


def loses(on: Switches) -> bool:
    """Return whether customers can be lost, so that accepted is not simply demand."""
    return bool(on.lost_sales or on.patience)


def last_row_column(on: Switches) -> int:
    """Return how many columns of ``Rows`` a scenario needs; the rest is left out."""
    if on.shelf_life:
        return len(Rows._fields)
    if on.lines:
        return ROW.inbound + 1
    if on.need:
        return ROW.need + 1
    if on.records or on.losses:
        return ROW.lost + 1
    if on.visibility:
        return ROW.wanted + on.demand_seen
    return ROW.signal + 1 if on.forecasts else ROW.order + 1


def last_link_column(on: Switches, movable: bool) -> int:
    """Return how many columns of ``Links`` a scenario needs."""
    if on.need or (on.careful and on.integer):
        return len(Links._fields)
    if movable:
        return LINK.cancelled + 1
    if on.clocks or on.disruptions or on.careful or on.records:
        return LINK.clock + 1
    if on.mail:
        return LINK.mailed + 1
    if on.special:
        return LINK.last_due + 1
    return LINK.good_total + 1 if on.shares else LINK.placed + 1


def last_sink_column(on: Switches) -> int:
    """Return how many columns of ``Sinks`` a scenario needs."""
    if loses(on):
        return len(Sinks._fields)
    return SINK.closed_total + 1 if on.plain else SINK.served + 1


def last_sum_column(on: Switches) -> int:
    """Return how many columns of ``RowSums`` a scenario needs."""
    if on.losses or on.records:
        return len(RowSums._fields)
    return ROW_SUM.signal + 1 if on.forecasts else ROW_SUM.net_squared + 1


def last_link_sum_column(on: Switches) -> int:
    """Return how many columns of ``LinkSums`` a scenario needs."""
    if on.disruptions:
        return len(LinkSums._fields)
    return LINK_SUM.purchase + 1 if on.prices else LINK_SUM.placed + 1
