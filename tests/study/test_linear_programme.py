"""The linear programmes of Simchi-Levi et al. 2015: a table, closed forms, and bounds of runs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kpi_cases import serial
from tests.reference.random_networks import random_scenario
from twin.compile import Plan
from twin.engine import run_block
from twin.study.linear_programme import Flow, Network, Out, lane_out, network, site_out
from twin.topology import Topology, build

STOCK = {"R1": 60, "R2": 40, "A": 30, "A2": 0, "B": 25, "X": 20, "Y": 10}
ARCS = [("R1", "A"), ("R1", "A2"), ("R2", "B"), ("A", "X"), ("A2", "X"), ("A", "Y"), ("A2", "Y"),
        ("B", "Y")]  # fmt: skip
MATERIAL = {"R1": "r1", "R2": "r2", "A": "a", "A2": "a", "B": "b", "X": "x", "Y": "y"}
USAGE = {"A": {"r1": 1}, "A2": {"r1": 1}, "B": {"r2": 2}, "X": {"a": 1}, "Y": {"a": 1, "b": 1}}
SITE = {"R1": "S1", "R2": "S2", "A": "P1", "B": "P1", "A2": "P2", "X": "F1", "Y": "F1"}
CAPACITY = {"S1": 25, "S2": 25, "P1": 18, "P2": 4, "F1": 20}
RATES, MARGIN = np.array([8.0, 5.0]), np.array([10.0, 25.0])

# Solved apart from this project with scipy's HiGHS: what is out, time to survive, lost margin
# after 1, 2, 4, 8 and 12 periods.
TABLE = {
    "": (np.inf, [0, 0, 0, 0, 0]),
    "X Y": (2.0, [0, 0, 370, 1190, 2010]),
    "A B": (6.666666667, [0, 0, 0, 195, 855]),
    "A2": (np.inf, [0, 0, 0, 0, 0]),
    "R1": (9.230769231, [0, 0, 0, 0, 360]),
    "R2": (11.0, [0, 0, 0, 0, 125]),
    "A": (6.666666667, [0, 0, 0, 120, 480]),
    "B": (7.0, [0, 0, 0, 125, 625]),
}
PERIODS = (1, 2, 4, 8, 12)


def small() -> tuple[Network, np.ndarray, list[str]]:
    """Two raw materials, two plants, two products; each material in its own bin where it is used."""
    bins = [f"{node}/{m}" for node, need in USAGE.items() for m in need]
    rows = {name: i for i, name in enumerate([*STOCK, *bins])}
    sites = list(CAPACITY)
    made = [
        Flow(rows[n], tuple((rows[f"{n}/{m}"], r) for m, r in USAGE.get(n, {}).items()),
             ((sites.index(SITE[n]), 1.0),))
        for n in STOCK
    ]  # fmt: skip
    moved = [Flow(rows[f"{b}/{MATERIAL[a]}"], ((rows[a], 1.0),)) for a, b in ARCS]
    stock = np.array([*STOCK.values(), *[0] * len(bins)], float)
    ends = (rows["X"], rows["Y"])
    return Network((*made, *moved), ends, (*CAPACITY.values(),), len(rows)), stock, list(STOCK)


def gone(names: list[str], text: str) -> Out:
    return Out(frozenset(names.index(n) for n in text.split()))


@pytest.mark.parametrize("what", TABLE)
def test_the_time_to_survive_is_the_published_models(what: str) -> None:
    net, stock, names = small()
    found = net.time_to_survive(stock, RATES, gone(names, what))
    assert found == pytest.approx(TABLE[what][0], rel=1e-8)


@pytest.mark.parametrize("what", TABLE)
def test_the_lost_margin_is_the_published_models(what: str) -> None:
    net, stock, names = small()
    out = gone(names, what)
    found = [net.least_loss(stock, RATES, t, out, worth=MARGIN) for t in PERIODS]
    assert found == pytest.approx(TABLE[what][1], abs=1e-6)


# ------------------------------------------------------------------ a bound of every simulated run
START, LENGTH = 25, 12
FEATURES = ("lost", "sourcing", "limits", "random", "policies", "allocation", "integer")


def small_network(seed: int) -> Topology:
    data = random_scenario(seed, FEATURES).model_copy(update={"disruptions": [], "warmup": 0})
    return build(data)


def state(top: Topology) -> tuple[np.ndarray, np.ndarray]:
    """Stock on hand, at the gate and on the way to each stock point; units owed to customers."""
    scenario = top.scenario.model_copy(update={"horizon": START, "moves": []})
    o = run_block(Plan.of(scenario), 1, 0, scenario.seed, ("sinks.owed",))
    stock = o.final["rows.on_hand"][:, 0].copy()
    coming = (o.final["links.on_way"] + o.final["links.gate"])[:, 0]
    np.add.at(stock, [e.to for e in top.links], coming)
    return stock, o.series["sinks.owed"][-1, :, 0]


def site_shut(top: Topology, site: str) -> tuple[np.ndarray, np.ndarray]:
    """Demand by period and customer while a site is out, and units unserved at period end."""
    event = {"kind": "outage", "where": {"site": site}, "start": START, "duration": LENGTH}
    scenario = top.scenario.with_changes(disruptions=[event])
    names = ("sinks.demand", "sinks.owed", "sinks.lost")
    o = run_block(Plan.of(scenario), 1, 0, scenario.seed, names)
    demand, owed, lost = (o.series[n][START : START + LENGTH, :, 0] for n in names)
    return demand, owed.sum(axis=1) + lost.sum(axis=1).cumsum()


@pytest.mark.parametrize("seed", range(24))
def test_no_run_survives_longer_or_loses_less_than_the_linear_programme(seed: int) -> None:
    """Stock on hand and on the way, demand as realised: any site out, any policy."""
    top = small_network(seed)
    net, (stock, owed) = network(top), state(top)
    for site in sorted({p.site.name for p in top.points}):
        demand, unserved = site_shut(top, site)
        out = site_out(top, site)
        for periods in (1, LENGTH // 2, LENGTH):
            rates = (demand[:periods].sum(axis=0) + owed) / periods
            least = net.least_loss(stock, rates, periods, out)
            assert unserved[periods - 1] >= least - 1e-6
        survived = int(np.argmax(np.append(unserved, np.inf) > 1e-9))
        if survived:
            rates = (demand[:survived].sum(axis=0) + owed) / survived
            assert net.least_loss(stock, rates, survived, out) == pytest.approx(0, abs=1e-6)


def test_a_serial_chain_survives_its_stock_over_its_demand() -> None:
    """F21's chain: everything below the source over the demand of a period."""
    top = build(serial(5))
    net, stock = network(top), np.array([30.0, 20.0, 10.0, 500.0])
    rates, source = np.array([4.0]), top.points[-1].site.name
    assert net.time_to_survive(stock, rates, site_out(top, source)) == pytest.approx(60 / 4)
    assert net.least_loss(stock, rates, 20, site_out(top, source)) == pytest.approx(80 - 60)
    door = site_out(top, top.points[0].site.name)
    assert net.time_to_survive(stock, rates, door) == 0
    assert net.time_to_survive(stock, rates, door, np.array([8.0])) == pytest.approx(2)


def test_a_share_that_may_be_missing_prolongs_survival() -> None:
    """Half the demand forgiven: the same stock lasts twice as long."""
    net = Network((Flow(0),), (0,), (), 1)
    gone, stock, rates = Out(frozenset({0})), np.array([10.0]), np.array([2.0])
    assert net.time_to_survive(stock, rates, gone) == pytest.approx(5)
    assert net.time_to_survive(stock, rates, gone, missing=0.5) == pytest.approx(10)


@pytest.mark.parametrize("what", TABLE)
def test_where_all_may_be_missing_a_chain_survives_for_ever(what: str) -> None:
    """With units in hand the solver's presolve calls this programme infeasible."""
    net, stock, names = small()
    out, ahead = gone(names, what), np.array([5.0, 0.0])
    assert net.time_to_survive(stock, RATES, out, ahead, missing=1.0) == np.inf


def test_a_closed_lane_takes_away_what_comes_over_it_and_no_more() -> None:
    top = build(serial(5))
    lane = next(e.lane for e in top.links if e.kind == "ship")
    assert {top.links[e].lane for e in lane_out(top, str(lane)).flows} == {lane}
    assert not lane_out(top, str(lane)).customers
