"""What the charts of the page are drawn from, as small plain payloads: numbers, words, no pixels.

A payload is a mapping with ``kind`` (time, waterfall or frontier), ``title``, ``said`` (what it
shows, in words) and its numbers; or ``title`` and ``empty``: what to do so that there is something
to show. Undefined numbers are ``None``. :class:`viz.widgets.charts.ChartsWidget` draws them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twin.compare import Comparison
from twin.kpis import KPIS
from twin.money import LINES
from twin.result import Result
from twin.schema import Scenario
from twin.statistics import interval
from twin.topology import Topology
from viz import look, series
from viz.chart_parts import (
    baseline_of,
    course_of,
    decimals,
    difference,
    empty_time,
    layer_name,
    line_of,
    listed,
    numbers,
    over_time,
    plain,
    said_change,
    said_date,
    said_signed,
    said_swing,
    shade_of,
    smooth,
    total_stock,
)

SMOOTHED = {"day": 7, "week": 4}
"""Periods over which orders are averaged, so that a weekly rhythm does not hide the swing."""

SMALL = 0.02
"""Differences of cost below this share of the largest one are shown together."""

STAGES = 8
"""Most stages whose orders get a line of their own: the first and the last ones."""


def charts(comparison: Comparison) -> dict[str, dict[str, Any]]:
    """Return the charts of a what-if beside its baseline.

    Parameters
    ----------
    comparison
        Baseline and what-if, both with the series of :data:`viz.series.NEEDED`.

    Returns
    -------
    dict
        Payloads by name: ``service``, ``stock``, ``orders``, ``cost``. Those over time hold

        - ``dates`` (start, period, horizon), ``first`` (period of the first value), ``n``;
        - ``format`` (share, amount), ``unit``, ``top`` (end of the axis, or None), ``note`` (how
          to read it);
        - ``lines``: name, label, role (base, now, layer, stage, other), mode, shade, values, and
          low and high (p10, p90) where there is a band; of orders also bullwhip and
          bullwhip_before (the baseline's, or None);
        - ``difference``: mean of what-if minus baseline, and half its 95 % interval, or None;
        - ``events``: name, start, end, probability.

        ``cost`` holds ``unit`` and ``bars``: name, label, role (base, part, now), start and end of
        the bar, value, low, high, clear.
    """
    return {
        "service": _service(comparison),
        "stock": _stock(comparison),
        "orders": _orders(comparison),
        "cost": _cost(comparison),
    }


# ------------------------------------------------------------------------------------ three charts
def _service(c: Comparison) -> dict[str, Any]:
    """Return the on-time share over time."""
    b = c.b
    w, period = b.scenario.resilience.window, b.scenario.calendar.period
    title = f"On time, last {w} {period}s" if w > 1 else f"On time, each {period}"
    after = series.on_time_shares(b)
    if after is None:
        return empty_time(title, "service")
    before = baseline_of(c, series.on_time_shares(c.a))
    lines = [] if before is None else [course_of("baseline", "base", before, 4)]
    lines.append(course_of("what-if", "now", after, 4))
    middle = numbers(lines[-1]["values"])
    told = f"On time: what-if {look.share(c.b['on_time'])}"
    if before is not None:
        told += f", baseline {look.share(c.a['on_time'])}"
    if not np.isnan(middle).all():
        i = int(np.nanargmin(middle))
        when = said_date(b.scenario, b.scenario.warmup + i)
        told += f"; lowest {look.share(middle[i])} on {when}"
    return over_time(b.topology, title, lines, told) | {
        "format": "share",
        "note": _runs(b, "Median"),
        "top": 1,
        "difference": difference(before, after, 4),
    }


def _stock(c: Comparison) -> dict[str, Any]:
    """Return the stock by stage, stacked from push to pull, and its total beside the baseline's."""
    top = c.b.topology
    measure = series.measure(top)
    unit = measure.unit if measure.money else f"{measure.unit}s"
    layers = series.stock_layers(c.b)
    if layers is None:
        return empty_time("Stock by stage", "stock")
    after = total_stock(c.b)
    before = (
        baseline_of(c, total_stock(c.a))
        if series.measure(c.a.topology).unit == measure.unit
        else None
    )
    places = decimals(after)
    lines = [
        line_of(layer_name(layer, layers), "layer", layer.values, places)
        | {"mode": layer.mode, "shade": shade_of(layer, layers)}
        for layer in layers
    ]
    if before is not None:
        lines.append(line_of("baseline", "base", before.mean(axis=1), places))
    lines.append(course_of("what-if", "now", after, places) | {"label": "total"})
    lines[-1]["values"] = listed(after.mean(axis=1), places)  # the top of the stack, a mean
    most = max(layers, key=lambda layer: float(layer.values.mean()))
    told = f"Stock: {look.plural(float(after.mean()), measure.unit)} on average"
    told += said_change(before, after)
    told += f"; most of it at {look.said(most.stage)}"
    return over_time(top, "Stock by stage", lines, told) | {
        "format": "amount",
        "unit": unit,
        "note": _runs(c.b, "Mean") + _cut(layers),
        "difference": difference(before, after, places),
    }


def _runs(result: Result, what: str) -> str:
    n = result.replications
    return "One run" if n == 1 else f"{what} of {n} runs, p10–p90"


def _cut(layers: Sequence[series.Layer]) -> str:
    modes = {layer.mode for layer in layers}
    return "; push below, pull above" if {"push", "pull"} <= modes else ""


def _orders(c: Comparison) -> dict[str, Any]:
    """Return the orders of each stage as a share of their mean, and how much they are amplified."""
    b, period = c.b, c.b.scenario.calendar.period
    w = SMOOTHED[period]
    title = "Orders by stage"
    bars = series.bullwhip(b)
    if bars is None:
        return empty_time(title, "orders")
    known = {bar.name: bar.middle for bar in series.bullwhip(c.a) or []} if c.a is not b else {}
    stages = [bar for bar in bars if series.ordering_rows(b.topology, bar.name).size]
    shown = stages if len(stages) <= STAGES else [*stages[: STAGES // 2], *stages[-STAGES // 2 :]]
    values = series.stage_orders(b)
    if values is None or not shown:
        return empty_time(title, "orders")
    lines = []
    for i, bar in enumerate(shown):
        own = values[bar.name]
        level = series.mean_orders(c.a, bar.name) or float(own.mean()) or 1.0
        middle = smooth(np.median(own, axis=1) / level, w)
        line = line_of(look.said(bar.name), "stage", middle, 3)
        if i == 0 and b.replications > 1:
            band = series.course(own / level, 0)
            line |= {x: listed(smooth(getattr(band, x), w), 3) for x in ("low", "high")}
        mates = [x for x in shown if x.mode == bar.mode]
        shades = bar.mode if bar.mode in look.SHADES else "own"
        shade = look.shade(shades, mates.index(bar), len(mates) + 1)
        swing = {"bullwhip": plain(bar.middle), "bullwhip_before": plain(known.get(bar.name))}
        line["name"] = bar.name
        lines.append(line | {"mode": bar.mode, "shade": shade} | swing)
    told = f"Swing of orders, demand = 1×: {', '.join(map(said_swing, lines))}"
    about = f"{w}-{period} mean, baseline = 100 %; × swing, demand = 1×"
    return over_time(b.topology, title, lines, told) | {"format": "share", "note": about}


def _cost(c: Comparison) -> dict[str, Any]:
    """Return what the difference in running cost is made of, per period."""
    period = c.b.scenario.calendar.period
    unit = c.b.scenario.calendar.currency
    whole = _per_period(c, "running_cost")
    names = [f"{line}_cost" for line in LINES if line != "purchase"] + ["move_cost"]
    parts = [_per_period(c, name) for name in names]
    most = max((abs(x["value"]) for x in parts), default=0.0)
    large = [x for x in parts if abs(x["value"]) > SMALL * most]
    large.sort(key=lambda x: -abs(x["value"]))
    rest = whole["b"] - whole["a"] - sum(x["value"] for x in large)
    if len(large) < sum(x["value"] != 0 for x in parts):
        large.append({"name": "other", "value": rest, "low": None, "high": None, "clear": False})
    bars, at = [_end("baseline", "base", whole["a"])], whole["a"]
    for x in large:
        kept = {k: plain(x[k], 4) for k in ("value", "low", "high")}
        label = look.said(x["name"].removesuffix("_cost"))
        bars.append({"name": x["name"], "label": label, "role": "part", "clear": x["clear"],
                     "start": plain(at, 4), "end": plain(at + x["value"], 4), **kept})  # fmt: skip
        at += x["value"]
    bars.append(_end("what-if", "now", whole["b"]))
    told = f"Running cost: baseline {look.number(whole['a'])}, what-if "
    told += f"{look.plural(whole['b'], unit)} per {period}"
    if large:
        told += f"; most of the difference is {bars[1]['label']} {said_signed(large[0]['value'])}"
    return {"kind": "waterfall", "title": f"Running cost per {period}", "unit": unit,
            "note": "What the difference is made of", "bars": bars, "said": f"{told}."}  # fmt: skip


def _per_period(c: Comparison, name: str) -> dict[str, Any]:
    """Return a cost of both, per period, and their paired difference with its interval."""
    a, b = (r.values[name] / series.window(r) for r in (c.a, c.b))
    value, low, high, _ = interval(b - a, KPIS[name].extra["within"].of_difference())
    clear = bool(low > 0 or high < 0)
    return {"name": name, "a": float(a.mean()), "b": float(b.mean()), "value": value, "low": low,
            "high": high, "clear": clear}  # fmt: skip


def _end(name: str, role: str, value: float) -> dict[str, Any]:
    x = plain(value, 4)
    return {"name": name, "label": name, "role": role, "start": 0, "end": x, "value": x}


# ---------------------------------------------------------------------------------- other charts
def frontier_chart(
    rows: Sequence[Mapping[str, Any]], scenario: Scenario | None = None
) -> dict[str, Any]:
    """Return cost against on-time service of all positions.

    Parameters
    ----------
    rows
        Of :attr:`twin.frontier.Frontier.rows`, or as many as are done.
    scenario
        Whose positions they are, for the currency and the length of a period.

    Returns
    -------
    dict
        ``points`` in the order of the rows: label, cost, on_time, their ends (``cost_low`` ...),
        loss_area, suggested, current, tied (labels); ``unit``, ``period``.
    """
    title = "All positions: cost against service"
    if not rows:
        return {"kind": "frontier", "title": title, "empty": "Show all positions to compare them."}
    keys = ("cost", "on_time", "cost_low", "cost_high", "on_time_low", "on_time_high", "loss_area")
    points = [
        {"label": look.said(row["label"]), **{k: plain(row.get(k), 6) for k in keys},
         "suggested": bool(row["suggested"]), "current": bool(row["current"]),
         "tied": [look.said(x) for x in row["tied"]]}
        for row in rows
    ]  # fmt: skip
    unit, period = ("", "period") if scenario is None else (
        scenario.calendar.currency, scenario.calendar.period)  # fmt: skip
    told = [_position(p, unit) for p in points]
    return {"kind": "frontier", "title": title, "points": points, "unit": unit, "period": period,
            "said": f"Positions by cost per {period} and on-time share: {'; '.join(told)}."}  # fmt: skip


def _position(p: Mapping[str, Any], unit: str) -> str:
    marks = ", ".join(name for name in ("current", "suggested") if p[name])
    cost, share = (math.nan if p[k] is None else p[k] for k in ("cost", "on_time"))
    told = f"{p['label']} {look.number(cost)} {unit}".rstrip() + f", {look.share(share)}"
    return f"{told} ({marks})" if marks else told


def story_chart(
    chart: Mapping[str, Any], topology: Topology | None = None
) -> dict[str, dict[str, Any]]:
    """Return the small charts of one site.

    Parameters
    ----------
    chart
        ``charts`` of :func:`viz.story.story`, or what :func:`viz.story.site_series` returns.
    topology
        Of the what-if, for the dates and the disruptions.

    Returns
    -------
    dict
        Payloads over time as of :func:`charts`, as far as there are data: ``stock`` (before and
        after), ``books`` (record and truth) and ``forecast`` (forecast and demand).
    """
    shown = {
        "stock": ("Stock", ("before", "baseline", "base"), ("after", "what-if", "now")),
        "books": ("Books and truth", ("truth", "truth", "now"), ("record", "books", "other")),
        "forecast": ("Forecast and demand", ("demand", "demand", "base"),
                     ("forecast", "forecast", "now")),
    }  # fmt: skip
    found = {}
    for name, (title, *parts) in shown.items():
        data = chart.get(name)
        if not data:
            continue
        lines = [_given(data[key], label, role) for key, label, role in parts if data.get(key)]
        means = (f"{x['label']} {look.number(float(np.mean(numbers(x['values']))))}" for x in lines)
        told = f"{title}, mean: {', '.join(means)} {chart['unit']}"
        found[name] = over_time(topology, title, lines, told, t=chart["t"]) | {
            "format": "amount",
            "unit": chart["unit"],
        }
    return found


def _given(values: Any, label: str, role: str) -> dict[str, Any]:
    """Return a line of a site's story, with its band if it has one."""
    course = values if isinstance(values, Mapping) else {"middle": values}
    line = {"name": label, "label": label, "role": role, "values": course["middle"]}
    return line | {x: course[x] for x in ("low", "high") if x in course}
