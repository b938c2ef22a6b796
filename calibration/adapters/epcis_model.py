"""EPCIS 2.0 events as typed models of our own, stricter than the official JSON schema.

The schema lets ``eventTime: "yesterday"`` and any ``bizStep`` with a colon pass; here times must be
times with an offset, and words of the Core Business Vocabulary (CBV 2.0) are checked however they
are spelt (``shipping``, ``cbv:BizStep-shipping``, GS1's web or URN form). Words under other hosts
are a user's own vocabulary and pass, as do extensions; a bare key that no event has is an error.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    model_validator,
)

from calibration.times import from_iso
from twin.names import nearest


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BIZ_STEPS = _words(
    "accepting arriving assembling collecting commissioning consigning creating_class_instance "
    "cycle_counting decommissioning departing destroying disassembling dispensing encoding "
    "entering_exiting holding inspecting installing killing loading other packing picking "
    "receiving removing repackaging repairing replacing reserving retail_selling sampling "
    "sensor_reporting shipping staging_outbound stock_taking stocking storing transporting "
    "unloading unpacking void_shipping"
)
"""Business steps of CBV 2.0, section 7.1."""

DISPOSITIONS = _words(
    "active available completeness_inferred completeness_verified conformant container_closed "
    "container_open damaged destroyed dispensed disposed encoded expired in_progress in_transit "
    "inactive mismatch_class mismatch_instance mismatch_quantity needs_replacement "
    "no_pedigree_match non_conformant non_sellable_other partially_dispensed recalled reserved "
    "retail_sold returned sellable_accessible sellable_not_accessible stolen unavailable "
    "unknown"
)
"""Dispositions of CBV 2.0, section 7.2."""

ERROR_REASONS = frozenset(("did_not_occur", "incorrect_data"))
PARTY_TYPES = frozenset(("owning_party", "possessing_party", "location"))
TRANSACTION_TYPES = _words(
    "bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt"
)

_OF_GS1 = re.compile(
    r"(?:cbv:|https?://(?:ref\.gs1\.org/cbv/|ns\.gs1\.org/(?:cbv/|voc/)))(?:[A-Za-z]+-)?"
    r"|urn:epcglobal:cbv:[a-z]+:"
)
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?")
_OFFSET = r"^[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00)$"


def _moment(given: object) -> int:
    if not isinstance(given, str) or not _STAMP.fullmatch(given):
        msg = "no time such as 2026-01-31T14:00:00.000+01:00"
        raise ValueError(msg)
    return from_iso(given)


def _word(allowed: frozenset[str]) -> Any:
    """Return a check that spells words of a GS1 vocabulary plainly and lets others' URIs pass."""

    def check(given: str) -> str:
        plain = _OF_GS1.sub("", given, count=1) if _OF_GS1.match(given) else given
        if plain in allowed or (plain == given and ":" in given):
            return plain
        msg = f"no word of CBV 2.0; {nearest(plain, allowed)}"
        raise ValueError(msg)

    return AfterValidator(check)


Moment = Annotated[int, BeforeValidator(_moment)]
Action = Literal["OBSERVE", "ADD", "DELETE"]
Step = Annotated[str, _word(BIZ_STEPS)]
Disposition = Annotated[str, _word(DISPOSITIONS)]
Uri = Annotated[str, Field(min_length=1, max_length=2000)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, given: object) -> object:
        if isinstance(given, dict):
            for key in given:
                if key not in cls.model_fields and ":" not in key and not key.startswith("@"):
                    msg = f"unknown key '{key}'; {nearest(key, cls.model_fields)}"
                    raise ValueError(msg)
        return given


class Place(_Model):
    """A read point or business location."""

    id: Uri


class Quantity(_Model):
    """An amount of a class of goods; no amount means it is not known."""

    epcClass: Uri
    quantity: float | None = None
    uom: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,3}$")] = ""


class Transaction(_Model):
    """A document that the event belongs to."""

    type: Annotated[str, _word(TRANSACTION_TYPES)] = ""
    bizTransaction: Uri


class Source(_Model):
    """Where goods come from."""

    type: Annotated[str, _word(PARTY_TYPES)]
    source: Uri


class Destination(_Model):
    """Where goods go."""

    type: Annotated[str, _word(PARTY_TYPES)]
    destination: Uri


class SensorMetadata(_Model):
    """What all reports of a sensor element share."""

    time: Moment | None = None
    startTime: Moment | None = None
    endTime: Moment | None = None
    deviceID: str = ""
    deviceMetadata: str = ""
    rawData: str = ""
    dataProcessingMethod: str = ""
    bizRules: str = ""


class SensorReport(_Model):
    """One reading."""

    type: Uri
    exception: str = ""
    deviceID: str = ""
    deviceMetadata: str = ""
    rawData: str = ""
    dataProcessingMethod: str = ""
    bizRules: str = ""
    time: Moment | None = None
    microorganism: str = ""
    chemicalSubstance: str = ""
    coordinateReferenceSystem: str = ""
    component: str = ""
    value: float | None = None
    stringValue: str = ""
    booleanValue: bool | None = None
    hexBinaryValue: Annotated[str, Field(pattern=r"^[A-Fa-f0-9]*$")] = ""
    uriValue: str = ""
    minValue: float | None = None
    maxValue: float | None = None
    meanValue: float | None = None
    sDev: float | None = None
    percRank: float | None = None
    percValue: float | None = None
    uom: str = ""

    def number(self) -> float | None:
        """Return the reading as a number: the value, else the mean, else yes or no as 1 or 0."""
        if self.value is not None or self.meanValue is not None:
            return self.value if self.value is not None else self.meanValue
        return None if self.booleanValue is None else float(self.booleanValue)


class SensorElement(_Model):
    """Readings taken together."""

    sensorMetadata: SensorMetadata = Field(default_factory=SensorMetadata)
    sensorReport: list[SensorReport]


class ErrorDeclaration(_Model):
    """Says that the event of this id was wrong."""

    declarationTime: Moment
    reason: Annotated[str, _word(ERROR_REASONS)] = ""
    correctiveEventIDs: list[str] = Field(default_factory=list)


class PersistentDisposition(_Model):
    """Dispositions that last beyond the event."""

    set: list[Disposition] = Field(default_factory=list)
    unset: list[Disposition] = Field(default_factory=list)


class Event(_Model):
    """What events of all types have."""

    eventTime: Moment
    eventTimeZoneOffset: Annotated[str, Field(pattern=_OFFSET)]
    recordTime: Moment | None = None
    eventID: Uri | None = None
    certificationInfo: str | list[str] = ""
    errorDeclaration: ErrorDeclaration | None = None
    bizStep: Step = ""
    disposition: Disposition = ""
    persistentDisposition: PersistentDisposition | None = None
    readPoint: Place | None = None
    bizLocation: Place | None = None
    bizTransactionList: list[Transaction] = Field(default_factory=list)
    sourceList: list[Source] = Field(default_factory=list)
    destinationList: list[Destination] = Field(default_factory=list)
    sensorElementList: list[SensorElement] = Field(default_factory=list)


class ObjectEvent(Event):
    """Something happened to objects or to amounts of goods."""

    type: Literal["ObjectEvent"]
    action: Action
    epcList: list[str] | None = None
    quantityList: list[Quantity] = Field(default_factory=list)
    ilmd: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _about_something(self) -> ObjectEvent:
        if self.epcList is None and not self.quantityList and not self.sensorElementList:
            msg = "an ObjectEvent needs epcList, quantityList or sensorElementList"
            raise ValueError(msg)
        return self


class _Children(Event):
    action: Action
    parentID: Uri | None = None
    childEPCs: list[str] = Field(default_factory=list)
    childQuantityList: list[Quantity] = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_children(self) -> _Children:
        if self.action != "DELETE" and not self.childEPCs and not self.childQuantityList:
            msg = "childEPCs or childQuantityList is needed unless the action is DELETE"
            raise ValueError(msg)
        return self


class AggregationEvent(_Children):
    """Objects were put into or taken out of a parent."""

    type: Literal["AggregationEvent"]


class AssociationEvent(_Children):
    """Objects, such as sensors, were attached to or taken off a parent."""

    type: Literal["AssociationEvent"]
    parentID: Uri


class TransactionEvent(Event):
    """Objects were linked to a document, such as an order."""

    type: Literal["TransactionEvent"]
    action: Action
    bizTransactionList: Annotated[list[Transaction], Field(min_length=1)]
    parentID: Uri | None = None
    epcList: list[str] | None = None
    quantityList: list[Quantity] = Field(default_factory=list)


class TransformationEvent(Event):
    """Inputs became outputs."""

    type: Literal["TransformationEvent"]
    inputEPCList: list[str] = Field(default_factory=list)
    inputQuantityList: list[Quantity] = Field(default_factory=list)
    outputEPCList: list[str] = Field(default_factory=list)
    outputQuantityList: list[Quantity] = Field(default_factory=list)
    transformationID: Uri | None = None
    ilmd: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> TransformationEvent:
        inputs = bool(self.inputEPCList or self.inputQuantityList)
        outputs = bool(self.outputEPCList or self.outputQuantityList)
        if not (inputs and outputs) and not (self.transformationID and (inputs or outputs)):
            msg = "a TransformationEvent needs inputs and outputs, or one and a transformationID"
            raise ValueError(msg)
        return self


AnyEvent = (
    ObjectEvent | AggregationEvent | AssociationEvent | TransactionEvent | TransformationEvent
)
EVENT: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="type")])
"""Checks one event of any type."""
