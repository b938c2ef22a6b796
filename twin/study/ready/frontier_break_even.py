"""Where the best decoupling point changes: sweeps of levers, and the discount that evens two."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from twin.result import words
from twin.study.findings import Chart, Sheet
from twin.study.ready.frontier_cuts import Cuts, compared, cost_table
from twin.study.ready.frontier_levers import LEVERS, Lever
from twin.study.ready.frontier_tables import crossings, ends, sign
from twin.sums import Floats

SWEPT = 32
"""Draws of luck of each run of a sweep: its differences are of means, which need no tail."""

MOST_OFF = 1.0
"""The largest discount: everything for nothing."""


class Sweeps:
    """Expected cost of a few cuts at each level of some levers.

    Parameters
    ----------
    cuts
        What was run so far.
    contenders
        Labels of the cuts that are compared.
    weights
        Of the worlds, ``(W,)``.
    names
        Levers, keys of :data:`twin.study.ready.frontier_levers.LEVERS`.
    """

    def __init__(
        self, cuts: Cuts, contenders: Sequence[str], weights: Floats, names: Sequence[str]
    ) -> None:
        self.cuts, self.contenders, self.weights = cuts, list(contenders), weights
        self.unit = words("money/period", cuts.bench.scenario)
        self.levers: dict[str, Lever] = {}
        self.costs: dict[str, Floats] = {}
        self.absent: list[str] = []
        for name in names:
            lever = LEVERS[name](cuts.bench.scenario)
            if lever is None:
                self.absent.append(name)
            else:
                self.levers[name] = lever
                self.costs[name] = self._swept(name, lever)

    def _swept(self, name: str, lever: Lever) -> Floats:
        """Return expected costs by level, cut and replication, ``(L, C, R)``."""
        cuts = self.cuts
        runs = {
            f"{cut} @ {level:g}": {**cuts.changes[cut], **lever.changes(level)}
            for level, cut in itertools.product(lever.levels, self.contenders)
        }
        cuts.bench.note(f"sweep of the {lever.title}: {len(lever.levels)} levels")
        replications = min(SWEPT, cuts.replications)
        found = compared(cuts.bench, f"sweep-{name}", runs, cuts.worlds, replications)
        table = cost_table(found, list(runs), list(cuts.worlds), cuts.bench, cuts.late_cost)
        expected: Floats = np.einsum("cwr,w->cr", table, self.weights)
        by_level: Floats = expected.reshape(len(lever.levels), len(self.contenders), -1)
        return by_level

    def sheets(self) -> list[tuple[Sheet, Chart]]:
        """Return the costs over the levels of each lever, as tables and pictures."""
        found = []
        for name, lever in self.levers.items():
            rows = [
                {lever.title: level, "decoupling point": cut, "cost": e.mean, "low": e.low,
                 "high": e.high}
                for level, table in zip(lever.levels, self.costs[name], strict=True)
                for cut, e in zip(self.contenders, map(ends, table), strict=True)
            ]  # fmt: skip
            units = {lever.title: lever.unit, **dict.fromkeys(("cost", "low", "high"), self.unit)}
            title = f"Expected cost by {lever.title}"
            caption = "Lateness included, mean over the worlds by their weights; buffers as today."
            file = f"sweep-{name.replace('_', '-')}"
            sheet = Sheet(file, title, pd.DataFrame(rows), units, caption)
            chart = Chart(
                "lines", file, title, file, lever.title, "cost", "low", "high",
                group="decoupling point", caption=caption,
            )  # fmt: skip
            found.append((sheet, chart))
        return found

    def changes(self) -> list[dict[str, Any]]:
        """Return where the best cut changes along each lever, one row each."""
        return [row for name in self.levers for row in self._changes(name)]

    def sheet(self) -> Sheet:
        """Return where the best cut changes along all levers as a table."""
        columns = ["lever", "unit", "below", "above", "at", "low", "high", "clear"]
        caption = (
            "The cheaper one below and above; the interval holds the values at which the paired "
            "difference of the two may be 0. Clear: at the levels on both sides it is not."
        )
        title = "Where the cheapest decoupling point changes"
        frame = pd.DataFrame(self.changes(), columns=columns)
        return Sheet("break-even", title, frame, caption=caption)

    def best(self, name: str) -> list[str]:
        """Return the best cut at each level of a lever."""
        return [self.contenders[n] for n in self.costs[name].mean(axis=2).argmin(axis=1)]

    def _changes(self, name: str) -> list[dict[str, Any]]:
        lever, costs, best = self.levers[name], self.costs[name], self.best(name)
        rows = []
        for k, (one, other) in enumerate(itertools.pairwise(best)):
            if one == other:
                continue
            a, b = (self.contenders.index(cut) for cut in (one, other))
            pair = costs[:, a] - costs[:, b]
            inside = [
                x
                for x in crossings(lever.levels, pair)
                if lever.levels[k] <= x.at <= lever.levels[k + 1]
            ]
            rows += [
                {"lever": lever.title, "unit": lever.unit, "below": one, "above": other,
                 "at": x.at, "low": x.low, "high": x.high,
                 "clear": sign(pair[k]) < 0 < sign(pair[k + 1])}
                for x in inside
            ]  # fmt: skip
        return rows


def discounts(
    labels: Sequence[str], costs: Floats, spent: Floats, best: int
) -> list[dict[str, Any]]:
    """Return the discount on what it buys with which each cut would be as cheap as the best one.

    Its cost is a straight line in the price it pays, so this is exact: (its cost - the best one's)
    / what it spends; the interval holds the discounts at which the paired difference includes 0.

    Parameters
    ----------
    labels
        Of the cuts.
    costs, spent
        Expected cost without and of purchases, by cut and replication, ``(C, R)``.
    best
        Number of the cheapest cut, purchases included.
    """
    total = costs + spent
    rows = []
    for n, told in enumerate(labels):
        if n == best:
            continue
        levels = (0.0, MOST_OFF)
        gap = np.array([total[n] - d * spent[n] - total[best] for d in levels])
        x = next(iter(crossings(levels, gap)), None)
        at, low, high = (np.nan,) * 3 if x is None else x
        rows.append({"decoupling point": told, "discount": at, "low": low, "high": high})
    return rows


def discount_sheet(rows: Sequence[Mapping[str, Any]], against: str) -> tuple[Sheet, Chart]:
    """Return the discounts that even each cut with the best one, as a table and a picture."""
    title = f"Discount that would make a decoupling point as cheap as {against}"
    caption = "On everything it buys, for that decoupling point alone; purchases count here."
    units = dict.fromkeys(("discount", "low", "high"), "share")
    columns = ["decoupling point", "discount", "low", "high"]
    sheet = Sheet("discount", title, pd.DataFrame(rows, columns=columns), units, caption)
    chart = Chart(
        "bars", "discount", title, "discount", "decoupling point", "discount", "low", "high",
        caption=caption,
    )  # fmt: skip
    return sheet, chart
