"""Sums that a block of replications kept, each worked out when somebody asks for it.

A study asks for a dozen of some forty; copying all of them took a twentieth of its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from twin.arrays import (
    LINK_SUM,
    NET_LINK,
    RATE,
    SINK,
    SINK_SUM,
    Floats,
    LinkSums,
    OrderSums,
    RowSums,
    SinkSums,
    Table,
    World,
)
from twin.sums import add_to

_FIELDS = {
    "rows": RowSums._fields, "links": LinkSums._fields, "sinks": SinkSums._fields,
    "orders": OrderSums._fields,
}  # fmt: skip


def column_of(table: Table, column: int, K: int) -> Floats:
    """Return a column as a ``(things, K)`` view; zeros where nothing in the scenario changes it."""
    if column >= table.shape[0]:
        return np.zeros((table.shape[1] // K, K))
    found: Floats = table[column].reshape(-1, K)
    return found


class Totals(Mapping[str, Floats]):
    """All sums over the periods so far: ``rows.on_hand`` -> ``(n, K)`` ..., copies.

    Parameters
    ----------
    world
        The arrays of a block; as it goes on, so do its sums (:meth:`frozen`).
    K
        Its number of replications.
    """

    def __init__(self, world: World, K: int) -> None:
        self._network, self._K = world.network, K
        self._sums = {
            "rows": world.row_sums, "links": world.link_sums, "sinks": world.sink_sums,
            "orders": world.order_sums,
        }  # fmt: skip
        self._curves = world.sinks

    def frozen(self) -> Totals:
        """Return the sums as they are now."""
        found = object.__new__(Totals)
        found._network, found._K = self._network, self._K
        found._sums = {name: table.copy() for name, table in self._sums.items()}
        found._curves = self._curves.copy()
        return found

    def __getitem__(self, name: str) -> Floats:
        follows = _FOLLOWING.get(name)
        if follows is not None:
            return follows(self)
        table, _, short = name.partition(".")
        if table == "orders" or short not in _FIELDS.get(table, ()):
            raise KeyError(name)
        return self._column(table, _FIELDS[table].index(short)).copy()

    def __contains__(self, name: object) -> bool:
        return name in _NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)

    def _column(self, table: str, column: int) -> Floats:
        return column_of(self._sums[table], column, self._K)

    def _curve(self, column: int) -> Floats:
        return column_of(self._curves, column, self._K)

    def _ordered(self) -> Floats:
        """Return the good units that were ordered by each row over all its links."""
        net = self._network
        supply, m = net.supply, net.n_links
        good = supply.rate[RATE.yield_][supply.link[NET_LINK.link_form, :m]]
        found = np.zeros((net.n_rows, self._K))
        to = supply.link[NET_LINK.to, :m].astype(np.int64)
        add_to(found, to, good, np.arange(m), self._column("links", LINK_SUM.placed))
        return found

    def _of_orders(self, column: int) -> Floats:
        """Return a sum over customer orders, at the first sink of each."""
        net = self._network
        first = net.customers.order_sink[net.customers.order_off[:-1]]
        found = np.zeros((net.n_sinks, self._K))
        found[first] = self._column("orders", column)
        return found


_FOLLOWING: Mapping[str, Callable[[Totals], Floats]] = {
    "rows.order": Totals._ordered,
    "sinks.accepted": lambda t: t._curve(SINK.ordered_total).copy(),
    "sinks.delivered": lambda t: t._curve(SINK.closed_total) - t._column("sinks", SINK_SUM.gave_up),
    **{
        f"sinks.{name}": lambda t, c=c: t._of_orders(c)  # type: ignore[misc]
        for c, name in enumerate(OrderSums._fields)
    },
}
"""What the kernel need not add up: it is kept already under another name."""

_NAMES = {
    f"{table}.{name}": None
    for table, names in _FIELDS.items() if table != "orders"
    for name in names
} | dict.fromkeys(_FOLLOWING)  # fmt: skip


class Since(Mapping[str, Floats]):
    """What was added to sums since a moment, kept once asked for.

    Parameters
    ----------
    now
        The sums of a block that has ended.
    start
        Frozen sums of that moment; None: the block's beginning.
    """

    def __init__(self, now: Totals, start: Totals | None) -> None:
        self._now, self._start = now, start
        self._known: dict[str, Floats] = {}

    def __getitem__(self, name: str) -> Floats:
        if name not in self._known:
            found = self._now[name]
            if self._start is not None:
                found -= self._start[name]
            self._known[name] = found
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._now

    def __iter__(self) -> Iterator[str]:
        return iter(self._now)

    def __len__(self) -> int:
        return len(self._now)
