"""The frontier's numbers against tables made by hand and the same runs made one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import twin
from tests.kpi_cases import shop
from tests.study.cases import tables
from twin.distributions import demand_moments
from twin.edits import apply
from twin.study.ready import ready_made
from twin.study.ready.base import Bench
from twin.study.ready.frontier_cuts import Cuts, cost_table
from twin.study.ready.frontier_levers import demand_spread
from twin.study.ready.frontier_mirror import SHOCK, WARMUP, chain
from twin.study.ready.frontier_sheets import Told
from twin.study.ready.frontier_words import choice
from twin.study.ready.frontier_worlds import CALM, SUPPLY, Shocks, shocks, worlds
from twin.topology import build
from viz import report_study
from viz.report import Table

LATE, LUCK = 3.0, np.array([-1.0, 0.0, 1.0])
WEIGHTS = {CALM: 0.8, SUPPLY: 0.2}


def hasty():
    """Return the factory with customers who accept one period, so that waiting is late."""
    family = {"name": "tables", "decoupling_point": "plant", "tolerance": 1}
    return tables(families=[family])


def by_hand(running, on_time, weights):
    """Return what was run as it would be for cuts a, b, ... in two worlds, ``(C, W)`` each."""
    names = "abcd"[: len(running)]
    values = {}
    for (c, cut), (w, world) in itertools.product(enumerate(names), enumerate((CALM, SUPPLY))):
        values[cut, world, "running_cost"] = running[c][w] + LUCK
        values[cut, world, "on_time"] = np.full(3, on_time[c][w])
    where = {CALM: [], SUPPLY: []}
    changes = {cut: {"families.tables.decoupling_point": cut} for cut in names}
    cuts = Cuts(Bench(hasty(), threads=1), where, 3, 0.0, None, [CALM], changes, _values=values)
    return Told(cuts, np.array(weights), 0.8)


@pytest.fixture(scope="module")
def found():
    asked = {"buffers": "given", "replications": 8, "late_cost": LATE, "levers": ["discount"],
             "weights": WEIGHTS}  # fmt: skip
    return ready_made("decoupling-frontier", asked, scenario=hasty(), threads=1)


@pytest.fixture(scope="module")
def alone():
    """Return each run made by itself: cost with lateness and purchases a period, ``(R,)`` each."""
    scenario, top = hasty(), build(hasty())
    window, units = scenario.horizon - scenario.warmup, demand_moments(scenario.demand[0])[0]
    where = worlds(top, Shocks(*shocks(top, None, None, None), 1.0))
    runs = {}
    for cut, world in itertools.product(("plant", "store"), where):
        changes = {"families.tables.decoupling_point": cut, "disruptions": where[world]}
        run = twin.run(scenario, set=changes, replications=8, threads=1).values
        late = LATE * units * (1 - run["on_time"])
        bought = (run["total_cost"] - run["running_cost"]) / window
        runs[cut, world] = run["running_cost"] / window + late, bought
    return runs


def test_a_late_unit_costs_what_was_asked():
    """Half of the ten units a period late, at 3 each: 15 more."""
    values = {("a", CALM, "running_cost"): LUCK, ("a", CALM, "on_time"): np.full(3, 0.5)}
    scenario = shop()
    assert demand_moments(scenario.demand[0])[0] == 10
    found = cost_table(values, ["a"], [CALM], Bench(scenario, threads=1), LATE)
    assert found[0, 0] == pytest.approx(15 + LUCK)


def test_each_world_counts_by_its_own_weight():
    told = by_hand([[1, 9], [4, 7], [7, 2]], [[1, 0.5], [1, 1], [0.6, 1]], [0.9, 0.1])
    assert told.expected.mean(axis=1) == pytest.approx([1.8, 4.3, 6.5])
    assert told.service.mean(axis=1) == pytest.approx([0.95, 1, 0.64])
    assert told.cheapest == ["a", "b", "c"]


def test_the_least_regret_is_that_of_the_worst_world():
    """Regrets 0, 7 and 3, 5 and 6, 0: the third is least in the mean, the second at worst."""
    told = by_hand([[1, 9], [4, 7], [7, 2]], np.ones((3, 2)), [0.5, 0.5])
    assert told.regrets.mean(axis=2) == pytest.approx(np.array([[0, 7], [3, 5], [6, 0]]))
    assert told.labels[told.safest] == "b"
    assert told.worst("b")[0] == SUPPLY
    assert told.worst("b")[1].mean == pytest.approx(5)


def test_of_cuts_that_cost_the_same_the_one_with_more_on_time_is_preferred_and_that_is_said():
    told = by_hand([[4, 4], [4, 4], [9, 9]], [[0.8] * 2, [0.9] * 2, [1] * 2], [0.5, 0.5])
    text = choice(told)[0]
    assert text.startswith("Cheapest in expectation is b")
    assert "a costs exactly the same; b is preferred because more of it is on time" in text
    same = by_hand([[4, 4], [4, 4], [9, 9]], np.ones((3, 2)), [0.5, 0.5])
    assert "nothing here tells them apart" in choice(same)[0]


def test_cuts_that_luck_hides_the_difference_of_are_said_to_tie():
    told = by_hand([[4, 4], [5, 5], [9, 9]], np.ones((3, 2)), [0.5, 0.5])
    told.costs[1, :, 0] -= 2.5  # b: cheaper in one replication, dearer in the others
    text = choice(told)[0]
    assert "It ties with b" in text
    assert "preferred for the lower mean" in text


def test_shocks_strike_when_those_of_the_mirror_experiment_do():
    """Fact F28: day 150 of 320, for 45 days."""
    assert shocks(build(chain()), None, None, None) == ("source", WARMUP + SHOCK, 45)


@pytest.mark.parametrize(
    "demand",
    [{"kind": "poisson"}, {"kind": "normal", "sd": 0.5}, {"kind": "gamma", "cv": 0.4},
     {"kind": "negative_binomial", "variance_to_mean": 4}],
    ids=lambda given: given["kind"],
)  # fmt: skip
def test_demand_spreads_as_many_times_as_far_as_the_sweep_says(demand):
    scenario = shop(demand=[{"site": "shop", "item": "tea", "mean": 10, **demand}])
    lever = demand_spread(scenario)

    def spread(of):
        mean, variance = demand_moments(of.demand[0])
        return variance**0.5 / mean

    for level in (x for x in lever.levels if x >= 1):
        assert spread(apply(scenario, lever.changes(level))) == pytest.approx(
            level * spread(scenario)
        )


def test_costs_and_regrets_are_those_of_the_same_runs_made_one_by_one(found, alone):
    cost = found.sheet("results").frame.set_index(["decoupling point", "world"])["with lateness"]
    regret = found.sheet("regret").frame.set_index(["decoupling point", "world"])["regret"]
    for cut, world in alone:
        mine = alone[cut, world][0].mean()
        best = min(alone[other, world][0].mean() for other in ("plant", "store"))
        assert cost[cut, world] == pytest.approx(mine)
        assert regret[cut, world] == pytest.approx(mine - best)


def test_the_discount_that_evens_two_cuts_evens_them(found, alone):
    """With it the dearer cut, purchases included, costs what the other one does."""
    row = found.sheet("discount").frame.iloc[0]
    dear = row["decoupling point"]
    (other,) = {"plant", "store"} - {dear}

    def cost(cut, discount):
        runs = ((w, alone[cut, world]) for world, w in WEIGHTS.items())
        return sum(w * (rest + (1 - discount) * bought).mean() for w, (rest, bought) in runs)

    assert cost(dear, 0) > cost(other, 0)
    assert cost(dear, row["discount"]) == pytest.approx(cost(other, 0))


def test_the_front_is_that_of_the_axes_that_are_drawn():
    """No point marked front lies right of and below another one, whatever lateness costs."""
    told = by_hand([[5, 5], [8, 8], [9, 9], [4, 4]], [[0.9] * 2, [0.95] * 2, [0.93] * 2, [0.5] * 2],
                   [0.5, 0.5])  # fmt: skip
    told.cuts.late_cost = 50.0  # the cheapest with lateness is b then
    sheet, chart = told.choice()
    points = sheet.frame.set_index("decoupling point")
    assert told.cheapest[0] == "b"
    assert points[chart.x].to_dict() == {"b": 8, "c": 9, "a": 5, "d": 4}
    for cut, (x, y) in points[[chart.x, chart.y]].iterrows():
        others = points.drop(cut)
        beaten = bool(((others[chart.x] < x) & (others[chart.y] > y)).any())
        assert points.loc[cut, "marks"] == ("beaten" if beaten else "front")


def test_regret_tail_and_write_offs_each_stand_in_a_table_that_a_page_has_room_for(found):
    blocks = report_study.study_page(found).sections
    captions = {x.title: x.caption for x in blocks if isinstance(x, Table)}
    for sheet in ("frontier", "choice", "risk"):
        assert "left out" not in captions[found.sheet(sheet).title]
    assert {"largest regret"} <= {*found.sheet("choice").frame}
    assert {"tail", "write off rate"} <= {*found.sheet("risk").frame}
