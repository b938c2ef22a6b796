"""Runs by name: an inner study whose design points are named changes of one scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twin.kpis import KPIS
from twin.result import words
from twin.schema import Scenario
from twin.sums import Floats

if TYPE_CHECKING:
    from twin.study.ready.base import Bench


class Runs:
    """Runs of one scenario under the same luck, told apart by a name.

    Parameters
    ----------
    bench
        Runs them as the inner study ``name``.
    name
        Of the inner study.
    runs
        Changes by dotted key of each run; the first one is the base.
    outputs
        KPIs that are kept.
    replications
        Of each run; ``None``: the scenario's.
    seed
        The luck; ``None``: the scenario's.
    calm
        Leave out the scenario's own disruptions.
    """

    def __init__(
        self,
        bench: Bench,
        name: str,
        runs: Mapping[str, Mapping[str, Any]],
        outputs: Sequence[str],
        replications: int | None,
        *,
        seed: int | None = None,
        calm: bool = False,
    ) -> None:
        content: dict[str, Any] = {
            "set": {"disruptions": []} if calm else {},
            "factors": {"run": {"options": {label: dict(x) for label, x in runs.items()}}},
            "design": {"kind": "list", "runs": [{"run": label} for label in runs]},
            "base": {"run": next(iter(runs))},
            "outputs": list(outputs),
            "replications": replications,
            "seed": seed,
        }
        self.scenario = bench.scenario
        self.found = bench.study(name, content)
        frame = self.found.frame().drop_duplicates("point")
        points = zip(frame["run"], frame["point"], strict=True)
        self._points = {str(label): int(point) for label, point in points}

    def values(self, run: str, kpi: str) -> Floats:
        """Return a KPI of a run, money per period, one number per replication, ``(R,)``."""
        return self.found.values(self._points[run], kpi) / periods(self.scenario, kpi)


def periods(scenario: Scenario, kpi: str) -> int:
    """Return what a KPI is divided by: of money the periods of the window, of all else 1."""
    money = KPIS[kpi].extra["unit"] == "money"
    return scenario.horizon - scenario.warmup if money else 1


def unit_of(scenario: Scenario, kpi: str, difference: bool = False) -> str:
    """Return the unit of a KPI's values, see :meth:`Runs.values`, in the scenario's words.

    Parameters
    ----------
    scenario
        Whose words.
    kpi
        The KPI.
    difference
        Whether it stands in a sentence about a difference; shares differ by ``points``.
    """
    unit = KPIS[kpi].extra["unit"]
    if unit == "share" and difference:
        return "points"
    return words("money/period" if unit == "money" else unit, scenario)
