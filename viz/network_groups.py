"""Crowded stages fold into groups of sites, which open and close again."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping

from twin.topology import Topology
from viz import look

MOST_GROUPS = 12
"""Groups that a stage or an opened group falls into, at most."""

GROUP_SIZE = 8
"""Sites of a group, unless that makes too many groups."""


def toggled(expanded: Collection[str], group: str) -> frozenset[str]:
    """Return the open groups after a click on one: opened if closed, closed if open.

    Of each stage one group is open, and in it perhaps one of its parts, and so on: opening one
    closes its neighbours.

    Parameters
    ----------
    expanded
        Groups that are open.
    group
        ``group:store/3``, or ``group:store/3/0`` within it.
    """
    stage = group.partition("/")[0]
    others = frozenset(g for g in expanded if g.partition("/")[0] != stage)
    parts = group.split("/")
    above = frozenset("/".join(parts[:n]) for n in range(2, len(parts)))
    return others | above | (frozenset() if group in expanded else {group})


def folded(
    top: Topology, expanded: frozenset[str], most: int
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the node of every site, and the label of every group, open ones included.

    A group is named ``group:`` + stage + a number for each level down: ``group:store/3/0``.

    Parameters
    ----------
    top
        The network.
    expanded
        Groups that are open.
    most
        Stages and open groups with more sites than this fold.
    """
    there = {p.site.name: p.stage for p in top.points}
    by_stage: dict[str, list[str]] = {}
    for site in top.scenario.sites:
        if site.name in there:
            by_stage.setdefault(there[site.name], []).append(site.name)
    partner = _partners(top)
    nodes: dict[str, str] = {}
    named: dict[str, str] = {}

    def fold(sites: list[str], at: str) -> None:
        if len(sites) <= most:
            nodes.update((s, s) for s in sites)
            return
        for i, (label, part) in enumerate(_parts(sites, partner)):
            group = f"{at}/{i}"
            named[group] = label
            if group in expanded:
                fold(part, group)
            else:
                nodes.update((s, group) for s in part)

    for stage, sites in by_stage.items():
        fold(sites, f"group:{stage}")
    return nodes, named


def _partners(top: Topology) -> dict[str, str]:
    """Return the site that supplies each site most, or that it supplies where nobody does."""
    sources: dict[str, tuple[float, str]] = {}
    customers: dict[str, str] = {}
    for link in top.links:
        if link.kind == "ship":
            a, b = top.points[link.inputs[0][0]].site.name, top.points[link.to].site.name
            sources[b] = max(sources.get(b, (-1.0, "")), (link.share, a))
            customers[a] = max(customers.get(a, ""), b)
    return customers | {site: name for site, (_, name) in sources.items()}


def _parts(sites: list[str], partner: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Split sites by partner if those are few, else into runs of names of one size."""
    order = sorted(sites, key=lambda s: (partner.get(s, ""), s))
    by: dict[str, list[str]] = {}
    for s in order:
        by.setdefault(partner.get(s, ""), []).append(s)
    if 2 <= len(by) <= MOST_GROUPS:
        return [
            (f"{len(part)} of {look.said(name)}" if name else f"{len(part)} others", part)
            for name, part in by.items()
        ]
    count = min(MOST_GROUPS, math.ceil(len(order) / GROUP_SIZE))
    ends = [round(i * len(order) / count) for i in range(count + 1)]
    runs = [order[a:b] for a, b in itertools.pairwise(ends)]
    return [(f"{look.said(run[0])} + {len(run) - 1}", run) for run in runs]
