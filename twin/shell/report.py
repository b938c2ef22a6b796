"""What ``twin run`` prints."""

from __future__ import annotations

import textwrap

from twin.decoupling import positions
from twin.result import Result
from twin.shell import figures
from twin.shell.effect import effect
from twin.shell.terminal import say


def report(name: str, result: Result, everything: bool, remarks: bool) -> None:
    """Print a result: title and KPIs; unless unwanted what the disruptions did and what to try."""
    say(figures.title(result))
    say("")
    say(figures.kpi_table(result, everything))
    if not remarks:
        return
    if told := effect(result):
        say("\n" + textwrap.fill(told, 80))
    for remark in result.notes:
        say("\n" + textwrap.fill(f"Note: {remark}", 80))
    say("\nTry next:")
    say("\n".join(f"  {line}" for line in _next(name, result)))


def _next(name: str, result: Result) -> list[str]:
    """Return commands that lead on from a result."""
    lines = [f"twin explain {name}", *_other_cut(name, result)]
    if result.scenario.disruptions:
        lines.append(f"twin compare {name}")
    return [*lines, f"twin run {name} --out results"]


def _other_cut(name: str, result: Result) -> list[str]:
    """Return the command that moves the first decoupling point by one stage."""
    for family in result.scenario.families:
        stages = [p.stage for p in positions(result.topology, family.name)]
        if family.decoupling_point in stages and len(stages) > 1:
            here = stages.index(str(family.decoupling_point))
            there = stages[here + 1] if here + 1 < len(stages) else stages[here - 1]
            change = f"families.{family.name}.decoupling_point={there}"
            return [f"twin compare {name} --set {change}"]
    return []
