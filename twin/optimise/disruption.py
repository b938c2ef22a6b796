r"""Base stock behind a supplier that fails: the exact index rule.

A supplier is up or down, a Markov chain: from up it fails with probability α a period, from down
it recovers with probability β. It sends all that is owed while it is up, nothing while it is down;
demand is a constant d a period, unmet demand waits. One unit on hand costs h, one owed p a period.

**Derivation.** Let N be the number of periods in a row, up to and including this one, in which the
supplier was down (0: it is up). With base stock S, a customer has ordered everything up to S when
the supplier was last up; since then nothing left the supplier, and its net stock, a lead time
later, is that of S less the demand of the periods that the delivery did not cover. A lead time of L
periods where demand is seen before ordering (docs/physics.md) covers L periods' demand if the
supplier is up, and N more if not:

    net stock = S - d (L + N)

The stationary law of N follows from the chain: P(N = 0) = β/(α+β) =: π, and N = n >= 1 needs a
failure after an up period and n - 1 periods without recovery, P(N = n) = π α (1-β)^(n-1). Summing,

    F(n) = P(N <= n) = 1 - α/(α+β) (1-β)^n.

The cost h E[(S - d(L+N))⁺] + p E[(d(L+N) - S)⁺] is that of a newsvendor with demand d(L+N): convex
and piecewise linear in S with kinks at d(L+n) and slope (h+p) F(n) - p beyond the n-th kink. The
best level is therefore the first kink where the slope is no longer negative:

    S* = d (L + n*),    n* = min{n : F(n) >= p/(p+h)}.

With L = 1 this is d (1 + F⁻¹(p/(p+h))): Schmitt, Snyder & Shen 2010, *European J. of Operational
Research* 206(1): 22-33, section 3, and Tomlin 2006, *Management Science* 52(5): 639-657. In words:
nothing is kept against failures as long as the uptime π is at least the critical ratio p/(p+h).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from twin.errors import RunError
from twin.problems import show

_ROUNDING = 1e-12  # 0.3 / 0.4 is a last digit below 3 / 4


@dataclass(frozen=True)
class Supplier:
    """A supplier that is up or down, a two-state Markov chain.

    Attributes
    ----------
    fails, recovers
        Probabilities α and β that its state changes in a period, above 0 and below or equal 1.

    Raises
    ------
    RunError
        If a probability is none.
    """

    fails: float
    recovers: float

    def __post_init__(self) -> None:
        for x in fields(self):
            value = getattr(self, x.name)
            if not 0 < value <= 1:
                msg = f"{x.name} = {show(value)}; a probability must be above 0 and at most 1"
                raise RunError(msg)

    @property
    def uptime(self) -> float:
        """Share π of periods in which it is up."""
        return self.recovers / (self.fails + self.recovers)

    def at_most(self, n: int) -> float:
        """Return F(n), the probability that it has been down for at most ``n`` periods by now."""
        return 1.0 - (1.0 - self.uptime) * (1.0 - self.recovers) ** n if n >= 0 else 0.0

    def periods_to_cover(self, ratio: float) -> int:
        """Return F⁻¹: the fewest down periods that are not exceeded with this probability.

        Parameters
        ----------
        ratio
            From 0 to below 1.

        Raises
        ------
        RunError
            If the ratio is none.
        """
        if not 0 <= ratio < 1:
            msg = f"critical ratio = {show(ratio)}; must be 0 or more and below 1"
            raise RunError(msg)
        wanted = ratio - _ROUNDING
        n = 0
        if self.at_most(0) < wanted and self.recovers < 1:
            exact = math.log((1 - ratio) / (1 - self.uptime)) / math.log(1 - self.recovers)
            n = max(0, math.ceil(exact) - 1)
        while self.at_most(n) < wanted:
            n += 1
        return n


def base_stock(
    supplier: Supplier, demand: float, holding: float, penalty: float, lead_time: int = 1
) -> float:
    """Return the best base stock for constant demand, in units: the index rule above.

    Parameters
    ----------
    supplier
        How it fails.
    demand
        Units per period.
    holding, penalty
        Cost of one unit on hand, and of one owed, for one period.
    lead_time
        Periods, demand seen before ordering.

    Raises
    ------
    RunError
        If a cost is not above 0.
    """
    _check_rates(holding, penalty)
    return demand * (lead_time + supplier.periods_to_cover(penalty / (penalty + holding)))


def mean_cost(
    supplier: Supplier,
    level: float,
    demand: float,
    holding: float,
    penalty: float,
    lead_time: int = 1,
) -> float:
    """Return the mean cost of a period at a base stock, parameters as of :func:`base_stock`."""
    _check_rates(holding, penalty)
    start = level - demand * lead_time
    n, cost, left = 0, 0.0, 1.0
    while left > 1e-12 or start > demand * n:
        net = start - demand * n
        chance = supplier.at_most(n) - supplier.at_most(n - 1)
        cost += chance * (holding * max(net, 0.0) + penalty * max(-net, 0.0))
        left -= chance
        n += 1
    return cost


def _check_rates(holding: float, penalty: float) -> None:
    if holding <= 0 or penalty <= 0:
        msg = f"holding = {show(holding)}, penalty = {show(penalty)}; both must be above 0"
        raise RunError(msg)
