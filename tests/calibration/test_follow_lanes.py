"""Lanes: the regime against all paths of it, lead-time scores that no waiting behind others bends."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from calibration.events import Event
from calibration.live import regimes
from calibration.live.lanes import Lanes
from calibration.live.regimes import FACTORS
from twin.distributions import lead_time_table
from twin.load import load_text
from twin.topology import build


def network(lead: str, shops: Sequence[str] = ("shop",)):
    lane = "{{from: dc, to: {}, items: tea, lead_time: {}}}"
    demand = "{{site: {}, item: tea, kind: poisson, mean: 5}}"
    return build(load_text(f"""
sites: [{{name: dc}}, {", ".join(f"{{name: {shop}}}" for shop in shops)}]
items: [{{name: tea}}]
purchases: [{{site: dc, item: tea, lead_time: 1}}]
lanes: [{", ".join(lane.format(shop, lead) for shop in shops)}]
demand: [{", ".join(demand.format(shop) for shop in shops)}]
"""))  # fmt: skip


def sent(t: int, n: int) -> Event:
    return Event(f"s{n}", "x", "dc", t, "ship", item="tea", lot=f"l{n}", partner="shop", qty=10.0)


def came(t: int, n: int) -> Event:
    return Event(
        f"r{n}", "x", "shop", t, "receive", item="tea", lot=f"l{n}", partner="dc", qty=10.0
    )


def link_of(top) -> int:
    return next(e.index for e in top.links if e.kind == "ship")


def test_the_regime_is_that_of_all_its_paths_added_up() -> None:
    top = network("{kind: gamma, mean: 2, cv: 0.5}")
    found, n, last = Lanes(top), link_of(top), 4
    found.take([sent(0, 1)], 0, 1)
    for t in range(last):
        passed = found.close(t, {})
    m = len(FACTORS)
    move = regimes.turned(np.eye(m))
    ages = regimes.Ages(top.links)
    hazard = ages.hazards[:, ages.at(np.full(last, n), np.arange(last))]
    weight = np.zeros(m)
    for path in itertools.product(range(m), repeat=last):
        p = (regimes.usual() @ move)[path[0]]
        p *= np.prod([move[a, b] for a, b in itertools.pairwise(path)])
        p *= np.prod([1 - hazard[r, age] for age, r in enumerate(path)])
        weight[path[-1]] += p
    assert passed.slow[n] == pytest.approx(1 - weight[0] / weight.sum(), rel=1e-9)


def test_a_lane_without_goods_returns_to_its_usual_share() -> None:
    top = network("3")
    found, n = Lanes(top), link_of(top)
    found.take([sent(0, 1)], 0, 1)
    for t in range(7):
        slow = found.close(t, {}).slow[n]
    found.take([came(7, 1)], 0, 1)
    for t in range(7, 400):
        passed = found.close(t, {})
    usual = regimes.TURNS_SLOW / (regimes.TURNS_SLOW + regimes.TURNS_NORMAL)
    assert slow > 2 * usual
    assert passed.slow[n] == pytest.approx(usual, rel=0.01)


@pytest.mark.parametrize("overtaking", [False, True])
def test_scores_of_unchanged_lead_times_are_standard_normal_and_independent(overtaking) -> None:
    top = network("{kind: lognormal, mean: 4, cv: 0.6}")
    if overtaking:
        top.links[link_of(top)].declared.__dict__["overtaking"] = True
    found, n, days = Lanes(top), link_of(top), 6000
    values, cdf = lead_time_table(top.links[n].lead_time)
    luck = np.random.Generator(np.random.Philox(4))
    due = np.arange(days) + values[np.searchsorted(cdf, luck.random(days))]
    due = due if overtaking else np.maximum.accumulate(due)
    arriving: dict[int, list[int]] = {}
    for k, t in enumerate(due.tolist()):
        arriving.setdefault(t, []).append(k)
    scores: list[float] = []
    for t in range(days):
        units = found.take([sent(t, t), *(came(t, k) for k in arriving.get(t, ()))], 0, 1)
        passed = found.close(t, units)
        scores += passed.scores.get(n, [])
    z = np.array(scores)
    assert z.size > 0.99 * days - 20
    assert z.mean() == pytest.approx(0.0, abs=0.05)
    assert z.std() == pytest.approx(1.0, abs=0.04)
    assert np.corrcoef(z[:-1], z[1:])[0, 1] == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("overtaking", [False, True])
def test_what_is_expected_is_the_mean_over_all_lead_times_that_can_still_be(overtaking) -> None:
    top = network("{kind: gamma, mean: 3, cv: 0.5}")
    n, days = link_of(top), (0, 1, 3)
    top.links[n].declared.__dict__["overtaking"] = overtaking
    found = Lanes(top)
    values, cdf = lead_time_table(top.links[n].lead_time)
    chance = dict(zip(values.tolist(), np.diff(cdf, prepend=0.0), strict=True))
    for t in range(5):  # nothing comes: so much is known of the lead times
        found.take([sent(t, k) for k, day in enumerate(days) if day == t], 0, 1)
        expected, weight, units = found.close(t, {}).expected[n], 0.0, 0.0
        told = [day for day in days if day <= t]
        for leads in itertools.product(chance, repeat=len(told)):
            due = np.array(told) + leads
            due = due if overtaking else np.maximum.accumulate(due)
            p = np.prod([chance[lead] for lead in leads]) if due.min() >= t else 0.0
            weight, units = weight + p, units + p * 10.0 * (due == t).sum()
        assert expected == pytest.approx(units / weight, rel=1e-9)


@pytest.mark.parametrize(("overtaking", "known_to"), [(False, 0.05), (True, 0.015)])
def test_what_is_expected_of_random_lanes_is_what_comes_in_the_long_run(
    overtaking, known_to
) -> None:
    shops, days, lead = 40, 1000, "{kind: lognormal, mean: 8, cv: 0.6}"
    names = [f"s{k}" for k in range(shops)]
    top = network(lead, names)
    for link in top.links:
        if link.kind == "ship":
            link.declared.__dict__["overtaking"] = overtaking
    values, cdf = lead_time_table(top.links[link_of(top)].lead_time)
    luck, events = np.random.Generator(np.random.Philox(10)), {t: [] for t in range(days + 200)}
    for k, shop in enumerate(names):
        due = np.arange(days) + values[np.searchsorted(cdf, luck.random(days))]
        due = due if overtaking else np.maximum.accumulate(due)
        for t, arrived in enumerate(due.tolist()):
            n = t * shops + k
            events[t].append(sent(t, n)._replace(partner=shop))
            events[arrived].append(came(arrived, n)._replace(site=shop))
    found, expected, received = Lanes(top), 0.0, 0.0
    for t in range(days):
        passed = found.close(t, found.take(events[t], 0, 1))
        expected, received = expected + passed.expected.sum(), received + passed.received.sum()
    # three standard deviations of 40 lanes over 1000 days: clumps come where goods wait
    assert expected == pytest.approx(received, rel=known_to)


def test_a_lot_without_a_number_answers_the_oldest() -> None:
    top = network("3")
    found, n = Lanes(top), link_of(top)
    found.take([sent(0, 1)._replace(lot=""), sent(1, 2)._replace(lot="")], 0, 1)
    found.take([came(3, 1)._replace(lot="")], 0, 1)
    assert found.close(3, {n: 10.0}).waiting[n] == 10
    assert found.seen(n) == (3.0, 3.0)


def test_what_is_taken_back_is_waited_for_no_more_the_last_of_a_name_first() -> None:
    top = network("3")
    found, n = Lanes(top), link_of(top)
    lots = [sent(0, 1), sent(1, 1), sent(1, 2)]
    back = sent(1, 1)._replace(qty=-14.0)
    found.take([*lots, back], 0, 1)
    assert found.close(1, {}).waiting[n] == 16  # 6 of the first, all 10 of another name
    found.take([came(3, 1)], 0, 1)
    assert found.close(3, {n: 6.0}).waiting[n] == 10
    found.take([sent(4, 2)._replace(qty=-10.0)], 0, 1)
    assert found.close(4, {}).waiting[n] == found.close(5, {}).expected[n] == 0
