"""Design points: which combinations of the factors' values are run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from twin.study.schema import Factor, StudyFile
from twin.sums import Floats

Values = Mapping[str, Any]
"""Value by factor; what is not in it stays as the scenario has it."""

MOST = 1_000_000
"""Most design points of one study."""


def design_points(study: StudyFile, levels: Mapping[str, Sequence[Any]], seed: int) -> list[Values]:
    """Return the values of all design points, the base first.

    A combination occurs once, except in drawn designs, whose points all have the same weight.

    Parameters
    ----------
    study
        What is varied, and how.
    levels
        Values of each factor that is no range, see :func:`levels_of`.
    seed
        Luck of the drawn designs.
    """
    base = dict(study.base)
    drawn = study.design.kind in ("latin_hypercube", "sobol")
    points = [base, *_KINDS[study.design.kind](study, levels, seed)]
    return points if drawn else _unique(points)


def size(study: StudyFile, levels: Mapping[str, Sequence[Any]]) -> int:
    """Return at most how many points a design has, before any is made."""
    if study.design.points is not None:
        return 1 + study.design.points
    if study.design.runs is not None:
        return 1 + len(study.design.runs)
    counts = [len(levels[name]) for name in study.factors]
    return 1 + (math.prod(counts) if study.design.kind == "grid" else sum(counts))


def levels_of(factor: Factor) -> list[Any]:
    """Return the values of a factor in a grid: those given, or evenly over its range."""
    if factor.options is not None:
        return list(factor.options)
    if factor.values is not None:
        return list(factor.values)
    found = [_at(factor, u) for u in np.linspace(0.0, 1.0, factor.levels)]
    return list(dict.fromkeys(found))


def _at(factor: Factor, u: float) -> float | int:
    """Return the value at a share ``u`` of a range."""
    assert factor.low is not None
    assert factor.high is not None
    if factor.whole:
        low, high = math.ceil(factor.low), math.floor(factor.high)
        return min(high, low + int(u * (high - low + 1)))
    if u in (0.0, 1.0):
        return float(factor.high if u else factor.low)
    if factor.log:
        return float(factor.low * (factor.high / factor.low) ** u)
    return float(factor.low + u * (factor.high - factor.low))


def _grid(study: StudyFile, levels: Mapping[str, Sequence[Any]], seed: int) -> Iterator[Values]:
    for combination in itertools.product(*(levels[name] for name in study.factors)):
        yield dict(zip(study.factors, combination, strict=True))


def _one_at_a_time(
    study: StudyFile, levels: Mapping[str, Sequence[Any]], seed: int
) -> Iterator[Values]:
    for name in study.factors:
        for value in levels[name]:
            yield {**study.base, name: value}


def _list(study: StudyFile, levels: Mapping[str, Sequence[Any]], seed: int) -> Iterator[Values]:
    for run in study.design.runs or ():
        yield {**study.base, **run}


def _latin_hypercube(
    study: StudyFile, levels: Mapping[str, Sequence[Any]], seed: int
) -> Iterator[Values]:
    from scipy.stats import qmc

    sampler = qmc.LatinHypercube(len(study.factors), rng=np.random.default_rng(seed))
    yield from _drawn(study, levels, sampler.random(study.design.points))


def _sobol(study: StudyFile, levels: Mapping[str, Sequence[Any]], seed: int) -> Iterator[Values]:
    from scipy.stats import qmc

    sampler = qmc.Sobol(len(study.factors), rng=np.random.default_rng(seed))
    yield from _drawn(study, levels, sampler.random(study.design.points))


def _drawn(study: StudyFile, levels: Mapping[str, Sequence[Any]], unit: Floats) -> Iterator[Values]:
    """Turn numbers from 0 to 1, ``(points, factors)``, into values of the factors."""
    for row in unit.tolist():
        found = {}
        for (name, factor), u in zip(study.factors.items(), row, strict=True):
            known = levels[name]
            ranged = factor.low is not None
            found[name] = _at(factor, u) if ranged else known[int(u * len(known))]
        yield found


def _unique(points: Sequence[Values]) -> list[Values]:
    seen: dict[str, Values] = {}
    for point in points:
        seen.setdefault(repr(sorted(point.items())), point)
    return list(seen.values())


_KINDS = {
    "grid": _grid,
    "latin_hypercube": _latin_hypercube,
    "sobol": _sobol,
    "list": _list,
    "one_at_a_time": _one_at_a_time,
}
