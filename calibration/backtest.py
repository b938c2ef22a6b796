"""Rolling origin: what would have been forecast then, against what happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from calibration import scores
from calibration.chooser import Choice, choose, scale
from calibration.direct import forecasts

Floats = npt.NDArray[np.float64]
Model = Callable[[int, Floats, int], Floats]
"""From the number of a series, its history and the horizon to quantiles ``(horizon, M)``."""

LEVEL = 0.9
MISFIT = 0.01
"""Probability of so uneven places, if the model were right, below which it is flagged."""

FEWEST = 10
"""Places below which there is no histogram."""

NAIVE = ("naive", "seasonal_naive")


@dataclass(frozen=True)
class Backtest:
    """What a back-test came to.

    Attributes
    ----------
    table
        One row per model, series, origin and step: ``model, series, origin, step, seen, low,
        middle, high, crps, scaled_crps, interval_score, pit``.
    choices
        What was chosen for each series before the first origin.
    """

    table: pd.DataFrame
    choices: list[Choice]

    def summary(self) -> pd.DataFrame:
        """Return one row per model: mean scaled CRPS, coverage of 90 %, interval score, misfit.

        ``misfit`` is the probability of places in the forecasts as uneven as these, if the model
        were right (chi-squared over ten classes, thinned to one step per origin, for what happens
        in neighbouring periods is not independent).
        """
        rows = {}
        for model, part in self.table.groupby("model", sort=False):
            rows[model] = {
                "scaled_crps": part["scaled_crps"].mean(),
                "coverage": scores.coverage(part["low"], part["high"], part["seen"]),
                "interval_score": (part["interval_score"] / part["scale"]).mean(),
                "misfit": misfit(part.loc[part["step"] == 1, "pit"].to_numpy(np.float64)),
            }
        return pd.DataFrame(rows).T

    def flagged(self, model: str = "chosen") -> bool:
        """Return whether a model's places are more uneven than luck explains."""
        return float(self.summary()["misfit"][model]) < MISFIT


def misfit(places: Floats, classes: int = 10) -> float:
    """Return the chi-squared probability that places between 0 and 1 are uniform."""
    if places.size < 5 * classes:
        classes = max(2, places.size // 5)
    counts = np.histogram(places, classes, (0, 1))[0]
    return float(stats.chisquare(counts).pvalue) if places.size else float("nan")


class Histogram(NamedTuple):
    """Places counted in equal classes, and how many a right model has in each.

    Attributes
    ----------
    counts
        Places in each class, ``(classes,)``.
    low, high
        Between them all counts of a right model stay at once in 95 of 100 histograms,
        ``(classes,)``.
    """

    counts: npt.NDArray[np.int64]
    low: Floats
    high: Floats

    @property
    def inside(self) -> bool:
        """Whether all counts stay in the band."""
        return bool(((self.counts >= self.low) & (self.counts <= self.high)).all())


def histogram(places: Floats, tenths: Floats | None = None) -> Histogram | None:
    """Count places between 0 and 1 in equal classes, ten of them where there are enough.

    Parameters
    ----------
    places
        ``(n,)``; those of a right model are uniform.
    tenths
        Mean and variance of each of ten counts of a right model, ``(10, 2)``, where places depend
        on each other; default: they do not, and each count is binomial.

    Returns
    -------
    Histogram or None
        None where there are fewer than :data:`FEWEST` places: they say too little.
    """
    n = places.size
    if n < FEWEST:
        return None
    classes = min(10, n // 5) if tenths is None else 10
    counts = np.histogram(places, classes, (0, 1))[0]
    tail = 0.05 / classes / 2  # each count on both sides (Bonferroni)
    if tenths is None:
        ends = stats.binom.ppf([[tail], [1 - tail]], n, np.full(classes, 1 / classes))
        return Histogram(counts, ends[0], ends[1])
    away = -stats.norm.ppf(tail) * np.sqrt(tenths[:, 1])
    return Histogram(counts, np.maximum(0.0, tenths[:, 0] - away), tenths[:, 0] + away)


def one_ahead(
    series: Sequence[Floats], choices: Sequence[Choice], first: int, season: int = 1, seed: int = 0
) -> pd.DataFrame:
    """Forecast each period from the one before it; what was chosen is not chosen again.

    Places of one period ahead are independent if the forecasts are right, whatever the series
    (Diebold, Gunther & Tay 1998), so that a histogram of them has a band; those of longer horizons
    are not.

    Parameters
    ----------
    series, choices
        What happened, and what was chosen for each (:class:`Backtest`).
    first
        First period that is forecast.
    season, seed
        As for :func:`rolling`.

    Returns
    -------
    DataFrame
        ``series, period, seen, place``.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    rows = [
        (
            i,
            t,
            y[t],
            float(scores.pit(choice.forecast(y[:t].copy(), 1, season), y[t : t + 1], rng)[0]),
        )
        for i, (y, choice) in enumerate(zip(series, choices, strict=True))
        for t in range(first, y.size)
        if not np.isnan(y[t])
    ]
    return pd.DataFrame(rows, columns=["series", "period", "seen", "place"])


def rolling(
    series: Sequence[Floats],
    origins: Sequence[int],
    horizon: int,
    season: int = 1,
    others: dict[str, Model] | None = None,
    seed: int = 0,
) -> Backtest:
    """Back-test the chosen candidate of each series, naive forecasts, and any other models.

    The choice is made once, from what was known at the first origin; then every model forecasts
    from each origin with what was known there. Series that never changed before the first origin
    have no scale and are left out.

    Parameters
    ----------
    series
        What happened, oldest first, ``(n,)`` each; NaN: missing.
    origins
        Numbers of the first period that is not known yet, rising.
    horizon
        Periods ahead.
    season
        Periods of a season; 1: none.
    others
        Other models by name.
    seed
        The luck of ties in the places.
    """
    first = origins[0]
    kept = [i for i, y in enumerate(series) if scale(y[:first]) > 0]
    choices = choose([series[i][:first] for i in kept], horizon, season, seed=seed)
    chosen = dict(zip(kept, choices, strict=True))
    models: dict[str, Model] = {"chosen": lambda i, y, h: chosen[i].forecast(y, h, season)}
    for name in NAIVE if season > 1 else NAIVE[:1]:
        models[name] = _naive(name, season)
    rng = np.random.Generator(np.random.PCG64(seed))
    rows = [
        part
        for name, model in {**models, **(others or {})}.items()
        for i in kept
        for o in origins
        for part in _forecast(name, model, i, series[i], o, horizon, rng)
    ]
    return Backtest(pd.DataFrame(rows), choices)


def _naive(name: str, season: int) -> Model:
    return lambda i, y, h: forecasts.forecast(name, y, h, season)


def _forecast(
    name: str, model: Model, i: int, y: Floats, o: int, horizon: int, rng: np.random.Generator
) -> list[dict[str, object]]:
    ahead, change = y[o : o + horizon], scale(y[:o])
    quantiles = model(i, y[:o].copy(), horizon)[: ahead.size]
    low, high = scores.interval(quantiles, LEVEL)
    crps, place = scores.crps(quantiles, ahead), scores.pit(quantiles, ahead, rng)
    wide = scores.interval_score(low, high, ahead, LEVEL)
    middle = np.median(quantiles, axis=-1)
    return [
        {
            "model": name, "series": i, "origin": o, "step": s + 1, "seen": ahead[s],
            "low": low[s], "middle": middle[s], "high": high[s], "scale": change,
            "crps": crps[s], "scaled_crps": crps[s] / change, "interval_score": wide[s],
            "pit": place[s],
        }
        for s in range(ahead.size)
        if not np.isnan(ahead[s])
    ]  # fmt: skip
