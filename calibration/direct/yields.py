"""Yield: the share of good units of what production started."""

from __future__ import annotations

import numpy as np
import pandas as pd

from calibration.direct import DRAWS, Estimate, generator, key_of, refs
from twin.schema import Scenario

_PRIOR = (0.5, 0.5)  # Jeffreys' prior: as good as nothing known


def estimate(events: pd.DataFrame, scenario: Scenario, *, seed: int = 0) -> list[Estimate]:
    """Return the yield of each production that tells what it started.

    Beta-binomial: good units of units started, with Jeffreys' prior. Batches of one cause turn out
    alike, so the counts are divided by the overdispersion between them (Pearson's, at least 1).
    Lots that are not finished are not in the events, neither good nor started.

    Parameters
    ----------
    events
        Canonical events; those of kind ``make`` with a ``value`` (units started) are read.
    scenario
        Says which productions there are.
    seed
        The luck of the draws.
    """
    made = events[(events["kind"] == "make") & (events["value"] > 0)]
    made = made.drop_duplicates(["source", "event_id"])
    found = []
    for rule in scenario.production:
        rows = made[(made["site"] == rule.site) & (made["item"] == rule.item)]
        if rows.empty:
            continue
        good, started = rows["qty"].to_numpy(), rows["value"].to_numpy()
        share = min(good.sum() / started.sum(), 1.0)
        weight = started.sum() / _overdispersion(good, started, share)
        a, b = _PRIOR[0] + weight * share, _PRIOR[1] + weight * (1 - share)
        where = f"{rule.site}/{rule.item}"
        draws = generator(seed, "yield", where).beta(a, b, DRAWS)
        perfect = share >= 1 - 1e-9
        found.append(
            Estimate.of(
                f"yield of {where}", share, np.ones(DRAWS) if perfect else draws, len(rows),
                key=f"{key_of(scenario, rule)}.yield", refs=refs(rows),
                method=f"beta-binomial: {good.sum():g} good of {started.sum():g}",
                note="no scrap was ever seen: taken as none" if perfect else "",
            )
        )  # fmt: skip
    return found


def _overdispersion(good: np.ndarray, started: np.ndarray, share: float) -> float:
    """Return how much more batches differ than single units would (1: no more)."""
    if good.size < 2 or not 0 < share < 1:
        return 1.0
    off = (good - started * share) ** 2 / (started * share * (1 - share))
    return float(max(1.0, off.sum() / (good.size - 1)))
