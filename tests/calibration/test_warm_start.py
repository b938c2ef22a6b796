"""Warm start: a chain begun in the middle goes on as the chain that was watched."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from calibration import emulate
from calibration.times import period_start
from calibration.warm_start import WAITING, openers, opening, warm_start
from twin import run
from twin.compile import Plan
from twin.edits import apply
from twin.errors import RunError
from twin.load import load_text
from twin.simulation import Simulation
from twin.topology import build

DAYS, NOW = 60, 20
DEMAND = np.random.Generator(np.random.Philox(1)).integers(6, 15, DAYS).tolist()
SCENARIO = load_text(
    f"""
horizon: {DAYS}
replications: 1
sites: [{{name: maker, kind: plant}}, {{name: dc}}, {{name: shop}}]
items: [{{name: part}}, {{name: tea}}]
purchases: [{{site: maker, item: part, lead_time: 4, information_delay: 1}}]
production:
  - {{site: maker, item: tea, lead_time: 2, inputs: [{{item: part, usage: 2}}]}}
lanes:
  - {{from: maker, to: dc, items: tea, lead_time: 3}}
  - {{from: dc, to: shop, items: tea, lead_time: 2, information_delay: 1}}
stock:
  - {{where: {{site: shop}}, policy: {{level: 60}}}}
  - {{where: {{site: dc}}, policy: {{level: 110}}}}
  - {{where: {{site: maker, item: tea}}, policy: {{level: 80}}}}
  - {{where: {{site: maker, item: part}}, policy: {{level: 230}}}}
demand: [{{site: shop, item: tea, kind: recorded, values: {DEMAND}}}]
disruptions: [{{kind: outage, where: {{site: maker}}, start: 50, duration: 2}}]
"""
)
AT = period_start(SCENARIO.calendar, NOW)


@pytest.fixture(scope="module")
def told():
    return emulate.events(SCENARIO)


def on_hand(scenario):
    return run(scenario, record=["rows.on_hand"]).series["rows.on_hand"][..., 0]


def test_a_warm_started_chain_goes_on_exactly_as_the_one_it_was_read_from(told) -> None:
    changes = warm_start(told, SCENARIO, AT + 5)
    warm = apply(SCENARIO, changes)
    assert on_hand(warm) == pytest.approx(on_hand(SCENARIO)[NOW:], abs=1e-6)
    cold = apply(SCENARIO, {k: v for k, v in changes.items() if k != "stock[+]"})
    assert np.abs(on_hand(cold) - on_hand(SCENARIO)[NOW:]).max() > 10  # the test can tell


def test_who_waits_is_served_after_a_warm_start_as_in_the_chain_it_was_read_from() -> None:
    short = apply(SCENARIO, {"stock[0].policy.level": 15})
    warm = apply(short, warm_start(emulate.events(short), short, AT))
    backlog = [
        run(s, record=["rows.backlog"]).series["rows.backlog"][..., 0] for s in (short, warm)
    ]
    row = build(short).row_of["shop/tea"]
    assert backlog[0][NOW - 1, row] > 10
    assert backlog[1][:, row] == pytest.approx(backlog[0][NOW:, row], abs=1e-6)
    assert warm.demand[1].customer == WAITING
    apply(warm, {"demand.shop/tea.tolerance": 3})  # the others keep their name


def test_the_future_does_not_leak_into_the_state(told) -> None:
    past = told[told["event_time"] < AT]
    assert warm_start(told, SCENARIO, AT)["stock[+]"] == warm_start(past, SCENARIO, AT)["stock[+]"]


def test_order_and_repetition_of_events_do_not_matter(told) -> None:
    mixed = told.sample(frac=1.5, replace=True, random_state=1)
    mixed = mixed.merge(told, how="outer")
    assert warm_start(mixed, SCENARIO, AT) == warm_start(told, SCENARIO, AT)


def test_assimilated_stock_goes_before_counts(told) -> None:
    rules = warm_start(told, SCENARIO, AT, {("dc", "tea"): 7.5})["stock[+]"]
    assert next(r for r in rules if r["where"]["site"] == "dc")["initial_stock"] == 7.5


def test_disruptions_to_come_move_and_those_begun_are_left_out(told) -> None:
    later = warm_start(told, SCENARIO, AT)["disruptions"]
    assert [d.start for d in later] == [30]
    after = warm_start(told, SCENARIO, period_start(SCENARIO.calendar, 51))
    assert after["disruptions"] == []


def test_recorded_demand_that_is_over_is_refused(told) -> None:
    with pytest.raises(RunError, match="all before period 99"):
        warm_start(told, SCENARIO, period_start(SCENARIO.calendar, 99))


def test_a_chain_of_which_nothing_is_known_keeps_its_own_opening(told) -> None:
    assert warm_start(told.iloc[:0], SCENARIO, AT)["stock[+]"] == []


@pytest.mark.parametrize("at", [0, NOW])
def test_the_opening_stock_is_read_from_looks_before_a_time_or_else_after_it(told, at) -> None:
    begun = period_start(SCENARIO.calendar, at)
    late = told[
        (told["kind"] != "count") | (told["event_time"] > period_start(SCENARIO.calendar, 9))
    ]
    found = opening(late[late["event_time"] >= period_start(SCENARIO.calendar, min(at, 8))], begun)
    names = [(p.site.name, p.item.name) for p in build(SCENARIO).points]
    simulated = Simulation(Plan.of(SCENARIO), 1)
    simulated.advance(at)
    there = dict(zip(names, simulated.rows("on_hand")[:, 0].tolist(), strict=True))
    assert found == {name: pytest.approx(there[name], abs=1e-6) for name in names}


def test_a_point_that_nobody_looked_at_has_no_opening_stock(told) -> None:
    unseen = told[(told["kind"] != "count") | (told["site"] != "dc")]
    assert {site for site, _ in opening(unseen, AT)} == {"maker", "shop"}


def test_an_opening_names_the_device_it_rests_on_and_none_where_the_look_is_still_to_come(
    told,
) -> None:
    count = told["kind"] == "count"
    looks = told[count & (told["site"] == "shop")].assign(device="scale")
    books = told[count & (told["site"] == "dc")]
    events = pd.concat([looks, books])
    found = openers(events, AT)
    assert (found["shop", "tea"], found["dc", "tea"]) == ("scale", "books")
    later = openers(events[events["event_time"] >= AT], AT)
    assert (later["shop", "tea"], later["dc", "tea"]) == ("", "books")
