"""Units, demand, policies, forecasters and devices."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from twin.checks.references import missing
from twin.problems import Path, Problem, show
from twin.schema import Model, Policy, Scenario

EVERY_POLICY = {"kind", "forced_order", "forced_until"}
NEEDS = {
    "r_Q": ("lot",),
    "kanban": ("cards", "lot"),
    "conwip": ("wip_cap",),
    "human": ("level",),
}
"""Policy parameters that have neither a default nor a forecast to follow."""


def registry(module: str, name: str) -> Mapping[str, Any]:
    """Return a registry of the engine; only now, because it brings the compiler along."""
    found: Mapping[str, Any] = getattr(importlib.import_module(f"twin.{module}"), name)
    return found


def units_match(scenario: Scenario) -> Iterator[Problem]:
    """Require that bills of material and demand are given in the items' own units."""
    unit = {i.name: i.unit for i in scenario.items}
    for n, p in enumerate(scenario.production):
        for m, given in enumerate(p.inputs):
            path: Path = ("production", n, "inputs", m, "unit")
            yield from _unit(path, given.unit, given.item, unit)
    for n, d in enumerate(scenario.demand):
        for item in d.items:
            yield from _unit(("demand", n, "unit"), d.unit, item, unit)


def _unit(path: Path, given: str | None, item: str, unit: Mapping[str, str]) -> Iterator[Problem]:
    own = unit.get(item, given)
    if given is not None and given != own:
        text = f"= {show(given)}; '{item}' is counted in '{own}', convert the numbers to it"
        yield Problem(path, text)


def demand_is_recorded_long_enough(scenario: Scenario) -> Iterator[Problem]:
    """Require that recorded demand covers the horizon."""
    for n, d in enumerate(scenario.demand):
        if d.values is not None and len(d.values) < scenario.horizon:
            text = (
                f"= {len(d.values)} numbers, but horizon = {scenario.horizon} periods; give one "
                "number for each period or shorten the horizon"
            )
            yield Problem(("demand", n, "values"), text)


def one_demand_per_customer(scenario: Scenario) -> Iterator[Problem]:
    """Require that each customer class of a stock point has one demand."""
    seen: dict[tuple[str, str, str], int] = {}
    for n, d in enumerate(scenario.demand):
        for item in d.items:
            first = seen.setdefault((d.site, item, d.customer), n)
            if first != n:
                text = (
                    f"= {show(d.customer)}; demand[{first}] has this customer for "
                    f"'{d.site}/{item}' already, give each its own 'customer' name"
                )
                yield Problem(("demand", n, "customer"), text)
                break


def weekly_season_has_days(scenario: Scenario) -> Iterator[Problem]:
    """Require that a pattern over the days of the week comes with daily periods."""
    for n, d in enumerate(scenario.demand):
        if d.season.weekly is not None and scenario.calendar.period != "day":
            text = (
                f"needs daily periods, but calendar.period = '{scenario.calendar.period}'; remove "
                "it, or make the periods days"
            )
            yield Problem(("demand", n, "season", "weekly"), text)


def policies_are_known(scenario: Scenario) -> Iterator[Problem]:
    """Require that policies are registered, and get the parameters that they use and no others."""
    known = registry("policies", "POLICIES")
    uses = {kind: {*entry.uses, *EVERY_POLICY} for kind, entry in known.items()}
    for n, rule in enumerate(scenario.stock):
        policy, path = rule.policy, ("stock", n, "policy")
        if policy is None:
            continue
        if policy.kind not in known:
            yield missing((*path, "kind"), "policy", policy.kind, known)
            continue
        yield from _unused(path, policy, uses[policy.kind])
        for name in _needs(policy):
            if getattr(policy, name) is None:
                text = f"policy '{policy.kind}' needs '{name}' ({_meaning(policy, name)}); add it"
                yield Problem(path, text)


def levels_are_in_order(scenario: Scenario) -> Iterator[Problem]:
    """Require that an order-up-to level lies above the reorder point."""
    for n, rule in enumerate(scenario.stock):
        policy = rule.policy
        if policy is None or policy.kind != "s_S":
            continue
        s, top = policy.reorder_point, policy.level
        if s is not None and top is not None and top <= s:
            text = f"= {top:g} does not lie above reorder_point = {s:g}; raise it"
            yield Problem(("stock", n, "policy", "level"), text)


def breaks_are_in_order(scenario: Scenario) -> Iterator[Problem]:
    """Require that price breaks rise in quantity and do not rise in price."""
    for n, purchase in enumerate(scenario.purchases):
        found = purchase.breaks
        for a, b in itertools.pairwise(found):
            if b.quantity <= a.quantity or b.price > a.price:
                text = (
                    f"from {b.quantity:g} units at {b.price:g} follows {a.quantity:g} at "
                    f"{a.price:g}; quantities must rise and prices must not"
                )
                yield Problem(("purchases", n, "breaks"), text)


def _needs(policy: Policy) -> tuple[str, ...]:
    if policy.kind == "s_S" and policy.level is None:
        return ("lot",)
    if policy.kind == "mrp" and policy.lot_rule == "fixed":
        return ("lot",)
    return NEEDS.get(policy.kind, ())


def forecasters_are_known(scenario: Scenario) -> Iterator[Problem]:
    """Require that forecaster kinds are registered, and get only parameters that they use."""
    known = registry("forecasters", "FORECASTERS")
    for n, rule in enumerate(scenario.stock):
        forecast, path = rule.forecast, ("stock", n, "forecast")
        if forecast is not None and forecast.kind not in known:
            yield missing((*path, "kind"), "forecaster", forecast.kind, known)
        elif forecast is not None:
            yield from _unused(path, forecast, {*known[forecast.kind].uses, "kind"})


def devices_are_known(scenario: Scenario) -> Iterator[Problem]:
    """Require that device kinds are registered."""
    if not scenario.devices:
        return
    known = registry("devices", "DEVICES")
    for n, device in enumerate(scenario.devices):
        if device.kind not in known:
            yield missing(("devices", n, "kind"), "device", device.kind, known)


def _unused(path: Path, given: Model, used: set[str]) -> Iterator[Problem]:
    """Yield the parameters that are set and that this kind does not read."""
    kind = getattr(given, "kind")  # noqa: B009 - every model here has one
    extra = given.model_fields_set - used
    for name in [x for x in type(given).model_fields if x in extra] if extra else ():
        field = type(given).model_fields[name]
        if getattr(given, name) != field.get_default(call_default_factory=True):
            text = (
                f"= {show(getattr(given, name))}; '{kind}' does not use it, remove it "
                f"('{kind}' uses {', '.join(sorted(used - {'kind'}))})"
            )
            yield Problem((*path, name), text)


def _meaning(model: Model, name: str) -> str:
    return type(model).model_fields[name].description or ""


CHECKS = [
    units_match,
    demand_is_recorded_long_enough,
    one_demand_per_customer,
    weekly_season_has_days,
    policies_are_known,
    levels_are_in_order,
    breaks_are_in_order,
    forecasters_are_known,
    devices_are_known,
]
