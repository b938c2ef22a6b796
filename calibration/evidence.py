"""What was estimated directly, laid on its data: how often demand and lead times were how large.

Curves are shares of what was seen that is at most so large, goods still on the way and sold-out
periods counted as what they are: at least that much (Kaplan & Meier 1958). They are compared with
the laws of the calibrated scenario, and with those of the one it began with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from calibration.direct import generator, key_of, refs
from calibration.direct.censored import Curve as Steps
from calibration.direct.censored import Durations, kaplan_meier
from calibration.direct.demand import Seen, seen_of
from calibration.direct.lead_times import LaneTrips, durations, trips, trips_of
from calibration.periods import Periods, Point, add_up
from twin.distributions import demand_factors, lead_time_table
from twin.schema import Demand, LeadTime, Scenario
from twin.topology import build

Floats = npt.NDArray[np.float64]

Law = Callable[[Floats], Floats]
"""A distribution function."""

CHANCE = 0.05
"""How often what is drawn from the law itself leaves its band somewhere."""

_AGAIN = 99  # records that are played again
_TAIL = 0.999  # of a law, where its curve may end
_POINTS = 160  # of a curve, at most


class Curve(NamedTuple):
    """What was seen of one demand or lead time, and the laws that it is compared with.

    Attributes
    ----------
    kind, name
        ``demand`` of a stock point, or ``lead time`` of a lane, purchase or production.
    law
        Kind of the calibrated law, as in a scenario.
    x
        Units in a period, or periods on the way, ``(m,)``, rising.
    seen, fitted, start
        Shares of at most ``x``: in the data, by the calibrated scenario, by the start, ``(m,)``.
    n, more, less
        Periods or trips; how many of them are only known to be at least, or at most, so large.
    gap
        Largest distance of ``seen`` and ``fitted`` up to where the data reach.
    limit
        Distance that data of the fitted law exceed in :data:`CHANCE` of all cases: of demand
        by the inequality of Massart 1990, of trips by playing the same dispatches again.
    """

    kind: str
    name: str
    law: str
    x: Floats
    seen: Floats
    fitted: Floats
    start: Floats
    n: int
    more: int
    less: int
    gap: float
    limit: float


class Evidence(NamedTuple):
    """Curves of demands and lead times, and the rows that stock points' rules rest on.

    ``orders``: first and last row of the orders of each stock point, by name.
    """

    curves: list[Curve]
    orders: dict[str, tuple[str, ...]]


def evidence(events: pd.DataFrame, scenario: Scenario, start: Scenario | None) -> Evidence:
    """Lay a calibrated scenario, and the one it began with, on events.

    Parameters
    ----------
    events
        Canonical events.
    scenario
        Calibrated.
    start
        Where calibration began; None: not known, its curves are NaN.
    """
    curves = [*_demands(add_up(events, scenario), scenario, start)]
    curves += _lead_times(events, scenario, start)
    placed = events[(events["kind"] == "order") & (events["partner"] != "")]
    orders = {
        f"{site}/{item}": refs(rows.sort_values("event_time"))
        for (site, item), rows in placed.groupby(["site", "item"], observed=True)
    }
    return Evidence(curves, orders)


def _curve(
    kind: str, name: str, law: str, d: Durations, laws: tuple[Law, Law], x: Floats,
    limit: float | None = None,
) -> Curve:  # fmt: skip
    """Return a curve at ``x``; ``laws`` are the fitted and the first distribution function."""
    found = kaplan_meier(d, tail=False)
    seen = _reached(found, x)
    fitted, start = (each(x) for each in laws)
    if limit is None:
        limit = float(np.sqrt(np.log(2 / CHANCE) / (2 * max(int(d.exact.sum()), 1))))
    more, less = int(np.isinf(d.high).sum()), int((~d.exact & np.isfinite(d.high)).sum())
    gap = _gap(found, laws[0])
    return Curve(kind, name, law, x, seen, fitted, start, len(d.low), more, less, gap, limit)


def _reached(found: Steps, x: Floats) -> Floats:
    """Return the shares that are over at ``x``; NaN beyond the last time, where some are not."""
    sums = np.concatenate([[0.0], np.cumsum(found.mass)])
    seen = sums[np.searchsorted(found.times, x, side="right")]
    last = found.times[-1] if found.times.size else -np.inf
    return np.where((x <= last) | (sums[-1] > 1 - 1e-9), seen, np.nan)


def _gap(found: Steps, law: Law) -> float:
    """Return the largest distance of steps and a law, before and at each step."""
    sums = np.concatenate([[0.0], np.cumsum(found.mass)])
    before, at = law(found.times - 1e-6), law(found.times)
    away = np.concatenate([np.abs(sums[:-1] - before), np.abs(sums[1:] - at)])
    return float(away.max(initial=0.0))


# ------------------------------------------------------------------------------------- demand
def _demands(periods: Periods, scenario: Scenario, start: Scenario | None) -> Iterator[Curve]:
    for n, demand in enumerate(scenario.demand):
        first = None if start is None else start.demand[n]
        for found, points in seen_of(periods, scenario):
            if found is demand:
                for point, seen in points.items():
                    yield _demand(point, seen, (demand, first), periods, scenario)


def _demand(
    point: Point, seen: Seen, entries: tuple[Demand, Demand | None], periods: Periods,
    scenario: Scenario,
) -> Curve:  # fmt: skip
    known = ~np.isnan(seen.y)
    y, short = seen.y[known], seen.short[known]
    # a period that sold out had at least as much: it counts as longer than anything below
    d = Durations(np.where(short, y - 0.5, y), np.where(short, np.inf, y))
    laws = [_demand_law(e, point[1], periods, scenario, known) for e in entries]
    top = float(y.max())
    while laws[0](np.array([top]))[0] < _TAIL and top < 1e9:
        top = 1.1 * top + 1
    whole = bool((np.round(y) == y).all())
    x = np.arange(np.ceil(top) + 1) if whole and top < _POINTS else np.linspace(0, top, _POINTS)
    if whole:
        x = np.unique(np.round(x))
    return _curve("demand", "/".join(point), entries[0].kind, d, (laws[0], laws[1]), x)


def _demand_law(
    entry: Demand | None, item: str, periods: Periods, scenario: Scenario, known: Any
) -> Law:
    """Return the distribution function of all known periods of a record together."""
    if entry is None:
        return lambda x: np.full(x.shape, np.nan)
    share = 1.0
    if entry.variants is not None:
        share = entry.variants.get(item, 0.0) / max(sum(entry.variants.values()), 1e-300)
    last = periods.first + periods.n
    longer = scenario.model_copy(update={"horizon": max(last, scenario.horizon)})
    factor = np.asarray(demand_factors(entry, longer.calendar, longer.horizon), np.float64)
    inside = np.clip(np.arange(periods.first, last), 0, factor.size - 1)
    values, weights = np.unique(share * factor[inside][known], return_counts=True)
    law = entry  # for the closure: one entry, one law

    def together(x: Floats) -> Floats:
        each = np.array([_cdf(law, f, x) for f in values])
        return np.asarray(weights @ each / weights.sum())

    return together


def _cdf(d: Demand, factor: float, x: Floats) -> Floats:
    """Return the distribution function of demand at ``x`` with its mean times a factor."""
    mean, spread = (d.mean or 0.0) * factor, (d.variance_to_mean or 1.0) - 1
    if d.kind == "recorded":
        return np.asarray((np.array(d.values or [0.0])[:, None] <= x).mean(axis=0))
    if mean <= 0 or d.kind == "constant":
        return np.where(x >= mean - 1e-9, 1.0, 0.0)
    if d.kind == "normal":
        cut = stats.norm.cdf(x / factor, d.mean or 0.0, max(d.sd or 0.0, 1e-9))
        return np.where(x < 0, 0.0, cut)
    if d.kind == "lognormal":
        s = np.sqrt(np.log1p((d.cv or 1e-9) ** 2))
        return np.asarray(stats.lognorm.cdf(x, s, scale=mean * np.exp(-(s**2) / 2)))
    if d.kind == "gamma":
        shape = 1 / (d.cv or 1e-9) ** 2
        return np.asarray(special.gammainc(shape, shape * np.maximum(x, 0) / mean))
    if d.kind == "intermittent":
        chance = d.probability or 1.0
        some = _counts(np.maximum(mean / chance - 1, 1e-6), spread, x - 1)
        return np.where(x < 0, 0.0, 1 - chance + chance * some)
    return _counts(mean, spread, x)


def _counts(mean: float, spread: float, x: Floats) -> Floats:
    """Return the distribution function of Poisson or negative binomial counts."""
    if spread < 1e-9:
        return np.asarray(stats.poisson.cdf(x, mean))
    return np.asarray(stats.nbinom.cdf(x, mean / spread, 1 / (1 + spread)))


# --------------------------------------------------------------------------------- lead times
def _lead_times(
    events: pd.DataFrame, scenario: Scenario, start: Scenario | None
) -> Iterator[Curve]:
    now, before = _leads(scenario), {} if start is None else _leads(start)
    for lane in trips_of(trips(events, scenario), build(scenario)):
        d, lead = lane.durations, now[lane.key]
        if not np.isfinite(d.high).any():
            continue  # nothing has come yet
        longest = float(max(d.high[np.isfinite(d.high)].max(), d.low.max()))
        tables = [lead_time_table(e) for e in (lead, before.get(lane.key, lead))]
        top = max([longest, *(float(values[-1]) for values, _ in tables)])
        laws = (_steps(lead), _steps(before.get(lane.key)))
        x = np.arange(top + 2) if top < _POINTS else np.round(np.linspace(0, top, _POINTS))
        limit = None if lead.kind == "constant" else _limit(lane, lead)
        yield _curve("lead time", lane.name, lead.kind, d, laws, np.unique(x), limit)


def _limit(lane: LaneTrips, lead: LeadTime) -> float:
    """Return the gap that a record of a lane's own law exceeds in :data:`CHANCE` of all cases.

    The dispatches are sent again and again, each with a drawn lead time; what waits behind others
    and what has not come by the end is censored as in the record itself.
    """
    values, cdf = lead_time_table(lead)
    rng, law = generator(0, "evidence", lane.key), _steps(lead)
    gaps = []
    for _ in range(_AGAIN):
        parts = []
        for sent in map(np.sort, lane.sent):
            came = sent + values[np.searchsorted(cdf, rng.random(sent.size))]
            if not lane.overtaking:
                came = np.maximum.accumulate(came)
            got = np.where(came <= lane.last, came, np.nan)
            table = pd.DataFrame({"sent": sent, "got": got})
            parts.append(durations(table, lane.last, lane.overtaking))
        d = Durations(*(np.concatenate(ends) for ends in zip(*parts, strict=True)))
        gaps.append(_gap(kaplan_meier(d, tail=False), law))
    return float(np.sort(gaps)[int((1 - CHANCE) * (_AGAIN + 1)) - 1])


def _leads(scenario: Scenario) -> dict[str, LeadTime]:
    """Return the lead times of a scenario by their dotted keys."""
    top = build(scenario)
    return {
        f"{key_of(top.scenario, link.declared)}.lead_time": link.declared.lead_time
        for link in top.links
    }


def _steps(lead: LeadTime | None) -> Law:
    """Return the distribution function of a lead time as the engine draws it."""
    if lead is None:
        return lambda x: np.full(x.shape, np.nan)
    values, cdf = lead_time_table(lead)
    sums = np.concatenate([[0.0], cdf])
    return lambda x: np.asarray(sums[np.searchsorted(values, x, side="right")])
