"""A user's Python policies, run right after the built-in rule of their level."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agents.stock import StockPoint
from agents.values import checked

if TYPE_CHECKING:
    from twin import Simulation

PolicyFunction = Callable[[StockPoint], Any]
"""Takes a stock point whose columns are ``(K,)`` arrays, returns what to order, or ``None``."""


class LevelHook:
    """The policies of one level's stock points: what they return replaces the rule's order.

    Attributes
    ----------
    policies
        Stock point and function by row.
    """

    def __init__(self) -> None:
        self.policies: dict[int, tuple[StockPoint, PolicyFunction]] = {}

    def __call__(self, sim: Simulation) -> None:
        """Replace the orders of this level's stock points in the running period."""
        orders = sim.rows("order")
        for row, (view, policy) in self.policies.items():
            quantity = policy(view)
            if quantity is not None:
                orders[row] = checked(quantity, sim.K, lambda v=view: _place(v))


def _place(view: StockPoint) -> str:
    return f"order by your policy for '{view.name}' in period {view.period}"


class Hooks:
    """Which stock points of a simulation have a policy of the user's own."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.levels: dict[int, LevelHook] = {}

    def put(self, view: StockPoint, policy: PolicyFunction) -> None:
        """Let a function decide for a stock point from the next period on."""
        level = view.declared.level
        if level not in self.levels:
            self.levels[level] = LevelHook()
            self.sim.hooks.setdefault(level, []).append(self.levels[level])
        self.levels[level].policies[view.row] = (view, policy)

    def remove(self, point: StockPoint) -> None:
        """Give a stock point back to its built-in rule; without hooks a period is one call."""
        level = point.declared.level
        hook = self.levels.get(level)
        if hook is None or hook.policies.pop(point.row, None) is None or hook.policies:
            return
        del self.levels[level]
        self.sim.hooks[level].remove(hook)
        if not self.sim.hooks[level]:
            del self.sim.hooks[level]
