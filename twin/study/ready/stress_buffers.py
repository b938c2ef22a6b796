"""Stock against an outage: what holding some days more behind a place saves, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from twin.compile import Plan
from twin.study.ready.base import Bench
from twin.study.ready.stock import stocked
from twin.study.ready.stress_runs import ENDS, Outage, Test, measured
from twin.topology import build

SHARES = (0.5, 1.0, 2.0)
"""Stock that is tried, as a share of the periods that a place survives too few."""

NAMED = 2
"""Stock points that are named before the rest is counted."""


def buffered(
    test: Test, table: pd.DataFrame, order: Sequence[Outage], most: int, bench: Bench
) -> pd.DataFrame:
    """Return what stock behind the worst places saves and costs, one row per place and stock.

    Tried where customers are not served at the place itself and where stock may be held at a stock
    point that it sends to (below a decoupling point none is). Places that send to the same stock
    points are tried once.

    Returns
    -------
    pandas.DataFrame
        place, out, more (periods of demand held beyond the scenario's), points (where), loss_area,
        survived, profit_lost, with their ends, and cost (more running cost per period while nothing
        happens) with its ends; ``more = 0`` is the scenario as it is.
    """
    tries = list(_tries(test, table, order, most))
    if not tries:
        return pd.DataFrame()
    options = {label: {"stock[+]": rules} for label, _, _, rules in tries}
    runs: list[dict[str, Any]] = [{"buffer": label} for label in options]
    runs += [{"place": p.name, "periods": n, "buffer": b} for b, (p, n), _, _ in tries]
    content = test.content(runs, buffer={"options": options})
    found = bench.study("buffers", content)
    calm, hit = range(1, len(tries) + 1), range(len(tries) + 1, 2 * len(tries) + 1)
    got = measured(found, hit, calm)
    premium = measured(found, calm, [0] * len(tries))
    window = test.scenario.horizon - test.scenario.warmup
    return pd.DataFrame({
        "place": [p.name for _, (p, _), _, _ in tries],
        "out": [n for _, (_, n), _, _ in tries],
        "more": [more for _, _, more, _ in tries],
        "points": [_where(rules) for *_, rules in tries],
        **{f"{n}{e}": got[f"{n}{e}"] for n in ("loss_area", "survived", "profit_lost") for e in ENDS},
        **{f"cost{end}": premium[f"running_cost{end}"] / window for end in ENDS},
    })  # fmt: skip


Try = tuple[str, Outage, int, list[dict[str, Any]]]
"""A label, the outage, periods of stock and the rules that hold it."""


def _tries(test: Test, table: pd.DataFrame, order: Sequence[Outage], most: int) -> Iterator[Try]:
    """Yield the stocks that are tried, for the worst places first."""
    top = build(test.scenario)
    driven = np.asarray(Plan.of(test.scenario).order_driven)
    done: set[frozenset[int]] = set()
    for (place, out), short in zip(order, table["short"], strict=True):
        rows = frozenset(r for r in place.reached(top) if not driven[r])
        if short <= 0 or place.sells or not rows or rows in done or len(done) == most:
            continue
        done.add(rows)
        for more in sorted({math.ceil(share * short) for share in SHARES}):
            rules = stocked(top, rows, more)
            if rules:
                yield f"{more} behind {place.name}", (place, out), more, rules


def _where(rules: Sequence[dict[str, Any]]) -> str:
    """Return the stock points of some rules, the first few by name."""
    names = [f"{rule['where']['site']}/{rule['where']['item']}" for rule in rules]
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return ", ".join([*names[:NAMED], *more])
