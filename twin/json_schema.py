"""The schema of scenario files for editors: JSON Schema, draft 2020-12."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from twin.checks.behaviour import registry
from twin.schema import Scenario
from twin.tables import SECTIONS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
REGISTRIES = {
    "Policy": ("policies", "POLICIES"),
    "Forecast": ("forecasters", "FORECASTERS"),
    "Device": ("devices", "DEVICES"),
    "Disruption": ("disruptions", "DISRUPTIONS"),
}
_TABLE = {
    "type": "object",
    "description": "a CSV file or a sheet of a workbook beside the scenario file",
    "properties": {"table": {"type": "string"}, "sheet": {"type": "string"}},
    "required": ["table"],
    "additionalProperties": False,
}
_COLUMN = {
    "type": "object",
    "description": "one column of a table beside the scenario file",
    "properties": {
        "table": {"type": "string"},
        "sheet": {"type": "string"},
        "column": {"type": "string"},
        "where": {"type": "object"},
    },
    "required": ["table", "column"],
    "additionalProperties": False,
}


def json_schema() -> dict[str, Any]:
    """Return what a scenario file may contain, tables and registered kinds included."""
    schema: dict[str, Any] = {"$schema": DRAFT, **Scenario.model_json_schema(by_alias=True)}
    definitions = schema["$defs"]
    definitions["Table"], definitions["Column"] = copy.deepcopy(_TABLE), copy.deepcopy(_COLUMN)
    for section in SECTIONS:
        schema["properties"][section] = _or(schema["properties"][section], "Table")
    for holder in ("Demand", "LeadTime"):
        values = definitions[holder]["properties"]["values"]
        values["anyOf"].append({"$ref": "#/$defs/Column"})
    number = copy.deepcopy(definitions["LeadTime"]["properties"]["value"]["anyOf"][0])
    definitions["LeadTime"] = {
        "description": definitions["LeadTime"].get("description", ""),
        "anyOf": [number, {**definitions["LeadTime"]}],
    }
    for model, (module, name) in REGISTRIES.items():
        definitions[model]["properties"]["kind"].update(_kinds(registry(module, name)))
    return schema


def _or(wanted: Mapping[str, Any], definition: str) -> dict[str, Any]:
    """Allow a reference beside a list; what describes the key stays outside."""
    outside = {k: v for k, v in wanted.items() if k in ("description", "title", "unit", "default")}
    inside = {k: v for k, v in wanted.items() if k not in outside}
    return {**outside, "anyOf": [inside, {"$ref": f"#/$defs/{definition}"}]}


def _kinds(entries: Mapping[str, Any]) -> dict[str, Any]:
    """List registered names with their titles, the form that editors show."""
    return {"enum": list(entries), "enumDescriptions": [e.title for e in entries.values()]}
