"""The table of devices: whose they are, whether they report, how old and how right it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from twin.compile.events import PlacedDevice, place_devices, rows_where
from twin.devices import DEVICES
from twin.errors import ScenarioError
from twin.names import nearest
from twin.result import Result, words
from twin.schema import Device, Scenario
from twin.topology import Topology, build
from viz import look
from viz.closely import Closer, look_closely
from viz.edits import set_value

HEALTH = {
    "ok": "reports as it should",
    "late": "the last reading that was due is missing",
    "silent": "several readings in a row are missing",
    "waiting": "no reading was due yet",
    "not adopted": "its owner does not use it",
}
"""What can be said of a device, in words."""

Row = dict[str, Any]


def devices(
    where: Result | Scenario | Topology,
    site: str | None = None,
    at: int | None = None,
    closer: Closer | None = None,
) -> list[Row]:
    """Return one row for every device, in use or not.

    Parameters
    ----------
    where
        A result, a scenario or its network.
    site
        Only the devices there.
    at
        The period after which to look; default: the end of the run.
    closer
        Replications at hand, see :func:`viz.closely.look_closely`; else a few are run.

    Returns
    -------
    list
        Of each: ``name`` (``kind@site/item``), ``thing`` (for its controls), ``kind``, ``label``,
        ``place``, ``site``, ``item``, ``owner``, ``adopted``, ``health`` (a key of
        :data:`HEALTH`), ``words``; of the first replication ``reading`` with its ``unit`` and
        ``age`` (periods since then), none before the first reading; of all replications after the
        warm-up ``error`` (mean of record minus truth) and ``error_abs`` (mean size), in units;
        ``cost`` a period with its ``cost_unit``.
    """
    top = _network(where)
    declared = _declared(top)
    if not declared:
        return []
    seen = closer or look_closely(top, until=at)
    number = {d.name: n for n, d in enumerate(seen.devices)}
    found = []
    for name, (index, placed) in declared.items():
        if site is None or top.points[placed.row].site.name == site:
            row = _about(top, name, index, placed)
            found.append(row | _state(seen, number.get(name), placed) | _error(seen, placed.row))
    return found


def owners(where: Result | Scenario | Topology) -> list[Row]:
    """Return who has devices: ``owner``, how many (``devices``), in use (``used``), ``share``."""
    top = _network(where)
    used = [d.owner for d in place_devices(top)]
    everyone = [placed.owner for _, placed in _declared(top).values()]
    return [
        {"owner": o, "label": look.said(o), "devices": everyone.count(o), "used": used.count(o),
         "share": top.scenario.adoption.get(o, 1.0)}
        for o in sorted(set(everyone))
    ]  # fmt: skip


def adoption_changes(
    scenario: Scenario, changes: Mapping[str, Any], owner: str, share: float
) -> dict[str, Any]:
    """Return the changes with another share of an owner's devices in use.

    Parameters
    ----------
    scenario, changes
        The base and what was changed so far.
    owner
        Who decides.
    share
        0 none, 1 all.

    Raises
    ------
    ScenarioError
        If the owner has no devices or the share is none.
    """
    known = {row["owner"] for row in owners(scenario)}
    if owner not in known:
        msg = f"'{owner}' has no devices in scenario '{scenario.name}'; {nearest(owner, known)}"
        raise ScenarioError(msg)
    if not 0 <= share <= 1:
        msg = f"adoption of '{owner}' = {share:g}; must be a share from 0 (none) to 1 (all)"
        raise ScenarioError(msg)
    return set_value(changes, f"adoption.{owner}", share)


def _network(where: Result | Scenario | Topology) -> Topology:
    if isinstance(where, Scenario):
        return build(where)
    return where if isinstance(where, Topology) else where.topology


def _declared(top: Topology) -> dict[str, tuple[int, PlacedDevice]]:
    """Return all devices by name with the number of their entry; a later one replaces another."""
    found = {}
    for n, device in enumerate(top.scenario.devices):
        for row in rows_where(top, device.where):
            point = top.points[row]
            name = f"{device.kind}@{point.name}"
            found[name] = (n, PlacedDevice(name, row, device, device.owner or point.site.who))
    return dict(sorted(found.items()))


def _about(top: Topology, name: str, index: int, placed: PlacedDevice) -> Row:
    """Return what is fixed of a device."""
    point, device = top.points[placed.row], placed.device
    about = DEVICES[device.kind].extra
    unit = about["unit"].replace("units", look.said(point.item.unit) + "s")
    return {
        "name": name,
        "thing": f"device:{index}",
        "kind": device.kind,
        "label": look.said(device.kind),
        "quantity": about["quantity"],
        "place": look.said(point.name).replace("/", ", "),
        "site": point.site.name,
        "item": point.item.name,
        "owner": placed.owner,
        "unit": words(unit, top.scenario),
        "cost": device.cost,
        "cost_unit": words("money/period", top.scenario),
    }


def _state(seen: Closer, number: int | None, placed: PlacedDevice) -> Row:
    """Return how a device is after the last period, in the first replication."""
    if number is None:
        health, reading, age = "not adopted", None, None
    else:
        at, last = int(seen.read_at[number, 0]), seen.periods - 1
        reading = None if at < 0 else round(float(seen.reading[number, 0]), 4)
        age = None if at < 0 else last - at
        health = _health(placed.device, at, last)
    return {"adopted": number is not None, "health": health, "words": HEALTH[health],
            "reading": reading, "age": age}  # fmt: skip


def _health(device: Device, at: int, last: int) -> str:
    """Return the health of a device that read in period ``at``; due at ``phase (mod period)``."""
    due = (last - device.phase) // device.period  # number of the last reading that was due
    never = -(device.phase // device.period) - 1  # the number before the first one
    missed = due - (never if at < 0 else (at - device.phase) // device.period)
    if missed > 0:
        return "late" if missed == 1 else "silent"
    return "waiting" if at < 0 else "ok"


def _error(seen: Closer, row: int) -> Row:
    """Return how far the record is from the truth."""
    first = seen.topology.scenario.warmup
    first = first if first < seen.periods else 0
    wrong = seen.series["rows.record"][first:, row] - seen.series["rows.on_hand"][first:, row]
    return {
        "error": round(float(wrong.mean()), 4),
        "error_abs": round(float(np.abs(wrong).mean()), 4),
    }
