"""The posterior sample: put into a scenario, drawn from, and answering for what bands consist of.

A calibrated scenario carries its sample as data (section ``posterior``): each replication of
``twin run`` takes one draw, so that bands hold what is not known as well as luck.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

import twin
from calibration.direct import Estimate
from twin.errors import RunError
from twin.schema import Posterior, Scenario

Floats = npt.NDArray[np.float64]

DRAWS = 256
"""Draws of a posterior sample."""

KPIS = ("on_time", "inventory_value", "running_cost")
"""KPIs whose variance is split, unless others are named."""

LUCK = 4
"""Runs of each draw when variance is split."""

_INSIDE = re.compile(
    r"(\.(policy|forecast))?\.\w+(\[\d+\])?$"
)  # of a key: what is drawn of a thing
_FEW = 3  # draws of a thing up to which their products count
_BLOCKS = 16  # parts that are left out in turn
_TAIL = 1.645  # of a 90 % interval
_DIGITS = 12  # lists of probabilities still sum to 1


class Finding(NamedTuple):
    """What was inferred of one stock point, ready for a scenario.

    Attributes
    ----------
    rule
        Stock rule with the posterior means, as in a scenario.
    draws
        Values by place below that rule (``policy.level``), ``(n,)`` each.
    ranges
        Where each was looked for, by the same places.
    """

    rule: Mapping[str, Any]
    draws: Mapping[str, Sequence[float]]
    ranges: Mapping[str, tuple[float, float]]


def with_estimates(scenario: Scenario, estimates: Sequence[Estimate]) -> Scenario:
    """Return a scenario with the values of direct estimates set.

    Raises
    ------
    ScenarioError
        If the scenario does not allow one of them.
    """
    changes: dict[str, Any] = {}
    for estimate in estimates:
        if estimate.key:
            changes |= estimate.sets or {estimate.key: estimate.value}
    return twin.apply(scenario, changes)


def calibrated(
    scenario: Scenario,
    estimates: Sequence[Estimate],
    findings: Sequence[Finding],
    *,
    cuts: Mapping[str, Sequence[str]] | None = None,
    data: str,
    seed: int,
) -> Scenario:
    """Return a scenario with best values set and the posterior sample in it.

    Parameters
    ----------
    scenario
        Of :func:`with_estimates`.
    estimates
        Direct estimates; those that are not sure of their value are drawn.
    findings
        What was inferred, by stock point.
    cuts
        Decoupling points that are not sure, one per draw, by dotted key.
    data
        Hash of the events that all rests on.
    seed
        The luck of the calibration.

    Raises
    ------
    ScenarioError
        If a value or a draw is not allowed.
    """
    first = len(scenario.stock)
    draws: dict[str, Sequence[float] | Sequence[str]] = dict(cuts or {})
    draws |= {e.key: _rounded(e.draws[:DRAWS]) for e in estimates if e.key and not e.sure}
    prior: dict[str, tuple[float, float]] = {}
    for n, finding in enumerate(findings):
        keys = {place: f"stock[{first + n}].{place}" for place in finding.draws}
        draws |= {keys[place]: _rounded(values) for place, values in finding.draws.items()}
        prior |= {keys[place]: limits for place, limits in finding.ranges.items()}
    rules = [dict(finding.rule) for finding in findings]
    found = twin.apply(scenario, {"stock[+]": rules} if rules else {})
    if not draws:
        return found
    sample = {
        "draws": draws,
        "prior": prior,
        "data": data,
        "seed": seed,
        "version": twin.__version__,
    }
    return twin.apply(found, {"posterior": sample})


def draws(scenario: Scenario) -> list[dict[str, float | str]]:
    """Return the values of each posterior draw, by dotted key."""
    sample = scenario.posterior
    return [{key: values[n] for key, values in sample.draws.items()} for n in range(sample.size)]


def run_posterior(
    scenario: Scenario, replications: int | None = None, **options: Any
) -> twin.Result:
    """Run a calibrated scenario; every replication takes a draw of its own.

    Parameters
    ----------
    scenario
        With a posterior sample.
    replications
        Default: one per draw.
    **options
        As for :func:`twin.run`.

    Raises
    ------
    RunError
        If the scenario has no posterior sample.
    """
    if not scenario.posterior.size:
        msg = f"scenario '{scenario.name}' has no posterior sample; calibrate it first"
        raise RunError(msg)
    return twin.run(scenario, replications=replications or scenario.posterior.size, **options)


def shares(
    scenario: Scenario, kpis: Sequence[str] = KPIS, luck: int = LUCK, **options: Any
) -> pd.DataFrame:
    """Run every posterior draw under several lucks and split the variance of KPIs by input.

    Parameters
    ----------
    scenario
        Calibrated.
    kpis
        Names of KPIs.
    luck
        Runs of each draw, at least 2.
    **options
        As for :func:`twin.run`: ``progress``, ``cancelled``, ``threads``.

    Returns
    -------
    DataFrame
        Of :func:`variance_shares`.
    """
    runs = luck * scenario.posterior.size
    result = run_posterior(scenario, runs, record=(), baseline=False, **options)
    return variance_shares(scenario, result, kpis)


def variance_shares(
    scenario: Scenario, result: twin.Result, kpis: Sequence[str] = KPIS
) -> pd.DataFrame:
    """Return which share of each KPI's variance from run to run comes from every estimated thing.

    Draws of one thing belong together (a safety factor and its cover may mirror each other), so
    shares are of things: a demand, a lead time, a stock rule. A thing's share is the variance of
    the KPI's mean given its draws, over the whole variance (first order, Sobol 1993), by least
    squares on powers of the draws, less what as many powers would explain by luck (adjusted R
    squared). Runs of one draw differ by luck alone: their variance is the share of luck, and what
    neither luck nor a single thing explains is what things do together.

    Parameters
    ----------
    scenario
        Calibrated.
    result
        Of :func:`run_posterior` on it, at least two replications per draw.
    kpis
        Names of KPIs; those that do not vary, or are undefined in most runs, are left out.

    Returns
    -------
    DataFrame
        ``kpi, what, inputs, share, low, high``: 90 % intervals by leaving out every
        sixteenth draw in turn (jackknife); ``what`` is the dotted key of a thing, ``together`` or
        ``luck``. Shares of a KPI sum to 1 but for those that would be below 0.

    Raises
    ------
    RunError
        If there are fewer than two replications per draw.
    """
    sample = scenario.posterior
    luck = result.replications // max(1, sample.size)
    if not sample.size or luck < 2:
        msg = (
            f"{result.replications} replications of {sample.size} posterior draws; shares need two "
            "per draw or more, to tell luck from what is not known"
        )
        raise RunError(msg)
    things = _things(sample)
    powers = {
        what: _powers(np.array([sample.draws[key] for key in keys], np.float64).T)
        for what, keys in things.items()
    }
    rows = []
    for kpi in kpis:
        y = np.asarray(result.values[kpi], np.float64)[: luck * sample.size].reshape(luck, -1).T
        for what, ends in _split(y, powers).items():
            rows.append((kpi, what, " ".join(things.get(what, ())), *ends))
    return pd.DataFrame(rows, columns=["kpi", "what", "inputs", "share", "low", "high"])


def _things(sample: Posterior) -> dict[str, list[str]]:
    """Return the keys of numbers that vary, by the dotted key of what they belong to."""
    found: dict[str, list[str]] = {}
    for key, values in sample.draws.items():
        if not any(isinstance(v, str) for v in values) and len(set(values)) > 1:
            found.setdefault(_INSIDE.sub("", key), []).append(key)
    return found


def _powers(x: Floats) -> Floats:
    """Return what a KPI may depend on of one thing's draws ``(n, d)``: powers and products."""
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    d = z.shape[1]
    found = [*z.T, *(z**2).T]
    if d == 1:
        found += [*(z**3).T]
    if d <= _FEW:
        found += [z[:, i] * z[:, j] for i in range(d) for j in range(i)]
    return np.array(found[:d] if len(found) > len(z) / 8 else found).T


def _split(y: Floats, powers: Mapping[str, Floats]) -> dict[str, tuple[float, float, float]]:
    """Return share and interval of each thing, of things together and of luck; ``y``: (n, luck)."""
    known = np.isfinite(y).all(axis=1)
    y = y[known]
    size = float((y**2).mean()) if y.size else 0.0
    if len(y) < max(4 * _BLOCKS, len(known) / 2) or y.var() <= 1e-12 * max(1e-12, size):
        return {}
    powers = {what: x[known] for what, x in powers.items()}
    whole = _shares(y, powers)
    out = [np.arange(len(y)) % _BLOCKS != b for b in range(_BLOCKS)]
    parts = np.array([_shares(y[keep], {w: x[keep] for w, x in powers.items()}) for keep in out])
    error = np.sqrt((_BLOCKS - 1) * ((parts - parts.mean(axis=0)) ** 2).mean(axis=0))
    ends = np.clip([whole, whole - _TAIL * error, whole + _TAIL * error], 0.0, 1.0)
    return {
        what: (float(ends[0, i]), float(ends[1, i]), float(ends[2, i]))
        for i, what in enumerate([*powers, "together", "luck"])
    }


def _shares(y: Floats, powers: Mapping[str, Floats]) -> Floats:
    """Return the shares of things, of things together and of luck: they sum to 1."""
    luck = y.shape[1]
    mean, within = y.mean(axis=1), float(y.var(axis=1, ddof=1).mean())
    between = float(mean.var(ddof=1))
    unsure = max(0.0, between - within / luck)  # of what draws do, all together
    each = np.array([between * _explained(x, mean) for x in powers.values()])
    found = np.array([*each, unsure - each.sum(), within])
    return np.asarray(found / max(unsure + within, 1e-300))


def _explained(x: Floats, y: Floats) -> float:
    """Return the share of the variance of ``y`` that columns explain (adjusted R squared)."""
    z, away = x - x.mean(axis=0), y - y.mean()
    weights, _, rank, _ = np.linalg.lstsq(z, away, rcond=1e-8)
    left = float(((away - z @ weights) ** 2).sum()) / max(float((away**2).sum()), 1e-300)
    return 1 - left * (len(y) - 1) / (len(y) - rank - 1)


def _rounded(values: Any) -> list[float]:
    return [float(f"{x:.{_DIGITS}g}") for x in np.asarray(values, dtype=np.float64)]
