"""What a calibration changed: each value of the starting scenario beside the calibrated one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from twin.distributions import demand_moments, lead_time_moments, lead_time_table
from twin.errors import ScenarioError
from twin.schema import Demand, LeadTime, Scenario
from twin.topology import StockPoint, build
from viz import look
from viz.told import find

COLUMNS = [
    "what",
    "key",
    "before",
    "after",
    "low",
    "high",
    "n",
    "of",
    "rows",
    "remark",
    "size",
    "kept",
]
"""Of :func:`changes`: texts before and after; ``size`` 0 to 1, 2 where words changed; ``kept``: why the
start's value stays."""

_HIDDEN = ("phase", "initial", "initial_error", "forced_until", "forced_order")
_PLACES = {
    "policy.kind": "way of ordering", "forecast.kind": "forecast", "forecast.sees": "what is seen",
    "forecast.smoothing": "smoothing of the forecast", "forecast.window": "window of the forecast",
}  # fmt: skip
_SAME = 5e-3  # relative difference below which three digits do not show a change


def changes(
    found: Mapping[str, Any],
    start: Scenario,
    scenario: Scenario,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Return what was estimated or inferred, before and after, the largest changes first.

    Parameters
    ----------
    found
        Of :meth:`calibration.calibrate.Calibration.to_dict`.
    start, scenario
        Where calibration began, and what came out.
    orders
        First and last row of the orders of each stock point, where they are known.
    """
    rows = [*_cuts(found, start, scenario), *_direct(found["estimates"], start, scenario)]
    rows += _rules(found, start, scenario, orders or {})
    for row in rows:
        if row["size"] and row["low"] <= row["number"] <= row["high"]:
            row["remark"] = "; ".join(filter(None, ("the interval holds the start", row["remark"])))
    table = pd.DataFrame(rows, columns=COLUMNS)
    order = table["size"].where(table["kept"] == "", -1.0)
    return table.iloc[np.argsort(-order.to_numpy(), kind="stable")].reset_index(drop=True)


def _row(what: str, key: str, before: Any, after: Any, **more: Any) -> dict[str, Any]:
    number = before if isinstance(before, int | float) else np.nan
    row = {
        "what": what, "key": key, "before": _said(before), "after": _said(after), "low": np.nan,
        "high": np.nan, "number": number, "n": 0, "of": "", "rows": "", "remark": "",
        "size": _size(before, after), "kept": "",
    }  # fmt: skip
    return row | more


def _said(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "–"
    if isinstance(value, int | float):
        return look.number(float(value))
    return look.said(str(value))


def _size(before: Any, after: Any) -> float:
    """Return how large a change is: 0 to 1 of numbers, 2 of words, 1 of what was not there."""
    if _said(before) == _said(after):
        return 0.0  # three digits show no change
    if isinstance(before, int | float) and isinstance(after, int | float):
        if np.isnan(before) or np.isnan(after):
            return 1.0
        size = abs(after - before) / max(abs(before), abs(after))
        return 0.0 if size < _SAME else min(1.0, size)
    return 2.0 if isinstance(before, str) and isinstance(after, str) else 1.0


def span_of(refs: Sequence[str]) -> str:
    """Return first and last row, the file named once: ``sales.csv:6 to 911``."""
    if len(refs) < 2:
        return "".join(refs)
    first, last = refs[0], refs[-1]
    file = first.rpartition(":")[0]
    return f"{first} to {last.removeprefix(file + ':') if file else last}"


# ------------------------------------------------------------------------------ decoupling points
def _cuts(
    found: Mapping[str, Any], start: Scenario, scenario: Scenario
) -> Iterator[dict[str, Any]]:
    for a, b in zip(start.families, scenario.families, strict=True):
        places = found["decoupling"].get(a.name)
        if not places:
            continue
        likely = max(places, key=lambda stage: places[stage])
        told = f"{look.said(likely)} has a probability of {look.share(places[likely])}"
        yield _row(f"decoupling point of {look.said(a.name)}", f"families.{a.name}.decoupling_point",
                   a.decoupling_point, b.decoupling_point, remark=told)  # fmt: skip


# ----------------------------------------------------------------------------- direct estimates
def _direct(
    estimates: Sequence[Mapping[str, Any]], start: Scenario, scenario: Scenario
) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for e in estimates:
        if not e["key"]:
            continue
        section = e["key"].partition(".")[0].partition("[")[0]
        of = "periods" if section == "demand" else "trips" if "lead_time" in e["key"] else "events"
        told = [] if e.get("known", True) else ["not identified"]
        remarks = [
            *told,
            *(x for x in e["note"].split("; ") if not x.startswith("forecast best by")),
        ]
        source = {
            "n": e["n"], "of": of, "rows": span_of(e["refs"]), "remark": "; ".join(remarks),
        }  # fmt: skip
        for key in e["sets"] or {e["key"]: None}:
            if key not in seen:
                seen.add(key)
                yield from _shape(key, thing_of(e["name"]), start, scenario, source)
        before, after = (_value(s, e) for s in (start, scenario))
        yield _row(
            _words(e["name"]), e["key"], before, after, low=e["low"], high=e["high"], **source
        )


def _words(name: str) -> str:
    return look.said(name.replace("->", " → "))


def thing_of(name: str) -> str:
    """Return what an estimate is of: ``south/pump`` of ``mean demand of south/pump``."""
    return _words(name.rpartition(" of ")[2])


def _shape(
    key: str, thing: str, start: Scenario, scenario: Scenario, source: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield a change of the kind of a demand or lead time, and of its weekly pattern."""
    a, b = _found(start, key), _found(scenario, key)
    if isinstance(a, LeadTime) and isinstance(b, LeadTime) and a.kind != b.kind:
        yield _row(f"kind of lead time of {thing}", f"{key}.kind", a.kind, b.kind, **source)
    if isinstance(a, Demand) and isinstance(b, Demand):
        if a.kind != b.kind:
            yield _row(f"kind of demand of {thing}", f"{key}.kind", a.kind, b.kind, **source)
        if a.season.weekly != b.season.weekly:
            week = [_span(entry.season.weekly) for entry in (a, b)]
            yield _row(f"weekly pattern of {thing}", f"{key}.season.weekly", *week, **source)


def _span(factors: Sequence[float] | None) -> str:
    """Return least and most of the factors of a week."""
    if factors is None:
        return "none"
    return f"{look.number(min(factors))} to {look.number(max(factors))}"


def _found(scenario: Scenario, key: str) -> Any:
    """Return the value of a scenario at a key; None where it has none there."""
    try:
        return find(scenario, key)[2]
    except (ScenarioError, IndexError):
        return None


def _value(scenario: Scenario, estimate: Mapping[str, Any]) -> float:
    """Return what a scenario holds of an estimate; what that means in a law of another kind."""
    key = str(estimate["key"])
    owner, _, last = key.rpartition(".")
    thing = _found(scenario, owner)
    if isinstance(thing, LeadTime) and last.startswith("weights"):
        listed = estimate["sets"][owner]["values"]
        values, cdf = lead_time_table(thing)
        share = np.diff(cdf, prepend=0.0)
        return float(share[values == listed[int(last[len("weights[") : -1])]].sum())
    if isinstance(thing, LeadTime):
        return _of_lead_time(thing, last)
    if isinstance(thing, Demand):
        return _of_demand(thing, last)
    value = _found(scenario, key)
    if isinstance(value, LeadTime):
        return lead_time_moments(value)[0]
    return float("nan") if value is None else float(value)


def _of_lead_time(lead: LeadTime, last: str) -> float:
    mean, variance = lead_time_moments(lead)
    if last == "mean":
        return lead.mean if lead.mean is not None else mean
    return lead.cv if lead.cv is not None else float(np.sqrt(variance)) / max(mean, 1e-12)


def _of_demand(demand: Demand, last: str) -> float:
    given = getattr(demand, last)
    if given is not None:
        return float(given)
    mean, variance = demand_moments(demand)
    told = {"mean": mean, "variance_to_mean": variance / max(mean, 1e-12),
            "cv": float(np.sqrt(variance)) / max(mean, 1e-12)}  # fmt: skip
    return told.get(last, float("nan"))


# ----------------------------------------------------------------------------------- stock rules
def _rules(
    found: Mapping[str, Any], start: Scenario, scenario: Scenario,
    orders: Mapping[str, Sequence[str]],
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Yield what each stock point does now and did in the start."""
    before, after = ({p.name: p for p in build(s).points} for s in (start, scenario))
    for p in found["points"]:
        name = p["name"]
        rows = span_of(orders.get(name, ()))
        source = {"n": p.get("orders", 0), "of": "orders", "rows": rows}
        if name not in before or name not in after:
            continue
        own = after[name].settings.policy.kind
        kept = keeps(p, found["flagged"], own)
        if kept:
            yield _row(f"way of ordering of {look.said(name)}", f"stock of {name}: policy.kind",
                       own, own, kept=kept, **source)  # fmt: skip
        else:
            yield from _rule(p, before[name], after[name], source)


def keeps(point: Mapping[str, Any], flagged: Sequence[str], own: str) -> str:
    """Return why a stock point keeps the rule that the start has; empty: it does not.

    Parameters
    ----------
    point
        What was inferred of it.
    flagged
        Stock points that the model does not fit.
    own
        Kind of rule that it has in the calibrated scenario.
    """
    if point["reason"]:
        return str(point["reason"])
    if point["name"] in flagged:
        return "does not fit: no way of ordering that was tried explains its orders"
    if point["kind"] == "order_driven" and own != "order_driven":
        return "below the cut: orders what it is asked for, what it would do by itself was not seen"
    return ""


def _rule(
    point: Mapping[str, Any], before: StockPoint, after: StockPoint, source: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    known = {row["name"]: row for row in point["identified"]}
    old, new = _flat(before), _flat(after)
    name = look.said(point["name"])
    keys = [*known, *(k for k in new if new[k] != old.get(k) and k not in known)] or ["policy.kind"]
    for key in sorted(keys, key=lambda k: (k != "policy.kind", k)):
        row, a, b = known.get(key), old.get(key), new.get(key)
        if row is None and b is None:
            continue  # a parameter that the new kind of rule does not use
        more: dict[str, Any] = {} if row is None else {"low": row["low"], "high": row["high"]}
        if row is not None and not row["identified"]:
            more["remark"] = "not identified: the middle of where it was looked for"
        yield _row(f"{_PLACES.get(key) or look.said(key.removeprefix('policy.'))} of {name}",
                   f"stock of {point['name']}: {key}", a, b, **source, **more)  # fmt: skip


def _flat(point: StockPoint) -> dict[str, Any]:
    """Return the settled rule of a stock point as values by their place below it."""
    settings = point.settings
    flat: dict[str, Any] = {"shrink": settings.shrink}
    for name in ("policy", "forecast"):
        part = getattr(settings, name).model_dump(mode="json", by_alias=True)
        flat |= {f"{name}.{k}": v for k, v in part.items() if k not in _HIDDEN}
    return flat
