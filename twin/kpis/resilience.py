"""Resilience: how long the chain survives a disruption, how deep it falls and how it recovers.

Every KPI here compares a run with its undisrupted twin under the same luck. Performance ``Q(t)``
is 1 while customers are served as in the twin; ``t_d`` is the start of the first disruption that
happens in a replication, ``w`` and ``ε`` the scenario's ``resilience.window`` and ``.threshold``.
Time to survive and to recover: Simchi-Levi et al. 2015, Interfaces 45(5): 375-390; the triangle of
lost performance: Bruneau et al. 2003, Earthquake Spectra 19(4): 733-752.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from twin.kpis.base import AMOUNT, KPIS, PERIODS, SHARE, YES_NO
from twin.kpis.promised import add_up
from twin.memory import kept
from twin.sums import Floats, ratio, replications, total

if TYPE_CHECKING:
    from twin.engine import Outcome

SERIES = ("sinks.demand", "sinks.ordered_total", "sinks.closed_total", "sinks.lost")
"""What must be recorded for these KPIs."""

SERVICE = ("service.due", "service.on_time", "service.owed")
"""The same, added up over all sinks (what :func:`thin` keeps)."""


@dataclass(frozen=True)
class Service:
    """Units of all customers by period, ``(periods, K)`` each, warm-up included.

    Attributes
    ----------
    due
        Units whose waiting time as tolerated is over in this period.
    on_time
        Those of them that were delivered.
    owed
        Units that wait at period end.
    """

    due: Floats
    on_time: Floats
    owed: Floats


def service(o: Outcome) -> Service | None:
    """Return what customers got and when, or nothing if its series were not recorded.

    Units count in the period in which their customer's tolerance ends; where unmet demand is lost
    at once, in the period of demand. Without tolerance this is the fill of each period.
    """
    if set(SERVICE) <= set(o.series):
        return Service(*(o.series[name][:, 0, :] for name in SERVICE))
    if not set(SERIES) <= set(o.series):
        return None
    return kept(o, "_service", lambda: _service(o))


def _service(o: Outcome) -> Service:
    demand, ordered, closed, lost = (o.series[name] for name in SERIES)
    due, on_time, owed = (np.zeros((len(demand), demand.shape[2])) for _ in range(3))
    add_up(demand, ordered, closed, lost, *tolerated(o), due, on_time, owed)
    return Service(due, on_time, owed)


def tolerated(o: Outcome) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return how long each sink's customers may wait, and whether they leave just then."""
    sinks, driven = o.plan.topology.sinks, o.plan.order_driven
    at_once = [s.demand.unmet == "lost" and not driven[s.row] for s in sinks]
    waits = [0 if now else s.tolerance for s, now in zip(sinks, at_once, strict=True)]
    leave = [s.demand.patience == wait for s, wait in zip(sinks, waits, strict=True)]
    return np.array(waits, np.int64), np.array(leave, bool)


def thin(o: Outcome) -> Outcome:
    """Return an outcome that holds no more than these KPIs need."""
    found = service(o)
    parts = () if found is None else (found.due, found.on_time, found.owed)
    series = {n: x[:, None, :] for n, x in zip(SERVICE, parts, strict=False)}
    return replace(o, sums={}, final={}, opening={}, series=series)


def starts(o: Outcome) -> Floats:
    """Return the start of the first disruption that happens, ``(K,)``; NaN where none does."""
    K, seed = replications(o), o.plan.topology.scenario.seed
    drawn = o.plan.events.draw(K, int(o.replications[0]), seed)
    n = len(o.plan.events.events)
    if n == 0:
        return np.full(K, np.nan)
    happens = np.asarray(drawn.happens).reshape(n, K) > 0
    first = np.where(happens, np.asarray(drawn.start).reshape(n, K), np.inf).min(axis=0)
    return np.where(np.isfinite(first), first, np.nan)


def performance(o: Outcome, baseline: Outcome, window: int | None = None) -> Floats | None:
    """Return ``Q(t)``, ``(periods, K)``, or nothing if the series were not recorded.

    ``Q(t) = min(1, S_run(t) / S_twin(t))`` with ``S`` = on-time units over due units in the periods
    ``t-w+1 ... t``; 1 where nothing was due or the twin serves nobody either.

    Parameters
    ----------
    o, baseline
        The run and its undisrupted twin.
    window
        ``w``; default: the scenario's.
    """
    mine, twin = service(o), service(baseline)
    if mine is None or twin is None:
        return None
    w = o.plan.topology.scenario.resilience.window if window is None else window
    shares = ratio(_share(mine, w), _share(twin, w))
    return np.where(np.isnan(shares), 1.0, np.minimum(1.0, shares))


def _share(found: Service, w: int) -> Floats:
    return ratio(_moving(found.on_time, w), _moving(found.due, w))


def _moving(x: Floats, w: int) -> Floats:
    """Add up the last ``w`` periods, added afresh so that nothing is carried along."""
    out = x.copy()
    for back in range(1, min(w, x.shape[0])):
        out[back:] += x[:-back]
    return out


@dataclass(frozen=True)
class Fall:
    """One disrupted performance curve per replication, counted from the disruption.

    Attributes
    ----------
    q
        ``Q(t)`` from ``t_d`` on, 1 before, ``(periods, K)``.
    start
        ``t_d``, ``(K,)``; NaN where nothing happens.
    """

    q: Floats
    start: Floats

    def first_below(self, level: float) -> Floats:
        """Periods from ``t_d`` to the first with ``Q < level``; NaN if there is none."""
        below = self.q < level
        found = np.argmax(below, axis=0) - self.start
        return np.where(below.any(axis=0), found, np.nan)

    def back_above(self, level: float) -> Floats:
        """Periods from ``t_d`` until ``Q`` stays at ``level`` or more."""
        return _until_clear(self.q < level, self.start)

    def failing(self, failure: float, recovery: float) -> NDArray[np.bool_]:
        """Where ``Q`` has fallen below one level and not come back to the other, ``(periods, K)``.

        Between the two a chain that stands still stands and one that fell has not recovered, so
        that a performance that trembles about one level does not fail and recover every day.
        """
        below = self.q < failure
        turns = below | (self.q >= recovery)
        t = np.arange(self.q.shape[0])[:, None]
        last = np.maximum.accumulate(np.where(turns, t, 0), axis=0)
        return np.take_along_axis(below, last, axis=0)


def _until_clear(failing: NDArray[np.bool_], start: Floats) -> Floats:
    """Periods from the start to the end of the last failing one.

    0 if none fails; NaN if the run ends first (censored) or nothing happens.
    """
    periods = failing.shape[0]
    after_last = periods - np.argmax(failing[::-1], axis=0)
    found = np.where(failing.any(axis=0), after_last - start, 0.0)
    return np.where(failing[-1] | np.isnan(start), np.nan, found)


def fall(o: Outcome, baseline: Outcome) -> Fall:
    """Return the performance of a run from its first disruption on."""

    def make() -> Fall:
        start = starts(o)
        q = performance(o, baseline)
        if q is None:
            return Fall(np.ones((1, start.size)), np.full(start.size, np.nan))
        t = np.arange(q.shape[0])[:, None]
        return Fall(np.where(t >= start, q, 1.0), start)

    return kept(o, "_fall", make) if service(o) is not None else make()


def _level(o: Outcome) -> float:
    return o.plan.topology.scenario.resilience.failure


def _failing(o: Outcome, baseline: Outcome) -> NDArray[np.bool_]:
    """Return where a run has fallen and not recovered, ``(periods, K)``."""
    level = _level(o)
    recovery = o.plan.topology.scenario.resilience.recovery
    return fall(o, baseline).failing(level, level if recovery is None else recovery)


def _back(o: Outcome, baseline: Outcome) -> Floats:
    return _until_clear(_failing(o, baseline), fall(o, baseline).start)


@KPIS.add("tts", within=PERIODS, unit="periods", better="higher", group="resilience", paired=True)
def tts(o: Outcome, baseline: Outcome) -> Floats:
    """Time to survive: periods from the disruption to the first with Q < 1 - ε.

    NaN where performance never falls (then the chain survives the whole run).
    """
    return fall(o, baseline).first_below(_level(o))


@KPIS.add("ttr", within=PERIODS, unit="periods", better="lower", group="resilience", paired=True)
def ttr(o: Outcome, baseline: Outcome) -> Floats:
    """Time to recover: periods from the disruption until the last fall is over.

    A fall begins in the first period with Q < 1 - ε and is over in the first with Q at
    ``resilience.recovery`` or more (unless given: 1 - ε); 0 where there is none, NaN where the run
    ends before (censored; see ``unrecovered``).
    """
    return _back(o, baseline)


@KPIS.add("ttr_95", within=PERIODS, unit="periods", better="lower", group="resilience", paired=True)
def ttr_95(o: Outcome, baseline: Outcome) -> Floats:
    """Time to recover to 95 %: as the time to recover, with Q ≥ 0.95."""
    return fall(o, baseline).back_above(0.95)


@KPIS.add(
    "ttr_backlog", within=PERIODS, unit="periods", better="lower", group="resilience", paired=True
)
def ttr_backlog(o: Outcome, baseline: Outcome) -> Floats:
    """Periods from the disruption until customers are owed no more than in the undisrupted twin.

    More than ε of a period's mean demand counts as more; 0 and NaN as for the time to recover.
    """
    mine, twin = service(o), service(baseline)
    start = starts(o)
    if mine is None or twin is None:
        return np.full(start.size, np.nan)
    slack = (1.0 - _level(o)) * total(mine.due) / mine.due.shape[0]
    t = np.arange(mine.owed.shape[0])[:, None]
    return _until_clear((mine.owed > twin.owed + slack) & (t >= start), start)


@KPIS.add(
    "unrecovered", within=YES_NO, unit="share", better="lower", group="resilience", paired=True
)
def unrecovered(o: Outcome, baseline: Outcome) -> Floats:
    """Share of disrupted replications whose run ends before the last fall is over."""
    ends_fallen = _failing(o, baseline)[-1].astype(float)
    return np.where(np.isnan(fall(o, baseline).start), np.nan, ends_fallen)


@KPIS.add("survived", within=YES_NO, unit="share", better="higher", group="resilience", paired=True)
def survived(o: Outcome, baseline: Outcome) -> Floats:
    """Share of disrupted replications in which performance never falls below 1 - ε."""
    found = fall(o, baseline)
    never = (found.q >= _level(o)).all(axis=0).astype(float)
    return np.where(np.isnan(found.start), np.nan, never)


@KPIS.add(
    "loss_area", within=AMOUNT, unit="periods", better="lower", group="resilience", paired=True
)
def loss_area(o: Outcome, baseline: Outcome) -> Floats:
    """Lost performance in whole periods: ∫ (1 - Q) dt from the disruption to the end of the run.

    The area of the resilience triangle; with Q = fill it is the number of lost days.
    """
    found = fall(o, baseline)
    return np.where(np.isnan(found.start), np.nan, total(1.0 - found.q))


@KPIS.add(
    "robustness", within=SHARE, unit="share", better="higher", group="resilience", paired=True
)
def robustness(o: Outcome, baseline: Outcome) -> Floats:
    """Lowest performance after the disruption: min Q."""
    found = fall(o, baseline)
    return np.where(np.isnan(found.start), np.nan, found.q.min(axis=0))


@KPIS.add(
    "rapidity", within=AMOUNT, unit="1/period", better="higher", group="resilience", paired=True
)
def rapidity(o: Outcome, baseline: Outcome) -> Floats:
    """Speed of recovery: (1 - min Q) / (time to recover - last period at the minimum).

    NaN where performance never falls or the run ends before recovery.
    """
    found = fall(o, baseline)
    lowest = found.q.min(axis=0)
    at = found.q.shape[0] - 1 - np.argmax(found.q[::-1] <= lowest, axis=0)
    back = _back(o, baseline)
    return np.where(back > 0, ratio(1.0 - lowest, back - (at - found.start)), np.nan)


@KPIS.add(
    "resilience", within=SHARE, unit="share", better="higher", group="resilience", paired=True
)
def resilience(o: Outcome, baseline: Outcome) -> Floats:
    """Share of performance kept: R = 1 - loss area / periods from the disruption to the end."""
    found = fall(o, baseline)
    return 1.0 - ratio(loss_area(o, baseline), found.q.shape[0] - found.start)
