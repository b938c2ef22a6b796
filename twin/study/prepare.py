"""A study made ready: every design point applied and checked before the first one is run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twin import decoupling, posterior
from twin.compare import ALIKE
from twin.edits import APPEND, apply
from twin.errors import RunError, ScenarioError
from twin.kpis import KPIS
from twin.names import nearest
from twin.problems import SHOWN, Path, Problem, report, show
from twin.schema import Scenario
from twin.study.changing import Changing
from twin.study.design import MOST, Values, design_points, levels_of, size
from twin.study.files import Source, scenario_of
from twin.study.schema import Factor, StudyFile
from twin.topology import build

PERIODS_PER_PART = 50_000_000
"""Periods x stock points x replications of one part: some seconds of work, lost by a kill."""

FEWEST_PARTS = 32
"""Parts of a study of as many points, so that threads and workers have something to share."""


@dataclass(frozen=True)
class Ready:
    """A study that can be run: nothing in it can be refused any more.

    Attributes
    ----------
    study
        What was asked for.
    scenario
        The base scenario with what the study changes for all runs, seed included.
    points
        Values by factor of each design point, the base first.
    numeric
        Whether all values of a factor are numbers, by factor.
    replications
        Of each point; the most of them where the study says ``until``.
    part
        Design points per part of the results.
    """

    study: StudyFile
    scenario: Scenario
    points: Sequence[Values]
    numeric: Mapping[str, bool]
    replications: int
    part: int

    @property
    def outputs(self) -> tuple[str, ...]:
        """Wanted KPIs, each once."""
        until = self.study.until
        return tuple(dict.fromkeys([*self.study.outputs, *([until.kpi] if until else [])]))

    @property
    def parts(self) -> int:
        """Number of parts."""
        return -(-len(self.points) // self.part)

    def data(self) -> dict[str, Any]:
        """Return all that the numbers depend on as plain data, see :mod:`twin.study.parts`.

        ``key`` tells what all points share from that of other studies.
        """
        until = self.study.until
        shared = {
            "scenario": self.scenario.to_dict(),
            "outputs": list(self.outputs),
            "replications": self.replications,
            "until": None if until is None else until.model_dump(mode="json"),
        }
        return {
            **shared,
            "key": _digest(shared),
            "factors": {name: bool(number) for name, number in self.numeric.items()},
            "points": [
                {"values": _labels(self, values), "changes": changes_of(self.study, values)}
                for values in self.points
            ],
            "part": self.part,
        }

    def hash(self) -> str:
        """Return the SHA-256 of :meth:`data`, 16 hex digits: texts for people left out."""
        quiet = self.scenario.model_copy(update={"title": "", "description": ""})
        return _digest({**self.data(), "key": "", "scenario": quiet.hash()})


def _digest(data: Mapping[str, Any]) -> str:
    text = json.dumps(data, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def prepare(
    source: Source,
    scenario: Scenario | None = None,
    told: Callable[[int, int], None] | None = None,
) -> Ready:
    """Return a study made ready, every design point of it applied and checked.

    Parameters
    ----------
    source
        The study.
    scenario
        Base scenario instead of the one that the study names.
    told
        Called with (points checked, in all); may raise to stop.

    Raises
    ------
    ScenarioError
        If the study or any design point is wrong: names factor, value and point.
    """
    study = source.study
    base = _base(source, scenario_of(source) if scenario is None else scenario)
    report(_wrong_names(study, base), source.places)
    levels = {name: _levels(base, factor) for name, factor in study.factors.items()}
    report(_wrong_values(study, levels), source.places)
    if size(study, levels) > MOST:
        msg = f"the design has {size(study, levels):,} points; at most {MOST:,}, leave some out"
        raise ScenarioError(msg)
    points = design_points(study, levels, base.seed)
    _check_points(source, base, points, told)
    replications = study.until.maximum if study.until else study.replications or base.replications
    work = base.horizon * len(build(base).points) * replications
    part = min(-(-len(points) // FEWEST_PARTS), max(1, PERIODS_PER_PART // work))
    numeric = {name: _are_numbers(name, levels[name], points) for name in study.factors}
    return Ready(study, base, points, numeric, replications, study.part or part)


def _base(source: Source, scenario: Scenario) -> Scenario:
    study = source.study
    changes: dict[str, Any] = dict(study.set)
    if study.disruptions:
        changes[f"disruptions{APPEND}"] = list(study.disruptions)
    if study.seed is not None:
        changes["seed"] = study.seed
    try:
        base = apply(scenario, changes)
        for d in range(base.posterior.size):
            posterior.drawn(base, d)
        return base
    except ScenarioError as error:
        line = source.places.lines.get(("set",), source.places.lines.get(("disruptions",)))
        place = f"{source.places.name}, line {line}: " if line else ""
        msg = f"{place}set or disruptions for all runs: {error}"
        raise ScenarioError(msg) from error


def _wrong_names(study: StudyFile, base: Scenario) -> Iterator[Problem]:
    """Yield names of KPIs, factors and families that are not there."""
    for n, name in enumerate(study.outputs):
        if name not in KPIS:
            yield Problem(("outputs", n), f"no KPI '{name}'; {nearest(name, KPIS)}")
    if study.until is not None and study.until.kpi not in KPIS:
        name = study.until.kpi
        yield Problem(("until", "kpi"), f"no KPI '{name}'; {nearest(name, KPIS)}")
    families = [f.name for f in base.families]
    for name, factor in study.factors.items():
        if factor.family is not None and factor.family not in families:
            text = f"no family '{factor.family}'; {nearest(factor.family, families)}"
            yield Problem(("factors", name, "family"), text)
        for key in (*factor.keys, *(key for o in (factor.options or {}).values() for key in o)):
            if key in ("seed", "replications"):
                text = f"'{key}' is the same for all runs, or they could not be paired; take it out"
                yield Problem(("factors", name), text)
    runs = [(("design", "runs", n), run) for n, run in enumerate(study.design.runs or ())]
    for path, values in ((("base",), study.base), *runs):
        for name in values:
            if name not in study.factors:
                text = f"no factor '{name}'; {nearest(name, study.factors)}"
                yield Problem((*path, name), text)


def _levels(base: Scenario, factor: Factor) -> list[Any]:
    if factor.family is None or factor.values is not None or factor.low is not None:
        return levels_of(factor)
    return [p.stage for p in decoupling.positions(build(base), factor.family)]


def _wrong_values(study: StudyFile, levels: Mapping[str, Sequence[Any]]) -> Iterator[Problem]:
    """Yield labels that are no options of their factor, and factors without any value."""
    for name, found in levels.items():
        if not found:
            text = (
                f"no stage is a decoupling point of '{study.factors[name].family}' that every path "
                "crosses exactly once; give values, lists of stages and 'site/item' stock points"
            )
            yield Problem(("factors", name), text)
    runs = [(("design", "runs", n), run) for n, run in enumerate(study.design.runs or ())]
    for path, values in ((("base",), study.base), *runs):
        for name, value in values.items():
            options = study.factors[name].options
            if options is not None and value not in options:
                text = f"= {show(value)}; {nearest(str(value), options)}"
                yield Problem((*path, name), text)


def changes_of(study: StudyFile, values: Values) -> list[tuple[str, Any]]:
    """Return the changes that a design point makes, in the order of the factors."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        factor = study.factors[name]
        chosen = factor.options[value] if factor.options is not None else None
        for key, new in (chosen or dict.fromkeys(factor.keys, value)).items():
            both = key.endswith(APPEND) and isinstance(found.get(key), list)
            found[key] = [*found[key], *new] if both and isinstance(new, list) else new
    return list(found.items())


def _check_points(
    source: Source,
    base: Scenario,
    points: Sequence[Values],
    told: Callable[[int, int], None] | None,
) -> None:
    """Apply and check every design point; raise one error with the first ten problems."""
    problems: list[Problem] = []
    changing = Changing(base)
    for number, values in enumerate(points):
        problems += _problem(source.study, changing, number, values)
        if told is not None:
            told(number + 1, len(points))
        if len(problems) > SHOWN:
            break
    report(problems, source.places)


def _twice(study: StudyFile, number: int, values: Values) -> Iterator[Problem]:
    """Yield keys that two factors set in the same design point: one of them would do nothing."""
    owner: dict[str, str] = {}
    for name, value in values.items():
        factor = study.factors[name]
        for key in factor.options[value] if factor.options is not None else factor.keys:
            first = owner.setdefault(key, name)
            if first != name and not key.endswith(APPEND):
                text = (
                    f"sets '{key}', and so does factor '{first}', {_told(study, number, values)}; "
                    "only one of them would act: take the key out of the other"
                )
                yield Problem(("factors", name), text)


def _problem(
    study: StudyFile, changing: Changing, number: int, values: Values
) -> Iterator[Problem]:
    twice = list(_twice(study, number, values))
    if twice:
        yield from twice
        return
    try:
        changed = changing(changes_of(study, values))[1].scenario
    except ScenarioError as error:
        yield _culprit(study, changing.base, number, values, str(error))
        return
    differ = [key for key, of in ALIKE.items() if of(changed) != of(changing.base)]
    if differ:
        text = (
            f"{_told(study, number, values)} changes {', '.join(differ)}; runs of a study are subtracted "
            "from each other, so it must be the same in all: change it with 'set' instead"
        )
        yield Problem(("factors",), text)


def _culprit(study: StudyFile, base: Scenario, number: int, values: Values, error: str) -> Problem:
    """Return what is wrong with a point, and the first factor with which it goes wrong."""
    some: dict[str, Any] = {}
    for name, value in values.items():
        some[name] = value
        try:
            apply(base, dict(changes_of(study, some)))
        except ScenarioError as found:
            path: Path = ("factors", name)
            text = f"= {show(value)}, {_told(study, number, values)}: {found}"
            return Problem(path, text)
    return Problem(("factors",), f"{_told(study, number, values)}: {error}")


def _told(study: StudyFile, number: int, values: Values) -> str:
    """Return a design point in words: what is not as in the base."""
    base = study.base
    new = {name: x for name, x in values.items() if name not in base or base[name] != x}
    inside = ", ".join(f"{name} = {show(value, 30)}" for name, value in new.items())
    return f"design point {number} ({inside or 'the base'})"


def _are_numbers(name: str, levels: Sequence[Any], points: Sequence[Values]) -> bool:
    found = [*levels, *(values[name] for values in points if name in values)]
    return all(isinstance(x, int | float) and not isinstance(x, bool) for x in found)


def _labels(ready: Ready, values: Values) -> dict[str, Any]:
    return {
        name: float(value) if ready.numeric[name] else label(value)
        for name, value in values.items()
    }


def label(value: Any) -> str:
    """Return a factor's value as the text that the results show."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value)
    except TypeError as error:
        msg = f"value {show(value)} of a factor; must be plain data (numbers, texts, lists ...)"
        raise RunError(msg) from error
