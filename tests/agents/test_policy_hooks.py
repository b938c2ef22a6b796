"""Policies of one's own: exact, in time, for their own stock points only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents import SiteAgent, StockPoint, TwinModel
from tests.kpi_cases import factory
from twin.errors import RunError

pytestmark = pytest.mark.nojit


def base_stock(view: StockPoint) -> Any:
    return np.maximum(0.0, view.level - view.inventory_position)


class Planner(SiteAgent):
    """Orders up to the level, as the built-in rule does."""

    def decide(self, view: StockPoint) -> Any:
        return base_stock(view)


def state(model: TwinModel) -> list[np.ndarray]:
    w = model.sim.world
    return [a.copy() for a in (w.rows, w.links, w.sinks, w.row_sums, w.link_sums, w.sink_sums)]


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("site_class", [Planner, {"st*": Planner}, {"*": SiteAgent}])
def test_the_built_in_rule_written_as_a_policy_gives_the_same_run(K: int, site_class: Any) -> None:
    with TwinModel(factory(), replications=K) as model:
        model.run(25)
        expected = state(model)
    with TwinModel(factory(), replications=K, site_class=site_class) as model:
        if site_class == {"*": SiteAgent}:
            assert not model.sim.hooks
            model.set_policy("works", None, base_stock)
        model.run(25)
        assert model.sim.hooks
        assert same(state(model), expected)


def test_an_order_by_hand_reaches_its_supplier_in_the_same_period() -> None:
    with TwinModel(factory()) as model:
        model.set_policy("store", "table", lambda view: 7.0)
        model.step()
        assert model.point("store", "table").order == 7
        assert model.point("works", "table").incoming == 7
        assert model.point("works", "table").order == 7  # its own rule has seen it
        assert model.point("works", "wood").incoming == 28


@pytest.mark.parametrize("K", [1, 3])
def test_a_policy_sees_arrays_over_replications_and_only_its_own_stock_point(K: int) -> None:
    seen: list[tuple[str, int, tuple[int, ...]]] = []

    def policy(view: StockPoint) -> None:
        seen.append((view.name, view.period, view.order.shape))

    with TwinModel(factory(), replications=K) as model:
        model.set_policy("works", "wood", policy)
        model.run(2)
    assert seen == [("works/wood", 0, (K,)), ("works/wood", 1, (K,))]


def test_a_policy_can_leave_the_decision_to_the_rule() -> None:
    with TwinModel(factory()) as model:
        model.run(12)
        expected = state(model)
    with TwinModel(factory()) as model:
        model.set_policy("store", None, lambda view: None)
        model.run(12)
        assert same(state(model), expected)


def test_a_policy_that_is_taken_back_leaves_the_kernel_alone_again() -> None:
    with TwinModel(factory()) as model:
        for site in ("store", "works"):
            model.set_policy(site, None, base_stock)
        model.run(5)
        for site in ("works", "store", "store"):
            model.set_policy(site, None, None)
        assert model.sim.hooks == {}
        model.run(5)
        half = state(model)
    with TwinModel(factory()) as model:
        model.run(10)
        assert same(half, state(model))


def test_someone_elses_hook_at_the_same_level_stays() -> None:
    with TwinModel(factory()) as model:
        calls: list[int] = []
        model.sim.hooks[0] = [lambda sim: calls.append(sim.t)]
        model.set_policy("store", "table", base_stock)
        model.set_policy("store", "table", None)
        model.run(2)
        assert calls == [0, 1]


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (-3.0, "order by your policy for 'store/table' in period 2 = -3; give a number from 0"),
        (float("nan"), "= nan"),
        ("ten", "= 'ten'"),
        ([1.0, 2.0, 3.0], "one per replication"),
    ],
)
def test_an_impossible_order_stops_the_model(order: Any, words: str) -> None:
    with TwinModel(factory()) as model:
        model.run(2)
        model.set_policy("store", "table", lambda view: order)
        with pytest.raises(RunError, match=words):
            model.step()
        assert not model.running
        with pytest.raises(RunError, match="stopped inside period 2"):
            model.step()


def test_below_the_decoupling_point_orders_decide_whatever_the_policy_says() -> None:
    pull = factory(
        items=[{"name": "wood", "value": 2}, {"name": "table", "value": 20, "family": "tables"}],
        families=[{"name": "tables", "decoupling_point": "plant"}],
    )
    with TwinModel(pull) as model:
        with pytest.warns(UserWarning, match="'store/table' lies below the decoupling point"):
            model.set_policy("store", "table", lambda view: 1000.0)
        assert "order_driven" in repr(model.point("store", "table"))
        model.step()
        assert model.point("store", "table").order < 1000
        model.move({"tables": "store"})
        assert model.positions == {"tables": "store"}
        model.step()
        assert model.point("store", "table").order == 1000


def test_a_class_for_no_site_is_an_error() -> None:
    with pytest.raises(RunError, match="no site matches 'stoer'; did you mean 'store'"):
        TwinModel(factory(), site_class={"stoer": Planner})
