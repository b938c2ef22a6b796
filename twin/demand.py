"""Customer demand: every sink's distribution as arrays, and the draw of one period.

How finely count demand (Poisson, negative binomial, sizes of intermittent demand) is tabled:
one table per distinct mean of the horizon (to 12 significant digits) and variance over mean.
Where a season and trend have more than 400 distinct factors these are rounded to a relative grid
of 0.001, and where all sinks together need more than 20,000 distinct means those are too: a
mean is then up to 0.05 % off (the draw with a multiplier uses the same rounded mean). Tables
beyond 256 MiB are not kept; such demand is inverted directly, which is slower and gives the same
bits.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.arrays.types import Streams
from twin.counts import (
    LARGEST,
    CountTables,
    Floats,
    build_count_tables,
    count_quantile,
    table_quantile,
    table_quantiles,
)
from twin.distributions import demand_factors, gamma_quantile, gamma_table, mean_size
from twin.jit import entry
from twin.memory import kept
from twin.rng import DEMAND, Whole, fill_uniforms, normal_quantile, streams_of, uniform
from twin.schema import Demand, Scenario
from twin.topology import Sink

MAX_FACTORS = 400
MAX_MEANS = 20_000
MAX_GAMMAS = 4_000
_ONE = np.uint64(1)
_GRID = math.log1p(1e-3)

CONSTANT, NORMAL, COUNT, INTERMITTENT, LOGNORMAL, GAMMA, RECORDED = range(7)
_NUMBER = {
    "constant": CONSTANT,
    "normal": NORMAL,
    "poisson": COUNT,
    "negative_binomial": COUNT,
    "intermittent": INTERMITTENT,
    "lognormal": LOGNORMAL,
    "gamma": GAMMA,
    "recorded": RECORDED,
}


FORM = np.dtype(
    [
        ("kind", np.int64),
        ("pattern", np.uint64),
        ("mean", np.float64),
        ("spread", np.float64),
        ("chance", np.float64),
        ("start", np.uint64),
        ("end", np.uint64),
    ]
)
"""What many sinks have in common, in one record because every draw reads all of it once.

``pattern``: row of ``factor`` and ``level``; ``mean``: at factor 1; ``spread``: sd (normal) or sd
of the logarithm (lognormal); ``chance``: of any intermittent demand; ``start``: first entry in
``level_table`` (counts), table in ``gamma`` or first entry in ``recorded`` (until ``end``).
"""


class DemandTables(NamedTuple):
    """Every sink's demand."""

    stream: Streams
    """The luck of each sink."""
    form: NDArray[np.uint32]
    """Which of the forms each sink has."""
    forms: NDArray[np.void]
    """One record for all sinks with the same demand, of type :data:`FORM`."""
    factor: Floats
    """Factor on the mean, shape (patterns, periods): one pattern for equal season and trend."""
    level: NDArray[np.uint32]
    """Number of each period's factor among the distinct ones, shape (patterns, periods)."""
    level_table: NDArray[np.uint64]
    """Table in ``counts`` of a sink at a distinct factor (intermittent: of mean size - 1)."""
    counts: CountTables
    gamma: Floats
    """Quantiles and slopes of gamma demand of mean 1, shape (tables, 2, 512)."""
    recorded: Floats
    """Recorded demand of all sinks, one after the other."""


# --------------------------------------------------------------------------------------- compile
def compile_demand(
    sinks: Sequence[Sink], scenario: Scenario, stream: Streams | None = None
) -> DemandTables:
    """Translate the customers of a scenario for :func:`draw_demand`.

    Parameters
    ----------
    sinks
        Sinks in the kernel's order; their names key the luck.
    scenario
        Calendar and horizon are read.
    stream
        The luck of the sinks, where it is at hand.

    Raises
    ------
    ScenarioError
        If two names share a random stream or an intermittent demand has sizes below 1.
    """
    demands, form = _distinct_demands(sinks)
    table = np.zeros(len(demands), FORM)
    table["kind"] = [_NUMBER[d.kind] for d in demands]
    table["mean"] = [d.mean or 0.0 for d in demands]
    table["spread"] = [_spread(d) for d in demands]
    table["chance"] = [d.probability or 1.0 for d in demands]
    factor = _patterns(demands, scenario, table)
    level, distinct = _levels(factor)
    level_table, counts = _counts(demands, distinct, table)
    return DemandTables(
        stream=streams_of(s.name for s in sinks) if stream is None else stream,
        form=form,
        forms=table,
        factor=factor,
        level=level,
        level_table=level_table,
        counts=counts,
        gamma=_gammas(demands, table),
        recorded=_recorded(demands, table),
    )


def _distinct_demands(sinks: Sequence[Sink]) -> tuple[list[Demand], NDArray[np.uint32]]:
    """Return demands that differ in more than who wants what, and which one each sink has."""
    known: dict[Any, int] = {}
    found: list[Demand] = []
    form = []
    for s in sinks:
        key = kept(s, "_demand_key", functools.partial(_demand_key, s.demand))
        if key not in known:
            known[key] = len(found)
            found.append(s.demand)
        form.append(known[key])
    return found, np.array(form, dtype=np.uint32)


def _demand_key(d: Demand) -> tuple[Any, ...]:
    return (
        d.kind, d.mean, d.sd, d.cv, d.variance_to_mean, d.probability, d.trend,
        tuple(d.season.weekly or ()), tuple(d.season.yearly or ()), tuple(d.values or ()),
    )  # fmt: skip


def _spread(demand: Demand) -> float:
    if demand.kind == "lognormal":
        return math.sqrt(math.log1p((demand.cv or 0.0) ** 2))
    return demand.sd or 0.0


def _patterns(demands: list[Demand], scenario: Scenario, table: NDArray[np.void]) -> Floats:
    """Return one row of factors per season and trend; writes each sink's row into ``table``."""
    known: dict[Any, int] = {}
    rows: list[Floats] = []
    which = []
    for d in demands:
        key = (tuple(d.season.weekly or ()), tuple(d.season.yearly or ()), d.trend)
        if key not in known:
            known[key] = len(rows)
            rows.append(demand_factors(d, scenario.calendar, scenario.horizon))
        which.append(known[key])
    table["pattern"] = which
    return np.array(rows).reshape(len(rows), scenario.horizon)


def _on_grid(x: float) -> float:
    return math.exp(round(math.log(x) / _GRID) * _GRID) if x > 0 else x


def _each(change: Callable[[float], float], values: Floats) -> Floats:
    """Change every value, equal ones once (with libm, which all processors share)."""
    distinct, which = np.unique(values, return_inverse=True)
    changed = np.array([change(x) for x in distinct.tolist()], dtype=np.float64)
    return changed[which].reshape(values.shape)


def _levels(factor: Floats) -> tuple[NDArray[np.uint32], list[Floats]]:
    """Return the number of each period's factor and the distinct factors of each pattern."""
    level = np.zeros(factor.shape, np.uint32)
    distinct = []
    for p, row in enumerate(factor):
        if np.unique(row).size > MAX_FACTORS:
            row = _each(_on_grid, row)
        values, which = np.unique(row, return_inverse=True)
        level[p] = which
        distinct.append(values)
    return level, distinct


def _counts(
    demands: list[Demand], distinct: list[Floats], table: NDArray[np.void]
) -> tuple[NDArray[np.uint64], CountTables]:
    """Return the table of each sink and distinct factor; writes where each sink's begin."""
    means, vs, used = [np.empty(0)], [np.empty(0)], 0
    for s in np.flatnonzero(np.isin(table["kind"], (COUNT, INTERMITTENT))):
        d = demands[s]
        factors = distinct[table["pattern"][s]]
        rare = d.kind == "intermittent"
        means.append(mean_size(d) * factors - 1 if rare else (d.mean or 0.0) * factors)
        vs.append(np.full(factors.size, d.variance_to_mean or 1.0))
        table["start"][s] = used
        used += factors.size
    v = np.concatenate(vs)
    mean = _each(lambda x: float(f"{x:.12g}"), np.concatenate(means))
    pairs, which = _distinct(mean, v)
    if pairs.size > MAX_MEANS:
        pairs, which = _distinct(_each(_on_grid, mean), v)
    return which, build_count_tables(pairs.real, pairs.imag)


def _distinct(mean: Floats, v: Floats) -> tuple[NDArray[np.complex128], NDArray[np.uint64]]:
    """Return the distinct pairs, as complex numbers, and which one each is."""
    pairs, which = np.unique(mean + 1j * v, return_inverse=True)
    return pairs, which.astype(np.uint64)


def _gammas(demands: list[Demand], table: NDArray[np.void]) -> Floats:
    """Return tables by coefficient of variation (on a grid where there are many)."""
    rows = np.flatnonzero(table["kind"] == GAMMA)
    cv = np.array([demands[s].cv for s in rows], dtype=np.float64)
    if np.unique(cv).size > MAX_GAMMAS:
        cv = _each(_on_grid, cv)
    distinct, which = np.unique(cv, return_inverse=True)
    table["start"][rows] = which
    made = [gamma_table(x) for x in distinct.tolist()]
    return np.array(made) if made else np.empty((0, 2, 0))


def _recorded(demands: list[Demand], table: NDArray[np.void]) -> Floats:
    """Return all records, one after the other; writes where each begins and ends."""
    rows = np.flatnonzero(table["kind"] == RECORDED)
    values = [np.empty(0), *(np.array(demands[s].values, dtype=np.float64) for s in rows)]
    ends = np.cumsum([x.size for x in values])
    table["start"][rows], table["end"][rows] = ends[:-1], ends[1:]
    return np.concatenate(values)


# ------------------------------------------------------------------------------------------ draw
@entry
def draw_demand(
    tables: DemandTables, seed: Whole, s: Whole, t: Whole, k0: Whole, multiplier: Floats,
    out: Floats,
) -> None:  # fmt: skip
    """Draw the demand of one sink in one period for a block of replications.

    Parameters
    ----------
    tables
        From :func:`compile_demand`.
    seed
        The luck, 64 bits.
    s, t
        Sink and period (less than the scenario's horizon).
    k0
        Replication of ``out[0]``.
    multiplier
        Factors on the mean of the period, shape (replications,), or empty: all 1. Counts keep
        their variance over mean; intermittent demand keeps its probability as long as the mean
        size is 1 or more; all other demand is multiplied (recorded demand knows no other factor).
    out
        Gets the demand in units, shape (replications,).
    """
    sink = tables.forms[tables.form[np.uint64(s)]]
    kind, start, mean, spread = sink["kind"], sink["start"], sink["mean"], sink["spread"]
    row, period = sink["pattern"], np.uint64(t)
    if kind != CONSTANT and kind != RECORDED:
        fill_uniforms(seed, tables.stream[np.uint64(s)], DEMAND, period, k0, out)
    if kind == COUNT:
        j = tables.level_table[start + np.uint64(tables.level[row, period])]
        _draw_counts(tables.counts, j, multiplier, out)
    elif kind == INTERMITTENT:
        j = tables.level_table[start + np.uint64(tables.level[row, period])]
        _draw_intermittent(tables.counts, j, sink["chance"], multiplier, out)
    elif kind == NORMAL:
        _draw_normal(mean, spread, out)
    elif kind == LOGNORMAL:
        _draw_lognormal(mean, spread, out)
    elif kind == GAMMA:
        _draw_gamma(tables.gamma, start, mean, out)
    elif kind == CONSTANT:
        _fill(mean, out)
    elif start + period < sink["end"]:
        _fill(tables.recorded[start + period], out)
    else:
        _fill(0.0, out)
    if kind != COUNT and kind != INTERMITTENT:
        _scale(1.0 if kind == RECORDED else tables.factor[row, period], multiplier, out)


@entry
def draw_period(
    tables: DemandTables, seed: Whole, t: Whole, k0: Whole, multiplier: Floats, out: Floats
) -> None:
    """Draw the demand of all sinks in one period: the bits of :func:`draw_demand`, sooner.

    Parameters
    ----------
    tables, seed, t, k0
        As in :func:`draw_demand`.
    multiplier
        Factors on the mean, shape (sinks * replications,), or empty: all 1.
    out
        Gets the demand in units, shape (sinks * replications,).
    """
    n = tables.form.size
    width = out.size // max(n, 1)
    alone = width == 1 and multiplier.size == 0
    if alone:
        _draw_single_counts(
            tables.stream, tables.form, tables.forms, tables.level, tables.level_table,
            tables.counts.heads, tables.counts.cdf, tables.counts.guide, seed, t, k0, out,
        )  # fmt: skip
    for s in range(n):
        if not alone or out[s] < 0.0:
            lo, hi = s * width, (s + 1) * width
            factors = multiplier[lo:hi] if multiplier.size > 0 else multiplier
            draw_demand(tables, seed, s, t, k0, factors, out[lo:hi])


@entry
def _draw_single_counts(
    stream: Streams, form: NDArray[np.uint32], forms: NDArray[np.void], level: NDArray[np.uint32],
    level_table: NDArray[np.uint64], heads: NDArray[np.void], cdf: Floats,
    guide: NDArray[np.uint32], seed: Whole, t: Whole, k0: Whole, out: Floats,
) -> None:  # fmt: skip
    """Draw tabled counts of one replication without a call, so that sinks overlap; others: -1."""
    for s in range(out.size):
        sink = forms[form[s]]
        out[s] = -1.0
        if sink["kind"] == COUNT:
            at = sink["start"] + np.uint64(level[sink["pattern"], np.uint64(t)])
            head = heads[level_table[at]]
            u = uniform(seed, stream[s], DEMAND, t, k0)
            size = head["guide_size"]
            if size > 0.0:
                i = head["start"] + np.uint64(
                    guide[head["guide_start"] + np.uint64(np.int64(u * size))]
                )
                while cdf[i] < u:
                    i += _ONE
                out[s] = head["first"] + float(np.int64(i - head["start"]))


@entry
def _fill(value: float, out: Floats) -> None:
    for k in range(out.size):
        out[k] = value


@entry
def _scale(factor: float, multiplier: Floats, out: Floats) -> None:
    for k in range(out.size):
        out[k] *= factor
    for k in range(multiplier.size):
        out[k] *= multiplier[k]


@entry
def _draw_counts(counts: CountTables, j: np.uint64, multiplier: Floats, out: Floats) -> None:
    if multiplier.size == 0:
        table_quantiles(counts, j, out)
    mean, v = counts.heads[j]["mean"], counts.heads[j]["v"]
    for k in range(multiplier.size):
        if multiplier[k] == 1.0:
            out[k] = table_quantile(counts, j, out[k])
        else:
            out[k] = count_quantile(mean * multiplier[k], v, out[k])


@entry
def _draw_intermittent(
    counts: CountTables, j: np.uint64, chance: float, multiplier: Floats, out: Floats
) -> None:
    """Nothing, or 1 + a count. A mean size below 1 becomes a smaller chance of size 1."""
    mean, v = counts.heads[j]["mean"], counts.heads[j]["v"]
    for k in range(out.size):
        factor = multiplier[k] if multiplier.size > 0 else 1.0
        size = (mean + 1.0) * factor
        p = chance * min(1.0, size)
        above = out[k] - (1.0 - p)
        if above < 0.0 or p <= 0.0:
            out[k] = 0.0
        else:
            u = min(max(above / p, 1.0 - LARGEST), LARGEST)
            if factor == 1.0:
                out[k] = 1.0 + table_quantile(counts, j, u)
            else:
                out[k] = 1.0 + count_quantile(size - 1.0, v, u)


@entry
def _draw_normal(mean: float, sd: float, out: Floats) -> None:
    for k in range(out.size):
        out[k] = max(0.0, mean + sd * normal_quantile(out[k]))


@entry
def _draw_lognormal(mean: float, s: float, out: Floats) -> None:
    for k in range(out.size):
        out[k] = mean * math.exp(s * normal_quantile(out[k]) - 0.5 * s * s)


@entry
def _draw_gamma(tables: Floats, j: np.uint64, mean: float, out: Floats) -> None:
    for k in range(out.size):
        out[k] = mean * gamma_quantile(tables, j, normal_quantile(out[k]))
