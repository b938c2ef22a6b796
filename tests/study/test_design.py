"""Designs: which combinations are run."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from twin.study.design import design_points, levels_of, size
from twin.study.schema import StudyFile

pytestmark = pytest.mark.nojit
FACTORS: dict[str, Any] = {
    "cut": {"key": "a", "values": ["x", "y", "z"]},
    "days": {"key": "b", "low": 1, "high": 30, "whole": True},
    "rate": {"key": "c", "low": 0.01, "high": 1, "log": True, "levels": 3},
}


def points(kind: str, **more: Any) -> list[Any]:
    base = more.pop("base", {})
    design = {"kind": kind, **more}
    study = StudyFile.model_validate({"factors": FACTORS, "design": design, "base": base})
    levels = {name: levels_of(factor) for name, factor in study.factors.items()}
    found = design_points(study, levels, seed=3)
    assert len(found) <= size(study, levels)
    return found


def test_a_grid_is_the_base_and_all_combinations_once() -> None:
    found = points("grid", base={"cut": "x", "days": 30, "rate": 1.0})
    assert found[0] == {"cut": "x", "days": 30, "rate": 1.0}
    assert len(found) == 3 * 2 * 3
    assert len({tuple(p.values()) for p in found}) == len(found)
    assert sorted({p["rate"] for p in found}) == pytest.approx([0.01, 0.1, 1.0])


def test_one_at_a_time_changes_one_factor_of_the_base() -> None:
    base = {"cut": "y", "days": 10}
    found = points("one_at_a_time", base=base)
    assert found[0] == base
    moved = [[k for k in p if p[k] != base.get(k)] for p in found[1:]]
    assert moved == [["cut"], ["cut"], ["days"], ["days"], ["rate"], ["rate"], ["rate"]]


def test_a_list_is_run_as_written_the_rest_as_in_the_base() -> None:
    runs = [{"days": 3}, {"cut": "z"}, {"days": 3}]
    found = points("list", runs=runs, base={"cut": "x"})
    assert found == [{"cut": "x"}, {"cut": "x", "days": 3}, {"cut": "z"}]


def test_a_latin_hypercube_has_one_point_in_each_slice_of_each_factor() -> None:
    found = points("latin_hypercube", points=30)[1:]
    assert sorted(p["days"] for p in found) == list(range(1, 31))
    assert Counter(p["cut"] for p in found) == {"x": 10, "y": 10, "z": 10}
    slices = np.floor(30 * (np.log10([p["rate"] for p in found]) + 2) / 2)
    assert sorted(slices) == list(range(30))


def test_sobol_points_balance_in_powers_of_two() -> None:
    found = points("sobol", points=64)[1:]
    assert len(found) == 64
    halves = Counter(p["rate"] < 0.1 for p in found)
    assert halves == {True: 32, False: 32}


@pytest.mark.parametrize("kind", ["latin_hypercube", "sobol"])
def test_a_drawn_design_is_the_same_for_the_same_seed(kind: str) -> None:
    assert points(kind, points=16) == points(kind, points=16)
