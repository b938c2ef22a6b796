"""A first scenario: a commented starter file, or one made of a planner's own tables.

Tables of :func:`from_tables`, each a CSV file or a sheet of one workbook, by name (``*`` needed):

=========== ====================================== ===============================================
table       needed columns                         more columns
=========== ====================================== ===============================================
sites *     name                                   kind, stage, owner, position
items *     name                                   family, unit, value, price, shelf_life
demand *    site, item                             kind, mean, sd, cv, variance_to_mean, ...
lanes       from, to, lead_time                    items, information_delay, cost_per_unit, ...
bom         site, item                             component, usage, usage_unit, lead_time, ...
purchases   site, item, lead_time                  supplier, price, order_min, order_multiple, ...
families    name                                   decoupling_point, tolerance, ramp, ...
stock       where.site, where.item ...             policy.kind, policy.level, initial_stock, ...
sourcing    site, shares or priority               item, fallback
resources   name, site, capacity
=========== ====================================== ===============================================

Any key of the schema is a column; :mod:`twin.tables` says how nested keys and lists are written.
A ``bom`` has one row per component, or one row without a component for what is made from nothing.
Families named by items need no table of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twin.check import check
from twin.errors import ScenarioError
from twin.names import nearest
from twin.problems import Places
from twin.schema import Scenario
from twin.schema_walk import declared, keys_of
from twin.table_files import Table, read_table, sheet_names
from twin.tables import SECTIONS, entries
from twin.validate import validate

NEEDED = ("sites", "items", "demand")

_TEMPLATE = """\
# A small push-pull chain to start from: change it, then run it again.
# Every key has a default; what is left out here keeps it. Rates are per period.
#? name title horizon warmup seed replications
name: starter
title: Two components, one product, two markets
horizon: 365
warmup: 60
seed: 1
replications: 32

# What one period is.
#? calendar.start calendar.period calendar.currency
calendar: {start: 2026-01-01, period: day, currency: EUR}

# The columns of the network, source to sink: the positions that the decoupling point can take.
stages: [parts, factory, dc, market]

# Places.
#? sites.name sites.kind sites.stage
sites:
  - {name: parts_maker, kind: supplier, stage: parts}
  - {name: factory, kind: plant, stage: factory}
  - {name: dc, kind: warehouse, stage: dc}
  - {name: north, kind: market, stage: market}
  - {name: south, kind: market, stage: market}

# Products and materials.
#? items.family items.unit items.value items.price
items:
  - {name: motor, value: 20}
  - {name: case, value: 5}
  - {name: pump, family: pumps, value: 40, price: 60}

# Above the decoupling point everyone works to a forecast (push), below it to orders (pull).
#? families.decoupling_point families.tolerance families.ramp
families:
  - {name: pumps, decoupling_point: dc, tolerance: 5, ramp: 14}

# What comes from outside, from suppliers who always have it.
#? purchases.supplier purchases.lead_time purchases.price
purchases:
  - {site: parts_maker, item: motor, supplier: foundry, lead_time: 20}
  - {site: parts_maker, item: case, supplier: moulder, lead_time: 10}

# Links between places; a lane carries all that its sender has and its receiver needs.
#? lanes.from lanes.to lanes.lead_time lanes.cost_per_unit
lanes:
  - {from: parts_maker, to: factory, lead_time: 5, cost_per_unit: 0.5}
  - {from: factory, to: dc, lead_time: {kind: gamma, mean: 4, cv: 0.3}, cost_per_unit: 1}
  - {from: dc, to: north, lead_time: 1}
  - {from: dc, to: south, lead_time: 2}

# What is made where, from what.
#? production.inputs production.lead_time production.capacity production.yield
production:
  - site: factory
    item: pump
    lead_time: 2
    capacity: 60
    inputs:
      - {item: motor, usage: 1}
      - {item: case, usage: 2}

# Rules for stock points by pattern; later rules win. Without one: base stock from a forecast.
#? stock.where stock.policy stock.forecast stock.initial_stock
stock:
  - where: {role: output}
    policy: {kind: base_stock, safety_factor: 1.645}
    forecast: {kind: moving_average, window: 28}
  - where: {site: parts_maker, item: case}
    policy: {kind: r_Q, lot: 500}

# Customers.
#? demand.kind demand.mean demand.unmet demand.patience demand.season
demand:
  - {site: north, item: pump, kind: poisson, mean: 20}
  - {site: south, item: pump, kind: negative_binomial, mean: 10, variance_to_mean: 3, patience: 14}

# What goes wrong, and when. Remove the marks in front to have it happen.
#? disruptions.kind disruptions.start disruptions.duration disruptions.severity disruptions.where
# disruptions:
#   - {kind: outage, where: {site: parts_maker}, start: 150, duration: 30}

# Money that is not a property of one site, item or lane.
#? costs.capital_rate
costs: {capital_rate: 0.2}
"""


def new_scenario_text() -> str:
    """Return a small scenario to start from; its comments are the schema's own words."""
    lines = []
    for line in _TEMPLATE.splitlines():
        if line.startswith("#? "):
            lines += [f"#   {_meaning(path)}" for path in line[3:].split()]
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def _meaning(dotted: str) -> str:
    """Return key, meaning, unit and default of a parameter in one line."""
    path = tuple(dotted.split("."))
    _, field = declared(path)
    extra = field.json_schema_extra or {}
    unit = f" [{extra['unit']}]" if extra.get("unit") else ""
    plain = isinstance(field.default, str | int | float) and field.default != ""
    default = f"; default {field.default}" if plain else ""
    return f"{path[-1]}: {field.description}{unit}{default}"


def from_tables(folder: str | Path, name: str | None = None) -> Scenario:
    """Return the scenario of a folder of CSV files, of a workbook, or of a folder with a workbook.

    Parameters
    ----------
    folder
        Where the tables of this module's table lie.
    name
        Name of the scenario (default: the folder's or the workbook's).

    Raises
    ------
    ScenarioError
        If a table or a column is missing or unknown, or a cell is wrong: with file, row and column.
    """
    source = Path(folder)
    tables = _tables(source)
    for needed in NEEDED:
        if needed not in tables:
            have = ", ".join("bom" if t == "production" else t for t in tables) or "no table"
            msg = f"{source}: table '{needed}' is missing (found {have}); add {needed}.csv"
            raise ScenarioError(msg)
    places = Places(str(source))
    data: dict[str, Any] = {"name": name or source.resolve().stem.replace(" ", "_")}
    for section, table in tables.items():
        data[section] = entries(table, section, places)
        _check_needed(section, table)
    named = dict.fromkeys(item["family"] for item in data["items"] if "family" in item)
    data.setdefault("families", [{"name": family} for family in named])
    scenario = validate(data, places)
    check(scenario, places)
    return scenario


def _tables(source: Path) -> dict[str, Table]:
    """Read every table of a folder or workbook, by section."""
    known = {*SECTIONS, "bom"} - {"production"}
    if source.is_dir():
        books = sorted(source.glob("*.xlsx"))
        found = {f.stem: (f, None) for f in sorted(source.glob("*.csv"))}
        if books and (found or len(books) > 1):
            both = ", ".join(p.name for p in [*books, *(f for f, _ in found.values())][:4])
            msg = f"{source}: {both}; keep either one workbook or CSV files in the folder"
            raise ScenarioError(msg)
        if not books:
            return _read(source, known, dict(found))
        source = books[0]
    return _read(source, known, {s: (source, s) for s in sheet_names(source)})


def _read(
    source: Path, known: set[str], found: dict[str, tuple[Path, str | None]]
) -> dict[str, Table]:
    tables = {}
    for name, (file, sheet) in found.items():
        if name not in known:
            msg = f"{source}: table '{name}' is none of a scenario's; {nearest(name, known)}"
            raise ScenarioError(msg)
        tables["production" if name == "bom" else name] = read_table(file, sheet)
    return tables


def _check_needed(section: str, table: Table) -> None:
    """Require the columns without which no row can be right."""
    model, _ = declared((section,))
    assert model is not None
    for key, field in keys_of(model).items():
        found = any(c == key or c.startswith(f"{key}.") for c in table.columns)
        if field.is_required() and not found:
            msg = (
                f"{table.name}, row 1: column '{key}' is missing ({field.description}); "
                f"found {', '.join(table.columns)}"
            )
            raise ScenarioError(msg)
