"""The Mesa model: same numbers as the engine, Mesa's verbs, and nothing left behind."""

from __future__ import annotations

import gc
import weakref

import mesa
import numpy as np
import pytest

import agents.model
import twin
from agents import DeviceAgent, SiteAgent, TwinModel
from tests.kpi_cases import factory, shop
from twin import Simulation
from twin.compile import Plan
from twin.errors import RunError, ScenarioError

pytestmark = pytest.mark.nojit


def tables(sim: Simulation) -> list[np.ndarray]:
    w = sim.world
    return [w.rows, w.links, w.sinks, w.row_sums, w.link_sums, w.sink_sums, w.rings]


def counted() -> dict[str, object]:
    return {"devices": [{"kind": "cycle_count", "period": 3}], "horizon": 12}


@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("collect", [True, False])
def test_a_model_without_policies_of_ones_own_is_the_engine_bit_for_bit(
    K: int, collect: bool
) -> None:
    sim = Simulation(Plan.of(factory()), K, seed=5)
    sim.advance(20)
    with TwinModel(factory(), seed=5, replications=K) as model:
        model.run(20, collect=collect)
        assert model.steps == model.period == 20
        for ours, theirs in zip(tables(model.sim), tables(sim), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_collected_shares_are_those_of_the_result() -> None:
    result = twin.run(factory(), replications=3, record=())
    with TwinModel(factory(), replications=3) as model:
        model.run()
    last = model.datacollector.get_model_vars_dataframe().iloc[-1]
    for name in ("fill_rate", "on_time"):
        assert last[name] == pytest.approx(result.values[name].mean(), rel=1e-12)


def test_collected_stock_is_the_sum_over_stock_points() -> None:
    with TwinModel(factory()) as model:
        model.step()
        points = [p for s in model.sites.values() for p in s.stock.values()]
        worth = sum(p.on_hand * p.declared.item.value for p in points)
        row = model.datacollector.get_model_vars_dataframe().iloc[0]
        assert row["on_hand"] == pytest.approx(sum(p.on_hand for p in points))
        assert row["stock_value"] == pytest.approx(worth)
        assert row["demand"] > 0


def test_changes_come_as_keywords_or_by_dotted_key() -> None:
    changes = {"stock[0].policy.level": 33, "sites.works.owner": "someone"}
    with TwinModel(factory(), seed=9, horizon=11, set=changes) as model:
        assert (model.scenario.seed, model.scenario.horizon) == (9, 11)
        assert model.point("store", "table").level == 33
        assert model.sites["works"].owner == "someone"
    with pytest.raises(ScenarioError, match="horizn"):
        TwinModel(factory(), horizn=3)
    with pytest.raises(RunError, match="replications = 0"):
        TwinModel(factory(), replications=0)


def test_it_stops_at_the_horizon_and_says_so_beyond() -> None:
    with TwinModel(shop()) as model:
        model.run_model()
        assert (model.steps, model.running) == (10, False)
        with pytest.raises(RunError, match="horizon of 10"):
            model.step()


def test_agents_are_selected_counted_and_called_as_in_mesa() -> None:
    with TwinModel(factory(**counted())) as model:
        assert {t: len(a) for t, a in model.agents_by_type.items()} == {
            SiteAgent: 2,
            DeviceAgent: 3,
        }
        stores = model.agents.select(lambda a: a.kind == "store")
        assert [a.name for a in stores] == ["store"]
        seen: list[str] = []
        model.agents.do(lambda a: seen.append(a.name))
        assert sorted(seen) == sorted([*model.sites, *model.devices])
        assert sorted(a.unique_id for a in model.agents) == [1, 2, 3, 4, 5]
        model.agents.do("step")  # agents have no step of their own: nothing happens
        assert model.period == 0


def test_agent_reporters_read_by_name() -> None:
    with TwinModel(factory()) as model:
        model.datacollector = mesa.DataCollector(agent_reporters={"stock": "on_hand"})
        model.run(2)
        frame = model.datacollector.get_agent_vars_dataframe()
        assert frame.loc[2, "stock"].sum() == pytest.approx(model.sim.rows("on_hand").sum())


def test_sites_and_lanes_are_a_graph() -> None:
    with TwinModel(factory()) as model:
        assert list(model.graph.edges) == [("works", "store")]
        assert model.graph.nodes["works"]["kind"] == "plant"


def test_agents_of_a_large_network_are_made_when_asked_for(monkeypatch) -> None:
    monkeypatch.setattr(agents.model, "LAZY_ABOVE", 4)
    with TwinModel(factory(**counted())) as model:
        assert len(model.agents) == 0
        store = model.sites["store"]
        assert model.sites["store"] is store
        assert list(model.agents) == [store]
        assert len(model.sites) == 2


def test_a_thousand_models_created_and_closed_leave_none_alive() -> None:
    scenario, alive = shop(devices=[{"kind": "scale"}]), []
    gc.disable()  # so that a cycle would show: memory must come back at once
    try:
        for _ in range(1000):
            with TwinModel(scenario) as model:
                alive += [weakref.ref(model), weakref.ref(model.sites["shop"])]
                alive += [weakref.ref(model.devices["scale@shop/tea"]), weakref.ref(model.sim)]
                mesa.Agent(model)
            del model
        assert sum(ref() is not None for ref in alive) == 0
    finally:
        gc.enable()


def test_a_model_that_nobody_closes_goes_with_the_garbage() -> None:
    model = TwinModel(shop())
    mesa.Agent(model)
    ref = weakref.ref(model)
    del model
    gc.collect()
    assert ref() is None


def test_a_closed_model_says_so_and_keeps_what_it_collected() -> None:
    with TwinModel(shop()) as model:
        model.run(3)
        point = model.point("shop", "tea")
        site = model.sites["shop"]
    model.close()  # twice is as good as once
    for use in (model.step, lambda: point.on_hand, lambda: model.set_policy("shop", None, None)):
        with pytest.raises(RunError, match="closed"):
            use()
    assert [repr(x) for x in (model, point)] == [
        "TwinModel('shop', closed)",
        "StockPoint('shop/tea', closed)",
    ]
    assert "closed" in repr(site)
    assert len(model.datacollector.get_model_vars_dataframe()) == 3


def test_batch_run_over_two_parameters_gives_what_each_model_gives_and_closes_them(
    monkeypatch,
) -> None:
    made: list[weakref.ref] = []
    start = TwinModel._populate
    monkeypatch.setattr(
        TwinModel, "_populate", lambda m, c: (made.append(weakref.ref(m)), start(m, c))[1]
    )
    level, levels, seeds = "stock[0].policy.level", [10, 40], range(2)
    found = mesa.batch_run(
        TwinModel,
        parameters={"scenario": [shop()], level: levels, "seed": seeds, "close_at_end": True},
        display_progress=False,
    )  # fmt: skip
    assert len(made) == 4
    assert not any(ref() for ref in made)
    assert [(r[level], r["seed"]) for r in found] == [(x, y) for x in levels for y in seeds]
    for row in found:
        with TwinModel(shop(), seed=row["seed"], set={level: row[level]}) as model:
            model.run()
        alone = model.datacollector.get_model_vars_dataframe().iloc[-1]
        assert row["fill_rate"] == alone["fill_rate"]
    assert found[0]["fill_rate"] < found[2]["fill_rate"]
