"""The middle of the page: the network with its handle, the panel beside it, the timeline below."""

from __future__ import annotations

from typing import Any

import solara

from viz import answer as answers
from viz import breaks, look, network_data
from viz.answer import Answer
from viz.page import panel
from viz.page.session import Session
from viz.widgets.form import FormWidget
from viz.widgets.network import NetworkWidget
from viz.widgets.timeline import TimelineWidget


@solara.component
def Middle(session: Session) -> None:
    """Show network and panel side by side."""
    with solara.Div(classes=["twin-middle"]):
        with solara.Div(classes=["twin-card"]):
            Network(session)
        with solara.Div(classes=["twin-card", "twin-panel"]):
            panel.Panel(session)


@solara.component
def Network(session: Session) -> None:
    """Show the network; its handle moves the decoupling point."""
    shown = session.answer.value
    search, set_search = solara.use_state("")
    drawing = network_data.drawing(session.network, session.expanded.value)

    def moved(move: dict[str, Any]) -> None:
        stage = move["stage"]
        changes = {f"families.{f}.decoupling_point": stage for f in move["families"]}
        who = "all families" if not move["family"] else look.said(move["family"])
        session.set(f"{who} decoupled at {look.said(stage)}", **changes)

    def expanded(given: dict[str, Any]) -> None:
        session.expanded.value = network_data.toggled(session.expanded.value, given["group"])

    def menu(given: dict[str, Any]) -> None:
        panel.act(session, given["site"], given["action"])

    NetworkWidget.element(
        drawing=drawing,
        **_painted(shown, session.expanded.value),
        search=search,
        stale=session.stale,
        height=300,
        selected=session.selected.value,
        on_selected=session.select,
        family=session.family.value,
        on_family=session.family.set,
        playing=session.playing.value,
        on_playing=session.playing.set,
        cursor=session.cursor.value,
        on_cursor=session.cursor.set,
        on_move=moved,
        on_expand=expanded,
        on_menu=menu,
    )
    Play(session, search, set_search)


def _painted(shown: Answer | None, expanded: frozenset[str]) -> dict[str, Any]:
    """Return state and frames of the network as it is drawn; those of open groups are kept."""
    kept = solara.use_ref((shown, expanded, {"state": {}, "frames": b""}))
    if shown is None:
        return {"state": {}, "frames": b""}
    if not expanded:
        return {"state": dict(shown.state), "frames": shown.frames}
    if kept.current[0] is not shown or kept.current[1] != expanded or not kept.current[2]["state"]:
        kept.current = (shown, expanded, answers.drawn(shown.comparison, expanded))
    return kept.current[2]


@solara.component
def Play(session: Session, search: str, set_search: Any) -> None:
    """Play, step and reset; which family the handle moves; search."""
    scenario = session.scenario
    length = scenario.horizon - scenario.warmup
    families = [["", "All families"], *([f.name, look.said(f.name)] for f in scenario.families)]
    at = session.cursor.value
    fields = [
        {"key": "play", "kind": "button", "label": "Pause" if session.playing.value else "Play",
         "hint": "Space"},
        {"key": "step", "kind": "button", "label": "Step", "hint": f"One {scenario.calendar.period}"},
        {"key": "reset", "kind": "button", "label": "Reset", "hint": "Means over the whole run",
         "disabled": at < 0},
        {"key": "family", "kind": "choice", "label": "Handle moves", "value": session.family.value,
         "choices": families},
        {"key": "search", "kind": "search", "label": "Search", "value": search,
         "hint": "A site, by a part of its name ( / )"},
    ]  # fmt: skip

    def changed(change: dict[str, Any]) -> None:
        key, value = change["key"], change["value"]
        if key == "play":
            session.playing.value = not session.playing.value
        elif key == "step":
            session.playing.value = False
            session.cursor.value = min(length - 1, at + 1)
        elif key == "reset":
            session.playing.value, session.cursor.value = False, -1
        elif key == "family":
            session.family.value = value
        elif key == "search":
            set_search(value or "")
            _found(session, value or "")

    with solara.Div(classes=["twin-bar"], attributes={"data-search": ""}):
        FormWidget.element(fields=fields, inline=True, label="Play", on_change=changed)


def _found(session: Session, text: str) -> None:
    """Select the site that is the only one of that name."""
    hit = [s.name for s in session.scenario.sites if text and text.lower() in s.name.lower()]
    exact = [name for name in hit if name == text]
    if exact or len(hit) == 1:
        session.select((exact or hit)[0])


@solara.component
def Timeline(session: Session) -> None:
    """Show what goes wrong and when; add, move, resize and remove it."""
    scenario = session.scenario
    entries = list(scenario.to_dict().get("disruptions", []))
    choices = [["", "Break something …"], ["wave", "COVID wave"]]
    choices += [[k["kind"], k["title"]] for k in breaks.kinds()]

    def put(label: str, found: list[dict[str, Any]]) -> bool:
        return session.set(label, disruptions=found)

    def edited(edit: dict[str, Any]) -> None:
        put(f"{_name(entries, edit['index'])} moved", breaks.edited(entries, edit))

    def removed(given: dict[str, Any]) -> None:
        put(f"{_name(entries, given['index'])} removed", breaks.without(entries, given["index"]))

    def added(change: dict[str, Any]) -> None:
        if change["key"] == "clear":
            put("all disruptions removed", [])
        elif change["value"]:
            add(session, change["value"])

    with solara.Div(classes=["twin-card"]):
        with solara.Div(classes=["twin-bar"]):
            FormWidget.element(
                label="What goes wrong", inline=True, on_change=added,
                fields=[
                    {"key": "add", "kind": "choice", "label": "What goes wrong", "value": "",
                     "choices": choices, "action": True},
                    {"key": "clear", "kind": "button", "label": "Clear",
                     "disabled": not entries, "hint": "Remove all disruptions; can be undone"},
                ],
            )  # fmt: skip
        TimelineWidget.element(
            bars=breaks.bars(scenario),
            horizon=scenario.horizon,
            warmup=scenario.warmup,
            dates={
                "start": scenario.calendar.start.isoformat(), "period": scenario.calendar.period
            },
            stale=session.stale,
            selected=session.bar.value,
            on_selected=session.bar.set,
            cursor=session.cursor.value,
            on_cursor=session.cursor.set,
            on_edit=edited,
            on_remove=removed,
        )  # fmt: skip


def add(session: Session, kind: str, target: str | None = None) -> None:
    """Add a disruption of a kind, or the wave, and open it in the editor."""
    entries = list(session.scenario.to_dict().get("disruptions", []))
    new = session.changes | {}

    def made() -> dict[str, Any]:
        if kind == "wave":
            return {**new, "disruptions": [*entries, *breaks.covid_wave(session.scenario)]}
        return {**new, "disruptions": [*entries, breaks.new(session.scenario, kind, target)]}

    title = "COVID wave" if kind == "wave" else breaks.title(kind)
    if session.attempt(f"{title} added", made) and kind != "wave":
        session.bar.value = len(session.scenario.disruptions) - 1


def _name(entries: list[dict[str, Any]], i: int) -> str:
    return look.said(str(entries[i].get("name") or entries[i]["kind"]))
