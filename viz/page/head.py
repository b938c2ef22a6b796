"""The top of the page: what is open, undo, share and export, the sentence and the tiles."""

from __future__ import annotations

import functools
from typing import Any

import reacton.ipyvuetify as v
import solara

from twin.errors import TwinError
from twin.load import load, shipped
from viz import answer as answers
from viz import exports, share, uploads
from viz import sentence as sentences
from viz.page.past import Opened
from viz.page.session import Session
from viz.told import told
from viz.widgets.form import FormWidget
from viz.widgets.glue import GlueWidget
from viz.widgets.tiles import TilesWidget

KEYS = (
    "Drag the handle between push and pull, or choose it and press the arrow keys. Space plays, "
    "/ searches a site, Ctrl-Z takes back, Ctrl-Shift-Z does it again, ? shows this. On a bar of "
    "the timeline: arrows move it, + and - change its length, Delete removes it."
)


@solara.component
def Glue(session: Session) -> None:
    """Tie the page to its browser: theme, keys, address."""
    known = share.link(session.opened.value.address, session.changes)

    def pressed(key: dict[str, Any]) -> None:
        name = key.get("name")
        if name == "undo":
            session.undo()
        elif name == "redo":
            session.redo()
        elif name == "play":
            session.playing.value = not session.playing.value
        elif name == "help":
            session.help.value = not session.help.value

    def prefers(told_: dict[str, Any]) -> None:
        # The page told again by a widget made anew keeps what was chosen; a switch is newer than that.
        if session.dark.value is None or told_.get("switched"):
            session.dark.value = bool(told_.get("dark"))

    GlueWidget.element(
        dark=bool(session.dark.value), query=known or "", copy=session.copied.value,
        title=f"{session.base.title or session.opened.value.name} - push-pull twin",
        on_key=pressed, on_prefers=prefers,
    )  # fmt: skip


def _named(session: Session) -> bool:
    return session.opened.value.shipped


@solara.component
def Head(session: Session) -> None:
    """Show what is open and what can be done with it."""
    menu, set_menu = solara.use_state("")
    names = _shipped()
    here = session.opened.value.name
    choices = [[n, f"{t or n}"] for n, t in names]
    if here not in {n for n, _ in names}:
        choices.append([here, here])
    past = session.past.value
    at, steps = past.at, past.steps
    undo = f"Take back: {past.step.label}" if at else "Nothing to take back"
    redo = f"Do again: {steps[at + 1].label}" if at + 1 < len(steps) else "Nothing to do again"
    fields = [
        {"key": "scenario", "kind": "choice", "label": "Scenario", "hidden": True, "value": here, "choices": choices},
        {"key": "baseline", "kind": "choice", "label": "Compare with", "hidden": True,
         "value": session.baseline.value,
         "choices": [[k, f"against {words}"] for k, words in answers.SHORT.items()],
         "hint": "Both have the same luck (common random numbers)"},
        {"key": "undo", "kind": "button", "label": "Undo", "icon": "↶", "hint": undo, "disabled": at == 0},
        {"key": "redo", "kind": "button", "label": "Redo", "icon": "↷", "hint": redo,
         "disabled": at + 1 >= len(steps)},
        {"key": "open", "kind": "button", "label": "Open file", "value": menu == "open"},
        {"key": "share", "kind": "button", "label": "Share, export", "value": menu == "share"},
        {"key": "dark", "kind": "button", "label": "Light" if session.dark.value else "Dark"},
        {"key": "help", "kind": "button", "label": "?", "hint": "Keys", "value": session.help.value},
    ]  # fmt: skip

    def changed(change: dict[str, Any]) -> None:
        key, value = change.get("key"), change.get("value")
        if key == "scenario" and value != here:
            _open(session, value)
        elif key == "baseline":
            session.compare_with(value)
        elif key == "undo":
            session.undo()
        elif key == "redo":
            session.redo()
        elif key == "dark":
            session.dark.value = not session.dark.value
        elif key == "help":
            session.help.value = not session.help.value
        elif key in ("open", "share"):
            set_menu("" if menu == key else key)

    with solara.Div(classes=["twin-head"]):
        with v.Html(tag="h1", children=[]):
            solara.Text("Push-pull twin")
            v.Html(tag="span", class_="twin-mode", children=["simulated"])
        FormWidget.element(fields=fields, inline=True, label="Page", on_change=changed)
    if session.help.value:
        with solara.Div(classes=["twin-card"], attributes={"data-help": ""}):
            solara.Text(KEYS)
    if menu == "open":
        Upload(session, lambda: set_menu(""))
    if menu == "share":
        Share(session)


@functools.cache
def _shipped() -> tuple[tuple[str, str], ...]:
    """Return name and title of the scenarios that come along; read once."""
    return tuple((name, title) for name, title, _ in shipped())


def _open(session: Session, name: str) -> None:
    try:
        session.open(Opened(name, load(name)))
    except TwinError as error:
        session.message.value = str(error)


@solara.component
def Upload(session: Session, done: Any) -> None:
    """Take a scenario file with its tables, or a workbook."""

    def dropped(files: list[Any]) -> None:
        try:
            uploads.check_size(sum(f["size"] for f in files))
            given = [(f["name"], f["file_obj"].read()) for f in files]
            if len(given) == 1 and given[0][0].endswith(".json") and share.is_what_if(given[0][1]):
                base, changes = share.from_file(given[0][1])
                opened = (
                    Opened(base, load(base)) if isinstance(base, str)
                    else Opened(base.name, base, shipped=False)
                )  # fmt: skip
                ok = session.open(opened, changes)
            else:
                scenario = uploads.read_upload(given)
                ok = session.open(Opened(scenario.name, scenario, shipped=False))
        except TwinError as error:
            session.message.value = str(error)
            return
        if ok:
            done()

    with solara.Div(classes=["twin-card"], attributes={"data-upload": ""}):
        solara.Text(
            "A scenario (YAML or JSON) with the CSV files it names, a workbook (.xlsx), tables as "
            "CSV files, or a what-if saved here. Everything stays on this machine."
        )
        solara.FileDropMultiple(label="Drop files here", on_file=dropped, lazy=True)


@solara.component
def Share(session: Session) -> None:
    """Offer the link and the files of the what-if."""
    name, changes = session.opened.value.name, session.changes
    link = share.link(name, changes) if _named(session) else None
    shown = session.answer.value

    def copied(change: dict[str, Any]) -> None:
        n = session.copied.value.get("n", 0) + 1
        session.copied.value = {"text": f"?{link}", "n": n, "link": True}

    def what_if() -> bytes:
        return share.to_file(name if _named(session) else session.base, changes)

    def file(label: str, what: str, ending: str, make: Any) -> None:
        solara.FileDownload(
            make, filename=exports.file_name(session.scenario, what, ending), label=label
        )

    with solara.Div(classes=["twin-card"], attributes={"data-share": ""}):
        if link is not None:
            FormWidget.element(
                label="Link", on_change=copied, inline=True,
                fields=[{"key": "copy", "kind": "button", "label": "Copy the link"},
                        {"key": "note", "kind": "note", "label":
                         "The address of this page always carries the what-if."}],
            )  # fmt: skip
        else:
            solara.Text("This what-if is too long for a link (or its scenario is your own): "
                        "send the what-if file.")  # fmt: skip
        with solara.Div(classes=["twin-links"]):
            file("What-if (JSON)", "what-if", "json", what_if)
            file(
                "Scenario (YAML)",
                "scenario",
                "yaml",
                lambda: exports.scenario_yaml(session.scenario),
            )
            if shown is not None:
                whole = lambda: session.whole().b  # noqa: E731 - a name for a thunk
                file("KPIs (CSV)", "kpis", "csv", lambda: exports.kpis_csv(shown.comparison))
                file("Histories (Parquet)", "histories", "zip",
                     lambda: exports.histories_parquet(session.whole()))  # fmt: skip
                file("Picture (SVG)", "picture", "svg", lambda: exports.picture(whole(), "svg"))
                file("Picture (PNG)", "picture", "png", lambda: exports.picture(whole(), "png"))
                file("Report (HTML)", "report", "html", lambda: exports.what_if_report(
                    session.whole(), told(session.base, shown.changes),
                    said(session, printed=True), name))  # fmt: skip


@solara.component
def Message(session: Session) -> None:
    """Say what could not be done, where, and what to do."""
    if not session.message.value:
        return

    def closed(change: dict[str, Any]) -> None:
        session.message.value = ""

    with solara.Div(classes=["twin-message"], attributes={"role": "alert", "data-message": ""}):
        v.Html(tag="p", children=[session.message.value])
        FormWidget.element(
            label="Message", on_change=closed,
            fields=[{"key": "close", "kind": "button", "label": "Close"}],
        )  # fmt: skip


def said(session: Session, printed: bool = False) -> str:
    """Return the sentence of the answer shown."""
    shown = session.answer.value
    if shown is None:
        return ""
    return sentences.sentence(shown.comparison, session.rows.value, printed)


@solara.component
def Sentence(session: Session) -> None:
    """Say what it comes to, and what to try."""
    text = said(session) or "Working out the first answer …"
    v.Html(tag="p", class_="twin-sentence", attributes={"data-sentence": "", "aria-live": "polite"},
           children=[text])  # fmt: skip


@solara.component
def Tiles(session: Session) -> None:
    """Show the key figures with their difference to the baseline."""
    shown, runs = session.answer.value, session.runs
    TilesWidget.element(tiles=[] if shown is None else shown.tiles, stale=session.stale, runs=runs)
    if shown is None:
        v.Html(tag="div", class_="twin-grey", children=[runs])
    else:
        against = answers.BASELINES[shown.baseline]
        told_ = f"Against {against}, same luck: {shown.comparison.pairs}" + (
            f"; {runs} so far" if runs else ""
        )
        v.Html(tag="div", class_="twin-grey", attributes={"data-pairs": str(shown.replications)},
               children=[told_ + f". Seed {shown.scenario.seed}, intervals 95 %."])  # fmt: skip
