"""What the disruptions of a scenario did, in one plain paragraph computed from the numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from twin.compare import Comparison
from twin.happening import never
from twin.result import Result, number
from twin.schema import Disruption, Scenario

Row = Mapping[str, Any]


def effect(result: Result) -> str:
    """Return what the disruptions did, against the same twin without them under the same luck.

    Parameters
    ----------
    result
        Of a scenario with or without disruptions.

    Returns
    -------
    str
        Nothing if no disruption is switched on, or if the undisrupted twin was not run.
    """
    if result.undisrupted is None:
        return ""
    reasons = never(result.scenario)
    off = _off(result.scenario, reasons)
    if all(reasons):
        return " ".join(["No disruption happens.", *off])
    rows = {row["kpi"]: row for row in Comparison(result.undisrupted, result).rows}
    effects = [
        _share(rows["on_time"], "of what customers wanted came on time"),
        _share(rows["lost_share"], "of demand was lost"),
        _money(rows["running_cost"], "running cost"),
        _money(rows["profit"], "profit"),
    ]
    told = [text for text in effects if text] or ["nothing differs clearly"]
    head = f"What {_names(result.scenario, reasons)} did"
    return " ".join([f"{head}: {'; '.join(told)}.", *_times(result), *off])


def _names(scenario: Scenario, reasons: list[str]) -> str:
    happening = [d for d, why in zip(scenario.disruptions, reasons, strict=True) if not why]
    quoted = list(dict.fromkeys(_name(d) for d in happening))
    if len(quoted) > 3:
        return f"the {len(happening)} disruptions"
    return " and ".join(quoted)


def _name(d: Disruption) -> str:
    return f"'{d.name or d.kind.replace('_', ' ')}'"


def _off(scenario: Scenario, reasons: list[str]) -> list[str]:
    """Say why disruptions that are switched on never happen."""
    return [
        f"{_name(d)} never happens: {why}."
        for d, why in zip(scenario.disruptions, reasons, strict=True)
        if why and d.probability > 0
    ]


def _share(row: Row, what: str) -> str:
    if not row["clear"]:
        return ""
    a, b = _apart(row["a"], row["b"])
    return f"{b} {what} instead of {a}" if a != b else ""


def _apart(a: float, b: float) -> tuple[str, str]:
    """Return two shares with as many digits as tell them apart, up to a thousandth of a percent."""
    digits = next((n for n in (1, 2) if _percent(a, n) != _percent(b, n)), 3)
    return _percent(a, digits), _percent(b, digits)


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f}%"


def _money(row: Row, what: str) -> str:
    if not row["clear"] or not row["a"]:
        return ""
    more = "more" if row["difference"] > 0 else "less"
    size, nothing = _apart(abs(row["relative"]), 0.0)
    return f"{size} {more} {what}" if size != nothing else ""


def _times(result: Result) -> list[str]:
    """Say how long service holds after the first disruption and when it is back."""
    period = result.scenario.calendar.period
    told = []
    holds, back = result["tts"], result["ttr"]
    if result["survived"] == 1:
        return [f"Service never fell by more than {_threshold(result)}%."]
    if not math.isnan(holds):
        told.append(f"Service held for {_periods(holds, period)} after the disruption began")
    if not math.isnan(back):
        told.append(f"was back to normal after {_periods(back, period)}")
    if not told:
        return []
    text = [" and ".join(told) + " (mean over the replications)."]
    late = result["unrecovered"]
    if late > 0:
        text.append(f"In {_percent(late)} of the replications it was not back by the end.")
    return text


def _threshold(result: Result) -> str:
    return number(100 * result.scenario.resilience.threshold)


def _periods(x: float, period: str) -> str:
    return f"{x:.0f} {period}{'' if round(x) == 1 else 's'}"
