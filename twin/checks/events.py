"""Disruptions and moves of the decoupling point, before the network is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from twin.checks.behaviour import registry
from twin.checks.references import missing
from twin.problems import Path, Problem, show
from twin.schema import Disruption, Scenario

EVERY_KIND = {"kind", "name", "start", "duration", "ramp", "probability", "after"}


def disruptions_are_known(scenario: Scenario) -> Iterator[Problem]:
    """Require that disruption kinds are registered, and say what they hit and how hard."""
    if not scenario.disruptions:
        return
    known = registry("disruptions", "DISRUPTIONS")
    for n, d in enumerate(scenario.disruptions):
        path: Path = ("disruptions", n)
        if d.kind not in known:
            yield missing((*path, "kind"), "disruption", d.kind, known)
            continue
        entry = known[d.kind]
        for name in _required(entry.extra):
            if getattr(d, name) is None:
                meaning = Disruption.model_fields[name].description
                yield Problem(path, f"'{d.kind}' needs '{name}' ({meaning}); add it")
        for name, field in Disruption.model_fields.items():
            default = field.get_default(call_default_factory=True)
            if name not in {*entry.uses, *EVERY_KIND} and getattr(d, name) != default:
                uses = ", ".join(sorted(entry.uses))
                text = f"'{d.kind}' does not use it, remove it (it uses {uses})"
                yield Problem((*path, name), text)


def _required(extra: Mapping[str, Any]) -> list[str]:
    needs = ["factor"] if extra.get("needs_factor") else []
    return needs + {"lanes": ["lane"], "mix": ["family", "shares"]}.get(extra.get("hits", ""), [])


def chains_end(scenario: Scenario) -> Iterator[Problem]:
    """Require that ``after`` names another disruption, and no chain comes back to itself."""
    before = {d.name: d.after for d in scenario.disruptions if d.name is not None}
    for n, d in enumerate(scenario.disruptions):
        if d.after is None:
            continue
        path: Path = ("disruptions", n, "after")
        if d.after not in before:
            yield missing(path, "disruption name", d.after, before)
            continue
        step: str | None = d.after
        seen: list[str] = []
        while step is not None and step not in seen:
            seen.append(step)
            step = before.get(step)
        if step is not None and d.name in seen:
            chain = " after ".join([*seen, str(step)])
            yield Problem(path, f"= {show(d.after)}; a loop ({chain}), remove one 'after'")


def mix_shares_are_complete(scenario: Scenario) -> Iterator[Problem]:
    """Require that a mix shift shares 1 over all items of the family that are sold."""
    items = {i.name: i.family for i in scenario.items}
    sold = {d.item for d in scenario.demand} | {
        item for d in scenario.demand for item in d.variants or {}
    }
    for n, d in enumerate(scenario.disruptions):
        if d.shares is None:
            continue
        path: Path = ("disruptions", n, "shares")
        wanted = {i for i, family in items.items() if family == d.family and i in sold}
        for item, share in d.shares.items():
            if item not in wanted:
                yield missing((*path, item), f"sold item of family '{d.family}'", item, wanted)
            if share < 0:
                yield Problem((*path, item), f"= {share:g}; must be 0 or more")
        for item in sorted(wanted - set(d.shares)):
            yield Problem(path, f"'{item}' is missing; give each sold item of the family a share")
        if abs(sum(d.shares.values()) - 1) > 1e-9:
            yield Problem(path, f"shares sum to {sum(d.shares.values()):g}; they must sum to 1")


def moves_are_one_at_a_time(scenario: Scenario) -> Iterator[Problem]:
    """Require that a family is moved at most once per period."""
    seen: set[tuple[str, int]] = set()
    for n, move in enumerate(scenario.moves):
        if (move.family, move.at) in seen:
            text = f"= {move.at}; family '{move.family}' is moved twice in this period, keep one"
            yield Problem(("moves", n, "at"), text)
        seen.add((move.family, move.at))


CHECKS = [moves_are_one_at_a_time, disruptions_are_known, chains_end, mix_shares_are_complete]
