"""Goods on the way: what is expected of a record against what simulated lead times bring."""

from __future__ import annotations

import numpy as np
import pytest

from calibration import on_the_way
from calibration.on_the_way import arrivals, before_record, by_age, come
from twin.distributions import lead_time_table
from twin.schema import LeadTime

LOGNORMAL = LeadTime(kind="lognormal", mean=5, cv=0.6)
GAPS = LeadTime(kind="empirical", values=[1, 4, 9])


@pytest.mark.parametrize("overtaking", [False, True])
@pytest.mark.parametrize("lead", [LOGNORMAL, GAPS])
def test_what_is_expected_in_each_period_is_what_simulated_goods_bring(lead, overtaking) -> None:
    luck, days, runs = np.random.Generator(np.random.Philox(7)), 60, 20_000
    sent = luck.integers(0, 4, days) * 5.0
    values, cdf = lead_time_table(lead)
    lots = np.flatnonzero(sent)
    due = lots + values[np.searchsorted(cdf, luck.random((runs, lots.size)))]
    due = due if overtaking else np.maximum.accumulate(due, axis=1)
    came = np.bincount(due.ravel(), np.tile(sent[lots], runs), 200)[:days] / runs
    # up to 15 units of deviation in a period's sum, 0.1 in the mean of 20,000: 4 of those
    assert arrivals(sent, lead, overtaking) == pytest.approx(came, abs=0.45)
    assert np.abs(arrivals(sent, lead, not overtaking) - came).max() > 1


def test_a_long_record_is_worked_out_in_parts_that_fit_together(monkeypatch) -> None:
    sent = np.random.Generator(np.random.Philox(2)).random(700)
    late = np.diff(by_age(GAPS), prepend=0.0)
    assert arrivals(sent, GAPS, True) == pytest.approx(np.convolve(sent, late)[:700], abs=1e-12)
    parts = arrivals(sent, GAPS, False)
    monkeypatch.setattr(on_the_way, "_AT_ONCE", 1000)
    assert parts == pytest.approx(arrivals(sent, GAPS, False), abs=1e-12)


def test_where_nothing_overtakes_goods_have_come_once_all_before_them_have() -> None:
    # lead times 1, 4, 9 with a third each; sent in periods 0 and 1: by 4 both have come 2/3 * 1/3
    assert by_age(GAPS)[[0, 1, 3, 4, 9]].tolist() == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 1])
    sent = np.zeros(12)
    sent[:2] = 1.0
    first, both = (
        arrivals(np.where(np.arange(12) == 0, sent, 0), GAPS, False),
        arrivals(sent, GAPS, False),
    )
    assert np.cumsum(both - first)[4] == pytest.approx(2 / 3 * 1 / 3)
    assert come(np.array([0.5, 0.5]), False).tolist() == [0.5, 0.25]


@pytest.mark.parametrize("before", [0.0, 37.5])
def test_what_was_on_the_way_at_first_is_told_exactly_where_nothing_overtakes(before) -> None:
    rng = np.random.default_rng(5)
    sent = np.where(rng.random(300) < 0.1, rng.uniform(300, 400, 300), 0.0)
    lead, received = rng.integers(2, 7, 300), np.zeros(320)
    received[3] = before
    at = 4
    for t in np.flatnonzero(sent):
        at = max(at, t + int(lead[t]))
        received[at] += sent[t]
    law = LeadTime(kind="empirical", values=[2, 3, 4, 5, 6])
    assert before_record(sent, received[:300], law, False) == pytest.approx(before, abs=1e-3)
