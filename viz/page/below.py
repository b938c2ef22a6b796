"""Below the network: charts, all positions, devices, and what-ifs side by side."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import reacton.ipyvuetify as v
import solara

from twin.information import by_owner, value_of_information
from twin.schema import Scenario
from viz import answer as answers
from viz import chart_data, device_table, look
from viz.page import live, studies
from viz.page.past import Kept
from viz.page.progress import Progress
from viz.page.session import Session
from viz.page.study_desk import Desk
from viz.report_what_if import amount, difference
from viz.server.assets import ECHARTS_URL
from viz.widgets.charts import ChartsWidget
from viz.widgets.form import FormWidget
from viz.widgets.table import TableWidget

TABS = (
    ("charts", "Over time"), ("cost", "Cost"), ("positions", "All positions"),
    ("studies", "Studies"), ("devices", "Devices"), ("telemetry", "Telemetry"),
    ("saved", "Side by side"),
)  # fmt: skip
OVER_TIME = ["service", "stock", "orders"]


@solara.component
def Below(session: Session) -> None:
    """Show one of the parts below the network."""
    tab, set_tab = solara.use_state("charts")
    desk = solara.use_memo(lambda: Desk(session), [])
    solara.use_effect(lambda: desk.leave, [])
    with solara.Div(classes=["twin-card"]):
        FormWidget.element(
            label="Views", on_change=lambda change: set_tab(change["value"]),
            fields=[{"key": "tab", "kind": "tabs", "label": "Views", "value": tab,
                     "choices": [list(t) for t in TABS]}],
        )  # fmt: skip
        if tab in ("charts", "cost"):
            Charts(session, OVER_TIME if tab == "charts" else ["cost"])
        elif tab == "positions":
            Positions(session)
        elif tab == "studies":
            studies.Studies(session, desk)
        elif tab == "devices":
            Devices(session)
        elif tab == "telemetry":
            live.Telemetry(session, lambda: set_tab("charts"))
        else:
            Saved(session)


@solara.component
def Charts(session: Session, names: list[str]) -> None:
    """Show charts of the last full answer."""
    shown = session.charts.value
    ChartsWidget.element(
        library=ECHARTS_URL, charts={} if shown is None else shown.charts, shown=names,
        height=240, stale=session.charts_stale, cursor=session.cursor.value,
        on_cursor=session.cursor.set,
    )  # fmt: skip


# ----------------------------------------------------------------------------------- positions
@solara.component
def Positions(session: Session) -> None:
    """Show every position of the decoupling point: cost against service."""
    rows, running = session.rows.value, session.frontier_running.value

    def go(i: int) -> None:
        moves = {
            f"families.{f}.decoupling_point": p for f, p in (rows or [])[i]["positions"].items()
        }
        session.set(f"decoupled at {(rows or [])[i]['label']}", **moves)

    def run(change: dict[str, Any]) -> None:
        if change["key"] == "cancel":
            session.cancel_frontier()
        else:
            session.find_frontier(answers.FULL)

    few = bool(rows) and rows[0]["replications"] < answers.FULL
    fields = [
        {"key": "run", "kind": "button", "label": f"Try all with {answers.FULL} runs each",
         "disabled": running is not None or (bool(rows) and not few)},
        {"key": "cancel", "kind": "button", "label": "Cancel", "disabled": running is None},
    ]  # fmt: skip
    FormWidget.element(fields=fields, label="All positions", inline=True, on_change=run)
    with solara.Div():  # always there: what stands below it stays as it is
        if running is not None:
            Progress(running)
    if not rows:
        text = "Trying every position …" if running is not None else (
            "No product family has a position to choose." if rows == [] else
            "Not tried yet: press the button above.")  # fmt: skip
        v.Html(tag="p", class_="twin-grey", children=[text])
        return
    ChartsWidget.element(
        library=ECHARTS_URL, charts={"frontier": chart_data.frontier_chart(rows, session.scenario)},
        shown=["frontier"], height=300, stale=session.stale,
        on_picked=lambda picked: go(picked["index"]),
    )  # fmt: skip
    TableWidget.element(
        caption=f"All positions, {rows[0]['replications']} runs each under the same luck",
        columns=["position", "cost a period", "on time", "stock", "lost service", "no clear difference to"],
        numbers=[1, 2, 3, 4], buttons=["Move there"],
        rows=[_position(row) for row in rows],
        on_picked=lambda picked: go(picked["row"]),
    )  # fmt: skip


def _position(row: dict[str, Any]) -> list[str]:
    marks = [m for m in ("current", "suggested") if row[m]]
    label = row["label"] + (f" ({', '.join(marks)})" if marks else "")
    numbers = [row["cost"], row["inventory_value"], row["loss_area"]]
    cost, stock, loss = ("–" if x is None else look.number(x) for x in numbers)
    on_time = "–" if row["on_time"] is None else look.share(row["on_time"])
    return [label, cost, on_time, stock, loss, ", ".join(row["tied"]) or "–"]


# ------------------------------------------------------------------------------------- devices
@solara.component
def Devices(session: Session) -> None:
    """Show devices, who uses them, and what their information is worth."""
    shown = session.answer.value
    asked, set_asked = solara.use_state(_Asked())
    worth = solara.lab.use_task(
        lambda: None if asked.of is None else _worth(asked.of),
        dependencies=[asked.n], raise_error=False,
    )  # fmt: skip
    owners = device_table.owners(session.network)
    if not owners:
        v.Html(tag="p", class_="twin-grey", children=[
            "No devices in this scenario: add them under 'devices' in its file."])  # fmt: skip
        return

    def changed(change: dict[str, Any]) -> None:
        if change["key"] == "worth":
            set_asked(_Asked(asked.n + 1, None if shown is None else shown.scenario))
            return
        owner = change["key"].removeprefix("adoption.")
        session.attempt(
            f"devices of {look.said(owner)}",
            lambda: device_table.adoption_changes(
                session.base, session.changes, owner, change["value"]
            ),
        )

    levels = [[0.0, "none"], [0.5, "some (half)"], [1.0, "all"]]
    fields = [
        {"key": f"adoption.{o['owner']}", "kind": "choice", "label": f"Devices of {o['label']} in use",
         "value": o["share"], "choices": levels if o["share"] in (0, 0.5, 1) else
         [*levels, [o["share"], look.share(o["share"])]]}
        for o in owners
    ]  # fmt: skip
    fields.append({"key": "worth", "kind": "button", "label": "What is this information worth?",
                   "disabled": worth.pending})  # fmt: skip
    FormWidget.element(fields=fields, inline=True, label="Devices", on_change=changed)
    with solara.Div():
        if worth.pending and asked.n:
            Progress(0.5)
        elif asked.of is not None and asked.of != session.scenario:
            v.Html(tag="p", class_="twin-grey", children=[
                "The what-if has changed since this was asked; ask again."])  # fmt: skip
        elif worth.value is not None:
            Worth(worth.value)
        elif worth.error:
            v.Html(tag="p", children=[str(worth.exception)])
    DeviceTable(session)


@solara.component
def DeviceTable(session: Session) -> None:
    """Show every device: health, last reading, age of information, error of the record."""
    shown = session.answer.value
    table = solara.lab.use_task(
        lambda: device_table.devices(shown.comparison.b) if shown is not None else [],
        dependencies=[session.shown], raise_error=False,
    )  # fmt: skip
    rows = table.latest or []
    if not rows:
        return
    unit = session.scenario.calendar.period
    TableWidget.element(
        caption=f"{len(rows)} devices at the end of the run, first replication",
        columns=["device", "where", "owner", "health", "last reading", f"age ({unit}s)",
                 "record off by"],
        numbers=[4, 5, 6], buttons=["Show site"],
        rows=[[d["label"], look.said(d["place"]), look.said(d["owner"]), d["health"],
               _known(d["reading"]), _known(d["age"]), _known(d["error"])] for d in rows],
        on_picked=lambda picked: session.select(rows[picked["row"]]["site"]),
    )  # fmt: skip


def _known(x: Any) -> str:
    return "–" if x is None else look.number(float(x))


@dataclass(frozen=True)
class _Asked:
    """Which question about the worth of information it is, and about which what-if."""

    n: int = 0
    of: Scenario | None = None


def _worth(scenario: Scenario) -> Any:
    return value_of_information(scenario, replications=answers.FIRST * 2, record=())


@solara.component
def Worth(worth: Any) -> None:
    """Show what information changes, and who pays and gains."""
    scenario = worth.b.scenario
    names = {"on_time": "On time", "running_cost": "Running cost", "inventory_value": "Stock",
             "lost_share": "Lost demand", "profit": "Profit"}  # fmt: skip
    rows = []
    for kpi, name in names.items():
        row = worth.row(kpi)
        values = [" ".join(filter(None, amount(row[x], row["unit"], scenario))) for x in "ab"]
        told = difference(row, scenario) if row["clear"] else "no clear difference"
        rows.append([name, *values, told])
    TableWidget.element(
        caption=f"The same run without and with devices, {worth.pairs}", rows=rows,
        columns=["", "without", "with", "difference (95 % interval)"], numbers=[1, 2, 3],
    )  # fmt: skip
    money = f"{scenario.calendar.currency} a {scenario.calendar.period}"
    TableWidget.element(
        caption=f"Who pays and who gains ({money})", columns=["owner", "pays", "gains", "net"],
        numbers=[1, 2, 3],
        rows=[[look.said(o["owner"]), *(look.number(o[k]) for k in ("pays", "gains", "net"))]
              for o in by_owner(worth)],
    )  # fmt: skip


# --------------------------------------------------------------------------------------- saved
@solara.component
def Saved(session: Session) -> None:
    """Name and keep what-ifs, and compare up to four side by side."""
    name, set_name = solara.use_state("")
    kept = session.saved.value
    shown = session.answer.value

    def changed(change: dict[str, Any]) -> None:
        if change["key"] == "name":
            set_name(change["value"] or "")
        elif change["key"] == "save" and shown is not None:
            called = name.strip() or _free_name(kept)
            others = tuple(k for k in kept if k.name != called)
            session.saved.value = (*others[-3:], session.kept(called))
            set_name("")
        elif change["key"].startswith("open "):
            session.reopen(kept[int(change["key"][5:])])

    fields: list[dict[str, Any]] = [
        {"key": "name", "kind": "text", "label": "Name", "value": name},
        {
            "key": "save",
            "kind": "button",
            "label": "Keep this what-if",
            "disabled": session.stale or bool(session.runs),
            "hint": "Four are kept; a fifth takes the place of the first",
        },
    ]
    fields += [{"key": f"open {i}", "kind": "button", "label": f"Open {k.name}"}
               for i, k in enumerate(kept)]  # fmt: skip
    FormWidget.element(fields=fields, inline=True, label="Side by side", on_change=changed)
    if not kept:
        v.Html(tag="p", class_="twin-grey", children=[
            "Keep up to four what-ifs under names of your own; they stand here side by side."])  # fmt: skip
        return
    columns = [k.name for k in kept]
    tiles = [{t["name"]: f"{t['value']} {t['unit']}".strip() for t in k.tiles} for k in kept]
    every = list(dict.fromkeys(n for t in tiles for n in t))
    TableWidget.element(
        caption="What-ifs side by side, each under the same seed",
        columns=["", *columns], numbers=list(range(1, len(columns) + 1)),
        rows=[[n, *(t.get(n, "–") for t in tiles)] for n in every],
    )  # fmt: skip


def _free_name(kept: tuple[Kept, ...]) -> str:
    taken = {k.name for k in kept}
    return next(n for i in itertools.count(1) if (n := f"What-if {i}") not in taken)
