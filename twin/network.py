"""A network in the kernel's order, as plain objects: stock points, links and sinks."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Literal

from twin.errors import ScenarioError
from twin.names import nearest
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

    @functools.cached_property
    def delay(self) -> int:
        """Information delay in periods (production: none)."""
        return getattr(self.declared, "information_delay", 0)

    @functools.cached_property
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


class Shape:
    """What networks have in common that differ in numbers alone: rows, links, inputs, shares.

    Attributes
    ----------
    checked
        Whether what rests on it alone has been checked.
    """

    checked = False


@dataclass(frozen=True)
class Topology:
    """All stock points, links and sinks of a scenario, and how they hang together."""

    scenario: Scenario
    points: tuple[StockPoint, ...]
    links: tuple[Link, ...]
    sinks: tuple[Sink, ...]
    families_of: tuple[frozenset[str], ...] = field(repr=False)
    shape: Shape = field(default_factory=lambda: Shape(), repr=False, compare=False)
    """The same for networks that differ in numbers alone."""

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
        rows = None
        if isinstance(where.site, str):  # most patterns name a site, or a stock point
            row = self.row_of.get(f"{where.site}/{where.item}")
            rows = self._rows_at.get(where.site) if row is None else [row]
        chosen = self.points if rows is None else [self.points[i] for i in rows]
        return [p.index for p in chosen if selects(where, p.site, p.item, p.role)]

    @functools.cached_property
    def _rows_at(self) -> dict[str, list[int]]:
        """Rows of each site."""
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


def limits_of(
    scenario: Scenario, declared: Lane | Production | Purchase
) -> tuple[tuple[str, float, float], ...]:
    """Return the capacity that a link shares with others: resources, or its lane's limit."""
    if isinstance(declared, Lane):
        if declared.dispatch_limit is None:
            return ()
        return ((f"lane {declared.name}", 1.0, declared.dispatch_limit),)
    if isinstance(declared, Production):
        capacity = {r.name: r.capacity for r in scenario.resources}
        return tuple(sorted((r, u, capacity[r]) for r, u in declared.resources.items()))
    return ()


def tolerance_of(demand: Demand, family: Family | None) -> int:
    """Return how long customers of a family wait without calling it late, in periods."""
    if demand.tolerance is not None or family is None:
        return demand.tolerance or 0
    if demand.patience is None:
        return family.tolerance
    return min(family.tolerance, demand.patience)
