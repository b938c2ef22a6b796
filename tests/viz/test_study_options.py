"""The options of studies as a form: made from their schema, read back as the shell reads them."""

from __future__ import annotations

from typing import Any

import pytest

import twin
from twin.errors import TwinError
from twin.optimise.asked import Asked
from twin.shell import inputs
from twin.study import ready
from viz import studies, study_options
from viz.studies import Entry

FLAGSHIP = twin.load("electronics")
ENTRIES = [e for e in studies.catalogue() if studies.options_of(e)]
KINDS = {"number", "choice", "some", "switch", "text"}


def entry(name: str) -> Entry:
    return next(e for e in ENTRIES if e.name == name)


def field(name: str, key: str) -> dict[str, Any]:
    found = studies.fields(entry(name), {}, FLAGSHIP)
    return next(each for each in found if each["key"] == key)


@pytest.mark.parametrize("one", ENTRIES, ids=lambda e: e.name)
def test_every_option_has_a_field_with_its_meaning_but_what_the_page_says_itself(one):
    found = studies.fields(one, {}, FLAGSHIP)
    keys = [each["key"] for each in found]
    model = studies.options_of(one)
    assert sorted(keys) == sorted(set(model.model_fields) - {"scenario", "set"})
    assert keys[-2:] == ["replications", "seed"]
    assert all(each["below"] and each["kind"] in KINDS for each in found)


@pytest.mark.parametrize("one", ENTRIES, ids=lambda e: e.name)
def test_a_form_that_is_sent_as_it_stands_asks_for_the_defaults(one):
    shown = {f["key"]: f["value"] for f in studies.fields(one, {}, FLAGSHIP)}
    typed = {key: value for key, value in shown.items() if value not in (None, "")}
    assert len(typed) > 1
    model = studies.options_of(one)
    assert model.model_validate(studies.asked(one, typed)) == model()


WRONG = [
    ("stress-test", "duration", 0, "0"),
    ("stress-test", "what", "roads", "roads"),
    ("stress-test", "own", "chip_foundry: 2.5", "{chip_foundry: 2.5}"),
    ("covid-wave", "paces", "0.5, soon", "[0.5, soon]"),
    ("covid-wave", "severity", 2, "2"),
    ("sensitivity", "metrics", "runing_cost", "[runing_cost]"),
    ("sensitivity", "base", 100, "100"),
    ("decoupling-frontier", "families", "laptop, [", "[laptop, '[']"),
    ("value-of-information", "metric", "runing_cost", "runing_cost"),
]


@pytest.mark.parametrize(("name", "key", "typed", "in_shell"), WRONG)
def test_what_is_refused_is_refused_in_the_words_of_the_shell(name, key, typed, in_shell):
    given = inputs.changes([f"{key}={in_shell}"], "--with")
    with pytest.raises(TwinError) as shell:
        ready.ready_made(name, given)
    with pytest.raises(TwinError) as app:
        studies.asked(entry(name), {key: typed})
    assert str(app.value) == str(shell.value)
    assert key in str(app.value)


READ = [
    ("stress-test", "places", "dc_*, board_fab", ["dc_*", "board_fab"]),
    ("stress-test", "places", "*", "*"),
    ("stress-test", "own", "chip_foundry: 60, dc_*: 9", {"chip_foundry": 60, "dc_*": 9}),
    ("covid-wave", "lengths", "14, 28", [14, 28]),
    ("covid-wave", "lengths", "[14, 28]", [14, 28]),
    ("covid-wave", "backups", "0.5", [0.5]),
    ("sensitivity", "spread", "null", None),
    ("optimise", "families", "laptop", ["laptop"]),
]


@pytest.mark.parametrize(("name", "key", "typed", "value"), READ)
def test_lists_and_mappings_need_no_brackets(name, key, typed, value):
    assert studies.asked(entry(name), {key: typed}) == {key: value}


def test_choices_are_those_of_the_schema_and_units_the_words_of_the_scenario():
    assert field("stress-test", "what")["choices"] == [[x, x] for x in ("sites", "lanes", "both")]
    assert field("stress-test", "duration")["unit"] == "(days)"
    assert field("decoupling-frontier", "levers")["kind"] == "some"
    boxes = field("optimise", "levers")
    assert boxes["value"] == [value for value, _ in boxes["choices"]]
    aims = [value for value, _ in field("optimise", "aim")["choices"]]
    assert "running_cost" in aims
    assert "tts" not in aims


def test_a_study_of_a_file_has_no_options():
    plain = next(e for e in studies.catalogue() if e.name == "levers-of-a-shop")
    assert studies.fields(plain, {}, FLAGSHIP) == []
    assert studies.asked(plain, {}) == {}


def test_the_first_options_of_the_optimisation_are_what_to_keep_and_what_may_change():
    assert study_options.names(Asked)[: study_options.FIRST] == [
        "require",
        "levers",
        "aim",
        "budget",
    ]
