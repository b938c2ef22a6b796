"""Pooling by moving the decoupling point upstream: fact F15.

Eppen 1979, Management Science 25(5): 498-501; HP DeskJet table: Lee, Billington & Carter 1993,
Interfaces 23(4): 1-11.
"""

from __future__ import annotations

import pytest

from tests.facts import cases, measure

WEEKS = 52 / 12  # in a month
MEANS = (42, 15_830, 4_208, 420, 2_301, 307)
SDS = (32, 5_625, 2_205, 204, 1_169, 103)
TOTAL_SD = 6_244


def safety(variants, cut, lead, error=None):
    return measure.safety_stock(cases.pooled(variants, cut, lead, error), lead, cut)


@pytest.mark.parametrize("n", [4, 9, 16])
def test_generic_stock_of_n_variants_needs_safety_stock_smaller_by_root_n(n):
    apart, together = (safety([(100, 10)] * n, cut, 9) for cut in ("variant", "generic"))
    assert together / apart == pytest.approx(n**-0.5, rel=1e-3)


def postponed():
    """Safety stock of the printer's options stocked each, and of the generic printer."""
    weekly = [(m / WEEKS, sd / WEEKS**0.5) for m, sd in zip(MEANS, SDS, strict=True)]
    return safety(weekly, "variant", 6), safety(weekly, "generic", 6, TOTAL_SD / WEEKS**0.5)


def test_postponing_the_printers_options_saves_a_third_of_the_safety_stock():
    apart, together = postponed()
    assert [apart, together] == pytest.approx([22_573, 15_095], rel=0.005)
    assert together / apart - 1 == pytest.approx(-0.331, abs=0.005)
