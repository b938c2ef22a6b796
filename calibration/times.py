"""Times of events: microseconds since 1970 in UTC, from and to what people and systems write."""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from twin.schema.scenario import Calendar

SECOND = 1_000_000
DAY = 86_400 * SECOND
EARLIEST = int(dt.datetime(1990, 1, 1, tzinfo=dt.UTC).timestamp()) * SECOND
LATEST = int(dt.datetime(2100, 1, 1, tzinfo=dt.UTC).timestamp()) * SECOND
"""Times outside are those of a clock that was never set, or of a slip of the pen."""

COUNTS = {"s": SECOND, "ms": 1000, "us": 1}
"""Formats that count since 1970, and how many microseconds one count has."""

EMPTY = "the time is empty; leave rows without a time out"
UNREADABLE = "the time cannot be read; write 2026-01-31T14:00:00Z, or give its format in the map"
NO_ZONE = "the time has no zone; write it with an offset (Z, +01:00) or give 'time: {zone: ...}'"
NEVER = "the clock of the zone given in the map never showed this time (it was put forward)"
OUTSIDE = "the time is not from 1990 to 2099; the clock that gave it was not set"

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DATE = r"\d{4}-?\d\d-?\d\d"
_CLOCK = r"[T ]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?)?"
_ZONE = r" ?(?:Z|z|[+-]\d\d:?\d\d)"
_WHOLE = re.compile(rf"{_DATE}{_CLOCK}{_ZONE}")
_LONG_COUNT = r"^\d{15,17}$"


class Parsed(NamedTuple):
    """Times that were read, one for each text.

    ``times``: (n,) int64, microseconds since 1970 UTC; ``problem``: (n,) why one could not be
    read, else empty; ``mark``: (n,) doubts about it, else empty.
    """

    times: npt.NDArray[np.int64]
    problem: npt.NDArray[np.object_]
    mark: npt.NDArray[np.object_]


def now() -> int:
    """Return the time of this moment, in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def from_iso(text: str) -> int:
    """Return the time of a text such as ``2026-01-31T14:00:00.5+01:00``.

    Raises
    ------
    ValueError
        If it is no date with a time of day and an offset from UTC, from 1990 to 2099.
    """
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        shaped = isinstance(text, str) and re.fullmatch(_DATE + _CLOCK, text)
        raise ValueError(NO_ZONE if shaped else UNREADABLE)
    try:
        found = dt.datetime.fromisoformat(text.replace(",", ".").replace(" +", "+"))
        moment = (found - _EPOCH) // dt.timedelta(microseconds=1)
    except (ValueError, OverflowError) as error:
        raise ValueError(UNREADABLE) from error
    if not EARLIEST <= moment < LATEST:
        raise ValueError(OUTSIDE)
    return moment


def to_iso(moment: int) -> str:
    """Return a time as ``2026-01-31T13:00:00.500000Z``; whole seconds without a fraction."""
    found = _EPOCH + dt.timedelta(microseconds=int(moment))
    return found.isoformat().replace("+00:00", "Z")


def day_name(day: int) -> str:
    """Return the date of a day counted from 1970: ``2026-01-31``."""
    return str((_EPOCH + dt.timedelta(days=int(day))).date())


def period_length(calendar: Calendar) -> int:
    """Return the length of one period in microseconds."""
    return DAY * (7 if calendar.period == "week" else 1)


def period_start(calendar: Calendar, period: int) -> int:
    """Return when a period begins: that many periods after the start's 00:00 UTC."""
    start = dt.datetime.combine(calendar.start, dt.time(), dt.UTC)
    return (start - _EPOCH) // dt.timedelta(microseconds=1) + period * period_length(calendar)


def parse(texts: Any, form: str = "iso", zone: str | None = None) -> Parsed:
    """Read many times at once.

    Parameters
    ----------
    texts
        (n,) texts: a list, an array of objects or a pyarrow array of strings.
    form
        ``iso`` (also counts of microseconds of 15 to 17 digits), ``s``, ``ms`` or ``us`` since
        1970, or a pattern of :func:`time.strptime` such as ``%d.%m.%Y %H:%M``.
    zone
        Zone of the times that do not say theirs, such as ``Europe/Berlin``.

    Returns
    -------
    Parsed
        A date alone is the name of a period: its 00:00 UTC, in every zone, marked ``date_only``.
        Of an hour that the clock showed twice the first is taken, marked ``clock_twice``.
    """
    series = pd.Series(texts, dtype="str").str.strip()
    times = np.zeros(len(series), np.int64)
    problem = np.full(len(series), UNREADABLE, object)
    mark = np.full(len(series), "", object)
    problem[(series == "").to_numpy(bool)] = EMPTY
    if form in COUNTS:
        _take_counts(series, np.ones(len(series), bool), COUNTS[form], times, problem)
    elif form == "iso":
        counts = series.str.match(_LONG_COUNT).to_numpy(bool)
        if counts.any():
            _take_counts(series, counts, 1, times, problem)
        _take_iso(series, zone, times, problem, mark)
    else:
        zoned = "%z" in form
        found = pd.to_datetime(series, format=form, errors="coerce", utc=zoned)
        known = found.notna().to_numpy(bool)
        place = _to_utc if zoned else _in_zone
        place(found[known], known, zone, times, problem, mark)
    outside = (problem == "") & ((times < EARLIEST) | (times >= LATEST))
    problem[outside] = OUTSIDE
    return Parsed(times, problem, mark)


def _take_counts(series: Any, where: Any, step: int, times: Any, problem: Any) -> None:
    # a float keeps 53 bits: half a microsecond in the year 2100, so whole ones survive
    found = pd.to_numeric(series[where].astype(object), errors="coerce").to_numpy(np.float64)
    good = np.isfinite(found) & (np.abs(found) < 2.0**62 / step)
    index = np.flatnonzero(where)[good]
    times[index] = np.round(found[good] * step).astype(np.int64)
    problem[index] = ""


def _take_iso(series: Any, zone: str | None, times: Any, problem: Any, mark: Any) -> None:
    whole = series.str.fullmatch(_DATE + _CLOCK + _ZONE).to_numpy(bool)
    if whole.any():
        part = series if whole.all() else series[whole]
        found = pd.to_datetime(part, format="ISO8601", utc=True, errors="coerce")
        _to_utc(found, whole, zone, times, problem, mark)
    if whole.all():
        return
    for pattern, place in ((_DATE + _CLOCK, _in_zone), (_DATE, _at_midnight)):
        where = series.str.fullmatch(pattern).to_numpy(bool)
        if where.any():
            found = pd.to_datetime(series[where], format="ISO8601", errors="coerce")
            place(found, where, zone, times, problem, mark)


def _to_utc(found: Any, where: Any, zone: str | None, times: Any, problem: Any, mark: Any) -> None:
    """Take times of a known offset; ``found`` are those at ``where``, NaT where unreadable."""
    good = found.notna().to_numpy(bool)
    index = np.flatnonzero(where)[good]
    times[index] = found[good].dt.tz_convert(None).astype("datetime64[us]").astype(np.int64)
    problem[index] = ""


def _in_zone(found: Any, where: Any, zone: str | None, times: Any, problem: Any, mark: Any) -> None:
    good = found.notna().to_numpy(bool)
    index = np.flatnonzero(where)
    if zone is None:
        problem[index[good]] = NO_ZONE
        return
    put = found.dt.tz_localize(
        ZoneInfo(zone), ambiguous=np.ones(len(found), bool), nonexistent="NaT"
    )
    problem[index[good & put.isna().to_numpy(bool)]] = NEVER
    twice = found.dt.tz_localize(ZoneInfo(zone), ambiguous="NaT", nonexistent="NaT")
    mark[index[(twice.isna() & put.notna()).to_numpy(bool)]] = "clock_twice"
    _to_utc(put.dt.tz_convert("UTC"), where, zone, times, problem, mark)


def _at_midnight(
    found: Any, where: Any, zone: str | None, times: Any, problem: Any, mark: Any
) -> None:
    mark[np.flatnonzero(where)] = "date_only"
    _to_utc(found.dt.tz_localize("UTC"), where, zone, times, problem, mark)
