"""What is kept of one scenario for the next: nothing that is found or made may depend on it."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from tests.bad_scenarios import BAD, BASE
from twin.check import check
from twin.errors import ScenarioError
from twin.load import load_text
from twin.memory import Made
from twin.schema import Scenario
from twin.sums import total
from twin.validate import validate
from twin.yaml_text import parse


def said(scenario: Scenario) -> str:
    """Return what is wrong with a scenario."""
    try:
        check(scenario)
    except ScenarioError as error:
        return str(error)
    return ""


def elsewhere(scenario: Scenario) -> str:
    """Return the same as a thread says it that checked nothing before."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(said(scenario)))
    thread.start()
    thread.join()
    return found[0]


def broken(base: Scenario) -> list[Scenario]:
    """Return the bad scenarios that the schema takes, with the base's entries where they can."""
    found = []
    for bad in BAD:
        try:
            other = validate(parse((bad.files["bad.yaml"] or b"").decode(), "bad")[0])
        except (KeyError, UnicodeDecodeError, ScenarioError):
            continue
        new = {name: getattr(other, name) for name in other.model_fields_set}
        old = {name: getattr(base, name) for name in new if getattr(base, name) == new[name]}
        found.append(other.model_copy(update=old))
    return found


def test_a_scenario_is_refused_in_the_same_words_whatever_was_checked_before() -> None:
    base = load_text(BASE)
    cases = broken(base)
    for case in cases:
        assert said(base) == ""  # and its sections need no second look
        assert said(case) == said(case) == elsewhere(case)
    assert sum(said(case) != "" for case in cases) > 15


def test_a_list_that_was_changed_in_place_is_looked_at_again() -> None:
    scenario = load_text(BASE)
    assert said(scenario) == ""
    scenario.lanes.append(scenario.lanes[0])
    assert "lanes[2]" in said(scenario)


def test_what_is_made_of_each_thing_is_made_anew_for_new_things_alone() -> None:
    asked: list[int] = []

    def ask(of: list[int], made: Made) -> list[int]:
        asked.clear()
        return made.each("squares", of, lambda n: asked.append(n) or of[n] ** 2)  # type: ignore[func-returns-value]

    first = Made()
    assert ask([1, 2, 3], first) == [1, 4, 9]
    second = Made(first)
    assert (ask([1, 5, 3], second), asked) == ([1, 25, 9], [1])
    assert (ask([1, 2, 3], first), asked) == ([1, 4, 9], [])  # the older one is as it was
    assert (ask([1, 5], Made(second)), asked) == ([1, 25], [0, 1])


@pytest.mark.parametrize("things", [1, 7, 8, 9, 130, 1000])
def test_a_sum_has_the_same_bits_alone_and_beside_others(things: int) -> None:
    values = np.random.default_rng(things).lognormal(sigma=4, size=(things, 65))
    for chosen in (values, values[:, :2], values[:, ::3], np.asfortranarray(values)):
        whole = total(chosen)
        alone = [total(chosen[:, [k]])[0] for k in range(chosen.shape[1])]
        assert whole.tobytes() == np.array(alone).tobytes()
