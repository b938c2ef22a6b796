"""What a study found, on the page: answers, tables and pictures that lead into a what-if."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import reacton.ipyvuetify as v
import solara

from twin.study.findings import Chart, Findings
from viz import exports, optimised, studies, study_charts, study_marks
from viz.page.session import Session
from viz.page.study_desk import Shown
from viz.study_charts_names import sentence
from viz.widgets.marks import MarksWidget
from viz.widgets.table import TableWidget

TAKEN = "Take over puts the values of a row into the what-if; Ctrl-Z takes it back."


@solara.component
def Found(session: Session, shown: Shown) -> None:
    """Show what a study found."""
    found = shown.found
    with solara.Div(classes=["twin-found"], attributes={"data-found": found.name}):
        v.Html(tag="h2", children=[found.title])
        if found.question:
            grey(found.question)
        for i, answer in enumerate(found.answers):
            v.Html(
                tag="p",
                class_="twin-sentence" if i == 0 else "",
                children=[sentence(answer, found.name)],
            )
        if found.name == optimised.NAME:
            Finalists(session, found).key(shown.key)
        Files(session, found)
        for chart in found.charts:
            Picture(session, found, chart, shown.pictures[chart.name]).key(
                f"{shown.key} {chart.name}"
            )
        for title, texts in (("What this cannot tell", found.limits),
                             ("What it rests on", found.notes)):  # fmt: skip
            if texts:
                v.Html(tag="h3", children=[title])
            for text in texts:
                grey(sentence(text, found.name))


@solara.component
def Files(session: Session, found: Findings) -> None:
    """Offer the report and the tables."""

    def file(label: str, what: str, ending: str, make: Callable[[], bytes]) -> None:
        name = exports.file_name(session.scenario, f"{found.name}-{what}", ending)
        solara.FileDownload(make, filename=name, label=label)

    with solara.Div(classes=["twin-links"], attributes={"data-files": ""}):
        file("Report (HTML)", "report", "html", lambda: exports.study_report(found))
        file("Tables (CSV)", "tables", "zip", lambda: studies.tables(found))


@solara.component
def Finalists(session: Session, found: Findings) -> None:
    """Show the finalists of an optimisation; each can be taken over into the what-if."""
    scenario = session.scenario
    sheet = found.sheet(optimised.FINALISTS)
    moves = solara.use_memo(
        lambda: [study_marks.picked(found, sheet, i, scenario) for i in range(len(sheet.frame))],
        [scenario.hash()],
    )

    def go(at: dict[str, Any]) -> None:
        move = moves[at["row"]]
        if move is not None:
            session.edit(move.label, move.after(session.changes))

    heads, rows = optimised.table(found)
    TableWidget.element(
        caption=f"{sheet.title}, with 95 % intervals. {sheet.caption} {TAKEN}", columns=heads,
        rows=rows,
        buttons=[[] if move is None else [move.action] for move in moves], on_picked=go,
    )  # fmt: skip


@solara.component
def Picture(session: Session, found: Findings, chart: Chart, svg: str) -> None:
    """Show a chart: with marks to press where they lead into a what-if, else as a picture."""
    scenario = session.scenario
    marked = solara.use_memo(lambda: study_marks.marked(found, chart, scenario), [scenario.hash()])

    def go(at: dict[str, Any]) -> None:
        sheet = found.sheet(chart.sheet)
        move = study_marks.picked(found, sheet, at["index"], session.scenario)
        if move is not None:
            session.edit(move.label, move.after(session.changes))

    if marked is not None:
        MarksWidget.element(chart=marked, name=chart.name, on_picked=go)
        return
    data = base64.b64encode(svg.encode()).decode()
    told = study_charts.words(chart, found.sheet(chart.sheet))
    scrolled = {"data-figure": chart.name, "tabindex": "0", "aria-label": sentence(chart.title)}
    with v.Html(tag="figure", class_="twin-figure", attributes=scrolled):
        v.Html(tag="h3", children=[sentence(chart.title)])
        v.Html(tag="img", attributes={"src": f"data:image/svg+xml;base64,{data}", "alt": told})
        if chart.caption:
            grey(chart.caption)


def grey(text: str) -> None:
    """Write a line of small print."""
    v.Html(tag="p", class_="twin-grey", children=[text])
