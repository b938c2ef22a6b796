"""Whether devices are alive, and how old is what is known from them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from calibration.balance import BOOKS
from calibration.events import Event
from calibration.live.points import Key
from twin.schema import Device

Life = Literal["alive", "late", "silent", "down"]
LATE, SILENT = 2.0, 5.0
"""Times its own interval after which a device is late, and after which it is called silent."""

MOST = 10_000
"""Devices beyond are not followed, so that made-up names cannot fill the memory."""


class Liveness(NamedTuple):
    """A device: ``age`` of what was heard last and ``every`` how often it should report, periods.

    ``missing`` counts the gaps in its running numbers.
    """

    site: str
    device: str
    life: Life
    age: float
    every: float
    heard: int
    missing: int

    def later(self, periods: float) -> Liveness:
        """Return how it is some periods later if nothing is heard of it until then."""
        age = self.age + periods
        return self._replace(age=age, life=_life(self.life != "down", age, self.every))


def _life(up: bool, age: float, every: float) -> Life:
    if not up:
        return "down"
    return "silent" if age > SILENT * every else "late" if age > LATE * every else "alive"


class _Known:
    def __init__(self) -> None:
        self.last = self.heard = self.missing = 0
        self.seq: int | None = None
        self.up = True
        self.gaps: deque[int] = deque(maxlen=9)

    def usual(self, length: int) -> float:
        """Return the middle interval between its last reports, in periods."""
        gaps = sorted(self.gaps)
        return max(gaps[len(gaps) // 2] / length, 1e-9) if gaps else 1.0


class Devices:
    """Follows when each device was heard.

    Parameters
    ----------
    declared
        Devices of the scenario by (site, name): how often each should report. Of others the middle
        interval between their reports is taken.
    length
        Microseconds of a period.
    """

    def __init__(self, declared: Mapping[Key, Device], length: int) -> None:
        self._declared, self._length = declared, length
        self._known: dict[Key, _Known] = {}
        self._names: list[Key] = []  # of those known, in order

    def hear(self, events: Iterable[Event]) -> None:
        """Take events, in order of time."""
        for e in events:
            if not e.device or e.device == BOOKS:
                continue
            known = self._known.get((e.site, e.device))
            if known is None:
                if len(self._known) >= MOST:
                    continue
                known = self._known[e.site, e.device] = _Known()
                self._names = sorted(self._known)
            if e.kind == "status":
                known.up = bool(e.value)
                continue
            known.up = True
            if known.heard:
                known.gaps.append(e.event_time - known.last)
            known.last, known.heard = max(known.last, e.event_time), known.heard + 1
            if e.seq is not None:
                if known.seq is not None and e.seq > known.seq + 1:
                    known.missing += e.seq - known.seq - 1
                known.seq = max(e.seq, known.seq or 0)

    def at(self, time: int) -> list[Liveness]:
        """Return how each device is at a time (microseconds since 1970), by site and name."""
        found = []
        for key in self._names:
            known, spec = self._known[key], self._declared.get(key)
            every = known.usual(self._length) if spec is None else float(spec.period)
            age = max(0, time - known.last) / self._length
            life = _life(known.up, age, every)
            found.append(Liveness(*key, life, age, every, known.heard, known.missing))
        silent = [k for k in self._declared if k not in self._known]
        return found + [
            Liveness(*key, "silent", float("inf"), float(self._declared[key].period), 0, 0)
            for key in sorted(silent)
        ]
