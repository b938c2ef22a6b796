"""What the live twin recommends, and the messages that say so when 'twin' is on.

Stock levels and decoupling points are worked out on the scenario *as it is seen now*: the
calibrated one with the lead times and demand of what moved. Nothing that has not moved is advised
on, and nothing is applied.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

import numpy as np

import twin
from calibration.live.alarms import Advice
from calibration.live.follow import Follower
from calibration.times import to_iso
from twin.compile.rules import Forecasts, first_forecasts, opening_level, protection
from twin.decoupling import order_driven_rows, positions, suggest
from twin.errors import TwinError
from twin.schema import Policy, Scenario
from twin.topology import Topology, build

PREFIX = "twin/recommendations"
VERSION = 1
"""Version of the messages."""

_LEVELS = {"base_stock": "level", "s_S": "reorder_point", "r_Q": "reorder_point"}
_NAMES = {"level": "base-stock level", "reorder_point": "reorder point"}
_ENOUGH = 0.05  # share by which a level must move before it is worth a word


def advice(follower: Follower) -> list[Advice]:
    """Return all that is recommended now: what to estimate anew, levels, decoupling points."""
    found = follower.recommendations()
    changes = _seen_changes(follower, found)
    if not changes:
        return found
    try:
        seen = twin.apply(follower.scenario, changes)
    except TwinError:  # what is seen is outside what a scenario allows: the estimates still stand
        return found
    return [*found, *_levels(follower.topology, build(seen)), *_cuts(follower.scenario, seen)]


def _seen_changes(follower: Follower, found: list[Advice]) -> dict[str, Any]:
    """Return the changes that put lead times and demand that have moved into the scenario."""
    top, changes = follower.topology, {}
    for one in found:
        if (
            one.what == "lead time"
            and isinstance(one.advised, float)
            and isinstance(one.now, float)
        ):
            link = top.links[follower.links.index(one.where)]
            factor = one.advised / max(one.now, 0.5)
            for section in ("lanes", "purchases", "production"):
                declared = getattr(follower.scenario, section)
                for n, item in enumerate(declared):
                    if item is link.declared or item == link.declared:
                        key = f"{section}[{n}].lead_time"
                        changes |= _longer(key, link.lead_time, factor)
        elif one.what == "demand" and isinstance(one.advised, float) and isinstance(one.now, float):
            for n, demand in enumerate(follower.scenario.demand):
                for sink in top.sinks:
                    row = top.points[sink.row]
                    same = sink.demand == demand and row.name == one.where
                    if same and demand.mean is not None:
                        changes[f"demand[{n}].mean"] = (
                            demand.mean * one.advised / max(one.now, 1e-9)
                        )
    return changes


def _longer(key: str, lead: Any, factor: float) -> dict[str, Any]:
    if lead.mean is not None:
        return {f"{key}.mean": lead.mean * factor}
    if lead.value is not None:
        return {f"{key}.value": max(0, round(max(lead.value, 0.5) * factor))}
    return {f"{key}.values": [round(x * factor) for x in lead.values]}


def _levels(before: Topology, seen: Topology) -> list[Advice]:
    """Return the levels that would keep the safety factor of each policy under what is seen."""
    places = {f.name: f.decoupling_point for f in before.scenario.families}
    driven = order_driven_rows(before, places)
    both = [(top, first_forecasts(top)) for top in (before, seen)]  # of all stock points: once
    found = []
    for p in before.points:
        policy = p.settings.policy
        name = _LEVELS.get(policy.kind)
        if name is None or p.index in driven:
            continue
        old, new = (_aim(top, forecasts, p.index, policy) for top, forecasts in both)
        if abs(new - old) <= _ENOUGH * max(old, 1.0):
            continue
        given = getattr(policy, name)
        found.append(Advice(
            _NAMES[name], p.name, name, old if given is None else given,
            new if given is None else given + new - old,
            "as much safety as before, under the lead times and demand seen now", unit="units",
        ))  # fmt: skip
    return found


def _aim(top: Topology, forecasts: Forecasts, row: int, policy: Policy) -> float:
    """Return the level that a policy would take from its forecast."""
    free = policy.model_copy(update={"level": None, "reorder_point": None, "lot": None,
                                     "kind": "base_stock"})  # fmt: skip
    mean, variance = float(forecasts.mean[row]), float(forecasts.variance[row])
    return opening_level(free, mean, variance, *protection(top, row))


def _cuts(before: Scenario, seen: Scenario) -> list[Advice]:
    """Return the decoupling points that :func:`twin.suggest` names now and did not name before."""
    found = []
    for family in before.families:
        if not positions(before, family.name):
            continue
        was, is_ = suggest(before, family.name).stage, suggest(seen, family.name).stage
        here = family.decoupling_point
        now = here if isinstance(here, str) or here is None else " + ".join(here)
        if is_ not in (was, now):
            found.append(Advice(
                "decoupling point", family.name, "decoupling point", now, is_,
                "the most upstream place from which no customer waits longer than tolerated, "
                "under the lead times seen now",
            ))  # fmt: skip
    return found


def messages(
    follower: Follower, found: list[Advice], mode: Literal["replay", "twin"]
) -> dict[str, bytes]:
    """Return recommendations as retained messages: payload (JSON) by topic.

    ``mode`` is ``replay`` where they rest on events that were recorded or emulated: nobody should
    act on those.
    """
    name, seen = follower.scenario.name, follower.last
    about: Mapping[str, Any] = {
        "version": VERSION, "mode": mode, "scenario": name, "period": None if seen is None else seen.t,
        "as_of": None if seen is None else to_iso(seen.time),
    }  # fmt: skip
    return {
        topic(name, one): json.dumps({**about, **one.to_json_dict()}, allow_nan=False).encode()
        for one in found
    }


def topic(scenario: str, one: Advice) -> str:
    """Return the topic of a recommendation: scenario, kind, where, what."""
    parts = scenario, one.kind.replace(" ", "-"), one.where, one.what.replace(" ", "-")
    return "/".join([PREFIX, *(quote(part, safe=" ") for part in parts)])


def topics(scenario: str) -> str:
    """Return the filter of all topics of a scenario's recommendations."""
    return f"{PREFIX}/{quote(scenario, safe=' ')}/#"


def same(a: bytes, b: bytes) -> bool:
    """Return whether two messages say the same: numbers within 5 %, whenever they were said."""
    one, other = json.loads(a), json.loads(b)
    for each in (one, other):
        for key in ("period", "as_of"):
            each.pop(key, None)
    return one.keys() == other.keys() and all(_close(one[k], other[k]) for k in one)


def _close(a: Any, b: Any) -> bool:
    if isinstance(a, float | int) and isinstance(b, float | int):
        return bool(np.isclose(a, b, rtol=_ENOUGH, atol=1e-6))
    return bool(a == b)
