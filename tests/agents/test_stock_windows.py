"""Stock points as attributes: read off the arrays, set there or refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from agents import StockPoint, TwinModel
from agents.stock import COLUMNS
from tests.kpi_cases import factory, shop
from twin.arrays import ROW_FORM, Error, RowForm, Rows, Theta
from twin.errors import RunError

pytestmark = pytest.mark.nojit


def test_every_column_of_the_arrays_is_one_attribute() -> None:
    rule = [n for n in RowForm._fields[ROW_FORM.review :] if not n.endswith("_at")]
    names = [*Rows._fields, *Theta._fields, *rule, *Error._fields]
    assert sorted(names) == sorted(COLUMNS)
    assert all(getattr(StockPoint, n) is c for n, c in COLUMNS.items())


@pytest.mark.parametrize("K", [1, 3])
def test_what_is_read_is_what_the_kernel_holds(K: int) -> None:
    with TwinModel(factory(), replications=K) as model:
        model.run(9)
        for declared in model.plan.topology.points:
            point = model.point(declared.site.name, declared.item.name)
            for name in ("on_hand", "on_order", "backlog", "incoming", "order"):
                value = getattr(point, name)
                assert isinstance(value, float) if K == 1 else value.shape == (K,)
                np.testing.assert_array_equal(value, model.sim.rows(name)[declared.index].squeeze())
            position = point.record + point.on_order - point.backlog
            np.testing.assert_array_equal(point.inventory_position, position)


def test_a_site_adds_up_its_items_and_says_what_it_is() -> None:
    with TwinModel(factory()) as model:
        works = model.sites["works"]
        assert works.on_hand == sum(p.on_hand for p in works.stock.values()) == 260
        assert repr(works) == "Site('works', stage plant, 2 items, on hand 260, backlog 0)"
        assert repr(works.stock["wood"]) == (
            "StockPoint('works/wood', base_stock, on hand 200, on order 0, backlog 0)"
        )
        assert (works.owner, works.kind) == ("maker", "plant")


def test_values_handed_out_are_copies() -> None:
    with TwinModel(factory(), replications=2) as model:
        point = model.point("store", "table")
        point.on_hand[:] = 0
        assert point.on_hand.tolist() == [60, 60]


def test_a_level_that_is_set_is_ordered_up_to_in_the_next_period() -> None:
    with TwinModel(factory(), replications=2) as model:
        point = model.point("store", "table")
        point.level = [80, 95]
        model.step()
        assert point.inventory_position.tolist() == [80, 95]
        assert point.parameters["level"].tolist() == [80, 95]


def test_stock_that_is_set_is_what_can_be_sold() -> None:
    demand = [{"site": "shop", "item": "tea", "kind": "constant", "mean": 10}]
    with TwinModel(shop(demand=demand)) as m:
        point = m.point("shop", "tea")
        point.on_hand -= 34
        assert (point.on_hand, point.record) == (6, 6)
        m.step()
        assert (point.on_hand, point.backlog) == (0, 4)
        assert m.datacollector.model_vars["fill_rate"] == [0.6]


def test_a_change_by_hand_moves_the_books_as_much_as_the_truth() -> None:
    rule = {"policy": {"kind": "base_stock", "level": 40}, "shrink": 2.0}
    with TwinModel(shop(stock=[rule]), replications=2) as model:
        point = model.point("shop", "tea")
        model.run(3)
        point.record = point.on_hand + 3
        point.on_hand = 50
        assert point.record.tolist() == [53, 53]
        point.on_hand = 0
        assert point.record.tolist() == [3, 3]
        assert point.shrink == 2.0
        point.shrink = 0.5
        assert model.sim.world.books.error[0, 0] == 0.5


def test_shelf_life_counts_what_is_added_or_taken_by_hand() -> None:
    items = [{"name": "tea", "value": 4, "price": 6, "shelf_life": 5}]
    with TwinModel(shop(items=items)) as model:
        point = model.point("shop", "tea")
        for stock in (70.0, 15.0):
            model.step()
            point.on_hand = stock
            assert point.in_total - point.out_total == pytest.approx(stock)


def test_beliefs_are_set_where_a_policy_uses_them() -> None:
    rule = {"policy": {"kind": "base_stock"}, "forecast": {"kind": "constant"}}
    with TwinModel(shop(stock=[rule])) as model:
        point = model.point("shop", "tea")
        assert np.isnan(point.level)
        point.forecast, point.variance = 20.0, 0.0
        model.step()
        assert point.inventory_position == pytest.approx(20 * point.cover)


def test_books_that_are_never_wrong_are_the_truth_and_losses_zero() -> None:
    with TwinModel(shop()) as model:
        point = model.point("shop", "tea")
        assert (point.record, point.misplaced, point.lost) == (point.on_hand, 0, 0)
        assert point.forecast == 10  # the first one: nobody uses it, so nothing changes it


def set_to(name: str, value: object) -> Callable[[StockPoint], object]:
    return lambda point: setattr(point, name, value)


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (set_to("on_hand", -1), "on_hand of 'shop/tea' = -1; give a whole number from 0"),
        (set_to("on_hand", 1.5), "= 1.5; give a whole number"),
        (set_to("on_hand", float("nan")), "= nan"),
        (set_to("on_hand", [1, 2, 3]), r"shape \(3,\); give one number, or one per .* \(1\)"),
        (set_to("level", "much"), "level of 'shop/tea' = 'much'"),
        (set_to("level", float("inf")), "= inf; give a number"),
        (set_to("cover", -1), "cover of 'shop/tea' = -1; give a number from 0"),
        (set_to("safety_factor", 99), "give a number from -10 to 10"),
        (set_to("record", 3), "set 'on_hand' instead"),
        (set_to("backlog", 3), "cannot be set; can be set: on_hand, .*level"),
        (set_to("review", 3), r"TwinModel\(..., set={...}\)"),
        (set_to("lot", 3), "'base_stock' of 'shop/tea' has no 'lot'; it uses level, safety"),
        (set_to("forecast", 3), "no policy of this scenario uses a forecast"),
        (set_to("shrink", 3), "built with books that are never wrong"),
        (lambda point: point.cards, "has no 'cards'"),
        (lambda point: point.need, "'need' is not worked out: nothing in scenario 'shop'"),
        (lambda point: point.model.sites["shpo"], "no site 'shpo'; did you mean 'shop'"),
        (lambda point: point.model.point("shop", "te"), "of item 'te'; did you mean 'tea'"),
    ],
)
def test_what_cannot_be_is_refused_with_place_value_and_remedy(
    use: Callable[[StockPoint], object], words: str
) -> None:
    with TwinModel(shop(integer=True)) as model:
        with pytest.raises(RunError, match=words):
            use(model.point("shop", "tea"))
        assert model.point("shop", "tea").on_hand == 40


def test_a_misspelt_attribute_is_not_quietly_made() -> None:
    with TwinModel(shop()) as model:
        point = model.point("shop", "tea")
        with pytest.raises(AttributeError, match="'on_hnd'; did you mean 'on_hand'"):
            point.on_hnd = 3
        assert not hasattr(point, "stok")
        assert "coffee" not in model.sites["shop"].stock
        assert model.sites.get("nowhere") is None
