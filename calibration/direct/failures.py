"""How often sites and devices fail and how long they stay down, from their status events.

What is still up (or down) at the end is censored: it lasts longer than was seen. A site that never
failed says that failures are rare; leaving it out would say the contrary.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from calibration.direct import DRAWS, Estimate, generator, refs
from calibration.direct.censored import Durations, fit, weibull_shape
from calibration.times import period_length
from twin.schema import Scenario

BOUND = 0.95
"""How sure it is that the mean time is longer than the bound that is told where nothing ended."""

_WEIBULL_FROM = 10  # failures from which the shape can be seen at all


class Spells(NamedTuple):
    """How long a thing was up and down each time, in periods; the last one is censored."""

    up: Durations
    down: Durations


def spells(status: pd.DataFrame, end: float, scenario: Scenario) -> Spells:
    """Return the up and down times of one thing.

    Parameters
    ----------
    status
        Its status events (``value`` above 0: up).
    end
        When the observation ended, in microseconds since 1970.
    scenario
        Its calendar says what a period is.
    """
    status = status.dropna(subset=["value"]).sort_values("event_time")
    up = status["value"].to_numpy() > 0
    change = np.append(True, up[1:] != up[:-1]) if up.size else np.zeros(0, bool)
    times = status["event_time"].to_numpy(np.float64)[change]
    up = up[change]
    length = np.diff(np.append(times, end)) / period_length(scenario.calendar)
    last = np.arange(length.size) == length.size - 1
    d = Durations(length, np.where(last, np.inf, length))
    return Spells(d.of(up), d.of(~up))


def estimate(events: pd.DataFrame, scenario: Scenario, *, seed: int = 0) -> list[Estimate]:
    """Return mean time between failures and to repair of each site and device that reports status.

    Exponential with censoring: the time seen over the failures seen, with a gamma posterior under
    Jeffreys' prior. From ten failures on, the note tells the shape of a Weibull distribution: above
    1 things wear out, below they fail early. Where nothing failed (or was repaired) there is no
    estimate but a bound: with an exponential law, the mean is above ``T / -ln(0.05)`` in 95 of 100
    cases, T the time seen ("rule of three"; Hanley & Lippman-Hand 1983, JAMA 249: 1743-1745).

    Parameters
    ----------
    events
        Canonical events; those of kind ``status`` are read, the last of any kind ends the watch.
    scenario
        Its calendar says what a period is.
    seed
        The luck of the draws.
    """
    status = events[events["kind"] == "status"]
    if status.empty:
        return []
    end = float(events["event_time"].max())
    found = []
    for (site, device), rows in status.groupby(["site", "device"], observed=True):
        seen, name = spells(rows, end, scenario), device or site
        for what, d in (("between failures", seen.up), ("to repair", seen.down)):
            if d.exact.any():
                found.append(_mean_time(f"mean time {what} of {name}", d, rows, seed))
            elif d.low.sum() > 0:
                found.append(_bound(f"mean time {what} of {name}", d, rows))
    return found


def _bound(name: str, d: Durations, rows: pd.DataFrame) -> Estimate:
    """Return that a mean time is long, where no end of one was seen."""
    total = float(d.low.sum())
    least = total / -np.log(1 - BOUND)
    never = "never failed" if "failures" in name else "never came back"
    return Estimate(
        name, least, least, float("nan"), np.full(DRAWS, least), d.low.size, refs=refs(rows),
        method=f"{never} in {total:,.4g} periods", note=f"a bound, {BOUND:.0%} sure", known=False,
    )  # fmt: skip


def _mean_time(name: str, d: Durations, rows: pd.DataFrame, seed: int) -> Estimate:
    ends, total = int(d.exact.sum()), float(d.low.sum())
    rate = generator(seed, name).gamma(ends + 0.5, 1 / total, DRAWS)
    note = ""
    if ends >= _WEIBULL_FROM:
        note = f"Weibull shape {weibull_shape(fit(d, 'weibull').cv):.2f}"
    return Estimate.of(
        name, total / ends, 1 / np.maximum(rate, 1e-12), d.low.size, refs=refs(rows), note=note,
        method=f"exponential with censoring: {ends} ends in {total:g} periods",
    )  # fmt: skip
