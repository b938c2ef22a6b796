"""The controls of a selected thing, generated from the schema, and what setting one changes.

A *thing* is named ``kind:name``: ``site:dc_asia``, ``stock:dc_asia/printer_a``, ``lane:a->b``,
``item:memory``, ``family:laptop``, ``production:board_fab/board_a``; lists whose entries have no
name of their own go by position: ``purchase:0``, ``demand:2``, ``device:1`` ...; ``scenario``,
``calendar``, ``costs``, ``resilience`` and ``adoption`` stand alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic.fields import FieldInfo

from twin.compile.events import rows_where
from twin.compile.rules import first_forecasts, opening_level, protection
from twin.disruptions import DISRUPTIONS
from twin.distributions import lead_time_moments
from twin.errors import ScenarioError
from twin.forecasters import FORECASTERS
from twin.names import nearest
from twin.policies import POLICIES, needs_forecast
from twin.result import words
from twin.schema import (
    Demand,
    Disruption,
    LeadTime,
    Model,
    Scenario,
    StockRule,
    Where,
)
from twin.schema_walk import model_in, parts, takes
from twin.topology import StockPoint, Topology, build
from viz import look
from viz.control_values import above, choices, extra, limits, stand_in
from viz.edits import STOCK, append, reset, set_stock, set_value

SECTIONS = {
    "site": "sites", "lane": "lanes", "item": "items", "family": "families",
    "production": "production", "purchase": "purchases", "resource": "resources",
    "sourcing": "sourcing", "demand": "demand", "device": "devices",
    "disruption": "disruptions", "move": "moves",
}  # fmt: skip
"""Kinds of things that are entries of a list of the scenario."""

GENERAL = ("calendar", "costs", "resilience")

__all__ = [
    "Control", "append", "controls", "policy_choices", "prefix", "put", "reset", "set_stock",
    "set_value", "things", "things_at",
]  # fmt: skip

Kind = Literal["slider", "number", "choice", "switch", "text"]

_BY_POSITION = {"purchase", "sourcing", "demand", "device", "disruption", "move"}
_FIXED = {
    "name", "title", "description", "unit", "supplier", "customer", "family", "after", "item",
    "items", "lane", "resource",
}  # fmt: skip
"""Words that name a thing or tie it to others: no control moves them."""

_OF_KIND = {
    Demand: {"kind", "mean", "sd", "cv", "variance_to_mean", "probability"},
    LeadTime: {"kind", "value", "mean", "cv"},
}
"""Parameters that exist for some kinds only; the kind itself needs all of them at once."""

_LABELS = {
    "sd": "Standard deviation", "cv": "Relative spread", "lot": "Lot size", "level": "Level",
    "review": "Time between reviews", "wip_cap": "Most work in progress", "mean": "Mean",
    "value": "Value", "yield": "Yield",
}  # fmt: skip


@dataclass(frozen=True)
class Control:
    """One parameter of a thing, as the side panel shows it.

    Attributes
    ----------
    key
        Where the value goes, as :func:`twin.edits.apply` takes it.
    label, hint, unit
        Planner's words, the schema's meaning, and the unit in the scenario's words.
    value
        As given, none where the scenario is silent.
    effective
        What holds now: the value, or what stands in for it; none if only a run can tell.
    default
        Of the schema.
    low, high
        Smallest and largest valid number, none without a limit.
    slider, step
        Range and step of a slider; the range reaches at least to what holds now.
    kind
        Which control fits.
    choices
        (value, words) of a choice.
    group
        Heading in the panel.
    place, field
        Stock point (site, item) and ``policy.level`` ..., where the key only adds rules.
    """

    key: str
    label: str
    hint: str
    unit: str
    value: Any
    effective: Any
    default: Any
    kind: Kind
    low: float | None = None
    high: float | None = None
    slider: tuple[float, float] | None = None
    step: float | None = None
    choices: tuple[tuple[Any, str], ...] = ()
    group: str = ""
    place: tuple[str, str] | None = None
    field: str = ""


# ------------------------------------------------------------------------------------- things
def things(where: Scenario | Topology) -> list[str]:
    """Return every thing that has controls."""
    top = _network(where)
    found = ["scenario", *GENERAL, *(["adoption"] if top.scenario.devices else [])]
    for kind, section in SECTIONS.items():
        found += [f"{kind}:{name}" for name in _entries(top.scenario, kind, section)]
    return found + [f"stock:{p.name}" for p in top.points]


def things_at(where: Scenario | Topology, site: str) -> list[str]:
    """Return the things that stand at a site or lead into it, the site first."""
    top = _network(where)
    s = top.scenario
    found = [f"site:{site}"] + [f"stock:{p.name}" for p in top.points if p.site.name == site]
    found += [f"lane:{lane.name}" for lane in s.lanes if lane.to == site]
    for kind in ("production", "purchase", "resource", "demand", "sourcing"):
        entries = _entries(s, kind, SECTIONS[kind])
        found += [f"{kind}:{name}" for name, e in entries.items() if e.site == site]
    return found


def _entries(scenario: Scenario, kind: str, section: str) -> dict[str, Model]:
    """Return the entries of a section by the name that a thing has."""
    entries = getattr(scenario, section)
    if kind in _BY_POSITION:
        return {str(n): e for n, e in enumerate(entries)}
    if kind == "production":
        return {f"{e.site}/{e.item}": e for e in entries}
    names = [e.name for e in entries]
    # two lanes between the same sites carry different items; only their positions differ
    return {
        (str(n) if names.count(name) > 1 else name): e
        for n, (name, e) in enumerate(zip(names, entries, strict=True))
    }


def prefix(kind: str, name: str) -> str:
    """Return how keys of an entry begin: ``lanes.a->b``, ``purchases[2]``."""
    section = SECTIONS[kind]
    by_position = kind in _BY_POSITION or (kind == "lane" and name.isdigit())
    return f"{section}[{name}]" if by_position else f"{section}.{name}"


def _network(where: Scenario | Topology) -> Topology:
    return where if isinstance(where, Topology) else build(where)


# ----------------------------------------------------------------------------------- controls
def controls(where: Scenario | Topology, thing: str) -> list[Control]:
    """Return the controls of a thing.

    Parameters
    ----------
    where
        The scenario as it is now (the what-if), or its network, which is faster.
    thing
        ``kind:name``, see :func:`things`.

    Raises
    ------
    ScenarioError
        If there is no such thing.
    """
    top = _network(where)
    kind, _, name = thing.partition(":")
    if thing in GENERAL:
        return list(_of_model(top, getattr(top.scenario, thing), f"{thing}."))
    if thing == "scenario":
        return list(_of_model(top, top.scenario, ""))
    if thing == "adoption":
        return _adoption(top)
    if kind == "stock":
        site, _, item = name.partition("/")
        return _of_stock(top, top.points[top.row(site, item)])
    if kind not in SECTIONS:
        known = nearest(kind, [*SECTIONS, *GENERAL, "stock", "scenario", "adoption"])
        msg = f"no kind of thing '{kind}'; {known}"
        raise ScenarioError(msg)
    entries = _entries(top.scenario, kind, SECTIONS[kind])
    if name not in entries:
        msg = f"no {kind} '{name}' in scenario '{top.scenario.name}'; {nearest(name, entries)}"
        raise ScenarioError(msg)
    entry = entries[name]
    only = None
    if isinstance(entry, Disruption):
        only = {"start", "duration", "ramp", "probability", *DISRUPTIONS[entry.kind].uses}
    return list(_of_model(top, entry, prefix(kind, name) + ".", only))


def _of_model(
    top: Topology, entry: Model, start: str, only: set[str] | None = None, group: str = ""
) -> Iterator[Control]:
    """Yield the controls of an entry's parameters and of the models inside it."""
    for name, field in type(entry).model_fields.items():
        kinds = _OF_KIND.get(type(entry), set())
        if name in _FIXED or (only is not None and name not in only):
            continue
        if name in kinds and (name == "kind" or getattr(entry, name) is None):
            continue
        value, key = getattr(entry, name), start + (field.alias or name)
        inner = model_in(field.annotation)
        if isinstance(value, LeadTime) and value.values is not None:
            yield _drawn_lead_time(top, key, value, field)
        elif inner is not None:
            if isinstance(value, Model) and not isinstance(value, Where) and start:
                yield from _of_model(top, value, key + ".", group=label_of(name))
        elif (made := _control(top, entry, name, field, key)) is not None:
            heads = group and name in ("kind", "value", "mean")
            yield replace(made, group=group, label=group if heads else made.label)


def _control(top: Topology, entry: Model, name: str, field: FieldInfo, key: str) -> Control | None:
    """Return the control of one parameter; none where only a file can hold it."""
    value = getattr(entry, name)
    options = choices(top, entry, name, field)
    kind = _kind(field, options, value)
    if kind is None:
        return None
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    effective = stand_in(top, entry, name) if value is None else value
    made = Control(
        key, label_of(field.alias or name), field.description or "",
        words(extra(field).get("unit", ""), top.scenario), value, effective, default, kind,
        choices=options,
    )  # fmt: skip
    return _ranged(made, field) if kind in ("slider", "number") else made


def _kind(field: FieldInfo, options: Sequence[Any], value: Any) -> Kind | None:
    """Return which control fits a parameter."""
    if takes(field.annotation, bool):
        return "switch"
    if options:
        return "choice"
    if isinstance(value, list | tuple | dict):
        return None
    if takes(field.annotation, int) or takes(field.annotation, float):
        return "slider" if "slider" in extra(field) else "number"
    plain = any(getattr(p, "__name__", "") in ("str", "date") for p in parts(field.annotation))
    return "text" if plain and not field.is_required() else None


def _ranged(made: Control, field: FieldInfo) -> Control:
    """Return the control of a number with its limits, its slider's range and its step."""
    low, high, slider, step = limits(field, made.effective)
    return replace(made, low=low, high=high, slider=slider, step=step)


def label_of(name: str) -> str:
    """Return the name of a parameter in planner's words."""
    said = _LABELS.get(name.rstrip("_")) or look.said(name.rstrip("_"))
    return said[0].upper() + said[1:]


def _drawn_lead_time(top: Topology, key: str, lead: LeadTime, field: FieldInfo) -> Control:
    """Return the control of a lead time that is drawn from a list: a number replaces the list."""
    mean = round(lead_time_moments(lead)[0], 2)
    hint = f"{field.description}; now {lead.kind}, a number here makes it the same every time"
    unit = words("periods", top.scenario)
    made = Control(key, label_of("lead_time"), hint, unit, None, mean, None, "slider")
    return _ranged(made, LeadTime.model_fields["value"])


def _adoption(top: Topology) -> list[Control]:
    """Return the share of its devices that each owner uses."""
    s = top.scenario
    owners = {
        d.owner or top.points[i].site.who for d in s.devices for i in rows_where(top, d.where)
    }
    hint = Scenario.model_fields["adoption"].description or ""
    return [
        Control(f"adoption.{o}", look.said(o), hint, "share", s.adoption.get(o),
                s.adoption.get(o, 1.0), 1.0, "slider", 0.0, 1.0, (0.0, 1.0), 0.05)
        for o in sorted(owners)
    ]  # fmt: skip


# ------------------------------------------------------------------------------- stock points
def policy_choices() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return every ordering policy: its words and the parameters that it uses."""
    return {kind: (e.title, e.uses) for kind, e in POLICIES.items()}


def _of_stock(top: Topology, point: StockPoint) -> list[Control]:
    """Return the controls of a stock point; setting one adds a rule for it alone."""
    policy, forecast = point.settings.policy, point.settings.forecast
    uses = {"kind", *POLICIES[policy.kind].uses}
    found = list(_of_model(top, policy, "policy.", uses, "Policy"))
    if needs_forecast(policy):
        sees = {"kind", *FORECASTERS[forecast.kind].uses}
        found += _of_model(top, forecast, "forecast.", sees, "Forecast")
    settled = StockRule.model_construct(
        **{n: getattr(point.settings, n) for n in StockRule.model_fields if n != "where"},
        where=Where(),
    )
    rest = set(StockRule.model_fields) - {"where", "policy", "forecast"}
    found += _of_model(top, settled, "", rest, "Stock")
    computed = _computed(top, point)
    place = (point.site.name, point.item.name)
    return [
        _widened(replace(c, key=STOCK, field=c.key, place=place), computed.get(c.key))
        for c in found
    ]


def _computed(top: Topology, point: StockPoint) -> dict[str, float]:
    """Return what holds for parameters that come from the forecast, at its first value."""
    forecasts, i, policy = first_forecasts(top), point.index, point.settings.policy
    lead, spread = protection(top, i)
    level = opening_level(
        policy, float(forecasts.mean[i]), float(forecasts.variance[i]), lead, spread
    )
    found = {"policy.cover": lead + policy.review - 1, "policy.level": level}
    if policy.kind in ("s_S", "r_Q"):
        found["policy.reorder_point"] = level - (policy.lot or 0.0)
    return found


def _widened(made: Control, effective: float | None) -> Control:
    """Return a control with what holds now, within its slider."""
    if made.value is not None or effective is None:
        return made
    slider = made.slider
    if slider is not None and effective > slider[1]:
        slider = (slider[0], above(effective))
    return replace(made, effective=round(effective, 2), slider=slider)


# ------------------------------------------------------------------------------------ changes
def put(
    scenario: Scenario, changes: Mapping[str, Any], control: Control, value: Any
) -> dict[str, Any]:
    """Return the changes with a control set to a value (of any thing)."""
    if control.place is not None:
        return set_stock(scenario, changes, *control.place, control.field, value)
    return set_value(changes, control.key, value)
