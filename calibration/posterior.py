"""The posterior sample: put into a scenario, drawn from, and answering for what bands consist of.

A calibrated scenario carries its sample as data (section ``posterior``): each replication of
``twin run`` takes one draw, so that bands hold what is not known as well as luck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import twin
from calibration.direct import Estimate
from twin.errors import RunError
from twin.schema import Scenario

Floats = npt.NDArray[np.float64]

DRAWS = 256
"""Draws of a posterior sample."""

_BINS = 8
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
    draws: dict[str, list[float]] = {
        e.key: _rounded(e.draws[:DRAWS]) for e in estimates if e.key and not e.sure
    }
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


def variance_shares(
    scenario: Scenario, result: twin.Result, kpis: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return which share of each KPI's variance over replications every input explains by itself.

    First-order share: variance of the KPI's mean given the input, over its variance (Sobol 1993).
    The mean is taken in bins of equally many replications and what bins of pure luck would explain
    is taken off (omega squared), so that an input without effect gets about 0.

    Parameters
    ----------
    scenario
        Calibrated.
    result
        Of :func:`run_posterior` on it, at least 64 replications.
    kpis
        Names of KPIs.

    Returns
    -------
    dict
        Share by dotted key, for each KPI; ``rest`` is luck and what inputs do together.
    """
    sample, found = scenario.posterior, {}
    for kpi in kpis:
        y = np.asarray(result.values[kpi], dtype=np.float64)
        shares: dict[str, float] = {}
        for key, values in sample.draws.items():
            if any(isinstance(v, str) for v in values):
                continue
            x = np.array(values, dtype=np.float64)[np.arange(len(y)) % sample.size]
            shares[key] = _share(x, y)
        shares["rest"] = max(0.0, 1.0 - sum(shares.values()))
        found[kpi] = shares
    return found


def _share(x: Floats, y: Floats) -> float:
    """Return omega squared of y over bins of x."""
    known = ~np.isnan(y)
    x, y = x[known], y[known]
    n, total = len(y), float(((y - y.mean()) ** 2).sum()) if len(y) else 0.0
    if n < 2 * _BINS or total <= 1e-12 * max(1.0, float((y**2).sum())) or np.ptp(x) == 0:
        return 0.0
    bins = np.array_split(np.argsort(x, kind="stable"), _BINS)
    between = sum(len(b) * (y[b].mean() - y.mean()) ** 2 for b in bins)
    within = (total - between) / (n - _BINS)
    return float(max(0.0, (between - (_BINS - 1) * within) / (total + within)))


def _rounded(values: Any) -> list[float]:
    return [float(f"{x:.{_DIGITS}g}") for x in np.asarray(values, dtype=np.float64)]
