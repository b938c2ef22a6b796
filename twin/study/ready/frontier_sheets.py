"""The tables of the decoupling frontier: what each cut comes to, its regrets, the front."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from twin.kpis import KPIS
from twin.result import words
from twin.statistics import interval
from twin.study.findings import Chart, Sheet
from twin.study.intervals import bootstrap, cvar
from twin.study.ready.frontier_cuts import Cuts, label
from twin.study.ready.frontier_tables import Ends, ends, front, regrets, sign
from twin.study.ready.frontier_worlds import BOTH, CALM, SUPPLY
from twin.study.ready.words import NOISE
from twin.study.result import FEWEST_IN_TAIL
from twin.sums import Floats
from twin.topology import build

SHARES = ("on_time", "lost_share", "write_off_rate")


@dataclass(frozen=True)
class Told:
    """What was run, in the numbers that answers are made of.

    Attributes
    ----------
    cuts
        What was run.
    weights
        Of the worlds, ``(W,)``.
    tail
        Share of the luck that is not bad enough for the tail.
    """

    cuts: Cuts
    weights: Floats
    tail: float

    @property
    def labels(self) -> list[str]:
        """Names of the cuts."""
        return self.cuts.labels

    @property
    def worlds(self) -> list[str]:
        """Names of the worlds."""
        return list(self.cuts.worlds)

    @functools.cached_property
    def costs(self) -> Floats:
        """Costs with lateness, money per period, ``(C, W, R)``."""
        return self.cuts.costs()

    @functools.cached_property
    def expected(self) -> Floats:
        """Mean of the costs over the worlds by their weights, ``(C, R)``."""
        return self._over_worlds(self.costs)

    @functools.cached_property
    def running(self) -> Floats:
        """Mean of the running costs over the worlds by their weights, ``(C, R)``."""
        return self._over_worlds(self.table("running_cost"))

    @functools.cached_property
    def service(self) -> Floats:
        """Mean of the on-time share over the worlds by their weights, ``(C, R)``."""
        return self._over_worlds(self.table("on_time"))

    @functools.cached_property
    def regrets(self) -> Floats:
        """Regrets, ``(C, W, R)``; see :func:`twin.study.ready.frontier_tables.regrets`."""
        return regrets(self.costs)

    @property
    def cheapest(self) -> list[str]:
        """The cuts by their expected cost, the cheapest first; of equals that with most on time."""
        order = np.lexsort((-self.service.mean(axis=1), self._rounded))
        return [self.labels[n] for n in order]

    @functools.cached_property
    def _rounded(self) -> Floats:
        """Mean expected costs without the rounding of sums, as shares of the largest, ``(C,)``."""
        means = self.expected.mean(axis=1)
        shares: Floats = np.round(means / max(float(np.abs(means).max()), NOISE), 9)
        return shares

    @property
    def safest(self) -> int:
        """The cut whose largest regret over the worlds is smallest; of equals the cheapest."""
        most = self.regrets.mean(axis=2).max(axis=1)
        return min(map(self.at, self.cheapest), key=lambda n: float(most[n]))

    @functools.cached_property
    def front(self) -> list[str]:
        """The cuts that no other beats in expected running cost and on-time share."""
        return [self.labels[n] for n in front(self.running, self.service)]

    @functools.cached_property
    def today(self) -> str | None:
        """The cut that the scenario has, if it is one of those that were run."""
        top = build(self.cuts.bench.scenario)
        stage = {f.name: f.decoupling_point for f in top.scenario.families}
        moved = [
            {key.split(".")[1]: x for key, x in changes.items() if key.startswith("families.")}
            for changes in self.cuts.changes.values()
        ]
        found = [cut for cut in moved if all(stage[family] == x for family, x in cut.items())]
        return label(found[0]) if found else None

    def table(self, kpi: str) -> Floats:
        """Return a KPI by cut, world and replication, ``(C, W, R)``."""
        return np.array([
            [self.cuts.values(c, w, kpi) for w in self.worlds] for c in self.labels
        ])  # fmt: skip

    def at(self, cut: str) -> int:
        """Return the number of a cut."""
        return self.labels.index(cut)

    def tied(self, cut: str) -> list[str]:
        """Return the cuts whose expected cost is not clearly different."""
        n = self.at(cut)
        same = [sign(x - self.expected[n]) == 0 for x in self.expected]
        return [
            told for told, alike in zip(self.labels, same, strict=True) if alike and told != cut
        ]

    def equal(self, cut: str) -> list[str]:
        """Return the other cuts whose expected cost is the same."""
        same = self._rounded == self._rounded[self.at(cut)]
        return [x for x, alike in zip(self.labels, same, strict=True) if alike and x != cut]

    def worst(self, cut: str) -> tuple[str, Ends]:
        """Return the world in which a cut is regretted most, and how much."""
        mine = self.regrets[self.at(cut)]
        w = int(mine.mean(axis=1).argmax())
        return self.worlds[w], ends(mine[w])

    @property
    def hardest(self) -> str:
        """The world with most shocks of those that were run."""
        return next(w for w in (BOTH, SUPPLY, CALM) if w in self.worlds)

    def tail_of(self, cut: str, world: str) -> Ends:
        """Return the mean of the worst costs of a cut in a world, lateness included."""
        values = self.costs[self.at(cut), self.worlds.index(world)]
        if round((1 - self.tail) * values.size, 6) < FEWEST_IN_TAIL:
            return Ends(float(cvar(values, self.tail)), np.nan, np.nan)
        return Ends(*bootstrap(values, lambda x: cvar(x, self.tail)))

    def _over_worlds(self, table: Floats) -> Floats:
        mean: Floats = np.einsum("cwr,w->cr", table, self.weights)
        return mean

    @property
    def money(self) -> str:
        """Unit of costs."""
        return words("money/period", self.cuts.bench.scenario)

    def results(self) -> Sheet:
        """Return one row per cut and world with all measures."""
        units: dict[str, str] = {}
        rows = [
            self._row(cut, world, units) for cut in self.labels for world in self.worlds
        ]  # fmt: skip
        caption = (
            "Mean over the luck with its 95 % interval. Cost: running cost; with lateness: and the "
            f"late units' cost; tail: mean of its worst {100 * (1 - self.tail):.3g} %."
        )
        title = "What each decoupling point comes to in each world"
        return Sheet("results", title, pd.DataFrame(rows), units, caption)

    def _row(self, cut: str, world: str, units: dict[str, str]) -> dict[str, Any]:
        row: dict[str, Any] = {"decoupling point": cut, "world": world}
        running = ends(self.cuts.values(cut, world, "running_cost"))
        late = ends(self.costs[self.at(cut), self.worlds.index(world)])
        measures = {"cost": running, "with lateness": late, "tail": self.tail_of(cut, world)}
        units.update({f"{m}{end}": self.money for m in measures for end in _ENDS})
        for kpi in (*SHARES, "inventory_value"):
            name, extra = kpi.replace("_", " "), KPIS[kpi].extra
            values = self.cuts.values(cut, world, kpi)
            measures[name] = Ends(*interval(values, extra["within"])[:3])
            unit = words(extra["unit"], self.cuts.bench.scenario)
            units.update({f"{name}{end}": unit for end in _ENDS})
        for name, found in measures.items():
            row |= {f"{name}{end}": x for end, x in zip(_ENDS, found, strict=True)}
        return row

    def choice(self) -> tuple[Sheet, Chart]:
        """Return one row per cut, the cheapest in expectation first, and the frontier's picture.

        The front is that of both axes: lateness is on the upright one, so it is not in the cost.
        """
        rows = []
        for cut in self.cheapest:
            n = self.at(cut)
            marks = ["today"] if cut == self.today else []
            marks.append("front" if cut in self.front else "beaten")
            rows.append({
                "decoupling point": cut, "marks": ", ".join(marks),
                **_columns("running cost", ends(self.running[n])),
                **_columns("on time", ends(self.service[n])),
            })  # fmt: skip
        units = {f"running cost{end}": self.money for end in _ENDS}
        units |= {f"on time{end}": "share" for end in _ENDS}
        title = "Decoupling points by running cost and service"
        caption = (
            "Means over the worlds by their weights, the cheapest with lateness first. Lateness is "
            "on the upright axis and not in the cost. Front: no other one is clearly better in one "
            "of the two and not clearly worse in the other."
        )
        sheet = Sheet("frontier", title, pd.DataFrame(rows), units, caption)
        chart = Chart(
            "points", "frontier", title, "frontier", "running cost", "on time", "on time low",
            "on time high", group="marks", label="decoupling point", caption=caption,
        )  # fmt: skip
        return sheet, chart

    def judged(self) -> list[Sheet]:
        """Return what a choice rests on, one row per cut: costs and regrets; tails; buffers."""
        hardest = self.hardest
        costs, risks = [], []
        for cut in self.cheapest:
            n, (world, regret) = self.at(cut), self.worst(cut)
            costs.append({
                "decoupling point": cut, **_columns("cost", ends(self.expected[n])),
                **_columns("largest regret", regret), "regretted in": world,
            })  # fmt: skip
            over = np.einsum("wr,w->r", self.regrets[n], self.weights)
            written = self._over_worlds(self.table("write_off_rate"))[n]
            risks.append({
                "decoupling point": cut, **_columns("tail", self.tail_of(cut, hardest)),
                **_columns("write off rate", ends(written)),
                **_columns("expected regret", ends(over)),
            })  # fmt: skip
        units = {f"{name}{end}": self.money for end in _ENDS
                 for name in ("cost", "largest regret", "tail", "expected regret")}  # fmt: skip
        units |= {f"write off rate{end}": "share" for end in _ENDS}
        over = "Means over the worlds by their weights, lateness in the costs."
        worst = (
            f"Tail: mean of the worst {100 * (1 - self.tail):.3g} % of the costs in '{hardest}'."
        )
        found = [
            Sheet("choice", "Expected cost and largest regret", pd.DataFrame(costs), units, over),
            Sheet("risk", "Tails and write-offs", pd.DataFrame(risks), units, f"{over} {worst}"),
        ]
        levers = [{"decoupling point": cut, **x} for cut, x in self.cuts.buffers.items()]
        if levers:
            found.append(Sheet("buffers", "Tuned buffers", pd.DataFrame(levers)))
        return found

    def regret(self) -> tuple[Sheet, Chart]:
        """Return the regrets by cut and world, as a table and a picture."""
        rows = [
            {"decoupling point": cut, "world": w, "regret": e.mean, "low": e.low, "high": e.high}
            for cut in self.cheapest
            for w, e in zip(self.worlds, map(ends, self.regrets[self.at(cut)]), strict=True)
        ]
        units = dict.fromkeys(("regret", "low", "high"), self.money)
        title = "Regret: what a decoupling point costs more than the best one of each world"
        caption = "Lateness included; the luck is the same, so intervals are of paired differences."
        sheet = Sheet("regret", title, pd.DataFrame(rows), units, caption)
        chart = Chart(
            "grid", "regret", title, "regret", "world", "regret", "low", "high",
            group="decoupling point", caption=caption,
        )  # fmt: skip
        return sheet, chart


_ENDS = ("", " low", " high")


def _columns(name: str, found: Ends) -> dict[str, float]:
    return {f"{name}{end}": x for end, x in zip(_ENDS, found, strict=True)}
