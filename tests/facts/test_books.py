"""Books that nobody corrects: fact F11, Kang & Gershwin 2005, IIE Transactions 37(9): 843-859."""

from __future__ import annotations

import numpy as np
import pytest

from tests.facts.measure import lost_sales

RANGES = [(0, 0, 0.001), (0.01, 0.08, 0.18), (0.015, 0.21, 0.31), (0.024, 0.47, 0.55)]


@pytest.mark.parametrize(("loss", "least", "most"), RANGES)
def test_a_tiny_unseen_loss_freezes_replenishment_and_loses_many_sales(loss, least, most):
    assert least <= lost_sales(loss) <= most


def test_lost_sales_grow_faster_than_the_unseen_loss():
    """Convex until the freeze covers much of the year; the lost share cannot exceed 1."""
    found = [lost_sales(loss) for loss in (0, 0.005, 0.01, 0.015)]
    assert (np.diff(found, n=2) > 0).all()
    assert lost_sales(0.024) / 0.024 > lost_sales(0.01) / 0.01


def test_a_monthly_count_loses_almost_no_sales():
    assert lost_sales(0.01, count_every=30) < 0.001


def test_a_half_yearly_count_still_loses_about_1_2_percent():
    assert lost_sales(0.01, count_every=182) == pytest.approx(0.012, abs=0.003)
