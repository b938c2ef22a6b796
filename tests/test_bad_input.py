"""Every broken scenario gets one error that says value, place, what is allowed, what to do."""

from __future__ import annotations

import contextlib
import random
import re

import pytest

from tests.bad_scenarios import BAD, BASE, Bad
from twin.errors import NetworkError, ScenarioError, TwinError
from twin.load import load, load_text
from twin.run import run
from twin.schema import Scenario


def test_the_scenario_that_the_cases_break_is_whole():
    assert load_text(BASE).horizon == 30


def test_every_case_has_its_own_name():
    assert len({bad.name for bad in BAD}) == len(BAD) >= 45


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_broken_scenario_is_refused_in_words(bad: Bad, tmp_path):
    path = bad.write(tmp_path)
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(ScenarioError) as raised:
        load(path)
    message = str(raised.value)
    assert any(name in message for name in (path.name, *bad.files))
    for words in bad.says:
        assert words in message, f"{words!r} not in: {message}"
    assert "Traceback" not in message
    assert "pydantic" not in message
    assert len(message.splitlines()) <= 11
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_cycles_and_unreachable_markets_are_network_errors(tmp_path):
    kinds = {b.name: b for b in BAD}
    for name in ("cycle", "bom_loop", "unreachable_market", "path_cut_twice"):
        folder = tmp_path / name
        folder.mkdir()
        with pytest.raises(NetworkError):
            load(kinds[name].write(folder))


def test_all_problems_are_listed_in_the_order_of_the_file_and_at_most_ten():
    broken = BASE.replace("horizon: 30", "horizon: -1").replace("mean: 4", "mean: -4")
    with pytest.raises(ScenarioError) as raised:
        load_text(broken, "x")
    lines = str(raised.value).splitlines()
    assert [line.split(",")[1] for line in lines] == [" line 2", " line 24"]
    many = BASE.replace("- {name: dc, stage: dc}", "\n".join(["- {nme: a}"] * 9))
    with pytest.raises(ScenarioError) as raised:
        load_text(many, "x")
    assert str(raised.value).splitlines()[10:] == ["... and 8 more problems"]


@pytest.mark.parametrize("text", ["", "  ", "a\0b", "sites: {table: s.csv}\n"])
def test_text_without_a_file_is_refused_in_words(text):
    with pytest.raises(ScenarioError, match=r"empty|NUL|save the text first"):
        load_text(text, "x")


@pytest.mark.parametrize("name", ["", "beer-gam", "a\0.yaml", "no/such.yaml", "x" * 300 + ".yaml"])
def test_name_of_nothing_is_refused_in_words(name):
    with pytest.raises(ScenarioError, match=r"no such file|neither a file|cannot be opened"):
        load(name)


ODD = ["[]", "{}", "~", "-1", "1e308", ".nan", '""', "'*'", "a/b", "dc", "[1, 2]", "{a: 1}", "true",
       "make", "{table: x}", "- ", "gamma", "wood", "[[]]"]  # fmt: skip


@pytest.mark.parametrize("seed", range(150))
def test_mangled_scenario_is_read_or_refused_but_never_breaks_the_reader(seed):
    luck = random.Random(seed)
    tokens = re.split(r"(\s+|[{}\[\],:])", BASE)
    for _ in range(luck.randint(1, 3)):
        tokens[luck.randrange(len(tokens))] = luck.choice([*ODD, "", luck.choice(tokens)])
    with contextlib.suppress(TwinError):  # any other error is a failure
        load_text("".join(tokens))


def test_a_scenario_made_in_python_is_checked_like_a_file():
    made = Scenario.model_validate(
        {
            "sites": [{"name": "shop"}],
            "items": [{"name": "tea"}],
            "purchases": [{"site": "shop", "item": "tea", "lead_time": 2}],
            "demand": [{"site": "shop", "item": "tea", "mean": 3}],
            "stock": [{"policy": {"kind": "s_S", "reorder_point": 50, "level": 10}}],
        }
    )

    with pytest.raises(ScenarioError, match=r"level = 10 .* reorder_point = 50"):
        run(made, replications=1)
