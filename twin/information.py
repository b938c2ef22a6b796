"""What information is worth: the same run without and with devices, under the same luck.

::

    worth = twin.value_of_information("electronics", owner="maker")
    print(worth.summary())
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from twin import arguments, places
from twin.compare import Comparison
from twin.compile.events import place_devices, rows_where
from twin.errors import RunError
from twin.frontier import part
from twin.names import nearest
from twin.result import Result
from twin.run import Progress, prepare, run
from twin.schema import Scenario
from twin.topology import build


def value_of_information(
    scenario: Scenario | str | Path,
    owner: str | Sequence[str] | None = None,
    *,
    devices: str | Sequence[str] | None = None,
    replications: int | None = None,
    seed: int | None = None,
    set: Mapping[str, Any] | None = None,
    record: Sequence[str] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> Comparison:
    """Run a scenario without and with its devices under the same luck; return the differences.

    The differences are what reading the devices does, their cost included: ``b`` is the scenario
    as it is declared, in which owners who have adopted nothing adopt all; in ``a`` the devices in
    question are not there. What is not in question is the same in both.

    Parameters
    ----------
    scenario
        A scenario, a file, or the name of a shipped one.
    owner
        Whose devices are in question, one or several; default: everyone's.
    devices
        Kinds of devices in question, instead of ``owner``.
    replications, seed, set, record, threads
        As in :func:`twin.run`.
    progress
        Called with (periods x replications done, in all), over both runs.
    cancelled
        Set it to stop within about 0.1 s.

    Raises
    ------
    ScenarioError
        If the scenario or a change is wrong.
    RunError
        If there are no such devices, or the run cannot be done as asked or was cancelled.
    """
    arguments.callbacks(progress, cancelled)
    base = prepare(scenario, arguments.changes(set), seed)
    absent, present = _changes(base, owner, devices)
    runs = [
        run(
            base, replications=replications, record=record, set=changes, threads=threads,
            progress=part(progress, i, 2), cancelled=cancelled,
        )
        for i, changes in enumerate((absent, present))
    ]  # fmt: skip
    return Comparison(*runs)


def by_owner(worth: Comparison) -> list[dict[str, Any]]:
    """Return who pays for information and who gains by it, in money per period.

    Parameters
    ----------
    worth
        What :func:`value_of_information` returned.

    Returns
    -------
    list of dict
        One mapping per owner: ``owner``; ``pays``, the cost of the devices that the owner adopts
        in ``b`` and not in ``a``; ``gains``, what the stock points that the owner pays for cost
        less (devices and bought goods left out, as in the running cost); ``net``. Means over the
        replications.
    """
    costs = [_device_costs(worth.a), _device_costs(worth.b)]
    running = [_running_costs(worth.a), _running_costs(worth.b)]
    found = []
    for owner in dict.fromkeys([*running[0], *costs[0], *costs[1]]):
        pays = costs[1].get(owner, 0.0) - costs[0].get(owner, 0.0)
        gains = running[0].get(owner, 0.0) - running[1].get(owner, 0.0)
        found.append({"owner": owner, "pays": pays, "gains": gains, "net": gains - pays})
    return found


def _changes(
    scenario: Scenario, owner: str | Sequence[str] | None, devices: str | Sequence[str] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the changes that take the devices in question away, and those that put them there."""
    if owner is not None and devices is not None:
        msg = "give either owner or devices (kinds), not both"
        raise RunError(msg)
    kinds_of = _kinds_by_owner(scenario)
    if not kinds_of:
        msg = (
            f"scenario '{scenario.name}' has no devices whose information could be worth anything; "
            "add some (devices: [{kind: cycle_count, period: 7}])"
        )
        raise RunError(msg)
    if devices is None:
        owners = _chosen("owner", owner, kinds_of)
        return {f"adoption.{name}": 0.0 for name in owners}, _adopted(scenario, owners)
    kinds = _chosen("devices", devices, {k for found in kinds_of.values() for k in found})
    present = _adopted(scenario, [name for name, found in kinds_of.items() if found & {*kinds}])
    kept = [d for d in scenario.devices if d.kind not in kinds]
    return {**present, "devices": kept}, present


def _kinds_by_owner(scenario: Scenario) -> dict[str, set[str]]:
    """Return the kinds of devices by who may adopt them, whether they do or not."""
    top = build(scenario)
    found: dict[str, set[str]] = {}
    for device in scenario.devices:
        for row in rows_where(top, device.where):
            found.setdefault(device.owner or top.points[row].site.who, set()).add(device.kind)
    return found


def _chosen(what: str, given: str | Sequence[str] | None, known: Iterable[str]) -> list[str]:
    known = sorted(known)
    names = known if given is None else [given] if isinstance(given, str) else list(given)
    for name in names:
        if name not in known:
            msg = f"{what}: no devices of '{name}'; {nearest(str(name), known)}"
            raise RunError(msg)
    return names


def _adopted(scenario: Scenario, owners: Iterable[str]) -> dict[str, float]:
    """Return the change by which owners who have adopted nothing adopt all."""
    return {f"adoption.{name}": 1.0 for name in owners if scenario.adoption.get(name) == 0}


def _device_costs(result: Result) -> dict[str, float]:
    """Return what each owner's adopted devices cost per period."""
    found: dict[str, float] = {}
    for placed in place_devices(result.topology):
        found[placed.owner] = found.get(placed.owner, 0.0) + placed.device.cost
    return found


def _running_costs(result: Result) -> dict[str, float]:
    """Return what running each owner's stock points costs per period, without devices."""
    table = places.table(result.topology, "owner", result.row_means, result.sink_means)
    lines = (table[name] for name in ("cost", "device_cost", "purchase_cost"))
    rows = zip(table["owner"], *lines, strict=True)
    return {owner: cost - device - bought for owner, cost, device, bought in rows}
