"""Numbers with their intervals in sentences."""

from __future__ import annotations

import numpy as np
import pytest

from twin.study.ready.words import said

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
