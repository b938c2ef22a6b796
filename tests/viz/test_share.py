"""What-ifs in links and files: all of it comes back, and nothing else gets in."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import twin
from twin.errors import ScenarioError
from viz import share

pytestmark = pytest.mark.nojit

OUTAGE = {"kind": "outage", "where": {"site": "chip_foundry"}, "start": 150, "duration": 45}
CHANGES = {
    "families.laptop.decoupling_point": "dc",
    "disruptions": [OUTAGE],
    "lanes[+]": [{"from": "memory_1", "to": "plant_west", "lead_time": 2}],
}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False,
                                                                allow_infinity=False) | st.text()  # fmt: skip
PLAIN = st.recursive(
    SCALARS,
    lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(), x, max_size=4),
    max_leaves=12,
)


def packed(content: bytes | str) -> str:
    raw = content.encode() if isinstance(content, str) else content
    return base64.urlsafe_b64encode(zlib.compress(raw, 9)).decode().rstrip("=")


@given(st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,20}\Z"),
       st.dictionaries(st.text(), PLAIN, max_size=5))  # fmt: skip
def test_what_went_into_a_link_comes_out_in_its_order(name: str, changes: dict) -> None:
    text = share.link(name, changes)
    assert text == share.link(name, changes)
    assert text is not None
    found = share.read(text)
    assert found == (name, changes) == share.from_file(share.to_file(name, changes))
    assert list(found[1]) == list(changes)


def test_a_shared_what_if_is_the_same_scenario() -> None:
    name, changes = share.read("?" + str(share.link("electronics", CHANGES)) + "&theme=dark")
    base = twin.load("electronics")
    assert twin.apply(twin.load(name), changes) == twin.apply(base, CHANGES)
    assert set(str(share.link("electronics", CHANGES))) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~=&"
    )


def test_without_changes_a_link_is_a_name() -> None:
    assert share.link("beer-game", {}) == "scenario=beer-game"
    assert share.read("scenario=beer-game") == ("beer-game", {})


def test_what_is_too_long_for_a_link_goes_into_a_file() -> None:
    noise = {f"sites.s{i}.owner": f"{i * 7919 % 10007:x}{i * 104729 % 99991:x}" for i in range(900)}
    assert share.link("electronics", noise) is None
    assert share.from_file(share.to_file("electronics", noise)) == ("electronics", noise)


def test_a_file_carries_a_scenario_that_is_not_shipped() -> None:
    own = twin.load("small-business").with_changes(name="mine")
    assert share.from_file(share.to_file(own, {"horizon": 200})) == (own, {"horizon": 200})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ("a" * 13_000, "characters, at most 6,000"),
        ("%%%", "damaged"),
        ("AAAA", "damaged"),
        (packed(json.dumps(CHANGES))[:-4], "its end is missing"),
        (packed("[1]"), "must be values by key"),
        (packed('"x"'), "must be values by key"),
        (packed('{"a":NaN}'), "NaN is no number"),
        (packed('{"a":1e999}'), "too large"),
        (packed('{"a":' + "1" * 5000 + "}"), "damaged"),
        (packed('{"a":' + "[" * 30 + "]" * 30 + "}"), "more than 20 brackets"),
        (packed('{"a":"\\ud800"}'), "half a letter"),
        (packed("[" * 100_000), "damaged"),
        (packed(b"\xff\xfe"), "damaged"),
        (packed("{}" + " " * 300_000), "unpacks to more than"),
        (packed("{}") + "&changes=" + packed("{}"), "does not say one scenario"),
    ],
    ids=["long", "letters", "zlib", "cut", "list", "text", "nan", "inf", "digits", "deep", "half",
         "endless", "bytes", "bomb", "twice"],
)  # fmt: skip
def test_garbage_in_a_link_is_said_and_never_read(changes: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        share.read(f"scenario=electronics&changes={changes}")


@pytest.mark.parametrize(
    "name", ["", "../secret", "/etc/passwd", "a.yaml", "C:\\x", "x\0", "a" * 81, "<script>"]
)
def test_a_name_is_never_a_path(name: str) -> None:
    for call in (
        lambda: share.read(f"scenario={name}"),
        lambda: share.link(name, {}),
        lambda: share.to_file(name, {}),
        lambda: share.from_file(json.dumps({"scenario": name, "changes": {}}).encode()),
    ):
        with pytest.raises(ScenarioError, match="must be the name of a shipped scenario"):
            call()


def test_a_bomb_is_stopped_before_it_unpacks(monkeypatch) -> None:
    bomb = packed(b"0" * 4_000_000)
    assert len(bomb) < share.TOO_LONG
    asked = []
    real = zlib.decompressobj

    class Watched:
        def __init__(self) -> None:
            self.machine = real()

        def decompress(self, raw: bytes, most: int) -> bytes:
            found = self.machine.decompress(raw, most)
            asked.append(len(found))
            return found

    monkeypatch.setattr(share.zlib, "decompressobj", Watched)
    with pytest.raises(ScenarioError, match="unpacks to more"):
        share.read(f"scenario=electronics&changes={bomb}")
    assert asked == [share.MAX_UNPACKED + 1]


@pytest.mark.parametrize(
    "value", [float("nan"), object(), {1}, "\ud800"], ids=["nan", "object", "set", "half"]
)
def test_changes_that_are_no_plain_data_are_not_shared(value: Any) -> None:
    with pytest.raises(ScenarioError, match="must be plain data"):
        share.link("electronics", {"horizon": value})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "damaged"),
        (b"[]", "two keys scenario and changes"),
        (b'{"scenario": "electronics"}', "two keys"),
        (b'{"scenario": {"sites": 3}, "changes": {}}', "sites"),
        (b'{"scenario": {"sites": %s1%s}, "changes": {}}' % (b"[" * 400, b"]" * 400), "brackets"),
        (b'{"scenario": "electronics", "changes": [1]}', "must be values by key"),
        (b" " * (share.MAX_FILE + 1), "at most 20,000,000"),
    ],
)
def test_a_wrong_file_is_said(content: bytes, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        share.from_file(content)
