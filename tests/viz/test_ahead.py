"""Answers worked out ahead and kept: the right ones, the same numbers, never those of others."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

import twin
from twin.load import load_text
from twin.topology import build
from viz import answer as answers
from viz.page import ahead, known, turns
from viz.page.past import Opened
from viz.page.session import Session

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
        with turns.answering(kind, threading.Event()):
            order.append(kind)

    with turns.answering("first", threading.Event()):
        late = threading.Thread(target=work, args=("full",))
        late.start()
        early = threading.Thread(target=work, args=("first",))
        early.start()
        early.join(10)
        assert order == ["first"]
    late.join(10)
    assert order == ["first", "full"]


@pytest.mark.parametrize("kind", ["first", "full"])
def test_an_answer_that_nobody_wants_any_more_waits_no_longer(kind, monkeypatch):
    """While a slider moves each step leaves one behind; while others move theirs, all would stay."""
    monkeypatch.setattr(turns, "_free", lambda kind: False)
    stop, found = threading.Event(), []

    def work() -> None:
        with turns.answering(kind, stop):
            found.append(turns._at_work)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert (found, turns._at_work, turns._waited_for[kind]) == ([0], 0, 0)


@pytest.mark.parametrize("left_after", [0.0, 0.2, 2.0])
def test_of_a_page_that_was_closed_nothing_stays_but_what_is_known(left_after):
    """Whenever it is closed: at its first answer, at its full one, while others are made ahead."""
    before = threading.active_count()
    session = Session(Opened("small", load_text(SMALL), shipped=True))
    session.set("other", seed=2)
    time.sleep(left_after)
    left = weakref.ref(session)
    session.cancel()
    del session
    end = time.monotonic() + 60
    while left() is not None or threading.active_count() > before:
        assert time.monotonic() < end
        gc.collect()
        time.sleep(0.05)
