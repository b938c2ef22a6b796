"""The ripple of a closure: which sites it reaches, after how long, along which links."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from twin.result import Result, words
from twin.run import HEAVY, Progress, run
from twin.schema import Scenario
from twin.study.findings import Chart, Sheet
from twin.study.intervals import bootstrap, wilson
from twin.sums import Floats
from twin.topology import Topology, build

SERIES = ("links.moved", "sinks.delivered")
"""What must be recorded to know what sites put out."""


@dataclass(frozen=True)
class Ripple:
    """What one closure does to every site, see :func:`ripple`.

    Attributes
    ----------
    scenario
        The scenario without the closure.
    closed
        Names of the sites that were closed.
    hits
        One mapping per site that puts anything out: ``site``, ``closed``, ``share`` of the
        replications in which it is hit (``share_low``, ``share_high``), ``after`` (median of the
        periods from the closure to the first hit, over those replications; NaN where it is hit in
        less than half of them) with ``after_low``, ``after_high``, and ``lost``, the share of its
        output from the closure to the end that is missing.
    """

    scenario: Scenario
    closed: tuple[str, ...]
    hits: Sequence[Mapping[str, Any]]

    @property
    def reached(self) -> list[Mapping[str, Any]]:
        """The open sites that are hit in at least half of the replications, soonest first."""
        found = [h for h in self.hits if not h["closed"] and not np.isnan(h["after"])]
        return sorted(found, key=lambda h: float(h["after"]))

    @functools.cached_property
    def edges(self) -> list[dict[str, Any]]:
        """Ways of the ripple: ``from``, ``to``, ``after``, ``delay`` in periods, ``carries``.

        Between neighbours that are both hit, from the one hit sooner: downstream it runs with the
        goods that are missing, upstream with the orders that are not placed. ``after`` counts from
        the closure to the hit that the way leads to, ``delay`` from one end of it to the other.
        """
        after = {h["site"]: h["after"] for h in self.hits if not np.isnan(h["after"])}
        found = []
        for source, to in _neighbours(build(self.scenario)):
            if source not in after or to not in after:
                continue
            delay = after[to] - after[source]
            first, second = (source, to) if delay >= 0 else (to, source)
            if second not in self.closed:
                carries = "goods" if delay >= 0 else "orders"
                found.append({
                    "from": first, "to": second, "after": after[second], "delay": abs(delay),
                    "carries": carries,
                })  # fmt: skip
        return found

    def sheets(self) -> tuple[Sheet, ...]:
        """Return the tables: sites and ways."""
        periods = words("periods", self.scenario)
        share = dict.fromkeys(("share", "share_low", "share_high", "lost"), "share")
        units = share | dict.fromkeys(("after", "after_low", "after_high"), periods)
        ordered = sorted(self.hits, key=lambda h: (np.isnan(h["after"]), h["after"]))
        ways = pd.DataFrame(self.edges, columns=["from", "to", "after", "delay", "carries"])
        return (
            Sheet("ripple", "Which sites are hit, and when", pd.DataFrame(ordered), units),
            Sheet(
                "ripple_ways", "How the closure spreads", ways, {"after": periods, "delay": periods}
            ),
        )

    def charts(self) -> tuple[Chart, ...]:
        """Return the pictures: the graph, and how soon each site is hit."""
        title = f"How the closure of {named(self.closed)} spreads"
        return (
            Chart("graph", "ripple", title, "ripple_ways", x="from", y="to", label="after",
                  group="carries"),
            Chart("bars", "ripple_after", "How long until each site is hit", "ripple", x="site",
                  y="after", low="after_low", high="after_high", zero=True),
        )  # fmt: skip


def ripple(
    scenario: Scenario,
    entry: Mapping[str, Any],
    share: float,
    *,
    replications: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the sites that a closure closes, and what it does to all, see :class:`Ripple`.

    A site is hit in the first period in which its output of the last ``w`` periods (the scenario's
    ``resilience.window``) lies by more than ``share`` below that of the undisrupted twin under the
    same luck. Its output is what it ships to other sites and delivers to customers, at cost value.

    Parameters
    ----------
    scenario
        The scenario; its own disruptions are left out.
    entry
        The closure, as in a scenario file.
    share
        Shortfall that counts, above 0 and below 1.
    replications, threads, progress, cancelled
        As in :func:`twin.run`; fewer replications where the network is large.
    """
    top = build(scenario)
    cells = scenario.horizon * (len(top.links) + len(top.sinks))
    wanted = scenario.replications if replications is None else replications
    found = run(
        scenario, set={"disruptions": [dict(entry)]}, record=SERIES, threads=threads,
        replications=max(1, min(wanted, HEAVY // cells)), progress=progress, cancelled=cancelled,
    )  # fmt: skip
    return _closed(found.topology), _hits(found, int(entry["start"]), share)


def _hits(found: Result, begin: int, share: float) -> list[dict[str, Any]]:
    """Return what became of every site that puts anything out in the undisrupted twin."""
    top, closed = found.topology, _closed(found.topology)
    assert found.undisrupted is not None  # there is a disruption, so there is a twin
    mine, calm = (_output(top, r.series) for r in (found, found.undisrupted))
    window = top.scenario.resilience.window
    hits = []
    for name, twin in calm.items():
        if twin.any():
            after = first_hit(mine[name], twin, begin, window, share)
            lost = 1.0 - mine[name][begin:].sum() / max(twin[begin:].sum(), 1e-12)
            hits.append(
                {"site": name, "closed": name in closed, **_told(after), "lost": float(lost)}
            )
    return hits


def first_hit(mine: Floats, twin: Floats, begin: int, window: int, share: float) -> Floats:
    """Return the periods from ``begin`` to the first with too little output; NaN if there is none.

    Parameters
    ----------
    mine, twin
        Output by period with and without the disruption, ``(periods, R)``.
    begin, window, share
        Period of the disruption; periods that are added up; shortfall that counts.

    Returns
    -------
    numpy.ndarray
        ``(R,)``
    """
    below = _moving(mine, window) < (1.0 - share) * _moving(twin, window) - 1e-9
    below[:begin] = False
    first = np.argmax(below, axis=0) - begin
    return np.where(below.any(axis=0), first, np.nan).astype(float)


def _moving(x: Floats, window: int) -> Floats:
    """Add up the last periods, afresh for each, so that equal ones have equal sums."""
    out = x.copy()
    for back in range(1, min(window, x.shape[0])):
        out[back:] += x[:-back]
    return out


def _told(after: Floats) -> dict[str, float]:
    """Return how often a site is hit and the median of when, with intervals."""
    hit = ~np.isnan(after)
    n, yes = after.size, int(hit.sum())
    ends = wilson(yes, n) if n > 1 else (float(yes), np.nan, np.nan)
    median = (np.nan, np.nan, np.nan)
    if 2 * yes >= n and yes:
        median = bootstrap(after[hit], lambda x: np.asarray(np.median(x, axis=-1)))
    names = ("share", "share_low", "share_high", "after", "after_low", "after_high")
    return dict(zip(names, (*ends, *median), strict=True))


def _output(top: Topology, series: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return what each site puts out, ``(periods, R)`` at cost value."""
    moved, delivered = (series[name] for name in SERIES)
    found = {s.name: np.zeros_like(moved[:, 0]) for s in top.scenario.sites}
    for e in top.links:
        if e.kind == "ship":
            found[e.source] += moved[:, e.index] * top.points[e.to].item.value
    for s in top.sinks:
        point = top.points[s.row]
        found[point.site.name] += delivered[:, s.index] * point.item.value
    return found


def _closed(top: Topology) -> list[str]:
    """Return the sites that the only disruption of a network closes."""
    from twin.compile.events import rows_where  # the compiler is loaded by then

    (event,) = top.scenario.disruptions
    names = {top.points[i].site.name for i in rows_where(top, event.where)}
    return [s.name for s in top.scenario.sites if s.name in names]


def _neighbours(top: Topology) -> list[tuple[str, str]]:
    """Return pairs of sites that goods flow between, each once."""
    pairs = ((e.source, top.points[e.to].site.name) for e in top.links if e.kind == "ship")
    return list(dict.fromkeys(pairs))


def named(names: Sequence[str], most: int = 3) -> str:
    """Return some names as a list in words, only the first few of many."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} others"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
