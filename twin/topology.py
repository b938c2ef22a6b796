"""From a scenario to its stock points, links and sinks, in the kernel's order: plain objects."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field, replace
from typing import Literal

from twin import stock_rules
from twin.errors import NetworkError, ScenarioError
from twin.memory import remembered
from twin.names import matches, nearest
from twin.schema import (
    Demand,
    Family,
    Item,
    Lane,
    LeadTime,
    Production,
    Purchase,
    Scenario,
    Site,
    Where,
)
from twin.stock_rules import Settings, selects

LinkKind = Literal["ship", "make", "buy"]
Key = tuple[str, str]
"""Site and item: a stock point before it has a row."""
Draft = tuple[
    LinkKind, Key, tuple[tuple[Key, float], ...], str, str | None, Lane | Production | Purchase
]
"""A link before it has a number: kind, receiver, inputs, source, lane name, declaration."""


@dataclass(frozen=True)
class StockPoint:
    """An item at a site: one row of every state array."""

    index: int
    site: Site
    item: Item
    level: int
    role: str
    settings: Settings

    @property
    def name(self) -> str:
        """``site/item``."""
        return f"{self.site.name}/{self.item.name}"

    @property
    def stage(self) -> str:
        """Stage of the site (its kind when none is given)."""
        return self.site.stage or self.site.kind


@dataclass(frozen=True)
class Link:
    """A supply link: the item it brings to one stock point, and from where."""

    index: int
    name: str
    kind: LinkKind
    to: int
    source: str
    lane: str | None
    inputs: tuple[tuple[int, float], ...]
    declared: Lane | Production | Purchase
    share: float = 1.0
    priority: int | None = None
    fallback: bool = False
    limits: tuple[tuple[str, float, float], ...] = ()
    """Shared limits: (name, usage per unit started, capacity per period)."""

    @property
    def lead_time(self) -> LeadTime:
        """Lead time distribution."""
        return self.declared.lead_time

    @functools.cached_property
    def lead_moments(self) -> tuple[float, float]:
        """Mean and variance of the lead time as it is drawn, in whole periods."""
        from twin.distributions import lead_time_moments  # compiled: reading a file needs it not

        if self.lead_time.kind == "constant" and self.lead_time.value is not None:
            return float(self.lead_time.value), 0.0
        return lead_time_moments(self.lead_time)

    @property
    def delay(self) -> int:
        """Information delay in periods (production: none)."""
        return getattr(self.declared, "information_delay", 0)

    @property
    def yield_(self) -> float:
        """Good units per unit started."""
        return getattr(self.declared, "yield_", 1.0)


@dataclass(frozen=True)
class Sink:
    """Customers of one stock point."""

    index: int
    name: str
    row: int
    demand: Demand
    tolerance: int


@dataclass(frozen=True)
class Topology:
    """All stock points, links and sinks of a scenario, and how they hang together."""

    scenario: Scenario
    points: tuple[StockPoint, ...]
    links: tuple[Link, ...]
    sinks: tuple[Sink, ...]
    families_of: tuple[frozenset[str], ...] = field(repr=False)

    @functools.cached_property
    def in_links(self) -> list[list[int]]:
        """Links into each stock point, by index."""
        found: list[list[int]] = [[] for _ in self.points]
        for link in self.links:
            found[link.to].append(link.index)
        return found

    @functools.cached_property
    def out_links(self) -> list[list[tuple[int, float]]]:
        """Links out of each stock point with their usage per unit started, by link index."""
        found: list[list[tuple[int, float]]] = [[] for _ in self.points]
        for link in self.links:
            for row, usage in link.inputs:
                found[row].append((link.index, usage))
        return found

    @functools.cached_property
    def sinks_of(self) -> list[list[int]]:
        """Sinks of each stock point, by index."""
        found: list[list[int]] = [[] for _ in self.points]
        for sink in self.sinks:
            found[sink.row].append(sink.index)
        return found

    @functools.cached_property
    def row_of(self) -> dict[str, int]:
        """Row of each stock point by its name ``site/item``."""
        return {p.name: p.index for p in self.points}

    @functools.cached_property
    def family_of(self) -> dict[str, Family]:
        """Family by name."""
        return {f.name: f for f in self.scenario.families}

    def row(self, site: str, item: str) -> int:
        """Return the row of a stock point, or raise a :class:`ScenarioError` with near misses."""
        name = f"{site}/{item}"
        if name not in self.row_of:
            raise ScenarioError(
                f"no stock point '{name}' in scenario '{self.scenario.name}'; "
                + nearest(name, self.row_of)
            )
        return self.row_of[name]

    def rows_where(self, where: Where) -> list[int]:
        """Return the stock points that a pattern selects."""
        rows = self._rows_at.get(where.site) if isinstance(where.site, str) else None
        chosen = self.points if rows is None else [self.points[i] for i in rows]
        return [p.index for p in chosen if selects(where, p.site, p.item, p.role)]

    @functools.cached_property
    def _rows_at(self) -> dict[str, list[int]]:
        """Rows of each site: most patterns name one."""
        found: dict[str, list[int]] = {}
        for p in self.points:
            found.setdefault(p.site.name, []).append(p.index)
        return found

    def stages(self) -> list[str]:
        """Return the stages from source to sink."""
        if self.scenario.stages:
            return list(self.scenario.stages)
        depth = {p.stage: p.level for p in sorted(self.points, key=lambda p: p.level)}
        return sorted(depth, key=lambda s: (-depth[s], s))


@remembered(4)
def build(scenario: Scenario) -> Topology:
    """Derive stock points, links and sinks of a scenario.

    Raises
    ------
    ScenarioError
        If a name is unknown or a reference does not fit.
    NetworkError
        If the network has a cycle or a market that nothing can reach.
    """
    return _Builder(scenario).build()


class _Builder:
    """Scratch space of :func:`build`; rows are (site, item) pairs until they get an index."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.sites = {s.name: s for s in scenario.sites}
        self.items = {i.name: i for i in scenario.items}
        self.makes = {(p.site, p.item): p for p in scenario.production}
        self.buys: dict[tuple[str, str], list[Purchase]] = {}
        for p in scenario.purchases:
            self.buys.setdefault((p.site, p.item), []).append(p)

    def build(self) -> Topology:
        carried = self._carried()
        rows = self._needed(carried)
        links = self._links(rows, carried)
        levels = self._levels(rows, links)
        components = {(p.site, i.item) for p in self.scenario.production for i in p.inputs}
        sold = {(d.site, x) for d in self.scenario.demand for x in d.items}
        shipped = {key for kind, _, keys, *_ in links if kind == "ship" for key, _ in keys}
        role = {
            k: "component" if k in components and k not in sold | shipped else "output"
            for k in rows
        }
        settings = {
            k: stock_rules.resolve(self.scenario, self.sites[k[0]], self.items[k[1]], role[k])
            for k in rows
        }
        order = sorted(
            rows,
            key=lambda k: (levels[k], settings[k].policy.kind, settings[k].forecast.kind, k),
        )
        index = {k: i for i, k in enumerate(order)}
        points = tuple(
            StockPoint(i, self.sites[s], self.items[x], levels[s, x], role[s, x], settings[s, x])
            for i, (s, x) in enumerate(order)
        )
        final = self._index_links(links, index)
        sinks = self._sinks(index)
        return Topology(self.scenario, points, final, sinks, self._families(points, final, sinks))

    def _carried(self) -> list[tuple[Lane, str]]:
        """Every (lane, item) whose sender can supply the item, found by forward search."""
        lanes: dict[str, list[Lane]] = {}
        for lane in self.scenario.lanes:
            lanes.setdefault(lane.source, []).append(lane)
        found: dict[tuple[str, str, str], tuple[Lane, str]] = {}
        todo = sorted(set(self.makes) | set(self.buys))
        seen = set(todo)
        while todo:
            site, item = todo.pop()
            family = self.items[item].family
            for lane in lanes.get(site, ()):
                if not (matches(item, lane.items) or matches(family, lane.items)):
                    continue
                found[site, lane.to, item] = (lane, item)
                if (lane.to, item) not in seen:
                    seen.add((lane.to, item))
                    todo.append((lane.to, item))
        return list(found.values())

    def _needed(self, carried: list[tuple[Lane, str]]) -> set[tuple[str, str]]:
        """Every stock point that some customer is served through, found by backward search."""
        suppliers: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for lane, item in carried:
            suppliers.setdefault((lane.to, item), []).append((lane.source, item))
        for key, made in self.makes.items():
            suppliers.setdefault(key, []).extend((key[0], i.item) for i in made.inputs)
        rows: set[tuple[str, str]] = set()
        todo = [(d.site, x) for d in self.scenario.demand for x in d.items]
        while todo:
            key = todo.pop()
            if key in rows:
                continue
            rows.add(key)
            if key not in suppliers and key not in self.makes and key not in self.buys:
                msg = (
                    f"stock point '{key[0]}/{key[1]}' has no source: nothing makes, buys or "
                    f"carries '{key[1]}' to '{key[0]}'; add a lane, a production or a purchase"
                )
                raise NetworkError(msg)
            todo.extend(suppliers.get(key, []))
        return rows

    def _links(self, rows: set[Key], carried: list[tuple[Lane, str]]) -> list[Draft]:
        found: list[Draft] = []
        for lane, item in carried:
            if (lane.to, item) in rows:
                key = ((lane.source, item), 1.0)
                found.append(("ship", (lane.to, item), (key,), lane.source, lane.name, lane))
        for (site, item), made in self.makes.items():
            if (site, item) in rows:
                keys = tuple(((site, i.item), i.usage) for i in made.inputs)
                found.append(("make", (site, item), keys, "make", None, made))
        for (site, item), bought in self.buys.items():
            if (site, item) in rows:
                for b in bought:
                    lane_name = f"{b.supplier}->{site}"
                    found.append(("buy", (site, item), (), b.supplier, lane_name, b))
        return found

    def _levels(self, rows: set[tuple[str, str]], links: list[Draft]) -> dict[Key, int]:
        """Longest path down to a stock point that supplies nobody."""
        down: dict[tuple[str, str], list[tuple[str, str]]] = {k: [] for k in rows}
        up: dict[tuple[str, str], list[tuple[str, str]]] = {k: [] for k in rows}
        for _, to, keys, *_ in links:
            for key, _ in keys:
                down[key].append(to)
                up[to].append(key)
        level = dict.fromkeys(rows, 0)
        waiting = {k: len(v) for k, v in down.items()}
        ready = sorted(k for k, n in waiting.items() if n == 0)
        done = 0
        while ready:
            key = ready.pop()
            done += 1
            for source in up[key]:
                level[source] = max(level[source], level[key] + 1)
                waiting[source] -= 1
                if waiting[source] == 0:
                    ready.append(source)
        if done < len(rows):
            raise NetworkError(_cycle_message(down, {k for k, n in waiting.items() if n > 0}))
        return level

    def _index_links(self, links: list[Draft], index: dict[Key, int]) -> tuple[Link, ...]:
        drafts = []
        for kind, to, keys, source, lane, declared in links:
            inputs = tuple(sorted((index[k], u) for k, u in keys))
            label = f"{to[0]}/{to[1]}"
            name = f"make:{label}" if kind == "make" else f"{source}->{label}"
            limits = self._limits(kind, lane, declared)
            drafts.append(
                Link(0, name, kind, index[to], source, lane, inputs, declared, limits=limits)
            )
        drafts.sort(key=lambda e: (e.to, e.name))
        by_row: dict[int, list[Link]] = {}
        for e in drafts:
            by_row.setdefault(e.to, []).append(e)
        names = {i: k for k, i in index.items()}
        final: list[Link] = []
        for row in sorted(by_row):
            for e in self._shared(names[row], by_row[row]):
                final.append(replace(e, index=len(final)))
        return tuple(final)

    def _limits(
        self, kind: str, lane: str | None, declared: Lane | Production | Purchase
    ) -> tuple[tuple[str, float, float], ...]:
        """Capacity that the link shares with others: resources, or its lane's dispatch limit."""
        if isinstance(declared, Lane):
            if declared.dispatch_limit is None:
                return ()
            return ((f"lane {lane}", 1.0, declared.dispatch_limit),)
        if isinstance(declared, Production):
            capacity = {r.name: r.capacity for r in self.scenario.resources}
            return tuple(sorted((r, u, capacity[r]) for r, u in declared.resources.items()))
        return ()

    def _shared(self, key: tuple[str, str], links: list[Link]) -> list[Link]:
        """Apply the sourcing rule of a stock point to its links."""
        label = f"{key[0]}/{key[1]}"
        rules = [r for r in self.scenario.sourcing if r.site == key[0] and matches(key[1], r.item)]
        if not rules:
            if len(links) > 1:
                sources = ", ".join(e.source for e in links)
                msg = (
                    f"stock point '{label}' has {len(links)} sources ({sources}) and no rule; "
                    "add a sourcing entry with 'shares' or 'priority'"
                )
                raise ScenarioError(msg)
            return links
        rule = rules[-1]
        known = {e.source for e in links}
        named = set(rule.shares or {}) | set(rule.priority or [])
        for name in sorted(named - known):
            msg = f"sourcing of '{label}': unknown source '{name}'; {nearest(name, known)}"
            raise ScenarioError(msg)
        if rule.shares is not None:
            return [
                replace(e, share=rule.shares.get(e.source, 0.0), fallback=rule.fallback)
                for e in links
            ]
        order = rule.priority or []
        last = len(order)
        return [
            replace(
                e,
                share=1.0 if e.source == order[0] else 0.0,
                priority=order.index(e.source) if e.source in order else last,
            )
            for e in links
        ]

    def _sinks(self, index: dict[tuple[str, str], int]) -> tuple[Sink, ...]:
        families = {f.name: f for f in self.scenario.families}
        drafts = []
        for d in self.scenario.demand:
            for item, one in d.by_item():
                family = families.get(self.items[item].family or "")
                tolerance = d.tolerance if d.tolerance is not None else 0
                if d.tolerance is None and family is not None:
                    tolerance = family.tolerance
                    if d.patience is not None:
                        tolerance = min(tolerance, d.patience)
                name = f"{d.site}/{item}/{d.customer}"
                drafts.append(Sink(0, name, index[d.site, item], one, tolerance))
        drafts.sort(key=lambda s: (s.row, s.name))
        for a, b in itertools.pairwise(drafts):
            if a.name == b.name:
                msg = f"two demand entries for '{a.name}'; give each its own 'customer' name"
                raise ScenarioError(msg)
        return tuple(replace(s, index=i) for i, s in enumerate(drafts))

    def _families(
        self, points: tuple[StockPoint, ...], links: tuple[Link, ...], sinks: tuple[Sink, ...]
    ) -> tuple[frozenset[str], ...]:
        """Families that each stock point serves ('' stands for items of no family)."""
        serves: list[set[str]] = [set() for _ in points]
        for s in sinks:
            serves[s.row].add(points[s.row].item.family or "")
        into: list[list[Link]] = [[] for _ in points]
        for e in links:
            into[e.to].append(e)
        for p in points:  # rows are sorted downstream first
            for e in into[p.index]:
                for row, _ in e.inputs:
                    serves[row] |= serves[p.index]
        return tuple(frozenset(s) for s in serves)


def _cycle_message(
    down: dict[tuple[str, str], list[tuple[str, str]]], stuck: set[tuple[str, str]]
) -> str:
    key = min(stuck)
    path = [key]
    while True:
        key = min(k for k in down[key] if k in stuck)
        if key in path:
            loop = [*path[path.index(key) :], key]
            text = " -> ".join(f"{s}/{x}" for s, x in loop)
            return (
                f"the network has a cycle: {text}; goods must flow one way, remove one of these "
                "lanes or bill-of-material lines"
            )
        path.append(key)
