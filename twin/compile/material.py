"""Order of the material sweep: stages of rows, groups that share components or limits."""

from __future__ import annotations

from dataclasses import dataclass, field

import networkx as nx

from twin.distributions import lead_time_table
from twin.errors import NetworkError
from twin.memory import kept
from twin.topology import Link, Topology

Member = tuple[str, object]
"""A row or a shared limit: ('row', index) or ('limit', name)."""
Units = dict[Member, Member]


@dataclass
class Limit:
    """A shared limit (resource or lane) and the links that take from it."""

    name: str
    capacity: float
    claims: list[tuple[int, float]] = field(default_factory=list)


@dataclass
class Stage:
    """Rows whose stock is split together; ``group`` is -1 when they are independent."""

    rows: list[int]
    links: list[int]
    group: int = -1
    limits: list[int] = field(default_factory=list)


@dataclass
class Material:
    """The plan of one material sweep, upstream first."""

    stages: list[Stage]
    outside: list[int]
    limits: list[Limit]

    @property
    def groups(self) -> list[Stage]:
        """Stages that are groups, in order of their numbers."""
        return [s for s in self.stages if s.group >= 0]


def plan_material(top: Topology) -> Material:
    """Group rows that must be split together and put the groups in order.

    A group is a set of rows tied by production with components or by shared limits. Whatever can
    arrive in the same sweep (lead time zero) puts its receiver into a later stage.

    Raises
    ------
    NetworkError
        If something made or shipped in zero time would have to arrive before it leaves.
    """
    unit = _units(top)
    by_limit = _collect_limits(top)
    order = nx.DiGraph()
    order.add_nodes_from(unit[("row", p.index)] for p in top.points)
    order.add_nodes_from(unit[("limit", name)] for name in by_limit)
    for e in top.links:
        home = _home(e, unit)
        if home is not None and _instant(e):
            there = unit[("row", e.to)]
            if there == home:
                msg = (
                    f"'{top.points[e.to].name}' arrives in zero time by '{e.name}' and shares "
                    "components or limits with what it is made from; give that link a lead time "
                    "of at least 1 period"
                )
                raise NetworkError(msg)
            order.add_edge(home, there)
    return _stages(top, unit, order, by_limit)


def tie(e: Link) -> object:
    """Return what the order of the sweep rests on besides the network's shape."""
    return e.limits, _instant(e)


def _instant(e: Link) -> bool:
    """Return whether something can arrive in the period in which it leaves."""
    return kept(e, "_instant", lambda: int(lead_time_table(e.lead_time)[0][0]) == 0)


def _units(top: Topology) -> dict[tuple[str, object], tuple[str, object]]:
    """Union-find over rows and limits: what must be split together has the same unit."""
    ties = nx.Graph()
    ties.add_nodes_from(("row", p.index) for p in top.points)
    for e in top.links:
        if e.kind == "make" or e.limits:
            members = [("row", r) for r, _ in e.inputs] + [("limit", n) for n, _, _ in e.limits]
            ties.add_nodes_from(members)
            nx.add_path(ties, members)
    unit = {}
    for part in nx.connected_components(ties):
        name = min(part, key=str)
        for member in part:
            unit[member] = name
    return unit


def _collect_limits(top: Topology) -> dict[str, Limit]:
    found: dict[str, Limit] = {}
    for e in top.links:
        for name, usage, capacity in e.limits:
            found.setdefault(name, Limit(name, capacity)).claims.append((e.index, usage))
    return dict(sorted(found.items()))


def _home(e: Link, unit: Units) -> tuple[str, object] | None:
    """Return the unit that a link takes from; None for outside supply."""
    if e.inputs:
        return unit[("row", e.inputs[0][0])]
    if e.limits:
        return unit[("limit", e.limits[0][0])]
    return None


def _stages(top: Topology, unit: Units, order: nx.DiGraph, by_limit: dict[str, Limit]) -> Material:
    try:
        generations = list(nx.topological_generations(order))
    except nx.NetworkXUnfeasible as error:
        loop = " -> ".join(str(a[1]) for a, _ in nx.find_cycle(order))
        msg = (
            f"goods would arrive in the same period in a circle ({loop}) because products share "
            "components or limits; give one of these links a lead time of at least 1 period"
        )
        raise NetworkError(msg) from error
    rows_of: dict[object, list[int]] = {}
    for p in top.points:
        rows_of.setdefault(unit[("row", p.index)], []).append(p.index)
    links_of: dict[object, list[int]] = {}
    grouped = set()
    for e in top.links:
        home = _home(e, unit)
        links_of.setdefault(home, []).append(e.index)
        if home is not None and (e.kind == "make" or e.limits):
            grouped.add(home)
    stages: list[Stage] = []
    limits: list[Limit] = []
    n_groups = 0
    for generation in generations:
        plain = sorted(r for u in generation if u not in grouped for r in rows_of.get(u, []))
        if plain:
            out = [e for r in plain for e, _ in top.out_links[r]]
            stages.append(Stage(plain, out))
        for u in sorted((u for u in generation if u in grouped), key=str):
            stage = Stage(rows_of.get(u, []), links_of.get(u, []), n_groups)
            for name, limit in by_limit.items():
                if unit[("limit", name)] == u:
                    stage.limits.append(len(limits))
                    limits.append(limit)
            stages.append(stage)
            n_groups += 1
    return Material(stages, links_of.get(None, []), limits)
