"""The one sentence on top of the page: what the disruptions cost here, and which move to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twin.compare import Comparison
from twin.schema import Scenario
from viz import look
from viz.breaks import bars
from viz.report_what_if import difference

Row = Mapping[str, Any]
WORTH = 0.005
"""Least gain of on-time share that makes a move worth trying."""


def sentence(
    comparison: Comparison, rows: Sequence[Row] | None = None, printed: bool = False
) -> str:
    """Return what disruptions (or changes) cost at this position and one move worth trying.

    Parameters
    ----------
    comparison
        Baseline and what-if.
    rows
        All positions, as of :attr:`twin.frontier.Frontier.rows`; none: not tried yet.
    printed
        On paper nothing can be dragged, and nothing is still being tried.
    """
    move, how = _move(comparison.b.scenario, rows)
    if printed:
        move, how = "" if rows is None else move, ""
    return " ".join(filter(None, (_cost(comparison), move, how)))


def _cost(comparison: Comparison) -> str:
    b = comparison.b.scenario
    row = comparison.row("on_time")
    place = _place(b)
    here = f"with the decoupling point at {place}" if place else "without a decoupling point"
    calm = bool(b.disruptions) and not comparison.a.scenario.disruptions
    if comparison.a is comparison.b or (not calm and not row["difference"]):
        served = look.share(row["b"])
        return f"{served} arrives on time {here}. Break something below to see what it costs."
    who = _events(b) if calm else "This what-if"
    if row["difference"] != row["difference"]:
        return f"Nothing was due, so there is no on-time service to tell of {here}."
    if not row["clear"]:
        verb = "cost" if who.startswith("The ") else "costs"
        return f"{who} {verb} no clear difference of on-time service {here}."
    many = who.startswith("The ")
    less = row["difference"] < 0
    verb = ("cost" if many else "costs") if less else ("add" if many else "adds")
    size = difference(row, b).lstrip("+-")
    if size.startswith("0 "):
        verb = "cost" if many else "costs"
        return f"{who} {verb} next to nothing of on-time service {here}."
    if less:  # told as a loss: the ends of the interval lose their signs as well
        flipped = {
            **row,
            "difference": -row["difference"],
            "low": -row["high"],
            "high": -row["low"],
        }
        size = difference(flipped, b).lstrip("+")
    return f"{who} {verb} {size.replace('points', 'points of on-time service')} {here}."


def _events(scenario: Scenario) -> str:
    found = [bar for bar in bars(scenario) if bar["valid"] and not bar["note"]]
    if not found:
        return "What goes wrong"
    if len(found) > 1:
        return f"The {len(found)} disruptions"
    bar = found[0]
    length = "" if bar["once"] else f"{bar['duration']}-{scenario.calendar.period} "
    name = bar["label"][:1].lower() + bar["label"][1:]
    if ": " in name:  # 'lane closed: a → b' is no thing that could cost anything
        name = f"disruption ({name})"
    article = "An" if (length or name)[:1] in "aeiou8" else "A"
    return f"{article} {length}{name}"


def _place(scenario: Scenario) -> str:
    places: dict[str, list[str]] = {}
    for family in scenario.families:
        cut = family.decoupling_point
        if cut is not None:
            named = cut if isinstance(cut, str) else " + ".join(cut)
            places.setdefault(look.said(named), []).append(look.said(family.name))
    if not places:
        return ""
    if len(places) == 1:
        return next(iter(places))
    return " and ".join(f"{place} ({look.listed(who)})" for place, who in places.items())


def _move(scenario: Scenario, rows: Sequence[Row] | None) -> tuple[str, str]:
    """Return a move worth trying, and how it is made."""
    if all(f.decoupling_point is None for f in scenario.families):
        return "", ""
    if rows is None:
        return "Trying the other positions …", ""
    here = next((row for row in rows if row["current"]), None)
    others = [r for r in rows if not r["current"] and r["on_time"] is not None]
    if here is None or here["on_time"] is None or not others:
        return "", ""
    clear = [r for r in others if r["label"] not in here["tied"]]
    better = [r for r in clear if r["on_time"] > here["on_time"] + WORTH]
    if better:
        best = min(better, key=lambda r: r["cost"])
        return f"{_at(best, scenario)} {_gain(best, here)}.", _how(best, scenario)
    cheaper = [
        r for r in clear if r["cost"] < here["cost"] and r["on_time"] > here["on_time"] - WORTH
    ]
    if cheaper:
        best = min(cheaper, key=lambda r: r["cost"])
        saved = look.share(1 - best["cost"] / here["cost"])
        text = f"{_at(best, scenario)} it would cost {saved} less for the same service."
        return text, _how(best, scenario)
    return "No other position serves customers clearly better.", ""


def _how(row: Row, scenario: Scenario) -> str:
    """Return how to move there: the handle of all families moves them to one stage."""
    if len(scenario.families) == 1 or len(set(map(str, row["positions"].values()))) == 1:
        return "Drag it there."
    return "Drag it there: choose the family at 'Handle moves' first."


def _at(row: Row, scenario: Scenario) -> str:
    places = {look.said(str(p)) for p in row["positions"].values()}
    if len(places) == 1:
        return f"At {places.pop()}"
    now = {f.name: f.decoupling_point for f in scenario.families}
    moved = [f"{look.said(f)} at {look.said(str(p))}" for f, p in row["positions"].items()
             if p != now.get(f)]  # fmt: skip
    return f"With {' and '.join(moved)}"


def _gain(best: Row, here: Row) -> str:
    points = look.number(100 * (best["on_time"] - here["on_time"]))
    told = f"{points} points more would arrive on time"
    for what, key in (("stock", "inventory_value"), ("cost", "cost")):
        if here[key] and best[key] is not None:
            part = best[key] / here[key] - 1
            if abs(part) >= 0.005:
                told += f", for {look.share(abs(part))} {'more' if part > 0 else 'less'} {what}"
                break
    return told
