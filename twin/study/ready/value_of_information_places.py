"""Where a few devices are worth most: one after the other, against places by chance."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from twin.compile.events import PlacedDevice, place_devices
from twin.statistics import interval
from twin.study.findings import Chart, Sheet
from twin.study.ready.runs import Runs
from twin.study.ready.words import columns, differing
from twin.sums import Floats
from twin.topology import Topology, build

if TYPE_CHECKING:
    from twin.study.ready.base import Bench
    from twin.study.ready.value_of_information_worth import Worth

Set = frozenset[int]
"""Numbers of the devices that are there."""

NONE: Set = frozenset()

BAND = (0.05, 0.95)
"""Quantiles over the random sets."""


@dataclass(frozen=True)
class Asked:
    """What is tried.

    Attributes
    ----------
    budget
        Most devices placed.
    candidates
        Most devices that the search goes on with after the first round.
    draws
        Random orders in which devices are placed as well.
    replications
        Of each run; ``None``: the scenario's.
    """

    budget: int
    candidates: int
    draws: int
    replications: int | None


class Placement:
    """Devices placed one by one where the next one is worth most, and by chance.

    Places are chosen under the scenario's luck and judged, both ways, under another one (the next
    seed): what was chosen because it was lucky does not count for it.

    Parameters
    ----------
    asked
        What is tried.
    bench
        Runs the inner studies ``place_1`` ... and ``judge``.
    worth
        What counts.
    """

    def __init__(self, asked: Asked, bench: Bench, worth: Worth) -> None:
        self.scenario, self.worth = bench.scenario, worth
        self.top = build(self.scenario.model_copy(update={"adoption": {}}))
        self.devices = place_devices(self.top)
        self.asked, self.bench = asked, bench
        self.most = min(asked.budget, len(self.devices))
        self.chosen = self._greedy()
        self.orders = self._orders()
        steps = range(1, self.most + 1)
        greedy = [frozenset(self.chosen[:k]) for k in steps]
        chance = [frozenset(order[:k]) for order in self.orders for k in steps]
        every = frozenset(range(len(self.devices)))
        self.found = self._run("judge", [*greedy, *chance, every], luck=1)

    def _greedy(self) -> list[int]:
        """Return the devices in the order in which they are placed."""
        left = list(range(len(self.devices)))
        chosen: list[int] = []
        for step in range(1, self.most + 1):
            found = self._run(f"place_{step}", [frozenset([*chosen, d]) for d in left])
            gains = {d: self._worth(found, frozenset([*chosen, d])).mean() for d in left}
            best = max(left, key=lambda d: (gains[d], -d))
            chosen.append(best)
            left = sorted(left, key=lambda d: -gains[d])[: self.asked.candidates]
            left = sorted(d for d in left if d != best)
            if not left:
                break
        return chosen

    def _orders(self) -> list[list[int]]:
        luck = np.random.default_rng(self.scenario.seed)
        return [luck.permutation(len(self.devices)).tolist() for _ in range(self.asked.draws)]

    def _run(self, name: str, sets: Iterable[Set], luck: int = 0) -> Runs:
        runs = {_label(devices): self.changes(devices) for devices in [NONE, *sets]}
        seed = self.scenario.seed + luck
        return Runs(self.bench, name, runs, self.worth.outputs, self.asked.replications, seed=seed)

    def changes(self, devices: Iterable[int]) -> dict[str, Any]:
        """Return the changes that leave these devices and no others."""
        return {"devices": [_entry(self.top, self.devices[d]) for d in devices], "adoption": {}}

    def _worth(self, found: Runs, devices: Set) -> Floats:
        """Return what a set of devices is worth, against none, ``(R,)``."""
        return self.worth.of(found, _label(devices), _label(NONE))

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        """One row per number of devices and way of placing them.

        Columns: ``devices``, ``way`` (``greedy``, ``by chance``), ``added`` (greedy), ``worth``
        with ``worth_low`` and ``worth_high``: greedy the 95 % interval of the mean, by chance the
        mean and the 5 % and 95 % quantiles over the random sets.
        """
        rows = []
        for k in range(1, len(self.chosen) + 1):
            mine = self._worth(self.found, frozenset(self.chosen[:k]))
            added = self.devices[self.chosen[k - 1]].name
            rows.append({"devices": k, "way": "greedy", "added": added, **columns("worth", mine)})
        for k in range(1, self.most + 1):
            sets = [frozenset(order[:k]) for order in self.orders]
            means = np.array([self._worth(self.found, s).mean() for s in sets])
            low, high = np.quantile(means, BAND)
            rows.append({"devices": k, "way": "by chance", "added": "", "worth": means.mean(),
                         "worth_low": low, "worth_high": high})  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def all(self) -> Floats:
        """What all devices together are worth, ``(R,)``."""
        return self._worth(self.found, frozenset(range(len(self.devices))))

    def lead(self, k: int) -> tuple[float, float, float]:
        """Return how much more ``k`` greedily placed devices are worth than random ones, paired."""
        mine = self._worth(self.found, frozenset(self.chosen[:k]))
        sets = [frozenset(order[:k]) for order in self.orders]
        chance = np.mean([self._worth(self.found, s) for s in sets], axis=0)
        return interval(mine - chance)[:3]

    def sheet(self) -> Sheet:
        """Return the table."""
        frame, units = differing(self.frame, self.worth.unit, "worth")
        return Sheet(
            "placement", "Worth of a few devices", frame, units,
            "greedy: 95 % interval of the mean; by chance: 5 % and 95 % of the random sets.",
        )  # fmt: skip

    def chart(self) -> Chart:
        """Return the picture."""
        return Chart("lines", "placement", "Worth of a few devices, placed well or by chance",
                     "placement", x="devices", y="worth", low="worth_low", high="worth_high",
                     group="way", zero=True)  # fmt: skip


def _label(devices: Set) -> str:
    return " ".join(map(str, sorted(devices))) or "none"


def _entry(top: Topology, placed: PlacedDevice) -> dict[str, Any]:
    """Return a device at its one stock point as an entry of a scenario."""
    point = top.points[placed.row]
    data = placed.device.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    where = {"site": point.site.name, "item": point.item.name, "role": point.role}
    return {**data, "where": where, "owner": placed.owner}
