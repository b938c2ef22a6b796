"""The runs of a stress test: every place out in turn, stock behind some of them, service curves."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin import kpis
from twin.compile import Plan
from twin.edits import apply
from twin.engine import parts, run_blocks
from twin.kpis import KPIS
from twin.kpis.resilience import SERIES
from twin.run import Progress
from twin.schema import Scenario
from twin.statistics import interval
from twin.study.intervals import REPEATS
from twin.study.ready.stress_places import EVENT, Place, event
from twin.study.result import Study
from twin.sums import Floats

SHOWN = ("loss_area", "tts", "ttr", "survived", "unrecovered", "unserved")
"""KPIs of each outage that are shown with their intervals."""

APART = ("profit", "running_cost", "lost_share", "backlog_cost")
"""KPIs that are shown against the undisrupted run."""

OUTPUTS = (*APART, *SHOWN)
"""KPIs that are kept of each run."""

ENDS = ("", "_low", "_high")

Outage = tuple[Place, int]
"""A place and for how many periods it is out."""

Curves = dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class Test:
    """What is run.

    Attributes
    ----------
    scenario
        The scenario; its own disruptions are left out.
    start
        First period of each outage.
    outages
        One run each.
    levels
        Levels of failure and recovery, by dotted key.
    replications
        Draws of luck of each run; nothing: the scenario's.
    """

    scenario: Scenario
    start: int
    outages: Sequence[Outage]
    levels: Mapping[str, Any]
    replications: int | None = None

    @property
    def R(self) -> int:
        """Draws of luck of each run."""
        return self.replications or self.scenario.replications

    @property
    def threshold(self) -> float:
        """Loss of performance that counts as failing."""
        own: float = self.levels.get("resilience.threshold", self.scenario.resilience.threshold)
        return own

    @property
    def recovery(self) -> float:
        """Performance at which a fall is over."""
        own = self.levels.get("resilience.recovery", self.scenario.resilience.recovery)
        return 1.0 - self.threshold if own is None else float(own)

    @property
    def quiet(self) -> dict[str, Any]:
        """Changes by dotted key of all runs: the outage that may happen and no other."""
        place, periods = self.outages[0]
        return {"disruptions": [event(place, self.start, periods)], **self.levels}

    def content(self, runs: Sequence[dict[str, Any]], **factors: Any) -> dict[str, Any]:
        """Return a study of some of the outages, whatever else is varied in it."""
        lengths = sorted({n for _, n in self.outages})
        place = {p.name: p.changes for p, _ in self.outages}
        return {
            "set": self.quiet,
            "factors": {
                "place": {"options": place},
                "periods": {"key": f"disruptions.{EVENT}.duration", "values": lengths},
                **factors,
            },
            "design": {"kind": "list", "runs": [*runs]},
            "replications": self.replications,
            "outputs": [*OUTPUTS],
        }


def measured(found: Study, points: Sequence[int], calm: Sequence[int]) -> dict[str, Floats]:
    """Return what each outage came to: column -> one number per outage.

    All of :data:`SHOWN`; and the differences from the undisrupted run under the same luck
    ``profit_lost`` (less with the outage), ``lost_share``, ``backlog_cost`` and ``running_cost``
    (more with it): each with ``_low`` and ``_high``, the ends of its 95 % interval.

    Parameters
    ----------
    found
        The study.
    points, calm
        Numbers of its runs, and of the undisrupted run that each is compared with.
    """
    pairs = list(zip(points, calm, strict=True))
    table: dict[str, Floats] = {}
    for name in OUTPUTS:
        within = KPIS[name].extra["within"]
        samples = [found.values(p, name) for p in points]
        if name in APART:
            sign = -1.0 if name == "profit" else 1.0
            samples = [sign * _difference(found, name, p, base) for p, base in pairs]
            within = within.of_difference()
        name = "profit_lost" if name == "profit" else name
        ends = np.array([interval(x, within)[:3] for x in samples]).reshape(-1, len(ENDS))
        table |= {f"{name}{end}": ends[:, i] for i, end in enumerate(ENDS)}
    return table


def _difference(found: Study, name: str, point: int, base: int) -> Floats:
    return found.values(point, name) - found.values(base, name)


def costs_profit(table: Mapping[str, Any] | pd.DataFrame) -> NDArray[np.bool_]:
    """Return which outages clearly cost profit; of a single replication, which cost any."""
    mean, low = (np.asarray(table[f"profit_lost{end}"]) for end in ENDS[:2])
    found: NDArray[np.bool_] = (low > 0) | (np.isnan(low) & (mean > 0))
    return found


def judged_by(table: Mapping[str, Any] | pd.DataFrame) -> str:
    """Return the column of what outages lose that they are ranked by.

    ``profit_lost``, unless it would mislead: where no outage clearly costs profit, or the one that
    loses most service clearly gains some, as it does where nothing is paid for late units. There it
    is ``loss_area``.
    """
    mean, high = (np.asarray(table[f"profit_lost{end}"]) for end in ("", "_high"))
    at = int(np.argmax(np.asarray(table["loss_area"])))
    gains = bool((mean if np.isnan(high[at]) else high)[at] < 0)
    return "profit_lost" if costs_profit(table).any() and not gains else "loss_area"


def leads(found: Study, points: Sequence[int], by: str) -> Floats:
    """Return how sure it is that each outage loses the most, a share per outage.

    The share of resamples in which it does; replications are resampled whole, so that all outages
    keep the same luck. What is lost is as :func:`judged_by` says.
    """
    if by == "profit_lost":
        lost = np.stack([-_difference(found, "profit", p, 0) for p in points])
    else:
        lost = np.stack([found.values(p, by) for p in points])
    R = lost.shape[1]
    luck = np.random.default_rng(1)
    drawn = luck.multinomial(R, np.full(R, 1.0 / R), REPEATS)
    worst = np.argmax(lost @ drawn.T, axis=0)
    return np.bincount(worst, minlength=len(points)) / REPEATS


def curves(
    test: Test,
    chosen: Sequence[Outage],
    threads: int | None = None,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> Curves:
    """Return best, mean and worst performance ``Q(t)`` of some outages over the replications.

    Parameters
    ----------
    test
        The stress test.
    chosen
        Outages.
    threads, progress, cancelled
        As in :func:`twin.run`.

    Returns
    -------
    dict
        By name of the place: ``best``, ``mean``, ``worst``, one number per period from the start
        of the outage to the end of the run.
    """
    calm = apply(test.scenario, test.quiet)
    changed = [apply(calm, {**p.changes, f"disruptions.{EVENT}.duration": n}) for p, n in chosen]
    groups = [parts(Plan.of(s), test.R) for s in (calm, *changed)]
    twin, *others = run_blocks(
        groups, calm.seed, kpis.thin, record=SERIES, threads=threads, progress=progress,
        cancelled=cancelled,
    )  # fmt: skip
    found: Curves = {}
    for (place, _), pieces in zip(chosen, others, strict=True):
        pairs = zip(pieces, twin, strict=True)
        blocks = [q[test.start :] for o, c in pairs if (q := kpis.performance(o, c)) is not None]
        q = np.concatenate(blocks, axis=1)
        ends = {"best": q.max(axis=1), "mean": q.mean(axis=1), "worst": q.min(axis=1)}
        found[place.name] = {name: [float(x) for x in values] for name, values in ends.items()}
    return found
