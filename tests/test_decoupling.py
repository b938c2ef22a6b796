"""The decoupling point against brute force: every path of small random networks listed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twin
from twin import decoupling
from twin.errors import NetworkError
from twin.schema import Scenario
from twin.topology import Topology, build

pytestmark = pytest.mark.nojit


def chain(**changes) -> Topology:
    """Chip -> board -> two laptops -> shop; a case (not via the fab) joins at assembly."""
    data = {
        "sites": [
            {"name": "chips", "kind": "supplier", "stage": "components"},
            {"name": "fab", "kind": "plant", "stage": "boards"},
            {"name": "plant", "kind": "plant", "stage": "assembly"},
            {"name": "shop", "kind": "store", "stage": "store"},
        ],
        "stages": ["components", "boards", "assembly", "store"],
        "items": [
            {"name": "chip"},
            {"name": "board"},
            {"name": "red", "family": "laptop"},
            {"name": "blue", "family": "laptop"},
        ],
        "families": [{"name": "laptop", "tolerance": 7}],
        "production": [
            {"site": "chips", "item": "chip", "lead_time": 30},
            {
                "site": "fab",
                "item": "board",
                "inputs": [{"item": "chip", "usage": 2}],
                "lead_time": 5,
            },
            {"site": "plant", "item": "red", "inputs": [{"item": "board"}], "lead_time": 2},
            {"site": "plant", "item": "blue", "inputs": [{"item": "board"}], "lead_time": 2},
        ],
        "lanes": [
            {"from": "chips", "to": "fab", "lead_time": 0},
            {"from": "fab", "to": "plant", "lead_time": 0, "information_delay": 1},
            {
                "from": "plant",
                "to": "shop",
                "lead_time": {"kind": "discrete", "values": [4, 5], "weights": [0.5, 0.5]},
            },
        ],
        "demand": [
            {"site": "shop", "item": "red", "mean": 3},
            {"site": "shop", "item": "blue", "mean": 1},
        ],
    }
    return build(Scenario.model_validate({**data, **changes}))


def names(topology: Topology, rows) -> set[str]:
    return {topology.points[i].name for i in rows}


def test_a_stage_means_what_leaves_it_not_its_components():
    t = chain()
    assert names(t, decoupling.cut_rows(t, "laptop", "boards")) == {"fab/board"}
    assert names(t, decoupling.cut_rows(t, "laptop", "assembly")) == {"plant/red", "plant/blue"}


def test_order_driven_rows_lie_strictly_below_the_cut():
    t = chain()
    driven = decoupling.order_driven_rows(t, {"laptop": "boards"})
    assert names(t, driven) == {"plant/board", "plant/red", "plant/blue", "shop/red", "shop/blue"}
    assert decoupling.order_driven_rows(t, {"laptop": None}) == frozenset()


def test_positions_carry_the_lead_time_below_and_the_suggestion_is_the_first_that_fits():
    t = chain()
    found = decoupling.positions(t, "laptop")
    assert [(p.stage, p.lead_time_below) for p in found] == [
        ("components", 13),
        ("boards", 8),
        ("assembly", 5),
        ("store", 0),
    ]
    assert decoupling.suggest(t, "laptop").stage == "assembly"


def test_a_scenario_and_its_name_are_taken_like_their_network():
    scenario = twin.load("electronics")
    named = [twin.suggest(x, "laptop") for x in ("electronics", scenario, build(scenario))]
    assert named[0] == named[1] == named[2]
    assert twin.positions("electronics", "laptop") == twin.positions(scenario, "laptop")


def test_the_suggestion_is_the_last_position_where_customers_wait_for_nothing():
    t = chain(families=[{"name": "laptop", "tolerance": 8}])
    assert decoupling.suggest(t, "laptop").stage == "boards"
    t = chain(families=[{"name": "laptop", "tolerance": 0}])
    assert decoupling.suggest(t, "laptop").stage == "store"


def test_a_quote_multiplies_usages_and_takes_the_longest_way():
    t = chain()
    driven = decoupling.order_driven_rows(t, {"laptop": "components"})
    paths = decoupling.quote_paths(t, driven)
    chip = t.row("chips", "chip")
    assert paths == {t.row("shop", x): [(chip, 2.0, 13)] for x in ("red", "blue")}


def two_ways() -> Topology:
    """The chain with two distribution centres between plant and shop."""
    return chain(
        sites=[
            {"name": "chips", "stage": "components"},
            {"name": "fab", "stage": "boards"},
            {"name": "plant", "stage": "assembly"},
            {"name": "near", "stage": "dc"},
            {"name": "far", "stage": "dc"},
            {"name": "shop", "stage": "store"},
        ],
        stages=[],
        lanes=[
            {"from": "chips", "to": "fab", "lead_time": 0},
            {"from": "fab", "to": "plant", "lead_time": 0},
            {"from": "plant", "to": "near", "lead_time": 1},
            {"from": "plant", "to": "far", "lead_time": 9},
            {"from": "near", "to": "shop", "lead_time": 1},
            {"from": "far", "to": "shop", "lead_time": 1},
        ],
        sourcing=[{"site": "shop", "shares": {"near": 0.75, "far": 0.25}}],
    )


def test_shared_sources_add_up_to_the_usage_of_their_cut_point():
    t = two_ways()
    driven = decoupling.order_driven_rows(t, {"laptop": "assembly"})
    red = t.row("plant", "red")
    assert decoupling.quote_paths(t, driven)[t.row("shop", "red")] == [(red, 1.0, 10)]


def test_one_path_that_crosses_twice_is_enough_to_refuse():
    with pytest.raises(NetworkError, match="near/red -> shop/red crosses it 2 times"):
        decoupling.validate_cut(two_ways(), "laptop", ["boards", "near/red"])


@pytest.mark.parametrize(
    ("position", "words"),
    [
        (["boards", "shop/red"], ["shop/red", "crosses it 2 times", "fab/board -> plant/board"]),
        (["shop/red"], ["shop/blue", "misses it", "components, boards, assembly, store"]),
        ("bords", ["bords", "did you mean 'boards'"]),
        ("plant/rad", ["plant/rad", "did you mean 'plant/red'"]),
    ],
)
def test_a_wrong_position_names_the_family_the_path_and_what_is_allowed(position, words):
    with pytest.raises(NetworkError) as caught:
        decoupling.validate_cut(chain(), "laptop", position)
    for word in ["'laptop'", *words]:
        assert word in str(caught.value)


def test_depths_may_differ_by_branch():
    t = chain()
    cut = decoupling.validate_cut(t, "laptop", ["plant/red", "shop/blue"])
    assert names(t, cut) == {"plant/red", "shop/blue"}


def test_a_shared_row_is_push_if_any_family_has_it_at_or_above_its_cut():
    items = [
        {"name": "chip"},
        {"name": "board"},
        {"name": "red", "family": "laptop"},
        {"name": "blue", "family": "tablet"},
    ]
    t = chain(items=items, families=[{"name": "laptop"}, {"name": "tablet"}])
    driven = decoupling.order_driven_rows(t, {"laptop": "components", "tablet": "boards"})
    assert names(t, driven) == {"plant/board", "plant/red", "plant/blue", "shop/red", "shop/blue"}
    paths = decoupling.quote_paths(t, driven)
    assert paths[t.row("shop", "red")] == [(t.row("fab", "board"), 1.0, 8)]


def test_items_of_no_family_make_their_suppliers_push():
    items = [
        {"name": "chip"},
        {"name": "board"},
        {"name": "red", "family": "laptop"},
        {"name": "blue"},
    ]
    t = chain(items=items)
    driven = decoupling.order_driven_rows(t, {"laptop": "components"})
    assert names(t, driven) == {"plant/red", "shop/red"}


@st.composite
def networks(draw) -> Topology:
    """Layers of sites, lanes to the next layer or further, goods made from parts in one layer."""
    widths = draw(st.lists(st.integers(1, 3), min_size=3, max_size=5))
    made_in = draw(st.integers(1, len(widths) - 2))
    number = st.integers(0, 9)
    lanes, sourcing = [], []
    for to in range(1, len(widths)):
        sources = [
            (a, i) for a in range(made_in if to > made_in else 0, to) for i in range(widths[a])
        ]
        for j in range(widths[to]):
            chosen = draw(st.lists(st.sampled_from(sources), min_size=1, max_size=3, unique=True))
            for a, i in chosen:
                lanes.append(
                    {
                        "from": f"s{a}{i}",
                        "to": f"s{to}{j}",
                        "lead_time": draw(number),
                        "information_delay": draw(number),
                    }
                )
            share = dict.fromkeys([f"s{a}{i}" for a, i in chosen], 1 / len(chosen))
            sourcing.append(
                {"site": f"s{to}{j}", "item": "part" if to <= made_in else "good", "shares": share}
            )
    last = len(widths) - 1
    return build(
        Scenario.model_validate(
            {
                "sites": [
                    {"name": f"s{a}{i}", "stage": f"stage{a}"}
                    for a, n in enumerate(widths)
                    for i in range(n)
                ],
                "stages": [f"stage{a}" for a in range(len(widths))],
                "items": [{"name": "part"}, {"name": "good", "family": "f"}],
                "families": [{"name": "f", "tolerance": draw(st.integers(0, 60))}],
                "lanes": lanes,
                "sourcing": sourcing,
                "production": [{"site": f"s0{i}", "item": "part"} for i in range(widths[0])]
                + [
                    {
                        "site": f"s{made_in}{i}",
                        "item": "good",
                        "lead_time": draw(number),
                        "inputs": [{"item": "part", "usage": draw(st.sampled_from([1, 2]))}],
                    }
                    for i in range(widths[made_in])
                ],
                "demand": [
                    {"site": f"s{last}{i}", "item": "good", "mean": 1} for i in range(widths[-1])
                ],
            }
        )
    )


def all_paths(t: Topology, row: int) -> list[list[tuple[int, float, int]]]:
    """Every path source ... row as (row, weight of the step into it, lead time of that step)."""
    found = []
    for e in t.in_links[row]:
        link = t.links[e]
        if not link.inputs:
            found.append([(row, 1.0, 0)])
        lead = link.delay + link.lead_time.value
        for source, usage in link.inputs:
            step = (row, usage * link.share, lead)
            found += [[*path, step] for path in all_paths(t, source)]
    return found


@settings(max_examples=60, deadline=None)
@given(networks())
def test_a_stage_is_a_position_exactly_if_every_listed_path_crosses_it_once(t):
    paths = [p for s in t.sinks for p in all_paths(t, s.row)]
    found = {p.stage: p for p in decoupling.positions(t, "f")}
    for stage in t.stages():
        cut = decoupling.cut_rows(t, "f", stage)
        once = all(sum(row in cut for row, _, _ in path) == 1 for path in paths)
        assert (stage in found) == once
        if once:
            below = [
                [step for k, step in enumerate(path) if any(r in cut for r, _, _ in path[:k])]
                for path in paths
            ]
            assert found[stage].lead_time_below == max(sum(s[2] for s in b) for b in below)
        else:
            with pytest.raises(NetworkError, match=r"s\d\d/(part|good).*(misses|crosses)"):
                decoupling.validate_cut(t, "f", stage)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_moving_the_cut_downstream_never_lengthens_the_lead_time_below(t):
    leads = [p.lead_time_below for p in decoupling.positions(t, "f")]
    assert leads == sorted(leads, reverse=True)
    assert leads[-1] == 0


@settings(max_examples=60, deadline=None)
@given(networks())
def test_quotes_equal_the_sum_and_the_longest_of_all_listed_paths(t):
    for position in decoupling.positions(t, "f"):
        driven = decoupling.order_driven_rows(t, {"f": position.stage})
        for row, quotes in decoupling.quote_paths(t, driven).items():
            want: dict[int, tuple[float, int]] = {}
            seen = set()
            for path in all_paths(t, row):
                k = next(k for k, step in enumerate(path) if step[0] in position.rows)
                tail = tuple(path[k:])
                key = (tail[0][0], tail[1:])
                if key in seen:  # paths that differ only above the cut
                    continue
                seen.add(key)
                weight, lead = want.get(tail[0][0], (0.0, 0))
                product = 1.0
                for _, factor, _ in tail[1:]:
                    product *= factor
                want[tail[0][0]] = (weight + product, max(lead, sum(s[2] for s in tail[1:])))
            assert {c: (pytest.approx(w), lead) for c, w, lead in quotes} == want
