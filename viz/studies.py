"""Studies in the app: which there are, running one, opening finished ones, and their marks.

A mark is a bar or a point of a chart that leads back into a what-if: a place that was out becomes
an outage, a position becomes that of the decoupling point.
"""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from twin.decoupling import positions
from twin.errors import TwinError
from twin.files import read_text
from twin.run import Progress
from twin.schema import Scenario
from twin.study import files, findings, folder, ready
from twin.study.findings import Chart, Findings
from twin.study.result import opened
from twin.study.running import study
from twin.topology import build
from viz import look
from viz.study_charts_parts import Data, dense, styles
from viz.study_told import findings_of

MOST = 40
"""Most marks of one chart."""

LISTED = 50
"""Most finished studies of a folder that are listed, the newest first."""


Places = Mapping[str, set[str]]
"""Stages where the decoupling point of each family can stand."""


@dataclass(frozen=True)
class Entry:
    """A study that can be started.

    Attributes
    ----------
    name, title
        What it is called, and what it answers.
    own
        Scenario that it is made for; empty: any.
    """

    name: str
    title: str
    own: str = ""


@dataclass(frozen=True)
class Stored:
    """A finished study in a folder."""

    path: Path
    title: str


@dataclass(frozen=True)
class Move:
    """Where a mark leads: what pressing it does, words for undo, and a disruption or positions.

    Studies leave the scenario's own disruptions out, and so does what is made of them. ``more`` are
    the changes of the study besides the positions: its buffers.
    """

    action: str
    label: str
    disruption: Mapping[str, Any] | None = None
    positions: Mapping[str, str] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def changes(self) -> dict[str, Any]:
        """Return the changes of a what-if by dotted key."""
        if self.disruption is not None:
            return {"disruptions": [dict(self.disruption)]}
        chosen = (self.positions or {}).items()
        moved = {f"families.{f}.decoupling_point": stage for f, stage in chosen}
        return moved | ({**self.more, "disruptions": []} if self.more else {})


# ---------------------------------------------------------------------------------------- running
def catalogue() -> list[Entry]:
    """Return the ready-made studies, then those that come along as files."""
    found = []
    for each in ready.NAMES:
        try:
            found.append(Entry(each, ready.title(each)))
        except ModuleNotFoundError:  # an extra that is not installed
            continue
    for each, title, path in files.shipped():
        found.append(Entry(each, title, files.read(path).study.scenario))
    return found


def run(
    entry: Entry,
    scenario: Scenario,
    kept: Path | None,
    cancelled: threading.Event,
    progress: Progress,
    told: Callable[[str], None],
    threads: int,
) -> Findings:
    """Run a study and return what it found.

    Parameters
    ----------
    entry
        Of :func:`catalogue`.
    scenario
        The what-if as it is on the page. A study that is made for another scenario runs on that.
    kept
        Folder for studies, in which this one gets a folder of its own; none: it is not kept.
    cancelled, progress, told, threads
        As of :func:`twin.study.ready.ready_made`.

    Raises
    ------
    TwinError
        If it cannot run on this scenario, or was cancelled.
    """
    given = scenario if fits(entry, scenario) else None
    called = entry.name if given is None else f"{entry.name}-{given.hash()}"
    out = None if kept is None else kept / called
    more: dict[str, Any] = {
        "out": out, "threads": threads, "progress": progress, "cancelled": cancelled,
    }  # fmt: skip
    if ready.is_ready_made(entry.name):
        return ready.ready_made(entry.name, scenario=scenario, told=told, **more)
    return findings_of(study(entry.name, scenario=given, **more))


def fits(entry: Entry, scenario: Scenario) -> bool:
    """Return whether a study runs on a scenario, rather than on its own."""
    return entry.own in ("", scenario.name)


def stored(kept: Path) -> list[Stored]:
    """Return the finished studies of a folder, the newest first."""
    found = []
    paths = [p for p in kept.iterdir() if p.is_dir()] if kept.is_dir() else []
    for path in sorted(paths, key=lambda p: -p.stat().st_mtime):
        title = _title(path)
        if title:
            found.append(Stored(path, title))
        if len(found) == LISTED:
            break
    return found


def _title(path: Path) -> str:
    """Return the title of a finished study, nothing if the folder holds none."""
    try:
        if (path / findings.FILE).is_file():
            return str(json.loads(read_text(path / findings.FILE))["title"])
        manifest = folder.read_manifest(path)
        told = manifest["study"] if manifest and "timing" in manifest else {}
        return str(told.get("title") or told.get("name", ""))
    except (TwinError, ValueError, KeyError, TypeError):
        return ""


def read(path: Path) -> Findings:
    """Return a finished study of a folder.

    Raises
    ------
    OutputError
        If it is none, or damaged.
    """
    if (path / findings.FILE).is_file():
        return findings.opened(path)
    return findings_of(opened(path))


def tables(found: Findings) -> bytes:
    """Return all tables of a study as a ZIP of CSV files, the same bytes for the same study."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as packed:
        for sheet in found.sheets:
            csv = sheet.frame.to_csv(index=False, lineterminator="\n")
            packed.writestr(zipfile.ZipInfo(f"{sheet.name}.csv"), csv)  # of no date
    return whole.getvalue()


# ------------------------------------------------------------------------------------------ marks
def marked(found: Findings, chart: Chart, scenario: Scenario) -> dict[str, Any] | None:
    """Return a chart with its marks, as the page's widget draws it.

    Returns
    -------
    dict or None
        ``kind`` (bars or points), ``title``, ``caption``, ``across`` and ``up`` (words of the
        axes), ``marks``: label, value, low, high, said, group, and of points ``x``, ``x_said`` and ``near``;
        ``groups``: name, mark; ``action``: what pressing a mark does. None for a chart of another
        kind, or none of whose marks leads anywhere.
    """
    data = Data(chart, found.sheet(chart.sheet)).head(MOST)
    if chart.kind not in ("bars", "points") or data.frame.empty:
        return None
    places = _places(scenario)
    moves = [move(row, scenario, places, found.changes) for row in _rows(data)]
    if not any(moves):
        return None
    value, low, high = (data.numbers(c) for c in (chart.y, chart.low, chart.high))
    names = data.texts(str(chart.label or chart.x) if chart.kind == "points" else chart.x)
    groups = data.texts(chart.group) if chart.group else [""] * len(names)
    marks = [
        {"label": names[i], "value": _plain(value[i]), "low": _plain(low[i]),
         "high": _plain(high[i]), "said": _said(data, value[i], low[i], high[i]),
         "group": groups[i], "moves": moves[i] is not None}
        for i in range(len(names))
    ]  # fmt: skip
    payload = {
        "kind": chart.kind, "title": chart.title, "caption": chart.caption,
        "up": data.words(chart.y), "marks": marks, "log": data.log, "zero": chart.zero,
        "share": data.unit(chart.y) == "share",
        "groups": [{"name": g, "mark": s.mark} for g, s in styles(data.groups()).items()],
        "action": next(m for m in moves if m).action,
    }  # fmt: skip
    if chart.kind == "points":
        across = data.across()
        payload["across"] = data.words(chart.x)
        for one, x, near in zip(marks, across, dense(across), strict=True):
            one |= {"x": _plain(x), "x_said": data.said(x, chart.x), "near": bool(near)}
    return payload


def _rows(data: Data) -> Iterator[dict[str, Any]]:
    for row in data.frame.to_dict("records"):
        yield {str(k): v for k, v in row.items()}


def picked(found: Findings, chart: Chart, index: int, scenario: Scenario) -> Move | None:
    """Return where a mark of a chart leads, by its place in :func:`marked`."""
    row = list(_rows(Data(chart, found.sheet(chart.sheet))))[index]
    return move(row, scenario, _places(scenario), found.changes)


def _plain(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None


def _said(data: Data, value: float, low: float, high: float) -> str:
    column = data.chart.y
    told = data.said(value, column)
    if np.isfinite(low) and np.isfinite(high) and low != high:
        told += f" ({data.said(low, column)} to {data.said(high, column)})"
    return told


def move(
    row: Mapping[str, Any],
    scenario: Scenario,
    places: Places,
    changes: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Move | None:
    """Return what a row of a sheet makes of a what-if; nothing if it names neither of both.

    A row names a ``place`` that is ``out`` for some periods, or a ``decoupling point``: a stage,
    or ``laptop: boards, printer: dc``, or with a ``family`` that of this one alone. ``changes`` are
    those of the study by such a label.
    """
    found = _outage(row, scenario) or _position(row, places)
    more = changes.get(str(row.get("decoupling point")), {})
    if found is None or not more or "family" in row:
        return found
    return replace(found, label=f"{found.label}, with its buffers, undisturbed", more=more)


def _outage(row: Mapping[str, Any], scenario: Scenario) -> Move | None:
    place, out = row.get("place"), row.get("out")
    if not isinstance(place, str) or not isinstance(out, int | float) or not out >= 1:
        return None
    lane = place in _lanes(scenario)
    if not lane and place not in {s.name for s in scenario.sites}:
        return None
    what: dict[str, Any] = (
        {"kind": "lane_closed", "lane": place}
        if lane
        else {"kind": "outage", "where": {"site": place}}
    )
    window = scenario.horizon - scenario.warmup
    entry = what | {
        "name": str(what["kind"]), "start": scenario.warmup + window // 4,
        "duration": int(out),
    }  # fmt: skip
    told = f"outage of {look.said(place)} for {look.plural(out, scenario.calendar.period)}"
    return Move("Try this outage", told, disruption=entry)


def _lanes(scenario: Scenario) -> set[str]:
    """Return the names of lanes, those from outside suppliers as well."""
    bought = {f"{p.supplier}->{p.site}" for p in scenario.purchases}
    return bought | {lane.name for lane in scenario.lanes}


def _places(scenario: Scenario) -> Places:
    """Return the stages where the decoupling point of each family can stand."""
    top = build(scenario)
    return {f.name: {p.stage for p in positions(top, f.name)} for f in scenario.families}


def _position(row: Mapping[str, Any], places: Places) -> Move | None:
    told = row.get("decoupling point")
    if not isinstance(told, str):
        return None
    if ": " in told:
        pairs = [part.split(": ", 1) for part in told.split(", ") if ": " in part]
    else:
        families = [row["family"]] if "family" in row else list(places)
        pairs = [[family, told] for family in families]
    chosen = {f: stage for f, stage in pairs if stage in places.get(f, set())}
    if not chosen:
        return None
    said = ", ".join(f"{look.said(f)} at {look.said(stage)}" for f, stage in chosen.items())
    return Move("Move there", f"decoupled: {said}", positions=chosen)
