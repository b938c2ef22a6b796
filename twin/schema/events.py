"""What happens at a time: disruptions and moves of the decoupling point."""

from __future__ import annotations

from pydantic import Field

from twin.schema.base import Model, Name, Pattern, param
from twin.schema.behaviour import Where


class Disruption(Model):
    """Something that happens at a time to sites, lanes, stock, demand or devices.

    Full effect during ``[start, start + duration)``, then a linear recovery over ``ramp`` periods.
    """

    kind: str = param(..., "one of the registered disruption kinds")
    name: Name | None = param(None, "name (needed to chain another disruption to it)")
    start: int = param(
        0,
        "first period (after the end of 'after', if given)",
        unit="periods",
        ge=0,
        le=100_000,
        slider=(0, 365),
    )
    duration: int = param(
        1, "periods of full effect", unit="periods", ge=0, le=100_000, slider=(1, 180)
    )
    ramp: int = param(
        0, "periods of linear recovery", unit="periods", ge=0, le=10_000, slider=(0, 90)
    )
    severity: float = param(
        1.0, "share affected (of capacity, stock ...)", unit="share", ge=0, le=1, slider=(0, 1)
    )
    factor: float | None = param(
        None, "multiplier (of lead time, demand, record)", ge=0, le=100, slider=(0, 5)
    )
    where: Where = param(lambda: Where(), "stock points or customers hit (empty: all)")
    lane: Pattern | None = param(None, "lanes hit, as 'from->to' patterns")
    resource: Pattern | None = param(None, "shared resources hit")
    family: Name | None = param(None, "family whose mix shifts")
    shares: dict[str, float] | None = param(None, "new mix shares by item; they sum to 1")
    probability: float = param(
        1.0, "chance that it happens at all", unit="share", ge=0, le=1, slider=(0, 1)
    )
    after: Name | None = param(None, "happens only if, and counts from the end of, this one")


class Move(Model):
    """A move of a family's decoupling point during the run."""

    family: Name = param(..., "product family")
    at: int = param(
        ..., "period of the decision (the move follows the family's notice)", unit="periods", ge=0
    )
    to: str | list[str] = Field(
        description="new decoupling point, as in the family", json_schema_extra={"unit": ""}
    )
