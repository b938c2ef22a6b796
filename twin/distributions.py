"""Lead times, gamma demand, and the factors and moments of demand; all by inversion.

One uniform number gives one draw, and a larger number never gives a smaller draw: what common
random numbers need. (Counts live in :mod:`twin.counts` and are handed on from here.)
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.counts import (
    CountTables,
    Floats,
    build_count_tables,
    count_quantile,
    ends_of,
    fill_guide,
    guide_sizes,
    heads_of,
    look_up,
    table_quantile,
    table_quantiles,
)
from twin.errors import ScenarioError
from twin.jit import njit
from twin.rng import Whole, normal_cdf, normal_quantile
from twin.schema import Calendar, Demand, LeadTime
from twin.schema.scenario import PERIODS_PER_YEAR

__all__ = [
    "CountTables",
    "LeadTables",
    "build_count_tables",
    "build_lead_tables",
    "count_quantile",
    "demand_factors",
    "demand_moments",
    "gamma_quantile",
    "gamma_table",
    "lead_quantile",
    "lead_time_moments",
    "lead_time_table",
    "mean_size",
    "table_quantile",
    "table_quantiles",
]

_REACH = 8.3  # the gamma table reaches from normal score -8.3 to 8.3: every uniform number
_POINTS = 512
_ZERO = np.uint64(0)
_ONE = np.uint64(1)


def lead_time_table(lead: LeadTime) -> tuple[NDArray[np.int64], Floats]:
    """Return the possible lead times and their cumulative probabilities.

    Lognormal and gamma lead times are rounded to the nearest whole period and cut at their 99.9 %
    quantile: differences of the distribution function at half-integers, scaled to sum to 1.

    Returns
    -------
    values : ndarray of int64
        Lead times in periods, ascending.
    cdf : ndarray
        Cumulative probabilities; the last is exactly 1.
    """
    weights = tuple(lead.weights) if lead.weights else None
    values = tuple(lead.values) if lead.values else None
    return _lead_time_table(lead.kind, lead.value, lead.mean, lead.cv, values, weights)


@lru_cache(maxsize=4096)
def _lead_time_table(
    kind: str, value: int | None, mean: float | None, cv: float | None,
    values: tuple[int, ...] | None, weights: tuple[float, ...] | None,
) -> tuple[NDArray[np.int64], Floats]:  # fmt: skip
    if mean is not None and cv is not None:
        cdf = _rounded_cdf(kind, mean, cv)
        found = np.arange(cdf.size)
    else:
        seen = np.array(values if values is not None else [value], dtype=np.int64)
        share = np.ones(seen.size) if weights is None else np.array(weights)
        found, which = np.unique(seen[share > 0], return_inverse=True)
        cdf = np.cumsum(np.bincount(which, weights=share[share > 0]))
    cdf = cdf / cdf[-1]
    for array in (found, cdf):  # shared by all callers
        array.setflags(write=False)
    return found, cdf


def _rounded_cdf(kind: str, mean: float, cv: float) -> Floats:
    """Distribution function at 1/2, 3/2 ... up to the 99.9 % quantile, rounded to whole periods."""
    if kind == "lognormal":
        s = math.sqrt(math.log1p(cv * cv))
        mu = math.log(mean) - s * s / 2
        last = math.floor(math.exp(mu + s * normal_quantile(0.999)) + 0.5)
        return np.array([normal_cdf((math.log(n + 0.5) - mu) / s) for n in range(last + 1)])
    from scipy.special import gammainc, gammaincinv  # imported late: scipy takes a while

    shape = 1 / cv**2
    last = math.floor(gammaincinv(shape, 0.999) * mean / shape + 0.5)
    cdf: Floats = gammainc(shape, (np.arange(last + 1) + 0.5) * shape / mean)
    return cdf


def lead_time_moments(lead: LeadTime) -> tuple[float, float]:
    """Return mean and variance of a lead time as it is drawn, in whole periods."""
    values, cdf = lead_time_table(lead)
    p = np.diff(cdf, prepend=0.0)
    mean = math.fsum(p * values)
    return mean, math.fsum(p * (values - mean) ** 2)


class LeadTables(NamedTuple):
    """Cumulative probabilities of many links' lead times; equal lead times share one table."""

    heads: NDArray[np.void]
    """One head a link, of type :data:`twin.counts.TABLE`; ``first`` is the shortest lead time."""
    cdf: Floats
    """All tables, one entry per whole period from the shortest to the longest lead time."""
    guide: NDArray[np.uint32]


def build_lead_tables(leads: Iterable[LeadTime]) -> LeadTables:
    """Tabulate the lead time of each link for :func:`lead_quantile`."""
    known: dict[int, int] = {}
    kept: list[tuple[NDArray[np.int64], Floats]] = []
    table = []
    for lead in leads:
        found = lead_time_table(lead)
        if id(found) not in known:
            known[id(found)] = len(kept)
            kept.append(found)  # keeps it alive, so that its id stays its own
        table.append(known[id(found)])
    dense = [c[np.searchsorted(x, np.arange(x[0], x[-1] + 1), side="right") - 1] for x, c in kept]
    length = np.array([c.size for c in dense], dtype=np.int64)
    guide_size = np.where(length == 1, 1, guide_sizes(length))
    ends, guide_ends = ends_of(length), ends_of(guide_size)
    guide = np.empty(guide_ends[-1], np.uint32)
    for j, c in enumerate(dense):
        fill_guide(c, guide[guide_ends[j] : guide_ends[j + 1]])
    shortest = [x[0] for x, _ in kept]
    return LeadTables(
        heads=heads_of(np.array(table, dtype=np.intp), ends, guide_ends, shortest, 0.0, 1.0),
        cdf=np.concatenate(dense) if dense else np.empty(0),
        guide=guide,
    )


@njit
def lead_quantile(tables: LeadTables, j: Whole, u: float) -> int:
    """Return the lead time of link ``j`` for a uniform number ``u``, in whole periods."""
    head = tables.heads[np.uint64(j)]
    found = look_up(
        tables.cdf, tables.guide, head["start"], head["guide_start"], head["guide_size"], u
    )
    return int(head["first"]) + int(np.int64(found))


def gamma_table(cv: float) -> Floats:
    """Return quantiles of a gamma variable of mean 1 and their slopes, for monotone interpolation.

    Points are even in the normal score of the probability, which keeps both tails.

    Parameters
    ----------
    cv
        Standard deviation over mean.

    Returns
    -------
    ndarray, shape (2, 512)
        Quantiles, slopes.
    """
    from scipy.interpolate import PchipInterpolator  # imported late: scipy takes a while
    from scipy.special import gammainccinv, gammaincinv, ndtr

    shape = 1 / cv**2
    z = np.linspace(-_REACH, _REACH, _POINTS)
    values = np.where(z < 0, gammaincinv(shape, ndtr(z)), gammainccinv(shape, ndtr(-z))) / shape
    values[values < 1e-200] = 0.0  # the interpolation divides by differences
    return np.stack([values, PchipInterpolator(z, values).derivative()(z)])


@njit
def gamma_quantile(tables: Floats, j: Whole, z: float) -> float:
    """Return the gamma quantile (mean 1) at the normal score ``z`` of its probability.

    ``tables[j]`` is a :func:`gamma_table`.
    """
    row = np.uint64(j)
    width = 2.0 * _REACH / (_POINTS - 1)
    place = (z + _REACH) / width
    i = np.uint64(np.int64(place))
    x = place - float(np.int64(i))
    y = 1.0 - x
    bend = y * tables[row, _ONE, i] - x * tables[row, _ONE, i + _ONE]
    ends = tables[row, _ZERO, i] * y * y * (1.0 + 2.0 * x)
    ends += tables[row, _ZERO, i + _ONE] * x * x * (3.0 - 2.0 * x)
    return float(ends + x * y * width * bend)


# ---------------------------------------------------------------------------------------- demand
def demand_factors(demand: Demand, calendar: Calendar, horizon: int) -> Floats:
    """Return the factor on mean demand of each period: season times trend.

    Weekly factors count in daily periods only; yearly ones go by the month of a period's first
    day; each list is scaled to mean 1. Trend is ``(1 + trend) ** (t / periods per year)``.

    Returns
    -------
    ndarray, shape (horizon,)
    """
    season = demand.season
    lists = (tuple(x) if x is not None else None for x in (season.weekly, season.yearly))
    return _demand_factors(*lists, demand.trend, calendar.start, calendar.period, horizon).copy()


@lru_cache(maxsize=64)
def _demand_factors(
    weekly: tuple[float, ...] | None, yearly: tuple[float, ...] | None, trend: float,
    start: dt.date, period: str, horizon: int,
) -> Floats:  # fmt: skip
    factors = np.ones(horizon)
    days = 1 if period == "day" else 7
    if weekly is not None and days == 1:
        weekday = (start.weekday() + np.arange(horizon)) % 7
        factors *= (np.array(weekly) / np.array(weekly).mean())[weekday]
    if yearly is not None:
        dates = np.datetime64(start, "D") + days * np.arange(horizon)
        month = dates.astype("datetime64[M]").astype(np.int64) % 12
        factors *= (np.array(yearly) / np.array(yearly).mean())[month]
    if trend != 0:  # libm's power: numpy's own differs between processors
        growth, year = 1 + trend, PERIODS_PER_YEAR[period]
        factors *= np.array([math.pow(growth, t / year) for t in range(horizon)])
    return factors


def mean_size(demand: Demand) -> float:
    """Return the mean size of a positive intermittent demand (0: nobody orders).

    Raises
    ------
    ScenarioError
        If it is below 1: sizes are whole units from 1.
    """
    mean, p = demand.mean or 0.0, demand.probability or 1.0
    if 0 < mean < p:
        msg = (
            f"intermittent demand at '{demand.site}': mean = {mean:g} with probability = {p:g} "
            f"means {mean / p:g} units per order; sizes are 1 or more: raise 'mean' to at least "
            f"{p:g} or lower 'probability'"
        )
        raise ScenarioError(msg)
    return mean / p


def demand_moments(demand: Demand) -> tuple[float, float]:
    """Return mean and variance of one period's demand at factor 1, as it is drawn.

    Recorded demand: of the sample. Normal demand: after the cut at 0.

    Raises
    ------
    ScenarioError
        If an intermittent demand has positive sizes below 1.
    """
    mean = demand.mean or 0.0
    if demand.kind == "recorded":
        values = np.array(demand.values or [0.0])
        return float(values.mean()), float(values.var())
    if demand.kind == "normal":
        return _cut_normal_moments(mean, demand.sd or 0.0)
    if demand.kind in ("lognormal", "gamma"):
        return mean, (mean * (demand.cv or 0.0)) ** 2
    if demand.kind == "intermittent" and mean > 0:
        size, v = mean_size(demand), demand.variance_to_mean or 1.0
        return mean, mean * ((size - 1) * v / size + size - mean)
    return mean, 0.0 if demand.kind == "constant" else mean * (demand.variance_to_mean or 1.0)


def _cut_normal_moments(mean: float, sd: float) -> tuple[float, float]:
    """Moments of ``max(0, X)`` for a normal ``X``."""
    if sd == 0:
        return mean, 0.0
    a = mean / sd
    above = normal_cdf(a)
    density = math.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    first = mean * above + sd * density
    second = (mean * mean + sd * sd) * above + mean * sd * density
    return first, second - first * first
