"""The decoupling point: where forecast-driven push ends and order-driven pull begins.

A family's decoupling point is a cut of its network: a set of stock points that every way from a
source to a customer crosses exactly once (Hoekstra & Romme 1992, *Integral Logistic Structures*;
Olhager 2003, *Int. J. Production Economics* 85(3): 319-329).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from twin.errors import NetworkError
from twin.names import nearest
from twin.schema import Scenario
from twin.topology import Link, Topology, build

Place = str | list[str]
"""A stage, or a list of stages and ``site/item`` stock points."""


@dataclass(frozen=True)
class Position:
    """A stage at which a family can be decoupled.

    Attributes
    ----------
    stage
        Name of the stage.
    rows
        The stock points of the cut.
    lead_time_below
        Longest way from the cut to a customer: information delays + mean lead times, in periods.
    """

    stage: str
    rows: frozenset[int]
    lead_time_below: int


def cut_rows(topology: Topology, family: str, position: Place) -> frozenset[int]:
    """Return the stock points of a family that a position names.

    A stage means its stock points that leave it, shipped to another stage or sold to customers;
    what is held there for production (its own components) is not part of the cut.

    Parameters
    ----------
    topology
        The network.
    family
        Name of the family; only stock points that serve it count.
    position
        A stage, or a list of stages and ``site/item`` stock points.

    Raises
    ------
    NetworkError
        If the family, a stage or a stock point is unknown, or a stock point does not serve the
        family. Whether the result is a cut is for :func:`validate_cut` to say.
    """
    _known_family(topology, family)
    found: set[int] = set()
    for name in [position] if isinstance(position, str) else position:
        found |= (_named_point if "/" in name else _leaving)(topology, family, name)
    return frozenset(found)


def validate_cut(topology: Topology, family: str, position: Place) -> frozenset[int]:
    """Return the stock points of a position, sure that every path crosses them exactly once.

    Raises
    ------
    NetworkError
        If some path of the family from a source to a customer misses the cut or crosses it twice,
        or the position names something unknown; says which path and which stages are allowed.
    """
    cut = cut_rows(topology, family, position)
    crossings = _Crossings(topology, family, cut)
    for row in _sink_rows(topology, family):
        for count in (crossings.fewest[row], crossings.most[row]):
            if count != 1:
                path = crossings.path(row, count)
                raise NetworkError(_bad_cut(topology, family, position, path, count))
    return cut


def order_driven_rows(topology: Topology, positions: Mapping[str, Place | None]) -> frozenset[int]:
    """Return the rows strictly below the cut of every family that they serve.

    Push wins where families disagree, and for rows that serve a family without a decoupling point
    or an item of no family.

    Parameters
    ----------
    topology
        The network.
    positions
        Position by family; a missing family or ``None`` has no decoupling point.

    Raises
    ------
    NetworkError
        If a position is not a cut of its family.
    """
    below: dict[str, frozenset[int]] = {}
    for family, position in positions.items():
        if position is not None:
            cut = validate_cut(topology, family, position)
            most = _Crossings(topology, family, cut).most
            below[family] = frozenset(i for i, n in most.items() if n > 0 and i not in cut)
    none: frozenset[int] = frozenset()
    return frozenset(
        p.index
        for p in topology.points
        if all(p.index in below.get(f, none) for f in topology.families_of[p.index])
    )


def positions(network: Scenario | Topology | str | Path, family: str) -> list[Position]:
    """Return every stage that is a valid cut of a family, upstream to downstream.

    Raises
    ------
    NetworkError
        If the family is unknown.
    """
    topology = _topology(network)
    _known_family(topology, family)
    return [
        Position(stage, cut, max(_leads_below(topology, family, cut).values()))
        for stage, cut in _valid_stages(topology, family)
    ]


def _topology(network: Scenario | Topology | str | Path) -> Topology:
    if isinstance(network, Topology):
        return network
    if isinstance(network, Scenario):
        return build(network)
    from twin.load import load  # it checks, and the checks use this module

    return build(load(network))


def suggest(network: Scenario | Topology | str | Path, family: str) -> Position:
    """Return the most upstream position whose lead time below fits the customers' tolerance.

    Where nothing fits, the most downstream position: its wait is the shortest.

    Raises
    ------
    NetworkError
        If the family is unknown or no stage is a valid cut of it.

    References
    ----------
    Hoekstra & Romme 1992 and Olhager 2003: the ratio P/D of the lead time behind the decoupling
    point to the delivery time that customers accept must not exceed 1; above the cut, pooled
    generic stock is the cheaper the further upstream it lies.
    """
    topology = _topology(network)
    found = positions(topology, family)
    if not found:
        msg = (
            f"family '{family}': no stage is a decoupling point that every path crosses exactly "
            "once; give a list of stages and 'site/item' stock points instead"
        )
        raise NetworkError(msg)
    return next((p for p in found if fits(topology, family, p)), found[-1])


def fits(topology: Topology, family: str, position: Position) -> bool:
    """Return whether no customer of a family waits longer than tolerated from a position on."""
    leads = _leads_below(topology, family, position.rows)
    return all(
        leads[s.row] <= s.tolerance
        for s in topology.sinks
        if topology.points[s.row].item.family == family
    )


def quote_paths(
    topology: Topology, driven: frozenset[int]
) -> dict[int, list[tuple[int, float, int]]]:
    """Return what each order-driven stock point with customers can be promised from.

    Parameters
    ----------
    topology
        The network.
    driven
        The order-driven rows, as of :func:`order_driven_rows`.

    Returns
    -------
    dict
        Row of the stock point -> ``(row of the cut point, usage, lead time)``, sorted by row.
        A cut point is the first stock point upstream that is not order-driven. Usage (units of
        the cut point per unit sold) is nominal shares x usages along the way, summed over paths;
        the lead time in periods is that of the longest path. Sources without a share (fallbacks)
        do not count.
    """
    reach: dict[int, dict[int, tuple[float, int]]] = {}
    for p in reversed(topology.points):  # upstream first
        if p.index not in driven:
            reach[p.index] = {p.index: (1.0, 0)}
            continue
        mine: dict[int, tuple[float, int]] = {}
        for link, source, usage in _nominal_inputs(topology, p.index):
            for cut, (weight, lead) in reach[source].items():
                known, longest = mine.get(cut, (0.0, 0))
                mine[cut] = (
                    known + link.share * usage * weight,
                    max(longest, lead + nominal_lead(link)),
                )
        reach[p.index] = mine
    return {
        row: [(cut, w, lead) for cut, (w, lead) in sorted(reach[row].items())]
        for row in sorted(driven)
        if topology.sinks_of[row]
    }


def nominal_lead(link: Link) -> int:
    """Return a link's information delay + mean lead time in whole periods, rounded half up."""
    return link.delay + math.floor(link.lead_moments[0] + 0.5)


class _Crossings:
    """Fewest and most crossings of a cut over all paths from a source to each row of a family."""

    def __init__(self, topology: Topology, family: str, cut: frozenset[int]) -> None:
        self.topology = topology
        self.cut = cut
        self.fewest: dict[int, int] = {}
        self.most: dict[int, int] = {}
        for p in reversed(topology.points):  # upstream first
            if family not in topology.families_of[p.index]:
                continue
            here = int(p.index in cut)
            before = list(_sources(topology, p.index))
            starts = [0] if _is_source(topology, p.index) else []
            self.fewest[p.index] = here + min(starts + [self.fewest[i] for i in before])
            self.most[p.index] = here + max(starts + [self.most[i] for i in before])

    def path(self, row: int, count: int) -> list[int]:
        """Return one path from a source to ``row`` with its fewest (or most) crossings."""
        counts = self.fewest if count == self.fewest[row] else self.most
        path = [row]
        while True:
            count -= int(row in self.cut)
            if count == 0 and _is_source(self.topology, row):
                return path[::-1]
            row = next(i for i in _sources(self.topology, row) if counts[i] == count)
            path.append(row)

    def is_cut(self, sink_rows: list[int]) -> bool:
        """Return whether every path to these rows crosses exactly once."""
        return all(self.fewest[i] == 1 == self.most[i] for i in sink_rows)


def _valid_stages(topology: Topology, family: str) -> Iterator[tuple[str, frozenset[int]]]:
    sinks = _sink_rows(topology, family)
    for stage in topology.stages():
        cut = _leaving(topology, family, stage)
        if sinks and _Crossings(topology, family, cut).is_cut(sinks):
            yield stage, cut


def _leaving(topology: Topology, family: str, stage: str) -> frozenset[int]:
    """Stock points of a stage that serve the family and leave the stage."""
    known = topology.stages()
    if stage not in known and all(p.stage != stage for p in topology.points):
        raise NetworkError(
            f"family '{family}': decoupling point at unknown stage '{stage}'; "
            + nearest(stage, known)
        )
    sold = set(_sink_rows(topology, family))
    found = set()
    for p in topology.points:
        if p.stage != stage or family not in topology.families_of[p.index]:
            continue
        to = [topology.links[e].to for e, _ in topology.out_links[p.index]]
        goes_on = any(
            topology.points[i].stage != stage and family in topology.families_of[i] for i in to
        )
        if goes_on or p.index in sold:
            found.add(p.index)
    return frozenset(found)


def _named_point(topology: Topology, family: str, name: str) -> frozenset[int]:
    if name not in topology.row_of:
        raise NetworkError(
            f"family '{family}': decoupling point at unknown stock point '{name}'; "
            + nearest(name, topology.row_of)
        )
    row = topology.row_of[name]
    if family not in topology.families_of[row]:
        msg = (
            f"family '{family}': decoupling point at '{name}', which does not serve the family; "
            "name a stock point on the way to its customers"
        )
        raise NetworkError(msg)
    return frozenset({row})


def _leads_below(topology: Topology, family: str, cut: frozenset[int]) -> dict[int, int]:
    """Longest lead time from the cut to each row of the family that has customers of it."""
    lead: dict[int, int] = {}
    for p in reversed(topology.points):
        if p.index in cut:
            lead[p.index] = 0
        elif family in topology.families_of[p.index]:
            ways = [
                lead[source] + nominal_lead(link)
                for link, source, _ in _nominal_inputs(topology, p.index)
                if source in lead
            ]
            if ways:
                lead[p.index] = max(ways)
    return {row: lead[row] for row in _sink_rows(topology, family) if row in lead}


def _nominal_inputs(topology: Topology, row: int) -> Iterator[tuple[Link, int, float]]:
    """(link, row of the input, usage) of the links that have a share in normal times."""
    for e in topology.in_links[row]:
        link = topology.links[e]
        if link.share > 0:
            for source, usage in link.inputs:
                yield link, source, usage


def _sources(topology: Topology, row: int) -> Iterator[int]:
    for e in topology.in_links[row]:
        for source, _ in topology.links[e].inputs:
            yield source


def _is_source(topology: Topology, row: int) -> bool:
    """Return whether something comes in from outside: bought, or made from nothing."""
    return any(not topology.links[e].inputs for e in topology.in_links[row])


def _sink_rows(topology: Topology, family: str) -> list[int]:
    return sorted({s.row for s in topology.sinks if topology.points[s.row].item.family == family})


def _known_family(topology: Topology, family: str) -> None:
    if family not in topology.family_of:
        raise NetworkError(
            f"unknown family '{family}' in scenario '{topology.scenario.name}'; "
            + nearest(family, topology.family_of)
        )


def _bad_cut(topology: Topology, family: str, position: Place, path: list[int], count: int) -> str:
    way = " -> ".join(topology.points[i].name for i in path)
    wrong = "misses it" if count == 0 else f"crosses it {count} times"
    allowed = ", ".join(stage for stage, _ in _valid_stages(topology, family))
    advice = (
        f"allowed stages: {allowed}; or list stages and 'site/item' stock points so that every "
        "path has exactly one of them"
    )
    if not allowed:
        advice = "no stage fits; list 'site/item' stock points, one on every path"
    return (
        f"family '{family}': decoupling point {position!r} is not a cut, the path {way} {wrong}; "
        + advice
    )
