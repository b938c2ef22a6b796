"""Marks of a study: what of its charts and tables leads back into a what-if.

A mark is a bar or a point of a chart, or a row of a table: a place that was out becomes an outage, a
position becomes that of the decoupling point, what an optimisation chose is taken over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from twin.decoupling import positions
from twin.edits import apply
from twin.errors import TwinError
from twin.schema import Scenario
from twin.study.findings import Chart, Findings, Sheet
from twin.topology import build
from viz import look
from viz.study_charts_parts import QUIET, Data, dense, styles

MOST = {"bars": 40, "points": 250}
"""Most marks of one chart, by its kind."""

Places = Mapping[str, set[str]]
"""Stages where the decoupling point of each family can stand."""


@dataclass(frozen=True)
class Move:
    """Where a mark leads: what pressing it does, words for undo, and a disruption or positions.

    Studies leave the scenario's own disruptions out, and so does what is made of them. ``more`` are
    the changes of the study besides the positions: its buffers. ``chosen`` are those of an
    optimisation, which has the disruptions as they are.
    """

    action: str
    label: str
    disruption: Mapping[str, Any] | None = None
    positions: Mapping[str, str] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    chosen: Mapping[str, Any] | None = None

    def after(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the changes of a what-if with those of this move made last.

        A list that the move gives as a whole takes the place of all earlier changes of the list.
        """
        new = self.changes()
        kept = {k: v for k, v in changes.items() if not {k, _section(k)} & set(new)}
        return {**kept, **new}

    def changes(self) -> dict[str, Any]:
        """Return the changes of a what-if by dotted key."""
        if self.chosen is not None:
            return dict(self.chosen)
        if self.disruption is not None:
            return {"disruptions": [dict(self.disruption)]}
        chosen = (self.positions or {}).items()
        moved = {f"families.{f}.decoupling_point": stage for f, stage in chosen}
        return moved | ({**self.more, "disruptions": []} if self.more else {})


def _section(key: str) -> str:
    """Return the section of a scenario that a dotted key leads into."""
    return re.split(r"[.\[]", key, maxsplit=1)[0]


def marked(found: Findings, chart: Chart, scenario: Scenario) -> dict[str, Any] | None:
    """Return a chart with its marks, as the page's widget draws it.

    Returns
    -------
    dict or None
        ``kind`` (bars or points), ``title``, ``caption``, ``across`` and ``up`` (words of the
        axes), ``marks``: label, value, low, high, said, group, and of points ``x``, ``x_said`` and ``near``;
        ``groups``: name, mark, quiet; ``action``: what pressing a mark does. None for a chart of another
        kind, or none of whose marks leads anywhere.
    """
    sheet = found.sheet(chart.sheet)
    data = Data(chart, sheet).head(MOST.get(chart.kind, 0))
    if data.frame.empty:
        return None
    places = _places(scenario)
    moves = [move(row, scenario, places, found.changes) for row in _rows(data.sheet)]
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
        "kind": chart.kind, "title": chart.title, "caption": _caption(data, sheet),
        "up": data.words(chart.y), "marks": marks, "log": data.log, "zero": chart.zero,
        "share": data.unit(chart.y) == "share",
        "groups": [
            {"name": g, "mark": s.mark, "quiet": g.lower() in QUIET}
            for g, s in styles(data.groups()).items()
        ],
        "action": next(m for m in moves if m).action,
    }  # fmt: skip
    if chart.kind == "points":
        across = data.across()
        payload["across"] = data.words(chart.x)
        for one, x, near in zip(marks, across, dense(across), strict=True):
            one |= {"x": _plain(x), "x_said": data.said(x, chart.x), "near": bool(near)}
    return payload


def _caption(data: Data, sheet: Sheet) -> str:
    """Return the caption of a chart, and how many rows it shows if not all."""
    shown, n = len(data.frame), len(sheet.frame)
    return " ".join(
        filter(None, (data.chart.caption, f"The first {shown} of {n:,}." if shown < n else ""))
    )


def _rows(sheet: Sheet) -> Iterator[dict[str, Any]]:
    for row in sheet.frame.to_dict("records"):
        yield {str(k): v for k, v in row.items()}


def picked(found: Findings, sheet: Sheet, index: int, scenario: Scenario) -> Move | None:
    """Return where a row of a sheet leads, which is the mark of that number in its charts."""
    row = list(_rows(sheet))[index]
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
    """Return what a row of a sheet makes of a what-if; nothing if it names nothing of it.

    A row names a ``place`` that is ``out`` for some periods, or a ``decoupling point``: a stage,
    or ``laptop: boards, printer: dc``, or with a ``family`` that of this one alone, or a
    ``finalist`` of an optimisation of a ``scenario``. ``changes`` are those of the study by such a label.
    """
    if "finalist" in row:
        return _taken_over(row, scenario, changes)
    found = _outage(row, scenario) or _position(row, places)
    more = changes.get(str(row.get("decoupling point")), {})
    if found is None or not more or "family" in row:
        return found
    return replace(found, label=f"{found.label}, with its buffers, undisturbed", more=more)


def _taken_over(
    row: Mapping[str, Any], scenario: Scenario, changes: Mapping[str, Mapping[str, Any]]
) -> Move | None:
    chosen = changes.get(str(row["finalist"]))
    if chosen is None or row["scenario"] != scenario.name:
        return None
    try:
        apply(scenario, chosen)
    except TwinError:  # what it would change is gone
        return None
    return Move("Take over", f"optimised: {row['finalist']}", chosen=chosen)


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
