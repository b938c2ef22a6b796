"""KPIs against closed forms and numbers worked out by hand on hand-made outcomes."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from tests.kpi_cases import factory, outcome, shop
from twin.compile import Plan
from twin.edits import apply
from twin.engine import run_block
from twin.errors import RunError
from twin.kpis import GROUPS, KPIS, bullwhip_at, compute, ordered
from twin.kpis.service import cycle_time
from twin.load import load
from twin.money import LINES, costs, mean_price, received


def value(name: str, *outcomes: object) -> float:
    found = KPIS[name].function(*outcomes)
    return float(np.asarray(found).ravel()[0])


# --------------------------------------------------------------------------------- registry


@pytest.mark.parametrize("name", sorted(KPIS))
def test_every_kpi_says_its_unit_direction_group_and_formula(name: str) -> None:
    entry = KPIS[name]
    assert entry.extra["better"] in ("higher", "lower", "zero")
    assert entry.extra["group"] in GROUPS
    assert entry.extra["unit"]
    assert entry.extra["within"].low < entry.extra["within"].high
    assert len(entry.text) > 20


def test_every_kpi_is_worked_out_in_the_smallest_scenario() -> None:
    result = twin.run(shop(horizon=1, replications=1, disruptions=[{"kind": "outage"}]))
    assert list(result.values) == ordered()
    assert all(x.shape == (1,) and x.dtype == np.float64 for x in result.values.values())


def test_a_kpi_gives_one_number_per_replication_and_does_not_look_at_its_neighbours() -> None:
    plan = Plan.of(apply(load("electronics"), {"horizon": 60, "warmup": 20}))
    series = ("sinks.ordered_total", "sinks.closed_total", "sinks.owed", "sinks.lost")
    together = compute(run_block(plan, 3, 0, 1, series))
    alone = [compute(run_block(plan, 1, k, 1, series)) for k in range(3)]
    for name, values in together.items():
        np.testing.assert_array_equal(values, [one[name][0] for one in alone], err_msg=name)


# ---------------------------------------------------------------------------------- service


def test_service_shares_are_ratios_of_their_sums() -> None:
    o = outcome(
        shop(), sinks__demand=100, sinks__filled=80, sinks__on_time=45, sinks__due=50,
        sinks__lost=5, sinks__owed=30, sinks__delivered=90, sinks__short=4, sinks__orders=8,
        sinks__orders_complete=6,
    )  # fmt: skip
    expected = {
        "fill_rate": 0.8, "on_time": 0.9, "lost_share": 0.05, "gamma_service": 0.7,
        "order_cycle_time": 30 / 90, "cycle_service": 1 - 4 / 10, "otif": 0.75,
    }  # fmt: skip
    assert {name: value(name, o) for name in expected} == pytest.approx(expected)


def test_shares_of_nothing_are_undefined() -> None:
    o = outcome(shop())
    for name in ("fill_rate", "on_time", "otif", "lost_share", "order_cycle_time", "dio"):
        assert np.isnan(value(name, o)), name


def test_waiting_times_are_the_horizontal_distances_of_the_curves() -> None:
    """Ten units a period; each half of an order is delivered after 1 and 3 periods."""
    ordered_total = 10.0 * np.arange(1, 11)
    at_once = np.minimum(ordered_total, np.concatenate([[0], ordered_total[:-1]]) + 0)
    late = np.concatenate([np.zeros(3), ordered_total[:-3]])
    closed = np.maximum(late, 0.5 * (at_once + late))
    series = {
        "sinks.ordered_total": ordered_total[:, None, None],
        "sinks.closed_total": closed[:, None, None],
    }
    waits = [
        next((w for w in range(10 - s) if closed[s + w] >= x - 1e-9), np.inf)
        for s in range(10)
        for x in np.arange(10 * s + 0.5, 10 * s + 10)
    ]
    o = outcome(shop(), series=series)
    for share in (0.1, 0.5, 0.6):
        assert cycle_time(o, share)[0] == np.quantile(waits, share, method="inverted_cdf")


def test_a_waiting_time_still_running_at_the_end_is_unknown() -> None:
    total = 10.0 * np.arange(1, 11)
    series = {
        "sinks.ordered_total": total[:, None, None],
        "sinks.closed_total": np.zeros((10, 1, 1)),
    }
    assert np.isnan(cycle_time(outcome(shop(), series=series), 0.5)[0])


def test_a_spell_of_periods_out_of_stock_counts_once() -> None:
    owed = np.array([0, 1, 2, 0, 0, 3, 0, 0, 0, 1.0])[:, None, None]
    o = outcome(shop(), series={"sinks.owed": owed, "sinks.lost": np.zeros_like(owed)})
    assert value("stockout_frequency", o) == pytest.approx(3 * 365 / 10)


# ------------------------------------------------------------------------------------ stock


def test_stock_measures_are_means_at_period_end() -> None:
    o = outcome(shop(), rows__on_hand=300, links__on_way=200, links__gate=20, sinks__delivered=90)
    sold_a_year = 90 * 4 * 365 / 10
    expected = {
        "inventory": 30, "inventory_value": 120, "pipeline": 22, "pipeline_value": 0,
        "dio": 365 * 120 / sold_a_year, "turns": sold_a_year / 120,
    }  # fmt: skip
    assert {name: value(name, o) for name in expected} == pytest.approx(expected)


def test_the_write_off_rate_is_value_lost_over_value_that_came_in() -> None:
    o = outcome(shop(), rows__expired=6, rows__destroyed=4, links__shipped=50)
    assert value("write_off_rate", o) == pytest.approx(10 / 50)


def test_making_adds_the_value_of_the_product_less_its_components() -> None:
    """Ten tables at 20 from forty pieces of wood at 2 that were bought: 200 of value came in."""
    scenario = factory()
    links = {e.kind: e.index for e in Plan.of(scenario).topology.links}
    shipped = np.zeros((3, 1))
    shipped[links["buy"]], shipped[links["make"]], shipped[links["ship"]] = 40, 10, 10
    o = outcome(scenario, links__shipped=shipped, rows__destroyed=1)
    values = sum(p.item.value for p in o.plan.topology.points)
    assert value("write_off_rate", o) == pytest.approx(values / 200)


def test_the_write_off_rate_is_undefined_where_making_costs_more_value_than_it_adds() -> None:
    items = [{"name": "wood", "value": 2}, {"name": "table", "value": 1}]
    links = {e.kind: e.index for e in Plan.of(factory()).topology.links}
    shipped = np.zeros((3, 1))
    shipped[links["make"]] = 10
    o = outcome(factory(items=items), links__shipped=shipped, rows__destroyed=1)
    assert np.isnan(value("write_off_rate", o))


def test_record_accuracy_counts_stock_points_and_periods() -> None:
    assert value("record_accuracy", outcome(shop(), rows__wrong_record=3)) == pytest.approx(0.7)


# ------------------------------------------------------------------------------------- cost


def test_cost_lines_are_rates_times_sums() -> None:
    o = outcome(
        shop(), rows__on_hand=300, rows__backlog=20, rows__lost=2, rows__expired=1,
        links__orders=5, links__shipped=90, sinks__lost=7, sinks__delivered=80,
    )  # fmt: skip
    expected = {
        "holding_cost": 150, "backlog_cost": 40, "shrink_cost": 8, "write_off_cost": 4,
        "order_cost": 15, "purchase_cost": 360, "lost_sales_cost": 14, "transit_cost": 0,
        "freight_cost": 0, "device_cost": 0, "move_cost": 0, "revenue": 480,
    }  # fmt: skip
    assert {name: value(name, o) for name in expected} == pytest.approx(expected)
    assert value("total_cost", o) == pytest.approx(591)
    assert value("running_cost", o) == pytest.approx(231)
    assert value("cost_per_period", o) == pytest.approx(59.1)
    assert value("profit", o) == pytest.approx(480 - 80 * 4 - (231 - 14))


def test_goods_are_paid_when_received_not_when_shipped() -> None:
    o = outcome(shop(), links__shipped=90)
    o.final["links.on_way"][:] = 30
    o.opening["links.on_way"][:] = 10
    assert received(o)[0, 0] == 70
    assert value("purchase_cost", o) == 280


def test_price_breaks_set_the_mean_price_of_what_is_received() -> None:
    cheap = {"site": "shop", "item": "tea", "lead_time": 2,
             "breaks": [{"quantity": 0, "price": 4}, {"quantity": 50, "price": 3}]}  # fmt: skip
    o = outcome(shop(purchases=[cheap]), links__shipped=10, links__placed=100, links__purchase=350)
    assert mean_price(o)[0, 0] == 3.5
    assert value("purchase_cost", o) == 35
    assert value("profit", o) == pytest.approx(-value("running_cost", o) + 5)


def test_goods_on_the_way_are_paid_by_the_sender_and_freight_too() -> None:
    scenario = factory(costs={"capital_rate": 3.65})
    o = outcome(scenario, links__on_way=10, links__shipped=7, links__dispatches=2)
    top = o.plan.topology
    paid = {p.name: {k: float(x[p.index, 0]) for k, x in costs(o).items()} for p in top.points}
    assert paid["works/table"]["transit"] == pytest.approx(10 * 0.2)
    assert paid["works/wood"]["transit"] == pytest.approx(10 * 4 * 0.02)
    assert paid["store/table"]["transit"] == 0
    assert paid["works/table"]["freight"] == 7 * 1 + 2 * 5


def test_a_lane_may_have_its_own_rate_for_goods_on_the_way() -> None:
    lane = {"from": "works", "to": "store", "lead_time": 3, "transit_holding_cost": 0.7}
    o = outcome(factory(lanes=[lane], costs={"capital_rate": 0}), links__on_way=10)
    assert value("transit_cost", o) == pytest.approx(7)


def test_goods_at_a_gate_are_paid_by_the_receiver_at_the_senders_rate() -> None:
    o = outcome(factory(costs={"capital_rate": 3.65}), links__gate=[[10], [0], [0]])
    store = o.plan.topology.row("store", "table")
    assert o.plan.topology.links[0].to == store
    assert costs(o)["holding"][store, 0] == pytest.approx(10 * 0.2)


def test_costs_of_all_lines_and_places_add_up_to_the_total() -> None:
    scenario = factory(
        disruptions=[{"kind": "stock_destruction", "start": 3, "severity": 0.5}],
        devices=[{"kind": "scale", "cost": 2}],
    )
    o = run_block(Plan.of(scenario), 2, 0, 1)
    lines = sum(costs(o)[line].sum(axis=0) for line in LINES)
    np.testing.assert_allclose(KPIS["total_cost"].function(o), lines, rtol=1e-12)


def test_every_cost_line_is_worked_out_and_is_a_kpi_of_its_own() -> None:
    o = outcome(shop(), rows__on_hand=300, rows__backlog=20, links__shipped=90, sinks__lost=7)
    assert list(costs(o)) == list(LINES)
    for line, meaning in LINES.items():
        entry = KPIS[f"{line}_cost"]
        assert entry.text == meaning
        assert entry.function(o) == costs(o)[line].sum()


def test_the_cash_cycle_is_that_of_who_sells() -> None:
    terms = {"receivable_days": 30, "payable_days": 45}
    o = outcome(factory(costs=terms), rows__on_hand=60, sinks__delivered=90)
    held, sold = 60 * 20 / 30, 90 * 20 / 30
    assert value("ccc", o) == pytest.approx(held / sold + 30 - 45)


# ------------------------------------------------------------------------- orders, forecasts


def moments(x: np.ndarray) -> tuple[float, float]:
    return float(x.sum()), float((x * x).sum())


def test_bullwhip_is_the_ratio_of_variances_over_means() -> None:
    rng = np.random.default_rng(1)
    d, q = rng.poisson(10, 10).astype(float), rng.poisson(10, 10) * 2.0
    (d1, d2), (q1, q2) = moments(d), moments(q)
    o = outcome(
        shop(), rows__incoming=d1, rows__incoming_squared=d2, rows__order=q1, rows__order_squared=q2
    )
    expected = (q.var() / q.mean()) / (d.var() / d.mean())
    assert value("bullwhip", o) == pytest.approx(expected)


def test_orders_that_pass_demand_on_have_no_bullwhip() -> None:
    result = twin.run(shop(horizon=400, replications=2))
    assert result["bullwhip"] == pytest.approx(1)


def test_bullwhip_of_a_stage_looks_at_the_orders_that_leave_it() -> None:
    o = run_block(Plan.of(factory(horizon=300)), 2, 0, 1)
    assert bullwhip_at(o, "store") == pytest.approx(1)
    wood = o.plan.topology.row("works", "wood")
    n = o.n_periods
    var = (o["rows.order_squared"] - o["rows.order"] ** 2 / n)[wood] / (n - 1)
    store = o.plan.topology.row("store", "table")
    base = (o["rows.incoming_squared"] - o["rows.incoming"] ** 2 / n)[store] / (n - 1)
    ratio = (var / o["rows.order"][wood]) / (base / o["rows.incoming"][store])
    np.testing.assert_allclose(bullwhip_at(o, "plant"), ratio)


def test_an_unknown_stage_has_no_bullwhip() -> None:
    with pytest.raises(RunError, match="did you mean 'store'"):
        bullwhip_at(outcome(factory()), "stor")


def test_net_stock_amplification_compares_stock_with_demand() -> None:
    net, d = np.array([5.0, -2, 3, 0, 1, 4, 4, -1, 2, 0]), np.array([9.0, 12, 8, 11, 10] * 2)
    o = outcome(
        shop(), rows__on_hand=net[net > 0].sum(), rows__backlog=-net[net < 0].sum(),
        rows__net_squared=(net**2).sum(), rows__incoming=d.sum(),
        rows__incoming_squared=(d**2).sum(),
    )  # fmt: skip
    assert value("nsamp", o) == pytest.approx(net.var() / d.var())


def test_forecast_errors_follow_their_formulas() -> None:
    """The reported sums are of A - F: 2, -1, -3 on A = 10, 12, 8."""
    scenario = shop(stock=[{"policy": {"kind": "base_stock"}}], horizon=3)
    seen = np.array([10.0, 12, 8])[:, None, None]
    o = outcome(
        scenario, series={"rows.signal": seen}, rows__error_abs=6, rows__error=-2,
        rows__error_squared=14, rows__signal=30,
    )  # fmt: skip
    assert value("wape", o) == pytest.approx(6 / 30)
    assert value("bias", o) == pytest.approx(2 / 30)
    assert value("rmse", o) == pytest.approx(np.sqrt(14 / 3))
    assert value("mase", o) == pytest.approx((6 / 3) / ((2 + 4) / 2))


def test_without_a_forecast_there_is_no_forecast_error() -> None:
    o = outcome(shop())
    assert all(np.isnan(value(name, o)) for name in ("wape", "bias", "rmse", "mase"))


# --------------------------------------------------------------- the engine's own numbers


def test_kpis_of_a_run_equal_those_worked_out_naively_from_its_series() -> None:
    """A shop under lost sales, period by period from the recorded series."""
    lost = [{"site": "shop", "item": "tea", "kind": "poisson", "mean": 10, "unmet": "lost"}]
    stock = [{"policy": {"kind": "base_stock", "level": 33}, "holding_cost": 0.5}]
    names = ("sinks.demand", "sinks.delivered", "sinks.lost", "rows.on_hand", "links.placed")
    scenario = shop(demand=lost, stock=stock, horizon=200, warmup=20)
    o = run_block(Plan.of(scenario), 2, 0, 1, names)
    demand, delivered, gone, on_hand, placed = (o.series[n][20:, 0] for n in names)
    expected = {
        "fill_rate": delivered.sum(0) / demand.sum(0),
        "on_time": delivered.sum(0) / demand.sum(0),
        "lost_share": gone.sum(0) / demand.sum(0),
        "cycle_service": 1 - (gone > 0).mean(0),
        "inventory": on_hand.mean(0),
        "holding_cost": 0.5 * on_hand.sum(0),
        "order_cost": 3 * (placed > 0).sum(0),
        "lost_sales_cost": 2 * gone.sum(0),
    }
    for name, numbers in expected.items():
        np.testing.assert_allclose(KPIS[name].function(o), numbers, rtol=1e-12, err_msg=name)
