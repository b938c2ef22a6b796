"""One stock point by itself, simulated on the twin's kernel with one vector of values a replication.

Observed links cut the network: what a stock point was asked for is a recorded trace, its supplier
is a purchase with the lead time that its orders really had. Many copies of the stock point stand
side by side in one scenario, each with several replications:

* what a policy reads (levels, lots, factors, smoothing) differs from replication to replication:
  ``Simulation.parameters`` shows those columns;
* what the kernel keeps once for all replications (:data:`calibration.infer.prior.SHARED`: shrink)
  differs from copy to copy;
* deliveries and signals that were observed are put in period by period;
* what is a whole number of the plan (review period, phase) is read off the orders' rhythm before
  (:mod:`calibration.infer.cut`) and the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from calibration.infer.hands import Supply, deliveries, smoothing, step, unsettle
from calibration.infer.prior import KINDS, SHARED, SHRINK, Kind, Prior
from calibration.infer.summaries import Series, blurred, net, summaries
from twin.arrays import THETA
from twin.compile import Plan
from twin.schema import Forecast, Scenario
from twin.simulation import Simulation

Floats = npt.NDArray[np.float64]

COPIES = 16
"""Copies of the stock point in one block of a reference table."""
PER = 32
"""Replications of each copy, which share what the kernel keeps once."""

_RECORD = ("links.placed", "rows.on_order", "rows.backlog", "rows.record")
_ITEM = "item"


@dataclass(frozen=True)
class Problem:
    """A stock point cut out of its network.

    Attributes
    ----------
    name
        ``site/item``.
    demand
        What it was asked for in each period, ``(T,)`` units.
    lead_times
        Lead times that its orders had, in periods; one is drawn for each order.
    review, phase
        Periods between its orders, and the first of them.
    opening
        Stock on hand before the first period, units.
    on_way
        Units that arrive in the first periods, ordered before, ``(L,)``.
    settings
        Further keys of its stock rule, as in a scenario: ``forecast``, ``scan_error`` ...
    devices
        Devices that look at it, as in a scenario without ``where``.
    more
        Further top-level keys of the scenario: ``integer``.
    signal
        What its forecast sees, ``(T,)`` units, where that is not what it was asked for.
    supply
        How deliveries really came, where their lead times vary; then ``lead_times`` go unused.
    patience
        Periods after which who waits leaves; None: nobody does.
    believed
        Mean and variance of the lead time that its policy reckons with; default: as they are.
    component
        Whether production takes from it, see :func:`calibration.infer.summaries.net`.
    limits
        Limits on one order, as in a scenario: ``order_min``, ``order_multiple``, ``order_max``.
    """

    name: str
    demand: Floats
    lead_times: Sequence[int]
    review: int = 1
    phase: int = 0
    opening: float | None = None
    on_way: Sequence[float] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    devices: Sequence[dict[str, Any]] = ()
    more: dict[str, Any] = field(default_factory=dict)
    signal: Floats | None = None
    supply: Supply | None = None
    patience: int | None = None
    believed: tuple[float, float] | None = None
    component: bool = False
    limits: dict[str, float] = field(default_factory=dict)

    def looks(
        self, prior: Prior, values: Floats, *, seed: int, per: int, first: int,
        ends: Sequence[int | None],
    ) -> list[Floats]:  # fmt: skip
        """Return summaries of one simulation per row of values, of the periods before each end."""
        series = simulate(self, prior, values, seed=seed, per=per, first=first)
        return [self.look(series, end) for end in ends]

    def look(self, series: Series, end: int | None = None) -> Floats:
        """Return the summaries ``(N, p)`` of the periods before an end (None: of all) of records."""
        seen = None if self.signal is None else self.signal[:end]
        return summaries(Series(*(x[:end] for x in series)), self.demand[:end], seen)


def site_scenario(problem: Problem, prior: Prior, shared: Sequence[dict[str, float]]) -> Scenario:
    """Return a scenario of copies of the stock point, one for each set of shared values."""
    places = [{"site": f"copy{i:04d}", "item": _ITEM} for i in range(len(shared))]
    lead = {"lead_time": _lead_time(problem), "overtaking": True}
    demand = {"kind": "recorded", "values": problem.demand.tolist(), "patience": problem.patience}
    return Scenario.model_validate(
        problem.more
        | {
            "horizon": len(problem.demand),
            "sites": [{"name": at["site"]} for at in places],
            "items": [{"name": _ITEM}],
            "purchases": [at | lead | problem.limits for at in places],
            "stock": [
                stock_rule(problem, KINDS[prior.kind]),
                *(
                    {"where": at, "shrink": x.get(SHRINK, 0.0)}
                    for at, x in zip(places, shared, strict=True)
                ),
            ],
            "devices": list(problem.devices),
            "demand": [at | demand for at in places],
        }
    )


def _lead_time(problem: Problem) -> Any:
    """Return the lead time of the purchase; deliveries that are put in wait a period in it."""
    if problem.supply is not None:
        return 1
    lead = [int(x) for x in problem.lead_times]
    return {"kind": "empirical", "values": lead} if len(set(lead)) > 1 else lead[0]


def stock_rule(problem: Problem, kind: Kind) -> dict[str, Any]:
    """Return the stock rule of all copies; hidden values in it are overwritten."""
    settings = problem.settings
    if problem.signal is not None and kind.forecast:  # put in period by period
        # begins as a twin does, with what it sees: orders that come in lots vary far more
        first = {"initial": problem.signal.mean(), "initial_error": problem.signal.std()}
        settings = settings | {"forecast": settings["forecast"] | first | {"kind": "constant"}}
    policy = dict(kind.policy) | {"review": problem.review, "phase": problem.phase}
    if problem.believed is not None and kind.forecast:
        policy |= {"cover": problem.believed[0] + problem.review - 1}
    needs = [n.rpartition(".")[2] for n in kind.hidden if n.startswith("policy.")]
    policy |= dict.fromkeys((n for n in needs if n in ("level", "reorder_point", "lot")), 1.0)
    rule = settings | {"policy": policy, "initial_stock": problem.opening}
    fed = problem.supply is not None
    on_way = [float(sum(problem.on_way))] if fed else [*problem.on_way, 0.0]
    return rule | {"initial_in_transit": on_way}


def simulate(
    problem: Problem, prior: Prior, values: Floats, *, seed: int, per: int = 1, first: int = 0
) -> Series:
    """Simulate the stock point once for each row of values.

    Parameters
    ----------
    problem, prior
        The stock point, and what the columns of ``values`` are.
    values
        ``(N, d)``; in each run of ``per`` rows the shared columns must be equal.
    seed, first
        The luck, and the number of the first replication: other numbers, other luck.

    Returns
    -------
    Series
        Arrays of shape ``(T, N)``.

    Raises
    ------
    ValueError
        If shared columns differ inside a run of rows.
    """
    n = len(values)
    at = prior.shared
    if not np.array_equal(values[:, at], np.repeat(values[::per, at], per, axis=0)[:n]):
        msg = f"{', '.join(prior.names[i] for i in at)} differ inside runs of {per} rows; set per=1"
        raise ValueError(msg)
    shared = _shared(prior, values[::per])
    plan = Plan.of(site_scenario(problem, prior, shared))
    sim = Simulation(plan, per, first, seed, _RECORD)
    row_of = {p.site.name: p.index for p in plan.topology.points}
    rows = [row_of[name] for name in sorted(row_of)]
    _put(sim, problem, prior, values, rows)
    unsettle(sim, seed, first)
    _step(sim, problem, KINDS[prior.kind].forecast)
    found = sim.series()
    link_of = {plan.topology.points[e.to].site.name: e.index for e in plan.topology.links}
    links = [link_of[name] for name in sorted(link_of)]

    def flat(name: str, places: list[int]) -> Floats:
        return np.ascontiguousarray(found[name][:, places].reshape(sim.t, -1)[:, :n])

    placed, on_order, backlog, record = _RECORD
    series = Series(
        flat(placed, links), flat(on_order, rows), flat(backlog, rows), flat(record, rows)
    )
    return net(series) if problem.component else series


def _put(
    sim: Simulation, problem: Problem, prior: Prior, values: Floats, rows: Sequence[int]
) -> None:
    """Put the values, ``(N, d)``, into the parameters of the copies, of which ``rows`` are the rows."""
    columns = {i: column_of(h.name) for i, h in enumerate(prior.hidden) if h.name not in SHARED}
    known = {column_of(k): v for k, v in prior.fixed.items() if k not in SHARED}
    if problem.believed is not None and KINDS[prior.kind].forecast:
        known[THETA.lead_variance] = problem.believed[1]
    if not columns and not known:
        return
    padded = np.concatenate([values, np.repeat(values[-1:], -len(values) % sim.K, axis=0)])
    for copy, row in enumerate(rows):
        theta = sim.parameters(row, change=True)
        for i, column in columns.items():
            theta[column] = padded[copy * sim.K : (copy + 1) * sim.K, i]
        for column, value in known.items():
            theta[column] = value


def _step(sim: Simulation, problem: Problem, forecasts: bool) -> None:
    """Advance through the record, putting in what was observed from outside."""
    n = len(problem.demand)
    hands: list[Iterator[None]] = []
    if problem.signal is not None and forecasts:
        spec = Forecast.model_validate(problem.settings.get("forecast", {}))
        hands.append(smoothing(sim, spec, problem.signal, range(len(sim.rows("forecast")))))
    if problem.supply is not None:
        hands.append(deliveries(sim, problem.supply, range(len(sim.plan.topology.links))))
    if not hands:
        sim.advance(n)
    else:
        step(sim, n, hands)


class Model(Protocol):
    """Anything that can be simulated once per row of values and looks like something then."""

    demand: Floats

    def looks(
        self, prior: Prior, values: Floats, *, seed: int, per: int, first: int,
        ends: Sequence[int | None],
    ) -> list[Floats]:  # fmt: skip
        """Return summaries ``(N, p)`` of the periods before each end (None: of all)."""


def reference(
    problem: Model,
    prior: Prior,
    shares: Floats,
    *,
    seed: int,
    per: int = PER,
    end: int | None = None,
    threads: int = 1,
    tick: Callable[[int], None] | None = None,
) -> Floats:
    """Return the blurred summaries of one simulation for each row of shares of the prior.

    Parameters
    ----------
    problem, prior
        What is simulated (:class:`Problem`, or several stock points together:
        :class:`calibration.infer.joint.Together`), and what the columns of ``shares`` are.
    shares
        ``(N, d)``, of :meth:`Prior.design` with the same ``per``.
    seed
        The luck.
    end
        Periods that count; default: all. Given, the summaries of both are returned.
    threads
        Blocks at work at once.
    tick
        Called with the number of simulations done after each block; may raise to stop.

    Returns
    -------
    numpy.ndarray
        ``(N, p)``; with ``end`` ``(2, N, p)``: of all periods, and of those before it.
    """
    values = prior.values(shares)
    size = max(per, COPIES * PER // per * per)

    def block(start: int) -> Floats:
        part = values[start : start + size]
        ends = (None,) if end is None else (None, end)
        looks = problem.looks(prior, part, seed=seed, per=per, first=start, ends=ends)
        found = blurred(looks[0], seed, start)
        if end is not None:
            found = np.stack([found, blurred(looks[1], seed, start, end)])
        if tick is not None:
            tick(len(part))
        return found

    starts = range(0, len(values), size)
    if threads == 1:
        return np.concatenate([block(start) for start in starts], axis=-2)
    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate([*pool.map(block, starts)], axis=-2)


def _shared(prior: Prior, values: Floats) -> list[dict[str, float]]:
    """Return the shared values of each copy, by name."""
    known = {k: v for k, v in prior.fixed.items() if k in SHARED}
    return [known | {prior.hidden[i].name: float(row[i]) for i in prior.shared} for row in values]


def column_of(name: str) -> int:
    """Return the column of the kernel's parameters that holds a hidden quantity."""
    short = name.rpartition(".")[2]
    return int(getattr(THETA, f"forecast_{short}" if name.startswith("forecast.") else short))
