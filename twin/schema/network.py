"""Sites, items, families and what connects them: lanes, production, outside purchases."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from twin.schema.base import Model, Name, param

SiteKind = Literal["supplier", "plant", "warehouse", "store", "market"]
LeadTimeKind = Literal["constant", "discrete", "lognormal", "gamma", "empirical"]

MAX_LEAD_TIME = 2000


class LeadTime(Model):
    """Time on the way, in whole periods; a plain number means constant.

    Continuous kinds are rounded to the nearest whole period and cut at their 99.9 % quantile.
    """

    kind: LeadTimeKind = param("constant", "how the lead time varies")
    value: int | None = param(
        None, "constant lead time", unit="periods", ge=0, le=MAX_LEAD_TIME, slider=(0, 60)
    )
    mean: float | None = param(
        None, "mean of a lognormal or gamma lead time", unit="periods", gt=0, le=MAX_LEAD_TIME
    )
    cv: float | None = param(None, "standard deviation over mean", gt=0, le=5, slider=(0.05, 1.5))
    values: list[Annotated[int, Field(ge=0, le=MAX_LEAD_TIME)]] | None = param(
        None, "possible (discrete) or observed (empirical) lead times", unit="periods"
    )
    weights: list[Annotated[float, Field(ge=0)]] | None = param(
        None, "probabilities of the discrete values; must sum to 1"
    )

    @model_validator(mode="before")
    @classmethod
    def _number_is_constant(cls, given: object) -> object:
        if isinstance(given, bool):
            word = str(given).lower()
            msg = f"= {word}; must be a whole number of periods or a mapping (kind, mean, ...)"
            raise ValueError(msg)
        if isinstance(given, int | float):
            return {"kind": "constant", "value": given}
        return given

    @model_validator(mode="after")
    def _complete(self) -> LeadTime:
        needs = {
            "constant": ("value",),
            "discrete": ("values", "weights"),
            "lognormal": ("mean", "cv"),
            "gamma": ("mean", "cv"),
            "empirical": ("values",),
        }[self.kind]
        for name in ("value", "mean", "cv", "values", "weights"):
            given = getattr(self, name) is not None
            if given != (name in needs):
                verb, mend = ("has no use for", "remove") if given else ("needs", "add")
                takes = " and ".join(needs)
                msg = f"a {self.kind} lead time {verb} '{name}'; it takes {takes}, {mend} '{name}'"
                raise ValueError(msg)
        if self.values is not None and not self.values:
            msg = "values = []; give at least one lead time"
            raise ValueError(msg)
        if self.weights is not None:
            if len(self.weights) != len(self.values or []):
                many = len(self.weights), len(self.values or [])
                msg = f"{many[0]} weights for {many[1]} values; give one weight a value"
                raise ValueError(msg)
            if abs(sum(self.weights) - 1) > 1e-9:
                msg = f"weights sum to {sum(self.weights):g}; they must sum to 1"
                raise ValueError(msg)
        return self


class Site(Model):
    """A place with an owner: supplier, plant, warehouse, store or market."""

    name: Name = param(..., "unique name")
    kind: SiteKind = param("warehouse", "what the place is")
    stage: Name | None = param(None, "column of the network; positions of the decoupling point")
    owner: Name | None = param(None, "who decides and pays here (default: the site itself)")
    position: tuple[float, float] | None = param(None, "x, y on the drawing, 0 to 1")

    @property
    def who(self) -> str:
        """Name of the owner."""
        return self.owner or self.name


class Item(Model):
    """A product or material."""

    name: Name = param(..., "unique name")
    family: Name | None = param(None, "product family the item belongs to")
    unit: str = param("unit", "unit of measure of all its quantities")
    value: float = param(1.0, "cost value of one unit", unit="money/unit", ge=0, slider=(0, 500))
    price: float | None = param(
        None, "sales price (default: the value, so no margin)", unit="money/unit", ge=0
    )
    shelf_life: int | None = param(
        None, "periods at one stock point after which it is written off", unit="periods", ge=1
    )
    obsolescence: float = param(
        0.0, "value lost per year of storage", unit="share/year", ge=0, le=20, slider=(0, 1)
    )


class Family(Model):
    """A product family: the things that share one decoupling point."""

    name: Name = param(..., "unique name")
    decoupling_point: str | list[str] | None = param(
        None,
        "a stage, or for different depths per branch a list of stages and 'site/item' stock "
        "points; empty: every stock point follows its own policy",
    )
    tolerance: int = param(
        0, "waiting time the customer accepts", unit="periods", ge=0, le=1000, slider=(0, 60)
    )
    ramp: int = param(
        0, "periods over which new stock points fill up after a move", unit="periods", ge=0, le=1000
    )
    run_out: Literal["cancel", "keep"] = param(
        "cancel", "open orders of stock points that become order-driven: cancel what is unshipped"
    )
    move_cost: float = param(0.0, "one-off cost of moving the decoupling point", unit="money", ge=0)
    notice: int = param(
        0, "periods between the decision to move and the move", unit="periods", ge=0, le=1000
    )


class OrderLimits(Model):
    """Limits on one order; lots are rounded when ordering, never when making."""

    order_min: float = param(0.0, "smallest order", unit="units", ge=0)
    order_multiple: float = param(0.0, "orders are rounded up to multiples", unit="units", ge=0)
    order_max: float | None = param(None, "largest order", unit="units", gt=0)
    order_cost: float = param(
        0.0, "fixed cost of one order or set-up", unit="money", ge=0, slider=(0, 500)
    )


class PriceBreak(Model):
    """From ``quantity`` on, one unit costs ``price``."""

    quantity: float = param(..., "smallest quantity of this price", unit="units", ge=0)
    price: float = param(..., "price of one unit", unit="money/unit", ge=0)


class Lane(OrderLimits):
    """A directed site-to-site link: what flows, how long it takes, what it costs."""

    source: Name = Field(
        alias="from", description="site that ships", json_schema_extra={"unit": ""}
    )
    to: Name = param(..., "site that receives")
    items: str | list[str] = param("*", "items or families carried (names or patterns)")
    lead_time: LeadTime = param(..., "time on the way", unit="periods")
    information_delay: int = param(
        0, "periods until an order reaches the supplier", unit="periods", ge=0, le=200
    )
    dispatch_limit: float | None = param(
        None, "most units sent per period, all items together", unit="units/period", gt=0
    )
    cost_per_unit: float = param(0.0, "freight per unit", unit="money/unit", ge=0, slider=(0, 50))
    cost_per_dispatch: float = param(0.0, "fixed freight per dispatch", unit="money", ge=0)
    overtaking: bool = param(False, "may a later dispatch arrive earlier?")
    transit_holding_cost: float | None = param(
        None,
        "holding cost of goods on the way (default: the sender's own rate)",
        unit="money/unit/period",
        ge=0,
    )
    rank: int = param(0, "place in the sender's allocation order, smaller first", ge=0)

    @property
    def name(self) -> str:
        """``from->to``, the lane's name everywhere."""
        return f"{self.source}->{self.to}"


class Input(Model):
    """One component of a bill of material."""

    item: Name = param(..., "component")
    usage: float = param(1.0, "units of the component per unit made", unit="units/unit", gt=0)
    unit: str | None = param(None, "unit of the usage; must be the component's own unit")


class Production(OrderLimits):
    """Making an item at a site from components held there (none: made from nothing)."""

    site: Name = param(..., "where it is made")
    item: Name = param(..., "what is made")
    inputs: list[Input] = param(list, "bill of material")
    lead_time: LeadTime = param(lambda: LeadTime(value=0), "processing time", unit="periods")
    capacity: float | None = param(
        None, "most units started per period", unit="units/period", gt=0, slider=(0, 1000)
    )
    batch: float = param(0.0, "whole batches are started (0: any quantity)", unit="units", ge=0)
    yield_: float = Field(
        1.0,
        alias="yield",
        gt=0,
        le=1,
        description="good units per unit started",
        json_schema_extra={"unit": "share", "slider": [0.5, 1]},
    )
    wip_cap: float | None = param(
        None, "no release while work in progress is at the cap", unit="units", gt=0
    )
    resources: dict[str, float] = param(
        dict, "capacity used per unit started, by resource", unit="hours/unit"
    )
    rank: int = param(0, "place in its components' allocation order, smaller first", ge=0)


class Purchase(OrderLimits):
    """Buying an item from an outside supplier that always has it."""

    site: Name = param(..., "where it is received")
    item: Name = param(..., "what is bought")
    supplier: Name = param("outside", "name of the outside supplier")
    lead_time: LeadTime = param(..., "time until received", unit="periods")
    information_delay: int = param(
        0, "periods until an order reaches the supplier", unit="periods", ge=0, le=200
    )
    dispatch_limit: float | None = param(
        None, "most units the supplier sends per period", unit="units/period", gt=0
    )
    price: float | None = param(
        None, "price of one unit (default: the item's value)", unit="money/unit", ge=0
    )
    breaks: list[PriceBreak] = param(list, "price breaks, by order quantity")
    break_kind: Literal["all_units", "incremental"] = param(
        "all_units", "does a lower price hold for all units of the order or for those above?"
    )
    overtaking: bool = param(False, "may a later delivery arrive earlier?")


class Resource(Model):
    """Capacity that several products share, refilled each period."""

    name: Name = param(..., "unique name")
    site: Name = param(..., "where it is")
    capacity: float = param(..., "capacity per period", unit="hours/period", ge=0)


class Sourcing(Model):
    """How a stock point splits its orders over its sources.

    A source is a site (a lane), ``make`` (production) or the name of an outside supplier.
    """

    site: Name = param(..., "site that orders")
    item: str = param("*", "items it holds for (name or pattern)")
    shares: dict[str, float] | None = param(None, "share of each source; they sum to 1")
    priority: list[str] | None = param(
        None, "sources in order; the next one is used while the ones before are closed"
    )
    fallback: bool = param(False, "does the share of a closed source go to the others?")

    @model_validator(mode="after")
    def _one_rule(self) -> Sourcing:
        if (self.shares is None) == (self.priority is None):
            msg = "give either 'shares' or 'priority'"
            raise ValueError(msg)
        if self.shares is not None:
            if any(not 0 <= v <= 1 for v in self.shares.values()):
                msg = f"shares = {self.shares}; each must be from 0 to 1"
                raise ValueError(msg)
            if abs(sum(self.shares.values()) - 1) > 1e-9:
                msg = f"shares sum to {sum(self.shares.values()):g}; they must sum to 1"
                raise ValueError(msg)
        return self
