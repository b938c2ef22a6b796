"""Customer demand of each stock point as a distribution that a scenario can draw from.

Where only sales are seen, a period that ends with an empty shelf says "at least this much": it is
right-censored. Taking sales for demand there makes demand look small exactly where it is large.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, special

from calibration.chooser import choose
from calibration.direct import DRAWS, Estimate, Floats, generator, key_of, refs
from calibration.direct.censored import inverse_curvature
from calibration.periods import Periods, Point, add_up
from twin.distributions import demand_factors
from twin.schema import Demand, Scenario

EMPTY = 0.5
"""Units on the shelf at the end of a period below which it counts as sold out."""

LEAST = 14
"""Periods with known demand below which nothing is estimated."""

_HORIZON = 4
_COUNTS = ("poisson", "negative_binomial", "gamma", "intermittent")
_AMOUNTS = ("gamma",)  # demand that is not whole is no count
_NEARLY = 0.95  # share of periods whose demand is whole: then it is a count, cut here and there
_SPREAD = {
    "negative_binomial": "variance_to_mean", "intermittent": "variance_to_mean", "gamma": "cv"
}  # fmt: skip
_WORDS = {
    "mean": "mean demand", "variance_to_mean": "variance over mean of demand",
    "cv": "deviation over mean of demand", "probability": "share of periods with demand",
}  # fmt: skip


class Seen(NamedTuple):
    """Demand of one stock point: ``y`` per period, ``short``: it was at least that much.

    ``weekday`` and ``known`` (the factor of a season and trend that are not estimated), ``(n,)``.
    """

    y: Floats
    short: npt.NDArray[np.bool_]
    weekday: npt.NDArray[np.int64]
    known: Floats

    def of(self, where: npt.NDArray[np.bool_]) -> Seen:
        """Return some of the periods."""
        return Seen(self.y[where], self.short[where], self.weekday[where], self.known[where])


class Fit(NamedTuple):
    """A fitted distribution.

    ``theta``: logarithms of mean and spread (cv; variance over mean less 1), and logit of the share
    of periods with any demand, as far as the kind has them.
    """

    kind: str
    theta: Floats
    covariance: Floats
    week: Floats | None
    loss: float

    @property
    def information(self) -> float:
        """Akaike's criterion, lower is better."""
        return 2 * (self.loss + self.theta.size)


def stock_outs(periods: Periods, point: Point) -> npt.NDArray[np.bool_]:
    """Return the periods that end with an empty shelf, by a count or else by the books, ``(n,)``."""
    books = periods.books.get(point, np.full(periods.n, np.nan))
    counts = periods.on_hand.get(point, books)
    return np.where(np.isnan(counts), books, counts) < EMPTY


def fit(seen: Seen, kind: str, weekly: bool = False) -> Fit:
    """Return the most likely distribution of one kind.

    Parameters
    ----------
    seen
        Demand; what is missing (NaN) is left out, what is short is right-censored.
    kind
        ``poisson``, ``negative_binomial``, ``gamma`` or ``intermittent``.
    weekly
        Let each weekday have a factor of its own (expectation-maximisation: a censored period
        counts as what is expected above its sales).
    """
    seen = seen.of(~np.isnan(seen.y))
    week = np.ones(7)
    for _ in range(4 if weekly and seen.short.any() else 2 if weekly else 1):
        found = _fit(seen, kind, week[seen.weekday] * seen.known)
        if weekly:
            level = np.exp(found.theta[0]) * seen.known
            filled = np.where(seen.short, _above(found, seen, week), seen.y)
            week = np.array([
                filled[seen.weekday == d].sum() / max(level[seen.weekday == d].sum(), 1e-9)
                for d in range(7)
            ])  # fmt: skip
            week = np.maximum(week / max(week.mean(), 1e-9), 0.01)
    if weekly:
        found = _fit(seen, kind, week[seen.weekday] * seen.known)._replace(week=week)
    return found


def _above(found: Fit, seen: Seen, week: Floats) -> Floats:
    """Return the expected demand given that it was at least what was sold."""
    mean = np.exp(found.theta[0]) * week[seen.weekday] * seen.known
    spread = np.exp(found.theta[1]) if found.theta.size > 1 else 0.0
    variance = mean * (1 + spread) if found.kind != "gamma" else (spread * mean) ** 2
    shape = np.maximum(mean**2 / np.maximum(variance, 1e-9), 1e-9)
    scale = variance / np.maximum(mean, 1e-9)
    tail = np.maximum(special.gammaincc(shape, seen.y / scale), 1e-12)
    more = special.gammaincc(shape + 1, seen.y / scale)
    return np.asarray(np.maximum(mean * more / tail, seen.y))


def _fit(seen: Seen, kind: str, factor: Floats) -> Fit:
    mean = max(seen.y.mean() / max(factor.mean(), 1e-9), 1e-3)
    vtm = np.clip(seen.y.var() / max(seen.y.mean(), 1e-9), 1.05, 500)
    start = [np.log(mean)]
    if kind != "poisson":
        start.append(np.log(np.sqrt(vtm / mean) if kind == "gamma" else vtm - 1))
    if kind == "intermittent":
        start.append(special.logit(np.clip((seen.y > 0).mean(), 0.05, 0.98)))
    half = 0.5 if _whole(seen.y) else 1e-3 * mean

    def loss(theta: Floats) -> float:
        return -float(_log_likelihood(kind, theta, factor, seen.y, seen.short, half).sum())

    if kind == "gamma" and not _whole(seen.y) and (seen.y == 0).any() and not seen.short.any():
        theta, covariance = _moments(seen.y / factor)
        return Fit(kind, theta, covariance, None, loss(theta))
    bounds = [(-14, 21), (-7, 7), (-4, 12)][: len(start)]
    found = optimize.minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    return Fit(kind, found.x, inverse_curvature(loss, found.x), None, float(found.fun))


def _moments(y: Floats) -> tuple[Floats, Floats]:
    """Return logarithms of mean and cv of amounts, and their covariance (delta method).

    Where there are periods without any, no gamma distribution is likely, and the likeliest is far too
    wide; one with the same mean and variance keeps the stock that is needed.
    """
    n, mean, sd = len(y), float(y.mean()), float(y.std())
    skew, tails = (((y - mean) ** k).mean() / sd**k for k in (3, 4))
    cv = sd / mean
    of_sd, both = (tails - 1) / 4, cv * skew / 2
    found = np.array([[cv**2, both - cv**2], [both - cv**2, of_sd + cv**2 - 2 * both]]) / n
    return np.log([mean, cv]), found + 1e-12 * np.eye(2)


def _whole(y: Floats) -> bool:
    return bool((np.round(y) == y).all())


def _counted(seen: Seen) -> Seen:
    """Return demand in whole units where nearly all of it is; a rest sold short of it is cut by stock."""
    told = seen.y[~np.isnan(seen.y) & ~seen.short]
    if told.size and (np.round(told) == told).mean() < _NEARLY:
        return seen
    return seen._replace(y=np.where(seen.short, np.ceil(seen.y), np.round(seen.y)))


def _log_likelihood(
    kind: str,
    theta: Floats,
    factor: Floats,
    y: Floats,
    short: npt.NDArray[np.bool_],
    half: float = 0.5,
) -> Floats:
    """Return the logarithm of each period's likelihood; amounts stand for ``half`` around them."""
    mean = np.exp(theta[0]) * factor
    if kind == "poisson":
        exact = y * np.log(mean) - mean - special.gammaln(y + 1)
        more = _log(special.gammainc(np.maximum(y, 1.0), mean))
        return np.where(short, np.where(y < 0.5, 0.0, more), exact)
    spread = np.exp(theta[1])
    if kind == "gamma":
        shape, scale = 1 / spread**2, mean * spread**2
        low = special.gammaincc(shape, np.maximum(y - half, 0.0) / scale)
        seen = _log(low - special.gammaincc(shape, (y + half) / scale))
        return np.where(short, _log(low), seen)
    if kind == "negative_binomial":
        return np.where(short, _log_beyond(y, mean, spread), _log_counts(y, mean, spread))
    chance = special.expit(theta[2])
    rest = np.maximum(mean / chance - 1, 1e-6)  # sizes are 1 and a negative binomial rest
    none, over = y < 0.5, np.maximum(y - 1, 0.0)
    seen = np.where(none, np.log1p(-chance), np.log(chance) + _log_counts(over, rest, spread))
    more = np.where(none, 0.0, np.log(chance) + _log_beyond(over, rest, spread))
    return np.where(short, more, seen)


def _log(x: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(x, 1e-300)))


def _log_counts(y: Floats, mean: Floats, spread: float) -> Floats:
    """Return the logarithm of negative binomial probabilities, variance over mean ``1 + spread``."""
    size = mean / spread
    return np.asarray(
        special.gammaln(y + size) - special.gammaln(size) - special.gammaln(y + 1)
        - size * np.log1p(spread) + y * (np.log(spread) - np.log1p(spread))
    )  # fmt: skip


def _log_beyond(y: Floats, mean: Floats, spread: float) -> Floats:
    """Return the logarithm of the probability of at least ``y``."""
    share = spread / (1 + spread)
    some = special.betainc(np.maximum(y, 1.0), mean / spread, share)
    return np.where(y < 0.5, 0.0, _log(some))


def estimate(events: pd.DataFrame, scenario: Scenario, *, seed: int = 0) -> list[Estimate]:
    """Return the demand of every customer class of a scenario that can be told apart.

    The kind is chosen by Akaike's criterion among Poisson, negative binomial, gamma and intermittent
    (zero-inflated), gamma where demand is not in whole units; a weekly pattern is kept where it
    improves the criterion. Yearly pattern and trend stay those of the scenario. The note names the
    candidate that would forecast best.

    Parameters
    ----------
    events
        Canonical events.
    scenario
        Says who orders what; entries with variants share their spread and pattern.
    seed
        The luck of the draws.
    """
    orders = events[(events["kind"] == "order") & (events["partner"] == "")]
    found = []
    for demand, seen in seen_of(add_up(events, scenario), scenario):
        rows = orders[(orders["site"] == demand.site) & orders["item"].isin(_items(demand))]
        found += _of_entry(demand, seen, key_of(scenario, demand), refs(rows), seed)
    return found


def seen_of(periods: Periods, scenario: Scenario) -> Iterator[tuple[Demand, dict[Point, Seen]]]:
    """Yield what is known of each demand of a scenario that has data enough, by stock point."""
    taken = [(d.site, item) for d in scenario.demand for item in _items(d)]
    for demand in scenario.demand:
        mine = [(demand.site, item) for item in _items(demand)]
        seen = {p: _seen(periods, p, demand, scenario) for p in mine if p in periods.demand}
        if not seen or any(taken.count(p) > 1 for p in mine):
            continue  # no data, or several classes of customers that the events cannot tell apart
        known = sum(int((~np.isnan(s.y)).sum()) for s in seen.values())
        if known >= LEAST and any(np.nansum(s.y) > 0 for s in seen.values()):
            yield demand, seen


def _items(demand: Demand) -> list[str]:
    return [str(demand.item)] if demand.variants is None else sorted(demand.variants)


def _seen(periods: Periods, point: Point, demand: Demand, scenario: Scenario) -> Seen:
    """Return what is known of one stock point's demand."""
    short = np.zeros(periods.n, bool)
    if point in periods.sales_only:
        short = stock_outs(periods, point)
    bare = demand.model_copy(
        update={"season": demand.season.model_copy(update={"weekly": None}), "item": point[1]}
    )
    last = periods.first + periods.n
    longer = scenario.model_copy(update={"horizon": max(last, scenario.horizon)})
    known = np.asarray(demand_factors(bare, longer.calendar, longer.horizon), np.float64)
    inside = np.clip(np.arange(periods.first, last), 0, known.size - 1)
    return Seen(periods.demand[point], short, periods.weekday, known[inside])


def _of_entry(
    demand: Demand, seen: dict[Point, Seen], key: str, rows: tuple[str, ...], seed: int
) -> list[Estimate]:
    """Return the estimates of one entry: mean, spread and share of periods with any demand."""
    sums = {p: float(np.nansum(s.y)) for p, s in seen.items()}
    shares = {p: x / sum(sums.values()) for p, x in sums.items()}
    joint = _counted(_joined(seen, shares))
    daily = np.unique(joint.weekday).size == 7
    kinds = _COUNTS if _whole(joint.y[~np.isnan(joint.y)]) else _AMOUNTS
    best = min((fit(joint, kind) for kind in kinds), key=lambda f: f.information)
    if daily:  # six more parameters
        weekly = fit(joint, best.kind, weekly=True)
        best = min(best, weekly, key=lambda f: f.information + 12 * (f.week is not None))
    entry = _entry(demand, best, shares)
    rng = generator(seed, "demand", key)
    theta = rng.multivariate_normal(best.theta, best.covariance, DRAWS, method="cholesky")
    kind, names = best.kind, _parameters(best.kind)
    told = f"{kind}{', weekly pattern' if best.week is not None else ''}"
    short, n = int(joint.short.sum()), int((~np.isnan(joint.y)).sum())
    sales = f"{short} of {n} sold out: at least that much" if short else ""
    where = f"{demand.site}/{'|'.join(_items(demand))}" if demand.item else f"{demand.site} ({key})"
    return [
        Estimate.of(
            f"{_WORDS[name]} of {where}",
            _natural(name, best.theta[i]), _natural(name, theta[:, i]), n,
            key=f"{key}.{name}", sets={key: entry}, method=told, refs=rows,
            note="; ".join(x for x in (sales, f"forecast best by {_forecaster(seen)}") if x),
        )
        for i, name in enumerate(names)
    ]  # fmt: skip


def _natural(name: str, theta: Any) -> Any:
    """Return a parameter in the scenario's own terms, inside the range that it allows."""
    if name == "probability":
        return np.clip(special.expit(theta), 1e-6, 1.0)
    value = np.exp(theta)
    if name == "variance_to_mean":
        return np.clip(1 + value, 1.0001, 1000)
    return np.clip(value, 1e-6, 10.0) if name == "cv" else np.minimum(value, 1e9)


def _joined(seen: dict[Point, Seen], shares: dict[Point, float]) -> Seen:
    """Return all variants as one: their share is a known factor on the mean."""
    parts = [s._replace(known=s.known * shares[p]) for p, s in seen.items() if shares[p] > 0]
    return Seen(*(np.concatenate(x) for x in zip(*parts, strict=True)))


def _entry(demand: Demand, best: Fit, shares: dict[Point, float]) -> dict[str, Any]:
    """Return the entry of the scenario with the fitted distribution in place of its own."""
    data = demand.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for name in ("mean", "sd", "cv", "variance_to_mean", "probability", "values", "kind"):
        data.pop(name, None)
    values = {
        name: float(_natural(name, x))
        for name, x in zip(_parameters(best.kind), best.theta, strict=True)
    }
    season = dict(data.pop("season", {}))
    season.pop("weekly", None)
    if best.week is not None:
        season["weekly"] = [float(x) for x in best.week]
    if season:
        data["season"] = season
    if demand.variants is not None:
        known = {item: shares.get((demand.site, item), 0.0) for item in demand.variants}
        data["variants"] = {item: float(x) for item, x in known.items()}
    return {**data, "kind": best.kind, **values}


def _parameters(kind: str) -> list[str]:
    """Return the keys of a kind of demand, in the order of ``theta``."""
    spread = [_SPREAD[kind]] if kind in _SPREAD else []
    return ["mean", *spread, *(["probability"] if kind == "intermittent" else [])]


def _forecaster(seen: dict[Point, Seen]) -> str:
    """Return the candidate that forecast most of the series best."""
    names = [c.name for c in choose([s.y for s in seen.values()], _HORIZON, 7)]
    return max(sorted(set(names)), key=names.count).replace("_", " ")
