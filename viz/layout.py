"""Where the parts of a network stand on a drawing: columns, nodes, edges, handles.

Pure arithmetic on a topology, shared by the picture and the page. ``x`` counts columns (0 is the
source, a half is the border between two columns), ``y`` runs from 0 (top) to 1.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from twin.decoupling import Place, cut_rows
from twin.topology import Topology

MOST_SITES = 12
"""A stage with more sites than this is drawn as one node."""

SWEEPS = 24
"""Barycentre sweeps that look for few crossings (Sugiyama, Tagawa & Toda 1981)."""

BEND = 0.2
"""Height of an edge that passes a column, in nodes."""

SPREAD = 0.85
"""Share of its fair part of the height that a node of a thin column keeps to itself."""


@dataclass(frozen=True)
class Node:
    """A site, or all sites of a crowded stage.

    Attributes
    ----------
    name
        The site's name, ``stage:...`` for a stage.
    stage
        Its stage.
    x, y
        Column and height.
    sites
        The sites it stands for.
    rows
        Their stock points.
    """

    name: str
    stage: str
    x: int
    y: float
    sites: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Edge:
    """Supply links from one node to another.

    Attributes
    ----------
    source, to
        Names of the nodes.
    links
        The supply links, by index.
    path
        Points ``(x, y)`` from node to node, one per column on the way.
    """

    source: str
    to: str
    links: tuple[int, ...]
    path: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Handle:
    """Families that are decoupled at one place.

    Attributes
    ----------
    families
        Their names.
    path
        Points ``(x, y)`` from top to bottom; straight where the cut is one stage.
    place
        The position in words: ``boards``.
    """

    families: tuple[str, ...]
    path: tuple[tuple[float, float], ...]
    place: str


@dataclass(frozen=True)
class Layout:
    """A drawn network.

    Attributes
    ----------
    stages
        ``(stage, first column, last column)`` from source to sink.
    nodes, edges, handles
        Its parts; handles from left to right.
    """

    stages: tuple[tuple[str, int, int], ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    handles: tuple[Handle, ...]

    @property
    def columns(self) -> int:
        """Number of columns."""
        return 1 + max(last for _, _, last in self.stages)


def layout(
    topology: Topology,
    positions: Mapping[str, Place | None] | None = None,
    most_sites: int = MOST_SITES,
    groups: Mapping[str, str] | None = None,
) -> Layout:
    """Lay out a network; equal networks are laid out equally.

    Parameters
    ----------
    topology
        The network.
    positions
        Decoupling point by family; default: the scenario's.
    most_sites
        Stages with more sites than this become one node.
    groups
        Node of every site that has stock points, instead; sites of one node share their stage.
    """
    if groups is None:
        groups = _groups(topology, most_sites)
    stages, nodes = _columns(topology, groups)
    links = _links(topology, nodes)
    chains, layers = _layers(nodes, links)
    heights = _heights(_ordered(layers, chains), chains)
    nodes = {n: replace(node, y=heights[n]) for n, node in nodes.items()}
    edges = tuple(
        Edge(a, b, tuple(links[a, b]), _path(chains[a, b], nodes, heights)) for a, b in links
    )
    if positions is None:
        positions = {f.name: f.decoupling_point for f in topology.scenario.families}
    handles = _handles(topology, tuple(nodes.values()), positions)
    return Layout(stages, tuple(nodes.values()), edges, handles)


# ------------------------------------------------------------------------------- nodes and columns
def _groups(top: Topology, most: int) -> dict[str, str]:
    """Return the node that each site belongs to."""
    sites: dict[str, list[str]] = {}
    there = {p.site.name: p.stage for p in top.points}
    for site in top.scenario.sites:
        if site.name in there:
            sites.setdefault(there[site.name], []).append(site.name)
    return {
        name: f"stage:{stage}" if len(names) > most else name
        for stage, names in sites.items()
        for name in names
    }


def _columns(
    top: Topology, groups: Mapping[str, str]
) -> tuple[tuple[tuple[str, int, int], ...], dict[str, Node]]:
    """Put every node into a column: stages in order, sites that supply each other side by side."""
    depth = _depths(top, groups)
    stage_of = {groups[p.site.name]: p.stage for p in top.points}
    stages, first, start = [], 0, {}
    for stage in top.stages():
        inside = [depth[n] for n, s in stage_of.items() if s == stage]
        if inside:
            start[stage] = first
            stages.append((stage, first, first + max(inside)))
            first += max(inside) + 1
    sites = _near((name, site) for site, name in groups.items())
    rows: dict[str, list[int]] = {}
    for p in top.points:
        rows.setdefault(groups[p.site.name], []).append(p.index)
    nodes = {}
    for name in dict.fromkeys(groups[s.name] for s in top.scenario.sites if s.name in groups):
        stage = stage_of[name]
        x = start[stage] + depth[name]
        nodes[name] = Node(name, stage, x, 0.5, tuple(sites[name]), tuple(rows[name]))
    return tuple(stages), nodes


def _depths(top: Topology, groups: Mapping[str, str]) -> dict[str, int]:
    """Return how many nodes of its own stage stand before each node; 0 in a stage with a loop."""
    stage_of = {groups[p.site.name]: p.stage for p in top.points}
    inner = {(a, b) for a, b in _pairs(top, groups) if stage_of[a] == stage_of[b]}
    depth = dict.fromkeys(stage_of, 0)
    for _ in range(len(stage_of)):
        late = [(a, b) for a, b in inner if depth[b] <= depth[a]]
        if not late:
            return depth
        for a, b in sorted(late):
            depth[b] = max(depth[b], depth[a] + 1)
    loops = {stage_of[b] for a, b in inner if depth[b] <= depth[a]}
    return {n: 0 if stage_of[n] in loops else d for n, d in depth.items()}


def _pairs(top: Topology, groups: Mapping[str, str]) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for link in top.links:
        if link.kind == "ship":
            a = groups[top.points[link.inputs[0][0]].site.name]
            b = groups[top.points[link.to].site.name]
            if a != b:
                found.setdefault((a, b), []).append(link.index)
    return found


def _links(top: Topology, nodes: Mapping[str, Node]) -> dict[tuple[str, str], list[int]]:
    groups = {site: n for n, node in nodes.items() for site in node.sites}
    return dict(sorted(_pairs(top, groups).items()))


# ---------------------------------------------------------------------------------- order in layers
Chain = list[tuple[int, str]]
"""The (column, name) on the way of an edge; in between stand bends with names of their own."""


def _layers(
    nodes: Mapping[str, Node], links: Iterable[tuple[str, str]]
) -> tuple[dict[tuple[str, str], Chain], list[list[str]]]:
    layers: list[list[str]] = [[] for _ in range(1 + max(n.x for n in nodes.values()))]
    for name, node in nodes.items():
        layers[node.x].append(name)
    chains: dict[tuple[str, str], Chain] = {}
    for a, b in links:
        xa, xb = nodes[a].x, nodes[b].x
        bends = [(x, f"{a}\n{b}\n{x}") for x in range(xa + 1, xb)]
        for x, bend in bends:
            layers[x].append(bend)
        chains[a, b] = [(xa, a), *bends, (xb, b)]
    return chains, layers


def _steps(chains: Mapping[tuple[str, str], Chain]) -> dict[int, list[tuple[str, str]]]:
    """Return the pieces of edges from each column to the next."""
    found: dict[int, list[tuple[str, str]]] = {}
    for chain in chains.values():
        for (xa, a), (xb, b) in itertools.pairwise(chain):
            if xb == xa + 1:
                found.setdefault(xa, []).append((a, b))
    return found


def _ordered(layers: list[list[str]], chains: Mapping[tuple[str, str], Chain]) -> list[list[str]]:
    """Return the layers in the order with the fewest crossings that the sweeps find."""
    steps = _steps(chains)
    now = [list(layer) for layer in layers]
    best, fewest = [list(layer) for layer in now], crossings(now, steps)
    for sweep in range(SWEEPS):
        rightward = sweep % 2 == 0
        columns = range(1, len(now)) if rightward else range(len(now) - 2, -1, -1)
        for x in columns:
            pairs = steps.get(x - 1 if rightward else x, [])
            fixed = now[x - 1 if rightward else x + 1]
            near = _near([(b, a) if rightward else (a, b) for a, b in pairs])
            place = {name: i for i, name in enumerate(fixed)}
            now[x] = _by_barycentre(now[x], near, place)
        count = crossings(now, steps)
        if count < fewest:
            best, fewest = [list(layer) for layer in now], count
    return best


def _near(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for a, b in pairs:
        found.setdefault(a, []).append(b)
    return found


def _by_barycentre(
    layer: list[str], near: Mapping[str, list[str]], place: Mapping[str, int]
) -> list[str]:
    """Sort a layer by the mean place of each node's neighbours; nodes without any keep theirs."""
    rank = {
        name: sum(place[n] for n in near[name]) / len(near[name]) if name in near else float(i)
        for i, name in enumerate(layer)
    }
    return sorted(layer, key=lambda name: rank[name])


def crossings(layers: Sequence[Sequence[str]], steps: Mapping[int, list[tuple[str, str]]]) -> int:
    """Return how many pairs of edge pieces cross."""
    total = 0
    for x, pairs in steps.items():
        left = {n: i for i, n in enumerate(layers[x])}
        right = {n: i for i, n in enumerate(layers[x + 1])}
        above: list[int] = []  # right ends of the pieces whose left ends stand higher, sorted
        for _, end in sorted((left[a], right[b]) for a, b in pairs):
            at = bisect.bisect_right(above, end)
            total += len(above) - at
            above.insert(at, end)
    return total


# ------------------------------------------------------------------------------------------ heights
def _heights(layers: list[list[str]], chains: Mapping[tuple[str, str], Chain]) -> dict[str, float]:
    """Return a height from 0 to 1 for every node and bend: near its neighbours, never too close."""
    sizes = [[BEND if _is_bend(name) else 1.0 for name in layer] for layer in layers]
    tall = max(sum(size) for size in sizes)
    gaps = []
    for size in sizes:
        stretch = max(1.0, SPREAD * tall / sum(size))
        gaps.append([stretch * (a + b) / 2 for a, b in itertools.pairwise(size)])
    y: dict[str, float] = {}
    for layer, gap in zip(layers, gaps, strict=True):
        spots = list(itertools.accumulate(gap, initial=(tall - sum(gap)) / 2))
        y.update(zip(layer, spots, strict=True))
    near = _near(
        pair for pairs in _steps(chains).values() for a, b in pairs for pair in ((a, b), (b, a))
    )
    for _ in range(SWEEPS):
        for layer, gap, size in zip(layers, gaps, sizes, strict=True):
            wish = [_mean([y[n] for n in near[m]]) if m in near else y[m] for m in layer]
            edge = (size[0] / 2, tall - size[-1] / 2) if size else (0.0, tall)
            y.update(zip(layer, spaced(wish, gap, *edge), strict=True))
    return {name: at / tall for name, at in y.items()}


def _is_bend(name: str) -> bool:
    return "\n" in name


def spaced(wish: Sequence[float], gaps: Sequence[float], low: float, high: float) -> list[float]:
    """Return places in the same order, as near to the wishes as the gaps between them allow.

    Least squares by pooling adjacent violators; where there is too little room from ``low`` to
    ``high`` the gaps win at the low end.

    Parameters
    ----------
    wish
        Wanted places, in order.
    gaps
        Smallest distance to the next, one fewer.
    low, high
        Range allowed.
    """
    offset = list(itertools.accumulate(gaps, initial=0.0))
    pools: list[tuple[float, int]] = []
    for w, o in zip(wish, offset, strict=False):
        total, n = w - o, 1
        while pools and pools[-1][0] / pools[-1][1] >= total / n:
            before = pools.pop()
            total, n = total + before[0], n + before[1]
        pools.append((total, n))
    level = [total / n for total, n in pools for _ in range(n)]
    room = max(low, high - offset[-1])
    return [min(max(v, low), room) + o for v, o in zip(level, offset, strict=False)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _path(
    chain: Chain, nodes: Mapping[str, Node], heights: Mapping[str, float]
) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), heights[name]) for x, name in chain)


# ------------------------------------------------------------------------------------------ handles
def _handles(
    top: Topology, nodes: Sequence[Node], positions: Mapping[str, Place | None]
) -> tuple[Handle, ...]:
    """Return one handle for each place at which families are decoupled, from left to right."""
    found: dict[tuple[tuple[float, float], ...], tuple[str, list[str]]] = {}
    for family, place in positions.items():
        if place is not None:
            cut = cut_rows(top, family, place)
            path = border(nodes, cut)
            named = [place] if isinstance(place, str) else place
            found.setdefault(path, (" + ".join(named), []))[1].append(family)
    handles = [Handle(tuple(names), path, place) for path, (place, names) in found.items()]
    return tuple(sorted(handles, key=lambda h: (_mean([x for x, _ in h.path]), h.families)))


def border(nodes: Sequence[Node], cut: frozenset[int]) -> tuple[tuple[float, float], ...]:
    """Return the line right of the nodes of a cut, with a step between nodes at other columns."""
    on = sorted((n.y, n.x + 0.5) for n in nodes if cut & set(n.rows))
    deepest = {x for _, x in on}
    if len(deepest) == 1:
        return ((on[0][1], 0.0), (on[0][1], 1.0))
    path = [(on[0][1], 0.0)]
    for (y, x), (next_y, next_x) in itertools.pairwise(on):
        if x != next_x:
            step = (y + next_y) / 2
            path += [(x, step), (next_x, step)]
    return (*path, (on[-1][1], 1.0))
