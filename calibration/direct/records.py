"""Record errors: what counts say about the books, and how much vanishes unseen."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from calibration.balance import BOOKS
from calibration.direct import DRAWS, Estimate, Floats, generator, refs
from calibration.periods import Periods, Point, add_up
from twin.schema import Scenario

_LEAST = 5  # stretches between counts below which nothing is said
_FAR, _MORE = 5, 3  # standard deviations and units from what was lost to what cannot have been


def gaps(events: pd.DataFrame, site: str, item: str) -> pd.DataFrame:
    """Return each count of a device beside the books just before: ``event_time, count, books``."""
    counts = events[
        (events["kind"] == "count") & (events["site"] == site) & (events["item"] == item)
    ]
    counts = counts.drop_duplicates(["source", "event_id"]).sort_values("event_time")
    books = counts[counts["device"] == BOOKS][["event_time", "qty"]]
    seen = counts[counts["device"] != BOOKS][["event_time", "qty", "raw_ref"]]
    found = pd.merge_asof(
        seen.rename(columns={"qty": "count"}), books.rename(columns={"qty": "books"}),
        on="event_time", direction="forward",
    )  # fmt: skip
    return found.dropna(subset=["count", "books"])


def estimate(events: pd.DataFrame, scenario: Scenario, *, seed: int = 0) -> list[Estimate]:
    """Return of each stock point with counts the record error and what vanishes per period.

    Record error: mean of books less count, over the mean of the larger of both. Vanishing: the slope of what the
    flows do not explain, by stretches between counts (:mod:`calibration.balance`), with a bootstrap
    over stretches: the noise of a single count cancels in the sum of the stretches about it.

    Parameters
    ----------
    events
        Canonical events.
    scenario
        Says what production uses, and what a period is.
    seed
        The luck of the bootstrap.
    """
    counts = events[(events["kind"] == "count") & (events["device"] != BOOKS)]
    periods = add_up(events, scenario)
    found = []
    for site, item in sorted(set(zip(counts["site"], counts["item"], strict=True))):
        rows, where = counts[(counts["site"] == site) & (counts["item"] == item)], f"{site}/{item}"
        gap = gaps(events, site, item)
        if len(gap) >= _LEAST:
            size = max(gap["count"].mean(), gap["books"].mean(), 1e-9)
            off = (gap["books"] - gap["count"]).to_numpy() / size
            found.append(_mean(f"record error of {where}", off, rows, seed, "books less count"))
        between = stretches(periods, (site, item))
        if between.length.size >= _LEAST:
            found.append(_rate((site, item), between, rows, seed))
    return found


class Stretches(NamedTuple):
    """From count to count of one stock point, ``(n,)`` each.

    ``first`` and ``last`` count, ``flow``: what came less what went, ``length`` in periods.
    """

    first: Floats
    last: Floats
    flow: Floats
    length: Floats

    @property
    def lost(self) -> Floats:
        """Units that the flows do not explain."""
        return self.first + self.flow - self.last


def stretches(periods: Periods, point: Point) -> Stretches:
    """Return what happened between the counts of a stock point."""
    flow = periods.flow(point) - np.nan_to_num(periods.sold.get(point, np.zeros(periods.n)))
    counts = periods.on_hand[point]
    at = np.flatnonzero(~np.isnan(counts))
    moved = np.diff(np.cumsum(flow)[at])
    return Stretches(counts[at[:-1]], counts[at[1:]], moved, np.diff(at).astype(np.float64))


def most_lost(periods: Periods, point: Point) -> float:
    """Return the most units a period that may vanish at a stock point, as counts tell; inf: no bound.

    Far beyond what is likely: five standard deviations, and some units more. Neighbouring stretches
    share a count, whose noise the deviation holds twice though it cancels in their sum.
    """
    if point not in periods.on_hand:
        return math.inf
    between = stretches(periods, point)
    if between.length.size < _LEAST:
        return math.inf
    lost, length = between.lost, float(between.length.sum())
    deviation = lost.size**0.5 * float(lost.std())
    return (max(0.0, float(lost.sum())) + _FAR * deviation + _MORE) / length


def _mean(name: str, values: Floats, rows: pd.DataFrame, seed: int, method: str) -> Estimate:
    picks = generator(seed, name).integers(0, values.size, (DRAWS, values.size))
    return Estimate.of(
        name, values.mean(), values[picks].mean(axis=1), values.size, refs=refs(rows),
        method=f"{method}, bootstrap",
    )  # fmt: skip


def _rate(point: Point, between: Stretches, rows: pd.DataFrame, seed: int) -> Estimate:
    """Return units a period; neighbouring stretches share a count, so blocks of two are drawn."""
    lost, length = between.lost, between.length
    n, value = lost.size, float(lost.sum() / length.sum())
    name = f"units vanishing at {'/'.join(point)}"
    starts = generator(seed, name).integers(0, n - 1, (DRAWS, (n + 1) // 2))
    picks = np.concatenate([starts, starts + 1], axis=1)
    draws = lost[picks].sum(axis=1) / length[picks].sum(axis=1)
    return Estimate.of(
        name, value, draws, n, refs=refs(rows),
        method="what flows do not explain between counts, block bootstrap",
    )  # fmt: skip
