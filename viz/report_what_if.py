"""The report of a what-if: what it comes to, what was changed, what it rests on, all KPIs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from twin.compare import Comparison
from twin.kpis import GROUPS
from twin.result import words
from twin.schema import Scenario
from viz import look
from viz.report import Block, Figure, Note, Page, Paragraph, Row, Table, Tile, Tiles
from viz.series import modes

TILES = {
    "on_time": "On time",
    "fill_rate": "Served from stock",
    "order_cycle_time": "Order cycle time",
    "inventory_value": "Stock value",
    "running_cost": "Running cost",
    "bullwhip": "Bullwhip",
    "tts": "Time to survive",
    "ttr": "Time to recover",
}
"""KPIs of the tiles, and what planners call them."""

PICTURE = (7.4, 7.6)
"""Inches of the picture of a what-if: as wide as the page, so that its letters keep their size."""

NAMES = {
    **TILES,
    "fill_rate": "Fill rate (β)",
    "cycle_service": "Cycle service (α)",
    "gamma_service": "Backlog service (γ)",
    "otif": "On time in full",
    "cycle_time_p50": "Order cycle time, median",
    "cycle_time_p95": "Order cycle time, 95 % of units",
    "stockout_frequency": "Stock-outs",
    "dio": "Days of stock",
    "write_off_rate": "Write-off rate",
    "write_off_cost": "Write-off cost",
    "ccc": "Cash conversion cycle",
    "nsamp": "Swing of net stock against demand",
    "wape": "Forecast error",
    "bias": "Forecast bias",
    "rmse": "Forecast error, root mean square",
    "mase": "Forecast error against the naive one",
    "ttr_95": "Time to recover to 95 %",
    "ttr_backlog": "Time to clear the backlog",
    "loss_area": "Performance lost",
    "robustness": "Lowest performance",
    "rapidity": "Speed of recovery",
    "resilience": "Performance kept",
    "unrecovered": "Runs not recovered",
    "survived": "Runs that never fell",
    "unserved": "Units missed in the disruption",
}
"""What planners call KPIs whose own names do not say it."""


def what_if_page(
    comparison: Comparison,
    changed: Sequence[Mapping[str, str]],
    sentence: str,
    base_name: str,
    svg: str = "",
) -> Page:
    """Return the report of a what-if: one page that says it all, and all KPIs on the next.

    Parameters
    ----------
    comparison
        Baseline and what-if.
    changed
        What was changed in words: ``label``, ``before``, ``after``, as of :func:`viz.told.told`.
    sentence
        What it comes to.
    base_name
        What the scenario that was opened is called.
    svg
        Picture of the what-if; none: left out.
    """
    scenario = comparison.b.scenario
    rows = [[row["label"], row["before"], row["after"]] for row in changed]
    blocks: list[Block] = [Paragraph(sentence, lead=True), Tiles(list(tiles(comparison)))]
    if svg:
        blocks.append(Figure(svg, f"Network, service, stock and orders of the what-if. {sentence}"))
    if rows:
        blocks.append(Table(("what", "before", "now"), rows, title="What changed"))
    else:
        blocks.append(Paragraph("Nothing: the scenario as it was opened.", title="What changed"))
    blocks += [Note(_assumptions(comparison, base_name), title="Assumptions"), _kpis(comparison)]
    title = scenario.title or look.said(scenario.name)
    return Page(title, f"What-if compared with {_baseline(comparison, base_name)}", blocks)


def _baseline(comparison: Comparison, base_name: str) -> str:
    a, b = comparison.a.scenario, comparison.b.scenario
    if b.disruptions and a == b.model_copy(update={"disruptions": []}):
        return "the same design without its disruptions"
    return f"“{base_name}” as opened"


def tiles(comparison: Comparison) -> Iterator[Tile]:
    """Yield the key figures of a what-if with their differences."""
    b = comparison.b
    modes_of = modes(b.topology)
    stocked = any(modes_of[s.row] != "pull" for s in b.topology.sinks)
    for kpi, name in TILES.items():
        if kpi == "fill_rate" and not stocked:
            continue  # below the decoupling point nothing is on the shelf
        row = dict(comparison.row(kpi))
        if kpi == "running_cost":
            periods = b.scenario.horizon - b.scenario.warmup
            row |= {key: row[key] / periods for key in ("a", "b", "difference", "low", "high")}
            row["unit"] = "money/period"
        value, unit = amount(row["b"], row["unit"], b.scenario)
        change, tone = _change(row, b.scenario)
        yield Tile(name, value, unit, change, tone)


def _change(row: Mapping[str, Any], scenario: Scenario) -> tuple[str, str]:
    """Return a difference with its interval in words, and whether it is good or bad."""
    if math.isnan(row["difference"]):
        if math.isnan(row["b"]):
            return "", ""
        lone = "from the first disruption" if row["group"] == "resilience" else "no baseline"
        return lone, ""
    if not row["clear"]:
        return "no clear difference", ""
    better = {"higher": row["difference"] > 0, "lower": row["difference"] < 0}.get(row["better"])
    word, tone = {True: (", better", "good"), False: (", worse", "bad")}.get(better, ("", ""))
    return f"{difference(row, scenario)}{word}", tone


def difference(row: Mapping[str, Any], scenario: Scenario) -> str:
    """Return a difference with its interval: ``+3.6 points (3.4 to 3.8)``."""
    if row["difference"] == row["low"] == row["high"] == 0:
        return "the same"
    factor = 100 if row["unit"] == "share" else 1
    moved, low, high = (factor * row[key] for key in ("difference", "low", "high"))
    unit = "points" if row["unit"] == "share" else amount(moved, row["unit"], scenario)[1]
    sign = "+" if moved > 0 and look.number(moved) != "0" else ""
    ends = "" if math.isnan(low) else f" ({look.number(low)} to {look.number(high)})"
    return f"{sign}{look.number(moved)}{f' {unit}' if unit else ''}{ends}"


def amount(x: float, unit: str, scenario: Scenario) -> tuple[str, str]:
    """Return a number as text, and its unit in the scenario's words."""
    if math.isnan(x):
        return "–", ""
    if unit == "share":
        return look.share(x), ""
    if unit == "ratio":
        return f"{look.number(x)}×", ""
    return look.number(x), words(unit, scenario).replace("1/", "a ")


def _kpis(comparison: Comparison) -> Table:
    """Return all KPIs that say something of one of the two, by group."""
    scenario = comparison.b.scenario
    rows: list[Row] = []
    for group in GROUPS:
        found = [row for row in comparison.rows if row["group"] == group]
        found = [row for row in found if np.nan_to_num(row["a"]) or np.nan_to_num(row["b"])]
        rows += [Row([group.capitalize()], group=True)] if found else []
        for row in found:
            values = [" ".join(filter(None, amount(row[x], row["unit"], scenario))) for x in "ab"]
            name = NAMES.get(row["kpi"], look.said(row["kpi"]).capitalize())
            lone = math.isnan(row["difference"])
            change = "" if lone else difference(row, scenario)
            rows.append(Row([name, *values, change], quiet=not (lone or row["clear"])))
    return Table(
        ("KPI", "baseline", "what-if", "difference (95 % interval)"), rows, frozenset({1, 2, 3}),
        "Grey: no clear difference. Left out: what is zero or undefined on both sides.",
        title="All KPIs", new_page=True,
    )  # fmt: skip


def _assumptions(comparison: Comparison, base_name: str) -> str:
    told, s = comparison.b.manifest, comparison.b.scenario
    period, currency = s.calendar.period, s.calendar.currency
    packages = ", ".join(f"{name} {version}" for name, version in told["packages"].items())
    hashes = (f"{r.manifest['scenario']['hash']}" for r in (comparison.a, comparison.b))
    return " ".join([
        f"Simulated, not measured: {comparison.pairs} of {s.horizon - s.warmup} {period}s after "
        f"{s.warmup} of warm-up from {s.calendar.start}, seed {told['seed']}, money in {currency}.",
        "Both sides have the same luck; intervals are 95 % of the paired differences, and where "
        "one includes zero there is no clear difference.",
        f"Opened as {base_name}; scenarios {' and '.join(hashes)}; twin {told['twin']}, "
        f"Python {told['python']}, {packages}.",
        *comparison.b.notes,
    ])  # fmt: skip
