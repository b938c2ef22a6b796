"""How good the telemetry in a store is, and what can be learnt from it."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from calibration.arrivals import live
from calibration.balance import BOOKS, COLUMNS, residuals
from calibration.learnable import Learnt, learnable
from calibration.mixups import COLUMNS as ENDS
from calibration.mixups import LEAST, Mixup, between_ends
from calibration.periods import astray
from calibration.store import Store
from calibration.store_parts import pieces
from calibration.times import DAY, SECOND, day_name, period_length, to_iso
from twin.schema import Scenario

LATE = DAY
"""Events taken in later than this after they happened are late."""

SILENCE = 5.0
"""A device that says nothing for so many of its usual intervals was silent."""

PAUSE = 14
"""Longest time without any event, in periods (or usual gaps), that is not told of."""

FAR = 100.0
"""A quantity so many times the median of its kind, site and item is looked at twice."""

_COLUMNS = tuple(dict.fromkeys((*COLUMNS, *ENDS, "source", "seq", "ingest_time")))
_SHOWN = 5
_WIDTH = 80


class Device(NamedTuple):
    """Gaps of one device: missing numbers of its sequence, silences, and times that run backwards.

    ``interval`` is the median time between its events, ``longest`` the longest silence, both in
    seconds; ``backwards`` counts numbers whose time is before that of the number before.
    """

    device: str
    events: int
    missing: int
    backwards: int
    interval: float
    silences: int
    longest: float


class Stray(NamedTuple):
    """Who told events that lie far from all others in time, how many, and when they are said to be.

    ``name`` is the device's, or the source's where no device saw it; ``first`` and ``last`` are
    microseconds since 1970.
    """

    name: str
    events: int
    first: int
    last: int


class Range(NamedTuple):
    """Smallest, middle and largest quantity (of a sense: value) of one kind, site and item.

    ``far`` counts those more than :data:`FAR` times the middle: another unit, perhaps.
    """

    kind: str
    site: str
    item: str
    events: int
    low: float
    middle: float
    high: float
    far: int


@dataclass
class Quality:
    """The data-quality report of a store.

    ``rows = accepted + duplicates + rejected`` over all loads. ``late`` and ``ahead`` count events
    of ``timed`` ones: those of sources that were taken in while they went on. ``astray`` ones lie
    far from all others in time (:func:`calibration.periods.astray`); ``strays`` says whose they are.
    ``pause`` is the longest time without any event at all, its ends; none up to :data:`PAUSE` periods.
    ``balance`` has a row a stock point, ``residuals`` a row a day (:mod:`calibration.balance`);
    ``mixups`` says where quantities that should match are a factor off (:mod:`calibration.mixups`).
    """

    events: int = 0
    first: int | None = None
    last: int | None = None
    kinds: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    timed: int = 0
    late: int = 0
    ahead: int = 0
    astray: int = 0
    strays: list[Stray] = field(default_factory=list)
    pause: tuple[int, int] | None = None
    devices: list[Device] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    mixups: list[Mixup] = field(default_factory=list)
    balance: pd.DataFrame = field(default_factory=pd.DataFrame)
    residuals: pd.DataFrame = field(default_factory=pd.DataFrame)
    learnt: list[Learnt] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: mappings, lists, texts and numbers."""
        found = asdict(self)
        for name in ("balance", "residuals"):
            found[name] = getattr(self, name).to_dict("records")
        for name in ("strays", "devices", "ranges", "mixups", "learnt"):
            found[name] = [one._asdict() for one in getattr(self, name)]
        return found

    def text(self) -> str:
        """Return the report for a shell, at most 80 columns."""
        return "\n".join(_lines(self))


def report(store: Store, scenario: Scenario | None = None) -> Quality:
    """Return the data-quality report of a store.

    Parameters
    ----------
    store
        Open store.
    scenario
        Says what production uses, for the mass balance, and which sites should be heard of.
    """
    found = Quality()
    for load in store.loads():
        found.rows += load.rows
        found.accepted += load.accepted
        found.duplicates += load.duplicates
        found.rejected = dict(Counter(found.rejected) + Counter(load.rejected))
    table = store.table(_COLUMNS)  # once, in codes: some 80 bytes an event
    _contents(table, found, DAY if scenario is None else period_length(scenario.calendar))
    if found.events:
        for piece in pieces(table.select(["device", "seq", "event_time"]), "device"):
            found.devices += _devices(piece)
        for piece in pieces(table.select(["kind", "site", "item", "qty", "value"]), "site"):
            found.ranges += _ranges(piece)
        found.devices.sort()
        found.ranges.sort()
        found.residuals, found.balance, of_counts = residuals(table, scenario)
        found.mixups = between_ends(table) + of_counts
        learnt = learnable(table, found, scenario)
        found.learnt = [one._replace(possible=bool(one.possible)) for one in learnt]
    return found


def _contents(table: pa.Table, found: Quality, length: int) -> None:
    names = ["kind", "source", "device", "quality", "event_time", "ingest_time"]
    frame = table.select(names).to_pandas()
    found.events = len(frame)
    if frame.empty:
        return
    found.first, found.last = int(frame["event_time"].min()), int(frame["event_time"].max())
    found.strays = _strays(frame[astray(frame["event_time"].to_numpy(np.int64), length)])
    found.astray = sum(one.events for one in found.strays)
    found.pause = _pause(frame["event_time"].to_numpy(np.int64), length)
    found.kinds, found.sources = _counted(frame["kind"]), _counted(frame["source"])
    for text, count in _counted(frame["quality"]).items():
        for mark in text.split():
            found.marks[mark] = found.marks.get(mark, 0) + count
    frame = frame[live(frame)]
    delay = frame["ingest_time"] - frame["event_time"]
    found.timed = len(frame)
    found.late, found.ahead = int((delay > LATE).sum()), int((delay < -60 * SECOND).sum())


def _pause(times: npt.NDArray[np.int64], length: int) -> tuple[int, int] | None:
    """Return the ends of the longest time without any event, if it is long; astray ones left out."""
    times = np.unique(times[~astray(times, length)])
    gaps = np.diff(times)
    if not gaps.size or gaps.max() <= PAUSE * max(length, int(np.median(gaps))):
        return None
    at = int(gaps.argmax())
    return int(times[at]), int(times[at + 1])


def _strays(frame: pd.DataFrame) -> list[Stray]:
    device = frame["device"].astype(str)
    who = device.where(device != "", frame["source"].astype(str))
    spans = frame.groupby(who)["event_time"].agg(["size", "min", "max"])
    found = [Stray(str(row[0]), *map(int, row[1:])) for row in spans.itertuples(name=None)]
    return sorted(found, key=lambda one: (-one.events, one.name))


def _devices(table: pa.Table) -> list[Device]:
    frame = table.to_pandas()
    frame = frame[(frame["device"] != "") & (frame["device"] != BOOKS)]
    if frame.empty:
        return []
    names, frame["device"] = frame["device"].cat.categories, frame["device"].cat.codes
    frame = frame.sort_values(["device", "event_time"])
    by = frame.groupby("device")
    step = by["event_time"].diff()
    usual = step[step > 0].groupby(frame["device"]).median()
    silent = step[step > SILENCE * frame["device"].map(usual)].groupby(frame["device"])
    numbered = frame[frame["seq"].notna()].sort_values(["device", "seq"], kind="stable")
    back = numbered.groupby("device")["event_time"].diff() < 0
    seq = numbered.groupby("device")["seq"]
    gaps = pd.DataFrame({
        "events": by.size(), "missing": seq.max() - seq.min() + 1 - seq.nunique(),
        "backwards": back.groupby(numbered["device"]).sum(),
        "interval": usual / SECOND, "silences": silent.size(), "longest": silent.max() / SECOND,
    }).fillna(0)  # fmt: skip
    gaps = gaps.astype(dict.fromkeys(("events", "missing", "backwards", "silences"), int))
    return [Device(str(names[row[0]]), *row[1:]) for row in gaps.itertuples(name=None)]


def _ranges(table: pa.Table) -> list[Range]:
    frame = table.to_pandas()
    amount = frame["qty"].where(frame["kind"] != "sense", frame["value"])
    keys = [frame[name] for name in ("kind", "site", "item")]
    by = amount.groupby(keys, observed=True)
    spans = pd.DataFrame({"n": by.count(), "low": by.min(), "mid": by.median(), "high": by.max()})
    middle = by.transform("median").abs()
    far = ((amount.abs() > FAR * middle) & (middle > 0)).groupby(keys, observed=True).sum()
    spans["far"] = far.astype(int)
    spans = spans[spans["n"] > 0].reset_index()
    rows = spans.astype(dict.fromkeys(("kind", "site", "item"), str))
    return [Range(*row) for row in rows.itertuples(index=False, name=None)]


def _counted(column: pd.Series[Any]) -> dict[str, int]:
    counts = column.value_counts()
    return {str(name): int(n) for name, n in counts[counts > 0].items()}


def _lines(found: Quality) -> Iterator[str]:
    if not found.events:
        yield "The store holds no events; `twin ingest FILE --store STORE` brings some."
    else:
        assert found.first is not None
        assert found.last is not None
        yield f"{found.events:,} events from {to_iso(found.first)} to {to_iso(found.last)}"
        yield from _wrapped("kinds", _list(found.kinds))
        yield from _wrapped("sources", _list(found.sources))
        yield from _wrapped("marks", _list(found.marks) or "none")
    yield ""
    yield from _filled(
        f"Rows in: {found.rows:,} = {found.accepted:,} accepted + {found.duplicates:,} known "
        f"already + {sum(found.rejected.values()):,} rejected"
    )
    for reason, count in sorted(found.rejected.items(), key=lambda pair: -pair[1]):
        yield from textwrap.wrap(f"{count:>12,}  {reason}", _WIDTH, subsequent_indent=" " * 14)
    if not found.events:
        return
    if found.timed:
        share = 100 / found.timed
        yield from _filled(
            f"Late by more than a day: {found.late:,} ({found.late * share:.1f} %), with a clock "
            f"ahead: {found.ahead:,}, of {found.timed:,} events taken in live"
        )
    else:
        yield "Recorded afterwards: how late each event arrived is not known"
    if found.astray:
        yield from _filled(
            f"Far from all others in time: {found.astray:,} events; their clocks are doubted, and "
            "calibration leaves them out:"
        )
        for one in found.strays[:_SHOWN]:
            first, last = day_name(one.first // DAY), day_name(one.last // DAY)
            when = f"of {first}" if first == last else f"from {first} to {last}"
            yield from _wrapped(one.name, f"{one.events:,} {when}", 28)
        if len(found.strays) > _SHOWN:
            yield f"  ... and {len(found.strays) - _SHOWN:,} more"
    if found.pause is not None:
        first, last = (t // DAY for t in found.pause)
        yield from _filled(
            f"Nothing at all was told from {day_name(first)} to {day_name(last)}, {last - first:,} days: "
            "a clock that jumped, or a record in parts; calibration takes it for a time without events."
        )
    yield from _device_lines(found.devices)
    yield from _range_lines(found.ranges)
    yield from _mixup_lines(found.mixups)
    yield from _balance_lines(found)
    yield ""
    yield "What can be estimated directly from these data:"
    for one in found.learnt:
        word = "yes" if one.possible else "no"
        yield from _wrapped(f"{word:<4}{one.what}", one.why, 28)


def _device_lines(devices: list[Device]) -> Iterator[str]:
    yield ""
    missing, silent = sum(d.missing for d in devices), sum(d.silences for d in devices)
    back = sum(d.backwards for d in devices)
    yield from _filled(
        f"Devices: {len(devices):,}; {missing:,} numbers missing, {silent:,} silences, {back:,} "
        "times that run backwards"
    )
    worst = sorted(devices, key=lambda d: -(d.missing + d.silences + d.backwards))[:_SHOWN]
    for d in worst:
        if d.missing or d.silences or d.backwards:
            yield from _wrapped(
                d.device,
                f"{d.missing:,} of {d.events + d.missing:,} missing, {d.silences:,} silences "
                f"(longest {d.longest / 3600:.1f} h; usual {d.interval / 3600:.2f} h), "
                f"{d.backwards:,} backwards", 28,
            )  # fmt: skip


def _range_lines(ranges: list[Range]) -> Iterator[str]:
    yield ""
    far = sorted((r for r in ranges if r.far), key=lambda r: -r.far)
    yield f"Quantities more than {FAR:.0f} times the middle one: {sum(r.far for r in far):,}"
    for r in far[:_SHOWN]:
        name = " ".join(filter(None, (r.kind, r.site, r.item)))
        why = f"{r.far:,} of {r.events:,}; {r.low:g} to {r.high:g}, middle {r.middle:g}"
        yield from _wrapped(name, why + ": another unit?", 28)


def _mixup_lines(mixups: list[Mixup]) -> Iterator[str]:
    """Yield what another unit may explain, one line for all items of a site that are off alike."""
    if not mixups:
        yield f"Units: nothing is {LEAST:.0f} times what it should match, or more; less is not told apart"
        return
    alike: dict[tuple[str, str], list[str]] = {}
    for one in mixups:
        alike.setdefault((one.site, one.text()), []).append(one.item)
    yield from _filled(
        f"Another unit? {len(mixups):,} quantities are a steady factor from what they should match:"
    )
    for (site, text), items in sorted(alike.items(), key=lambda pair: -len(pair[1]))[:_SHOWN]:
        more = f" and {len(items) - 1:,} more items" if len(items) > 1 else ""
        yield from _wrapped(site, f"{items[0]}{more}: {text}", 28)
    if len(alike) > _SHOWN:
        yield f"  ... and {len(alike) - _SHOWN:,} more"
    yield from _filled(
        "  To mend: the map of that file says `units: {THEIRS: {unit: OURS, factor: ...}}`, or correct "
        "the file; then ingest into a new store. Where both sides are right most of what was ordered "
        "never came, and there is nothing to mend."
    )


def _balance_lines(found: Quality) -> Iterator[str]:
    yield ""
    counted = found.balance[found.balance["counts"] > 1]
    yield from _filled(
        f"Mass balance of {len(counted):,} stock points with two counts or more (of "
        f"{len(found.balance):,}); units that counts have more than the flows explain:"
    )
    off = counted[counted["days_off"] > 0]
    if off.empty and len(counted):
        yield "  exact on every day"
    worst = off.reindex(off["residual"].abs().sort_values(ascending=False).index)[:_SHOWN]
    for row in worst.itertuples():
        mine = found.residuals[
            (found.residuals["site"] == row.site) & (found.residuals["item"] == row.item)
        ]
        most = mine.iloc[int(mine["residual"].abs().argmax())]
        yield from _wrapped(
            f"{row.site} {row.item}",
            f"{row.residual:+,.4g} on {row.days_off:,} days, most {most['residual']:+,.4g} on "
            f"{day_name(int(most['day']))}", 28,
        )  # fmt: skip
    if len(off) > _SHOWN:
        yield f"  ... and {len(off) - _SHOWN:,} more"


def _filled(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent="  ")


def _wrapped(name: str, text: str, column: int = 12) -> list[str]:
    head = f"  {name}"
    head = head[: column - 3] + ".." if len(head) >= column else head
    indent = " " * column
    return textwrap.wrap(
        f"{head:<{column}}{text}", _WIDTH, subsequent_indent=indent, break_on_hyphens=False,
        drop_whitespace=True,
    )  # fmt: skip


def _list(counts: dict[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])
    text = ", ".join(f"{name} {n:,}" for name, n in ranked[: _SHOWN * 2])
    return text + (f", and {len(ranked) - 2 * _SHOWN} more" if len(ranked) > 2 * _SHOWN else "")


__all__ = ["Device", "Learnt", "Quality", "Range", "Stray", "report"]
