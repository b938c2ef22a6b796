"""What must have happened though nobody told it: lost events, put in where others prove them.

What moves is told at both ends (:mod:`calibration.mend_lots`), and orders are told before what they
bring (:mod:`calibration.mend_orders`). So a receipt is missing where a dispatch was followed by one that
came, a dispatch where goods came of which none was told, an order where more was sent than was ordered.
One lost event in a hundred is enough that no way of ordering fits a stock point: goods on order that
never come, stock that nobody sent.
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from calibration.mend_lots import Parts, by_books, of_link
from calibration.mend_orders import beyond_orders, customers, passed_on
from twin.schema import Scenario
from twin.topology import build


class Mended(NamedTuple):
    """Events with those that were put in, and how many of each kind these are."""

    events: pd.DataFrame
    counts: dict[str, int]


def mended(events: pd.DataFrame, scenario: Scenario) -> Mended:
    """Put in what must have happened.

    Parameters
    ----------
    events
        Canonical events, in any order.
    scenario
        Says which links there are, and what a period is.
    """
    top = build(scenario)
    events = events.drop_duplicates(["source", "event_id"])
    events = events.sort_values("event_time", kind="stable")
    parts = Parts(events)
    found = [rows for link in top.links for rows in of_link(parts, link, top) if len(rows)]
    found = [rows for rows in by_books(events, found, scenario) if len(rows)] if found else []
    if found:
        events = pd.concat([events, *found], ignore_index=True)
    passed = passed_on(events, scenario, top)
    if passed:
        events = pd.concat([events, *passed], ignore_index=True)
    late = beyond_orders(events, top)
    if late:
        events = pd.concat([events, *late], ignore_index=True)
    sales = customers(events, scenario)
    if sales:
        events = pd.concat([events, *sales], ignore_index=True)
    put_in = [*found, *passed, *late, *sales]
    kinds = pd.concat(put_in)["kind"].value_counts() if put_in else {}
    return Mended(events, {str(kind): int(n) for kind, n in kinds.items()})
