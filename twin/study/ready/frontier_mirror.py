"""The mirror experiment: stock near the customer against stock upstream, under opposite shocks."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pandas as pd

from twin.schema import Scenario
from twin.study.findings import Chart, Sheet
from twin.study.ready.base import Bench
from twin.study.ready.frontier_tables import ends
from twin.study.ready.frontier_worlds import CALM, MIX, SUPPLY, Shocks, worlds
from twin.sums import Floats
from twin.topology import build

WARMUP, WINDOW, SHOCK, OUT = 300, 320, 150, 45
"""Periods before the window, of it, from its begin to the shocks, and of the outage."""

LEAD, MAKE = 35, 7
"""Periods until generic items arrive, and to make a variant of one."""

SEEDS = 60

VARIANTS = tuple("abcdef")

NEAR, FAR = "variants stocked", "generic stocked"
"""The two decoupling points, downstream and upstream."""


def chain() -> Scenario:
    """Return the chain of the experiment, decoupled upstream: generic items are stocked.

    domain.md, F28: six variants, 120 a day, variance/mean 4, z = 2.054, a moving average of 28
    days that sees all demand, lost sales, customers who accept 7 days.
    """
    return Scenario.model_validate({
        "name": "mirror", "horizon": WARMUP + WINDOW, "warmup": WARMUP, "replications": SEEDS,
        "sites": [{"name": "source"}, {"name": "dc"}],
        "items": [{"name": v, "family": "printer"} for v in [*VARIANTS, "generic"]],
        "families": [{"name": "printer", "tolerance": MAKE}],
        "demand": [{"site": "dc", "variants": dict.fromkeys(VARIANTS, 1 / len(VARIANTS)),
                    "mean": 120, "kind": "negative_binomial", "variance_to_mean": 4,
                    "unmet": "lost"}],
        **_supply(["generic"], LEAD),
        "production": [{"site": "source", "item": "generic"}, *_FINISHING],
    })  # fmt: skip


def _supply(stocked: list[str], lead: int) -> dict[str, Any]:
    """Return what brings the stocked items from the source, and how they are stocked."""
    return {
        "lanes": [{"from": "source", "to": "dc", "items": stocked, "lead_time": lead}],
        "stock": [
            {"policy": {"kind": "order_driven"}},
            {"where": {"site": "dc", "item": stocked},
             "policy": {"kind": "base_stock", "safety_factor": 2.054},
             "forecast": {"kind": "moving_average", "window": 28, "sees": "demand"}},
        ],
    }  # fmt: skip


_FINISHING = [
    {"site": "dc", "item": v, "inputs": [{"item": "generic"}], "lead_time": MAKE} for v in VARIANTS
]

CUTS: dict[str, dict[str, Any]] = {
    NEAR: {
        **_supply(list(VARIANTS), LEAD + MAKE),
        "production": [{"site": "source", "item": v} for v in VARIANTS],
        "families.printer.decoupling_point": [f"dc/{v}" for v in VARIANTS],
    },
    FAR: {"families.printer.decoupling_point": ["dc/generic"]},
}


def lost_days(bench: Bench) -> dict[tuple[str, str], Floats]:
    """Return days of demand lost by decoupling point and world, one number per seed, ``(60,)``."""
    scenario = chain()
    shocks = worlds(build(scenario), Shocks("source", WARMUP + SHOCK, OUT, 1.0))
    asked = (CALM, SUPPLY, MIX)
    found = bench.study("mirror", {
        "factors": {
            "cut": {"options": CUTS},
            "world": {"options": {name: {"disruptions": shocks[name]} for name in asked}},
        },
        "base": {"cut": NEAR, "world": CALM}, "outputs": ["lost_share"], "seed": bench.scenario.seed,
    }, scenario=scenario)  # fmt: skip
    rows = found.frame()[["point", "cut", "world"]].itertuples(index=False)
    return {(cut, world): WINDOW * found.values(point, "lost_share") for point, cut, world in rows}


def mirrored(
    lost: Mapping[tuple[str, str], Floats], cuts: list[str], name: str, title: str, unit: str
) -> tuple[Sheet, Chart]:
    """Return what each shock costs at each decoupling point, side by side.

    Parameters
    ----------
    lost
        Periods of demand not served by cut and world, ``(R,)`` each.
    cuts
        In the order of the picture.
    name, title, unit
        Of the sheet and its chart, and of the numbers.
    """
    rows = []
    for cut, world in itertools.product(cuts, (SUPPLY, MIX)):
        extra = ends(lost[cut, world] - lost[cut, CALM])
        rows.append({
            "decoupling point": cut, "shock": world, LOST: extra.mean, "low": extra.low,
            "high": extra.high, "lost in calm": float(lost[cut, CALM].mean()),
        })  # fmt: skip
    frame = pd.DataFrame(rows)
    units = dict.fromkeys((LOST, "low", "high", "lost in calm"), unit)
    caption = (
        "Demand not served that calm times would have served. Right of zero it is lost; left of "
        "zero the shock helped: one that serves few in calm times has little to lose. Stock near "
        "the customer shortens the bars of the supply shock, generic stock those of the mix shock."
    )
    sheet = Sheet(name, title, frame, units, caption)
    chart = Chart(
        "bars", name, title, name, "decoupling point", LOST, "low", "high", group="shock",
        caption=caption, zero=True,
    )  # fmt: skip
    return sheet, chart


LOST = "lost to the shock (below zero: gained)"
