"""The state of one page: edits, undo, refusals; without a browser."""

from __future__ import annotations

import pytest

import twin
from viz.page.past import Opened
from viz.page.session import Session

KEY = "families.laptop.decoupling_point"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(Session, "ask", lambda self: None)  # nothing is run
    return Session(Opened("electronics", twin.load("electronics")))


def stage(session: Session) -> object:
    return session.scenario.families[0].decoupling_point


def test_every_edit_can_be_undone_and_done_again(session: Session) -> None:
    session.set("one", **{KEY: "dc"})
    session.set("two", **{KEY: "assembly"})
    session.undo()
    assert stage(session) == "dc"
    session.undo()
    assert stage(session) == "boards"
    session.redo()
    session.redo()
    session.redo()
    assert stage(session) == "assembly"


def test_a_new_edit_forgets_what_was_undone(session: Session) -> None:
    session.set("one", **{KEY: "dc"})
    session.undo()
    session.set("two", **{KEY: "assembly"})
    session.redo()
    assert [step.label for step in session.past.value.steps] == ["opened", "two"]


def test_a_refused_edit_leaves_everything_as_it_was_and_says_why(session: Session) -> None:
    session.set("one", **{KEY: "dc"})
    assert not session.set("wrong", **{KEY: "nowhere"})
    assert "nowhere" in session.message.value
    assert stage(session) == "dc"
    assert len(session.past.value.steps) == 2


def test_an_edit_that_changes_nothing_is_no_step(session: Session) -> None:
    session.set("one", **{KEY: "dc"})
    session.set("again", **{KEY: "dc"})
    assert len(session.past.value.steps) == 2


def test_a_scenario_that_does_not_take_the_changes_is_not_opened(session: Session) -> None:
    other = Opened("beer-game", twin.load("beer-game"))
    assert not session.open(other, {KEY: "dc"})
    assert session.opened.value.name == "electronics"
    assert session.open(other)
    assert session.opened.value.name == "beer-game"
    assert session.changes == {}


def test_a_selected_bar_or_site_that_is_gone_is_no_longer_selected(session: Session) -> None:
    session.bar.value = 0
    session.set("calm", disruptions=[])
    assert session.bar.value == -1
    session.selected.value = "chip_foundry"
    session.open(Opened("beer-game", twin.load("beer-game")))
    assert session.selected.value == ""
