"""What the disruptions of a scenario did, in one plain paragraph computed from the numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from twin.compare import Comparison
from twin.disruptions import DISRUPTIONS
from twin.result import Result, number
from twin.schema import Scenario

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
        Nothing if no disruption can happen, or if the undisrupted twin was not run.
    """
    if result.undisrupted is None:
        return ""
    rows = {row["kpi"]: row for row in Comparison(result.undisrupted, result).rows}
    effects = [
        _share(rows["on_time"], "of what customers wanted came on time"),
        _share(rows["lost_share"], "of demand was lost"),
        _money(rows["running_cost"], "running cost"),
        _money(rows["profit"], "profit"),
    ]
    told = [text for text in effects if text] or ["nothing differs clearly"]
    head = f"What {_names(result.scenario)} did"
    return " ".join([f"{head}: {'; '.join(told)}.", *_times(result)])


def _names(scenario: Scenario) -> str:
    happening = [d for d in scenario.disruptions if d.probability > 0]
    names = [d.name or DISRUPTIONS[d.kind].title.lower() for d in happening]
    quoted = [f"'{name}'" for name in dict.fromkeys(names)]
    if len(quoted) > 3:
        return f"the {len(happening)} disruptions"
    return " and ".join(quoted)


def _share(row: Row, what: str) -> str:
    if not row["clear"]:
        return ""
    return f"{_percent(row['b'])} {what} instead of {_percent(row['a'])}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _money(row: Row, what: str) -> str:
    if not row["clear"] or not row["a"]:
        return ""
    more = "more" if row["difference"] > 0 else "less"
    return f"{100 * abs(row['relative']):.1f}% {more} {what}"


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
