"""The worlds in which decoupling points are compared: calm, a supply shock, a mix shock, both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twin.compile.rules import first_forecasts
from twin.distributions import demand_moments
from twin.errors import RunError
from twin.names import nearest
from twin.schema import Scenario
from twin.topology import Topology

CALM, SUPPLY, MIX, BOTH = "calm", "supply shock", "mix shock", "both"

SHIFT = (2.4, 1.2, 1.2, 0.6, 0.3, 0.3)
"""What the shares of six variants are multiplied by, the least wanted first (domain.md, F28: six
equal shares become .40, .20, .20, .10, .05, .05)."""

DAYS = 45
"""Length of the outage (domain.md, F28)."""

PERIOD = {"day": 1, "week": 7}
"""Days of a period."""

LATEST = 0.47
"""Share of the window after which the shocks begin: day 150 of 320 (domain.md, F28)."""


@dataclass(frozen=True)
class Shocks:
    """What strikes.

    Attributes
    ----------
    site
        Whose outage is the supply shock.
    start, duration
        First period of both shocks, and periods of the outage; a mix that has moved stays.
    strength
        How far the mix moves: powers of :data:`SHIFT`.
    across
        Whether it also moves between variants that are made of different parts.
    """

    site: str
    start: int
    duration: int
    strength: float
    across: bool = False


def shocks(
    top: Topology, site: str | None, start: int | None, duration: int | None
) -> tuple[str, int, int]:
    """Return site, start and duration of the shocks, what is not given chosen for the scenario.

    Raises
    ------
    RunError
        If the site is unknown, or the shocks begin after the end.
    """
    scenario = top.scenario
    names = [s.name for s in scenario.sites]
    if site is not None and site not in names:
        msg = f"site '{site}' of the supply shock is not in the scenario; {nearest(site, names)}"
        raise RunError(msg)
    window = scenario.horizon - scenario.warmup
    begin = scenario.warmup + int(LATEST * window) if start is None else start
    if not scenario.warmup <= begin < scenario.horizon:
        msg = (
            f"start = {begin}; the shocks must begin after the warm-up ({scenario.warmup}) and "
            f"before the end ({scenario.horizon})"
        )
        raise RunError(msg)
    length = max(1, min(DAYS // PERIOD[scenario.calendar.period], window // 4))
    chosen = site or largest_source(top)
    return chosen, begin, length if duration is None else duration


def sources(top: Topology) -> set[str]:
    """Return the sites that no other site supplies."""
    supplied = {top.points[e.to].site.name for e in top.links if e.kind == "ship"}
    return {p.site.name for p in top.points} - supplied


def largest_source(top: Topology) -> str:
    """Return the site at the source whose goods are worth most a period."""
    mean, first = first_forecasts(top).mean, sources(top)
    value = dict.fromkeys(sorted(first), 0.0)
    for e in top.links:
        if e.kind == "ship" and e.source in first:
            value[e.source] += float(e.share * mean[e.to] * top.points[e.to].item.value)
    return max(value, key=lambda name: value[name])


def moved_mix(top: Topology, family: str, strength: float, across: bool) -> dict[str, float]:
    """Return the shares of a family's variants after the mix shock; empty where none can move.

    The less wanted a variant is, the more of it is wanted then, by the factors of :data:`SHIFT`;
    variants that are made of the same parts keep their common share, unless it moves ``across``.
    """
    wanted: dict[str, float] = {}
    for sink in top.sinks:
        item = top.points[sink.row].item
        if item.family == family:
            mean = demand_moments(sink.demand)[0]
            wanted[item.name] = wanted.get(item.name, 0.0) + mean
    parts = _parts(top.scenario)
    groups: dict[frozenset[str], list[str]] = {}
    for name in sorted(wanted, key=lambda name: (wanted[name], name)):
        groups.setdefault(frozenset() if across else parts.get(name, frozenset()), []).append(name)
    total = sum(wanted.values())
    if not total or not strength or max(map(len, groups.values())) < 2:
        return {}
    moved = {k: x for group in groups.values() for k, x in _moved(group, wanted, strength).items()}
    return {name: units / total for name, units in moved.items()}


def _parts(scenario: Scenario) -> dict[str, frozenset[str]]:
    """Return what each item is made of, anywhere."""
    found: dict[str, frozenset[str]] = {}
    for made in scenario.production:
        used = frozenset(x.item for x in made.inputs)
        found[made.item] = found.get(made.item, frozenset()) | used
    return found


def _moved(ranked: Sequence[str], wanted: Mapping[str, float], strength: float) -> dict[str, float]:
    """Return units by variant after the shift, their sum as before; the least wanted come first."""
    steps = len(SHIFT) / len(ranked)
    new = {k: wanted[k] * SHIFT[int((n + 0.5) * steps)] ** strength for n, k in enumerate(ranked)}
    scale = sum(wanted[k] for k in ranked) / (sum(new.values()) or 1.0)
    return {name: units * scale for name, units in new.items()}


def worlds(top: Topology, shocks: Shocks) -> dict[str, list[dict[str, Any]]]:
    """Return the disruptions of each world; those of the mix are left out if none can move."""
    scenario = top.scenario
    supply = [
        {"kind": "outage", "name": "supply_shock", "where": {"site": shocks.site},
         "start": shocks.start, "duration": shocks.duration}
    ]  # fmt: skip
    mixes = {
        f.name: moved_mix(top, f.name, shocks.strength, shocks.across) for f in scenario.families
    }
    mix = [
        {"kind": "mix_shift", "name": f"mix_shock_{n}", "family": family, "shares": shares,
         "start": shocks.start, "duration": scenario.horizon - shocks.start}
        for n, (family, shares) in enumerate(mixes.items()) if shares
    ]  # fmt: skip
    every = {CALM: [], SUPPLY: supply, MIX: mix, BOTH: [*supply, *mix]}
    return {name: x for name, x in every.items() if mix or name in (CALM, SUPPLY)}


def weights_of(given: Mapping[str, float], names: list[str]) -> dict[str, float]:
    """Return how much each world counts, their sum 1.

    Raises
    ------
    RunError
        If a world is unknown, or none of them counts.
    """
    for name in given:
        if name not in (CALM, SUPPLY, MIX, BOTH):
            msg = f"weights: no world '{name}'; {nearest(name, [CALM, SUPPLY, MIX, BOTH])}"
            raise RunError(msg)
    found = {name: float(given.get(name, 0.0)) for name in names}
    total = sum(found.values())
    if min(found.values()) < 0 or total <= 0:
        msg = (
            f"weights = {dict(given)}; must be 0 or more, and above 0 for one of {', '.join(names)}"
        )
        raise RunError(msg)
    return {name: weight / total for name, weight in found.items()}
