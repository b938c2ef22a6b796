"""What stock points, customers and devices do: policies, forecasts, demand, devices."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from twin.schema.base import Model, Name, Pattern, param

AllocationRule = Literal["index", "priority", "proportional", "fair_share"]
DemandKind = Literal[
    "constant",
    "normal",
    "poisson",
    "negative_binomial",
    "intermittent",
    "lognormal",
    "gamma",
    "recorded",
]


class Where(Model):
    """A pattern over stock points: all given fields must match (shell-style wildcards)."""

    site: Pattern | None = param(None, "site names")
    kind: Pattern | None = param(None, "site kinds")
    stage: Pattern | None = param(None, "stages")
    owner: Pattern | None = param(None, "owners")
    item: Pattern | None = param(None, "item names")
    family: Pattern | None = param(None, "families")
    role: Pattern | None = param(
        None, "'component' (held for production at its site) or 'output' (everything else)"
    )

    def given(self) -> list[tuple[str, Pattern]]:
        """Return the fields that must match, with their patterns."""
        return [(name, pattern) for name, pattern in vars(self).items() if pattern is not None]


class Policy(Model):
    """How a stock point decides what to order; each policy lists the parameters it uses.

    Every numeric field is one ``(rows, replications)`` column of the kernel.
    """

    kind: str = param("base_stock", "one of the registered policies")
    level: float | None = param(
        None,
        "order-up-to level S (human rule: S'); empty: from the forecast",
        unit="units",
        slider=(0, 2000),
    )
    reorder_point: float | None = param(
        None, "reorder point s or r; empty: from the forecast", unit="units", slider=(0, 2000)
    )
    lot: float | None = param(
        None,
        "order quantity Q, fixed lot or kanban container",
        unit="units",
        gt=0,
        slider=(1, 1000),
    )
    review: int = param(
        1, "periods between reviews R", unit="periods", ge=1, le=365, slider=(1, 30)
    )
    phase: int = param(0, "first review period", unit="periods", ge=0, le=365)
    safety_factor: float = param(
        1.645, "safety factor z of a forecast-driven level", slider=(0, 4), ge=-10, le=10
    )
    safety_stock: float | None = param(
        None, "fixed safety stock (default: from the safety factor)", unit="units", ge=0
    )
    cover: float | None = param(
        None, "protection interval (default: mean lead time + review - 1)", unit="periods", ge=0
    )
    cards: float | None = param(None, "number of kanban cards K", ge=0, slider=(0, 50))
    wip_cap: float | None = param(
        None, "CONWIP: most units in the line from here down", unit="units", ge=0, slider=(0, 5000)
    )
    lot_rule: Literal["lot_for_lot", "fixed", "period"] = param(
        "lot_for_lot", "MRP lot-sizing rule"
    )
    lot_periods: int = param(
        1, "periods covered by one lot under 'period'", unit="periods", ge=1, le=365
    )
    smoothing: float = param(
        0.36,
        "human rule: weight θ of the newest order in the expectation",
        ge=0,
        le=1,
        slider=(0, 1),
    )
    adjustment: float = param(
        0.26, "human rule: share α of the stock gap ordered", ge=0, le=1, slider=(0, 1)
    )
    supply_line: float = param(
        0.34, "human rule: weight β of the supply line", ge=0, le=1, slider=(0, 1)
    )
    forced_order: float | None = param(
        None, "order exactly this until 'forced_until'", unit="units", ge=0
    )
    forced_until: int = param(0, "number of first periods with forced orders", unit="periods", ge=0)


class Forecast(Model):
    """How a stock point predicts demand per period, and what it sees of it."""

    kind: str = param("exponential_smoothing", "one of the registered forecasters")
    window: int = param(28, "periods averaged", unit="periods", ge=1, le=730, slider=(2, 90))
    smoothing: float = param(0.1, "weight of the newest observation", gt=0, le=1, slider=(0.01, 1))
    sees: Literal["customers", "orders", "demand"] = param(
        "customers",
        "accepted customer demand exploded through the bill of material, the stock point's own "
        "incoming orders, or all customer demand including what was lost",
    )
    age: int = param(
        0,
        "age of the point-of-sale data when it is seen",
        unit="periods",
        ge=0,
        le=365,
        slider=(0, 30),
    )
    initial: float | None = param(
        None, "first forecast (default: the mean demand of the scenario)", unit="units/period", ge=0
    )
    initial_error: float | None = param(
        None,
        "first standard deviation of the forecast error (default: of the demand)",
        unit="units/period",
        ge=0,
    )
    error_smoothing: float = param(
        0.05, "weight of the newest squared error; 0 keeps the first", ge=0, le=1
    )


class StockRule(Model):
    """Settings for the stock points that match ``where``; later rules win, field by field."""

    where: Where = param(lambda: Where(), "which stock points (empty: all)")
    policy: Policy | None = param(None, "ordering policy")
    forecast: Forecast | None = param(None, "forecaster")
    initial_stock: float | None = param(
        None, "opening stock (default: the policy's level)", unit="units", ge=0
    )
    initial_in_transit: float | list[float] | None = param(
        None, "opening units per transit slot (due in 1, 2, ... periods)", unit="units"
    )
    initial_orders: float | None = param(None, "opening units per mail slot", unit="units", ge=0)
    holding_cost: float | None = param(
        None,
        "cost of one unit for one period (default: value x capital rate)",
        unit="money/unit/period",
        ge=0,
        slider=(0, 10),
    )
    backlog_cost: float | None = param(
        None,
        "cost of one unit owed for one period",
        unit="money/unit/period",
        ge=0,
        slider=(0, 50),
    )
    allocation: AllocationRule | None = param(None, "how scarce stock is split over customers")
    customers_first: bool | None = param(
        None, "serve need backed by customer orders before stock building"
    )
    shrink: float | None = param(
        None, "units lost unseen per period (Poisson)", unit="units/period", ge=0, slider=(0, 5)
    )
    misplacement: float | None = param(
        None,
        "share of stock misplaced per period, found at the next count",
        unit="share/period",
        ge=0,
        le=1,
        slider=(0, 0.05),
    )
    scan_error: float | None = param(
        None,
        "standard deviation of the receipt scan, as a share of the receipt",
        unit="share",
        ge=0,
        le=1,
        slider=(0, 0.2),
    )

    @field_validator("initial_in_transit")
    @classmethod
    def _on_the_way_not_negative(cls, given: float | list[float] | None) -> object:
        for slot, units in enumerate(given if isinstance(given, list) else [given or 0.0]):
            if units < 0:
                msg = f"slot {slot} = {units:g} units; must be 0 or more"
                raise ValueError(msg)
        return given


class Season(Model):
    """Factors on mean demand; each list is scaled to mean 1."""

    weekly: list[Annotated[float, Field(ge=0)]] | None = param(
        None, "seven factors, Monday first (daily periods only)"
    )
    yearly: list[Annotated[float, Field(ge=0)]] | None = param(
        None, "twelve factors, January first"
    )

    @field_validator("weekly", "yearly")
    @classmethod
    def _length(cls, given: list[float] | None, info: object) -> list[float] | None:
        n = {"weekly": 7, "yearly": 12}[info.field_name]  # type: ignore[attr-defined]
        if given is not None and len(given) != n:
            msg = f"{len(given)} factors; there must be {n}, in the order of the calendar"
            raise ValueError(msg)
        if given is not None and sum(given) <= 0:
            msg = "the factors sum to 0; at least one must be above 0"
            raise ValueError(msg)
        return given


DEMAND_NEEDS: dict[str, tuple[str, ...]] = {
    "constant": ("mean",),
    "normal": ("mean", "sd"),
    "poisson": ("mean",),
    "negative_binomial": ("mean", "variance_to_mean"),
    "intermittent": ("mean", "variance_to_mean", "probability"),
    "lognormal": ("mean", "cv"),
    "gamma": ("mean", "cv"),
    "recorded": ("values",),
}
"""Parameters that each kind of demand takes, all of them and no others."""


class Demand(Model):
    """Customers of one stock point (or of several variants of a family) and their patience."""

    site: Name = param(..., "where customers order")
    item: Name | None = param(None, "what they order (or give 'variants')")
    variants: dict[str, float] | None = param(
        None, "share of the mean over several items; the shares sum to 1"
    )
    customer: Name = param("customers", "name of the customer class at this stock point")
    kind: DemandKind = param("poisson", "distribution of one period's demand")
    mean: float | None = param(
        None, "mean demand", unit="units/period", ge=0, le=1_000_000_000, slider=(0, 1000)
    )
    sd: float | None = param(
        None, "standard deviation of Normal demand", unit="units/period", ge=0, le=1_000_000_000
    )
    cv: float | None = param(
        None, "standard deviation over mean of lognormal or gamma demand", gt=0, le=10
    )
    variance_to_mean: float | None = param(
        None, "variance over mean of negative binomial demand (or sizes)", gt=1, le=1000
    )
    probability: float | None = param(
        None, "share of periods with any intermittent demand", gt=0, le=1
    )
    values: list[float] | None = param(None, "recorded demand, one number a period", unit="units")
    trend: float = param(0.0, "relative growth per year", unit="share/year", ge=-1, le=10)
    season: Season = param(lambda: Season(), "weekly and yearly pattern")
    unmet: Literal["backorder", "lost"] = param(
        "backorder", "what happens to demand that is not on hand"
    )
    patience: int | None = param(
        None,
        "periods after which a waiting customer leaves (0: same period); empty: never",
        unit="periods",
        ge=0,
        le=1000,
    )
    tolerance: int | None = param(
        None,
        "waiting time accepted as on time (default: the family's)",
        unit="periods",
        ge=0,
        le=1000,
    )
    rank: int = param(0, "place in the stock point's allocation order, smaller first", ge=0)
    lost_sale_cost: float | None = param(
        None, "cost of one lost unit (default: price - value)", unit="money/unit", ge=0
    )
    unit: str | None = param(None, "unit of the numbers; must be the item's own unit")

    @property
    def items(self) -> list[str]:
        """Names of the items that are asked for."""
        return [self.item] if self.item is not None else list(self.variants or {})

    def by_item(self) -> list[tuple[str, Demand]]:
        """Return one demand per item.

        Variants share the mean, and the variance in proportion, so that they are independent.
        """
        if self.item is not None:
            return [(self.item, self)]
        return [
            (item, self.model_copy(update=self._share(item, share)))
            for item, share in (self.variants or {}).items()
        ]

    def _share(self, item: str, share: float) -> dict[str, object]:
        changes: dict[str, object] = {"item": item, "variants": None}
        if self.mean is not None:
            changes["mean"] = self.mean * share
        if self.sd is not None:
            changes["sd"] = self.sd * share**0.5
        if self.cv is not None and share > 0:
            changes["cv"] = self.cv / share**0.5
        return changes

    @field_validator("values")
    @classmethod
    def _not_negative(cls, given: list[float] | None) -> list[float] | None:
        for t, v in enumerate(given or []):
            if v < 0:
                msg = f"values[{t}] = {v:g}; demand must be 0 or more"
                raise ValueError(msg)
        return given

    @model_validator(mode="after")
    def _complete(self) -> Demand:
        wanted = DEMAND_NEEDS[self.kind]
        for name in ("mean", "sd", "cv", "variance_to_mean", "probability", "values"):
            if (getattr(self, name) is not None) != (name in wanted):
                verb, mend = ("needs", "add") if name in wanted else ("has no use for", "remove")
                takes = " and ".join(wanted)
                msg = f"{self.kind} demand {verb} '{name}'; it takes {takes}, {mend} '{name}'"
                raise ValueError(msg)
        if (self.item is None) == (self.variants is None):
            msg = "give either 'item' or 'variants'"
            raise ValueError(msg)
        if self.variants is not None:
            if self.kind == "recorded":
                msg = "recorded demand is given per item, not by variants"
                raise ValueError(msg)
            if any(v < 0 for v in self.variants.values()):
                msg = f"variants = {self.variants}; shares must be 0 or more"
                raise ValueError(msg)
            if abs(sum(self.variants.values()) - 1) > 1e-9:
                msg = f"variant shares sum to {sum(self.variants.values()):g}; they must sum to 1"
                raise ValueError(msg)
        if self.unmet == "lost" and self.patience is not None:
            msg = "patience is for unmet: backorder; lost demand never waits"
            raise ValueError(msg)
        if self.patience is not None and (self.tolerance or 0) > self.patience:
            msg = (
                f"tolerance = {self.tolerance} exceeds patience = {self.patience}; a customer who "
                "is not late does not leave, raise patience or lower tolerance"
            )
            raise ValueError(msg)
        return self


class Device(Model):
    """A kind of device at all stock points that match; each one is a Mesa agent."""

    kind: str = param(..., "one of the registered device kinds")
    where: Where = param(lambda: Where(), "which stock points (empty: all)")
    period: int = param(1, "periods between readings", unit="periods", ge=1, le=365, slider=(1, 90))
    phase: int = param(0, "period of the first reading", unit="periods", ge=0, le=365)
    noise: float = param(
        0.0,
        "standard deviation of a reading, as a share of the truth",
        unit="share",
        ge=0,
        le=1,
        slider=(0, 0.3),
    )
    bias: float = param(
        0.0,
        "systematic error, as a share of the truth",
        unit="share",
        ge=-1,
        le=1,
        slider=(-0.3, 0.3),
    )
    read_rate: float = param(1.0, "share of units seen", unit="share", gt=0, le=1, slider=(0.5, 1))
    delay: int = param(
        0, "periods until a reading is used", unit="periods", ge=0, le=90, slider=(0, 14)
    )
    loss: float = param(
        0.0, "share of readings lost on the way", unit="share", ge=0, le=1, slider=(0, 1)
    )
    cost: float = param(0.0, "cost of one device per period", unit="money/period", ge=0)
    owner: Name | None = param(None, "who adopts it (default: the site's owner)")
