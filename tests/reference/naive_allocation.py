"""How scarce things are split (physics.md 5), one claim at a time."""

from __future__ import annotations

import math

from tests.reference.naive_network import TINY


class Claim:
    """What one customer of a stock point wants of it."""

    def __init__(self, name: str, rank: int, want: float, is_sink: bool, backed: float = 0.0):
        self.name = name
        self.rank = rank
        self.want = want
        self.is_sink = is_sink
        self.backed = backed  # part of the want that customers stand behind


def split(
    rule: str, stock: float, claims: list[Claim], integer: bool, customers_first: bool = False
) -> dict[str, float]:
    """Return what each claim gets of the stock."""
    if not customers_first:
        return split_once(rule, stock, {c.name: c.want for c in claims}, claims, integer)
    first = {c.name: min(c.want, c.backed) for c in claims}
    got = split_once(rule, stock, first, claims, integer)
    rest = {c.name: max(0.0, c.want - got[c.name]) for c in claims}
    more = split_once(rule, max(0.0, stock - sum(got.values())), rest, claims, integer)
    return {name: got[name] + more[name] for name in got}


def split_once(rule, stock, wants, claims, integer) -> dict[str, float]:
    if rule in ("index", "priority"):
        return by_rank(rule, stock, wants, claims, integer)
    share = in_proportion if rule == "proportional" else water_filling
    got = share(stock, wants)
    return whole_units(got) if integer else got


def in_proportion(stock: float, wants: dict[str, float]) -> dict[str, float]:
    total = sum(wants.values())
    if total <= stock:
        return dict(wants)
    return {name: want * stock / total for name, want in wants.items()}


def water_filling(stock: float, wants: dict[str, float]) -> dict[str, float]:
    got = {}
    waiting = sorted(wants, key=lambda name: (wants[name], name))
    while waiting:
        name = waiting[0]
        got[name] = min(wants[name], stock / len(waiting))
        stock -= got[name]
        waiting.pop(0)
    return got


def by_rank(rule, stock, wants: dict[str, float], claims, integer) -> dict[str, float]:
    """Index: by rank; priority: sinks first, then by rank; equal ranks in proportion.

    Whole units are made rank by rank, so that a lower rank's fraction never costs a higher one.
    """
    groups: dict[tuple[bool, int], list[str]] = {}
    for c in claims:
        place = (rule == "priority" and not c.is_sink, c.rank)
        groups.setdefault(place, []).append(c.name)
    got: dict[str, float] = {}
    for place in sorted(groups):
        part = in_proportion(stock, {name: wants[name] for name in groups[place]})
        part = whole_units(part) if integer else part
        stock = max(0.0, stock - sum(part.values()))
        got.update(part)
    return got


def whole_units(got: dict[str, float]) -> dict[str, float]:
    """Largest remainder, ties by name."""
    whole = {name: math.floor(x + TINY) for name, x in got.items()}
    left = math.floor(sum(got.values()) + TINY) - sum(whole.values())
    order = sorted(got, key=lambda name: (-round(got[name] - whole[name], 9), name))
    for name in order[: max(0, left)]:
        whole[name] += 1
    return {name: float(x) for name, x in whole.items()}
