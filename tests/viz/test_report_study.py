"""Reports of studies: what they say is what was found, and where all of it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import twin
from tests.kpi_cases import shop
from tests.viz.test_report import HOSTILE, Reader
from twin.errors import OutputError
from twin.study.findings import Chart, Findings, Sheet
from twin.study.result import Study
from viz.report import Figure, Paragraph, Table, render
from viz.report_study import ROOM, ROWS, report, save_report, study_page
from viz.study_told import findings_of

RANKING = pd.DataFrame({
    "site": [f"site_{i}" for i in range(60)], "lost": np.linspace(600, 10, 60),
    "lost_low": np.linspace(590, 5, 60), "lost_high": np.linspace(610, 15, 60),
    "on_time": np.linspace(0.4, 0.99, 60),
})  # fmt: skip
RANKED = Sheet("ranking", "Ranking", RANKING, {"lost": "units", "on_time": "share"}, "By loss.")
FOUND = Findings(
    "stress", "Stress", "Who hurts?", ("Site 0 hurts most.", "The rest does not."), (RANKED,),
    (Chart("bars", "lost", "Lost", "ranking", "site", "lost", "lost_low", "lost_high"),),
    ("One site at a time.",), ("Seed 1.",),
)  # fmt: skip


def blocks(found: Findings, kind: type) -> list:
    return [b for b in study_page(found).sections if isinstance(b, kind)]


def test_the_first_answer_leads_and_all_that_was_found_is_said():
    page = Reader(report(FOUND)).text
    answers = blocks(FOUND, Paragraph)
    assert [(p.text, p.lead) for p in answers] == list(zip(FOUND.answers, (True, False)))  # noqa: B905
    for wanted in ("Stress", "Who hurts?", "One site at a time.", "Seed 1.", "By loss."):
        assert wanted in page


def test_every_figure_names_the_file_of_its_data_and_saving_writes_it(tmp_path):
    FOUND.save(tmp_path)
    (figure,) = blocks(FOUND, Figure)
    named = figure.caption.split("Data: ")[1].rstrip(".")
    assert pd.read_csv(tmp_path / named)["lost"].tolist() == RANKING["lost"].tolist()
    assert "The first 30 of 60 are drawn." in figure.caption


def test_a_long_table_is_cut_and_says_where_the_whole_is():
    (table,) = blocks(FOUND, Table)
    assert len(table.rows) == ROWS
    assert f"{ROWS} of 60 rows; the whole table is in ranking.csv." in table.caption


def test_a_table_that_is_cut_within_the_first_line_of_its_picture_is_left_out(tmp_path):
    for of_each in (ROWS, ROWS - 1):  # the second shows the begin of another line: it stays
        places = np.repeat(["a", "b"], of_each)
        frame = pd.DataFrame({"place": places, "since": range(2 * of_each), "service": 1.0})
        chart = Chart("lines", "service", "S", "service", "since", "service", group="place")
        sheets = (RANKED, Sheet("service", "Service", frame))
        found = replace(FOUND, sheets=sheets, charts=(*FOUND.charts, chart))
        titles = [table.title for table in blocks(found, Table)]
        assert titles == (["Ranking"] if of_each == ROWS else ["Ranking", "Service"])
        found.save(tmp_path / str(of_each))
        assert len(pd.read_csv(tmp_path / str(of_each) / "service.csv")) == 2 * of_each


def test_a_number_stands_with_its_interval_in_its_unit():
    (table,) = blocks(FOUND, Table)
    assert list(table.columns) == ["Site", "Lost, units (interval)", "On time"]
    cells = [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in table.rows[0]]
    assert cells == ["site 0", "600 (590 to 610)", "40 %"]


def test_a_table_is_never_wider_than_the_page():
    wide = pd.DataFrame({f"column_{i}": ["some words"] for i in range(40)})
    found = Findings("w", "Wide", "", ("Yes.",), (Sheet("wide", "Wide", wide),))
    (table,) = blocks(found, Table)
    assert sum(len(c) + 2 for c in table.columns) <= ROOM
    assert "columns left out; the whole table is in wide.csv." in table.caption


def test_nothing_found_is_said_and_no_text_can_act():
    none = Findings("n", "N", "", (), (Sheet("s", "S", pd.DataFrame({"a": []})),),
                    (Chart("bars", "c", "C", "s", "a", "a"),))  # fmt: skip
    page = Reader(report(none)).text
    assert "nothing that can be told in words" in page
    assert "No rows." in page
    frame = pd.DataFrame({HOSTILE: [HOSTILE], "y": [1.0]})
    chart = Chart("bars", "c", HOSTILE, "s", HOSTILE, "y", caption=HOSTILE)
    bad = Findings(HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), (Sheet("s", HOSTILE, frame),), (chart,))
    found = Reader(report(bad))
    assert not {"script", "iframe", "object"} & {tag for tag, _ in found.tags}
    assert all(not name.startswith("on") for _, found_ in found.tags for name in found_)


def test_equal_findings_give_equal_reports_and_a_folder_that_is_none_is_refused(tmp_path):
    save_report(FOUND, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == report(FOUND)
    with pytest.raises(OutputError):
        save_report(FOUND, tmp_path / "none" / "page.html")


# ---------------------------------------------------------------------------- of a study's runs
LEVEL = "stock[0].policy.level"


def levels(kind: str, **more: object) -> Study:
    content = {
        "name": "levels", "title": "Levels", "factors": {"level": {"key": LEVEL} | more},
        "design": {"kind": kind} | ({"points": 12} if kind == "latin_hypercube" else {}),
        "base": {"level": 25}, "outputs": ["on_time", "running_cost"], "replications": 8,
    }  # fmt: skip
    return twin.study(content, scenario=shop(), threads=1)


@pytest.fixture(scope="module")
def grid() -> Study:
    return levels("grid", values=[20, 25, 30])


def test_the_answer_names_the_best_and_the_worst_run_with_the_paired_difference(grid):
    differ = grid.differences(metrics=["on_time"]).set_index("level")["difference"]
    answer = findings_of(grid).answers[0]
    assert differ.idxmax() == 30
    assert f"best with level 30: +{100 * differ[30]:.3g} points" in answer
    assert f"worst with level 20: {100 * differ[20]:.3g} points" in answer


def test_the_sheet_of_a_kpi_holds_every_run_and_the_largest_difference_second(grid):
    frame = findings_of(grid).sheet("running_cost").frame
    means = grid.frame().query("metric == 'running_cost'")["mean"]
    assert sorted(frame["running_cost"]) == sorted(means)
    assert frame["run"][0] == "base"
    sizes = frame["difference"].abs()[1:].tolist()
    assert sizes == sorted(sizes, reverse=True)


def test_each_design_has_the_picture_that_suits_it(grid):
    kinds = {
        "lines": grid,
        "tornado": levels("one_at_a_time", low=20, high=30),
        "bars": levels("latin_hypercube", low=20, high=30),
    }
    for kind, study in kinds.items():
        assert {c.kind for c in findings_of(study).charts} == {kind}
        assert render(study_page(findings_of(study))).count("<figure ") == 2


def test_what_grows_with_a_factor_has_a_rank_correlation_of_one():
    found = findings_of(levels("latin_hypercube", low=20, high=60)).sheet("levers_running_cost")
    row = found.frame.iloc[0]
    assert row["correlation"] == pytest.approx(1.0)
    assert row["low"] <= row["correlation"] <= row["high"] + 1e-12


def test_the_report_of_a_study_says_what_ran(grid):
    page = Reader(report(grid)).text
    for wanted in ("seed 1", grid.manifest["scenario"]["hash"], "8 replications", "numba"):
        assert wanted in page
