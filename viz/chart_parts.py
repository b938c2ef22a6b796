"""What the charts of the page have in common: lines, bands, differences, dates, words."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from twin.compare import Comparison
from twin.result import Result
from twin.schema import Scenario
from twin.statistics import quantile
from twin.sums import Floats, ratio
from twin.topology import Topology
from viz import look, series

RECORD = "This answer kept no {what} over time. Run it with record=viz.series.NEEDED."


def over_time(
    topology: Topology | None,
    title: str,
    lines: list[dict[str, Any]],
    told: str,
    t: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Return what all charts over time have in common."""
    n = len(lines[0]["values"])
    found: dict[str, Any] = {"kind": "time", "title": title, "unit": "", "top": None,
                             "lines": lines, "n": n, "said": f"{told}.", "difference": None}  # fmt: skip
    if topology is None:
        return found | {"dates": None, "first": t[0] if t else 0, "events": []}
    s = topology.scenario
    dates = {"start": s.calendar.start.isoformat(), "period": s.calendar.period,
             "horizon": s.horizon}  # fmt: skip
    return found | {"dates": dates, "first": s.warmup, "events": events(topology)}


def events(topology: Topology) -> list[dict[str, Any]]:
    """Return the disruptions and moves that fall into the measured window."""
    first, last = topology.scenario.warmup, topology.scenario.horizon
    return [
        {"name": e.name, "start": max(e.start, first), "end": min(e.end, last),
         "probability": e.probability}
        for e in series.events(topology)
        if e.start < last and (e.end > first or e.start >= first)
    ]  # fmt: skip


def said_date(scenario: Scenario, t: int) -> str:
    """Return the date of a period in words: ``30 May 2026``."""
    days = 7 if scenario.calendar.period == "week" else 1
    d = scenario.calendar.start + dt.timedelta(days=days * t)
    return f"{d.day} {d:%B} {d.year}"


def empty_time(title: str, what: str) -> dict[str, Any]:
    """Return a chart without the series that it is drawn from."""
    return {"kind": "time", "title": title, "empty": RECORD.format(what=what)}


def total_stock(result: Result) -> Floats | None:
    """Return the worth of all stock over the measured window, ``(T, R)``."""
    if "rows.on_hand" not in result.series:
        return None
    data = result.series["rows.on_hand"][result.scenario.warmup :]
    found: Floats = np.matmul(series.measure(result.topology).weight, data)
    return found


def baseline_of(c: Comparison, values: Floats | None) -> Floats | None:
    """Return the baseline's ``(T, R)`` in the periods of the what-if; NaN where it has none."""
    if c.a is c.b or values is None:
        return None
    a, b = c.a.scenario, c.b.scenario
    if (a.warmup, a.horizon) == (b.warmup, b.horizon):
        return values
    found = np.full((b.horizon - b.warmup, values.shape[1]), np.nan)
    first, last = max(a.warmup, b.warmup), min(a.horizon, b.horizon)
    if first < last:
        found[first - b.warmup : last - b.warmup] = values[first - a.warmup : last - a.warmup]
    return found


def difference(before: Floats | None, after: Floats, places: int) -> dict[str, Any] | None:
    """Return mean and half width of the paired 95 % interval in each period."""
    if before is None or before.shape != after.shape:
        return None
    d = after - before
    known = ~np.isnan(d)
    n = known.sum(axis=1).astype(float)
    mean = ratio(np.where(known, d, 0.0).sum(axis=1), n)
    spread = np.where(known, (d - mean[:, None]) ** 2, 0.0).sum(axis=1)
    t = {k: quantile(k - 1) if k > 1 else math.nan for k in set(n.tolist())}
    half = np.array([t[k] for k in n.tolist()]) * np.sqrt(ratio(spread, (n - 1) * n))
    return {"mean": listed(mean, places), "half": listed(half, places)}


def said_change(before: Floats | None, after: Floats) -> str:
    """Return in words how far a mean lies from the baseline's."""
    if before is None or not np.nanmean(before) > 0:
        return ""
    change = float(after.mean() / np.nanmean(before) - 1)
    return f", {look.share(abs(change))} {'more' if change >= 0 else 'less'} than the baseline"


def line_of(label: str, role: str, values: Floats, places: int) -> dict[str, Any]:
    """Return a line without a band."""
    return {"name": label, "label": label, "role": role, "values": listed(values, places)}


def course_of(label: str, role: str, values: Floats, places: int) -> dict[str, Any]:
    """Return a median line with its band; a single replication has none."""
    found = series.course(values, 0)
    line = line_of(label, role, found.middle, places)
    if values.shape[1] == 1:
        return line
    return line | {"low": listed(found.low, places), "high": listed(found.high, places)}


def layer_name(layer: series.Layer, layers: Iterable[series.Layer]) -> str:
    """Return a stage's name, with the mode where it has two."""
    twice = sum(x.stage == layer.stage for x in layers) > 1
    return look.said(layer.stage) + (f" {layer.mode}" if twice else "")


def shade_of(layer: series.Layer, layers: Sequence[series.Layer]) -> str:
    """Return the colour of a layer among those of its mode."""
    mates = [x for x in layers if x.mode == layer.mode]
    return look.shade(layer.mode, mates.index(layer), len(mates))


def said_swing(line: Mapping[str, Any]) -> str:
    """Return a stage's bullwhip in words."""
    now, before = line["bullwhip"], line["bullwhip_before"]
    if now is None:
        return f"{line['label']} none"
    told = f"{line['label']} {look.times(now)}"
    return told if before is None else f"{told} (baseline {look.times(before)})"


def smooth(values: Floats, w: int) -> Floats:
    """Return means of the last ``w`` values, of fewer at the start and where some are undefined."""
    known = ~np.isnan(values)
    sums, counts = (np.cumsum(x) for x in (np.where(known, values, 0.0), known.astype(float)))
    sums[w:], counts[w:] = sums[w:] - sums[:-w], counts[w:] - counts[:-w]
    return ratio(sums, counts)


def decimals(values: Floats) -> int:
    """Return the decimals that leave 4 digits of the largest number."""
    most = float(np.nanmax(np.abs(values))) if values.size else 0.0
    return 0 if most == 0 or math.isnan(most) else max(-9, 3 - math.floor(math.log10(most)))


def listed(values: Floats, places: int) -> list[float | None]:
    """Return rounded numbers, undefined ones as None, whole ones as such."""
    rounded = np.round(values, places)
    if np.isnan(rounded).any():
        return [None if math.isnan(x) else x for x in rounded.tolist()]
    found: list[float | None] = (rounded.astype(int) if places <= 0 else rounded).tolist()
    return found


def numbers(values: Sequence[float | None]) -> Floats:
    """Return what :func:`listed` made as an array."""
    return np.array([math.nan if x is None else x for x in values], float)


def plain(x: float | None, places: int = 3) -> float | None:
    """Return a rounded number, None if it is undefined."""
    return None if x is None or math.isnan(x) else round(float(x), places)


def said_signed(x: float) -> str:
    """Return a number with its sign: ``+12.5``."""
    return ("+" if x > 0 else "\N{MINUS SIGN}") + look.number(abs(x))
