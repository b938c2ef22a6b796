"""Direct estimators: what is observed is estimated by its likelihood, with what is not sure of it.

Each estimator takes events and a scenario and returns :class:`Estimate` objects. An estimate that
has a place in the scenario names it by dotted key (:func:`twin.apply`); ``sets`` are the values that
make the key meaningful (the kind of a distribution, say), and ``draws`` go into the scenario's
posterior sample under the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from twin.schema import Demand, Lane, Production, Purchase, Scenario

Floats = npt.NDArray[np.float64]

DRAWS = 400
"""Draws of each estimate."""

LEVEL = 0.9
"""Share of the draws between ``low`` and ``high``."""


@dataclass(frozen=True)
class Estimate:
    """One number that was estimated, and how sure it is.

    Attributes
    ----------
    name
        In words: ``mean demand of shop/tea``.
    value, low, high
        Best value and the ends of the central 90 % interval, in the unit of the scenario's key.
    draws
        Posterior or bootstrap sample, ``(DRAWS,)``; the n-th draws of estimates of one thing belong
        together.
    n
        Events or periods it rests on.
    key
        Dotted key of the scenario that it is a value of; empty: none.
    sets
        Values by dotted key that make those of ``key`` mean anything; empty: ``value`` itself is all.
    method
        How it was found, in a few words.
    note
        What to be careful about; empty: nothing.
    refs
        Where some of the rows stand: first and last ``raw_ref``.
    known
        Whether the events tell it; else the scenario's own value stays or is taken off (``sets``),
        and there is no interval (NaN), or only its lower end: at least so much.
    """

    name: str
    value: float
    low: float
    high: float
    draws: Floats
    n: int
    key: str = ""
    sets: Mapping[str, Any] = field(default_factory=dict)
    method: str = ""
    note: str = ""
    refs: tuple[str, ...] = ()
    known: bool = True

    @classmethod
    def of(cls, name: str, value: float, draws: npt.ArrayLike, n: int, **more: Any) -> Estimate:
        """Return an estimate whose interval is that of its draws."""
        sample = np.asarray(draws, np.float64)
        ends = np.quantile(sample, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        return cls(name, float(value), float(ends[0]), float(ends[1]), sample, int(n), **more)

    @property
    def sure(self) -> bool:
        """Whether all draws are the same."""
        return bool(np.ptp(self.draws) == 0)


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return the luck of one estimate: it depends on the seed and on names, on nothing else."""
    words = [int.from_bytes(name.encode(), "big") for name in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


def variance_between(values: Floats, own: Floats) -> Floats:
    """Return by how much what is estimated differs from one to the other, beyond what each errs.

    Random effects, not cut off at 0: DerSimonian & Laird (1986), Controlled Clinical Trials 7,
    equations 2 to 8.

    Parameters
    ----------
    values, own
        Estimates and their variances, ``(k, ...)``.
    """
    w = 1 / own
    centre = (w * values).sum(axis=0) / w.sum(axis=0)
    excess = (w * (values - centre) ** 2).sum(axis=0) - (len(values) - 1)
    scale = w.sum(axis=0) - (w**2).sum(axis=0) / w.sum(axis=0)
    return np.asarray(excess / np.maximum(scale, 1e-300))


def refs(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return where the first and the last of some events stand."""
    if rows.empty:
        return ()
    ends = rows["raw_ref"].iloc[[0, -1]]
    return tuple(dict.fromkeys(str(ref) for ref in ends if ref))


def key_of(scenario: Scenario, declared: Lane | Production | Purchase | Demand) -> str:
    """Return the dotted key of an entry of a scenario: by name where only it has that name."""
    where: dict[type, tuple[str, Iterable[Any]]] = {
        Lane: ("lanes", scenario.lanes),
        Production: ("production", scenario.production),
        Purchase: ("purchases", scenario.purchases),
        Demand: ("demand", scenario.demand),
    }
    section, entries = where[type(declared)]
    names = [_name(entry) for entry in entries]
    same = [i for i, entry in enumerate(entries) if entry is declared]
    # an entry of another copy of the scenario is found by being equal
    n = (same or [i for i, entry in enumerate(entries) if entry == declared])[0]
    return f"{section}.{names[n]}" if names.count(names[n]) == 1 else f"{section}[{n}]"


def _name(entry: Any) -> str:
    if isinstance(entry, Lane):
        return entry.name
    return entry.site if entry.item is None else f"{entry.site}/{entry.item}"
