"""Networks and plans made from others that differ in little are those made from nothing."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pytest

from tests.reference.random_networks import ALL_FEATURES, random_scenario
from twin.compile import Plan
from twin.edits import apply, edited
from twin.errors import ScenarioError
from twin.load import load
from twin.memory import Made
from twin.money import rates
from twin.renumbered import SHAPE, STRUCTURE, renumbered
from twin.schema import Model, Scenario
from twin.schema_walk import keys_of, model_in, parts
from twin.topology import Topology, _Builder, build
from twin.validate import validate
from twin.walk import Walk


def leaves(model: Model, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield key, value and type of everything in a scenario that is no model itself."""
    for word, field in keys_of(type(model)).items():
        value = getattr(model, word, None) if word in type(model).model_fields else None
        if value is None and field.alias:
            value = next(v for n, v in model if type(model).model_fields[n].alias == word)
        here = f"{key}.{word}".lstrip(".")
        if isinstance(value, Model):
            yield from leaves(value, here)
        elif isinstance(value, list) and model_in(field.annotation):
            for n, entry in enumerate(value):
                yield from leaves(entry, f"{here}[{n}]")
        else:
            yield here, value, field.annotation


def others(value: Any, annotation: Any, names: list[str]) -> list[Any]:
    """Return values that may stand in a place instead of its own."""
    kinds = parts(annotation)
    words = [w for k in kinds if typing.get_origin(k) is Literal for w in typing.get_args(k)]
    if words or bool in kinds:
        return [w for w in words or (True, False) if w != value]
    if isinstance(value, int | float):
        return [type(value)(value * 1.5 + 1), value / 2, 0, 1]
    if value is None and {int, float} & set(kinds):
        return [1, 3, 0.5]
    return [n for n in names if n != value] if {str, *kinds} & {str} or value is None else []


def changes(scenario: Scenario, seed: int) -> Iterator[dict[str, Any]]:
    """Yield allowed changes, one or more of each field of the schema that the scenario uses."""
    dice = np.random.default_rng(seed)
    names = [x.name for x in (*scenario.sites, *scenario.items, *scenario.families)]
    by_field: dict[str, list[tuple[str, Any, Any]]] = {}
    for leaf in leaves(scenario):
        by_field.setdefault("".join(c for c in leaf[0] if not c.isdigit()), []).append(leaf)
    for found in by_field.values():
        key, value, annotation = found[dice.integers(len(found))]
        options = others(value, annotation, names)
        for option in dice.permutation(np.array(options, dtype=object))[:2].tolist():
            change = {key: option}
            try:
                apply(scenario, change)
            except ScenarioError:
                continue
            yield change
    yield from ({f"adoption.{owner}": 0.0} for owner in {s.who for s in scenario.sites})


def equal(a: Any, b: Any) -> bool:
    """Return whether two things hold the same bits, whatever they are made of."""
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, Made):
        return True
    if dataclasses.is_dataclass(a):
        return all(equal(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a)
                   if f.compare)  # fmt: skip
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    return bool(a == b) or (a != a and b != b)


SEEDS = (0, 1, 2, 3, 6, 11)
"""Of random scenarios that together use every section that a network is made of."""


@pytest.fixture(params=SEEDS)
def case(request) -> tuple[int, Scenario]:
    return request.param, random_scenario(request.param, ALL_FEATURES)


def test_every_section_that_a_network_is_made_of_is_changed_and_stays_of_its_shape() -> None:
    found: set[str] = set()
    for seed in SEEDS:
        scenario = random_scenario(seed, ALL_FEATURES)
        like = build(scenario)
        for change in changes(scenario, seed):
            if renumbered(edited(scenario, change), like) is not None:
                found |= {key.partition("[")[0].partition(".")[0] for key in change}
    assert found >= set(SHAPE)


def test_a_network_with_other_numbers_is_the_network_built_from_nothing(case) -> None:
    seed, scenario = case
    like, quick = _Builder(scenario).build(), 0
    for change in changes(scenario, seed):
        changed = edited(scenario, change)
        whole, found = _Builder(changed).build(), renumbered(changed, like)
        if found is not None:
            assert found == whole, change
            for name in STRUCTURE:
                assert getattr(found, name) == getattr(whole, name), (change, name)
            quick += found.shape is like.shape
    assert quick > 30


def test_a_plan_made_like_another_has_the_bits_of_one_made_from_nothing(case) -> None:
    seed, scenario = case
    plan = Plan.of(build(scenario))
    for change in changes(scenario, seed):
        top = build(edited(scenario, change))
        alone = Plan.of(Topology(top.scenario, top.points, top.links, top.sinks, top.families_of))
        plan = Plan.of(top, plan)  # what a study does: each like the one before
        assert equal(plan, alone), change
        assert equal(rates(plan), rates(alone)), change


def test_an_edit_is_what_the_schema_makes_of_the_edited_file(case) -> None:
    seed, scenario = case
    for change in changes(scenario, seed):
        data = scenario.to_dict()
        for key, value in change.items():
            Walk(key).replace(data, value)
        assert edited(scenario, change) == validate(data), change


def test_entries_that_no_change_leads_into_are_shared() -> None:
    scenario = random_scenario(1, ALL_FEATURES)
    changed = edited(scenario, {"stock[0].initial_stock": 77})
    assert changed.stock[0].initial_stock == 77
    assert changed.stock[0] is not scenario.stock[0]
    for section in ("sites", "items", "lanes", "stock", "demand"):
        pairs = zip(getattr(changed, section), getattr(scenario, section), strict=True)
        assert [a is b for a, b in pairs].count(False) == (section == "stock")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("stock[0].where.site", "nowhere*"),
        ("devices[0].where.site", "nowhere*"),
        ("lanes[0].items", ["nothing"]),
        ("sourcing[0].item", "nothing*"),
        ("production[0].lead_time", -1),
    ],
)
def test_what_is_wrong_is_refused_after_a_network_of_the_same_shape_was_checked(key, value) -> None:
    scenario = load("electronics")
    apply(scenario, {"demand[0].mean": 3})
    assert build(scenario).shape.checked
    with pytest.raises(ScenarioError):
        apply(scenario, {key: value})
