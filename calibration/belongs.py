"""Whether events are of the chain that a scenario describes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from twin.schema import Scenario
from twin.topology import build

MOST_UNKNOWN = 0.5
"""Share of the sites in the events beyond which it is said that the scenario does not know them."""

_SHOWN = 6  # names of a list


class Belonging(NamedTuple):
    """How events and a scenario go together.

    Attributes
    ----------
    some
        Whether any event is of a stock point, or of a site where it concerns no item.
    told
        What to be careful about; empty: nothing.
    """

    some: bool
    told: str


def belonging(events: pd.DataFrame, scenario: Scenario) -> Belonging:
    """Return whether events are of the stock points of a scenario.

    Parameters
    ----------
    events
        Canonical events, at least one.
    scenario
        Of the chain that they should be of.
    """
    sites = [s.name for s in scenario.sites]
    places = events[["site", "item"]].drop_duplicates()
    whole = (places["item"] == "") & places["site"].isin(sites)
    points = (places["site"] + "/" + places["item"]).isin([p.name for p in build(scenario).points])
    seen = sorted(set(places["site"]) - {""})
    both = f"sites in the events: {_some(seen)}; of the scenario: {_some(sites)}"
    if not (whole | points).any():
        return Belonging(False, f"no event is of a stock point of '{scenario.name}' ({both})")
    unknown = [name for name in seen if name not in set(sites)]
    if len(unknown) <= MOST_UNKNOWN * len(seen):
        return Belonging(True, "")
    told = f"{len(unknown)} of {len(seen)} sites in the events are not in '{scenario.name}'"
    return Belonging(True, f"{told}: {_some(unknown)}; their events are left out")


def _some(names: Sequence[str]) -> str:
    """Return the first names of a list."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
