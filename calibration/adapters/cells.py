"""Texts of rows into events: the one place that judges a field of a CSV, Parquet or JSON row.

Each column is looked at once per distinct text, by a plain function that returns the value or
raises; only times, which seldom repeat, are read all at once.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from calibration import times
from calibration.adapters import Batch, Known, Rejection, shown
from calibration.adapters.mapping import Map, Part
from calibration.amounts import IMPOSSIBLE, NEGATIVE, impossible
from calibration.events import KINDS, NAMES
from calibration.store import Row

MAX_TEXT = 200
"""Longest name that is taken; longer ones are no names."""

_GROUPED = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?")

COUNTED = ("count", "order", "ship", "receive", "make")
"""Kinds of event that have a quantity of an item."""


class Sheet(NamedTuple):
    """A piece of a file: texts by column, where each row stands, and the rows as they came.

    ``refused`` are rows that could not be split into cells; ``done`` is how far the file is read.
    """

    columns: Mapping[str, Any]
    lines: npt.NDArray[np.int64]
    raw: Sequence[bytes]
    refused: Sequence[Rejection]
    done: int


@dataclass(frozen=True)
class Reading:
    """How a file is read: its name, the map, what the scenario knows, and the time of reading."""

    name: str
    map: Map
    known: Known | None = None
    taken: int = 0

    @property
    def source(self) -> str:
        """The source of events that do not name one."""
        return self.map.source or self.name


class _Refused(ValueError):
    """A text that a field does not take; says why."""


class _Column(NamedTuple):
    """Distinct values and which of them each row has; ``texts`` are the values as they came."""

    values: npt.NDArray[np.object_]
    codes: npt.NDArray[np.int32]
    texts: npt.NDArray[np.object_]

    def rows(self) -> npt.NDArray[np.object_]:
        return self.values[self.codes]


class _Problems:
    """The first problem of each row."""

    def __init__(self, size: int) -> None:
        self.reason = np.full(size, "", object)
        self.value = np.full(size, "", object)

    def add(self, where: npt.NDArray[np.bool_], reason: str, column: _Column | None = None) -> None:
        fresh = np.flatnonzero(where & self.good())
        self.reason[fresh] = reason
        if column is not None:
            self.value[fresh] = column.texts[column.codes[fresh]]

    def good(self) -> Any:
        return self.reason == ""


def to_batch(sheet: Sheet, how: Reading) -> Batch:
    """Return the events of a piece of a file, and what cannot be one."""
    rows: list[Row] = []
    refused = list(sheet.refused)
    keys = _row_keys(sheet, how.map)
    for number, part in enumerate(how.map.parts()):
        _Reader(sheet, how, part, number).read(keys, rows, refused)
    return Batch(rows, refused, sheet.done)


class _Reader:
    """Reads one event of each row of a piece."""

    def __init__(self, sheet: Sheet, how: Reading, part: Part, number: int) -> None:
        self.sheet, self.how, self.part, self.number = sheet, how, part, number
        self.size = len(sheet.lines)
        self.problems = _Problems(self.size)

    def read(self, keys: Sequence[str] | None, rows: list[Row], refused: list[Rejection]) -> None:
        """Add the events to ``rows`` and what cannot be one to ``refused``."""
        if not self.size:
            return
        moment, marks = self._times()
        kind = self._column("kind", self._kind)
        item, unit = self._column("item", self._item), self._column("unit", self._text)
        qty, unit = self._in_our_units(self._column("qty", self._number), item, unit)
        value = self._column("value", self._number)
        site, device = self._column("site", self._site), self._column("device", self._text)
        self._complete(kind.rows(), site, item, qty, value.rows().astype(float))
        self._possible(kind.rows(), device.rows(), qty)
        marks = self._marks(marks, qty)
        taken = self._taken(moment)
        found: dict[str, Any] = {
            "event_time": moment, "ingest_time": taken, "kind": kind, "item": item, "unit": unit,
            "site": site, "value": value, "seq": self._column("seq", self._seq),
            "partner": self._column("partner", self._partner),
            "device": device, "lot": self._column("lot", self._text),
            "source": self._column("source", self._source), "qty": qty, "quality": marks,
        }  # fmt: skip
        found["event_id"] = self._ids(keys, moment)
        good = np.flatnonzero(self.problems.good() & self._present())
        found["raw_ref"] = [f"{self.how.name}:{line}" for line in self.sheet.lines[good].tolist()]
        rows.extend(zip(*(_listed(found[name], good) for name in NAMES), strict=True))
        self._refuse(refused)

    def _column(self, name: str, judge: Callable[[str], Any]) -> _Column:
        """Return the values of a field; blames the rows whose text it does not take."""
        if (column := self.part.columns.get(name)) is not None:
            coded = pa.array(self.sheet.columns[column], pa.string()).dictionary_encode()
            texts = np.array(coded.dictionary.to_pylist(), object)
            codes = coded.indices.to_numpy()
        else:
            texts = np.array([str(self.part.constants.get(name, ""))], object)
            codes = np.zeros(self.size, np.int32)
        values = np.full(len(texts), None, object)
        found = _Column(values, codes, texts)
        for n, text in enumerate(texts):
            try:
                values[n] = judge(text.strip())
            except _Refused as error:
                self.problems.add(codes == n, f"{name}: {error}", found)
                values[n] = judge("") if judge != self._kind else ""
        return found

    def _text(self, text: str) -> str:
        if len(text) > MAX_TEXT:
            msg = f"longer than {MAX_TEXT} letters; that is no name"
            raise _Refused(msg)
        if not text.isprintable():
            msg = "control characters or garbage; names are plain text"
            raise _Refused(msg)
        return text

    def _source(self, text: str) -> str:
        return self._text(text) or self.how.source

    def _kind(self, text: str) -> str:
        kind = self.how.map.kinds.get(text, text)
        if kind not in KINDS:
            msg = f"none of {', '.join(KINDS)}; translate it in the map under 'kinds'"
            raise _Refused(msg)
        return kind

    def _site(self, text: str) -> str:
        name = self._text(self.how.map.sites.get(text, text))
        if self.how.known and name and name not in self.how.known.sites:
            msg = "no site of the scenario; translate it in the map under 'sites'"
            raise _Refused(msg)
        return name

    def _partner(self, text: str) -> str:
        name = self._text(self.how.map.sites.get(text, text))
        if self.how.known and name and name not in self.how.known.partners:
            msg = "no site or supplier of the scenario; translate it in the map under 'sites'"
            raise _Refused(msg)
        return name

    def _item(self, text: str) -> str:
        name = self._text(self.how.map.items.get(text, text))
        if self.how.known and name and name not in self.how.known.units:
            msg = "no item of the scenario; translate it in the map under 'items'"
            raise _Refused(msg)
        return name

    def _number(self, text: str) -> float:
        """Return a number; NaN for none."""
        if not text:
            return math.nan
        if self.how.map.decimal == ",":
            if "." in text and not _GROUPED.fullmatch(text.strip()):
                msg = "dots that part no groups of three digits, with a decimal comma"
                raise _Refused(msg)
            text = text.replace(".", "").replace(",", ".")
        try:
            number = float(text) if "_" not in text else math.nan
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            msg = "not a finite number; a decimal comma needs 'decimal: \",\"' in the map"
            raise _Refused(msg)
        return number

    def _seq(self, text: str) -> int | None:
        if not text:
            return None
        if text.isascii() and text.removesuffix(".0").isdigit() and len(text) <= 18:
            return int(text.removesuffix(".0"))
        msg = "not a whole number of 0 or more"
        raise _Refused(msg)

    def _times(self) -> tuple[Any, Any]:
        """Return event times and the doubts about them."""
        rule = self.how.map.time
        parsed = times.parse(self._texts("event_time"), rule.format, rule.zone)
        self._blame_times("event_time", parsed.problem)
        if self.part.totals:  # a date is the right name of a period then
            parsed.mark[parsed.mark == "date_only"] = ""
        return parsed.times, parsed.mark

    def _taken(self, moment: Any) -> Any:
        """Return when each event was taken in: as the file says, else now."""
        if "ingest_time" not in self.part.columns:
            return np.full(self.size, self.how.taken, np.int64)
        texts = self._texts("ingest_time")
        said = ~np.isin(texts, ("", "0"))
        parsed = times.parse(texts, self.how.map.time.format, self.how.map.time.zone)
        self._blame_times("ingest_time", np.where(said, parsed.problem, ""))
        return np.where(said, parsed.times, self.how.taken)

    def _texts(self, name: str) -> npt.NDArray[np.object_]:
        if (column := self.part.columns.get(name)) is not None:
            return np.asarray(self.sheet.columns[column], object)
        return np.full(self.size, str(self.part.constants.get(name, "")), object)

    def _blame_times(self, name: str, problem: npt.NDArray[np.object_]) -> None:
        texts = self._texts(name)
        for n in np.flatnonzero((problem != "") & self.problems.good()):
            self.problems.reason[n] = f"{name}: {problem[n]}"
            self.problems.value[n] = texts[n]

    def _in_our_units(self, qty: _Column, item: _Column, unit: _Column) -> tuple[Any, _Column]:
        """Return quantities in our units, (n,) floats, and the units' names."""
        rules = self.how.map.units
        factors = np.array([rules[u].factor if u in rules else 1.0 for u in unit.values])
        ours = np.array([rules[u].unit if u in rules else u for u in unit.values], object)
        unit = unit._replace(values=ours)
        if self.how.known:
            pairs = item.codes.astype(np.int64) * len(ours) + unit.codes
            for pair in np.unique(pairs):
                name, given = item.values[pair // len(ours)], ours[pair % len(ours)]
                wanted = self.how.known.units.get(name)
                if wanted is not None and given not in ("", wanted):
                    reason = "unit: not the item's unit; give a factor in the map under 'units'"
                    self.problems.add(pairs == pair, reason, unit)
        return qty.rows().astype(float) * factors[unit.codes], unit

    def _complete(self, kind: Any, site: _Column, item: _Column, qty: Any, value: Any) -> None:
        """Blame rows that lack what their kind of event needs."""
        counted = np.isin(kind, COUNTED)
        self.problems.add(site.rows() == "", "site: empty; every event happens at a site")
        self.problems.add(counted & (item.rows() == ""), "item: empty; this kind concerns an item")
        self.problems.add(counted & np.isnan(qty), "qty: empty; this kind has a quantity")
        self.problems.add((kind == "sense") & np.isnan(value), "value: empty; a sense has a value")
        state = (kind == "status") & ~np.isin(value, (0.0, 1.0))
        self.problems.add(state, "value: neither 1 (up) nor 0 (down); a status is one of them")

    def _possible(self, kind: Any, device: Any, qty: Any) -> None:
        """Blame rows whose quantity cannot be, with the quantity."""
        wrong = np.flatnonzero(impossible(kind, device, qty) & self.problems.good())
        self.problems.reason[wrong] = IMPOSSIBLE
        self.problems.value[wrong] = [f"{qty[n]:g}" for n in wrong.tolist()]

    def _marks(self, doubts: Any, qty: Any) -> Any:
        """Return the marks of each row: given ones, doubts about its time, and our own."""
        marks = self._column("quality", self._text).rows()
        for where, words in (
            (doubts != "", doubts), (np.full(self.size, self.part.totals), "total"),
            (qty < 0, NEGATIVE),
        ):  # fmt: skip
            if where.any():
                marks = np.where(where, marks + " " + words, marks)
        if (marks != "").any():
            marks = np.array([" ".join(dict.fromkeys(m.split())) for m in marks], object)
        return marks

    def _ids(self, keys: Sequence[str] | None, moment: Any) -> Any:
        """Return ids: the file's own, of named columns, or of time and content.

        The time comes first, for an index grows twice as fast when keys come roughly in order.
        """
        if self.how.map.id is not None and keys is not None:
            found = np.array(keys, object)
            self.problems.add(found == "", "id: all its columns are empty; every row needs one")
        else:
            found = self._column("event_id", self._text).rows()
            for n in np.flatnonzero(found == "").tolist():
                found[n] = f"{moment[n]:x}-{_content(self.sheet.raw[n])}"
        return found if not self.number else found + f"#{self.number}"

    def _present(self) -> npt.NDArray[np.bool_]:
        """Return which rows have this event at all: a further one may have no time yet."""
        if not self.number:
            return np.ones(self.size, bool)
        return np.array([text.strip() != "" for text in self._texts("event_time")])

    def _refuse(self, refused: list[Rejection]) -> None:
        bad = np.flatnonzero(~self.problems.good() & self._present())
        for n in bad.tolist():
            place = f"{self.how.name}:{self.sheet.lines[n]}"
            value, reason = shown(self.problems.value[n]), self.problems.reason[n]
            refused.append(Rejection(place, value, reason, shown(self.sheet.raw[n], 1000)))


def _row_keys(sheet: Sheet, rules: Map) -> list[str] | None:
    """Return what the map says names each row; None where it says nothing."""
    if rules.id is None:
        return None
    if rules.id == "row":
        return [f"row-{line:09d}" for line in sheet.lines.tolist()]
    parts = [np.asarray(sheet.columns[name], object).tolist() for name in rules.id]
    return ["|".join(words) if any(words) else "" for words in zip(*parts, strict=True)]


def _content(raw: bytes) -> str:
    return hashlib.blake2b(raw.rstrip(b"\r\n"), digest_size=8).hexdigest()


def _listed(values: Any, good: npt.NDArray[np.intp]) -> list[Any]:
    """Return the values of the good rows as plain Python ones."""
    if isinstance(values, list):
        return values
    if isinstance(values, _Column):
        plain = [None if isinstance(v, float) and math.isnan(v) else v for v in values.values]
        return list(np.array(plain, object)[values.codes[good]])
    found = values[good]
    if found.dtype == np.float64 and np.isnan(found).any():
        return [None if x != x else x for x in found.tolist()]
    return list(found.tolist())
