"""Which way a measure moves when one thing changes, with common random numbers."""

import pytest

from tests.properties.chains import chain, plant
from twin.compile import Plan
from twin.engine import run_block
from twin.kpis import KPIS
from twin.run import run
from twin.schema import Scenario


def measure(scenario, name, replications=24):
    """Mean of a KPI over replications that have the same luck in every scenario."""
    return KPIS[name].function(run_block(Plan.of(scenario), replications, 0, seed=3)).mean()


def pair(**policy):
    """Two sites; the one that sells has the given policy."""
    return chain([{"level": 60}, policy], [3, 2], horizon=200)


def conwip(cap, lead=3):
    return chain([{"kind": "conwip", "wip_cap": cap}, {"level": 10}], [lead, 2], horizon=200)


def made(**production):
    return plant({"a": 60, "b": 30, "p": 30}, [2, 2, 1], **production)


def sloppy(shrink=0.0, misplacement=0.0, every=None):
    """A shop whose books go wrong, counted every so many periods."""
    rule = {"policy": {"level": 30}, "shrink": shrink, "misplacement": misplacement}
    counts = [{"kind": "cycle_count", "period": every}] if every else []
    return Scenario.model_validate(
        {
            "horizon": 300,
            "sites": [{"name": "shop"}],
            "items": [{"name": "x"}],
            "purchases": [{"site": "shop", "item": "x", "lead_time": 2}],
            "stock": [rule],
            "devices": counts,
            "demand": [
                {"site": "shop", "item": "x", "kind": "poisson", "mean": 10, "unmet": "lost"}
            ],
        }
    )


def struck(kind, **given):
    event = {"kind": kind, "start": 60, "duration": 20, **given}
    levels = [{"level": 45}, {"level": 30}]
    return chain(levels, [3, 2], horizon=200, disruptions=[event])


AT = {"where": {"site": "s1"}}
OUT = {"where": {"site": "s0"}}
HUMAN = {"kind": "human", "smoothing": 0.3, "adjustment": 0.3, "supply_line": 1.0}

# what changes, the KPI, and two scenarios of which the second one must have more of it
TABLE = [
    ("base-stock level", "fill_rate", pair(level=22), pair(level=30)),
    ("review period", "fill_rate", pair(level=35, review=3), pair(level=35)),
    ("reorder point", "fill_rate", pair(kind="r_Q", reorder_point=15, lot=20),
     pair(kind="r_Q", reorder_point=25, lot=20)),
    ("s and S", "fill_rate", pair(kind="s_S", reorder_point=15, level=40),
     pair(kind="s_S", reorder_point=25, level=50)),
    ("safety factor", "fill_rate", pair(safety_factor=0.5), pair(safety_factor=2.0)),
    ("MRP safety stock", "fill_rate", pair(kind="mrp", safety_stock=5.0),
     pair(kind="mrp", safety_stock=20.0)),
    ("plan safety stock", "fill_rate", pair(kind="push_plan", review=5, safety_stock=10.0),
     pair(kind="push_plan", review=5, safety_stock=40.0)),
    ("kanban cards", "fill_rate", pair(kind="kanban", lot=5.0, cards=4),
     pair(kind="kanban", lot=5.0, cards=7)),
    ("kanban container", "fill_rate", pair(kind="kanban", lot=4.0, cards=6),
     pair(kind="kanban", lot=6.0, cards=6)),
    ("human level", "fill_rate", pair(**HUMAN, level=10), pair(**HUMAN, level=40)),
    ("CONWIP cap", "turned", conwip(30), conwip(45)),
    ("lead time of a CONWIP line", "turned", conwip(45, lead=6), conwip(45)),
    ("making capacity", "fill_rate", made(capacity=9.0), made(capacity=15.0)),
    ("work-in-progress cap", "fill_rate", made(wip_cap=9.0), made(wip_cap=20.0)),
    ("yield", "fill_rate", made(capacity=12.0, **{"yield": 0.75}), made(capacity=12.0)),
    ("lot on making", "bullwhip", made(), made(order_multiple=40.0)),
    ("shrink", "fill_rate", sloppy(shrink=0.2), sloppy()),
    ("misplacement", "fill_rate", sloppy(misplacement=0.02), sloppy()),
    ("counting", "fill_rate", sloppy(shrink=0.3, every=60), sloppy(shrink=0.3, every=5)),
    ("outage", "fill_rate", struck("outage", **OUT), struck("outage", severity=0.3, **OUT)),
    ("surge", "fill_rate", struck("demand_change", factor=1.6, **AT),
     struck("demand_change", factor=1.1, **AT)),
    ("stretched lane", "fill_rate", struck("lead_time_stretch", lane="s0->s1", factor=3.0),
     struck("lead_time_stretch", lane="s0->s1", factor=1.5)),
    ("destroyed stock", "fill_rate", struck("stock_destruction", severity=1.0, **AT),
     struck("stock_destruction", severity=0.2, **AT)),
]  # fmt: skip


def turned(scenario):
    """Units delivered per replication."""
    return run_block(Plan.of(scenario), 24, 0, seed=3)["sinks.delivered"].sum(axis=0).mean()


@pytest.mark.parametrize(("kpi", "less", "more"), [row[1:] for row in TABLE],
                         ids=[row[0] for row in TABLE])  # fmt: skip
def test_more_of_it_moves_the_measure_up(kpi, less, more):
    low, high = (turned(s) if kpi == "turned" else measure(s, kpi) for s in (less, more))

    assert high > low


@pytest.mark.parametrize("kind", ["outage", "lane_closed", "dispatch_stop", "dock_closed"])
def test_a_longer_disruption_does_not_end_sooner(kind):
    where = {"lane": "s0->s1"} if kind == "lane_closed" else {"where": {"site": "s1"}}
    found = [
        run(struck(kind, **where, duration=n), replications=8, record=(), threads=1)
        for n in (4, 10, 16)
    ]

    for kpi in ("ttr", "loss_area"):
        values = [r[kpi] for r in found]
        assert values == sorted(values), kpi
        assert values[0] < values[-1], kpi


def test_more_work_in_progress_than_the_bottleneck_needs_adds_no_throughput():
    """CONWIP: throughput rises with the cap until the customers are the bottleneck."""
    caps = [turned(conwip(cap)) for cap in (20, 40, 60, 80, 200)]

    assert caps == sorted(caps)
    assert caps[-1] - caps[-2] < 0.01 * caps[-1] < caps[1] - caps[0]
