"""The optimisation in the app: what it found, and how it is taken over into a what-if."""

from __future__ import annotations

import dataclasses
import re
import threading

import numpy as np
import pytest
from scipy.stats import sem, t

import twin
from tests.kpi_cases import shop
from twin.optimise import optimise
from twin.study.findings import Findings
from viz import look, optimised, studies, study_marks
from viz.page.past import Opened
from viz.page.session import Session
from viz.studies import Entry, Work
from viz.told import told

FLAGSHIP = twin.load("electronics")


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(Session, "ask", lambda self: None)  # nothing is run
    return Session(Opened("shop", shop(horizon=200)))


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Findings, Findings]:
    """Return an optimisation of the shop as it was found, and as it is read back."""
    folder = tmp_path_factory.mktemp("kept")
    entry = Entry(optimised.NAME, "?")
    asked = studies.asked(entry, {"require": "on time >= 90 %", "budget": 20})
    work = Work(folder, threading.Event(), lambda *_: None, lambda _: None, 1)
    found = studies.run(entry, shop(horizon=200), work, asked)
    (listed,) = studies.stored(folder)
    return found, studies.read(listed.path)


def test_a_finalist_is_taken_over_whatever_was_changed_before(session, tuned):
    found, base = tuned[0], shop(horizon=200)
    session.edit("before", {"stock[0].policy.level": 3, "stock[+]": [{"where": {"site": "shop"},
                 "policy": {"kind": "base_stock", "level": 7}}], "demand[0].mean": 11})  # fmt: skip
    move = study_marks.picked(found, found.sheet(optimised.FINALISTS), 1, session.scenario)
    assert move is not None
    for _ in range(2):  # taking it over again changes nothing
        assert session.edit(move.label, move.after(session.changes))
        assert session.scenario == twin.apply(base, {"demand[0].mean": 11, **found.changes["2"]})


def test_what_was_tried_leads_nowhere_but_for_the_finalists(tuned):
    found = tuned[0]
    chart = study_marks.marked(found, found.charts[0], shop(horizon=200))
    groups = {m["group"]: set() for m in chart["marks"]}
    for mark in chart["marks"]:
        groups[mark["group"]].add(mark["moves"])
    assert groups == {"chosen": {True}, "other finalists": {True}, "as it is": {False},
                      "others": {False}}  # fmt: skip
    assert study_marks.marked(found, found.charts[0], FLAGSHIP) is None


def test_the_table_of_finalists_says_the_same_when_it_is_read_back(tuned):
    heads, rows = optimised.table(tuned[0])
    assert optimised.table(tuned[1]) == (heads, rows)
    assert heads == ["", "choice", "Running cost, EUR", "On time", "behind the chosen", "buffers"]
    sheet = tuned[0].sheet(optimised.FINALISTS).frame
    assert [row[4] == "chosen" for row in rows] == [True] + [False] * (len(sheet) - 1)
    for row, level in zip(rows, sheet["level of shop"], strict=True):
        assert row[5] == f"level of shop {look.number(level)}"
        assert re.fullmatch(r".+\s% \(.+\s% to .+\s%\)", row[3])


def test_candidates_are_drawn_by_how_many_others_beat_them():
    """Against counting them one by one, with ties."""
    costs, losses = np.random.default_rng(1).integers(0, 9, (2, 60)).astype(float)
    pairs = list(zip(costs, losses, strict=True))
    counted = [sum(a <= x and b <= y and (a, b) != (x, y) for a, b in pairs) for x, y in pairs]
    assert optimised._beaten(costs, losses).tolist() == counted
    assert 0 in counted


def test_all_that_was_tried_is_in_the_table_and_the_least_beaten_are_drawn(tuned):
    found = tuned[0]
    tried, drawn = (found.sheet(x).frame for x in (optimised.CANDIDATES, optimised.DRAWN))
    assert len(tried) <= 20
    assert tried["beaten"].is_monotonic_increasing
    others = drawn[drawn["group"] == "others"]["running_cost"]
    assert others.tolist() == tried["running_cost"].tolist()


def test_what_an_optimisation_changed_is_told_by_stage_and_not_as_a_list_of_rules():
    levels = [{"where": {"stage": "components"}, "policy": {"safety_factor": 1.5}}]
    rules = [
        r.model_dump(mode="json", by_alias=True, exclude_defaults=True) for r in FLAGSHIP.stock
    ]
    (row,) = told(FLAGSHIP, {"stock": [*rules, *levels]})
    assert row == {"key": "stock", "label": "Safety factor, components", "before": "3",
                   "after": "1.5"}  # fmt: skip


def test_where_nothing_is_required_that_is_said_first_of_what_it_cannot_tell(tuned):
    free = optimise(shop(horizon=50), budget=2, search_replications=2, replications=2, threads=1)
    assert optimised.findings_of(free).limits[0].startswith("Nothing was required")
    assert not any("Nothing was required" in text for text in tuned[0].limits)


@pytest.mark.parametrize("better", [3.0, -3.0])
def test_the_gain_is_said_with_its_interval_in_the_right_order(better):
    """Costs that differ by the same in every replication but for a little luck."""
    given = optimise(shop(horizon=50), budget=2, search_replications=2, replications=2, threads=1)
    before, luck = np.full((2, 4), 100.0), np.array([[-1.0, 0.0, 0.0, 1.0], [0, 0, 0, 0]])
    found = dataclasses.replace(given, before=before, after=before - [[better], [0]] + luck)
    ends = t.interval(0.95, 3, abs(better), sem(luck[0]))
    text = next(iter(optimised.findings_of(found).answers))
    assert f"{'better' if better > 0 else 'worse'} by 3 ({ends[0]:.2g} to {ends[1]:.2g})" in text
    same = dataclasses.replace(given, before=before, after=before)
    assert "nothing is to be changed" in optimised.findings_of(same).answers[0]
