"""Lanes: the regime against all paths of it, lead-time scores that no waiting behind others bends."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from calibration.events import Event
from calibration.live import lanes as module
from calibration.live.lanes import FACTORS, Lanes
from twin.distributions import lead_time_table
from twin.load import load_text
from twin.topology import build


def network(lead: str):
    return build(load_text(f"""
sites: [{{name: dc}}, {{name: shop}}]
items: [{{name: tea}}]
purchases: [{{site: dc, item: tea, lead_time: 1}}]
lanes: [{{from: dc, to: shop, items: tea, lead_time: {lead}}}]
demand: [{{site: shop, item: tea, kind: poisson, mean: 5}}]
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
    move = module._turned(np.eye(m))
    hazard = module._lane(top.links[n]).hazard
    weight = np.zeros(m)
    for path in itertools.product(range(m), repeat=last):
        p = (module._first() @ move)[path[0]]
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
    usual = module._TURNS_SLOW / (module._TURNS_SLOW + module._TURNS_NORMAL)
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
    expected = received = 0.0
    for t in range(days):
        units = found.take([sent(t, t), *(came(t, k) for k in arriving.get(t, ()))], 0, 1)
        passed = found.close(t, units)
        scores += passed.scores.get(n, [])
        expected, received = expected + passed.expected[n], received + passed.received[n]
    z = np.array(scores)
    assert z.size > 0.99 * days - 20
    assert z.mean() == pytest.approx(0.0, abs=0.05)
    assert z.std() == pytest.approx(1.0, abs=0.04)
    assert np.corrcoef(z[:-1], z[1:])[0, 1] == pytest.approx(0.0, abs=0.05)
    assert expected == pytest.approx(received, rel=0.03)


def test_a_lot_without_a_number_answers_the_oldest() -> None:
    top = network("3")
    found, n = Lanes(top), link_of(top)
    found.take([sent(0, 1)._replace(lot=""), sent(1, 2)._replace(lot="")], 0, 1)
    found.take([came(3, 1)._replace(lot="")], 0, 1)
    assert found.close(3, {n: 10.0}).waiting[n] == 10
    assert found.seen(n) == (3.0, 3.0)
