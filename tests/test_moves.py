"""Moving the decoupling point before and during a run (docs/physics.md, section 3.0)."""

import pytest

from tests.reference.fast_trace import fast_trace
from tests.reference.laws import ALL_LAWS
from twin import decoupling, topology
from twin.compile import Plan
from twin.engine import run_block
from twin.errors import NetworkError
from twin.kpis import KPIS
from twin.schema import Scenario
from twin.simulation import Simulation

D = 10.0  # units a period, always
MOVE = 20
MILL, DC, STORE = "mill/x", "dc/x", "store/x"
INTO_MILL, INTO_DC, INTO_STORE = "outside->mill/x", "mill->dc/x", "dc->store/x"
SINK = "store/x/customers"


def chain(at="store", moves=(), horizon=60, tolerance=10, customer=None, lane=None, **family):
    """mill (buys, L = 2) -> dc (L = 2) -> store (L = 1); recorded demand of 10 a period.

    Base stock 45, 35 and 25: with demand seen before ordering, stock after the demand is
    S - 10 L: 25 at the mill, 15 at the dc, 15 at the store.
    """
    names, levels = ("mill", "dc", "store"), (45.0, 35.0, 25.0)
    transit = {"initial_in_transit": D}  # the chain starts in its steady state
    stock = [
        {"where": {"site": n}, "policy": {"level": s}, "initial_stock": s - D * lead, **transit}
        for n, s, lead in zip(names, levels, (2, 2, 1), strict=True)
    ]
    demand = {"site": "store", "item": "x", "kind": "recorded", "values": [D] * horizon}
    first = {"from": "mill", "to": "dc", "lead_time": 2}
    return Scenario.model_validate(
        {
            "horizon": horizon,
            "sites": [{"name": n, "stage": n} for n in names],
            "items": [{"name": "x", "family": "f"}],
            "families": [{"name": "f", "decoupling_point": at, "tolerance": tolerance, **family}],
            "lanes": [first, {"from": "dc", "to": "store", "lead_time": 1, **(lane or {})}],
            "purchases": [{"site": "mill", "item": "x", "lead_time": 2}],
            "stock": stock,
            "demand": [{**demand, **(customer or {})}],
            "moves": [{"family": "f", "at": t, "to": to} for t, to in moves],
        }
    )


def run(scenario):
    network = topology.build(scenario)
    trace = fast_trace(network, scenario.seed)
    assert [v for law in ALL_LAWS for v in law(network, trace)] == []  # units are conserved
    return trace


@pytest.mark.nojit
def test_a_chain_in_its_steady_state_orders_what_customers_take():
    trace = run(chain())

    for link in (INTO_MILL, INTO_DC, INTO_STORE):
        assert trace.link["ordered"][link] == [D] * 60
    assert trace.point["on_hand"][STORE] == [15.0] * 60


@pytest.mark.nojit
def test_after_an_upstream_move_the_last_speculative_unit_leaves_at_stock_and_receipts_over_d():
    trace = run(chain(moves=[(MOVE, "mill")]))
    end = MOVE - 1
    # 15 on hand at the store and 10 on its lane; 15 at the dc and 20 on its lane: 60 units
    speculative = sum(trace.point["on_hand"][p][end] for p in (DC, STORE)) + sum(
        trace.link["in_transit"][e][end] for e in (INTO_DC, INTO_STORE)
    )
    last = MOVE + int(speculative / D) - 1

    assert speculative == 60.0
    # no speculative start: the dc orders first when its own customers' orders exceed the run-out
    assert trace.link["ordered"][INTO_DC][MOVE : last + 1] == [0.0] * 6
    assert trace.link["ordered"][INTO_DC][last + 1 :] == [D] * (60 - last - 1)
    # the speculative units last for the demand of 6 periods; what is short waits one lead time
    done = sum(trace.sink["delivered"][SINK][MOVE : last + 2])
    assert done == speculative
    assert trace.point["on_hand"][DC][last + 1 :] == [0.0] * (60 - last - 1)
    assert trace.point["on_hand"][STORE][last + 1 :] == [0.0] * (60 - last - 1)


def test_below_the_cut_every_unit_moved_has_a_customer_behind_it():
    trace = run(chain(moves=[(MOVE, "mill")]))
    ordered = moved = 0.0
    for t in range(MOVE, 60):
        ordered += trace.link["ordered"][INTO_STORE][t]
        moved += trace.link["shipped"][INTO_DC][t]
        asked = D * (t - MOVE + 1)

        assert ordered <= max(0.0, asked - 25.0), t  # less the store's own run-out
        assert moved <= max(0.0, asked - 60.0), t


def test_after_an_upstream_move_customers_wait_the_lead_time_below_the_cut():
    trace = run(chain(moves=[(MOVE, "mill")]))

    assert sum(trace.sink["lost"][SINK]) == 0
    assert trace.on_time[SINK][:50] == [D] * 50  # the wait of 3 is within the tolerance of 10
    # 2 + 1 periods of lead time: three periods of orders are always under way
    assert trace.sink["owed"][SINK][-10:] == [3 * D] * 10


@pytest.mark.nojit
def test_a_move_cancels_the_newest_orders_first_up_to_a_positive_position():
    """Mail of 4 periods into the store, S = 25: 25 of the 40 units in the mail are taken back."""
    mail = {"information_delay": 4}
    sim = Simulation(Plan.of(chain(lane=mail)))
    sim.advance(MOVE)
    before = mailbox(sim)
    sim.move({"f": "mill"})

    assert before == [D, D, D, D]  # oldest first: arriving in periods 20, 21, 22, 23
    assert mailbox(sim) == [D, 5.0, 0.0, 0.0]
    assert sim.links("cancelled")[link(sim, INTO_STORE), 0] == 25.0
    row = sim.plan.topology.row_of[STORE]
    owned = sim.rows("on_hand") + sim.rows("on_order") - sim.rows("backlog")
    assert owned[row, 0] == 0.0


def link(sim, name):
    """Index of a link."""
    return next(e.index for e in sim.plan.topology.links if e.name == name)


def mailbox(sim):
    """Mail into the store, oldest first: the slot of period t arrives in t."""
    return sim.mail(link(sim, INTO_STORE))[:, 0].tolist()


def test_a_move_that_keeps_open_orders_cancels_nothing():
    kept, cancelled = (
        run(chain(moves=[(MOVE, "mill")], lane={"information_delay": 4}, run_out=how))
        for how in ("keep", "cancel")
    )

    assert sum(kept.link["cancelled"][INTO_STORE]) == 0
    assert sum(cancelled.link["cancelled"][INTO_STORE]) == 25.0


@pytest.mark.parametrize("ramp", [0, 4, 10])
def test_a_downstream_move_ramps_up_to_the_level_and_spikes_the_orders_upstream(ramp):
    trace = run(chain(at="mill", moves=[(MOVE, "store")], ramp=ramp))
    spike = trace.link["ordered"][INTO_DC][MOVE:]
    after = MOVE + max(ramp, 1) - 1
    position = [
        trace.point["record"][STORE][t]
        + trace.point["on_order"][STORE][t]
        - trace.point["backlog"][STORE][t]
        for t in range(60)
    ]

    assert trace.link["ordered"][INTO_DC][10:MOVE] == [D] * 10
    assert max(spike) > D  # a bullwhip of one's own making
    assert spike[-20:] == [D] * 20  # which passes
    # S_t = 25 (t - t_move + 1) / ramp
    assert position[MOVE : after + 1] == pytest.approx(
        [25.0 * (i + 1) / max(ramp, 1) for i in range(max(ramp, 1))]
    )
    assert position[after:] == [25.0] * (60 - after)


def test_a_longer_ramp_makes_a_smaller_spike():
    spikes = [
        max(run(chain(at="mill", moves=[(MOVE, "store")], ramp=r)).link["ordered"][INTO_DC][MOVE:])
        for r in (0, 4, 10)
    ]

    assert spikes[0] > spikes[1] > spikes[2] > D


def test_open_customer_orders_stay_pegged_over_a_downstream_move():
    moved = run(chain(at="mill", moves=[(MOVE, "store")]))
    stayed = run(chain(at="mill"))
    owed = moved.sink["owed"][SINK]

    assert owed[MOVE - 1] == 3 * D  # three periods of orders are under way
    assert sum(moved.sink["lost"][SINK]) == 0
    assert owed[-1] == 0.0  # all served, and new ones at once
    done = [sum(moved.sink["delivered"][SINK][: t + 1]) for t in range(60)]
    late = [sum(stayed.sink["delivered"][SINK][: t + 1]) for t in range(60)]
    assert all(a >= b for a, b in zip(done, late, strict=True))  # nobody waits longer for it


def test_the_notice_only_shifts_the_move():
    noticed = run(chain(moves=[(MOVE - 7, "mill")], notice=7))
    at_once = run(chain(moves=[(MOVE, "mill")]))

    assert noticed == at_once


def test_nothing_changes_before_a_move():
    moved, stayed = run(chain(moves=[(MOVE, "mill")])), run(chain())

    for kind in ("point", "link", "sink"):
        for series, rows in getattr(stayed, kind).items():
            for name, values in rows.items():
                assert getattr(moved, kind)[series][name][:MOVE] == values[:MOVE], (series, name)


@pytest.mark.nojit
def test_a_move_by_hand_equals_the_same_move_in_the_scenario():
    by_hand = Simulation(Plan.of(chain(at="mill", ramp=5)))
    by_hand.advance(MOVE)
    by_hand.move({"f": "store"})
    by_hand.advance(30)
    planned = Simulation(Plan.of(chain(at="mill", moves=[(MOVE, "store")], ramp=5)))
    planned.advance(MOVE + 30)

    for name in ("on_hand", "on_order", "backlog"):
        assert by_hand.rows(name).tolist() == planned.rows(name).tolist()


def test_a_move_away_and_back_returns_to_the_steady_state():
    trace = run(chain(moves=[(MOVE, "mill"), (MOVE + 10, "store")], horizon=80))

    for name, stock in ((MILL, 25.0), (DC, 15.0), (STORE, 15.0)):
        assert trace.point["on_hand"][name][-10:] == [stock] * 10


def test_a_move_costs_its_price_once_if_it_happens_in_the_window():
    def price(moves, **more):
        scenario = chain(moves=moves, move_cost=500.0, notice=3).with_changes(**more)
        outcome = run_block(Plan.of(scenario), 2, 0, 1)
        return KPIS["move_cost"].function(outcome).tolist()

    assert price([(MOVE, "mill")]) == [500.0, 500.0]
    assert price([(MOVE, "mill"), (40, "store")]) == [1000.0, 1000.0]
    assert price([(MOVE, "mill")], warmup=MOVE + 4) == [0.0, 0.0]  # over before it counts
    assert price([(58, "mill")]) == [0.0, 0.0]  # its notice ends after the horizon


def test_a_point_that_opens_below_the_cut_opens_empty_and_waits_for_customers():
    plain = chain(at="mill").to_dict()
    for rule in plain["stock"]:
        del rule["initial_stock"], rule["initial_in_transit"]
    trace = run(Scenario.model_validate(plain))

    assert trace.opening == {MILL: 45.0, DC: 0.0, STORE: 0.0}
    assert trace.filled[SINK] == [0.0] * 60  # by nature: nothing is served from the shelf
    assert trace.sink["delivered"][SINK][:5] == [0.0, 0.0, 0.0, D, D]  # after 2 + 1 periods


def test_rows_move_as_the_decoupling_point_says():
    sim = Simulation(Plan.of(chain()))
    for place, driven in (("mill", {DC, STORE}), ("dc", {STORE}), ("store", set())):
        sim.move({"f": place})
        top = sim.plan.topology
        below = {top.points[i].name for i in decoupling.order_driven_rows(top, sim.positions)}
        flags = {p.name for p in top.points if sim.world.rules.driven[p.index]}

        assert flags == below == driven


def test_a_move_to_a_place_that_is_no_cut_is_refused_and_changes_nothing():
    sim = Simulation(Plan.of(chain()))
    sim.advance(5)
    before = sim.world.rows.copy()

    with pytest.raises(NetworkError, match="moon"):
        sim.move({"f": "moon"})

    assert sim.positions == {"f": "store"}
    assert (sim.world.rows == before).all()


def test_whole_units_are_cancelled_in_whole_units():
    """Books of 10.5 instead of 10 leave a position of 25.5: 25 of the 40 are taken back."""
    wrong = {"kind": "wrong_upload", "start": 19, "factor": 1.05, "where": {"site": "store"}}
    parts = chain(lane={"information_delay": 4}).to_dict()
    scenario = Scenario.model_validate({**parts, "integer": True, "disruptions": [wrong]})
    sim = Simulation(Plan.of(scenario))
    sim.advance(MOVE)
    before = mailbox(sim)
    sim.move({"f": "mill"})

    assert before == [D, D, D, D]
    assert mailbox(sim) == [D, 5.0, 0.0, 0.0]
    assert sim.links("cancelled")[link(sim, INTO_STORE), 0] == 25.0
