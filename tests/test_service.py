"""Promises, queues and counts of service, worked out by hand."""

import pytest

from tests.service_cases import buy, hold, kpi, lane, run


# ------------------------------------------------------------------------------- quotes
def quoted(tolerance, stock=25.0, store=None, demand=None, **dc):
    """dc (cut; buys, L = 5) -> store (order-driven, L = 2); customers who go elsewhere."""
    stages = [{"name": n, "stage": n} for n in ("dc", "store")]
    rules = [hold("dc", stock, **dc)] + ([hold("store", 0, store)] if store else [])
    lost = {"unmet": "lost", "tolerance": tolerance}
    demand = demand or {"store/x": [10.0] * 12}
    return {
        "sites": stages,
        "items": [{"name": "x", "family": "f"}],
        "families": [{"name": "f", "decoupling_point": "dc"}],
        "lanes": [lane("dc", "store", 2)],
        "purchases": [buy("dc", lead=5)],
        "stock": rules,
        "demand": {k: {"values": v, **lost} for k, v in demand.items()},
    }


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("tolerance", "accepted"),
    [
        # the lane alone takes 2 periods: nothing can be promised
        (1, [0.0] * 12),
        # from stock now: 25 = 10 + 10 + 5, then what comes in: orders of 10, 10, 5 return after 5
        (2, [10.0, 10, 5, 0, 0, 10, 10, 5, 0, 0, 10, 10]),
        # the receipt of the next period counts too: in period 4 that of period 5, and so on
        (3, [10.0, 10, 5, 0, 10, 10, 5, 0, 10, 10, 5, 0]),
        # longer than lane and refill together (2 + 5): everything
        (7, [10.0] * 12),
    ],
)
def test_a_quote_is_what_the_cut_has_within_the_customers_tolerance(tolerance, accepted):
    trace = run(**quoted(tolerance))
    sink = "store/x/customers"

    assert trace.sink["accepted"][sink] == accepted
    assert trace.sink["lost"][sink] == [10.0 - a for a in accepted]
    counted = 12 - tolerance
    assert trace.on_time[sink][:counted] == accepted[:counted]  # a kept promise is on time


def test_run_out_stock_at_the_store_is_promised_before_the_cut_is_asked():
    # 4 at the store, 5 at the dc: 9 of 10 accepted, 4 of them served at once
    trace = run(**quoted(2, stock=5.0, store=4.0, demand={"store/x": [10.0]}))

    assert trace.sink["accepted"]["store/x/customers"] == [9.0]
    assert trace.sink["delivered"]["store/x/customers"] == [4.0]
    assert trace.sink["lost"]["store/x/customers"] == [1.0]


@pytest.mark.parametrize(
    ("rule", "shares"),
    [
        ("proportional", (9.0, 3.0)),  # 12 over claims of 15 and 5
        ("fair_share", (9.0, 3.0)),  # promises share in proportion under fair share as well
        ("index", (7.0, 5.0)),  # "b" has the smaller rank
        ("priority", (7.0, 5.0)),
    ],
)
def test_customers_who_are_promised_from_one_stock_share_it_by_its_rule(rule, shares):
    parts = quoted(2, stock=12.0, allocation=rule, demand={"store/x/a": [15.0], "store/x/b": [5.0]})
    parts["demand"]["store/x/a"]["rank"] = 1
    trace = run(**parts)

    assert tuple(trace.sink["accepted"][f"store/x/{c}"][0] for c in "ab") == shares


@pytest.mark.parametrize(("integer", "accepted"), [(False, 5.5), (True, 5.0)])
def test_a_quote_is_limited_by_the_scarcest_component_of_the_cut(integer, accepted):
    # 2 a + 1 b each; 11 a make 5.5, 8 b make 8; whole units are rounded down
    rows = [("sup", "a", 11.0), ("sup", "b", 8.0)]
    trace = run(
        integer=integer,
        sites=[{"name": "sup", "stage": "parts"}, {"name": "plant", "stage": "plant"}],
        items=["a", "b", {"name": "p", "family": "f"}],
        families=[{"name": "f", "decoupling_point": "parts"}],
        lanes=[lane("sup", "plant", 1)],
        purchases=[buy("sup", i, 9) for _, i, _ in rows],
        production=[
            {"site": "plant", "item": "p", "inputs": [{"item": "a", "usage": 2}, {"item": "b"}]}
        ],
        stock=[{"where": {"site": s, "item": i}, "policy": {"level": n}} for s, i, n in rows],
        demand={"plant/p": {"values": [10.0], "unmet": "lost", "tolerance": 1}},
    )

    assert trace.sink["accepted"]["plant/p/customers"] == [accepted]


# --------------------------------------------------------------------- patience and counting
def waiting(lead=4, **customer):
    """6 on hand, 10 wanted in period 0 only; what is ordered then comes in period ``lead``."""
    return {
        "sites": ["shop"],
        "purchases": [buy("shop", lead=lead)],
        "stock": [hold("shop", 6.0)],
        "demand": {"shop/x": {"values": [10.0, 0, 0, 0, 0, 0], **customer}},
    }


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("patience", "delivered", "lost"),
    [
        (0, [6.0, 0, 0, 0, 0, 0], [4.0, 0, 0, 0, 0, 0]),
        (2, [6.0, 0, 0, 0, 0, 0], [0.0, 0, 4, 0, 0, 0]),
        (4, [6.0, 0, 0, 0, 4, 0], [0.0] * 6),  # the receipt of period 4 comes first
        (None, [6.0, 0, 0, 0, 4, 0], [0.0] * 6),
    ],
)
def test_customers_leave_when_their_patience_is_over(patience, delivered, lost):
    trace = run(**waiting(patience=patience))

    assert trace.sink["delivered"]["shop/x/customers"] == delivered
    assert trace.sink["lost"]["shop/x/customers"] == lost


@pytest.mark.parametrize(
    ("patience", "tolerance", "on_time", "otif"),
    [
        (None, 0, 0.6, 0.0),
        (None, 3, 0.6, 0.0),
        (None, 4, 1.0, 1.0),  # the rest comes in period 4
        (0, 0, 0.6, 0.0),  # who leaves is closed, but never on time
        (2, 2, 0.6, 0.0),
        (3, 1, 0.6, 0.0),
        (4, 4, 1.0, 1.0),
    ],
)
def test_on_time_fill_and_complete_orders_count_leavers_as_failures(
    patience, tolerance, on_time, otif
):
    parts = waiting(patience=patience, tolerance=tolerance)

    assert kpi("on_time", **parts) == pytest.approx(on_time)
    assert kpi("otif", **parts) == otif
    assert kpi("fill_rate", **parts) == pytest.approx(0.6)  # 6 of 10, whatever comes later


def test_an_order_is_complete_when_all_its_lines_are_by_the_longest_tolerance():
    # x is short by 4 until period 4; y is there. One customer, two lines: one order.
    def otif(tolerance_of_y):
        return kpi(
            "otif",
            sites=["shop"],
            items=["x", "y"],
            purchases=[buy("shop", i, 4) for i in "xy"],
            stock=[hold("shop", 6.0)],
            demand={
                "shop/x": {"values": [10.0, 0, 0, 0, 0, 0]},
                "shop/y": {"values": [5.0, 0, 0, 0, 0, 0], "tolerance": tolerance_of_y},
            },
        )

    assert otif(0) == 0.0
    assert otif(4) == 1.0  # the order waits for its slowest line


def test_the_first_to_come_is_served_first():
    # 10 a period, 5 come in each: the units delivered in t were ordered in t // 2
    trace = run(
        sites=["shop"],
        production=[{"site": "shop", "item": "x", "capacity": 5, "lead_time": 0}],
        stock=[hold("shop", 0.0)],
        demand={"shop/x": {"values": [10.0] * 8, "tolerance": 2}},
    )

    # units of periods 0, 1, 2 end at 10, 20, 30; by t + 2 there are 5 (t + 3): 15, 20, 25, 30
    assert trace.on_time["shop/x/customers"][:6] == [10.0, 10.0, 5.0, 0.0, 0.0, 0.0]
    assert trace.filled["shop/x/customers"] == [5.0] + [0.0] * 7


# ----------------------------------------------------------------------------- lost sales
@pytest.mark.parametrize(
    ("rule", "ranks", "integer", "sold"),
    [
        ("proportional", (0, 0), False, (4.5, 4.5)),
        ("proportional", (0, 0), True, (5.0, 4.0)),  # the odd unit goes by name
        ("index", (1, 0), False, (3.0, 6.0)),
        ("fair_share", (0, 0), False, (4.5, 4.5)),
    ],
)
def test_lost_sale_customers_share_what_is_on_hand(rule, ranks, integer, sold):
    customers = {
        f"shop/x/{c}": {"values": [6.0], "unmet": "lost", "rank": r}
        for c, r in zip("ab", ranks, strict=True)
    }
    trace = run(integer=integer, sites=["shop"], purchases=[buy("shop")],
                stock=[hold("shop", 9.0, allocation=rule)], demand=customers)  # fmt: skip

    assert tuple(trace.sink["delivered"][s][0] for s in customers) == sold
    assert tuple(trace.sink["lost"][s][0] for s in customers) == tuple(6 - x for x in sold)


def test_customers_who_wait_claim_their_share_of_the_promise():
    # 9 for claims of 6 and 6: the impatient one gets 4.5 at once, the other what is left
    customers = {"shop/x/a": [6.0], "shop/x/b": {"values": [6.0], "unmet": "lost"}}
    trace = run(sites=["shop"], purchases=[buy("shop")], stock=[hold("shop", 9.0)],
                demand=customers)  # fmt: skip

    assert trace.sink["delivered"] == {"shop/x/a": [4.5], "shop/x/b": [4.5]}
    assert trace.sink["owed"]["shop/x/a"] == [1.5]


@pytest.mark.nojit
def test_a_shop_that_keeps_nothing_orders_what_its_customers_order():
    # lead time 2: the 3 of period 0 come in period 2, and so on; two periods of orders wait
    trace = run(
        sites=["shop"],
        purchases=[buy("shop", lead=2)],
        stock=[{"policy": {"kind": "order_driven"}}],
        demand={"shop/x": {"values": [3.0] * 6, "tolerance": 2}},
    )

    assert trace.point["order"]["shop/x"] == [3.0] * 6
    assert trace.sink["owed"]["shop/x/customers"] == [3.0, 6.0, 6.0, 6.0, 6.0, 6.0]
    assert trace.on_time["shop/x/customers"][:4] == [3.0] * 4
