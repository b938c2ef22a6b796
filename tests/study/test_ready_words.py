"""Numbers with their intervals in sentences."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from twin.study.ready.frontier_words import own_mirror
from twin.study.ready.frontier_worlds import CALM, SUPPLY
from twin.study.ready.words import kind_said, said

pytestmark = pytest.mark.nojit


@pytest.mark.parametrize(
    ("ends", "unit", "words"),
    [((12.5, 11, 14), "days", "12.5 days [11 to 14]"), ((0.5, 0.4, 0.6), "share", "50 % [40 to 60]"),
     ((12.5, np.nan, np.nan), "days", "12.5 days"), ((12.5, 12.5, 12.5), "days", "12.5 days"),
     ((0.1, 0.05, 0.15), "points", "10 points [5 to 15]")],
)  # fmt: skip
def test_a_number_has_its_interval_where_luck_makes_a_difference(
    ends: tuple[float, float, float], unit: str, words: str
) -> None:
    assert said(ends, unit) == words


@pytest.mark.parametrize(
    ("kind", "words"),
    [("stock[].policy.safety_factor", "safety factor (stock policy)"), ("horizon", "horizon"),
     ("lanes[].lead_time.value", "lead time (lanes)"), ("items[].value", "value (items)")],
)  # fmt: skip
def test_a_kind_of_number_is_said_by_what_it_is_and_whose(kind: str, words: str) -> None:
    assert kind_said(kind) == words


def shocked(near: list[float], far: list[float]) -> str:
    """What is said of a supply shock that makes so many more days late at two cuts."""
    told: Any = SimpleNamespace(
        labels=["near", "far"], worlds=[CALM, SUPPLY], table=lambda _: np.ones((2, 2, 2)),
        cheapest=["far", "near"],
    )  # fmt: skip
    zero = np.zeros(2)
    lost = {("near", CALM): zero, ("far", CALM): zero,
            ("near", SUPPLY): np.array(near), ("far", SUPPLY): np.array(far)}  # fmt: skip
    return own_mirror(told, lost, "days")[0]


def test_a_shock_that_takes_nothing_is_said_without_a_negative_number() -> None:
    text = shocked([-0.2, -0.2], [3.0, 3.0])
    assert "3 days of demand late or lost with far, the most" in text
    assert "nothing (0.2 days less than in calm) with near, the least" in text
    assert "-" not in shocked([-0.2, -0.2], [-0.1, -0.1])


def test_where_a_shock_takes_as_much_everywhere_a_tie_is_said_and_what_decides() -> None:
    text = shocked([3.0, 3.0], [3.0, 3.0])
    assert "near; far tie: of demand late or lost it makes 3 days" in text
    assert "far has the lowest" in text
    text = shocked([-0.04, -0.04], [-0.04, -0.04])
    assert "near; far tie" in text
    assert "no more than calm" in text
    assert "0.04 days less than in calm" in text
