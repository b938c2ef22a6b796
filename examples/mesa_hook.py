"""A policy of your own for one site of the beer game: a wholesaler who reorders calmly.

Run it: ``python examples/mesa_hook.py``. The three other sites keep their rules and stay in the
kernel; the wholesaler's order reaches the distributor in the same week, as a built-in rule's would.
"""

import numpy as np

from agents import SiteAgent, TwinModel


class CalmWholesaler(SiteAgent):
    """Passes on what the retailer orders, and closes a quarter of the gap to 28."""

    def decide(self, view):
        """Return the order; the columns of ``view`` are arrays over the replications."""
        gap = 28 - view.inventory_position
        return np.maximum(0, view.incoming + gap / 4)


def largest_factory_order(**options):
    """Play 36 weeks; return the most cases that the factory ordered to be brewed in one."""
    with TwinModel("beer-game-human", **options) as model:
        factory, orders = model.point("factory", "beer"), []
        while model.running:
            model.step()
            orders.append(factory.order)
        print("  ", model.sites["wholesaler"])
        return max(orders)


if __name__ == "__main__":
    print("Customers take 8 a week from week 5 on. Everyone plays as people do:")
    print(f"   the factory brews up to {largest_factory_order():.0f} a week")
    print("One calm wholesaler:")
    calm = largest_factory_order(site_class={"wholesaler": CalmWholesaler})
    print(f"   the factory brews up to {calm:.0f} a week")
