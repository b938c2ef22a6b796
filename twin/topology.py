"""From a scenario to its stock points, links and sinks, in the kernel's order: plain objects."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from twin import stock_rules
from twin.errors import NetworkError, ScenarioError
from twin.names import matches, nearest
from twin.network import Link, LinkKind, Sink, StockPoint, Topology, limits_of, tolerance_of
from twin.renumbered import renumbered
from twin.schema import Lane, Production, Purchase, Scenario

__all__ = ["Link", "Sink", "StockPoint", "Topology", "build"]

Key = tuple[str, str]
"""Site and item: a stock point before it has a row."""
Draft = tuple[
    LinkKind, Key, tuple[tuple[Key, float], ...], str, str | None, Lane | Production | Purchase
]
"""A link before it has a number: kind, receiver, inputs, source, lane name, declaration."""


_RECENT: deque[Topology] = deque(maxlen=4)
"""Networks for the next caller: checking, compiling and drawing one scenario ask for the same."""

_LAST = threading.local()
"""The network that this thread built last: threads of a study work on copies of its scenario."""


def build(scenario: Scenario) -> Topology:
    """Derive stock points, links and sinks of a scenario.

    A scenario that differs from that of the network built last in numbers alone (see
    :func:`twin.edits.edited`) gets that network with other numbers, which is sooner made.

    Raises
    ------
    ScenarioError
        If a name is unknown or a reference does not fit.
    NetworkError
        If the network has a cycle or a market that nothing can reach.
    """
    for one in tuple(_RECENT):
        if one.scenario is scenario:
            return one
    last = getattr(_LAST, "topology", None)
    found = None if last is None else renumbered(scenario, last)
    if found is None:
        found = _Builder(scenario).build()
    _RECENT.append(found)
    _LAST.topology = found
    return found


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
        by_row: dict[Key, list[tuple[str, Draft]]] = {}
        for draft in links:
            kind, to, _, source, *_ = draft
            label = f"{to[0]}/{to[1]}"
            name = f"make:{label}" if kind == "make" else f"{source}->{label}"
            by_row.setdefault(to, []).append((name, draft))
        final: list[Link] = []
        for to in sorted(by_row, key=lambda k: index[k]):
            mine = sorted(by_row[to], key=lambda found: found[0])
            rule = self._sourcing(to, [draft[3] for _, draft in mine])
            for name, (kind, _, keys, source, lane, declared) in mine:
                inputs = tuple(sorted((index[k], u) for k, u in keys))
                limits = limits_of(self.scenario, declared)
                final.append(
                    Link(
                        len(final), name, kind, index[to], source, lane, inputs, declared,
                        *rule(source), limits,
                    )
                )  # fmt: skip
        return tuple(final)

    def _sourcing(
        self, key: Key, sources: list[str]
    ) -> Callable[[str], tuple[float, int | None, bool]]:
        """Return share, priority and fallback of each source of a stock point."""
        label = f"{key[0]}/{key[1]}"
        rules = [r for r in self.scenario.sourcing if r.site == key[0] and matches(key[1], r.item)]
        if not rules:
            if len(sources) > 1:
                msg = (
                    f"stock point '{label}' has {len(sources)} sources ({', '.join(sources)}) and "
                    "no rule; add a sourcing entry with 'shares' or 'priority'"
                )
                raise ScenarioError(msg)
            return lambda source: (1.0, None, False)
        rule, known = rules[-1], set(sources)
        for name in sorted((set(rule.shares or {}) | set(rule.priority or [])) - known):
            msg = f"sourcing of '{label}': unknown source '{name}'; {nearest(name, known)}"
            raise ScenarioError(msg)
        if rule.shares is not None:
            shares = rule.shares
            return lambda source: (shares.get(source, 0.0), None, rule.fallback)
        order = rule.priority or []
        rank = {source: n for n, source in reversed(list(enumerate(order)))}
        return lambda source: (float(source == order[0]), rank.get(source, len(order)), False)

    def _sinks(self, index: dict[tuple[str, str], int]) -> tuple[Sink, ...]:
        families = {f.name: f for f in self.scenario.families}
        drafts = []
        for d in self.scenario.demand:
            for item, one in d.by_item():
                tolerance = tolerance_of(d, families.get(self.items[item].family or ""))
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
