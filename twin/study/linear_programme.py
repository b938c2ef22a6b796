"""How long a chain could survive, and how little it need lose, if everything were planned at once.

The two linear programmes of Simchi-Levi, Schmidt, Wei, Zhang, Combs, Ge, Gusikhin, Sanders & Zhang
2015, Interfaces 45(5): 375-390, "TTS model" and "TTR model" (first in Simchi-Levi, Schmidt & Wei
2014, Harvard Business Review 92(1-2): 96-101). Goods flow from stock point to stock point without
any lead time, rule or foresight limit: only stock, bills of material, capacities and what is out
bind. So no policy can survive longer than the first, or lose less than the second.

The papers' variables are units made per product and shipped per arc; here one flow per supply link
does both, since a component has a stock point of its own where it is used.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from twin.errors import RunError
from twin.sums import Floats
from twin.topology import Link, Topology

FOR_EVER = 1e6
"""Periods, five times the longest horizon of a scenario. With an end a programme is never unbounded:
what that is, the solver takes ten times as long to say, and its presolve calls it impossible."""

ROUNDING = 1e-6
"""Share of :data:`FOR_EVER` that is the solver's rounding."""


@dataclass(frozen=True)
class Flow:
    """Something that can bring goods to a stock point: a lane, production, a purchase.

    Attributes
    ----------
    to
        Stock point that it fills.
    inputs
        (stock point, units taken from it per unit of flow).
    uses
        (capacity, units of it per unit of flow), numbers of :attr:`Network.capacities`.
    gain
        Units that arrive per unit of flow (its yield).
    """

    to: int
    inputs: tuple[tuple[int, float], ...] = ()
    uses: tuple[tuple[int, float], ...] = ()
    gain: float = 1.0


@dataclass(frozen=True)
class Out:
    """What an outage takes away: flows and customers by their numbers."""

    flows: frozenset[int] = frozenset()
    customers: frozenset[int] = frozenset()


NOTHING = Out()


@dataclass(frozen=True)
class Network:
    """What the linear programmes see of a chain.

    Attributes
    ----------
    flows
        All that moves or makes goods.
    customers
        Stock point of each customer.
    capacities
        Units per period of each shared limit.
    n
        Number of stock points.
    """

    flows: tuple[Flow, ...]
    customers: tuple[int, ...]
    capacities: tuple[float, ...]
    n: int

    def time_to_survive(
        self,
        stock: Floats,
        rates: Floats,
        out: Out = NOTHING,
        ahead: Floats | float = 0.0,
        missing: float = 0.0,
    ) -> float:
        """Return for how long all customers could be served (the TTS model), in periods.

        Infinity if nothing runs out for :data:`FOR_EVER` periods; 0 if not even what is owed at the
        start can be served.

        Parameters
        ----------
        stock
            Units at each stock point at the start, on hand and on the way to it, ``(n,)``.
        rates
            Units that each customer wants per period, ``(s,)``.
        out
            What does not work.
        ahead
            Units that each customer has already or can wait for, ``(s,)``: of the units wanted in
            ``t`` periods that many need not be served by then (below 0: units owed before).
        missing
            Share of all demand that may go unserved and count as served (the papers: 0).

        Raises
        ------
        RunError
            If the solver gives up.
        """
        cost = self._variables(0.0, 0.0, -1.0)
        bounds = np.column_stack([np.zeros_like(cost), self._most(out, FOR_EVER)])
        found = max(0.0, -self._least(cost, stock, rates, ahead, missing, bounds))
        return np.inf if found >= FOR_EVER * (1 - ROUNDING) else found

    def least_loss(
        self,
        stock: Floats,
        rates: Floats,
        periods: float,
        out: Out = NOTHING,
        ahead: Floats | float = 0.0,
        worth: Floats | float = 1.0,
    ) -> float:
        """Return the least that is lost while something is out (the TTR model).

        Parameters
        ----------
        stock, rates, out, ahead
            As in :meth:`time_to_survive`; the rates are means over these periods.
        periods
            For how long it is out; capacities work as long.
        worth
            Margin of a unit by customer, ``(s,)``; default: units are counted.

        Raises
        ------
        RunError
            As in :meth:`time_to_survive`.
        """
        cost = self._variables(0.0, worth, 0.0)
        bounds = np.column_stack([np.zeros_like(cost), self._most(out, periods)])
        bounds[-1, 0] = periods
        return max(0.0, self._least(cost, stock, rates, ahead, 1.0, bounds))

    def _variables(self, flow: Floats | float, lost: Floats | float, time: float) -> Floats:
        """Return a number for each variable: flows, units served and lost by customer, time."""
        S = len(self.customers)
        parts = [np.broadcast_to(flow, len(self.flows)), np.zeros(S), np.broadcast_to(lost, S)]
        return np.concatenate([*parts, [time]])

    def _most(self, out: Out, periods: float) -> Floats:
        """Return the most that each variable may be."""
        most = self._variables(np.inf, np.inf, periods)
        most[sorted(out.flows)] = 0.0
        served = len(self.flows) + np.arange(len(self.customers))
        most[served] = [0.0 if s in out.customers else np.inf for s in range(len(self.customers))]
        return most

    def _least(
        self,
        cost: Floats,
        stock: Floats,
        rates: Floats,
        ahead: Floats | float,
        missing: float,
        bounds: Floats,
    ) -> float:
        """Return the least cost within stock, capacity and demand."""
        from scipy.sparse import block_array, csr_array, eye_array

        S = len(self.customers)
        taken = csr_array((np.ones(S), (self.customers, range(S))), (self.n, S))
        one, time = eye_array(S), csr_array(rates[:, None])
        rules = block_array(
            [
                [self._points, taken, None, None],
                [self._limits, None, None, csr_array(-np.array(self.capacities)[:, None])],
                [None, -one, -one, time],
                [None, None, np.ones((1, S)), np.array([[-missing * rates.sum()]])],
            ],
            format="csr",
        )
        most: list[Any] = [stock, np.zeros(len(self.capacities)), np.broadcast_to(ahead, S), [0.0]]
        return _solved(cost, rules, np.concatenate(most), bounds)

    @functools.cached_property
    def _points(self) -> Any:
        """Units that one unit of each flow takes of each stock point, ``(n, m)``."""
        found = [(f.to, e, -f.gain) for e, f in enumerate(self.flows)]
        found += [(i, e, usage) for e, f in enumerate(self.flows) for i, usage in f.inputs]
        return _sparse(found, (self.n, len(self.flows)))

    @functools.cached_property
    def _limits(self) -> Any:
        """Units that one unit of each flow takes of each capacity, ``(q, m)``."""
        found = [(c, e, usage) for e, f in enumerate(self.flows) for c, usage in f.uses]
        return _sparse(found, (len(self.capacities), len(self.flows)))


def _sparse(entries: list[tuple[int, int, float]], shape: tuple[int, int]) -> Any:
    from scipy.sparse import csr_array

    row, column, value = zip(*entries, strict=True) if entries else ((), (), ())
    return csr_array((value, (row, column)), shape)


_IMPOSSIBLE = 2
"""Status of the solver: nothing satisfies all limits."""


def _solved(cost: Floats, matrix: Any, limits: Floats, bounds: Floats) -> float:
    """Return the least cost; infinity without a solution."""
    from scipy.optimize import linprog  # a fifth of a second that nothing else need wait for

    found = linprog(cost, A_ub=matrix, b_ub=limits, bounds=bounds, method="highs")
    if found.status == _IMPOSSIBLE:
        return np.inf
    if found.status != 0:
        msg = f"the linear programme was not solved: {found.message}"
        raise RunError(msg)
    return float(found.fun)


def network(topology: Topology) -> Network:
    """Return what the linear programmes see of a scenario's network.

    Lead times, lots, minimum orders, caps on work in progress and who orders where are left out;
    each of them can only make a chain survive less long.
    """
    capacities: dict[str, float] = {}
    flows = []
    for link in topology.links:
        limits = [*link.limits, *_own_limit(link)]
        capacities |= {name: most for name, _, most in limits}
        order = list(capacities)
        uses = tuple((order.index(name), usage) for name, usage, _ in limits)
        flows.append(Flow(link.to, link.inputs, uses, link.yield_))
    customers = tuple(s.row for s in topology.sinks)
    return Network(tuple(flows), customers, tuple(capacities.values()), len(topology.points))


def _own_limit(link: Link) -> list[tuple[str, float, float]]:
    """Return what a link alone can bring per period: making capacity, a supplier's limit."""
    name = {"make": "capacity", "buy": "dispatch_limit", "ship": ""}[link.kind]
    most = getattr(link.declared, name, None)
    return [] if most is None else [(f"link {link.index}", 1.0, most)]


def site_out(topology: Topology, site: str) -> Out:
    """Return what the outage of a site takes away: all that it orders, makes, ships and sells."""
    here = {p.index for p in topology.points if p.site.name == site}
    gone = {e.index for e in topology.links if e.kind != "ship" and e.to in here}
    gone |= {e.index for e in topology.links if any(row in here for row, _ in e.inputs)}
    return Out(frozenset(gone), frozenset(s.index for s in topology.sinks if s.row in here))


def lane_out(topology: Topology, lane: str) -> Out:
    """Return what a closed lane takes away: all that comes over it."""
    return Out(frozenset(e.index for e in topology.links if e.lane == lane))
