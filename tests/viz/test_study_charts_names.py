"""Names from files as a study's page says them."""

from __future__ import annotations

import pytest

from viz.study_charts_names import said, sentence

pytestmark = pytest.mark.nojit

NAMES = [
    ("board_fab", "board fab"),
    ("chip_foundry->board_fab", "chip foundry → board fab"),
    ("stock[].policy.safety_factor", "safety factor (stock policy)"),
    ("lanes[].lead_time.value", "lead time (lanes)"),
    ("items[].value", "value (items)"),
    ("costs.capital_rate", "capital rate (costs)"),
    ("dc.east", "dc.east"),
]


@pytest.mark.parametrize(("name", "words"), NAMES)
def test_a_name_is_said_in_words(name, words):
    assert said(name) == words


def test_names_in_a_sentence_are_said_in_words():
    told = sentence("running_cost: turn stock[].policy.safety_factor first at board_fab/chip_a.")
    assert told == "Running cost: turn safety factor (stock policy) first at board fab/chip a."


@pytest.mark.parametrize(
    "typed",
    ["late_cost", "mix_across=true", "'memory_1'", "`board_fab`", "tornado_otif.csv",
     "lanes[0].lead_time.value"],
)  # fmt: skip
def test_what_is_to_be_typed_keeps_its_spelling(typed):
    text = f"Give {typed} to weigh it."
    assert sentence(text, "decoupling-frontier") == text
