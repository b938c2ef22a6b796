"""Poisson and negative binomial counts by inversion, directly or from guide tables.

The two give the same bits, so a draw may take either way.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.jit import njit
from twin.rng import Whole

Floats = NDArray[np.float64]

MAX_TABLE_BYTES = 256 * 2**20
LARGEST = 1.0 - 2.0**-53
_SMALLEST = 2.0**-53  # of the uniform numbers
_CUT = 9.0  # standard deviations below the mean where inversion starts; less than 1e-17 lies below
_TAIL = 2.0**-56  # inversion ends where less than about this is left
_ONE = np.uint64(1)


@njit
def _stirling_error(x: float) -> float:
    """Return ``log(x!) - log(sqrt(2 pi x) (x/e)^x)`` for ``x > 0`` (Loader 2000)."""
    error = 0.0
    while x < 15.0:
        error += (x + 0.5) * math.log1p(1.0 / x) - 1.0
        x += 1.0
    y = 1.0 / (x * x)
    series = 1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y / 1188)))
    return error + series / x


@njit
def _count_pmf(k: float, mean: float, v: float) -> float:
    """Probability of count ``k``, by the saddle point form of Loader (2000): no cancellation."""
    if k == 0.0:
        return math.exp(-mean if v == 1.0 else -mean * math.log1p(v - 1.0) / (v - 1.0))
    d = (k - mean) / v
    exponent = -_stirling_error(k) + k * math.log1p(-d / k) + d
    if v == 1.0:
        return math.exp(exponent) / math.sqrt(2.0 * math.pi * k)
    r = mean / (v - 1.0)
    exponent += _stirling_error(r + k) - _stirling_error(r) - d + r * math.log1p(d / r)
    return math.exp(exponent) * math.sqrt(r / (2.0 * math.pi * k * (r + k)))


@njit
def _first_count(mean: float, v: float) -> float:
    return max(0.0, math.floor(mean - _CUT * math.sqrt(mean * v)))


@njit
def _ratio(k: float, mean: float, v: float) -> float:
    """Probability of ``k + 1`` over that of ``k``."""
    return (mean + k * (v - 1.0)) / (v * (k + 1.0))


@njit
def _is_last(k: float, pmf: float, mean: float, v: float) -> bool:
    return k > mean and pmf * v < _TAIL


@njit
def count_quantile(mean: float, v: float, u: float) -> float:
    """Return the quantile of a Poisson (``v = 1``) or negative binomial count, by inversion.

    Sums probabilities up from nine standard deviations below the mean, so the cost grows with the
    standard deviation; :func:`table_quantile` gives the same bits faster.

    Parameters
    ----------
    mean
        Mean count; 0 or less gives 0.
    v
        Variance over mean, from 1 to 1000.
    u
        Uniform number in (0, 1).
    """
    if mean <= 0.0:
        return 0.0
    k = _first_count(mean, v)
    pmf = _count_pmf(k, mean, v)
    cdf = pmf
    while cdf < u and not _is_last(k, pmf, mean, v):
        pmf *= _ratio(k, mean, v)
        k += 1.0
        cdf += pmf
    return k


TABLE = np.dtype(
    [
        ("start", np.uint64),
        ("guide_start", np.uint64),
        ("guide_size", np.float64),
        ("first", np.float64),
        ("mean", np.float64),
        ("v", np.float64),
    ]
)
"""Head of one table, in one record because every draw reads all of it once.

``start``, ``guide_start``: where it begins in ``cdf`` and ``guide``; ``guide_size``: entries of its
guide, a power of two so that ``u * guide_size`` is exact (0: not tabled, inverted directly);
``first``: count of its first entry; ``mean``, ``v``: what is counted.
"""


class CountTables(NamedTuple):
    """Cumulative probabilities of many counts with guide tables; equal pairs share one table."""

    heads: NDArray[np.void]
    """One head a count, of type :data:`TABLE`."""
    cdf: Floats
    """All tables, one after the other; each ends with exactly 1."""
    guide: NDArray[np.uint32]
    """First entry of a table that can answer ``u`` in ``[g/size, (g+1)/size)``."""


@njit
def _scan_count(mean: float, v: float, cdf: Floats) -> tuple[float, int]:
    """Write the cumulative probabilities that a uniform number can hit, if there is room.

    Returns the first count and the number of entries.
    """
    if mean <= 0.0:
        if cdf.size > 0:
            cdf[0] = 1.0
        return 0.0, 1
    k = _first_count(mean, v)
    pmf = _count_pmf(k, mean, v)
    total = pmf
    first, n = k, 0
    while True:
        if total >= _SMALLEST or n > 0:
            if n == 0:
                first = k
            if n < cdf.size:
                cdf[n] = total
            n += 1
        if total >= LARGEST or _is_last(k, pmf, mean, v):
            break
        pmf *= _ratio(k, mean, v)
        k += 1.0
        total += pmf
    if n == cdf.size:
        cdf[n - 1] = 1.0
    return first, n


@njit
def _measure(mean: Floats, v: Floats, first: Floats, length: NDArray[np.int64]) -> None:
    none = np.empty(0)
    for j in range(mean.size):
        first[j], length[j] = _scan_count(mean[j], v[j], none)


@njit
def fill_guide(cdf: Floats, guide: NDArray[np.uint32]) -> None:
    """Write for each ``g`` the first entry of ``cdf`` that reaches ``g / guide.size``."""
    i = 0
    for g in range(guide.size):
        while cdf[i] < g / guide.size:
            i += 1
        guide[g] = i


@njit
def _fill_counts(
    mean: Floats, v: Floats, ends: NDArray[np.int64], guide_ends: NDArray[np.int64],
    cdf: Floats, guide: NDArray[np.uint32],
) -> None:  # fmt: skip
    for j in range(mean.size):
        if ends[j + 1] > ends[j]:
            table = cdf[ends[j] : ends[j + 1]]
            _scan_count(mean[j], v[j], table)
            fill_guide(table, guide[guide_ends[j] : guide_ends[j + 1]])


def guide_sizes(length: NDArray[np.int64]) -> NDArray[np.int64]:
    """Powers of two, at least the table's length: about two steps per look-up."""
    wanted = np.maximum(length, 64).astype(np.float64)
    sizes = np.left_shift(np.int64(1), np.ceil(np.log2(wanted)).astype(np.int64))
    return np.where(length > 0, sizes, 0)


def ends_of(length: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where consecutive tables begin and end, shape (tables + 1,)."""
    return np.concatenate([[0], np.cumsum(length)]).astype(np.int64)


def build_count_tables(
    means: ArrayLike, vs: ArrayLike, max_bytes: int = MAX_TABLE_BYTES
) -> CountTables:
    """Tabulate counts for :func:`table_quantile`.

    Parameters
    ----------
    means, vs
        Mean and variance over mean of each count, shape (counts,).
    max_bytes
        Memory for all tables. The largest counts that do not fit are inverted directly: slower,
        same bits.
    """
    pairs = np.stack([np.asarray(means, np.float64), np.asarray(vs, np.float64)], axis=1)
    unique, which = np.unique(pairs, axis=0, return_inverse=True)
    which = which.reshape(-1)
    mean, v = unique[:, 0].copy(), unique[:, 1].copy()
    first, length = np.empty(mean.size), np.empty(mean.size, np.int64)
    _measure(mean, v, first, length)
    size = length * 8 + guide_sizes(length) * 4
    smallest = np.argsort(size, kind="stable")
    length[smallest[np.cumsum(size[smallest]) > max_bytes]] = 0
    guide_size = guide_sizes(length)
    ends, guide_ends = ends_of(length), ends_of(guide_size)
    cdf, guide = np.empty(ends[-1]), np.empty(guide_ends[-1], np.uint32)
    _fill_counts(mean, v, ends, guide_ends, cdf, guide)
    return CountTables(heads_of(which, ends, guide_ends, first, mean, v), cdf, guide)


def heads_of(
    which: NDArray[np.intp], ends: NDArray[np.int64], guide_ends: NDArray[np.int64],
    first: ArrayLike, mean: ArrayLike, v: ArrayLike,
) -> NDArray[np.void]:  # fmt: skip
    """Return the heads of tables that lie one after the other, in the order ``which``."""
    heads = np.zeros(ends.size - 1, TABLE)
    heads["start"], heads["guide_start"] = ends[:-1], guide_ends[:-1]
    heads["guide_size"] = np.diff(guide_ends)
    heads["first"], heads["mean"], heads["v"] = first, mean, v
    return heads[which]


@njit
def look_up(
    cdf: Floats, guide: NDArray[np.uint32], start: np.uint64, guide_start: np.uint64,
    guide_size: float, u: float,
) -> np.uint64:  # fmt: skip
    """Return the first entry of a table whose cumulative probability reaches ``u``."""
    i = start + np.uint64(guide[guide_start + np.uint64(np.int64(u * guide_size))])
    while cdf[i] < u:
        i += _ONE
    return i - start


@njit
def table_quantile(tables: CountTables, j: Whole, u: float) -> float:
    """Return the quantile of count ``j`` for ``u`` in [2**-53, 1); see :func:`count_quantile`."""
    head = tables.heads[np.uint64(j)]
    if head["guide_size"] > 0.0:
        found = look_up(
            tables.cdf, tables.guide, head["start"], head["guide_start"], head["guide_size"], u
        )
        x = float(head["first"]) + float(np.int64(found))
    else:
        x = count_quantile(head["mean"], head["v"], u)
    return x


@njit
def table_quantiles(tables: CountTables, j: Whole, out: Floats) -> None:
    """Turn uniform numbers into quantiles of count ``j``, in place; see :func:`table_quantile`."""
    head = tables.heads[np.uint64(j)]
    if head["guide_size"] > 0.0:
        _look_up_all(
            tables.cdf, tables.guide, head["start"], head["guide_start"], head["guide_size"],
            head["first"], out,
        )  # fmt: skip
    else:
        for k in range(out.size):
            out[k] = count_quantile(head["mean"], head["v"], out[k])


@njit
def _look_up_all(
    cdf: Floats, guide: NDArray[np.uint32], start: np.uint64, guide_start: np.uint64,
    guide_size: float, first: float, out: Floats,
) -> None:  # fmt: skip
    """Do :func:`look_up` for a block; written out, because a call would not leave the loop bare."""
    for k in range(out.size):
        u = out[k]
        i = start + np.uint64(guide[guide_start + np.uint64(np.int64(u * guide_size))])
        while cdf[i] < u:
            i += _ONE
        out[k] = first + float(np.int64(i - start))
