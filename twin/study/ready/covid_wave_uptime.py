"""How reliable a supplier must be for a chain without buffers to be the cheapest."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from twin import decoupling
from twin.compile.rules import downstream, first_forecasts
from twin.errors import RunError
from twin.names import nearest
from twin.result import words
from twin.schema import Scenario
from twin.study.findings import Chart, Sheet
from twin.study.intervals import bootstrap
from twin.study.ready.runs import Runs, unit_of
from twin.study.ready.stock import stocked
from twin.study.ready.words import ENDS, columns, counted
from twin.sums import Floats
from twin.topology import Topology, build

if TYPE_CHECKING:
    from twin.study.ready.base import Bench

COST = "running_cost"


@dataclass(frozen=True)
class Asked:
    """What is tried.

    Attributes
    ----------
    supplier
        Site that fails.
    uptimes
        Shares of the time that it works, rising, each above 0 and at most 1.
    stretch
        Periods of one stretch: it works or fails for whole stretches, each by a chance of its own.
    buffers
        Periods of mean demand held at the first stock beyond the supplier.
    replications
        Of each run; ``None``: the scenario's.
    """

    supplier: str
    uptimes: Sequence[float]
    stretch: int
    buffers: Sequence[int]
    replications: int | None = None

    def failures(self, uptime: float, horizon: int) -> list[dict[str, Any]]:
        """Return the failures as disruptions; the luck of a stretch is the same at all uptimes.

        The supplier works for the wanted share of the time in the mean, its failures last
        ``stretch / uptime`` periods in the mean and begin ``stretch / (1 - uptime)`` periods after
        the end of the one before.
        """
        chance = 1.0 - uptime
        starts = range(0, horizon if chance > 0 else 0, self.stretch)
        return [
            {"kind": "outage", "name": f"failure_{n}", "where": {"site": self.supplier},
             "start": start, "duration": self.stretch, "probability": chance}
            for n, start in enumerate(starts)
        ]  # fmt: skip


class Uptime:
    """Cost of a chain without buffers and with some, by the supplier's uptime.

    Parameters
    ----------
    asked
        What is tried.
    bench
        Runs the inner study ``uptime`` on its scenario, whose own disruptions are left out.
    """

    def __init__(self, asked: Asked, bench: Bench) -> None:
        self.asked, self.scenario = asked, bench.scenario
        self.place = Place.behind(build(self.scenario), asked.supplier)
        runs: dict[str, dict[str, Any]] = {}
        for buffer in (0, *asked.buffers):
            network = self.place.changes(self.scenario, buffer)
            for uptime in asked.uptimes:
                failures = asked.failures(uptime, self.scenario.horizon)
                loud = {"disruptions[+]": failures} if failures else {}
                runs[_label(uptime, buffer)] = {**network, **loud}
        outputs = (COST, "on_time")
        self._runs = Runs(bench, "uptime", runs, outputs, asked.replications, calm=True)

    def cost(self, buffer: int) -> Floats:
        """Return the running cost per period at each uptime, ``(uptimes, R)``."""
        return np.array([self._runs.values(_label(u, buffer), COST) for u in self.asked.uptimes])

    @functools.cached_property
    def threshold(self) -> tuple[float, float, float]:
        """Uptime below which a buffer is cheaper than none, and the ends of its interval.

        See :func:`crossing`; the cheapest buffer at each uptime counts.
        """
        none = self.cost(0)
        some = np.array([self.cost(buffer) for buffer in self.asked.buffers])

        def found(replications: Floats) -> Floats:
            chosen = replications.astype(int)
            gain = none[:, chosen].mean(-1) - some[:, :, chosen].mean(-1).min(axis=0)
            return crossing(np.array(self.asked.uptimes), gain)

        return bootstrap(np.arange(none.shape[1], dtype=float), found)

    @functools.cached_property
    def rule(self) -> float | None:
        """The uptime of the closed form, where it holds, see :meth:`Place.critical`."""
        return self.place.critical(build(self.scenario))

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        """One row per buffer and uptime: cost, its difference to no buffer, both with intervals."""
        rows = []
        none = self.cost(0)
        for buffer in (0, *self.asked.buffers):
            mine = self.cost(buffer)
            for n, uptime in enumerate(self.asked.uptimes):
                rows.append({
                    "uptime": uptime, "buffer": buffer, "policy": self.policy(buffer),
                    **columns("cost", mine[n]), **columns("against_none", mine[n] - none[n]),
                })  # fmt: skip
        return pd.DataFrame(rows)

    def policy(self, buffer: int) -> str:
        """Return a buffer in words."""
        return f"{counted(buffer, self.scenario)} of buffer" if buffer else "no buffer"

    def sheets(self) -> tuple[Sheet, ...]:
        """Return the table of costs."""
        money = unit_of(self.scenario, COST)
        units = {f"{name}{end}": money for name in ("cost", "against_none") for end in ENDS}
        units |= {"uptime": "share", "buffer": words("periods", self.scenario)}
        return (Sheet("uptime", "Cost by the supplier's uptime", self.frame, units),)

    def charts(self) -> tuple[Chart, ...]:
        """Return the picture of costs."""
        title = f"Cost against no buffer, by the uptime of {self.asked.supplier}"
        return (
            Chart("lines", "uptime", title, "uptime", x="uptime", y="against_none",
                  low="against_none_low", high="against_none_high", group="policy", zero=True),
        )  # fmt: skip


def _label(uptime: float, buffer: int) -> str:
    return f"{uptime:g} up, buffer {buffer}"


def crossing(uptimes: Floats, gain: Floats) -> Floats:
    """Return the highest uptime below which something gains, linear between those that were tried.

    Parameters
    ----------
    uptimes
        Rising, ``(U,)``.
    gain
        What it gains at each, ``(U, ...)``.

    Returns
    -------
    numpy.ndarray
        ``(...)``; the highest uptime where it gains even there, the lowest where it never gains.
    """
    steps = (len(uptimes) - 1, *[1] * (gain.ndim - 1))
    low, high = gain[:-1], gain[1:]
    falls = (low > 0) & (high <= 0)
    width = np.where(falls, low - high, 1.0)
    at = uptimes[:-1].reshape(steps) + low / width * np.diff(uptimes).reshape(steps)
    found = np.where(falls, at, uptimes[0]).max(axis=0)
    return np.asarray(np.where(gain[-1] > 0, uptimes[-1], found))


@dataclass(frozen=True)
class Place:
    """Where a chain without buffers is decoupled, and where buffers are kept.

    Attributes
    ----------
    pulled
        Decoupling point by family without a buffer: as far upstream as customers tolerate.
    buffered
        The same with one: the first position beyond the supplier.
    below
        Stock points that the supplier's goods pass.
    rows
        Those of them where the buffer is kept.
    """

    pulled: Mapping[str, decoupling.Place | None]
    buffered: Mapping[str, decoupling.Place | None]
    below: frozenset[int]
    rows: frozenset[int]

    @classmethod
    def behind(cls, top: Topology, supplier: str) -> Place:
        """Return the places beyond a supplier.

        Raises
        ------
        RunError
            If there is no such site, it supplies nobody, or what it supplies has no family.
        """
        own = frozenset(p.index for p in top.points if p.site.name == supplier)
        if not own:
            sites = [p.site.name for p in top.points]
            msg = f"supplier: no site '{supplier}' with stock points; {nearest(supplier, sites)}"
            raise RunError(msg)
        below = frozenset(i for row in own for i in downstream(top, row)) - own
        families = sorted({f for row in below for f in top.families_of[row]} - {""})
        if not below or not families:
            msg = (
                f"supplier '{supplier}' supplies no other site with items of a family, so there is "
                "no decoupling point to compare; name another one, or give the products a family"
            )
            raise RunError(msg)
        pulled, buffered, rows = {}, {}, frozenset[int]()
        for name in families:
            pulled[name], buffered[name], cut = _of_family(top, name, own)
            rows |= cut & below
        return cls(pulled, buffered, below, rows)

    @property
    def said(self) -> str:
        """Where the chain without buffers is decoupled, in words."""
        places = {name: _said(place) for name, place in self.pulled.items()}
        if len({*places.values()}) == 1:
            return next(iter(places.values()))
        return ", ".join(f"{place} ({name})" for name, place in places.items())

    def changes(self, scenario: Scenario, buffer: int) -> dict[str, Any]:
        """Return the changes that keep a buffer of so many periods; 0: none anywhere."""
        places = self.buffered if buffer else self.pulled
        moved = {f"families.{name}.decoupling_point": place for name, place in places.items()}
        top = build(scenario)
        rules = stocked(top, self.below - self.rows, 0, lean=True)
        rules += stocked(top, self.rows, buffer, lean=True)
        return {**moved, **({"stock[+]": rules} if rules else {})}

    def critical(self, top: Topology) -> float | None:
        """Return ``p / (p + h)``, below which the first period's worth of buffer pays.

        One stage with constant demand d whose unmet part waits at ``p`` a unit and period; stock
        costs ``h``. With a buffer of k periods, and N the periods in a row that the supplier has
        failed (0: it works), the net stock is d (k - N): what was missed comes at once when it
        works again. A buffer of 1 instead of 0 therefore changes the cost of a period by h d where
        N = 0 and by -p d where N >= 1, in the mean by d (h u - p (1 - u)) with the uptime u =
        P(N = 0): it pays if u < p / (p + h), however long failures last. ``None`` where customers
        are lost or waiting costs nothing. Rates are means over what is demanded.
        """
        sinks = [s for s in top.sinks if s.row in self.below]
        if any(s.demand.unmet == "lost" or s.demand.patience is not None for s in sinks):
            return None
        mean = first_forecasts(top).mean
        late = _mean([(mean[s.row], top.points[s.row].settings.backlog_cost) for s in sinks])
        held = _mean([(mean[i], top.points[i].settings.holding_cost) for i in self.rows])
        return late / (late + held) if late > 0 and held > 0 else None

    def waits_for_free(self, top: Topology) -> bool:
        """Return whether no customer leaves and none costs anything while waiting."""
        sinks = [s for s in top.sinks if s.row in self.below]
        stays = all(s.demand.unmet == "backorder" and s.demand.patience is None for s in sinks)
        return stays and all(top.points[s.row].settings.backlog_cost == 0 for s in sinks)


def _of_family(
    top: Topology, family: str, own: frozenset[int]
) -> tuple[decoupling.Place | None, decoupling.Place | None, frozenset[int]]:
    """Return where a family is decoupled without and with a buffer, and the latter's rows."""
    known = decoupling.positions(top, family)
    if not known:
        place = top.family_of[family].decoupling_point
        sold = {s.row for s in top.sinks if top.points[s.row].item.family == family}
        rows = frozenset(sold) if place is None else decoupling.cut_rows(top, family, place)
        return place, place, rows
    pulled = decoupling.suggest(top, family)
    behind = known[known.index(pulled) :]
    buffered = next((p for p in behind if not p.rows & own), pulled)
    return pulled.stage, buffered.stage, buffered.rows


def _said(place: decoupling.Place | None) -> str:
    if place is None:
        return "where customers are"
    return place if isinstance(place, str) else " + ".join(place)


def _mean(parts: Sequence[tuple[float, float]]) -> float:
    weight = sum(w for w, _ in parts)
    return float(sum(w * x for w, x in parts) / weight) if weight else 0.0
