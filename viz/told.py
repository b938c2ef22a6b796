"""The list 'what changed': changes of a scenario in words, before and after."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic.fields import FieldInfo

from twin.edits import APPEND, apply
from twin.errors import ScenarioError
from twin.explain import policy_words
from twin.result import words
from twin.schema import Disruption, Forecast, LeadTime, Model, Policy, Scenario, StockRule
from twin.schema_walk import keys_of, model_in
from twin.topology import Topology, build
from viz import look
from viz.control_values import extra
from viz.controls import SECTIONS, label_of
from viz.edits import STOCK, plain

NONE = "–"
Row = dict[str, str]
"""``key`` (as :func:`viz.edits.reset` takes it), ``label``, ``before`` and ``after``."""


def told(scenario: Scenario, changes: Mapping[str, Any]) -> list[Row]:
    """Return what changes do to a scenario, in words; what ends as it was is left out.

    Raises
    ------
    ScenarioError
        If the scenario does not take the changes.
    """
    changed = apply(scenario, changes)
    found: list[Row] = []
    for key, value in changes.items():
        if key == STOCK:
            found += _rules(build(scenario), changed, value)
        elif key == "disruptions":
            found += _events(scenario, changed)
        elif key == "stock":
            found += _policies(scenario, changed)
        elif key.endswith(APPEND):
            found += _added(changed, changes, key.removesuffix(APPEND), value)
        else:
            found.append(_value(scenario, changed, key))
    return [row for row in found if row["before"] != row["after"]]


# -------------------------------------------------------------------------------- single values
def _value(scenario: Scenario, changed: Scenario, key: str) -> Row:
    """Return one changed value."""
    place, field, after = find(changed, key)
    try:
        before = find(scenario, key)[2]
    except (ScenarioError, IndexError):
        before = None  # of something that another change added
    unit = words(extra(field).get("unit", ""), scenario) if field is not None else ""
    unit = "share" if key.startswith("adoption.") else unit
    return {"key": key, "label": place, "before": said(before, unit), "after": said(after, unit)}


def find(scenario: Scenario, key: str) -> tuple[str, FieldInfo | None, Any]:
    """Return the label of what a dotted key names, its declaration and its value.

    Raises
    ------
    ScenarioError
        If the key leads nowhere.
    """
    word = re.match(r"[^.\[]+", key)
    section, rest = (word.group(), key[word.end() :]) if word else ("", key)
    here: Any = scenario
    place, steps = "", [section, *[s for s in rest.split(".") if s]]
    if section in SECTIONS.values():
        entries = getattr(scenario, section)
        n, name, left = _entry(entries, rest, key)
        here, place = entries[n], _called(section, entries[n], name)
        steps = [s for s in left.split(".") if s]
    elif section == "adoption":
        steps = [section, rest.removeprefix(".")]
    field: FieldInfo | None = None
    names: list[str] = []
    for step in steps:
        if isinstance(here, Mapping):
            here, place = here.get(step), look.said(step)
            continue
        model = type(here) if isinstance(here, Model) else field and model_in(field.annotation)
        field = keys_of(model).get(step) if model else None
        if field is None:
            msg = f"'{key}' leads nowhere in scenario '{scenario.name}'; check '{step}'"
            raise ScenarioError(msg)
        own = next(n for n, f in model.model_fields.items() if (f.alias or n) == step)
        here = getattr(here, own) if here is not None else None
        names.append(own)
    heads = len(names) > 1 and names[-1] in ("value", "mean", "kind")
    label = label_of(names[-2] if heads else names[-1]) if names else place
    return f"{label}, {place}" if place and names else label, field, here


def _entry(entries: Sequence[Any], rest: str, key: str) -> tuple[int, str, str]:
    """Return position, name and what is left of the key of a list's entry."""
    numbered = re.match(r"\[(-?\d+)\]", rest)
    if numbered:
        n = int(numbered.group(1))
        if not -len(entries) <= n < len(entries):
            msg = f"'{key}': there are {len(entries)} entries"
            raise ScenarioError(msg)
        return n, _name(entries[n]), rest[numbered.end() :]
    text = rest.removeprefix(".")
    fits = [
        (len(_name(e)), n)
        for n, e in enumerate(entries)
        if text.startswith(_name(e)) and text[len(_name(e)) :][:1] in ("", ".")
    ]
    if not fits:
        msg = f"'{key}' names no entry of this scenario"
        raise ScenarioError(msg)
    length, n = max(fits)
    return n, _name(entries[n]), text[length:]


def _name(entry: Any) -> str:
    """Return what an entry of a list is called in a key."""
    if getattr(entry, "name", None):
        return str(entry.name)
    return f"{entry.site}/{entry.item}" if getattr(entry, "item", None) else _site(entry)


def _site(entry: Any) -> str:
    return str(getattr(entry, "site", None) or getattr(entry, "kind", "") or entry.family)


def _called(section: str, entry: Any, name: str) -> str:
    """Return an entry in words: ``lane a → b``, ``demand at europe``."""
    kind = {s: k for k, s in SECTIONS.items()}[section]
    shown = look.said(name).replace("->", " → ").replace("/", ", ")
    if section == "demand" and entry.item is None:
        shown += f" ({look.listed(list(entry.variants or {}))})"
    return shown if section in ("sites", "families", "items") else f"{kind} {shown}"


def said(value: Any, unit: str = "") -> str:
    """Return a value with its unit in words."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        if unit.startswith("share"):
            return look.share(value) + unit.removeprefix("share")
        unit = unit.removesuffix("s") if abs(value) == 1 else unit
        return f"{look.number(value)}\N{NO-BREAK SPACE}{unit}".strip("\N{NO-BREAK SPACE}")
    if isinstance(value, LeadTime):
        number = value.value if value.value is not None else value.mean
        return said(number, unit) if number is not None else f"drawn ({value.kind})"
    if isinstance(value, Policy):
        return policy_words(value)
    if isinstance(value, Model):
        return ", ".join(f"{look.said(k)} {said(v)}" for k, v in plain_of(value).items())
    if isinstance(value, Mapping):
        return ", ".join(f"{look.said(str(k))} {said(v)}" for k, v in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(said(v) for v in value) or "none"
    return look.said(str(value))


def plain_of(value: Model) -> dict[str, Any]:
    """Return what a model says that is not a default."""
    return value.model_dump(mode="json", by_alias=True, exclude_defaults=True)


# --------------------------------------------------------------------------------- stock points
def _rules(top: Topology, changed: Scenario, rules: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield the settings of stock points that rules of their own change."""
    known = {s.name for s in top.scenario.sites}
    for rule in rules:
        where = rule.get("where", {})
        if where.get("site") not in known:
            continue  # told with its new site
        name = f"{where.get('site')}/{where.get('item')}"
        point = top.points[top.row_of[name]] if name in top.row_of else None
        for part, value in rule.items():
            if part != "where":
                old = None if point is None else getattr(point.settings, part)
                yield from _setting(changed, name, part, old, value)


def _policies(scenario: Scenario, changed: Scenario) -> Iterator[Row]:
    """Yield the policies that new stock rules change, once for all alike stock points of a stage."""
    old = {p.name: p.settings.policy for p in build(scenario).points}
    found: dict[tuple[str, ...], None] = {}
    for point in build(changed).points:
        before, after = old.get(point.name), point.settings.policy
        for field, declared in Policy.model_fields.items():
            values = [getattr(policy, field, None) for policy in (before, after)]
            if values[0] != values[1]:
                unit = words(extra(declared).get("unit", ""), changed)
                told = (said(value, unit) for value in values)
                found[(f"{label_of(field)}, {look.said(point.stage)}", *told)] = None
    for label, *texts in found:
        yield {"key": "stock", "label": label, "before": texts[0], "after": texts[1]}


def _setting(changed: Scenario, name: str, part: str, old: Any, new: Any) -> Iterator[Row]:
    """Yield the fields in which a setting of a stock point differs."""
    key, place = f"{STOCK}/{name}", look.said(name).replace("/", ", ")
    model = {"policy": Policy, "forecast": Forecast}.get(part)
    if model is None or old is None:
        label = f"{label_of(part)}, {place}"
        unit = words(extra(StockRule.model_fields[part]).get("unit", ""), changed)
        yield {"key": key, "label": label, "before": said(old, unit), "after": said(new, unit)}
        return
    before, after = plain(old), dict(new)
    if before["kind"] != after.get("kind", before["kind"]):
        texts = [said(m) for m in (old, model.model_validate(new))]
        label = f"{label_of(part)}, {place}"
        yield {"key": key, "label": label, "before": texts[0], "after": texts[1]}
        return
    for field in dict.fromkeys([*before, *after]):
        declared = model.model_fields[field]
        unit = words(extra(declared).get("unit", ""), changed)
        texts = [said(d.get(field, declared.default), unit) for d in (before, after)]
        label = f"{label_of(field)}, {place}"
        yield {"key": key, "label": label, "before": texts[0], "after": texts[1]}


# ------------------------------------------------------------------------------------ additions
def _added(
    changed: Scenario, changes: Mapping[str, Any], section: str, entries: Sequence[Any]
) -> Iterator[Row]:
    """Yield what is new; what belongs to a new site is told with it."""
    new = {s["name"] for s in changes.get("sites" + APPEND, [])}
    for n, entry in enumerate(entries):
        if section == "sourcing" or new & {entry.get(k) for k in ("site", "from", "to")}:
            continue  # follows from a new source
        name = entry.get("name") or _ends(entry)
        kind = "lane" if section == "lanes" else section.removesuffix("s")
        shown = look.said(name or entry.get("kind", str(n + 1))).replace("->", " → ")
        after = _site_words(changed, name) if section == "sites" else _entry_words(changed, entry)
        if section == "disruptions":
            after = event_words(Disruption.model_validate(entry), changed.calendar.period)
        key = f"{section}{APPEND}/{name}" if name else section + APPEND
        yield {"key": key, "label": f"New {kind} {shown}", "before": NONE, "after": after}


def _ends(entry: Mapping[str, Any]) -> str:
    if "from" in entry:
        return f"{entry['from']}->{entry['to']}"
    return f"{entry['supplier']}->{entry['site']}" if "supplier" in entry else ""


def _entry_words(changed: Scenario, entry: Mapping[str, Any]) -> str:
    lead = entry.get("lead_time")
    parts = [said(entry["item"])] if "item" in entry else []
    if lead is not None:
        parts.append("lead time " + said(LeadTime.model_validate(lead), words("periods", changed)))
    return ", ".join(parts) or said(entry)


def _site_words(changed: Scenario, name: str) -> str:
    to = sorted({lane.to for lane in changed.lanes if lane.source == name})
    items = [p.item for p in changed.purchases if p.site == name]
    text = f"supplies {look.listed(to)}" if to else "supplies nobody yet"
    return text + (f" with {look.listed(items)}" if items else "")


# ----------------------------------------------------------------------------------- disruptions
def _events(scenario: Scenario, changed: Scenario) -> Iterator[Row]:
    """Yield disruptions that are new, gone or different."""
    before, after = _named(scenario.disruptions), _named(changed.disruptions)
    period = scenario.calendar.period
    for name in dict.fromkeys([*before, *after]):
        texts = [
            NONE if name not in found else event_words(found[name], period)
            for found in (before, after)
        ]
        event = after.get(name, before.get(name))
        label = look.said(event.name or event.kind)
        if event.name and event.kind not in event.name:
            label += f" ({look.said(event.kind)})"
        yield {"key": "disruptions", "label": label[0].upper() + label[1:], "before": texts[0],
               "after": texts[1]}  # fmt: skip


def _named(events: Sequence[Disruption]) -> dict[str, Disruption]:
    """Return disruptions by name, nameless ones by their kind and number of that kind."""
    found: dict[str, Disruption] = {}
    for event in events:
        n = sum(e.kind == event.kind and e.name is None for e in found.values())
        found[event.name or f"{event.kind} #{n}"] = event
    return found


def event_words(event: Disruption, period: str) -> str:
    """Return when a disruption happens, what it hits and how hard."""
    parts = [f"{period} {event.start} to {event.start + event.duration}"]
    if event.after:
        parts = [f"{look.plural(event.duration, period)} after {look.said(event.after)}"]
    if event.probability == 0:
        parts.append("switched off")
    elif event.probability < 1:
        parts.append(f"chance {look.share(event.probability)}")
    parts += [f"strength {look.share(event.severity)}"] if event.severity < 1 else []
    parts += [f"factor {look.number(event.factor)}"] if event.factor is not None else []
    parts += [f"recovery over {look.plural(event.ramp, period)}"] if event.ramp else []
    hit = {**plain_of(event.where), "lane": event.lane, "family": event.family}
    parts += [said(v).replace("->", " → ") for v in hit.values() if v is not None]
    return ", ".join(parts)
