"""Stock against an outage: what holding some days more behind a place saves, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from twin.compile import Plan
from twin.study.ready.base import Bench
from twin.study.ready.stock import stocked
from twin.study.ready.stress_runs import ENDS, Outage, Test, measured
from twin.topology import build

SHARES = (0.5, 0.75, 1.0)
"""Stock that is shown, as a share of the least that covers the outage."""

SURVIVES = 0.95
"""Share of replications that must survive where stock is said to cover an outage."""

DOUBLINGS = 2
"""How often the first guess of what covers is doubled before it is given up."""

NAMED = 2
"""Stock points that are named before the rest is counted."""


def buffered(
    test: Test, table: pd.DataFrame, order: Sequence[Outage], most: int, bench: Bench
) -> pd.DataFrame:
    """Return what stock behind the worst places saves and costs, one row per place and stock.

    The last row of a place is the least stock that covers its outage, to a period, or the most
    that was tried where none does. Tried where customers are not served at the place itself and
    where stock may be held at a stock point that it sends to (below a decoupling point none is).
    Places that send to the same stock points are tried once.

    Returns
    -------
    pandas.DataFrame
        place, out, more (periods of demand held beyond the scenario's), points (where), loss_area,
        survived, profit_lost, with their ends, and cost (more running cost per period while nothing
        happens) with its ends.
    """
    behind = list(_behind(test, table, order, most))
    if not behind:
        return pd.DataFrame()
    least = _least(test, behind, bench)
    tries = [
        (spot, more)
        for spot, enough in zip(behind, least, strict=True)
        for more in sorted({math.ceil(share * enough) for share in SHARES})
    ]
    options = _options(test, tries)
    runs: list[dict[str, Any]] = [{"buffer": label} for label in options]
    runs += _hits(tries)
    found = bench.study("buffers", test.content(runs, buffer={"options": options}))
    calm, hit = range(1, len(tries) + 1), range(len(tries) + 1, 2 * len(tries) + 1)
    got = measured(found, hit, calm)
    premium = measured(found, calm, [0] * len(tries))
    window = test.scenario.horizon - test.scenario.warmup
    return pd.DataFrame({
        "place": [spot.outage[0].name for spot, _ in tries],
        "out": [spot.outage[1] for spot, _ in tries],
        "more": [more for _, more in tries],
        "points": [_where(options[_label(*one)]["stock[+]"]) for one in tries],
        **{f"{n}{e}": got[f"{n}{e}"] for n in ("loss_area", "survived", "profit_lost") for e in ENDS},
        **{f"cost{end}": premium[f"running_cost{end}"] / window for end in ENDS},
    })  # fmt: skip


class Spot(NamedTuple):
    """Stock points behind a place, and a first guess of the periods of stock that cover it."""

    outage: Outage
    rows: frozenset[int]
    guess: int


def _behind(test: Test, table: pd.DataFrame, order: Sequence[Outage], most: int) -> Iterator[Spot]:
    """Yield where stock is tried; guessed is what is missing and what refilling takes."""
    top = build(test.scenario)
    driven = np.asarray(Plan.of(test.scenario).order_driven)
    done: set[frozenset[int]] = set()
    missing = zip(order, table["short"], table["ttr"], strict=True)
    for (place, out), short, back in missing:
        rows = frozenset(r for r in place.reached(top) if not driven[r])
        if short <= 0 or place.sells or not rows or rows in done or len(done) == most:
            continue
        done.add(rows)
        if stocked(top, rows, 1):
            refill = max(0.0, back - out) if np.isfinite(back) else 0.0
            yield Spot((place, out), rows, math.ceil(short + refill))


def _least(test: Test, behind: Sequence[Spot], bench: Bench) -> list[int]:
    """Return the least whole periods of stock that cover each outage; the most tried if none does.

    By bisection, all places at once: more stock is taken to survive no less.
    """
    low, high = [0] * len(behind), [spot.guess for spot in behind]
    asked, sure = [*high], [False] * len(behind)
    turn = 0
    while going := [i for i, _ in enumerate(behind) if asked[i] > low[i]]:
        turn += 1
        tries = [(behind[i], asked[i]) for i in going]
        content = test.content(_hits(tries), buffer={"options": _options(test, tries)})
        found = bench.study(f"cover_{turn}", content)
        for point, i in enumerate(going, 1):
            if found.values(point, "survived").mean() >= SURVIVES:
                high[i], sure[i] = asked[i], True
            else:
                low[i] = asked[i]
                if not sure[i] and asked[i] < behind[i].guess << DOUBLINGS:
                    high[i] = 2 * asked[i]
            asked[i] = (low[i] + high[i]) // 2 if sure[i] else high[i]
    return high


def _label(spot: Spot, more: int) -> str:
    return f"{more} behind {spot.outage[0].name}"


def _options(test: Test, tries: Sequence[tuple[Spot, int]]) -> dict[str, Any]:
    """Return the changes of the scenario that hold each stock, by label."""
    top = build(test.scenario)
    return {_label(s, more): {"stock[+]": stocked(top, s.rows, more)} for s, more in tries}


def _hits(tries: Sequence[tuple[Spot, int]]) -> list[dict[str, Any]]:
    """Return the runs in which each place is out behind its stock."""
    return [
        {"place": s.outage[0].name, "periods": s.outage[1], "buffer": _label(s, more)}
        for s, more in tries
    ]


def _where(rules: Sequence[dict[str, Any]]) -> str:
    """Return the stock points of some rules, the first few by name."""
    names = [f"{rule['where']['site']}/{rule['where']['item']}" for rule in rules]
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return ", ".join([*names[:NAMED], *more])
