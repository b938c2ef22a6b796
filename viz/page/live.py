"""The tab of telemetry: what devices and systems reported, beside what the twin expects."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import reacton.ipyvuetify as v
import solara

from twin.errors import TwinError
from viz import look, telemetry
from viz.page.session import Session
from viz.server import opening
from viz.widgets.table import TableWidget

EACH = 2.0
"""Seconds between two looks whether the store has changed."""


@solara.component
def Telemetry(session: Session) -> None:
    """Show the telemetry of the store that the server was started with."""
    path = opening.store()
    read, set_read = solara.use_state(None)
    problem, set_problem = solara.use_state("")
    solara.use_effect(lambda: _watch(path, set_read, set_problem), [])
    if path is None:
        _grey("No telemetry is connected: start the app with `twin app --store STORE`, the store "
              "that `twin ingest` or `twin listen` fills.")  # fmt: skip
    elif problem:
        _grey(problem)
    elif read is None:
        _grey(f"Reading {path.name} …")
    else:
        Shown(session, path, *read)


@solara.component
def Shown(session: Session, path: Path, stamp: tuple[int, ...], events: Any) -> None:
    """Show devices and counts."""
    mode = telemetry.mode(events)
    events_ = f"{len(events):,} event{'s' * (len(events) != 1)}"
    said = f"{path.name}, {telemetry.MODES[mode]}: {events_} of the last {telemetry.WINDOW} days."
    v.Html(tag="p", attributes={"data-telemetry": mode}, children=[said])
    heard = solara.use_memo(lambda: telemetry.devices(events), [stamp])
    if heard:
        TableWidget.element(
            caption=f"{len(heard)} devices were heard", numbers=[3, 4, 5],
            columns=["device", "where", "last heard (UTC)", "days silent", "readings", "missing"],
            rows=[[look.said(d["device"].split("@")[0]), look.said(d["site"]), d["last"], look.number(d["silent"]),
                   str(d["readings"]), str(d["missing"])] for d in heard],
            buttons=["Show site"], on_picked=lambda at: _select(session, heard[at["row"]]["site"]),
        )  # fmt: skip
    shown = session.answer.value
    result = None if shown is None else shown.comparison.b
    counted = solara.use_memo(lambda: telemetry.stock(events, result), [stamp, session.shown])
    if counted:
        TableWidget.element(
            caption="Last counts, the books, and what the twin expects on that day (mean)",
            columns=["site", "item", "counted on", "count", "books", "twin"], numbers=[3, 4, 5],
            rows=[[look.said(c["site"]), look.said(c["item"]), c["when"],
                   *(_known(c[k]) for k in ("count", "books", "twin"))] for c in counted],
            buttons=["Show site"], on_picked=lambda at: _select(session, counted[at["row"]]["site"]),
        )  # fmt: skip


def _select(session: Session, site: str) -> None:
    if site in {s.name for s in session.scenario.sites}:
        session.select(site)


def _known(x: float | None) -> str:
    return "–" if x is None else look.number(x)


def _grey(text: str) -> None:
    v.Html(tag="p", class_="twin-grey", children=[text])


def _watch(path: Path | None, take: Any, refuse: Any) -> Any:
    """Read the store now and whenever it has changed, until the tab is left."""
    stop = threading.Event()

    def watch() -> None:
        before: tuple[int, ...] = ()
        while path is not None and not stop.is_set():
            here = telemetry.stamp(path)
            if here != before or not here:
                before = here
                try:
                    take((here, telemetry.snapshot(path)))
                    refuse("")
                except TwinError as error:
                    refuse(str(error))
            stop.wait(EACH)

    threading.Thread(target=watch, daemon=True).start()
    return stop.set
