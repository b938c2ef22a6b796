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

from calibration.mend_lots import Parts, lots
from calibration.mend_orders import beyond_orders, customers, passed_on
from twin.schema import Scenario
from twin.topology import build


class Mended(NamedTuple):
    """Events with those that were put in, and how many of each kind these are."""

    events: pd.DataFrame
    counts: dict[str, int]


def mended(events: pd.DataFrame, scenario: Scenario) -> Mended:
    """Put in what must have happened.

    Each step sees what those before it put in.

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
    parts, put_in = Parts(events, scenario), []
    for missing in (lots, passed_on, beyond_orders, customers):
        found = [rows for rows in missing(parts, top) if len(rows)]
        if found:
            events = pd.concat([events, *found], ignore_index=True)
            parts, put_in = Parts(events, scenario), put_in + found
    kinds = pd.concat(put_in)["kind"].value_counts() if put_in else {}
    return Mended(events, {str(kind): int(n) for kind, n in kinds.items()})
