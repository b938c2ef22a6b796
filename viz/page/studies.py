"""The tab of studies: start one on the what-if, watch it, open it, and go back into a what-if.

Nothing is started, read or imported before the tab is opened; a study gives way to whoever waits
for an answer, in pieces of some milliseconds.
"""

from __future__ import annotations

import base64
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import reacton.ipyvuetify as v
import solara

from twin.errors import TwinError
from twin.schema import Scenario
from twin.study.findings import Chart, Findings
from viz import exports, look, studies, study_charts
from viz.page import turns
from viz.page.progress import Progress
from viz.page.session import Session
from viz.server import opening
from viz.studies import Entry, Stored
from viz.study_charts_names import sentence
from viz.widgets.form import FormWidget
from viz.widgets.marks import MarksWidget
from viz.widgets.table import TableWidget

EACH = 0.3
"""Seconds between two looks at how far a study is."""

BEFORE = ("first", "full", "background")
"""What a study gives way to."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A study that was started on this page.

    Attributes
    ----------
    number, entry, on
        Which it is, what it runs, and what it runs on in words.
    state
        waiting, running, done, failed or cancelled.
    step, share, left
        What it is doing, how far that is, and the seconds that it will take, if they are known.
    error
        Why it failed.
    found
        What it found.
    """

    number: int
    entry: Entry
    on: str
    state: str = "waiting"
    step: str = ""
    share: float = 0.0
    left: float | None = None
    error: str = ""
    found: Findings | None = None


@dataclass(frozen=True)
class Shown:
    """A finished study with its pictures."""

    key: str
    found: Findings
    pictures: dict[str, str]


class Desk:
    """The studies of one page: those that were started, and the one that is open."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.jobs: solara.Reactive[tuple[Job, ...]] = solara.reactive(())
        self.shown: solara.Reactive[Shown | None] = solara.reactive(None)
        self.opening = solara.reactive("")
        self._stops: dict[int, threading.Event] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def start(self, entry: Entry) -> None:
        """Start a study on the what-if as it is now."""
        scenario = self.session.scenario
        name = scenario.title or look.said(scenario.name)
        on = name if studies.fits(entry, scenario) else f"{look.said(entry.own)}, its own scenario"
        job = Job(next(self._numbers), entry, on)
        self._stops[job.number] = threading.Event()
        self.jobs.value = (*self.jobs.value, job)
        threading.Thread(target=self._run, args=(job, scenario), daemon=True).start()

    def cancel(self, number: int) -> None:
        """Stop a study; without a folder for studies what it did is lost."""
        self._stops[number].set()
        self._tell(number, state="cancelled")

    def leave(self) -> None:
        """Stop all studies: the page is closed."""
        for stop in self._stops.values():
            stop.set()

    def _tell(self, number: int, **news: Any) -> None:
        """Change what is known of a study; one that was cancelled stays so."""
        with self._lock:
            self.jobs.value = tuple(
                replace(j, **news) if j.number == number and j.state != "cancelled" else j
                for j in self.jobs.value
            )

    def _run(self, job: Job, scenario: Scenario) -> None:
        stop = self._stops[job.number]
        clock = _Clock(stop, lambda **news: self._tell(job.number, **news))
        threads = max(1, (os.cpu_count() or 1) - 1)
        try:
            with turns.studying(stop):
                if stop.is_set():
                    return
                self._tell(job.number, state="running", step="checking it")
                found = studies.run(job.entry, scenario, opening.studies(), stop,
                                    clock.progress, clock.told, threads)  # fmt: skip
        except TwinError as error:
            self._tell(job.number, state="failed", error=str(error))
            return
        except Exception as error:  # a fault of ours must not leave the study running for ever
            _log.exception("study %s on %s", job.entry.name, job.on)
            self._tell(job.number, state="failed", error=_fault(error))
            return
        self._tell(job.number, state="done", found=found)
        if not stop.is_set():
            self.open(f"job {job.number}", lambda: found)

    def open(self, key: str, read: Callable[[], Findings]) -> None:
        """Show a finished study as soon as its pictures are drawn."""
        self.opening.value = key
        threading.Thread(target=self._open, args=(key, read), daemon=True).start()

    def _open(self, key: str, read: Callable[[], Findings]) -> None:
        try:
            found = read()
            shown = Shown(key, found, exports.study_pictures(found))
        except TwinError as error:
            self._not_opened(str(error))
            return
        except Exception as error:  # as above: the page would say "drawing" for ever
            _log.exception("opening study %s", key)
            self._not_opened(_fault(error))
            return
        if self.opening.value == key:  # nothing else was opened meanwhile
            with self.session.together():
                self.shown.value, self.opening.value = shown, ""

    def _not_opened(self, why: str) -> None:
        self.session.message.value = why
        self.opening.value = ""


def _fault(error: Exception) -> str:
    """Return in words that the program failed; its own words stay in the log, they may name places."""
    return (
        f"This is a fault of the program ({type(error).__name__}), the log of the server tells "
        "more. Try once more; if it fails again, report it with those lines of the log."
    )


class _Clock:
    """Tells how far a study is and how long it will take, and makes it give way."""

    def __init__(self, stop: threading.Event, tell: Callable[..., None]) -> None:
        self.stop, self.tell = stop, tell
        self.step, self.begun, self.first, self.last = "", 0.0, 0.0, 0.0

    def told(self, text: str) -> None:
        """Take a line about what comes next."""
        turns.give_way(self.stop, BEFORE)
        self.step, self.begun = text, 0.0
        self.tell(step=text, share=0.0, left=None)

    def progress(self, done: int, total: int) -> None:
        """Take how far the present step is."""
        turns.give_way(self.stop, BEFORE)
        now, share = time.monotonic(), done / max(1, total)
        if not self.begun or share < self.first:
            self.begun, self.first, self.last = now, share, 0.0
        if now - self.last < EACH and share < 1:
            return
        self.last = now
        moved = share - self.first
        left = (1 - share) * (now - self.begun) / moved if moved > 0.02 else None
        self.tell(step=self.step or "running", share=share, left=left)


# ------------------------------------------------------------------------------------- components
@solara.component
def Studies(session: Session, desk: Desk) -> None:
    """Show what can be asked, what is running, and what was found."""
    entries = solara.lab.use_task(studies.catalogue, dependencies=[], raise_error=False)
    with solara.Div(attributes={"data-studies": ""}):
        if entries.value is None:
            _grey("Reading what can be asked …" if not entries.error else str(entries.exception))
            return
        Entries(session, desk, entries.value)
        for job in desk.jobs.value:
            JobRow(desk, job)
        Kept(desk, opening.studies())
        if desk.opening.value:
            _grey("Drawing its pictures …")
        if desk.shown.value is not None:
            Found(session, desk.shown.value)
        elif not desk.jobs.value:
            _grey("A study takes from some seconds to a few minutes; the page answers meanwhile. "
                  "Nothing runs before you press Start.")  # fmt: skip


@solara.component
def Entries(session: Session, desk: Desk, entries: list[Entry]) -> None:
    """List the studies that can be started."""
    here = session.scenario
    TableWidget.element(
        caption="Studies: many runs of the what-if as it is now, answers with intervals",
        columns=["study", "what it answers", "runs on"], buttons=["Start"],
        rows=[[look.said(e.name.replace("-", " ")), e.title,
               "this what-if" if studies.fits(e, here) else look.said(e.own)] for e in entries],
        on_picked=lambda at: desk.start(entries[at["row"]]),
    )  # fmt: skip


@solara.component
def JobRow(desk: Desk, job: Job) -> None:
    """Show how far a study is, and what can be done with it."""

    def changed(change: dict[str, Any]) -> None:
        found = job.found
        if change["key"] == "cancel":
            desk.cancel(job.number)
        elif found is not None:
            desk.open(f"job {job.number}", lambda: found)

    busy = job.state in ("waiting", "running")
    fields: list[dict[str, Any]] = []
    if busy:
        fields = [{"key": "cancel", "kind": "button", "label": "Cancel"}]
    elif job.found is not None:
        fields = [{"key": "open", "kind": "button", "label": "Open"}]
    name = look.said(job.entry.name.replace("-", " ")).capitalize()
    with solara.Div(classes=["twin-job"], attributes={"data-job": job.state}):
        with solara.Div(classes=["twin-bar"]):
            v.Html(tag="p", attributes={"role": "alert"} if job.error else {},
                   children=[f"{name} on {job.on}: {_state(job)}"])  # fmt: skip
            FormWidget.element(fields=fields, inline=True, label=f"Study {job.number}",
                               on_change=changed)  # fmt: skip
        if busy:
            Progress(job.share)


def _state(job: Job) -> str:
    """Return in words how far a study is."""
    if job.state == "waiting":
        return "waits for another study to end."
    if job.state == "running":
        left = "" if job.left is None else f", {_time(job.left)} left in this step"
        share = f", {look.share(round(job.share, 2))}" if job.share else ""
        return f"{job.step.rstrip('.')}{share}{left}."
    if job.state == "failed":
        return f"could not be run. {job.error}"
    return f"{job.state}."


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(1, round(seconds / 5) * 5)} s"
    return f"about {round(seconds / 60)} min"


@solara.component
def Kept(desk: Desk, kept: Path | None) -> None:
    """List the finished studies of the folder that the server was started with."""
    done = sum(j.state == "done" for j in desk.jobs.value)
    found = solara.use_memo(lambda: [] if kept is None else studies.stored(kept), [done])
    if kept is None or not found:
        if kept is not None:
            _grey(f"No finished study in {kept.name} yet.")
        return

    def go(at: dict[str, Any]) -> None:
        chosen: Stored = found[at["row"]]
        desk.open(str(chosen.path), lambda: studies.read(chosen.path))

    TableWidget.element(
        caption=f"Finished studies in {kept.name}, the newest first", columns=["study", "folder"],
        rows=[[one.title, one.path.name] for one in found], buttons=["Open"], on_picked=go,
    )  # fmt: skip


@solara.component
def Found(session: Session, shown: Shown) -> None:
    """Show what a study found."""
    found = shown.found
    with solara.Div(classes=["twin-found"], attributes={"data-found": found.name}):
        v.Html(tag="h2", children=[found.title])
        if found.question:
            _grey(found.question)
        for i, answer in enumerate(found.answers):
            v.Html(
                tag="p",
                class_="twin-sentence" if i == 0 else "",
                children=[sentence(answer, found.name)],
            )
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
                _grey(sentence(text, found.name))


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
def Picture(session: Session, found: Findings, chart: Chart, svg: str) -> None:
    """Show a chart: with marks to press where they lead into a what-if, else as a picture."""
    scenario = session.scenario
    marked = solara.use_memo(lambda: studies.marked(found, chart, scenario), [scenario.hash()])

    def go(at: dict[str, Any]) -> None:
        move = studies.picked(found, chart, at["index"], session.scenario)
        if move is not None:
            session.set(move.label, **move.changes())

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
            _grey(chart.caption)


def _grey(text: str) -> None:
    v.Html(tag="p", class_="twin-grey", children=[text])
