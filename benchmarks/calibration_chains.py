"""Whole chains with known truths, for checks of calibration from telemetry to a what-if.

Each of :data:`CHAINS` draws a chain anew from a seed: electronics (a network with bills of material,
made to order from a decoupling point), grocery (a distribution chain whose places order in three
ways) and kettles (a small maker that watches its customers). With it come its true parameters, a
starting scenario that is wrong in all that calibration finds, and two questions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

import twin
from calibration.infer.prior import Scale
from twin.distributions import demand_moments, lead_time_moments
from twin.schema import Scenario
from twin.validate import validate

PERIODS = 364
AVERAGE = {"kind": "moving_average", "window": 28}
COUNT = {"kind": "cycle_count", "period": 7}


class Chain(NamedTuple):
    """A chain drawn at random.

    Attributes
    ----------
    scenario, start
        The true one, and the one that calibration begins with.
    true
        Parameters, by the names of estimates and draws.
    move, outage
        Changes that ask what another decoupling point costs, and what service is without a source.
    """

    scenario: Scenario
    start: Scenario
    true: dict[str, float]
    move: Mapping[str, Any]
    outage: Mapping[str, Any]


def moments(scenario: Scenario) -> dict[str, float]:
    """Return what is observed of a chain, as it is simulated, whatever the law it is drawn from."""
    found = {}
    for demand in scenario.demand:
        mean, variance = demand_moments(demand)
        name = f"demand of {demand.site}/{demand.item}"
        found |= {f"mean {name}": mean, f"variance over mean of {name}": variance / mean}
    ways = {f"{lane.source}->{lane.to}": lane.lead_time for lane in scenario.lanes}
    ways |= {f"{buy.site}/{buy.item}": buy.lead_time for buy in scenario.purchases}
    for name, lead_time in ways.items():
        mean, variance = lead_time_moments(lead_time)
        if variance > 0:
            found[f"mean lead time of {name}"] = mean
            found[f"lead time cv of {name}"] = variance**0.5 / mean
    return found


def _fire(site: str) -> dict[str, Any]:
    where = {"site": site}
    return {
        "disruptions": [
            {"kind": "outage", "name": "fire", "where": where, "start": 150, "duration": 40}
        ]
    }


def _sold(site: str, item: str, mean: float, ratio: float) -> dict[str, Any]:
    more = {"kind": "negative_binomial", "mean": mean, "variance_to_mean": ratio}
    return {"site": site, "item": item} | more


def electronics(seed: int) -> Chain:
    """Draw a chain of components, boards, a plant and a centre, made to order from its boards."""
    rng = np.random.default_rng((7, seed))
    parts, boards = rng.uniform(0.5, 3.5, 2)
    shrink, capacity = rng.uniform(0.0, 1.0), rng.uniform(62, 75)
    north, south, ratio = rng.uniform(20, 30), rng.uniform(15, 25), rng.uniform(1.5, 5)
    lead, mean, cv = int(rng.integers(2, 7)), rng.uniform(3, 6), rng.uniform(0.2, 0.4)
    data: dict[str, Any] = {
        "name": "small-electronics", "horizon": PERIODS, "seed": seed,
        "stages": ["components", "boards", "plant", "dc", "market"],
        "sites": [
            {"name": "chips", "stage": "components"}, {"name": "memory", "stage": "components"},
            {"name": "fab", "stage": "boards"}, {"name": "plant", "stage": "plant"},
            {"name": "dc", "stage": "dc"}, {"name": "north", "stage": "market"},
            {"name": "south", "stage": "market"},
        ],
        "items": [
            {"name": "chip", "value": 40}, {"name": "memory", "value": 20},
            {"name": "board", "value": 90},
            {"name": "laptop", "value": 300, "price": 500, "family": "laptops"},
        ],
        "families": [{"name": "laptops", "decoupling_point": "boards", "tolerance": 16}],
        "purchases": [
            {"site": "chips", "item": "chip", "lead_time": 21},
            {"site": "memory", "item": "memory", "lead_time": 14},
        ],
        "lanes": [
            {"from": "chips", "to": "fab", "lead_time": 4},
            {"from": "memory", "to": "fab", "lead_time": 3},
            {"from": "fab", "to": "plant", "lead_time": lead},
            {"from": "plant", "to": "dc", "lead_time": {"kind": "gamma", "mean": mean, "cv": cv}},
            {"from": "dc", "to": "north", "lead_time": 1},
            {"from": "dc", "to": "south", "lead_time": 2},
        ],
        "production": [
            {"site": "fab", "item": "board", "lead_time": 5,
             "inputs": [{"item": "chip"}, {"item": "memory"}]},
            {"site": "plant", "item": "laptop", "lead_time": 2, "capacity": capacity,
             "inputs": [{"item": "board"}]},
        ],
        "stock": [
            {"where": {"role": "output"}, "policy": {"kind": "base_stock", "safety_factor": parts},
             "forecast": AVERAGE},
            {"where": {"site": "fab", "item": "board"}, "shrink": shrink, "forecast": AVERAGE,
             "policy": {"kind": "base_stock", "safety_factor": boards}},
        ],
        "demand": [
            _sold("north", "laptop", north, ratio),
            {"site": "south", "item": "laptop", "kind": "poisson", "mean": south},
        ],
        "devices": [COUNT | {"where": {"site": "fab", "item": "board"}}],
        "costs": {"capital_rate": 0.2},
    }  # fmt: skip
    wrong = {
        "stock[0].policy.safety_factor": 1.0, "stock[1].policy.safety_factor": 1.0,
        "stock[1].shrink": 0.0, "production.plant/laptop.capacity": 500,
        "demand[0].mean": 25.0, "demand[0].variance_to_mean": 2.0, "demand[1].mean": 25.0,
        "lanes.fab->plant.lead_time": 9,
        "lanes.plant->dc.lead_time": {"kind": "gamma", "mean": 8, "cv": 0.2},
        "families.laptops.decoupling_point": "dc",
    }  # fmt: skip
    kept = [
        {"where": {"site": site}, "forecast": AVERAGE,
         "policy": {"kind": "base_stock", "safety_factor": 2.0}}
        for site in ("plant", "dc")
    ]  # fmt: skip  # nobody kept stock there, so what is kept is part of the question
    true = {
        "chips/chip policy.safety_factor": parts, "memory/memory policy.safety_factor": parts,
        "fab/board policy.safety_factor": boards, "fab/board shrink": shrink,
    }  # fmt: skip
    move = {"families.laptops.decoupling_point": "dc", "stock[+]": kept}
    return _chain(data, wrong, true, move, "chips")


def grocery(seed: int) -> Chain:
    """Draw mill, centre and shops: orders in lots, by feeling and by forecast; shops lose stock."""
    rng = np.random.default_rng((13, seed))
    corner, market, ratio = rng.uniform(8, 30), rng.uniform(8, 30), rng.uniform(1.2, 4)
    mean, cv = rng.uniform(2, 6), rng.uniform(0.15, 0.5)
    lead = [int(x) for x in rng.integers(1, 5, 3)]
    mill, dc, shop = rng.uniform(0.5, 3.5, 3)
    lot, smoothing = rng.uniform(3, 12) * (corner + market), rng.uniform(0.05, 0.3)
    adjust, line, theta = rng.uniform(0.15, 0.9), rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.6)
    wanted = Scale(corner, (corner * ratio) ** 0.5, lead[0] + 2).level(rng.uniform(1, 4))
    lost = rng.uniform(0.0, 0.8, 2)
    names = ("mill", "dc", "corner", "market")
    ask: dict[str, Any] = {"sees": "customers", "smoothing": smoothing}
    data: dict[str, Any] = {
        "name": "grocery", "horizon": PERIODS, "seed": seed, "stages": ["mill", "dc", "shops"],
        "sites": [{"name": n, "stage": n if n in ("mill", "dc") else "shops"} for n in names],
        "items": [{"name": "flour", "value": 10, "price": 16, "family": "food"}],
        "families": [{"name": "food", "decoupling_point": "shops", "tolerance": 2}],
        "purchases": [{"site": "mill", "item": "flour", "lead_time": lead[2]}],
        "lanes": [
            {"from": "mill", "to": "dc", "lead_time": {"kind": "gamma", "mean": mean, "cv": cv}},
            {"from": "dc", "to": "corner", "lead_time": lead[0]},
            {"from": "dc", "to": "market", "lead_time": lead[1]},
        ],
        "stock": [
            {"where": {"site": "mill"}, "forecast": ask,
             "policy": {"kind": "base_stock", "safety_factor": mill}},
            {"where": {"site": "dc"}, "forecast": ask,
             "policy": {"kind": "s_S", "safety_factor": dc, "lot": lot}},
            {"where": {"site": "corner"}, "shrink": lost[0],
             "policy": {"kind": "human", "level": wanted, "adjustment": adjust,
                        "supply_line": line, "smoothing": theta}},
            {"where": {"site": "market"}, "shrink": lost[1], "forecast": ask,
             "policy": {"kind": "base_stock", "safety_factor": shop}},
        ],
        "demand": [_sold("corner", "flour", corner, ratio), _sold("market", "flour", market, ratio)],
        "devices": [COUNT],
        "costs": {"capital_rate": 0.2},
    }  # fmt: skip
    wrong = {f"stock[{i}].policy": {"kind": "base_stock", "safety_factor": 1.0} for i in range(4)}
    wrong |= {f"stock[{i}].shrink": 0.0 for i in (2, 3)}
    wrong |= {f"demand[{i}].{k}": x for i in (0, 1) for k, x in _GUESS.items()}
    wrong |= {f"stock[{i}].forecast.smoothing": 0.4 for i in (0, 1, 3)}
    wrong["lanes.mill->dc.lead_time"] = {"kind": "gamma", "mean": 8, "cv": 0.2}
    true = {
        "mill/flour policy.safety_factor": mill, "dc/flour policy.safety_factor": dc,
        "dc/flour policy.lot": lot, "corner/flour policy.level": wanted,
        "corner/flour policy.adjustment": adjust, "corner/flour policy.supply_line": line,
        "corner/flour policy.smoothing": theta, "corner/flour shrink": lost[0],
        "market/flour policy.safety_factor": shop, "market/flour shrink": lost[1],
    }  # fmt: skip
    true |= {f"{n}/flour forecast.smoothing": smoothing for n in ("mill", "dc", "market")}
    return _chain(data, wrong, true, {"families.food.decoupling_point": "dc"}, "mill")


def kettles(seed: int) -> Chain:
    """Draw a maker who buys steel in lots, watches its customers, and sells over two markets."""
    rng = np.random.default_rng((17, seed))
    home, away, ratio = rng.uniform(5, 25), rng.uniform(5, 25), rng.uniform(1.2, 4)
    mean, cv, usage = rng.uniform(6, 14), rng.uniform(0.1, 0.4), rng.uniform(0.5, 2.5)
    lead = [int(x) for x in rng.integers(1, 6, 3)]
    steel, works, depot, level = rng.uniform(0.5, 3.5, 4)
    good, lost = rng.uniform(0.85, 0.99), rng.uniform(0.0, 0.8)
    lot, smoothing = rng.uniform(5, 20) * (home + away) * usage, rng.uniform(0.05, 0.3)
    upto = Scale(away, (away * ratio) ** 0.5, lead[2]).level(level)
    see: dict[str, Any] = {"sees": "customers", "smoothing": smoothing}
    data: dict[str, Any] = {
        "name": "kettles", "horizon": PERIODS, "seed": seed, "stages": ["works", "markets"],
        "sites": [{"name": "works", "stage": "works"}, {"name": "home", "stage": "markets"},
                  {"name": "away", "stage": "markets"}],
        "items": [{"name": "steel", "value": 4},
                  {"name": "kettle", "value": 20, "price": 35, "family": "kettles"}],
        "families": [{"name": "kettles", "decoupling_point": "markets", "tolerance": 3}],
        "purchases": [{"site": "works", "item": "steel",
                       "lead_time": {"kind": "lognormal", "mean": mean, "cv": cv}}],
        "production": [{"site": "works", "item": "kettle", "lead_time": lead[0], "yield": good,
                        "inputs": [{"item": "steel", "usage": usage}]}],
        "lanes": [{"from": "works", "to": "home", "lead_time": lead[1]},
                  {"from": "works", "to": "away", "lead_time": lead[2]}],
        "stock": [
            {"where": {"item": "steel"}, "forecast": see,
             "policy": {"kind": "r_Q", "safety_factor": steel, "lot": lot}},
            {"where": {"site": "works", "item": "kettle"}, "shrink": lost, "forecast": see,
             "policy": {"kind": "base_stock", "safety_factor": works}},
            {"where": {"site": "home"}, "forecast": see,
             "policy": {"kind": "base_stock", "safety_factor": depot}},
            {"where": {"site": "away"}, "policy": {"kind": "base_stock", "level": upto}},
        ],
        "demand": [_sold("home", "kettle", home, ratio), _sold("away", "kettle", away, ratio)],
        "devices": [COUNT | {"where": {"item": "kettle"}}],
        "costs": {"capital_rate": 0.2},
    }  # fmt: skip
    wrong = {f"stock[{i}].policy": {"kind": "base_stock", "safety_factor": 1.0} for i in range(4)}
    wrong |= {f"demand[{i}].{k}": x for i in (0, 1) for k, x in _GUESS.items()}
    wrong |= {f"stock[{i}].forecast.smoothing": 0.4 for i in range(3)}
    wrong |= {"stock[1].shrink": 0.0, "production.works/kettle.yield": 1.0}
    wrong["purchases.works/steel.lead_time"] = {"kind": "lognormal", "mean": 5, "cv": 0.1}
    true = {
        "works/steel policy.safety_factor": steel, "works/steel policy.lot": lot,
        "works/kettle policy.safety_factor": works, "works/kettle shrink": lost,
        "home/kettle policy.safety_factor": depot, "away/kettle policy.level": upto,
    }  # fmt: skip
    where = ("works/steel", "works/kettle", "home/kettle")
    true |= {f"{n} forecast.smoothing": smoothing for n in where}
    return _chain(data, wrong, true, {"families.kettles.decoupling_point": "works"}, "works")


_GUESS = {"mean": 14.0, "variance_to_mean": 2.0}


def _chain(
    data: dict[str, Any], wrong: dict[str, Any], true: dict[str, float], move: dict[str, Any],
    source: str,
) -> Chain:  # fmt: skip
    scenario = validate(data)
    start = twin.apply(scenario, wrong)
    return Chain(scenario, start, true | moments(scenario), move, _fire(source))


CHAINS: Mapping[str, Callable[[int], Chain]] = {
    "electronics": electronics,
    "grocery": grocery,
    "kettles": kettles,
}
