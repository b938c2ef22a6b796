"""Which optional phases and columns a scenario needs."""

from __future__ import annotations

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
    """
    found = _physics(top, net, bool(devices)) | _decisions(top) | _customers(top, order_driven)
    found |= {"devices": bool(devices), "clocks": bool(closable), "history": False}
    special = bool(net.sweep.stage[STAGE.stage_special].any())
    bought = all(_is_bought(top.links[e], net) for e in material.outside)
    hindering = ("disruptions", "records", "shelf_life", "integer")
    hindered = special or bool(material.groups) or any(found[name] for name in hindering)
    alone = all(len(x) == 1 for x in top.in_links)
    found["plain_orders"] = alone and bool(net.supply.form[LINK_FORM.plain_order].all())
    found |= {"special": special, "bought": bought, "plain": bought and not hindered}
    return Switches(**{name: int(value) for name, value in found.items()})


def _physics(top: Topology, net: Network, devices: bool) -> dict[str, bool]:
    """Return what can happen to goods and books."""
    scenario = top.scenario
    kinds = {d.kind for d in scenario.disruptions}
    shrinks = any(p.settings.shrink or p.settings.misplacement for p in top.points)
    records = (
        shrinks
        or any(p.settings.scan_error for p in top.points)
        or devices
        or "wrong_upload" in kinds
    )
    shelf = bool(net.stock.form[ROW_FORM.shelf_life].any())
    scrap = scenario.integer and any(e.yield_ < 1 for e in top.links)
    return {
        "disruptions": bool(scenario.disruptions),
        "records": records,
        "losses": shrinks or shelf or bool(kinds & {"stock_destruction", "wrong_upload"}),
        "shelf_life": shelf,
        "integer": scenario.integer,
        "careful": shelf or scrap,
        "prices": any(isinstance(e.declared, Purchase) and e.declared.breaks for e in top.links),
    }


def _decisions(top: Topology) -> dict[str, bool]:
    """Return what stock points see and decide."""
    settings = [p.settings for p in top.points]
    forecast = [s.forecast.sees for s in settings if needs_forecast(s.policy)]
    kinds = {s.policy.kind for s in settings}
    return {
        "forecasts": bool(forecast) or "human" in kinds,
        "visibility": any(sees != "orders" for sees in forecast),
        "demand_seen": "demand" in forecast,
        "need": any(s.customers_first for s in settings),
        "lines": "conwip" in kinds,
        "forced": any(s.policy.forced_until for s in settings),
        "mail": any(e.delay for e in top.links),
        "shares": any(len(x) > 1 for x in top.in_links),
    }


def _customers(top: Topology, order_driven: Any) -> dict[str, bool]:
    """Return what customers do, and whether anybody works to their orders."""
    lost = any(s.demand.unmet == "lost" for s in top.sinks)
    driven = bool(top.scenario.moves) or bool(order_driven.any())
    return {
        "lost_sales": lost,
        "patience": any(s.demand.patience is not None for s in top.sinks),
        "driven": driven,
        "quotes": lost and driven,
    }


def _is_bought(link: Link, net: Network) -> bool:
    """Return whether an outside supplier ships it, with nothing to round or to draw."""
    return link.kind == "buy" and not link_column(net, "special")[link.index]


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
