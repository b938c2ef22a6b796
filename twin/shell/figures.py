"""Numbers of a result as lines of text that fit 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twin.compare import Comparison
from twin.kpis import GROUPS
from twin.result import Result, number, words
from twin.schema import Scenario
from twin.shell.terminal import heading

MAIN = (
    "on_time", "fill_rate", "otif", "lost_share", "order_cycle_time", "cycle_time_p95",
    "inventory_value", "pipeline_value", "dio", "record_accuracy",
    "running_cost", "holding_cost", "lost_sales_cost", "revenue", "profit",
    "bullwhip", "wape", "tts", "ttr", "loss_area", "robustness",
)  # fmt: skip
"""KPIs that are shown unasked."""

Row = Mapping[str, Any]
BETTER = {"higher": "higher", "lower": "lower", "zero": "near 0"}


def title(result: Result) -> str:
    """Return the scenario's title and what of it was run."""
    s = result.scenario
    after = f" after {s.warmup} of warm-up" if s.warmup else ""
    measured = f"{s.horizon - s.warmup} {s.calendar.period}s{after}"
    many = "replication" if result.replications == 1 else "replications"
    ran = f"{result.replications} {many} of {measured}, seed {s.seed}"
    return f"{heading(s.title or s.name)}\n{ran}"


def kpi_table(result: Result, everything: bool = False) -> str:
    """Return the KPIs by group: mean, 95% interval over the replications, unit, direction."""
    lines = []
    for group in GROUPS:
        rows = [
            r for r in result.rows
            if r["group"] == group and r["n"] and (everything or r["kpi"] in MAIN)
        ]  # fmt: skip
        if rows:
            lines.append(_kpi_line(heading(f"{group:<20}"), "mean", "95% interval", "", "better"))
            lines += [_kpi_row(row, result.scenario) for row in rows]
    hidden = sum(1 for r in result.rows if r["n"]) - sum(1 for x in lines if x.startswith("  "))
    if hidden:
        lines.append(f"({hidden} more with --all)")
    return "\n".join(lines)


def _kpi_line(name: str, mean: str, interval: str, unit: str, better: str) -> str:
    return f"{name} {mean:>11}  {interval:<24} {unit:<12}{better}".rstrip()


def _kpi_row(row: Row, scenario: Scenario) -> str:
    unit, factor = _unit(row, scenario)
    low, high = row["low"] * factor, row["high"] * factor
    if np.isnan(low):
        interval = "-" if row["n"] < 2 else "nearly all alike"
    else:
        interval = f"{number(low)} to {number(high)}" if high > low else "no spread"
    name = f"  {row['kpi']:<18}"
    better = BETTER[row["better"]]
    return _kpi_line(name, number(row["value"] * factor), interval, unit, better)


def _unit(row: Row, scenario: Scenario) -> tuple[str, float]:
    """Return how a unit is written, and what its numbers are multiplied with."""
    if row["unit"] == "share":
        return "%", 100.0
    return words(row["unit"], scenario), 1.0


def comparison_table(found: Comparison, everything: bool = False) -> str:
    """Return the KPIs that differ clearly, by group: both means, difference, interval, verdict."""
    shown = [r for r in found.rows if r["n"] and (r["clear"] or everything)]
    lines = []
    for group in GROUPS:
        rows = [row for row in shown if row["group"] == group]
        if rows:
            head = (heading(f"{group:<20}"), "a", "b", "b - a", "95% interval", "", "")
            lines += [_difference_line(*head), *(_difference(r, found) for r in rows)]
    rest = sum(1 for row in found.rows if row["n"]) - len(shown)
    if not shown:
        lines.append("No KPI differs clearly.")
    elif rest:
        lines.append(f"({rest} more do not differ clearly; --all shows them)")
    return "\n".join(lines)


def _difference_line(
    name: str, a: str, b: str, change: str, interval: str, unit: str, good: str
) -> str:
    return f"{name} {a:>7} {b:>7} {change:>7} {interval:<18} {unit:<9} {good}".rstrip()


def _difference(row: Row, found: Comparison) -> str:
    unit, factor = _unit(row, found.a.scenario)
    a, b, change, low, high = (row[k] * factor for k in ("a", "b", "difference", "low", "high"))
    interval = "-" if np.isnan(low) else f"{_short(low)} to {_short(high)}"
    return _difference_line(
        f"  {row['kpi']:<18}", _short(a), _short(b), _short(change), interval, unit, verdict(row)
    )


def _short(x: float) -> str:
    """Return a number with three digits that count, fewer where it would exceed 7 characters."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(x) >= 10 * size:
            return f"{x / size:.3g}{letter}" if abs(x) < 1000 * size else f"{x / size:,.0f}{letter}"
    if abs(x) >= 1000:
        return f"{x:,.0f}"
    return next(text for n in (3, 2, 1) if len(text := f"{x:.{n}g}") <= 7 or n == 1)


def verdict(row: Row) -> str:
    """Return ``better``, ``worse`` or nothing for a difference."""
    if not row["clear"]:
        return ""
    if row["better"] == "zero":
        return "better" if abs(row["b"]) < abs(row["a"]) else "worse"
    return "better" if (row["difference"] > 0) == (row["better"] == "higher") else "worse"


def columns(rows: Sequence[tuple[str, str]], width: int = 80) -> str:
    """Return two columns; the second is broken at the width."""
    import textwrap

    first = max(len(name) for name, _ in rows) + 2
    lines = []
    for name, text in rows:
        parts = textwrap.wrap(text, width - first) or [""]
        lines.append(f"{name:<{first}}{parts[0]}".rstrip())
        lines += [" " * first + part for part in parts[1:]]
    return "\n".join(lines)
