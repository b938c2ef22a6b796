"""Settings of the stock points -> parameter columns, first forecasts and opening levels."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twin import decoupling, policies
from twin.arrays import SEES, THETA, Error, Floats, Table, Theta
from twin.compile.columns import flags, floats, forms_of, ints, offsets
from twin.distributions import demand_moments
from twin.memory import Made
from twin.policies import LOT_RULES, POLICIES
from twin.schema import Policy
from twin.topology import Link, Topology

FROM_FORECAST = ("cover", "lead", "lead_variance", "forecast_smoothing", "error_smoothing")
"""Columns of theta that only forecast-driven policies read."""


@dataclass(frozen=True)
class Forecasts:
    """First forecast and error variance of every row, in units per period."""

    mean: Floats
    variance: Floats


def first_forecasts(top: Topology, made: Made | None = None) -> Forecasts:
    """Explode mean demand and its variance up the network (season and trend left out).

    Parameters
    ----------
    top
        The network.
    made
        What was made for a network like this one.
    """
    made = made or Made()
    yields = made.each("yields", top.links, lambda e: top.links[e].yield_)
    row, sink, units = made("weights", (top.shape, yields), lambda: demand_weights(top))
    moments = made.each("moments", top.sinks, lambda s: demand_moments(top.sinks[s].demand))
    given = made("given forecasts", (top.points,), lambda: _given_forecasts(top))
    per_sink = np.array(moments, float).reshape(len(top.sinks), 2)[sink]
    found = []
    for worth, moment, own in zip((units, units * units), per_sink.T, given, strict=True):
        # one after the other, as Python adds
        total = np.bincount(row, worth * moment, len(top.points)).astype(float)
        found.append(np.where(np.isnan(own), total, own))
    return Forecasts(*found)


def _given_forecasts(top: Topology) -> Table:
    """Return the forecasts and error variances that the scenario gives, else NaN, ``(2, n)``."""
    rules = [p.settings.forecast for p in top.points]
    return np.array([
        [np.nan if f.initial is None else f.initial for f in rules],
        [np.nan if f.initial_error is None else f.initial_error**2 for f in rules],
    ])  # fmt: skip


def demand_weights(top: Topology) -> tuple[Any, Any, Floats]:
    """Return how many units of a row a unit of a sink below it takes: rows, sinks and units."""
    weights: list[dict[int, float]] = []
    for p in top.points:  # downstream first
        mine = dict.fromkeys(top.sinks_of[p.index], 1.0)
        for e, usage in top.out_links[p.index]:
            link = top.links[e]
            w = usage * link.share / link.yield_
            for s, v in weights[link.to].items():
                mine[s] = mine.get(s, 0.0) + w * v
        weights.append(mine)
    rows = [row for row, mine in enumerate(weights) for _ in mine]
    return (
        ints(rows),
        ints(s for mine in weights for s in mine),
        floats(v for mine in weights for v in mine.values()),
    )


def protection(top: Topology, row: int) -> tuple[float, float]:
    """Return mean lead time + information delay of a row's longest link, and its variance."""
    return longest(lead_of(top.links[e]) for e in top.in_links[row])


def lead_of(link: Link) -> tuple[float, float]:
    """Return mean lead time + information delay of a link, and its variance."""
    mean, variance = link.lead_moments
    return mean + link.delay, variance


def longest(leads: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return the longest of some links' :func:`lead_of`; of none: 0."""
    return max(leads, default=(0.0, 0.0))


def opening_level(
    policy: Policy, mean: float, variance: float, lead: float, spread: float
) -> float:
    """Return the stock a policy starts with (docs/physics.md, section 2)."""

    def target(interval: float) -> float:
        if policy.safety_stock is not None:
            return mean * interval + policy.safety_stock
        return mean * interval + policy.safety_factor * math.sqrt(
            max(0.0, interval * variance + mean * mean * spread)
        )

    cover = policy.cover if policy.cover is not None else lead + policy.review - 1
    if policy.kind == "base_stock":
        return policy.level if policy.level is not None else target(cover)
    if policy.kind in ("s_S", "r_Q"):
        point = policy.reorder_point if policy.reorder_point is not None else target(cover)
        if policy.kind == "s_S" and policy.level is not None:
            return policy.level
        return point + (policy.lot or 0.0)
    if policy.kind == "kanban":
        return (policy.cards or 0.0) * (policy.lot or 0.0)
    if policy.kind == "human":
        return policy.level or 0.0
    if policy.kind in ("mrp", "push_plan"):
        span = lead + policy.review - 1
        return mean * lead + (target(span) - mean * span)
    return 0.0


def used_columns(top: Topology) -> set[str]:
    """Names of the policy parameters that some row's policy reads."""
    used: set[str] = set()
    for p in top.points:
        used |= set(POLICIES[p.settings.policy.kind].uses)
        if p.settings.policy.forced_until > 0:
            used |= {"forced_order"}
        if policies.needs_forecast(p.settings.policy):
            used |= {"forecast"}
    return used


def policy_columns(top: Topology) -> dict[str, Floats]:
    """Return the parameters that the rules of the rows give; NaN: from the forecast."""
    policy = [vars(p.settings.policy) for p in top.points]
    forecast = [p.settings.forecast for p in top.points]
    names = [name for name in Theta._fields if name in Policy.model_fields]
    columns = {
        name: floats(np.nan if p[name] is None else p[name] for p in policy) for name in names
    }
    return columns | {
        "forecast_smoothing": floats(f.smoothing for f in forecast),
        "error_smoothing": floats(f.error_smoothing for f in forecast),
    }


def theta_columns(
    top: Topology,
    given: Mapping[str, Floats],
    cover: Sequence[tuple[float, float]],
    used: Collection[str],
) -> tuple[Table, Any]:
    """Return the distinct sets of float parameters and which one each row has.

    The table is ``(columns, sets)``; columns after the last used one are left out.

    Parameters
    ----------
    top
        The network.
    given, cover, used
        :func:`policy_columns`, :func:`protection` of each row and :func:`used_columns`.
    """
    names = {*used, *FROM_FORECAST} if "forecast" in used else used
    last = max((getattr(THETA, n) for n in names if n in Theta._fields), default=-1)
    if last < 0:  # order-driven rows alone need none
        return np.empty((0, 1)), np.zeros(len(top.points), np.int32)
    lead, spread = floats(c[0] for c in cover), floats(c[1] for c in cover)
    review = floats(p.settings.policy.review for p in top.points)
    wanted = given["cover"]
    columns = {
        **given,
        "cover": np.where(np.isnan(wanted), lead + review - 1, wanted),
        "lead": lead,
        "lead_variance": spread,
    }
    return forms_of([columns[name] for name in Theta._fields[: last + 1]])


def rule_columns(top: Topology) -> dict[str, Any]:
    """Return the columns of ``NetRow`` and ``RowForm`` that come from the rules of the rows.

    ``ring_off`` counts from the rows' first slot and ends with their number.
    """
    settings = [p.settings for p in top.points]
    policy = [s.policy for s in settings]
    windows = [
        s.forecast.window
        if s.forecast.kind == "moving_average" and policies.needs_forecast(s.policy)
        else 0
        for s in settings
    ]
    ages = [0 if s.forecast.sees == "orders" else s.forecast.age for s in settings]
    plans = [s.policy.review if s.policy.kind in ("mrp", "push_plan") else 0 for s in settings]
    lives = [p.item.shelf_life or 0 for p in top.points]
    sizes = np.array([windows, ages, plans, [v + 1 if v else 0 for v in lives]])
    begins = np.cumsum(sizes, axis=0)
    return {
        "review": ints(p.review for p in policy),
        "phase": ints(p.phase for p in policy),
        "forced_until": ints(p.forced_until for p in policy),
        "lot_rule": flags(LOT_RULES.index(p.lot_rule) for p in policy),
        "lot_periods": ints(p.lot_periods for p in policy),
        "window": ints(windows),
        "sees": flags(SEES.index(s.forecast.sees) for s in settings),
        "age": ints(ages),
        "shelf_life": ints(lives),
        "age_at": ints(begins[0]),
        "plan_at": ints(begins[1]),
        "shelf_at": ints(begins[2]),
        "ring_off": offsets(begins[3]),
    }


@dataclass(frozen=True)
class Lines:
    """Rows downstream of each CONWIP row, with their worth in its units; empty without any."""

    line_off: Any
    line_row: Any
    line_weight: Floats


def lines(top: Topology) -> Lines:
    """Return what the lines with a work-in-progress cap consist of."""
    capped = [p.settings.policy.kind == "conwip" for p in top.points]
    below = [downstream(top, i) if x else {} for i, x in enumerate(capped)]
    return Lines(
        offsets(len(x) for x in below) if any(capped) else ints(()),
        ints(row for x in below for row in x),
        floats(weight for x in below for weight in x.values()),
    )


def driven_now(top: Topology) -> Any:
    """Return whether every row lies below its family's decoupling point, ``(n,)``."""
    positions = {f.name: f.decoupling_point for f in top.scenario.families}
    driven = decoupling.order_driven_rows(top, positions)
    return np.array([i in driven for i in range(len(top.points))], dtype=bool)


def book_errors(top: Topology) -> Table:
    """Return what makes books wrong, ``(columns, n)``."""
    rates = [[getattr(p.settings, name) for p in top.points] for name in Error._fields]
    return np.array(rates, dtype=np.float64).reshape(len(Error._fields), len(top.points))


def downstream(top: Topology, row: int) -> dict[int, float]:
    """Return every row below ``row`` with its worth in units of ``row``."""
    worth = {row: 1.0}
    for i in range(row, -1, -1):  # rows are sorted downstream first
        if i not in worth:
            continue
        for e, usage in top.out_links[i]:
            link = top.links[e]
            # one unit there holds usage / yield units from here, if it comes this way
            units = worth[i] * usage * link.share / link.yield_
            worth[link.to] = worth.get(link.to, 0.0) + units
    del worth[row]
    return dict(sorted(worth.items()))
