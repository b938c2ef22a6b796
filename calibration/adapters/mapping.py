"""The map: which column of a user's file is which field of an event.

::

    source: till                      # what the file is part of (default: the file's name)
    columns: {event_time: Sold at, site: Shop, item: SKU, qty: Units, kind: Type, unit: Unit}
    constants: {device: till 1}       # the same for all rows
    kinds: {SALE: order, DELIVERY: receive}
    sites: {Shop 1: shop}             # theirs: ours; likewise items
    units: {box: {unit: unit, factor: 12}}
    time: {format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}
    id: [Receipt, Line]               # columns that name a row; `row`: its number in the file
    more:                             # further events of the same row
      - {columns: {event_time: Arrived}, constants: {kind: receive}}
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator

from calibration.errors import TelemetryError
from calibration.events import KINDS, Kind
from calibration.times import COUNTS
from twin.errors import ScenarioError
from twin.files import read_text
from twin.names import nearest
from twin.problems import report
from twin.schema import Model
from twin.schema.base import param
from twin.validate import translate
from twin.yaml_text import parse

MAPPED = (
    "event_id", "source", "device", "site", "seq", "event_time", "ingest_time", "kind", "item",
    "lot", "partner", "qty", "unit", "value", "quality",
)  # fmt: skip
"""Fields that a column may fill."""


class TimeRule(Model):
    """How times are written."""

    format: str = param(
        "iso", "iso, s, ms or us (counts since 1970), or a pattern such as %d.%m.%Y %H:%M"
    )
    zone: str | None = param(None, "zone of times that do not say theirs, such as Europe/Berlin")

    @field_validator("format")
    @classmethod
    def _known_format(cls, given: str) -> str:
        if given != "iso" and given not in COUNTS and "%" not in given:
            msg = f"= '{given}'; must be iso, {', '.join(COUNTS)} or a pattern such as %d.%m.%Y"
            raise ValueError(msg)
        return given

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, given: str | None) -> str | None:
        try:
            ZoneInfo(given or "UTC")
        except (KeyError, ValueError, OSError) as error:
            msg = f"= '{given}'; no such zone, give one such as Europe/Berlin or UTC"
            raise ValueError(msg) from error
        return given


class UnitRule(Model):
    """What one of the file's units is in ours."""

    unit: str = param(..., "our unit")
    factor: float = param(..., "how many of ours one of theirs is", gt=0)


class Part(Model):
    """Where the fields of one event stand in a row."""

    columns: dict[str, str] = param(dict, "column of each field")
    constants: dict[str, str | float] = param(dict, "fields that are the same in all rows")
    totals: bool = param(False, "does a row stand for all of its period (daily totals)?")

    @model_validator(mode="after")
    def _known_fields(self) -> Part:
        for name in (*self.columns, *self.constants):
            if name not in MAPPED:
                msg = f"'{name}' is no field of an event; {nearest(name, MAPPED)}"
                raise ValueError(msg)
        if both := sorted(set(self.columns) & set(self.constants)):
            msg = f"'{both[0]}' is both a column and a constant; keep one"
            raise ValueError(msg)
        kind = self.constants.get("kind", KINDS[0])
        if kind not in KINDS:
            msg = f"constants: kind = '{kind}'; {nearest(str(kind), KINDS)}"
            raise ValueError(msg)
        return self


class Map(Part):
    """Where the fields of the events stand in a file, and how its words and numbers are written."""

    source: str | None = param(None, "system that the file comes from (default: the file's name)")
    kinds: dict[str, Kind] = param(dict, "their words for what happened: ours")
    sites: dict[str, str] = param(dict, "their names of sites and partners: ours")
    items: dict[str, str] = param(dict, "their names of items: ours")
    units: dict[str, UnitRule] = param(dict, "their units: ours, with a factor")
    time: TimeRule = param(lambda: TimeRule(), "how times are written")
    decimal: Literal[".", ","] = param(".", "decimal mark")
    delimiter: str | None = Field(
        None, min_length=1, max_length=1, description="between cells of a CSV file (default: seen)"
    )
    id: list[str] | Literal["row"] | None = param(
        None,
        "columns that together name a row, or 'row': its number; default: a hash of its content, "
        "so that two rows of the same text are one event",
    )
    more: list[Part] = param(list, "further events of the same row; other fields as above")

    @model_validator(mode="after")
    def _one_id(self) -> Map:
        if self.id is not None and "event_id" in (*self.columns, *self.constants):
            msg = "'id' and a column for event_id; keep one"
            raise ValueError(msg)
        return self

    def parts(self) -> list[Part]:
        """Return each event of a row with all its fields."""
        found = [Part(columns=self.columns, constants=self.constants, totals=self.totals)]
        for part in self.more:
            mine = {*part.columns, *part.constants}
            found.append(Part(
                columns={k: v for k, v in self.columns.items() if k not in mine} | part.columns,
                constants={k: v for k, v in self.constants.items() if k not in mine}
                | part.constants,
                totals=part.totals or self.totals,
            ))  # fmt: skip
        return found

    def needs(self) -> list[str]:
        """Return the columns that a file must have."""
        named = [column for part in self.parts() for column in part.columns.values()]
        return list(dict.fromkeys([*named, *(self.id if isinstance(self.id, list) else [])]))


def load_map(path: str | Path) -> Map:
    """Return the map of a YAML or JSON file.

    Raises
    ------
    TelemetryError
        If it cannot be read or says what a map cannot; lists all problems with their lines.
    """
    file = Path(path)
    try:
        data, places = parse(
            read_text(file, if_empty="write which column is which field"), str(file)
        )
        try:
            return Map.model_validate(data)
        except ValidationError as error:
            report(translate(error, data, Map), places)
            raise
    except ScenarioError as error:
        raise TelemetryError(str(error)) from error
