"""A site as a Mesa agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mesa
import numpy as np

from agents.stock import StockPoint
from agents.values import ByName, amount
from twin.arrays import ROW
from twin.schema import Site

if TYPE_CHECKING:
    from agents.model import TwinModel


class SiteAgent(mesa.Agent):
    """A place with an owner, and what it has in stock.

    Subclass it and override :meth:`decide` for a policy of one's own; the model takes subclasses
    by site name (``TwinModel(..., site_class={"dc_1": MySite})``).

    Parameters
    ----------
    model
        The model.
    site
        What the scenario says of it.
    rows
        Row by item.

    Attributes
    ----------
    stock
        Stock points by item: ``site.stock["laptop"].on_hand``.
    """

    model: TwinModel

    def __init__(self, model: TwinModel, site: Site, rows: dict[str, int]) -> None:
        super().__init__(model)
        self.site = site
        self.rows = rows
        self.stock: ByName[StockPoint] = ByName(
            f"stock at site '{site.name}' of item", rows, lambda item: StockPoint(model, rows[item])
        )

    @property
    def name(self) -> str:
        """Name of the site."""
        return self.site.name

    @property
    def kind(self) -> str:
        """Supplier, plant, warehouse, store or market."""
        return self.site.kind

    @property
    def stage(self) -> str:
        """Stage of the network (its kind when none is given)."""
        return self.site.stage or self.site.kind

    @property
    def owner(self) -> str:
        """Who decides and pays here."""
        return self.site.who

    @property
    def on_hand(self) -> Any:
        """Units on hand, all items together; ``(K,)`` where there are several replications."""
        return self._total(ROW.on_hand)

    @property
    def backlog(self) -> Any:
        """Units owed, all items together; ``(K,)`` where there are several replications."""
        return self._total(ROW.backlog)

    def decide(self, view: StockPoint) -> Any:
        """Return what to order now, in good units; a subclass's word stands in for the rule's.

        Called once per period and stock point, right after the built-in rule of its level, so that
        the order reaches suppliers in the same period. It is rounded up where the scenario has
        whole units only; orders still drive stock points below the decoupling point, forced first
        orders and outages still hold.

        Parameters
        ----------
        view
            The stock point; each column is an array ``(K,)`` over the replications, so that
            ``numpy.maximum(0, view.level - view.inventory_position)`` serves one or many.
            ``view.order`` is what the built-in rule chose.

        Returns
        -------
        float or ndarray, shape (K,), or None
            ``None``: as the built-in rule chose.
        """
        return None

    def _total(self, column: int) -> Any:
        K = self.model.replications
        table = self.model.sim.world.rows[column].reshape(-1, K)
        total = table[list(self.rows.values())].sum(axis=0)
        return float(total[0]) if K == 1 else np.asarray(total)

    def __repr__(self) -> str:
        n = len(self.rows)
        items = f"{n} item" if n == 1 else f"{n} items"
        state = "closed"
        if not self.model.closed:
            state = f"on hand {amount(self.on_hand)}, backlog {amount(self.backlog)}"
        return f"Site('{self.name}', stage {self.stage}, {items}, {state})"
