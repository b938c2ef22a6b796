"""Answers worked out ahead and kept: the right ones, the same numbers, never those of others."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

import twin
from twin.load import load_text
from twin.topology import build
from viz import answer as answers
from viz.page import ahead, known, turns

SMALL = """{horizon: 40, stages: [a, b, c],
 sites: [{name: s, stage: a}, {name: p, stage: b}, {name: m, stage: c}], items: [{name: x, family: f}],
 families: [{name: f, decoupling_point: b}],
 lanes: [{from: s, to: p, lead_time: 2}, {from: p, to: m, lead_time: 1}],
 purchases: [{site: s, item: x, lead_time: 1}],
 stock: [{policy: {kind: base_stock, level: 20}}],
 demand: [{site: m, item: x, kind: poisson, mean: 4}]}"""


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    known._KEPT.clear()
    yield
    known._KEPT.clear()


def test_moves_are_all_other_places_of_the_handle_the_nearest_first():
    flagship = twin.load("electronics")
    network = build(flagship)
    here = flagship.families[0].decoupling_point
    stages = [next(iter(set(m.values()))) for m in ahead.moves(network)]
    assert here not in stages
    away = [abs(flagship.stages.index(s) - flagship.stages.index(here)) for s in stages]
    assert away == sorted(away)
    one = flagship.families[0].name
    assert all(list(m) == [f"families.{one}.decoupling_point"] for m in ahead.moves(network, one))


def test_what_is_answered_ahead_equals_the_answer_to_the_edit():
    base = load_text(SMALL)
    network = build(base)
    ahead.look(base, {}, network, answers.CALM, "", threading.Event())
    for move in ahead.moves(network):
        found = known.find(base, move, answers.CALM)
        made = answers.charted(*answers.compute(base, move))
        assert found is not None
        assert (found.tiles, found.charts, found.state) == (made.tiles, made.charts, made.state)


def test_an_answer_is_not_taken_for_another_baseline_scenario_or_change():
    base = load_text(SMALL)
    known.keep(base, answers.CALM, answers.compute(base, {}, replications=2)[0])
    assert known.find(base, {}, answers.CALM) is not None
    assert known.find(base, {}, "opened") is None
    assert known.find(base, {"seed": 2}, answers.CALM) is None
    assert known.find(twin.apply(base, {"seed": 2}), {}, answers.CALM) is None


def test_looking_ahead_stops_at_once_when_told():
    base = load_text(SMALL)
    stop = threading.Event()
    stop.set()
    ahead.look(base, {}, build(base), answers.CALM, "", stop)
    assert not known._KEPT


def test_a_full_answer_waits_for_first_ones_and_not_the_other_way_round():
    order: list[str] = []

    def work(kind: str) -> None:
        with turns.answering(kind):
            order.append(kind)

    with turns.answering("first"):
        late = threading.Thread(target=work, args=("full",))
        late.start()
        early = threading.Thread(target=work, args=("first",))
        early.start()
        early.join(10)
        assert order == ["first"]
    late.join(10)
    assert order == ["first", "full"]
