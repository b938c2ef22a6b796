"""What goes wrong: entries of the timeline made, moved and resized, and the bars that show them.

An entry is a plain dict as under ``disruptions`` of a scenario file; nothing here changes one in
place. What exists and what it can hit is in :mod:`viz.break_kinds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError

import twin
from twin.compile.events import place_devices, plan_events
from twin.disruptions import DISRUPTIONS
from twin.errors import ScenarioError, TwinError
from twin.names import nearest
from twin.problems import show
from twin.schema import Disruption, Scenario, Where
from twin.topology import build
from viz import look, series
from viz.break_kinds import ALL, ONCE, SHARP, field_of, fields, kinds, targets, title

__all__ = [
    "bars", "changed", "covid_wave", "edited", "fields", "kinds", "moved", "new", "resized",
    "targets", "title", "unique", "without",
]  # fmt: skip

Entry = dict[str, Any]
"""A disruption as in a scenario file."""

LENGTH = {"day": 30, "week": 4}
"""Periods that a new disruption lasts."""

FACTOR = 2.0
"""Multiplier of a new disruption of a kind that needs one."""

SEVERITY = (0.9, 0.5)
"""Share of the first and of the last stage that a COVID wave closes."""

REBOUND = 1.4
"""Multiplier of demand after a COVID wave."""

JOIN = {"outage": " of ", "mix_shift": " of ", "dispatch_stop": " to ", "lead_time_stretch": ": ",
        "lane_closed": ": ", "demand_change": ": "}  # fmt: skip
"""What stands between a kind and its target; `` at `` for all others."""

OF = {"stage": "the {} stage", "kind": "every {}", "owner": "all of {}"}
"""Words around what a field of ``where`` names; others need none."""


# --------------------------------------------------------------------------------------- one entry
def new(
    scenario: Scenario, kind: str, target: str | None = None, start: int | None = None
) -> Entry:
    """Return a new entry that can be appended to the disruptions of a scenario.

    Parameters
    ----------
    scenario
        As it is now, its disruptions included: the name is one they do not have.
    kind
        A registered kind.
    target
        Id of a choice of :func:`targets`, or the bare name of a site, lane ...; default: one that
        matters (the busiest supplier fails, all customers want more).
    start
        First period; default: a third into the measured window.

    Raises
    ------
    ScenarioError
        If the kind can hit nothing here, or not this target.
    """
    found = targets(scenario, kind)
    if found["why"]:
        msg = f"'{title(kind)}' has nothing to hit in '{scenario.name}': {found['why']}"
        raise ScenarioError(msg)
    window = scenario.horizon - scenario.warmup
    entry = {
        "kind": kind,
        "name": unique(kind, [d.name for d in scenario.disruptions]),
        "start": scenario.warmup + window // 3 if start is None else start,
        **_aimed(scenario, kind, found["choices"], target)["sets"],
    }
    if kind not in ONCE:
        entry["duration"] = max(1, min(LENGTH[scenario.calendar.period], window // 3))
    if DISRUPTIONS[kind].extra.get("needs_factor"):
        entry["factor"] = FACTOR
    return {name: value for name, value in entry.items() if value != {}}


def _aimed(
    scenario: Scenario, kind: str, choices: Sequence[dict[str, Any]], target: str | None
) -> dict[str, Any]:
    if target is None:
        return _most(scenario, kind, choices)
    sites_win = sorted(choices, key=lambda c: c["id"].startswith("site:"))
    by_name = {c["id"].partition(":")[2]: c for c in sites_win} | {c["id"]: c for c in choices}
    if target not in by_name:
        msg = f"'{title(kind)}' cannot hit {show(target)}; {nearest(target, by_name)}"
        raise ScenarioError(msg)
    return by_name[target]


def _most(scenario: Scenario, kind: str, choices: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return all customers or devices, the busiest supplier for an outage, else the busiest."""
    hits = DISRUPTIONS[kind].extra["hits"]
    if hits in ("sinks", "devices"):
        return choices[0]
    single = [c for c in choices if c["group"] not in ("everything", "stages")]
    top = build(scenario)
    if kind == "outage":
        first = next(s for s in top.stages() if any(p.stage == s for p in top.points))
        near = {p.site.name for p in top.points if p.stage == first}
    else:
        mode = series.modes(top)  # what is made to order has no stock to lose
        near = {p.site.name for p in top.points if mode[p.index] != "pull"}
    held = [c for c in single if c["group"] != "sites" or c["id"].partition(":")[2] in near]
    return max(held or single, key=lambda c: c["size"])


def unique(name: str, taken: Iterable[str | None]) -> str:
    """Return a name that is not taken: ``outage``, ``outage_2`` ..."""
    known = set(taken)
    tries = (name if n == 1 else f"{name}_{n}" for n in range(1, len(known) + 2))
    return next(n for n in tries if n not in known)


def moved(entry: Mapping[str, Any], start: int) -> Entry:
    """Return an entry that starts at another period (after the end of ``after``, if given)."""
    return changed(entry, "start", _inside("start", start))


def resized(entry: Mapping[str, Any], duration: int, ramp: int | None = None) -> Entry:
    """Return an entry that lasts, and recovers over, other numbers of periods."""
    found = changed(entry, "duration", max(1, _inside("duration", duration)))
    return found if ramp is None else changed(found, "ramp", _inside("ramp", ramp))


def changed(entry: Mapping[str, Any], field: str, value: Any) -> Entry:
    """Return an entry with another value of a field, left out where it is the schema's default.

    Raises
    ------
    ScenarioError
        If the kind has no such field, or the schema does not allow the value.
    """
    kind = entry["kind"]
    allowed = [*fields(kind), "duration", "ramp"]
    if field not in allowed:
        msg = f"'{title(kind)}' has no field {show(field)}; {nearest(field, allowed)}"
        raise ScenarioError(msg)
    info = Disruption.model_fields[field]
    try:
        Disruption.model_validate({"kind": kind, field: value})
    except ValidationError as error:
        text = error.errors()[0]["msg"]
        msg = f"{field} = {show(value)} of '{title(kind)}' ({info.description}): {text}"
        raise ScenarioError(msg) from error
    found = {name: v for name, v in entry.items() if name != field}
    empty = value == {} or value == info.get_default(call_default_factory=True)
    return found if empty else {**found, field: value}


def _inside(field: str, value: float) -> int:
    """Return a whole number within the schema's range of a field."""
    about = field_of(DISRUPTIONS["outage"], field)
    return int(min(max(round(value), about["low"]), about["high"]))


# --------------------------------------------------------------------------------- several entries
def edited(entries: Sequence[Entry], edit: Mapping[str, Any]) -> list[Entry]:
    """Return the entries after a bar was dragged, from the timeline's ``edit``.

    Parameters
    ----------
    entries
        Disruptions of a scenario.
    edit
        ``index``, ``start`` (as in the entry), ``duration`` and ``ramp``.
    """
    found = [dict(e) for e in entries]
    entry = found[edit["index"]]
    entry = moved(entry, edit["start"])
    if entry["kind"] not in ONCE:
        ramp = None if entry["kind"] in SHARP else edit["ramp"]
        entry = resized(entry, edit["duration"], ramp)
    found[edit["index"]] = entry
    return found


def without(entries: Sequence[Entry], i: int) -> list[Entry]:
    """Return the entries without the ``i``-th; what came after it stays where it was."""
    gone = entries[i]
    length = gone.get("start", 0) + gone.get("duration", 1)
    found = []
    for n, entry in enumerate(entries):
        kept = dict(entry)
        if n == i:
            continue
        if gone.get("name") is not None and kept.get("after") == gone["name"]:
            kept = {k: v for k, v in kept.items() if k != "after"}
            kept["start"] = kept.get("start", 0) + length
            if gone.get("after") is not None:
                kept["after"] = gone["after"]
        found.append(kept)
    return found


def covid_wave(scenario: Scenario) -> list[Entry]:
    """Return closures that roll from the first stage to the last, then a rebound of demand.

    The length follows the measured window, at most 45 days a stage; further down less is closed.
    """
    top = build(scenario)
    stages = [s for s in top.stages() if any(p.stage == s for p in top.points)]
    window = scenario.horizon - scenario.warmup
    longest = 45 if scenario.calendar.period == "day" else 6
    length = max(1, min(longest, round(0.12 * window)))
    steps = max(1, len(stages) - 1)
    lag = max(1, min(length // 2, round(0.3 * window / steps)))
    begin = scenario.warmup + window // 6
    names = [d.name for d in scenario.disruptions]
    found: list[Entry] = []
    for n, stage in enumerate(stages):
        share = SEVERITY[0] + (SEVERITY[1] - SEVERITY[0]) * n / steps
        names.append(unique(f"wave_{stage}"[:70], names))
        found.append(
            {"kind": "outage", "name": names[-1], "where": {"stage": stage},
             "start": begin + n * lag, "duration": length, "ramp": length // 3,
             "severity": round(share, 2)}
        )  # fmt: skip
    rebound = {
        "kind": "demand_change", "name": unique("wave_rebound", names), "factor": REBOUND,
        "start": begin + (len(stages) - 1) * lag + length + length // 3,
        "duration": length + length // 2, "ramp": length // 2,
    }  # fmt: skip
    return [_lean(e) for e in (*found, rebound)]


def _lean(entry: Entry) -> Entry:
    """Leave out what is the schema's default."""
    default = Disruption(kind=entry["kind"]).model_dump()
    return {k: v for k, v in entry.items() if k == "kind" or v != default[k]}


# -------------------------------------------------------------------------------------------- bars
def bars(scenario: Scenario, entries: Sequence[Entry] | None = None) -> list[dict[str, Any]]:
    """Return the bars of the timeline, one for each entry and in the same order.

    Parameters
    ----------
    scenario
        The network, with its disruptions.
    entries
        Other disruptions, which need not be right; default: the scenario's.

    Returns
    -------
    list
        ``index``, ``kind``, ``name``, ``title`` (``Outage``), ``target`` (``chip foundry``),
        ``label`` (``Outage of chip foundry``), ``start`` (after the chain is resolved), ``base``
        (what of it is the end of ``after``), ``duration``, ``ramp``, ``end``,
        ``lasts`` (what a chain counts, also for kinds that strike once), ``strength`` (``80 %``, ``× 2`` or
        empty), ``spoken`` (the same in words), ``probability``, ``after``, ``once`` (cannot be resized), ``ramps``
        (has a recovery), ``valid`` and ``note`` (why not, or what is odd about it).
    """
    if entries is None:
        return _bars(scenario)
    try:
        return _bars(twin.apply(scenario, {"disruptions": list(entries)}))
    except TwinError as error:
        why = [_refusal(scenario, e) for e in entries]
        if not any(why):
            why = [str(error) if e.get("after") else "" for e in entries]
        return [_rough(i, e, w) for i, (e, w) in enumerate(zip(entries, why, strict=True))]


def _bars(scenario: Scenario) -> list[dict[str, Any]]:
    top = build(scenario)
    devices = place_devices(top)
    plan = plan_events(top, devices, sorted({n for e in top.links for n, _, _ in e.limits}))
    starts = plan.draw(1, 0, scenario.seed).start
    hit = np.diff(plan.columns["target_off"])
    at = {id(d): n for n, d in enumerate(plan.events)}
    found = []
    for i, d in enumerate(scenario.disruptions):
        n = at[id(d)]
        note = _oddity(scenario, d, int(starts[n]), int(hit[n]))
        found.append(_bar(i, d, int(starts[n]), note))
    return found


def _bar(i: int, d: Disruption, start: int, note: str, valid: bool = True) -> dict[str, Any]:
    target = aim(d)
    duration = 1 if d.kind in ONCE else d.duration
    ramp = 0 if d.kind in SHARP else d.ramp
    short, long = [], []
    if d.factor is not None:
        short.append(f"×\N{NO-BREAK SPACE}{look.number(d.factor)}")
        long.append(f"factor {look.number(d.factor)}")
    if d.severity < 1:
        short.append(look.share(d.severity))
        long.append(f"{look.share(d.severity)} affected")
    return {
        "index": i, "kind": d.kind, "name": d.name or "", "title": title(d.kind),
        "target": target, "label": f"{title(d.kind)}{JOIN.get(d.kind, ' at ')}{target}",
        "start": start, "base": start - d.start, "duration": duration, "ramp": ramp,
        "end": start + duration, "strength": ", ".join(short), "spoken": ", ".join(long), "probability": d.probability,
        "lasts": d.duration, "after": d.after or "", "once": d.kind in ONCE, "ramps": d.kind not in SHARP,
        "valid": valid, "note": note,
    }  # fmt: skip


def aim(d: Disruption) -> str:
    """Return in words what a disruption is aimed at: ``chip foundry``, ``all customers``."""
    hits = DISRUPTIONS[d.kind].extra["hits"] if d.kind in DISRUPTIONS else ""
    if hits == "lanes":
        lanes = [d.lane] if isinstance(d.lane, str) else d.lane or ["*"]
        return ALL["lanes"] if lanes == ["*"] else look.listed(lanes).replace("->", " → ")
    if d.resource is not None:
        return look.listed([d.resource] if isinstance(d.resource, str) else d.resource)
    if d.family is not None:
        return look.said(d.family)
    found = []
    for name in Where.model_fields:
        value = getattr(d.where, name)
        if value is not None:
            words = look.listed([value] if isinstance(value, str) else value)
            found.append(OF.get(name, "{}").format(words))
    return ", ".join(found) or ALL.get(hits, "every site")


def _oddity(scenario: Scenario, d: Disruption, start: int, hit: int) -> str:
    """Return why a disruption that is allowed does nothing or little, empty if it does."""
    period = scenario.calendar.period
    if not hit:
        return "hits nothing here: choose another target"
    if start >= scenario.horizon:
        return f"starts after the last {period} ({scenario.horizon - 1}): move it to the left"
    if d.probability == 0:
        return "switched off (probability 0)"
    if d.severity == 0 or d.factor == 1:
        what = "severity 0" if d.severity == 0 else "factor 1"
        return f"changes nothing ({what})"
    if start + d.duration + d.ramp <= scenario.warmup:
        return "over before the measured time begins"
    return ""


def _refusal(scenario: Scenario, entry: Entry) -> str:
    """Return why an entry alone is refused, empty if it is not."""
    alone = {k: v for k, v in entry.items() if k != "after"}
    try:
        twin.apply(scenario, {"disruptions": [alone]})
    except TwinError as error:
        return str(error).replace("disruptions[0].", "").replace("disruptions[0]: ", "")
    return ""


def _rough(i: int, entry: Entry, why: str) -> dict[str, Any]:
    """Return the bar of an entry in a list that is refused: what of it the schema allows."""
    kept: Entry = {"kind": str(entry.get("kind"))}
    for name, value in entry.items():
        try:
            Disruption.model_validate(kept | {name: value})
        except ValidationError:
            continue
        kept[name] = value
    d = Disruption.model_validate(kept)
    return _bar(i, d, d.start, why, valid=not why) | {"after": ""}
