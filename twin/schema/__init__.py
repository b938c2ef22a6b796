"""The single declaration of every parameter: default, unit, valid range, slider range, meaning."""

from twin.schema.base import Model
from twin.schema.behaviour import (
    Demand,
    Device,
    Forecast,
    Policy,
    Season,
    StockRule,
    Where,
)
from twin.schema.events import Disruption, Move
from twin.schema.network import (
    Family,
    Input,
    Item,
    Lane,
    LeadTime,
    Production,
    Purchase,
    Resource,
    Site,
    Sourcing,
)
from twin.schema.posterior import Posterior
from twin.schema.scenario import Calendar, Costs, Resilience, Scenario

__all__ = [
    "Calendar",
    "Costs",
    "Demand",
    "Device",
    "Disruption",
    "Family",
    "Forecast",
    "Input",
    "Item",
    "Lane",
    "LeadTime",
    "Model",
    "Move",
    "Policy",
    "Posterior",
    "Production",
    "Purchase",
    "Resilience",
    "Resource",
    "Scenario",
    "Season",
    "Site",
    "Sourcing",
    "StockRule",
    "Where",
]
