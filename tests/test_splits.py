"""Scarce stock, shared limits, losses and prices, worked out by hand."""

import pytest

from tests.service_cases import buy, hold, kpi, lane, run


# ----------------------------------------------------------------------------- allocation
def scarce(wants, stock=12.0, integer=False, ranks=(0, 0, 0), **rule):
    """dc with too little for stores a, b, c that build stock; nobody buys yet."""
    stores = "abc"[: len(wants)]
    trace = run(
        integer=integer,
        sites=["dc", *stores],
        purchases=[buy("dc", lead=9)],
        lanes=[lane("dc", s, rank=r) for s, r in zip(stores, ranks, strict=False)],
        stock=[hold("dc", stock, **rule)]
        + [hold(s, w, 0.0) for s, w in zip(stores, wants, strict=True)],
        demand={f"{s}/x": [0.0] for s in stores},
    )
    return tuple(trace.link["shipped"][f"dc->{s}/x"][0] for s in stores)


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("rule", "ranks", "shares"),
    [
        ("index", (1, 0, 2), (6.0, 6.0, 0.0)),  # b, then a, then c
        ("index", (0, 0, 1), (8.0, 4.0, 0.0)),  # a and b alike: 12 x 12/18, 12 x 6/18
        ("proportional", (1, 0, 2), (6.0, 3.0, 3.0)),  # 12 of 24: half of it each
        ("fair_share", (1, 0, 2), (4.0, 4.0, 4.0)),
    ],
)
def test_scarce_stock_is_split_by_the_allocation_rule(rule, ranks, shares):
    assert scarce((12.0, 6.0, 6.0), ranks=ranks, allocation=rule) == shares


def test_fair_share_gives_nobody_more_than_it_wants():
    # 12: c takes its 2, the others 5 each
    assert scarce((12.0, 6.0, 2.0), allocation="fair_share") == (5.0, 5.0, 2.0)


@pytest.mark.parametrize(("rule", "sink", "store"), [("priority", 6.0, 6.0), ("index", 0.0, 12.0)])
def test_priority_serves_customers_before_stores_and_index_goes_by_rank_alone(rule, sink, store):
    trace = run(
        sites=["dc", "a"],
        purchases=[buy("dc", lead=9)],
        lanes=[lane("dc", "a", rank=0)],
        stock=[hold("dc", 12.0, allocation=rule), hold("a", 12.0, 0.0)],
        demand={"dc/x": {"values": [6.0], "rank": 1}, "a/x": [0.0]},
    )

    assert trace.sink["delivered"]["dc/x/customers"] == [sink]
    assert trace.link["shipped"]["dc->a/x"] == [store]


@pytest.mark.parametrize(
    ("wants", "shares"),
    [
        ((7.0, 7.0, 7.0), (4.0, 3.0, 3.0)),  # 3.33 each: the odd unit goes by name
        ((8.0, 7.0, 6.0), (4.0, 3.0, 3.0)),  # 3.81, 3.33, 2.86: to c, then a
    ],
)
def test_whole_units_go_by_the_largest_remainder(wants, shares):
    assert scarce(wants, stock=10.0, integer=True, allocation="proportional") == shares


@pytest.mark.parametrize(
    ("first", "stock", "shares"),
    [
        (False, 10.0, (10.0, 0.0)),
        (True, 10.0, (4.0, 6.0)),
        (True, 20.0, (10.0, 6.0)),  # enough: nobody gets more than it wants
    ],
)
def test_customers_first_serves_need_before_stock_building(first, stock, shares):
    # a (rank 0) builds 10 of stock; b owes its customers 6
    trace = run(
        sites=["dc", "a", "b"],
        purchases=[buy("dc", lead=9)],
        lanes=[lane("dc", "a", rank=0), lane("dc", "b", rank=1)],
        stock=[
            hold("dc", stock, allocation="index", customers_first=first),
            hold("a", 10.0, 0.0),
            hold("b", 0.0),
        ],
        demand={"a/x": [0.0], "b/x": [6.0]},
    )

    assert tuple(trace.link["shipped"][f"dc->{s}/x"][0] for s in "ab") == shares


# ----------------------------------------------------------------------------- limits and loss
def test_a_shared_resource_is_split_in_proportion_to_the_hours_wanted():
    # 12 hours; 6 p at 1 h and 6 q at 2 h want 18: two thirds of each, 4 and 4 units
    trace = run(
        sites=["plant"],
        items=["p", "q"],
        resources=[{"name": "oven", "site": "plant", "capacity": 12}],
        production=[
            {"site": "plant", "item": i, "lead_time": 1, "resources": {"oven": h}}
            for i, h in (("p", 1.0), ("q", 2.0))
        ],
        stock=[hold("plant", 6.0, 0.0)],
        demand={"plant/p": [0.0, 0.0], "plant/q": [0.0, 0.0]},
    )

    shipped = trace.link["shipped"]
    assert shipped["make:plant/p"] == pytest.approx([4.0, 2.0])
    assert shipped["make:plant/q"] == pytest.approx([4.0, 2.0])


def test_a_lane_dispatches_no_more_than_its_limit_all_items_together():
    # 8 a period for 10 x and 6 y: 5 and 3, twice
    trace = run(
        sites=["dc", "store"],
        items=["x", "y"],
        purchases=[buy("dc", i, 9) for i in "xy"],
        lanes=[lane("dc", "store", dispatch_limit=8)],
        stock=[hold("dc", 50.0), {"where": {"site": "store", "item": "x"}, "policy": {"level": 10},
               "initial_stock": 0}, {"where": {"site": "store", "item": "y"},
               "policy": {"level": 6}, "initial_stock": 0}],
        demand={"store/x": [0.0] * 3, "store/y": [0.0] * 3},
    )  # fmt: skip

    assert trace.link["shipped"]["dc->store/x"] == [5.0, 5.0, 0.0]
    assert trace.link["shipped"]["dc->store/y"] == [3.0, 3.0, 0.0]


def test_a_yield_in_whole_units_carries_the_part_of_a_unit():
    # 3 started a period give 2.25 good: 2, 2, 2 and then 3, from the fourth receipt on
    trace = run(
        integer=True,
        sites=["plant"],
        production=[{"site": "plant", "item": "x", "yield": 0.75, "capacity": 3, "lead_time": 1}],
        stock=[hold("plant", 100.0, 0.0)],
        demand={"plant/x": [0.0] * 6},
    )

    assert trace.point["on_hand"]["plant/x"] == [0.0, 2.0, 4.0, 6.0, 9.0, 11.0]


@pytest.mark.nojit
def test_stock_expires_first_in_first_out():
    # 10 from the start and 5 that come in period 1 keep 2 periods; 3 are sold a period.
    # t = 2: of the first 10, 6 are sold: 4 expire. t = 3: of 15, 6 + 4 + 3 = 13 are gone: 2 expire
    trace = run(
        sites=["shop"],
        items=[{"name": "x", "shelf_life": 2}],
        purchases=[buy("shop", lead=2)],
        stock=[hold("shop", 0.0, 10.0, initial_in_transit=[0.0, 5.0])],
        demand={"shop/x": {"values": [3.0] * 5, "unmet": "lost"}},
    )

    assert trace.point["lost"]["shop/x"] == [0.0, 0.0, 4.0, 2.0, 0.0]
    assert trace.point["on_hand"]["shop/x"] == [7.0, 9.0, 2.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("kind", "money"),
    [
        # orders of 10, 25 and 60 at 1.00, from 20 at 0.90, from 50 at 0.80
        ("all_units", 10 * 1.0 + 25 * 0.9 + 60 * 0.8),
        ("incremental", 10 + (20 + 5 * 0.9) + (20 + 30 * 0.9 + 10 * 0.8)),
    ],
)
def test_price_breaks_lower_the_price_of_all_units_or_of_those_above(kind, money):
    breaks = [{"quantity": 20, "price": 0.9}, {"quantity": 50, "price": 0.8}]
    paid = kpi(
        "purchase_cost",
        sites=["shop"],
        purchases=[buy("shop", breaks=breaks, break_kind=kind)],
        stock=[hold("shop", 100.0)],
        demand={"shop/x": [10.0, 25.0, 60.0, 0.0]},
    )

    assert paid == pytest.approx(money)


@pytest.mark.parametrize(
    ("integer", "sent"),
    [
        (False, {"dc->a/x": 1.5, "dc->b/x": 2.5}),
        (True, {"dc->a/x": 1.0, "dc->b/x": 2.0}),  # nobody gets more than half of its order
    ],
)
def test_half_an_outage_halves_what_a_site_sends_in_whole_units_rounded_down(integer, sent):
    trace = run(
        integer=integer,
        sites=["dc", "a", "b"],
        purchases=[buy("dc", lead=9)],
        lanes=[lane("dc", s) for s in "ab"],
        stock=[hold("dc", 50.0), hold("a", 3.0, 0.0), hold("b", 5.0, 0.0)],
        demand={"a/x": [0.0], "b/x": [0.0]},
        disruptions=[{"kind": "outage", "severity": 0.5, "where": {"site": "dc"}}],
    )

    assert {name: trace.link["shipped"][name][0] for name in sent} == sent


@pytest.mark.nojit
@pytest.mark.parametrize(
    "sources", [{}, {"priority": ["s1", "s2"]}, {"shares": {"s1": 1, "s2": 0}}]
)
def test_rounding_noise_never_becomes_a_smallest_order(sources):
    # 0.1 + 0.2 + ... leave a gap of about 1e-17 to the level of 0.6: no reason to order 5
    two = sources != {}
    suppliers = ("s1", "s2") if two else ("s1",)
    trace = run(
        sites=["shop"],
        purchases=[buy("shop", supplier=s, lead=9, order_min=5.0) for s in suppliers],
        sourcing=[{"site": "shop", **sources}] if two else [],
        stock=[hold("shop", 0.6, 0.1 + 0.2, initial_in_transit=[0.3 - 1e-15])],
        demand={"shop/x": [0.0, 0.0]},
    )

    assert sum(trace.point["order"]["shop/x"]) == 0.0
