"""Alarms of a chain that is watched, and what should be estimated anew: said, never done."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from calibration.drift import ALLOWANCE, FALSE_ALARMS, Cusums, threshold

What = Literal["shrink", "demand", "lead time"]
DIRECTIONS: Mapping[tuple[str, str], str] = {
    ("shrink", "up"): "less vanishes than calibrated",
    ("shrink", "down"): "more vanishes than calibrated",
    ("demand", "up"): "customers order more than calibrated",
    ("demand", "down"): "customers order less than calibrated",
    ("lead time", "up"): "goods take longer than calibrated",
    ("lead time", "down"): "goods come sooner than calibrated",
}


class Moved(NamedTuple):
    """An alarm: what moved and where (stock point or link), since when, when it was found.

    ``found`` and ``began`` are periods; ``direction`` is that of the scores.
    """

    what: What
    where: str
    found: int
    began: int
    direction: str

    @property
    def words(self) -> str:
        """What it means."""
        return DIRECTIONS[self.what, self.direction]


def words_of(moved: Moved, now: float | str | None, advised: float | str | None) -> str:
    """Return what an alarm means beside the numbers of its advice: words follow the numbers.

    The estimate goes on after the alarm and may have turned: then both are said.
    """
    if not (isinstance(now, float | int) and isinstance(advised, float | int)) or now == advised:
        return moved.words
    more = advised > now
    up = not more if moved.what == "shrink" else more  # scores of shrink are those of the stock
    turned = DIRECTIONS[moved.what, "up" if up else "down"]
    return (
        moved.words
        if turned == moved.words
        else f"{turned} by now, though the alarm said: {moved.words}"
    )


@dataclass(frozen=True)
class Advice:
    """A recommendation: it is published or shown, and applied by people alone.

    Attributes
    ----------
    kind
        ``re-estimate``, ``base-stock level``, ``reorder point`` or ``decoupling point``.
    where
        Stock point, link or family.
    what
        What should change: shrink, demand, lead time, level ...
    now, advised
        As the calibrated scenario has it, and as is advised; a number or a place.
    low, high
        90 % band of ``advised`` where it is an estimate.
    unit
        Of the numbers.
    because
        In words.
    """

    kind: str
    where: str
    what: str
    now: float | str | None
    advised: float | str | None
    because: str
    low: float | None = None
    high: float | None = None
    unit: str = ""

    def to_json_dict(self) -> dict[str, Any]:
        """Return it as plain data, without what is not known."""
        found = {k: v for k, v in self.__dict__.items() if v is not None and v != ""}
        return {k: round(v, 6) if isinstance(v, float) else v for k, v in found.items()}


class Watches:
    """A CUSUM for each thing that is watched, with one false-alarm rate for all of them together.

    Parameters
    ----------
    names
        What may be watched, and where.
    number
        How many things are watched at once.

    Attributes
    ----------
    height
        Sum at which each raises an alarm.
    moved
        All alarms so far, oldest first.
    """

    def __init__(self, names: Mapping[What, Sequence[str]], number: int) -> None:
        self._names, self.height = names, _height(max(1, number))
        self._sums = {what: Cusums(len(where), self.height) for what, where in names.items()}
        self.moved: list[Moved] = []

    def take(self, what: What, t: int, scores: npt.NDArray[np.float64]) -> list[Moved]:
        """Take scores of period ``t``; returns the alarms that are raised now.

        ``scores``: one for each name, NaN where there is none; or ``(scores, names)``, in order.
        """
        sums = self._sums[what]
        raised = sorted(i for row in np.atleast_2d(scores) for i in sums.step(row, t))
        found = [Moved(what, self._names[what][i], *sums.alarms[i]) for i in raised]
        self.moved += found
        return found

    def state(self) -> list[object]:
        """Return all that is known, as plain data, for a hash of the state."""
        return [[what, c.up.tolist(), c.down.tolist()] for what, c in self._sums.items()]


@lru_cache(maxsize=64)
def _height(number: int) -> float:
    """Return the threshold at which the stated share of *all* watches together is false.

    The highest sum of an undisturbed CUSUM of normal scores has an exponential tail of rate 2k
    (Siegmund 1985, chapter II), so that n watches need ln(n) / 2k more than one.
    """
    return _one() + math.log(number) / (2 * ALLOWANCE)


@lru_cache(maxsize=1)
def _one() -> float:
    return threshold(false_alarms=FALSE_ALARMS)
