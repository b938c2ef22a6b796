"""Long lists of a scenario as tables: CSV files or sheets of an Excel workbook.

``lanes: {table: lanes.csv}`` or ``lanes: {table: book.xlsx, sheet: lanes}`` stands for the list;
``values: {table: sales.csv, column: units, where: {item: a}}`` for one list of numbers. Files are
named relative to the scenario file and lie in its folder.

* One row is one entry, one column one key; nested keys have dots (``lead_time.mean``).
* An empty cell leaves the key out.
* Lists are separated by ``|`` (``a|b``), mappings written ``a:0.5|b:0.5``.
* ``inputs`` of production: ``wood:2|glue:0.1`` (item, usage), or one row per component with the
  columns ``component``, ``usage`` and ``usage_unit``; rows of one site and item belong together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from twin.errors import ScenarioError
from twin.names import nearest
from twin.problems import Path, Places, show
from twin.schema import Model, Scenario
from twin.schema_walk import declared, element, is_text, keys_of, model_in, takes
from twin.table_files import Table, read_table
from twin.yaml_text import scalar

SECTIONS = {
    key
    for key, f in keys_of(Scenario).items()
    if model_in(f.annotation) and takes(f.annotation, list)
}
"""Top-level lists that may be tables."""

_Read = dict[tuple[FilePath, str | None], Table]
BOM = {"component": "item", "usage": "usage", "usage_unit": "unit"}
"""Columns of a bill of material in rows, and the keys of ``inputs`` they stand for."""


def expand(data: object, places: Places, folder: FilePath | None) -> None:
    """Put the contents of all tables in their places, in the data of a scenario.

    Parameters
    ----------
    data
        Plain data of a scenario; changed in place.
    places
        Learns the row of each entry.
    folder
        Folder of the scenario file; none for a text without a file.

    Raises
    ------
    ScenarioError
        If a table is missing, outside the folder, or has a wrong column or row.
    """
    if not isinstance(data, dict):
        return
    read: _Read = {}
    for key, value in data.items():
        if key in SECTIONS and isinstance(value, dict) and "table" in value:
            _check_keys(value, (key,), places, {"table", "sheet"})
            table = _open(value, (key,), places, folder, read)
            data[key] = entries(table, key, places)
    for path, holder in list(_value_tables(data)):
        given = holder["values"]
        at = (*path, "values")
        _check_keys(given, at, places, {"table", "sheet", "column", "where"})
        table = _open(given, at, places, folder, read)
        holder["values"] = _values(table, given, places.of(at))


def _value_tables(data: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield each mapping of the scenario whose ``values`` are a table."""
    todo: list[tuple[Path, Any]] = [((), data)]
    while todo:
        path, here = todo.pop()
        if isinstance(here, dict):
            if isinstance(here.get("values"), dict) and "table" in here["values"]:
                yield path, here
            todo.extend(((*path, k), v) for k, v in here.items() if isinstance(v, dict | list))
        else:
            todo.extend(((*path, n), v) for n, v in enumerate(here) if isinstance(v, dict | list))


def _check_keys(given: Mapping[str, Any], path: Path, places: Places, keys: set[str]) -> None:
    for key in given:
        if key not in keys:
            msg = f"{places.of(path)}: unknown key '{key}' beside 'table'; {nearest(key, keys)}"
            raise ScenarioError(msg)


def _open(
    given: Mapping[str, Any], path: Path, places: Places, folder: FilePath | None, read: _Read
) -> Table:
    """Read the table that a mapping names, once, if its file lies in the scenario's folder."""
    place, name = places.of(path), given["table"]
    if folder is None:
        msg = (
            f"{place}: table {show(name)} needs a scenario file to lie beside; save the text first"
        )
        raise ScenarioError(msg)
    if not isinstance(name, str) or "\0" in name:
        msg = f"{place}: table = {show(name)}; must be a file name such as lanes.csv"
        raise ScenarioError(msg)
    file = folder / name
    inside = (
        not FilePath(name).is_absolute() and ".." not in FilePath(name.replace("\\", "/")).parts
    )
    if not inside or not file.resolve().is_relative_to(folder.resolve()):
        msg = (
            f"{place}: table '{name}' lies outside the scenario's folder; copy it beside the "
            "scenario file and name it without '..' or a leading '/'"
        )
        raise ScenarioError(msg)
    sheet = None if given.get("sheet") is None else str(given["sheet"])
    try:
        if (file, sheet) not in read:
            read[file, sheet] = read_table(file, sheet, name)
        return read[file, sheet]
    except ScenarioError as error:
        msg = f"{place}: {error}"
        raise ScenarioError(msg) from error


def _values(table: Table, given: Mapping[str, Any], place: str) -> list[Any]:
    """Return one column of a table, of the rows that fit."""
    where = given.get("where") or {}
    if not isinstance(where, Mapping):
        msg = f"{place}: where = {show(where)}; must be a mapping of columns to values"
        raise ScenarioError(msg)
    if not isinstance(given.get("column"), str):
        msg = f"{place}: 'column' is missing beside 'table'; {nearest('', table.columns)}"
        raise ScenarioError(msg)
    for column in (given["column"], *where):
        if column not in table.columns:
            msg = (
                f"{place}: {table.name} has no column '{column}'; {nearest(column, table.columns)}"
            )
            raise ScenarioError(msg)
    at = table.columns.index(given["column"])
    wanted = [(table.columns.index(c), str(v)) for c, v in where.items()]
    found = []
    for number, cells in table.rows:
        full = cells + [None] * (len(table.columns) - len(cells))
        if any(str(full[n]) != v for n, v in wanted):
            continue
        value = scalar(full[at]) if isinstance(full[at], str) else full[at]
        if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
            msg = (
                f"{place}: {table.name}, row {number}, column '{given['column']}' = "
                f"{show(full[at])}; must be a finite number"
            )
            raise ScenarioError(msg)
        found.append(value)
    if not found:
        msg = f"{place}: no row of {table.name} fits where = {dict(where)}; check the values"
        raise ScenarioError(msg)
    return found


def entries(table: Table, section: str, places: Places) -> list[dict[str, Any]]:
    """Return the rows of a table as entries of a section.

    Parameters
    ----------
    table
        The cells.
    section
        Top-level key of a scenario: ``sites``, ``lanes``, ``demand`` ...
    places
        Learns the row of each entry.

    Raises
    ------
    ScenarioError
        If a column is unknown.
    """
    _check_columns(table, section)
    out: list[dict[str, Any]] = []
    made: dict[tuple[Any, Any], int] = {}
    for number, cells in table.rows:
        entry, component = _entry(table, section, cells)
        key = (entry.get("site"), entry.get("item"))
        if component and key in made:
            _add_component(out[made[key]], entry, component, f"{table.name}, row {number}")
        else:
            if component:
                made[key] = len(out)
                entry["inputs"] = [component]
            out.append(entry)
            places.rows[section, len(out) - 1] = (table.name, number)
        if component:
            position = len(out[made[key]]["inputs"]) - 1
            places.rows[section, made[key], "inputs", position] = (table.name, number)
    return out


def _entry(table: Table, section: str, cells: list[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return one row as an entry and, of a bill of material, its component."""
    entry: dict[str, Any] = {}
    component: dict[str, Any] = {}
    for column, cell in zip(table.columns, cells, strict=False):
        if cell is None or cell == "":
            continue
        if section == "production" and column in BOM:
            field = declared((section, "inputs", BOM[column]))[1]
            component[BOM[column]] = convert(cell, field.annotation)
            continue
        path = tuple(column.split("."))
        holder = entry
        for step in path[:-1]:
            holder = holder.setdefault(step, {})
        holder[path[-1]] = convert(cell, declared((section, *path))[1].annotation)
    return entry, component


def _add_component(
    made: dict[str, Any], entry: dict[str, Any], component: dict[str, Any], place: str
) -> None:
    """Add one more component; what the row says of the product itself must say the same."""
    for key, value in entry.items():
        if made.setdefault(key, value) != value:
            msg = (
                f"{place}, column '{key}' = {show(value)} differs from {show(made[key])} in an "
                "earlier row of the same product; say it once"
            )
            raise ScenarioError(msg)
    made["inputs"].append(component)


def _check_columns(table: Table, section: str) -> None:
    known = set(_columns((section,)))
    if section == "production":
        known |= set(BOM)
    for column in table.columns:
        if column not in known:
            msg = (
                f"{table.name}, row 1: unknown column '{column}' for {section}; "
                f"{nearest(column, known)}"
            )
            raise ScenarioError(msg)


def _columns(path: Path) -> Iterator[str]:
    """Yield every column name that a section may have."""
    model, _ = declared(path)
    assert model is not None
    for key, field in keys_of(model).items():
        nested = model_in(field.annotation)
        if nested is None or takes(field.annotation, list):
            yield key
            continue
        if "value" in nested.model_fields:  # a lead time: a number, or its keys
            yield key
        yield from (f"{key}.{rest}" for rest in _columns((*path, key)))


def convert(cell: Any, annotation: Any) -> Any:
    """Return what a cell says for a key of the given type; what does not fit stays as it is."""
    nested = model_in(annotation)
    if nested is not None and takes(annotation, list):
        return [_record(part, nested) for part in str(cell).split("|")]
    if takes(annotation, dict):
        pairs = (part.rpartition(":") for part in str(cell).split("|"))
        return {name.strip(): scalar(value.strip()) for name, _, value in pairs}
    several = takes(annotation, list) or takes(annotation, tuple)
    if several and ("|" in str(cell) or not _alone(annotation)):
        kind = list if takes(annotation, list) else tuple
        return [convert(p.strip(), element(annotation, kind)) for p in str(cell).split("|")]
    if is_text(annotation):
        return cell if isinstance(cell, bool) else str(cell)
    return scalar(cell) if isinstance(cell, str) else cell


def _alone(annotation: Any) -> bool:
    """Return whether a type that takes a list also takes one value alone."""
    return takes(annotation, str) or takes(annotation, float)


def _record(text: str, model: type[Model]) -> dict[str, Any]:
    """Return ``wood:2`` as the first two keys of a model."""
    keys = list(keys_of(model).items())
    parts = text.rsplit(":", 1)
    return {
        key: convert(part.strip(), field.annotation)
        for (key, field), part in zip(keys, parts, strict=False)
    }
