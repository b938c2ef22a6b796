"""Laws that every run of the kernel obeys, whatever the scenario."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.properties.chains import chain, plant, shop
from tests.reference.fast_trace import fast_trace
from tests.reference.laws import ALL_LAWS, NOISE
from tests.reference.luck import Luck
from tests.reference.naive import simulate
from tests.reference.random_networks import ALL_FEATURES, FEATURES, random_scenario
from twin import topology
from twin.compile import Plan
from twin.engine import run_block
from twin.money import costs

LAW = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
SEEDS = st.integers(0, 10**6)
FEW, MANY = (st.frozensets(st.sampled_from(FEATURES), max_size=n) for n in (3, None))
SOME_FEATURES = st.one_of(FEW, MANY)  # each feature is seen without most of the others as well
TEXTBOOK = st.frozensets(st.sampled_from(["lost", "sourcing", "limits", "random", "allocation"]))


def kernel(scenario):
    network = topology.build(scenario)
    return network, fast_trace(network, scenario.seed)


def position(trace, name, t):
    """Inventory position at the end of a period."""
    record, coming, owed = (trace.point[s][name][t] for s in ("record", "on_order", "backlog"))
    return record + coming - owed


def filled(scenario, replications=4):
    """Units served at once, by sink and replication."""
    plan = Plan.of(scenario)
    return run_block(plan, replications, 0, seed=1)["sinks.filled"]


@pytest.mark.parametrize("feature", FEATURES)
def test_the_laws_hold_with_one_feature_alone(feature):
    for seed in range(4):
        network, trace = kernel(random_scenario(seed, {feature}))

        assert [v for law in ALL_LAWS for v in law(network, trace)] == [], seed


@LAW
@given(SEEDS, SOME_FEATURES)
def test_rows_links_orders_and_customers_are_conserved_and_nothing_is_negative(seed, features):
    network, trace = kernel(random_scenario(seed, features))

    assert [v for law in ALL_LAWS for v in law(network, trace)] == []


@pytest.mark.nojit
@pytest.mark.parametrize("seed", range(4))
def test_the_laws_hold_without_the_jit(seed):
    network, trace = kernel(random_scenario(seed, ALL_FEATURES))

    assert [v for law in ALL_LAWS for v in law(network, trace)] == []


@LAW
@given(SEEDS, SOME_FEATURES)
def test_on_order_and_backlog_are_the_sums_of_what_the_links_and_sinks_hold(seed, features):
    network, trace = kernel(random_scenario(seed, features))

    for p in network.points:
        for t in range(trace.horizon):
            coming = sum(
                e.yield_ * trace.link[part][e.name][t]
                for e in (network.links[i] for i in network.in_links[p.index])
                for part in ("mail", "owed", "in_transit", "gate")
            )
            owed = sum(
                trace.sink["owed"][network.sinks[s].name][t] for s in network.sinks_of[p.index]
            ) + sum(
                usage * trace.link["owed"][network.links[e].name][t]
                for e, usage in network.out_links[p.index]
            )

            assert trace.point["on_order"][p.name][t] == pytest.approx(coming, abs=NOISE), p.name
            assert trace.point["backlog"][p.name][t] == pytest.approx(owed, abs=NOISE), p.name


@LAW
@given(SEEDS, SOME_FEATURES)
def test_money_balances_with_every_flow_of_the_naive_simulator(seed, features):
    scenario = random_scenario(seed, features).with_changes(warmup=0)
    network = topology.build(scenario)
    theirs = simulate(network, Luck(network, scenario.seed, 0))
    ours = costs(run_block(Plan.of(network), 1, 0, scenario.seed))
    value = {p.name: p.item.value for p in network.points}
    lost = sum(value[name] * sum(row) for name, row in theirs.point["lost"].items())
    expected = {
        **{kind: sum(map(sum, rows.values())) for kind, rows in theirs.cost.items()},
        "order": sum(theirs.order_cost.values()),
        "purchase": sum(theirs.purchase.values()),
        "freight": sum(theirs.freight.values()),
    }

    for line, money in expected.items():
        assert ours[line].sum() == pytest.approx(money, rel=1e-6, abs=1e-6), line
    gone = ours["write_off"].sum() + ours["shrink"].sum()
    assert gone == pytest.approx(lost, rel=1e-6, abs=1e-6)


@LAW
@given(SEEDS, TEXTBOOK)
def test_an_order_never_lifts_the_position_above_the_base_stock_level(seed, features):
    network, trace = kernel(random_scenario(seed, features))

    for p in network.points:
        if p.settings.policy.kind != "base_stock":
            continue
        for t in range(trace.horizon):
            if trace.point["order"][p.name][t] > 0:
                assert position(trace, p.name, t) <= p.settings.policy.level + NOISE, (p.name, t)


@LAW
@given(
    lead=st.integers(0, 4),
    delay=st.integers(0, 2),
    level=st.integers(0, 60),
    values=st.lists(st.integers(0, 30), min_size=12, max_size=20),
)
def test_net_stock_is_the_position_one_lead_time_ago_less_the_demand_since(
    lead, delay, level, values
):
    _, trace = kernel(shop(lead, delay, float(level), [float(v) for v in values]))
    wait = lead + delay

    for t in range(len(values) - wait):
        net = (
            trace.point["on_hand"]["shop/x"][t + wait] - trace.point["backlog"]["shop/x"][t + wait]
        )

        assert net == position(trace, "shop/x", t) - sum(values[t + 1 : t + wait + 1])


@LAW
@given(SEEDS)
def test_unused_stock_beside_open_production_orders_means_another_component_is_short(seed):
    network, trace = kernel(random_scenario(4 * (seed // 4) + 2))  # a single-product assembly
    [made] = [e for e in network.links if e.kind == "make" and e.inputs]
    capacity = made.declared.capacity or float("inf")

    for t in range(trace.horizon):
        free = capacity - trace.link["shipped"][made.name][t]
        if trace.link["owed"][made.name][t] > NOISE and free > NOISE:
            left = [trace.point["on_hand"][network.points[row].name][t] for row, _ in made.inputs]
            assert min(left) <= NOISE, (t, left)


@LAW
@given(cap=st.integers(5, 40), lead=st.integers(1, 5), capacity=st.sampled_from([None, 8.0, 20.0]))
def test_nothing_is_released_while_work_in_progress_is_at_the_cap(cap, lead, capacity):
    limits = {"wip_cap": float(cap), "capacity": capacity}
    _, trace = kernel(plant({"a": 40, "b": 20, "p": 60}, [1, 1, lead], **limits))
    running = trace.link["in_transit"]["make:plant/p"]

    assert max(running) <= cap + NOISE
    assert max(running) > 0  # it did release


@LAW
@given(
    levels=st.lists(st.integers(0, 60), min_size=3, max_size=3),
    leads=st.lists(st.integers(0, 4), min_size=3, max_size=3),
    row=st.integers(0, 2),
    more=st.integers(1, 20),
)
def test_raising_a_base_stock_level_never_lowers_the_fill_of_a_chain(levels, leads, row, more):
    raised = [s + more * (i == row) for i, s in enumerate(levels)]

    low, high = (filled(chain([{"level": s} for s in ss], leads)) for ss in (levels, raised))

    assert (high >= low - NOISE).all()


@LAW
@given(
    points=st.lists(st.integers(0, 50), min_size=2, max_size=2),
    lot=st.integers(1, 40),
    row=st.integers(0, 1),
    more=st.integers(1, 20),
)
def test_raising_a_reorder_point_never_lowers_the_fill_of_a_chain(points, lot, row, more):
    def rules(rs):
        return [{"kind": "r_Q", "reorder_point": r, "lot": lot} for r in rs]

    raised = [r + more * (i == row) for i, r in enumerate(points)]

    low, high = (filled(chain(rules(rs), [2, 1])) for rs in (points, raised))

    assert (high >= low - NOISE).all()


@LAW
@given(
    levels=st.tuples(st.integers(0, 60), st.integers(0, 30), st.integers(0, 60)),
    leads=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    which=st.sampled_from("abp"),
    more=st.integers(1, 20),
)
def test_raising_a_level_never_lowers_the_fill_of_a_single_product_assembly(
    levels, leads, which, more
):
    given_levels = dict(zip("abp", map(float, levels), strict=True))
    raised = {**given_levels, which: given_levels[which] + more}

    low, high = filled(plant(given_levels, leads)), filled(plant(raised, leads))

    assert (high >= low - NOISE).all()
