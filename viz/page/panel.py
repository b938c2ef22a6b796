"""The panel beside the network: the site or the disruption that is selected, with its controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import reacton.ipyvuetify as v
import solara

from twin.distributions import lead_time_moments
from twin.errors import TwinError
from twin.result import words
from twin.schema import Scenario
from viz import backup, breaks, chart_data, controls, fixes, look, story
from viz.page.session import Session
from viz.server.assets import ECHARTS_URL
from viz.told import told
from viz.widgets.charts import ChartsWidget
from viz.widgets.form import FormWidget
from viz.widgets.table import TableWidget


def act(session: Session, site: str, action: str) -> None:
    """Do what was picked in the menu of a site."""
    from viz.page import middle

    session.select(site)
    if action == "break":
        middle.add(session, "outage", f"site:{site}")
    elif action == "backup":
        session.attempt(
            f"backup for {look.said(site)}",
            lambda: backup.backup_supplier(session.base, session.changes, site),
        )


@solara.component
def Panel(session: Session) -> None:
    """Show the selected disruption, else the selected site, else what changed."""
    if 0 <= session.bar.value < len(session.scenario.disruptions):
        Disruption(session, session.bar.value)
    elif session.selected.value:
        Site(session, session.selected.value)
    else:
        Changes(session)


@solara.component
def Changes(session: Session) -> None:
    """List all edits, each of which can be taken back."""
    rows = solara.use_memo(
        lambda: told(session.base, session.changes), [id(session.base), dict(session.changes)]
    )

    def taken(change: dict[str, Any]) -> None:
        key = change["key"].partition("|")[2]
        session.attempt("one change taken back", lambda: controls.reset(session.changes, key))

    v.Html(tag="h2", children=["What changed"])
    if not rows:
        v.Html(tag="p", children=[
            "Nothing yet. Drag the handle between push and pull, break something on the timeline, "
            "or choose a site to see its story and its controls."])  # fmt: skip
        return
    fields = [
        {"key": f"{i}|{row['key']}", "kind": "gone", "label": row["label"],
         "value": f"{row['before']} → {row['after']}"}
        for i, row in enumerate(rows)
    ]  # fmt: skip
    FormWidget.element(fields=fields, label="What changed", on_change=taken)


# ------------------------------------------------------------------------------------ disruption
@solara.component
def Disruption(session: Session, i: int) -> None:
    """Edit a disruption by numbers."""
    scenario = session.scenario
    entries = list(scenario.to_dict()["disruptions"])
    entry, bar = entries[i], breaks.bars(scenario)[i]
    about = next(k for k in breaks.kinds() if k["kind"] == entry["kind"])
    aims = breaks.targets(scenario, entry["kind"])["choices"]

    def put(label: str, new: dict[str, Any]) -> None:
        session.set(label, disruptions=[*entries[:i], new, *entries[i + 1 :]])

    def changed(change: dict[str, Any]) -> None:
        key, value = change["key"], change["value"]
        if key == "close":
            session.bar.value = -1
        elif key == "remove":
            session.set(f"{bar['label']} removed", disruptions=breaks.without(entries, i))
        elif key == "target":
            kept = {k: x for k, x in entry.items() if k not in ("where", "lane", "resource")}
            sets = {k: x for k, x in aims[value]["sets"].items() if x != {}}
            put(f"{bar['label']} aimed elsewhere", {**kept, **sets})
        else:
            try:
                put(f"{key} of {bar['label']}", breaks.changed(entry, key, value))
            except TwinError as error:
                session.message.value = str(error)

    v.Html(tag="h2", children=[bar["label"]])
    v.Html(tag="p", class_="twin-grey", children=[about["meaning"]])
    if bar["note"]:
        v.Html(tag="p", children=[f"Note: {bar['note']}."])
    FormWidget.element(
        fields=_disruption_fields(scenario, about, entry, aims),
        label="Disruption",
        on_change=changed,
    )


def _disruption_fields(
    scenario: Scenario, about: dict[str, Any], entry: dict[str, Any], aims: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    now = next((n for n, a in enumerate(aims) if _aimed(entry, a["sets"])), None)
    fields: list[dict[str, Any]] = [
        {"key": "target", "kind": "choice", "label": "What it hits", "value": now,
         "choices": [[n, a["label"]] for n, a in enumerate(aims)]}
    ]  # fmt: skip
    for f in about["fields"]:
        if f["type"] not in ("whole", "number"):
            continue
        fields.append({
            "key": f["name"], "kind": "slider" if f["slider"] else "number",
            "label": look.said(f["name"]).capitalize(), "hint": f["meaning"],
            "unit": words(f["unit"], scenario),
            "value": entry.get(f["name"], f["default"]), "low": f["low"], "high": f["high"],
            "slider": f["slider"], "step": 1 if f["type"] == "whole" else 0.01,
        })  # fmt: skip
    return [*fields, {"key": "remove", "kind": "button", "label": "Remove"},
            {"key": "close", "kind": "button", "label": "Close"}]  # fmt: skip


def _aimed(entry: dict[str, Any], sets: dict[str, Any]) -> bool:
    return all(entry.get(k, {} if k == "where" else None) == x for k, x in sets.items())


# ------------------------------------------------------------------------------------------ site
@solara.component
def Site(session: Session, site: str) -> None:
    """Tell a site's story and show its controls."""
    part, set_part = solara.use_state("story")

    def chosen(change: dict[str, Any]) -> None:
        if change["key"] == "close":
            session.select("")
        else:
            set_part(change["value"])

    tabs = [["story", "Story"], ["controls", "Controls"], ["fixes", "Fixes"]]
    v.Html(tag="h2", attributes={"data-panel": site}, children=[look.said(site)])
    FormWidget.element(
        label="Site", inline=True, on_change=chosen,
        fields=[{"key": "part", "kind": "tabs", "label": "Of this site", "value": part,
                 "choices": tabs},
                {"key": "close", "kind": "button", "label": "Close", "icon": "×", "small": True}],
    )  # fmt: skip
    {"story": Story, "controls": Controls, "fixes": Fixes}[part](session, site)


@solara.component
def Story(session: Session, site: str) -> None:
    """Tell what goes on at a site; a few replications are run closely for it."""
    shown = session.answer.value
    known = shown is not None and site in {s.name for s in shown.scenario.sites}
    told_ = solara.lab.use_task(
        lambda: story.story(shown.comparison, site) if known else None,
        dependencies=[session.shown, site], raise_error=False,
    )  # fmt: skip
    found = told_.value if told_.finished else told_.latest
    if not known or found is None or found["site"] != site:
        v.Html(tag="p", class_="twin-grey", children=["Looking closely …"])
        return
    for text in found["why"]:
        v.Html(tag="p", children=[text])
    v.Html(tag="p", class_="twin-grey", children=[found["role"]])
    if not found["items"]:
        return
    drawn = chart_data.story_chart(found["charts"], shown.comparison.b.topology)
    if drawn:
        ChartsWidget.element(
            library=ECHARTS_URL, charts=drawn, shown=list(drawn), height=150, stale=told_.pending,
            cursor=session.cursor.value, on_cursor=session.cursor.set,
        )  # fmt: skip
    _facts(found)


def _facts(found: dict[str, Any]) -> None:
    """Show stock points, lanes and devices of a site as tables."""
    unit = found["stock"]["unit"]
    rows = [
        [i["label"], i["mode"], _number(i["stock"]), _number(i["target"])] for i in found["items"]
    ]
    TableWidget.element(caption=f"Stock points ({unit})" if len(rows) == 1 else "Stock points (units)",
                        columns=["item", "", "stock", "target"], rows=rows, numbers=[2, 3])  # fmt: skip
    lanes = [
        [_said(e["from"]), _said(e["to"]), e["lead"]]
        for e in (*found["lanes_in"], *found["lanes_out"])
    ]
    if lanes:
        TableWidget.element(caption="Lanes", columns=["from", "to", "lead time"], rows=lanes)
    if found["devices"]:
        TableWidget.element(
            caption="Devices", columns=["device", "health", "age", "record off by"], numbers=[2, 3],
            rows=[[f"{d['label']}: {_said(d['item'])}", d["health"], _number(d["age"]),
                   _number(d["error"])] for d in found["devices"]],
        )  # fmt: skip


def _said(name: Any) -> str:
    return look.said(str(name or "outside"))


def _number(x: Any) -> str:
    return "–" if x is None else look.number(float(x))


@solara.component
def Controls(session: Session, site: str) -> None:
    """Show every parameter of a site and what stands there, as the schema declares them."""
    network = session.network
    all_things = controls.things_at(network, site)
    thing, set_thing = solara.use_state("")
    stock = [t for t in all_things if t.startswith("stock:")]
    here = thing if thing in all_things else (stock or all_things)[0]
    found = controls.controls(network, here)

    def changed(change: dict[str, Any]) -> None:
        if change["key"] == "thing":
            set_thing(change["value"])
            return
        control = found[int(change["key"])]
        session.attempt(
            f"{control.label} of {here.partition(':')[2]}",
            lambda: controls.put(session.base, session.changes, control, change["value"]),
        )

    fields: list[dict[str, Any]] = [
        {"key": "thing", "kind": "choice", "label": "Of", "value": here,
         "choices": [[t, t.replace(":", ": ").replace("_", " ")] for t in all_things]}
    ]  # fmt: skip
    for i, control in enumerate(found):
        made = asdict(control)
        fields.append({**made, "key": str(i), "choices": [list(c) for c in control.choices],
                       "place": None, "default": None})  # fmt: skip
    FormWidget.element(fields=fields, label="Controls", on_change=changed)


@solara.component
def Fixes(session: Session, site: str) -> None:
    """Offer what helps at a site, and say why other things cannot."""
    options = solara.use_memo(
        lambda: fixes.options(session.base, site, session.changes), [session.past.value.at, site]
    )
    fields = [field for option in options for field in _fix_fields(option)]

    def changed(change: dict[str, Any]) -> None:
        option = next(o for o in options if o["fix"] == change["key"])
        session.attempt(
            f"{option['label']} at {look.said(site)}",
            lambda: _fixed(session, site, option, change["value"]),
        )

    FormWidget.element(fields=fields, label="Fixes", on_change=changed)


def _fix_fields(option: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the control of a fix and what it would do."""
    made: dict[str, Any] = {
        "key": option["fix"], "kind": "button", "label": option["label"],
        "disabled": not option["possible"],
    }  # fmt: skip
    if option["possible"] and option["fix"] == "add_lane":
        made |= {"kind": "choice", "value": None, "action": True, "label": f"{option['label']} from",
                 "choices": [[s, look.said(s)] for s in option["choices"]]}  # fmt: skip
    if option["possible"] and option["fix"] == "change_policy":
        kinds = [[k, told_[0]] for k, told_ in controls.policy_choices().items()]
        made |= {"kind": "choice", "value": None, "action": True, "choices": kinds}
    note = {"key": f"about {option['fix']}", "kind": "note", "label": option["words"]}
    return [made, note]


def _fixed(session: Session, site: str, option: dict[str, Any], value: Any) -> Any:
    """Return the changes with a fix."""
    base, changes = session.base, session.changes
    if option["fix"] == "backup_supplier":
        return backup.backup_supplier(base, changes, site)
    if option["fix"] == "raise_buffer":
        return fixes.raise_buffer(base, changes, site)
    if option["fix"] == "add_lane":
        return fixes.add_lane(base, changes, value, site, _usual_lead(session, site))
    for item in option["choices"]:
        changes = fixes.change_policy(base, changes, site, item, value)
    return changes


def _usual_lead(session: Session, site: str) -> int:
    """Return the lead time of the slowest lane that leads to a site already, else of any lane."""
    means = [
        (lane.to == site, round(lead_time_moments(lane.lead_time)[0]))
        for lane in session.scenario.lanes
    ]
    here = [lead for mine, lead in means if mine]
    return max(here or [lead for _, lead in means] or [1])
