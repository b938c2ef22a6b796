"""A file of telemetry into the store: every row is taken, known already, or rejected with a reason.

Batch by batch, each in one transaction together with its counts; an ingest that was interrupted is
simply done again, for what is stored already is a duplicate then.
"""

from __future__ import annotations

import csv
import os
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from calibration.adapters import Batch, Known, Rejection
from calibration.adapters.cells import Reading
from calibration.adapters.epcis import read_epcis
from calibration.adapters.jsonlines import read_json_lines
from calibration.adapters.mapping import MAPPED, Map, load_map
from calibration.adapters.tables import column_names, default_map, read_csv, read_parquet
from calibration.errors import TelemetryError
from calibration.events import NAMES
from calibration.store import Store
from calibration.store_parts import Load
from calibration.times import now
from twin.schema import Scenario

Adapter = Callable[[Path, Reading], Iterator[Batch]]

ADAPTERS: Mapping[str, Adapter] = {
    ".csv": read_csv, ".tsv": read_csv, ".txt": read_csv,
    ".parquet": read_parquet,
    ".jsonl": read_json_lines, ".ndjson": read_json_lines,
    ".json": read_epcis, ".jsonld": read_epcis,
}  # fmt: skip
"""What reads a file, by its ending."""

LARGE = 64 * 2**20
"""Size in bytes from which an ingest takes indexes away while it adds."""

_SHOWN = 3
_QUALITY = NAMES.index("quality")


@dataclass
class Report:
    """What one ingest did.

    ``rows = accepted + duplicates + rejected``, always. A row is one event that the file tells of
    (a line can tell of several, see ``more`` of a map; so can an EPCIS event), or one thing in it
    that could not be read. ``differing`` counts those of the duplicates that tell something else
    than what came first under their id, which stays. ``marks`` counts accepted and known rows by doubt.
    """

    file: str
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    differing: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[Rejection]] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def rejected(self) -> int:
        """Number of rows that were rejected, for whatever reason."""
        return sum(self.reasons.values())

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self) | {"rejected": self.rejected}

    def text(self) -> str:
        """Return the report for a shell, at most 80 columns."""
        lines = [
            f"{self.file}: {self.rows:,} rows = {self.accepted:,} accepted + "
            f"{self.duplicates:,} known already + {self.rejected:,} rejected"
        ]
        for reason, count in sorted(self.reasons.items(), key=lambda pair: -pair[1]):
            lines += textwrap.wrap(
                f"{count:>12,}  {reason}", 80, initial_indent="", subsequent_indent=" " * 14
            )
            for one in self.examples[reason]:
                value = f" = {one.value}" if one.value else ""
                lines.append(f"{'':14}{one.place}{value}")
        if self.differing:
            lines += textwrap.wrap(
                f"{self.differing:>12,}  known already, but told otherwise before: what came first "
                "stays; if these correct it, they need ids of their own",
                80, initial_indent="", subsequent_indent=" " * 14,
            )  # fmt: skip
        for mark, count in sorted(self.marks.items()):
            lines.append(f"{count:>12,}  taken with the mark '{mark}'")
        lines[:1] = textwrap.wrap(lines[0], 80, subsequent_indent="  ")
        return "\n".join(line if len(line) <= 80 else line[:77] + "..." for line in lines)

    def add(self, batch: Batch, new: int) -> None:
        """Count a batch of which ``new`` events were new to the store."""
        self.rows += len(batch.rows) + len(batch.rejections)
        self.accepted += new
        self.duplicates += len(batch.rows) - new
        for one in batch.rejections:
            self.reasons[one.reason] = self.reasons.get(one.reason, 0) + 1
            known = self.examples.setdefault(one.reason, [])
            if len(known) < _SHOWN:
                known.append(one._replace(raw=""))
        for marks, count in Counter(row[_QUALITY] for row in batch.rows).items():
            for mark in marks.split():
                self.marks[mark] = self.marks.get(mark, 0) + count


def ingest(
    file: str | Path,
    store: Store,
    map: str | Path | Map | None = None,
    scenario: Scenario | None = None,
    progress: Callable[[int, int], None] | None = None,
    rejects: str | Path | None = None,
) -> Report:
    """Take the events of a file into a store.

    Parameters
    ----------
    file
        CSV, Parquet, JSON lines or EPCIS 2.0 JSON, told apart by its ending (:data:`ADAPTERS`).
    store
        Open store.
    map
        Which column is which field, or the file that says so; default: columns have the names of
        the fields.
    scenario
        Events at other sites, of other items or in other units are rejected.
    progress
        Called with the bytes read and those of the whole file after each batch.
    rejects
        CSV file for the rejected rows: place, value, reason and the row as it came.

    Raises
    ------
    TelemetryError
        If the file or the map cannot be read at all, or the store cannot be written, or rejected
        rows would replace the file. Batches
        before that stay stored; to do the same again doubles nothing.
    """
    path = Path(file)
    if rejects is not None and Path(rejects).resolve() == path.resolve():
        msg = f"{rejects}: is the file that is read; give rejected rows another one"
        raise TelemetryError(msg)
    begun, adapter, how = time.perf_counter(), _adapter(path), _reading(path, map, scenario)
    size = path.stat().st_size
    report = Report(path.name)
    with store.bulk(size >= LARGE), _Rejects(rejects) as refused:
        for batch in _stored(adapter(path, how), store, report):
            refused.write(batch.rejections)
            if progress is not None:
                progress(batch.done, size)
    report.seconds = time.perf_counter() - begun
    return report


def _stored(batches: Iterator[Batch], store: Store, report: Report) -> Iterator[Batch]:
    """Yield the batches once they are stored and counted."""
    load = Load(report.file)
    for batch in batches:
        reasons = Counter(one.reason for one in batch.rejections)
        new = store.add_rows(batch.rows, load, reasons)
        load = load.plus(len(batch.rows), new, reasons)
        report.add(batch, new)
        if new < len(batch.rows):
            report.differing += store.differing(batch.rows)
        yield batch
    if not report.rows:  # that a file had none is worth knowing too
        store.add_rows((), load)


def _adapter(path: Path) -> Adapter:
    if not path.is_file():
        what = "is a directory; give the file inside it" if path.is_dir() else "no such file"
        msg = f"{path}: {what}"
        raise TelemetryError(msg)
    if path.suffix.lower() not in ADAPTERS:
        msg = f"{path}: ending '{path.suffix}'; telemetry is a {', '.join(ADAPTERS)} file"
        raise TelemetryError(msg)
    return ADAPTERS[path.suffix.lower()]


def _reading(path: Path, map: str | Path | Map | None, scenario: Scenario | None) -> Reading:
    known = Known.of(scenario) if scenario is not None else None
    if map is None:
        names = column_names(path) if _adapter(path) in (read_csv, read_parquet) else MAPPED
        map = default_map(names)
    elif not isinstance(map, Map):
        map = load_map(map)
    return Reading(path.name, map, known, now())


class _Rejects:
    """Writes rejected rows into a CSV file, which takes its name when it is whole."""

    def __init__(self, path: str | Path | None) -> None:
        self._path = Path(path) if path is not None else None
        self._part = self._path.with_name(f".{self._path.name}.part") if self._path else None

    def __enter__(self) -> _Rejects:
        if self._part is not None:
            try:
                self._file = self._part.open("w", encoding="utf-8", newline="")
            except OSError as error:
                msg = f"{self._path}: cannot be written ({error.strerror}); give another place"
                raise TelemetryError(msg) from error
            self._csv = csv.writer(self._file)
            self._csv.writerow(Rejection._fields)
        return self

    def write(self, refused: Sequence[Rejection]) -> None:
        if self._part is not None:
            self._csv.writerows(refused)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._part is not None and self._path is not None:
            self._file.close()
            os.replace(self._part, self._path)  # after an error too: what was rejected until then
