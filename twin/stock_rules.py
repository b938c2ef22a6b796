"""Which settings a stock point ends up with, after all rules that match it."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass

from twin.memory import remembered
from twin.names import is_wild, matches
from twin.schema import Forecast, Item, Policy, Scenario, Site, StockRule, Where
from twin.schema.behaviour import AllocationRule


@dataclass(frozen=True)
class Settings:
    """The settled rules of one stock point; rates are per unit and period."""

    policy: Policy
    forecast: Forecast
    initial_stock: float | None
    initial_in_transit: float | list[float] | None
    initial_orders: float | None
    holding_cost: float
    backlog_cost: float
    allocation: AllocationRule
    customers_first: bool
    shrink: float
    misplacement: float
    scan_error: float


def selects(where: Where, site: Site, item: Item, role: str) -> bool:
    """Return whether a pattern selects the stock point of an item at a site.

    What a pattern leaves open is not even looked up: this is asked of every rule and stock point.
    """
    return (
        (where.site is None or matches(site.name, where.site))
        and (where.item is None or matches(item.name, where.item))
        and (where.kind is None or matches(site.kind, where.kind))
        and (where.stage is None or matches(site.stage or site.kind, where.stage))
        and (where.owner is None or matches(site.who, where.owner))
        and (where.family is None or matches(item.family, where.family))
        and (where.role is None or matches(role, where.role))
    )


@remembered(4)
def _rules_at(scenario: Scenario) -> dict[str | None, list[StockRule]]:
    """Return the rules that may hold at each site, in their order; of all other sites by ``None``.

    Scenarios with a rule per stock point would else try each rule on each of them.
    """
    sites = [_only_site(rule.where) for rule in scenario.stock]
    found: dict[str | None, list[StockRule]] = {None: []}
    for site, rule in zip(sites, scenario.stock, strict=True):
        if site is None:
            for rules in found.values():
                rules.append(rule)
        else:
            found.setdefault(site, [*found[None]]).append(rule)
    return found


def alike(a: Scenario, b: Scenario) -> Callable[[str], bool]:
    """Return whether two scenarios have the same rules at a site, as a function of its name.

    The same entries, that is; what else the outcome rests on is the site, the item and its role.
    """
    if a.costs != b.costs or a.calendar != b.calendar:
        return lambda site: False
    here, there = _rules_at(a), _rules_at(b)

    @functools.cache
    def same(site: str) -> bool:
        one, other = here.get(site, here[None]), there.get(site, there[None])
        return len(one) == len(other) and all(map(operator.is_, one, other))

    return same


def _only_site(where: Where) -> str | None:
    """Return the one site that a pattern can select, if it names one."""
    return where.site if isinstance(where.site, str) and not is_wild(where.site) else None


def resolve(scenario: Scenario, site: Site, item: Item, role: str) -> Settings:
    """Settle all rules of a scenario for one stock point; later rules win, field by field.

    A component held for production keeps no stock (base stock 0) unless a rule says more.
    """
    given: dict[str, object] = {}
    for rule in _rules_at(scenario).get(site.name, _rules_at(scenario)[None]):
        if selects(rule.where, site, item, role):
            given |= {name: value for name, value in rule if value is not None and name != "where"}
    policy = given.get("policy") or (Policy(level=0.0) if role == "component" else Policy())
    per_year = scenario.calendar.periods_per_year
    holding = given.get("holding_cost", item.value * scenario.costs.capital_rate / per_year)
    return Settings(
        policy=policy,  # type: ignore[arg-type]
        forecast=given.get("forecast") or Forecast(),  # type: ignore[arg-type]
        initial_stock=given.get("initial_stock"),  # type: ignore[arg-type]
        initial_in_transit=given.get("initial_in_transit"),  # type: ignore[arg-type]
        initial_orders=given.get("initial_orders"),  # type: ignore[arg-type]
        holding_cost=float(holding),  # type: ignore[arg-type]
        backlog_cost=float(given.get("backlog_cost", 0.0)),  # type: ignore[arg-type]
        allocation=given.get("allocation", "proportional"),  # type: ignore[arg-type]
        customers_first=bool(given.get("customers_first", False)),
        shrink=float(given.get("shrink", 0.0)),  # type: ignore[arg-type]
        misplacement=float(given.get("misplacement", 0.0)),  # type: ignore[arg-type]
        scan_error=float(given.get("scan_error", 0.0)),  # type: ignore[arg-type]
    )
