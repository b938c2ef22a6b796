"""What the experiments came to, in the numbers that the published facts are told in."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import twin
from tests.facts import cases
from tests.kpi_cases import serial
from twin import kpis
from twin.compile import Plan
from twin.engine import Outcome, Simulation, run_block
from twin.money import costs
from twin.schema import Scenario
from twin.topology import Topology

Floats = NDArray[np.float64]

CLOSED: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "oracles" / "closed_forms.json").read_text()
)
"""Published optima and formulas, evaluated by other programs."""

STAGES = ("retailer", "wholesaler", "distributor", "factory")


def run(scenario: Scenario) -> Outcome:
    """All replications as one block."""
    return run_block(Plan.of(scenario), scenario.replications, 0, scenario.seed)


def per_period(outcome: Outcome, name: str) -> float:
    """Mean of a sum per period and replication, all things together."""
    values = outcome[name]
    return float(values.sum() / values.shape[1] / outcome.n_periods)


def share(outcome: Outcome, part: str, whole: str) -> float:
    return float(outcome[part].sum() / outcome[whole].sum())


def variance_ratios(scenario: Scenario, demand_variance: float) -> dict[str, float]:
    """Var(orders)/Var(demand) by site."""
    o = run(scenario)
    n = o.n_periods * scenario.replications
    mean, square = (o[f"rows.{x}"].sum(axis=1) / n for x in ("order", "order_squared"))
    found = (square - mean**2) / demand_variance
    return {p.site.name: float(found[p.index]) for p in o.plan.topology.points}


def cost_lines(scenario: Scenario) -> dict[str, float]:
    """Mean money per period by cost line."""
    o = run(scenario)
    return {
        line: float((kpis.compute(o)[f"{line}_cost"] / o.n_periods).mean())
        for line in ("holding", "transit", "backlog", "order")
    }


def cost(scenario: Scenario) -> float:
    """Mean of holding, transit, backlog and order cost per period."""
    return sum(cost_lines(scenario).values())


def service(safety_factor: float) -> tuple[float, float, float]:
    """Return α, β and mean stock of L = 4, N(100, 25), S = L μ + z σ √L (fact F7)."""
    demand = {"kind": "normal", "mean": 100, "sd": 25}
    policy = {"level": 400 + safety_factor * 50}
    o = run(cases.single(4, demand, policy, horizon=6300, warmup=50))
    alpha = 1 - per_period(o, "sinks.short")
    return alpha, share(o, "sinks.filled", "sinks.demand"), per_period(o, "rows.on_hand")


def levels(scenario: Scenario) -> dict[str, float]:
    """Order-up-to levels that the policies work out: positions right after the first orders."""
    sim = Simulation(Plan.of(scenario), 1)
    sim.advance(1)
    found = sim.rows("on_hand") + sim.rows("on_order") - sim.rows("backlog")
    return {p.name: float(found[p.index, 0]) for p in sim.plan.topology.points}


def safety_stock(scenario: Scenario, lead: float, stage: str) -> float:
    """Safety stock of all stock points of a stage: level less expected demand over ``lead``."""
    sim = Simulation(Plan.of(scenario), 1)
    top: Topology = sim.plan.topology
    at = levels(scenario)
    mean = {p.name: lead * float(sim.rows("forecast")[p.index, 0]) for p in top.points}
    kind = "generic" if stage == "generic" else "v"
    return sum(
        at[p.name] - mean[p.name]
        for p in top.points
        if p.site.stage == stage and p.item.name.startswith(kind)
    )


def beer_game(name: str, **policy: float) -> tuple[list[float], Floats]:
    """Return the cost by stage and the orders ``(weeks, stage)`` of a shipped beer game."""
    scenario = twin.load(name)
    rules = range(len(scenario.stock))
    changes = {f"stock[{n}].policy.{key}": v for n in rules for key, v in policy.items()}
    plan = Plan.of(twin.apply(scenario, changes))
    o = run_block(plan, 1, 0, 1, ["rows.order"])
    row = [plan.topology.row_of[f"{s}/beer"] for s in STAGES]
    money = sum(costs(o).values())
    return [float(money[i, 0]) for i in row], o.series["rows.order"][:, row, 0]  # type: ignore[index]


def newsvendor(level: float) -> float:
    """Cost per period at base stock ``level`` under evenly spread N(50, 8) demand (fact F9)."""
    values = cases.stratified(50, 8, 4000, 1237)
    policy = {"level": level}
    rates = {"holding_cost": 0.18, "backlog_cost": 0.7}
    demand = {"kind": "recorded", "values": values}
    return cost(cases.single(1, demand, policy, horizon=4000, replications=1, **rates))


def eoq(lot: float) -> tuple[float, float]:
    """Return holding and ordering cost a year of the textbook lot-size problem (fact F9)."""
    given = CLOSED["eoq"]
    lines = cost_lines(cases.eoq(lot, given["K"], given["lam"], given["h"]))
    assert lines["backlog"] == 0
    return lines["holding"] * given["lam"] / 50, lines["order"] * given["lam"] / 50


def lost_sales(loss: float, count_every: int | None = None) -> float:
    """Share of sales lost in a year at an unseen loss of a share of demand (fact F11)."""
    return share(run(cases.kang_gershwin(loss, count_every)), "sinks.lost", "sinks.demand")


def outage(cover: int, duration: int = 60) -> dict[str, float]:
    """Return TTS, lost days and recovery of a serial chain whose source is out (fact F21)."""
    event = {"kind": "outage", "where": {"site": "source"}, "start": 100, "duration": duration}
    result = twin.run(serial(cover, disruptions=[event], horizon=300))
    return {name: result[name] for name in ("tts", "loss_area", "ttr")}


@functools.cache
def mirror(cut: str, shock: str) -> tuple[float, float]:
    """Return lost days and days of stock of the mirror experiment (fact F28)."""
    o = run(cases.mirror(cut, shock))
    lost = per_period(o, "sinks.lost") * o.n_periods / 120
    return lost, per_period(o, "rows.on_hand") / 120


def extra_loss(cut: str, shock: str) -> float:
    """Return the days lost more than in calm."""
    return mirror(cut, shock)[0] - mirror(cut, "none")[0]
