"""What an optimisation came to, and how sure that is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twin.files import write_text
from twin.kpis import KPIS
from twin.load import save
from twin.optimise.goal import Goal, margin
from twin.optimise.ranking import Ranking
from twin.result import number
from twin.schema import Scenario
from twin.statistics import interval
from twin.sums import Floats


@dataclass(frozen=True)
class Candidate:
    """One that was tried, with what it came to under the luck of the search.

    Attributes
    ----------
    choice
        Decoupling points and sources in words.
    lack
        How far it misses the requirements, see :meth:`Goal.score`; 0: not at all.
    aim, beside
        Means of the first two KPIs of :attr:`Goal.measured`.
    """

    choice: str
    lack: float
    aim: float
    beside: float


@dataclass(frozen=True)
class Finalist:
    """A candidate that the fresh replications decided about.

    Attributes
    ----------
    choice
        Decoupling points and sources in words.
    levers
        Value by lever.
    changes
        What makes it of the scenario, for :func:`twin.apply`.
    values
        What it came to, ``(measured, R)``, see :attr:`Goal.measured`. All finalists have the same
        luck, and those that were dropped early have fewer replications of it.
    """

    choice: str
    levers: dict[str, float]
    changes: dict[str, Any]
    values: Floats

    def behind(self, best: Finalist) -> tuple[float, float, float]:
        """Return by how much the aim is above that of another one, with its 95 % interval.

        Paired: over the replications that both had.
        """
        n = min(self.values.shape[1], best.values.shape[1])
        return interval(self.values[0, :n] - best.values[0, :n])[:3]

    def to_json_dict(self, best: Finalist) -> dict[str, Any]:
        """Return it as plain data, beside the chosen one."""
        mean, low, high, n = interval(self.values[0])
        return {
            "choice": self.choice, "levers": self.levers, "aim": mean, "low": low, "high": high,
            "behind": _spread(self.behind(best)), "replications": n,
        }  # fmt: skip


@dataclass(frozen=True, repr=False)
class Optimised:
    """What :func:`twin.optimise.optimise` returns.

    Attributes
    ----------
    given, scenario
        The scenario as it was, and as it should be.
    changes
        What makes the one of the other, for :func:`twin.apply`.
    goal
        What was wanted.
    finalists
        The candidates that were compared on fresh replications, the chosen one first.
    candidates
        All that were tried, the best first.
    ranking
        How the finalists compare: means, and the confidence of the choice. The numbers of its
        finalists are those of ``finalists``.
    before, after
        What both scenarios came to on further fresh replications, ``(measured, R)``, see
        :attr:`Goal.measured`; paired, since they share their luck.
    runs
        Replications that were simulated in all.
    notes
        What was left out, and why.
    """

    given: Scenario
    scenario: Scenario
    changes: dict[str, Any]
    goal: Goal
    finalists: tuple[Finalist, ...]
    candidates: tuple[Candidate, ...]
    ranking: Ranking
    before: Floats
    after: Floats
    runs: int
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Finalist:
        """The chosen candidate."""
        return self.finalists[0]

    @property
    def tried(self) -> int:
        """How many candidates were tried."""
        return len(self.candidates)

    def improvement(self) -> tuple[float, float, float]:
        """Return by how much the aim is better than before, with its 95 % interval.

        Positive is better, in the unit of the aim.
        """
        better = (self.before[0] - self.after[0]) * float(self.goal.signs()[0])
        return interval(better)[:3]

    def requirements(self) -> list[dict[str, Any]]:
        """Return each requirement: ``kpi``, ``bound``, mean before and after, and ``met``.

        It is met if the one-sided 95 % interval of the mean lies on the right side of the bound; a
        single replication, which has none, is taken as it is.
        """
        found = []
        for n, (kpi, bound) in enumerate(self.goal.require.items(), start=1):
            sign = float(self.goal.signs()[n])
            worst = sign * float(self.after[n].mean()) + margin(self.after[n])
            found.append(
                {
                    "kpi": kpi,
                    "bound": bound,
                    "before": float(self.before[n].mean()),
                    "after": float(self.after[n].mean()),
                    "met": worst <= sign * bound,
                }
            )
        return found

    def to_json_dict(self) -> dict[str, Any]:
        """Return everything as plain data; numbers that are not defined are ``None``."""
        found = {
            "scenario": self.given.name,
            "aim": self.goal.aim,
            "penalty": self.goal.penalty,
            "choice": self.best.choice,
            "levers": self.best.levers,
            "changes": self.changes,
            "before": _spread(interval(self.before[0])),
            "after": _spread(interval(self.after[0])),
            "improvement": _spread(self.improvement()),
            "requirements": self.requirements(),
            "confidence": self.ranking.confidence,
            "delta": self.ranking.delta,
            "finalists": [f.to_json_dict(self.best) for f in self.finalists],
            "tried": self.tried,
            "runs": self.runs,
            "replications": self.after.shape[1],
            "seed": self.given.seed,
            "notes": list(self.notes),
        }
        return _plain(found)  # type: ignore[no-any-return]

    def summary(self) -> str:
        """Return what was found as a few lines of text."""
        unit = KPIS[self.goal.aim].extra["unit"]
        better, low, high = self.improvement()
        before, after = float(self.before[0].mean()), float(self.after[0].mean())
        share = f" ({100 * abs(better / before):.1f} %)" if before else ""
        width = max(34, *(len(label) + 1 for label in self.best.levers), 0)
        n = self.after.shape[1]
        spread = f"95 % interval of the gain {number(low)} to {number(high)}, on {n} fresh paired replications"
        if np.isnan(low):
            spread = "in the only replication: no interval, nothing is sure"
        lines = [
            f"{self.given.title or self.given.name}: best of {self.tried} candidates",
            *self._missed(),
            f"  choice  {self.best.choice}",
            *(f"  {label:<{width}}{number(x):>10}" for label, x in self.best.levers.items()),
            f"  {self.goal.words}: {number(before)} -> {number(after)} {unit}".rstrip(),
            f"  {'better' if better >= 0 else 'worse'} by {number(abs(better))}{share}, {spread}",
            *self._requirement_lines(),
            f"  {self._confidence()}",
        ]
        if not low > 0 and not self._was_short():
            lines.append("  not clearly better than the scenario as it is")
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def _was_short(self) -> bool:
        """Return whether the scenario as it was misses a requirement, so that its aim says little."""
        signs = self.goal.signs()[1:]
        bounds = self.goal.require.values()
        means = self.before[1 : 1 + signs.size].mean(axis=1)
        return any(
            s * mean > s * bound for s, mean, bound in zip(signs, means, bounds, strict=True)
        )

    def _missed(self) -> list[str]:
        """Return, first of all, what is required and not reached, and what could be done."""
        missed = [x for x in self.requirements() if not x["met"]]
        if not missed:
            return []
        told = [
            f"  NOT MET: {self._bound(x)} is not reached with 95 % confidence; here it is "
            f"{x['after']:.4g}"
            for x in missed
        ]
        return [*told, "  lower the bound, let more levers move, or try more (--budget)"]

    def _bound(self, x: Mapping[str, Any]) -> str:
        mark = ">=" if KPIS[x["kpi"]].extra["better"] == "higher" else "<="
        return f"{x['kpi']} {mark} {x['bound']:g}"

    def _requirement_lines(self) -> list[str]:
        lines = []
        for x in self.requirements():
            alone = " in the only replication" if self.after.shape[1] == 1 else ""
            told = f"met{alone}" if x["met"] else "not met with 95 % confidence"
            lines.append(f"  {self._bound(x)}: {x['before']:.4g} -> {x['after']:.4g}, {told}")
        return lines

    def _confidence(self) -> str:
        n = len(self.ranking.means)
        if self.ranking.confidence is None:
            return "only one finalist: nothing to compare it with, so no confidence is given"
        return (
            f"confidence {100 * self.ranking.confidence:.0f} % that none of the {n} finalists is "
            f"better by {number(self.ranking.delta)} or more "
            f"({sum(self.ranking.replications)} replications)"
        )

    def __repr__(self) -> str:
        return f"<Optimised {self.summary()}>"

    def save(self, path: str | Path) -> None:
        """Write the optimised scenario as a file that ``twin run`` takes.

        Raises
        ------
        OutputError
            If it cannot be written.
        ScenarioError
            If the ending says neither YAML nor JSON.
        """
        better, low, high = self.improvement()
        head = [
            f"Optimised by `twin optimise`: {self.goal.words} better by {number(better)} "
            f"({number(low)} to {number(high)}, 95 %)",
            f"{self.best.choice}",
        ]
        save(self.scenario, path, head)

    def keep(self, folder: Path | None) -> None:
        """Write scenario and numbers into a folder, if there is one."""
        if folder is not None:
            self.save(folder / "optimised.yaml")
            self.save_numbers(folder / "result.json")

    def save_numbers(self, path: str | Path) -> None:
        """Write :meth:`to_json_dict` as a JSON file.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        write_text(Path(path), json.dumps(self.to_json_dict(), indent=1) + "\n")


def _spread(found: tuple[float, ...]) -> dict[str, float]:
    """Return a mean with its interval by name."""
    return dict(zip(("mean", "low", "high"), found, strict=False))


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {k: _plain(v) for k, v in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(v) for v in data]
    if isinstance(data, float | np.floating):
        return float(data) if np.isfinite(data) else None
    return data.item() if isinstance(data, np.generic) else data
