"""Scenarios in and out of files."""

from __future__ import annotations

import json
import os

import pytest

from tests.bad_scenarios import BASE
from twin.check import CHECKS, SHAPE_CHECKS, TOPOLOGY_CHECKS, check
from twin.errors import OutputError, ScenarioError
from twin.load import find, load, load_text, save, shipped, to_text
from twin.schema import Scenario
from twin.yaml_text import scalar

SHIPPED = [name for name, _, _ in shipped()]


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("ending", [".yaml", ".json"])
def test_saved_scenario_loads_as_the_same(name, ending, tmp_path):
    scenario = load(name)
    save(scenario, tmp_path / f"copy{ending}")
    assert load(tmp_path / f"copy{ending}") == scenario


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_scenarios_have_a_title_and_are_found_with_either_dash(name):
    titles = {n: title for n, title, _ in shipped()}
    assert titles[name]
    assert find(name) == find(name.replace("-", "_")) == find(name.replace("_", "-"))


@pytest.mark.parametrize(
    "word", ["no", "1e5", "007", "1_000", "2026-01-01", "~", "a: b", "é", ".5"]
)
def test_texts_that_look_like_something_else_come_back_as_text(word):
    scenario = load_text(BASE).with_changes(title=word, description=word)
    again = load_text(to_text(scenario))
    assert (again.title, again.description) == (word, word)


@pytest.mark.parametrize(
    ("word", "value"),
    [("1", 1), ("-0", 0), ("1.", 1.0), ("1e5", 1e5), ("+.5", 0.5), ("", None), ("~", None),
     ("true", True), ("yes", "yes"), ("007", "007"), ("1_0", "1_0"), ("0x1f", "0x1f"),
     ("12:30", "12:30"), ("2026-01-01", "2026-01-01"), ("-.inf", float("-inf"))],
)  # fmt: skip
def test_words_mean_what_yaml_1_2_says(word, value):
    assert scalar(word) == value
    assert type(scalar(word)) is type(value)


def test_defaults_are_left_out_and_the_text_is_always_the_same():
    text = to_text(load_text(BASE))
    assert text == to_text(load_text(text))
    assert "warmup" not in text
    assert "lead_time: 2\n" in text
    assert "stages: [maker, dc, shop]\n" in text


def test_json_may_be_indented_with_tabs_and_escape_emoji():
    data = {**load_text(BASE).to_dict(), "title": "🚚 \t"}
    text = json.dumps(data, indent="\t", ensure_ascii=True)
    assert load_text(text).title == "🚚 \t"


def test_byte_order_mark_of_windows_is_read(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").encode())
    assert load(path) == load_text(BASE)


def test_save_leaves_the_old_file_when_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "a.yaml"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        save(load_text(BASE), path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.yaml"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("name", ["no/such/folder.yaml", "a\0.yaml"])
def test_save_says_where_it_cannot_write(name, tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        save(load_text(BASE), tmp_path / name)


def test_save_wants_a_known_ending(tmp_path):
    with pytest.raises(ScenarioError, match=r"'\.txt'"):
        save(load_text(BASE), tmp_path / "a.txt")
    assert not list(tmp_path.iterdir())


def test_checks_name_paths_for_scenarios_built_in_python():
    base = load_text(BASE).model_dump(by_alias=True, exclude_unset=True)
    base["lanes"][1]["from"] = "dcc"
    with pytest.raises(ScenarioError, match=r"^lanes\[1\]\.from = 'dcc'; no such site, did you"):
        check(Scenario.model_validate(base))


def test_check_returns_the_network():
    topology = check(load_text(BASE))
    assert sorted(topology.row_of) == ["dc/chair", "maker/chair", "maker/wood", "shop/chair"]


@pytest.mark.parametrize(
    "one", [*CHECKS, *SHAPE_CHECKS, *TOPOLOGY_CHECKS], ids=lambda one: one.__name__
)
def test_every_check_says_what_it_requires(one):
    assert (one.__doc__ or "").startswith("Require that ")
