"""All positions of the decoupling point under the same luck: cost against service and resilience.

::

    found = twin.frontier("electronics", families=["laptop"])
    print(found.summary())
    found.frame  # one row per position, with intervals
"""

from __future__ import annotations

import functools
import itertools
import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twin import arguments, decoupling
from twin.compare import Comparison
from twin.decoupling import Place
from twin.errors import RunError
from twin.kpis import KPIS
from twin.names import nearest
from twin.problems import show
from twin.result import Result, number, words
from twin.run import Progress, prepare, run
from twin.schema import Scenario
from twin.statistics import interval
from twin.topology import Topology, build

if TYPE_CHECKING:
    import pandas as pd

MOST = 25
"""Most combinations of several families' positions that are all run."""

MEASURES = {
    "cost": "running_cost",
    "on_time": "on_time",
    "fill_rate": "fill_rate",
    "inventory_value": "inventory_value",
    "bullwhip": "bullwhip",
    "loss_area": "loss_area",
    "tts": "tts",
    "ttr": "ttr",
}
"""Name of each measure in the table -> its KPI; the cost is per period."""

ENDS = ("", "_low", "_high")

AIMS = ("running_cost", "on_time")
"""KPIs by which positions are chosen and told apart. What disruptions do is in both of them; the
lost performance is not among them, for where nobody is served in good times none can be lost."""

NOWHERE = "no decoupling point"

Cut = Mapping[str, Place | None]
"""Position by family; ``None``: no decoupling point, every stock point by its own rule."""

Found = Callable[[int, dict[str, Any]], None]


@dataclass(frozen=True, repr=False)
class Frontier:
    """What :func:`frontier` returns: one result per position, all under the same luck.

    Attributes
    ----------
    scenario
        The scenario with its positions as they are.
    positions
        Each option, position by family; upstream to downstream, the last family varies fastest.
    results
        What each option came to, without series.
    suggested, current
        Which option :func:`twin.suggest` names for the families, and which the scenario has.
    notes
        What was left out, and why.
    """

    scenario: Scenario
    positions: tuple[Cut, ...]
    results: tuple[Result, ...]
    suggested: int
    current: int
    notes: tuple[str, ...] = ()

    @functools.cached_property
    def labels(self) -> tuple[str, ...]:
        """A short name of each option: ``boards``, or ``laptop: boards, printer: dc``."""
        return tuple(_label(cut) for cut in self.positions)

    @functools.cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One mapping per option as plain data, ``None`` where a number is undefined.

        Keys: positions (family -> place), label, cost (running cost per period), on_time,
        loss_area, tts, ttr, inventory_value (means), ``cost_low``, ``cost_high``, ``on_time_low``,
        ``on_time_high`` (95 % intervals), suggested, current, tied (labels of the options that
        cannot be told apart from it).
        """
        return [self.row(i) for i in range(len(self.results))]

    def row(self, i: int) -> dict[str, Any]:
        """Return the mapping of one option, see :attr:`rows`."""
        found = {name: _plain(x) for name, x in self._numbers(i).items()}
        spread = [f"{name}_{end}" for name in ("cost", "on_time") for end in ("low", "high")]
        kept = ("cost", "on_time", *spread, "loss_area", "tts", "ttr", "inventory_value")
        return {
            "positions": dict(self.positions[i]),
            "label": self.labels[i],
            **{name: found[name] for name in kept},
            "suggested": i == self.suggested,
            "current": i == self.current,
            "tied": list(self.tied(i)),
        }

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        """One row per option with all measures.

        Columns: label, one per family, of each measure (cost per period, on_time, fill_rate,
        inventory_value, bullwhip, loss_area, tts, ttr) the mean and its 95 % interval
        (``_low``, ``_high``), suggested, current, best (on the Pareto front), tied (labels).
        """
        import pandas as pd

        table = []
        for i, row in enumerate(self.rows):
            cut = {f: _label({f: place}) for f, place in self.positions[i].items()}
            marks = {name: row[name] for name in ("suggested", "current")}
            more = {"best": i in self.front, "tied": row["tied"]}
            table.append({"label": row["label"], **cut, **self._numbers(i), **marks, **more})
        return pd.DataFrame(table)

    @functools.cached_property
    def front(self) -> tuple[int, ...]:
        """The options that no other one beats: the Pareto front of running cost and on-time share.

        One beats another if it is clearly better in one of the two and not clearly worse in the
        other, so that a difference within chance keeps nothing on the front.
        """
        signs = [self._against(i) for i in self._all]
        beaten = [((x >= 0).all(axis=1) & (x > 0).any(axis=1)).any() for x in signs]
        return tuple(i for i in self._all if not beaten[i])

    def tied(self, i: int) -> tuple[str, ...]:
        """Return the labels of the options that cannot be told apart from option ``i``.

        The 95 % intervals of the paired differences of running cost and of the on-time share both
        include zero; in a single replication, which has none, both differences are zero.
        """
        same = (self._against(i) == 0).all(axis=1)
        return tuple(self.labels[j] for j in self._all if same[j] and j != i)

    def _against(self, i: int) -> NDArray[np.int64]:
        """Return where each option is clearly better (1) or worse (-1) than ``i``, ``(n, aims)``."""
        found = np.zeros((len(self.results), len(AIMS)), np.int64)
        for j in self._all:
            for n, kpi in enumerate(AIMS):
                row = self.difference(i, j).row(kpi)
                better = 1 if row["better"] == "higher" else -1
                found[j, n] = row["clear"] * better * np.sign(row["difference"])
        return found

    def difference(self, i: int, j: int) -> Comparison:
        """Return the paired differences of all KPIs, option ``j`` - option ``i``."""
        return Comparison(self.results[i], self.results[j])

    def summary(self) -> str:
        """Return the options as a few lines of text."""
        first = self.results[0]
        unit, periods = (words(x, self.scenario) for x in ("money/period", "periods"))
        lines = [
            f"{self.scenario.title or self.scenario.name}: {len(self.results)} positions x "
            f"{first.replications} replications, seed {first.scenario.seed}"
        ]
        wide = max(len(label) for label in self.labels)
        for i, row in enumerate(self.rows):
            marks = [name for name in ("current", "suggested") if row[name]]
            marks += ["best"] if i in self.front else []
            cost, share, lost = (
                self._numbers(i)[name] for name in ("cost", "on_time", "loss_area")
            )
            told = f"{number(cost):>8} {unit}  {number(100 * share):>5} % on time"
            told += "" if np.isnan(lost) else f"  {number(lost):>5} {periods} lost"
            lines.append(f"  {row['label']:<{wide}}{told}  {', '.join(marks)}".rstrip())
            if row["tied"]:
                lines.append(f"    no clear difference to: {'; '.join(row['tied'])}")
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def __repr__(self) -> str:
        return f"<Frontier {self.summary()}>"

    @property
    def _all(self) -> range:
        return range(len(self.results))

    def _numbers(self, i: int) -> dict[str, float]:
        """Return each measure of an option with the ends of its interval."""
        periods = self.scenario.horizon - self.scenario.warmup
        found: dict[str, float] = {}
        for name, kpi in MEASURES.items():
            ends = interval(self.results[i].values[kpi], KPIS[kpi].extra["within"])[:3]
            part = periods if name == "cost" else 1
            found |= {f"{name}{x}": v / part for x, v in zip(ENDS, ends, strict=True)}
        return found


def frontier(
    scenario: Scenario | str | Path,
    *,
    families: Sequence[str] | None = None,
    replications: int | None = None,
    seed: int | None = None,
    set: Mapping[str, Any] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
    found: Found | None = None,
) -> Frontier:
    """Run a scenario at every position of its decoupling points, under common random numbers.

    The positions of a family are those of :func:`twin.positions`. Of several families all
    combinations are run if there are at most 25; else each family is moved alone, the others
    staying where they are, and then all families together to each stage that fits all of them (a
    note says so). The scenario's own positions and the suggested ones are always among the options.

    Parameters
    ----------
    scenario
        A scenario, a file, or the name of a shipped one.
    families
        The families that are moved; default: all. The others stay where they are.
    replications, seed, set, threads
        As in :func:`twin.run`; ``set`` is changed before the positions are.
    progress
        Called with (periods x replications done, in all), over all options.
    cancelled
        Set it to stop within about 0.1 s.
    found
        Called with (index, row) as each option is done, see :attr:`Frontier.rows`; ``tied`` then
        names the options that were done before it.

    Raises
    ------
    ScenarioError
        If the scenario or a change is wrong, or a family is unknown.
    RunError
        If no family has a position to choose, or the run cannot be done as asked or was cancelled.
    """
    arguments.callbacks(progress, cancelled)
    base = prepare(scenario, arguments.changes(set), seed)
    topology = build(base)
    cuts, current, suggested, notes = combinations(topology, families_of(base, families))
    empty = Frontier(base, tuple(cuts), (), suggested, current, tuple(notes))
    results: list[Result] = []
    for i, cut in enumerate(cuts):
        moved = {f"families.{name}.decoupling_point": place for name, place in cut.items()}
        result = run(
            base, replications=replications, record=(), set=moved, threads=threads,
            progress=part(progress, i, len(cuts)), cancelled=cancelled,
        )  # fmt: skip
        results.append(result)
        if found is not None:
            found(i, replace(empty, results=tuple(results)).row(i))
    told = dict.fromkeys([*notes, *(note for r in results for note in r.notes)])
    return replace(empty, results=tuple(results), notes=tuple(told))


def part(progress: Progress | None, i: int, n: int) -> Progress | None:
    """Return the progress of run ``i`` of ``n`` equal ones as progress of all of them."""
    if progress is None:
        return None
    return lambda done, total: progress(done + i * total, n * total)


def families_of(scenario: Scenario, names: Sequence[str] | None) -> list[str]:
    """Return the families that are meant (none named: all); a :class:`RunError` if one is not there."""
    known = [f.name for f in scenario.families]
    if not known:
        msg = (
            f"scenario '{scenario.name}' has no families, so there is no decoupling point to move; "
            "give its products a family (families: [{name: ...}], items: [{..., family: ...}])"
        )
        raise RunError(msg)
    if names is None:
        return known
    if isinstance(names, str) or not names:
        msg = (
            f"families = {show(names)}; must be a list of names, such as families=['{known[0]}'], "
            "or be left out for all"
        )
        raise RunError(msg)
    for name in names:
        if name not in known:
            msg = f"unknown family '{name}' in scenario '{scenario.name}'; {nearest(name, known)}"
            raise RunError(msg)
    return list(dict.fromkeys(names))


def combinations(
    topology: Topology, families: Iterable[str]
) -> tuple[list[Cut], int, int, list[str]]:
    """Return the options, which of them is the current one and the suggested one, and notes."""
    stages = {name: [p.stage for p in decoupling.positions(topology, name)] for name in families}
    notes = [
        f"family '{name}' stays where it is: no stage is crossed exactly once by all its paths"
        for name, found in stages.items()
        if not found
    ]
    stages = {name: found for name, found in stages.items() if found}
    if not stages:
        msg = (
            f"scenario '{topology.scenario.name}': no stage is a decoupling point of "
            f"{', '.join(families)} that every path crosses exactly once; set decoupling_point to "
            "a list of stages and 'site/item' stock points instead"
        )
        raise RunError(msg)
    current: Cut = {name: _place(topology, name) for name in stages}
    suggested: Cut = {name: decoupling.suggest(topology, name).stage for name in stages}
    if math.prod(len(found) for found in stages.values()) <= MOST:
        every = itertools.product(*stages.values())
        cuts: list[Cut] = [dict(zip(stages, cut, strict=True)) for cut in every]
    else:
        cuts = list(_few(stages, current))
        notes.append(
            f"more than {MOST} combinations: each family moved alone, then all families together"
        )
    cuts = _unique([*cuts, current, suggested])
    moved = sorted({m.family for m in topology.scenario.moves} & stages.keys())
    if moved:
        notes.append(f"{', '.join(moved)}: moved during the run; an option is where it starts")
    return cuts, cuts.index(current), cuts.index(suggested), notes


def _few(stages: Mapping[str, list[str]], current: Cut) -> Iterable[Cut]:
    """Yield each family moved alone, then all together to each stage that fits all of them."""
    for name, found in stages.items():
        yield from ({**current, name: stage} for stage in found)
    for stage in next(iter(stages.values())):
        if all(stage in found for found in stages.values()):
            yield dict.fromkeys(stages, stage)


def _unique(cuts: Iterable[Cut]) -> list[Cut]:
    kept: list[Cut] = []
    for cut in cuts:
        if cut not in kept:
            kept.append(cut)
    return kept


def _place(topology: Topology, family: str) -> Place | None:
    """Return where a family is decoupled: the stage of that cut, where there is one."""
    place = topology.family_of[family].decoupling_point
    if place is None:
        return None
    rows = decoupling.cut_rows(topology, family, place)
    same = (p.stage for p in decoupling.positions(topology, family) if p.rows == rows)
    return next(same, place)


def _label(cut: Cut) -> str:
    said = {
        family: NOWHERE if place is None else place if isinstance(place, str) else " + ".join(place)
        for family, place in cut.items()
    }
    if len({*said.values()}) == 1:
        return next(iter(said.values()))
    return ", ".join(f"{family}: {place}" for family, place in said.items())


def _plain(x: float) -> float | None:
    return None if math.isnan(x) else x
