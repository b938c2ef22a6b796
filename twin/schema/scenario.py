"""The scenario: one frozen input of the twin, everything a run depends on."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any, Literal

from pydantic import field_validator, model_validator

from twin.schema.base import Model, Name, param
from twin.schema.behaviour import Demand, Device, StockRule
from twin.schema.events import Disruption, Move
from twin.schema.network import (
    Family,
    Item,
    Lane,
    Production,
    Purchase,
    Resource,
    Site,
    Sourcing,
)
from twin.schema.posterior import Posterior

PERIODS_PER_YEAR = {"day": 365, "week": 52}


class Calendar(Model):
    """What one period is."""

    start: dt.date = param(dt.date(2026, 1, 1), "date of period 0")
    period: Literal["day", "week"] = param("day", "length of one period")
    currency: str = param("EUR", "currency of all money")

    @property
    def periods_per_year(self) -> int:
        """365 days or 52 weeks."""
        return PERIODS_PER_YEAR[self.period]


class Costs(Model):
    """Money that is not a property of one site, item or lane."""

    capital_rate: float = param(
        0.2,
        "holding cost per year as a share of the item's value",
        unit="share/year",
        ge=0,
        le=10,
        slider=(0, 1),
    )
    receivable_days: float = param(0.0, "days until customers pay (DSO)", unit="days", ge=0)
    payable_days: float = param(0.0, "days until suppliers are paid (DPO)", unit="days", ge=0)


class Resilience(Model):
    """How performance loss is measured."""

    window: int = param(7, "periods of the moving fill rate w", unit="periods", ge=1, le=365)
    threshold: float = param(
        0.01, "loss of performance that counts as failing", unit="share", gt=0, lt=1
    )
    recovery: float | None = param(
        None,
        "performance at which a fall is over (default: 1 - threshold)",
        unit="share",
        gt=0,
        le=1,
    )

    @property
    def failure(self) -> float:
        """Performance below which the chain has failed."""
        return 1.0 - self.threshold

    @model_validator(mode="after")
    def _recovers_above_failure(self) -> Resilience:
        if self.recovery is not None and self.recovery < self.failure:
            msg = (
                f"recovery = {self.recovery:g}; a fall below 1 - threshold ({self.failure:g}) cannot "
                "be over at less: raise recovery or threshold"
            )
            raise ValueError(msg)
        return self


class Scenario(Model):
    """One frozen input: network, behaviour, customers, devices, events, horizon and seed."""

    name: Name = param("scenario", "short name")
    title: str = param("", "one line for people")
    description: str = param("", "what it shows and where its numbers come from")
    calendar: Calendar = param(lambda: Calendar(), "what one period is")
    horizon: int = param(
        365, "periods simulated", unit="periods", ge=1, le=200_000, slider=(30, 1095)
    )
    warmup: int = param(0, "first periods left out of all KPIs", unit="periods", ge=0)
    seed: int = param(1, "the luck", ge=0, le=2**63 - 1)
    replications: int = param(
        32, "draws of luck in a normal run", ge=1, le=1_000_000, slider=(1, 256)
    )
    integer: bool = param(False, "whole units only")
    stages: list[Name] = param(list, "columns of the network, source to sink")
    sites: list[Site] = param(..., "places")
    items: list[Item] = param(..., "products and materials")
    families: list[Family] = param(list, "product families")
    lanes: list[Lane] = param(list, "site-to-site links")
    production: list[Production] = param(list, "what is made where, from what")
    purchases: list[Purchase] = param(list, "what is bought from outside")
    resources: list[Resource] = param(list, "shared capacity")
    sourcing: list[Sourcing] = param(list, "shares or priorities over several sources")
    stock: list[StockRule] = param(list, "policies, opening stock and rates by pattern")
    demand: list[Demand] = param(..., "customers")
    devices: list[Device] = param(list, "devices by pattern")
    adoption: dict[str, float] = param(
        dict, "share of an owner's devices in use (0 none, 1 all), by owner; default 1"
    )
    disruptions: list[Disruption] = param(list, "what goes wrong, and when")
    moves: list[Move] = param(list, "moves of a decoupling point during the run")
    costs: Costs = param(lambda: Costs(), "general cost rates")
    resilience: Resilience = param(lambda: Resilience(), "how loss of performance is measured")
    posterior: Posterior = param(lambda: Posterior(), "what calibration is not sure of")

    @field_validator("adoption")
    @classmethod
    def _adoption_is_share(cls, given: dict[str, float]) -> dict[str, float]:
        for owner, share in given.items():
            if not 0 <= share <= 1:
                msg = f"'{owner}' has {share:g}; a share must be from 0 to 1"
                raise ValueError(msg)
        return given

    @model_validator(mode="after")
    def _warmup_inside(self) -> Scenario:
        if self.warmup >= self.horizon:
            msg = (
                f"warmup = {self.warmup} periods leaves nothing of horizon = {self.horizon}; "
                "make it smaller"
            )
            raise ValueError(msg)
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return plain data as in a scenario file, defaults left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def hash(self) -> str:
        """Return the content's SHA-256, 16 hex digits (names and texts included)."""
        text = json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def with_changes(self, **changes: Any) -> Scenario:
        """Return a validated copy with some top-level fields replaced.

        Parameters
        ----------
        **changes
            New values by field name, as in the scenario file.

        Raises
        ------
        pydantic.ValidationError
            If a value is not allowed.
        """
        data = self.model_dump(by_alias=True, exclude_unset=True)
        return type(self).model_validate({**data, **changes})
