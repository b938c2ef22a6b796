"""Sobol indices of numbers at sampled points; drawn and estimated by SALib (an optional extra)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from twin.errors import RunError, TwinError
from twin.problems import show
from twin.statistics import CONFIDENCE
from twin.study.ready.words import ENDS
from twin.sums import Floats

RESAMPLES = 1_000
"""Resamples behind each interval."""

COLUMNS = [f"{order}{end}" for order in ("first", "total") for end in ENDS]

MISSING = (
    "Sobol indices need SALib; install it: pip install 'pushpull-twin[sensitivity]', or ask for "
    "method: tornado"
)


def sampled(levers: int, base: int, seed: int) -> Floats:
    """Return the points at which a model must be run for its indices.

    Two scrambled Sobol sequences A and B, and A with one column of B at a time (Saltelli et al.
    2010, Computer Physics Communications 181: 259-270): the rows of A, each followed by its
    mixtures and its row of B.

    Parameters
    ----------
    levers
        Columns, each from 0 to 1.
    base
        Rows of A, a power of 2.
    seed
        Luck of the scrambling.

    Returns
    -------
    numpy.ndarray
        ``(base * (levers + 2), levers)``

    Raises
    ------
    RunError
        If the base is no power of 2, or there is no lever.
    TwinError
        If SALib is not installed.
    """
    if base < 2 or base & (base - 1) or levers < 1:
        msg = f"base = {show(base)} for {show(levers)} levers; must be a power of 2 (32, 64, ...)"
        raise RunError(msg)
    sobol = _salib("sample")
    drawn = sobol.sample(_problem(levers), base, calc_second_order=False, seed=seed)
    return np.asarray(drawn, float)


def indices(values: Floats, levers: int, seed: int) -> pd.DataFrame:
    """Return the Sobol indices of a model from its values at the points of :func:`sampled`.

    First order: the share of the variance that goes away in the mean once a lever is known (the
    estimator of Saltelli et al. 2010, table 2 b). Total: the share that stays while only this lever
    is not known (Jansen 1999, Computer Physics Communications 117: 35-43). Intervals are normal,
    95 %, from resampling the rows of the base, cut off at 0 and 1.

    Parameters
    ----------
    values
        One number per point, ``(base * (levers + 2),)``.
    levers
        Number of levers.
    seed
        Luck of the resampling.

    Returns
    -------
    pandas.DataFrame
        One row per lever: ``first``, ``first_low``, ``first_high``, ``total``, ``total_low``,
        ``total_high``; all NaN where the values do not vary.

    Raises
    ------
    TwinError
        If SALib is not installed.
    """
    if np.ptp(values) == 0:
        return pd.DataFrame(np.full((levers, len(COLUMNS)), np.nan), columns=COLUMNS)
    sobol = _salib("analyze")
    found = sobol.analyze(
        _problem(levers), np.asarray(values, float), calc_second_order=False,
        num_resamples=RESAMPLES, conf_level=CONFIDENCE, seed=seed,
    )  # fmt: skip
    parts = []
    for order in ("S1", "ST"):
        mean, half = np.asarray(found[order]), np.asarray(found[f"{order}_conf"])
        # an index is a share: beyond 0 and 1 an interval holds only what is known to be wrong
        low, high = np.maximum(mean - half, np.minimum(mean, 0)), np.minimum(mean + half, 1)
        parts += [mean, low, np.maximum(high, mean)]
    return pd.DataFrame(np.array(parts).T, columns=COLUMNS)


def _problem(levers: int) -> dict[str, Any]:
    return {
        "num_vars": levers,
        "names": [f"x{n}" for n in range(levers)],
        "bounds": [[0.0, 1.0]] * levers,
    }


def _salib(part: str) -> Any:
    """Return SALib's module of Sobol indices that samples, or the one that analyses."""
    import importlib

    try:
        return importlib.import_module(f"SALib.{part}.sobol")
    except ModuleNotFoundError as error:
        raise TwinError(MISSING) from error
