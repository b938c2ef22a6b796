"""Disruptions and devices of a scenario -> arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from twin import rng
from twin.arrays import Events
from twin.compile.columns import flags, floats, ints, offsets
from twin.devices import DEVICES
from twin.disruptions import DISRUPTIONS
from twin.distributions import demand_moments
from twin.names import matches
from twin.schema import Device, Disruption, Where
from twin.topology import Topology


@dataclass(frozen=True)
class PlacedDevice:
    """One adopted device at one stock point."""

    name: str
    row: int
    device: Device
    owner: str


def place_devices(top: Topology) -> list[PlacedDevice]:
    """Return the devices that are adopted, in order of their names."""
    found = {}
    for device in top.scenario.devices:
        for row in rows_where(top, device.where):
            point = top.points[row]
            name = f"{device.kind}@{point.name}"
            owner = device.owner or point.site.who
            share = top.scenario.adoption.get(owner, 1.0)
            stream = np.uint64(rng.stream_of(name))
            luck = rng.uniform(np.uint64(top.scenario.seed), stream, rng.ADOPTION, 0, 0)
            if luck < share:
                found[name] = PlacedDevice(name, row, device, owner)
            else:
                found.pop(name, None)
    return [found[name] for name in sorted(found)]


def rows_where(top: Topology, where: Where) -> list[int]:
    """Return the stock points that a pattern selects."""
    return top.rows_where(where)


def lane_links(top: Topology, event: Disruption) -> list[int]:
    """Return the links whose lane a disruption names."""
    return [e.index for e in top.links if e.lane is not None and matches(e.lane, event.lane)]


def _targets(
    top: Topology, event: Disruption, devices: list[PlacedDevice], limits: list[str]
) -> Iterator[tuple[int, int, float]]:
    """Yield (index, kind of target, factor) of everything an event hits."""
    hits = DISRUPTIONS[event.kind].extra["hits"]
    rows = set(rows_where(top, event.where))
    if event.kind == "outage":  # of whole sites
        sites = {top.points[i].site.name for i in rows}
        yield from ((p.index, 0, 1.0) for p in top.points if p.site.name in sites)
    elif hits == "rows":
        yield from ((i, 0, 1.0) for i in sorted(rows))
    elif hits == "sinks":
        yield from ((s.index, 0, 1.0) for s in top.sinks if s.row in rows)
    elif hits == "lanes":
        yield from ((e, 0, 1.0) for e in lane_links(top, event))
    elif hits == "links":
        yield from ((e.index, 0, 1.0) for e in top.links if e.kind != "make" and e.to in rows)
    elif hits == "devices":
        yield from ((d, 0, 1.0) for d, x in enumerate(devices) if x.row in rows)
    elif hits == "mix":
        yield from _mix(top, event)
    elif event.resource is not None:
        yield from ((m, 1, 1.0) for m, n in enumerate(limits) if matches(n, event.resource))
    else:
        yield from ((e.index, 0, 1.0) for e in top.links if e.kind == "make" and e.to in rows)


def _mix(top: Topology, event: Disruption) -> Iterator[tuple[int, int, float]]:
    """Factors that turn today's mix of a family into the event's shares, customer by customer."""
    groups: dict[tuple[str, str], list[int]] = {}
    for s in top.sinks:
        point = top.points[s.row]
        if point.item.family == event.family:
            groups.setdefault((point.site.name, s.demand.customer), []).append(s.index)
    for group in groups.values():
        means = {x: demand_moments(top.sinks[x].demand)[0] for x in group}
        total = sum(means.values())
        for x in group:
            share = (event.shares or {}).get(top.points[top.sinks[x].row].item.name, 0.0)
            if means[x] > 0:
                yield x, 0, share * total / means[x]


@dataclass(frozen=True)
class EventPlan:
    """The disruptions of a scenario before luck has spoken."""

    events: tuple[Disruption, ...]
    names: tuple[str, ...]
    columns: dict[str, Any]

    def draw(self, K: int, k0: int, seed: int) -> Events:
        """Return the events with what happens when, for replications ``k0 ... k0 + K``."""
        n = len(self.events)
        start = np.zeros((n, K), np.int32)
        happens = np.ones((n, K))
        number = {e.name: i for i, e in enumerate(self.events) if e.name}
        for i, event in enumerate(self.events):
            if event.probability < 1.0:
                stream = np.uint64(rng.stream_of(f"disruption/{self.names[i]}"))
                for k in range(K):
                    luck = rng.uniform(np.uint64(seed), stream, rng.HAPPENS, 0, k0 + k)
                    happens[i, k] = float(luck < event.probability)
            start[i] = event.start
            if event.after is not None:
                before = number[event.after]
                start[i] += start[before] + self.events[before].duration
                happens[i] *= happens[before]
        return Events(start=start.ravel(), happens=happens.ravel(), **self.columns)


def plan_events(top: Topology, devices: list[PlacedDevice], limits: list[str]) -> EventPlan:
    """Translate the disruptions of a scenario, chained ones after what they follow."""
    events = _in_chain_order(top.scenario.disruptions)
    given = {id(e): i for i, e in enumerate(top.scenario.disruptions)}
    targets = [list(_targets(top, e, devices, limits)) for e in events]
    flat = [x for found in targets for x in found]
    columns = {
        "kind": flags(DISRUPTIONS[e.kind].number for e in events),
        "duration": ints(e.duration for e in events),
        "ramp": ints(e.ramp for e in events),
        "severity": floats(e.severity for e in events),
        "factor": floats(np.nan if e.factor is None else e.factor for e in events),
        "target_off": offsets(len(found) for found in targets),
        "target": ints(i for i, _, _ in flat),
        "target_kind": flags(kind for _, kind, _ in flat),
        "target_factor": floats(f for _, _, f in flat),
    }
    names = tuple(e.name or str(given[id(e)]) for e in events)
    return EventPlan(tuple(events), names, columns)


def _in_chain_order(events: list[Disruption]) -> list[Disruption]:
    done: list[Disruption] = []
    names: set[str] = set()
    waiting = list(events)
    while waiting:
        ready = [e for e in waiting if e.after is None or e.after in names]
        if not ready:  # a circle or an unknown name: the checks have said so already
            ready = waiting
        done += ready
        names |= {e.name for e in ready if e.name}
        waiting = [e for e in waiting if all(e is not r for r in ready)]
    return done


def stretched_links(top: Topology) -> dict[int, float]:
    """Return the largest lead-time factor that disruptions put on each link."""
    found: dict[int, float] = {}
    for event in top.scenario.disruptions:
        if event.kind == "lead_time_stretch":
            for e in lane_links(top, event):
                found[e] = found.get(e, 1.0) * max(1.0, event.factor or 1.0)
    return found


def closable_links(top: Topology) -> set[int]:
    """Return the links whose lane closes at some time."""
    return {
        e for d in top.scenario.disruptions if d.kind == "lane_closed" for e in lane_links(top, d)
    }


def device_columns(top: Topology, devices: list[PlacedDevice]) -> dict[str, Any]:
    """Return the fields of ``Devices`` that do not change during a run."""
    spec = [d.device for d in devices]
    slots = [d.delay + 1 for d in spec]
    return {
        "row": ints(d.row for d in devices),
        "kind": flags(DEVICES[d.kind].number for d in spec),
        "period": ints(d.period for d in spec),
        "phase": ints(d.phase for d in spec),
        "noise": floats(d.noise for d in spec),
        "bias": floats(d.bias for d in spec),
        "read_rate": floats(d.read_rate for d in spec),
        "loss": floats(d.loss for d in spec),
        "delay": ints(d.delay for d in spec),
        "corrects": flags(DEVICES[d.kind].extra["corrects_record"] for d in spec),
        "ring_off": offsets(slots)[:-1],
        "stream": rng.streams_of(d.name for d in devices),
    }
