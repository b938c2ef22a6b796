"""What is chosen from a list: decoupling points and sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from twin.edits import apply
from twin.errors import RunError, ScenarioError
from twin.frontier import MOST, combinations, families_of
from twin.names import nearest
from twin.optimise.levers import KINDS
from twin.problems import show
from twin.schema import Scenario
from twin.topology import build

CUTS, BACKUP = "cuts", "backup"
CHOICES = (CUTS, *KINDS, BACKUP)
"""All kinds of levers."""


@dataclass(frozen=True)
class Option:
    """One combination of choices.

    Attributes
    ----------
    label
        In words: ``laptop: boards; printer: dc``.
    changes
        Of the scenario, for :func:`twin.apply`.
    """

    label: str
    changes: dict[str, Any] = field(default_factory=dict)


AS_IT_IS = "as it is"


def known(kinds: Sequence[str]) -> Sequence[str]:
    """Return kinds of levers; a :class:`RunError` if one of them is none, or there are none."""
    if isinstance(kinds, str):
        msg = f"levers = {show(kinds)}; must be a list: [{show(kinds)}]"
        raise RunError(msg)
    if not kinds:
        msg = f"no levers are named; name some of {', '.join(CHOICES)}"
        raise RunError(msg)
    for kind in kinds:
        if kind not in CHOICES:
            msg = f"no levers '{kind}'; {nearest(kind, CHOICES)}"
            raise RunError(msg)
    return kinds


def options(
    scenario: Scenario, kinds: Sequence[str], families: Sequence[str] | None = None
) -> tuple[list[Option], list[str]]:
    """Return all combinations of choices that are possible, that of the scenario first, and notes.

    Parameters
    ----------
    scenario
        What is chosen for.
    kinds
        Of :data:`CHOICES`.
    families
        Whose decoupling points may move; default: all.

    Raises
    ------
    RunError
        If a family is unknown.
    """
    cuts, notes = _cuts(scenario, families) if CUTS in kinds else ([Option("")], [])
    backups = _backups(scenario) if BACKUP in kinds else [Option("")]
    both = [(cut, backup) for cut in cuts for backup in backups]
    if len(both) > MOST:
        both = [(cut, backups[0]) for cut in cuts] + [(cuts[0], b) for b in backups[1:]]
        notes.append(
            f"more than {MOST} combinations of decoupling points and sources: one of the two is "
            "changed at a time"
        )
    found = []
    for cut, backup in both:
        label = "; ".join(x.label for x in (cut, backup) if x.label) or AS_IT_IS
        option = Option(label, {**cut.changes, **backup.changes})
        try:
            apply(scenario, option.changes)
        except ScenarioError as error:
            notes.append(f"{label} is not possible: {error}")
        else:
            found.append(option)
    return found, notes


def _cuts(scenario: Scenario, families: Sequence[str] | None) -> tuple[list[Option], list[str]]:
    """Return the positions of the decoupling points, the scenario's own first."""
    if not scenario.families and families is None:
        return [Option("")], []
    cuts, current, _, notes = combinations(build(scenario), families_of(scenario, families))
    ordered = [cuts[current], *(cut for i, cut in enumerate(cuts) if i != current)]
    return [
        Option(
            "; ".join(f"{family}: {_words(place)}" for family, place in cut.items()),
            {f"families.{family}.decoupling_point": place for family, place in cut.items()}
            if n
            else {},
        )
        for n, cut in enumerate(ordered)
    ], notes


def _words(place: Any) -> str:
    if place is None:
        return "no decoupling point"
    return place if isinstance(place, str) else " + ".join(place)


def _backups(scenario: Scenario) -> list[Option]:
    """Return how sources may stand in for each other, one place at a time and all at once."""
    found = [Option("")]
    fallbacks: dict[str, Any] = {}
    for n, entry in enumerate(scenario.sourcing):
        place = f"sources of {entry.item} at {entry.site}"
        if entry.shares is not None:
            change = {f"sourcing[{n}].fallback": not entry.fallback}
            verb = "each for itself" if entry.fallback else "stand in for each other"
            found.append(Option(f"{place} {verb}", change))
            fallbacks |= {} if entry.fallback else change
        for source in (entry.priority or [])[1:]:
            order = [source, *(x for x in entry.priority or [] if x != source)]
            found.append(Option(f"{place}: {source} first", {f"sourcing[{n}].priority": order}))
    if len(fallbacks) > 1:
        found.append(Option("all sources stand in for each other", fallbacks))
    return found
