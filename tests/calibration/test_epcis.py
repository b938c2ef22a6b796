"""EPCIS 2.0: every official example is taken, and what no event may say is refused (A12)."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import pytest

from calibration.adapters.epcis import class_of
from calibration.adapters.mapping import Map
from calibration.errors import TelemetryError
from calibration.ingest import ingest
from calibration.store import Store

DATA = Path(__file__).parents[3] / "shared" / "data" / "epcis2"
EXAMPLES = sorted((DATA / "examples").rglob("*.jsonld"))
needs_data = pytest.mark.skipif(not EXAMPLES, reason="the official examples are not here")
PLACE, OTHER = "urn:epc:id:sgln:0614141.00777.0", "urn:epc:id:sgln:4012345.00225.0"
EGGS = "urn:epc:class:lgtin:4012345.012345.998877"
EVENT = {
    "type": "ObjectEvent", "eventTime": "2026-01-05T12:00:00.000+01:00", "eventID": "urn:uuid:1",
    "eventTimeZoneOffset": "+01:00", "action": "OBSERVE", "bizStep": "shipping",
    "disposition": "in_transit", "readPoint": {"id": PLACE},
    "quantityList": [{"epcClass": EGGS, "quantity": 200, "uom": "KGM"}],
    "destinationList": [{"type": "location", "destination": OTHER}],
    "bizTransactionList": [{"type": "desadv", "bizTransaction": "urn:epcglobal:cbv:bt:1:2"}],
}  # fmt: skip


def document(*events):
    return {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument", "schemaVersion": "2.0",
        "creationDate": "2026-01-06T00:00:00Z", "epcisBody": {"eventList": list(events)},
    }  # fmt: skip


def changed(**changes):
    """Return the event with other values; None takes a key out."""
    return {k: v for k, v in {**EVENT, **changes}.items() if v is not None}


def taken(tmp_path, content, rules=None, **read):
    (tmp_path / "a.jsonld").write_text(json.dumps(content))
    with Store(tmp_path / "a.db") as store:
        return ingest(tmp_path / "a.jsonld", store, rules), store.read(**read)


@needs_data
def test_all_official_examples_are_taken_whole(tmp_path):
    assert len(EXAMPLES) == 32
    with Store(tmp_path / "a.db") as store:
        reports = [ingest(file, store) for file in EXAMPLES]
        events = store.read(void=True)
    assert all(r.rows > 0 and r.rejected == 0 for r in reports)
    told = {one["eventID"] for file in EXAMPLES for one in _listed(file) if "eventID" in one}
    assert {name.split("#")[0] for name in events["event_id"]} >= told


@needs_data
@pytest.mark.parametrize("change", [
    {"eventTime": None}, {"type": None}, {"eventTimeZoneOffset": None}, {"action": "MOVE"},
])  # fmt: skip
def test_what_the_official_schema_refuses_is_rejected(change, tmp_path):
    schema = json.loads((DATA / "EPCIS-JSON-Schema.json").read_text())
    jsonschema.validate(document(EVENT), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document(changed(**change)), schema)
    report, events = taken(tmp_path, document(EVENT, changed(**change)))
    assert (report.accepted, report.rejected, len(events)) == (1, 1, 1)


@needs_data
def test_every_official_example_is_valid_by_the_official_schema():
    schema = json.loads((DATA / "EPCIS-JSON-Schema.json").read_text())
    check = jsonschema.Draft7Validator(schema)
    assert [f.name for f in EXAMPLES if not check.is_valid(json.loads(f.read_text()))] == []


@pytest.mark.parametrize(("change", "reason"), [
    ({"eventTime": "yesterday"}, "eventTime: no time such as"),
    ({"eventTime": "2026-01-05T12:00:00"}, "eventTime: the time has no zone"),
    ({"eventTime": "2026-02-30T12:00:00Z"}, "eventTime: the time cannot be read"),
    ({"eventTimeZoneOffset": "+25:00"}, "eventTimeZoneOffset: "),
    ({"bizStep": "shippng"}, "bizStep: no word of CBV 2.0; did you mean 'shipping'"),
    ({"bizStep": "https://ref.gs1.org/cbv/BizStep-flying"}, "bizStep: no word of CBV 2.0"),
    ({"disposition": "lost"}, "disposition: no word of CBV 2.0"),
    ({"bizstep": "shipping"}, "event: unknown key"),
    ({"quantityList": [{"epcClass": EGGS, "quantity": "200"}]}, "quantityList.quantity: "),
    ({"quantityList": None}, "event: an ObjectEvent needs"),
    ({"type": "TransformationEvent", "action": None, "quantityList": None}, "event: a Transf"),
    ({"readPoint": None, "destinationList": None}, "site: neither"),
])  # fmt: skip
def test_what_the_official_schema_misses_is_rejected_too(change, reason, tmp_path):
    report, events = taken(tmp_path, document(changed(**change), changed(eventID="urn:uuid:2")))
    assert (report.accepted, report.rejected, len(events)) == (1, 1, 1)
    assert next(iter(report.reasons)).startswith(reason)


@pytest.mark.parametrize("step", [
    "shipping", "cbv:BizStep-shipping", "https://ref.gs1.org/cbv/BizStep-shipping",
    "urn:epcglobal:cbv:bizstep:shipping",
])  # fmt: skip
def test_words_of_the_vocabulary_are_known_however_they_are_spelt(step, tmp_path):
    _, events = taken(tmp_path, [changed(bizStep=step)])
    assert list(events["kind"]) == ["ship"]
    _, events = taken(tmp_path, changed(bizStep="https://us.example/sail", eventID="urn:uuid:3"))
    assert set(events["kind"]) == {"ship", "status"}  # a word of one's own passes


@pytest.mark.parametrize("epcs", [
    ("urn:epc:idpat:sgtin:4012345.066666.*", "https://id.gs1.org/01/04012345666663"),
    ("urn:epc:class:lgtin:0614141.077777.987", "https://id.gs1.org/01/00614141777778/10/987"),
])  # fmt: skip
def test_urn_and_digital_link_name_the_same_item(epcs):
    # the pairs stand in the official examples, the check digits by GS1's own hand
    assert class_of(epcs[0]) == class_of(epcs[1])


def test_a_shipment_becomes_one_with_lot_partner_and_our_names_and_units(tmp_path):
    rules = Map.model_validate({
        "source": "eu", "sites": {PLACE: "dc", OTHER: "shop"},
        "items": {"gtin:04012345123456": "eggs"}, "units": {"KGM": {"unit": "g", "factor": 1000}},
    })  # fmt: skip
    _, events = taken(tmp_path, document(EVENT), rules)
    names = ["source", "kind", "site", "partner", "item", "lot", "qty", "unit"]
    assert list(events.loc[0, names]) == [
        "eu", "ship", "dc", "shop", "eggs", "urn:epcglobal:cbv:bt:1:2", 200_000.0, "g"
    ]  # fmt: skip


def test_goods_made_counted_sold_and_ordered_become_events_of_their_kinds(tmp_path):
    made = changed(type="TransformationEvent", action=None, quantityList=None, bizStep=None,
                   inputQuantityList=[{"epcClass": "urn:x:flour", "quantity": 10}],
                   outputQuantityList=[{"epcClass": "urn:x:bread", "quantity": 9}])  # fmt: skip
    po = [{"type": "po", "bizTransaction": "urn:x:po1"}]
    ordered = changed(type="TransactionEvent", bizStep=None, action="ADD", eventID="urn:uuid:2",
                      bizTransactionList=po)  # fmt: skip
    sold = changed(bizStep="retail_selling", eventID="urn:uuid:3")
    counted = changed(bizStep="cycle_counting", eventID="urn:uuid:4")
    _, events = taken(tmp_path, [made, ordered, sold, counted])
    found = set(zip(events["kind"], events["item"], events["qty"], events["quality"], strict=True))
    eggs = "gtin:04012345123456"
    assert found == {
        ("make", "urn:x:bread", 9.0, ""), ("ship", "urn:x:flour", 10.0, "input"),
        ("order", eggs, 200.0, ""), ("order", eggs, 200.0, "sale"), ("ship", eggs, 200.0, ""),
        ("count", eggs, 200.0, ""),
    }  # fmt: skip
    assert list(events.loc[events["kind"] == "make", "value"]) == [10.0]


def test_sensor_reports_become_readings_at_their_own_times(tmp_path):
    report = {"type": "Temperature", "value": 4.5, "uom": "CEL", "deviceID": "urn:x:1"}
    element = {"sensorMetadata": {"time": "2026-01-05T10:00:00Z"}, "sensorReport": [report]}
    _, events = taken(tmp_path, changed(quantityList=None, sensorElementList=[element]))
    assert list(events["kind"]) == ["sense"]
    assert list(events.loc[0, ["device", "value", "unit", "event_time"]]) == [
        "urn:x:1#Temperature", 4.5, "CEL", 1767607200000000
    ]  # fmt: skip


def test_an_error_declaration_takes_the_event_back(tmp_path):
    wrong = {"declarationTime": "2026-01-07T00:00:00Z", "reason": "did_not_occur"}
    back = copy.deepcopy(EVENT) | {"errorDeclaration": wrong}
    report, events = taken(tmp_path, [back, EVENT, changed(eventID="urn:uuid:2")])
    assert report.accepted == 3
    assert list(events["event_id"]) == ["urn:uuid:2"]
    nameless = changed(eventID=None)
    _, events = taken(tmp_path, [nameless, nameless | {"errorDeclaration": wrong}])
    assert list(events["event_id"]) == ["urn:uuid:2"]


@pytest.mark.parametrize("text", [json.dumps(EVENT)[:-5], "5", '{"epcisBody": {}}', "[" * 10**6])
def test_a_file_that_is_cut_off_or_no_epcis_is_refused_whole(text, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with Store(tmp_path / "a.db") as store, pytest.raises(TelemetryError, match=r"a\.json: no "):
        ingest(tmp_path / "a.json", store)


def _listed(file):
    body = json.loads(file.read_text())["epcisBody"]
    return (
        body["eventList"]
        if "eventList" in body
        else body["queryResults"]["resultsBody"]["eventList"]
    )
