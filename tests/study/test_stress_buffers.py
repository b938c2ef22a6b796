"""Stock against an outage: the least that covers it is found to a period, and what it costs."""

from __future__ import annotations

import itertools

import pytest

from tests.study.test_stress_test import stressed
from twin.schema import Scenario
from twin.study.ready import stress_buffers, stress_words
from twin.study.ready.stock import stocked
from twin.topology import build

DEMAND, LEVEL, OUT = 10.0, 60.0, 60
LEADS = {"plant": 2, "hub": 4, "shop": 3}
NEXT = {"source": "plant", "plant": "hub", "hub": "shop"}


def line(**levels: float) -> Scenario:
    """A serial chain whose shop sells 10 a day, all base stock of 60, or of the levels given."""
    sites = ["source", *LEADS]
    rules = [{"policy": {"kind": "base_stock", "level": LEVEL}, "holding_cost": 0.5}]
    rules += [{"where": {"site": s}, "policy": {"kind": "base_stock", "level": x}}
              for s, x in levels.items()]  # fmt: skip
    return Scenario.model_validate({
        "name": "line", "horizon": 400, "warmup": 100, "replications": 1,
        "sites": [{"name": s} for s in sites], "items": [{"name": "x"}],
        "lanes": [{"from": a, "to": b, "lead_time": LEADS[b]} for a, b in itertools.pairwise(sites)],
        "production": [{"site": "source", "item": "x"}],
        "stock": rules,
        "demand": [{"site": "shop", "item": "x", "kind": "constant", "mean": DEMAND}],
    })  # fmt: skip


def least(place: str) -> int:
    """Days out less the days that the stock from there to the customer is more than lead times."""
    below = list(LEADS)[list(LEADS).index(NEXT[place]) :]
    return OUT - sum(int(LEVEL / DEMAND) - LEADS[s] for s in below)


@pytest.mark.parametrize("place", ["hub", "plant->hub", "source->plant"])
def test_the_least_stock_that_covers_an_outage_is_its_closed_form(place: str) -> None:
    found = stressed(line(), places=place, duration=OUT)
    rows = found.sheet("buffers").frame
    enough = least(place.partition("->")[0])
    assert rows["more"].max() == enough
    assert list(rows["survived"]) == [0, 0, 1]
    assert rows["loss_area"].iloc[-1] == 0
    assert any(f"Stock for {enough} more days" in text for text in found.answers)


@pytest.mark.parametrize("policy", [{"kind": "base_stock"}, {"kind": "human", "supply_line": 1}])
def test_a_buffer_is_there_from_the_start_where_an_opening_stock_is_given(
    policy: dict[str, object],
) -> None:
    """The outage begins at once, so what is still to be ordered would come too late."""
    opening = [{"where": {"site": s}, "initial_stock": LEVEL - DEMAND * lead,
                "initial_in_transit": DEMAND, "policy": {**policy, "level": LEVEL}}
               for s, lead in LEADS.items()]  # fmt: skip
    scenario = line().with_changes(stock=[*line().model_dump()["stock"], *opening], warmup=0)
    found = stressed(scenario, places="hub", duration=OUT, start=0)
    rows = found.sheet("buffers").frame
    assert (rows["more"].max(), list(rows["survived"])) == (least("hub"), [0, 0, 1])
    levels = {r.where.site: (r.initial_stock, r.policy.level) for r in scenario.stock[1:]}
    rules = {r["where"]["site"]: r for r in stocked(build(scenario), range(len(LEADS)), 7)}
    for site, (first, level) in levels.items():
        assert rules[site]["initial_stock"] == first + 7 * DEMAND
        assert rules[site]["policy"]["level"] == level + 7 * DEMAND


def test_one_day_less_than_the_least_loses_a_day() -> None:
    """By levels set by hand: 63 days of demand until the first goods after the outage are there."""
    assert LEVEL + DEMAND * least("hub") == DEMAND * (OUT + LEADS["shop"]) == 630
    lost = {
        level: stressed(line(shop=level), places="hub", duration=OUT).sheet("places").frame
        for level in (620.0, 630.0)
    }
    assert [frame["loss_area"].iloc[0] for frame in lost.values()] == [pytest.approx(1), 0]


def test_the_cost_of_a_buffer_is_the_holding_of_its_stock() -> None:
    """Nothing else changes while nothing happens: more units at the shop, every day."""
    rows = stressed(line(), places="hub", duration=OUT).sheet("buffers").frame
    assert list(rows["cost"]) == pytest.approx([0.5 * DEMAND * more for more in rows["more"]])


def test_what_a_buffer_saves_is_measured_against_the_same_buffer_without_the_outage() -> None:
    rows = stressed(line(), places="hub", duration=OUT).sheet("buffers").frame
    by_hand = line(shop=LEVEL + DEMAND * rows["more"].iloc[0])
    place = stressed(by_hand, places="hub", duration=OUT).sheet("places").frame.iloc[0]
    assert rows["profit_lost"].iloc[0] == pytest.approx(place["profit_lost"])
    assert rows["loss_area"].iloc[0] == pytest.approx(place["loss_area"])


def test_where_nothing_tried_is_enough_the_most_is_shown_and_said_not_to_cover(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first guess, what is missing and what refilling takes, is doubled twice."""
    monkeypatch.setattr(stress_buffers, "SURVIVES", 2.0)
    monkeypatch.setattr(stress_words, "SURVIVES", 2.0)
    found = stressed(line(), places="hub", duration=OUT)
    row = found.sheet("places").frame.iloc[0]
    guess = row["short"] + row["ttr"] - OUT
    assert found.sheet("buffers").frame["more"].max() == 4 * guess
    assert any("would not wholly cover" in text for text in found.answers)
