"""KPIs: one decorated function each, by theme; importing this package registers all of them."""

from twin.kpis import cost, orders, resilience, service, stock, unserved
from twin.kpis.base import GROUPS, KPIS, compute, compute_paired, ordered, undefined_paired
from twin.kpis.orders import bullwhip_at
from twin.kpis.resilience import performance, thin

__all__ = [
    "GROUPS",
    "KPIS",
    "bullwhip_at",
    "compute",
    "compute_paired",
    "cost",
    "ordered",
    "orders",
    "performance",
    "resilience",
    "service",
    "stock",
    "thin",
    "undefined_paired",
    "unserved",
]
