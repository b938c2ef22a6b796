"""Design points as networks and plans, with what they have in common made once.

Most points of a study differ from others in their disruptions alone. Those change neither the
network nor most of what is compiled of it, which take ten times as long to make as the rest.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError

from twin.check import CHECKS, CHECKS_OF_DISRUPTIONS
from twin.checks.network import disruptions_hit_something
from twin.compile import Plan
from twin.compile import events as ev
from twin.compile.switches import find_switches
from twin.edits import _plain, _Walk, apply
from twin.errors import ScenarioError
from twin.problems import Problem, report
from twin.schema import Disruption, Scenario
from twin.topology import Topology, build
from twin.validate import _switches, validate

KEPT = 4
"""Most networks, plans and undisrupted twins that are kept for the next points."""

_OF_DISRUPTIONS = re.compile(r"disruptions(?=[.\[]|$)")

Change = tuple[str, Any]
V = TypeVar("V")


class Changing:
    """Applies the changes of design points to a base scenario, and checks them.

    Parameters
    ----------
    base
        The scenario that is changed.
    checked
        Whether all changes were checked before, so that disruptions need not be again.
    """

    def __init__(self, base: Scenario, checked: bool = False) -> None:
        self.base, self.checked = base, checked
        self._kept: dict[str, Topology] = {}

    def __call__(self, changes: Iterable[Change]) -> tuple[str, Topology]:
        """Return a key and the network of a design point.

        Points that differ in their disruptions alone have the same key. The scenario in the
        network is that of :func:`twin.edits.apply`, with the same checks; changes of disruptions
        and of the rest do not touch each other, so their order is free.

        Raises
        ------
        ScenarioError
            As :func:`twin.edits.apply`.
        """
        given = list(changes)
        drawn = bool(self.base.posterior.size)  # a change makes draws forgotten: see apply
        apart = [not drawn and bool(_OF_DISRUPTIONS.match(key)) for key, _ in given]
        quiet = [change for change, loudly in zip(given, apart, strict=True) if not loudly]
        loud = [change for change, loudly in zip(given, apart, strict=True) if loudly]
        key = json.dumps(quiet, default=repr)
        try:
            topology = self._kept.get(key) or self._changed(quiet, drawn)
        except ScenarioError:
            if not loud:
                raise
            # what is wrong alone may be right together: no disruption of what is taken away
            return json.dumps(given, default=repr), build(apply(self.base, dict(given)))
        keep(self._kept, key, topology)
        return key, self._disrupted(topology, loud) if loud else topology

    def _changed(self, changes: list[Change], drawn: bool) -> Topology:
        """Return the network with changes; unless they were checked before, as apply checks them."""
        if not self.checked or drawn:
            return build(apply(self.base, dict(changes)))
        data = self.base.to_dict()
        for key, value in dict(changes).items():
            _Walk(key).replace(data, _plain(value))
        return build(Scenario.model_validate(data))

    def _disrupted(self, topology: Topology, changes: list[Change]) -> Topology:
        """Return a network with changes of its disruptions, checked as all changes are."""
        scenario = topology.scenario
        kept = [d.model_dump(by_alias=True, exclude_defaults=True) for d in scenario.disruptions]
        data: dict[str, Any] = {"disruptions": kept}
        for key, value in changes:
            _Walk(key).replace(data, _plain(value))
        try:
            events = [Disruption.model_validate(event) for event in data["disruptions"]]
        except (ValidationError, TypeError):
            return _wholly_checked(topology, changes)
        found = _like(topology, scenario=scenario.model_copy(update={"disruptions": events}))
        if self.checked or not any(_problems(found, data)):
            return found
        return _wholly_checked(topology, changes)


def _problems(changed: Topology, data: dict[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the disruptions of a network that was checked but for them."""
    yield from _switches(data, ())
    alone = changed.scenario.model_copy(update={"stock": [], "devices": []})
    for one in CHECKS_OF_DISRUPTIONS:
        yield from one(alone)
    yield from disruptions_hit_something(changed)


def _wholly_checked(topology: Topology, changes: list[Change]) -> Topology:
    """Return a network with changes of its disruptions, or raise what every check says of it."""
    data = topology.scenario.to_dict()
    for key, value in changes:
        _Walk(key).replace(data, _plain(value))
    changed = replace(topology, scenario=validate(data))
    report(p for one in CHECKS for p in one(changed.scenario))
    report(disruptions_hit_something(changed))
    return changed


def keep(store: dict[str, V], key: str, value: V) -> V:
    """Put a value into a store as its newest, and leave only the newest few; return it."""
    store.pop(key, None)
    store[key] = value
    while len(store) > KEPT:
        del store[next(iter(store))]
    return value


def adapted(plan: Plan, topology: Topology) -> Plan | None:
    """Return a plan with the disruptions of another network that else is the same.

    Nothing if they need more than other events: other switches, rings for stretched lead times,
    or clocks for lanes that close.
    """
    before, devices = plan.topology, list(plan.devices)
    closable = ev.closable_links(topology)
    switches = find_switches(
        topology, plan.network, plan.material, devices, closable, plan.order_driven
    )
    same = (
        switches == plan.switches
        and closable == ev.closable_links(before)
        and ev.stretched_links(topology) == ev.stretched_links(before)
    )
    if not same:
        return None
    limits = [x.name for x in plan.material.limits]
    return _like(plan, topology=topology, events=ev.plan_events(topology, devices, limits))


def _like(thing: V, **changes: Any) -> V:
    """Return a network or a plan with other disruptions and all that was worked out without them.

    Dataclasses forget that when they are replaced: indices of the network, rates of money.
    """
    found = copy.copy(thing)
    vars(found).update(changes)
    return found
