"""Which candidate forecasts a series best, decided before anything that it is judged by.

Every candidate forecasts from several origins inside the history; the one with the lowest mean
continuous ranked probability score is taken. A few origins say little about one series, so the
scores of all series together count as well, as if they were :data:`BORROWED` origins of its own.
How far what happened fell from the forecasts also says how wide the chosen one should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from calibration import scores
from calibration.direct import forecasts

Floats = npt.NDArray[np.float64]

BORROWED = 4
"""Origins of its own that the scores of all series weigh as much as."""

ORIGINS = 4
"""Origins inside the history from which the candidates are tried."""

_FIRM = 40  # values of its own that the width found for all series weighs as much as
_CAP = 3.0  # a value far outside says no more than this (normal score)


class Choice(NamedTuple):
    """What was chosen for one series: ``name`` of the candidate and its ``width`` factor.

    ``scores`` are the mean scores of all candidates over the series' mean absolute change.
    """

    name: str
    width: float
    scores: dict[str, float]

    def forecast(self, y: Floats, horizon: int, season: int = 1) -> Floats:
        """Return quantiles of the next periods, ``(horizon, M)``."""
        found = forecasts.forecast(self.name, y, horizon, season)
        return forecasts.widened(found, self.width)


def origins(n: int, horizon: int, how_many: int = ORIGINS) -> list[int]:
    """Return from where the candidates are tried in a history of ``n`` periods, oldest first."""
    found = [n - horizon * (i + 1) for i in range(how_many)]
    return [o for o in reversed(found) if o >= max(2 * horizon, 8)]


def choose(
    series: Sequence[Floats],
    horizon: int,
    season: int = 1,
    candidates: Sequence[str] = tuple(forecasts.CANDIDATES),
    seed: int = 0,
) -> list[Choice]:
    """Choose a candidate for each series.

    Parameters
    ----------
    series
        What was seen of each, oldest first; NaN: missing.
    horizon
        Periods ahead that matter.
    season
        Periods of a season; 1: none.
    candidates
        Names of :data:`calibration.direct.forecasts.CANDIDATES`.
    seed
        The luck of ties (counts) in the places of what happened.

    Returns
    -------
    list of Choice
        One for each series, in their order. A history too short to try anything takes what is best
        for all others (the first candidate if there are none).
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    tried = [{name: _try(y, horizon, season, name, rng) for name in candidates} for y in series]
    pooled = {name: _mean([one[name].crps for one in tried]) for name in candidates}
    far = {name: _mean([one[name].off for one in tried], 1.0) for name in candidates}
    return [_choice(one, pooled, far) for one in tried]


class _Tried(NamedTuple):
    crps: Floats  # of each origin, over the series' scale
    off: Floats  # squared normal score of each value


def _try(y: Floats, horizon: int, season: int, name: str, rng: np.random.Generator) -> _Tried:
    crps, off = [], []
    for o in origins(y.size, horizon):
        ahead, change = y[o : o + horizon], scale(y[:o])
        known = ~np.isnan(ahead)
        if not known.any() or change == 0 or np.isfinite(y[:o]).sum() < 4:
            continue
        quantiles = forecasts.forecast(name, y[:o], horizon, season)[known]
        crps.append(scores.crps(quantiles, ahead[known]).mean() / change)
        place = stats.norm.ppf(scores.pit(quantiles, ahead[known], rng))
        off.append(np.clip(place, -_CAP, _CAP) ** 2)
    return _Tried(np.array(crps), np.concatenate(off) if off else np.zeros(0))


def scale(y: Floats) -> float:
    """Return the mean absolute change from period to period, by which scores are compared."""
    change = np.abs(np.diff(y))
    return float(np.nanmean(change)) if np.isfinite(change).any() else 0.0


def _mean(parts: list[Floats], empty: float = 0.0) -> float:
    values = np.concatenate(parts) if parts else np.zeros(0)
    return float(values.mean()) if values.size else empty


def _choice(tried: dict[str, _Tried], pooled: dict[str, float], far: dict[str, float]) -> Choice:
    found = {
        name: float(one.crps.sum() + BORROWED * pooled[name]) / (one.crps.size + BORROWED)
        for name, one in tried.items()
    }
    best = min(found, key=lambda name: found[name])
    off = tried[best].off
    width = np.sqrt((off.sum() + _FIRM * far[best]) / (off.size + _FIRM))
    return Choice(best, float(width), found)
