"""The JSON Schema that editors read."""

from __future__ import annotations

import json

import pytest

from twin.checks.behaviour import registry
from twin.json_schema import DRAFT, REGISTRIES, json_schema
from twin.load import shipped
from twin.schema import Scenario
from twin.schema_walk import keys_of
from twin.tables import SECTIONS
from twin.yaml_text import parse


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_key_of_a_scenario_is_described():
    schema = json_schema()
    assert schema["$schema"] == DRAFT
    assert set(schema["properties"]) == set(keys_of(Scenario))
    assert set(schema["required"]) == {"sites", "items", "demand"}
    assert all(p.get("description") for p in schema["properties"].values())


def test_references_lead_somewhere_and_the_schema_is_plain_json():
    schema = json_schema()
    found = set(references(schema))
    assert found <= {f"#/$defs/{name}" for name in schema["$defs"]}
    assert "#/$defs/Table" in found
    assert json.loads(json.dumps(schema, allow_nan=False)) == schema


@pytest.mark.parametrize("model", REGISTRIES)
def test_registered_kinds_are_the_allowed_words(model):
    kind = json_schema()["$defs"][model]["properties"]["kind"]
    assert kind["enum"] == list(registry(*REGISTRIES[model]))
    assert len(kind["enumDescriptions"]) == len(kind["enum"])


def test_lists_may_be_tables_and_lead_times_plain_numbers():
    schema = json_schema()
    for section in SECTIONS:
        assert {"$ref": "#/$defs/Table"} in schema["properties"][section]["anyOf"]
    number, mapping = schema["$defs"]["LeadTime"]["anyOf"]
    assert number == {"type": "integer", "minimum": 0, "maximum": 2000}
    assert {"$ref": "#/$defs/Column"} in mapping["properties"]["values"]["anyOf"]


def test_shipped_scenarios_obey_it_and_a_typing_error_does_not():
    import jsonschema

    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(validator.schema)
    for name, _, path in shipped():
        data, _ = parse(path.read_text(encoding="utf-8"), name)
        assert not list(validator.iter_errors(data)), name
        data["horizont"] = 3
        assert list(validator.iter_errors(data))
