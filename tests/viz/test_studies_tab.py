"""The studies tab without a browser: what a mark does, what is kept, who gives way to whom."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pandas as pd
import pytest

import twin
from tests.kpi_cases import shop
from twin.errors import OccupiedError, RunError
from twin.study import ready
from twin.study.findings import Chart, Findings, Sheet
from viz import studies, study_marks
from viz.page import turns
from viz.page.past import Opened
from viz.page.session import Session
from viz.page.study_desk import Desk, _Clock
from viz.server import opening
from viz.studies import Entry, Work
from viz.study_marks import Move

FLAGSHIP = twin.load("electronics")
PLACED = {"laptop": {"boards", "assembly", "dc"}, "printer": {"boards", "assembly", "dc"}}
PLACES = pd.DataFrame({
    "place": ["board_fab", "wafers->chip_foundry", "nowhere"], "kind": ["site", "lane", "site"],
    "out": [30, 12, 9], "lost": [5.0, None, 2.0], "low": [4.0, None, 1.0], "high": [6.0, None, 3.0],
})  # fmt: skip
BARS = Chart("bars", "lost", "Lost", "places", "place", "lost", "low", "high", "kind")
LINES = Chart("lines", "over", "Over", "places", "out", "lost")
FOUND = Findings("stress", "Stress", "Who?", ("It hurts.",), (Sheet("places", "Places", PLACES),),
                 (BARS, LINES))  # fmt: skip


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(Session, "ask", lambda self: None)  # nothing is run
    return Session(Opened("electronics", FLAGSHIP))


def until(known, value) -> None:
    """Wait until something is so; the limit only ends a test that fails."""
    for _ in range(600):
        if known() == value:
            return
        threading.Event().wait(0.05)
    pytest.fail(f"{known()} is not {value}")


def work(kept) -> Work:
    return Work(kept, threading.Event(), lambda *_: None, lambda _: None, 1)


def pressed(index: int) -> Move:
    found = study_marks.picked(FOUND, FOUND.sheet("places"), index, FLAGSHIP)
    assert found is not None
    return found


# ------------------------------------------------------------------------------------------ marks
@pytest.mark.parametrize(("index", "aim"), [(0, "board_fab"), (1, "wafers->chip_foundry")])
def test_a_place_becomes_an_outage_alone_as_in_the_study_and_can_be_undone(session, index, aim):
    move = pressed(index)
    before = session.scenario.disruptions
    assert session.edit(move.label, move.after(session.changes))
    (new,) = session.scenario.disruptions
    assert aim in (new.where.site, new.lane)
    assert new.duration == PLACES["out"][index]
    session.undo()
    assert session.scenario.disruptions == before


@pytest.mark.parametrize(
    ("row", "stages"),
    [({"decoupling point": "laptop: dc, printer: assembly"}, ["dc", "assembly"]),
     ({"decoupling point": "dc"}, ["dc", "dc"]),
     ({"decoupling point": "dc", "family": "printer"}, ["boards", "dc"])],
)  # fmt: skip
def test_a_position_becomes_that_of_its_families(session, row, stages):
    move = study_marks.move(row, FLAGSHIP, PLACED)
    assert move is not None
    assert session.edit(move.label, move.after(session.changes))
    assert [f.decoupling_point for f in session.scenario.families] == stages


def test_a_position_of_a_study_comes_with_its_buffers_and_undisturbed(session):
    changes = {"dc": {f"families.{f.name}.decoupling_point": "dc" for f in FLAGSHIP.families}}
    changes["dc"]["stock[0].policy.safety_factor"] = 0.7
    move = study_marks.move({"decoupling point": "dc"}, FLAGSHIP, PLACED, changes)
    assert move is not None
    assert session.edit(move.label, move.after(session.changes))
    assert session.scenario == twin.apply(FLAGSHIP, {**changes["dc"], "disruptions": []})


@pytest.mark.parametrize(
    "row",
    [{"place": "nowhere", "out": 9}, {"place": "board_fab"}, {"place": "board_fab", "out": None},
     {"decoupling point": "nowhere"}, {"decoupling point": "tablet: dc"}, {"cost": 3}, {}],
)  # fmt: skip
def test_a_row_that_names_nothing_of_the_scenario_leads_nowhere(row):
    assert study_marks.move(row, FLAGSHIP, PLACED) is None


def test_marks_hold_all_numbers_as_plain_data_and_say_which_lead_somewhere():
    found = study_marks.marked(FOUND, BARS, FLAGSHIP)
    json.dumps(found, allow_nan=False)
    assert [m["moves"] for m in found["marks"]] == [True, True, False]
    assert [m["value"] for m in found["marks"]] == [5.0, None, 2.0]
    assert [m["said"] for m in found["marks"]] == ["5 (4 to 6)", "–", "2 (1 to 3)"]


def test_a_chart_of_another_kind_or_of_another_scenario_has_no_marks():
    assert study_marks.marked(FOUND, LINES, FLAGSHIP) is None
    assert study_marks.marked(FOUND, BARS, shop()) is None


def test_a_long_cloud_of_candidates_says_how_many_are_drawn():
    n = study_marks.MOST["points"] + 1
    frame = pd.DataFrame({"decoupling point": ["dc"] * n, "cost": range(n), "on_time": [0.9] * n})
    chart = Chart("points", "all", "All", "all", "cost", "on_time", caption="So it is.")
    found = Findings("many", "Many", "?", (), (Sheet("all", "All", frame),), (chart,))
    told = study_marks.marked(found, chart, FLAGSHIP)
    assert len(told["marks"]) == n - 1
    assert told["caption"] == f"So it is. The first {n - 1} of {n}."


# --------------------------------------------------------------------------------------- which
def test_ready_made_studies_come_first_and_each_says_what_it_answers():
    entries = studies.catalogue()
    ready_made = [e.name for e in entries if e.name in ready.NAMES]
    assert ready_made == [e.name for e in entries][: len(ready_made)]
    assert len(ready_made) >= 4
    assert all(e.title for e in entries)


def test_a_study_for_another_scenario_runs_on_that():
    entry = next(e for e in studies.catalogue() if e.own == "small-business")
    assert not studies.fits(entry, FLAGSHIP)
    assert studies.fits(entry, twin.load("small-business"))


def test_finished_studies_of_a_folder_are_listed_and_nothing_else(tmp_path):
    FOUND.save(tmp_path / "good")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "findings.json").write_text("{")
    (listed,) = studies.stored(tmp_path)
    assert listed.title == "Stress"
    assert studies.read(listed.path).answers == FOUND.answers
    assert studies.stored(tmp_path / "none") == []


def test_a_plain_study_is_kept_and_read_back(tmp_path):
    content = {"factors": {"level": {"key": "stock[0].policy.level", "values": [20, 30]}}}
    twin.study(content | {"title": "Mine"}, scenario=shop(), out=tmp_path / "mine", threads=1)
    (listed,) = studies.stored(tmp_path)
    assert listed.title == "Mine"
    assert studies.read(listed.path).title == "Mine"


# ---------------------------------------------------------------------------------------- running
def test_a_study_that_is_done_is_shown_with_its_pictures(session, monkeypatch):
    monkeypatch.setattr(studies, "run", lambda *_: FOUND)
    desk = Desk(session)
    desk.start(Entry("stress", "Who?"))
    until(lambda: desk.jobs.value[0].state, "done")
    until(lambda: desk.shown.value is not None, True)
    assert desk.shown.value.found is FOUND
    assert set(desk.shown.value.pictures) == {"lost", "over"}


def test_why_a_study_cannot_run_is_said_and_nothing_else_changes(session, monkeypatch):
    def refused(*_: object) -> Findings:
        raise RunError("there is no lane")

    monkeypatch.setattr(studies, "run", refused)
    desk = Desk(session)
    desk.start(Entry("stress", "Who?"))
    until(lambda: desk.jobs.value[0].state, "failed")
    assert desk.jobs.value[0].error == "there is no lane"
    assert desk.shown.value is None


def test_a_fault_of_the_program_ends_a_study_in_words_and_in_the_log(session, monkeypatch, caplog):
    def broken(*_: object) -> Findings:
        return {}["study"]  # type: ignore[return-value]

    monkeypatch.setattr(studies, "run", broken)
    desk = Desk(session)
    desk.start(Entry("stress", "Who?"))
    until(lambda: desk.jobs.value[0].state, "failed")
    assert "fault of the program (KeyError)" in desk.jobs.value[0].error
    assert "Traceback" in caplog.text
    monkeypatch.setattr(studies, "run", lambda *_: FOUND)
    desk.start(Entry("stress", "Who?"))  # the turn was given back
    until(lambda: desk.jobs.value[1].state, "done")


def test_a_study_whose_pictures_cannot_be_drawn_is_not_drawn_for_ever(session, caplog):
    desk = Desk(session)
    desk.open("one", lambda: {}["title"])
    until(lambda: desk.opening.value, "")
    assert "fault of the program (KeyError)" in session.message.value
    assert "Traceback" in caplog.text


def damaged(folder: Path, content: str = "{") -> Path:
    """Return the folder of a sensitivity study of the flagship that cannot be read."""
    kept = folder / f"sensitivity-{FLAGSHIP.hash()}"
    kept.mkdir()
    (kept / ready.ASKED).write_text(content)
    return kept


@pytest.mark.parametrize("content", ["{", "", "[]", '{"options": {}}', "\x00"])
def test_a_kept_study_that_is_damaged_says_which_file_and_what_to_do(tmp_path, content):
    entry = Entry("sensitivity", "?")
    kept = damaged(tmp_path, content)
    with pytest.raises(OccupiedError, match="--force") as told:
        studies.run(entry, FLAGSHIP, work(tmp_path), {})
    assert str(told.value).startswith(f"{kept / ready.ASKED}: is damaged (")
    assert str(told.value).count(str(kept)) == 1


def test_a_damaged_study_is_begun_anew_if_that_is_asked(tmp_path, monkeypatch):
    options = ready.found("sensitivity").options
    monkeypatch.setitem(ready._READY, "sensitivity", ready.Ready(options, lambda *_: FOUND))
    (tmp_path / ready.ASKED).write_text("{")
    ready.ready_made("sensitivity", scenario=FLAGSHIP, out=tmp_path, force=True)
    assert json.loads((tmp_path / ready.ASKED).read_text())["study"] == "sensitivity"


def test_whoever_cannot_type_force_begins_anew_with_a_button(session, tmp_path, monkeypatch):
    options = ready.found("sensitivity").options
    monkeypatch.setitem(ready._READY, "sensitivity", ready.Ready(options, lambda *_: FOUND))
    monkeypatch.setattr(opening, "studies", lambda: tmp_path)
    kept = damaged(tmp_path)
    desk = Desk(session)
    desk.start(Entry("sensitivity", "?"))
    until(lambda: desk.jobs.value[0].state, "failed")
    (job,) = desk.jobs.value
    assert job.anew
    assert job.error.startswith(f"{kept / ready.ASKED}: is damaged (")
    assert "Begin anew" in job.error
    assert "--force" not in job.error
    desk.begin_anew(job.number)
    until(lambda: desk.jobs.value[0].state, "done")
    assert json.loads((kept / ready.ASKED).read_text())["study"] == "sensitivity"


def test_a_study_is_asked_what_was_typed_and_kept_beside_others_of_its_name(tmp_path, monkeypatch):
    seen = []

    def noted(options, bench):  # type: ignore[no-untyped-def]
        seen.append((options.duration, bench.out))
        return FOUND

    model = ready.found("stress-test").options
    monkeypatch.setitem(ready._READY, "stress-test", ready.Ready(model, noted))
    entry = Entry("stress-test", "?")
    for typed in ({}, {"duration": 45}, {"duration": 60}, {}):
        studies.run(entry, FLAGSHIP, work(tmp_path), studies.asked(entry, typed))
    assert [duration for duration, _ in seen] == [None, 45, 60, None]
    assert len({out for _, out in seen}) == 3
    assert seen[0][1] == seen[3][1]


def test_options_that_are_refused_stay_open_and_nothing_starts(session, monkeypatch):
    monkeypatch.setattr(studies, "run", lambda *_: FOUND)
    desk = Desk(session)
    desk.ask(Entry("stress-test", "?"))
    desk.type(desk.asking.value, duration=0)
    desk.start_asked()
    assert desk.refused.value == (
        "options of stress-test, duration = 0 periods; must be from 1 to 100,000"
    )
    assert desk.jobs.value == ()
    desk.type(desk.asking.value, duration=45, weeks="")
    desk.start_asked()
    assert desk.asking.value is None
    assert desk.refused.value == ""
    assert desk.jobs.value[0].options == {"duration": 45}
    until(lambda: desk.jobs.value[0].state, "done")


def test_a_cancelled_study_stops_and_the_next_one_gets_its_turn(session, monkeypatch):
    begun = threading.Event()

    def run(entry, scenario, work, *_):  # type: ignore[no-untyped-def]
        begun.set()
        assert work.cancelled.wait(30)
        raise RunError("cancelled")

    monkeypatch.setattr(studies, "run", run)
    desk = Desk(session)
    desk.start(Entry("long", "?"))
    assert begun.wait(30)
    desk.start(Entry("next", "?"))
    assert [j.state for j in desk.jobs.value] == ["running", "waiting"]
    desk.cancel(1)
    until(lambda: [j.state for j in desk.jobs.value], ["cancelled", "running"])
    desk.leave()
    until(lambda: desk.jobs.value[1].state, "failed")


@pytest.mark.parametrize("kind", ["first", "full", "background"])
def test_a_study_waits_while_anybody_waits_for_an_answer(kind):
    stop, passed = threading.Event(), threading.Event()
    clock = _Clock(stop, lambda **_: passed.set())

    def work() -> None:
        clock.progress(1, 1)

    held = turns.background(stop) if kind == "background" else turns.answering(kind, stop)
    with held:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(0.2)
        assert not passed.is_set()
    assert passed.wait(30)


def test_studies_are_kept_where_the_server_was_told_to(tmp_path):
    opening.keep_studies(tmp_path / "kept")
    assert opening.studies() == tmp_path / "kept"
    assert (tmp_path / "kept").is_dir()
    opening.keep_studies(None)
    assert opening.studies() is None
