"""The tab of studies: start one on the what-if, watch it, open it, and go back into a what-if.

Nothing is started or read before the tab is opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import reacton.ipyvuetify as v
import solara

from viz import look, studies
from viz.page.progress import Progress
from viz.page.session import Session
from viz.page.study_desk import Desk, Job
from viz.page.study_found import Found, grey
from viz.server import opening
from viz.studies import Entry, Stored
from viz.study_options import FIRST, written
from viz.widgets.form import FormWidget
from viz.widgets.table import TableWidget

OPTIONS = "Options"


@solara.component
def Studies(session: Session, desk: Desk) -> None:
    """Show what can be asked, what is running, and what was found."""
    entries = solara.lab.use_task(studies.catalogue, dependencies=[], raise_error=False)
    with solara.Div(attributes={"data-studies": ""}):
        if entries.value is None:
            grey("Reading what can be asked …" if not entries.error else str(entries.exception))
            return
        Entries(session, desk, entries.value)
        if desk.asking.value is not None:
            Options(session, desk, desk.asking.value).key(desk.asking.value.name)
        for job in desk.jobs.value:
            JobRow(desk, job)
        Kept(desk, opening.studies())
        if desk.opening.value:
            grey("Drawing its pictures …")
        if desk.shown.value is not None:
            Found(session, desk.shown.value)
        elif not desk.jobs.value:
            grey("A study takes from some seconds to a few minutes; the page answers meanwhile. "
                  "Nothing runs before you press Start.")  # fmt: skip


@solara.component
def Entries(session: Session, desk: Desk, entries: list[Entry]) -> None:
    """List the studies that can be started."""
    here = session.scenario

    def go(at: dict[str, Any]) -> None:
        entry = entries[at["row"]]
        if at["button"] == OPTIONS:
            desk.ask(entry)
        else:
            desk.start(entry)

    TableWidget.element(
        caption="Studies: many runs of the what-if as it is now, answers with intervals",
        columns=["study", "what it answers", "runs on"], on_picked=go,
        buttons=[["Start", OPTIONS] if studies.options_of(e) else ["Start"] for e in entries],
        rows=[[look.said(e.name.replace("-", " ")), e.title,
               "this what-if" if studies.fits(e, here) else look.said(e.own)] for e in entries],
    )  # fmt: skip


@solara.component
def Options(session: Session, desk: Desk, entry: Entry) -> None:
    """Show what a study can be asked: what matters most, the rest on demand."""
    every, set_every = solara.use_state(False)
    fields = studies.fields(entry, desk.typed.value.get(entry.name, {}), session.scenario)
    rest = len(fields) - FIRST
    name = _name(entry)

    def pressed(change: dict[str, Any]) -> None:
        if change["key"] == "start":
            desk.start_asked()
        elif change["key"] == "more":
            set_every(not every)
        else:
            desk.ask(None)

    with solara.Div(classes=["twin-options"], attributes={"data-options": entry.name}):
        v.Html(tag="h3", children=[f"{name}: options"])
        FormWidget.element(
            fields=fields if every else fields[:FIRST], label=f"Options of {name}",
            on_change=lambda change: desk.type(entry, **{change["key"]: change["value"]}),
        )  # fmt: skip
        if desk.refused.value:
            v.Html(tag="p", attributes={"role": "alert"}, children=[desk.refused.value])
        FormWidget.element(label=f"Start {name}", inline=True, on_change=pressed, fields=[
            {"key": "start", "kind": "button", "label": "Start", "main": True},
            *([{"key": "more", "kind": "button", "value": every,
                "label": "Fewer options" if every else f"{rest} more options"}] if rest > 0 else []),
            {"key": "close", "kind": "button", "label": "Close"},
        ])  # fmt: skip


@solara.component
def JobRow(desk: Desk, job: Job) -> None:
    """Show how far a study is, and what can be done with it."""

    def changed(change: dict[str, Any]) -> None:
        found = job.found
        if change["key"] == "cancel":
            desk.cancel(job.number)
        elif change["key"] == "anew":
            desk.begin_anew(job.number)
        elif found is not None:
            desk.open(f"job {job.number}", lambda: found)

    busy = job.state in ("waiting", "running")
    fields: list[dict[str, Any]] = []
    if busy:
        fields = [{"key": "cancel", "kind": "button", "label": "Cancel"}]
    elif job.found is not None:
        fields = [{"key": "open", "kind": "button", "label": "Open"}]
    elif job.anew:
        fields = [{"key": "anew", "kind": "button", "label": "Begin anew"}]
    with solara.Div(classes=["twin-job"], attributes={"data-job": job.state}):
        with solara.Div(classes=["twin-bar"]):
            v.Html(tag="p", attributes={"role": "alert"} if job.error else {},
                   children=[f"{_name(job.entry)} on {job.on}{_asked(job)}: {_state(job)}"])  # fmt: skip
            FormWidget.element(fields=fields, inline=True, label=f"Study {job.number}",
                               on_change=changed)  # fmt: skip
        if busy:
            Progress(job.share)


def _name(entry: Entry) -> str:
    return look.said(entry.name.replace("-", " ")).capitalize()


def _asked(job: Job) -> str:
    """Return in words what a study was asked besides."""
    told = (f"{look.said(key)} {written(value)}" for key, value in job.options.items())
    return "".join(f", {each}" for each in told)


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
            grey(f"No finished study in {kept.name} yet.")
        return

    def go(at: dict[str, Any]) -> None:
        chosen: Stored = found[at["row"]]
        desk.open(str(chosen.path), lambda: studies.read(chosen.path))

    TableWidget.element(
        caption=f"Finished studies in {kept.name}, the newest first", columns=["study", "folder"],
        rows=[[one.title, one.path.name] for one in found], buttons=["Open"], on_picked=go,
    )  # fmt: skip
