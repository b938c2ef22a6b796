"""What is wanted: a KPI to make small (or large), and KPIs that must be good enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.errors import RunError
from twin.kpis import KPIS
from twin.names import nearest
from twin.problems import show
from twin.sums import Floats, summed

if TYPE_CHECKING:
    from twin.engine import Outcome

AIM = "running_cost"
"""KPI that is made good unless another one is named."""

SERVICE = "on_time"
"""KPI that is looked at besides where nothing is required."""


@dataclass(frozen=True)
class Goal:
    """What makes one candidate better than another.

    Attributes
    ----------
    aim
        KPI that is made as small as can be, or as large where more of it is better.
    require
        Bound by KPI: at least that much where more is better, else at most.
    penalty
        Money for each unit that customers did not get on time, on top of a cost.
    watch
        KPIs that are measured besides and judge nothing; they may have no value.

    Raises
    ------
    RunError
        If a KPI is unknown or says nothing in a plain run, a number is none, or a bound is not
        among what its KPI can be.
    """

    aim: str = AIM
    require: Mapping[str, float] = field(default_factory=dict)
    penalty: float = 0.0
    watch: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (self.aim, *self.require):
            _check_kpi(name)
        numbers: dict[str, Any] = {f"require {k}": v for k, v in self.require.items()} | {
            "penalty": self.penalty
        }
        for what, number in numbers.items():
            real = isinstance(number, Real) and not isinstance(number, bool)
            if not real or not np.isfinite(number):
                msg = f"{what} = {show(number)}; must be a number"
                raise RunError(msg)
        for name, bound in self.require.items():
            _check_bound(name, bound)
        if self.penalty < 0 or (self.penalty > 0 and KPIS[self.aim].extra["unit"] != "money"):
            msg = (
                f"penalty = {show(self.penalty)} with aim '{self.aim}'; must be 0 or more, and is "
                "for an aim in money only: leave it out, or require 'on_time'"
            )
            raise RunError(msg)

    @property
    def words(self) -> str:
        """The aim as it is told, a penalty within it named."""
        return f"{self.aim} and {self.penalty:g} a late unit" if self.penalty else self.aim

    @property
    def measured(self) -> tuple[str, ...]:
        """Every KPI that is measured: the aim, the required ones, those that are watched."""
        return (self.aim, *self.require, *self.watch)

    def signs(self) -> Floats:
        """Return 1 for each KPI of which less is better, else -1, ``(1 + requirements,)``."""
        better = [KPIS[name].extra["better"] for name in (self.aim, *self.require)]
        return np.where(np.array(better) == "higher", -1.0, 1.0)

    def measure(self, outcome: Outcome) -> Floats:
        """Return all that is measured, the penalty within the aim, ``(measured, K)``."""
        K = outcome.replications.size
        found = np.empty((len(self.measured), K))
        for n, name in enumerate(self.measured):
            found[n] = KPIS[name].function(outcome)
        if self.penalty:
            late = summed(outcome, "sinks.due") - summed(outcome, "sinks.on_time")
            found[0] += self.penalty * late
        return found

    def score(self, values: Floats) -> tuple[float, float]:
        """Return how bad a candidate is: what it lacks of the requirements, and its aim.

        Compared as a pair: whoever lacks less is better, and of those who lack nothing whoever has
        the better aim (Deb 2000, Comput. Methods Appl. Mech. Eng. 186: 311-338). A requirement is
        met if the mean is good enough by its standard error times the one-sided 95 % quantile, so
        that luck alone seldom seems to meet it.

        Parameters
        ----------
        values
            ``(measured, R)``, of :meth:`measure`.
        """
        signs = self.signs()
        means = values[: signs.size].mean(axis=1) * signs
        lack = 0.0
        for n, bound in enumerate(self.require.values(), start=1):
            mean = means[n] + margin(values[n])
            short = mean - bound * signs[n]
            lack += max(0.0, float(short)) / max(abs(bound), 1e-9)
        return (lack if np.isfinite(lack) else np.inf), float(means[0])


def margin(values: Floats) -> float:
    """Return the half-width of the one-sided 95 % interval of a mean, ``(R,)``; 0 of one value."""
    from scipy.special import stdtrit

    R = values.size
    if R < 2:
        return 0.0
    return float(stdtrit(R - 1, 0.95) * values.std(ddof=1) / R**0.5)


def usable() -> list[str]:
    """Return the KPIs that can be aims or requirements."""
    return [k for k, e in KPIS.items() if not e.extra.get("paired") and e.extra["better"] != "zero"]


def _check_kpi(name: str) -> None:
    if name not in KPIS:
        msg = f"no KPI '{name}'; {nearest(name, KPIS)}"
        raise RunError(msg)
    if name not in usable():
        msg = (
            f"'{name}' cannot be optimised: it is compared with an undisrupted run, or is best at "
            f"zero; use one of {', '.join(usable())}"
        )
        raise RunError(msg)


def _check_bound(name: str, bound: float) -> None:
    """Refuse a bound that no run can meet, or that every run meets."""
    low, high = KPIS[name].extra["within"][:2]
    if low <= bound <= high:
        return
    allowed = f"{low:g} to {high:g}" if np.isfinite([low, high]).all() else (
        f"{low:g} or more" if np.isfinite(low) else f"{high:g} or less"
    )  # fmt: skip
    percent = " (95 % is 0.95 or '95%')" if high == 1 < bound else ""
    msg = (
        f"require {name} = {show(bound)}; {name} can only be {allowed}: give such a bound{percent}"
    )
    raise RunError(msg)
